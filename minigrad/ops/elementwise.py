"""Pointwise operations: arithmetic with broadcasting, exponentials, activations.

Each class holds a formula and its derivative; below it the function that users call. Where a
derivative is cheap to fuse (`TanhGrad`, `SigmoidGrad`, `ReluGrad`) it is an operation of its own,
with a derivative of its own.
"""

import math

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad import kernels
from minigrad.dtypes import float32, result_type
from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad._array import is_float
    from cython.cimports.minigrad.engine import Binary, Nary, Tensor, Unary, wrap
    from cython.cimports.minigrad.kernels import elementwise as fast
    from cython.cimports.minigrad.methods import slots
else:
    from minigrad import kernels as fast
    from minigrad._array import is_float
    from minigrad.engine import Binary, Nary, Tensor, Unary, wrap
    from minigrad.methods import slots

__all__ = """
    add sub mul div pow neg where maximum minimum clamp abs sign square sqrt rsqrt reciprocal
    exp expm1 log log1p sin cos erf tanh sigmoid relu softplus
""".split()


def floating(x):
    """`x` as a floating tensor: integers and bools become float32, as in PyTorch."""
    if isinstance(x, Tensor):
        t: Tensor = x
        if not is_float(t._array):
            return t.to(float32)
    elif isinstance(x, np.ndarray):
        return floating(Tensor(x))
    return x


# Arithmetic -----------------------------------------------------------------------------------


@cython.freelist(64)
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


@cython.freelist(64)
@cython.cclass
class Sub(Binary):
    """z = x - y"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        if isinstance(x, np.ndarray) and x.dtype == np.bool_:
            raise DtypeError("sub: bool tensors do not subtract; use != or logical_xor")
        return fast.sub(x, y)

    @cython.ccall
    def backward(self, grad):
        return grad, slots.neg(grad) if self.needs_grad(1) else None


@cython.freelist(64)
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


@cython.freelist(64)
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


@cython.freelist(64)
@cython.cclass
class Neg(Unary):
    """y = -x"""

    @cython.ccall
    def forward(self, x):
        return fast.neg(x)

    @cython.ccall
    def backward(self, grad):
        return slots.neg(grad)


@cython.freelist(8)
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


def zeros_of(x):
    """A 0-d zero of x's dtype."""
    return wrap(np.zeros((), x.dtype))


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


# Choosing: where, maximum, minimum, clamp, abs, sign -------------------------------------------


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
    x, y = pair(input, other, "where")
    try:
        return Where().apply(condition, x, y)
    except ValueError:
        raise shapes_clash("where", condition, x, y) from None


def pair(x, y, name):
    """Both operands as Tensors of one dtype."""
    for value in (x, y):
        if not isinstance(value, (Tensor, float, int, np.ndarray, np.generic)):
            kind = type(value).__name__
            raise TypeError(f"{name}: expected a Tensor or a number, got {kind}")
    x, y = (Tensor(v) if isinstance(v, np.ndarray) else v for v in (x, y))
    x, y = (v.item() if isinstance(v, np.generic) else v for v in (x, y))
    dtype = result_type(*(v._array if isinstance(v, Tensor) else v for v in (x, y)))
    return tuple(v.to(dtype) if isinstance(v, Tensor) else Tensor(v, dtype) for v in (x, y))


def shapes_clash(name, *tensors):
    shapes = " and ".join(str(t.shape) for t in tensors)
    return ShapeError(f"{name}: shapes {shapes} do not broadcast")


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
class Clamp(Nary):
    """y = min(max(x, low), high); the gradient passes where low <= x <= high"""

    low: object
    high: object

    def __init__(self, low, high):
        self.low, self.high = low, high

    def forward(self, x):
        inside = np.ones(x.shape, bool)
        out = x
        if self.low is not None:
            inside &= x >= self.low
            out = np.maximum(out, np.asarray(self.low, x.dtype))
        if self.high is not None:
            inside &= x <= self.high
            out = np.minimum(out, np.asarray(self.high, x.dtype))
        self.save_arrays(inside)
        return out

    @cython.ccall
    def backward(self, grad):
        return Where().apply(wrap(self.arrays()[0]), grad, zeros_of(grad))


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


# Powers, exponentials, logarithms ---------------------------------------------------------------


@cython.freelist(16)
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
    return Square().apply(input)


@cython.cclass
class Sqrt(Unary):
    """y = sqrt(x);  dx = g / 2y"""

    @cython.ccall
    def forward(self, x):
        self.save_output()
        return kernels.sqrt(x)

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
        return kernels.rsqrt(x)

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
        return kernels.reciprocal(x)

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


@cython.freelist(16)
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
    return Exp().apply(floating(input))


@cython.cclass
class Expm1(Unary):
    """y = exp(x) - 1;  dx = g (y + 1)"""

    @cython.ccall
    def forward(self, x):
        self.save_output()
        return kernels.expm1(x)

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


@cython.freelist(16)
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
    return Log().apply(floating(input))


@cython.cclass
class Log1p(Unary):
    """y = log(1 + x);  dx = g / (1 + x)"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return kernels.log1p(x)

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


# Trigonometry and erf ---------------------------------------------------------------------------


@cython.cclass
class Sin(Unary):
    """y = sin(x);  dx = g cos(x)"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return kernels.sin(x)

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
        return kernels.cos(x)

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
class Erf(Unary):
    """y = erf(x);  dx = g 2/sqrt(pi) exp(-x^2)"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return kernels.erf(x)

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


# Activations ------------------------------------------------------------------------------------


@cython.freelist(16)
@cython.cclass
class Tanh(Unary):
    """y = tanh(x);  dx = g (1 - y^2)"""

    @cython.ccall
    def forward(self, x):
        self._saves_out = True
        return fast.tanh(x)

    @cython.ccall
    def backward(self, grad):
        node: TanhGrad = TanhGrad.__new__(TanhGrad)
        return node.apply(grad, self.output())


@cython.freelist(16)
@cython.cclass
class TanhGrad(Binary):
    """z = g (1 - y^2)"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 3
        return fast.tanh_backward(x, y)

    @cython.ccall
    def backward(self, grad):
        g, y = self.input(0), self.input(1)
        return (
            TanhGrad().apply(grad, y) if self.needs_grad(0) else None,
            grad * g * y * -2.0 if self.needs_grad(1) else None,
        )


def tanh(input):
    """Hyperbolic tangent. Gradient: g (1 - tanh^2).

    >>> import minigrad as mg
    >>> mg.tanh(mg.tensor([0.0, 1.0]))
    tensor([0.    , 0.7616])
    """
    return Tanh().apply(floating(input))


@cython.freelist(16)
@cython.cclass
class Sigmoid(Unary):
    """y = 1 / (1 + exp(-x));  dx = g y (1 - y)"""

    @cython.ccall
    def forward(self, x):
        self._saves_out = True
        return fast.sigmoid(x)

    @cython.ccall
    def backward(self, grad):
        node: SigmoidGrad = SigmoidGrad.__new__(SigmoidGrad)
        return node.apply(grad, self.output())


@cython.freelist(16)
@cython.cclass
class SigmoidGrad(Binary):
    """z = g y (1 - y)"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 3
        return fast.sigmoid_backward(x, y)

    @cython.ccall
    def backward(self, grad):
        g, y = self.input(0), self.input(1)
        return (
            SigmoidGrad().apply(grad, y) if self.needs_grad(0) else None,
            grad * g * (1.0 - y * 2.0) if self.needs_grad(1) else None,
        )


def sigmoid(input):
    """Logistic function 1 / (1 + exp(-input)), without overflow. Gradient: g y (1 - y).

    >>> import minigrad as mg
    >>> mg.sigmoid(mg.tensor([0.0, 1.0]))
    tensor([0.5   , 0.7311])
    """
    return Sigmoid().apply(floating(input))


@cython.freelist(16)
@cython.cclass
class Relu(Unary):
    """y = max(x, 0);  dx = g where y > 0"""

    @cython.ccall
    def forward(self, x):
        self._saves_out = True
        return fast.relu(x)

    @cython.ccall
    def backward(self, grad):
        node: ReluGrad = ReluGrad.__new__(ReluGrad)
        return node.apply(grad, self.output())


@cython.freelist(16)
@cython.cclass
class ReluGrad(Binary):
    """z = g where y > 0, else 0;  linear in g, flat in y"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 2
        return fast.relu_backward(x, y)

    @cython.ccall
    def backward(self, grad):
        return ReluGrad().apply(grad, self.input(1)), None


def relu(input):
    """Rectified linear unit, max(input, 0). Gradient: g where input > 0, 0 at and below 0.

    >>> import minigrad as mg
    >>> mg.relu(mg.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return Relu().apply(input)


@cython.cclass
class Softplus(Unary):
    """y = log(1 + exp(b x)) / b, and x where b x > threshold;  dx = g sigmoid(b x)"""

    beta: cython.double
    threshold: cython.double

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return kernels.softplus(x, self.beta, self.threshold)

    @cython.ccall
    def backward(self, grad):
        scaled = self.input(0) * self.beta
        linear = wrap(scaled._array > self.threshold)
        return where(linear, grad, grad * sigmoid(scaled))


def softplus(input, beta=1.0, threshold=20.0):
    """Smooth ReLU, log(1 + exp(beta input)) / beta; linear above beta input > threshold.

    Gradient: g sigmoid(beta input).

    >>> import minigrad as mg
    >>> mg.softplus(mg.tensor([0.0, 100.0]))
    tensor([  0.6931, 100.    ])
    """
    node = Softplus()
    node.beta = beta
    node.threshold = threshold
    return node.apply(floating(input))
