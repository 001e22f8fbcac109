"""Sorting and what rests on it: the median, the k largest, the distinct elements.

The order is NumPy's stable sort, NaN above all numbers; gradients go back to the elements' places.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Unary, wrap
else:
    from minigrad.engine import Unary, wrap

from minigrad.ops.extrema import ValuesIndices, pick_along
from minigrad.ops.reduce import flags
from minigrad.ops.shape import check_dim, check_tensor, reshape

__all__ = ["sort", "argsort", "topk", "median", "unique"]


def _order(array, axis, descending=False):
    """Places of the elements along `axis` in order; equal ones as they stand."""
    if not descending:
        return np.argsort(array, axis, kind="stable").astype(np.int64, copy=False)
    backwards = np.argsort(np.flip(array, axis), axis, kind="stable")
    return array.shape[axis] - 1 - np.flip(backwards, axis).astype(np.int64, copy=False)


def sort(input, dim=-1, descending=False, stable=False):
    """The elements of an axis in order: (values, indices). NaN counts as the largest.

    Parameters
    ----------
    stable : bool
        That equal elements keep their order; here they always do.

    Returns
    -------
    (values, indices)
        values = input gathered at indices; so flows the gradient.

    Examples
    --------
    >>> import minigrad as mg
    >>> values, indices = mg.sort(mg.tensor([3.0, 1.0, 2.0]))
    >>> values, indices
    (tensor([1., 2., 3.]), tensor([1, 2, 0]))
    """
    axis = check_dim(dim, check_tensor(input, "sort").ndim, "sort")
    flags("sort", descending=descending, stable=stable)
    if not input.ndim:
        return ValuesIndices(input.clone(), wrap(np.zeros((), np.int64)))
    places = _order(input._array, axis, descending)
    return ValuesIndices(pick_along(input, axis, places), wrap(places))


def argsort(input, dim=-1, descending=False, *, stable=False):
    """The indices that put an axis in order; equal elements keep theirs. See `sort`.

    >>> import minigrad as mg
    >>> mg.argsort(mg.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    axis = check_dim(dim, check_tensor(input, "argsort").ndim, "argsort")
    flags("argsort", descending=descending, stable=stable)
    if not input.ndim:
        return wrap(np.zeros((), np.int64))
    return wrap(_order(input._array, axis, descending))


def topk(input, k, dim=-1, largest=True, sorted=True):
    """The k largest (or smallest) elements of an axis: (values, indices). NaN is the largest.

    Parameters
    ----------
    sorted : bool
        That they come in order, the first of equals first; here they always do.

    Raises
    ------
    ShapeError
        k is more than there are.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.topk(mg.tensor([3.0, 1.0, 2.0]), 2).values
    tensor([3., 2.])
    """
    axis = check_dim(dim, check_tensor(input, "topk").ndim, "topk")
    flags("topk", largest=largest, sorted=sorted)
    if input.dtype == np.bool_:
        raise DtypeError("topk: expected numbers, got bool")
    if isinstance(k, bool) or not hasattr(k, "__index__"):
        raise TypeError(f"topk: k must be an integer, got {k!r}")
    k = k.__index__()
    n = input.shape[axis] if input.ndim else 1
    if not 0 <= k <= n:
        raise ShapeError(f"topk: k must lie in [0, {n}], the length of dim {dim}, got {k}")
    if not input.ndim:
        return sort(input)
    places = _order(input._array, axis, largest)
    places = places[(..., slice(k)) + (slice(None),) * (-1 - axis)]
    return ValuesIndices(pick_along(input, axis, places), wrap(np.ascontiguousarray(places)))


def _middle(array, axis):
    """Place of the median along `axis`, kept: of the first NaN, where there is one."""
    places = _order(array, axis)
    middle = np.take(places, [(array.shape[axis] - 1) // 2], axis)
    if array.dtype.kind != "f":
        return middle
    bad = np.isnan(array)
    return np.where(bad.any(axis, keepdims=True), bad.argmax(axis, keepdims=True), middle)


@cython.cclass
class MedianOfAll(Unary):
    """y = the median of all elements of x; those equal to it share the gradient equally"""

    @cython.ccall
    def forward(self, x):
        flat = x.reshape(-1)
        if not x.size:
            self.save_arrays(np.ones(x.shape, x.dtype))
            return np.full((), np.nan if x.dtype.kind == "f" else np.iinfo(x.dtype).min, x.dtype)
        found = flat[_middle(flat, -1)[0]]
        if self.edges is not None:
            same = np.isnan(x) if np.isnan(found) else x == found
            self.save_arrays((same / same.sum()).astype(x.dtype))
        return np.asarray(found)

    @cython.ccall
    def backward(self, grad):
        share = self.arrays()[0]
        return reshape(grad, grad.shape + (1,) * share.ndim) * wrap(share)


def median(input, dim=None, keepdim=False):
    """The element in the middle, the lower of two; over an axis: (values, indices).

    NaN wins. Over all elements, ties share the gradient equally, and the median of nothing is NaN.

    Raises
    ------
    IndexError
        An axis without elements.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.median(mg.tensor([4.0, 1.0, 3.0, 2.0]))
    tensor(2.)
    >>> mg.median(mg.tensor([[3.0, 1.0, 2.0]]), 1).indices
    tensor([2])
    """
    if check_tensor(input, "median").dtype == np.bool_:
        raise DtypeError("median: expected numbers, got bool")
    flags("median", keepdim=keepdim)
    if dim is None:
        if keepdim:
            raise TypeError("median: keepdim needs a dim")
        return MedianOfAll().apply(input)
    axis = check_dim(dim, input.ndim, "median")
    if not input.ndim:
        return sort(input)
    if not input.shape[axis]:
        raise IndexError(f"median: dim {dim} of shape {input.shape} has no elements")
    places = _middle(input._array, axis)
    values, indices = pick_along(input, axis, places), wrap(places)
    if keepdim:
        return ValuesIndices(values, indices)
    return ValuesIndices(values.squeeze(axis), indices.squeeze(axis))


def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The distinct elements, in order; with `dim` the distinct slices along that axis.

    Parameters
    ----------
    sorted : bool
        That they come in order; here they always do.
    return_inverse : bool
        Also the index of each element's (or slice's) place in the result.
    return_counts : bool
        Also how often each occurs.

    Returns
    -------
    Tensor or tuple of Tensor
        Without a gradient. Every NaN is distinct from every other.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.unique(mg.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    array = check_tensor(input, "unique")._array
    flags("unique", sorted=sorted, return_inverse=return_inverse, return_counts=return_counts)
    axis = None
    if dim is not None:
        if not input.ndim:
            raise IndexError(f"unique: dim {dim} was given, and the tensor has no axis")
        axis = check_dim(dim, input.ndim, "unique")
        if not array.size and any(
            not n for i, n in enumerate(array.shape, -array.ndim) if i != axis
        ):
            raise ShapeError(f"unique: slices along dim {dim} of shape {input.shape} are empty")
    values, inverse, counts = np.unique(
        array, return_inverse=True, return_counts=True, axis=axis, equal_nan=False
    )
    found = (wrap(values),)
    if return_inverse:
        shape = array.shape if axis is None else (-1,)
        found += (wrap(inverse.astype(np.int64).reshape(shape)),)
    if return_counts:
        found += (wrap(counts.astype(np.int64)),)
    return found if len(found) > 1 else found[0]
