"""nn.init: each function's distribution, formula and errors; in place and outside the graph."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import init

SHAPE = (60, 50, 3, 2)  # fan_in 300, fan_out 360
IN, OUT = 300, 360


def filled(name, *args, shape=SHAPE, dtype=mg.float32, **kwargs):
    x = mg.full(shape, math.nan, dtype=dtype)
    assert getattr(init, name)(x, *args, **kwargs) is x
    assert x.dtype == dtype
    return x.numpy()


def is_uniform(values, low, high):
    """Whether the moments and the range are those of U(low, high), within five sigmas."""
    width, n = high - low, values.size
    assert values.min() >= low and values.max() <= high
    assert values.min() < low + 0.01 * width and values.max() > high - 0.01 * width
    assert abs(values.mean() - (low + high) / 2) < 5 * width / math.sqrt(12 * n)
    assert abs(values.var() - width**2 / 12) < 5 * width**2 / math.sqrt(180 * n)


def is_normal(values, mean, std):
    """Whether the first four moments are those of N(mean, std²), within five sigmas."""
    n = values.size
    z = (values.astype(np.float64) - mean) / std
    assert abs(z.mean()) < 5 / math.sqrt(n)
    assert abs((z**2).mean() - 1) < 5 * math.sqrt(2 / n)
    assert abs((z**4).mean() - 3) < 5 * math.sqrt(96 / n)


@pytest.mark.parametrize("dtype", [mg.float32, mg.float64])
def test_plain_distributions(dtype):
    is_uniform(filled("uniform_", dtype=dtype), 0, 1)
    is_uniform(filled("uniform_", -3, 5, dtype=dtype), -3, 5)
    is_normal(filled("normal_", dtype=dtype), 0, 1)
    is_normal(filled("normal_", 2, 0.5, dtype=dtype), 2, 0.5)


def test_xavier_variance_is_two_over_both_fans():
    std = math.sqrt(2 / (IN + OUT))
    is_normal(filled("xavier_normal_"), 0, std)
    is_normal(filled("xavier_normal_", gain=3.0), 0, 3 * std)
    is_uniform(filled("xavier_uniform_"), -math.sqrt(3) * std, math.sqrt(3) * std)
    is_uniform(filled("xavier_uniform_", 2.0), -math.sqrt(12) * std, math.sqrt(12) * std)


@pytest.mark.parametrize("mode, fan", [("fan_in", IN), ("fan_out", OUT)])
@pytest.mark.parametrize(
    "options, gain",
    [
        ({}, math.sqrt(2)),
        ({"a": 1}, 1.0),
        ({"nonlinearity": "relu"}, math.sqrt(2)),
        ({"nonlinearity": "tanh"}, 5 / 3),
        ({"nonlinearity": "linear", "a": 7}, 1.0),
    ],
)
def test_kaiming_variance_is_gain_squared_over_fan(mode, fan, options, gain):
    std = gain / math.sqrt(fan)
    is_normal(filled("kaiming_normal_", mode=mode, **options), 0, std)
    bound = math.sqrt(3) * std
    is_uniform(filled("kaiming_uniform_", mode=mode, **options), -bound, bound)


def test_kaiming_keeps_the_variance_of_signals_through_relu_layers():
    x = mg.randn(200, 300)
    for _ in range(10):
        w = init.kaiming_normal_(mg.empty(300, 300), nonlinearity="relu")
        x = (x @ w.T).relu()
    assert 0.3 < float((x**2).mean()) < 3


def test_truncated_normal_stays_within_and_has_its_moments():
    values = filled("trunc_normal_", mean=1.0, std=2.0, a=0.0, b=3.0)
    assert values.min() >= 0 and values.max() <= 3
    # N(1, 2²) cut at ±: alpha = -1/2, beta = 1
    pdf = [math.exp(-(t**2) / 2) / math.sqrt(2 * math.pi) for t in (-0.5, 1.0)]
    mass = (math.erf(1 / math.sqrt(2)) - math.erf(-0.5 / math.sqrt(2))) / 2
    mean = 1 + 2 * (pdf[0] - pdf[1]) / mass
    assert abs(values.mean() - mean) < 0.05


def test_constants():
    assert (filled("constant_", 0.25) == 0.25).all()
    assert (filled("ones_") == 1).all() and (filled("zeros_") == 0).all()
    assert filled("eye_", shape=(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (3, 2, 2)])
def test_orthogonal_rows_or_columns(shape):
    w = filled("orthogonal_", gain=2.0, shape=shape, dtype=mg.float64).reshape(shape[0], -1)
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    assert np.allclose(gram, 4 * np.eye(len(gram)))


def test_gains_are_pytorchs():
    torch = pytest.importorskip("torch")
    for name in "linear conv2d sigmoid tanh relu selu".split():
        assert init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    for slope in (None, 0, 0.2, 1):
        gain = init.calculate_gain("leaky_relu", slope)
        assert gain == torch.nn.init.calculate_gain("leaky_relu", slope)


def test_fans_count_the_window():
    assert init.fans(mg.empty(SHAPE)) == (IN, OUT)
    assert init.fans(mg.empty(5, 4)) == (4, 5)


def test_initialisation_is_not_recorded_but_noticed():
    p = nn.Parameter(mg.ones(3, 3))
    y = (p * p).sum()
    init.zeros_(p)
    assert p.is_leaf and p.requires_grad and p.tolist() == [[0.0] * 3] * 3
    with pytest.raises(RuntimeError, match="in place"):
        y.backward()


def test_numbers_follow_the_seed_or_the_given_generator():
    mg.manual_seed(1)
    a = filled("normal_", shape=(5,))
    mg.manual_seed(1)
    assert (filled("normal_", shape=(5,)) == a).all()
    b = filled("kaiming_uniform_", shape=(5, 5), generator=np.random.default_rng(2))
    assert (
        filled("kaiming_uniform_", shape=(5, 5), generator=np.random.default_rng(2)) == b
    ).all()


def test_zero_elements_are_left_alone_with_a_warning():
    with pytest.warns(UserWarning, match="kaiming_uniform_: .*zero-element"):
        assert init.kaiming_uniform_(mg.empty(3, 0)).shape == (3, 0)
    assert init.xavier_normal_(mg.empty(0, 0)).shape == (0, 0)
    assert init.orthogonal_(mg.empty(0, 3)).shape == (0, 3)


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda x: init.uniform_(x, 2, 1), ValueError, "uniform_: expected a <= b"),
        (lambda x: init.normal_(x, std=-1), ValueError, "normal_: std"),
        (lambda x: init.trunc_normal_(x, a=1, b=1), ValueError, "trunc_normal_: expected a < b"),
        (lambda x: init.trunc_normal_(x, a=8, b=9), ValueError, "trunc_normal_: .*0.1 %"),
        (lambda x: init.xavier_uniform_(x[0]), ValueError, "xavier_uniform_: .*2 dimensions"),
        (lambda x: init.xavier_normal_(x[0]), ValueError, "xavier_normal_: .*2 dimensions"),
        (lambda x: init.kaiming_normal_(x[0]), ValueError, "kaiming_normal_: .*2 dimensions"),
        (lambda x: init.kaiming_normal_(x, mode="in"), ValueError, "kaiming_normal_: mode"),
        (
            lambda x: init.kaiming_uniform_(x, nonlinearity="gelu"),
            ValueError,
            "unsupported nonlinearity 'gelu'",
        ),
        (lambda x: init.calculate_gain("leaky_relu", "x"), ValueError, "negative_slope"),
        (lambda x: init.calculate_gain("leaky_relu", True), ValueError, "negative_slope"),
        (lambda x: init.eye_(x[0]), ValueError, "eye_: expected a matrix"),
        (lambda x: init.orthogonal_(x[0]), ValueError, "orthogonal_: expected at least 2"),
        (lambda x: init.uniform_(x.long()), TypeError, "uniform_: expected a floating tensor"),
        (lambda x: init.normal_([1.0]), TypeError, "normal_: expected a Tensor, got list"),
        (lambda x: init.zeros_(3), TypeError, "zeros_: expected a Tensor, got int"),
        (lambda x: init.fans(3), TypeError, "fans: expected a Tensor, got int"),
    ],
)
def test_bad_arguments_are_refused(call, error, text):
    with pytest.raises(error, match=text):
        call(mg.zeros(3, 3))
