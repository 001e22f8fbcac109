"""SAM against its formula: two passes, any base optimizer, groups, checkpoints."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim import SAM, SGD, AdamW, lr_scheduler

X = np.linspace(-2, 3, 12).reshape(3, 4)


def gradient(w):
    return 2 * w + 3 * np.cos(w)


def loss_of(params):
    return sum(((p * p).sum() + 3 * p.sin().sum() for p in params), mg.tensor(0.0))


def build(adaptive=False, rho=0.3, base=SGD, **options):
    params = [mg.tensor(part, requires_grad=True) for part in (X[:1], X[1:])]
    return params, SAM(params, base, rho=rho, adaptive=adaptive, **options)


def closure_of(params):
    def closure():
        loss = loss_of(params)
        loss.backward()
        return loss

    return closure


def both(params):
    return np.concatenate([p.detach().numpy() for p in params])


def edge(w, rho, adaptive):
    """The gradient at the worst point of the ball around w."""
    g = gradient(w)
    scale = abs(w) if adaptive else 1.0
    e = rho * scale**2 * g / np.linalg.norm(scale * g)
    return gradient(w + e)


@pytest.mark.parametrize("adaptive", [False, True])
def test_descends_by_the_gradient_at_the_edge(adaptive):
    params, optimizer = build(adaptive, lr=0.05, momentum=0.9)
    w, b = X, 0
    for _ in range(100):
        optimizer.step(closure_of(params))
        b = 0.9 * b + edge(w, 0.3, adaptive)
        w = w - 0.05 * b
        np.testing.assert_allclose(both(params), w, rtol=1e-8, atol=1e-9)


def test_without_a_ball_it_is_the_base_optimizer():
    params, optimizer = build(rho=0.0, base=AdamW, lr=0.1)
    others = [mg.tensor(p, requires_grad=True) for p in params]
    base = AdamW(others, lr=0.1)
    for _ in range(5):
        optimizer.step(closure_of(params))
        base.zero_grad()
        closure_of(others)()
        base.step()
    np.testing.assert_array_equal(both(params), both(others))


def test_two_steps_by_hand_are_one():
    params, optimizer = build(lr=0.1)
    others, apart = build(lr=0.1)
    loss = optimizer.step(closure_of(params))
    assert loss.item() == pytest.approx((X**2 + 3 * np.sin(X)).sum())
    closure_of(others)()
    apart.first_step(zero_grad=True)
    assert (both(others) != X).any() and others[0].grad is None
    closure_of(others)()
    apart.second_step(zero_grad=True)
    assert others[0].grad is None
    np.testing.assert_array_equal(both(params), both(others))


def test_groups_have_their_own_ball():
    p, q = mg.ones(1, requires_grad=True), mg.ones(1, requires_grad=True)
    groups = [{"params": [p]}, {"params": [q], "rho": 0.0, "lr": 0.5}]
    optimizer = SAM(groups, SGD, rho=1.0, lr=0.1)
    optimizer.step(lambda: (p * p + q * q).sum().backward())
    assert q.item() == 0  # 1 - 0.5 · 2
    assert p.item() == pytest.approx(1 - 0.1 * 2 * (1 + 0.5**0.5))
    r = mg.ones(1, requires_grad=True)
    optimizer.add_param_group({"params": [r], "lr": 0.0})
    assert optimizer.param_groups is optimizer.base_optimizer.param_groups
    assert optimizer.param_groups[2]["rho"] == 1.0


def test_schedules_and_checkpoints(tmp_path, recwarn):
    params, optimizer = build(lr=0.1, momentum=0.9)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step(closure_of(params))
    scheduler.step()
    assert optimizer.base_optimizer.param_groups[0]["lr"] == 0.05 and not recwarn
    mg.save(optimizer.state_dict(), tmp_path / "a.npz")
    others = [mg.tensor(p, requires_grad=True) for p in params]
    other = SAM(others, SGD, rho=9.0, lr=9.0)
    other.load_state_dict(mg.load(tmp_path / "a.npz"))
    twin, twins = copy.deepcopy((optimizer, params))
    for _ in range(3):
        optimizer.step(closure_of(params))
        other.step(closure_of(others))
        twin.step(closure_of(twins))
    np.testing.assert_array_equal(both(params), both(others))
    np.testing.assert_array_equal(both(params), both(twins))


def test_parameters_without_a_gradient_stay():
    p, idle = mg.ones(1, requires_grad=True), mg.ones(1, requires_grad=True)
    optimizer = SAM([p, idle], SGD, lr=0.1)
    optimizer.step(lambda: (p * p).sum().backward())
    assert idle.item() == 1 and p.item() < 1
    optimizer.step(lambda: (0 * p).sum().backward())  # no direction: no 0 / 0
    assert np.isfinite(p.item())


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e38])
@pytest.mark.parametrize("rule", [lambda p: SAM([p], SGD), lambda p: mg.optim.LBFGS([p])])
def test_what_is_not_finite_goes_its_way_without_a_warning(rule, value, recwarn):
    p = mg.ones(2, requires_grad=True)

    def closure():
        p.grad = mg.full((2,), value)
        return mg.tensor(0.0)

    rule(p).step(closure)
    assert not recwarn


def test_errors():
    p = mg.ones(1, requires_grad=True)
    with pytest.raises(TypeError, match="base_optimizer must be a class of optimizers"):
        SAM([p], SGD([p]))
    with pytest.raises(ValueError, match="SAM: rho must be finite and >= 0, got -1"):
        SAM([p], SGD, rho=-1)
    with pytest.raises(ValueError, match="SGD: lr"):
        SAM([p], SGD, lr=-1)
    with pytest.raises(TypeError, match="betas"):
        SAM([p], SGD, betas=(0.9, 0.9))
    optimizer = SAM([p], SGD)
    with pytest.raises(TypeError, match="needs a closure"):
        optimizer.step()
    with pytest.raises(RuntimeError, match="call first_step before"):
        optimizer.second_step()
    p.grad = mg.ones(1)
    optimizer.first_step()
    with pytest.raises(RuntimeError, match="called twice"):
        optimizer.first_step()
