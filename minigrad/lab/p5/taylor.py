"""The Taylor approximation around a point: how good it is, and how far it carries."""

import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.curvature import Hessian
from minigrad.func import functional_call
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
from minigrad.lab.p5.saddle import loss as toy
from minigrad.lab.training import classes, network, tensors
from minigrad.lab.words import say
from minigrad.nn import functional as F

TITLE = "The second-order Taylor approximation, and how far it carries"
ROW = 2
CLAIM = (
    "Around a point θ the loss is L(θ + δ) ≈ L(θ) + gᵀδ + ½ δᵀHδ, so that at a critical point, "
    "where g = 0, the Hessian H tells the shape of the error surface."
)
REFUTED_BY = (
    "At one of the points, the median over directions and seeds of the fitted order of the error "
    "(slope of log error against log step length, over the errors between 1e-13 and 1e-10) more "
    "than 0.15 away from what the next term of the series says: 3 along random directions and "
    "eigenvectors of a network, before and after training, and along random directions at the "
    "toy's minimum; 4 at the toy's saddle and along (1, −1) at its minimum, where the cubic term "
    "vanishes. A limit is an error above a tenth of the true change of the loss at some step that "
    "is shorter than a tenth of the weights' norm."
)
METHOD = (
    "In float64 the engine gives loss, gradient and Hessian at four points: the toy's saddle and "
    "minimum, and a tanh network on images at its random start and after training. From each, "
    "steps of growing length go along random unit directions and along eigenvectors of the "
    "Hessian (lowest, highest); the error is the true loss minus the approximation. The reach is "
    "the first length at which the error passes a tenth of the true change."
)
SECONDS = 0.9
PARAMETERS = {
    "seeds": Parameter(3, "data, weights and random directions", 10),
    "most": Parameter(200, "samples at most, of which the training part is used", 600),
    "hidden": Parameter(8, "units of the hidden layer", 16),
    "updates": Parameter(300, "updates of Adam that train the network", 1000),
    "rate": Parameter(0.01, "learning rate of Adam"),
    "directions": Parameter(3, "random directions from each point", 8),
    "lengths": Parameter([1e-4, 10.0, 61], "step lengths: first, last, how many, even in log"),
}
MEASURED = {
    "lengths": "the step lengths",
    "lines": "[{point, direction, expected: the order that the series promises, slope: gᵀv, "
    "curvature: vᵀHv, loss: [true loss at each length, null where it is not finite], start: L(θ), "
    "norm: of the weights}]",
}
REFERENCES = [
    (
        "J. Nocedal and S. Wright (2006), Numerical optimization, theorem 2.1",
        "https://doi.org/10.1007/978-0-387-40065-5",
    ),
    (
        "H. Lee (2021), Machine Learning, lecture P5: When gradient is small",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
]
POINTS = ["toy's saddle", "toy's minimum", "network at the start", "trained network"]
NEAR, ENOUGH, TENTH = 0.15, (1e-13, 1e-10), 0.1


def lines_of(f, H, directions, lengths):
    """Along each direction v: gᵀv, vᵀHv, and the true loss f(h·v) at the lengths h."""
    gradient, found = H.gradient(), []
    for v in directions:
        found.append(
            {
                "slope": float(gradient @ v),
                "curvature": float(v @ H.matvec(v)),
                "loss": [f(h * v) for h in lengths],
                "start": H.loss(),
            }
        )
    return found


def errors(line, lengths):
    """|true loss − (L + gᵀδ + ½ δᵀHδ)| and |true change|, at each length."""
    h = np.asarray(lengths)
    loss = np.array([np.nan if v is None else v for v in line["loss"]], float)
    model = line["start"] + line["slope"] * h + 0.5 * line["curvature"] * h**2
    return abs(loss - model), abs(loss - line["start"])


def order(line, lengths):
    """The slope of log error against log length, where rounding and far terms play no part."""
    error, _ = errors(line, lengths)
    some = (error > ENOUGH[0]) & (error < ENOUGH[1])
    if some.sum() < 3:
        return None
    return float(np.polyfit(np.log(np.asarray(lengths)[some]), np.log(error[some]), 1)[0])


HEART = [lines_of, errors, order]


def unit(rng, n, count):
    """Random unit vectors."""
    v = rng.normal(size=(count, n))
    return list(v / np.linalg.norm(v, axis=1, keepdims=True))


def toy_lines(rng, lengths, count):
    """The toy at its saddle and at its minimum."""
    found = []
    diagonal = np.array([1.0, 1.0]) / np.sqrt(2)
    across = np.array([1.0, -1.0]) / np.sqrt(2)
    for point, at, named in (
        (POINTS[0], [0.0, 0.0], {"(1, 1)": (diagonal, 4)}),
        (POINTS[1], [1.0, 1.0], {"(1, −1)": (across, 4), "(1, 1)": (diagonal, 3)}),
    ):
        w = mg.tensor(at, dtype=mg.float64)
        ways = {f"random {k + 1}": (v, 4 if point == POINTS[0] else 3)
                for k, v in enumerate(unit(rng, 2, count))}  # fmt: skip
        ways |= named

        def along(delta, w=w):
            return toy(w + mg.from_numpy(delta)).item()

        H = Hessian.of(toy, w)
        lines = lines_of(along, H, [v for v, _ in ways.values()], lengths)
        for (name, (_, expected)), line in zip(ways.items(), lines, strict=True):
            found.append({"point": point, "direction": name, "expected": expected,
                          "norm": float(np.linalg.norm(at)), **line})  # fmt: skip
    return found


def network_lines(model, part, point, rng, lengths, count):
    """A network where it is."""
    x, y = part
    H = Hessian(model, F.cross_entropy, part)
    values, vectors = np.linalg.eigh(H.dense())
    n = len(values)
    ways = {f"random {k + 1}": v for k, v in enumerate(unit(rng, n, count))}
    ways |= {"lowest eigenvector": vectors[:, 0], "highest eigenvector": vectors[:, -1]}
    weights = {name: p.detach().clone() for name, p in model.named_parameters()}
    norm = float(np.sqrt(sum((w.numpy() ** 2).sum() for w in weights.values())))

    def along(delta):
        moved = {name: weights[name] + d for name, d in H.unflatten(delta).items()}
        with mg.no_grad():
            return F.cross_entropy(functional_call(model, moved, (x,)), y).item()

    lines = lines_of(along, H, list(ways.values()), lengths)
    return [
        {"point": point, "direction": name, "expected": 3, "norm": norm, **line}
        for name, line in zip(ways, lines, strict=True)
    ]


def run(seed, settings):
    """All four points."""
    mg.manual_seed(seed)
    rng = np.random.default_rng(seed)
    first, last, count = settings["lengths"]
    lengths = np.geomspace(first, last, int(count))
    lines = toy_lines(rng, lengths, settings["directions"])
    x, y = tensors(data.digits(seed, most=settings["most"]).train)
    part = x.double(), y
    model = network([x.shape[1], settings["hidden"], classes(y)], nn.Tanh).double()
    progress.report(0.2, POINTS[2])
    lines += network_lines(model, part, POINTS[2], rng, lengths, settings["directions"])
    optimizer = mg.optim.Adam(model.parameters(), lr=settings["rate"])
    for _ in range(settings["updates"]):
        optimizer.zero_grad()
        F.cross_entropy(model(part[0]), y).backward()
        optimizer.step()
    progress.report(0.6, POINTS[3])
    lines += network_lines(model, part, POINTS[3], rng, lengths, settings["directions"])
    for line in lines:
        line["loss"] = [v if np.isfinite(v) else None for v in line["loss"]]
    return {"lengths": lengths, "lines": lines}


def reach(line, lengths):
    """The first length at which the error passes a tenth of the true change, None if it never."""
    error, change = errors(line, lengths)
    far = np.flatnonzero((error > TENTH * change) & (error > ENOUGH[1]))
    return float(lengths[far[0]]) if len(far) else None


def of_point(measurements, point):
    """[(line, lengths)] of one point, over all runs."""
    return [
        (line, r["lengths"])
        for r in measurements["runs"]
        for line in r["lines"]
        if line["point"] == point
    ]


def numbers(measurements):
    """Orders and reaches, each the mean of a run's directions."""
    rows = []
    for point in POINTS:
        for expected in (3, 4):
            values = []
            for r in measurements["runs"]:
                found = [order(x, r["lengths"]) for x in r["lines"]
                         if x["point"] == point and x["expected"] == expected]  # fmt: skip
                found = [v for v in found if v is not None]
                values.append(float(np.mean(found)) if found else None)
            if any(v is not None for v in values):
                rows.append(
                    Number(f"{point}: order of the error, expected {expected}", values, digits=4)
                )
    for point in POINTS[2:]:
        for direction in ("lowest eigenvector", "highest eigenvector", "random 1"):
            values = [
                reach(line, r["lengths"])
                for r in measurements["runs"]
                for line in r["lines"]
                if (line["point"], line["direction"]) == (point, direction)
            ]
            rows.append(Number(f"{point}, {direction}: reach", values, "weight units"))
    return rows


def error_figure(measurements):
    """Error against length, log-log, one line a direction."""
    run = measurements["runs"][0]
    figure, panel = plots.axes("step length ‖δ‖, weight units", "error of the approximation",
                               xscale="log", yscale="log", height=4.4)  # fmt: skip
    looks = dict(zip(POINTS, ((plots.BLUE, "-"), (plots.SKY, "--"), (plots.ORANGE, "-."),
                              (plots.RED, ":")), strict=True))  # fmt: skip
    named = set()
    h = np.array(run["lengths"])
    for line in run["lines"]:
        colour, dash = looks[line["point"]]
        error, _ = errors(line, run["lengths"])
        error = np.where(error > 1e-15, error, np.nan)
        label = None if line["point"] in named else line["point"]
        named.add(line["point"])
        panel.plot(h, error, dash, color=colour, lw=1.3, label=label)
    for power, level in ((3, 3.0), (4, 3e-3)):
        guide = level * h**power
        shown = (guide > 1e-12) & (guide < 1e-1)
        panel.plot(h[shown], guide[shown], color=plots.BLACK, lw=0.8)
        panel.annotate(f"slope {power}", (h[shown][-1], guide[shown][-1]), (4, 0),
                       textcoords="offset points", fontsize=8)  # fmt: skip
    panel.set_ylim(1e-15, 1e3)
    plots.legend(figure)
    return Figure(
        figure,
        "Error of the approximation against the length of the step, seed 0, one line a direction. "
        "Networks follow slope 3, the next term of the series; at the toy's saddle, and along "
        "(1, −1) at its minimum, the cubic term vanishes, and the slope is 4.",
        "Log-log plot of many rising lines, in two bundles parallel to guides of slope 3 and 4.",
    )


def reach_figure(measurements):
    """True loss and approximation along the highest and the lowest eigenvector."""
    run = measurements["runs"][0]
    figure, panel = plots.axes("step length along the eigenvector", "change of the loss, nats")
    h = np.array(run["lengths"])
    looks = {"highest eigenvector": plots.RED, "lowest eigenvector": plots.BLUE}
    tops = []
    for line in run["lines"]:
        if line["point"] != POINTS[3] or line["direction"] not in looks:
            continue
        shown = h <= 4
        loss = np.array([np.nan if v is None else v for v in line["loss"]])[shown]
        model = line["slope"] * h[shown] + 0.5 * line["curvature"] * h[shown] ** 2
        colour = looks[line["direction"]]
        tops.append(np.nanmax(abs(loss - line["start"])))
        panel.plot(h[shown], loss - line["start"], color=colour, label=line["direction"])
        panel.plot(h[shown], model, "--", color=colour, lw=1.2)
    panel.plot([], [], "--", color=plots.BLACK, lw=1.2, label="approximation")
    panel.set_ylim(-0.3 * max(tops), 1.5 * max(tops))
    plots.legend(panel, loc="upper left")
    return Figure(
        figure,
        "The trained network of seed 0 along two eigenvectors of its Hessian: what the "
        "approximation says (dashed) and what the loss does. Near the point they are one curve.",
        "Two loss curves with dashed parabolas that leave them as the step grows.",
    )


def order_figure(measurements):
    """All fitted orders."""
    figure, panel = plots.axes("fitted order of the error", "", height=2.8)
    for k, point in enumerate(POINTS):
        for line, lengths in of_point(measurements, point):
            value = order(line, lengths)
            if value is not None:
                colour = plots.BLUE if line["expected"] == 3 else plots.RED
                marker = "o" if line["expected"] == 3 else "^"
                panel.plot(value, k, marker, color=colour, ms=5, alpha=0.6)
    for marker, colour, text in (("o", plots.BLUE, "expected 3"), ("^", plots.RED, "expected 4")):
        panel.plot([], [], marker, color=colour, label=text)
    panel.set_yticks(range(len(POINTS)), POINTS, fontsize=8)
    panel.set_ylim(len(POINTS) - 0.5, -0.5)
    panel.set_xlim(1.9, 4.3)
    plots.legend(figure)
    n = len(measurements["runs"])
    return Figure(
        figure,
        f"The fitted order for every direction of {n} seeds, against what the series promises. "
        "Where the cubic term of a direction happens to be small, the next one mixes in.",
        "Dots at 3 and triangles at 4, in four rows.",
    )


def figures(measurements):
    """Error, reach, orders."""
    return [error_figure(measurements), reach_figure(measurements), order_figure(measurements)]


def verdict(measurements):
    """By the fitted orders; the reach is the limit."""
    runs = measurements["runs"]
    if not runs:
        return Verdict(UNDECIDED, say("no run"), [say("There is no run.")])
    found = {}
    for r in runs:
        for line in r["lines"]:
            place = found.setdefault((line["point"], line["expected"]), [])
            place.append(order(line, r["lengths"]))
    known = {k: [v for v in values if v is not None] for k, values in found.items()}
    if not all(known.values()):
        return Verdict(
            UNDECIDED,
            say("no order"),
            [say("Too few errors lie between rounding and the far terms; take other lengths.")],
        )
    medians = {place: float(np.median(values)) for place, values in known.items()}
    key = say(
        "order {three:.2f} in networks, {four:.2f} at the saddle",
        three=medians[POINTS[3], 3],
        four=medians[POINTS[0], 4],
    )
    reasons = [
        say(
            "{point}: the error grows with the power {median:.3f} of the step (median of {count} "
            "directions, {low:.2f} to {high:.2f}), where the series promises {expected}.",
            point=point,
            median=medians[point, expected],
            low=min(values),
            high=max(values),
            count=len(values),
            expected=expected,
        )
        for (point, expected), values in known.items()
    ]
    if any(abs(median - expected) > NEAR for (_, expected), median in medians.items()):
        return Verdict(REFUTED, key, reasons)
    short = []
    for point in POINTS[2:]:
        for line, lengths in of_point(measurements, point):
            far = reach(line, lengths)
            if far is not None and far < TENTH * line["norm"]:
                short.append((far, line))
    if not short:
        return Verdict(HOLDS, key, reasons)
    far, line = min(short, key=lambda pair: pair[0])
    reasons.append(
        say(
            "It is a local statement: in {n} of {all} directions from the networks the error "
            "passes a tenth of the true change within a tenth of the weights' norm; soonest at "
            "length {far:.2g} of {norm:.1f}, where the loss had changed by {change:.1e}.",
            n=len(short),
            all=sum(len(of_point(measurements, p)) for p in POINTS[2:]),
            far=far,
            norm=line["norm"],
            change=float(np.interp(far, measurements["runs"][0]["lengths"],
                                   errors(line, measurements["runs"][0]["lengths"])[1])),
        )
    )  # fmt: skip
    return Verdict(LIMITED, key, reasons)
