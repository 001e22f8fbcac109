"""Arithmetic with broadcasting: + - * / ** and the sign.

Each class holds a formula and its derivative, side by side; below them the functions that users
call. The operators of Tensor come here through `slots`, without a Python-level call.
"""

import math

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError

if cython.compiled:
    from cython.cimports.minigrad._array import is_array, is_float
    from cython.cimports.minigrad.engine import Binary, Tensor, Unary, wrap
    from cython.cimports.minigrad.kernels import elementwise as fast
    from cython.cimports.minigrad.methods import slots
    from cython.cimports.minigrad.ops.operands import floating
else:
    from minigrad import kernels as fast
    from minigrad._array import is_array, is_float
    from minigrad.engine import Binary, Tensor, Unary, wrap
    from minigrad.methods import slots
    from minigrad.ops.operands import floating

from minigrad.ops.choice import where
from minigrad.ops.elementwise import log
from minigrad.ops.operands import zeros_of

__all__ = """
    add sub mul div pow neg
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
    def forward(self, x, y):
        self._broadcasts = True
        if is_array(x) and not is_float(x) and x.dtype == np.bool_:
            raise DtypeError("sub: bool tensors do not subtract; use != or logical_xor")
        return fast.sub(x, y)

    @cython.ccall
    def backward(self, grad):
        return grad, slots.neg(grad) if self.needs_grad(1) else None


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
    return slots.add(input, other if alpha == 1 else slots.mul(other, alpha))


def sub(input, other, *, alpha=1):
    """Difference, element by element: ``input - alpha * other``.

    Gradients: dL/dinput = g, dL/dother = -alpha g. Arguments as for `add`.

    >>> import minigrad as mg
    >>> mg.sub(mg.tensor([1.0, 2.0]), 1)
    tensor([0., 1.])
    """
    return slots.sub(input, other if alpha == 1 else slots.mul(other, alpha))


def mul(input, other):
    """Product, element by element: ``input * other``, shapes broadcast.

    Gradients: dL/dinput = g other, dL/dother = g input.

    >>> import minigrad as mg
    >>> mg.mul(mg.tensor([1.0, 2.0]), mg.tensor([[3.0], [4.0]]))
    tensor([[3., 6.],
            [4., 8.]])
    """
    return slots.mul(input, other)


def div(input, other):
    """True quotient, element by element; integers are divided as float32.

    Gradients: dL/dinput = g / other, dL/dother = -g input / other^2. Division by zero gives
    inf or NaN, as in NumPy, without a warning.

    >>> import minigrad as mg
    >>> mg.div(mg.tensor([1.0, 3.0]), 2)
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
    return slots.pow(input, exponent)


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
    return node.apply(floating(x), floating(y))


@cython.cfunc
def _pow(x: object, y: object) -> object:
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
