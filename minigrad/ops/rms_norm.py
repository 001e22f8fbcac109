"""Root-mean-square normalisation: layer norm without the mean."""

import numpy as np

from minigrad.errors import DtypeError
from minigrad.ops.elementwise import rsqrt
from minigrad.ops.layer_norm import row_shape
from minigrad.ops.operands import numbers
from minigrad.ops.reduce import mean
from minigrad.ops.shape import check_tensor, to

__all__ = ["rms_norm"]


def rms_norm(input, normalized_shape, weight=None, eps=None):
    """Root-mean-square normalisation over the last axes: y = x / √(mean x² + ε) · w.

    Parameters
    ----------
    input : Tensor, (..., *normalized_shape)
    normalized_shape : int or sequence of int
        Sizes of the last axes, at least one: the mean is taken over them.
    weight : Tensor, (*normalized_shape), optional
    eps : float, optional
        Default: the spacing of the dtype's numbers at 1, ``finfo(dtype).eps``.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`. Right to any order of derivative: a composition.

    Raises
    ------
    ShapeError, DtypeError
        Sizes or dtypes that do not fit.

    References
    ----------
    Zhang and Sennrich, Root Mean Square Layer Normalization, 2019.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.functional.rms_norm(mg.tensor([[1.0, 1.0], [30.0, -30.0]]), 2)
    tensor([[ 1.,  1.],
            [ 1., -1.]])
    """
    name = "rms_norm"
    shape = row_shape(name, check_tensor(input, name), normalized_shape, weight=weight)
    if input.dtype.kind != "f":
        raise DtypeError(f"{name}: expected a floating tensor, got {input.dtype}")
    if eps is None:
        eps = float(np.finfo(input.dtype).eps)
    numbers(name, eps=eps)
    power = mean(input.square(), tuple(range(-len(shape), 0)), keepdim=True)
    y = input * rsqrt(power + eps)
    return y if weight is None else to(y * weight, input.dtype)
