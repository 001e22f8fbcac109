"""What kind of critical point the parameters are at, and the way out of a saddle.

    L(θ + δ) ≈ L(θ) + gᵀδ + ½ δᵀHδ

Where g = 0 the signs of the eigenvalues of H decide. A computed eigenvalue is known up to
rounding, so that one within a tolerance of 0 counts as zero.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minigrad.curvature.operator import LIMIT, Hessian, Operator
from minigrad.curvature.spectrum import eigenpairs


class Inertia(NamedTuple):
    """How many eigenvalues are positive, zero (within the tolerance) and negative."""

    positive: int
    zero: int
    negative: int

    @property
    def minimum_ratio(self):
        """Positive eigenvalues / all."""
        return self.positive / max(sum(self), 1)


def rounding(values, dtype=None):
    """n · eps · max|λ|: what rounding can do to the eigenvalues of a symmetric matrix.

    >>> rounding([1.0, -2.0], "float64") == 2 * 2**-52 * 2
    True
    """
    values = np.asarray(values)
    eps = np.finfo(dtype or values.dtype).eps
    return float(values.size * eps * np.abs(values).max(initial=0.0))


def inertia(matrix, tolerance=None):
    """(n₊, n₀, n₋): the signs of the eigenvalues, with a tolerance for zero.

    Parameters
    ----------
    matrix : Operator, array (n, n), or array (n,) of eigenvalues
    tolerance : float, optional
        |λ| up to this counts as zero. By default n · eps · max|λ|, eps of the dtype in which the
        matrix was computed: an eigenvalue below that cannot be told from zero (Weyl's inequality
        with a backward error of eps ‖H‖ an entry). Rounding inside the loss may be larger; see
        how the answer depends on it.

    Returns
    -------
    Inertia

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.curvature import Hessian, inertia
    >>> inertia(Hessian.of(lambda w: (1 - w[0] * w[1]) ** 2, mg.ones(2)))
    Inertia(positive=1, zero=1, negative=0)
    """
    values = np.asarray(_eigenvalues(matrix))
    if tolerance is None:
        tolerance = rounding(values)
    if tolerance < 0:
        raise ValueError(f"inertia: tolerance must not be negative, got {tolerance}")
    positive, negative = int((values > tolerance).sum()), int((values < -tolerance).sum())
    return Inertia(positive, values.size - positive - negative, negative)


def _eigenvalues(matrix):
    if isinstance(matrix, Operator):
        return np.linalg.eigvalsh(matrix.dense())
    matrix = np.asarray(matrix.detach().numpy() if hasattr(matrix, "detach") else matrix)
    if matrix.dtype.kind != "f":
        matrix = matrix.astype(float)
    if matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]:
        return np.linalg.eigvalsh((matrix + matrix.T) / 2)
    if matrix.ndim != 1:
        raise ValueError(
            f"inertia: expected an operator, a square matrix or eigenvalues, got {matrix.shape}"
        )
    return matrix


@dataclass(frozen=True)
class CriticalPoint:
    """A verdict and what it rests on; `str` of it is one line.

    Attributes
    ----------
    kind : str
        'local minimum', 'local maximum', 'saddle', 'degenerate' (no negative but some zero
        eigenvalues, or the reverse: higher orders decide), 'flat' (all zero), or
        'not critical' (the gradient is not zero).
    loss, gradient_norm : float
    eigenvalues : array
        All, ascending; for more parameters than the limit only the least and the greatest.
    inertia : Inertia or None
        None where only the ends of the spectrum are known.
    tolerance, gradient_tolerance : float
        Below which an eigenvalue, and the gradient's norm, counted as zero.
    """

    kind: str
    loss: float
    gradient_norm: float
    eigenvalues: np.ndarray
    inertia: Inertia | None
    tolerance: float
    gradient_tolerance: float

    def __str__(self):
        low, high = self.eigenvalues[0], self.eigenvalues[-1]
        counts = ""
        if self.inertia is not None:
            plus, zero, minus = self.inertia
            counts = f" ({plus} positive, {zero} zero, {minus} negative)"
        return (
            f"{self.kind}: loss {self.loss:.4g}, |gradient| {self.gradient_norm:.3g}, "
            f"eigenvalues {low:.4g} … {high:.4g}{counts}, zero within {self.tolerance:.2g}"
        )


def classify_critical_point(
    operator, at=None, *, gradient_tolerance=None, tolerance=None, limit=LIMIT
):
    """Minimum, maximum, saddle, degenerate, flat, or not critical at all.

    Parameters
    ----------
    operator : Hessian, or callable
        A function f takes its point from `at`, as in ``Hessian.of(f, at)``.
    at : Tensor or structure of tensors, optional
    gradient_tolerance : float, optional
        The gradient is zero if its norm is up to this; by default √eps · max(1, |L|), about
        3e-4 in float32 and 1.5e-8 in float64.
    tolerance : float, optional
        For eigenvalues, see `inertia`.
    limit : int
        Up to so many parameters all eigenvalues are computed; beyond, only the least and the
        greatest, by Lanczos, which tell all kinds apart but count none.

    Returns
    -------
    CriticalPoint

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.curvature import classify_critical_point
    >>> toy = lambda w: (1 - w[0] * w[1]) ** 2
    >>> print(classify_critical_point(toy, mg.zeros(2)))
    saddle: loss 1, |gradient| 0, eigenvalues -2 … 2 (1 positive, 0 zero, 1 negative), \
zero within 4.8e-07
    >>> classify_critical_point(toy, mg.ones(2)).kind
    'degenerate'
    """
    operator = _as_hessian(operator, at, "classify_critical_point")
    n = operator.shape[0]
    loss = operator.loss()
    norm = float(np.linalg.norm(operator.gradient().astype(float)))
    eps = float(np.finfo(operator.dtype).eps)
    if gradient_tolerance is None:
        gradient_tolerance = eps**0.5 * max(1.0, abs(loss))
    counts = None
    if n <= limit:
        values = np.linalg.eigvalsh(operator.dense(limit=limit))
        tolerance = rounding(values) if tolerance is None else tolerance
        counts = inertia(values, tolerance)
    else:
        # a coarse answer tells the signs; what it leaves open counts as zero
        ends = [eigenpairs(operator, 1, end, tol=1e-5) for end in ("bottom", "top")]
        values = np.array([end.values[0] for end in ends])
        if tolerance is None:
            tolerance = n * eps * float(np.abs(values).max())
            tolerance = max(tolerance, *(float(end.residuals[0]) for end in ends))
    if not np.isfinite(norm) or not np.isfinite(values).all():
        raise ValueError(
            f"classify_critical_point: the gradient (norm {norm}) or the Hessian is not finite"
        )
    kind = _kind(values[0], values[-1], tolerance) if n else "flat"
    if counts is not None and counts.zero and kind.startswith("local"):
        kind = "degenerate"
    if norm > gradient_tolerance:
        kind = "not critical"
    return CriticalPoint(kind, loss, norm, values, counts, tolerance, gradient_tolerance)


def _kind(low, high, tolerance):
    """From the least and the greatest eigenvalue."""
    if low < -tolerance:
        if high > tolerance:
            return "saddle"
        return "local maximum" if high < -tolerance else "degenerate"
    if low > tolerance:
        return "local minimum"
    return "degenerate" if high > tolerance else "flat"


def _as_hessian(operator, at, name):
    if isinstance(operator, Operator):
        return operator
    if callable(operator) and at is not None:
        return Hessian.of(operator, at)
    raise TypeError(
        f"{name}: expected a Hessian, or a function and the point `at`, "
        f"got {type(operator).__name__}"
    )


class Escape(NamedTuple):
    """The way out of a saddle: a unit vector (n,) along which L curves down by `curvature` < 0."""

    direction: np.ndarray
    curvature: float
    slope: float

    def change(self, step):
        """The change of L that the quadratic model promises for a step: s gᵀv + ½ s² vᵀHv."""
        return step * self.slope + 0.5 * step**2 * self.curvature


def escape_direction(operator, at=None, *, tolerance=None):
    """The eigenvector of the most negative eigenvalue: where a saddle leads down.

    Its sign is chosen so that the gradient, if there is any, leads down too.

    Parameters
    ----------
    operator, at
        As for `classify_critical_point`; ``operator.unflatten(direction)`` gives it by parameter.
    tolerance : float, optional
        See `inertia`.

    Returns
    -------
    Escape or None
        None where no eigenvalue is negative. The promise is of second order: good for a short
        step, not for any.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.curvature import escape_direction
    >>> toy = lambda w: (1 - w[0] * w[1]) ** 2
    >>> way = escape_direction(toy, mg.zeros(2))
    >>> abs(way.direction), way.curvature, way.change(0.5)
    (array([0.70710677, 0.70710677], dtype=float32), -2.0, -0.25)
    >>> escape_direction(toy, mg.ones(2)) is None
    True
    """
    operator = _as_hessian(operator, at, "escape_direction")
    n = operator.shape[0]
    bottom = eigenpairs(operator, 1, "bottom")
    curvature = float(bottom.values[0])
    if tolerance is None:
        top = float(eigenpairs(operator, 1, "magnitude").values[0])
        tolerance = n * float(np.finfo(operator.dtype).eps) * abs(top)
    if curvature >= -tolerance:
        return None
    direction = bottom.vectors[:, 0]
    slope = float(operator.gradient() @ direction)
    sign = -1.0 if slope > 0 else 1.0
    return Escape(direction * direction.dtype.type(sign), curvature, sign * slope)
