"""Rules with a step size for each element, without a mean of the gradient.

Adagrad divides by the root of the sum of squared gradients, RMSprop by that of their running mean,
Adadelta multiplies by the root of the running mean of its squared steps besides.

In all formulas g is the gradient (-g if `maximize`), t counts the steps from 1, λ is the weight
decay, and squares, roots and quotients are elementwise.
"""

import numpy as np

from minigrad import kernels
from minigrad.optim.groups import POSITIVE, UNIT_CLOSED, options_of
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.rule import ArrayRule


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
        ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"), POSITIVE
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
        super().__init__(params, options_of(locals()))

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
        **dict.fromkeys(("lr", "eps", "weight_decay", "momentum"), POSITIVE),
        "alpha": UNIT_CLOSED,
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
        super().__init__(params, options_of(locals()))

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


class Adadelta(ArrayRule):
    r"""RMSprop with a step size that has the parameter's unit: the size of the last steps.

    With the smoothing constant ρ; v and a start at 0::

        g := g + λ p
        v := ρ v + (1-ρ) g²
        u := √(a + ε) / √(v + ε) · g
        a := ρ a + (1-ρ) u²
        p := p - lr u

    Parameters
    ----------
    params : iterable of Tensor or of dict
        Parameters, or parameter groups.
    lr : float or 0-d Tensor
        A factor; 1 in the paper.
    rho, eps, weight_decay : float
        ρ, ε and λ.
    maximize : bool
        Ascend instead.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import Adadelta
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> optimizer = Adadelta([w], rho=0.0, eps=0.25)
    >>> w.sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)  # 1 - √(0.25 / 1.25)
    0.5528

    References
    ----------
    Zeiler (2012), "ADADELTA: an adaptive learning rate method", algorithm 1.
    """

    ranges = {**dict.fromkeys(("lr", "eps", "weight_decay"), POSITIVE), "rho": UNIT_CLOSED}
    buffers = ("square_avg", "acc_delta")

    def __init__(self, params, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, *, maximize=False):
        super().__init__(params, options_of(locals()))

    def change(self, w, g, state, group, t):
        """One step of the formula above."""
        rho, eps = group["rho"], group["eps"]
        v, a = self.kept(state, "square_avg", w), self.kept(state, "acc_delta", w)
        v *= rho
        v += (1 - rho) * g * g
        u = np.sqrt(a + eps) / np.sqrt(v + eps) * g
        a *= rho
        a += (1 - rho) * u * u
        w -= float(group["lr"]) * u
