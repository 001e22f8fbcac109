"""Copies, casts and changes of shape. Views share memory with their input, as in PyTorch.

Every rule here keeps leading axes, so that a batch of cotangents passes through.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.dtypes import as_dtype
from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad._array import ndim, same_memory
    from cython.cimports.minigrad.engine import Nary, Tensor, Unary
else:
    from minigrad._array import ndim, same_memory
    from minigrad.engine import Nary, Tensor, Unary

__all__ = """
    clone contiguous to reshape view flatten squeeze unsqueeze permute transpose t mT
    broadcast_to expand cat stack narrow split unbind
""".split()


def check_tensor(x, name):
    """Raise a TypeError that names the operation unless `x` is a Tensor."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}: expected a Tensor, got {type(x).__name__}")
    return x


def check_dim(dim, ndim, name):
    """`dim` as a negative axis of a tensor of `ndim` axes (0-d counts as one axis)."""
    n = ndim or 1
    if isinstance(dim, bool) or not hasattr(dim, "__index__"):
        raise TypeError(f"{name}: dim must be an integer, got {dim!r}")
    dim = dim.__index__()
    if not -n <= dim < n:
        raise IndexError(
            f"{name}: dim {dim} is out of range for {ndim} dimensions [{-n}, {n - 1}]"
        )
    return dim - n if dim >= 0 else dim


# Copies and casts -----------------------------------------------------------------------------


@cython.cclass
class Clone(Unary):
    """y = x, in memory of its own"""

    @cython.ccall
    def forward(self, x):
        return np.array(x, order="C")

    @cython.ccall
    def backward(self, grad):
        return grad


def clone(input):
    """A copy in memory of its own; the gradient passes through.

    >>> import minigrad as mg
    >>> x = mg.tensor([1.0]); y = mg.clone(x); y.zero_(); x
    tensor([0.])
    tensor([1.])
    """
    return Clone().apply(check_tensor(input, "clone"))


def contiguous(input):
    """The tensor itself if its elements lie in row-major order, else a copy that does.

    >>> import minigrad as mg
    >>> mg.zeros(2, 3).T.contiguous().is_contiguous()
    True
    """
    return input if input.is_contiguous() else clone(input)


@cython.cclass
class To(Unary):
    """y = x as another floating dtype"""

    dtype: object
    source: object

    def __init__(self, dtype):
        self.dtype = dtype

    @cython.ccall
    def forward(self, x):
        self.source = x.dtype
        return x.astype(self.dtype)

    @cython.ccall
    def backward(self, grad):
        return to(grad, self.source)


def to(input, dtype):
    """`input` as `dtype`; the tensor itself if it is that already.

    Between float32 and float64 the gradient is cast back; a cast to integers or bool leaves the
    graph.

    Raises
    ------
    TypeError
        A dtype that minigrad does not have.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.tensor([1.7, -1.7]).to(mg.int64)
    tensor([ 1, -1])
    """
    dtype = as_dtype(dtype)
    check_tensor(input, "to")
    if input.dtype == dtype:
        return input
    return To(dtype).apply(input if dtype.kind == "f" else input.detach())


# Reshape --------------------------------------------------------------------------------------


@cython.cclass
class Reshape(Unary):
    """y = x in another shape, row-major order kept"""

    target: tuple
    source: tuple

    def __init__(self, target):
        self.target = target

    @cython.ccall
    def forward(self, x):
        self.source = x.shape
        out = x.reshape(self.target)
        if same_memory(out, x):
            self.makes_view()
        return out

    @cython.ccall
    def backward(self, grad):
        lead = grad.shape[: grad.ndim - self.ndim]
        return Reshape(lead + self.source).apply(grad)


def _shape_of(shape, name):
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = shape[0]
    try:
        return tuple([n.__index__() for n in shape])
    except AttributeError:
        raise TypeError(f"{name}: sizes must be integers, got {tuple(shape)}") from None


def _resolve(shape, source, name):
    """`shape` with its -1 worked out; an error that names both where they cannot agree."""
    size = 1
    for n in source:
        size *= n
    known = 1
    unknown = 0
    for n in shape:
        if n == -1:
            unknown += 1
        elif n < 0:
            raise ShapeError(f"{name}: sizes must not be negative, got {shape}")
        else:
            known *= n
    if unknown > 1:
        raise ShapeError(f"{name}: only one size can be inferred, got {shape}")
    if unknown:
        if known == 0 or size % known:
            raise ShapeError(f"{name}: shape {source} ({size} elements) does not fit {shape}")
        return tuple([size // known if n == -1 else n for n in shape])
    if known != size:
        raise ShapeError(f"{name}: shape {source} ({size} elements) does not fit {shape}")
    return shape


def reshape(input, *shape):
    """The same elements in another shape; a view where possible, else a copy.

    Parameters
    ----------
    shape : ints or a tuple
        One size may be -1: it is inferred.

    Raises
    ------
    ShapeError
        The numbers of elements differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.reshape(mg.arange(6), (2, -1))
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    check_tensor(input, "reshape")
    target = _shape_of(shape, "reshape")
    if target and min(target) < -1:  # NumPy would infer it
        _resolve(target, input.shape, "reshape")
    try:
        return Reshape(target).apply(input)
    except ValueError:
        return Reshape(_resolve(target, input.shape, "reshape")).apply(input)  # the error's words


def view(input, *shape):
    """`reshape` that never copies: an error where the memory cannot be seen in that shape.

    >>> import minigrad as mg
    >>> mg.arange(4).view(2, 2).shape
    (2, 2)
    """
    check_tensor(input, "view")
    target = _resolve(_shape_of(shape, "view"), input.shape, "view")
    if not input.is_contiguous():
        try:
            input._array.view().reshape(target, copy=False)
        except ValueError:
            raise ShapeError(
                f"view: a tensor of shape {input.shape} with strides {input.stride()} cannot be "
                f"seen as {target} without a copy; use reshape"
            ) from None
    return Reshape(target).apply(input)


def flatten(input, start_dim=0, end_dim=-1):
    """Axes start_dim … end_dim joined into one.

    >>> import minigrad as mg
    >>> mg.flatten(mg.zeros(2, 3, 4), 1).shape
    (2, 12)
    """
    check_tensor(input, "flatten")
    shape = input.shape or (1,)
    first = check_dim(start_dim, input.ndim, "flatten") + len(shape)
    last = check_dim(end_dim, input.ndim, "flatten") + len(shape)
    if first > last:
        raise ShapeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    size = 1
    for n in shape[first : last + 1]:
        size *= n
    return Reshape(shape[:first] + (size,) + shape[last + 1 :]).apply(input)


def squeeze(input, dim=None):
    """Axes of length 1 taken out: all of them, or those in `dim` (others are left alone).

    >>> import minigrad as mg
    >>> mg.squeeze(mg.zeros(1, 3, 1)).shape
    (3,)
    """
    check_tensor(input, "squeeze")
    shape = input.shape
    n = len(shape)
    if dim is None:
        drop = {i - n for i in range(n)}
    else:
        dims = dim if isinstance(dim, (tuple, list)) else (dim,)
        drop = {check_dim(d, n, "squeeze") for d in dims}
    return Reshape(tuple([s for i, s in enumerate(shape) if s != 1 or i - n not in drop])).apply(
        input
    )


def unsqueeze(input, dim):
    """A new axis of length 1 at `dim`.

    >>> import minigrad as mg
    >>> mg.unsqueeze(mg.zeros(3), -1).shape
    (3, 1)
    """
    check_tensor(input, "unsqueeze")
    at = check_dim(dim, input.ndim + 1, "unsqueeze") + input.ndim + 1
    return Reshape(input.shape[:at] + (1,) + input.shape[at:]).apply(input)


# Order of the axes ----------------------------------------------------------------------------


@cython.cclass
class Permute(Unary):
    """y[i_p(0), i_p(1), …] = x[i_0, i_1, …]"""

    axes: tuple

    def __init__(self, axes):
        self.axes = axes  # negative

    @cython.ccall
    def forward(self, x):
        n = len(self.axes)
        lead = x.ndim - n
        self.makes_view()
        if lead == 0:
            return x.transpose(self.axes)
        return x.transpose(tuple(range(lead)) + tuple([a + x.ndim for a in self.axes]))

    @cython.ccall
    def backward(self, grad):
        n = len(self.axes)
        inverse = [0] * n
        for i, a in enumerate(self.axes):
            inverse[a + n] = i - n
        return Permute(tuple(inverse)).apply(grad)


def permute(input, *dims):
    """The axes in another order; a view.

    Raises
    ------
    ShapeError
        `dims` is not an order of all axes.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.permute(mg.zeros(2, 3, 4), (2, 0, 1)).shape
    (4, 2, 3)
    """
    check_tensor(input, "permute")
    dims = _shape_of(dims, "permute")
    axes = tuple([check_dim(d, input.ndim, "permute") for d in dims])
    if len(set(axes)) != len(axes) or len(axes) != input.ndim:
        raise ShapeError(f"permute: {dims} is not an order of the {input.ndim} axes")
    return Permute(axes).apply(input)


@cython.cclass
class MatrixTranspose(Unary):
    """y = xᵀ, the last two axes exchanged: every product's rule asks for it"""

    @cython.ccall
    def forward(self, x):
        self._makes_view = True
        return x.T if ndim(x) == 2 else x.swapaxes(-1, -2)

    @cython.ccall
    def backward(self, grad):
        return MatrixTranspose.__new__(MatrixTranspose).apply(grad)


def transpose(input, dim0, dim1):
    """Two axes exchanged; a view.

    >>> import minigrad as mg
    >>> mg.transpose(mg.zeros(2, 3, 4), 0, 2).shape
    (4, 3, 2)
    """
    check_tensor(input, "transpose")
    n = input.ndim
    a, b = check_dim(dim0, n, "transpose"), check_dim(dim1, n, "transpose")
    if a + b == -3:
        return mT(input)
    axes = list(range(-n, 0))
    if n:
        axes[a], axes[b] = axes[b], axes[a]
    return Permute(tuple(axes)).apply(input)


def t(input):
    """The transpose of a matrix; a vector or scalar as it is.

    >>> import minigrad as mg
    >>> mg.t(mg.zeros(2, 3)).shape
    (3, 2)
    """
    if check_tensor(input, "t").ndim > 2:
        raise ShapeError(f"t: expected at most 2 dimensions, got shape {input.shape}; use .mT")
    return input if input.ndim < 2 else mT(input)


def mT(input):
    """The last two axes exchanged; a view.

    >>> import minigrad as mg
    >>> mg.zeros(5, 2, 3).mT.shape
    (5, 3, 2)
    """
    x: Tensor = check_tensor(input, "mT")
    if ndim(x._array) < 2:
        raise ShapeError(f"mT: expected at least 2 dimensions, got shape {input.shape}")
    return MatrixTranspose.__new__(MatrixTranspose).apply(input)


# Broadcasting ---------------------------------------------------------------------------------


@cython.cclass
class Expand(Unary):
    """y = x repeated along axes of length 1 and new leading axes; a view without copies"""

    target: tuple

    def __init__(self, target):
        self.target = target

    @cython.ccall
    def forward(self, x):
        self._broadcasts = True
        self.makes_view()
        return np.broadcast_to(x, self.target)

    @cython.ccall
    def backward(self, grad):
        return grad  # the engine sums what was repeated


def broadcast_to(input, shape):
    """`input` repeated to `shape` by the rules of broadcasting; a read-only view.

    Raises
    ------
    ShapeError
        The shape does not broadcast to that.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.broadcast_to(mg.tensor([1.0, 2.0]), (2, 2))
    tensor([[1., 2.],
            [1., 2.]])
    """
    check_tensor(input, "broadcast_to")
    target = _shape_of((shape,) if isinstance(shape, (tuple, list)) else shape, "broadcast_to")
    try:
        return Expand(target).apply(input)
    except ValueError:
        raise ShapeError(f"broadcast_to: {input.shape} does not broadcast to {target}") from None


def expand(input, *sizes):
    """`broadcast_to` where -1 keeps an axis as it is.

    >>> import minigrad as mg
    >>> mg.zeros(3, 1).expand(-1, 4).shape
    (3, 4)
    """
    check_tensor(input, "expand")
    sizes = _shape_of(sizes, "expand")
    new = len(sizes) - input.ndim
    if new < 0:
        raise ShapeError(f"expand: {sizes} has fewer axes than the tensor's shape {input.shape}")
    if -1 in sizes[:new]:
        raise ShapeError(f"expand: -1 cannot stand for a new axis, got {sizes}")
    target = [input.shape[i - new] if i >= new and n == -1 else n for i, n in enumerate(sizes)]
    try:
        return Expand(tuple(target)).apply(input)
    except ValueError:
        raise ShapeError(f"expand: shape {input.shape} does not expand to {sizes}") from None


# Joining and cutting --------------------------------------------------------------------------


@cython.cclass
class Cat(Nary):
    """y = x_0 | x_1 | … along one axis"""

    axis: cython.int
    lengths: list

    def __init__(self, axis):
        self.axis = axis  # negative

    def forward(self, *arrays):
        self.lengths = [a.shape[self.axis] for a in arrays]
        return np.concatenate(arrays, axis=self.axis)

    @cython.ccall
    def backward(self, grad):
        parts = []
        start = 0
        for i, n in enumerate(self.lengths):
            parts.append(narrow(grad, self.axis, start, n) if self.needs_grad(i) else None)
            start += n
        return tuple(parts)


def cat(tensors, dim=0):
    """Tensors joined along an existing axis.

    Parameters
    ----------
    tensors : sequence of Tensor
        Same shape but for axis `dim`, same dtype after promotion. An empty 1-d tensor may stand
        among others, as in PyTorch.

    Raises
    ------
    ShapeError
        Shapes differ elsewhere, or the sequence is empty.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.cat([mg.ones(2), mg.zeros(1)])
    tensor([1., 1., 0.])
    """
    tensors = [check_tensor(x, "cat") for x in tensors]
    if not tensors:
        raise ShapeError("cat: expected at least one tensor")
    if any(not x.ndim for x in tensors):
        raise ShapeError("cat: 0-d tensors cannot be joined; use stack")
    full = [x for x in tensors if x.shape != (0,)]
    tensors = full or tensors[:1]
    axis = check_dim(dim, tensors[0].ndim, "cat")
    dtypes = {x.dtype for x in tensors}
    if len(dtypes) > 1:
        dtype = np.result_type(*[d for d in dtypes if d.kind == "f"] or dtypes)
        tensors = [to(x, dtype) for x in tensors]
    try:
        return Cat(axis).apply(*tensors)
    except (ValueError, IndexError):
        joined = ", ".join([str(x.shape) for x in tensors])
        raise ShapeError(f"cat: shapes {joined} differ outside dim {dim}") from None


def stack(tensors, dim=0):
    """Tensors of one shape joined along a new axis.

    >>> import minigrad as mg
    >>> mg.stack([mg.tensor(1.0), mg.tensor(2.0)])
    tensor([1., 2.])
    """
    tensors = [check_tensor(x, "stack") for x in tensors]
    if not tensors:
        raise ShapeError("stack: expected at least one tensor")
    if any(x.shape != tensors[0].shape for x in tensors):
        shapes = ", ".join(str(x.shape) for x in tensors)
        raise ShapeError(f"stack: all shapes must be equal, got {shapes}")
    at = check_dim(dim, tensors[0].ndim + 1, "stack")
    return cat([unsqueeze(x, at) for x in tensors], at)


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
    check_tensor(input, "narrow")
    axis = check_dim(dim, input.ndim, "narrow")
    n = input.shape[axis]
    start = start + n if start < 0 else start
    if length < 0 or not 0 <= start <= n - length:
        raise IndexError(f"narrow: [{start}, {start + length}) does not lie in dim {dim} of {n}")
    return Narrow(axis, start, length).apply(input)


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
    check_tensor(input, "split")
    if not input.ndim:
        raise ShapeError("split: a 0-d tensor cannot be split")
    axis = check_dim(dim, input.ndim, "split")
    n = input.shape[axis]
    if isinstance(split_size, int):
        if split_size < 0 or (split_size == 0 and n):
            raise ShapeError(f"split: split_size must be positive, got {split_size}")
        step = split_size or 1
        sizes = [min(step, n - i) for i in range(0, n, step)] or [0]
    else:
        sizes = list(split_size)
        if sum(sizes) != n or any(s < 0 for s in sizes):
            raise ShapeError(f"split: sizes {sizes} do not add up to {n}, the length of dim {dim}")
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return tuple([Narrow(axis, a, m).apply(input) for a, m in zip(starts, sizes)])


def unbind(input, dim=0):
    """The slices along axis `dim`, a tuple of views without that axis.

    >>> import minigrad as mg
    >>> mg.unbind(mg.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    check_tensor(input, "unbind")
    if not input.ndim:
        raise ShapeError("unbind: a 0-d tensor has no axis to unbind")
    axis = check_dim(dim, input.ndim, "unbind")
    return tuple(
        [squeeze(Narrow(axis, i, 1).apply(input), axis) for i in range(input.shape[axis])]
    )


def same_dtypes(name, *tensors):
    """Raise unless all tensors (None apart) have one dtype."""
    found = {x.dtype for x in tensors if x is not None}
    if len(found) > 1:
        raise DtypeError(f"{name}: expected one dtype, got {', '.join(sorted(map(str, found)))}")
