"""Classes as numbers 0, 1, 2 … or as one-hot vectors: does the order in numbers help or harm?"""

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
from minigrad.lab.statistics import interval, mean_sd
from minigrad.lab.training import classes, network, tensors
from minigrad.lab.words import say
from minigrad.nn import functional as F

TITLE = "Classes as numbers or as one-hot vectors"
ROW = 19
CLAIM = (
    "A network that regresses on the class number is told that class 1 lies nearer to class 2 "
    "than to class 3. Where the classes have no such order this harms, and one-hot vectors are "
    "the better target; where they have one, the numbers put it to use."
)
REFUTED_BY = (
    "With a − b the difference of two arms on the test part, paired over the seeds, and its 95 % "
    "interval: on the images the accuracy of numbers − one-hot has an interval that lies above "
    "−0.01; or on the ordered classes the mean absolute error, in classes, of numbers − one-hot "
    "has an interval above 0. A limit is: on wine, which has no order either, the accuracy of "
    "numbers − one-hot has an interval that reaches above −0.01; on the ordered classes the "
    "interval of the mean absolute error holds 0, or the numbers are less accurate (an interval "
    "of the accuracy below 0). Undecided: fewer than 3 seeds, or an interval on the images that "
    "holds −0.01."
)
METHOD = (
    "The same network of one hidden layer learns by squared error and Adam either the class "
    "number (one output, rounded) or the one-hot vector (an output a class, the largest wins), "
    "on images and wine, whose classes have no order, and on diabetes, whose progression is cut "
    "into equally filled, ordered classes. A third arm learns numbers handed out at random, to "
    "tell what the order is worth. Rate and number of updates are chosen for each arm by its "
    "loss on the validation part; the test part decides."
)
SECONDS = 0.8
PARAMETERS = {
    "seeds": Parameter(5, "splits of the data and initialisations", 12),
    "data": Parameter("digits", "data set of images"),
    "most": Parameter(700, "images at most", 1500),
    "bins": Parameter(5, "ordered classes that the diabetes progression is cut into"),
    "hidden": Parameter(32, "units of the hidden layer"),
    "rates": Parameter([0.003, 0.03], "learning rates tried", [0.001, 0.003, 0.03]),
    "updates": Parameter(200, "updates of full-batch Adam", 300),
    "every": Parameter(20, "updates between two looks at the validation part"),
}
MEASURED = {
    "results": "{table: {arm: {accuracy: of the test part, error: mean |predicted − true class| "
    "in classes, rate: the chosen one, updates: the chosen number, confusion: [[test samples of "
    "class row that were given class column]]}}}",
    "outputs": "for the images: {class: [outputs of the arm 'numbers' on test samples of it]}, "
    "in classes, at most 20 each",
}
REFERENCES = [
    (
        "H. Lee (2021), Machine Learning, lecture P8: Classification",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
    (
        "B. Efron et al. (2004), Least angle regression (the diabetes table)",
        "https://arxiv.org/abs/math/0406456",
    ),
    (
        "P. Gutiérrez et al. (2016), Ordinal regression methods: survey and experimental study",
        "https://doi.org/10.1109/TKDE.2015.2457911",
    ),
]
NUMBERS, SHUFFLED, ONE_HOT = ARMS = ("numbers", "shuffled numbers", "one-hot")
IMAGES, WINE, DIABETES = TABLES = ("images", "wine", "diabetes")
MARGIN = 0.01  # one point of accuracy: less is no harm


def target(arm, y, count, code):
    """What the network shall give for the classes y: numbers (N, 1) or one-hot rows (N, K)."""
    if arm == ONE_HOT:
        return F.one_hot(y, count).float()
    return code[y].float().unsqueeze(1)


def decide(arm, output, count, code):
    """The class that an output means: the largest of K, or the nearest number 0 … K − 1."""
    if arm == ONE_HOT:
        return output.argmax(dim=1)
    nearest = output.squeeze(1).round().clamp(0, count - 1).long()
    return code.argsort()[nearest]


def learn(arm, part, code, rate, settings):
    """Train by squared error; yields (updates, network) every so many updates."""
    x, y = part
    count = len(code)
    model = network([x.shape[1], settings["hidden"], count if arm == ONE_HOT else 1])
    optimizer = mg.optim.Adam(model.parameters(), lr=rate)
    goal = target(arm, y, count, code)
    for step in range(1, settings["updates"] + 1):
        loss = F.mse_loss(model(x), goal)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % settings["every"] == 0:
            yield step, model


HEART = [target, decide, learn]


def table(name, seed, settings):
    """Standardised train, validation and test part of one table."""
    if name == IMAGES:
        split = data.load(settings["data"], seed, most=settings["most"])
    else:
        from sklearn import datasets

        x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        if name == DIABETES:
            edges = np.quantile(y, np.arange(1, settings["bins"]) / settings["bins"])
            y = np.searchsorted(edges, y)
        split = data.divide(x.astype(np.float32), y.astype(np.int64), seed, 0.2, 0.3)
    mean, sd = split.train[0].mean(axis=0), split.train[0].std(axis=0)
    scale = np.where(sd > 0, sd, 1)  # a pixel that is always black stays as it is
    return [tensors((((x - mean) / scale).astype(np.float32), y)) for x, y in split]


def best(arm, parts, code, settings, seed):
    """Test outputs at the rate and the update that the validation loss prefers."""
    train, (val_x, val_y), (test_x, _) = parts
    chosen = (math.inf, None, None, None)
    for rate in settings["rates"]:
        mg.manual_seed(seed)  # the same start for every rate
        for step, model in learn(arm, train, code, rate, settings):
            with mg.no_grad():
                goal = target(arm, val_y, len(code), code)
                loss = F.mse_loss(model(val_x), goal).item()
                if loss < chosen[0]:
                    chosen = (loss, rate, step, model(test_x))
    return chosen[1:]


def run(seed, settings):
    """Every arm on every table, on one split of each."""
    results, outputs = {}, {}
    for i, name in enumerate(TABLES):
        parts = table(name, seed, settings)
        truth = parts[2][1]
        count = classes(parts[0][1])
        random = np.random.default_rng(seed).permutation(count)
        results[name] = {}
        for j, arm in enumerate(ARMS):
            progress.report((3 * i + j) / 9, f"{name}: {arm}")
            code = mg.from_numpy(random) if arm == SHUFFLED else mg.arange(count)
            rate, step, output = best(arm, parts, code, settings, seed)
            given = decide(arm, output, count, code)
            confusion = np.zeros((count, count), int)
            np.add.at(confusion, (truth.numpy(), given.numpy()), 1)
            results[name][arm] = {
                "accuracy": (given == truth).float().mean().item(),
                "error": (given - truth).abs().float().mean().item(),
                "rate": rate,
                "updates": step,
                "confusion": confusion,
            }
            if (name, arm) == (IMAGES, NUMBERS):
                outputs = {
                    str(k): output.squeeze(1)[truth == k][:20].tolist() for k in range(count)
                }
    return {"results": results, "outputs": outputs}


def values(measurements, table, arm, what):
    """A measured quantity, one value a run."""
    return [r["results"][table][arm][what] for r in measurements["runs"]]


def difference(measurements, table, what, arm=NUMBERS, against=ONE_HOT):
    """Mean and 95 % interval of the paired difference of two arms."""
    pairs = np.subtract(
        values(measurements, table, arm, what), values(measurements, table, against, what)
    )
    return float(pairs.mean()), *interval(pairs)


def numbers(measurements):
    """The table of the report."""
    rows = []
    for name in TABLES:
        for arm in ARMS:
            accuracy = [100 * a for a in values(measurements, name, arm, "accuracy")]
            error = values(measurements, name, arm, "error")
            rows += [
                Number(f"{name}, {arm}: test accuracy", accuracy, "%"),
                Number(f"{name}, {arm}: mean absolute error", error, "classes"),
            ]
    return rows


def bars(measurements, what, ylabel, factor=1.0):
    """Means of the three arms on the three tables, with the runs as dots."""
    figure, panel = plots.axes("data", ylabel)
    looks = zip(ARMS, (plots.RED, plots.ORANGE, plots.BLUE), ("//", "..", ""), strict=True)
    for j, (arm, colour, hatch) in enumerate(looks):
        for i, name in enumerate(TABLES):
            here = factor * np.array(values(measurements, name, arm, what))
            x = i + 0.27 * (j - 1)
            panel.bar(x, here.mean(), 0.25, color=colour, hatch=hatch, edgecolor="white",
                      label=arm if i == 0 else None)  # fmt: skip
            panel.plot(np.full(len(here), x), here, "o", color=plots.BLACK, ms=2.5)
    panel.set_xticks(
        range(3), [f"{measurements['settings']['data']}", "wine", "diabetes (ordered)"]
    )
    panel.grid(False, axis="x")
    plots.legend(figure, ncols=3)
    return figure


def outputs_figure(measurements):
    """What the one output says of images of each class."""
    figure, panel = plots.axes("true class", "output of the network, in classes")
    run = measurements["runs"][0]
    for k, given in run["outputs"].items():
        x = int(k) + np.linspace(-0.3, 0.3, len(given))
        panel.plot(x, given, "o", color=plots.RED, ms=2.5, alpha=0.8)
    count = len(run["outputs"])
    panel.plot([-0.4, count - 0.6], [-0.4, count - 0.6], "--", color=plots.BLACK, lw=1,
               label="output = true class")  # fmt: skip
    panel.set_xticks(range(count))
    panel.set_ylim(-2, count + 1)
    plots.legend(panel, loc="upper left")
    return Figure(
        figure,
        "A network that regresses on the class number, on test images: on the way from one number "
        "to another its output passes all those between, and rounds to a class that the image "
        "has nothing to do with.",
        "Output against true class: clouds of dots about the diagonal, each several classes tall.",
    )


def confusion_figure(measurements):
    """Which class the regression takes an image for, over all runs."""
    figure, panel = plots.axes("class given", "true class", height=4.2)
    total = sum(np.array(r["results"][IMAGES][NUMBERS]["confusion"]) for r in measurements["runs"])
    share = 100 * total / np.maximum(total.sum(axis=1, keepdims=True), 1)
    panel.pcolormesh(share, cmap="Blues", vmin=0, vmax=150)
    for (row, column), value in np.ndenumerate(share):
        if value >= 0.5:
            panel.text(column + 0.5, row + 0.5, f"{value:.0f}", ha="center", va="center",
                       fontsize=8)  # fmt: skip
    panel.set_aspect("equal")
    panel.invert_yaxis()
    panel.set_xticks(np.arange(len(share)) + 0.5, range(len(share)))
    panel.set_yticks(np.arange(len(share)) + 0.5, range(len(share)))
    panel.grid(False)
    return Figure(
        figure,
        "Confusion of the regression on class numbers, in percent of the test images of a class, "
        "all runs: mistakes lie beside the "
        "diagonal. They are neighbours as numbers, not look-alikes.",
        "Confusion matrix with the mistakes in a band along the diagonal.",
    )


def figures(measurements):
    """Accuracy, error, the outputs and the confusion on images."""
    n = len(measurements["runs"])
    return [
        Figure(
            bars(measurements, "accuracy", "test accuracy, %", 100),
            f"Test accuracy of the three targets; bars are means of {n} splits, dots the splits. "
            "Without order the numbers lose; shuffling them changes little on images, for "
            "there was no order to lose.",
            "Bars of test accuracy: one-hot far above numbers on images, about equal elsewhere.",
        ),
        Figure(
            bars(measurements, "error", "mean |given − true|, classes"),
            "How far off the given class is. On the ordered classes a near miss is a small error, "
            "and there the shuffled numbers are worst.",
            "Bars of the mean absolute error in classes for the three targets on three tables.",
        ),
        outputs_figure(measurements),
        confusion_figure(measurements),
    ]


def verdict(measurements):
    """By the 95 % intervals of paired differences over the seeds."""
    n = len(measurements["runs"])
    if n < 3:
        why = say(
            "{n} seeds are too few for an interval; `minigrad lab classes --seeds 5` decides.",
            n=n,
        )
        return Verdict(UNDECIDED, say("{n} seeds", n=n), [why])
    images, wine = (difference(measurements, name, "accuracy") for name in (IMAGES, WINE))
    error = difference(measurements, DIABETES, "error")
    accuracy = difference(measurements, DIABETES, "accuracy")
    key = say("{d:+.0f} points of accuracy on images", d=100 * images[0])
    reasons = [
        unordered(measurements, IMAGES, images),
        unordered(measurements, WINE, wine),
        say(
            "Diabetes in {bins} ordered classes: mean absolute error of numbers − one-hot "
            "{e:+.3f} classes (95 % interval {e0:+.3f} to {e1:+.3f}), accuracy {a:+.1f} points "
            "({a0:+.1f} to {a1:+.1f}).",
            bins=measurements["settings"]["bins"],
            **dict(zip(("e", "e0", "e1"), error, strict=True)),
            **dict(zip(("a", "a0", "a1"), (100 * a for a in accuracy), strict=True)),
        ),
        shuffling(measurements),
    ]
    if images[1] > -MARGIN or error[1] > 0:
        return Verdict(REFUTED, key, reasons)
    if images[2] >= -MARGIN:
        why = say(
            "The interval on images does not tell; `minigrad lab classes --full` takes more seeds."
        )
        return Verdict(UNDECIDED, key, [*reasons, why])
    limits = []
    if wine[2] > -MARGIN:
        limits.append(
            say(
                "On wine no harm of a point is shown: of three classes the numbers put only one "
                "pair too far apart."
            )
        )
    if error[2] >= 0:
        limits.append(
            say(
                "That numbers put the order to use is not shown: one-hot may be as near to the "
                "true class."
            )
        )
    if accuracy[2] < 0:
        limits.append(
            say(
                "Numbers help to be near, not to be right: on the ordered classes one-hot is the "
                "more accurate."
            )
        )
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)


def unordered(measurements, name, found):
    """A sentence on a table without order."""
    first, second = (
        100 * mean_sd(values(measurements, name, arm, "accuracy"))[0] for arm in (NUMBERS, ONE_HOT)
    )
    return say(
        "{table}: test accuracy {first:.1f} % with numbers, {second:.1f} % with one-hot vectors; "
        "difference {d:+.1f} points (95 % interval {low:+.1f} to {high:+.1f}, {n} seeds).",
        table=say("Images") if name == IMAGES else say("Wine"),
        first=first,
        second=second,
        n=len(measurements["runs"]),
        **dict(zip(("d", "low", "high"), (100 * x for x in found), strict=True)),
    )


def shuffling(measurements):
    """A sentence on what the order is worth: the error of numbers and of shuffled numbers."""
    ordered, shuffled = (
        mean_sd(values(measurements, DIABETES, arm, "error"))[0] for arm in (NUMBERS, SHUFFLED)
    )
    images = difference(measurements, IMAGES, "accuracy", against=SHUFFLED)
    return say(
        "What the order is worth: on diabetes, numbers handed out at random raise the error from "
        "{ordered:.2f} to {shuffled:.2f} classes; on images the usual numbers differ from random "
        "ones by {d:+.1f} points of accuracy ({low:+.1f} to {high:+.1f}).",
        ordered=ordered,
        shuffled=shuffled,
        **dict(zip(("d", "low", "high"), (100 * x for x in images), strict=True)),
    )
