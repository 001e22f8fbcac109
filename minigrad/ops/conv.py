"""Convolution and its two gradients: one sum of products, of which three arrays can be the result.

    <dy, conv(x, w)>  =  <input_grad(dy, w), x>  =  <weight_grad(dy, x), w>

The sum is linear in each of dy, x and w. So each of the three operations has the two others as
its derivatives, and the family is closed: any order is a composition of the same three kernels.
Arrays are x (N, C, H, W), w (O, C / groups, KH, KW), y (N, O, OH, OW).
"""

import math
import re

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad import kernels
from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Nary
else:
    from minigrad.engine import Nary

from minigrad.ops.shape import check_tensor, squeeze, unsqueeze

__all__ = ["conv1d", "conv2d"]


def _for_each(product, a, b):
    """product(a, b) of 4-d arrays, for each element of the axes in front (which broadcast)."""
    if a.ndim == 4 and b.ndim == 4:
        return product(a, b)
    lead = np.broadcast_shapes(a.shape[:-4], b.shape[:-4])
    a = np.broadcast_to(a, lead + a.shape[-4:])
    b = np.broadcast_to(b, lead + b.shape[-4:])
    results = [product(a[k], b[k]) for k in np.ndindex(lead)]
    if not results:  # a batch of no cotangents: only the shape is wanted
        one = product(np.zeros(a.shape[-4:], a.dtype), np.zeros(b.shape[-4:], b.dtype))
        return np.zeros(lead + one.shape, one.dtype)
    return np.stack(results).reshape(lead + results[0].shape)


def _for_each_image(product, images, w):
    """The same for (..., N, ·, ·, ·) images: under one w all axes in front join the batch."""
    if images.ndim == 4 or w.ndim > 4:
        return _for_each(product, images, w)
    y = product(images.reshape((-1, *images.shape[-3:])), w)
    return y.reshape(images.shape[:-3] + y.shape[1:])


def _weight_grads(dy, x, w_shape, options):
    """dw for each dy of the axes in front, over one x: they are more output channels."""
    lead, (n, o, oh, ow), groups = dy.shape[:-4], dy.shape[-4:], options[3]
    dy = dy.reshape((-1, n, groups, o // groups, oh, ow)).transpose((1, 2, 0, 3, 4, 5))
    many = dy.shape[2]  # dy (N, groups, many, OG, OH, OW)
    dy = dy.reshape((n, many * o, oh, ow))
    dw = kernels.conv2d_weight_grad(dy, x, (many * o, *w_shape[1:]), *options)
    dw = dw.reshape((groups, many, o // groups, *w_shape[1:])).swapaxes(0, 1)
    return dw.reshape(lead + w_shape)


@cython.cclass
class Conv2d(Nary):
    """y[n, o, p, q] = bias[o] + sum_cij w[o, c, i, j] x[n, c, p SH + i DH - top, ...]"""

    options: tuple  # stride, padding, dilation, groups, as the kernels take them
    x_shape: tuple
    w_shape: tuple

    def __init__(self, options):
        self.options = options

    def forward(self, x, w, bias):
        self.x_shape, self.w_shape = x.shape[-4:], w.shape[-4:]
        if self.needs_grad(0):
            self.save_input(1)
        if self.needs_grad(1):
            self.save_input(0)
        if x.ndim > 4 or w.ndim > 4:
            self.broadcasts()
        return _for_each_image(lambda x, w: kernels.conv2d(x, w, bias, *self.options), x, w)

    @cython.ccall
    def backward(self, grad):
        dx = dw = db = None
        if self.needs_grad(0):
            dx = Conv2dInputGrad(self.x_shape, self.options).apply(grad, self.input(1))
        if self.needs_grad(1):
            dw = Conv2dWeightGrad(self.w_shape, self.options).apply(grad, self.input(0))
        if self.needs_grad(2):
            db = grad.sum((-4, -2, -1))
        return dx, dw, db


@cython.cclass
class Conv2dInputGrad(Nary):
    """dx[n, c, p SH + i DH - top, ...] += sum_o w[o, c, i, j] dy[n, o, p, q]"""

    options: tuple
    x_shape: tuple
    w_shape: tuple

    def __init__(self, x_shape, options):
        self.x_shape, self.options = x_shape, options

    def forward(self, dy, w):
        self.w_shape = w.shape[-4:]
        if self.needs_grad(0):
            self.save_input(1)
        if self.needs_grad(1):
            self.save_input(0)
        if dy.ndim > 4 or w.ndim > 4:
            self.broadcasts()

        def product(dy, w):
            shape = (len(dy), *self.x_shape[1:])
            return kernels.conv2d_input_grad(dy, w, shape, *self.options)

        return _for_each_image(product, dy, w)

    @cython.ccall
    def backward(self, grad):
        d_dy = dw = None
        if self.needs_grad(0):
            d_dy = Conv2d(self.options).apply(grad, self.input(1), None)
        if self.needs_grad(1):
            dw = Conv2dWeightGrad(self.w_shape, self.options).apply(self.input(0), grad)
        return d_dy, dw


@cython.cclass
class Conv2dWeightGrad(Nary):
    """dw[o, c, i, j] = sum_npq dy[n, o, p, q] x[n, c, p SH + i DH - top, ...]"""

    options: tuple
    x_shape: tuple
    w_shape: tuple

    def __init__(self, w_shape, options):
        self.w_shape, self.options = w_shape, options

    def forward(self, dy, x):
        self.x_shape = x.shape[-4:]
        if self.needs_grad(0):
            self.save_input(1)
        if self.needs_grad(1):
            self.save_input(0)
        if dy.ndim > 4 or x.ndim > 4:
            self.broadcasts()

        few = 0 < math.prod(dy.shape[-4:]) <= 1 << 13  # whose call costs more than its copy
        if few and dy.ndim > 4 and x.ndim == 4 and dy.size:
            return _weight_grads(dy, x, self.w_shape, self.options)

        def product(dy, x):
            return kernels.conv2d_weight_grad(dy, x, self.w_shape, *self.options)

        return _for_each(product, dy, x)

    @cython.ccall
    def backward(self, grad):
        d_dy = dx = None
        if self.needs_grad(0):
            d_dy = Conv2d(self.options).apply(self.input(1), grad, None)
        if self.needs_grad(1):
            dx = Conv2dInputGrad(self.x_shape, self.options).apply(self.input(0), grad)
        return d_dy, dx


def each(value, option, name, count):
    """An option that is one integer for all `count` axes, or a tuple of one for each of them."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    number = "an integer" if count == 1 else "one or two integers"
    if any(isinstance(v, bool) or not hasattr(v, "__index__") for v in values):
        raise TypeError(f"{name}: {option} must be {number}, got {value!r}")
    if len(values) not in (1, count):
        raise ShapeError(f"{name}: {option} must be {number}, got {value!r}")
    values = tuple([v.__index__() for v in values])
    if max(values) >= 2**63 or min(values) < -(2**63):
        raise ValueError(f"{name}: {option} must fit into 64 bits, got {value!r}")
    return values * (count // len(values))


def pair(value, option, name):
    """An option that is one integer for both axes, or a (vertical, horizontal) pair of them."""
    return each(value, option, name, 2)


def padding_of(padding, weight, stride, dilation, name):
    """`padding` as zeros (before, after) for each axis, one tuple: (top, bottom, left, right)."""
    count = len(stride)
    if not isinstance(padding, str):
        return tuple([p for p in each(padding, "padding", name, count) for _ in range(2)])
    if padding == "valid":
        return (0, 0) * count
    if padding != "same":
        raise ShapeError(f"{name}: padding must be integers, 'valid' or 'same', got {padding!r}")
    if stride != (1,) * count:
        shown = stride if count > 1 else stride[0]
        raise ShapeError(f"{name}: padding='same' needs stride 1, got stride={shown}")
    total = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
    return tuple([p for t in total for p in (t // 2, t - t // 2)])  # an odd one goes after


def check_conv(name, input, weight, bias, groups, count, layout):
    """Refuse what is no input, weight, bias of a convolution over `count` axes."""
    check_tensor(input, f"{name}: input")
    check_tensor(weight, f"{name}: weight")
    if bias is not None:
        check_tensor(bias, f"{name}: bias")
    axes = "L" if count == 1 else "H, W"
    if input.ndim not in (count + 1, count + 2):
        raise ShapeError(
            f"{name}: expected an input (N, C, {axes}) or (C, {axes}), got {input.shape}"
        )
    if weight.ndim != count + 2:
        raise ShapeError(f"{name}: expected a weight {layout}, got {weight.shape}")
    if isinstance(groups, bool) or not hasattr(groups, "__index__"):
        raise TypeError(f"{name}: groups must be an integer, got {groups!r}")
    return groups.__index__()


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Two-dimensional convolution (cross-correlation, as everywhere in deep learning).

    y[n, o, p, q] = bias[o] + sum_{c,i,j} weight[o, c, i, j] x[n, c, p s + i d, q s + j d],
    with x the zero-padded input, s the stride and d the dilation.

    Parameters
    ----------
    input : Tensor (N, C, H, W) or (C, H, W)
        N may be 0.
    weight : Tensor (O, C / groups, KH, KW)
        Of the dtype of `input`.
    bias : Tensor (O,), optional
    stride, dilation : int or (int, int)
        Steps of the window, and between its taps: (vertical, horizontal).
    padding : int, (int, int), 'valid' or 'same'
        Zeros on each side. 'valid' is none; 'same' keeps H and W (stride 1 only), and puts an odd
        one below and to the right.
    groups : int
        Input and output channels are split into this many groups that do not see each other.

    Returns
    -------
    Tensor (N, O, OH, OW) or (O, OH, OW)
        OH = (H + padding above and below - d (KH - 1) - 1) // s + 1, OW likewise.

    Raises
    ------
    ShapeError
        Shapes do not fit each other or `groups`, the kernel is larger than the padded input, or
        an option is out of range (a RuntimeError, as in PyTorch).
    DtypeError
        The tensors have different dtypes.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[[1.0, 2.0, 4.0]]])
    >>> w = mg.tensor([[[[-1.0, 1.0]]]])
    >>> mg.conv2d(x, w)
    tensor([[[1., 2.]]])
    >>> mg.conv2d(x, w, padding='same')
    tensor([[[ 1.,  2., -4.]]])

    References
    ----------
    LeCun et al. (1998), Gradient-based learning applied to document recognition, section II.
    """
    name = "conv2d"
    groups = check_conv(name, input, weight, bias, groups, 2, "(O, C / groups, KH, KW)")
    stride, dilation = pair(stride, "stride", name), pair(dilation, "dilation", name)
    padding = padding_of(padding, weight, stride, dilation, name)
    op = Conv2d((stride, padding, dilation, groups))
    if input.ndim == 4:
        return op.apply(input, weight, bias)
    return squeeze(op.apply(unsqueeze(input, 0), weight, bias), 0)


def conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """One-dimensional convolution: `conv2d` of images one pixel high, by the same kernel.

    y[n, o, p] = bias[o] + sum_{c,i} weight[o, c, i] x[n, c, p s + i d]

    Parameters
    ----------
    input : Tensor (N, C, L) or (C, L)
    weight : Tensor (O, C / groups, K)
    bias : Tensor (O,), optional
    stride, padding, dilation, groups
        As for `conv2d`, for one axis.

    Returns
    -------
    Tensor (N, O, OL) or (O, OL)
        OL = (L + padding on both sides - d (K - 1) - 1) // s + 1.

    Raises
    ------
    ShapeError, DtypeError
        As `conv2d`.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[1.0, 2.0, 4.0, 8.0]])
    >>> mg.conv1d(x, mg.tensor([[[-1.0, 1.0]]]), stride=2)
    tensor([[1., 4.]])
    """
    name = "conv1d"
    groups = check_conv(name, input, weight, bias, groups, 1, "(O, C / groups, K)")
    stride, dilation = each(stride, "stride", name, 1), each(dilation, "dilation", name, 1)
    padding = padding_of(padding, weight, stride, dilation, name)
    op = Conv2d(((1, *stride), (0, 0, *padding), (1, *dilation), groups))
    row = unsqueeze(input if input.ndim == 3 else unsqueeze(input, 0), -2)  # (N, C, 1, L)
    try:
        y = squeeze(op.apply(row, unsqueeze(weight, -2), bias), -2)
    except (ShapeError, DtypeError) as error:
        raise type(error)(in_one_axis(str(error), name)) from None
    return y if input.ndim == 3 else squeeze(y, 0)


def in_one_axis(message, name):
    """What the kernel for images complains about, in the words of its caller."""
    message = re.sub(r"^\w+", name, message)
    message = re.sub(r"\((\d+, \d+), 1, (\d+)\)", r"(\1, \2)", message)  # shapes
    message = re.sub(r"\(0, 0, (-?\d+, -?\d+)\)", r"(\1)", message)  # padding
    return re.sub(r"\([01], (-?\d+)\)", r"(\1,)", message)  # other options
