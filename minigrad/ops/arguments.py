"""What operations of shape ask of their arguments, with errors that name the operation."""

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Tensor
else:
    from minigrad.engine import Tensor


LARGEST = 2**63 - 1


def check_tensor(x, name):
    """Raise a TypeError that names the operation unless `x` is a Tensor."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}: expected a Tensor, got {type(x).__name__}")
    return x


def check_tensors(tensors, name):
    """A sequence of Tensors as a list; a TypeError that names the operation if it is not one."""
    if not isinstance(tensors, (tuple, list)):
        kind = type(tensors).__name__
        raise TypeError(f"{name}: expected a tuple or list of Tensors, got {kind}")
    if not tensors:
        raise ShapeError(f"{name}: expected at least one tensor")
    return [check_tensor(x, name) for x in tensors]


def check_integer(value, name, what):
    """`value` as an int, of which bools are none; a TypeError that names it otherwise."""
    if not isinstance(value, bool) and hasattr(value, "__index__"):
        try:
            if not isinstance(value, Tensor) or value.dtype != "bool":
                number = value.__index__()
                if -LARGEST <= number <= LARGEST:
                    return number
        except (TypeError, ValueError):
            pass
    raise TypeError(f"{name}: {what} must be an integer of 64 bits, got {value!r}")


def check_dim(dim, ndim, name):
    """`dim` as a negative axis of a tensor of `ndim` axes (0-d counts as one axis)."""
    n = ndim or 1
    dim = dim if type(dim) is int else check_integer(dim, name, "dim")
    if not -n <= dim < n:
        raise IndexError(
            f"{name}: dim {dim} is out of range for {ndim} dimensions [{-n}, {n - 1}]"
        )
    return dim - n if dim >= 0 else dim


def check_dims(dims, ndim, name):
    """An int or a sequence of them as a tuple of different negative axes."""
    dims = dims if isinstance(dims, (tuple, list)) else (dims,)
    axes = tuple([check_dim(d, ndim, name) for d in dims])
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{name}: a dim appears twice in {tuple(dims)}")
    return axes


def sizes_of(shape, name):
    """The sizes ``f(2, 3)`` or ``f((2, 3))`` was given, as a tuple of ints."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = shape[0]
    return tuple(
        [
            n if type(n) is int and -1 <= n <= LARGEST else check_integer(n, name, "a size")
            for n in shape
        ]
    )


def given_sizes(sizes, name, keyword=None):
    """`sizes_of` what was given, in places or by keyword."""
    if keyword is not None and not sizes:
        sizes = (keyword if isinstance(keyword, (tuple, list)) else (keyword,),)
    if not sizes:
        raise TypeError(f"{name}: expected at least one size")
    return sizes_of(sizes, name)


def same_dtypes(name, *tensors):
    """Raise unless all tensors (None apart) have one dtype."""
    found = {x.dtype for x in tensors if x is not None}
    if len(found) > 1:
        raise DtypeError(f"{name}: expected one dtype, got {', '.join(sorted(map(str, found)))}")
