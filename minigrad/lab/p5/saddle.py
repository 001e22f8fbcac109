"""The toy network y = w₁w₂x: a critical point whose Hessian shows the way out."""

import numpy as np

import minigrad as mg
from minigrad.lab import plots, progress
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
from minigrad.lab.statistics import mean_sd
from minigrad.lab.words import join, say

TITLE = "The saddle point of the smallest network"
ROW = 1
CLAIM = (
    "Training can stop where the gradient is zero and yet no minimum is near: at the origin of "
    "y = w₁w₂x on the datum (1, 1) the loss L = (1 − w₁w₂)² has gradient 0 and Hessian "
    "eigenvalues ±2. The signs of the eigenvalues tell a saddle from a minimum, and a step along "
    "the eigenvector of the negative one lowers the loss."
)
REFUTED_BY = (
    "A gradient other than zero at the origin, a Hessian other than [[0, −2], [−2, 0]], a small "
    "step along the eigenvector that does not lower the loss, or descent from (0.5, −0.5) that "
    "does not end in the saddle. A limit is: steps along the eigenvector that raise the loss, a "
    "minimum that the eigenvalue signs do not recognise, starts that leave the saddle unaided."
)
METHOD = (
    "Gradient, Hessian and their eigenvalues come from the engine, at the origin and at the "
    "minimum (1, 1), and are sorted into n₊/n₀/n₋ under a stated tolerance. Gradient descent and "
    "momentum start at (0.5, −0.5); then one step is taken along the eigenvector, and descent "
    "goes on. Each seed also pushes the start off the line w₁ = −w₂ in a random direction by "
    "smaller and smaller distances, and counts the updates until the loss falls below ½."
)
SECONDS = 0.2
PARAMETERS = {
    "seeds": Parameter(5, "random directions of the perturbed starts", 20),
    "start": Parameter([0.5, -0.5], "(w₁, w₂) where descent begins"),
    "rate": Parameter(0.1, "learning rate η of both methods"),
    "momentum": Parameter(0.9, "momentum factor of the second method"),
    "updates": Parameter(400, "updates of each method towards the saddle"),
    "tolerance": Parameter(1e-8, "eigenvalues within this fraction of the largest count as zero"),
    "step": Parameter(0.1, "length of the step along the eigenvector"),
    "perturbations": Parameter(
        [1e-1, 1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12],
        "distances by which starts are pushed off the line",
    ),
    "patience": Parameter(2000, "updates after which a start counts as trapped"),
}
MEASURED = {
    "origin": "the critical point (0, 0): loss, gradient, Hessian, eigenvalues in rising order, "
    "eigenvectors in columns, inertia [n₊, n₀, n₋], kind",
    "minimum": "the same at (1, 1)",
    "stuck": "the same where gradient descent ended",
    "paths": "{method: [[w₁, w₂], …]}, one point an update",
    "losses": "{method: [L, …]} along the paths",
    "along": "loss at s·(1, 1) for the lengths s",
    "released": "{method: updates until L < ½ for each of the perturbations, null: never}",
}
REFERENCES = [
    (
        "H. Lee (2021), Machine Learning, lecture P5: When gradient is small",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
    (
        "Y. Dauphin et al. (2014), Identifying and attacking the saddle point problem in "
        "high-dimensional non-convex optimization",
        "https://arxiv.org/abs/1406.2572",
    ),
    (
        "J. Lee et al. (2016), Gradient descent only converges to minimizers",
        "https://arxiv.org/abs/1602.04915",
    ),
]


def loss(w):
    """L(w) = (1 − w₁w₂)², the squared error of y = w₁w₂x on the datum (1, 1)."""
    return (1 - w[0] * w[1]) ** 2


def critical_point(w, tolerance):
    """Loss, gradient, Hessian and the signs n₊/n₀/n₋ of its eigenvalues at w."""
    gradient = mg.func.grad(loss)(w).numpy()
    hessian = mg.func.hessian(loss)(w).numpy()
    eigenvalues, eigenvectors = np.linalg.eigh(hessian)
    zero = tolerance * abs(eigenvalues).max()
    positive, negative = int((eigenvalues > zero).sum()), int((eigenvalues < -zero).sum())
    inertia = [positive, len(eigenvalues) - positive - negative, negative]
    return {
        "at": w.tolist(),
        "loss": loss(w).item(),
        "gradient": gradient,
        "hessian": hessian,
        "eigenvalues": eigenvalues,
        "eigenvectors": eigenvectors,
        "inertia": inertia,
        "kind": kind(*inertia),
    }


def kind(positive, zero, negative):
    """What the eigenvalue signs of a critical point say; with a zero among them, not everything.

    >>> kind(1, 0, 1), kind(2, 0, 0), kind(1, 1, 0)
    ('saddle', 'minimum', 'degenerate')
    """
    if positive and negative:
        return "saddle"
    if zero:
        return "degenerate"
    return "minimum" if positive else "maximum"


def escape(w, length):
    """One step along the eigenvector of the smallest eigenvalue: L falls by about ½|λ| length²."""
    _, eigenvectors = np.linalg.eigh(mg.func.hessian(loss)(w).numpy())
    direction = eigenvectors[:, 0]
    if direction.sum() < 0:  # both ways lead down; take the one towards (1, 1)
        direction = -direction
    return w + length * mg.from_numpy(direction.copy())


def descend(start, rate, momentum, updates, until=-1.0):
    """The path [w₀, w₁, …] of gradient descent; ends early where L falls below `until`."""
    w = mg.tensor(start, dtype=mg.float64, requires_grad=True)
    optimizer = mg.optim.SGD([w], lr=rate, momentum=momentum)
    path = [w.tolist()]
    for _ in range(updates):
        value = loss(w)
        if value.item() < until:
            break
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        path.append(w.tolist())
    return path


HEART = [loss, critical_point, escape, descend]


def along(direction, lengths):
    """Loss at the distances `lengths` from the origin along `direction`."""
    w = mg.tensor(lengths, dtype=mg.float64).reshape(-1, 1) * mg.tensor(direction)
    return loss(w.T).tolist()


def run(seed, settings):
    """One run; only the perturbed starts depend on the seed."""
    mg.manual_seed(seed)
    start, rate = settings["start"], settings["rate"]
    origin = mg.zeros(2, dtype=mg.float64)
    minimum = mg.ones(2, dtype=mg.float64)
    paths = {}
    for method, momentum in (("gradient descent", 0.0), ("momentum", settings["momentum"])):
        paths[method] = descend(start, rate, momentum, settings["updates"])
    stuck = mg.tensor(paths["gradient descent"][-1], dtype=mg.float64)
    stepped = escape(stuck, settings["step"])
    paths["eigenvector step"] = [stuck.tolist()] + descend(
        stepped.tolist(), rate, 0.0, settings["updates"], until=1e-12
    )
    # s·(1, 1): the promise of the step, and where it ends
    lengths = [i / 100 for i in range(161)]
    sizes = settings["perturbations"]
    released = {"gradient descent": [], "momentum": []}
    for i, size in enumerate(sizes):
        progress.report(i / len(sizes), f"starts pushed by {size:g}")
        push = mg.randn(2, dtype=mg.float64)
        push = (push * (size / (push * push).sum() ** 0.5)).tolist()
        off = [start[0] + push[0], start[1] + push[1]]
        for method, momentum in (("gradient descent", 0.0), ("momentum", settings["momentum"])):
            path = descend(off, rate, momentum, settings["patience"], until=0.5)
            last = loss(mg.tensor(path[-1], dtype=mg.float64)).item()
            released[method].append(len(path) - 1 if last < 0.5 else None)
    return {
        "origin": critical_point(origin, settings["tolerance"]),
        "minimum": critical_point(minimum, settings["tolerance"]),
        "stuck": critical_point(stuck, settings["tolerance"]),
        "paths": paths,
        "losses": {
            method: loss(mg.tensor(path, dtype=mg.float64).T).tolist()
            for method, path in paths.items()
        },
        "along": {"s": lengths, "loss": along([1.0, 1.0], lengths)},
        "released": released,
    }


def break_even(line):
    """The largest s of the line at which L is still below its value at s = 0."""
    return max(
        s for s, value in zip(line["s"], line["loss"], strict=True) if value < line["loss"][0]
    )


def numbers(measurements):
    """The table of the report."""
    runs, settings = measurements["runs"], measurements["settings"]
    rows = [
        Number(
            "‖gradient‖ at the origin", [np.linalg.norm(r["origin"]["gradient"]) for r in runs]
        ),
        Number("smaller eigenvalue at the origin", [r["origin"]["eigenvalues"][0] for r in runs]),
        Number("larger eigenvalue at the origin", [r["origin"]["eigenvalues"][1] for r in runs]),
        Number("smaller eigenvalue at (1, 1)", [r["minimum"]["eigenvalues"][0] for r in runs]),
        Number("larger eigenvalue at (1, 1)", [r["minimum"]["eigenvalues"][1] for r in runs]),
        Number("loss at s·(1, 1), s = 1.4", [r["along"]["loss"][140] for r in runs], digits=5),
        Number("loss at s·(1, 1), s = 1.5", [r["along"]["loss"][150] for r in runs], digits=5),
    ]
    for method in ("gradient descent", "momentum"):
        end = [np.linalg.norm(r["paths"][method][-1]) for r in runs]
        rows.append(Number(f"{method}: distance from the saddle at the end", end))
    after = [r["losses"]["eigenvector step"] for r in runs]
    rows.append(Number("loss right after the eigenvector step", [v[1] for v in after], digits=4))
    rows.append(Number("loss when descent has gone on from there", [v[-1] for v in after]))
    for method in ("gradient descent", "momentum"):
        for i, size in enumerate(settings["perturbations"]):
            counts = [r["released"][method][i] for r in runs]
            rows.append(
                Number(f"{method}: escape from a start pushed by {size:g}", counts, "updates")
            )
    return rows


def surface_figure(run, settings):
    """Contours of the loss with the three paths."""
    figure, panel = plots.axes("weight w₁", "weight w₂", height=4.6, aspect="equal")
    grid = np.linspace(-1.6, 1.6, 161)
    w = mg.from_numpy(np.stack(np.meshgrid(grid, grid)))
    levels = [0.01, 0.1, 0.3, 0.6, 0.9, 1.0, 1.2, 1.6, 2.4, 4, 6, 9]
    lines = panel.contour(
        grid, grid, loss(w).numpy(), levels, cmap="Greys_r", linewidths=0.9, vmin=-1, vmax=14
    )
    panel.clabel(lines, levels[1::2], fontsize=7, fmt="%g")
    for sign in (1, -1):  # the minima: two branches of w₁w₂ = 1
        branch = np.linspace(1 / 1.6, 1.6, 60)
        panel.plot(sign * branch, sign / branch, color=plots.GREEN, lw=3, alpha=0.7)
    panel.plot([], [], color=plots.GREEN, lw=3, alpha=0.7, label="minima, w₁w₂ = 1")
    looks = {
        "momentum": (plots.SKY, "-", "o"),
        "gradient descent": (plots.BLUE, "-", "s"),
        "eigenvector step": (plots.RED, "-", "^"),
    }
    for method, (colour, dash, marker) in looks.items():
        path = np.array(run["paths"][method])
        label = "eigenvector step, then descent" if method == "eigenvector step" else method
        panel.plot(*path.T, dash, color=colour, marker=marker, ms=3.5, lw=1.4, label=label)
    panel.plot(*settings["start"], "*", color=plots.BLACK, ms=11, label="start")
    panel.plot(0, 0, "X", color=plots.BLACK, ms=9, label="saddle")
    panel.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6))
    panel.grid(False)
    plots.legend(figure)
    return Figure(
        figure,
        "The error surface L = (1 − w₁w₂)², contours labelled with the loss. Both methods run "
        "along the valley's line into the saddle; momentum overshoots and comes back. One step "
        "along the eigenvector (1, 1) and the same gradient descent reaches a minimum.",
        "Contour map of the loss over both weights with three paths: two end in the saddle at "
        "the origin, the one after the eigenvector step ends on the curve of minima.",
    )


def promise_figure(run):
    """Loss along the eigenvector, with what the Hessian predicts."""
    figure, panel = plots.axes("distance s along (1, 1), in weight units", "loss L")
    s, value = np.array(run["along"]["s"]), np.array(run["along"]["loss"])
    direction = np.ones(2)
    curvature = direction @ np.array(run["origin"]["hessian"]) @ direction
    model = run["origin"]["loss"] + 0.5 * curvature * s**2
    panel.plot(s, value, color=plots.BLUE, label="loss")
    panel.plot(s, model, "--", color=plots.ORANGE, label="what the Hessian predicts, 1 − 2s²")
    panel.axhline(run["origin"]["loss"], color=plots.BLACK, lw=0.8, ls=":")
    for at in (1.4, 1.5):
        here = value[round(at * 100)]
        panel.plot(at, here, "o", color=plots.RED)
        panel.annotate(f"{here:.2f} at s = {at}", (at, here), (-6, 0), "data", "offset points",
                       ha="right", va="center")  # fmt: skip
    panel.set_ylim(-1.1, 2.5)
    plots.legend(panel, loc="upper left")
    return Figure(
        figure,
        "The step along the eigenvector is a promise about small steps. The loss falls to 0 at "
        f"s = 1, is back at its old value at s = √2 (largest sampled s below it: "
        f"{break_even(run['along']):.2f}), and rises beyond.",
        "Loss against the distance along the eigenvector: a valley with its bottom at 1, above "
        "the old value beyond 1.41; the quadratic prediction falls for ever.",
    )


def loss_figure(run):
    """Loss against updates."""
    figure, panel = plots.axes("updates", "loss L")
    losses = run["losses"]
    first = losses["gradient descent"]
    shown = 60
    panel.plot(losses["momentum"][:shown], color=plots.SKY, marker="o", ms=3, label="momentum")
    panel.plot(first[:shown], "--", color=plots.BLUE, label="gradient descent")
    after = losses["eigenvector step"]
    x = np.arange(len(after)) + shown
    panel.plot(x, after, "-.", color=plots.RED, label="after the eigenvector step")
    panel.axhline(1, color=plots.BLACK, lw=0.8, ls=":")
    panel.set_ylim(-0.05, 1.7)
    plots.legend(panel, loc="lower left")
    return Figure(
        figure,
        f"The loss settles at 1, the saddle's height, and stays there (of {len(first) - 1} "
        f"updates {shown} are drawn). The eigenvector step follows, and descent is free.",
        "Loss against updates: both methods stay at 1; after the eigenvector step it falls to 0.",
    )


def release_figure(measurements):
    """Updates until the loss falls, against the distance of the start from the line."""
    figure, panel = plots.axes(
        "distance of the start from (0.5, −0.5)", "updates until L < ½", xscale="log"
    )
    sizes = np.array(measurements["settings"]["perturbations"])
    for method, colour, marker in (
        ("gradient descent", plots.BLUE, "s"),
        ("momentum", plots.SKY, "o"),
    ):
        counts = [
            [r["released"][method][i] for r in measurements["runs"]] for i in range(len(sizes))
        ]
        counts = [[np.nan if c is None else c for c in row] for row in counts]
        mean, sd = np.array([mean_sd(row) for row in counts]).T
        label = f"{method}, mean ± sd"
        panel.errorbar(
            sizes, mean, np.nan_to_num(sd), color=colour, marker=marker, capsize=3, label=label
        )
    panel.set_ylim(0)
    plots.legend(panel)
    n = len(measurements["seeds"])
    return Figure(
        figure,
        "Starts beside the line leave the saddle by themselves: each hundredfold smaller push "
        f"costs the same number of updates more ({n} random directions). Only the line itself, "
        "which random starts never hit, is a trap.",
        "Updates until escape against the size of the push, on a logarithmic axis: straight "
        "lines, rising as the push shrinks.",
    )


def figures(measurements):
    """The four figures of the report."""
    first, settings = measurements["runs"][0], measurements["settings"]
    return [
        surface_figure(first, settings),
        promise_figure(first),
        loss_figure(first),
        release_figure(measurements),
    ]


def verdict(measurements):
    """The facts refute the claim where they fail; the limits that were measured qualify it."""
    runs = measurements["runs"]
    if not runs:
        return Verdict(UNDECIDED, say("no run"), [say("There is no run.")])
    failed = [fact for run in runs for fact, true in facts(run).items() if not true]
    if failed:
        reasons = [say("Not so: {fact}.", fact=fact) for fact in dict.fromkeys(failed)]
        return Verdict(REFUTED, say("a fact fails"), reasons)
    run = runs[0]
    reasons = [say("Confirmed: {facts}.", facts=join(facts(run), "; "))]
    limits = []
    line = run["along"]
    if line["loss"][150] > line["loss"][0]:
        limits.append(
            say(
                "The step is a local promise: s·(1, 1) gives L = {below:.2f} at s = 1.4 but "
                "{above:.2f} at s = 1.5, more than the saddle's {start:g}.",
                below=line["loss"][140],
                above=line["loss"][150],
                start=line["loss"][0],
            )
        )
    minimum = run["minimum"]
    if minimum["kind"] != "minimum":
        low, high = minimum["eigenvalues"]
        limits.append(
            say(
                "The signs do not recognise the minimum (1, 1): its eigenvalues are {low:g} and "
                "{high:g}, n₊/n₀/n₋ = {inertia}, “{kind}”. The minima are a curve, so no point "
                "of this surface has positive eigenvalues alone.",
                low=low + 0,
                high=high,
                inertia="/".join(map(str, minimum["inertia"])),
                kind=minimum["kind"],
            )
        )
    counts = [c for r in runs for m in r["released"].values() for c in m]
    free = [c for c in counts if c is not None]
    if free:
        limits.append(
            say(
                "The trap is thin: {free} of {all} starts pushed off the line w₁ = −w₂ left the "
                "saddle unaided, after {least} to {most} updates.",
                free=len(free),
                all=len(counts),
                least=min(free),
                most=max(free),
            )
        )
    key = say("λ = −2, 2 at the saddle; 0, 4 at the minimum")
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)


def facts(run):
    """{what the claim says: whether the measurement agrees}."""
    origin, paths = run["origin"], run["paths"]
    down = np.array(origin["eigenvectors"])[:, 0]
    ends = {m: np.linalg.norm(paths[m][-1]) for m in ("gradient descent", "momentum")}
    after = run["losses"]["eigenvector step"]
    exact = {"rtol": 0, "atol": 1e-12}
    return {
        say("the gradient at the origin is zero"): np.allclose(origin["gradient"], 0, **exact),
        say("the Hessian at the origin is [[0, −2], [−2, 0]]"): np.allclose(
            origin["hessian"], [[0, -2], [-2, 0]], **exact
        ),
        say("its eigenvalues are −2 and 2"): np.allclose(origin["eigenvalues"], [-2, 2], **exact),
        say("the eigenvector of −2 is (1, 1)/√2"): np.allclose(abs(down), 0.5**0.5, **exact)
        and down[0] * down[1] > 0,
        say("gradient descent ends in the saddle"): ends["gradient descent"] < 1e-6,
        say("momentum ends in the saddle"): ends["momentum"] < 1e-6,
        say("the eigenvector step lowers the loss"): after[1] < after[0],
        say("descent goes on from there to a minimum"): after[-1] < 1e-6,
    }
