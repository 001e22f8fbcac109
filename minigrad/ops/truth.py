"""How many elements are true (not zero): some, all, a number. None carries a gradient."""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

if cython.compiled:
    from cython.cimports.minigrad.engine import wrap
else:
    from minigrad.engine import wrap

from minigrad.ops.reduce import axes_of, flags
from minigrad.ops.shape import check_tensor

__all__ = ["any", "all", "count_nonzero"]


def _truth(input, dim, keepdim, function, name):
    array = check_tensor(input, name)._array
    flags(name, keepdim=keepdim)
    # Here, and only here, PyTorch takes an empty tuple at its word: no axis at all.
    none = isinstance(dim, (tuple, list)) and not dim
    axes = () if none else axes_of(dim, array.ndim, name)
    found = np.asarray(function(array, axis=axes, keepdims=keepdim))
    return wrap(found.astype(np.uint8) if array.dtype == np.uint8 else found)


def any(input, dim=None, keepdim=False):
    """Whether some element is true (not zero), a bool tensor (uint8 for uint8, as in PyTorch).

    >>> import minigrad as mg
    >>> mg.any(mg.tensor([False, True]))
    tensor(True)
    """
    return _truth(input, dim, keepdim, np.any, "any")


def all(input, dim=None, keepdim=False):
    """Whether every element is true (not zero), a bool tensor (uint8 for uint8); of nothing: True.

    >>> import minigrad as mg
    >>> mg.all(mg.tensor([False, True]))
    tensor(False)
    """
    return _truth(input, dim, keepdim, np.all, "all")


def count_nonzero(input, dim=None):
    """Number of elements that are not zero, over axes or over all, int64. NaN counts.

    >>> import minigrad as mg
    >>> mg.count_nonzero(mg.tensor([[1, 0], [2, 3]]), 0)
    tensor([2, 1])
    """
    array = check_tensor(input, "count_nonzero")._array
    axes = axes_of(dim, array.ndim, "count_nonzero")
    return wrap(np.asarray(np.sum(array != 0, axes, np.int64)))
