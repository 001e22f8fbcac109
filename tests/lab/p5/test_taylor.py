"""The order of the Taylor approximation's error, and the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.curvature import Hessian
from minigrad.lab.p5 import taylor
from minigrad.lab.p5.saddle import loss as toy

TINY = {"most": 100, "hidden": 3, "updates": 5, "directions": 2}


@pytest.fixture(scope="module")
def measurements():
    return measure("taylor", TINY)


def test_contract(measurements):
    check("taylor", measurements)


@pytest.mark.parametrize(
    ("at", "direction", "expected"),
    [((0, 0), (1, 1), 4), ((0, 0), (0.6, 0.8), 4), ((1, 1), (1, -1), 4), ((1, 1), (0.6, 0.8), 3)],
)
def test_orders_of_the_toy(at, direction, expected):
    w = mg.tensor(at, dtype=mg.float64)
    v = np.array(direction, float) / np.linalg.norm(direction)
    lengths = np.geomspace(1e-4, 1, 41)
    lines = taylor.lines_of(
        lambda d: toy(w + mg.from_numpy(d)).item(), Hessian.of(toy, w), [v], lengths
    )
    assert taylor.order(lines[0], lengths) == pytest.approx(expected, abs=0.05)


def test_the_toys_error_is_exactly_its_quartic():
    w, v = mg.zeros(2, dtype=mg.float64), np.array([1.0, 1.0]) / np.sqrt(2)
    lengths = np.array([0.5, 1.0])
    (line,) = taylor.lines_of(
        lambda d: toy(w + mg.from_numpy(d)).item(), Hessian.of(toy, w), [v], lengths
    )
    error, change = taylor.errors(line, lengths)  # (1 − s²/2)² = 1 − s² + s⁴/4
    np.testing.assert_allclose(error, lengths**4 / 4, rtol=1e-12)
    np.testing.assert_allclose(change, lengths**2 - lengths**4 / 4, rtol=1e-12)
    assert taylor.reach(line, [0.5, 1.0]) == 1.0  # ¼ of the change ¾


def made_up(measurements, order, far):
    changed = copy.deepcopy(measurements)
    for r in changed["runs"]:
        h = np.array(r["lengths"])
        for line in r["lines"]:
            power = order if line["expected"] == 3 else 4
            line.update(slope=0.0, curvature=2.0, start=0.0, norm=1.0)
            line["loss"] = (h**2 + far * h**power).tolist()
    return changed


@pytest.mark.parametrize(
    ("order", "far", "expected"),
    [(3, 1e-2, "holds"), (3, 10.0, "holds with a limit"), (3.5, 1e-2, "does not hold")],
)
def test_verdict(measurements, order, far, expected):
    assert taylor.verdict(made_up(measurements, order, far)).outcome == expected


def test_lengths_that_are_all_too_long_leave_it_undecided(measurements):
    changed = made_up(measurements, 3, 1e6)
    for r in changed["runs"]:
        for line in r["lines"]:
            line["loss"] = [1e3] * len(r["lengths"])
    assert taylor.verdict(changed).outcome == "undecided"
