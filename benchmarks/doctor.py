"""What the lab's doctor costs while it watches: a training step with and without it.

Steady state: a thousand steps have gone before. The sampled steps are in the mean, since what is
timed is a hundred steps at a time.
"""

from functools import partial

import minigrad as mg
from benchmarks.harness import Row

TITLE = "A training step under the doctor's eyes (float32)"
BEFORE, AT_ONCE = 1000, 100
CASES = {
    "MLP 64→32→10, batch 32, SGD": ((64, 32, 10), 32, partial(mg.optim.SGD, lr=0.05)),
    "MLP 64→64→32→10, batch 64, Adam": ((64, 64, 32, 10), 64, mg.optim.Adam),
    "MLP 784→256→256→10, batch 128, Adam": ((784, 256, 256, 10), 128, mg.optim.Adam),
}


def training(sizes, batch, make, watched):
    """A hundred steps of the loop of a textbook, after a thousand."""
    from minigrad import nn
    from minigrad.nn import functional as F

    mg.manual_seed(0)
    layers = []
    for a, b in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(a, b), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    optimizer = make(model.parameters())
    x, y = mg.randn(16 * batch, sizes[0]), mg.randint(0, sizes[-1], (16 * batch,))
    if watched:
        mg.lab.Doctor(model, F.cross_entropy, optimizer, (x, y)).attach()
    done = 0

    def step(steps=AT_ONCE):
        nonlocal done
        for _ in range(steps):
            k = done % 16 * batch
            loss = F.cross_entropy(model(x[k : k + batch]), y[k : k + batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done += 1

    step(BEFORE)
    return step


def rows(quick):
    """Watched and unwatched, the watched one may take a tenth longer."""
    for name, (sizes, batch, make) in list(CASES.items())[: 2 if quick else None]:
        yield Row(
            name,
            lambda sizes=sizes, batch=batch, make=make: {
                "minigrad": lambda: training(sizes, batch, make, True),
                "without a doctor": lambda: training(sizes, batch, make, False),
            },
            group="doctor",
            per=AT_ONCE,
            aims={"without a doctor": 1 / 1.1},
            tolerance=0,
        )
