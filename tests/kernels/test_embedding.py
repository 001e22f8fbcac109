"""Embedding: compiled ↔ NumPy, to the last bit, for any number of threads; what is refused."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import kernels
from minigrad.kernels import reference

dtypes = st.sampled_from([np.float32, np.float64])
kinds = st.sampled_from([np.int64, np.int32, np.uint8])
seeds = st.integers(0, 2**32 - 1)
batches = hnp.array_shapes(min_dims=0, max_dims=2, max_side=3)
positions = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)
widths = st.sampled_from([0, 1, 3, 8, 16, 17, 40])


def same(y, want, dtype):
    assert type(y) is np.ndarray and y.flags.c_contiguous and y.flags.writeable
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, want)


@given(
    batch=batches,
    rows=st.integers(1, 6),
    n=widths,
    shape=positions,
    dtype=dtypes,
    kind=kinds,
    skip=st.integers(-1, 5),
    order=st.sampled_from("CF"),
    seed=seeds,
)
def test_kernels_are_the_reference(batch, rows, n, shape, dtype, kind, skip, order, seed):
    rng = np.random.default_rng(seed)
    index = np.asarray(rng.integers(0, rows, shape), kind, order=order)
    w = np.asarray(rng.standard_normal((*batch, rows, n)).astype(dtype), order=order)
    y = kernels.embedding(w, index, skip)
    same(y, reference.embedding(w, index, skip), dtype)
    dy = np.asarray(rng.standard_normal(y.shape).astype(dtype), order=order)
    dw = kernels.embedding_backward(dy, index, rows, skip)
    assert dw.shape == w.shape
    same(dw, reference.embedding_backward(dy, index, rows, skip), dtype)


def test_rows_are_picked_and_added_by_the_definition():
    w = np.arange(6.0).reshape(3, 2)
    index = np.array([[2, 0], [2, 1]])
    np.testing.assert_array_equal(kernels.embedding(w, index, -1), [[w[2], w[0]], [w[2], w[1]]])
    np.testing.assert_array_equal(kernels.embedding(w, index, 2)[:, 0], 0)
    dw = kernels.embedding_backward(np.ones((2, 2, 5)), index, 4, -1)
    np.testing.assert_array_equal(dw, np.outer([1, 1, 2, 0], np.ones(5)))
    dw = kernels.embedding_backward(np.ones((2, 2, 5)), index, 4, 2)
    np.testing.assert_array_equal(dw, np.outer([1, 1, 0, 0], np.ones(5)))


def test_skipped_rows_do_not_read_their_cotangent():
    dy = np.array([[np.nan, np.inf], [1.0, 2.0]], np.float32)
    dw = kernels.embedding_backward(dy, np.array([0, 1]), 2, 0)
    np.testing.assert_array_equal(dw, [[0, 0], [1, 2]])
    w = np.array([[np.nan], [1.0]], np.float32)
    np.testing.assert_array_equal(kernels.embedding(w, np.array([0, 1]), 0), [[0], [1]])


@pytest.mark.parametrize("shape", [(5000, 300), (3, 100_000), (100_000, 5)])
def test_threads_do_not_change_a_bit(shape):
    rng = np.random.default_rng(0)
    index = rng.integers(0, 11, shape[0])
    w = rng.standard_normal((2, 11, shape[1])).astype(np.float32)
    dy = rng.standard_normal((2, *shape)).astype(np.float32)
    before, results = mg.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            mg.set_num_threads(threads)
            y = kernels.embedding(w, index, 3)
            results.append((y, kernels.embedding_backward(dy, index, 11, 3)))
    finally:
        mg.set_num_threads(before)
    same(results[0][0], reference.embedding(w, index, 3), np.float32)
    same(results[0][1], reference.embedding_backward(dy, index, 11, 3), np.float32)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "index, match",
    [
        (np.array([[0, 1], [4, 2]]), r"embedding: .* \[0, 4\), got 4 at \(1, 0\)"),
        (np.array([0, -1]), r"embedding: .* \[0, 4\), got -1 at \(1,\)"),
        (np.array(-5), r"embedding: .* \[0, 4\), got -5"),
        (np.array([2**62], np.int64), r"embedding: .* got 4611686018427387904"),
    ],
)
def test_numbers_that_are_no_rows_are_refused(index, match):
    with pytest.raises(IndexError, match=match):
        kernels.embedding(np.zeros((4, 3)), index, -1)
    with pytest.raises(IndexError, match=match):
        kernels.embedding_backward(np.zeros((*index.shape, 3)), index, 4, -1)


def test_wrong_shapes_and_dtypes_are_refused():
    with pytest.raises(ValueError, match="expected a table"):
        kernels.embedding(np.zeros(3), np.array([0]), -1)
    with pytest.raises(TypeError, match="indices must be integers"):
        kernels.embedding(np.zeros((3, 2)), np.array([0.0]), -1)
    with pytest.raises(ValueError, match="expected dy"):
        kernels.embedding_backward(np.zeros((3, 2)), np.array([0, 1]), 4, -1)
    with pytest.raises(ValueError, match="expected dy"):
        kernels.embedding_backward(np.zeros(2), np.array([0, 1]), 4, -1)


def test_a_table_without_rows_has_none_to_give():
    w = np.zeros((0, 3))
    assert kernels.embedding(w, np.zeros((0, 2), np.int64), -1).shape == (0, 2, 3)
    with pytest.raises(IndexError, match=r"\[0, 0\)"):
        kernels.embedding(w, np.array([0]), -1)
