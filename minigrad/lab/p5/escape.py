"""Saddles: how many ways lead down from a critical point, and which methods take them."""

import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.curvature import Hessian
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
from minigrad.lab.training import classes, network, tensors
from minigrad.lab.words import say
from minigrad.nn import functional as F

TITLE = "Saddles have ways out, and more of them the higher they lie"
ROW = 4
CLAIM = (
    "Critical points of high loss are saddles rather than minima: the higher the loss, the more "
    "of the directions curve down, and more so with more dimensions. So a saddle is no trap: one "
    "can leave it along negative curvature."
)
REFUTED_BY = (
    "Over the critical points of the largest network of all seeds, a rank correlation of loss and "
    "index (negative eigenvalues / all) that is not above 0 at the 5 % level (one-sided "
    "permutation test); a smallest loss among saddles below that of every minimum found; "
    "saddle-free Newton that ends, in some seed, above 90 % of the saddle's loss; or a layer's "
    "diagonal block of the Hessian of a ReLU network with an eigenvalue below −1e-12 of the "
    "largest. Limits are: plain gradient descent, from the same start beside the saddle, that "
    "leaves it as well in most seeds; and a step of saddle-free Newton that costs more than ten "
    "gradients."
)
METHOD = (
    "Tanh networks of several sizes on the diabetes table, with a little weight decay, in "
    "float64: random weights descend for a while, from not at all to long, and from there "
    "Levenberg and Marquardt's method goes down "
    "‖g‖² to a critical point, of whatever kind (‖g‖ < 1e-8), where the eigenvalues are counted. "
    "Beside the highest saddle, pushed off by 1e-3, Newton's method, saddle-free "
    "Newton, gradient descent, momentum, and gradient descent with noise get equal updates. The "
    "Hessian of a ReLU classifier of images is cut into the blocks of its layers."
)
SECONDS = 1.6
PARAMETERS = {
    "seeds": Parameter(3, "samples, weights and pushes", 10),
    "samples": Parameter(100, "rows of the diabetes table"),
    "hidden": Parameter([1, 3], "units of the hidden layer", [1, 2, 4]),
    "starts": Parameter(12, "random weights for each size", 24),
    "before": Parameter([0, 10, 40, 160, 640, 2000], "updates of descent before the search"),
    "decay": Parameter(0.01, "weight decay, without which minima may lie at infinity"),
    "iterations": Parameter(40, "steps of the search", 80),
    "updates": Parameter(200, "updates of each method beside the saddle", 400),
    "rate": Parameter(0.1, "learning rate of gradient descent, with noise and with momentum"),
    "momentum": Parameter(0.9, "momentum factor"),
    "noise": Parameter(1e-3, "standard deviation of the noise, a step"),
    "damping": Parameter(0.1, "damping of saddle-free Newton, in units of curvature"),
    "push": Parameter(1e-3, "distance by which the starts are pushed off the saddle"),
    "relu": Parameter(5, "hidden units of the ReLU network"),
}
MEASURED = {
    "points": "{hidden units: [{loss, index: negative eigenvalues / all, lowest, highest, "
    "gradient}]}: the critical points found",
    "parameters": "{hidden units: n}",
    "saddle": "loss at the saddle of the descents",
    "losses": "{method: loss after each update}",
    "blocks": "{all, layer…: [lowest, highest] eigenvalue of the ReLU network's Hessian and of "
    "its layers' blocks}",
}
REFERENCES = [
    (
        "Y. Dauphin et al. (2014), Identifying and attacking the saddle point problem in "
        "high-dimensional non-convex optimization",
        "https://arxiv.org/abs/1406.2572",
    ),
    (
        "C. Jin et al. (2017), How to escape saddle points efficiently",
        "https://arxiv.org/abs/1703.00887",
    ),
    (
        "H. Lee (2021), Machine Learning, lecture P5: When gradient is small",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
]
LEVEL, LEFT, CONVEX, DEAR, ZERO = 0.05, 0.9, 1e-12, 10, 1e-6
METHODS = (
    "Newton",
    "saddle-free Newton",
    "gradient descent",
    "momentum",
    "gradient descent with noise",
)


def loss_of(shapes, x, y, decay):
    """Mean squared error of a tanh network, of all weights in one vector, and their decay."""
    units, inputs = shapes

    def loss(w):
        first = w[: units * inputs].reshape(units, inputs)
        bias = w[units * inputs : units * inputs + units]
        last = w[units * inputs + units : -1]
        output = (x @ first.T + bias).tanh() @ last + w[-1]
        return F.mse_loss(output, y) + decay * (w * w).sum()

    return loss


def critical_point(loss, w, iterations):
    """Levenberg and Marquardt's steps down ‖g‖²: to a point where g = 0, of whatever kind."""
    gradient = mg.func.grad(loss)
    g, damping = gradient(w).numpy(), 1e-3
    for _ in range(iterations):
        h = mg.func.hessian(loss)(w).numpy()
        for _ in range(8):
            step = np.linalg.solve(h @ h + damping * np.eye(len(g)), h @ g)
            new = w - mg.from_numpy(step)
            there = gradient(new).numpy()
            if there @ there < g @ g:
                w, g, damping = new, there, damping / 5
                break
            damping *= 5
        if np.linalg.norm(g) < 1e-11:
            break
    return w


def newton(loss, w):
    """One step of Newton's method, no longer than 1."""
    H = Hessian.of(loss, w)
    step = -np.linalg.lstsq(H.dense(), H.gradient(), rcond=1e-10)[0]
    return w + mg.from_numpy(step * min(1.0, 1.0 / max(np.linalg.norm(step), 1e-300)))


def approach(loss, w, updates, rate):
    """Some gradient descent."""
    w = w.clone().requires_grad_()
    optimizer = mg.optim.SGD([w], lr=rate)
    for _ in range(updates):
        optimizer.zero_grad()
        loss(w).backward()
        optimizer.step()
    return w.detach()


def descend(method, loss, start, settings):
    """Losses along `updates` steps of a method."""
    w = start.clone().requires_grad_()
    if method == "Newton":
        losses = [loss(w).item()]
        for _ in range(settings["updates"]):
            w = newton(loss, w.detach())
            losses.append(loss(w).item())
        return losses
    if method == "saddle-free Newton":
        optimizer = mg.optim.SaddleFreeNewton([w], damping=settings["damping"])
        return [float(optimizer.step(lambda: loss(w))) for _ in range(settings["updates"] + 1)]
    momentum = settings["momentum"] if method == "momentum" else 0.0
    optimizer = mg.optim.SGD([w], lr=settings["rate"], momentum=momentum)
    losses = []
    for _ in range(settings["updates"] + 1):
        value = loss(w)
        losses.append(value.item())
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        if method == "gradient descent with noise":
            with mg.no_grad():
                w.add_(settings["noise"] * mg.randn(len(w), dtype=mg.float64))
    return losses


def blocks(model, part):
    """Extreme eigenvalues of the Hessian, and of the diagonal block of each Linear layer."""
    H = Hessian(model, F.cross_entropy, part, dtype="float64")
    whole, layers, begin = H.dense(), {}, 0
    for name, p in model.named_parameters():
        layers.setdefault(name.split(".")[0], []).extend(range(begin, begin + p.numel()))
        begin += p.numel()
    found = {"all": np.linalg.eigvalsh(whole)[[0, -1]]}
    for layer, some in layers.items():
        found[f"layer {layer}"] = np.linalg.eigvalsh(whole[np.ix_(some, some)])[[0, -1]]
    return found


HEART = [loss_of, critical_point, blocks]


def diabetes(rng, samples):
    """Some standardised rows of the table."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    some = rng.permutation(len(y))[:samples]
    x, y = x[some], y[some]
    x, y = (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()
    return mg.from_numpy(x), mg.from_numpy(y)


def find(rng, units, x, y, settings):
    """Critical points near points of descents: [(point, weights)]."""
    inputs = x.shape[1]
    loss, found = loss_of((units, inputs), x, y, settings["decay"]), []
    n = units * (inputs + 2) + 1
    for k in range(settings["starts"]):
        start = mg.from_numpy(rng.normal(0, 0.5, n))
        before = settings["before"][k % len(settings["before"])]
        start = approach(loss, start, before, settings["rate"])
        w = critical_point(loss, start, settings["iterations"])
        H = Hessian.of(loss, w)
        gradient = float(np.linalg.norm(H.gradient()))
        if not gradient < 1e-8:
            continue
        values = np.linalg.eigvalsh(H.dense())
        index = float((values < -ZERO * abs(values).max()).mean())
        point = {"loss": H.loss(), "index": index, "lowest": values[0], "highest": values[-1],
                 "gradient": gradient}  # fmt: skip
        found.append((point, w))
    return found


def run(seed, settings):
    """One draw of rows and weights."""
    mg.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, y = diabetes(rng, settings["samples"])
    points, parameters, highest = {}, {}, None
    for i, units in enumerate(settings["hidden"]):
        progress.report(0.6 * i / len(settings["hidden"]), f"{units} hidden units")
        found = find(rng, units, x, y, settings)
        points[f"{units}"] = [point for point, _ in found]
        parameters[f"{units}"] = units * (x.shape[1] + 2) + 1
        saddles = [(p["loss"], w) for p, w in found if p["index"] > 0]
        if saddles:  # of the last, the largest size
            highest = (units, *max(saddles, key=lambda pair: pair[0]))
    losses, level = {}, None
    if highest:
        units, level, w = highest
        push = mg.from_numpy(rng.normal(size=len(w)))
        start = w + settings["push"] * push / (push @ push) ** 0.5
        loss = loss_of((units, x.shape[1]), x, y, settings["decay"])
        for k, method in enumerate(METHODS):
            progress.report(0.6 + 0.06 * k, method)
            losses[method] = descend(method, loss, start, settings)
    images, labels = tensors(data.digits(seed, most=150).train)
    model = network([images.shape[1], settings["relu"], classes(labels)], nn.ReLU)
    return {
        "points": points,
        "parameters": parameters,
        "saddle": level,
        "losses": losses,
        "blocks": blocks(model, (images, labels)),
    }


def pooled(measurements, units):
    """Loss and index of all critical points of one size, two arrays."""
    found = [p for r in measurements["runs"] for p in r["points"].get(f"{units}", [])]
    return np.array([p["loss"] for p in found]), np.array([p["index"] for p in found])


def correlation(loss, index):
    """Spearman's rank correlation and its one-sided permutation p-value."""
    from scipy.stats import permutation_test, spearmanr

    if len(loss) < 5 or np.ptp(loss) == 0 or np.ptp(index) == 0:
        return 0.0, 1.0
    result = permutation_test(
        (loss,), lambda a: spearmanr(a, index).statistic, permutation_type="pairings",
        n_resamples=999, alternative="greater", rng=np.random.default_rng(0),
    )  # fmt: skip
    return float(result.statistic), float(result.pvalue)


def left(run, method):
    """The loss at the end, over that of the saddle; None without a saddle."""
    return run["losses"][method][-1] / run["saddle"] if run["losses"] else None


def numbers(measurements):
    """The table of the report."""
    runs, rows = measurements["runs"], []
    for units in measurements["settings"]["hidden"]:
        found = [r["points"][f"{units}"] for r in runs]
        rows.append(
            Number(f"{units} hidden units: critical points found", [len(f) for f in found])
        )
        share = [np.mean([p["index"] > 0 for p in f]) * 100 if f else None for f in found]
        rows.append(Number(f"{units} hidden units: of which saddles", share, "%"))
    for method in METHODS:
        rows.append(Number(f"{method}: loss at the end / at the saddle",
                           [left(r, method) for r in runs]))  # fmt: skip
    for name in runs[0]["blocks"] if runs else ():
        values = [r["blocks"][name][0] / r["blocks"][name][1] for r in runs]
        rows.append(Number(f"ReLU network, {name}: lowest / highest eigenvalue", values))
    return rows


def index_figure(measurements):
    """Index against loss."""
    figure, panel = plots.axes("loss at the critical point, mean squared error",
                               "index: negative eigenvalues, %")  # fmt: skip
    looks = zip((plots.SKY, plots.ORANGE, plots.BLUE, plots.RED), "os^D", strict=True)
    for units, (colour, marker) in zip(measurements["settings"]["hidden"], looks, strict=False):
        loss, index = pooled(measurements, units)
        n = measurements["runs"][0]["parameters"][f"{units}"]
        panel.plot(loss, 100 * index, marker, color=colour, ms=5, alpha=0.75,
                   label=f"{units} hidden units, n = {n}")  # fmt: skip
    plots.legend(figure)
    return Figure(
        figure,
        "The critical points found, of all seeds: the higher the loss, the more "
        "directions curve down. The lowest are minima, of index 0.",
        "Scatter of index against loss, rising from zero at low losses.",
    )


def escape_figure(measurements):
    """Losses of the methods beside the saddle."""
    run = next((r for r in measurements["runs"] if r["losses"]), None)
    figure, panel = plots.axes("updates + 1", "loss / loss at the saddle", xscale="log")
    colours = plots.BLACK, plots.RED, plots.BLUE, plots.SKY, plots.GREEN
    looks = dict(zip(METHODS, zip(colours, (":", "-", "--", "-.", (0, (1, 1)))), strict=True))
    for method, (colour, dash) in looks.items() if run else ():
        values = np.array(run["losses"][method]) / run["saddle"]
        panel.plot(np.arange(len(values)) + 1, values, ls=dash, color=colour, label=method)
    panel.set_ylim(0, 1.1)
    plots.legend(figure)
    return Figure(
        figure,
        "From a start beside the highest saddle, first seed that has one, equal numbers of "
        "updates. Newton's method goes back to the saddle; with absolute curvatures it leaves "
        "at once; gradient descent and its kin leave too, later.",
        "Loss curves: one stays at the saddle's height, one drops at once, the others later.",
    )


def blocks_figure(measurements):
    """Lowest eigenvalue of the whole and of each block."""
    runs = measurements["runs"]
    names = list(runs[0]["blocks"])
    figure, panel = plots.axes("lowest eigenvalue / highest", "", height=2.4)
    for k, name in enumerate(names):
        values = [r["blocks"][name][0] / r["blocks"][name][1] for r in runs]
        panel.plot(values, [k] * len(values), "o", color=plots.BLUE, alpha=0.7)
    panel.axvline(0, color=plots.BLACK, lw=0.8)
    panel.set_yticks(range(len(names)), ["whole Hessian", *names[1:]])
    panel.set_ylim(len(names) - 0.5, -0.5)
    return Figure(
        figure,
        "A ReLU network with cross-entropy, one dot a seed: the block of each layer has no "
        "negative eigenvalue, for the loss is convex in one layer at a time. All negative "
        "curvature lies between the layers.",
        "Dots at zero for the layers' blocks and left of zero for the whole Hessian.",
    )


def figures(measurements):
    """Index, escape, blocks."""
    return [
        index_figure(measurements),
        escape_figure(measurements),
        blocks_figure(measurements),
    ]


def verdict(measurements):
    """By the correlation, the escape and the blocks."""
    runs, settings = measurements["runs"], measurements["settings"]
    ready = [r for r in runs if r["losses"]]
    if not ready:
        return Verdict(UNDECIDED, say("no saddle found"), [say("No run found a saddle.")])
    units = settings["hidden"][-1]
    loss, index = pooled(measurements, units)
    rank, p = correlation(loss, index)
    if len(loss) < 8:
        reason = say(
            "{n} critical points are too few; `minigrad lab escape --full` finds more.",
            n=len(loss),
        )
        return Verdict(UNDECIDED, say("{n} critical points", n=len(loss)), [reason])
    key = say("rank correlation {rank:.2f}, p = {p:.3f}", rank=rank, p=p)
    ends = {m: [left(r, m) for r in ready] for m in METHODS}
    layers = [
        r["blocks"][n][0] / r["blocks"][n][1] for r in runs for n in r["blocks"] if n != "all"
    ]
    whole = [r["blocks"]["all"][0] / r["blocks"]["all"][1] for r in runs]
    minima, saddles = loss[index == 0], loss[index > 0]
    failed = []
    if not p < LEVEL:
        failed.append(say("No correlation of loss and index is shown: p = {p:.2f}.", p=p))
    if len(minima) and len(saddles) and saddles.min() < minima.min():
        failed.append(say("A saddle lies lower than every minimum found."))
    if max(ends["saddle-free Newton"]) > LEFT:
        failed.append(say("Saddle-free Newton stays at the saddle in some seed."))
    if min(layers) < -CONVEX:
        failed.append(say("A layer's block has negative curvature: {x:.1e}.", x=min(layers)))
    reasons = [
        say(
            "Of {count} critical points of networks with {units} hidden units {saddles} are "
            "saddles; loss and index have the rank correlation {rank:.2f} (p = {p:.3f}).",
            count=len(loss),
            units=units,
            saddles=len(saddles),
            rank=rank,
            p=p,
        ),
        say(
            "The share of saddles among the critical points found is {shares} for {sizes} hidden "
            "units.",
            shares=", ".join(
                f"{100 * np.mean(pooled(measurements, u)[1] > 0):.0f} %"
                for u in settings["hidden"]
                if len(pooled(measurements, u)[1])
            ),
            sizes=", ".join(str(u) for u in settings["hidden"]),
        ),
        say(
            "From beside the saddle, in equal updates, saddle-free Newton ends at {free:.2f} of "
            "its loss, Newton at {newton:.2f}, gradient descent at {descent:.2f}, with momentum "
            "{momentum:.2f}, with noise {noise:.2f} (means of {n} seeds).",
            free=np.mean(ends["saddle-free Newton"]),
            newton=np.mean(ends["Newton"]),
            descent=np.mean(ends["gradient descent"]),
            momentum=np.mean(ends["momentum"]),
            noise=np.mean(ends["gradient descent with noise"]),
            n=len(ready),
        ),
        say(
            "In a ReLU network no layer's own block has negative curvature (lowest eigenvalue "
            "{layers:.0e} of the highest), the whole Hessian has (down to {whole:.2f}): it all "
            "lies between layers.",
            layers=min(layers),
            whole=min(whole),
        ),
    ]
    if failed:
        return Verdict(REFUTED, key, failed + reasons)
    limits = []
    free = sum(v < LEFT for v in ends["gradient descent"])
    if free > len(ready) / 2:
        limits.append(
            say(
                "Negative curvature need not be computed: plain gradient descent, a push of "
                "{push:g} off the saddle, leaves it in {free} of {n} seeds.",
                push=settings["push"],
                free=free,
                n=len(ready),
            )
        )
    n = runs[0]["parameters"][f"{units}"]
    if n > DEAR:
        limits.append(
            say(
                "The way out is dear: a step of saddle-free Newton takes the whole Hessian, {n} "
                "products, where descent takes one gradient.",
                n=n,
            )
        )
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)
