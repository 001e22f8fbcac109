"""Activations."""

import numpy as np

import minigrad as mg
from table.case import Case, anywhere, one

F = mg.nn.functional

one_axis = one(min_dims=1, low=1)


def np_softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


# fmt: off
CASES = [
    Case("softmax", lambda x: F.softmax(x, -1), lambda x: np_softmax(x, -1), anywhere, shapes=one_axis),
    Case("softmax first", lambda x: F.softmax(x, 0), lambda x: np_softmax(x, 0), anywhere, shapes=one_axis),
    Case("log_softmax", lambda x: F.log_softmax(x, -1), lambda x: np.log(np_softmax(x, -1)), anywhere, shapes=one_axis),
    Case("log_softmax first", lambda x: F.log_softmax(x, 0), lambda x: np.log(np_softmax(x, 0)), anywhere, shapes=one_axis),
]
# fmt: on
