"""Derivatives of any order of a NumPy formula, by Cauchy's integral formula.

    g(t) = f(x + t u),   g^(k)(0) = k! / (2 pi i) * contour integral of g(z) / z^(k+1)
                                 = k! / r^k * mean over j of g(r w^j) w^(-jk),   w = exp(2 pi i / n)

The trapezoidal rule on a circle converges geometrically (Lyness and Moler, 1967, "Numerical
differentiation of analytic functions"), and nothing cancels: with r = 0.03 a fourth derivative
is good to about 1e-8, where central differences would have two digits. No rule of minigrad and
no difference of nearly equal numbers is involved.
"""

import math

import numpy as np

RADIUS, POINTS = 0.03, 16


def derivatives(formula, arrays, directions, count=4):
    """d^k/dt^k formula(arrays + t directions) at 0 for k = 1 ... count: real arrays."""
    roots = np.exp(2j * np.pi * np.arange(POINTS) / POINTS)
    values = [
        np.asarray(formula(*[a + RADIUS * w * u for a, u in zip(arrays, directions, strict=True)]))
        for w in roots
    ]
    return [
        (sum(v * w**-k for v, w in zip(values, roots, strict=True)) / POINTS).real
        * (math.factorial(k) / RADIUS**k)
        for k in range(1, count + 1)
    ]
