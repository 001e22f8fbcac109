"""Largest, smallest and their places: ties, NaN, empty tensors."""

import numpy as np
import pytest

import minigrad as mg


def slope(function, x):
    x = mg.tensor(x, requires_grad=True)
    return mg.grad(function(x).sum(), x)[0].tolist()


@pytest.mark.parametrize("function", [mg.max, mg.amax, lambda x: mg.aminmax(x).max])
def test_over_all_elements_ties_share_the_gradient(function):
    assert slope(function, [1.0, 3.0, 3.0, 1.0]) == [0, 0.5, 0.5, 0]


def test_over_an_axis_max_gives_it_to_the_first_and_amax_to_all():
    x = [[1.0, 3.0, 3.0]]
    assert slope(lambda x: mg.max(x, 1).values, x) == [[0, 1, 0]]
    assert slope(lambda x: mg.amax(x, 1), x) == [[0, 0.5, 0.5]]
    assert slope(lambda x: mg.min(-x, 1, True)[0], x) == [[0, -1, 0]]


@pytest.mark.parametrize("name", ["max", "min"])
def test_nan_wins_and_the_first_is_found(name):
    x = mg.tensor([1.0, np.nan, 3.0, np.nan])
    values, indices = getattr(mg, name)(x, 0)
    assert np.isnan(values.item()) and indices.item() == 1
    assert np.isnan(getattr(mg, name)(x).item()) and np.isnan(getattr(mg, f"a{name}")(x).item())
    assert getattr(mg, f"arg{name}")(x).item() == 1


def test_two_tensors_are_compared_element_by_element():
    x, y = mg.tensor([1.0, 5.0]), mg.tensor([3.0, 2.0])
    assert mg.max(x, y).tolist() == [3, 5] and mg.min(x, other=y).tolist() == [1, 2]
    assert x.max(y).tolist() == [3, 5]
    with pytest.raises(TypeError, match="max: expected a Tensor, got int"):
        mg.max(x, other=3)


def test_results_are_named():
    found = mg.max(mg.tensor([[1.0, 5.0]]), 1)
    assert found.values.tolist() == [5] and found.indices.tolist() == [1]
    assert found.indices.dtype == np.int64
    both = mg.aminmax(mg.tensor([[1, 5]]), dim=0, keepdim=True)
    assert both.min.shape == both.max.shape == (1, 2)


def test_scalars_and_bools():
    values, indices = mg.max(mg.tensor(2.0), 0)
    assert values.item() == 2 and indices.shape == () and indices.item() == 0
    assert mg.max(mg.tensor([True, False])).item() is True
    assert mg.amax(mg.tensor([True, False])).dtype == np.bool_
    with pytest.raises(mg.errors.DtypeError, match="argmax: expected numbers, got bool"):
        mg.argmax(mg.tensor([True]))


def test_arg_over_all_keeps_axes_if_asked():
    x = mg.arange(6).reshape(2, 3)
    assert mg.argmax(x, None, True).tolist() == [[5]] and mg.argmax(x).item() == 5
    assert mg.argmin(x, 0, True).shape == (1, 3)


@pytest.mark.parametrize("name", ["max", "min", "amax", "amin", "aminmax"])
def test_there_is_no_largest_of_nothing(name):
    function = getattr(mg, name)
    with pytest.raises(mg.errors.ShapeError, match=f"{name}: no elements"):
        function(mg.zeros(0, 3))
    with pytest.raises(IndexError, match=rf"{name}: dim 0 of shape \(0, 3\) has no elements"):
        function(mg.zeros(0, 3), dim=0)
    found = function(mg.zeros(0, 3), dim=1)
    assert (found[0] if isinstance(found, tuple) else found).shape == (0,)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_nothing_has_no_place(name):
    for dim in (None, 0):
        with pytest.raises(IndexError, match=name):
            getattr(mg, name)(mg.zeros(0, 3), dim)
    assert getattr(mg, name)(mg.zeros(0, 3), 1).shape == (0,)
