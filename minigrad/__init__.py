"""minigrad: reverse-mode autodiff, scalar and tensor, right to any order, fast on small networks.

    import minigrad as mg

Read the source in this order: `scalar.py` (the whole idea in one file), `tensor.py` and
`engine.py` (what is recorded), `backward.py` (the pass), `ops/arithmetic.py` (operations).
"""

from typing import TYPE_CHECKING

from minigrad import _loader  # decides which build runs, before anything else

__version__ = "0.1.0"

from minigrad import autograd, errors, scalar
from minigrad.autograd import grad
from minigrad.config import get_config, get_num_threads, set_num_threads, show_config
from minigrad.dtypes import bool_ as bool
from minigrad.dtypes import float32, float64, int8, int16, int32, int64, uint8
from minigrad.grad_mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from minigrad.ops import *  # noqa: F403
from minigrad.scalar import Value
from minigrad.serialization import load, save
from minigrad.tensor import Tensor

if TYPE_CHECKING:
    from minigrad import curvature, func, lab, linalg, nn, optim, utils

# imported when they are first asked for
_LATER = "curvature func lab linalg nn optim utils".split()


def __getattr__(name):
    if name in _LATER:
        from importlib import import_module

        return import_module(f"minigrad.{name}")
    raise AttributeError(f"module 'minigrad' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_LATER})
