"""Normalisation: of a batch, for vectors and sequences or for images, and of a layer."""

from minigrad.nn import init
from minigrad.nn.functional import batch_norm, layer_norm
from minigrad.nn.linear import floats, size
from minigrad.nn.module import Module
from minigrad.ops.creation import ones, tensor, zeros


class _BatchNorm(Module):
    _dims: tuple = ()  # numbers of axes that the input may have
    _expected = ""

    def __init__(
        self,
        num_features,
        eps=1e-5,
        momentum=0.1,
        affine=True,
        track_running_stats=True,
        dtype=None,
    ):
        super().__init__()
        layer = type(self).__name__
        self.num_features = size(layer, "num_features", num_features)
        for name, value in (("eps", eps), ("momentum", momentum)):
            if name == "momentum" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
                raise ValueError(f"{layer}: {name} must be a number of at least 0, got {value!r}")
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        for name in ("weight", "bias"):
            value = floats(layer, (self.num_features,), dtype) if affine else None
            self.register_parameter(name, value)
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
        if self.affine:
            init.ones_(self.weight)
            init.zeros_(self.bias)

    def forward(self, input):
        """Of the same shape; in training mode the running statistics are updated."""
        if input.ndim not in self._dims:
            raise ValueError(
                f"{type(self).__name__}: expected {self._expected}, got shape {input.shape}"
            )
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

    def extra_repr(self):
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, track_running_stats={self.track_running_stats}"
        )


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


class LayerNorm(Module):
    """The last axes of each sample normalised: y = (x - mean) / √(var + eps) · weight + bias.

    Each row has a mean and a variance of its own (the biased one), in training and in evaluation.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        Sizes of the last axes of the input.
    eps : float
        Added to the variance.
    elementwise_affine : bool
        Whether there are a weight and a bias.
    bias : bool
        False: there is a weight, but no bias.
    dtype : dtype, optional
        float32 (the default) or float64.

    Attributes
    ----------
    weight, bias : Parameter (*normalized_shape), or None
        They start as ones and zeros.

    Raises
    ------
    ShapeError
        The last axes of the input are not `normalized_shape`.

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.LayerNorm(64)
    >>> y = layer(mg.randn(5, 8, 64) * 5 + 2)
    >>> bool((y.mean(-1).abs() < 1e-5).all())
    True

    References
    ----------
    Ba, Kiros, Hinton (2016), Layer normalization.
    """

    def __init__(self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, dtype=None):
        super().__init__()
        if not isinstance(normalized_shape, (tuple, list)):
            normalized_shape = (normalized_shape,)
        sizes = [size("LayerNorm", "normalized_shape", n, 0) for n in normalized_shape]
        if not sizes:
            raise ValueError("LayerNorm: normalized_shape must name at least one axis, got ()")
        if isinstance(eps, bool) or not isinstance(eps, (int, float)) or eps < 0:
            raise ValueError(f"LayerNorm: eps must be a number of at least 0, got {eps!r}")
        self.normalized_shape = tuple(sizes)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        for name, wanted in (
            ("weight", elementwise_affine),
            ("bias", elementwise_affine and bias),
        ):
            value = floats("LayerNorm", self.normalized_shape, dtype) if wanted else None
            self.register_parameter(name, value)
        self.reset_parameters()

    def reset_parameters(self):
        """Weight 1, bias 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input):
        """Of the same shape."""
        return layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )
