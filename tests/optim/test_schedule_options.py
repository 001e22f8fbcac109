"""What schedules refuse."""

import pytest
from schedule_table import CYCLES, SCHEDULES, make

from minigrad.optim import lr_scheduler as S


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
