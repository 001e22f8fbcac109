"""One cycle for a whole training, with the momentum going the other way."""

import math

from minigrad.optim.lr_scheduler.base import an_optimizer, at_least_one, one_a_group
from minigrad.optim.lr_scheduler.cyclic import MomentumCycle


class OneCycleLR(MomentumCycle):
    r"""One cycle: from a low rate up to `max_lr`, and down to almost nothing at the last step.

    With η₀ = max_lr / div_factor and η₁ = η₀ / final_div_factor, each arrow a half cosine (or a
    line), N the total number of steps and p = `pct_start`::

        t            0    →    pN - 1    →    N - 1
        lr           η₀       max_lr          η₁
        momentum     high      low           high

        three_phase:   0  →  pN - 1  →  2pN - 2  →  N - 1
        lr             η₀    max_lr        η₀        η₁

    Parameters
    ----------
    optimizer : Optimizer
    max_lr : float or list of float
        The top, or that of each parameter group. The optimizer's own rate is not used.
    total_steps : int, optional
        N.
    epochs, steps_per_epoch : int, optional
        N is their product, where it is not given.
    pct_start : float
        p in [0, 1].
    anneal_strategy : "cos" or "linear"
        The shape.
    cycle_momentum : bool
        Change the momentum too, or β₁.
    base_momentum, max_momentum : float or list of float
        Low and high.
    div_factor, final_div_factor : float
        Of η₀ and η₁.
    three_phase : bool
        Down as it went up, then on.
    last_epoch : int
        See `LRScheduler`.

    Raises
    ------
    ValueError
        N is not known or not positive; another option out of its range; a step beyond N.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import SGD, lr_scheduler
    >>> optimizer = SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = lr_scheduler.OneCycleLR(
    ...     optimizer, max_lr=1.0, total_steps=8, pct_start=0.5, anneal_strategy="linear"
    ... )
    >>> for _ in range(8):
    ...     print(round(scheduler.get_last_lr()[0], 2), end=" ")
    ...     optimizer.step(); scheduler.step()
    0.04 0.36 0.68 1.0 0.75 0.5 0.25 0.0

    References
    ----------
    Smith, Topin (2019), "Super-convergence: very fast training of neural networks using large
    learning rates".
    """

    def __init__(
        self,
        optimizer,
        max_lr,
        total_steps=None,
        epochs=None,
        steps_per_epoch=None,
        pct_start=0.3,
        anneal_strategy="cos",
        cycle_momentum=True,
        base_momentum=0.85,
        max_momentum=0.95,
        div_factor=25.0,
        final_div_factor=1e4,
        three_phase=False,
        last_epoch=-1,
    ):
        an_optimizer(optimizer, "OneCycleLR")
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("OneCycleLR: needs total_steps, or epochs and steps_per_epoch")
            total_steps = at_least_one(epochs, "OneCycleLR: epochs") * at_least_one(
                steps_per_epoch, "OneCycleLR: steps_per_epoch"
            )
        self.total_steps = at_least_one(total_steps, "OneCycleLR: total_steps")
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"OneCycleLR: pct_start must be a float in [0, 1], got {pct_start!r}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"OneCycleLR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}"
            )
        self._anneal_func_type = anneal_strategy
        top = pct_start * self.total_steps - 1
        self._phases = [  # the last step, and what rate and momentum go between
            (top, "initial_lr", "max_lr", "max_momentum", "base_momentum"),
            (self.total_steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum"),
        ]
        if three_phase:
            self._phases[1:] = [
                (2 * top, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
                (self.total_steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
            ]
        tops = one_a_group(max_lr, optimizer, "OneCycleLR: max_lr")
        if last_epoch == -1:
            for group, most in zip(optimizer.param_groups, tops, strict=True):
                group["initial_lr"], group["max_lr"] = most / div_factor, most
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._prepare(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _where(self):
        """The phase of now, and how much of it is past."""
        t, begin = self.last_epoch, 0.0
        if t > self.total_steps:
            raise ValueError(f"OneCycleLR.step: step {t} of {self.total_steps}")
        for phase in self._phases[:-1]:
            if t <= phase[0]:
                break
            begin = phase[0]
        else:
            phase = self._phases[-1]
        length = phase[0] - begin
        return phase, (t - begin) / length if length else 1.0

    def _between(self, start, end, part):
        if self._anneal_func_type == "linear":
            return start + (end - start) * part
        return end + (start - end) / 2 * (1 + math.cos(math.pi * part))

    def get_lr(self):
        """The curve above, for each group."""
        (_, start, end, _, _), part = self._where()
        return [self._between(g[start], g[end], part) for g in self.optimizer.param_groups]

    def _momentum(self, k, group):
        (_, _, _, start, end), part = self._where()
        return self._between(group[start], group[end], part)
