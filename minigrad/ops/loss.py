"""Losses of regression: how far predictions are from targets."""

from minigrad.ops.choice import abs, where
from minigrad.ops.elementwise import square
from minigrad.ops.loss_operands import check_reduction, check_regression, reduced
from minigrad.ops.operands import numbers, zeros_of

__all__ = []


def _weighted(losses, weight, reduction):
    """Losses times their weights; the mean is over the sum of the weights."""
    losses = losses * weight
    return losses.sum() / weight.sum() if reduction == "mean" else reduced(losses, reduction)


def mse_loss(input, target, reduction="mean", weight=None):
    """Mean squared error: (input − target)², mean over all elements.

    Parameters
    ----------
    input, target : Tensor
        Of one shape. Shapes that broadcast are allowed with a warning: (n, 1) against (n,) is
        almost always a mistake, and gives (n, n).
    reduction : str
        "mean", "sum" or "none".
    weight : Tensor, optional
        Factor of each element, of input's shape; the mean is then over the sum of the weights.

    Returns
    -------
    Tensor
        Gradient with respect to input: 2 (input − target) / n.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.functional.mse_loss(mg.tensor([1.0, 2.0]), mg.tensor([0.0, 4.0]))
    tensor(2.5)
    """
    check_reduction(reduction, "mse_loss")
    check_regression("mse_loss", input, target, weight)
    losses = square(input - target)
    return reduced(losses, reduction) if weight is None else _weighted(losses, weight, reduction)


def l1_loss(input, target, reduction="mean", weight=None):
    """Mean absolute error: |input − target|. Gradient: the sign of the difference, 0 at 0.

    Arguments and warning as for `mse_loss`.

    >>> import minigrad as mg
    >>> mg.nn.functional.l1_loss(mg.tensor([1.0, 2.0]), mg.tensor([0.0, 4.0]))
    tensor(1.5)
    """
    check_reduction(reduction, "l1_loss")
    check_regression("l1_loss", input, target, weight)
    losses = abs(input - target)
    return reduced(losses, reduction) if weight is None else _weighted(losses, weight, reduction)


def _huber(apart, delta):
    """apart²/2 where |apart| < delta, else delta (|apart| − delta/2)."""
    size = abs(apart)
    near = size < delta
    inner = where(near, apart, zeros_of(apart))  # the square of a huge one would be inf
    return where(near, inner * inner * 0.5, (size - 0.5 * delta) * delta)


def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """Squared error near, absolute error far: d²/2 where |d| < delta, else delta (|d| − delta/2).

    d = input − target. Gradient: d limited to ±delta. Weights, if given, multiply the losses
    (and do not divide the mean); other arguments and the warning as for `mse_loss`.

    Huber (1964), "Robust estimation of a location parameter".

    >>> import minigrad as mg
    >>> mg.nn.functional.huber_loss(mg.tensor([1.0, 9.0]), mg.tensor([0.0, 4.0]), "none")
    tensor([0.5, 4.5])
    """
    check_reduction(reduction, "huber_loss")
    check_regression("huber_loss", input, target, weight)
    numbers("huber_loss", delta=delta)
    if not delta > 0:
        raise ValueError(f"huber_loss: delta must be positive, got {delta}")
    losses = _huber(input - target, delta)
    return reduced(losses if weight is None else losses * weight, reduction)


def smooth_l1_loss(input, target, reduction="mean", beta=1.0):
    """Absolute error with a round tip: d²/(2 beta) where |d| < beta, else |d| − beta/2.

    d = input − target; the Huber loss divided by beta. With beta = 0 it is `l1_loss`. Arguments
    and warning as for `mse_loss`. Girshick (2015), "Fast R-CNN".

    >>> import minigrad as mg
    >>> mg.nn.functional.smooth_l1_loss(mg.tensor([1.0, 9.0]), mg.tensor([0.0, 4.0]), "none", 2.0)
    tensor([0.25, 4.  ])
    """
    check_reduction(reduction, "smooth_l1_loss")
    check_regression("smooth_l1_loss", input, target)
    numbers("smooth_l1_loss", beta=beta)
    if not beta >= 0:
        raise ValueError(f"smooth_l1_loss: beta must not be negative, got {beta}")
    apart = input - target
    return reduced(_huber(apart, beta) * (1.0 / beta) if beta else abs(apart), reduction)
