"""What operations ask of their operands, before anything is recorded."""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.dtypes import float32, result_type
from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad._array import is_float
    from cython.cimports.minigrad.engine import Tensor, wrap
else:
    from minigrad._array import is_float
    from minigrad.engine import Tensor, wrap

NUMBERS = (float, int, np.floating, np.integer, np.bool_)


@cython.ccall
def floating(x: object) -> object:
    """`x` as a floating tensor: integers and bools become float32, as in PyTorch."""
    if isinstance(x, Tensor):
        t: Tensor = x
        if not is_float(t._array):
            return t.to(float32)
    elif isinstance(x, np.ndarray):
        return floating(Tensor(x))
    return x


@cython.ccall
def is_floating(x: object) -> cython.bint:
    """Whether an operand, Tensor or number, is floating."""
    if isinstance(x, Tensor):
        t: Tensor = x
        return is_float(t._array)
    return type(x) is float


def fits(number, dtype):
    """Whether an integer is one of `dtype`, an integer dtype."""
    return np.iinfo(dtype).min <= number <= np.iinfo(dtype).max


def plain(x):
    """The array of a Tensor, a number as it is: for masks and constants of a rule."""
    return x._array if isinstance(x, Tensor) else x


def quiet(ufunc, *arrays):
    """`ufunc` of arrays as an ndarray; NaN and Inf are values like others, without a warning."""
    with np.errstate(all="ignore"):
        return np.asarray(ufunc(*arrays))


def tensors(name, **operands):
    """The operands, all of which must be Tensors: numbers are refused, as in PyTorch."""
    for key, value in operands.items():
        if not isinstance(value, (Tensor, np.ndarray)):
            raise TypeError(f"{name}: {key} must be a Tensor, got {type(value).__name__}")
    return tuple(Tensor(v) if isinstance(v, np.ndarray) else v for v in operands.values())


def numbers(name, **options):
    """Refuse options, such as eps, that are not plain numbers."""
    for key, value in options.items():
        if not isinstance(value, NUMBERS):
            raise TypeError(f"{name}: {key} must be a number, got {value!r}")


def some_tensor(name, x, y):
    """Refuse two numbers: at least one operand must be a Tensor."""
    if isinstance(x, NUMBERS) and isinstance(y, NUMBERS):
        raise TypeError(f"{name}: expected a Tensor, got two numbers, {x!r} and {y!r}")


def pair(x, y, name):
    """Both operands as Tensors of one dtype."""
    for value in (x, y):
        if not isinstance(value, (Tensor, np.ndarray, *NUMBERS)):
            kind = type(value).__name__
            raise TypeError(f"{name}: expected a Tensor or a number, got {kind}")
    x, y = (Tensor(v) if isinstance(v, np.ndarray) else v for v in (x, y))
    x, y = (v.item() if isinstance(v, np.generic) else v for v in (x, y))
    dtype = result_type(*(v._array if isinstance(v, Tensor) else v for v in (x, y)))
    return tuple(v.to(dtype) if isinstance(v, Tensor) else Tensor(v, dtype) for v in (x, y))


def result_of(name, function, *operands):
    """`function` of the operands' arrays as a Tensor outside the graph: comparisons, logic."""
    try:
        return wrap(quiet(function, *[x._array for x in operands]))
    except ValueError:
        raise shapes_clash(name, *operands) from None


def refuse_bool(name, *arrays):
    """Refuse bool arrays in an operation that has no meaning for truth values."""
    for a in arrays:
        if isinstance(a, np.ndarray) and a.dtype == np.bool_:
            raise DtypeError(f"{name}: not for bool tensors; convert one with .to(mg.uint8)")


def shapes_clash(name, *tensors):
    shapes = " and ".join(str(t.shape) for t in tensors)
    return ShapeError(f"{name}: shapes {shapes} do not broadcast")


def zeros_of(x):
    """A 0-d zero of x's dtype."""
    return wrap(np.zeros((), x.dtype))


def no_slope(grad):
    """The gradient of what is piecewise constant: zeros like `grad`, whatever it holds."""
    return wrap(np.zeros(grad.shape, grad.dtype))


def some_float(name, x, y):
    """Refuse two tensors of integers or bools."""
    if x.dtype.kind != "f" and y.dtype.kind != "f":
        raise DtypeError(f"{name}: expected floating tensors, got {x.dtype} and {y.dtype}")
