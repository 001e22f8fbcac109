"""Rules with a step size for each element, in order of increasing complexity.

Adagrad divides by the root of the sum of squared gradients, RMSprop by that of their running mean,
Adam adds a running mean of the gradient and corrects both for their start at 0, AdamW decays the
weights beside the gradient, RAdam waits until the variance of the step is known.

In all formulas g is the gradient (-g if `maximize`), t counts the steps from 1, λ is the weight
decay, and squares, roots and quotients are elementwise.
"""

import math

from minigrad import kernels
from minigrad.optim.optimizer import Optimizer

_POSITIVE = (0, math.inf)


class Adagrad(Optimizer):
    r"""Steps divided by the root of the sum of all squared gradients.

    With η = `lr_decay`; s starts at `initial_accumulator_value`::

        g := g + λ p
        s := s + g²
        p := p - lr / (1 + (t-1) η) · g / (√s + ε)

    Parameters
    ----------
    params : iterable of Tensor or of dict
        Parameters, or parameter groups.
    lr : float or 0-d Tensor
        The step size.
    lr_decay, weight_decay, initial_accumulator_value : float
        η, λ and the first s.
    eps : float
        ε.
    maximize : bool
        Ascend instead.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import Adagrad
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> optimizer = Adagrad([w], lr=0.5)
    >>> (3 * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.5], requires_grad=True)

    References
    ----------
    Duchi, Hazan, Singer (2011), "Adaptive subgradient methods", JMLR 12.
    """

    ranges = dict.fromkeys(
        ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"), _POSITIVE
    )
    buffers = ("sum",)

    def __init__(
        self,
        params,
        lr=1e-2,
        lr_decay=0,
        weight_decay=0,
        initial_accumulator_value=0,
        eps=1e-10,
        *,
        maximize=False,
    ):
        options = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def update_all(self, rows, group):
        """One step of the formula above."""
        for t, some in self._by_age(rows).items():
            kernels.adagrad_step(
                *self._arrays(some),
                self._buffers(some, "sum", group["initial_accumulator_value"]),
                float(group["lr"]),
                group["lr_decay"],
                group["eps"],
                group["weight_decay"],
                t,
                group["maximize"],
            )
        self._note_changes(rows)


class RMSprop(Optimizer):
    r"""Steps divided by the root of a running mean of squared gradients.

    With the smoothing constant α and momentum μ::

        g := g + λ p
        v := α v + (1-α) g²
        u := g / (√v + ε)             centered: g / (√(v - m²) + ε) with m := α m + (1-α) g
        b := μ b + u
        p := p - lr b                 μ = 0: p - lr u

    Parameters
    ----------
    params : iterable of Tensor or of dict
        Parameters, or parameter groups.
    lr : float or 0-d Tensor
        The step size.
    alpha, eps, weight_decay, momentum : float
        α, ε, λ and μ.
    centered : bool
        Divide by the standard deviation of the gradient instead.
    maximize : bool
        Ascend instead.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import RMSprop
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> optimizer = RMSprop([w], lr=0.01)
    >>> (3 * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9], requires_grad=True)

    References
    ----------
    Hinton (2012), lecture 6e of "Neural networks for machine learning"; centered: Graves (2013),
    "Generating sequences with recurrent neural networks".
    """

    ranges = {
        **dict.fromkeys(("lr", "eps", "weight_decay", "momentum"), _POSITIVE),
        "alpha": (0, math.nextafter(1, 2)),
    }
    buffers = ("square_avg", "grad_avg", "momentum_buffer")

    def __init__(
        self,
        params,
        lr=1e-2,
        alpha=0.99,
        eps=1e-8,
        weight_decay=0,
        momentum=0,
        centered=False,
        *,
        maximize=False,
    ):
        options = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def update_all(self, rows, group):
        """One step of the formula above."""
        momentum = group["momentum"]
        self._by_age(rows)  # counts
        kernels.rmsprop_step(
            *self._arrays(rows),
            self._buffers(rows, "square_avg"),
            self._buffers(rows, "grad_avg") if group["centered"] else None,
            self._buffers(rows, "momentum_buffer") if momentum else None,
            float(group["lr"]),
            group["alpha"],
            group["eps"],
            group["weight_decay"],
            momentum,
            group["maximize"],
        )
        self._note_changes(rows)


def _check_betas(optimizer, group):
    betas = group["betas"]
    if not isinstance(betas, (tuple, list)) or len(betas) != 2:
        raise ValueError(
            f"{type(optimizer).__name__}: betas must be two numbers (beta1, beta2), got {betas}"
        )


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

    ranges = {**dict.fromkeys(("lr", "eps", "weight_decay"), _POSITIVE), "betas": (0, 1)}
    buffers = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
    decoupled = False

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
    ):
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def check(self, group):
        """Ranges, and that there are two betas."""
        _check_betas(self, group)
        super().check(group)

    def update_all(self, rows, group):
        """One step of the formula above."""
        beta1, beta2 = group["betas"]
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
                self.decoupled,
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

    decoupled = True

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
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)


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

    ranges = {**dict.fromkeys(("lr", "eps", "weight_decay"), _POSITIVE), "betas": (0, 1)}
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
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def check(self, group):
        """Ranges, and that there are two betas."""
        _check_betas(self, group)
        super().check(group)

    def update_all(self, rows, group):
        """One step of the formula above."""
        beta1, beta2 = group["betas"]
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
