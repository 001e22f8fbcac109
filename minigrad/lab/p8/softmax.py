"""Softmax: shares that sum to one. When does it exaggerate, and when does it level?"""

import math

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
from minigrad.lab.statistics import interval
from minigrad.lab.training import classes, network, tensors
from minigrad.lab.words import say
from minigrad.nn import functional as F

TITLE = "Softmax exaggerates differences: when?"
ROW = 20
CLAIM = (
    "Softmax turns logits into shares between 0 and 1 that sum to 1, softmax(3, 1, −3) = (0.88, "
    "0.12, ≈0); on the way it exaggerates differences: the large becomes larger still. With two "
    "classes it is the sigmoid of the difference of the logits."
)
REFUTED_BY = (
    "Shares of (3, 1, −3) that are not 0.88, 0.12 and below 0.005; shares that miss the sum 1 by "
    "more than 1e-12 in float64; two-class softmax that differs from the sigmoid by more than "
    "1e-12 in value or gradient (1e-6 in float32). To exaggerate means: of two positive logits "
    "a > b the ratio of the shares exceeds a/b. Refuted if that holds for none of the random "
    "pairs; a limit if it fails for some of them."
)
METHOD = (
    "Shares, sums and gradients come from the engine and are compared with the sigmoid's on "
    "random logits in both precisions. Random pairs of positive logits of many sizes are then "
    "sorted by whether softmax widens their ratio, and (3, 1, −3) is multiplied by a factor s "
    "(a temperature of 1/s) from small to large. A network on images shows where the logits of "
    "practice lie: the mean share of the largest logit, update by update."
)
SECONDS = 0.4
PARAMETERS = {
    "seeds": Parameter(3, "draws of random logits and initialisations", 10),
    "logits": Parameter([3.0, 1.0, -3.0], "the lecture's example"),
    "pairs": Parameter(400, "random pairs of positive logits, and of logits of either sign", 2000),
    "sizes": Parameter([0.03, 30.0], "least and largest size of the random logits"),
    "factors": Parameter([0.01, 100.0], "least and largest factor s on the example"),
    "data": Parameter("digits", "data set of images"),
    "most": Parameter(600, "images at most", 3000),
    "hidden": Parameter(32, "units of the hidden layer", 64),
    "rate": Parameter(0.01, "learning rate of Adam"),
    "updates": Parameter(100, "updates of full-batch Adam", 300),
}
MEASURED = {
    "shares": "softmax of the example's logits",
    "sum": "largest |sum of the shares − 1| over random logits, float64",
    "two": "{float32, float64: {value, gradient: largest |softmax − sigmoid| of the random pairs, "
    "the gradient with respect to both logits}}",
    "pairs": "{a: the larger, b: the smaller of each positive pair, widened: ratio of the shares "
    "over a/b}",
    "scaled": "{factor: [s], shares: [[shares of s·logits]], entropy: [nats]}",
    "shift": "shares of (103, 101), to compare with those of (3, 1)",
    "training": "on the images: {update: [0, 1, …], share: mean share of the largest logit, gap: "
    "mean difference of the two largest logits, accuracy}, of the training part",
}
REFERENCES = [
    (
        "H. Lee (2021), Machine Learning, lecture P8: Classification",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
    (
        "J. Bridle (1990), Probabilistic interpretation of feedforward classification network "
        "outputs, with relationships to statistical pattern recognition",
        "https://doi.org/10.1007/978-3-642-76153-9_28",
    ),
    (
        "G. Hinton, O. Vinyals and J. Dean (2015), Distilling the knowledge in a neural network "
        "(temperature)",
        "https://arxiv.org/abs/1503.02531",
    ),
    (
        "B. Carlson (1972), The logarithmic mean",
        "https://doi.org/10.1080/00029890.1972.11993095",
    ),
]
CHECKED = (0.88, 0.12, 0.0)  # the lecture's numbers, to two digits


def shares_of(logits, factor=1.0):
    """Softmax of factor · logits: eˢʸ / Σ eˢʸ; 1/factor is called the temperature."""
    return F.softmax(factor * mg.tensor(logits, dtype=mg.float64), dim=-1)


def two_classes(pairs):
    """Largest difference between softmax(a, b)₁ and sigmoid(a − b), in value and in gradient."""
    logits = [pairs.detach().requires_grad_() for _ in range(2)]
    shares = [F.softmax(logits[0], dim=1)[:, 0], mg.sigmoid(logits[1][:, 0] - logits[1][:, 1])]
    for p in shares:
        p.sum().backward()
    return {
        "value": (shares[0] - shares[1]).abs().max().item(),
        "gradient": (logits[0].grad - logits[1].grad).abs().max().item(),
    }


def widened(a, b):
    """By how much the shares' ratio exceeds a/b, for positive logits a > b: eᵃ⁻ᵇ · b/a."""
    shares = F.softmax(mg.stack([a, b], dim=1), dim=1)
    return shares[:, 0] / shares[:, 1] * b / a


HEART = [shares_of, two_classes, widened]


def logarithmic_mean(a, b):
    """(a − b) / (ln a − ln b): softmax widens a ratio exactly where this exceeds 1.

    >>> round(float(logarithmic_mean(3.0, 1.0)), 3)
    1.82
    """
    return (a - b) / np.log(a / b)


def train(seed, settings):
    """How decided a network is on its own training data, update by update."""
    split = data.load(settings["data"], seed, most=settings["most"])
    x, y = tensors(split.train)
    mg.manual_seed(seed)
    model = network([x.shape[1], settings["hidden"], classes(y)])
    optimizer = mg.optim.Adam(model.parameters(), lr=settings["rate"])
    seen = {"update": [], "share": [], "gap": [], "accuracy": []}
    for update in range(settings["updates"] + 1):
        logits = model(x)
        if update % 2 == 0:
            first = logits.detach().sort(dim=1).values[:, -2:]
            seen["update"].append(update)
            seen["share"].append(F.softmax(logits.detach(), dim=1).amax(dim=1).mean().item())
            seen["gap"].append((first[:, 1] - first[:, 0]).mean().item())
            seen["accuracy"].append((logits.argmax(dim=1) == y).float().mean().item())
        loss = F.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return seen


def run(seed, settings):
    """Identities on random logits, pairs of all sizes, the example scaled, and a network."""
    rng = np.random.default_rng(seed)
    low, high = np.log(settings["sizes"])
    sizes = np.exp(rng.uniform(low, high, (settings["pairs"], 2)))
    either = sizes * rng.choice([-1.0, 1.0], sizes.shape)
    a, b = sizes.max(axis=1), sizes.min(axis=1)
    least, largest = np.log10(settings["factors"])
    factors = np.logspace(least, largest, 81)
    scaled = mg.stack([shares_of(settings["logits"], s) for s in factors.tolist()])
    logs = mg.stack([
        F.log_softmax(mg.tensor(settings["logits"], dtype=mg.float64) * s, dim=0)
        for s in factors.tolist()
    ])  # fmt: skip
    progress.report(0.5, "a network on images")
    return {
        "shares": shares_of(settings["logits"]).tolist(),
        "sum": (shares_of(either.tolist()).sum(dim=1) - 1).abs().max().item(),
        "two": {
            "float32": two_classes(mg.from_numpy(either.astype(np.float32))),
            "float64": two_classes(mg.from_numpy(either)),
        },
        "pairs": {
            "a": a,
            "b": b,
            "widened": widened(mg.from_numpy(a), mg.from_numpy(b)).numpy(),
        },
        "scaled": {
            "factor": factors,
            "shares": scaled.tolist(),
            "entropy": (-(scaled * logs).sum(dim=1)).tolist(),
        },
        "shift": shares_of([103.0, 101.0]).tolist(),
        "training": train(seed, settings),
    }


def levelled(run):
    """The share of random positive pairs whose ratio softmax does not widen."""
    return float(np.mean(np.array(run["pairs"]["widened"]) <= 1))


def threshold(logits):
    """The factor s beyond which softmax widens the ratio of the two largest, if both positive."""
    first, second = sorted(logits)[-1:-3:-1]
    return math.log(first / second) / (first - second) if second > 0 else math.nan


def numbers(measurements):
    """The table of the report."""
    runs, settings = measurements["runs"], measurements["settings"]
    rows = [
        Number(f"softmax of {tuple(settings['logits'])}, entry {i + 1}",
               [r["shares"][i] for r in runs], digits=4)
        for i in range(len(settings["logits"]))
    ]  # fmt: skip
    rows.append(Number("largest |sum of shares − 1|", [r["sum"] for r in runs]))
    for kind in ("float64", "float32"):
        for what in ("value", "gradient"):
            rows.append(
                Number(f"two classes: softmax − sigmoid, {what}, {kind}",
                       [r["two"][kind][what] for r in runs])
            )  # fmt: skip
    rows.append(
        Number("random positive pairs that are not widened", [100 * levelled(r) for r in runs],
               "%")
    )  # fmt: skip
    for when, k in (("before", 0), ("after", -1)):
        for what, name in (("share", "largest share"), ("gap", "gap of the two largest logits")):
            here = [r["training"][what][k] for r in runs]
            rows.append(Number(f"images, {when} training: mean {name}", here))
    return rows


def scale_figure(measurements):
    """Shares of the example against the factor on its logits."""
    run, settings = measurements["runs"][0], measurements["settings"]
    figure, panel = plots.axes("factor s on the logits (1/temperature)", "share", xscale="log")
    s, shares = np.array(run["scaled"]["factor"]), np.array(run["scaled"]["shares"])
    looks = zip(settings["logits"], (plots.BLUE, plots.ORANGE, plots.GREEN), ("-", "--", "-."),
                strict=False)  # fmt: skip
    for i, (logit, colour, dash) in enumerate(looks):
        panel.plot(s, shares[:, i], dash, color=colour, label=f"logit {logit:g}")
        panel.plot(1, run["shares"][i], "o", color=colour)
        panel.annotate(f"{run['shares'][i]:.2f}", (1, run["shares"][i]), (5, 5),
                       "data", "offset points", fontsize=9)  # fmt: skip
    panel.axvline(1, color=plots.BLACK, lw=0.8, ls=":")
    panel.set_ylim(-0.03, 1.1)
    plots.legend(figure, ncols=3)
    return Figure(
        figure,
        "Softmax of s · (3, 1, −3). At s = 1 it is the lecture's example; for larger factors the "
        "winner takes all, for smaller ones all get the same: the size of the logits decides "
        "whether softmax exaggerates or levels.",
        "Three curves over the factor: all at one third on the left, spreading to 1 and 0 on the "
        "right.",
    )


def pair_figure(measurements):
    """The plane of pairs, with the border where the logarithmic mean is 1."""
    figure, panel = plots.axes(
        "larger logit a", "smaller logit b", height=4.4, xscale="log", yscale="log"
    )
    low, high = measurements["settings"]["sizes"]
    pairs = measurements["runs"][0]["pairs"]
    a, b = (np.array(pairs[name])[:400] for name in "ab")
    wide = np.array(pairs["widened"])[:400] > 1
    panel.plot(a[wide], b[wide], "^", color=plots.RED, ms=4, alpha=0.7, label="exaggerated")
    panel.plot(a[~wide], b[~wide], "o", color=plots.SKY, ms=4, alpha=0.8, label="levelled")
    grid = np.geomspace(low, high, 161)
    larger, smaller = np.meshgrid(grid, grid)
    with np.errstate(all="ignore"):
        mean = np.where(larger > smaller, logarithmic_mean(larger, smaller), np.nan)
    panel.contour(larger, smaller, mean, [1], colors=plots.BLACK, linewidths=1.5)
    panel.plot([], [], color=plots.BLACK, lw=1.5, label="(a − b) / ln(a/b) = 1")
    panel.plot(3, 1, "*", color=plots.BLACK, ms=13, label="the example, 3 and 1")
    plots.legend(figure)
    return Figure(
        figure,
        "Random pairs of positive logits, by whether the ratio of their shares is above the ratio "
        "of the logits. Theory says that the border is where their logarithmic mean is 1: the "
        "logits must be large enough for softmax to exaggerate.",
        "Scatter of pairs: triangles (exaggerated) at large logits, circles (levelled) at small "
        "ones, parted by a curve.",
    )


def training_figure(measurements):
    """How decided a network is before and while it learns."""
    runs = measurements["runs"]
    figure, panel = plots.axes("updates", "mean share, accuracy")
    x = runs[0]["training"]["update"]
    plots.band(panel, x, [r["training"]["share"] for r in runs], plots.BLUE, "-",
               "share of the largest logit")  # fmt: skip
    plots.band(panel, x, [r["training"]["accuracy"] for r in runs], plots.ORANGE, "--", "accuracy")
    panel.set_ylim(0, 1.03)
    plots.legend(panel, loc="lower right")
    return Figure(
        figure,
        f"A network on {measurements['settings']['data']}, training part, mean ± one standard "
        f"deviation of {len(runs)} starts. Before training its logits are small and softmax "
        "gives nearly the same share to all; it learns to be decided by making them large.",
        "Mean share of the largest logit and accuracy, both rising from near 0.1 to 1.",
    )


def figures(measurements):
    """The example scaled, the plane of pairs, and a network."""
    return [scale_figure(measurements), pair_figure(measurements), training_figure(measurements)]


def verdict(measurements):
    """The identities refute; pairs that softmax does not widen are a limit."""
    runs, settings = measurements["runs"], measurements["settings"]
    if not runs:
        return Verdict(UNDECIDED, say("no run"), [say("There is no run.")])
    first, second, third = runs[0]["shares"]
    share = 100 * float(np.mean([levelled(r) for r in runs]))
    key = say("(3, 1, −3) → ({a:.2f}, {b:.2f}, {c:.4f})", a=first, b=second, c=third)
    worst = {
        (kind, what): max(r["two"][kind][what] for r in runs)
        for kind in ("float64", "float32")
        for what in ("value", "gradient")
    }
    example = say(
        "softmax(3, 1, −3) = ({a:.2f}, {b:.2f}, {c:.4f}); over {n} random logits the sum of the "
        "shares differs from 1 by {sum:.1e} at most.",
        a=first,
        b=second,
        c=third,
        n=len(runs) * settings["pairs"],
        sum=max(r["sum"] for r in runs),
    )
    identity = say(
        "Two classes: softmax and sigmoid differ by {v:.1e} in value and {g:.1e} in gradient at "
        "most, in float32 by {v32:.1e} and {g32:.1e}.",
        v=worst["float64", "value"],
        g=worst["float64", "gradient"],
        v32=worst["float32", "value"],
        g32=worst["float32", "gradient"],
    )
    wrong = [
        sentence
        for sentence, fine in (
            (
                example,
                all(
                    abs(x - y) < 0.005
                    for r in runs
                    for x, y in zip(r["shares"], CHECKED, strict=True)
                )
                and max(r["sum"] for r in runs) <= 1e-12,
            ),
            (
                identity,
                all(x <= (1e-12 if kind == "float64" else 1e-6) for (kind, _), x in worst.items()),
            ),
            (say("No random pair is exaggerated."), share < 100),
        )
        if not fine
    ]
    if wrong:
        return Verdict(REFUTED, key, wrong)
    reasons = [example, identity, practice(runs)]
    if share == 0:
        return Verdict(HOLDS, key, reasons)
    return Verdict(LIMITED, key, [*reasons, *limits(runs, settings, share)])


def limits(runs, settings, share):
    """What is levelled instead of exaggerated, and that only differences count."""
    return [
        say(
            "It exaggerates only where the logits are large: of random positive pairs {share:.0f} "
            "% come out closer together than they were, all with a logarithmic mean (a − b) / "
            "ln(a/b) of {most:.3f} or less; theory says 1.",
            share=share,
            most=max(
                logarithmic_mean(a, b)
                for r in runs
                for a, b, w in zip(*(r["pairs"][k] for k in ("a", "b", "widened")), strict=True)
                if w <= 1
            ),
        ),
        say(
            "For 3 and 1 the turn is at the factor {s:.2f}: a tenth of the logits, (0.3, 0.1, "
            "−0.3), gives {p:.2f} to {q:.2f}, a ratio of {ratio:.2f} where the logits have 3.",
            s=threshold([3.0, 1.0]),
            **small(runs[0]["scaled"]),
        ),
        say(
            "What counts is differences, not ratios: (103, 101) gives {p:.2f} and {q:.2f}, as "
            "(3, 1) does, though 103 and 101 are nearly equal.",
            p=runs[0]["shift"][0],
            q=runs[0]["shift"][1],
        ),
    ]


def small(scaled):
    """The two largest shares, and their ratio, at the sampled factor nearest to 0.1."""
    at = int(np.argmin(abs(np.log(np.array(scaled["factor"]) / 0.1))))
    first, second = sorted(scaled["shares"][at])[-1:-3:-1]
    return {"p": first, "q": second, "ratio": first / second}


def practice(runs):
    """A sentence on the network: undecided before, decided after training."""
    before, after = ([100 * r["training"]["share"][k] for r in runs] for k in (0, -1))
    low, high = interval(after) if len(after) > 1 else (after[0], after[0])
    return say(
        "In practice: an untrained network gives its favourite {before:.0f} % on average (gap of "
        "the two largest logits {gap:.2f}), the trained one {after:.1f} % (95 % interval "
        "{low:.1f} to {high:.1f}, n = {n}; gap {wide:.1f}).",
        before=float(np.mean(before)),
        after=float(np.mean(after)),
        low=low,
        high=high,
        n=len(runs),
        gap=float(np.mean([r["training"]["gap"][0] for r in runs])),
        wide=float(np.mean([r["training"]["gap"][-1] for r in runs])),
    )
