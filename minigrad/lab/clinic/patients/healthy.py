"""Healthy networks: the doctor should find nothing."""

import minigrad as mg
from minigrad import nn
from minigrad.lab.clinic.patients.patient import (
    Case,
    classifier,
    digits,
    healthy,
    minibatches,
    table,
)
from minigrad.lab.training import network
from minigrad.nn import functional as F


@healthy("ReLU network on digits, SGD with momentum")
def relu_network(seed):
    return classifier(seed, network([64, 32, 10]), rate=0.05)


@healthy("ReLU network on digits, Adam with its defaults")
def adam_network(seed):
    model = network([64, 64, 32, 10])
    return classifier(seed, model, optimizer=mg.optim.Adam(model.parameters()), updates=300)


@healthy("batch norm after both hidden layers, larger learning rate")
def normalised_network(seed):
    return classifier(seed, network([64, 32, 32, 10], batch_norm=True), rate=0.1)


@healthy("convolutions and pooling on the 8×8 images")
def convolutional_network(seed):
    model = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(256, 10),
    )
    return classifier(seed, model, optimizer=mg.optim.Adam(model.parameters(), lr=3e-3))


@healthy("regression on the standardised diabetes table, both of shape (N, 1)")
def regression(seed):
    x, y = table("diabetes")
    y = ((y - y.mean()) / y.std()).float().reshape(-1, 1)
    model = network([10, 16, 1], nn.Tanh)
    optimizer = mg.optim.Adam(model.parameters(), lr=3e-3)
    return Case(model, F.mse_loss, optimizer, (x, y))


@healthy("logistic regression on the standardised breast cancer table")
def logistic_regression(seed):
    x, y = table("breast_cancer")
    model = nn.Sequential(nn.Linear(30, 1), nn.Flatten(0))
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    return Case(model, nn.BCEWithLogitsLoss(), optimizer, (x, y.float()))


@healthy("tanh network, plain gradient descent on all data at once")
def full_batch(seed):
    part = digits(seed, 400)
    model = network([64, 16, 10], nn.Tanh)
    optimizer = mg.optim.SGD(model.parameters(), lr=0.5)
    return classifier(seed, model, optimizer=optimizer, part=part, batch=len(part[1]))


class Rows(nn.Module):
    """A GRU that reads an image row by row."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(8, 24, batch_first=True)
        self.head = nn.Linear(24, 10)

    def forward(self, x):
        outputs, _ = self.gru(x.reshape(-1, 8, 8))
        return self.head(outputs[:, -1])


@healthy("a GRU that reads the images row by row")
def recurrent_network(seed):
    model = Rows()
    return classifier(seed, model, optimizer=mg.optim.Adam(model.parameters(), lr=5e-3))


@healthy("trained to the end: the loss is nearly zero, the gradient too")
def finished_training(seed):
    model = network([64, 32, 10])
    part = tuple(t[:150] for t in digits(seed))
    optimizer = mg.optim.Adam(model.parameters(), lr=1e-2)
    return classifier(seed, model, optimizer=optimizer, part=part, updates=400)


@healthy("only thirty updates so far")
def young_training(seed):
    return classifier(seed, network([64, 32, 10]), rate=0.05, updates=30)


@healthy("dropout and layer norm, AdamW")
def regularised_network(seed):
    model = nn.Sequential(
        nn.Linear(64, 48), nn.LayerNorm(48), nn.ReLU(), nn.Dropout(0.3), nn.Linear(48, 10)
    )
    return classifier(seed, model, optimizer=mg.optim.AdamW(model.parameters(), lr=3e-3))


def accumulate(case):
    """Four mini-batches for each update."""
    for k, (x, y) in enumerate(minibatches(case.data, 8, 4 * case.updates)):
        (case.loss(case.model(x), y) / 4).backward()
        if k % 4 == 3:
            case.optimizer.step()
            case.optimizer.zero_grad()


@healthy("gradients of four mini-batches are added up before each update")
def accumulated_gradients(seed):
    return classifier(seed, network([64, 32, 10]), rate=0.05, train=accumulate, updates=100)


@healthy("a frozen first layer, on purpose: only the rest is trained")
def frozen_features(seed):
    model = network([64, 64, 10])
    model[0].requires_grad_(False)
    return classifier(seed, model, optimizer=mg.optim.Adam(model[2].parameters(), lr=5e-3))


@healthy("small batches of four, a learning rate to match")
def small_batches(seed):
    return classifier(seed, network([64, 32, 10]), rate=0.005, batch=4, updates=400)
