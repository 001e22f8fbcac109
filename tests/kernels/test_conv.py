"""Convolution kernels: compiled against reference, reference against loops, and the adjoints."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad
from minigrad import kernels
from minigrad.errors import DtypeError, ShapeError
from minigrad.kernels import reference

# Sums of at most 12 * 6 * 16 products of standard normals, in one order or another.
TOLERANCE = {np.float32: {"rtol": 1e-4, "atol": 1e-4}, np.float64: {"rtol": 1e-11, "atol": 1e-11}}


@st.composite
def convolutions(draw):
    """(x, w, bias, (stride, padding, dilation, groups)), with every option and odd sizes."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    cg, og = draw(st.integers(1, 4)), draw(st.integers(1, 11))
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    kernel, stride, dilation = draw(pair), draw(pair), draw(pair)
    padding = tuple(draw(st.integers(0, 3)) for _ in range(4))
    size = []
    for axis in (0, 1):
        least = dilation[axis] * (kernel[axis] - 1) + 1 - sum(padding[2 * axis : 2 * axis + 2])
        size.append(draw(st.integers(max(1, least), max(1, least) + 12)))
    n = draw(st.integers(0, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    x = rng.standard_normal((n, groups * cg, *size)).astype(dtype)
    w = rng.standard_normal((groups * og, cg, *kernel)).astype(dtype)
    bias = rng.standard_normal(groups * og).astype(dtype) if draw(st.booleans()) else None
    return x, w, bias, (stride, padding, dilation, groups)


def cotangent_for(x, w, options):
    y = reference.conv2d(x, w, None, *options)
    return np.random.default_rng(1).standard_normal(y.shape).astype(y.dtype)


def conv2d_by_loops(x, w, bias, stride, padding, dilation, groups):
    """The definition, pixel by pixel."""
    (top, bottom, left, right), (o, cg, kh, kw) = padding, w.shape
    n, _, h, width = x.shape
    oh = (h + top + bottom - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    ow = (width + left + right - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    y = np.zeros((n, o, oh, ow)) if bias is None else np.tile(bias[:, None, None], (n, 1, oh, ow))
    for b, f, p, q in itertools.product(range(n), range(o), range(oh), range(ow)):
        for c, i, j in itertools.product(range(cg), range(kh), range(kw)):
            row = p * stride[0] + i * dilation[0] - top
            col = q * stride[1] + j * dilation[1] - left
            if 0 <= row < h and 0 <= col < width:
                y[b, f, p, q] += w[f, c, i, j] * x[b, f // (o // groups) * cg + c, row, col]
    return y


def check(actual, expected):
    assert actual.dtype == expected.dtype and actual.shape == expected.shape
    assert actual.flags.c_contiguous
    np.testing.assert_allclose(actual, expected, **TOLERANCE[expected.dtype.type])


@given(convolutions())
def test_conv2d_is_its_reference(case):
    x, w, bias, options = case
    check(kernels.conv2d(x, w, bias, *options), reference.conv2d(x, w, bias, *options))


@given(convolutions())
def test_conv2d_gradients_are_their_references(case):
    x, w, _, options = case
    dy = cotangent_for(x, w, options)
    for name, operand, shape in (
        ("conv2d_input_grad", w, x.shape),
        ("conv2d_weight_grad", x, w.shape),
    ):
        check(
            getattr(kernels, name)(dy, operand, shape, *options),
            getattr(reference, name)(dy, operand, shape, *options),
        )


@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "groups", "bias"),
    [
        ((1, 1), (0, 0, 0, 0), (1, 1), 1, True),
        ((2, 1), (1, 2, 0, 1), (1, 2), 2, False),
        ((3, 2), (0, 1, 3, 2), (2, 1), 1, True),
    ],
)
def test_conv2d_is_its_definition(stride, padding, dilation, groups, bias):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 2, 5, 6)), rng.standard_normal((4, 2 // groups, 2, 3))
    b = rng.standard_normal(4) if bias else None
    expected = conv2d_by_loops(x, w, b, stride, padding, dilation, groups)
    for build in (kernels, reference):
        check(build.conv2d(x, w, b, stride, padding, dilation, groups), expected)


@given(convolutions())
def test_conv2d_gradients_are_adjoints(case):
    # <conv(x, w), dy> = <x, input_grad(dy, w)> = <w, weight_grad(dy, x)>
    x, w, _, options = (a.astype(np.float64) if isinstance(a, np.ndarray) else a for a in case)
    dy = cotangent_for(x, w, options)
    value = np.vdot(kernels.conv2d(x, w, None, *options), dy)
    dx = kernels.conv2d_input_grad(dy, w, x.shape, *options)
    dw = kernels.conv2d_weight_grad(dy, x, w.shape, *options)
    np.testing.assert_allclose(np.vdot(x, dx), value, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(np.vdot(w, dw), value, rtol=1e-9, atol=1e-9)


WAYS = {  # x, w, stride, padding, groups: what takes each of the ways through the kernels
    "end to end": ((411, 5, 6, 5), (9, 5, 3, 3), 1, 1, 1),
    "bands": ((2, 3, 61, 47), (20, 3, 5, 3), 1, 2, 1),
    "bands of phases": ((2, 3, 93, 81), (18, 3, 5, 3), 2, 1, 1),
    "bands without taps": ((1, 4, 75, 91), (7, 4, 2, 1), 3, 1, 1),
    "gathered": ((19, 16, 7, 7), (40, 16, 3, 3), 1, 1, 1),
    "gathered, one image": ((1, 70, 14, 13), (50, 70, 3, 3), 1, 1, 1),
    "gathered, in groups": ((5, 48, 7, 9), (102, 16, 3, 3), 1, 1, 3),
    "transposed": ((9, 17, 11, 10), (51, 17, 3, 3), 1, 1, 1),
    "transposed bands": ((1, 22, 40, 37), (33, 22, 2, 2), 2, 0, 1),
    "depthwise": ((43, 24, 23, 21), (24, 1, 3, 3), 1, 1, 24),
    "1 x 1": ((3, 70, 15, 15), (36, 70, 1, 1), 1, 0, 1),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("way", WAYS)
def test_conv2d_is_its_reference_on_any_number_of_threads(way, dtype):
    x, w, stride, padding, groups = WAYS[way]
    options = ((stride, stride), (padding, padding, padding, 0), (1, 1), groups)
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(x).astype(dtype), rng.standard_normal(w).astype(dtype)
    bias = rng.standard_normal(len(w)).astype(dtype)
    dy = cotangent_for(x, w, options)
    slack = 30 * np.finfo(dtype).eps
    for name, args in (
        ("conv2d", (x, w, bias)),
        ("conv2d_input_grad", (dy, w, x.shape)),
        ("conv2d_weight_grad", (dy, x, w.shape)),
    ):
        before = minigrad.get_num_threads()
        results = []
        try:
            for threads in (1, 3):
                minigrad.set_num_threads(threads)
                results.append(getattr(kernels, name)(*args, *options))
        finally:
            minigrad.set_num_threads(before)
        expected = getattr(reference, name)(*args, *options)
        np.testing.assert_array_equal(*results)
        atol = slack * np.abs(expected).max() * 10
        np.testing.assert_allclose(results[0], expected, rtol=slack, atol=atol)


def test_conv2d_takes_strided_and_swapped_arrays():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((7, 8, 3, 4)), rng.standard_normal((5, 3, 2, 2))
    options = ((1, 1), (0, 0, 0, 0), (1, 1), 1)
    x = x.transpose(1, 2, 0, 3)[::2]
    expected = reference.conv2d(x, w, None, *options)
    check(kernels.conv2d(x, w, None, *options), expected)
    np.testing.assert_allclose(kernels.conv2d(x.astype(">f8"), w, None, *options), expected)


def test_conv2d_without_channels_is_the_bias():
    x, w, bias = np.zeros((2, 0, 3, 3)), np.zeros((2, 0, 2, 2)), np.array([1.0, 2.0])
    y = kernels.conv2d(x, w, bias, (1, 1), (0, 0, 0, 0), (1, 1), 1)
    assert (y == bias[:, None, None]).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("operand", ["x", "w", "dy"])
def test_conv2d_keeps_a_value_that_is_not_finite_where_it_belongs(value, operand):
    rng = np.random.default_rng(0)
    options = ((1, 1), (1, 1, 1, 1), (1, 1), 1)
    arrays = {
        "x": rng.standard_normal((2, 2, 5, 6)),
        "w": rng.standard_normal((3, 2, 3, 3)),
        "dy": rng.standard_normal((2, 3, 5, 6)),
    }
    arrays[operand][1, 1, 0, 0] = value
    x, w, dy = arrays["x"], arrays["w"], arrays["dy"]
    for name, args in (
        ("conv2d", (x, w, None)),
        ("conv2d_input_grad", (dy, w, x.shape)),
        ("conv2d_weight_grad", (dy, x, w.shape)),
    ):
        check(getattr(kernels, name)(*args, *options), getattr(reference, name)(*args, *options))


BAD = {
    "3 axes": ({"x": (3, 4, 4)}, "expected an input"),
    "channels": ({"x": (2, 4, 4, 4)}, "expects an input of 3 channels, got 4"),
    "groups of inputs": ({"groups": 2}, "expects an input of 6 channels"),
    "groups of outputs": ({"x": (2, 9, 4, 4), "groups": 3}, "must divide the 4 output channels"),
    "no groups": ({"groups": 0}, "groups must be positive"),
    "stride": ({"stride": (1, 0)}, "stride must be positive"),
    "dilation": ({"dilation": (-1, 1)}, "dilation must be positive"),
    "padding": ({"padding": (0, 0, -1, 0)}, "at least 0"),
    "kernel": ({"w": (4, 3, 5, 3)}, "larger than the padded input"),
    "reach": ({"dilation": (2, 1)}, "larger than the padded input"),
    "far reach": ({"dilation": (2**40, 2**40)}, "larger than the padded input"),
    "no weight": ({"w": (4, 3, 0, 3)}, "without elements"),
    "no pixels": ({"x": (2, 3, 0, 4), "padding": (2, 2, 2, 2)}, "without pixels"),
    "bias": ({"bias": (3,)}, r"expects a bias of shape \(4,\), got \(3,\)"),
}


@pytest.mark.parametrize("build", [kernels, reference], ids=["kernels", "reference"])
@pytest.mark.parametrize("case", BAD)
def test_conv2d_refuses(build, case):
    changes, message = BAD[case]
    given = {"x": (2, 3, 4, 4), "w": (4, 3, 3, 3), "stride": (1, 1), "padding": (0, 0, 0, 0)}
    given |= {"dilation": (1, 1), "groups": 1, **changes}
    x, w = np.ones(given["x"]), np.ones(given["w"])
    bias = np.ones(given["bias"]) if "bias" in given else None
    options = given["stride"], given["padding"], given["dilation"], given["groups"]
    with pytest.raises(ShapeError, match=f"conv2d: .*{message}"):
        build.conv2d(x, w, bias, *options)
    if bias is None:
        dy = np.ones((2, 4, 2, 2))
        with pytest.raises(ShapeError, match=message):
            build.conv2d_input_grad(dy, w, x.shape, *options)
        with pytest.raises(ShapeError, match=message):
            build.conv2d_weight_grad(dy, x, w.shape, *options)


@pytest.mark.parametrize("build", [kernels, reference], ids=["kernels", "reference"])
def test_conv2d_gradients_refuse_a_cotangent_of_another_shape(build):
    x, w, dy = np.ones((2, 3, 4, 4)), np.ones((4, 3, 3, 3)), np.ones((2, 4, 2, 3))
    options = ((1, 1), (0, 0, 0, 0), (1, 1), 1)
    with pytest.raises(ShapeError, match=r"expected dy of shape \(2, 4, 2, 2\)"):
        build.conv2d_input_grad(dy, w, x.shape, *options)
    with pytest.raises(ShapeError, match=r"expected dy of shape \(2, 4, 2, 2\)"):
        build.conv2d_weight_grad(dy, x, w.shape, *options)


@pytest.mark.parametrize("build", [kernels, reference], ids=["kernels", "reference"])
def test_conv2d_refuses_two_dtypes(build):
    x, w = np.ones((2, 3, 4, 4)), np.ones((4, 3, 3, 3), np.float32)
    with pytest.raises(DtypeError, match="conv2d: dtypes must be equal, got float64 and float32"):
        build.conv2d(x, w, None, (1, 1), (0, 0, 0, 0), (1, 1), 1)
