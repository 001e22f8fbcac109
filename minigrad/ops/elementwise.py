"""Roots, exponentials, logarithms and the error function: smooth functions of one tensor."""

import math

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

if cython.compiled:
    from cython.cimports.minigrad._array import is_float
    from cython.cimports.minigrad.engine import Tensor, Unary
    from cython.cimports.minigrad.kernels import elementwise as fast
    from cython.cimports.minigrad.methods import slots
    from cython.cimports.minigrad.ops.operands import floating
else:
    from minigrad import kernels as fast
    from minigrad._array import is_float
    from minigrad.engine import Tensor, Unary
    from minigrad.methods import slots
    from minigrad.ops.operands import floating

from minigrad.dtypes import int64
from minigrad.ops.operands import quiet

__all__ = """
    square sqrt rsqrt reciprocal exp exp2 expm1 log log2 log10 log1p erf
    erfc
""".split()


@cython.cclass
class Square(Unary):
    """y = x^2;  dx = 2 g x"""

    @cython.ccall
    def forward(self, x):
        self._saves = 1
        return fast.mul(x, x)

    @cython.ccall
    def backward(self, grad):
        return slots.mul(slots.mul(grad, self.input(0)), 2.0)


def square(input):
    """Square of each element. Gradient: 2 g input.

    >>> import minigrad as mg
    >>> mg.square(mg.tensor([1.0, -3.0]))
    tensor([1., 9.])
    """
    if isinstance(input, Tensor):
        x: Tensor = input
        if not is_float(x._array) and x.dtype == np.bool_:
            input = x.to(int64)  # PyTorch's square is pow(input, 2)
    return Square().apply(input)


@cython.cclass
class Sqrt(Unary):
    """y = sqrt(x);  dx = g / 2y"""

    @cython.ccall
    def forward(self, x):
        self.save_output()
        return fast.sqrt(x)

    @cython.ccall
    def backward(self, grad):
        return grad / (self.output() * 2.0)


def sqrt(input):
    """Square root; NaN below 0. Gradient: g / (2 sqrt(input)), inf at 0.

    >>> import minigrad as mg
    >>> mg.sqrt(mg.tensor([4.0, 9.0]))
    tensor([2., 3.])
    """
    return Sqrt().apply(floating(input))


@cython.cclass
class Rsqrt(Unary):
    """y = x^(-1/2);  dx = -g y^3 / 2"""

    @cython.ccall
    def forward(self, x):
        self.save_output()
        return fast.rsqrt(x)

    @cython.ccall
    def backward(self, grad):
        y = self.output()
        return grad * (y * y * y) * -0.5


def rsqrt(input):
    """1 / sqrt(input). Gradient: -g / (2 input^(3/2)).

    >>> import minigrad as mg
    >>> mg.rsqrt(mg.tensor([4.0, 0.25]))
    tensor([0.5, 2. ])
    """
    return Rsqrt().apply(floating(input))


@cython.cclass
class Reciprocal(Unary):
    """y = 1 / x;  dx = -g y^2"""

    @cython.ccall
    def forward(self, x):
        self.save_output()
        return fast.reciprocal(x)

    @cython.ccall
    def backward(self, grad):
        y = self.output()
        return -grad * (y * y)


def reciprocal(input):
    """1 / input. Gradient: -g / input^2.

    >>> import minigrad as mg
    >>> mg.reciprocal(mg.tensor([4.0, 0.5]))
    tensor([0.25, 2.  ])
    """
    return Reciprocal().apply(floating(input))


@cython.cclass
class Exp(Unary):
    """y = exp(x);  dx = g y"""

    @cython.ccall
    def forward(self, x):
        self._saves_out = True
        return fast.exp(x)

    @cython.ccall
    def backward(self, grad):
        return slots.mul(grad, self.output())


def exp(input):
    """e to the power of each element. Gradient: g exp(input).

    >>> import minigrad as mg
    >>> mg.exp(mg.tensor([0.0, 1.0]))
    tensor([1.    , 2.7183])
    """
    return slots.exp(input)


@cython.cclass
class Exp2(Unary):
    """y = 2^x;  dx = g y log 2"""

    @cython.ccall
    def forward(self, x):
        self.save_output()
        return quiet(np.exp2, x)

    @cython.ccall
    def backward(self, grad):
        return grad * (self.output() * math.log(2.0))


def exp2(input):
    """2 to the power of each element. Gradient: g exp2(input) log 2.

    >>> import minigrad as mg
    >>> mg.exp2(mg.tensor([0.0, 3.0]))
    tensor([1., 8.])
    """
    return Exp2().apply(floating(input))


@cython.cclass
class Expm1(Unary):
    """y = exp(x) - 1;  dx = g (y + 1)"""

    @cython.ccall
    def forward(self, x):
        self.save_output()
        return fast.expm1(x)

    @cython.ccall
    def backward(self, grad):
        return grad * (self.output() + 1.0)


def expm1(input):
    """exp(input) - 1, exact near 0. Gradient: g exp(input).

    >>> import minigrad as mg
    >>> mg.expm1(mg.tensor([0.0, 1.0]))
    tensor([0.    , 1.7183])
    """
    return Expm1().apply(floating(input))


@cython.cclass
class Log(Unary):
    """y = log(x);  dx = g / x"""

    @cython.ccall
    def forward(self, x):
        self._saves = 1
        return fast.log(x)

    @cython.ccall
    def backward(self, grad):
        return slots.div(grad, self.input(0))


def log(input):
    """Natural logarithm; -inf at 0, NaN below. Gradient: g / input.

    >>> import minigrad as mg
    >>> mg.log(mg.tensor([1.0, 2.0]))
    tensor([0.    , 0.6931])
    """
    return slots.log(input)


@cython.cclass
class Log2(Unary):
    """y = log2(x);  dx = g / (x log 2)"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return quiet(np.log2, x)

    @cython.ccall
    def backward(self, grad):
        return grad / (self.input(0) * math.log(2.0))


def log2(input):
    """Logarithm to the base 2; -inf at 0, NaN below. Gradient: g / (input log 2).

    >>> import minigrad as mg
    >>> mg.log2(mg.tensor([1.0, 8.0]))
    tensor([0., 3.])
    """
    return Log2().apply(floating(input))


@cython.cclass
class Log10(Unary):
    """y = log10(x);  dx = g / (x log 10)"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return quiet(np.log10, x)

    @cython.ccall
    def backward(self, grad):
        return grad / (self.input(0) * math.log(10.0))


def log10(input):
    """Logarithm to the base 10; -inf at 0, NaN below. Gradient: g / (input log 10).

    >>> import minigrad as mg
    >>> mg.log10(mg.tensor([1.0, 1000.0]))
    tensor([0., 3.])
    """
    return Log10().apply(floating(input))


@cython.cclass
class Log1p(Unary):
    """y = log(1 + x);  dx = g / (1 + x)"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return fast.log1p(x)

    @cython.ccall
    def backward(self, grad):
        return grad / (self.input(0) + 1.0)


def log1p(input):
    """log(1 + input), exact near 0. Gradient: g / (1 + input).

    >>> import minigrad as mg
    >>> mg.log1p(mg.tensor([0.0, 1.0]))
    tensor([0.    , 0.6931])
    """
    return Log1p().apply(floating(input))


@cython.cclass
class Erf(Unary):
    """y = erf(x);  dx = g 2/sqrt(pi) exp(-x^2)"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return fast.erf(x)

    @cython.ccall
    def backward(self, grad):
        return grad * (exp(-square(self.input(0))) * (2.0 / math.sqrt(math.pi)))


def erf(input):
    """Error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0. Gradient as there.

    >>> import minigrad as mg
    >>> mg.erf(mg.tensor([0.0, 1.0]))
    tensor([0.    , 0.8427])
    """
    return Erf().apply(floating(input))


@cython.cclass
class Erfc(Unary):
    """y = 1 - erf(x);  dx = -g 2/sqrt(pi) exp(-x^2)"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return _erfc(x)

    @cython.ccall
    def backward(self, grad):
        return grad * (exp(-square(self.input(0))) * (-2.0 / math.sqrt(math.pi)))


def erfc(input):
    """1 - erf(input), exact in the tail. Gradient: -g 2/sqrt(pi) exp(-input^2).

    >>> import minigrad as mg
    >>> mg.erfc(mg.tensor([0.0, 10.0]))
    tensor([1.e+00, 1.e-45])
    """
    return Erfc().apply(floating(input))


def _erfc(x):
    return np.asarray(np.frompyfunc(math.erfc, 1, 1)(x)).astype(x.dtype)


@cython.cfunc
def _exp(x: object) -> object:
    node: Exp = Exp.__new__(Exp)
    return node.apply(floating(x))


@cython.cfunc
def _log(x: object) -> object:
    node: Log = Log.__new__(Log)
    return node.apply(floating(x))


slots.exp = _exp
slots.log = _log
