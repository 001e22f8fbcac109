"""Illnesses of the layers: what goes through them forwards and backwards."""

import numpy as np

from minigrad import nn
from minigrad.lab.doctor.finding import Finding
from minigrad.lab.doctor.illnesses.surface import rate_too_large
from minigrad.lab.words import say


def _inner(sample):
    """The layers but the first, whose input is data: those with an input that says something."""
    return [layer for layer in sample.layers[1:] if layer.input is not None]


def _late(record):
    """The sampled steps after the first three, or all."""
    return record.samples[3:] or record.samples


def dead_relu(record, exam, symptoms):
    """Units that are zero for every sample."""
    if not record.samples or symptoms.is_trained:
        return None
    worst = {}
    for sample in _late(record)[-3:]:
        for layer in _inner(sample):
            if layer.input["low"] >= 0 and layer.input["rms"] >= 0:
                worst.setdefault(layer.name, []).append(layer.input["dead"])
    dead = {name: min(values) for name, values in worst.items()}
    name = max(dead, key=dead.get, default=None)
    if name is None or dead[name] < 0.7:
        return None
    at_start = max((x.input["dead"] for x in _inner(record.samples[0])), default=0.0)
    if at_start < 0.5 and rate_too_large(record, exam, symptoms) is not None:
        return None  # the updates killed them
    return Finding(
        "dead-relu",
        say("Dead units"),
        [
            say(
                "{share:.0f} % of the units that feed layer {name} are 0 for every sample of the "
                "batch (at the first step: {start:.0f} %): a ReLU that is off passes no gradient "
                "and stays off.",
                share=100 * dead[name],
                name=name,
                start=100 * at_start,
            )
        ],
        say("Start with small biases and He's weights, lower the rate, or use LeakyReLU or GELU."),
        "batch_norm",
        {"dead": dead, "at start": at_start},
    )


def saturation(record, exam, symptoms):
    """tanh or sigmoid units at their ends."""
    if not record.samples or symptoms.is_trained and symptoms.fallen > 0.9:
        return None
    found = {}
    for sample in record.samples:
        for layer in _inner(sample):
            s = layer.input
            share = s["ends"]
            if s["low"] >= 0:  # a sigmoid has two ends, 0 and 1
                share = s["ends"] + s["zeros"] if s["ends"] > 0.1 else 0.0
            found.setdefault(layer.name, []).append(share)
    shares = {name: float(np.median(values)) for name, values in found.items()}
    name = max(shares, key=shares.get, default=None)
    if name is None or shares[name] < 0.6:
        return None
    if found[name][0] < 0.3 and rate_too_large(record, exam, symptoms) is not None:
        return None  # the updates drove them there
    return Finding(
        "saturation",
        say("Saturated units"),
        [
            say(
                "{share:.0f} % of the values that feed layer {name} lie within 0.01 of an end of "
                "tanh or sigmoid, where the derivative is nearly zero.",
                share=100 * shares[name],
                name=name,
            )
        ],
        say("Scale inputs and initial weights down (Xavier), or put batch norm before."),
        "cross_entropy",
        {"shares": shares},
    )


def vanishing_gradient(record, exam, symptoms):
    """Gradients that shrink from layer to layer."""
    ratios = _gradient_ratios(record)
    if not ratios or symptoms.fallen > 0.3:
        return None
    ratio, depth = float(np.median(ratios)), len(record.samples[0].layers)
    if ratio > 1e-3 or depth < 4:
        return None
    return Finding(
        "vanishing-gradient",
        say("The gradient vanishes on its way back"),
        [
            say(
                "The gradient at the first layer's output is {ratio:.1e} of that at the last "
                "one's, over {depth} layers: a factor of {each:.2g} a layer. The first layers "
                "hardly learn.",
                ratio=ratio,
                depth=depth,
                each=max(ratio, 1e-300) ** (1 / (depth - 1)),
            )
        ],
        say("Use ReLU with He's weights, batch norm, or fewer layers."),
        "batch_norm",
        {"ratio": ratio},
    )


def _gradient_ratios(record):
    """Gradient at the first layer's output over that at the last ones', each early sample.

    Of the last two the larger counts: the very last may be a branch that weighs little.
    """
    found = []
    for sample in record.samples[:5]:
        known = [layer.gradient for layer in sample.layers if layer.gradient is not None]
        if len(known) >= 3 and max(known[-2:]) > 0 and np.isfinite(known).all():
            found.append(known[0] / max(known[-2:]))
    return found


def exploding_gradient(record, exam, symptoms):
    """Activations or gradients that grow from layer to layer."""
    if not record.samples or len(record.samples[0].layers) < 2:
        return None
    first = record.samples[0]
    layers = [x for x in first.layers if np.isfinite(x.output)]
    inputs = layers[0].input["rms"] if layers and layers[0].input else 1.0
    growth = max((x.output for x in layers), default=0.0) / max(inputs, 1e-3)
    if len(layers) < len(first.layers):
        growth = np.inf
    ratios = _gradient_ratios(record)
    back = ratios[0] if ratios else 1.0
    steep = 0.0
    for name, norm in first.gradients.items():
        if norm and first.weights.get(name) and exam.record.trainable[name].ndim > 1:
            steep = max(steep, norm / first.weights[name])
    if growth < 100 and back < 1e3 and not (steep > 100 and growth > 10):
        return None
    return Finding(
        "exploding-gradient",
        say("Activations and gradients explode"),
        [
            say(
                "At the first step values grow {growth:.3g}-fold between input and layers, and "
                "gradients {back:.3g}-fold on the way back; the steepest weights had a gradient "
                "{steep:.3g} times their own norm.",
                growth=float(growth),
                back=float(back),
                steep=float(steep),
            )
        ],
        say("Start with He's or Xavier's weights; normalise layers; clip gradients."),
        "batch_norm",
        {"growth": float(growth), "back": float(back)},
    )


def symmetric_weights(record, exam, symptoms):
    """Units of a layer that are copies of each other."""
    if not record.snapshots:
        return None
    last = record.snapshots[-1]
    weights = last.after or last.before
    names = [n for n, w in weights.items() if w.ndim >= 2 and len(w) > 1]
    copies = []
    for name in names[:-1] if len(names) > 1 else []:
        w = weights[name]
        if abs(w - w[:1]).max() <= 1e-5 * abs(w).max():
            copies.append(name)
    if not copies:
        return None
    return Finding(
        "symmetric-weights",
        say("Units are copies of each other"),
        [
            say(
                "After {steps} steps all units of {names} have the same weights: they started "
                "equal, get equal gradients, and stay equal.",
                steps=record.steps,
                names=", ".join(copies[:3]),
            )
        ],
        say("Start from random weights: the initialisation breaks the symmetry."),
        "escape",
        {"layers": copies},
    )


def no_nonlinearity(record, exam, symptoms):
    """Linear layers on linear layers."""
    hidden = [n for n, p in record.trainable.items() if p.ndim == 2]
    if len(hidden) < 2:
        return None
    learned = symptoms.is_trained or symptoms.fallen > 0.3
    x = exam.part[0]
    if not x.is_floating_point() or len(x) < 8:
        return None
    half = len(x) // 2
    a, b = x[:half], x[half : 2 * half]
    mode, exam.mode = exam.mode, "eval"
    try:
        fa, fb = exam.output(x=a).numpy(), exam.output(x=b).numpy()
        middle = exam.output(x=(a + b) / 2).numpy()
        far = exam.output(x=3 * a - 2 * b).numpy()
    finally:
        exam.mode = mode
    size = max(float(abs(fa).max()), float(abs(fb).max()), 1e-12)
    off = max(abs(middle - (fa + fb) / 2).max(), abs(far - (3 * fa - 2 * fb)).max() / 5) / size
    spread = max(float(np.std(fa)), 1e-12) / size
    if off > 1e-4 or spread < 1e-6 or (not learned and _line_would_do(exam, symptoms)):
        return None
    return Finding(
        "no-nonlinearity",
        say("The network is a straight line"),
        [
            say(
                "The output at the middle of two samples is the middle of their outputs, to "
                "{off:.0e}: {n} weight matrices, and together they are one linear map. The loss "
                "fell by {fallen:.0f} %.",
                off=float(off),
                n=len(hidden),
                fallen=100 * symptoms.fallen,
            )
        ],
        say("Put an activation between the layers: nn.ReLU(), nn.Tanh()."),
        "classes",
        {"off": float(off)},
    )


def _line_would_do(exam, symptoms):
    """Whether the best linear map does clearly better than the model: then it is not to blame."""
    x, y = (t.numpy() for t in exam.part)
    a = np.column_stack([x.reshape(len(x), -1), np.ones(len(x))]).astype(float)
    targets = y.reshape(len(y), -1).astype(float)
    if exam.is_classes:
        targets = (y[:, None] == np.unique(y)).astype(float)
    fit = a @ np.linalg.lstsq(a, targets, rcond=None)[0]
    if exam.is_classes:
        right = (np.unique(y)[fit.argmax(axis=1)] == y).mean()
        return right > (symptoms.accuracy or 0.0) + 0.15
    return ((fit - targets) ** 2).mean() < 0.7 * symptoms.last


def dropout_too_large(record, exam, symptoms):
    """Dropout that leaves next to nothing."""
    large = [
        (name, module.p)
        for name, module in record.model.named_modules()
        if isinstance(module, nn.Dropout) and module.p >= 0.9
    ]
    if not large:
        return None
    return Finding(
        "dropout-too-large",
        say("Dropout leaves next to nothing"),
        [
            say(
                "Layer {name} drops {p:.0f} % of its values in training.",
                name=large[0][0],
                p=100 * large[0][1],
            )
        ],
        say("p is the share that is dropped, not the share that is kept: 0.1 to 0.5 is usual."),
        "batch_testing",
        {"p": large[0][1]},
    )


def weight_decay_too_large(record, exam, symptoms):
    """Weights that fade."""
    decay = max(float(g.get("weight_decay", 0.0) or 0.0) for g in record.optimizer.param_groups)
    if not decay or len(record.samples) < 3 or symptoms.is_trained or symptoms.fallen > 0.5:
        return None
    first, last = record.samples[0].weights, record.samples[-1].weights
    before = np.sqrt(sum(v * v for v in first.values()))
    after = np.sqrt(sum(v * v for v in last.values()))
    if after > 0.4 * before:
        return None
    return Finding(
        "weight-decay-too-large",
        say("Weight decay pulls all weights to zero"),
        [
            say(
                "With weight decay {decay:g} the norm of the weights fell from {before:.3g} to "
                "{after:.3g}, while the loss fell by {fallen:.0f} %.",
                decay=decay,
                before=float(before),
                after=float(after),
                fallen=100 * symptoms.fallen,
            )
        ],
        say("Lower weight_decay: 1e-4 with SGD, 1e-2 with AdamW are usual."),
        "scale_invariance",
        {"before": float(before), "after": float(after)},
    )


ILLNESSES = [
    symmetric_weights,
    weight_decay_too_large,
    dropout_too_large,
    dead_relu,
    saturation,
    exploding_gradient,
    vanishing_gradient,
    no_nonlinearity,
]
