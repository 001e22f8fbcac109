"""Copies and casts."""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.dtypes import as_dtype

if cython.compiled:
    from cython.cimports.minigrad.engine import Unary
else:
    from minigrad.engine import Unary

from minigrad.ops.arguments import check_tensor

__all__ = "clone contiguous to".split()


@cython.cclass
class Clone(Unary):
    """y = x, in memory of its own"""

    @cython.ccall
    def forward(self, x):
        return np.array(x, order="C")

    @cython.ccall
    def backward(self, grad):
        return grad


def clone(input):
    """A copy in memory of its own; the gradient passes through.

    >>> import minigrad as mg
    >>> x = mg.tensor([1.0]); y = mg.clone(x); y.zero_(); x
    tensor([0.])
    tensor([1.])
    """
    return Clone().apply(check_tensor(input, "clone"))


def contiguous(input):
    """The tensor itself if its elements lie in row-major order, else a copy that does.

    >>> import minigrad as mg
    >>> mg.zeros(2, 3).T.contiguous().is_contiguous()
    True
    """
    check_tensor(input, "contiguous")
    return input if input.is_contiguous() else clone(input)


@cython.cclass
class To(Unary):
    """y = x as another floating dtype"""

    dtype: object
    source: object

    def __init__(self, dtype):
        self.dtype = dtype

    @cython.ccall
    def forward(self, x):
        self.source = x.dtype
        return x.astype(self.dtype)

    @cython.ccall
    def backward(self, grad):
        return to(grad, self.source)


def to(input, dtype):
    """`input` as `dtype`; the tensor itself if it is that already.

    Between float32 and float64 the gradient is cast back; a cast to integers or bool leaves the
    graph.

    Raises
    ------
    TypeError
        A dtype that minigrad does not have.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.tensor([1.7, -1.7]).to(mg.int64)
    tensor([ 1, -1])
    """
    dtype = as_dtype(dtype)
    check_tensor(input, "to")
    if input.dtype == dtype:
        return input
    return To(dtype).apply(input if dtype.kind == "f" else input.detach())
