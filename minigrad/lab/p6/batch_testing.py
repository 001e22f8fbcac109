"""Small against large batch on unseen data: flat and sharp minima, and what sharpness is worth."""

import math

import numpy as np

import minigrad as mg
from minigrad.curvature import Hessian, eigenpairs, trace
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

TITLE = "Do small batches find flat minima that generalise?"
ROW = 8
CLAIM = (
    "At the same training loss the solution of a small batch classifies unseen data better than "
    "that of a large batch, because the large batch ends in a sharp minimum and the small one in "
    "a flat minimum."
)
REFUTED_BY = (
    "At the same training loss, learning rates tuned for each batch size by the validation loss, "
    "over the seeds that reached it with both: a test accuracy of the small batch that exceeds "
    "the large batch's by less than half a point (95 % interval wholly below +0.5), or a largest "
    "eigenvalue of the Hessian that is not larger for the large batch (interval of the ratio "
    "large / small wholly below 1.25). It holds if the accuracy is higher and λmax lower for the "
    "small batch, both by the whole interval; with a limit if then rescaled networks, the same "
    "function to 1e-8 of the largest logit, have at least 10 times the λmax of α = 1 in every "
    "run and for both batch sizes. All else is undecided."
)
METHOD = (
    "A ReLU network on images is trained by plain SGD, by a small batch and by the whole training "
    "part (0), from the same weights, until the training loss falls below the target. At each "
    "solution of each rate are measured: accuracies, the largest eigenvalue and the trace of the "
    "Hessian in float64, and Keskar's sharpness, the rise of the loss that some steps of sign "
    "ascent find in a box of half-width ε(|w| + 1), as 100 ΔL/(1 + L). Then the first layer of "
    "the tuned solutions is multiplied by α and the last divided by it, which leaves a ReLU "
    "network's function as it is, and λmax is measured again."
)
SECONDS = 1.0
PARAMETERS = {
    "seeds": Parameter(4, "splits of the data and initialisations", 12),
    "data": Parameter("digits", "data set"),
    "most": Parameter(1797, "samples at most; validation and test part are used whole", 10000),
    "train": Parameter(650, "samples of the training part that are used", 700),
    "width": Parameter(16, "units of the hidden layer"),
    "batches": Parameter([16, 0], "small and large batch; 0 is the whole training part"),
    "rates": Parameter([0.1, 0.3, 0.6], "learning rates tried", [0.03, 0.1, 0.2, 0.4]),
    "target": Parameter(0.05, "training loss, in nats, at which training ends", 0.1),
    "patience": Parameter(4000, "updates after which training is given up"),
    "probes": Parameter(20, "random vectors of the trace's estimate", 30),
    "box": Parameter(0.005, "ε of the box in which sharpness is sought"),
    "ascent": Parameter(8, "steps of sign ascent"),
    "alphas": Parameter([0.1, 0.3, 1.0, 3.0, 10.0], "factors α of the rescaling"),
}
MEASURED = {
    "solutions": "{batch size: {rate: {reached: whether the target was, updates, train loss, "
    "validation loss, test loss in nats, train/test accuracy, eigenvalue: λmax, trace, trace "
    "error, sharpness}}}",
    "chosen": "{batch size: the rate of the smallest validation loss among those that reached "
    "the target, null: none}",
    "rescaled": "{batch size: {alpha: […], eigenvalue: [λmax], change: [largest difference of "
    "the logits, relative to the largest logit]}} of the chosen solution",
}
REFERENCES = [
    (
        "N. Keskar et al. (2017), On large-batch training for deep learning: generalization gap "
        "and sharp minima. Test accuracies there, small batch (256) against large (10 % of the "
        "data), six networks: 98.03/97.81, 64.02/59.45, 80.04/77.26, 89.24/87.26, 49.58/46.45, "
        "63.08/57.81 %",
        "https://arxiv.org/abs/1609.04836",
    ),
    (
        "L. Dinh et al. (2017), Sharp minima can generalize for deep nets",
        "https://arxiv.org/abs/1703.04933",
    ),
    (
        "J. Cohen et al. (2021), Gradient descent on neural networks typically occurs at the edge "
        "of stability",
        "https://arxiv.org/abs/2103.00065",
    ),
]
POINT, SHARPER, SAME, RESCALED = 0.5, 1.25, 1e-8, 10.0


def train(model, part, batch, rate, target, patience, every=20):
    """Plain SGD until the loss of the whole part is below the target: (reached?, updates)."""
    optimizer = mg.optim.SGD(model.parameters(), lr=rate)
    for k, (x, y) in enumerate(minibatches(part, batch, updates=patience), start=1):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        if k % every == 0:
            loss, _ = evaluate(model, part)
            if loss < target or not math.isfinite(loss):
                break
    return loss < target, k


def curvature(model, part, probes):
    """λmax and trace of the Hessian of the training loss, and the trace's standard error."""
    H = Hessian(model, F.cross_entropy, part, dtype=mg.float64)
    top = eigenpairs(H, 1, "top", tol=1e-4)
    estimate = trace(H, samples=probes)
    return float(top.values[0]), estimate.estimate, estimate.error


def sharpness(model, part, box, steps):
    """100 (max L(w + δ) − L(w)) / (1 + L(w)) over |δ| ≤ box (|w| + 1), by sign ascent."""
    x, y = part
    weights = [p.detach().clone() for p in model.parameters()]
    start = worst = F.cross_entropy(model(x), y).item()
    for _ in range(steps):
        model.zero_grad()
        F.cross_entropy(model(x), y).backward()
        with mg.no_grad():
            for p, w in zip(model.parameters(), weights, strict=True):
                bound = box * (w.abs() + 1)
                moved = p + 2 / steps * bound * p.grad.sign()
                p.copy_(mg.maximum(mg.minimum(moved, w + bound), w - bound))
        worst = max(worst, evaluate(model, part)[0])
    with mg.no_grad():
        for p, w in zip(model.parameters(), weights, strict=True):
            p.copy_(w)
    return 100 * (worst - start) / (1 + start)


def rescale(model, alpha):
    """W₁, b₁ times α and W₂ over α: relu(αz) = α relu(z), so the function stays the same."""
    first, _, last = model
    with mg.no_grad():
        first.weight.mul_(alpha)
        first.bias.mul_(alpha)
        last.weight.div_(alpha)


HEART = [curvature, sharpness, rescale]


def rescaling(model, part, alphas):
    """λmax and the change of the function for each α; `model` stays as it is."""
    weights = {name: v.clone() for name, v in model.state_dict().items()}
    found = {"alpha": alphas, "eigenvalue": [], "change": []}
    with mg.no_grad():
        before = model(part[0])
    for alpha in alphas:
        rescale(model, alpha)
        with mg.no_grad():
            change = (model(part[0]) - before).abs().max() / before.abs().max()
        found["change"].append(change.item())
        H = Hessian(model, F.cross_entropy, part)
        found["eigenvalue"].append(float(eigenpairs(H, 1, "top", tol=1e-4).values[0]))
        model.load_state_dict(weights)
    return found


def run(seed, settings):
    """All rates for both batch sizes on one split of the data."""
    split = data.load(settings["data"], seed, most=settings["most"])
    part, validation, test = (tensors(p) for p in split)
    sizes = [part[0].shape[1], settings["width"], classes(part[1])]
    part = tuple(t[: settings["train"]] for t in part)
    result = {"solutions": {}, "chosen": {}, "rescaled": {}}
    for i, batch in enumerate(settings["batches"]):
        size = min(batch or len(part[1]), len(part[1]))
        solutions, models = {}, {}
        for k, rate in enumerate(settings["rates"]):
            progress.report((i + k / len(settings["rates"])) / 2, f"batch {size}, rate {rate:g}")
            mg.manual_seed(seed)  # the same weights for all
            model = network(sizes)
            reached, updates = train(
                model, part, size, rate, settings["target"], settings["patience"]
            )
            found = {"reached": bool(reached), "updates": updates}
            for name, some in (("train", part), ("validation", validation), ("test", test)):
                found[f"{name} loss"], found[f"{name} accuracy"] = (
                    v if math.isfinite(v) else None for v in evaluate(model, some)
                )
            found.update(dict.fromkeys(("eigenvalue", "trace", "trace error", "sharpness")))
            if reached:
                found["eigenvalue"], found["trace"], found["trace error"] = curvature(
                    model, part, settings["probes"]
                )
                found["sharpness"] = sharpness(model, part, settings["box"], settings["ascent"])
                models[f"{rate:g}"] = model
            solutions[f"{rate:g}"] = found
        rate = min(models, key=lambda r: solutions[r]["validation loss"], default=None)
        key = str(batch)
        result["solutions"][key], result["chosen"][key] = solutions, rate
        result["rescaled"][key] = {"alpha": [], "eigenvalue": [], "change": []}
        if rate is not None:
            exact = (part[0].double(), part[1])
            result["rescaled"][key] = rescaling(
                models[rate].double(), exact, list(settings["alphas"])
            )
    return result


def pairs(measurements):
    """[(small, large)]: the tuned solutions of the seeds in which both reached the target."""
    small, large = (str(b) for b in measurements["settings"]["batches"])
    return [
        tuple(r["solutions"][b][r["chosen"][b]] for b in (small, large))
        for r in measurements["runs"]
        if r["chosen"][small] is not None and r["chosen"][large] is not None
    ]


def title(batch):
    """A batch size in words."""
    return f"batch {batch}" if batch else "full batch"


def numbers(measurements):
    """The table of the report."""
    runs, settings = measurements["runs"], measurements["settings"]
    rows = []
    for batch in settings["batches"]:
        key = str(batch)
        best = [r["solutions"][key].get(r["chosen"][key], {}) for r in runs]
        rates = [None if r["chosen"][key] is None else float(r["chosen"][key]) for r in runs]
        rows.append(Number(f"{title(batch)}: rate chosen", rates))
        for name, unit, factor, digits in (
            ("updates", "", 1, 4),
            ("train accuracy", "%", 100, 4),
            ("test accuracy", "%", 100, 4),
            ("train loss", "nats", 1, 3),
            ("test loss", "nats", 1, 3),
            ("eigenvalue", "", 1, 3),
            ("trace", "", 1, 3),
            ("sharpness", "%", 1, 3),
        ):
            values = [None if b.get(name) is None else factor * b[name] for b in best]
            words = {"eigenvalue": "largest eigenvalue of the Hessian", "trace": "trace of the "
                     "Hessian", "sharpness": "Keskar's sharpness"}.get(name, name)  # fmt: skip
            rows.append(Number(f"{title(batch)}: {words}", values, unit, digits))
        gaps = [b["test loss"] - b["train loss"] if b else None for b in best]
        rows.append(Number(f"{title(batch)}: test loss − train loss", gaps, "nats"))
        spans = [r["rescaled"][key]["eigenvalue"] for r in runs]
        stretch = [max(s) / min(s) if s else None for s in spans]
        rows.append(Number(f"{title(batch)}: λmax, largest / smallest over the α", stretch))
    return rows


LOOKS = ((plots.BLUE, "-", "o"), (plots.RED, "--", "s"))


def rescaled_figure(measurements):
    """λmax of the same function against α."""
    settings = measurements["settings"]
    figure, panel = plots.axes(
        "factor α on the first layer, 1/α on the last", "λmax of the training loss",
        xscale="log", yscale="log",
    )  # fmt: skip
    for batch, (colour, dash, marker) in zip(settings["batches"], LOOKS, strict=True):
        label = title(batch)
        for r in measurements["runs"]:
            found = r["rescaled"][str(batch)]
            panel.plot(found["alpha"], found["eigenvalue"], dash, marker=marker, color=colour,
                       ms=4, lw=1, label=label)  # fmt: skip
            label = None
    plots.legend(figure)
    return Figure(
        figure,
        "Dinh's rescaling: every point of a line is the same function of the input, with the same "
        "accuracy on any data, yet its largest eigenvalue may be had as large as one likes. One "
        "line a seed.",
        "Log-log plot: U-shaped curves of the largest eigenvalue over the scale factor.",
    )


def scatter_figure(measurements):
    """Test accuracy against λmax at all solutions."""
    settings = measurements["settings"]
    figure, panel = plots.axes("λmax at the solution", "test accuracy, %", height=4.2)
    shades = np.linspace(0.35, 1, len(settings["rates"]))
    for batch, (colour, _, marker) in zip(settings["batches"], LOOKS, strict=True):
        for rate, shade in zip(settings["rates"], shades, strict=True):
            found = [r["solutions"][str(batch)][f"{rate:g}"] for r in measurements["runs"]]
            found = [s for s in found if s["reached"]]
            panel.plot([s["eigenvalue"] for s in found],
                       [100 * s["test accuracy"] for s in found], marker, color=colour,
                       ms=3 + 4 * shade, alpha=shade, mew=0,
                       label=f"{title(batch)}, η = {rate:g}")  # fmt: skip
    plots.legend(figure)
    return Figure(
        figure,
        "All solutions at the same training loss, one mark a seed and rate. If flatness made "
        "networks generalise, the marks would fall from left to right.",
        "Scattered marks of test accuracy over the largest eigenvalue for both batch sizes.",
    )


def rate_figure(measurements):
    """λmax against the learning rate, with the edge of stability."""
    settings = measurements["settings"]
    figure, panel = plots.axes("learning rate η", "λmax at the solution", xscale="log",
                               yscale="log")  # fmt: skip
    rates = np.array(settings["rates"])
    for batch, (colour, dash, marker) in zip(settings["batches"], LOOKS, strict=True):
        means = []
        for rate in rates:
            found = [r["solutions"][str(batch)][f"{rate:g}"] for r in measurements["runs"]]
            found = [s["eigenvalue"] for s in found if s["reached"]]
            means.append(np.exp(np.mean(np.log(found))) if found else math.nan)
            panel.plot([rate] * len(found), found, marker, color=colour, ms=3, alpha=0.5)
        panel.plot(rates, means, dash, color=colour, label=title(batch))
    panel.set_xticks(rates, [f"{rate:g}" for rate in rates])
    panel.minorticks_off()
    panel.plot(rates, 2 / rates, ":", color=plots.BLACK, label="2/η, edge of stability")
    plots.legend(figure, ncols=3)
    return Figure(
        figure,
        "Where training ends also depends on the learning rate: gradient descent cannot stay "
        "where λmax exceeds 2/η for long. A comparison of batch sizes at one rate, or at "
        "different rates, mixes the two causes.",
        "Largest eigenvalue against learning rate for both batch sizes, and the line two over "
        "eta.",
    )


def figures(measurements):
    """Rescaling, accuracy against sharpness, sharpness against rate."""
    return [
        rescaled_figure(measurements),
        scatter_figure(measurements),
        rate_figure(measurements),
    ]


def verdict(measurements):
    """By the intervals of accuracy and λmax over the seeds, and by the rescaling."""
    runs, settings = measurements["runs"], measurements["settings"]
    found = pairs(measurements)
    n = len(found)
    if n < 3:
        why = say(
            "{n} seeds reached the target with both batch sizes, too few for an interval; "
            "`minigrad lab batch_testing --full` decides.",
            n=n,
        )
        return Verdict(UNDECIDED, say("{n} seeds", n=n), [why])
    small, large = zip(*found, strict=True)
    gap = [100 * (a["test accuracy"] - b["test accuracy"]) for a, b in found]
    mean, (low, high) = float(np.mean(gap)), interval(gap)
    sharper = {
        name: ratio([s[name] for s in large], [s[name] for s in small])
        for name in ("eigenvalue", "trace", "sharpness")
    }
    curved = sharper["eigenvalue"]
    reasons = [
        say(
            "At a training loss of {target:g} nats the small batch classifies {mean:+.2f} points "
            "more of the test part right than the large one (95 % interval {low:+.2f} to "
            "{high:+.2f}, {n} seeds), rates tuned for each.",
            target=settings["target"],
            mean=mean,
            low=low,
            high=high,
            n=n,
        ),
        say(
            "λmax at the large batch's solution is {ratio:.2f} × the small batch's ({low:.2f} to "
            "{high:.2f}); the trace {trace:.2f} ×, Keskar's sharpness {sharp:.2f} ×.",
            ratio=curved[0],
            low=curved[1],
            high=curved[2],
            trace=sharper["trace"][0],
            sharp=sharper["sharpness"][0],
        ),
    ]
    stretch, change = [], []
    for r in runs:
        for rescaled in r["rescaled"].values():
            if rescaled["eigenvalue"]:
                middle = rescaled["eigenvalue"][int(np.argmin(abs(np.log(rescaled["alpha"]))))]
                stretch.append(max(rescaled["eigenvalue"]) / middle)
                change.append(max(rescaled["change"]))
    same = max(change) <= SAME and min(stretch) >= RESCALED
    if same:
        reasons.append(
            say(
                "Rescaled as by Dinh et al., the very same networks (logits equal to "
                "{change:.0e}) have {low:.0f} to {high:.0f} × the λmax: sharpness belongs to the "
                "weights, not to the function that generalises.",
                change=max(change),
                low=min(stretch),
                high=max(stretch),
            )
        )
    key = say("test accuracy {mean:+.2f} points, λmax × {ratio:.2f}", mean=mean, ratio=curved[0])
    if high < POINT or curved[2] < SHARPER:
        if high < POINT:
            reasons.append(say("So the small batch does not generalise better here."))
        if curved[2] < SHARPER:
            reasons.append(say("So the large batch does not end in a sharper place here."))
        return Verdict(REFUTED, key, reasons)
    if low > 0 and curved[1] > 1:
        return Verdict(LIMITED if same else HOLDS, key, reasons)
    reasons.append(
        say("The intervals leave both open; `minigrad lab batch_testing --full` takes more seeds.")
    )
    return Verdict(UNDECIDED, key, reasons)
