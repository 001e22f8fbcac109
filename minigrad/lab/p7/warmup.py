"""RAdam's account of warm-up: the adaptive rate varies too much while few gradients are known."""

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
from minigrad.lab.p7.schedule import RowReader, train
from minigrad.lab.statistics import interval, ratio
from minigrad.lab.training import classes, minibatches, network, tensors
from minigrad.lab.words import say
from minigrad.nn import functional as F

TITLE = "RAdam explains warm-up"
ROW = 17
CLAIM = (
    "Adam needs warm-up because its adaptive rate 1/σ, made of few gradients, varies wildly in "
    "the first updates; a linear warm-up over 2/(1 − β₂) updates, or RAdam, which corrects for "
    "that variance, trains better than Adam alone."
)
REFUTED_BY = (
    "Training loss at the end, each arm at the rate of the smallest geometric mean over the "
    "seeds, as ratio to Adam alone with 95 % interval: for both networks and both cures an "
    "interval that lies above 0.8 and reaches 1 (Adam ties); or a relative variance of 1/σ̂ on "
    "drawn gradients that at the first adaptive update is not above twice that at the end (the "
    "interval over the seeds of log₂ of their ratio reaches 1). A limit is: a network and a cure "
    "whose interval reaches 1; or, on a network's own gradients, variance that at the sixth "
    "update is less than half of what drawn ones have. Undecided: fewer than 3 seeds, or none of "
    "the four intervals below 1 and one that reaches down to 0.8."
)
METHOD = (
    "Adam at rate zero collects σ̂ of gradients that are drawn from a normal distribution, and of "
    "mini-batch gradients of a network that stands still; the variance of 1/σ̂ over the weights, "
    "or over repeated streams for each weight, is compared with RAdam's formula. An MLP and an "
    "attention network with layer norm after each sum then train by Adam, Adam with linear "
    "warm-up over 2/(1 − β₂) updates and RAdam, at equal updates, starts and batches, each at "
    "its own best rate."
)
SECONDS = 3.0
PARAMETERS = {
    "seeds": Parameter(3, "data splits, weights, batches and drawn gradients", 10),
    "data": Parameter("digits", "data set"),
    "most": Parameter(1797, "samples at most", 3000),
    "drawn": Parameter(3000, "weights that are fed drawn gradients", 20_000),
    "drawn_beta2": Parameter(0.99, "β₂ of drawn gradients and of the network's own"),
    "drawn_updates": Parameter(300, "updates on drawn gradients", 600),
    "streams": Parameter(16, "streams of the standing network's mini-batch gradients", 60),
    "stream_updates": Parameter(40, "gradients of a stream", 100),
    "batch": Parameter(24, "samples in a mini-batch"),
    "mlp_beta2": Parameter(0.99, "β₂ for the MLP: warm-up over 200 updates"),
    "mlp_updates": Parameter(300, "updates of the MLP", 600),
    "mlp_rates": Parameter([0.003, 0.01, 0.03, 0.1], "rates of the MLP"),
    "attention_beta2": Parameter(0.95, "β₂ for the attention network: over 40 updates"),
    "attention_depth": Parameter(6, "blocks of the attention network"),
    "attention_updates": Parameter(120, "updates of the attention network", 160),
    "attention_rates": Parameter(
        [0.004, 0.008, 0.016], "rates of the attention network", [0.002, 0.004, 0.008, 0.016]
    ),
}
MEASURED = {
    "drawn": "Var[1/σ̂] / mean² over the weights after each update on drawn gradients",
    "own": "median over the weights of Var[1/σ̂] / mean² over the streams, after each gradient",
    "first": "{β₂: the first update at which the engine's RAdam divides by σ}",
    "losses": "{mlp, attention: {arm: [[training loss, nats, mean of ten batches, …], one a "
    "rate]}}, the last entry is the mean of the last 20 batches; at most 10",
}
REFERENCES = [
    (
        "L. Liu et al. (2020), On the variance of the adaptive learning rate and beyond",
        "https://arxiv.org/abs/1908.03265",
    ),
    (
        "J. Ma and D. Yarats (2021), On the adequacy of untuned warmup for adaptive optimization",
        "https://arxiv.org/abs/1910.04209",
    ),
    (
        "H. Lee (2021), Machine Learning, lecture P7: Adaptive learning rate",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
]
ADAM, WARMED, RADAM = ARMS = ("Adam", "Adam + warm-up", "RAdam")
KINDS = ("mlp", "attention")
TIE = 0.8


def linear_warmup(beta2):
    """Factor of the rate after t updates: linear over 2/(1 − β₂) updates, then 1.

    >>> [round(linear_warmup(0.5)(t), 2) for t in (0, 1, 3, 9)]
    [0.25, 0.5, 1.0, 1.0]
    """
    length = 2 / (1 - beta2)
    return lambda t: min(1.0, (t + 1) / length)


def rho(t, beta2):
    """How many gradients σ² knows after t updates: the length of an equal, unweighted mean.

    >>> [round(rho(t, 0.999), 2) for t in (1, 4, 5, 6)]
    [1.0, 4.0, 5.0, 5.99]
    """
    return 2 / (1 - beta2) - 1 - 2 * t * beta2**t / (1 - beta2**t)


def relative_variance(p):
    """RAdam's approximation of Var[1/σ̂] / mean² for ρ > 4, to first order; else infinite.

    >>> relative_variance(4), round(relative_variance(100), 4)
    (inf, 0.0053)
    """
    return p / (2 * (p - 2) * (p - 4)) if p > 4 else math.inf


def adaptive_rates(parameters, gradients, beta2):
    """1/σ̂ of every weight after each of `gradients`; Adam at rate zero moves nothing."""
    optimizer = mg.optim.Adam(parameters, lr=0.0, betas=(0.0, beta2))
    for t, loss in enumerate(gradients, 1):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        roots = [optimizer.state[p]["exp_avg_sq"] / (1 - beta2**t) for p in parameters]
        yield mg.cat([v.flatten() for v in roots]).double() ** -0.5


def optimizer_of(arm, parameters, rate, beta2):
    """The arm's optimizer and the schedule of its rate."""
    rule = mg.optim.RAdam if arm == RADAM else mg.optim.Adam
    schedule = linear_warmup(beta2) if arm == WARMED else lambda t: 1.0
    return rule(parameters, lr=rate, betas=(0.9, beta2)), schedule


HEART = [linear_warmup, rho, relative_variance, adaptive_rates, optimizer_of]


def first_adaptive(beta2):
    """The first update at which RAdam's step is not the gradient's mean alone."""
    w = mg.zeros(1, dtype=mg.float64, requires_grad=True)
    optimizer = mg.optim.RAdam([w], lr=1.0, betas=(0.9, beta2))
    for t in range(1, 1000):
        before = w.item()
        optimizer.zero_grad()
        (1000 * w).sum().backward()
        optimizer.step()
        if before - w.item() < 500:
            return t
    return None


def drawn_variance(settings):
    """Relative variance of 1/σ̂ over weights that are fed normal gradients."""
    w = mg.zeros(settings["drawn"], dtype=mg.float64, requires_grad=True)
    losses = (
        (mg.randn(settings["drawn"], dtype=mg.float64) * w).sum()
        for _ in range(settings["drawn_updates"])
    )
    rates = adaptive_rates([w], losses, settings["drawn_beta2"])
    return [float(np.var(r) / np.mean(r) ** 2) for r in map(mg.Tensor.numpy, rates)]


def own_variance(part, settings):
    """The same over streams of mini-batches, for each weight of a network that stands still."""
    model = network([part[0].shape[1], 16, classes(part[1])], nn.Tanh)
    parameters = list(model.parameters())
    streams = []
    for _ in range(settings["streams"]):
        batches = minibatches(part, settings["batch"], settings["stream_updates"])
        losses = (F.cross_entropy(model(x), y) for x, y in batches)
        rates = adaptive_rates(parameters, losses, settings["drawn_beta2"])
        streams.append([r.numpy() for r in rates])
    streams = np.array(streams)  # (streams, updates, weights)
    alive = np.isfinite(streams).all(axis=(0, 1))  # a pixel that is always black has σ = 0
    streams = streams[:, :, alive]
    return np.median(streams.var(axis=0) / streams.mean(axis=0) ** 2, axis=1)


def losses(kind, arm, rate, part, settings, seed):
    """Training loss of one network: means of ten batches, then of the last twenty."""
    mg.manual_seed(seed)  # the same start and batches for all arms
    inputs, count = part[0].shape[1], classes(part[1])
    if kind == "mlp":
        model = network([inputs, 32, 32, count])
    else:
        model = RowReader(inputs, count, 16, settings["attention_depth"])
    optimizer, schedule = optimizer_of(arm, model.parameters(), rate, settings[f"{kind}_beta2"])
    batches = minibatches(part, settings["batch"], settings[f"{kind}_updates"])
    found = train(model, optimizer, schedule, batches)
    means = [float(np.mean(found[i : i + 10])) for i in range(0, len(found), 10)]
    return [*means, float(np.mean(found[-20:]))]


def run(seed, settings):
    """Variances, thresholds, and both networks under the three arms at every rate."""
    mg.manual_seed(seed)
    part = tensors(data.load(settings["data"], seed, most=settings["most"]).train)
    drawn = drawn_variance(settings)
    progress.report(0.1, "gradients of a network that stands still")
    own = own_variance(part, settings)
    found = {}
    for i, kind in enumerate(KINDS):
        progress.report((1 + 4 * i) / 9, f"training: {kind}")
        found[kind] = {
            arm: [
                losses(kind, arm, rate, part, settings, seed) for rate in settings[f"{kind}_rates"]
            ]
            for arm in ARMS
        }
    first = {f"{beta2:g}": first_adaptive(beta2) for beta2 in BETAS}
    return {"drawn": drawn, "own": own, "first": first, "losses": found}


BETAS = (0.9, 0.95, 0.99, 0.999)


def threshold(beta2, least):
    """The first update with ρ > `least`.

    >>> threshold(0.999, 5), threshold(0.999, 4)
    (6, 5)
    """
    # at β₂ = 0.999 ρ₄ is 4 − 4e-3 and ρ₅ is 5 − 8e-3: the bounds are not met by rounding
    return next((t for t in range(1, 1000) if rho(t, beta2) > least), None)


def final(measurements, kind, arm):
    """Training losses at the end, (runs, rates)."""
    return np.array([[c[-1] for c in r["losses"][kind][arm]] for r in measurements["runs"]])


def best(measurements, kind, arm):
    """Number of the rate with the smallest geometric mean over the seeds."""
    return int(np.log(final(measurements, kind, arm)).mean(axis=0).argmin())


def against_adam(measurements, kind, arm):
    """Final loss over that of Adam alone, each at its best rate: (ratio, low, high)."""
    ends = [final(measurements, kind, a)[:, best(measurements, kind, a)] for a in (arm, ADAM)]
    return ratio(*ends)


def early(measurements):
    """Where drawn variance is first used by RAdam, its number in the list of updates."""
    return threshold(measurements["settings"]["drawn_beta2"], 5) - 1


def numbers(measurements):
    """The table of the report."""
    runs, settings = measurements["runs"], measurements["settings"]
    at = early(measurements)
    rows = [
        Number(f"Var/mean² of 1/σ̂, drawn, update {at + 1}", [r["drawn"][at] for r in runs]),
        Number("Var/mean² of 1/σ̂, drawn, at the end", [r["drawn"][-1] for r in runs]),
        Number(f"Var/mean² of 1/σ̂, a network's own, {at + 1}", [r["own"][at] for r in runs]),
    ]
    for beta2 in BETAS:
        here = [r["first"][f"{beta2:g}"] for r in runs]
        rows.append(Number(f"RAdam, β₂ = {beta2:g}: first adaptive update", here))
    for kind in KINDS:
        for arm in ARMS:
            i = best(measurements, kind, arm)
            here = final(measurements, kind, arm)[:, i].tolist()
            rate = settings[f"{kind}_rates"][i]
            rows.append(Number(f"{kind}, {arm}, best η = {rate:g}: final training loss", here,
                               "nats"))  # fmt: skip
    return rows


LOOKS = {ADAM: (plots.RED, "s--"), WARMED: (plots.BLUE, "o-"), RADAM: (plots.GREEN, "^-.")}


def variance_figure(measurements):
    """Variance of 1/σ̂ over the updates: formula, drawn and own gradients."""
    runs, settings = measurements["runs"], measurements["settings"]
    figure, panel = plots.axes("updates", "Var[1/σ̂] / mean²", xscale="log", yscale="log")
    x = np.arange(1, len(runs[0]["drawn"]) + 1)
    plots.band(panel, x, [r["drawn"] for r in runs], plots.BLUE, "-", "drawn gradients")
    own = [r["own"] for r in runs]
    plots.band(panel, np.arange(1, len(own[0]) + 1), own, plots.ORANGE, "-.", "a network's own")
    formula = [relative_variance(rho(t, settings["drawn_beta2"])) for t in x]
    panel.plot(x, formula, "--", color=plots.BLACK, lw=1.3, label="RAdam's formula, ρ > 4")
    panel.axvline(early(measurements) + 1, color=plots.BLACK, lw=0.9, ls=":")
    panel.axvline(2 / (1 - settings["drawn_beta2"]), color=plots.PURPLE, lw=0.9, ls=":")
    panel.set_ylim(1e-3, 1e3)
    plots.legend(figure)
    return Figure(
        figure,
        "How much the adaptive rate varies when σ̂ knows few gradients (β₂ = "
        f"{settings['drawn_beta2']:g}). Drawn gradients follow RAdam's formula once it is finite; "
        "a network's own, whose mean is not zero, vary less. Dotted: where RAdam begins to divide "
        "by σ (left), where the linear warm-up ends (right).",
        "Falling curves of the relative variance on log axes; the formula meets the drawn one.",
    )


def rates_figure(measurements, kind):
    """Final training loss against the rate for the three arms."""
    settings, runs = measurements["settings"], measurements["runs"]
    figure, panel = plots.axes(
        "learning rate η", "final training loss, nats", xscale="log", yscale="log"
    )
    rates = settings[f"{kind}_rates"]
    panel.set_xticks(rates, [f"{rate:g}" for rate in rates])
    panel.set_xticks([], minor=True)
    for arm, (colour, dash) in LOOKS.items():
        plots.band(panel, rates, final(measurements, kind, arm), colour, dash, arm)
    plots.legend(figure, ncols=3)
    what = "MLP" if kind == "mlp" else "Attention network with layer norm after each sum"
    return Figure(
        figure,
        f"{what}, β₂ = {settings[f'{kind}_beta2']:g}, {settings[f'{kind}_updates']} updates: "
        f"training loss at the end, mean ± one standard deviation over {len(runs)} seeds.",
        f"Final loss against the learning rate, three curves, {kind} network.",
    )


def curve_figure(measurements):
    """Training loss of the attention network, each arm at its best rate."""
    settings, runs = measurements["settings"], measurements["runs"]
    figure, panel = plots.axes("updates", "training loss, nats")
    for arm, (colour, dash) in LOOKS.items():
        i = best(measurements, "attention", arm)
        rows = [r["losses"]["attention"][arm][i][:-1] for r in runs]
        label = f"{arm}, η = {settings['attention_rates'][i]:g}"
        plots.band(panel, 10 * np.arange(len(rows[0])) + 5, rows, colour, dash[1:], label)
    end = 2 / (1 - settings["attention_beta2"])
    panel.axvline(end, color=plots.BLACK, lw=0.9, ls=":", label="end of warm-up")
    plots.legend(figure)
    return Figure(
        figure,
        "The attention network, each arm at its own best rate; mean ± one standard deviation "
        f"over {len(runs)} seeds.",
        "Three falling curves of the training loss over the updates.",
    )


def figures(measurements):
    """The attention network over the rates, the variance, its training, the MLP."""
    return [
        rates_figure(measurements, "attention"),
        variance_figure(measurements),
        curve_figure(measurements),
        rates_figure(measurements, "mlp"),
    ]


def verdict(measurements):
    """By the 95 % intervals of the ratios of final losses, and by the variances."""
    runs = measurements["runs"]
    n = len(runs)
    if n < 3:
        why = say(
            "{n} seeds are too few for an interval; `minigrad lab warmup --seeds 5` decides.", n=n
        )
        return Verdict(UNDECIDED, say("{n} seeds", n=n), [why])
    at = early(measurements)
    decline = np.log2([r["drawn"][at] / r["drawn"][-1] for r in runs])
    own = ratio([r["own"][at] for r in runs], [r["drawn"][at] for r in runs])
    found = {
        (kind, arm): against_adam(measurements, kind, arm)
        for kind in KINDS
        for arm in (WARMED, RADAM)
    }
    key = say(
        "attention: warm-up × {warm:.2f}, RAdam × {radam:.2f} loss",
        warm=found["attention", WARMED][0],
        radam=found["attention", RADAM][0],
    )
    reasons = [variance_sentence(measurements, at, decline, own), threshold_sentence(runs)]
    reasons += [loss_sentence(measurements, *pair, found[pair]) for pair in found]
    reasons.append(equal_sentence(measurements))
    better = [pair for pair, (_, _, high) in found.items() if high < 1]
    if interval(decline)[0] <= 1:
        return Verdict(REFUTED, key, reasons)
    if not better and all(low > TIE for _, low, _ in found.values()):
        return Verdict(REFUTED, key, [*reasons, say("Adam without warm-up ties everywhere.")])
    if not better:
        why = say(
            "No interval lies below 1, and not all exclude a gain of a fifth; `minigrad lab "
            "warmup --full` takes more seeds."
        )
        return Verdict(UNDECIDED, key, [*reasons, why])
    limits = []
    for kind, arm in found:
        if (kind, arm) not in better:
            name = say("attention network") if kind == "attention" else say("MLP")
            limits.append(
                say("For the {name}, no gain of {arm} over Adam is shown.", name=name, arm=arm)
            )
    if own[2] < 0.5:
        limits.append(
            say(
                "A network's own gradients are not centred: their adaptive rate varies only "
                "{share:.2g} × as much as the formula's assumption has it.",
                share=own[0],
            )
        )
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)


def variance_sentence(measurements, at, decline, own):
    """How much the adaptive rate varies early and late."""
    runs, settings = measurements["runs"], measurements["settings"]
    return say(
        "On drawn gradients (β₂ = {beta2:g}) Var[1/σ̂]/mean² is {early:.2g} at update {t}, "
        "{late:.2g} at the end, {fold:.0f} × less (RAdam's formula there: {formula:.2g} and "
        "{formula_late:.2g}); on a network's own gradients it is {own:.2g} × that of drawn ones "
        "at update {t} ({low:.2g} to {high:.2g}).",
        beta2=settings["drawn_beta2"],
        early=np.mean([r["drawn"][at] for r in runs]),
        late=np.mean([r["drawn"][-1] for r in runs]),
        t=at + 1,
        fold=2 ** np.mean(decline),
        formula=relative_variance(rho(at + 1, settings["drawn_beta2"])),
        formula_late=relative_variance(rho(len(runs[0]["drawn"]), settings["drawn_beta2"])),
        own=own[0],
        low=own[1],
        high=own[2],
    )


def threshold_sentence(runs):
    """Where RAdam begins to divide by σ, in the engine and in the paper."""
    return say(
        "The engine's RAdam, as PyTorch's, divides by σ from ρ > 5 on, at β₂ = 0.999 the update "
        "{engine}; the paper's ρ > 4 would begin at update {paper}.",
        engine=runs[0]["first"]["0.999"],
        paper=threshold(0.999, 4),
    )


def loss_sentence(measurements, kind, arm, found):
    """One cure against Adam alone on one network."""
    rates = measurements["settings"][f"{kind}_rates"]
    return say(
        "{name}: the final training loss of {arm} (best η {own:g}) is {r:.2f} × that of Adam "
        "(best η {other:g}; 95 % interval {low:.2f} to {high:.2f}, {n} seeds).",
        name=say("Attention network") if kind == "attention" else say("MLP"),
        arm=arm,
        own=rates[best(measurements, kind, arm)],
        other=rates[best(measurements, kind, ADAM)],
        r=found[0],
        low=found[1],
        high=found[2],
        n=len(measurements["runs"]),
    )


def equal_sentence(measurements):
    """All arms on the attention network at the rate that warm-up likes best."""
    i = best(measurements, "attention", WARMED)
    means = {
        arm: float(np.exp(np.log(final(measurements, "attention", arm)[:, i]).mean()))
        for arm in ARMS
    }
    return say(
        "At one rate, η = {rate:g}, the attention network ends at {adam:.2g} nats by Adam, "
        "{warmed:.2g} with warm-up, {radam:.2g} by RAdam (geometric means).",
        rate=measurements["settings"]["attention_rates"][i],
        adam=means[ADAM],
        warmed=means[WARMED],
        radam=means[RADAM],
    )
