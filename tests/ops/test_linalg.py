"""Matrix products and `linear` beyond the table: errors, dtypes, fused against composed."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import DtypeError, ShapeError
from minigrad.nn import functional as F


def normal(*shape, seed=0):
    values = np.random.default_rng(seed).standard_normal(shape)
    return mg.tensor(values, requires_grad=True)


def derivatives(y, inputs):
    """First and second derivatives of a function of y that is not linear."""
    first = mg.grad((y**3).sum(), inputs, create_graph=True)
    second = mg.grad(sum((g**2).sum() for g in first), inputs)
    return [y, *first, *second]


@pytest.mark.parametrize("rows", [(), (3,), (0,), (2, 3), (2, 0), (2, 1, 3)])
@pytest.mark.parametrize("biased", [False, True])
def test_linear_is_product_and_sum(rows, biased):
    x, w, b = normal(*rows, 4), normal(5, 4, seed=1), normal(5, seed=2)
    inputs = [x, w, b] if biased else [x, w]
    product = (x.unsqueeze(-2) * w).sum(-1)
    composed = product + b if biased else product
    fused = F.linear(*inputs)
    for one, other in zip(derivatives(fused, inputs), derivatives(composed, inputs), strict=True):
        np.testing.assert_allclose(one.detach(), other.detach(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "shapes",
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (5, 3, 2)),
        ((5, 2, 3), (3, 4)),
        ((5, 1, 2, 3), (4, 3, 1)),
    ],
)
def test_matmul_is_product_and_sum(shapes):
    x, y = normal(*shapes[0]), normal(*shapes[1], seed=1)
    rows = x if x.ndim > 1 else x.unsqueeze(0)
    columns = y.mT if y.ndim > 1 else y.unsqueeze(0)
    composed = (rows.unsqueeze(-2) * columns.unsqueeze(-3)).sum(-1)
    fused = x @ y
    composed = composed.reshape(fused.shape)
    pairs = zip(derivatives(fused, [x, y]), derivatives(composed, [x, y]), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one.detach(), other.detach(), rtol=1e-9, atol=1e-9)


def test_cotangents_come_in_batches_for_a_batch_of_rows():
    x, w, b = normal(2, 3, 4), normal(5, 4, seed=1), normal(5, seed=2)
    seeds = np.random.default_rng(3).standard_normal((6, 2, 3, 5))
    for y, inputs in ((F.linear(x, w, b), [x, w, b]), (x @ w.T, [x, w])):
        options = {"retain_graph": True}
        together = mg.grad(y, inputs, mg.tensor(seeds), is_grads_batched=True, **options)
        for k, seed in enumerate(seeds):
            each = mg.grad(y, inputs, mg.tensor(seed), **options)
            for batch, one in zip(together, each, strict=True):
                np.testing.assert_allclose(batch.numpy()[k], one.numpy(), rtol=1e-12, atol=1e-12)


def test_weight_of_a_batch_has_a_contiguous_gradient():
    x, w = normal(2, 3, 4), normal(5, 4, seed=1)
    F.linear(x, w).sum().backward()
    assert w.grad.is_contiguous()


def test_integers_multiply_without_a_gradient():
    z = mg.tensor([[1, 2], [3, 4]]) @ mg.tensor([1, 1])
    assert z.tolist() == [3, 7] and z.dtype == mg.int64 and not z.requires_grad


def test_an_array_may_stand_for_a_tensor():
    x = mg.ones(2, 3, dtype=mg.float64, requires_grad=True)
    for z in (np.ones((4, 2)) @ x, (x.T @ np.ones((2, 4))).T):
        assert isinstance(z, mg.Tensor) and z.shape == (4, 3) and z.requires_grad


def test_a_factor_0_hides_nan_and_leaves_a_zero_gradient():
    nan = mg.full((2, 2), float("nan"), requires_grad=True)
    x = mg.ones(2, 2, requires_grad=True)
    y = mg.addmm(nan, x, x, beta=0)
    assert y.tolist() == [[2.0, 2.0]] * 2
    assert mg.grad(y.sum(), nan)[0].tolist() == [[0.0, 0.0]] * 2
    assert mg.addmm(x, nan, nan, alpha=0).tolist() == [[1.0, 1.0]] * 2


def test_integers_take_whole_factors():
    x = mg.tensor([[1, 2], [3, 4]])
    assert mg.addmm(x, x, x, beta=0.5, alpha=2.9).tolist() == [[14, 20], [30, 44]]
    assert mg.addr(x > 1, x[0] > 1, x[1] > 0, beta=False).tolist() == [[False] * 2, [True] * 2]
    small = x.to(mg.uint8)
    assert mg.addbmm(small, small[None], small[None], alpha=-1).dtype == mg.uint8


def test_in_place_products_write_over_their_first_argument():
    x = mg.ones(2, 2, requires_grad=True)
    y = mg.zeros(2, 2)
    assert y.addmm_(x, x, alpha=2) is y
    y.sum().backward()
    assert y.tolist() == [[4.0, 4.0]] * 2 and x.grad.tolist() == [[8.0, 8.0]] * 2


def test_a_chain_multiplies_in_the_cheapest_order():
    sizes = [40, 2, 40, 2, 40]
    x = [normal(*pair, seed=k) for k, pair in enumerate(zip(sizes, sizes[1:]))]
    wanted = x[0] @ ((x[1] @ x[2]) @ x[3])
    np.testing.assert_allclose(mg.chain_matmul(*x).detach(), wanted.detach(), rtol=1e-10)
    assert mg.chain_matmul(x[0]) is x[0]


ONES = {shape: mg.ones(*shape) for shape in [(2,), (3,), (2, 3), (4, 3), (4, 5), (2, 2, 3)]}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda o: o[2, 3] @ o[4, 5], ShapeError, "3 columns against 4 rows"),
        (lambda o: o[2, 3] @ o[2,], ShapeError, r"matmul: shapes \(2, 3\) and \(2,\)"),
        (lambda o: o[2, 3] @ mg.tensor(1.0), ShapeError, "at least one axis"),
        (lambda o: o[2, 2, 3] @ mg.ones(3, 3, 1), ShapeError, r"matmul: .* broadcast"),
        (lambda o: o[2, 3] @ o[3,].double(), DtypeError, "matmul: .* float32 and float64"),
        (lambda o: o[2, 3] @ mg.tensor([1, 2, 3]), DtypeError, "matmul: .* float32 and int64"),
        (lambda o: o[2, 3] @ 2.0, TypeError, "matmul: expected a Tensor, got float"),
        (lambda o: mg.mm(o[3,], o[2, 3]), ShapeError, "mm: expected 2 dimensions"),
        (
            lambda o: mg.bmm(o[2, 2, 3], mg.ones(3, 3, 1)),
            ShapeError,
            "bmm: .* differ in the batch",
        ),
        (lambda o: mg.mv(o[2, 3], o[2, 3]), ShapeError, "mv: expected 1 dimensions"),
        (lambda o: mg.dot(o[2,], o[3,]), ShapeError, r"dot: shapes \(2,\) and \(3,\)"),
        (lambda o: mg.mm(o[2, 3], o[4, 5]), ShapeError, r"mm: shapes \(2, 3\) and \(4, 5\)"),
        (lambda o: mg.mm(o[2, 3], o[4, 3].double()), DtypeError, "mm: .* float32, float64"),
        (lambda o: o[2, 3].bool() @ o[3,].bool(), DtypeError, "numbers, got bool"),
        (lambda o: mg.dot(o[2,].bool(), o[2,].bool()), DtypeError, "dot: .* bool"),
        (lambda o: mg.vdot(o[2, 3], o[3,]), ShapeError, "vdot: expected 1 dimensions"),
        (lambda o: mg.inner(o[2, 3], o[4, 5]), ShapeError, "inner: .* the last axis"),
        (lambda o: mg.inner(o[2,], o[2,].long()), DtypeError, "inner: expected one dtype"),
        (lambda o: mg.outer(o[2, 3], o[3,]), ShapeError, "outer: expected 1 dimensions"),
        (lambda o: mg.chain_matmul(o[2, 3], o[4, 5]), ShapeError, "chain_matmul: shapes"),
        (lambda o: mg.chain_matmul(o[2, 3], o[3,]), ShapeError, "chain_matmul: expected 2"),
        (lambda o: mg.chain_matmul(), ValueError, "at least one matrix"),
        (lambda o: mg.addmm(o[2,], o[2, 3], o[4, 5]), ShapeError, "addmm: shapes"),
        (lambda o: mg.addmm(o[2,], o[2, 3], o[4, 3].T), ShapeError, "not broadcast to"),
        (lambda o: mg.addmm(o[2, 2, 3], o[2, 3], mg.ones(3, 3)), ShapeError, "not broadcast to"),
        (lambda o: mg.addmm(o[2,].long(), o[2, 3], o[2, 3].T), DtypeError, "addmm: .* int64"),
        (lambda o: mg.addmm(o[2,], o[2, 3], o[2, 3].T, beta="1"), TypeError, "beta must be a"),
        (lambda o: mg.addr(o[2,], o[2, 3], o[2,]), ShapeError, "addr: expected vectors"),
        (lambda o: mg.addr(o[2,].long(), o[2,].long(), o[2,].long(), beta=0.5), DtypeError, "0.5"),
        (lambda o: mg.addr(o[2,], o[2,], o[2,], beta=True), DtypeError, "beta must be a number"),
        (lambda o: o[2,].clone().addmm_(o[2, 3], o[2, 3].T), ShapeError, "addmm_: the result"),
        (lambda o: F.linear(o[2, 3], o[4, 5]), ShapeError, r"linear: input \(2, 3\) and weight"),
        (
            lambda o: F.linear(o[2, 3], o[4, 3], o[3,]),
            ShapeError,
            r"linear: .* bias of shape \(4,\)",
        ),
        (
            lambda o: F.linear(o[3,], o[4, 3], o[3,]),
            ShapeError,
            r"linear: .* bias of shape \(4,\)",
        ),
        (lambda o: F.linear(o[2, 3].double(), o[4, 3]), DtypeError, "linear: expected one dtype"),
        (lambda o: F.linear(o[2, 3], np.ones((4, 3))), TypeError, "linear: expected a Tensor"),
    ],
)
def test_errors_name_the_operation_and_the_shapes(call, error, message):
    with pytest.raises(error, match=message):
        call(ONES)
