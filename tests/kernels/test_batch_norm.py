"""Batch norm: compiled ↔ NumPy over layouts and tiles, accuracy, invariants, special values."""

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
channels = st.sampled_from([1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 130])
trailing = st.sampled_from([(), (1,), (2,), (5,), (16,), (17,), (3, 7), (33, 4), (0,)])


def numbers(shape, dtype, seed, mean=0.0):
    return (mean + np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


def vectors(c, dtype, seed, given):
    rng = np.random.default_rng(seed)
    return tuple(rng.standard_normal(c).astype(dtype) if given else None for _ in range(2))


def check(y, want, dtype, ulps, size=1.0):
    """y is want within `ulps` of |want| + size, NaN in the same places."""
    assert type(y) is np.ndarray and y.flags.c_contiguous and y.flags.writeable
    assert y.dtype == dtype and y.shape == want.shape
    slack = ulps * np.finfo(dtype).eps
    np.testing.assert_allclose(y, want, rtol=slack, atol=slack * size)


@given(
    n=st.integers(0, 70),
    c=channels,
    rest=trailing,
    dtype=dtypes,
    seed=seeds,
    affine=st.booleans(),
    mean=st.sampled_from([0.0, 10.0, -300.0]),
    order=st.sampled_from("CF"),
)
def test_forward_is_the_reference(n, c, rest, dtype, seed, affine, mean, order):
    x = np.asarray(numbers((n, c, *rest), dtype, seed, mean), order=order)
    weight, bias = vectors(c, dtype, seed, affine)
    before = x.copy()
    y, *found = kernels.batch_norm(x, weight, bias, None, None, 1e-5)
    want, *exact = reference.batch_norm(x, weight, bias, None, None, 1e-5)
    count = x.size // c
    # Few elements may lie so close together that x̂ magnifies what the mean rounds off.
    check(y, want, dtype, 16 if dtype == np.float32 else 4e4, 4)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(found[0], exact[0], rtol=1e-12, atol=8 * eps)
    if count > 1:
        np.testing.assert_allclose(found[1], exact[1], rtol=64 * eps, atol=1e-20)
    fixed, *_ = kernels.batch_norm(x, weight, bias, *exact, 1e-5)
    check(fixed, want, dtype, 16, 4)
    np.testing.assert_array_equal(x, before)


@given(
    batch=hnp.array_shapes(min_dims=0, max_dims=2, max_side=3),
    n=st.integers(0, 70),
    c=channels,
    rest=trailing,
    dtype=dtypes,
    seed=seeds,
    affine=st.booleans(),
    training=st.booleans(),
)
def test_backward_is_the_reference(batch, n, c, rest, dtype, seed, affine, training):
    x = numbers((n, c, *rest), dtype, seed, 3.0)
    weight, _ = vectors(c, dtype, seed, affine)
    dy = numbers((*batch, *x.shape), dtype, seed + 1)
    _, mean, var = reference.batch_norm(x, None, None, None, None, 1e-5)
    options = (weight, mean, var, 1e-3, training)
    got = kernels.batch_norm_backward(dy, x, *options)
    want = reference.batch_norm_backward(dy, x, *options)
    count = max(x.size // c, 1)
    for name, a, b in zip(("dx", "dw", "db"), got, want, strict=True):
        assert a.shape == (dy.shape if name == "dx" else (*batch, c))
        check(a, b, dtype, 200 if name == "dx" else 16 + count**0.5, 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(40, 17), (6, 9, 21)])
def test_strided_arrays_are_read_as_their_numbers(dtype, shape):
    x, dy = numbers(shape, dtype, 0, 3.0), numbers((2, *shape), dtype, 1)
    weight, bias = vectors(shape[1], dtype, 2, True)

    def apart(a):
        wide = np.full([2 * n for n in a.shape], 77, a.dtype)
        view = wide[(slice(None, None, 2),) * a.ndim]
        view[...] = a
        return view

    y, mean, var = kernels.batch_norm(x, weight, bias, None, None, 1e-5)
    want = kernels.batch_norm_backward(dy, x, weight, mean, var, 1e-5, True)
    for w, b in ((weight, bias), (apart(weight), apart(bias))):
        check(kernels.batch_norm(apart(x), w, b, None, None, 1e-5)[0], y, dtype, 16, 4)
        fixed = kernels.batch_norm(apart(x), w, b, apart(mean), apart(var), 1e-5)[0]
        check(fixed, y, dtype, 16, 4)
    for w, m, v in ((weight, mean, var), (apart(weight), apart(mean), apart(var))):
        got = kernels.batch_norm_backward(apart(dy), apart(x), w, m, v, 1e-5, True)
        for a, b in zip(got, want, strict=True):
            check(a, b, dtype, 200, 4)
    assert want[1].shape == want[2].shape == (2, shape[1])


@given(c=st.integers(0, 40), dtype=dtypes, seed=seeds, step=st.sampled_from([1, 2]))
def test_running_statistics_move_in_place(c, dtype, seed, step):
    running, batch = numbers(step * c, dtype, seed)[::step], numbers(c, np.float64, seed + 1)
    want, before = running.copy(), batch.copy()
    reference.move_statistics(want, batch, 0.1, 1.25)
    assert kernels.move_statistics(running, batch, 0.1, 1.25) is None
    check(running.copy(), want, dtype, 2)
    np.testing.assert_array_equal(batch, before)


def test_running_statistics_of_another_size_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        kernels.move_statistics(np.zeros(3), np.zeros(1), 0.1, 1.0)


# Accuracy and invariants -------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4096, 20), (70, 20), (40, 3, 13, 13), (3, 2, 5000)])
def test_variance_of_a_large_mean_is_not_lost(shape):
    x = (1e4 + 1e-2 * np.random.default_rng(0).standard_normal(shape)).astype(np.float32)
    axes = (0, *range(2, x.ndim))
    y, mean, var = kernels.batch_norm(x, None, None, None, None, 1e-5)
    exact = x.astype(np.longdouble).var(axes)
    np.testing.assert_allclose(var, exact, rtol=1e-5)
    np.testing.assert_allclose(mean, x.astype(np.longdouble).mean(axes), rtol=1e-11)
    np.testing.assert_allclose(y.astype(float).mean(axes), 0, atol=1e-5)
    np.testing.assert_allclose(y.astype(float).var(axes), exact / (exact + 1e-5), rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(50, 17), (9, 3, 20)])
def test_gradient_is_orthogonal_to_constants_and_to_the_output(dtype, shape):
    x, dy = numbers(shape, dtype, 0, 2.0), numbers(shape, dtype, 1)
    axes = (0, *range(2, x.ndim))
    y, mean, var = kernels.batch_norm(x, None, None, None, None, 0.0)
    dx, dw, db = kernels.batch_norm_backward(dy, x, None, mean, var, 0.0, True)
    slack = 1e3 * np.finfo(dtype).eps
    np.testing.assert_allclose(dx.sum(axes, dtype=float), 0, atol=slack)
    np.testing.assert_allclose((dx.astype(float) * y).sum(axes), 0, atol=slack)
    np.testing.assert_allclose(dw, (dy.astype(float) * y).sum(axes), rtol=slack, atol=slack)
    np.testing.assert_allclose(db, dy.sum(axes, dtype=float), rtol=slack, atol=slack)


@pytest.mark.parametrize("training", [True, False])
def test_gradient_by_central_differences(training):
    x, dy = numbers((5, 3, 2), np.float64, 0), numbers((5, 3, 2), np.float64, 1)
    weight, bias = vectors(3, np.float64, 2, True)
    fixed = (np.array([0.1, 0.2, 0.3]), np.array([1.0, 2.0, 0.5]))
    y, mean, var = kernels.batch_norm(
        x, weight, bias, *((None, None) if training else fixed), 1e-3
    )
    dx, dw, db = kernels.batch_norm_backward(dy, x, weight, mean, var, 1e-3, training)

    def value(x, weight, bias):
        given = (None, None) if training else fixed
        return (kernels.batch_norm(x, weight, bias, *given, 1e-3)[0] * dy).sum()

    arrays = [x, weight, bias]
    for i, gradient in enumerate((dx, dw, db)):
        for place in np.ndindex(arrays[i].shape):
            values = []
            for h in (1e-6, -1e-6):
                moved = [a.copy() for a in arrays]
                moved[i][place] += h
                values.append(value(*moved))
            assert abs((values[0] - values[1]) / 2e-6 - gradient[place]) < 1e-7


@pytest.mark.skipif(kernels.level == "reference", reason="the NumPy kernels have no threads")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape", [(256, 300), (9000, 33), (2, 3000, 17), (3, 2, 300, 301), (8, 64, 28, 28)]
)
def test_threads_do_not_change_a_bit(shape, dtype):
    x, dy = numbers(shape, dtype, 0, 2.0), numbers(shape, dtype, 1)
    weight, bias = vectors(shape[1], dtype, 2, True)

    def run():
        y, mean, var = kernels.batch_norm(x, weight, bias, None, None, 1e-5)
        return y, mean, var, *kernels.batch_norm_backward(dy, x, weight, mean, var, 1e-5, True)

    threads = mg.get_num_threads()
    try:
        mg.set_num_threads(1)
        alone = run()
        for count in (2, 3):
            mg.set_num_threads(count)
            for a, b in zip(run(), alone, strict=True):
                np.testing.assert_array_equal(a, b)
    finally:
        mg.set_num_threads(threads)


@given(
    rest=st.sampled_from([(), (7,), (50,)]),
    dtype=dtypes,
    seed=seeds,
    jump=st.sampled_from([1.0, 1e2, 1e4]),
    first=st.integers(1, 300),
)
def test_variance_survives_a_mean_that_jumps(rest, dtype, seed, jump, first):
    """The shift is taken from the first elements; here they are unlike all others."""
    x = np.random.default_rng(seed).standard_normal((1200, 5, *rest))
    x[:first] += jump
    x = x.astype(dtype)
    axes = (0, *range(2, x.ndim))
    _, mean, var = kernels.batch_norm(x, None, None, None, None, 1e-5)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(var, x.astype(np.longdouble).var(axes), rtol=64 * eps)
    exact = x.astype(np.longdouble).mean(axes)
    np.testing.assert_allclose(mean, exact, rtol=16 * eps, atol=8 * eps * jump**0.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5000, 256), (3, 7, 300, 256), (40, 64, 24, 24)])
def test_large_arrays_are_written_whole(shape, dtype):
    """From 4 MB on arrays are written past the caches, in chunks."""
    x, dy = numbers(shape, dtype, 0, 2.0), numbers(shape, dtype, 1)
    weight, bias = vectors(shape[1], dtype, 2, True)
    y, mean, var = kernels.batch_norm(x, weight, bias, None, None, 1e-5)
    check(y, reference.batch_norm(x, weight, bias, None, None, 1e-5)[0], dtype, 256, 4)
    got = kernels.batch_norm_backward(dy, x, weight, mean, var, 1e-5, True)
    want = reference.batch_norm_backward(dy, x, weight, mean, var, 1e-5, True)
    count = x.size // shape[1]
    for a, b in zip(got, want, strict=True):
        check(a, b, dtype, 64, count**0.5)  # NumPy adds up columns one by one


# Special values and what is refused --------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("shape", [(6, 21), (6, 21, 3)])
def test_nan_and_inf_stay_in_their_channel(bad, shape):
    x, dy = numbers(shape, np.float32, 0), numbers(shape, np.float32, 1)
    clean, mean, var = kernels.batch_norm(x, None, None, None, None, 1e-5)
    clean_dx, *_ = kernels.batch_norm_backward(dy, x, None, mean, var, 1e-5, True)
    x[2, 5] = bad
    y, mean, var = kernels.batch_norm(x, None, None, None, None, 1e-5)
    dx, *_ = kernels.batch_norm_backward(dy, x, None, mean, var, 1e-5, True)
    others = np.arange(21) != 5
    assert np.isnan(y[:, 5]).all() and np.isnan(dx[:, 5]).all()
    np.testing.assert_array_equal(y[:, others], clean[:, others])
    np.testing.assert_array_equal(dx[:, others], clean_dx[:, others])


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 1e4])
def test_constant_channels_become_the_bias(value):
    x = np.full((40, 3), value, np.float32)
    y, mean, var = kernels.batch_norm(x, None, np.ones(3, np.float32), None, None, 1e-5)
    np.testing.assert_allclose(y, 1, atol=1e-6)
    np.testing.assert_allclose(mean, np.float32(value), rtol=1e-12)
    np.testing.assert_allclose(var, 0, atol=1e-20)


@pytest.mark.parametrize(
    "x, weight, mean, match",
    [
        (np.zeros(3), None, None, "expected"),
        (np.zeros((2, 3)), np.ones(2), None, "weight"),
        (np.zeros((2, 3)), None, np.ones(4), "mean"),
    ],
)
def test_wrong_shapes_are_refused(x, weight, mean, match):
    with pytest.raises(ValueError, match=match):
        kernels.batch_norm(x, weight, None, mean, mean, 1e-5)


def test_cotangent_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="dy must have"):
        kernels.batch_norm_backward(
            np.zeros((3, 2)), np.zeros((2, 3)), None, np.zeros(3), np.ones(3), 1e-5, True
        )
