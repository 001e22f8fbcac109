"""Second order: Hessian-vector products and full Hessians of small networks."""

from functools import partial

import numpy as np

import minigrad as mg
from benchmarks.harness import OURS, Row
from benchmarks.peers import jitted, peer

TITLE = "Second order, tanh networks, cross-entropy, 128 samples (float32)"
NETS = ((16, 32, 10), (10, 24, 20, 5), (2, 8, 3))
BATCH = 128


def problem(widths):
    chance = np.random.default_rng(0)
    shapes = [s for m, n in zip(widths, widths[1:]) for s in ((n, m), (n,))]
    parameters = [(chance.normal(size=s) / np.sqrt(s[-1])).astype(np.float32) for s in shapes]
    x = chance.normal(size=(BATCH, widths[0])).astype(np.float32)
    return parameters, x, chance.integers(0, widths[-1], BATCH)


def network(lib, x, t):
    """The loss as a function of the parameters, in minigrad or PyTorch."""
    functional = lib.nn.functional

    def loss(*parameters):
        h = x
        for k in range(0, len(parameters), 2):
            h = functional.linear(h, parameters[k], parameters[k + 1])
            if k < len(parameters) - 2:
                h = h.tanh()
        return functional.cross_entropy(h, t)

    return loss


def plain_network(np_, x, t):
    """The same for JAX and autograd."""

    def loss(parameters):
        h = x
        for k in range(0, len(parameters), 2):
            h = h @ parameters[k].T + parameters[k + 1]
            if k < len(parameters) - 2:
                h = np_.tanh(h)
        h = h - np_.max(h, axis=1, keepdims=True)
        return np_.mean(np_.log(np_.sum(np_.exp(h), axis=1)) - h[np.arange(len(t)), t])

    return loss


def framework(name, what, widths):
    lib = peer(name)
    arrays, x, t = problem(widths)
    parameters = tuple(map(lib.tensor, arrays))
    directions = tuple(lib.ones_like(p) for p in parameters)
    loss = network(lib, lib.tensor(x), lib.tensor(t))
    places = tuple(range(len(arrays)))
    if what == "gradient":
        return partial(lib.func.grad(loss, places), *parameters)
    if what == "hessian":
        return partial(lib.func.hessian(loss, places), *parameters)
    if name == "torch":
        product = lib.autograd.functional.hvp
        return lambda: product(loss, parameters, directions)[1]
    return lambda: mg.func.hvp(loss, parameters, directions)[1]


def jax_step(what, widths):
    jax = peer("jax")
    arrays, x, t = problem(widths)
    loss = plain_network(jax.numpy, x, t)
    if what == "gradient":
        return jitted(jax.grad(loss), arrays)
    if what == "hessian":
        return jitted(jax.hessian(loss), arrays)
    ones = [np.ones_like(a) for a in arrays]
    return jitted(lambda p, v: jax.jvp(jax.grad(loss), (p,), (v,))[1], arrays, ones)


def autograd_step(what, widths):
    """autograd differentiates by one argument: the parameters in one vector."""
    autograd, np_ = peer("autograd"), peer("autograd.numpy")
    arrays, x, t = problem(widths)
    ends = np.cumsum([0] + [a.size for a in arrays])
    loss = plain_network(np_, x, t)

    def flat(v):
        return loss([v[i:j].reshape(a.shape) for a, i, j in zip(arrays, ends, ends[1:])])

    v = np.concatenate([a.ravel() for a in arrays])
    ones = np.ones_like(v)
    if what == "gradient":
        gradient = autograd.grad(flat)
        return lambda: list(np.split(gradient(v), ends[1:-1]))
    product = autograd.hessian_vector_product(flat)
    return lambda: list(np.split(product(v, ones), ends[1:-1]))


def build(what, widths):
    columns = {
        "minigrad": partial(framework, "minigrad", what, widths),
        "PyTorch": partial(framework, "torch", what, widths),
        "JAX-jit": partial(jax_step, what, widths),
    }
    if what != "hessian":
        columns["autograd"] = partial(autograd_step, what, widths)
    return columns


def rows(quick):
    for widths in NETS[: 1 if quick else None]:
        count = sum(n * (m + 1) for m, n in zip(widths, widths[1:]))
        net = f"{'→'.join(map(str, widths))} ({count})"
        for what, name in (("gradient", "gradient"), ("hvp", "H v"), ("hessian", "full Hessian")):
            aims = {} if what == "gradient" else {"PyTorch": 3}
            yield Row(
                f"{name}, {net}",
                partial(build, what, widths),
                group=name,
                aims=aims,
                headline=widths == NETS[0],
                facts={"what": what, "net": net},
                tolerance=1e-2 if what == "hessian" else 1e-3,  # near-zero blocks, float32
            )


def summary(results):
    """H v in gradients: what it costs beside one of our own."""
    times = {(r.facts["net"], r.facts["what"]): r.medians.get(OURS) for r in results}
    for net, what in times:
        if what == "hvp" and times.get((net, "gradient")) and times[net, what]:
            yield f"{net}: H v costs {times[net, what] / times[net, 'gradient']:.1f} gradients"
