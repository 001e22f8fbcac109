"""Adam as RMSProp with momentum: the identity, the checked numbers, the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.lab.p7 import adam

TINY = {
    "most": 200,
    "hidden": 8,
    "identity_updates": 12,
    "updates": 15,
    "early": 5,
    "rates": [1e-3, 1e-2],
    "beta1": [0.5, 0.9],
    "beta2": [0.9, 0.999],
}
SEQUENCE = adam.PARAMETERS["sequence"].value


@pytest.fixture(scope="module")
def measurements():
    return measure("adam", TINY)


def test_contract(measurements):
    check("adam", measurements)


def test_the_identities_hold_and_pytorchs_momentum_is_another_rule(measurements):
    run = measurements["runs"][0]
    assert 0 <= run["identity"] < 1e-11
    assert 0 <= run["no_momentum"] < 1e-11
    assert run["apart"]["mean of g over σ"][-1] < 1e-11
    assert run["apart"]["RMSprop(momentum=0.9)"][-1] > 1


def test_the_checked_numbers(measurements):
    ends = {name: path[-1] for name, path in measurements["runs"][0]["sequence"].items()}
    assert ends["Adam"] == pytest.approx(-0.097, abs=5e-4)
    assert ends["RMSprop(momentum=0.9)"] == pytest.approx(-2.23, abs=5e-3)


def test_the_sequence_against_the_formulas_in_numbers():
    g = np.array(SEQUENCE)
    adams, rms, b = 0.0, 0.0, 0.0
    for t in range(1, len(g) + 1):
        age = np.arange(t)[::-1]
        mean = np.average(g[:t], weights=0.9**age)
        root = np.average(g[:t] ** 2, weights=0.999**age) ** 0.5
        adams -= 0.01 * mean / (root + 1e-8)
        b = 0.9 * b + g[t - 1] / ((0.01 * 0.99**age @ g[:t] ** 2) ** 0.5 + 1e-8)
        rms -= 0.01 * b
    rules = adam.rules(0.01)
    assert adam.fed(rules["Adam"], SEQUENCE)[-1] == pytest.approx(adams, rel=1e-12)
    assert adam.fed(rules["mean of g over σ"], SEQUENCE)[-1] == pytest.approx(adams, rel=1e-12)
    found = adam.fed(rules["RMSprop(momentum=0.9)"], SEQUENCE)[-1]
    assert found == pytest.approx(rms, rel=1e-12)


def test_a_difference_of_updates_is_seen():
    x, y = mg.rand(6, 4, dtype=mg.float64), mg.tensor([0, 1, 2, 0, 1, 2])
    model = mg.nn.Linear(4, 3).double()
    rules = [lambda p, rate=rate: mg.optim.SGD(p, lr=rate) for rate in (0.1, 0.15)]
    assert adam.side_by_side(rules[0], rules[0], model, [(x, y)] * 3) == 0
    assert adam.side_by_side(*rules, model, [(x, y)] * 3) == pytest.approx(0.5)


def test_the_own_rule_keeps_its_state():
    w = mg.tensor([1.0], requires_grad=True)
    optimizer = adam.MeanOverRoot([w], lr=0.1)
    (3 * w).sum().backward()
    optimizer.step()
    assert w.item() == pytest.approx(0.9)  # the first step is η long
    saved = optimizer.state_dict()
    again = adam.MeanOverRoot([w], lr=0.1)
    again.load_state_dict(saved)
    assert again.state[w]["weight_m"] == 1


def made_up(accuracy=(0.95, 0.95), early=(0.3, 0.3), end=(0.1, 0.1), identity=1e-14, apart=5.0):
    """Four runs; pairs are (default, best) with a little spread over the runs."""
    runs = []
    for i in range(4):
        results = [
            {
                "accuracy": accuracy[k] + 1e-3 * ((i + k) % 2),
                "early": early[k] * (1 + 0.01 * ((i + k) % 2)),
                "loss": end[k] * (1 + 0.01 * ((i + k) % 2)) * (1 - 1e-6 * k),
            }
            for k in (0, 1)
        ]
        runs.append(
            {
                "identity": identity,
                "no_momentum": identity,
                "apart": {"mean of g over σ": [0.0], "RMSprop(momentum=0.9)": [apart]},
                "sequence": {"Adam": [-0.097], "RMSprop(momentum=0.9)": [-2.23]},
                "sweep": {
                    "rates": results,
                    "beta1": [results[0]],
                    "beta2": [results[0]],
                },
            }
        )
    settings = {
        "rates": [1e-3, 1e-2],
        "beta1": [0.9],
        "beta2": [0.999],
        "sequence": SEQUENCE,
        "identity_updates": 10,
        "early": 5,
        "updates": 10,
    }
    return {"settings": settings, "runs": runs, "seeds": [0, 1, 2, 3]}


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"apart": 0.001}, "holds"),
        ({}, "holds with a limit"),
        ({"apart": 0.001, "early": (0.9, 0.3)}, "holds with a limit"),
        ({"identity": 1e-3}, "does not hold"),
        ({"accuracy": (0.90, 0.95), "end": (0.2, 0.1)}, "does not hold"),
        ({"accuracy": (0.93, 0.95), "end": (0.2, 0.1)}, "undecided"),
    ],
)
def test_verdict(facts, outcome):
    assert adam.verdict(made_up(**facts)).outcome == outcome


def test_two_seeds_are_undecided():
    few = copy.deepcopy(made_up())
    few["runs"] = few["runs"][:2]
    assert adam.verdict(few).outcome == "undecided"
