"""Rate and momentum that go up and down: against closed forms and PyTorch."""

import math

import pytest
from schedule_table import CYCLES, make, same

import minigrad as mg
from minigrad.optim import lr_scheduler as S


def bend(a, b, part):
    return b + (a - b) * (1 + math.cos(math.pi * part)) / 2


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
