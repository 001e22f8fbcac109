"""Normalisation, embedding, attention, distances."""

import numpy as np

import minigrad as mg
from table.case import Case, anywhere, distinct, fixed, lengths, one, positive

F = mg.nn.functional

picks = np.array([[0, 2], [2, 2]])


def np_layer_norm(x, axis, eps=0.1):
    n = np.prod(np.array(x.shape)[np.atleast_1d(axis)])
    apart = x - x.sum(axis, keepdims=True) / max(n, 1)
    return apart / np.sqrt((apart * apart).sum(axis, keepdims=True) / max(n, 1) + eps)


# fmt: off
CASES = [
    Case("batch_norm", lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True, eps=0.1), lambda x, w, b: np_layer_norm(x, 0) * w + b, distinct, positive, anywhere, shapes=fixed((4, 2), (2,), (2,)), tolerance=1e-3),
    Case("batch_norm eval", lambda x, w, b: F.batch_norm(x, mg.tensor([0.1, 0.2]).double(), mg.tensor([1.0, 2.0]).double(), w, b), lambda x, w, b: (x - np.float32([0.1, 0.2])) / np.sqrt(np.array([1.0, 2.0]) + 1e-5) * w + b, anywhere, positive, anywhere, shapes=fixed((4, 2), (2,), (2,))),
    Case("layer_norm", lambda x: F.layer_norm(x, x.shape[-1], eps=0.1), lambda x: np_layer_norm(x, -1), anywhere, shapes=one(min_dims=1, low=0)),
    Case("layer_norm affine", lambda x, w, b: F.layer_norm(x, w.shape, w, b, 0.1), lambda x, w, b: np_layer_norm(x, -1) * w + b, anywhere, positive, anywhere, shapes=one(min_dims=1, low=0).map(lambda s: s + (s[0][-1:],) * 2)),
    Case("layer_norm weight", lambda x, w: F.layer_norm(x, w.shape, w, eps=0.1), lambda x, w: np_layer_norm(x, (-2, -1)) * w, anywhere, anywhere, shapes=lengths().map(lambda n: ((n, 3, 2), (3, 2)))),
    Case("layer_norm bias", lambda x, b: F.layer_norm(x, b.shape, None, b, 0.1), lambda x, b: np_layer_norm(x, -1) + b, anywhere, anywhere, shapes=fixed((2, 3), (3,))),
    Case("embedding", lambda w: F.embedding(mg.tensor(picks), w), lambda w: w[picks], anywhere, shapes=lengths().map(lambda n: ((3, n),))),
    Case("embedding of none", lambda w: F.embedding(mg.tensor(picks[:, :0]), w), lambda w: w[picks[:, :0]], anywhere, shapes=one(min_dims=2, max_dims=2)),
]
# fmt: on
