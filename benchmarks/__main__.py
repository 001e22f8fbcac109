"""`python -m benchmarks [NAME…] [--quick] [--json FILE]`: print the tables."""

import argparse
import json
import os
import sys

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from importlib import import_module  # noqa: E402

import minigrad as mg  # noqa: E402
from benchmarks import harness  # noqa: E402

NAMES = ("scalar_chain", "overhead", "mlp", "gemm", "cross_entropy", "batch_norm", "hessian")


def main(arguments=None):
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help="of: list " + " ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="fewer rounds, fewer rows")
    parser.add_argument("--json", metavar="FILE", help="write the medians (seconds) there too")
    options = parser.parse_args(arguments)
    if options.names == ["list"]:
        for name in NAMES:
            print(f"{name:<15} {import_module('benchmarks.' + name).TITLE}")
        return 0
    unknown = [n for n in options.names if n not in NAMES]
    if unknown:
        parser.error(f"unknown benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    mg.show_config()
    results = {}
    for name in options.names or NAMES:
        results[name] = harness.run(import_module("benchmarks." + name), options.quick)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
