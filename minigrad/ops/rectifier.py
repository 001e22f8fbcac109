"""Rectifiers: activations in straight pieces, some of them flat.

At a kink the slope is that of the flat side, 0, as in PyTorch. `inplace=True` writes over the
input, as do the forms with an underscore.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Unary, wrap
else:
    from minigrad.engine import Unary, wrap

from minigrad.ops.activation import ReluGrad
from minigrad.ops.operands import numbers
from minigrad.ops.overwrite import overwrite
from minigrad.ops.shape import check_tensor

__all__ = """
    threshold threshold_ hardshrink
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


# In place -------------------------------------------------------------------------------------


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
