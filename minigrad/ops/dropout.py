"""Dropout."""

import numpy as np

from minigrad.ops.arithmetic import mul
from minigrad.ops.creation import default_generator
from minigrad.ops.inplace import overwrite
from minigrad.ops.shape import check_tensor
from minigrad.tensor import wrap

__all__ = ["dropout"]


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

    References
    ----------
    Srivastava et al., Dropout, 2014.

    Examples
    --------
    >>> import minigrad as mg
    >>> sorted(set(mg.nn.functional.dropout(mg.ones(100), 0.5).tolist()))
    [0.0, 2.0]
    """
    check_tensor(input, "dropout")
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout: p must lie in [0, 1], got {p}")
    if not training or p == 0.0:
        return input
    kept = default_generator().random(input.shape, np.float32) >= p
    factors = wrap((kept * (1.0 / (1.0 - p) if p < 1.0 else 0.0)).astype(input.dtype))
    if inplace:
        return overwrite(input, "dropout", lambda old: mul(old, factors))
    return mul(input, factors)
