"""Batch norm at test time: moving averages, and which way round their weight is meant."""

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
from minigrad.lab.statistics import interval
from minigrad.lab.training import classes, minibatches, network, tensors
from minigrad.lab.words import say
from minigrad.nn import functional as F

TITLE = "Batch norm at test time: moving averages"
ROW = 25
CLAIM = (
    "Training and testing differ: at test time there may be no batch, so that moving averages of "
    "the training batches, μ̄ ← p·μ̄ + (1 − p)·μᵗ, take the place of its mean and standard "
    "deviation; PyTorch has p = 0.1."
)
REFUTED_BY = (
    "With PyTorch's momentum 0.1, a test accuracy in evaluation mode that is lower by more than "
    "one point (95 % interval over the seeds, at any batch size of 16 or more) than with the mean "
    "and variance of the whole training set; or a batch of one that does not raise an error in "
    "training. The sentence on PyTorch is limited if the engine's moving averages, which follow "
    "PyTorch's, equal 0.9·old + 0.1·new to 1e-6 and not 0.1·old + 0.9·new: then p = 0.9. A "
    "further limit is a batch size at which 0.1 loses more than one point."
)
METHOD = (
    "A ReLU network with batch norm learns images by SGD with momentum from batches of several "
    "sizes; the moving averages take no part in training, so that the same weights are reached "
    "with each of several weights of the new batch. After each of the last updates the test "
    "accuracy is taken in evaluation mode, and at the end with the statistics of the whole "
    "training set. Moving averages are also compared with both readings of the formula, with the "
    "biased and with the unbiased variance, on random batches."
)
SECONDS = 1.2
PARAMETERS = {
    "seeds": Parameter(4, "splits of the data and initialisations", 12),
    "data": Parameter("digits", "data set"),
    "most": Parameter(1000, "samples at most", 8000),
    "hidden": Parameter([32, 32], "units of the hidden layers", [128, 128]),
    "batches": Parameter([4, 16, 64], "samples in a mini-batch"),
    "weights": Parameter([0.01, 0.1, 0.5, 0.9], "weights of the new batch, momentum in PyTorch"),
    "rate": Parameter(0.03, "learning rate of SGD with momentum 0.9"),
    "updates": Parameter(150, "updates", 600),
    "last": Parameter(15, "of which the last are followed by a test"),
}
MEASURED = {
    "reading": "{PyTorch, wrong way round: the largest relative difference of the running mean "
    "from 0.9·old + 0.1·new and from 0.1·old + 0.9·new}",
    "variance": "{unbiased, biased: the largest relative difference of the running variance from "
    "the same average of the batch variances with n − 1 and with n in the denominator; "
    "normalising: of the normalised batch from the one made with the biased variance}",
    "batch of one": "the words of the error in training, null if there was none",
    "accuracy": "{batch size: {weight of the new batch: test accuracy in evaluation mode after "
    "each of the last updates}}",
    "whole": "{batch size: test accuracy with the statistics of the whole training set}",
}
REFERENCES = [
    (
        "S. Ioffe and C. Szegedy (2015), Batch normalization, section 3.1",
        "https://arxiv.org/abs/1502.03167",
    ),
    (
        "PyTorch, BatchNorm1d: the note on momentum",
        "https://pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html",
    ),
    (
        "H. Lee (2021), Machine Learning, lecture P9: Batch normalization",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
]
POINT, SAME = 0.01, 1e-6


def moving_averages(seed, weight=0.1, batches=5):
    """How far the running statistics are from each reading of the formula."""
    rng = np.random.default_rng(seed)
    norm = nn.BatchNorm1d(6, momentum=weight).double()
    expected = {
        "PyTorch": (1 - weight, weight, np.zeros(6)),
        "wrong way round": (weight, 1 - weight, np.zeros(6)),
    }
    variances, x = {"unbiased": np.ones(6), "biased": np.ones(6)}, None
    for _ in range(batches):
        x = rng.normal(rng.normal(size=6), rng.uniform(0.5, 2, 6), (8, 6))
        y = norm(mg.from_numpy(x))
        for name, (old, new, mean) in expected.items():
            expected[name] = old, new, old * mean + new * x.mean(0)
        for name, ddof in (("unbiased", 1), ("biased", 0)):
            variances[name] = (1 - weight) * variances[name] + weight * x.var(0, ddof=ddof)

    def apart(a, b):
        return float((abs(a - b) / abs(b)).max())

    reading = {n: apart(norm.running_mean.numpy(), m) for n, (_, _, m) in expected.items()}
    variance = {n: apart(norm.running_var.numpy(), v) for n, v in variances.items()}
    by_hand = (x - x.mean(0)) / np.sqrt(x.var(0) + norm.eps)
    variance["normalising"] = apart(y.detach().numpy(), by_hand)
    return reading, variance


def set_weight(model, weight):
    """Give every batch norm of the model this weight of the new batch; None: a plain mean."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = weight


def whole_statistics(model, x):
    """Put mean and variance of the whole training set in place of the moving averages."""
    set_weight(model, 1.0)  # the last batch alone counts, and that is everything
    model.train()
    with mg.no_grad():
        model(x)


def accuracy(model, part):
    """Share of right answers in evaluation mode."""
    x, y = part
    model.eval()
    with mg.no_grad():
        right = (model(x).argmax(dim=1) == y).float().mean().item()
    model.train()
    return right


HEART = [moving_averages, set_weight, whole_statistics]


def train(split, batch, weight, settings, seed):
    """Test accuracies after the last updates, and the model."""
    mg.manual_seed(seed)
    part, test = tensors(split.train), tensors(split.test)
    model = network([part[0].shape[1], *settings["hidden"], classes(part[1])], batch_norm=True)
    set_weight(model, weight)
    optimizer = mg.optim.SGD(model.parameters(), lr=settings["rate"], momentum=0.9)
    seen = []
    # a last batch may be a single sample, which batch norm refuses: whole batches only
    part = tuple(t[: len(part[1]) // batch * batch] for t in part)
    for k, (x, y) in enumerate(minibatches(part, batch, settings["updates"])):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if k >= settings["updates"] - settings["last"]:
            seen.append(accuracy(model, test))
    return seen, model


def run(seed, settings):
    """One split of the data: every batch size with every weight."""
    split = data.load(settings["data"], seed, most=settings["most"])
    reading, variance = moving_averages(seed)
    try:
        nn.BatchNorm1d(3)(mg.ones(1, 3))
        error = None
    except ValueError as problem:
        error = str(problem)
    found, whole = {}, {}
    for i, batch in enumerate(settings["batches"]):
        found[f"{batch}"] = {}
        for weight in settings["weights"]:
            progress.report(i / len(settings["batches"]), f"batches of {batch}, {weight:g}")
            seen, model = train(split, batch, weight, settings, seed)
            found[f"{batch}"][f"{weight:g}"] = seen
        whole_statistics(model, tensors(split.train)[0])
        whole[f"{batch}"] = accuracy(model, tensors(split.test))
    return {
        "reading": reading,
        "variance": variance,
        "batch of one": error,
        "accuracy": found,
        "whole": whole,
    }


def losses(measurements, batch, weight):
    """Points of test accuracy that moving averages cost against the whole set, one a run."""
    return [
        100 * (r["whole"][f"{batch}"] - np.mean(r["accuracy"][f"{batch}"][f"{weight:g}"]))
        for r in measurements["runs"]
    ]


def numbers(measurements):
    """The table of the report."""
    runs, settings = measurements["runs"], measurements["settings"]
    rows = [
        Number("running mean against 0.9·old + 0.1·new", [r["reading"]["PyTorch"] for r in runs]),
        Number(
            "running mean against 0.1·old + 0.9·new",
            [r["reading"]["wrong way round"] for r in runs],
        ),
    ]
    for name in ("unbiased", "biased"):
        rows.append(
            Number(f"running variance against the {name} one", [r["variance"][name] for r in runs])
        )
    rows.append(
        Number(
            "normalised batch against the biased variance",
            [r["variance"]["normalising"] for r in runs],
        )
    )
    for batch in settings["batches"]:
        whole = [100 * r["whole"][f"{batch}"] for r in runs]
        rows.append(Number(f"batches of {batch}: accuracy, whole training set", whole, "%", 4))
        for weight in settings["weights"]:
            rows.append(
                Number(
                    f"batches of {batch}: points lost with {weight:g}·new",
                    losses(measurements, batch, weight),
                    "points",
                )
            )
    return rows


def accuracy_figure(measurements):
    """Points lost against the weight of the new batch."""
    settings = measurements["settings"]
    figure, panel = plots.axes("weight of the new batch", "test accuracy lost, points")
    looks = zip((plots.RED, plots.ORANGE, plots.BLUE, plots.GREEN), "osD^", strict=True)
    x = np.arange(len(settings["weights"]))
    for k, (batch, (colour, marker)) in enumerate(zip(settings["batches"], looks, strict=False)):
        rows = np.array([losses(measurements, batch, w) for w in settings["weights"]])
        sd = rows.std(axis=1, ddof=1) if rows.shape[1] > 1 else 0 * x
        panel.errorbar(x + 0.06 * (k - 1), rows.mean(axis=1), sd, color=colour, marker=marker,
                       capsize=3, label=f"batches of {batch}")  # fmt: skip
    panel.set_xticks(x, [f"{w:g}" for w in settings["weights"]])
    panel.axhline(0, color=plots.BLACK, lw=0.8)
    plots.legend(panel, loc="upper left")
    return Figure(
        figure,
        "What moving averages cost against the statistics of the whole training set, mean ± one "
        f"standard deviation over {len(measurements['runs'])} seeds, averaged over the last "
        "updates. PyTorch's momentum is 0.1; who reads it the other way round sets 0.9, keeps "
        "little but the last batch, and pays where batches are small.",
        "Points of accuracy lost rise with the weight of the new batch, steepest for small "
        "batches.",
    )


def jitter_figure(measurements):
    """Test accuracy after each of the last updates, for both readings."""
    runs, settings = measurements["runs"], measurements["settings"]
    batch = settings["batches"][0]
    figure, panel = plots.axes("updates before the end", "test accuracy, %")
    looks = {0.1: (plots.BLUE, "-", "0.1·new, PyTorch's"), 0.9: (plots.RED, "--", "0.9·new")}
    for weight, (colour, dash, label) in looks.items():
        for k, r in enumerate(runs):
            values = 100 * np.array(r["accuracy"][f"{batch}"].get(f"{weight:g}", [np.nan]))
            x = np.arange(len(values)) - len(values) + 1
            panel.plot(x, values, dash, color=colour, lw=1.2, label=None if k else label)
    plots.legend(panel, loc="lower left")
    return Figure(
        figure,
        f"The same weights, tested after each of the last updates, batches of {batch}, one line a "
        "seed: with 0.9 on the new batch the accuracy jumps with each batch that happens to come.",
        "Steady lines for one reading, jagged and lower ones for the other.",
    )


def figures(measurements):
    """Points lost; jitter."""
    return [accuracy_figure(measurements), jitter_figure(measurements)]


def verdict(measurements):
    """Moving averages by their cost; the sentence on PyTorch by the identity."""
    runs, settings = measurements["runs"], measurements["settings"]
    n = len(runs)
    if n < 3:
        reason = say(
            "{n} seeds are too few for an interval; `minigrad lab running_statistics --seeds 4` "
            "decides.",
            n=n,
        )
        return Verdict(UNDECIDED, say("{n} seeds", n=n), [reason])
    usual = {b: losses(measurements, b, 0.1) for b in settings["batches"]}
    wrong = {b: losses(measurements, b, 0.9) for b in settings["batches"]}
    smallest = min(settings["batches"])
    key = say(
        "batches of {batch}: {usual:.1f} points lost with 0.1·new, {wrong:.1f} with 0.9",
        batch=smallest,
        usual=float(np.mean(usual[smallest])),
        wrong=float(np.mean(wrong[smallest])),
    )
    failed = []
    for batch, lost in usual.items():
        low, high = interval(lost)
        if batch >= 16 and low > 100 * POINT:
            failed.append(
                say(
                    "At batches of {batch} moving averages lose {low:.1f} to {high:.1f} points "
                    "of test accuracy.",
                    batch=batch,
                    low=low,
                    high=high,
                )
            )
    if any(r["batch of one"] is None for r in runs):
        failed.append(say("A batch of one passes through training without an error."))
    if failed:
        return Verdict(REFUTED, key, failed)
    reasons, limits = [], []
    for batch in settings["batches"]:
        (low, high), (wrong_low, wrong_high) = interval(usual[batch]), interval(wrong[batch])
        reasons.append(
            say(
                "Batches of {batch}: against the statistics of the whole training set, moving "
                "averages with 0.1·new lose {mean:+.2f} points of test accuracy (95 % interval "
                "{low:+.2f} to {high:+.2f}, {n} seeds), with 0.9·new {wrong:+.2f} "
                "({wrong_low:+.2f} to {wrong_high:+.2f}).",
                batch=batch,
                mean=float(np.mean(usual[batch])),
                low=low,
                high=high,
                n=n,
                wrong=float(np.mean(wrong[batch])),
                wrong_low=wrong_low,
                wrong_high=wrong_high,
            )
        )
        if low > 100 * POINT:
            limits.append(
                say("At batches of {batch} even 0.1 loses more than a point.", batch=batch)
            )
    reasons.append(
        say(
            "The running variance is the unbiased one (to {unbiased:.0e}; the biased one is off "
            "by {biased:.0e}), while the batch is normalised with the biased one. A batch of one "
            "is refused in training: “{error}”",
            unbiased=max(r["variance"]["unbiased"] for r in runs),
            biased=min(r["variance"]["biased"] for r in runs),
            error=runs[0]["batch of one"],
        )
    )
    right = max(r["reading"]["PyTorch"] for r in runs)
    other = min(r["reading"]["wrong way round"] for r in runs)
    if right < SAME < other:
        limits.append(
            say(
                "“p = 0.1 in PyTorch” has it the wrong way round: its momentum 0.1 weighs the "
                "new batch, μ̄ ← 0.9·μ̄ + 0.1·μᵗ (to {right:.0e}; the other reading is off by "
                "{other:.0e}), so that p = 0.9.",
                right=right,
                other=other,
            )
        )
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)
