"""A schedule that waits for a metric to stop improving."""

import math

from minigrad.optim.lr_scheduler.base import LRScheduler, an_optimizer, one_a_group, set_rate


class ReduceLROnPlateau(LRScheduler):
    """lr = max(factor · lr, min_lr) whenever a metric has not improved for `patience` steps.

    Parameters
    ----------
    optimizer : Optimizer
    mode : "min" or "max"
        Whether the metric is to fall or to rise.
    factor : float
        Below 1.
    patience : int
        How many steps without improvement are borne; at the next the rate falls.
    threshold : float
        How much better counts: by this share of the best value, or by this much.
    threshold_mode : "rel" or "abs"
        Which of the two.
    cooldown : int
        Steps after a fall in which none is counted as bad.
    min_lr : float or list of float
        The least rate, or one for each parameter group.
    eps : float
        A fall by less is not made.

    Attributes
    ----------
    best : float
        The best metric so far.
    num_bad_epochs : int
        Steps since then.

    Raises
    ------
    ValueError
        `factor` is not below 1; an unknown mode; a wrong number of rates.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import SGD, lr_scheduler
    >>> optimizer = SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0, 2.0, 1.0):
    ...     scheduler.step(loss)
    ...     print(scheduler.get_last_lr(), end=" ")
    [1.0] [1.0] [1.0] [0.5] [0.5] [0.5]
    """

    def __init__(
        self,
        optimizer,
        mode="min",
        factor=0.1,
        patience=10,
        threshold=1e-4,
        threshold_mode="rel",
        cooldown=0,
        min_lr=0,
        eps=1e-8,
    ):
        self.optimizer = an_optimizer(optimizer, "ReduceLROnPlateau")
        if not factor < 1:
            raise ValueError(f"ReduceLROnPlateau: factor must be below 1, got {factor}")
        if mode not in ("min", "max"):
            raise ValueError(f"ReduceLROnPlateau: mode must be 'min' or 'max', got {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(
                f"ReduceLROnPlateau: threshold_mode must be 'rel' or 'abs', got {threshold_mode!r}"
            )
        self.mode, self.factor, self.patience = mode, factor, patience
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.cooldown, self.eps = cooldown, eps
        self.min_lrs = one_a_group(min_lr, optimizer, "ReduceLROnPlateau: min_lr")
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        self.last_epoch = 0
        self._last_lr = [float(group["lr"]) for group in optimizer.param_groups]

    def step(self, metrics, epoch=None):
        """Count, and let the rate fall where it is time.

        Parameters
        ----------
        metrics : float or Tensor
            The metric of now, one element.
        epoch : int, optional
            The number of this step.
        """
        metric = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._improves(metric):
            self.best = metric
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = [float(group["lr"]) for group in self.optimizer.param_groups]

    @property
    def in_cooldown(self):
        """Whether bad steps are not counted now."""
        return self.cooldown_counter > 0

    def get_lr(self):
        """The rate of each group, which only the metrics change."""
        return self.get_last_lr()

    def _improves(self, metric):
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "rel":
            return sign * metric > sign * (self.best * (1 + sign * self.threshold))
        return sign * metric > sign * (self.best + sign * self.threshold)

    def _reduce(self):
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"ReduceLROnPlateau.step: {len(self.min_lrs)} min_lr were given, and the "
                    f"optimizer now has {len(groups)} parameter groups; add to scheduler.min_lrs"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs, strict=True):
            old = float(group["lr"])
            new = max(old * self.factor, least)
            if old - new > self.eps:
                set_rate(group, new)
