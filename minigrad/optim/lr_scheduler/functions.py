"""Schedules by a function of the user's: LambdaLR, MultiplicativeLR."""

from minigrad.optim.lr_scheduler.base import LRScheduler, an_optimizer, one_a_group


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
    TypeError
        What is given is no function.
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

    functions = ("lr_lambdas",)

    def __init__(self, optimizer, lr_lambda, last_epoch=-1):
        self.lr_lambdas = _functions(optimizer, lr_lambda, type(self).__name__)
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        """η₀ · f(t) for each group."""
        t = self.last_epoch
        return [base * f(t) for f, base in zip(self.lr_lambdas, self.base_lrs, strict=True)]


class MultiplicativeLR(LambdaLR):
    """lr = lr · f(t): η₀ · f(1) · f(2) ⋯ f(t).

    Parameters
    ----------
    optimizer : Optimizer
    lr_lambda : callable or list of callable
        f, or one for each parameter group. f(0) is not used.
    last_epoch : int
        See `LRScheduler`.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import SGD, lr_scheduler
    >>> optimizer = SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lr_scheduler.MultiplicativeLR(optimizer, lambda t: 1 / t)
    >>> for _ in range(4):
    ...     optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()[0] == 1 / (2 * 3 * 4)
    True
    """

    _begun = False

    def get_lr(self):
        """The present rate times f(t), for each group."""
        found = [float(group["lr"]) for group in self.optimizer.param_groups]
        if not self._begun:
            return found
        return [rate * f(self.last_epoch) for f, rate in zip(self.lr_lambdas, found, strict=True)]

    def _advance(self):
        super()._advance()
        self._begun = True

    def _begin(self, t=0):
        self._begun = False
        self._restart(t)
        self._begun = True


def _functions(optimizer, given, name):
    functions = one_a_group(given, an_optimizer(optimizer, name), name + ": lr_lambda")
    for f in functions:
        if not callable(f):
            raise TypeError(f"{name}: lr_lambda must be a function, got {type(f).__name__}")
    return functions
