"""The saddle point: the numbers that were checked independently, and the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.lab.p5 import saddle

TOLERANCE = 1e-8


def tensor(*w):
    return mg.tensor(w, dtype=mg.float64)


@pytest.fixture(scope="module")
def measurements():
    return measure("saddle", {}, seeds=(0, 1))


def test_contract(measurements):
    check("saddle", measurements)


def test_origin_is_a_saddle():
    point = saddle.critical_point(tensor(0, 0), TOLERANCE)
    assert point["loss"] == 1
    np.testing.assert_array_equal(point["gradient"], [0, 0])
    np.testing.assert_array_equal(point["hessian"], [[0, -2], [-2, 0]])
    np.testing.assert_allclose(point["eigenvalues"], [-2, 2], rtol=1e-15)
    np.testing.assert_allclose(abs(point["eigenvectors"]), 0.5**0.5, rtol=1e-15)
    assert point["eigenvectors"][0, 0] * point["eigenvectors"][1, 0] > 0  # (1, 1) goes with −2
    assert (point["inertia"], point["kind"]) == ([1, 0, 1], "saddle")


def test_minimum_is_degenerate_under_the_tolerance():
    point = saddle.critical_point(tensor(1, 1), TOLERANCE)
    assert point["loss"] == 0
    np.testing.assert_allclose(point["eigenvalues"], [0, 4], atol=1e-15)
    assert (point["inertia"], point["kind"]) == ([1, 1, 0], "degenerate")


@pytest.mark.parametrize("s", [0.5, 0.7, 1.3, 1.9])
def test_no_minimum_of_the_surface_has_positive_eigenvalues_alone(s):
    point = saddle.critical_point(tensor(s, 1 / s), TOLERANCE)
    assert abs(point["gradient"]).max() < 1e-12
    assert point["kind"] == "degenerate"


def test_kinds():
    assert saddle.kind(0, 0, 2) == "maximum"
    assert saddle.kind(1, 2, 3) == "saddle"
    assert saddle.kind(0, 2, 0) == "degenerate"


@pytest.mark.parametrize(("s", "expected"), [(1.4, 0.9216), (1.5, 1.5625)])
def test_the_step_is_a_local_promise(s, expected):
    assert saddle.along([1.0, 1.0], [s])[0] == pytest.approx(expected, abs=1e-12)
    direction = saddle.escape(tensor(0, 0), s * 2**0.5)
    assert saddle.loss(direction).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_descent_from_the_line_ends_in_the_saddle(momentum):
    path = np.array(saddle.descend([0.5, -0.5], 0.1, momentum, 400))
    assert path.shape == (401, 2)
    np.testing.assert_array_equal(path[:, 0], -path[:, 1])  # never off the line
    assert np.linalg.norm(path[-1]) < 1e-6
    assert saddle.loss(tensor(*path[-1])).item() == pytest.approx(1)


def test_the_eigenvector_step_leaves_the_saddle():
    stepped = saddle.escape(tensor(0, 0), 0.1)
    assert saddle.loss(stepped).item() < 1
    path = saddle.descend(stepped.tolist(), 0.1, 0.0, 400, until=1e-12)
    np.testing.assert_allclose(path[-1], [1, 1], atol=1e-5)


def test_smaller_pushes_take_longer(measurements):
    for run in measurements["runs"]:
        for counts in run["released"].values():
            assert None not in counts
            assert counts[-1] > counts[0]


def test_growth_off_the_line_is_linear_theory(measurements):
    # beside the saddle the push grows by 1 + 2η an update: from 1e-12 to order 1
    counts = [r["released"]["gradient descent"][-1] for r in measurements["runs"]]
    assert np.log(1e12) / np.log(1.2) == pytest.approx(np.mean(counts), rel=0.1)


def test_verdict_holds_with_its_limits(measurements):
    verdict = saddle.verdict(measurements)
    assert verdict.outcome == "holds with a limit"
    text = " ".join(verdict.reasons)
    for words in ("0.92 at s = 1.4", "1.56 at s = 1.5", "0 and 4", "1/1/0", "degenerate", "thin"):
        assert words in text


@pytest.mark.parametrize(
    ("where", "value"),
    [("gradient", [0.0, 1e-3]), ("hessian", [[0, -2], [-2, 0.1]]), ("eigenvalues", [-2, 2.1])],
)
def test_verdict_is_refuted_by_wrong_facts(measurements, where, value):
    wrong = copy.deepcopy(measurements)
    wrong["runs"][0]["origin"][where] = value
    assert saddle.verdict(wrong).outcome == "does not hold"


def test_verdict_without_limits_holds(measurements):
    ideal = copy.deepcopy(measurements)
    for run in ideal["runs"]:
        run["along"]["loss"][150] = 0.5
        run["minimum"]["kind"] = "minimum"
        run["released"] = {name: [None] for name in run["released"]}
    assert saddle.verdict(ideal).outcome == "holds"


def test_no_run_is_undecided(measurements):
    assert saddle.verdict({**measurements, "runs": []}).outcome == "undecided"
