"""Normalisation, embedding, attention, distances."""

import numpy as np

import minigrad as mg
from table.case import Case, anywhere, distinct, fixed, lengths, off_zero, one, positive

F = mg.nn.functional

picks = np.array([[0, 2], [2, 2]])


def np_layer_norm(x, axis, eps=0.1):
    n = np.prod(np.array(x.shape)[np.atleast_1d(axis)])
    apart = x - x.sum(axis, keepdims=True) / max(n, 1)
    return apart / np.sqrt((apart * apart).sum(axis, keepdims=True) / max(n, 1) + eps)


def beside(v, x):
    """Channel vectors (C,) in a shape that broadcasts with x (N, C, ...)."""
    return v.reshape(v.shape + (1,) * (x.ndim - 2))


def np_group_norm(x, w, b, groups, eps=0.1):
    rows = np_layer_norm(x.reshape(x.shape[0], groups, -1), -1, eps)
    return rows.reshape(x.shape) * beside(w, x) + beside(b, x)


def np_rms_norm(x, axis, eps):
    n = np.prod(np.array(x.shape)[np.atleast_1d(axis)])
    return x / np.sqrt((x * x).sum(axis, keepdims=True) / max(n, 1) + eps)


def np_length(x, p, axis=-1, keepdims=False):
    """The p-norm, analytic for p even and else where no element is near 0."""
    powers = x**p if p % 2 == 0 and p > 0 else (x * np.sign(x.real)) ** p
    return powers.sum(axis, keepdims=keepdims) ** (1 / p)


def np_cosine(x, y, axis):
    def unit(v):
        return v / np_length(v, 2, axis, True)

    return (unit(x) * unit(y)).sum(axis)


def np_attention(q, k, v, mask=None, scale=None):
    scores = np.einsum("...le,...se->...ls", q, k) * (scale or q.shape[-1] ** -0.5)
    if mask is not None:
        scores = scores + mask
    weights = np.exp(scores - scores.real.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True) @ v


seen = np.array([[True, False, True], [True, True, True]])
unseen = np.where(seen, 0.0, -np.inf)
attention = F.scaled_dot_product_attention
qkv = ((2, 4), (3, 4), (3, 2))
heads = ((2, 4, 3, 2), (2, 2, 3, 2), (2, 1, 3, 2))

# fmt: off
CASES = [
    Case("batch_norm", lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True, eps=0.1), lambda x, w, b: np_layer_norm(x, 0) * w + b, distinct, positive, anywhere, shapes=fixed((4, 2), (2,), (2,)), tolerance=1e-3),
    Case("batch_norm eval", lambda x, w, b: F.batch_norm(x, mg.tensor([0.1, 0.2]).double(), mg.tensor([1.0, 2.0]).double(), w, b), lambda x, w, b: (x - np.float32([0.1, 0.2])) / np.sqrt(np.array([1.0, 2.0]) + 1e-5) * w + b, anywhere, positive, anywhere, shapes=fixed((4, 2), (2,), (2,))),
    Case("layer_norm", lambda x: F.layer_norm(x, x.shape[-1], eps=0.1), lambda x: np_layer_norm(x, -1), anywhere, shapes=one(min_dims=1, low=0)),
    Case("layer_norm affine", lambda x, w, b: F.layer_norm(x, w.shape, w, b, 0.1), lambda x, w, b: np_layer_norm(x, -1) * w + b, anywhere, positive, anywhere, shapes=one(min_dims=1, low=0).map(lambda s: s + (s[0][-1:],) * 2)),
    Case("layer_norm weight", lambda x, w: F.layer_norm(x, w.shape, w, eps=0.1), lambda x, w: np_layer_norm(x, (-2, -1)) * w, anywhere, anywhere, shapes=lengths().map(lambda n: ((n, 3, 2), (3, 2)))),
    Case("layer_norm bias", lambda x, b: F.layer_norm(x, b.shape, None, b, 0.1), lambda x, b: np_layer_norm(x, -1) + b, anywhere, anywhere, shapes=fixed((2, 3), (3,))),
    Case("layer_norm of planes", lambda x: F.layer_norm(x, x.shape[-2:], eps=0.1), lambda x: np_layer_norm(x, (-2, -1)), anywhere, shapes=fixed((2, 3, 2))),
    Case("batch_norm of images", lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True, eps=0.1), lambda x, w, b: np_layer_norm(x, (0, 2, 3)) * beside(w, x) + beside(b, x), anywhere, positive, anywhere, shapes=fixed((2, 3, 2, 2), (3,), (3,))),
    Case("group_norm", lambda x, w, b: F.group_norm(x, 2, w, b, 0.1), lambda x, w, b: np_group_norm(x, w, b, 2), anywhere, positive, anywhere, shapes=fixed((2, 4, 3), (4,), (4,))),
    Case("group_norm of vectors", lambda x: F.group_norm(x, 3, eps=0.1), lambda x: np_group_norm(x, np.ones(6), np.zeros(6), 3), anywhere, shapes=fixed((2, 6))),
    Case("instance_norm", lambda x, w, b: F.instance_norm(x, None, None, w, b, eps=0.1), lambda x, w, b: np_group_norm(x, w, b, x.shape[1]), anywhere, positive, anywhere, shapes=fixed((2, 3, 4), (3,), (3,))),
    Case("instance_norm of images", lambda x: F.instance_norm(x, eps=0.1), lambda x: np_layer_norm(x, (2, 3)), anywhere, shapes=fixed((2, 2, 2, 3))),
    Case("rms_norm", lambda x, w: F.rms_norm(x, w.shape, w, 0.1), lambda x, w: np_rms_norm(x, -1, 0.1) * w, anywhere, anywhere, shapes=one(min_dims=1, low=0).map(lambda s: s + (s[0][-1:],))),
    Case("rms_norm of planes", lambda x: F.rms_norm(x, x.shape[-2:], eps=0.1), lambda x: np_rms_norm(x, (-2, -1), 0.1), anywhere, shapes=fixed((2, 3, 2))),
    Case("normalize", lambda x: F.normalize(x, dim=-1), lambda x: x / np_length(x, 2, -1, True), off_zero, shapes=one(min_dims=1, low=1), tolerance=1e-3, close=1e-5),
    Case("normalize p=3", lambda x: F.normalize(x, 3.0, 0), lambda x: x / np_length(x, 3, 0, True), off_zero, shapes=fixed((3, 2))),
    Case("normalize p=1", lambda x: F.normalize(x, 1, -1), lambda x: x / np_length(x, 1, -1, True), off_zero, shapes=fixed((2, 3))),
    Case("normalize axes", lambda x: F.normalize(x, dim=(0, 2)), lambda x: x / np_length(x, 2, (0, 2), True), off_zero, shapes=fixed((2, 2, 3))),
    Case("cosine_similarity", lambda x, y: F.cosine_similarity(x, y, -1), lambda x, y: np_cosine(x, y, -1), off_zero, off_zero, shapes=fixed((2, 3), (4, 1, 3)), tolerance=1e-3),
    Case("cosine_similarity dim", lambda x, y: F.cosine_similarity(x, y), lambda x, y: np_cosine(x, np.broadcast_to(y, (2, 3, 4)), 1), off_zero, off_zero, shapes=fixed((2, 3, 4), (3, 1)), tolerance=1e-3),
    Case("pairwise_distance", lambda x, y: F.pairwise_distance(x, y), lambda x, y: np_length(x - y + 1e-6, 2), distinct, positive, shapes=fixed((3, 4), (4,)), tolerance=1e-3, close=1e-5),
    Case("pairwise_distance p=4", lambda x, y: F.pairwise_distance(x, y, 4, 0.1, True), lambda x, y: np_length(x - y + 0.1, 4, -1, True), off_zero, lambda chance, shape: positive(chance, shape) + 3, shapes=fixed((3, 2), (3, 2))),
    Case("bilinear", lambda x, z, w, b: F.bilinear(x, z, w, b), lambda x, z, w, b: np.einsum("...i,oij,...j->...o", x, w, z) + b, anywhere, anywhere, anywhere, anywhere, shapes=fixed((3, 2), (3, 4), (2, 2, 4), (2,))),
    Case("bilinear of vectors", lambda x, z, w: F.bilinear(x, z, w), lambda x, z, w: np.einsum("i,oij,j->o", x, w, z), anywhere, anywhere, anywhere, shapes=lengths().map(lambda n: ((n,), (2,), (3, n, 2)))),
    Case("attention", attention, np_attention, anywhere, anywhere, anywhere, shapes=fixed(*qkv)),
    Case("attention bool mask", lambda q, k, v: attention(q, k, v, mg.tensor(seen)), lambda q, k, v: np_attention(q, k, v, unseen), anywhere, anywhere, anywhere, shapes=fixed(*qkv)),
    Case("attention added mask", lambda q, k, v, m: attention(q, k, v, m, scale=0.3), lambda q, k, v, m: np_attention(q, k, v, m, 0.3), anywhere, anywhere, anywhere, anywhere, shapes=fixed(*qkv, (2, 3))),
    Case("attention causal", lambda q, k, v: attention(q, k, v, is_causal=True), lambda q, k, v: np_attention(q, k, v, np.where(np.tri(2, 3), 0.0, -np.inf)), anywhere, anywhere, anywhere, shapes=fixed(*qkv)),
    Case("attention shared heads", lambda q, k, v: attention(q, k, v, enable_gqa=True), lambda q, k, v: np_attention(q, np.repeat(k, 2, 1), np.repeat(v, 4, 1)), anywhere, anywhere, anywhere, shapes=fixed(*heads)),
    Case("attention to nothing", lambda q, k, v: attention(q, k, v, mg.tensor(seen[:, :1] & [[True], [False]])), lambda q, k, v: np.array([[1.0], [0.0]]) * np_attention(q, k, v), anywhere, anywhere, anywhere, shapes=fixed(*qkv)),
    Case("embedding", lambda w: F.embedding(mg.tensor(picks), w), lambda w: w[picks], anywhere, shapes=lengths().map(lambda n: ((3, n),))),
    Case("embedding of none", lambda w: F.embedding(mg.tensor(picks[:, :0]), w), lambda w: w[picks[:, :0]], anywhere, shapes=one(min_dims=2, max_dims=2)),
]
# fmt: on
