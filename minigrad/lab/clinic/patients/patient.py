"""What a patient is, and the training loop that all share."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import minigrad as mg
from minigrad.lab import data
from minigrad.lab.training import minibatches, tensors
from minigrad.nn import functional as F

PATIENTS: dict = {}  # {name: Patient}, filled by the decorators `sick` and `healthy`


class Patient(NamedTuple):
    """A network with its data and training; `make(seed)` gives the `Case`."""

    name: str
    illness: str | None  # the name of the finding; None: healthy
    planted: str  # what is wrong, or what the healthy one is
    make: Any
    accepted: tuple = ()  # further findings that are true of it


@dataclass
class Case:
    """What the doctor is given, and the training that it watches; not yet begun."""

    model: Any
    loss: Any
    optimizer: Any
    data: Any  # (x, y)
    train: Any = None  # train(case); None: `fit`
    batch: int = 32
    updates: int = 200


def sick(illness, planted, accepted=()):
    """Make a function of the seed, which returns a `Case`, a patient with this illness."""

    def register(make):
        name = make.__name__.replace("_", " ")
        PATIENTS[name] = Patient(name, illness, planted, make, tuple(accepted))
        return make

    return register


def healthy(planted):
    """Make a function of the seed, which returns a `Case`, a healthy patient."""
    return sick(None, planted)


def fit(case):
    """The training loop of a textbook."""
    for x, y in minibatches(case.data, case.batch, case.updates):
        loss = case.loss(case.model(x), y)
        case.optimizer.zero_grad()
        loss.backward()
        case.optimizer.step()


def digits(seed, most=600):
    """Handwritten digits as tensors: x (N, 64) in [0, 1], y (N,)."""
    return tensors(data.load("digits", seed, most=most).train)


def table(name, scaled=True):
    """A table of scikit-learn as tensors: x (N, features) float32, y (N,)."""
    from sklearn import datasets

    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    if scaled:
        x = (x - x.mean(0)) / x.std(0)
    return mg.tensor(x, dtype=mg.float32), mg.tensor(y)


def classifier(seed, model, rate=0.1, optimizer=None, part=None, **others):
    """A case of `model` on digits with cross-entropy; SGD with momentum unless told otherwise."""
    if optimizer is None:
        optimizer = mg.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    return Case(model, F.cross_entropy, optimizer, part or digits(seed), **others)
