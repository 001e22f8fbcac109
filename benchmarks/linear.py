"""A layer: linear, bias and ReLU, forward and backward."""

from functools import partial

import numpy as np

from benchmarks.harness import Row
from benchmarks.peers import jitted, peer

TITLE = "Linear + bias + ReLU, forward + backward"
SIZES = ((32, 64, 128), (128, 784, 256), (512, 512, 512), (4096, 64, 64), (7, 13, 10))


def numpy_step(x, w, b, g):
    y = x @ w.T
    y += b
    np.maximum(y, 0, out=y)
    d = g * (y > 0)
    return y, d @ w, d.T @ x, d.sum(axis=0)


def framework(name, x, w, b, g):
    lib = peer(name)
    x, w, b, g = map(lib.tensor, (x, w, b, g))
    functional = lib.nn.functional
    for leaf in (x, w, b):
        leaf.requires_grad_()

    def step():
        x.grad = w.grad = b.grad = None
        y = functional.relu(functional.linear(x, w, b))
        y.backward(g)
        return y, x.grad, w.grad, b.grad

    return step


def jax_step(*arrays):
    jax = peer("jax")

    def both(x, w, b, g):
        y, back = jax.vjp(lambda x, w, b: jax.nn.relu(x @ w.T + b), x, w, b)
        return y, *back(g)

    return jitted(both, *arrays)


def mygrad_step(x, w, b, g):
    mygrad, relu = peer("mygrad"), peer("mygrad.nnet.activations").relu
    x, w, b = map(mygrad.tensor, (x, w, b))

    def step():
        y = relu(mygrad.matmul(x, w.T) + b)
        y.backward(g)
        return y, x.grad, w.grad, b.grad

    return step


def build(batch, width, out, dtype):
    chance = np.random.default_rng(0)
    shapes = (batch, width), (out, width), (out,), (batch, out)
    arrays = [chance.standard_normal(shape, dtype) for shape in shapes]
    return {
        "minigrad": partial(framework, "minigrad", *arrays),
        "NumPy": lambda: partial(numpy_step, *arrays),
        "PyTorch": partial(framework, "torch", *arrays),
        "JAX-jit": partial(jax_step, *arrays),
        "MyGrad": partial(mygrad_step, *arrays),
    }


def rows(quick):
    for dtype in (np.float32, np.float64):
        kind = np.dtype(dtype).name
        for batch, width, out in SIZES[: 2 if quick else None]:
            yield Row(
                f"{kind} {batch}×{width}→{out}",
                partial(build, batch, width, out, dtype),
                group=kind,
                work=6.0 * batch * width * out,
                limit=("fma", kind),
                aims={"NumPy": 1.0, "PyTorch": 1.0},
                facts={"dtype": kind},
            )
