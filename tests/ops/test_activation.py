"""Activations at their kinks and far out, in place, with bad arguments; as PyTorch's."""

import math

import numpy as np
import pytest

import minigrad as mg

F = mg.nn.functional
inf, nan = math.inf, math.nan

# name: function, points at the kinks, then value, slope and second derivative there
KINKS = {
    "relu": (F.relu, [0], [0], [0], [0]),
    "relu6": (F.relu6, [0, 6], [0, 6], [0, 0], [0, 0]),
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.1), [0], [0], [0.1], [0]),
    "prelu": (lambda x: F.prelu(x, mg.tensor([0.1]).to(x.dtype)), [0], [0], [0.1], [0]),
    "elu": (lambda x: F.elu(x, 2.0), [0], [0], [2], [0]),
    "celu": (lambda x: F.celu(x, 2.0), [0], [0], [1], [0]),
    "selu": (F.selu, [0], [0], [1.7580993408473766], [0]),
    "threshold": (lambda x: F.threshold(x, 0.5, 7), [0.5], [7], [0], [0]),
    "hardtanh": (F.hardtanh, [-1, 1], [-1, 1], [0, 0], [0, 0]),
    "hardsigmoid": (F.hardsigmoid, [-3, 3], [0, 1], [0, 0], [0, 0]),
    "hardswish": (F.hardswish, [-3, 3], [0, 3], [0, 1], [0, 0]),
    "softshrink": (F.softshrink, [-0.5, 0.5], [0, 0], [0, 0], [0, 0]),
    "hardshrink": (F.hardshrink, [-0.5, 0.5], [0, 0], [0, 0], [0, 0]),
    "softsign": (F.softsign, [0], [0], [1], [0]),
}

SMOOTH = {
    "gelu": F.gelu,
    "gelu tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
    "softplus": F.softplus,
    "logsigmoid": F.logsigmoid,
    "tanhshrink": F.tanhshrink,
    "sigmoid": F.sigmoid,
    "tanh": F.tanh,
}
EVERY = {name: row[0] for name, row in KINKS.items()} | SMOOTH
FLOATS_ONLY = (
    "softplus leaky_relu elu celu selu hardsigmoid hardswish softshrink hardshrink gelu silu mish "
    "logsigmoid glu"
).split()
IN_PLACE = {
    "relu": F.relu_,
    "relu6": None,
    "leaky_relu": F.leaky_relu_,
    "elu": F.elu_,
    "celu": F.celu_,
    "selu": F.selu_,
    "hardtanh": F.hardtanh_,
    "hardsigmoid": None,
    "hardswish": None,
    "silu": None,
    "mish": None,
}


def tower(function, points, orders, dtype=np.float64):
    """Value and derivatives of a function of each number by itself."""
    x = mg.tensor(np.asarray(points, dtype), requires_grad=True)
    y, found = function(x), []
    for _ in range(orders + 1):
        found.append(y.detach().numpy())
        if not y.requires_grad:
            y = mg.zeros_like(x)
            continue
        (y,) = mg.grad(y.sum(), x, create_graph=True, allow_unused=True)
        y = mg.zeros_like(x) if y is None else y
    return found


@pytest.mark.parametrize("name", KINKS)
def test_kinks_have_pytorchs_subgradients(name):
    function, points, *wanted = KINKS[name]
    for found, want in zip(tower(function, points, 2), wanted, strict=True):
        np.testing.assert_allclose(found, want, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", EVERY)
def test_derivatives_far_out_are_numbers(name, dtype):
    huge = 1e30 if dtype == np.float32 else 1e200
    points = [huge, -huge, 1e4, -1e4, 700, -700, 88, -88, 20, -20]
    for found in tower(EVERY[name], points, 4, dtype):
        assert found.dtype == dtype and np.isfinite(found).all()


@pytest.mark.parametrize("name", ["relu", "relu6", "leaky_relu", "elu", "selu", "hardtanh"])
def test_infinite_inputs_of_rectifiers(name):
    value, slope, second = tower(EVERY[name], [inf, -inf], 2)
    assert not np.isnan([value, slope, second]).any()


@pytest.mark.parametrize("name", [*EVERY, "glu"])
def test_nan_stays_nan(name):
    function = EVERY.get(name, F.glu)
    assert np.isnan(function(mg.tensor([nan, nan])).numpy()).all()


@pytest.mark.parametrize("name", EVERY)
def test_zero_size_and_0d(name):
    for shape in [(0,), (2, 0, 3), ()]:
        x = mg.zeros(shape, requires_grad=True)
        y = EVERY[name](x)
        y.sum().backward()
        assert y.shape == shape and x.grad.shape == shape


def test_gelu_and_silu_in_float32_are_near_the_exact_ones():
    x = np.linspace(-8, 8, 2001)
    for function, orders in ((F.gelu, 2), (F.silu, 2), (F.mish, 1), (F.logsigmoid, 2)):
        narrow, wide = (tower(function, x, orders, t) for t in (np.float32, np.float64))
        for a, b in zip(narrow, wide, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=5e-6)


def test_softplus_and_logsigmoid_keep_their_digits():
    x = np.array([-40.0, -1e-9, 0.0, 30.0, 60.0])
    want = -np.logaddexp(0, -x)
    np.testing.assert_allclose(F.logsigmoid(mg.tensor(x)).numpy(), want, rtol=1e-14)


# Dtypes ---------------------------------------------------------------------------------------


def test_integers_where_pytorch_takes_them():
    x = mg.tensor([-2, 1, 9])
    assert F.relu6(x).tolist() == [0, 1, 6] and F.relu6(x).dtype == np.int64
    assert F.hardtanh(x, -1.5, 1.5).tolist() == [-1, 1, 1]
    assert F.threshold(x, 0.5, 7.9).tolist() == [7, 1, 9]
    assert F.softsign(x).dtype == F.tanhshrink(x).dtype == np.float32
    assert F.relu6(mg.tensor([3, 200], dtype=mg.uint8)).tolist() == [3, 6]


@pytest.mark.parametrize("name", FLOATS_ONLY)
def test_integers_are_refused_elsewhere(name):
    with pytest.raises(mg.errors.DtypeError, match=f"^{name}: .*int64"):
        getattr(F, name)(mg.tensor([1, 2]))


# In place -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_forms_write_over_the_input_and_pass_the_gradient(name):
    start = np.array([-3.5, -0.7, 0.4, 2.0, 7.0])
    for function in (lambda x: getattr(F, name)(x, inplace=True), IN_PLACE[name]):
        if function is None:
            continue
        x, z = (mg.tensor(start, requires_grad=True) for _ in range(2))
        y = x * 1.5
        out = function(y)
        want = getattr(F, name)(z * 1.5)
        assert out is y and y._version == 1
        np.testing.assert_array_equal(y.detach().numpy(), want.detach().numpy())
        (y * y).sum().backward()
        (want * want).sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), z.grad.numpy(), rtol=1e-13)


def test_in_place_on_a_leaf_is_refused():
    with pytest.raises(mg.errors.InplaceError, match="elu_"):
        F.elu_(mg.zeros(2, requires_grad=True))


def test_threshold_in_place():
    assert F.threshold(mg.tensor([1.0, 3.0]), 2, 0, inplace=True).tolist() == [0, 3]
    assert mg.threshold_(mg.tensor([1.0, 3.0]), 2, 0).tolist() == [0, 3]


# Mistakes -------------------------------------------------------------------------------------

x23 = mg.zeros(2, 3)
MISTAKES = [
    (lambda: F.gelu(x23, approximate="erf"), ValueError, "gelu: approximate .*'erf'"),
    (lambda: F.glu(mg.tensor(1.0)), mg.errors.ShapeError, "glu: a 0-d"),
    (lambda: F.glu(x23), mg.errors.ShapeError, "glu: .* even, got 3"),
    (lambda: F.glu(x23, 2), IndexError, "glu: dim 2"),
    (lambda: F.hardtanh(x23, 1, -1), ValueError, "hardtanh: min_val 1 .* max_val -1"),
    (lambda: F.hardtanh(x23.to(mg.uint8)), mg.errors.DtypeError, "hardtanh: .*unsigned"),
    (lambda: F.relu(x23 > 0), mg.errors.DtypeError, "relu: .*bool"),
    (lambda: F.relu6(x23 > 0), mg.errors.DtypeError, "relu6: .*bool"),
    (lambda: F.leaky_relu(x23, "a"), TypeError, "leaky_relu: negative_slope .*'a'"),
    (lambda: F.elu(x23, None), TypeError, "elu: alpha .*None"),
    (lambda: F.hardtanh(x23, [0], 1), TypeError, r"hardtanh: min_val .*\[0\]"),
    (lambda: F.threshold(x23, 0, "b"), TypeError, "threshold: value .*'b'"),
    (lambda: F.softplus(x23, "b"), TypeError, "softplus: beta .*'b'"),
    (lambda: F.softshrink(x23, -0.1), ValueError, "softshrink: lambd .*-0.1"),
    (lambda: F.celu(x23, 0), ValueError, "celu: alpha"),
    (lambda: F.prelu(x23, mg.zeros(2)), mg.errors.ShapeError, "prelu: 2 slopes .*3 channels"),
    (lambda: F.prelu(x23, mg.zeros(1, 3)), mg.errors.ShapeError, r"prelu: .*\(1, 3\)"),
    (lambda: F.prelu(mg.tensor(1.0), mg.zeros(2)), mg.errors.ShapeError, "prelu: 2 slopes"),
    (lambda: F.prelu(x23, mg.zeros(3).double()), mg.errors.DtypeError, "prelu: .*float64"),
    (lambda: F.prelu(x23, 0.1), TypeError, "prelu: expected a Tensor"),
    (lambda: F.elu([1.0]), TypeError, "elu: expected a Tensor, got list"),
    (lambda: F.mish(1.0), TypeError, "mish: expected a Tensor, got float"),
    (lambda: F.threshold(None, 0, 0), TypeError, "threshold: expected a Tensor"),
    (lambda: F.softsign("x"), TypeError, "softsign: expected a Tensor"),
]


@pytest.mark.parametrize("case", range(len(MISTAKES)))
def test_mistakes_are_refused(case):
    call, error, match = MISTAKES[case]
    with pytest.raises(error, match=match):
        call()


# PyTorch --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [n for n in EVERY if n not in ("prelu", "gelu tanh")])
def test_activations_are_those_of_pytorch(name, dtype):
    torch = pytest.importorskip("torch")
    theirs = {
        "leaky_relu": lambda x: torch.nn.functional.leaky_relu(x, 0.1),
        "elu": lambda x: torch.nn.functional.elu(x, 2.0),
        "celu": lambda x: torch.nn.functional.celu(x, 2.0),
        "threshold": lambda x: torch.nn.functional.threshold(x, 0.5, 7),
    }.get(name) or getattr(torch.nn.functional, name)
    points = np.linspace(-8, 8, 161).astype(dtype)
    ours = tower(EVERY[name], points, 2, dtype)
    x = torch.tensor(points, requires_grad=True)
    y = theirs(x)
    np.testing.assert_allclose(ours[0], y.detach().numpy(), rtol=1e-5, atol=1e-6)
    (slope,) = torch.autograd.grad(y.sum(), x)
    np.testing.assert_allclose(ours[1], slope.numpy(), rtol=1e-5, atol=1e-6)
