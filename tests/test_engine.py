"""The engine: graph, versions, hooks, modes, memory. Derivatives of operations: `tests/ops`."""

import copy
import gc
import pickle
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine import Nary
from minigrad.errors import AnomalyError, DtypeError, GraphError, InplaceError, ShapeError


def leaf(value, **kwargs):
    return mg.tensor(value, requires_grad=True, **kwargs)


# Values and dtypes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1.5, "float32"),
        ([1, 2], "int64"),
        ([True], "bool"),
        ([[1.0, 2.0]], "float32"),
        (np.zeros(2), "float64"),
        (np.zeros(2, np.float32), "float32"),
        (np.zeros(2, np.int32), "int32"),
        (np.float64(2.0), "float64"),
    ],
)
def test_dtype_follows_the_data(data, dtype):
    assert mg.tensor(data).dtype == np.dtype(dtype)


@pytest.mark.parametrize("bad", ["text", [object()], 1j, np.zeros(2, np.float16), [[1], [2, 3]]])
def test_unsupported_data_is_refused(bad):
    with pytest.raises((TypeError, ShapeError)):
        mg.tensor(bad)


def promoted(x, y):
    return (x + y).dtype


def test_promotion_is_pytorchs():
    f32, f64 = mg.ones(2), mg.ones(2, dtype=mg.float64)
    i64, i32 = mg.ones(2, dtype=mg.int64), mg.ones(2, dtype=mg.int32)
    flag = mg.ones(2, dtype=bool)
    assert promoted(f32, 1.5) == np.float32
    assert promoted(f32, f64) == np.float64
    assert promoted(f32, mg.tensor(1.0, dtype=mg.float64)) == np.float32
    assert promoted(f32, i64) == np.float32
    assert promoted(i64, 1.5) == np.float32
    assert promoted(i64, 2) == np.int64
    assert promoted(i32, i64) == np.int64
    assert promoted(flag, 1) == np.int64
    assert promoted(flag, i32) == np.int32
    assert promoted(i64, mg.tensor(1.0, dtype=mg.float64)) == np.float64
    assert (i64 / i64).dtype == np.float32
    assert promoted(f32, np.float64(2.0)) == np.float32
    assert promoted(f32, True) == np.float32


def test_promotion_against_torch():
    torch = pytest.importorskip("torch")
    names = ["bool", "uint8", "int32", "int64", "float32", "float64"]
    for a in names:
        for b in names:
            for shape_a in ((), (2,)):
                for shape_b in ((), (2,)):
                    x, y = np.ones(shape_a, a), np.ones(shape_b, b)
                    ours = (mg.tensor(x) * mg.tensor(y)).dtype
                    theirs = torch.tensor(x) * torch.tensor(y)
                    assert str(theirs.dtype) == f"torch.{ours.name}", (a, b, shape_a, shape_b)


def test_gradient_has_the_dtype_of_its_leaf():
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0], dtype=mg.float64)
    (x * y).sum().backward()
    assert x.grad.dtype == np.float32 and y.grad.dtype == np.float64


def test_ndarray_on_the_left_stays_in_the_graph():
    x = leaf([1.0, 2.0], dtype=mg.float64)
    y = np.array([3.0, 4.0]) * x
    assert isinstance(y, mg.Tensor)
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 4.0]
    assert isinstance(np.float64(2.0) - x, mg.Tensor)


def test_array_refuses_to_cut_the_graph():
    x = leaf([1.0, 2.0])
    for cut in (np.asarray, np.sin, lambda x: x.numpy()):
        with pytest.raises((GraphError, TypeError)):
            cut(x)
    assert np.asarray(x.detach()).tolist() == [1.0, 2.0]


def test_python_protocols():
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert len(x) == 2 and [r.tolist() for r in x] == [[1.0, 2.0], [3.0, 4.0]]
    assert float(mg.tensor(2.5)) == 2.5 and int(mg.tensor(2.5)) == 2 and bool(mg.tensor(1))
    assert [10, 20][mg.tensor(1)] == 20
    assert hash(x) != hash(x.clone()) and {x: 1}[x] == 1
    assert 3.0 in x and 7.0 not in x
    assert f"{mg.tensor(1.25):.1f}" == "1.2"
    for wrong in (
        lambda: bool(x),
        lambda: float(x),
        lambda: len(mg.tensor(1.0)),
        lambda: x.item(),
    ):
        with pytest.raises((ShapeError, TypeError)):
            wrong()
    with pytest.raises(TypeError):
        x + "text"
    with pytest.raises(TypeError):
        [1][mg.tensor(1.0)]


def test_repr_shows_values_dtype_and_grad_fn():
    x = leaf([1.0, 2.0])
    assert repr(x) == "tensor([1., 2.], requires_grad=True)"
    assert repr(x * 2) == "tensor([2., 4.], grad_fn=<Mul>)"
    assert repr(mg.zeros(1, dtype=mg.float64)) == "tensor([0.], dtype=float64)"
    assert "shape=(0, 3)" in repr(mg.zeros(0, 3))


def test_copy_and_pickle_of_leaves():
    x = leaf([1.0, 2.0])
    (x * x).sum().backward()
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert twin.requires_grad and twin.tolist() == [1.0, 2.0]
        assert twin.grad.tolist() == [2.0, 4.0]
        twin.detach().zero_()
        assert x.tolist() == [1.0, 2.0]
    with pytest.raises(GraphError):
        copy.deepcopy(x * 2)


# backward ---------------------------------------------------------------------------------------


def test_gradients_accumulate_and_keep_the_tensor():
    x = leaf([1.0, 2.0])
    (x * 3).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    assert x.grad is first and x.grad.tolist() == [6.0, 6.0]


def test_a_tensor_used_twice_gets_both_gradients():
    x = leaf(3.0)
    y = x * x
    (y + y * x).backward()
    assert x.grad.item() == 2 * 3 + 3 * 9


def test_a_rule_gets_a_place_for_each_output():
    class Three(Nary):
        def forward(self, x):
            return x * 1.0, x * 2.0, x * 3.0

        def backward(self, grads):
            assert len(grads) == 3
            return (sum(k * g for k, g in enumerate(grads, 1) if g is not None),)

    for used, want in (((0,), 1.0), ((1,), 2.0), ((0, 2), 4.0)):
        x = leaf([1.0])
        outputs = Three().apply(x)
        sum(outputs[k] for k in used).backward()
        assert x.grad.tolist() == [want]


def test_a_derivative_that_is_zero_everywhere_is_zeros():
    x = leaf([1.0, -2.0])
    (dx,) = mg.grad(x.relu().sum(), x, create_graph=True)
    assert mg.grad(dx.sum(), x, retain_graph=True)[0].tolist() == [0.0, 0.0]
    assert mg.grad(dx.sum(), x, allow_unused=True, retain_graph=True) == (None,)
    batch = mg.grad(dx, x, mg.ones(3, 2), is_grads_batched=True, retain_graph=True)
    assert batch[0].tolist() == [[0.0, 0.0]] * 3
    with pytest.raises(GraphError, match="not in the graph"):
        mg.grad(dx.sum(), leaf([1.0]))


def test_leaf_gradients_never_share_memory():
    a, b = leaf([1.0]), leaf([2.0])
    seed = mg.ones(1)
    (a + b).backward(seed)
    a.grad.zero_()
    assert b.grad.tolist() == [1.0] and seed.tolist() == [1.0]
    c = leaf([1.0, 2.0, 3.0, 4.0])
    c.reshape(2, 2).T.sum(0).backward(mg.ones(2))
    c.grad.add_(1)
    assert c.grad.tolist() == [2.0] * 4


def test_grad_results_do_not_share_memory():
    a, b = leaf([1.0]), leaf([2.0])
    seed = mg.ones(1)
    da, db = mg.grad(a + b, (a, b), seed)
    da.zero_()
    assert db.tolist() == [1.0] and seed.tolist() == [1.0]


def test_backward_needs_a_gradient_unless_scalar():
    x = leaf([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"\(2,\)"):
        (x * 2).backward()
    with pytest.raises(ShapeError, match=r"\(3,\)"):
        (x * 2).backward(mg.ones(3))
    with pytest.raises(DtypeError):
        (x * 2).backward(mg.ones(2, dtype=mg.float64))
    with pytest.raises(GraphError):
        mg.ones(1).backward()


def test_second_backward_through_freed_graph_names_the_operation():
    x = leaf([1.0, 2.0])
    y = (x.exp() + 2).sum()
    y.backward()
    with pytest.raises(GraphError, match="Exp.*retain_graph"):
        y.backward()
    z = (x * x).sum()
    z.backward(retain_graph=True)
    z.backward()


def test_backward_onto_chosen_inputs():
    x, w = leaf([1.0]), leaf([2.0])
    (x * w).sum().backward(inputs=[w])
    assert x.grad is None and w.grad.tolist() == [1.0]


def test_retain_grad_on_non_leaf():
    x = leaf([1.0, 2.0])
    y = x * 2
    y.retain_grad()
    y.retain_grad()
    (y * y).sum().backward()
    assert y.grad.tolist() == [4.0, 8.0]


def test_hooks_see_and_replace_the_gradient():
    x = leaf([1.0, 2.0])
    y = x * 2
    seen = []
    handle = y.register_hook(lambda g: seen.append(g.tolist()))
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert seen == [[1.0, 1.0]] and x.grad.tolist() == [20.0, 20.0]
    handle.remove()
    handle.remove()
    x.register_hook(lambda g: g + 1)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [23.0, 23.0]
    x.register_hook(lambda g: mg.ones(3))
    with pytest.raises(ShapeError):
        (x * 2).sum().backward()


def test_a_failed_pass_leaves_no_rests():
    x = leaf([1.0])
    y = x * 2

    def fail(grad):
        raise KeyError("stop")

    handle = y.register_hook(fail)
    z = (y * 3).sum()
    with pytest.raises(KeyError):
        z.backward(retain_graph=True)
    handle.remove()
    z.backward()
    assert x.grad.tolist() == [6.0] and mg.is_grad_enabled()


def test_backward_inside_a_hook():
    x = leaf([2.0])
    y = x * x
    inner = []

    def hook(grad):
        (dy,) = mg.grad(y, x, mg.ones(1), retain_graph=True)
        inner.append(dy.item())

    z = y * 3
    z.register_hook(hook)
    (z * 5).sum().backward()
    assert inner == [4.0] and x.grad.item() == 60.0


def test_threads_share_leaves():
    x = leaf(np.ones(50, np.float32))

    def work():
        for _ in range(50):
            (x * 2).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert x.grad.tolist() == [400.0] * 50


# grad -------------------------------------------------------------------------------------------


def test_grad_of_grad():
    x = leaf(2.0, dtype=mg.float64)
    g = x**4
    for k, want in enumerate([32.0, 48.0, 48.0, 24.0]):
        (g,) = mg.grad(g, x, create_graph=True)
        assert g.item() == pytest.approx(want), k


def test_grad_leaves_grad_alone_and_works_for_non_leaves():
    x = leaf([1.0, 2.0])
    y = x * 3
    (dy,) = mg.grad((y * y).sum(), y)
    assert dy.tolist() == [6.0, 12.0] and x.grad is None


def test_grad_names_an_input_outside_the_graph():
    x, other = leaf([1.0]), leaf([[1.0, 2.0]])
    with pytest.raises(GraphError, match=r"input 1, shape \(1, 2\)"):
        mg.grad((x * 2).sum(), (x, other))
    dx, none = mg.grad((x * 2).sum(), (x, other), allow_unused=True)
    assert none is None and dx.tolist() == [2.0]
    with pytest.raises(GraphError, match="input 0"):
        mg.grad((x * 2).sum(), mg.ones(1))


def test_grad_runs_only_what_leads_to_the_inputs():
    x, w = leaf([2.0]), leaf([3.0])
    seen = []
    a = x * 5
    a.register_hook(lambda g: seen.append("x side"))
    mg.grad((a * w).sum(), w)
    assert seen == []


def test_batched_cotangents_equal_a_loop():
    x = leaf(np.arange(6.0).reshape(2, 3))
    y = (x.T @ x).tanh() * x.sum(0)
    v = mg.randn(4, 3, 3, dtype=mg.float64)
    (batched,) = mg.grad(y, x, v, retain_graph=True, is_grads_batched=True)
    for k in range(4):
        (one,) = mg.grad(y, x, v[k], retain_graph=True)
        np.testing.assert_allclose(batched[k].numpy(), one.numpy(), rtol=1e-12)
    with pytest.raises(ShapeError):
        mg.grad(y, x, v[0], is_grads_batched=True)


def test_create_graph_into_grad_warns():
    x = leaf(2.0)
    with pytest.warns(UserWarning, match="reference cycle"):
        (x**3).backward(create_graph=True)
    assert mg.grad(x.grad, x)[0].item() == 12.0
    x.grad = None


# Modes ------------------------------------------------------------------------------------------


def test_grad_modes_nest_decorate_and_are_per_thread():
    x = leaf([1.0])
    with mg.no_grad():
        assert not (x * 2).requires_grad
        with mg.enable_grad():
            assert (x * 2).requires_grad
        assert not mg.is_grad_enabled()
    mg.set_grad_enabled(False)
    assert not mg.is_grad_enabled()
    mg.set_grad_enabled(True)

    @mg.no_grad()
    def f(x):
        return x * 2

    @mg.no_grad
    def g(x):
        return x * 2

    assert not f(x).requires_grad and not g(x).requires_grad and mg.is_grad_enabled()
    found = []
    with mg.no_grad():
        thread = threading.Thread(target=lambda: found.append(mg.is_grad_enabled()))
        thread.start()
        thread.join()
    assert found == [True]


def test_requires_grad_is_for_floating_leaves():
    with pytest.raises(DtypeError):
        mg.tensor([1, 2], requires_grad=True)
    x = leaf([1.0])
    y = x * 2
    assert x.is_leaf and not y.is_leaf and y.detach().is_leaf
    with pytest.raises(GraphError):
        y.requires_grad_(False)
    assert not (x > 0).requires_grad and not x.long().requires_grad
    x.requires_grad = False
    assert not (x * 2).requires_grad


# Versions, views, changes in place --------------------------------------------------------------


def test_saved_tensor_changed_in_place_names_both_operations():
    x = leaf([1.0, 2.0])
    y = x * 2
    z = y * y
    y.add_(1)
    with pytest.raises(InplaceError, match=r"Mul.*add_"):
        z.sum().backward()


def test_saved_output_changed_in_place():
    x = leaf([1.0, 2.0])
    y = x.exp()
    with mg.no_grad():
        y.mul_(2)
    with pytest.raises(InplaceError, match=r"Exp.*mul_"):
        y.sum().backward()


def test_change_through_a_view_and_through_detach_is_noticed():
    for change in (lambda y: y.detach().zero_(), lambda y: y.data.zero_()):
        x = leaf([1.0, 2.0])
        y = x * 2
        z = y * y
        change(y)
        with pytest.raises(InplaceError):
            z.sum().backward()
    w = leaf([[1.0, 2.0]])
    z = w * w
    with mg.no_grad():
        w[0].zero_()
    with pytest.raises(InplaceError):
        z.sum().backward()


def test_in_place_is_recorded():
    x = leaf([1.0, 2.0])
    y = x * 1
    y.mul_(x)
    y += 1
    y.exp_()
    assert y.grad_fn is not None
    y.sum().backward()
    want = 2 * np.array([1.0, 2.0]) * np.exp(np.array([1.0, 4.0]) + 1)
    np.testing.assert_allclose(x.grad.numpy(), want, rtol=1e-5)


def test_in_place_keeps_what_the_graph_saved():
    x, w = leaf([2.0]), leaf([5.0])
    y = x * 1
    y.mul_(w)  # saves the old y, whose memory is overwritten
    y.sum().backward()
    assert w.grad.item() == 2.0 and x.grad.item() == 5.0


def test_in_place_on_a_leaf_is_refused_unless_no_grad():
    x = leaf([1.0])
    with pytest.raises(InplaceError, match="leaf"):
        x.add_(1)
    with mg.no_grad():
        x.add_(1)
    assert x.tolist() == [2.0]


def test_views_of_a_detached_tensor_are_refused_when_recorded():
    w = leaf(3.0)
    detached = leaf([1.0, 2.0]).detach()
    with pytest.raises(InplaceError, match="detached"):
        detached[0].mul_(w)
    stale = detached[:1]
    detached.mul_(w)
    with pytest.raises(InplaceError, match="older"):
        stale * 1
    detached[:1].sum().backward()
    assert w.grad.item() == 1.0


def test_in_place_on_expanded_memory_is_refused():
    with pytest.raises(InplaceError):
        mg.zeros(1).expand(3).add_(1)


def test_in_place_refuses_another_shape_or_dtype():
    with pytest.raises(ShapeError):
        mg.ones(2).add_(mg.ones(3, 2))
    with pytest.raises(DtypeError):
        mg.ones(2, dtype=mg.int64).mul_(1.5)


def test_views_share_memory():
    x = mg.zeros(2, 3)
    x.T[1, 0] = 7.0
    x.reshape(-1)[0] = 1.0
    x[1, 2].fill_(5.0)
    assert x.tolist() == [[1.0, 7.0, 0.0], [0.0, 0.0, 5.0]]


def test_setitem_is_differentiable():
    x, v = leaf([1.0, 2.0, 3.0], dtype=mg.float64), leaf([10.0, 20.0], dtype=mg.float64)
    y = x * 1
    y[[0, 2]] = v
    (y * y).sum().backward()
    assert x.grad.tolist() == [0.0, 4.0, 0.0] and v.grad.tolist() == [20.0, 40.0]
    v.grad = None
    z = mg.zeros(2, dtype=mg.float64)
    z[[1, 1]] = v  # the last stays
    z.sum().backward()
    assert z.tolist() == [0.0, 20.0] and v.grad.tolist() == [0.0, 1.0]


# Memory -----------------------------------------------------------------------------------------


def test_no_cycle_keeps_a_graph_alive():
    gc.collect()
    gc.disable()
    try:
        x = leaf(np.ones(10, np.float32))
        y = (x.exp() * x).tanh().relu()[1:].reshape(3, 3).T.sum(0, keepdim=True)
        y.retain_grad()
        z = (mg.cat([y, y]).max(1).values + y.softmax(1).logsumexp(1)).mean()
        refs = [weakref.ref(t) for t in (x, y, z)]
        z.backward(retain_graph=True)
        mg.grad(z, x, create_graph=True)
        del x, y, z
        assert [r() for r in refs] == [None] * 3
    finally:
        gc.enable()


def test_addition_keeps_no_activation_alive():
    size = 100_000
    x = leaf(np.zeros(size, np.float32))
    tracemalloc.start()
    y = x
    for _ in range(50):
        y = y + 1.0
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 3 * 4 * size
    y.sum().backward()


def test_deep_chain_builds_differentiates_and_frees(pure):
    n = 50_000 if pure else 1_000_000
    x, one = leaf(1.0), leaf(1.0)
    for step in (lambda y: y + 1.0, lambda y: y * one):  # saves nothing; saves its tensors
        y = x
        gc.disable()
        try:
            for _ in range(n):
                y = step(y)
            y.backward()
        finally:
            gc.enable()
        del y
    assert x.grad.item() == 2.0 and one.grad.item() == n


# detect_anomaly and user Functions --------------------------------------------------------------


def test_detect_anomaly_finds_where_a_value_became_nan():
    x = mg.tensor([1.0, -1.0], requires_grad=True)
    with mg.autograd.detect_anomaly(forward=True):
        y = x * 2
        with pytest.raises(mg.errors.AnomalyError, match="Log: made a NaN") as info:
            y.log()
    assert info.value.operation == "Log"
    assert info.value.frame.filename == __file__
    assert "y.log()" in info.value.frame.line


def test_detect_anomaly_names_the_infinity_before_the_nan():
    x = mg.tensor([0.0, 1.0], requires_grad=True)
    with mg.autograd.detect_anomaly(forward=True):
        y = x.log()
        with pytest.raises(mg.errors.AnomalyError, match="made by Log, called at") as info:
            (y * x).sum()
    assert (info.value.operation, info.value.frame.line) == ("Log", "y = x.log()")
    assert (x.log() * x).sum().isnan().item()  # and nothing watches any more


def test_detect_anomaly_names_the_infinite_gradient_before_the_nan():
    x = mg.tensor([0.0, 1.0], requires_grad=True)
    with mg.autograd.detect_anomaly():
        y = (x**2).sqrt()
        with pytest.raises(AnomalyError, match="Pow: .* by the backward of Sqrt") as info:
            y.sum().backward()
    assert info.value.operation == "Sqrt"


def test_backward_is_observed_while_asked_for():
    seen, w = [], mg.tensor(3.0, requires_grad=True)
    with mg.autograd.observe_backward(lambda outputs: seen.append([x.item() for x in outputs])):
        (w * w).backward()
        mg.autograd.backward([w * 1, w * 2])
        mg.grad(w * w, w)
    (w * w).backward()
    assert seen == [[9.0], [3.0, 6.0]]


def test_detect_anomaly_names_operation_and_line():
    x = leaf([0.0])
    with mg.autograd.detect_anomaly():
        y = x.sqrt() * 0  # born here
        with pytest.raises(AnomalyError, match=r"Sqrt.*test_engine.*born here"):
            y.sum().backward()
    (x.sqrt() * 0).sum().backward()
    assert np.isnan(x.grad.item())


class Cube(mg.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale):
        ctx.save_for_backward(x)
        ctx.scale = scale
        return x * x * x * scale

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        assert ctx.needs_input_grad == (True, False)
        return grad * 3 * ctx.scale * x * x, None


class Halves(mg.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y, x * 2, (x > 0).long()

    @staticmethod
    def backward(ctx, dy, dz, _):
        (y,) = ctx.saved_tensors
        return dy * y + dz * 2


def test_user_function_twice_differentiable():
    x = leaf([1.0, -2.0], dtype=mg.float64)
    assert mg.autograd.gradcheck(lambda x: Cube.apply(x, 2.0), x)
    assert mg.autograd.gradgradcheck(lambda x: Cube.apply(x, 2.0), x)
    v = mg.randn(3, 2, dtype=mg.float64)
    (batched,) = mg.grad(Cube.apply(x, 2.0), x, v, is_grads_batched=True)
    want = v.numpy() * 6 * x.detach().numpy() ** 2
    np.testing.assert_allclose(batched.numpy(), want)


def test_user_function_with_several_outputs():
    x = leaf([0.5, -0.5], dtype=mg.float64)

    def both(x):
        y, z, positive = Halves.apply(x)
        assert not positive.requires_grad
        return y * z

    assert mg.autograd.gradcheck(both, x) and mg.autograd.gradgradcheck(both, x)
    y, z, _ = Halves.apply(x)
    (dx,) = mg.grad(z.sum(), x)
    assert dx.tolist() == [2.0, 2.0]


def test_user_function_errors_name_it():
    class Wrong(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return grad[0]

    class Count(Wrong):
        @staticmethod
        def backward(ctx, grad):
            return grad, grad

    x = leaf([1.0, 2.0])
    with pytest.raises(ShapeError, match="Wrong"):
        Wrong.apply(x).sum().backward()
    with pytest.raises(GraphError, match="Count"):
        Count.apply(x).sum().backward()


def test_gradcheck_catches_a_wrong_rule():
    class Wrong(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            return grad * ctx.saved_tensors[0]

    x = leaf([1.0, 2.0], dtype=mg.float64)
    with pytest.raises(AssertionError, match=r"input 0 \(0,\).*1\.0.*2\.0"):
        mg.autograd.gradcheck(Wrong.apply, x)
    assert not mg.autograd.gradcheck(Wrong.apply, x, raise_exception=False)
