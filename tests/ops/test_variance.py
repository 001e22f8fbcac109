"""Variance and standard deviation: degrees of freedom, constants, PyTorch's two spellings."""

import numpy as np
import pytest

import minigrad as mg

BOTH = pytest.mark.parametrize("name", ["var", "std", "var_mean", "std_mean"])


def values(name, *args, **kwargs):
    y = getattr(mg, name)(*args, **kwargs)
    return [t.tolist() for t in (y if isinstance(y, tuple) else (y,))]


@BOTH
def test_unbiased_is_correction(name):
    x = mg.tensor(np.random.default_rng(0).normal(size=(3, 4)))
    biased, sample = values(name, x, correction=0), values(name, x, correction=1)
    assert values(name, x) == values(name, x, True) == values(name, x, unbiased=True) == sample
    assert values(name, x, False) == values(name, x, unbiased=False) == biased
    assert values(name, x, correction=None) == sample
    rows = values(name, x, 1, correction=0, keepdim=True)
    assert values(name, x, 1, False, True) == values(name, x, dim=1, unbiased=False, keepdim=True)
    assert values(name, x, 1, False, True) == rows


@BOTH
def test_wrong_options_are_refused(name):
    x = mg.ones(3)
    with pytest.raises(TypeError, match=f"{name}: give unbiased or correction, not both"):
        getattr(mg, name)(x, unbiased=True, correction=1)
    with pytest.raises(TypeError, match=f"{name}: correction must be a number, got 'a'"):
        getattr(mg, name)(x, correction="a")
    with pytest.raises(TypeError, match=f"{name}: dim must be integers, got True"):
        getattr(mg, name)(x, True, False)


@pytest.mark.parametrize("dtype", [mg.float32, mg.float64])
def test_without_degrees_of_freedom(dtype):
    x = mg.tensor([1.0, 3.0], dtype=dtype)
    assert mg.var(x, correction=2).item() == mg.std(x, correction=7).item() == np.inf
    for empty in (mg.tensor([2.0]), mg.tensor(2.0), mg.zeros(0), mg.tensor([2.0, 2.0])):
        assert np.isnan(mg.var(empty, correction=2).item())
        assert np.isnan(mg.std(empty, correction=2).item())
    assert np.isnan(mg.var(mg.zeros(0, 2), 0).numpy()).all()
    assert mg.std(mg.zeros(0, 2), 1).shape == (0,)
    assert mg.var(mg.tensor([2.0]), correction=0).item() == 0
    assert mg.var(x, correction=0.5).item() == pytest.approx(2 / 1.5)


@pytest.mark.parametrize("value", [2.0, 0.1, 1e-20, 1e8])
def test_std_of_equal_elements_is_zero_with_gradients_zero(value):
    x = mg.tensor([[value] * 3, [1.0, 2.0, 4.0]], requires_grad=True, dtype=mg.float64)
    y = mg.std(x, 1)
    assert y[0].item() == 0
    (g,) = mg.grad(y.sum(), x, create_graph=True)
    assert g[0].tolist() == [0, 0, 0] and np.isfinite(g.tolist()).all()
    assert (g[1] != 0).any()
    (h,) = mg.grad((g * mg.tensor([1.0, 2.0, 5.0])).sum(), x)
    assert h[0].tolist() == [0, 0, 0] and np.isfinite(h.tolist()).all()


def test_float32_variance_does_not_cancel():
    x = np.random.default_rng(0).normal(size=1000) + 1e4
    got = mg.var(mg.tensor(x.astype(np.float32))).item()
    assert got == pytest.approx(x.astype(np.float32).astype(float).var(ddof=1), rel=1e-4)
