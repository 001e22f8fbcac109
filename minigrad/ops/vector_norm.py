"""Norms: ‖x‖_p over axes, and those of matrices.

A norm has a kink at 0; there, and at an element 0 for p <= 1, the gradient is 0 as in PyTorch,
never NaN. Where a derivative exists it is right, to any order.
"""

import math

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.dtypes import as_dtype
from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Unary, wrap
    from cython.cimports.minigrad.kernels import reduce as fast
else:
    from minigrad import kernels as fast
    from minigrad.engine import Unary, wrap

from minigrad.ops.choice import abs, where
from minigrad.ops.extrema import amax, amin
from minigrad.ops.operands import zeros_of
from minigrad.ops.reduce import axes_of, count, flags, needs_float, sum
from minigrad.ops.shape import check_tensor, permute, squeeze, to, unsqueeze
from minigrad.ops.spectrum import svdvals

__all__ = ["norm"]


@cython.cclass
class Norm(Unary):
    """y = sqrt(Σ x²) over axes, kept;  dx = g x / y, 0 where y is 0"""

    axes: tuple

    def __init__(self, axes):
        self.axes = axes

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        self.save_output()
        with np.errstate(all="ignore"):
            axes = self.axes if x.ndim else None
            return np.sqrt(fast.sum(x * x, axes, True))

    @cython.ccall
    def backward(self, grad):
        x, y = self.input(0), self.output()
        if y._array.all():
            return x * (grad / y)
        zero = wrap(y._array == 0)
        return x * where(zero, zeros_of(y), grad / where(zero, zeros_of(y) + 1.0, y))


@cython.cclass
class NonZero(Unary):
    """y = number of x != 0 over axes, kept; it has no gradient"""

    axes: tuple

    def __init__(self, axes):
        self.axes = axes

    @cython.ccall
    def forward(self, x):
        return np.asarray(np.sum(x != 0, self.axes, x.dtype, keepdims=True))

    @cython.ccall
    def backward(self, grad):
        return None


def _power_norm(x, p, axes):
    """(Σ |x|^p)^(1/p), axes kept: any p but 0, 1, 2 and ±inf."""
    even = p > 0 and p % 2 == 0
    one, none = zeros_of(x) + 1.0, zeros_of(x)
    zero = x._array == 0
    if even or not zero.any():
        powers = x**p if even else abs(x) ** p
    else:  # kept out of the power, whose derivatives at 0 may be infinite
        mask = wrap(zero)
        powers = where(mask, none, where(mask, one, abs(x)) ** p)
    total = sum(powers, axes, True)
    # The norm is 0 where all elements are; for a negative p where one is.
    gone = np.any(zero, axes, keepdims=True) if p < 0 else total._array == 0
    if not gone.any():
        return total ** (1.0 / p)
    mask = wrap(gone)
    return where(mask, none, where(mask, one, total) ** (1.0 / p))


def _cast(input, dtype, name):
    needs_float(input, name)
    if dtype is None:
        return input
    dtype = as_dtype(dtype)
    if dtype.kind != "f":
        raise DtypeError(f"{name}: dtype must be a floating one, got {dtype}")
    if dtype.itemsize < input.dtype.itemsize:
        raise DtypeError(f"{name}: dtype {dtype} is narrower than the input's {input.dtype}")
    return to(input, dtype)


def _is_number(p):
    return isinstance(p, (int, float, np.integer, np.floating))


def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None):
    """‖x‖ of the elements along axes: (Σ |x|^ord)^(1/ord).

    Parameters
    ----------
    x : Tensor
        Floating.
    ord : number
        2: the length. inf, -inf: the largest, the smallest |x|. 0: how many are not 0.
    dim : int or tuple of int, optional
        Default: all axes.
    dtype : dtype, optional
        Cast to it first; not a narrower one.

    Returns
    -------
    Tensor
        Gradient: g x |x|^(ord−2) / ‖x‖^(ord−1); 0 at 0. For ord ±inf ties share it equally, for
        0 there is none.

    Raises
    ------
    ShapeError
        ord is negative or inf, and there are no elements.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([3.0, -4.0])
    >>> mg.linalg.vector_norm(x), mg.linalg.vector_norm(x, 1)
    (tensor(5.), tensor(7.))
    """
    return _vector_norm(x, ord, dim, keepdim, dtype, "linalg.vector_norm")


def _vector_norm(x, p, dim, keepdim, dtype, name):
    if not _is_number(p):
        raise TypeError(f"{name}: the order must be a number, got {p!r}")
    p = float(p)
    flags(name, keepdim=keepdim)
    x = _cast(x, dtype, name)
    axes = axes_of(dim, x.ndim, name)
    if not count(x.shape, axes) and (p < 0 or p == math.inf):
        raise ShapeError(f"{name}: the {p:g}-norm of no elements, shape {x.shape}, has no value")
    if p == 2:
        y = Norm(axes).apply(x)
    elif p == 1:
        y = sum(abs(x), axes, True)
    elif p == 0:
        y = NonZero(axes).apply(x)
    elif math.isinf(p):
        y = (amax if p > 0 else amin)(abs(x), axes, True)
    else:
        y = _power_norm(x, p, axes)
    return y if keepdim or not axes else squeeze(y, axes)


def _two_axes(dim, ndim, name):
    if not isinstance(dim, (tuple, list)):
        raise TypeError(f"{name}: dim must be two axes, got {dim!r}")
    if len(dim) != 2:
        raise ShapeError(f"{name}: dim must be two axes, got {tuple(dim)}")
    return axes_of(dim, ndim, name)


def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None):
    """Norm of the matrices in two axes.

    Parameters
    ----------
    A : Tensor (..., m, n)
    ord : "fro", "nuc", inf, -inf, 1, -1, 2, -2
        The root of the sum of squares; the sum of the singular values; the largest (smallest)
        sum of |rows|; of |columns|; the largest (smallest) singular value.

    Returns
    -------
    Tensor
        Ties of the largest or smallest share the gradient equally.

    Raises
    ------
    ShapeError, ValueError
        No matrix; another order.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.matrix_norm(mg.tensor([[3.0, 0.0], [0.0, -4.0]]), 1)
    tensor(4.)
    """
    name = "linalg.matrix_norm"
    if check_tensor(A, name).ndim < 2:
        raise ShapeError(f"{name}: expected at least 2 dimensions, got shape {A.shape}")
    A = _cast(A, dtype, name)
    flags(name, keepdim=keepdim)
    known = ("fro", "nuc") if isinstance(ord, str) else (1, -1, 2, -2, math.inf, -math.inf)
    if not (isinstance(ord, str) or _is_number(ord)) or ord not in known:
        raise ValueError(f"{name}: ord must be 'fro', 'nuc', ±1, ±2 or ±inf, got {ord!r}")
    rows, columns = _two_axes(dim, A.ndim, name)
    if ord == "fro":
        return _vector_norm(A, 2, (rows, columns), keepdim, None, name)
    rest = [a for a in range(-A.ndim, 0) if a not in (rows, columns)]
    A = permute(A, *rest, rows, columns)
    if ord == "nuc" or ord in (2, -2):
        values = svdvals(A)
    else:
        values = sum(abs(A), -2 if ord in (1, -1) else -1)
    if ord == "nuc":
        y = sum(values, -1)
    elif values.shape[-1] == 0 and ord > 0:
        y = sum(values, -1)  # 0: a matrix without elements
    else:
        y = (amax if ord > 0 else amin)(values, -1)
    if keepdim:
        for axis in sorted((rows + A.ndim, columns + A.ndim)):
            y = unsqueeze(y, axis)
    return y


def linalg_norm(A, ord=None, dim=None, keepdim=False, *, dtype=None):
    """Norm of a vector or of a matrix, as `dim` and `ord` say.

    Without `ord` the root of the sum of squares, over all axes or over `dim`. With it: of the
    matrix where `A` has two axes or `dim` names two (`matrix_norm`), else of the vector
    (`vector_norm`).

    >>> import minigrad as mg
    >>> A = mg.tensor([[3.0, 0.0], [0.0, -4.0]])
    >>> mg.linalg.norm(A), mg.linalg.norm(A, 1), mg.linalg.norm(A, 1, dim=0)
    (tensor(5.), tensor(4.), tensor([3., 4.]))
    """
    name = "linalg.norm"
    check_tensor(A, name)
    if isinstance(dim, (tuple, list)) and len(dim) not in (1, 2):
        raise ShapeError(f"{name}: dim must be one axis or two, got {tuple(dim)}")
    if ord is None:
        return _vector_norm(A, 2, dim, keepdim, dtype, name)
    if dim is None:
        if A.ndim not in (1, 2):
            raise ShapeError(f"{name}: with ord, give dim; or a tensor of 1 or 2 axes: {A.shape}")
        dim = tuple(range(A.ndim))
    if isinstance(ord, str) or (isinstance(dim, (tuple, list)) and len(dim) == 2):
        dim = tuple(dim) if isinstance(dim, (tuple, list)) else (dim,)
        return matrix_norm(A, ord, dim, keepdim, dtype=dtype)
    return _vector_norm(A, ord, dim, keepdim, dtype, name)


def norm(input, p="fro", dim=None, keepdim=False, dtype=None):
    """Norm over axes: (Σ |x|^p)^(1/p); the length of `input` where nothing else is said.

    Parameters
    ----------
    p : number, "fro" or "nuc"
        "fro" and None are 2; "nuc" is the sum of the singular values, of a matrix.
    dim : int or tuple of int, optional
        Default: all axes.

    Returns
    -------
    Tensor
        Gradient for p = 2: g x / ‖x‖, exactly 0 where the norm is 0. Others: see
        `linalg.vector_norm`.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([3.0, -4.0])
    >>> mg.norm(x), mg.norm(x, 1), mg.norm(x, float("inf"))
    (tensor(5.), tensor(7.), tensor(4.))
    """
    check_tensor(input, "norm")
    several = isinstance(dim, (tuple, list))
    if p is None or (p == "fro" and not (several and len(dim) > 2)):
        p = 2
    if not isinstance(p, str):
        return _vector_norm(input, p, dim, keepdim, dtype, "norm")
    if dim is None:
        dim = range(input.ndim)
    elif not several:
        dim = (dim,)
    return matrix_norm(input, p, tuple(dim), keepdim, dtype=dtype)
