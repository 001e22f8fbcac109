"""Rates that rise and fall again and again, with the momentum going the other way."""

import math

from minigrad.optim.lr_scheduler.base import (
    LRScheduler,
    an_optimizer,
    one_a_group,
    set_rate,
)


class MomentumCycle(LRScheduler):
    """The base of both cycles: sets the momentum of each group, or β₁, as it sets the rate."""

    def _prepare(self, optimizer, base_momentum, max_momentum, last_epoch):
        name = type(self).__name__
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError(
                f"{name}: cycle_momentum needs an optimizer with momentum or betas, "
                f"and {type(optimizer).__name__} has neither"
            )
        self.use_beta1 = "betas" in optimizer.defaults
        self.base_momentums = one_a_group(base_momentum, optimizer, f"{name}: base_momentum")
        self.max_momentums = one_a_group(max_momentum, optimizer, f"{name}: max_momentum")
        if last_epoch == -1:
            rows = zip(
                optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True
            )
            for group, low, high in rows:
                group["base_momentum"], group["max_momentum"] = low, high
                self._set_momentum(group, high)

    def _set_momentum(self, group, value):
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value

    def _apply(self):
        super()._apply()
        if self.cycle_momentum:
            for k, group in enumerate(self.optimizer.param_groups):
                self._set_momentum(group, self._momentum(k, group))


class CyclicLR(MomentumCycle):
    r"""lr = base_lr + (max_lr - base_lr) · h · a, with h going from 0 to 1 and back in each cycle.

    With u = `step_size_up`, T = u + `step_size_down`, the cycle c = 1 + ⌊t/T⌋ and x = t mod T::

        h = x / u if x <= u else (T - x) / (T - u)
        a = 1 (triangular), 2^(1-c) (triangular2), γᵗ (exp_range), or what `scale_fn` says

    and if `cycle_momentum`: momentum = max_momentum - (max_momentum - base_momentum) · h · a.

    Parameters
    ----------
    optimizer : Optimizer
    base_lr, max_lr : float or list of float
        The ends, or those of each parameter group. The optimizer's own rate is not used.
    step_size_up, step_size_down : int
        Steps of each half. Down as up, by default.
    mode : "triangular", "triangular2" or "exp_range"
        a, without `scale_fn`.
    gamma : float
        γ.
    scale_fn : callable, optional
        a, of the cycle c or of t.
    scale_mode : "cycle" or "iterations"
        Which of the two.
    cycle_momentum : bool
        Change the momentum too, or β₁.
    base_momentum, max_momentum : float or list of float
        Its ends.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    ValueError
        An unknown mode; steps that are not positive; another number of values than of groups;
        `cycle_momentum` with an optimizer that has none.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import SGD, lr_scheduler
    >>> optimizer = SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lr_scheduler.CyclicLR(optimizer, 0.0, 1.0, step_size_up=2, mode="triangular2")
    >>> for _ in range(8):
    ...     print(scheduler.get_last_lr()[0], end=" ")
    ...     optimizer.step(); scheduler.step()
    0.0 0.5 1.0 0.5 0.0 0.25 0.5 0.25

    References
    ----------
    Smith (2017), "Cyclical learning rates for training neural networks", WACV.
    """

    functions = ("_scale_fn_custom",)

    def __init__(
        self,
        optimizer,
        base_lr,
        max_lr,
        step_size_up=2000,
        step_size_down=None,
        mode="triangular",
        gamma=1.0,
        scale_fn=None,
        scale_mode="cycle",
        cycle_momentum=True,
        base_momentum=0.8,
        max_momentum=0.9,
        last_epoch=-1,
    ):
        an_optimizer(optimizer, "CyclicLR")
        self._base = one_a_group(base_lr, optimizer, "CyclicLR: base_lr")
        self.max_lrs = one_a_group(max_lr, optimizer, "CyclicLR: max_lr")
        down = step_size_up if step_size_down is None else step_size_down
        if not (step_size_up > 0 and down >= 0):
            raise ValueError(
                "CyclicLR: step_size_up must be positive and step_size_down not negative, "
                f"got {step_size_up} and {down}"
            )
        if scale_fn is None and mode not in ("triangular", "triangular2", "exp_range"):
            raise ValueError(
                "CyclicLR: without scale_fn, mode must be 'triangular', 'triangular2' or "
                f"'exp_range', got {mode!r}"
            )
        if scale_mode not in ("cycle", "iterations"):
            raise ValueError(
                f"CyclicLR: scale_mode must be 'cycle' or 'iterations', got {scale_mode!r}"
            )
        self.total_size = float(step_size_up + down)
        self.step_ratio = step_size_up / self.total_size
        self.mode, self.gamma, self._scale_fn_custom = mode, gamma, scale_fn
        self.scale_mode = scale_mode
        if scale_fn is None:
            self.scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, self._base, strict=True):
                set_rate(group, lr)
        if cycle_momentum:
            self._prepare(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _own_rates(self):
        return list(self._base)

    def scale_fn(self, x):
        """a, of the cycle or of t."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "exp_range":
            return self.gamma**x
        return 1.0 if self.mode == "triangular" else 2.0 ** (1 - x)

    def _height(self):
        """h · a."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1 + self.last_epoch / self.total_size - cycle
        up = x <= self.step_ratio
        height = x / self.step_ratio if up else (x - 1) / (self.step_ratio - 1)
        return height * self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)

    def get_lr(self):
        """The formula above, for each group."""
        height = self._height()
        pairs = zip(self.base_lrs, self.max_lrs, strict=True)
        return [base + (most - base) * height for base, most in pairs]

    def _momentum(self, k, group):
        high = self.max_momentums[k]
        return high - (high - self.base_momentums[k]) * self._height()
