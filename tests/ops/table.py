"""The test table: one row an operation, from which `test_table.py` makes all its checks.

A row says how to call the operation, an independent NumPy formula, and where the inputs live:

    Case(name, function, formula, *inputs, shapes=strategy)

`inputs` are domains, one a tensor; `shapes` draws one shape for each of them.
"""

import math
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

import minigrad as mg

F = mg.nn.functional

# Domains: how to fill an array of a shape -------------------------------------------------------


def anywhere(chance, shape):
    return chance.uniform(-2, 2, shape)


def positive(chance, shape):
    return chance.uniform(0.3, 2.5, shape)


def unit(chance, shape):
    return chance.uniform(-0.8, 0.8, shape)


def off_zero(chance, shape):
    """Away from the kink at 0, and from ties: all magnitudes differ."""
    size = int(np.prod(shape))
    magnitude = (np.arange(size) + 1.0) / (size + 1) * 1.8 + 0.2
    sign = chance.choice([-1.0, 1.0], size)
    return (chance.permutation(magnitude) * sign).reshape(shape)


def distinct(chance, shape):
    """No two elements within 0.05 of each other."""
    size = int(np.prod(shape))
    return (chance.permutation(size) * 0.1 - 0.05 * size).reshape(shape)


# Shapes -------------------------------------------------------------------------------------------


def lengths(low=0, high=3):
    return st.integers(low, high)


def any_shape(low=0, min_dims=0, max_dims=3):
    return st.lists(lengths(low), min_size=min_dims, max_size=max_dims).map(tuple)


def one(**kwargs):
    return any_shape(**kwargs).map(lambda s: (s,))


@st.composite
def broadcast(draw, count=2, low=0):
    """Shapes that broadcast together: axes dropped in front or shrunk to 1."""
    full = draw(any_shape(low=low))
    shapes = []
    for _ in range(count):
        start = draw(st.integers(0, len(full)))
        shapes.append(tuple(1 if draw(st.booleans()) else n for n in full[start:]))
    return tuple(shapes)


def fixed(*shapes):
    return st.just(tuple(shapes))


@st.composite
def matrices(draw):
    """Shapes for matmul: vectors, matrices, batches that broadcast."""
    m, k, n = draw(lengths()), draw(lengths()), draw(lengths())
    kind = draw(st.sampled_from(["vv", "mv", "vm", "mm", "bm", "mb", "bb", "broadcast"]))
    b = draw(lengths(1, 2))
    return {
        "vv": ((k,), (k,)),
        "mv": ((m, k), (k,)),
        "vm": ((k,), (k, n)),
        "mm": ((m, k), (k, n)),
        "bm": ((b, m, k), (k, n)),
        "mb": ((m, k), (b, k, n)),
        "bb": ((b, m, k), (b, k, n)),
        "broadcast": ((2, 1, m, k), (b, k, n)),
    }[kind]


# Rows ---------------------------------------------------------------------------------------------


@dataclass
class Case:
    """One row."""

    name: str
    function: object
    formula: object
    inputs: tuple
    shapes: object
    order: int = 2
    tolerance: float = 1e-4

    def __init__(self, name, function, formula, *inputs, shapes=None, order=2, tolerance=1e-4):
        self.name, self.function, self.formula, self.inputs = name, function, formula, inputs
        self.shapes = (
            shapes if shapes is not None else (one() if len(inputs) == 1 else broadcast())
        )
        self.order, self.tolerance = order, tolerance


def np_softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def np_layer_norm(x, axis, eps=0.1):
    n = np.prod(np.array(x.shape)[np.atleast_1d(axis)])
    apart = x - x.sum(axis, keepdims=True) / max(n, 1)
    return apart / np.sqrt((apart * apart).sum(axis, keepdims=True) / max(n, 1) + eps)


erf = np.vectorize(math.erf, otypes=[float])
mask = np.array([[True, False, True], [False, False, True]])
picks = np.array([[0, 2], [2, 2]])


def put(x, v):
    y = x * 1.0
    y[[0, 2, 0]] = v
    return y


def np_put(x, v):
    y = x.copy()
    y[[0, 2, 0]] = v
    return y


def in_place(x, y):
    z = x * 1.0
    z.mul_(y).add_(x)
    z.tanh_()
    return z


# fmt: off
POINTWISE = [
    Case("add", mg.add, np.add, anywhere, anywhere),
    Case("add alpha", lambda x, y: mg.add(x, y, alpha=3), lambda x, y: x + 3 * y, anywhere, anywhere),
    Case("sub", mg.sub, np.subtract, anywhere, anywhere),
    Case("mul", mg.mul, np.multiply, anywhere, anywhere),
    Case("div", mg.div, np.divide, anywhere, off_zero),
    Case("pow", mg.pow, np.power, positive, anywhere),
    Case("reflected", lambda x: (2 - x) * 3 + 1 / x + 2**x, lambda x: (2 - x) * 3 + 1 / x + 2**x, off_zero),
    Case("pow number", lambda x: x**3 + x**0 + x**1, lambda x: x**3 + 1 + x, anywhere),
    Case("pow fraction", lambda x: x**-1.5, lambda x: x**-1.5, positive),
    Case("neg", mg.neg, np.negative, anywhere),
    Case("abs", mg.abs, np.abs, off_zero),
    Case("sign", mg.sign, np.sign, off_zero),
    Case("square", mg.square, np.square, anywhere),
    Case("sqrt", mg.sqrt, np.sqrt, positive),
    Case("rsqrt", mg.rsqrt, lambda x: 1 / np.sqrt(x), positive),
    Case("reciprocal", mg.reciprocal, lambda x: 1 / x, off_zero),
    Case("exp", mg.exp, np.exp, anywhere),
    Case("expm1", mg.expm1, np.expm1, anywhere),
    Case("log", mg.log, np.log, positive),
    Case("log1p", mg.log1p, np.log1p, unit),
    Case("sin", mg.sin, np.sin, anywhere),
    Case("cos", mg.cos, np.cos, anywhere),
    Case("tanh", mg.tanh, np.tanh, anywhere),
    Case("sigmoid", mg.sigmoid, lambda x: 1 / (1 + np.exp(-x)), anywhere),
    Case("relu", mg.relu, lambda x: np.where(x > 0, x, 0), off_zero),
    Case("softplus", mg.softplus, lambda x: np.log1p(np.exp(x)), anywhere),
    Case("softplus beta", lambda x: mg.softplus(x, 2, 1), lambda x: np.where(2 * x > 1, x, np.log1p(np.exp(2 * x)) / 2), lambda c, s: off_zero(c, s) + 0.55),
    Case("erf", mg.erf, erf, anywhere),
    Case("maximum", mg.maximum, np.maximum, anywhere, lambda c, s: anywhere(c, s) + 0.011),
    Case("minimum", mg.minimum, np.minimum, anywhere, lambda c, s: anywhere(c, s) + 0.011),
    Case("clamp", lambda x: mg.clamp(x, -0.1, 0.1), lambda x: np.clip(x, -0.1, 0.1), off_zero),
    Case("clamp below", lambda x: mg.clamp(x, min=0.1), lambda x: np.maximum(x, 0.1), off_zero),
    Case("where", lambda x, y: mg.where(x.detach() > 0, x * x, y), lambda x, y: np.where(x > 0, x * x, y), off_zero, anywhere),
    Case("in place", in_place, lambda x, y: np.tanh(x * y + x), anywhere, anywhere, shapes=one().map(lambda s: s * 2)),
    Case("clone", mg.clone, lambda x: x, anywhere),
    Case("fill_ and copy_", lambda x, y: (x * 1).copy_(y) + (x * 1).zero_() * x, lambda x, y: y + 0 * x, anywhere, anywhere, shapes=one().map(lambda s: s * 2)),
]

REDUCE = [
    Case("sum", mg.sum, np.sum, anywhere),
    Case("sum dim", lambda x: mg.sum(x, 1), lambda x: x.sum(1), anywhere, shapes=one(min_dims=2)),
    Case("sum dims keep", lambda x: mg.sum(x, (0, -1), True), lambda x: x.sum((0, -1), keepdims=True), anywhere, shapes=one(min_dims=2)),
    Case("mean", lambda x: mg.mean(x, -1), lambda x: x.mean(-1), anywhere, shapes=one(min_dims=1, low=1)),
    Case("mean all", mg.mean, np.mean, anywhere, shapes=one(low=1)),
    Case("var", lambda x: mg.var(x, 0), lambda x: x.var(0, ddof=1), anywhere, shapes=one(min_dims=1, low=2)),
    Case("var population", lambda x: mg.var(x, correction=0, keepdim=True), lambda x: x.var(keepdims=True), anywhere, shapes=one(low=1)),
    Case("std", lambda x: mg.std(x, (0, 1)), lambda x: x.std((0, 1), ddof=1), distinct, shapes=one(min_dims=2, low=2)),
    Case("prod", mg.prod, np.prod, anywhere, shapes=one(max_dims=2)),
    Case("prod dim", lambda x: mg.prod(x, 0, True), lambda x: x.prod(0, keepdims=True), off_zero, shapes=one(min_dims=1)),
    Case("logsumexp", lambda x: mg.logsumexp(x, -1), lambda x: np.log(np.exp(x).sum(-1)), anywhere, shapes=one(min_dims=1, low=1)),
    Case("logsumexp dims", lambda x: mg.logsumexp(x, (0, 1), True), lambda x: np.log(np.exp(x).sum((0, 1), keepdims=True)), anywhere, shapes=one(min_dims=2, low=1)),
    Case("max", lambda x: mg.max(x, 1).values, lambda x: x.max(1), distinct, shapes=one(min_dims=2, low=1)),
    Case("min", lambda x: mg.min(x, 0, True).values, lambda x: x.min(0, keepdims=True), distinct, shapes=one(min_dims=1, low=1)),
    Case("max all", mg.max, np.max, distinct, shapes=one(low=1)),
    Case("amax", lambda x: mg.amax(x, (0, 1)), lambda x: x.max((0, 1)), distinct, shapes=one(min_dims=2, low=1)),
    Case("amin", lambda x: mg.amin(x, -1, True), lambda x: x.min(-1, keepdims=True), distinct, shapes=one(min_dims=1, low=1)),
]

SHAPE = [
    Case("reshape", lambda x: x.reshape(-1, 2), lambda x: x.reshape(-1, 2), anywhere, shapes=fixed((3, 4))),
    Case("view", lambda x: x.contiguous().view((2, 6)), lambda x: x.reshape(2, 6), anywhere, shapes=fixed((3, 4))),
    Case("flatten", lambda x: x.flatten(1), lambda x: x.reshape(x.shape[0], int(np.prod(x.shape[1:]))), anywhere, shapes=one(min_dims=2)),
    Case("transpose", lambda x: x.transpose(0, -1), lambda x: x.swapaxes(0, -1), anywhere, shapes=one(min_dims=1)),
    Case("permute", lambda x: x.permute(2, 0, 1), lambda x: x.transpose(2, 0, 1), anywhere, shapes=one(min_dims=3)),
    Case("T", lambda x: x.T, lambda x: x.T, anywhere, shapes=one(min_dims=2, max_dims=2)),
    Case("mT", lambda x: x.mT, lambda x: x.swapaxes(-1, -2), anywhere, shapes=one(min_dims=2)),
    Case("squeeze", lambda x: x.unsqueeze(1).squeeze(1), lambda x: x, anywhere, shapes=one(min_dims=1)),
    Case("unsqueeze", lambda x: x.unsqueeze(-1), lambda x: x[..., None], anywhere),
    Case("expand", lambda x: x.expand(2, -1, 3), lambda x: np.broadcast_to(x, (2, x.shape[0], 3)), anywhere, shapes=lengths().map(lambda n: ((n, 1),))),
    Case("broadcast_to", lambda x: x.broadcast_to((2, 3)), lambda x: np.broadcast_to(x, (2, 3)), anywhere, shapes=fixed((3,))),
    Case("cat", lambda x, y: mg.cat([x, y, x], 1), lambda x, y: np.concatenate([x, y, x], 1), anywhere, anywhere, shapes=st.tuples(lengths(), lengths(), lengths()).map(lambda n: ((n[0], n[1]), (n[0], n[2])))),
    Case("stack", lambda x, y: mg.stack([x, y], -1), lambda x, y: np.stack([x, y], -1), anywhere, anywhere, shapes=one().map(lambda s: s * 2)),
    Case("split", lambda x: mg.split(x, 2)[1] * mg.split(x, [1, 3])[0], lambda x: x[2:4] * x[:1], anywhere, shapes=fixed((4, 2))),
    Case("narrow", lambda x: mg.narrow(x, 1, 1, 2), lambda x: x[:, 1:3], anywhere, shapes=fixed((2, 4))),
    Case("unbind", lambda x: mg.unbind(x, 1)[0], lambda x: x[:, 0], anywhere, shapes=fixed((2, 3))),
    Case("slice", lambda x: x[1, ..., ::2, None], lambda x: x[1, ..., ::2, None], anywhere, shapes=fixed((2, 3, 4))),
    Case("negative step", lambda x: x[::-1, -2], lambda x: x[::-1, -2], anywhere, shapes=fixed((3, 3))),
    Case("mask", lambda x: x[mask], lambda x: x[mask], anywhere, shapes=fixed((2, 3))),
    Case("row mask", lambda x: x[mask[:, 0]], lambda x: x[mask[:, 0]], anywhere, shapes=fixed((2, 3))),
    Case("integers", lambda x: x[picks], lambda x: x[picks], anywhere, shapes=fixed((3, 2))),
    Case("mix", lambda x: x[:, picks, None, 1], lambda x: x[:, picks, None, 1], anywhere, shapes=fixed((2, 3, 2))),
    Case("scattered", lambda x: x[picks, :, [0, 1]], lambda x: x[picks, :, [0, 1]], anywhere, shapes=fixed((3, 2, 2))),
    Case("gather", lambda x: mg.gather(x, 1, mg.tensor(picks)), lambda x: np.take_along_axis(x, picks, 1), anywhere, shapes=fixed((2, 3))),
    Case("select", lambda x: mg.select(x, 1, -1), lambda x: x[:, -1], anywhere, shapes=fixed((2, 3))),
    Case("setitem", put, np_put, anywhere, anywhere, shapes=fixed((3, 2), (3, 2))),
    Case("setitem broadcast", put, np_put, anywhere, anywhere, shapes=fixed((3, 2), ())),
    Case("to", lambda x: x.float().double() * x, lambda x: x.astype(np.float32) * x, lambda c, s: anywhere(c, s).astype(np.float32).astype(float), order=0),
]

LINALG = [
    Case("matmul", mg.matmul, np.matmul, anywhere, anywhere, shapes=matrices()),
    Case("mm", mg.mm, np.matmul, anywhere, anywhere, shapes=fixed((2, 3), (3, 4))),
    Case("bmm", mg.bmm, np.matmul, anywhere, anywhere, shapes=fixed((2, 2, 3), (2, 3, 1))),
    Case("mv", mg.mv, np.matmul, anywhere, anywhere, shapes=fixed((2, 3), (3,))),
    Case("dot", mg.dot, np.dot, anywhere, anywhere, shapes=fixed((3,), (3,))),
    Case("inner", mg.inner, np.inner, anywhere, anywhere, shapes=fixed((2, 3), (4, 3))),
    Case("outer", mg.outer, np.outer, anywhere, anywhere, shapes=fixed((2,), (3,))),
    Case("transposed matmul", lambda x, y: x.T @ y.mT, lambda x, y: x.T @ y.T, anywhere, anywhere, shapes=fixed((3, 2), (4, 3))),
    Case("linear", F.linear, lambda x, w, b: x @ w.T + b, anywhere, anywhere, anywhere, shapes=lengths().map(lambda n: ((n, 3), (2, 3), (2,)))),
    Case("linear batch", F.linear, lambda x, w: x @ w.T, anywhere, anywhere, shapes=lengths().map(lambda n: ((n, 2, 3), (2, 3)))),
    Case("linear vector", F.linear, lambda x, w, b: w @ x + b, anywhere, anywhere, anywhere, shapes=fixed((3,), (2, 3), (2,))),
]

one_axis = one(min_dims=1, low=1)

NETWORK = [
    Case("softmax", lambda x: F.softmax(x, -1), lambda x: np_softmax(x, -1), anywhere, shapes=one_axis),
    Case("softmax first", lambda x: F.softmax(x, 0), lambda x: np_softmax(x, 0), anywhere, shapes=one_axis),
    Case("log_softmax", lambda x: F.log_softmax(x, -1), lambda x: np.log(np_softmax(x, -1)), anywhere, shapes=one_axis),
    Case("log_softmax first", lambda x: F.log_softmax(x, 0), lambda x: np.log(np_softmax(x, 0)), anywhere, shapes=one_axis),
    Case("mse_loss", F.mse_loss, lambda x, y: ((x - y) ** 2).mean(), anywhere, anywhere, shapes=one(low=1).map(lambda s: s * 2)),
    Case("cross_entropy", lambda x: F.cross_entropy(x, mg.tensor([2, 0])), lambda x: -np.log(np_softmax(x, 1))[[0, 1], [2, 0]].mean(), anywhere, shapes=fixed((2, 3))),
    Case("cross_entropy probabilities", lambda x, t: F.cross_entropy(x, t.exp()), lambda x, t: -(np.exp(t) * np.log(np_softmax(x, 1))).sum(1).mean(), anywhere, unit, shapes=fixed((2, 3), (2, 3))),
    Case("nll_loss", lambda x: F.nll_loss(x, mg.tensor([2, 0]), reduction="sum"), lambda x: -x[[0, 1], [2, 0]].sum(), anywhere, shapes=fixed((2, 3))),
    Case("bce_with_logits", lambda x, t: F.binary_cross_entropy_with_logits(x, t), lambda x, t: (np.log1p(np.exp(x)) - t * x).mean(), anywhere, unit, shapes=one(low=1).map(lambda s: s * 2)),
    Case("batch_norm", lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), lambda x, w, b: (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5) * w + b, distinct, positive, anywhere, shapes=fixed((4, 2), (2,), (2,)), tolerance=1e-3),
    Case("batch_norm eval", lambda x, w, b: F.batch_norm(x, mg.tensor([0.1, 0.2]).double(), mg.tensor([1.0, 2.0]).double(), w, b), lambda x, w, b: (x - np.float32([0.1, 0.2])) / np.sqrt(np.array([1.0, 2.0]) + 1e-5) * w + b, anywhere, positive, anywhere, shapes=fixed((4, 2), (2,), (2,))),
    Case("layer_norm", lambda x: F.layer_norm(x, x.shape[-1], eps=0.1), lambda x: np_layer_norm(x, -1), anywhere, shapes=one(min_dims=1, low=0)),
    Case("layer_norm affine", lambda x, w, b: F.layer_norm(x, w.shape, w, b, 0.1), lambda x, w, b: np_layer_norm(x, -1) * w + b, anywhere, positive, anywhere, shapes=one(min_dims=1, low=0).map(lambda s: s + (s[0][-1:],) * 2)),
    Case("layer_norm weight", lambda x, w: F.layer_norm(x, w.shape, w, eps=0.1), lambda x, w: np_layer_norm(x, (-2, -1)) * w, anywhere, anywhere, shapes=lengths().map(lambda n: ((n, 3, 2), (3, 2)))),
    Case("layer_norm bias", lambda x, b: F.layer_norm(x, b.shape, None, b, 0.1), lambda x, b: np_layer_norm(x, -1) + b, anywhere, anywhere, shapes=fixed((2, 3), (3,))),
    Case("embedding", lambda w: F.embedding(mg.tensor(picks), w), lambda w: w[picks], anywhere, shapes=lengths().map(lambda n: ((3, n),))),
    Case("embedding of none", lambda w: F.embedding(mg.tensor(picks[:, :0]), w), lambda w: w[picks[:, :0]], anywhere, shapes=one(min_dims=2, max_dims=2)),
]

# fmt: on
CASES = POINTWISE + REDUCE + SHAPE + LINALG + NETWORK
