"""The matrix product: squares, tall, wide, transposed, batched, and those of an MLP's step."""

from functools import partial

import numpy as np

from benchmarks.harness import Row
from benchmarks.peers import jitted, peer

TITLE = "Matrix product"
SQUARES = (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)
ODD = (5, 7, 13, 31, 50, 100, 257, 500, 777)
LAYERS = ((32, 64, 128), (32, 128, 128), (32, 128, 10), (128, 784, 256), (512, 784, 512))

# m, k, n of (m, k) @ (k, n)
TALL = ((4096, 64, 64), (10000, 16, 32), (2048, 512, 8), (64, 8192, 64))
WIDE = ((64, 64, 4096), (32, 16, 10000), (8, 512, 2048))
SKINNY = ((1, 512, 512), (512, 512, 1), (1000, 1, 1000), (1, 4096, 1), (4, 1024, 1024))
# shapes of a and b
BATCHED = (
    ((64, 8, 8), (64, 8, 8)),
    ((64, 32, 32), (64, 32, 32)),
    ((16, 128, 64), (16, 64, 128)),
    ((64, 32, 64), (64, 128)),
    ((32, 64), (64, 64, 32)),
)


def products(quick):
    """(group, name, shape of a, shape of b, a transposed, b transposed); shapes as stored."""
    for n in SQUARES:
        if not quick or n in (4, 16, 64, 256, 512):
            yield "n×n", f"n={n}", (n, n), (n, n), False, False
    if not quick:
        for n in ODD:
            yield "n×n, odd", f"n={n}", (n, n), (n, n), False, False
    for kind, shapes in (("tall", TALL), ("wide", WIDE), ("skinny", SKINNY)):
        for m, k, n in shapes[: 1 if quick else None]:
            yield kind, f"{kind} ({m}, {k}) ({k}, {n})", (m, k), (k, n), False, False
    for n in (96,) if quick else (32, 96, 512):
        yield "transposed", f"n={n} aᵀ b", (n, n), (n, n), True, False
        yield "transposed", f"n={n} a bᵀ", (n, n), (n, n), False, True
        yield "transposed", f"n={n} aᵀ bᵀ", (n, n), (n, n), True, True
    for a, b in BATCHED[1 : 2 if quick else None]:
        yield "batched", f"{a} {b}", a, b, False, False
    for batch, width, out in LAYERS[3 if quick else 0 : 4 if quick else None]:
        x, w, g = (batch, width), (out, width), (batch, out)
        layer = f"layer {batch}×{width}→{out}"
        yield "layers", f"{layer} x Wᵀ", x, w, False, True
        yield "layers", f"{layer} gᵀ x", g, x, True, False
        yield "layers", f"{layer} g W", g, w, False, False


def framework(name, a, b):
    lib = peer(name)
    if name == "torch":
        a, b = lib.from_numpy(a), lib.from_numpy(b)  # keeps the strides of a transpose
    else:
        a, b = (lib.tensor(v) if v.flags.c_contiguous else lib.tensor(v.T).t() for v in (a, b))
    return lambda: a @ b


def build(a, b, a_transposed, b_transposed, dtype):
    chance = np.random.default_rng(0)
    stored = chance.standard_normal(a, dtype), chance.standard_normal(b, dtype)
    a, b = stored[0].T if a_transposed else stored[0], stored[1].T if b_transposed else stored[1]

    def product(a, b):
        return (a.T if a_transposed else a) @ (b.T if b_transposed else b)

    return {
        "minigrad": partial(framework, "minigrad", a, b),
        "NumPy": lambda: partial(np.matmul, a, b),
        "PyTorch": partial(framework, "torch", a, b),
        "JAX-jit": lambda: jitted(product, *stored),
    }


def flops(a, b, a_transposed, b_transposed):
    """2 m k n, for each matrix of the batch."""
    (m, k) = a[-2:][:: -1 if a_transposed else 1]
    n = b[-2 if b_transposed else -1]
    batch = int(np.prod(np.broadcast_shapes(a[:-2], b[:-2])))
    return 2.0 * batch * m * k * n


def rows(quick):
    for kind in ("float32", "float64"):
        for group, name, *shape in products(quick):
            if quick and kind == "float64" and group not in ("n×n", "layers"):
                continue
            yield Row(
                f"{kind} {name}",
                partial(build, *shape, np.dtype(kind).type),
                group=f"{kind} {group}",
                work=flops(*shape),
                limit=("fma", kind),
                aims={"NumPy": 0.9},
                facts={"dtype": kind, "group": group, "n": shape[0][0]},
            )
