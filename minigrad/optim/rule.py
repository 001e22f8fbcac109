"""The base of the rules that are plain NumPy: what they do before their formula."""

import numpy as np

from minigrad.optim.optimizer import Optimizer


def single(x):
    """The float x rounded to single precision.

    PyTorch keeps the numbers in a state, such as a rate, in its default dtype. With another
    rounding trajectories in double would part in the ninth digit.

    >>> from minigrad.optim.rule import single
    >>> single(0.1)
    0.10000000149011612
    """
    return float(np.float32(x))


class ArrayRule(Optimizer):
    """A rule whose formula is a method on arrays, `change`.

    `change(w, g, state, group, t)` changes the parameter's array w in place, given the array g
    (-g if `maximize`, with the weight decay λ w added) and t, which counts from 1. If the decay is
    `decoupled`, w is scaled by 1 - lr λ before, instead.
    """

    decoupled = False  # where the option `decoupled_weight_decay` does not say

    def update_all(self, rows, group):
        """Signs and decays, then the rule's own formula for each parameter."""
        with np.errstate(all="ignore"):  # NaN and overflow go their way, as in the kernels
            for p, grad, state in rows:
                self._update_one(p._array, grad._array, state, group)
        self._note_changes(rows)

    def _update_one(self, w, g, state, group):
        state["step"] = t = state.get("step", 0) + 1
        decay = float(group.get("weight_decay", 0))
        if group.get("maximize", False):
            g = -g
        if decay and group.get("decoupled_weight_decay", self.decoupled):
            w *= 1 - float(group["lr"]) * decay
        elif decay:
            g = g + decay * w
        self.change(w, g, state, group, t)

    def change(self, w, g, state, group, t):
        """One step of the formula. What a rule defines."""
        raise NotImplementedError

    def kept(self, state, name, w, fill=0.0):
        """The array of the state `name`, of the shape of `w`, made full of `fill` at first."""
        return self.buffer(state, name, w, fill)._array
