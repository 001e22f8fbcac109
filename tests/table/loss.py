"""Losses; kinks are kept away from (`tests/ops/test_loss.py` goes to them)."""

import numpy as np

import minigrad as mg
from table.case import Case, anywhere, clear_of, fixed, one, positive, unit

F = mg.nn.functional

alike = one(low=1).map(lambda s: s * 2)
three_alike = one(low=1).map(lambda s: s * 3)
signs = np.array([1, -1, 1, -1])
right = np.array([[1, 0, -1], [2, -1, 0]])  # of each row the right classes, until −1


def probability(chance, shape):
    return chance.uniform(0.15, 0.85, shape)


def small(chance, shape):
    return chance.uniform(-0.04, 0.04, shape)


def np_softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def absolute(x):
    return x * np.sign(x.real)


def np_huber(d, delta):
    return np.where(absolute(d.real) < delta, d * d / 2, delta * (absolute(d) - delta / 2))


def logistic_loss(x, t, p=1.0):
    return p * t * np.log1p(np.exp(-x)) + (1 - t) * np.log1p(np.exp(x))


def np_cosine(x, y):
    return (x * y).sum(-1) / np.sqrt(((x * x).sum(-1) + 1e-12) * ((y * y).sum(-1) + 1e-12))


def np_cosine_embedding(x, y):
    cosine = np_cosine(x, y)
    return np.where(signs > 0, 1 - cosine, cosine + 1)


def np_distance(x, y):
    return np.sqrt(((x - y + 1e-6) ** 2).sum(-1))


def np_multi_margin(x, w):
    lack = 5 - x[[0, 1], [2, 0]][:, None] + x
    lack[[0, 1], [2, 0]] = 0
    return (lack**2 * w[[2, 0]][:, None]).sum(-1).mean() / 3


def np_multilabel_margin(x):
    pairs = [(0, 1, 2), (0, 0, 2), (1, 2, 0), (1, 2, 1)]  # row, right, wrong
    return sum(1 - x[i, y] + x[i, j] for i, y, j in pairs) / 3


# fmt: off
CASES = [
    Case("mse_loss", F.mse_loss, lambda x, y: ((x - y) ** 2).mean(), anywhere, anywhere, shapes=alike),
    Case("mse_loss weight", lambda x, y, w: F.mse_loss(x, y, weight=w), lambda x, y, w: (w * (x - y) ** 2).sum() / w.sum(), anywhere, anywhere, positive, shapes=three_alike),
    Case("l1_loss", F.l1_loss, lambda x, y: absolute(x - y).mean(), clear_of(0), small, shapes=alike),
    Case("l1_loss weight", lambda x, y, w: F.l1_loss(x, y, weight=w), lambda x, y, w: (w * absolute(x - y)).sum() / w.sum(), clear_of(0), small, positive, shapes=three_alike),
    Case("huber_loss", lambda x, y: F.huber_loss(x, y, delta=0.8), lambda x, y: np_huber(x - y, 0.8).mean(), clear_of(-0.8, 0, 0.8), small, shapes=alike),
    Case("huber_loss weight", lambda x, y, w: F.huber_loss(x, y, "sum", 0.8, w), lambda x, y, w: (np_huber(x - y, 0.8) * w).sum(), clear_of(-0.8, 0, 0.8), small, positive, shapes=three_alike),
    Case("smooth_l1_loss", lambda x, y: F.smooth_l1_loss(x, y, "none", 0.8), lambda x, y: np_huber(x - y, 0.8) / 0.8, clear_of(-0.8, 0, 0.8), small, shapes=alike),
    Case("cross_entropy", lambda x: F.cross_entropy(x, mg.tensor([2, 0])), lambda x: -np.log(np_softmax(x, 1))[[0, 1], [2, 0]].mean(), anywhere, shapes=fixed((2, 3))),
    Case("cross_entropy probabilities", lambda x, t: F.cross_entropy(x, t.exp()), lambda x, t: -(np.exp(t) * np.log(np_softmax(x, 1))).sum(1).mean(), anywhere, unit, shapes=fixed((2, 3), (2, 3))),
    Case("nll_loss", lambda x: F.nll_loss(x, mg.tensor([2, 0]), reduction="sum"), lambda x: -x[[0, 1], [2, 0]].sum(), anywhere, shapes=fixed((2, 3))),
    Case("bce", F.binary_cross_entropy, lambda x, t: -(t * np.log(x) + (1 - t) * np.log(1 - x)).mean(), probability, unit, shapes=alike, close=1e-5),
    Case("bce weight", lambda x, t, w: F.binary_cross_entropy(x, t, w, "none"), lambda x, t, w: -w * (t * np.log(x) + (1 - t) * np.log(1 - x)), probability, unit, positive, shapes=three_alike, close=1e-5),
    Case("bce_with_logits", lambda x, t: F.binary_cross_entropy_with_logits(x, t), lambda x, t: logistic_loss(x, t).mean(), anywhere, unit, shapes=alike),
    Case("bce_with_logits weights", lambda x, t, w, p: F.binary_cross_entropy_with_logits(x, t, w, pos_weight=p), lambda x, t, w, p: (w * logistic_loss(x, t, p)).mean(), anywhere, unit, positive, positive, shapes=fixed((2, 3), (2, 3), (2, 1), (3,))),
    Case("kl_div", lambda x, t: F.kl_div(x, t, reduction="batchmean"), lambda x, t: (t * (np.log(t) - x)).sum() / len(x), anywhere, positive, shapes=one(min_dims=1, low=1).map(lambda s: s * 2), close=1e-5),
    Case("kl_div log_target", lambda x, t: F.kl_div(x, t, reduction="none", log_target=True), lambda x, t: np.exp(t) * (t - x), anywhere, anywhere),
    Case("gaussian_nll_loss", lambda x, t, v: F.gaussian_nll_loss(x, t, v, full=True), lambda x, t, v: (np.log(2 * np.pi * v) + (x - t) ** 2 / v).mean() / 2, anywhere, anywhere, positive, shapes=three_alike, close=1e-5),
    Case("gaussian_nll_loss rows", lambda x, t, v: F.gaussian_nll_loss(x, t, v, reduction="none"), lambda x, t, v: (np.log(v[:, None]) + (x - t) ** 2 / v[:, None]) / 2, anywhere, anywhere, positive, shapes=fixed((2, 3), (3,), (2,)), close=1e-5),
    Case("poisson_nll_loss", F.poisson_nll_loss, lambda x, t: (np.exp(x) - t * x).mean(), anywhere, positive, shapes=alike),
    Case("poisson_nll_loss full", lambda x, t: F.poisson_nll_loss(x, t + 1, False, True, 1e-3, "sum"), lambda x, t: (x - (t + 1) * np.log(x + 1e-3) + (t + 1) * np.log(t + 1) - t - 1 + np.log(2 * np.pi * (t + 1)) / 2).sum(), positive, positive, shapes=alike, close=1e-5),
    Case("hinge_embedding_loss", lambda x: F.hinge_embedding_loss(x, mg.tensor(signs)), lambda x: np.where(signs > 0, x, np.where(x.real < 1, 1 - x, 0)).mean(), clear_of(1), shapes=fixed((3, 4))),
    Case("margin_ranking_loss", lambda x, y: F.margin_ranking_loss(x, y, mg.tensor(signs), 0.5, "sum"), lambda x, y: (lambda z: np.where(z.real > 0, z, 0).sum())(0.5 - signs * (x - y)), clear_of(-0.5, 0.5), small, shapes=fixed((4,), (4,))),
    Case("soft_margin_loss", F.soft_margin_loss, lambda x, y: np.log1p(np.exp(-x * y)).mean(), anywhere, anywhere, shapes=alike),
    Case("cosine_embedding_loss", lambda x, y: F.cosine_embedding_loss(x, y, mg.tensor(signs), -1, "none"), np_cosine_embedding, positive, positive, shapes=fixed((4, 3), (4, 3)), close=1e-5),
    Case("triplet_margin_loss", lambda a, p, n: F.triplet_margin_loss(a, p, n, 9), lambda a, p, n: (np_distance(a, p) - np_distance(a, n) + 9).mean(), lambda c, s: anywhere(c, s) + 8, anywhere, lambda c, s: anywhere(c, s) + 4, shapes=fixed((2, 3), (2, 3), (2, 3))),
    Case("multi_margin_loss", lambda x, w: F.multi_margin_loss(x, mg.tensor([2, 0]), 2, 5, w), np_multi_margin, anywhere, positive, shapes=fixed((2, 3), (3,)), close=1e-5),
    Case("multilabel_margin_loss", lambda x: F.multilabel_margin_loss(x, mg.tensor(right), "sum"), np_multilabel_margin, lambda c, s: unit(c, s) / 2, shapes=fixed((2, 3))),
    Case("multilabel_soft_margin_loss", F.multilabel_soft_margin_loss, lambda x, t, w: (w * logistic_loss(x, t)).mean(), anywhere, unit, positive, shapes=fixed((2, 3), (2, 3), (3,))),
]
# fmt: on
