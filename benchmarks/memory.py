"""Peak memory of a training step, each column in a process of its own.

The child builds the model and the data, runs a tiny model of the same kind so that lazily loaded
code is there, gives freed memory back, resets the system's high-water mark, runs three steps and
reports how far the mark rose above what was resident before (Linux: `/proc/self/status`).
"""

import ctypes
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks import peers
from benchmarks.harness import Row

TITLE = "Peak memory of a training step, above what the model and the data take"
COLUMNS = {"minigrad": "minigrad", "NumPy": "numpy", "PyTorch": "torch"}
SMALL, LARGE = (8, (16, 16, 10)), (512, (784, 512, 512, 10))
CASES = {
    "MLP 512×784→512→512→10, SGD": ("mlp", (*SMALL, "SGD"), (*LARGE, "SGD")),
    "MLP 512×784→512→512→10, Adam": ("mlp", (*SMALL, "Adam"), (*LARGE, "Adam")),
    "deep MLP 1024×256, 16 layers, SGD": (
        "mlp",
        (*SMALL, "SGD"),
        (1024, (256,) * 17 + (10,), "SGD"),
    ),
    "conv net 64×1×28×28, SGD": ("conv", (2,), (64,)),
    "conv net 512×1×28×28, SGD": ("conv", (2,), (512,)),
}


def status(field):
    """Bytes of a field of /proc/self/status."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) << 10
    raise OSError(f"no {field} in /proc/self/status")


def make(module, library, arguments):
    """The step of a case."""
    from benchmarks import conv, mlp

    if module == "mlp":
        by_hand, framework = mlp.numpy_step, mlp.framework
    else:
        by_hand, framework = conv.numpy_net, conv.framework_net
    if library == "numpy":
        return by_hand(*arguments)
    return framework(library, *arguments)


def child(case, library):
    """Print the bytes."""
    peers.THREADS = int(os.environ.get("MINIGRAD_NUM_THREADS", "1"))
    module, small, large = CASES[case]
    peers.peer(library)
    warm = make(module, library, small)
    for _ in range(3):
        warm()
    step = make(module, library, large)
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    for _ in range(3):
        step()
    print(status("VmHWM") - before)


def measured(case, rounds):
    """{column: [bytes]}, the columns in turn."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(p or "." for p in sys.path))
    found = {}
    for _ in range(rounds):
        for column, library in COLUMNS.items():
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.memory", case, library],
                env=environment,
                capture_output=True,
                text=True,
            )
            if done.returncode == 0:
                found.setdefault(column, []).append(int(done.stdout))
            elif "ModuleNotFoundError" not in done.stderr:
                raise RuntimeError(f"{column}: {done.stderr.strip().splitlines()[-1]}")
    return found


def rows(quick):
    for case in list(CASES)[: 1 if quick else None]:
        yield Row(
            case,
            dict,
            measured=partial(measured, case, 1 if quick else 3),
            unit="B",
            headline=True,
            aims={"PyTorch": 1.0},
        )


if __name__ == "__main__":
    child(*sys.argv[1:])
