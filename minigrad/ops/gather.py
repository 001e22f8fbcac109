"""Elements picked: along an axis, by flat position, by mask; where elements are not 0; one-hot."""

import math

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import wrap
else:
    from minigrad.engine import wrap

from minigrad.ops.arguments import check_dim, check_integer, check_tensor
from minigrad.ops.expand import broadcast_tensors
from minigrad.ops.index import getitem, in_range
from minigrad.ops.places import take_along, take_flat
from minigrad.ops.reshape import reshape, unsqueeze

__all__ = """
    gather select index_select take take_along_dim masked_select nonzero argwhere one_hot
""".split()


def check_index(index, name, dtypes=(np.int64, np.int32)):
    """The array of an index tensor, which must have one of these dtypes."""
    if check_tensor(index, name).dtype not in dtypes:
        names = " or ".join([np.dtype(d).name for d in dtypes])
        raise DtypeError(f"{name}: index must be {names}, got {index.dtype}")
    return index._array


def check_mask(mask, name):
    """The array of a mask, which must be a bool tensor."""
    if check_tensor(mask, name).dtype != np.bool_:
        raise DtypeError(f"{name}: mask must be a bool tensor, got {mask.dtype}")
    return mask._array


def from_zero(index, n, name, dim):
    """An array of positions in an axis of length n, none of them negative."""
    if index.size and (index.min() < 0 or index.max() >= n):
        raise IndexError(
            f"{name}: index must lie in [0, {n}) for dim {dim}, got [{index.min()}, {index.max()}]"
        )
    return index.astype(np.intp)  # a copy: the rule keeps it


def places_along(shape, axis, index, name):
    """Flat positions of the elements that `index` picks along an axis of an array of `shape`.

    An element's other coordinates are those of its index: (i, j) ↦ (index[i, j], j) for axis 0.
    """
    shape = shape or (1,)
    picked = index.reshape(index.shape or (1,))
    if picked.ndim != len(shape):
        raise ShapeError(f"{name}: index {index.shape} and input {shape} differ in axes")
    for d, n in enumerate(shape):
        if d != axis + len(shape) and picked.shape[d] > n:
            raise ShapeError(
                f"{name}: index {index.shape} is longer than the input {shape} in dim {d}"
            )
    places = from_zero(picked, shape[axis], name, axis + len(shape))
    places *= math.prod(shape[axis:][1:])
    for d, n in enumerate(picked.shape):
        if d != axis + len(shape):
            along = np.arange(n) * math.prod(shape[d + 1 :])
            places += along.reshape((n,) + (1,) * (len(shape) - 1 - d))
    return places.reshape(index.shape)


def gather(input, dim, index):
    """Elements picked along axis `dim`: out[i][j] = input[index[i][j]][j] for dim 0.

    Parameters
    ----------
    index : Tensor of int64 or int32
        As many axes as `input`, no longer than it outside `dim`.

    Raises
    ------
    IndexError
        An index outside [0, n).
    ShapeError
        Another number of axes, or longer than the input.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.gather(mg.tensor([[1, 2], [3, 4]]), 1, mg.tensor([[1], [0]]))
    tensor([[2],
            [3]])
    """
    check_tensor(input, "gather")
    axis = check_dim(dim, input.ndim, "gather")
    if not check_tensor(index, "gather").numel():  # any empty index will do, as in PyTorch
        return take_flat(input, np.zeros(index.shape, np.intp))
    picked = check_index(index, "gather")
    return take_flat(input, places_along(input.shape, axis, picked, "gather"))


def select(input, dim, index):
    """The slice at `index` along axis `dim`, without that axis; a view.

    >>> import minigrad as mg
    >>> mg.select(mg.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
    """
    if not check_tensor(input, "select").ndim:
        raise IndexError("select: a 0-d tensor has no axis to select from")
    axis = check_dim(dim, input.ndim, "select") + input.ndim
    index = check_integer(index, "select", "index")
    n = input.shape[axis]
    if not -n <= index < n:
        raise IndexError(f"select: index {index} is out of range for dim {dim} of length {n}")
    return getitem(input, (slice(None),) * axis + (index,))


def index_select(input, dim, index):
    """The slices at the positions `index` along axis `dim`, a copy.

    Parameters
    ----------
    index : Tensor of int64 or int32, (K,)

    Raises
    ------
    IndexError
        A position outside [0, n), or an index of more than one axis.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.index_select(mg.tensor([[1, 2], [3, 4]]), 1, mg.tensor([1, 1]))
    tensor([[2, 2],
            [4, 4]])
    """
    check_tensor(input, "index_select")
    picked = check_index(index, "index_select")
    axis = check_dim(dim, input.ndim, "index_select")
    if picked.ndim > 1:
        raise IndexError(f"index_select: index must be a vector, got shape {picked.shape}")
    picked = picked.reshape(-1)
    if input.ndim:
        return take_along(input, from_zero(picked, input.shape[axis], "index_select", dim), axis)
    if picked.size != 1:
        raise ShapeError(f"index_select: a 0-d tensor takes 1 index, got {picked.size}")
    return take_flat(input, from_zero(picked, 1, "index_select", dim).reshape(()))


def take(input, index):
    """Elements of the flattened tensor, in the shape of `index`; negative ones from its end.

    >>> import minigrad as mg
    >>> mg.take(mg.tensor([[1, 2], [3, 4]]), mg.tensor([0, -1]))
    tensor([1, 4])
    """
    check_tensor(input, "take")
    picked = check_index(index, "take", (np.int64,)).astype(np.intp)
    return take_flat(input, in_range(picked, input.numel(), "take", "0, all elements"))


def take_along_dim(input, indices, dim=None):
    """`gather` with indices that broadcast against `input` outside `dim`, negative ones too.

    Parameters
    ----------
    indices : Tensor of int64
        What `argsort` or `argmax(keepdim=True)` gave.
    dim : int, optional
        Default: both are flattened.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[3, 1], [2, 4]])
    >>> mg.take_along_dim(x, mg.argmax(x, 1, keepdim=True), 1)
    tensor([[3],
            [4]])
    """
    name = "take_along_dim"
    check_tensor(input, name)
    picked = check_index(indices, name, (np.int64,))
    if dim is None:
        input, picked, dim = reshape(input, (input.numel(),)), picked.reshape(-1), 0
    if picked.ndim != input.ndim:
        raise ShapeError(f"{name}: indices {picked.shape} and input {input.shape} differ in axes")
    axis = check_dim(dim, input.ndim, name)
    picked = in_range(picked, (input.shape or (1,))[axis], name, dim)
    shape, wide = list(input.shape), list(picked.shape)
    for d in range(-input.ndim, 0):
        if d != axis and shape[d] != wide[d]:
            if 1 not in (shape[d], wide[d]):
                raise ShapeError(
                    f"{name}: indices {picked.shape} and input {input.shape} do not broadcast "
                    f"outside dim {dim}"
                )
            shape[d] = wide[d] = shape[d] * wide[d]
    places = np.arange(input.numel()).reshape(input.shape)
    places = np.broadcast_to(places, shape)
    picked = np.broadcast_to(picked, wide)
    return take_flat(input, np.take_along_axis(places, picked, axis) if shape else places)


def masked_select(input, mask):
    """The elements where `mask`, in row-major order, a vector; both broadcast.

    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, -2.0, 3.0])
    >>> mg.masked_select(x, x > 0)
    tensor([1., 3.])
    """
    check_tensor(input, "masked_select")
    check_mask(mask, "masked_select")
    input, mask = broadcast_tensors(input, mask)
    return take_flat(input, np.flatnonzero(mask._array), unique=True)


# Where ------------------------------------------------------------------------------------------


def nonzero(input, *, as_tuple=False):
    """The positions of the elements that are not 0, one a row (or one tensor an axis), int64.

    >>> import minigrad as mg
    >>> mg.nonzero(mg.tensor([[0, 5], [7, 0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    array = check_tensor(input, "nonzero")._array
    if not as_tuple:
        return wrap(np.argwhere(array).astype(np.int64))
    return tuple([wrap(i.astype(np.int64)) for i in np.atleast_1d(array).nonzero()])


def argwhere(input):
    """`nonzero` by NumPy's name.

    >>> import minigrad as mg
    >>> mg.argwhere(mg.tensor([0, 5, 7]))
    tensor([[1],
            [2]])
    """
    return nonzero(check_tensor(input, "argwhere"))


def one_hot(tensor, num_classes=-1):
    """Rows of the identity: 1 at the class, 0 elsewhere, int64, one axis more.

    Parameters
    ----------
    tensor : Tensor of int64
    num_classes : int
        Default: the largest class and one.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.one_hot(mg.tensor([0, 2]), 3)
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    classes = check_index(tensor, "one_hot", (np.int64,))
    n = check_integer(num_classes, "one_hot", "num_classes")
    top = int(classes.max()) + 1 if classes.size else 0
    n = top if n == -1 else n
    if n <= 0 or (classes.size and (classes.min() < 0 or top > n)):
        found = f"{classes.min()} … {top - 1}" if classes.size else "none"
        raise ShapeError(f"one_hot: classes must lie in [0, {n}), got {found}")
    return (unsqueeze(tensor, -1) == wrap(np.arange(n))).long()
