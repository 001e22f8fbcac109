"""Softmax, log-softmax, cross-entropy: compiled ↔ NumPy, against longdouble, special rows."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import kernels
from minigrad.kernels import reference

ROWWISE = ["softmax", "log_softmax"]
BACKWARD = ["softmax_backward", "log_softmax_backward"]

dtypes = st.sampled_from([np.float32, np.float64])
seeds = st.integers(0, 2**32 - 1)
columns = st.sampled_from([1, 2, 3, 7, 8, 9, 10, 15, 16, 17, 31, 33, 64, 100, 1030])


def logits(shape, dtype, seed, spread=3.0):
    return (spread * np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


def labels(rows, n, dtype, seed, weighted):
    """Targets, some of them -100, and weights or None."""
    rng = np.random.default_rng(seed)
    targets = np.where(rng.random(rows) < 0.2, -100, rng.integers(0, n, rows))
    return targets, rng.random(n).astype(dtype) if weighted else None


def check(y, want, dtype, ulps, size=1.0):
    """y is want within `ulps` of the larger of |want| and `size`, NaN in the same places."""
    assert type(y) is np.ndarray and y.flags.c_contiguous and y.flags.writeable
    assert y.dtype == dtype and y.shape == want.shape
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(y, want, rtol=ulps * eps, atol=ulps * eps * size)


@pytest.mark.parametrize("name", ROWWISE)
@given(
    lead=hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=20),
    n=columns,
    dtype=dtypes,
    seed=seeds,
    spread=st.sampled_from([0.1, 3.0, 1e3]),
    order=st.sampled_from("CF"),
)
def test_rows_are_the_reference(name, lead, n, dtype, seed, spread, order):
    x = np.asarray(logits((*lead, n), dtype, seed, spread), order=order)
    before = x.copy()
    y, want = getattr(kernels, name)(x), getattr(reference, name)(x)
    check(y, want, dtype, 8, size=1 if name == "log_softmax" else 1e-30)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("name", BACKWARD)
@given(
    batch=hnp.array_shapes(min_dims=0, max_dims=1, max_side=3),
    rows=st.integers(0, 20),
    n=columns,
    dtype=dtypes,
    seed=seeds,
)
def test_backward_is_the_reference(name, batch, rows, n, dtype, seed):
    y = getattr(reference, name.removesuffix("_backward"))(logits((rows, n), dtype, seed))
    dy = logits((*batch, rows, n), dtype, seed + 1)
    dx, want = getattr(kernels, name)(dy, y), getattr(reference, name)(dy, y)
    check(dx, want, dtype, 8, size=np.sqrt(n) * 3)


@pytest.mark.parametrize("name", BACKWARD)
@pytest.mark.parametrize("dy_shape, y_shape", [((5,), (4, 5)), ((2, 1, 5), (4, 5)), ((5,), (5,))])
def test_backward_broadcasts(name, dy_shape, y_shape):
    y = reference.log_softmax(logits(y_shape, np.float64, 0))
    dy = logits(dy_shape, np.float64, 1)
    check(getattr(kernels, name)(dy, y), getattr(reference, name)(dy, y), np.float64, 8)


@given(
    rows=st.integers(0, 40),
    n=columns,
    dtype=dtypes,
    seed=seeds,
    weighted=st.booleans(),
    smoothing=st.sampled_from([0.0, 0.1, 1.0]),
    reduction=st.sampled_from(["none", "mean", "sum"]),
)
def test_cross_entropy_is_the_reference(rows, n, dtype, seed, weighted, smoothing, reduction):
    x = logits((rows, n), dtype, seed)
    targets, weight = labels(rows, n, dtype, seed, weighted)
    options = (targets, weight, -100, smoothing)
    loss, stats, total = kernels.cross_entropy(x, *options, reduction)
    want, want_stats, want_total = reference.cross_entropy(x, *options, reduction)
    check(loss, want, dtype, 30, size=max(rows, 1))
    check(stats, want_stats, dtype, 30)
    assert abs(total - want_total) <= 1e-5 * rows
    for dy in (logits((), dtype, 1), logits((rows,), dtype, 2)):
        dx = kernels.cross_entropy_backward(dy, x, want_stats, *options, 0.5)
        want = reference.cross_entropy_backward(dy, x, want_stats, *options, 0.5)
        check(dx, want, dtype, 30, size=8)


def apart(a):
    """The numbers of `a`, with ones between them in memory (a valid class, too)."""
    wide = np.ones([2 * n for n in a.shape], a.dtype)
    view = wide[(slice(None, None, 2),) * a.ndim]
    view[...] = a
    return view


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [np.int8, np.int32, np.int64, np.uint64, ">i8"])
def test_cross_entropy_of_strided_arrays_and_any_integers(dtype, kind):
    x, dy = logits((9, 7), dtype, 0), logits((9,), dtype, 1)
    targets, weight = np.arange(9) % 7, np.arange(7).astype(dtype)
    loss, stats, total = kernels.cross_entropy(x, targets, weight, -100, 0.1, "none")
    dx = kernels.cross_entropy_backward(dy, x, stats, targets, weight, -100, 0.1, 0.5)
    options = (apart(targets.astype(kind)), apart(weight), -100, 0.1)
    got, got_stats, got_total = kernels.cross_entropy(apart(x), *options, "none")
    check(got, loss, dtype, 30)
    check(got_stats, stats, dtype, 30)
    assert got_total == total
    got = kernels.cross_entropy_backward(apart(dy), apart(x), apart(stats), *options, 0.5)
    check(got, dx, dtype, 30, size=8)
    for other in (targets, apart(targets), targets.astype(kind)):
        options = (other, weight, -100, 0.1)
        check(kernels.cross_entropy(apart(x), *options, "none")[0], loss, dtype, 30)
        got = kernels.cross_entropy_backward(apart(dy), apart(x), apart(stats), *options, 0.5)
        check(got, dx, dtype, 30, size=8)


@pytest.mark.parametrize("ignored", [0, 3, 6, -1, -(2**63), 2**63 - 1])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_any_integer_may_be_the_ignored_one(ignored, smoothing):
    x = logits((9, 7), np.float64, 0)
    targets = np.array([ignored, 1, 2, ignored, 4, 5, 1, 2, ignored])
    kept = targets != ignored
    loss, stats, total = kernels.cross_entropy(x, targets, None, ignored, smoothing, "none")
    options = (targets[kept], None, -100, smoothing)
    want, want_stats, count = kernels.cross_entropy(x[kept], *options, "none")
    assert total == count == kept.sum()
    assert not loss[~kept].any()
    check(loss[kept], want, np.float64, 8)
    dx = kernels.cross_entropy_backward(
        np.ones(()), x, stats, targets, None, ignored, smoothing, 1.0
    )
    want = kernels.cross_entropy_backward(np.ones(()), x[kept], want_stats, *options, 1.0)
    assert not dx[~kept].any()
    check(dx[kept], want, np.float64, 8)


# Accuracy, and against formulas of their own -----------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [10, 100, 5000])
@pytest.mark.parametrize("spread", [1.0, 30.0, 1e4])
def test_error_is_a_few_ulp(dtype, n, spread):
    x = logits((50, n), dtype, 0, spread)
    wide = x.astype(np.longdouble)
    gap = wide - wide.max(-1, keepdims=True)
    p = np.exp(gap) / np.exp(gap).sum(-1, keepdims=True)
    log_p = gap - np.log(np.exp(gap).sum(-1, keepdims=True))
    eps = np.finfo(dtype).eps
    # exp magnifies what x - max rounds off by its size, at most 104 before float32 reaches 0
    slack = 4 * eps + np.minimum(-gap, 750) * eps
    y, tiny = kernels.softmax(x), np.finfo(dtype).tiny
    assert np.all(np.abs(y - p) <= slack * p + 4 * tiny * eps)
    np.testing.assert_allclose(kernels.log_softmax(x), log_p, rtol=4 * eps, atol=8 * eps)
    targets = np.arange(50) % n
    loss = kernels.cross_entropy(x, targets, None, -100, 0.0, "none")[0]
    np.testing.assert_allclose(loss, -log_p[np.arange(50), targets], rtol=4 * eps, atol=8 * eps)


def test_large_common_shift_changes_nothing():
    x = np.random.default_rng(0).integers(-8, 8, (20, 30)).astype(np.float32)
    targets, g = np.arange(20), np.ones((), np.float32)
    results = []
    for shift in (0, 10000):
        y = (x + shift).astype(np.float32)
        loss, stats, _ = kernels.cross_entropy(y, targets, None, -100, 0.1, "none")
        dx = kernels.cross_entropy_backward(g, y, stats, targets, None, -100, 0.1, 1.0)
        results.append((kernels.softmax(y), kernels.log_softmax(y), loss, dx))
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_softmax_sums_to_one():
    for n in (1, 5, 16, 1000, 100003):
        for dtype in (np.float32, np.float64):
            y = kernels.softmax(logits((3, n), dtype, n))
            slack = 4 * np.finfo(dtype).eps
            np.testing.assert_allclose(y.sum(-1, dtype=np.longdouble), 1, atol=slack)


def test_gradient_of_cross_entropy_by_central_differences():
    x = logits((6, 5), np.float64, 0, 1.0)
    targets, weight = np.array([0, 4, -100, 2, 2, 1]), np.array([0.5, 2.0, 1.0, 0.0, 3.0])
    options = (targets, weight, -100, 0.2)
    loss, stats, total = kernels.cross_entropy(x, *options, "mean")
    dx = kernels.cross_entropy_backward(np.ones(()), x, stats, *options, 1 / total)
    for place in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-6
        up, down = (kernels.cross_entropy(x + s, *options, "mean")[0] for s in (step, -step))
        assert abs((up - down) / 2e-6 - dx[place]) < 1e-8


# Special values and what is refused --------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [3, 16, 40])
@pytest.mark.parametrize("place", [0, -1])
def test_rows_of_nan_and_infinities(dtype, n, place):
    x = np.zeros((5, n), dtype)
    x[0] = -np.inf
    x[1, place] = np.inf
    x[2, place] = np.nan
    x[3, place] = -np.inf
    targets = np.zeros(5, int)
    loss, stats, _ = kernels.cross_entropy(x, targets, None, -100, 0.0, "none")
    dx = kernels.cross_entropy_backward(
        np.ones((), dtype), x, stats, targets, None, -100, 0.0, 1.0
    )
    for y in (kernels.softmax(x), kernels.log_softmax(x), dx):
        assert np.isnan(y[:3]).all()
        assert not np.isnan(y[3:]).any()
    assert np.isnan(loss[:3]).all() and not np.isnan(loss[3:]).any()
    assert kernels.softmax(x)[3, place] == 0
    assert kernels.log_softmax(x)[3, place] == -np.inf
    assert (loss[3] == np.inf) == (place == 0)


def test_a_strange_row_leaves_its_neighbours_alone():
    x = logits((9, 5), np.float32, 0)
    clean = kernels.softmax(x)
    x[3] = np.nan
    y = kernels.softmax(x)
    np.testing.assert_array_equal(np.delete(y, 3, 0), np.delete(clean, 3, 0))


def test_empty_batch_and_all_ignored_have_mean_nan():
    for rows in (0, 3):
        x, targets = np.zeros((rows, 4), np.float32), np.full(rows, -100)
        loss, stats, total = kernels.cross_entropy(x, targets, None, -100, 0.0, "mean")
        assert np.isnan(loss) and total == 0
        assert kernels.cross_entropy(x, targets, None, -100, 0.0, "sum")[0] == 0
        dx = kernels.cross_entropy_backward(
            np.ones((), np.float32), x, stats, targets, None, -100, 0.0, np.inf
        )
        np.testing.assert_array_equal(dx, np.zeros_like(x))


@pytest.mark.parametrize("bad", [10, -1, 2**40, -101])
@pytest.mark.parametrize("module", [kernels, reference])
def test_targets_out_of_range_are_refused(bad, module):
    x, targets = np.zeros((5, 10), np.float32), np.array([0, 9, -100, bad, 3])
    message = rf"targets must be integers in \[0, 10\), got {bad} at index 3"
    with pytest.raises(IndexError, match=message):
        module.cross_entropy(x, targets, None, -100, 0.0, "mean")
    with pytest.raises(IndexError, match=message):
        module.cross_entropy_backward(
            np.ones((), np.float32), x, np.ones((5, 2), np.float32), targets, None, -100, 0.0, 1.0
        )


@pytest.mark.parametrize(
    "x, targets, weight, error",
    [
        (np.zeros((3, 4)), np.zeros(2, int), None, ValueError),
        (np.zeros(4), np.zeros(1, int), None, ValueError),
        (np.zeros((3, 4)), np.zeros(3), None, TypeError),
        (np.zeros((3, 4)), np.zeros(3, int), np.ones(3), ValueError),
    ],
)
def test_wrong_shapes_and_dtypes_are_refused(x, targets, weight, error):
    with pytest.raises(error, match="cross_entropy"):
        kernels.cross_entropy(x, targets, weight, -100, 0.0, "mean")


def test_no_classes():
    assert kernels.softmax(np.zeros((3, 0))).shape == (3, 0)
    assert kernels.log_softmax(np.zeros((0, 3), np.float32)).shape == (0, 3)
    none = np.zeros(0, int)
    assert kernels.cross_entropy(np.zeros((0, 0)), none, None, -100, 0.1, "sum")[0] == 0
    with pytest.raises(IndexError, match="got 0 at index 0"):
        kernels.cross_entropy(np.zeros((1, 0)), np.zeros(1, int), None, -100, 0.0, "sum")
