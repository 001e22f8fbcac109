"""Stochastic gradient descent, with momentum."""

import numpy as np

from minigrad import kernels
from minigrad.optim.groups import ANY, POSITIVE, options_of
from minigrad.optim.optimizer import Optimizer
from minigrad.tensor import wrap


class SGD(Optimizer):
    r"""Gradient descent, with (Nesterov) momentum.

    With the gradient g (-g if `maximize`), momentum μ, dampening τ, weight decay λ::

        g := g + λ p
        b := μ b + (1 - τ) g          b := g at the first step
        p := p - lr b                 nesterov: p - lr (g + μ b);  μ = 0: p - lr g

    Parameters
    ----------
    params : iterable of Tensor or of dict
        Parameters, or parameter groups.
    lr : float or 0-d Tensor
        The step size.
    momentum, dampening, weight_decay : float
        μ, τ and λ.
    nesterov : bool
        Look ahead along the momentum; needs momentum and no dampening.
    maximize : bool
        Ascend instead.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import SGD
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> optimizer = SGD([w], lr=0.1, momentum=0.9)
    >>> for _ in range(100):
    ...     optimizer.zero_grad()
    ...     (w * w).sum().backward()
    ...     optimizer.step()
    >>> bool(abs(w.detach()) < 0.01)
    True

    References
    ----------
    Sutskever et al. (2013), "On the importance of initialization and momentum in deep learning",
    in the form of PyTorch, where lr stands outside b.
    """

    ranges = {
        **dict.fromkeys(("lr", "momentum", "weight_decay"), POSITIVE),
        "dampening": ANY,
    }
    buffers = ("momentum_buffer",)

    def __init__(
        self,
        params,
        lr=1e-3,
        momentum=0,
        dampening=0,
        weight_decay=0,
        nesterov=False,
        *,
        maximize=False,
    ):
        super().__init__(params, options_of(locals()))

    def check(self, group):
        """Ranges, and what Nesterov's form needs."""
        super().check(group)
        if group["nesterov"] and (not group["momentum"] or group["dampening"]):
            raise ValueError(
                "SGD: nesterov needs momentum > 0 and dampening 0, "
                f"got momentum {group['momentum']} and dampening {group['dampening']}"
            )

    def update_all(self, rows, group):
        """One step of the formula above."""
        momentum = group["momentum"]
        old, new = [], []
        for row in rows:
            state = row[2]
            if not momentum or "momentum_buffer" in state:
                old.append(row)
            else:
                state["momentum_buffer"] = wrap(np.empty(row[0].shape, row[0].dtype))
                new.append(row)
        for chosen, first in ((old, False), (new, True)):
            if chosen:
                kernels.sgd_step(
                    *self._arrays(chosen),
                    self._buffers(chosen, "momentum_buffer") if momentum else None,
                    float(group["lr"]),
                    momentum,
                    group["dampening"],
                    group["weight_decay"],
                    group["nesterov"],
                    group["maximize"],
                    first,
                )
        self._note_changes(rows)
