"""Schedules that fall in steps, along a line, a power or an exponential; see `lr_scheduler`."""

from collections import Counter

from minigrad.optim.lr_scheduler.base import LRScheduler, at_least_one, in_proportion


class StepLR(LRScheduler):
    """lr = η₀ · γ^⌊t / step_size⌋.

    Parameters
    ----------
    optimizer : Optimizer
    step_size : int
        Steps between two decays.
    gamma : float
        γ.
    last_epoch : int
        See `LRScheduler`.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import SGD, lr_scheduler
    >>> optimizer = SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for _ in range(4):
    ...     optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    rebase = in_proportion

    def __init__(self, optimizer, step_size, gamma=0.1, last_epoch=-1):
        self.step_size = at_least_one(step_size, "StepLR: step_size")
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr, t):
        """η₀ · γ^⌊t / step_size⌋."""
        return base_lr * self.gamma ** (t // self.step_size)


class MultiStepLR(LRScheduler):
    """lr = η₀ · γ^k, k the number of milestones up to t.

    Parameters
    ----------
    optimizer : Optimizer
    milestones : iterable of int
        The steps t at which the rate falls; one that occurs twice counts twice.
    gamma : float
        γ.
    last_epoch : int
        See `LRScheduler`.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import SGD, lr_scheduler
    >>> optimizer = SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lr_scheduler.MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
    >>> for _ in range(5):
    ...     print(scheduler.get_last_lr(), end=" ")
    ...     optimizer.step(); scheduler.step()
    [1.0] [0.5] [0.5] [0.25] [0.25]
    """

    rebase = in_proportion

    def __init__(self, optimizer, milestones, gamma=0.1, last_epoch=-1):
        try:
            self.milestones = Counter(sorted(milestones))
        except TypeError:
            raise TypeError(
                f"MultiStepLR: milestones must be an iterable of numbers, got {milestones!r}"
            ) from None
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr, t):
        """η₀ · γ^k."""
        return base_lr * self.gamma ** sum(n for m, n in self.milestones.items() if m <= t)

    def load_state_dict(self, state_dict):
        """Take over a `state_dict`."""
        super().load_state_dict(state_dict)
        self.milestones = Counter(self.milestones)


class ConstantLR(LRScheduler):
    """lr = a η₀ for the first T steps, then η₀.

    Parameters
    ----------
    optimizer : Optimizer
    factor : float
        a in [0, 1].
    total_iters : int
        T.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    ValueError
        The factor is outside its range.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import SGD, lr_scheduler
    >>> optimizer = SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> for _ in range(4):
    ...     print(scheduler.get_last_lr(), end=" ")
    ...     optimizer.step(); scheduler.step()
    [0.5] [0.5] [1.0] [1.0]
    """

    rebase = in_proportion

    def __init__(self, optimizer, factor=1.0 / 3, total_iters=5, last_epoch=-1):
        if not 0 <= factor <= 1:
            raise ValueError(f"ConstantLR: factor must be in [0, 1], got {factor}")
        self.factor = factor
        self.total_iters = at_least_one(total_iters, "ConstantLR: total_iters")
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr, t):
        """a η₀ or η₀."""
        return base_lr * self.factor if t < self.total_iters else base_lr


class LinearLR(LRScheduler):
    """lr = η₀ · (a + (b - a) · min(t, T) / T): a line, then flat. A warm-up, by default.

    Parameters
    ----------
    optimizer : Optimizer
    start_factor, end_factor : float
        a in (0, 1] and b in [0, 1].
    total_iters : int
        T.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    ValueError
        A factor outside its range.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import SGD, lr_scheduler
    >>> optimizer = SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> for _ in range(3):
    ...     print(scheduler.get_last_lr(), end=" ")
    ...     optimizer.step(); scheduler.step()
    [0.5] [0.75] [1.0]
    """

    rebase = in_proportion

    def __init__(
        self, optimizer, start_factor=1.0 / 3, end_factor=1.0, total_iters=5, last_epoch=-1
    ):
        if not 0 < start_factor <= 1:
            raise ValueError(f"LinearLR: start_factor must be in (0, 1], got {start_factor}")
        if not 0 <= end_factor <= 1:
            raise ValueError(f"LinearLR: end_factor must be in [0, 1], got {end_factor}")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = at_least_one(total_iters, "LinearLR: total_iters")
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr, t):
        """η₀ · (a + (b - a) · min(t, T) / T)."""
        along = min(t, self.total_iters) / self.total_iters
        return base_lr * (self.start_factor + (self.end_factor - self.start_factor) * along)


class ExponentialLR(LRScheduler):
    """lr = η₀ · γᵗ.

    Parameters
    ----------
    optimizer : Optimizer
    gamma : float
        γ.
    last_epoch : int
        See `LRScheduler`.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import SGD, lr_scheduler
    >>> optimizer = SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> for _ in range(3):
    ...     optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]
    """

    rebase = in_proportion

    def __init__(self, optimizer, gamma, last_epoch=-1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr, t):
        """η₀ · γᵗ."""
        return base_lr * self.gamma**t


class PolynomialLR(LRScheduler):
    """lr = η₀ · (1 - min(t, T) / T)^p: down to 0 in T steps.

    Parameters
    ----------
    optimizer : Optimizer
    total_iters : int
        T.
    power : float
        p.
    last_epoch : int
        See `LRScheduler`.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import SGD, lr_scheduler
    >>> optimizer = SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lr_scheduler.PolynomialLR(optimizer, total_iters=4, power=2)
    >>> for _ in range(6):
    ...     print(scheduler.get_last_lr(), end=" ")
    ...     optimizer.step(); scheduler.step()
    [1.0] [0.5625] [0.25] [0.0625] [0.0] [0.0]
    """

    rebase = in_proportion

    def __init__(self, optimizer, total_iters=5, power=1.0, last_epoch=-1):
        self.total_iters = at_least_one(total_iters, "PolynomialLR: total_iters")
        self.power = power
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr, t):
        """η₀ · (1 - min(t, T) / T)^p."""
        return base_lr * (1.0 - min(t, self.total_iters) / self.total_iters) ** self.power
