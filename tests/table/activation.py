"""Activations; kinks are kept away from (`tests/ops/test_activation.py` goes to them)."""

import numpy as np
from scipy.special import erf

import minigrad as mg
from table.case import Case, anywhere, clear_of, one

F = mg.nn.functional

one_axis = one(min_dims=1, low=1)
off_zero = clear_of(0)


def np_softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def np_prelu(x, w):
    return np.where(x.real > 0, x, x * w.reshape(w.shape + (1,) * (x.ndim - 2)))


def np_elu(x, alpha, rate=1):
    return np.where(x.real > 0, x, alpha * np.expm1(rate * np.where(x.real > 0, 0, x)))


def between(x, low, high, y):
    """y between the limits, `low` and `high` beyond: (limit, value) each."""
    return np.where(x.real <= low[0], low[1], np.where(x.real >= high[0], high[1], y))


def np_glu(x):
    a, b = np.split(x, 2, -1)
    return a / (1 + np.exp(-b))


def np_gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


# fmt: off
CASES = [
    Case("softmax", lambda x: F.softmax(x, -1), lambda x: np_softmax(x, -1), anywhere, shapes=one_axis),
    Case("softmax first", lambda x: F.softmax(x, 0), lambda x: np_softmax(x, 0), anywhere, shapes=one_axis),
    Case("softmin", lambda x: F.softmin(x, -1), lambda x: np_softmax(-x, -1), anywhere, shapes=one_axis),
    Case("log_softmax", lambda x: F.log_softmax(x, -1), lambda x: np.log(np_softmax(x, -1)), anywhere, shapes=one_axis),
    Case("log_softmax first", lambda x: F.log_softmax(x, 0), lambda x: np.log(np_softmax(x, 0)), anywhere, shapes=one_axis),
    Case("relu6", F.relu6, lambda x: between(x, (0, 0), (6, 6), x), clear_of(0, 6, width=8)),
    Case("leaky_relu", lambda x: F.leaky_relu(x, 0.1), lambda x: np.where(x.real > 0, x, 0.1 * x), off_zero),
    Case("leaky_relu steep", lambda x: F.leaky_relu(x, 2), lambda x: np.where(x.real > 0, x, 2 * x), off_zero),
    Case("prelu", F.prelu, np_prelu, off_zero, anywhere, shapes=one(min_dims=2).map(lambda s: s + (s[0][1:2],))),
    Case("prelu one slope", F.prelu, lambda x, w: np.where(x.real > 0, x, x * w), off_zero, anywhere, shapes=one().map(lambda s: (*s, ()))),
    Case("elu", lambda x: F.elu(x, 1.5), lambda x: np_elu(x, 1.5), off_zero),
    Case("celu", lambda x: F.celu(x, 2), lambda x: np_elu(x, 2, 0.5), off_zero),
    Case("selu", F.selu, lambda x: 1.0507009873554805 * np_elu(x, 1.6732632423543772), off_zero),
    Case("threshold", lambda x: F.threshold(x, 0.5, 7), lambda x: np.where(x.real > 0.5, x, 7), clear_of(0.5)),
    Case("hardtanh", lambda x: F.hardtanh(x, -0.5, 1), lambda x: between(x, (-0.5, -0.5), (1, 1), x), clear_of(-0.5, 1)),
    Case("hardsigmoid", F.hardsigmoid, lambda x: between(x, (-3, 0), (3, 1), (x + 3) / 6), clear_of(-3, 3, width=5)),
    Case("hardswish", F.hardswish, lambda x: between(x, (-3, 0), (3, x), x * (x + 3) / 6), clear_of(-3, 3, width=5)),
    Case("softshrink", F.softshrink, lambda x: between(x, (-0.5, x + 0.5), (0.5, x - 0.5), 0), clear_of(-0.5, 0.5)),
    Case("hardshrink", F.hardshrink, lambda x: between(x, (-0.5, x), (0.5, x), 0), clear_of(-0.5, 0.5)),
    Case("gelu", F.gelu, lambda x: x * (1 + erf(x / np.sqrt(2))) / 2, anywhere),
    Case("gelu tanh", lambda x: F.gelu(x, approximate="tanh"), np_gelu_tanh, anywhere),
    Case("silu", F.silu, lambda x: x / (1 + np.exp(-x)), anywhere),
    Case("mish", F.mish, lambda x: x * np.tanh(np.log1p(np.exp(x))), anywhere),
    Case("glu", F.glu, np_glu, anywhere, shapes=one(min_dims=1).map(lambda s: ((*s[0][:-1], 2 * s[0][-1]),))),
    Case("glu first", lambda x: F.glu(x, 0), lambda x: np_glu(x.T).T, anywhere, shapes=one(min_dims=1, max_dims=2).map(lambda s: ((2 * s[0][0], *s[0][1:]),))),
    Case("logsigmoid", F.logsigmoid, lambda x: -np.log1p(np.exp(-x)), anywhere),
    Case("softsign", F.softsign, lambda x: x / (1 + x * np.sign(x.real)), off_zero),
    Case("tanhshrink", F.tanhshrink, lambda x: x - np.tanh(x), anywhere),
    Case("activations in place", lambda x: F.selu(F.silu(F.leaky_relu_(F.elu_(x * 1), 0.1), True), True), lambda x: 1.0507009873554805 * np_elu((lambda y: y / (1 + np.exp(-y)))(np_prelu(np_elu(x, 1), np.array(0.1))), 1.6732632423543772), off_zero),
]
# fmt: on
