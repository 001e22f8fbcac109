"""Momentum: a weighted sum of all past gradients, and what carries descent over a hill."""

import numpy as np

import minigrad as mg
from minigrad import nn
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

TITLE = "Momentum carries descent over a hill"
ROW = 10
CLAIM = (
    "With momentum the movement is λ · last movement − η · gradient, which is a weighted sum of "
    "all gradients so far; so descent can pass a local minimum in which gradient descent stays."
)
REFUTED_BY = (
    "A movement of the engine's SGD that differs from −η Σ λ^(t−i) g_i by more than 1e-10 of its "
    "length in any update of any seed, at a constant rate; gradient descent (λ = 0) that leaves "
    "the local minimum of the hill-and-valley curve from any of the starts; or a start from which "
    "no λ of the grid ends in the global minimum. A limit is: a λ above the smallest one that "
    "passes which ends in the local minimum all the same, or a schedule of rates under which the "
    "lecture's rule and PyTorch's, which keeps η outside the sum, end more than 1e-3 apart, "
    "relative to the way they went."
)
METHOD = (
    "A tanh network on images is trained by full-batch SGD with momentum in float64, every "
    "gradient is kept, and each movement is compared with the weighted sum; then the rate is cut "
    "to a tenth half-way, and the lecture's rule, a small Optimizer of its own, goes beside "
    "PyTorch's. On the curve L(x) = (x² − 1)² − 0.3x a grid of λ runs from several starts at the "
    "left of the local minimum, and a finer grid finds the smallest λ that ends beyond the hill, "
    "for several learning rates. Each seed draws data, weights and the starts anew."
)
SECONDS = 0.9
PARAMETERS = {
    "seeds": Parameter(3, "data, weights and starts", 10),
    "data": Parameter("digits", "data set of the network"),
    "most": Parameter(200, "samples at most, of which the training part is used", 600),
    "momentum": Parameter(0.9, "λ of the network's training"),
    "rate": Parameter(0.2, "η of the network's training"),
    "updates": Parameter(60, "updates of the network's training"),
    "cut": Parameter(0.1, "factor on the rate after half of the updates"),
    "tilt": Parameter(0.3, "how much lower the right valley of the curve is"),
    "start": Parameter([-1.8, -1.5], "starts on the curve are drawn from this interval"),
    "starts": Parameter(4, "starts on the curve, for each seed"),
    "curve_rate": Parameter(0.01, "η on the curve"),
    "curve_rates": Parameter(
        [0.001, 0.003, 0.01, 0.03], "rates for which the critical λ is found"
    ),
    "grid": Parameter(100, "values of λ, from 0 to 1 − 1/grid", 400),
    "patience": Parameter(1200, "updates after which a run on the curve is judged"),
}
MEASURED = {
    "identity": "the largest ‖movement + η Σ λ^(t−i) g_i‖ / ‖movement‖ of the updates",
    "share": "[of the length of the last movement, the share that the newest gradient alone "
    "would give, …, the 20 newest]",
    "conventions": "{constant, cut: ‖w_lecture − w_PyTorch‖ / ‖w_PyTorch − w_start‖ after each "
    "update}, at a constant rate and where it is cut half-way",
    "curve": "{start: [x, …], ends: [[x at the end, one a start], one a λ of the grid], lambda: "
    "the grid}",
    "critical": "{rate: the smallest λ, to 1/grid², that passes from the first start}",
    "paths": "{λ: the first 150 x from the first start}, for λ = 0 and just beside the critical λ",
}
REFERENCES = [
    (
        "B. Polyak (1964), Some methods of speeding up the convergence of iteration methods",
        "https://doi.org/10.1016/0041-5553(64)90137-5",
    ),
    (
        "I. Sutskever et al. (2013), On the importance of initialization and momentum in deep "
        "learning",
        "https://proceedings.mlr.press/v28/sutskever13.html",
    ),
    (
        "H. Lee (2021), Machine Learning, lecture P6: Batch and momentum",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
]
EXACT, APART = 1e-10, 1e-3


class LectureMomentum(mg.optim.Optimizer):
    """The lecture's rule, with the rate inside the sum: m := λm − ηg, w := w + m.

    λ and η may be tensors: each element of w then goes its own way.
    """

    def __init__(self, params, lr, momentum):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    def update(self, p, g, state, group):
        """One step of the formula above."""
        m = self.buffer(state, "movement", p)
        m.mul_(group["momentum"]).sub_(g * group["lr"])
        p += m


def curve(x, tilt):
    """L(x) = (x² − 1)² − tilt · x: a valley at the left, a hill, a lower valley at the right."""
    return (x * x - 1) ** 2 - tilt * x


def roll(start, momentum, rate, tilt, updates):
    """Paths on the curve, an array (updates + 1, …): start, λ and η broadcast to many runs."""
    start, momentum, rate = (mg.tensor(v, dtype=mg.float64) for v in (start, momentum, rate))
    x = (start + 0 * momentum + 0 * rate).requires_grad_()
    optimizer = LectureMomentum([x], lr=rate, momentum=momentum)
    path = [x.detach().numpy().copy()]
    for _ in range(updates):
        optimizer.zero_grad()
        curve(x, tilt).sum().backward()
        optimizer.step()
        path.append(x.detach().numpy().copy())
    return np.array(path)


def train(model, part, optimizer, updates, cut=1.0):
    """Full-batch training: weights before and after, and gradients at, every update."""
    x, y = part
    weights, gradients = [], []
    for k in range(updates):
        if k == updates // 2:
            for group in optimizer.param_groups:
                group["lr"] *= cut
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        weights.append(nn.utils.parameters_to_vector(model.parameters()).detach().numpy())
        gradients.append(np.concatenate([p.grad.numpy().ravel() for p in model.parameters()]))
        optimizer.step()
    weights.append(nn.utils.parameters_to_vector(model.parameters()).detach().numpy())
    return np.array(weights), np.array(gradients)


def identity(weights, gradients, rate, momentum):
    """‖movement + η Σ λ^(t−i) g_i‖ / ‖movement‖, the largest over the updates."""
    t = np.arange(len(gradients))
    powers = np.where(t[:, None] >= t, momentum ** np.maximum(t[:, None] - t, 0.0), 0.0)
    movements, sums = np.diff(weights, axis=0), -rate * powers @ gradients
    lengths = np.linalg.norm(movements, axis=1)
    return float((np.linalg.norm(movements - sums, axis=1) / lengths).max())


HEART = [LectureMomentum, identity, curve, roll]


def hill_top(tilt):
    """Where the curve's local maximum is: the middle root of its derivative 4x³ − 4x − tilt."""
    return float(np.sort(np.roots([4, 0, -4, -tilt]).real)[1])


def first_passing(ends, grid, top):
    """The smallest λ of the grid whose run ended right of the hill, None where there is none."""
    passed = np.flatnonzero(np.asarray(ends) > top)
    return float(grid[passed[0]]) if len(passed) else None


def run(seed, settings):
    """One network and one draw of starts."""
    mg.manual_seed(seed)
    x, y = tensors(data.load(settings["data"], seed, most=settings["most"]).train)
    part = x.double(), y
    rate, momentum, updates = (settings[name] for name in ("rate", "momentum", "updates"))
    initial = network([x.shape[1], 16, classes(y)], nn.Tanh).double().state_dict()

    def trained(rule, cut=1.0):
        model = network([x.shape[1], 16, classes(y)], nn.Tanh).double()
        model.load_state_dict(initial)
        optimizer = rule(model.parameters(), lr=rate, momentum=momentum)
        return train(model, part, optimizer, updates, cut)

    weights, gradients = trained(mg.optim.SGD)
    newest = gradients[::-1][:20]
    recent = -rate * momentum ** np.arange(len(newest))[:, None] * newest
    last = np.linalg.norm(weights[-1] - weights[-2])
    conventions = {}
    for name, cut in (("constant", 1.0), ("cut", settings["cut"])):
        progress.report(0.2, f"two conventions, rate {name}")
        pytorch, _ = trained(mg.optim.SGD, cut)
        lecture, _ = trained(LectureMomentum, cut)
        way = np.linalg.norm(pytorch[1:] - pytorch[0], axis=1)
        conventions[name] = np.linalg.norm(lecture[1:] - pytorch[1:], axis=1) / way

    tilt, patience = settings["tilt"], settings["patience"]
    top = hill_top(tilt)
    starts = np.random.default_rng(seed).uniform(*settings["start"], settings["starts"])
    grid = np.arange(settings["grid"]) / settings["grid"]
    progress.report(0.5, "the hill")
    ends = roll(starts, grid[:, None], settings["curve_rate"], tilt, patience)[-1]
    rates = settings["curve_rates"]
    by_rate = roll(starts[0], grid[:, None], rates, tilt, patience)[-1].T
    thresholds = {}
    for eta, last_x in zip(rates, by_rate, strict=True):
        passing = first_passing(last_x, grid, top)
        if passing is not None:  # a second grid between this λ and the one before it
            fine = passing - np.arange(settings["grid"])[::-1] / settings["grid"] ** 2
            passing = first_passing(roll(starts[0], fine, eta, tilt, patience)[-1], fine, top)
        thresholds[f"{eta:g}"] = passing
    found = thresholds[f"{settings['curve_rate']:g}"]
    paths = {}
    for momentum in (0.0, *((found - 0.002, found + 0.002) if found else ())):
        path = roll(starts[0], momentum, settings["curve_rate"], tilt, patience)
        paths[f"{momentum:.3f}"] = path[:150]
    return {
        "identity": identity(weights, gradients, rate, settings["momentum"]),
        "share": np.linalg.norm(np.cumsum(recent, axis=0), axis=1) / last,
        "conventions": conventions,
        "curve": {"start": starts, "ends": ends, "lambda": grid},
        "critical": thresholds,
        "paths": paths,
    }


def passes(measurements):
    """For each run an array (λ, starts): whether it ended in the global minimum."""
    top = hill_top(measurements["settings"]["tilt"])
    return [np.array(r["curve"]["ends"]) > top for r in measurements["runs"]]


def numbers(measurements):
    """The table of the report."""
    runs, settings = measurements["runs"], measurements["settings"]
    rows = [
        Number("largest relative error of the weighted sum", [r["identity"] for r in runs]),
        Number(
            "share of the movement that the newest gradient alone gives",
            [100 * r["share"][0] for r in runs],
            "%",
        ),
    ]
    for name in ("constant", "cut"):
        rows.append(
            Number(
                f"lecture's rule against PyTorch's at the end, rate {name}",
                [r["conventions"][name][-1] for r in runs],
            )
        )
    for rate in settings["curve_rates"]:
        values = [r["critical"][f"{rate:g}"] for r in runs]
        rows.append(Number(f"critical λ at η = {rate:g}", values, digits=4))
    share = [100 * wrong_ways(p).mean() for p in passes(measurements)]
    rows.append(Number("λ above the critical one that end in the local minimum", share, "%"))
    return rows


def wrong_ways(passed):
    """Of the λ above the smallest that passes, over all starts: whether each fails."""
    found = [column[np.argmax(column) :] for column in passed.T if column.any()]
    return ~np.concatenate(found) if found else np.zeros(1, bool)


def curve_figure(measurements):
    """The curve with a path that just fails and one that just passes."""
    run, tilt = measurements["runs"][0], measurements["settings"]["tilt"]
    figure, panel = plots.axes("parameter x", "loss L", height=4.0)
    x = np.linspace(-1.75, 1.5, 200)
    panel.plot(x, curve(mg.from_numpy(x), tilt).numpy(), color=plots.BLACK, lw=1)
    looks = zip(
        run["paths"].items(),
        ((plots.BLUE, "s", 1.0), (plots.ORANGE, "o", 1.7), (plots.RED, "^", 2.4)),
        strict=False,
    )
    for (momentum, path), (colour, marker, height) in looks:
        path = np.array(path)
        # lifted above the curve, so that coming and going can be told apart
        lift = height * (0.25 + 0.002 * np.arange(len(path)))
        panel.plot(path, curve(mg.from_numpy(path), tilt).numpy() + lift, color=colour,
                   marker=marker, ms=2.5, lw=0.8, label=f"λ = {momentum}")  # fmt: skip
    panel.set_ylim(-0.6, 5)
    plots.legend(figure, ncols=3)
    return Figure(
        figure,
        "The curve L = (x² − 1)² − 0.3x and three paths from one start, drawn above it and rising "
        "with time: gradient descent stays in the left valley, a λ just below the critical one "
        "turns back on the hill, and just above it the path rolls into the lower valley.",
        "A double well; two paths end in the left well, the third crosses the hill.",
    )


def map_figure(measurements):
    """Where each start ends, against λ."""
    runs = measurements["runs"]
    passed = np.concatenate([p.T for p in passes(measurements)])
    starts = np.concatenate([r["curve"]["start"] for r in runs])
    grid = np.array(runs[0]["curve"]["lambda"])
    order = np.argsort(starts)
    shown = grid > 0.7
    passed, grid = passed[:, shown], grid[shown]
    figure, panel = plots.axes("momentum λ", "start x₀")
    for height, row in enumerate(passed[order]):
        panel.plot(grid[~row], np.full((~row).sum(), height), "|", color=plots.SKY, ms=8)
        panel.plot(grid[row], np.full(row.sum(), height), "|", color=plots.RED, ms=8)
    panel.plot([], [], "|", color=plots.SKY, ms=8, label="ends in the local minimum")
    panel.plot([], [], "|", color=plots.RED, ms=8, label="ends in the global minimum")
    panel.set_yticks(range(len(order)), [f"{s:.2f}" for s in starts[order]], fontsize=7)
    plots.legend(figure)
    rate = measurements["settings"]["curve_rate"]
    return Figure(
        figure,
        f"Which minimum each start ends in, for every λ of the grid above 0.7, at η = {rate:g}. "
        "Above the critical λ stripes alternate: with more momentum the path crosses the hill "
        "back again.",
        "Rows of starts against momentum: blue up to about 0.9, then red, then stripes of both.",
    )


def critical_figure(measurements):
    """The critical λ against the learning rate."""
    runs, rates = measurements["runs"], measurements["settings"]["curve_rates"]
    figure, panel = plots.axes("learning rate η", "1 − critical λ", xscale="log", yscale="log")
    for r in runs:
        values = [r["critical"][f"{rate:g}"] for rate in rates]
        values = [np.nan if v is None else 1 - v for v in values]
        panel.plot(rates, values, "o-", color=plots.BLUE, lw=1, alpha=0.7)
    guide = np.array(rates)
    first = [r["critical"][f"{rates[0]:g}"] for r in runs]
    level = np.mean([1 - v for v in first if v is not None] or [1.0])
    panel.plot(guide, level * (guide / guide[0]) ** 0.5, ":", color=plots.BLACK, label="∝ √η")
    plots.legend(panel)
    return Figure(
        figure,
        "The critical λ belongs to the learning rate: one line a seed. Friction per unit of time "
        "is (1 − λ)/√η, as the mass of a ball that rolls is; so 1 − λ grows like √η.",
        "One minus the critical momentum rises with the learning rate along the dotted line of "
        "its square root.",
    )


def conventions_figure(measurements):
    """How far the two rules are apart."""
    runs = measurements["runs"]
    figure, panel = plots.axes("updates", "distance, relative to the way", yscale="log")
    for name, colour, dash in (("cut", plots.RED, "-"), ("constant", plots.BLUE, "--")):
        rows = np.maximum([r["conventions"][name] for r in runs], 1e-18)
        label = "rate cut half-way" if name == "cut" else "constant rate"
        plots.band(panel, np.arange(rows.shape[1]) + 1, rows, colour, dash, label)
    plots.legend(panel, loc="center left")
    return Figure(
        figure,
        "The lecture keeps η inside the sum of movements, PyTorch outside. At a constant rate "
        "they are one rule; once the rate is cut, the lecture's sum still carries the old rate.",
        "Two curves: rounding error for a constant rate, a jump to some per cent after the cut.",
    )


def figures(measurements):
    """The hill, where each λ ends, critical λ against rate, conventions."""
    return [
        curve_figure(measurements),
        map_figure(measurements),
        critical_figure(measurements),
        conventions_figure(measurements),
    ]


def verdict(measurements):
    """By the identity and by where the runs on the curve end."""
    runs, settings = measurements["runs"], measurements["settings"]
    if not runs:
        return Verdict(UNDECIDED, say("no run"), [say("There is no run.")])
    worst = max(r["identity"] for r in runs)
    passed = passes(measurements)
    free = [p[0].any() for p in passed]
    trapped = [int((~p.any(axis=0)).sum()) for p in passed]
    found = [r["critical"][f"{settings['curve_rate']:g}"] for r in runs]
    known = [v for v in found if v is not None]
    failed = []
    if not worst <= EXACT:
        failed.append(
            say("The movement is not the weighted sum: they differ by {x:.1e}.", x=worst)
        )
    if any(free):
        failed.append(say("Without momentum a start leaves the local minimum."))
    if sum(trapped) or not known:
        failed.append(say("{n} starts pass the hill with no λ of the grid.", n=sum(trapped)))
    if failed:
        return Verdict(REFUTED, say("identity to {x:.0e}", x=worst), failed)
    key = say("passes from λ = {low:.3f} … {high:.3f}", low=min(known), high=max(known))
    reasons = [
        say(
            "In {n} trainings of a network the movement equals −η Σ λ^(t−i) g_i to {x:.0e}; the "
            "newest gradient alone gives {share:.0f} % of the last movement's length.",
            n=len(runs),
            x=worst,
            share=100 * np.mean([r["share"][0] for r in runs]),
        ),
        say(
            "On the hill-and-valley curve all {starts} starts stay in the local minimum without "
            "momentum, and each passes the hill with some λ; from the first start of each seed "
            "the critical λ at η = {rate:g} is {low:.4f} to {high:.4f}.",
            starts=sum(p.shape[1] for p in passed),
            rate=settings["curve_rate"],
            low=min(known),
            high=max(known),
        ),
    ]
    limits = []
    wrong = np.concatenate([wrong_ways(p) for p in passed])
    if wrong.any():
        limits.append(
            say(
                "More is not better: of the λ above the critical one {share:.0f} % end in the "
                "local minimum again, having crossed the hill both ways.",
                share=100 * wrong.mean(),
            )
        )
    ends = {name: [r["conventions"][name][-1] for r in runs] for name in ("constant", "cut")}
    if max(ends["cut"]) > APART:
        limits.append(
            say(
                "The rule has two readings: at a constant rate the lecture's and PyTorch's are "
                "{same:.0e} apart, but {cut:.1f} % of the way once the rate is cut to {factor:g} "
                "of it, since PyTorch keeps η outside the sum.",
                same=max(ends["constant"]),
                cut=100 * np.mean(ends["cut"]),
                factor=settings["cut"],
            )
        )
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)
