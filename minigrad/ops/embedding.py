"""Embedding: rows of a table, picked by index, and the gradient added back into the table.

    TakeRows  y[j] = w[i[j]]           ↔  AddRows  w = 0, w[i[j]] += y[j]

Each is the other's backward, so any order of derivative is there at once.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError, InplaceError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Unary, wrap
    from cython.cimports.minigrad.kernels import embedding as fast
else:
    from minigrad import kernels as fast
    from minigrad.engine import Unary, wrap

from minigrad.ops.operands import numbers
from minigrad.ops.shape import check_tensor

__all__ = ["embedding"]


@cython.cclass
class Embedding(Unary):
    """y[..., j, :] = w[..., i[j], :];  dw is that of `TakeRows`, but 0 in row `padding`, and of
    each row divided by how often it was picked, if `by_frequency`"""

    index: object
    rows: cython.Py_ssize_t
    padding: cython.Py_ssize_t  # -1: none
    by_frequency: cython.bint

    def __init__(self, index, padding, by_frequency):
        self.index, self.padding, self.by_frequency = index, padding, by_frequency

    @cython.ccall
    def forward(self, x):
        self.rows = x.shape[-2]
        return fast.embedding(x, self.index, -1)

    @cython.ccall
    def backward(self, grad):
        if self.by_frequency:
            times = np.bincount(self.index.reshape(-1), minlength=self.rows)
            share = 1.0 / times[self.index]
            grad = grad * wrap(share[..., None].astype(grad.dtype))
        return AddRows(self.index, self.rows, self.padding).apply(grad)


@cython.cclass
class AddRows(Unary):
    """w = 0, w[..., i[j], :] += y[..., j, :], but where i[j] = skip"""

    index: object
    rows: cython.Py_ssize_t
    skip: cython.Py_ssize_t

    def __init__(self, index, rows, skip):
        self.index, self.rows, self.skip = index, rows, skip

    @cython.ccall
    def forward(self, x):
        return fast.embedding_backward(x, self.index, self.rows, self.skip)

    @cython.ccall
    def backward(self, grad):
        return TakeRows(self.index, self.skip).apply(grad)


@cython.cclass
class TakeRows(Unary):
    """y[..., j, :] = w[..., i[j], :], and 0 where i[j] = skip"""

    index: object
    rows: cython.Py_ssize_t
    skip: cython.Py_ssize_t

    def __init__(self, index, skip):
        self.index, self.skip = index, skip

    @cython.ccall
    def forward(self, x):
        self.rows = x.shape[-2]
        return fast.embedding(x, self.index, self.skip)

    @cython.ccall
    def backward(self, grad):
        return AddRows(self.index, self.rows, self.skip).apply(grad)


def embedding(
    input,
    weight,
    padding_idx=None,
    max_norm=None,
    norm_type=2.0,
    scale_grad_by_freq=False,
    sparse=False,
):
    """Rows of a table: y[..., :] = weight[input[...], :].

    Parameters
    ----------
    input : Tensor of integers, (*)
        Row numbers, from 0 to V - 1.
    weight : Tensor, (V, D)
    padding_idx : int, optional
        The row that receives no gradient; a negative one counts from the end.
    max_norm : float, optional
        Rows that are picked and whose norm is larger are first scaled down to it, in `weight`
        itself, in place and outside of the graph.
    norm_type : float
        Exponent of that norm.
    scale_grad_by_freq : bool
        Divide the gradient of each row by the number of times `input` names it.
    sparse : bool
        Without effect: gradients are dense.

    Returns
    -------
    Tensor, (*, D)
        The gradient of `weight` is the sum of the cotangents of the rows' copies.

    Raises
    ------
    IndexError
        A row number outside of [0, V): negative ones too, as in PyTorch.
    DtypeError
        `input` is not of integers.
    ShapeError
        `weight` is not a matrix.
    ValueError
        `padding_idx` is not a row.

    Examples
    --------
    >>> import minigrad as mg
    >>> table = mg.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    >>> mg.nn.functional.embedding(mg.tensor([2, 0, 2]), table)
    tensor([[4., 5.],
            [0., 1.],
            [4., 5.]])
    """
    name = "embedding"
    index = check_tensor(input, name)
    table = check_tensor(weight, name)
    if index.dtype.kind not in "iu":
        raise DtypeError(f"{name}: input must be integers, got {index.dtype}")
    if table.ndim != 2:
        raise ShapeError(f"{name}: expected a weight (V, D), got shape {table.shape}")
    padding = padding_row(name, padding_idx, table.shape[0])
    picked = index._array
    if max_norm is not None:
        shorten_rows(name, table, picked, max_norm, norm_type)
    if table.dtype.kind != "f":
        check_rows(name, picked, table.shape[0])
        return wrap(table._array[picked])
    if table.requires_grad and picked.size:
        picked = picked.copy()  # the rule reads it again: it must not change until then
    return Embedding(picked, padding, scale_grad_by_freq).apply(table)


def shorten_rows(name, table, picked, max_norm, norm_type):
    """Scale the picked rows of the table that are longer than `max_norm` to it, in place."""
    if table.dtype.kind != "f":
        raise DtypeError(f"{name}: max_norm needs a floating weight, got {table.dtype}")
    numbers(name, max_norm=max_norm, norm_type=norm_type)
    check_rows(name, picked, table.shape[0])
    if not table._array.flags.writeable:
        raise InplaceError(f"{name}: max_norm changes the weight, whose memory is read-only")
    rows = np.unique(picked)
    values = table._array[rows]
    norms = np.linalg.norm(values.astype(np.float64), norm_type, axis=1)
    long = norms > max_norm
    if long.any():
        shorter = values[long] * (max_norm / (norms[long] + 1e-7))[:, None]
        table._array[rows[long]] = shorter
        table._bump(name)


def check_rows(name, picked, rows):
    """Raise unless all row numbers lie in [0, rows)."""
    if picked.size and not (picked.min() >= 0 and picked.max() < rows):
        wrong = picked[(picked < 0) | (picked >= rows)].flat[0]
        raise IndexError(f"{name}: row numbers must lie in [0, {rows}), got {wrong}")


def padding_row(name, padding_idx, rows):
    """`padding_idx` as a row of the table, -1 for None."""
    if padding_idx is None:
        return -1
    if isinstance(padding_idx, bool) or not hasattr(padding_idx, "__index__"):
        raise TypeError(f"{name}: padding_idx must be an integer, got {padding_idx!r}")
    if not -rows <= padding_idx < rows:
        raise ValueError(
            f"{name}: padding_idx must lie in [-{rows}, {rows}) for {rows} rows, got {padding_idx}"
        )
    return padding_idx % rows
