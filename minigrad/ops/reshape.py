"""Another shape for the same elements, in the same row-major order; views where possible.

The rule keeps leading axes, so that a batch of cotangents passes through.
"""

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import ShapeError

if cython.compiled:
    from cython.cimports.minigrad._array import same_memory
    from cython.cimports.minigrad.engine import Unary
else:
    from minigrad._array import same_memory
    from minigrad.engine import Unary

from minigrad.ops.arguments import check_dim, check_dims, check_tensor, given_sizes, sizes_of

__all__ = """
    reshape view flatten ravel unflatten squeeze unsqueeze atleast_1d atleast_2d atleast_3d
""".split()
METHODS = ["reshape_as", "view_as"]


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


def reshape(input, *sizes, shape=None):
    """The same elements in another shape; a view where possible, else a copy.

    Parameters
    ----------
    sizes : ints, or a tuple as `shape`
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
    target = given_sizes(sizes, "reshape", shape)
    if target and min(target) < -1:  # NumPy would infer it
        _resolve(target, input.shape, "reshape")
    try:
        return Reshape(target).apply(input)
    except ValueError:
        return Reshape(_resolve(target, input.shape, "reshape")).apply(input)  # the error's words


def view(input, *sizes, size=None):
    """`reshape` that never copies: an error where the memory cannot be seen in that shape.

    >>> import minigrad as mg
    >>> mg.arange(4).view(2, 2).shape
    (2, 2)
    """
    check_tensor(input, "view")
    target = _resolve(given_sizes(sizes, "view", size), input.shape, "view")
    if not input.is_contiguous():
        try:
            input._array.view().reshape(target, copy=False)
        except ValueError:
            raise ShapeError(
                f"view: a tensor of shape {input.shape} with strides {input.stride()} cannot be "
                f"seen as {target} without a copy; use reshape"
            ) from None
    return Reshape(target).apply(input)


def reshape_as(input, other):
    """`reshape` to the shape of `other`.

    >>> import minigrad as mg
    >>> mg.arange(4).reshape_as(mg.zeros(2, 2)).shape
    (2, 2)
    """
    return reshape(input, check_tensor(other, "reshape_as").shape)


def view_as(input, other):
    """`view` in the shape of `other`.

    >>> import minigrad as mg
    >>> mg.arange(4).view_as(mg.zeros(2, 2)).shape
    (2, 2)
    """
    return view(input, check_tensor(other, "view_as").shape)


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


def ravel(input):
    """All elements along one axis.

    >>> import minigrad as mg
    >>> mg.ravel(mg.tensor([[1, 2], [3, 4]]))
    tensor([1, 2, 3, 4])
    """
    return reshape(check_tensor(input, "ravel"), (input.numel(),))


def unflatten(input, dim, sizes):
    """Axis `dim` cut into several, of these sizes; one may be -1.

    >>> import minigrad as mg
    >>> mg.unflatten(mg.zeros(2, 12), 1, (3, -1)).shape
    (2, 3, 4)
    """
    check_tensor(input, "unflatten")
    at = check_dim(dim, input.ndim, "unflatten") + (input.ndim or 1)
    sizes = sizes_of((sizes,) if isinstance(sizes, (tuple, list)) else sizes, "unflatten")
    if not sizes:
        raise ShapeError("unflatten: sizes must not be empty")
    shape = input.shape or (1,)
    sizes = _resolve(sizes, shape[at : at + 1], "unflatten")
    return Reshape(shape[:at] + sizes + shape[at + 1 :]).apply(input)


def squeeze(input, dim=None):
    """Axes of length 1 taken out: all of them, or those in `dim` (others are left alone).

    >>> import minigrad as mg
    >>> mg.squeeze(mg.zeros(1, 3, 1)).shape
    (3,)
    """
    check_tensor(input, "squeeze")
    shape = input.shape
    n = len(shape)
    drop = range(-n, 0) if dim is None else check_dims(dim, n, "squeeze")
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


# At least so many axes --------------------------------------------------------------------------


def _each(function, tensors):
    """`function` of one tensor, or of each of several, as ``f(x)``, ``f(x, y)``, ``f([x, y])``."""
    if len(tensors) == 1 and not isinstance(tensors[0], (tuple, list)):
        return function(tensors[0])
    tensors = tensors[0] if len(tensors) == 1 else tensors
    return tuple([function(x) for x in tensors])


def atleast_1d(*tensors):
    """0-d tensors as vectors of one element; others as they are.

    >>> import minigrad as mg
    >>> mg.atleast_1d(mg.tensor(1.0))
    tensor([1.])
    """

    def one(x):
        return x if check_tensor(x, "atleast_1d").ndim else reshape(x, (1,))

    return _each(one, tensors)


def atleast_2d(*tensors):
    """Vectors as matrices of one row; what has two axes or more as it is.

    >>> import minigrad as mg
    >>> mg.atleast_2d(mg.zeros(3)).shape
    (1, 3)
    """

    def two(x):
        n = check_tensor(x, "atleast_2d").ndim
        return x if n > 1 else reshape(x, (1, x.shape[0] if n else 1))

    return _each(two, tensors)


def atleast_3d(*tensors):
    """(N,) as (1, N, 1), (M, N) as (M, N, 1); what has three axes or more as it is.

    >>> import minigrad as mg
    >>> mg.atleast_3d(mg.zeros(3)).shape
    (1, 3, 1)
    """

    def three(x):
        n = check_tensor(x, "atleast_3d").ndim
        return unsqueeze(x, -1) if n == 2 else x if n > 2 else reshape(x, (1, x.numel(), 1))

    return _each(three, tensors)
