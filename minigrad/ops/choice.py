"""Operations that choose: where, maximum, minimum, clamp; abs and sign.

At a tie or a kink the gradient is PyTorch's subgradient; each docstring says which.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.dtypes import float32, int64, result_type
from minigrad.errors import DtypeError

if cython.compiled:
    from cython.cimports.minigrad._array import is_float
    from cython.cimports.minigrad.engine import Binary, Nary, Tensor, Unary, wrap
    from cython.cimports.minigrad.kernels import elementwise as fast
else:
    from minigrad import kernels as fast
    from minigrad._array import is_float
    from minigrad.engine import Binary, Nary, Tensor, Unary, wrap

from minigrad.ops.operands import (
    NUMBERS,
    fits,
    no_slope,
    pair,
    plain,
    quiet,
    refuse_bool,
    shapes_clash,
    tensors,
    zeros_of,
)

__all__ = """
    where maximum minimum clamp clamp_min clamp_max abs sign
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


def where(condition, input=None, other=None):
    """Elements of `input` where `condition`, of `other` elsewhere; all three broadcast.

    Parameters
    ----------
    condition : Tensor of bool (or uint8)
    input, other : Tensor or number
        Both or none.

    Returns
    -------
    Tensor
        The gradient flows to the side that was chosen; the other receives exactly 0.
    tuple of Tensor
        Given `condition` alone: the indices of its elements other than 0, one tensor an axis.

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
    if input is None and other is None:
        return tuple(wrap(i) for i in np.nonzero(np.atleast_1d(condition._array)))
    if condition.dtype == np.uint8:
        condition = wrap(condition._array != 0)
    if condition.dtype != np.bool_:
        raise DtypeError(f"where: condition must be a bool tensor, got {condition.dtype}")
    x, y = input, other
    if not (isinstance(x, Tensor) and isinstance(y, Tensor) and x.dtype == y.dtype):
        x, y = pair(input, other, "where")
        for number in (input, other):
            if type(number) is int and x.dtype.kind in "iu" and not fits(number, x.dtype):
                raise ValueError(f"where: {number} is not a number of dtype {x.dtype}")
    try:
        return Where.__new__(Where).apply(condition, x, y)
    except ValueError:
        raise shapes_clash("where", condition, x, y) from None


@cython.cclass
class Extremum(Binary):
    """z = max(x, y) or min(x, y); a tie shares the gradient in halves"""

    largest: cython.bint

    def name(self):
        return "maximum" if self.largest else "minimum"

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 3
        return fast.maximum(x, y) if self.largest else fast.minimum(x, y)

    @cython.ccall
    def backward(self, grad):
        x, y = plain(self.input(0)), plain(self.input(1))
        tie = np.equal(x, y) * 0.5
        less, greater = np.less(x, y), np.greater(x, y)
        x_loses, y_loses = (less, greater) if self.largest else (greater, less)
        return (  # NaN is neither less nor greater: both sides get all of it, as in PyTorch
            grad * share(x_loses, tie, grad) if self.needs_grad(0) else None,
            grad * share(y_loses, tie, grad) if self.needs_grad(1) else None,
        )


def share(loses, tie, grad):
    """The part of the gradient of one side: 0 where it loses, 1/2 at a tie, otherwise 1."""
    return wrap((1.0 - loses - tie).astype(grad.dtype))


def maximum(input, other):
    """The larger of two, element by element; NaN if either is. A tie halves the gradient.

    >>> import minigrad as mg
    >>> mg.maximum(mg.tensor([1.0, 5.0]), mg.tensor([3.0, 2.0]))
    tensor([3., 5.])
    """
    if not (isinstance(input, Tensor) and isinstance(other, Tensor)):
        input, other = tensors("maximum", input=input, other=other)
    node = Extremum()
    node.largest = True
    return node.apply(input, other)


def minimum(input, other):
    """The smaller of two, element by element; NaN if either is. A tie halves the gradient.

    >>> import minigrad as mg
    >>> mg.minimum(mg.tensor([1.0, 5.0]), mg.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """
    if not (isinstance(input, Tensor) and isinstance(other, Tensor)):
        input, other = tensors("minimum", input=input, other=other)
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


@cython.cclass
class ClampTo(Nary):
    """z = min(max(x, a), b) with tensors a and b;  the gradient goes to the one that was taken"""

    def forward(self, x, low, high):
        self.broadcasts()
        self._saves = 7
        return quiet(np.minimum, quiet(np.maximum, x, low), high)

    @cython.ccall
    def backward(self, grad):
        x, low, high = plain(self.input(0)), plain(self.input(1)), plain(self.input(2))
        inside = (x >= low) & (x <= high)
        return (
            passed(grad, inside) if self.needs_grad(0) else None,
            passed(grad, (x < low) & (low < high)) if self.needs_grad(1) else None,
            passed(grad, (x > high) | (high < low)) if self.needs_grad(2) else None,
        )


def passed(grad, mask):
    """`grad` where the array `mask` says so, else 0."""
    return Where.__new__(Where).apply(wrap(np.asarray(mask)), grad, zeros_of(grad))


def clamp(input, min=None, max=None):
    """Limit the elements to [min, max]; either may be None, or both numbers, or both Tensors.

    Gradient: g where min <= input <= max (both ends included, as in PyTorch), else 0; tensors min
    and max receive it where input lies below or above. NaN stays NaN. Where min > max the result
    is max.

    Raises
    ------
    ValueError
        Both limits are None.
    TypeError
        One limit is a Tensor and the other a number.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.clamp(mg.tensor([-1.0, 0.5, 2.0]), 0, 1)
    tensor([0. , 0.5, 1. ])
    """
    return _clamp("clamp", input, min, max)


def clamp_min(input, min):
    """The elements, but at least `min`, a number or Tensor. Gradient: g where input >= min.

    >>> import minigrad as mg
    >>> mg.clamp_min(mg.tensor([-1.0, 0.5, 2.0]), 0)
    tensor([0. , 0.5, 2. ])
    """
    return _clamp("clamp_min", input, min, None)


def clamp_max(input, max):
    """The elements, but at most `max`, a number or Tensor. Gradient: g where input <= max.

    >>> import minigrad as mg
    >>> mg.clamp_max(mg.tensor([-1.0, 0.5, 2.0]), 1)
    tensor([-1. ,  0.5,  1. ])
    """
    return _clamp("clamp_max", input, None, max)


def _clamp(name, input, low, high):
    if isinstance(input, Tensor) and is_number(low) and is_number(high):
        x: Tensor = input
        if is_float(x._array) and not (low is None and high is None):
            return Clamp(low, high).apply(x)
    (input,) = tensors(name, input=input)
    limits = [limit for limit in (low, high) if limit is not None]
    if not limits:
        raise ValueError(f"{name}: at least one of min and max must be given")
    if all(isinstance(limit, Tensor) for limit in limits):
        return _clamp_to(name, input, low, high)
    for limit in limits:
        if not isinstance(limit, NUMBERS):
            raise TypeError(
                f"{name}: min and max must be numbers, or both Tensors, "
                f"got {' and '.join(type(v).__name__ for v in limits)}"
            )
    if not is_float(input._array):
        if any(isinstance(limit, float) for limit in limits):
            input = input.to(float32)
        elif input.dtype == np.bool_:
            if all(isinstance(limit, bool) for limit in limits):
                refuse_bool(name, input._array)
            input = input.to(int64)
        for limit in limits:
            if input.dtype.kind != "f" and not fits(limit, input.dtype):
                raise ValueError(f"{name}: {limit} is not a number of dtype {input.dtype}")
    return Clamp(low, high).apply(input)


@cython.cfunc
def is_number(limit) -> cython.bint:
    return limit is None or type(limit) is float or type(limit) is int


def _clamp_to(name, input, low, high):
    dtype = input.dtype
    for limit in (low, high):
        if limit is not None:
            dtype = result_type(np.empty((1,) * input.ndim, dtype), limit._array)
    x = input.to(dtype)
    try:
        if low is not None and high is not None:
            return ClampTo.__new__(ClampTo).apply(x, low.to(dtype), high.to(dtype))
        if low is None:
            y = high.to(dtype)
            inside = wrap(quiet(lambda a, b: (a <= b) | np.isnan(a), x._array, y._array))
        else:
            y = low.to(dtype)
            inside = wrap(quiet(lambda a, b: (a >= b) | np.isnan(a), x._array, y._array))
        return Where.__new__(Where).apply(inside, x, y)
    except ValueError:
        raise shapes_clash(name, *[t for t in (input, low, high) if t is not None]) from None


@cython.cclass
class Abs(Unary):
    """y = |x|;  dx = g sign(x), 0 at 0"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        if not is_float(x):
            refuse_bool("abs", x)
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
        if x.dtype == np.bool_:
            return x.copy()
        return np.subtract(x > 0, x < 0, dtype=x.dtype)  # 0 for NaN too

    @cython.ccall
    def backward(self, grad):
        return no_slope(grad)


def sign(input):
    """-1, 0 or 1; 0 of NaN. Its gradient is 0 everywhere.

    >>> import minigrad as mg
    >>> mg.sign(mg.tensor([-1.5, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """
    return Sign().apply(input)
