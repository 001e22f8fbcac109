"""Curvature of a loss: its Hessian as an operator, eigenvalues, and what a critical point is.

    H = curvature.Hessian(model, loss, batches)       n × n, never written down
    H @ v                                             two backward passes a batch
    curvature.eigenpairs(H, 3, "top")                 Lanczos, with residual bounds
    curvature.trace(H), curvature.spectral_density(H)
    curvature.classify_critical_point(H)              minimum, saddle, flat … and by how much

Read `operator.py` first (what a Hessian-vector product is), then `spectrum.py`, then
`critical.py`. Vectors are NumPy arrays over all parameters, one after the other.
"""

from minigrad.curvature.critical import (
    CriticalPoint,
    Escape,
    Inertia,
    classify_critical_point,
    escape_direction,
    inertia,
)
from minigrad.curvature.lanczos import SpectralDensity, spectral_density
from minigrad.curvature.operator import GaussNewton, Hessian, Operator
from minigrad.curvature.spectrum import Eigenpairs, Trace, eigenpairs, trace

__all__ = [
    "Operator",
    "Hessian",
    "GaussNewton",
    "Eigenpairs",
    "eigenpairs",
    "Trace",
    "trace",
    "SpectralDensity",
    "spectral_density",
    "Inertia",
    "inertia",
    "CriticalPoint",
    "classify_critical_point",
    "Escape",
    "escape_direction",
]
