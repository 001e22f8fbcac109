"""Elements by their places: the linear pair behind every index, mask and scatter.

    Take   y = x[i]          ↔  Scatter  y = 0, y[i] += x        along one axis, i of any shape
    Put    z = x, z[i] = y       with the rule that follows from both

Each is made of the others' rules, so any order of derivative is there at once. Indices are arrays
of integers, not negative; the axis is negative, so that leading axes pass through.
"""

import math

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

if cython.compiled:
    from cython.cimports.minigrad.engine import Binary, Unary, wrap
else:
    from minigrad.engine import Binary, Unary, wrap

from minigrad.ops.choice import where
from minigrad.ops.operands import zeros_of
from minigrad.ops.reshape import reshape

__all__ = []


@cython.cclass
class Take(Unary):
    """y[..., j, :] = x[..., i[j], :] along one axis; i may have any shape"""

    index: object
    size: cython.Py_ssize_t
    axis: cython.int
    unique: cython.bint

    def __init__(self, index, unique, axis=-1):
        self.index, self.unique, self.axis = index, unique, axis

    @cython.ccall
    def forward(self, x):
        self.size = x.shape[self.axis]
        out = x.take(self.index, self.axis)
        return out if self.index.ndim else np.asarray(out)

    @cython.ccall
    def backward(self, grad):
        return Scatter(self.index, self.size, self.unique, self.axis).apply(grad)


@cython.cclass
class Scatter(Unary):
    """y = 0, y[..., i[j], :] += x[..., j, :] along one axis"""

    index: object
    size: cython.Py_ssize_t
    axis: cython.int
    unique: cython.bint

    def __init__(self, index, size, unique, axis=-1):
        self.index, self.size, self.unique, self.axis = index, size, unique, axis

    @cython.ccall
    def forward(self, x):
        behind = x.ndim + 1 + self.axis  # where the axes behind the indexed one begin
        ahead = behind - self.index.ndim
        rest = x.shape[behind:]
        out = np.zeros(x.shape[:ahead] + (self.size,) + rest, x.dtype)
        if self.unique:
            out[(..., self.index) + (slice(None),) * len(rest)] = x
        elif out.size and x.size:
            index = self.index.reshape(-1)
            if rest:
                add_sorted(out.reshape(-1, self.size, math.prod(rest)), x, index)
            else:
                rows = out.reshape(-1, self.size)
                for row, values in zip(rows, x.reshape(len(rows), -1)):
                    np.add.at(row, index, values)
        return out

    @cython.ccall
    def backward(self, grad):
        return Take(self.index, self.unique, self.axis).apply(grad)


def add_sorted(out, x, index):
    """out[:, i[j], :] += x[:, j, :], one addition for all that falls into one place."""
    order = np.argsort(index, kind="stable")
    places = index[order]
    starts = np.flatnonzero(np.diff(places, prepend=-1))
    x = x.reshape(len(out), index.size, out.shape[2])
    out[:, places[starts]] = np.add.reduceat(x[:, order], starts, axis=1, dtype=x.dtype)


def take_along(x, index, axis, unique=False):
    """`x` at the places of the array `index` along a negative axis (each once, if `unique`)."""
    return Take(index, unique, axis).apply(x)


def take_flat(x, index, unique=False):
    """x.flatten()[index] for an array of flat positions (each once, if `unique`)."""
    return Take(index, unique).apply(reshape(x, (x.numel(),)))


def add_flat(x, index, values):
    """`x` with `values` added at flat positions, which may come more than once."""
    added = Scatter(index.reshape(-1), x.numel(), False).apply(reshape(values, (index.size,)))
    return x + reshape(added, x.shape)


def put_flat(x, index, values):
    """`x` with `values` at flat positions; of several for one place the last stays."""
    put = Put(index.reshape(-1)).apply(reshape(x, (x.numel(),)), reshape(values, (index.size,)))
    return reshape(put, x.shape)


@cython.cclass
class Put(Binary):
    """z = x, z[..., i[j]] = y[..., j]; of several values for one place the last stays"""

    index: object
    lasts: object

    def __init__(self, index):
        self.index = index

    @cython.ccall
    def forward(self, x, y):
        writer = np.full(x.shape[-1], -1)
        writer[self.index] = np.arange(self.index.size)
        self.lasts = writer[self.index] == np.arange(self.index.size)
        out = x.copy()
        out[..., self.index] = y
        return out

    @cython.ccall
    def backward(self, grad):
        written = np.zeros(grad.shape[-1], bool)
        written[self.index] = True
        dx = dy = None
        if self.needs_grad(0):
            dx = where(wrap(written), zeros_of(grad), grad)
        if self.needs_grad(1):
            dy = where(wrap(self.lasts), Take(self.index, False).apply(grad), zeros_of(grad))
        return dx, dy
