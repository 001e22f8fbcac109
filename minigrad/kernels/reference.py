"""Every kernel in plain NumPy: the specification, and what runs where there is no compiler.

Grouped by family, as the `.pyx` files are; a test holds each pair together. Two things hold for
all: the result is an ndarray in C order (0-d too, never a NumPy scalar), and floating-point
exceptions are silent, NaN and Inf being values like others.

Some kernels bear the name of a builtin (`abs`, `pow`, `sum`, `max`, `min`): inside this module
those names are the kernels, so write `builtins.max` where Python's is meant.
"""

import functools
import math

import numpy as np


def kernel(function):
    """Make `function` keep the two promises above."""

    @functools.wraps(function)
    def kept(*args, **kwargs):
        with np.errstate(all="ignore"):
            return np.asarray(function(*args, **kwargs), order="C")

    return kept


# ---------------------------------------------------------------- elementwise


@kernel
def add(x, y):
    """z := x + y"""
    return np.add(x, y)


@kernel
def sub(x, y):
    """z := x - y"""
    return np.subtract(x, y)


@kernel
def mul(x, y):
    """z := x y"""
    return np.multiply(x, y)


@kernel
def div(x, y):
    """z := x / y"""
    return np.divide(x, y)


@kernel
def pow(x, y):
    """z := x ** y"""
    return np.power(x, y)


@kernel
def maximum(x, y):
    """z := max(x, y); NaN where either is"""
    return np.maximum(x, y)


@kernel
def minimum(x, y):
    """z := min(x, y); NaN where either is"""
    return np.minimum(x, y)


@kernel
def neg(x):
    """y := -x"""
    return np.negative(x)


@kernel
def abs(x):
    """y := |x|"""
    return np.abs(x)


@kernel
def sign(x):
    """y := x / |x|, 0 at 0"""
    return np.sign(x)


@kernel
def sqrt(x):
    """y := √x"""
    return np.sqrt(x)


@kernel
def rsqrt(x):
    """y := 1 / √x"""
    return 1 / np.sqrt(x)


@kernel
def square(x):
    """y := x²"""
    return np.square(x)


@kernel
def reciprocal(x):
    """y := 1 / x"""
    return 1 / np.asarray(x)


@kernel
def exp(x):
    """y := eˣ"""
    return np.exp(x)


@kernel
def log(x):
    """y := ln x"""
    return np.log(x)


@kernel
def log1p(x):
    """y := ln(1 + x), accurate near 0"""
    return np.log1p(x)


@kernel
def expm1(x):
    """y := eˣ - 1, accurate near 0"""
    return np.expm1(x)


@kernel
def sin(x):
    """y := sin x"""
    return np.sin(x)


@kernel
def cos(x):
    """y := cos x"""
    return np.cos(x)


@kernel
def tanh(x):
    """y := tanh x"""
    return np.tanh(x)


@kernel
def sigmoid(x):
    """y := 1 / (1 + e⁻ˣ)"""
    e = np.exp(-np.abs(x))  # at most 1: neither tail overflows
    return np.where(np.signbit(x), e, 1) / (1 + e)


@kernel
def relu(x):
    """y := max(x, 0), and +0 for -0"""
    return np.where(np.less_equal(x, 0), 0, x)  # NaN is not <= 0, so it stays


@kernel
def softplus(x, beta=1.0, threshold=20.0):
    """y := ln(1 + exp(βx)) / β, and x where βx > threshold"""
    z = np.multiply(x, beta)
    y = (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) / beta
    return np.where(z > threshold, x, y)


@kernel
def erf(x):
    """y := 2/√π ∫₀ˣ exp(-t²) dt"""
    x = np.asarray(x)
    kind = x.dtype if x.dtype.kind == "f" else np.float64
    return np.asarray(np.frompyfunc(math.erf, 1, 1)(x)).astype(kind)


@kernel
def relu_backward(dy, y):
    """dx := dy where y > 0, else 0"""
    return np.where(np.greater(y, 0), dy, 0)


@kernel
def tanh_backward(dy, y):
    """dx := dy (1 - y²)"""
    return dy * ((1 - y) * (1 + y))  # factored: exact to the last bits near |y| = 1


@kernel
def sigmoid_backward(dy, y):
    """dx := dy y (1 - y)"""
    return dy * (y * (1 - y))


def add_(x, y):
    """x := x + y, in place"""
    with np.errstate(all="ignore"):
        return np.add(x, y, out=x, casting="same_kind")


@kernel
def unbroadcast(x, shape, lead=0):
    """y := x summed over the axes that broadcasting added to `shape`

    The first `lead` axes of x (a batch of cotangents) stay: y has x.shape[:lead] + shape.
    """
    shape = tuple(shape)
    added = x.ndim - lead - len(shape)
    stretched = [
        lead + added + i for i, n in enumerate(shape) if n == 1 != x.shape[lead + added + i]
    ]
    y = x.sum((*range(lead, lead + added), *stretched))
    return y.reshape(x.shape[:lead] + shape)
