"""Group and instance norm: statistics, what they coincide with, mistakes, PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg

F = mg.nn.functional
rests = st.lists(st.integers(1, 3), max_size=2).map(tuple)


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape) * 2 + 1


@given(n=st.integers(1, 3), groups=st.integers(1, 3), each=st.integers(1, 3), rest=rests)
def test_each_group_has_mean_zero_and_variance_one(n, groups, each, rest):
    x = drawn(n, groups * each, *rest)
    if x.size // groups == 1:
        return
    y = F.group_norm(mg.tensor(x), groups, eps=0.0).numpy().reshape(n, groups, -1)
    if y.shape[-1] == 1:
        assert np.isnan(y).all()  # 0 / 0, as there is no eps
        return
    np.testing.assert_allclose(y.mean(-1), 0, atol=1e-10)
    np.testing.assert_allclose(y.var(-1), 1, rtol=1e-8)


def test_one_group_is_layer_norm_and_a_group_a_channel_instance_norm():
    x = mg.tensor(drawn(2, 4, 3))
    one = F.group_norm(x, 1).numpy()
    np.testing.assert_allclose(one, F.layer_norm(x, (4, 3)).numpy(), rtol=1e-12)
    each = F.group_norm(x, 4).numpy()
    np.testing.assert_allclose(each, F.instance_norm(x).numpy(), rtol=1e-12)


def test_running_statistics_move_towards_the_mean_over_the_batch():
    x = drawn(4, 3, 5)
    mean, var = mg.zeros(3).double(), mg.ones(3).double()
    version = mean._version
    y = F.instance_norm(mg.tensor(x), mean, var, momentum=0.3)
    np.testing.assert_allclose(mean.numpy(), 0.3 * x.mean(2).mean(0), rtol=1e-12)
    want = 0.7 + 0.3 * x.var(2, ddof=1).mean(0)
    np.testing.assert_allclose(var.numpy(), want, rtol=1e-12)
    assert mean._version > version
    np.testing.assert_allclose(y.numpy(), F.instance_norm(mg.tensor(x)).numpy(), rtol=1e-12)


def test_without_input_statistics_it_is_batch_norm_in_evaluation():
    x = mg.tensor(drawn(4, 3, 1))
    mean, var = mg.tensor(drawn(3)), mg.ones(3).double() * 2
    y = F.instance_norm(x, mean, var, use_input_stats=False)
    np.testing.assert_array_equal(y.numpy(), F.batch_norm(x, mean, var).numpy())


@pytest.mark.parametrize("shape", [(0, 4, 2), (2, 4, 0), (2, 0, 3), (0, 4)])
def test_empty_inputs_give_empty_outputs_and_zero_sums(shape):
    calls = [lambda x, w, b: F.group_norm(x, 2, w, b)]
    if len(shape) > 2:
        calls += [
            lambda x, w, b: F.instance_norm(x, None, None, w, b),
            lambda x, w, b: F.instance_norm(x, mg.zeros(shape[1]), mg.ones(shape[1]), w, b),
        ]
    for call in calls:
        x = mg.zeros(*shape, requires_grad=True)
        w, b = mg.ones(shape[1], requires_grad=True), mg.zeros(shape[1], requires_grad=True)
        y = call(x, w, b)
        assert y.shape == shape
        y.sum().backward()
        assert x.grad.shape == shape
        np.testing.assert_array_equal(w.grad.numpy(), 0)


def test_running_statistics_of_an_empty_batch_stay():
    mean, var = mg.zeros(4), mg.ones(4)
    F.instance_norm(mg.zeros(0, 4, 3), mean, var)
    np.testing.assert_array_equal(mean.numpy(), 0)
    np.testing.assert_array_equal(var.numpy(), 1)


X = mg.zeros(2, 4, 3)


@pytest.mark.parametrize(
    "call, error, match",
    [
        (lambda: F.group_norm(X, 3), ValueError, r"group_norm: .*divisible .* 3.*\(2, 4, 3\)"),
        (lambda: F.group_norm(X, 0), ValueError, "num_groups must be at least 1, got 0"),
        (lambda: F.group_norm(X, -2), ValueError, "num_groups must be at least 1, got -2"),
        (lambda: F.group_norm(X, 2.0), TypeError, "num_groups must be an integer, got 2.0"),
        (lambda: F.group_norm(mg.zeros(4), 2), ValueError, r"group_norm: .*\(N, C\).*\(4,\)"),
        (lambda: F.group_norm(X, 2, mg.ones(3)), ValueError, r"weight must have shape \(4,\)"),
        (lambda: F.group_norm(X, 2, None, mg.ones(2, 2)), ValueError, "bias must have shape"),
        (lambda: F.group_norm(X, 2, mg.ones(4).double()), TypeError, "one dtype"),
        (lambda: F.group_norm(X.long(), 2), TypeError, "floating"),
        (lambda: F.group_norm(X.numpy(), 2), TypeError, "group_norm: expected a Tensor"),
        (lambda: F.group_norm(mg.zeros(1, 2), 2), ValueError, "more than 1 value per channel"),
        (lambda: F.instance_norm(mg.zeros(2, 4)), ValueError, "more than 1 spatial element"),
        (lambda: F.instance_norm(mg.zeros(2, 4, 1)), ValueError, "more than 1 spatial element"),
        (lambda: F.instance_norm(X, use_input_stats=False), ValueError, "running_mean and"),
        (lambda: F.instance_norm(X, mg.zeros(4)), ValueError, "both be given, or neither"),
        (lambda: F.instance_norm(X, mg.zeros(3), mg.ones(3)), ValueError, "running_mean must"),
        (lambda: F.instance_norm(X, weight=mg.ones(3)), ValueError, "instance_norm: weight"),
        (lambda: F.instance_norm(X.long()), TypeError, "instance_norm: .*floating"),
        (lambda: F.group_norm(X, 2, eps=None), TypeError, "group_norm: eps must be a number"),
        (lambda: F.instance_norm(X, eps=None), TypeError, "instance_norm: eps must be a number"),
        (lambda: F.instance_norm(None), TypeError, "instance_norm: expected a Tensor"),
    ],
)
def test_mistakes_are_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("shape", [(3, 4), (2, 4, 5), (2, 4, 3, 2)])
def test_values_gradients_and_statistics_are_those_of_pytorch(dtype, affine, shape):
    torch = pytest.importorskip("torch")
    x, v = (drawn(*shape, seed=s).astype(dtype) for s in (0, 1))
    rest = [drawn(4, seed=s).astype(dtype) for s in (2, 3)] if affine else []
    running = [drawn(4, seed=4).astype(dtype), np.abs(drawn(4, seed=5)).astype(dtype)]

    def run(library, function):
        xs = [library.tensor(a, requires_grad=True) for a in (x, *rest)]
        moved = [library.tensor(a) for a in running]
        y = function(library.nn.functional, moved, *xs)
        y.backward(library.tensor(v))
        return [y.detach().numpy(), *(u.grad.numpy() for u in xs), *(m.numpy() for m in moved)]

    functions = [lambda F, moved, x, *rest: F.group_norm(x, 2, *rest, eps=1e-3)]
    if len(shape) > 2:
        functions += [
            lambda F, moved, x, *rest: F.instance_norm(x, None, None, *rest, eps=1e-3),
            lambda F, moved, x, *rest: F.instance_norm(x, *moved, *rest, momentum=0.3),
            lambda F, moved, x, *rest: F.instance_norm(x, *moved, *rest, use_input_stats=False),
        ]
    close = {"rtol": 1e-4, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-9, "atol": 1e-11}
    for function in functions:
        for a, b in zip(run(mg, function), run(torch, function), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, **close)
