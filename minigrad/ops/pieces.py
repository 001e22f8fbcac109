"""Pieces of a tensor along one axis: views."""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Tensor, Unary
else:
    from minigrad.engine import Tensor, Unary

from minigrad.ops.arguments import check_dim, check_integer, check_tensor
from minigrad.ops.reshape import squeeze

__all__ = "narrow split split_with_sizes chunk tensor_split unbind".split()


@cython.cclass
class Narrow(Unary):
    """y = x[start : start + length] along one axis; a view"""

    axis: cython.int
    start: cython.Py_ssize_t
    length: cython.Py_ssize_t
    whole: cython.Py_ssize_t

    def __init__(self, axis, start, length):
        self.axis, self.start, self.length = axis, start, length

    @cython.ccall
    def forward(self, x):
        self.whole = x.shape[self.axis]
        self.makes_view()
        return x[
            (..., slice(self.start, self.start + self.length)) + (slice(None),) * (-1 - self.axis)
        ]

    @cython.ccall
    def backward(self, grad):
        node = Widen(self.axis, self.start, self.whole)
        return node.apply(grad)


@cython.cclass
class Widen(Unary):
    """y = zeros, with x at [start : start + length] along one axis: the adjoint of Narrow"""

    axis: cython.int
    start: cython.Py_ssize_t
    whole: cython.Py_ssize_t
    length: cython.Py_ssize_t

    def __init__(self, axis, start, whole):
        self.axis, self.start, self.whole = axis, start, whole

    @cython.ccall
    def forward(self, x):
        shape = list(x.shape)
        self.length = shape[self.axis]
        shape[self.axis] = self.whole
        out = np.zeros(shape, x.dtype)
        place = slice(self.start, self.start + self.length)
        out[(..., place) + (slice(None),) * (-1 - self.axis)] = x
        return out

    @cython.ccall
    def backward(self, grad):
        return Narrow(self.axis, self.start, self.length).apply(grad)


def narrow(input, dim, start, length):
    """`length` elements along axis `dim`, from `start`; a view.

    >>> import minigrad as mg
    >>> mg.narrow(mg.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    if not check_tensor(input, "narrow").ndim:
        raise ShapeError("narrow: a 0-d tensor has no axis to narrow")
    axis = check_dim(dim, input.ndim, "narrow")
    start = check_integer(start, "narrow", "start")
    length = check_integer(length, "narrow", "length")
    n = input.shape[axis]
    first = start + n if start < 0 else start
    if length < 0 or not 0 <= first <= n - length:
        raise IndexError(f"narrow: [{start}, {start + length}) does not lie in dim {dim} of {n}")
    return Narrow(axis, first, length).apply(input)


def _axis_to_cut(input, dim, name):
    if not check_tensor(input, name).ndim:
        raise ShapeError(f"{name}: a 0-d tensor cannot be cut into pieces")
    return check_dim(dim, input.ndim, name)


def _cut(input, axis, sizes):
    """Views of these sizes, one after the other."""
    pieces = []
    start = 0
    for n in sizes:
        pieces.append(Narrow(axis, start, n).apply(input))
        start += n
    return tuple(pieces)


def split(input, split_size, dim=0):
    """Pieces along axis `dim`: of `split_size` each (the last may be shorter), or of these sizes.

    Parameters
    ----------
    split_size : int or list of int

    Returns
    -------
    tuple of Tensor
        Views.

    Raises
    ------
    ShapeError
        The sizes do not add up to the axis.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.split(mg.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    axis = _axis_to_cut(input, dim, "split")
    n = input.shape[axis]
    if isinstance(split_size, (tuple, list)):
        sizes = [check_integer(s, "split", "a size") for s in split_size]
        if sum(sizes) != n or any(s < 0 for s in sizes):
            raise ShapeError(f"split: sizes {sizes} do not add up to {n}, the length of dim {dim}")
        return _cut(input, axis, sizes)
    step = check_integer(split_size, "split", "split_size")
    if step < 0 or (step == 0 and n):
        raise ShapeError(f"split: split_size must be positive, got {split_size}")
    return _cut(input, axis, [min(step, n - i) for i in range(0, n, step or 1)] or [0])


def split_with_sizes(input, split_sizes, dim=0):
    """`split` into pieces of these sizes.

    >>> import minigrad as mg
    >>> mg.split_with_sizes(mg.arange(3), [1, 2])
    (tensor([0]), tensor([1, 2]))
    """
    return split(check_tensor(input, "split_with_sizes"), list(split_sizes), dim)


def chunk(input, chunks, dim=0):
    """At most `chunks` pieces of one length along axis `dim`, the last may be shorter; views.

    >>> import minigrad as mg
    >>> mg.chunk(mg.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    axis = _axis_to_cut(input, dim, "chunk")
    if check_integer(chunks, "chunk", "chunks") < 1:
        raise ShapeError(f"chunk: chunks must be positive, got {chunks}")
    n = input.shape[axis]
    return split(input, -(-n // chunks) if n else [0] * chunks, axis)


def tensor_split(input, indices_or_sections, dim=0):
    """Pieces along axis `dim`: so many, of lengths that differ by one at most, or cut at indices.

    Parameters
    ----------
    indices_or_sections : int, sequence of int, or int64 Tensor of at most one axis

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.tensor_split(mg.arange(5), 3)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    >>> mg.tensor_split(mg.arange(5), (1, 4))
    (tensor([0]), tensor([1, 2, 3]), tensor([4]))
    """
    name = "tensor_split"
    axis = _axis_to_cut(input, dim, name)
    where = indices_or_sections
    if isinstance(where, Tensor):
        if where.dtype != np.int64 or where.ndim > 1:
            raise DtypeError(
                f"{name}: expected an int64 tensor of at most 1 dimension, got {where.dtype} "
                f"of shape {where.shape}"
            )
        where = where.tolist()
    n = input.shape[axis]
    if isinstance(where, (tuple, list)):
        cuts = [slice(check_integer(i, name, "an index")).indices(n)[1] for i in where]
        bounds = zip([0, *cuts], [*cuts, n])
        return tuple([Narrow(axis, a, max(b - a, 0)).apply(input) for a, b in bounds])
    sections = check_integer(where, name, "the number of sections")
    if sections < 1:
        raise ShapeError(f"{name}: the number of sections must be positive, got {sections}")
    return _cut(input, axis, [n // sections + (i < n % sections) for i in range(sections)])


def unbind(input, dim=0):
    """The slices along axis `dim`, a tuple of views without that axis.

    >>> import minigrad as mg
    >>> mg.unbind(mg.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    if not check_tensor(input, "unbind").ndim:
        raise IndexError("unbind: a 0-d tensor has no axis to unbind")
    axis = check_dim(dim, input.ndim, "unbind")
    return tuple(
        [squeeze(Narrow(axis, i, 1).apply(input), axis) for i in range(input.shape[axis])]
    )
