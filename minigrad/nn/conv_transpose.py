"""Transposed convolution layers: the shapes of `conv.py`'s layers backwards."""

from minigrad.errors import ShapeError
from minigrad.nn.conv import Convolution
from minigrad.nn.functional import conv_transpose1d, conv_transpose2d


class _ConvTranspose(Convolution):
    """What the transposed convolutions share: `output_padding`, said or worked out."""

    transposed = True

    def _paint(self, function, input, output_size):
        extra = self.output_padding
        if output_size is not None:
            extra = self._output_padding(input, output_size)
        return function(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            extra,
            self.groups,
            self.dilation,
        )

    def _output_padding(self, input, output_size):
        """What is missing to the size that was asked for; it may also be given with N and C."""
        layer = type(self).__name__
        wanted = [n.__index__() for n in output_size]
        if len(wanted) == input.ndim > self.axes:
            wanted = wanted[-self.axes :]
        if len(wanted) != self.axes:
            raise ValueError(
                f"{layer}: output_size must have {self.axes} or {input.ndim} sizes, "
                f"got {tuple(output_size)}"
            )
        extra = []
        options = (self.kernel_size, self.stride, self.padding, self.dilation)
        for given, n, k, s, p, d in zip(wanted, input.shape[-self.axes :], *options, strict=True):
            least = (n - 1) * s - 2 * p + d * (k - 1) + 1
            if not least <= given < least + s:
                raise ShapeError(
                    f"{layer}: output_size must lie in [{least}, {least + s}), got {given}, "
                    f"for an input of shape {input.shape}"
                )
            extra.append(given - least)
        return tuple(extra)


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution of sequences; see `functional.conv_transpose1d`.

    Parameters
    ----------
    in_channels, out_channels : int
        C of the input and of the output.
    kernel_size, stride, padding, output_padding, dilation : int
    groups : int
        Divides both numbers of channels.
    bias : bool
        Whether a number is added to each output channel.
    padding_mode : {'zeros'}
    dtype : dtype, optional
        float32 (the default) or float64.

    Attributes
    ----------
    weight : Parameter (in_channels, out_channels / groups, K)
    bias : Parameter (out_channels,), or None
        Both start uniform on ±1/sqrt(out_channels / groups · K).

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.ConvTranspose1d(8, 3, kernel_size=2, stride=2)
    >>> layer(mg.randn(2, 8, 16)).shape
    (2, 3, 32)
    """

    axes = 1

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups=1,
        bias=True,
        dilation=1,
        padding_mode="zeros",
        dtype=None,
    ):
        super().__init__()
        options = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
        options |= {"output_padding": output_padding, "dilation": dilation}
        self._build(in_channels, out_channels, options, groups, bias, padding_mode, dtype)

    def forward(self, input, output_size=None):
        """(N, in_channels, L) to (N, out_channels, OL), OL = `output_size` if it is given."""
        return self._paint(conv_transpose1d, input, output_size)


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution of images; see `functional.conv_transpose2d`.

    Parameters
    ----------
    in_channels, out_channels : int
        C of the input and of the output.
    kernel_size, stride, padding, output_padding, dilation : int or (int, int)
    groups : int
        Divides both numbers of channels.
    bias : bool
        Whether a number is added to each output channel.
    padding_mode : {'zeros'}
    dtype : dtype, optional
        float32 (the default) or float64.

    Attributes
    ----------
    weight : Parameter (in_channels, out_channels / groups, KH, KW)
    bias : Parameter (out_channels,), or None
        Both start uniform on ±1/sqrt(out_channels / groups · KH · KW).

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.ConvTranspose2d(8, 3, kernel_size=3, stride=2)
    >>> x = mg.randn(2, 8, 16, 16)
    >>> layer(x).shape, layer(x, output_size=(34, 34)).shape
    ((2, 3, 33, 33), (2, 3, 34, 34))
    """

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups=1,
        bias=True,
        dilation=1,
        padding_mode="zeros",
        dtype=None,
    ):
        super().__init__()
        options = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
        options |= {"output_padding": output_padding, "dilation": dilation}
        self._build(in_channels, out_channels, options, groups, bias, padding_mode, dtype)

    def forward(self, input, output_size=None):
        """(N, in_channels, H, W) to (N, out_channels, OH, OW), `output_size` if it is given."""
        return self._paint(conv_transpose2d, input, output_size)
