"""Layer norm over the last axis, forward and backward."""

from functools import partial

import numpy as np

from benchmarks.harness import Row
from benchmarks.peers import jitted, peer

TITLE = "Layer norm, last axis, forward + backward"
SIZES = ((256, 512), (4096, 256), (32, 128), (8, 128, 768), (64, 4096), (20000, 32))
EPS = 1e-5


def normalised(x, weight, bias, np_):
    """The forward, as a formula; also what is needed again backward."""
    centred = x - x.mean(axis=-1, keepdims=True)
    scale = 1 / np_.sqrt((centred * centred).mean(axis=-1, keepdims=True) + EPS)
    normal = centred * scale
    return normal * weight + bias, normal, scale


def numpy_step(x, g, weight, bias):
    y, normal, scale = normalised(x, weight, bias, np)
    lead = tuple(range(x.ndim - 1))
    dbias = g.sum(axis=lead)
    dweight = (g * normal).sum(axis=lead)
    d = g * weight
    inner = d - d.mean(axis=-1, keepdims=True)
    normal *= (d * normal).mean(axis=-1, keepdims=True)
    inner -= normal
    inner *= scale
    return y, inner, dweight, dbias


def framework(name, x, g, weight, bias):
    lib = peer(name)
    x, g, weight, bias = map(lib.tensor, (x, g, weight, bias))
    for leaf in (x, weight, bias):
        leaf.requires_grad_()
    layer_norm = lib.nn.functional.layer_norm
    shape = x.shape[-1:]

    def step():
        x.grad = weight.grad = bias.grad = None
        y = layer_norm(x, shape, weight, bias)
        y.backward(g)
        return y, x.grad, weight.grad, bias.grad

    return step


def jax_step(x, g, weight, bias):
    jax = peer("jax")

    def both(x, g, weight, bias):
        y, back = jax.vjp(lambda *a: normalised(*a, jax.numpy)[0], x, weight, bias)
        return y, *back(g)

    return jitted(both, x, g, weight, bias)


def build(shape, dtype):
    chance = np.random.default_rng(0)
    x, g = chance.standard_normal((2, *shape), dtype)
    arrays = x, g, chance.uniform(0.5, 2, shape[-1]).astype(dtype), np.ones(shape[-1], dtype)
    return {
        "minigrad": partial(framework, "minigrad", *arrays),
        "NumPy": lambda: partial(numpy_step, *arrays),
        "PyTorch": partial(framework, "torch", *arrays),
        "JAX-jit": partial(jax_step, *arrays),
    }


def rows(quick):
    for dtype in (np.float32, np.float64):
        kind = np.dtype(dtype).name
        for shape in SIZES[: 2 if quick else None]:
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            yield Row(
                f"{kind} {shape}",
                partial(build, shape, dtype),
                group=kind,
                work=5 * size,  # what no way can avoid: x read, y written; x, dy read, dx written
                limit=("triad", kind, 4 * size),
                aims={"PyTorch": 2},
                headline=shape in SIZES[:3] and kind == "float32",
            )
