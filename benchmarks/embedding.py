"""Embedding: rows of a table picked, and their gradients added up where they came from."""

from functools import partial

import numpy as np

from benchmarks.harness import Row
from benchmarks.peers import jitted, peer

TITLE = "Embedding, forward + backward (float32)"
# rows of the table, width, shape of the indices
SIZES = ((1000, 64, (128,)), (10000, 256, (32, 64)), (50257, 256, (8, 256)), (27, 10, (32, 3)))


def numpy_step(w, i, g):
    y = w[i]
    dw = np.zeros_like(w)
    np.add.at(dw, i, g)
    return y, dw


def framework(name, w, i, g):
    lib = peer(name)
    w, i, g = map(lib.tensor, (w, i, g))
    w.requires_grad_()
    embedding = lib.nn.functional.embedding

    def step():
        w.grad = None
        y = embedding(i, w)
        y.backward(g)
        return y, w.grad

    return step


def jax_step(w, i, g):
    jax = peer("jax")

    def both(w, i, g):
        y, back = jax.vjp(lambda w: w[i], w)
        return y, *back(g)

    return jitted(both, w, i, g)


def mygrad_step(w, i, g):
    w = peer("mygrad").tensor(w)

    def step():
        y = w[i]
        y.backward(g)
        return y, w.grad

    return step


def build(count, width, shape):
    chance = np.random.default_rng(0)
    w = chance.standard_normal((count, width), np.float32)
    g = chance.standard_normal((*shape, width), np.float32)
    arrays = w, chance.integers(0, count, shape), g
    return {
        "minigrad": partial(framework, "minigrad", *arrays),
        "NumPy": lambda: partial(numpy_step, *arrays),
        "PyTorch": partial(framework, "torch", *arrays),
        "JAX-jit": partial(jax_step, *arrays),
        "MyGrad": partial(mygrad_step, *arrays),
    }


def rows(quick):
    for count, width, shape in SIZES[: 2 if quick else None]:
        yield Row(
            f"table ({count}, {width}), indices {shape}",
            partial(build, count, width, shape),
            aims={"PyTorch": 1.0, "NumPy": 1.0},
        )
