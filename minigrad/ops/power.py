"""Powers: ** and float_power."""

import math

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

if cython.compiled:
    from cython.cimports.minigrad._array import is_array, is_float
    from cython.cimports.minigrad.engine import Binary, Tensor, wrap
    from cython.cimports.minigrad.kernels import elementwise as fast
    from cython.cimports.minigrad.methods import slots
    from cython.cimports.minigrad.ops.operands import is_floating
else:
    from minigrad import kernels as fast
    from minigrad._array import is_array, is_float
    from minigrad.engine import Binary, Tensor, wrap
    from minigrad.methods import slots
    from minigrad.ops.operands import is_floating

from minigrad.dtypes import float64
from minigrad.errors import DtypeError
from minigrad.ops.choice import where
from minigrad.ops.elementwise import log
from minigrad.ops.operands import fits, some_tensor, zeros_of

__all__ = """
    pow float_power
""".split()


@cython.cclass
class Pow(Binary):
    """z = x ** y;  dx = y x^(y-1),  dy = z log x (0 where x = 0 and y >= 0)"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 3
        if self.needs_grad(1):
            self._saves_out = True
        if not (is_array(x) and is_float(x)) and not (is_array(y) and is_float(y)):
            return integer_power(x, y)
        return fast.pow(x, y)

    @cython.ccall
    def backward(self, grad):
        x, y = self.input(0), self.input(1)
        dx = dy = None
        if self.needs_grad(0):
            if not isinstance(y, Tensor):
                dx = grad * 0.0 if y == 0 else grad * (power(x, y - 1) * y)
            else:
                dx = grad * slope(x, y)
        if self.needs_grad(1):
            if not isinstance(x, Tensor):
                dy = grad * self.output() * math.log(x) if x > 0 else pow_log(grad, x, y)
            else:
                flat = (x.detach() == 0) & (y.detach() >= 0)
                if flat._array.any():
                    # As if x were 1 there: no infinite derivative of x^y is multiplied by 0.
                    safe = where(flat, wrap(np.ones((), x.dtype)), x)
                    dy = grad * where(flat, zeros_of(x), power(safe, y) * log(safe))
                else:
                    dy = grad * (self.output() * log(x))
        return dx, dy


def slope(x, y):
    """y x^(y-1), and 0 where y = 0 even if x is 0 or NaN.

    Only there is it a constant: elsewhere at y = 0 the derivative by y, 1 / x, must come out.
    """
    base = x.detach()
    zero = (y.detach() == 0) & ((base == 0) | (base != base))
    if not zero._array.any():
        return y * power(x, y - 1.0)
    safe = where(zero, wrap(np.ones((), y.dtype)), y)  # no 0^-1 behind the mask
    return where(zero, zeros_of(y), safe * power(x, safe - 1.0))


def check_exponent(x, exponent):
    """Refuse a number as exponent of an integer tensor that is negative or not of its dtype."""
    if exponent < 0:
        raise ValueError(f"pow: integers to the negative integer power {exponent}")
    if x.dtype != np.bool_ and not fits(exponent, x.dtype):
        raise ValueError(f"pow: the exponent {exponent} is not a number of dtype {x.dtype}")


def integer_power(x, y):
    """x ** y for integers, 1 / x^|y| rounded towards 0 for negative exponents in a tensor."""
    if any(is_array(v) and v.dtype == np.bool_ for v in (x, y)):
        raise DtypeError("pow: not for bool tensors; convert one with .to(mg.uint8)")
    if not is_array(y) or not (y < 0).any():
        return fast.pow(x, y)
    # which is 0 but for x = 1 and x = -1
    unit = np.where(np.equal(x, 1), 1, np.where(np.equal(x, -1), 1 - 2 * (y % 2), 0))
    return np.where(y < 0, unit.astype(y.dtype), fast.pow(x, np.maximum(y, 0)))


@cython.cfunc
def power(x, exponent):
    return slots.pow(x, exponent)


def pow_log(grad, base, y):
    """d(base ** y)/dy for a number base <= 0: zero at base 0, y >= 0; otherwise -inf or NaN."""
    slope = -math.inf if base == 0 else math.nan
    return (
        grad * where(y.detach() >= 0, zeros_of(y), zeros_of(y) + slope)
        if base == 0
        else (grad * slope)
    )


def pow(input, exponent):
    """Power, element by element: ``input ** exponent``.

    Gradients: y x^(y-1) for the base (0 where y = 0) and x^y log x for the exponent (0 where
    x = 0 and y >= 0), PyTorch's conventions. A negative base with a fractional exponent is NaN.

    Raises
    ------
    ValueError
        Integers to a negative integer power.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.pow(mg.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    some_tensor("pow", input, exponent)
    return slots.pow(input, exponent)


def float_power(input, exponent):
    """`pow` in float64, whatever the dtypes. Gradients as there, in the inputs' dtypes.

    >>> import minigrad as mg
    >>> mg.float_power(mg.tensor([2, 3]), -1)
    tensor([0.5   , 0.3333], dtype=float64)
    """
    some_tensor("float_power", input, exponent)
    x, y = (
        v.to(float64) if isinstance(v, Tensor) else float(v) if isinstance(v, (int, float)) else v
        for v in (input, exponent)
    )
    return slots.pow(x, y)


@cython.cfunc
def _pow(x: object, y: object) -> object:
    if type(y) is int and isinstance(x, Tensor) and not is_floating(x):
        check_exponent(x, y)
    node: Pow = Pow.__new__(Pow)
    return node.apply(x, y)


slots.pow = _pow
