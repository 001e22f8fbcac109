"""Lion: the sign of a momentum."""

import numpy as np

from minigrad.optim.groups import POSITIVE, UNIT, options_of
from minigrad.optim.rule import ArrayRule


class Lion(ArrayRule):
    r"""Steps of one size in every element, along the sign of a mean of gradients.

    Found by a search over programs; m starts at 0::

        p := (1 - lr λ) p
        p := p - lr sign(β₁ m + (1-β₁) g)
        m := β₂ m + (1-β₂) g

    The authors advise a rate 3 to 10 times smaller than Adam's, and a λ larger by as much.

    Parameters
    ----------
    params : iterable of Tensor or of dict
        Parameters, or parameter groups.
    lr : float or 0-d Tensor
        The step size.
    betas : (float, float)
        β₁ and β₂.
    weight_decay : float
        λ, decoupled as in `AdamW`.
    maximize : bool
        Ascend instead.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import Lion
    >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Lion([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.5, -1.5], requires_grad=True)

    References
    ----------
    Chen et al. (2023), "Symbolic discovery of optimization algorithms", algorithm 2.
    """

    ranges = {**dict.fromkeys(("lr", "weight_decay"), POSITIVE), "betas": UNIT}
    lengths = {"betas": 2}
    buffers = ("exp_avg",)
    decoupled = True

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0, *, maximize=False):
        super().__init__(params, options_of(locals()))

    def change(self, w, g, state, group, t):
        """One step of the formula above."""
        beta1, beta2 = map(float, group["betas"])
        m = self.kept(state, "exp_avg", w)
        w -= float(group["lr"]) * np.sign(beta1 * m + (1 - beta1) * g)
        m *= beta2
        m += (1 - beta2) * g
