"""Eigenvalues of symmetric matrices, and singular values. LAPACK computes, through NumPy.

Reference for the rules: M. Giles, "An extended collection of matrix derivative results for forward
and reverse mode automatic differentiation", 2008.
"""

from typing import NamedTuple

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import LinAlgError

if cython.compiled:
    from cython.cimports.minigrad.engine import is_grad_enabled, wrap
    from cython.cimports.minigrad.ops.decomposition import Factorization
else:
    from minigrad.engine import is_grad_enabled, wrap
    from minigrad.ops.decomposition import Factorization

from minigrad.ops.decomposition import cotangents, product
from minigrad.ops.shape import mT, narrow, unsqueeze
from minigrad.ops.solve import check_matrices, check_square

__all__ = []


def row(x):
    """x (..., n) to scale the columns of (..., m, n)."""
    return unsqueeze(x, -2)


def column(x):
    """x (..., n) to scale the rows of (..., n, m)."""
    return unsqueeze(x, -1)


# Symmetric eigenvalues --------------------------------------------------------------------------


class EighResult(NamedTuple):
    """What `eigh` returns: eigenvalues in ascending order, and eigenvectors as columns."""

    eigenvalues: object
    eigenvectors: object


@cython.cclass
class Eigh(Factorization):
    """x = V diag(w) Vᵀ;  dx = V (diag g_w + skew(Vᵀ g_V) / E) Vᵀ

    skew(M) = (M - Mᵀ) / 2,  E_ij = w_j - w_i
    """

    uplo: str

    def __init__(self, uplo):
        self.uplo = uplo

    def twin(self):
        return Eigh(self.uplo)

    def forward(self, x):
        return self.keep(*np.linalg.eigh(x, self.uplo))

    @cython.ccall
    def backward(self, grad):
        w, v = self.outputs()
        dw, dv = cotangents(grad, 2)
        if dv is None:  # no difference of eigenvalues: finite where they coincide
            return product(v * row(dw), mT(v))
        eye = wrap(np.eye(w.shape[-1], dtype=w.dtype))
        turned = product(mT(v), dv)
        inner = (turned - mT(turned)) * 0.5 / (row(w) - column(w) + eye)
        if dw is not None:
            inner = inner + eye * column(dw)
        return product(product(v, inner), mT(v))


def eigh(input, UPLO="L"):
    """Eigenvalues and orthonormal eigenvectors of symmetric matrices.

    Gradient: V (diag g_w + skew(Vᵀ g_V) / E) Vᵀ, the symmetric one, E_ij = w_j - w_i. That of the
    eigenvalues alone is finite where they coincide; that of the eigenvectors and higher ones NaN.
    An eigenvector's sign is arbitrary: only functions that do not depend on it have a derivative.

    Parameters
    ----------
    input : Tensor, (..., n, n)
    UPLO : str
        The triangle that is read: "L" or "U".

    Returns
    -------
    EighResult
        ``(eigenvalues, eigenvectors)``, (..., n) ascending and (..., n, n), one a column.

    Raises
    ------
    ShapeError, DtypeError
        Not square; not floating.
    LinAlgError
        The iteration did not converge.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.eigh(mg.tensor([[2.0, 0.0], [0.0, -1.0]])).eigenvalues
    tensor([-1.,  2.])
    """
    return EighResult(*symmetric("linalg.eigh", input, UPLO).apply(input))


def symmetric(name, x, uplo):
    """The node of an eigendecomposition, its arguments checked."""
    check_square(x, name)
    if not isinstance(uplo, str):
        raise TypeError(f"{name}: UPLO must be a str, got {type(uplo).__name__}")
    if uplo.upper() not in ("L", "U"):
        raise ValueError(f"{name}: UPLO must be 'L' or 'U', got {uplo!r}")
    return Eigh(uplo.upper())


def eigvalsh(input, UPLO="L"):
    """Eigenvalues of symmetric matrices, ascending. See `eigh`.

    >>> import minigrad as mg
    >>> mg.linalg.eigvalsh(mg.tensor([[0.0, 1.0], [1.0, 0.0]]))
    tensor([-1.,  1.])
    """
    node = symmetric("linalg.eigvalsh", input, UPLO)
    if input.requires_grad and is_grad_enabled():
        return node.apply(input)[0]
    return wrap(np.linalg.eigvalsh(input._array, UPLO.upper()))


# Singular values --------------------------------------------------------------------------------


class SVDResult(NamedTuple):
    """What `svd` returns: input = U diag(S) Vh, S descending."""

    U: object
    S: object
    Vh: object


@cython.cclass
class SVD(Factorization):
    """x = U diag(s) Vᵀ;  dx = U (skew(Uᵀ g_U)/E s + diag g_s + s skew(Vᵀ g_V)/E) Vᵀ + outside

    skew(M) = M - Mᵀ,  E_ij = s_j² - s_i²,
    outside = (I - U Uᵀ) g_U s⁻¹ Vᵀ  where x is tall,  U s⁻¹ g_Vᵀ (I - V Vᵀ)  where it is wide.
    """

    full: cython.bint

    def __init__(self, full=False):
        self.full = full

    def twin(self):
        return SVD(self.full)

    def forward(self, x):
        return self.keep(*svd_of(x, self.full))

    @cython.ccall
    def backward(self, grad):
        u, s, vt = self.outputs()
        du, ds, dvt = cotangents(grad, 3)
        k, m, n = s.shape[-1], u.shape[-2], vt.shape[-1]
        u, vt = narrow(u, -1, 0, k), narrow(vt, -2, 0, k)
        if du is None and dvt is None:  # no difference of singular values
            return product(u * row(ds), vt)
        eye = wrap(np.eye(k, dtype=s.dtype))
        gaps = (row(s) - column(s)) * (row(s) + column(s)) + eye
        inner = outside = None
        if ds is not None:
            inner = eye * column(ds)
        if du is not None:
            du = narrow(du, -1, 0, k)
            turned = product(mT(u), du)
            inner = plus(inner, (turned - mT(turned)) / gaps * row(s))
            if m > k:
                outside = product((du - product(u, turned)) / row(s), vt)
        if dvt is not None:
            dvt = narrow(dvt, -2, 0, k)
            turned = product(vt, mT(dvt))
            inner = plus(inner, (turned - mT(turned)) / gaps * column(s))
            if n > k:
                outside = plus(outside, product(u, (dvt - product(mT(turned), vt)) / column(s)))
        return plus(outside, product(product(u, inner), vt))


def plus(x, y):
    return y if x is None else x + y


def svd_of(x, full=False, vectors=True):
    """np.linalg.svd, its failure named."""
    try:
        return np.linalg.svd(x, full_matrices=full, compute_uv=vectors)
    except np.linalg.LinAlgError:
        raise LinAlgError(
            f"linalg.svd: did not converge for an input of shape {x.shape}; does it hold NaN?"
        ) from None


def check_driver(name, driver):
    """Raise unless `driver`, PyTorch's choice of an algorithm on a GPU, is None."""
    if driver is not None:
        raise ValueError(f"{name}: driver is for GPUs and must be None, got {driver!r}")


def svd(A, full_matrices=True, *, driver=None):
    """Singular value decomposition: A = U diag(S) Vh.

    Gradient: Giles 2008. That of S alone is finite where singular values coincide; that of U and
    Vh is NaN there, infinite for singular values 0 of matrices that are not square, and leaves
    the columns of U and rows of Vh beyond the k-th out. Signs are arbitrary: only functions that
    do not depend on them have a derivative.

    Parameters
    ----------
    A : Tensor, (..., m, n)
    full_matrices : bool
        U (..., m, m) and Vh (..., n, n); else U (..., m, k), Vh (..., k, n), k = min(m, n).
    driver : None
        For PyTorch's signature.

    Returns
    -------
    SVDResult
        ``(U, S, Vh)``, S (..., k) descending.

    Raises
    ------
    LinAlgError
        The iteration did not converge (NaN in the input).
    ShapeError, DtypeError
        Fewer than 2 dimensions; not floating.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.svd(mg.tensor([[0.0, 2.0], [1.0, 0.0]])).S
    tensor([2., 1.])
    """
    check_driver("linalg.svd", driver)
    return SVDResult(*SVD(bool(full_matrices)).apply(check_matrices(A, "linalg.svd")))


def svdvals(A, *, driver=None):
    """Singular values, descending. See `svd`.

    >>> import minigrad as mg
    >>> mg.linalg.svdvals(mg.tensor([[3.0, 0.0], [0.0, -4.0]]))
    tensor([4., 3.])
    """
    check_driver("linalg.svdvals", driver)
    if check_matrices(A, "linalg.svdvals").requires_grad and is_grad_enabled():
        return SVD().apply(A)[1]
    return wrap(svd_of(A._array, vectors=False))
