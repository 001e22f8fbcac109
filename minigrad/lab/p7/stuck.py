"""Training stuck is not a small gradient: the loss stalls while the gradient promises a fall."""

import copy

import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.curvature import Hessian, eigenpairs
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
from minigrad.lab.statistics import ratio
from minigrad.lab.training import classes, minibatches, network, tensors
from minigrad.lab.words import join, say
from minigrad.nn import functional as F

TITLE = "Training stuck, and the gradient is not small"
ROW = 11
CLAIM = (
    "When the loss hardly falls any more, people say that training is stuck at a critical point. "
    "But training stuck is not the same as a small gradient: the norm of the gradient can stay "
    "large while the loss stalls, because the steps bounce between the walls of a valley."
)
REFUTED_BY = (
    "An arm is stalled if the full-batch loss falls by less than 0.2 of itself over the last "
    "window of updates ('fall', mean over the seeds). Its gradient is not small if the fall that "
    "the slope promises over the window, Σ η‖g‖², is more than the whole loss: the 95 % interval "
    "of the geometric mean of 'promise' / 'loss' lies above 1; it is small if the interval lies "
    "below 1. Refuted if in every stalled arm it is small. A limit is: a stalled arm in which it "
    "is small. Undecided if no arm stalls, if an interval holds 1, or with fewer than 3 seeds."
)
METHOD = (
    "A tanh network is trained by gradient descent on half the squared distance to one-hot "
    "targets, with the full batch at a large and at a small learning rate and with mini-batches; "
    "rates are given in units of 2/λmax at the start, the stability limit of a quadratic bowl. "
    "On the way the engine records the loss, the norms of the mini-batch and the full-batch "
    "gradient, the Hessian's largest eigenvalue λmax, and the curvature along the gradient, "
    "gᵀHg/‖g‖². At the end training goes on twice from the same weights: at the same rate, and at "
    "a tenth of it."
)
SECONDS = 1.5
PARAMETERS = {
    "seeds": Parameter(3, "data split, weights and batches", 10),
    "data": Parameter("digits", "data set"),
    "most": Parameter(600, "samples at most, of which the training part is used", 1000),
    "hidden": Parameter(16, "units of the hidden layer"),
    "arms": Parameter(
        {"edge": [0.9, 0], "mini-batch": [0.5, 16], "small rate": [0.3, 0]},
        "{arm: [learning rate in units of 2/λmax at the start, batch size (0: all)]}",
        # larger data take thousands of updates to walk from 0.9 to the edge
        {"edge": [1.1, 0], "mini-batch": [0.5, 16], "small rate": [0.3, 0]},
    ),
    "updates": Parameter(2000, "updates of each arm", 4000),
    "window": Parameter(500, "updates at the end in which the arm is judged"),
    "every": Parameter(17, "updates between two records of the gradients"),
    "spectrum": Parameter(11, "records between two measurements of λmax"),
    "after": Parameter(200, "updates that follow, at the rate and at a tenth of it"),
}
MEASURED = {
    "arms": "{arm: {rate: η, updates: [t, …] of the records, loss: full-batch loss there, "
    "batch_norm, full_norm: norm of the mini-batch and the full-batch gradient there, curved: "
    "[t, …] where λmax was measured, sharpness: [λmax, …] there, steepness: "
    "[gᵀHg / (‖g‖² λmax), …] there}}",
    "fall": "{arm: share of the loss that went over the window, from the mean of its first to "
    "that of its last fifth}",
    "loss": "{arm: loss at the start of the window, mean over its first fifth}",
    "promise": "{arm: Σ η‖g‖² over the window, the fall of the loss if the slope lasted}",
    "after": "{arm: {same, tenth: share of the loss that went in the updates that followed}}",
}
REFERENCES = [
    (
        "H. Lee (2021), Machine Learning, lecture P7: Adaptive learning rate",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
    (
        "J. Cohen et al. (2021), Gradient descent on neural networks typically occurs at the edge "
        "of stability",
        "https://arxiv.org/abs/2103.00065",
    ),
    (
        "C. Xing et al. (2018), A walk with SGD",
        "https://arxiv.org/abs/1802.08770",
    ),
]
STALLED = 0.2
LOOKS = {
    "edge": (plots.RED, "-"),
    "mini-batch": (plots.BLUE, "--"),
    "small rate": (plots.GREEN, "-."),
}


def squared_error(output, targets):
    """½‖output − target‖², mean over the samples."""
    return F.mse_loss(output, targets, reduction="sum") / (2 * len(targets))


def slope(model, batch):
    """Loss on a batch, and its gradient as one vector."""
    x, y = batch
    loss = squared_error(model(x), y)
    gradient = mg.autograd.grad(loss, list(model.parameters()))
    return loss.item(), nn.utils.parameters_to_vector(gradient).numpy()


def sharpest(model, part):
    """The Hessian's largest eigenvalue λmax, and the Hessian."""
    hessian = Hessian(model, squared_error, part)
    return float(eigenpairs(hessian, 1, "top", tol=1e-2).values[0]), hessian


def step(model, optimizer, batch):
    """One update of gradient descent."""
    x, y = batch
    optimizer.zero_grad()
    squared_error(model(x), y).backward()
    optimizer.step()


def train(model, part, rate, batch, settings, seen):
    """Gradient descent at a constant rate, with a record every few updates."""
    optimizer = mg.optim.SGD(model.parameters(), lr=rate)
    record = {
        name: [] for name in "updates loss batch_norm full_norm curved sharpness steepness".split()
    }
    for t, pair in enumerate(batches(part, batch, settings["updates"])):
        if t % settings["every"] == 0:
            value, gradient = slope(model, part)
            record["updates"].append(t)
            record["loss"].append(value)
            record["full_norm"].append(float(np.linalg.norm(gradient)))
            record["batch_norm"].append(float(np.linalg.norm(slope(model, pair)[1])))
            if len(record["updates"]) % settings["spectrum"] == 1:
                sharpness, hessian = sharpest(model, part)
                bend = gradient @ hessian.matvec(gradient) / (gradient @ gradient)
                record["curved"].append(t)
                record["sharpness"].append(sharpness)
                record["steepness"].append(float(bend) / sharpness)
                seen(t / settings["updates"])
        step(model, optimizer, pair)
    return {"rate": rate, **record}


HEART = [squared_error, slope, sharpest, step, train]


def batches(part, size, updates):
    """So many mini-batches, or so many times the full batch if `size` is 0."""
    return minibatches(part, size, updates) if size else (part for _ in range(updates))


def goes_on(model, part, rate, batch, updates):
    """The share of the loss that goes in so many updates from here, on a copy of the model."""
    model = copy.deepcopy(model)
    before = slope(model, part)[0]
    optimizer = mg.optim.SGD(model.parameters(), lr=rate)
    for pair in batches(part, batch, updates):
        step(model, optimizer, pair)
    return 1 - slope(model, part)[0] / before


def run(seed, settings):
    """One run: the same start for all arms."""
    mg.manual_seed(seed)
    x, y = tensors(data.load(settings["data"], seed, most=settings["most"]).train)
    part = x, F.one_hot(y, classes(y)).float()
    start = network([x.shape[1], settings["hidden"], classes(y)], nn.Tanh)
    limit = 2 / sharpest(start, part)[0]
    measured = {"arms": {}, "fall": {}, "loss": {}, "promise": {}, "after": {}}
    arms = settings["arms"]
    for i, (arm, (factor, batch)) in enumerate(arms.items()):
        model = copy.deepcopy(start)
        record = train(
            model,
            part,
            factor * limit,
            batch,
            settings,
            lambda done, i=i, arm=arm: progress.report((i + done) / len(arms), arm),
        )
        window = np.array(record["updates"]) >= settings["updates"] - settings["window"]
        loss = np.array(record["loss"])[window]
        fifth = max(len(loss) // 5, 1)
        before, now = loss[:fifth].mean(), loss[-fifth:].mean()
        squares = np.mean(np.square(record["full_norm"])[window])
        measured["arms"][arm] = record
        measured["loss"][arm] = before
        measured["fall"][arm] = 1 - now / before
        measured["promise"][arm] = record["rate"] * settings["window"] * squares
        measured["after"][arm] = {
            name: goes_on(model, part, rate, batch, settings["after"])
            for name, rate in (("same", record["rate"]), ("tenth", record["rate"] / 10))
        }
    return measured


def late(run, arm, settings, name):
    """The mean of a record over the window."""
    record = run["arms"][arm]
    where = record["curved" if name in ("sharpness", "steepness") else "updates"]
    kept = np.array(where) >= settings["updates"] - settings["window"]
    return float(np.mean(np.array(record[name])[kept]))


def judged(measurements, arm):
    """What decides on an arm: its mean fall, promise / loss with interval, and more means."""
    runs, settings = measurements["runs"], measurements["settings"]
    promises, losses = ([r[name][arm] for r in runs] for name in ("promise", "loss"))

    def mean(value):
        return float(np.mean([value(r, r["arms"][arm]) for r in runs]))

    return {
        "fall": mean(lambda r, a: r["fall"][arm]),
        "promise": ratio(promises, losses),
        "norm": mean(lambda r, a: late(r, arm, settings, "full_norm") / a["full_norm"][0]),
        "edge": mean(lambda r, a: a["rate"] * late(r, arm, settings, "sharpness") / 2),
        "steepness": mean(lambda r, a: late(r, arm, settings, "steepness")),
        "same": mean(lambda r, a: r["after"][arm]["same"]),
        "tenth": mean(lambda r, a: r["after"][arm]["tenth"]),
    }


def numbers(measurements):
    """The table of the report."""
    runs, settings = measurements["runs"], measurements["settings"]
    rows = []
    for arm in settings["arms"]:
        rows += [
            Number(
                f"{arm}: share of the loss that went in the window", [r["fall"][arm] for r in runs]
            ),
            Number(
                f"{arm}: promised fall / loss", [r["promise"][arm] / r["loss"][arm] for r in runs]
            ),
            Number(
                f"{arm}: ‖gradient‖ in the window / at the start",
                [
                    late(r, arm, settings, "full_norm") / r["arms"][arm]["full_norm"][0]
                    for r in runs
                ],
            ),
            Number(
                f"{arm}: ‖mini-batch gradient‖ / ‖full gradient‖ in the window",
                [
                    late(r, arm, settings, "batch_norm") / late(r, arm, settings, "full_norm")
                    for r in runs
                ],
            ),
            Number(
                f"{arm}: η λmax / 2 in the window",
                [r["arms"][arm]["rate"] * late(r, arm, settings, "sharpness") / 2 for r in runs],
            ),
            Number(
                f"{arm}: curvature along the gradient / λmax",
                [late(r, arm, settings, "steepness") for r in runs],
            ),
            Number(
                f"{arm}: share of the loss that goes next, same rate",
                [r["after"][arm]["same"] for r in runs],
            ),
            Number(
                f"{arm}: the same at a tenth of the rate", [r["after"][arm]["tenth"] for r in runs]
            ),
        ]
    return rows


def curves(measurements, name, where, ylabel, scale=lambda record: 1.0, **options):
    """A panel with lines for each arm: the first run bold, the others thin."""
    figure, panel = plots.axes("updates", ylabel, **options)
    for i, r in enumerate(measurements["runs"]):
        for arm, record in r["arms"].items():
            colour, dash = look(arm)
            y = np.array(record[name]) * scale(record)
            panel.plot(record[where], y, dash, color=colour, lw=0.6 if i else 1.8,
                       alpha=0.5 if i else 1, label=None if i else arm)  # fmt: skip
    return figure, panel


def look(arm):
    """Colour and dash of an arm."""
    return LOOKS.get(arm, (plots.BLACK, ":"))


def figures(measurements):
    """Gradient, loss and the edge of stability against updates."""
    first = measurements["runs"][0]
    figure, panel = curves(
        measurements, "full_norm", "updates", "‖full-batch gradient‖", yscale="log"
    )
    batch = [a for a, (_, size) in measurements["settings"]["arms"].items() if size]
    for arm in batch:
        record = first["arms"][arm]
        panel.plot(record["updates"], record["batch_norm"], ".", ms=2, color=plots.SKY, zorder=0,
                   label=f"{arm}: on the batch")  # fmt: skip
    plots.legend(figure)
    drawn = [
        Figure(
            figure,
            "The gradient's norm (first seed bold, the others thin). At the small rate it fades "
            "with the loss. With the large rate it fades only until the valley has become "
            "as steep as the rate allows, then jumps up and stays; with mini-batches it never "
            "fades. Yet all three losses fall as slowly as the next figure shows.",
            "Norm of the gradient against updates, logarithmic: one curve sinks smoothly, one "
            "jumps up to ten times its value and stays, one stays up and jitters.",
        )
    ]
    figure, panel = curves(measurements, "loss", "updates", "full-batch loss", yscale="log")
    start = measurements["settings"]["updates"] - measurements["settings"]["window"]
    panel.axvspan(start, measurements["settings"]["updates"], color=plots.BLACK, alpha=0.06, lw=0)
    plots.legend(figure, ncols=3)
    drawn.append(
        Figure(
            figure,
            "The loss: after a quick start all three arms have come to a crawl. The shaded "
            "updates are the window in which they are judged.",
            "Loss against updates, logarithmic: three curves that drop at once and then sink "
            "slowly side by side.",
        )
    )
    figure, panel = curves(
        measurements, "sharpness", "curved", "η λmax / 2", lambda record: record["rate"] / 2
    )
    panel.axhline(1, color=plots.BLACK, lw=1, ls=":")
    panel.annotate("edge of stability, λmax = 2/η", (1, 1), (-2, -14), ("axes fraction", "data"),
                   "offset points", ha="right", fontsize=9)  # fmt: skip
    panel.set_ylim(0, None)
    plots.legend(figure, ncols=3)
    drawn.append(
        Figure(
            figure,
            "The steepest curvature in units of 2/η. With the full batch training itself walks "
            "into sharper places until the steps no longer shrink across the valley; there λmax "
            "stays, at 2/η. Mini-batches bounce before they come that far.",
            "Largest eigenvalue times half the rate against updates: the full-batch curve at the "
            "large rate settles at 1, the others stay below.",
        )
    )
    figure, panel = plots.axes("promised fall of the loss Σ η‖g‖², in losses", "share that went",
                               xscale="log")  # fmt: skip
    for arm in measurements["settings"]["arms"]:
        x = [r["promise"][arm] / r["loss"][arm] for r in measurements["runs"]]
        y = [r["fall"][arm] for r in measurements["runs"]]
        marker = {"edge": "^", "mini-batch": "o"}.get(arm, "s")
        panel.plot(x, y, marker, color=look(arm)[0], label=arm)
    reach = np.geomspace(0.02, 0.5, 50)
    panel.plot(reach, reach, color=plots.BLACK, lw=1, ls=":", label="promise kept")
    panel.axhline(STALLED, color=plots.BLACK, lw=0.8, ls=(0, (1, 4)))
    panel.axvline(1, color=plots.BLACK, lw=0.8, ls=(0, (1, 4)))
    panel.set_ylim(0, 0.5)
    plots.legend(figure, ncols=2)
    drawn.append(
        Figure(
            figure,
            "What the slope promised over the window against what came, one dot a seed. Below "
            "the horizontal line training is stalled; right of the vertical one the gradient "
            "promised to take away the whole loss, and did not.",
            "Fall against promised fall: the arms at the edge and with mini-batches lie far at "
            "the right of the diagonal, the small rate close to it.",
        )
    )
    return drawn


def verdict(measurements):
    """By the mean fall of each arm and the interval of promise / loss over the seeds."""
    runs = measurements["runs"]
    n = len(runs)
    if n < 3:
        why = say(
            "{n} seeds are too few for an interval; `minigrad lab stuck --seeds 3` decides.", n=n
        )
        return Verdict(UNDECIDED, say("{n} seeds", n=n), [why])
    found = {arm: judged(measurements, arm) for arm in measurements["settings"]["arms"]}
    stalled = {arm: f for arm, f in found.items() if f["fall"] < STALLED}
    reasons = [sentence(arm, f, n) for arm, f in found.items()]
    if not stalled:
        why = say("No arm stalled: there is nothing to judge; try more updates with `--full`.")
        return Verdict(UNDECIDED, say("no arm stalled"), [*reasons, why])
    large = [arm for arm, f in stalled.items() if f["promise"][1] > 1]
    small = [arm for arm, f in stalled.items() if f["promise"][2] < 1]
    reasons += [remedy(arm, stalled[arm]) for arm in large]
    for arm in small:
        reasons.append(
            say(
                "{arm}: here the loss is slow because the gradient is small, so the gradient "
                "must be looked at before it is blamed.",
                arm=arm,
            )
        )
    key = say(
        "promised/loss: {each}",
        each=join(
            say("{arm} {ratio:.2g}", arm=arm, ratio=f["promise"][0]) for arm, f in stalled.items()
        ),
    )
    if len(large) + len(small) < len(stalled):
        why = say("An interval holds 1; `minigrad lab stuck --full` takes more seeds.")
        return Verdict(UNDECIDED, key, [*reasons, why])
    if not large:
        return Verdict(REFUTED, key, reasons)
    return Verdict(LIMITED if small else HOLDS, key, reasons)


def sentence(arm, f, n):
    """What happened to an arm in the window."""
    return say(
        "{arm}: over the window the loss fell by {fall:.0f} % (mean of {n} seeds), while the "
        "slope promised {promise:.3g} × the loss (95 % interval {low:.3g} to {high:.3g}); the "
        "gradient's norm was {norm:.1f} % of that at the start, η λmax / 2 was {edge:.2f}.",
        arm=arm,
        fall=100 * f["fall"],
        n=n,
        promise=f["promise"][0],
        low=f["promise"][1],
        high=f["promise"][2],
        norm=100 * f["norm"],
        edge=f["edge"],
    )


def remedy(arm, f):
    """Where the large gradient points, and what a smaller rate does."""
    return say(
        "{arm}: along the gradient the curvature is {bend:.2f} of the steepest there is: it "
        "points across the valley, at the wall. In the updates that followed, a tenth "
        "of the rate changed the loss by {tenth:+.0f} %, the same rate by {same:+.0f} %.",
        arm=arm,
        bend=f["steepness"],
        tenth=-100 * f["tenth"],
        same=-100 * f["same"],
    )
