"""Adam with a schedule of its own: NAdam, whose momentum grows, and RAdam, which warms up.

In all formulas g is the gradient (-g if `maximize`), t counts the steps from 1, λ is the weight
decay, and squares, roots and quotients are elementwise.
"""

import numpy as np

from minigrad import kernels
from minigrad.optim.groups import POSITIVE, UNIT, options_of
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.rule import ArrayRule, single


class NAdam(ArrayRule):
    r"""Adam with Nesterov's momentum: it steps along the mean that the next gradient will meet.

    With a momentum that grows to β₁, μₜ = β₁ (1 - 0.96^(t ψ) / 2), and Mₜ = μ₁ μ₂ ⋯ μₜ::

        g := g + λ p
        m := β₁ m + (1-β₁) g
        v := β₂ v + (1-β₂) g²
        p := p - lr · ((1-μₜ) / (1-Mₜ) g + μₜ₊₁ / (1-Mₜ₊₁) m) / (√(v / (1-β₂ᵗ)) + ε)

    Mₜ is rounded to single precision at each step, as PyTorch does.

    Parameters
    ----------
    params : iterable of Tensor or of dict
        Parameters, or parameter groups.
    lr : float or 0-d Tensor
        The step size.
    betas : (float, float)
        β₁ and β₂.
    eps, weight_decay, momentum_decay : float
        ε, λ and ψ.
    decoupled_weight_decay : bool
        Decay the weights as `AdamW` does, not as `Adam`.
    maximize : bool
        Ascend instead.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import NAdam
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> optimizer = NAdam([w], lr=0.1)
    >>> (3 * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 3)
    0.894

    References
    ----------
    Dozat (2016), "Incorporating Nesterov momentum into Adam", ICLR workshop, algorithm 2.
    """

    ranges = {
        **dict.fromkeys(("lr", "eps", "weight_decay", "momentum_decay"), POSITIVE),
        "betas": UNIT,
    }
    lengths = {"betas": 2}
    buffers = ("exp_avg", "exp_avg_sq")
    scalars = ("step", "mu_product")

    def __init__(
        self,
        params,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        momentum_decay=4e-3,
        decoupled_weight_decay=False,
        *,
        maximize=False,
    ):
        super().__init__(params, options_of(locals()))

    def change(self, w, g, state, group, t):
        """One step of the formula above."""
        lr, (beta1, beta2) = float(group["lr"]), map(float, group["betas"])
        m, v = self.kept(state, "exp_avg", w), self.kept(state, "exp_avg_sq", w)
        mu, following = (
            beta1 * (1 - 0.5 * 0.96 ** (k * group["momentum_decay"])) for k in (t, t + 1)
        )
        product = state["mu_product"] = single(state.get("mu_product", 1.0) * single(mu))
        m += (1 - beta1) * (g - m)
        v *= beta2
        v += (1 - beta2) * g * g
        root = np.sqrt(v / (1 - beta2**t)) + group["eps"]
        w -= lr * (1 - mu) / (1 - product) * g / root
        w -= lr * following / (1 - product * following) * m / root


class RAdam(Optimizer):
    r"""Adam that divides by the root of v only when it has seen enough to know it.

    m and v as in `Adam`. With ρ∞ = 2/(1-β₂) - 1 and ρ = ρ∞ - 2 t β₂ᵗ / (1-β₂ᵗ)::

        ρ > 5:   p := p - lr · m / (1-β₁ᵗ) · r √(1-β₂ᵗ) / (√v + ε)
        else:    p := p - lr · m / (1-β₁ᵗ)

        r² = (ρ-4) (ρ-2) ρ∞ / ((ρ∞-4) (ρ∞-2) ρ)

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
    decoupled_weight_decay : bool
        Decay the weights as `AdamW` does, not as `Adam`.
    maximize : bool
        Ascend instead.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import RAdam
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> optimizer = RAdam([w], lr=0.1)
    >>> (3 * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.7], requires_grad=True)

    References
    ----------
    Liu et al. (2020), "On the variance of the adaptive learning rate and beyond", algorithm 2.
    """

    ranges = {**dict.fromkeys(("lr", "eps", "weight_decay"), POSITIVE), "betas": UNIT}
    lengths = {"betas": 2}
    buffers = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        decoupled_weight_decay=False,
        *,
        maximize=False,
    ):
        super().__init__(params, options_of(locals()))

    def update_all(self, rows, group):
        """One step of the formula above."""
        beta1, beta2 = map(float, group["betas"])
        for t, some in self._by_age(rows).items():
            kernels.radam_step(
                *self._arrays(some),
                self._buffers(some, "exp_avg"),
                self._buffers(some, "exp_avg_sq"),
                float(group["lr"]),
                beta1,
                beta2,
                group["eps"],
                group["weight_decay"],
                t,
                group["decoupled_weight_decay"],
                group["maximize"],
            )
        self._note_changes(rows)
