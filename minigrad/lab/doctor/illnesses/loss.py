"""Illnesses of the loss: it does not fit what the model hands it."""

import numpy as np

import minigrad as mg
from minigrad.lab.doctor.finding import Finding
from minigrad.lab.words import say


def _outputs(record, exam):
    """What the model made of the data, as an array."""
    return exam.output().numpy()


def _are_probabilities(z):
    """Whether rows are not negative and sum to one."""
    return (
        z.ndim == 2 and z.shape[1] > 1 and (z >= 0).all() and np.allclose(z.sum(1), 1, atol=1e-3)
    )


def _origin(record):
    """The operation that made the model's output."""
    return record.samples[-1].origin if record.samples else ""


def softmax_twice(record, exam, symptoms):
    """Probabilities go into a loss that takes the softmax itself."""
    if "softmax" not in exam.kinds:
        return None
    z = _outputs(record, exam)
    if not _are_probabilities(z):
        return None
    classes = z.shape[1]
    least = float(np.log(np.exp(1) + classes - 1) - 1)
    return Finding(
        "softmax-twice",
        say("The softmax is taken twice"),
        [
            say(
                "Each row of the model's output lies in [0, 1] and sums to 1, and the loss does "
                "not change when a number is added to a row: it takes the softmax again.",
            ),
            say(
                "Of numbers between 0 and 1 the second softmax is nearly flat: the loss cannot "
                "fall below {least:.2f} with {classes} classes, however sure the model is.",
                least=least,
                classes=classes,
            ),
        ],
        say("Leave the last softmax out of the model: cross-entropy takes logits."),
        "softmax",
        {"least loss": least},
    )


def _are_bounded(record, exam, z):
    """Whether the outputs lie in [0, 1] whatever the inputs."""
    if not ((z >= 0).all() and (z <= 1).all()) or z.max() == z.min():
        return False
    if "Sigmoid" in _origin(record) or not exam.part[0].is_floating_point():
        return "Sigmoid" in _origin(record)
    far = [exam.output(x=exam.part[0] * factor).numpy() for factor in (-3.0, 30.0)]
    # a sigmoid reaches its ends there, what only happens to lie within does not
    return all(bool(((f >= 0) & (f <= 1)).all()) and f.max() - f.min() > 0.2 for f in far)


def probabilities_as_logits(record, exam, symptoms):
    """Probabilities where logits belong, or logits where log-probabilities belong."""
    z = _outputs(record, exam)
    if "softmax" in exam.kinds:
        if _are_probabilities(z) or not _are_bounded(record, exam, z):
            return None
        evidence = say(
            "All outputs lie between {low:.2f} and {high:.2f}, for inputs 30 times as large too, "
            "and the loss takes their softmax: of {classes} classes the right one never gets "
            "more than {most:.2f} of the probability.",
            low=float(z.min()),
            high=float(z.max()),
            classes=z.shape[1],
            most=float(np.e / (np.e + z.shape[1] - 1)),
        )
        remedy = say("Leave the last sigmoid out of the model: cross-entropy takes logits.")
    elif "logistic" in exam.kinds:
        if not _are_bounded(record, exam, z):
            return None
        evidence = say(
            "All outputs lie between {low:.2f} and {high:.2f}, and the loss applies a sigmoid to "
            "them: what it takes for the probability stays between 0.5 and 0.73.",
            low=float(z.min()),
            high=float(z.max()),
        )
        remedy = say("Leave the last sigmoid out of the model, or use BCELoss.")
    elif "log-likelihood" in exam.kinds and "softmax" not in exam.kinds:
        total = np.exp(z.astype(float)).sum(axis=1)
        if np.allclose(total, 1, rtol=1e-2):
            return None
        what = say("probabilities") if _are_probabilities(z) else say("logits")
        evidence = say(
            "The loss picks −output of the right class, so that it wants log-probabilities; the "
            "outputs are {what}: their exponentials sum to {low:.3g} … {high:.3g} a row, not 1.",
            what=what,
            low=float(total.min()),
            high=float(total.max()),
        )
        remedy = say("End the model with LogSoftmax, or use CrossEntropyLoss on logits.")
    else:
        return None
    return Finding(
        "probabilities-as-logits",
        say("The loss takes the outputs for something else"),
        [evidence],
        remedy,
        "softmax",
        {"low": float(z.min()), "high": float(z.max())},
    )


def mse_on_softmax(record, exam, symptoms):
    """Squared error of saturated probabilities: wrong, sure, and without a gradient."""
    if "squared" not in exam.kinds:
        return None
    z, y = _outputs(record, exam), exam.part[1].numpy()
    bounded = _are_probabilities(z) or ("Sigmoid" in _origin(record))
    if not bounded or y.shape != z.shape or not set(np.unique(y)) <= {0.0, 1.0}:
        return None
    sure = (np.minimum(z, 1 - z) < 1e-2).mean()
    wrong = float((abs(z - y) > 0.9).any(axis=-1).mean())
    if sure < 0.7 or wrong < 0.2:
        return None
    return Finding(
        "mse-on-softmax",
        say("Squared error on saturated probabilities"),
        [
            say(
                "{sure:.0f} % of the probabilities are within 0.01 of 0 or 1, and {wrong:.0f} % "
                "of the samples are surely wrong. There the derivative of softmax and sigmoid is "
                "nearly zero, and squared error passes nothing more on: a large loss with a tiny "
                "gradient.",
                sure=100 * sure,
                wrong=100 * wrong,
            )
        ],
        say("Use cross-entropy on the logits: its gradient is p − y, large where it is wrong."),
        "cross_entropy",
        {"sure": float(sure), "wrong": wrong},
    )


def broadcast_loss(record, exam, symptoms):
    """(N, 1) against (N,): the loss compares everything with everything."""
    z, y = exam.output(), exam.part[1]
    if exam.is_classes or z.shape == y.shape or not len(y) > 1:
        return None
    if z.numel() != y.numel():
        return None
    try:
        with exam.aside():
            as_it_is = exam.function(z, y).item()
            meant = exam.function(z.reshape(y.shape), y).item()
    except (RuntimeError, ValueError, TypeError):
        return None
    if abs(as_it_is - meant) <= 1e-6 * max(abs(meant), 1e-12):
        return None
    return Finding(
        "broadcast-loss",
        say("The loss compares all outputs with all targets"),
        [
            say(
                "The output has shape {output}, the targets {targets}: broadcast against each "
                "other they become a square, and the best the model can do is the mean. On one "
                "batch the loss is {wrong:.4g}; with equal shapes it would be {right:.4g}.",
                output=tuple(z.shape),
                targets=tuple(y.shape),
                wrong=as_it_is,
                right=meant,
            )
        ],
        say("Give both one shape: y.reshape(-1, 1), or output.squeeze(1)."),
        "classes",
        {"output": tuple(z.shape), "targets": tuple(y.shape)},
    )


def _reversed(record, exam):
    """In how many of the first sampled batches `backward` was called on minus the loss."""
    count = 0
    for sample in record.samples:
        if sample.whole is None or sample.loss is None:
            continue
        y = exam.targets_of(sample.whole[0])
        if y is None:
            continue
        try:
            with exam.aside():
                value = exam.function(*map(mg.from_numpy, (sample.whole[1], y.copy()))).item()
        except (RuntimeError, ValueError, TypeError):
            continue
        count += abs(value + sample.loss) <= 1e-3 * abs(value) and abs(value) > 1e-6
    return count


def maximised(record, exam, symptoms):
    """The loss goes up, or what it rewards is wrong answers."""
    evidence = None
    if "negated" in exam.kinds:
        evidence = say(
            "The loss has the wrong sign: on numbers drawn at random it is the negative of what "
            "is to be minimised; here it went from {first:.4g} to {last:.4g}.",
            first=symptoms.first,
            last=symptoms.last,
        )
    elif _reversed(record, exam) >= 3:
        evidence = say(
            "backward() was called on minus the loss: in {n} mini-batches it had the value of the "
            "loss with the opposite sign.",
            n=_reversed(record, exam),
        )
    elif record.steps >= 5 and symptoms.climbs > 0.85 and symptoms.last > symptoms.first:
        evidence = say(
            "The updates go up: a tenth of one, tried on a copy, raises the loss in {share:.0f} % "
            "of the sampled steps. The loss went from {first:.4g} to {last:.4g}.",
            share=100 * symptoms.climbs,
            first=symptoms.first,
            last=symptoms.last,
        )
    if evidence is None:
        return None
    return Finding(
        "maximised",
        say("The loss is maximised"),
        [evidence],
        say("Check the sign of the loss, and maximize=True of the optimizer."),
        "likelihood",
        {"first": symptoms.first, "last": symptoms.last},
    )


ILLNESSES = [broadcast_loss, softmax_twice, probabilities_as_logits, mse_on_softmax, maximised]
