"""Softmax and its logarithm, over one axis.

The rules of both read their output; each has a gradient operation with a rule of its own.
"""

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

if cython.compiled:
    from cython.cimports.minigrad.engine import Binary, Unary
    from cython.cimports.minigrad.kernels import softmax as fast
else:
    from minigrad import kernels as fast
    from minigrad.engine import Binary, Unary

from minigrad.ops.elementwise import exp
from minigrad.ops.reduce import needs_float
from minigrad.ops.shape import check_dim, check_tensor, reshape, to, transpose

__all__ = ["softmax", "log_softmax"]


@cython.cclass
class Softmax(Unary):
    """y = exp(x) / sum exp(x) over the last axis"""

    @cython.ccall
    def forward(self, x):
        self.save_output()
        return fast.softmax(x)

    @cython.ccall
    def backward(self, grad):
        return SoftmaxGrad().apply(grad, self.output())


@cython.cclass
class SoftmaxGrad(Binary):
    """z = y (g - sum g y);  dg = y (v - sum v y),  dy = v g - v sum g y - g sum v y"""

    @cython.ccall
    def forward(self, x, y):
        self.broadcasts()
        self.save_input(0)
        self.save_input(1)
        return fast.softmax_backward(x, y)

    @cython.ccall
    def backward(self, grad):
        g, y = self.input(0), self.input(1)
        dg = dy = None
        if self.needs_grad(0):
            dg = SoftmaxGrad().apply(grad, y)
        if self.needs_grad(1):
            dy = grad * g - grad * (g * y).sum(-1, True) - g * (grad * y).sum(-1, True)
        return dg, dy


@cython.cclass
class LogSoftmax(Unary):
    """y = x - log sum exp(x) over the last axis"""

    @cython.ccall
    def forward(self, x):
        self.save_output()
        return fast.log_softmax(x)

    @cython.ccall
    def backward(self, grad):
        return LogSoftmaxGrad().apply(grad, self.output())


@cython.cclass
class LogSoftmaxGrad(Binary):
    """z = g - exp(y) sum g;  dg = v - sum v exp(y),  dy = -v exp(y) sum g"""

    @cython.ccall
    def forward(self, x, y):
        self.broadcasts()
        self.save_input(0)
        self.save_input(1)
        return fast.log_softmax_backward(x, y)

    @cython.ccall
    def backward(self, grad):
        g, p = self.input(0), exp(self.input(1))
        dg = dy = None
        if self.needs_grad(0):
            dg = grad - (grad * p).sum(-1, True)
        if self.needs_grad(1):
            dy = -grad * p * g.sum(-1, True)
        return dg, dy


def _over_dim(node, input, dim, dtype, name):
    check_tensor(input, name)
    if dim is None:
        raise TypeError(f"{name}: dim must be given, the axis whose elements are compared")
    x = needs_float(input if dtype is None else to(input, dtype), name)
    axis = check_dim(dim, x.ndim, name)
    if not x.ndim:
        return reshape(node.apply(reshape(x, 1)), ())
    if axis == -1:
        return node.apply(x)
    return transpose(node.apply(transpose(x, axis, -1)), axis, -1)


def softmax(input, dim=None, dtype=None):
    """Softmax over an axis: y_i = exp(x_i) / Σ_j exp(x_j), without overflow.

    Parameters
    ----------
    input : Tensor, any shape
    dim : int
        The axis along which the result sums to 1.
    dtype : dtype, optional
        Cast to it first.

    Returns
    -------
    Tensor
        Same shape. Gradient: y (g − Σ g y). A row of −inf, or with +inf or NaN, is NaN.

    Raises
    ------
    TypeError
        `dim` is not given.
    DtypeError
        Integers (cast them first, or give `dtype`), as in PyTorch.
    IndexError
        `dim` is out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.softmax(mg.tensor([3.0, 1.0, -3.0]), 0)
    tensor([0.8789, 0.1189, 0.0022])
    """
    return _over_dim(Softmax(), input, dim, dtype, "softmax")


def log_softmax(input, dim=None, dtype=None):
    """Logarithm of the softmax over an axis: y_i = x_i − log Σ_j exp(x_j), in nats.

    Gradient: g − exp(y) Σ g. Arguments and errors as for `softmax`.

    >>> import minigrad as mg
    >>> mg.log_softmax(mg.tensor([0.0, 1000.0]), 0)
    tensor([-1000.,     0.])
    """
    return _over_dim(LogSoftmax(), input, dim, dtype, "log_softmax")
