"""Sums and what follows from them: the mean, the trace, the logarithm of a sum.

    Sum  y = sum of x over axes   ↔   Spread  y = x repeated along axes

Each is the other's backward. `dim` is None (everything), an axis or several; axes are kept as
negative numbers, so that a batch of cotangents may stand in front.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.dtypes import as_dtype
from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad._array import is_float
    from cython.cimports.minigrad.engine import Tensor, Unary, wrap
    from cython.cimports.minigrad.kernels import reduce as fast
else:
    from minigrad import kernels as fast
    from minigrad._array import is_float
    from minigrad.engine import Tensor, Unary, wrap

from minigrad.ops.elementwise import exp
from minigrad.ops.index import take_flat
from minigrad.ops.operands import floating
from minigrad.ops.shape import check_dim, check_tensor, reshape, to

__all__ = ["sum", "mean", "logsumexp", "trace"]


def axes_of(dim, ndim, name):
    """`dim` as a tuple of negative axes; None and () mean all."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return tuple(range(-ndim, 0))
    if isinstance(dim, (tuple, list)):
        axes = tuple([check_dim(d, ndim, name) for d in dim])
        if len(set(axes)) != len(axes):
            raise ShapeError(f"{name}: dim {tuple(dim)} names an axis twice")
        return axes if ndim else ()
    axis = check_dim(dim, ndim, name)
    return (axis,) if ndim else ()


def count(shape, axes):
    """How many elements lie along `axes`."""
    n = 1
    for a in axes:
        n *= shape[a]
    return n


def flags(name, **options):
    """Raise a TypeError that names the operation unless all options are True or False."""
    for option, value in options.items():
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{name}: {option} must be True or False, got {value!r}")


def summable(input, dtype, name):
    """`input` as `dtype`; without one, integers and bools as int64."""
    check_tensor(input, name)
    if dtype is not None:
        return to(input, dtype)
    return to(input, np.int64) if input.dtype.kind in "biu" else input


@cython.cclass
class Sum(Unary):
    """y = sum of x over axes"""

    axes: tuple
    keepdim: cython.bint
    shape: tuple

    def __init__(self, axes, keepdim):
        self.axes, self.keepdim = axes, keepdim

    @cython.ccall
    def forward(self, x):
        self.shape = x.shape
        axes = None if len(self.axes) == x.ndim else self.axes
        return fast.sum(x, axes, self.keepdim)

    @cython.ccall
    def backward(self, grad):
        lead = grad.ndim - self.ndim
        return Spread(self.axes, self.keepdim, grad.shape[:lead] + self.shape).apply(grad)


@cython.cclass
class Spread(Unary):
    """y = x repeated along axes that Sum took away"""

    axes: tuple
    keepdim: cython.bint
    target: tuple

    def __init__(self, axes, keepdim, target):
        self.axes, self.keepdim, self.target = axes, keepdim, target

    @cython.ccall
    def forward(self, x):
        if not self.keepdim:
            shape = list(self.target)
            for a in self.axes:
                shape[a] = 1
            x = x.reshape(shape)
        out = np.empty(self.target, x.dtype)
        out[...] = x
        return out

    @cython.ccall
    def backward(self, grad):
        return Sum(self.axes, self.keepdim).apply(grad)


@cython.cclass
class SumTo(Unary):
    """y = x summed over the axes that broadcasting from `shape` added, behind `lead` axes"""

    shape: tuple
    lead: cython.int
    source: tuple

    def __init__(self, shape, lead):
        self.shape, self.lead = shape, lead

    @cython.ccall
    def forward(self, x):
        self.source = x.shape
        return fast.unbroadcast(x, self.shape, self.lead)

    @cython.ccall
    def backward(self, grad):
        batch = grad.ndim - self.ndim + self.lead  # axes in front of `shape`
        gap = len(self.source) - self.lead - len(self.shape)
        front = grad.shape[:batch]
        wide = reshape(grad, front + (1,) * gap + self.shape)
        return wide.expand(front + self.source[self.lead :])


def sum_to(input, shape, lead=0):
    """Undo broadcasting: `input` summed down to `shape`, behind `lead` axes that are kept."""
    return SumTo(tuple(shape), lead).apply(input)


def sum(input, dim=None, keepdim=False, *, dtype=None):
    """Sum over axes.

    Parameters
    ----------
    input : Tensor
        Integers and bools are summed as int64; float32 is accumulated in blocks.
    dim : int or tuple of int, optional
        Default: all axes.
    keepdim : bool
        Keep the axes with length 1.
    dtype : dtype, optional
        Cast to it first.

    Returns
    -------
    Tensor
        The sum over no elements is 0. Gradient: g, repeated.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.sum(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=0)
    tensor([4., 6.])
    """
    x: Tensor = check_tensor(input, "sum")
    if keepdim is not False:
        flags("sum", keepdim=keepdim)
    if dtype is None and is_float(x._array):
        return Sum(axes_of(dim, x._array.ndim, "sum"), keepdim).apply(x)
    input = summable(input, dtype, "sum")
    axes = axes_of(dim, input.ndim, "sum")
    if input.dtype.kind != "f":  # in that dtype, as in PyTorch: NumPy's is at least 64 bits wide
        return wrap(np.asarray(np.sum(input._array, axes, input.dtype, keepdims=keepdim)))
    return Sum(axes, keepdim).apply(input)


def needs_float(input, name):
    """Raise unless `input` is a floating tensor."""
    if check_tensor(input, name).dtype.kind != "f":
        raise DtypeError(f"{name}: expected a floating tensor, got {input.dtype}")
    return input


def mean(input, dim=None, keepdim=False, *, dtype=None):
    """Mean over axes: sum / n. Of nothing: NaN. Gradient: g / n, repeated.

    Raises
    ------
    DtypeError
        Integers (cast them first, or give `dtype`), as in PyTorch.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.mean(mg.tensor([1.0, 2.0, 6.0]))
    tensor(3.)
    """
    check_tensor(input, "mean")
    if keepdim is not False:
        flags("mean", keepdim=keepdim)
    if dtype is not None:
        if as_dtype(dtype).kind != "f":
            raise DtypeError(f"mean: dtype must be a floating one, got {as_dtype(dtype)}")
        input = to(input, dtype)
    x: Tensor = input
    if not is_float(x._array):
        needs_float(input, "mean")
    axes = axes_of(dim, input.ndim, "mean")
    n = count(input.shape, axes)
    total = Sum(axes, keepdim).apply(input)
    return total * (1.0 / n) if n else total * float("nan")


def trace(input):
    """Sum of the diagonal of a matrix. Gradient: g on the diagonal.

    >>> import minigrad as mg
    >>> mg.trace(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    if check_tensor(input, "trace").ndim != 2:
        raise ShapeError(f"trace: expected a matrix, got shape {input.shape}")
    if input.dtype == np.bool_:
        raise DtypeError("trace: expected numbers, got bool")
    rows, columns = input.shape
    shorter = rows if rows < columns else columns
    return sum(take_flat(input, np.arange(shorter) * (columns + 1), unique=True))


@cython.cclass
class LogSumExp(Unary):
    """y = log sum exp x over axes;  dx = g exp(x - y)"""

    axes: tuple

    def __init__(self, axes):
        self.axes = axes

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        self.save_output()
        if self.axes == (-1,):
            return fast.logsumexp(x, -1, True)
        top = np.max(x, axis=self.axes, keepdims=True, initial=-np.inf)
        top = np.where(np.isfinite(top), top, 0).astype(x.dtype)
        with np.errstate(divide="ignore", over="ignore"):
            return np.log(np.sum(np.exp(x - top), axis=self.axes, keepdims=True)) + top

    @cython.ccall
    def backward(self, grad):
        return grad * exp(self.input(0) - self.output())


def logsumexp(input, dim, keepdim=False):
    """log(sum(exp(input))) over axes, without overflow, in nats. Gradient: g softmax(input).

    >>> import minigrad as mg
    >>> mg.logsumexp(mg.tensor([-1000.0, -1000.0, 0.0]), 0)
    tensor(0.)
    """
    input = floating(check_tensor(input, "logsumexp"))
    flags("logsumexp", keepdim=keepdim)
    if dim is None:
        raise TypeError("logsumexp: dim must be given, the axes that are summed over")
    axes = axes_of(dim, input.ndim, "logsumexp")
    out = LogSumExp(axes).apply(input) if axes else input.clone()
    return out if keepdim or not axes else out.squeeze(axes)
