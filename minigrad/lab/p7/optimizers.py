"""All of optimisation in one formula, θ ← θ − ηₜ mₜ/σₜ, run on the same surfaces and network."""

import math

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
from minigrad.lab.p7.adam import side_by_side
from minigrad.lab.p7.rmsprop import crescent
from minigrad.lab.p7.valley import X, Y
from minigrad.lab.p7.valley import loss as valley
from minigrad.lab.statistics import interval, ratio
from minigrad.lab.training import classes, evaluate, minibatches, network, tensors
from minigrad.lab.words import join, say
from minigrad.nn import functional as F

TITLE = "Summary of optimisation: one formula, all methods"
ROW = 18
CLAIM = (
    "All methods are θ ← θ − ηₜ mₜ/σₜ: momentum m says where to go, the root mean square σ how "
    "far each weight goes, the schedule ηₜ how the steps grow and shrink. The full formula, Adam "
    "with warm-up and decay, improves on plain gradient descent and on each of its parts."
)
REFUTED_BY = (
    "An instance of the formula whose updates, on the same gradients, differ by more than 1e-9 "
    "of their length from those of the engine's optimizer of that name; or, on the images, a "
    "ratio of the training losses, full formula over gradient descent, with a 95 % interval over "
    "the seeds above 1. A limit is: another method over which the interval of the ratio reaches "
    "1 or lies above it; a surface on which another method needs fewer updates (interval of the "
    "log₂ ratio of updates, full formula over that method, above 0). Each method has the rate of "
    "its smallest geometric mean over the seeds, of the validation loss on the images and of the "
    "updates on a surface. Undecided: fewer than 3 seeds, or the interval over gradient descent "
    "holds 1."
)
METHOD = (
    "One Optimizer with two pairs of numbers, how m and σ² are kept and fed, is set to each "
    "method and run beside the engine's own. Every method then runs on three surfaces from equal "
    "random starts over a grid of rates, and the updates are counted after which the loss stays "
    "near the minimum; and on a network for images at equal updates, starts and batches, with "
    "rates tuned for each method on the validation part."
)
SECONDS = 1.8
PARAMETERS = {
    "seeds": Parameter(5, "starts, data splits, weights and batches", 12),
    "data": Parameter("digits", "data set"),
    "most": Parameter(1797, "samples at most", 6000),
    "hidden": Parameter(32, "units of the hidden layer", 64),
    "batch": Parameter(50, "samples in a mini-batch"),
    "identity_updates": Parameter(40, "updates beside the engine's methods", 200),
    "updates": Parameter(200, "updates of the network", 600),
    "starts": Parameter(2, "starts on each surface, for each seed", 6),
    "surface_updates": Parameter(400, "updates on a surface", 2000),
    "surface_rates": Parameter(
        {"valley": [-8.0, 2.0, 21], "crescent": [-4.0, 1.0, 11], "saddle": [-3.0, 1.0, 9]},
        "{surface: rates, log₁₀ from, to, how many}",
    ),
    "rates": Parameter(
        {
            "gradient descent": [0.1, 0.3, 1.0, 3.0],
            "momentum": [0.03, 0.1, 0.3, 1.0],
            "Adagrad": [0.01, 0.03, 0.1, 0.3],
            "RMSProp": [0.001, 0.003, 0.01, 0.03],
            "Adam": [0.003, 0.01, 0.03, 0.1],
            "full": [0.003, 0.01, 0.03, 0.1],
        },
        "{method: rates on the images}",
    ),
    "warmup": Parameter(0.05, "share of the updates in which the full formula's rate grows"),
}
MEASURED = {
    "identity": "{method: largest ‖Δ_formula − Δ_engine‖ / ‖Δ_engine‖ of the updates}",
    "surfaces": "{surface: {method: [updates until the loss stays near the minimum, geometric "
    "mean over the starts, the budget if it does not, one a rate]}}",
    "paths": "{surface: {method: [(θ₁, θ₂), …] from the first start at this run's best rate}}, at "
    "most 80 points",
    "images": "{method: [{curve: mini-batch loss, nats, mean of ten, train, validation: loss at "
    "the end, nats, accuracy: on the test part}, one a rate]}",
}
REFERENCES = [
    (
        "H. Lee (2021), Machine Learning, lecture P7: Adaptive learning rate",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
    (
        "R. Schmidt, F. Schneider, P. Hennig (2021), Descending through a crowded valley: "
        "benchmarking deep learning optimizers",
        "https://arxiv.org/abs/2007.01547",
    ),
    ("S. Ruder (2016), An overview of gradient descent optimization algorithms",
     "https://arxiv.org/abs/1609.04747"),
]  # fmt: skip
EXACT = 1e-9
WORST = 1e3  # nats; what a loss that is not finite counts as
PLAIN, FULL = "gradient descent", "full"

# m ← kept · m + fed · g and σ² ← kept · σ² + fed · g², as (kept, fed); ε beside σ
FORMULA = {
    "gradient descent": {"m": (0.0, 1.0), "square": None},
    "momentum": {"m": (0.9, 1.0), "square": None},
    "Adagrad": {"m": (0.0, 1.0), "square": (1.0, 1.0), "eps": 1e-10},
    "RMSProp": {"m": (0.0, 1.0), "square": (0.99, 0.01)},
    "Adam": {"m": (0.9, 0.1), "square": (0.999, 0.001), "corrected": True},
}
ENGINE = {
    "gradient descent": mg.optim.SGD,
    "momentum": lambda params, lr: mg.optim.SGD(params, lr, momentum=0.9),
    "Adagrad": mg.optim.Adagrad,
    "RMSProp": mg.optim.RMSprop,
    "Adam": mg.optim.Adam,
    "full": mg.optim.Adam,
}
METHODS = tuple(ENGINE)


class Formula(mg.optim.Optimizer):
    """θ ← θ − η m/σ, for every way to keep m and σ² that `FORMULA` lists."""

    def __init__(self, params, lr, m, square, corrected=False, eps=1e-8):
        options = {"lr": lr, "m": m, "square": square, "corrected": corrected, "eps": eps}
        super().__init__(params, options)

    def update(self, p, g, state, group):
        """One step of the formula above."""
        t = state["step"] = state.get("step", 0) + 1
        m, sigma = self.kept("m", g, p, state, group, t), 1.0
        if group["square"]:
            sigma = self.kept("square", g * g, p, state, group, t) ** 0.5 + group["eps"]
        p -= group["lr"] * m / sigma

    def kept(self, name, x, p, state, group, t):
        """kept · old + fed · x; corrected for its start at 0 where that is asked for."""
        kept, fed = group[name]
        total = self.buffer(state, name, p).mul_(kept).add_(x, alpha=fed)
        return total / (1 - kept**t) if group["corrected"] else total


def warm_then_down(updates, share):
    """Factor of the rate after t updates: up over a share of them, then down to 0, linearly.

    >>> [round(warm_then_down(10, 0.2)(t), 2) for t in (0, 1, 2, 6, 10)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    """
    up = max(1, round(share * updates))
    return lambda t: min((t + 1) / up, max(0.0, (updates - t) / (updates - up)))


def saddle(w):
    """L = (1 − w₁w₂)² for each row."""
    return (1 - w[:, 0] * w[:, 1]) ** 2


def scheduled(method, params, lr, updates, share):
    """The engine's optimizer of a method, and its schedule: constant but for the full formula."""
    optimizer = ENGINE[method](params, lr=lr)
    factor = warm_then_down(updates, share) if method == FULL else lambda t: 1.0
    return optimizer, mg.optim.lr_scheduler.LambdaLR(optimizer, factor)


HEART = [Formula, warm_then_down, scheduled]
BEST_VALLEY = float(np.polyfit(X.numpy(), Y.numpy(), 1, full=True)[1][0])
# the loss, its minimum, how near counts as there, and (mean, spread) of the starts
SURFACES = {
    "valley": (valley, BEST_VALLEY, 10.0, ([-120.0, -4.0], [10.0, 0.5])),
    "crescent": (crescent, 0.0, 0.1, ([-1.0, 3.5], [0.2, 0.4])),
    "saddle": (saddle, 0.0, 0.01, ([0.5, -0.5], [0.05, 0.05])),
}


def identity(method, part, settings, seed):
    """How far the formula's updates are from the engine's on the gradients of a network."""
    mg.manual_seed(seed)
    model = network([part[0].shape[1], 8, classes(part[1])], nn.Tanh).double()
    batches = minibatches(
        (part[0].double(), part[1]), settings["batch"], settings["identity_updates"]
    )
    return side_by_side(
        lambda params: ENGINE[method](params, lr=0.01),
        lambda params: Formula(params, 0.01, **FORMULA[method]),
        model,
        batches,
    )


def explore(name, method, starts, settings):
    """All rates at once, a parameter group each: settled updates a rate, and the best path."""
    surface, least, near, _ = SURFACES[name]
    rates = np.logspace(*settings["surface_rates"][name])
    budget = settings["surface_updates"]
    weights = [mg.tensor(starts, dtype=mg.float64, requires_grad=True) for _ in rates]
    groups = [{"params": [w], "lr": float(r)} for w, r in zip(weights, rates, strict=True)]
    optimizer, scheduler = scheduled(method, groups, 1.0, budget, settings["warmup"])
    values, places = [], []
    for _ in range(budget):
        everything = mg.cat(weights)
        value = surface(everything)
        values.append(value.detach().numpy())
        places.append(everything.detach().numpy())
        optimizer.zero_grad()
        value.sum().backward()
        optimizer.step()
        scheduler.step()
    shape = (budget, len(rates), len(starts))
    there = np.array(values).reshape(shape) - least < near  # a NaN is not there
    counts = np.where(there[-1], budget - there[::-1].argmin(axis=0), budget)
    counts = np.where(there.all(axis=0), 1, np.maximum(counts, 1))
    counts = np.exp(np.log(counts).mean(axis=1))
    end = np.nan_to_num(np.array(values).reshape(shape)[-1].mean(axis=1), nan=np.inf)
    fastest = np.lexsort((end, counts))[0]  # where none arrives, the one that ends lowest
    path = np.array(places).reshape(*shape, 2)[:, fastest, 0]
    return counts, path[:: max(1, math.ceil(budget / 80))]


def image_run(method, rate, split, settings, seed):
    """One training on the images."""
    part, validation, test = split
    mg.manual_seed(seed)  # the same start and batches for all
    model = network([part[0].shape[1], settings["hidden"], classes(part[1])])
    optimizer, scheduler = scheduled(
        method, model.parameters(), rate, settings["updates"], settings["warmup"]
    )
    losses = []
    for x, y in minibatches(part, settings["batch"], settings["updates"]):
        loss = F.cross_entropy(model(x), y)
        losses.append(bounded(loss.item()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    return {
        "curve": [float(np.mean(losses[i : i + 10])) for i in range(0, len(losses), 10)],
        "train": bounded(evaluate(model, part)[0]),
        "validation": bounded(evaluate(model, validation)[0]),
        "accuracy": evaluate(model, test)[1],
    }


def bounded(loss):
    """The loss, at most `WORST`."""
    return min(loss, WORST) if math.isfinite(loss) else WORST


def run(seed, settings):
    """The identities, the surfaces, the images."""
    rng = np.random.default_rng(seed)
    split = [tensors(p) for p in data.load(settings["data"], seed, most=settings["most"])]
    found = {
        "identity": {m: identity(m, split[0], settings, seed) for m in FORMULA},
        "surfaces": {},
        "paths": {},
        "images": {},
    }
    for i, (name, (_, _, _, (middle, spread))) in enumerate(SURFACES.items()):
        starts = rng.normal(middle, spread, (settings["starts"], 2)).tolist()
        found["surfaces"][name], found["paths"][name] = {}, {}
        for method in METHODS:
            progress.report(0.1 + 0.1 * i, f"{name}: {method}")
            counts, path = explore(name, method, starts, settings)
            found["surfaces"][name][method] = counts
            found["paths"][name][method] = path
    for i, method in enumerate(METHODS):
        progress.report(0.4 + 0.1 * i, f"images: {method}")
        found["images"][method] = [
            image_run(method, rate, split, settings, seed) for rate in settings["rates"][method]
        ]
    return found


def geometric(values):
    """Geometric means of the columns."""
    return np.log(np.array(values, float)).mean(axis=0)


def chosen(measurements, method):
    """Number of the method's rate on the images: smallest geometric mean of validation losses."""
    losses = [[r["validation"] for r in run["images"][method]] for run in measurements["runs"]]
    return int(geometric(losses).argmin())


def ends(measurements, method, what):
    """A result on the images at the chosen rate, one a run."""
    i = chosen(measurements, method)
    return [run["images"][method][i][what] for run in measurements["runs"]]


def updates(measurements, surface, method):
    """Updates on a surface at the rate of their smallest geometric mean, one a run."""
    counts = [run["surfaces"][surface][method] for run in measurements["runs"]]
    i = int(geometric(counts).argmin())
    return [row[i] for row in counts]


def numbers(measurements):
    """The table of the report."""
    runs, settings = measurements["runs"], measurements["settings"]
    rows = []
    for method in METHODS:
        rate = settings["rates"][method][chosen(measurements, method)]
        accuracy = [100 * a for a in ends(measurements, method, "accuracy")]
        name = f"images, {method}, η = {rate:g}"
        rows += [
            Number(f"{name}: training loss", ends(measurements, method, "train"), "nats"),
            Number(f"{name}: test accuracy", accuracy, "%", 4),
        ]
    for surface in SURFACES:
        for method in METHODS:
            here = updates(measurements, surface, method)
            rows.append(Number(f"{surface}, {method}: until settled", here, "updates"))
    for method in FORMULA:
        here = [r["identity"][method] for r in runs]
        rows.append(Number(f"formula against the engine's {method}: difference", here))
    return rows


LOOKS = {
    "gradient descent": (plots.BLACK, ":", "x"),
    "momentum": (plots.SKY, "--", "s"),
    "Adagrad": (plots.ORANGE, "-.", "v"),
    "RMSProp": (plots.PURPLE, "--", "D"),
    "Adam": (plots.BLUE, "-", "o"),
    "full": (plots.RED, "-", "^"),
}
LABELS = {"full": "Adam, warm-up, decay"}


def curve_figure(measurements):
    """Training loss of all methods on the images."""
    runs = measurements["runs"]
    figure, panel = plots.axes("updates", "training loss, nats", height=4.2, yscale="log")
    for method, (colour, dash, _) in LOOKS.items():
        rows = ends(measurements, method, "curve")
        rate = measurements["settings"]["rates"][method][chosen(measurements, method)]
        label = f"{LABELS.get(method, method)}, η = {rate:g}"
        plots.band(panel, 10 * np.arange(len(rows[0])) + 5, rows, colour, dash, label)
    plots.legend(figure)
    return Figure(
        figure,
        "All methods on the same network, batches and starts, each at its tuned rate: loss of "
        f"the mini-batches, mean ± one standard deviation over {len(runs)} seeds.",
        "Six falling curves of the training loss on a logarithmic axis.",
    )


def surface_figure(measurements):
    """Updates that each method needs on each surface."""
    figure, panel = plots.axes("surface", "updates until settled", height=4.0, yscale="log")
    for j, (method, (colour, _, marker)) in enumerate(LOOKS.items()):
        for i, surface in enumerate(SURFACES):
            here = updates(measurements, surface, method)
            x = i + 0.13 * (j - 2.5)
            label = LABELS.get(method, method) if i == 0 else None
            panel.plot(np.full(len(here), x), here, marker, color=colour, ms=4, alpha=0.7)
            panel.plot(x, math.exp(geometric(here)), marker, color=colour, ms=9, mfc="none",
                       ls="", label=label)  # fmt: skip
    budget = measurements["settings"]["surface_updates"]
    panel.axhline(budget, color=plots.BLACK, lw=0.9, ls=":")
    panel.set_xticks(range(len(SURFACES)), list(SURFACES))
    panel.grid(False, axis="x")
    plots.legend(figure)
    return Figure(
        figure,
        f"Updates until the loss stays near the minimum, small: each seed, large: geometric "
        f"mean; dotted: the budget of {budget}, on which lie those that do not arrive. No method "
        "is the fastest everywhere.",
        "Dots of six methods over three surfaces on a logarithmic axis of updates.",
    )


def path_figure(measurements):
    """The paths on the crescent."""
    run = measurements["runs"][0]
    figure, panel = plots.axes("θ₁", "θ₂", height=4.6)
    x, y = np.meshgrid(np.linspace(-2, 2, 50), np.linspace(-1, 4.8, 60))
    rows = mg.from_numpy(np.stack([x.ravel(), y.ravel()], axis=1))
    height = np.log10(crescent(rows).numpy().reshape(x.shape) + 1e-3)
    panel.contour(x, y, height, 9, cmap="Greys", linewidths=0.8)
    for method, (colour, dash, marker) in LOOKS.items():
        path = np.array(run["paths"]["crescent"][method], float)
        panel.plot(*path.T, dash, color=colour, marker=marker, ms=3, lw=1.2,
                   label=LABELS.get(method, method))  # fmt: skip
    panel.plot(1, 1, "*", color=plots.GREEN, ms=13, label="minimum")
    panel.set(xlim=(-2, 2), ylim=(-1, 4.8))
    panel.grid(False)
    plots.legend(figure)
    return Figure(
        figure,
        "Paths on the crescent from one start within the budget, each method at its best rate: "
        "momentum carries along the bent valley.",
        "Contours of a bent valley with six paths: some follow it to the minimum, some stay up.",
    )


def figures(measurements):
    """The images, the updates on the surfaces, the paths on the crescent."""
    return [
        curve_figure(measurements),
        surface_figure(measurements),
        path_figure(measurements),
    ]


def verdict(measurements):
    """By the identities, and by 95 % intervals over the seeds of the full formula's ratios."""
    runs = measurements["runs"]
    n = len(runs)
    if n < 3:
        why = say(
            "{n} seeds are too few for an interval; `minigrad lab optimizers --seeds 5` decides.",
            n=n,
        )
        return Verdict(UNDECIDED, say("{n} seeds", n=n), [why])
    exact = max(x for r in runs for x in r["identity"].values())
    full = ends(measurements, FULL, "train")
    ratios = {
        method: ratio(full, ends(measurements, method, "train"))
        for method in METHODS
        if method != FULL
    }
    against = ratios[PLAIN]
    key = say("full formula: × {r:.2f} the loss of plain descent", r=against[0])
    reasons = [
        say(
            "One formula, five settings: gradient descent, momentum, Adagrad, RMSProp and Adam of "
            "the engine are its instances, to {exact:.1e} of an update.",
            exact=exact,
        ),
        image_sentence(measurements, ratios),
        *(surface_sentence(measurements, surface) for surface in SURFACES),
    ]
    if exact > EXACT or against[1] > 1:
        return Verdict(REFUTED, key, reasons)
    limits = []
    even = [m for m, (_, low, high) in ratios.items() if m != PLAIN and low <= 1 <= high]
    ahead = [m for m, (_, low, _) in ratios.items() if low > 1]
    if even:
        limits.append(
            say(
                "On the images the full formula is not shown to train better than {names}.",
                names=join(say("{name}", name=name) for name in even),
            )
        )
    if ahead:
        limits.append(
            say(
                "On the images it trains worse than {names}.",
                names=join(say("{name}", name=name) for name in ahead),
            )
        )
    for surface in SURFACES:
        faster = [m for m in METHODS if m != FULL and slower(measurements, surface, m)[0] > 0]
        if faster:
            limits.append(
                say(
                    "On the {surface} fewer updates than the full formula takes: {names}.",
                    surface=surface,
                    names=join(say("{name}", name=name) for name in faster),
                )
            )
    if against[1] <= 1 <= against[2]:
        why = say(
            "The interval over gradient descent holds 1; `minigrad lab optimizers --full` takes "
            "more seeds."
        )
        return Verdict(UNDECIDED, key, [*reasons, *limits, why])
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)


def slower(measurements, surface, method):
    """Interval of log₂ of the full formula's updates over the method's."""
    pairs = np.divide(updates(measurements, surface, FULL), updates(measurements, surface, method))
    return interval(np.log2(pairs))


def image_sentence(measurements, ratios):
    """The full formula against every method on the images."""
    accuracy = {m: 100 * float(np.mean(ends(measurements, m, "accuracy"))) for m in METHODS}
    return say(
        "On the images the training loss of the full formula (Adam, warm-up, decay) is {parts} "
        "(95 % intervals, {n} seeds); mean test accuracy {full:.1f} % against {plain:.1f} % of "
        "gradient descent.",
        parts=join(
            say(
                "{r:.2f} × that of {name} ({low:.2f} to {high:.2f})",
                name=name,
                r=r,
                low=low,
                high=high,
            )
            for name, (r, low, high) in ratios.items()
        ),
        n=len(measurements["runs"]),
        full=accuracy[FULL],
        plain=accuracy[PLAIN],
    )


def surface_sentence(measurements, surface):
    """The methods on one surface, the fastest first."""
    means = {m: math.exp(geometric(updates(measurements, surface, m))) for m in METHODS}
    budget = measurements["settings"]["surface_updates"]
    return say(
        "On the {surface}, updates until settled ({budget}: not within the budget): {parts}.",
        surface=surface,
        budget=budget,
        parts=join(
            say("{name} {count:.0f}", name=name, count=means[name])
            for name in sorted(METHODS, key=means.get)
        ),
    )
