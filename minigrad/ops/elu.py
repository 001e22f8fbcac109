"""Exponential units: straight where positive, exponential below; at 0 the slope is the left one.

`inplace=True` writes over the input, as do the forms with an underscore.
"""

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

if cython.compiled:
    from cython.cimports.minigrad.engine import Binary, Unary, wrap
    from cython.cimports.minigrad.kernels import elementwise as fast
else:
    from minigrad import kernels as fast
    from minigrad.engine import Binary, Unary, wrap

from minigrad.ops.choice import where
from minigrad.ops.elementwise import exp
from minigrad.ops.operands import numbers, zeros_of
from minigrad.ops.rectifier import check_floating, run

__all__ = """
    celu celu_ selu selu_
""".split()


@cython.cclass
class Elu(Unary):
    """y = s max(x, 0) + s a (exp(r min(x, 0)) - 1)"""

    alpha: cython.double
    scale: cython.double
    rate: cython.double

    def __init__(self, alpha, scale, rate):
        self.alpha, self.scale, self.rate = alpha, scale, rate

    @cython.ccall
    def forward(self, x):
        self._saves = 1
        below = fast.expm1(fast.mul(fast.minimum(x, 0.0), self.rate))
        below *= self.alpha * self.scale
        above = fast.relu(x)
        if self.scale != 1.0:
            above *= self.scale
        return fast.add(above, below)

    @cython.ccall
    def backward(self, grad):
        left = self.alpha * self.scale * self.rate
        return EluGrad(left, self.scale, self.rate).apply(grad, self.input(0))


@cython.cclass
class EluGrad(Binary):
    """z = s g where x > 0, else l exp(r x) g;  dx = v g l r exp(r x) where x < 0, else 0"""

    left: cython.double  # the slope just below 0
    scale: cython.double
    rate: cython.double

    def __init__(self, left, scale, rate):
        self.left, self.scale, self.rate = left, scale, rate

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 3
        slope = fast.exp(fast.mul(fast.minimum(y, 0.0), self.rate))
        slope *= self.left
        if self.left != self.scale:
            slope += (y > 0) * y.dtype.type(self.scale - self.left)
        return fast.mul(x, slope)

    @cython.ccall
    def backward(self, grad):
        g, x = self.input(0), self.input(1)
        dx = None
        if self.needs_grad(1):
            below = wrap(x._array < 0)
            zero = zeros_of(x)
            curve = exp(where(below, x, zero) * self.rate)  # never of a large x
            dx = grad * g * where(below, curve * (self.left * self.rate), zero)
        dg = None
        if self.needs_grad(0):
            dg = EluGrad(self.left, self.scale, self.rate).apply(grad, x)
        return dg, dx


def elu(input, alpha=1.0, inplace=False):
    """Exponential linear unit: input where positive, else alpha (exp(input) - 1).

    Gradient: g, or g alpha exp(input), which at 0 is alpha g (and its own derivative there 0).
    Clevert, Unterthiner & Hochreiter (2016), arXiv:1511.07289.

    >>> import minigrad as mg
    >>> mg.nn.functional.elu(mg.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.    ])
    """
    check_floating(input, "elu")
    numbers("elu", alpha=alpha)
    return run(Elu(alpha, 1.0, 1.0), input, "elu", inplace)


def celu(input, alpha=1.0, inplace=False):
    """`elu` with a slope of 1 at 0 for every alpha: alpha (exp(input / alpha) - 1) below 0.

    Barron (2017), arXiv:1704.07483.

    >>> import minigrad as mg
    >>> mg.celu(mg.tensor([-1.0, 2.0]), 2.0)
    tensor([-0.7869,  2.    ])
    """
    check_floating(input, "celu")
    numbers("celu", alpha=alpha)
    if alpha == 0:
        raise ValueError("celu: alpha cannot be 0")
    return run(Elu(alpha, 1.0, 1.0 / alpha), input, "celu", inplace)


def selu(input, inplace=False):
    """1.0507 elu(input, 1.6733): keeps mean 0 and variance 1 through many layers.

    Klambauer, Unterthiner, Mayr & Hochreiter (2017), "Self-normalizing neural networks".

    >>> import minigrad as mg
    >>> mg.selu(mg.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    check_floating(input, "selu")
    node = Elu(1.6732632423543772848170429916717, 1.0507009873554804934193349852946, 1.0)
    return run(node, input, "selu", inplace)


# In place -------------------------------------------------------------------------------------


def elu_(input, alpha=1.0):
    """`elu`, written over `input`.

    >>> import minigrad as mg
    >>> mg.nn.functional.elu_(mg.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.    ])
    """
    return elu(input, alpha, True)


def celu_(input, alpha=1.0):
    """`celu`, written over `input`.

    >>> import minigrad as mg
    >>> mg.celu_(mg.tensor([-1.0, 2.0]), 2.0)
    tensor([-0.7869,  2.    ])
    """
    return celu(input, alpha, True)


def selu_(input):
    """`selu`, written over `input`.

    >>> import minigrad as mg
    >>> mg.selu_(mg.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    return selu(input, True)
