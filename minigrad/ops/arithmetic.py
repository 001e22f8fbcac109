"""Arithmetic with broadcasting: + - * / ** and the sign, lerp.

Each class holds a formula and its derivative, side by side; below them the functions that users
call. The operators of Tensor come here through `slots`, without a Python-level call.
"""

import math

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.dtypes import float64, result_type
from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad._array import is_array, is_float
    from cython.cimports.minigrad.engine import Binary, Nary, Tensor, Unary, wrap
    from cython.cimports.minigrad.kernels import elementwise as fast
    from cython.cimports.minigrad.methods import slots
    from cython.cimports.minigrad.ops.operands import floating, is_floating
else:
    from minigrad import kernels as fast
    from minigrad._array import is_array, is_float
    from minigrad.engine import Binary, Nary, Tensor, Unary, wrap
    from minigrad.methods import slots
    from minigrad.ops.operands import floating, is_floating

from minigrad.ops.choice import where
from minigrad.ops.elementwise import log
from minigrad.ops.operands import fits, refuse_bool, shapes_clash, some_tensor, tensors, zeros_of
from minigrad.ops.rounding import quotient

__all__ = """
    add sub rsub mul div true_divide pow float_power neg lerp
""".split()


@cython.cclass
class Add(Binary):
    """z = x + y"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        return fast.add(x, y)

    @cython.ccall
    def backward(self, grad):
        return grad, grad


@cython.cclass
class Sub(Binary):
    """z = x - y"""

    @cython.ccall
    def apply(self, x, y) -> Tensor:
        if is_bool(x) or is_bool(y):
            raise DtypeError("sub: bools do not subtract; use ~, ^ or logical_xor")
        return Binary.apply(self, x, y)

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        return fast.sub(x, y)

    @cython.ccall
    def backward(self, grad):
        return grad, slots.neg(grad) if self.needs_grad(1) else None


@cython.cfunc
def is_bool(x) -> cython.bint:
    """Whether an operand, Tensor or number, is a bool."""
    if isinstance(x, Tensor):
        t: Tensor = x
        return not is_float(t._array) and t._array.dtype == np.bool_
    return x is True or x is False


@cython.cclass
class Mul(Binary):
    """z = x y"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        if self.needs_grad(0):
            self._saves |= 2
        if self.needs_grad(1):
            self._saves |= 1
        return fast.mul(x, y)

    @cython.ccall
    def backward(self, grad):
        return (
            slots.mul(grad, self.input(1)) if self.needs_grad(0) else None,
            slots.mul(grad, self.input(0)) if self.needs_grad(1) else None,
        )


@cython.cclass
class Div(Binary):
    """z = x / y"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = (2 if self.needs_grad(0) else 0) | (3 if self.needs_grad(1) else 0)
        return fast.div(x, y)

    @cython.ccall
    def backward(self, grad):
        dx = grad / self.input(1)
        if not self.needs_grad(1):
            return dx, None
        return dx, -dx * (self.input(0) / self.input(1))


@cython.cclass
class Neg(Unary):
    """y = -x"""

    @cython.ccall
    def forward(self, x):
        if not is_float(x):
            refuse_bool("neg", x)
        return fast.neg(x)

    @cython.ccall
    def backward(self, grad):
        return slots.neg(grad)


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
                # y x^(y-1), and 0 where y = 0, even at x = 0
                zero = y.detach() == 0
                dx = grad * where(zero, zeros_of(y), y * power(x, y - 1.0))
        if self.needs_grad(1):
            if not isinstance(x, Tensor):
                dy = grad * self.output() * math.log(x) if x > 0 else pow_log(grad, x, y)
            else:
                flat = (x.detach() == 0) & (y.detach() >= 0)
                safe = where(flat, wrap(np.ones((), x.dtype)), x)
                dy = grad * where(flat, zeros_of(x), self.output() * log(safe))
        return dx, dy


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


def add(input, other, *, alpha=1):
    """Sum, element by element: ``input + alpha * other``.

    Parameters
    ----------
    input, other : Tensor or number
        Shapes broadcast; dtypes are promoted as in PyTorch.
    alpha : number
        Factor of `other`.

    Returns
    -------
    Tensor
        Of the broadcast shape. Gradients: dL/dinput = g, dL/dother = alpha g.

    Raises
    ------
    ShapeError
        The shapes do not broadcast.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.add(mg.tensor([1.0, 2.0]), mg.tensor([10.0, 20.0]), alpha=2)
    tensor([21., 42.])
    """
    return slots.add(input, other if is_one(alpha) else scaled("add", input, other, alpha))


def sub(input, other, *, alpha=1):
    """Difference, element by element: ``input - alpha * other``.

    Gradients: dL/dinput = g, dL/dother = -alpha g. Arguments as for `add`.

    >>> import minigrad as mg
    >>> mg.sub(mg.tensor([1.0, 2.0]), 1)
    tensor([0., 1.])
    """
    return slots.sub(input, other if is_one(alpha) else scaled("sub", input, other, alpha))


def rsub(input, other, *, alpha=1):
    """Difference the other way round: ``other - alpha * input``.

    Gradients: dL/dinput = -alpha g, dL/dother = g.

    >>> import minigrad as mg
    >>> mg.rsub(mg.tensor([1.0, 2.0]), 1)
    tensor([ 0., -1.])
    """
    if not isinstance(input, Tensor):
        raise TypeError(f"rsub: input must be a Tensor, got {type(input).__name__}")
    try:
        return slots.sub(other, input if is_one(alpha) else scaled("rsub", other, input, alpha))
    except ShapeError:
        raise shapes_clash("rsub", input, other) from None


@cython.cfunc
def is_one(alpha) -> cython.bint:
    return type(alpha) is int and alpha == 1


def scaled(name, x, y, alpha):
    """``alpha * y``, the second term of a sum with `x`."""
    if not isinstance(alpha, (float, int)):
        raise TypeError(f"{name}: alpha must be a number, got {type(alpha).__name__}")
    if not isinstance(x, (Tensor, float, int, np.ndarray)) or not isinstance(
        y, (Tensor, float, int, np.ndarray)
    ):
        return y  # the sum itself complains
    dtype = result_type(*(v._array if isinstance(v, Tensor) else v for v in (x, y)))
    if dtype.kind != "f" and isinstance(alpha, float):
        raise DtypeError(f"{name}: alpha must be an integer for {dtype} tensors, got {alpha}")
    if isinstance(alpha, bool) and dtype != np.bool_:
        raise DtypeError(f"{name}: a bool alpha is only for bool tensors, not for {dtype}")
    if dtype == np.bool_:
        return y if alpha else False
    if is_bool(y) and isinstance(y, Tensor):
        y = y.to(dtype)
    return slots.mul(y, alpha) if isinstance(y, Tensor) else y * alpha


def mul(input, other):
    """Product, element by element: ``input * other``, shapes broadcast.

    Gradients: dL/dinput = g other, dL/dother = g input.

    >>> import minigrad as mg
    >>> mg.mul(mg.tensor([1.0, 2.0]), mg.tensor([[3.0], [4.0]]))
    tensor([[3., 6.],
            [4., 8.]])
    """
    return slots.mul(input, other)


def div(input, other, *, rounding_mode=None):
    """Quotient, element by element; integers are divided as float32.

    Gradients: dL/dinput = g / other, dL/dother = -g input / other^2. Division by zero gives
    inf or NaN, as in NumPy, without a warning.

    Parameters
    ----------
    input, other : Tensor or number
        Shapes broadcast.
    rounding_mode : None, "trunc" or "floor"
        Round the quotient towards zero or down; the gradient is then 0, and integers stay
        integers.

    Raises
    ------
    RuntimeError
        Integers are divided by zero with a rounding mode.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.div(mg.tensor([1.0, 3.0]), 2)
    tensor([0.5, 1.5])
    >>> mg.div(mg.tensor([-5, 5]), 2, rounding_mode="floor")
    tensor([-3,  2])
    """
    if rounding_mode is None:
        return slots.div(input, other)
    if rounding_mode not in ("trunc", "floor"):
        raise ValueError(
            f"div: rounding_mode must be None, 'trunc' or 'floor', got {rounding_mode!r}"
        )
    return quotient("div", input, other, rounding_mode == "floor")


def true_divide(input, other):
    """`div` without rounding, by its other name.

    >>> import minigrad as mg
    >>> mg.true_divide(mg.tensor([1, 3]), 2)
    tensor([0.5, 1.5])
    """
    return slots.div(input, other)


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


@cython.cclass
class Lerp(Nary):
    """z = x + w (y - x);  dx = g (1 - w),  dy = g w,  dw = g (y - x)"""

    def forward(self, x, y, w):
        self.broadcasts()
        moved = self.needs_grad(2)
        self._saves = (7 if moved else 4) if self.edges is not None else 0
        apart = y - x
        with np.errstate(all="ignore"):  # from the nearer end: exact at both
            return np.where(np.less(w, 0.5), x + w * apart, y - apart * (1 - w))

    @cython.ccall
    def backward(self, grad):
        w = self.input(2)
        return (
            grad * (1.0 - w) if self.needs_grad(0) else None,
            grad * w if self.needs_grad(1) else None,
            grad * (self.input(1) - self.input(0)) if self.needs_grad(2) else None,
        )


def lerp(input, end, weight):
    """Linear interpolation ``input + weight (end - input)``, from 0 at `input` to 1 at `end`.

    Gradients: g (1 - weight), g weight and, for a tensor `weight`, g (end - input).

    Parameters
    ----------
    input, end : Tensor
        Floating, of one dtype; shapes broadcast.
    weight : Tensor or number
        A tensor has the inputs' dtype (0-d: any) and broadcasts with them.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.lerp(mg.tensor([0.0, 10.0]), mg.tensor([4.0, 20.0]), 0.25)
    tensor([ 1. , 12.5])
    """
    input, end = tensors("lerp", input=input, end=end)
    if not isinstance(weight, (Tensor, float, int)):
        raise TypeError(f"lerp: weight must be a Tensor or number, got {type(weight).__name__}")
    if not input.is_floating_point() or end.dtype != input.dtype:
        raise DtypeError(
            f"lerp: input and end must be of one floating dtype, got {input.dtype} and {end.dtype}"
        )
    if isinstance(weight, Tensor):
        if weight.dtype != input.dtype and weight.ndim:
            raise DtypeError(f"lerp: weight must be {input.dtype}, got {weight.dtype}")
        weight = weight.to(input.dtype)
    try:
        return Lerp.__new__(Lerp).apply(input, end, weight)
    except ValueError:
        shapes = f"{input.shape}, {end.shape} and {getattr(weight, 'shape', ())}"
        raise ShapeError(f"lerp: shapes {shapes} do not broadcast") from None


def neg(input):
    """Negative: ``-input``. Gradient: -g.

    >>> import minigrad as mg
    >>> mg.neg(mg.tensor([1.0, -2.0]))
    tensor([-1.,  2.])
    """
    return slots.neg(input)


@cython.cfunc
def _add(x: object, y: object) -> object:
    node: Add = Add.__new__(Add)
    return node.apply(x, y)


@cython.cfunc
def _sub(x: object, y: object) -> object:
    node: Sub = Sub.__new__(Sub)
    return node.apply(x, y)


@cython.cfunc
def _mul(x: object, y: object) -> object:
    node: Mul = Mul.__new__(Mul)
    return node.apply(x, y)


@cython.cfunc
def _div(x: object, y: object) -> object:
    node: Div = Div.__new__(Div)
    if is_floating(x) or is_floating(y):
        return node.apply(x, y)
    return node.apply(floating(x), floating(y))


@cython.cfunc
def _pow(x: object, y: object) -> object:
    if type(y) is int and isinstance(x, Tensor) and not is_floating(x):
        check_exponent(x, y)
    node: Pow = Pow.__new__(Pow)
    return node.apply(x, y)


@cython.cfunc
def _neg(x: object) -> object:
    node: Neg = Neg.__new__(Neg)
    return node.apply(x)


slots.add = _add
slots.sub = _sub
slots.mul = _mul
slots.div = _div
slots.pow = _pow
slots.neg = _neg
