"""Convolutions: derivatives of every order, batches of cotangents, options, errors, PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.errors import DtypeError, ShapeError
from minigrad.ops.conv import conv1d, conv2d
from minigrad.ops.conv_transpose import conv_transpose1d, conv_transpose2d


@st.composite
def convolutions(draw, most=5):
    """(x, w, bias, options) with x, w, bias arrays; float64, a few elements each."""
    groups = draw(st.sampled_from([1, 1, 2]))
    pair = st.tuples(st.integers(1, 2), st.integers(1, 2))
    kernel, dilation = draw(st.tuples(st.integers(1, 3), st.integers(1, 3))), draw(pair)
    if draw(st.booleans()):
        options = {"padding": draw(st.sampled_from(["same", "valid"]))}
    else:
        options = {"padding": draw(pair), "stride": draw(pair)}
    size = [
        draw(st.integers(d * (k - 1) + 1, max(most, d * (k - 1) + 1)))
        for d, k in zip(dilation, kernel, strict=True)
    ]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cg, og, n = draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(0, 2))
    batch = (n,) if draw(st.booleans()) else ()
    x = rng.standard_normal((*batch, groups * cg, *size))
    w = rng.standard_normal((groups * og, cg, *kernel))
    bias = rng.standard_normal(groups * og) if draw(st.booleans()) else None
    return x, w, bias, {**options, "dilation": dilation, "groups": groups}


def leaves(*arrays):
    return [None if a is None else mg.tensor(a, requires_grad=True) for a in arrays]


@given(convolutions(most=4))
def test_first_and_second_derivatives_against_differences(case):
    *arrays, options = case
    inputs = [x for x in leaves(*arrays) if x is not None]

    def function(x, w, bias=None):
        return conv2d(x, w, bias, **options)

    gradcheck(function, inputs)
    gradgradcheck(function, inputs)


def test_third_derivative_against_differences():
    # y² makes the gradient by w cubic in (x, w): its second derivative uses all three kernels.
    rng = np.random.default_rng(0)
    x, w = leaves(rng.standard_normal((1, 2, 3, 3)), rng.standard_normal((2, 1, 2, 2)))

    def gradient(x, w):
        y = conv2d(x, w, stride=(1, 2), padding=1, groups=2)
        return mg.grad((y * y).sum(), [x, w], create_graph=True)

    gradgradcheck(gradient, [x, w])


def test_derivatives_are_right_where_only_one_input_needs_them():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 2, 4, 4)), rng.standard_normal((3, 2, 2, 3))
    for which in (0, 1):
        inputs = [mg.tensor(a, requires_grad=i == which) for i, a in enumerate((x, w))]
        gradcheck(conv2d, inputs)
        gradgradcheck(conv2d, inputs)


def batched_and_looped(y, inputs, cotangents, **kwargs):
    """The gradients for a batch of cotangents: at once, and one after the other."""
    at_once = mg.grad(y, inputs, mg.tensor(cotangents), is_grads_batched=True, **kwargs)
    looped = [mg.grad(y, inputs, mg.tensor(v), retain_graph=True, **kwargs) for v in cotangents]
    return at_once, [mg.stack(parts) for parts in zip(*looped, strict=True)]


@given(convolutions(), st.integers(1, 3))
def test_batched_cotangents_are_a_loop(case, k):
    *arrays, options = case
    inputs = leaves(*arrays)
    y = conv2d(*inputs, **options)
    inputs = [x for x in inputs if x is not None]
    v = np.random.default_rng(0).standard_normal((k, *y.shape))
    for actual, expected in zip(*batched_and_looped(y, inputs, v, create_graph=True), strict=True):
        assert actual.shape == expected.shape
        np.testing.assert_allclose(actual.detach(), expected.detach(), atol=1e-12)


@given(convolutions(most=4))
def test_second_order_through_batched_cotangents_is_a_loop(case):
    # The cotangents carry one batch axis; differentiating what they gave adds operands with an
    # axis of their own, and a second batch on top of it.
    x, w, _, options = case
    inputs = leaves(x, w)
    y = conv2d(*inputs, **options)
    rng = np.random.default_rng(0)
    v = mg.tensor(rng.standard_normal((2, *y.shape)), requires_grad=True)
    wanted = [*inputs, v]
    dx, dw = mg.grad(y, inputs, v, is_grads_batched=True, create_graph=True)
    parts = [mg.grad(y, inputs, v[i], create_graph=True) for i in range(2)]
    for g, one in ((dx, [p[0] for p in parts]), (dw, [p[1] for p in parts])):
        u = rng.standard_normal((3, *g.shape))
        kwargs = {"allow_unused": True, "retain_graph": True}
        at_once = mg.grad(g, wanted, mg.tensor(u), is_grads_batched=True, **kwargs)
        expected = mg.grad(mg.stack(one), wanted, mg.tensor(u), is_grads_batched=True, **kwargs)
        looped = [mg.grad(g, wanted, mg.tensor(u[i]), **kwargs) for i in range(3)]
        for i, actual in enumerate(at_once):
            if actual is None:  # each gradient is linear in its own operand's partner only
                assert expected[i] is None and looped[0][i] is None
                continue
            np.testing.assert_allclose(actual.numpy(), expected[i].numpy(), atol=1e-11)
            one_by_one = np.stack([part[i].numpy() for part in looped])
            np.testing.assert_allclose(actual.numpy(), one_by_one, atol=1e-11)


def test_no_cotangents_give_no_gradients():
    x, w = leaves(np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2)))
    y = conv2d(x, w)
    dx, dw = mg.grad(y, [x, w], mg.zeros(0, *y.shape, dtype=mg.float64), is_grads_batched=True)
    assert dx.shape == (0, 1, 1, 3, 3) and dw.shape == (0, 1, 1, 2, 2)


def test_an_empty_batch_gives_an_empty_output_and_zero_weight_gradient():
    x, w = leaves(np.ones((0, 2, 4, 4)), np.ones((3, 2, 2, 2)))
    y = conv2d(x, w)
    y.sum().backward()
    assert y.shape == (0, 3, 3, 3) and x.grad.shape == x.shape
    assert (w.grad.numpy() == 0).all()


@given(convolutions())
def test_an_unbatched_input_is_a_batch_of_one(case):
    x, w, bias, options = case
    x = x if x.ndim == 3 else np.ones(x.shape[1:])
    x, w, bias = (None if a is None else mg.tensor(a) for a in (x, w, bias))
    y = conv2d(x, w, bias, **options)
    assert y.ndim == 3
    batched = conv2d(x.reshape(1, *x.shape), w, bias, **options)
    np.testing.assert_array_equal(y.numpy(), batched.numpy()[0])


@given(convolutions())
def test_float32_is_float64_rounded(case):
    *arrays, options = case
    results = []
    for dtype in (np.float32, np.float64):
        inputs = leaves(
            *(None if a is None else a.astype(np.float32).astype(dtype) for a in arrays)
        )
        y = conv2d(*inputs, **options)
        grads = mg.grad((y * y).sum(), [x for x in inputs if x is not None])
        assert all(g.dtype == dtype for g in (y, *grads))
        results.append([y.detach().numpy(), *(g.numpy() for g in grads)])
    for single, double in zip(*results, strict=True):
        np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-4)


def test_a_one_by_one_convolution_is_a_matrix_product():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 5, 4, 3)), rng.standard_normal((7, 5, 1, 1))
    y = conv2d(mg.tensor(x), mg.tensor(w)).numpy()
    np.testing.assert_allclose(y, np.einsum("oc,nchw->nohw", w[:, :, 0, 0], x), atol=1e-12)


def test_a_strided_input_is_convolved_like_its_copy():
    rng = np.random.default_rng(0)
    x, w = (
        mg.tensor(rng.standard_normal((4, 2, 6, 3))),
        mg.tensor(rng.standard_normal((2, 3, 2, 2))),
    )
    view = x.transpose(1, 3)
    np.testing.assert_array_equal(conv2d(view, w).numpy(), conv2d(view.clone(), w).numpy())


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"x": (2, 2)}, ShapeError, r"expected an input \(N, C, H, W\) or \(C, H, W\)"),
        ({"x": (1, 2, 3, 4, 4)}, ShapeError, "expected an input"),
        ({"w": (3, 3, 3)}, ShapeError, "expected a weight"),
        ({"x": (2, 4, 4, 4)}, ShapeError, "expects an input of 3 channels, got 4"),
        ({"padding": "same", "stride": 2}, ShapeError, "padding='same' needs stride 1"),
        ({"padding": "full"}, ShapeError, "'valid' or 'same', got 'full'"),
        ({"padding": -1}, ShapeError, "at least 0"),
        ({"padding": 0.5}, TypeError, "padding must be one or two integers, got 0.5"),
        ({"stride": (1, 2, 3)}, ShapeError, "stride must be one or two integers"),
        ({"stride": 0}, ShapeError, "stride must be positive"),
        ({"stride": 1.5}, TypeError, "stride must be one or two integers, got 1.5"),
        ({"dilation": 2}, ShapeError, "larger than the padded input"),
        ({"groups": 1.0}, TypeError, "groups must be an integer"),
        ({"groups": 3}, ShapeError, "expects an input of 9 channels"),
        ({"bias": (3,)}, ShapeError, r"expects a bias of shape \(4,\)"),
        ({"bias": (4, 1)}, ShapeError, r"expects a bias of shape \(4,\)"),
    ],
)
def test_conv2d_refuses(changes, error, message):
    arguments = {"x": (2, 3, 4, 4), "w": (4, 3, 3, 3), **changes}
    x, w = mg.zeros(*arguments.pop("x")), mg.zeros(*arguments.pop("w"))
    bias = mg.zeros(*arguments.pop("bias")) if "bias" in arguments else None
    with pytest.raises(error, match=f"conv2d: .*{message}"):
        conv2d(x, w, bias, **arguments)


def test_conv2d_refuses_mixed_dtypes_and_arrays():
    x, w = mg.zeros(1, 1, 3, 3), mg.zeros(1, 1, 2, 2, dtype=mg.float64)
    with pytest.raises(DtypeError, match="conv2d: dtypes must be equal, got float32 and float64"):
        conv2d(x, w)
    with pytest.raises(DtypeError, match="conv2d: dtypes must be equal"):
        conv2d(x, w.to(mg.float32), mg.zeros(1, dtype=mg.float64))
    with pytest.raises(TypeError, match="conv2d: weight: expected a Tensor, got ndarray"):
        conv2d(x, np.zeros((1, 1, 2, 2)))


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@given(convolutions(most=8))
def test_conv2d_is_pytorch(case):
    torch = pytest.importorskip("torch")
    x, w, bias, options = case
    ours = leaves(x, w, bias)
    theirs = [None if a is None else torch.tensor(a, requires_grad=True) for a in (x, w, bias)]
    y, z = conv2d(*ours, **options), torch.nn.functional.conv2d(*theirs, **options)
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), atol=1e-12)
    (y * y).sum().backward()
    (z * z).sum().backward()
    for a, b in zip(ours, theirs, strict=True):
        if a is not None:
            np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), atol=1e-11)


# one axis -------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@given(convolutions(most=8))
def test_conv1d_is_conv2d_of_images_one_pixel_high(case):
    x, w, bias, options = case
    x, w = x[..., :1, :], w[:, :, :1]
    rows = {
        k: v[1] if isinstance(v, tuple) else v for k, v in options.items()
    }  # the horizontal ones
    flat = dict(options)
    if isinstance(flat["padding"], tuple):
        flat["padding"] = (0, flat["padding"][1])
    ours, theirs = leaves(x[..., 0, :], w[:, :, 0], bias), leaves(x, w, bias)
    y, z = conv1d(*ours, **rows), conv2d(*theirs, **flat)
    np.testing.assert_array_equal(y.detach().numpy(), z.detach().numpy()[..., 0, :])
    (y * y).sum().backward()
    (z * z).sum().backward()
    for a, b in zip(ours, theirs, strict=True):
        if a is not None:
            assert a.grad.numpy().tolist() == b.grad.numpy().reshape(a.shape).tolist()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"x": (2,)}, ShapeError, r"expected an input \(N, C, L\) or \(C, L\)"),
        ({"x": (1, 2, 3, 4)}, ShapeError, "expected an input"),
        ({"w": (3, 3, 3, 1)}, ShapeError, r"expected a weight \(O, C / groups, K\)"),
        ({"x": (2, 4, 4)}, ShapeError, r"3 channels, got 4 in input \(2, 4, 4\)"),
        ({"padding": "same", "stride": 2}, ShapeError, "padding='same' needs stride 1"),
        ({"padding": -1}, ShapeError, r"at least 0, got \(-1, -1\)"),
        ({"padding": 0.5}, TypeError, "padding must be an integer, got 0.5"),
        ({"stride": (1, 2)}, ShapeError, "stride must be an integer"),
        ({"stride": 0}, ShapeError, r"stride must be positive, got \(0,\)"),
        ({"dilation": 2}, ShapeError, "larger than the padded input"),
        ({"groups": 1.0}, TypeError, "groups must be an integer"),
        ({"bias": (3,)}, ShapeError, r"expects a bias of shape \(4,\)"),
    ],
)
def test_conv1d_refuses(changes, error, message):
    arguments = {"x": (2, 3, 4), "w": (4, 3, 3), **changes}
    x, w = mg.zeros(*arguments.pop("x")), mg.zeros(*arguments.pop("w"))
    bias = mg.zeros(*arguments.pop("bias")) if "bias" in arguments else None
    with pytest.raises(error, match=f"conv1d: .*{message}"):
        conv1d(x, w, bias, **arguments)


# transposed -----------------------------------------------------------------------------------


@given(st.data())
def test_conv_transpose2d_is_the_adjoint_and_pytorchs(data):
    torch = pytest.importorskip("torch")
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    options = {"stride": data.draw(pair), "dilation": data.draw(pair)}
    groups, kernel = data.draw(st.integers(1, 2)), data.draw(pair)
    most = [max(s, d) - 1 for s, d in zip(*options.values(), strict=True)]
    options["output_padding"] = tuple(data.draw(st.integers(0, m)) for m in most)
    options["padding"] = tuple(data.draw(st.integers(0, k - 1)) for k in kernel)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = rng.standard_normal((2, 2 * groups, 3, 2))
    w = rng.standard_normal((2 * groups, 3, *kernel))
    arrays = (x, w, rng.standard_normal(3 * groups))
    ours = leaves(*arrays)
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    try:
        v = torch.nn.functional.conv_transpose2d(*theirs, groups=groups, **options)
    except RuntimeError:  # nothing is left of the output
        with pytest.raises(ShapeError, match="conv_transpose2d: the output would have the size"):
            conv_transpose2d(*ours, groups=groups, **options)
        return
    y = conv_transpose2d(*ours, groups=groups, **options)
    np.testing.assert_allclose(y.detach().numpy(), v.detach().numpy(), atol=1e-12)
    (y * y).sum().backward()
    (v * v).sum().backward()
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), atol=1e-10)


def test_conv_transpose_is_the_gradient_of_conv_by_its_input():
    rng = np.random.default_rng(0)
    x, w = leaves(rng.standard_normal((2, 4, 7, 6)), rng.standard_normal((6, 2, 3, 2)))
    y = conv2d(x, w, stride=2, padding=1, groups=2)
    dy = mg.tensor(rng.standard_normal(y.shape))
    (dx,) = mg.grad(y, x, dy)
    painted = conv_transpose2d(dy, w, None, 2, 1, (0, 0), 2)
    assert painted.shape == dx.shape
    np.testing.assert_allclose(painted.detach().numpy(), dx.numpy(), atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"x": (2, 2)}, ShapeError, "expected an input"),
        ({"w": (3, 3, 3)}, ShapeError, r"expected a weight \(C, O / groups, KH, KW\)"),
        ({"x": (2, 4, 4, 4)}, ShapeError, "expects an input of 3 channels, got 4"),
        ({"x": (2, 3, 0, 4)}, ShapeError, "only N may be 0"),
        ({"padding": 6}, ShapeError, "the output would have the size"),
        ({"padding": "same"}, TypeError, "padding must be one or two integers"),
        ({"stride": 0}, ShapeError, "stride must be at least 1"),
        ({"output_padding": 1}, ShapeError, "smaller than stride or dilation"),
        ({"groups": 2}, ShapeError, "divide the 3 channels"),
        ({"groups": 0}, ShapeError, "groups must be positive"),
        ({"bias": (3,)}, ShapeError, r"expects a bias of shape \(4,\)"),
    ],
)
def test_conv_transpose2d_refuses(changes, error, message):
    arguments = {"x": (2, 3, 4, 4), "w": (3, 4, 3, 3), **changes}
    x, w = mg.zeros(*arguments.pop("x")), mg.zeros(*arguments.pop("w"))
    bias = mg.zeros(*arguments.pop("bias")) if "bias" in arguments else None
    with pytest.raises(error, match=f"conv_transpose2d: .*{message}"):
        conv_transpose2d(x, w, bias, **arguments)


def test_conv_transpose_refuses_mixed_dtypes():
    with pytest.raises(DtypeError, match="conv_transpose1d: dtypes must be equal"):
        conv_transpose1d(mg.zeros(1, 2), mg.zeros(1, 1, 2, dtype=mg.float64))
