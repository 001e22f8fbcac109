"""Illnesses of the data: features, labels, batches."""

import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.lab.doctor.finding import Finding
from minigrad.lab.words import say

LARGE = 20.0  # a root mean square of inputs that initial weights are not made for


def data_not_finite(record, exam, symptoms):
    """NaN or infinity in the data."""
    evidence = []
    for name, array in zip(("x", "y"), exam.everything, strict=True):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            where = np.argwhere(~np.isfinite(array))
            evidence.append(
                say(
                    "{name} has {n} values that are not finite, the first at index {index}.",
                    name=name,
                    n=len(where),
                    index=where[0].tolist(),
                )
            )
    if not evidence:
        return None
    return Finding(
        "data-not-finite",
        say("NaN or infinity in the data"),
        evidence,
        say("Drop those samples or fill the holes before training."),
        "features",
    )


def _columns(x):
    return x.reshape(len(x), -1).astype(float)


def unscaled_features(record, exam, symptoms):
    """Features far from unit scale."""
    x = exam.everything[0]
    if x.dtype.kind != "f" or x.ndim < 2 or len(x) < 4 or not np.isfinite(x).all():
        return None
    if _normalises_first(record.model):
        return None
    a = _columns(x)
    rms, sd = np.sqrt((a**2).mean(0)), a.std(0)
    largest = float(rms.max())
    if largest < LARGE or (symptoms.is_trained and largest < 10 * LARGE):
        return None
    used = sd > 0
    scales = sd[used]
    both = np.column_stack([a[:, used], np.ones(len(a))]) if used.sum() <= 300 else None
    condition = np.nan
    if both is not None:
        values = np.linalg.eigvalsh(both.T @ both / len(both))
        condition = float(values[-1] / max(values[0], values[-1] * 1e-16))
    scaled = (a[:, used] - a[:, used].mean(0)) / scales
    after = np.linalg.eigvalsh(scaled.T @ scaled / len(a)) if used.sum() <= 300 else None
    evidence = [
        say(
            "Features reach a root mean square of {largest:.3g} (mean {mean:.3g}, standard "
            "deviation {sd:.3g}); their standard deviations run from {low:.2g} to {high:.2g}.",
            largest=largest,
            mean=float(a[:, rms.argmax()].mean()),
            sd=float(sd[rms.argmax()]),
            low=float(scales.min()) if used.any() else 0.0,
            high=float(scales.max()) if used.any() else 0.0,
        )
    ]
    if np.isfinite(condition):
        evidence.append(
            say(
                "The condition number of their second moments is {before:.1e}; of standardised "
                "features it would be {after:.1e}.",
                before=condition,
                after=float(after[-1] / max(after[0], after[-1] * 1e-16)),
            )
        )
    return Finding(
        "unscaled-features",
        say("Features are not scaled"),
        evidence,
        say("Subtract from each feature its mean and divide by its standard deviation."),
        "features",
        {"largest": largest, "condition": condition},
    )


def _normalises_first(model):
    """Whether the first module with a computation of its own normalises its input."""
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm)
    for module in model.modules():
        if any(True for _ in module.children()):
            continue
        if isinstance(module, (nn.Flatten, nn.Unflatten, nn.Identity)):
            continue
        return isinstance(module, kinds)
    return False


def unscaled_targets(record, exam, symptoms):
    """Regression targets far from unit scale."""
    y = exam.everything[1]
    if y.dtype.kind != "f" or exam.is_classes or not np.isfinite(y).all() or len(y) < 4:
        return None
    if set(np.unique(y)) <= {0.0, 1.0} or symptoms.is_trained or "squared" not in exam.kinds:
        return None
    size = float(np.sqrt((y.astype(float) ** 2).mean()))
    if size < 50 or symptoms.last < 0.7 * y.var():
        return None
    return Finding(
        "unscaled-targets",
        say("Targets are not scaled"),
        [
            say(
                "Targets have mean {mean:.3g} and standard deviation {sd:.3g}, while outputs "
                "begin near 0: the loss is {loss:.3g}, against a variance of {variance:.3g}.",
                mean=float(y.mean()),
                sd=float(y.std()),
                loss=symptoms.last,
                variance=float(y.var()),
            )
        ],
        say("Train on (y − mean) / standard deviation, and undo it after predicting."),
        "features",
        {"size": size},
    )


def labels_constant(record, exam, symptoms):
    """All targets are the same."""
    y = exam.everything[1]
    if len(y) < 2 or not (y == y[:1]).all():
        return None
    return Finding(
        "labels-constant",
        say("All targets are the same"),
        [say("All {n} targets are {value}.", n=len(y), value=np.ravel(y[0])[:3].tolist())],
        say("Look at how the targets are read: there is nothing to learn here."),
        "likelihood",
    )


def labels_wrong(record, exam, symptoms):
    """The targets have nothing to do with the inputs."""
    x, y = exam.everything
    if x.dtype.kind not in "fiu" or len(x) < 40 or y[:1].size != 1 or not np.isfinite(x).all():
        return None
    if symptoms.is_trained or symptoms.fallen > 0.5:
        return None
    y = y.reshape(len(y))
    if (y == y[0]).all() or len(x) == 0:
        return None
    classes = y.dtype.kind in "iub" or len(np.unique(y)) <= 2
    chosen = np.linspace(0, len(x) - 1, min(len(x), 800)).astype(int)
    a, y = _columns(x[chosen]), y[chosen].astype(float)
    sd = a.std(0)
    a = (a - a.mean(0)) / np.where(sd > 0, sd, 1)
    square = (a**2).sum(1)
    distance = square[:, None] + square - 2 * a @ a.T
    np.fill_diagonal(distance, np.inf)
    near = np.argsort(distance, axis=1)[:, :5]

    def agreement(t):
        if classes:
            return (t[near] == t[:, None]).mean()
        return -((t[near].mean(1) - t) ** 2).mean()

    found = agreement(y)
    rng = np.random.default_rng(0)
    null = np.array([agreement(rng.permutation(y)) for _ in range(30)])
    score = float((found - null.mean()) / max(null.std(), 1e-12))
    if score > 4 or _known_to_a_line(a, y, classes) or _learned(record, exam):
        return None
    return Finding(
        "labels-wrong",
        say("The targets have nothing to do with the inputs"),
        [
            say(
                "Near inputs do not have like targets: the five nearest neighbours agree with a "
                "sample's target in {found:.3g}, and after shuffling the targets in {null:.3g} "
                "± {sd:.2g}. Training has taken {fallen:.0f} % off the loss.",
                found=float(found),
                null=float(null.mean()),
                sd=float(null.std()),
                fallen=100 * symptoms.fallen,
            )
        ],
        say(
            "Check that inputs and targets are in one order: shuffled apart, or shifted by a row?"
        ),
        "likelihood",
        {"score": score},
    )


def _known_to_a_line(a, y, classes):
    """Whether a linear fit to one half of the samples says something about the other."""
    if a.shape[1] > 500:
        return False
    targets = (y[:, None] == np.unique(y)).astype(float) if classes else y[:, None]
    targets = targets - targets.mean(0)
    rng = np.random.default_rng(1)
    order = rng.permutation(len(a))
    halves = order[::2], order[1::2]
    said = np.zeros_like(targets)
    for one, other in (halves, halves[::-1]):
        ridge = a[one].T @ a[one] + 0.1 * len(one) * np.eye(a.shape[1])
        said[other] = a[other] @ np.linalg.solve(ridge, a[one].T @ targets[one])
    found = float((said * targets).sum())
    null = np.array([float((said * rng.permutation(targets)).sum()) for _ in range(100)])
    return (found - null.mean()) / max(null.std(), 1e-12) > 3


def _learned(record, exam):
    """Whether a copy trained on one half of the data says something about the other."""
    x, y = exam.everything
    order = np.random.default_rng(2).permutation(len(x))[:2000]
    one, two = order[: len(order) // 2], order[len(order) // 2 :]
    _, model = exam.trial(part=(x[one], y[one]), steps=min(300, max(60, record.steps)))
    rng = np.random.default_rng(3)

    def loss(targets):
        return exam.loss_of(model, (mg.from_numpy(x[two]), mg.from_numpy(targets)))

    found = loss(y[two])
    null = np.array([loss(y[rng.permutation(two)]) for _ in range(30)])
    return bool(np.isfinite(null).all() and (null.mean() - found) / max(null.std(), 1e-12) > 3)


def batches_unshuffled(record, exam, symptoms):
    """Batches of one class each."""
    if not exam.is_classes:
        return None
    x, y = exam.everything
    classes, counts = np.unique(y, return_counts=True)
    if len(classes) < 3 or counts.max() > 0.6 * len(y) or x.dtype.kind not in "fiu":
        return None
    where = {row.tobytes(): k for k, row in enumerate(np.ascontiguousarray(x))}
    shares = []
    for sample in record.samples:
        if sample.batch is None or len(sample.batch) < 6 or sample.size > len(y) / 2:
            continue  # half of the data hold what there is
        rows = np.ascontiguousarray(sample.batch, dtype=x.dtype)
        found = [where.get(row.tobytes()) for row in rows]
        labels = [y[k] for k in found if k is not None]
        if len(labels) >= 6:
            shares.append(np.unique(labels, return_counts=True)[1].max() / len(labels))
    if len(shares) < 3 or np.median(shares) < 0.7:
        return None
    return Finding(
        "batches-unshuffled",
        say("Batches hold one class each"),
        [
            say(
                "In the {n} batches looked at, one class makes up {share:.0f} % on the median, of "
                "{classes} classes in the data: each step unlearns the others.",
                n=len(shares),
                share=100 * float(np.median(shares)),
                classes=len(classes),
            )
        ],
        say("Shuffle after each epoch: DataLoader(…, shuffle=True)."),
        "batch_training",
        {"share": float(np.median(shares))},
    )


def _counts(model):
    """How many batches each batch norm of a model has seen."""
    return [
        int(m.num_batches_tracked)
        for m in model.modules()
        if getattr(m, "num_batches_tracked", None) is not None
    ]


def batch_norm_mode(record, exam, symptoms):
    """Training in evaluation mode."""
    if not record.norms or record.evaluating < max(2, 0.3 * record.backwards):
        return None
    before = [] if record.origin is None else _counts(record.origin[0])
    if any(before) and _counts(record.model) == before:
        return None  # fine tuning with the statistics of an earlier training
    return Finding(
        "batch-norm-mode",
        say("Batch norm trains in evaluation mode"),
        [
            say(
                "In {n} of {all} backward passes batch norm was in evaluation mode: it normalised "
                "by its moving averages, which do not move then, and not by the batch.",
                n=record.evaluating,
                all=record.backwards,
            )
        ],
        say("Call model.train() before training, and again after each evaluation."),
        "running_statistics",
        {"evaluating": record.evaluating},
    )


def batch_norm_small_batch(record, exam, symptoms):
    """Statistics of a handful of values."""
    if record.smallest is None or record.smallest > 4:
        return None
    return Finding(
        "batch-norm-small-batch",
        say("Batches are too small for batch norm"),
        [
            say(
                "Batch norm took mean and variance of {n} values a channel: a standard deviation "
                "of so few is off by some {error:.0f} %.",
                n=record.smallest,
                error=100 / (2 * max(record.smallest - 1, 1)) ** 0.5,
            )
        ],
        say("Take larger batches, or normalise by layer or group: LayerNorm, GroupNorm."),
        "running_statistics",
        {"values": record.smallest},
    )


ILLNESSES = [
    data_not_finite,
    labels_constant,
    labels_wrong,
    batches_unshuffled,
    unscaled_features,
    unscaled_targets,
    batch_norm_mode,
    batch_norm_small_batch,
]
