"""Rectifiers: activations in pieces, most of them linear ones.

At a kink the slope is PyTorch's: that of the flat side, and for `leaky_relu`, `prelu` and `elu` at
0 that of the left side. `inplace=True` writes over the input, as do the forms with an underscore.
"""

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
from minigrad.ops.elementwise import exp
from minigrad.ops.operands import zeros_of
from minigrad.ops.overwrite import overwrite
from minigrad.ops.shape import check_tensor, reshape

__all__ = """
    celu celu_ selu selu_ prelu threshold threshold_ hardshrink
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
    def keep(self, steep):
        """Remember where the slope is not 0, if anybody will ask."""
        if self.edges is not None:
            self.save_arrays(steep)

    @cython.ccall
    def backward(self, grad):
        if self.slope != 1.0:
            grad = grad * self.slope
        return where(wrap(self.arrays()[0]), grad, zeros_of(grad))


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
        self.keep(np.logical_not(flat))
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
        self.keep(~((x <= low) | (x >= high)))
        return np.clip(x, low, high)


@cython.cclass
class Hardsigmoid(Pass):
    """y = min(max(x + 3, 0), 6) / 6"""

    @cython.ccall
    def forward(self, x):
        self.keep((x > -3.0) & (x < 3.0))
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
        self.keep(~((x >= -self.width) & (x <= self.width)))
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
        self.keep(~flat)
        return np.where(flat, x.dtype.type(0), x)


def threshold(input, threshold, value, inplace=False):
    """`input` where it is above `threshold`, else `value`. Gradient: g above, 0 at and below.

    >>> import minigrad as mg
    >>> mg.threshold(mg.tensor([-1.0, 0.5, 2.0]), 0.5, 9.0)
    tensor([9., 9., 2.])
    """
    if check_number(input, "threshold").dtype.kind != "f":
        threshold, value = int(threshold), int(value)
    return run(Threshold(threshold, value), input, "threshold", inplace)


def _hardtanh(input, low, high, name, inplace):
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
    if not lambd >= 0:
        raise ValueError(f"softshrink: lambd must not be negative, got {lambd}")
    return Softshrink(lambd).apply(input)


def hardshrink(input, lambd=0.5):
    """`input` where |input| > lambd, else 0. Gradient: g there, else 0.

    >>> import minigrad as mg
    >>> mg.nn.functional.hardshrink(mg.tensor([-2.0, 0.3, 2.0]))
    tensor([-2.,  0.,  2.])
    """
    return Hardshrink(lambd).apply(check_floating(input, "hardshrink"))


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
        one = x.dtype.type(1)
        return grad * wrap(np.where(x > 0, one, x.dtype.type(self.leak)))


def leaky_relu(input, negative_slope=0.01, inplace=False):
    """`input` where it is positive, else negative_slope input. Gradient: g, or g negative_slope.

    >>> import minigrad as mg
    >>> mg.nn.functional.leaky_relu(mg.tensor([-1.0, 2.0]), 0.1)
    tensor([-0.1,  2. ])
    """
    check_floating(input, "leaky_relu")
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


def hardswish(input, inplace=False):
    """input min(max(input + 3, 0), 6) / 6. Gradient: g (2 input + 3) / 6 between, 0 or g beyond.

    >>> import minigrad as mg
    >>> mg.nn.functional.hardswish(mg.tensor([-4.0, 1.0, 4.0]))
    tensor([0.    , 0.6667, 4.    ])
    """
    check_floating(input, "hardswish")
    return overwrite(input, "hardswish_", _hardswish) if inplace else _hardswish(input)


def _hardswish(x):
    low, high = x <= -3.0, x >= 3.0
    middle = where(wrap(low._array | high._array), zeros_of(x), x)
    curve = middle * (middle + 3.0) * (1.0 / 6.0)
    return where(low, zeros_of(x), where(high, x, curve))


# Exponential units ----------------------------------------------------------------------------


@cython.cclass
class Elu(Unary):
    """y = s x where x > 0, else s a (exp(r x) - 1);  dx = s g, or s a r exp(r x) g"""

    alpha: cython.double
    scale: cython.double
    rate: cython.double

    def __init__(self, alpha, scale, rate):
        self.alpha, self.scale, self.rate = alpha, scale, rate

    @cython.ccall
    def forward(self, x):
        self._saves = 1
        below = fast.expm1(fast.mul(fast.minimum(x, 0.0), self.rate))
        return np.where(x > 0, x * self.scale, below * (self.alpha * self.scale))

    @cython.ccall
    def backward(self, grad):
        x = self.input(0)
        left = self.alpha * self.scale * self.rate
        below = wrap(x._array < 0)
        kind = x.dtype.type
        straight = wrap(np.where(x._array <= 0, kind(left), kind(self.scale)))
        curved = exp(where(below, x, zeros_of(x)) * self.rate) * left  # no exp of a large x
        return grad * where(below, curved, straight)


def elu(input, alpha=1.0, inplace=False):
    """Exponential linear unit: input where positive, else alpha (exp(input) - 1).

    Gradient: g, or g alpha exp(input), which at 0 is alpha g (and its own derivative there 0).
    Clevert, Unterthiner & Hochreiter (2016), arXiv:1511.07289.

    >>> import minigrad as mg
    >>> mg.nn.functional.elu(mg.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.    ])
    """
    check_floating(input, "elu")
    return run(Elu(alpha, 1.0, 1.0), input, "elu", inplace)


def celu(input, alpha=1.0, inplace=False):
    """`elu` with a slope of 1 at 0 for every alpha: alpha (exp(input / alpha) - 1) below 0.

    Barron (2017), arXiv:1704.07483.

    >>> import minigrad as mg
    >>> mg.celu(mg.tensor([-1.0, 2.0]), 2.0)
    tensor([-0.7869,  2.    ])
    """
    check_floating(input, "celu")
    if alpha == 0:
        raise ValueError("celu: alpha cannot be 0")
    return run(Elu(alpha, 1.0, 1.0 / alpha), input, "celu", inplace)


def selu(input, inplace=False):
    """1.0507 elu(input, 1.6733): keeps mean 0 and variance 1 through many layers.

    Klambauer, Unterthiner, Mayr & Hochreiter (2017), "Self-normalizing neural networks".

    >>> import minigrad as mg
    >>> mg.selu(mg.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    check_floating(input, "selu")
    node = Elu(1.6732632423543772848170429916717, 1.0507009873554804934193349852946, 1.0)
    return run(node, input, "selu", inplace)


# In place -------------------------------------------------------------------------------------


def leaky_relu_(input, negative_slope=0.01):
    """`leaky_relu`, written over `input`.

    >>> import minigrad as mg
    >>> mg.nn.functional.leaky_relu_(mg.tensor([-1.0, 2.0]), 0.5)
    tensor([-0.5,  2. ])
    """
    return leaky_relu(input, negative_slope, True)


def elu_(input, alpha=1.0):
    """`elu`, written over `input`.

    >>> import minigrad as mg
    >>> mg.nn.functional.elu_(mg.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.    ])
    """
    return elu(input, alpha, True)


def celu_(input, alpha=1.0):
    """`celu`, written over `input`.

    >>> import minigrad as mg
    >>> mg.celu_(mg.tensor([-1.0, 2.0]), 2.0)
    tensor([-0.7869,  2.    ])
    """
    return celu(input, alpha, True)


def selu_(input):
    """`selu`, written over `input`.

    >>> import minigrad as mg
    >>> mg.selu_(mg.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    return selu(input, True)


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
