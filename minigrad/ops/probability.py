"""logit, logaddexp and xlogy: probabilities and their logarithms."""

import math

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

if cython.compiled:
    from cython.cimports.minigrad.engine import Binary, Unary, wrap
    from cython.cimports.minigrad.ops.operands import floating, is_floating
else:
    from minigrad.engine import Binary, Unary, wrap
    from minigrad.ops.operands import floating, is_floating

from minigrad.ops.activation import sigmoid
from minigrad.ops.choice import clamp, where
from minigrad.ops.operands import numbers, plain, quiet, some_float, some_tensor, tensors, zeros_of

__all__ = """
    logit logaddexp xlogy
""".split()


@cython.cclass
class Logit(Unary):
    """y = log(x / (1 - x));  dx = g / (x (1 - x)), NaN outside [0, 1]"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return quiet(_logit, x)

    @cython.ccall
    def backward(self, grad):
        x = self.input(0)
        slope = grad / (x * (1.0 - x))
        inside = wrap((x._array >= 0) & (x._array <= 1))
        return where(inside, slope, zeros_of(x) + math.nan)


def logit(input, eps=None):
    """Inverse of the sigmoid, log(input / (1 - input)); infinite at 0 and 1, NaN beyond.

    Given `eps`, the input is first limited to [eps, 1 - eps]. Gradient: g / (input (1 - input)),
    and 0 where the limit was at work.

    >>> import minigrad as mg
    >>> mg.logit(mg.tensor([0.5, 0.9]))
    tensor([0.    , 2.1972])
    """
    x = floating(input)
    if eps is not None:
        numbers("logit", eps=eps)
        x = clamp(x, float(eps), 1.0 - eps)
    return Logit().apply(x)


def _logit(x):
    return np.log(x / (1 - x))


@cython.cclass
class LogAddExp(Binary):
    """z = log(exp(x) + exp(y));  dx = g sigmoid(x - y),  dy = g sigmoid(y - x)"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 3
        return quiet(np.logaddexp, x, y)

    @cython.ccall
    def backward(self, grad):
        apart = self.input(0) - self.input(1)
        return (
            grad * sigmoid(apart) if self.needs_grad(0) else None,
            grad * sigmoid(-apart) if self.needs_grad(1) else None,
        )


def logaddexp(input, other):
    """log(exp(input) + exp(other)) without overflow.

    Gradients: g sigmoid(input - other) and g sigmoid(other - input); NaN where both are the same
    infinity.

    >>> import minigrad as mg
    >>> mg.logaddexp(mg.tensor([0.0, 1000.0]), mg.tensor([0.0, 1000.0]))
    tensor([6.9315e-01, 1.0007e+03])
    """
    input, other = tensors("logaddexp", input=input, other=other)
    some_float("logaddexp", input, other)
    return LogAddExp().apply(input, other)


@cython.cclass
class XLogY(Binary):
    """z = x log(y), 0 where x = 0;  dx = g log(y) (0 where x = 0 >= y),  dy = g x / y"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 3
        return quiet(_xlogy, x, y)

    @cython.ccall
    def backward(self, grad):
        x, y = self.input(0), self.input(1)
        dx = dy = None
        a, b = plain(x), plain(y)
        if self.needs_grad(0):
            flat = wrap(np.asarray((a == 0) & (b <= 0)))
            dx = where(flat, zeros_of(grad), xlogy(grad, where(flat, zeros_of(grad) + 1.0, y)))
        if self.needs_grad(1):
            flat = wrap(np.asarray((a == 0) & (b == 0)))  # z is 0 for every y there
            dy = grad * where(flat, zeros_of(grad), x / where(flat, zeros_of(grad) + 1.0, y))
        return dx, dy


def _xlogy(x, y):
    x, y = (v if isinstance(v, np.ndarray) else float(v) for v in (x, y))
    dtype = np.result_type(x, y)  # log of a Python number would be float64
    return np.where(np.equal(x, 0) & ~np.isnan(y), 0, x * np.log(y, dtype=dtype)).astype(dtype)


def xlogy(input, other):
    """input log(other), which is 0 where input is 0, whatever other is but NaN.

    Gradients: g log(other), 0 where input = 0 and other <= 0; g input / other, 0 where both are 0.

    >>> import minigrad as mg
    >>> mg.xlogy(mg.tensor([0.0, 2.0]), mg.tensor([0.0, 1.0]))
    tensor([0., 0.])
    """
    some_tensor("xlogy", input, other)
    if is_floating(input) or is_floating(other):
        return XLogY().apply(input, other)
    return XLogY().apply(floating(input), floating(other))
