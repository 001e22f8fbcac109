"""Eigenvalues at the ends of the spectrum, and its sum, from products alone."""

from typing import NamedTuple

import numpy as np

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
    decomposed whole.

    Parameters
    ----------
    operator : Operator
    k : int
        How many, 1 … n.
    which : {'magnitude', 'top', 'bottom', 'both'}
        The largest in absolute value; the largest; the smallest; half from each end.
    tol : float
        Relative accuracy; 0 is that of the dtype.
    max_iter : int, optional
        Restarts of the iteration; SciPy's default is 10 n.
    seed : int
        Of the start vector.

    Returns
    -------
    Eigenpairs
        values (k,) ascending, vectors (n, k), residuals (k,).

    Raises
    ------
    ValueError
        k or `which` out of range.
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
    if n <= SMALL or k >= n - 1:
        values, vectors = np.linalg.eigh(operator.dense(limit=max(n, SMALL)))
        chosen = np.sort(_chosen(values, k, which))
        values, vectors = values[chosen], vectors[:, chosen]
    else:
        values, vectors = _arpack(operator, k, which, tol, max_iter, seed)
        order = np.argsort(values)
        values, vectors = values[order], vectors[:, order]
    residuals = np.linalg.norm(operator.matmat(vectors) - vectors * values, axis=0)
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
    linear = operator.to_scipy()
    from scipy.sparse.linalg import ArpackNoConvergence, eigsh

    n = operator.shape[0]
    start = np.random.default_rng(seed).standard_normal(n).astype(operator.dtype)
    if not operator.matvec(start).any():  # H = 0, where ARPACK fails: no kernel but the whole
        return np.zeros(k, operator.dtype), np.eye(n, k, dtype=operator.dtype)
    if k == 1 and which == "both":
        which = "top"
    try:
        return eigsh(
            linear,
            k,
            which=_ENDS[which],
            v0=start,
            tol=tol,
            maxiter=max_iter,
            ncv=min(n, max(4 * k, 40)),
        )
    except ArpackNoConvergence as error:
        raise RuntimeError(
            f"eigenpairs: {len(error.eigenvalues)} of {k} converged; raise max_iter or tol, or "
            "compute in float64"
        ) from None


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
