"""Pooling over windows of a sequence: that of an image one pixel high, by the same kernels."""

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import wrap
else:
    from minigrad.engine import wrap

from minigrad.ops.conv import each, in_one_axis
from minigrad.ops.pool import AvgPool2d, MaxPool2d, unless_given
from minigrad.ops.shape import check_tensor, squeeze, unsqueeze

__all__ = ["max_pool1d", "avg_pool1d"]


def _check_row(input, name):
    check_tensor(input, name)
    if input.ndim not in (2, 3) or 0 in input.shape[-2:]:
        raise ShapeError(
            f"{name}: expected an input (N, C, L) or (C, L) in which only N may be 0, "
            f"got {input.shape}"
        )


def _of_row(node, input, name):
    """A pooling of images one pixel high: (..., L) to (..., OL)."""
    try:
        return squeeze(node.apply(unsqueeze(input, -2)), -2)
    except ShapeError as error:
        raise ShapeError(in_one_axis(str(error), name)) from None


def max_pool1d(
    input,
    kernel_size,
    stride=None,
    padding=0,
    dilation=1,
    ceil_mode=False,
    return_indices=False,
):
    """Maximum of each window of a sequence: `max_pool2d` over one axis.

    Parameters
    ----------
    input : Tensor (N, C, L) or (C, L)
    kernel_size, stride, padding, dilation : int
        As for `max_pool2d`.
    ceil_mode, return_indices : bool

    Returns
    -------
    y : Tensor (N, C, OL) or (C, OL)
    indices : Tensor of int64, of y's shape
        Where the maxima were, if `return_indices`.

    Raises
    ------
    ShapeError
        As `max_pool2d`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.max_pool1d(mg.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[3., 2.]])
    """
    name = "max_pool1d"
    _check_row(input, name)
    if input.dtype.kind != "f":
        raise DtypeError(f"{name}: expected a floating tensor, got {input.dtype}")
    window = each(kernel_size, "kernel_size", name, 1)
    node = MaxPool2d(
        (
            (1, *window),
            (1, *unless_given(stride, window, name)),
            (0, *each(padding, "padding", name, 1)),
            (1, *each(dilation, "dilation", name, 1)),
            bool(ceil_mode),
        )
    )
    y = _of_row(node, input, name)
    return (y, wrap(node.arrays()[0].reshape(y.shape))) if return_indices else y


def avg_pool1d(
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True
):
    """Mean of each window of a sequence: `avg_pool2d` over one axis.

    Parameters
    ----------
    input : Tensor (N, C, L) or (C, L)
    kernel_size, stride, padding : int
        As for `avg_pool2d`.
    ceil_mode, count_include_pad : bool

    Returns
    -------
    Tensor (N, C, OL) or (C, OL)

    Raises
    ------
    ShapeError
        As `avg_pool2d`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.avg_pool1d(mg.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[2., 1.]])
    """
    name = "avg_pool1d"
    _check_row(input, name)
    window = each(kernel_size, "kernel_size", name, 1)
    node = AvgPool2d(
        (
            (1, *window),
            (1, *unless_given(stride, window, name)),
            (0, *each(padding, "padding", name, 1)),
            bool(ceil_mode),
            bool(count_include_pad),
            None,
        )
    )
    return _of_row(node, input, name)
