"""The Transformer's schedule."""

import math

from minigrad.optim.lr_scheduler.base import LRScheduler, at_least_one


class InverseSquareRootLR(LRScheduler):
    """The Transformer's warm-up: linear to a peak, then falling with 1/√t.

    With s = t + 1, the number of the coming optimizer step (1, 2, ...), and w = `warmup_steps`::

        lr = d_model^-0.5 · min(s^-0.5, s · w^-1.5)       given d_model: the paper's formula
        lr = η₀ · min(s / w, √(w / s))                    else: the same curve, with peak η₀

    Both peak at s = w: the first with (d_model · w)^-0.5, whatever the optimizer's own rate.

    Parameters
    ----------
    optimizer : Optimizer
    d_model : int, optional
        The model's width. Without it the optimizer's own rate is the peak.
    warmup_steps : int
        w.
    last_epoch : int
        See `LRScheduler`.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import Adam, lr_scheduler
    >>> optimizer = Adam([mg.zeros(1, requires_grad=True)], lr=1e-3, betas=(0.9, 0.98), eps=1e-9)
    >>> scheduler = lr_scheduler.InverseSquareRootLR(optimizer, warmup_steps=4)
    >>> for _ in range(8):
    ...     print(f"{scheduler.get_last_lr()[0]:.2g}", end=" ")
    ...     optimizer.step(); scheduler.step()
    0.00025 0.0005 0.00075 0.001 0.00089 0.00082 0.00076 0.00071

    References
    ----------
    Vaswani et al. (2017), "Attention is all you need", section 5.3, equation 3.
    """

    def __init__(self, optimizer, d_model=None, warmup_steps=4000, last_epoch=-1):
        if d_model is not None and not d_model > 0:
            raise ValueError(f"InverseSquareRootLR: d_model must be positive, got {d_model}")
        self.d_model = d_model
        self.warmup_steps = at_least_one(warmup_steps, "InverseSquareRootLR: warmup_steps")
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr, t):
        """peak · min(s / w, √(w / s)), s = t + 1."""
        s, w = t + 1, self.warmup_steps
        peak = base_lr if self.d_model is None else (self.d_model * w) ** -0.5
        return peak * min(s / w, math.sqrt(w / s))
