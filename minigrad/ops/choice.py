"""Operations that choose: where, maximum, minimum, clamp; abs and sign.

At a tie or a kink the gradient is PyTorch's subgradient; each docstring says which.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.dtypes import float32
from minigrad.errors import DtypeError

if cython.compiled:
    from cython.cimports.minigrad._array import is_float
    from cython.cimports.minigrad.engine import Binary, Nary, Tensor, Unary, wrap
    from cython.cimports.minigrad.kernels import elementwise as fast
else:
    from minigrad import kernels as fast
    from minigrad._array import is_float
    from minigrad.engine import Binary, Nary, Tensor, Unary, wrap

from minigrad.ops.operands import pair, shapes_clash, zeros_of

__all__ = """
    where maximum minimum clamp abs sign
""".split()


@cython.cclass
class Where(Nary):
    """z = x where c, else y"""

    def forward(self, condition, x, y):
        self.broadcasts()
        self.save_input(0)
        return np.where(condition, x, y)

    @cython.ccall
    def backward(self, grad):
        mask, zero = self.input(0), zeros_of(grad)
        return (
            None,
            Where().apply(mask, grad, zero) if self.needs_grad(1) else None,
            Where().apply(mask, zero, grad) if self.needs_grad(2) else None,
        )


def where(condition, input, other):
    """Elements of `input` where `condition`, of `other` elsewhere; all three broadcast.

    Parameters
    ----------
    condition : Tensor of bool
    input, other : Tensor or number

    Returns
    -------
    Tensor
        The gradient flows to the side that was chosen; the other receives exactly 0.

    Raises
    ------
    TypeError
        `condition` is not a bool tensor.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([-1.0, 2.0])
    >>> mg.where(x > 0, x, 0.0)
    tensor([0., 2.])
    """
    if not isinstance(condition, Tensor):
        raise TypeError(f"where: condition must be a Tensor, got {type(condition).__name__}")
    if condition.dtype != np.bool_:
        raise DtypeError(f"where: condition must be a bool tensor, got {condition.dtype}")
    x, y = input, other
    if not (isinstance(x, Tensor) and isinstance(y, Tensor) and x.dtype == y.dtype):
        x, y = pair(input, other, "where")
    try:
        return Where.__new__(Where).apply(condition, x, y)
    except ValueError:
        raise shapes_clash("where", condition, x, y) from None


@cython.cclass
class Extremum(Binary):
    """z = max(x, y) or min(x, y); a tie shares the gradient in halves"""

    largest: cython.bint

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        out = fast.maximum(x, y) if self.largest else fast.minimum(x, y)
        if self.edges is not None:
            wins = np.greater(x, y) if self.largest else np.less(x, y)
            self.save_arrays(wins + 0.5 * np.equal(x, y))
        return out

    @cython.ccall
    def backward(self, grad):
        share = wrap(self.arrays()[0].astype(grad.dtype))
        return (
            grad * share if self.needs_grad(0) else None,
            grad * (1.0 - share) if self.needs_grad(1) else None,
        )


def maximum(input, other):
    """The larger of two, element by element; NaN if either is. A tie halves the gradient.

    >>> import minigrad as mg
    >>> mg.maximum(mg.tensor([1.0, 5.0]), mg.tensor([3.0, 2.0]))
    tensor([3., 5.])
    """
    node = Extremum()
    node.largest = True
    return node.apply(input, other)


def minimum(input, other):
    """The smaller of two, element by element; NaN if either is. A tie halves the gradient.

    >>> import minigrad as mg
    >>> mg.minimum(mg.tensor([1.0, 5.0]), mg.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """
    node = Extremum()
    node.largest = False
    return node.apply(input, other)


@cython.cclass
class Clamp(Unary):
    """y = min(max(x, low), high); the gradient passes where low <= x <= high"""

    low: object
    high: object

    def __init__(self, low, high):
        self.low, self.high = low, high

    @cython.ccall
    def forward(self, x):
        self._saves = 1
        if self.low is not None:
            x = fast.maximum(x, self.low)
        return x if self.high is None else fast.minimum(x, self.high)

    @cython.ccall
    def backward(self, grad):
        x = self.input(0)._array
        inside = True if self.low is None else x >= self.low
        if self.high is not None:
            inside = inside & (x <= self.high)
        return Where.__new__(Where).apply(wrap(inside), grad, zeros_of(grad))


def clamp(input, min=None, max=None):
    """Limit the elements to [min, max]; either may be None, a number or a Tensor.

    Gradient: g where min <= input <= max (both ends included, as in PyTorch), else 0. NaN stays
    NaN. Where min > max the result is max.

    Raises
    ------
    ValueError
        Both limits are None.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.clamp(mg.tensor([-1.0, 0.5, 2.0]), 0, 1)
    tensor([0. , 0.5, 1. ])
    """
    if min is None and max is None:
        raise ValueError("clamp: at least one of min and max must be given")
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        out = input
        if min is not None:
            out = maximum(out, min)
        return out if max is None else minimum(out, max)
    if not is_float(input._array) and (isinstance(min, float) or isinstance(max, float)):
        input = input.to(float32)
    return Clamp(min, max).apply(input)


@cython.cclass
class Abs(Unary):
    """y = |x|;  dx = g sign(x), 0 at 0"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return np.abs(x)

    @cython.ccall
    def backward(self, grad):
        return grad * sign(self.input(0))


def abs(input):
    """Absolute value. Gradient: g sign(input), 0 at 0.

    >>> import minigrad as mg
    >>> mg.abs(mg.tensor([-1.5, 2.0]))
    tensor([1.5, 2. ])
    """
    return Abs().apply(input)


@cython.cclass
class Sign(Unary):
    """y = sign(x);  dx = 0"""

    @cython.ccall
    def forward(self, x):
        return np.sign(x)

    @cython.ccall
    def backward(self, grad):
        return grad * 0.0


def sign(input):
    """-1, 0 or 1. Its gradient is 0 everywhere.

    >>> import minigrad as mg
    >>> mg.sign(mg.tensor([-1.5, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """
    return Sign().apply(input)
