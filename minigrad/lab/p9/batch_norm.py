"""The same network with and without batch norm: which trains faster, and at which rates?"""

import math
import time

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
from minigrad.lab.statistics import interval, ratio
from minigrad.lab.training import best_rate, classes, evaluate, minibatches, network, tensors
from minigrad.lab.words import join, say
from minigrad.nn import functional as F
from minigrad.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

TITLE = "Batch norm: faster training, larger learning rates"
ROW = 24
CLAIM = (
    "Batch norm makes training faster: the same network with it needs fewer updates to a given "
    "training loss, trains at larger learning rates and greater depth, with sigmoids too, and "
    "classifies unseen data no worse."
)
REFUTED_BY = (
    "With the learning rate tuned for each arm: a ratio of updates to the target loss (with / "
    "without; geometric mean, 95 % t interval on the log scale over at least three seeds) that "
    "lies at or above 1 for SGD with momentum and for Adam; or no pair of activation and depth "
    "in which the largest rate that trains is larger with batch norm in more than half of the "
    "seeds; or γ ≠ 1 or β ≠ 0 at the start. The target is the smallest of the given losses that "
    "all arms reach in all runs; where there is none it is the largest, an arm that misses it "
    "counts with its whole budget, and the bound that this gives decides only what it can. A "
    "limit is: faster with one of the two optimizers only; no gain in time shown, as an update "
    "costs more (the interval of the ratio of CPU times to the target reaches 1); a last test "
    "accuracy lower by more than half a point (the whole interval of the difference); a pair "
    "without a larger rate; a depth at which the plain ReLU network trains in more than half of "
    "the seeds from He's weights only. Undecided: faster for neither, but not slower for both."
)
METHOD = (
    "A ReLU network on images, cross-entropy, mini-batches, linear warm-up over the first epoch, "
    "then cosine decay; SGD with momentum 0.9 and Adam, each with and without BatchNorm1d after "
    "every hidden Linear. Each seed splits the data anew and tunes the learning rate of each arm "
    "by the validation loss, averaged over short trainings of equal epochs; the test part is "
    "looked at only after that, and the arm trains again on training and validation part "
    "together, while the loss of that whole is taken several times an epoch, in evaluation mode; "
    "time is the number of updates times the median CPU time of one. Then narrower networks of "
    "several depths, ReLU and sigmoid, take a fixed number of updates of plain SGD at each of a "
    "row of rates: one trains if its mean loss over the last ten mini-batches is below 1.5 nats "
    "(guessing among ten classes gives 2.3)."
)
SECONDS = 1.0
PARAMETERS = {
    "seeds": Parameter(4, "splits of the data and initialisations", 10),
    "data": Parameter("digits", "data set"),
    "most": Parameter(1797, "samples at most", 5000),
    "width": Parameter(64, "units of a hidden layer", 128),
    "depth": Parameter(2, "hidden layers"),
    "batch": Parameter(32, "images in a mini-batch"),
    "epochs": Parameter(10, "epochs of the final training", 16),
    "tuning_epochs": Parameter(3, "epochs of a training that tunes the learning rate", 4),
    "rates": Parameter(
        {"SGD": [0.01, 0.03, 0.1, 0.3], "Adam": [0.001, 0.003, 0.01, 0.03]},
        "learning rates tried",
        {
            "SGD": [0.003, 0.01, 0.03, 0.1, 0.3, 1.0],
            "Adam": [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1],
        },
    ),
    "evaluations": Parameter(5, "evaluations of the training loss an epoch"),
    "targets": Parameter(
        [0.1, 0.2, 0.4, 0.8],
        "training losses, in nats: updates are counted to the smallest that all arms reach",
    ),
    "grid_width": Parameter(32, "units of a hidden layer in the grid"),
    "grid_depths": Parameter([1, 4, 8], "hidden layers in the grid", [1, 2, 4, 8, 12]),
    "grid_rates": Parameter(
        [0.1, 0.3, 1, 3, 10],
        "learning rates of the grid",
        [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
    ),
    "grid_updates": Parameter(50, "updates of plain SGD in the grid", 100),
    "trained": Parameter(1.5, "training loss, in nats, below which a network trains"),
}
MEASURED = {
    "start": "{γ, β: [smallest, largest] of the fresh network}",
    "tuning": "{arm: validation loss in nats, averaged over the epochs, for each of the rates, "
    "null: not a number}",
    "arms": "{arm: {rate: the chosen one, fine: {updates, loss of the training set in nats, "
    "seconds of CPU}, epochs: {train/test loss/accuracy after epoch 0, 1, …}}}",
    "grid": "{kind of network: [for each of grid_depths: [training loss in nats at the end for "
    "each of grid_rates, null: not a number]]}",
}
REFERENCES = [
    (
        "S. Ioffe and C. Szegedy (2015), Batch normalization: accelerating deep network training "
        "by reducing internal covariate shift. Published there for Inception on ImageNet, best "
        "accuracy and steps to 72.2 %: without 72.2 %, 31.0 M; with 72.7 %, 13.3 M; with and 5 "
        "times the rate 73.0 %, 2.1 M; 30 times 74.8 %, 2.7 M; 5 times and sigmoids 69.8 %",
        "https://arxiv.org/abs/1502.03167",
    ),
    (
        "K. He et al. (2015), Delving deep into rectifiers (the start that suits ReLU)",
        "https://arxiv.org/abs/1502.01852",
    ),
    (
        "H. Lee (2021), Machine Learning, lecture P9: Batch normalization",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
    (
        "E. Alpaydin and C. Kaynak (1998), Optical recognition of handwritten digits",
        "https://archive.ics.uci.edu/dataset/80",
    ),
]
OPTIMIZERS = ("SGD", "Adam")
ARMS = [f"{optimizer}{bn}" for optimizer in OPTIMIZERS for bn in ("", " + batch norm")]
GRID = {  # kind of network: activation, batch norm, He's weights at the start
    "ReLU": (nn.ReLU, False, False),
    "ReLU, He's start": (nn.ReLU, False, True),
    "ReLU + batch norm": (nn.ReLU, True, False),
    "sigmoid": (nn.Sigmoid, False, False),
    "sigmoid + batch norm": (nn.Sigmoid, True, False),
}
POINT = 0.005  # half a percentage point of accuracy


def optimizer_for(name, parameters, rate):
    """SGD with momentum, or Adam with PyTorch's defaults."""
    if name == "SGD":
        return mg.optim.SGD(parameters, lr=rate, momentum=0.9)
    return mg.optim.Adam(parameters, lr=rate)


def train(model, optimizer, part, settings, epochs):
    """Train on `part`; yields (updates so far, CPU seconds of this one) after each update."""
    epoch = math.ceil(len(part[1]) / settings["batch"])
    warm_up = LinearLR(optimizer, start_factor=1 / epoch, total_iters=epoch)
    decay = CosineAnnealingLR(optimizer, T_max=max(1, epoch * (settings["epochs"] - 1)))
    schedule = SequentialLR(optimizer, [warm_up, decay], milestones=[epoch])
    start = time.process_time()
    for k, (x, y) in enumerate(minibatches(part, settings["batch"], epochs * epoch)):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        yield k + 1, time.process_time() - start
        start = time.process_time()


HEART = [network, train]


def fresh(arm, part, settings, rate, seed):
    """The arm's network, always from the same seed, and its optimizer."""
    mg.manual_seed(seed)
    hidden = [settings["width"]] * settings["depth"]
    sizes = [part[0].shape[1], *hidden, classes(part[1])]
    model = network(sizes, nn.ReLU, "batch norm" in arm)
    return model, optimizer_for(arm.split(" ")[0], model.parameters(), rate)


def tune(arm, split, settings, seed):
    """Validation loss, averaged over the epochs, for each learning rate of the arm."""
    part, validation = tensors(split.train), tensors(split.validation)
    epoch = math.ceil(len(part[1]) / settings["batch"])
    means = []
    for rate in settings["rates"][arm.split(" ")[0]]:
        model, optimizer = fresh(arm, part, settings, rate, seed)
        seen = [
            evaluate(model, validation)[0]
            for updates, _ in train(model, optimizer, part, settings, settings["tuning_epochs"])
            if updates % epoch == 0
        ]
        mean = float(np.mean(seen))
        means.append(mean if math.isfinite(mean) else math.inf)
    return means


def final(arm, rate, split, settings, seed):
    """Curves of one training on training and validation part, with the test part watched."""
    whole = tensors(
        np.concatenate(pair) for pair in zip(split.train, split.validation, strict=True)
    )
    test = tensors(split.test)
    epoch = math.ceil(len(whole[1]) / settings["batch"])
    every = max(1, epoch // settings["evaluations"])
    model, optimizer = fresh(arm, whole, settings, rate, seed)
    fine, laps = {"updates": [], "loss": []}, []
    keys = ("train loss", "train accuracy", "test loss", "test accuracy")
    epochs = {key: [] for key in keys}

    def record(updates):
        on_train = evaluate(model, whole)
        fine["updates"].append(updates)
        fine["loss"].append(on_train[0])
        if updates % epoch == 0:
            for key, value in zip(keys, (*on_train, *evaluate(model, test)), strict=True):
                epochs[key].append(value)

    record(0)
    for updates, seconds in train(model, optimizer, whole, settings, settings["epochs"]):
        laps.append(seconds)
        if updates % every == 0 or updates % epoch == 0:
            record(updates)
    # the median, because other programs on the machine slow some updates down
    fine["seconds"] = [float(np.median(laps)) * n for n in fine["updates"]]
    return {"rate": rate, "fine": fine, "epochs": epochs}


def short_training(kind, depth, rate, part, settings, seed):
    """Loss after a few updates of plain SGD: the mean over the last ten mini-batches, or None."""
    activation, batch_norm, he = GRID[kind]
    mg.manual_seed(seed)
    hidden = [settings["grid_width"]] * depth
    model = network([part[0].shape[1], *hidden, classes(part[1])], activation, batch_norm)
    if he:
        for layer in model:
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
    optimizer = mg.optim.SGD(model.parameters(), lr=rate)
    losses = []
    for x, y in minibatches(part, settings["batch"], settings["grid_updates"]):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    mean = float(np.mean(losses[-10:]))
    return mean if math.isfinite(mean) else None


def run(seed, settings):
    """Tune and train every arm on one split of the data; then the grid."""
    split = data.load(settings["data"], seed, most=settings["most"])
    part = tensors(split.train)
    model, _ = fresh("SGD + batch norm", part, settings, 0.1, seed)
    norms = [layer for layer in model if isinstance(layer, nn.BatchNorm1d)]
    start = {
        symbol: [min(x.min().item() for x in all_), max(x.max().item() for x in all_)]
        for symbol, all_ in (("γ", [n.weight for n in norms]), ("β", [n.bias for n in norms]))
    }
    tuning, arms, grid = {}, {}, {}
    for i, arm in enumerate(ARMS):
        progress.report(0.15 * i, f"{arm}: learning rate")
        means = tune(arm, split, settings, seed)
        rate = best_rate(settings["rates"][arm.split(" ")[0]], means)
        tuning[arm] = [mean if math.isfinite(mean) else None for mean in means]
        progress.report(0.15 * i + 0.07, f"{arm}: training")
        arms[arm] = final(arm, rate, split, settings, seed)
    for i, kind in enumerate(GRID):
        progress.report(0.6 + 0.08 * i, f"{kind}: depths and rates")
        grid[kind] = [
            [
                short_training(kind, depth, rate, part, settings, seed)
                for rate in settings["grid_rates"]
            ]
            for depth in settings["grid_depths"]
        ]
    return {"start": start, "tuning": tuning, "arms": arms, "grid": grid}


def reached(run, arm, target):
    """(updates, seconds) until the training loss is first at or below the target, or None."""
    fine = run["arms"][arm]["fine"]
    for updates, seconds, value in zip(
        fine["updates"], fine["seconds"], fine["loss"], strict=True
    ):
        if value <= target:
            return updates, seconds
    return None


def target_of(measurements):
    """The smallest of the target losses that every arm reaches in every run, else the largest."""
    targets = sorted(measurements["settings"]["targets"])
    for target in targets:
        if all(reached(r, arm, target) for r in measurements["runs"] for arm in ARMS):
            return target
    return targets[-1]


def accuracies(runs, arm):
    """Test accuracy after the last epoch, one a run."""
    return [r["arms"][arm]["epochs"]["test accuracy"][-1] for r in runs]


def comparison(measurements, optimizer):
    """With against without batch norm: ratios of updates and seconds, difference of accuracy.

    Where an arm misses the target, its whole budget stands in: the ratio is then a bound.
    """
    runs, target = measurements["runs"], target_of(measurements)
    plain, normed = optimizer, f"{optimizer} + batch norm"
    sides = {}
    for arm in (plain, normed):
        ends = [
            (r["arms"][arm]["fine"]["updates"][-1], r["arms"][arm]["fine"]["seconds"][-1])
            for r in runs
        ]
        hits = [reached(r, arm, target) for r in runs]
        sides[arm] = [hit or end for hit, end in zip(hits, ends, strict=True)]
        sides[arm, "missed"] = sum(hit is None for hit in hits)
    updates, seconds = (
        ratio([s[i] for s in sides[normed]], [s[i] for s in sides[plain]]) for i in (0, 1)
    )
    difference = np.subtract(accuracies(runs, normed), accuracies(runs, plain))
    return {
        "updates": updates,
        "seconds": seconds,
        "accuracy": (float(difference.mean()), *interval(difference)),
        "missed": {arm: sides[arm, "missed"] for arm in (plain, normed)},
    }


def good_rates(measurements, run, optimizer):
    """Learning rates with which batch norm validates as well as the best rate does without it."""
    means = {arm: np.array(values, float) for arm, values in run["tuning"].items()}
    best = np.nanmin(means[optimizer])
    rates = measurements["settings"]["rates"][optimizer]
    normed = means[f"{optimizer} + batch norm"]
    return [rate for rate, m in zip(rates, normed, strict=True) if m <= best]


def largest_rate(measurements, run, kind, i):
    """The largest rate of the grid at which this network of depth number i trains; 0 if none."""
    settings = measurements["settings"]
    losses = run["grid"][kind][i]
    pairs = zip(settings["grid_rates"], losses, strict=True)
    working = [rate for rate, x in pairs if x is not None and x < settings["trained"]]
    return max(working, default=0)


def larger(measurements):
    """{(activation, depth): runs in which batch norm trains at a larger rate than without}."""
    found = {}
    for activation in ("ReLU", "sigmoid"):
        for i, depth in enumerate(measurements["settings"]["grid_depths"]):
            rates = [
                [largest_rate(measurements, r, activation + bn, i) for bn in ("", " + batch norm")]
                for r in measurements["runs"]
            ]
            found[activation, depth] = sum(normed > plain for plain, normed in rates)
    return found


def numbers(measurements):
    """The table of the report."""
    runs, target = measurements["runs"], target_of(measurements)
    rows = []
    for arm in ARMS:
        hits = [reached(r, arm, target) for r in runs]
        counts = [None if hit is None else hit[0] for hit in hits]
        times = [None if hit is None else 1e3 * hit[1] for hit in hits]
        accuracy = [100 * a for a in accuracies(runs, arm)]
        rate = [r["arms"][arm]["rate"] for r in runs]
        rows += [
            Number(f"{arm}: test accuracy after the last epoch", accuracy, "%", 4),
            Number(f"{arm}: to a training loss of {target:g} nats", counts, "updates"),
            Number(f"{arm}: the same in CPU time of updates", times, "ms"),
            Number(f"{arm}: learning rate chosen", rate),
        ]
    for optimizer in OPTIMIZERS:
        both = [[reached(r, arm, target) for r in runs] for arm in ARMS if optimizer in arm]
        pairs = [(n[0] / p[0]) if n and p else None for p, n in zip(*both, strict=True)]
        rows.append(Number(f"{optimizer}: updates with / without batch norm", pairs))
        good = [good_rates(measurements, r, optimizer) for r in runs]
        what = f"{optimizer} + batch norm: %s rate as good as the best without"
        rows.append(Number(what % "smallest", [min(rates, default=None) for rates in good]))
        rows.append(Number(what % "largest", [max(rates, default=None) for rates in good]))
    for kind in GRID:
        for i, depth in enumerate(measurements["settings"]["grid_depths"]):
            largest = [largest_rate(measurements, r, kind, i) for r in runs]
            name = f"{kind}, depth {depth}: largest rate that trains"
            rows.append(Number(name, [rate or None for rate in largest]))
    return rows


LOOKS = {
    "SGD": (plots.BLUE, "-"),
    "SGD + batch norm": (plots.SKY, "--"),
    "Adam": (plots.RED, "-"),
    "Adam + batch norm": (plots.ORANGE, "--"),
}


def speed_figure(measurements):
    """Training loss against updates, with the target."""
    runs, target = measurements["runs"], target_of(measurements)
    figure, panel = plots.axes("updates", "training loss, nats", yscale="log")
    for arm, (colour, dash) in LOOKS.items():
        x = runs[0]["arms"][arm]["fine"]["updates"]
        plots.band(panel, x, [r["arms"][arm]["fine"]["loss"] for r in runs], colour, dash, arm)
    panel.axhline(target, color=plots.BLACK, lw=0.9, ls=":")
    panel.set_xlim(0, x[-1] / 2)
    panel.set_ylim(target / 25, 4)
    plots.legend(figure)
    return Figure(
        figure,
        "Loss of the whole training set in evaluation mode, mean ± one standard deviation over "
        f"{len(runs)} seeds, first half of the training. Dotted: {target:g} nats, "
        "where updates are counted.",
        "Four falling curves of the training loss on a logarithmic axis.",
    )


def accuracy_figure(measurements):
    """Accuracy against epochs, training and test part."""
    runs = measurements["runs"]
    figure, panel = plots.axes("epochs", "accuracy, %", height=4.2)
    lowest = 100.0
    for arm, (colour, _) in LOOKS.items():
        for part, dash in (("train", ":"), ("test", "-")):
            rows = 100 * np.array([r["arms"][arm]["epochs"][f"{part} accuracy"] for r in runs])
            lowest = min(lowest, rows.mean(axis=0)[1:].min())
            label = arm if part == "test" else None
            plots.band(panel, np.arange(rows.shape[1]), rows, colour, dash, label)
    panel.xaxis.get_major_locator().set_params(integer=True)
    panel.plot([], [], ":", color=plots.BLACK, label="dotted: training part")
    panel.plot([], [], "-", color=plots.BLACK, label="solid: test part")
    panel.set_ylim(max(0.0, lowest - 3), 100.3)
    plots.legend(figure)
    return Figure(
        figure,
        "Training and test accuracy after each epoch, mean ± one standard deviation over "
        f"{len(runs)} seeds, each arm at its tuned learning rate.",
        "Curves of the accuracy over epochs for four arms, training dotted and test solid.",
    )


def grid_figure(measurements, activation):
    """Loss against the learning rate for each depth, with and without batch norm."""
    runs, settings = measurements["runs"], measurements["settings"]
    figure, panel = plots.axes(
        "learning rate η of plain SGD",
        f"loss after {settings['grid_updates']} updates, nats",
        height=4.6,
        xscale="log",
    )
    depths = settings["grid_depths"]
    chosen = {0: plots.SKY, len(depths) // 2: plots.GREEN, len(depths) - 1: plots.RED}
    dashes = {"": (":", "s"), " + batch norm": ("-", "o"), ", He's start": ("--", "^")}
    for ending, (dash, marker) in dashes.items():
        if activation + ending not in GRID:
            continue
        for i, colour in chosen.items():
            losses = np.array([r["grid"][activation + ending][i] for r in runs], float)
            losses = np.minimum(np.nan_to_num(losses, nan=np.inf), 3.0).mean(axis=0)
            panel.plot(settings["grid_rates"], losses, dash, color=colour, marker=marker, ms=5,
                       lw=1.5, label=f"depth {depths[i]}{ending}")  # fmt: skip
    panel.axhline(settings["trained"], color=plots.BLACK, lw=0.9, ls=(0, (1, 3)))
    panel.set_ylim(0, 3.1)
    plots.legend(figure)
    return Figure(
        figure,
        f"{activation} networks of {settings['grid_width']} units a layer, mean over {len(runs)} "
        f"seeds; more than 3 nats are drawn as 3. Below the thin line at {settings['trained']:g} "
        "nats a network trains. Batch norm (solid) opens larger rates, and depths at which the "
        "plain network (dotted) learns nothing yet at any rate.",
        f"Loss against learning rate for {activation} networks of three depths: the curves with "
        "batch norm dip low over a wide range of rates, the deep plain ones stay flat.",
    )


def figures(measurements):
    """Speed, accuracy, and the grid of rates and depths."""
    return [
        speed_figure(measurements),
        grid_figure(measurements, "ReLU"),
        grid_figure(measurements, "sigmoid"),
        accuracy_figure(measurements),
    ]


def verdict(measurements):
    """By the 95 % intervals of the paired ratios over the seeds, and by the grid."""
    runs, settings = measurements["runs"], measurements["settings"]
    n = len(runs)
    if n < 3:
        why = say(
            "{n} seeds are too few for an interval; `minigrad lab batch_norm --seeds 5` decides.",
            n=n,
        )
        return Verdict(UNDECIDED, say("{n} seeds", n=n), [why])
    found = {name: comparison(measurements, name) for name in OPTIMIZERS}
    key = say(
        "{ratios} updates",
        ratios=join(
            say("{name} × {ratio:.2f}", name=name, ratio=c["updates"][0])
            for name, c in found.items()
        ),
    )
    wrong = [
        say("At the start {symbol} lies in {low:g} … {high:g}.", symbol=s, low=low, high=high)
        for r in runs
        for s, (low, high) in r["start"].items()
        if (low, high) != {"γ": (1, 1), "β": (0, 0)}[s]
    ]
    if wrong:
        return Verdict(REFUTED, key, wrong)
    reasons, faster, slower, limits = [], [], [], []
    for name, c in found.items():
        reasons += speed_reasons(measurements, name, c)
        # a missed target makes the ratio a bound, which can decide one way only
        if c["updates"][2] < 1 and not c["missed"][f"{name} + batch norm"]:
            faster.append(name)
            if c["seconds"][2] >= 1:
                limits.append(
                    say("With {name} no gain in time is shown: an update costs more.", name=name)
                )
        elif c["updates"][1] >= 1 and not c["missed"][name]:
            slower.append(name)
        if c["accuracy"][2] < -POINT:
            limits.append(
                say("With {name} test accuracy is lower by more than half a point.", name=name)
            )
    pairs = larger(measurements)
    gained = [pair for pair, count in pairs.items() if count > n / 2]
    reasons += grid_reasons(measurements, pairs)
    for activation, depth in [pair for pair in pairs if pair not in gained]:
        limits.append(
            say(
                "{activation} networks of depth {depth} train at no larger rate with it in most "
                "seeds.",
                activation=activation,
                depth=depth,
            )
        )
    for i, depth in enumerate(settings["grid_depths"]):
        usual, he = (
            sum(largest_rate(measurements, r, kind, i) > 0 for r in runs)
            for kind in ("ReLU", "ReLU, He's start")
        )
        if usual <= n / 2 < he:
            limits.append(
                say(
                    "Some of that is a matter of the start: plain ReLU networks of depth {depth} "
                    "train in {he} of {n} seeds from He's weights, in {usual} from the default.",
                    depth=depth,
                    he=he,
                    usual=usual,
                    n=n,
                )
            )
    if not faster and len(slower) < len(OPTIMIZERS) and gained:
        why = say(
            "The updates do not decide: intervals that hold 1, or targets missed; `minigrad lab "
            "batch_norm --full` takes more seeds and epochs."
        )
        return Verdict(UNDECIDED, key, [*reasons, why])
    if not faster or not gained:
        return Verdict(REFUTED, key, reasons + limits)
    if len(faster) < len(OPTIMIZERS):
        limits.append(say("Fewer updates are shown for {name} only.", name=faster[0]))
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)


def speed_reasons(measurements, name, c):
    """Sentences on updates, time, accuracy and rates of one optimizer."""
    runs = measurements["runs"]
    n = len(runs)
    sentences = [
        say(
            "{name}: batch norm takes {u:.2f} × the updates to {target:g} nats (95 % interval "
            "{u0:.2f} to {u1:.2f}, {n} seeds) and {s:.2f} × the CPU time ({s0:.2f} to {s1:.2f}); "
            "test accuracy differs by {a:+.2f} points ({a0:+.2f} to {a1:+.2f}).",
            name=name,
            target=target_of(measurements),
            n=n,
            **dict(zip(("u", "u0", "u1"), c["updates"], strict=True)),
            **dict(zip(("s", "s0", "s1"), c["seconds"], strict=True)),
            **dict(zip(("a", "a0", "a1"), (100 * x for x in c["accuracy"]), strict=True)),
        )
    ]
    rates = [good_rates(measurements, r, name) for r in runs]
    if all(rates):
        chosen = sorted({r["arms"][name]["rate"] for r in runs})
        sentences.append(
            say(
                "{name} with batch norm, at rates from {least:g} to {most:g}, validates as well "
                "as without it at the best rate ({best}).",
                name=name,
                least=min(min(r) for r in rates),
                most=max(max(r) for r in rates),
                best=join(say("{rate:g}", rate=rate) for rate in chosen),
            )
        )
    for arm, missed in c["missed"].items():
        if missed:
            sentences.append(
                say(
                    "{arm} missed the target in {missed} of {n} runs: a bound.",
                    arm=arm,
                    missed=missed,
                    n=n,
                )
            )
    return sentences


def grid_reasons(measurements, pairs):
    """A sentence for each activation and depth: the largest rates that train."""
    runs, settings = measurements["runs"], measurements["settings"]
    sentences = []
    for (activation, depth), count in pairs.items():
        i = settings["grid_depths"].index(depth)
        plain, normed = (
            join(
                say("{rate:g}", rate=rate) if rate else say("none") for rate in sorted(set(rates))
            )
            for rates in (
                [largest_rate(measurements, r, activation + bn, i) for r in runs]
                for bn in ("", " + batch norm")
            )
        )
        sentences.append(
            say(
                "{activation}, depth {depth}: the largest rate that trains is {normed} with batch "
                "norm and {plain} without; larger in {count} of {n} seeds.",
                activation=activation,
                depth=depth,
                normed=normed,
                plain=plain,
                count=count,
                n=len(runs),
            )
        )
    return sentences
