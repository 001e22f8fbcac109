"""Comparisons and logic: bool tensors, outside the graph."""

import numpy as np

from minigrad.errors import DtypeError
from minigrad.ops.operands import pair, shapes_clash
from minigrad.tensor import Tensor, wrap

__all__ = """
    eq ne lt le gt ge logical_not logical_and logical_or logical_xor isnan isinf isfinite
    allclose equal
""".split()


def _compare(function, name, input, other):
    x, y = pair(input, other, name)
    try:
        return wrap(np.asarray(function(x._array, y._array)))
    except ValueError:
        raise shapes_clash(name, x, y) from None


def eq(input, other):
    """input == other, element by element, a bool tensor.

    >>> import minigrad as mg
    >>> mg.eq(mg.tensor([1, 2]), 2)
    tensor([False,  True])
    """
    return _compare(np.equal, "eq", input, other)


def ne(input, other):
    """input != other, element by element, a bool tensor.

    >>> import minigrad as mg
    >>> mg.ne(mg.tensor([1, 2]), 2)
    tensor([ True, False])
    """
    return _compare(np.not_equal, "ne", input, other)


def lt(input, other):
    """input < other, element by element, a bool tensor.

    >>> import minigrad as mg
    >>> mg.lt(mg.tensor([1, 2]), 2)
    tensor([ True, False])
    """
    return _compare(np.less, "lt", input, other)


def le(input, other):
    """input <= other, element by element, a bool tensor.

    >>> import minigrad as mg
    >>> mg.le(mg.tensor([1, 3]), 2)
    tensor([ True, False])
    """
    return _compare(np.less_equal, "le", input, other)


def gt(input, other):
    """input > other, element by element, a bool tensor.

    >>> import minigrad as mg
    >>> mg.gt(mg.tensor([1, 3]), 2)
    tensor([False,  True])
    """
    return _compare(np.greater, "gt", input, other)


def ge(input, other):
    """input >= other, element by element, a bool tensor.

    >>> import minigrad as mg
    >>> mg.ge(mg.tensor([1, 2]), 2)
    tensor([False,  True])
    """
    return _compare(np.greater_equal, "ge", input, other)


def logical_not(input):
    """not input, element by element (zero is False), a bool tensor.

    >>> import minigrad as mg
    >>> mg.logical_not(mg.tensor([True, False]))
    tensor([False,  True])
    """
    return wrap(np.asarray(np.logical_not(input._array)))


def _logic(function, name, input, other):
    for value in (input, other):
        if isinstance(value, Tensor) and value.dtype != np.bool_:
            raise DtypeError(f"{name}: expected bool tensors, got {value.dtype}")
    return _compare(function, name, input, other)


def logical_and(input, other):
    """input and other, for bool tensors.

    >>> import minigrad as mg
    >>> mg.logical_and(mg.tensor([True, False]), True)
    tensor([ True, False])
    """
    return _logic(np.logical_and, "logical_and", input, other)


def logical_or(input, other):
    """input or other, for bool tensors.

    >>> import minigrad as mg
    >>> mg.logical_or(mg.tensor([True, False]), True)
    tensor([ True,  True])
    """
    return _logic(np.logical_or, "logical_or", input, other)


def logical_xor(input, other):
    """Exactly one of input and other, for bool tensors.

    >>> import minigrad as mg
    >>> mg.logical_xor(mg.tensor([True, False]), True)
    tensor([False,  True])
    """
    return _logic(np.logical_xor, "logical_xor", input, other)


def isnan(input):
    """Whether each element is NaN, a bool tensor.

    >>> import minigrad as mg
    >>> mg.isnan(mg.tensor([1.0, float("nan")]))
    tensor([False,  True])
    """
    return wrap(np.asarray(np.isnan(input._array)))


def isinf(input):
    """Whether each element is +inf or -inf, a bool tensor.

    >>> import minigrad as mg
    >>> mg.isinf(mg.tensor([1.0, float("-inf")]))
    tensor([False,  True])
    """
    return wrap(np.asarray(np.isinf(input._array)))


def isfinite(input):
    """Whether each element is neither NaN nor infinite, a bool tensor.

    >>> import minigrad as mg
    >>> mg.isfinite(mg.tensor([1.0, float("nan")]))
    tensor([ True, False])
    """
    return wrap(np.asarray(np.isfinite(input._array)))


def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether |input - other| <= atol + rtol |other| everywhere, a Python bool.

    >>> import minigrad as mg
    >>> mg.allclose(mg.tensor([1.0]), mg.tensor([1.0 + 1e-7]))
    True
    """
    return bool(np.allclose(input._array, other._array, rtol, atol, equal_nan))


def equal(input, other):
    """Whether both have the same shape and elements, a Python bool.

    >>> import minigrad as mg
    >>> mg.equal(mg.tensor([1, 2]), mg.tensor([1, 2]))
    True
    """
    return bool(np.array_equal(input._array, other._array))
