"""Feature normalisation: eigenvalues by hand, two arms of one function, the verdict."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.lab.p9 import features

TINY = {"updates": 30, "rates": 3, "adam_rates": [0.3]}


@pytest.fixture(scope="module")
def measurements():
    return measure("features", TINY, seeds=(0, 1, 2))


def test_contract(measurements):
    check("features", measurements, again=False)


def test_normalised_features_have_mean_zero_and_deviation_one():
    x, _ = features.table("wine", 0)
    z = features.normalise(x).numpy()
    np.testing.assert_allclose(z.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(z.std(0), 1, rtol=1e-12)


@pytest.mark.parametrize(("name", "factor"), [("diabetes", 2.0), ("breast_cancer", 0.25)])
def test_the_hessian_at_zero_is_the_second_moment(name, factor):
    outputs, loss = features.TABLES[name]
    x, y = features.table(name, 0)
    z = features.normalise(x)
    a = np.column_stack([z.numpy(), np.ones(len(y))])
    expected = np.linalg.eigvalsh(factor * a.T @ a / len(y))
    np.testing.assert_allclose(features.spectrum(z, y, outputs, loss), expected, rtol=1e-8)


def test_idle_directions_of_the_softmax_are_left_out():
    outputs, loss = features.TABLES["wine"]
    x, y = features.table("wine", 0)
    values = features.spectrum(features.normalise(x), y, outputs, loss)
    assert len(values) == 2 * 14  # of 3 · 14, the shift of all logits is idle
    a = np.column_stack([features.normalise(x).numpy(), np.ones(len(y))])
    moment = np.linalg.eigvalsh(a.T @ a / len(y)) / 3  # p(1 − p) + p² at p = ⅓, twice
    np.testing.assert_allclose(values[::2], moment, rtol=1e-8)


def test_descent_stops_at_the_target():
    outputs, loss = features.TABLES["diabetes"]
    x, y = features.table("diabetes", 0)
    problem = {"x": features.normalise(x), "y": y, "outputs": outputs, "loss": loss}
    losses = features.descend(
        make=lambda p: features.sgd(p, 0.1), target=0.7, updates=100, **problem
    )
    assert losses[0] == pytest.approx(1.0)  # the target has variance one, the model says zero
    assert losses[-1] <= 0.7 < losses[-2]
    assert features.least_loss("diabetes", x, y) < losses[-1]


def test_best_rate_prefers_who_reaches_the_target():
    problem = {"x": mg.ones(4, 1, dtype=mg.float64), "y": mg.ones(4, dtype=mg.float64),
               "outputs": 1, "loss": features.TABLES["diabetes"][1]}  # fmt: skip
    found = features.best_of([1e-3, 0.1, 100.0], features.sgd, 0.01, 50, **problem)
    assert found["rate"] == 0.1
    assert found["updates"] is not None


def changed(measurements, **arms):
    other = copy.deepcopy(measurements)
    for k, r in enumerate(other["runs"]):
        for facts in r["tables"].values():
            for arm, (updates, condition) in arms.items():
                facts[arm]["updates"] = updates and updates + k
                facts[arm]["eigenvalues"] = [1.0 / condition, 1.0]
    return other


@pytest.mark.parametrize(
    ("arms", "expected"),
    [
        ({"raw": (None, 1e6), "normalised": (1, 10), "adam": (None, 1)}, "holds"),
        ({"raw": (None, 1e6), "normalised": (3, 1e3), "adam": (None, 1)}, "holds with a limit"),
        ({"raw": (None, 1e6), "normalised": (3, 10), "adam": (4, 1)}, "holds with a limit"),
        ({"raw": (None, 1e6), "normalised": (None, 10), "adam": (4, 1)}, "does not hold"),
        ({"raw": (None, 10), "normalised": (3, 1e6), "adam": (4, 1)}, "does not hold"),
    ],
)
def test_verdict(measurements, arms, expected):
    assert features.verdict(changed(measurements, **arms)).outcome == expected


def test_two_seeds_are_undecided(measurements):
    few = {**measurements, "runs": measurements["runs"][:2]}
    assert features.verdict(few).outcome == "undecided"
