"""Pooling by the number of windows: means of pieces that cover a sequence or an image."""

from minigrad.errors import DtypeError, ShapeError
from minigrad.ops.conv import each, pair
from minigrad.ops.pool import AvgPool2d
from minigrad.ops.reduce import mean
from minigrad.ops.shape import check_tensor, narrow, squeeze, stack, unsqueeze

__all__ = ["adaptive_avg_pool1d"]


def _adaptive(input, axis, size):
    """Means of `size` windows [floor(i n / size), ceil((i + 1) n / size)) along one axis."""
    n = input.shape[axis]
    cuts = [(i * n // size, -(-(i + 1) * n // size)) for i in range(size)]
    return stack([mean(narrow(input, axis, a, b - a), axis) for a, b in cuts], axis)


def _check_adaptive(name, input, size):
    if input.dtype.kind != "f":
        raise DtypeError(f"{name}: expected a floating tensor, got {input.dtype}")
    if 0 in input.shape[-len(size) :]:
        raise ShapeError(f"{name}: expected an input with elements, got {input.shape}")
    if min(size) < 0:
        raise ShapeError(f"{name}: output_size must be at least 0, got {tuple(size)}")


def adaptive_avg_pool2d(input, output_size):
    """Means of windows that cut an image into so many rows and columns.

    Window i of `size` along an axis of n covers [floor(i n / size), ceil((i + 1) n / size)): all
    equal if `size` divides n, else they overlap.

    Parameters
    ----------
    input : Tensor (N, C, H, W) or (C, H, W)
        N may be 0.
    output_size : int or (int or None, int or None)
        (OH, OW); None keeps the axis as it is.

    Returns
    -------
    Tensor (N, C, OH, OW) or (C, OH, OW)

    Raises
    ------
    ShapeError
        The input is no image, or `output_size` is negative.
    DtypeError
        Integers.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.arange(6.0).reshape(1, 2, 3)
    >>> mg.nn.functional.adaptive_avg_pool2d(x, (1, 2))
    tensor([[[2., 3.]]])
    """
    name = "adaptive_avg_pool2d"
    check_tensor(input, name)
    if input.ndim not in (3, 4):
        raise ShapeError(f"{name}: expected (N, C, H, W) or (C, H, W), got {input.shape}")
    if isinstance(output_size, (tuple, list)):
        if len(output_size) != 2:
            raise ShapeError(f"{name}: output_size must be two integers, got {output_size!r}")
    else:
        output_size = (output_size, output_size)
    kept = zip(output_size, input.shape[-2:], strict=True)
    h, w = pair([n if o is None else o for o, n in kept], "output_size", name)
    _check_adaptive(name, input, (h, w))
    (rows, columns), planes = input.shape[-2:], 0 not in input.shape
    if h and w and planes and rows % h == 0 and columns % w == 0:
        window = (rows // h, columns // w)
        return AvgPool2d((window, window, (0, 0), False, True, None)).apply(input)
    if not h or not w:
        return (
            narrow(narrow(input, -2, 0, 0), -1, 0, 0)
            .sum((-2, -1), True)
            .expand(*input.shape[:-2], h, w)
        )
    return _adaptive(_adaptive(input, -2, h), -1, w)


def adaptive_avg_pool1d(input, output_size):
    """Means of `output_size` windows of a sequence; see `nn.functional.adaptive_avg_pool2d`.

    Parameters
    ----------
    input : Tensor (N, C, L) or (C, L)
    output_size : int

    Returns
    -------
    Tensor (N, C, output_size) or (C, output_size)

    Raises
    ------
    ShapeError
        The input is no sequence, or `output_size` is negative.
    DtypeError
        Integers.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.adaptive_avg_pool1d(mg.tensor([[1.0, 2.0, 6.0]]), 2)
    tensor([[1.5, 4. ]])
    """
    name = "adaptive_avg_pool1d"
    check_tensor(input, name)
    if input.ndim not in (2, 3):
        raise ShapeError(f"{name}: expected (N, C, L) or (C, L), got {input.shape}")
    (size,) = each(output_size, "output_size", name, 1)
    _check_adaptive(name, input, (size,))
    return squeeze(adaptive_avg_pool2d(unsqueeze(input, -2), (1, size)), -2)
