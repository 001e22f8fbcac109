"""Comparisons: bool tensors, outside the graph."""

import numpy as np

from minigrad.errors import DtypeError
from minigrad.ops.operands import numbers, pair, plain, result_of, shapes_clash, tensors
from minigrad.tensor import Tensor, wrap

__all__ = """
    eq ne lt le gt ge isnan isinf isfinite isclose allclose equal
""".split()


def _compare(function, name, input, other):
    if isinstance(input, Tensor):  # the common cases first
        if isinstance(other, Tensor):
            ready = input.dtype == other.dtype
        else:
            ready = type(other) in (float, int) and input.is_floating_point()
        if ready:
            try:
                return wrap(np.asarray(function(input._array, plain(other))))
            except ValueError:
                raise shapes_clash(name, input, other) from None
    (input,) = tensors(name, input=input)
    return result_of(name, function, *pair(input, other, name))


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


def isnan(input):
    """Whether each element is NaN, a bool tensor.

    >>> import minigrad as mg
    >>> mg.isnan(mg.tensor([1.0, float("nan")]))
    tensor([False,  True])
    """
    return result_of("isnan", np.isnan, *tensors("isnan", input=input))


def isinf(input):
    """Whether each element is +inf or -inf, a bool tensor.

    >>> import minigrad as mg
    >>> mg.isinf(mg.tensor([1.0, float("-inf")]))
    tensor([False,  True])
    """
    return result_of("isinf", np.isinf, *tensors("isinf", input=input))


def isfinite(input):
    """Whether each element is neither NaN nor infinite, a bool tensor.

    >>> import minigrad as mg
    >>> mg.isfinite(mg.tensor([1.0, float("nan")]))
    tensor([ True, False])
    """
    return result_of("isfinite", np.isfinite, *tensors("isfinite", input=input))


def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether |input - other| <= atol + rtol |other|, element by element, a bool tensor.

    Equal infinities are close; NaN is close to nothing or, with `equal_nan`, to NaN. Both tensors
    must have one dtype; `rtol` and `atol` must not be negative.

    >>> import minigrad as mg
    >>> mg.isclose(mg.tensor([1.0, 2.0]), mg.tensor([1.0 + 1e-7, 2.1]))
    tensor([ True, False])
    """
    return _close("isclose", input, other, rtol, atol, equal_nan)


def _close(name, input, other, rtol, atol, equal_nan):
    x, y = tensors(name, input=input, other=other)
    if x.dtype != y.dtype:
        raise DtypeError(f"{name}: expected one dtype, got {x.dtype} and {y.dtype}")
    numbers(name, rtol=rtol, atol=atol)
    for key, value in (("rtol", rtol), ("atol", atol)):
        if not value >= 0:
            raise ValueError(f"{name}: {key} must be at least 0, got {value}")
    if x.dtype.kind != "f":  # in float64, where integers do not wrap around
        x, y = x.double(), y.double()
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        raise shapes_clash(name, x, y) from None
    return result_of(
        name, lambda a, b: np.isclose(a, b, float(rtol), float(atol), equal_nan), x, y
    )


def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether `isclose` holds everywhere, a Python bool.

    >>> import minigrad as mg
    >>> mg.allclose(mg.tensor([1.0]), mg.tensor([1.0 + 1e-7]))
    True
    """
    return bool(_close("allclose", input, other, rtol, atol, equal_nan)._array.all())


def equal(input, other):
    """Whether both have the same shape and elements, a Python bool.

    >>> import minigrad as mg
    >>> mg.equal(mg.tensor([1, 2]), mg.tensor([1, 2]))
    True
    """
    x, y = tensors("equal", input=input, other=other)
    return bool(np.array_equal(x._array, y._array))
