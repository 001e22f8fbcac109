"""Shapes, views and indexing."""

import numpy as np
from hypothesis import strategies as st

import minigrad as mg
from table.case import Case, anywhere, fixed, lengths, one

mask = np.array([[True, False, True], [False, False, True]])
picks = np.array([[0, 2], [2, 2]])


def put(x, v):
    y = x * 1.0
    y[[0, 2, 0]] = v
    return y


def np_put(x, v):
    y = x.copy()
    y[[0, 2, 0]] = v
    return y


# fmt: off
CASES = [
    Case("reshape", lambda x: x.reshape(-1, 2), lambda x: x.reshape(-1, 2), anywhere, shapes=fixed((3, 4))),
    Case("view", lambda x: x.contiguous().view((2, 6)), lambda x: x.reshape(2, 6), anywhere, shapes=fixed((3, 4))),
    Case("flatten", lambda x: x.flatten(1), lambda x: x.reshape(x.shape[0], int(np.prod(x.shape[1:]))), anywhere, shapes=one(min_dims=2)),
    Case("transpose", lambda x: x.transpose(0, -1), lambda x: x.swapaxes(0, -1), anywhere, shapes=one(min_dims=1)),
    Case("permute", lambda x: x.permute(2, 0, 1), lambda x: x.transpose(2, 0, 1), anywhere, shapes=one(min_dims=3)),
    Case("T", lambda x: x.T, lambda x: x.T, anywhere, shapes=one(min_dims=2, max_dims=2)),
    Case("mT", lambda x: x.mT, lambda x: x.swapaxes(-1, -2), anywhere, shapes=one(min_dims=2)),
    Case("squeeze", lambda x: x.unsqueeze(1).squeeze(1), lambda x: x, anywhere, shapes=one(min_dims=1)),
    Case("unsqueeze", lambda x: x.unsqueeze(-1), lambda x: x[..., None], anywhere),
    Case("expand", lambda x: x.expand(2, -1, 3), lambda x: np.broadcast_to(x, (2, x.shape[0], 3)), anywhere, shapes=lengths().map(lambda n: ((n, 1),))),
    Case("broadcast_to", lambda x: x.broadcast_to((2, 3)), lambda x: np.broadcast_to(x, (2, 3)), anywhere, shapes=fixed((3,))),
    Case("cat", lambda x, y: mg.cat([x, y, x], 1), lambda x, y: np.concatenate([x, y, x], 1), anywhere, anywhere, shapes=st.tuples(lengths(), lengths(), lengths()).map(lambda n: ((n[0], n[1]), (n[0], n[2])))),
    Case("stack", lambda x, y: mg.stack([x, y], -1), lambda x, y: np.stack([x, y], -1), anywhere, anywhere, shapes=one().map(lambda s: s * 2)),
    Case("split", lambda x: mg.split(x, 2)[1] * mg.split(x, [1, 3])[0], lambda x: x[2:4] * x[:1], anywhere, shapes=fixed((4, 2))),
    Case("narrow", lambda x: mg.narrow(x, 1, 1, 2), lambda x: x[:, 1:3], anywhere, shapes=fixed((2, 4))),
    Case("unbind", lambda x: mg.unbind(x, 1)[0], lambda x: x[:, 0], anywhere, shapes=fixed((2, 3))),
    Case("slice", lambda x: x[1, ..., ::2, None], lambda x: x[1, ..., ::2, None], anywhere, shapes=fixed((2, 3, 4))),
    Case("negative step", lambda x: x[::-1, -2], lambda x: x[::-1, -2], anywhere, shapes=fixed((3, 3))),
    Case("mask", lambda x: x[mask], lambda x: x[mask], anywhere, shapes=fixed((2, 3))),
    Case("row mask", lambda x: x[mask[:, 0]], lambda x: x[mask[:, 0]], anywhere, shapes=fixed((2, 3))),
    Case("integers", lambda x: x[picks], lambda x: x[picks], anywhere, shapes=fixed((3, 2))),
    Case("mix", lambda x: x[:, picks, None, 1], lambda x: x[:, picks, None, 1], anywhere, shapes=fixed((2, 3, 2))),
    Case("scattered", lambda x: x[picks, :, [0, 1]], lambda x: x[picks, :, [0, 1]], anywhere, shapes=fixed((3, 2, 2))),
    Case("gather", lambda x: mg.gather(x, 1, mg.tensor(picks)), lambda x: np.take_along_axis(x, picks, 1), anywhere, shapes=fixed((2, 3))),
    Case("select", lambda x: mg.select(x, 1, -1), lambda x: x[:, -1], anywhere, shapes=fixed((2, 3))),
    Case("setitem", put, np_put, anywhere, anywhere, shapes=fixed((3, 2), (3, 2))),
    Case("setitem broadcast", put, np_put, anywhere, anywhere, shapes=fixed((3, 2), ())),
    Case("to", lambda x: x.float().double() * x, lambda x: x.astype(np.float32) * x, lambda c, s: anywhere(c, s).astype(np.float32).astype(float), order=0),
]
# fmt: on
