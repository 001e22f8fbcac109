"""A row of the test table: how to call an operation, an independent formula, where inputs live.

    Case(name, function, formula, *inputs, shapes=strategy)

`inputs` are domains, one a tensor; `shapes` draws one shape for each of them. `formula` is NumPy
and also takes complex arrays, analytically: the derivatives of orders 1 to 4 come from its values
on a small circle around the point (see `cauchy.py`). So it says ``np.where(x.real > 0, x, 0)`` and
``x * np.sign(x.real)``; where that is not to be had, `analytic` is a second formula that is.
"""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

# Domains: how to fill an array of a shape -------------------------------------------------------


def anywhere(chance, shape):
    return chance.uniform(-2, 2, shape)


def positive(chance, shape):
    return chance.uniform(0.3, 2.5, shape)


def unit(chance, shape):
    return chance.uniform(-0.8, 0.8, shape)


def off_zero(chance, shape):
    """Away from the kink at 0, and from ties: all magnitudes differ."""
    size = int(np.prod(shape))
    magnitude = (np.arange(size) + 1.0) / (size + 1) * 1.8 + 0.2
    sign = chance.choice([-1.0, 1.0], size)
    return (chance.permutation(magnitude) * sign).reshape(shape)


def distinct(chance, shape):
    """No two elements within 0.05 of each other."""
    size = int(np.prod(shape))
    return (chance.permutation(size) * 0.1 - 0.05 * size).reshape(shape)


def clear_of(*kinks, width=2.0, gap=0.25):
    """Anywhere in ±width but at least `gap` away from each of these numbers, in rising order."""

    def domain(chance, shape):
        x = chance.uniform(-width, width, shape)
        for kink in kinks:
            x = np.where(abs(x - kink) < gap, kink + np.where(x < kink, -gap, gap), x)
        return x

    return domain


# Shapes -------------------------------------------------------------------------------------------


def lengths(low=0, high=3):
    return st.integers(low, high)


def any_shape(low=0, min_dims=0, max_dims=3):
    return st.lists(lengths(low), min_size=min_dims, max_size=max_dims).map(tuple)


def one(**kwargs):
    return any_shape(**kwargs).map(lambda s: (s,))


@st.composite
def broadcast(draw, count=2, low=0):
    """Shapes that broadcast together: axes dropped in front or shrunk to 1."""
    full = draw(any_shape(low=low))
    shapes = []
    for _ in range(count):
        start = draw(st.integers(0, len(full)))
        shapes.append(tuple(1 if draw(st.booleans()) else n for n in full[start:]))
    return tuple(shapes)


def fixed(*shapes):
    return st.just(tuple(shapes))


@st.composite
def matrices(draw):
    """Shapes for matmul: vectors, matrices, batches that broadcast."""
    m, k, n = draw(lengths()), draw(lengths()), draw(lengths())
    kind = draw(st.sampled_from(["vv", "mv", "vm", "mm", "bm", "mb", "bb", "broadcast"]))
    b = draw(lengths(1, 2))
    return {
        "vv": ((k,), (k,)),
        "mv": ((m, k), (k,)),
        "vm": ((k,), (k, n)),
        "mm": ((m, k), (k, n)),
        "bm": ((b, m, k), (k, n)),
        "mb": ((m, k), (b, k, n)),
        "bb": ((b, m, k), (b, k, n)),
        "broadcast": ((2, 1, m, k), (b, k, n)),
    }[kind]


# Rows ---------------------------------------------------------------------------------------------


@dataclass
class Case:
    """One row.

    `order` is how often the operation is differentiated: 4 by default, 0 where it has no
    derivative. `tolerance` is for the central differences, `close` for the formula's derivatives.
    """

    name: str
    function: object
    formula: object
    inputs: tuple
    shapes: object
    order: int
    tolerance: float
    analytic: object
    close: float

    def __init__(
        self,
        name,
        function,
        formula,
        *inputs,
        shapes=None,
        order=4,
        tolerance=1e-4,
        analytic=None,
        close=1e-6,
    ):
        self.name, self.function, self.formula, self.inputs = name, function, formula, inputs
        self.shapes = (
            shapes if shapes is not None else (one() if len(inputs) == 1 else broadcast())
        )
        self.order, self.tolerance, self.close = order, tolerance, close
        self.analytic = analytic or formula
