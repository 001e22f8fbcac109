"""Arithmetic, functions and slopes: compiled ↔ NumPy, ulp bounds, special values, layouts."""

import math
import os

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import kernels
from minigrad.kernels import reference

COMPILED = kernels.level != "reference"
LONG = os.environ.get("MINIGRAD_TEST_PROFILE") == "long"

EXACT_BINARY = ["add", "sub", "mul", "div", "maximum", "minimum", "relu_backward"]
ROUNDED_BINARY = ["tanh_backward", "sigmoid_backward"]
EXACT_UNARY = ["neg", "abs", "sign", "sqrt", "rsqrt", "square", "reciprocal", "relu"]
FUNCTIONS = ["exp", "log", "log1p", "expm1", "sin", "cos", "tanh", "sigmoid", "softplus", "erf"]

SPECIAL = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 1e-40, 3e38, -3e38, 1e30]

dtypes = st.sampled_from([np.float32, np.float64])
seeds = st.integers(0, 2**32 - 1)
layouts = st.sampled_from(["C", "F", "strided", "reversed", "swapped"])


def values(shape, dtype, seed, layout="C"):
    """Numbers of all sizes with special ones among them, laid out in memory as asked."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape) * 10.0 ** rng.integers(-3, 3, shape)
    x = np.where(rng.random(shape) < 0.2, rng.choice(SPECIAL, shape), x).astype(dtype)
    if layout == "F":
        return np.asarray(x, order="F")
    if layout == "strided" and x.ndim:
        wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), dtype)
        wide[..., ::2] = x
        return wide[..., ::2]
    if layout == "reversed" and x.ndim:
        return x[::-1].copy()[::-1]
    if layout == "swapped":
        return x.astype(x.dtype.newbyteorder())
    return x


def ulp_distance(x, y):
    """How many floating-point numbers lie between x and y; 0 for two NaN."""
    kind = {4: np.int32, 8: np.int64}[x.itemsize]
    a, b = (np.ascontiguousarray(v).view(kind).astype(object) for v in (x.ravel(), y.ravel()))
    low = np.iinfo(kind).min
    a, b = (np.where(v < 0, low - v, v) for v in (a, b))
    return np.where(np.isnan(x.ravel()) & np.isnan(y.ravel()), 0, np.abs(a - b))


def check_kept_promises(z, like):
    assert type(z) is np.ndarray
    assert z.flags.c_contiguous and z.flags.writeable
    assert z.dtype == like.dtype and z.shape == like.shape


@pytest.mark.parametrize("name", EXACT_BINARY + ROUNDED_BINARY)
@given(
    shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=5),
    dtype=dtypes,
    seed=seeds,
    layout=st.tuples(layouts, layouts),
)
def test_binary_is_the_reference(name, shapes, dtype, seed, layout):
    x, y = (values(s, dtype, seed + i, layout[i]) for i, s in enumerate(shapes.input_shapes))
    before = x.copy(), y.copy()
    z, want = getattr(kernels, name)(x, y), getattr(reference, name)(x, y)
    check_kept_promises(z, want)
    if name in EXACT_BINARY:
        np.testing.assert_array_equal(z, want)
    else:
        np.testing.assert_allclose(z, want, rtol=4 * np.finfo(dtype).eps, atol=1e-44)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])


@pytest.mark.parametrize(
    ("shape", "other"),
    [
        ((7,), ()),
        ((7,), (1,)),
        ((1,), ()),
        ((1, 1), (1,)),
        ((3, 40), (40,)),
        ((3, 40), (3, 1)),
        ((2, 3, 20), (20,)),
        ((2, 3, 20), (3, 1)),
        ((2, 3, 20), (2, 1, 1)),
        ((2, 3, 20), (1, 3, 1)),
        ((2, 3, 20), (2, 1, 20)),
        ((3, 1), (40,)),
    ],
)
@pytest.mark.parametrize("name", ["sub", "div"])
def test_broadcast_blocks_keep_operand_order(name, shape, other):
    x, y = np.full(shape, 3.0), np.full(other, 2.0)
    kernel, plain = getattr(kernels, name), {"sub": np.subtract, "div": np.divide}[name]
    np.testing.assert_array_equal(kernel(x, y), plain(x, y), strict=True)
    np.testing.assert_array_equal(kernel(y, x), plain(y, x), strict=True)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow", "maximum", "minimum"])
@given(
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=20),
    dtype=dtypes,
    seed=seeds,
    layout=layouts,
)
def test_python_numbers_keep_the_dtype(name, shape, dtype, seed, layout):
    x = values(shape, dtype, seed, layout)
    numbers = [0, 1, -1, 2, 3, 2.5, 0.5, -0.0, 1e30, np.inf, np.nan, 10**20]
    for operands in [pair for n in numbers for pair in ((x, n), (n, x))]:
        z, want = getattr(kernels, name)(*operands), getattr(reference, name)(*operands)
        check_kept_promises(z, want)
        assert z.dtype == dtype
        if name == "pow":
            assert ulp_distance(z, want).max(initial=0) <= 2
        else:
            np.testing.assert_array_equal(z, want)


@pytest.mark.parametrize("power", [2, 3, 1, -1, 0.5, 2.0, 0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_short_powers_are_within_an_ulp(power, dtype):
    rng = np.random.default_rng(0)
    x = (rng.standard_normal(20000) * 10.0 ** rng.integers(-4, 5, 20000)).astype(dtype)
    x = np.concatenate([x, np.array(SPECIAL, dtype)])
    with np.errstate(all="ignore"):
        want = (x.astype(np.longdouble) ** power).astype(dtype)
    assert ulp_distance(kernels.pow(x, power), want).max() <= 1


@pytest.mark.parametrize("name", EXACT_UNARY + FUNCTIONS)
@given(
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=20),
    dtype=dtypes,
    seed=seeds,
    layout=layouts,
)
def test_unary_is_the_reference(name, shape, dtype, seed, layout):
    x = values(shape, dtype, seed, layout)
    before = x.copy()
    y, want = getattr(kernels, name)(x), getattr(reference, name)(x)
    check_kept_promises(y, want)
    assert not np.shares_memory(x, y)
    np.testing.assert_array_equal(x, before)
    if name in EXACT_UNARY:
        np.testing.assert_array_equal(y, want)
        np.testing.assert_array_equal(np.signbit(y) & (y == y), np.signbit(want) & (y == y))
    else:
        assert ulp_distance(y, want).max(initial=0) <= 6


# Accuracy ------------------------------------------------------------------------------------


def _sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def _softplus(x):
    return np.where(x > 20, x, np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))


TRUE = {name: getattr(np, name) for name in "exp expm1 log log1p sin cos tanh".split()}
TRUE |= {"sigmoid": _sigmoid, "softplus": _softplus}


def worst_ulp(y, exact):
    """The largest error of y in units of its last place, `exact` being of a wider dtype."""
    with np.errstate(over="ignore"):
        rounded = exact.astype(y.dtype)
    usual = np.isfinite(rounded) & np.isfinite(y)
    edge = ~usual & ~(np.isnan(rounded) & np.isnan(y)) & (rounded != y)
    top = np.finfo(y.dtype).max  # an Inf for the largest number, or the reverse, is one ulp
    assert np.all(np.minimum(np.abs(rounded[edge]), np.abs(y[edge])) == top)
    error = np.abs(y[usual].astype(exact.dtype) - exact[usual])
    return float(np.max(error / np.spacing(np.abs(rounded[usual])), initial=0))


def bound(name):
    if not COMPILED:
        return 5  # NumPy's own
    return 3 if name == "softplus" else 2


@pytest.mark.parametrize("name", TRUE)
def test_float32_error_over_all_of_the_range(name):
    step, chunk = (1, 1 << 22) if LONG else (30011, 1 << 17)
    for start in range(0, 1 << 32, step * chunk):
        bits = np.arange(start, min(start + step * chunk, 1 << 32), step, dtype=np.uint64)
        x = bits.astype(np.uint32).view(np.float32)
        with np.errstate(all="ignore"):
            exact = TRUE[name](x.astype(np.float64))
            assert worst_ulp(getattr(kernels, name)(x), exact) <= bound(name)


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="longdouble is no wider here")
@pytest.mark.parametrize("name", TRUE)
def test_float64_error_over_all_of_the_range(name):
    rng = np.random.default_rng(0)
    n = 1 << 16
    x = np.concatenate(
        [
            rng.integers(0, 2**64, n, dtype=np.uint64).view(np.float64),
            rng.uniform(-750, 750, n),
            rng.uniform(-3, 3, n),
            rng.uniform(0.5, 2, n),
            rng.uniform(-1, 1, n) * 2.0 ** -rng.integers(0, 60, n),
            rng.uniform(-746, -707, n),
            rng.uniform(-1e6, 1e6, n),
            np.arange(1, n) * (np.pi / 2),  # sines and cosines near their zeros
        ]
    )
    with np.errstate(all="ignore"):
        exact = TRUE[name](x.astype(np.longdouble))
    assert worst_ulp(getattr(kernels, name)(x), exact) <= bound(name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TRUE)
def test_a_result_does_not_depend_on_its_place(name, dtype):
    if not COMPILED:
        pytest.skip("NumPy makes no such promise")
    kernel = getattr(kernels, name)
    x = np.random.default_rng(0).uniform(0.01, 5, 70).astype(dtype)
    y = kernel(x)
    for i in range(0, 70, 7):
        for j in range(i, 71, 3):
            np.testing.assert_array_equal(kernel(x[i:j]), y[i:j])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bounded_functions_stay_in_bounds(dtype):
    x = np.concatenate([np.linspace(-60, 60, 100001), [np.inf, -np.inf, 1e38]]).astype(dtype)
    assert np.abs(kernels.tanh(x)).max() == 1
    assert kernels.sigmoid(x).min() >= 0 and kernels.sigmoid(x).max() == 1
    assert kernels.erf(x).max() == 1
    assert (np.diff(kernels.exp(np.linspace(-5, 5, 1001).astype(dtype))) > 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_special_values(dtype):
    inf, nan = np.inf, np.nan
    x = np.array([inf, -inf, nan, 0.0, -0.0], dtype)
    table = {
        "exp": [inf, 0, nan, 1, 1],
        "log": [inf, nan, nan, -inf, -inf],
        "tanh": [1, -1, nan, 0, -0.0],
        "sigmoid": [1, 0, nan, 0.5, 0.5],
        "softplus": [inf, 0, nan, math.log(2), math.log(2)],
        "expm1": [inf, -1, nan, 0, -0.0],
        "log1p": [inf, nan, nan, 0, -0.0],
        "sin": [nan, nan, nan, 0, -0.0],
        "cos": [nan, nan, nan, 1, 1],
        "relu": [inf, 0, nan, 0, 0],
        "sign": [1, -1, nan, 0, 0],
        "sqrt": [inf, nan, nan, 0, -0.0],
        "reciprocal": [0, -0.0, nan, inf, -inf],
        "abs": [inf, inf, nan, 0, 0],
        "erf": [1, -1, nan, 0, -0.0],
    }
    for name, want in table.items():
        y, want = getattr(kernels, name)(x), np.array(want, dtype)
        np.testing.assert_allclose(y, want, rtol=1e-6, err_msg=name)
        kept = ~np.isnan(want)
        np.testing.assert_array_equal(np.signbit(y[kept]), np.signbit(want[kept]), err_msg=name)


def test_log1p_at_its_edge():
    for dtype in (np.float32, np.float64):
        x = np.array([-1, np.nextafter(dtype(-1), dtype(0)), -2, -np.inf], dtype)
        y = kernels.log1p(x)
        assert y[0] == -np.inf and np.isfinite(y[1]) and np.isnan(y[2:]).all()


def test_sines_of_huge_numbers_among_small_ones():
    for dtype, top in ((np.float32, 3e38), (np.float64, 1e300)):
        x = np.linspace(-9, 9, 1237).astype(dtype)
        x[::100] = np.geomspace(1e4, top, x[::100].size)
        for name in ("sin", "cos"):
            exact = TRUE[name](x.astype(np.longdouble))
            assert worst_ulp(getattr(kernels, name)(x), exact) <= bound(name)


def test_float32_erf_is_that_of_the_standard_library():
    x = np.concatenate([np.linspace(-6, 6, 100003), np.geomspace(1e-44, 1, 9973)])
    x = x.astype(np.float32)
    exact = np.frompyfunc(math.erf, 1, 1)(x.astype(np.float64)).astype(np.float64)
    assert worst_ulp(kernels.erf(x), exact) <= 2


def test_float64_erf_is_that_of_the_standard_library():
    x = np.concatenate([np.linspace(-7, 7, 100003), np.geomspace(1e-320, 1, 9973)])
    want = np.frompyfunc(math.erf, 1, 1)(x).astype(np.float64)  # itself within an ulp
    assert ulp_distance(kernels.erf(x), want).max() <= 2


def test_softplus_with_beta_and_threshold():
    x = np.linspace(-8, 8, 33)
    y = kernels.softplus(x, 2.0, 4.0)
    np.testing.assert_allclose(y[x <= 2], np.log1p(np.exp(2 * x[x <= 2])) / 2, rtol=1e-12)
    np.testing.assert_array_equal(y[x > 2], x[x > 2])


# Large arrays, cut into pieces ---------------------------------------------------------------


@pytest.fixture
def threads():
    before = mg.get_num_threads()
    yield mg.set_num_threads
    mg.set_num_threads(before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("shape", "other"),
    [
        ((100003,), (100003,)),
        ((100003,), (1,)),
        ((1, 70000), (1, 1)),
        ((301, 517), (517,)),
        ((301, 517), (301, 1)),
        ((4, 301, 67), (301, 1)),
        ((4, 301, 67), (4, 1, 1)),
        ((2, 70000), (70000,)),
    ],
)
def test_large_arrays_are_the_reference_on_any_threads(threads, shape, other, dtype):
    x, y = values(shape, dtype, 0), values(other, dtype, 1)
    for count in (1, 2, 3):
        threads(count)
        for a, b in ((x, y), (y, x), (x, 2.5), (2.5, x)):
            np.testing.assert_array_equal(kernels.sub(a, b), reference.sub(a, b))
        np.testing.assert_array_equal(kernels.neg(x), -x)
        for part in (x[..., ::2], x[..., ::-1], x.T):
            np.testing.assert_array_equal(kernels.neg(part), -part)
    for name in TRUE:
        threads(1)
        alone = getattr(kernels, name)(x)
        threads(2)
        np.testing.assert_array_equal(getattr(kernels, name)(x), alone)


# What backward needs -------------------------------------------------------------------------


def test_relu_backward_blocks_nan_where_relu_is_off():
    dy = np.array([np.nan, np.nan, 2.0, np.inf], np.float32)
    y = np.array([0.0, 1.0, 3.0, 0.0], np.float32)
    np.testing.assert_array_equal(kernels.relu_backward(dy, y), np.float32([0, np.nan, 2, 0]))


@pytest.mark.parametrize("name", ["relu_backward", "tanh_backward", "sigmoid_backward"])
def test_slopes_take_a_batch_of_cotangents(name):
    rng = np.random.default_rng(0)
    dy, y = rng.standard_normal((4, 3, 5)), rng.random((3, 5))
    kernel = getattr(kernels, name)
    np.testing.assert_array_equal(kernel(dy, y), np.stack([kernel(d, y) for d in dy]))


@given(
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=20),
    dtype=dtypes,
    seed=seeds,
    layout=st.tuples(layouts, layouts),
)
def test_add_in_place(shape, dtype, seed, layout):
    x, y = values(shape, dtype, seed, layout[0]), values(shape, dtype, seed + 1, layout[1])
    want = reference.add(x, y)
    assert kernels.add_(x, y) is x
    np.testing.assert_array_equal(x, want)


def test_add_in_place_to_itself_and_to_a_shifted_view():
    x = np.arange(40.0)
    kernels.add_(x, x)
    np.testing.assert_array_equal(x, 2 * np.arange(40.0))
    kernels.add_(x[1:], x[:-1])  # as if the right side had been copied first
    np.testing.assert_array_equal(x[1:], 2 * np.arange(1, 40.0) + 2 * np.arange(39.0))


def test_add_in_place_broadcasts_the_right_side():
    x = np.ones((3, 4), np.float32)
    kernels.add_(x, np.float32([1, 2, 3, 4]))
    np.testing.assert_array_equal(x, np.tile(np.float32([2, 3, 4, 5]), (3, 1)))


def test_add_in_place_refuses_a_read_only_array():
    x = np.ones(3)
    x.flags.writeable = False
    with pytest.raises(ValueError):
        kernels.add_(x, np.ones(3))


# What NumPy does for us ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow", "maximum", "minimum"])
@pytest.mark.parametrize(
    "pair", [("i8", "i8"), ("i4", "f4"), ("f4", "f8"), ("u1", "i8"), ("f2", "f2")]
)
def test_other_dtypes_promote_as_in_numpy(name, pair):
    x, y = np.arange(1, 4).astype(pair[0]), np.arange(2, 5).astype(pair[1])
    plain = {"sub": "subtract", "mul": "multiply", "div": "divide", "pow": "power"}.get(name, name)
    np.testing.assert_array_equal(
        getattr(kernels, name)(x, y), getattr(np, plain)(x, y), strict=True
    )


def test_shapes_that_do_not_broadcast_are_an_error():
    with pytest.raises(ValueError):
        kernels.add(np.ones(3), np.ones(4))
    with pytest.raises(ValueError):
        kernels.mul(np.ones((2, 3)), np.ones((3, 2)))


def test_unaligned_arrays_are_read_properly():
    raw = np.zeros(4 * 9 + 1, np.uint8)
    x = raw[1:].view(np.float32)
    x[...] = np.arange(9)
    np.testing.assert_array_equal(kernels.add(x, x), 2 * np.arange(9, dtype=np.float32))
    np.testing.assert_array_equal(kernels.neg(x), -np.arange(9, dtype=np.float32))


def test_kernels_are_silent(recwarn):
    x = np.array([0.0, -1.0, 1e308, np.inf])
    for name in EXACT_UNARY + FUNCTIONS:
        getattr(kernels, name)(x)
    kernels.div(x, np.zeros(4))
    kernels.mul(x[::2], 1e308)
    assert not recwarn.list
