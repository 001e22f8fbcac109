"""Elements repeated: seen many times (views without copies), or copied side by side."""

import math

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Tensor, Unary, wrap
else:
    from minigrad.engine import Tensor, Unary, wrap

from minigrad.ops.arguments import (
    check_dim,
    check_integer,
    check_tensor,
    given_sizes,
    same_dtypes,
    sizes_of,
)
from minigrad.ops.copy import clone
from minigrad.ops.places import take_along
from minigrad.ops.reshape import reshape

__all__ = """
    expand broadcast_to broadcast_tensors tile repeat_interleave meshgrid
""".split()
METHODS = ["repeat", "expand_as"]


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
        if math.prod(self.target) == x.size:
            return x.reshape(self.target)  # only new axes of length 1: no element is repeated
        return np.broadcast_to(x, self.target)

    @cython.ccall
    def backward(self, grad):
        return grad  # the engine sums what was repeated


def broadcast_to(input, size):
    """`input` repeated to `size` by the rules of broadcasting; a read-only view.

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
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"broadcast_to: size must be a tuple, got {type(size).__name__}")
    target = sizes_of((size,), "broadcast_to")
    try:
        return Expand(target).apply(input)
    except ValueError:
        raise ShapeError(f"broadcast_to: {input.shape} does not broadcast to {target}") from None


def expand(input, *sizes, size=None):
    """`broadcast_to` where -1 keeps an axis as it is.

    >>> import minigrad as mg
    >>> mg.zeros(3, 1).expand(-1, 4).shape
    (3, 4)
    """
    check_tensor(input, "expand")
    sizes = given_sizes(sizes, "expand", size)
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


def expand_as(input, other):
    """`expand` to the shape of `other`.

    >>> import minigrad as mg
    >>> mg.zeros(3).expand_as(mg.zeros(2, 3)).shape
    (2, 3)
    """
    return expand(check_tensor(input, "expand_as"), check_tensor(other, "expand_as").shape)


def broadcast_tensors(*tensors):
    """Tensors of one shape, that to which they all broadcast; views.

    >>> import minigrad as mg
    >>> [x.shape for x in mg.broadcast_tensors(mg.zeros(2, 1), mg.zeros(3))]
    [(2, 3), (2, 3)]
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tensors[0]
    shapes = [check_tensor(x, "broadcast_tensors").shape for x in tensors]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        joined = ", ".join(map(str, shapes))
        raise ShapeError(f"broadcast_tensors: shapes {joined} do not broadcast") from None
    return tuple([Expand(shape).apply(x) for x in tensors])


# Copied side by side ----------------------------------------------------------------------------


@cython.cclass
class Repeat(Unary):
    """y = x laid side by side, times[i] copies along axis i;  dx = the copies' gradients added"""

    times: tuple
    source: tuple

    def __init__(self, times):
        self.times = times

    @cython.ccall
    def forward(self, x):
        self.source = (1,) * (len(self.times) - x.ndim) + x.shape
        self._broadcasts = True  # in new axes in front
        return np.tile(x, self.times)

    @cython.ccall
    def backward(self, grad):
        lead = grad.shape[: grad.ndim - self.ndim]
        n = len(self.times)
        pairs = [size for pair in zip(self.times, self.source) for size in pair]
        if n:
            grad = reshape(grad, lead + tuple(pairs)).sum(tuple(range(-2 * n, 0, 2)))
        return grad


def repeat(input, *times, repeats=None):
    """`input` laid side by side, ``times[i]`` copies along axis i; new axes come in front.

    Raises
    ------
    ShapeError
        Fewer repeats than the tensor has axes, or a negative one.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    check_tensor(input, "repeat")
    times = given_sizes(times, "repeat", repeats)
    if len(times) < input.ndim:
        raise ShapeError(f"repeat: {times} has fewer axes than the tensor's shape {input.shape}")
    if times and min(times) < 0:
        raise ShapeError(f"repeat: repeats must not be negative, got {times}")
    try:
        return Repeat(times).apply(input)
    except ValueError:  # NumPy cannot count so many elements
        raise ShapeError(f"repeat: {times} copies of {input.shape} are too many") from None


def tile(input, *times, dims=None):
    """`repeat` where fewer numbers than axes stand for the last axes.

    >>> import minigrad as mg
    >>> mg.tile(mg.tensor([[1, 2], [3, 4]]), (2,))
    tensor([[1, 2, 1, 2],
            [3, 4, 3, 4]])
    """
    check_tensor(input, "tile")
    times = sizes_of(times if dims is None else (dims,), "tile")
    times = (1,) * (input.ndim - len(times)) + times
    return repeat(input, times) if times else clone(input)


def repeat_interleave(input, repeats=None, dim=None, *, output_size=None):
    """Each element repeated next to itself: the same number of times, or ``repeats[i]`` times.

    Parameters
    ----------
    repeats : int or integer Tensor
        Left out, `input` is taken for it, and the result says which element stands where.
    dim : int, optional
        Default: `input` is flattened.
    output_size : int, optional
        The length of the result along `dim`, checked.

    Raises
    ------
    ShapeError
        A negative number, or not as many as the axis has elements.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.repeat_interleave(mg.tensor([5, 6]), mg.tensor([1, 2]))
    tensor([5, 6, 6])
    """
    name = "repeat_interleave"
    check_tensor(input, name)
    if repeats is None:
        if input.ndim != 1:
            raise ShapeError(f"{name}: repeats must be a vector, got shape {input.shape}")
        return repeat_interleave(wrap(np.arange(len(input))), input, 0, output_size=output_size)
    if isinstance(repeats, Tensor):
        times = repeats._array
        if times.dtype.kind not in "iu":
            raise DtypeError(f"{name}: repeats must be integers, got {times.dtype}")
        if times.ndim > 1:
            raise ShapeError(f"{name}: repeats must be 0-d or 1-d, got shape {times.shape}")
    else:
        times = np.asarray(check_integer(repeats, name, "repeats"))
    if dim is None:
        input, dim = reshape(input, (input.numel(),)), 0
    axis = check_dim(dim, input.ndim, name)
    if not input.ndim:
        input = reshape(input, (1,))
    n = input.shape[axis]
    if times.size != 1 and times.size != n:
        raise ShapeError(f"{name}: {times.size} repeats for dim {dim} of length {n}")
    if times.size and times.min() < 0:
        raise ShapeError(f"{name}: repeats must not be negative, got {times.min()}")
    index = np.repeat(np.arange(n), times.reshape(-1))
    if output_size is not None and output_size != index.size:
        raise ShapeError(f"{name}: output_size is {index.size}, not {output_size}")
    return take_along(input, index, axis)


def meshgrid(*tensors, indexing="ij"):
    """Vectors as coordinates: tensor k of the result varies along axis k alone; views.

    Parameters
    ----------
    tensors : Tensors of at most one axis, of one dtype
    indexing : "ij" or "xy"
        "xy" exchanges the first two axes of the result, as plotting wants them.

    Raises
    ------
    ShapeError
        A tensor of more than one axis, or none.
    TypeError
        Different dtypes.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.meshgrid(mg.tensor([1, 2]), mg.tensor([3, 4, 5]))[0]
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tensors[0]
    if not tensors:
        raise ShapeError("meshgrid: expected at least one tensor")
    if indexing not in ("ij", "xy", None):
        raise ValueError(f'meshgrid: indexing must be "ij" or "xy", got {indexing!r}')
    same_dtypes("meshgrid", *[check_tensor(x, "meshgrid") for x in tensors])
    if any(x.ndim > 1 for x in tensors):
        shapes = ", ".join(str(x.shape) for x in tensors)
        raise ShapeError(f"meshgrid: expected vectors, got shapes {shapes}")
    places = list(range(len(tensors)))
    if indexing == "xy" and len(tensors) > 1:
        places[:2] = 1, 0
    shape = [0] * len(tensors)
    for x, k in zip(tensors, places):
        shape[k] = x.numel()
    along = [
        reshape(x, (x.numel(),) + (1,) * (len(shape) - 1 - k)) for x, k in zip(tensors, places)
    ]
    return tuple([Expand(tuple(shape)).apply(x) for x in along])
