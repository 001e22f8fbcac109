"""How a row is measured: every column in turn, many rounds, medians.

A benchmark module has a `TITLE` and a function `rows(quick)` that yields
`Row(name, {column: callable})`; the first column is "minigrad", and a peer that is not installed
is simply left out. Interleaving spreads the noise of a shared machine over all columns.
"""

import importlib
import statistics
import time
from dataclasses import dataclass, field


@dataclass
class Row:
    """One line of a table: a name and what each column runs; `per` divides the time."""

    name: str
    columns: dict
    per: int = 1
    note: dict = field(default_factory=dict)


def peer(name):
    """The module of a peer, or None where it is not installed."""
    try:
        module = importlib.import_module(name)
    except ImportError:
        return None
    if name == "torch":
        module.set_num_threads(1)
    return module


def _once(function, repeats):
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - start) / repeats


def measure(row, budget=1.0):
    """Median seconds of each column, and the spread (interquartile range over median)."""
    repeats = {}
    for name, function in row.columns.items():
        for _ in range(3):
            function()
        once = max(min(_once(function, 1) for _ in range(3)), 1e-9)
        repeats[name] = max(1, int(0.002 / once))
    times = {name: [] for name in row.columns}
    end = time.perf_counter() + budget
    while time.perf_counter() < end or len(next(iter(times.values()))) < 7:
        for name, function in row.columns.items():
            times[name].append(_once(function, repeats[name]))
    result = {}
    for name, values in times.items():
        middle = statistics.median(values)
        low, _, high = statistics.quantiles(values, n=4)
        result[name] = (middle / row.per, (high - low) / middle)
    return result


def run(module, quick=False):
    """Print the table of one benchmark module; return its results."""
    print(f"\n{module.TITLE}")
    header = None
    results = {}
    for row in module.rows(quick):
        found = measure(row, 0.3 if quick else 1.0)
        names = list(found)
        if names != header:
            header = names
            cells = [f"{n} µs".rjust(15) for n in names]
            print(" " * 34 + "".join(cells) + "   time ÷ minigrad's")
        ours = found[names[0]][0]
        cells = [f"{t * 1e6:10.2f} ±{s * 100:2.0f}%".rjust(15) for t, s in found.values()]
        ratios = [f"{n} {found[n][0] / ours:.2f}×" for n in names[1:]]
        print(f"{row.name:<34}" + "".join(cells) + "   " + ", ".join(ratios), flush=True)
        results[row.name] = {n: t for n, (t, _) in found.items()}
    return results
