"""The table of schedules: each with its closed form; and how to run one."""

import math

import pytest

import minigrad as mg


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


def triangle(t, up, down):
    x = t % (up + down)
    return x / up if x <= up else (up + down - x) / down


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
