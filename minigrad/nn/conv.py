"""Convolution layers. Images are (N, C, H, W), sequences (N, C, L); either may lack the batch."""

from minigrad.nn.functional import conv1d, conv2d, pad
from minigrad.nn.linear import default_init, floats, size
from minigrad.nn.module import Module
from minigrad.ops.conv import each

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class Convolution(Module):
    """What the convolution layers share: channels, options, weight and bias."""

    axes = 2
    transposed = False

    def _build(self, in_channels, out_channels, options, groups, bias, padding_mode, dtype):
        layer = type(self).__name__
        self.groups = size(layer, "groups", groups)
        self.in_channels = size(layer, "in_channels", in_channels)
        self.out_channels = size(layer, "out_channels", out_channels)
        for name in ("in_channels", "out_channels"):
            if getattr(self, name) % self.groups:
                raise ValueError(
                    f"{layer}: {name} must be divisible by groups, "
                    f"got {getattr(self, name)} and {self.groups}"
                )
        modes = _PADDING_MODES[:1] if self.transposed else _PADDING_MODES
        if padding_mode not in modes:
            raise ValueError(f"{layer}: padding_mode must be one of {modes}, got {padding_mode!r}")
        self.padding_mode = padding_mode
        for name, value in options.items():
            if name != "padding" or self.transposed or not isinstance(value, str):
                value = each(value, name, layer, self.axes)
                least = int("padding" not in name)
                if min(value) < least:
                    raise ValueError(f"{layer}: {name} must be at least {least}, got {value}")
            elif value not in ("valid", "same"):
                raise ValueError(
                    f"{layer}: padding must be integers, 'valid' or 'same', got {value!r}"
                )
            elif value == "same" and set(self.stride) != {1}:
                raise ValueError(f"{layer}: padding='same' needs stride 1, got {self.stride}")
            setattr(self, name, value)
        channels = (self.out_channels, self.in_channels)
        first, second = reversed(channels) if self.transposed else channels
        shape = (first, second // self.groups, *self.kernel_size)
        self.weight = floats(layer, shape, dtype)
        if bias:
            self.bias = floats(layer, (self.out_channels,), dtype)
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw weight and bias anew."""
        default_init(self.weight, self.bias)

    def _convolve(self, function, input):
        padding = self.padding
        if self.padding_mode != "zeros":
            if padding == "same":
                total = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
                sides = [(t // 2, t - t // 2) for t in total]
            else:
                sides = [(p, p) for p in ((0,) * self.axes if padding == "valid" else padding)]
            sides = [p for side in reversed(sides) for p in side]
            input, padding = pad(input, sides, self.padding_mode), 0
        return function(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )

    def extra_repr(self):
        text = f"{self.in_channels}, {self.out_channels}"
        text += f", kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * self.axes:
            text += f", padding={self.padding}"
        if self.dilation != (1,) * self.axes:
            text += f", dilation={self.dilation}"
        if self.transposed and self.output_padding != (0,) * self.axes:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class Conv1d(Convolution):
    """One-dimensional convolution of sequences with learned windows; see `functional.conv1d`.

    Parameters
    ----------
    in_channels, out_channels : int
        C of the input and of the output.
    kernel_size, stride, dilation : int
    padding : int, 'valid' or 'same'
    groups : int
        Divides both numbers of channels.
    bias : bool
        Whether a number is added to each output channel.
    padding_mode : {'zeros', 'reflect', 'replicate', 'circular'}
        What the padding holds; see `functional.pad`.
    dtype : dtype, optional
        float32 (the default) or float64.

    Attributes
    ----------
    weight : Parameter (out_channels, in_channels / groups, K)
    bias : Parameter (out_channels,), or None
        Both start uniform on ±1/sqrt(fan_in), fan_in = in_channels / groups · K.

    Raises
    ------
    ValueError
        `groups` does not divide the channels, or an option is out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.Conv1d(3, 8, kernel_size=3, padding=1)
    >>> layer(mg.randn(2, 3, 16)).shape
    (2, 8, 16)
    """

    axes = 1

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
        options = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
        options["dilation"] = dilation
        self._build(in_channels, out_channels, options, groups, bias, padding_mode, dtype)

    def forward(self, input):
        """(N, in_channels, L) to (N, out_channels, OL)."""
        return self._convolve(conv1d, input)


class Conv2d(Convolution):
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
    padding_mode : {'zeros', 'reflect', 'replicate', 'circular'}
        What the padding holds; see `functional.pad`.
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
        options = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
        options["dilation"] = dilation
        self._build(in_channels, out_channels, options, groups, bias, padding_mode, dtype)

    def forward(self, input):
        """(N, in_channels, H, W) to (N, out_channels, OH, OW)."""
        return self._convolve(conv2d, input)
