"""What operations ask of their operands, before anything is recorded."""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.dtypes import float32, result_type
from minigrad.errors import ShapeError

if cython.compiled:
    from cython.cimports.minigrad._array import is_float
    from cython.cimports.minigrad.engine import Tensor, wrap
else:
    from minigrad._array import is_float
    from minigrad.engine import Tensor, wrap


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


def pair(x, y, name):
    """Both operands as Tensors of one dtype."""
    for value in (x, y):
        if not isinstance(value, (Tensor, float, int, np.ndarray, np.generic)):
            kind = type(value).__name__
            raise TypeError(f"{name}: expected a Tensor or a number, got {kind}")
    x, y = (Tensor(v) if isinstance(v, np.ndarray) else v for v in (x, y))
    x, y = (v.item() if isinstance(v, np.generic) else v for v in (x, y))
    dtype = result_type(*(v._array if isinstance(v, Tensor) else v for v in (x, y)))
    return tuple(v.to(dtype) if isinstance(v, Tensor) else Tensor(v, dtype) for v in (x, y))


def shapes_clash(name, *tensors):
    shapes = " and ".join(str(t.shape) for t in tensors)
    return ShapeError(f"{name}: shapes {shapes} do not broadcast")


def zeros_of(x):
    """A 0-d zero of x's dtype."""
    return wrap(np.zeros((), x.dtype))
