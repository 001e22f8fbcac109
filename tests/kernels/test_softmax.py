"""Softmax, log-softmax, cross-entropy: compiled ↔ NumPy, against longdouble, special rows."""

import threading

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import kernels
from minigrad.kernels import reference

ROWWISE = ["softmax", "log_softmax"]
BACKWARD = ["softmax_backward", "log_softmax_backward"]

dtypes = st.sampled_from([np.float32, np.float64])
seeds = st.integers(0, 2**32 - 1)
columns = st.sampled_from(
    [1, 2, 3, 7, 8, 9, 10, 15, 16, 17, 31, 33, 64, 100, 130, 260, 530, 1030, 2100]
)


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
    loss, dx, total = kernels.cross_entropy(x, *options, reduction, True)
    want, want_dx, want_total = reference.cross_entropy(x, *options, reduction, True)
    check(loss, want, dtype, 30, size=max(rows, 1))
    check(dx, want_dx, dtype, 30, size=8)
    assert abs(total - want_total) <= 1e-5 * rows
    alone, nothing, _ = kernels.cross_entropy(x, *options, reduction, False)
    np.testing.assert_array_equal(alone, loss)
    assert nothing is None


@given(rows=st.integers(0, 40), n=columns, dtype=dtypes, seed=seeds, by_row=st.booleans())
def test_scaling_is_the_reference(rows, n, dtype, seed, by_row):
    dx, dy = logits((rows, n), dtype, seed), logits((rows,) if by_row else (), dtype, seed + 1)
    targets = labels(rows, n, dtype, seed, False)[0]
    dx[targets == -100] = 0
    for factor in (dy, np.ones_like(dy), np.full_like(dy, np.inf)):
        want = reference.cross_entropy_scale_(dx.copy(), factor, targets, -100)
        got = dx.copy()
        assert kernels.cross_entropy_scale_(got, factor, targets, -100) is got
        np.testing.assert_array_equal(got, want)
        assert not got[targets == -100].any()


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
    loss, dx, total = kernels.cross_entropy(x, targets, weight, -100, 0.1, "none", True)
    scaled = kernels.cross_entropy_scale_(dx.copy(), dy, targets, -100)
    for t in (targets, apart(targets), targets.astype(kind), apart(targets.astype(kind))):
        for w in (weight, apart(weight)):
            got, got_dx, got_total = kernels.cross_entropy(apart(x), t, w, -100, 0.1, "none", True)
            check(got, loss, dtype, 30)
            check(got_dx, dx, dtype, 30, size=8)
            assert got_total == total
        np.testing.assert_array_equal(
            kernels.cross_entropy_scale_(apart(dx), apart(dy), t, -100), scaled
        )


@pytest.mark.parametrize("ignored", [0, 3, 6, -1, -(2**63), 2**63 - 1])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_any_integer_may_be_the_ignored_one(ignored, smoothing):
    x = logits((9, 7), np.float64, 0)
    targets = np.array([ignored, 1, 2, ignored, 4, 5, 1, 2, ignored])
    kept = targets != ignored
    loss, dx, total = kernels.cross_entropy(x, targets, None, ignored, smoothing, "none", True)
    want, want_dx, count = kernels.cross_entropy(
        x[kept], targets[kept], None, -100, smoothing, "none", True
    )
    assert total == count == kept.sum()
    assert not loss[~kept].any() and not dx[~kept].any()
    check(loss[kept], want, np.float64, 8)
    check(dx[kept], want_dx, np.float64, 8)


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
    loss, dx, _ = kernels.cross_entropy(x, targets, None, -100, 0.0, "none", True)
    np.testing.assert_allclose(loss, -log_p[np.arange(50), targets], rtol=4 * eps, atol=8 * eps)
    p[np.arange(50), targets] -= 1
    assert np.all(np.abs(dx - p) <= slack * np.abs(p) + 4 * eps * (p < 0) + 4 * tiny * eps)


def test_large_common_shift_changes_nothing():
    x = np.random.default_rng(0).integers(-8, 8, (20, 30)).astype(np.float32)
    targets = np.arange(20)
    results = []
    for shift in (0, 10000):
        y = (x + shift).astype(np.float32)
        loss, dx, _ = kernels.cross_entropy(y, targets, None, -100, 0.1, "none", True)
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
    dx = kernels.cross_entropy(x, *options, "mean", True)[1]
    for place in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[place] = 1e-6
        up, down = (
            kernels.cross_entropy(x + s, *options, "mean", False)[0] for s in (step, -step)
        )
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
    loss, dx, _ = kernels.cross_entropy(x, targets, None, -100, 0.0, "none", True)
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
        loss, dx, total = kernels.cross_entropy(x, targets, None, -100, 0.0, "mean", True)
        assert np.isnan(loss) and total == 0
        assert kernels.cross_entropy(x, targets, None, -100, 0.0, "sum", False)[0] == 0
        np.testing.assert_array_equal(dx, np.zeros_like(x))


@pytest.mark.parametrize("bad", [10, -1, 2**40, -101])
@pytest.mark.parametrize("module", [kernels, reference])
def test_targets_out_of_range_are_refused(bad, module):
    x, targets = np.zeros((5, 10), np.float32), np.array([0, 9, -100, bad, 3])
    message = rf"targets must be integers in \[0, 10\), got {bad} at index 3"
    with pytest.raises(IndexError, match=message):
        module.cross_entropy(x, targets, None, -100, 0.0, "mean", True)


def test_targets_that_change_meanwhile_reach_no_memory():
    """What was checked is what is used: another thread may write while the kernel runs."""
    x = np.zeros((4096, 40), np.float32)
    targets, stop = np.zeros(4096, int), threading.Event()

    def spoil():
        while not stop.is_set():
            targets[2048:] = 2**40
            targets[2048:] = 0

    thread = threading.Thread(target=spoil)
    thread.start()
    try:
        for _ in range(300):
            try:
                loss, dx, _ = kernels.cross_entropy(x, targets, None, -100, 0.0, "sum", True)
            except IndexError:
                continue
            assert abs(loss - 4096 * np.log(40)) < 1e-2
            np.testing.assert_allclose(dx[:, 0], -39 / 40, rtol=1e-5)
    finally:
        stop.set()
        thread.join()


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
        kernels.cross_entropy(x, targets, weight, -100, 0.0, "mean", False)


@pytest.mark.parametrize("module", [kernels, reference])
def test_scaling_refuses_shapes_that_do_not_fit(module):
    dx, targets = np.zeros((3, 4)), np.zeros(3, int)
    for arguments in (
        (dx, np.zeros(4), targets),
        (dx, np.zeros((3, 1)), targets),
        (dx, np.zeros(()), targets[:2]),
        (dx[0], np.zeros(()), targets),
    ):
        with pytest.raises(ValueError, match="cross_entropy_scale_"):
            module.cross_entropy_scale_(*arguments, -100)


def test_no_classes():
    assert kernels.softmax(np.zeros((3, 0))).shape == (3, 0)
    assert kernels.log_softmax(np.zeros((0, 3), np.float32)).shape == (0, 3)
    none = np.zeros(0, int)
    assert kernels.cross_entropy(np.zeros((0, 0)), none, None, -100, 0.1, "sum", True)[0] == 0
    with pytest.raises(IndexError, match="got 0 at index 0"):
        kernels.cross_entropy(np.zeros((1, 0)), np.zeros(1, int), None, -100, 0.0, "sum", True)
    ignored = np.full(2, -100)
    loss = kernels.cross_entropy(np.zeros((2, 0)), ignored, None, -100, 0.0, "none", True)[0]
    np.testing.assert_array_equal(loss, np.zeros(2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5000, 10), (1000, 100), (600, 255), (200, 1000), (7, 9001)])
def test_every_number_of_threads_gives_the_same_bits(shape, dtype):
    x, before = logits(shape, dtype, 0), mg.get_num_threads()
    dy, targets = logits(shape, dtype, 1), np.arange(shape[0]) % shape[1]
    results = []
    try:
        for count in (1, 2, 3):
            mg.set_num_threads(count)
            y, log_y = kernels.softmax(x), kernels.log_softmax(x)
            loss, dx, _ = kernels.cross_entropy(x, targets, None, -100, 0.0, "mean", True)
            scaled = kernels.cross_entropy_scale_(dx.copy(), dy[:, 0].copy(), targets, -100)
            back = kernels.softmax_backward(dy, y), kernels.log_softmax_backward(dy, log_y)
            results.append((y, log_y, loss, dx, scaled, *back))
    finally:
        mg.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
