"""What an update costs as the batch grows, and what that makes of an epoch."""

import os
import time

import numpy as np

import minigrad as mg
from minigrad.lab import data, plots, progress
from minigrad.lab.experiment import (
    HOLDS,
    LIMITED,
    REFUTED,
    UNDECIDED,
    Figure,
    Number,
    Parameter,
    Verdict,
)
from minigrad.lab.statistics import ratio
from minigrad.lab.training import classes, network, tensors
from minigrad.lab.words import say
from minigrad.nn import functional as F
from minigrad.utils.data import DataLoader, TensorDataset

TITLE = "A large batch costs little more time, until it does"
ROW = 6
CLAIM = (
    "The time of an update hardly grows with the batch size up to about a thousand samples, "
    "because they are computed in parallel, and grows linearly beyond; so an epoch takes less "
    "time with a large batch than with a small one."
)
REFUTED_BY = (
    "For either network, on one thread or on all: a time per sample at the batch size 64 that is "
    "not below that at batch size 1 (95 % interval of the ratio over the seeds reaches 1). A "
    "limit is: an update at the batch size nearest to 1000 that takes over twice the time of one "
    "sample's, by the whole interval, in any of these cases; or a fit t = a + bB (least "
    "squares of relative errors, a, b ≥ 0) that misses a time by more than half of it, times "
    "being geometric means over the seeds."
)
METHOD = (
    "One update (forward, cross-entropy, backward, a step of SGD) is timed by the wall clock for "
    "batch sizes from 1 to the largest, round by round so that a slow moment of the machine "
    "meets all of them; of the rounds the shortest time counts. This is done for two widths of a "
    "ReLU network, on one thread and on all that the process may use; fetching shuffled batches "
    "by the DataLoader is timed apart. The line t = a + bB is fitted to relative errors; a/b is "
    "the batch size at which an update costs twice its fixed part."
)
SECONDS = 0.8
TIMED = True
PARAMETERS = {
    "seeds": Parameter(3, "weights, data and repetitions in time", 10),
    "data": Parameter("digits", "data set that the batches are filled from"),
    "most": Parameter(1797, "samples at most", 5000),
    "widths": Parameter([32, 256], "units of the hidden layer of the two networks"),
    "batches": Parameter(
        [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048], "batch sizes, rising"
    ),
    "rounds": Parameter(4, "rounds, the shortest of which counts", 12),
    "block": Parameter(32, "updates that are timed together at the batch size 1"),
    "epoch": Parameter(60000, "samples of the epoch whose time is reported"),
}
MEASURED = {
    "updates": "{width: {threads: [seconds of one update, for each batch size]}}",
    "loader": "[seconds to fetch one batch, for each batch size]",
    "threads": "how many threads 'all' were",
}
REFERENCES = [
    (
        "H. Lee (2021), Machine Learning, lecture P6: Batch and momentum",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
    (
        "P. Goyal et al. (2017), Accurate, large minibatch SGD: training ImageNet in 1 hour",
        "https://arxiv.org/abs/1706.02677",
    ),
    (
        "C. Shallue et al. (2019), Measuring the effects of data parallelism on neural network "
        "training",
        "https://jmlr.org/papers/v20/18-789.html",
    ),
]
FLAT, MISSED = 2.0, 0.5


def update(model, optimizer, x, y):
    """One update."""
    optimizer.zero_grad()
    F.cross_entropy(model(x), y).backward()
    optimizer.step()


def seconds_per_call(function, calls):
    """Wall time of one call, from `calls` in a row."""
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls


def time_updates(model, x, y, batches, rounds, block):
    """Seconds of one update for each batch size: the shortest of some rounds over all sizes."""
    optimizer = mg.optim.SGD(model.parameters(), lr=1e-3)
    best = np.full(len(batches), np.inf)
    for _ in range(rounds):
        for i, size in enumerate(batches):
            few = x[:size], y[:size]
            update(model, optimizer, *few)  # memory of this size is warm from here on
            calls = max(1, block // size)
            found = seconds_per_call(lambda few=few: update(model, optimizer, *few), calls)
            best[i] = min(best[i], found)
    return best


def fit(batches, seconds):
    """a, b ≥ 0 of the line t = a + bB with the least sum of squared relative errors.

    >>> [round(v, 6) for v in fit([1, 10, 100], [3.0, 21.0, 201.0])]
    [1.0, 2.0]
    """
    from scipy.optimize import nnls

    sizes, seconds = np.asarray(batches, float), np.asarray(seconds, float)
    scale = sizes.max()  # both columns of one size, for the solver's sake
    rows = np.stack([1 / seconds, sizes / scale / seconds], axis=1)
    (a, b), _ = nnls(rows * seconds.min(), np.ones(len(sizes)))
    return float(a * seconds.min()), float(b * seconds.min() / scale)


HEART = [update, time_updates, fit]


def time_loader(part, batches, rounds):
    """Seconds to fetch one shuffled batch: an epoch's fetching over its number of batches."""
    best = []
    for size in batches:
        few = tuple(t[: min(len(t), 32 * size)] for t in part)  # 32 batches tell enough
        loader = DataLoader(TensorDataset(*few), batch_size=size, shuffle=True)
        laps = [seconds_per_call(lambda loader=loader: list(loader), 1) for _ in range(rounds)]
        best.append(min(laps) / len(loader))
    return best


def cores():
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(seed, settings):
    """One series of timings; the number of threads is as before afterwards."""
    mg.manual_seed(seed)
    x, y = data.load(settings["data"], seed, most=settings["most"]).train
    largest = settings["batches"][-1]
    drawn = np.random.default_rng(seed).integers(len(y), size=largest)  # with replacement
    x, y = tensors((x[drawn], y[drawn]))
    before, everything = mg.get_num_threads(), cores()
    updates = {}
    try:
        for k, width in enumerate(settings["widths"]):
            model = network([x.shape[1], width, classes(y)])
            found = updates[str(width)] = {}
            for threads, count in (("one", 1), ("all", everything)):
                progress.report(k / len(settings["widths"]), f"width {width}, {threads} thread(s)")
                mg.set_num_threads(count)
                found[threads] = time_updates(
                    model, x, y, settings["batches"], settings["rounds"], settings["block"]
                )
    finally:
        mg.set_num_threads(before)
    loader = time_loader((x, y), settings["batches"], settings["rounds"])
    return {"updates": updates, "loader": loader, "threads": everything}


def nearest(batches, size):
    """Where the batch size nearest to `size` on the logarithmic scale stands.

    >>> nearest([1, 64, 1024], 1000)
    2
    """
    return int(np.argmin(abs(np.log(np.asarray(batches, float) / size))))


def cases(measurements):
    """[(width, threads)] in the order of the settings."""
    return [(str(w), t) for w in measurements["settings"]["widths"] for t in ("one", "all")]


def times(measurements, case):
    """Array (runs, batch sizes) of seconds of an update."""
    width, threads = case
    return np.array([r["updates"][width][threads] for r in measurements["runs"]])


def doubling(measurements, case):
    """a/b of each run: the batch size at which an update costs twice its fixed part."""
    lines = [fit(measurements["settings"]["batches"], row) for row in times(measurements, case)]
    return [a / b if b > 0 else None for a, b in lines]


def numbers(measurements):
    """The table of the report."""
    runs, settings = measurements["runs"], measurements["settings"]
    rows = []
    for case in cases(measurements):
        name = f"width {case[0]}, {case[1]} thread{'s' if case[1] == 'all' else ''}"
        doubled = doubling(measurements, case)
        rows.append(Number(f"{name}: a/b, where the cost has doubled", doubled, "samples"))
        for size in (1, 64, 1000):
            i = nearest(settings["batches"], size)
            size = settings["batches"][i]
            column = times(measurements, case)[:, i]
            rows.append(Number(f"{name}: an update at B = {size}", list(1e6 * column), "µs"))
            rows.append(
                Number(f"{name}: an epoch of {settings['epoch']:,} samples at B = {size}",
                       list(settings["epoch"] / size * column), "s")
            )  # fmt: skip
    lines = [fit(settings["batches"], r["loader"]) for r in runs]
    rows.append(Number("DataLoader: fixed time of a batch", [1e6 * a for a, _ in lines], "µs"))
    rows.append(Number("DataLoader: time of a sample more", [1e6 * b for _, b in lines], "µs"))
    rows.append(Number("threads of 'all'", [r["threads"] for r in runs]))
    return rows


LOOKS = {"one": ("-", "o"), "all": ("--", "s")}
COLOURS = (plots.BLUE, plots.RED, plots.GREEN, plots.PURPLE)


def update_figure(measurements):
    """Time of an update against the batch size, with the fitted lines and the loader."""
    settings = measurements["settings"]
    sizes = np.array(settings["batches"])
    figure, panel = plots.axes("batch size B", "time, ms", height=4.4, xscale="log", yscale="log")
    for k, case in enumerate(cases(measurements)):
        dash, marker = LOOKS[case[1]]
        mean = 1e3 * np.exp(np.log(times(measurements, case)).mean(axis=0))
        a, b = fit(sizes, mean)
        colour = COLOURS[k // 2 % len(COLOURS)]
        panel.plot(sizes, mean, marker, color=colour, ms=4)
        panel.plot(sizes, a + b * sizes, dash, color=colour, lw=1.2, marker=marker, ms=0.1,
                   label=f"width {case[0]}, {case[1]}: {1e3 * a:.0f} + {1e3 * b:.2g} B µs",
                   )  # fmt: skip
    loader = 1e3 * np.mean([r["loader"] for r in measurements["runs"]], axis=0)
    panel.plot(sizes, loader, ":^", color=plots.BLACK, ms=3, lw=1, label="DataLoader, a batch")
    plots.legend(figure, ncols=1)
    return Figure(
        figure,
        "Time of one update: measured (marks) and the fitted line t = a + bB, on one thread and "
        f"on all, mean over {len(measurements['runs'])} seeds. Below a/b the fixed cost of "
        "starting operations rules and a larger batch is free; above, the samples are paid.",
        "Log-log plot: times start flat for small batches and bend into a straight rise, each "
        "with its fitted line.",
    )


def epoch_figure(measurements):
    """Time of an epoch against the batch size."""
    settings = measurements["settings"]
    sizes = np.array(settings["batches"])
    figure, panel = plots.axes(
        "batch size B", f"epoch of {settings['epoch']:,} samples, s", xscale="log", yscale="log"
    )
    for k, case in enumerate(cases(measurements)):
        dash, marker = LOOKS[case[1]]
        rows = settings["epoch"] / sizes * times(measurements, case)
        plots.band(panel, sizes, rows, COLOURS[k // 2 % len(COLOURS)], dash + marker,
                   f"width {case[0]}, {case[1]}")  # fmt: skip
    plots.legend(figure)
    return Figure(
        figure,
        "Time of an epoch, without the loader: it falls like 1/B as long as updates cost the "
        "same, and stops falling where the samples' own cost rules. Mean ± one standard "
        "deviation.",
        "Epoch time falls steeply with batch size and levels off.",
    )


def flatness_figure(measurements):
    """Time of an update in units of that of one sample."""
    sizes = np.array(measurements["settings"]["batches"])
    figure, panel = plots.axes("batch size B", "time of an update / at B = 1", xscale="log",
                               yscale="log")  # fmt: skip
    for k, case in enumerate(cases(measurements)):
        dash, marker = LOOKS[case[1]]
        rows = times(measurements, case)
        plots.band(panel, sizes, rows / rows[:, :1], COLOURS[k // 2 % len(COLOURS)],
                   dash + marker, f"width {case[0]}, {case[1]}")  # fmt: skip
    panel.axhline(FLAT, color=plots.BLACK, lw=0.9, ls=":")
    panel.text(1, FLAT * 1.08, "twice", fontsize=8)
    plots.legend(figure)
    return Figure(
        figure,
        "How flat is flat? The slide, made on a GPU, stays below the dotted line up to about a "
        "thousand samples. Where a curve crosses it here, the batch has ceased to be free.",
        "Update times relative to that of one sample, rising; a dotted line marks two.",
    )


def figures(measurements):
    """Update, epoch, flatness."""
    return [
        update_figure(measurements),
        epoch_figure(measurements),
        flatness_figure(measurements),
    ]


def verdict(measurements):
    """By the intervals of ratios of times over the seeds."""
    runs, settings = measurements["runs"], measurements["settings"]
    n = len(runs)
    if n < 3:
        why = say(
            "{n} seeds are too few for an interval; `minigrad lab batch_time --seeds 5` decides.",
            n=n,
        )
        return Verdict(UNDECIDED, say("{n} seeds", n=n), [why])
    sizes = settings["batches"]
    middle, large = nearest(sizes, 64), nearest(sizes, 1000)
    reasons, limits, failed, doubled = [], [], [], []
    for case in cases(measurements):
        seconds = times(measurements, case)
        cheaper = ratio(seconds[:, middle] / sizes[middle], seconds[:, 0] / sizes[0])
        grown = ratio(seconds[:, large], seconds[:, 0])
        mean = np.exp(np.log(seconds).mean(axis=0))
        a, b = fit(sizes, mean)
        miss = float(abs((a + b * np.array(sizes)) / mean - 1).max())
        name = {"width": case[0], "threads": runs[0]["threads"] if case[1] == "all" else 1}
        if b > 0:
            doubled.append(a / b)
        reasons.append(
            say(
                "Width {width}, {threads} thread(s): an update takes {a:.0f} µs + {b:.2f} µs a "
                "sample (worst miss {miss:.0f} %). A sample at B = {size} costs {ratio:.3f} × one "
                "at B = 1 (95 % interval {low:.3f} to {high:.3f}, {n} seeds), so an epoch is that "
                "much cheaper.",
                a=1e6 * a,
                b=1e6 * b,
                miss=100 * miss,
                size=sizes[middle],
                ratio=cheaper[0],
                low=cheaper[1],
                high=cheaper[2],
                n=n,
                **name,
            )
        )
        if cheaper[2] >= 1:
            failed.append(
                say("Width {width}, {threads} thread(s): no cheaper epoch is shown.", **name)
            )
        if grown[1] > FLAT:
            limits.append(
                say(
                    "Not flat to a thousand here: with width {width} on {threads} thread(s) an "
                    "update at B = {size} takes {ratio:.1f} × the time of B = 1 ({low:.1f} to "
                    "{high:.1f}).",
                    size=sizes[large],
                    ratio=grown[0],
                    low=grown[1],
                    high=grown[2],
                    **name,
                )
            )
        if miss > MISSED:
            limits.append(
                say(
                    "Width {width}, {threads} thread(s): not a straight line, it misses a time "
                    "by {miss:.0f} %.",
                    miss=100 * miss,
                    **name,
                )
            )
    if doubled:
        key = say(
            "cost doubles at B = {low:.0f} … {high:.0f}", low=min(doubled), high=max(doubled)
        )
    else:
        key = say("cost does not grow up to B = {size}", size=sizes[-1])
    if failed:
        return Verdict(REFUTED, key, failed + reasons)
    line = fit(sizes, np.mean([r["loader"] for r in runs], axis=0))
    reasons.append(
        say(
            "Fetching a shuffled batch costs {a:.0f} µs + {b:.2f} µs a sample on top.",
            a=1e6 * line[0],
            b=1e6 * line[1],
        )
    )
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)
