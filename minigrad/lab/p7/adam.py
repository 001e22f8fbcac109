"""Adam = RMSProp + momentum, as an identity; and how good its default parameters are."""

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
from minigrad.lab.statistics import interval, ratio
from minigrad.lab.training import classes, evaluate, minibatches, network, tensors
from minigrad.lab.words import say
from minigrad.nn import functional as F

TITLE = "Adam is RMSProp with momentum"
ROW = 15
CLAIM = (
    "Adam is RMSProp + momentum: the direction comes from momentum, its size from the root mean "
    "square σ; and its default parameters are good."
)
REFUTED_BY = (
    "An update of the engine's Adam that differs from η · m̂/(σ̂ + ε), m̂ and σ̂² the weighted "
    "means of all g and g² with weights β₁ and β₂ to the age, on the same gradients by more than "
    "1e-9 of its length in any seed; or Adam with β₁ = 0 that differs from the engine's RMSprop "
    "at the rate η√(1 − β₂ᵗ) by as much; or default parameters whose test accuracy, minus that "
    "of the setting of the sweep with the best validation loss, has a 95 % interval over the "
    "seeds below −0.02. A limit is: RMSprop with PyTorch's momentum that ends farther from Adam "
    "than 1 % of Adam's way; or a validation loss of the defaults, over that of the best rate of "
    "the sweep, with an interval above 1, at the end or after the early look. Undecided: fewer "
    "than 3 seeds, or an interval of the accuracy that holds −0.02."
)
METHOD = (
    "A tanh network on images is trained in float64 by Adam and, on the same batches, by a small "
    "Optimizer of its own that divides a weighted mean of g by a weighted root mean square; then "
    "by RMSprop(momentum=), which sums g/σ up instead. One sequence of gradients is fed to both, "
    "to see the sizes. The sweep changes η, β₁ and β₂, one at a time from the defaults, at an "
    "equal number of updates from equal starts; the validation part chooses, the test part "
    "compares."
)
SECONDS = 1.1
PARAMETERS = {
    "seeds": Parameter(4, "data splits, weights and batches", 10),
    "data": Parameter("digits", "data set"),
    "most": Parameter(1797, "samples at most", 6000),
    "hidden": Parameter(32, "units of the hidden layer", 64),
    "batch": Parameter(50, "samples in a mini-batch"),
    "identity_updates": Parameter(100, "updates over which the identity is checked", 300),
    "sequence": Parameter(
        [2.5, 1.5, 2.5, 1.5, 2.5, 1.5, 2.5, 1.5, 2.5, 1.5], "gradients fed to Adam and to RMSprop"
    ),
    "sequence_rate": Parameter(0.01, "η for the sequence, RMSprop's default"),
    "updates": Parameter(1200, "updates of each training of the sweep", 3000),
    "early": Parameter(120, "updates before the early look", 300),
    "rates": Parameter([1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1], "η of the sweep"),
    "beta1": Parameter([0.0, 0.5, 0.9, 0.99], "β₁ of the sweep"),
    "beta2": Parameter([0.9, 0.99, 0.999, 0.9999], "β₂ of the sweep"),
}
MEASURED = {
    "identity": "the largest ‖Δ_Adam − Δ_own rule‖ / ‖Δ_Adam‖ of the updates, same gradients",
    "no_momentum": "the same for Adam with β₁ = 0 against RMSprop at the rate η√(1 − β₂ᵗ)",
    "apart": "{rule: ‖w_rule − w_Adam‖ / ‖w_Adam − w_start‖ after each update}",
    "sequence": "{rule: [weight after each gradient of the sequence, from 0]}",
    "sweep": "{rates, beta1, beta2: [{early: validation loss at the early look, loss: at the end, "
    "nats, accuracy: test accuracy at the end}, one a value]}",
}
REFERENCES = [
    (
        "D. Kingma and J. Ba (2015), Adam: a method for stochastic optimization",
        "https://arxiv.org/abs/1412.6980",
    ),
    (
        "H. Lee (2021), Machine Learning, lecture P7: Adaptive learning rate",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
]
EXACT = 1e-9
POINTS = 0.02  # two points of accuracy
DEFAULT = {"rates": 1e-3, "beta1": 0.9, "beta2": 0.999}


class MeanOverRoot(mg.optim.Optimizer):
    """θ ← θ − η m/(σ + ε): a weighted mean of g, over the root of a weighted mean of g².

    A gradient of age k weighs βᵏ; dividing by the sum of the weights makes a mean of it from the
    first update on. That division is Adam's bias correction.
    """

    buffers = ("m", "v")
    scalars = ("weight_m", "weight_v")

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def update(self, p, g, state, group):
        """One step of the formula above."""
        for name, beta, x in zip("mv", group["betas"], (g, g * g), strict=True):
            self.buffer(state, name, p).mul_(beta).add_(x)  # Σ β^age x
            state["weight_" + name] = beta * state.get("weight_" + name, 0.0) + 1  # Σ β^age
        mean = state["m"] / state["weight_m"]
        root = (state["v"] / state["weight_v"]) ** 0.5
        p -= group["lr"] * mean / (root + group["eps"])


def moves(make, model, batches):
    """Train; the flat weights before the first and after each update, (updates + 1, n)."""
    optimizer = make(model.parameters())
    path = [flat(model.parameters())]
    for x, y in batches:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        path.append(flat(model.parameters()))
    return np.array(path)


def flat(parameters):
    """A copy of all weights in one array."""
    return nn.utils.parameters_to_vector(parameters).detach().numpy().copy()


def side_by_side(make, other, model, batches, schedule=None):
    """max over the updates of ‖Δ − Δ'‖ / ‖Δ‖, both optimizers fed the gradients at one path.

    On paths of their own a difference of 1e-16 would grow as chaos has it.
    """
    own = list(model.parameters())
    twins = [p.detach().clone().requires_grad_() for p in own]
    first, second = make(own), other(twins)
    scheduler = mg.optim.lr_scheduler.LambdaLR(second, schedule or (lambda t: 1.0))
    worst = 0.0
    for x, y in batches:
        first.zero_grad()
        F.cross_entropy(model(x), y).backward()
        for p, twin in zip(own, twins, strict=True):
            twin.grad = p.grad
        before = flat(own), flat(twins)
        first.step()
        second.step()
        scheduler.step()
        step, twin_step = flat(own) - before[0], flat(twins) - before[1]
        worst = max(worst, float(np.linalg.norm(twin_step - step) / np.linalg.norm(step)))
    return worst


HEART = [MeanOverRoot, side_by_side]


def fed(make, gradients):
    """The weight after each of the given gradients, from 0."""
    w = mg.zeros(1, dtype=mg.float64, requires_grad=True)
    optimizer = make([w])
    path = []
    for g in gradients:
        optimizer.zero_grad()
        (g * w).sum().backward()
        optimizer.step()
        path.append(w.item())
    return path


def rules(rate, eps=1e-8):
    """Adam and the three rules that might be meant by RMSProp + momentum."""
    return {
        "Adam": lambda p: mg.optim.Adam(p, lr=rate, eps=eps),
        "mean of g over σ": lambda p: MeanOverRoot(p, lr=rate, eps=eps),
        "RMSprop(momentum=0.9)": lambda p: mg.optim.RMSprop(
            p, lr=rate, alpha=0.99, momentum=0.9, eps=eps
        ),
        "the same, η/10, α = 0.999": lambda p: mg.optim.RMSprop(
            p, lr=rate / 10, alpha=0.999, momentum=0.9, eps=eps
        ),
    }


def identities(split, settings, seed):
    """The engine's Adam beside the other rules, on the same batches from the same start."""
    x, y = tensors(split.train)
    x = x.double()

    def start():
        mg.manual_seed(seed)
        model = network([x.shape[1], 16, classes(y)], nn.Tanh).double()
        return model, minibatches((x, y), settings["batch"], settings["identity_updates"])

    made = rules(1e-3)
    paths = {name: moves(make, *start()) for name, make in made.items()}
    adam = paths["Adam"]
    way = np.maximum(np.linalg.norm(adam - adam[0], axis=1)[1:], 1e-300)
    tiny = 1e-30  # ε stands at another place in the two: next to nothing makes them one
    return {
        "identity": side_by_side(made["Adam"], made["mean of g over σ"], *start()),
        "no_momentum": side_by_side(
            lambda p: mg.optim.Adam(p, lr=1e-3, betas=(0.0, 0.99), eps=tiny),
            lambda p: mg.optim.RMSprop(p, lr=1e-3, alpha=0.99, eps=tiny),
            *start(),
            lambda t: math.sqrt(1 - 0.99 ** (t + 1)),
        ),
        "apart": {
            name: np.linalg.norm(other - adam, axis=1)[1:] / way
            for name, other in paths.items()
            if name != "Adam"
        },
    }


def train(split, settings, seed, lr, beta1, beta2):
    """One training of the sweep: validation loss early and at the end, test accuracy."""
    part, validation, test = (tensors(p) for p in split)
    mg.manual_seed(seed)
    model = network([part[0].shape[1], settings["hidden"], classes(part[1])])
    optimizer = mg.optim.Adam(model.parameters(), lr=lr, betas=(beta1, beta2))
    early = math.nan
    batches = minibatches(part, settings["batch"], settings["updates"])
    for step, (x, y) in enumerate(batches, 1):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        if step == settings["early"]:
            early = evaluate(model, validation)[0]
    return {
        "early": early,
        "loss": evaluate(model, validation)[0],
        "accuracy": evaluate(model, test)[1],
    }


def run(seed, settings):
    """The identities, the sequence, the sweep."""
    split = data.load(settings["data"], seed, most=settings["most"])
    found = identities(split, settings, seed)
    sweep, known = {}, {}
    for i, knob in enumerate(DEFAULT):
        sweep[knob] = []
        for value in settings[knob]:
            progress.report((1 + i) / 4, f"{knob} = {value:g}")
            chosen = tuple({**DEFAULT, knob: value}.values())
            if chosen not in known:
                known[chosen] = train(split, settings, seed, *chosen)
            sweep[knob].append(known[chosen])
    sequence = {
        name: fed(make, settings["sequence"])
        for name, make in rules(settings["sequence_rate"]).items()
    }
    return {**found, "sequence": sequence, "sweep": sweep}


def default(measurements, run):
    """What the default parameters gave in the sweep of one run."""
    at = measurements["settings"]["rates"].index(DEFAULT["rates"])
    return run["sweep"]["rates"][at]


def lowest(results, what):
    """The result with the smallest loss; one that is not a number loses."""
    return min(results, key=lambda r: math.inf if not _finite(r[what]) else r[what])


def _finite(x):
    return x is not None and math.isfinite(x)


def comparison(measurements):
    """Defaults against the best: accuracy (mean, low, high), ratios of the losses likewise."""
    runs = measurements["runs"]
    everything = [[r for knob in run["sweep"].values() for r in knob] for run in runs]
    gap = [
        default(measurements, run)["accuracy"] - lowest(results, "loss")["accuracy"]
        for run, results in zip(runs, everything, strict=True)
    ]
    losses = {
        what: ratio(
            [default(measurements, run)[what] for run in runs],
            [lowest(run["sweep"]["rates"], what)[what] for run in runs],
        )
        for what in ("early", "loss")
    }
    return {"accuracy": (float(np.mean(gap)), *interval(gap)), **losses}


def good_rates(measurements):
    """The rates whose mean test accuracy is within two points of the best one's."""
    rates = measurements["settings"]["rates"]
    means = np.array(
        [[r["accuracy"] for r in run["sweep"]["rates"]] for run in measurements["runs"]]
    ).mean(axis=0)
    return [rate for rate, m in zip(rates, means, strict=True) if m >= means.max() - POINTS]


def numbers(measurements):
    """The table of the report."""
    runs = measurements["runs"]
    rows = [
        Number("Adam against mean over root: largest difference", [r["identity"] for r in runs]),
        Number(
            "Adam, β₁ = 0, against RMSprop: largest difference", [r["no_momentum"] for r in runs]
        ),
    ]
    for name in runs[0]["apart"]:
        rows.append(
            Number(
                f"{name}: distance from Adam / Adam's way", [r["apart"][name][-1] for r in runs]
            )
        )
    for name in runs[0]["sequence"]:
        rows.append(
            Number(f"sequence, {name}: weight at the end", [r["sequence"][name][-1] for r in runs])
        )
    for knob in DEFAULT:
        for i, value in enumerate(measurements["settings"][knob]):
            here = [100 * r["sweep"][knob][i]["accuracy"] for r in runs]
            rows.append(Number(f"{SYMBOLS[knob]} = {value:g}: test accuracy", here, "%", 4))
    return rows


SYMBOLS = {"rates": "η", "beta1": "β₁", "beta2": "β₂"}


def rate_figure(measurements):
    """Validation loss against η, at the two looks."""
    runs, settings = measurements["runs"], measurements["settings"]
    figure, panel = plots.axes(
        "learning rate η of Adam", "validation loss, nats", xscale="log", yscale="log"
    )
    looks = {"early": (plots.ORANGE, "--", "early"), "loss": (plots.BLUE, "-", "updates")}
    for what, (colour, dash, count) in looks.items():
        rows = [[r[what] for r in run["sweep"]["rates"]] for run in runs]
        label = f"after {settings[count]} updates"
        plots.band(panel, settings["rates"], rows, colour, dash, label)
    panel.axvline(DEFAULT["rates"], color=plots.BLACK, lw=0.9, ls=":", label="default")
    plots.legend(figure, ncols=3)
    return Figure(
        figure,
        f"Validation loss against the rate, mean ± one standard deviation over {len(runs)} seeds; "
        "dotted: the default η = 0.001. It is safe, and slow: given few updates a larger rate is "
        "far ahead, and with more updates the valley of good rates widens towards it.",
        "Two valleys of the loss over the learning rate; the default lies on their left slope.",
    )


def apart_figure(measurements):
    """Distance from Adam over the updates."""
    runs = measurements["runs"]
    figure, panel = plots.axes("updates", "distance from Adam / Adam's way", yscale="log")
    styles = [(plots.GREEN, "-"), (plots.RED, "--"), (plots.PURPLE, "-.")]
    for name, (colour, dash) in zip(runs[0]["apart"], styles, strict=True):
        rows = np.maximum([r["apart"][name] for r in runs], 1e-18)
        plots.band(panel, np.arange(1, rows.shape[1] + 1), rows, colour, dash, name)
    plots.legend(figure)
    return Figure(
        figure,
        "A mean of the gradients over a root mean square is Adam to rounding (green). RMSprop's "
        "momentum, which sums up what was already divided, goes elsewhere, even at a tenth of the "
        "rate and with Adam's σ.",
        "Distances on a logarithmic axis: one curve near 1e-15, two curves near 1.",
    )


def sequence_figure(measurements):
    """The weight under the given gradients."""
    run = measurements["runs"][0]
    figure, panel = plots.axes("gradients fed", "−weight", yscale="log")
    styles = [
        (plots.BLUE, "-", "o"),
        (plots.GREEN, ":", "^"),
        (plots.RED, "--", "s"),
        (plots.PURPLE, "-.", "v"),
    ]
    for (name, path), (colour, dash, marker) in zip(run["sequence"].items(), styles, strict=True):
        x = range(1, len(path) + 1)
        panel.plot(x, -np.array(path), dash, color=colour, marker=marker, ms=4, label=name)
    plots.legend(figure)
    return Figure(
        figure,
        "The same gradients for all rules, from weight 0. PyTorch's RMSprop(momentum=) goes many "
        "times as far: its σ starts too small, and its sum has no 1 − β₁ before it.",
        "Four rising curves: Adam and the mean over root on one line, RMSprop far above.",
    )


def beta_figure(measurements):
    """Validation loss over β₁ and β₂, drawn over the gradients that a mean remembers."""
    runs, settings = measurements["runs"], measurements["settings"]
    figure, panel = plots.axes(
        "gradients remembered, 1/(1 − β)", "validation loss, nats", xscale="log"
    )
    for knob, colour, dash in (("beta1", plots.BLUE, "-"), ("beta2", plots.ORANGE, "--")):
        rows = [[r["loss"] for r in run["sweep"][knob]] for run in runs]
        x = 1 / (1 - np.array(settings[knob]))
        plots.band(panel, x, rows, colour, dash, f"{SYMBOLS[knob]}, the other at its default")
        panel.axvline(1 / (1 - DEFAULT[knob]), color=colour, lw=0.9, ls=":")
    plots.legend(figure)
    return Figure(
        figure,
        f"The two means' memories, each changed alone at η = 0.001, {len(runs)} seeds; dotted: "
        "the defaults β₁ = 0.9 and β₂ = 0.999.",
        "Validation loss against the memory of the means: two curves, both rather flat.",
    )


def figures(measurements):
    """The sweep of η, the distances, the sequence, the sweep of β."""
    return [
        rate_figure(measurements),
        apart_figure(measurements),
        sequence_figure(measurements),
        beta_figure(measurements),
    ]


def verdict(measurements):
    """The identities must be exact; the sweep decides by 95 % intervals over the seeds."""
    runs, settings = measurements["runs"], measurements["settings"]
    n = len(runs)
    if n < 3:
        why = say(
            "{n} seeds are too few for an interval; `minigrad lab adam --seeds 5` decides.", n=n
        )
        return Verdict(UNDECIDED, say("{n} seeds", n=n), [why])
    found = comparison(measurements)
    exact = max(r["identity"] for r in runs)
    still = max(r["no_momentum"] for r in runs)
    gap, early, late = found["accuracy"], found["early"], found["loss"]
    key = say(
        "identity to {exact:.0e}; defaults {gap:+.1f} points from best",
        exact=exact,
        gap=100 * gap[0],
    )
    reasons = [
        say(
            "A weighted mean of g over the root of a weighted mean of g² is the engine's Adam: "
            "their updates differ by at most {exact:.1e} of their length over {updates} updates. "
            "With β₁ = 0 Adam is RMSprop at the rate η√(1 − β₂ᵗ), to {still:.1e}.",
            exact=exact,
            still=still,
            updates=settings["identity_updates"],
        ),
        say(
            "On the images the defaults reach {gap:+.2f} points of test accuracy (95 % interval "
            "{low:+.2f} to {high:+.2f}, {n} seeds) against the setting of the sweep that "
            "validates best.",
            gap=100 * gap[0],
            low=100 * gap[1],
            high=100 * gap[2],
            n=n,
        ),
        say(
            "Rates from {least:g} to {most:g} reach a mean test accuracy within two points of "
            "the best one's.",
            least=min(good_rates(measurements)),
            most=max(good_rates(measurements)),
        ),
    ]
    if exact > EXACT or still > EXACT or gap[2] < -POINTS:
        return Verdict(REFUTED, key, reasons)
    limits = []
    ends = {name: min(r["apart"][name][-1] for r in runs) for name in runs[0]["apart"]}
    name = "RMSprop(momentum=0.9)"
    if ends[name] > 0.01:
        last = {rule: path[-1] for rule, path in runs[0]["sequence"].items()}
        limits.append(
            say(
                "The words must be exact: RMSprop with PyTorch's momentum sums g/σ up and is "
                "another rule. It ends at least {apart:.1f} × Adam's way from Adam; fed one "
                "sequence of {count} gradients it goes to {rms:.2f}, Adam to {adam:.3f}.",
                apart=ends[name],
                count=len(settings["sequence"]),
                rms=last[name],
                adam=last["Adam"],
            )
        )
    for (low, high), value, count in ((early[1:], early[0], settings["early"]),
                                      (late[1:], late[0], settings["updates"])):  # fmt: skip
        if low > 1:
            limits.append(
                say(
                    "After {count} updates the validation loss of the defaults is {ratio:.2f} × "
                    "that of the best rate ({low:.2f} to {high:.2f}): η = 0.001 is slow here.",
                    count=count,
                    ratio=value,
                    low=low,
                    high=high,
                )
            )
    if gap[1] <= -POINTS:
        why = say(
            "The interval of the accuracy holds two points; `minigrad lab adam --full` takes more "
            "seeds."
        )
        return Verdict(UNDECIDED, key, [*reasons, *limits, why])
    return Verdict(LIMITED if limits else HOLDS, key, reasons + limits)
