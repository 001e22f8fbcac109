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
        (lambda o: mg.dot(o[2,], o[3,]), ShapeError, r"shapes \(2,\) and \(3,\)"),
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
