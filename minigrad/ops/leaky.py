"""Leaky rectifiers: two straight pieces that meet at 0, where the slope is the left one."""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Unary, wrap
    from cython.cimports.minigrad.kernels import elementwise as fast
else:
    from minigrad import kernels as fast
    from minigrad.engine import Unary, wrap

from minigrad.ops.choice import where
from minigrad.ops.operands import numbers, zeros_of
from minigrad.ops.rectifier import check_floating, run
from minigrad.ops.shape import reshape

__all__ = ["prelu"]


@cython.cclass
class LeakyRelu(Unary):
    """y = x where x > 0, else s x;  dx = g or s g"""

    leak: cython.double

    def __init__(self, leak):
        self.leak = leak

    @cython.ccall
    def forward(self, x):
        self._saves = 1
        scaled = fast.mul(x, self.leak)
        if 0.0 <= self.leak <= 1.0:
            return fast.maximum(x, scaled)
        return np.where(x > 0, x, scaled)

    @cython.ccall
    def backward(self, grad):
        x = self.input(0)._array
        positive = (x > 0).astype(x.dtype)
        if 0.0 <= self.leak <= 1.0:
            return grad * wrap(fast.maximum(positive, self.leak))
        return grad * wrap(np.where(positive, positive, x.dtype.type(self.leak)))


def leaky_relu(input, negative_slope=0.01, inplace=False):
    """`input` where it is positive, else negative_slope input. Gradient: g, or g negative_slope.

    >>> import minigrad as mg
    >>> mg.nn.functional.leaky_relu(mg.tensor([-1.0, 2.0]), 0.1)
    tensor([-0.1,  2. ])
    """
    check_floating(input, "leaky_relu")
    numbers("leaky_relu", negative_slope=negative_slope)
    return run(LeakyRelu(negative_slope), input, "leaky_relu", inplace)


def leaky_relu_(input, negative_slope=0.01):
    """`leaky_relu`, written over `input`.

    >>> import minigrad as mg
    >>> mg.nn.functional.leaky_relu_(mg.tensor([-1.0, 2.0]), 0.5)
    tensor([-0.5,  2. ])
    """
    return leaky_relu(input, negative_slope, True)


def prelu(input, weight):
    """`input` where it is positive, else weight input: a leaky ReLU whose slope is learned.

    Parameters
    ----------
    input : Tensor (N, C, …), or of one axis or none with a single slope
    weight : Tensor, (), (1,) or (C,)
        One slope, or one for each channel.

    Returns
    -------
    Tensor
        Gradients: g, or g weight; and for the slopes Σ g input over the negative elements.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.functional.prelu(mg.tensor([-1.0, 2.0]), mg.tensor(0.1))
    tensor([-0.1,  2. ])
    """
    check_floating(input, "prelu"), check_floating(weight, "prelu")
    if weight.dtype != input.dtype:
        raise DtypeError(f"prelu: weight is {weight.dtype}, the input {input.dtype}")
    if weight.ndim > 1:
        raise ShapeError(f"prelu: weight must be 0-d or (C,), got {weight.shape}")
    slopes = weight.numel()
    if slopes != 1:
        channels = input.shape[1] if input.ndim > 1 else min(input.ndim, 1)
        if slopes != channels:
            raise ShapeError(
                f"prelu: {slopes} slopes do not fit an input {input.shape} of {channels} channels"
            )
    if weight.ndim and input.ndim != 1:
        weight = reshape(weight, (slopes,) + (1,) * (input.ndim - 2) if input.ndim else ())
    positive = input > 0
    negative_part = where(positive, zeros_of(input), input)  # an infinite input times 0 is NaN
    return where(positive, input, negative_part * weight)
