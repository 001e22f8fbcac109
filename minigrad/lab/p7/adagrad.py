"""A rate for each parameter: the lecture's root mean square, its bursts, and Adagrad's sum."""

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
from minigrad.lab.p7.valley import loss, surface
from minigrad.lab.statistics import ratio
from minigrad.lab.words import join, say

TITLE = "Adagrad bursts sideways, if it takes the mean"
ROW = 13
CLAIM = (
    "Dividing each parameter's step by the root mean square of all its gradients so far, called "
    "Adagrad, brings descent through the valley to the optimum; but on the flat floor the divisor "
    "shrinks, until the steps across the valley grow too long and the path bursts sideways."
)
REFUTED_BY = (
    "The lecture's rule at the lecture's rate leaves more than 10 % of the way along the valley "
    "to the optimum ('left') after the updates from any start; or no start of it bursts "
    "('bursts'): a burst is an update at which the distance across the valley exceeds 0.05 "
    "after 100 updates below it; or a burst from the lecture's start begins where the stability "
    "ratio ('stability': η times the largest eigenvalue of σ^-½ H σ^-½, over 2) has not passed "
    "1 in the 100 updates before; or Adagrad as published differs from the lecture's rule with "
    "the decay η/√(t+1) by more than 1e-9 of the distance ('identity'). A limit is: Adagrad as "
    "published, the sum instead of the mean, does not burst from any start at any rate of its "
    "grid. Undecided with no run."
)
METHOD = (
    "The lecture's rule is written as an optimizer of its own and runs beside the library's "
    "Adagrad in the valley of the linear regression, each over a grid of rates, from the "
    "lecture's start and from random ones, with equal updates. The distance across the valley "
    "is the part of w − optimum along the Hessian's steepest eigenvector, the way along it that "
    "along the other. The rule with its rate multiplied by 1/√(t+1), through the library's "
    "LambdaLR, is compared with Adagrad update by update."
)
SECONDS = 1.6
PARAMETERS = {
    "seeds": Parameter(3, "random starts", 10),
    "start": Parameter([-120.0, -4.0], "the lecture's start (b, w)"),
    "starts": Parameter(4, "further starts, for each seed"),
    "box": Parameter([[-150.0, -50.0], [-5.0, 5.0]], "b and w of further starts lie in these"),
    "rate": Parameter(1.0, "the lecture's rate for its rule"),
    "mean_rates": Parameter([0.3, 1.0, 3.0], "rates η of the lecture's rule"),
    "sum_rates": Parameter([1.0, 3.0, 10.0, 30.0, 100.0], "rates η of Adagrad as published"),
    "updates": Parameter(2500, "updates of each run", 10_000),
    "across": Parameter(0.05, "distance across the valley that counts as a burst"),
    "quiet": Parameter(100, "updates that must stay below it before"),
    "points": Parameter(250, "points of the curves that are kept"),
}
MEASURED = {
    "bursts": "{rule: {η: [[first update of each burst, …], one list a start]}}; the lecture's "
    "start is the first",
    "left": "{rule: {η: [share of the way along the valley left at the end, one a start]}}",
    "identity": "largest ‖lecture's rule decayed − Adagrad‖ / ‖start − optimum‖ of all updates",
    "updates": "[t, …], the middle of the blocks of updates that the curves are thinned to",
    "across": "{'rule, η': largest distance across the valley in each block}, lecture's start",
    "stability": "{'rule, η': largest η λ / 2 in each block}, λ the largest eigenvalue of "
    "σ^-½ H σ^-½, lecture's start",
    "crossed": "[stability ratio's largest value in the quiet updates before each burst], the "
    "lecture's rule and rate, lecture's start",
    "path": "{'rule, η': [(b, w), …]}, the start, then the place farthest off the floor in "
    "each block, lecture's start",
}
REFERENCES = [
    (
        "H. Lee (2021), Machine Learning, lecture P7: Adaptive learning rate",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
    (
        "J. Duchi, E. Hazan, Y. Singer (2011), Adaptive subgradient methods for online learning "
        "and stochastic optimization",
        "https://jmlr.org/papers/v12/duchi11a.html",
    ),
    (
        "J. Cohen et al. (2022), Adaptive gradient methods at the edge of stability",
        "https://arxiv.org/abs/2207.14484",
    ),
]
MEAN, SUM = "root mean square", "Adagrad"
ARRIVED, EXACT = 0.1, 1e-9


class RootMeanSquare(mg.optim.Optimizer):
    """The lecture's rule: p := p − η g / σ, σ = √(mean of all g² so far)."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    def update(self, p, g, state, group):
        """One step of the formula above."""
        state["step"] = state.get("step", 0) + 1
        total = self.buffer(state, "sum", p)
        total += g * g
        p -= group["lr"] * g / (total / state["step"]).sqrt()


RULES = {MEAN: RootMeanSquare, SUM: mg.optim.Adagrad}


def descend(make, starts, updates, decay=None):
    """Places (updates + 1, starts, 2), and after each update the sums of squared gradients."""
    w = mg.tensor(starts, dtype=mg.float64, requires_grad=True)
    optimizer = make([w])
    schedule = mg.optim.lr_scheduler.LambdaLR(optimizer, decay) if decay else None
    path, sums = [w.detach().numpy().copy()], []
    for _ in range(updates):
        optimizer.zero_grad()
        loss(w).sum().backward()
        optimizer.step()
        if schedule:
            schedule.step()
        path.append(w.detach().numpy().copy())
        sums.append(optimizer.state[w]["sum"].numpy().copy())
    return np.array(path), np.array(sums)


def decayed(starts, rate, updates):
    """The lecture's rule with the rate η/√(t+1): Adagrad as published."""
    return descend(
        lambda w: RootMeanSquare(w, lr=rate), starts, updates, decay=lambda t: (t + 1) ** -0.5
    )[0]


def stability(hessian, sums, rate, mean):
    """η λ / 2 after each update, λ the steepest curvature in units of the divisors σ."""
    counts = np.arange(1, len(sums) + 1)[:, None] if mean else 1.0
    root = np.sqrt(sums / counts) ** 0.5  # (updates, 2)
    scaled = hessian / (root[:, :, None] * root[:, None, :])
    return rate * np.linalg.eigvalsh(scaled)[:, -1] / 2


HEART = [RootMeanSquare, descend, decayed, stability]


def bursts(across, threshold, quiet):
    """First updates above the threshold after so many below it.

    >>> bursts(np.array([9, 0, 0, 9, 9, 0, 9, 0, 0, 9]), 1, 2)
    [3, 9]
    """
    far = across > threshold
    return [t for t in range(quiet, len(far)) if far[t] and not far[t - quiet : t].any()]


def run(seed, settings):
    """One run; the lecture's start is in each."""
    chance = np.random.default_rng(seed)
    low, high = np.array(settings["box"]).T
    starts = np.vstack([settings["start"], chance.uniform(low, high, (settings["starts"], 2))])
    hessian, optimum = surface()
    floor, steepest = np.linalg.eigh(hessian)[1].T
    distance, way = np.linalg.norm(starts - optimum, axis=1), (starts - optimum) @ floor
    updates = settings["updates"]
    size = max(updates // settings["points"], 1)
    blocks = updates // size

    def thinned(values):
        return values[1 : 1 + blocks * size].reshape(blocks, size).max(axis=1)

    found = {name: {MEAN: {}, SUM: {}} for name in ("bursts", "left")}
    curves = {name: {} for name in ("across", "stability", "path")}
    crossed = []
    arms = [(MEAN, rate) for rate in settings["mean_rates"]]
    arms += [(SUM, rate) for rate in settings["sum_rates"]]
    for i, (rule, rate) in enumerate(arms):
        progress.report(i / len(arms), f"{rule}, η = {rate:g}")
        path, sums = descend(lambda w, r=rate, m=RULES[rule]: m(w, lr=r), starts, updates)
        across = abs((path - optimum) @ steepest)
        found["bursts"][rule][f"{rate:g}"] = [
            bursts(a, settings["across"], settings["quiet"]) for a in across.T
        ]
        found["left"][rule][f"{rate:g}"] = abs((path[-1] - optimum) @ floor / way)
        bound = stability(hessian, sums[:, 0], rate, rule == MEAN)
        curves["across"][f"{rule}, {rate:g}"] = thinned(across[:, 0])
        curves["stability"][f"{rule}, {rate:g}"] = thinned(np.append(0, bound))
        # of each block the place farthest off, so that a swing shows on both sides
        inside = across[1 : 1 + blocks * size, 0].reshape(blocks, size).argmax(axis=1)
        curves["path"][f"{rule}, {rate:g}"] = np.vstack(
            [path[:1, 0], path[1 + np.arange(blocks) * size + inside, 0]]
        )
        if (rule, rate) == (MEAN, settings["rate"]):
            crossed = [
                bound[t - settings["quiet"] : t].max()
                for t in found["bursts"][rule][f"{rate:g}"][0]
            ]
        if rule == SUM and rate == settings["sum_rates"][0]:
            apart = decayed(starts, rate, updates) - path
    return {
        **found,
        **curves,
        "identity": (np.linalg.norm(apart, axis=2) / distance).max(),
        "updates": np.arange(blocks) * size + size // 2,
        "crossed": crossed,
    }


def tuned(measurements, rule):
    """The rate of the smallest mean way left, over starts and seeds."""
    runs = measurements["runs"]
    rates = runs[0]["left"][rule]
    return min(rates, key=lambda rate: np.mean([r["left"][rule][rate] for r in runs]))


def count(measurements, rule, rates=None):
    """How many runs of a rule burst, over rates, starts and seeds: (with a burst, all)."""
    each = [
        bool(first)
        for r in measurements["runs"]
        for rate, starts in r["bursts"][rule].items()
        if rates is None or rate in rates
        for first in starts
    ]
    return sum(each), len(each)


def numbers(measurements):
    """The table of the report."""
    runs = measurements["runs"]
    rate = f"{measurements['settings']['rate']:g}"
    rows = []
    for i in range(3):
        values = [r["bursts"][MEAN][rate][0][i : i + 1] for r in runs]
        values = [v[0] if v else None for v in values]
        rows.append(
            Number(
                f"{MEAN}, η = {rate}, lecture's start: burst {i + 1} begins", values, "updates", 4
            )
        )
    rows.append(Number("decayed rule against Adagrad", [r["identity"] for r in runs]))
    for rule in (MEAN, SUM):
        for rate in runs[0]["left"][rule] if runs else ():
            rows.append(
                Number(
                    f"{rule}, η = {rate}: way left, mean of the starts",
                    [float(np.mean(r["left"][rule][rate])) for r in runs],
                )
            )
            rows.append(
                Number(
                    f"{rule}, η = {rate}: bursts from all starts",
                    [sum(map(len, r["bursts"][rule][rate])) for r in runs],
                )
            )
    return rows


def shown(measurements):
    """The arms of the figures: [(key, label, colour, dash)]."""
    settings = measurements["settings"]
    best, rate = tuned(measurements, SUM), f"{settings['rate']:g}"
    first = f"{settings['sum_rates'][0]:g}"
    arms = [
        (f"{MEAN}, {rate}", f"root mean square, η = {rate}", plots.RED, "-"),
        (f"{SUM}, {best}", f"Adagrad, η = {best}", plots.BLUE, "--"),
    ]
    if first != best:
        arms.append((f"{SUM}, {first}", f"Adagrad, η = {first}", plots.GREEN, "-."))
    return arms


def path_figure(measurements):
    """The paths over bias and weight."""
    r, settings = measurements["runs"][0], measurements["settings"]
    figure, panel = plots.axes("bias b", "weight w")
    _, optimum = surface()
    b, w = np.linspace(-205, -105, 90), np.linspace(-4.5, 8.5, 90)
    height = loss(mg.from_numpy(np.stack(np.meshgrid(b, w), axis=-1))).numpy()
    panel.contourf(b, w, np.log10(height), 12, cmap="Greys", alpha=0.5)
    for key, label, colour, dash in shown(measurements):
        panel.plot(*np.array(r["path"][key]).T, dash, color=colour, lw=1.5, label=label)
    panel.plot(*optimum, "*", color=plots.GREEN, ms=14, mec=plots.BLACK, label="optimum")
    panel.set(xlim=(-205, -105), ylim=(-4.5, 8.5))
    panel.grid(False)
    plots.legend(figure)
    return Figure(
        figure,
        f"The paths of {settings['updates']:,} updates from ({settings['start'][0]:g}, "
        f"{settings['start'][1]:g}), of each "
        f"{max(settings['updates'] // settings['points'], 1)} the one farthest off the floor; the "
        "loss is darker where it is higher. The lecture's rule runs along the floor and is thrown "
        "up the walls, on both sides; Adagrad as published keeps to the floor.",
        "Map of the loss with paths along a thin horizontal floor: one shows tall spikes up and "
        "down, the others none.",
    )


def burst_figure(measurements):
    """Distance across the valley and stability ratio against updates."""
    r, settings = measurements["runs"][0], measurements["settings"]
    figure, panel = plots.axes("updates", "distance across the valley", yscale="log")
    for key, label, colour, dash in shown(measurements):
        panel.plot(r["updates"], np.maximum(r["across"][key], 1e-9), dash, color=colour, lw=1.3,
                   label=label)  # fmt: skip
    panel.axhline(settings["across"], color=plots.BLACK, ls=":", lw=1)
    plots.legend(figure)
    return Figure(
        figure,
        "How far the path is off the valley's floor. Between the bursts the lecture's rule calms "
        "down, then the oscillation grows anew, exponentially, from one part in a million; above "
        "the dotted line it counts as a burst.",
        "Distance across the valley, logarithmic, against updates: a saw-tooth curve that falls "
        "and shoots up several times, and smooth falling curves.",
    )


def stability_figure(measurements):
    """The stability ratio against updates."""
    r = measurements["runs"][0]
    figure, panel = plots.axes("updates", "stability ratio η λ / 2", yscale="log")
    for key, label, colour, dash in shown(measurements):
        panel.plot(r["updates"], r["stability"][key], dash, color=colour, lw=1.5, label=label)
    panel.axhline(1, color=plots.BLACK, ls=":", lw=1.2)
    panel.annotate("above: swings across grow", (1, 1), (-2, 4), ("axes fraction", "data"),
                   "offset points", ha="right", fontsize=9)  # fmt: skip
    plots.legend(figure)
    return Figure(
        figure,
        "Why it bursts. On the floor the gradients are small, so their mean sinks and the "
        "effective rate climbs until it is too long for the valley's width (ratio 1); the burst's "
        "large gradients refill the mean. A sum only grows, so Adagrad's ratio only falls.",
        "Stability ratio against updates: the lecture's rule climbs over 1, drops at each burst "
        "and climbs again; Adagrad's falls for ever.",
    )


def rate_figure(measurements):
    """Way left against the rate, for both rules."""
    runs = measurements["runs"]
    figure, panel = plots.axes("learning rate η", "share of the way left", xscale="log",
                               yscale="log")  # fmt: skip
    for rule, colour, marker, dash in ((MEAN, plots.RED, "s", "-"), (SUM, plots.BLUE, "o", "--")):
        rates = list(runs[0]["left"][rule])
        means = np.array([[np.mean(r["left"][rule][rate]) for rate in rates] for r in runs])
        x = [float(rate) for rate in rates]
        plots.band(panel, x, means, colour, dash, label=rule)
        panel.plot(x, means.mean(axis=0), marker, color=colour, ms=5)
        for place, rate in zip(x, rates, strict=True):
            some, all_of = count(measurements, rule, [rate])
            panel.annotate(f"{some}/{all_of}", (place, means.mean(axis=0)[rates.index(rate)]),
                           (0, 7), "data", "offset points", ha="center", fontsize=8)  # fmt: skip
    panel.margins(y=0.15)
    plots.legend(figure)
    return Figure(
        figure,
        "What is left of the way at the end, mean over the starts with one standard deviation of "
        "the seeds; the fractions count the starts that burst. Both rules come close to the "
        "optimum at some rate; only the mean bursts on the way.",
        "Way left against learning rate for both rules: each has a dip at its best rate; "
        "the fractions beside Adagrad's points have a zero in front.",
    )


def figures(measurements):
    """Paths, bursts, their cause, rates."""
    return [
        path_figure(measurements),
        burst_figure(measurements),
        stability_figure(measurements),
        rate_figure(measurements),
    ]


def verdict(measurements):
    """By the bursts of both rules, the distance left, and the identity."""
    runs, settings = measurements["runs"], measurements["settings"]
    if not runs:
        return Verdict(UNDECIDED, say("no run"), [say("No run finished.")])
    rate = f"{settings['rate']:g}"
    first = runs[0]["bursts"][MEAN][rate][0]
    burst, starts = count(measurements, MEAN, [rate])
    sums, all_sums = count(measurements, SUM)
    left = max(max(r["left"][MEAN][rate]) for r in runs)
    identity = max(r["identity"] for r in runs)
    crossed = [value for r in runs for value in r["crossed"]]
    key = say(
        "bursts from {burst}/{starts} starts; Adagrad {sums}/{all_sums}",
        burst=burst,
        starts=starts,
        sums=sums,
        all_sums=all_sums,
    )
    wrong = []
    if left > ARRIVED:
        wrong.append(
            say(
                "The rule leaves {left:.0f} % of the way from one of the starts.",
                left=100 * left,
            )
        )
    if not burst:
        wrong.append(say("The lecture's rule did not burst from any start."))
    if any(value <= 1 for value in crossed):
        wrong.append(say("A burst began although the stability ratio had stayed below 1."))
    if identity > EXACT:
        wrong.append(
            say(
                "The rule with decay differs from Adagrad by {identity:.1e} of the distance.",
                identity=identity,
            )
        )
    if wrong:
        return Verdict(REFUTED, key, wrong)
    reasons = [
        say(
            "The lecture's rule with η = {rate} leaves at most {left:.1f} % of the way after "
            "{updates:,} updates, from {starts} starts; {burst} of them burst on the way.",
            rate=rate,
            left=100 * left,
            updates=settings["updates"],
            starts=starts,
            burst=burst,
        )
    ]
    if first:
        reasons.append(
            say(
                "From the lecture's start the bursts begin at updates {first}; before each the "
                "effective rate had passed the stability limit (ratio at least {least:.2f}).",
                first=join(say("{t}", t=t) for t in first[:6]),
                least=min(crossed),
            )
        )
    best = {rule: tuned(measurements, rule) for rule in (MEAN, SUM)}
    means = {
        rule: [float(np.mean(r["left"][rule][best[rule]])) for r in runs] for rule in (MEAN, SUM)
    }
    compared = ratio(means[MEAN], means[SUM])
    start = f"{settings['sum_rates'][0]:g}"
    reasons += [
        say(
            "Adagrad as published is that rule with the decay η/√(t+1) already inside: the two "
            "differ by {identity:.0e} of the distance.",
            identity=identity,
        ),
        say(
            "The decay has its price: with η = {start} Adagrad still has {slow:.0f} % of the way "
            "to go. At its best rate of the grid, {best_sum}, it leaves {sums:.2g} %, the "
            "lecture's at its best, {best_mean}, {means:.2g} %.",
            start=start,
            slow=100 * np.mean([r["left"][SUM][start] for r in runs]),
            best_sum=best[SUM],
            sums=100 * np.mean(means[SUM]),
            best_mean=best[MEAN],
            means=100 * np.mean(means[MEAN]),
        ),
    ]
    if len(runs) > 2:
        reasons.append(
            say(
                "The mean leaves {ratio:.2f} × as much as the sum (95 % interval {low:.2f} to "
                "{high:.2f}, {n} seeds).",
                ratio=compared[0],
                low=compared[1],
                high=compared[2],
                n=len(runs),
            )
        )
    if sums == 0:
        reasons.append(
            say(
                "Adagrad as published burst in none of {all_sums} runs over all rates: its sum "
                "only grows. The bursts are those of the mean, not of Adagrad.",
                all_sums=all_sums,
            )
        )
        return Verdict(LIMITED, key, reasons)
    return Verdict(HOLDS, key, reasons)
