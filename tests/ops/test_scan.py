"""Running sums and products; products at zeros, to any order."""

import itertools

import numpy as np
import pytest

import minigrad as mg


@pytest.mark.parametrize("zeros", [(), (1,), (0, 2), (0, 1, 2), (3,), (0, 1, 2, 3)])
@pytest.mark.parametrize("name", ["prod", "cumprod"])
def test_every_mixed_derivative_of_a_product_is_the_product_of_the_others(zeros, name):
    """∂^k/∂x_a∂x_b… is the product of the rest, 0 where an index repeats: exact with zeros too."""
    values = np.array([2.0, -3.0, 5.0, 0.5])
    values[list(zeros)] = 0
    for order in (1, 2, 3, 4):
        for picks in itertools.combinations_with_replacement(range(4), order):
            x = mg.tensor(values, requires_grad=True)
            y = mg.prod(x) if name == "prod" else mg.cumprod(x, 0)[-1]
            for i in picks:
                (g,) = mg.grad(y, x, create_graph=True)
                y = g[i]
                if not y.requires_grad:
                    break
            rest = [v for i, v in enumerate(values) if i not in picks]
            want = 0.0 if len(set(picks)) < order else np.prod(rest)
            assert y.item() == pytest.approx(want, abs=1e-12), picks


def test_underflow_is_a_zero_like_any_other():
    x = mg.tensor([1e-200, 1e-200, 3.0], requires_grad=True, dtype=mg.float64)
    (g,) = mg.grad(mg.cumprod(x, 0)[1], x)
    assert g.tolist() == pytest.approx([1e-200, 1e-200, 0.0], rel=1e-12)
    (g,) = mg.grad(mg.prod(x), x)
    assert g.tolist() == pytest.approx([3e-200, 3e-200, 0.0], rel=1e-12)


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_dtypes_scalars_and_empty_axes(name):
    function = getattr(mg, name)
    for dtype in (mg.bool, mg.uint8, mg.int32):
        assert function(mg.ones(3).to(dtype), 0).dtype == np.int64
    assert function(mg.tensor([1, 2]), 0, dtype=mg.float64).dtype == np.float64
    assert function(mg.tensor(2.0), 0).item() == 2
    assert function(mg.zeros(2, 0), 1).shape == (2, 0) and function(mg.zeros(0, 2), 1).shape == (
        0,
        2,
    )
    assert np.isnan(function(mg.tensor([1.0, np.nan, 2.0]), 0).tolist()).tolist() == [0, 1, 1]


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_in_place_writes_over_the_tensor_and_is_recorded(name):
    x = mg.tensor([[1.0, 2.0], [0.0, 4.0]], requires_grad=True, dtype=mg.float64)
    y = x * 1.0
    assert getattr(y, f"{name}_")(1) is y
    want = getattr(mg, name)(x, 1)
    v = mg.tensor([[1.0, -1.0], [0.5, 2.0]], dtype=mg.float64)
    assert y.tolist() == want.tolist()
    assert mg.grad(y, x, v)[0].tolist() == mg.grad(want, x, v)[0].tolist()
    small = mg.ones(3).to(mg.uint8)
    assert getattr(small, f"{name}_")(0).dtype == np.uint8
    with pytest.raises(mg.errors.InplaceError, match=f"{name}_"):
        getattr(x, f"{name}_")(0)


def test_float32_running_totals_are_kept_in_double():
    x = np.full(100_000, 0.1, np.float32)
    got = mg.cumsum(mg.tensor(x), 0)
    assert got.dtype == np.float32
    assert got[-1].item() == pytest.approx(float(x.astype(float).sum()), rel=1e-7)
