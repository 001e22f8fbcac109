"""Pointwise operations, in place too."""

import numpy as np
from scipy.special import erf, erfc

import minigrad as mg
from table.case import Case, anywhere, broadcast, off_zero, one, positive, unit


def in_place(x, y):
    z = x * 1.0
    z.mul_(y).add_(x)
    z.tanh_()
    return z


def above_one(chance, shape):
    return chance.uniform(1.2, 3, shape)


def inside(chance, shape):
    """Probabilities away from 0 and 1."""
    return chance.uniform(0.1, 0.9, shape)


def off_steps(chance, shape):
    """Away from the jumps of rounding to whole numbers, halves included, up or down."""
    return (
        chance.integers(-3, 3, shape)
        + chance.choice([0.2, 0.7], shape)
        + 0.1 * unit(chance, shape)
    )


def whole(chance, shape):
    """Divided by `about_two`, away from the jumps of a rounded quotient."""
    return 2.0 * chance.integers(-3, 4, shape) + chance.uniform(0.5, 1.2, shape)


def about_two(chance, shape):
    return chance.uniform(1.9, 2.1, shape)


def around(*centres):
    """Within 0.2 of one of the centres: away from a kink between them."""
    return lambda chance, shape: chance.choice(centres, shape) + chance.uniform(-0.2, 0.2, shape)


def angle(y, x):
    return np.arctan(y / x) + np.where(x.real < 0, np.pi * np.sign(y.real), 0)


def limited(x, low, high):
    return np.where(x.real < low.real, low, np.where(x.real > high.real, high, x))


def rewritten(x, y):
    """A chain of in-place forms, each of which must record its rule."""
    z = (x * 1.0).sin_().mul_(0.5).asin_()
    z.atan2_(y).exp_().log2_().square_().add_(1.0).rsqrt_().lerp_(y, 0.25)
    return z.clamp_(min=-9.0).hypot_(y).reciprocal_()


def np_rewritten(x, y):
    z = np.log2(np.e) * np.arctan(np.arcsin(np.sin(x) / 2) / y)
    z = 1 / np.sqrt(z * z + 1)
    return 1 / np.sqrt((z + 0.25 * (y - z)) ** 2 + y * y)


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
    Case("erfc", mg.erfc, erfc, anywhere),
    Case("rsub", lambda x, y: mg.rsub(x, y, alpha=2), lambda x, y: y - 2 * x, anywhere, anywhere),
    Case("true_divide", mg.true_divide, np.divide, anywhere, off_zero),
    Case("div floor", lambda x, y: mg.div(x, y, rounding_mode="floor"), lambda x, y: np.floor(x.real / y.real), whole, about_two),
    Case("div trunc", lambda x, y: mg.div(x, y, rounding_mode="trunc"), lambda x, y: np.trunc(x.real / y.real), whole, about_two),
    Case("floor_divide", mg.floor_divide, lambda x, y: np.floor(x.real / y.real), whole, about_two),
    Case("float_power", lambda x, y: mg.float_power(x, y).to(x.dtype), np.power, positive, anywhere),
    Case("number to the power", lambda x: mg.pow(1.7, x), lambda x: 1.7**x, anywhere),
    Case("exp2", mg.exp2, lambda x: 2.0**x, anywhere),
    Case("log2", mg.log2, lambda x: np.log(x) / np.log(2), positive),
    Case("log10", mg.log10, lambda x: np.log(x) / np.log(10), positive),
    Case("tan", mg.tan, np.tan, unit),
    Case("asin", mg.asin, np.arcsin, unit),
    Case("acos", mg.acos, np.arccos, unit),
    Case("atan", mg.atan, np.arctan, anywhere),
    Case("sinh", mg.sinh, np.sinh, anywhere),
    Case("cosh", mg.cosh, np.cosh, anywhere),
    Case("asinh", mg.asinh, np.arcsinh, anywhere),
    Case("acosh", mg.acosh, np.arccosh, above_one),
    Case("atanh", mg.atanh, np.arctanh, unit),
    Case("atan2", mg.atan2, angle, off_zero, off_zero),
    Case("hypot", mg.hypot, lambda x, y: np.sqrt(x * x + y * y), off_zero, off_zero),
    Case("logit", mg.logit, lambda x: np.log(x / (1 - x)), inside),
    Case("logit eps", lambda x: mg.logit(x, eps=0.5), lambda x: 0 * x, inside),
    Case("logaddexp", mg.logaddexp, lambda x, y: np.log(np.exp(x) + np.exp(y)), anywhere, anywhere),
    Case("xlogy", mg.xlogy, lambda x, y: x * np.log(y), anywhere, positive),
    Case("xlogy numbers", lambda x: mg.xlogy(x, 3) + mg.xlogy(2, x), lambda x: x * np.log(3) + 2 * np.log(x), positive),
    Case("lerp", mg.lerp, lambda x, y, w: x + w * (y - x), anywhere, anywhere, anywhere, shapes=broadcast(3)),
    Case("lerp number", lambda x, y: mg.lerp(x, y, 0.7), lambda x, y: 0.3 * x + 0.7 * y, anywhere, anywhere),
    Case("addcmul", lambda x, y, z: mg.addcmul(x, y, z, value=-0.5), lambda x, y, z: x - 0.5 * y * z, anywhere, anywhere, anywhere, shapes=broadcast(3)),
    Case("addcdiv", lambda x, y, z: mg.addcdiv(x, y, z, value=2), lambda x, y, z: x + 2 * y / z, anywhere, anywhere, off_zero, shapes=broadcast(3)),
    Case("floor", mg.floor, lambda x: np.floor(x.real), off_steps),
    Case("ceil", mg.ceil, lambda x: np.ceil(x.real), off_steps),
    Case("trunc", mg.trunc, lambda x: np.trunc(x.real), off_steps),
    Case("round", mg.round, lambda x: np.round(x.real), off_steps),
    Case("round decimals", lambda x: mg.round(x * 10, decimals=-1), lambda x: 10 * np.round(x.real), off_steps),
    Case("remainder", mg.remainder, lambda x, y: x - y * np.floor(x.real / y.real), whole, about_two),
    Case("fmod", mg.fmod, lambda x, y: x - y * np.trunc(x.real / y.real), whole, about_two),
    Case("% and //", lambda x: x % 2 + 7 % x + x // 2, lambda x: x - np.floor(x.real / 2) + 7 - x * np.floor(7 / x.real), lambda c, s: inside(c, s) + 4.2),
    Case("clamp to tensors", mg.clamp, limited, around(-1.5, 0.2, 1.5), around(-0.6), around(0.8), shapes=broadcast(3)),
    Case("clamp_min", mg.clamp_min, lambda x, y: np.where(x.real < y.real, y, x), around(-1.5, 1.5), around(0.0)),
    Case("clamp_max", mg.clamp_max, lambda x, y: np.where(x.real > y.real, y, x), around(-1.5, 1.5), around(0.0)),
    Case("in place chain", rewritten, np_rewritten, anywhere, positive, shapes=one().map(lambda s: s * 2)),
    Case("compared in place", lambda x, y: (x * 1.0).lt_(0) * y + (x * 1.0).floor_divide_(1), lambda x, y: (x.real < 0) * y + np.floor(x.real), off_steps, anywhere, shapes=one().map(lambda s: s * 2)),
    Case("fill", lambda x, y: mg.fill(x, y) * y, lambda x, y: y * y + 0 * x, anywhere, anywhere, shapes=one().map(lambda s: (s[0], ()))),
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
