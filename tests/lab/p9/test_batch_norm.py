"""The digits experiment in a tiny setting, and its verdict on made-up measurements."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.lab import data, select
from minigrad.lab.p9 import batch_norm

TINY = {
    "width": 32,
    "depth": 1,
    "epochs": 3,
    "tuning_epochs": 1,
    "rates": {"SGD": [0.01, 0.1], "Adam": [0.001, 0.01]},
    "target": 0.5,
}


@pytest.fixture(scope="module")
def measurements():
    settings = {**select(["batch_norm"])[0].settings(), **TINY}
    return {"settings": settings, "seeds": [0], "runs": [batch_norm.run(0, settings)]}


def made_up(updates, accuracy=(0.98, 0.98), seconds=None):
    """Measurements in which every run reaches the target after `updates` (without, with)."""
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
        runs.append({"arms": arms, "tuning": {arm: [0.5] for arm in batch_norm.ARMS}})
    settings = {"target": 0.1, "rates": {name: [0.1] for name in batch_norm.OPTIMIZERS}}
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
    plain, normed = batch_norm.network(False, 16, 2), batch_norm.network(True, 16, 2)
    count = [sum(p.numel() for p in model.parameters()) for model in (plain, normed)]
    assert count[0] == 64 * 16 + 16 + 16 * 16 + 16 + 16 * 10 + 10
    assert count[1] == count[0] - 2 * 16 + 4 * 16
    assert normed(mg.zeros(3, 64)).shape == (3, 10)


def test_tiny_run_learns(measurements):
    run = measurements["runs"][0]
    assert set(run["arms"]) == set(batch_norm.ARMS)
    for arm in run["arms"].values():
        assert arm["fine"]["updates"][-1] == 3 * 45
        assert len(arm["epochs"]["test accuracy"]) == 4
        assert arm["fine"]["loss"][-1] < 0.7 * arm["fine"]["loss"][0]
        assert arm["epochs"]["test accuracy"][-1] > 0.8
        assert np.all(np.diff(arm["fine"]["seconds"]) > 0)


def test_a_run_repeats_with_its_seed(measurements):
    again = batch_norm.run(0, measurements["settings"])
    for arm in batch_norm.ARMS:
        first = measurements["runs"][0]["arms"][arm]
        assert again["arms"][arm]["fine"]["loss"] == first["fine"]["loss"]


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
    assert any("SGD missed the target in 5 of 5" in reason for reason in verdict.reasons)
