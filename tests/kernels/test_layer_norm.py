"""Layer norm: compiled ↔ NumPy over row lengths, accuracy, invariants, special values, threads."""

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
heads = hnp.array_shapes(min_dims=0, max_dims=2, max_side=9)
rows = st.sampled_from(
    [(1,), (2,), (7,), (8,), (16,), (17,), (31,), (33,), (100,), (3, 5), (4, 1, 9), (0,), (2, 0)]
)


def numbers(shape, dtype, seed, mean=0.0):
    return (mean + np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


def vectors(shape, dtype, seed, given):
    """Weight and bias, of which some may be left out."""
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) if present else None for present in given]


def check(y, want, dtype, ulps, size=1.0):
    """y is want within `ulps` of |want| + size, NaN in the same places."""
    assert type(y) is np.ndarray and y.flags.c_contiguous and y.flags.writeable
    assert y.dtype == dtype and y.shape == want.shape
    slack = ulps * np.finfo(dtype).eps
    np.testing.assert_allclose(y, want, rtol=slack, atol=slack * size)


presence = st.tuples(st.booleans(), st.booleans())


@given(
    head=heads,
    row=rows,
    dtype=dtypes,
    seed=seeds,
    given=presence,
    mean=st.sampled_from([0.0, 10.0, -300.0]),
    order=st.sampled_from("CF"),
)
def test_forward_is_the_reference(head, row, dtype, seed, given, mean, order):
    x = np.asarray(numbers(head + row, dtype, seed, mean), order=order)
    weight, bias = vectors(row, dtype, seed, given)
    before = x.copy()
    y, stats = kernels.layer_norm(x, weight, bias, len(row), 1e-3)
    want, exact = reference.layer_norm(x, weight, bias, len(row), 1e-3)
    # float64 has no wider type for the mean: x̂ magnifies what that rounds off.
    check(y, want, dtype, 32 if dtype == np.float32 else 1e4, 4)
    assert stats.shape == (2, *head) and stats.dtype == np.float64
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(stats[0], exact[0], rtol=1e-12, atol=8 * eps)
    np.testing.assert_allclose(stats[1], exact[1], rtol=64 * eps)
    np.testing.assert_array_equal(x, before)


@given(
    batch=hnp.array_shapes(min_dims=0, max_dims=2, max_side=3),
    head=heads,
    row=rows,
    dtype=dtypes,
    seed=seeds,
    given=presence,
    affine=st.booleans(),
)
def test_backward_is_the_reference(batch, head, row, dtype, seed, given, affine):
    x = numbers(head + row, dtype, seed, 3.0)
    weight, _ = vectors(row, dtype, seed, given)
    dy = numbers((*batch, *x.shape), dtype, seed + 1)
    _, stats = reference.layer_norm(x, None, None, len(row), 1e-3)
    got = kernels.layer_norm_backward(dy, x, weight, stats, len(row), affine)
    want = reference.layer_norm_backward(dy, x, weight, stats, len(row), affine)
    check(got[0], want[0], dtype, 200, 40)
    for a, b in zip(got[1:], want[1:], strict=True):
        assert (a is None) == (b is None) == (not affine)
        if affine:
            check(a, b, dtype, 64, 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(131, 300), (1031, 33), (3, 40_000), (5, 9000), (70_000, 2)])
def test_long_rows_and_many_rows_are_the_reference(dtype, shape):
    x, dy = numbers(shape, dtype, 0, 2.0), numbers(shape, dtype, 1)
    weight, bias = vectors(shape[1:], dtype, 2, (True, True))
    y, stats = kernels.layer_norm(x, weight, bias, 1, 1e-3)
    want, exact = reference.layer_norm(x, weight, bias, 1, 1e-3)
    check(y, want, dtype, 32, 4)
    got = kernels.layer_norm_backward(dy, x, weight, exact, 1, True)
    for a, b in zip(
        got, reference.layer_norm_backward(dy, x, weight, exact, 1, True), strict=True
    ):
        check(a, b, dtype, 200, np.abs(b).max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_strided_arrays_are_read_as_their_numbers(dtype):
    x, dy = numbers((6, 9, 21), dtype, 0, 3.0), numbers((2, 6, 9, 21), dtype, 1)
    weight, bias = vectors((9, 21), dtype, 2, (True, True))

    def apart(a):
        wide = np.full([2 * n for n in a.shape], 77, a.dtype)
        view = wide[(slice(None, None, 2),) * a.ndim]
        view[...] = a
        return view

    y, stats = kernels.layer_norm(x, weight, bias, 2, 1e-5)
    want = kernels.layer_norm_backward(dy, x, weight, stats, 2, True)
    for w, b, s in ((weight, bias, stats), (apart(weight), apart(bias), apart(stats))):
        check(kernels.layer_norm(apart(x), w, b, 2, 1e-5)[0], y, dtype, 16, 4)
        got = kernels.layer_norm_backward(apart(dy), apart(x), w, s, 2, True)
        for a, b in zip(got, want, strict=True):
            check(a, b, dtype, 200, 4)


# Accuracy and invariants -------------------------------------------------------------------------


@pytest.mark.parametrize("n", [20, 4096, 50_000])
def test_variance_of_a_large_mean_is_not_lost(n):
    x = (1e4 + 1e-2 * np.random.default_rng(0).standard_normal((6, n))).astype(np.float32)
    y, (mean, s) = kernels.layer_norm(x, None, None, 1, 1e-8)
    exact = x.astype(np.longdouble)
    np.testing.assert_allclose(mean, exact.mean(1), rtol=1e-11)
    np.testing.assert_allclose(s, 1 / np.sqrt(exact.var(1) + 1e-8), rtol=1e-5)
    np.testing.assert_allclose(y.astype(float).mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(y.astype(float).var(1), exact.var(1) * s**2, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(50, 17), (9, 300)])
def test_gradient_is_orthogonal_to_constants_and_to_the_output(dtype, shape):
    x, dy = numbers(shape, dtype, 0, 2.0), numbers(shape, dtype, 1)
    y, stats = kernels.layer_norm(x, None, None, 1, 0.0)
    dx, dw, db = kernels.layer_norm_backward(dy, x, None, stats, 1, True)
    slack = 1e3 * np.finfo(dtype).eps
    np.testing.assert_allclose(dx.sum(1, dtype=float), 0, atol=slack)
    np.testing.assert_allclose((dx.astype(float) * y).sum(1), 0, atol=slack)
    np.testing.assert_allclose(dw, (dy.astype(float) * y).sum(0), rtol=slack, atol=slack)
    np.testing.assert_allclose(db, dy.sum(0, dtype=float), rtol=slack, atol=slack)


def test_gradient_by_central_differences():
    x, dy = numbers((3, 5), np.float64, 0), numbers((3, 5), np.float64, 1)
    weight, bias = vectors((5,), np.float64, 2, (True, True))
    _, stats = kernels.layer_norm(x, weight, bias, 1, 1e-3)
    found = kernels.layer_norm_backward(dy, x, weight, stats, 1, True)
    arrays = [x, weight, bias]
    for i, gradient in enumerate(found):
        for place in np.ndindex(arrays[i].shape):
            values = []
            for h in (1e-6, -1e-6):
                moved = [a.copy() for a in arrays]
                moved[i][place] += h
                values.append((kernels.layer_norm(*moved, 1, 1e-3)[0] * dy).sum())
            assert abs((values[0] - values[1]) / 2e-6 - gradient[place]) < 1e-7


@pytest.mark.parametrize("shape", [(700, 300), (90_000, 3), (7, 60_000)])
def test_threads_do_not_change_a_bit(shape):
    x, dy = numbers(shape, np.float32, 0), numbers((2, *shape), np.float32, 1)
    weight, bias = vectors(shape[1:], np.float32, 2, (True, True))
    before, results = mg.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            mg.set_num_threads(threads)
            y, stats = kernels.layer_norm(x, weight, bias, 1, 1e-5)
            results.append((y, *kernels.layer_norm_backward(dy, x, weight, stats, 1, True)))
    finally:
        mg.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


# Special values and what is refused --------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n", [6, 21, 64])
def test_nan_and_inf_stay_in_their_row(bad, n):
    x, dy = numbers((9, n), np.float32, 0), numbers((9, n), np.float32, 1)
    clean, stats = kernels.layer_norm(x, None, None, 1, 1e-5)
    clean_dx, *_ = kernels.layer_norm_backward(dy, x, None, stats, 1, True)
    x[2, 5] = bad
    y, stats = kernels.layer_norm(x, None, None, 1, 1e-5)
    dx, *_ = kernels.layer_norm_backward(dy, x, None, stats, 1, True)
    others = np.arange(9) != 2
    assert np.isnan(y[2]).all() and np.isnan(dx[2]).all()
    np.testing.assert_array_equal(y[others], clean[others])
    np.testing.assert_array_equal(dx[others], clean_dx[others])


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 1e4])
def test_constant_rows_become_the_bias(value):
    x = np.full((3, 40), value, np.float32)
    y, (mean, s) = kernels.layer_norm(x, None, np.ones(40, np.float32), 1, 1e-5)
    np.testing.assert_allclose(y, 1, atol=1e-6)
    np.testing.assert_allclose(mean, np.float32(value), rtol=1e-12)
    np.testing.assert_allclose(s, 1e-5**-0.5, rtol=1e-9)


def test_sums_over_no_rows_are_zero():
    x = np.zeros((0, 4), np.float32)
    _, stats = kernels.layer_norm(x, None, None, 1, 1e-5)
    dx, dw, db = kernels.layer_norm_backward(
        np.zeros((3, 0, 4), np.float32), x, None, stats, 1, True
    )
    assert dx.shape == (3, 0, 4)
    np.testing.assert_array_equal(dw, np.zeros((3, 4)))
    np.testing.assert_array_equal(db, np.zeros((3, 4)))


@pytest.mark.parametrize(
    "x, weight, bias, axes, match",
    [
        (np.zeros((2, 3)), np.ones(2), None, 1, "weight must have shape"),
        (np.zeros((2, 3)), np.ones(3), np.ones((1, 3)), 1, "bias must have shape"),
        (np.zeros((2, 3)), None, None, 3, "cannot normalise 3 axes"),
        (np.zeros((2, 3)), None, None, 0, "cannot normalise 0 axes"),
    ],
)
def test_wrong_shapes_are_refused(x, weight, bias, axes, match):
    with pytest.raises(ValueError, match=match):
        kernels.layer_norm(x, weight, bias, axes, 1e-5)


@pytest.mark.parametrize("dy, stats", [((3, 2), (2, 2)), ((2, 3), (2, 3)), ((3,), (2, 2))])
def test_cotangent_or_statistics_of_another_shape_are_refused(dy, stats):
    with pytest.raises(ValueError, match="dy must have"):
        kernels.layer_norm_backward(np.zeros(dy), np.zeros((2, 3)), None, np.zeros(stats), 1, True)
