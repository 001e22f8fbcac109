"""Losses of probability, in nats: binary cross-entropy, divergence, Gauss and Poisson."""

import math
import warnings

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Binary, wrap
else:
    from minigrad.engine import Binary, wrap

from minigrad.ops.choice import clamp, where
from minigrad.ops.elementwise import exp, log, square
from minigrad.ops.gate import exact_softplus
from minigrad.ops.loss_operands import check_fit, check_reduction, reduced, same_shape
from minigrad.ops.operands import floating, numbers, zeros_of
from minigrad.ops.rectifier import check_floating
from minigrad.ops.shape import check_tensor, same_dtypes, unsqueeze

__all__ = []

LEAST = math.exp(-100.0)  # PyTorch's: a logarithm in `binary_cross_entropy` is at least -100


# Two classes ----------------------------------------------------------------------------------


@cython.cclass
class BinaryCrossEntropy(Binary):
    """l = -t ln x - (1 - t) ln(1 - x);  dx = g (x - t) / x (1 - x),  dt = g (ln(1 - x) - ln x)"""

    @cython.ccall
    def forward(self, x, y):
        self._saves = 3
        with np.errstate(divide="ignore", invalid="ignore"):
            zero_one = np.maximum(np.log(x), -100.0), np.maximum(np.log1p(-x), -100.0)
            return (y - 1.0) * zero_one[1] - y * zero_one[0]

    @cython.ccall
    def backward(self, grad):
        x, t = self.input(0), self.input(1)
        dx = dt = None
        if self.needs_grad(0):
            dx = grad * BinaryCrossEntropySlope().apply(x, t)
        if self.needs_grad(1):
            dt = grad * (_limited_log(1.0 - x) - _limited_log(x))
        return dx, dt


@cython.cclass
class BinaryCrossEntropySlope(Binary):
    """z = (x - t) / p, p = x (1 - x) > 0;  dx = g (x^2 - 2 x t + t) / p^2,  dt = -g / p"""

    @cython.ccall
    def forward(self, x, y):
        self._saves = 3
        return (x - y) / np.maximum(x * (1.0 - x), 1e-12)

    @cython.ccall
    def backward(self, grad):
        x, t = self.input(0), self.input(1)
        p = clamp(x * (1.0 - x), 1e-12)
        dx = grad * ((x * (x - t * 2.0) + t) / square(p)) if self.needs_grad(0) else None
        return dx, -grad / p if self.needs_grad(1) else None


def _limited_log(x):
    """max(ln x, -100), flat where it is limited."""
    low = wrap(x._array < LEAST)
    return where(low, zeros_of(x) - 100.0, log(where(low, zeros_of(x) + 1.0, x)))


def binary_cross_entropy(input, target, weight=None, reduction="mean"):
    """Cross-entropy of probabilities against targets in [0, 1]: −t ln x − (1 − t) ln(1 − x).

    As in PyTorch a logarithm is at least −100, and the slope (x − t) / x(1 − x) is divided by at
    least 1e-12. Where the probabilities are a sigmoid's, `binary_cross_entropy_with_logits` is
    exact.

    Parameters
    ----------
    input, target : Tensor
        Of one shape; `input` in [0, 1].
    weight : Tensor, optional
        Factor of each element; broadcasts to their shape.
    reduction : str
        "mean", "sum" or "none".

    Raises
    ------
    ShapeError, DtypeError
        Shapes or dtypes differ.
    ValueError
        An element of input lies outside [0, 1].

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.functional.binary_cross_entropy(mg.tensor([0.5, 1.0]), mg.tensor([1.0, 0.0]))
    tensor(50.3466)
    """
    name = "binary_cross_entropy"
    check_reduction(reduction, name)
    same_shape(name, input, target)
    same_dtypes(name, check_floating(input, name), target)
    x = input._array
    if x.size and not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(
            f"{name}: input must be probabilities in [0, 1], got values in "
            f"[{x.min():g}, {x.max():g}]; binary_cross_entropy_with_logits takes any number"
        )
    losses = BinaryCrossEntropy().apply(input, target)
    if weight is not None:
        if check_fit(name, target, weight) != input.shape:
            raise ShapeError(f"{name}: weight {weight.shape} does not broadcast to {input.shape}")
        losses = losses * weight
    return reduced(losses, reduction)


def binary_cross_entropy_with_logits(
    input, target, weight=None, reduction="mean", pos_weight=None
):
    """Cross-entropy of sigmoid(input) against targets in [0, 1], nats, without overflow.

    l = w [ p t log(1 + exp(−x)) + (1 − t) log(1 + exp(x)) ], p = `pos_weight`.

    Parameters
    ----------
    input, target : Tensor
        Of one shape.
    weight : Tensor, optional
        Factor of each element; broadcasts.
    pos_weight : Tensor, optional
        Factor of the positive part; broadcasts.
    reduction : str
        "mean", "sum" or "none".

    Raises
    ------
    ShapeError
        The shapes differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> loss = mg.nn.functional.binary_cross_entropy_with_logits
    >>> loss(mg.tensor([0.0, 100.0]), mg.tensor([1.0, 1.0]))
    tensor(0.3466)
    """
    name = "binary_cross_entropy_with_logits"
    check_reduction(reduction, name)
    same_shape(name, check_floating(input, name), check_floating(target, name))
    for factor in (weight, pos_weight):
        if factor is not None:
            check_fit(name, target, factor)
    # No term cancels.
    positive = target if pos_weight is None else target * pos_weight
    losses = positive * exact_softplus(-input) + (1.0 - target) * exact_softplus(input)
    return reduced(losses if weight is None else losses * weight, reduction)


# Divergence -----------------------------------------------------------------------------------


def kl_div(input, target, reduction="mean", log_target=False):
    """Kullback–Leibler divergence of `input`, log-probabilities, from `target`: t (ln t − input).

    Parameters
    ----------
    input, target : Tensor
        Shapes broadcast. A target of 0 counts 0, with entropy's gradient there taken as 0.
    reduction : str
        "batchmean": the sum over the length of the first axis, which is the divergence; "mean"
        (over all elements, with a warning), "sum" or "none".
    log_target : bool
        `target` holds logarithms too: exp(t) (t − input).

    Examples
    --------
    >>> import minigrad as mg
    >>> p = mg.tensor([[0.5, 0.5]])
    >>> mg.nn.functional.kl_div(mg.log(mg.tensor([[0.9, 0.1]])), p, reduction="batchmean")
    tensor(0.5108)
    """
    if reduction != "batchmean":
        check_reduction(reduction, "kl_div")
    check_fit("kl_div", check_floating(input, "kl_div"), check_floating(target, "kl_div"))
    if reduction == "mean":
        warnings.warn(
            "kl_div: reduction 'mean' divides by the number of classes too; the divergence is "
            "'batchmean'",
            UserWarning,
            stacklevel=1 if cython.compiled else 2,
        )
    if log_target:
        losses = exp(target) * (target - input)
    else:
        losses = _times_log(target) - target * input
    if reduction != "batchmean":
        return reduced(losses, reduction)
    return losses.sum() / input.shape[0] if input.ndim else losses.sum()


def _times_log(x):
    """x ln x, 0 and flat at 0."""
    return x * log(where(x == 0, zeros_of(x) + 1.0, x))


# Distributions --------------------------------------------------------------------------------


def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean"):
    """Negative log-likelihood of `target` under normal distributions: (ln v + (x − t)²/v) / 2.

    Parameters
    ----------
    input : Tensor
        The means.
    target : Tensor
        Of that shape, or one that broadcasts.
    var : Tensor or number
        The variances v: of input's shape, or with its last axis missing or one axis of length 1.
    full : bool
        Add the constant ln(2π)/2.
    eps : float
        Least variance; the gradient takes no notice of it, as in PyTorch.
    reduction : str
        "mean", "sum" or "none".

    Raises
    ------
    ValueError
        A variance is negative, or its shape does not fit.

    Examples
    --------
    >>> import minigrad as mg
    >>> loss = mg.nn.functional.gaussian_nll_loss
    >>> loss(mg.zeros(2), mg.tensor([1.0, 2.0]), mg.ones(2), reduction="none")
    tensor([0.5, 2. ])
    """
    name = "gaussian_nll_loss"
    check_reduction(reduction, name)
    check_fit(name, check_floating(input, name), target)
    numbers(name, eps=eps)
    if isinstance(var, (int, float)):
        var = wrap(np.full((), var, input.dtype))
        fits = True
    else:
        fits = check_tensor(var, name).shape == input.shape
    if (var._array < 0).any():
        raise ValueError(f"{name}: var has negative entries")
    if not fits:
        if var.shape == input.shape[:-1]:
            var = unsqueeze(var, -1)
        else:
            differ = [n for m, n in zip(input.shape, var.shape, strict=False) if m != n]
            if var.ndim != input.ndim or differ != [1]:
                raise ShapeError(f"{name}: var {var.shape} does not fit input {input.shape}")
    lifted = var + wrap(np.maximum(eps - var._array, 0).astype(var.dtype))
    losses = (log(lifted) + square(input - target) / lifted) * 0.5
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduced(losses, reduction)


def poisson_nll_loss(input, target, log_input=True, full=False, eps=1e-8, reduction="mean"):
    """Negative log-likelihood of counts under Poisson distributions: λ − t ln λ.

    Parameters
    ----------
    input : Tensor
        ln λ, or λ itself if not `log_input` (then the logarithm is that of λ + `eps`).
    target : Tensor
        Counts t; shapes broadcast.
    full : bool
        Add Stirling's t ln t − t + ln(2πt)/2 for ln t!, where t > 1.
    reduction : str
        "mean", "sum" or "none".

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.functional.poisson_nll_loss(mg.tensor([0.0, 1.0]), mg.tensor([2.0, 3.0]))
    tensor(0.3591)
    """
    name = "poisson_nll_loss"
    check_reduction(reduction, name)
    check_fit(name, input, target)
    numbers(name, eps=eps)
    if log_input:
        losses = exp(input) - target * input
    else:
        losses = input - target * log(input + eps)
    if full:
        t = floating(target)
        several = wrap(t._array > 1)
        safe = where(several, t, zeros_of(t) + 1.0)
        stirling = safe * log(safe) - safe + log(safe * (2 * math.pi)) * 0.5
        losses = losses + where(several, stirling, zeros_of(t))
    return reduced(losses, reduction)
