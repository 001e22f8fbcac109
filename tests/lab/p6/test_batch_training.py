"""Small against large batch: budgets, training and the verdict's logic."""

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.lab.p6 import batch_training
from minigrad.lab.training import evaluate, network

TINY = {"most": 100, "width": 4, "epochs": 2, "rates": [0.1, 0.5], "checkpoints": 3}


@pytest.fixture(scope="module")
def measurements():
    return measure("batch_training", TINY, seeds=(0, 1, 2))


def test_contract(measurements):
    check("batch_training", measurements)


def test_budgets():
    settings = {"batches": [16, 0], "epochs": 15, "fixed": 30.0, "sample": 0.15}
    small = batch_training.budgets(16, 650, settings)
    assert small == {"epochs": 615, "time": 615, "updates": 615}
    full = batch_training.budgets(650, 650, settings)
    # 615 (30 + 0.15·16) / (30 + 0.15·650)
    assert full == {"epochs": 15, "time": 156, "updates": 615}
    free = batch_training.budgets(650, 650, {**settings, "sample": 0.0})
    assert free["time"] == free["updates"]


def test_full_batch_is_gradient_descent():
    mg.manual_seed(0)
    part = mg.randn(20, 3), mg.tensor([0, 1] * 10)
    mg.manual_seed(1)
    model = network([3, 4, 2])
    weights = {k: v.clone() for k, v in model.state_dict().items()}
    seen = batch_training.train(model, part, part, 20, 0.3, [1, 5])
    again = network([3, 4, 2])
    again.load_state_dict(weights)
    for k in range(5):
        again.zero_grad()
        mg.nn.functional.cross_entropy(again(part[0]), part[1]).backward()
        with mg.no_grad():
            for p in again.parameters():
                p -= 0.3 * p.grad
        if k + 1 in (1, 5):
            assert seen[(k + 1) // 5][0] == pytest.approx(evaluate(again, part)[0], rel=1e-5)


def made_up(epochs, time, updates, n=4):
    """Measurements in which the full batch has these multiples of the smallest batch's loss."""
    runs = []
    for i in range(n):
        base = 0.1 * (1 + 0.1 * i)
        columns = {"4": [base] * 3, "0": [base * v * (1 + 0.01 * i)
                                          for v in (epochs, time, updates)]}  # fmt: skip
        moments = {"epochs": 1, "time": 2, "updates": 3}
        runs.append(
            {
                "samples": 40,
                "updates": {"4": [1, 2, 3], "0": [1, 2, 3]},
                "loss": {b: {"0.1": [None] * 3, "0.5": c} for b, c in columns.items()},
                "train": {b: {"0.1": [0.1] * 3, "0.5": [0.9] * 3} for b in columns},
                "test": {b: {"0.1": [0.1] * 3, "0.5": [0.8] * 3} for b in columns},
                "budget": {
                    "4": {"epochs": 3, "time": 3, "updates": 3},
                    "0": moments,
                },
            }
        )
    settings = {"batches": [4, 0], "rates": [0.1, 0.5], "fixed": 1.0, "sample": 0.1}
    return {"settings": settings, "runs": runs}


@pytest.mark.parametrize(
    ("gaps", "outcome"),
    [
        ((9, 3, 2), "holds"),
        ((9, 0.5, 2), "holds with a limit"),
        ((9, 3, 0.5), "does not hold"),
        ((9, 3, 1.1), "does not hold"),
    ],
)
def test_outcomes(gaps, outcome):
    verdict = batch_training.verdict(made_up(*gaps))
    assert verdict.outcome == outcome
    assert ("too few steps" in " ".join(verdict.reasons)) == (outcome == "does not hold")


def test_an_interval_that_holds_one_is_undecided():
    wide = made_up(9, 3, 1)
    for i, r in enumerate(wide["runs"]):
        r["loss"]["0"]["0.5"][2] *= [0.2, 5.0][i % 2]
    assert batch_training.verdict(wide).outcome == "undecided"


def test_few_seeds_and_overflow_are_undecided():
    assert batch_training.verdict(made_up(9, 3, 0.5, n=2)).outcome == "undecided"
    lost = made_up(9, 3, 0.5)
    lost["runs"][0]["loss"]["0"]["0.5"] = [None] * 3
    assert batch_training.verdict(lost).outcome == "undecided"


def test_the_best_rate_is_chosen_by_loss(measurements):
    run = measurements["runs"][0]
    found = batch_training.at_budget(run, 0, "updates")
    losses = [column[-1] for column in run["loss"]["0"].values()]
    assert found["loss"] == min(losses)
    assert found["rate"] == TINY["rates"][int(np.argmin(losses))]
