"""Running experiments: seeds, processes, progress, and a report whatever happens.

After each run the measurements are saved, after each experiment the report is written again, so
that an interruption loses the unfinished run and nothing else.
"""

import platform
import time
import traceback
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import minigrad as mg
from minigrad.lab import extras, progress, store
from minigrad.lab.experiment import UNDECIDED, Verdict
from minigrad.lab.registry import select


class Outcome(NamedTuple):
    """What became of one experiment: its measurements (None: none) and its verdict."""

    experiment: object
    measurements: object
    verdict: Verdict
    failed: bool = False


def environment():
    """Where the measurements were taken, as plain data."""
    return {
        **mg.get_config(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
    }


def judge(experiment, measurements):
    """The experiment's outcome; an error in the run or in the verdict leaves it undecided."""
    if measurements is None:
        return Outcome(experiment, None, Verdict(UNDECIDED, "not run", ["Not run."]))
    error = measurements.get("error")
    if error is not None:
        reason = f"A run failed: {error.strip().splitlines()[-1]}"
        return Outcome(experiment, measurements, Verdict(UNDECIDED, "failed", [reason]), True)
    try:
        verdict = experiment.verdict(measurements)
    except Exception as problem:
        reason = f"The verdict failed: {type(problem).__name__}: {problem}"
        return Outcome(experiment, measurements, Verdict(UNDECIDED, "failed", [reason]), True)
    missing = measurements["planned"] - len(measurements["seeds"])
    if missing:
        verdict.reasons.append(
            f"Interrupted: {missing} of {measurements['planned']} runs are missing."
        )
    return Outcome(experiment, measurements, verdict)


def one_run(experiment, seed, settings):
    """(seed, measurements of one run, seconds, error): what a worker process does."""
    start = time.perf_counter()
    try:
        result, error = store.plain(experiment.run(seed, settings)), None
    except Exception:
        result, error = None, traceback.format_exc()
    return seed, result, time.perf_counter() - start, error


def all_runs(experiment, seeds, settings, jobs):
    """The runs as they finish, in this process or in `jobs` others."""
    if jobs == 1 or len(seeds) == 1:
        for seed in seeds:
            yield one_run(experiment, seed, settings)
        return
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=jobs, return_as="generator_unordered")
    yield from parallel(delayed(one_run)(experiment, seed, settings) for seed in seeds)


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

    def begin(self, experiment):
        """The runs that follow are of `experiment`."""
        self.name, self.weight = experiment.name, experiment.SECONDS
        self.progress.update(self.task, description=self.name)

    def within(self, fraction, doing):
        """The present run is at `fraction`."""
        text = f"{self.name}: {doing}" if doing else self.name
        self.progress.update(
            self.task, completed=self.done + fraction * self.weight, description=text
        )

    def finished(self):
        """One more run is done."""
        self.done += self.weight
        self.progress.update(self.task, completed=self.done, description=self.name)


def measure(experiment, seeds, settings, folder, jobs, bar):
    """Run one experiment, saving after each run; returns its measurements."""
    measurements = {
        "experiment": experiment.name,
        "settings": settings,
        "planned": len(seeds),
        "seeds": [],
        "runs": [],
        "seconds": [],
        "finished": "",
        "environment": environment(),
        "error": None,
    }
    bar.begin(experiment)
    rows = {}
    for seed, result, seconds, error in all_runs(experiment, seeds, settings, jobs):
        if error is None:
            rows[seed] = result, seconds
        else:
            measurements["error"] = error
        done = sorted(rows)
        measurements["seeds"] = done
        measurements["runs"] = [rows[s][0] for s in done]
        measurements["seconds"] = [rows[s][1] for s in done]
        measurements["finished"] = datetime.now().astimezone().isoformat(timespec="seconds")
        store.save(folder, experiment.name, measurements)
        bar.finished()
    return store.load(folder, experiment.name)


def run(names=(), seeds=None, full=False, folder="minigrad-lab", jobs=1, console=None):
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
        Gets ``index.html`` and the measurements, ``data/*.json``.
    jobs : int
        Processes. Times are best measured with one.
    console : rich.console.Console, optional
        Of the progress bar; standard error without.

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
    """
    extras.require()
    from rich.console import Console

    chosen = select(names)
    folder = Path(folder)
    plan = [(e, e.seeds(full, seeds), e.settings(full)) for e in chosen]
    total = sum(len(s) * e.SECONDS for e, s, _ in plan)
    interrupted, started, drawn = False, set(), {}
    path = redraw(folder, drawn)
    with Bar(console or Console(stderr=True), total) as bar:
        try:
            for experiment, own_seeds, settings in plan:
                started.add(experiment.name)
                measure(experiment, own_seeds, settings, folder, jobs, bar)
                path = redraw(folder, drawn)
        except KeyboardInterrupt:
            interrupted = True
            path = redraw(folder, drawn)
    outcomes = [judged([e.name], folder)[0] for e in chosen if e.name in started]
    return outcomes, path, interrupted


def judged(names=(), folder="minigrad-lab"):
    """The outcomes that the measurements saved in `folder` give, without a run."""
    return [judge(e, store.load(folder, e.name)) for e in select(names)]


def redraw(folder="minigrad-lab", drawn=None):
    """Write the report of what is saved in `folder`, without a run; returns its path.

    `drawn` is a dict that keeps sections between calls.
    """
    extras.require()
    from minigrad.lab.report import page

    path = Path(folder, "index.html")
    store.write_atomically(path, page(judged(folder=folder), drawn))
    return path
