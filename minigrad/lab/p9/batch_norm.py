"""Handwritten digits with and without batch normalisation: which trains faster?"""

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
from minigrad.lab.statistics import interval, mean_sd, ratio
from minigrad.nn import functional as F
from minigrad.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
from minigrad.utils.data import DataLoader, TensorDataset

TITLE = "Batch normalisation on handwritten digits"
ROW = 24
CLAIM = (
    "Batch normalisation makes training faster: the same network with it needs fewer updates to "
    "a given training loss, and classifies unseen data no worse."
)
REFUTED_BY = (
    "With the learning rate tuned for each arm: a ratio of updates (with / without) that is not "
    "below 1 for SGD with momentum nor for Adam, at 95 % confidence over the seeds. A limit is: "
    "faster with one of the two optimizers only, no gain in time on average (an update with "
    "batch normalisation costs more), or a test accuracy lower by more than half a point."
)
METHOD = (
    "A ReLU network on scikit-learn's digits, cross-entropy, mini-batches, linear warm-up over "
    "the first epoch, then cosine decay; SGD with momentum 0.9 and Adam, each with and without "
    "BatchNorm1d after every hidden Linear. Each seed splits the data anew (stratified) and tunes "
    "the learning rate of each arm by the validation loss, averaged over short trainings; the "
    "test part is looked at only after that, and the arm trains again on training and validation "
    "part together. The loss of the whole training set, in evaluation mode, is taken several "
    "times an epoch; time is the number of updates times the median time of one."
)
SECONDS = 3.0
PARAMETERS = {
    "seeds": Parameter(5, "splits of the data and initialisations", 20),
    "width": Parameter(128, "units of a hidden layer"),
    "depth": Parameter(2, "hidden layers"),
    "batch": Parameter(32, "images in a mini-batch"),
    "epochs": Parameter(20, "epochs of the final training", 40),
    "tuning_epochs": Parameter(4, "epochs of a training that tunes the learning rate", 8),
    "rates": Parameter(
        {
            "SGD": [0.003, 0.01, 0.03, 0.1, 0.3, 1.0],
            "Adam": [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1],
        },
        "learning rates tried",
    ),
    "evaluations": Parameter(6, "evaluations of the training loss an epoch"),
    "target": Parameter(0.1, "training loss, in nats, at which updates are counted"),
}
MEASURED = {
    "tuning": "{arm: validation loss in nats, averaged over the epochs, for each of the rates}",
    "arms": "{arm: {rate: the chosen one, fine: {updates, loss of the training set in nats, "
    "seconds}, epochs: {train/test loss/accuracy after epoch 0, 1, …}}}",
}
REFERENCES = [
    (
        "S. Ioffe and C. Szegedy (2015), Batch normalization: accelerating deep network training "
        "by reducing internal covariate shift",
        "https://arxiv.org/abs/1502.03167",
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
POINT = 0.005  # half a percentage point of accuracy


def network(batch_norm, width, depth):
    """64 pixels → `depth` hidden layers → 10 logits."""
    layers, inputs = [], 64
    for _ in range(depth):
        # batch norm subtracts the mean, and with it any bias before it: β takes that place
        layers.append(nn.Linear(inputs, width, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm1d(width))
        layers.append(nn.ReLU())
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, 10))


def optimizer_for(name, parameters, rate):
    """SGD with momentum, or Adam with PyTorch's defaults."""
    if name == "SGD":
        return mg.optim.SGD(parameters, lr=rate, momentum=0.9)
    return mg.optim.Adam(parameters, lr=rate)


def train(model, optimizer, part, settings, epochs, after_update):
    """Train on `part`; call ``after_update(updates, seconds of this one)`` after each update."""
    loader = DataLoader(TensorDataset(*part), batch_size=settings["batch"], shuffle=True)
    n = len(loader)
    warm_up = LinearLR(optimizer, start_factor=1 / n, total_iters=n)
    decay = CosineAnnealingLR(optimizer, T_max=max(1, n * (settings["epochs"] - 1)))
    schedule = SequentialLR(optimizer, [warm_up, decay], milestones=[n])
    updates = 0
    for _ in range(epochs):
        start = time.perf_counter()
        for x, y in loader:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            updates += 1
            after_update(updates, time.perf_counter() - start)
            start = time.perf_counter()


HEART = [network, train]


def tensors(part):
    """The arrays of one part of the data as tensors."""
    return tuple(mg.from_numpy(array) for array in part)


def evaluate(model, part):
    """Cross-entropy in nats and accuracy on `part`, in evaluation mode."""
    x, y = part
    model.eval()
    with mg.no_grad():
        logits = model(x)
        value = F.cross_entropy(logits, y).item()
        accuracy = (logits.argmax(dim=1) == y).float().mean().item()
    model.train()
    return value, accuracy


def tune(arm, split, settings, seed):
    """Validation loss, averaged over the epochs, for each learning rate of the arm."""
    name, batch_norm = arm.split(" ")[0], "batch norm" in arm
    train_part, validation = tensors(split.train), tensors(split.validation)
    epoch = math.ceil(len(train_part[1]) / settings["batch"])
    means = []
    for rate in settings["rates"][name]:
        mg.manual_seed(seed)
        model = network(batch_norm, settings["width"], settings["depth"])
        optimizer = optimizer_for(name, model.parameters(), rate)
        seen = []

        def after_update(updates, seconds, model=model, seen=seen):
            if updates % epoch == 0:
                seen.append(evaluate(model, validation)[0])

        train(model, optimizer, train_part, settings, settings["tuning_epochs"], after_update)
        means.append(float(np.mean(seen)))
    return means


def final(arm, rate, split, settings, seed):
    """Curves of one training on training and validation part, with the test part watched."""
    name, batch_norm = arm.split(" ")[0], "batch norm" in arm
    whole = tensors(
        np.concatenate(pair) for pair in zip(split.train, split.validation, strict=True)
    )
    test = tensors(split.test)
    epoch = math.ceil(len(whole[1]) / settings["batch"])
    every = max(1, epoch // settings["evaluations"])
    mg.manual_seed(seed)
    model = network(batch_norm, settings["width"], settings["depth"])
    optimizer = optimizer_for(name, model.parameters(), rate)
    fine, laps = {"updates": [0], "loss": [evaluate(model, whole)[0]]}, []
    start = evaluate(model, whole), evaluate(model, test)
    epochs = {key: [] for key in ("train loss", "train accuracy", "test loss", "test accuracy")}

    def record(on_train, on_test):
        for part, pair in (("train", on_train), ("test", on_test)):
            epochs[f"{part} loss"].append(pair[0])
            epochs[f"{part} accuracy"].append(pair[1])

    def after_update(updates, seconds):
        laps.append(seconds)
        if updates % every and updates % epoch:
            return
        on_train = evaluate(model, whole)
        fine["updates"].append(updates)
        fine["loss"].append(on_train[0])
        if updates % epoch == 0:
            record(on_train, evaluate(model, test))

    record(*start)
    train(model, optimizer, whole, settings, settings["epochs"], after_update)
    # the median, because other programs on the machine slow some updates down
    fine["seconds"] = [float(np.median(laps)) * n for n in fine["updates"]]
    return {"rate": rate, "fine": fine, "epochs": epochs}


def run(seed, settings):
    """Tune and train every arm on one split of the data."""
    split = data.digits(seed)
    result = {"tuning": {}, "arms": {}}
    for i, arm in enumerate(ARMS):
        progress.report(i / len(ARMS), f"{arm}: learning rate")
        means = tune(arm, split, settings, seed)
        rates = settings["rates"][arm.split(" ")[0]]
        best = rates[int(np.argmin([m if math.isfinite(m) else math.inf for m in means]))]
        result["tuning"][arm] = means
        progress.report((i + 0.5) / len(ARMS), f"{arm}: training")
        result["arms"][arm] = final(arm, best, split, settings, seed)
    return result


def reached(run, arm, target):
    """(updates, seconds) until the training loss is first at or below the target, or None."""
    fine = run["arms"][arm]["fine"]
    for updates, seconds, value in zip(
        fine["updates"], fine["seconds"], fine["loss"], strict=True
    ):
        if value <= target:
            return updates, seconds
    return None


def accuracies(runs, arm):
    """Test accuracy after the last epoch, one a run."""
    return [r["arms"][arm]["epochs"]["test accuracy"][-1] for r in runs]


def comparison(measurements, optimizer):
    """With against without batch norm: ratios of updates and seconds, difference of accuracy.

    Where an arm misses the target, its whole budget stands in: the ratio is then a bound.
    """
    runs, target = measurements["runs"], measurements["settings"]["target"]
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
    means = run["tuning"]
    best = np.nanmin(means[optimizer])
    rates = measurements["settings"]["rates"][optimizer]
    normed = means[f"{optimizer} + batch norm"]
    return [rate for rate, m in zip(rates, normed, strict=True) if m <= best]


def numbers(measurements):
    """The table of the report."""
    runs, target = measurements["runs"], measurements["settings"]["target"]
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
            Number(f"{arm}: the same in time of updates", times, "ms"),
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
    return rows


LOOKS = {
    "SGD": (plots.BLUE, "-"),
    "SGD + batch norm": (plots.SKY, "--"),
    "Adam": (plots.RED, "-"),
    "Adam + batch norm": (plots.ORANGE, "--"),
}


def speed_figure(measurements):
    """Training loss against updates, with the target."""
    runs, settings = measurements["runs"], measurements["settings"]
    figure, panel = plots.axes("updates", "training loss, nats", yscale="log")
    for arm, (colour, dash) in LOOKS.items():
        x = runs[0]["arms"][arm]["fine"]["updates"]
        plots.band(panel, x, [r["arms"][arm]["fine"]["loss"] for r in runs], colour, dash, arm)
    panel.axhline(settings["target"], color=plots.BLACK, lw=0.9, ls=":")
    panel.set_xlim(0, x[-1] / 2)
    panel.set_ylim(1e-3, 4)
    plots.legend(figure)
    return Figure(
        figure,
        "Loss of the whole training set in evaluation mode, mean ± one standard deviation over "
        f"{len(runs)} seeds, first half of the training. Dotted: {settings['target']:g} nats, "
        "where updates are counted.",
        "Four falling curves of the training loss on a logarithmic axis.",
    )


def epochs_figure(measurements, key, label, scale):
    """Loss or accuracy against epochs, training and test part."""
    runs = measurements["runs"]
    figure, panel = plots.axes("epochs", label, height=4.0, **scale)
    for arm, (colour, _) in LOOKS.items():
        for part, dash in (("train", ":"), ("test", "-")):
            factor = 100 if key == "accuracy" else 1
            rows = factor * np.array([r["arms"][arm]["epochs"][f"{part} {key}"] for r in runs])
            plots.band(
                panel,
                np.arange(rows.shape[1]),
                rows,
                colour,
                dash,
                arm if part == "test" else None,
            )
    panel.xaxis.get_major_locator().set_params(integer=True)
    panel.plot([], [], ":", color=plots.BLACK, label="dotted: training part")
    panel.plot([], [], "-", color=plots.BLACK, label="solid: test part")
    if key == "accuracy":
        panel.set_ylim(90, 100.3)
        panel.axhline(97, color=plots.BLACK, lw=0.8, ls=(0, (1, 3)))
    plots.legend(figure)
    what = "accuracy (thin line: 97 %)" if key == "accuracy" else "cross-entropy"
    return Figure(
        figure,
        f"Training and test {what} after each epoch, mean ± one standard deviation over "
        f"{len(runs)} seeds.",
        f"Curves of {key} over epochs for four arms, training dotted and test solid.",
    )


def rates_figure(measurements):
    """Validation loss against the learning rate."""
    runs, settings = measurements["runs"], measurements["settings"]
    figure, panel = plots.axes(
        "learning rate η", "validation loss, nats", xscale="log", yscale="log"
    )
    markers = dict(zip(LOOKS, "sDo^", strict=True))
    for arm, (colour, dash) in LOOKS.items():
        rates = settings["rates"][arm.split(" ")[0]]
        rows = np.array([r["tuning"][arm] for r in runs], float)
        mean, sd = np.array([mean_sd(row) for row in rows.T]).T
        sd = np.minimum(np.nan_to_num(sd), 0.9 * mean)
        panel.errorbar(
            rates, mean, sd, ls=dash, color=colour, marker=markers[arm], ms=4, capsize=3, label=arm
        )
    plots.legend(figure)
    return Figure(
        figure,
        f"How the learning rate was chosen: validation loss averaged over "
        f"{settings['tuning_epochs']} epochs, mean ± one standard deviation. A wide flat bottom "
        "means that the rate hardly matters.",
        "Validation loss against learning rate for four arms, each a valley on logarithmic axes.",
    )


def figures(measurements):
    """Speed, accuracy, loss, learning rates."""
    return [
        speed_figure(measurements),
        epochs_figure(measurements, "accuracy", "accuracy, %", {}),
        epochs_figure(measurements, "loss", "cross-entropy, nats", {"yscale": "log"}),
        rates_figure(measurements),
    ]


def verdict(measurements):
    """By the 95 % intervals of the paired ratios over the seeds."""
    n = len(measurements["runs"])
    if n < 3:
        why = (
            f"{n} seeds are too few for an interval; `minigrad lab batch_norm --seeds 5` decides."
        )
        return Verdict(UNDECIDED, f"{n} seeds", [why])
    found = {name: comparison(measurements, name) for name in OPTIMIZERS}
    key = ", ".join(f"{name} × {c['updates'][0]:.2f}" for name, c in found.items()) + " updates"
    reasons, faster, slower, limits = [], [], [], []
    for name, c in found.items():
        mean, low, high = c["updates"]
        reasons.append(
            f"{name}: batch norm takes {mean:.2f} × the updates (95 % interval {low:.2f} to "
            f"{high:.2f}, {n} seeds) and {c['seconds'][0]:.2f} × the time ({c['seconds'][1]:.2f} "
            f"to {c['seconds'][2]:.2f}); test accuracy differs by {100 * c['accuracy'][0]:+.2f} "
            f"points ({100 * c['accuracy'][1]:+.2f} to {100 * c['accuracy'][2]:+.2f})."
        )
        rates = [good_rates(measurements, r, name) for r in measurements["runs"]]
        if all(rates):
            least, most = min(min(r) for r in rates), max(max(r) for r in rates)
            chosen = sorted({r["arms"][name]["rate"] for r in measurements["runs"]})
            best = ", ".join(f"{rate:g}" for rate in chosen)
            reasons.append(
                f"{name} with batch norm, at rates from {least:g} to {most:g}, validates as well "
                f"as without it at the best rate ({best})."
            )
        for arm, missed in c["missed"].items():
            if missed:
                reasons.append(f"{arm} missed the target in {missed} of {n} runs: a bound.")
        if high < 1:
            faster.append(name)
            if c["seconds"][0] >= 1:
                limits.append(f"With {name} no time is gained: an update costs more.")
        elif low >= 1:
            slower.append(name)
        if c["accuracy"][2] < -POINT:
            limits.append(f"With {name} test accuracy is lower by more than half a point.")
    if not faster:
        outcome = REFUTED if len(slower) == len(OPTIMIZERS) else UNDECIDED
        if outcome == UNDECIDED:
            reasons.append(
                "The intervals hold 1; `minigrad lab batch_norm --full` takes more seeds."
            )
        return Verdict(outcome, key, reasons)
    if len(faster) < len(OPTIMIZERS):
        limits.append(f"Fewer updates are shown for {' and '.join(faster)} only.")
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)
