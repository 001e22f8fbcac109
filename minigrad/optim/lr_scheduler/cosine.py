"""Half a cosine down: CosineAnnealingLR, CosineAnnealingWarmRestarts."""

import math
from numbers import Real

from minigrad.optim.lr_scheduler.base import LRScheduler, at_least_one, in_proportion


class CosineAnnealingLR(LRScheduler):
    """lr = η_min + (η₀ - η_min) · (1 + cos(π t / T)) / 2.

    After T steps the rate is `eta_min`; then it rises again, with period 2T.

    Parameters
    ----------
    optimizer : Optimizer
    T_max : int
        T.
    eta_min : float
        η_min.
    last_epoch : int
        See `LRScheduler`.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import SGD, lr_scheduler
    >>> optimizer = SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=2)
    >>> for _ in range(3):
    ...     print(round(scheduler.get_last_lr()[0], 3), end=" ")
    ...     optimizer.step(); scheduler.step()
    1.0 0.5 0.0

    References
    ----------
    Loshchilov, Hutter (2017), "SGDR: stochastic gradient descent with warm restarts", section 3,
    without the restarts.
    """

    def __init__(self, optimizer, T_max, eta_min=0.0, last_epoch=-1):
        self.T_max = at_least_one(T_max, "CosineAnnealingLR: T_max")
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr, t):
        """η_min + (η₀ - η_min) · (1 + cos(π t / T)) / 2."""
        wave = (1 + math.cos(math.pi * t / self.T_max)) / 2
        return self.eta_min + (base_lr - self.eta_min) * wave

    def rebase(self, base_lr, expected, found):
        """η₀ - η_min scaled as the rate above η_min was."""
        low = self.eta_min
        return low + in_proportion(self, base_lr - low, expected - low, found - low)


class CosineAnnealingWarmRestarts(LRScheduler):
    """lr = η_min + (η₀ - η_min) · (1 + cos(π s / T)) / 2, with s back at 0 after each T steps.

    The first period has T = `T_0` steps, each later one `T_mult` times as many.

    Parameters
    ----------
    optimizer : Optimizer
    T_0 : int
        Steps of the first period.
    T_mult : int
        Its growth.
    eta_min : float
        η_min.
    last_epoch : int
        See `LRScheduler`.

    Attributes
    ----------
    T_cur, T_i : float, int
        s and T.

    Raises
    ------
    ValueError
        A period or a growth that is no positive integer.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import SGD, lr_scheduler
    >>> optimizer = SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2, T_mult=2)
    >>> for _ in range(7):
    ...     print(round(scheduler.get_last_lr()[0], 2), end=" ")
    ...     optimizer.step(); scheduler.step()
    1.0 0.5 1.0 0.85 0.5 0.15 1.0

    References
    ----------
    Loshchilov, Hutter (2017), "SGDR: stochastic gradient descent with warm restarts", equation 5.
    """

    def __init__(self, optimizer, T_0, T_mult=1, eta_min=0.0, last_epoch=-1):
        self.T_0 = at_least_one(T_0, "CosineAnnealingWarmRestarts: T_0")
        self.T_mult = at_least_one(T_mult, "CosineAnnealingWarmRestarts: T_mult")
        if not isinstance(eta_min, Real):
            raise ValueError(
                f"CosineAnnealingWarmRestarts: eta_min must be a number, got {eta_min!r}"
            )
        self.eta_min = eta_min
        self._place(last_epoch + 1)
        super().__init__(optimizer, last_epoch)

    def _place(self, t):
        """Find s and T at the step t."""
        if self.T_mult == 1:
            self.T_cur, self.T_i = t % self.T_0, self.T_0
            return
        self.T_cur, self.T_i = t, self.T_0
        while self.T_cur >= self.T_i:
            self.T_cur -= self.T_i
            self.T_i *= self.T_mult

    def rate(self, base_lr, t):
        """η_min + (η₀ - η_min) · (1 + cos(π s / T)) / 2."""
        wave = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return self.eta_min + (base_lr - self.eta_min) * wave

    def step(self, epoch=None):
        """Set the rate for the next step of the optimizer.

        `epoch` may be given, with a fraction: ``scheduler.step(epoch + i / len(loader))``.
        """
        if epoch is None:
            super().step()
        elif epoch < 0:
            raise ValueError(f"CosineAnnealingWarmRestarts.step: epoch must be >= 0, got {epoch}")
        else:
            self._step_count += 1
            self._restart(epoch)

    def _advance(self):
        if self._step_count:
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        super()._advance()

    def _restart(self, t=0, fresh=True):
        self._place(t)
        super()._restart(math.floor(t), fresh)
