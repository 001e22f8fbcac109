"""How the cost of a training step grows: with the batch, the width squared and the depth."""

from functools import partial

import numpy as np

from benchmarks.harness import Row
from benchmarks.mlp import framework
from benchmarks.table import amount

TITLE = "Cost of an MLP's SGD step against batch, width² and depth (float32)"
# what grows, as x; its values; the batch and widths of a value
AXES = {
    "batch": ((64, 128, 256, 512, 1024, 2048), lambda v: v, lambda v: (v, (256,) * 4 + (10,))),
    "width²": (
        (128, 256, 384, 512, 768, 1024),
        lambda v: v * v,
        lambda v: (128, (v,) * 4 + (10,)),
    ),
    "depth": ((1, 2, 4, 8, 16, 32), lambda v: v, lambda v: (128, (256,) * (v + 1) + (10,))),
}


def build(batch, widths):
    return {
        "minigrad": partial(framework, "minigrad", batch, widths, "SGD"),
        "PyTorch": partial(framework, "torch", batch, widths, "SGD"),
    }


def rows(quick):
    for axis, (values, x, setting) in AXES.items():
        for value in values[1:4] if quick else values:
            yield Row(
                f"{axis}: {value}" + (" squared" if axis == "width²" else ""),
                partial(build, *setting(value)),
                group=axis,
                facts={"axis": axis, "x": x(value)},
            )


def fit(x, t):
    """Least squares t = a + b x: a, b, R², and the slope of log t over log x at the upper half."""
    x, t = np.asarray(x, float), np.asarray(t)
    b, a = np.polyfit(x, t, 1)
    left = ((t - a - b * x) ** 2).sum()
    upper = slice(len(x) // 2 - 1, None)
    power = np.polyfit(np.log(x[upper]), np.log(t[upper]), 1)[0]
    return a, b, 1 - left / ((t - t.mean()) ** 2).sum(), power


def summary(results):
    """The fits, ours and PyTorch's, of the fastest samples: what else runs only adds time."""
    for axis in AXES:
        found = [r for r in results if r.facts["axis"] == axis and r.medians]
        for name in found[0].medians if len(found) > 2 else ():
            points = [(r.facts["x"], r.least[name]) for r in found if name in r.least]
            a, b, r2, power = fit(*zip(*points))
            start = f"{'−' if a < 0 else ''}{amount(abs(a))}"
            yield (
                f"{name}: t = {start} + {amount(b)} × {axis}, R² = {r2:.4f}; "
                f"t ~ {axis}^{power:.2f} in the upper half"
            )
