"""Schedules of the learning rate: each gives `lr` as a closed form of the number of steps so far.

Call `scheduler.step()` once after `optimizer.step()`. Making a scheduler already sets the rate of
the first step. With η₀ the optimizer's own rate (kept as `initial_lr` in its groups) and t the
number of `scheduler.step()` calls:

    LambdaLR            η₀ · f(t)
    MultiplicativeLR    η₀ · f(1) ⋯ f(t)
    StepLR              η₀ · γ^⌊t / step_size⌋
    MultiStepLR         η₀ · γ^(milestones up to t)
    ConstantLR          a η₀, and from T on η₀
    LinearLR            η₀ · (a + (b - a) · min(t, T) / T)
    ExponentialLR       η₀ · γᵗ
    PolynomialLR        η₀ · (1 - min(t, T) / T)^p
    CosineAnnealingLR   η_min + (η₀ - η_min) · (1 + cos(π t / T)) / 2
    CosineAnnealingWarmRestarts   the same, from the top again and again
    CyclicLR            up and down in triangles
    OneCycleLR          up and down once
    InverseSquareRootLR peak · min((t+1) / w, √(w / (t+1)))
    ReduceLROnPlateau   lower when a metric no longer improves
    SequentialLR        one schedule after the other
    ChainedScheduler    the product of several
"""

from minigrad.optim.lr_scheduler.base import LRScheduler
from minigrad.optim.lr_scheduler.compose import ChainedScheduler, SequentialLR
from minigrad.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from minigrad.optim.lr_scheduler.cyclic import CyclicLR
from minigrad.optim.lr_scheduler.decay import (
    ConstantLR,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from minigrad.optim.lr_scheduler.functions import LambdaLR, MultiplicativeLR
from minigrad.optim.lr_scheduler.one_cycle import OneCycleLR
from minigrad.optim.lr_scheduler.plateau import ReduceLROnPlateau
from minigrad.optim.lr_scheduler.warmup import InverseSquareRootLR

__all__ = [
    "LRScheduler",
    "LambdaLR",
    "MultiplicativeLR",
    "StepLR",
    "MultiStepLR",
    "ConstantLR",
    "LinearLR",
    "ExponentialLR",
    "PolynomialLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "OneCycleLR",
    "InverseSquareRootLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "ChainedScheduler",
]
