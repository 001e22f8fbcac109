"""Losses of margins: nothing is lost where a score is better than another by enough."""

import numpy as np

from minigrad.errors import DtypeError, ShapeError
from minigrad.ops.activation import relu
from minigrad.ops.choice import clamp, minimum, where
from minigrad.ops.distance import pairwise_distance
from minigrad.ops.elementwise import sqrt
from minigrad.ops.gate import exact_softplus, logsigmoid
from minigrad.ops.index import take_flat
from minigrad.ops.loss_operands import check_fit, check_reduction, reduced, same_shape
from minigrad.ops.operands import floating, numbers, zeros_of
from minigrad.ops.rectifier import check_floating
from minigrad.ops.shape import check_tensor, reshape, unsqueeze
from minigrad.tensor import wrap

__all__ = []


def _lack(x):
    """max(x, 0), with the gradient passed on at 0, as PyTorch's losses with a margin do."""
    return clamp(x, min=0)


def hinge_embedding_loss(input, target, margin=1.0, reduction="mean"):
    """For distances: x where the pair is alike (y = 1), max(0, margin − x) where not (y = −1).

    Gradient: 1, and −1 where x ≤ margin. `reduction` is "mean", "sum" or "none".

    >>> import minigrad as mg
    >>> loss = mg.nn.functional.hinge_embedding_loss
    >>> loss(mg.tensor([0.2, 0.2]), mg.tensor([1.0, -1.0]), reduction="none")
    tensor([0.2, 0.8])
    """
    check_reduction(reduction, "hinge_embedding_loss")
    numbers("hinge_embedding_loss", margin=margin)
    check_fit("hinge_embedding_loss", input, target)
    y = target.detach()
    apart = where(y != 1, _lack(margin - input), zeros_of(input))
    return reduced(apart + where(y != -1, input, zeros_of(input)), reduction)


def margin_ranking_loss(input1, input2, target, margin=0.0, reduction="mean"):
    """max(0, −y (x1 − x2) + margin): y = 1 wants x1 the larger, y = −1 wants x2.

    Tensors with the same number of axes, which broadcast.

    >>> import minigrad as mg
    >>> loss = mg.nn.functional.margin_ranking_loss
    >>> loss(mg.tensor([1.0, 3.0]), mg.tensor([2.0, 1.0]), mg.ones(2), reduction="none")
    tensor([1., 0.])
    """
    name = "margin_ranking_loss"
    check_reduction(reduction, name)
    check_fit(name, input1, input2, target)
    numbers(name, margin=margin)
    if not input1.ndim == input2.ndim == target.ndim:
        raise ShapeError(
            f"{name}: expected one number of axes, got shapes {input1.shape}, {input2.shape} and "
            f"{target.shape}"
        )
    return reduced(_lack(-target * (input1 - input2) + margin), reduction)


def soft_margin_loss(input, target, reduction="mean"):
    """log(1 + exp(−y x)), y = ±1: the logistic loss, without overflow (PyTorch's overflows).

    >>> import minigrad as mg
    >>> mg.nn.functional.soft_margin_loss(mg.tensor([0.0, -1000.0]), mg.ones(2), "none")
    tensor([6.9315e-01, 1.0000e+03])
    """
    name = "soft_margin_loss"
    check_reduction(reduction, name)
    if check_fit(name, input, target) != input.shape:
        raise ShapeError(
            f"{name}: target {target.shape} does not broadcast to the input {input.shape}"
        )
    check_floating(input, name)
    return reduced(exact_softplus(floating(-target * input)), reduction)


def cosine_embedding_loss(input1, input2, target, margin=0.0, reduction="mean"):
    """1 − cos(x1, x2) for a pair that is alike (y = 1), max(0, cos − margin) where not (y = −1).

    Parameters
    ----------
    input1, input2 : Tensor, (N, D) or (D,)
    target : Tensor, (N,) or ()
        Of 1 and −1.
    margin : float
        In [−1, 1].
    reduction : str
        "mean", "sum" or "none".

    Returns
    -------
    Tensor
        The cosine is Σ x1 x2 / √((Σ x1² + 1e-12) (Σ x2² + 1e-12)), finite for zero vectors.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[1.0, 0.0], [1.0, 0.0]]); y = mg.tensor([[0.0, 2.0], [3.0, 0.0]])
    >>> mg.nn.functional.cosine_embedding_loss(x, y, mg.tensor([1, -1]), reduction="none")
    tensor([1., 1.])
    """
    name = "cosine_embedding_loss"
    check_reduction(reduction, name)
    check_fit(name, input1, input2)
    numbers(name, margin=margin)
    n = check_tensor(target, name).ndim
    if n > 1 or input1.ndim != n + 1 or input2.ndim != n + 1:
        raise ShapeError(
            f"{name}: expected (N, D), (N, D), (N,) or (D,), (D,), (), got {input1.shape}, "
            f"{input2.shape} and {target.shape}"
        )
    x1, x2 = floating(input1), floating(input2)
    size1, size2 = ((x * x).sum(-1) + 1e-12 for x in (x1, x2))
    cosine = (x1 * x2).sum(-1) / sqrt(size1 * size2)
    check_fit(name, cosine, target)
    y = target.detach()
    alike = where(y == 1, 1.0 - cosine, zeros_of(cosine))
    return reduced(alike + where(y == -1, _lack(cosine - margin), zeros_of(cosine)), reduction)


def triplet_margin_loss(
    anchor, positive, negative, margin=1.0, p=2.0, eps=1e-6, swap=False, reduction="mean"
):
    """max(0, d(a, p) − d(a, n) + margin): the positive shall be nearer than the negative.

    Parameters
    ----------
    anchor, positive, negative : Tensor, (N, D) or (D,)
    margin : float
        Positive.
    p, eps : float
        d is `pairwise_distance`, the p-norm of the difference + eps.
    swap : bool
        Take the smaller of d(a, n) and d(p, n).
    reduction : str
        "mean", "sum" or "none".

    Examples
    --------
    >>> import minigrad as mg
    >>> a, p, n = mg.zeros(1, 2), mg.tensor([[3.0, 4.0]]), mg.tensor([[0.0, 2.0]])
    >>> mg.nn.functional.triplet_margin_loss(a, p, n)
    tensor(4.)
    """
    name = "triplet_margin_loss"
    check_reduction(reduction, name)
    check_fit(name, anchor, positive, negative)
    numbers(name, margin=margin, p=p, eps=eps)
    if not margin > 0:
        raise ValueError(f"{name}: margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise ShapeError(
            f"{name}: expected one number of axes, got shapes {anchor.shape}, {positive.shape} "
            f"and {negative.shape}"
        )
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced(_lack(near - far + margin), reduction)


# Several classes ------------------------------------------------------------------------------


def _score_rows(input, name):
    """Scores as rows (N, C)."""
    check_floating(input, name)
    if input.ndim > 2 or 0 in input.shape[max(input.ndim - 1, 0) :]:
        raise ShapeError(f"{name}: expected scores (N, C) or (C,), C > 0, got {input.shape}")
    return input if input.ndim == 2 else reshape(input, (1, -1))


def _labels(target, name):
    """Class indices, an integer array."""
    if check_tensor(target, name).dtype.kind not in "iu":
        raise DtypeError(f"{name}: targets must be class indices, got {target.dtype}")
    return target._array


def multi_margin_loss(input, target, p=1, margin=1.0, weight=None, reduction="mean"):
    """Σ_{j≠y} w_y max(0, margin − x_y + x_j)^p / C: the right class shall lead by the margin.

    Parameters
    ----------
    input : Tensor, (N, C) or (C,)
        Scores.
    target : Tensor, (N,) or ()
        Class indices y.
    p : int
        1 or 2.
    weight : Tensor, (C,), optional
    reduction : str
        "mean" (over N), "sum" or "none".

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.functional.multi_margin_loss(mg.tensor([[0.1, 0.2, 0.9]]), mg.tensor([2]))
    tensor(0.1667)
    """
    name = "multi_margin_loss"
    check_reduction(reduction, name)
    if p not in (1, 2):
        raise ValueError(f"{name}: p must be 1 or 2, got {p}")
    numbers(name, margin=margin)
    rows = _score_rows(input, name)
    n, c = rows.shape
    labels = _labels(target, name).reshape(-1)
    if target.ndim > 1 or len(labels) != n:
        raise ShapeError(f"{name}: scores {input.shape} need {n} targets, got {target.shape}")
    if labels.size and not (labels.min() >= 0 and labels.max() < c):
        raise IndexError(
            f"{name}: targets must lie in [0, {c}), got {labels.min()} to {labels.max()}"
        )
    right = take_flat(rows, np.arange(n) * c + labels, unique=True)
    lack = relu(rows - unsqueeze(right, -1) + margin)
    others = np.ones((n, c), rows.dtype)
    others[np.arange(n), labels] = 0
    losses = (lack if p == 1 else lack * lack) * wrap(others)
    if weight is not None:
        if check_tensor(weight, name).shape != (c,):
            raise ShapeError(f"{name}: weight must have shape ({c},), got {weight.shape}")
        losses = losses * unsqueeze(take_flat(weight, labels), -1)
    losses = losses.sum(-1) * (1.0 / c)
    return reduced(losses if target.ndim else reshape(losses, ()), reduction)


def multilabel_margin_loss(input, target, reduction="mean"):
    """Σ max(0, 1 − (x_y − x_j)) / C over the right classes y and the wrong ones j.

    Parameters
    ----------
    input : Tensor, (N, C) or (C,)
        Scores.
    target : Tensor, of input's shape
        In each row the right classes, ended by −1.
    reduction : str
        "mean" (over N), "sum" or "none".

    Examples
    --------
    >>> import minigrad as mg
    >>> y = mg.tensor([[3, 0, -1, 1]])
    >>> mg.nn.functional.multilabel_margin_loss(mg.tensor([[0.1, 0.2, 0.4, 0.8]]), y)
    tensor(0.85)
    """
    name = "multilabel_margin_loss"
    check_reduction(reduction, name)
    rows = _score_rows(input, name)
    n, c = rows.shape
    same_shape(name, input, target)
    labels = _labels(target, name).reshape(n, c)
    if labels.size and not (labels.min() >= -1 and labels.max() < c):
        raise IndexError(
            f"{name}: targets must lie in [-1, {c}), got {labels.min()} to {labels.max()}"
        )
    counts = np.logical_and.accumulate(labels >= 0, -1)
    safe = np.where(counts, labels, 0)
    wrong = np.ones((n, c), bool)
    wrong[np.nonzero(counts)[0], safe[counts]] = False
    right = reshape(take_flat(rows, (safe + np.arange(n)[:, None] * c).reshape(-1)), (n, c, 1))
    pairs = (counts[:, :, None] & wrong[:, None, :]).astype(rows.dtype)
    lack = relu(1.0 - right + unsqueeze(rows, -2)) * wrap(pairs)
    losses = lack.sum((-2, -1)) * (1.0 / c)
    return reduced(losses if input.ndim == 2 else reshape(losses, ()), reduction)


def multilabel_soft_margin_loss(input, target, weight=None, reduction="mean"):
    """−Σ_c w_c (t log σ(x) + (1 − t) log σ(−x)) / C: each class a decision of its own.

    Parameters
    ----------
    input, target : Tensor, (…, C)
        Logits, and targets in [0, 1].
    weight : Tensor, optional
        Factor of each class; broadcasts.
    reduction : str
        "mean", "sum" or "none", over what is left of the shape without the classes.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.functional.multilabel_soft_margin_loss(mg.zeros(1, 3), mg.ones(1, 3))
    tensor(0.6931)
    """
    name = "multilabel_soft_margin_loss"
    check_reduction(reduction, name)
    check_fit(name, check_floating(input, name), target)
    if not input.ndim:
        raise ShapeError(f"{name}: expected logits (..., C), got a 0-d tensor")
    losses = -(target * logsigmoid(input) + (1.0 - target) * logsigmoid(-input))
    if weight is not None:
        check_fit(name, losses, weight)
        losses = losses * weight
    return reduced(losses.sum(-1) * (1.0 / input.shape[-1]), reduction)
