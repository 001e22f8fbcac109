"""Normalisation of each sample alone: of its last axes, of their root mean square, of groups."""

from minigrad.nn import init
from minigrad.nn.functional import group_norm, layer_norm, rms_norm
from minigrad.nn.linear import floats, size
from minigrad.nn.module import Module
from minigrad.nn.norm import affine_parameters, check_number, fill_affine


def row_sizes(module, normalized_shape):
    """`normalized_shape` as a tuple of at least one size."""
    layer = type(module).__name__
    if not isinstance(normalized_shape, (tuple, list)):
        normalized_shape = (normalized_shape,)
    if not normalized_shape:
        raise ValueError(f"{layer}: normalized_shape must name at least one axis, got ()")
    return tuple([size(layer, "normalized_shape", n, 0) for n in normalized_shape])


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
        self.normalized_shape = row_sizes(self, normalized_shape)
        self.eps = check_number("LayerNorm", "eps", eps)
        self.elementwise_affine = elementwise_affine
        affine = elementwise_affine, elementwise_affine and bias
        affine_parameters(self, self.normalized_shape, *affine, dtype)
        self.reset_parameters()

    def reset_parameters(self):
        """Weight 1, bias 0."""
        fill_affine(self)

    def forward(self, input):
        """Of the same shape."""
        return layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """The last axes of each sample scaled: y = x / √(mean x² + eps) · weight.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        Sizes of the last axes of the input.
    eps : float, optional
        Default: ``finfo(dtype).eps`` of the input.
    elementwise_affine : bool
        Whether there is a weight.
    dtype : dtype, optional
        float32 (the default) or float64.

    Attributes
    ----------
    weight : Parameter (*normalized_shape), or None
        It starts as ones.

    Raises
    ------
    ShapeError
        The last axes of the input are not `normalized_shape`.

    Examples
    --------
    >>> import minigrad as mg
    >>> y = mg.nn.RMSNorm(64)(mg.randn(5, 8, 64) * 5)
    >>> bool(((y * y).mean(-1) - 1 < 1e-5).all())
    True

    References
    ----------
    Zhang, Sennrich (2019), Root mean square layer normalization.
    """

    def __init__(self, normalized_shape, eps=None, elementwise_affine=True, dtype=None):
        super().__init__()
        self.normalized_shape = row_sizes(self, normalized_shape)
        self.eps = eps if eps is None else check_number("RMSNorm", "eps", eps)
        self.elementwise_affine = elementwise_affine
        value = floats("RMSNorm", self.normalized_shape, dtype) if elementwise_affine else None
        self.register_parameter("weight", value)
        self.reset_parameters()

    def reset_parameters(self):
        """Weight 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input):
        """Of the same shape."""
        return rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self):
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}"
        )


class GroupNorm(Module):
    """Groups of channels of each sample normalised: y = (x - mean) / √(var + eps) · weight + bias.

    Parameters
    ----------
    num_groups, num_channels : int
        Groups, and C of the input (N, C, ...), which they divide.
    eps : float
        Added to the variance.
    affine : bool
        Whether there are a weight and a bias.
    dtype : dtype, optional
        float32 (the default) or float64.
    bias : bool
        False: there is a weight, but no bias.

    Attributes
    ----------
    weight, bias : Parameter (num_channels,), or None
        They start as ones and zeros.

    Raises
    ------
    ValueError
        The groups do not divide the channels.

    Examples
    --------
    >>> import minigrad as mg
    >>> y = mg.nn.GroupNorm(3, 6)(mg.randn(20, 6, 10, 10) * 5 + 2)
    >>> bool((y[:, :2].mean((1, 2, 3)).abs() < 1e-5).all())
    True

    References
    ----------
    Wu, He (2018), Group normalization.
    """

    def __init__(self, num_groups, num_channels, eps=1e-5, affine=True, dtype=None, *, bias=True):
        super().__init__()
        self.num_groups = size("GroupNorm", "num_groups", num_groups)
        self.num_channels = size("GroupNorm", "num_channels", num_channels, 0)
        if self.num_channels % self.num_groups:
            raise ValueError(
                f"GroupNorm: num_channels {num_channels} must be divisible by num_groups "
                f"{num_groups}"
            )
        self.eps = check_number("GroupNorm", "eps", eps)
        self.affine = affine
        affine_parameters(self, (self.num_channels,), affine, affine and bias, dtype)
        self.reset_parameters()

    def reset_parameters(self):
        """Weight 1, bias 0."""
        fill_affine(self)

    def forward(self, input):
        """Of the same shape."""
        return group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )
