"""RMSProp: first steps, the rules against their formulas, and the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.lab.p7 import rmsprop

TINY = {
    "starts": 2,
    "updates": 60,
    "target": 20.0,
    "rates": {name: rates[:2] for name, rates in rmsprop.PARAMETERS["rates"].value.items()},
}
STARTS = np.array([[-1.0, 3.0], [-1.5, 0.5]])


@pytest.fixture(scope="module")
def measurements():
    return measure("rmsprop", TINY)


def test_contract(measurements):
    check("rmsprop", measurements)


def slope(w):
    """The crescent's gradient, derived by hand."""
    x, y = w.T
    return np.stack([-400 * x * (y - x**2) - 2 * (1 - x), 200 * (y - x**2)], axis=1)


def test_crescent_and_its_gradient():
    w = mg.tensor(STARTS, requires_grad=True)
    value = rmsprop.crescent(w)
    np.testing.assert_allclose(value.detach().numpy(), [404, 100 * 1.75**2 + 2.5**2])
    value.sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), slope(STARTS))
    assert rmsprop.crescent(mg.ones(1, 2)).item() == 0


@pytest.mark.parametrize("alpha", [0.9, 0.99])
def test_first_steps(alpha):
    steps = rmsprop.first_steps(STARTS, alpha)
    np.testing.assert_allclose(steps[rmsprop.RMS], 1, rtol=1e-9)
    np.testing.assert_allclose(steps[rmsprop.TORCH], (1 - alpha) ** -0.5, rtol=1e-9)


def test_checked_first_step_of_the_defaults():
    # PyTorch's α = 0.99: ten times η
    assert rmsprop.first_steps(STARTS, 0.99)[rmsprop.TORCH] == pytest.approx([10, 10])


@pytest.mark.parametrize("method", [rmsprop.RMS, rmsprop.TORCH, rmsprop.SUM, rmsprop.PLAIN])
def test_methods_follow_their_formulas(method):
    alpha, updates, rates = 0.8, 12, [1e-4, 2e-4]
    settings = {"alpha": alpha, "updates": updates}
    losses, places, divisors = rmsprop.descend(method, rates, STARTS, settings)
    assert losses.shape == (updates, 2, 2)
    for k, rate in enumerate(rates):
        w, v = STARTS.copy(), np.zeros((2, 2))
        for t in range(updates):
            np.testing.assert_allclose(places[t, k], w, rtol=1e-7)
            g = slope(w)
            if method == rmsprop.SUM:
                v = v + g**2
            elif method == rmsprop.RMS and t == 0:
                v = g**2
            else:
                v = alpha * v + (1 - alpha) * g**2
            sigma = 1.0 if method == rmsprop.PLAIN else np.sqrt(v)
            w = w - rate * g / sigma
            if method != rmsprop.PLAIN:
                np.testing.assert_allclose(divisors[t, k], sigma, rtol=1e-7)


def test_recent_gradients_count_most():
    # σ² of the lecture's rule is Σ weights · g², the weights fall by α an update
    alpha, settings = 0.7, {"alpha": 0.7, "updates": 9}
    _, places, divisors = rmsprop.descend(rmsprop.RMS, [1e-3], STARTS, settings)
    squares = np.array([slope(w) ** 2 for w in places[:9, 0]])
    weights = (1 - alpha) * alpha ** np.arange(8, -1, -1.0)
    weights[0] = alpha**8  # the first gradient stands for all before it
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(divisors[8, 0] ** 2, np.einsum("t,tij->ij", weights, squares))


def test_settled_means_for_good():
    assert rmsprop.settled(np.array([9.0, 1.0, 9.0, 1.0, 1.0]), 2) == 3
    assert rmsprop.settled(np.array([1.0, 1.0, np.nan]), 2) == 3
    assert rmsprop.settled(np.array([1.0, 1.0]), 2) == 0


def made_up(measurements, inner, outer, torch=3.16, own=1.0, count=3):
    """Runs in which Adagrad takes so many times the updates of RMSProp, ±5 %."""
    runs = []
    for i in range(count):
        run = copy.deepcopy(measurements["runs"][0])
        for wall, value in (("inner", inner), ("outer", outer)):
            run["updates"][wall] = dict.fromkeys(measurements["settings"]["rates"], 100.0)
            run["updates"][wall][rmsprop.SUM] = 100 * value * (0.95 + 0.05 * i)
        run["first"] = {"0.9": {rmsprop.RMS: [own, own], rmsprop.TORCH: [torch, torch]}}
        runs.append(run)
    return {**measurements, "seeds": list(range(count)), "runs": runs}


@pytest.mark.parametrize(
    ("made", "outcome"),
    [
        ({"inner": 2, "outer": 2, "torch": 1.0}, "holds"),
        ({"inner": 2, "outer": 2}, "holds with a limit"),
        ({"inner": 2, "outer": 0.5, "torch": 1.0}, "holds with a limit"),
        ({"inner": 0.5, "outer": 2}, "does not hold"),
        ({"inner": 2, "outer": 2, "own": 1.1}, "does not hold"),
        ({"inner": 1, "outer": 2}, "undecided"),
        ({"inner": 2, "outer": 2, "count": 2}, "undecided"),
    ],
)
def test_verdict(measurements, made, outcome):
    assert rmsprop.verdict(made_up(measurements, **made)).outcome == outcome
