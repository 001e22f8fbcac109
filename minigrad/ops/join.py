"""Tensors joined into one, along an axis that exists or a new one."""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Nary
else:
    from minigrad.engine import Nary

from minigrad.ops.arguments import check_dim, check_tensors
from minigrad.ops.copy import to
from minigrad.ops.pieces import narrow
from minigrad.ops.reshape import atleast_1d, atleast_2d, atleast_3d, unsqueeze

__all__ = "cat concat concatenate stack hstack vstack dstack".split()


@cython.cclass
class Cat(Nary):
    """y = x_0 | x_1 | … along one axis"""

    axis: cython.int
    lengths: list

    def __init__(self, axis):
        self.axis = axis  # negative

    def forward(self, *arrays):
        self.lengths = [a.shape[self.axis] for a in arrays]
        return np.concatenate(arrays, axis=self.axis)

    @cython.ccall
    def backward(self, grad):
        parts = []
        start = 0
        for i, n in enumerate(self.lengths):
            parts.append(narrow(grad, self.axis, start, n) if self.needs_grad(i) else None)
            start += n
        return tuple(parts)


def cat(tensors, dim=0):
    """Tensors joined along an existing axis.

    Parameters
    ----------
    tensors : sequence of Tensor
        Same shape but for axis `dim`, same dtype after promotion. An empty 1-d tensor may stand
        among others, as in PyTorch.

    Raises
    ------
    ShapeError
        Shapes differ elsewhere, or the sequence is empty.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.cat([mg.ones(2), mg.zeros(1)])
    tensor([1., 1., 0.])
    """
    tensors = check_tensors(tensors, "cat")
    dtypes = {x.dtype for x in tensors}
    if len(dtypes) > 1:
        dtype = np.result_type(*[d for d in dtypes if d.kind == "f"] or dtypes)
        tensors = [to(x, dtype) for x in tensors]
    if any(not x.ndim for x in tensors):
        raise ShapeError("cat: 0-d tensors cannot be joined; use stack")
    full = [x for x in tensors if x.shape != (0,)]
    tensors = full or tensors[:1]
    axis = check_dim(dim, tensors[0].ndim, "cat")
    try:
        return Cat(axis).apply(*tensors)
    except (ValueError, IndexError):
        joined = ", ".join([str(x.shape) for x in tensors])
        raise ShapeError(f"cat: shapes {joined} differ outside dim {dim}") from None


def stack(tensors, dim=0):
    """Tensors of one shape joined along a new axis.

    >>> import minigrad as mg
    >>> mg.stack([mg.tensor(1.0), mg.tensor(2.0)])
    tensor([1., 2.])
    """
    tensors = check_tensors(tensors, "stack")
    if any(x.shape != tensors[0].shape for x in tensors):
        shapes = ", ".join(str(x.shape) for x in tensors)
        raise ShapeError(f"stack: all shapes must be equal, got {shapes}")
    at = check_dim(dim, tensors[0].ndim + 1, "stack")
    return cat([unsqueeze(x, at) for x in tensors], at)


def concat(tensors, dim=0):
    """`cat` by another name.

    >>> import minigrad as mg
    >>> mg.concat([mg.ones(2), mg.zeros(1)])
    tensor([1., 1., 0.])
    """
    return cat(tensors, dim)


def concatenate(tensors, dim=0):
    """`cat` by NumPy's name.

    >>> import minigrad as mg
    >>> mg.concatenate([mg.ones(2), mg.zeros(1)])
    tensor([1., 1., 0.])
    """
    return cat(tensors, dim)


def hstack(tensors):
    """Tensors joined side by side: along axis 1, vectors along their only one.

    >>> import minigrad as mg
    >>> mg.hstack([mg.ones(2, 1), mg.zeros(2, 2)])
    tensor([[1., 0., 0.],
            [1., 0., 0.]])
    """
    tensors = [atleast_1d(x) for x in check_tensors(tensors, "hstack")]
    return cat(tensors, 0 if tensors[0].ndim == 1 else 1)


def vstack(tensors):
    """Tensors joined one above the other: along axis 0, vectors as rows.

    >>> import minigrad as mg
    >>> mg.vstack([mg.ones(2), mg.zeros(2)])
    tensor([[1., 1.],
            [0., 0.]])
    """
    return cat([atleast_2d(x) for x in check_tensors(tensors, "vstack")], 0)


def dstack(tensors):
    """Tensors joined along axis 2, after `atleast_3d`.

    >>> import minigrad as mg
    >>> mg.dstack([mg.ones(2), mg.zeros(2)]).shape
    (1, 2, 2)
    """
    return cat([atleast_3d(x) for x in check_tensors(tensors, "dstack")], 2)
