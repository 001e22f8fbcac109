"""Hyperbolic functions and their inverses; tanh, the activation, is in `activation.py`."""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

if cython.compiled:
    from cython.cimports.minigrad.engine import Unary
    from cython.cimports.minigrad.ops.operands import floating
else:
    from minigrad.engine import Unary
    from minigrad.ops.operands import floating

from minigrad.ops.elementwise import rsqrt, square
from minigrad.ops.operands import quiet

__all__ = """
    sinh cosh asinh acosh atanh
""".split()


@cython.cclass
class Sinh(Unary):
    """y = sinh(x);  dx = g cosh(x)"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return quiet(np.sinh, x)

    @cython.ccall
    def backward(self, grad):
        return grad * cosh(self.input(0))


def sinh(input):
    """Hyperbolic sine. Gradient: g cosh(input).

    >>> import minigrad as mg
    >>> mg.sinh(mg.tensor([0.0, 1.0]))
    tensor([0.    , 1.1752])
    """
    return Sinh().apply(floating(input))


@cython.cclass
class Cosh(Unary):
    """y = cosh(x);  dx = g sinh(x)"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return quiet(np.cosh, x)

    @cython.ccall
    def backward(self, grad):
        return grad * sinh(self.input(0))


def cosh(input):
    """Hyperbolic cosine. Gradient: g sinh(input).

    >>> import minigrad as mg
    >>> mg.cosh(mg.tensor([0.0, 1.0]))
    tensor([1.    , 1.5431])
    """
    return Cosh().apply(floating(input))


@cython.cclass
class Asinh(Unary):
    """y = asinh(x);  dx = g / sqrt(x^2 + 1)"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return quiet(np.arcsinh, x)

    @cython.ccall
    def backward(self, grad):
        return grad * rsqrt(square(self.input(0)) + 1.0)


def asinh(input):
    """Inverse of sinh. Gradient: g / sqrt(input^2 + 1).

    >>> import minigrad as mg
    >>> mg.asinh(mg.tensor([0.0, 1.0]))
    tensor([0.    , 0.8814])
    """
    return Asinh().apply(floating(input))


@cython.cclass
class Acosh(Unary):
    """y = acosh(x);  dx = g / sqrt(x^2 - 1)"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return quiet(np.arccosh, x)

    @cython.ccall
    def backward(self, grad):
        return grad * rsqrt(square(self.input(0)) - 1.0)


def acosh(input):
    """Inverse of cosh, at least 0; NaN below 1. Gradient: g / sqrt(input^2 - 1).

    >>> import minigrad as mg
    >>> mg.acosh(mg.tensor([1.0, 2.0]))
    tensor([0.   , 1.317])
    """
    return Acosh().apply(floating(input))


@cython.cclass
class Atanh(Unary):
    """y = atanh(x);  dx = g / (1 - x^2)"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return quiet(np.arctanh, x)

    @cython.ccall
    def backward(self, grad):
        return grad / (1.0 - square(self.input(0)))


def atanh(input):
    """Inverse of tanh; infinite at -1 and 1, NaN beyond. Gradient: g / (1 - input^2).

    >>> import minigrad as mg
    >>> mg.atanh(mg.tensor([0.0, 0.5]))
    tensor([0.    , 0.5493])
    """
    return Atanh().apply(floating(input))
