"""Indexing: everything NumPy takes, differentiable, by two linear pairs of operations.

    Slice   y = x[key]           ↔  Unslice  y = 0, y[key] = x       basic keys: views
    Take    y = x.flat[i]        ↔  Scatter  y = 0, y.flat[i] += x   integer arrays and masks

Each is the other's backward, so any order of derivative is there at once.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Binary, Tensor, Unary, wrap
else:
    from minigrad.engine import Binary, Tensor, Unary, wrap

from minigrad.engine import is_grad_enabled
from minigrad.ops.choice import where
from minigrad.ops.operands import zeros_of
from minigrad.ops.shape import broadcast_to, check_dim, check_tensor, reshape, to, unsqueeze

__all__ = ["gather", "select", "one_hot"]
METHODS = ["getitem", "setitem"]


def _plain(part):
    """One part of a key as NumPy understands it."""
    if isinstance(part, Tensor):
        if part.dtype.kind not in "iub":
            raise IndexError(
                f"index: tensors used as indices must be integer or bool, got {part.dtype}"
            )
        return part._array if part.ndim or part.dtype == np.bool_ else int(part)
    if isinstance(part, list):
        array = np.asarray([_plain(p) for p in part] if part else np.empty(0, np.int64))
        if array.dtype.kind not in "iub":
            raise IndexError(f"index: expected integers or bools, got a list of {array.dtype}")
        return array
    if part is None or part is Ellipsis or isinstance(part, (slice, np.ndarray)):
        return part
    if hasattr(part, "__index__") or isinstance(part, np.bool_):
        return part
    raise IndexError(
        f"index: expected integers, slices, ..., None, bool or integer arrays, "
        f"got {type(part).__name__}"
    )


def _normal(key):
    """(key as a tuple for NumPy, whether it is basic: integers, slices, ..., None)."""
    parts = tuple([_plain(p) for p in (key if isinstance(key, tuple) else (key,))])
    basic = True
    for part in parts:
        if isinstance(part, (np.ndarray, bool, np.bool_)):
            basic = False
    return parts, basic


def _flat(shape, key, name):
    """Flat positions that `key` picks from an array of `shape`."""
    size = 1
    for n in shape:
        size *= n
    try:
        return np.asarray(np.arange(size).reshape(shape)[key])
    except IndexError as error:
        raise IndexError(f"{name}: for a tensor of shape {tuple(shape)}: {error}") from None


@cython.cclass
class Slice(Unary):
    """y = x[key], a view"""

    key: tuple
    shape: tuple

    def __init__(self, key, shape):
        if not any(part is Ellipsis for part in key):
            key += (Ellipsis,)  # a single element is then a 0-d view, not a copied number
        self.key, self.shape = key, shape  # shape: that of x without leading batch axes

    @cython.ccall
    def forward(self, x):
        self.makes_view()
        return x[(slice(None),) * (x.ndim - len(self.shape)) + self.key]

    @cython.ccall
    def backward(self, grad):
        return Unslice(self.key, self.shape, grad.ndim - self.ndim).apply(grad)


@cython.cclass
class Unslice(Unary):
    """y = 0, y[key] = x"""

    key: tuple
    shape: tuple
    lead: cython.int

    def __init__(self, key, shape, lead):
        self.key, self.shape, self.lead = key, shape, lead

    @cython.ccall
    def forward(self, x):
        out = np.zeros(x.shape[: self.lead] + self.shape, x.dtype)
        out[(slice(None),) * self.lead + self.key] = x
        return out

    @cython.ccall
    def backward(self, grad):
        lead = grad.ndim - self.ndim
        return Slice((slice(None),) * self.lead + self.key, self.batch(grad, lead)).apply(grad)

    def batch(self, grad, lead):
        """Shape of this node's output inside `grad`."""
        return grad.shape[lead:]


@cython.cclass
class Take(Unary):
    """y[..., j] = x[..., i[j]] over the last axis; i may have any shape"""

    index: object
    size: cython.Py_ssize_t
    unique: cython.bint

    def __init__(self, index, unique):
        self.index, self.unique = index, unique

    @cython.ccall
    def forward(self, x):
        self.size = x.shape[-1]
        return x[..., self.index]

    @cython.ccall
    def backward(self, grad):
        return Scatter(self.index, self.size, self.unique).apply(grad)


@cython.cclass
class Scatter(Unary):
    """y = 0, y[..., i[j]] += x[..., j]"""

    index: object
    size: cython.Py_ssize_t
    unique: cython.bint

    def __init__(self, index, size, unique):
        self.index, self.size, self.unique = index, size, unique

    @cython.ccall
    def forward(self, x):
        lead = x.shape[: x.ndim - self.index.ndim]
        out = np.zeros(lead + (self.size,), x.dtype)
        if self.unique:
            out[..., self.index] = x
        elif not lead:
            np.add.at(out, self.index, x)
        else:
            rows = out.reshape(-1, self.size)
            for row, values in zip(rows, x.reshape((rows.shape[0],) + self.index.shape)):
                np.add.at(row, self.index, values)
        return out

    @cython.ccall
    def backward(self, grad):
        return Take(self.index, self.unique).apply(grad)


def take_flat(x, index, unique=False):
    """x.flatten()[index] for an array of flat positions (each once, if `unique`)."""
    return Take(index, unique).apply(reshape(x, (-1,)))


def getitem(input, key):
    """``input[key]``: integers, slices, ``...``, ``None``, bool masks, integer arrays, and mixes.

    Basic keys give a view; masks and integer arrays a copy.

    Raises
    ------
    IndexError
        Out of range, too many indices, or a mask of another shape.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.arange(6).reshape(2, 3)
    >>> x[1, ::2], x[x > 3]
    (tensor([3, 5]), tensor([4, 5]))
    """
    check_tensor(input, "index")
    key, basic = _normal(key)
    shape = input.shape
    if basic:
        try:
            return Slice(key, shape).apply(input)
        except IndexError as error:
            raise IndexError(f"index: for a tensor of shape {shape}: {error}") from None
    masks = all(isinstance(k, np.ndarray) and k.dtype == np.bool_ for k in key)
    return take_flat(input, _flat(shape, key, "index"), masks)


@cython.cclass
class Put(Binary):
    """z = x, z[..., i[j]] = y[..., j]; of several values for one place the last stays"""

    index: object
    lasts: object

    def __init__(self, index):
        self.index = index

    @cython.ccall
    def forward(self, x, y):
        writer = np.full(x.shape[-1], -1)
        writer[self.index] = np.arange(self.index.size)
        self.lasts = writer[self.index] == np.arange(self.index.size)
        out = x.copy()
        out[..., self.index] = y
        return out

    @cython.ccall
    def backward(self, grad):
        written = np.zeros(grad.shape[-1], bool)
        written[self.index] = True
        dx = dy = None
        if self.needs_grad(0):
            dx = where(wrap(written), zeros_of(grad), grad)
        if self.needs_grad(1):
            dy = where(wrap(self.lasts), Take(self.index, False).apply(grad), zeros_of(grad))
        return dx, dy


def setitem(input, key, value):
    """``input[key] = value`` in place; differentiable in both.

    Of several values for one place the last stays, and only it receives a gradient.

    Raises
    ------
    IndexError
        As for reading.
    ShapeError
        `value` does not broadcast to the shape of ``input[key]``.
    InplaceError
        `input` is a leaf that requires grad, or a view in the graph.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.zeros(3); x[1:] = mg.tensor([1.0, 2.0]); x
    tensor([0., 1., 2.])
    """
    from minigrad.ops.overwrite import overwrite  # which is built on `Put` and `take_flat`

    key, _ = _normal(key)
    if not isinstance(value, Tensor):
        value = wrap(np.asarray(value, input.dtype))
    value = to(value, input.dtype)
    name = "x[...] = y"
    index = None
    if is_grad_enabled() and (input.requires_grad or value.requires_grad):
        index = _flat(input.shape, key, name)

    def write(old):
        spread = broadcast_to(value, index.shape)
        flat = Put(index.reshape(-1)).apply(reshape(old, (-1,)), reshape(spread, (-1,)))
        return reshape(flat, old.shape)

    if index is not None:
        try:
            overwrite(input, name, write)
        except ShapeError:
            raise ShapeError(
                f"{name}: shape {value.shape} does not broadcast to {index.shape}"
            ) from None
        return
    if not input._array.flags.writeable:
        overwrite(input, name, lambda old: old)  # raises: the memory is shared by several elements
    try:
        input._array[key] = value._array
    except IndexError as error:
        raise IndexError(f"{name}: for a tensor of shape {input.shape}: {error}") from None
    except ValueError:
        found = input._array[key].shape
        raise ShapeError(f"{name}: shape {value.shape} does not broadcast to {found}") from None
    input._bump(name)


def gather(input, dim, index):
    """Elements picked along axis `dim`: out[i][j] = input[index[i][j]][j] for dim 0.

    Parameters
    ----------
    index : Tensor of integers
        As many axes as `input`, no longer than it outside `dim`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.gather(mg.tensor([[1, 2], [3, 4]]), 1, mg.tensor([[1], [0]]))
    tensor([[2],
            [3]])
    """
    check_tensor(input, "gather")
    if check_tensor(index, "gather").dtype.kind not in "iu":
        raise IndexError(f"gather: index must be integers, got {index.dtype}")
    axis = check_dim(dim, input.ndim, "gather")
    if index.ndim != input.ndim:
        raise ShapeError(f"gather: index {index.shape} and input {input.shape} differ in axes")
    if not input.ndim:
        return take_flat(input, index._array)
    n = input.shape[axis]
    picked = index._array
    if picked.size and not (picked.min() >= 0 and picked.max() < n):
        raise IndexError(
            f"gather: index must lie in [0, {n}), got [{picked.min()}, {picked.max()}]"
        )
    grid = list(np.indices(index.shape, sparse=True))
    grid[axis] = picked
    return take_flat(input, _flat(input.shape, tuple(grid), "gather"))


def select(input, dim, index):
    """The slice at `index` along axis `dim`, without that axis; a view.

    >>> import minigrad as mg
    >>> mg.select(mg.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
    """
    axis = check_dim(dim, input.ndim, "select") + input.ndim
    return getitem(input, (slice(None),) * axis + (index,))


def one_hot(tensor, num_classes=-1):
    """Rows of the identity: 1 at the class, 0 elsewhere, int64, one axis more.

    >>> import minigrad as mg
    >>> mg.one_hot(mg.tensor([0, 2]), 3)
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    classes = check_tensor(tensor, "one_hot")._array
    if classes.dtype.kind not in "iu":
        raise TypeError(f"one_hot: expected integer classes, got {tensor.dtype}")
    top = int(classes.max()) + 1 if classes.size else 0
    n = top if num_classes == -1 else num_classes
    if n <= 0 or (classes.size and (classes.min() < 0 or top > n)):
        raise ValueError(f"one_hot: classes must lie in [0, {n}), got up to {top - 1}")
    return (unsqueeze(tensor, -1) == wrap(np.arange(n))).long()
