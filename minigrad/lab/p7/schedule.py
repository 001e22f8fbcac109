"""Learning-rate schedules: decay against bursts, warm-up for attention and residual networks."""

import math
from functools import cache

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
from minigrad.lab.statistics import ratio
from minigrad.lab.training import classes, minibatches, tensors
from minigrad.lab.words import join, say
from minigrad.nn import functional as F

TITLE = "Learning-rate decay and warm-up"
ROW = 16
CLAIM = (
    "A learning rate that decays cures the bursts of the root-mean-square rule; and warm-up, a "
    "rate that first grows, helps Transformers (linear growth, then the inverse square root) and "
    "residual networks (0.01 first, then 0.1)."
)
REFUTED_BY = (
    "With a burst the first update, after 100, whose loss is 1 % above the smallest so far, and a "
    "new one if the last such update lies more than 50 back: no burst of the root-mean rule on "
    "the valley at constant η, or one at η/√(t + 1); a path of that rule that differs from the "
    "engine's Adagrad by more than 1e-9 of its length. With the ratio of the final training "
    "losses with / without warm-up, each arm at the rate of the smallest geometric mean over the "
    "seeds: 95 % intervals above 1 for both networks. A limit is: another decay on the valley "
    "that bursts; a network whose interval does not lie below 1. Undecided: fewer than 3 seeds, "
    "or an interval of the Transformer that holds 1 and reaches below 0.9."
)
METHOD = (
    "The lecture's rule, a small Optimizer of its own, runs on the regression valley under four "
    "schedules. An attention network with layer norm after each sum reads an image row by row and "
    "trains by Adam (β₂ = 0.98, ε = 1e-9) under the inverse-square-root schedule, with its linear "
    "warm-up or with the peak rate in its place; a residual network with batch norm trains by SGD "
    "with momentum at η, or at η/10 first. Equal updates, starts and batches; rates tuned per arm."
)
SECONDS = 2.4
PARAMETERS = {
    "seeds": Parameter(3, "data splits, weights and batches", 10),
    "data": Parameter("digits", "data set"),
    "most": Parameter(1797, "samples at most", 3000),
    "valley_updates": Parameter(2000, "updates on the valley", 4000),
    "valley_rate": Parameter(1.0, "η on the valley, at which the root-mean rule bursts"),
    "attention_depth": Parameter(6, "blocks of the attention network"),
    "attention_width": Parameter(16, "features of a token"),
    "residual_depth": Parameter(6, "blocks of the residual network", 12),
    "residual_width": Parameter(32, "features of a block"),
    "batch": Parameter(24, "samples in a mini-batch"),
    "updates": Parameter(120, "updates of a network", 200),
    "warmup": Parameter(40, "updates of the attention network's warm-up (4000 in the paper)", 60),
    "low": Parameter(12, "updates of the residual network at a tenth of the rate", 20),
    "attention_rates": Parameter(
        [0.004, 0.008, 0.016], "peak rates of the attention network", [0.002, 0.004, 0.008, 0.016]
    ),
    "residual_rates": Parameter(
        [0.03, 0.1, 0.3], "rates of the residual network", [0.01, 0.03, 0.1, 0.3]
    ),
}
MEASURED = {
    "valley": "{schedule: {bursts: [updates], loss: summed squared error at every tenth update, "
    "w: the weight there, away: |b − b*| at the end}}; the same for every seed",
    "adagrad": "largest ‖root-mean at η/√(t+1) − engine's Adagrad‖ / length of the way",
    "networks": "{attention, residual: {with, without: [[training loss, nats, mean of five "
    "batches, …], one a rate]}}, the last entry is the mean of the last 20 batches; at most 10, "
    "which also stands for what is not finite",
}
REFERENCES = [
    ("A. Vaswani et al. (2017), Attention is all you need", "https://arxiv.org/abs/1706.03762"),
    (
        "K. He et al. (2016), Deep residual learning for image recognition, section 4.2",
        "https://arxiv.org/abs/1512.03385",
    ),
    (
        "R. Xiong et al. (2020), On layer normalization in the Transformer architecture",
        "https://arxiv.org/abs/2002.04745",
    ),
    (
        "H. Lee (2021), Machine Learning, lecture P7: Adaptive learning rate",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
]
X = [338, 333, 328, 207, 226, 25, 179, 60, 208, 606]
Y = [640, 633, 619, 393, 428, 27, 193, 66, 226, 1591]
START = [-120.0, -4.0]
WORST = 10.0  # nats; a run that is worse, or not finite, counts as this
CONSTANT, ROOT, FAST, LINEAR = SCHEDULES = (
    "constant η",
    "η/√(t+1)",
    "100 η/√(t+1)",
    "linear to 0",
)
ARMS = ("with", "without")
TENTH = 0.9  # an interval from here to 1 and above excludes a gain worth the name


class RootMean(mg.optim.Optimizer):
    """θ ← θ − η g/σ, σ the root of the mean of all squared gradients: the lecture's rule."""

    buffers = ("sum",)

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    def update(self, p, g, state, group):
        """One step of the formula above."""
        state["step"] = state.get("step", 0) + 1
        total = self.buffer(state, "sum", p).add_(g * g)
        p -= group["lr"] * g / (total / state["step"]) ** 0.5


def descend(make, schedule, updates):
    """Losses and points (b, w) on the valley, before each update and after the last."""
    x, y = mg.tensor(X, dtype=mg.float64), mg.tensor(Y, dtype=mg.float64)
    theta = mg.tensor(START, dtype=mg.float64, requires_grad=True)
    optimizer = make([theta])
    scheduler = mg.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    losses, path = [], []
    for _ in range(updates + 1):
        loss = ((y - theta[0] - theta[1] * x) ** 2).sum()
        losses.append(loss.item())
        path.append(theta.tolist())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    return np.array(losses), np.array(path)


def inverse_root(warmup, grow=True):
    """Factor of the rate after t updates: linear growth to 1, then √(warmup/t).

    >>> [round(inverse_root(4)(t), 2) for t in (0, 1, 3, 15)]
    [0.25, 0.5, 1.0, 0.5]
    >>> [round(inverse_root(4, grow=False)(t), 2) for t in (0, 1, 3, 15)]
    [1.0, 1.0, 1.0, 0.5]
    """
    return lambda t: min((t + 1) / warmup if grow else 1.0, math.sqrt(warmup / (t + 1)))


def low_first(warmup, grow=True):
    """Factor of the rate after t updates: a tenth at first, then 1."""
    return lambda t: 0.1 if grow and t < warmup else 1.0


def bursts(losses, after=100, gap=50, factor=1.01):
    """Updates at which the loss begins to rise above `factor` times its smallest so far.

    >>> bursts(np.array([9.0, 8.0, 7.0, 9.0, 9.0, 7.0, 6.0]), after=0)
    [3]
    """
    high = np.flatnonzero(losses > factor * np.minimum.accumulate(losses))
    high = high[high >= after]
    return [int(t) for i, t in enumerate(high) if i == 0 or t - high[i - 1] > gap]


class AttentionBlock(nn.Module):
    """Attention, then two linear layers, a layer norm after each sum, as first published."""

    def __init__(self, width):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.layers = nn.Sequential(
            nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width)
        )

    def forward(self, x):  # (N, tokens, width)
        """The block's output, (N, tokens, width)."""
        x = self.norms[0](x + self.attention(x, x, x, need_weights=False)[0])
        return self.norms[1](x + self.layers(x))


class RowReader(nn.Module):
    """An image as a sequence of rows, through attention blocks, to classes."""

    def __init__(self, features, count, width, depth):
        super().__init__()
        self.side = math.isqrt(features)
        self.embed = nn.Linear(self.side, width)
        self.place = nn.Parameter(0.1 * mg.randn(self.side, width))
        self.blocks = nn.Sequential(*(AttentionBlock(width) for _ in range(depth)))
        self.head = nn.Linear(width, count)

    def forward(self, x):  # (N, features)
        """Logits, (N, count)."""
        rows = x[:, : self.side**2].reshape(len(x), self.side, self.side)
        return self.head(self.blocks(self.embed(rows) + self.place).mean(dim=1))


class ResidualBlock(nn.Module):
    """relu(x + f(x)), f two linear layers with batch norm."""

    def __init__(self, width):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Linear(width, width, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Linear(width, width, bias=False),
            nn.BatchNorm1d(width),
        )

    def forward(self, x):  # (N, width)
        """The block's output, (N, width)."""
        return F.relu(x + self.branch(x))


HEART = [RootMean, inverse_root, low_first, AttentionBlock, ResidualBlock]


def residual_network(features, count, width, depth):
    """Linear, residual blocks, linear."""
    blocks = (ResidualBlock(width) for _ in range(depth))
    return nn.Sequential(nn.Linear(features, width), *blocks, nn.Linear(width, count))


def train(model, optimizer, schedule, batches):
    """Loss of each mini-batch, before its update; `WORST` from where it is not finite."""
    scheduler = mg.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    losses = []
    for x, y in batches:
        loss = F.cross_entropy(model(x), y)
        value = loss.item()
        losses.append(min(value, WORST) if math.isfinite(value) else WORST)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    return losses


def network_losses(kind, arm, rate, part, settings, seed):
    """Training loss of one network under one schedule: means of five batches, then of the end."""
    mg.manual_seed(seed)  # the same start and batches for all arms
    shape = part[0].shape[1], classes(part[1])
    width, depth = settings[f"{kind}_width"], settings[f"{kind}_depth"]
    if kind == "attention":
        model = RowReader(*shape, width, depth)
        optimizer = mg.optim.Adam(model.parameters(), lr=rate, betas=(0.9, 0.98), eps=1e-9)
        schedule = inverse_root(settings["warmup"], arm == "with")
    else:
        model = residual_network(*shape, width, depth)
        optimizer = mg.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
        schedule = low_first(settings["low"], arm == "with")
    batches = minibatches(part, settings["batch"], settings["updates"])
    losses = train(model, optimizer, schedule, batches)
    means = [float(np.mean(losses[i : i + 5])) for i in range(0, len(losses), 5)]
    return [*means, float(np.mean(losses[-20:]))]


@cache
def valley(updates, rate):
    """The valley under four schedules, and the distance of one of them from Adagrad."""
    schedules = {
        CONSTANT: lambda t: 1.0,
        ROOT: lambda t: (t + 1) ** -0.5,
        FAST: lambda t: 100 * (t + 1) ** -0.5,
        LINEAR: lambda t: max(0.0, 1 - t / updates),
    }
    optimum = np.polyfit(X, Y, 1)[1]
    found, paths = {}, {}
    for name, schedule in schedules.items():
        losses, path = descend(lambda p: RootMean(p, lr=rate), schedule, updates)
        paths[name] = path
        found[name] = {
            "bursts": bursts(losses),
            "loss": losses[::10],
            "w": path[::10, 1],
            "away": abs(path[-1, 0] - optimum),
        }
    _, adagrad = descend(
        lambda p: mg.optim.Adagrad(p, lr=rate, eps=0.0), schedules[CONSTANT], updates
    )
    way = np.linalg.norm(np.diff(adagrad, axis=0), axis=1).sum()
    return found, float(np.linalg.norm(paths[ROOT] - adagrad, axis=1).max() / way)


def run(seed, settings):
    """The valley, and both networks with and without warm-up at every rate."""
    found, adagrad = valley(settings["valley_updates"], settings["valley_rate"])
    part = tensors(data.load(settings["data"], seed, most=settings["most"]).train)
    networks = {}
    for i, kind in enumerate(("attention", "residual")):
        networks[kind] = {arm: [] for arm in ARMS}
        for rate in settings[f"{kind}_rates"]:
            progress.report((1 + i) / 3, f"{kind} network at η = {rate:g}")
            for arm in ARMS:
                networks[kind][arm].append(network_losses(kind, arm, rate, part, settings, seed))
    return {"valley": found, "adagrad": adagrad, "networks": networks}


def final(measurements, kind, arm):
    """Training losses at the end, (runs, rates)."""
    runs = measurements["runs"]
    return np.array([[curve[-1] for curve in r["networks"][kind][arm]] for r in runs])


def best(measurements, kind, arm):
    """Number of the rate with the smallest geometric mean over the seeds."""
    return int(np.log(final(measurements, kind, arm)).mean(axis=0).argmin())


def comparison(measurements, kind):
    """Final loss with / without warm-up, each at its best rate: (ratio, low, high)."""
    ends = [final(measurements, kind, arm)[:, best(measurements, kind, arm)] for arm in ARMS]
    return ratio(*ends)


def numbers(measurements):
    """The table of the report."""
    runs, settings = measurements["runs"], measurements["settings"]
    rows = []
    for name in SCHEDULES:
        here = [r["valley"][name] for r in runs]
        rows += [
            Number(f"valley, {name}: bursts", [len(v["bursts"]) for v in here]),
            Number(f"valley, {name}: |b − b*| at the end", [v["away"] for v in here]),
        ]
    for i in range(min((len(r["valley"][CONSTANT]["bursts"]) for r in runs), default=0)):
        at = [r["valley"][CONSTANT]["bursts"][i] for r in runs]
        rows.append(Number(f"valley, constant η: burst {i + 1}", at, "updates", 5))
    rows.append(Number("root-mean at η/√(t+1) against Adagrad", [r["adagrad"] for r in runs]))
    for kind in ("attention", "residual"):
        for i, rate in enumerate(settings[f"{kind}_rates"]):
            for arm in ARMS:
                here = final(measurements, kind, arm)[:, i].tolist()
                name = f"{kind}, η = {rate:g}, {arm} warm-up: final training loss"
                rows.append(Number(name, here, "nats"))
    return rows


VALLEY_LOOKS = {
    CONSTANT: (plots.RED, "-"),
    ROOT: (plots.BLUE, "--"),
    FAST: (plots.GREEN, "-."),
    LINEAR: (plots.ORANGE, ":"),
}


def valley_figure(measurements):
    """Loss on the valley, over its least value, under the four schedules."""
    run = measurements["runs"][0]
    figure, panel = plots.axes("updates", "summed squared error", yscale="log")
    for name, (colour, dash) in VALLEY_LOOKS.items():
        losses = run["valley"][name]["loss"]
        panel.plot(10 * np.arange(len(losses)), losses, dash, color=colour, label=name, lw=1.5)
    plots.legend(figure)
    return Figure(
        figure,
        "The regression valley. At constant η the root-mean rule bursts sideways again and again: "
        "while gradients are small the mean σ² shrinks like 1/t, and the step grows. η/√(t+1) is "
        "Adagrad and stays calm, as slow as η = 1 makes it; at a hundred times the rate it "
        "gets there faster. Linear decay to 0 is calm as well.",
        "Loss over updates: spikes of a factor of a hundred at constant rate, none with decay.",
    )


def rates_figure(measurements, kind):
    """Final training loss against the rate, with and without warm-up."""
    settings, runs = measurements["settings"], measurements["runs"]
    what = "peak learning rate of Adam" if kind == "attention" else "learning rate of SGD"
    figure, panel = plots.axes(what, "final training loss, nats", xscale="log", yscale="log")
    rates = settings[f"{kind}_rates"]
    panel.set_xticks(rates, [f"{rate:g}" for rate in rates])
    panel.set_xticks([], minor=True)
    for arm, colour, dash in (("with", plots.BLUE, "o-"), ("without", plots.RED, "s--")):
        rows = final(measurements, kind, arm)
        plots.band(panel, rates, rows, colour, dash, f"{arm} warm-up")
    plots.legend(figure)
    caption = (
        "Attention network with layer norm after each sum: Adam, inverse-square-root schedule. "
        "Warm-up opens larger rates."
        if kind == "attention"
        else "Residual network with batch norm: SGD with momentum 0.9 at η, or at η/10 first."
    )
    return Figure(
        figure,
        f"{caption} Mean ± one standard deviation over {len(runs)} seeds, after "
        f"{settings['updates']} updates.",
        f"Final loss against learning rate of the {kind} network, two curves.",
    )


def curve_figure(measurements):
    """Training loss of the attention network, each arm at its best rate."""
    settings, runs = measurements["settings"], measurements["runs"]
    figure, panel = plots.axes("updates", "training loss, nats")
    for arm, colour, dash in (("with", plots.BLUE, "-"), ("without", plots.RED, "--")):
        i = best(measurements, "attention", arm)
        rows = [r["networks"]["attention"][arm][i][:-1] for r in runs]
        label = f"{arm} warm-up, η = {settings['attention_rates'][i]:g}"
        plots.band(panel, 5 * np.arange(len(rows[0])) + 2.5, rows, colour, dash, label)
    panel.axvline(settings["warmup"], color=plots.BLACK, lw=0.9, ls=":", label="end of warm-up")
    plots.legend(figure)
    return Figure(
        figure,
        "The attention network, each arm at its own best rate: warm-up starts later and ends "
        f"lower. Mean ± one standard deviation over {len(runs)} seeds.",
        "Two falling curves of the training loss; that with warm-up crosses the other.",
    )


def figures(measurements):
    """Valley, both networks over the rates, the attention network over the updates."""
    return [
        valley_figure(measurements),
        rates_figure(measurements, "attention"),
        curve_figure(measurements),
        rates_figure(measurements, "residual"),
    ]


def verdict(measurements):
    """By the bursts, and by the 95 % intervals of the ratios of final losses."""
    runs, settings = measurements["runs"], measurements["settings"]
    n = len(runs)
    if n < 3:
        why = say(
            "{n} seeds are too few for an interval; `minigrad lab schedule --seeds 5` decides.",
            n=n,
        )
        return Verdict(UNDECIDED, say("{n} seeds", n=n), [why])
    found = runs[0]["valley"]
    count = {name: len(v["bursts"]) for name, v in found.items()}
    apart = max(r["adagrad"] for r in runs)
    attention, residual = (comparison(measurements, kind) for kind in ("attention", "residual"))
    key = say(
        "bursts {before} → {after}; warm-up × {loss:.2f} loss",
        before=count[CONSTANT],
        after=count[ROOT],
        loss=attention[0],
    )
    reasons = [
        say(
            "On the valley the root-mean rule at constant η bursts {count} times in {updates} "
            "updates (at {at}), with η/√(t+1) {decayed} times; with that decay it is the engine's "
            "Adagrad to {apart:.0e} of the way.",
            count=count[CONSTANT],
            updates=settings["valley_updates"],
            at=join(say("{t}", t=t) for t in found[CONSTANT]["bursts"]),
            decayed=count[ROOT],
            apart=apart,
        ),
        say(
            "Calm is not speed: at η = {rate:g} it ends {slow:.0f} from the best b, at a hundred "
            "times that rate {fast:.2g}, with {bursts} bursts.",
            rate=settings["valley_rate"],
            slow=found[ROOT]["away"],
            fast=found[FAST]["away"],
            bursts=count[FAST],
        ),
        sentence(measurements, "attention", attention),
        sentence(measurements, "residual", residual),
    ]
    cured = count[CONSTANT] > 0 == count[ROOT]
    if not cured or apart > 1e-9 or min(attention[1], residual[1]) > 1:
        return Verdict(REFUTED, key, reasons)
    limits = []
    for name in (FAST, LINEAR):
        if count[name]:
            limits.append(
                say(
                    "Not every decay cures: bursts under “{name}”: {count}.",
                    name=name,
                    count=count[name],
                )
            )
    if attention[1] > 1:
        limits.append(say("The attention network is worse with warm-up."))
    elif attention[2] >= 1:
        limits.append(say("For the attention network no gain by warm-up is shown."))
    if residual[1] > 1:
        limits.append(
            say("The residual network of this size needs no warm-up: it is worse with it.")
        )
    elif residual[2] >= 1:
        limits.append(say("For the residual network no gain by warm-up is shown."))
    if attention[1] < TENTH and attention[2] >= 1:
        why = say(
            "The attention network's interval leaves room for a gain; `minigrad lab schedule "
            "--full` takes more seeds."
        )
        return Verdict(UNDECIDED, key, [*reasons, *limits, why])
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)


def sentence(measurements, kind, found):
    """What warm-up does to one network."""
    settings = measurements["settings"]
    rates = {arm: settings[f"{kind}_rates"][best(measurements, kind, arm)] for arm in ARMS}
    losses = {arm: np.exp(np.log(final(measurements, kind, arm)).mean(axis=0)) for arm in ARMS}
    name = say("Attention network") if kind == "attention" else say("Residual network")
    return say(
        "{name}: final training loss with warm-up (best η {on:g}) is {r:.2f} × that without (best "
        "η {off:g}; 95 % interval {low:.2f} to {high:.2f}, {n} seeds). At the largest rate, "
        "η = {largest:g}, the losses are {loss_on:.3g} and {loss_off:.3g} nats.",
        name=name,
        on=rates["with"],
        off=rates["without"],
        r=found[0],
        low=found[1],
        high=found[2],
        n=len(measurements["runs"]),
        largest=settings[f"{kind}_rates"][-1],
        loss_on=losses["with"][-1],
        loss_off=losses["without"][-1],
    )
