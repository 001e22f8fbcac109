"""Lengths and distances of vectors along an axis: normalize, cosine_similarity, pairwise_distance.

All three are a p-norm (`vector_norm`, whose derivatives at a zero vector are 0, never NaN) and a
little arithmetic.
"""

import math

import numpy as np

from minigrad.errors import DtypeError, ShapeError
from minigrad.ops.arithmetic import sub
from minigrad.ops.choice import clamp
from minigrad.ops.operands import floating, numbers, pair
from minigrad.ops.reduce import sum as sum_
from minigrad.ops.shape import check_dim, check_tensor, unsqueeze
from minigrad.ops.vector_norm import vector_norm

__all__ = ["cosine_similarity", "pairwise_distance"]


def normalize(input, p=2.0, dim=1, eps=1e-12):
    """Vectors along an axis, scaled to length 1: y = x / max(‖x‖_p, ε).

    Parameters
    ----------
    input : Tensor
    p : float
        Exponent of the norm; ±inf and 0 too. None and "fro" are 2.
    dim : int or tuple of int, or None for all axes
    eps : float
        A shorter vector is divided by this.

    Returns
    -------
    Tensor
        Of the shape of `input`. Gradient for p = 2: (g − y Σ g y) / ‖x‖; g / ε where ‖x‖ < ε.

    Raises
    ------
    DtypeError
        Integers.
    IndexError
        `dim` is out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.functional.normalize(mg.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[0.6, 0.8],
            [0. , 0. ]])
    """
    name = "normalize"
    if check_tensor(input, name).dtype.kind != "f":
        raise DtypeError(f"{name}: expected a floating tensor, got {input.dtype}")
    dims = range(input.ndim) if dim is None else dim if isinstance(dim, (tuple, list)) else (dim,)
    dims = tuple([check_dim(d, input.ndim, name) for d in dims])
    p = check_exponent(name, 2.0 if p is None or p == "fro" else p)
    numbers(name, eps=eps)
    if not input.ndim:
        return normalize(unsqueeze(input, 0), p, 0, eps).squeeze(0)
    refuse_empty(name, p, input, dims)
    return input / clamp(vector_norm(input, p, dims, True), min=eps)


def check_exponent(name, p):
    """`p` as a float that is not NaN."""
    if isinstance(p, bool) or not isinstance(p, (int, float, np.number)) or p != p:
        raise TypeError(f"{name}: p must be a number, got {p!r}")
    return float(p)


def refuse_empty(name, p, x, dims):
    """Raise where the norm of no elements is not defined: neither a sum nor above 0."""
    if (p < 0 or p == math.inf) and 0 in [x.shape[d] for d in dims]:
        raise ShapeError(f"{name}: no elements for the {p}-norm, got shape {x.shape}")


def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """Cosine of the angle between vectors: Σ x1 x2 / (max(‖x1‖, ε) max(‖x2‖, ε)) along `dim`.

    Parameters
    ----------
    x1, x2 : Tensor
        They broadcast; `dim` is an axis of the common shape.
    dim : int
    eps : float
        A shorter vector is divided by this.

    Returns
    -------
    Tensor
        The common shape without `dim`, between −1 and 1. The gradient is that of this formula:
        with respect to a vector shorter than ε it is that of a division by the constant ε,
        where PyTorch keeps the term of the norm.

    Raises
    ------
    ShapeError, DtypeError
        The shapes do not broadcast, or both are integers.
    IndexError
        `dim` is out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[1.0, 0.0], [1.0, 1.0]])
    >>> mg.nn.functional.cosine_similarity(x, mg.tensor([[2.0, 0.0], [-3.0, 3.0]]))
    tensor([1., 0.])
    """
    name = "cosine_similarity"
    check_tensor(x1, name), check_tensor(x2, name)
    try:
        shape = np.broadcast_shapes(x1.shape, x2.shape)
    except ValueError:
        raise ShapeError(f"{name}: shapes {x1.shape} and {x2.shape} do not broadcast") from None
    x1, x2 = pair(x1, x2, name)
    if x1.dtype.kind != "f":
        raise DtypeError(f"{name}: expected floating tensors, got {x1.dtype}")
    numbers(name, eps=eps)
    if not eps >= 0:
        raise ValueError(f"{name}: eps must not be negative, got {eps}")
    axis = check_dim(dim, len(shape), name)
    if not shape:
        return cosine_similarity(unsqueeze(x1, 0), unsqueeze(x2, 0), 0, eps)
    # Broadcast first: the axis may be one that a shorter tensor lacks, or has with length 1.
    a, b = (x if x.shape == shape else x.broadcast_to(shape) for x in (x1, x2))
    a, b = (x / clamp(vector_norm(x, 2, axis, True), min=eps) for x in (a, b))
    return sum_(a * b, axis)


def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    """Distance of vectors along the last axis: ‖x1 − x2 + ε‖_p.

    The ε, added to every difference, keeps the derivative from breaking where x1 = x2.

    Parameters
    ----------
    x1, x2 : Tensor, (..., D)
        They broadcast.
    p : float
        Exponent of the norm; ±inf and 0 too.
    eps : float
    keepdim : bool
        Keep the last axis with length 1.

    Returns
    -------
    Tensor, (...)
        Gradient of x1 for p = 2: g (x1 − x2 + ε) / distance.

    Raises
    ------
    ShapeError
        The shapes do not broadcast.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.functional.pairwise_distance(mg.tensor([3.0, 4.0]), mg.zeros(2))
    tensor(5.)
    """
    name = "pairwise_distance"
    check_tensor(x1, name), check_tensor(x2, name)
    p = check_exponent(name, p)
    numbers(name, eps=eps)
    if x1.dtype == x2.dtype == np.bool_:
        raise DtypeError(f"{name}: bool tensors have no difference")
    try:
        apart = floating(sub(x1, x2)) + eps
    except ShapeError:
        raise ShapeError(f"{name}: shapes {x1.shape} and {x2.shape} do not broadcast") from None
    if not apart.ndim:
        return vector_norm(unsqueeze(apart, 0), p, -1, keepdim)
    refuse_empty(name, p, apart, (-1,))
    return vector_norm(apart, p, -1, keepdim)
