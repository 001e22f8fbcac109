"""Sums that mix tensors: lerp, addcmul, addcdiv."""

import operator

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

if cython.compiled:
    from cython.cimports.minigrad.engine import Nary, Tensor
else:
    from minigrad.engine import Nary, Tensor

from minigrad.errors import DtypeError, ShapeError
from minigrad.ops.operands import numbers, shapes_clash, tensors

__all__ = """
    lerp addcmul addcdiv
""".split()


@cython.cclass
class Lerp(Nary):
    """z = x + w (y - x);  dx = g (1 - w),  dy = g w,  dw = g (y - x)"""

    def forward(self, x, y, w):
        self.broadcasts()
        moved = self.needs_grad(2)
        self._saves = (7 if moved else 4) if self.edges is not None else 0
        with np.errstate(all="ignore"):  # from the nearer end: exact at both
            apart = y - x
            return np.where(np.less(w, 0.5), x + w * apart, y - apart * (1 - w))

    @cython.ccall
    def backward(self, grad):
        w = self.input(2)
        return (
            grad * (1.0 - w) if self.needs_grad(0) else None,
            grad * w if self.needs_grad(1) else None,
            grad * (self.input(1) - self.input(0)) if self.needs_grad(2) else None,
        )


def lerp(input, end, weight):
    """Linear interpolation ``input + weight (end - input)``, from 0 at `input` to 1 at `end`.

    Gradients: g (1 - weight), g weight and, for a tensor `weight`, g (end - input).

    Parameters
    ----------
    input, end : Tensor
        Floating, of one dtype; shapes broadcast.
    weight : Tensor or number
        A tensor has the inputs' dtype (0-d: any) and broadcasts with them.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.lerp(mg.tensor([0.0, 10.0]), mg.tensor([4.0, 20.0]), 0.25)
    tensor([ 1. , 12.5])
    """
    input, end = tensors("lerp", input=input, end=end)
    if not isinstance(weight, (Tensor, float, int)):
        raise TypeError(f"lerp: weight must be a Tensor or number, got {type(weight).__name__}")
    if not input.is_floating_point() or end.dtype != input.dtype:
        raise DtypeError(
            f"lerp: input and end must be of one floating dtype, got {input.dtype} and {end.dtype}"
        )
    if isinstance(weight, Tensor):
        if weight.dtype != input.dtype and weight.ndim:
            raise DtypeError(f"lerp: weight must be {input.dtype}, got {weight.dtype}")
        weight = weight.to(input.dtype)
    try:
        return Lerp.__new__(Lerp).apply(input, end, weight)
    except ValueError:
        shapes = f"{input.shape}, {end.shape} and {getattr(weight, 'shape', ())}"
        raise ShapeError(f"lerp: shapes {shapes} do not broadcast") from None


def addcmul(input, tensor1, tensor2, *, value=1):
    """``input + value * tensor1 * tensor2``, element by element.

    Gradients: g for `input`, g value tensor2 and g value tensor1 for the factors.

    >>> import minigrad as mg
    >>> mg.addcmul(mg.tensor([1.0, 1.0]), mg.tensor([2.0, 3.0]), mg.tensor([4.0, 5.0]), value=0.5)
    tensor([5. , 8.5])
    """
    return _added("addcmul", operator.mul, input, tensor1, tensor2, value)


def addcdiv(input, tensor1, tensor2, *, value=1):
    """``input + value * tensor1 / tensor2``, element by element; not for integers alone.

    Gradients: g for `input`, those of the quotient times `value` for its two sides.

    >>> import minigrad as mg
    >>> mg.addcdiv(mg.tensor([1.0, 1.0]), mg.tensor([2.0, 3.0]), mg.tensor([4.0, 5.0]), value=2)
    tensor([2. , 2.2])
    """
    x, y = tensors("addcdiv", tensor1=tensor1, tensor2=tensor2)
    if x.dtype.kind != "f" and y.dtype.kind != "f":
        raise DtypeError(f"addcdiv: integers are not divided, got {x.dtype} and {y.dtype}")
    return _added("addcdiv", operator.truediv, input, x, y, value)


def _added(name, combine, input, x, y, value):
    input, x, y = tensors(name, input=input, tensor1=x, tensor2=y)
    numbers(name, value=value)
    if "f" not in (input.dtype.kind, x.dtype.kind, y.dtype.kind):
        if all(t.dtype == bool for t in (input, x, y)):
            raise DtypeError(f"{name}: not for bool tensors")
        value = int(value)  # PyTorch cuts the fraction off
    try:
        term = combine(x, y)
        return input + (term if value == 1 else term * value)
    except ShapeError:
        raise shapes_clash(name, input, x, y) from None
