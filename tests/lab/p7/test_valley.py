"""The convex valley: the numbers that were checked independently, and the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.lab.p7 import valley

TINY = {"real": 200, "starts": 2, "points": 10}
X = [338, 333, 328, 207, 226, 25, 179, 60, 208, 606]
Y = [640, 633, 619, 393, 428, 27, 193, 66, 226, 1591]
START = np.array([-120.0, -4.0])


def rounded(place):
    """(b, w) to the digits that were checked."""
    return round(place[0], 2), round(place[1], 3)


@pytest.fixture(scope="module")
def measurements():
    return measure("valley", TINY, seeds=(0, 1))


def test_contract(measurements):
    check("valley", measurements)


def test_loss_is_the_summed_squared_error():
    expected = sum((y + 120 + 4 * x) ** 2 for x, y in zip(X, Y, strict=True))
    w = mg.from_numpy(START.copy())
    assert valley.loss(w).item() == expected
    both = valley.loss(mg.stack([w, mg.zeros(2, dtype=mg.float64)]))
    assert both.tolist() == [expected, sum(y * y for y in Y)]


def test_optimum_and_eigenvalues_are_those_of_least_squares(measurements):
    features = np.stack([np.ones(10), X], axis=1)
    fitted = np.linalg.lstsq(features, np.array(Y, float), rcond=None)[0]
    for run in measurements["runs"]:
        np.testing.assert_allclose(run["optimum"]["at"], fitted, rtol=1e-10)
        np.testing.assert_allclose(run["hessian"]["hessian"], 2 * features.T @ features)
    run = measurements["runs"][0]
    assert rounded(run["optimum"]["at"]) == (-188.43, 2.669)
    low, high = run["hessian"]["eigenvalues"]
    assert low == pytest.approx(5.57, abs=5e-3)
    assert high == pytest.approx(1.747e6, rel=5e-4)
    assert 2 / high == pytest.approx(1.145e-6, abs=5e-10)


def test_hundred_thousand_small_updates_do_not_arrive(measurements):
    for run in measurements["runs"]:
        assert rounded(run["ends"]["1e-07"][0]) == (-123.69, 2.483)
        np.testing.assert_allclose(run["path"]["at"][0], START, rtol=1e-12)
        np.testing.assert_allclose(run["path"]["at"][-1], run["ends"]["1e-07"][0], rtol=1e-12)


def test_the_linear_map_is_repeated_squaring_of_one_update(measurements):
    hessian, optimum = valley.surface()
    update = np.eye(3)  # of (b, w, 1): w − η (H w − H optimum)
    update[:2, :2] -= 1e-7 * hessian
    update[:2, 2] = 1e-7 * hessian @ optimum
    end = np.linalg.matrix_power(update, 100_000) @ [*START, 1]
    np.testing.assert_allclose(measurements["runs"][0]["ends"]["1e-07"][0], end[:2], rtol=1e-9)


def test_real_updates_follow_the_linear_map(measurements):
    for run in measurements["runs"]:
        assert run["difference"] < 1e-10
    w = START.copy()
    for _ in range(200):
        error = w[0] + w[1] * np.array(X) - np.array(Y)
        w -= 1e-7 * 2 * np.array([error.sum(), (error * X).sum()])
    np.testing.assert_allclose(measurements["runs"][0]["real"], w, rtol=1e-12)


def test_share_left_is_the_logarithm_of_the_distance():
    hessian, optimum = valley.surface()
    starts = np.array([START, [-60.0, 3.0]])
    end = valley.after(1000, 1e-6, starts, hessian, optimum)
    shares = np.linalg.norm(end - optimum, axis=1) / np.linalg.norm(starts - optimum, axis=1)
    left = valley.share_left(1000, 1e-6, starts, hessian, optimum)
    np.testing.assert_allclose(10**left, shares, rtol=1e-9)


def test_large_rate_diverges_by_the_square_of_one_minus_rate_times_eigenvalue(measurements):
    run = measurements["runs"][0]
    factor = (1 - 1e-2 * run["hessian"]["eigenvalues"][1]) ** 2
    growth = np.diff(run["diverging"])
    assert run["diverging"][0] == pytest.approx(np.log10(valley.loss(mg.tensor(START)).item()))
    np.testing.assert_allclose(growth, np.log10(factor), rtol=1e-3)


@pytest.mark.parametrize(("rate", "grows"), [(1.14e-6, False), (1.15e-6, True)])
def test_the_limit_is_where_it_says(rate, grows):
    hessian, optimum = valley.surface()
    assert (valley.share_left(100_000, rate, START[None], hessian, optimum)[0] > 0) == grows


def test_verdict_names_the_limit(measurements):
    verdict = valley.verdict(measurements)
    assert verdict.outcome == "holds with a limit"
    assert verdict.key == "at (-123.69, 2.483); the optimum is (-188.43, 2.669)"
    assert any("diverges" in reason for reason in verdict.reasons)


def test_verdict_holds_where_the_large_rate_swings(measurements):
    swinging = copy.deepcopy(measurements)
    for run in swinging["runs"]:
        run["diverging"] = [7.0, 6.9, 7.1]
    assert valley.verdict(swinging).outcome == "holds"


@pytest.mark.parametrize("wrong", ["eigenvalue", "difference", "arrives"])
def test_verdict_is_refuted(measurements, wrong):
    other = copy.deepcopy(measurements)
    run = other["runs"][1]
    if wrong == "eigenvalue":
        run["hessian"]["eigenvalues"][0] = -1.0
    elif wrong == "difference":
        run["difference"] = 1e-3
    else:
        run["left"]["1e-06"][1] = -3.0
    assert valley.verdict(other).outcome == "does not hold"
