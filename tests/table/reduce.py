"""Reductions."""

import numpy as np

import minigrad as mg
from table.case import Case, anywhere, distinct, off_zero, one


def np_var(x, axis, correction=1):
    """Variance, axes kept, analytic in x (NumPy's takes |x|²)."""
    apart = x - x.mean(axis, keepdims=True)
    n = x.size // max(x.mean(axis).size, 1)
    return (apart * apart).sum(axis, keepdims=True) / (n - correction)


# fmt: off
CASES = [
    Case("sum", mg.sum, np.sum, anywhere),
    Case("sum dim", lambda x: mg.sum(x, 1), lambda x: x.sum(1), anywhere, shapes=one(min_dims=2)),
    Case("sum dims keep", lambda x: mg.sum(x, (0, -1), True), lambda x: x.sum((0, -1), keepdims=True), anywhere, shapes=one(min_dims=2)),
    Case("mean", lambda x: mg.mean(x, -1), lambda x: x.mean(-1), anywhere, shapes=one(min_dims=1, low=1)),
    Case("mean all", mg.mean, np.mean, anywhere, shapes=one(low=1)),
    Case("var", lambda x: mg.var(x, 0), lambda x: np_var(x, 0)[0], anywhere, shapes=one(min_dims=1, low=2)),
    Case("var population", lambda x: mg.var(x, correction=0, keepdim=True), lambda x: np_var(x, None, 0), anywhere, shapes=one(low=1)),
    Case("std", lambda x: mg.std(x, (0, 1)), lambda x: np.sqrt(np_var(x, (0, 1)))[0, 0], lambda c, s: 10 * distinct(c, s), shapes=one(min_dims=2, low=2)),
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
# fmt: on
