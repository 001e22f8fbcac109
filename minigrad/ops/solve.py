"""Systems of equations: inverse and solution. LAPACK computes, through NumPy.

All take batches: (..., n, n). Every rule is a product of such operations, so that any order of
derivative is there; leading axes of a cotangent broadcast like any batch.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError, LinAlgError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad._array import is_float
    from cython.cimports.minigrad.engine import Nary, Unary
    from cython.cimports.minigrad.methods import slots
else:
    from minigrad._array import is_float
    from minigrad.engine import Nary, Unary
    from minigrad.methods import slots

from minigrad.ops.shape import check_tensor, mT, same_dtypes, squeeze, unsqueeze

__all__ = ["inverse"]


def check_matrices(x, name):
    """`x` if it is a floating tensor (..., m, n); an error that names the operation else."""
    if check_tensor(x, name).ndim < 2:
        raise ShapeError(f"{name}: expected at least 2 dimensions, got shape {x.shape}")
    if not is_float(x._array):
        raise DtypeError(f"{name}: expected float32 or float64, got {x.dtype}")
    return x


def check_square(x, name):
    """`x` if it is a floating tensor (..., n, n)."""
    check_matrices(x, name)
    if x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"{name}: expected square matrices, got shape {x.shape}")
    return x


def spread_nan(a):
    """`a` with each matrix that holds a NaN all NaN: LAPACK's pivoting may overlook one."""
    bad = np.isnan(a).any((-2, -1), keepdims=True)
    return np.where(bad, np.nan, a).astype(a.dtype) if bad.any() else a


def is_singular(a):
    """Which matrices have a zero pivot (bool, the shape of the batch)."""
    with np.errstate(all="ignore"):
        return np.linalg.slogdet(spread_nan(a))[0] == 0


def singular(name, a):
    """The error of a singular matrix in `a`, with its place in a batch."""
    bad = np.argwhere(is_singular(a))
    place = (
        f" (matrix {', '.join(map(str, bad[0]))} of the batch)" if len(bad) and a.ndim > 2 else ""
    )
    return LinAlgError(f"{name}: the matrix is singular{place}, shape {a.shape}")


# Inverse ----------------------------------------------------------------------------------------


@cython.cclass
class Inv(Unary):
    """y = x⁻¹;  dx = -yᵀ g yᵀ"""

    @cython.ccall
    def forward(self, x):
        self.save_output()
        try:
            return np.linalg.inv(spread_nan(x))
        except np.linalg.LinAlgError:
            raise singular("linalg.inv", x) from None

    @cython.ccall
    def backward(self, grad):
        t = mT(self.output())
        return -slots.matmul(slots.matmul(t, grad), t)


def inv(A):
    """Inverse of square matrices. Gradient: -A⁻ᵀ g A⁻ᵀ.

    To solve a system use `solve`: it is faster and more accurate.

    Parameters
    ----------
    A : Tensor, (..., n, n)

    Returns
    -------
    Tensor, (..., n, n)

    Raises
    ------
    LinAlgError
        A matrix is singular.
    ShapeError, DtypeError
        Not square; not floating.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.inv(mg.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5 , 0.  ],
            [0.  , 0.25]])
    """
    return Inv().apply(check_square(A, "linalg.inv"))


def inverse(input):
    """`linalg.inv` under its older name.

    >>> import minigrad as mg
    >>> mg.tensor([[2.0]]).inverse()
    tensor([[0.5]])
    """
    return Inv().apply(check_square(input, "inverse"))


# Solution ---------------------------------------------------------------------------------------


@cython.cclass
class Solve(Nary):
    """X = A⁻¹ B;  dB = A⁻ᵀ g,  dA = -dB Xᵀ

    `quiet`: a singular matrix gives NaN (in rules, where PyTorch does not raise either).
    """

    quiet: cython.bint

    def __init__(self, quiet=False):
        self.quiet = quiet

    def forward(self, a, b):
        self._broadcasts = True
        self._saves = 1
        self.save_output()
        a = spread_nan(a)
        try:
            return np.linalg.solve(a, b)
        except np.linalg.LinAlgError:
            if not self.quiet:
                raise singular("linalg.solve", a) from None
        return np.linalg.solve(np.where(is_singular(a)[..., None, None], np.nan, a), b)

    @cython.ccall
    def backward(self, grad):
        db = Solve(True).apply(mT(self.input(0)), grad)
        da = -slots.matmul(db, mT(self.output())) if self.needs_grad(0) else None
        return da, db


def divide(a, b):
    """a⁻¹ b for matrices inside a rule: NaN where a is singular."""
    return Solve(True).apply(a, b)


def solve(A, B, *, left=True):
    """The X with A X = B, for square A.

    Gradient, with g that of X: dL/dB = A⁻ᵀ g,  dL/dA = -(A⁻ᵀ g) Xᵀ.

    Parameters
    ----------
    A : Tensor, (..., n, n)
    B : Tensor, (..., n, k), or vectors: (n,), or A's shape without its last axis
        The batches of A and B broadcast.
    left : bool
        False solves X A = B, B of shape (..., k, n), no vectors.

    Returns
    -------
    Tensor
        X, of B's shape with the batches broadcast.

    Raises
    ------
    LinAlgError
        A matrix is singular.
    ShapeError, DtypeError
        Shapes that do not go together; not one floating dtype.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.solve(mg.tensor([[2.0, 0.0], [1.0, 1.0]]), mg.tensor([2.0, 3.0]))
    tensor([1., 2.])
    """
    name = "linalg.solve"
    check_square(A, name)
    if check_tensor(B, name).ndim == 0:
        raise ShapeError(f"{name}: B needs at least 1 dimension, got a 0-d tensor")
    same_dtypes(name, A, B)
    is_vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    if is_vector and not left:
        raise ShapeError(f"{name}: with left=False B must be matrices, got shape {B.shape}")
    right = unsqueeze(B, -1) if is_vector else B
    if right.shape[-2 if left else -1] != A.shape[-1]:
        form = "A X = B" if left else "X A = B"
        raise ShapeError(f"{name}: shapes A {A.shape} and B {B.shape} do not fit {form}")
    try:
        np.broadcast_shapes(A.shape[:-2], right.shape[:-2])
    except ValueError:
        raise ShapeError(
            f"{name}: the batches of A {A.shape} and B {B.shape} do not broadcast"
        ) from None
    if left:
        x = Solve().apply(A, right)
    else:
        x = mT(Solve().apply(mT(A), mT(right)))
    return squeeze(x, -1) if is_vector else x
