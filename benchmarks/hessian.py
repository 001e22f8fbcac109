"""Second order: Hessian-vector products and full Hessians of a small network."""

import numpy as np

import minigrad as mg
from benchmarks.harness import Row, peer

TITLE = "Second order, MLP 10→24→20→5, tanh, 128 samples (float32)"
WIDTHS = (10, 24, 20, 5)
BATCH = 128


def problem():
    chance = np.random.default_rng(0)
    shapes = []
    for m, n in zip(WIDTHS, WIDTHS[1:], strict=False):
        shapes += [(n, m), (n,)]
    parameters = [(chance.normal(size=s) / np.sqrt(s[-1])).astype(np.float32) for s in shapes]
    x = chance.normal(size=(BATCH, WIDTHS[0])).astype(np.float32)
    return parameters, x, chance.integers(0, WIDTHS[-1], BATCH)


def network(functional, x, t):
    def loss(*parameters):
        h = x
        for k in range(0, len(parameters), 2):
            h = functional.linear(h, parameters[k], parameters[k + 1])
            if k < len(parameters) - 2:
                h = h.tanh()
        return functional.cross_entropy(h, t)

    return loss


def rows(quick):
    torch = peer("torch")
    arrays, x, t = problem()
    count = sum(a.size for a in arrays)
    places = tuple(range(len(arrays)))

    ours = [mg.tensor(a) for a in arrays]
    loss = network(mg.nn.functional, mg.tensor(x), mg.tensor(t))
    directions = tuple(mg.ones_like(p) for p in ours)
    gradient = {"minigrad": lambda: mg.func.grad(loss, places)(*ours)}
    product = {"minigrad": lambda: mg.func.hvp(loss, tuple(ours), directions)}
    hessian = {"minigrad": lambda: mg.func.hessian(loss, places)(*ours)}
    if torch:
        theirs = [torch.tensor(a) for a in arrays]
        loss_t = network(torch.nn.functional, torch.tensor(x), torch.tensor(t))
        directions_t = tuple(torch.ones_like(p) for p in theirs)
        gradient["PyTorch"] = lambda: torch.func.grad(loss_t, places)(*theirs)
        product["PyTorch"] = lambda: torch.autograd.functional.hvp(
            loss_t, tuple(theirs), directions_t
        )
        hessian["PyTorch"] = lambda: torch.func.hessian(loss_t, places)(*theirs)
    yield Row(f"gradient, {count} parameters", gradient)
    yield Row("Hessian-vector product", product)
    yield Row("full Hessian", hessian)
