"""Diagonals and triangles of matrices: the last two axes, or any two.

    Diagonal  y[i] = x[i, i + offset]      ↔  OnDiagonal  y = 0, y[i, i + offset] = x[i]
    Triangle  y = x, 0 above or below a diagonal: its own adjoint

Each is the backward of the other, so any order of derivative is there at once.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Unary, wrap
else:
    from minigrad.engine import Unary, wrap

from minigrad.ops.arguments import check_dim, check_integer, check_tensor
from minigrad.ops.axes import movedim
from minigrad.ops.copy import clone
from minigrad.ops.reshape import reshape

__all__ = """
    diagonal diag diag_embed diagflat tril triu tril_indices triu_indices
""".split()


def _diagonal_of(x, offset):
    """The diagonal of an array's last two axes: a view, empty where it lies outside."""
    m, n = x.shape[-2:]
    row, column = max(-offset, 0), max(offset, 0)
    k = max(min(m - row, n - column), 0)
    row, column = min(row, m), min(column, n)
    return np.einsum("...ii->...i", x[..., row : row + k, column : column + k])


@cython.cclass
class Diagonal(Unary):
    """y[..., i] = x[..., i, i + offset], a view"""

    offset: cython.Py_ssize_t
    rows: cython.Py_ssize_t
    columns: cython.Py_ssize_t

    def __init__(self, offset):
        self.offset = offset

    @cython.ccall
    def forward(self, x):
        self.rows, self.columns = x.shape[-2:]
        self.makes_view()
        return _diagonal_of(x, self.offset)

    @cython.ccall
    def backward(self, grad):
        return OnDiagonal(self.offset, self.rows, self.columns).apply(grad)


@cython.cclass
class OnDiagonal(Unary):
    """y = 0, y[..., i, i + offset] = x[..., i]"""

    offset: cython.Py_ssize_t
    rows: cython.Py_ssize_t
    columns: cython.Py_ssize_t

    def __init__(self, offset, rows, columns):
        self.offset, self.rows, self.columns = offset, rows, columns

    @cython.ccall
    def forward(self, x):
        out = np.zeros(x.shape[:-1] + (self.rows, self.columns), x.dtype)
        _diagonal_of(out, self.offset)[...] = x
        return out

    @cython.ccall
    def backward(self, grad):
        return Diagonal(self.offset).apply(grad)


def _two_dims(dim1, dim2, ndim, name):
    a, b = check_dim(dim1, ndim, name), check_dim(dim2, ndim, name)
    if a == b:
        raise ShapeError(f"{name}: dim1 and dim2 are the same axis, {dim1} and {dim2}")
    return a, b


def diagonal(input, offset=0, dim1=0, dim2=1):
    """The diagonal of axes `dim1` and `dim2`, as the last axis of the result; a view.

    Parameters
    ----------
    offset : int
        So many places above the main diagonal (below, if negative).

    Raises
    ------
    ShapeError
        `dim1` and `dim2` are the same axis.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.diagonal(mg.tensor([[1, 2, 3], [4, 5, 6]]), 1)
    tensor([2, 6])
    """
    check_tensor(input, "diagonal")
    offset = check_integer(offset, "diagonal", "offset")
    axes = _two_dims(dim1, dim2, input.ndim, "diagonal")
    return Diagonal(offset).apply(input if axes == (-2, -1) else movedim(input, axes, (-2, -1)))


def diag_embed(input, offset=0, dim1=-2, dim2=-1):
    """Matrices of zeros with the last axis of `input` on a diagonal.

    Parameters
    ----------
    offset : int
        So many places above the main diagonal (below, if negative).
    dim1, dim2 : int
        The axes of the result that the matrices lie in.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.diag_embed(mg.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    check_tensor(input, "diag_embed")
    offset = check_integer(offset, "diag_embed", "offset")
    axes = _two_dims(dim1, dim2, input.ndim + 1, "diag_embed")
    if not input.ndim:
        raise ShapeError("diag_embed: expected at least 1 dimension, got a 0-d tensor")
    n = input.shape[-1] + abs(offset)
    out = OnDiagonal(offset, n, n).apply(input)
    return out if axes == (-2, -1) else movedim(out, (-2, -1), axes)


def diag(input, diagonal=0):
    """The matrix with a vector on its diagonal; of a matrix, a copy of its diagonal.

    >>> import minigrad as mg
    >>> mg.diag(mg.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    check_tensor(input, "diag")
    offset = check_integer(diagonal, "diag", "diagonal")
    if input.ndim == 1:
        return diag_embed(input, offset)
    if input.ndim != 2:
        raise ShapeError(f"diag: expected a vector or a matrix, got shape {input.shape}")
    return clone(Diagonal(offset).apply(input))


def diagflat(input, offset=0):
    """The matrix with all elements of `input` on its diagonal.

    >>> import minigrad as mg
    >>> mg.diagflat(mg.tensor([[1], [2]]))
    tensor([[1, 0],
            [0, 2]])
    """
    return diag_embed(reshape(check_tensor(input, "diagflat"), (input.numel(),)), offset)


# Triangles --------------------------------------------------------------------------------------


@cython.cclass
class Triangle(Unary):
    """y = x on and below (or above) a diagonal of the last two axes, else 0"""

    diagonal: cython.Py_ssize_t
    upper: cython.bint

    def __init__(self, diagonal, upper):
        self.diagonal, self.upper = diagonal, upper

    @cython.ccall
    def forward(self, x):
        return np.triu(x, self.diagonal) if self.upper else np.tril(x, self.diagonal)

    @cython.ccall
    def backward(self, grad):
        return Triangle(self.diagonal, self.upper).apply(grad)


def _triangle(input, diagonal, upper, name):
    if check_tensor(input, name).ndim < 2:
        raise ShapeError(f"{name}: expected at least 2 dimensions, got shape {input.shape}")
    return Triangle(check_integer(diagonal, name, "diagonal"), upper).apply(input)


def tril(input, diagonal=0):
    """The lower triangle of each matrix, up to and with this diagonal; 0 elsewhere.

    >>> import minigrad as mg
    >>> mg.tril(mg.ones(2, 2))
    tensor([[1., 0.],
            [1., 1.]])
    """
    return _triangle(input, diagonal, False, "tril")


def triu(input, diagonal=0):
    """The upper triangle of each matrix, from this diagonal on; 0 elsewhere.

    >>> import minigrad as mg
    >>> mg.triu(mg.ones(2, 2))
    tensor([[1., 1.],
            [0., 1.]])
    """
    return _triangle(input, diagonal, True, "triu")


def _indices(row, col, offset, upper, name):
    row, col = check_integer(row, name, "row"), check_integer(col, name, "col")
    if row < 0 or col < 0:
        raise ValueError(f"{name}: row and col must not be negative, got {row} and {col}")
    offset = check_integer(offset, name, "offset")
    found = np.triu_indices(row, offset, col) if upper else np.tril_indices(row, offset, col)
    return wrap(np.stack(found).astype(np.int64))


def tril_indices(row, col, offset=0):
    """Rows and columns of the lower triangle of a `row` by `col` matrix, (2, N), int64.

    >>> import minigrad as mg
    >>> mg.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    return _indices(row, col, offset, False, "tril_indices")


def triu_indices(row, col, offset=0):
    """Rows and columns of the upper triangle of a `row` by `col` matrix, (2, N), int64.

    >>> import minigrad as mg
    >>> mg.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    return _indices(row, col, offset, True, "triu_indices")
