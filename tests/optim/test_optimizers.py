"""Each rule against its formula in plain NumPy and against PyTorch; what all optimizers share."""

import copy
import math
import warnings

import numpy as np
import pytest
from optim_table import CASES, IDS, RULES, formula, gradient, start, train, trajectory

import minigrad as mg
from minigrad.optim import (
    ASGD,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    Muon,
    NAdam,
    Optimizer,
    RAdam,
    RMSprop,
    Rprop,
)
from minigrad.optim.muon import COEFFICIENTS, bfloat16, newton_schulz

STEPS = 120

cases = pytest.mark.parametrize(("rule", "options"), CASES, ids=IDS)
every = pytest.mark.parametrize("rule", RULES)


@pytest.fixture
def torch_double():
    """PyTorch, with the numbers in its states in double precision, as ours are."""
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(before)


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


def agree(torch, rule, options, tolerance):
    p = mg.tensor(start(), requires_grad=True)
    q = torch.tensor(start(), requires_grad=True)
    known = {name: value for name, value in options.items() if name != "ns_dtype"}
    ours, theirs = rule([p], **options), getattr(torch.optim, rule.__name__)([q], **known)
    for t in range(1, STEPS + 1):
        p.grad = mg.tensor(gradient(p.detach().numpy(), t))
        q.grad = torch.tensor(gradient(q.detach().numpy(), t))
        ours.step()
        theirs.step()
        np.testing.assert_allclose(
            p.detach().numpy(), q.detach().numpy(), rtol=tolerance, atol=tolerance
        )
    return ours.state[p], theirs.state[q]


@cases
def test_rule_and_its_state_agree_with_pytorch(rule, options, torch_double, monkeypatch):
    if rule is Lion:
        pytest.skip("PyTorch has no Lion")
    if rule is Muon:  # theirs rounds to bfloat16; see the next test
        monkeypatch.setattr(torch_double.Tensor, "bfloat16", lambda x: x.clone())
    ours, theirs = agree(torch_double, rule, options, 1e-10)
    assert set(ours) - {"step"} == {n for n in theirs if theirs[n] is not None} - {"step"}
    for name, value in theirs.items():
        if name in ours:
            found = ours[name].numpy() if isinstance(ours[name], mg.Tensor) else ours[name]
            np.testing.assert_allclose(found, value.numpy(), rtol=1e-9, atol=1e-10, err_msg=name)


def test_newton_schulz_in_bfloat16_is_pytorchs():
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("torch.optim._muon")._zeropower_via_newtonschulz
    rng = np.random.default_rng(0)
    same = []
    for shape in [(5, 4), (4, 3), (3, 8), (16, 16)] * 5:
        x = rng.normal(size=shape)
        a = newton_schulz(x, steps=5, rounded=bfloat16)
        b = theirs(torch.tensor(x), COEFFICIENTS, 5, 1e-7).float().numpy()
        np.testing.assert_allclose(a, b, atol=2**-6)
        same += (a == b).ravel().tolist()
    assert np.mean(same) > 0.95  # sums of another order round to a neighbour now and then


@every
def test_defaults_are_pytorchs(rule):
    torch = pytest.importorskip("torch")
    if rule is Lion:
        pytest.skip("PyTorch has no Lion")
    theirs = getattr(torch.optim, rule.__name__)([torch.zeros(1, 1)]).defaults
    for name, value in rule([mg.zeros(1, 1)]).defaults.items():
        if name != "ns_dtype":
            assert value == theirs[name], name


@every
def test_non_contiguous_parameters_and_gradients(rule):
    base = np.zeros((3, 8))
    base[:, ::2] = start().T
    p = mg.from_numpy(base[:, ::2].T).requires_grad_()
    assert not p.is_contiguous()
    options = {"ns_dtype": None} if rule is Muon else {}
    train(rule([p], **options), p, 1, 5)
    np.testing.assert_allclose(base[:, ::2].T, formula(rule, options, start(), 5), rtol=1e-10)
    assert not base[:, 1::2].any()


@every
def test_parameters_without_axes_or_elements(rule):
    if rule is Muon:
        shapes = [(0, 3), (3, 0), (1, 1)]
    else:
        shapes = [(), (0,), (2, 0, 3)]
    params = [mg.zeros(*shape, requires_grad=True) for shape in shapes]
    optimizer = rule(params)
    for _ in range(3):
        for p in params:
            p.grad = mg.ones(*p.shape)
        optimizer.step()
    assert all(np.isfinite(p.detach().numpy()).all() for p in params)


def test_asgd_averages_from_t0_on():
    options = {"lr": 0.1, "lambd": 0.1, "t0": 5}
    p = mg.tensor(start(), requires_grad=True)
    optimizer = ASGD([p], **options)
    train(optimizer, p, 1, 20)
    mean = np.mean(trajectory(ASGD, options, start(), 20)[7:], axis=0)
    np.testing.assert_allclose(optimizer.state[p]["ax"].numpy(), mean, rtol=1e-10)


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3)])
def test_newton_schulz_brings_singular_values_near_one(shape):
    x = np.random.default_rng(0).normal(size=shape)
    sizes = np.linalg.svd(newton_schulz(x), compute_uv=False)
    assert (sizes > 0.68).all() and (sizes < 1.14).all()
    rough = newton_schulz(x, rounded=bfloat16)
    np.testing.assert_allclose(rough, newton_schulz(x), atol=0.05)
    assert (bfloat16(rough) == rough).all()
    exact = newton_schulz(x, (1.5, -0.5, 0), 60)  # the classical iteration: X Xᵀ = 1
    u, _, v = np.linalg.svd(x, full_matrices=False)
    np.testing.assert_allclose(exact, u @ v, atol=1e-10)


def test_bfloat16_rounds_to_even_and_keeps_what_is_not_finite():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    x = np.append(x, [np.nan, np.inf, -np.inf, 0, 1 + 2**-8, 1 + 3 * 2**-8]).astype(np.float32)
    np.testing.assert_array_equal(bfloat16(x), torch.tensor(x).bfloat16().float().numpy())


# Checkpoints --------------------------------------------------------------------------------


@cases
def test_state_dict_in_mid_training_goes_on_identically(rule, options):
    p = mg.tensor(start(), requires_grad=True)
    optimizer = rule([p], **options)
    train(optimizer, p, 1, 7)
    q = mg.tensor(p, requires_grad=True)
    other = rule([q], lr=9.0)
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


@cases
def test_pytorch_checkpoint_loads_and_ours_loads_there(rule, options, torch_double, monkeypatch):
    if rule is Lion:
        pytest.skip("PyTorch has no Lion")
    torch = torch_double
    if rule is Muon:
        monkeypatch.setattr(torch.Tensor, "bfloat16", lambda x: x.clone())
    known = {name: value for name, value in options.items() if name != "ns_dtype"}

    def go(optimizer, q, first, last):
        for t in range(first, last + 1):
            q.grad = torch.tensor(gradient(q.detach().numpy(), t))
            optimizer.step()

    def ours_of(state):
        kept = {
            name: mg.tensor(v.numpy()) if isinstance(v, torch.Tensor) else v
            for name, v in state["state"].get(0, {"momentum_buffer": None}).items()
        }
        return {"state": {0: kept}, "param_groups": state["param_groups"]}

    def theirs_of(state):
        kept = {
            name: torch.tensor(v.numpy()) if isinstance(v, mg.Tensor) else v
            for name, v in state["state"].get(0, {}).items()
        }
        return {"state": {0: kept} if kept else {}, "param_groups": state["param_groups"]}

    expected = formula(rule, options, start(), 9)
    q = torch.tensor(start(), requires_grad=True)
    theirs = getattr(torch.optim, rule.__name__)([q], **known)
    go(theirs, q, 1, 3)
    p = mg.tensor(q.detach().numpy(), requires_grad=True)
    ours = rule([p])
    ours.load_state_dict(ours_of(theirs.state_dict()))
    if rule is Muon:
        ours.param_groups[0]["ns_dtype"] = None
    train(ours, p, 4, 6)
    q = torch.tensor(p.detach().numpy(), requires_grad=True)
    theirs = getattr(torch.optim, rule.__name__)([q])
    theirs.load_state_dict(theirs_of(ours.state_dict()))
    go(theirs, q, 7, 9)
    np.testing.assert_allclose(q.detach().numpy(), expected, rtol=1e-9, atol=1e-10)


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


@every
def test_step_is_in_place_unrecorded_and_counted(rule):
    p, idle = mg.ones(3, 1, requires_grad=True), mg.ones(3, 1, requires_grad=True)
    array, version = p.detach().numpy(), p._version
    y = p * p
    p.grad = mg.ones(3, 1)
    rule([p, idle], **{} if rule is Rprop else {"weight_decay": 0.5}).step()
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


def test_named_parameters():
    model = mg.nn.Linear(2, 1)
    optimizer = SGD(model.named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["params"][0] is model.weight
    state = optimizer.state_dict()
    assert state["param_groups"][0]["param_names"] == ["weight", "bias"]
    other = SGD(model.parameters())
    other.load_state_dict(state)
    assert other.param_groups[0]["lr"] == 0.1
    del state["param_groups"][0]["param_names"]
    optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]


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
    (Adam, {"betas": (mg.tensor(0.9), 0.9)}, "all Tensors or all floats"),
    (Adadelta, {"rho": 1.1}, r"Adadelta: rho must be in \[0, 1\], got 1.1"),
    (Adadelta, {"eps": -1}, "eps"),
    (Adamax, {"betas": (0.0, 1.0)}, r"Adamax: betas\[1\]"),
    (NAdam, {"momentum_decay": -0.2}, "momentum_decay"),
    (NAdam, {"betas": (1.0, 0.0)}, r"NAdam: betas\[0\]"),
    (Rprop, {"etas": (1.0, 0.5)}, "etas must be"),
    (Rprop, {"etas": 0.5}, "two numbers"),
    (Rprop, {"step_sizes": (0.5,)}, "two numbers"),
    (ASGD, {"weight_decay": -0.5}, "weight_decay"),
    (ASGD, {"lambd": math.nan}, "lambd must be finite, got nan"),
    (Lion, {"betas": (0.9, 1.0)}, r"Lion: betas\[1\]"),
]


MUON = [
    ({"ns_steps": 100}, r"ns_steps must be in \[0, 100\)"),
    ({"ns_coefficients": (1.0, 2.0)}, "three numbers"),
    ({"adjust_lr_fn": "arbitrary"}, "adjust_lr_fn"),
    ({"ns_dtype": "float16"}, "ns_dtype"),
    ({"momentum": -1}, "momentum"),
]


@pytest.mark.parametrize(("options", "message"), MUON)
def test_options_of_muon_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        Muon([mg.ones(1, 1)], **options)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
def test_muon_takes_matrices_only(shape):
    with pytest.raises(ValueError, match="parameter 1 has shape .* only matrices"):
        Muon([mg.ones(2, 2), mg.ones(*shape)])


@every
@pytest.mark.parametrize("name", ["foreach", "fused", "capturable", "differentiable"])
def test_what_is_not_offered_is_refused(rule, name):
    with pytest.raises(TypeError, match=name):
        rule([mg.ones(1, 1)], **{name: True})


@pytest.mark.parametrize(("rule", "options", "message"), BAD_OPTIONS)
def test_options_out_of_range(rule, options, message):
    with pytest.raises(ValueError, match=message):
        rule([mg.ones(1)], **options)
    with pytest.raises(ValueError, match=message):
        rule([{"params": [mg.ones(1)], **options}])


def test_options_that_are_not_numbers():
    with pytest.raises(TypeError, match="SGD: lr must be a number, got str"):
        SGD([mg.ones(1)], lr="0.1")
    with pytest.raises(TypeError, match="SGD: lr must be a number, got tuple"):
        SGD([mg.ones(1)], lr=(0.1, 0.2))


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
