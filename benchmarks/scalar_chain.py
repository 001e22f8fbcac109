"""The scalar engine against micrograd: a chain of operations, and one step of a small network."""

import random
import sys

from benchmarks.harness import Row, peer
from minigrad import scalar, scalar_nn

TITLE = "Scalar engine, an operation, forward + backward (micrograd where installed)"
STEPS = 600  # of z*b + a: two operations each
POINTS = 16
SIZES = (2, [16, 16, 1])


def chain(value):
    """600 times z = z*b + a, and the gradient."""

    def step():
        a, b, z = value(0.001), value(1.001), value(1.0)
        for _ in range(STEPS):
            z = z * b + a
        z.backward()
        return b.grad

    return step


def network(nn, value):
    """One SGD step of micrograd's demonstration: hinge loss and weight decay on POINTS points."""
    random.seed(0)
    model = nn.MLP(*SIZES)
    points = [[random.uniform(-1, 1), random.uniform(-1, 1)] for _ in range(POINTS)]
    labels = [1.0 if x * y > 0 else -1.0 for x, y in points]

    def step():
        inputs = [list(map(value, p)) for p in points]
        scores = [model(x) for x in inputs]
        losses = [(1 + -y * s).relu() for y, s in zip(labels, scores, strict=True)]
        decay = 1e-4 * sum(p * p for p in model.parameters())
        loss = sum(losses) * (1.0 / POINTS) + decay
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= 1e-6 * p.grad
        return loss.data

    return step


def rows(quick):
    columns = {"minigrad": chain(scalar.Value)}
    networks = {"minigrad": network(scalar_nn, scalar.Value)}
    micrograd = peer("micrograd.engine")
    if micrograd:
        sys.setrecursionlimit(max(sys.getrecursionlimit(), 10000))  # its sort is recursive
        columns["micrograd"] = chain(micrograd.Value)
        networks["micrograd"] = network(peer("micrograd.nn"), micrograd.Value)
        assert columns["minigrad"]() == columns["micrograd"]()
        assert abs(networks["minigrad"]() - networks["micrograd"]()) < 1e-9
    else:
        print("micrograd is not installed: its columns are left out (pip install micrograd)")
    yield Row("chain z*b + a, an operation", columns, 2 * STEPS)
    if not quick:
        yield Row("MLP 2-16-16-1, 16 points, a step", networks)
