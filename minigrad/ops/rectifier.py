"""Rectifiers: activations in pieces that are straight (`hardswish` apart).

At a kink the slope is PyTorch's: that of the flat side, and for `leaky_relu` and `prelu` that of
the left side. `inplace=True` writes over the input, as do the forms with an underscore.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Binary, Unary, wrap
    from cython.cimports.minigrad.kernels import elementwise as fast
else:
    from minigrad import kernels as fast
    from minigrad.engine import Binary, Unary, wrap

from minigrad.ops.activation import ReluGrad
from minigrad.ops.choice import where
from minigrad.ops.operands import numbers, zeros_of
from minigrad.ops.overwrite import overwrite
from minigrad.ops.shape import check_tensor, reshape

__all__ = """
    prelu threshold threshold_ hardshrink
""".split()


def check_floating(x, name):
    """`x`, a floating Tensor; else an error that names the operation."""
    if check_tensor(x, name).dtype.kind != "f":
        raise DtypeError(f"{name}: expected a floating tensor, got {x.dtype}")
    return x


def check_number(x, name):
    """`x`, a tensor that can be compared with numbers: not of bools."""
    if check_tensor(x, name).dtype.kind == "b":
        raise DtypeError(f"{name}: expected numbers, got a bool tensor")
    return x


def run(node, input, name, inplace=False):
    """The operation `node` on `input`, written over it if `inplace`."""
    return overwrite(input, f"{name}_", node.apply) if inplace else node.apply(input)


# Pieces that are flat or of one slope ---------------------------------------------------------


@cython.cclass
class Pass(Unary):
    """dx = slope g where x is in the steep pieces, else 0: the rule of the classes below"""

    slope: cython.double

    def __init__(self, slope=1.0):
        self.slope = slope

    @cython.ccall
    def keep(self, steep, dtype):
        """Remember where the slope is not 0, if anybody will ask."""
        if self.edges is not None:
            self.save_arrays(steep.astype(dtype))

    @cython.ccall
    def backward(self, grad):
        if self.slope != 1.0:
            grad = grad * self.slope
        return ReluGrad().apply(grad, wrap(self.arrays()[0]))


@cython.cclass
class Threshold(Pass):
    """y = x where x > t, else v"""

    bounds: tuple  # t, v

    def __init__(self, threshold, value):
        self.slope = 1.0
        self.bounds = threshold, value

    @cython.ccall
    def forward(self, x):
        threshold, value = self.bounds
        flat = x <= threshold  # so that NaN stays
        self.keep(np.logical_not(flat), x.dtype)
        return np.where(flat, x.dtype.type(value), x)


@cython.cclass
class Hardtanh(Pass):
    """y = min(max(x, low), high)"""

    bounds: tuple

    def __init__(self, low, high):
        self.slope = 1.0
        self.bounds = low, high

    @cython.ccall
    def forward(self, x):
        low, high = self.bounds
        self.keep(~((x <= low) | (x >= high)), x.dtype)
        return np.clip(x, low, high)


@cython.cclass
class Hardsigmoid(Pass):
    """y = min(max(x + 3, 0), 6) / 6"""

    @cython.ccall
    def forward(self, x):
        self.keep((x > -3.0) & (x < 3.0), x.dtype)
        return np.clip(x + 3.0, 0.0, 6.0) * (1.0 / 6.0)


@cython.cclass
class Softshrink(Pass):
    """y = x - l where x > l, x + l where x < -l, else 0"""

    width: cython.double

    def __init__(self, width):
        self.slope = 1.0
        self.width = width

    @cython.ccall
    def forward(self, x):
        self.keep(~((x >= -self.width) & (x <= self.width)), x.dtype)
        return x - np.clip(x, -self.width, self.width)


@cython.cclass
class Hardshrink(Pass):
    """y = x where |x| > l, else 0"""

    width: cython.double

    def __init__(self, width):
        self.slope = 1.0
        self.width = width

    @cython.ccall
    def forward(self, x):
        flat = (x >= -self.width) & (x <= self.width)
        self.keep(~flat, x.dtype)
        return np.where(flat, x.dtype.type(0), x)


def threshold(input, threshold, value, inplace=False):
    """`input` where it is above `threshold`, else `value`. Gradient: g above, 0 at and below.

    >>> import minigrad as mg
    >>> mg.threshold(mg.tensor([-1.0, 0.5, 2.0]), 0.5, 9.0)
    tensor([9., 9., 2.])
    """
    numbers("threshold", threshold=threshold, value=value)
    if check_number(input, "threshold").dtype.kind != "f":
        threshold, value = int(threshold), int(value)
    return run(Threshold(threshold, value), input, "threshold", inplace)


def _hardtanh(input, low, high, name, inplace):
    numbers(name, min_val=low, max_val=high)
    if low > high:
        raise ValueError(f"{name}: min_val {low} cannot be greater than max_val {high}")
    dtype = check_number(input, name).dtype
    if dtype.kind != "f":
        low, high = int(low), int(high)
        if dtype.kind == "u" and low < 0:
            raise DtypeError(f"{name}: limits [{low}, {high}] do not fit an unsigned tensor")
    return run(Hardtanh(low, high), input, name, inplace)


def hardtanh(input, min_val=-1.0, max_val=1.0, inplace=False):
    """`input` limited to [min_val, max_val]. Gradient: g strictly between, 0 at and beyond both.

    >>> import minigrad as mg
    >>> mg.nn.functional.hardtanh(mg.tensor([-3.0, 0.5, 3.0]))
    tensor([-1. ,  0.5,  1. ])
    """
    return _hardtanh(input, min_val, max_val, "hardtanh", inplace)


def relu6(input, inplace=False):
    """min(max(input, 0), 6). Gradient: g where 0 < input < 6, else 0.

    >>> import minigrad as mg
    >>> mg.nn.functional.relu6(mg.tensor([-1.0, 2.0, 8.0]))
    tensor([0., 2., 6.])
    """
    return _hardtanh(input, 0.0, 6.0, "relu6", inplace)


def hardsigmoid(input, inplace=False):
    """min(max(input + 3, 0), 6) / 6, a sigmoid of straight lines. Gradient: g / 6 or 0.

    >>> import minigrad as mg
    >>> mg.nn.functional.hardsigmoid(mg.tensor([-4.0, 0.0, 4.0]))
    tensor([0. , 0.5, 1. ])
    """
    check_floating(input, "hardsigmoid")
    return run(Hardsigmoid(1.0 / 6.0), input, "hardsigmoid", inplace)


def softshrink(input, lambd=0.5):
    """`input` moved towards 0 by `lambd`, at most to 0. Gradient: g where |input| > lambd, else 0.

    >>> import minigrad as mg
    >>> mg.nn.functional.softshrink(mg.tensor([-2.0, 0.3, 2.0]))
    tensor([-1.5,  0. ,  1.5])
    """
    check_floating(input, "softshrink")
    numbers("softshrink", lambd=lambd)
    if not lambd >= 0:
        raise ValueError(f"softshrink: lambd must not be negative, got {lambd}")
    return Softshrink(lambd).apply(input)


def hardshrink(input, lambd=0.5):
    """`input` where |input| > lambd, else 0. Gradient: g there, else 0.

    >>> import minigrad as mg
    >>> mg.nn.functional.hardshrink(mg.tensor([-2.0, 0.3, 2.0]))
    tensor([-2.,  0.,  2.])
    """
    check_floating(input, "hardshrink")
    numbers("hardshrink", lambd=lambd)
    return Hardshrink(lambd).apply(input)


# Two slopes -----------------------------------------------------------------------------------


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


# A parabola in between ------------------------------------------------------------------------


@cython.cclass
class Hardswish(Unary):
    """y = x min(max(x + 3, 0), 6) / 6"""

    @cython.ccall
    def forward(self, x):
        self._saves = 1
        return fast.mul(x, np.clip(x + 3.0, 0.0, 6.0) * (1.0 / 6.0))

    @cython.ccall
    def backward(self, grad):
        return HardswishGrad().apply(grad, self.input(0))


@cython.cclass
class HardswishGrad(Binary):
    """z = g (2 x + 3) / 6 where |x| < 3, else 0 or g;  dx = v g / 3 there, else 0"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 3
        slope = np.clip(y, -3.0, 3.0)
        slope = (slope * (1.0 / 3.0) + 0.5) * (np.abs(slope) < 3.0)
        return fast.mul(x, slope + (y >= 3.0))

    @cython.ccall
    def backward(self, grad):
        g, x = self.input(0), self.input(1)
        dx = None
        if self.needs_grad(1):
            between = (np.abs(x._array) < 3.0).astype(x.dtype)
            dx = ReluGrad().apply(grad * g * (1.0 / 3.0), wrap(between))
        return HardswishGrad().apply(grad, x) if self.needs_grad(0) else None, dx


def hardswish(input, inplace=False):
    """input min(max(input + 3, 0), 6) / 6. Gradient: g (2 input + 3) / 6 between, 0 or g beyond.

    >>> import minigrad as mg
    >>> mg.nn.functional.hardswish(mg.tensor([-4.0, 1.0, 4.0]))
    tensor([0.    , 0.6667, 4.    ])
    """
    check_floating(input, "hardswish")
    return run(Hardswish(), input, "hardswish", inplace)


# In place -------------------------------------------------------------------------------------


def leaky_relu_(input, negative_slope=0.01):
    """`leaky_relu`, written over `input`.

    >>> import minigrad as mg
    >>> mg.nn.functional.leaky_relu_(mg.tensor([-1.0, 2.0]), 0.5)
    tensor([-0.5,  2. ])
    """
    return leaky_relu(input, negative_slope, True)


def hardtanh_(input, min_val=-1.0, max_val=1.0):
    """`hardtanh`, written over `input`.

    >>> import minigrad as mg
    >>> mg.nn.functional.hardtanh_(mg.tensor([-3.0, 0.5]))
    tensor([-1. ,  0.5])
    """
    return hardtanh(input, min_val, max_val, True)


def threshold_(input, threshold, value):
    """`threshold`, written over `input`.

    >>> import minigrad as mg
    >>> mg.threshold_(mg.tensor([-1.0, 2.0]), 0.0, 9.0)
    tensor([9., 2.])
    """
    return _threshold(input, threshold, value, True)


_threshold = threshold
