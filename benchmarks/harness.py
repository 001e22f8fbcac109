"""How a row is measured: every column in turn, many rounds, medians.

A benchmark module has a `TITLE` and a function `rows(quick)` that yields `Row`s, and makes no
data: that happens in `Row.build`, when the row is its turn. Interleaving spreads the noise of a
shared machine over all columns. Before any time is taken the columns' first results are compared:
a peer that computes something else is no peer.
"""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from benchmarks import peers, roofline

OURS = "minigrad"
SETTLE = 0.15  # seconds; OpenBLAS's workers look for work for 2²⁶ cycles of their own time
BEST = "best peer"  # in `Row.aims`: the fastest of the other columns


@dataclass
class Row:
    """One line of a table.

    `build()` gives {column: function that sets up and returns the step to time}; the column of
    ours is "minigrad". A column whose set-up raises ImportError (a peer that is not installed)
    is left out.
    """

    name: str
    build: Callable[[], dict]
    group: str = ""  # rows with one summary
    per: int = 1  # a step does this many of what is counted: divides the time
    work: float = 0  # FLOP or bytes a step, against `limit`
    limit: tuple = ()  # arguments of `roofline.limit`
    aims: dict = field(default_factory=dict)  # {column: the ratio that was to be reached}
    facts: dict = field(default_factory=dict)  # what charts and fits need: n, dtype …
    headline: bool = False  # has a line of its own in the README's table
    tolerance: float = 1e-3  # of the first results, relative to their norm; 0: do not compare
    measured: Callable | None = None  # gives {column: [values]} itself, in `unit`
    unit: str = "s"


@dataclass
class Result:
    """What was found: medians in `unit`, spreads (interquartile range over median)."""

    name: str
    group: str
    facts: dict
    aims: dict
    unit: str = "s"
    headline: bool = False
    medians: dict = field(default_factory=dict)
    spreads: dict = field(default_factory=dict)
    least: dict = field(default_factory=dict)  # the fastest sample
    samples: int = 0
    rate: float = 0  # FLOP/s or bytes/s of ours
    share: float = 0  # of the limit
    kind: str = ""  # of the limit
    notes: list = field(default_factory=list)

    def ratios(self):
        """{peer: its time over ours}."""
        ours = self.medians.get(OURS)
        return {n: t / ours for n, t in self.medians.items() if n != OURS} if ours else {}

    def missed(self):
        """[(peer, ratio, aim, whether the spread covers the gap)] of the aims not reached."""
        ratios = self.ratios()
        found = []
        for name, aim in self.aims.items():
            name = min(ratios, key=ratios.get, default="") if name == BEST else name
            if name in ratios and ratios[name] < aim:
                spread = max(self.spreads[OURS], self.spreads[name])
                found.append((name, ratios[name], aim, ratios[name] * (1 + spread) >= aim))
        return found


def as_arrays(value):
    """The numbers in what a step returned, as flat float64 arrays; [] for nothing."""
    if value is None:
        return []
    if isinstance(value, (tuple, list)):
        return [a for v in value for a in as_arrays(v)]
    if hasattr(value, "detach"):
        value = value.detach().numpy()
    elif type(value).__module__.startswith("mygrad"):
        value = value.data
    return [np.asarray(value, dtype=np.float64).ravel()]


def disagreement(first, other):
    """How far two results are apart, relative to the norm of the first."""
    first, other = as_arrays(first), as_arrays(other)
    if not first or not other:
        return 0.0
    if [a.size for a in first] != [a.size for a in other]:
        return float("inf")
    gaps = [np.linalg.norm(a - b) / (np.linalg.norm(a) + 1e-30) for a, b in zip(first, other)]
    return float(max(gaps))


def once(function, repeats):
    """Seconds of a call, the mean of `repeats`."""
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - start) / repeats


def call_for(function, seconds):
    """Call it until the time is over."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        function()


def set_up(row, result):
    """{column: step}, each run once and compared with ours; trouble goes to `result.notes`."""
    steps, values = {}, {}
    for name, make in row.build().items():
        try:
            steps[name] = make()
            values[name] = steps[name]()
        except ImportError:
            steps.pop(name, None)
        except Exception as error:
            steps.pop(name, None)
            result.notes.append(f"{name} failed: {type(error).__name__}: {error}"[:200])
    for name, value in values.items():
        gap = disagreement(values.get(OURS), value) if row.tolerance else 0.0
        if not gap <= row.tolerance:
            result.notes.append(f"{name} disagrees with minigrad's result by {gap:.1e}")
    return steps


def interleave(steps, limit, budget, sample):
    """{column: [seconds]}, and the limit's rates: rounds of all columns until `budget` is used.

    A sample is the mean over about `sample` seconds; the column that goes first changes. Each turn
    begins with calls that are not counted: one, so that what it needs is in the caches again, as
    in a training loop. With several threads more: the workers of the column before (of OpenBLAS,
    of OpenMP) spin on for a tenth of a second on a CPU that this one needs, and its own have to
    wake up and find a CPU each.
    """
    several = peers.THREADS > 1
    repeats = {}
    for name, function in steps.items():
        warm = time.perf_counter() + 0.05
        times = [once(function, 1)]
        while time.perf_counter() < warm and len(times) < 50:
            times.append(once(function, 1))
        repeats[name] = max(1, round(sample / max(statistics.median(times), 1e-8)))
    gc.collect()
    gc.freeze()  # what is there now is not searched again while others are timed
    names = list(steps)
    times, rates = {name: [] for name in names}, []
    start = time.perf_counter()
    least = 7 if budget >= 0.3 and not several else 5
    while True:
        turn = len(times[names[0]])
        spent = time.perf_counter() - start
        if spent > budget and turn >= least or spent > 20 * budget and turn >= 3:
            break
        for k in range(len(names)):
            name = names[(turn + k) % len(names)]
            call_for(steps[name], SETTLE if several else 0)
            steps[name]()
            gc.collect()  # what the column before left is not this one's to clear away
            times[name].append(once(steps[name], repeats[name]))
        if limit:
            if several:
                call_for(limit, SETTLE)
            rates.append(limit())
    gc.unfreeze()
    return times, rates


def measure(row, quick=False):
    """A Result: medians of many rounds, never an exception of a row."""
    result = Result(row.name, row.group, row.facts, row.aims, row.unit, row.headline)
    rates = []
    try:
        if row.measured:
            times = row.measured()
        else:
            steps = set_up(row, result)
            if OURS not in steps:
                return result
            limit = roofline.limit(*row.limit) if row.limit else None
            times, rates = interleave(steps, limit, *((0.12, 2e-3) if quick else (0.5, 1e-2)))
    except Exception as error:
        result.notes.append(f"failed: {type(error).__name__}: {error}"[:200])
        return result
    for name, values in times.items():
        middle = statistics.median(values)
        low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else (middle,) * 3
        result.medians[name] = middle / row.per
        result.spreads[name] = (high - low) / middle if middle else 0.0
        result.least[name] = min(values) / row.per
        result.samples = len(values)
    if row.work and OURS in times:
        result.rate = row.work / statistics.median(times[OURS])
        result.kind = row.limit[0] if row.limit else ""
        result.share = result.rate / statistics.median(rates) if rates else 0.0
    return result
