"""The minimum ratio: counts by hand, and the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad import nn
from minigrad.lab.p5 import minimum_ratio
from minigrad.lab.training import network
from minigrad.nn import functional as F

TINY = {"most": 100, "hidden": 2, "stops": [0, 5]}


@pytest.fixture(scope="module")
def measurements():
    return measure("minimum_ratio", TINY)


def test_contract(measurements):
    check("minimum_ratio", measurements)


def test_look_counts_what_numpy_counts():
    mg.manual_seed(0)
    model = network([3, 2, 2], nn.Tanh).double()
    part = mg.randn(20, 3, dtype=mg.float64), mg.tensor([0, 1] * 10)
    values, seen = minimum_ratio.look(model, part, [0.0, 1e-3])
    names, leaves = zip(*model.named_parameters(), strict=True)

    def loss(*weights):
        given = dict(zip(names, weights, strict=True))
        return F.cross_entropy(mg.func.functional_call(model, given, part[0]), part[1])

    gradient = mg.func.grad(loss, argnums=tuple(range(len(leaves))))(*leaves)
    flat = np.concatenate([g.detach().numpy().ravel() for g in gradient])
    assert seen["gradient"] == pytest.approx(np.linalg.norm(flat))
    assert len(values) == len(flat)
    for tolerance, counts in zip((0.0, 1e-3), seen["counts"], strict=True):
        limit = tolerance * abs(values).max()
        assert counts[0] == (values > limit).sum()
        assert counts[2] == (values < -limit).sum()
        assert sum(counts) == len(values)
    assert minimum_ratio.ratio([3, 1, 0]) == 0.75


def made_up(measurements, sure=3, positive=(0.3, 0.3), left=1e-6, flat=0.5, single=0.3):
    """Ratios at tolerance 0 and from 1e-3 on; the rest alike."""
    changed = copy.deepcopy(measurements)
    tolerances = changed["settings"]["tolerances"]
    for r in changed["runs"]:
        stop = r["stops"][-1]
        share = [positive[0] if t < 1e-3 else positive[1] for t in tolerances]
        stop["counts"] = [[int(1000 * s), 0, 1000 - int(1000 * s)] for s in share]
        r["single"] = [[int(1000 * single), 0, 1000 - int(1000 * single)]] * len(tolerances)
        stop.update(sure=sure, flatness=flat, gradient=left * r["stops"][0]["gradient"])
    return changed


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "holds"),
        ({"sure": 0}, "does not hold"),
        ({"positive": (0.8, 0.8), "single": 0.8}, "holds with a limit"),
        ({"positive": (0.5, 0.2), "single": 0.5}, "holds with a limit"),
        ({"left": 0.1}, "holds with a limit"),
        ({"flat": 0.01}, "holds with a limit"),
        ({"single": 0.5}, "holds with a limit"),
    ],
)
def test_verdict(measurements, facts, expected):
    assert minimum_ratio.verdict(made_up(measurements, **facts)).outcome == expected


def test_ratios_of_the_trained_digits_network():
    """64-16-10 tanh after 2000 updates: 0.837, 0.809, 0.712, 0.216 were found independently."""
    trained = measure("minimum_ratio", {"hidden": 16, "stops": [0, 2000]})
    (stop,) = minimum_ratio.last_stops(trained)
    found = [minimum_ratio.at(trained, stop, t) for t in (0.0, 1e-12, 1e-6, 1e-3)]
    np.testing.assert_allclose(found, [0.837, 0.809, 0.712, 0.216], atol=0.08)
    assert trained["runs"][0]["parameters"] == 1210
