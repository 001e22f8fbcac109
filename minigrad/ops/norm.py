"""Batch normalisation.

One fused kernel forward, one backward. A recorded backward pass, and one with a batch of
cotangents, composes the gradient of primitive operations instead, statistics included, so that
every higher order is right.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad import kernels
from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Nary, is_grad_enabled, wrap
else:
    from minigrad.engine import Nary, is_grad_enabled, wrap

from minigrad.ops.elementwise import rsqrt
from minigrad.ops.shape import check_tensor, reshape, same_dtypes

__all__ = ["batch_norm"]


def _vector(v, ndim):
    """A channel vector (C,) against x (N, C, …) of `ndim` axes."""
    return reshape(v, v.shape + (1,) * (ndim - 2))


@cython.cclass
class BatchNorm(Nary):
    """y = w n + b, n = (x - mean) / sqrt(var + eps);  dx = w s (g - m(g) - n m(g n))"""

    eps: cython.double
    mean: object
    var: object

    def __init__(self, eps):
        self.eps = eps

    def forward(self, x, weight, bias):
        y, self.mean, self.var = kernels.batch_norm(x, weight, bias, self.eps)
        self.save_input(0)
        if weight is not None:
            self.save_input(1)
        return y

    @cython.ccall
    def backward(self, grad):
        x, weight = self.input(0), self.input(1)
        if not is_grad_enabled() and grad.ndim == self.ndim:
            w = None if weight is None else weight._array
            parts = kernels.batch_norm_backward(
                grad._array, x._array, w, self.mean, self.var, self.eps
            )
            return tuple([wrap(p) if self.needs_grad(i) else None for i, p in enumerate(parts)])
        return self.composed(grad, x, weight)

    def composed(self, grad, x, weight):
        """The same gradient in operations on x: the statistics are functions of x, not numbers."""
        n = self.ndim
        axes = tuple([a for a in range(-n, 0) if a != 1 - n])
        centred = x - x.mean(axes, True)
        s = rsqrt(centred.square().mean(axes, True) + self.eps)
        normal = centred * s
        dw = (grad * normal).sum(axes) if self.needs_grad(1) else None
        db = grad.sum(axes) if self.needs_grad(2) else None
        dx = None
        if self.needs_grad(0):
            dx = grad - grad.mean(axes, True) - normal * (grad * normal).mean(axes, True)
            dx = dx * (s if weight is None else s * _vector(weight, n))
        return dx, dw, db


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

    Returns
    -------
    Tensor
        Of the shape of `input`. Right to any order of derivative: the statistics are
        differentiated too, which PyTorch's third order leaves out.

    Raises
    ------
    ValueError
        Training with a single value a channel.
    ShapeError, DtypeError
        Sizes or dtypes that do not fit.

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
    """
    name = "batch_norm"
    if check_tensor(input, name).ndim < 2:
        raise ShapeError(f"{name}: expected (N, C) or (N, C, d1, ...), got shape {input.shape}")
    if input.dtype.kind != "f":
        raise DtypeError(f"{name}: expected a floating tensor, got {input.dtype}")
    c = input.shape[1]
    named = {"running_mean": running_mean, "running_var": running_var}
    named |= {"weight": weight, "bias": bias}
    for what, v in named.items():
        if v is not None and check_tensor(v, name).shape != (c,):
            raise ShapeError(f"{name}: {what} must have shape ({c},), got {v.shape}")
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError(f"{name}: running_mean and running_var are needed unless training")
        scale = rsqrt(running_var + eps).to(input.dtype)
        shift = -running_mean.to(input.dtype) * scale
        if weight is not None:
            same_dtypes(name, input, weight)
            scale, shift = scale * weight, shift * weight
        if bias is not None:
            same_dtypes(name, input, bias)
            shift = shift + bias
        return input * _vector(scale, input.ndim) + _vector(shift, input.ndim)
    same_dtypes(name, input, weight, bias)
    count = input.numel() // c if c else 0
    if count == 1 and c:
        raise ValueError(
            f"{name}: expected more than 1 value per channel when training, "
            f"got shape {input.shape}"
        )
    node = BatchNorm(eps)
    out = node.apply(input, weight, bias)
    if running_mean is not None and count:
        _move(running_mean, node.mean, momentum)
    if running_var is not None and count:
        _move(running_var, node.var * (count / (count - 1)), momentum)
    return out


def _move(running, batch, momentum):
    """running ← (1 − momentum) running + momentum · batch, in place."""
    array = running._array
    array *= 1.0 - momentum
    array += np.asarray(batch, array.dtype) * array.dtype.type(momentum)
    running._bump("batch_norm")
