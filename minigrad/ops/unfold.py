"""Sliding windows of an image as columns, and columns added up to an image: adjoints.

    Unfold  y[(c, i, j), (p, q)] = x[c, p SH + i DH - top, q SW + j DW - left]
    Fold    x[c, p SH + i DH - top, …] += y[(c, i, j), (p, q)]

A convolution is a matrix product with `unfold`'s columns.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Unary
else:
    from minigrad.engine import Unary

from minigrad.ops.conv import pair
from minigrad.ops.shape import check_tensor

__all__ = []


@cython.cclass
class Unfold(Unary):
    """y[..., (c, i, j), (p, q)] = x[..., c, p SH + i DH - top, q SW + j DW - left]"""

    options: tuple  # kernel_size, dilation, padding, stride
    size: tuple

    def __init__(self, options):
        self.options = options

    @cython.ccall
    def forward(self, x):
        kernel, dilation, (top, left), (down, right) = self.options
        *lead, channels, h, w = x.shape
        self.size = (h, w)
        rows, columns = windows(self.size, self.options)
        y = np.zeros((*lead, channels, *kernel, rows, columns), x.dtype)
        padded = np.zeros((*lead, channels, h + 2 * top, w + 2 * left), x.dtype)
        padded[..., top : top + h, left : left + w] = x
        for i in range(kernel[0]):
            for j in range(kernel[1]):
                a, b = i * dilation[0], j * dilation[1]
                y[..., i, j, :, :] = padded[
                    ..., a : a + down * rows : down, b : b + right * columns : right
                ]
        return y.reshape(*lead, channels * kernel[0] * kernel[1], rows * columns)

    @cython.ccall
    def backward(self, grad):
        return Fold(self.size, self.options).apply(grad)


@cython.cclass
class Fold(Unary):
    """x[..., c, p SH + i DH - top, q SW + j DW - left] += y[..., (c, i, j), (p, q)], from 0"""

    options: tuple
    size: tuple

    def __init__(self, size, options):
        self.size, self.options = size, options

    @cython.ccall
    def forward(self, y):
        (kh, kw), dilation, (top, left), (down, right) = self.options
        h, w = self.size
        rows, columns = windows(self.size, self.options)
        y = y.reshape(*y.shape[:-2], y.shape[-2] // (kh * kw), kh, kw, rows, columns)
        x = np.zeros((*y.shape[:-4], h + 2 * top, w + 2 * left), y.dtype)
        for i in range(kh):
            for j in range(kw):
                a, b = i * dilation[0], j * dilation[1]
                x[..., a : a + down * rows : down, b : b + right * columns : right] += y[
                    ..., i, j, :, :
                ]
        return np.ascontiguousarray(x[..., top : top + h, left : left + w])

    @cython.ccall
    def backward(self, grad):
        return Unfold(self.options).apply(grad)


def windows(size, options):
    """How many windows lie below and beside each other."""
    return tuple([(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, d, p, s in zip(size, *options)])


def _options(name, size, kernel_size, dilation, padding, stride):
    """The options as pairs; an error where one is out of range or no window fits in `size`."""
    given = {"kernel_size": kernel_size, "dilation": dilation}
    given |= {"padding": padding, "stride": stride}
    options = tuple([pair(value, option, name) for option, value in given.items()])
    for option, values in zip(given, options, strict=True):
        if min(values) < (option != "padding"):
            raise ShapeError(
                f"{name}: {option} must be at least {int(option != 'padding')}, got {values}"
            )
    if min(windows(size, options)) < 1:
        raise ShapeError(
            f"{name}: no window fits into {tuple(size)}: kernel_size={options[0]}, "
            f"dilation={options[1]}, padding={options[2]}"
        )
    return options


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """The sliding windows of images, each a column.

    y[n, (c, i, j), (p, q)] = x[n, c, p s + i d - padding, q s + j d - padding]

    Parameters
    ----------
    input : Tensor (N, C, H, W) or (C, H, W)
        N may be 0.
    kernel_size, dilation, padding, stride : int or (int, int)
        As of a convolution: rows and columns of the window, steps between its taps, zeros on
        each side, steps of the window.

    Returns
    -------
    Tensor (N, C KH KW, L) or (C KH KW, L)
        L is the number of windows, row by row.

    Raises
    ------
    ShapeError
        The input is no image, no window fits, or an option is out of range.
    DtypeError
        Integers.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]])
    >>> mg.nn.functional.unfold(x, 2)
    tensor([[1., 2.],
            [2., 3.],
            [4., 5.],
            [5., 6.]])
    """
    check_tensor(input, "unfold")
    if input.ndim not in (3, 4) or 0 in input.shape[-3:]:
        raise ShapeError(
            f"unfold: expected an input (N, C, H, W) or (C, H, W) in which only N may be 0, "
            f"got {input.shape}"
        )
    if input.dtype.kind not in "fb":
        raise DtypeError(f"unfold: expected a floating tensor, got {input.dtype}")
    size = input.shape[-2:]
    return Unfold(_options("unfold", size, kernel_size, dilation, padding, stride)).apply(input)


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Columns put back as the windows they are, added where they overlap: adjoint of `unfold`.

    Parameters
    ----------
    input : Tensor (N, C KH KW, L) or (C KH KW, L)
        N may be 0.
    output_size : int or (int, int)
        (H, W) of the images.
    kernel_size, dilation, padding, stride : int or (int, int)
        As for `unfold`.

    Returns
    -------
    Tensor (N, C, H, W) or (C, H, W)

    Raises
    ------
    ShapeError
        The input is not what `unfold` makes of such images, or an option is out of range.
    DtypeError
        Integers.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.functional.fold(mg.ones(2, 3), (1, 4), (1, 2))
    tensor([[[1., 2., 2., 1.]]])
    """
    check_tensor(input, "fold")
    size = pair(output_size, "output_size", "fold")
    if min(size) < 1:
        raise ShapeError(f"fold: output_size must be at least 1, got {size}")
    options = _options("fold", size, kernel_size, dilation, padding, stride)
    (kh, kw), (rows, columns) = options[0], windows(size, options)
    fits = input.ndim in (2, 3) and 0 not in input.shape[-2:]
    if not fits or input.shape[-2] % (kh * kw) or input.shape[-1] != rows * columns:
        raise ShapeError(
            f"fold: expected an input (N, C {kh * kw}, {rows * columns}) or "
            f"(C {kh * kw}, {rows * columns}) for images {size}, got {input.shape}"
        )
    if input.dtype.kind not in "fb":
        raise DtypeError(f"fold: expected a floating tensor, got {input.dtype}")
    return Fold(size, options).apply(input)
