"""The matrix product: squares, and the products of a multilayer perceptron's step."""

import numpy as np

from benchmarks.harness import Row, peer
from minigrad import kernels

TITLE = "Matrix product (one thread)"
SIZES = (4, 8, 16, 32, 64, 128, 256, 512, 1024)
LAYERS = [(32, 64, 128), (32, 128, 128), (32, 128, 10), (128, 784, 256), (512, 784, 512)]


def products(quick):
    """(name, a, b) of every product that is measured."""
    chance = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        kind = np.dtype(dtype).name

        def matrix(*shape, dtype=dtype):
            return chance.standard_normal(shape).astype(dtype)

        for n in SIZES[:: 2 if quick else 1]:
            yield f"{kind} {n} × {n}", matrix(n, n), matrix(n, n)
        for batch, width, out in LAYERS[: 2 if quick else 5]:
            x, w, g = matrix(batch, width), matrix(out, width), matrix(batch, out)
            layer = f"{kind} layer {batch}×{width}→{out}"
            yield f"{layer} x Wᵀ", x, w.T
            yield f"{layer} gᵀ x", g.T, x
            yield f"{layer} g W", g, w
    for m, k, n in [(1, 512, 512), (512, 512, 1), (1000, 1, 1000)]:
        yield (
            f"float32 ({m}, {k}) ({k}, {n})",
            *(chance.standard_normal(s).astype(np.float32) for s in ((m, k), (k, n))),
        )


def rows(quick):
    torch = peer("torch")
    for name, a, b in products(quick):
        columns = {
            "minigrad": lambda a=a, b=b: kernels.matmul(a, b),
            "NumPy": lambda a=a, b=b: np.matmul(a, b),
        }
        if torch:
            s, t = torch.from_numpy(a), torch.from_numpy(b)
            columns["PyTorch"] = lambda s=s, t=t: torch.matmul(s, t)
        yield Row(name, columns)
