"""Layers without parameters between images and the columns of their windows."""

from minigrad.nn.functional import fold, unfold
from minigrad.nn.module import Module


class Unfold(Module):
    """Sliding windows of images as columns; see `functional.unfold`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Unfold(3, padding=1)(mg.zeros(2, 4, 5, 6)).shape
    (2, 36, 30)
    """

    def __init__(self, kernel_size, dilation=1, padding=0, stride=1):
        super().__init__()
        self.kernel_size, self.dilation = kernel_size, dilation
        self.padding, self.stride = padding, stride

    def forward(self, input):
        """(N, C, H, W) to (N, C KH KW, L)."""
        return unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self):
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )


class Fold(Module):
    """Columns added up to images; see `functional.fold`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Fold((5, 6), 3, padding=1)(mg.zeros(2, 36, 30)).shape
    (2, 4, 5, 6)
    """

    def __init__(self, output_size, kernel_size, dilation=1, padding=0, stride=1):
        super().__init__()
        self.output_size, self.kernel_size = output_size, kernel_size
        self.dilation, self.padding, self.stride = dilation, padding, stride

    def forward(self, input):
        """(N, C KH KW, L) to (N, C, H, W)."""
        return fold(
            input,
            self.output_size,
            self.kernel_size,
            self.dilation,
            self.padding,
            self.stride,
        )

    def extra_repr(self):
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, "
            f"dilation={self.dilation}, padding={self.padding}, stride={self.stride}"
        )
