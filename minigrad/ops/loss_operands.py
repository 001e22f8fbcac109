"""What losses ask of their arguments, and how they end: the reduction."""

import warnings

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError, ShapeError
from minigrad.ops.shape import check_tensor

REDUCTIONS = ("none", "mean", "sum")


def check_reduction(reduction, name):
    """Raise a ValueError unless `reduction` is none, mean or sum."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"{name}: reduction must be none, mean or sum, got {reduction!r}")


def reduced(losses, reduction):
    """All losses, their sum or their mean."""
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.mean()


def check_fit(name, *tensors):
    """Raise an error that names the loss unless these are tensors whose shapes broadcast."""
    for x in tensors:
        check_tensor(x, name)
    first = tensors[0].shape
    for x in tensors:
        if x.shape != first:
            try:
                return np.broadcast_shapes(*[t.shape for t in tensors])
            except ValueError:
                shapes = " and ".join(str(t.shape) for t in tensors)
                raise ShapeError(f"{name}: shapes {shapes} do not broadcast") from None
    return first


def check_regression(name, input, target, weight=None):
    """The same for predictions and targets, which should be of one shape: warn if they are not."""
    check_fit(name, input, target)
    if input.shape != target.shape:
        warnings.warn(
            f"{name}: input {input.shape} and target {target.shape} differ and are broadcast; "
            "give them one shape",
            UserWarning,
            stacklevel=1 if cython.compiled else 3,  # compiled functions are not on the stack
        )
    kinds = {input.dtype.kind, target.dtype.kind}
    if "b" in kinds or ("f" not in kinds and name != "l1_loss"):  # which sums integers, too
        raise DtypeError(f"{name}: expected floats, got {input.dtype} and {target.dtype}")
    if weight is not None and check_tensor(weight, name).shape != input.shape:
        raise ShapeError(f"{name}: weight {weight.shape} must have input's shape {input.shape}")


def same_shape(name, input, target):
    """Raise an error that names the loss unless these are tensors of one shape."""
    if check_tensor(input, name).shape != check_tensor(target, name).shape:
        raise ShapeError(
            f"{name}: input {input.shape} and target {target.shape} must be of one shape"
        )
