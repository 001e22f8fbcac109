"""Transposed convolution: the gradient of a convolution by its input, used as a forward step.

    <conv(x, w), y>  =  <x, conv_transpose(y, w)>

So `Conv2dInputGrad` is the operation, and its derivatives of every order are those of `conv.py`.
"""

from minigrad.errors import DtypeError, ShapeError
from minigrad.ops.conv import Conv2dInputGrad, check_conv, each
from minigrad.ops.padding import Pad
from minigrad.ops.shape import reshape, squeeze, unsqueeze

__all__ = ["conv_transpose1d", "conv_transpose2d"]


def _check(name, input, weight, bias, options, groups, count):
    """Refuse what does not fit; return the options, and the sizes of the output's last axes."""
    axes = "K" if count == 1 else "KH, KW"
    groups = check_conv(name, input, weight, bias, groups, count, f"(C, O / groups, {axes})")
    for option, least in (("stride", 1), ("padding", 0), ("output_padding", 0), ("dilation", 1)):
        options[option] = each(options[option], option, name, count)
        if min(options[option]) < least:
            raise ShapeError(f"{name}: {option} must be at least {least}, got {options[option]}")
    dtypes = {x.dtype for x in (input, weight, bias) if x is not None}
    if len(dtypes) > 1:
        raise DtypeError(f"{name}: dtypes must be equal, got {' and '.join(map(str, dtypes))}")
    channels = input.shape[-count - 1]
    if groups < 1 or weight.shape[0] % groups:
        raise ShapeError(
            f"{name}: groups must be positive and divide the {weight.shape[0]} channels of "
            f"weight {weight.shape}, got {groups}"
        )
    if weight.shape[0] != channels:
        raise ShapeError(
            f"{name}: weight {weight.shape} expects an input of {weight.shape[0]} channels, "
            f"got {channels} in input {input.shape}"
        )
    if 0 in weight.shape or 0 in input.shape[-count - 1 :]:
        raise ShapeError(
            f"{name}: only N may be 0, got input {input.shape} and weight {weight.shape}"
        )
    out_channels = weight.shape[1] * groups
    if bias is not None and bias.shape != (out_channels,):
        raise ShapeError(
            f"{name}: weight {weight.shape} with groups={groups} expects a bias of shape "
            f"({out_channels},), got {bias.shape}"
        )
    size = []
    for n, k, s, p, extra, d in zip(
        input.shape[-count:], weight.shape[2:], *options.values(), strict=True
    ):
        if extra >= max(s, d):
            raise ShapeError(
                f"{name}: output_padding must be smaller than stride or dilation, "
                f"got output_padding={extra}, stride={s}, dilation={d}"
            )
        size.append((n - 1) * s - 2 * p + d * (k - 1) + extra + 1)
    if min(size) < 1:
        raise ShapeError(
            f"{name}: the output would have the size {tuple(size)}: input {input.shape}, "
            f"weight {weight.shape}, padding={options['padding']}"
        )
    return groups, out_channels, size


def _transpose(name, input, weight, bias, options, groups, count):
    """The transposed convolution of images, or of rows as images one pixel high."""
    groups, channels, size = _check(name, input, weight, bias, options, groups, count)
    stride, padding, extra, dilation = options.values()
    # output_padding first takes back rows that padding cut off; then come rows that no window
    # reaches. A convolution would skip less than a stride of those.
    ends = [max(0, p - e) for p, e in zip(padding, extra, strict=True)]
    beyond = [max(0, e - p - s + 1) for e, p, s in zip(extra, padding, stride, strict=True)]
    size = [n - b for n, b in zip(size, beyond, strict=True)]
    x = input if input.ndim == count + 2 else unsqueeze(input, 0)
    if count == 1:
        x, weight, size = unsqueeze(x, -2), unsqueeze(weight, -2), [1, *size]
        stride, padding, dilation = (1, *stride), (0, *padding), (1, *dilation)
        ends = [0, *ends]
    pads = (padding[0], ends[0], padding[1], ends[1])
    node = Conv2dInputGrad((len(x), channels, *size), (stride, pads, dilation, groups))
    y = node.apply(x, weight)
    if count == 1:
        y = squeeze(y, -2)
    if any(beyond):
        y = Pad(tuple([(0, b) for b in beyond]), 0).apply(y)
    if bias is not None:
        y = y + reshape(bias, (channels,) + (1,) * count)
    return y if input.ndim == count + 2 else squeeze(y, 0)


def conv_transpose2d(
    input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    """Transposed convolution: each pixel of the input paints its window of the output.

    y[n, o, p s + i d - padding, q s + j d - padding] += sum_c x[n, c, p, q] weight[c, o, i, j],
    from y = bias[o].

    Parameters
    ----------
    input : Tensor (N, C, H, W) or (C, H, W)
        N may be 0.
    weight : Tensor (C, O / groups, KH, KW)
        Of the dtype of `input`; the weight of the `conv2d` from O to C channels.
    bias : Tensor (O,), optional
    stride, dilation : int or (int, int)
        Steps of the window, and between its taps: (vertical, horizontal).
    padding : int or (int, int)
        Rows and columns cut off on each side.
    output_padding : int or (int, int)
        Rows added below and columns to the right, fewer than stride or dilation: of the sizes
        that `conv2d` would bring down to H, which is meant.
    groups : int
        Input and output channels are split into this many groups that do not see each other.

    Returns
    -------
    Tensor (N, O, OH, OW) or (O, OH, OW)
        OH = (H - 1) s - 2 padding + d (KH - 1) + output_padding + 1, OW likewise.

    Raises
    ------
    ShapeError
        Shapes do not fit each other or `groups`, or an option is out of range.
    DtypeError
        The tensors have different dtypes.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[[1.0, 2.0]]])
    >>> w = mg.tensor([[[[1.0, 1.0, 0.5]]]])
    >>> mg.conv_transpose2d(x, w, stride=2)
    tensor([[[1. , 1. , 2.5, 2. , 1. ]]])

    References
    ----------
    Zeiler et al. (2010), Deconvolutional networks.
    """
    options = {"stride": stride, "padding": padding}
    options |= {"output_padding": output_padding, "dilation": dilation}
    return _transpose("conv_transpose2d", input, weight, bias, options, groups, 2)


def conv_transpose1d(
    input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    """Transposed convolution over one axis: `conv_transpose2d` of images one pixel high.

    Parameters
    ----------
    input : Tensor (N, C, L) or (C, L)
    weight : Tensor (C, O / groups, K)
    bias : Tensor (O,), optional
    stride, padding, output_padding, groups, dilation
        As for `conv_transpose2d`, for one axis.

    Returns
    -------
    Tensor (N, O, OL) or (O, OL)
        OL = (L - 1) s - 2 padding + d (K - 1) + output_padding + 1.

    Raises
    ------
    ShapeError, DtypeError
        As `conv_transpose2d`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.conv_transpose1d(mg.tensor([[1.0, 2.0]]), mg.tensor([[[1.0, 0.5]]]))
    tensor([[1. , 2.5, 1. ]])
    """
    options = {"stride": stride, "padding": padding}
    options |= {"output_padding": output_padding, "dilation": dilation}
    return _transpose("conv_transpose1d", input, weight, bias, options, groups, 1)
