"""Scaled dot-product attention, a composition: two matrix products around a softmax."""

import numpy as np

from minigrad.errors import DtypeError, ShapeError
from minigrad.ops.choice import where
from minigrad.ops.dropout import dropout
from minigrad.ops.linalg import matmul
from minigrad.ops.operands import numbers, zeros_of
from minigrad.ops.shape import check_tensor, mT, reshape, same_dtypes, unsqueeze
from minigrad.ops.softmax import softmax
from minigrad.tensor import wrap

__all__ = []
NAME = "scaled_dot_product_attention"


def scaled_dot_product_attention(
    query,
    key,
    value,
    attn_mask=None,
    dropout_p=0.0,
    is_causal=False,
    scale=None,
    enable_gqa=False,
):
    """Attention: softmax(scale · Q Kᵀ + mask) V, the softmax over the keys.

    Parameters
    ----------
    query : Tensor, (..., L, E)
    key : Tensor, (..., S, E)
    value : Tensor, (..., S, D)
        Leading axes broadcast.
    attn_mask : Tensor, optional
        Broadcasts to (..., L, S). Bool: True where a query may look at a key. Floating: added to
        the scores, differentiable.
    dropout_p : float
        Probability with which a weight is zeroed; there is no training flag.
    is_causal : bool
        Query i looks at keys 0 … i alone.
    scale : float, optional
        Default: 1 / √E.
    enable_gqa : bool
        Axis −3 counts heads, and each head of key and value serves several of the query.

    Returns
    -------
    Tensor, (..., L, D)
        0, with derivatives 0, for a query that may look at no key.

    Raises
    ------
    ShapeError, DtypeError
        Sizes or dtypes that do not fit.
    ValueError
        Both `attn_mask` and `is_causal`, or a `dropout_p` that is no probability.

    References
    ----------
    Vaswani et al., Attention Is All You Need, 2017, section 3.2.1. Shared heads: Ainslie et al.,
    GQA, 2023.

    Examples
    --------
    >>> import minigrad as mg
    >>> q, k, v = mg.zeros(2, 4), mg.zeros(2, 4), mg.tensor([[1.0], [3.0]])
    >>> mg.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True).tolist()
    [[1.0], [2.0]]
    """
    query, key, value = _checked(query, key, value, dropout_p, enable_gqa)
    if attn_mask is not None and is_causal:
        raise ValueError(f"{NAME}: attn_mask must not be given when is_causal=True")
    numbers(NAME, scale=1.0 if scale is None else scale)
    width = query.shape[-1]
    if scale is None:
        scale = width**-0.5 if width else 1.0
    scores = matmul(query * scale, mT(key))  # (..., L, S)
    if is_causal:
        attn_mask = wrap(np.tril(np.ones(scores.shape[-2:], bool)))
    weights = masked_softmax(scores, attn_mask)
    if dropout_p:
        weights = dropout(weights, dropout_p)
    return matmul(weights, value)


def _checked(query, key, value, dropout_p, enable_gqa):
    """The three operands, of fitting shapes; shared heads repeated."""
    for x in (query, key, value):
        if check_tensor(x, NAME).ndim < 2:
            raise ShapeError(f"{NAME}: expected at least 2 dimensions, got shape {x.shape}")
        if x.dtype.kind != "f":
            raise DtypeError(f"{NAME}: expected floating tensors, got {x.dtype}")
    same_dtypes(NAME, query, key, value)
    shapes = f"got query {query.shape}, key {key.shape}, value {value.shape}"
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise ShapeError(f"{NAME}: expected (..., L, E), (..., S, E) and (..., S, D), {shapes}")
    numbers(NAME, dropout_p=dropout_p)
    if not 0.0 <= dropout_p <= 1.0:
        raise ValueError(f"{NAME}: dropout_p must lie in [0, 1], got {dropout_p}")
    if enable_gqa:
        if min(query.ndim, key.ndim, value.ndim) < 3:
            raise IndexError(f"{NAME}: enable_gqa needs an axis of heads, -3; {shapes}")
        heads = query.shape[-3]
        if any(not n or heads % n for n in (key.shape[-3], value.shape[-3])):
            raise ShapeError(
                f"{NAME}: heads of key and value must divide the query's {heads}, {shapes}"
            )
        key, value = (_share(x, heads // x.shape[-3]) for x in (key, value))
    try:
        np.broadcast_shapes(query.shape[:-2], key.shape[:-2], value.shape[:-2])
    except ValueError:
        raise ShapeError(f"{NAME}: leading axes do not broadcast, {shapes}") from None
    return query, key, value


def _share(x, times):
    """Each head of x (..., H, S, E) `times` times over, copies side by side."""
    if times == 1:
        return x
    *lead, heads, s, e = x.shape
    many = unsqueeze(x, -3).broadcast_to((*lead, heads, times, s, e))
    return reshape(many, (*lead, heads * times, s, e))


def masked_softmax(scores, mask):
    """softmax(scores + mask) over the last axis; rows that the mask closes entirely are 0.

    A closed row is computed as if it were open and then discarded, so that no −∞ − (−∞) = NaN
    ever appears, in the value or in a derivative of any order.
    """
    if mask is None:
        return softmax(scores, -1)
    dtype = check_tensor(mask, NAME).dtype
    if dtype.kind not in "bf" or (
        dtype != scores.dtype and dtype.itemsize > scores.dtype.itemsize
    ):
        raise DtypeError(f"{NAME}: expected a mask of bool or {scores.dtype}, got {dtype}")
    closed = mask._array == (False if dtype.kind == "b" else -np.inf)
    try:
        closed = np.broadcast_to(closed, scores.shape)
    except ValueError:
        raise ShapeError(
            f"{NAME}: expected a mask that broadcasts to {scores.shape}, got shape {mask.shape}"
        ) from None
    scores = where(mask, scores, float("-inf")) if dtype.kind == "b" else scores + mask
    dead = closed.all(axis=-1, keepdims=True)
    if not dead.any():
        return softmax(scores, -1)
    dead, zero = wrap(dead), zeros_of(scores)
    return where(dead, zero, softmax(where(dead, zero, scores), -1))
