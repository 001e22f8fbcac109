"""Why does batch norm help? Covariate shift, noise and smoothness, measured side by side."""

import copy
from itertools import chain, islice, repeat

import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.curvature import Hessian, spectral_density
from minigrad.func import functional_call, grad
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
from minigrad.lab.training import best_rate, classes, evaluate, network, tensors
from minigrad.lab.words import say
from minigrad.nn import functional as F
from minigrad.utils.data import DataLoader, TensorDataset

TITLE = "Why batch norm helps"
ROW = 26
CLAIM = (
    "Batch norm does not help by keeping the inputs of the layers steady: the internal covariate "
    "shift hardly differs with it, and a network trains as well when noise after batch norm "
    "shifts those inputs on purpose. It helps because the error surface becomes smoother: the "
    "gradient predicts the gradients ahead better, and the Hessian is better conditioned."
)
REFUTED_BY = (
    "Ratios are of runs with and without batch norm, each network at its tuned rate (geometric "
    "mean, 95 % t interval on the log scale, at least three seeds; of the cosine, differences); "
    "curves count by their mean over the checkpoints. Refuted by: a relative covariate shift "
    "below half of that without batch norm; a final loss with the weakest noise above that of "
    "the plain network; or an effective β that is higher while the gradient's cosine is lower. A "
    "limit is: a shift more than twice as large; a shift that is smaller, at tuned rates or when "
    "both networks have the plain one's; stronger noise with which the network ends above the "
    "plain one; weakest noise that more than doubles the final loss; a condition number, a β at "
    "the plain one's rate, or one of β and cosine, that is not better. Undecided: an interval of "
    "the shift that holds ½, one of the final losses with the weakest noise that holds 1, or "
    "neither β nor cosine shown to be better."
)
METHOD = (
    "A plain ReLU network, one with batch norm, and some with noise of changing mean and scale "
    "after each batch norm, take equal updates of mini-batch SGD from He's start at rates tuned "
    "by the mini-batch loss; batch norm runs at the plain network's rate too. At checkpoints the "
    "shift of a layer is how much its gradient changes, on the same mini-batch, once the layers "
    "below have been updated, relative to that gradient. On a fixed probe batch the gradient is "
    "compared with the gradients up to 0.4 times itself ahead; the spectrum of the Hessian of the "
    "probe's training-mode loss is estimated after a third, two thirds and all of the training, "
    "and the geometric mean of the three condition numbers counts."
)
SECONDS = 1.0
PARAMETERS = {
    "seeds": Parameter(4, "splits of the data and initialisations", 10),
    "data": Parameter("digits", "data set"),
    "most": Parameter(1200, "samples at most", 4000),
    "hidden": Parameter([12, 12, 12], "units of the hidden layers"),
    "batch": Parameter(64, "samples in a mini-batch"),
    "probe": Parameter(150, "samples of the fixed batch", 300),
    "rates": Parameter(
        [0.1, 0.2, 0.4, 0.8, 1.6], "learning rates tried", [0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6]
    ),
    "updates": Parameter(120, "updates of each training", 300),
    "every": Parameter(10, "updates between checkpoints", 20),
    "probes": Parameter(20, "random vectors of the Hessian's quadrature", 60),
    "lanczos": Parameter(15, "Lanczos steps from each", 20),
    "steps": Parameter([0.05, 0.1, 0.2, 0.4], "lengths of the steps ahead, in gradients"),
    "noise": Parameter(
        [[0.5, 1.25], [1.5, 2.0]],
        "largest mean and scale of the noise that a unit gets in an update, rising; the first is "
        "the paper's",
        [[0.5, 1.25], [1.0, 1.5], [1.5, 2.0]],
    ),
    "spread": Parameter(0.1, "spread of the noise around its mean and scale over the samples"),
}
MEASURED = {
    "rates": "{arm: the tuned learning rate}",
    "tuning": "{arm: mean mini-batch loss in nats of the second half of the training, for each "
    "of the rates, null: no number}",
    "updates": "the checkpoints",
    "arms": "{arm: lists over the checkpoints: loss (training set, evaluation mode, nats); drift "
    "(mean |change of a unit's mean over one update| / its standard deviation); but for the noisy "
    "arms shift (mean of ‖G − G'‖/‖G‖ over the layers but the first) and turn (mean cosine of G "
    "and G'); beta (largest ‖g − g'‖/‖step‖), cosine (smallest cos(g, g')), variation (largest "
    "minus smallest loss on the way, nats)}",
    "end": "{arm: training loss in nats after the last update}",
    "hessian": "{plain and batch norm: [after a third, two thirds and all of the training: "
    "{parameters: how many, largest and smallest eigenvalue, condition: the largest magnitude "
    "over the mean magnitude, above: how many eigenvalues are in magnitude at least 1e-4 … 1 "
    "(41 steps in equal ratio) of the largest}]}",
}
REFERENCES = [
    (
        "S. Santurkar et al. (2018), How does batch normalization help optimization?",
        "https://arxiv.org/abs/1805.11604",
    ),
    (
        "S. Ioffe and C. Szegedy (2015), Batch normalization: accelerating deep network training "
        "by reducing internal covariate shift",
        "https://arxiv.org/abs/1502.03167",
    ),
    (
        "B. Ghorbani, S. Krishnan and Y. Xiao (2019), An investigation into neural net "
        "optimization via Hessian eigenvalue density",
        "https://arxiv.org/abs/1901.10159",
    ),
    (
        "H. Lee (2021), Machine Learning, lecture P9: Batch normalization",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
]
FRACTIONS = np.geomspace(1e-4, 1, 41)  # of the largest eigenvalue
PLAIN, NORMED = "plain", "batch norm"
SAME = "batch norm, plain network's rate"


class Noise(nn.Module):
    """x · scale + shift in training, each unit's mean scale and shift drawn anew every time."""

    def __init__(self, mean, scale, spread):
        super().__init__()
        self.mean, self.scale, self.spread = mean, scale, spread

    def forward(self, x):
        if not self.training:
            return x
        units = x.shape[1]
        shift = self.mean * (2 * mg.rand(units) - 1)  # uniform on ± mean
        scale = 1 + (self.scale - 1) * mg.rand(units)  # uniform on 1 … scale
        shift = shift + self.spread * (2 * mg.rand(*x.shape) - 1)  # (N, units)
        return x * (scale + self.spread * mg.randn(*x.shape)) + shift


def loss_of(model, part):
    """The training-mode loss as a function of {name: parameter}."""
    x, y = part
    return lambda parameters: F.cross_entropy(functional_call(model, parameters, (x,)), y)


def layers(parameters):
    """Names by layer: a Linear's and those of the batch norm after it."""
    found = []
    for name, p in parameters.items():
        if p.ndim == 2:
            found.append([])
        found[-1].append(name)
    return found


def covariate_shift(model, before, after, part):
    """How the layers below change a layer's gradient by their update: (‖G − G'‖/‖G‖, cosine).

    G is the gradient of the layer's weight before the update, G' what it becomes once the
    parameters of all layers below are updated and its own are not: means over the layers.
    """
    loss = loss_of(model, part)
    gradients, mixed = grad(loss)(before), dict(before)
    found = []
    for names in layers(before):
        G, moved = gradients[names[0]], grad(loss)(mixed)[names[0]]
        found.append([((G - moved).norm() / G.norm()).item(), cosine(G, moved)])
        mixed.update({name: after[name] for name in names})
    return np.mean(found[1:], axis=0).tolist()  # below the first layer there is none


def ahead(model, parameters, part, steps):
    """Along the negative gradient: effective β, smallest cosine of gradients, loss variation."""
    loss = loss_of(model, part)
    g = grad(loss)(parameters)
    here, values, found = flat(g), [loss(parameters).item()], []
    for step in steps:
        there = {name: p - step * g[name] for name, p in parameters.items()}
        gradient = flat(grad(loss)(there))
        beta = (here - gradient).norm() / (step * here.norm())
        found.append((beta.item(), cosine(here, gradient)))
        values.append(loss(there).item())
    betas, cosines = zip(*found, strict=True)
    return max(betas), min(cosines), max(values) - min(values)


def flat(tensors):
    """A dict of tensors as one vector."""
    return mg.cat([x.reshape(-1) for x in tensors.values()])


def cosine(a, b):
    """Of the angle between two tensors of one shape."""
    return ((a * b).sum() / (a.norm() * b.norm())).item()


def condition(model, part, probes, steps):
    """Largest over mean |λ| of the training-mode Hessian, by stochastic Lanczos quadrature."""
    H = Hessian(model, F.cross_entropy, part, dtype="float64")
    density = spectral_density(H, steps=steps, samples=probes)
    sizes = abs(density.nodes)
    largest = sizes[density.weights > 0].max()
    above = [(density.weights * (sizes >= x * largest)).sum(axis=1).mean() for x in FRACTIONS]
    mean = (density.weights * sizes).sum(axis=1).mean()
    smallest, top = density.support
    return {
        "parameters": H.shape[0],
        "largest": top,
        "smallest": smallest,
        "condition": largest / mean,
        "above": np.array(above) * H.shape[0],
    }


HEART = [Noise, covariate_shift, ahead, condition]


def layer_inputs(model, x):
    """Mean and standard deviation of each input of each Linear but the first, in training mode."""
    means, deviations = [], []
    with mg.no_grad():
        for layer in model:
            if isinstance(layer, nn.Linear):
                means.append(x.mean(dim=0).numpy())
                deviations.append(x.std(dim=0).numpy())
            x = layer(x)
    return np.concatenate(means[1:]), np.concatenate(deviations[1:])


def drift(before, after, x):
    """How far the mean of a layer's input moves in one update, in standard deviations."""
    (old, deviation), (new, _) = layer_inputs(before, x), layer_inputs(after, x)
    return float(abs(new - old).mean() / deviation.mean())


def noisy(settings):
    """[(name of the arm, (mean, scale))] of the noise levels, rising."""
    return [(f"batch norm + noise ± {pair[0]:g}", pair) for pair in settings["noise"]]


def fresh(arm, part, settings, seed):
    """The arm's network, always from the same seed."""
    mg.manual_seed(seed)
    sizes = [part[0].shape[1], *settings["hidden"], classes(part[1])]
    model = network(sizes, nn.ReLU, batch_norm=arm != PLAIN)
    for layer in model:  # He's start, from which the plain network trains at once, too
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    noise = dict(noisy(settings)).get(arm)
    if noise is None:
        return model
    disturbed = nn.Sequential()
    for layer in model:
        disturbed.append(layer)
        if isinstance(layer, nn.BatchNorm1d):
            disturbed.append(Noise(*noise, settings["spread"]))
    return disturbed


def training(model, part, rate, settings):
    """Updates of mini-batch SGD; yields (loss, mini-batch, the model before it or None)."""
    optimizer = mg.optim.SGD(model.parameters(), lr=rate)
    # whole batches only: a gradient of a few samples would look like a shift
    loader = DataLoader(TensorDataset(*part), settings["batch"], shuffle=True, drop_last=True)
    for k, (x, y) in enumerate(islice(chain.from_iterable(repeat(loader)), settings["updates"])):
        before = copy.deepcopy(model) if k % settings["every"] == 0 else None
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item(), (x, y), before


def tune(arm, part, settings, seed):
    """Mean mini-batch loss of the second half of a training for each of the rates."""
    means, unwatched = [], {**settings, "every": settings["updates"]}
    for rate in settings["rates"]:
        model = fresh(arm, part, settings, seed)
        losses = [loss for loss, _, _ in training(model, part, rate, unwatched)]
        means.append(float(np.mean(losses[len(losses) // 2 :])))
    return means


def watched(arm, rate, part, probe, settings, seed):
    """One training: (curves over the checkpoints, the models there and at the end)."""
    model = fresh(arm, part, settings, seed)
    names = ["loss", "drift"]
    gradients = arm in (PLAIN, NORMED, SAME)  # with noise they differ by the noise alone
    if gradients:
        names += ["shift", "turn", "beta", "cosine", "variation"]
    curves, models = {name: [] for name in names}, []
    for _, pair, before in training(model, part, rate, settings):
        if before is None:
            continue
        values = [evaluate(before, part)[0], drift(before, copy.deepcopy(model), probe[0])]
        if gradients:
            here, after = (dict(m.named_parameters()) for m in (before, model))
            values += covariate_shift(before, here, after, pair)
            values += ahead(before, here, probe, settings["steps"])
        for name, value in zip(names, values, strict=True):
            curves[name].append(value)
        models.append(before)
    return curves, [*models, model]


def run(seed, settings):
    """Every arm on one split of the data."""
    part = tensors(data.load(settings["data"], seed, most=settings["most"]).train)
    probe = tuple(x[: settings["probe"]] for x in part)
    rates, tuning, arms, end, hessian = {}, {}, {}, {}, {}
    names = [PLAIN, NORMED, SAME, *dict(noisy(settings))]
    for i, arm in enumerate(names):
        progress.report(i / len(names), f"{arm}: learning rate")
        if arm == SAME:
            rates[arm] = rates[PLAIN]
        else:
            losses = tune(arm, part, settings, seed)
            rates[arm] = best_rate(settings["rates"], losses)
            tuning[arm] = [x if np.isfinite(x) else None for x in losses]
        progress.report((i + 0.4) / len(names), f"{arm}: training")
        arms[arm], models = watched(arm, rates[arm], part, probe, settings, seed)
        end[arm] = evaluate(models[-1], part)[0]
        if arm in (PLAIN, NORMED):
            last = len(models) - 1
            hessian[arm] = [
                condition(models[k], probe, settings["probes"], settings["lanczos"])
                for k in (last // 3, 2 * last // 3, last)
            ]
    return {
        "rates": rates,
        "tuning": tuning,
        "updates": list(range(0, settings["updates"], settings["every"])),
        "arms": arms,
        "end": end,
        "hessian": hessian,
    }


def means(measurements, arm, name):
    """The mean of a curve over the checkpoints, one a run."""
    return [float(np.mean(r["arms"][arm][name])) for r in measurements["runs"]]


def curvature(measurements, arm, name):
    """Geometric mean of a property of the three Hessians, one a run."""
    rows = [[h[name] for h in r["hessian"][arm]] for r in measurements["runs"]]
    return np.exp(np.log(rows).mean(axis=1)).tolist()


def compared(measurements):
    """Ratios (mean, low, high) that decide; the cosine's is a difference."""
    runs = measurements["runs"]
    plain = {name: means(measurements, PLAIN, name) for name in runs[0]["arms"][PLAIN]}
    end = {arm: [r["end"][arm] for r in runs] for arm in runs[0]["end"]}
    found = {}
    for arm, key in ((NORMED, "{}"), (SAME, "same {}")):
        for name in ("shift", "beta"):
            found[key.format(name)] = ratio(means(measurements, arm, name), plain[name])
        gain = np.subtract(means(measurements, arm, "cosine"), plain["cosine"])
        found[key.format("cosine")] = (float(gain.mean()), *interval(gain))
    for name in ("condition", "largest"):
        found[name] = ratio(*(curvature(measurements, arm, name) for arm in (NORMED, PLAIN)))
    for arm, _ in noisy(measurements["settings"]):
        found[arm] = ratio(end[arm], end[PLAIN])
        found[arm, "cost"] = ratio(end[arm], end[NORMED])
        for other in (PLAIN, NORMED):
            drifts = [means(measurements, side, "drift") for side in (arm, other)]
            found[arm, "drift", other] = ratio(*drifts)
    return found


def numbers(measurements):
    """The table of the report."""
    runs = measurements["runs"]
    labels = {
        "shift": ("relative covariate shift ‖G − G'‖/‖G‖", ""),
        "turn": ("cosine of G and G'", ""),
        "beta": ("effective β along the gradient", "nats per squared step"),
        "cosine": ("smallest cosine of gradients ahead", ""),
        "variation": ("variation of the loss ahead", "nats"),
    }
    rows = []
    for arm in (PLAIN, NORMED, SAME):
        for name, (label, unit) in labels.items():
            rows.append(Number(f"{arm}: {label}", means(measurements, arm, name), unit))
    for arm in (PLAIN, NORMED):
        for name, label in (
            ("largest", "largest eigenvalue"),
            ("condition", "largest / mean |λ|"),
        ):
            values = curvature(measurements, arm, name)
            rows.append(Number(f"{arm}: {label} of the Hessian", values))
    for arm in (PLAIN, NORMED, SAME, *dict(noisy(measurements["settings"]))):
        rows += [
            Number(f"{arm}: learning rate", [r["rates"][arm] for r in runs]),
            Number(f"{arm}: training loss at the end", [r["end"][arm] for r in runs], "nats"),
            Number(
                f"{arm}: drift of a layer's inputs an update",
                means(measurements, arm, "drift"),
                "standard deviations",
            ),
        ]
    return rows


LOOKS = {PLAIN: (plots.RED, "-"), NORMED: (plots.BLUE, "--"), SAME: (plots.GREEN, "-.")}


def curves_figure(measurements, name, label, limits, caption, alt):
    """One curve over the updates for the three networks without noise."""
    runs = measurements["runs"]
    figure, panel = plots.axes("updates", label)
    for arm, (colour, dash) in LOOKS.items():
        rows = [r["arms"][arm][name] for r in runs]
        plots.band(panel, runs[0]["updates"], rows, colour, dash, arm)
    panel.set_ylim(*limits)
    plots.legend(figure)
    return Figure(figure, f"{caption} Mean ± one standard deviation over {len(runs)} seeds.", alt)


def noise_figure(measurements):
    """Training loss of all arms."""
    runs, settings = measurements["runs"], measurements["settings"]
    figure, panel = plots.axes("updates", "training loss, nats", height=4.2, yscale="log")
    colours = (plots.SKY, plots.ORANGE, plots.PURPLE)
    looks = {PLAIN: LOOKS[PLAIN], NORMED: LOOKS[NORMED]}
    for (arm, _), colour in zip(noisy(settings), colours, strict=False):
        looks[arm] = (colour, (0, (1 + 2 * len(looks), 1.5)))
    for arm, (colour, dash) in looks.items():
        rows = np.array([r["arms"][arm]["loss"] for r in runs])
        panel.plot(runs[0]["updates"], rows.mean(axis=0), ls=dash, color=colour, label=arm)
    plots.legend(figure)
    return Figure(
        figure,
        "Noise after batch norm moves the inputs of every layer at every update, and the network "
        "still trains, as long as the noise is not stronger than the signal. Each network at its "
        f"tuned rate, mean over {len(runs)} seeds; loss in evaluation mode, without the noise.",
        "Falling training losses: batch norm lowest, then those with weak noise, the plain "
        "network and strong noise highest.",
    )


def spectrum_figure(measurements):
    """How many eigenvalues exceed a fraction of the largest."""
    runs = measurements["runs"]
    figure, panel = plots.axes(
        "fraction of the largest |λ|", "eigenvalues above it", xscale="log", yscale="log"
    )
    for arm in (PLAIN, NORMED):
        colour, dash = LOOKS[arm]
        rows = [h["above"] for r in runs for h in r["hessian"][arm]]
        plots.band(panel, FRACTIONS, rows, colour, dash, arm)
    panel.set_ylim(0.5)
    plots.legend(panel, loc="lower left")
    return Figure(
        figure,
        f"Spectrum of the Hessian during training, {runs[0]['hessian'][PLAIN][0]['parameters']} "
        "parameters without batch norm. With it more eigenvalues come near the largest: no few "
        "directions are much steeper than the rest, so that one learning rate suits more of them. "
        f"Mean ± one standard deviation over three moments and {len(runs)} seeds.",
        "Number of eigenvalues above a fraction of the largest, falling curves; the one with "
        "batch norm lies higher.",
    )


def figures(measurements):
    """Predictiveness, covariate shift, noise, spectrum."""
    return [
        curves_figure(
            measurements,
            "cosine",
            "cosine of gradients here and ahead",
            (-1.05, 1.05),
            "How well the gradient predicts the gradients ahead, up to 0.4 times itself: 1 means "
            "that the direction stays right, below 0 that it has turned round.",
            "With batch norm the cosine is near 0.9, without it falls below zero.",
        ),
        curves_figure(
            measurements,
            "shift",
            "covariate shift ‖G − G'‖/‖G‖",
            (0, None),
            "How much the update of the layers below changes a layer's gradient. At its own, "
            "larger rate batch norm shifts about as much; at the plain network's, less.",
            "The curves with and without batch norm at tuned rates run close together.",
        ),
        noise_figure(measurements),
        spectrum_figure(measurements),
    ]


def measured(found, weakest, n):
    """Sentences on the four comparisons."""
    shift, same, noise, beta = (found[k] for k in ("shift", "same shift", weakest, "beta"))
    cosine, kappa = found["cosine"], found["condition"]
    return [
        say(
            "The relative covariate shift is {r:.2f} × that without batch norm at tuned rates "
            "(95 % interval {low:.2f} to {high:.2f}, {n} seeds), and {same:.2f} × at the plain "
            "network's rate ({same_low:.2f} to {same_high:.2f}).",
            r=shift[0],
            low=shift[1],
            high=shift[2],
            n=n,
            same=same[0],
            same_low=same[1],
            same_high=same[2],
        ),
        say(
            "With the weakest noise the inputs of a layer drift {normed:.1f} × as far in an "
            "update as with batch norm alone ({plain:.2f} × as far as without), yet training "
            "ends at {r:.2f} × the plain network's loss ({low:.2f} to {high:.2f}).",
            normed=found[weakest, "drift", NORMED][0],
            plain=found[weakest, "drift", PLAIN][0],
            r=noise[0],
            low=noise[1],
            high=noise[2],
        ),
        say(
            "Along the gradient the effective β is {r:.2f} × that without batch norm ({low:.2f} "
            "to {high:.2f}; at the plain network's rate {same:.2f} ×), and the smallest cosine "
            "of the gradients ahead is higher by {gain:.2f} ({gain_low:.2f} to {gain_high:.2f}).",
            r=beta[0],
            low=beta[1],
            high=beta[2],
            same=found["same beta"][0],
            gain=cosine[0],
            gain_low=cosine[1],
            gain_high=cosine[2],
        ),
        say(
            "The Hessian's condition, largest over mean |λ|, is {r:.2f} × that without batch "
            "norm ({low:.2f} to {high:.2f}), the largest eigenvalue {top:.2f} × "
            "({top_low:.2f} to {top_high:.2f}).",
            r=kappa[0],
            low=kappa[1],
            high=kappa[2],
            top=found["largest"][0],
            top_low=found["largest"][1],
            top_high=found["largest"][2],
        ),
    ]


def verdict(measurements):
    """By the 95 % intervals of the three comparisons."""
    runs, settings = measurements["runs"], measurements["settings"]
    n = len(runs)
    if n < 3:
        why = say(
            "{n} seeds are too few for an interval; `minigrad lab why_batch_norm --seeds 5` "
            "decides.",
            n=n,
        )
        return Verdict(UNDECIDED, say("{n} seeds", n=n), [why])
    found = compared(measurements)
    weakest, *stronger = (arm for arm, _ in noisy(settings))
    shift, noise, beta, kappa = (found[k] for k in ("shift", weakest, "beta", "condition"))
    key = say("shift × {s:.2f}, β × {b:.2f}, κ × {k:.2f}", s=shift[0], b=beta[0], k=kappa[0])
    reasons = measured(found, weakest, n)
    smoother, steadier = beta[2] < 1, found["cosine"][1] > 0
    wrong = []
    if shift[2] < 0.5:
        wrong.append(say("Batch norm more than halves the covariate shift."))
    if noise[1] > 1:
        wrong.append(say("With noise the network ends above the plain one."))
    if beta[1] >= 1 and found["cosine"][2] <= 0:
        wrong.append(say("The error surface is not smoother."))
    if wrong:
        return Verdict(REFUTED, key, reasons + wrong)
    if shift[1] <= 0.5 or noise[2] >= 1 or not (smoother or steadier):
        why = say("The intervals are too wide; `minigrad lab why_batch_norm --full` decides.")
        return Verdict(UNDECIDED, key, [*reasons, why])
    limits = limitations(found, weakest, stronger)
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)


def limitations(found, weakest, stronger):
    """Sentences on what qualifies the claim."""
    limits = []
    if found["shift"][1] > 2:
        limits.append(say("Batch norm more than doubles the covariate shift."))
    if found["same shift"][2] < 1:
        limits.append(
            say(
                "At the plain network's rate batch norm does lower the covariate shift, to "
                "{same:.2f} × (and β to {beta:.2f} ×); at the larger rate that it allows the "
                "shift is {r:.2f} ×, β {r_beta:.2f} ×.",
                same=found["same shift"][0],
                beta=found["same beta"][0],
                r=found["shift"][0],
                r_beta=found["beta"][0],
            )
        )
    if found["shift"][2] < 1:
        limits.append(
            say(
                "At its own rate, too, batch norm lowers the covariate shift, to {r:.2f} ×.",
                r=found["shift"][0],
            )
        )
    if found[weakest, "cost"][1] > 2:
        limits.append(
            say("The weakest noise costs {r:.1f} × the loss.", r=found[weakest, "cost"][0])
        )
    for arm in stronger:
        if found[arm][1] > 1:
            limits.append(
                say(
                    "Noise matters when it is strong: “{arm}” ends at {r:.1f} × the plain "
                    "network's loss, where inputs drift {drift:.2f} × as far as without.",
                    arm=arm,
                    r=found[arm][0],
                    drift=found[arm, "drift", PLAIN][0],
                )
            )
    for name, better in (
        ("β", found["beta"][2] < 1),
        ("cosine", found["cosine"][1] > 0),
        ("condition", found["condition"][2] < 1),
        ("β at the plain network's rate", found["same beta"][2] < 1),
    ):
        if not better:
            limits.append(
                say("The {name} is not shown to be better; --full takes more seeds.", name=name)
            )
    return limits
