"""Pooling: derivatives, batches of cotangents, options, errors, PyTorch."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.errors import DtypeError, ShapeError
from minigrad.ops.adaptive_pool import adaptive_avg_pool1d, adaptive_avg_pool2d
from minigrad.ops.pool import avg_pool2d, max_pool2d
from minigrad.ops.pool1d import avg_pool1d, max_pool1d


@st.composite
def poolings(draw, kind, most=5):
    """(x, options): distinct values, so that no maximum is near a tie."""
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    window = draw(pair)
    options = {"kernel_size": window, "ceil_mode": draw(st.booleans())}
    options["padding"] = tuple(draw(st.integers(0, k // 2)) for k in window)
    if draw(st.booleans()):
        options["stride"] = draw(pair)
    dilation = (1, 1)
    if kind == "max":
        options["dilation"] = dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    else:
        options["count_include_pad"] = draw(st.booleans())
        options["divisor_override"] = draw(st.sampled_from([None, None, 3]))
    size = []
    for k, p, d in zip(window, options["padding"], dilation, strict=True):
        least = max(1, d * (k - 1) + 1 - 2 * p)
        size.append(draw(st.integers(least, max(least, most))))
    batch = draw(st.sampled_from([(), (2,), (0,)]))
    shape = (*batch, draw(st.integers(1, 2)), *size)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.permutation(int(np.prod(shape))).reshape(shape) / 4.0
    return x, options


def both(test):
    """Run a test of (function, case) for both poolings."""
    return pytest.mark.parametrize("kind", ["max", "avg"])(given(st.data())(test))


def draw_case(data, kind, most=5):
    return {"max": max_pool2d, "avg": avg_pool2d}[kind], *data.draw(poolings(kind, most))


@both
def test_derivatives_against_differences(kind, data):
    pool, x, options = draw_case(data, kind, most=4)
    y = pool(mg.tensor(x), **options)
    assume(np.isfinite(y.numpy()).all())  # a dilated window can miss the image
    x = mg.tensor(x, requires_grad=True)
    gradcheck(lambda x: pool(x, **options), x)
    gradgradcheck(lambda x: pool(x * x, **options), x)


@both
def test_batched_cotangents_are_a_loop(kind, data):
    pool, x, options = draw_case(data, kind)
    x = mg.tensor(x, requires_grad=True)
    y = pool(x * x, **options)
    v = np.random.default_rng(0).standard_normal((3, *y.shape))
    at_once = mg.grad(
        y, x, mg.tensor(v), is_grads_batched=True, retain_graph=True, create_graph=True
    )[0]
    looped = [mg.grad(y, x, mg.tensor(row), create_graph=True)[0] for row in v]
    np.testing.assert_allclose(at_once.detach().numpy(), mg.stack(looped).detach().numpy())
    u = np.random.default_rng(1).standard_normal((2, *at_once.shape))
    second = mg.grad(at_once, x, mg.tensor(u), is_grads_batched=True, retain_graph=True)[0]
    expected = mg.grad(mg.stack(looped), x, mg.tensor(u), is_grads_batched=True)[0]
    np.testing.assert_allclose(second.numpy(), expected.numpy(), atol=1e-12)


@both
def test_the_derivative_by_the_cotangent_is_the_pooling(kind, data):
    # vjp is linear in the cotangent, with the pooling's own linear map as its transpose.
    pool, x, options = draw_case(data, kind)
    x = mg.tensor(x, requires_grad=True)
    y = pool(x, **options)
    v = mg.ones(*y.shape, dtype=mg.float64, requires_grad=True)
    (dx,) = mg.grad(y, x, v, create_graph=True)
    (back,) = mg.grad(dx, v, x.detach())
    inside = np.isfinite(y.detach().numpy())
    np.testing.assert_allclose(back.numpy()[inside], y.detach().numpy()[inside], atol=1e-12)


@both
def test_pooling_is_pytorch(kind, data):
    torch = pytest.importorskip("torch")
    pool, x, options = draw_case(data, kind, most=9)
    theirs = getattr(torch.nn.functional, f"{kind}_pool2d")
    a, b = mg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = pool(a, **options), theirs(b, **options)
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), atol=1e-12)
    assume(np.isfinite(y.detach().numpy()).all())  # there PyTorch's gradient goes astray
    (y * y).sum().backward()
    (z * z).sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), atol=1e-11)
    if kind == "max":
        indices = pool(a, **options, return_indices=True)[1]
        wanted = theirs(b, **options, return_indices=True)[1]
        assert indices.dtype == np.int64
        np.testing.assert_array_equal(indices.numpy(), wanted.numpy())


def test_the_first_of_equal_maxima_gets_the_gradient():
    x = mg.ones(1, 2, 4, requires_grad=True)
    max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[1, 0, 1, 0], [0, 0, 0, 0]]]


def test_overlapping_windows_add_their_gradients():
    x = mg.tensor([[[0.0, 9.0, 0.0]]], requires_grad=True)
    max_pool2d(x, (1, 2), 1).sum().backward()
    assert x.grad.tolist() == [[[0, 2, 0]]]


def test_nan_is_the_maximum():
    x = mg.tensor([[[1.0, float("nan")], [3.0, 2.0]]])
    y, indices = max_pool2d(x, 2, return_indices=True)
    assert np.isnan(y.item()) and indices.item() == 1


def test_a_window_beside_the_image_has_no_gradient():
    x = mg.ones(1, 2, 2, requires_grad=True)
    y, indices = max_pool2d(x, 2, padding=1, dilation=3, return_indices=True)
    y.sum().backward()
    assert y.item() == -np.inf and indices.item() == -1
    assert (x.grad.numpy() == 0).all()


def test_the_returned_indices_are_the_users_own():
    x = mg.tensor([[[1.0, 2.0]]], requires_grad=True)
    y, indices = max_pool2d(x, (1, 2), return_indices=True)
    indices.numpy()[:] = 0
    y.sum().backward()
    assert x.grad.tolist() == [[[0, 1]]]


@pytest.mark.parametrize("pool", [max_pool2d, avg_pool2d])
@pytest.mark.parametrize(
    ("shape", "arguments", "error", "message"),
    [
        ((4, 4), {}, ShapeError, r"expected an input \(N, C, H, W\) or \(C, H, W\)"),
        ((1, 2, 3, 4, 4), {}, ShapeError, "expected an input"),
        ((2, 0, 4, 4), {}, ShapeError, "only N may be 0"),
        ((0, 4, 4), {}, ShapeError, "only N may be 0"),
        ((1, 4, 4), {"kernel_size": 0}, ShapeError, "kernel_size must be positive"),
        ((1, 4, 4), {"kernel_size": 2.0}, TypeError, "kernel_size must be one or two integers"),
        ((1, 4, 4), {"kernel_size": (2, 2, 2)}, ShapeError, "one or two integers"),
        ((1, 4, 4), {"stride": 0}, ShapeError, "stride must be positive"),
        ((1, 4, 4), {"padding": 2}, ShapeError, "at most half the kernel size"),
        ((1, 4, 4), {"padding": -1}, ShapeError, "at least 0"),
        ((1, 4, 4), {"kernel_size": 5}, ShapeError, "is too small"),
    ],
)
def test_pools_refuse(pool, shape, arguments, error, message):
    with pytest.raises(error, match=f"{pool.__name__}: .*{message}"):
        pool(mg.zeros(*shape), **{"kernel_size": 2, **arguments})


def test_pools_refuse_what_is_their_own():
    x = mg.zeros(1, 4, 4)
    with pytest.raises(ShapeError, match="max_pool2d: dilation must be positive"):
        max_pool2d(x, 2, dilation=0)
    with pytest.raises(ShapeError, match="avg_pool2d: divisor_override must not be zero"):
        avg_pool2d(x, 2, divisor_override=0)
    with pytest.raises(TypeError, match="divisor_override must be an integer"):
        avg_pool2d(x, 2, divisor_override=0.5)
    with pytest.raises(TypeError, match="max_pool2d: expected a Tensor"):
        max_pool2d(np.zeros((1, 4, 4)), 2)


# one axis -------------------------------------------------------------------------------------


@both
def test_pooling_a_sequence_is_pooling_an_image_one_pixel_high(kind, data):
    pool, x, options = draw_case(data, kind, most=9)
    row = {max_pool2d: max_pool1d, avg_pool2d: avg_pool1d}[pool]
    options = {k: v for k, v in options.items() if k != "divisor_override"}
    of_row = {k: v[1] if isinstance(v, tuple) else v for k, v in options.items()}
    still = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1}
    flat = {k: (still[k], v[1]) if isinstance(v, tuple) else v for k, v in options.items()}
    x = mg.tensor(x[..., :1, :])
    y, z = row(x.squeeze(-2), **of_row), pool(x, **flat)
    np.testing.assert_array_equal(y.numpy(), z.numpy()[..., 0, :])
    if kind == "max":
        places = row(x.squeeze(-2), **of_row, return_indices=True)[1]
        wanted = pool(x, **flat, return_indices=True)[1]
        np.testing.assert_array_equal(places.numpy(), wanted.numpy()[..., 0, :])


@pytest.mark.parametrize("pool", [max_pool1d, avg_pool1d])
@pytest.mark.parametrize(
    ("shape", "arguments", "error", "message"),
    [
        ((4,), {}, ShapeError, r"expected an input \(N, C, L\) or \(C, L\)"),
        ((1, 2, 3, 4), {}, ShapeError, "expected an input"),
        ((2, 0, 4), {}, ShapeError, "only N may be 0"),
        ((1, 4), {"kernel_size": 0}, ShapeError, r"kernel_size must be positive, got \(0,\)"),
        ((1, 4), {"kernel_size": 2.0}, TypeError, "kernel_size must be an integer"),
        ((1, 4), {"kernel_size": (2, 2)}, ShapeError, "kernel_size must be an integer"),
        ((1, 4), {"stride": 0}, ShapeError, "stride must be positive"),
        ((1, 4), {"padding": 2}, ShapeError, "at most half the kernel size"),
        ((1, 4), {"kernel_size": 5}, ShapeError, "is too small"),
    ],
)
def test_pools_of_sequences_refuse(pool, shape, arguments, error, message):
    with pytest.raises(error, match=f"{pool.__name__}: .*{message}"):
        pool(mg.zeros(*shape), **{"kernel_size": 2, **arguments})


# adaptive -------------------------------------------------------------------------------------


def test_adaptive_windows_overlap_where_they_must():
    x = mg.arange(5.0).reshape(1, 5)
    assert adaptive_avg_pool1d(x, 3).tolist() == [[0.5, 2, 3.5]]
    assert adaptive_avg_pool1d(x, 7).tolist() == [[0, 0.5, 1.5, 2, 2.5, 3.5, 4]]
    assert adaptive_avg_pool1d(x, 5).tolist() == x.tolist()


def test_adaptive_sizes_of_none_and_nothing():
    x = mg.ones(2, 3, 4, 5, requires_grad=True)
    assert adaptive_avg_pool2d(x, (None, 2)).shape == (2, 3, 4, 2)
    assert adaptive_avg_pool2d(x, 1).shape == (2, 3, 1, 1)
    empty = adaptive_avg_pool2d(x, (0, 2))
    assert empty.shape == (2, 3, 0, 2)
    empty.sum().backward()
    assert (x.grad.numpy() == 0).all()
    assert adaptive_avg_pool2d(mg.ones(0, 3, 4, 5), 3).shape == (0, 3, 3, 3)
    assert adaptive_avg_pool2d(mg.ones(2, 0, 4, 5), 3).shape == (2, 0, 3, 3)


def test_an_infinity_stays_in_its_windows():
    x = mg.tensor([[1.0, 2.0, np.inf]])
    assert adaptive_avg_pool1d(x, 2).tolist() == [[1.5, np.inf]]


@pytest.mark.parametrize(
    ("shape", "size", "error", "message"),
    [
        ((4, 4), 2, ShapeError, r"expected \(N, C, H, W\)"),
        ((1, 4, 0), 2, ShapeError, "with elements"),
        ((1, 4, 4), -1, ShapeError, "at least 0"),
        ((1, 4, 4), (2,), ShapeError, "two integers"),
        ((1, 4, 4), 2.5, TypeError, "output_size must be one or two integers"),
    ],
)
def test_adaptive_pools_refuse(shape, size, error, message):
    with pytest.raises(error, match=f"adaptive_avg_pool2d: .*{message}"):
        adaptive_avg_pool2d(mg.zeros(*shape), size)


def test_adaptive_pools_of_sequences_refuse():
    with pytest.raises(ShapeError, match=r"adaptive_avg_pool1d: expected \(N, C, L\)"):
        adaptive_avg_pool1d(mg.zeros(4), 2)
    with pytest.raises(TypeError, match="adaptive_avg_pool1d: output_size must be an integer"):
        adaptive_avg_pool1d(mg.zeros(1, 4), None)
    with pytest.raises(DtypeError, match="adaptive_avg_pool1d: expected a floating tensor"):
        adaptive_avg_pool1d(mg.ones(1, 4).long(), 2)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 6), st.integers(1, 6))
def test_adaptive_pooling_is_pytorch(h, w, rows, columns):
    torch = pytest.importorskip("torch")
    a = np.random.default_rng(0).standard_normal((2, 2, h, w))
    x, u = mg.tensor(a, requires_grad=True), torch.tensor(a, requires_grad=True)
    y = adaptive_avg_pool2d(x, (rows, columns))
    v = torch.nn.functional.adaptive_avg_pool2d(u, (rows, columns))
    np.testing.assert_allclose(y.detach().numpy(), v.detach().numpy(), atol=1e-12)
    (y * y).sum().backward()
    (v * v).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), u.grad.numpy(), atol=1e-12)
