"""Warm-up and RAdam: variance of the adaptive rate, thresholds, and the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.lab.p7 import warmup

TINY = {
    "most": 150,
    "drawn": 300,
    "drawn_updates": 30,
    "streams": 3,
    "stream_updates": 8,
    "batch": 12,
    "mlp_updates": 10,
    "mlp_rates": [0.01],
    "attention_depth": 1,
    "attention_updates": 8,
    "attention_rates": [0.01],
}


@pytest.fixture(scope="module")
def measurements():
    return measure("warmup", TINY)


def test_contract(measurements):
    check("warmup", measurements)


def test_warmup_takes_two_over_one_minus_beta2():
    factor = warmup.linear_warmup(0.999)
    assert factor(0) == pytest.approx(1 / 2000)
    assert factor(999) == pytest.approx(0.5)
    assert factor(1999) == factor(5000) == 1


@pytest.mark.parametrize("beta2", [0.9, 0.99, 0.999])
def test_rho_is_one_gradient_first_and_all_that_are_remembered_at_last(beta2):
    assert warmup.rho(1, beta2) == pytest.approx(1)
    assert warmup.rho(100_000, beta2) == pytest.approx(2 / (1 - beta2) - 1)


@pytest.mark.parametrize("beta2", [0.95, 0.99, 0.999])
def test_the_engine_begins_above_five_and_not_above_four(beta2):
    assert warmup.first_adaptive(beta2) == warmup.threshold(beta2, 5)
    assert warmup.first_adaptive(beta2) > warmup.threshold(beta2, 4)


def test_the_adaptive_rate_is_one_over_the_corrected_root():
    w = mg.zeros(2, dtype=mg.float64, requires_grad=True)
    gradients = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 4.0]])
    losses = ((mg.tensor(g) * w).sum() for g in gradients)
    rates = [r.numpy() for r in warmup.adaptive_rates([w], losses, 0.9)]
    for t, rate in enumerate(rates, 1):
        mean = np.average(gradients[:t] ** 2, axis=0, weights=0.9 ** np.arange(t)[::-1])
        np.testing.assert_allclose(rate, mean**-0.5, rtol=1e-12)
    assert w.tolist() == [0, 0]  # nothing moved


def test_drawn_variance_falls_to_the_formula():
    mg.manual_seed(1)
    settings = {"drawn": 3000, "drawn_updates": 200, "drawn_beta2": 0.98}
    found = warmup.drawn_variance(settings)
    assert found[5] > 5 * found[-1]
    assert found[-1] == pytest.approx(warmup.relative_variance(warmup.rho(200, 0.98)), rel=0.3)


def made_up(mlp=(0.5, 0.5), attention=(0.5, 0.5), own=0.1, drawn=(0.2, 0.01), spread=0.02):
    """Four runs; pairs are the final losses of warm-up and RAdam over Adam's."""
    runs = []
    for i in range(4):
        jitter = 1 + spread * (-1) ** i
        losses = {
            kind: {
                warmup.ADAM: [[1.0]],
                warmup.WARMED: [[pair[0] * jitter]],
                warmup.RADAM: [[pair[1] * jitter]],
            }
            for kind, pair in (("mlp", mlp), ("attention", attention))
        }
        drawn_now = [drawn[0] * (1 + 0.01 * i)] * 20 + [drawn[1]]
        runs.append(
            {
                "drawn": drawn_now,
                "own": [own * (1 + 0.01 * i)] * 20,
                "first": {"0.999": 6},
                "losses": losses,
            }
        )
    settings = {"drawn_beta2": 0.99, "mlp_rates": [0.01], "attention_rates": [0.01]}
    return {"settings": settings, "runs": runs, "seeds": [0, 1, 2, 3]}


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"own": 0.2}, "holds"),
        ({"own": 0.01}, "holds with a limit"),
        ({"own": 0.2, "mlp": (1.0, 0.5)}, "holds with a limit"),
        ({"mlp": (1.0, 1.0), "attention": (1.0, 1.1)}, "does not hold"),
        ({"drawn": (0.2, 0.19)}, "does not hold"),
        ({"mlp": (0.9, 0.9), "attention": (0.9, 0.9), "spread": 0.6}, "undecided"),
    ],
)
def test_verdict(facts, outcome):
    assert warmup.verdict(made_up(**facts)).outcome == outcome


def test_two_seeds_are_undecided():
    few = copy.deepcopy(made_up())
    few["runs"] = few["runs"][:2]
    assert warmup.verdict(few).outcome == "undecided"
