"""Feature normalisation: preparation, spectra by an independent formula, the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.lab.p9 import features
from minigrad.lab.p9.features import ARMS, RAW, STANDARDISED, TABLES, WHITENED

TINY = {"multiples": [0.95], "budget": 30}


@pytest.fixture(scope="module")
def measurements():
    return measure("features", TINY)


def test_contract(measurements):
    check("features", measurements)


def test_preparation():
    x = np.random.default_rng(0).normal(3, [1, 10, 100], size=(50, 3))
    x[:, 2] += 20 * x[:, 1]
    np.testing.assert_array_equal(features.prepared(x, RAW), x)
    np.testing.assert_allclose(features.prepared(x, "centred").mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(features.prepared(x, "scaled").std(axis=0), 1)
    both = features.prepared(x, STANDARDISED)
    np.testing.assert_allclose([both.mean(axis=0), both.std(axis=0)], [[0] * 3, [1] * 3],
                               atol=1e-12)  # fmt: skip
    white = features.prepared(x, WHITENED)
    np.testing.assert_allclose(white.T @ white / 50, np.eye(3), atol=1e-12)


def test_spectrum_of_least_squares_by_hand():
    x, y, loss, outputs = features.table("diabetes")
    x = features.prepared(x, STANDARDISED)
    model = features.Linear(10, outputs, False)
    found = features.spectrum(model, loss, mg.from_numpy(x), mg.from_numpy(y))
    with_bias = np.c_[x, np.ones(len(x))]
    expected = np.linalg.eigvalsh(2 * with_bias.T @ with_bias / len(x))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_spectrum_of_two_classes_at_zero_weights_by_hand():
    x, y, loss, outputs = features.table("breast cancer")
    model = features.Linear(30, outputs, True)
    assert sum(p.numel() for p in model.parameters()) == 31  # one free logit
    found = features.spectrum(model, loss, mg.from_numpy(x), mg.from_numpy(y))
    with_bias = np.c_[x, np.ones(len(x))]
    expected = np.linalg.eigvalsh(with_bias.T @ with_bias / len(x) / 4)  # p(1 − p) = ¼
    np.testing.assert_allclose(found[8:], expected[8:], rtol=1e-6)


def test_descent_diverges_beyond_the_limit_and_arrives_below_it():
    x, y, loss, _ = features.table("diabetes")
    data = mg.from_numpy(features.prepared(x, STANDARDISED)), mg.from_numpy(y)
    largest = features.spectrum(features.Linear(10, 1, False), loss, *data)[-1]

    def end(multiple):
        model = features.Linear(10, 1, False)
        return features.descend(model, loss, *data, multiple * 2 / largest, 3100.0, 300)[-1]

    assert end(0.9) <= 3100
    assert end(1.1) > 1e5


def test_standardising_rounds_the_surface(measurements):
    run = measurements["runs"][0]
    for name in TABLES:
        kappas = [features.condition(run, name, arm) for arm in ARMS]
        assert kappas[3] < 1e-3 * kappas[0]  # standardised against raw
        # at zero weights wine's three classes have p = ⅓ each: diag(p) − ppᵀ of two has κ = 3
        assert kappas[4] == pytest.approx(3 if name == "wine" else 1, rel=1e-6)


def made_up(measurements, standard=2.0, updates=(100, 10), spread=1.0):
    """Four runs with a condition number of 1000 raw, and `standard` standardised."""
    runs = []
    for k in range(4):
        run = copy.deepcopy(measurements["runs"][0])
        for name in TABLES:
            run["spectra"][name] |= {RAW: [1.0, 1000.0], STANDARDISED: [1.0, standard]}
            run["updates"][name] = {RAW: updates[0] + k, STANDARDISED: updates[1] * spread**k}
        runs.append(run)
    return features.verdict({**measurements, "runs": runs})


def test_verdict_holds(measurements):
    assert made_up(measurements).outcome == "holds"


def test_verdict_is_limited_by_what_is_left(measurements):
    verdict = made_up(measurements, standard=50.0)
    assert verdict.outcome == "holds with a limit"
    assert "not round" in verdict.reasons[-1]


def test_verdict_does_not_hold(measurements):
    assert made_up(measurements, updates=(10, 100)).outcome == "does not hold"
    assert made_up(measurements, standard=5000.0).outcome == "does not hold"


def test_verdict_is_undecided(measurements):
    assert made_up(measurements, updates=(100, 10), spread=5.0).outcome == "undecided"
    assert features.verdict(measurements).outcome == "undecided"  # one seed


def test_a_raw_arm_that_does_not_arrive_is_a_bound(measurements):
    assert "a bound: raw missed it in 4 of 4" not in " ".join(made_up(measurements).reasons)
    runs = [measurements["runs"][0]] * 4
    verdict = features.verdict({**measurements, "runs": runs})
    assert "a bound: raw missed it in 4 of 4" in " ".join(verdict.reasons)
