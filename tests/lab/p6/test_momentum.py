"""Momentum: the weighted sum, the hill, the two conventions, and the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.lab.p6 import momentum

TINY = {"most": 100, "updates": 8, "starts": 2, "grid": 40, "patience": 400, "curve_rates": [0.01]}


@pytest.fixture(scope="module")
def measurements():
    return measure("momentum", TINY, seeds=(0, 1))


def test_contract(measurements):
    check("momentum", measurements)


def test_the_lecture_rule_by_hand():
    w = mg.tensor([1.0], dtype=mg.float64, requires_grad=True)
    optimizer = momentum.LectureMomentum([w], lr=0.1, momentum=0.5)
    seen, m, x = [], 0.0, 1.0
    for _ in range(4):
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()
        m = 0.5 * m - 0.1 * 2 * x
        x += m
        seen.append((w.item(), x))
    np.testing.assert_allclose(*zip(*seen, strict=True), rtol=1e-15)


def test_roll_is_sgd_with_momentum():
    path = momentum.roll([-1.7, -1.5], [[0.5], [0.8]], 0.01, 0.3, 20)
    assert path.shape == (21, 2, 2)
    x = mg.tensor([-1.7, -1.5], dtype=mg.float64, requires_grad=True)
    optimizer = mg.optim.SGD([x], lr=0.01, momentum=0.8)
    for _ in range(20):
        optimizer.zero_grad()
        momentum.curve(x, 0.3).sum().backward()
        optimizer.step()
    np.testing.assert_allclose(path[-1, 1], x.detach().numpy(), rtol=1e-12)


def test_identity_sees_a_wrong_sum():
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(6, 3))
    movement, weights = np.zeros(3), [np.zeros(3)]
    for g in gradients:
        movement = 0.9 * movement - 0.1 * g
        weights.append(weights[-1] + movement)
    weights = np.array(weights)
    assert momentum.identity(weights, gradients, 0.1, 0.9) < 1e-13
    assert momentum.identity(weights, gradients, 0.1, 0.8) > 0.01


def test_the_hill_is_a_maximum():
    top = momentum.hill_top(0.3)
    assert 4 * top**3 - 4 * top - 0.3 == pytest.approx(0, abs=1e-12)
    assert 0 > top > -0.2


def test_critical_momentum_separates(measurements):
    run = measurements["runs"][0]
    found, top = run["critical"]["0.01"], momentum.hill_top(0.3)
    start = run["curve"]["start"][0]
    step = 1 / TINY["grid"] ** 2
    ends = momentum.roll(start, [found - step, found], 0.01, 0.3, TINY["patience"])[-1]
    assert ends[0] < top < ends[1]


def test_the_measured_verdict_has_its_limits(measurements):
    verdict = momentum.verdict(measurements)
    assert verdict.outcome == "holds with a limit"
    text = " ".join(verdict.reasons)
    assert "PyTorch keeps η outside" in text


@pytest.mark.parametrize("change", ["identity", "free", "never"])
def test_refuted(measurements, change):
    wrong = copy.deepcopy(measurements)
    run = wrong["runs"][0]
    if change == "identity":
        run["identity"] = 1e-6
    elif change == "free":
        run["curve"]["ends"][0][0] = 1.0
    else:
        run["curve"]["ends"] = [[-1.0, -1.0] for _ in run["curve"]["ends"]]
    assert momentum.verdict(wrong).outcome == "does not hold"


def test_without_limits_it_holds(measurements):
    ideal = copy.deepcopy(measurements)
    for run in ideal["runs"]:
        n = len(run["curve"]["ends"])
        run["curve"]["ends"] = [[-1.0, -1.0]] * (n // 2) + [[1.0, 1.0]] * (n - n // 2)
        run["conventions"]["cut"] = [0.0]
    assert momentum.verdict(ideal).outcome == "holds"
