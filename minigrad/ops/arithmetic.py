"""Arithmetic with broadcasting: + - * / and the sign; powers are in `power.py`.

Each class holds a formula and its derivative, side by side; below them the functions that users
call. The operators of Tensor come here through `slots`, without a Python-level call.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.dtypes import result_type
from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad._array import is_float
    from cython.cimports.minigrad.engine import Binary, Tensor, Unary
    from cython.cimports.minigrad.kernels import elementwise as fast
    from cython.cimports.minigrad.methods import slots
    from cython.cimports.minigrad.ops.operands import floating, is_floating
else:
    from minigrad import kernels as fast
    from minigrad._array import is_float
    from minigrad.engine import Binary, Tensor, Unary
    from minigrad.methods import slots
    from minigrad.ops.operands import floating, is_floating

from minigrad.ops.operands import refuse_bool, shapes_clash
from minigrad.ops.rounding import quotient

__all__ = """
    add sub rsub mul div true_divide neg
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
        if name != "add":
            return y  # the difference itself complains
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
def _neg(x: object) -> object:
    node: Neg = Neg.__new__(Neg)
    return node.apply(x)


slots.add = _add
slots.sub = _sub
slots.mul = _mul
slots.div = _div
slots.neg = _neg
