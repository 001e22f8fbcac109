"""Schedules of the learning rate: each gives `lr` as a closed form of the number of steps so far.

Call `scheduler.step()` once after `optimizer.step()`. Making a scheduler already sets the rate of
the first step. With η₀ the optimizer's own rate (kept as `initial_lr` in its groups) and t the
number of `scheduler.step()` calls:

    LambdaLR            η₀ · f(t)
    StepLR              η₀ · γ^⌊t / step_size⌋
    ExponentialLR       η₀ · γᵗ
    LinearLR            η₀ · (a + (b - a) · min(t, T) / T)
    CosineAnnealingLR   η_min + (η₀ - η_min) · (1 + cos(π t / T)) / 2
    InverseSquareRootLR peak · min((t+1) / w, √(w / (t+1)))
    SequentialLR        one schedule after the other
"""

import math
import warnings
from bisect import bisect_right
from types import BuiltinFunctionType, FunctionType

from minigrad.grad_mode import no_grad
from minigrad.optim.optimizer import Optimizer
from minigrad.tensor import Tensor

__all__ = [
    "LRScheduler",
    "LambdaLR",
    "StepLR",
    "ExponentialLR",
    "LinearLR",
    "CosineAnnealingLR",
    "InverseSquareRootLR",
    "SequentialLR",
]


class LRScheduler:
    """Base class: a schedule of your own is a subclass with one method, `rate`.

    Parameters
    ----------
    optimizer : Optimizer
        Its groups' `lr` is set, and `initial_lr` added to them.
    last_epoch : int
        -1 at the start; to go on after k steps k - 1, with the `lr` and `initial_lr` of then in
        the groups. (`load_state_dict` is the simpler way.)

    Attributes
    ----------
    last_epoch : int
        t, the number of steps so far.
    base_lrs : list of float
        η₀ of each group.

    Notes
    -----
    When somebody else changes `lr` between two steps (the user, or a second scheduler stepping in
    turn), the schedules that multiply go on from the changed rate in proportion, as PyTorch's do:
    η₀ is scaled along. `LambdaLR`, `InverseSquareRootLR` and, unless they say otherwise, schedules
    of your own overwrite it.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import SGD, lr_scheduler
    >>> class Sawtooth(lr_scheduler.LRScheduler):
    ...     def rate(self, base_lr, t):
    ...         return base_lr * (1 - t % 4 / 4)
    >>> optimizer = SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = Sawtooth(optimizer)
    >>> for _ in range(5):
    ...     optimizer.step()
    ...     print(scheduler.get_last_lr(), end=" ")
    ...     scheduler.step()
    [1.0] [0.75] [0.5] [0.25] [1.0]
    """

    def __init__(self, optimizer, last_epoch=-1):
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"{type(self).__name__}: expected an Optimizer, got {type(optimizer).__name__}"
            )
        self.optimizer = optimizer
        for k, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", float(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}: to go on from last_epoch={last_epoch}, parameter "
                    f"group {k} needs an entry 'initial_lr'"
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch + 1
        # The rate we should find: at the start η₀; going on, the one the first part left behind.
        self._last_lr = self.base_lrs if last_epoch == -1 else self.get_lr()
        self.last_epoch = last_epoch
        self._step_count = 0
        optimizer._stepped = False
        self._advance()

    def rate(self, base_lr, t):
        """The rate after `t` steps, for a group whose own rate is `base_lr`. What you define."""
        raise NotImplementedError(f"{type(self).__name__} must define rate(self, base_lr, t)")

    def get_lr(self):
        """The rate of each group at `last_epoch`; for groups that differ, override this."""
        return [self.rate(base, self.last_epoch) for base in self.base_lrs]

    def get_last_lr(self):
        """The rate of each group, as last set: a list of float."""
        return list(self._last_lr)

    def rebase(self, base_lr, expected, found):
        """The new η₀ where somebody changed the rate from `expected` to `found`: the old one."""
        return base_lr

    def step(self):
        """Set the rate for the next step of the optimizer, and warn if there was none yet."""
        if self._step_count == 1 and not self.optimizer._stepped:
            warnings.warn(
                "lr_scheduler.step() was called before optimizer.step(): the first rate of the "
                "schedule is skipped; call optimizer.step() first",
                stacklevel=2,
            )
        self._advance()

    def _advance(self):
        self._step_count += 1
        self.last_epoch += 1
        found = [float(group["lr"]) for group in self.optimizer.param_groups]
        if found != self._last_lr:
            rates = zip(self.base_lrs, self._last_lr, found, strict=False)
            self.base_lrs = [b if e == f else self.rebase(b, e, f) for b, e, f in rates]
        self._apply()

    def _restart(self, t=0):
        """Go to step t from the optimizer's own rate; what SequentialLR asks for."""
        self.base_lrs = [group["initial_lr"] for group in self.optimizer.param_groups]
        self.last_epoch = t
        self._apply()

    def _apply(self):
        for group, lr in zip(self.optimizer.param_groups, self.get_lr(), strict=False):
            if isinstance(group["lr"], Tensor):
                with no_grad():
                    group["lr"].fill_(lr)
            else:
                group["lr"] = lr
        self._last_lr = [float(group["lr"]) for group in self.optimizer.param_groups]

    def state_dict(self):
        """Everything but the optimizer: what `load_state_dict` takes and `minigrad.save` writes.

        >>> import minigrad as mg
        >>> from minigrad.optim import SGD, lr_scheduler
        >>> optimizer = SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
        >>> lr_scheduler.ExponentialLR(optimizer, gamma=0.5).state_dict()["last_epoch"]
        0
        """
        kept = {name: value for name, value in vars(self).items() if name != "optimizer"}
        return {name: list(v) if isinstance(v, list) else v for name, v in kept.items()}

    def load_state_dict(self, state_dict):
        """Take over a `state_dict`. The rate itself comes with that of the optimizer."""
        for name, value in state_dict.items():
            setattr(self, name, list(value) if isinstance(value, list) else value)


def _in_proportion(self, base_lr, expected, found):
    """η₀ scaled as the rate was."""
    return base_lr * (found / expected) if expected else base_lr


class LambdaLR(LRScheduler):
    """lr = η₀ · f(t).

    Parameters
    ----------
    optimizer : Optimizer
    lr_lambda : callable or list of callable
        f, or one for each parameter group.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    ValueError
        Another number of functions than of groups.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import SGD, lr_scheduler
    >>> optimizer = SGD([mg.zeros(1, requires_grad=True)], lr=0.1)
    >>> scheduler = lr_scheduler.LambdaLR(optimizer, lambda t: 1 / (1 + t))
    >>> optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.05]
    """

    def __init__(self, optimizer, lr_lambda, last_epoch=-1):
        groups = len(getattr(optimizer, "param_groups", ()))
        several = isinstance(lr_lambda, (list, tuple))
        self.lr_lambdas = list(lr_lambda) if several else [lr_lambda] * groups
        if len(self.lr_lambdas) != groups:
            raise ValueError(
                f"LambdaLR: expected {groups} functions, one for each parameter group, "
                f"got {len(self.lr_lambdas)}"
            )
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        """η₀ · f(t) for each group."""
        t = self.last_epoch
        return [base * f(t) for f, base in zip(self.lr_lambdas, self.base_lrs, strict=True)]

    def state_dict(self):
        """The state; a function itself is not kept, of a callable object its attributes."""
        state = super().state_dict()
        plain = (FunctionType, BuiltinFunctionType, type)
        state["lr_lambdas"] = [
            None if isinstance(f, plain) else dict(getattr(f, "__dict__", {}))
            for f in self.lr_lambdas
        ]
        return state

    def load_state_dict(self, state_dict):
        """Take over a `state_dict`; the functions stay those given at construction."""
        state = dict(state_dict)
        for f, attributes in zip(self.lr_lambdas, state.pop("lr_lambdas"), strict=True):
            if attributes:
                vars(f).update(attributes)
        super().load_state_dict(state)


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

    rebase = _in_proportion

    def __init__(self, optimizer, step_size, gamma=0.1, last_epoch=-1):
        self.step_size = _at_least_one(step_size, "StepLR: step_size")
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr, t):
        """η₀ · γ^⌊t / step_size⌋."""
        return base_lr * self.gamma ** (t // self.step_size)


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

    rebase = _in_proportion

    def __init__(self, optimizer, gamma, last_epoch=-1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr, t):
        """η₀ · γᵗ."""
        return base_lr * self.gamma**t


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

    rebase = _in_proportion

    def __init__(
        self, optimizer, start_factor=1.0 / 3, end_factor=1.0, total_iters=5, last_epoch=-1
    ):
        if not 0 < start_factor <= 1:
            raise ValueError(f"LinearLR: start_factor must be in (0, 1], got {start_factor}")
        if not 0 <= end_factor <= 1:
            raise ValueError(f"LinearLR: end_factor must be in [0, 1], got {end_factor}")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = _at_least_one(total_iters, "LinearLR: total_iters")
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr, t):
        """η₀ · (a + (b - a) · min(t, T) / T)."""
        along = min(t, self.total_iters) / self.total_iters
        return base_lr * (self.start_factor + (self.end_factor - self.start_factor) * along)


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
        self.T_max = _at_least_one(T_max, "CosineAnnealingLR: T_max")
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr, t):
        """η_min + (η₀ - η_min) · (1 + cos(π t / T)) / 2."""
        wave = (1 + math.cos(math.pi * t / self.T_max)) / 2
        return self.eta_min + (base_lr - self.eta_min) * wave

    def rebase(self, base_lr, expected, found):
        """η₀ - η_min scaled as the rate above η_min was."""
        low = self.eta_min
        return low + _in_proportion(self, base_lr - low, expected - low, found - low)


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
        self.warmup_steps = _at_least_one(warmup_steps, "InverseSquareRootLR: warmup_steps")
        super().__init__(optimizer, last_epoch)

    def rate(self, base_lr, t):
        """peak · min(s / w, √(w / s)), s = t + 1."""
        s, w = t + 1, self.warmup_steps
        peak = base_lr if self.d_model is None else (self.d_model * w) ** -0.5
        return peak * min(s / w, math.sqrt(w / s))


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
        if not schedulers:
            raise ValueError("SequentialLR: expected at least one scheduler")
        for k, scheduler in enumerate(schedulers):
            if getattr(scheduler, "optimizer", None) is not optimizer:
                raise ValueError(f"SequentialLR: scheduler {k} was made for another optimizer")
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
        self._restart(last_epoch + 1)

    def _current(self):
        return self._schedulers[bisect_right(self._milestones, self.last_epoch)]

    def get_lr(self):
        """The rate of each group, by the schedule whose turn it is."""
        return self._current().get_lr()

    def get_last_lr(self):
        """The rate of each group, as last set: a list of float."""
        return self._current().get_last_lr()

    def step(self):
        """One step of the schedule whose turn it is."""
        self.last_epoch += 1
        if self.last_epoch in self._milestones:
            self._current()._restart()
        else:
            self._current().step()

    def _restart(self, t=0):
        self.last_epoch = t
        begun = [0, *[m for m in self._milestones if m <= t]]
        self._current()._restart(t - begun[-1])

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


def _at_least_one(value, name):
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return value
