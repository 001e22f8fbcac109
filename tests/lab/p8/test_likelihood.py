"""Cross-entropy and likelihood: identities, the optimum, and the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure
from scipy.optimize import minimize

import minigrad as mg
from minigrad.lab.p8 import likelihood

TINY = {"sizes": [200, 800, 3200], "repeats": 3}
SETTINGS = {"features": 3, "classes": 3}


@pytest.fixture(scope="module")
def measurements():
    return measure("likelihood", TINY, seeds=(0, 1, 2))


def sample(n, seed=0):
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=8)
    return theta, *likelihood.draw(rng, mg.from_numpy(theta), n, SETTINGS)


def log_probabilities(theta, x):
    """By hand, in NumPy."""
    weights = theta.reshape(4, 2)
    logits = np.pad(x @ weights[:3] + weights[3], ((0, 0), (0, 1)))
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def test_contract(measurements):
    check("likelihood", measurements)


def test_losses_by_hand():
    theta, x, y = sample(15)
    logs = log_probabilities(theta, x.numpy())[np.arange(15), y.numpy()]
    at = mg.from_numpy(theta)
    assert likelihood.cross_entropy(at, x, y).item() == pytest.approx(-logs.mean(), rel=1e-13)
    assert likelihood.likelihood(at, x, y).item() == pytest.approx(np.exp(logs.sum()), rel=1e-12)


def test_classes_are_drawn_with_the_model_s_probabilities():
    theta = mg.zeros(8, dtype=mg.float64)
    theta[6] = 1.0  # only the biases: the same probabilities at every point
    _, y = likelihood.draw(np.random.default_rng(0), theta, 20000, SETTINGS)
    p = np.exp([1.0, 0.0, 0.0])
    np.testing.assert_allclose(np.bincount(y.numpy()) / 20000, p / p.sum(), atol=0.012)


def test_the_optimum_is_the_one_that_scipy_finds():
    _, x, y = sample(300)
    found, gradient, hessian = likelihood.minimise(x, y, 8, 20)
    assert np.linalg.norm(gradient) < 1e-12
    assert np.linalg.eigvalsh(hessian).min() > 0

    def negative_log_likelihood(theta):
        return -log_probabilities(theta, x.numpy())[np.arange(300), y.numpy()].sum()

    other = minimize(negative_log_likelihood, np.zeros(8), tol=1e-10)
    np.testing.assert_allclose(found.numpy(), other.x, atol=1e-4)


def test_cross_entropy_is_entropy_plus_divergence():
    truth, x, _ = sample(50)
    found = truth + 0.1
    p, q = (np.exp(log_probabilities(t, x.numpy())) for t in (truth, found))
    parts = likelihood.entropies(mg.from_numpy(truth), mg.from_numpy(found), x)
    assert parts["cross-entropy"] == pytest.approx(-(p * np.log(q)).sum(axis=1).mean())
    assert parts["entropy"] == pytest.approx(-(p * np.log(p)).sum(axis=1).mean())
    assert parts["divergence"] == pytest.approx((p * np.log(p / q)).sum(axis=1).mean())
    assert parts["divergence"] > 1e-4


def test_the_product_vanishes_for_many_points(measurements):
    fits = measurements["runs"][0]["fits"]
    assert fits["200"][0]["product"] > 0
    assert fits["3200"][0]["product"] == 0


@pytest.fixture
def ideal(measurements):
    """Every fact as the theory has it, and a product that can be formed."""
    ideal = copy.deepcopy(measurements)
    for k, run in enumerate(ideal["runs"]):
        for n, fits in run["fits"].items():
            for i, fit in enumerate(fits):
                fit |= {"error": int(n) ** (-0.5 - 1e-3 * k), "product": 0.1}
                fit["statistic"] = 8.0 + i
    return ideal


def test_verdict_holds(ideal):
    assert likelihood.verdict(ideal).outcome == "holds"


def test_verdict_is_limited_where_the_product_vanishes(ideal):
    ideal["runs"][0]["fits"]["800"][0]["product"] = 0.0
    verdict = likelihood.verdict(ideal)
    assert verdict.outcome == "holds with a limit"
    assert "from N = 800" in verdict.reasons[-1]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("identity", {"value": 1e-6, "gradient": 0}),
        ("identity", {"value": 0, "gradient": 1e-3}),
        ("entropies", {"cross-entropy": 1.0, "entropy": 0.5, "divergence": 0.4}),
        ("scan", {"distance": [-1, 0, 1], "likelihood": [3, 2, 1], "cross-entropy": [1, 0, 1]}),
    ],
)
def test_verdict_is_refuted_by_a_failed_identity(ideal, key, value):
    ideal["runs"][1][key] = value
    assert likelihood.verdict(ideal).outcome == "does not hold"


def test_verdict_is_refuted_by_a_sample_that_does_not_find_the_model(ideal):
    far = copy.deepcopy(ideal)
    for run in far["runs"]:
        for fits in run["fits"].values():
            for fit in fits:
                fit["error"] = 1.0
    assert likelihood.verdict(far).outcome == "does not hold"
    for run in ideal["runs"]:
        for fit in run["fits"]["3200"]:
            fit["statistic"] = 40.0
    assert likelihood.verdict(ideal).outcome == "does not hold"


def test_too_few_seeds_are_undecided(ideal):
    assert likelihood.verdict({**ideal, "runs": ideal["runs"][:2]}).outcome == "undecided"
