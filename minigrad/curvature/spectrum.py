"""Eigenvalues at the ends of the spectrum, and its sum, from products alone."""

from typing import NamedTuple

import numpy as np

from minigrad.curvature.operator import LIMIT

SMALL = 64  # up to this size the whole matrix is decomposed


class Eigenpairs(NamedTuple):
    """Eigenvalues in ascending order, their vectors as columns, and how sure they are.

    Each value is within its residual ‖Hv − λv‖ of an eigenvalue of H (H is symmetric).
    """

    values: np.ndarray
    vectors: np.ndarray
    residuals: np.ndarray


_ENDS = {"top": "LA", "bottom": "SA", "both": "BE", "magnitude": "LM"}


def eigenpairs(operator, k=6, which="magnitude", *, tol=0.0, max_iter=None, seed=0):
    """The k eigenvalues at an end of the spectrum, with vectors, by Lanczos iteration.

    SciPy's `eigsh` (ARPACK, implicitly restarted); matrices up to 64 × 64, and k close to n, are
    decomposed whole. So are matrices up to 3000 × 3000 for which the iteration would cost more
    than that: where eigenvalues pile up at 0, as in trained networks, it hardly converges there.

    Parameters
    ----------
    operator : Operator
    k : int
        How many, 1 … n.
    which : {'magnitude', 'top', 'bottom', 'both'}
        The largest in absolute value; the largest; the smallest; half from each end.
    tol : float
        Accuracy in units of ‖H‖ (for 'magnitude': of the value itself); 0 is that of the dtype.
    max_iter : int, optional
        Restarts of the iteration, after which it is an error not to have converged.
    seed : int
        Of the start vector.

    Returns
    -------
    Eigenpairs
        values (k,) ascending, vectors (n, k), residuals (k,).

    Raises
    ------
    ValueError
        k or `which` out of range; a matrix that is not finite.
    RuntimeError
        The iteration did not converge.
    ImportError
        SciPy is missing.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.curvature import Hessian, eigenpairs
    >>> H = Hessian.of(lambda w: (1 - w[0] * w[1]) ** 2, mg.zeros(2))
    >>> eigenpairs(H, 1, "bottom").values
    array([-2.], dtype=float32)

    References
    ----------
    Lehoucq, Sorensen, Yang, 1998, "ARPACK Users' Guide".
    """
    n = operator.shape[0]
    if which not in _ENDS:
        raise ValueError(f"eigenpairs: which must be one of {list(_ENDS)}, got {which!r}")
    if not 1 <= k <= n:
        raise ValueError(f"eigenpairs: k must be in 1 … {n}, got {k}")
    found = None
    if n > SMALL and k < n - 1:
        found = _arpack(operator, k, which, tol, max_iter, seed)
    if found is None:
        whole = operator.dense(limit=max(n, SMALL))
        if not np.isfinite(whole).all():
            raise ValueError("eigenpairs: the matrix is not finite")
        values, vectors = np.linalg.eigh(whole)
        chosen = np.sort(_chosen(values, k, which))
        values, vectors = values[chosen], vectors[:, chosen]
        products = operator.matmat(vectors)
    else:
        values, vectors = found
        products = operator.matmat(vectors)
        # Rayleigh's quotient errs by the square of the vector's error
        values = (vectors * products).sum(axis=0) / (vectors * vectors).sum(axis=0)
        order = np.argsort(values)
        values, vectors, products = values[order], vectors[:, order], products[:, order]
    residuals = np.linalg.norm(products - vectors * values, axis=0)
    return Eigenpairs(values, vectors, residuals)


def _chosen(values, k, which):
    """Positions of the k wanted in `values`, which ascend."""
    n = len(values)
    if which == "top":
        return np.arange(n - k, n)
    if which == "bottom":
        return np.arange(k)
    if which == "both":  # one more from the top where k is odd, as ARPACK does
        return np.r_[np.arange(k // 2), np.arange(n - (k + 1) // 2, n)]
    return np.argsort(-np.abs(values), kind="stable")[:k]


def _arpack(operator, k, which, tol, max_iter, seed):
    """Values and vectors, both ends in turn; None where the whole matrix is cheaper."""
    n = operator.shape[0]
    start = np.random.default_rng(seed).standard_normal(n).astype(operator.dtype)
    product = operator.matvec(start)
    if not np.isfinite(product).all():
        raise ValueError("eigenpairs: a product with the matrix is not finite")
    if not product.any():  # H = 0, where ARPACK fails: no kernel but the whole
        return np.zeros(k, operator.dtype), np.eye(n, k, dtype=operator.dtype)
    if which == "magnitude":
        return _lanczos(operator, 0.0, k, "LM", tol, max_iter, start)
    # ARPACK wants each value to a fraction of itself, which no value near 0 can reach: shifted by
    # ‖H‖ the wanted end lies far from 0, and the fraction is that of ‖H‖, as rounding is
    shift = _norm(operator, start)
    counts = {"top": (0, k), "bottom": (k, 0), "both": (k // 2, k - k // 2)}[which]
    ends = []
    for count, sign, end in zip(counts, (-1, 1), ("SA", "LA"), strict=True):
        if count:
            found = _lanczos(operator, sign * shift, count, end, tol, max_iter, start)
            if found is None:
                return None
            ends.append(found)
    return tuple(np.concatenate(parts, axis=-1) for parts in zip(*ends, strict=True))


def _norm(operator, vector, iterations=10):
    """About ‖H‖, by some steps of the power method."""
    size = 0.0
    for _ in range(iterations):
        vector = operator.matvec(vector / np.linalg.norm(vector).astype(operator.dtype))
        size = float(np.linalg.norm(vector))
        if not size:
            break
    return size


def _lanczos(operator, shift, k, which, tol, max_iter, start):
    """Eigenpairs of H at an end of the spectrum of H + shift."""
    linear = operator.to_scipy()
    from scipy.sparse import identity
    from scipy.sparse.linalg import ArpackNoConvergence, aslinearoperator, eigsh

    n = operator.shape[0]
    if shift:
        linear = linear + aslinearoperator(operator.dtype.type(shift) * identity(n, linear.dtype))
    ncv = min(n, max(4 * k, 40))
    patience = max_iter
    if max_iter is None:  # a restart is some ncv - k products, the whole matrix n cheaper ones
        patience = 10 + n // (ncv - k) if n <= LIMIT else 300
    try:
        values, vectors = eigsh(
            linear, k, which=which, v0=start, tol=tol, maxiter=patience, ncv=ncv
        )
    except ArpackNoConvergence as error:
        if max_iter is None and n <= LIMIT:
            return None
        raise RuntimeError(
            f"eigenpairs: {len(error.eigenvalues)} of {k} converged; raise max_iter or tol, or "
            "compute in float64"
        ) from None
    return values - shift, vectors


class Trace(NamedTuple):
    """An estimated trace, and the standard error of the estimate."""

    estimate: float
    error: float


def trace(operator, samples=100, *, seed=0):
    """tr H = E[vᵀHv] over random signs v (Hutchinson), with its standard error.

    With at least as many samples as parameters the trace is summed exactly, error 0.

    Parameters
    ----------
    operator : Operator
    samples : int
        Vectors, at least 2. The error falls with the square root of their number.

    Returns
    -------
    Trace
        (estimate, error): sample mean and standard deviation / √samples.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.curvature import Hessian, trace
    >>> trace(Hessian.of(lambda w: (w ** 2).sum(), mg.zeros(3)))
    Trace(estimate=6.0, error=0.0)

    References
    ----------
    Hutchinson, 1989, "A stochastic estimator of the trace of the influence matrix".
    """
    n = operator.shape[0]
    if samples < 2:
        raise ValueError(f"trace: samples must be at least 2, got {samples}")
    if samples >= n:
        return Trace(_diagonal_sum(operator), 0.0)
    chance = np.random.default_rng(seed)
    found = []
    for a in range(0, samples, 16):
        v = chance.choice([-1.0, 1.0], (min(16, samples - a), n)).astype(operator.dtype)
        found.append(np.einsum("ki,ki->k", v.astype(float), operator._rows(v).astype(float)))
    found = np.concatenate(found)
    return Trace(float(found.mean()), float(found.std(ddof=1) / np.sqrt(samples)))


def _diagonal_sum(operator):
    """The trace, from all columns."""
    n = operator.shape[0]
    total = 0.0
    for a in range(0, n, 64):
        b = min(a + 64, n)
        rows = operator._columns(a, b).astype(float)
        total += rows[np.arange(b - a), np.arange(a, b)].sum()
    return float(total)
