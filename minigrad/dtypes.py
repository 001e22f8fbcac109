"""Dtypes are NumPy's; how two of them meet is PyTorch's.

`float32` is the default: Python floats and lists become float32, NumPy arrays keep their dtype.
"""

import numpy as np

from minigrad.errors import DtypeError

bool_ = np.dtype(np.bool_)
uint8 = np.dtype(np.uint8)
int8 = np.dtype(np.int8)
int16 = np.dtype(np.int16)
int32 = np.dtype(np.int32)
int64 = np.dtype(np.int64)
float32 = np.dtype(np.float32)
float64 = np.dtype(np.float64)

SUPPORTED = (bool_, uint8, int8, int16, int32, int64, float32, float64)
_ALIASES = {bool: bool_, int: int64, float: float32, "float": float32, "double": float64}
_ALIASES |= {"int": int32, "long": int64, "bool": bool_}
_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2}


def as_dtype(dtype):
    """The NumPy dtype that `dtype` names; a clear error for those minigrad does not have.

    The Python types `float`, `int` and `bool` stand for float32, int64 and bool.

    >>> as_dtype(float), as_dtype("float64")
    (dtype('float32'), dtype('float64'))
    """
    if isinstance(dtype, np.dtype) and dtype in SUPPORTED:
        return dtype.newbyteorder("=") if not dtype.isnative else dtype
    try:
        found = _ALIASES[dtype] if dtype in _ALIASES else np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype: expected a dtype, got {dtype!r}") from None
    if found not in SUPPORTED:
        names = ", ".join(d.name for d in SUPPORTED)
        raise DtypeError(f"dtype {found} is not supported; minigrad has {names}")
    return found


def result_type(x, y):
    """Dtype of an operation on two arrays or Python numbers, by PyTorch's rules.

    The category (bool < integer < float) is the highest of the operands'; within it arrays of at
    least one dimension decide before 0-d arrays, and those before Python numbers.

    >>> result_type(np.zeros(3, np.float32), np.float64(1).reshape(()))
    dtype('float32')
    >>> result_type(np.zeros(3, np.int64), np.zeros(3, np.float32))
    dtype('float32')
    """
    ranked = []
    for operand in (x, y):
        if isinstance(operand, np.ndarray):
            ranked.append((1 if operand.ndim else 2, operand.dtype))
        else:
            ranked.append((3, as_dtype(type(operand))))
    (rank_x, dtype_x), (rank_y, dtype_y) = ranked
    category_x, category_y = _CATEGORY[dtype_x.kind], _CATEGORY[dtype_y.kind]
    if category_x != category_y:
        return dtype_x if category_x > category_y else dtype_y
    if rank_x != rank_y:
        return dtype_x if rank_x < rank_y else dtype_y
    return np.promote_types(dtype_x, dtype_y)
