"""Sums and what is made of them: compiled ↔ NumPy over all choices of axes; accuracy."""

import itertools

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import kernels
from minigrad.kernels import reference

dtypes = st.sampled_from([np.float32, np.float64])
seeds = st.integers(0, 2**32 - 1)
shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6)


def array(shape, dtype, seed, order="C"):
    return np.asarray(np.random.default_rng(seed).standard_normal(shape), dtype, order=order)


def check(y, want, dtype, terms):
    assert type(y) is np.ndarray and y.flags.c_contiguous
    assert y.dtype == dtype and y.shape == want.shape
    slack = np.finfo(dtype).eps * (terms + 4)
    np.testing.assert_allclose(y, want, rtol=slack, atol=slack)


@pytest.mark.parametrize("name", ["sum", "mean", "var", "logsumexp", "max", "min"])
@given(
    shape=shapes,
    dtype=dtypes,
    seed=seeds,
    order=st.sampled_from("CF"),
    keepdims=st.booleans(),
    data=st.data(),
)
def test_reduction_is_the_reference(name, shape, dtype, seed, order, keepdims, data):
    x = array(shape, dtype, seed, order)
    chosen = data.draw(st.sets(st.integers(0, x.ndim - 1))) if x.ndim else set()
    axes = tuple(a - x.ndim * data.draw(st.booleans()) for a in chosen)
    axis = data.draw(st.sampled_from([None, axes, *axes]))
    if name in ("max", "min") and 0 in shape:
        return
    options = {"axis": axis, "keepdims": keepdims}
    y, want = getattr(kernels, name)(x, **options), getattr(reference, name)(x, **options)
    check(y, want, dtype, x.size)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape", [(5000,), (100, 70), (1000, 10), (70, 3, 33), (4, 4099), (9, 129), (3000, 70)]
)
def test_long_sums_over_every_set_of_axes(shape, dtype):
    x = array(shape, dtype, 0)
    for count in range(len(shape) + 1):
        for axes in itertools.combinations(range(len(shape)), count):
            exact = x.astype(np.longdouble).sum(axes)
            n = x.size / exact.size
            slack = 2 * np.finfo(dtype).eps * np.abs(x.astype(np.float64)).sum(axes)
            assert (np.abs(kernels.sum(x, axes) - exact) <= slack).all()
            assert (np.abs(kernels.mean(x, axes) - exact / n) <= slack / n).all()
            if n > 1:
                exact = x.astype(np.longdouble).var(axes, ddof=1)
                check(kernels.var(x, axes), exact.astype(dtype), dtype, 30)


def test_float32_sums_do_not_drift():
    x = np.full(1 << 20, 0.1, np.float32)
    exact = (1 << 20) * float(np.float32(0.1))
    if kernels.level == "reference":
        pytest.skip("NumPy adds columns one by one")
    assert abs(kernels.sum(x) / exact - 1) < 2e-6
    assert abs(kernels.sum(x.reshape(-1, 1)) / exact - 1) < 2e-6
    columns = kernels.sum(x.reshape(-1, 16), 0)
    np.testing.assert_allclose(columns, exact / 16, rtol=2e-5)
    np.testing.assert_allclose(kernels.unbroadcast(x.reshape(-1, 4), (4,)), exact / 4, rtol=2e-5)


def test_variance_survives_a_large_mean():
    x = (array(4096, np.float64, 0) * 1e-2 + 1e4).astype(np.float32)
    exact = x.astype(np.float64).var(ddof=1)
    assert abs(kernels.var(x) / exact - 1) < 1e-5
    rows = kernels.var(np.stack([x, x]), -1, 0, True)
    np.testing.assert_allclose(rows, np.full((2, 1), x.astype(np.float64).var()), rtol=1e-5)


@pytest.mark.parametrize("correction", [0, 1, 2, 0.5])
def test_variance_divides_by_the_corrected_count(correction):
    x = np.array([[1.0, 2.0, 4.0], [0.0, 0.0, 3.0]])
    squares = ((x - x.mean(1, keepdims=True)) ** 2).sum(1)
    np.testing.assert_allclose(kernels.var(x, 1, correction), squares / (3 - correction))


def test_mean_and_variance_of_too_few(recwarn):
    empty, one = np.ones((2, 0)), np.ones((2, 1))
    assert np.isnan(kernels.mean(empty, 1)).all() and np.isnan(kernels.var(empty, 1)).all()
    assert np.isnan(kernels.var(one, 1)).all() and (kernels.var(one, 1, 0) == 0).all()
    np.testing.assert_array_equal(kernels.sum(empty, 1), [0, 0])
    np.testing.assert_array_equal(kernels.logsumexp(empty, 1), [-np.inf, -np.inf])
    assert not recwarn.list


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logsumexp_of_special_and_large_rows(dtype):
    inf, nan = np.inf, np.nan
    table = [
        ([-inf, -inf, -inf], -inf),
        ([-inf, 2.0, -inf], 2.0),
        ([inf, 1.0, -inf], inf),
        ([nan, 1.0, 2.0], nan),
        ([nan, inf, -inf], nan),
        ([1000.0, 1000.0, -1000.0], 1000 + np.log(2)),
        ([-1000.0, -1000.0, -2000.0], -1000 + np.log(2)),
    ]
    for repeat in (1, 30):  # in one vector, in several
        x = np.array([row for row, _ in table], dtype)
        x = np.concatenate([x, np.full((len(table), 3 * repeat), -inf, dtype)], 1)
        want = np.array([y for _, y in table])
        np.testing.assert_allclose(kernels.logsumexp(x), want, rtol=2 * np.finfo(dtype).eps)


@given(shape=shapes, dtype=dtypes, seed=seeds, data=st.data())
def test_unbroadcast_is_the_adjoint_of_broadcasting(shape, dtype, seed, data):
    lead = data.draw(st.integers(0, len(shape)))
    cut = data.draw(st.integers(lead, len(shape)))
    small = tuple(data.draw(st.sampled_from([1, n])) for n in shape[cut:])
    x = array(shape, dtype, seed)
    y = kernels.unbroadcast(x, small, lead)
    check(y, reference.unbroadcast(x, small, lead), dtype, x.size)
    v = array(shape[:lead] + small, np.float64, seed + 1)
    wide = v.reshape(shape[:lead] + (1,) * (cut - lead) + small)
    slack = 1e2 * np.finfo(dtype).eps * (x.size + 1)
    np.testing.assert_allclose((wide * x).sum(), (v * y).sum(), rtol=slack, atol=slack)


def test_wrong_axes_are_an_error():
    x = np.ones((2, 3))
    for axis in (2, -3, (0, 2), (0, 0), (1, -1)):
        for name in ("sum", "mean", "var"):
            with pytest.raises(ValueError):  # NumPy's AxisError is one
                getattr(kernels, name)(x, axis)


def test_unbroadcast_to_another_shape_is_an_error():
    with pytest.raises(ValueError):
        kernels.unbroadcast(np.ones((2, 3)), (2, 2))
    with pytest.raises(ValueError):
        kernels.unbroadcast(np.ones(3), (3, 3))


def test_integers_add_up_as_in_numpy():
    x = np.arange(6, dtype=np.int32).reshape(2, 3)
    np.testing.assert_array_equal(kernels.sum(x, 0), x.sum(0), strict=True)
    np.testing.assert_array_equal(kernels.sum(x > 2), np.array(3))


# Extremes ------------------------------------------------------------------------------------


SHAPES = [(1,), (15,), (16,), (17,), (1000,), (7, 33), (40, 70), (4, 40, 20), (100, 1030)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "special", [(), (np.nan,), (np.inf,), (-np.inf, np.inf), (np.inf, np.nan)]
)
def test_extremes_of_special_values(shape, dtype, special):
    x, rng = array(shape, dtype, 0), np.random.default_rng(1)
    for value in special:
        x.flat[rng.integers(x.size)] = value
    for axis in (None, *range(x.ndim)):
        for a in (x, x.T, x[::-1]):
            np.testing.assert_array_equal(kernels.max(a, axis), a.max(axis))
            np.testing.assert_array_equal(kernels.min(a, axis), a.min(axis))


def test_extremes_of_nothing_are_an_error():
    for name in ("max", "min"):
        assert getattr(kernels, name)(np.ones((0, 3)), 1).shape == (0,)
        with pytest.raises(ValueError):
            getattr(kernels, name)(np.ones((0, 3)), 0)


# Layouts and threads -------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_of_strided_arrays(dtype):
    x = array((40, 30, 20), dtype, 0)
    for a in (x.T, x[:, ::2], x[::-1], x.transpose(1, 0, 2), np.broadcast_to(x[0], x.shape)):
        for axis in (None, 0, 1, 2, (0, 2), (0, 1)):
            check(kernels.sum(a, axis), a.astype(np.float64).sum(axis), dtype, 100)
            check(kernels.var(a, axis), a.astype(np.float64).var(axis, ddof=1), dtype, 100)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape",
    [(300001,), (3000, 70), (70, 9001), (2, 200003), (9, 40, 517), (3, 5, 70001), (5, 300, 7)],
)
def test_large_reductions_have_the_same_bits_on_any_threads(shape, dtype):
    x = array(shape, dtype, 0)
    before = mg.get_num_threads()
    for axis in (None, *range(x.ndim), (0, x.ndim - 1) if x.ndim > 1 else 0):
        mg.set_num_threads(1)
        alone = [getattr(kernels, name)(x, axis) for name in ("sum", "mean", "max", "var")]
        check(alone[0], x.astype(np.longdouble).sum(axis), dtype, 2000)
        np.testing.assert_array_equal(alone[2], x.max(axis))
        mg.set_num_threads(2)
        for name, y in zip(("sum", "mean", "max", "var"), alone):
            np.testing.assert_array_equal(getattr(kernels, name)(x, axis), y)
    mg.set_num_threads(before)
