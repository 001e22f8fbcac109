"""Training stuck: the records against independent formulas, and the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad import nn
from minigrad.lab.p7 import stuck
from minigrad.lab.training import network

TINY = {
    "most": 100,
    "hidden": 4,
    "updates": 60,
    "window": 30,
    "every": 5,
    "spectrum": 4,
    "after": 5,
}


@pytest.fixture(scope="module")
def measurements():
    return measure("stuck", TINY)


def test_contract(measurements):
    check("stuck", measurements)


@pytest.fixture
def problem():
    mg.manual_seed(0)
    model = network([3, 4, 2], nn.Tanh)
    targets = nn.functional.one_hot(mg.tensor([0, 1, 1, 0, 1, 0, 0]), 2).float()
    return model, (mg.randn(7, 3), targets)


def test_loss_is_half_the_squared_distance_to_the_targets(problem):
    model, (x, y) = problem
    output = model(x).detach().numpy()
    distance = ((output - y.numpy()) ** 2).sum(axis=1)
    assert stuck.squared_error(model(x), y).item() == pytest.approx(distance.mean() / 2, rel=1e-6)


def test_slope_is_the_fall_of_a_short_step(problem):
    model, part = problem
    before, gradient = stuck.slope(model, part)
    optimizer = mg.optim.SGD(model.parameters(), lr=1e-2)
    stuck.step(model, optimizer, part)
    fall = before - stuck.slope(model, part)[0]
    assert fall == pytest.approx(1e-2 * gradient @ gradient, rel=0.1)


def test_sharpest_agrees_with_differences_of_the_gradient(problem):
    model, part = problem
    model.double()
    x, y = part[0].double(), part[1].double()

    def loss():
        return ((model(x) - y) ** 2).sum() / (2 * len(y))

    weights = list(model.parameters())
    start = nn.utils.parameters_to_vector(weights).detach()
    rows = []
    for i in range(start.numel()):
        sides = []
        for sign in (1, -1):
            moved = start.clone()
            moved[i] += sign * 1e-5
            nn.utils.vector_to_parameters(moved, weights)
            gradient = mg.autograd.grad(loss(), weights)
            sides.append(nn.utils.parameters_to_vector(gradient).numpy())
        rows.append((sides[0] - sides[1]) / 2e-5)
    nn.utils.vector_to_parameters(start, weights)
    expected = np.linalg.eigvalsh(np.array(rows)).max()
    assert stuck.sharpest(model.float(), part)[0] == pytest.approx(expected, rel=1e-3)


def test_promise_is_rate_times_updates_times_mean_square(measurements):
    run, settings = measurements["runs"][0], measurements["settings"]
    for arm, record in run["arms"].items():
        late = [
            norm**2
            for t, norm in zip(record["updates"], record["full_norm"], strict=True)
            if t >= settings["updates"] - settings["window"]
        ]
        expected = record["rate"] * settings["window"] * sum(late) / len(late)
        assert run["promise"][arm] == pytest.approx(expected)


def test_full_batches_have_one_gradient(measurements):
    arms = measurements["runs"][0]["arms"]
    for arm, (_, size) in measurements["settings"]["arms"].items():
        same = np.allclose(arms[arm]["batch_norm"], arms[arm]["full_norm"], rtol=1e-4)
        assert same == (size == 0)


def test_training_walks_to_the_edge_of_stability_and_stalls_there():
    arms = {"edge": [1.7, 0], "small rate": [0.1, 0]}
    tiny = {**TINY, "most": 300, "hidden": 8, "updates": 800, "window": 200, "every": 10}
    made = measure("stuck", {**tiny, "arms": arms, "spectrum": 5})
    edge, slow = (stuck.judged(made, arm) for arm in arms)
    assert 0.95 < edge["edge"] < 1.15
    assert edge["promise"][0] > 1 > slow["promise"][0]
    assert slow["fall"] < 2 * slow["promise"][0]  # where it is stable the slope keeps its promise
    assert slow["fall"] > 0.5 * slow["promise"][0]
    assert edge["fall"] < 0.05 * edge["promise"][0]


def test_rates_are_in_units_of_the_stability_limit(measurements):
    for arm, (factor, _) in measurements["settings"]["arms"].items():
        record = measurements["runs"][0]["arms"][arm]
        assert record["rate"] * record["sharpness"][0] / 2 == pytest.approx(factor, rel=1e-2)


def made_up(measurements, fall, promise, count=3):
    """Runs in which each arm falls and promises as given; promises spread by ±10 %."""
    runs = []
    for i in range(count):
        r = copy.deepcopy(measurements["runs"][0])
        r["fall"] = dict(fall)
        r["loss"] = dict.fromkeys(fall, 1.0)
        r["promise"] = {arm: value * (0.9 + 0.1 * i) for arm, value in promise.items()}
        runs.append(r)
    return {**measurements, "seeds": list(range(count)), "runs": runs}


ARMS = ("edge", "mini-batch", "small rate")


@pytest.mark.parametrize(
    ("falls", "promises", "outcome"),
    [
        ((0.1, 0.1, 0.5), (50, 50, 0.6), "holds"),
        ((0.1, 0.1, 0.1), (50, 50, 0.1), "holds with a limit"),
        ((0.1, 0.1, 0.1), (0.1, 0.2, 0.1), "does not hold"),
        ((0.1, 0.1, 0.1), (50, 1.0, 0.1), "undecided"),
        ((0.5, 0.5, 0.5), (50, 50, 0.1), "undecided"),
    ],
)
def test_verdict(measurements, falls, promises, outcome):
    made = made_up(
        measurements,
        dict(zip(ARMS, falls, strict=True)),
        dict(zip(ARMS, promises, strict=True)),
    )
    assert stuck.verdict(made).outcome == outcome


def test_two_seeds_are_too_few(measurements):
    made = made_up(measurements, dict.fromkeys(ARMS, 0.1), dict.fromkeys(ARMS, 50.0), count=2)
    assert stuck.verdict(made).outcome == "undecided"
