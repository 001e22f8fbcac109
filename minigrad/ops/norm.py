"""Batch normalisation: one fused kernel forward, one backward, closed under differentiation.

`BatchNormGrad` is an operation whose rule is written in itself and in `BatchNorm`: the statistics
in it are functions of x, never frozen numbers, so that every order of derivative is right.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError, GraphError, InplaceError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Nary, is_grad_enabled, wrap
    from cython.cimports.minigrad.kernels import batch_norm as fast
else:
    from minigrad import kernels as fast
    from minigrad.engine import Nary, is_grad_enabled, wrap

from minigrad.ops.elementwise import rsqrt
from minigrad.ops.operands import numbers
from minigrad.ops.reduce import sum_to
from minigrad.ops.shape import broadcast_to, check_tensor, reshape, same_dtypes

__all__ = ["batch_norm"]


def _axes(ndim):
    """The axes summed over: all but the channels', of x (N, C, …)."""
    return tuple([a for a in range(-ndim, 0) if a != 1 - ndim])


def _beside(v, ndim):
    """Channel vectors (…, C) in a shape that broadcasts with x (…, N, C, d1, …)."""
    return reshape(v, v.shape[:-1] + (1, v.shape[-1]) + (1,) * (ndim - 2))


@cython.cclass
class BatchNorm(Nary):
    """y = x̂ w + b, x̂ = (x − μ) s, s = (σ² + ε)^(−1/2); μ and σ² of the batch, or fixed"""

    mean: object  # (C,) float64; None before forward: take the batch's
    var: object
    eps: cython.double
    training: cython.bint

    def __init__(self, mean, var, eps, training):
        self.mean, self.var, self.eps, self.training = mean, var, eps, training

    def forward(self, x, weight, bias):
        y, self.mean, self.var = fast.batch_norm(x, weight, bias, self.mean, self.var, self.eps)
        self.save_input(0)
        if weight is not None:
            self.save_input(1)
        return y

    def statistics(self):
        """Mean and biased variance, float64 arrays (C,)."""
        return self.mean, self.var

    @cython.ccall
    def backward(self, grad):
        node = BatchNormGrad(self.mean, self.var, self.eps, self.training)
        dx, dw, db = node.apply(grad, self.input(0), self.input(1))
        return (
            dx if self.needs_grad(0) else None,
            dw if self.needs_grad(1) else None,
            db if self.needs_grad(2) else None,
        )


@cython.cclass
class BatchNormGrad(Nary):
    """dx = w s P(g), dw = Σ g x̂, db = Σ g, with P(g) = g − (Σ g + x̂ Σ g x̂) / n

    For fixed statistics P(g) = g. P is symmetric, and with w = 1 this operation is s P, Σ · x̂ and
    Σ: for cotangents v, a, b of dx, dw, db its rule is

        to g   w s P(v) + a x̂ + b
        to w   Σ g s P(v)
        to x   s P(d) − x̂ w s Σ (g s P(v)) / n    d = a g − w s (v Σ g x̂ + g Σ v x̂) / n

    and s P(a g) alone for fixed statistics.
    """

    mean: object
    var: object
    eps: cython.double
    training: cython.bint

    def __init__(self, mean, var, eps, training):
        self.mean, self.var, self.eps, self.training = mean, var, eps, training

    def forward(self, g, x, weight):
        self.save_input(0)
        self.save_input(1)
        if weight is not None:
            self.save_input(2)
        return fast.batch_norm_backward(g, x, weight, self.mean, self.var, self.eps, self.training)

    def core(self, g, x):
        """(s P(g), Σ g x̂, Σ g), differentiable in g and x."""
        return BatchNormGrad(self.mean, self.var, self.eps, self.training).apply(g, x, None)

    def normal(self, x):
        """x̂, differentiable in x."""
        mean, var = (None, None) if self.training else (self.mean, self.var)
        return BatchNorm(mean, var, self.eps, self.training).apply(x, None, None)

    def inverse_deviation(self, x):
        """s (C,), a function of x where that is differentiated."""
        if is_grad_enabled():
            return rsqrt(x.var(_axes(x.ndim), correction=0) + self.eps)
        return wrap((1.0 / np.sqrt(self.var + self.eps)).astype(x.dtype))

    @cython.ccall
    def backward(self, grad):
        g, x, w = self.input(0), self.input(1), self.input(2)
        v, a, b = grad
        n, axes = x.ndim, _axes(x.ndim)
        count = max(x.numel() // max(x.shape[1], 1), 1)
        dg = dx = dw = d = None
        if v is not None:
            lead = v.ndim - g.ndim
            q, vx, _ = self.core(v, x)
            gq = (g * q).sum(axes)
            dg = q if w is None else q * _beside(w, n)
            if self.needs_grad(2):
                dw = sum_to(gq, w.shape, lead)
            if self.training and self.needs_grad(1):
                s = self.inverse_deviation(x)
                ws = s if w is None else w * s
                gx = self.core(g, x)[1]
                d = (v * _beside(gx, n) + g * _beside(vx, n)) * _beside(ws * (-1.0 / count), n)
                dx = -self.normal(x) * _beside(gq * (ws * (1.0 / count)), n)
        if a is not None:
            lead = a.ndim - 1 - g.ndim + n
            if self.needs_grad(0):
                ax = self.normal(x) * _beside(a, n)
                dg = ax if dg is None else dg + ax
            if self.needs_grad(1):
                ag = g * _beside(a, n)
                d = ag if d is None else d + ag
        if b is not None:
            lead = b.ndim - 1 - g.ndim + n
            b = _beside(b, n)
            dg = broadcast_to(b, b.shape[:lead] + g.shape) if dg is None else dg + b
        if d is not None:
            sd = self.core(d, x)[0]
            dx = sd if dx is None else dx + sd
        if dx is not None:
            dx = sum_to(dx, x.shape, lead)
        return dg, dx, dw


def batch_norm(
    input,
    running_mean,
    running_var,
    weight=None,
    bias=None,
    training=False,
    momentum=0.1,
    eps=1e-5,
):
    """Batch normalisation over every axis but the second: y = (x − μ) / √(σ² + ε) · w + b.

    In training μ and σ² are the batch's mean and (biased) variance; the running statistics move
    towards them, ``running ← (1 − momentum) running + momentum · batch``: `momentum` weighs the
    *new* batch. The running variance takes the unbiased one, with n / (n − 1). Otherwise μ and σ²
    are the running statistics.

    Parameters
    ----------
    input : Tensor, (N, C) or (N, C, d1, …)
    running_mean, running_var : Tensor, (C,), or None
        Changed in place in training. Both needed when not training.
    weight, bias : Tensor, (C,), optional
    training : bool
    momentum : float
    eps : float
        Positive in training.

    Returns
    -------
    Tensor
        Of the shape of `input`. Right to any order of derivative: the statistics are
        differentiated too, which PyTorch's third order leaves out.

    Raises
    ------
    ValueError
        Training with a single value a channel, or an `eps` out of range.
    ShapeError, DtypeError
        Sizes or dtypes that do not fit.

    Notes
    -----
    The derivative tower. For a channel of the three values (t, 1, 3), and ε = 1, the first output
    is a function of t that one can differentiate by hand, with u = t − 2:

        y = 2u / √D,  D = 2u² + 15      y′ = 30 D^(−3/2)      y″ = −180 u D^(−5/2)
        y‴ = 180 (8u² − 15) D^(−7/2)    y⁗ = 180 u (450 − 80u²) D^(−9/2)

    At t = 0 that is 0.27198, 0.14190, 0.05244, −0.03487, as below. PyTorch 2.13.0 gives 0.00710
    and −0.25542 at orders three and four (`tests/ops/test_derivative_tower.py` runs both).

    References
    ----------
    Ioffe and Szegedy, Batch Normalization, 2015, section 3.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[1.0], [3.0]])
    >>> mg.nn.functional.batch_norm(x, None, None, training=True)
    tensor([[-1.],
            [ 1.]])

    The tower of the notes:

    >>> x = mg.tensor([[0.0], [1.0], [3.0]], dtype=mg.float64, requires_grad=True)
    >>> y = mg.nn.functional.batch_norm(x, None, None, training=True, eps=1.0)[0, 0]
    >>> for order in range(1, 5):
    ...     y = mg.grad(y, x, create_graph=True)[0][0, 0]
    ...     print(f"{y.item():.5f}", end=" ")
    0.27198 0.14190 0.05244 -0.03487
    """
    name = "batch_norm"
    if check_tensor(input, name).shape == (0,):  # no sample, no channel
        empty = reshape(input, (0, 0))
        statistics = running_mean, running_var
        return reshape(batch_norm(empty, *statistics, weight, bias, training, momentum, eps), (0,))
    running = {"running_mean": running_mean, "running_var": running_var}
    check_channels(name, input, **running, weight=weight, bias=bias)
    if type(eps) is not float or type(momentum) is not float:
        numbers(name, momentum=momentum, eps=eps)
    if not eps >= 0:
        raise ValueError(f"{name}: eps must not be negative, got {eps}")
    if training and not eps:  # a constant channel would be 0 / 0
        raise ValueError(f"{name}: eps must be positive in training, got {eps}")
    if not training:
        if running_mean is None:
            raise ValueError(f"{name}: running_mean and running_var are needed unless training")
        mean, var = (v._array.astype(np.float64) for v in (running_mean, running_var))
        return BatchNorm(mean, var, eps, False).apply(input, weight, bias)
    count = input.numel() // input.shape[1] if input.shape[1] else 0
    if count == 1:
        raise ValueError(
            f"{name}: Expected more than 1 value per channel when training, "
            f"got input size {input.shape}"
        )
    node = BatchNorm(None, None, eps, True)
    out = node.apply(input, weight, bias)
    if running_mean is not None and count:
        mean, var = node.statistics()
        move(running_mean, mean, momentum, 1.0, name)
        move(running_var, var, momentum, count / (count - 1), name)
    return out


def check_channels(name, input, **vectors):
    """Raise unless `input` is floating, (N, C, …), and each vector None or (C,) of its dtype."""
    if check_tensor(input, name).ndim < 2:
        raise ShapeError(
            f"{name}: expected at least 2 dimensions, (N, C) or (N, C, d1, ...), "
            f"got shape {input.shape}"
        )
    if input.dtype.kind != "f":
        raise DtypeError(f"{name}: expected a floating tensor, got {input.dtype}")
    shape = input.shape[1:2]
    for what, v in vectors.items():
        if v is not None and check_tensor(v, name).shape != shape:
            raise ShapeError(
                f"{name}: {what} must have shape {shape} for the input {input.shape}, "
                f"got {v.shape}"
            )
    if (vectors.get("running_mean") is None) != (vectors.get("running_var") is None):
        raise ValueError(f"{name}: running_mean and running_var must both be given, or neither")
    same_dtypes(name, input, *vectors.values())
    for what in ("running_mean", "running_var"):
        v = vectors.get(what)
        if v is not None and v.requires_grad and is_grad_enabled():
            raise GraphError(
                f"{name}: {what} is not differentiated, and must not require grad; detach it"
            )


def move(running, batch, momentum, factor, name):
    """running ← (1 − momentum) running + momentum · factor · batch, in place."""
    if not running._array.flags.writeable:
        raise InplaceError(
            f"{name}: the memory of a running statistic of shape {running.shape} is read-only "
            "or shared by several elements; use .clone() first"
        )
    fast.move_statistics(running._array, batch, momentum, factor)
    running._bump(name)
