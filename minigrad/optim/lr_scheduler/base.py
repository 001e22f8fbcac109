"""What all schedules share: when they set the rate, and from what; their checkpoints."""

import warnings
from numbers import Integral
from types import BuiltinFunctionType, FunctionType

from minigrad.grad_mode import no_grad
from minigrad.optim.optimizer import Optimizer
from minigrad.tensor import Tensor


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

    functions : tuple of str
        Class attribute: names of attributes that are functions, which a `state_dict` leaves out.

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

    functions: tuple[str, ...] = ()

    def __init__(self, optimizer, last_epoch=-1):
        self.optimizer = an_optimizer(optimizer, type(self).__name__)
        for k, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", float(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}: to go on from last_epoch={last_epoch}, parameter "
                    f"group {k} needs an entry 'initial_lr'"
                )
        self._own_lrs = self._own_rates()  # as they are now: another schedule may change the entry
        self.base_lrs = self._own_lrs
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

    def step(self, epoch=None):
        """Set the rate for the next step of the optimizer, and warn if there was none yet.

        With `epoch` go to that number of steps, from the optimizer's own rate.
        """
        if self._step_count == 1 and not self.optimizer._stepped:
            warnings.warn(
                "lr_scheduler.step() was called before optimizer.step(): the first rate of the "
                "schedule is skipped; call optimizer.step() first",
                stacklevel=2,
            )
        if epoch is None:
            self._advance()
        else:
            self._step_count += 1
            self._restart(epoch)

    def _advance(self):
        self._step_count += 1
        self.last_epoch += 1
        found = [float(group["lr"]) for group in self.optimizer.param_groups]
        if found != self._last_lr:
            rates = zip(self.base_lrs, self._last_lr, found, strict=False)
            self.base_lrs = [b if e == f else self.rebase(b, e, f) for b, e, f in rates]
        self._apply()

    def _own_rates(self):
        return [group["initial_lr"] for group in self.optimizer.param_groups]

    def _restart(self, t=0, fresh=True):
        """Go to step t from the optimizer's own rate, or (not `fresh`) from what is found."""
        self.base_lrs = list(self._own_lrs)
        self.last_epoch = t
        if not fresh:
            found = [float(group["lr"]) for group in self.optimizer.param_groups]
            pairs = zip(self.base_lrs, found, strict=True)
            self.base_lrs = [self.rebase(base, base, rate) for base, rate in pairs]
        self._apply()

    def _begin(self, t=0):
        """Go to step t where the optimizer's own rate is in place already."""
        self._restart(t, fresh=False)

    def _apply(self):
        for group, lr in zip(self.optimizer.param_groups, self.get_lr(), strict=False):
            set_rate(group, lr)
        self._last_lr = [float(group["lr"]) for group in self.optimizer.param_groups]

    def state_dict(self):
        """Everything but the optimizer: what `load_state_dict` takes and `minigrad.save` writes.

        A function is not kept; of a callable object its attributes are.

        >>> import minigrad as mg
        >>> from minigrad.optim import SGD, lr_scheduler
        >>> optimizer = SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
        >>> lr_scheduler.ExponentialLR(optimizer, gamma=0.5).state_dict()["last_epoch"]
        0
        """
        kept = {name: v for name, v in vars(self).items() if name != "optimizer"}
        kept.update((name, _remembered(kept[name])) for name in self.functions)
        return {name: list(v) if isinstance(v, list) else v for name, v in kept.items()}

    def load_state_dict(self, state_dict):
        """Take over a `state_dict`. The rate itself comes with that of the optimizer."""
        for name, value in state_dict.items():
            if name in self.functions:
                _remind(getattr(self, name), value)
            else:
                setattr(self, name, list(value) if isinstance(value, list) else value)


def _remembered(f):
    """The attributes of a callable object, or None; of several, a list."""
    if isinstance(f, list):
        return [_remembered(one) for one in f]
    plain = f is None or isinstance(f, (FunctionType, BuiltinFunctionType, type))
    return None if plain else dict(getattr(f, "__dict__", {}))


def _remind(f, attributes):
    if isinstance(f, list):
        for one, its in zip(f, attributes, strict=True):
            _remind(one, its)
    elif attributes:
        vars(f).update(attributes)


def set_rate(group, lr):
    """Set ``group["lr"]``; where it is a Tensor, its value."""
    if isinstance(group["lr"], Tensor):
        with no_grad():
            group["lr"].fill_(lr)
    else:
        group["lr"] = lr


def in_proportion(self, base_lr, expected, found):
    """The `rebase` of schedules that multiply: η₀ scaled as the rate was."""
    return base_lr * (found / expected) if expected else base_lr


def at_least_one(value, name):
    """`value`, an integer >= 1; else ValueError."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return int(value)


def one_a_group(value, optimizer, name):
    """`value` for each parameter group; a list or tuple must have that length."""
    groups = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * groups
    if len(value) != groups:
        raise ValueError(
            f"{name}: expected {groups} values, one for each parameter group, got {len(value)}"
        )
    return list(value)


def an_optimizer(optimizer, name):
    """`optimizer`, if it is one; else TypeError."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{name}: expected an Optimizer, got {type(optimizer).__name__}")
    return optimizer
