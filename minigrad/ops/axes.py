"""The order of the axes, and of the elements along them: transposed, flipped, rolled."""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import ShapeError

if cython.compiled:
    from cython.cimports.minigrad._array import ndim
    from cython.cimports.minigrad.engine import Tensor, Unary
else:
    from minigrad._array import ndim
    from minigrad.engine import Tensor, Unary

from minigrad.ops.arguments import (
    check_dim,
    check_dims,
    check_integer,
    check_tensor,
    given_sizes,
    sizes_of,
)
from minigrad.ops.reshape import reshape

__all__ = """
    permute transpose swapaxes swapdims t mT movedim moveaxis flip fliplr flipud roll
""".split()


@cython.cclass
class Permute(Unary):
    """y[i_p(0), i_p(1), …] = x[i_0, i_1, …]"""

    axes: tuple

    def __init__(self, axes):
        self.axes = axes  # negative

    @cython.ccall
    def forward(self, x):
        n = len(self.axes)
        lead = x.ndim - n
        self.makes_view()
        if lead == 0:
            return x.transpose(self.axes)
        return x.transpose(tuple(range(lead)) + tuple([a + x.ndim for a in self.axes]))

    @cython.ccall
    def backward(self, grad):
        n = len(self.axes)
        inverse = [0] * n
        for i, a in enumerate(self.axes):
            inverse[a + n] = i - n
        return Permute(tuple(inverse)).apply(grad)


def permute(input, *order, dims=None):
    """The axes in another order, given as ``permute(x, 1, 0)`` or ``permute(x, (1, 0))``; a view.

    Raises
    ------
    ShapeError
        The order does not name every axis once.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.permute(mg.zeros(2, 3, 4), (2, 0, 1)).shape
    (4, 2, 3)
    """
    check_tensor(input, "permute")
    dims = sizes_of(order, "permute") if dims is None else sizes_of((dims,), "permute")
    axes = tuple([check_dim(d, input.ndim, "permute") for d in dims])
    if len(set(axes)) != len(axes) or len(axes) != input.ndim:
        raise ShapeError(f"permute: {dims} is not an order of the {input.ndim} axes")
    return Permute(axes).apply(input)


@cython.cclass
class MatrixTranspose(Unary):
    """y = xᵀ, the last two axes exchanged: every product's rule asks for it"""

    @cython.ccall
    def forward(self, x):
        self._makes_view = True
        return x.T if ndim(x) == 2 else x.swapaxes(-1, -2)

    @cython.ccall
    def backward(self, grad):
        return MatrixTranspose.__new__(MatrixTranspose).apply(grad)


def transpose(input, dim0, dim1):
    """Two axes exchanged; a view.

    >>> import minigrad as mg
    >>> mg.transpose(mg.zeros(2, 3, 4), 0, 2).shape
    (4, 3, 2)
    """
    check_tensor(input, "transpose")
    n = input.ndim
    a, b = check_dim(dim0, n, "transpose"), check_dim(dim1, n, "transpose")
    if a + b == -3:
        return mT(input)
    axes = list(range(-n, 0))
    if n:
        axes[a], axes[b] = axes[b], axes[a]
    return Permute(tuple(axes)).apply(input)


def t(input):
    """The transpose of a matrix; a vector or scalar as it is.

    >>> import minigrad as mg
    >>> mg.t(mg.zeros(2, 3)).shape
    (3, 2)
    """
    if check_tensor(input, "t").ndim > 2:
        raise ShapeError(f"t: expected at most 2 dimensions, got shape {input.shape}; use .mT")
    return input if input.ndim < 2 else mT(input)


def mT(input):
    """The last two axes exchanged; a view.

    >>> import minigrad as mg
    >>> mg.zeros(5, 2, 3).mT.shape
    (5, 3, 2)
    """
    x: Tensor = check_tensor(input, "mT")
    if ndim(x._array) < 2:
        raise ShapeError(f"mT: expected at least 2 dimensions, got shape {input.shape}")
    return MatrixTranspose.__new__(MatrixTranspose).apply(input)


def swapaxes(input, axis0, axis1):
    """`transpose` by NumPy's name.

    >>> import minigrad as mg
    >>> mg.swapaxes(mg.zeros(2, 3, 4), 0, 2).shape
    (4, 3, 2)
    """
    return transpose(check_tensor(input, "swapaxes"), axis0, axis1)


def swapdims(input, dim0, dim1):
    """`transpose` by another name.

    >>> import minigrad as mg
    >>> mg.swapdims(mg.zeros(2, 3, 4), 0, 2).shape
    (4, 3, 2)
    """
    return transpose(check_tensor(input, "swapdims"), dim0, dim1)


def movedim(input, source, destination):
    """The axes `source` moved to the places `destination`, the others in order; a view.

    Parameters
    ----------
    source, destination : int or tuple of int

    Raises
    ------
    ShapeError
        An axis appears twice, or there are more of one than of the other.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.movedim(mg.zeros(2, 3, 4), 0, -1).shape
    (3, 4, 2)
    """
    n = check_tensor(input, "movedim").ndim
    source = check_dims(source, n, "movedim")
    destination = check_dims(destination, n, "movedim")
    if len(source) != len(destination):
        raise ShapeError(f"movedim: {len(source)} dims cannot move to {len(destination)} places")
    if not n:
        return Permute(()).apply(input)
    rest = iter([a for a in range(-n, 0) if a not in source])
    come = dict(zip(destination, source))
    return Permute(tuple([come[a] if a in come else next(rest) for a in range(-n, 0)])).apply(
        input
    )


def moveaxis(input, source, destination):
    """`movedim` by NumPy's name.

    >>> import minigrad as mg
    >>> mg.moveaxis(mg.zeros(2, 3, 4), 0, -1).shape
    (3, 4, 2)
    """
    return movedim(check_tensor(input, "moveaxis"), source, destination)


# Order of the elements --------------------------------------------------------------------------


@cython.cclass
class Flip(Unary):
    """y_i = x_{n-1-i} along some axes, copied"""

    axes: tuple

    def __init__(self, axes):
        self.axes = axes  # negative

    @cython.ccall
    def forward(self, x):
        return np.array(np.flip(x, self.axes), order="C")

    @cython.ccall
    def backward(self, grad):
        return Flip(self.axes).apply(grad)


def flip(input, *axes, dims=None):
    """The order of the elements reversed along these axes; a copy.

    >>> import minigrad as mg
    >>> mg.flip(mg.tensor([[1, 2], [3, 4]]), (0, 1))
    tensor([[4, 3],
            [2, 1]])
    """
    check_tensor(input, "flip")
    return Flip(check_dims(given_sizes(axes, "flip", dims), input.ndim, "flip")).apply(input)


def fliplr(input):
    """The columns of a matrix from right to left: `flip` along axis 1.

    >>> import minigrad as mg
    >>> mg.fliplr(mg.tensor([[1, 2], [3, 4]]))
    tensor([[2, 1],
            [4, 3]])
    """
    if check_tensor(input, "fliplr").ndim < 2:
        raise ShapeError(f"fliplr: expected at least 2 dimensions, got shape {input.shape}")
    return flip(input, 1)


def flipud(input):
    """The rows of a matrix from bottom to top: `flip` along axis 0.

    >>> import minigrad as mg
    >>> mg.flipud(mg.tensor([[1, 2], [3, 4]]))
    tensor([[3, 4],
            [1, 2]])
    """
    if check_tensor(input, "flipud").ndim < 1:
        raise ShapeError("flipud: expected at least 1 dimension, got a 0-d tensor")
    return flip(input, 0)


@cython.cclass
class Roll(Unary):
    """y_{(i + shift) mod n} = x_i along some axes"""

    shifts: tuple
    axes: tuple

    def __init__(self, shifts, axes):
        self.shifts, self.axes = shifts, axes  # axes are negative

    @cython.ccall
    def forward(self, x):
        return np.roll(x, self.shifts, self.axes)

    @cython.ccall
    def backward(self, grad):
        return Roll(tuple([-n for n in self.shifts]), self.axes).apply(grad)


def roll(input, shifts, dims=None):
    """Elements shifted along axes `dims`; those that fall off the end come in at the front.

    Parameters
    ----------
    shifts : int or tuple of int
    dims : int or tuple of int, optional
        Default: the tensor is rolled as if it were flattened.

    Raises
    ------
    ShapeError
        Not as many shifts as dims.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.roll(mg.arange(4), 1)
    tensor([3, 0, 1, 2])
    """
    check_tensor(input, "roll")
    shifts = shifts if isinstance(shifts, (tuple, list)) else (shifts,)
    shifts = tuple([check_integer(n, "roll", "a shift") for n in shifts])
    if not shifts:
        raise ShapeError("roll: expected at least one shift")
    if dims is None or dims == ():
        if len(shifts) > 1:
            raise ShapeError(f"roll: {len(shifts)} shifts need as many dims, got none")
        flat = Roll(shifts, (-1,)).apply(reshape(input, (input.numel(),)))
        return reshape(flat, input.shape)
    dims = tuple(dims) if isinstance(dims, (tuple, list)) else (dims,)
    if not input.ndim:
        raise IndexError(f"roll: dims {dims} are out of range for a 0-d tensor")
    axes = tuple([check_dim(d, input.ndim, "roll") for d in dims])
    if len(shifts) != len(axes):
        raise ShapeError(f"roll: {len(shifts)} shifts and {len(axes)} dims, expected as many")
    return Roll(shifts, axes).apply(input)
