"""Losses."""

import numpy as np

import minigrad as mg
from table.case import Case, anywhere, fixed, one, unit

F = mg.nn.functional


def np_softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


# fmt: off
CASES = [
    Case("mse_loss", F.mse_loss, lambda x, y: ((x - y) ** 2).mean(), anywhere, anywhere, shapes=one(low=1).map(lambda s: s * 2)),
    Case("cross_entropy", lambda x: F.cross_entropy(x, mg.tensor([2, 0])), lambda x: -np.log(np_softmax(x, 1))[[0, 1], [2, 0]].mean(), anywhere, shapes=fixed((2, 3))),
    Case("cross_entropy probabilities", lambda x, t: F.cross_entropy(x, t.exp()), lambda x, t: -(np.exp(t) * np.log(np_softmax(x, 1))).sum(1).mean(), anywhere, unit, shapes=fixed((2, 3), (2, 3))),
    Case("nll_loss", lambda x: F.nll_loss(x, mg.tensor([2, 0]), reduction="sum"), lambda x: -x[[0, 1], [2, 0]].sum(), anywhere, shapes=fixed((2, 3))),
    Case("bce_with_logits", lambda x, t: F.binary_cross_entropy_with_logits(x, t), lambda x, t: (np.log1p(np.exp(x)) - t * x).mean(), anywhere, unit, shapes=one(low=1).map(lambda s: s * 2)),
]
# fmt: on
