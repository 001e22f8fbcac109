"""Factorizations: Cholesky and QR; what all share. LAPACK computes, through NumPy.

All take batches. The rules are written in the factors themselves, so that any order of derivative
is there. Where factors are not unique (an eigenvector's sign; a basis for a repeated eigenvalue)
only functions that do not depend on the choice have a derivative; where eigenvalues or singular
values coincide, the derivative of their vectors is NaN, as in PyTorch.

References: I. Murray, "Differentiation of the Cholesky decomposition", 2016. S. Walter and
L. Lehmann, "On algorithmic differentiation of matrix factorizations", 2018.
"""

from typing import NamedTuple

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import GraphError, LinAlgError

if cython.compiled:
    from cython.cimports.minigrad.engine import Nary, Pick, Unary, wrap
    from cython.cimports.minigrad.methods import slots
else:
    from minigrad.engine import Nary, Pick, Unary, wrap
    from minigrad.methods import slots

from minigrad.engine import is_grad_enabled
from minigrad.ops.shape import cat, mT, narrow
from minigrad.ops.solve import check_matrices, check_square, divide
from minigrad.tensor import PICK

__all__ = []


@cython.cclass
class Factorization(Nary):
    """An operation with several outputs, whose rule reads them."""

    def keep(self, *arrays):
        """Note what the rule will read: copies, since the outputs may be changed in place."""
        if self.edges is not None:
            self.save_arrays(*[a.copy() for a in arrays])
        return arrays

    def outputs(self):
        """The outputs, Tensors with a graph: that of a twin, for each output has one reader."""
        arrays = self.arrays()
        if not is_grad_enabled():
            return [wrap(a) for a in arrays]
        node: Factorization = self.twin()
        node.edges, node._arrays = self.edges, arrays
        found = []
        for i in range(len(arrays)):
            selector: Pick = Pick.__new__(Pick)
            selector.kind = PICK
            selector.index = i
            selector.edges = (node,)
            selector.ndim = arrays[i].ndim
            found.append(wrap(arrays[i], selector))
        return found


def cotangents(grad, count):
    """The cotangents of `count` outputs, None for those that nothing came from."""
    return [*grad, *[None] * (count - len(grad))]


def lower(n, dtype, corner=1.0):
    """n by n: 1 below the diagonal, `corner` on it."""
    return wrap(np.tri(n, k=-1, dtype=dtype) + corner * np.eye(n, dtype=dtype))


def product(x, y):
    return slots.matmul(x, y)


# Cholesky ---------------------------------------------------------------------------------------


@cython.cclass
class Cholesky(Unary):
    """x = L Lᵀ;  dx = sym(L⁻ᵀ P L⁻¹),  P the lower half of Lᵀ g, its diagonal halved"""

    @cython.ccall
    def forward(self, x):
        self.save_output()
        try:
            out = np.linalg.cholesky(x)
        except np.linalg.LinAlgError:
            out = None
        if out is None or not np.isfinite(out).all():
            raise LinAlgError(
                f"linalg.cholesky: a matrix is not positive definite, shape {x.shape}"
            )
        return out

    @cython.ccall
    def backward(self, grad):
        factor = self.output()
        transposed = mT(factor)
        half = product(transposed, grad) * lower(factor.shape[-1], factor.dtype, 0.5)
        half = divide(transposed, mT(divide(transposed, half)))
        return (half + mT(half)) * 0.5


def cholesky(input, *, upper=False):
    """The lower triangular L with input = L Lᵀ, of symmetric positive definite matrices.

    Only one triangle is read. The gradient is the symmetric one.

    Parameters
    ----------
    input : Tensor, (..., n, n)
    upper : bool
        Return Lᵀ instead (and read the upper triangle).

    Returns
    -------
    Tensor, (..., n, n)

    Raises
    ------
    LinAlgError
        A matrix is not positive definite.
    ShapeError, DtypeError
        Not square; not floating.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.cholesky(mg.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    check_square(input, "linalg.cholesky")
    if upper:
        return mT(Cholesky().apply(mT(input)))
    return Cholesky().apply(input)


# QR ---------------------------------------------------------------------------------------------


class QRResult(NamedTuple):
    """What `qr` returns: orthonormal columns Q and an upper triangular R, input = Q R."""

    Q: object
    R: object


@cython.cclass
class QR(Factorization):
    """x = Q R;  for square R:  dx = (g_Q + Q sym M) R⁻ᵀ,  M = R g_Rᵀ - g_Qᵀ Q

    sym M takes the lower triangle of M to both sides. A wide x = [X Y], R = [U V] is the case of
    X = Q U with Y = Q V behind it.
    """

    complete: cython.bint

    def __init__(self, complete=False):
        self.complete = complete

    def twin(self):
        return QR(self.complete)

    def forward(self, x):
        return self.keep(*np.linalg.qr(x, "complete" if self.complete else "reduced"))

    @cython.ccall
    def backward(self, grad):
        q, r = self.outputs()
        m, n = q.shape[-2], r.shape[-1]
        if self.complete and m > n:
            raise GraphError(
                f"linalg.qr: with mode='complete' {m} by {n} matrices have no derivative (their "
                "Q is not unique); use mode='reduced'"
            )
        dq, dr = cotangents(grad, 2)
        if m >= n:
            return square_qr(q, r, dq, dr)
        dy = None
        u, v = narrow(r, -1, 0, m), narrow(r, -1, m, n - m)
        if dr is not None:
            dv = narrow(dr, -1, m, n - m)
            dy = product(q, dv)
            turned = product(product(q, v), mT(dv))
            dq = turned if dq is None else dq + turned
            dr = narrow(dr, -1, 0, m)
        dx = square_qr(q, u, dq, dr)
        if dy is None:
            dy = product(dx, wrap(np.zeros((m, n - m), q.dtype)))
        return cat([dx, dy], -1)


def square_qr(q, r, dq, dr):
    """Cotangent of q r for square r, from those of the factors (either may be None)."""
    n = r.shape[-1]
    inner = None
    if dr is not None:
        inner = product(r, mT(dr))
    if dq is not None:
        turned = product(mT(dq), q)
        inner = -turned if inner is None else inner - turned
    inner = inner * lower(n, r.dtype, 0.5)
    out = product(q, inner + mT(inner))
    if dq is not None:
        out = out + dq
    return mT(divide(r, mT(out)))


def qr(A, mode="reduced"):
    """Q with orthonormal columns and upper triangular R, A = Q R.

    Parameters
    ----------
    A : Tensor, (..., m, n)
    mode : str
        "reduced": Q (..., m, k), R (..., k, n), k = min(m, n). "complete": Q (..., m, m),
        R (..., m, n). "r": R alone, Q an empty tensor (PyTorch refuses its derivative, here it
        is that of the reduced R).

    Returns
    -------
    QRResult
        ``(Q, R)``. The derivative is there where the first k columns of A are independent (NaN
        else), and not for "complete" with m > n.

    Raises
    ------
    ShapeError, DtypeError
        Fewer than 2 dimensions; not floating.
    ValueError
        Another mode.

    Examples
    --------
    >>> import minigrad as mg
    >>> q, r = mg.linalg.qr(mg.tensor([[3.0, 1.0], [4.0, 2.0]]))
    >>> mg.allclose(q @ r, mg.tensor([[3.0, 1.0], [4.0, 2.0]]))
    True
    """
    check_matrices(A, "linalg.qr")
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(f"linalg.qr: mode must be reduced, complete or r, got {mode!r}")
    q, r = QR(mode == "complete").apply(A)
    return QRResult(wrap(np.zeros(0, r.dtype)) if mode == "r" else q, r)
