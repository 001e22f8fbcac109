"""Sharpness, the rescaling that changes nothing but it, and the verdict's logic."""

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.curvature import Hessian
from minigrad.lab.p6 import batch_testing
from minigrad.lab.training import network
from minigrad.nn import functional as F

TINY = {
    "most": 80,
    "width": 4,
    "rates": [0.3],
    "target": 1.8,
    "patience": 400,
    "probes": 4,
    "ascent": 2,
    "alphas": [1.0, 10.0],
}


@pytest.fixture(scope="module")
def small():
    mg.manual_seed(0)
    x = mg.randn(20, 3, dtype=mg.float64)
    return network([3, 4, 2]).double(), (x, mg.tensor([0, 1] * 10))


def test_contract():
    measurements = measure("batch_testing", TINY)
    check("batch_testing", measurements)
    assert measurements["runs"][0]["chosen"] == {"16": "0.3", "0": "0.3"}


def test_a_training_part_without_some_classes():
    run = measure("batch_testing", {**TINY, "train": 3, "target": 0.5})["runs"][0]
    assert run["solutions"]["0"]["0.3"]["reached"]
    assert run["solutions"]["0"]["0.3"]["test accuracy"] < 0.6


def test_rescaling_keeps_the_function_and_changes_the_curvature(small):
    model, part = small
    before = {k: v.clone() for k, v in model.state_dict().items()}
    found = batch_testing.rescaling(model, part, [1.0, 100.0])
    assert max(found["change"]) < 1e-13
    assert found["eigenvalue"][1] > 50 * found["eigenvalue"][0]
    for k, v in model.state_dict().items():
        np.testing.assert_array_equal(v.numpy(), before[k].numpy())


def test_curvature_agrees_with_the_whole_hessian(small):
    model, part = small
    eigenvalue, trace, _ = batch_testing.curvature(model, part, 10**6)
    dense = Hessian(model, F.cross_entropy, part).dense()
    assert eigenvalue == pytest.approx(np.linalg.eigvalsh(dense)[-1], rel=1e-3)
    assert trace == pytest.approx(np.trace(dense), rel=1e-10)


def test_sharpness_stays_in_the_box_and_restores(small):
    model, (x, y) = small
    before = [p.detach().clone().numpy() for p in model.parameters()]
    model.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    box = 1e-6
    found = batch_testing.sharpness(model, (x, y), box, 3)
    # for a tiny box the loss is linear: the rise is box · Σ |g| (|w| + 1)
    model.zero_grad()
    F.cross_entropy(model(x), y).backward()
    rise = sum(float((p.grad.abs() * (p.detach().abs() + 1)).sum()) for p in model.parameters())
    assert found == pytest.approx(100 * box * rise / (1 + loss.item()), rel=1e-3)
    for p, w in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.detach().numpy(), w)


def made_up(gap, ratio, stretch=50.0, n=4, spread=0.001):
    """Measurements with these differences of accuracy and ratios of λmax, and a little spread."""
    runs = []
    for i in range(n):
        wobble = spread * (-1) ** i * (1 + i / 10)
        base = {"trace": 1.0, "sharpness": 1.0}
        small = {**base, "test accuracy": 0.9 + gap / 100 + wobble, "eigenvalue": 1.0}
        large = {**base, "test accuracy": 0.9, "eigenvalue": ratio * (1 + 10 * wobble)}
        rescaled = {"alpha": [1.0, 10.0], "eigenvalue": [1.0, stretch], "change": [0.0, 1e-15]}
        runs.append(
            {
                "solutions": {"16": {"0.1": small}, "0": {"0.1": large}},
                "chosen": {"16": "0.1", "0": "0.1"},
                "rescaled": {"16": rescaled, "0": rescaled},
            }
        )
    return {"settings": {"batches": [16, 0], "target": 0.1}, "runs": runs}


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ((2.0, 3.0), "holds with a limit"),
        ((2.0, 3.0, 2.0), "holds"),
        ((0.0, 3.0), "does not hold"),
        ((2.0, 1.0), "does not hold"),
        ((-2.0, 0.5), "does not hold"),
        ((1.0, 3.0, 50.0, 4, 0.02), "undecided"),
        ((2.0, 3.0, 50.0, 2), "undecided"),
    ],
)
def test_outcomes(values, outcome):
    assert batch_testing.verdict(made_up(*values)).outcome == outcome


def test_seeds_that_missed_the_target_do_not_count():
    missed = made_up(2.0, 3.0, n=3)
    missed["runs"][0]["chosen"]["0"] = None
    verdict = batch_testing.verdict(missed)
    assert verdict.outcome == "undecided"
    assert verdict.key == "2 seeds"
