"""Trigonometric functions, radians throughout, and the polar coordinates atan2 and hypot."""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

if cython.compiled:
    from cython.cimports.minigrad.engine import Binary, Unary, wrap
    from cython.cimports.minigrad.kernels import elementwise as fast
    from cython.cimports.minigrad.ops.operands import floating, is_floating
else:
    from minigrad import kernels as fast
    from minigrad.engine import Binary, Unary, wrap
    from minigrad.ops.operands import floating, is_floating

from minigrad.ops.choice import where
from minigrad.ops.elementwise import rsqrt, square
from minigrad.ops.operands import quiet, some_float, tensors, zeros_of

__all__ = """
    sin cos tan asin acos atan atan2 hypot
""".split()


@cython.cclass
class Sin(Unary):
    """y = sin(x);  dx = g cos(x)"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return fast.sin(x)

    @cython.ccall
    def backward(self, grad):
        return grad * cos(self.input(0))


def sin(input):
    """Sine, radians. Gradient: g cos(input).

    >>> import minigrad as mg
    >>> mg.sin(mg.tensor([0.0, 1.0]))
    tensor([0.    , 0.8415])
    """
    return Sin().apply(floating(input))


@cython.cclass
class Cos(Unary):
    """y = cos(x);  dx = -g sin(x)"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return fast.cos(x)

    @cython.ccall
    def backward(self, grad):
        return -grad * sin(self.input(0))


def cos(input):
    """Cosine, radians. Gradient: -g sin(input).

    >>> import minigrad as mg
    >>> mg.cos(mg.tensor([0.0, 1.0]))
    tensor([1.    , 0.5403])
    """
    return Cos().apply(floating(input))


@cython.cclass
class Tan(Unary):
    """y = tan(x);  dx = g (1 + y^2)"""

    @cython.ccall
    def forward(self, x):
        self.save_output()
        return quiet(np.tan, x)

    @cython.ccall
    def backward(self, grad):
        return grad * (square(self.output()) + 1.0)


def tan(input):
    """Tangent, radians. Gradient: g (1 + tan^2).

    >>> import minigrad as mg
    >>> mg.tan(mg.tensor([0.0, 1.0]))
    tensor([0.    , 1.5574])
    """
    return Tan().apply(floating(input))


@cython.cclass
class Asin(Unary):
    """y = asin(x);  dx = g / sqrt(1 - x^2)"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return quiet(np.arcsin, x)

    @cython.ccall
    def backward(self, grad):
        return grad * rsqrt(1.0 - square(self.input(0)))


def asin(input):
    """Arc sine in [-pi/2, pi/2]; NaN outside [-1, 1]. Gradient: g / sqrt(1 - input^2).

    >>> import minigrad as mg
    >>> mg.asin(mg.tensor([0.0, 1.0]))
    tensor([0.    , 1.5708])
    """
    return Asin().apply(floating(input))


@cython.cclass
class Acos(Unary):
    """y = acos(x);  dx = -g / sqrt(1 - x^2)"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return quiet(np.arccos, x)

    @cython.ccall
    def backward(self, grad):
        return -grad * rsqrt(1.0 - square(self.input(0)))


def acos(input):
    """Arc cosine in [0, pi]; NaN outside [-1, 1]. Gradient: -g / sqrt(1 - input^2).

    >>> import minigrad as mg
    >>> mg.acos(mg.tensor([0.0, 1.0]))
    tensor([1.5708, 0.    ])
    """
    return Acos().apply(floating(input))


@cython.cclass
class Atan(Unary):
    """y = atan(x);  dx = g / (1 + x^2)"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return quiet(np.arctan, x)

    @cython.ccall
    def backward(self, grad):
        return grad / (square(self.input(0)) + 1.0)


def atan(input):
    """Arc tangent in [-pi/2, pi/2]. Gradient: g / (1 + input^2).

    >>> import minigrad as mg
    >>> mg.atan(mg.tensor([0.0, 1.0]))
    tensor([0.    , 0.7854])
    """
    return Atan().apply(floating(input))


# Angle and length of a vector (x, y) ------------------------------------------------------------


@cython.cclass
class Atan2(Binary):
    """z = angle of (y, x);  dx = g y / (x^2 + y^2),  dy = -g x / (x^2 + y^2);  0 at (0, 0)"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 3
        return quiet(np.arctan2, x, y)

    @cython.ccall
    def backward(self, grad):
        x, y = self.input(0), self.input(1)
        length = square(x) + square(y)
        origin = wrap(length._array == 0)  # a jump; PyTorch's gradient there is 0
        scaled = where(origin, zeros_of(grad), grad / where(origin, zeros_of(x) + 1.0, length))
        return (
            scaled * y if self.needs_grad(0) else None,
            -scaled * x if self.needs_grad(1) else None,
        )


def atan2(input, other):
    """Angle of the points (other, input), in [-pi, pi]: atan(input / other) in the right quadrant.

    Gradients: g other / r^2 and -g input / r^2 with r^2 = input^2 + other^2; 0 at the origin.

    >>> import minigrad as mg
    >>> mg.atan2(mg.tensor([1.0, 1.0]), mg.tensor([1.0, -1.0]))
    tensor([0.7854, 2.3562])
    """
    input, other = tensors("atan2", input=input, other=other)
    if is_floating(input) or is_floating(other):
        return Atan2().apply(input, other)
    return Atan2().apply(floating(input), floating(other))


@cython.cclass
class Hypot(Binary):
    """z = sqrt(x^2 + y^2);  dx = g x / z,  dy = g y / z"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 3
        self.save_output()
        return quiet(np.hypot, x, y)

    @cython.ccall
    def backward(self, grad):
        z = self.output()
        return (
            grad * (self.input(0) / z) if self.needs_grad(0) else None,
            grad * (self.input(1) / z) if self.needs_grad(1) else None,
        )


def hypot(input, other):
    """Length sqrt(input^2 + other^2) without overflow. Gradients: g input / z, g other / z.

    At (0, 0), where there is no derivative, they are NaN, as in PyTorch.

    >>> import minigrad as mg
    >>> mg.hypot(mg.tensor([3.0]), mg.tensor([4.0]))
    tensor([5.])
    """
    input, other = tensors("hypot", input=input, other=other)
    some_float("hypot", input, other)
    return Hypot().apply(input, other)
