"""Dropout's kinds: which elements go together, means and variances, gradients, mistakes.

`dropout` itself is in `test_norm.py`.
"""

import numpy as np
import pytest

import minigrad as mg

F = mg.nn.functional


@pytest.mark.parametrize(
    "function, shape, channel",
    [
        (F.dropout1d, (50, 40, 3), (2,)),
        (F.dropout1d, (50, 3), (1,)),
        (F.dropout2d, (50, 40, 3, 2), (2, 3)),
        (F.dropout2d, (50, 40, 3), (2,)),
        (F.dropout2d, (50, 40), ()),
    ],
)
def test_whole_channels_go_together(function, shape, channel):
    y = function(mg.ones(*shape), 0.25).numpy()
    assert set(np.unique(y)) <= {np.float32(0), np.float32(1 / 0.75)}
    if channel:
        np.testing.assert_array_equal(y.max(channel), y.min(channel))
    share = (y.min(channel) if channel else y) == 0
    assert abs(share.mean() - 0.25) < 5 * np.sqrt(0.1875 / share.size)


def test_alpha_dropout_keeps_mean_and_variance():
    x = np.random.default_rng(0).standard_normal(200_000)
    y = F.alpha_dropout(mg.tensor(x), 0.3, training=True).numpy()
    assert abs(y.mean()) < 0.01 and abs(y.var() - 1) < 0.02
    low, times = np.unique(y.round(9), return_counts=True)
    dropped = low[times > 100]  # all that were dropped have one value
    assert len(dropped) == 1 and abs(times.max() / x.size - 0.3) < 0.01


@pytest.mark.parametrize("function", [F.dropout1d, F.dropout2d, F.alpha_dropout])
def test_gradients_are_the_factors_at_any_order(function):
    x = mg.tensor(np.random.default_rng(0).standard_normal((8, 5)), requires_grad=True)
    y = function(x, 0.5, training=True)
    (factors,) = mg.grad(y.sum(), x, retain_graph=True)
    assert len(np.unique(factors.numpy().round(9))) == 2
    (g,) = mg.grad((y * y * y).sum(), x, create_graph=True)
    want = 3 * (y * y).detach().numpy() * factors.numpy()
    np.testing.assert_allclose(g.detach().numpy(), want, rtol=1e-12)
    (h,) = mg.grad(g.sum(), x)
    want = 6 * y.detach().numpy() * factors.numpy() ** 2
    np.testing.assert_allclose(h.numpy(), want, rtol=1e-12)


@pytest.mark.parametrize("function", [F.dropout, F.dropout1d, F.dropout2d, F.alpha_dropout])
def test_switches(function):
    x = mg.randn(6, 5)
    assert function(x, 0.9, training=False) is x
    np.testing.assert_array_equal(function(x, 0.0, training=True).numpy(), x.numpy())
    np.testing.assert_array_equal(function(x, 1.0, training=True).numpy(), 0)
    y = x.clone()
    assert function(y, 0.5, True, True) is y and not np.array_equal(y.numpy(), x.numpy())
    double = function(x.double(), 0.5, training=True)
    assert double.dtype == mg.float64
    assert F.alpha_dropout(x) is x  # not training unless told, as in PyTorch


@pytest.mark.parametrize("function", [F.dropout, F.dropout1d, F.dropout2d, F.alpha_dropout])
def test_mistakes_are_refused(function):
    name = function.__name__
    for p in (-0.1, 1.5, float("nan")):
        with pytest.raises(ValueError, match=f"{name}: p must lie in"):
            function(mg.ones(2, 3), p)
    with pytest.raises(TypeError, match=f"{name}: p must be a number"):
        function(mg.ones(2, 3), "half")
    with pytest.raises(TypeError, match=f"{name}: expected a floating tensor"):
        function(mg.ones(2, 3).long(), 0.5, training=True)
    with pytest.raises(TypeError, match=f"{name}: expected a Tensor"):
        function(np.ones((2, 3)))
    with pytest.raises(RuntimeError, match=name):
        function(mg.ones(2, 3, requires_grad=True), 0.5, True, True)


def test_channels_need_their_axes():
    for shape in [(3,), (2, 3, 4, 5)]:
        with pytest.raises(ValueError, match=r"dropout1d: expected \(C, L\)"):
            F.dropout1d(mg.ones(*shape))
    with pytest.raises(ValueError, match=r"dropout2d: expected \(N, C"):
        F.dropout2d(mg.ones(3))
