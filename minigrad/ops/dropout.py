"""Dropout: of elements, of whole channels, and the variant that keeps SELU's mean and variance."""

import numpy as np

from minigrad.errors import DtypeError, ShapeError
from minigrad.ops.arithmetic import mul
from minigrad.ops.creation import default_generator
from minigrad.ops.inplace import overwrite
from minigrad.ops.shape import check_tensor
from minigrad.tensor import wrap

__all__ = ["dropout", "alpha_dropout"]


def dropout(input, p=0.5, training=True, inplace=False):
    """Each element is zeroed with probability p, the others multiplied by 1 / (1 − p).

    Parameters
    ----------
    input : Tensor
    p : float in [0, 1]
    training : bool
        If not, the input is returned as it is.
    inplace : bool
        Write over the input.

    Returns
    -------
    Tensor
        The expected value is the input. Gradient: g times the same factors.

    Raises
    ------
    ValueError
        p outside [0, 1].
    DtypeError
        Integers.

    References
    ----------
    Srivastava et al., Dropout, 2014.

    Examples
    --------
    >>> import minigrad as mg
    >>> sorted(set(mg.nn.functional.dropout(mg.ones(100), 0.5).tolist()))
    [0.0, 2.0]
    """
    return _drop("dropout", input, p, training, inplace, check_tensor(input, "dropout").shape)


def dropout1d(input, p=0.5, training=True, inplace=False):
    """Whole channels, rows of (N, C, L) or (C, L), are zeroed; otherwise as `dropout`.

    >>> import minigrad as mg
    >>> y = mg.nn.functional.dropout1d(mg.ones(8, 4), 0.5)
    >>> bool((y == y[:, :1]).all())
    True
    """
    shape = check_tensor(input, "dropout1d").shape
    if len(shape) not in (2, 3):
        raise ShapeError(f"dropout1d: expected (C, L) or (N, C, L), got shape {shape}")
    return _drop("dropout1d", input, p, training, inplace, (*shape[:-1], 1))


def dropout2d(input, p=0.5, training=True, inplace=False):
    """Whole channels, images of (N, C, …), are zeroed; otherwise as `dropout`.

    As in PyTorch, three axes are (N, C, L): a single image (C, H, W) needs a batch axis.

    >>> import minigrad as mg
    >>> y = mg.nn.functional.dropout2d(mg.ones(1, 8, 2, 2), 0.5)
    >>> bool((y == y[:, :, :1, :1]).all())
    True
    """
    shape = check_tensor(input, "dropout2d").shape
    if len(shape) < 2:
        raise ShapeError(f"dropout2d: expected (N, C, ...), got shape {shape}")
    return _drop("dropout2d", input, p, training, inplace, shape[:2] + (1,) * (len(shape) - 2))


def _kept(p, shape):
    """True with probability 1 − p, a bool array."""
    return default_generator().random(shape, np.float32) >= p


def _check(name, p):
    """p as a number in [0, 1]."""
    try:
        valid = 0.0 <= p <= 1.0
    except TypeError:
        raise TypeError(f"{name}: p must be a number, got {p!r}") from None
    if not valid:
        raise ValueError(f"{name}: p must lie in [0, 1], got {p}")
    return float(p)


def _drop(name, input, p, training, inplace, shape):
    """Factors 0 and 1 / (1 − p) of this shape, which broadcasts with `input`, times `input`."""
    p = _check(name, p)
    if not training or p == 0.0:
        return input
    if input.dtype.kind != "f":
        raise DtypeError(f"{name}: expected a floating tensor, got {input.dtype}")
    factors = _kept(p, shape) * (1.0 / (1.0 - p) if p < 1.0 else 0.0)
    factors = wrap(factors.astype(input.dtype))
    if inplace:
        return overwrite(input, name, lambda old: mul(old, factors))
    return mul(input, factors)


def alpha_dropout(input, p=0.5, training=False, inplace=False):
    """Each element becomes SELU's limit at −∞ with probability p; then y = a x + b.

    a and b restore what the input had, if that was mean 0 and variance 1, as after SELU:
    with α' = −λα ≈ −1.7581, a = ((1 − p)(1 + p α'²))^(−1/2) and b = −a p α'.

    Parameters
    ----------
    input, p, training, inplace
        As for `dropout`, but for the default of `training`, which is PyTorch's.

    References
    ----------
    Klambauer et al., Self-Normalizing Neural Networks, 2017.

    Examples
    --------
    >>> import minigrad as mg
    >>> y = mg.nn.functional.alpha_dropout(mg.zeros(100), 0.5, training=True)
    >>> [round(v, 4) for v in sorted(set(y.tolist()))]
    [-0.7792, 0.7792]
    """
    name = "alpha_dropout"
    check_tensor(input, name)
    p = _check(name, p)
    if not training or p == 0.0:
        return input
    if input.dtype.kind != "f":
        raise DtypeError(f"{name}: expected a floating tensor, got {input.dtype}")
    if p == 1.0:
        scale = shift = np.zeros(input.shape)
    else:
        limit = -1.7580993408473766
        a = ((1.0 - p) * (1.0 + p * limit * limit)) ** -0.5
        kept = _kept(p, input.shape)
        scale, shift = a * kept, a * limit * (~kept - p)
    scale, shift = (wrap(v.astype(input.dtype)) for v in (scale, shift))
    if inplace:
        return overwrite(input, name, lambda old: mul(old, scale) + shift)
    return mul(input, scale) + shift
