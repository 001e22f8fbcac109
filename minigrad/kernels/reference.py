"""Every kernel in plain NumPy: the specification, and what runs where there is no compiler.

Grouped by family, as the `.pyx` files are; a test holds each pair together. Two things hold for
all: the result is an ndarray in C order (0-d too, never a NumPy scalar), and floating-point
exceptions are silent, NaN and Inf being values like others.

Some kernels bear the name of a builtin (`abs`, `pow`, `sum`, `max`, `min`): inside this module
those names are the kernels, so write `builtins.max` where Python's is meant.
"""

import functools
import inspect
import math

import numpy as np

from minigrad.errors import DtypeError, ShapeError


def kernel(function):
    """Make `function` keep the two promises above."""

    @functools.wraps(function)
    def kept(*args, **kwargs):
        with np.errstate(all="ignore"):
            return np.asarray(function(*args, **kwargs), order="C")

    return kept


# ---------------------------------------------------------------- elementwise


@kernel
def add(x, y):
    """z := x + y"""
    return np.add(x, y)


@kernel
def sub(x, y):
    """z := x - y"""
    return np.subtract(x, y)


@kernel
def mul(x, y):
    """z := x y"""
    return np.multiply(x, y)


@kernel
def div(x, y):
    """z := x / y"""
    return np.divide(x, y)


@kernel
def pow(x, y):
    """z := x ** y"""
    return x**y  # not np.power: the operator has the short ways for 2, 1/2, -1


@kernel
def maximum(x, y):
    """z := max(x, y); NaN where either is"""
    return np.maximum(x, y)


@kernel
def minimum(x, y):
    """z := min(x, y); NaN where either is"""
    return np.minimum(x, y)


@kernel
def neg(x):
    """y := -x"""
    return np.negative(x)


@kernel
def abs(x):
    """y := |x|"""
    return np.abs(x)


@kernel
def sign(x):
    """y := x / |x|, 0 at 0"""
    return np.sign(x)


@kernel
def sqrt(x):
    """y := √x"""
    return np.sqrt(x)


@kernel
def rsqrt(x):
    """y := 1 / √x"""
    return 1 / np.sqrt(x)


@kernel
def square(x):
    """y := x²"""
    return np.square(x)


@kernel
def reciprocal(x):
    """y := 1 / x"""
    return 1 / np.asarray(x)


@kernel
def exp(x):
    """y := eˣ"""
    return np.exp(x)


@kernel
def log(x):
    """y := ln x"""
    return np.log(x)


@kernel
def log1p(x):
    """y := ln(1 + x), accurate near 0"""
    return np.log1p(x)


@kernel
def expm1(x):
    """y := eˣ - 1, accurate near 0"""
    return np.expm1(x)


@kernel
def sin(x):
    """y := sin x"""
    return np.sin(x)


@kernel
def cos(x):
    """y := cos x"""
    return np.cos(x)


@kernel
def tanh(x):
    """y := tanh x"""
    return np.tanh(x)


@kernel
def sigmoid(x):
    """y := 1 / (1 + e⁻ˣ)"""
    e = np.exp(-np.abs(x))  # at most 1: neither tail overflows
    return np.where(np.signbit(x), e, 1) / (1 + e)


@kernel
def relu(x):
    """y := max(x, 0), and +0 for -0"""
    return np.where(np.less_equal(x, 0), 0, x)  # NaN is not <= 0, so it stays


@kernel
def softplus(x, beta=1.0, threshold=20.0):
    """y := ln(1 + exp(βx)) / β, and x where βx > threshold"""
    z = np.multiply(x, beta)
    y = (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) / beta
    return np.where(z > threshold, x, y)


@kernel
def erf(x):
    """y := 2/√π ∫₀ˣ exp(-t²) dt"""
    x = np.asarray(x)
    kind = x.dtype if x.dtype.kind == "f" else np.float64
    return np.asarray(np.frompyfunc(math.erf, 1, 1)(x)).astype(kind)


@kernel
def relu_backward(dy, y):
    """dx := dy where y > 0, else 0"""
    return np.where(np.greater(y, 0), dy, 0)


@kernel
def tanh_backward(dy, y):
    """dx := dy (1 - y²)"""
    return dy * ((1 - y) * (1 + y))  # factored: exact to the last bits near |y| = 1


@kernel
def sigmoid_backward(dy, y):
    """dx := dy y (1 - y)"""
    return dy * (y * (1 - y))


def add_(x, y):
    """x := x + y, in place"""
    with np.errstate(all="ignore"):
        return np.add(x, y, out=x, casting="same_kind")


# ---------------------------------------------------------------- gemm


@kernel
def matmul(a, b, bias=None, relu=False):
    """C := A @ B [+ bias] [then max(0, C), NaN kept]

    A (..., m, k), B (..., k, n), bias (n,); the batches broadcast; any strides.
    """
    if a.ndim < 2 or b.ndim < 2:
        raise ShapeError(
            f"matmul: expected (..., m, k) and (..., k, n), got shapes {a.shape} and {b.shape}"
        )
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(
            f"matmul: shapes {a.shape} and {b.shape} do not match: "
            f"{a.shape[-1]} columns against {b.shape[-2]} rows"
        )
    try:
        np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise ShapeError(
            f"matmul: shapes {a.shape} and {b.shape} do not match: the batches "
            f"{a.shape[:-2]} and {b.shape[:-2]} do not broadcast"
        ) from None
    if bias is not None and bias.shape != b.shape[-1:]:
        raise ShapeError(
            f"matmul: expected a bias of shape {b.shape[-1:]}, one a column, got {bias.shape}"
        )
    c = np.matmul(a, b)
    if bias is not None:
        c = c + bias
    return np.maximum(c, 0) if relu else c


# ---------------------------------------------------------------- reduce


def _count(x, axis):
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis)
    return math.prod(x.shape[a] for a in axes)


@kernel
def sum(x, axis=None, keepdims=False):
    """y := Σ x over the axes"""
    return np.sum(x, axis=axis, keepdims=keepdims)


@kernel
def mean(x, axis=None, keepdims=False):
    """y := Σ x / n over the axes, n their count; NaN where n is 0"""
    return np.sum(x, axis=axis, keepdims=keepdims) / _count(x, axis)


@kernel
def var(x, axis=None, correction=1, keepdims=False):
    """y := Σ (x - mean x)² / max(n - correction, 0) over the axes

    Two passes: Σx² - n mean² would cancel where the mean is large.
    """
    wide = x.astype(np.float64)
    apart = wide - mean(wide, axis, True)
    y = np.sum(apart * apart, axis=axis, keepdims=keepdims)
    y = y / np.maximum(_count(x, axis) - correction, 0)
    return y.astype(x.dtype) if x.dtype.kind == "f" else y


@kernel
def max(x, axis=None, keepdims=False):
    """y := the largest x over the axes; NaN where one is"""
    return np.max(x, axis=axis, keepdims=keepdims)


@kernel
def min(x, axis=None, keepdims=False):
    """y := the smallest x over the axes; NaN where one is"""
    return np.min(x, axis=axis, keepdims=keepdims)


@kernel
def logsumexp(x, axis=-1, keepdims=False):
    """y := ln Σ exp x over the axes; -Inf for none, or where all x are -Inf"""
    most = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    most = np.where(np.isfinite(most), most, 0).astype(x.dtype)  # Inf - Inf would be NaN
    y = np.log(np.sum(np.exp(x - most), axis=axis, keepdims=True)) + most
    return y if keepdims else np.squeeze(y, axis)


@kernel
def unbroadcast(x, shape, lead=0):
    """y := x summed over the axes that broadcasting added to `shape`

    The first `lead` axes of x (a batch of cotangents) stay: y has x.shape[:lead] + shape.
    """
    shape = tuple(shape)
    added = x.ndim - lead - len(shape)
    stretched = [
        lead + added + i for i, n in enumerate(shape) if n == 1 != x.shape[lead + added + i]
    ]
    y = x.sum((*range(lead, lead + added), *stretched))
    return y.reshape(x.shape[:lead] + shape)


# ---------------------------------------------------------------- softmax and cross-entropy


@kernel
def softmax(x):
    """y := exp x / Σ exp x over the last axis"""
    y = np.exp(x - np.max(x, axis=-1, keepdims=True, initial=-np.inf))
    return y / np.sum(y, axis=-1, keepdims=True)


@kernel
def log_softmax(x):
    """y := x - ln Σ exp x over the last axis"""
    y = x - np.max(x, axis=-1, keepdims=True, initial=-np.inf)
    return y - np.log(np.sum(np.exp(y), axis=-1, keepdims=True))


@kernel
def softmax_backward(dy, y):
    """dx := y (dy - Σ dy y) over the last axis; dy and y broadcast"""
    return y * (dy - np.sum(dy * y, axis=-1, keepdims=True))


@kernel
def log_softmax_backward(dy, y):
    """dx := dy - exp y Σ dy over the last axis; dy and y broadcast"""
    return dy - np.exp(y) * np.sum(dy, axis=-1, keepdims=True)


def _cross_entropy_labels(x, targets, weight, ignore_index):
    """Check the labels; return (kept rows, targets with 0 for the ignored, weight, w_t)."""
    if x.ndim != 2 or targets.shape != x.shape[:1]:
        raise ShapeError(
            "cross_entropy: expected logits (N, C) and targets (N,), "
            f"got {x.shape} and {targets.shape}"
        )
    n = x.shape[1]
    if targets.dtype.kind not in "iu":
        raise DtypeError(f"cross_entropy: class indices must be integers, got {targets.dtype}")
    if weight is None:
        weight = np.ones(n, x.dtype)
    elif weight.shape != (n,):
        raise ShapeError(
            f"cross_entropy: expected a weight for each of the {n} classes, got {weight.shape}"
        )
    kept = targets != ignore_index
    wrong = kept & ((targets < 0) | (targets >= n))
    if wrong.any():
        i = int(wrong.argmax())
        raise IndexError(
            f"cross_entropy: targets must be integers in [0, {n}), got {targets[i]} at index {i}"
        )
    safe = np.where(kept, targets, 0)
    return kept, safe, weight, _picked(np.broadcast_to(weight, x.shape), safe)


def _picked(x, index):
    """x[i, index[i]] for all rows i; 0 where there are no columns"""
    if not x.shape[1]:
        return np.zeros(len(x), x.dtype)
    return np.take_along_axis(x, index[:, None], axis=1)[:, 0]


def cross_entropy(x, targets, weight, ignore_index, smoothing, reduction, gradient):
    """loss_i := Σ_k q_ik (ln Σ exp x_i - x_ik) for rows x_i (n), class indices t_i

    q_i = (1 - smoothing) w_t onehot(t) + (smoothing / n) w, and 0 where t is `ignore_index`.

    Returns (loss, dx, W): the losses (rows), for reduction "none", their sum for "sum", for
    "mean" that divided by W = Σ w_t over the rows not ignored. dx is None without `gradient`,
    else softmax(x_i) Σ_k q_ik - q_i, divided by W for "mean".
    """
    kept, safe, weight, w_t = _cross_entropy_labels(x, targets, weight, ignore_index)
    hit, each = (1 - smoothing) * w_t, weight * (smoothing / (weight.size or 1))
    dx = None
    with np.errstate(all="ignore"):
        top = np.fmax.reduce(x, axis=-1, initial=-np.inf, keepdims=True)
        p = np.exp(x - top)
        total = np.sum(p, axis=-1, keepdims=True)
        surprise = (top - x) + np.log(total)  # -ln softmax(x)
        loss = hit * _picked(surprise, safe)
        if smoothing:
            loss = loss + np.sum(each * surprise, axis=-1)
        loss = np.where(kept, loss, 0)
        W = float(np.sum(w_t[kept], dtype=np.float64))
        if reduction != "none":
            loss = np.sum(loss, dtype=np.float64)
        if reduction == "mean":
            loss = loss / W
        if gradient:
            dx = p / total * (hit + np.sum(each))[:, None] - each
            dx[kept, safe[kept]] -= hit[kept]
            if reduction == "mean":
                dx /= W
            dx = np.where(kept[:, None], dx, 0).astype(x.dtype, copy=False)
    return np.asarray(loss, x.dtype), dx, W


@kernel
def cross_entropy_scale_(dx, dy, targets, ignore_index):
    """dx_i := dy_i dx_i in place for the rows whose target is not ignored; returns dx

    dx is (rows, n); dy is (rows), or one number for all rows, (). For the gradient that
    `cross_entropy` made, once the cotangent dy of the loss is known.
    """
    if dx.ndim != 2 or dy.shape not in ((), dx.shape[:1]) or targets.shape != dx.shape[:1]:
        raise ShapeError(
            "cross_entropy_scale_: expected dx (N, C), dy () or (N,) and targets (N,), "
            f"got {dx.shape}, {dy.shape} and {targets.shape}"
        )
    kept = (targets != ignore_index)[:, None]
    return np.multiply(dx, dy[..., None], out=dx, where=kept)


# ---------------------------------------------------------------- batch norm


def _channels(x, **vectors):
    """The axes that batch norm sums, and the shape of a channel vector beside x; checks those."""
    if x.ndim < 2:
        raise ShapeError(f"batch_norm: expected (N, C, ...), got shape {x.shape}")
    for name, v in vectors.items():
        if v is not None and v.shape != x.shape[1:2]:
            raise ShapeError(
                f"batch_norm: {name} must have shape {x.shape[1:2]} for an input {x.shape}, "
                f"got {v.shape}"
            )
    axes = tuple(a for a in range(-x.ndim, 0) if a != 1 - x.ndim)
    return axes, (x.shape[1],) + (1,) * (x.ndim - 2)


def batch_norm(x, weight, bias, mean, var, eps):
    """y := (x - mean) / √(var + eps) w + b over all axes but 1, the channels (C)

    mean and var (C) are those of x where they are None; var is the biased one, Σ (x - mean)² / n.
    Returns (y, mean, var), the statistics in float64.
    """
    axes, beside = _channels(x, weight=weight, bias=bias, mean=mean, var=var)
    if (mean is None) != (var is None):
        raise ValueError("batch_norm: give both mean and var, or neither")
    n = math.prod(x.shape[a] for a in axes)
    with np.errstate(all="ignore"):
        wide = x.astype(np.float64)
        if mean is None:
            mean = np.sum(wide, axis=axes) / n
            var = np.sum((wide - mean.reshape(beside)) ** 2, axis=axes) / n
        mean, var = np.asarray(mean, np.float64), np.asarray(var, np.float64)
        scale = 1 / np.sqrt(var + eps) * (1 if weight is None else weight)
        y = (wide - mean.reshape(beside)) * scale.reshape(beside)
        if bias is not None:
            y = y + bias.reshape(beside)
    return np.asarray(y, x.dtype, order="C"), mean, var


def batch_norm_backward(dy, x, weight, mean, var, eps, training):
    """dx := w s (dy - Σ dy / n - x̂ Σ dy x̂ / n), dw := Σ dy x̂, db := Σ dy

    s = 1 / √(var + eps), x̂ = (x - mean) s, mean and var (C) float64; n elements a channel. With
    fixed statistics, not `training`: dx := w s dy. dy may have leading axes of its own, a batch;
    then so have dx, dw and db.
    """
    axes, beside = _channels(x, weight=weight, mean=mean, var=var)
    if dy.shape[-x.ndim :] != x.shape:
        raise ShapeError(
            f"batch_norm_backward: dy must have x's shape {x.shape}, behind a batch of its own, "
            f"got {dy.shape}"
        )
    n = math.prod(x.shape[a] for a in axes)
    with np.errstate(all="ignore"):
        s = 1 / np.sqrt(var + eps)
        normal = (x - mean.reshape(beside)) * s.reshape(beside)
        db = np.sum(dy, axis=axes, keepdims=True, dtype=np.float64)
        dw = np.sum(dy * normal, axis=axes, keepdims=True)
        dx = (dy - db / n - normal * (dw / n)) if training else dy
        dx = dx * (s if weight is None else weight * s).reshape(beside)
    flat = (*dy.shape[: dy.ndim - x.ndim], x.shape[1])
    dw, db = np.asarray(dw.reshape(flat), x.dtype), np.asarray(db.reshape(flat), x.dtype)
    return np.asarray(dx, x.dtype, order="C"), dw, db


def move_statistics(running, batch, momentum, factor):
    """running ← (1 - momentum) running + momentum factor batch (float64), in place"""
    if running.shape != batch.shape:
        raise ShapeError(
            f"move_statistics: running and batch must have one shape, "
            f"got {running.shape} and {batch.shape}"
        )
    with np.errstate(all="ignore"):
        running[...] = (1 - momentum) * running.astype(np.float64) + momentum * factor * batch


# ---------------------------------------------------------------- layer norm


def _layer(name, x, weight, bias, axes):
    """The axes that layer norm sums; checks how many, and the shapes of the vectors beside x."""
    if not 1 <= axes <= x.ndim:
        raise ShapeError(f"{name}: cannot normalise {axes} axes of an input {x.shape}")
    shape = x.shape[x.ndim - axes :]
    for what, v in (("weight", weight), ("bias", bias)):
        if v is not None and v.shape != shape:
            raise ShapeError(
                f"{name}: {what} must have shape {shape} for an input {x.shape}, got {v.shape}"
            )
    return tuple(range(-axes, 0))


def layer_norm(x, weight, bias, axes, eps):
    """y := (x - mean) s w + b over the last `axes` axes, s = 1 / √(var + eps)

    var is the biased one, Σ (x - mean)² / n; weight and bias have the shape of those axes.
    Returns (y, stats), stats[0] being the means and stats[1] the s of the rows, float64.
    """
    last = _layer("layer_norm", x, weight, bias, axes)
    n = math.prod(x.shape[a] for a in last)
    with np.errstate(all="ignore"):
        wide = x.astype(np.float64)
        mean = np.sum(wide, axis=last, keepdims=True) / n
        apart = wide - mean
        s = 1 / np.sqrt(np.sum(apart**2, axis=last, keepdims=True) / n + eps)
        y = apart * s
        if weight is not None:
            y = y * weight
        if bias is not None:
            y = y + bias
    stats = np.stack([mean, s]).reshape(2, *x.shape[: x.ndim - axes])
    return np.asarray(y, x.dtype, order="C"), stats


def layer_norm_backward(dy, x, weight, stats, axes, affine):
    """dx := s (h - Σ h / n - x̂ Σ h x̂ / n), h = dy w; dw := Σ dy x̂, db := Σ dy

    x̂ = (x - mean) s; mean and s are `stats`, from `layer_norm`. The sums in dx run over the last
    `axes` axes, n elements; those in dw and db over the others. dy may have leading axes of its
    own, a batch; then so have dx, dw and db. Unless `affine`, dw and db are None.
    """
    name = "layer_norm_backward"
    last = _layer(name, x, weight, None, axes)
    rows = x.ndim - axes
    if dy.shape[-x.ndim :] != x.shape or stats.shape != (2, *x.shape[:rows]):
        raise ShapeError(
            f"{name}: dy must have x's shape {x.shape}, behind a batch of its own, and stats "
            f"{(2, *x.shape[:rows])}, got {dy.shape} and {stats.shape}"
        )
    n = math.prod(x.shape[a] for a in last)
    with np.errstate(all="ignore"):
        mean, s = stats.reshape(2, *x.shape[:rows], *(1,) * axes)
        normal = (x - mean) * s
        h = dy.astype(np.float64) * (1 if weight is None else weight)
        along = np.sum(h * normal, axis=last, keepdims=True)
        dx = s * (h - np.sum(h, axis=last, keepdims=True) / n - normal * (along / n))
        dx = np.asarray(dx, x.dtype, order="C")
        if not affine:
            return dx, None, None
        others = tuple(range(-x.ndim, -axes))
        dw = np.sum(dy * normal, axis=others)
        db = np.sum(dy, axis=others, dtype=np.float64)
    return dx, np.asarray(dw, x.dtype, order="C"), np.asarray(db, x.dtype, order="C")


# ---------------------------------------------------------------- embedding


def _check_rows(index, rows):
    """Every index must name one of the rows."""
    if index.dtype.kind not in "iu":
        raise DtypeError(f"embedding: indices must be integers, got {index.dtype}")
    wrong = (index < 0) | (index >= rows)
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise IndexError(
            f"embedding: indices must lie in [0, {rows}), got {index[place]}"
            + (f" at {place}" if place else "")
        )


@kernel
def embedding(w, index, skip):
    """y[..., j, :] := w[..., index[j], :], and 0 where index[j] = skip

    w is (..., rows, n), y (..., *index.shape, n); no row is skipped where skip is -1.
    """
    if w.ndim < 2:
        raise ShapeError(f"embedding: expected a table (rows, n), got shape {w.shape}")
    _check_rows(index, w.shape[-2])
    y = np.take(w, index, axis=-2)
    if skip >= 0:
        y[..., index == skip, :] = 0
    return y


@kernel
def embedding_backward(dy, index, rows, skip):
    """dw := 0, dw[..., index[j], :] += dy[..., j, :] in the order of j, but where index[j] = skip

    dy is (..., *index.shape, n), dw (..., rows, n).
    """
    lead = dy.ndim - 1 - index.ndim
    if lead < 0 or dy.shape[lead:-1] != index.shape:
        raise ShapeError(
            f"embedding_backward: expected dy (..., {', '.join(map(str, index.shape))}, n), "
            f"got {dy.shape}"
        )
    _check_rows(index, rows)
    n = dy.shape[-1]
    dw = np.zeros((*dy.shape[:lead], rows, n), dy.dtype)
    kept = np.flatnonzero(index != skip)
    flat = index.reshape(-1)[kept]
    tables = dw.reshape(math.prod(dw.shape[:lead]), rows, n)
    for table, part in zip(tables, dy.reshape(len(tables), index.size, n)):
        np.add.at(table, flat, part[kept])
    return dw


# ---------------------------------------------------------------- convolution and pooling
#
# Images are (N, C, H, W). `stride` and `dilation` are (vertical, horizontal); the padding of a
# convolution is (top, bottom, left, right), so that the uneven one of padding="same" needs no
# copy of the image. A convolution is one matrix product: the window that an output pixel sees,
# unrolled, is a column. Its two gradients are the two other products of the same three arrays.


def _positive(name, **options):
    for option, (a, b) in options.items():
        if a < 1 or b < 1:
            raise ShapeError(f"{name}: {option} must be positive, got {(a, b)}")


def _conv2d_check(name, x_shape, w_shape, stride, padding, dilation, groups):
    """Refuse what is no convolution; return the size (OH, OW) of the output."""
    shapes = f"input {tuple(x_shape)} and weight {tuple(w_shape)}"
    if len(x_shape) != 4 or len(w_shape) != 4:
        raise ShapeError(
            f"{name}: expected an input (N, C, H, W) and a weight (O, C / groups, KH, KW), "
            f"got {shapes}"
        )
    _positive(name, stride=stride, dilation=dilation)
    if groups < 1:
        raise ShapeError(f"{name}: groups must be positive, got {groups}")
    if len(padding) != 4 or any(p < 0 for p in padding):
        raise ShapeError(f"{name}: padding must be 4 sizes of at least 0, got {tuple(padding)}")
    (_, c, h, w), (o, cg, kh, kw) = x_shape, w_shape
    if o < 1 or kh < 1 or kw < 1:
        raise ShapeError(f"{name}: a weight without elements to apply, {tuple(w_shape)}")
    if c != cg * groups:
        raise ShapeError(
            f"{name}: with groups={groups}, weight {tuple(w_shape)} expects an input of "
            f"{cg * groups} channels, got {c} in input {tuple(x_shape)}"
        )
    if o % groups:
        raise ShapeError(
            f"{name}: groups={groups} must divide the {o} output channels of weight "
            f"{tuple(w_shape)}"
        )
    if h < 1 or w < 1:
        raise ShapeError(f"{name}: input {tuple(x_shape)} has images without pixels")
    spare_h = h + padding[0] + padding[1] - dilation[0] * (kh - 1) - 1
    spare_w = w + padding[2] + padding[3] - dilation[1] * (kw - 1) - 1
    if spare_h < 0 or spare_w < 0:
        raise ShapeError(
            f"{name}: the kernel is larger than the padded input: {shapes}, "
            f"padding={tuple(padding)}, dilation={tuple(dilation)}"
        )
    return spare_h // stride[0] + 1, spare_w // stride[1] + 1


def _conv2d_check_dy(name, dy, x_shape, w_shape, size):
    expected = (x_shape[0], w_shape[0], *size)
    if dy.shape != expected:
        raise ShapeError(f"{name}: expected dy of shape {expected}, got {dy.shape}")


def _conv2d_dtypes(name, first, second):
    if first.dtype.type is not second.dtype.type:
        raise DtypeError(f"{name}: dtypes must be equal, got {first.dtype} and {second.dtype}")


def _conv2d_columns(x, kernel, size, stride, padding, dilation, groups):
    """X[n, g, (c, i, j), (p, q)] := x[n, (g, c), p SH + i DH - top, q SW + j DW - left]"""
    top, bottom, left, right = padding
    (dh, dw), (sh, sw), (oh, ow) = dilation, stride, size
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    span = (dh * (kernel[0] - 1) + 1, dw * (kernel[1] - 1) + 1)
    windows = np.lib.stride_tricks.sliding_window_view(x, span, axis=(2, 3))
    taps = windows[:, :, ::sh, ::sw, ::dh, ::dw].transpose(0, 1, 4, 5, 2, 3)
    n, c = x.shape[:2]
    return taps.reshape(n, groups, c // groups * kernel[0] * kernel[1], oh * ow)


@kernel
def conv2d(x, w, bias, stride, padding, dilation, groups):
    """y[n, o, p, q] := bias[o] + sum_cij w[o, c, i, j] x[n, c, p SH + i DH - top, ...]"""
    _conv2d_dtypes("conv2d", x, w)
    size = _conv2d_check("conv2d", x.shape, w.shape, stride, padding, dilation, groups)
    n, o = x.shape[0], w.shape[0]
    columns = _conv2d_columns(x, w.shape[2:], size, stride, padding, dilation, groups)
    y = (w.reshape(groups, o // groups, columns.shape[2]) @ columns).reshape(n, o, *size)
    if bias is None:
        return y
    _conv2d_dtypes("conv2d", x, bias)
    if bias.shape != (o,):
        raise ShapeError(
            f"conv2d: weight {w.shape} expects a bias of shape ({o},), got {bias.shape}"
        )
    return y + bias[:, None, None]


@kernel
def conv2d_input_grad(dy, w, x_shape, stride, padding, dilation, groups):
    """dx[n, c, p SH + i DH - top, ...] += sum_o w[o, c, i, j] dy[n, o, p, q], from 0"""
    _conv2d_dtypes("conv2d_input_grad", dy, w)
    size = _conv2d_check("conv2d_input_grad", x_shape, w.shape, stride, padding, dilation, groups)
    _conv2d_check_dy("conv2d_input_grad", dy, x_shape, w.shape, size)
    (n, c, h, width), (o, cg, kh, kw) = x_shape, w.shape
    (top, bottom, left, right), (sh, sw), (oh, ow) = padding, stride, size
    weights = w.reshape(groups, o // groups, cg * kh * kw).transpose(0, 2, 1)
    columns = weights @ dy.reshape(n, groups, o // groups, oh * ow)
    columns = columns.reshape(n, c, kh, kw, oh, ow)
    dx = np.zeros((n, c, top + h + bottom, left + width + right), dy.dtype)
    for i in range(kh):
        for j in range(kw):
            y, x = i * dilation[0], j * dilation[1]
            dx[:, :, y : y + sh * oh : sh, x : x + sw * ow : sw] += columns[:, :, i, j]
    return dx[:, :, top : top + h, left : left + width]


@kernel
def conv2d_weight_grad(dy, x, w_shape, stride, padding, dilation, groups):
    """dw[o, c, i, j] := sum_npq dy[n, o, p, q] x[n, c, p SH + i DH - top, ...]"""
    _conv2d_dtypes("conv2d_weight_grad", dy, x)
    size = _conv2d_check("conv2d_weight_grad", x.shape, w_shape, stride, padding, dilation, groups)
    _conv2d_check_dy("conv2d_weight_grad", dy, x.shape, w_shape, size)
    columns = _conv2d_columns(x, w_shape[2:], size, stride, padding, dilation, groups)
    dy = dy.reshape(len(x), groups, w_shape[0] // groups, size[0] * size[1])
    return (dy @ columns.swapaxes(2, 3)).sum(axis=0).reshape(w_shape)


def _pool2d_check(name, shape, window, stride, padding, dilation, ceil_mode):
    """Refuse what is no pooling; return the size (OH, OW) of the output."""
    if len(shape) < 2:
        raise ShapeError(f"{name}: expected an input (..., H, W), got {tuple(shape)}")
    _positive(name, kernel_size=window, stride=stride, dilation=dilation)
    size = []
    for length, k, s, p, d in zip(shape[-2:], window, stride, padding, dilation, strict=True):
        # A window wholly in the padding would have nothing to pool.
        if p < 0 or 2 * p > k:
            raise ShapeError(
                f"{name}: padding must be at least 0 and at most half the kernel size, "
                f"got padding={tuple(padding)} and kernel_size={tuple(window)}"
            )
        spare = length + 2 * p - d * (k - 1) - 1
        out = (spare + (s - 1 if ceil_mode else 0)) // s + 1
        # The last window must begin in the input or in its left padding.
        size.append(out - 1 if ceil_mode and (out - 1) * s >= length + p else out)
        if length < 1 or size[-1] < 1:
            raise ShapeError(
                f"{name}: input {tuple(shape)} is too small for kernel_size={tuple(window)}, "
                f"stride={tuple(stride)}, padding={tuple(padding)}, dilation={tuple(dilation)}"
            )
    return tuple(size)


def max_pool2d(x, window, stride, padding, dilation, ceil_mode):
    """y[..., p, q] := max of the window; indices := its place i W + j in the image

    The first of equal maxima counts and, as in PyTorch, the last NaN. A dilated window can miss
    the image altogether: its maximum is -inf, its index -1.
    """
    oh, ow = _pool2d_check("max_pool2d", x.shape, window, stride, padding, dilation, ceil_mode)
    (h, w), (kh, kw), (sh, sw) = x.shape[-2:], window, stride
    rows = np.arange(oh)[:, None] * sh - padding[0] + np.arange(kh) * dilation[0]  # (OH, KH)
    cols = np.arange(ow)[:, None] * sw - padding[1] + np.arange(kw) * dilation[1]  # (OW, KW)
    rows, cols = rows[:, None, :, None], cols[None, :, None, :]
    inside = (rows >= 0) & (rows < h) & (cols >= 0) & (cols < w)  # (OH, OW, KH, KW)
    flat = np.where(inside, rows * w + cols, -1).reshape(oh, ow, kh * kw)
    inside = flat >= 0
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    pixels = np.where(inside, x.reshape(*x.shape[:-2], h * w)[..., flat], lowest)
    # Among equals the first *inside* must win: padding, too, is the lowest value there is.
    wins = (pixels == pixels.max(axis=-1, keepdims=True)) & inside
    nan = np.isnan(pixels)
    place = np.where(
        nan.any(axis=-1), kh * kw - 1 - nan[..., ::-1].argmax(axis=-1), wins.argmax(axis=-1)
    )
    p, q = np.ogrid[:oh, :ow]
    y = np.take_along_axis(pixels, place[..., None], axis=-1)[..., 0]
    return y.astype(x.dtype), flat[p, q, place]


def _pool2d_planes(name, x, indices, shape):
    """View x (..., *shape) and the indices of its planes as (K, planes, ·) and (planes, ·)."""
    lead = x.ndim - indices.ndim
    if lead < 0 or x.shape[lead:-2] != indices.shape[:-2] or x.shape[-2:] != shape:
        raise ShapeError(
            f"{name}: indices {indices.shape} and planes {shape} do not fit an array {x.shape}"
        )
    planes = math.prod(indices.shape[:-2])
    repeats = math.prod(x.shape[:lead])
    return (
        x.reshape(repeats, planes, math.prod(shape)),
        indices.reshape(planes, math.prod(indices.shape[-2:])),
    )


def _pool2d_check_indices(name, indices, pixels):
    if indices.size and (indices.min() < -1 or indices.max() >= pixels):
        raise ShapeError(f"{name}: indices must lie in [0, {pixels}), or be -1 for none")


@kernel
def max_pool2d_grad(dy, indices, size):
    """dx[..., indices[..., p]] += dy[..., p], from 0: sends back what `max_pool2d` picked

    dy may have more leading axes than indices; size is the (H, W) of the images.
    """
    d, flat = _pool2d_planes("max_pool2d_grad", dy, indices, indices.shape[-2:])
    pixels = size[0] * size[1]
    _pool2d_check_indices("max_pool2d_grad", flat, pixels)
    dx = np.zeros((*d.shape[:2], pixels + 1), dy.dtype)  # one more, where index -1 goes
    np.add.at(dx, (slice(None), np.arange(len(flat))[:, None], flat), d)
    return dx[..., :pixels].reshape(*dy.shape[:-2], *size)


@kernel
def max_pool2d_take(x, indices):
    """y[..., p] := x[..., indices[..., p]], 0 where the index is -1"""
    planes, flat = _pool2d_planes("max_pool2d_take", x, indices, x.shape[-2:])
    _pool2d_check_indices("max_pool2d_take", flat, planes.shape[2])
    y = planes[:, np.arange(len(flat))[:, None], flat] if flat.size else np.empty(0, x.dtype)
    y = np.where(flat >= 0, y, np.zeros((), x.dtype)) if flat.size else y
    return y.reshape(*x.shape[:-2], *indices.shape[-2:])


def _avg_pool2d_windows(size, window, stride, padding, count_include_pad, divisor, out):
    """Rows [top, bottom) and columns [left, right) of every window, and what divides its sum."""
    (h, w), (oh, ow) = size, out
    top = np.arange(oh) * stride[0] - padding[0]
    left = np.arange(ow) * stride[1] - padding[1]
    bottom = np.minimum(top + window[0], h + padding[0])
    right = np.minimum(left + window[1], w + padding[1])
    area = np.outer(bottom - top, right - left)
    top, bottom = np.maximum(top, 0), np.minimum(bottom, h)
    left, right = np.maximum(left, 0), np.minimum(right, w)
    if divisor is not None:
        area[:] = divisor
    elif not count_include_pad:
        area = np.outer(bottom - top, right - left)
    return top, bottom, left, right, area


@kernel
def avg_pool2d(x, window, stride, padding, ceil_mode, count_include_pad, divisor):
    """y[..., p, q] := sum of the window / its area (or divisor)

    The area counts the padding if `count_include_pad`, but never what `ceil_mode` adds beyond it.
    """
    oh, ow = _pool2d_check("avg_pool2d", x.shape, window, stride, padding, (1, 1), ceil_mode)
    if divisor == 0:
        raise ShapeError("avg_pool2d: divisor_override must not be zero")
    top, bottom, left, right, area = _avg_pool2d_windows(
        x.shape[-2:], window, stride, padding, count_include_pad, divisor, (oh, ow)
    )
    y = np.empty((*x.shape[:-2], oh, ow), x.dtype)
    for p in range(oh):
        for q in range(ow):
            part = x[..., top[p] : bottom[p], left[q] : right[q]]
            y[..., p, q] = part.sum(axis=(-2, -1), dtype=np.float64) / area[p, q]
    return y


@kernel
def avg_pool2d_grad(dy, size, window, stride, padding, ceil_mode, count_include_pad, divisor):
    """dx[..., i, j] := sum over the windows (p, q) that see it of dy[..., p, q] / area"""
    shape = (*dy.shape[:-2], *size)
    out = _pool2d_check("avg_pool2d_grad", shape, window, stride, padding, (1, 1), ceil_mode)
    if dy.shape[-2:] != out:
        raise ShapeError(f"avg_pool2d_grad: expected dy (..., {out[0]}, {out[1]}), got {dy.shape}")
    if divisor == 0:
        raise ShapeError("avg_pool2d_grad: divisor_override must not be zero")
    top, bottom, left, right, area = _avg_pool2d_windows(
        size, window, stride, padding, count_include_pad, divisor, out
    )
    dx = np.zeros(shape, dy.dtype)
    share = dy / area.astype(dy.dtype)
    for p in range(out[0]):
        for q in range(out[1]):
            dx[..., top[p] : bottom[p], left[q] : right[q]] += share[..., p, q, None, None]
    return dx


# ---------------------------------------------------------------- optim


def for_each_parameter(rule):
    """A kernel of lists with an array for each parameter (None: a rule goes without), in place.

    The rule says it for one parameter; its arguments before `lr` are arrays.
    """
    arrays = list(inspect.signature(rule).parameters).index("lr")

    @functools.wraps(rule)
    def step(*args):
        parameters = len(args[0])
        lists = [[None] * parameters if a is None else a for a in args[:arrays]]
        with np.errstate(all="ignore"):
            for row in zip(*lists, strict=True):
                rule(*row, *args[arrays:])

    return step


def _gradient(p, g, weight_decay, maximize):
    g = -g if maximize else g
    return g + weight_decay * p if weight_decay else g


@for_each_parameter
def sgd_step(p, g, buf, lr, momentum, dampening, weight_decay, nesterov, maximize, first):
    """g := ±g + wd p;  buf := μ buf + (1-τ) g, at first g;  p := p - lr (buf, or g + μ buf)

    Without `buf` (None): p := p - lr g. `nesterov` takes g + μ buf.
    """
    g = _gradient(p, g, weight_decay, maximize)
    if buf is not None:
        buf[...] = g if first else momentum * buf + (1 - dampening) * g
        g = g + momentum * buf if nesterov else buf
    p -= lr * g


@for_each_parameter
def adagrad_step(p, g, total, lr, lr_decay, eps, weight_decay, t, maximize):
    """g := ±g + wd p;  s := s + g²;  p := p - lr / (1 + (t-1) η) g / (√s + ε)

    `total` is s, η `lr_decay`; t counts the steps from 1.
    """
    g = _gradient(p, g, weight_decay, maximize)
    total += g * g
    p -= lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(total) + eps)


@for_each_parameter
def rmsprop_step(p, g, v, mean, buf, lr, alpha, eps, weight_decay, momentum, maximize):
    """g := ±g + wd p;  v := α v + (1-α) g²;  p := p - lr g / (√v + ε)

    With `mean` (not None), centered: ḡ := α ḡ + (1-α) g and √(v - ḡ²). With `buf`:
    buf := μ buf + g / (√v + ε) and p := p - lr buf.
    """
    g = _gradient(p, g, weight_decay, maximize)
    v[...] = alpha * v + (1 - alpha) * g * g
    spread = v
    if mean is not None:
        mean += (1 - alpha) * (g - mean)
        spread = np.maximum(v - mean * mean, 0)  # rounding may leave less than 0
    step = g / (np.sqrt(spread) + eps)
    if buf is not None:
        buf[...] = momentum * buf + step
        step = buf
    p -= lr * step


@for_each_parameter
def adam_step(
    p, g, m, v, vmax, lr, beta1, beta2, eps, weight_decay, t, amsgrad, decoupled, maximize
):
    """m := β₁ m + (1-β₁) g;  v := β₂ v + (1-β₂) g²;  p := p - lr (m / bc₁) / (√v / √bc₂ + ε)

    bcᵢ = 1 - βᵢᵗ, t counting the steps from 1; `amsgrad` takes vmax := max(vmax, v) for v.
    Weight decay is added to the gradient, g := ±g + wd p, or if `decoupled` (AdamW) shrinks the
    parameter first, p := p - lr wd p.
    """
    if decoupled:
        p *= 1 - lr * weight_decay
    g = _gradient(p, g, 0 if decoupled else weight_decay, maximize)
    m += (1 - beta1) * (g - m)
    v[...] = beta2 * v + (1 - beta2) * g * g
    if amsgrad:
        np.maximum(vmax, v, out=vmax)
    root = np.sqrt(vmax if amsgrad else v) / math.sqrt(1 - beta2**t)
    p -= lr / (1 - beta1**t) * m / (root + eps)


@for_each_parameter
def radam_step(p, g, m, v, lr, beta1, beta2, eps, weight_decay, t, decoupled, maximize):
    """m := β₁ m + (1-β₁) g;  v := β₂ v + (1-β₂) g²;  p := p - lr (m / bc₁) r √bc₂ / (√v + ε)

    ρ∞ = 2 / (1-β₂) - 1, ρ = ρ∞ - 2 t β₂ᵗ / bc₂ and
    r² = (ρ-4) (ρ-2) ρ∞ / ((ρ∞-4) (ρ∞-2) ρ) where ρ > 5; before that, p := p - lr m / bc₁.
    bcᵢ and weight decay as in `adam_step`.
    """
    if decoupled:
        p *= 1 - lr * weight_decay
    g = _gradient(p, g, 0 if decoupled else weight_decay, maximize)
    m += (1 - beta1) * (g - m)
    v[...] = beta2 * v + (1 - beta2) * g * g
    step = lr / (1 - beta1**t) * m
    bc2 = 1 - beta2**t
    end = 2 / (1 - beta2) - 1
    rho = end - 2 * t * beta2**t / bc2
    if rho > 5:
        r = math.sqrt((rho - 4) * (rho - 2) * end / ((end - 4) * (end - 2) * rho))
        step = step * (r * math.sqrt(bc2)) / (np.sqrt(v) + eps)
    p -= step
