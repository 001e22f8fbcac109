"""Pointwise operations, in place too."""

import numpy as np
from scipy.special import erf

import minigrad as mg
from table.case import Case, anywhere, off_zero, one, positive, unit


def in_place(x, y):
    z = x * 1.0
    z.mul_(y).add_(x)
    z.tanh_()
    return z


# fmt: off
CASES = [
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
    Case("abs", mg.abs, lambda x: x * np.sign(x.real), off_zero),
    Case("sign", mg.sign, lambda x: np.sign(x.real), off_zero),
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
# fmt: on
