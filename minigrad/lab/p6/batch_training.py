"""Small against large batch: what "the same amount of training" means decides who wins."""

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
from minigrad.lab.statistics import interval, ratio
from minigrad.lab.training import classes, evaluate, minibatches, network, tensors
from minigrad.lab.words import say
from minigrad.nn import functional as F

TITLE = "Does optimisation fail with large batches?"
ROW = 7
CLAIM = (
    "Training with a large batch gives worse results than with a small one, on the training data "
    "too: optimisation fails with large batches (the slide: MNIST accuracy falls to 0.84 on the "
    "training and 0.87 on the validation part with the full batch, CIFAR from 0.58 and 0.61 to "
    "0.30 and 0.33)."
)
REFUTED_BY = (
    "The full batch against the smallest, the learning rate tuned for each batch size and each "
    "budget, by the ratio of training losses (full / smallest) and its 95 % interval over the "
    "seeds. The claim is refuted if the gap closes at equal updates: the whole interval lies "
    "below 1.25. It holds if the whole interval lies above 1 at equal epochs, at equal updates "
    "and at equal time; it holds with a limit if it does so at equal updates but not at all "
    "three. Anything else is undecided, as are fewer than three seeds."
)
METHOD = (
    "A ReLU network on images is trained by plain SGD at constant rate with several batch sizes, "
    "0 being the whole training part, for the number of updates that the smallest batch needs for "
    "the given epochs. Loss and accuracy on the training part and the test accuracy are taken on "
    "the way, and read off where the budget of the smallest batch is used up: the same epochs, "
    "the same updates, or the same time, which is modelled as updates × (fixed + samples × cost "
    "of a sample) with the two costs of the settings, of the size that `batch_time` measures, so "
    "that the result is reproducible. The rate is the one of the smallest training loss at that "
    "budget; each seed splits the data and draws weights and batches anew."
)
SECONDS = 1.2
PARAMETERS = {
    "seeds": Parameter(4, "splits of the data and initialisations", 10),
    "data": Parameter("digits", "data set"),
    "most": Parameter(1000, "samples at most"),
    "width": Parameter(32, "units of the hidden layer"),
    "batches": Parameter([16, 128, 0], "batch sizes, rising; 0 is the whole training part"),
    "epochs": Parameter(15, "epochs of the smallest batch, which give the budgets", 10),
    "rates": Parameter(
        [0.03, 0.1, 0.3, 1.0, 3.0],
        "learning rates tried",
        [0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0],
    ),
    "fixed": Parameter(30.0, "modelled cost of an update, µs"),
    "sample": Parameter(0.15, "modelled cost of a sample in an update, µs", 1.3),
    "checkpoints": Parameter(14, "evaluations on the way, besides those at the budgets"),
}
MEASURED = {
    "samples": "size N of the training part",
    "updates": "{batch size: [updates at which was evaluated]}",
    "loss": "{batch size: {rate: [training loss in nats there, null: not a number]}}",
    "train": "{batch size: {rate: [training accuracy there, 0 … 1]}}",
    "test": "{batch size: {rate: [test accuracy there, 0 … 1]}}",
    "budget": "{batch size: {epochs, updates, time: updates that the budget allows}}",
}
REFERENCES = [
    (
        "H. Lee (2021), Machine Learning, lecture P6: Batch and momentum",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
    (
        "E. Hoffer et al. (2017), Train longer, generalize better: closing the generalization gap "
        "in large batch training of neural networks",
        "https://arxiv.org/abs/1705.08741",
    ),
    (
        "C. Shallue et al. (2019), Measuring the effects of data parallelism on neural network "
        "training",
        "https://jmlr.org/papers/v20/18-789.html",
    ),
]
BUDGETS = ("epochs", "time", "updates")
CLOSED = 1.25


def budgets(batch, samples, settings):
    """Updates that a batch size may take: {epochs, time, updates}, all equal for the smallest.

    >>> budgets(100, 100, {"batches": [10, 0], "epochs": 3, "fixed": 1.0, "sample": 0.1})
    {'epochs': 3, 'time': 5, 'updates': 30}
    """
    smallest = min(settings["batches"][0], samples)
    updates = settings["epochs"] * math.ceil(samples / smallest)

    def cost(size):
        return settings["fixed"] + settings["sample"] * size

    return {
        "epochs": settings["epochs"] * math.ceil(samples / batch),
        "time": min(updates, max(1, round(updates * cost(smallest) / cost(batch)))),
        "updates": updates,
    }


def train(model, part, test, batch, rate, moments):
    """Plain SGD; (training loss, training accuracy, test accuracy) after each of `moments`."""
    optimizer = mg.optim.SGD(model.parameters(), lr=rate)
    seen = []
    for k, (x, y) in enumerate(minibatches(part, batch, updates=moments[-1])):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        if k + 1 in moments:
            seen.append((*evaluate(model, part), evaluate(model, test)[1]))
    return seen


HEART = [budgets, train]


def run(seed, settings):
    """All batch sizes and rates on one split of the data."""
    split = data.load(settings["data"], seed, most=settings["most"])
    part, test = tensors(split.train), tensors(split.test)
    samples = len(part[1])
    sizes = [part[0].shape[1], settings["width"], classes(part[1])]
    found = {"samples": samples, "updates": {}, "loss": {}, "train": {}, "test": {}, "budget": {}}
    for i, name in enumerate(settings["batches"]):
        batch = min(name or samples, samples)
        allowed = budgets(batch, samples, settings)
        way = np.geomspace(1, allowed["updates"], settings["checkpoints"]).round().astype(int)
        moments = sorted({*way.tolist(), *allowed.values()})
        key = str(name)
        found["budget"][key], found["updates"][key] = allowed, moments
        for what in ("loss", "train", "test"):
            found[what][key] = {}
        for k, rate in enumerate(settings["rates"]):
            progress.report(
                (i + k / len(settings["rates"])) / len(settings["batches"]), f"batch {batch}"
            )
            mg.manual_seed(seed)  # the same weights for all
            seen = train(network(sizes), part, test, batch, rate, moments)
            for what, column in zip(("loss", "train", "test"), zip(*seen, strict=True),
                                    strict=True):  # fmt: skip
                found[what][key][f"{rate:g}"] = [v if math.isfinite(v) else None for v in column]
    return found


def at_budget(run, batch, budget):
    """What a batch size has reached at a budget with its best rate: {rate, loss, train, test}."""
    batch = str(batch)
    i = run["updates"][batch].index(run["budget"][batch][budget])
    losses = {rate: column[i] for rate, column in run["loss"][batch].items()}
    rate = min(losses, key=lambda r: math.inf if losses[r] is None else losses[r])
    return {
        "rate": float(rate),
        "loss": losses[rate],
        "train": run["train"][batch][rate][i],
        "test": run["test"][batch][rate][i],
    }


def comparison(measurements, budget, batch=None):
    """A batch size (the last) against the smallest: ratio of losses, differences of accuracy."""
    runs, batches = measurements["runs"], measurements["settings"]["batches"]
    small = [at_budget(r, batches[0], budget) for r in runs]
    large = [at_budget(r, batches[-1] if batch is None else batch, budget) for r in runs]
    result = {"loss": ratio([v["loss"] for v in large], [v["loss"] for v in small])}
    for part in ("train", "test"):
        gaps = [100 * (b[part] - a[part]) for a, b in zip(small, large, strict=True)]
        result[part] = (float(np.mean(gaps)), *interval(gaps))
    return result


def title(batch):
    """A batch size in words."""
    return str(batch) if batch else "full"


def numbers(measurements):
    """The table of the report."""
    runs, settings = measurements["runs"], measurements["settings"]
    rows = []
    for budget in BUDGETS:
        for batch in settings["batches"]:
            found = [at_budget(r, batch, budget) for r in runs]
            name = f"equal {budget}, batch {title(batch)}"
            allowed = [r["budget"][str(batch)][budget] for r in runs]
            rows += [
                Number(f"{name}: updates", allowed),
                Number(f"{name}: rate chosen", [v["rate"] for v in found]),
                Number(f"{name}: training loss", [v["loss"] for v in found], "nats"),
                Number(f"{name}: training accuracy", [100 * v["train"] for v in found], "%", 4),
                Number(f"{name}: test accuracy", [100 * v["test"] for v in found], "%", 4),
            ]
    return rows


LOOKS = ((plots.BLUE, "-", "o"), (plots.GREEN, "-.", "^"), (plots.RED, "--", "s"))


def curve_figure(measurements, against, xlabel, caption, alt):
    """Training loss at the best rate of the equal-updates budget, against some axis."""
    runs, settings = measurements["runs"], measurements["settings"]
    figure, panel = plots.axes(xlabel, "training loss, nats", xscale="log", yscale="log")
    samples = runs[0]["samples"]
    for k, batch in enumerate(settings["batches"]):
        colour, dash, marker = LOOKS[k % len(LOOKS)]
        rows = []
        for r in runs:
            rate = at_budget(r, batch, "updates")["rate"]
            rows.append([math.nan if v is None else v for v in r["loss"][str(batch)][f"{rate:g}"]])
        updates = np.array(runs[0]["updates"][str(batch)])
        size = min(batch or samples, samples)
        cost = settings["fixed"] + settings["sample"] * size
        x = {"updates": updates, "epochs": updates / math.ceil(samples / size),
             "time": updates * cost / 1000}[against]  # fmt: skip
        plots.band(panel, x, rows, colour, dash, f"batch {title(batch)}")
        panel.plot(x, np.mean(rows, axis=0), marker, color=colour, ms=3.5)
    plots.legend(figure, ncols=3)
    return Figure(figure, caption, alt)


def gap_figure(measurements):
    """The ratio of losses at the three budgets."""
    settings = measurements["settings"]
    figure, panel = plots.axes(
        "same …", "training loss / smallest batch's", height=3.4, yscale="log"
    )
    others = settings["batches"][1:]
    for k, batch in enumerate(others):
        colour, _, marker = LOOKS[(k + 1) % len(LOOKS)]
        for i, budget in enumerate(BUDGETS):
            middle, low, high = comparison(measurements, budget, batch)["loss"]
            if not math.isfinite(high) or low <= 0 or high > 1e6:
                low = high = middle  # a single seed has no interval
            place = i + 0.14 * (k - (len(others) - 1) / 2)
            panel.errorbar([place], [middle], [[middle - low], [high - middle]], fmt=marker,
                           color=colour, capsize=4,
                           label=None if i else f"batch {title(batch)}")  # fmt: skip
    panel.axhline(1, color=plots.BLACK, lw=0.9, ls=":")
    panel.set_xticks(range(len(BUDGETS)), BUDGETS)
    panel.set_xlim(-0.5, len(BUDGETS) - 0.5)
    plots.legend(figure, ncols=3)
    return Figure(
        figure,
        f"Training loss divided by that of batch {settings['batches'][0]} when both have had the "
        "same epochs, the same modelled time, or the same updates; rates tuned for each. Bars: "
        "95 % intervals. Above the dotted line the larger batch is behind.",
        "Ratios of losses with error bars in three groups: epochs, time, updates.",
    )


def rate_figure(measurements):
    """Loss against the learning rate at equal updates."""
    runs, settings = measurements["runs"], measurements["settings"]
    figure, panel = plots.axes(
        "learning rate η", "training loss, nats", xscale="log", yscale="log"
    )
    for k, batch in enumerate(settings["batches"]):
        colour, dash, marker = LOOKS[k % len(LOOKS)]
        losses = [
            [math.nan if c[-1] is None else c[-1] for c in r["loss"][str(batch)].values()]
            for r in runs
        ]
        panel.plot(settings["rates"], np.mean(losses, axis=0), dash, marker=marker, ms=5,
                   color=colour, label=f"batch {title(batch)}")  # fmt: skip
    plots.legend(figure, ncols=3)
    return Figure(
        figure,
        "Why the rate must be tuned for each batch size: training loss after the same number of "
        f"updates, mean over {len(runs)} seeds. A missing mark is a run that overflowed.",
        "Loss against learning rate, one curve for each batch size.",
    )


def figures(measurements):
    """The gap at three budgets, the curves behind it, the rates."""
    return [
        gap_figure(measurements),
        curve_figure(
            measurements, "epochs", "epochs",
            "The slide's view: the same curves against epochs. The full batch has had one update "
            "an epoch. Mean ± one standard deviation.",
            "Curves of the training loss over epochs, far apart for different batch sizes.",
        ),
        curve_figure(
            measurements, "updates", "updates",
            "The same runs against updates: this is what an optimiser takes, a step at a time. "
            "Mean ± one standard deviation.",
            "Curves of the training loss over updates, one for each batch size.",
        ),
        rate_figure(measurements),
    ]  # fmt: skip


def verdict(measurements):
    """By the intervals of the ratio of training losses at the three budgets."""
    runs, settings = measurements["runs"], measurements["settings"]
    n = len(runs)
    if n < 3:
        why = say(
            "{n} seeds are too few for an interval; `minigrad lab batch_training --full` decides.",
            n=n,
        )
        return Verdict(UNDECIDED, say("{n} seeds", n=n), [why])
    full = settings["batches"][-1]
    lost = sum(at_budget(r, b, k)["loss"] is None for r in runs for b in (settings["batches"][0],
               full) for k in BUDGETS)  # fmt: skip
    if lost:
        why = say("No rate gave a finite loss in {lost} cases: try smaller rates.", lost=lost)
        return Verdict(UNDECIDED, say("{lost} overflows", lost=lost), [why])
    found = {budget: comparison(measurements, budget) for budget in BUDGETS}
    reasons = []
    for budget, words in (
        ("epochs", say("the same epochs")),
        ("time", say("the same modelled time")),
        ("updates", say("the same updates")),
    ):
        c = found[budget]
        reasons.append(
            say(
                "After {what} the full batch has {ratio:.2f} × the training loss of batch {small} "
                "(95 % interval {low:.2f} to {high:.2f}, {n} seeds); training accuracy differs by "
                "{train:+.1f} points, test accuracy by {test:+.1f} ({test_low:+.1f} to "
                "{test_high:+.1f}).",
                what=words,
                small=settings["batches"][0],
                n=n,
                train=c["train"][0],
                **dict(zip(("ratio", "low", "high"), c["loss"], strict=True)),
                **dict(zip(("test", "test_low", "test_high"), c["test"], strict=True)),
            )
        )
    seen = np.mean([r["samples"] / min(settings["batches"][0], r["samples"]) for r in runs])
    reasons.append(
        say(
            "At the same updates the full batch has computed on {times:.0f} × the samples, which "
            "is its price; and the small batch, at its constant rate, keeps the noise of its "
            "batches, which a decaying rate would calm.",
            times=seen,
        )
    )
    edges = {settings["rates"][0], settings["rates"][-1]}
    at_edge = {
        title(b)
        for b in (settings["batches"][0], full)
        for k in BUDGETS
        for r in runs
        if at_budget(r, b, k)["rate"] in edges
    }
    for name in sorted(at_edge):
        reasons.append(
            say("Batch {name} sometimes chose a rate at the edge of those tried.", name=name)
        )
    key = say(
        "loss × {epochs:.1f} at equal epochs, × {updates:.2f} at updates",
        epochs=found["epochs"]["loss"][0],
        updates=found["updates"]["loss"][0],
    )
    worse = [budget for budget in BUDGETS if found[budget]["loss"][1] > 1]
    if found["updates"]["loss"][2] < CLOSED:
        if "epochs" in worse:
            reasons.append(
                say(
                    "The observation is right at equal epochs, the explanation is not: with as "
                    "many updates the full batch optimises as well or better. It had too few "
                    "steps, not bad ones."
                )
            )
        return Verdict(REFUTED, key, reasons)
    if "updates" in worse:
        if len(worse) == len(BUDGETS):
            return Verdict(HOLDS, key, reasons)
        reasons.append(say("The full batch is not behind at every budget."))
        return Verdict(LIMITED, key, reasons)
    reasons.append(
        say("At equal updates the interval holds 1; `minigrad lab batch_training --full` decides.")
    )
    return Verdict(UNDECIDED, key, reasons)
