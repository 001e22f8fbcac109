"""Softmax: the lecture's numbers, the sigmoid, the border of exaggeration, the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.lab.p8 import softmax

TINY = {"pairs": 40, "most": 200, "hidden": 8, "updates": 20}


@pytest.fixture(scope="module")
def measurements():
    return measure("softmax", TINY, seeds=(0, 1))


def test_contract(measurements):
    check("softmax", measurements)


def test_the_example_has_the_numbers_of_the_lecture():
    shares = softmax.shares_of([3.0, 1.0, -3.0]).tolist()
    assert [round(p, 2) for p in shares] == [0.88, 0.12, 0.0]
    powers = np.exp([3.0, 1.0, -3.0])
    np.testing.assert_allclose(shares, powers / powers.sum(), rtol=1e-14)


@pytest.mark.parametrize(("factor", "expected"), [(0, [1 / 3] * 3), (1e4, [1, 0, 0])])
def test_ends_of_the_temperature(factor, expected):
    assert softmax.shares_of([3.0, 1.0, -3.0], factor).tolist() == pytest.approx(expected)


def test_two_classes_are_the_sigmoid_by_an_independent_formula():
    pairs = np.random.default_rng(0).normal(size=(50, 2)) * 5
    found = softmax.two_classes(mg.from_numpy(pairs))
    assert found["value"] < 1e-15
    assert found["gradient"] < 1e-15
    share = softmax.F.softmax(mg.from_numpy(pairs), dim=1)[:, 0].numpy()
    np.testing.assert_allclose(share, 1 / (1 + np.exp(pairs[:, 1] - pairs[:, 0])), rtol=1e-13)


def test_a_ratio_is_widened_where_the_logarithmic_mean_exceeds_one():
    rng = np.random.default_rng(1)
    pair = np.sort(np.exp(rng.uniform(-3, 3, (200, 2))), axis=1)
    b, a = pair.T
    wide = softmax.widened(mg.from_numpy(a.copy()), mg.from_numpy(b.copy())).numpy()
    np.testing.assert_allclose(wide, np.exp(a - b) * b / a, rtol=1e-12)
    np.testing.assert_array_equal(wide > 1, softmax.logarithmic_mean(a, b) > 1)


def test_the_turn_of_the_example():
    s = softmax.threshold([3.0, 1.0, -3.0])
    assert s == pytest.approx(np.log(3) / 2)
    shares = softmax.shares_of([3.0, 1.0], s).tolist()
    assert shares[0] / shares[1] == pytest.approx(3)


def test_entropy_falls_as_the_factor_rises(measurements):
    entropy = measurements["runs"][0]["scaled"]["entropy"]
    assert entropy[0] == pytest.approx(np.log(3), abs=1e-3)
    assert np.diff(entropy).max() <= 1e-12


def test_a_network_learns_to_be_decided(measurements):
    for run in measurements["runs"]:
        seen = run["training"]
        assert 0.1 < seen["share"][0] < 0.3
        assert seen["share"][-1] > seen["share"][0]
        assert seen["gap"][-1] > seen["gap"][0]


def test_verdict_is_limited_where_ratios_are_levelled(measurements):
    verdict = softmax.verdict(measurements)
    assert verdict.outcome == "holds with a limit"
    assert "closer together" in " ".join(verdict.reasons)


def test_verdict_holds_if_every_ratio_is_widened(measurements):
    ideal = copy.deepcopy(measurements)
    for run in ideal["runs"]:
        run["pairs"]["widened"] = [2.0] * len(run["pairs"]["a"])
    assert softmax.verdict(ideal).outcome == "holds"


@pytest.mark.parametrize(
    "change",
    [
        {"shares": [0.87, 0.13, 0.002]},
        {"sum": 1e-9},
        {"pairs": {"a": [2.0], "b": [1.0], "widened": [0.5]}},
        {"two": {"float64": {"value": 0, "gradient": 1e-9},
                 "float32": {"value": 0, "gradient": 0}}},
    ],
)  # fmt: skip
def test_verdict_does_not_hold(measurements, change):
    wrong = copy.deepcopy(measurements)
    for run in wrong["runs"]:
        run.update(change)
    assert softmax.verdict(wrong).outcome == "does not hold"


def test_no_run_is_undecided(measurements):
    assert softmax.verdict({**measurements, "runs": []}).outcome == "undecided"
