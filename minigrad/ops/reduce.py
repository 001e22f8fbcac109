"""Sums and what follows from them: means, variances, products, extrema.

    Sum  y = sum of x over axes   ↔   Spread  y = x repeated along axes

Each is the other's backward. `dim` is None (everything), an axis or several; axes are kept as
negative numbers, so that a batch of cotangents may stand in front.
"""

from typing import NamedTuple

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Tensor, Unary, wrap
    from cython.cimports.minigrad.kernels import reduce as fast
else:
    from minigrad import kernels as fast
    from minigrad.engine import Tensor, Unary, wrap

from minigrad.ops.choice import maximum, minimum, where
from minigrad.ops.elementwise import exp, sqrt
from minigrad.ops.index import take_flat
from minigrad.ops.operands import floating, zeros_of
from minigrad.ops.shape import check_dim, check_tensor, reshape, to

__all__ = """
    sum mean var std prod amax amin argmax argmin max min logsumexp any all count_nonzero
""".split()


def _axes(dim, ndim, name):
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


def _count(shape, axes):
    n = 1
    for a in axes:
        n *= shape[a]
    return n


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
    check_tensor(input, "sum")
    if dtype is not None:
        input = to(input, dtype)
    elif input.dtype.kind in "biu":
        input = to(input, np.int64)
    return Sum(_axes(dim, input.ndim, "sum"), keepdim).apply(input)


def _needs_float(input, name):
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
    input = _needs_float(input if dtype is None else to(input, dtype), "mean")
    axes = _axes(dim, input.ndim, "mean")
    n = _count(input.shape, axes)
    total = Sum(axes, keepdim).apply(input)
    return total * (1.0 / n) if n else total * float("nan")


def var(input, dim=None, *, correction=1, keepdim=False):
    """Variance over axes: sum (x - mean)^2 / (n - correction), in two passes.

    NaN where n <= correction. Gradient: 2 g (x - mean) / (n - correction).

    >>> import minigrad as mg
    >>> mg.var(mg.tensor([1.0, 2.0, 3.0])), mg.var(mg.tensor([1.0, 2.0, 3.0]), correction=0)
    (tensor(1.), tensor(0.6667))
    """
    _needs_float(input, "var")
    axes = _axes(dim, input.ndim, "var")
    n = _count(input.shape, axes)
    centre = input - mean(input, axes, True) if axes else input - input
    total = Sum(axes, keepdim).apply(centre.square())
    return total * (1.0 / (n - correction)) if n > correction else total * float("nan")


def std(input, dim=None, *, correction=1, keepdim=False):
    """Standard deviation over axes: sqrt(var).

    Gradient: g (x - mean) / ((n - correction) std); 0, not NaN, where all elements are equal.

    >>> import minigrad as mg
    >>> mg.std(mg.tensor([1.0, 2.0, 3.0]))
    tensor(1.)
    """
    variance = var(input, dim, correction=correction, keepdim=keepdim)
    flat = variance.detach() == 0
    safe = where(flat, zeros_of(variance) + 1.0, variance)
    return where(flat, zeros_of(variance), sqrt(safe))


@cython.cclass
class Prod(Unary):
    """y = product of x over the last axis;  dx_i = g times the product of the others"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        self.save_output()
        return np.asarray(np.prod(x, axis=-1))

    @cython.ccall
    def backward(self, grad):
        x, y = self.input(0), self.output()
        g = grad.unsqueeze(-1)
        if x._array.all():
            return g * (y.unsqueeze(-1) / x)
        # With zeros, the product of the others is written out: row i has 1 in place of x_i.
        n = x.shape[-1]
        others = where(wrap(np.eye(n, dtype=bool)), zeros_of(x) + 1.0, x.unsqueeze(-2))
        return g * Prod().apply(others)


def prod(input, dim=None, keepdim=False, *, dtype=None):
    """Product over an axis, or over all. Of nothing: 1.

    Gradient: g times the product of the other elements, right at zeros too, at any order.

    >>> import minigrad as mg
    >>> mg.prod(mg.tensor([1.0, 2.0, 4.0]))
    tensor(8.)
    """
    check_tensor(input, "prod")
    if dtype is not None:
        input = to(input, dtype)
    elif input.dtype.kind in "biu":
        input = to(input, np.int64)
    axes = _axes(dim, input.ndim, "prod")
    rest = [a for a in range(-input.ndim, 0) if a not in axes]
    kept = tuple([input.shape[a] for a in rest])
    shape = [1 if a in axes else n for a, n in zip(range(-input.ndim, 0), input.shape)]
    last = input.permute(*rest, *axes) if input.ndim else input
    out = Prod().apply(reshape(last, kept + (_count(input.shape, axes),)))
    return reshape(out, tuple(shape)) if keepdim else out


@cython.cclass
class Extreme(Unary):
    """y = max (or min) of x over axes; ties share the gradient equally"""

    axes: tuple
    keepdim: cython.bint
    largest: cython.bint
    shape: tuple

    def __init__(self, axes, keepdim, largest):
        self.axes, self.keepdim, self.largest = axes, keepdim, largest

    @cython.ccall
    def forward(self, x):
        self.shape = x.shape
        self._saves = 1
        axes = None if len(self.axes) == x.ndim else self.axes
        return fast.max(x, axes, self.keepdim) if self.largest else fast.min(x, axes, self.keepdim)

    @cython.ccall
    def backward(self, grad):
        lead = grad.shape[: grad.ndim - self.ndim]
        x = self.input(0)._array
        best = fast.max(x, self.axes, True) if self.largest else fast.min(x, self.axes, True)
        ties = (x == best) | (np.isnan(x) & np.isnan(best))
        share = wrap((ties / ties.sum(axis=self.axes, keepdims=True)).astype(grad.dtype))
        return Spread(self.axes, self.keepdim, lead + self.shape).apply(grad) * share


def _extreme(input, dim, keepdim, largest, name):
    check_tensor(input, name)
    axes = _axes(dim, input.ndim, name)
    if not axes:
        return input.clone()
    if not _count(input.shape, axes):
        raise ShapeError(f"{name}: no elements to compare over dim {dim}, shape {input.shape}")
    return Extreme(axes, keepdim, largest).apply(input)


def amax(input, dim=(), keepdim=False):
    """Largest element over axes; NaN wins. Ties share the gradient equally.

    Raises
    ------
    ShapeError
        No elements.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.amax(mg.tensor([[1.0, 5.0], [3.0, 2.0]]), 1)
    tensor([5., 3.])
    """
    return _extreme(input, dim, keepdim, True, "amax")


def amin(input, dim=(), keepdim=False):
    """Smallest element over axes; NaN wins. Ties share the gradient equally.

    >>> import minigrad as mg
    >>> mg.amin(mg.tensor([[1.0, 5.0], [3.0, 2.0]]), 1)
    tensor([1., 2.])
    """
    return _extreme(input, dim, keepdim, False, "amin")


class ValuesIndices(NamedTuple):
    """What `max` and `min` over one axis return."""

    values: object
    indices: object


def _arg(input, dim, keepdim, function, name):
    check_tensor(input, name)
    axis = None if dim is None else check_dim(dim, input.ndim, name)
    array = input._array
    if axis is None or not array.ndim:
        if not array.size:
            raise IndexError(f"{name}: no elements to compare, shape {input.shape}")
        found = np.asarray(function(array)).astype(np.int64)
        return wrap(found.reshape((1,) * array.ndim) if keepdim else found)
    if not array.shape[axis]:
        raise IndexError(f"{name}: dim {dim} of shape {input.shape} has no elements")
    return wrap(np.asarray(function(array, axis=axis, keepdims=keepdim)).astype(np.int64))


def argmax(input, dim=None, keepdim=False):
    """Index of the largest element, the first of equals, int64; over all: into the flat tensor.

    >>> import minigrad as mg
    >>> mg.argmax(mg.tensor([[1.0, 5.0], [3.0, 2.0]]), 1)
    tensor([1, 0])
    """
    return _arg(input, dim, keepdim, np.argmax, "argmax")


def argmin(input, dim=None, keepdim=False):
    """Index of the smallest element, the first of equals, int64; over all: into the flat tensor.

    >>> import minigrad as mg
    >>> mg.argmin(mg.tensor([[1.0, 5.0], [3.0, 2.0]]), 1)
    tensor([0, 1])
    """
    return _arg(input, dim, keepdim, np.argmin, "argmin")


def _max_or_min(input, dim, keepdim, pick, whole, pair_of):
    check_tensor(input, pick.__name__[3:])
    if isinstance(dim, Tensor):
        return pair_of(input, dim)
    if dim is None:
        return whole(input, (), keepdim)
    indices = pick(input, dim, True)
    if not input.ndim:
        return ValuesIndices(input.clone(), indices)
    axis = check_dim(dim, input.ndim, pick.__name__)
    grid = list(np.indices(indices.shape, sparse=True))
    grid[axis] = indices._array
    flat = np.asarray(np.arange(input.numel()).reshape(input.shape)[tuple(grid)])
    values = take_flat(input, flat, unique=True)
    if not keepdim:
        values, indices = values.squeeze(axis), indices.squeeze(axis)
    return ValuesIndices(values, indices)


def max(input, dim=None, keepdim=False):
    """Largest element; over an axis: (values, indices); given a tensor: `maximum`.

    Over all elements ties share the gradient equally; over an axis the first gets it.

    >>> import minigrad as mg
    >>> mg.max(mg.tensor([[1.0, 5.0], [3.0, 2.0]]), 1).indices
    tensor([1, 0])
    """
    return _max_or_min(input, dim, keepdim, argmax, amax, maximum)


def min(input, dim=None, keepdim=False):
    """Smallest element; over an axis: (values, indices); given a tensor: `minimum`.

    >>> import minigrad as mg
    >>> mg.min(mg.tensor([[1.0, 5.0], [3.0, 2.0]]))
    tensor(1.)
    """
    return _max_or_min(input, dim, keepdim, argmin, amin, minimum)


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
    axes = _axes(dim, input.ndim, "logsumexp")
    out = LogSumExp(axes).apply(input) if axes else input.clone()
    return out if keepdim or not axes else out.squeeze(axes)


def any(input, dim=None, keepdim=False):
    """Whether some element is true (not zero), a bool tensor.

    >>> import minigrad as mg
    >>> mg.any(mg.tensor([False, True]))
    tensor(True)
    """
    axes = _axes(dim, check_tensor(input, "any").ndim, "any")
    return wrap(np.asarray(np.any(input._array, axis=axes, keepdims=keepdim)))


def all(input, dim=None, keepdim=False):
    """Whether every element is true (not zero), a bool tensor; of nothing: True.

    >>> import minigrad as mg
    >>> mg.all(mg.tensor([False, True]))
    tensor(False)
    """
    axes = _axes(dim, check_tensor(input, "all").ndim, "all")
    return wrap(np.asarray(np.all(input._array, axis=axes, keepdims=keepdim)))


def count_nonzero(input):
    """Number of elements that are not zero, a 0-d int64 tensor.

    >>> import minigrad as mg
    >>> mg.count_nonzero(mg.tensor([1, 0, 2]))
    tensor(2)
    """
    return wrap(np.asarray(np.count_nonzero(input._array), np.int64))
