"""Softmax and softmax cross-entropy."""

from functools import partial

import numpy as np

from benchmarks.harness import Row
from benchmarks.peers import jitted, peer

TITLE = "Softmax cross-entropy, forward + backward; softmax, forward"
SIZES = ((128, 1000), (4096, 100), (64, 50257), (32, 10), (1000, 1000), (16, 8000), (20000, 10))
AIMED = SIZES[:3]


def numpy_step(z, t):
    rows = np.arange(len(t))
    shifted = z - z.max(axis=1, keepdims=True)
    p = np.exp(shifted)
    total = p.sum(axis=1, keepdims=True)
    loss = (np.log(total[:, 0]) - shifted[rows, t]).mean()
    p /= total
    p[rows, t] -= 1
    p *= z.dtype.type(1 / len(t))
    return loss, p


def framework(name, z, t):
    lib = peer(name)
    z, t = lib.tensor(z), lib.tensor(t)
    z.requires_grad_()
    cross_entropy = lib.nn.functional.cross_entropy

    def step():
        z.grad = None
        loss = cross_entropy(z, t)
        loss.backward()
        return loss, z.grad

    return step


def jax_step(z, t):
    jax = peer("jax")

    def loss(z, t):
        return -jax.numpy.take_along_axis(jax.nn.log_softmax(z), t[:, None], 1).mean()

    return jitted(jax.value_and_grad(loss), z, t)


def mygrad_step(z, t):
    mygrad, losses = peer("mygrad"), peer("mygrad.nnet.losses")
    z = mygrad.tensor(z)

    def step():
        loss = losses.softmax_crossentropy(z, t)
        loss.backward()
        return loss, z.grad

    return step


def build(shape, dtype):
    chance = np.random.default_rng(0)
    z = chance.standard_normal(shape, dtype)
    t = chance.integers(0, shape[1], shape[0])
    return {
        "minigrad": partial(framework, "minigrad", z, t),
        "NumPy": lambda: partial(numpy_step, z, t),
        "PyTorch": partial(framework, "torch", z, t),
        "JAX-jit": partial(jax_step, z, t),
        "MyGrad": partial(mygrad_step, z, t),
    }


def numpy_softmax(z):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return p


def build_softmax(shape, dtype):
    z = np.random.default_rng(0).standard_normal(shape, dtype)

    def framework(name):
        lib = peer(name)
        return partial(lib.nn.functional.softmax, lib.tensor(z), dim=1)

    return {
        "minigrad": partial(framework, "minigrad"),
        "NumPy": lambda: partial(numpy_softmax, z),
        "PyTorch": partial(framework, "torch"),
        "JAX-jit": lambda: jitted(peer("jax").nn.softmax, z),
    }


def rows(quick):
    kinds = [(np.dtype(d).name, d) for d in (np.float32, np.float64)]
    for kind, dtype in kinds:
        for shape in SIZES[: 2 if quick else None]:
            size = shape[0] * shape[1] * np.dtype(dtype).itemsize
            yield Row(
                f"{kind} cross-entropy {shape}",
                partial(build, shape, dtype),
                group=f"{kind} cross-entropy",
                work=2 * size,  # what no way can avoid: logits read, their gradient written
                limit=("copy", kind, 2 * size),
                aims={"PyTorch": 3, "NumPy": 8} if shape in AIMED else {"PyTorch": 1, "NumPy": 1},
                headline=shape in AIMED and kind == "float32",
            )
    for kind, dtype in kinds:
        for shape in SIZES[: 2 if quick else None]:
            size = shape[0] * shape[1] * np.dtype(dtype).itemsize
            yield Row(
                f"{kind} softmax {shape}",
                partial(build_softmax, shape, dtype),
                group=f"{kind} softmax",
                work=2 * size,
                limit=("copy", kind, 2 * size),
                aims={"PyTorch": 1, "NumPy": 1},
            )
