"""Networks that are not in the clinic: sick in other ways, or healthy although they look odd."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.lab.clinic.patients.patient import digits, table
from minigrad.lab.doctor import Doctor
from minigrad.lab.training import minibatches, network
from minigrad.nn import functional as F

SGD, Adam = mg.optim.SGD, mg.optim.Adam


class Function(nn.Module):
    """Two layers for digits with a function of one's own between or behind them."""

    def __init__(self, forward):
        super().__init__()
        self.first, self.last = nn.Linear(64, 32), nn.Linear(32, 10)
        self.way = forward

    def forward(self, x):
        return self.way(self, x)


def found(model, loss, optimizer, data, batch=32, updates=200, sign=1.0):
    """Names of the findings after a training."""
    with Doctor(model, loss, optimizer, data) as doctor:
        for x, y in minibatches(data, batch, updates):
            value = sign * loss(model(x), y)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    return [finding.name for finding in doctor.diagnosis().findings]


def diabetes():
    """Standardised table and targets of shape (N, 1)."""
    x, y = table("diabetes")
    return x, ((y - y.mean()) / y.std()).float().reshape(-1, 1)


# sick -----------------------------------------------------------------------------------------


def test_sigmoid_before_cross_entropy():
    model = nn.Sequential(*network([64, 32, 10]), nn.Sigmoid())
    names = found(model, F.cross_entropy, Adam(model.parameters(), lr=3e-3), digits(0))
    assert "probabilities-as-logits" in names


@pytest.mark.parametrize("last", [nn.Identity(), nn.Softmax(dim=1)], ids=["logits", "softmax"])
def test_likelihood_of_what_is_no_logarithm(last):
    model = nn.Sequential(*network([64, 32, 10]), last)
    names = found(model, F.nll_loss, SGD(model.parameters(), lr=0.01), digits(0))
    assert "probabilities-as-logits" in names


def test_minus_the_loss():
    model = network([64, 32, 10])
    optimizer = SGD(model.parameters(), lr=0.01)
    names = found(model, F.cross_entropy, optimizer, digits(0), updates=60, sign=-1.0)
    assert "maximised" in names


def test_layers_without_activation():
    model = nn.Sequential(nn.Linear(64, 32), nn.Linear(32, 16), nn.Linear(16, 10))
    names = found(model, F.cross_entropy, Adam(model.parameters(), lr=3e-3), digits(0))
    assert names == ["no-nonlinearity"]


def test_a_rate_that_drowns_in_rounding():
    model = network([10, 16, 1])
    names = found(model, F.mse_loss, mg.optim.RMSprop(model.parameters(), lr=1e-8), diabetes())
    assert names == ["rate-too-small"]


def test_a_bent_valley():
    """Rosenbrock's function, where no straight step leads far."""

    class Banana(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(mg.tensor([-1.5, 2.0]))

        def forward(self, x):
            a, b = self.w[0], self.w[1]
            return mg.stack([1 - a, 10 * (b - a * a)]).reshape(1, 2) * x

    model = Banana()
    data = mg.ones(1, 2), mg.zeros(1, 2)
    names = found(model, F.mse_loss, SGD(model.parameters(), lr=1e-3), data, 1, 400)
    assert names == ["valley"]


def test_dead_units_of_a_function():
    model = Function(lambda self, x: self.last((self.first(x) - 6).relu()))
    names = found(model, F.cross_entropy, SGD(model.parameters(), lr=0.05), digits(0))
    assert "dead-relu" in names


def test_rounding_on_the_way():
    model = Function(lambda self, x: self.last(self.first(x).round()))
    names = found(model, F.cross_entropy, Adam(model.parameters(), lr=3e-3), digits(0))
    assert "no-gradient" in names


def test_targets_shifted_by_a_row():
    x, y = digits(0)
    model = network([64, 32, 10])
    data = x, mg.tensor(np.roll(y.numpy(), 1))
    names = found(model, F.cross_entropy, Adam(model.parameters(), lr=3e-3), data)
    assert names == ["labels-wrong"]


# healthy --------------------------------------------------------------------------------------


def log_softmax(seed):
    model = nn.Sequential(*network([64, 32, 10]), nn.LogSoftmax(dim=1))
    return model, nn.NLLLoss(), SGD(model.parameters(), lr=0.1, momentum=0.9), digits(seed)


def autoencoder(seed):
    x, _ = digits(seed)
    model = nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 64), nn.Sigmoid())
    return model, F.mse_loss, Adam(model.parameters(), lr=1e-2), (x, x)


def summed_loss(seed):
    model = network([64, 32, 10])
    loss = nn.CrossEntropyLoss(reduction="sum")
    return model, loss, SGD(model.parameters(), lr=0.002, momentum=0.9), digits(seed)


def last_layer_zero(seed):
    model = network([64, 32, 10])
    nn.init.zeros_(model[2].weight)
    return model, F.cross_entropy, SGD(model.parameters(), lr=0.1, momentum=0.9), digits(seed)


def two_outputs(seed):
    model = Function(lambda self, x: (self.last(self.first(x).relu()), self.first(x)))
    optimizer = Adam(model.parameters(), lr=3e-3)
    return model, lambda out, y: F.cross_entropy(out[0], y), optimizer, digits(seed)


def fine_tuning(seed):
    """Batch norm keeps the statistics of an earlier training."""
    model, data = network([64, 32, 10], batch_norm=True), digits(seed)
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    for x, y in minibatches(data, 32, 200):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    model[1].eval()
    return model, F.cross_entropy, SGD(model.parameters(), lr=0.01, momentum=0.9), data


def much_noise(seed):
    """A tenth of the variance can be explained."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(400, 5)).astype("f4")
    y = (0.3 * x[:, :1] + rng.normal(size=(400, 1))).astype("f4")
    model = network([5, 16, 1])
    return model, F.mse_loss, Adam(model.parameters(), lr=1e-3), (mg.tensor(x), mg.tensor(y))


HEALTHY = [
    log_softmax, autoencoder, summed_loss, last_layer_zero, two_outputs, fine_tuning, much_noise,
]  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("make", HEALTHY, ids=[make.__name__ for make in HEALTHY])
def test_healthy_networks_get_no_finding(make, seed):
    mg.manual_seed(seed)
    assert found(*make(seed)) == []


@pytest.fixture(autouse=True)
def seeded():
    mg.manual_seed(0)
