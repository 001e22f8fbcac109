"""Functions of matrices made of the others: products of many, powers, pseudoinverse, rank,
condition."""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Tensor, Unary, wrap
    from cython.cimports.minigrad.methods import slots
else:
    from minigrad.engine import Tensor, Unary, wrap
    from minigrad.methods import slots

from minigrad.ops.choice import where
from minigrad.ops.operands import zeros_of
from minigrad.ops.product import cheapest_product
from minigrad.ops.shape import check_tensor, clone, mT, same_dtypes, squeeze, unsqueeze
from minigrad.ops.solve import check_matrices, check_square, divide, inv, is_singular
from minigrad.ops.spectrum import svd_of, svdvals
from minigrad.ops.vector_norm import matrix_norm

__all__ = ["matrix_power"]


def multi_dot(tensors):
    """Product of two matrices or more, in the order of products that takes the fewest operations.

    The first and the last may be vectors, a row and a column.

    >>> import minigrad as mg
    >>> mg.linalg.multi_dot([mg.ones(2), mg.ones(2, 3), mg.ones(3, 1)])
    tensor([6.])
    """
    if not isinstance(tensors, (tuple, list)):
        raise TypeError(f"linalg.multi_dot: expected a list, got {type(tensors).__name__}")
    if len(tensors) < 2:
        raise ShapeError(f"linalg.multi_dot: expected at least 2 tensors, got {len(tensors)}")
    last = len(tensors) - 1
    for k, x in enumerate(tensors):
        if check_tensor(x, "linalg.multi_dot").ndim != 2 and (x.ndim != 1 or 0 < k < last):
            raise ShapeError(f"linalg.multi_dot: tensor {k} must be a matrix, got {x.shape}")
    same_dtypes("linalg.multi_dot", *tensors)
    matrices = list(tensors)
    if tensors[0].ndim == 1:
        matrices[0] = unsqueeze(tensors[0], 0)
    if tensors[last].ndim == 1:
        matrices[last] = unsqueeze(tensors[last], -1)
    out = cheapest_product("linalg.multi_dot", matrices)
    gone = [-2] * (tensors[0].ndim == 1) + [-1] * (tensors[last].ndim == 1)
    return squeeze(out, gone) if gone else out


def matrix_power(A, n):
    """A to the whole power n, by repeated squaring; a negative n inverts A first.

    >>> import minigrad as mg
    >>> mg.linalg.matrix_power(mg.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
    tensor([[1., 5.],
            [0., 1.]])
    """
    if check_tensor(A, "linalg.matrix_power").ndim < 2 or A.shape[-1] != A.shape[-2]:
        raise ShapeError(f"linalg.matrix_power: expected square matrices, got shape {A.shape}")
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"linalg.matrix_power: n must be an integer, got {n!r}")
    n = n.__index__()
    if n == 0:
        return where(wrap(np.zeros((), bool)), A, wrap(np.eye(A.shape[-1], dtype=A.dtype)))
    square = A if n > 0 else inv(A)
    n = abs(n)
    out = None
    while n:
        if n & 1:
            out = square if out is None else slots.matmul(out, square)
        n >>= 1
        if n:
            square = slots.matmul(square, square)
    return clone(out) if out is A else out


@cython.cclass
class Pinv(Unary):
    """y = x⁺;  dx = -yᵀ g yᵀ + (I - x y) gᵀ y yᵀ + yᵀ y gᵀ (I - y x),  the rank held"""

    atol: object
    rtol: object

    def __init__(self, atol, rtol):
        self.atol, self.rtol = atol, rtol

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        self.save_output()
        u, s, vt = svd_of(x)
        large = s > threshold(x, s, self.atol, self.rtol)
        inverse = np.where(large, 1 / np.where(large, s, 1), 0)
        return np.swapaxes(u * inverse[..., None, :] @ vt, -1, -2)

    @cython.ccall
    def backward(self, grad):
        x: Tensor = self.input(0)
        y: Tensor = self.output()
        yt, gt = mT(y), mT(grad)
        m, n = x.shape[-2], x.shape[-1]
        dx = -slots.matmul(yt, slots.matmul(grad, yt))
        left = wrap(np.eye(m, dtype=x.dtype)) - slots.matmul(x, y)
        right = wrap(np.eye(n, dtype=x.dtype)) - slots.matmul(y, x)
        dx = dx + slots.matmul(slots.matmul(left, gt), slots.matmul(y, yt))
        return dx + slots.matmul(slots.matmul(yt, y), slots.matmul(gt, right))


def threshold(x, s, atol, rtol):
    """Below what a singular value counts as 0: max(atol, rtol s₀), with PyTorch's defaults."""
    if rtol is None:
        rtol = np.finfo(x.dtype).eps * max(x.shape[-2:]) if atol is None else 0.0
    atol = 0.0 if atol is None else atol
    top = s[..., :1] if s.shape[-1] else 0.0
    return np.maximum(np.asarray(atol)[..., None], np.asarray(rtol)[..., None] * top)


def tolerances(name, atol, rtol):
    """`atol` and `rtol` as numbers or arrays, one a matrix."""
    found = []
    for what, value in (("atol", atol), ("rtol", rtol)):
        if isinstance(value, Tensor):
            value = value.detach().numpy()
        elif value is not None and not isinstance(value, (int, float, np.number)):
            raise TypeError(f"{name}: {what} must be a number, got {type(value).__name__}")
        found.append(value)
    return found


def from_lower(x):
    """The symmetric matrix with the lower triangle of x; its gradient is the symmetric one."""
    mean = (x + mT(x)) * 0.5
    below = np.tril(x._array, -1)
    whole = np.tril(x._array) + np.swapaxes(below, -1, -2)
    return mean + wrap(whole - mean._array)


def pinv(A, rcond=None, hermitian=False, *, atol=None, rtol=None):
    """Pseudoinverse of Moore and Penrose, for matrices of any shape and rank.

    The gradient is that of a change that keeps the rank (Golub and Pereyra, "The differentiation
    of pseudo-inverses", 1973); where the rank changes the pseudoinverse jumps.

    Parameters
    ----------
    A : Tensor, (..., m, n)
    rcond : float, optional
        The older name of `rtol`.
    hermitian : bool
        A is symmetric; its lower triangle is read.
    atol, rtol : float or Tensor, optional
        Singular values up to max(atol, rtol s₀) count as 0, s₀ the largest. By default rtol is
        max(m, n) eps, or 0 if atol is given.

    Returns
    -------
    Tensor, (..., n, m)

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.pinv(mg.tensor([[2.0, 0.0], [0.0, 0.0]]))
    tensor([[0.5, 0. ],
            [0. , 0. ]])
    """
    check_matrices(A, "linalg.pinv")
    if hermitian:
        if A.shape[-1] != A.shape[-2]:
            raise ShapeError(f"linalg.pinv: expected square matrices, got shape {A.shape}")
        A = from_lower(A)
    return Pinv(*tolerances("linalg.pinv", atol, rcond if rtol is None else rtol)).apply(A)


def matrix_rank(A, tol=None, hermitian=False, *, atol=None, rtol=None):
    """Number of singular values that are not 0, int64: see `pinv` for the tolerances.

    `tol` is the older name of `atol`.

    >>> import minigrad as mg
    >>> mg.linalg.matrix_rank(mg.ones(3, 3))
    tensor(1)
    """
    check_matrices(A, "linalg.matrix_rank")
    if hermitian and A.shape[-1] != A.shape[-2]:
        raise ShapeError(f"linalg.matrix_rank: expected square matrices, got shape {A.shape}")
    atol, rtol = tolerances("linalg.matrix_rank", tol if atol is None else atol, rtol)
    s = svd_of(A._array, vectors=False)
    return wrap(np.asarray((s > threshold(A._array, s, atol, rtol)).sum(-1), np.int64))


def cond(A, p=None):
    """Condition number ‖A‖ ‖A⁻¹‖; inf for singular matrices, 0 for those without elements.

    Parameters
    ----------
    A : Tensor, (..., m, n)
        Square unless p is None, 2 or -2.
    p : None, 2, -2, "fro", "nuc", inf, -inf, 1, -1
        None and 2: the ratio of the largest to the smallest singular value; -2: its inverse;
        else that of `matrix_norm`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.cond(mg.tensor([[4.0, 0.0], [0.0, 2.0]]))
    tensor(2.)
    """
    name = "linalg.cond"
    if p not in (None, 2, -2, 1, -1, "fro", "nuc", float("inf"), -float("inf")):
        raise ValueError(f"{name}: p must be None, 'fro', 'nuc', ±1, ±2 or ±inf, got {p!r}")
    check_matrices(A, name)
    if p not in (None, 2, -2):
        check_square(A, name)
    if not (A.shape[-1] and A.shape[-2]):
        return A.sum((-2, -1))
    if p in (None, 2, -2):
        s = svdvals(A)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    bad = np.asarray(is_singular(A._array))
    inverse = divide(A, wrap(np.eye(A.shape[-1], dtype=A.dtype)))
    inverse = where(wrap(bad[..., None, None]), zeros_of(A), inverse)
    infinite = wrap(np.array(np.inf, A.dtype))
    return where(wrap(bad), infinite, matrix_norm(A, p) * matrix_norm(inverse, p))
