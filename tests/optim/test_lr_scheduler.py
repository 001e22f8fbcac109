"""Schedules against closed forms and PyTorch: alone, in turn, resumed."""

import warnings

import pytest
from schedule_table import CYCLES, SCHEDULES, make, rates, run, same

import minigrad as mg
from minigrad.optim import SGD, Optimizer
from minigrad.optim import lr_scheduler as S

every = pytest.mark.parametrize("name", SCHEDULES)


@every
def test_schedule_is_its_closed_form(name):
    make_scheduler, closed = SCHEDULES[name]
    optimizer = make()
    scheduler = make_scheduler(S, optimizer)
    seen = run(optimizer, [scheduler], 100)
    same(seen, [[closed(1.0, t), closed(0.3, t)] for t in range(100)])
    assert scheduler.last_epoch == 100
    assert scheduler.get_last_lr() == rates(optimizer)
    assert [group["initial_lr"] for group in optimizer.param_groups] == [1.0, 0.3]


@every
def test_schedule_is_pytorchs(name):
    torch = pytest.importorskip("torch")
    ours, theirs = make(), make(torch)
    a = SCHEDULES[name][0](S, ours)
    b = SCHEDULES[name][0](torch.optim.lr_scheduler, theirs)
    same(run(ours, [a], 100), run(theirs, [b], 100))


@pytest.mark.parametrize(
    "names",
    [
        ("linear", "exponential"),
        ("step", "linear", "cosine"),
        ("constant", "multistep", "multiplicative"),
        ("polynomial", "exponential"),
        ("exponential", "restarts"),
    ],
)
def test_schedules_stepped_in_turn_are_pytorchs(names):
    torch = pytest.importorskip("torch")
    ours, theirs = make(), make(torch)
    a = [SCHEDULES[name][0](S, ours) for name in names]
    b = [SCHEDULES[name][0](torch.optim.lr_scheduler, theirs) for name in names]
    same(run(ours, a, 7), run(theirs, b, 7))  # beyond eta_min PyTorch forgets the other factors


@every
def test_rate_changed_by_hand_is_treated_as_in_pytorch(name):
    torch = pytest.importorskip("torch")
    seen = []
    for module in (mg, torch):
        optimizer = make(module)
        scheduler = SCHEDULES[name][0](module.optim.lr_scheduler, optimizer)
        rows = run(optimizer, [scheduler], 3)
        optimizer.param_groups[0]["lr"] *= 0.5
        seen.append(rows + run(optimizer, [scheduler], 5))
    same(*seen)


def test_product_of_schedules_stepped_in_turn():
    optimizer = make()
    schedulers = [S.ExponentialLR(optimizer, 0.9), S.StepLR(optimizer, 2, 0.5)]
    expected = [[lr * 0.9**t * 0.5 ** (t // 2) for lr in (1.0, 0.3)] for t in range(9)]
    same(run(optimizer, schedulers, 9), expected)


def test_inverse_square_root_is_the_papers_formula():
    optimizer = make(rates=(123.0,))
    scheduler = S.InverseSquareRootLR(optimizer, d_model=512, warmup_steps=10)
    paper = [[512**-0.5 * min(s**-0.5, s * 10**-1.5)] for s in range(1, 41)]
    same(run(optimizer, [scheduler], 40), paper)


def test_inverse_square_root_peaks_at_the_optimizers_rate_after_the_warm_up():
    optimizer = make(rates=(0.02, 0.5))
    seen = run(optimizer, [S.InverseSquareRootLR(optimizer, warmup_steps=8)], 33)
    assert max(range(33), key=lambda t: seen[t][0]) == 7
    assert seen[7] == [0.02, 0.5]
    assert seen[31] == pytest.approx([0.01, 0.25])
    assert S.InverseSquareRootLR(make()).warmup_steps == 4000


def test_restarts_at_a_fraction_of_an_epoch_are_pytorchs():
    seen = []
    for module in (mg, pytest.importorskip("torch")):
        optimizer = make(module)
        lib = module.optim.lr_scheduler
        rows = []
        for T_mult in (1, 2):
            scheduler = lib.CosineAnnealingWarmRestarts(optimizer, 5, T_mult)
            for k in range(100):
                scheduler.step(k / 4 + 0.1)
                rows.append([*scheduler.get_last_lr(), scheduler.last_epoch, scheduler.T_i])
        seen.append(rows)
    same(*seen)


def test_step_to_an_epoch_takes_the_closed_form():
    for name in ("step", "linear", "cosine", "polynomial", "multistep", "constant"):
        make_scheduler, closed = SCHEDULES[name]
        optimizer = make(rates=(1.0,))
        scheduler = make_scheduler(S, optimizer)
        optimizer.step()
        scheduler.step(5)
        assert scheduler.get_last_lr() == [pytest.approx(closed(1.0, 5))], name


@every
def test_state_dict_in_mid_training_goes_on_identically(name, tmp_path):
    make_scheduler = SCHEDULES[name][0]
    optimizer = make()
    scheduler = make_scheduler(S, optimizer)
    run(optimizer, [scheduler], 4)
    mg.save([scheduler.state_dict(), optimizer.state_dict()], tmp_path / "a.npz")
    expected = run(optimizer, [scheduler], 6)
    other = make(rates=(9.0, 9.0))
    resumed = make_scheduler(S, other)
    states = mg.load(tmp_path / "a.npz")
    other.load_state_dict(states[1])
    resumed.load_state_dict(states[0])
    assert run(other, [resumed], 6) == expected


@pytest.mark.parametrize("name", [*SCHEDULES, *CYCLES])
def test_state_dicts_go_to_pytorch_and_back(name):
    torch = pytest.importorskip("torch")
    build = (SCHEDULES | CYCLES)[name][0]
    pairs = [(o, build(m.optim.lr_scheduler, o)) for m in (mg, torch) for o in [make(m)]]
    whole = make()
    expected = run(whole, [build(S, whole)], 30)
    seen = []
    for k, (optimizer, scheduler) in enumerate([*pairs, pairs[0]]):
        if k:  # take over from the other library
            before, state = pairs[k % 2 - 1]
            scheduler.load_state_dict(state.state_dict())
            for group, old in zip(optimizer.param_groups, before.param_groups, strict=True):
                group["lr"] = old["lr"]
        seen += run(optimizer, [scheduler], 10)
    same(seen, expected)


def test_state_dict_keeps_what_a_callable_object_has_learnt():
    class Power:
        def __init__(self, base):
            self.base = base

        def __call__(self, t):
            return self.base**t

    optimizer = make()
    state = S.LambdaLR(optimizer, [Power(0.5), lambda t: 1.0]).state_dict()
    assert state["lr_lambdas"] == [{"base": 0.5}, None]
    other = make()
    resumed = S.LambdaLR(other, [Power(7), lambda t: 1.0])
    resumed.load_state_dict(state)
    resumed._step_count = 2
    resumed.step()
    assert rates(other)[0] == 0.5


RESUME = {
    "step": lambda m, o, k: m.StepLR(o, 3, 0.5, last_epoch=k),
    "exponential": lambda m, o, k: m.ExponentialLR(o, 0.8, last_epoch=k),
    "linear": lambda m, o, k: m.LinearLR(o, 0.25, 0.75, 6, last_epoch=k),
    "cosine": lambda m, o, k: m.CosineAnnealingLR(o, 7, 0.01, last_epoch=k),
    "multistep": lambda m, o, k: m.MultiStepLR(o, [3, 3, 8], 0.5, last_epoch=k),
    "constant": lambda m, o, k: m.ConstantLR(o, 0.25, 4, last_epoch=k),
    "polynomial": lambda m, o, k: m.PolynomialLR(o, 40, 2.5, last_epoch=k),
    "restarts": lambda m, o, k: m.CosineAnnealingWarmRestarts(o, 3, 2, 0.01, last_epoch=k),
}


@pytest.mark.parametrize("name", RESUME)
def test_going_on_with_last_epoch(name):
    make_scheduler, closed = SCHEDULES[name]
    optimizer = make()
    run(optimizer, [make_scheduler(S, optimizer)], 4)
    resumed = RESUME[name](S, optimizer, 3)
    assert resumed.last_epoch == 4
    same(run(optimizer, [resumed], 9), [[closed(1.0, t), closed(0.3, t)] for t in range(4, 13)])


def test_last_epoch_needs_initial_lr():
    with pytest.raises(KeyError, match="initial_lr"):
        S.ExponentialLR(make(), 0.9, last_epoch=3)


def test_rate_in_a_tensor_is_changed_in_place():
    lr = mg.tensor(1.0)
    optimizer = SGD([mg.zeros(1)], lr=lr)
    scheduler = S.ExponentialLR(optimizer, 0.7)
    same(run(optimizer, [], 0), [])
    for t in range(5):
        assert optimizer.param_groups[0]["lr"] is lr
        assert scheduler.get_last_lr() == [lr.item()] == [pytest.approx(0.7**t, rel=1e-6)]
        optimizer.step()
        scheduler.step()


def test_schedule_of_the_users_own():
    class Halves(S.LRScheduler):
        def rate(self, base_lr, t):
            return base_lr / 2**t

    optimizer = make(rates=(1.0,))
    assert run(optimizer, [Halves(optimizer)], 3) == [[1.0], [0.5], [0.25]]
    with pytest.raises(NotImplementedError, match="rate"):
        S.LRScheduler(optimizer)


def test_step_before_the_optimizers_step_warns_once():
    optimizer = make()
    scheduler = S.ExponentialLR(optimizer, 0.9)
    with pytest.warns(UserWarning, match=r"before optimizer\.step"):
        scheduler.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.step()
        run(optimizer, [S.ExponentialLR(optimizer, 0.9)], 2)


def test_no_warning_for_an_optimizer_with_a_step_of_its_own():
    class Own(Optimizer):
        def step(self):
            for group in self.param_groups:
                for p in group["params"]:
                    p.data.sub_(p.grad, alpha=group["lr"])

    p = mg.ones(1, requires_grad=True)
    p.grad = mg.ones(1)
    optimizer = Own([p], {"lr": 0.5})
    scheduler = S.ExponentialLR(optimizer, 0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.step()
        scheduler.step()
    assert p.item() == 0.5
