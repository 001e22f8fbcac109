"""Operations of shape: what is a view, what an edge does, and what is refused."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import InplaceError


def shares_memory(x, y):
    return np.shares_memory(x.numpy(), y.numpy())


VIEWS = {
    "view": lambda x: x.view(3, 8),
    "reshape": lambda x: x.reshape(6, 4),
    "flatten": lambda x: x.flatten(1),
    "ravel": lambda x: x.ravel(),
    "unflatten": lambda x: x.unflatten(2, (2, 2)),
    "squeeze": lambda x: x.unsqueeze(0).squeeze(0),
    "transpose": lambda x: x.transpose(0, 2),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "permute": lambda x: x.permute(2, 0, 1),
    "movedim": lambda x: x.movedim(0, 1),
    "T": lambda x: x[0].T,
    "mT": lambda x: x.mT,
    "expand": lambda x: x.expand(5, 2, 3, 4),
    "expand_as": lambda x: x.expand_as(mg.zeros(5, 2, 3, 4)),
    "broadcast_to": lambda x: x.broadcast_to((5, 2, 3, 4)),
    "broadcast_tensors": lambda x: mg.broadcast_tensors(x, mg.zeros(1))[0],
    "meshgrid": lambda x: mg.meshgrid(x[0, 0], x[0, 1])[0],
    "narrow": lambda x: x.narrow(1, 1, 2),
    "select": lambda x: x.select(1, 1),
    "slice": lambda x: x[:, 1, ::2, None],
    "0-d index": lambda x: x[mg.tensor(1)],
    "diagonal": lambda x: x.diagonal(1, 0, 2),
    "split": lambda x: x.split(1)[1],
    "chunk": lambda x: x.chunk(2)[1],
    "tensor_split": lambda x: x.tensor_split(2)[0],
    "unbind": lambda x: x.unbind(1)[2],
    "atleast_1d": lambda x: mg.atleast_1d(x[0, 0, 0]),
}
COPIES = {
    "clone": lambda x: x.clone(),
    "reshape": lambda x: x.mT.reshape(-1),
    "repeat": lambda x: x.repeat(1, 1, 1),
    "tile": lambda x: x.tile(()),
    "flip": lambda x: x.flip(0),
    "roll": lambda x: x.roll(0, 0),
    "tril": lambda x: x.tril(9),
    "diag": lambda x: mg.diag(x[0]),
    "cat": lambda x: mg.cat([x]),
    "stack": lambda x: mg.stack([x]),
    "mask": lambda x: x[x == x],
    "integers": lambda x: x[[0, 1]],
    "index_select": lambda x: x.index_select(0, mg.arange(2)),
    "repeat_interleave": lambda x: x.repeat_interleave(1, 0),
    "masked_fill": lambda x: x.masked_fill(x != x, 0.0),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_share_memory_and_version(name):
    x = mg.randn(2, 3, 4)
    y = VIEWS[name](x)
    assert y.numel() and shares_memory(x, y)
    before = y._version
    x.add_(1)
    assert y._version == before + 1


@pytest.mark.parametrize("name", COPIES)
def test_copies_have_memory_of_their_own(name):
    x = mg.randn(2, 3, 4)
    y = COPIES[name](x)
    assert not shares_memory(x, y) and y.numpy().flags.writeable


def test_an_expansion_without_repetition_can_be_written():
    x = mg.zeros(3)
    x.expand(1, 3).add_(1)
    assert x.tolist() == [1, 1, 1]
    with pytest.raises(InplaceError, match="share memory"):
        x.expand(2, 3).add_(1)


def test_a_diagonal_can_be_written_in_the_graph():
    w = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = w * 1.0
    y.diagonal().mul_(w[0])
    y.sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), [[2.0, 5.0], [1.0, 2.0]])


REFUSED = {
    "reshape: does not fit": lambda x: x.reshape(5, -1),
    "reshape: 0 and -1": lambda x: mg.zeros(0).reshape(0, -1),
    "reshape: a float": lambda x: x.reshape(2.0, 3),
    "reshape: nothing": lambda x: x.reshape(),
    "reshape: two -1": lambda x: x.reshape(-1, -1),
    "view: needs a copy": lambda x: x.T.view(6),
    "view: negative": lambda x: x.view(-2, -3),
    "view_as: an array": lambda x: x.view_as(np.zeros(6)),
    "reshape_as: a tuple": lambda x: x.reshape_as((3, 2)),
    "expand_as: a tuple": lambda x: x.expand_as((2, 2, 3)),
    "flatten: order": lambda x: x.flatten(1, 0),
    "flatten: dim": lambda x: x.flatten(2),
    "unflatten: does not fit": lambda x: x.unflatten(1, (2, 2)),
    "unflatten: empty": lambda x: x.unflatten(1, ()),
    "squeeze: dim": lambda x: x.squeeze(2),
    "squeeze: twice": lambda x: x.squeeze((0, -2)),
    "unsqueeze: dim": lambda x: x.unsqueeze(3),
    "transpose: dim": lambda x: x.transpose(0, 2),
    "transpose: float": lambda x: x.transpose(0, 1.0),
    "t: axes": lambda x: x[None].t(),
    "mT: axes": lambda x: x[0].mT,
    "permute: short": lambda x: x.permute(0),
    "permute: twice": lambda x: x.permute(0, 0),
    "movedim: twice": lambda x: x.movedim((0, 0), (0, 1)),
    "movedim: counts": lambda x: x.movedim((0, 1), (0,)),
    "expand: axes": lambda x: x.expand(3),
    "expand: length": lambda x: x.expand(2, 4),
    "expand: -1 in front": lambda x: x.expand(-1, 2, 3),
    "expand: -2": lambda x: x.expand(2, -2),
    "broadcast_to: shape": lambda x: x.broadcast_to((2, 4)),
    "broadcast_to: int": lambda x: x.broadcast_to(3),
    "broadcast_tensors: shapes": lambda x: mg.broadcast_tensors(x, mg.zeros(4)),
    "repeat: short": lambda x: x.repeat(2),
    "repeat: negative": lambda x: x.repeat(1, -1),
    "tile: float": lambda x: x.tile(1.5),
    "repeat_interleave: negative": lambda x: x.repeat_interleave(-1, 0),
    "repeat_interleave: count": lambda x: x.repeat_interleave(mg.tensor([1, 2]), 1),
    "repeat_interleave: floats": lambda x: x.repeat_interleave(mg.tensor([1.0, 2.0]), 0),
    "repeat_interleave: matrix": lambda x: x.repeat_interleave(mg.tensor([[1, 2]]), 0),
    "repeat_interleave: a float": lambda x: x.repeat_interleave(1.5),
    "repeat_interleave: output_size": lambda x: x.repeat_interleave(2, 0, output_size=5),
    "meshgrid: matrix": lambda x: mg.meshgrid(x, x),
    "meshgrid: dtypes": lambda x: mg.meshgrid(x[0], mg.arange(2)),
    "meshgrid: indexing": lambda x: mg.meshgrid(x[0], x[0], indexing="ji"),
    "meshgrid: none": lambda x: mg.meshgrid(),
    "cat: empty": lambda x: mg.cat([]),
    "cat: a tensor": lambda x: mg.cat(x),
    "cat: shapes": lambda x: mg.cat([x, mg.zeros(2, 2)]),
    "cat: axes": lambda x: mg.cat([x, x[0]]),
    "cat: 0-d": lambda x: mg.cat([mg.tensor(1.0)]),
    "cat: dim": lambda x: mg.cat([x, x], 2),
    "cat: a number": lambda x: mg.cat([x, 1.0]),
    "stack: shapes": lambda x: mg.stack([x, x[0]]),
    "stack: dim": lambda x: mg.stack([x, x], 3),
    "hstack: empty": lambda x: mg.hstack([]),
    "narrow: length": lambda x: x.narrow(1, 1, 3),
    "narrow: start": lambda x: x.narrow(1, -4, 1),
    "narrow: negative": lambda x: x.narrow(1, 0, -1),
    "narrow: 0-d": lambda x: x[0, 0].narrow(0, 0, 1),
    "narrow: float": lambda x: x.narrow(1, 0.0, 1),
    "split: zero": lambda x: x.split(0),
    "split: sum": lambda x: x.split([1, 2]),
    "split: 0-d": lambda x: x[0, 0].split(1),
    "split: a word": lambda x: x.split("a"),
    "chunk: zero": lambda x: x.chunk(0),
    "tensor_split: zero": lambda x: x.tensor_split(0),
    "tensor_split: floats": lambda x: x.tensor_split(mg.tensor([1.0])),
    "unbind: 0-d": lambda x: x[0, 0].unbind(),
    "unbind: dim": lambda x: x.unbind(2),
    "flip: twice": lambda x: x.flip(0, 0),
    "flip: nothing": lambda x: x.flip(),
    "fliplr: vector": lambda x: x[0].fliplr(),
    "roll: counts": lambda x: x.roll((1, 2), 0),
    "roll: no dims": lambda x: x.roll((1, 2)),
    "roll: float": lambda x: x.roll(1.5),
    "roll: 0-d": lambda x: x[0, 0].roll(1, 0),
    "diagonal: one axis": lambda x: x.diagonal(0, 1, -1),
    "diagonal: vector": lambda x: x[0].diagonal(),
    "diag: axes": lambda x: mg.diag(x[None]),
    "diag_embed: 0-d": lambda x: mg.diag_embed(x[0, 0]),
    "tril: vector": lambda x: x[0].tril(),
    "tril: float": lambda x: x.tril(0.5),
    "tril_indices: negative": lambda x: mg.tril_indices(-1, 2),
    "select: dim": lambda x: x.select(2, 0),
    "select: index": lambda x: x.select(1, 3),
    "clone: an array": lambda x: mg.clone(np.zeros(2)),
    "reshape: a list": lambda x: mg.reshape([1.0], 1),
    "contiguous: a list": lambda x: mg.contiguous([1.0]),
    "tile: too large": lambda x: x.tile(2**70),
}


@pytest.mark.parametrize("case", REFUSED)
def test_is_refused_by_name(case):
    name = case.partition(":")[0]
    with pytest.raises((ValueError, TypeError, IndexError), match=f"^{name}"):
        REFUSED[case](mg.zeros(2, 3))


@pytest.mark.parametrize("dtype", [mg.int64, mg.bool, mg.float32])
def test_shape_operations_keep_the_dtype(dtype):
    x = mg.ones(2, 3, dtype=dtype)
    for y in (x.repeat(2, 2), x.flip(0), x.roll(1), x.tril(), mg.diag(x), x.diagonal(), x[x == x]):
        assert y.dtype == dtype


def test_cat_promotes_even_by_an_empty_tensor():
    assert mg.cat([mg.arange(2), mg.zeros(0)]).dtype == mg.float32
    assert mg.cat([mg.arange(2), mg.ones(1, dtype=mg.bool)]).tolist() == [0, 1, 1]


def test_axes_of_length_zero():
    x = mg.zeros(0, 3)
    assert [tuple(c.shape) for c in x.chunk(2)] == [(0, 3), (0, 3)]
    assert x.split(0)[0].shape == (0, 3)
    assert x.repeat(2, 2).shape == (0, 6) and mg.zeros(2).repeat(0).shape == (0,)
    assert x.flip(0).shape == x.roll(1, 0).shape == x.tril().shape == (0, 3)
    assert x.diagonal().shape == (0,) and mg.zeros(2, 2).diagonal(5).shape == (0,)
    assert x.repeat_interleave(2, 0).shape == (0, 3)
    assert x.movedim(0, 1).ravel().shape == (0,)


def test_diagonals_and_triangles_carry_no_nan_across():
    x = mg.tensor([[1.0, np.nan], [np.inf, 2.0]], requires_grad=True)
    assert x.diagonal().tolist() == [1, 2]
    (g,) = mg.grad(x.diagonal().square().sum(), [x])
    assert g.tolist() == [[2, 0], [0, 4]]


def test_another_shape_in_place():
    w = mg.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    x = w * 2.0
    assert x.squeeze_() is x and x.shape == (3,)
    x.unsqueeze_(1).transpose_(0, 1).t_()
    assert x.shape == (3, 1)
    x[0] = 5.0
    (g,) = mg.grad(x.square().sum(), [w])
    np.testing.assert_array_equal(g.numpy(), [[0, 16, 24]])


def test_another_shape_in_place_is_refused_where_it_would_be_wrong():
    with pytest.raises(InplaceError, match="squeeze_: a leaf"):
        mg.zeros(1, requires_grad=True).squeeze_()
    x = mg.ones(2, 1, requires_grad=True) * 1.0
    y = x.square()
    x.squeeze_()
    with pytest.raises(InplaceError, match="squeeze_"):
        y.sum().backward()


def test_in_place_changes_of_pieces_reach_the_whole():
    w = mg.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    y = w * 1.0
    first, second = y.split(2)
    first.mul_(3.0)
    second.add_(first)
    (g,) = mg.grad(y.square().sum(), [w])
    np.testing.assert_array_equal(g.numpy(), [54.0, 96.0, 12.0, 20.0])


def test_rules_of_shapes_given_by_keyword():
    x = mg.arange(6)
    assert x.reshape(shape=(2, 3)).permute(dims=(1, 0)).shape == (3, 2)
    assert x.view(size=(3, 2)).flip(dims=(0,))[0, 0].item() == 4
    assert x.expand(size=(2, -1)).tile(dims=(2,)).repeat(repeats=(1, 2)).shape == (2, 24)
