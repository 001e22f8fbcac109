"""Module: registration, the tree, hooks, modes, casts, state; PyTorch as the second opinion."""

import copy
import gc
import pickle
import weakref
from collections import OrderedDict

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.last = nn.Linear(4, 2, bias=False)
        self.scale = nn.Parameter(mg.ones(2))
        self.register_buffer("offset", mg.zeros(2))
        self.register_buffer("scratch", mg.zeros(1), persistent=False)

    def forward(self, x):
        return self.last(self.norm(self.first(x)).relu()) * self.scale + self.offset


def names(pairs):
    return [name for name, _ in pairs]


# Parameter ------------------------------------------------------------------------------------


def test_parameter_is_a_leaf_that_requires_grad():
    p = nn.Parameter(mg.ones(2))
    assert p.requires_grad and p.is_leaf and isinstance(p, mg.Tensor)
    assert not nn.Parameter(mg.ones(2), requires_grad=False).requires_grad


def test_operations_on_a_parameter_return_plain_tensors():
    p = nn.Parameter(mg.ones(2))
    for y in (p + 1, p.detach(), p.clone(), p.data, p[0], p.reshape(2, 1)):
        assert type(y) is mg.Tensor


def test_parameter_shares_the_memory_of_a_tensor_and_its_versions():
    x = mg.zeros(2)
    p = nn.Parameter(x)
    x.add_(1)
    assert p.tolist() == [1.0, 1.0] and p._version == x._version == 1


def test_parameter_of_a_result_is_cut_from_its_graph():
    x = mg.ones(2, requires_grad=True)
    p = nn.Parameter(x * 2)
    (p * 3).sum().backward()
    assert p.grad.tolist() == [3.0, 3.0] and x.grad is None


def test_parameter_of_an_array_is_a_copy():
    a = np.zeros(2)
    p = nn.Parameter(a)
    a += 1
    assert p.tolist() == [0.0, 0.0] and p.dtype == mg.float64


def test_integer_parameter_is_refused_unless_frozen():
    with pytest.raises(TypeError, match="floating"):
        nn.Parameter(mg.tensor([1]))
    assert nn.Parameter(mg.tensor([1]), requires_grad=False).dtype == mg.int64


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_parameter_survives_copy_and_pickle(clone):
    p = nn.Parameter(mg.tensor([1.0, 2.0]))
    q = clone(p)
    assert type(q) is nn.Parameter and q is not p and q.requires_grad
    assert repr(q) == repr(p) == "Parameter containing:\ntensor([1., 2.], requires_grad=True)"
    with mg.no_grad():
        q.zero_()
    assert p.tolist() == [1.0, 2.0]


# registering ----------------------------------------------------------------------------------


def test_everything_is_found_by_its_name():
    net = Net()
    assert names(net.named_parameters()) == [
        "scale",
        "first.weight",
        "first.bias",
        "norm.weight",
        "norm.bias",
        "last.weight",
    ]
    assert names(net.named_buffers()) == [
        "offset",
        "scratch",
        "norm.running_mean",
        "norm.running_var",
        "norm.num_batches_tracked",
    ]
    assert names(net.named_modules()) == ["", "first", "norm", "last"]
    assert names(net.named_children()) == ["first", "norm", "last"]
    assert list(net.children()) == [net.first, net.norm, net.last]
    assert names(net.named_parameters(prefix="net", recurse=False)) == ["net.scale"]
    assert len(list(net.parameters())) == 6 and len(list(net.buffers())) == 5
    assert len(list(net.buffers(recurse=False))) == 2


def test_assignment_replaces_and_moves_between_kinds():
    m = nn.Module()
    m.x = 5
    m.x = nn.Parameter(mg.ones(1))
    assert names(m.named_parameters()) == ["x"]
    m.x = nn.ReLU()
    assert not list(m.parameters()) and names(m.named_children()) == ["x"]
    m.x = None
    assert m.x is None and not list(m.children())
    m.x = nn.Parameter(mg.zeros(1))
    assert names(m.named_parameters()) == ["x"]
    del m.x
    assert not hasattr(m, "x") and not list(m.parameters())
    m.x = mg.ones(1)  # no longer registered: a plain attribute
    assert not list(m.buffers())


def test_buffer_keeps_its_role_when_it_is_assigned():
    m = nn.Module()
    m.register_buffer("count", mg.zeros(1))
    m.count = m.count + 1
    assert m.state_dict()["count"].tolist() == [1.0]
    m.count = None
    assert not m.state_dict()


def test_names_without_a_value_are_skipped():
    m = nn.Module()
    m.register_parameter("p", None)
    m.register_buffer("b", None)
    m.add_module("m", None)
    assert m.p is None and m.b is None and m.m is None
    assert not m.state_dict() and not list(m.parameters()) and not list(m.children())
    assert names(m.named_modules()) == [""]
    m.p = nn.Parameter(mg.ones(1))
    assert names(m.named_parameters()) == ["p"]


def test_a_plain_tensor_is_a_plain_attribute():
    m = nn.Module()
    m.x = mg.ones(1, requires_grad=True)
    assert not m.state_dict() and not list(m.parameters())


def test_shared_parameters_and_modules_appear_once():
    a = nn.Linear(2, 2)
    m = nn.Sequential(a, a)
    assert names(m.named_parameters()) == ["0.weight", "0.bias"]
    assert names(m.named_modules()) == ["", "0"]
    assert len(list(m.children())) == 1
    assert len(list(m.named_parameters(remove_duplicate=False))) == 4
    assert len(list(m.named_modules(remove_duplicate=False))) == 3
    assert list(m.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    b = nn.Linear(2, 2)
    b.weight = a.weight
    m = nn.Sequential(a, nn.Sequential(b, a), b)
    assert len(list(m.parameters())) == 3
    assert [id(p) for p in m.parameters()] == [id(p) for _, p in m.named_parameters()]
    assert list(m.modules()) == [x for _, x in m.named_modules()] == [m, a, m[1], b]


@pytest.mark.parametrize("value", [nn.Parameter(mg.ones(1)), nn.ReLU()])
def test_assigning_before_init_says_what_is_missing(value):
    class Forgot(nn.Module):
        def __init__(self):
            self.x = value

    with pytest.raises(AttributeError, match=r"Forgot.*before Module.__init__\(\) call"):
        Forgot()


def test_plain_attributes_may_come_before_init():
    class Early(nn.Module):
        def __init__(self):
            self.width = 3
            super().__init__()

    assert Early().width == 3


@pytest.mark.parametrize(
    "register, value",
    [
        ("register_parameter", nn.Parameter(mg.ones(1))),
        ("register_buffer", mg.ones(1)),
        ("add_module", nn.ReLU()),
        ("register_module", nn.ReLU()),
    ],
)
def test_bad_names_and_values_are_refused(register, value):
    m = nn.Identity()
    add = getattr(m, register)
    with pytest.raises(TypeError, match="Identity.*name should be a string"):
        add(1, value)
    with pytest.raises(KeyError, match="must not contain a dot"):
        add("a.b", value)
    with pytest.raises(KeyError, match="must not be empty"):
        add("", value)
    with pytest.raises(KeyError, match="forward already exists"):
        add("forward", value)
    with pytest.raises(TypeError, match="Identity"):
        add("x", 3)
    add("x", value)
    add("x", value)  # again under the same name: replaced
    assert m.x is value


def test_assigning_a_wrong_value_to_a_registered_name_is_refused():
    m = Net()
    with pytest.raises(TypeError, match=r"Net: cannot assign 'Tensor' as parameter 'scale'"):
        m.scale = mg.ones(2)
    with pytest.raises(TypeError, match=r"cannot assign 'int' as buffer 'offset'"):
        m.offset = 3
    with pytest.raises(TypeError, match=r"cannot assign 'int' as module 'first'"):
        m.first = 3


def test_missing_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'nothing'"):
        Net().nothing


def test_dotted_names_find_what_they_name():
    m = nn.Sequential(Net())
    assert m.get_submodule("") is m
    assert m.get_submodule("0.first") is m[0].first
    assert m.get_parameter("0.first.weight") is m[0].first.weight
    assert m.get_buffer("0.norm.running_mean") is m[0].norm.running_mean
    for get, name, text in [
        (m.get_submodule, "0.nothing", "Net has no attribute `nothing`"),
        (m.get_submodule, "0.scale", "`scale` is not an nn.Module"),
        (m.get_parameter, "0.nothing", "Net has no attribute `nothing`"),
        (m.get_parameter, "0.offset", "`offset` is not an nn.Parameter"),
        (m.get_buffer, "0.scale", "`scale` is not a buffer"),
    ]:
        with pytest.raises(AttributeError, match=text):
            get(name)


def test_tables_look_like_dicts():
    m = Net()
    assert list(m._parameters) == ["scale"] and len(m._buffers) == 2
    assert m._modules["first"] is m.first and "offset" not in m._parameters
    replacement = mg.zeros(2)
    m._parameters["scale"] = replacement
    assert m.scale is replacement
    del m._buffers["offset"]
    assert not hasattr(m, "offset")
    with pytest.raises(KeyError):
        m._parameters["first"]


def test_module_without_forward_says_so():
    class Empty(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match="Empty has no forward"):
        Empty()(1)


def test_dropping_a_network_frees_it_at_once():
    gc.disable()
    try:
        net = Net()
        net(mg.randn(4, 3)).sum().backward()
        gone = [weakref.ref(p) for p in net.parameters()]
        del net
        assert all(ref() is None for ref in gone)
    finally:
        gc.enable()


# copies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_are_equal_and_independent(clone):
    net = Net().eval()
    net.tied = net.first
    other = clone(net)
    x = mg.randn(5, 3)
    assert np.array_equal(other(x).tolist(), net(x).tolist())
    assert other.tied is other.first and not other.training
    assert list(other.state_dict()) == list(net.state_dict())
    with mg.no_grad():
        other.scale.zero_()
    assert net.scale.tolist() == [1.0, 1.0]
    assert type(other.scale) is nn.Parameter


def test_deepcopy_keeps_tied_parameters_tied():
    a, b = nn.Linear(2, 2), nn.Linear(2, 2)
    b.weight = a.weight
    m = copy.deepcopy(nn.Sequential(a, b))
    assert m[0].weight is m[1].weight


def test_shallow_copy_has_a_registry_of_its_own():
    net = Net()
    other = copy.copy(net)
    assert other.first is net.first
    del other.first
    assert names(net.named_children()) == ["first", "norm", "last"]


# hooks ----------------------------------------------------------------------------------------


def test_hooks_run_in_order_around_forward():
    calls = []

    class Log(nn.Module):
        def forward(self, x):
            calls.append("forward")
            return x

    m = Log()
    m.register_forward_pre_hook(lambda m, args: calls.append("before 1"))
    m.register_forward_pre_hook(lambda m, args: calls.append("before 2"))
    m.register_forward_pre_hook(lambda m, args: calls.append("before 0"), prepend=True)
    m.register_forward_hook(lambda m, args, y: calls.append("after 1"))
    m.register_forward_hook(lambda m, args, y: calls.append("after 2"))
    m.register_forward_hook(lambda m, args, y: calls.append("after 0"), prepend=True)
    m(mg.ones(1))
    assert calls == "before 0,before 1,before 2,forward,after 0,after 1,after 2".split(",")


def test_forward_hooks_replace_arguments_and_output():
    m = nn.Identity()
    m.register_forward_pre_hook(lambda m, args: args[0] + 1)  # not a tuple: made one
    m.register_forward_pre_hook(lambda m, args: (args[0] * 10,))
    m.register_forward_hook(lambda m, args, y: y + args[0])
    assert m(mg.zeros(1)).tolist() == [20.0]


def test_hooks_see_keyword_arguments_on_request():
    class Add(nn.Module):
        def forward(self, x, *, plus=0):
            return x + plus

    m = Add()
    before = m.register_forward_pre_hook(
        lambda m, args, kwargs: (args, {"plus": kwargs["plus"] + 1}), with_kwargs=True
    )
    m.register_forward_hook(lambda m, args, kwargs, y: y * kwargs["plus"], with_kwargs=True)
    assert m(mg.zeros(1), plus=2).tolist() == [9.0]
    before.remove()
    m.register_forward_pre_hook(lambda m, args, kwargs: args, with_kwargs=True)
    with pytest.raises(TypeError, match="Add.*pair"):
        m(mg.zeros(1), plus=2)


def test_removed_hooks_are_silent():
    m, calls = nn.Identity(), []
    handles = [
        m.register_forward_pre_hook(lambda *_: calls.append(0)),
        m.register_forward_hook(lambda *_: calls.append(1)),
        m.register_full_backward_hook(lambda *_: calls.append(2)),
    ]
    x = mg.ones(1, requires_grad=True)
    m(x).backward()
    assert calls == [0, 1, 2]
    for handle in handles:
        handle.remove()
        handle.remove()
    m(x).backward()
    assert calls == [0, 1, 2]
    with m.register_forward_hook(lambda *_: calls.append(3)):
        m(x)
    m(x)
    assert calls == [0, 1, 2, 3]


def test_a_hook_may_remove_itself():
    m, calls = nn.Identity(), []

    def once(module, args, y):
        calls.append(1)
        handle.remove()

    handle = m.register_forward_hook(once)
    m.register_forward_hook(lambda *_: calls.append(2))
    m(mg.ones(1)), m(mg.ones(1))
    assert calls == [1, 2, 2]


class TwoInTwoOut(nn.Module):
    def forward(self, x, y, factor):
        return x * y, (x + y) * factor


def test_backward_hook_sees_all_gradients_of_inputs_and_outputs():
    m, seen = TwoInTwoOut(), []
    m.register_full_backward_hook(lambda m, dx, dy: seen.append((dx, dy)))
    x = mg.tensor([2.0], requires_grad=True)
    y = mg.tensor([3.0], requires_grad=True)
    a, b = m(x, y, 10.0)
    (a * 5 + b * 7).sum().backward()
    ((dx, dy, df), (da, db)) = seen.pop()
    assert (dx.item(), dy.item(), df) == (5 * 3 + 70, 5 * 2 + 70, None)
    assert (da.item(), db.item()) == (5.0, 7.0)
    assert (x.grad.item(), y.grad.item()) == (85.0, 80.0)
    a, b = m(x, y.detach(), 10.0)  # one output used, one input without gradient
    a.sum().backward()
    ((dx, dy, df), (da, db)) = seen.pop()
    assert dx.item() == 3.0 and dy is None and df is None and da.item() == 1.0 and db is None
    a, b = m(x, y, 1.0)
    b.sum().backward()
    ((dx, dy, _), (da, db)) = seen.pop()
    assert dx.item() == dy.item() == 1.0 and da is None and db.item() == 1.0


def test_backward_hook_counts_only_gradients_through_the_module():
    m, seen = nn.Tanh(), []
    m.register_full_backward_hook(lambda m, dx, dy: seen.append(dx[0].item()))
    x = mg.zeros(1, requires_grad=True)
    (m(x) * 2 + x * 100).sum().backward()
    assert seen == [2.0] and x.grad.item() == 102.0


def test_backward_hooks_replace_grad_input_in_order():
    m = nn.Identity()
    m.register_full_backward_hook(lambda m, dx, dy: (dx[0] + 1,))
    m.register_full_backward_hook(lambda m, dx, dy: dx[0] * 10)  # not a tuple: made one
    x = mg.ones(1, requires_grad=True)
    m(x).backward()
    assert x.grad.item() == 20.0


def test_backward_hook_without_input_gradient_sees_those_of_the_outputs():
    m, seen = nn.Linear(2, 1), []
    m.register_full_backward_hook(lambda m, dx, dy: seen.append((dx, dy)))
    m(mg.ones(3, 2)).sum().backward()
    ((dx, dy),) = seen
    assert dx == (None,) and dy[0].tolist() == [[1.0]] * 3
    assert m.weight.grad.tolist() == [[3.0, 3.0]]


def test_backward_hook_is_silent_where_no_gradient_is_wanted():
    m, seen = nn.Linear(2, 1), []
    m.register_full_backward_hook(lambda *_: seen.append(1))
    with mg.no_grad():
        m(mg.ones(3, 2))
    m.requires_grad_(False)
    assert not m(mg.ones(3, 2)).requires_grad and not seen


def test_backward_hooks_of_nested_modules_run_from_the_output_inwards():
    calls = []
    inner, outer = nn.Tanh(), nn.Sequential()
    outer.append(nn.Linear(2, 2)).append(inner)
    for name, m in (("outer", outer), ("linear", outer[0]), ("tanh", inner)):
        m.register_full_backward_hook(lambda m, dx, dy, name=name: calls.append(name))
    outer(mg.ones(1, 2, requires_grad=True)).sum().backward()
    assert calls == ["tanh", "linear", "outer"]


def test_backward_hooks_keep_second_order_right():
    m, seen = nn.Tanh(), []
    m.register_full_backward_hook(lambda m, dx, dy: seen.append(dx[0]))
    x = mg.tensor([0.3, -0.7], dtype=mg.float64, requires_grad=True)
    (g,) = mg.grad(m(x).sum(), x, create_graph=True)
    (h,) = mg.grad(g.sum(), x)
    y = np.tanh([0.3, -0.7])
    assert np.allclose(g.tolist(), 1 - y**2) and np.allclose(h.tolist(), -2 * y * (1 - y**2))
    assert len(seen) == 1 and seen[0].requires_grad


def test_backward_hooks_take_batches_of_cotangents():
    m, seen = nn.Tanh(), []
    m.register_full_backward_hook(lambda m, dx, dy: seen.append((dx[0].shape, dy[0].shape)))
    x = mg.zeros(3, requires_grad=True)
    (g,) = mg.grad(m(x), x, mg.eye(3), is_grads_batched=True)
    assert g.tolist() == np.eye(3).tolist() and seen == [((3, 3), (3, 3))]


def test_backward_hook_runs_again_over_a_retained_graph():
    m, seen = nn.Identity(), []
    m.register_full_backward_hook(lambda m, dx, dy: seen.append(dy[0].item()))
    y = m(mg.ones(1, requires_grad=True))
    y.backward(retain_graph=True)
    y.backward(mg.tensor([2.0]))
    assert seen == [1.0, 2.0]


def test_wrong_replacements_in_a_backward_hook_are_refused():
    x = mg.ones(2, requires_grad=True)
    for value, text in [
        ((None, None), "returned 2 gradients for 1 inputs"),
        (mg.ones(3), r"shape \(3,\)"),
    ]:
        m = nn.Identity()
        m.register_full_backward_hook(lambda *_, value=value: value)
        with pytest.raises(RuntimeError, match="Identity.*" + text):
            m(x).sum().backward()
    m = nn.Linear(2, 1)
    m.register_full_backward_hook(lambda *_: mg.ones(2))
    with pytest.raises(RuntimeError, match="input 0, which has none"):
        m(mg.ones(2)).sum().backward()


def test_gradient_that_goes_around_the_output_does_not_call_the_hook():
    class Leaky(nn.Module):
        def forward(self, x):
            self.kept = x * 2
            return x * 3

    m, seen = Leaky(), []
    m.register_full_backward_hook(lambda *_: seen.append(1))
    x = mg.ones(1, requires_grad=True)
    m(x)
    m.kept.backward()
    assert x.grad.item() == 2.0 and not seen


def test_hooked_outputs_keep_their_container():
    from collections import namedtuple

    Pair = namedtuple("Pair", "a b")

    class Returns(nn.Module):
        def __init__(self, make):
            super().__init__()
            self.make = make

        def forward(self, x):
            return self.make(x)

    x = mg.ones(1, requires_grad=True)
    for make, kind in [
        (lambda x: [x, 3], list),
        (lambda x: (x, "s"), tuple),
        (lambda x: Pair(x, x), Pair),
    ]:
        m = Returns(make)
        m.register_full_backward_hook(lambda *_: None)
        assert type(m(x)) is kind
    m = Returns(lambda x: {"x": x})
    m.register_full_backward_hook(lambda *_: None)
    with pytest.raises(TypeError, match="Returns.*got dict"):
        m(x)


def test_change_in_place_of_a_hooked_output_is_noticed():
    m = nn.Identity()
    m.register_full_backward_hook(lambda *_: None)
    x = mg.ones(2, requires_grad=True)
    y = m(x.exp())
    with pytest.raises(RuntimeError, match="view"):
        y.add_(x)


# modes and casts ------------------------------------------------------------------------------


def test_train_and_eval_reach_every_module():
    net = nn.Sequential(Net(), nn.Dropout())
    assert net.eval() is net and not any(m.training for m in net.modules())
    assert net.train() is net and all(m.training for m in net.modules())
    with pytest.raises(ValueError, match="Sequential.*boolean"):
        net.train("yes")


def test_zero_grad_resets_to_none_or_to_zeros_in_place():
    m = nn.Linear(2, 1)
    m(mg.ones(1, 2)).sum().backward()
    kept = m.weight.grad
    m.zero_grad(set_to_none=False)
    assert m.weight.grad is kept and kept.tolist() == [[0.0, 0.0]]
    m.zero_grad()
    assert m.weight.grad is None and m.bias.grad is None
    m.zero_grad(set_to_none=False)
    assert m.weight.grad is None


def test_requires_grad_freezes_and_thaws():
    m = Net().requires_grad_(False)
    assert not any(p.requires_grad for p in m.parameters())
    assert all(p.requires_grad for p in m.requires_grad_().parameters())


def test_apply_goes_from_the_leaves_to_the_root():
    net, seen = Net(), []
    assert net.apply(lambda m: seen.append(m)) is net
    assert seen == [net.first, net.norm, net.last, net]


def test_casts_keep_the_parameter_objects_and_skip_integers():
    net = Net()
    before = list(net.parameters())
    net(mg.randn(4, 3)).sum().backward()
    assert net.double() is net
    assert all(p is q for p, q in zip(net.parameters(), before, strict=True))
    assert {p.dtype for p in net.parameters()} == {mg.float64}
    assert {p.grad.dtype for p in net.parameters()} == {mg.float64}
    assert net.norm.running_mean.dtype == mg.float64
    assert net.norm.num_batches_tracked.dtype == mg.int64
    net(mg.randn(4, 3, dtype=mg.float64)).sum().backward()
    assert {p.dtype for p in net.float().parameters()} == {mg.float32}
    assert {p.dtype for p in net.to("float64").parameters()} == {mg.float64}
    with pytest.raises(TypeError, match="Net.*floating"):
        net.to(mg.int64)


def test_a_graph_from_before_a_cast_is_refused():
    m = nn.Linear(2, 2)
    y = m(mg.ones(1, 2, requires_grad=True)).sum()
    m.double()
    with pytest.raises(RuntimeError, match="changed in place by `to`"):
        y.backward()


# state ----------------------------------------------------------------------------------------


def test_state_dict_is_detached_ordered_and_shares_memory():
    net = Net()
    state = net.state_dict()
    assert isinstance(state, OrderedDict)
    assert list(state) == [
        "scale",
        "offset",
        "first.weight",
        "first.bias",
        "norm.weight",
        "norm.bias",
        "norm.running_mean",
        "norm.running_var",
        "norm.num_batches_tracked",
        "last.weight",
    ]
    assert not any(x.requires_grad for x in state.values())
    with mg.no_grad():
        net.scale.fill_(5)
    assert state["scale"].tolist() == [5.0, 5.0]
    assert net.state_dict(keep_vars=True)["scale"] is net.scale
    into = {}
    assert net.state_dict(destination=into, prefix="net.") is into and "net.scale" in into


def test_state_goes_from_one_module_to_another():
    a, b = Net(), Net()
    a(mg.randn(8, 3))
    result = b.load_state_dict(a.state_dict())
    assert repr(result) == "<All keys matched successfully>"
    assert result.missing_keys == [] and result.unexpected_keys == []
    x = mg.randn(4, 3)
    assert a.eval()(x).tolist() == b.eval()(x).tolist()
    assert b.norm.num_batches_tracked.item() == 1


def test_state_is_cast_to_the_modules_dtype_and_may_be_arrays():
    m = nn.Linear(2, 1)
    m.load_state_dict({"weight": np.array([[1.0, 2.0]]), "bias": mg.tensor([3])})
    assert m.weight.tolist() == [[1.0, 2.0]] and m.bias.tolist() == [3.0]
    assert m.weight.dtype == m.bias.dtype == mg.float32


def test_load_reports_everything_and_changes_nothing():
    m = nn.Sequential(nn.Linear(2, 1), nn.Linear(1, 3))
    before = {k: v.clone() for k, v in m.state_dict().items()}
    with pytest.raises(RuntimeError) as error:
        m.load_state_dict(
            {"0.weight": mg.ones(1, 2), "1.weight": mg.ones(2, 2), "1.bias": 7, "foo": mg.ones(1)}
        )
    text = str(error.value)
    assert text.startswith("Error(s) in loading state_dict for Sequential:\n\t")
    assert 'Missing key(s) in state_dict: "0.bias". ' in text
    assert 'Unexpected key(s) in state_dict: "foo". ' in text
    assert (
        "size mismatch for 1.weight: copying a param with shape (2, 2) from checkpoint, "
        "the shape in current model is (3, 1)."
    ) in text
    assert 'copying the parameter named "1.bias"' in text and "<class 'int'>" in text
    for key, value in m.state_dict().items():
        assert value.tolist() == before[key].tolist()


def test_load_not_strict_takes_what_fits_and_names_the_rest():
    m = nn.Linear(2, 1)
    result = m.load_state_dict({"weight": mg.ones(1, 2), "foo": mg.ones(1)}, strict=False)
    assert result.missing_keys == ["bias"] and result.unexpected_keys == ["foo"]
    assert m.weight.tolist() == [[1.0, 1.0]]
    with pytest.raises(RuntimeError, match="size mismatch"):
        m.load_state_dict({"weight": mg.ones(1, 3)}, strict=False)
    with pytest.raises(TypeError, match="dict-like"):
        m.load_state_dict([("weight", mg.ones(1, 2))])


def test_load_exchanges_two_parameters_of_the_same_module():
    m = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    state = m.state_dict()
    first, second = state["0.weight"].tolist(), state["1.weight"].tolist()
    swapped = {("1" if k[0] == "0" else "0") + k[1:]: v for k, v in state.items()}
    m.load_state_dict(swapped)
    assert m[0].weight.tolist() == second and m[1].weight.tolist() == first


def test_load_into_parameters_that_a_graph_saved_is_noticed():
    m = nn.Linear(2, 2)
    y = m(mg.ones(1, 2, requires_grad=True)).sum()
    m.load_state_dict(m.state_dict())
    with pytest.raises(RuntimeError, match="load_state_dict"):
        y.backward()


def test_load_refuses_what_cannot_be_copied_before_it_copies():
    m = nn.Linear(2, 1)
    before = m.weight.tolist()
    m.bias = nn.Parameter(mg.zeros(1).expand(3))
    with pytest.raises(RuntimeError, match="bias: its elements share memory"):
        m.load_state_dict({"weight": mg.ones(1, 2), "bias": mg.ones(3)})
    with pytest.raises(RuntimeError, match="weight: expected numbers"):
        m.load_state_dict({"weight": np.array([["a", "b"]])}, strict=False)
    assert m.weight.tolist() == before


def test_functional_call_runs_with_other_values_and_puts_the_own_back():
    net = Net()
    own = dict(net.named_parameters())
    x = mg.randn(4, 3)
    zeros = {name: mg.zeros_like(p) for name, p in own.items()}
    y = mg.func.functional_call(net, {**zeros, "offset": mg.tensor([1.0, 2.0])}, x)
    assert y.tolist() == [[1.0, 2.0]] * 4
    assert all(p is own[name] for name, p in net.named_parameters())
    assert net.offset.tolist() == [0.0, 0.0]


# containers -----------------------------------------------------------------------------------


def layers(n):
    return [nn.Linear(1, 1) for _ in range(n)]


@pytest.mark.parametrize("make", [lambda rows: nn.Sequential(*rows), nn.ModuleList])
def test_containers_are_lists(make):
    a, b, c, d = layers(4)
    m = make([a, b])
    assert len(m) == 2 and list(m) == [a, b] and m[0] is a and m[-1] is b and a in m
    assert m.append(c) is m and list(m) == [a, b, c]
    assert m.insert(1, d) is m and list(m) == [a, d, b, c]
    assert names(m.named_children()) == ["0", "1", "2", "3"]
    assert type(m[1:3]) is type(m) and list(m[1:3]) == [d, b]
    assert m.pop(1) is d and list(m) == [a, b, c]
    m[-1] = d
    assert list(m) == [a, b, d]
    del m[0]
    assert list(m) == [b, d] and names(m.named_children()) == ["0", "1"]
    del m[:1]
    assert list(m) == [d]
    m += [a]
    assert m.extend([b]) is m and list(m) == [d, a, b]
    assert list(m.state_dict()) == [f"{i}.{n}" for i in range(3) for n in ("weight", "bias")]
    for index in (3, -4):
        with pytest.raises(IndexError, match=f"{type(m).__name__}.*out of range"):
            m[index]
    with pytest.raises(IndexError):
        m.insert(9, a)
    with pytest.raises(TypeError, match="is not a Module subclass"):
        m.append(3)
    with pytest.raises(TypeError, match=r"Linear \(a class\)"):
        m.append(nn.Linear)


def test_sequential_takes_names():
    m = nn.Sequential(OrderedDict(first=nn.Linear(1, 1), act=nn.ReLU()))
    assert names(m.named_children()) == ["first", "act"] and m.first is m[0]
    assert list(m.state_dict()) == ["first.weight", "first.bias"]
    assert names(m[:1].named_children()) == ["first"]


def test_empty_sequential_is_the_identity():
    x = mg.ones(1)
    assert nn.Sequential()(x) is x


def test_module_list_has_no_forward():
    with pytest.raises(NotImplementedError, match="ModuleList"):
        nn.ModuleList()(1)


# repr -----------------------------------------------------------------------------------------


def test_repr_shows_the_tree():
    assert repr(nn.Sequential(nn.Sequential(nn.ReLU()), nn.Dropout(0.1))) == (
        "Sequential(\n  (0): Sequential(\n    (0): ReLU()\n  )\n"
        "  (1): Dropout(p=0.1, inplace=False)\n)"
    )


def test_repr_is_pytorchs():
    torch = pytest.importorskip("torch")

    def build(nn):
        return nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1, bias=False),
            nn.Conv2d(4, 8, (3, 5), stride=2, dilation=2, groups=2, padding="valid"),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.AvgPool2d(2, stride=1, padding=1),
            nn.Flatten(),
            nn.Dropout(),
            nn.Sequential(nn.Linear(8, 3), nn.Tanh(), nn.Sigmoid(), nn.Softplus()),
            nn.Softmax(dim=1),
            nn.LogSoftmax(dim=-1),
            nn.Identity(),
            nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.BatchNorm1d(2, momentum=None)]),
            nn.ModuleList(),
            nn.CrossEntropyLoss(),
            nn.MSELoss(reduction="sum"),
            nn.NLLLoss(),
            nn.BCEWithLogitsLoss(),
        )

    ours, theirs = repr(build(nn)), repr(build(torch.nn))
    shown = "affine=True, bias=True, track"  # by newer ones
    assert ours.replace(shown, "affine=True, track") == theirs.replace(shown, "affine=True, track")
