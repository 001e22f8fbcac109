"""Convolution and pooling layers. Images are (N, C, H, W), or (C, H, W) without a batch."""

from minigrad.nn.functional import avg_pool2d, conv2d, max_pool2d
from minigrad.nn.linear import default_init, floats, size
from minigrad.nn.module import Module
from minigrad.ops.conv import pair


def _at_least(layer, name, values, least):
    if min(values) < least:
        raise ValueError(f"{layer}: {name} must be at least {least}, got {values}")
    return values


class Conv2d(Module):
    """Two-dimensional convolution of images with learned windows; see `functional.conv2d`.

    Parameters
    ----------
    in_channels, out_channels : int
        C of the input and of the output.
    kernel_size, stride, dilation : int or (int, int)
    padding : int, (int, int), 'valid' or 'same'
    groups : int
        Divides both numbers of channels.
    bias : bool
        Whether a number is added to each output channel.
    padding_mode : {'zeros'}
    dtype : dtype, optional
        float32 (the default) or float64.

    Attributes
    ----------
    weight : Parameter (out_channels, in_channels / groups, KH, KW)
    bias : Parameter (out_channels,), or None
        Both start uniform on ±1/sqrt(fan_in), fan_in = in_channels / groups · KH · KW.

    Raises
    ------
    ValueError
        `groups` does not divide the channels, or an option is out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.Conv2d(3, 8, kernel_size=3, padding=1)
    >>> layer(mg.randn(2, 3, 16, 16)).shape
    (2, 8, 16, 16)
    """

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        padding_mode="zeros",
        dtype=None,
    ):
        super().__init__()
        self.groups = size("Conv2d", "groups", groups)
        self.in_channels = size("Conv2d", "in_channels", in_channels)
        self.out_channels = size("Conv2d", "out_channels", out_channels)
        for name in ("in_channels", "out_channels"):
            if getattr(self, name) % self.groups:
                raise ValueError(
                    f"Conv2d: {name} must be divisible by groups, "
                    f"got {getattr(self, name)} and {self.groups}"
                )
        if padding_mode != "zeros":
            raise ValueError(f"Conv2d: padding_mode must be 'zeros', got {padding_mode!r}")
        self.kernel_size = _pair("kernel_size", kernel_size, 1)
        self.stride = _pair("stride", stride, 1)
        self.dilation = _pair("dilation", dilation, 1)
        self.padding_mode = padding_mode
        if not isinstance(padding, str):
            self.padding = _pair("padding", padding, 0)
        elif padding not in ("valid", "same"):
            raise ValueError(
                f"Conv2d: padding must be integers, 'valid' or 'same', got {padding!r}"
            )
        elif padding == "same" and self.stride != (1, 1):
            raise ValueError(f"Conv2d: padding='same' needs stride 1, got {self.stride}")
        else:
            self.padding = padding
        shape = (self.out_channels, self.in_channels // self.groups, *self.kernel_size)
        self.weight = floats("Conv2d", shape, dtype)
        if bias:
            self.bias = floats("Conv2d", (self.out_channels,), dtype)
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw weight and bias anew."""
        default_init(self.weight, self.bias)

    def forward(self, input):
        """(N, in_channels, H, W) to (N, out_channels, OH, OW)."""
        return conv2d(
            input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )

    def extra_repr(self):
        text = f"{self.in_channels}, {self.out_channels}"
        text += f", kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0, 0):
            text += f", padding={self.padding}"
        if self.dilation != (1, 1):
            text += f", dilation={self.dilation}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        return text if self.bias is not None else text + ", bias=False"


def _pair(name, value, least):
    return _at_least("Conv2d", name, pair(value, name, "Conv2d"), least)


class _Pool2d(Module):
    """What the two poolings share: a window and its steps."""

    def _window(self, kernel_size, stride, padding):
        layer = type(self).__name__
        stride = kernel_size if stride is None else stride
        window = _at_least(layer, "kernel_size", pair(kernel_size, "kernel_size", layer), 1)
        _at_least(layer, "stride", pair(stride, "stride", layer), 1)
        pads = _at_least(layer, "padding", pair(padding, "padding", layer), 0)
        if any(2 * p > k for p, k in zip(pads, window, strict=True)):
            raise ValueError(
                f"{layer}: padding must be at most half of kernel_size, got {padding} "
                f"and {kernel_size}"
            )
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding


class MaxPool2d(_Pool2d):
    """Maximum of each window; see `functional.max_pool2d`.

    Parameters
    ----------
    kernel_size : int or (int, int)
    stride : int or (int, int), optional
        Default: `kernel_size`.
    padding, dilation : int or (int, int)
    return_indices : bool
        Whether the places of the maxima are returned too.
    ceil_mode : bool
        Whether a window that only begins in the input counts.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.MaxPool2d(2)(mg.randn(4, 3, 8, 8)).shape
    (4, 3, 4, 4)
    """

    def __init__(
        self,
        kernel_size,
        stride=None,
        padding=0,
        dilation=1,
        return_indices=False,
        ceil_mode=False,
    ):
        super().__init__()
        self._window(kernel_size, stride, padding)
        _at_least("MaxPool2d", "dilation", pair(dilation, "dilation", "MaxPool2d"), 1)
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input):
        """(N, C, H, W) to (N, C, OH, OW)."""
        return max_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )

    def extra_repr(self):
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class AvgPool2d(_Pool2d):
    """Mean of each window; see `functional.avg_pool2d`.

    Parameters
    ----------
    kernel_size : int or (int, int)
    stride : int or (int, int), optional
        Default: `kernel_size`.
    padding : int or (int, int)
    ceil_mode : bool
        Whether a window that only begins in the input counts.
    count_include_pad : bool
        Whether the padding counts in the area.
    divisor_override : int, optional
        Divide by this instead of the area.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.AvgPool2d(2)(mg.randn(4, 3, 8, 8)).shape
    (4, 3, 4, 4)
    """

    def __init__(
        self,
        kernel_size,
        stride=None,
        padding=0,
        ceil_mode=False,
        count_include_pad=True,
        divisor_override=None,
    ):
        super().__init__()
        self._window(kernel_size, stride, padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input):
        """(N, C, H, W) to (N, C, OH, OW)."""
        return avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
