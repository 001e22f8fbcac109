"""Pooling layers. Images are (N, C, H, W), sequences (N, C, L); either may lack the batch."""

from minigrad.nn.functional import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    avg_pool1d,
    avg_pool2d,
    max_pool1d,
    max_pool2d,
)
from minigrad.nn.module import Module
from minigrad.ops.conv import each


def _at_least(layer, name, values, least):
    if min(values) < least:
        raise ValueError(f"{layer}: {name} must be at least {least}, got {values}")
    return values


class _Pool(Module):
    """What the poolings share: a window and its steps."""

    axes = 2

    def _window(self, kernel_size, stride, padding):
        layer = type(self).__name__
        stride = kernel_size if stride is None else stride
        window = each(kernel_size, "kernel_size", layer, self.axes)
        _at_least(layer, "kernel_size", window, 1)
        _at_least(layer, "stride", each(stride, "stride", layer, self.axes), 1)
        pads = _at_least(layer, "padding", each(padding, "padding", layer, self.axes), 0)
        if any(2 * p > k for p, k in zip(pads, window, strict=True)):
            raise ValueError(
                f"{layer}: padding must be at most half of kernel_size, got {padding} "
                f"and {kernel_size}"
            )
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding


class _MaxPool(_Pool):
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
        layer = type(self).__name__
        _at_least(layer, "dilation", each(dilation, "dilation", layer, self.axes), 1)
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def _pool(self, function, input):
        return function(
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


class MaxPool1d(_MaxPool):
    """Maximum of each window of a sequence; see `functional.max_pool1d`.

    Parameters
    ----------
    kernel_size : int
    stride : int, optional
        Default: `kernel_size`.
    padding, dilation : int
    return_indices : bool
        Whether the places of the maxima are returned too.
    ceil_mode : bool
        Whether a window that only begins in the input counts.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.MaxPool1d(2)(mg.randn(4, 3, 8)).shape
    (4, 3, 4)
    """

    axes = 1

    def forward(self, input):
        """(N, C, L) to (N, C, OL)."""
        return self._pool(max_pool1d, input)


class MaxPool2d(_MaxPool):
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

    def forward(self, input):
        """(N, C, H, W) to (N, C, OH, OW)."""
        return self._pool(max_pool2d, input)


class AvgPool1d(_Pool):
    """Mean of each window of a sequence; see `functional.avg_pool1d`.

    Parameters
    ----------
    kernel_size : int
    stride : int, optional
        Default: `kernel_size`.
    padding : int
    ceil_mode : bool
        Whether a window that only begins in the input counts.
    count_include_pad : bool
        Whether the padding counts in the length.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.AvgPool1d(2)(mg.randn(4, 3, 8)).shape
    (4, 3, 4)
    """

    axes = 1

    def __init__(
        self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True
    ):
        super().__init__()
        self._window(kernel_size, stride, padding)
        for name in ("kernel_size", "stride", "padding"):
            setattr(self, name, each(getattr(self, name), name, "AvgPool1d", 1))
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input):
        """(N, C, L) to (N, C, OL)."""
        return avg_pool1d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
        )

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_Pool):
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


class _AdaptivePool(Module):
    def __init__(self, output_size):
        super().__init__()
        self.output_size = output_size

    def extra_repr(self):
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptivePool):
    """Means of so many windows of a sequence; see `functional.adaptive_avg_pool1d`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.AdaptiveAvgPool1d(3)(mg.randn(4, 2, 8)).shape
    (4, 2, 3)
    """

    def forward(self, input):
        """(N, C, L) to (N, C, output_size)."""
        return adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptivePool):
    """Means of windows, so many rows and columns; see `functional.adaptive_avg_pool2d`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.AdaptiveAvgPool2d((3, None))(mg.randn(4, 2, 8, 5)).shape
    (4, 2, 3, 5)
    """

    def forward(self, input):
        """(N, C, H, W) to (N, C, *output_size)."""
        return adaptive_avg_pool2d(input, self.output_size)
