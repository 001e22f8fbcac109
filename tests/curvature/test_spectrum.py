"""Eigenvalues, trace and density of matrices with known spectra."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import curvature

f64 = mg.float64


def operator(n):
    """The Hessian of ½ wᵀAw, whose eigenvalues are n numbers from -1 to 3; and those."""
    chance = np.random.default_rng(0)
    q, _ = np.linalg.qr(chance.standard_normal((n, n)))
    values = np.linspace(-1, 3, n)
    a = mg.tensor((q * values) @ q.T)
    return curvature.Hessian.of(lambda w: 0.5 * (w @ (a @ w)), mg.zeros(n, dtype=f64)), values


@pytest.mark.parametrize("n", [3, 50, 300])
@pytest.mark.parametrize("which", ["top", "bottom", "both", "magnitude"])
def test_eigenpairs_are_those_of_the_spectrum(n, which):
    H, values = operator(n)
    k = 3
    want = {
        "top": values[-3:],
        "bottom": values[:3],
        "both": np.r_[values[:1], values[-2:]],
        "magnitude": np.sort(values[np.argsort(-np.abs(values))[:3]]),
    }[which]
    found = curvature.eigenpairs(H, k, which)
    np.testing.assert_allclose(found.values, want, atol=1e-9)
    assert found.vectors.shape == (n, k) and found.residuals.shape == (k,)
    assert (found.residuals < 1e-7).all()
    np.testing.assert_allclose(found.vectors.T @ found.vectors, np.eye(k), atol=1e-8)


def test_every_eigenvalue_is_within_its_residual_of_a_true_one():
    H, values = operator(200)
    found = curvature.eigenpairs(H, 5, "top", tol=1e-2)
    for value, residual in zip(found.values, found.residuals, strict=True):
        assert np.abs(values - value).min() <= residual + 1e-12


def test_a_large_diagonal_matrix():
    d = mg.tensor(np.r_[np.linspace(-0.5, 1, 1998), 5.0, -7.0])
    H = curvature.Hessian.of(lambda w: 0.5 * (d * w * w).sum(), mg.zeros(2000, dtype=f64))
    found = curvature.eigenpairs(H, 2, "both")
    np.testing.assert_allclose(found.values, [-7.0, 5.0], atol=1e-10)
    assert (found.residuals < 1e-8).all()


def test_eigenpairs_refuses():
    H, _ = operator(5)
    for k in (0, 6):
        with pytest.raises(ValueError, match="1 … 5"):
            curvature.eigenpairs(H, k)
    with pytest.raises(ValueError, match="which"):
        curvature.eigenpairs(H, 1, "LM")
    H, _ = operator(300)
    with pytest.raises(RuntimeError, match="converged"):
        curvature.eigenpairs(H, 20, "bottom", max_iter=1)


def test_trace_is_within_its_error():
    H, values = operator(300)
    estimate, error = curvature.trace(H, 64)
    assert 0 < error < 10 and abs(estimate - values.sum()) < 4 * error
    again = curvature.trace(H, 64)
    assert again == (estimate, error) and curvature.trace(H, 64, seed=1) != again
    many = curvature.trace(H, 256)
    assert many.error == pytest.approx(error / 2, rel=0.35)
    exact = curvature.trace(H, 300)
    assert exact.error == 0.0 and exact.estimate == pytest.approx(values.sum())
    with pytest.raises(ValueError, match="samples"):
        curvature.trace(H, 1)


def test_trace_of_a_diagonal_matrix_has_no_error():
    d = mg.tensor(np.arange(500.0))
    H = curvature.Hessian.of(lambda w: 0.5 * (d * w * w).sum(), mg.zeros(500, dtype=f64))
    estimate, error = curvature.trace(H, 8)  # vᵀDv = tr D for every vector of signs
    assert estimate == pytest.approx(124750.0) and error < 1e-9


def test_the_density_has_the_moments_of_the_spectrum():
    H, values = operator(200)
    density = curvature.spectral_density(H, steps=40, samples=20)
    np.testing.assert_allclose(density.weights.sum(1), 1, atol=1e-12)
    for power in (1, 2, 3):
        want = (values**power).mean()
        assert abs(density.moment(power) - want) < 4 * density.error(power) + 1e-12
    assert density.fraction() == pytest.approx(1)
    assert density.fraction(high=0) == pytest.approx((values < 0).mean(), abs=0.05)
    low, high = density.support
    assert values[0] - 1e-9 <= low < -0.9 and 2.9 < high <= values[-1] + 1e-9
    grid = np.linspace(-3, 5, 4001)
    assert (density(grid) * (grid[1] - grid[0])).sum() == pytest.approx(1, abs=1e-3)
    assert density(1.0).shape == () and density(grid, width=0.3).max() < density(grid).max()


def test_full_steps_give_the_whole_spectrum():
    """n steps find all n distinct eigenvalues: nothing is lost, no copy appears."""
    H, values = operator(60)
    density = curvature.spectral_density(H, steps=100, samples=2)
    for row in density.nodes:
        np.testing.assert_allclose(np.sort(row), values, atol=1e-8)


def test_lanczos_ends_in_an_invariant_subspace():
    """Three distinct eigenvalues: after three steps there is nothing left to find."""
    d = mg.tensor(np.repeat([-1.0, 0.0, 2.0], 20))
    H = curvature.Hessian.of(lambda w: 0.5 * (d * w * w).sum(), mg.zeros(60, dtype=f64))
    density = curvature.spectral_density(H, steps=30, samples=4)
    for node in density.nodes[density.weights > 1e-12]:
        assert np.abs(np.array([-1.0, 0.0, 2.0]) - node).min() < 1e-9
    np.testing.assert_allclose(density.weights.sum(1), 1, atol=1e-12)


def test_density_refuses():
    H, _ = operator(3)
    for options in ({"steps": 0}, {"samples": 0}):
        with pytest.raises(ValueError, match="positive"):
            curvature.spectral_density(H, **options)


@pytest.mark.parametrize("which", ["top", "bottom", "both", "magnitude"])
def test_eigenpairs_of_the_zero_matrix(which):
    """ARPACK cannot start there."""
    pytest.importorskip("scipy")
    H = curvature.Hessian.of(lambda w: w.sum(), mg.zeros(100))
    found = curvature.eigenpairs(H, 3, which)
    assert not found.values.any() and not found.residuals.any()
    assert np.array_equal(found.vectors.T @ found.vectors, np.eye(3))


@pytest.mark.parametrize("which", ["bottom", "both"])
def test_ends_are_found_where_eigenvalues_pile_up_at_zero(which):
    values = 10.0 ** -np.linspace(0, 10, 200)
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(200, 200)))[0]
    a = mg.tensor(basis * values @ basis.T)
    H = curvature.Hessian.of(lambda w: 0.5 * (w @ (a @ w)), mg.zeros(200, dtype=f64))
    product, calls = H.matvec, []
    H.matvec = lambda v: calls.append(1) or product(v)
    found = curvature.eigenpairs(H, 2, which)
    assert abs(found.values[0] - values[-1]) < 1e-13
    assert found.residuals.max() < 1e-13
    assert len(calls) < 1000
    with pytest.raises(RuntimeError, match="0 of 1 converged"):
        curvature.eigenpairs(H, 1, "bottom", max_iter=3)


@pytest.mark.parametrize("n", [3, 100])
def test_a_matrix_that_is_not_finite_is_refused(n):
    H = curvature.Hessian.of(lambda w: (w * w).sum() * float("nan"), mg.ones(n, dtype=f64))
    with pytest.raises(ValueError, match="not finite"):
        curvature.eigenpairs(H, 1, "top")
