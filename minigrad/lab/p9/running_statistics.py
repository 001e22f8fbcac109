"""Batch norm's running statistics: which way round is the momentum, and what if one errs?"""

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
from minigrad.lab.statistics import interval
from minigrad.lab.training import classes, evaluate, minibatches, network, tensors
from minigrad.lab.words import join, say
from minigrad.nn import functional as F

TITLE = "Batch norm in testing: running statistics"
ROW = 25
CLAIM = (
    "In testing there is no batch, so batch norm uses moving averages collected in training, "
    "μ̄ ← p·μ̄ + (1 − p)·μᵗ and the same for the variance, with p = 0.1 in PyTorch; the network "
    "then classifies as well as with statistics of the whole training set."
)
REFUTED_BY = (
    "Running statistics after one batch that no p explains to 1e-9; a running variance that is "
    "not the unbiased one of the batch, or a normalising one that is not the biased; a batch of "
    "one that does not raise an error in training, or raises one in testing; or, at the usual "
    "batch size and momentum = 0.1 of the layer, test accuracy with the statistics of the whole "
    "training set − with the running ones whose 95 % interval over the seeds lies above 5 "
    "points. A limit is: p other than 0.1 by more than 1e-9; that interval above 0 (the running "
    "ones cost accuracy). Undecided: fewer than 3 seeds, or that interval holds 5 points."
)
METHOD = (
    "A fresh layer takes one random batch, and p, the variances and the errors are read off it. "
    "A network on images is trained at several batch sizes; the momentum of its layers, the "
    "weight of the new batch, does not touch the training, only what is remembered. Test "
    "accuracy in evaluation mode is averaged over the last updates, with the running statistics "
    "and, on the same weights, with those of the whole training set."
)
SECONDS = 0.7
PARAMETERS = {
    "seeds": Parameter(5, "splits of the images and initialisations", 10),
    "data": Parameter("digits", "data set of images"),
    "most": Parameter(700, "images at most", 2500),
    "hidden": Parameter(32, "units of each of two hidden layers", 64),
    "batches": Parameter([4, 16, 64], "batch sizes", [4, 8, 16, 32, 64, 128]),
    "usual": Parameter(16, "the batch size that decides"),
    "momenta": Parameter(
        [0.01, 0.1, 0.5, 0.9], "weights of the new batch", [0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 0.9]
    ),
    "rate": Parameter(0.003, "learning rate of Adam"),
    "epochs": Parameter(4, "epochs"),
    "last": Parameter(8, "last updates over which test accuracy is averaged", 15),
}
MEASURED = {
    "rule": "one batch through a fresh layer of momentum 0.1, float64: {p: of μ̄ ← p·μ̄ + (1 − "
    "p)·μᵗ, from the mean; variance: p from the variance if the batch's is the unbiased one; "
    "biased: p from the variance if it is the biased one; spread: largest spread of the first "
    "two over the features; normalising: largest |output − (x − μ)/√(biased variance + ε)|}",
    "one": "{training: the message of the error for a batch of one, null: none; testing: same}",
    "accuracy": "{batch size: {momentum: test accuracy, mean of the last updates}}",
    "worst": "{batch size: {momentum: smallest test accuracy of the last updates}}",
    "whole": "{batch size: test accuracy with statistics of the whole training set, mean of the "
    "last updates}",
    "trace": "at the usual batch size, of the first unit of the first batch norm: {batch: mean "
    "of each batch, then for each momentum the running mean}, first 60 updates",
}
REFERENCES = [
    (
        "S. Ioffe and C. Szegedy (2015), Batch normalization: accelerating deep network training "
        "by reducing internal covariate shift",
        "https://arxiv.org/abs/1502.03167",
    ),
    (
        "PyTorch, BatchNorm1d: the momentum weighs the observed value",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html",
    ),
    (
        "Y. Wu and J. Johnson (2021), Rethinking “Batch” in BatchNorm",
        "https://arxiv.org/abs/2105.07576",
    ),
    (
        "H. Lee (2021), Machine Learning, lecture P9: Batch normalization",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
]
LECTURE = 0.1  # the lecture's p
DEFAULT, MISREAD = "0.1", "0.9"  # momenta: PyTorch's, and the one that p = 0.1 asks for
MARGIN = 0.05  # five points of accuracy: more is not "as well"


def rule(rng):
    """Read p, and which variance goes where, off one batch through a fresh layer."""
    layer = nn.BatchNorm1d(4, dtype=mg.float64)  # PyTorch's default, momentum 0.1
    x = mg.from_numpy(rng.normal(3.0, 2.0, size=(8, 4)))
    y = layer(x)
    mean, biased = x.mean(dim=0), x.var(dim=0, correction=0)
    unbiased = x.var(dim=0, correction=1)
    p = (layer.running_mean - mean) / (0 - mean)  # the running mean starts at 0
    of_variance = (layer.running_var - unbiased) / (1 - unbiased)  # the variance at 1
    of_biased = (layer.running_var - biased) / (1 - biased)
    return {
        "p": p.mean().item(),
        "variance": of_variance.mean().item(),
        "biased": of_biased.mean().item(),
        "spread": max((q.max() - q.min()).item() for q in (p, of_variance)),
        "normalising": (y - (x - mean) / (biased + layer.eps).sqrt()).abs().max().item(),
    }


def whole_statistics(model, x):
    """Give each batch norm the statistics of all of x, under the weights as they are now."""
    norms = [layer for layer in model if isinstance(layer, nn.BatchNorm1d)]
    usual = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 1.0  # only what is seen now counts
    model.train()
    with mg.no_grad():
        model(x)
    for layer, momentum in zip(norms, usual, strict=True):
        layer.momentum = momentum


HEART = [rule, whole_statistics]


def batch_of_one():
    """The error that a batch of one raises in training and in testing, None where none."""
    layer = nn.BatchNorm1d(4)
    messages = {}
    for mode, training in (("training", True), ("testing", False)):
        layer.train(training)
        try:
            layer(mg.ones(1, 4))
            messages[mode] = None
        except ValueError as error:
            messages[mode] = str(error)
    return messages


def train(momentum, batch, parts, settings, seed, whole=False):
    """Train; test accuracies at the last updates, with running or `whole` statistics; trace."""
    part, test = parts
    mg.manual_seed(seed)
    hidden = [settings["hidden"]] * 2
    model = network([part[0].shape[1], *hidden, classes(part[1])], batch_norm=True)
    norms = [layer for layer in model if isinstance(layer, nn.BatchNorm1d)]
    for layer in norms:
        layer.momentum = momentum
    optimizer = mg.optim.Adam(model.parameters(), lr=settings["rate"])
    updates = len(part[1]) // batch * settings["epochs"]
    seen, trace = [], {"batch": [], "running": []}
    # a rest of one image could not be normalised: whole batches only
    pairs = (
        pair for pair in minibatches(part, batch, 2 * updates + 2) if len(pair[1]) == batch
    )  # fmt: skip
    for k, (x, y) in zip(range(updates), pairs, strict=False):
        if k < 60:
            trace["batch"].append(model[0](x.detach())[:, 0].mean().item())
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if k < 60:
            trace["running"].append(norms[0].running_mean[0].item())
        if k >= updates - settings["last"]:
            if whole:
                whole_statistics(model, part[0])
            seen.append(evaluate(model, test)[1])
    return seen, trace


def run(seed, settings):
    """The rule on one batch; then networks at each batch size and momentum."""
    rng = np.random.default_rng(seed)
    split = data.load(settings["data"], seed, most=settings["most"])
    parts = tensors(split.train), tensors(split.test)
    accuracy, worst, whole, trace = {}, {}, {}, {}
    total = len(settings["batches"]) * len(settings["momenta"])
    for i, batch in enumerate(settings["batches"]):
        accuracy[str(batch)], worst[str(batch)] = {}, {}
        for j, momentum in enumerate(settings["momenta"]):
            done = i * len(settings["momenta"]) + j
            progress.report(done / total, f"batch size {batch}, momentum {momentum:g}")
            seen, curves = train(momentum, batch, parts, settings, seed)
            accuracy[str(batch)][str(momentum)] = float(np.mean(seen))
            worst[str(batch)][str(momentum)] = float(np.min(seen))
            if batch == settings["usual"]:
                trace |= {"batch": curves["batch"], str(momentum): curves["running"]}
        # the momentum does not touch the weights: these are the ones of all the others
        seen, _ = train(0.1, batch, parts, settings, seed, whole=True)
        whole[str(batch)] = float(np.mean(seen))
    return {
        "rule": rule(rng),
        "one": batch_of_one(),
        "accuracy": accuracy,
        "worst": worst,
        "whole": whole,
        "trace": trace,
    }


def shortfall(measurements, batch, momentum, against=None):
    """Accuracy with whole statistics (or another momentum) − with running ones: mean, interval."""
    batch = str(batch)
    pairs = [
        (r["whole"][batch] if against is None else r["accuracy"][batch][against])
        - r["accuracy"][batch][momentum]
        for r in measurements["runs"]
    ]
    return float(np.mean(pairs)), *interval(pairs)


def numbers(measurements):
    """The table of the report."""
    runs, settings = measurements["runs"], measurements["settings"]
    rows = [
        Number("p of μ̄ ← p·μ̄ + (1 − p)·μᵗ, layer of momentum 0.1", [r["rule"]["p"] for r in runs]),
        Number("the same from the variance, unbiased", [r["rule"]["variance"] for r in runs]),
        Number("the same from the variance, biased", [r["rule"]["biased"] for r in runs]),
    ]
    for batch in map(str, settings["batches"]):
        name = f"batch size {batch}: test accuracy with"
        whole = [100 * r["whole"][batch] for r in runs]
        rows.append(Number(f"{name} statistics of the whole training set", whole, "%"))
        for m in map(str, settings["momenta"]):
            here = [100 * r["accuracy"][batch][m] for r in runs]
            rows.append(Number(f"{name} momentum {m}", here, "%"))
    return rows


COLOURS = (plots.BLUE, plots.ORANGE, plots.GREEN, plots.RED, plots.PURPLE, plots.SKY)
MARKERS = "so^Dv*"
DASHES = ("-", "--", "-.", ":", "-", "--")


def accuracy_figure(measurements, what="accuracy"):
    """Test accuracy against momentum for each batch size."""
    runs, settings = measurements["runs"], measurements["settings"]
    figure, panel = plots.axes(
        "weight of the new batch (momentum)", "test accuracy, %", height=4.2, xscale="log"
    )
    momenta = settings["momenta"]
    for batch, colour, marker, dash in zip(settings["batches"], COLOURS, MARKERS, DASHES,
                                           strict=False):  # fmt: skip
        rows = 100 * np.array(
            [[r[what][str(batch)][str(m)] for m in momenta] for r in runs]
        )  # fmt: skip
        plots.band(panel, momenta, rows, colour, dash, f"batch size {batch}")
        panel.plot(momenta, rows.mean(axis=0), marker, color=colour, ms=5)
        if what == "accuracy":
            whole = 100 * float(np.mean([r["whole"][str(batch)] for r in runs]))
            panel.plot(momenta[-1] * 1.35, whole, marker, color=colour, mfc="white", ms=7)
    panel.axvline(0.1, color=plots.BLACK, lw=0.8, ls=":")
    plots.legend(figure, ncols=3)
    return figure


def trace_figure(measurements):
    """The running mean of one unit, update by update."""
    trace, settings = measurements["runs"][0]["trace"], measurements["settings"]
    figure, panel = plots.axes("updates", "mean of the first hidden unit")
    panel.plot(np.arange(1, len(trace["batch"]) + 1), trace["batch"], ".", color="#999999",
               ms=5, label="each batch")  # fmt: skip
    shown = [str(m) for m in settings["momenta"] if str(m) in ("0.01", DEFAULT, MISREAD)]
    looks = zip(shown, (plots.SKY, plots.BLUE, plots.RED), ("-.", "-", "--"), strict=False)
    for m, colour, dash in looks:
        x = np.arange(len(trace[m]) + 1)
        panel.plot(x, [0.0, *trace[m]], dash, color=colour, lw=1.6, label=f"momentum {m}")
    plots.legend(figure)
    return Figure(
        figure,
        f"What is remembered of the batches (size {settings['usual']}): with momentum 0.1 nine "
        "tenths are the past and one tenth the new batch; with 0.9, the wrong reading, it is "
        "nearly the last batch alone; with 0.01 it is still on its way from 0.",
        "Grey dots scatter; one line runs smoothly through them, one jumps with the dots, one "
        "creeps up slowly.",
    )


def figures(measurements):
    """Accuracy, its worst, and the trace."""
    last = measurements["settings"]["last"]
    return [
        Figure(
            accuracy_figure(measurements),
            "Test accuracy by the weight that the new batch has in the running statistics, mean "
            "± one standard deviation over the seeds. Open markers on the right: statistics of "
            "the whole training set. Too large a weight forgets all but the last batch, too "
            "small a one has not yet forgotten its start.",
            "Accuracy against momentum: low on the left for large batches, high near 0.1, "
            "falling on the right, most of all for the smallest batch.",
        ),
        trace_figure(measurements),
        Figure(
            accuracy_figure(measurements, "worst"),
            f"The worst of the last {last} updates: with a large weight the network that one "
            "happens to stop at may be a bad one, though its weights are the same.",
            "The same curves for the worst accuracy: lower on the right.",
        ),
    ]


def verdict(measurements):
    """The rule and the errors refute; p and the misreading's harm qualify."""
    runs, settings = measurements["runs"], measurements["settings"]
    n = len(runs)
    if not runs:
        return Verdict(UNDECIDED, say("no run"), [say("There is no run.")])
    p = runs[0]["rule"]["p"]
    key = say("p = {p:.3g}: momentum 0.1 weighs the new batch", p=p)
    facts = [
        (
            say(
                "One batch through a layer of momentum 0.1: μ̄ ← p·μ̄ + (1 − p)·μᵗ with p = "
                "{p:.6g}, and {v:.6g} for the variance if the batch's is the unbiased one "
                "(the biased would give {b:.3g}).",
                p=p,
                v=runs[0]["rule"]["variance"],
                b=runs[0]["rule"]["biased"],
            ),
            all(
                r["rule"]["spread"] <= 1e-9
                and math.isclose(r["rule"]["p"], r["rule"]["variance"], abs_tol=1e-9)
                for r in runs
            ),
        ),
        (
            say(
                "The batch itself is normalised by the biased variance, to {d:.1e}.",
                d=max(r["rule"]["normalising"] for r in runs),
            ),
            all(r["rule"]["normalising"] <= 1e-9 for r in runs),
        ),
        (
            say("A batch of one fails in training, with a message, and passes in testing."),
            all(r["one"]["training"] and r["one"]["testing"] is None for r in runs),
        ),
    ]
    failed = [sentence for sentence, fine in facts if not fine]
    if failed:
        return Verdict(REFUTED, key, [say("Not so: {fact}", fact=fact) for fact in failed])
    reasons = [sentence for sentence, _ in facts]
    if n < 3:
        why = say(
            "{n} seeds are too few for an interval; `minigrad lab running_statistics --seeds 5` "
            "decides.",
            n=n,
        )
        return Verdict(UNDECIDED, key, [*reasons, why])
    _, low, high = found = shortfall(measurements, settings["usual"], DEFAULT)
    reasons.append(
        say(
            "Batch size {batch}: statistics of the whole training set give {d:+.2f} points of "
            "test accuracy more than running ones of momentum 0.1 (95 % interval {low:+.2f} to "
            "{high:+.2f}, {n} seeds).",
            batch=settings["usual"],
            n=n,
            **dict(zip(("d", "low", "high"), (100 * x for x in found), strict=True)),
        )
    )
    if low > MARGIN:
        return Verdict(REFUTED, key, reasons)
    if high > MARGIN:
        why = say(
            "That interval holds 5 points; `minigrad lab running_statistics --full` takes more "
            "seeds."
        )
        return Verdict(UNDECIDED, key, [*reasons, why])
    reasons.append(misreading(measurements))
    limits = []
    if low > 0:
        limits.append(
            say(
                "Running averages lag behind weights that still move: statistics taken anew with "
                "the final weights classify better, by the interval above."
            )
        )
    if abs(p - LECTURE) > 1e-9:
        limits.append(
            say(
                "So p is {p:.3g}, not {lecture:g}: PyTorch's momentum 0.1 is the weight of the "
                "new batch, the lecture's p that of the old average.",
                p=p,
                lecture=LECTURE,
            )
        )
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)


def misreading(measurements):
    """A sentence on what p = 0.1 taken at its word, momentum 0.9, costs."""
    costs = [
        (batch, shortfall(measurements, batch, MISREAD, against=DEFAULT))
        for batch in measurements["settings"]["batches"]
    ]
    return say(
        "Taking p = 0.1 at its word, which is momentum 0.9, costs {parts}. A negative number is a "
        "gain: after few updates momentum 0.1 has not yet forgotten its start.",
        parts=join(
            say(
                "{d:.1f} points at batch size {batch} ({low:.1f} to {high:.1f})",
                batch=batch,
                **dict(zip(("d", "low", "high"), (100 * x for x in found), strict=True)),
            )
            for batch, found in costs
        ),
    )
