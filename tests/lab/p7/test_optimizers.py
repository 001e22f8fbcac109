"""One formula for all methods: identities, surfaces, schedules, and the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.lab.p7 import optimizers
from minigrad.lab.training import tensors

TINY = {
    "most": 150,
    "hidden": 8,
    "identity_updates": 10,
    "updates": 10,
    "starts": 1,
    "surface_updates": 20,
    "surface_rates": {"valley": [-7, 0, 3], "crescent": [-3, 0, 3], "saddle": [-2, 0, 3]},
    "rates": dict.fromkeys(optimizers.METHODS, [0.01]),
}


@pytest.fixture(scope="module")
def measurements():
    return measure("optimizers", TINY)


def test_contract(measurements):
    check("optimizers", measurements)


def test_every_method_is_an_instance_of_the_formula(measurements):
    found = measurements["runs"][0]["identity"]
    assert set(found) == set(optimizers.FORMULA)
    assert max(found.values()) < 1e-12


def test_another_setting_is_not_the_engines_method(monkeypatch):
    part = tensors((np.ones((8, 4), np.float32), np.arange(8) % 3))
    settings = {"batch": 4, "identity_updates": 10}
    assert optimizers.identity("momentum", part, settings, 0) < 1e-12
    wrong = {**optimizers.FORMULA, "momentum": {"m": (0.9, 0.1), "square": None}}
    monkeypatch.setattr(optimizers, "FORMULA", wrong)
    assert optimizers.identity("momentum", part, settings, 0) > 0.1


def test_adams_two_steps_by_hand():
    w = mg.zeros(1, dtype=mg.float64, requires_grad=True)
    optimizer = optimizers.Formula([w], 0.1, **optimizers.FORMULA["Adam"])
    for g in (2.0, -1.0):
        optimizer.zero_grad()
        (g * w).sum().backward()
        optimizer.step()
    m = (0.9 * 0.1 * 2 - 0.1) / (1 - 0.9**2)
    v = (0.999 * 0.001 * 4 + 0.001) / (1 - 0.999**2)
    assert w.item() == pytest.approx(-0.1 - 0.1 * m / v**0.5, rel=1e-7)


@pytest.mark.parametrize("surface", list(optimizers.SURFACES))
def test_the_surfaces_have_their_minimum_where_they_say(surface):
    loss, least, near, _ = optimizers.SURFACES[surface]
    slope, b = np.polyfit(
        [338, 333, 328, 207, 226, 25, 179, 60, 208, 606],
        [640, 633, 619, 393, 428, 27, 193, 66, 226, 1591],
        1,
    )
    at = {"valley": [b, slope], "crescent": [1.0, 1.0], "saddle": [0.5, 2.0]}[surface]
    assert loss(mg.tensor([at], dtype=mg.float64)).item() == pytest.approx(least, abs=near / 1e3)
    aside = mg.tensor([[at[0] + 3, at[1] - 1]], dtype=mg.float64)
    assert loss(aside).item() > least + near


def test_settled_updates_against_plain_descent_written_out():
    settings = {
        "surface_rates": {"saddle": [-1.0, -1.0, 1]},
        "surface_updates": 100,
        "warmup": 0.1,
    }
    start = np.array([0.5, -0.4])
    counts, path = optimizers.explore("saddle", "gradient descent", [start.tolist()], settings)
    w, settled = start.copy(), 0
    for t in range(100):
        if t % 2 == 0:  # every second point is kept
            np.testing.assert_allclose(path[t // 2], w)
        if (1 - w[0] * w[1]) ** 2 >= 0.01:
            settled = t + 1
        w = w + 0.1 * 2 * (1 - w[0] * w[1]) * w[::-1]
    assert 0 < settled < 100
    assert counts[0] == pytest.approx(settled)


def test_the_full_formulas_rate_grows_and_falls():
    factors = np.array([optimizers.warm_then_down(100, 0.1)(t) for t in range(101)])
    assert factors.argmax() in (9, 10)
    assert (np.diff(factors[:10]) > 0).all()
    assert (np.diff(factors[10:]) < 0).all()
    assert factors[-1] == 0


def made_up(others=None, updates=None, identity=1e-16, spread=0.02):
    """Four runs: training loss of the full formula 1, of the others as given (2 otherwise)."""
    runs = []
    for i in range(4):
        jitter = 1 + spread * (-1) ** i
        losses = {m: (others or {}).get(m, 2.0) * jitter for m in optimizers.METHODS}
        losses[optimizers.FULL] = 1.0
        counts = {m: [(updates or {}).get(m, 200.0)] for m in optimizers.METHODS}
        counts[optimizers.FULL] = [100.0 * jitter]
        runs.append(
            {
                "identity": dict.fromkeys(optimizers.FORMULA, identity),
                "surfaces": dict.fromkeys(optimizers.SURFACES, counts),
                "images": {
                    m: [{"train": v, "validation": v, "accuracy": 0.9}] for m, v in losses.items()
                },
            }
        )
    return {"settings": {"surface_updates": 400}, "runs": runs, "seeds": [0, 1, 2, 3]}


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({}, "holds"),
        ({"others": {"Adam": 1.0}}, "holds with a limit"),
        ({"others": {"momentum": 0.5}}, "holds with a limit"),
        ({"updates": {"Adagrad": 10.0}}, "holds with a limit"),
        ({"others": {"gradient descent": 0.5}}, "does not hold"),
        ({"identity": 1e-3}, "does not hold"),
        ({"others": {"gradient descent": 1.0}, "spread": 0.5}, "undecided"),
    ],
)
def test_verdict(facts, outcome):
    assert optimizers.verdict(made_up(**facts)).outcome == outcome


def test_the_rate_is_chosen_by_validation_and_not_by_training():
    both = made_up()
    for run in both["runs"]:
        run["images"]["Adam"] = [
            {"train": 0.1, "validation": 3.0, "accuracy": 0.5},
            {"train": 0.3, "validation": 1.0, "accuracy": 0.9},
        ]
    assert optimizers.chosen(both, "Adam") == 1
    assert optimizers.ends(both, "Adam", "train") == [0.3] * 4


def test_two_seeds_are_undecided():
    few = copy.deepcopy(made_up())
    few["runs"] = few["runs"][:2]
    assert optimizers.verdict(few).outcome == "undecided"
