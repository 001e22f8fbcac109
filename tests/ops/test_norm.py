"""Batch norm: the composition of primitives to third order, running statistics, PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg

F = mg.nn.functional
EPS = 1e-3

seeds = st.integers(0, 2**32 - 1)
trailing = st.lists(st.integers(1, 3), max_size=2)


def composed(x, weight, bias, mean=None, var=None):
    """Batch norm in primitives; the batch's statistics unless some are given."""
    axes = tuple(a for a in range(-x.ndim, 0) if a != 1 - x.ndim)
    beside = (x.shape[1],) + (1,) * (x.ndim - 2)
    if mean is None:
        mean = x.mean(axes, keepdim=True)
        var = (x - mean).square().mean(axes, keepdim=True)
    else:
        mean, var = mean.reshape(beside), var.reshape(beside)
    y = (x - mean) / (var + EPS).sqrt()
    if weight is not None:
        y = y * weight.reshape(beside)
    return y if bias is None else y + bias.reshape(beside)


def leaves(seed, n, c, rest, affine):
    rng = np.random.default_rng(seed)
    shapes = [(n, c, *rest)] + [(c,), (c,)] * affine
    return [mg.tensor(rng.standard_normal(s) + 0.5, requires_grad=True) for s in shapes]


def contracted(values, rng):
    """A number that depends on each of the tensors."""
    return sum((v * mg.tensor(rng.standard_normal(v.shape))).sum() for v in values)


def derivatives(function, xs, order, seed):
    """Values, then all gradients of all gradients, each order contracted at random."""
    rng = np.random.default_rng(seed)
    values = [function(*xs)]
    results = [values[0].detach().numpy()]
    for _ in range(order):
        value = contracted(values, rng)
        found = [None] * len(xs)
        if value.requires_grad:
            found = mg.grad(value, xs, create_graph=True, allow_unused=True)
        values = [mg.zeros_like(x) if v is None else v for v, x in zip(found, xs, strict=True)]
        results += [v.detach().numpy() for v in values]
    return results


@given(
    n=st.integers(2, 4),
    c=st.integers(1, 3),
    rest=trailing,
    seed=seeds,
    affine=st.booleans(),
    training=st.booleans(),
)
def test_equals_the_composition_to_third_order(n, c, rest, seed, affine, training):
    xs = leaves(seed, n, c, rest, affine)
    rng = np.random.default_rng(seed + 1)
    fixed = [None, None] if training else [mg.tensor(rng.uniform(0.5, 2, c)) for _ in range(2)]

    def fused(x, weight=None, bias=None):
        return F.batch_norm(x, *fixed, weight, bias, training, eps=EPS)

    def plain(x, weight=None, bias=None):
        return composed(x, weight, bias, *fixed)

    for a, b in zip(derivatives(fused, xs, 3, seed), derivatives(plain, xs, 3, seed), strict=True):
        scale = np.abs(b).max(initial=1.0)
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9 * scale)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("rest", [(), (2,)])
def test_derivatives_by_central_differences(training, rest):
    xs = leaves(0, 3, 2, rest, True)
    fixed = (mg.tensor([0.1, 0.2]).double(), mg.tensor([1.0, 2.0]).double())

    def function(x, weight, bias):
        statistics = (None, None) if training else fixed
        return F.batch_norm(x, *statistics, weight, bias, training, eps=0.1)

    assert mg.autograd.gradcheck(function, xs)
    assert mg.autograd.gradgradcheck(function, xs)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("rest", [(), (2, 2)])
def test_batches_of_cotangents_equal_a_loop_at_both_orders(training, rest):
    xs = leaves(0, 3, 2, rest, True)
    rng = np.random.default_rng(0)
    fixed = (None, None) if training else (mg.zeros(2).double(), mg.ones(2).double())
    y = F.batch_norm(xs[0], *fixed, *xs[1:], training, eps=EPS)
    v = mg.tensor(rng.standard_normal((3, *y.shape)), requires_grad=True)
    many = mg.grad(y, xs, v, is_grads_batched=True, create_graph=True)
    for k in range(3):
        one = mg.grad(y, xs, v[k], retain_graph=True)
        for a, b in zip(many, one, strict=True):
            np.testing.assert_allclose(a[k].detach().numpy(), b.numpy(), rtol=1e-11, atol=1e-12)
    for chosen in [(0,), (1,), (2,), (0, 1, 2)]:  # with and without each of the three cotangents
        outputs = [many[i] for i in chosen]
        us = [rng.standard_normal((2, *g.shape)) for g in outputs]
        inputs = [*xs, v]
        options = {"retain_graph": True, "allow_unused": True}
        batched = mg.grad(
            outputs, inputs, [mg.tensor(u) for u in us], is_grads_batched=True, **options
        )
        for k in range(2):
            single = mg.grad(outputs, inputs, [mg.tensor(u[k]) for u in us], **options)
            for a, b in zip(batched, single, strict=True):
                assert (a is None) == (b is None)
                if a is not None:
                    assert a.shape == (2, *b.shape)
                    np.testing.assert_allclose(a[k].numpy(), b.numpy(), rtol=1e-9, atol=1e-11)


def test_weights_before_batch_norm_are_orthogonal_to_their_gradient():
    # The output does not change with the length of w: w·g = 0 and H w = -g (as eps goes to 0).
    rng = np.random.default_rng(0)
    x, target = mg.tensor(rng.standard_normal((20, 4))), mg.tensor(rng.standard_normal((20, 3)))
    w = mg.tensor(rng.standard_normal((4, 3)), requires_grad=True)
    b = mg.zeros(3, dtype=mg.float64, requires_grad=True)
    h = F.batch_norm(x @ w + b, None, None, training=True, eps=1e-30)
    loss = (h.tanh() - target).square().mean()
    g, gb = mg.grad(loss, [w, b], create_graph=True)
    np.testing.assert_allclose((w * g).sum(0).detach().numpy(), 0, atol=1e-13)
    np.testing.assert_allclose(gb.detach().numpy(), 0, atol=1e-13)
    for j in range(3):
        v = np.zeros((4, 3))
        v[:, j] = w.detach().numpy()[:, j]
        (hw,) = mg.grad((g * mg.tensor(v)).sum(), w, retain_graph=True)
        np.testing.assert_allclose(hw.numpy()[:, j], -g.detach().numpy()[:, j], atol=1e-12)


# Statistics --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [mg.float32, mg.float64])
def test_running_statistics_move_towards_the_batch(dtype):
    x = mg.tensor(np.random.default_rng(0).standard_normal((5, 2, 3)) * 3 + 1, dtype=dtype)
    mean, var = mg.zeros(2, dtype=dtype), mg.ones(2, dtype=dtype)
    version = mean._version
    F.batch_norm(x, mean, var, training=True, momentum=0.3)
    rows = x.numpy().transpose(1, 0, 2).reshape(2, 15).astype(float)
    rtol = 1e-5 if dtype == mg.float32 else 1e-12
    np.testing.assert_allclose(mean.numpy(), 0.3 * rows.mean(1), rtol=rtol)
    np.testing.assert_allclose(var.numpy(), 0.7 + 0.3 * rows.var(1, ddof=1), rtol=rtol)
    assert mean._version > version
    before = mean.numpy().copy()
    F.batch_norm(x, mean, var, training=False)
    np.testing.assert_array_equal(mean.numpy(), before)


def test_evaluation_differentiates_with_the_statistics_it_used():
    x = mg.tensor(np.random.default_rng(0).standard_normal((4, 2)), requires_grad=True)
    mean, var = mg.zeros(2, dtype=mg.float64), mg.ones(2, dtype=mg.float64)
    y = F.batch_norm(x, mean, var, eps=0.0)
    F.batch_norm(x, mean, var, training=True)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 1, rtol=1e-14)


def test_running_statistics_are_constants_in_memory_of_their_own():
    x = mg.randn(4, 3, 2)
    shared, ones = mg.zeros(1).expand(3), mg.ones(3)
    for call in (F.batch_norm, F.instance_norm):
        options = {"training": True} if call is F.batch_norm else {}
        with pytest.raises(RuntimeError, match=f"{call.__name__}: .*several elements"):
            call(x, shared, ones, **options)
        for pair in (
            (mg.zeros(3, requires_grad=True), mg.ones(3)),
            (mg.zeros(3), mg.ones(3, requires_grad=True)),
        ):
            with pytest.raises(RuntimeError, match=f"{call.__name__}: running_.*require grad"):
                call(x, *pair, **options)
            with mg.no_grad():
                call(x, *pair, **options)


def test_variance_of_a_large_mean_is_not_lost_in_float32():
    x = (1e4 + 1e-2 * np.random.default_rng(0).standard_normal((500, 3))).astype(np.float32)
    var = mg.zeros(3)
    y = F.batch_norm(mg.tensor(x), mg.zeros(3), var, training=True, momentum=1.0)
    np.testing.assert_allclose(var.numpy(), x.astype(float).var(0, ddof=1), rtol=1e-5)
    exact = (x - x.astype(float).mean(0)) / np.sqrt(x.astype(float).var(0) + 1e-5)
    np.testing.assert_allclose(y.numpy(), exact, atol=1e-5)


def test_empty_batches_leave_the_statistics_alone():
    for shape in [(0, 3), (2, 3, 0)]:
        mean, var = mg.zeros(3), mg.ones(3)
        x = mg.zeros(*shape, requires_grad=True)
        y = F.batch_norm(x, mean, var, mg.ones(3), mg.zeros(3), training=True)
        assert y.shape == shape
        y.sum().backward()
        assert x.grad.shape == shape
        np.testing.assert_array_equal(mean.numpy(), 0)
        np.testing.assert_array_equal(var.numpy(), 1)
    assert F.batch_norm(mg.zeros(2, 0), None, None, training=True).shape == (2, 0)
    assert F.batch_norm(mg.zeros(0), mg.zeros(0), mg.ones(0)).shape == (0,)


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1)])
def test_a_single_value_per_channel_is_refused_in_training(shape):
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        F.batch_norm(mg.zeros(*shape), None, None, training=True)
    assert F.batch_norm(mg.zeros(*shape), mg.zeros(3), mg.ones(3)).shape == shape


@pytest.mark.parametrize(
    "call, error, match",
    [
        (lambda: F.batch_norm(mg.zeros(2, 3), None, None), ValueError, "running_mean"),
        (lambda: F.batch_norm(mg.zeros(3), None, None, training=True), ValueError, "N, C"),
        (
            lambda: F.batch_norm(mg.zeros(2, 3), None, None, mg.ones(2), training=True),
            ValueError,
            "weight",
        ),
        (lambda: F.batch_norm(mg.zeros(2, 3), mg.zeros(4), mg.ones(3)), ValueError, "mean"),
        (
            lambda: F.batch_norm(mg.zeros(2, 3), mg.zeros(3), None, training=True),
            ValueError,
            "both be given, or neither",
        ),
        (
            lambda: F.batch_norm(mg.zeros(2, 3), mg.zeros(3).double(), mg.ones(3).double()),
            TypeError,
            "dtype",
        ),
        (
            lambda: F.batch_norm(mg.zeros(2, 3), None, None, training=True, eps=0.0),
            ValueError,
            "eps must be positive in training",
        ),
        (
            lambda: F.batch_norm(mg.zeros(2, 3), None, None, training=True, eps=-1.0),
            ValueError,
            "eps must not be negative",
        ),
        (
            lambda: F.batch_norm(mg.zeros(2, 3), None, None, training=True, momentum=None),
            TypeError,
            "momentum must be a number",
        ),
        (lambda: F.batch_norm(1.0, None, None), TypeError, "batch_norm: expected a Tensor"),
        (
            lambda: F.batch_norm(mg.zeros(2, 3), None, None, mg.ones(3).double(), training=True),
            TypeError,
            "dtype",
        ),
        (
            lambda: F.batch_norm(mg.tensor([[1], [2]]), None, None, training=True),
            TypeError,
            "floating",
        ),
    ],
)
def test_mistakes_are_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()


# PyTorch -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(7, 5), (4, 5, 6), (3, 5, 4, 2)])
def test_values_gradients_and_statistics_are_those_of_pytorch(dtype, training, shape):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, v = rng.standard_normal((2, *shape)).astype(dtype) * 2
    weight, bias, mean = rng.standard_normal((3, 5)).astype(dtype)
    var = rng.uniform(0.5, 2, 5).astype(dtype)
    ours = [mg.tensor(a, requires_grad=True) for a in (x, weight, bias)]
    theirs = [torch.tensor(a, requires_grad=True) for a in (x, weight, bias)]
    running = [mg.tensor(mean), mg.tensor(var)], [torch.tensor(mean), torch.tensor(var)]
    y = F.batch_norm(ours[0], *running[0], *ours[1:], training, 0.2, 1e-4)
    z = torch.nn.functional.batch_norm(theirs[0], *running[1], *theirs[1:], training, 0.2, 1e-4)
    y.backward(mg.tensor(v))
    z.backward(torch.tensor(v))
    close = {"rtol": 1e-4, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-9, "atol": 1e-11}
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), **close)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), **close)
    for a, b in zip(*running, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), **close)


# Dropout -----------------------------------------------------------------------------------------


def test_dropout_keeps_the_mean_and_zeroes_a_share():
    mg.manual_seed(0)
    y = F.dropout(mg.ones(100_000), 0.3).numpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.7)}
    assert abs((y == 0).mean() - 0.3) < 0.01
    assert abs(y.mean() - 1) < 0.01


def test_dropout_gradient_is_the_same_mask_at_any_order():
    x = mg.tensor(np.random.default_rng(0).standard_normal(50), requires_grad=True)
    y = F.dropout(x, 0.5)
    factors = y.detach().numpy() / x.detach().numpy()
    (g,) = mg.grad((y * y).sum(), x, create_graph=True)
    np.testing.assert_allclose(g.detach().numpy(), 2 * factors**2 * x.detach().numpy(), rtol=1e-12)
    (h,) = mg.grad(g.sum(), x, retain_graph=True)
    np.testing.assert_allclose(h.numpy(), 2 * factors**2, rtol=1e-12)
    v = np.random.default_rng(1).standard_normal((3, 50))
    (many,) = mg.grad(y, x, mg.tensor(v), is_grads_batched=True)
    np.testing.assert_allclose(many.numpy(), v * factors, rtol=1e-12)


def test_dropout_follows_the_seed_and_its_switches():
    x = mg.ones(1000)
    mg.manual_seed(3)
    a = F.dropout(x)
    mg.manual_seed(3)
    np.testing.assert_array_equal(F.dropout(x).numpy(), a.numpy())
    assert F.dropout(x, 0.9, training=False) is x
    np.testing.assert_array_equal(F.dropout(x, 1.0).numpy(), 0)
    np.testing.assert_array_equal(F.dropout(x, 0.0).numpy(), 1)
    assert F.dropout(mg.ones(3, dtype=mg.float64)).dtype == np.float64
    y = mg.ones(1000)
    assert F.dropout(y, 0.5, inplace=True) is y
    assert (y.numpy() == 0).any()


@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan")])
def test_dropout_refuses_what_is_no_probability(p):
    with pytest.raises(ValueError, match="dropout"):
        F.dropout(mg.ones(3), p)
