"""The digits experiment in a tiny setting, and its verdict on made-up measurements."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.lab import data
from minigrad.lab.p9 import batch_norm
from minigrad.lab.training import network

TINY = {
    "most": 900,
    "width": 32,
    "depth": 1,
    "epochs": 3,
    "tuning_epochs": 1,
    "rates": {"SGD": [0.01, 0.1], "Adam": [0.001, 0.01]},
    "targets": [0.5, 1.5],
    "grid_width": 16,
    "grid_depths": [1, 2],
    "grid_rates": [0.3, 3],
    "grid_updates": 12,
}
WORKS, FAILS = 0.5, 2.3  # losses of a network that trains and of one that does not


@pytest.fixture(scope="module")
def measurements():
    return measure("batch_norm", TINY)


def test_contract(measurements):
    check("batch_norm", measurements, again=False)  # CPU times are among what is measured


def made_up(updates, accuracy=(0.98, 0.98), seconds=None):
    """Measurements in which every run reaches the target after `updates` (without, with).

    On the grid of one depth and two rates, batch norm trains at both, the rest at the smaller.
    """
    runs = []
    for k in range(5):
        arms = {}
        for optimizer in batch_norm.OPTIMIZERS:
            for side, arm in enumerate((optimizer, f"{optimizer} + batch norm")):
                n = updates[optimizer][side] + k  # some spread
                time = (seconds or updates)[optimizer][side] + k
                arms[arm] = {
                    "rate": 0.1,
                    "fine": {"updates": [0, n], "seconds": [0.0, time], "loss": [2.3, 0.01]},
                    "epochs": {"test accuracy": [0.1, accuracy[side] + 1e-4 * k]},
                }
        grid = {
            kind: [[WORKS, WORKS if "batch norm" in kind else None]] for kind in batch_norm.GRID
        }
        tuning = {arm: [0.5] for arm in batch_norm.ARMS}
        start = {"γ": [1.0, 1.0], "β": [0.0, 0.0]}
        runs.append({"arms": arms, "tuning": tuning, "grid": grid, "start": start})
    settings = {
        "targets": [0.1],
        "rates": {name: [0.1] for name in batch_norm.OPTIMIZERS},
        "grid_depths": [3],
        "grid_rates": [1, 10],
        "trained": 1.0,
    }
    return {"settings": settings, "seeds": list(range(5)), "runs": runs}


def test_split_is_stratified_whole_and_disjoint():
    split = data.digits(0)
    assert [len(y) for _, y in split] == [1167, 270, 360]
    whole = np.concatenate([x for x, _ in split])
    assert whole.shape == (1797, 64)
    assert whole.dtype == np.float32
    assert (whole.min(), whole.max()) == (0, 1)
    assert len(np.unique(whole, axis=0)) == 1797  # no image twice: the parts are disjoint
    for _, y in split:
        shares = np.bincount(y, minlength=10) / len(y)
        np.testing.assert_allclose(shares, 0.1, atol=0.01)


def test_network_with_batch_norm_has_no_idle_bias():
    plain, normed = (network([64, 16, 16, 10], batch_norm=bn) for bn in (False, True))
    count = [sum(p.numel() for p in model.parameters()) for model in (plain, normed)]
    assert count[0] == 64 * 16 + 16 + 16 * 16 + 16 + 16 * 10 + 10
    assert count[1] == count[0] - 2 * 16 + 4 * 16
    assert normed(mg.zeros(3, 64)).shape == (3, 10)


def test_tiny_run_learns(measurements):
    run = measurements["runs"][0]
    assert set(run["arms"]) == set(batch_norm.ARMS)
    for arm in run["arms"].values():
        assert arm["fine"]["updates"][-1] == 3 * -(-720 // 32)  # training and validation part
        assert len(arm["epochs"]["test accuracy"]) == 4
        assert arm["fine"]["loss"][-1] < 0.7 * arm["fine"]["loss"][0]
        assert arm["epochs"]["test accuracy"][-1] > 0.6
        assert np.all(np.diff(arm["fine"]["seconds"]) > 0)


def test_a_run_repeats_with_its_seed(measurements):
    again = batch_norm.run(0, measurements["settings"])
    for arm in batch_norm.ARMS:
        first = measurements["runs"][0]["arms"][arm]
        assert again["arms"][arm]["fine"]["loss"] == first["fine"]["loss"]
    for key in ("start", "tuning", "grid"):
        assert again[key] == measurements["runs"][0][key]


def test_gamma_is_one_and_beta_zero_at_the_start(measurements):
    assert measurements["runs"][0]["start"] == {"γ": [1, 1], "β": [0, 0]}


def test_deep_sigmoid_networks_train_with_batch_norm_only():
    settings = {"grid_width": 16, "batch": 32, "grid_updates": 40}
    part = batch_norm.tensors(data.digits(0).train)
    plain, normed = (
        batch_norm.short_training(kind, 4, 3.0, part, settings, 0)
        for kind in ("sigmoid", "sigmoid + batch norm")
    )
    assert plain > 2.2
    assert normed < 1.5


def test_largest_rate_ignores_what_diverged():
    measurements = {"settings": {"grid_rates": [0.1, 1, 10], "trained": 1.5}}
    for losses, expected in (
        ([0.9, 1.4, 2.3], 1),
        ([0.9, 2.0, 1.2], 10),
        ([0.9, None, None], 0.1),
        ([None, 1.6, 2.3], 0),
    ):
        run = {"grid": {"ReLU": [losses]}}
        assert batch_norm.largest_rate(measurements, run, "ReLU", 0) == expected


def test_one_seed_is_undecided_and_names_the_command(measurements):
    verdict = batch_norm.verdict(measurements)
    assert verdict.outcome == "undecided"
    assert "minigrad lab batch_norm --seeds 5" in verdict.reasons[0]


FAST = {"SGD": (200, 100), "Adam": (200, 100)}


@pytest.mark.parametrize(
    ("updates", "others", "expected"),
    [
        (FAST, {}, "holds"),
        ({"SGD": (200, 100), "Adam": (200, 300)}, {}, "holds with a limit"),
        (FAST, {"seconds": {"SGD": (1, 9), "Adam": (1, 9)}}, "holds with a limit"),
        (FAST, {"accuracy": (0.98, 0.95)}, "holds with a limit"),
        ({"SGD": (100, 200), "Adam": (100, 200)}, {}, "does not hold"),
    ],
)
def test_verdict_follows_the_measurement(updates, others, expected):
    assert batch_norm.verdict(made_up(updates, **others)).outcome == expected


def test_verdict_is_undecided_where_the_intervals_hold_one():
    measurements = made_up({"SGD": (100, 100), "Adam": (100, 100)})
    for k, run in enumerate(measurements["runs"]):
        for optimizer in batch_norm.OPTIMIZERS:
            fine = run["arms"][f"{optimizer} + batch norm"]["fine"]
            fine["updates"][1] += 30 if k % 2 else -30
    assert batch_norm.verdict(measurements).outcome == "undecided"


def test_a_missed_target_is_a_bound_and_said():
    measurements = made_up(FAST)
    for run in measurements["runs"]:
        run["arms"]["SGD"]["fine"]["loss"][1] = 1.0
    verdict = batch_norm.verdict(measurements)
    assert verdict.outcome == "holds"  # without batch norm it would take even longer
    assert any("SGD missed the target in 5 of 5" in reason for reason in verdict.reasons)


@pytest.mark.parametrize(
    ("arms", "updates", "expected"),
    [
        (batch_norm.ARMS, {"SGD": (100, 100), "Adam": (100, 100)}, "undecided"),
        (["SGD + batch norm", "Adam + batch norm"], FAST, "undecided"),
        (["SGD", "Adam"], {"SGD": (100, 200), "Adam": (100, 200)}, "undecided"),
        (
            ["SGD + batch norm", "Adam + batch norm"],
            {"SGD": (1, 9), "Adam": (1, 9)},
            "does not hold",
        ),
    ],
)
def test_a_bound_decides_one_way_only(arms, updates, expected):
    measurements = made_up(updates)
    for run in measurements["runs"]:
        for arm in arms:
            run["arms"][arm]["fine"]["loss"][1] = 1.0
    assert batch_norm.verdict(measurements).outcome == expected


def test_the_target_is_the_smallest_that_all_reach():
    measurements = made_up(FAST)
    measurements["settings"]["targets"] = [0.5, 0.001, 0.05]
    assert batch_norm.target_of(measurements) == 0.05
    measurements["runs"][3]["arms"]["Adam"]["fine"]["loss"][1] = 0.2
    assert batch_norm.target_of(measurements) == 0.5
    measurements["runs"][3]["arms"]["Adam"]["fine"]["loss"][1] = 2.0
    assert batch_norm.target_of(measurements) == 0.5  # the largest, missed


def change_grid(measurements, kinds, losses):
    """The same measurements with other losses on the grid."""
    changed = copy.deepcopy(measurements)
    for run in changed["runs"]:
        run["grid"].update({kind: [losses] for kind in kinds})
    return changed


def test_equal_rates_refute_and_one_pair_without_gain_is_a_limit():
    measurements = made_up(FAST)
    both = ["ReLU + batch norm", "sigmoid + batch norm"]
    everywhere = change_grid(measurements, both, [WORKS, FAILS])
    assert batch_norm.verdict(everywhere).outcome == "does not hold"
    verdict = batch_norm.verdict(change_grid(measurements, both[1:], [WORKS, FAILS]))
    assert verdict.outcome == "holds with a limit"
    assert "sigmoid networks of depth 3 train at no larger rate" in verdict.reasons[-1]


def test_what_a_better_start_does_as_well_is_a_limit():
    measurements = change_grid(made_up(FAST), ["ReLU"], [FAILS, None])
    verdict = batch_norm.verdict(measurements)
    assert verdict.outcome == "holds with a limit"
    assert "5 of 5 seeds from He's weights, in 0 from the default" in verdict.reasons[-1]


def test_another_start_of_gamma_refutes():
    measurements = made_up(FAST)
    measurements["runs"][2]["start"]["γ"] = [0.9, 1.0]
    assert batch_norm.verdict(measurements).outcome == "does not hold"
