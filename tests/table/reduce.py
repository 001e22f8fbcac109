"""Reductions, running totals, order and norms."""

import numpy as np

import minigrad as mg
from table.case import Case, anywhere, distinct, fixed, off_zero, one


def np_var(x, axis, correction=1):
    """Variance, axes kept, analytic in x (NumPy's takes |x|²)."""
    apart = x - x.mean(axis, keepdims=True)
    n = x.size // max(x.mean(axis).size, 1)
    return (apart * apart).sum(axis, keepdims=True) / (n - correction)


def np_norm(x, p, axis=None, keepdims=False):
    """(Σ |x|^p)^(1/p), analytic in x where no element is 0."""
    x = x * np.sign(x.real)
    if np.isinf(p):
        return by_real(x, axis, -1 if p > 0 else 0, keepdims)
    return (x**p).sum(axis, keepdims=keepdims) ** (1 / p)


def by_real(x, axis, place, keepdims=False):
    """The element along `axis` whose real part is number `place` in order."""
    flat = x.reshape(-1) if axis is None else x
    along = 0 if axis is None else axis
    order = np.argsort(flat.real, along)
    picked = np.take_along_axis(flat, np.take(order, [place], along), along)
    return picked if keepdims else picked.squeeze(along)


def np_cumprod(x, axis):
    """Written out: NumPy's own is what minigrad calls."""
    n = x.shape[axis]
    front = np.moveaxis(x, axis, 0)
    y = [np.prod(front[: k + 1], axis=0) for k in range(n)]
    return np.moveaxis(np.stack(y), 0, axis) if n else x


def np_cumsum(x, axis):
    n = x.shape[axis]
    return np.moveaxis(np.tensordot(np.tri(n), x, (1, axis)), 0, axis)


def np_singular(x):
    """Singular values, largest first, analytic in x: roots of the eigenvalues of xᵀx."""
    square = np.linalg.eigvals(np.swapaxes(x, -1, -2) @ x)
    return np.sqrt(np.take_along_axis(square, np.argsort(-square.real, -1), -1))


def apart(chance, shape):
    """Matrices whose singular values are far from 0 and from each other."""
    return np.eye(*shape[-2:]) * np.arange(3, 3 - shape[-1], -1) + chance.uniform(-0.2, 0.2, shape)


def graded(chance, shape):
    """About ±0.3 (1 + i)(1 + j)…: the sums along any axis are far from each other."""
    sizes = 0.3 * (np.indices(shape) + 1).prod(0)
    return sizes * chance.uniform(0.95, 1.05, shape) * chance.choice([-1.0, 1.0], shape)


def with_zeros(chance, shape):
    """A third of the elements are 0."""
    return chance.uniform(-2, 2, shape) * (chance.random(shape) > 0.33)


def spread(chance, shape):
    """No small variance: its root has large derivatives."""
    return 10 * distinct(chance, shape)


INF = float("inf")
rows = one(min_dims=1, low=1)
# fmt: off
CASES = [
    Case("sum", mg.sum, np.sum, anywhere),
    Case("sum dim", lambda x: mg.sum(x, 1), lambda x: x.sum(1), anywhere, shapes=one(min_dims=2)),
    Case("sum dims keep", lambda x: mg.sum(x, (0, -1), True), lambda x: x.sum((0, -1), keepdims=True), anywhere, shapes=one(min_dims=2)),
    Case("mean", lambda x: mg.mean(x, -1), lambda x: x.mean(-1), anywhere, shapes=rows),
    Case("mean all", mg.mean, np.mean, anywhere, shapes=one(low=1)),
    Case("trace", mg.trace, np.trace, anywhere, shapes=one(min_dims=2, max_dims=2)),
    Case("var", lambda x: mg.var(x, 0), lambda x: np_var(x, 0)[0], anywhere, shapes=one(min_dims=1, low=2)),
    Case("var population", lambda x: mg.var(x, correction=0, keepdim=True), lambda x: np_var(x, None, 0), anywhere, shapes=one(low=1)),
    Case("var dims", lambda x: mg.var(x, (0, -1), False, True), lambda x: np_var(x, (0, -1), 0), anywhere, shapes=one(min_dims=2, low=1)),
    Case("std", lambda x: mg.std(x, (0, 1)), lambda x: np.sqrt(np_var(x, (0, 1)))[0, 0], spread, shapes=one(min_dims=2, low=2)),
    Case("var_mean", lambda x: mg.cat(mg.var_mean(x, 0, keepdim=True)), lambda x: np.concatenate([np_var(x, 0), x.mean(0, keepdims=True)]), anywhere, shapes=one(min_dims=1, low=2)),
    Case("std_mean", lambda x: mg.cat(mg.std_mean(x, 0, keepdim=True)), lambda x: np.concatenate([np.sqrt(np_var(x, 0)), x.mean(0, keepdims=True)]), spread, shapes=one(min_dims=1, low=2)),
    Case("logsumexp", lambda x: mg.logsumexp(x, -1), lambda x: np.log(np.exp(x).sum(-1)), anywhere, shapes=rows),
    Case("logsumexp dims", lambda x: mg.logsumexp(x, (0, 1), True), lambda x: np.log(np.exp(x).sum((0, 1), keepdims=True)), anywhere, shapes=one(min_dims=2, low=1)),
    Case("prod", mg.prod, np.prod, anywhere, shapes=one(max_dims=2)),
    Case("prod dim", lambda x: mg.prod(x, 0, True), lambda x: x.prod(0, keepdims=True), off_zero, shapes=one(min_dims=1)),
    Case("prod with zeros", lambda x: mg.prod(x, -2), lambda x: x.prod(-2), with_zeros, shapes=one(min_dims=2)),
    Case("cumsum", lambda x: mg.cumsum(x, 0), lambda x: np_cumsum(x, 0), anywhere, shapes=one(min_dims=1)),
    Case("cumprod", lambda x: mg.cumprod(x, 0), lambda x: np_cumprod(x, 0), off_zero, shapes=one(min_dims=1)),
    Case("cumprod with zeros", lambda x: mg.cumprod(x, -1), lambda x: np_cumprod(x, -1), with_zeros, shapes=one(min_dims=1)),
    Case("cumprod long", lambda x: mg.cumprod(x, -1), lambda x: np_cumprod(x, -1), with_zeros, shapes=fixed((2, 6))),
    Case("max", lambda x: mg.max(x, 1).values, lambda x: x.max(1), distinct, shapes=one(min_dims=2, low=1)),
    Case("min", lambda x: mg.min(x, 0, True).values, lambda x: x.min(0, keepdims=True), distinct, shapes=rows),
    Case("max all", mg.max, np.max, distinct, shapes=one(low=1)),
    Case("min all", mg.min, np.min, distinct, shapes=one(low=1)),
    Case("amax", lambda x: mg.amax(x, (0, 1)), lambda x: x.max((0, 1)), distinct, shapes=one(min_dims=2, low=1)),
    Case("amin", lambda x: mg.amin(x, -1, True), lambda x: x.min(-1, keepdims=True), distinct, shapes=rows),
    Case("aminmax", lambda x: mg.stack(mg.aminmax(x, dim=0)), lambda x: np.stack([x.min(0), x.max(0)]), distinct, shapes=rows),
    Case("median", lambda x: mg.median(x, -1).values, lambda x: by_real(x, -1, (x.shape[-1] - 1) // 2), distinct, shapes=rows),
    Case("median all", mg.median, lambda x: by_real(x, None, (x.size - 1) // 2), distinct, shapes=one(low=1)),
    Case("sort", lambda x: mg.sort(x, 0).values, lambda x: np.take_along_axis(x, np.argsort(x.real, 0), 0), distinct, shapes=one(min_dims=1)),
    Case("sort descending", lambda x: mg.sort(x, descending=True).values, lambda x: np.take_along_axis(x, np.argsort(-x.real, -1), -1), distinct, shapes=one(min_dims=1)),
    Case("topk", lambda x: mg.topk(x, 2, 0).values, lambda x: np.take_along_axis(x, np.argsort(-x.real, 0)[:2], 0), distinct, shapes=one(min_dims=1, low=2)),
    Case("topk smallest", lambda x: mg.topk(x, 1, largest=False).values, lambda x: by_real(x, -1, 0, True), distinct, shapes=rows),
    Case("norm", mg.norm, lambda x: np_norm(x, 2), off_zero, shapes=one(low=1)),
    Case("norm dim", lambda x: mg.norm(x, 2, 0, True), lambda x: np_norm(x, 2, 0, True), off_zero, shapes=rows),
    Case("norm 1", lambda x: mg.norm(x, 1, (0, -1)), lambda x: np_norm(x, 1, (0, -1)), off_zero, shapes=one(min_dims=2)),
    Case("norm 1.5", lambda x: mg.norm(x, 1.5, -1), lambda x: np_norm(x, 1.5, -1), off_zero, shapes=rows),
    Case("norm 3", lambda x: mg.norm(x, 3), lambda x: np_norm(x, 3), off_zero, shapes=one(low=1)),
    Case("norm 4", lambda x: mg.norm(x, 4, 0), lambda x: np_norm(x, 4, 0), off_zero, shapes=rows),
    Case("norm 4 with zeros", lambda x: mg.norm(x, 4), lambda x: (x**4).sum() ** 0.25, lambda c, s: off_zero(c, s) * (np.arange(s[0]) > 0), shapes=fixed((3,))),
    Case("norm 0.5", lambda x: mg.norm(x, 0.5), lambda x: np_norm(x, 0.5), off_zero, shapes=one(low=1, max_dims=2)),
    Case("norm -1", lambda x: mg.norm(x, -1, 0), lambda x: np_norm(x, -1, 0), off_zero, shapes=rows),
    Case("norm inf", lambda x: mg.norm(x, INF, 0), lambda x: np_norm(x, INF, 0), off_zero, shapes=rows),
    Case("norm -inf", lambda x: mg.norm(x, -INF, -1, True), lambda x: np_norm(x, -INF, -1, True), off_zero, shapes=rows),
    Case("matrix_norm fro", mg.linalg.matrix_norm, lambda x: np_norm(x, 2, (-2, -1)), off_zero, shapes=one(min_dims=2, low=1)),
    Case("matrix_norm 1", lambda x: mg.linalg.matrix_norm(x, 1, (0, -1)), lambda x: (x * np.sign(x.real)).sum(0).max(-1), graded, shapes=one(min_dims=2, max_dims=2, low=1)),
    Case("matrix_norm -inf", lambda x: mg.linalg.norm(x, -INF, keepdim=True), lambda x: (x * np.sign(x.real)).sum(1).min(0, keepdims=True)[None], graded, shapes=fixed((3, 2))),
    Case("matrix_norm nuc", lambda x: mg.norm(x, "nuc", (1, 2)), lambda x: np_singular(x).sum(-1), apart, shapes=fixed((2, 3, 2))),
    Case("matrix_norm 2", lambda x: mg.linalg.matrix_norm(x, 2), lambda x: np_singular(x)[..., 0], apart, shapes=fixed((2, 3, 2))),
    Case("matrix_norm -2", lambda x: mg.linalg.norm(x, -2), lambda x: np_singular(x)[..., -1], apart, shapes=fixed((2, 2))),
]
# fmt: on
