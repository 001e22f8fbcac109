"""Softmax cross-entropy, forward and backward."""

import numpy as np

import minigrad as mg
from benchmarks.harness import Row, peer

TITLE = "Softmax cross-entropy, forward + backward (float32)"
SIZES = [(32, 10), (128, 1000), (4096, 100), (64, 50257)]


def numpy_step(z, t):
    rows = np.arange(len(t))
    shifted = z - z.max(axis=1, keepdims=True)
    e = np.exp(shifted)
    total = e.sum(axis=1, keepdims=True)
    loss = (np.log(total[:, 0]) - shifted[rows, t]).mean()
    p = e / total
    p[rows, t] -= 1
    return loss, p / np.float32(len(t))


def framework(lib, functional, z, t):
    z, t = lib.tensor(z), lib.tensor(t)
    z.requires_grad_()

    def step():
        z.grad = None
        functional.cross_entropy(z, t).backward()

    return step


def rows(quick):
    torch = peer("torch")
    chance = np.random.default_rng(0)
    for n, k in SIZES[: 2 if quick else 4]:
        z = chance.normal(size=(n, k)).astype(np.float32)
        t = chance.integers(0, k, n)
        columns = {
            "minigrad": framework(mg, mg.nn.functional, z, t),
            "NumPy": lambda z=z, t=t: numpy_step(z, t),
        }
        if torch:
            columns["PyTorch"] = framework(torch, torch.nn.functional, z, t)
        yield Row(f"({n}, {k})", columns)
