"""RMSProp: recent gradients count most, so that the step adapts along the way."""

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
from minigrad.lab.statistics import ratio
from minigrad.lab.words import join, say

TITLE = "RMSProp adapts where Adagrad crawls"
ROW = 14
CLAIM = (
    "Even for one parameter the right rate changes along the way, as in a crescent-shaped valley. "
    "RMSProp divides by a moving root mean square, in which recent gradients count most, and so "
    "adapts at once, while Adagrad remembers the steep start for ever; its first step, with "
    "σ₀ = |g₀|, has the length η."
)
REFUTED_BY = (
    "'updates': updates until the loss stays below the target, mean over the second half of the "
    "starts on a wall, at the rate that is best on the first half; starts that never get there "
    "count as all updates. Refuted if the 95 % interval over the seeds of the geometric mean "
    "of the ratio Adagrad / RMSProp (the lecture's), from the inner wall, lies below 1, or if a "
    "first step of the lecture's rule ('first') differs from η by more than 1e-6 of it. A "
    "limit is: the same interval from the outer wall lies below 1, or PyTorch's RMSprop makes a "
    "first step that differs from η by more than 1e-6 of it. Undecided if the interval of the "
    "inner wall holds 1, or with fewer than 3 seeds."
)
METHOD = (
    "On the crescent L = 100 (y − x²)² + (1 − x)² gradient descent, Adagrad, the lecture's "
    "RMSProp and the library's RMSprop (PyTorch's rule) start from random places on its inner "
    "and outer wall, with equal updates. Each has a grid of rates, a parameter group a rate, so "
    "that one optimizer runs the whole grid; half of the starts choose the rate and the other "
    "half are judged. First steps and the effective rate η/σ are read off the optimizers."
)
SECONDS = 1.2
PARAMETERS = {
    "seeds": Parameter(3, "random starts", 10),
    "starts": Parameter(8, "starts on each wall, half of them to choose the rate", 16),
    "walls": Parameter(
        {"inner": [[-1.5, -0.5], [2.5, 4.5]], "outer": [[-2.0, -1.2], [-1.0, 1.0]]},
        "{wall: x and y of its starts lie in these}",
    ),
    "alpha": Parameter(0.9, "α of both RMSProps"),
    "alphas": Parameter([0.9, 0.99], "α of the first steps that are measured; PyTorch's is 0.99"),
    "rates": Parameter(
        {
            "gradient descent": [4e-4, 7e-4, 1e-3, 1.4e-3, 2e-3],
            "Adagrad": [0.5, 0.7, 1.0, 1.4, 2.0, 3.0],
            "RMSProp": [0.003, 0.005, 0.01, 0.015, 0.02],
            "RMSProp, PyTorch": [0.003, 0.005, 0.01, 0.015, 0.02],
        },
        "{method: grid of learning rates η}",
    ),
    "updates": Parameter(2000, "updates of each run", 5000),
    "target": Parameter(0.2, "loss below which a run must stay"),
    "points": Parameter(200, "points of the curves that are kept"),
}
MEASURED = {
    "rate": "{wall: {method: the rate that was chosen}}",
    "grid": "{wall: {method: [mean updates of the first half of the starts, one a rate]}}",
    "updates": "{wall: {method: mean updates of the second half at the chosen rate}}",
    "reached": "{wall: {method: share of the second half that stays below the target}}",
    "first": "{α: {rule: largest of |first step| / η over the starts and both coordinates, and "
    "the smallest: [largest, smallest]}}",
    "times": "[t, …] of the curves, which are those of the inner wall",
    "loss": "{method: median of the loss over the second half, at these times; 1e30 where it "
    "overflows}",
    "path": "{method: [(x, y), …] from the first start of the second half, at these times}",
    "effective": "{method: [η/σ of the coordinate x, …] along this path}; without gradient "
    "descent",
}
REFERENCES = [
    (
        "G. Hinton, N. Srivastava, K. Swersky (2012), Neural networks for machine learning, "
        "lecture 6e: rmsprop",
        "https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf",
    ),
    (
        "H. Rosenbrock (1960), An automatic method for finding the greatest or least value of a "
        "function (the crescent)",
        "https://doi.org/10.1093/comjnl/3.3.175",
    ),
    (
        "H. Lee (2021), Machine Learning, lecture P7: Adaptive learning rate",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
]
PLAIN, SUM, RMS, TORCH = PARAMETERS["rates"].value
EXACT, FAR = 1e-6, 1e30  # the loss of what has diverged


def crescent(w):
    """L = 100 (y − x²)² + (1 − x)² for each row (x, y): a valley bent along a parabola."""
    x, y = w[:, 0], w[:, 1]
    return 100 * (y - x * x) ** 2 + (1 - x) ** 2


class RMSProp(mg.optim.Optimizer):
    """The lecture's rule: σ² := α σ² + (1 − α) g², at first σ² := g²; p := p − η g / σ."""

    def __init__(self, params, lr, alpha):
        super().__init__(params, {"lr": lr, "alpha": alpha})

    def update(self, p, g, state, group):
        """One step of the formula above."""
        recent = group["alpha"] if "square_avg" in state else 0
        square = self.buffer(state, "square_avg", p)
        square.mul_(recent).add_(g * g, alpha=1 - recent)
        p -= group["lr"] * g / square.sqrt()


def optimizer_of(method, groups, alpha):
    """The optimizer of a method; the groups bring their rates."""
    if method == PLAIN:
        return mg.optim.SGD(groups, lr=1.0)
    if method == SUM:
        return mg.optim.Adagrad(groups, lr=1.0)
    if method == RMS:
        return RMSProp(groups, lr=1.0, alpha=alpha)
    return mg.optim.RMSprop(groups, lr=1.0, alpha=alpha)


def descend(method, rates, starts, settings):
    """A whole grid of rates at once: losses (t, rates, starts), places and divisors (…, 2)."""
    weights = [mg.tensor(starts, dtype=mg.float64, requires_grad=True) for _ in rates]
    groups = [{"params": [w], "lr": rate} for w, rate in zip(weights, rates, strict=True)]
    optimizer = optimizer_of(method, groups, settings["alpha"])
    losses, places, divisors = [], [], []
    for _ in range(settings["updates"]):
        everything = mg.cat(weights)
        value = crescent(everything)
        losses.append(value.detach().numpy())
        places.append(everything.detach().numpy())
        optimizer.zero_grad()
        value.sum().backward()
        optimizer.step()
        if method != PLAIN:
            name = "sum" if method == SUM else "square_avg"
            divisors.append(np.concatenate([optimizer.state[w][name].numpy() for w in weights]))
    places.append(mg.cat(weights).detach().numpy())
    shape = (-1, len(rates), len(starts))
    return (
        np.array(losses).reshape(shape),
        np.array(places).reshape(*shape, 2),
        np.sqrt(np.array(divisors)).reshape(*shape, 2),
    )


HEART = [crescent, RMSProp, descend]


def settled(losses, target):
    """Updates until the loss stays below the target; all of them where it never does.

    >>> settled(np.array([9, 1, 9, 1, 1]), 2), settled(np.array([1, 1, 9]), 2)
    (3, 3)
    """
    above = np.nonzero(~(losses < target))[0]  # what is not a number is not below
    return int(above[-1]) + 1 if len(above) else 0


def first_steps(starts, alpha, rate=1e-3):
    """|first step| / η of both RMSProps: {rule: [largest, smallest]}."""
    found = {}
    for rule in (RMS, TORCH):
        w = mg.tensor(starts, dtype=mg.float64, requires_grad=True)
        optimizer = optimizer_of(rule, [{"params": [w], "lr": rate}], alpha)
        crescent(w).sum().backward()
        optimizer.step()
        step = abs(w.detach().numpy() - starts) / rate
        found[rule] = [step.max(), step.min()]
    return found


def run(seed, settings):
    """One run; all methods have the same starts."""
    chance = np.random.default_rng(seed)
    count, updates = settings["starts"], settings["updates"]
    half = count // 2
    boxes = [np.array(box).T for box in settings["walls"].values()]
    starts = np.vstack([chance.uniform(low, high, (count, 2)) for low, high in boxes])
    times = np.arange(0, updates, max(updates // settings["points"], 1))
    found = {
        name: {wall: {} for wall in settings["walls"]}
        for name in ("rate", "grid", "updates", "reached")
    }
    curves = {name: {} for name in ("loss", "path", "effective")}
    for i, (method, rates) in enumerate(settings["rates"].items()):
        progress.report(i / len(settings["rates"]), method)
        losses, places, divisors = descend(method, rates, starts, settings)
        needed = np.array(
            [
                [settled(losses[:, k, s], settings["target"]) for s in range(len(starts))]
                for k in range(len(rates))
            ]
        )
        for j, wall in enumerate(settings["walls"]):
            tuning = needed[:, j * count : j * count + half].mean(axis=1)
            judged = slice(j * count + half, (j + 1) * count)
            best = int(tuning.argmin())
            found["rate"][wall][method] = rates[best]
            found["grid"][wall][method] = tuning
            found["updates"][wall][method] = needed[best, judged].mean()
            found["reached"][wall][method] = (needed[best, judged] < updates).mean()
            if j == 0:
                curves["loss"][method] = np.median(
                    np.nan_to_num(losses[times, best, judged], nan=FAR, posinf=FAR), axis=1
                )
                curves["path"][method] = places[times, best, half]
                if method != PLAIN:
                    curves["effective"][method] = rates[best] / divisors[times, best, half, 0]
    return {
        **found,
        "first": {f"{a:g}": first_steps(starts, a) for a in settings["alphas"]},
        "times": times,
        **curves,
    }


def compared(measurements, wall, other=SUM):
    """Updates of another method / those of the lecture's RMSProp: (ratio, low, high)."""
    runs = measurements["runs"]
    return ratio(
        [r["updates"][wall][other] for r in runs], [r["updates"][wall][RMS] for r in runs]
    )


def numbers(measurements):
    """The table of the report."""
    runs, settings = measurements["runs"], measurements["settings"]
    rows = []
    for alpha in settings["alphas"]:
        for rule in (RMS, TORCH):
            rows.append(
                Number(
                    f"{rule}, α = {alpha:g}: first step / η",
                    [r["first"][f"{alpha:g}"][rule][0] for r in runs],
                    digits=4,
                )
            )
    for wall in settings["walls"]:
        for method in settings["rates"]:
            where = f"{wall} wall, {method}"
            rows += [
                Number(f"{where}: chosen rate", [r["rate"][wall][method] for r in runs]),
                Number(f"{where}: mean updates to the target",
                       [r["updates"][wall][method] for r in runs], "updates", 4),
                Number(f"{where}: share that got there",
                       [r["reached"][wall][method] for r in runs]),
            ]  # fmt: skip
    return rows


LOOKS = {
    PLAIN: (plots.GREEN, ":", "D"),
    SUM: (plots.BLUE, "--", "o"),
    RMS: (plots.RED, "-", "^"),
    TORCH: (plots.ORANGE, "-.", "v"),
}


def path_figure(measurements):
    """The crescent with a path of Adagrad and of RMSProp."""
    r = measurements["runs"][0]
    figure, panel = plots.axes("x", "y", height=4.2)
    x, y = np.linspace(-2.6, 1.6, 70), np.linspace(-1.2, 6, 70)
    grid = mg.from_numpy(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2))
    height = np.log10(crescent(grid).numpy() + 1e-2).reshape(70, 70)
    panel.contourf(x, y, height, 10, cmap="Greys", alpha=0.55)
    for method in (SUM, RMS):
        colour, dash, marker = LOOKS[method]
        path = np.array(r["path"][method])
        panel.plot(*path.T, dash, color=colour, lw=1.8, label=f"{method}, best rate")
        panel.plot(*path[-1], marker, color=colour, ms=8, mec=plots.BLACK)
    panel.plot(*r["path"][SUM][0], "s", color=plots.BLACK, ms=7, label="start")
    panel.plot(1, 1, "*", color=plots.GREEN, ms=15, mec=plots.BLACK, label="minimum")
    panel.set(xlim=(-2.6, 1.6), ylim=(-1.2, 6))
    panel.grid(False)
    plots.legend(figure)
    return Figure(
        figure,
        f"A path of {measurements['settings']['updates']:,} updates of each on the crescent, "
        "darker where the loss is higher; the large markers are the ends. RMSProp forgets the "
        "steep wall and walks round the bend to the minimum; Adagrad, which never forgets, is "
        "still on its way.",
        "Map of a crescent-shaped valley with two paths from the same start on its left wall: "
        "one reaches the star at the right end, the other stops before it.",
    )


def loss_figure(measurements):
    """Median loss against updates, from the inner wall."""
    r, settings = measurements["runs"][0], measurements["settings"]
    figure, panel = plots.axes("updates", "loss, median of the starts", yscale="log")
    for method, (colour, dash, _) in LOOKS.items():
        panel.plot(r["times"], r["loss"][method], dash, color=colour,
                   label=f"{method}, η = {r['rate']['inner'][method]:g}")  # fmt: skip
    panel.axhline(settings["target"], color=plots.BLACK, lw=1, ls=(0, (1, 3)))
    panel.set_ylim(None, min(panel.get_ylim()[1], 2e3))
    plots.legend(figure)
    return Figure(
        figure,
        "Loss from the inner wall, at the best rate of each method (first seed). Below the "
        "dotted line the goal is reached; RMSProp then keeps bouncing at its constant rate.",
        "Loss against updates, logarithmic: both RMSProps cross the target line long before "
        "gradient descent and Adagrad.",
    )


def effective_figure(measurements):
    """The effective rate along the path."""
    r = measurements["runs"][0]
    figure, panel = plots.axes("updates", "effective rate η/σ of x", yscale="log")
    for method in r["effective"]:
        colour, dash, _ = LOOKS[method]
        panel.plot(r["times"], r["effective"][method], dash, color=colour, lw=1.5, label=method)
    plots.legend(figure, ncols=3)
    return Figure(
        figure,
        "The effective rate along these paths. Adagrad's is fixed by the first few gradients, "
        "those of the wall, and can only sink; RMSProp's rises by orders of magnitude where the "
        "floor is flat and falls again where the valley bends.",
        "Effective rate against updates, logarithmic: Adagrad's is a flat line, the two RMSProps "
        "rise and fall over orders of magnitude.",
    )


def updates_figure(measurements):
    """Updates to the target, a dot a seed, both walls."""
    settings = measurements["settings"]
    figure, panel = plots.axes("mean updates to the target", "", height=3.4)
    labels = []
    for j, wall in enumerate(settings["walls"]):
        for i, method in enumerate(settings["rates"]):
            values = [r["updates"][wall][method] for r in measurements["runs"]]
            colour, _, marker = LOOKS[method]
            place = -(j * (len(settings["rates"]) + 1) + i)
            panel.plot(values, [place] * len(values), marker, color=colour, ms=6, alpha=0.8)
            labels.append((place, f"{method} ({wall})"))
    panel.set_yticks([place for place, _ in labels], [label for _, label in labels])
    panel.axvline(settings["updates"], color=plots.BLACK, lw=1, ls=":")
    panel.set_xlim(-0.03 * settings["updates"], 1.05 * settings["updates"])
    return Figure(
        figure,
        "Mean updates over the judged starts, a mark a seed; at the dotted line no start got "
        "there. From the inner wall Adagrad crawls; on the outer one the gradient "
        "points across the crescent, and Adagrad's first steps, as long as its large η, can leap "
        "over the bend, close to the minimum, or beside it.",
        "Marks for four methods and two walls: from the inner wall both RMSProps lie far left of "
        "Adagrad, from the outer wall Adagrad's marks are scattered.",
    )


def figures(measurements):
    """Paths, loss, effective rate, updates."""
    return [
        path_figure(measurements),
        loss_figure(measurements),
        effective_figure(measurements),
        updates_figure(measurements),
    ]


def verdict(measurements):
    """By the intervals of the ratio Adagrad / RMSProp and the first steps."""
    runs, settings = measurements["runs"], measurements["settings"]
    n = len(runs)
    if n < 3:
        why = say(
            "{n} seeds are too few for an interval; `minigrad lab rmsprop --seeds 3` decides.", n=n
        )
        return Verdict(UNDECIDED, say("{n} seeds", n=n), [why])
    found = {wall: compared(measurements, wall) for wall in settings["walls"]}
    inner, outer = found["inner"], found["outer"]
    key = say(
        "Adagrad/RMSProp: {inner:.2f} × the updates (outer wall {outer:.2f})",
        inner=inner[0],
        outer=outer[0],
    )
    own, torch = ({a: extremes(runs, a, rule) for a in runs[0]["first"]} for rule in (RMS, TORCH))
    if any(max(abs(x - 1) for x in pair) > EXACT for pair in own.values()):
        why = say("The first step of the lecture's rule does not have the length η.")
        return Verdict(REFUTED, key, [why])
    reasons = [wall_sentence(measurements, wall, found[wall]) for wall in settings["walls"]]
    limits = []
    for alpha, (_, most) in torch.items():
        if abs(most - 1) > EXACT:
            limits.append(
                say(
                    "The lecture's first step has the length η; PyTorch's, which starts with "
                    "v = 0, {most:.2f} η at α = {alpha}, which is η/√(1 − α) = {theory:.2f} η.",
                    most=most,
                    alpha=alpha,
                    theory=(1 - float(alpha)) ** -0.5,
                )
            )
    if outer[2] < 1:
        limits.append(
            say(
                "From the outer wall it is the other way round: the gradient there points "
                "across the crescent, and Adagrad's first steps, each about η long at a rate as "
                "large as {rate}, leap over the bend.",
                rate=join(
                    say("{r:g}", r=r) for r in sorted({r["rate"]["outer"][SUM] for r in runs})
                ),
            )
        )
    if inner[2] < 1:
        return Verdict(REFUTED, key, reasons + limits)
    if inner[1] <= 1:
        why = say("The interval holds 1; `minigrad lab rmsprop --full` takes more seeds.")
        return Verdict(UNDECIDED, key, [*reasons, *limits, why])
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)


def extremes(runs, alpha, rule):
    """The smallest and largest |first step| / η over the seeds."""
    values = [x for r in runs for x in r["first"][alpha][rule]]
    return min(values), max(values)


def wall_sentence(measurements, wall, interval):
    """What the methods needed from one wall."""
    runs, settings = measurements["runs"], measurements["settings"]
    parts = []
    for method in settings["rates"]:
        mean, reached = (
            float(np.mean([r[name][wall][method] for r in runs]))
            for name in ("updates", "reached")
        )
        parts.append(
            say(
                "{method} {mean:.0f} updates ({reached:.0f} % got there)",
                method=method,
                mean=mean,
                reached=100 * reached,
            )
        )
    return say(
        "From the {wall} wall: {parts}; Adagrad takes {ratio:.2f} × the updates of RMSProp (95 % "
        "interval {low:.2f} to {high:.2f}, {n} seeds; who does not get there counts as "
        "{updates:,}).",
        wall=wall,
        parts=join(parts),
        ratio=interval[0],
        low=interval[1],
        high=interval[2],
        n=len(runs),
        updates=settings["updates"],
    )
