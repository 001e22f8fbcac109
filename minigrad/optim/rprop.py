"""Rprop: only the signs of the gradient count."""

import numpy as np

from minigrad.optim.groups import POSITIVE, options_of
from minigrad.optim.rule import ArrayRule


class Rprop(ArrayRule):
    r"""Steps that grow while the sign of the gradient stays, and shrink when it changes.

    With d, the step size of each element, `lr` at first, and g₋, the last step's g::

        d := d · (η⁺ if g g₋ > 0, η⁻ if g g₋ < 0, else 1), within [d_min, d_max]
        g := 0 where g g₋ < 0
        p := p - d sign(g)

    For whole batches: the noise of small ones changes the signs.

    Parameters
    ----------
    params : iterable of Tensor or of dict
        Parameters, or parameter groups.
    lr : float or 0-d Tensor
        The first d.
    etas : (float, float)
        η⁻ in (0, 1) and η⁺ > 1.
    step_sizes : (float, float)
        d_min and d_max.
    maximize : bool
        Ascend instead.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import Rprop
    >>> w = mg.tensor([1.0, -50.0], requires_grad=True)
    >>> optimizer = Rprop([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([  0.5, -49.5], requires_grad=True)

    References
    ----------
    Riedmiller, Braun (1993), "A direct adaptive method for faster backpropagation learning: the
    RPROP algorithm", ICNN; as iRprop⁻: Igel, Hüsken (2000).
    """

    ranges = {"lr": POSITIVE, "step_sizes": POSITIVE, "etas": POSITIVE}
    lengths = {"etas": 2, "step_sizes": 2}
    buffers = ("prev", "step_size")

    def __init__(self, params, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50), *, maximize=False):
        super().__init__(params, options_of(locals()))

    def check(self, group):
        """Ranges, and that the one factor shrinks and the other grows."""
        super().check(group)
        down, up = group["etas"]
        if not 0 < down < 1 < up:
            raise ValueError(f"Rprop: etas must be 0 < η⁻ < 1 < η⁺, got {group['etas']}")

    def change(self, w, g, state, group, t):
        """One step of the formula above."""
        (down, up), (least, most) = group["etas"], group["step_sizes"]
        last = self.kept(state, "prev", w)
        d = self.kept(state, "step_size", w, float(group["lr"]))
        turn = np.sign(g * last)
        d *= np.where(turn > 0, up, np.where(turn < 0, down, 1)).astype(w.dtype)
        np.clip(d, least, most, out=d)
        last[...] = np.where(turn < 0, 0, g)
        w -= np.sign(last) * d
