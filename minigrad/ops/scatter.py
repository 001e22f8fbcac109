"""A tensor with some elements replaced or added to: by mask, by index, along an axis.

Each returns a new tensor; its in-place form stands in `inplace_index.py`. The gradient of `input`
is 0 where it was replaced, that of the source is picked from the places it went to. Of several
values for one place the last stays and only it receives a gradient (PyTorch leaves that open).
"""

import math

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Tensor, wrap
else:
    from minigrad.engine import Tensor, wrap

from minigrad.ops.arguments import check_dim, check_tensor, same_dtypes
from minigrad.ops.choice import where
from minigrad.ops.copy import clone, to
from minigrad.ops.expand import broadcast_tensors, broadcast_to
from minigrad.ops.gather import check_index, check_mask, from_zero, places_along
from minigrad.ops.index import in_range, places_of, spread_over
from minigrad.ops.pieces import narrow
from minigrad.ops.places import Scatter, add_flat, put_flat, take_flat
from minigrad.ops.reshape import reshape

__all__ = """
    masked_fill masked_scatter index_put index_add index_fill index_copy scatter scatter_add
""".split()


def _scalar(value, dtype, name):
    """A number or a 0-d tensor as a 0-d tensor of this dtype."""
    if isinstance(value, Tensor):
        if value.ndim:
            raise ShapeError(f"{name}: value must be a number or 0-d, got shape {value.shape}")
        return to(value, dtype)
    if not isinstance(value, (int, float, np.generic)):
        raise TypeError(f"{name}: value must be a number, got {type(value).__name__}")
    with np.errstate(all="ignore"):
        return wrap(np.asarray(value).astype(dtype))


# By mask ----------------------------------------------------------------------------------------


def masked_fill(input, mask, value):
    """`value` where `mask`, `input` elsewhere.

    Parameters
    ----------
    mask : Tensor of bool
        It broadcasts against `input`.
    value : number or 0-d Tensor
        Cast to the dtype of `input`.

    Raises
    ------
    TypeError
        `mask` is not a bool tensor.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, -2.0])
    >>> mg.masked_fill(x, x < 0, 0.0)
    tensor([1., 0.])
    """
    check_tensor(input, "masked_fill")
    check_mask(mask, "masked_fill")
    value = _scalar(value, input.dtype, "masked_fill")
    try:
        return where(mask, value, input)
    except ShapeError:
        raise ShapeError(
            f"masked_fill: mask {mask.shape} and input {input.shape} do not broadcast"
        ) from None


def masked_scatter(input, mask, source):
    """`input` with the elements where `mask` replaced by those of `source`, in their order.

    Raises
    ------
    ShapeError
        `source` has fewer elements than the mask has places.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([1, -2, 3, -4])
    >>> mg.masked_scatter(x, x < 0, mg.tensor([7, 8, 9]))
    tensor([1, 7, 3, 8])
    """
    name = "masked_scatter"
    same_dtypes(name, check_tensor(input, name), check_tensor(source, name))
    check_mask(mask, name)
    input, mask = broadcast_tensors(input, mask)
    places = np.flatnonzero(mask._array)
    if source.numel() < places.size:
        raise ShapeError(f"{name}: {places.size} places for {source.numel()} elements of source")
    first = narrow(reshape(source, (source.numel(),)), 0, 0, places.size)
    return put_flat(input, places, first)


# By index ---------------------------------------------------------------------------------------


def index_put(input, indices, values, accumulate=False):
    """`input` with ``input[indices]`` replaced by `values`, or with `values` added there.

    Parameters
    ----------
    indices : tuple of Tensor
        Integers or masks, one an axis, as in ``input[indices]``.
    values : Tensor
        Of the dtype of `input`; it broadcasts to the shape of ``input[indices]``.
    accumulate : bool
        Add; an element that is indexed twice receives both.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.index_put(mg.zeros(3), (mg.tensor([0, 0]),), mg.tensor([1.0, 2.0]), accumulate=True)
    tensor([3., 0., 0.])
    """
    name = "index_put"
    check_tensor(input, name)
    if not isinstance(indices, (tuple, list)):
        kind = type(indices).__name__
        raise TypeError(f"{name}: indices must be a tuple of Tensors, got {kind}")
    key = tuple([check_tensor(i, name) for i in indices])
    same_dtypes(name, input, check_tensor(values, name))
    places = places_of(key, input.shape, name)
    values = spread_over(values, places.shape, name)
    return (add_flat if accumulate else put_flat)(input, places, values)


def _slices(input, dim, index, source, name, dtypes):
    """(axis, positions, source): source holds a slice of `input` a position along the axis."""
    check_tensor(input, name)
    picked = check_index(index, name, dtypes)
    axis = check_dim(dim, input.ndim, name)
    if picked.ndim > 1:
        raise IndexError(f"{name}: index must be a vector, got shape {picked.shape}")
    same_dtypes(name, input, check_tensor(source, name))
    n = (input.shape or (1,))[axis]
    picked = from_zero(picked.reshape(-1), n, name, dim)
    at = axis + max(input.ndim, 1)
    shape = input.shape[:at] + (picked.size,) + input.shape[at + 1 :]
    if source.shape != shape:
        bare = not source.ndim or not input.ndim  # a 0-d tensor is as good as one element
        if not (bare and source.numel() == math.prod(shape)):
            raise ShapeError(
                f"{name}: source must have shape {shape} for {picked.size} indices along dim "
                f"{dim} of {input.shape}, got {source.shape}"
            )
        source = reshape(source, shape)
    return axis, picked, source


def index_add(input, dim, index, source, *, alpha=1):
    """`input` with alpha · `source` added to its slices at `index` along axis `dim`.

    Parameters
    ----------
    index : Tensor of int64 or int32, (K,)
        A position that comes twice receives both.
    source : Tensor
        The shape of `input`, but K along `dim`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.index_add(mg.zeros(3), 0, mg.tensor([0, 0, 2]), mg.tensor([1.0, 2.0, 3.0]))
    tensor([3., 0., 3.])
    """
    axis, picked, source = _slices(input, dim, index, source, "index_add", (np.int64, np.int32))
    if not isinstance(alpha, (int, float)):
        raise TypeError(f"index_add: alpha must be a number, got {type(alpha).__name__}")
    if alpha != 1:
        source = source * _scalar(alpha, input.dtype, "index_add")
    n = (input.shape or (1,))[axis]
    return input + reshape(Scatter(picked, n, False, axis).apply(source), input.shape)


def index_copy(input, dim, index, source):
    """`input` with its slices at `index` along axis `dim` replaced by those of `source`.

    >>> import minigrad as mg
    >>> mg.index_copy(mg.zeros(3), 0, mg.tensor([2, 0]), mg.tensor([1.0, 2.0]))
    tensor([2., 0., 1.])
    """
    axis, picked, source = _slices(input, dim, index, source, "index_copy", (np.int64,))
    places = np.arange(input.numel()).reshape(input.shape or (1,)).take(picked, axis)
    return put_flat(input, places, source)


def index_fill(input, dim, index, value):
    """`input` with its slices at `index` along axis `dim` filled with a number or 0-d tensor.

    >>> import minigrad as mg
    >>> mg.index_fill(mg.zeros(3), 0, mg.tensor([0, -1]), 5)
    tensor([5., 0., 5.])
    """
    name = "index_fill"
    check_tensor(input, name)
    picked = check_index(index, name, (np.int64,))
    axis = check_dim(dim, input.ndim, name)
    if picked.ndim > 1:
        raise IndexError(f"{name}: index must be a vector, got shape {picked.shape}")
    n = (input.shape or (1,))[axis]
    filled = np.zeros(n, bool)
    filled[in_range(picked, n, name, dim)] = True
    mask = filled.reshape((n,) + (1,) * (-1 - axis)) if input.ndim else filled.reshape(())
    return where(wrap(mask), _scalar(value, input.dtype, name), input)


# Along an axis ----------------------------------------------------------------------------------


def _to_scatter(input, dim, index, src, name):
    """(flat places, values for them) of a scatter along an axis."""
    check_tensor(input, name)
    picked = check_index(index, name)
    axis = check_dim(dim, input.ndim, name)
    if not isinstance(src, Tensor):
        src = broadcast_to(_scalar(src, input.dtype, name), picked.shape)
    if not picked.size:
        return np.zeros(picked.shape, np.intp), broadcast_to(
            wrap(np.zeros((), input.dtype)), picked.shape
        )
    same_dtypes(name, input, src)
    if max(src.ndim, 1) != max(picked.ndim, 1):
        raise ShapeError(f"{name}: index {picked.shape} and src {src.shape} differ in axes")
    places = places_along(input.shape, axis, picked, name)
    for d, (n, m) in enumerate(zip(picked.shape, src.shape)):
        if n > m:
            raise ShapeError(
                f"{name}: index {picked.shape} is longer than src {src.shape} in dim {d}"
            )
        if n < m:
            src = narrow(src, d, 0, n)
    return places, src


def scatter(input, dim, index, src=None, *, value=None, reduce=None):
    """`input` with ``out[index[i][j]][j] = src[i][j]`` (for dim 0): the reverse of `gather`.

    Parameters
    ----------
    index : Tensor of int64 or int32
        As many axes as `input` and `src`; no longer than `src`, nor than `input` outside `dim`.
    src : Tensor of the dtype of `input`, or number
    value : number
        Another name for a number as `src`.
    reduce : "add" or "multiply", optional
        Instead of replacing; an element that is indexed twice receives both.

    Raises
    ------
    IndexError
        An index outside [0, n).
    ShapeError
        Shapes that do not fit, as above.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.scatter(mg.zeros(2, 2), 1, mg.tensor([[1], [0]]), 7.0)
    tensor([[0., 7.],
            [7., 0.]])
    """
    if (src is None) == (value is None):
        raise TypeError("scatter: expected either src or value")
    if reduce not in (None, "add", "multiply"):
        raise ValueError(f'scatter: reduce must be "add" or "multiply", got {reduce!r}')
    if isinstance(value, Tensor):
        value = _scalar(value, value.dtype, "scatter").item()
    places, values = _to_scatter(input, dim, index, value if src is None else src, "scatter")
    if reduce == "add":
        return add_flat(input, places, values)
    if reduce == "multiply":
        return _multiply_at(input, places.reshape(-1), values)
    return put_flat(input, places, values)


def _multiply_at(input, places, values):
    """`input` with `values` multiplied in at flat places: first all that come first, and so on."""
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    begins = np.diff(ordered, prepend=-1) != 0
    group = np.maximum.accumulate(np.where(begins, np.arange(places.size), 0))
    turn = np.arange(places.size) - group
    out = clone(input)
    ones = wrap(np.ones(input.shape, input.dtype))
    for k in range(int(turn.max()) + 1 if places.size else 0):
        chosen = order[turn == k]
        out = out * put_flat(ones, places[chosen], take_flat(values, chosen, unique=True))
    return out


def scatter_add(input, dim, index, src):
    """`input` with ``out[index[i][j]][j] += src[i][j]`` (for dim 0): the adjoint of `gather`.

    Parameters and errors are those of `scatter`; an element that is indexed twice receives both.

    >>> import minigrad as mg
    >>> mg.scatter_add(mg.zeros(2), 0, mg.tensor([1, 1]), mg.tensor([1.0, 2.0]))
    tensor([0., 3.])
    """
    check_tensor(src, "scatter_add")
    return add_flat(input, *_to_scatter(input, dim, index, src, "scatter_add"))
