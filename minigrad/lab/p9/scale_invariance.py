"""Batch norm forgets the length of the weights before it: what gradient and Hessian say."""

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
from minigrad.lab.training import classes, tensors
from minigrad.lab.words import say
from minigrad.nn import functional as F

TITLE = "Batch norm forgets the length of the weights"
ROW = 27
CLAIM = (
    "In training mode batch norm makes the loss independent of the length of the weights before "
    "it: for each neuron w·g = 0 and Hw = −g, up to the ε in the denominator, and a bias before "
    "batch norm has gradient 0 and zero rows in the Hessian. So plain gradient steps can only "
    "lengthen w, and its effective learning rate is η/‖w‖²."
)
REFUTED_BY = (
    "At any seed, before or after training: a gradient or a Hessian entry of a bias before batch "
    "norm above 1e-12; at the smallest ε a neuron with |cos(w, g)| or ‖Hw + g‖/‖g‖ above 1e-6; "
    "residuals that do not shrink in proportion to ε (log-log slope over ε ≤ 1e-4 outside 0.9 to "
    "1.1); residuals below 1e-3 or idle biases without batch norm too; at the smallest ε, losses "
    "of descent from (aw, a²η) and (w, η) that differ by more than 1 % within the compared "
    "updates, or from (aw, η) and (w, η) that do not. A limit is, at the default ε: a loss that "
    "changes by over 1 % when w is scaled by one of the factors, or an update of gradient descent "
    "after which the weights are shorter."
)
METHOD = (
    "A tanh network with a bias and BatchNorm1d at each hidden layer, in float64, on one fixed "
    "batch of images. The engine's gradient and Hessian products are compared with the "
    "identities for every neuron and a row of ε, before and after some gradient descent; the "
    "same network without batch norm and in evaluation mode is the control. Then the weights are "
    "scaled, and gradient descent runs from w, from longer weights at the same rate, and at the "
    "rate that should make up for their length; lengths are recorded at every update."
)
SECONDS = 0.8
PARAMETERS = {
    "seeds": Parameter(3, "initialisations and samples", 10),
    "data": Parameter("digits", "data set"),
    "most": Parameter(300, "samples at most, of which the training part is used", 600),
    "hidden": Parameter([8, 8], "units of the hidden layers", [16, 16]),
    "eps": Parameter(
        [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10, 1e-12], "values of ε in falling order"
    ),
    "default": Parameter(1e-5, "the default ε, at which scaled weights and lengths are looked at"),
    "rate": Parameter(0.5, "learning rate η of gradient descent"),
    "updates": Parameter(100, "updates of gradient descent"),
    "longer": Parameter(3.0, "factor a of the longer weights"),
    "compared": Parameter(
        30, "first updates in which losses are compared; later, rounding errors have grown"
    ),
    "scales": Parameter(
        [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100],
        "factors by which the weights are scaled, 1 among them",
    ),
    "decay": Parameter(0.02, "weight decay of the second run in which lengths are recorded"),
}
MEASURED = {
    "residuals": "{initial, trained: a list over eps of {cosine: the largest |w·g|/(‖w‖‖g‖) of a "
    "neuron, hessian: the largest ‖Hw + g‖/‖g‖, bias gradient and bias rows: the largest "
    "magnitude, predicted: the largest |w·g − γ ∂L/∂γ ε/(σ² + ε)|/(‖w‖‖g‖)}}",
    "controls": "{no batch norm, evaluation mode: the same at the trained weights and the default "
    "ε, without predicted}",
    "scaling": "{eps: loss in nats of the trained network with its weights before batch norm "
    "times each of the scales}, at 100 times the default ε, the default and the smallest",
    "twins": "{eps: {w, η | aw, η | aw, a²η: training loss in nats at every update}}, at the "
    "default and at the smallest ε",
    "lengths": "{gradient descent, weight decay: {squared: ‖w‖² of all weights before batch norm "
    "at every update, pythagoras: ‖w‖² at the start plus the sum of η²‖g‖² so far}}",
}
REFERENCES = [
    (
        "S. Ioffe and C. Szegedy (2015), Batch normalization, section 3.3",
        "https://arxiv.org/abs/1502.03167",
    ),
    (
        "T. van Laarhoven (2017), L2 regularization versus batch and weight normalization",
        "https://arxiv.org/abs/1706.05350",
    ),
    (
        "S. Arora, Z. Li and K. Lyu (2019), Theoretical analysis of auto rate-tuning by batch "
        "normalization",
        "https://arxiv.org/abs/1812.03981",
    ),
    (
        "H. Lee (2021), Machine Learning, lecture P9: Batch normalization",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
]
START, LONGER, REPAID = TWINS = ("w, η", "aw, η", "aw, a²η")
IDLE, GONE, SLOPE, POWER, SAME = 1e-12, 1e-6, (0.9, 1.1), 1e-3, 0.01


def network(inputs, hidden, outputs, eps, batch_norm=True):
    """Linear, with the bias that batch norm will take away again, batch norm, tanh; …; Linear."""
    layers = []
    for units in hidden:
        norm = [nn.BatchNorm1d(units, eps=eps)] if batch_norm else []
        layers += [nn.Linear(inputs, units), *norm, nn.Tanh()]
        inputs = units
    return nn.Sequential(*layers, nn.Linear(inputs, outputs)).double()


def hidden_layers(model):
    """{index in the model: Linear} of all but the last."""
    linear = {i: layer for i, layer in enumerate(model) if isinstance(layer, nn.Linear)}
    linear.pop(len(model) - 1)
    return linear


def neurons(model, H):
    """Directions in parameter space (n, neurons): the weights of each neuron, and its bias."""
    zeros = {name: np.zeros(p.shape) for name, p in model.named_parameters()}

    def direction(name, k, value):
        array = zeros[name].copy()
        array[k] = value
        return H.flatten({**zeros, name: array})

    weights, biases = [], []
    for i, layer in hidden_layers(model).items():
        for k, row in enumerate(layer.weight.detach().numpy()):
            weights.append(direction(f"{i}.weight", k, row))
            biases.append(direction(f"{i}.bias", k, 1.0))
    return np.stack(weights, axis=1), np.stack(biases, axis=1)


def residuals(model, part, mode="train"):
    """How far the worst neuron is from w·g = 0 and Hw = −g, and biases from being idle."""
    H = Hessian(model, F.cross_entropy, part, batch_norm=mode)
    g = H.gradient()
    w, b = neurons(model, H)
    own = np.where(w != 0, g[:, None], 0)  # the gradient of each neuron's weights
    length, slope = np.linalg.norm(w, axis=0), np.linalg.norm(own, axis=0)
    found = {
        "cosine": abs(g @ w) / (length * slope),
        "hessian": np.linalg.norm(H @ w + own, axis=0) / slope,
        "bias gradient": abs(g @ b),
        "bias rows": abs(H @ b),
    }
    if mode == "train" and any(isinstance(layer, nn.BatchNorm1d) for layer in model):
        found["predicted"] = abs(g @ w - left_over(model, part, H.unflatten(g))) / (length * slope)
    return {name: float(values.max()) for name, values in found.items()}


def left_over(model, part, gradient):
    """What ε leaves of w·g for each neuron: γ ∂L/∂γ ε/(σ² + ε)."""
    x, found = part[0], []
    for i, layer in enumerate(model):
        if isinstance(layer, nn.BatchNorm1d):
            share = layer.eps / (x.var(dim=0, unbiased=False) + layer.eps)
            found.append((layer.weight * gradient[f"{i}.weight"] * share).detach().numpy())
        x = layer(x)
    return np.concatenate(found)


def descend(model, part, rate, hidden_rate, updates, decay=0.0):
    """Gradient descent, the weights before batch norm at a rate of their own: losses, lengths."""
    x, y = part
    weights = [layer.weight for layer in hidden_layers(model).values()]
    inside = {id(w) for w in weights}
    others = [p for p in model.parameters() if id(p) not in inside]
    optimizer = mg.optim.SGD([
        {"params": weights, "lr": hidden_rate, "weight_decay": decay},
        {"params": others, "lr": rate},
    ])  # fmt: skip
    losses, squared = [], [sum((w * w).sum().item() for w in weights)]
    pythagoras = squared.copy()  # what the lengths would be if each step were at a right angle
    for _ in range(updates):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        squared.append(sum((w * w).sum().item() for w in weights))
        step = sum((w.grad * w.grad).sum().item() for w in weights) * hidden_rate**2
        pythagoras.append(pythagoras[-1] + step)
    return losses, {"squared": squared, "pythagoras": pythagoras}


HEART = [neurons, residuals, left_over, descend]


def scale(model, factor):
    """Multiply the weights before batch norm."""
    with mg.no_grad():
        for layer in hidden_layers(model).values():
            layer.weight.mul_(factor)
    return model


def run(seed, settings):
    """One sample of the data and one initialisation."""
    x, y = tensors(data.load(settings["data"], seed, most=settings["most"]).train)
    part = x.double(), y
    default, rate, updates = settings["default"], settings["rate"], settings["updates"]
    smallest = min(settings["eps"])

    def fresh(eps, factor=1.0, batch_norm=True):
        mg.manual_seed(seed)
        model = network(x.shape[1], settings["hidden"], classes(y), eps, batch_norm)
        return scale(model, factor)

    lengths, trained = {}, {}
    for i, (name, decay) in enumerate({"gradient descent": 0.0, "weight decay": 1.0}.items()):
        progress.report(0.1 * i, name)
        trained[name] = fresh(default)
        decay *= settings["decay"]
        _, lengths[name] = descend(trained[name], part, rate, rate, updates, decay)

    state = trained["gradient descent"].state_dict()
    found = {"initial": [], "trained": []}
    for i, eps in enumerate(settings["eps"]):
        progress.report(0.3 + 0.3 * i / len(settings["eps"]), f"ε = {eps:g}")
        model = fresh(eps)
        found["initial"].append(residuals(model, part))
        model.load_state_dict(state)
        found["trained"].append(residuals(model, part))

    plain = fresh(default, batch_norm=False)
    descend(plain, part, rate, rate, updates)
    controls = {
        "no batch norm": residuals(plain, part),
        "evaluation mode": residuals(trained["gradient descent"], part, "eval"),
    }

    scaling, twins = {}, {}
    with mg.no_grad():
        for eps in (100 * default, default, smallest):
            scaling[f"{eps:g}"] = []
            for factor in settings["scales"]:
                model = fresh(eps)
                model.load_state_dict(state)
                logits = scale(model, factor)(part[0])
                scaling[f"{eps:g}"].append(F.cross_entropy(logits, y).item())
    a = settings["longer"]
    for eps in (default, smallest):
        progress.report(0.8, f"longer weights, ε = {eps:g}")
        starts = {START: (1.0, rate), LONGER: (a, rate), REPAID: (a, a * a * rate)}
        twins[f"{eps:g}"] = {
            name: descend(fresh(eps, factor), part, rate, hidden_rate, updates)[0]
            for name, (factor, hidden_rate) in starts.items()
        }
    return {
        "residuals": found,
        "controls": controls,
        "scaling": scaling,
        "twins": twins,
        "lengths": lengths,
    }


def slope(measurements, run, place, name):
    """Slope of log residual against log ε, over ε ≤ 1e-4."""
    eps = np.array(measurements["settings"]["eps"])
    values = np.array([row[name] for row in run["residuals"][place]])
    small = eps <= 1e-4
    return float(np.polyfit(np.log(eps[small]), np.log(values[small]), 1)[0])


def worst(measurements, name, eps):
    """The largest of a residual at one ε, one a run."""
    at = measurements["settings"]["eps"].index(eps)
    return [max(rows[at][name] for rows in r["residuals"].values()) for r in measurements["runs"]]


def apart(measurements, run, eps, name):
    """The largest relative difference of a twin's first losses from those of (w, η)."""
    compared = measurements["settings"]["compared"]
    losses = run["twins"][f"{eps:g}"]
    first, other = np.array(losses[START][:compared]), np.array(losses[name][:compared])
    return float((abs(other - first) / first).max())


def changes(measurements, run):
    """Relative change of the loss for each scale, at the default ε."""
    losses = np.array(run["scaling"][f"{measurements['settings']['default']:g}"])
    return abs(losses / losses[measurements["settings"]["scales"].index(1)] - 1)


def shortened(run, name="gradient descent"):
    """Updates after which the weights were shorter."""
    return int((np.diff(run["lengths"][name]["squared"]) < 0).sum())


def numbers(measurements):
    """The table of the report."""
    runs, settings = measurements["runs"], measurements["settings"]
    rows = []
    for eps in (settings["default"], min(settings["eps"])):
        for name, text in (("cosine", "|cos(w, g)|"), ("hessian", "‖Hw + g‖/‖g‖")):
            rows.append(Number(f"largest {text} at ε = {eps:g}", worst(measurements, name, eps)))
    for control in ("no batch norm", "evaluation mode"):
        rows.append(
            Number(
                f"largest |cos(w, g)|, {control}", [r["controls"][control]["cosine"] for r in runs]
            )
        )
    everywhere = [[row for rows in r["residuals"].values() for row in rows] for r in runs]
    for name in ("bias gradient", "bias rows"):
        rows.append(
            Number(
                f"{name}: largest magnitude", [max(x[name] for x in found) for found in everywhere]
            )
        )
    rows += [
        Number(
            "w·g against γ ∂L/∂γ ε/(σ² + ε): largest difference, per ‖w‖‖g‖",
            [max(x["predicted"] for x in found) for found in everywhere],
        ),
        Number(
            "slope of log ‖Hw + g‖/‖g‖ against log ε, trained",
            [slope(measurements, r, "trained", "hessian") for r in runs],
            digits=5,
        ),
    ]
    for name in (LONGER, REPAID):
        rows.append(
            Number(
                f"({name}): largest difference of the loss from (w, η)",
                [100 * apart(measurements, r, settings["default"], name) for r in runs],
                "%",
            )
        )
    for name in runs[0]["lengths"] if runs else ():
        squared = [r["lengths"][name]["squared"] for r in runs]
        rows.append(
            Number(f"{name}: ‖w‖² at the end / at the start", [s[-1] / s[0] for s in squared])
        )
        rows.append(Number(f"{name}: updates that shorten w", [shortened(r, name) for r in runs]))
    return rows


def residual_figure(measurements):
    """Residuals against ε."""
    runs, settings = measurements["runs"], measurements["settings"]
    figure, panel = plots.axes(
        "ε in the denominator of batch norm", "worst neuron, relative", xscale="log", yscale="log",
        height=4.4,
    )  # fmt: skip
    eps = settings["eps"]
    looks = {
        "hessian": (plots.RED, "-", "s", "‖Hw + g‖/‖g‖"),
        "cosine": (plots.BLUE, "--", "o", "|cos(w, g)|"),
        "predicted": (plots.GREEN, "-.", "^", "w·g − γ ∂L/∂γ ε/(σ² + ε)"),
    }
    for name, (colour, dash, marker, label) in looks.items():
        for k, r in enumerate(runs):
            values = [row[name] for row in r["residuals"]["trained"]]
            panel.plot(eps, values, dash, color=colour, marker=marker, ms=4, lw=1.2,
                       label=None if k else label)  # fmt: skip
    values = [[row["bias rows"] for row in r["residuals"]["trained"]] for r in runs]
    panel.plot(eps, np.max(values, axis=0), ":", color=plots.PURPLE, marker="D", ms=4,
               label="Hessian rows of biases, |entry|")  # fmt: skip
    for control, dash in (("no batch norm", (0, (1, 1))), ("evaluation mode", (0, (6, 2)))):
        level = np.mean([r["controls"][control]["cosine"] for r in runs])
        panel.axhline(level, color=plots.BLACK, lw=1, ls=dash, label=f"|cos(w, g)|, {control}")
    panel.set_ylim(1e-18, 1e2)
    plots.legend(figure)
    return Figure(
        figure,
        "Trained network, one line a seed. w·g and Hw + g vanish in proportion to ε; what is "
        "left of w·g is γ ∂L/∂γ ε/(σ² + ε) to the last digit; biases are idle at any ε. Without "
        "batch norm, or in evaluation mode, w and g are nearly parallel in some neuron.",
        "Log-log plot: two residuals fall with slope one as epsilon falls, two others lie at "
        "rounding error, two horizontal lines of the controls lie near one.",
    )


def twins_figure(measurements):
    """Training losses of the network, the longer one, and the longer one with its rate repaid."""
    runs, settings = measurements["runs"], measurements["settings"]
    figure, panel = plots.axes("updates", "training loss, nats", yscale="log")
    a = settings["longer"]
    looks = {
        START: (plots.SKY, "-", 5, "weights w, rate η"),
        LONGER: (plots.RED, "-.", 1.8, f"weights {a:g}w, rate η"),
        REPAID: (plots.BLUE, "--", 1.8, f"weights {a:g}w, rate {a * a:g}η"),
    }
    for name, (colour, dash, width, label) in looks.items():
        rows = np.array([r["twins"][f"{settings['default']:g}"][name] for r in runs])
        panel.plot(rows.mean(axis=0), dash, color=colour, lw=width, label=label)
    plots.legend(panel, loc="upper right")
    return Figure(
        figure,
        f"Mean over {len(runs)} seeds, η = {settings['rate']:g}. The same function with weights "
        f"{a:g} times as long learns more slowly; {a * a:g} times the rate for those weights "
        "gives the old curve back: the effective rate is η/‖w‖².",
        "Two curves of the loss lie on each other, the third, of longer weights at the same "
        "rate, falls more slowly.",
    )


def lengths_figure(measurements):
    """Squared length of the weights against updates."""
    runs = measurements["runs"]
    figure, panel = plots.axes("updates", "‖w‖² of all weights before batch norm")
    looks = {"gradient descent": (plots.BLUE, "-"), "weight decay": (plots.ORANGE, "-.")}
    for name, (colour, dash) in looks.items():
        rows = [r["lengths"][name]["squared"] for r in runs]
        plots.band(panel, range(len(rows[0])), rows, colour, dash, name)
    rows = np.array([r["lengths"]["gradient descent"]["pythagoras"] for r in runs])
    panel.plot(rows.mean(axis=0), ":", color=plots.BLACK, label="Pythagoras: ‖w₀‖² + Σ η²‖g‖²")
    panel.set_ylim(0)
    plots.legend(figure)
    return Figure(
        figure,
        "Each gradient stands at a right angle to w, so that gradient descent lengthens the "
        "weights as Pythagoras says, and slows itself down. Weight decay does not make the "
        "function simpler here: it keeps w short and the effective rate up. Mean ± one standard "
        f"deviation over {len(runs)} seeds.",
        "The squared length rises under gradient descent, on the dotted line of its prediction; "
        "with weight decay it stays lower.",
    )


def scaling_figure(measurements):
    """Loss against the factor of the weights for some ε."""
    runs, settings = measurements["runs"], measurements["settings"]
    figure, panel = plots.axes(
        "factor on the weights before batch norm", "loss, nats", xscale="log"
    )
    looks = zip((plots.RED, plots.ORANGE, plots.BLUE), ("-.", "--", "-"), "^so", strict=True)
    for eps, (colour, dash, marker) in zip(runs[0]["scaling"], looks, strict=True):
        rows = np.mean([r["scaling"][eps] for r in runs], axis=0)
        panel.plot(settings["scales"], rows, dash, color=colour, marker=marker, ms=4,
                   label=f"ε = {eps}")  # fmt: skip
    panel.set_ylim(0)
    plots.legend(panel, loc="upper right")
    return Figure(
        figure,
        f"Where the invariance ends: loss of the trained network with its weights scaled, mean "
        f"over {len(runs)} seeds. It is flat as long as the variance of a neuron is far above ε; "
        "short weights drown in it.",
        "Loss against the scale of the weights: flat for large weights, rising to the left of a "
        "scale that shrinks with epsilon.",
    )


def figures(measurements):
    """Residuals, effective rate, lengths, limit."""
    return [
        residual_figure(measurements),
        twins_figure(measurements),
        lengths_figure(measurements),
        scaling_figure(measurements),
    ]


def facts(measurements):
    """The numbers that decide, by name."""
    runs, settings = measurements["runs"], measurements["settings"]
    smallest, default = min(settings["eps"]), settings["default"]
    rows = [row for r in runs for rows in r["residuals"].values() for row in rows]
    controls = [control for r in runs for control in r["controls"].values()]
    kinds = ("cosine", "hessian")
    slopes = [
        slope(measurements, r, place, kind)
        for r in runs
        for place in r["residuals"]
        for kind in kinds
    ]
    return {
        "n": len(runs),
        "eps": smallest,
        "default": default,
        "idle": max(max(row["bias gradient"], row["bias rows"]) for row in rows),
        "busy": min(min(c["bias gradient"], c["bias rows"]) for c in controls),
        **{kind: max(worst(measurements, kind, smallest)) for kind in kinds},
        **{f"default_{kind}": max(worst(measurements, kind, default)) for kind in kinds},
        "predicted": max(row["predicted"] for row in rows),
        "low": min(slopes),
        "high": max(slopes),
        "power": min(min(c[kind] for kind in kinds) for c in controls),
        "control": min(c["cosine"] for c in controls),
        "a": settings["longer"],
        "aa": settings["longer"] ** 2,
        "repaid": 100 * max(apart(measurements, r, smallest, REPAID) for r in runs),
        "default_repaid": 100 * max(apart(measurements, r, default, REPAID) for r in runs),
        "longer": 100 * min(apart(measurements, r, smallest, LONGER) for r in runs),
    }


def broken(f):
    """Sentences on the identities that do not hold."""
    found = []
    if f["idle"] > IDLE:
        found.append(say("A bias before batch norm is not idle: {idle:.1e}.", **f))
    if max(f["cosine"], f["hessian"]) > GONE:
        found.append(
            say(
                "At ε = {eps:g} the worst neuron still has |cos(w, g)| = {cosine:.1e} and "
                "‖Hw + g‖/‖g‖ = {hessian:.1e}.",
                **f,
            )
        )
    if not SLOPE[0] <= f["low"] <= f["high"] <= SLOPE[1]:
        found.append(
            say(
                "The residuals do not shrink in proportion to ε: log-log slopes {low:.2f} to "
                "{high:.2f}.",
                **f,
            )
        )
    if f["power"] < POWER or f["busy"] < IDLE:
        found.append(say("Without batch norm the identities hold as well."))
    if f["repaid"] > 100 * SAME or f["longer"] <= 100 * SAME:
        found.append(
            say(
                "The effective rate is not η/‖w‖²: losses differ by {repaid:.1f} % with a²η, by "
                "{longer:.1f} % with η.",
                **f,
            )
        )
    return found


def confirmed(f):
    """Sentences on the identities that hold."""
    return [
        say(
            "In {n} runs, before and after training, the worst neuron has |cos(w, g)| = "
            "{cosine:.1e} and ‖Hw + g‖/‖g‖ = {hessian:.1e} at ε = {eps:g}; both shrink in "
            "proportion to ε (log-log slopes {low:.3f} to {high:.3f}).",
            **f,
        ),
        say(
            "At the default ε = {default:g} they are {default_cosine:.1e} and "
            "{default_hessian:.1e}; what is left of w·g is γ ∂L/∂γ ε/(σ² + ε), to "
            "{predicted:.0e} of ‖w‖‖g‖.",
            **f,
        ),
        say("No bias before batch norm has a gradient or a Hessian entry above {idle:.0e}.", **f),
        say(
            "Without batch norm and in evaluation mode the worst |cos(w, g)| is at least "
            "{control:.2f}: the identities belong to training mode.",
            **f,
        ),
        say(
            "Weights {a:g} times as long train differently at the same rate (losses up to "
            "{longer:.0f} % apart) and alike at {aa:g} times the rate ({repaid:.0e} % apart, "
            "{default_repaid:.2g} % at the default ε).",
            **f,
        ),
    ]


def limits_of(measurements):
    """Sentences on what the default ε does to the claim, and on what it does not."""
    runs, settings = measurements["runs"], measurements["settings"]
    limits, kept = [], []
    change = np.array([changes(measurements, r) for r in runs]).max(axis=0)
    scales = np.array(settings["scales"])[change > SAME]
    if len(scales):
        limits.append(
            say(
                "The length is forgotten only while it is large against ε: at ε = {eps:g} the "
                "loss moves by over 1 % when the weights are multiplied by {least:g} … {most:g}, "
                "up to {change:.0f} %.",
                eps=settings["default"],
                least=scales.min(),
                most=scales.max(),
                change=100 * change.max(),
            )
        )
    falls = sum(shortened(r) for r in runs)
    count = sum(len(r["lengths"]["gradient descent"]["squared"]) - 1 for r in runs)
    if falls:
        limits.append(
            say(
                "Gradient descent at ε = {eps:g} shortened the weights in {falls} of {count} "
                "updates: where the gradient is small, what ε leaves of w·g outweighs η‖g‖².",
                eps=settings["default"],
                falls=falls,
                count=count,
            )
        )
    else:
        kept.append(
            say("Gradient descent never shortened the weights, in {count} updates.", count=count)
        )
    return limits, kept


def verdict(measurements):
    """The identities decide; what the default ε does to them is the limit."""
    if not measurements["runs"]:
        return Verdict(UNDECIDED, say("no run"), [say("There is no run.")])
    f = facts(measurements)
    key = say("‖Hw + g‖/‖g‖ = {hessian:.0e} at ε = {eps:.0e}", **f)
    wrong = broken(f)
    if wrong:
        return Verdict(REFUTED, key, wrong)
    limits, kept = limits_of(measurements)
    return Verdict(LIMITED if limits else HOLDS, key, [*confirmed(f), *kept, *limits])
