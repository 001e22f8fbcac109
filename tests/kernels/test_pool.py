"""Pooling kernels: compiled against reference, reference against loops, and the adjoints."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad
from minigrad import kernels
from minigrad.errors import ShapeError
from minigrad.kernels import reference

BUILDS = pytest.mark.parametrize("build", [kernels, reference], ids=["kernels", "reference"])
LEADS = st.sampled_from([(), (2,), (2, 3), (0, 2), (2, 1, 2)])


@st.composite
def poolings(draw, dilated=True):
    """(x, window, stride, padding, dilation, ceil_mode), with at least one window."""
    pair = st.tuples(st.integers(1, 4), st.integers(1, 4))
    window, stride = draw(pair), draw(pair)
    dilation = draw(pair) if dilated else (1, 1)
    padding = tuple(draw(st.integers(0, k // 2)) for k in window)
    size = []
    for k, p, d in zip(window, padding, dilation, strict=True):
        least = max(1, d * (k - 1) + 1 - 2 * p)
        size.append(draw(st.integers(least, least + 9)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.standard_normal((*draw(LEADS), *size)).astype(draw(st.sampled_from("fd")))
    kind = draw(st.sampled_from(["plain", "ties", "nan", "-inf"]))
    if kind == "ties":
        x = x.round()
    elif kind != "plain":
        x[x > 0.5] = float(kind)
    return x, window, stride, padding, dilation, draw(st.booleans())


@given(poolings())
def test_max_pool2d_is_its_reference(case):
    for actual, expected in zip(
        kernels.max_pool2d(*case), reference.max_pool2d(*case), strict=True
    ):
        assert actual.dtype == expected.dtype and actual.flags.c_contiguous
        np.testing.assert_array_equal(actual, expected)


@given(poolings())
def test_max_pool2d_picks_the_first_maximum_and_the_last_nan(case):
    x, window, stride, padding, dilation, ceil_mode = case
    y, indices = kernels.max_pool2d(x, window, stride, padding, dilation, ceil_mode)
    for *lead, p, q in np.ndindex(y.shape):
        best, place = -np.inf, -1
        for i, j in np.ndindex(window):
            row = p * stride[0] - padding[0] + i * dilation[0]
            col = q * stride[1] - padding[1] + j * dilation[1]
            if 0 <= row < x.shape[-2] and 0 <= col < x.shape[-1]:
                value = x[(*lead, row, col)]
                if place < 0 or value > best or np.isnan(value):
                    best, place = value, row * x.shape[-1] + col
        assert indices[(*lead, p, q)] == place
        np.testing.assert_equal(y[(*lead, p, q)], best)


@given(poolings(), st.sampled_from([(), (3,), (2, 2)]))
def test_max_pool2d_grad_and_take_are_their_references_and_adjoints(case, repeats):
    x, *options = case
    size = x.shape[-2:]
    _, indices = kernels.max_pool2d(x, *options)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((*repeats, *x.shape))
    dy = rng.standard_normal((*repeats, *indices.shape))
    dx, y = kernels.max_pool2d_grad(dy, indices, size), kernels.max_pool2d_take(x, indices)
    np.testing.assert_allclose(dx, reference.max_pool2d_grad(dy, indices, size), rtol=1e-12)
    np.testing.assert_array_equal(y, reference.max_pool2d_take(x, indices))
    np.testing.assert_allclose(np.vdot(x, dx), np.vdot(y, dy), rtol=1e-10, atol=1e-10)


@given(poolings(dilated=False), st.booleans(), st.sampled_from([None, None, 3, -2]))
def test_avg_pool2d_is_its_reference_and_adjoint(case, count_include_pad, divisor):
    x, window, stride, padding, _, ceil_mode = case
    x = np.random.default_rng(0).standard_normal(x.shape).astype(x.dtype)
    options = (window, stride, padding, ceil_mode, count_include_pad, divisor)
    y = kernels.avg_pool2d(x, *options)
    tolerance = {"rtol": 1e-5, "atol": 1e-6} if x.dtype == np.float32 else {"rtol": 1e-12}
    np.testing.assert_allclose(y, reference.avg_pool2d(x, *options), **tolerance)
    dy = np.random.default_rng(1).standard_normal(y.shape).astype(x.dtype)
    dx = kernels.avg_pool2d_grad(dy, x.shape[-2:], *options)
    tolerance = {"rtol": 1e-5, "atol": 1e-6} if x.dtype == np.float32 else {"atol": 1e-13}
    np.testing.assert_allclose(
        dx, reference.avg_pool2d_grad(dy, x.shape[-2:], *options), **tolerance
    )
    np.testing.assert_allclose(np.vdot(x, dx), np.vdot(y, dy), rtol=1e-3, atol=1e-4)


@BUILDS
def test_avg_pool2d_divides_by_what_the_options_say(build):
    x = np.ones((1, 3, 3))
    options = ((2, 2), (2, 2), (1, 1), True)
    # Windows at -1, 1 (and 3 is beyond): 1, 2 or 4 pixels of a window of 4.
    np.testing.assert_array_equal(
        build.avg_pool2d(x, *options, True, None), [[[0.25, 0.5], [0.5, 1.0]]]
    )
    assert (build.avg_pool2d(x, *options, False, None) == 1).all()
    np.testing.assert_array_equal(
        build.avg_pool2d(x, *options, True, 8), [[[1, 2], [2, 4]]] / np.float64(8)
    )


@BUILDS
def test_avg_pool2d_sums_a_large_plane_in_float32(build):
    x = np.full((1, 1000, 1000), 0.1, np.float32)
    y = build.avg_pool2d(x, (1000, 1000), (1, 1), (0, 0), False, True, None)
    np.testing.assert_allclose(y, np.float32(0.1), rtol=1e-6)


@BUILDS
@pytest.mark.parametrize(
    ("window", "stride", "padding", "dilation", "message"),
    [
        ((0, 2), (1, 1), (0, 0), (1, 1), "kernel_size must be positive"),
        ((2, 2), (1, 0), (0, 0), (1, 1), "stride must be positive"),
        ((2, 2), (1, 1), (0, 0), (0, 1), "dilation must be positive"),
        ((2, 2), (1, 1), (2, 0), (1, 1), "at most half the kernel size"),
        ((2, 2), (1, 1), (-1, 0), (1, 1), "at least 0"),
        ((2, 6), (1, 1), (0, 0), (1, 1), r"input \(3, 4, 5\) is too small"),
        ((2, 2), (1, 1), (0, 0), (2**40, 1), "too small"),
    ],
)
def test_pools_refuse(build, window, stride, padding, dilation, message):
    x = np.ones((3, 4, 5))
    with pytest.raises(ShapeError, match=f"max_pool2d: .*{message}"):
        build.max_pool2d(x, window, stride, padding, dilation, False)
    if dilation == (1, 1):
        with pytest.raises(ShapeError, match=f"avg_pool2d: .*{message}"):
            build.avg_pool2d(x, window, stride, padding, False, True, None)
        with pytest.raises(ShapeError, match=message):
            build.avg_pool2d_grad(x, (4, 5), window, stride, padding, False, True, None)


@BUILDS
def test_avg_pool2d_refuses_a_divisor_of_zero_and_a_cotangent_of_another_shape(build):
    x = np.ones((3, 4, 4))
    with pytest.raises(ShapeError, match="divisor_override must not be zero"):
        build.avg_pool2d(x, (2, 2), (2, 2), (0, 0), False, True, 0)
    with pytest.raises(ShapeError, match=r"expected dy \(\.\.\., 2, 2\), got \(3, 4, 4\)"):
        build.avg_pool2d_grad(x, (4, 4), (2, 2), (2, 2), (0, 0), False, True, None)


@BUILDS
@pytest.mark.parametrize("place", [4, -2, 2**62, -(2**62)])
def test_indices_out_of_the_image_are_refused(build, place):
    indices = np.array([[[place]]])
    with pytest.raises(ShapeError, match=r"indices must lie in \[0, 4\)"):
        build.max_pool2d_grad(np.ones((1, 1, 1)), indices, (2, 2))
    with pytest.raises(ShapeError, match=r"indices must lie in \[0, 4\)"):
        build.max_pool2d_take(np.ones((1, 2, 2)), indices)


@BUILDS
def test_indices_of_other_planes_are_refused(build):
    indices = np.zeros((2, 1, 1), np.int64)
    with pytest.raises(ShapeError, match="do not fit"):
        build.max_pool2d_grad(np.ones((3, 1, 1)), indices, (2, 2))
    with pytest.raises(ShapeError, match="do not fit"):
        build.max_pool2d_take(np.ones((3, 2, 2)), indices)


@pytest.mark.parametrize("window", [(2, 2), (3, 2), (19, 17)], ids=str)
def test_pooling_is_its_reference_on_any_number_of_threads(window):
    x = np.random.default_rng(0).standard_normal((9, 31, 19, 17)).astype(np.float32)
    options = window, window, (window[0] // 2, 0)
    y, indices = reference.max_pool2d(x, *options, (1, 1), False)
    mean = *options, False, False, None
    for threads in (1, 3):
        before = minigrad.get_num_threads()
        minigrad.set_num_threads(threads)
        try:
            for got, expected in zip(
                kernels.max_pool2d(x, *options, (1, 1), False), (y, indices), strict=True
            ):
                np.testing.assert_array_equal(got, expected)
            np.testing.assert_allclose(
                kernels.max_pool2d_grad(y, indices, x.shape[-2:]),
                reference.max_pool2d_grad(y, indices, x.shape[-2:]),
                rtol=1e-6,
            )
            np.testing.assert_array_equal(kernels.max_pool2d_take(x, indices), y)
            np.testing.assert_allclose(
                kernels.avg_pool2d(x, *mean), reference.avg_pool2d(x, *mean), rtol=1e-4, atol=1e-6
            )
            np.testing.assert_allclose(
                kernels.avg_pool2d_grad(y, x.shape[-2:], *mean),
                reference.avg_pool2d_grad(y, x.shape[-2:], *mean),
                rtol=1e-4,
                atol=1e-6,
            )
        finally:
            minigrad.set_num_threads(before)


def test_an_index_outside_of_the_image_is_an_error_on_any_thread():
    indices = np.zeros((9, 31, 19, 17), np.int64)
    indices[-1, -1, -1, -1] = 19 * 17
    with pytest.raises((ShapeError, IndexError)):
        kernels.max_pool2d_grad(np.ones(indices.shape), indices, (19, 17))
