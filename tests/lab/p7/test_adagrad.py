"""Root mean square and Adagrad: the checked bursts, the identity, and the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.lab.p7 import adagrad, valley

TINY = {"starts": 1, "updates": 800, "mean_rates": [1.0], "sum_rates": [1.0], "points": 100}
START = [-120.0, -4.0]


@pytest.fixture(scope="module")
def measurements():
    return measure("adagrad", TINY)


def test_contract(measurements):
    check("adagrad", measurements)


def test_first_bursts_of_the_lectures_start():
    path, _ = adagrad.descend(lambda w: adagrad.RootMeanSquare(w, lr=1.0), [START], 1800)
    hessian, optimum = valley.surface()
    across = abs((path[:, 0] - optimum) @ np.linalg.eigh(hessian)[1][:, -1])
    first = adagrad.bursts(across, 0.05, 100)
    # the swings grow from rounding errors on, so that the last bits move a burst by some updates
    assert first == pytest.approx([713, 1185, 1734], abs=15)


def test_lectures_rule_is_the_formula():
    path, sums = adagrad.descend(lambda w: adagrad.RootMeanSquare(w, lr=0.5), [START], 30)
    w, total = np.array(START), np.zeros(2)
    hessian, optimum = valley.surface()
    for t in range(30):
        g = hessian @ (w - optimum)
        total += g**2
        w = w - 0.5 * g / np.sqrt(total / (t + 1))
        np.testing.assert_allclose(path[t + 1, 0], w, rtol=1e-9)
        np.testing.assert_allclose(sums[t, 0], total, rtol=1e-7)


def test_first_step_has_the_length_of_the_rate():
    path, _ = adagrad.descend(lambda w: adagrad.RootMeanSquare(w, lr=0.7), [START], 1)
    np.testing.assert_allclose(abs(path[1] - path[0]), 0.7, rtol=1e-9)


def test_adagrad_is_the_rule_with_decay(measurements):
    for run in measurements["runs"]:
        assert run["identity"] < 1e-12
    # and without the decay it is not
    plain, _ = adagrad.descend(lambda w: adagrad.RootMeanSquare(w, lr=1.0), [START], 10)
    library, _ = adagrad.descend(lambda w: mg.optim.Adagrad(w, lr=1.0), [START], 10)
    decayed = adagrad.decayed([START], 1.0, 10)
    np.testing.assert_allclose(decayed, library, rtol=1e-12)
    assert abs(plain - library).max() > 1


def test_stability_is_the_spectral_radius_of_the_update():
    hessian, _ = valley.surface()
    sums = np.array([[4.0, 900.0], [5.0, 1000.0]])
    for mean, counts in ((True, [1, 2]), (False, [1, 1])):
        found = adagrad.stability(hessian, sums, 0.3, mean)
        for t, n in enumerate(counts):
            update = 0.3 * hessian / np.sqrt(sums[t] / n)[:, None]
            assert found[t] == pytest.approx(np.linalg.eigvals(update).real.max() / 2)


def test_burst_needs_quiet_before():
    across = np.array([5, 0, 0, 0, 5, 5, 0, 5, 0, 0, 0, 5])
    assert adagrad.bursts(across, 1, 3) == [4, 11]
    assert adagrad.bursts(across, 9, 3) == []


def made_up(measurements, mean=([300],), total=([],), left=0.01, identity=1e-14, crossed=(1.1,)):
    """One run with the given bursts of both rules."""
    made = copy.deepcopy(measurements)
    for run in made["runs"]:
        run["bursts"] = {adagrad.MEAN: {"1": list(mean)}, adagrad.SUM: {"1": list(total)}}
        run["left"] = {rule: {"1": [left]} for rule in (adagrad.MEAN, adagrad.SUM)}
        run["identity"], run["crossed"] = identity, list(crossed)
    return made


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, "holds with a limit"),
        ({"total": ([500],)}, "holds"),
        ({"left": 0.11}, "does not hold"),
        ({"mean": ([],), "crossed": ()}, "does not hold"),
        ({"identity": 1e-6}, "does not hold"),
        ({"crossed": (0.9,)}, "does not hold"),
    ],
)
def test_verdict(measurements, change, outcome):
    assert adagrad.verdict(made_up(measurements, **change)).outcome == outcome
