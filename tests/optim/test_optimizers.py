"""Each rule against its formula in plain NumPy and against PyTorch; what all optimizers share."""

import math
import warnings

import numpy as np
import pytest
from optim_table import CASES, IDS, RULES, formula, gradient, start, train, trajectory

import minigrad as mg
from minigrad.optim import ASGD, SGD, Adam, Lion, Muon, Optimizer, RMSprop, Rprop

STEPS = 120


cases = pytest.mark.parametrize(("rule", "options"), CASES, ids=IDS)


every = pytest.mark.parametrize("rule", RULES)


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
def test_rule_and_its_state_agree_with_pytorch(rule, options, monkeypatch):
    torch = pytest.importorskip("torch")
    if rule is Lion:
        pytest.skip("PyTorch has no Lion")
    if rule is Muon:  # theirs rounds to bfloat16; see the next test
        monkeypatch.setattr(torch.Tensor, "bfloat16", lambda x: x.clone())
    ours, theirs = agree(torch, rule, options, 1e-10)
    assert set(ours) - {"step"} == {n for n in theirs if theirs[n] is not None} - {"step"}
    for name, value in theirs.items():
        if name in ours:
            found = ours[name].numpy() if isinstance(ours[name], mg.Tensor) else ours[name]
            np.testing.assert_allclose(found, value.numpy(), rtol=1e-9, atol=1e-10, err_msg=name)


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


@every
@pytest.mark.parametrize("value", [math.nan, math.inf, 1e38])
def test_what_is_not_finite_goes_its_way_without_a_warning(rule, value, recwarn):
    p = mg.ones(2, 2, requires_grad=True)
    optimizer = rule([p])
    for _ in range(3):
        p.grad = mg.full((2, 2), value)
        optimizer.step()
    assert not recwarn
    if math.isnan(value):
        assert np.isnan(p.detach().numpy()).all()


def test_asgd_averages_from_t0_on():
    options = {"lr": 0.1, "lambd": 0.1, "t0": 5}
    p = mg.tensor(start(), requires_grad=True)
    optimizer = ASGD([p], **options)
    train(optimizer, p, 1, 20)
    mean = np.mean(trajectory(ASGD, options, start(), 20)[7:], axis=0)
    np.testing.assert_allclose(optimizer.state[p]["ax"].numpy(), mean, rtol=1e-6)


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
