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


def filled(make, *arguments):
    """A formula: a copy of x, changed by `make`."""

    def formula(x, *rest):
        y = x * 1.0
        make(y, *arguments, *rest)
        return y

    return formula


def put_at(y, where, v):
    y[where] = v


def along_rows(index):
    """What numpy calls the places that scatter along axis 0 means."""
    return index, np.indices(index.shape)[1]


def in_place(name, *arguments):
    """`x.name(...)` on something that is not a leaf."""

    def function(x, *rest):
        y = x * 1.0
        getattr(y, name)(*arguments, *rest)
        return y

    return function


def viewed_in_place(x):
    y = x * 1.0
    y.transpose_(0, 1).unsqueeze_(0).squeeze_(0)
    return y


def broadcast_sum(x, y):
    a, b = mg.broadcast_tensors(x, y)
    return a * b


def grid_product(x, y):
    a, b = mg.meshgrid(x, y, indexing="xy")
    return a * b * a


upwards = np.array([[1, 0, 1], [0, 0, 1]])  # indices into an axis of 2
turns = np.array([2, 0, 2])

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
    Case("mix", lambda x: x[:, picks, None, 1], lambda x: x[:, picks, 1][:, :, :, None], anywhere, shapes=fixed((2, 3, 2))),
    Case("scattered", lambda x: x[picks, :, [0, 1]], lambda x: x[picks, :, [0, 1]], anywhere, shapes=fixed((3, 2, 2))),
    Case("gather", lambda x: mg.gather(x, 1, mg.tensor(picks)), lambda x: np.take_along_axis(x, picks, 1), anywhere, shapes=fixed((2, 3))),
    Case("select", lambda x: mg.select(x, 1, -1), lambda x: x[:, -1], anywhere, shapes=fixed((2, 3))),
    Case("setitem", put, np_put, anywhere, anywhere, shapes=fixed((3, 2), (3, 2))),
    Case("setitem broadcast", put, np_put, anywhere, anywhere, shapes=fixed((3, 2), ())),
    Case("to", lambda x: x.float().double() * x, lambda x: x.astype(np.float32) * x, lambda c, s: anywhere(c, s).astype(np.float32).astype(float), order=0),
    Case("ravel", lambda x: x.mT.ravel(), lambda x: x.swapaxes(-1, -2).reshape(-1), anywhere, shapes=one(min_dims=2)),
    Case("unflatten", lambda x: x.unflatten(-1, (2, -1)), lambda x: x.reshape(x.shape[:-1] + (2, 3)), anywhere, shapes=fixed((2, 6))),
    Case("squeeze dims", lambda x: x.squeeze((0, 1, -1)), lambda x: x.reshape(3, 2), anywhere, shapes=fixed((1, 3, 2, 1))),
    Case("swapaxes", lambda x: x.swapaxes(0, 1).swapdims(-1, 0), lambda x: x.swapaxes(0, 1).swapaxes(-1, 0), anywhere, shapes=one(min_dims=2)),
    Case("movedim", lambda x: x.movedim((0, 2), (-1, 0)), lambda x: np.moveaxis(x, (0, 2), (-1, 0)), anywhere, shapes=one(min_dims=3)),
    Case("expand_as", lambda x, y: x.expand_as(y) * y, lambda x, y: x * y, anywhere, anywhere, shapes=fixed((3, 1), (2, 3, 4))),
    Case("broadcast_tensors", broadcast_sum, lambda x, y: x * y, anywhere, anywhere),
    Case("repeat", lambda x: x.repeat(2, 1, 3), lambda x: np.tile(x, (2, 1, 3)), anywhere, shapes=one(min_dims=1)),
    Case("tile", lambda x: x.tile(2), lambda x: np.tile(x, 2), anywhere),
    Case("repeat_interleave", lambda x: x.repeat_interleave(2, -1), lambda x: np.repeat(x, 2, -1), anywhere, shapes=one(min_dims=1)),
    Case("repeat_interleave tensor", lambda x: x.repeat_interleave(mg.tensor([2, 0, 3]), 1), lambda x: np.repeat(x, [2, 0, 3], 1), anywhere, shapes=fixed((2, 3, 2))),
    Case("hstack", lambda x, y: mg.hstack([x, y]), lambda x, y: np.hstack([x, y]), anywhere, anywhere, shapes=one().map(lambda s: s * 2)),
    Case("vstack", lambda x, y: mg.vstack([x, y]), lambda x, y: np.vstack([x, y]), anywhere, anywhere, shapes=one().map(lambda s: s * 2)),
    Case("dstack", lambda x, y: mg.dstack([x, y]), lambda x, y: np.dstack([x, y]), anywhere, anywhere, shapes=one().map(lambda s: s * 2)),
    Case("chunk", lambda x: mg.chunk(x, 2, 1)[0] * mg.chunk(x, 2, 1)[1], lambda x: x[:, :2] * x[:, 2:], anywhere, shapes=fixed((3, 4))),
    Case("tensor_split", lambda x: mg.tensor_split(x, (1, 3), 1)[1], lambda x: x[:, 1:3], anywhere, shapes=fixed((3, 4))),
    Case("flip", lambda x: x.flip(0, -1), lambda x: np.flip(x, (0, -1)), anywhere, shapes=one(min_dims=2)),
    Case("roll", lambda x: x.roll((1, -2), (0, 1)), lambda x: np.roll(x, (1, -2), (0, 1)), anywhere, shapes=one(min_dims=2)),
    Case("roll flat", lambda x: x.roll(1), lambda x: np.roll(x, 1), anywhere),
    Case("diagonal", lambda x: x.diagonal(1, 0, -1), lambda x: np.diagonal(x, 1, 0, -1), anywhere, shapes=fixed((3, 2, 4))),
    Case("diag", lambda x: mg.diag(x, -1), lambda x: np.diag(x, -1), anywhere, shapes=one(low=1, min_dims=2, max_dims=2)),
    Case("diag of vector", lambda x: mg.diag(x, -1), lambda x: np.diag(x, -1), anywhere, shapes=one(min_dims=1, max_dims=1)),
    Case("diag_embed", lambda x: mg.diag_embed(x, 1, 0, 2), lambda x: np.stack([np.diag(r, 1) for r in x], 1), anywhere, shapes=fixed((3, 2))),
    Case("diagflat", lambda x: mg.diagflat(x, 1), lambda x: np.diagflat(x, 1), anywhere, shapes=fixed((2, 2))),
    Case("tril", lambda x: x.tril(-1), lambda x: np.tril(x, -1), anywhere, shapes=one(min_dims=2)),
    Case("triu", lambda x: x.triu(1), lambda x: np.triu(x, 1), anywhere, shapes=one(min_dims=2)),
    Case("clone", lambda x: x.clone(), lambda x: x * 1.0, anywhere),
    Case("mask and new axes", lambda x: x[None, True, mask, ..., None], lambda x: x[mask][None, :, ..., None], anywhere, shapes=fixed((2, 3, 2))),
    Case("two masks", lambda x: x[mask[:, 0], mask[0]], lambda x: x[mask[:, 0], mask[0]], anywhere, shapes=fixed((2, 3))),
    Case("index_select", lambda x: mg.index_select(x, 1, mg.tensor(turns)), lambda x: x[:, turns], anywhere, shapes=fixed((2, 3, 2))),
    Case("take", lambda x: mg.take(x, mg.tensor(picks - 2)), lambda x: x.reshape(-1)[picks - 2], anywhere, shapes=fixed((2, 3))),
    Case("take_along_dim", lambda x: mg.take_along_dim(x, mg.tensor(picks[:1]), 1), lambda x: x[:, picks[0]], anywhere, shapes=fixed((2, 3))),
    Case("masked_fill", lambda x: mg.masked_fill(x, mg.tensor(mask), 3), filled(put_at, mask, 3), anywhere, shapes=fixed((2, 3))),
    Case("masked_fill tensor", lambda x, v: x.masked_fill(mg.tensor(mask), v), filled(put_at, mask), anywhere, anywhere, shapes=fixed((2, 3), ())),
    Case("masked_select", lambda x: mg.masked_select(x, mg.tensor(mask)), lambda x: np.broadcast_to(x, (2, 3))[mask], anywhere, shapes=fixed((3,))),
    Case("masked_scatter", lambda x, y: mg.masked_scatter(x, mg.tensor(mask), y), lambda x, y: filled(put_at, mask)(x, y.reshape(-1)[:3]), anywhere, anywhere, shapes=fixed((2, 3), (2, 2))),
    Case("index_put", lambda x, y: mg.index_put(x, (mg.tensor(turns),), y), filled(put_at, turns), anywhere, anywhere, shapes=fixed((3, 2), (3, 2))),
    Case("index_put accumulate", lambda x, y: mg.index_put(x, (mg.tensor(turns),), y, True), filled(np.add.at, turns), anywhere, anywhere, shapes=fixed((3, 2), (2,))),
    Case("index_add", lambda x, y: mg.index_add(x, 1, mg.tensor(turns), y, alpha=-2), lambda x, y: x + np.stack([-2 * y[:, 1], 0 * y[:, 1], -2 * (y[:, 0] + y[:, 2])], 1), anywhere, anywhere, shapes=fixed((2, 3, 2), (2, 3, 2))),
    Case("index_copy", lambda x, y: mg.index_copy(x, 1, mg.tensor(turns), y), lambda x, y: np.stack([y[:, 1], x[:, 1], y[:, 2]], 1), anywhere, anywhere, shapes=fixed((2, 3), (2, 3))),
    Case("index_fill", lambda x, v: mg.index_fill(x, 0, mg.tensor([-1, 0]), v), filled(put_at, [0, 2]), anywhere, anywhere, shapes=fixed((3, 2), ())),
    Case("scatter", lambda x, y: mg.scatter(x, 0, mg.tensor(upwards), y), lambda x, y: filled(put_at, along_rows(upwards))(x, y[:2, :3]), anywhere, anywhere, shapes=fixed((2, 4), (3, 3))),
    Case("scatter value", lambda x: mg.scatter(x, 0, mg.tensor(upwards), 2.0), filled(put_at, along_rows(upwards), 2.0), anywhere, shapes=fixed((2, 4))),
    Case("scatter multiply", lambda x, y: mg.scatter(x, 0, mg.tensor(upwards), y, reduce="multiply"), filled(np.multiply.at, along_rows(upwards)), anywhere, anywhere, shapes=fixed((2, 4), (2, 3))),
    Case("scatter_add", lambda x, y: mg.scatter_add(x, 0, mg.tensor(upwards), y), filled(np.add.at, along_rows(upwards)), anywhere, anywhere, shapes=fixed((2, 4), (2, 3))),
    Case("meshgrid", grid_product, lambda x, y: x * y[:, None] * x, anywhere, anywhere, shapes=st.tuples(lengths(), lengths()).map(lambda n: ((n[0],), (n[1],)))),
    Case("masked_fill_", in_place("masked_fill_", mg.tensor(mask)), filled(put_at, mask), anywhere, anywhere, shapes=fixed((2, 3), ())),
    Case("index_put_", in_place("index_put_", (mg.tensor(turns),)), filled(put_at, turns), anywhere, anywhere, shapes=fixed((3, 2), (2,))),
    Case("scatter_add_", in_place("scatter_add_", 0, mg.tensor(upwards)), filled(np.add.at, along_rows(upwards)), anywhere, anywhere, shapes=fixed((2, 4), (2, 3))),
    Case("triu_", in_place("triu_", 1), lambda x: np.triu(x, 1), anywhere, shapes=one(min_dims=2)),
    Case("transpose_", viewed_in_place, lambda x: x.T, anywhere, shapes=fixed((2, 3))),
]
# fmt: on
