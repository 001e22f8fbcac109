"""Logic: truth values of any dtype (logical_*), and bits of bools and integers (bitwise_*)."""

import numpy as np

from minigrad.errors import DtypeError
from minigrad.ops.operands import pair, result_of, some_tensor, tensors

__all__ = """
    logical_not logical_and logical_or logical_xor bitwise_not bitwise_and bitwise_or bitwise_xor
""".split()


def logical_not(input):
    """Whether each element is zero, a bool tensor.

    >>> import minigrad as mg
    >>> mg.logical_not(mg.tensor([0.0, 2.0]))
    tensor([ True, False])
    """
    return result_of("logical_not", np.logical_not, *tensors("logical_not", input=input))


def _logical(name, function, input, other):
    return result_of(name, function, *tensors(name, input=input, other=other))


def logical_and(input, other):
    """Whether both elements are other than zero, a bool tensor.

    >>> import minigrad as mg
    >>> mg.logical_and(mg.tensor([1.0, 2.0]), mg.tensor([0, 3]))
    tensor([False,  True])
    """
    return _logical("logical_and", np.logical_and, input, other)


def logical_or(input, other):
    """Whether one element or both are other than zero, a bool tensor.

    >>> import minigrad as mg
    >>> mg.logical_or(mg.tensor([0.0, 2.0]), mg.tensor([0, 3]))
    tensor([False,  True])
    """
    return _logical("logical_or", np.logical_or, input, other)


def logical_xor(input, other):
    """Whether exactly one element is other than zero, a bool tensor.

    >>> import minigrad as mg
    >>> mg.logical_xor(mg.tensor([1.0, 2.0]), mg.tensor([0, 3]))
    tensor([ True, False])
    """
    return _logical("logical_xor", np.logical_xor, input, other)


# Bits --------------------------------------------------------------------------------------------


def _refuse_floats(name, *operands):
    for x in operands:
        if x.dtype.kind == "f":
            raise DtypeError(f"{name}: expected bools or integers, got {x.dtype}")


def bitwise_not(input):
    """Every bit turned; of bools, not. Python's ``~``.

    >>> import minigrad as mg
    >>> mg.bitwise_not(mg.tensor([True, False])), mg.bitwise_not(mg.tensor([5]))
    (tensor([False,  True]), tensor([-6]))
    """
    (input,) = tensors("bitwise_not", input=input)
    _refuse_floats("bitwise_not", input)
    return result_of("bitwise_not", np.invert, input)


def _bitwise(name, function, input, other):
    some_tensor(name, input, other)
    x, y = pair(input, other, name)
    _refuse_floats(name, x, y)
    return result_of(name, function, x, y)


def bitwise_and(input, other):
    """The bits that both have; of bools, and. Python's ``&``.

    >>> import minigrad as mg
    >>> mg.bitwise_and(mg.tensor([12, 5]), 6)
    tensor([4, 4])
    """
    return _bitwise("bitwise_and", np.bitwise_and, input, other)


def bitwise_or(input, other):
    """The bits that one or both have; of bools, or. Python's ``|``.

    >>> import minigrad as mg
    >>> mg.bitwise_or(mg.tensor([12, 5]), 6)
    tensor([14,  7])
    """
    return _bitwise("bitwise_or", np.bitwise_or, input, other)


def bitwise_xor(input, other):
    """The bits that exactly one has; of bools, exclusive or. Python's ``^``.

    >>> import minigrad as mg
    >>> mg.bitwise_xor(mg.tensor([12, 5]), 6)
    tensor([10,  3])
    """
    return _bitwise("bitwise_xor", np.bitwise_xor, input, other)
