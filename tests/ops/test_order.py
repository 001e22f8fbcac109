"""Sort, top k, median, unique: order, ties, NaN, gradients by place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg

few = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4),
    elements=st.sampled_from([-1.0, 0.0, 2.0, np.nan]),  # many ties
)


@given(few, st.data())
def test_indices_pick_the_values_and_the_order_is_stable(x, data):
    dim = data.draw(st.integers(-x.ndim, x.ndim - 1))
    for descending in (False, True):
        values, indices = mg.sort(mg.tensor(x), dim, descending)
        np.testing.assert_array_equal(np.take_along_axis(x, indices.numpy(), dim), values.numpy())
        assert (mg.argsort(mg.tensor(x), dim, descending) == indices).all()
        n = x.shape[dim]
        rows = np.moveaxis(values.numpy(), dim, -1).reshape(x.size // max(n, 1), n)
        places = np.moveaxis(indices.numpy(), dim, -1).reshape(rows.shape)
        for row, place in zip(np.nan_to_num(rows, nan=9.0), places, strict=True):
            steps = np.diff(row) * (-1 if descending else 1)
            assert (steps >= 0).all() and (np.diff(place)[steps == 0] > 0).all()


@given(few, st.data())
def test_topk_is_the_start_of_the_sorted(x, data):
    dim = data.draw(st.integers(-x.ndim, x.ndim - 1))
    k = data.draw(st.integers(0, x.shape[dim]))
    largest = data.draw(st.booleans())
    values, indices = mg.topk(mg.tensor(x), k, dim, largest)
    want = mg.sort(mg.tensor(x), dim, largest)
    np.testing.assert_array_equal(values.numpy(), want.values.narrow(dim, 0, k).numpy())
    np.testing.assert_array_equal(indices.numpy(), want.indices.narrow(dim, 0, k).numpy())


def test_the_gradient_goes_to_the_place():
    x = mg.tensor([[3.0, 1.0, 1.0, 2.0]], requires_grad=True)
    v = mg.tensor([[1.0, 2.0, 3.0, 4.0]])
    assert mg.grad(x.sort().values, x, v)[0].tolist() == [[4, 1, 2, 3]]
    assert mg.grad(x.topk(2).values, x, v[:, :2])[0].tolist() == [[1, 0, 0, 2]]
    assert mg.grad(x.median(1).values.sum(), x)[0].tolist() == [[0, 0, 1, 0]]


def test_median_is_the_lower_one_and_over_all_ties_share():
    assert mg.median(mg.tensor([4, 1, 3, 2])).item() == 2
    x = mg.tensor([[1.0, 3.0], [3.0, 1.0]], requires_grad=True)
    y = mg.median(x)
    assert y.item() == 1 and mg.grad(y, x)[0].tolist() == [[0.5, 0], [0, 0.5]]
    x = mg.tensor([0.1, 0.1, 0.1], dtype=mg.float64)
    assert mg.median(x).item() == 0.1


def test_nan_is_the_median_and_its_first_place_the_index():
    x = mg.tensor([[3.0, np.nan, 1.0, np.nan], [3.0, 2.0, 1.0, 0.0]])
    values, indices = mg.median(x, 1, True)
    assert np.isnan(values[0].item()) and indices.tolist() == [[1], [2]]
    assert np.isnan(mg.median(x).item())


def test_median_of_nothing():
    assert np.isnan(mg.median(mg.zeros(0)).item())
    with pytest.raises(IndexError, match=r"median: dim 0 of shape \(0, 3\) has no elements"):
        mg.median(mg.zeros(0, 3), 0)
    assert mg.median(mg.zeros(0, 3), 1).indices.shape == (0,)


@pytest.mark.parametrize(
    "call", [lambda x: mg.sort(x, 0), lambda x: mg.topk(x, 1), lambda x: mg.median(x, 0)]
)
def test_a_scalar_is_its_own_order(call):
    values, indices = call(mg.tensor(2.0))
    assert values.item() == 2 and indices.item() == 0 and values.shape == indices.shape == ()


def test_topk_and_median_refuse():
    for k in (4, -1):
        with pytest.raises(mg.errors.ShapeError, match=rf"topk: k must lie in \[0, 3\].*{k}"):
            mg.topk(mg.zeros(3), k)
    with pytest.raises(TypeError, match="topk: k must be an integer, got 1.5"):
        mg.topk(mg.zeros(3), 1.5)
    with pytest.raises(IndexError, match="topk: dim 1"):
        mg.topk(mg.zeros(3), 1, 1)
    for name, rest in [("topk", (1,)), ("median", ())]:
        with pytest.raises(mg.errors.DtypeError, match=f"{name}: expected numbers, got bool"):
            getattr(mg, name)(mg.tensor([True]), *rest)


def test_unique_with_inverse_and_counts():
    x = mg.tensor([[3, 1], [3, 1]])
    values, inverse, counts = mg.unique(x, return_inverse=True, return_counts=True)
    assert values.tolist() == [1, 3] and counts.tolist() == [2, 2]
    assert inverse.tolist() == [[1, 0], [1, 0]]
    rows, inverse = mg.unique(x, dim=0, return_inverse=True)
    assert rows.tolist() == [[3, 1]] and inverse.tolist() == [0, 0]
    assert mg.unique(mg.tensor(3)).tolist() == [3]
    assert len(mg.unique(mg.tensor([np.nan, 1.0, np.nan]))) == 3
    assert mg.unique(mg.zeros(0)).shape == (0,) and mg.unique(mg.zeros(0, 3), dim=0).shape == (
        0,
        3,
    )


def test_unique_refuses():
    with pytest.raises(IndexError, match="unique: dim 0"):
        mg.unique(mg.tensor(3), dim=0)
    with pytest.raises(mg.errors.ShapeError, match="slices along dim 1"):
        mg.unique(mg.zeros(0, 3), dim=1)
