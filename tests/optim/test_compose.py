"""Schedules one after the other and all at once."""

import math

import pytest
from schedule_table import SCHEDULES, make, rates, run, same

import minigrad as mg
from minigrad.optim import lr_scheduler as S


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


def test_errors_of_sequences_and_chains():
    optimizer = make()
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
