"""Batch norm in training mode, forward and backward."""

from functools import partial

import numpy as np

from benchmarks.harness import Row
from benchmarks.peers import jitted, peer

TITLE = "Batch norm, training mode, forward + backward"
SIZES = (
    (256, 512),
    (32, 64, 28, 28),
    (4096, 256),
    (32, 128),
    (8, 16, 32, 32),
    (64, 3, 64, 64),
    (16, 256, 7, 7),
    (1000, 10),
)
EPS = 1e-5


def normalised(x, weight, bias, np_):
    """The forward, as a formula; also what is needed again backward."""
    axes = (0, *range(2, x.ndim))
    shape = (1, -1) + (1,) * (x.ndim - 2)
    centred = x - x.mean(axis=axes, keepdims=True)
    scale = 1 / np_.sqrt((centred * centred).mean(axis=axes, keepdims=True) + EPS)
    normal = centred * scale
    return normal * weight.reshape(shape) + bias.reshape(shape), normal, scale


def numpy_step(x, g, weight, bias):
    axes = (0, *range(2, x.ndim))
    shape = (1, -1) + (1,) * (x.ndim - 2)
    n = x.size // x.shape[1]
    y, normal, scale = normalised(x, weight, bias, np)
    dbias = g.sum(axis=axes)
    dweight = (g * normal).sum(axis=axes)
    inner = g - (dbias / n).reshape(shape)
    normal *= (dweight / n).reshape(shape)
    inner -= normal
    inner *= weight.reshape(shape) * scale
    return y, inner, dweight, dbias


def framework(name, x, g, weight, bias):
    lib = peer(name)
    x, g, weight, bias = map(lib.tensor, (x, g, weight, bias))
    mean, variance = lib.zeros_like(bias), lib.ones_like(weight)
    for leaf in (x, weight, bias):
        leaf.requires_grad_()
    batch_norm = lib.nn.functional.batch_norm

    def step():
        x.grad = weight.grad = bias.grad = None
        y = batch_norm(x, mean, variance, weight, bias, training=True)
        y.backward(g)
        return y, x.grad, weight.grad, bias.grad

    return step


def jax_step(x, g, weight, bias):
    jax = peer("jax")

    def both(x, g, weight, bias):
        y, back = jax.vjp(lambda *a: normalised(*a, jax.numpy)[0], x, weight, bias)
        return y, *back(g)

    return jitted(both, x, g, weight, bias)


def mygrad_step(x, g, weight, bias):
    mygrad, batchnorm = peer("mygrad"), peer("mygrad.nnet.layers").batchnorm
    x, weight, bias = map(mygrad.tensor, (x, weight, bias))

    def step():
        y = batchnorm(x, gamma=weight, beta=bias, eps=EPS)
        y.backward(g)
        return y, x.grad, weight.grad, bias.grad

    return step


def build(shape, dtype):
    chance = np.random.default_rng(0)
    x, g = chance.standard_normal((2, *shape), dtype)
    arrays = x, g, chance.uniform(0.5, 2, shape[1]).astype(dtype), np.ones(shape[1], dtype)
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
        for shape in SIZES[: 2 if quick else None]:
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            yield Row(
                f"{kind} {shape}",
                partial(build, shape, dtype),
                group=f"{kind} {'1-D' if len(shape) == 2 else '2-D'}",
                work=5 * size,  # what no way can avoid: x read, y written; x, dy read, dx written
                limit=("triad", kind, 4 * size),
                aims={"PyTorch": 2},
                headline=shape in SIZES[:3] and kind == "float32",
            )
