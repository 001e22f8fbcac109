"""Where the methods go: all settings of a surface descend side by side in one loop."""

from typing import NamedTuple

import numpy as np

import minigrad as mg
from minigrad import optim
from minigrad.lab.words import say


class Method(NamedTuple):
    """A method of the playground."""

    name: str
    title: str
    optimizer: type
    options: dict
    momentum: bool = False  # has that control
    adaptive: bool = False  # its rate is a length


METHODS = (
    Method("gd", say("gradient descent"), optim.SGD, {}),
    Method("momentum", say("momentum"), optim.SGD, {}, momentum=True),
    Method("nesterov", say("Nesterov"), optim.SGD, {"nesterov": True}, momentum=True),
    Method("adagrad", say("Adagrad"), optim.Adagrad, {}, adaptive=True),
    Method("rmsprop", say("RMSProp"), optim.RMSprop, {}, adaptive=True),
    Method("adam", say("Adam"), optim.Adam, {}, adaptive=True),
    Method("radam", say("RAdam"), optim.RAdam, {}, adaptive=True),
)

MOMENTA = (0.5, 0.9, 0.99)  # momentum 0 is gradient descent

WARM_UP = 0.2  # of the updates, the rate rises linearly


class Setting(NamedTuple):
    """One leaf of the loop; its rows are the starts."""

    method: Method
    rate: float
    momentum: float
    warm_up: bool

    @property
    def options(self):
        """What the optimizer is told."""
        momentum = {"momentum": self.momentum} if self.method.momentum else {}
        return {"lr": self.rate, **momentum, **self.method.options}


def settings(surface):
    """All settings of a surface: by method, momentum, warm-up, rate."""
    return [
        Setting(method, rate, momentum, warm_up)
        for method in METHODS
        for momentum in (MOMENTA if method.momentum else (0,))
        for warm_up in (False, True)
        for rate in (surface.lengths if method.adaptive else surface.rates)
    ]


def schedule(setting, updates):
    """The factor of the rate as a function of the update."""
    steps = round(WARM_UP * updates) if setting.warm_up else 1
    return lambda t: min(1.0, (t + 1) / steps)


def descend(surface, chosen):
    """The paths of the chosen settings.

    Returns
    -------
    paths : ndarray, (updates + 1, settings, starts, d)
    losses : ndarray, (updates + 1, settings, starts)
    """
    start = mg.tensor([list(place.at) for place in surface.starts], dtype=mg.float64)
    leaves = [start.clone().requires_grad_() for _ in chosen]
    optimizers = []
    for kind in dict.fromkeys(setting.method.optimizer for setting in chosen):
        mine = [(p, s) for p, s in zip(leaves, chosen) if s.method.optimizer is kind]
        optimizer = kind([{"params": [p], **s.options} for p, s in mine])
        factors = [schedule(s, surface.updates) for _, s in mine]
        optimizers.append((optimizer, optim.lr_scheduler.LambdaLR(optimizer, factors)))
    paths, losses = [], []
    with np.errstate(all="ignore"):  # what diverges overflows
        for _ in range(surface.updates + 1):
            w = mg.stack(leaves)
            loss = surface.loss(w)
            paths.append(w.detach().numpy().copy())
            losses.append(loss.detach().numpy().copy())
            loss.sum().backward()
            for optimizer, scheduler in optimizers:
                optimizer.step()
                optimizer.zero_grad()
                scheduler.step()
    return np.array(paths), np.array(losses)
