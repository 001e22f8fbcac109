"""`python -m benchmarks.ladder`: compile the steps, time them, print (and plot) GFLOP/s."""

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
from datetime import date
from pathlib import Path

from benchmarks.ladder import STEPS
from benchmarks.ladder.build import HERE, CannotBuild, load
from benchmarks.ladder.measure import ROUNDS

SIZES = (64, 128, 256, 512, 1024, 2048)
QUICK = (64, 256, 1024)
ROOT = HERE.parent.parent


def measure(sizes, threads, flags):
    """What measure.py finds in a process whose libraries all have `threads` threads."""
    pools = ("OPENBLAS", "OMP", "MKL", "BLIS", "VECLIB_MAXIMUM", "MINIGRAD")
    environment = {**os.environ, **{f"{pool}_NUM_THREADS": str(threads) for pool in pools}}
    environment["VECLIB_MAXIMUM_THREADS"] = str(threads)
    job = json.dumps({"sizes": sizes, "threads": threads, "flags": flags})
    command = [sys.executable, "-m", "benchmarks.ladder.measure", job]
    found = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    result = json.loads(found.stdout)
    return {name: {int(n): x for n, x in row.items()} for name, row in result.items()}


def table(title, names, sizes, cell):
    """Print a table in Markdown, aligned."""
    wide = max(map(len, (title, *names)))
    print(f"\n| {title:<{wide}} |" + "".join(f" {'n = ' + str(n):>10} |" for n in sizes))
    print(f"| {'-' * wide} |" + " ---------: |" * len(sizes))
    for name in names:
        print(f"| {name:<{wide}} |" + "".join(f" {cell(name, n):>10} |" for n in sizes))


def machine():
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(s.split(":")[1].strip() for s in lines if s.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main(arguments=None):
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ladder", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", metavar="N", help=f"default {SIZES}")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of step 7")
    parser.add_argument("--quick", action="store_true", help="three sizes")
    parser.add_argument("--svg", metavar="FILE", help="write the chart there")
    parser.add_argument(
        "--flags", default="", help='compiler flags to add for every step, as "--flags=-mno-fma"'
    )
    options = parser.parse_args(arguments)
    sizes = sorted(options.sizes or (QUICK if options.quick else SIZES))
    if min(sizes) < 1 or options.threads < 1:
        parser.error("sizes and threads must be positive")
    if options.svg and not importlib.util.find_spec("matplotlib"):
        parser.error("--svg needs matplotlib: pip install 'minigrad-cython[bench]'")
    flags = options.flags.split()
    print("compiling (the first time) …", file=sys.stderr)
    try:
        load(flags)
    except CannotBuild as error:
        print(error, file=sys.stderr)
        return 1
    one = measure(sizes, 1, flags)
    speeds = {name: row for name, row in one.items() if name != "peak"}
    if options.threads > 1:
        many = measure(sizes, options.threads, flags)
        speeds |= {
            name if name[0] == "7" else f"{name}, {options.threads} threads": row
            for name, row in many.items()
        }
    peak = max(one["peak"].values())
    report(speeds, one["peak"], peak, sizes, options.threads)
    if options.svg:
        from benchmarks.ladder.plot import plot

        plot(speeds, peak, sizes, options.threads, options.svg)
    return 0


def report(speeds, chains, peak, sizes, threads):
    """Print what was measured."""
    print(f"{machine()}, {date.today()}, float32, best of {ROUNDS} rounds")
    cells = ", ".join(f"{speed:.0f} with {k}" for k, speed in chains.items())
    print(f"peak of one core: {peak:.0f} GFLOP/s (chains of multiply-adds: {cells})")
    steps = [name for name in STEPS.values() if name in speeds]

    def speed(name, n):
        return f"{speeds[name][n]:.1f}" if n in speeds[name] else "–"

    def gain(name, n):
        previous = speeds[steps[steps.index(name) - 1]].get(n)
        return f"×{speeds[name][n] / previous:.2f}" if n in speeds[name] and previous else "–"

    def share(name, n):
        cores = threads if name.endswith("threads") else 1
        return f"{speeds[name][n] / peak / cores:.0%}" if n in speeds[name] else "–"

    table("GFLOP/s", speeds, sizes, speed)
    table("gain over the step before", steps[1:], sizes, gain)
    table("of the peak of its cores", speeds, sizes, share)


if __name__ == "__main__":
    sys.exit(main())
