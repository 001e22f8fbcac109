"""Each rule against its formula in plain NumPy and against PyTorch; what all optimizers share."""

import copy
import math
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim import SGD, Adagrad, Adam, AdamW, Optimizer, RAdam, RMSprop

STEPS = 40

# (rule, options), each also a row of the PyTorch test
CASES = [
    (SGD, {}),
    (SGD, {"lr": 0.1, "momentum": 0.9}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    (SGD, {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    (SGD, {"lr": 0.1, "maximize": True, "weight_decay": 0.1}),
    (Adagrad, {}),
    (Adagrad, {"lr": 0.1, "lr_decay": 0.05, "weight_decay": 0.1}),
    (Adagrad, {"initial_accumulator_value": 0.5, "eps": 1e-3, "maximize": True}),
    (RMSprop, {}),
    (RMSprop, {"lr": 0.05, "alpha": 0.8, "weight_decay": 0.1, "eps": 1e-3}),
    (RMSprop, {"momentum": 0.9, "centered": True}),
    (RMSprop, {"centered": True, "maximize": True}),
    (Adam, {}),
    (Adam, {"lr": 0.05, "betas": (0.7, 0.9), "weight_decay": 0.1, "eps": 1e-3}),
    (Adam, {"amsgrad": True, "lr": 0.05, "betas": (0.9, 0.5)}),
    (Adam, {"maximize": True}),
    (AdamW, {}),
    (AdamW, {"lr": 0.05, "weight_decay": 0.3, "amsgrad": True, "maximize": True}),
    (RAdam, {}),
    (RAdam, {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.1}),
    (RAdam, {"lr": 0.05, "weight_decay": 0.3, "decoupled_weight_decay": True}),
]
IDS = [f"{rule.__name__}-{'-'.join(options) or 'defaults'}" for rule, options in CASES]
cases = pytest.mark.parametrize(("rule", "options"), CASES, ids=IDS)


def gradient(w, t):
    """A gradient that depends on the parameter and changes sign and size along the way."""
    return 2 * w + 3 * np.sin(t + np.arange(w.size).reshape(w.shape))


# The formulas, one element at a time in Python floats ---------------------------------------


def formula(rule, o, w, steps):
    """The parameter after `steps` steps, from the published formulas."""
    w = w.copy()
    o = {**rule([mg.zeros(1)]).param_groups[0], **o}
    lr, decay = o["lr"], o["weight_decay"]
    sign = -1 if o["maximize"] else 1
    m, v, b, top = (np.zeros_like(w) for _ in range(4))
    total = np.full_like(w, o.get("initial_accumulator_value", 0))
    decoupled = rule is AdamW or o.get("decoupled_weight_decay", False)
    for t in range(1, steps + 1):
        g = sign * gradient(w, t)
        if decoupled:
            w = w * (1 - lr * decay)
        else:
            g = g + decay * w
        if rule is SGD:
            mu = o["momentum"]
            b = g if t == 1 else mu * b + (1 - o["dampening"]) * g
            step = g if not mu else g + mu * b if o["nesterov"] else b
            w = w - lr * step
            continue
        if rule is Adagrad:
            total = total + g**2
            w = w - lr / (1 + (t - 1) * o["lr_decay"]) * g / (total**0.5 + o["eps"])
            continue
        if rule is RMSprop:
            v = o["alpha"] * v + (1 - o["alpha"]) * g**2
            m = o["alpha"] * m + (1 - o["alpha"]) * g
            spread = v - m**2 if o["centered"] else v
            b = o["momentum"] * b + g / (spread**0.5 + o["eps"])
            w = w - lr * b
            continue
        beta1, beta2 = o["betas"]
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        if rule is RAdam:
            end = 2 / (1 - beta2) - 1
            rho = end - 2 * t * beta2**t / (1 - beta2**t)
            if rho > 5:
                r = ((rho - 4) * (rho - 2) * end / ((end - 4) * (end - 2) * rho)) ** 0.5
                m_hat = m_hat * r * (1 - beta2**t) ** 0.5 / (v**0.5 + o["eps"])
            w = w - lr * m_hat
            continue
        top = np.maximum(top, v)
        v_hat = (top if o["amsgrad"] else v) / (1 - beta2**t)
        w = w - lr * m_hat / (v_hat**0.5 + o["eps"])
    return w


def start(dtype=np.float64):
    return np.linspace(-2, 3, 12, dtype=dtype).reshape(3, 4)


def train(optimizer, p, first, last):
    for t in range(first, last + 1):
        p.grad = mg.tensor(gradient(p.detach().numpy(), t), dtype=p.dtype)
        optimizer.step()


@cases
def test_rule_follows_its_formula(rule, options):
    p = mg.tensor(start(), requires_grad=True)
    train(rule([p], **options), p, 1, STEPS)
    expected = formula(rule, options, start(), STEPS)
    np.testing.assert_allclose(p.detach().numpy(), expected, rtol=1e-10, atol=1e-12)


@cases
def test_float32_stays_close_to_float64(rule, options):
    p = mg.tensor(start(np.float32), requires_grad=True)
    train(rule([p], **options), p, 1, 10)
    assert p.dtype == np.float32
    expected = formula(rule, options, start(), 10)
    np.testing.assert_allclose(p.detach().numpy(), expected, rtol=1e-4, atol=1e-4)


@cases
def test_rule_agrees_with_pytorch(rule, options):
    torch = pytest.importorskip("torch")
    p = mg.tensor(start(), requires_grad=True)
    q = torch.tensor(start(), requires_grad=True)
    ours, theirs = rule([p], **options), getattr(torch.optim, rule.__name__)([q], **options)
    for t in range(1, STEPS + 1):
        p.grad = mg.tensor(gradient(p.detach().numpy(), t))
        q.grad = torch.tensor(gradient(q.detach().numpy(), t))
        ours.step()
        theirs.step()
    np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("rule", [SGD, Adagrad, RMSprop, Adam, AdamW, RAdam])
def test_defaults_are_pytorchs(rule):
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.optim, rule.__name__)([torch.zeros(1)]).defaults
    for name, value in rule([mg.zeros(1)]).defaults.items():
        assert value == theirs[name], name


@pytest.mark.parametrize("rule", [SGD, Adagrad, RMSprop, Adam, AdamW, RAdam])
def test_non_contiguous_parameters_and_gradients(rule):
    base = np.zeros((4, 6))
    base[:, ::2] = start().T
    p = mg.from_numpy(base[:, ::2].T).requires_grad_()
    assert not p.is_contiguous()
    train(rule([p]), p, 1, 5)
    np.testing.assert_allclose(base[:, ::2].T, formula(rule, {}, start(), 5), rtol=1e-10)
    assert not base[:, 1::2].any()


# Checkpoints --------------------------------------------------------------------------------


@cases
def test_state_dict_in_mid_training_goes_on_identically(rule, options):
    p = mg.tensor(start(), requires_grad=True)
    optimizer = rule([p], **options)
    train(optimizer, p, 1, 7)
    q = mg.tensor(p, requires_grad=True)
    other = rule([q], lr=123.0)
    other.load_state_dict(optimizer.state_dict())
    train(optimizer, p, 8, 15)
    train(other, q, 8, 15)
    np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


@cases
def test_checkpoint_file_goes_on_identically(rule, options, tmp_path):
    p = mg.tensor(start(), requires_grad=True)
    optimizer = rule([p], **options)
    train(optimizer, p, 1, 3)
    mg.save({"p": p, "optimizer": optimizer.state_dict()}, tmp_path / "a.npz")
    loaded = mg.load(tmp_path / "a.npz")
    q = loaded["p"].requires_grad_()
    other = rule([q])
    other.load_state_dict(loaded["optimizer"])
    assert other.param_groups[0] | {"params": 0} == optimizer.param_groups[0] | {"params": 0}
    train(optimizer, p, 4, 6)
    train(other, q, 4, 6)
    np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


def test_state_dict_has_pytorchs_layout():
    p, q = mg.ones(2, requires_grad=True), mg.ones(3, requires_grad=True)
    optimizer = Adam([{"params": [p]}, {"params": [q], "lr": 0.5}])
    q.grad = mg.ones(3)
    optimizer.step()
    state = optimizer.state_dict()
    assert set(state) == {"state", "param_groups"}
    assert [group["params"] for group in state["param_groups"]] == [[0], [1]]
    assert state["param_groups"][1]["lr"] == 0.5
    assert list(state["state"]) == [1]
    assert set(state["state"][1]) == {"step", "exp_avg", "exp_avg_sq"}
    assert state["state"][1]["step"] == 1


def test_loaded_state_is_a_copy_in_the_parameters_dtype():
    p, q = mg.ones(2, requires_grad=True), mg.ones(2, dtype="float64", requires_grad=True)
    optimizer, other = SGD([p], momentum=0.9), SGD([q], momentum=0.9)
    p.grad = mg.ones(2)
    optimizer.step()
    other.load_state_dict(optimizer.state_dict())
    buffer = other.state[q]["momentum_buffer"]
    assert buffer.dtype == np.float64
    p.grad = mg.ones(2)
    optimizer.step()
    np.testing.assert_array_equal(buffer.numpy(), [1, 1])


def test_pytorch_checkpoint_loads():
    torch = pytest.importorskip("torch")
    q = torch.tensor(start(), requires_grad=True)
    theirs = torch.optim.Adam([q])
    for t in range(1, 4):
        q.grad = torch.tensor(gradient(q.detach().numpy(), t))
        theirs.step()
    state = theirs.state_dict()
    kept = {name: mg.tensor(value.numpy()) for name, value in state["state"][0].items()}
    p = mg.tensor(q.detach().numpy(), requires_grad=True)
    ours = Adam([p])
    ours.load_state_dict({"state": {0: kept}, "param_groups": state["param_groups"]})
    train(ours, p, 4, 6)
    np.testing.assert_allclose(p.detach().numpy(), formula(Adam, {}, start(), 6), rtol=1e-10)


def test_load_state_dict_refuses_what_does_not_fit():
    def momentum(*shapes):
        params = [mg.ones(*shape, requires_grad=True) for shape in shapes]
        optimizer = SGD(params, momentum=0.9)
        for p in params:
            p.grad = mg.ones(*p.shape)
        optimizer.step()
        return optimizer

    optimizer = momentum((2,), (3,))
    with pytest.raises(ValueError, match="group 0 has 1 parameters, that of the optimizer 2"):
        optimizer.load_state_dict(momentum((2,)).state_dict())
    with pytest.raises(ValueError, match=r"parameter 0 has shape \(3,\), the parameter \(2,\)"):
        optimizer.load_state_dict(momentum((3,), (2,)).state_dict())
    two = SGD([{"params": [mg.ones(2)]}, {"params": [mg.ones(3)]}])
    with pytest.raises(ValueError, match="2 parameter groups given, the optimizer has 1"):
        optimizer.load_state_dict(two.state_dict())
    assert optimizer.state[optimizer.param_groups[0]["params"][0]]["momentum_buffer"].shape == (2,)


def test_deepcopy_trains_apart():
    p = mg.tensor(start(), requires_grad=True)
    optimizer = Adam([p])
    train(optimizer, p, 1, 3)
    other = copy.deepcopy(optimizer)
    (q,) = other.param_groups[0]["params"]
    assert q is not p
    before = p.detach().clone()
    train(other, q, 4, 6)
    np.testing.assert_array_equal(p.detach().numpy(), before.numpy())
    train(optimizer, p, 4, 6)
    np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


# What a step does and leaves alone ----------------------------------------------------------


@pytest.mark.parametrize("rule", [SGD, Adagrad, RMSprop, Adam, AdamW, RAdam])
def test_step_is_in_place_unrecorded_and_counted(rule):
    p, idle = mg.ones(3, requires_grad=True), mg.ones(3, requires_grad=True)
    array, version = p.detach().numpy(), p._version
    y = p * p
    p.grad = mg.ones(3)
    rule([p, idle], weight_decay=0.5).step()
    assert p.detach().numpy() is array and (array != 1).all()
    assert p._version == version + 1 and p.is_leaf
    np.testing.assert_array_equal(p.grad.numpy(), 1)
    np.testing.assert_array_equal(idle.detach().numpy(), 1)
    with pytest.raises(RuntimeError, match=f"{rule.__name__}.step"):
        y.sum().backward()


def test_zero_grad():
    p, q = mg.ones(2, requires_grad=True), mg.ones(2, requires_grad=True)
    optimizer = SGD([p, q])
    p.grad = mg.ones(2)
    held = p.grad
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is held and not held.numpy().any() and q.grad is None
    optimizer.zero_grad()
    assert p.grad is None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (p**3).sum().backward(create_graph=True)
    optimizer.zero_grad(set_to_none=False)
    assert not p.grad.requires_grad and not p.grad.numpy().any()


def test_closure_runs_with_gradients_and_its_loss_is_returned():
    p = mg.tensor([2.0], requires_grad=True)
    optimizer = SGD([p], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with mg.no_grad():
        assert optimizer.step(closure).item() == 4
        assert not mg.is_grad_enabled()
    assert p.item() == 0
    assert mg.is_grad_enabled()


def test_recording_is_back_after_an_update_that_fails():
    class Broken(Optimizer):
        def update(self, p, g, state, group):
            raise ZeroDivisionError

    p = mg.ones(1, requires_grad=True)
    p.grad = mg.ones(1)
    with pytest.raises(ZeroDivisionError):
        Broken([p], {}).step()
    assert mg.is_grad_enabled()
    with pytest.raises(NotImplementedError, match="update"):
        Optimizer([p], {}).step()


def test_groups_have_their_own_options_and_lr_may_be_a_tensor():
    p, q = mg.ones(1, requires_grad=True), mg.ones(1, requires_grad=True)
    optimizer = SGD([{"params": p}, {"params": [q], "lr": mg.tensor(0.25)}], lr=0.5)
    p.grad, q.grad = mg.ones(1), mg.ones(1)
    optimizer.step()
    assert (p.item(), q.item()) == (0.5, 0.75)
    optimizer.param_groups[0]["lr"] = 0.0
    optimizer.step()
    assert (p.item(), q.item()) == (0.5, 0.5)


def test_rule_of_the_users_own_keeps_state_and_checkpoints():
    class Average(Optimizer):
        """Steps along the mean of all gradients."""

        def __init__(self, params, lr=0.1):
            super().__init__(params, {"lr": lr})

        def update(self, p, g, state, group):
            state["n"] = state.get("n", 0) + 1
            total = self.buffer(state, "total", p).add_(g)
            p -= group["lr"] / state["n"] * total

    p = mg.tensor([1.0], requires_grad=True)
    optimizer = Average([p])
    for g in (1.0, 3.0):
        p.grad = mg.tensor([g])
        optimizer.step()
    assert p.item() == pytest.approx(1 - 0.1 - 0.2)
    other = Average([p])
    other.load_state_dict(optimizer.state_dict())
    assert other.state[p]["n"] == 2 and other.state[p]["total"].item() == 4


def test_repr_lists_groups_and_options():
    text = repr(SGD([{"params": mg.ones(1)}, {"params": mg.ones(1), "lr": 0.5}]))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n    lr: 0.001\n")
    assert "Parameter Group 1" in text and "    lr: 0.5\n" in text


# Errors -------------------------------------------------------------------------------------

BAD_OPTIONS = [
    (SGD, {"lr": -1}, "SGD: lr must be finite and >= 0, got -1"),
    (SGD, {"lr": math.nan}, "lr"),
    (SGD, {"lr": mg.ones(2)}, r"lr as a Tensor must be 0-d, got shape \(2,\)"),
    (SGD, {"momentum": -0.5}, "momentum"),
    (SGD, {"weight_decay": -0.5}, "weight_decay"),
    (SGD, {"nesterov": True}, "nesterov needs momentum > 0 and dampening 0"),
    (SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "nesterov"),
    (Adagrad, {"lr_decay": -1}, "lr_decay"),
    (Adagrad, {"initial_accumulator_value": -1}, "initial_accumulator_value"),
    (RMSprop, {"alpha": -0.1}, "alpha"),
    (RMSprop, {"eps": -1e-8}, "eps"),
    (Adam, {"betas": (1.0, 0.9)}, r"Adam: betas\[0\] must be in \[0, 1\), got 1.0"),
    (Adam, {"betas": (0.9, -0.1)}, r"betas\[1\]"),
    (Adam, {"betas": 0.9}, "two numbers"),
    (AdamW, {"eps": -1}, "AdamW: eps"),
    (RAdam, {"betas": (0.9,)}, "two numbers"),
]


@pytest.mark.parametrize(("rule", "options", "message"), BAD_OPTIONS)
def test_options_out_of_range(rule, options, message):
    with pytest.raises(ValueError, match=message):
        rule([mg.ones(1)], **options)
    with pytest.raises(ValueError, match=message):
        rule([{"params": [mg.ones(1)], **options}])


def test_options_that_are_not_numbers():
    with pytest.raises(TypeError, match="SGD: lr must be a number, got str"):
        SGD([mg.ones(1)], lr="0.1")


def test_parameters_that_cannot_be_optimized():
    x = mg.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="list of parameters is empty"):
        SGD([])
    with pytest.raises(TypeError, match="got one Tensor"):
        SGD(x)
    with pytest.raises(TypeError, match="order"):
        SGD({x})
    with pytest.raises(TypeError, match="iterable"):
        SGD(3)
    with pytest.raises(TypeError, match="parameter 1 is a float, not a Tensor"):
        SGD([x, 1.0])
    with pytest.raises(TypeError, match=r"model\.parameters"):
        SGD(["weight"])
    with pytest.raises(ValueError, match="either all parameters have names"):
        SGD([("weight", x), mg.ones(1)])
    with pytest.raises(ValueError, match="either all parameters have names"):
        SGD([{"params": [x]}, {"params": [("bias", mg.ones(1))]}])
    with pytest.raises(ValueError, match=r"parameter 0, shape \(2,\), is not a leaf.*Mul"):
        SGD([x * 2])
    with pytest.raises(ValueError, match="already in another group"):
        SGD([{"params": [x]}, {"params": [x]}])
    with pytest.warns(UserWarning, match="twice"):
        SGD([x, x])
    with pytest.raises(TypeError, match="must be a dict"):
        SGD([x]).add_param_group([mg.ones(1)])
    with pytest.raises(ValueError, match="no entry 'params'"):
        SGD([{"lr": 1}])


def test_an_update_of_a_subclass_goes_before_the_rule_for_all():
    class Clipped(SGD):
        def update(self, p, g, state, group):
            super().update(p, g.clamp(-1, 1), state, group)

    p, q = mg.ones(2, requires_grad=True), mg.ones(1, requires_grad=True)
    p.grad, q.grad = mg.tensor([0.5, 9.0]), mg.tensor([-9.0])
    Clipped([p, q], lr=1.0, momentum=0.5).step()
    assert p.tolist() == [0.5, 0.0] and q.tolist() == [2.0]


def test_parameters_of_different_ages_are_each_counted_and_noted():
    p, q = mg.ones(1, requires_grad=True), mg.ones(1, requires_grad=True)
    optimizer = Adam([p, q], lr=0.1)
    p.grad = mg.ones(1)
    optimizer.step()
    q.grad = mg.ones(1)
    saved = [x * x for x in (p, q)]
    optimizer.step()
    assert [optimizer.state[x]["step"] for x in (p, q)] == [2, 1]
    assert q.item() == pytest.approx(0.9) and p.item() == pytest.approx(0.8)
    for y in saved:
        with pytest.raises(RuntimeError, match="Adam.step"):
            y.backward()


def test_a_parameter_that_occurs_twice_is_updated_twice():
    p = mg.ones(1, requires_grad=True)
    with pytest.warns(UserWarning, match="twice"):
        optimizer = RMSprop([p, p], lr=0.1, alpha=0.5, eps=0)
    p.grad = mg.ones(1)
    optimizer.step()
    assert p.item() == pytest.approx(1 - 0.1 / 0.5**0.5 - 0.1 / 0.75**0.5)
