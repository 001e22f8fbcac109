"""What the numbers were measured on: CPU, caches, versions, build, threads, date."""

import datetime
import os
import platform
from importlib import metadata
from pathlib import Path

import minigrad as mg
from benchmarks import peers

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")


def cpu():
    """The CPU's name, as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def caches():
    """Bytes of the L1 (data), L2 and L3 cache that one core sees; a guess where unknown."""
    sizes = {1: 32 << 10, 2: 1 << 20, 3: 32 << 20}
    for index in sorted(CACHES.glob("index*")):
        try:
            kind = (index / "type").read_text().strip()
            level = int((index / "level").read_text())
            size = (index / "size").read_text().strip()
        except (OSError, ValueError):
            continue
        if kind != "Instruction" and size.endswith("K"):
            sizes[level] = int(size[:-1]) << 10
    return sizes


def working_sets():
    """Bytes that sit in half of L1, half of L2, an eighth of L3 (others share it), in memory."""
    sizes = caches()
    memory = min(max(4 * sizes[3], 128 << 20), 256 << 20)
    return {"L1": sizes[1] // 2, "L2": sizes[2] // 2, "L3": sizes[3] // 8, "memory": memory}


def versions():
    """Installed versions of the peers."""
    found = {}
    for name in peers.PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def facts(threads):
    """All of it, as a dict that JSON can hold."""
    build = mg.get_config()
    build.pop("numpy", None)
    build["threads"] = str(threads)
    able = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count())
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": cpu(),
        "cpus": len(able),
        "caches": {f"L{level}": size for level, size in caches().items()},
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "threads": threads,
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "build": build,
        "versions": versions(),
    }


def header(found):
    """The facts in a few lines."""
    build = found["build"]
    sizes = ", ".join(f"{k} {v >> 10} KiB" for k, v in found["caches"].items())
    names = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    lines = [
        f"{found['date']}  {found['cpu']} ({sizes}), {found['threads']} thread(s) "
        f"on {found['cpus']} CPU(s), load before {found['load']}",
        f"{found['system']}; minigrad {build['minigrad']}: engine {build['engine']}, kernels "
        f"{build['kernels']}, CPU level {build['cpu level']}",
        names,
    ]
    if found["threads"] > 1 and (found["load"] or 0) > 0.5:
        lines.append(
            "! The machine is not idle. A library whose threads wait for one another then waits "
            "for a stranger's time slice, milliseconds long: do not trust its column."
        )
    return "\n".join(lines)
