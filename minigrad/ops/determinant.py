"""Determinants, whose derivatives are right at singular matrices too."""

from typing import NamedTuple

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

if cython.compiled:
    from cython.cimports.minigrad.engine import Nary, Tensor, Unary, is_grad_enabled, wrap
    from cython.cimports.minigrad.methods import slots
else:
    from minigrad.engine import Nary, Tensor, Unary, is_grad_enabled, wrap
    from minigrad.methods import slots

from minigrad.ops.choice import where
from minigrad.ops.shape import cat, mT, reshape, stack, unsqueeze
from minigrad.ops.solve import Inv, check_square, is_singular, spread_nan

__all__ = ["det", "logdet", "slogdet"]


def column(x):
    """x (...) as (..., 1, 1): one number for each matrix."""
    return unsqueeze(unsqueeze(x, -1), -1)


@cython.cclass
class Det(Unary):
    """y = det x;  dx = g · cofactors of x, which are y x⁻ᵀ where x is regular"""

    @cython.ccall
    def forward(self, x):
        self._saves = 1
        self.save_output()
        with np.errstate(all="ignore"):
            return np.linalg.det(spread_nan(x))

    @cython.ccall
    def backward(self, grad):
        x: Tensor = self.input(0)
        if well_conditioned(x._array):
            cofactors = slots.mul(column(self.output()), mT(Inv().apply(x)))
        else:
            cofactors = cofactors_of(x)
        return slots.mul(column(grad), cofactors)


def well_conditioned(a):
    """Whether no matrix comes near a singular one.

    In a first derivative det and inverse come from the same factorization, whose errors cancel;
    in higher ones, differences of large terms, they would not.
    """
    if not a.size:
        return True
    if not is_grad_enabled():
        return not is_singular(a).any()
    if not np.isfinite(a).all():
        return True  # NaN in, NaN out
    s = np.linalg.svd(a, compute_uv=False)
    return bool((s[..., -1] > 0.1 * s[..., 0]).all())


def cofactors_of(x):
    """The matrix of cofactors of each x (..., n, n), regular or not, differentiable."""
    n = x.shape[-1]
    flat = reshape(x, (-1, n, n))
    each = [mT(det_and_adjugate(flat[i])[1]) for i in range(flat.shape[0])]
    return reshape(stack(each), x.shape)


def det_and_adjugate(x, scale=0.0):
    """Determinant and adjugate of one matrix of any rank, as differentiable polynomials.

    The singular vectors U, V of x, held constant, bring it to M = Uᵀ x V, diagonal but for what
    its derivatives see. Split M where the singular values have fallen to a tenth:

        M = | P  Q |    det M = det P · det S,   S = T - R P⁻¹ Q
            | R  T |
        adj M = det P · | det S P⁻¹ + P⁻¹ Q adj S R P⁻¹    -P⁻¹ Q adj S |
                        |           -adj S R P⁻¹                  adj S |

    P is far from singular. S is split again, until it is small against x, its `scale`; then it
    is not inverted at all. Nothing is divided by a small number, so every order of derivative is
    right at singular matrices too.
    """
    a = x._array
    n = a.shape[-1]
    if n == 1:
        return x, wrap(np.ones((1, 1), a.dtype))
    if not np.isfinite(a).all():
        nothing = x * np.nan
        return nothing[:1, :1], nothing
    u, s, vt = np.linalg.svd(a)
    scale = scale or s[0]
    k = int((s > max(0.1 * s[0], 0.01 * scale)).sum())
    if k == 0:
        return without_division(x)
    if k == n:
        det = reshape(Det().apply(x), (1, 1))
        return det, det * Inv().apply(x)
    sign = wrap(np.sign(np.linalg.det(u) * np.linalg.det(vt)).astype(a.dtype).reshape(1, 1))
    left, right = wrap(u.T.copy()), wrap(vt.T.copy())
    m = slots.matmul(slots.matmul(left, x), right)
    p, q, r, t = m[:k, :k], m[:k, k:], m[k:, :k], m[k:, k:]
    p_inv = Inv().apply(p)
    pq, rp = slots.matmul(p_inv, q), slots.matmul(r, p_inv)
    det_p = reshape(Det().apply(p), (1, 1))
    det_s, adj_s = det_and_adjugate(t - slots.matmul(r, pq), scale)
    corner = slots.matmul(pq, adj_s)
    upper = cat([det_s * p_inv + slots.matmul(corner, rp), -corner], -1)
    lower = cat([-slots.matmul(adj_s, rp), adj_s], -1)
    adj = slots.matmul(slots.matmul(right, cat([upper, lower], -2)), left)
    return sign * det_p * det_s, sign * det_p * adj


def without_division(x):
    """Determinant and adjugate of a small matrix, by the method of Faddeev and Le Verrier.

    M₁ = I,  cₖ = -tr(x Mₖ) / k,  Mₖ₊₁ = x Mₖ + cₖ I;  adj x = ± Mₙ, det x = ± cₙ
    """
    n = x.shape[-1]
    eye = wrap(np.eye(n, dtype=x.dtype))
    m = eye
    for k in range(1, n + 1):
        xm = slots.matmul(x, m)
        c = reshape((xm * eye).sum(), (1, 1)) * (-1.0 / k)
        if k < n:
            m = xm + c * eye
    return (-c, m) if n % 2 else (c, -m)


def det(A):
    """Determinant of square matrices; 1 for a 0 by 0 matrix.

    Gradient: g times the matrix of cofactors, det(A) A⁻ᵀ. It is right at singular matrices too,
    and so is every higher derivative (PyTorch returns other numbers there).

    Parameters
    ----------
    A : Tensor, (..., n, n)

    Returns
    -------
    Tensor, (...)

    Raises
    ------
    ShapeError, DtypeError
        Not square; not floating.

    Examples
    --------
    >>> import minigrad as mg
    >>> a = mg.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    >>> mg.linalg.det(a).backward()
    >>> a.grad
    tensor([[ 4., -2.],
            [-2.,  1.]])
    """
    return Det().apply(check_square(A, "linalg.det"))


class SlogdetResult(NamedTuple):
    """What `slogdet` returns: the sign and the logarithm of the absolute determinant."""

    sign: object
    logabsdet: object


@cython.cclass
class Slogdet(Nary):
    """s, y = sign and log|·| of det x;  dx = g_y x⁻ᵀ, infinite where x is singular"""

    def forward(self, x):
        self._saves = 1
        with np.errstate(all="ignore"):
            sign, logabs = np.linalg.slogdet(spread_nan(x))
        return np.where(np.isnan(logabs), 0, sign).astype(x.dtype), np.asarray(logabs, x.dtype)

    @cython.ccall
    def backward(self, grad):
        x: Tensor = self.input(0)
        if len(grad) < 2 or grad[1] is None:
            return slots.mul(column(grad[0]), wrap(np.zeros(x.shape, x.dtype)))
        if is_singular(x._array).any():
            slope = slots.div(cofactors_of(x), column(Det().apply(x)))
        else:
            slope = mT(Inv().apply(x))
        return slots.mul(column(grad[1]), slope)


def slogdet(A):
    """Sign and logarithm of the absolute value of the determinant, which may itself overflow.

    Gradient: that of logabsdet is A⁻ᵀ, that of the sign 0.

    Parameters
    ----------
    A : Tensor, (..., n, n)

    Returns
    -------
    SlogdetResult
        ``(sign, logabsdet)``, each (...); 0 and -inf for a singular matrix.

    Raises
    ------
    ShapeError, DtypeError
        Not square; not floating.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.slogdet(mg.tensor([[-2.0]]))
    SlogdetResult(sign=tensor(-1.), logabsdet=tensor(0.6931))
    """
    sign, logabsdet = Slogdet().apply(check_square(A, "linalg.slogdet"))
    return SlogdetResult(sign, logabsdet)


def logdet(input):
    """Logarithm of the determinant; NaN where that is negative, -inf at 0. Gradient: g A⁻ᵀ.

    >>> import minigrad as mg
    >>> mg.logdet(mg.tensor([[2.0, 0.0], [0.0, 2.0]]))
    tensor(1.3863)
    """
    sign, logabsdet = Slogdet().apply(check_square(input, "logdet"))
    return where(wrap(sign._array < 0), wrap(np.array(np.nan, input.dtype)), logabsdet)
