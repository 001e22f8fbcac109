"""Rules with a running mean of the gradient, over a running size of it: Adam and its kin.

Adam corrects both means for their start at 0, AdamW decays the weights beside the gradient, Adamax
divides by a maximum.

In all formulas g is the gradient (-g if `maximize`), t counts the steps from 1, λ is the weight
decay, and squares, roots and quotients are elementwise.
"""

import numpy as np

from minigrad import kernels
from minigrad.optim.groups import POSITIVE, UNIT, options_of
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.rule import ArrayRule


class Adam(Optimizer):
    r"""Running means of the gradient and of its square, both corrected for their start at 0.

    ::

        g := g + λ p
        m := β₁ m + (1-β₁) g
        v := β₂ v + (1-β₂) g²
        p := p - lr · m / (1-β₁ᵗ) / (√(v / (1-β₂ᵗ)) + ε)

    `amsgrad` takes the largest v so far in the last line.

    Parameters
    ----------
    params : iterable of Tensor or of dict
        Parameters, or parameter groups.
    lr : float or 0-d Tensor
        The step size.
    betas : (float, float)
        β₁ and β₂.
    eps, weight_decay : float
        ε and λ, an L2 penalty on the loss; see `AdamW` for the other kind.
    amsgrad : bool
        Never let a step size grow.
    maximize : bool
        Ascend instead.
    decoupled_weight_decay : bool
        Decay the weights as `AdamW` does.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import Adam
    >>> w = mg.tensor([1.0, -1.0], requires_grad=True)
    >>> optimizer = Adam([w], lr=0.1)
    >>> (w ** 2 * mg.tensor([1.0, 100.0])).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.9, -0.9], requires_grad=True)

    References
    ----------
    Kingma, Ba (2015), "Adam: a method for stochastic optimization", algorithm 1; amsgrad: Reddi,
    Kale, Kumar (2018), "On the convergence of Adam and beyond".
    """

    ranges = {**dict.fromkeys(("lr", "eps", "weight_decay"), POSITIVE), "betas": UNIT}
    lengths = {"betas": 2}
    buffers = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        amsgrad=False,
        *,
        maximize=False,
        decoupled_weight_decay=False,
    ):
        super().__init__(params, options_of(locals()))

    def update_all(self, rows, group):
        """One step of the formula above."""
        beta1, beta2 = map(float, group["betas"])
        amsgrad = group["amsgrad"]
        for t, some in self._by_age(rows).items():
            kernels.adam_step(
                *self._arrays(some),
                self._buffers(some, "exp_avg"),
                self._buffers(some, "exp_avg_sq"),
                self._buffers(some, "max_exp_avg_sq") if amsgrad else None,
                float(group["lr"]),
                beta1,
                beta2,
                group["eps"],
                group["weight_decay"],
                t,
                amsgrad,
                group["decoupled_weight_decay"],
                group["maximize"],
            )
        self._note_changes(rows)


class AdamW(Adam):
    r"""Adam, with a weight decay that does not pass through its means.

    First ``p := (1 - lr λ) p``, then Adam's formula with λ = 0. Parameters as for `Adam`, with
    `weight_decay` 0.01.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import AdamW
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> optimizer = AdamW([w], lr=0.1, weight_decay=0.5)
    >>> (0 * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.95], requires_grad=True)

    References
    ----------
    Loshchilov, Hutter (2019), "Decoupled weight decay regularization", algorithm 2.
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=1e-2,
        amsgrad=False,
        *,
        maximize=False,
    ):
        options = {"maximize": maximize, "decoupled_weight_decay": True}
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, **options)


class Adamax(ArrayRule):
    r"""Adam with the largest gradient of late, not the root of a mean square, below.

    ::

        g := g + λ p
        m := β₁ m + (1-β₁) g
        u := max(β₂ u, |g| + ε)
        p := p - lr / (1-β₁ᵗ) · m / u

    Parameters
    ----------
    params : iterable of Tensor or of dict
        Parameters, or parameter groups.
    lr : float or 0-d Tensor
        The step size.
    betas : (float, float)
        β₁ and β₂.
    eps, weight_decay : float
        ε and λ.
    maximize : bool
        Ascend instead.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import Adamax
    >>> w = mg.tensor([1.0, -1.0], requires_grad=True)
    >>> optimizer = Adamax([w], lr=0.1)
    >>> (w ** 2 * mg.tensor([1.0, 100.0])).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.9, -0.9], requires_grad=True)

    References
    ----------
    Kingma, Ba (2015), "Adam: a method for stochastic optimization", algorithm 2; ε is PyTorch's.
    """

    ranges = {**dict.fromkeys(("lr", "eps", "weight_decay"), POSITIVE), "betas": UNIT}
    lengths = {"betas": 2}
    buffers = ("exp_avg", "exp_inf")

    def __init__(
        self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, *, maximize=False
    ):
        super().__init__(params, options_of(locals()))

    def change(self, w, g, state, group, t):
        """One step of the formula above."""
        beta1, beta2 = map(float, group["betas"])
        m, u = self.kept(state, "exp_avg", w), self.kept(state, "exp_inf", w)
        m += (1 - beta1) * (g - m)
        u *= beta2
        np.maximum(u, np.abs(g) + group["eps"], out=u)
        w -= float(group["lr"]) / (1 - beta1**t) * m / u
