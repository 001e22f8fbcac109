"""Batch norm in training mode, forward and backward."""

import numpy as np

import minigrad as mg
from benchmarks.harness import Row, peer

TITLE = "Batch norm, training mode, forward + backward (float32)"
SIZES = [(32, 128), (256, 512), (4096, 256), (32, 64, 28, 28)]


def numpy_step(x, g, weight, bias):
    axes = (0, *range(2, x.ndim))
    shape = (1, -1) + (1,) * (x.ndim - 2)
    n = x.size // x.shape[1]
    centred = x - x.mean(axis=axes, keepdims=True)
    scale = 1 / np.sqrt((centred * centred).mean(axis=axes, keepdims=True) + np.float32(1e-5))
    normal = centred * scale
    y = normal * weight.reshape(shape) + bias.reshape(shape)
    dbias = g.sum(axis=axes)
    dweight = (g * normal).sum(axis=axes)
    inner = g - dbias.reshape(shape) / n - normal * (dweight.reshape(shape) / n)
    return y, weight.reshape(shape) * scale * inner, dweight, dbias


def framework(lib, functional, x, g):
    n = x.shape[1]
    x, g = lib.tensor(x), lib.tensor(g)
    weight, bias = lib.ones(n), lib.zeros(n)
    mean, variance = lib.zeros(n), lib.ones(n)
    for leaf in (x, weight, bias):
        leaf.requires_grad_()

    def step():
        x.grad = weight.grad = bias.grad = None
        functional.batch_norm(x, mean, variance, weight, bias, training=True).backward(g)

    return step


def rows(quick):
    torch = peer("torch")
    chance = np.random.default_rng(0)
    for shape in SIZES[: 2 if quick else 4]:
        x, g = chance.normal(size=(2, *shape)).astype(np.float32)
        weight, bias = np.ones(shape[1], np.float32), np.zeros(shape[1], np.float32)
        columns = {
            "minigrad": framework(mg, mg.nn.functional, x, g),
            "NumPy": lambda x=x, g=g, w=weight, b=bias: numpy_step(x, g, w, b),
        }
        if torch:
            columns["PyTorch"] = framework(torch, torch.nn.functional, x, g)
        yield Row(str(shape), columns)
