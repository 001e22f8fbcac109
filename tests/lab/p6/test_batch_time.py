"""The time of an update: the fitted line, the timings' shape, the verdict's logic."""

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.lab.p6 import batch_time

TINY = {"most": 200, "widths": [8, 16], "batches": [1, 64, 512], "rounds": 1, "block": 4}
SIZES = [1, 8, 64, 512, 1024, 4096]


def test_contract():
    before = mg.get_num_threads()
    measurements = measure("batch_time", TINY)
    check("batch_time", measurements, again=False)
    assert mg.get_num_threads() == before
    for found in measurements["runs"][0]["updates"].values():
        assert all(0 < t < 10 for seconds in found.values() for t in seconds)


@pytest.mark.parametrize(("a", "b"), [(1e-4, 1e-6), (5e-5, 0.0), (0.0, 2e-7)])
def test_fit_finds_an_exact_line(a, b):
    found = batch_time.fit(SIZES, a + b * np.array(SIZES, float))
    np.testing.assert_allclose(found, (a, b), rtol=1e-8, atol=1e-15)


def test_fit_weighs_relative_errors():
    # weighted normal equations, written out
    t = np.array([1.0, 1.2, 1.9, 7.0, 12.0, 50.0])
    design = np.stack([np.ones(6), SIZES], axis=1) / t[:, None]
    expected = np.linalg.solve(design.T @ design, design.T @ np.ones(6))
    np.testing.assert_allclose(batch_time.fit(SIZES, t), expected, rtol=1e-8)


def made_up(line, n=3):
    """Measurements in which every case takes the time line(B)."""
    rng = np.random.default_rng(0)
    sizes = np.array(SIZES, float)
    runs = []
    for _ in range(n):
        updates = {
            w: {t: list(line(sizes) * rng.uniform(0.99, 1.01)) for t in ("one", "all")}
            for w in ("8", "16")
        }
        runs.append({"updates": updates, "loader": list(1e-5 + 1e-7 * sizes), "threads": 2})
    settings = {"widths": [8, 16], "batches": SIZES, "epoch": 1000}
    return {"settings": settings, "runs": runs}


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        (lambda b: 1e-4 + 2e-8 * b, "holds"),
        (lambda b: 1e-4 + 1e-6 * b, "holds with a limit"),
        (lambda b: np.where(b == 8, 4e-4, 1e-4 + 2e-8 * b), "holds with a limit"),
        (lambda b: 1e-6 * b, "does not hold"),
    ],
)
def test_outcomes(line, outcome):
    assert batch_time.verdict(made_up(line)).outcome == outcome


def test_few_seeds_are_undecided():
    verdict = batch_time.verdict(made_up(lambda b: 1e-4 + 1e-6 * b, n=2))
    assert verdict.outcome == "undecided"
    assert "minigrad lab batch_time" in verdict.reasons[0]


def test_the_key_is_where_the_cost_doubles():
    assert batch_time.verdict(made_up(lambda b: 1e-4 + 1e-6 * b)).key == (
        "cost doubles at B = 100 … 100"
    )
