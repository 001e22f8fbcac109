"""Optimizers that see all their parameters as one vector, and evaluate the loss themselves."""

import numpy as np

from minigrad.optim.optimizer import Optimizer


class FlatOptimizer(Optimizer):
    """The base of rules with one state for all parameters together, (n,)."""

    def __init__(self, params, defaults):
        super().__init__(params, defaults)
        self._params = self.param_groups[0]["params"]

    def add_param_group(self, param_group):
        """Refuse a second group: the vector has one set of options."""
        if self.param_groups:
            raise ValueError(f"{self._name()}: parameter groups are not supported, only one list")
        super().add_param_group(param_group)

    def load_state_dict(self, state_dict):
        """Take over a `state_dict`."""
        super().load_state_dict(state_dict)
        self._params = self.param_groups[0]["params"]

    def _need(self, closure, what):
        if not callable(closure):
            raise TypeError(
                f"{self._name()}.step: needs a closure, which {what}, got {type(closure).__name__}"
            )

    def _flat_grad(self):
        """The gradients, (n,); 0 where there is none."""
        return np.concatenate(
            [
                np.zeros(p._array.size, p.dtype) if p._grad is None else p._grad._array.ravel()
                for p in self._params
            ]
        )

    def _move(self, change):
        """p := p + change, (n,)."""
        start = 0
        for p in self._params:
            n = p._array.size
            p._array[...] += change[start : start + n].reshape(p.shape)
            p._bump(self._step_name)
            start += n
