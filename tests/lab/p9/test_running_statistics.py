"""Moving averages: both readings by hand, the cost, and the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad import nn
from minigrad.lab.p9 import running_statistics

TINY = {
    "most": 300,
    "hidden": [16],
    "batches": [4, 16],
    "weights": [0.1, 0.9],
    "updates": 30,
    "last": 4,
}


@pytest.fixture(scope="module")
def measurements():
    return measure("running_statistics", TINY, seeds=(0, 1, 2))


def test_contract(measurements):
    check("running_statistics", measurements)


def test_momentum_weighs_the_new_batch():
    norm = nn.BatchNorm1d(1)
    norm(mg.tensor([[1.0], [3.0]]))
    assert norm.momentum == 0.1
    assert norm.running_mean.item() == pytest.approx(0.9 * 0 + 0.1 * 2)
    assert norm.running_var.item() == pytest.approx(0.9 * 1 + 0.1 * 2)  # variance 2 with n − 1
    reading, variance = running_statistics.moving_averages(0)
    assert reading["PyTorch"] < 1e-12 < 0.1 < reading["wrong way round"]
    assert variance["unbiased"] < 1e-12 < 1e-2 < variance["biased"]
    assert variance["normalising"] < 1e-10


def test_whole_statistics_are_those_of_the_set():
    x = mg.randn(50, 3)
    model = nn.Sequential(nn.BatchNorm1d(3))
    running_statistics.whole_statistics(model, x)
    np.testing.assert_allclose(model[0].running_mean.numpy(), x.numpy().mean(0), atol=1e-6)
    np.testing.assert_allclose(model[0].running_var.numpy(), x.numpy().var(0, ddof=1), rtol=1e-5)


def test_the_weight_of_the_new_batch_takes_no_part_in_training():
    from minigrad.lab import data

    settings = {"hidden": [8], "rate": 0.03, "updates": 5, "last": 1}
    split = data.load("digits", 0, most=200)
    models = [running_statistics.train(split, 16, w, settings, seed=0)[1] for w in (0.1, 0.9)]
    for a, b in zip(*(m.parameters() for m in models), strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


def made_up(measurements, lost, error="refused", swap=False):
    changed = copy.deepcopy(measurements)
    for k, r in enumerate(changed["runs"]):
        r["batch of one"] = error
        for batch, by_weight in r["accuracy"].items():
            r["whole"][batch] = 0.9
            by_weight["0.1"] = [0.9 - lost[int(batch)] + 1e-3 * k]
        if swap:
            r["reading"] = {"PyTorch": 1.0, "wrong way round": 0.0}
    return changed


@pytest.mark.parametrize(
    ("lost", "others", "expected"),
    [
        ({4: 0.0, 16: 0.0}, {}, "holds with a limit"),
        ({4: 0.1, 16: 0.0}, {}, "holds with a limit"),
        ({4: 0.0, 16: 0.0}, {"swap": True}, "holds"),
        ({4: 0.0, 16: 0.1}, {}, "does not hold"),
        ({4: 0.0, 16: 0.0}, {"error": None}, "does not hold"),
    ],
)
def test_verdict(measurements, lost, others, expected):
    assert running_statistics.verdict(made_up(measurements, lost, **others)).outcome == expected


def test_two_seeds_are_undecided(measurements):
    few = {**measurements, "runs": measurements["runs"][:2]}
    verdict = running_statistics.verdict(few)
    assert verdict.outcome == "undecided"
    assert "minigrad lab running_statistics --seeds 4" in verdict.reasons[0]
