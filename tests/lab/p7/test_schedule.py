"""Decay and warm-up: bursts on the valley, schedules, networks, and the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.lab.p7 import schedule

TINY = {
    "most": 150,
    "valley_updates": 120,
    "attention_depth": 1,
    "attention_width": 4,
    "residual_depth": 1,
    "residual_width": 8,
    "batch": 16,
    "updates": 10,
    "warmup": 4,
    "low": 3,
    "attention_rates": [0.01],
    "residual_rates": [0.1],
}


@pytest.fixture(scope="module")
def measurements():
    return measure("schedule", TINY)


def test_contract(measurements):
    check("schedule", measurements)


def test_the_root_mean_rule_bursts_where_it_was_checked():
    # independently, on the closed-form gradient
    x, y = np.array(schedule.X, float), np.array(schedule.Y, float)
    theta, total, losses = np.array(schedule.START), np.zeros(2), []
    for t in range(1, 1901):
        r = y - theta[0] - theta[1] * x
        losses.append(r @ r)
        g = -2 * np.array([r.sum(), r @ x])
        total += g * g
        theta = theta - g / np.sqrt(total / t)
    found, path = schedule.descend(lambda p: schedule.RootMean(p, lr=1.0), lambda t: 1.0, 1899)
    np.testing.assert_allclose(found[:600], losses[:600], rtol=1e-6)
    assert path.shape == (1900, 2)
    # the sideways step grows from rounding: another order of sums moves a burst by one percent
    np.testing.assert_allclose(schedule.bursts(found), [713, 1185, 1734], rtol=0.02)
    np.testing.assert_allclose(schedule.bursts(np.array(losses)), [713, 1185, 1734], rtol=0.02)


def test_decay_cures_the_bursts_and_is_adagrad():
    losses, path = schedule.descend(
        lambda p: schedule.RootMean(p, lr=1.0), lambda t: (t + 1) ** -0.5, 1000
    )
    _, adagrad = schedule.descend(
        lambda p: mg.optim.Adagrad(p, lr=1.0, eps=0.0), lambda t: 1.0, 1000
    )
    assert schedule.bursts(losses) == []
    np.testing.assert_allclose(path, adagrad, rtol=1e-11)


def test_a_burst_is_counted_once_and_early_ones_not():
    losses = np.ones(400)
    losses[[50, 150, 160, 300]] = 1.02
    assert schedule.bursts(losses) == [150, 300]
    assert schedule.bursts(np.where(losses > 1, 1.005, 1)) == []


def test_inverse_root_is_the_papers_formula_over_its_peak():
    def paper(t, warmup=4000):
        return min(t**-0.5, t * warmup**-1.5)

    factor = schedule.inverse_root(4000)
    for t in (1, 100, 4000, 4001, 90_000):
        assert factor(t - 1) == pytest.approx(paper(t) / paper(4000))


def test_low_first_is_a_tenth_and_then_one():
    factors = [schedule.low_first(2)(t) for t in range(4)]
    assert factors == [0.1, 0.1, 1.0, 1.0]
    assert {schedule.low_first(2, grow=False)(t) for t in range(4)} == {1.0}


def test_the_row_reader_sees_the_order_of_the_rows():
    mg.manual_seed(0)
    model = schedule.RowReader(64, 10, 8, 2)
    x = mg.rand(3, 64)
    turned = mg.flip(x.reshape(3, 8, 8), (1,)).reshape(3, 64)
    assert model(x).shape == (3, 10)
    assert (model(x) - model(turned)).abs().max() > 1e-4


def test_a_loss_that_is_not_finite_counts_as_the_worst():
    part = mg.rand(20, 4), mg.randint(0, 3, (20,))
    model = schedule.residual_network(4, 3, 4, 1)
    optimizer = mg.optim.SGD(model.parameters(), lr=1e30)
    losses = schedule.train(model, optimizer, lambda t: 1.0, [part] * 4)
    assert losses[0] < 5
    assert losses[-1] == schedule.WORST


def made_up(attention=(0.5, 1.0), residual=(0.5, 1.0), decayed=(), linear=(), spread=0.02):
    """Four runs with final losses (with, without) of both networks at one rate."""
    valley = {name: {"bursts": [], "away": 1.0} for name in schedule.SCHEDULES}
    valley[schedule.CONSTANT]["bursts"] = [713, 1185]
    valley[schedule.ROOT]["bursts"] = list(decayed)
    valley[schedule.LINEAR]["bursts"] = list(linear)
    runs = []
    for i in range(4):
        sign = (-1) ** i
        networks = {
            kind: {"with": [[losses[0] * (1 + sign * spread)]], "without": [[losses[1]]]}
            for kind, losses in (("attention", attention), ("residual", residual))
        }
        runs.append({"valley": valley, "adagrad": 1e-16, "networks": networks})
    settings = {
        "valley_updates": 2000,
        "valley_rate": 1.0,
        "attention_rates": [0.01],
        "residual_rates": [0.1],
    }
    return {"settings": settings, "runs": runs, "seeds": [0, 1, 2, 3]}


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({}, "holds"),
        ({"linear": [800]}, "holds with a limit"),
        ({"residual": (1.0, 1.0)}, "holds with a limit"),
        ({"residual": (2.0, 1.0)}, "holds with a limit"),
        ({"attention": (2.0, 1.0)}, "holds with a limit"),
        ({"attention": (1.0, 1.0)}, "holds with a limit"),
        ({"decayed": [900]}, "does not hold"),
        ({"attention": (2.0, 1.0), "residual": (2.0, 1.0)}, "does not hold"),
        ({"attention": (0.9, 1.0), "spread": 0.5}, "undecided"),
    ],
)
def test_verdict(facts, outcome):
    assert schedule.verdict(made_up(**facts)).outcome == outcome


def test_a_path_that_is_not_adagrads_refutes():
    wrong = made_up()
    wrong["runs"][0]["adagrad"] = 1e-3
    assert schedule.verdict(wrong).outcome == "does not hold"


def test_the_best_rate_is_each_arms_own():
    both = made_up()
    both["settings"]["attention_rates"] = [0.01, 0.1]
    for run in both["runs"]:
        run["networks"]["attention"] = {"with": [[1.0], [0.5]], "without": [[0.6], [2.0]]}
    assert [schedule.best(both, "attention", arm) for arm in schedule.ARMS] == [1, 0]
    assert schedule.comparison(both, "attention")[0] == pytest.approx(0.5 / 0.6)


def test_two_seeds_are_undecided():
    few = copy.deepcopy(made_up())
    few["runs"] = few["runs"][:2]
    assert schedule.verdict(few).outcome == "undecided"
