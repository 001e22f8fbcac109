"""Pooling over windows of an image: each operation stands beside its adjoint.

    MaxPool2d  y = x[winners]                         AvgPool2d      y = A x
    MaxTake    y = x[indices]   ↔   MaxPool2dGrad     AvgPool2d  ↔   AvgPool2dGrad  dx = A^T dy

The winners of a maximum do not move with x (almost everywhere), so its derivative is linear: it
sends dy back to where the maxima were, and the derivative of that takes from the same places.
"""

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad import kernels
from minigrad.errors import ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Unary, wrap
else:
    from minigrad.engine import Unary, wrap

from minigrad.ops.conv import each, pair
from minigrad.ops.shape import check_tensor

__all__ = ["max_pool2d", "avg_pool2d"]


@cython.cclass
class MaxPool2d(Unary):
    """y[..., p, q] = max of the window of x at (p, q)"""

    options: tuple  # window, stride, padding, dilation, ceil_mode, as the kernel takes them
    size: tuple

    def __init__(self, options):
        self.options = options

    @cython.ccall
    def forward(self, x):
        y, indices = kernels.max_pool2d(x, *self.options)
        self.size = x.shape[-2:]
        self.save_arrays(indices)
        return y

    @cython.ccall
    def backward(self, grad):
        return MaxPool2dGrad(self.arrays()[0], self.size).apply(grad)


@cython.cclass
class MaxPool2dGrad(Unary):
    """dx[..., indices[..., p, q]] += dy[..., p, q]"""

    size: tuple

    def __init__(self, indices, size):
        self.save_arrays(indices)
        self.size = size

    @cython.ccall
    def forward(self, dy):
        return kernels.max_pool2d_grad(dy, self.arrays()[0], self.size)

    @cython.ccall
    def backward(self, grad):
        return MaxTake(self.arrays()[0]).apply(grad)


@cython.cclass
class MaxTake(Unary):
    """y[..., p, q] = x[..., indices[..., p, q]]"""

    size: tuple

    def __init__(self, indices):
        self.save_arrays(indices)

    @cython.ccall
    def forward(self, x):
        self.size = x.shape[-2:]
        return kernels.max_pool2d_take(x, self.arrays()[0])

    @cython.ccall
    def backward(self, grad):
        return MaxPool2dGrad(self.arrays()[0], self.size).apply(grad)


@cython.cclass
class AvgPool2d(Unary):
    """y[..., p, q] = sum of the window of x at (p, q) / its area"""

    options: tuple  # window, stride, padding, ceil_mode, count_include_pad, divisor
    size: tuple

    def __init__(self, options):
        self.options = options

    @cython.ccall
    def forward(self, x):
        self.size = x.shape[-2:]
        return kernels.avg_pool2d(x, *self.options)

    @cython.ccall
    def backward(self, grad):
        return AvgPool2dGrad(self.size, self.options).apply(grad)


@cython.cclass
class AvgPool2dGrad(Unary):
    """dx[..., i, j] = sum of dy / area over the windows that see pixel (i, j)"""

    options: tuple
    size: tuple

    def __init__(self, size, options):
        self.size, self.options = size, options

    @cython.ccall
    def forward(self, dy):
        return kernels.avg_pool2d_grad(dy, self.size, *self.options)

    @cython.ccall
    def backward(self, grad):
        return AvgPool2d(self.options).apply(grad)


def _check(input, name):
    check_tensor(input, name)
    if input.ndim not in (3, 4) or 0 in input.shape[-3:]:
        raise ShapeError(
            f"{name}: expected an input (N, C, H, W) or (C, H, W) in which only N may be 0, "
            f"got {input.shape}"
        )


def unless_given(stride, window, name):
    """The step of the windows: their size, if none is given."""
    given = stride is not None and stride not in ((), [])
    return each(stride, "stride", name, len(window)) if given else window


def max_pool2d(
    input,
    kernel_size,
    stride=None,
    padding=0,
    dilation=1,
    ceil_mode=False,
    return_indices=False,
):
    """Maximum of each window of an image.

    y[n, c, p, q] = max_{i,j} x[n, c, p s + i d - padding, q s + j d - padding]

    Parameters
    ----------
    input : Tensor (N, C, H, W) or (C, H, W)
        N may be 0.
    kernel_size : int or (int, int)
        Rows and columns of the window.
    stride : int or (int, int), optional
        Steps of the window. Default: `kernel_size`, so that windows do not overlap.
    padding : int or (int, int)
        Pixels of -inf on each side, at most half of `kernel_size`.
    dilation : int or (int, int)
        Steps between the pixels of a window.
    ceil_mode : bool
        Whether a window that only begins in the input (or its left padding) counts.
    return_indices : bool
        Also return where the maxima were.

    Returns
    -------
    y : Tensor (N, C, OH, OW) or (C, OH, OW)
        OH = (H + 2 padding - d (k - 1) - 1) / s + 1, rounded down, or up with `ceil_mode`.
    indices : Tensor of int64, of y's shape
        i W + j of each maximum within its plane, if `return_indices`. The first of equal maxima
        counts, and gets all of the gradient. NaN is larger than any number, and the last counts.
        A dilated window that misses the image has maximum -inf, index -1 and no gradient
        (PyTorch's index there lies outside of the image).

    Raises
    ------
    ShapeError
        The input is no image, no window fits, or an option is out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[[1.0, 2.0, 0.0, 5.0], [4.0, 3.0, 5.0, 5.0]]])
    >>> mg.max_pool2d(x, 2)
    tensor([[[4., 5.]]])
    >>> mg.max_pool2d(x, 2, return_indices=True)[1]
    tensor([[[4, 3]]])
    """
    _check(input, "max_pool2d")
    window = pair(kernel_size, "kernel_size", "max_pool2d")
    op = MaxPool2d(
        (
            window,
            unless_given(stride, window, "max_pool2d"),
            pair(padding, "padding", "max_pool2d"),
            pair(dilation, "dilation", "max_pool2d"),
            bool(ceil_mode),
        )
    )
    y = op.apply(input)
    return (y, wrap(op.arrays()[0].copy())) if return_indices else y


def avg_pool2d(
    input,
    kernel_size,
    stride=None,
    padding=0,
    ceil_mode=False,
    count_include_pad=True,
    divisor_override=None,
):
    """Mean of each window of an image.

    y[n, c, p, q] = sum_{i,j} x[n, c, p s + i - padding, q s + j - padding] / area

    Parameters
    ----------
    input : Tensor (N, C, H, W) or (C, H, W)
        N may be 0.
    kernel_size : int or (int, int)
        Rows and columns of the window.
    stride : int or (int, int), optional
        Steps of the window. Default: `kernel_size`, so that windows do not overlap.
    padding : int or (int, int)
        Zeros on each side, at most half of `kernel_size`.
    ceil_mode : bool
        Whether a window that only begins in the input (or its left padding) counts.
    count_include_pad : bool
        Whether the padding counts in the area. What `ceil_mode` adds beyond it never does.
    divisor_override : int, optional
        Divide by this instead of the area.

    Returns
    -------
    Tensor (N, C, OH, OW) or (C, OH, OW)
        OH = (H + 2 padding - k) / s + 1, rounded down, or up with `ceil_mode`.

    Raises
    ------
    ShapeError
        The input is no image, no window fits, or an option is out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[[1.0, 2.0, 0.0, 5.0], [4.0, 3.0, 6.0, 5.0]]])
    >>> mg.avg_pool2d(x, 2)
    tensor([[[2.5, 4. ]]])
    """
    _check(input, "avg_pool2d")
    if divisor_override is not None and not hasattr(divisor_override, "__index__"):
        raise TypeError(
            f"avg_pool2d: divisor_override must be an integer, got {divisor_override!r}"
        )
    window = pair(kernel_size, "kernel_size", "avg_pool2d")
    return AvgPool2d(
        (
            window,
            unless_given(stride, window, "avg_pool2d"),
            pair(padding, "padding", "avg_pool2d"),
            bool(ceil_mode),
            bool(count_include_pad),
            divisor_override,
        )
    ).apply(input)
