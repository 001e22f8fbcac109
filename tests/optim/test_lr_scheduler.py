"""Schedules against closed forms and PyTorch: alone, in turn, in sequence, resumed."""

import math
import warnings

import pytest

import minigrad as mg
from minigrad.optim import SGD, Optimizer
from minigrad.optim import lr_scheduler as S


def restarted(t):
    """The part of its period that step t has reached, for periods of 3, 6, 12, ... steps."""
    k = int(math.log2(t / 3 + 1) + 1e-12)
    return (t - 3 * (2**k - 1)) / (3 * 2**k)


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
    "multiplicative": (
        lambda m, o: m.MultiplicativeLR(o, [lambda t: 1 - 0.5 / (t + 1), lambda t: t / (t + 1)]),
        lambda lr, t: (
            lr
            * math.prod((1 - 0.5 / (k + 1) if lr == 1 else k / (k + 1)) for k in range(1, t + 1))
        ),
    ),
    "multistep": (
        lambda m, o: m.MultiStepLR(o, [8, 3, 3], gamma=0.5),
        lambda lr, t: lr * 0.5 ** (2 * (t >= 3) + (t >= 8)),
    ),
    "constant": (
        lambda m, o: m.ConstantLR(o, 0.25, total_iters=4),
        lambda lr, t: lr * (0.25 if t < 4 else 1),
    ),
    "polynomial": (
        lambda m, o: m.PolynomialLR(o, 40, power=2.5),
        lambda lr, t: lr * (1 - min(t, 40) / 40) ** 2.5,
    ),
    "restarts": (
        lambda m, o: m.CosineAnnealingWarmRestarts(o, 3, T_mult=2, eta_min=0.01),
        lambda lr, t: 0.01 + (lr - 0.01) * (1 + math.cos(math.pi * restarted(t))) / 2,
    ),
    "equal restarts": (
        lambda m, o: m.CosineAnnealingWarmRestarts(o, 4),
        lambda lr, t: lr * (1 + math.cos(math.pi * (t % 4) / 4)) / 2,
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
        assert a == pytest.approx(b, rel=1e-11, abs=1e-13), t


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


@pytest.mark.parametrize(
    ("names", "milestones"),
    [
        (("linear defaults", "exponential"), [5]),
        (("linear", "cosine", "step"), [3, 9]),
        (("lambda", "exponential"), [1]),
        (("multiplicative", "exponential"), [4]),
        (("exponential", "multiplicative", "constant"), [4, 9]),
        (("multistep", "restarts", "polynomial"), [5, 11]),
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


# Cycles: rate and momentum --------------------------------------------------------------------


def triangle(t, up, down):
    x = t % (up + down)
    return x / up if x <= up else (up + down - x) / down


def bend(a, b, part):
    return b + (a - b) * (1 + math.cos(math.pi * part)) / 2


CYCLES = {  # -> (make, h of t: the rate is 0.1 + 0.9 h, the momentum 0.9 - 0.1 h)
    "triangular": (
        lambda m, o: m.CyclicLR(o, 0.1, 1.0, 4),
        lambda t: triangle(t, 4, 4),
    ),
    "triangular2": (
        lambda m, o: m.CyclicLR(o, 0.1, 1.0, 3, 5, mode="triangular2"),
        lambda t: triangle(t, 3, 5) * 0.5 ** (t // 8),
    ),
    "exp_range": (
        lambda m, o: m.CyclicLR(o, 0.1, [1.0, 1.0], 4, mode="exp_range", gamma=0.9),
        lambda t: triangle(t, 4, 4) * 0.9**t,
    ),
    "of the cycle": (
        lambda m, o: m.CyclicLR(o, [0.1, 0.1], 1.0, 2, scale_fn=lambda c: 1 / c),
        lambda t: triangle(t, 2, 2) / (1 + t // 4),
    ),
    "of the step": (
        lambda m, o: m.CyclicLR(
            o, 0.1, 1.0, 2, scale_fn=lambda t: 1 / (1 + t), scale_mode="iterations"
        ),
        lambda t: triangle(t, 2, 2) / (1 + t),
    ),
}


def one_cycle(t, strategy, three_phase):
    """(rate, momentum) at step t of 110, with the top at 27.5 - 1."""
    ends = [(0.0, 0.04, 0.95), (26.5, 1.0, 0.85), (109.0, 4e-6, 0.95)]
    if three_phase:
        ends.insert(2, (53.0, 0.04, 0.95))
    for (t0, a, m), (t1, b, n) in zip(ends, ends[1:], strict=False):
        if t <= t1:
            part = (t - t0) / (t1 - t0)
            if strategy == "cos":
                return bend(a, b, part), bend(m, n, part)
            return a + (b - a) * part, m + (n - m) * part


def run_cycle(optimizer, scheduler, steps, key="momentum"):
    seen = []
    for _ in range(steps):
        seen.append([x for g in optimizer.param_groups for x in (g["lr"], g[key])])
        optimizer.step()
        scheduler.step()
    return seen


@pytest.mark.parametrize("name", CYCLES)
def test_cycle_is_its_closed_form_and_pytorchs(name):
    make_scheduler, height = CYCLES[name]
    optimizer = make()
    seen = run_cycle(optimizer, make_scheduler(S, optimizer), 100)
    same(seen, [[0.1 + 0.9 * height(t), 0.9 - 0.1 * height(t)] * 2 for t in range(100)])
    torch = pytest.importorskip("torch")
    theirs = make(torch)
    same(seen, run_cycle(theirs, make_scheduler(torch.optim.lr_scheduler, theirs), 100))


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("three_phase", [False, True])
def test_one_cycle_is_its_closed_form_and_pytorchs(strategy, three_phase):
    def build(lib, optimizer):
        options = {"pct_start": 0.25, "anneal_strategy": strategy, "three_phase": three_phase}
        return lib.OneCycleLR(optimizer, 1.0, epochs=11, steps_per_epoch=10, **options)

    optimizer = make()
    scheduler = build(S, optimizer)
    seen = run_cycle(optimizer, scheduler, 110)
    same(seen, [[*one_cycle(t, strategy, three_phase)] * 2 for t in range(110)])
    with pytest.raises(ValueError, match="step 111 of 110"):
        scheduler.step()
    torch = pytest.importorskip("torch")
    theirs = make(torch)
    same(seen, run_cycle(theirs, build(torch.optim.lr_scheduler, theirs), 110))


def test_cycles_turn_the_first_beta_of_adam_or_leave_the_momentum():
    optimizer = mg.optim.Adam([mg.zeros(1)], betas=(0.5, 0.7))
    scheduler = S.CyclicLR(optimizer, 0.1, 1.0, 2)
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["betas"] == (pytest.approx(0.85), 0.7)
    S.OneCycleLR(optimizer, 1.0, total_steps=10)
    assert optimizer.param_groups[0]["betas"] == (0.95, 0.7)
    optimizer = mg.optim.Adagrad([mg.zeros(1)])
    for make_scheduler in (
        lambda **o: S.CyclicLR(optimizer, 0.1, 1.0, **o),
        lambda **o: S.OneCycleLR(optimizer, 1.0, total_steps=10, **o),
    ):
        with pytest.raises(ValueError, match="cycle_momentum needs an optimizer with momentum"):
            make_scheduler()
        make_scheduler(cycle_momentum=False)


@pytest.mark.parametrize("name", CYCLES)
def test_state_dict_of_a_cycle_leaves_functions_out(name, tmp_path):
    make_scheduler = CYCLES[name][0]
    optimizer = make()
    scheduler = make_scheduler(S, optimizer)
    run_cycle(optimizer, scheduler, 5)
    mg.save([scheduler.state_dict(), optimizer.state_dict()], tmp_path / "a.npz")
    expected = run_cycle(optimizer, scheduler, 20)
    other = make(rates=(9.0, 9.0))
    resumed = make_scheduler(S, other)
    states = mg.load(tmp_path / "a.npz")
    resumed.load_state_dict(states[0])
    other.load_state_dict(states[1])
    assert run_cycle(other, resumed, 20) == expected


# A plateau ------------------------------------------------------------------------------------

LOSSES = [3.0, 2.0, 1.9995, 1.999, 2.5, 2.1, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.9, math.nan, 0.9] * 7


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 1},
        {"factor": 0.5, "patience": 0, "cooldown": 2},
        {"mode": "max", "patience": 2, "threshold": 0.01, "threshold_mode": "abs"},
        {"threshold": 0.3, "patience": 1, "threshold_mode": "abs", "min_lr": [0.001, 0.1]},
        {"mode": "max", "threshold": 0.1, "patience": 1, "min_lr": 0.01},
        {"patience": 0, "factor": 0.9, "eps": 0.05},
    ],
    ids=lambda options: "-".join(options),
)
def test_plateau_is_pytorchs(options):
    torch = pytest.importorskip("torch")
    seen = []
    for module in (mg, torch):
        optimizer = make(module)
        scheduler = module.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
        rows = []
        for loss in LOSSES:
            scheduler.step(module.tensor(loss))
            rows.append([*scheduler.get_last_lr(), scheduler.num_bad_epochs, scheduler.best])
        seen.append(rows)
    same(*seen)


def test_plateau_waits_and_cools_down_and_resumes(tmp_path):
    optimizer = make(rates=(1.0,))
    scheduler = S.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, cooldown=1)
    mg.save(scheduler.state_dict(), tmp_path / "a.npz")
    seen = []
    for _ in range(9):
        scheduler.step(1.0)
        seen.append(optimizer.param_groups[0]["lr"])
    assert seen == [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]
    scheduler.load_state_dict(mg.load(tmp_path / "a.npz"))
    assert scheduler.best == math.inf and scheduler.last_epoch == 0 and not scheduler.in_cooldown


def test_plateau_and_a_new_parameter_group():
    optimizer = make(rates=(1.0,))
    one, many = (S.ReduceLROnPlateau(optimizer, patience=0, min_lr=m) for m in (0.5, [0.5]))
    optimizer.add_param_group({"params": [mg.zeros(1)], "lr": 2.0})
    for scheduler in (one, many):
        scheduler.step(1.0)
    one.step(1.0)
    assert rates(optimizer) == [0.5, 0.5]
    with pytest.raises(RuntimeError, match="1 min_lr were given, and the optimizer now has 2"):
        many.step(1.0)


# Chains ---------------------------------------------------------------------------------------


def test_chain_is_a_product_and_pytorchs():
    names = ("constant", "exponential", "multistep")
    seen = []
    for module in (mg, pytest.importorskip("torch")):
        optimizer, lib = make(module), module.optim.lr_scheduler
        chain = lib.ChainedScheduler([SCHEDULES[name][0](lib, optimizer) for name in names])
        seen.append(run(optimizer, [chain], 100))
        assert chain.get_last_lr() == rates(optimizer)
    closed = [SCHEDULES[name][1] for name in names]
    same(
        seen[0],
        [[lr * math.prod(f(1.0, t) for f in closed) for lr in (1, 0.3)] for t in range(100)],
    )
    same(*seen)


def test_chain_in_a_sequence_starts_anew_and_resumes():
    def build():
        optimizer = make(rates=(1.0,))
        parts = [S.StepLR(optimizer, 2, 0.5), S.ExponentialLR(optimizer, 0.9)]
        chain = S.ChainedScheduler(parts, optimizer)
        return optimizer, S.SequentialLR(optimizer, [S.ConstantLR(optimizer, 0.1), chain], [3])

    optimizer, sequence = build()
    seen = run(optimizer, [sequence], 5)
    same(seen, [[0.1]] * 3 + [[1.0], [0.9]])
    other, resumed = build()
    other.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(sequence.state_dict())
    expected = [[0.5 ** (t // 2) * 0.9**t] for t in range(2, 8)]
    same(run(optimizer, [sequence], 6), expected)
    same(run(other, [resumed], 6), expected)


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


# Checkpoints ----------------------------------------------------------------------------------


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


def test_errors():
    optimizer = make()
    with pytest.raises(TypeError, match="expected an Optimizer, got int"):
        S.ExponentialLR(3, 0.9)
    with pytest.raises(ValueError, match="lr_lambda: expected 2 values, one for each parameter"):
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
    with pytest.raises(ValueError, match="is a ReduceLROnPlateau"):
        S.SequentialLR(optimizer, [a, S.ReduceLROnPlateau(optimizer)], [1])
    with pytest.raises(TypeError, match=r"schedulers\[1\] is no scheduler"):
        S.SequentialLR(optimizer, [a, 3], [1])
    with pytest.raises(ValueError, match="at least one"):
        S.ChainedScheduler([])
    with pytest.raises(ValueError, match="scheduler 1 was made for another optimizer"):
        S.ChainedScheduler([a, S.ExponentialLR(make(), 0.9)])
    with pytest.raises(ValueError, match="is a ReduceLROnPlateau"):
        S.ChainedScheduler([S.ReduceLROnPlateau(optimizer)])


BAD = [
    (ValueError, "factor", lambda o: S.ConstantLR(o, factor=1.5)),
    (ValueError, "factor", lambda o: S.ConstantLR(o, factor=-0.1)),
    (ValueError, "total_iters", lambda o: S.PolynomialLR(o, 0)),
    (TypeError, "milestones", lambda o: S.MultiStepLR(o, 3)),
    (TypeError, "milestones", lambda o: S.MultiStepLR(o, ["a", 1])),
    (TypeError, "must be a function, got float", lambda o: S.LambdaLR(o, 0.5)),
    (TypeError, "MultiplicativeLR.*function", lambda o: S.MultiplicativeLR(o, 0.5)),
    (ValueError, "expected 2 values", lambda o: S.MultiplicativeLR(o, [abs] * 3)),
    (ValueError, "T_0", lambda o: S.CosineAnnealingWarmRestarts(o, 0)),
    (ValueError, "T_0", lambda o: S.CosineAnnealingWarmRestarts(o, 2.5)),
    (ValueError, "T_mult", lambda o: S.CosineAnnealingWarmRestarts(o, 1, T_mult=0)),
    (ValueError, "eta_min", lambda o: S.CosineAnnealingWarmRestarts(o, 1, eta_min="0")),
    (ValueError, "epoch", lambda o: S.CosineAnnealingWarmRestarts(o, 1).step(-1)),
    (ValueError, "max_lr: expected 2", lambda o: S.CyclicLR(o, 0.1, [1.0])),
    (ValueError, "base_lr: expected 2", lambda o: S.CyclicLR(o, [0.1] * 3, 1.0)),
    (ValueError, "max_momentum: expected 2", lambda o: S.CyclicLR(o, 0, 1, max_momentum=[0])),
    (ValueError, "mode", lambda o: S.CyclicLR(o, 0.1, 1.0, mode="square")),
    (ValueError, "scale_mode", lambda o: S.CyclicLR(o, 0.1, 1.0, scale_mode="epoch")),
    (ValueError, "step_size_up", lambda o: S.CyclicLR(o, 0.1, 1.0, 0)),
    (ValueError, "needs total_steps", lambda o: S.OneCycleLR(o, 1.0)),
    (ValueError, "needs total_steps", lambda o: S.OneCycleLR(o, 1.0, epochs=3)),
    (ValueError, "total_steps", lambda o: S.OneCycleLR(o, 1.0, total_steps=0)),
    (ValueError, "total_steps", lambda o: S.OneCycleLR(o, 1.0, total_steps=1.5)),
    (ValueError, "epochs", lambda o: S.OneCycleLR(o, 1.0, epochs=-1, steps_per_epoch=2)),
    (ValueError, "steps_per", lambda o: S.OneCycleLR(o, 1.0, epochs=2, steps_per_epoch=0.5)),
    (ValueError, "pct_start", lambda o: S.OneCycleLR(o, 1.0, 9, pct_start=1.5)),
    (ValueError, "anneal", lambda o: S.OneCycleLR(o, 1.0, 9, anneal_strategy="exp")),
    (ValueError, "factor", lambda o: S.ReduceLROnPlateau(o, factor=1.0)),
    (ValueError, "mode", lambda o: S.ReduceLROnPlateau(o, mode="least")),
    (ValueError, "threshold_mode", lambda o: S.ReduceLROnPlateau(o, threshold_mode="x")),
    (ValueError, "min_lr: expected 2", lambda o: S.ReduceLROnPlateau(o, min_lr=[0.1])),
]


@pytest.mark.parametrize(("error", "message", "bad"), BAD)
def test_bad_options(error, message, bad):
    with pytest.raises(error, match=message):
        bad(make())


@pytest.mark.parametrize("make_scheduler", [f for f, _ in (SCHEDULES | CYCLES).values()])
def test_a_schedule_of_no_optimizer(make_scheduler):
    with pytest.raises(TypeError, match="expected an Optimizer, got NoneType"):
        make_scheduler(S, None)
    with pytest.raises(TypeError, match="expected an Optimizer, got NoneType"):
        S.ReduceLROnPlateau(None)
