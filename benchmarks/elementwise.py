"""Elementwise operations and a chain of them, from 8 elements to memory."""

from functools import partial

import numpy as np

from benchmarks import machine
from benchmarks.harness import Row
from benchmarks.peers import jitted, peer

TITLE = "Elementwise, forward"
SMALL = (8, 100, 900)

# name: (function of the library and three arrays, arrays read, stream it compares with)
OPERATIONS = {
    "x + y": (lambda lib, x, y, z: x + y, 2, "triad"),
    "x * y": (lambda lib, x, y, z: x * y, 2, "triad"),
    "x * 2": (lambda lib, x, y, z: x * 2.0, 1, "copy"),
    "exp": (lambda lib, x, y, z: lib.exp(x), 1, "copy"),
    "tanh": (lambda lib, x, y, z: lib.tanh(x), 1, "copy"),
    "log": (lambda lib, x, y, z: lib.log(z), 1, "copy"),
    "sqrt": (lambda lib, x, y, z: lib.sqrt(z), 1, "copy"),
    "maximum": (lambda lib, x, y, z: lib.maximum(x, y), 2, "triad"),
    "tanh(x*y + z)": (lambda lib, x, y, z: lib.tanh(x * y + z), 3, "triad"),
}
QUICK = ("x + y", "exp", "tanh(x*y + z)")


def arrays(n, dtype):
    chance = np.random.default_rng(0)
    x, y, z = chance.standard_normal((3, n), dtype)
    return x, y, np.abs(z) + dtype(0.1)


def framework(name, function, values):
    lib = peer(name)
    return partial(function, lib, *map(lib.tensor, values))


def jax_step(function, values):
    return jitted(partial(function, peer("jax").numpy), *values)


def build(function, n, dtype):
    values = arrays(n, dtype)
    return {
        "minigrad": partial(framework, "minigrad", function, values),
        "NumPy": lambda: partial(function, np, *values),
        "PyTorch": partial(framework, "torch", function, values),
        "JAX-jit": partial(jax_step, function, values),
    }


def sizes(itemsize, streams):
    """(label, elements, in cache level or memory) for arrays that are `streams` together."""
    for n in SMALL:
        yield f"n={n}", n, False
    for level, size in machine.working_sets().items():
        yield level, size // (itemsize * streams), True


def rows(quick):
    for dtype in (np.float32, np.float64):
        kind = np.dtype(dtype).name
        for name, (function, reads, stream) in OPERATIONS.items():
            if quick and (name not in QUICK or dtype is np.float64):
                continue
            size = np.dtype(dtype).itemsize
            for label, n, streaming in sizes(size, reads + 1):
                if quick and label not in ("n=100", "L2"):
                    continue
                traffic = (reads + 1) * n * size
                yield Row(
                    f"{kind} {name}, {label}",
                    partial(build, function, n, dtype),
                    group=f"{kind}, " + ("L1 to memory" if streaming else "below 1,000 elements"),
                    work=traffic if streaming else 0,
                    limit=(stream, kind, traffic) if streaming else (),
                    aims={"NumPy": 1.0 if streaming else 3.0},
                    facts={"n": n, "dtype": kind, "operation": name},
                )
