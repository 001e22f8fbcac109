"""`python -m benchmarks [list] [MODULE…] [options]`: print the tables."""

import argparse
import os
import sys
from importlib import import_module

from benchmarks import NAMES


def parse(arguments):
    """The options, checked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="MODULE", help="of: list " + " ".join(NAMES))
    parser.add_argument("-k", metavar="PATTERN", help="only rows whose name contains this")
    parser.add_argument("--rows", action="store_true", help="with list: the rows too")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of ours and peers")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, fewer rows")
    parser.add_argument("--json", metavar="FILE", help="write everything that was measured")
    parser.add_argument(
        "--markdown", metavar="FILE", nargs="?", const="-", help="a table for a README"
    )
    parser.add_argument("--every-row", action="store_true", help="in --markdown, not the means")
    parser.add_argument("--chart", metavar="FOLDER", help="write gemm.svg and ratios.svg")
    parser.add_argument(
        "--load", metavar="FILE", nargs="+", help="measure nothing: take --json FILEs again"
    )
    options = parser.parse_args(arguments)
    options.list = options.names[:1] == ["list"]
    if options.list:
        options.rows = options.rows or bool(options.names[1:]) or options.k is not None
        options.names = options.names[1:]
    unknown = [n for n in options.names if n not in NAMES]
    if unknown:
        parser.error(f"unknown benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    if options.threads < 1:
        parser.error(f"--threads must be at least 1, got {options.threads}")
    if not options.list and not options.load:
        able = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        if options.threads > able:
            parser.error(f"--threads {options.threads}: this process may use {able} CPUs")
    options.names = options.names or NAMES
    return options


def confine(threads):
    """Hold every library to `threads` threads; must run before any of them is imported.

    OpenBLAS, MKL and OpenMP read their variables when they load. JAX has no such option: XLA
    makes a thread for each CPU the process may use, so the process is confined to that many
    CPUs, the last ones, which is fair to all columns and keeps them from being moved about.
    """
    for library in ("OPENBLAS", "OMP", "MKL", "VECLIB_MAXIMUM", "MINIGRAD", "NUMBA"):
        os.environ[f"{library}_NUM_THREADS".replace("MAXIMUM_NUM", "MAXIMUM")] = str(threads)
    if threads == 1:
        flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
    os.environ["JAX_PLATFORMS"] = "cpu"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def show_list(names, rows, quick, pattern):
    """The modules with their titles; with `rows` what each would measure."""
    for name in names:
        module = import_module("benchmarks." + name)
        print(f"{name:<15}{module.TITLE}")
        for row in module.rows(quick) if rows else ():
            if pattern is None or pattern in row.name:
                print(f"    {row.name}")


def main(arguments=None):
    """Run what is asked for."""
    options = parse(arguments)
    if options.list:
        show_list(options.names, options.rows, options.quick, options.k)
        return 0
    if not options.load:
        confine(options.threads)
    from benchmarks import report, table  # NumPy is first imported here

    if options.load:
        run = report.load(options.load)
    else:
        run = table.run(options)
    if options.json:
        report.save(run, options.json)
    if options.markdown:
        report.markdown(run, options.markdown, options.every_row)
    if options.chart:
        from benchmarks import charts

        charts.write(run, options.chart)
    return 0


if __name__ == "__main__":
    sys.exit(main())
