"""Running experiments: seeds, processes, progress, and a report whatever happens.

What is measured is saved after each run, and the report is written again after each experiment,
so that an interruption loses the unfinished runs and nothing else. A run is done when its seed is
saved with the same settings and the same source of the experiment; what is done is not repeated.
"""

import contextlib
import hashlib
import inspect
import os
import platform
import signal
import threading
import time
import traceback
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import minigrad as mg
from minigrad.lab import data, extras, progress, store
from minigrad.lab.experiment import UNDECIDED, Verdict
from minigrad.lab.registry import select
from minigrad.lab.words import say


class Outcome(NamedTuple):
    """What became of one experiment: its measurements (None: none) and its verdict."""

    experiment: object
    measurements: object
    verdict: Verdict
    failed: bool = False


class Plan(NamedTuple):
    """What is to be done of one experiment."""

    experiment: object
    settings: dict
    seeds: list  # asked for
    which: str  # variant of the saved file
    measurements: dict  # as they are, with the runs that are done

    @property
    def missing(self):
        """The seeds that have no run yet."""
        return [s for s in self.seeds if s not in self.measurements["seeds"]]


def environment():
    """Where the measurements were taken, as plain data."""
    return {
        **mg.get_config(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
    }


def source_of(experiment):
    """A fingerprint of the experiment's module: other source, other measurements."""
    text = inspect.getsource(experiment.module) + mg.__version__
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def judge(experiment, measurements):
    """The experiment's outcome; an error in the run or in the verdict leaves it undecided."""
    if measurements is None:
        verdict = Verdict(UNDECIDED, say("not run"), [say("Not run.")])
        return Outcome(experiment, None, verdict)
    error = measurements.get("error")
    if error is not None:
        reason = say("A run failed: {error}", error=error.strip().splitlines()[-1])
        return Outcome(experiment, measurements, Verdict(UNDECIDED, say("failed"), [reason]), True)
    try:
        verdict = experiment.verdict(measurements)
    except Exception as problem:
        what = f"{type(problem).__name__}: {problem}"
        reason = say("The verdict failed: {error}", error=what)
        return Outcome(experiment, measurements, Verdict(UNDECIDED, say("failed"), [reason]), True)
    missing = measurements["planned"] - len(measurements["seeds"])
    if missing > 0:
        verdict.reasons.append(
            say(
                "Interrupted: {missing} of {planned} runs are missing.",
                missing=missing,
                planned=measurements["planned"],
            )
        )
    return Outcome(experiment, measurements, verdict)


def one_run(experiment, seed, settings, alone=True):
    """(experiment's name, seed, measurements, seconds, error): what a worker process does."""
    if not alone:
        mg.set_num_threads(1)  # the other processes use the other cores
    start = time.perf_counter()
    try:
        result, error = store.plain(experiment.run(seed, settings)), None
    except Exception:
        result, error = None, traceback.format_exc()
    return experiment.name, seed, result, time.perf_counter() - start, error


def all_runs(plans, jobs):
    """The missing runs as they finish: in this process, or in `jobs` others.

    Experiments that measure times come first, one at a time, in this process.
    """
    here, spread = [], []
    for p in plans:
        tasks = here if jobs == 1 or p.experiment.timed else spread
        tasks += [(p.experiment, seed, p.settings) for seed in p.missing]
    if len(spread) == 1:
        here, spread = here + spread, []
    for task in here:
        yield one_run(*task)
    if not spread:
        return
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch="2*n_jobs")
    with no_interrupt():  # the workers inherit this: Ctrl-C is the main process's business
        results = parallel(delayed(one_run)(*task, alone=False) for task in spread)
    yield from results


@contextlib.contextmanager
def no_interrupt():
    """Ctrl-C does nothing meanwhile, here and in processes that are started."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Bar:
    """A progress bar over all runs of all experiments, in expected seconds, with time left."""

    def __init__(self, console, total):
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.progress import TimeRemainingColumn as Remaining

        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            Remaining(),
            console=console,
        )
        self.task = self.progress.add_task("lab", total=total)
        self.done, self.name, self.weight = 0.0, "", 0.0

    def __enter__(self):
        self.progress.start()
        progress.listen(self.within)
        return self

    def __exit__(self, *exception):
        progress.listen(None)
        self.progress.stop()

    def within(self, fraction, doing):
        """The present run of this process is at `fraction`."""
        text = f"{self.name}: {doing}" if doing else self.name
        self.progress.update(
            self.task, completed=self.done + fraction * self.weight, description=text
        )

    def begin(self, experiment):
        """The next run of this process is of `experiment`."""
        self.name, self.weight = experiment.name, experiment.SECONDS
        self.progress.update(self.task, description=self.name)

    def finished(self, experiment):
        """One more run is done."""
        self.done += experiment.SECONDS
        self.progress.update(self.task, completed=self.done, description=experiment.name)


def prepare(experiment, seeds, full, dataset, folder, fresh):
    """The plan of one experiment, with the runs that were saved before and still count."""
    settings = store.plain(experiment.settings(full, dataset))
    chosen = dataset if "data" in settings else None
    wanted = experiment.seeds(full, seeds)
    which = store.variant(full, chosen)
    source = source_of(experiment)
    saved = None if fresh else store.load(folder, experiment.name, which)
    if saved and saved["settings"] == settings and saved.get("source") == source:
        saved.update(error=None, planned=len({*saved["seeds"], *wanted}))
        return Plan(experiment, settings, wanted, which, saved)
    measurements = {
        "experiment": experiment.name,
        "settings": settings,
        "full": full,
        "data": chosen,
        "source": source,
        "planned": len(wanted),
        "seeds": [],
        "runs": [],
        "seconds": [],
        "finished": "",
        "environment": environment(),
        "error": None,
    }
    return Plan(experiment, settings, wanted, which, measurements)


def add(plan, seed, result, seconds, error, folder):
    """Put one run to the others, in the order of the seeds, and save them."""
    m = plan.measurements
    if error is not None:
        m["error"] = error
    else:
        rows = [*zip(m["seeds"], m["runs"], m["seconds"], strict=True), (seed, result, seconds)]
        columns = zip(*sorted(rows, key=lambda row: row[0]), strict=True)
        m["seeds"], m["runs"], m["seconds"] = map(list, columns)
    m["finished"] = datetime.now().astimezone().isoformat(timespec="seconds")
    store.save(folder, plan.experiment.name, m, plan.which)


def run(
    names=(),
    seeds=None,
    full=False,
    folder="minigrad-lab",
    jobs=1,
    console=None,
    dataset=None,
    fresh=False,
    language="en",
):
    """Run experiments and write the report.

    Parameters
    ----------
    names : iterable of str
        Experiments and lectures, as for `select`; empty for all.
    seeds : int, optional
        Runs of each experiment, instead of its own number.
    full : bool
        The longer settings.
    folder : str or Path
        Gets ``index.html``, the other pages, and the measurements, ``data/*.json``.
    jobs : int
        Processes. Experiments that measure times run alone whatever this is.
    console : rich.console.Console, optional
        Of the progress bar; standard error without.
    dataset : str, optional
        For the experiments that take any: see `minigrad.lab.data`.
    fresh : bool
        Repeat what is done already.
    language : str
        Of the report, 'en' or 'zh'.

    Returns
    -------
    (list of Outcome, Path, bool)
        One outcome for each chosen experiment, the report's path, and whether an interrupt
        (Ctrl-C) ended it early; the report is complete for what finished.

    Raises
    ------
    ImportError
        A library of the extra `lab` is missing.
    UnknownName
        A name is neither an experiment nor a lecture.
    minigrad.lab.data.MissingData
        The data set is not on this machine.
    """
    extras.require()
    from rich.console import Console

    if dataset:
        data.check(dataset)
    folder = Path(folder)
    plans = [prepare(e, seeds, full, dataset, folder, fresh) for e in select(names)]
    by_name = {plan.experiment.name: plan for plan in plans}
    left = {name: len(plan.missing) for name, plan in by_name.items()}
    total = sum(left[name] * plan.experiment.SECONDS for name, plan in by_name.items())
    interrupted, drawn, which = False, {}, store.variant(full, dataset)
    path = redraw(folder, drawn, language, which)
    with Bar(console or Console(stderr=True), total) as bar:
        try:
            for plan in plans:
                if not plan.missing:
                    store.save(folder, plan.experiment.name, plan.measurements, plan.which)
            todo = [plan.experiment for plan in plans if plan.missing]
            if todo:
                bar.begin(todo[0])
            for name, *result in all_runs(plans, jobs):
                plan = by_name[name]
                add(plan, *result, folder)
                bar.finished(plan.experiment)
                left[name] -= 1
                if not left[name]:
                    path = redraw(folder, drawn, language, which)
                    following = [e for e in todo if left[e.name]]
                    if following:
                        bar.begin(following[0])
        except KeyboardInterrupt:
            interrupted = True
        path = redraw(folder, drawn, language, which)
    outcomes = [
        judge(p.experiment, p.measurements)
        for p in plans
        if p.measurements["runs"] or p.measurements["error"]
    ]
    return outcomes, path, interrupted


def judged(names=(), folder="minigrad-lab", which=""):
    """The outcomes that the measurements saved in `folder` give, without a run."""
    return [judge(e, store.latest(folder, e.name, which)) for e in select(names)]


def redraw(folder="minigrad-lab", drawn=None, language="en", which=""):
    """Write the report of what is saved in `folder`, without a run; returns its path.

    `drawn` is a dict that keeps what was drawn between calls.
    """
    extras.require()
    from minigrad.lab.report import write

    return write(folder, judged(folder=folder, which=which), language, drawn)
