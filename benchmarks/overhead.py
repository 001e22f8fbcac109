"""What an operation costs besides its arithmetic: chains of small ones, and single ones."""

from functools import partial

import numpy as np

from benchmarks.harness import Row
from benchmarks.peers import jitted, peer

TITLE = "Overhead an operation, 8 floats (float32)"
LENGTH = 200
SINGLE = {
    "x + y": lambda x, y, m: x + y,
    "x * 2": lambda x, y, m: x * 2.0,
    "m @ m, (8, 8)": lambda x, y, m: m @ m,
    "x.sum()": lambda x, y, m: x.sum(),
    "m.reshape(-1)": lambda x, y, m: m.reshape(-1),
    "m[3]": lambda x, y, m: m[3],
    "m + x, broadcast": lambda x, y, m: m + x,
}


def chain(x, y, tanh):
    """LENGTH operations: a product, a sum, a tanh and a difference, again and again."""
    h = x
    for _ in range(LENGTH // 4):
        h = h * y
        h = h + x
        h = tanh(h)
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


def framework(name, values, backward):
    lib = peer(name)
    x, y = map(lib.tensor, values)
    if not backward:
        return lambda: chain(x, y, lib.tanh)
    x.requires_grad_()

    def step():
        x.grad = None
        chain(x, y, lib.tanh).sum().backward()
        return x.grad

    return step


def jax_step(values, backward):
    jax = peer("jax")

    def total(x, y):
        return chain(x, y, jax.numpy.tanh).sum()

    function = jax.grad(total) if backward else partial(chain, tanh=jax.numpy.tanh)
    return jitted(function, *values)


def mygrad_step(values, backward):
    mygrad = peer("mygrad")
    x, y = mygrad.tensor(values[0], constant=not backward), mygrad.tensor(values[1], constant=True)
    if not backward:
        return lambda: chain(x, y, mygrad.tanh)

    def step():
        chain(x, y, mygrad.tanh).sum().backward()
        return x.grad

    return step


def autograd_step(values, backward):
    autograd, np_ = peer("autograd"), peer("autograd.numpy")
    if not backward:
        return lambda: chain(*values, np_.tanh)
    gradient = autograd.grad(lambda x, y: np_.sum(chain(x, y, np_.tanh)))
    return lambda: gradient(*values)


def chains(backward):
    values = np.random.default_rng(0).normal(size=(2, 8)).astype(np.float32)
    by_hand = partial(numpy_both, *values) if backward else partial(chain, *values, np.tanh)
    return {
        "minigrad": partial(framework, "minigrad", values, backward),
        "NumPy": lambda: by_hand,
        "PyTorch": partial(framework, "torch", values, backward),
        "JAX-jit": partial(jax_step, values, backward),
        "MyGrad": partial(mygrad_step, values, backward),
        "autograd": partial(autograd_step, values, backward),
    }


def single(function):
    chance = np.random.default_rng(0)
    arrays = [chance.normal(size=s).astype(np.float32) for s in (8, 8, (8, 8))]

    def columns(name):
        return partial(function, *map(peer(name).tensor, arrays))

    return {
        "minigrad": partial(columns, "minigrad"),
        "NumPy": lambda: partial(function, *arrays),
        "PyTorch": partial(columns, "torch"),
    }


def rows(quick):
    for backward in (False, True):
        yield Row(
            f"chain of {LENGTH}, " + ("forward + backward" if backward else "forward"),
            partial(chains, backward),
            group="chains",
            per=LENGTH,
            headline=True,
            aims={"PyTorch": 8} if backward else {},
        )
    for name, function in list(SINGLE.items())[: 3 if quick else None]:
        yield Row(name, partial(single, function), group="single operations, forward")
