"""Indexing, ``x[key]`` and ``x[key] = y``, in two steps as in PyTorch.

    1. integers, slices, ``...`` and ``None`` give a view     Slice    y = x[key]  ↔  Unslice
    2. masks and integer arrays pick from that view           Take  ↔  Scatter (`places.py`)

So an integer beside an array only takes its axis away; it does not move the array's, as in NumPy.
"""

import math

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Tensor, Unary, producer, wrap
else:
    from minigrad.engine import Tensor, Unary, producer, wrap

from minigrad.engine import is_grad_enabled
from minigrad.ops.arguments import check_tensor
from minigrad.ops.axes import permute
from minigrad.ops.copy import to
from minigrad.ops.expand import broadcast_to
from minigrad.ops.places import Put, Take, put_flat, take_along, take_flat
from minigrad.ops.reshape import reshape

__all__ = []
METHODS = ["getitem", "setitem"]
HANDED_ON = Put, Take, take_flat
FULL = slice(None)


# Keys -------------------------------------------------------------------------------------------


def _part(part, name):
    """One part of a key: an int, a slice, ..., None, or an array of integers or bools."""
    if part is None or part is Ellipsis or type(part) in (int, slice):
        return part
    if isinstance(part, (bool, np.bool_)):
        return np.asarray(bool(part))
    if isinstance(part, Tensor):
        if part.dtype not in (np.bool_, np.int64, np.int32, np.uint8):
            raise IndexError(
                f"{name}: tensors used as indices must be int64, int32 or bool, got {part.dtype}"
            )
        array = part._array
        if array.dtype == np.uint8:
            array = array != 0  # a mask, as in PyTorch
    elif isinstance(part, (list, tuple, range)):
        array = _array_of(part, name)
    elif isinstance(part, np.ndarray):
        array = part
    elif hasattr(part, "__index__"):
        return part.__index__()
    else:
        raise IndexError(
            f"{name}: expected integers, slices, ..., None, bool or integer arrays, "
            f"got {type(part).__name__}"
        )
    if array.dtype.kind not in "iub":
        raise IndexError(f"{name}: expected integers or bools, got {array.dtype}")
    if array.dtype.kind == "b":
        return array
    return array.astype(np.intp) if array.ndim else int(array)  # a copy: the rule keeps it


def _array_of(sequence, name):
    """A nested sequence of numbers and tensors as an array."""

    def plain(part):
        if isinstance(part, Tensor):
            return part._array
        return [plain(p) for p in part] if isinstance(part, (list, tuple, range)) else part

    try:
        array = np.array(plain(sequence))
    except (ValueError, TypeError):
        raise IndexError(f"{name}: a list in an index must be a regular array") from None
    return array if array.size else array.astype(np.intp)


def two_steps(key, shape, name):
    """(basic, picks): x[key] is x[basic][picks]; `picks` is None where the first step is all.

    `picks` has for each axis of the view an array of positions or a full slice; their second
    field says whether no element can be picked twice.
    """
    parts = [_part(p, name) for p in key]
    taken = 0
    for p in parts:
        taken += p.ndim if isinstance(p, np.ndarray) and p.dtype == np.bool_ else _counts(p)
    if taken > len(shape):
        raise IndexError(f"{name}: too many indices ({taken}) for a tensor of shape {shape}")
    basic: list = []
    picks: list = []
    axis = 0
    picked = False
    for p in parts:
        if p is Ellipsis:
            basic += [FULL] * (len(shape) - taken)
            picks += [FULL] * (len(shape) - taken)
            axis, taken = axis + len(shape) - taken, len(shape)  # a second one stands for none
        elif not isinstance(p, np.ndarray):
            basic.append(p)
            axis += p is not None
            if not isinstance(p, int):
                picks.append(FULL)
        elif p.dtype == np.bool_:
            picked = True
            if p.shape != shape[axis : axis + p.ndim]:
                raise IndexError(
                    f"{name}: a mask of shape {p.shape} does not fit the tensor's shape {shape} "
                    f"at dim {axis}"
                )
            if p.ndim:
                basic += [FULL] * p.ndim
                picks += p.nonzero()
            else:  # True or False: a new axis of length 1 or 0
                basic.append(None)
                picks.append(np.zeros(int(p), np.intp))
            axis += p.ndim
        else:
            picked = True
            basic.append(FULL)
            picks.append(in_range(p, shape[axis], name, axis))
            axis += 1
    return tuple(basic), tuple(picks) if picked else None


def _counts(part):
    return 0 if part is None or part is Ellipsis else 1


def in_range(index, n, name, dim):
    """An array of positions in an axis of length n, negative ones counted from its end."""
    if index.size:
        low, high = np.minimum.reduce(index, None), np.maximum.reduce(index, None)
        if low < -n or high >= n:
            raise IndexError(
                f"{name}: index {high if high >= n else low} is out of range for dim {dim} "
                f"of length {n}"
            )
        if low < 0:
            return np.where(index < 0, index + n, index)
    return index


def _only_masks(key):
    """Whether a key's arrays are all masks, so that no element is picked twice."""
    for p in key:
        if isinstance(p, (list, tuple, range, np.ndarray, Tensor)):
            array = p._array if isinstance(p, Tensor) else np.asarray(p)
            if array.ndim and array.dtype.kind != "b":
                return False
    return True


def places_of(key, shape, name):
    """Flat positions that `key` picks from an array of `shape`."""
    basic, picks = two_steps(key, shape, name)
    places = _basic(np.arange(math.prod(shape)).reshape(shape), basic, name)
    return places if picks is None else _picked(places, picks, name)


def _basic(array, basic, name):
    try:
        return array[(*basic, Ellipsis)]
    except (IndexError, ValueError, TypeError) as error:
        raise type(error)(f"{name}: for a tensor of shape {array.shape}: {error}") from None


def _picked(array, picks, name):
    try:
        return array[picks]
    except IndexError as error:
        raise IndexError(f"{name}: {error}") from None


# Reading ----------------------------------------------------------------------------------------


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
        lead = grad.ndim - self.ndim  # behind them stands this node's output
        return Slice((slice(None),) * self.lead + self.key, grad.shape[lead:]).apply(grad)


def getitem(input, key):
    """``input[key]``: integers, slices, ``...``, ``None``, bool masks, integer arrays, and mixes.

    Keys of the first four kinds give a view; masks and integer arrays a copy. A slice may have a
    negative step, which PyTorch refuses: that is a view like any other here.

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
    parts = key if type(key) is tuple else (key,)
    for part in parts:
        kind = type(part)
        if kind is not int and kind is not slice and part is not Ellipsis and part is not None:
            return _getitem(input, parts)
    return _view(input, parts)


def _view(input, key):
    try:
        return Slice(key, input.shape).apply(input)
    except (IndexError, ValueError, TypeError) as error:
        if key.count(Ellipsis) > 1:  # which PyTorch takes and NumPy does not
            return _getitem(input, key)
        raise type(error)(f"index: for a tensor of shape {input.shape}: {error}") from None


def _getitem(input, key):
    mask = key[0]
    one = len(key) == 1 and isinstance(mask, Tensor) and mask.dtype == np.bool_ and mask.ndim
    if one and mask.shape == input.shape:  # the common case, without its two steps
        return take_flat(input, np.flatnonzero(mask._array), unique=True)
    basic, picks = two_steps(key, input.shape, "index")
    if picks is None:
        return _view(input, basic)
    if producer(input) is None or not is_grad_enabled():
        return wrap(_picked(_basic(input._array, basic, "index"), picks, "index"))
    if basic.count(FULL) < len(basic):
        input = _view(input, basic)
    axes = [i for i, p in enumerate(picks) if p is not FULL]
    arrays = [picks[i] for i in axes]
    if any(a.shape != arrays[0].shape for a in arrays):
        try:
            arrays = np.broadcast_arrays(*arrays)
        except ValueError:
            shapes = ", ".join([str(a.shape) for a in arrays])
            raise IndexError(f"index: arrays of shapes {shapes} do not broadcast") from None
    first, count = axes[0], len(axes)
    if axes[-1] - first >= count:  # a slice stands between two arrays: theirs come to the front
        input = permute(input, axes + [i for i in range(input.ndim) if i not in axes])
        first = 0
    shape = input.shape
    joined = shape[first : first + count]
    index = arrays[0]
    for array, n in zip(arrays[1:], joined[1:]):
        index = index * n + array
    if count > 1:
        shape = shape[:first] + (math.prod(joined),) + shape[first + count :]
        input = reshape(input, shape)
    return take_along(input, index, first - len(shape), _only_masks(key))


# Writing ----------------------------------------------------------------------------------------


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
        `input` is a leaf that requires grad, or a view of one.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.zeros(3); x[1:] = mg.tensor([1.0, 2.0]); x
    tensor([0., 1., 2.])
    """
    from minigrad.ops.overwrite import is_outside, overwrite  # built on `Put` and `take_flat`

    name = "x[...] = y"
    check_tensor(input, name)
    key = key if type(key) is tuple else (key,)
    basic, picks = two_steps(key, input.shape, name)
    if isinstance(value, Tensor):
        if picks is not None and value.ndim and value.dtype != input.dtype:
            raise DtypeError(
                f"{name}: with an array as index y must be of x's dtype {input.dtype}, "
                f"got {value.dtype}"
            )
        value = to(value, input.dtype)
    elif isinstance(value, (int, float, np.generic, np.ndarray)):
        with np.errstate(all="ignore"):
            value = wrap(np.asarray(value).astype(input.dtype))
    else:
        raise TypeError(f"{name}: expected a Tensor or a number, got {type(value).__name__}")
    if is_grad_enabled() and (input.requires_grad or value.requires_grad):
        index = places_of(key, input.shape, name)
        spread = spread_over(value, index.shape, name)
        overwrite(input, name, lambda old: put_flat(old, index, spread))
        return
    if not input._array.flags.writeable or (is_grad_enabled() and is_outside(input)):
        overwrite(input, name, lambda old: old)  # raises: shared memory, or a history left out
    target = _basic(input._array, basic, name)
    try:
        if picks is None:
            target[...] = value._array
        else:
            target[picks] = value._array
    except IndexError as error:
        raise IndexError(f"{name}: for a tensor of shape {input.shape}: {error}") from None
    except ValueError:
        found = (target if picks is None else target[picks]).shape
        raise ShapeError(f"{name}: shape {value.shape} does not broadcast to {found}") from None
    input._bump(name)


def spread_over(value, shape, name):
    """`value` broadcast to `shape`; axes of length 1 in front of it may fall away."""
    extra = value.ndim - len(shape)
    if extra > 0 and value.shape[:extra] == (1,) * extra:
        value = reshape(value, value.shape[extra:])
    try:
        return broadcast_to(value, shape)
    except ShapeError:
        raise ShapeError(f"{name}: shape {value.shape} does not broadcast to {shape}") from None
