"""Gather, scatter, masks and their like: edges, dtypes, in-place forms and what is refused."""

import numpy as np
import pytest

import minigrad as mg

x23 = mg.arange(6.0).reshape(2, 3)
zeros = mg.zeros(1, 1, dtype=mg.int64)
mask = mg.tensor([[True, False, True], [False, True, False]])
index = mg.tensor([0, 1])

REFUSED = {
    "gather: out of range": lambda x: mg.gather(x, 0, zeros + 2),
    "gather: negative": lambda x: mg.gather(x, 0, zeros - 1),
    "gather: axes": lambda x: mg.gather(x, 0, index),
    "gather: too long": lambda x: mg.gather(x, 0, mg.zeros(1, 4, dtype=mg.int64)),
    "gather: floats": lambda x: mg.gather(x, 0, mg.zeros(1, 1)),
    "gather: a list": lambda x: mg.gather(x, 0, [[0]]),
    "gather: dim": lambda x: mg.gather(x, 2, zeros),
    "index_select: negative": lambda x: mg.index_select(x, 0, index - 1),
    "index_select: matrix": lambda x: mg.index_select(x, 0, zeros),
    "index_select: bytes": lambda x: mg.index_select(x, 0, index.to("uint8")),
    "index_select: 0-d": lambda x: mg.index_select(x[0, 0], 0, index),
    "take: out of range": lambda x: mg.take(x, index + 5),
    "take: int32": lambda x: mg.take(x, index.int()),
    "take_along_dim: axes": lambda x: mg.take_along_dim(x, index, 0),
    "take_along_dim: shapes": lambda x: mg.take_along_dim(x, mg.zeros(1, 2, dtype=mg.int64), 0),
    "take_along_dim: out of range": lambda x: mg.take_along_dim(x, zeros + 2, 0),
    "masked_select: dtype": lambda x: mg.masked_select(x, x),
    "masked_select: a list": lambda x: mg.masked_select(x, [True]),
    "masked_fill: dtype": lambda x: mg.masked_fill(x, x, 0.0),
    "masked_fill: shapes": lambda x: mg.masked_fill(x, mask[:, :2], 0.0),
    "masked_fill: vector": lambda x: mg.masked_fill(x, mask, mg.ones(1)),
    "masked_fill: a word": lambda x: mg.masked_fill(x, mask, "0"),
    "masked_scatter: short": lambda x: mg.masked_scatter(x, mask, mg.ones(2)),
    "masked_scatter: dtype": lambda x: mg.masked_scatter(x, mask, mg.arange(9)),
    "index_put: dtype": lambda x: mg.index_put(x, (index,), mg.ones(3, dtype=mg.float64)),
    "index_put: shapes": lambda x: mg.index_put(x, (index,), mg.ones(2)),
    "index_put: range": lambda x: mg.index_put(x, (index + 1,), mg.ones(3)),
    "index_put: an int": lambda x: mg.index_put(x, (0,), mg.ones(3)),
    "index_put: a tensor": lambda x: mg.index_put(x, index, mg.ones(3)),
    "index_put: floats": lambda x: mg.index_put(x, (mg.ones(1),), mg.ones(3)),
    "index_put: too many": lambda x: mg.index_put(x, (index,) * 3, mg.ones(2)),
    "index_add: shape": lambda x: mg.index_add(x, 0, index, mg.ones(2, 2)),
    "index_add: count": lambda x: mg.index_add(x, 0, index, mg.ones(3, 3)),
    "index_add: negative": lambda x: mg.index_add(x, 0, index - 1, x),
    "index_add: dtype": lambda x: mg.index_add(x, 0, index, x.double()),
    "index_add: alpha": lambda x: mg.index_add(x, 0, index, x, alpha="1"),
    "index_copy: int32": lambda x: mg.index_copy(x, 0, index.int(), x),
    "index_copy: shape": lambda x: mg.index_copy(x, 1, index, x),
    "index_fill: int32": lambda x: mg.index_fill(x, 0, index.int(), 0.0),
    "index_fill: range": lambda x: mg.index_fill(x, 0, index + 1, 0.0),
    "index_fill: vector": lambda x: mg.index_fill(x, 0, index, mg.ones(2)),
    "scatter: range": lambda x: mg.scatter(x, 0, zeros + 2, 1.0),
    "scatter: dtype": lambda x: mg.scatter(x, 0, zeros, mg.ones(1, 1, dtype=mg.float64)),
    "scatter: axes": lambda x: mg.scatter(x, 0, index, 1.0),
    "scatter: src axes": lambda x: mg.scatter(x, 0, zeros, mg.tensor(1.0)),
    "scatter: src too small": lambda x: mg.scatter(x, 1, zeros.expand(1, 2), mg.ones(1, 1)),
    "scatter: too long": lambda x: mg.scatter(x, 1, zeros.expand(3, 1), 1.0),
    "scatter: reduce": lambda x: mg.scatter(x, 0, zeros, 1.0, reduce="mean"),
    "scatter: no source": lambda x: mg.scatter(x, 0, zeros),
    "scatter_add: number": lambda x: mg.scatter_add(x, 0, zeros, 1.0),
    "scatter_add: range": lambda x: mg.scatter_add(x, 0, zeros - 1, mg.ones(1, 1)),
    "one_hot: int32": lambda x: mg.one_hot(index.int()),
    "one_hot: too few": lambda x: mg.one_hot(index, 1),
    "one_hot: negative": lambda x: mg.one_hot(index - 1),
    "one_hot: empty": lambda x: mg.one_hot(index[:0]),
    "nonzero: a list": lambda x: mg.nonzero([1]),
    "fill_diagonal_: vector": lambda x: x[0].fill_diagonal_(0.0),
    "masked_fill_: shape": lambda x: x[0].masked_fill_(mask, 0.0),
}


@pytest.mark.parametrize("case", REFUSED)
def test_is_refused_by_name(case):
    name = case.partition(":")[0]
    with pytest.raises((ValueError, TypeError, IndexError), match=f"^{name}"):
        REFUSED[case](x23.clone())


def test_empty_indices():
    none = mg.zeros(0, dtype=mg.int64)
    assert mg.gather(x23, 0, none).shape == (0,)
    assert mg.index_select(x23, 1, none).shape == (2, 0)
    assert mg.take(x23, none).shape == (0,)
    for same in (
        mg.scatter(x23, 0, none, 5.0),
        mg.scatter(x23, 0, none, 5.0, reduce="multiply"),
        mg.scatter_add(x23, 0, none, mg.ones(0)),
        mg.index_fill(x23, 0, none, 5.0),
        mg.index_add(x23, 1, none, mg.zeros(2, 0)),
        mg.masked_fill(x23, x23 < 0, 5.0),
    ):
        assert mg.equal(same, x23) and not np.shares_memory(same.numpy(), x23.numpy())
    assert mg.one_hot(none, 3).shape == (0, 3)


def test_numbers_without_axes():
    x, at = mg.tensor(2.0), mg.tensor(0)
    assert mg.gather(x, 0, mg.tensor([0, 0])).tolist() == [2, 2]
    assert mg.index_select(x, 0, at).shape == () and mg.take(x, at).shape == ()
    assert mg.scatter(x, 0, at, 5.0).item() == mg.index_fill(x, 0, at, 5.0).item() == 5
    assert mg.scatter_add(x, 0, at, x).item() == mg.index_add(x, 0, at, x).item() == 4
    assert mg.index_copy(x, 0, at, x * 2).item() == 4
    assert mg.take_along_dim(x, at, 0).item() == 2
    assert mg.nonzero(x).shape == (1, 0)
    assert mg.nonzero(x, as_tuple=True)[0].tolist() == [0]


@pytest.mark.parametrize("dtype", [mg.int64, mg.int32, mg.uint8])
def test_integers_keep_their_dtype(dtype):
    x = mg.arange(3).to(dtype)
    at = mg.tensor([0, 0, 2])
    assert mg.scatter_add(x, 0, at, x).tolist() == [1, 1, 4]
    assert mg.index_add(x, 0, at, x, alpha=2).tolist() == [2, 1, 6]
    assert mg.scatter(x, 0, at, 2.7).tolist() == [2, 1, 2]
    assert mg.masked_fill(x, x > 1, 7.9).tolist() == [0, 1, 7]
    assert mg.masked_fill(x, x > 1, mg.tensor(7.9)).dtype == dtype


def test_gradient_of_repeated_rows_is_their_sum():
    w = mg.randn(4, 5, dtype=mg.float64, requires_grad=True)
    chance = np.random.default_rng(0)
    at = chance.integers(0, 4, (3, 7))
    weight = chance.normal(size=(3, 7, 5))
    (g,) = mg.grad(w[at], [w], mg.tensor(weight))
    want = np.zeros((4, 5))
    np.add.at(want, at, weight)
    np.testing.assert_allclose(g.numpy(), want, atol=1e-12)


def test_nan_stays_where_it_was():
    x = mg.tensor([np.nan, 1.0, np.inf], requires_grad=True)
    y = mg.masked_fill(x, mg.tensor([True, False, True]), 0.0)
    (g,) = mg.grad(y.square().sum(), [x])
    assert y.tolist() == [0, 1, 0] and g.tolist() == [0, 2, 0]


IN_PLACE = {
    "masked_fill": (mask, 9.0),
    "masked_scatter": (mask, mg.arange(7.0) + 10),
    "index_put": ((index, index), mg.ones(2)),
    "index_add": (1, index, mg.ones(2, 2)),
    "index_fill": (1, index, 9.0),
    "index_copy": (1, index, mg.ones(2, 2)),
    "scatter": (1, zeros, 9.0),
    "scatter_add": (1, zeros, mg.ones(1, 1)),
    "tril": (),
    "triu": (1,),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_forms_equal_the_operation(name):
    want = getattr(x23, name)(*IN_PLACE[name])
    x = x23.clone()
    view = x[0]
    assert getattr(x, name + "_")(*IN_PLACE[name]) is x
    assert mg.equal(x, want) and mg.equal(view, want[0]) and view._version == 1


def test_fill_diagonal():
    assert mg.zeros(2, 3).fill_diagonal_(1).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert mg.zeros(5, 2).fill_diagonal_(1, wrap=True)[3, 0].item() == 1
