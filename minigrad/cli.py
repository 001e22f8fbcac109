"""The command `minigrad`: the lab, and what runs.

    minigrad lab [list | NAME | P5…P9]…    experiments and their report
    minigrad info                          which build runs

Exit codes: 0 done; 1 an experiment failed or a library is missing; 2 a wrong command line;
130 interrupted (the report holds what finished).
"""

import argparse
import os
import sys

import minigrad as mg

LANGUAGES = ("en", "zh")

EPILOG = """examples:
  minigrad lab                       all experiments, then the report's path
  minigrad lab list                  what there is
  minigrad lab saddle momentum       two experiments
  minigrad lab P9 --full             a lecture, with more seeds and longer runs
  minigrad lab --redraw --lang zh    the report of what is saved, in Chinese

What is done is kept in DIR/data and not repeated; --fresh repeats it.
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
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes (one a core); experiments that measure times run alone in any case",
    )
    lab.add_argument(
        "--data",
        metavar="NAME|PATH",
        help="digits, fashion-mnist, mnist, a folder of IDX files or an .npz with x and y, "
        "for the experiments that take any (digits; with --full the largest that is here)",
    )
    lab.add_argument("--fresh", action="store_true", help="repeat runs that are done already")
    lab.add_argument(
        "--lang",
        choices=LANGUAGES,
        default="en",
        help="language of claims, verdicts and report: English or Chinese (%(default)s)",
    )
    lab.add_argument(
        "--redraw", action="store_true", help="write the report of saved measurements, run nothing"
    )
    commands.add_parser("info", help="which build runs: engine, kernels, CPU level, threads")
    return top


def list_experiments(language):
    """Print the experiments by lecture."""
    from minigrad.lab import experiments, lectures
    from minigrad.lab.words import translate

    for lecture, title in lectures().items():
        print(f"{lecture}  {translate(title, language)}")
        for e in experiments():
            if e.lecture == lecture:
                seeds = len(e.seeds())
                title = translate(e.TITLE, language)
                print(f"  {e.ROW:>2} {e.name:<18} {title} ({seeds} × {e.SECONDS:.1g} s)")
    return 0


def verdicts(outcomes, language):
    """Print the table of verdicts."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from minigrad.lab.words import say, translate

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    heads = say("Claim"), say("Experiment"), say("Verdict"), say("Key number"), say("Seeds")
    for head in heads:
        table.add_column(translate(head, language), no_wrap=head == "Verdict")
    for outcome in outcomes:
        e, verdict, measurements = outcome.experiment, outcome.verdict, outcome.measurements
        seeds = str(len(measurements["seeds"])) if measurements else "0"
        words = (translate(w, language) for w in (verdict.outcome, verdict.key))
        table.add_row(f"{e.lecture} {e.ROW}", e.name, *words, seeds)
    Console(markup=False, highlight=False).print(table)


def lab(options):
    """`minigrad lab`; returns the exit code."""
    from minigrad.lab import run, select
    from minigrad.lab.data import MissingData
    from minigrad.lab.registry import UnknownName
    from minigrad.lab.runner import judged, redraw
    from minigrad.lab.store import variant

    if "list" in options.names:
        return list_experiments(options.lang)
    interrupted = False
    which = variant(options.full, options.data)
    try:
        select(options.names)
        if options.redraw:
            path = redraw(options.out, language=options.lang, which=which)
            outcomes = judged(options.names, options.out, which)
        else:
            outcomes, path, interrupted = run(
                options.names,
                seeds=options.seeds,
                full=options.full,
                folder=options.out,
                jobs=options.jobs,
                dataset=options.data,
                fresh=options.fresh,
                language=options.lang,
            )
    except (UnknownName, MissingData) as error:
        print(f"minigrad lab: {error}", file=sys.stderr)
        return 2
    verdicts(outcomes, options.lang)
    for outcome in outcomes:
        if outcome.failed:
            print(f"{outcome.experiment.name}: {outcome.verdict.reasons[0]}", file=sys.stderr)
    print(f"Report: {path.resolve()}")
    if interrupted:
        print("Interrupted: the report holds what finished; the same command goes on.",
              file=sys.stderr)  # fmt: skip
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
