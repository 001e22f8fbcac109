"""Muon: momentum whose singular values are all made about 1."""

import math

import numpy as np

from minigrad.errors import ShapeError
from minigrad.optim.groups import ANY, POSITIVE, options_of
from minigrad.optim.rule import ArrayRule

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def bfloat16(x):
    """`x` in float32, rounded to the 8 significant bits of a bfloat16, ties to even.

    >>> import numpy as np
    >>> from minigrad.optim.muon import bfloat16
    >>> bfloat16(np.array([1.0, 1.001, 1.005]))
    array([1.       , 1.       , 1.0078125], dtype=float32)
    """
    x = np.ascontiguousarray(x, np.float32)
    bits = x.view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(x), x, rounded.view(np.float32))


def newton_schulz(x, coefficients=COEFFICIENTS, steps=5, eps=1e-7, rounded=np.asarray):
    """X := a X + (b A + c A²) X with A = X Xᵀ, `steps` times: close to U Vᵀ of X = U Σ Vᵀ.

    X, an array (N, M), is scaled to norm 1 first. Each step maps every singular value s to
    a s + b s³ + c s⁵; with the coefficients given, 5 steps take [0.01, 1] into [0.68, 1.14].
    Every result passes through `rounded`, such as `bfloat16`.
    """
    tall = x.shape[0] > x.shape[1]
    x = rounded(x.T if tall else x)  # so that A is the smaller Gram matrix
    a, b, c = (x.dtype.type(k) for k in coefficients)
    norm = rounded(np.sqrt((x.astype(np.float64) ** 2).sum())).astype(x.dtype)
    x = rounded(x / max(norm, x.dtype.type(eps)))
    for _ in range(steps):
        gram = rounded(x @ x.T)
        x = rounded(a * x + rounded(b * gram + c * (gram @ gram)) @ x)
    return x.T if tall else x


class Muon(ArrayRule):
    r"""Momentum, orthogonalized: for the weight matrices of hidden layers.

    With μ = `momentum`, NS the Newton-Schulz iteration (`minigrad.optim.muon.newton_schulz`) and
    κ by `adjust_lr_fn`; p and g are (N, M)::

        b := μ b + (1-μ) g
        u := NS(μ b + (1-μ) g)           without nesterov: NS(b)
        p := (1 - lr λ) p - lr κ u

    Biases, gains, embeddings and the last layer go to another optimizer, such as `AdamW`.

    Parameters
    ----------
    params : iterable of Tensor or of dict
        Parameters with two axes, or parameter groups of them.
    lr : float or 0-d Tensor
        The step size.
    weight_decay, momentum : float
        λ, decoupled as in `AdamW`, and μ.
    nesterov : bool
        Look ahead along the momentum.
    ns_coefficients : (float, float, float)
        a, b and c of NS.
    eps : float
        The norm of a gradient that is taken for 0 in NS.
    ns_steps : int
        Iterations of NS, below 100.
    adjust_lr_fn : None, "original" or "match_rms_adamw"
        κ = √max(1, N/M), or 0.2 √max(N, M), which makes the steps as large as Adam's.
    ns_dtype : "bfloat16" or None
        What NS rounds to: bfloat16, as PyTorch's does for the speed of GPUs, or no more than the
        parameter's dtype does.

    Raises
    ------
    ValueError
        A parameter that is no matrix; an option out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.optim import Muon
    >>> w = mg.zeros(2, 2, requires_grad=True)
    >>> optimizer = Muon([w], lr=1.0, ns_coefficients=(1.5, -0.5, 0), ns_steps=12)
    >>> (w * mg.tensor([[3.0, 0.0], [0.0, 1.0]])).sum().backward()
    >>> optimizer.step()
    >>> mg.allclose(w.detach(), -mg.tensor([[1.0, 0.0], [0.0, 1.0]]), atol=0.01)
    True

    References
    ----------
    Jordan et al. (2024), "Muon: an optimizer for hidden layers in neural networks";
    "match_rms_adamw": Liu et al. (2025), "Muon is scalable for LLM training".
    """

    ranges = {
        **dict.fromkeys(("lr", "weight_decay", "momentum", "eps"), POSITIVE),
        "ns_coefficients": ANY,
        "ns_steps": (0, 100),
    }
    lengths = {"ns_coefficients": 3}
    buffers = ("momentum_buffer",)
    decoupled = True

    def __init__(
        self,
        params,
        lr=1e-3,
        weight_decay=0.1,
        momentum=0.95,
        nesterov=True,
        ns_coefficients=COEFFICIENTS,
        eps=1e-7,
        ns_steps=5,
        adjust_lr_fn=None,
        *,
        ns_dtype="bfloat16",
    ):
        super().__init__(params, options_of(locals()))

    def check(self, group):
        """Ranges, a known adjustment, and that all parameters are matrices."""
        super().check(group)
        adjust = group["adjust_lr_fn"]
        if adjust not in (None, "original", "match_rms_adamw"):
            raise ValueError(
                f"Muon: adjust_lr_fn must be None, 'original' or 'match_rms_adamw', got {adjust!r}"
            )
        if group["ns_dtype"] not in (None, "bfloat16"):
            raise ValueError(
                f"Muon: ns_dtype must be 'bfloat16' or None, got {group['ns_dtype']!r}"
            )
        for k, p in enumerate(group["params"]):
            if p.ndim != 2:
                raise ShapeError(
                    f"Muon: parameter {k} has shape {p.shape}, and only matrices (N, M) can be "
                    "orthogonalized; give the others to AdamW"
                )

    def change(self, w, g, state, group, t):
        """One step of the formula above."""
        mu, (n, m) = group["momentum"], w.shape
        b = self.kept(state, "momentum_buffer", w)
        b += (1 - mu) * (g - b)
        u = g + mu * (b - g) if group["nesterov"] else b
        rounded = bfloat16 if group["ns_dtype"] else np.asarray
        steps, eps = int(group["ns_steps"]), group["eps"]
        u = newton_schulz(u, group["ns_coefficients"], steps, eps, rounded).astype(w.dtype)
        matched = group["adjust_lr_fn"] == "match_rms_adamw"
        scale = 0.2 * math.sqrt(max(n, m)) if matched else math.sqrt(max(1, n / max(m, 1)))
        w -= float(group["lr"]) * scale * u
