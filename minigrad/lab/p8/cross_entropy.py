"""Cross-entropy against squared error: where the answer is most wrong, which one says so?"""

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
from minigrad.lab.training import classes, evaluate, network, tensors
from minigrad.lab.words import join, say
from minigrad.nn import functional as F

TITLE = "Cross-entropy against squared error for classes"
ROW = 21
CLAIM = (
    "For classification minimise cross-entropy, not the squared error of the softmax: where the "
    "network is wrong with confidence, cross-entropy is steep and the squared error flat, so "
    "that training by the squared error is stuck there, at a large loss."
)
REFUTED_BY = (
    "At the logits (−10, 10, −1000), class 1 being right: a cross-entropy other than 20.0 or its "
    "gradient's norm other than 1.414, a squared error other than 2.0 or its norm other than "
    "1.17e-8, to the digits given; a network with a bad start (output weights enlarged, so that "
    "it is confident and wrong) that SGD with momentum trains by squared error to a test accuracy "
    "as good as by cross-entropy (the 95 % interval of cross-entropy − squared error, rates "
    "tuned for each, lies below 1 point). A limit is: Adam leaves (−10, 10) by squared error "
    "within the patience; or from the usual start that interval reaches below 1 point. "
    "Undecided: fewer than 3 seeds, or the interval of the bad start holds 1 point."
)
METHOD = (
    "Losses and gradients of the three logits come from the engine; y₁ and y₂ then descend from "
    "larger and larger mistakes y₂ − y₁, by both losses, with plain gradient descent and Adam, "
    "until the right logit leads by 2. A network on images is trained with both losses and both "
    "optimizers from the usual start and from a bad one, for equally many full-batch updates; "
    "the rate of each arm is chosen by validation accuracy. The formula −Σ ŷ log y′ is also "
    "evaluated as it is written, in float32."
)
SECONDS = 1.1
PARAMETERS = {
    "seeds": Parameter(4, "splits of the images and initialisations", 10),
    "at": Parameter([-10.0, 10.0], "the logits (y₁, y₂) of the lecture"),
    "third": Parameter(-1000.0, "the logit y₃"),
    "gaps": Parameter(
        [0, 4, 8, 16, 20, 24, 40],
        "mistakes y₂ − y₁ to descend from",
        [0, 4, 8, 12, 16, 20, 24, 28, 32, 40],
    ),
    "rates_of_logits": Parameter({"SGD": 1.0, "Adam": 0.1}, "learning rates on the logits"),
    "patience": Parameter(300, "updates after which a mistake counts as not mended", 1000),
    "data": Parameter("digits", "data set of images"),
    "most": Parameter(600, "images at most", 1000),
    "hidden": Parameter(32, "units of the hidden layer"),
    "enlarged": Parameter(50.0, "factor on the output weights for the bad start"),
    "rates": Parameter(
        {"SGD": [0.001, 0.003, 0.01, 0.3], "Adam": [0.001, 0.003, 0.01, 0.03]},
        "learning rates tried on the network",
    ),
    "updates": Parameter(150, "updates of the network", 200),
}
MEASURED = {
    "point": "{loss: {value: at the lecture's logits (cross-entropy in nats), norm: of the "
    "gradient with respect to y₁, y₂}}",
    "written": "−Σ ŷ log y′ as it is written, {float32, float64}; null: not a number",
    "line": "{gap: [y₂ − y₁], loss: {loss: [norm of the gradient at (−gap/2, gap/2)]}}",
    "mended": "{method: updates until y₁ − y₂ > 2 from each of the gaps, null: never}",
    "paths": "{loss: [[y₁, y₂] after each of the first 40 updates of SGD from the lecture's "
    "logits]}",
    "network": "{start: {arm: {start loss: mean cross-entropy before training, nats; rate: the "
    "chosen one; accuracy: of the test part; curve: [accuracy of the training part, one a ten "
    "updates]}}}",
}
REFERENCES = [
    (
        "H. Lee (2021), Machine Learning, lecture P8: Classification",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
    (
        "P. Golik, P. Doetsch and H. Ney (2013), Cross-entropy vs. squared error training: a "
        "theoretical and experimental comparison",
        "https://www.isca-archive.org/interspeech_2013/golik13_interspeech.html",
    ),
    (
        "L. Hui and M. Belkin (2021), Evaluation of neural architectures trained with square "
        "loss vs cross-entropy in classification tasks (squared error of the logits)",
        "https://arxiv.org/abs/2006.07322",
    ),
]
CE, MSE = LOSSES = ("cross-entropy", "squared error")
METHODS = {  # arms of the descent on two logits: loss, optimizer, Adam's ε
    "cross-entropy, SGD": (CE, "SGD", None),
    "squared error, SGD": (MSE, "SGD", None),
    "cross-entropy, Adam": (CE, "Adam", 1e-8),
    "squared error, Adam": (MSE, "Adam", 1e-8),
    "squared error, Adam, ε = 1e-30": (MSE, "Adam", 1e-30),
}
ARMS = [f"{loss}, {optimizer}" for loss in LOSSES for optimizer in ("SGD", "Adam")]
USUAL, BAD = STARTS = ("usual start", "bad start")
WORDS = {
    "usual start": say("usual start"),
    "bad start": say("bad start"),
    "cross-entropy, SGD": say("cross-entropy, SGD"),
    "cross-entropy, Adam": say("cross-entropy, Adam"),
    "squared error, SGD": say("squared error, SGD"),
    "squared error, Adam": say("squared error, Adam"),
}
POINT = {CE: (20.0, 1.414), MSE: (2.0, 1.17e-8)}  # checked: value, norm
MARGIN = 0.01  # one point of accuracy


def squared_error(logits, targets):
    """Σ (ŷ − y′)² of softmax and one-hot vector, mean over the rows."""
    goal = F.one_hot(targets, logits.shape[1]).to(logits.dtype)
    return ((F.softmax(logits, dim=1) - goal) ** 2).sum(dim=1).mean()


LOSS = {CE: F.cross_entropy, MSE: squared_error}


def at_logits(name, y, third):
    """The loss at the logits (y₁, y₂, third), where class 1, the first, is right."""
    logits = mg.cat([y, mg.full((1,), third, dtype=y.dtype)]).unsqueeze(0)
    return LOSS[name](logits, mg.tensor([0]))


def descend(method, y, third, rate, patience):
    """Let y₁, y₂ descend until the right logit leads by 2: the path of [y₁, y₂]."""
    name, optimizer, eps = METHODS[method]
    y = mg.tensor(y, dtype=mg.float64, requires_grad=True)
    step = mg.optim.SGD([y], rate) if optimizer == "SGD" else mg.optim.Adam([y], rate, eps=eps)
    path = [y.tolist()]
    while path[-1][0] - path[-1][1] <= 2 and len(path) <= patience:
        step.zero_grad()
        at_logits(name, y, third).backward()
        step.step()
        path.append(y.tolist())
    return path


HEART = [squared_error, at_logits, descend]


def slope(name, y, third):
    """Value and norm of the gradient at the logits y."""
    y = mg.tensor(y, dtype=mg.float64, requires_grad=True)
    value = at_logits(name, y, third)
    value.backward()
    return {"value": value.item(), "norm": y.grad.norm().item()}


def as_written(settings, dtype):
    """−Σ ŷ log y′, softmax first and logarithm after it: 0 · log 0 is not a number."""
    y = mg.tensor([*settings["at"], settings["third"]], dtype=dtype)
    goal = mg.tensor([1.0, 0.0, 0.0], dtype=dtype)
    value = -(goal * F.softmax(y, dim=0).log()).sum().item()
    return value if math.isfinite(value) else None


def train(start, arm, rate, parts, settings, seed):
    """One training: cross-entropy before it, accuracies, and the curve."""
    (x, y), validation, test = parts
    loss, optimizer = arm.split(", ")
    mg.manual_seed(seed)
    model = network([x.shape[1], settings["hidden"], classes(y)], nn.Tanh)
    if start == BAD:
        with mg.no_grad():
            model[-1].weight.mul_(settings["enlarged"])
    step = (
        mg.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
        if optimizer == "SGD"
        else mg.optim.Adam(model.parameters(), lr=rate)
    )
    before = evaluate(model, (x, y))[0]
    curve = []
    for update in range(settings["updates"]):
        if update % 10 == 0:
            curve.append(evaluate(model, (x, y))[1])
        value = LOSS[loss](model(x), y)
        step.zero_grad()
        value.backward()
        step.step()
    return {
        "start loss": before,
        "rate": rate,
        "validation": evaluate(model, validation)[1],
        "accuracy": evaluate(model, test)[1],
        "curve": [*curve, evaluate(model, (x, y))[1]],
    }


def run(seed, settings):
    """The point, the line through it, the descent on logits, and the networks."""
    third, patience, rates = settings["third"], settings["patience"], settings["rates_of_logits"]
    gaps = np.linspace(-20, 40, 61)
    mended, paths = {}, {}
    for method, (loss, optimizer, _) in METHODS.items():
        rate, mended[method] = rates[optimizer], []
        for gap in settings["gaps"]:
            path = descend(method, [-gap / 2, gap / 2], third, rate, patience)
            mended[method].append(len(path) - 1 if path[-1][0] - path[-1][1] > 2 else None)
        if optimizer == "SGD":
            paths[loss] = descend(method, settings["at"], third, rate, 40)
    parts = [tensors(part) for part in data.load(settings["data"], seed, most=settings["most"])]
    networks = {start: {} for start in STARTS}
    for i, start in enumerate(STARTS):
        for j, arm in enumerate(ARMS):
            progress.report(0.2 + 0.1 * (4 * i + j), f"{start}: {arm}")
            tried = [
                train(start, arm, rate, parts, settings, seed)
                for rate in settings["rates"][arm.split(", ")[1]]
            ]
            best = max(tried, key=lambda t: t.pop("validation"))
            networks[start][arm] = best
    return {
        "point": {loss: slope(loss, settings["at"], third) for loss in LOSSES},
        "written": {
            "float32": as_written(settings, mg.float32),
            "float64": as_written(settings, mg.float64),
        },
        "line": {
            "gap": gaps,
            "loss": {
                loss: [slope(loss, [-g / 2, g / 2], third)["norm"] for g in gaps.tolist()]
                for loss in LOSSES
            },
        },
        "mended": mended,
        "paths": paths,
        "network": networks,
    }


def lead(measurements, start, optimizer):
    """Test accuracy of cross-entropy − squared error: mean and 95 % interval."""
    ce, mse = (
        np.array([r["network"][start][f"{loss}, {optimizer}"]["accuracy"]
                  for r in measurements["runs"]])
        for loss in LOSSES
    )  # fmt: skip
    return float((ce - mse).mean()), *interval(ce - mse)


def updates_from(measurements, method, gap):
    """Updates that the method needs from the mistake `gap`, None if it is never mended."""
    if gap not in measurements["settings"]["gaps"]:
        return None
    at = measurements["settings"]["gaps"].index(gap)
    return measurements["runs"][0]["mended"][method][at]


def numbers(measurements):
    """The table of the report."""
    runs, settings = measurements["runs"], measurements["settings"]
    rows = []
    for loss in LOSSES:
        rows += [
            Number(f"{loss} at (−10, 10)", [r["point"][loss]["value"] for r in runs],
                   "nats" if loss == CE else "", 4),
            Number(f"{loss} at (−10, 10): ‖gradient‖", [r["point"][loss]["norm"] for r in runs],
                   digits=4),
        ]  # fmt: skip
    rows.append(Number("−Σ ŷ log y′ as written, float32", [r["written"]["float32"] for r in runs]))
    for method in METHODS:
        for i, gap in enumerate(settings["gaps"]):
            if gap in (8, 20, 24, 40):
                counts = [r["mended"][method][i] for r in runs]
                rows.append(Number(f"{method}: from a gap of {gap}", counts, "updates"))
    for start in STARTS:
        for arm in ARMS:
            here = [r["network"][start][arm] for r in runs]
            rows += [
                Number(f"{start}, {arm}: test accuracy", [100 * r["accuracy"] for r in here], "%"),
                Number(f"{start}, {arm}: learning rate chosen", [r["rate"] for r in here]),
            ]
    return rows


LOOKS = {
    "cross-entropy, SGD": (plots.BLUE, "-", "o"),
    "cross-entropy, Adam": (plots.SKY, "--", "^"),
    "squared error, SGD": (plots.RED, "-", "s"),
    "squared error, Adam": (plots.ORANGE, "--", "D"),
    "squared error, Adam, ε = 1e-30": (plots.PURPLE, "-.", "v"),
}


def surface_figure(measurements):
    """Both error surfaces over the two logits, with the descent from the lecture's point."""
    run, third = measurements["runs"][0], measurements["settings"]["third"]
    figure, first = plots.axes("logit y₁", "logit y₂", height=3.3, aspect="equal")
    both = figure.add_gridspec(1, 2)
    first.set_subplotspec(both[0])
    second = figure.add_subplot(both[1], aspect="equal", xlabel="logit y₁", sharey=first)
    grid = np.linspace(-12, 12, 49)
    y = mg.from_numpy(np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2))
    for panel, loss, levels in ((first, CE, 13), (second, MSE, 11)):
        values = [at_logits(loss, point, third).item() for point in y]
        levels = np.linspace(0, 24 if loss == CE else 2, levels)
        panel.contourf(grid, grid, np.reshape(values, (49, 49)), levels, cmap="Blues",
                       extend="max")  # fmt: skip
        path = np.array(run["paths"][loss])
        panel.plot(*path.T, color=plots.RED, marker="o", ms=2.5, lw=1)
        panel.plot(*path[0], "*", color=plots.BLACK, ms=11)
        panel.set_title(f"{loss}, 0 … {levels[-1]:g}")
        panel.grid(False)
    return Figure(
        figure,
        "Error surfaces over y₁ and y₂ (y₃ = −1000, class 1 is right: bottom right), darker is "
        f"larger, and at most {len(run['paths'][MSE]) - 1} updates of descent from (−10, 10). "
        "Cross-entropy is a slope everywhere; the squared error is a step between two plains, "
        "and from the upper one descent does not move.",
        "Two maps: cross-entropy falls evenly towards the lower right and the path runs down; "
        "the squared error is two flat regions and the path stays at its start.",
    )


def slope_figure(measurements):
    """Norm of the gradient along the line through the lecture's point."""
    line = measurements["runs"][0]["line"]
    figure, panel = plots.axes("mistake y₂ − y₁", "‖gradient‖", yscale="log")
    for loss, arm in ((CE, "cross-entropy, SGD"), (MSE, "squared error, SGD")):
        colour, dash, _ = LOOKS[arm]
        panel.plot(line["gap"], line["loss"][loss], "--" if loss == MSE else dash, color=colour,
                   label=loss)  # fmt: skip
        panel.plot(20, measurements["runs"][0]["point"][loss]["norm"], "o", color=colour)
    panel.axhline(1e-8, color=plots.BLACK, lw=0.8, ls=":", label="ε of Adam, 1e-8")
    plots.legend(panel, loc="lower left")
    return Figure(
        figure,
        "How steep the two losses are along y₁ = −y₂; right of 0 the answer is wrong. Dots: "
        "(−10, 10). The squared error is flat on both sides, when all is well and when all is "
        "lost, and from a mistake of about 20 its gradient sinks below the ε of Adam.",
        "Gradient norm against the mistake: cross-entropy rises to a plateau of 1.4, the squared "
        "error has a peak at 0 and falls exponentially on both sides.",
    )


def mended_figure(measurements):
    """Updates until a mistake is mended against its size."""
    run, settings = measurements["runs"][0], measurements["settings"]
    figure, panel = plots.axes("mistake y₂ − y₁ at the start", "updates until mended", height=4.2)
    for method, (colour, dash, marker) in LOOKS.items():
        counts = [np.nan if c is None else c for c in run["mended"][method]]
        panel.plot(settings["gaps"], counts, dash, color=colour, marker=marker, ms=5, label=method)
    panel.set_ylim(0, 250)
    plots.legend(figure)
    return Figure(
        figure,
        f"Updates until the right logit leads by 2; a line ends where {settings['patience']} do "
        f"not suffice, or leaves the picture (rates: SGD {settings['rates_of_logits']['SGD']:g}, "
        f"Adam {settings['rates_of_logits']['Adam']:g}). Adam divides by the size of the "
        "gradient and so mends mistakes that gradient descent cannot, up to its ε.",
        "Updates against the size of the mistake: cross-entropy grows linearly; the squared error "
        "with SGD shoots up at once, with Adam it ends midway, without ε it goes on.",
    )


def network_figure(measurements):
    """Accuracy of the training part from the bad start."""
    runs = measurements["runs"]
    figure, panel = plots.axes("updates", "accuracy on the training part, %", height=4.2)
    for arm in ARMS:
        colour, dash, _ = LOOKS[arm]
        for start, style in ((USUAL, ":"), (BAD, dash)):
            rows = 100 * np.array([r["network"][start][arm]["curve"] for r in runs])
            x = np.minimum(10 * np.arange(rows.shape[1]), measurements["settings"]["updates"])
            if start == BAD:
                plots.band(panel, x, rows, colour, style, arm)
            else:
                panel.plot(x, rows.mean(axis=0), style, color=colour, lw=1)
    panel.set_ylim(0, 102)
    plots.legend(figure)
    return Figure(
        figure,
        "A network that starts confident and wrong (output weights × "
        f"{measurements['settings']['enlarged']:g}), mean ± one standard deviation of "
        f"{len(runs)} seeds, rates tuned; dotted: the same from the usual start, where both "
        "losses arrive.",
        "Accuracy over updates: cross-entropy climbs from the bad start, squared error stays low "
        "with SGD and in between with Adam; dotted lines from the usual start all climb.",
    )


def figures(measurements):
    """Surfaces, slopes, mended mistakes, and the network."""
    return [
        surface_figure(measurements),
        mended_figure(measurements),
        network_figure(measurements),
        slope_figure(measurements),
    ]


def verdict(measurements):
    """The point's numbers, then the networks' intervals, then whether Adam rescues."""
    runs = measurements["runs"]
    n = len(runs)
    if not runs:
        return Verdict(UNDECIDED, say("no run"), [say("There is no run.")])
    point = runs[0]["point"]
    key = say(
        "‖∇‖ at (−10, 10): {ce:.3f} against {mse:.3g}",
        ce=point[CE]["norm"],
        mse=point[MSE]["norm"],
    )
    reasons = [
        say(
            "At (−10, 10) cross-entropy is {ce:.1f} with a gradient of norm {g:.3f}, the squared "
            "error {mse:.1f}, all but its largest value 2, with {h:.3g}.",
            ce=point[CE]["value"],
            g=point[CE]["norm"],
            mse=point[MSE]["value"],
            h=point[MSE]["norm"],
        ),
        say("−Σ ŷ log y′ as it is written gives no number there in float32: 0 · log 0.")
        if runs[0]["written"]["float32"] is None
        else say("−Σ ŷ log y′ as it is written is a number there."),
    ]
    for loss, (value, norm) in POINT.items():
        if any(
            abs(r["point"][loss]["value"] / value - 1) > 1e-3
            or abs(r["point"][loss]["norm"] / norm - 1) > 5e-3
            for r in runs
        ):
            return Verdict(REFUTED, key, reasons)
    if n < 3:
        why = say(
            "{n} seeds are too few for an interval; `minigrad lab cross_entropy --seeds 5` "
            "decides.",
            n=n,
        )
        return Verdict(UNDECIDED, key, [*reasons, why])
    leads = {(s, o): lead(measurements, s, o) for s in STARTS for o in ("SGD", "Adam")}
    reasons += [network_reason(measurements, start, leads) for start in reversed(STARTS)]
    mean, low, high = leads[BAD, "SGD"]
    if high < MARGIN:
        return Verdict(REFUTED, key, reasons)
    if low <= MARGIN:
        why = say(
            "The interval of the bad start holds one point; `minigrad lab cross_entropy --full` "
            "takes more seeds."
        )
        return Verdict(UNDECIDED, key, [*reasons, why])
    limits = rescue(measurements)
    if leads[USUAL, "SGD"][1] < MARGIN:
        limits.append(
            say(
                "From the usual start no gain of a point is shown: an untrained network is not "
                "confident, so it does not start on the plain."
            )
        )
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)


def network_reason(measurements, start, leads):
    """A sentence on the networks from one start."""
    runs = measurements["runs"]
    return say(
        "Network, {start} (mean cross-entropy {loss:.1f} nats): test accuracy {arms}; "
        "cross-entropy leads by {d:+.1f} points with SGD (95 % interval {d0:+.1f} to {d1:+.1f}, "
        "{n} seeds), {a:+.1f} with Adam ({a0:+.1f} to {a1:+.1f}).",
        start=WORDS[start],
        loss=float(np.mean([r["network"][start][ARMS[0]]["start loss"] for r in runs])),
        arms=join(
            say(
                "{arm} {accuracy:.1f} %",
                arm=WORDS[arm],
                accuracy=100
                * float(np.mean([r["network"][start][arm]["accuracy"] for r in runs])),
            )
            for arm in ARMS
        ),
        n=len(runs),
        **dict(zip(("d", "d0", "d1"), (100 * x for x in leads[start, "SGD"]), strict=True)),
        **dict(zip(("a", "a0", "a1"), (100 * x for x in leads[start, "Adam"]), strict=True)),
    )


def rescue(measurements):
    """Sentences on Adam: does it leave (−10, 10) by the squared error, and how far does it go?"""
    settings = measurements["settings"]
    first = updates_from(measurements, "squared error, Adam", 20)
    if first is None:
        return []
    rescued = [g for g in settings["gaps"]
               if updates_from(measurements, "squared error, Adam", g) is not None]  # fmt: skip
    lost = [g for g in settings["gaps"] if g > max(rescued)]
    sentences = [
        say(
            "Adam does leave (−10, 10) by the squared error, in {first} updates, where gradient "
            "descent {sgd}: it divides the gradient by its own size.",
            first=first,
            sgd=say("is not out after {n}", n=settings["patience"])
            if updates_from(measurements, "squared error, SGD", 20) is None
            else say("leaves too"),
        )
    ]
    if lost:
        free = updates_from(measurements, "squared error, Adam, ε = 1e-30", lost[0])
        sentences.append(
            say(
                "That rescue ends where the gradient sinks below ε = 1e-8: from a mistake of "
                "{gap} Adam is not out after {n} updates, and with ε = 1e-30 {free}.",
                gap=lost[0],
                n=settings["patience"],
                free=say("neither") if free is None else say("it takes {k}", k=free),
            )
        )
    return sentences
