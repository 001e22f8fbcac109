"""Saddle-free Newton: Newton's step with the absolute values of the curvatures."""

import numpy as np

from minigrad import autograd
from minigrad.errors import ShapeError
from minigrad.grad_mode import enable_grad
from minigrad.optim.flat import FlatOptimizer
from minigrad.optim.groups import POSITIVE
from minigrad.tensor import Tensor, wrap

EXACT = 1000  # parameters, up to which the whole Hessian is the default
KRYLOV = 50  # dimensions, the default beyond


class SaddleFreeNewton(FlatOptimizer):
    r"""Newton's method that descends along negative curvature, where Newton's climbs.

    With the Hessian H = V Λ Vᵀ, the gradient g and the damping δ::

        p := p - lr V (|Λ| + δ)⁻¹ Vᵀ g

    Where all curvatures are positive this is Newton's step. Near a saddle point Newton's step goes
    to it; this one goes away from it in the directions in which the loss falls, by as much as it
    approaches in the others.

    With `krylov_dim` = k the Hessian is seen in the space of g, H g, …, Hᵏ⁻¹ g only: Lanczos' k
    Hessian-vector products, with full reorthogonalization, instead of the n columns of H.

    Parameters
    ----------
    params : iterable of Tensor
        Parameters; no groups.
    lr : float or 0-d Tensor
        The part of the step that is taken.
    damping : float
        δ, in units of curvature: flat directions are followed no further than g / δ.
    krylov_dim : int, optional
        k; 0 for the whole Hessian, n by n. Default: 0 up to 1,000 parameters, 50 beyond.

    Examples
    --------
    From beside the saddle point of (1 - w₁ w₂)², where Newton's method converges to it:

    >>> import minigrad as mg
    >>> from minigrad.optim import SaddleFreeNewton
    >>> w = mg.tensor([0.02, 0.01], dtype="float64", requires_grad=True)
    >>> optimizer = SaddleFreeNewton([w])
    >>> for _ in range(20):
    ...     loss = optimizer.step(lambda: (1 - w[0] * w[1]) ** 2)
    >>> bool(loss < 1e-12)
    True

    References
    ----------
    Dauphin et al. (2014), "Identifying and attacking the saddle point problem in high-dimensional
    non-convex optimization", algorithm 1.
    """

    ranges = dict.fromkeys(("lr", "damping", "krylov_dim"), POSITIVE)

    def __init__(self, params, lr=1.0, damping=1e-3, krylov_dim=None):
        params = self._listed(params)
        if krylov_dim is None:
            n = sum(p.numel() for p in params if isinstance(p, Tensor))
            krylov_dim = 0 if n <= EXACT else KRYLOV
        super().__init__(params, {"lr": lr, "damping": damping, "krylov_dim": krylov_dim})

    def step(self, closure):
        """One step.

        Parameters
        ----------
        closure : callable
            Evaluates the model and returns the loss, one element; without calling `backward`.

        Returns
        -------
        What `closure` returns.
        """
        self._need(closure, "returns the loss, without calling backward")
        group, params = self.param_groups[0], self._params
        with enable_grad():
            loss = closure()
            if not isinstance(loss, Tensor) or loss.numel() != 1:
                got = loss.shape if isinstance(loss, Tensor) else type(loss).__name__
                raise ShapeError(f"SaddleFreeNewton.step: the loss must be one element, got {got}")
            slopes = autograd.grad(loss, params, create_graph=True, allow_unused=True)
        g = _joined(slopes, params, 1)[0]

        def times(block):
            """The rows of `block` (K, n) times H, in one pass with K cotangents."""
            return _hessian_rows(slopes, params, block)

        k = group["krylov_dim"]
        basis = krylov_basis(times, g, int(k)) if k else np.eye(g.size)
        small = basis @ times(basis).T  # (k, k)
        if not np.isfinite(small).all():
            raise RuntimeError(
                f"SaddleFreeNewton.step: the Hessian is not finite, at the loss {loss.item()}"
            )
        curvature, vectors = np.linalg.eigh((small + small.T) / 2)
        scale = np.abs(curvature) + group["damping"]
        along = vectors.T @ (basis @ g)
        along = np.divide(along, scale, out=np.zeros_like(along), where=scale > 0)
        self._move(-float(group["lr"]) * (basis.T @ (vectors @ along)))
        return loss


def krylov_basis(times, g, k):
    """Orthonormal rows that span g, H g, …, Hᵏ⁻¹ g; fewer where that space ends earlier.

    >>> import numpy as np
    >>> from minigrad.optim.saddle_free import krylov_basis
    >>> H = np.diag([2.0, -2.0, 2.0])
    >>> krylov_basis(lambda block: block @ H, np.ones(3), 3).shape  # two different curvatures
    (2, 3)
    """
    rows = np.zeros((0, g.size))
    w = g
    for _ in range(min(k, g.size)):
        size = np.linalg.norm(w)
        for _ in range(2):  # once leaves what the first rounding left
            w = w - rows.T @ (rows @ w)
        left = np.linalg.norm(w)
        if not left > 1e-10 * size:
            break
        rows = np.vstack([rows, w / left])
        w = times(rows[-1:])[0]
    return rows


def _hessian_rows(slopes, params, block):
    """block @ H, given the gradients `slopes` with their graph."""
    starts = np.cumsum([p.numel() for p in params])[:-1]
    parts = np.split(block, starts, axis=1)
    pairs = [
        (s, wrap(part.reshape((-1, *p.shape)).astype(p.dtype)))
        for s, p, part in zip(slopes, params, parts, strict=True)
        if s is not None and s.requires_grad
    ]
    if not pairs or not len(block):
        return np.zeros_like(block)
    live, cotangents = zip(*pairs, strict=True)
    found = autograd.grad(
        live,
        params,
        cotangents,
        retain_graph=True,
        allow_unused=True,
        is_grads_batched=True,
    )
    return _joined(found, params, len(block))


def _joined(values, params, k):
    """Values of the parameters' shapes, each with k in front, as rows (k, n); None is 0."""
    columns = [
        np.zeros((k, p.numel())) if x is None else x._array.reshape(k, p.numel())
        for x, p in zip(values, params, strict=True)
    ]
    return np.concatenate(columns, axis=1, dtype=np.float64)
