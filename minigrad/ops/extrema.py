"""The largest and the smallest: over axes, over one axis with its place, or of two tensors."""

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

from minigrad.engine import is_grad_enabled
from minigrad.ops.choice import maximum, minimum
from minigrad.ops.index import take_flat
from minigrad.ops.reduce import Spread, axes_of, count, flags
from minigrad.ops.shape import check_dim, check_tensor

__all__ = ["amax", "amin", "aminmax", "max", "min", "argmax", "argmin"]


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


def check_not_empty(input, axes, dim, name):
    """Raise unless there is something to compare: there is no largest of nothing."""
    if count(input.shape, axes):
        return
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        raise ShapeError(f"{name}: no elements to compare, shape {input.shape}")
    raise IndexError(f"{name}: dim {dim} of shape {input.shape} has no elements to compare")


def _extreme(input, dim, keepdim, largest, name):
    check_tensor(input, name)
    if keepdim is not False:
        flags(name, keepdim=keepdim)
    axes = axes_of(dim, input.ndim, name)
    if not axes:
        return input.clone()
    check_not_empty(input, axes, dim, name)
    return Extreme(axes, keepdim, largest).apply(input)


def amax(input, dim=(), keepdim=False):
    """Largest element over axes; NaN wins. Ties share the gradient equally.

    Raises
    ------
    ShapeError, IndexError
        No elements: in the tensor, along the axes.

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


class MinMax(NamedTuple):
    """What `aminmax` returns."""

    min: object
    max: object


def aminmax(input, *, dim=None, keepdim=False):
    """(min, max) over an axis or over all. Ties share the gradient equally.

    >>> import minigrad as mg
    >>> mg.aminmax(mg.tensor([1.0, 5.0, 3.0]))
    MinMax(min=tensor(1.), max=tensor(5.))
    """
    check_tensor(input, "aminmax")
    if dim is not None:
        check_dim(dim, input.ndim, "aminmax")
    least = _extreme(input, dim, keepdim, False, "aminmax")
    return MinMax(least, _extreme(input, dim, keepdim, True, "aminmax"))


class ValuesIndices(NamedTuple):
    """What `max`, `min`, `median`, `sort` and `topk` return: elements of an axis and their places.

    The gradient of `values` goes to the elements that were picked.
    """

    values: object
    indices: object


def pick_along(input, axis, places):
    """Elements of `input` at `places`, int64, along `axis`; no place twice in a row of it."""
    if not (input.requires_grad and is_grad_enabled()):
        return wrap(np.take_along_axis(input._array, places, axis))
    flat, stride = 0, 1
    for a in range(-1, -input.ndim - 1, -1):
        n = input.shape[a]
        if a == axis:
            flat = flat + places * stride
        else:
            flat = flat + np.arange(n).reshape((n,) + (1,) * (-1 - a)) * stride
        stride *= n
    return take_flat(input, flat, unique=True)


def _arg(input, dim, keepdim, function, name):
    flags(name, keepdim=keepdim)
    axis = None if dim is None else check_dim(dim, input.ndim, name)
    array = input._array
    if axis is None or not array.ndim:
        if not array.size:
            raise IndexError(f"{name}: no elements to compare, shape {input.shape}")
        found = np.asarray(function(array), np.int64)
        return found.reshape((1,) * array.ndim) if keepdim else found
    if not array.shape[axis]:
        raise IndexError(f"{name}: dim {dim} of shape {input.shape} has no elements")
    return np.asarray(function(array, axis=axis, keepdims=keepdim), np.int64)


def _numbers(input, name):
    if check_tensor(input, name).dtype == np.bool_:
        raise DtypeError(f"{name}: expected numbers, got bool")
    return input


def argmax(input, dim=None, keepdim=False):
    """Index of the largest element, the first of equals, int64; over all: into the flat tensor.

    >>> import minigrad as mg
    >>> mg.argmax(mg.tensor([[1.0, 5.0], [3.0, 2.0]]), 1)
    tensor([1, 0])
    """
    return wrap(_arg(_numbers(input, "argmax"), dim, keepdim, np.argmax, "argmax"))


def argmin(input, dim=None, keepdim=False):
    """Index of the smallest element, the first of equals, int64; over all: into the flat tensor.

    >>> import minigrad as mg
    >>> mg.argmin(mg.tensor([[1.0, 5.0], [3.0, 2.0]]), 1)
    tensor([0, 1])
    """
    return wrap(_arg(_numbers(input, "argmin"), dim, keepdim, np.argmin, "argmin"))


def _max_or_min(input, dim, keepdim, other, largest):
    name = "max" if largest else "min"
    check_tensor(input, name)
    flags(name, keepdim=keepdim)
    if isinstance(dim, Tensor) or other is not None:
        if keepdim or not (dim is None or other is None):
            raise TypeError(f"{name}: give dim and keepdim, or the other tensor, not both")
        pair = maximum if largest else minimum
        return pair(input, check_tensor(dim if other is None else other, name))
    if dim is None:
        if keepdim:
            raise TypeError(f"{name}: keepdim needs a dim")
        return _extreme(input, (), False, largest, name)
    places = _arg(input, dim, True, np.argmax if largest else np.argmin, name)
    if not input.ndim:
        return ValuesIndices(input.clone(), wrap(places))
    axis = check_dim(dim, input.ndim, name)
    values, indices = pick_along(input, axis, places), wrap(places)
    if keepdim:
        return ValuesIndices(values, indices)
    return ValuesIndices(values.squeeze(axis), indices.squeeze(axis))


def max(input, dim=None, keepdim=False, *, other=None):
    """Largest element; over an axis: (values, indices); given a tensor: `maximum`.

    Over all elements ties share the gradient equally; over an axis the first gets it.

    >>> import minigrad as mg
    >>> mg.max(mg.tensor([[1.0, 5.0], [3.0, 2.0]]), 1).indices
    tensor([1, 0])
    """
    return _max_or_min(input, dim, keepdim, other, True)


def min(input, dim=None, keepdim=False, *, other=None):
    """Smallest element; over an axis: (values, indices); given a tensor: `minimum`.

    >>> import minigrad as mg
    >>> mg.min(mg.tensor([[1.0, 5.0], [3.0, 2.0]]))
    tensor(1.)
    """
    return _max_or_min(input, dim, keepdim, other, False)
