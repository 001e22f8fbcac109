"""Cross-entropy against squared error: the checked numbers, the rescue, the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.lab.p8 import cross_entropy
from minigrad.lab.p8.cross_entropy import ARMS, BAD, CE, MSE, USUAL

TINY = {"gaps": [0, 20, 24], "patience": 100, "most": 200, "hidden": 8, "updates": 20,
        "rates": {"SGD": [0.01], "Adam": [0.01]}}  # fmt: skip


@pytest.fixture(scope="module")
def measurements():
    return measure("cross_entropy", TINY)


def test_contract(measurements):
    check("cross_entropy", measurements)


def test_the_checked_numbers():
    at = {loss: cross_entropy.slope(loss, [-10.0, 10.0], -1000.0) for loss in (CE, MSE)}
    assert at[CE]["value"] == pytest.approx(20.0, abs=1e-8)
    assert f"{at[CE]['norm']:.3f}" == "1.414"
    assert f"{at[MSE]['value']:.1f}" == "2.0"
    assert f"{at[MSE]['norm']:.2e}" == "1.17e-08"


@pytest.mark.parametrize("y", [[-10.0, 10.0], [1.0, 2.0], [3.0, -4.0]])
def test_losses_and_slopes_by_hand(y):
    p = 1 / (1 + np.exp(y[1] - y[0]))  # y₃ = −1000 takes no share
    ce = cross_entropy.slope(CE, y, -1000.0)
    assert ce["value"] == pytest.approx(-np.log(p), rel=1e-10)
    assert ce["norm"] == pytest.approx(2**0.5 * (1 - p), rel=1e-10)
    mse = cross_entropy.slope(MSE, y, -1000.0)
    assert mse["value"] == pytest.approx(2 * (1 - p) ** 2, rel=1e-10)
    assert mse["norm"] == pytest.approx(2**0.5 * 4 * p * (1 - p) ** 2, rel=1e-10)


def test_the_formula_as_written_is_no_number_but_the_engine_has_one():
    settings = {"at": [-10.0, 10.0], "third": -1000.0}
    assert cross_entropy.as_written(settings, mg.float32) is None
    y = mg.tensor([-10.0, 10.0])
    assert cross_entropy.at_logits(CE, y, -1000.0).item() == pytest.approx(20.0)


def test_descent_leaves_by_cross_entropy_and_by_adam_alone():
    def updates(method, rate):
        path = cross_entropy.descend(method, [-10.0, 10.0], -1000.0, rate, 100)
        return len(path) - 1 if path[-1][0] - path[-1][1] > 2 else None

    assert updates("cross-entropy, SGD", 1.0) < 20
    assert updates("squared error, SGD", 1.0) is None
    assert 50 < updates("squared error, Adam", 0.1) < 100


def test_epsilon_ends_the_rescue(measurements):
    mended = measurements["runs"][0]["mended"]
    assert mended["squared error, Adam"][2] is None
    assert mended["squared error, Adam, ε = 1e-30"][2] < 100


def test_the_bad_start_is_confident_and_wrong(measurements):
    networks = measurements["runs"][0]["network"]
    assert networks[USUAL][ARMS[0]]["start loss"] < 3
    assert networks[BAD][ARMS[0]]["start loss"] > 3


def made_up(measurements, bad=(0.9, 0.5), usual=(0.9, 0.8), rescued=None, spread=1e-3, n=4):
    """n runs; accuracies of (cross-entropy, squared error) for each start."""
    runs = []
    for k in range(n):
        run = copy.deepcopy(measurements["runs"][0])
        for start, pair in ((BAD, bad), (USUAL, usual)):
            for loss, accuracy in zip((CE, MSE), pair, strict=True):
                for optimizer in ("SGD", "Adam"):
                    arm = run["network"][start][f"{loss}, {optimizer}"]
                    arm["accuracy"] = accuracy + (spread * k if loss == CE else 0)
        run["mended"]["squared error, Adam"] = [12, rescued, None]
        runs.append(run)
    return {**measurements, "runs": runs}


def outcome(measurements):
    return cross_entropy.verdict(measurements).outcome


def test_verdict_holds(measurements):
    assert outcome(made_up(measurements)) == "holds"


def test_verdict_is_limited_by_adam_and_by_the_usual_start(measurements):
    verdict = cross_entropy.verdict(made_up(measurements, rescued=87))
    assert verdict.outcome == "holds with a limit"
    assert "in 87 updates" in " ".join(verdict.reasons)
    assert "ε = 1e-8" in " ".join(verdict.reasons)
    assert outcome(made_up(measurements, usual=(0.9, 0.9))) == "holds with a limit"


def test_verdict_does_not_hold(measurements):
    assert outcome(made_up(measurements, bad=(0.9, 0.9))) == "does not hold"
    wrong = made_up(measurements)
    wrong["runs"][1]["point"][MSE]["norm"] = 1.0
    assert outcome(wrong) == "does not hold"


def test_verdict_is_undecided(measurements):
    assert outcome(made_up(measurements, bad=(0.9, 0.89), spread=0.02)) == "undecided"
    assert outcome(made_up(measurements, n=2)) == "undecided"
