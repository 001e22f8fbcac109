"""The factorizations under PyTorch's older names, which are also methods of a Tensor.

Their arguments differ from those of `minigrad.linalg`, where the derivatives are described.
"""

from typing import NamedTuple

import numpy as np

from minigrad.ops import decomposition, spectrum
from minigrad.ops.shape import mT
from minigrad.tensor import wrap

__all__ = ["cholesky", "qr", "svd"]


def cholesky(input, upper=False):
    """`linalg.cholesky`, `upper` without its name.

    >>> import minigrad as mg
    >>> mg.tensor([[4.0]]).cholesky()
    tensor([[2.]])
    """
    return decomposition.cholesky(input, upper=upper)


def qr(input, some=True):
    """`linalg.qr`, reduced if `some`, else complete.

    >>> import minigrad as mg
    >>> mg.ones(3, 2).qr().R.shape
    (2, 2)
    """
    return decomposition.qr(input, "reduced" if some else "complete")


class SVDResult(NamedTuple):
    """What the older `svd` returns: input = U diag(S) Vᵀ, S descending."""

    U: object
    S: object
    V: object


def svd(input, some=True, compute_uv=True):
    """`linalg.svd` that returns V, not Vᵀ; reduced if `some`.

    Without `compute_uv`, U and V are zeros of their shapes.

    >>> import minigrad as mg
    >>> mg.ones(3, 2).svd().V.shape
    (2, 2)
    """
    if compute_uv:
        u, s, vt = spectrum.svd(input, not some)
        return SVDResult(u, s, mT(vt))
    s = spectrum.svdvals(input)
    *batch, m, n = input.shape
    u, v = (np.zeros((*batch, k, k), input.dtype) for k in (m, n))
    return SVDResult(wrap(u), s, wrap(v))
