"""Overhead an operation: 200 chained operations on 8 floats."""

import numpy as np

import minigrad as mg
from benchmarks.harness import Row, peer

TITLE = "Per operation, 200 chained small ones (8 floats, float32)"
LENGTH = 200


def chain(x, y):
    """LENGTH operations: a product, a sum, a tanh and a difference, again and again."""
    h = x
    for _ in range(LENGTH // 4):
        h = h * y
        h = h + x
        h = h.tanh()
        h = h - y
    return h


def numpy_chain(x, y):
    h = x
    for _ in range(LENGTH // 4):
        h = h * y
        h = h + x
        h = np.tanh(h)
        h = h - y
    return h


def numpy_both(x, y):
    """Forward and hand-written backward of the chain."""
    h, kept = x, []
    for _ in range(LENGTH // 4):
        h = np.tanh(h * y + x)
        kept.append(h)
        h = h - y
    dh, dx = np.ones_like(x), np.zeros_like(x)
    for t in reversed(kept):
        dh = dh * (1 - t * t)
        dx = dx + dh
        dh = dh * y
    return dx + dh


def rows(quick):
    values = np.random.default_rng(0).normal(size=(2, 8)).astype(np.float32)

    def both(tensor):
        def step():
            x.grad = None
            chain(x, y).sum().backward()

        x, y = tensor(values[0]), tensor(values[1])
        x.requires_grad_()
        return step

    ours = [mg.tensor(v) for v in values]
    forward = {
        "minigrad": lambda: chain(*ours),
        "NumPy": lambda: numpy_chain(*values),
    }
    backward = {"minigrad": both(mg.tensor), "NumPy by hand": lambda: numpy_both(*values)}
    torch = peer("torch")
    if torch:
        theirs = [torch.tensor(v) for v in values]
        forward["PyTorch"] = lambda: chain(*theirs)
        backward["PyTorch"] = both(torch.tensor)
    yield Row("forward", forward, LENGTH)
    yield Row("forward + backward", backward, LENGTH)
