"""Schedules of schedules: one after the other, or all at once."""

from bisect import bisect_right

from minigrad.optim.lr_scheduler.base import LRScheduler, set_rate
from minigrad.optim.lr_scheduler.plateau import ReduceLROnPlateau


class SequentialLR(LRScheduler):
    """One schedule after the other: the next takes over, from its t = 0, at each milestone.

    Parameters
    ----------
    optimizer : Optimizer
    schedulers : list of LRScheduler
        All made for `optimizer`.
    milestones : list of int
        The steps t at which the second, third, ... begin; increasing.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    ValueError
        No schedulers; one of another optimizer; a wrong number of milestones, or not increasing.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import SGD, lr_scheduler
    >>> optimizer = SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lr_scheduler.SequentialLR(
    ...     optimizer,
    ...     [
    ...         lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2),
    ...         lr_scheduler.ExponentialLR(optimizer, gamma=0.5),
    ...     ],
    ...     milestones=[2],
    ... )
    >>> for _ in range(5):
    ...     print(scheduler.get_last_lr(), end=" ")
    ...     optimizer.step(); scheduler.step()
    [0.5] [0.75] [1.0] [0.5] [0.25]
    """

    def __init__(self, optimizer, schedulers, milestones, last_epoch=-1):
        schedulers, milestones = list(schedulers), list(milestones)
        _check_parts("SequentialLR", schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR: {len(schedulers)} schedulers need {len(schedulers) - 1} "
                f"milestones, got {len(milestones)}"
            )
        if any(a >= b for a, b in zip([0, *milestones], milestones, strict=False)):
            raise ValueError(
                f"SequentialLR: milestones must be positive and increase, got {milestones}"
            )
        self.optimizer = optimizer
        self._schedulers = schedulers
        self._milestones = milestones
        for group in optimizer.param_groups:
            set_rate(group, group["initial_lr"])
        self._begin(last_epoch + 1)

    def _current(self):
        return self._schedulers[bisect_right(self._milestones, self.last_epoch)]

    def get_lr(self):
        """The rate of each group, by the schedule whose turn it is."""
        return self._current().get_lr()

    def get_last_lr(self):
        """The rate of each group, as last set: a list of float."""
        return self._current().get_last_lr()

    def step(self, epoch=None):
        """One step of the schedule whose turn it is."""
        if epoch is not None:
            self._restart(epoch)
            return
        self.last_epoch += 1
        if self.last_epoch in self._milestones:
            self._current()._restart()
        else:
            self._current().step()

    def _restart(self, t=0, fresh=True):
        self._go(t)._restart(self.last_epoch - self._begun(t), fresh)

    def _begin(self, t=0):
        self._go(t)._begin(self.last_epoch - self._begun(t))

    def _go(self, t):
        self.last_epoch = t
        return self._current()

    def _begun(self, t):
        """When the schedule of step t began."""
        return max([0, *[m for m in self._milestones if m <= t]])

    def state_dict(self):
        """The state of every schedule."""
        return {
            "last_epoch": self.last_epoch,
            "_milestones": list(self._milestones),
            "_schedulers": [scheduler.state_dict() for scheduler in self._schedulers],
        }

    def load_state_dict(self, state_dict):
        """Take over a `state_dict`."""
        self.last_epoch = state_dict["last_epoch"]
        self._milestones = list(state_dict["_milestones"])
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            scheduler.load_state_dict(state)


class ChainedScheduler(LRScheduler):
    """Several schedules at once, each stepped in turn: their factors multiply.

    Parameters
    ----------
    schedulers : list of LRScheduler
        All made for one optimizer.
    optimizer : Optimizer, optional
        That optimizer.

    Raises
    ------
    TypeError
        What is given is no scheduler.
    ValueError
        No schedulers; one of another optimizer, or a `ReduceLROnPlateau`.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import SGD, lr_scheduler
    >>> optimizer = SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> parts = [
    ...     lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2),
    ...     lr_scheduler.ExponentialLR(optimizer, gamma=0.5),
    ... ]
    >>> scheduler = lr_scheduler.ChainedScheduler(parts, optimizer)
    >>> for _ in range(4):
    ...     print(scheduler.get_last_lr(), end=" ")
    ...     optimizer.step(); scheduler.step()
    [0.5] [0.25] [0.25] [0.125]
    """

    def __init__(self, schedulers, optimizer=None):
        schedulers = list(schedulers)
        if optimizer is None and schedulers:
            optimizer = getattr(schedulers[0], "optimizer", None)
        _check_parts("ChainedScheduler", schedulers, optimizer)
        self._schedulers = schedulers
        self.optimizer = optimizer
        self.last_epoch = 0

    def get_lr(self):
        """The rate of each group, by all schedules."""
        return self._schedulers[-1].get_lr()

    def get_last_lr(self):
        """The rate of each group, as last set: a list of float."""
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    def step(self, epoch=None):
        """One step of every schedule, in their order."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if epoch is not None:
            self._restart(epoch)
            return
        for scheduler in self._schedulers:
            scheduler.step()

    def _restart(self, t=0, fresh=True):
        self.last_epoch = t
        for k, scheduler in enumerate(self._schedulers):
            scheduler._restart(t, fresh and k == 0)

    def state_dict(self):
        """The state of every schedule."""
        return {
            "last_epoch": self.last_epoch,
            "_schedulers": [scheduler.state_dict() for scheduler in self._schedulers],
        }

    def load_state_dict(self, state_dict):
        """Take over a `state_dict`."""
        self.last_epoch = state_dict.get("last_epoch", 0)  # PyTorch's has none
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            scheduler.load_state_dict(state)


def _check_parts(name, schedulers, optimizer):
    if not schedulers:
        raise ValueError(f"{name}: expected at least one scheduler")
    for k, scheduler in enumerate(schedulers):
        if not isinstance(scheduler, LRScheduler):
            raise TypeError(f"{name}: schedulers[{k}] is no scheduler, but {scheduler!r}")
        if isinstance(scheduler, ReduceLROnPlateau):
            raise ValueError(
                f"{name}: scheduler {k} is a ReduceLROnPlateau, whose step needs a metric; step "
                "it beside"
            )
        if scheduler.optimizer is not optimizer:
            raise ValueError(f"{name}: scheduler {k} was made for another optimizer")
