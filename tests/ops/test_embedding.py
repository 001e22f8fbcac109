"""Embedding: indexing and one-hot products as its definitions, all orders, PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg

F = mg.nn.functional

seeds = st.integers(0, 2**32 - 1)
positions = st.lists(st.integers(0, 3), max_size=3).map(tuple)


def drawn(seed, shape, rows=5, n=3):
    rng = np.random.default_rng(seed)
    table = mg.tensor(rng.standard_normal((rows, n)), requires_grad=True)
    return mg.tensor(rng.integers(0, rows, shape)), table, rng


@given(shape=positions, seed=seeds, padding=st.sampled_from([None, 0, 3, -1]))
def test_equals_a_product_with_one_hot_rows(shape, seed, padding):
    index, table, rng = drawn(seed, shape)
    hot = np.eye(5)[index.numpy()]
    y = F.embedding(index, table, padding)
    np.testing.assert_array_equal(y.detach().numpy(), hot @ table.detach().numpy())
    v = rng.standard_normal((*shape, 3))
    want = np.einsum("kv,kd->vd", hot.reshape(-1, 5), v.reshape(-1, 3))
    if padding is not None:
        want[padding] = 0
    (g,) = mg.grad(y, table, mg.tensor(v))
    np.testing.assert_allclose(g.numpy(), want, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("padding", [None, 2])
@pytest.mark.parametrize("by_frequency", [False, True])
def test_further_orders_are_those_of_indexing(padding, by_frequency):
    index, table, rng = drawn(0, (4, 2))
    share = np.ones((4, 2, 1))
    if by_frequency:
        share = 1 / np.bincount(index.numpy().ravel(), minlength=5)[index.numpy()][..., None]
    if padding is not None:
        share = share * (index.numpy() != padding)[..., None]
    v = mg.tensor(rng.standard_normal((4, 2, 3)), requires_grad=True)
    u = mg.tensor(rng.standard_normal((5, 3)), requires_grad=True)

    def third(function):
        """d/du d/dv of a cubic function of dw, itself linear in v."""
        (dw,) = mg.grad(function(table), table, v, create_graph=True)
        (dv,) = mg.grad((dw * dw * dw * u).sum(), v, create_graph=True)
        (du,) = mg.grad((dv * dv).sum(), u)
        return dw, dv, du

    fused = third(lambda w: F.embedding(index, w, padding, scale_grad_by_freq=by_frequency))
    plain = third(lambda w: w[index] * mg.tensor(share))
    for a, b in zip(fused, plain, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-12, atol=1e-14)


def test_the_hessian_of_a_loss_on_looked_up_rows_is_that_of_indexing():
    index, table, _ = drawn(0, (6,), rows=4, n=2)

    def loss(function):
        return mg.func.hessian(lambda w: function(w).tanh().square().sum())(table.detach()).numpy()

    fused = loss(lambda w: F.embedding(index, w))
    np.testing.assert_allclose(fused, loss(lambda w: w[index]), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("padding", [None, 1])
def test_batches_of_cotangents_equal_a_loop_at_both_orders(padding):
    index, table, rng = drawn(0, (4, 2))
    y = F.embedding(index, table, padding)
    v = mg.tensor(rng.standard_normal((3, *y.shape)), requires_grad=True)
    (many,) = mg.grad(y, table, v, is_grads_batched=True, create_graph=True)
    for k in range(3):
        (one,) = mg.grad(y, table, v[k], retain_graph=True)
        np.testing.assert_allclose(many[k].detach().numpy(), one.numpy(), rtol=1e-14)
    u = rng.standard_normal((2, *many.shape))
    (batched,) = mg.grad(many, v, mg.tensor(u), is_grads_batched=True, retain_graph=True)
    for k in range(2):
        (single,) = mg.grad(many, v, mg.tensor(u[k]), retain_graph=True)
        np.testing.assert_array_equal(batched[k].numpy(), single.numpy())


def test_a_change_of_the_index_does_not_reach_the_gradient():
    index, table, _ = drawn(0, (3,))
    y = F.embedding(index, table)
    want = np.zeros((5, 3))
    np.add.at(want, index.numpy().copy(), 1.0)
    index.zero_()
    y.sum().backward()
    np.testing.assert_array_equal(table.grad.numpy(), want)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64"])
def test_every_integer_dtype_is_an_index(dtype):
    table = mg.tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
    index = mg.tensor(np.array([2, 0, 2], dtype))
    y = F.embedding(index, table)
    assert y.tolist() == [[4.0, 5.0], [0.0, 1.0], [4.0, 5.0]]
    y.sum().backward()
    assert table.grad.tolist() == [[1.0, 1.0], [0.0, 0.0], [2.0, 2.0]]


@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, np.inf])
def test_long_rows_are_shortened_in_place_where_they_are_picked(norm_type):
    before = np.random.default_rng(0).standard_normal((5, 3))
    table = mg.tensor(before, requires_grad=True)
    version = table._version
    y = F.embedding(mg.tensor([4, 1, 1]), table, None, 0.5, norm_type)
    norms = np.linalg.norm(table.detach().numpy(), norm_type, axis=1)
    np.testing.assert_allclose(norms[[1, 4]], 0.5, rtol=1e-6)
    np.testing.assert_array_equal(table.detach().numpy()[[0, 2, 3]], before[[0, 2, 3]])
    np.testing.assert_array_equal(y.detach().numpy(), table.detach().numpy()[[4, 1, 1]])
    assert table._version > version and table.requires_grad
    y.sum().backward()  # the scaling is not part of the graph
    assert table.grad.tolist() == [[0.0] * 3, [2.0] * 3, [0.0] * 3, [0.0] * 3, [1.0] * 3]
    version = table._version
    F.embedding(mg.tensor([4, 1]), table, None, 0.6, norm_type)  # short already
    assert table._version == version


def test_a_table_of_integers_is_looked_up_without_a_graph():
    y = F.embedding(mg.tensor([2, 0]), mg.tensor([[1, 2], [3, 4], [5, 6]]))
    assert y.dtype == mg.int64 and y.tolist() == [[5, 6], [1, 2]]


def test_sparse_gradients_are_dense():
    index, table, _ = drawn(0, (4,))
    (dense,) = mg.grad(F.embedding(index, table).sum(), table)
    (sparse,) = mg.grad(F.embedding(index, table, sparse=True).sum(), table)
    np.testing.assert_array_equal(sparse.numpy(), dense.numpy())


@pytest.mark.parametrize(
    "call, error, match",
    [
        (lambda w: F.embedding(mg.tensor([0, 3]), w), IndexError, r"embedding: .*\[0, 3\), got 3"),
        (lambda w: F.embedding(mg.tensor(-1), w), IndexError, r"embedding: .* got -1"),
        (lambda w: F.embedding(mg.tensor([0.0]), w), TypeError, "embedding: input must be int"),
        (lambda w: F.embedding(mg.tensor([True]), w), TypeError, "embedding: input must be int"),
        (lambda w: F.embedding(mg.tensor([0]), w[0]), ValueError, r"embedding: .*\(V, D\)"),
        (lambda w: F.embedding(mg.tensor([0]), w, 1.5), TypeError, "padding_idx must be an int"),
        (lambda w: F.embedding(mg.tensor([0]), w, max_norm="a"), TypeError, "max_norm must be a"),
        (lambda w: F.embedding([0], w), TypeError, "embedding: .*Tensor"),
        (lambda w: F.embedding(mg.tensor([0]), w, 3), ValueError, "embedding: padding_idx"),
        (lambda w: F.embedding(mg.tensor([0]), w, -4), ValueError, "embedding: padding_idx"),
        (lambda w: F.embedding(mg.tensor([3]), w.long()), IndexError, r"embedding: .* got 3"),
        (lambda w: F.embedding(mg.tensor([3]), w, max_norm=1.0), IndexError, "embedding: .*got 3"),
        (
            lambda w: F.embedding(mg.tensor([0]), w.long(), max_norm=1.0),
            TypeError,
            "embedding: max_norm needs a floating weight",
        ),
        (
            lambda w: F.embedding(mg.tensor([0]), w[:1].expand(3, 2), max_norm=0.1),
            RuntimeError,
            "embedding: .*read-only",
        ),
    ],
)
def test_mistakes_are_refused(call, error, match):
    with pytest.raises(error, match=match):
        call(mg.zeros(3, 2))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (7,), (2, 3, 2), (0,)])
@pytest.mark.parametrize("padding", [None, 1, -2])
@pytest.mark.parametrize("by_frequency", [False, True])
def test_values_and_gradients_are_those_of_pytorch(dtype, shape, padding, by_frequency):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    table, index = rng.standard_normal((5, 3)).astype(dtype), rng.integers(0, 5, shape)
    v = rng.standard_normal((*shape, 3)).astype(dtype)
    options = {"padding_idx": padding, "scale_grad_by_freq": by_frequency}
    ours, theirs = mg.tensor(table, requires_grad=True), torch.tensor(table, requires_grad=True)
    y = F.embedding(mg.tensor(index), ours, **options)
    z = torch.nn.functional.embedding(torch.tensor(index), theirs, **options)
    np.testing.assert_array_equal(y.detach().numpy(), z.detach().numpy())
    y.backward(mg.tensor(v))
    z.backward(torch.tensor(v))
    close = {"rtol": 1e-5, "atol": 1e-6}
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), **close)
