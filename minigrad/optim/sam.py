"""SAM: descend by the gradient at the worst point nearby."""

import math

import numpy as np

from minigrad.grad_mode import enable_grad
from minigrad.optim.groups import POSITIVE
from minigrad.optim.optimizer import Optimizer


class SAM(Optimizer):
    r"""Sharpness-aware minimization: any optimizer, with gradients from the edge of a ball.

    With the gradient g at the parameters p, the norm over all parameters together::

        e = ρ g / ‖g‖                    adaptive: ρ p² g / ‖ |p| g ‖
        step of the base optimizer from p with the gradient at p + e

    Each step takes two passes, so it takes a closure; or call `first_step` and `second_step` with
    a backward pass before each.

    Parameters
    ----------
    params : iterable of Tensor or of dict
        Parameters, or parameter groups, which may have their own `rho` and `adaptive`.
    base_optimizer : type
        The class of the optimizer that steps, such as `SGD`.
    rho : float
        ρ, the radius of the ball.
    adaptive : bool
        Measure the ball in units of the parameters.
    **options
        The options of the base optimizer.

    Attributes
    ----------
    base_optimizer : Optimizer
        It shares `param_groups` and `state` with this one.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import SAM, SGD
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> optimizer = SAM([w], SGD, rho=0.5, lr=0.1)
    >>> def closure():
    ...     loss = (w * w).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure)
    tensor(1., grad_fn=<Sum>)
    >>> w  # 1 - 0.1 · 2 (1 + 0.5)
    tensor([0.7], requires_grad=True)

    References
    ----------
    Foret et al. (2021), "Sharpness-aware minimization for efficiently improving generalization",
    algorithm 1; adaptive: Kwon et al. (2021), "ASAM".
    """

    ranges = {"rho": POSITIVE}

    def __init__(self, params, base_optimizer, rho=0.05, adaptive=False, **options):
        if not (isinstance(base_optimizer, type) and issubclass(base_optimizer, Optimizer)):
            raise TypeError(
                f"SAM: base_optimizer must be a class of optimizers, such as SGD, "
                f"got {base_optimizer!r}"
            )
        super().__init__(params, {"rho": rho, "adaptive": adaptive})
        self.base_optimizer = base_optimizer(self.param_groups, **options)
        self.defaults = {**self.base_optimizer.defaults, **self.defaults}
        self._share()

    def _share(self):
        self.param_groups, self.state = self.base_optimizer.param_groups, self.base_optimizer.state
        self._before = None

    @np.errstate(all="ignore")
    def first_step(self, zero_grad=False):
        """Go from p to p + e, given the gradient at p."""
        if self._before is not None:
            raise RuntimeError("SAM.first_step: called twice without second_step between")
        rows = [
            (p, group)
            for group in self.param_groups
            for p in group["params"]
            if p._grad is not None
        ]
        leads = [self._lead(p, group) for p, group in rows]
        norm = math.sqrt(sum(float((x * x).sum(dtype=np.float64)) for x in leads))
        self._before = [(p, p._array.copy()) for p, _ in rows]
        for (p, group), lead in zip(rows, leads, strict=True):
            e = lead * (group["rho"] / (norm + 1e-12))
            p._array[...] += e * np.abs(p._array) if group["adaptive"] else e
            p._bump("SAM.first_step")
        if zero_grad:
            self.zero_grad()

    @staticmethod
    def _lead(p, group):
        g = p._grad._array
        return np.abs(p._array) * g if group["adaptive"] else g

    def second_step(self, zero_grad=False):
        """Go back to p, and step with the gradient at p + e."""
        if self._before is None:
            raise RuntimeError("SAM.second_step: call first_step before it")
        for p, array in self._before:
            p._array[...] = array
            p._bump("SAM.second_step")
        self._before = None
        self.base_optimizer.step()
        self._stepped = True
        if zero_grad:
            self.zero_grad()

    def step(self, closure=None):
        """Both steps.

        Parameters
        ----------
        closure : callable
            Evaluates the model, calls `backward` and returns the loss. Called twice, with the
            gradients cleared before.

        Returns
        -------
        What `closure` returns at p.
        """
        if not callable(closure):
            raise TypeError(
                "SAM.step: needs a closure, which evaluates the model and calls backward; "
                "or use first_step and second_step"
            )
        with enable_grad():
            self.zero_grad()
            loss = closure()
            self.first_step(zero_grad=True)
            closure()
        self.second_step()
        return loss

    def add_param_group(self, param_group):
        """Add parameters, to the base optimizer too."""
        if "base_optimizer" not in vars(self):
            super().add_param_group(param_group)
        else:
            options = {"rho": self.defaults["rho"], "adaptive": self.defaults["adaptive"]}
            group = {**options, **param_group}
            self.check(group)
            self.base_optimizer.add_param_group(group)

    def load_state_dict(self, state_dict):
        """Take over a `state_dict`, the base optimizer's part of it included."""
        self.base_optimizer.load_state_dict(state_dict)
        self._share()
