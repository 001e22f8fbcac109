"""Rounding and what is left over: floor, ceil, round, trunc, floor_divide, remainder, fmod.

What is piecewise constant has gradient 0, as in PyTorch. Integers stay as they are.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

if cython.compiled:
    from cython.cimports.minigrad.engine import Binary, Tensor, Unary, wrap
else:
    from minigrad.engine import Binary, Tensor, Unary, wrap

from minigrad.errors import DtypeError
from minigrad.ops.operands import no_slope, plain, quiet, refuse_bool, some_tensor

__all__ = """
    floor ceil round trunc floor_divide remainder fmod
""".split()


@cython.cclass
class Rounded(Unary):
    """y = x rounded by `function`;  dx = 0"""

    function: object
    label: str

    def __init__(self, label, function):
        self.label, self.function = label, function

    def name(self):
        return self.label

    @cython.ccall
    def forward(self, x):
        refuse_bool(self.label, x)
        return quiet(self.function, x) if x.dtype.kind == "f" else x.copy()

    @cython.ccall
    def backward(self, grad):
        return no_slope(grad)


def floor(input):
    """The largest integer not above each element. Gradient: 0.

    >>> import minigrad as mg
    >>> mg.floor(mg.tensor([-1.5, 1.5]))
    tensor([-2.,  1.])
    """
    return Rounded("floor", np.floor).apply(input)


def ceil(input):
    """The smallest integer not below each element. Gradient: 0.

    >>> import minigrad as mg
    >>> mg.ceil(mg.tensor([-1.5, 1.5]))
    tensor([-1.,  2.])
    """
    return Rounded("ceil", np.ceil).apply(input)


def trunc(input):
    """Each element without its fraction: rounded towards 0. Gradient: 0.

    >>> import minigrad as mg
    >>> mg.trunc(mg.tensor([-1.5, 1.5]))
    tensor([-1.,  1.])
    """
    return Rounded("trunc", np.trunc).apply(input)


def round(input, *, decimals=0):
    """The nearest integer, halves to the even one; or to `decimals` places. Gradient: 0.

    Negative `decimals` round to tens, hundreds and so on. Integers take no `decimals`.

    >>> import minigrad as mg
    >>> mg.round(mg.tensor([0.5, 1.5, 2.4]))
    tensor([0., 2., 2.])
    >>> mg.round(mg.tensor([0.126, 12.0]), decimals=2)
    tensor([ 0.13, 12.  ])
    """
    if not isinstance(decimals, int):
        raise TypeError(f"round: decimals must be an int, got {type(decimals).__name__}")
    if not -309 < decimals < 309:
        raise ValueError(f"round: decimals must lie between -308 and 308, got {decimals}")
    if not decimals:
        return Rounded("round", np.rint).apply(input)
    if isinstance(input, Tensor) and input.dtype.kind != "f":
        raise DtypeError(f"round: decimals are for floating tensors, got {input.dtype}")
    return Rounded("round", lambda x: np.round(x, decimals)).apply(input)


# Division with a rest ----------------------------------------------------------------------------


def _divisor(name, x, y):
    """Check the arrays of a rounded division: no bools, no integer by zero."""
    refuse_bool(name, x, y)
    kinds = [v.dtype.kind if isinstance(v, np.ndarray) else "i" for v in (x, y)]
    if "f" not in kinds and not isinstance(x, float) and not np.all(y):
        raise RuntimeError(f"{name}: an integer is divided by zero")


def _quotient(x, y, floor):
    """x / y rounded down or towards 0: arrays in, array out."""
    if floor:
        return quiet(np.floor_divide, x, y)
    if np.result_type(x, y).kind == "f":
        return quiet(lambda x, y: np.trunc(np.divide(x, y)), x, y)
    down, rest = np.floor_divide(x, y), np.remainder(x, y)
    return np.asarray(down + ((rest != 0) & (np.less(x, 0) != np.less(y, 0))))


@cython.cclass
class Quotient(Binary):
    """z = x / y rounded down or towards 0;  dx = dy = 0"""

    label: str
    floor: cython.bint

    def name(self):
        return self.label

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        _divisor(self.label, x, y)
        return _quotient(x, y, self.floor)

    @cython.ccall
    def backward(self, grad):
        return no_slope(grad), no_slope(grad)


def quotient(name, input, other, floor):
    """`input / other` rounded: what `floor_divide` and `div` with a rounding mode share."""
    some_tensor(name, input, other)
    node = Quotient()
    node.label, node.floor = name, floor
    return node.apply(input, other)


def floor_divide(input, other):
    """Quotient rounded down, Python's ``//``. Gradient: 0.

    Raises RuntimeError where an integer is divided by zero.

    >>> import minigrad as mg
    >>> mg.floor_divide(mg.tensor([-5, 5]), 2)
    tensor([-3,  2])
    """
    return quotient("floor_divide", input, other, True)


@cython.cclass
class Remainder(Binary):
    """z = x - y floor(x / y), of y's sign;  dx = g,  dy = -g floor(x / y)"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 3 if self.needs_grad(1) else 0
        _divisor("remainder", x, y)
        return quiet(np.remainder, x, y)

    @cython.ccall
    def backward(self, grad):
        return grad, -grad * steps(self, True) if self.needs_grad(1) else None


@cython.cclass
class Fmod(Binary):
    """z = x - y trunc(x / y), of x's sign;  dx = g,  dy = -g trunc(x / y)"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 3 if self.needs_grad(1) else 0
        _divisor("fmod", x, y)
        return quiet(np.fmod, x, y)

    @cython.ccall
    def backward(self, grad):
        return grad, -grad * steps(self, False) if self.needs_grad(1) else None


def steps(node, floor):
    """The rounded quotient of a node's saved inputs: piecewise constant, outside the graph."""
    return wrap(_quotient(plain(node.input(0)), plain(node.input(1)), floor))


def remainder(input, other):
    """What is left of `input` after whole steps of `other`, of other's sign: Python's ``%``.

    Gradients: g for `input`, -g floor(input / other) for `other`. Raises RuntimeError where an
    integer is divided by zero.

    >>> import minigrad as mg
    >>> mg.remainder(mg.tensor([-5.0, 5.0]), 3)
    tensor([1., 2.])
    """
    some_tensor("remainder", input, other)
    return Remainder().apply(input, other)


def fmod(input, other):
    """What is left of `input` after whole steps of `other`, of input's sign: C's ``fmod``.

    Gradients: g for `input`, -g trunc(input / other) for `other`. Raises RuntimeError where an
    integer is divided by zero.

    >>> import minigrad as mg
    >>> mg.fmod(mg.tensor([-5.0, 5.0]), 3)
    tensor([-2.,  2.])
    """
    if not isinstance(input, (Tensor, np.ndarray)):
        raise TypeError(f"fmod: input must be a Tensor, got {type(input).__name__}")
    return Fmod().apply(input, other)
