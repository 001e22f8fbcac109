"""Running statistics: the rule, the errors, what the momentum touches, the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad import nn
from minigrad.lab import data
from minigrad.lab.p9 import running_statistics
from minigrad.lab.training import network, tensors

TINY = {"most": 200, "hidden": 8, "batches": [8, 32], "usual": 8, "momenta": [0.1, 0.9],
        "epochs": 1, "last": 3}  # fmt: skip


@pytest.fixture(scope="module")
def measurements():
    return measure("running_statistics", TINY)


def test_contract(measurements):
    check("running_statistics", measurements)


def test_the_old_average_keeps_nine_tenths():
    found = running_statistics.rule(np.random.default_rng(3))
    assert found["p"] == pytest.approx(0.9, abs=1e-12)
    assert found["variance"] == pytest.approx(0.9, abs=1e-12)
    assert abs(found["biased"] - 0.9) > 1e-3
    assert found["spread"] < 1e-9
    assert found["normalising"] < 1e-12


def test_running_statistics_by_hand():
    layer = nn.BatchNorm1d(2, dtype=mg.float64)
    x = np.array([[1.0, 10.0], [2.0, 30.0], [6.0, 20.0]])
    layer(mg.from_numpy(x))
    np.testing.assert_allclose(layer.running_mean.numpy(), 0.1 * x.mean(axis=0))
    np.testing.assert_allclose(layer.running_var.numpy(), 0.9 + 0.1 * x.var(axis=0, ddof=1))


def test_a_batch_of_one_fails_in_training_only():
    found = running_statistics.batch_of_one()
    assert "more than 1 value" in found["training"]
    assert found["testing"] is None


def test_whole_statistics_are_those_of_the_whole_part():
    x = mg.from_numpy(np.random.default_rng(0).normal(5, 3, (40, 6)).astype(np.float32))
    mg.manual_seed(0)
    model = network([6, 4, 4, 2], batch_norm=True)
    running_statistics.whole_statistics(model, x)
    expected = model[0](x).detach().numpy()
    np.testing.assert_allclose(model[1].running_mean.numpy(), expected.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(model[1].running_var.numpy(), expected.var(axis=0, ddof=1),
                               rtol=1e-4)  # fmt: skip
    assert model[1].momentum == 0.1


def test_the_momentum_does_not_touch_the_training():
    settings = {"hidden": 8, "rate": 0.01, "epochs": 1, "last": 2}
    split = data.load("digits", 0, most=200)
    parts = tensors(split.train), tensors(split.test)
    whole = [
        running_statistics.train(m, 16, parts, settings, 0, whole=True)[0] for m in (0.1, 0.9)
    ]  # fmt: skip
    assert whole[0] == whole[1]
    running = [running_statistics.train(m, 16, parts, settings, 0)[1] for m in (0.1, 0.9)]
    assert running[0]["batch"] == running[1]["batch"]
    assert running[0]["running"] != running[1]["running"]


def test_the_trace_follows_the_rule(measurements):
    trace = measurements["runs"][0]["trace"]
    for momentum in (0.1, 0.9):
        running = 0.0
        for mean, found in zip(trace["batch"], trace[str(momentum)], strict=True):
            running += momentum * (mean - running)
            assert found == pytest.approx(running, abs=1e-5)


def made_up(measurements, whole=0.9, running=0.9, misread=0.8, p=0.9, spread=1e-3, n=4):
    """n runs with these test accuracies at every batch size."""
    runs = []
    for k in range(n):
        run = copy.deepcopy(measurements["runs"][0])
        run["rule"] |= {"p": p, "variance": p}
        for batch in run["whole"]:
            run["whole"][batch] = whole + spread * k
            run["accuracy"][batch] |= {"0.1": running, "0.9": misread}
        runs.append(run)
    return {**measurements, "runs": runs}


def outcome(measurements):
    return running_statistics.verdict(measurements).outcome


def test_verdict_holds_if_p_were_the_lecture_s(measurements):
    assert outcome(made_up(measurements, p=0.1)) == "holds"


def test_verdict_is_limited_by_p(measurements):
    verdict = running_statistics.verdict(made_up(measurements))
    assert verdict.outcome == "holds with a limit"
    assert "costs 10.0 points at batch size 8" in " ".join(verdict.reasons)
    assert "So p is 0.9, not 0.1" in verdict.reasons[-1]


def test_verdict_is_limited_by_averages_that_lag(measurements):
    verdict = running_statistics.verdict(made_up(measurements, p=0.1, whole=0.92))
    assert verdict.outcome == "holds with a limit"
    assert "lag" in verdict.reasons[-1]


def test_verdict_does_not_hold(measurements):
    assert outcome(made_up(measurements, running=0.8)) == "does not hold"
    for key, value in (("spread", 1e-3), ("normalising", 1e-3), ("variance", 0.8)):
        wrong = made_up(measurements)
        wrong["runs"][1]["rule"][key] = value
        assert outcome(wrong) == "does not hold"
    silent = made_up(measurements)
    silent["runs"][0]["one"]["training"] = None
    assert outcome(silent) == "does not hold"


def test_verdict_is_undecided(measurements):
    assert outcome(made_up(measurements, spread=0.02)) == "undecided"
    assert outcome(made_up(measurements, n=2)) == "undecided"
