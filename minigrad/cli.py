"""The command `minigrad`: the lab, and what runs.

    minigrad lab [list | NAME | P5…P9]…    experiments and their report
    minigrad info                          which build runs

Exit codes: 0 done; 1 an experiment failed or a library is missing; 2 a wrong command line;
130 interrupted (the report holds what finished).
"""

import argparse
import sys

import minigrad as mg

EPILOG = """examples:
  minigrad lab                    all experiments, then the report's path
  minigrad lab list               what there is
  minigrad lab saddle             one experiment
  minigrad lab P9 --full          a lecture, with more seeds and longer runs
"""


def count(text):
    """A positive whole number, as argparse wants it."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return value


def parser():
    """The command line's grammar."""
    top = argparse.ArgumentParser(
        prog="minigrad",
        description="Autodiff that shows why a network will not train.",
    )
    top.add_argument("--version", action="version", version=f"minigrad {mg.__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    lab = commands.add_parser(
        "lab",
        help="run experiments and write a report",
        description="Run the lecture's claims as experiments and write minigrad-lab/index.html.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    lab.add_argument(
        "names", nargs="*", metavar="NAME", help="experiments or lectures (P5…P9), or `list`"
    )
    lab.add_argument("--seeds", type=count, metavar="N", help="runs of each experiment")
    lab.add_argument("--full", action="store_true", help="more seeds, longer runs")
    lab.add_argument(
        "--out", default="minigrad-lab", metavar="DIR", help="folder of the report (%(default)s)"
    )
    lab.add_argument(
        "--jobs",
        type=count,
        default=1,
        metavar="N",
        help="processes; measured times are fair with one (%(default)s)",
    )
    lab.add_argument(
        "--redraw", action="store_true", help="write the report of saved measurements, run nothing"
    )
    commands.add_parser("info", help="which build runs: engine, kernels, CPU level, threads")
    return top


def list_experiments():
    """Print the experiments by lecture."""
    from minigrad.lab import experiments, lectures

    for lecture, title in lectures().items():
        print(f"{lecture}  {title}")
        for e in experiments():
            if e.lecture == lecture:
                seconds = e.SECONDS * len(e.seeds())
                print(f"    {e.name:<12} {e.TITLE} ({len(e.seeds())} seeds, ~{seconds:.0f} s)")
    return 0


def verdicts(outcomes):
    """Print the table of verdicts."""
    from rich.console import Console
    from rich.table import Table

    table = Table("Lecture", "Experiment", "Verdict", "Key number", "Seeds")
    for outcome in outcomes:
        e, verdict, measurements = outcome.experiment, outcome.verdict, outcome.measurements
        seeds = str(len(measurements["seeds"])) if measurements else "0"
        table.add_row(e.lecture, e.name, verdict.outcome, verdict.key, seeds)
    Console(markup=False, highlight=False).print(table)


def lab(options):
    """`minigrad lab`; returns the exit code."""
    from minigrad.lab import run, select
    from minigrad.lab.registry import UnknownName
    from minigrad.lab.runner import judged, redraw

    if "list" in options.names:
        return list_experiments()
    try:
        select(options.names)
    except UnknownName as error:
        print(f"minigrad lab: {error}", file=sys.stderr)
        return 2
    interrupted = False
    if options.redraw:
        path, outcomes = redraw(options.out), judged(options.names, options.out)
    else:
        outcomes, path, interrupted = run(
            options.names,
            seeds=options.seeds,
            full=options.full,
            folder=options.out,
            jobs=options.jobs,
        )
    verdicts(outcomes)
    for outcome in outcomes:
        if outcome.failed:
            print(f"{outcome.experiment.name}: {outcome.verdict.reasons[0]}", file=sys.stderr)
    print(f"Report: {path.resolve()}")
    if interrupted:
        print("Interrupted: the report holds what finished.", file=sys.stderr)
        return 130
    return int(any(outcome.failed for outcome in outcomes))


def main(arguments=None):
    """Run the command line; returns the exit code.

    >>> main(["lab", "no-such-experiment"])
    2
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without ≥ or η gets a ? for it
            stream.reconfigure(errors="replace")
    grammar = parser()
    options = grammar.parse_args(arguments)
    try:
        if options.command == "lab":
            return lab(options)
        if options.command == "info":
            mg.show_config()
            return 0
    except ImportError as error:
        print(f"minigrad: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # a folder that cannot be written
        print(f"minigrad: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    grammar.print_help()
    return 0
