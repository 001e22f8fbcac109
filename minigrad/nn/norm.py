"""Batch and instance normalisation: the layers that may keep running statistics.

Both share their parameters and buffers (`_Tracking`). Those without are in `layer_norm.py`.
"""

import warnings

from minigrad.nn import init
from minigrad.nn.functional import batch_norm, instance_norm
from minigrad.nn.linear import floats, size
from minigrad.nn.module import Module
from minigrad.ops.creation import ones, tensor, zeros
from minigrad.ops.shape import check_tensor


def check_number(layer, name, value):
    """Raise unless `value` is a number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise ValueError(f"{layer}: {name} must be a number of at least 0, got {value!r}")
    return value


def affine_parameters(module, shape, weight, bias, dtype):
    """Register `weight` and `bias` of this shape, or None for what is not wanted."""
    for name, wanted in (("weight", weight), ("bias", bias)):
        value = floats(type(module).__name__, shape, dtype) if wanted else None
        module.register_parameter(name, value)


def fill_affine(module):
    """Weight 1, bias 0."""
    if module.weight is not None:
        init.ones_(module.weight)
    if module.bias is not None:
        init.zeros_(module.bias)


class _Tracking(Module):
    """A weight, a bias and running statistics for each channel."""

    _expected = ""  # what inputs look like

    def __init__(
        self, num_features, eps, momentum, affine, track_running_stats, dtype, bias, least=1
    ):
        super().__init__()
        layer = type(self).__name__
        self.num_features = size(layer, "num_features", num_features, least)
        self.eps = check_number(layer, "eps", eps)
        self.momentum = momentum if momentum is None else check_number(layer, "momentum", momentum)
        self.affine = affine
        self.track_running_stats = track_running_stats
        affine_parameters(self, (self.num_features,), affine, affine and bias, dtype)
        running = {"running_mean": None, "running_var": None, "num_batches_tracked": None}
        if track_running_stats:
            options = {} if dtype is None else {"dtype": dtype}
            running["running_mean"] = zeros(self.num_features, **options)
            running["running_var"] = ones(self.num_features, **options)
            running["num_batches_tracked"] = tensor(0)
        for name, value in running.items():
            self.register_buffer(name, value)
        self.reset_parameters()

    def reset_running_stats(self):
        """Forget the batches seen: mean 0, variance 1."""
        if self.track_running_stats:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            init.zeros_(self.num_batches_tracked)

    def reset_parameters(self):
        """Weight 1, bias 0, and the batches seen forgotten."""
        self.reset_running_stats()
        fill_affine(self)

    def _refuse(self, input):
        layer = type(self).__name__
        raise ValueError(f"{layer}: expected {self._expected}, got shape {input.shape}")

    def extra_repr(self):
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_Tracking):
    _dims: tuple = ()  # numbers of axes that the input may have

    def __init__(
        self,
        num_features,
        eps=1e-5,
        momentum=0.1,
        affine=True,
        track_running_stats=True,
        dtype=None,
        *,
        bias=True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, dtype, bias)

    def forward(self, input):
        """Of the same shape; in training mode the running statistics are updated."""
        if check_tensor(input, type(self).__name__).ndim not in self._dims:
            self._refuse(input)
        momentum = self.momentum
        training = self.training
        count = self.num_batches_tracked
        if training and self.track_running_stats:
            if count is not None:
                count._array[...] += 1
                count._bump("batch_norm")
            if momentum is None:  # the mean over all batches so far
                momentum = 0.0 if count is None else 1.0 / count.item()
            mean, var = self.running_mean, self.running_var
        elif training:
            mean = var = None
        else:
            mean, var = self.running_mean, self.running_var
            training = mean is None and var is None
        if momentum is None:
            momentum = 0.0  # not used: nothing is tracked
        return batch_norm(input, mean, var, self.weight, self.bias, training, momentum, self.eps)


class BatchNorm1d(_BatchNorm):
    """Each feature normalised over the batch: y = (x - mean) / √(var + eps) · weight + bias.

    Parameters
    ----------
    num_features : int
        C of the input (N, C) or (N, C, L).
    eps : float
        Added to the variance.
    momentum : float or None
        running = (1 - momentum) · running + momentum · of the batch; None is the mean over all
        batches so far.
    affine : bool
        Whether there are a weight and a bias.
    track_running_stats : bool
        False: the batch's own statistics are used in evaluation mode too.
    dtype : dtype, optional
        float32 (the default) or float64.
    bias : bool
        False: there is a weight, but no bias.

    Attributes
    ----------
    weight, bias : Parameter (num_features,), or None
        They start as ones and zeros.
    running_mean, running_var : Tensor (num_features,), or None
        Used in evaluation mode. The variance is that with n - 1.
    num_batches_tracked : Tensor of int64, or None

    Raises
    ------
    ValueError
        The input has another number of axes, or one value per channel in training mode.

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.BatchNorm1d(3)
    >>> y = layer(mg.randn(50, 3) * 5 + 2)
    >>> bool((y.mean(0).abs() < 1e-5).all())
    True
    >>> layer.num_batches_tracked
    tensor(1)

    References
    ----------
    Ioffe, Szegedy (2015), Batch normalization.
    """

    _dims = (2, 3)
    _expected = "an input (N, C) or (N, C, L)"


class BatchNorm2d(_BatchNorm):
    """Each channel of images (N, C, H, W) normalised over N, H and W; as `BatchNorm1d`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.BatchNorm2d(3)(mg.randn(2, 3, 4, 4)).shape
    (2, 3, 4, 4)
    """

    _dims = (4,)
    _expected = "an input (N, C, H, W)"


class _InstanceNorm(_Tracking):
    _axes = 0  # of the input, the axis of samples included

    def __init__(
        self,
        num_features,
        eps=1e-5,
        momentum=0.1,
        affine=False,
        track_running_stats=False,
        dtype=None,
        *,
        bias=True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, dtype, bias, 0)

    def forward(self, input):
        """Of the same shape; in training mode the running statistics, if any, are updated."""
        axes = check_tensor(input, type(self).__name__).ndim
        if axes not in (self._axes - 1, self._axes):
            self._refuse(input)
        channels = input.shape[1 - self._axes]
        if channels != self.num_features:
            layer = type(self).__name__
            if self.affine or self.track_running_stats:
                raise ValueError(
                    f"{layer}: expected {self.num_features} channels, got shape {input.shape}"
                )
            warnings.warn(
                f"{layer}: num_features is {self.num_features}, and not used without affine; "
                f"got shape {input.shape}",
                stacklevel=3,
            )
        x = input if input.ndim == self._axes else input.unsqueeze(0)
        y = instance_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return y if input.ndim == self._axes else y.squeeze(0)


class InstanceNorm1d(_InstanceNorm):
    """Each channel of each sample normalised over its positions.

    Parameters
    ----------
    num_features : int
        C of the input (N, C, L) or (C, L).
    eps : float
        Added to the variance.
    momentum : float or None
        running = (1 - momentum) · running + momentum · of the batch; None is 0.
    affine : bool
        Whether there are a weight and a bias.
    track_running_stats : bool
        Whether there are running statistics, used in evaluation mode.
    dtype : dtype, optional
        float32 (the default) or float64.
    bias : bool
        False: there is a weight, but no bias.

    Attributes
    ----------
    weight, bias : Parameter (num_features,), or None
        They start as ones and zeros.
    running_mean, running_var : Tensor (num_features,), or None
    num_batches_tracked : Tensor of int64, or None
        Stays 0, as in PyTorch.

    Raises
    ------
    ValueError
        The input has another number of axes or channels, or one position a channel.

    Examples
    --------
    >>> import minigrad as mg
    >>> y = mg.nn.InstanceNorm1d(3)(mg.randn(2, 3, 50) * 5 + 2)
    >>> bool((y.mean(-1).abs() < 1e-5).all())
    True

    References
    ----------
    Ulyanov, Vedaldi, Lempitsky (2016), Instance normalization.
    """

    _axes = 3
    _expected = "an input (N, C, L) or (C, L)"


class InstanceNorm2d(_InstanceNorm):
    """Each channel of each image (N, C, H, W) or (C, H, W) normalised; as `InstanceNorm1d`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.InstanceNorm2d(3, affine=True)(mg.randn(2, 3, 4, 4)).shape
    (2, 3, 4, 4)
    """

    _axes = 4
    _expected = "an input (N, C, H, W) or (C, H, W)"
