"""ASGD: gradient descent that keeps the average of where it has been."""

from minigrad.optim.groups import ANY, POSITIVE, options_of
from minigrad.optim.rule import ArrayRule, single


class ASGD(ArrayRule):
    r"""Gradient descent with a falling rate; the mean of the later iterates is kept in ``"ax"``.

    With η₁ = `lr`, μ₁ = 1 and the decay λ = `lambd`::

        g := g + wd p
        p := (1 - λ ηₜ) p - ηₜ g
        a := a + μₜ (p - a)
        ηₜ₊₁ = lr / (1 + λ lr t)^α        μₜ₊₁ = 1 / max(1, t - t₀)

    a is ``optimizer.state[p]["ax"]``: p itself up to step t₀, then the mean of p since.

    η and μ are rounded to single precision, as PyTorch does.

    Parameters
    ----------
    params : iterable of Tensor or of dict
        Parameters, or parameter groups.
    lr : float or 0-d Tensor
        The first step size.
    lambd, alpha, t0 : float
        λ, α and t₀.
    weight_decay : float
        wd.
    maximize : bool
        Ascend instead.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import ASGD
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> optimizer = ASGD([w], lr=0.1, lambd=0, t0=1)
    >>> for g in (1.0, 1.0, 3.0, 1.0):
    ...     w.grad = mg.tensor([g])
    ...     optimizer.step()
    >>> w, optimizer.state[w]["ax"]
    (tensor([0.4], requires_grad=True), tensor([0.45]))

    References
    ----------
    Polyak, Juditsky (1992), "Acceleration of stochastic approximation by averaging", SIAM J.
    Control Optim. 30; the rates: Xu (2011), "Towards optimal one pass large scale learning with
    averaged stochastic gradient descent".
    """

    ranges = {
        **dict.fromkeys(("lr", "weight_decay"), POSITIVE),
        **dict.fromkeys(("lambd", "alpha", "t0"), ANY),
    }
    buffers = ("ax",)
    scalars = ("step", "eta", "mu")

    def __init__(
        self, params, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0, maximize=False
    ):
        super().__init__(params, options_of(locals()))

    def change(self, w, g, state, group, t):
        """One step of the formula above."""
        lr, lambd = float(group["lr"]), group["lambd"]
        mean = self.kept(state, "ax", w)
        eta, mu = state.get("eta", single(lr)), state.get("mu", 1.0)
        w *= 1 - lambd * eta
        w -= eta * g
        mean += mu * (w - mean) if mu != 1 else w - mean
        state["eta"] = single(lr / (1 + lambd * lr * t) ** group["alpha"])
        state["mu"] = single(1 / max(1, t - group["t0"]))
