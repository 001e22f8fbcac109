"""Gates: activations that weigh their input by a smooth switch of it (gelu, silu, mish, glu), and
smooth saturating ones.

Far out, where the switch is 0 or 1 in floating point, the factors in x of the derivatives are
limited, so that 0 times a huge number never becomes NaN; that changes no digit.
"""

import math

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Binary, Unary, wrap
    from cython.cimports.minigrad.kernels import elementwise as fast
else:
    from minigrad import kernels as fast
    from minigrad.engine import Binary, Unary, wrap

from minigrad.ops.activation import ReluGrad, sigmoid, softplus, tanh
from minigrad.ops.choice import abs, clamp
from minigrad.ops.elementwise import exp
from minigrad.ops.overwrite import overwrite
from minigrad.ops.rectifier import check_floating, check_number, run
from minigrad.ops.shape import check_dim, narrow

__all__ = []

INVERSE_ROOT_2 = math.sqrt(0.5)
INVERSE_ROOT_2PI = 1.0 / math.sqrt(2.0 * math.pi)
FAR = 40.0  # exp(-FAR²/2) is 0, even as a float64


@cython.cclass
class Gelu(Unary):
    """y = x Phi(x), Phi the normal distribution function"""

    @cython.ccall
    def forward(self, x):
        self._saves = 1
        twice = fast.erf(fast.mul(x, INVERSE_ROOT_2))
        twice += 1.0
        return fast.mul(fast.mul(x, 0.5), twice)

    @cython.ccall
    def backward(self, grad):
        return GeluGrad().apply(grad, self.input(0))


@cython.cclass
class GeluGrad(Binary):
    """z = g (Phi(x) + x phi(x));  dx = v g phi(x) (2 - x^2), phi the normal density"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 3
        near = np.clip(y, -FAR, FAR)
        slope = fast.erf(near * INVERSE_ROOT_2)
        slope += 1.0
        slope *= 0.5
        density = fast.exp(near * near * -0.5)
        density *= INVERSE_ROOT_2PI
        density *= near
        slope += density
        return fast.mul(x, slope)

    @cython.ccall
    def backward(self, grad):
        g, x = self.input(0), self.input(1)
        dx = None
        if self.needs_grad(1):
            near = clamp(x, -FAR, FAR)
            square = near * near
            dx = grad * g * (exp(square * -0.5) * (2.0 - square) * INVERSE_ROOT_2PI)
        return GeluGrad().apply(grad, x) if self.needs_grad(0) else None, dx


def gelu(input, approximate="none"):
    """Gaussian error linear unit: input Φ(input), Φ the normal distribution function.

    Gradient: g (Φ(x) + x φ(x)). With approximate="tanh" Φ is taken as
    (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2.

    Hendrycks & Gimpel (2016), arXiv:1606.08415.

    >>> import minigrad as mg
    >>> mg.nn.functional.gelu(mg.tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])
    """
    check_floating(input, "gelu")
    if approximate == "none":
        return Gelu().apply(input)
    if approximate != "tanh":
        raise ValueError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
    near = clamp(input, -FAR, FAR)
    inner = near * (near * near * 0.044715 + 1.0) * (2.0 * INVERSE_ROOT_2PI)
    return input * 0.5 * (tanh(inner) + 1.0)


@cython.cclass
class Silu(Unary):
    """y = x s(x), s the logistic function"""

    @cython.ccall
    def forward(self, x):
        self._saves = 1
        return fast.mul(x, fast.sigmoid(x))

    @cython.ccall
    def backward(self, grad):
        return SiluGrad().apply(grad, self.input(0))


@cython.cclass
class SiluGrad(Binary):
    """z = g s (1 + x (1 - s));  dx = v g s (1 - s) (2 + x (1 - 2 s))"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 3
        s = fast.sigmoid(y)
        slope = (1.0 - s) * np.clip(y, -1000.0, 1000.0)
        slope += 1.0
        slope *= s
        return fast.mul(x, slope)

    @cython.ccall
    def backward(self, grad):
        g, x = self.input(0), self.input(1)
        dx = None
        if self.needs_grad(1):
            s = sigmoid(x)
            near = clamp(x, -1000.0, 1000.0)
            dx = grad * g * (s * (1.0 - s) * (near * (1.0 - s * 2.0) + 2.0))
        return SiluGrad().apply(grad, x) if self.needs_grad(0) else None, dx


def silu(input, inplace=False):
    """Sigmoid linear unit, "swish": x σ(x). Gradient: g σ(x) (1 + x (1 - σ(x))).

    Elfwing, Uchibe & Doya (2018), arXiv:1702.03118.

    >>> import minigrad as mg
    >>> mg.nn.functional.silu(mg.tensor([-1.0, 2.0]))
    tensor([-0.2689,  1.7616])
    """
    return run(Silu(), check_floating(input, "silu"), "silu", inplace)


@cython.cclass
class Hardswish(Unary):
    """y = x min(max(x + 3, 0), 6) / 6"""

    @cython.ccall
    def forward(self, x):
        self._saves = 1
        return fast.mul(x, np.clip(x + 3.0, 0.0, 6.0) * (1.0 / 6.0))

    @cython.ccall
    def backward(self, grad):
        return HardswishGrad().apply(grad, self.input(0))


@cython.cclass
class HardswishGrad(Binary):
    """z = g (2 x + 3) / 6 where |x| < 3, else 0 or g;  dx = v g / 3 there, else 0"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 3
        slope = np.clip(y, -3.0, 3.0)
        slope = (slope * (1.0 / 3.0) + 0.5) * (np.abs(slope) < 3.0)
        return fast.mul(x, slope + (y >= 3.0))

    @cython.ccall
    def backward(self, grad):
        g, x = self.input(0), self.input(1)
        dx = None
        if self.needs_grad(1):
            between = (np.abs(x._array) < 3.0).astype(x.dtype)
            dx = ReluGrad().apply(grad * g * (1.0 / 3.0), wrap(between))
        return HardswishGrad().apply(grad, x) if self.needs_grad(0) else None, dx


def hardswish(input, inplace=False):
    """input min(max(input + 3, 0), 6) / 6. Gradient: g (2 input + 3) / 6 between, 0 or g beyond.

    >>> import minigrad as mg
    >>> mg.nn.functional.hardswish(mg.tensor([-4.0, 1.0, 4.0]))
    tensor([-0.    ,  0.6667,  4.    ])
    """
    check_floating(input, "hardswish")
    return run(Hardswish(), input, "hardswish", inplace)


def mish(input, inplace=False):
    """x tanh(softplus(x)). Misra (2019), arXiv:1908.08681.

    >>> import minigrad as mg
    >>> mg.nn.functional.mish(mg.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.944 ])
    """
    check_floating(input, "mish")
    return overwrite(input, "mish_", _mish) if inplace else _mish(input)


def _mish(x):
    return x * tanh(softplus(x))


def glu(input, dim=-1):
    """Gated linear unit: the first half along `dim` times the sigmoid of the second.

    Dauphin, Fan, Auli & Grangier (2017), arXiv:1612.08083.

    >>> import minigrad as mg
    >>> mg.nn.functional.glu(mg.tensor([3.0, 4.0, 0.0, 100.0]))
    tensor([1.5, 4. ])
    """
    if not check_floating(input, "glu").ndim:
        raise ShapeError("glu: a 0-d tensor has no halves")
    dim = check_dim(dim, input.ndim, "glu")
    n = input.shape[dim]
    if n % 2:
        raise ShapeError(f"glu: the length along dim must be even, got {n} of {input.shape}")
    return narrow(input, dim, 0, n // 2) * sigmoid(narrow(input, dim, n // 2, n // 2))


def logsigmoid(input):
    """log(1 / (1 + exp(-input))), without overflow. Gradient: g / (1 + exp(input)).

    >>> import minigrad as mg
    >>> mg.nn.functional.logsigmoid(mg.tensor([0.0, -1000.0]))
    tensor([-6.9315e-01, -1.0000e+03])
    """
    return -exact_softplus(-check_floating(input, "logsigmoid"))


def exact_softplus(x):
    """log(1 + exp(x)) to the last digit: above the threshold exp(-x) is below an ulp of x."""
    return softplus(x, 1.0, 20.0 if x.dtype == np.float32 else 50.0)


def softsign(input):
    """input / (1 + |input|). Gradient: g / (1 + |input|)².

    >>> import minigrad as mg
    >>> mg.nn.functional.softsign(mg.tensor([-1.0, 3.0]))
    tensor([-0.5 ,  0.75])
    """
    return input / (abs(check_number(input, "softsign")) + 1.0)


def tanhshrink(input):
    """input - tanh(input). Gradient: g tanh(input)².

    >>> import minigrad as mg
    >>> mg.nn.functional.tanhshrink(mg.tensor([-1.0, 2.0]))
    tensor([-0.2384,  1.036 ])
    """
    return input - tanh(check_number(input, "tanhshrink"))
