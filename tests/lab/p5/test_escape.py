"""Saddles and the ways out: the network by hand, critical points, blocks, the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad import nn
from minigrad.lab.p5 import escape
from minigrad.lab.p5.saddle import loss as toy
from minigrad.lab.training import network

TINY = {"samples": 30, "hidden": [1], "starts": 4, "before": [0, 20], "updates": 10, "relu": 2}


@pytest.fixture(scope="module")
def measurements():
    return measure("escape", TINY)


def test_contract(measurements):
    check("escape", measurements)


def test_the_loss_is_that_of_a_module():
    mg.manual_seed(0)
    x, y = mg.randn(7, 3, dtype=mg.float64), mg.randn(7, dtype=mg.float64)
    model = network([3, 2, 1], nn.Tanh).double()
    first, last = model[0], model[2]
    w = mg.cat([first.weight.reshape(-1), first.bias, last.weight.reshape(-1), last.bias])
    own = ((model(x)[:, 0] - y) ** 2).mean() + 0.1 * (w * w).sum()
    assert escape.loss_of((2, 3), x, y, 0.1)(w).item() == pytest.approx(own.item(), rel=1e-12)


def test_critical_points_of_the_toy():
    saddle = escape.critical_point(toy, mg.tensor([0.2, -0.1], dtype=mg.float64), 40)
    np.testing.assert_allclose(saddle.numpy(), 0, atol=1e-9)
    minimum = escape.critical_point(toy, mg.tensor([1.1, 1.0], dtype=mg.float64), 40)
    assert np.prod(minimum.numpy()) == pytest.approx(1, abs=1e-9)


def test_newton_goes_to_the_saddle_and_saddle_free_newton_away_from_it():
    start = mg.tensor([0.02, 0.01], dtype=mg.float64)
    settings = {"updates": 20, "damping": 1e-3, "rate": 0.1, "momentum": 0.9, "noise": 0.0}
    ends = {m: escape.descend(m, toy, start, settings)[-1] for m in escape.METHODS}
    assert ends["Newton"] == pytest.approx(1, abs=1e-12)
    assert ends["saddle-free Newton"] < 1e-9
    assert ends["gradient descent"] == ends["gradient descent with noise"] < 1


def test_relu_blocks_are_positive_and_tanh_blocks_need_not_be():
    mg.manual_seed(1)
    part = mg.randn(40, 5, dtype=mg.float64), mg.tensor([0, 1, 2, 0] * 10)
    found = escape.blocks(network([5, 4, 3], nn.ReLU).double(), part)
    assert found["all"][0] < -1e-3
    assert min(found["layer 0"][0], found["layer 2"][0]) > -1e-14
    found = escape.blocks(network([5, 4, 3], nn.Tanh).double(), part)
    assert found["layer 0"][0] < -1e-4
    assert found["layer 2"][0] > -1e-14


def made_up(slope=1.0, free=0.3, descent=1.0, block=0.0, low=0.2, parameters=5):
    """Ten critical points a run whose index rises with the loss."""
    points = [
        {"loss": 0.3 + k / 10 if k else 0.3, "index": max(0.0, slope * k) / 10} for k in range(10)
    ]
    points.append({"loss": low, "index": 0.0})
    losses = {m: [1.0, 1.0] for m in escape.METHODS}
    losses["saddle-free Newton"] = [1.0, free]
    losses["gradient descent"] = [1.0, descent]
    run = {
        "points": {"3": points},
        "parameters": {"3": parameters},
        "saddle": 1.0,
        "losses": losses,
        "blocks": {"all": [-0.5, 1.0], "layer 0": [block, 1.0]},
    }
    settings = {"hidden": [3], "push": 1e-3}
    return {"settings": settings, "runs": [run, copy.deepcopy(run)], "seeds": [0, 1]}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "holds"),
        ({"descent": 0.3}, "holds with a limit"),
        ({"parameters": 37}, "holds with a limit"),
        ({"slope": -1.0}, "does not hold"),
        ({"free": 1.0}, "does not hold"),
        ({"block": -1e-6}, "does not hold"),
    ],
)
def test_verdict(facts, expected):
    assert escape.verdict(made_up(**facts)).outcome == expected


def test_too_few_points_are_undecided():
    few = made_up()
    for r in few["runs"]:
        r["points"]["3"] = r["points"]["3"][:3]
    assert escape.verdict(few).outcome == "undecided"
