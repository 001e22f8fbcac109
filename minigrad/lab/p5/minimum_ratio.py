"""The minimum ratio: how many eigenvalues are positive where training has got to."""

import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.curvature import Hessian, inertia
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
from minigrad.lab.training import classes, network, tensors
from minigrad.lab.words import say
from minigrad.nn import functional as F

TITLE = "Has anybody seen a local minimum?"
ROW = 3
CLAIM = (
    "Local minima are rare: where training has got to, the minimum ratio (positive eigenvalues "
    "of the Hessian / all) lies between 0 and 0.56 on the slide, one dot a training, so that a "
    "real local minimum is never seen."
)
REFUTED_BY = (
    "A trained network, at its last stop, without any eigenvalue below −n·ε·max|λ|, ε = 2.2e-16: "
    "what rounding can do to a float64 spectrum. Limits are, at the last stop of any training: a "
    "ratio above 0.56 at tolerance 0; a ratio that differs by more than "
    "0.1 between the relative tolerances 0 and 1e-3; a gradient of more than 1e-3 of its norm at "
    "the start, or ‖Hg‖/(‖H‖‖g‖) below 0.1, where a small gradient is flat and not critical; a "
    "float32 spectrum whose ratio at tolerance 0 is off by more than 0.1."
)
METHOD = (
    "A tanh network learns images by full-batch Adam in float64. At several stops the whole "
    "Hessian is decomposed, and its eigenvalues counted under relative tolerances (times max|λ|) "
    "from 0 to 1e-1; loss, ‖g‖ and ‖Hg‖/(‖H‖‖g‖) are recorded with them. At the last stop the "
    "Hessian is also computed in float32. Each seed is another draw of data and weights."
)
SECONDS = 1.2
PARAMETERS = {
    "seeds": Parameter(3, "data and initial weights", 12),
    "most": Parameter(300, "samples at most, of which the training part is used", 600),
    "hidden": Parameter(4, "units of the hidden layer", 16),
    "stops": Parameter([0, 50, 200, 800, 2000], "updates after which is looked",
                       [0, 10, 50, 200, 800, 2000, 6000]),
    "rate": Parameter(0.01, "learning rate of Adam"),
    "tolerances": Parameter(
        [0.0, 1e-15, 1e-14, 1e-12, 1e-10, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1],
        "of zero, relative to the largest |λ|",
    ),
}  # fmt: skip
MEASURED = {
    "stops": "[{updates, loss: in nats, gradient: ‖g‖, flatness: ‖Hg‖/(‖H‖‖g‖), lowest, highest: "
    "eigenvalues, rounding: n·ε·max|λ|, sure: how many lie below −rounding, counts: "
    "[[n₊, n₀, n₋], one a tolerance]}]",
    "parameters": "n",
    "single": "counts of the float32 Hessian at the last stop, one a tolerance",
    "spectrum": "all eigenvalues at the last stop, ascending",
}
REFERENCES = [
    (
        "H. Lee (2021), Machine Learning, lecture P5: When gradient is small",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
    (
        "C. Frye et al. (2021), Critical point-finding methods reveal gradient-flat regions of "
        "deep network losses",
        "https://arxiv.org/abs/2003.10397",
    ),
    (
        "L. Sagun et al. (2017), Empirical analysis of the Hessian of over-parametrized neural "
        "networks",
        "https://arxiv.org/abs/1706.04454",
    ),
]
SLIDE, SWING, FLAT, CRITICAL = 0.56, 0.1, 0.1, 1e-3


def look(model, part, tolerances, dtype="float64"):
    """The Hessian's eigenvalues, and what they say of the point under each tolerance."""
    H = Hessian(model, F.cross_entropy, part, dtype=dtype)
    values, gradient = np.linalg.eigvalsh(H.dense()), H.gradient()
    size, norm = abs(values).max(), np.linalg.norm(gradient)
    rounding = len(values) * np.finfo(float).eps * size
    return values, {
        "loss": H.loss(),
        "gradient": norm,
        "flatness": np.linalg.norm(H @ gradient) / (size * norm),
        "lowest": values[0],
        "highest": values[-1],
        "rounding": rounding,
        "sure": int((values < -rounding).sum()),
        "counts": [list(inertia(values, tolerance * size)) for tolerance in tolerances],
    }


def train(model, part, updates, optimizer):
    """So many updates on all data at once."""
    for _ in range(updates):
        optimizer.zero_grad()
        F.cross_entropy(model(part[0]), part[1]).backward()
        optimizer.step()


HEART = [look, train]


def run(seed, settings):
    """One training with its stops."""
    mg.manual_seed(seed)
    x, y = tensors(data.digits(seed, most=settings["most"]).train)
    part = x.double(), y
    model = network([x.shape[1], settings["hidden"], classes(y)], nn.Tanh).double()
    optimizer = mg.optim.Adam(model.parameters(), lr=settings["rate"])
    stops, done = [], 0
    for stop in settings["stops"]:
        progress.report(done / max(settings["stops"][-1], 1), f"{stop} updates")
        train(model, part, stop - done, optimizer)
        done = stop
        values, seen = look(model, part, settings["tolerances"])
        stops.append({"updates": stop, **seen})
    _, single = look(model, part, settings["tolerances"], "float32")
    return {
        "stops": stops,
        "parameters": len(values),
        "single": single["counts"],
        "spectrum": values,
    }


def ratio(counts):
    """Positive eigenvalues / all.

    >>> ratio([1, 2, 1])
    0.25
    """
    return counts[0] / sum(counts)


def at(measurements, stop, tolerance):
    """The ratio of a stop under one of the tolerances."""
    return ratio(stop["counts"][measurements["settings"]["tolerances"].index(tolerance)])


def last_stops(measurements):
    """The last stop of each training."""
    return [r["stops"][-1] for r in measurements["runs"]]


def numbers(measurements):
    """The table of the report."""
    ends, rows = last_stops(measurements), []
    for tolerance in (0.0, 1e-12, 1e-6, 1e-3):
        values = [at(measurements, s, tolerance) for s in ends]
        rows.append(Number(f"minimum ratio at the end, relative tolerance {tolerance:g}", values))
    single = [ratio(r["single"][0]) for r in measurements["runs"]]
    rows += [
        Number("the same in float32, tolerance 0", single),
        Number("training loss at the end", [s["loss"] for s in ends], "nats"),
        Number("‖g‖ at the end", [s["gradient"] for s in ends]),
        Number("‖Hg‖/(‖H‖‖g‖) at the end", [s["flatness"] for s in ends]),
        Number("lowest eigenvalue at the end", [s["lowest"] for s in ends]),
        Number("highest eigenvalue at the end", [s["highest"] for s in ends]),
        Number("negative eigenvalues at the end, beyond rounding", [s["sure"] for s in ends]),
    ]
    return rows


def dots_figure(measurements):
    """The slide again: ratio against loss, one dot a stop."""
    figure, panel = plots.axes("minimum ratio", "training loss, nats", yscale="log")
    looks = {0.0: (plots.BLUE, "o"), 1e-6: (plots.ORANGE, "s"), 1e-3: (plots.RED, "^")}
    for tolerance, (colour, marker) in looks.items():
        points = [
            (at(measurements, s, tolerance), s["loss"])
            for r in measurements["runs"]
            for s in r["stops"]
        ]
        panel.plot(*np.array(points).T, marker, color=colour, ms=5, alpha=0.8,
                   label=f"tolerance {tolerance:g} · max|λ|")  # fmt: skip
    panel.axvspan(0, SLIDE, color=plots.BLACK, alpha=0.06, lw=0)
    panel.annotate("the slide's dots", (0.01, 0.02), xycoords=("data", "axes fraction"),
                   fontsize=8)  # fmt: skip
    panel.set_xlim(0, 1)
    plots.legend(figure)
    return Figure(
        figure,
        "The slide's picture: one dot for each stop of each training, the ratio under three "
        "tolerances. The same points lie left or right, as one counts the nearly flat directions.",
        "Scatter of loss against minimum ratio: three clouds for three tolerances, drifting apart "
        "as the loss falls.",
    )


def tolerance_figure(measurements):
    """Ratio against tolerance at the end."""
    tolerances = np.array(measurements["settings"]["tolerances"])
    figure, panel = plots.axes("relative tolerance", "minimum ratio at the end", xscale="log")
    x = np.maximum(tolerances, 1e-16)
    rows = [[ratio(c) for c in s["counts"]] for s in last_stops(measurements)]
    single = [[ratio(c) for c in r["single"]] for r in measurements["runs"]]
    plots.band(panel, x, rows, plots.BLUE, "-", "float64")
    plots.band(panel, x, single, plots.RED, "--", "float32")
    panel.axhline(0.5, color=plots.BLACK, lw=0.8, ls=":")
    panel.set_ylim(0, 1)
    plots.legend(panel, loc="lower left")
    return Figure(
        figure,
        "The ratio depends on what counts as zero (the left end is tolerance 0), mean ± one "
        f"standard deviation over {len(rows)} trainings. Where float32 and float64 part, the "
        "count is of rounding errors, half of which are positive.",
        "Two falling curves of the ratio against the tolerance that part at small tolerances.",
    )


def spectrum_figure(measurements):
    """The sorted spectrum at the end."""
    run = measurements["runs"][0]
    values = np.array(run["spectrum"])
    figure, panel = plots.axes("eigenvalue, sorted", "|λ|", yscale="log")
    order = np.arange(len(values))
    for some, colour, marker, label in (
        (values > 0, plots.BLUE, ".", "positive"),
        (values < 0, plots.RED, "x", "negative"),
    ):
        panel.plot(order[some], abs(values[some]), marker, color=colour, ms=4, label=label)
    panel.axhline(run["stops"][-1]["rounding"], color=plots.BLACK, lw=0.9, ls="--",
                  label="rounding, n·ε·max|λ|")  # fmt: skip
    plots.legend(panel, loc="upper left")
    return Figure(
        figure,
        "All eigenvalues of the trained network of seed 0. A few large ones, and a long tail over "
        "many decades in which no number separates “positive” from “zero”.",
        "Magnitudes of sorted eigenvalues: negative ones at the left, a dip to rounding error, "
        "then positive ones rising.",
    )


def figures(measurements):
    """The slide's dots, the tolerance, the spectrum."""
    return [
        dots_figure(measurements),
        tolerance_figure(measurements),
        spectrum_figure(measurements),
    ]


def verdict(measurements):
    """Negative eigenvalues beyond rounding decide; what the number leaves open are limits."""
    runs = measurements["runs"]
    if not runs:
        return Verdict(UNDECIDED, say("no run"), [say("There is no run.")])
    ends = last_stops(measurements)
    sure = [s["sure"] for s in ends]
    zero = [at(measurements, s, 0.0) for s in ends]
    wide = [at(measurements, s, 1e-3) for s in ends]
    key = say(
        "ratio {zero:.2f} at tolerance 0, {wide:.2f} at 1e-3",
        zero=float(np.mean(zero)),
        wide=float(np.mean(wide)),
    )
    n = runs[0]["parameters"]
    reasons = [
        say(
            "After {updates} updates {n} trainings of {parameters} parameters (loss {low:.1e} to "
            "{high:.1e} nats) have {least} to {most} eigenvalues below zero by more than "
            "rounding, the lowest {lowest:.1e} of the highest.",
            updates=ends[0]["updates"],
            n=len(ends),
            parameters=n,
            low=min(s["loss"] for s in ends),
            high=max(s["loss"] for s in ends),
            least=min(sure),
            most=max(sure),
            lowest=max(abs(s["lowest"]) / s["highest"] for s in ends),
        )
    ]
    if min(sure) == 0:
        reasons.append(
            say("{n} of them have none: minima as far as a float64 spectrum can tell.",
                n=sum(v == 0 for v in sure))
        )  # fmt: skip
        return Verdict(REFUTED, key, reasons)
    limits = []
    if max(zero) > SLIDE or max(abs(a - b) for a, b in zip(zero, wide, strict=True)) > SWING:
        limits.append(
            say(
                "The ratio is what one counts as zero: on average {values} at the relative "
                "tolerances 0, 1e-12, 1e-6, 1e-3. The slide's 0 to 0.56 names none.",
                values=", ".join(
                    f"{np.mean([at(measurements, s, t) for s in ends]):.3f}"
                    for t in (0.0, 1e-12, 1e-6, 1e-3)
                ),
            )
        )
    starts = [r["stops"][0]["gradient"] for r in runs]
    left = max(s["gradient"] / g for s, g in zip(ends, starts, strict=True))
    flat = min(s["flatness"] for s in ends)
    if left > CRITICAL or flat < FLAT:
        limits.append(
            say(
                "These are no critical points: up to {left:.1e} of the first gradient is left, "
                "and ‖Hg‖/(‖H‖‖g‖) is as low as {flat:.1e}: the gradient lies in flat directions.",
                left=left,
                flat=flat,
            )
        )
    single = [ratio(r["single"][0]) for r in runs]
    off = max(abs(a - b) for a, b in zip(single, zero, strict=True))
    if off > SWING:
        limits.append(
            say(
                "In float32 the same Hessians give {single:.3f} instead of {double:.3f} at "
                "tolerance 0: of eigenvalues that are rounding errors half come out positive.",
                single=float(np.mean(single)),
                double=float(np.mean(zero)),
            )
        )
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)
