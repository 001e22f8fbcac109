"""The matrix product: compiled against NumPy in all shapes and layouts, within the error bound."""

import threading

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import minigrad
from minigrad import kernels
from minigrad.errors import ShapeError
from minigrad.kernels import reference

DTYPES = [np.float32, np.float64]
dtypes = st.sampled_from(DTYPES)
seeds = st.integers(0, 2**32 - 1)
# Around the sizes of tiles (4, 6, 12 rows; 8 … 32 columns) and past them.
lengths = st.one_of(st.integers(0, 5), st.integers(0, 70), st.sampled_from([95, 97, 128, 200]))


def matrices(shape, dtype, seed, layout):
    """Random matrices (..., rows, columns) whose memory is laid out in one of many ways."""
    *batch, m, n = shape
    chance = np.random.default_rng(seed)
    if layout == "transposed":
        return chance.standard_normal((*batch, n, m)).astype(dtype).swapaxes(-1, -2)
    if layout == "strided":
        return chance.standard_normal((*batch, 2 * m, 3 * n)).astype(dtype)[..., ::2, ::3]
    if layout == "reversed":
        return chance.standard_normal(shape).astype(dtype)[..., ::-1, ::-1]
    if layout == "padded":
        return chance.standard_normal((*batch, m, n + 3)).astype(dtype)[..., :n]
    if layout == "one row":
        return np.broadcast_to(chance.standard_normal((*batch, 1, n)).astype(dtype), shape)
    if layout == "one column":
        return np.broadcast_to(chance.standard_normal((*batch, m, 1)).astype(dtype), shape)
    if layout == "swapped batch" and batch:
        rolled = chance.standard_normal((*batch[::-1], m, n)).astype(dtype)
        return rolled.transpose(*range(len(batch))[::-1], -2, -1)
    return chance.standard_normal(shape).astype(dtype)


layouts = st.sampled_from(
    ["plain", "transposed", "strided", "reversed", "padded", "one row", "one column"]
    + ["swapped batch"]
)


def check(a, b, bias=None, relu=False):
    """Compare with a wider product, within k eps |a| |b|: the bound that any order obeys."""
    c = kernels.matmul(a, b, bias, relu)
    wide = np.longdouble if a.size * b.shape[-1] < 1e5 else np.float64
    want = np.matmul(a.astype(wide), b.astype(wide))
    size = np.matmul(np.abs(a).astype(wide), np.abs(b).astype(wide))
    if bias is not None:
        want, size = want + bias, size + np.abs(bias)
    if relu:
        want = np.maximum(want, 0)
    assert type(c) is np.ndarray and c.dtype == a.dtype and c.flags.c_contiguous
    assert c.flags.writeable and c.flags.owndata
    assert c.shape == want.shape == reference.matmul(a, b, bias, relu).shape
    assert (np.abs(c - want) <= (a.shape[-1] + 2) * np.finfo(a.dtype).eps * size).all()


@given(lengths, lengths, lengths, layouts, layouts, dtypes, seeds, st.booleans(), st.booleans())
@example(1, 0, 1, "plain", "plain", np.float32, 0, True, True)
@example(3, 0, 5, "plain", "transposed", np.float32, 0, True, False)
@example(1, 50, 300, "plain", "plain", np.float32, 0, True, True)
@example(2, 50, 300, "plain", "plain", np.float64, 0, True, True)
@example(300, 50, 1, "plain", "plain", np.float64, 0, True, True)
@example(300, 50, 1, "transposed", "plain", np.float32, 0, True, True)
@example(1, 70, 33, "strided", "transposed", np.float32, 0, True, True)
def test_product_is_within_the_error_bound(m, k, n, of_a, of_b, dtype, seed, biased, relu):
    a = matrices((m, k), dtype, seed, of_a)
    b = matrices((k, n), dtype, seed + 1, of_b)
    bias = matrices((1, n), dtype, seed + 2, "plain")[0] if biased else None
    check(a, b, bias, relu)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize(
    "size", [(13, 800, 1100), (400, 20, 1030), (97, 390, 40), (230, 790, 33), (1, 900, 1500)]
)
def test_products_larger_than_the_blocks(size, turned, dtype):
    m, k, n = size
    layout = ["plain", "transposed"]
    a = matrices((m, k), dtype, 0, layout[turned[0]])
    b = matrices((k, n), dtype, 1, layout[turned[1]])
    check(a, b, np.linspace(-1, 1, n).astype(dtype), True)


@st.composite
def batches(draw):
    """Two batch shapes that broadcast."""
    full = draw(st.lists(st.integers(0, 4), max_size=4))
    pair = []
    for _ in range(2):
        kept = full[draw(st.integers(0, len(full))) :]
        pair.append([draw(st.sampled_from([n, 1])) for n in kept])
    return pair


small = st.integers(0, 14)


@given(batches(), small, small, small, layouts, layouts, dtypes, seeds, st.booleans())
@example(([3, 5], []), 4, 6, 8, "plain", "transposed", np.float32, 0, True)
@example(([3, 5], [1, 1]), 1, 6, 8, "swapped batch", "strided", np.float32, 0, True)
@example(([], [3, 5]), 4, 6, 1, "plain", "plain", np.float32, 0, True)
def test_batches_broadcast(pair, m, k, n, of_a, of_b, dtype, seed, biased):
    a = matrices((*pair[0], m, k), dtype, seed, of_a)
    b = matrices((*pair[1], k, n), dtype, seed + 1, of_b)
    bias = matrices((1, n), dtype, seed + 2, "plain")[0] if biased else None
    check(a, b, bias, biased)


def test_repeated_and_overlapping_operands():
    window = np.lib.stride_tricks.sliding_window_view
    x = np.arange(60, dtype=np.float32)
    check(window(x, 20), window(x, 41).T[:20])
    check(np.broadcast_to(x[:20].reshape(4, 5), (3, 2, 4, 5)), x[:30].reshape(2, 5, 3))
    a = x[:36].reshape(6, 6)
    check(a, a.T)
    check(a[:, :0], a[:0])


def test_every_strange_array_gets_the_right_product():
    a = np.arange(12.0).reshape(3, 4)
    b = np.arange(20.0).reshape(4, 5)
    want = a @ b
    fields = np.zeros((3, 4), [("x", "f8"), ("tag", "i2")])
    fields["x"] = a
    frozen = a.copy()
    frozen.flags.writeable = False
    for same in (fields["x"], a.astype(">f8"), frozen, a.view(np.ndarray)[:]):
        np.testing.assert_array_equal(kernels.matmul(same, b), want)
    for kind in (np.int64, np.int32, np.uint8):
        c = kernels.matmul(a.astype(kind), b.astype(kind))
        assert c.dtype == kind
        np.testing.assert_array_equal(c, a.astype(kind) @ b.astype(kind))
    mixed = kernels.matmul(a.astype(np.float32), b)
    assert mixed.dtype == np.float64 and (mixed == want).all()
    every_other = np.arange(10.0)[::2]
    np.testing.assert_array_equal(kernels.matmul(a, b, every_other), want + every_other)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(1, 40, 1), (1, 40, 50), (2, 40, 50), (30, 40, 1), (30, 40, 50)])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_inf_go_where_numpy_sends_them(size, bad, dtype):
    m, k, n = size
    for layout in ("plain", "transposed"):
        for i, j in ((0, 0), (-1, -1), (m // 2, k // 2)):
            a, b = matrices((m, k), dtype, 0, layout), matrices((k, n), dtype, 1, layout)
            a[i, j] = bad
            b[j, 0] = 0
            c, want = kernels.matmul(a, b), reference.matmul(a, b)
            np.testing.assert_array_equal(np.isfinite(c), np.isfinite(want))
            np.testing.assert_array_equal(np.isnan(c), np.isnan(want))
            assert (c[np.isinf(c)] == want[np.isinf(c)]).all()
            rectified = kernels.matmul(a, b, np.zeros(n, dtype), True)
            np.testing.assert_array_equal(np.isnan(rectified), np.isnan(want))


@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_outside_the_operands_is_read_or_written(dtype):
    """NaN all round the operands must stay outside, whatever vectors are loaded at the edges."""
    for m, k, n in [(1, 5, 3), (2, 9, 17), (13, 3, 33), (7, 20, 7), (25, 31, 65)]:
        frame = np.full((m + k + 2, k + n + 40), np.nan, dtype)
        frame[1 : m + 1, 1 : k + 1] = 1
        frame[m + 1 : m + k + 1, 20 : n + 20] = 1
        a, b = frame[1 : m + 1, 1 : k + 1], frame[m + 1 : m + k + 1, 20 : n + 20]
        np.testing.assert_array_equal(kernels.matmul(a, b), np.full((m, n), k, dtype))
        turned = kernels.matmul(b.T, a.T)
        np.testing.assert_array_equal(turned, np.full((n, m), k, dtype))


def test_the_order_of_sums_does_not_depend_on_the_batch():
    a = matrices((6, 8, 16), np.float32, 0, "plain")
    b = matrices((16, 32), np.float32, 1, "plain")
    each = np.stack([kernels.matmul(x, b) for x in a])
    np.testing.assert_array_equal(kernels.matmul(a, b), each)


def test_threads_do_not_share_the_panels():
    a = matrices((150, 400), np.float32, 0, "plain")
    others = [matrices((400, 300), np.float32, seed, "transposed") for seed in range(4)]
    want = [kernels.matmul(a, b) for b in others]
    wrong = []

    def work(i):
        for _ in range(20):
            if not np.array_equal(kernels.matmul(a, others[i]), want[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((300, 500), (500, 260)),  # blocks of rows
        ((60, 800), (800, 1100)),  # several blocks of columns and of k
        ((7, 900), (900, 1001)),  # pieces of columns
        ((1, 900), (900, 5000)),
        ((2000, 900), (900, 1)),
        ((41, 30, 50), (41, 50, 70)),  # pieces of the batch
        ((5, 1, 64, 64), (7, 64, 64)),
        ((2, 200, 300), (2, 300, 150)),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_any_number_of_threads_gives_the_same_bits(a, b, turned, dtype):
    layout = "transposed" if turned else "plain"
    a, b = matrices(a, dtype, 0, layout), matrices(b, dtype, 1, layout)
    bias = np.linspace(-1, 1, b.shape[-1]).astype(dtype)
    before = minigrad.get_num_threads()
    try:
        minigrad.set_num_threads(1)
        want = kernels.matmul(a, b, bias, True)
        for threads in (2, 3, 8):
            minigrad.set_num_threads(threads)
            for _ in range(3):
                np.testing.assert_array_equal(kernels.matmul(a, b, bias, True), want)
    finally:
        minigrad.set_num_threads(before)
    check(a, b, bias, True)


@pytest.mark.parametrize(
    ("a", "b", "bias", "message"),
    [
        ((2, 3), (4, 5), None, r"\(2, 3\) and \(4, 5\) do not match: 3 columns against 4 rows"),
        ((3,), (3, 2), None, r"expected \(..., m, k\) and \(..., k, n\), got shapes \(3,\)"),
        ((2, 2, 3), (4, 3, 2), None, r"the batches \(2,\) and \(4,\) do not broadcast"),
        ((2, 3), (3, 2), (3,), r"expected a bias of shape \(2,\), one a column, got \(3,\)"),
        ((0, 3), (4, 0), None, "3 columns against 4 rows"),
    ],
)
def test_errors_name_the_shapes(a, b, bias, message):
    with pytest.raises(ShapeError, match="matmul: .*" + message):
        kernels.matmul(np.ones(a), np.ones(b), None if bias is None else np.ones(bias))


@pytest.mark.parametrize(
    "shape", [(12, 50000, 100), (12, 50000, 40), (1, 60000, 90), (90, 700, 90)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_long_sums_into_few_columns_with_threads(shape, dtype):
    m, k, n = shape
    chance = np.random.default_rng(0)
    a, b = (
        chance.standard_normal((m, k)).astype(dtype),
        chance.standard_normal((k, n)).astype(dtype),
    )
    before = minigrad.get_num_threads()
    try:
        minigrad.set_num_threads(1)
        expected = kernels.matmul(a, b)
        minigrad.set_num_threads(2)
        assert np.array_equal(kernels.matmul(a, b), expected)
    finally:
        minigrad.set_num_threads(before)
    wide = a.astype(np.float64) @ b.astype(np.float64)
    assert np.allclose(expected, wide, atol=k * np.finfo(dtype).eps)
