"""Schedules against closed forms and PyTorch: alone, in turn, in sequence, resumed."""

import math
import warnings

import pytest

import minigrad as mg
from minigrad.optim import SGD, Optimizer
from minigrad.optim import lr_scheduler as S

# name -> (make(module, optimizer), closed form of η₀ and t)
SCHEDULES = {
    "lambda": (
        lambda m, o: m.LambdaLR(o, lambda t: 0.9**t / (1 + t)),
        lambda lr, t: lr * 0.9**t / (1 + t),
    ),
    "step": (lambda m, o: m.StepLR(o, 3, gamma=0.5), lambda lr, t: lr * 0.5 ** (t // 3)),
    "exponential": (lambda m, o: m.ExponentialLR(o, 0.8), lambda lr, t: lr * 0.8**t),
    "linear": (
        lambda m, o: m.LinearLR(o, 0.25, 0.75, total_iters=6),
        lambda lr, t: lr * (0.25 + 0.5 * min(t, 6) / 6),
    ),
    "linear defaults": (
        lambda m, o: m.LinearLR(o),
        lambda lr, t: lr * (1 / 3 + 2 / 3 * min(t, 5) / 5),
    ),
    "cosine": (
        lambda m, o: m.CosineAnnealingLR(o, 7, eta_min=0.01),
        lambda lr, t: 0.01 + (lr - 0.01) * (1 + math.cos(math.pi * t / 7)) / 2,
    ),
}
every = pytest.mark.parametrize("name", SCHEDULES)


def make(module=mg, rates=(1.0, 0.3)):
    groups = [{"params": [module.zeros(1)], "lr": lr} for lr in rates]
    return (mg.optim.SGD if module is mg else module.optim.SGD)(groups)


def rates(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


def run(optimizer, schedulers, steps):
    """The rates seen by each optimizer step."""
    seen = []
    for _ in range(steps):
        seen.append(rates(optimizer))
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    return seen


def same(ours, theirs):
    for t, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert a == pytest.approx(b, rel=1e-12, abs=1e-14), t


@every
def test_schedule_is_its_closed_form(name):
    make_scheduler, closed = SCHEDULES[name]
    optimizer = make()
    scheduler = make_scheduler(S, optimizer)
    seen = run(optimizer, [scheduler], 30)
    same(seen, [[closed(1.0, t), closed(0.3, t)] for t in range(30)])
    assert scheduler.last_epoch == 30
    assert scheduler.get_last_lr() == rates(optimizer)
    assert [group["initial_lr"] for group in optimizer.param_groups] == [1.0, 0.3]


@every
def test_schedule_is_pytorchs(name):
    torch = pytest.importorskip("torch")
    ours, theirs = make(), make(torch)
    a = SCHEDULES[name][0](S, ours)
    b = SCHEDULES[name][0](torch.optim.lr_scheduler, theirs)
    same(run(ours, [a], 30), run(theirs, [b], 30))


@pytest.mark.parametrize("names", [("linear", "exponential"), ("step", "linear", "cosine")])
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


@pytest.mark.parametrize(
    ("names", "milestones"),
    [
        (("linear defaults", "exponential"), [5]),
        (("linear", "cosine", "step"), [3, 9]),
        (("lambda", "exponential"), [1]),
    ],
)
def test_sequence_is_pytorchs(names, milestones):
    torch = pytest.importorskip("torch")
    seen = []
    for module in (mg, torch):
        optimizer = make(module)
        lib = module.optim.lr_scheduler
        parts = [SCHEDULES[name][0](lib, optimizer) for name in names]
        sequence = lib.SequentialLR(optimizer, parts, milestones)
        seen.append(run(optimizer, [sequence], 15))
        assert sequence.get_last_lr() == rates(optimizer)
    same(*seen)


def test_sequence_starts_each_schedule_anew_at_its_milestone():
    optimizer = make(rates=(1.0,))
    parts = [S.LinearLR(optimizer, 0.5, total_iters=2), S.ExponentialLR(optimizer, 0.5)]
    sequence = S.SequentialLR(optimizer, parts, [2])
    assert run(optimizer, [sequence], 5) == [[0.5], [0.75], [1.0], [0.5], [0.25]]


def test_sequence_of_sequences():
    optimizer = make(rates=(1.0,))
    inner = S.SequentialLR(
        optimizer, [S.ExponentialLR(optimizer, 0.5), S.ExponentialLR(optimizer, 0.1)], [2]
    )
    outer = S.SequentialLR(optimizer, [S.LinearLR(optimizer, 0.5, total_iters=9), inner], [1])
    same(run(optimizer, [outer], 5), [[0.5], [1.0], [0.5], [1.0], [0.1]])


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


def test_state_dict_of_a_sequence():
    def build():
        optimizer = make()
        parts = [S.LinearLR(optimizer), S.CosineAnnealingLR(optimizer, 9)]
        return optimizer, S.SequentialLR(optimizer, parts, [5])

    optimizer, sequence = build()
    run(optimizer, [sequence], 3)
    other, resumed = build()
    other.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(sequence.state_dict())
    assert run(other, [resumed], 9) == run(optimizer, [sequence], 9)


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


def test_errors():
    optimizer = make()
    with pytest.raises(TypeError, match="expected an Optimizer, got int"):
        S.ExponentialLR(3, 0.9)
    with pytest.raises(ValueError, match="expected 2 functions, one for each parameter group"):
        S.LambdaLR(optimizer, [lambda t: 1.0])
    with pytest.raises(ValueError, match=r"start_factor must be in \(0, 1\], got 0"):
        S.LinearLR(optimizer, start_factor=0)
    with pytest.raises(ValueError, match="end_factor"):
        S.LinearLR(optimizer, end_factor=2)
    for bad in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match="T_max must be a positive integer"):
            S.CosineAnnealingLR(optimizer, bad)
    with pytest.raises(ValueError, match="d_model"):
        S.InverseSquareRootLR(optimizer, d_model=0)
    a, b = S.ExponentialLR(optimizer, 0.9), S.ExponentialLR(optimizer, 0.9)
    with pytest.raises(ValueError, match="need 1 milestones, got 2"):
        S.SequentialLR(optimizer, [a, b], [1, 2])
    with pytest.raises(ValueError, match="increase"):
        S.SequentialLR(optimizer, [a, b], [0])
    with pytest.raises(ValueError, match="at least one"):
        S.SequentialLR(optimizer, [], [])
    with pytest.raises(ValueError, match="scheduler 0 was made for another optimizer"):
        S.SequentialLR(make(), [a, b], [1])
