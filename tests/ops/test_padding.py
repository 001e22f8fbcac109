"""pad, unfold, fold: modes, cutting off, infinities, errors, PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import DtypeError, ShapeError

F = mg.nn.functional


def test_each_mode_puts_its_own_around():
    x = mg.tensor([[1, 2, 3]])
    assert F.pad(x, (2, 2)).tolist() == [[0, 0, 1, 2, 3, 0, 0]]
    assert F.pad(x, (2, 2), value=7).tolist() == [[7, 7, 1, 2, 3, 7, 7]]
    assert F.pad(x, (2, 2), "reflect").tolist() == [[3, 2, 1, 2, 3, 2, 1]]
    assert F.pad(x, (2, 2), "replicate").tolist() == [[1, 1, 1, 2, 3, 3, 3]]
    assert F.pad(x, (2, 2), "circular").tolist() == [[2, 3, 1, 2, 3, 1, 2]]


def test_negative_sizes_cut_off():
    x = mg.tensor([[1, 2, 3, 4]])
    assert F.pad(x, (-1, 1)).tolist() == [[2, 3, 4, 0]]
    assert F.pad(x, (-4, 0)).shape == (1, 0)
    for mode, last in {"reflect": 3, "replicate": 4, "circular": 2}.items():
        assert F.pad(x, (-1, 1), mode).tolist() == [[2, 3, 4, last]]


def test_the_last_axis_comes_first():
    assert F.pad(mg.zeros(1, 1, 1), (1, 2, 3, 4, 5, 6)).shape == (12, 8, 4)


def test_a_copied_element_collects_the_gradients_of_its_copies():
    x = mg.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    for mode, expected in {
        "constant": [1, 1, 1],
        "reflect": [1, 3, 2],
        "replicate": [3, 1, 2],
        "circular": [2, 2, 2],
    }.items():
        (dx,) = mg.grad(F.pad(x, (2, 1), mode).sum(), x)
        assert dx.tolist() == [expected]


def test_dtypes_stay():
    for dtype in (mg.float32, mg.float64, mg.int64, mg.bool):
        x = mg.ones(1, 3).to(dtype)
        for mode in ("constant", "reflect", "replicate", "circular"):
            assert F.pad(x, (1, 1), mode).dtype == dtype
    assert F.pad(mg.tensor([1, 2]), (1, 0), value=1.5).tolist() == [1, 1, 2]
    assert F.pad(mg.tensor([True]), (1, 0), value=1).tolist() == [True, True]


def test_padding_by_nothing_changes_nothing():
    x = mg.tensor([[1.0, 2.0]])
    assert F.pad(x, ()).tolist() == F.pad(x, (0, 0), "reflect").tolist() == x.tolist()
    assert F.pad(mg.tensor(3.0), ()).item() == 3


def test_empty_batches():
    for mode in ("constant", "reflect", "replicate", "circular"):
        assert F.pad(mg.zeros(0, 1, 4), (1, 1), mode).shape == (0, 1, 6)
    assert F.unfold(mg.zeros(0, 2, 3, 3), 2).shape == (0, 8, 4)
    assert F.fold(mg.zeros(0, 8, 4), (3, 3), 2).shape == (0, 2, 3, 3)


@pytest.mark.parametrize(
    ("shape", "pad", "mode", "error", "message"),
    [
        ((3,), (1,), "constant", ShapeError, "two sizes an axis"),
        ((3,), (1, 1, 1, 1), "constant", ShapeError, "at most 2"),
        ((3,), (-4, 0), "constant", ShapeError, "cuts off more"),
        ((3,), (-4, 4), "constant", ShapeError, "cuts off more"),
        ((3,), 1, "constant", TypeError, "tuple of integers"),
        ((3,), (1.0, 1), "constant", TypeError, "tuple of integers"),
        ((3,), (True, 1), "constant", TypeError, "tuple of integers"),
        ((1, 3), (1, 1), "mirror", ValueError, "mode must be"),
        ((3,), (1, 1), "reflect", ShapeError, "one or two more in front"),
        ((1, 1, 1, 3), (1, 1), "replicate", ShapeError, "one or two more in front"),
        ((1, 3), (), "circular", ShapeError, "last 1 to 3 axes"),
        ((1, 3), (3, 0), "reflect", ShapeError, "cannot pad dim 1"),
        ((1, 3), (4, 0), "circular", ShapeError, "cannot pad dim 1"),
        ((1, 3), (-2, -1), "replicate", ShapeError, "cannot pad dim 1"),
        ((1, 0), (1, 1), "replicate", ShapeError, "cannot pad"),
    ],
)
def test_pad_refuses(shape, pad, mode, error, message):
    with pytest.raises(error, match=f"pad: .*{message}"):
        F.pad(mg.zeros(*shape), pad, mode)


def test_pad_refuses_values_of_the_wrong_kind():
    with pytest.raises(TypeError, match="pad: value must be a number"):
        F.pad(mg.zeros(2), (1, 1), value="a")
    with pytest.raises(ValueError, match="'reflect' takes no value"):
        F.pad(mg.zeros(1, 2), (1, 1), "reflect", 1.0)
    with pytest.raises(TypeError, match="pad: expected a Tensor"):
        F.pad([1.0], (1, 1))


@given(st.data())
def test_pad_is_pytorch(data):
    torch = pytest.importorskip("torch")
    mode = data.draw(st.sampled_from(["constant", "reflect", "replicate", "circular"]))
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=4, max_size=4)))
    low, high = (-1, 3) if mode in ("constant", "replicate") else (0, min(shape[2:]) - 1)
    pad = tuple(data.draw(st.lists(st.integers(low, high), min_size=4, max_size=4)))
    if min(n + a + b for n, a, b in zip(shape[2:], pad[2::-2], pad[3::-2], strict=True)) < 1:
        pad = (0, 1, 1, 0) if mode in ("constant", "replicate") else (0,) * 4
    a = np.random.default_rng(0).standard_normal(shape)
    x, u = mg.tensor(a, requires_grad=True), torch.tensor(a, requires_grad=True)
    y, v = F.pad(x, pad, mode), torch.nn.functional.pad(u, pad, mode)
    np.testing.assert_array_equal(y.detach().numpy(), v.detach().numpy())
    (y * y).sum().backward()
    (v * v).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), u.grad.numpy(), atol=1e-12)


# windows as columns ---------------------------------------------------------------------------


def test_a_convolution_is_a_product_with_the_columns():
    rng = np.random.default_rng(0)
    x = mg.tensor(rng.standard_normal((2, 3, 6, 5)))
    w = mg.tensor(rng.standard_normal((4, 3, 2, 3)))
    columns = F.unfold(x, (2, 3), dilation=(2, 1), padding=(1, 0), stride=(2, 1))
    y = (w.reshape(4, -1) @ columns).reshape(2, 4, 3, 3)
    expected = F.conv2d(x, w, stride=(2, 1), padding=(1, 0), dilation=(2, 1))
    np.testing.assert_allclose(y.numpy(), expected.numpy(), atol=1e-12)


def test_fold_of_unfold_counts_how_often_a_pixel_is_seen():
    x = mg.full((1, 2, 3), 5.0)
    assert F.fold(F.unfold(x, 2), (2, 3), 2).tolist() == [[[5, 10, 5], [5, 10, 5]]]


def test_an_infinite_pixel_stays_in_its_place():
    x = mg.tensor([[[1.0, np.inf, 2.0]]], requires_grad=True)
    y = F.unfold(x, (1, 2))
    assert y.tolist() == [[1, np.inf], [np.inf, 2]]
    y.sum().backward()
    assert x.grad.tolist() == [[[1, 2, 1]]]


@pytest.mark.parametrize(
    ("shape", "options", "error", "message"),
    [
        ((4, 4), {}, ShapeError, "expected an input"),
        ((2, 0, 4, 4), {}, ShapeError, "only N may be 0"),
        ((1, 4, 4), {"kernel_size": 5}, ShapeError, "no window fits"),
        ((1, 4, 4), {"kernel_size": 0}, ShapeError, "kernel_size must be at least 1"),
        ((1, 4, 4), {"kernel_size": (2, 2, 2)}, ShapeError, "one or two integers"),
        ((1, 4, 4), {"padding": -1}, ShapeError, "padding must be at least 0"),
        ((1, 4, 4), {"stride": 0}, ShapeError, "stride must be at least 1"),
        ((1, 4, 4), {"dilation": 1.5}, TypeError, "dilation must be one or two integers"),
    ],
)
def test_unfold_refuses(shape, options, error, message):
    with pytest.raises(error, match=f"unfold: .*{message}"):
        F.unfold(mg.zeros(*shape), **{"kernel_size": 2, **options})


@pytest.mark.parametrize(
    ("shape", "size", "message"),
    [
        ((4, 8), (4, 4), r"expected an input \(N, C 4, 9\)"),
        ((5, 9), (4, 4), r"expected an input \(N, C 4, 9\)"),
        ((4,), (4, 4), "expected an input"),
        ((4, 9), (1, 4), "no window fits"),
        ((4, 9), 0, "output_size must be at least 1"),
        ((4, 9), (4, 4, 4), "one or two integers"),
    ],
)
def test_fold_refuses(shape, size, message):
    with pytest.raises(ShapeError, match=f"fold: .*{message}"):
        F.fold(mg.zeros(*shape), size, 2)


def test_columns_of_integers_are_refused():
    with pytest.raises(DtypeError, match="unfold: expected a floating tensor, got int64"):
        F.unfold(mg.ones(1, 2, 2).long(), 1)
    with pytest.raises(DtypeError, match="fold: expected a floating tensor, got int64"):
        F.fold(mg.ones(1, 4).long(), (2, 2), 1)
