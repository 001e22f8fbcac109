"""The density of the eigenvalues, by stochastic Lanczos quadrature.

    φ(λ) = 1/n Σ_i δ(λ − λ_i) ≈ mean over random v of Σ_j w_j δ(λ − θ_j)

where θ_j are the eigenvalues of the m × m tridiagonal matrix that m steps of Lanczos from v make,
and w_j the squares of the first entries of its eigenvectors: Gauss quadrature, exact for
polynomials up to degree 2m − 1. Each new vector is made orthogonal to all before it, twice:
without that, rounding makes copies of the outer eigenvalues.
"""

import numpy as np


class SpectralDensity:
    """Nodes and weights of the quadrature, one row a random vector; smoothed, the density.

    Attributes
    ----------
    nodes, weights : array (samples, steps)
        Eigenvalue estimates, and their shares: each row of weights sums to 1.
    size : int
        n, the number of eigenvalues that share the weight.
    """

    def __init__(self, nodes, weights, size):
        self.nodes, self.weights, self.size = nodes, weights, size

    def __repr__(self):
        low, high = self.support
        samples, steps = self.nodes.shape
        return f"SpectralDensity({samples} × {steps} nodes, eigenvalues {low:.3g} … {high:.3g})"

    @property
    def support(self):
        """The least and the greatest node with a weight."""
        seen = self.nodes[self.weights > 0]
        return float(seen.min()), float(seen.max())

    def moment(self, power):
        """Mean of λ^power over the eigenvalues: tr(H^power) / n."""
        return float((self.weights * self.nodes**power).sum(1).mean())

    def error(self, power):
        """Standard error of `moment`, over the random vectors; NaN for a single one."""
        each = (self.weights * self.nodes**power).sum(1)
        return float(each.std(ddof=1) / np.sqrt(len(each))) if len(each) > 1 else float("nan")

    def fraction(self, low=-np.inf, high=np.inf):
        """The share of eigenvalues in [low, high)."""
        inside = (self.nodes >= low) & (self.nodes < high)
        return float((self.weights * inside).sum(1).mean())

    def __call__(self, points, width=None):
        """The density at `points`, each node a Gaussian of standard deviation `width`.

        By default a hundredth of the support.
        """
        low, high = self.support
        width = width or max((high - low) / 100, 1e-12 * max(abs(low), abs(high)), 1e-300)
        apart = (np.asarray(points, float)[..., None, None] - self.nodes) / width
        with np.errstate(over="ignore"):  # far away from a narrow bump
            bumps = np.exp(-0.5 * apart**2) / (width * np.sqrt(2 * np.pi))
        return (self.weights * bumps).sum(-1).mean(-1)


def spectral_density(operator, steps=80, samples=8, *, seed=0):
    """The distribution of all eigenvalues, without computing any: Lanczos from random vectors.

    Parameters
    ----------
    operator : Operator
    steps : int
        Products a vector; at most n are made. More resolve the density finer, the ends first.
    samples : int
        Random vectors (Gaussian), run side by side.

    Returns
    -------
    SpectralDensity
        Call it with points to draw it.

    Raises
    ------
    ValueError
        `steps` or `samples` below 1.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.curvature import Hessian, spectral_density
    >>> H = Hessian.of(lambda w: (w[:5] ** 2).sum() - (w[5:] ** 2).sum(), mg.zeros(10).double())
    >>> density = spectral_density(H, samples=50)
    >>> [round(x, 6) for x in density.support], density.nodes.shape
    ([-2.0, 2.0], (50, 10))
    >>> abs(density.fraction(high=0) - 0.5) < 0.1
    True

    References
    ----------
    Golub, Welsch, 1969, "Calculation of Gauss quadrature rules"; Ghorbani, Krishnan, Xiao, 2019,
    "An investigation into neural net optimization via Hessian eigenvalue density".
    """
    n = operator.shape[0]
    if steps < 1 or samples < 1:
        raise ValueError(
            f"spectral_density: steps and samples must be positive, got {steps} and {samples}"
        )
    steps = min(steps, n)
    chance = np.random.default_rng(seed)
    v = chance.standard_normal((samples, n))
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    diagonal, beside = _tridiagonal(operator, v, steps)
    nodes, weights = np.zeros((samples, steps)), np.zeros((samples, steps))
    for s in range(samples):
        t = np.diag(diagonal[s]) + np.diag(beside[s], 1) + np.diag(beside[s], -1)
        nodes[s], vectors = np.linalg.eigh(t)
        weights[s] = vectors[0] ** 2
    return SpectralDensity(nodes, weights, n)


def _tridiagonal(operator, v, steps):
    """The entries of T = QᵀHQ for each row of `v`: (samples, steps) and (samples, steps - 1).

    Where Q spans an invariant subspace the iteration ends: what follows is 0 and has no weight.
    """
    samples, n = v.shape
    basis = np.zeros((samples, steps, n))
    diagonal, beside = np.zeros((samples, steps)), np.zeros((samples, max(steps - 1, 0)))
    small = n * np.finfo(operator.dtype).eps
    scale = np.zeros(samples)
    for j in range(steps):
        basis[:, j] = v
        product = operator._rows(v.astype(operator.dtype)).astype(float)
        diagonal[:, j] = (product * v).sum(1)
        scale = np.maximum(scale, np.linalg.norm(product, axis=1))
        if j == steps - 1:
            break
        for _ in range(2):  # Gram and Schmidt, twice is enough
            along = np.einsum("sjn,sn->sj", basis[:, : j + 1], product)
            product -= np.einsum("sj,sjn->sn", along, basis[:, : j + 1])
        length = np.linalg.norm(product, axis=1)
        length[length <= small * scale] = 0.0
        beside[:, j] = length
        v = np.divide(
            product, length[:, None], out=np.zeros_like(product), where=length[:, None] > 0
        )
    return diagonal, beside
