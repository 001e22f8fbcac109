"""Sums, means, maxima and variances over all, rows and columns, from 8 elements to memory."""

from functools import partial

import numpy as np

from benchmarks import machine
from benchmarks.harness import Row
from benchmarks.peers import jitted, peer

TITLE = "Reductions, forward"
OPERATIONS = ("sum", "mean", "max", "var")
AXES = {"all": None, "rows": 1, "columns": 0}
SMALL = ((8,), (10, 10), (30, 30))


def function(name, lib, axis):
    """The reduction under the library's own names."""
    if lib is np or lib.__name__.startswith("jax"):
        ddof = {"ddof": 1} if name == "var" else {}
        return lambda x: getattr(x, name)(axis=axis, **ddof)
    method = "amax" if name == "max" else name
    if axis is None:
        return lambda x: getattr(x, method)()
    return lambda x: getattr(x, method)(dim=axis)


def framework(lib, name, axis, x):
    lib = peer(lib)
    return partial(function(name, lib, axis), lib.tensor(x))


def build(name, axis, shape, dtype):
    x = np.random.default_rng(0).standard_normal(shape, dtype) + dtype(0.5)
    return {
        "minigrad": partial(framework, "minigrad", name, axis, x),
        "NumPy": lambda: partial(function(name, np, axis), x),
        "PyTorch": partial(framework, "torch", name, axis, x),
        "JAX-jit": lambda: jitted(function(name, peer("jax").numpy, axis), x),
    }


def sizes(itemsize):
    """(label, shape, streaming): squares, near enough."""
    for shape in SMALL:
        yield "×".join(map(str, shape)), shape, False
    for level, size in machine.working_sets().items():
        n = int((size // itemsize) ** 0.5)
        yield level, (n, n), True


def rows(quick):
    for dtype in (np.float32, np.float64):
        kind = np.dtype(dtype).name
        for name in OPERATIONS:
            for which, axis in AXES.items():
                for label, shape, streaming in sizes(np.dtype(dtype).itemsize):
                    if axis is not None and len(shape) == 1:
                        continue
                    if quick and (label not in ("10×10", "L2") or name in ("mean", "max")):
                        continue
                    if quick and dtype is np.float64:
                        continue
                    traffic = int(np.prod(shape)) * np.dtype(dtype).itemsize
                    yield Row(
                        f"{kind} {name} over {which}, {label}",
                        partial(build, name, axis, shape, dtype),
                        group=f"{kind}, " + ("L1 to memory" if streaming else "small"),
                        work=traffic if streaming else 0,
                        limit=("read", kind, traffic) if streaming else (),
                        aims={"NumPy": 1.0 if streaming else 3.0},
                        facts={"shape": shape, "dtype": kind, "operation": name},
                    )
