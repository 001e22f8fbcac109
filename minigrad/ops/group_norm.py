"""Group and instance normalisation: the kernels of layer and batch norm on reshaped inputs.

A group of channels of one sample is a row of layer norm; a channel of one sample is a channel of
batch norm, of a batch of one. So both are right to any order of derivative because those are.
"""

import numpy as np

from minigrad.errors import ShapeError
from minigrad.ops.layer_norm import LayerNorm
from minigrad.ops.norm import BatchNorm, batch_norm, check_channels, move
from minigrad.ops.operands import numbers
from minigrad.ops.shape import check_tensor, reshape

__all__ = ["group_norm"]


def _affine(y, weight, bias):
    """y w + b, with w and b (C,) beside the channels of y (N, C, …)."""
    beside = (y.shape[1],) + (1,) * (y.ndim - 2)
    if weight is not None:
        y = y * reshape(weight, beside)
    return y if bias is None else y + reshape(bias, beside)


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    """Group normalisation: y = (x − μ) / √(σ² + ε) · w + b, μ and σ² of each group of channels.

    The C channels of each sample are cut into `num_groups` groups of C / num_groups neighbours;
    mean and (biased) variance are taken over a group's channels and all positions. With one group
    this is layer norm of the whole sample, with C groups instance norm.

    Parameters
    ----------
    input : Tensor, (N, C) or (N, C, d1, …)
    num_groups : int
        Divides C.
    weight, bias : Tensor, (C,), optional
    eps : float

    Returns
    -------
    Tensor
        Of the shape of `input`. Right to any order of derivative.

    Raises
    ------
    ShapeError, DtypeError
        Sizes or dtypes that do not fit, or channels that do not divide into the groups.
    ValueError
        `num_groups` below 1, or a single value a group.

    References
    ----------
    Wu and He, Group Normalization, 2018.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[1.0, 3.0, 10.0, 30.0]])
    >>> mg.nn.functional.group_norm(x, 2)
    tensor([[-1.,  1., -1.,  1.]])
    """
    name = "group_norm"
    check_channels(name, input, weight=weight, bias=bias)
    numbers(name, eps=eps)
    n, c, *rest = input.shape
    if isinstance(num_groups, bool) or not hasattr(num_groups, "__index__"):
        raise TypeError(f"{name}: num_groups must be an integer, got {num_groups!r}")
    if num_groups < 1:
        raise ValueError(f"{name}: num_groups must be at least 1, got {num_groups}")
    if c % num_groups:
        raise ShapeError(
            f"{name}: the number of channels must be divisible by num_groups {num_groups}, "
            f"got input {input.shape}"
        )
    positions = int(np.prod(rest, dtype=int))
    if n * (c // num_groups) * positions == 1:
        raise ValueError(
            f"{name}: Expected more than 1 value per channel when training, "
            f"got input size {input.shape}"
        )
    rows = reshape(input, (n, num_groups, c // num_groups * positions))
    return _affine(reshape(LayerNorm(1, eps).apply(rows, None, None), input.shape), weight, bias)


def instance_norm(
    input,
    running_mean=None,
    running_var=None,
    weight=None,
    bias=None,
    use_input_stats=True,
    momentum=0.1,
    eps=1e-5,
):
    """Instance normalisation: y = (x − μ) / √(σ² + ε) · w + b, for each channel of each sample.

    With `use_input_stats` μ and σ² are the mean and the (biased) variance over the positions, and
    the running statistics, if there are any, move towards their averages over the batch (of the
    unbiased variance), ``running ← (1 − momentum) running + momentum · batch``. Without it μ and
    σ² are the running statistics.

    Parameters
    ----------
    input : Tensor, (N, C, d1, …)
    running_mean, running_var : Tensor, (C,), both or neither
        Changed in place with `use_input_stats`, needed without.
    weight, bias : Tensor, (C,), optional
    use_input_stats : bool
    momentum : float
    eps : float

    Returns
    -------
    Tensor
        Of the shape of `input`. Right to any order of derivative.

    Raises
    ------
    ValueError
        A single position a channel, one running statistic without the other, or none where they
        are needed.
    ShapeError, DtypeError
        Sizes or dtypes that do not fit.

    References
    ----------
    Ulyanov, Vedaldi and Lempitsky, Instance Normalization, 2016.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[[1.0, 3.0], [10.0, 30.0]]])
    >>> mg.nn.functional.instance_norm(x)
    tensor([[[-1.,  1.],
             [-1.,  1.]]])
    """
    name = "instance_norm"
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ValueError(
                f"{name}: running_mean and running_var are needed when use_input_stats is false"
            )
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    positions = int(np.prod(check_tensor(input, name).shape[2:], dtype=int))
    if positions == 1:
        raise ValueError(
            f"{name}: Expected more than 1 spatial element when training, "
            f"got input size {input.shape}"
        )
    running = {"running_mean": running_mean, "running_var": running_var}
    check_channels(name, input, weight=weight, bias=bias, **running)
    numbers(name, momentum=momentum, eps=eps)
    n, c = input.shape[:2]
    node = BatchNorm(None, None, eps, True)
    y = node.apply(reshape(input, (1, n * c, positions)), None, None)
    if running_mean is not None and input.numel():
        mean, var = (v.reshape(n, c).mean(0) for v in node.statistics())
        move(running_mean, mean, momentum, 1.0, name)
        move(running_var, var, momentum, positions / (positions - 1), name)
    return _affine(reshape(y, input.shape), weight, bias)
