"""The scalar engine against micrograd: a chain of operations, and its demonstration on moons."""

import random
import sys
from functools import partial

import numpy as np

from benchmarks.harness import Row
from benchmarks.peers import peer

TITLE = "Scalar engine, forward + backward"
STEPS = 600  # of z*b + a: two operations each
POINTS = 100
SIZES = (2, [16, 16, 1])
ENGINES = {
    "minigrad": ("minigrad.scalar", "minigrad.scalar_nn"),
    "micrograd": ("micrograd.engine", "micrograd.nn"),
}


def chain(engine):
    """STEPS times z = z*b + a, and the gradient."""
    value = peer(engine[0]).Value
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 10000))  # micrograd's sort is recursive

    def step():
        a, b, z = value(0.001), value(1.001), value(1.0)
        for _ in range(STEPS):
            z = z * b + a
        z.backward()
        return b.grad

    return step


def moons(count):
    """Two interleaved half circles with noise, and their labels ±1."""
    chance = np.random.default_rng(1)
    angle = chance.uniform(0, np.pi, count)
    label = np.arange(count) % 2 * 2 - 1
    x = np.where(label < 0, np.cos(angle), 1 - np.cos(angle))
    y = np.where(label < 0, np.sin(angle), 0.5 - np.sin(angle))
    points = np.stack([x, y], axis=1) + chance.normal(scale=0.1, size=(count, 2))
    return points.tolist(), label.tolist()


def demonstration(engine, count):
    """One step of micrograd's demo: max-margin loss over all points, L2 penalty, SGD."""
    value, nn = peer(engine[0]).Value, peer(engine[1])
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 100000))
    random.seed(0)
    model = nn.MLP(*SIZES)
    points, labels = moons(count)

    def step():
        inputs = [list(map(value, p)) for p in points]
        scores = list(map(model, inputs))
        losses = [(1 + -y * s).relu() for y, s in zip(labels, scores)]
        decay = 1e-4 * sum(p * p for p in model.parameters())
        loss = sum(losses) * (1.0 / count) + decay
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= 1e-3 * p.grad
        return loss.data

    return step


def rows(quick):
    aims = {"micrograd": 25}

    def columns(step, *arguments):
        return {name: partial(step, engine, *arguments) for name, engine in ENGINES.items()}

    yield Row(
        "chain z*b + a, an operation",
        partial(columns, chain),
        per=2 * STEPS,
        aims=aims,
        headline=True,
    )
    count = 10 if quick else POINTS
    name = f"moons, MLP 2-16-16-1, {count} points, a step"
    yield Row(name, partial(columns, demonstration, count), headline=True)
