"""Convolution, pooling, padding, sliding windows; steps of recurrent layers."""

import numpy as np

import minigrad as mg
from minigrad.ops.recurrent import gru_step, lstm_step, parts, rnn_step
from table.case import Case, anywhere, distinct, fixed, lengths

F = mg.nn.functional


def taps(n, k, stride=1, padding=0, dilation=1):
    """For each window along an axis of n: [(tap, index inside of the input)]."""
    count = (n + 2 * padding - dilation * (k - 1) - 1) // stride + 1
    rows = [[(i, p * stride + i * dilation - padding) for i in range(k)] for p in range(count)]
    return [[(i, a) for i, a in row if 0 <= a < n] for row in rows]


def np_conv(x, w, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """Images (N, C, H, W) under windows (O, C / groups, KH, KW), one product at a time."""
    down, right = (
        taps(n, k, s, p, d)
        for n, k, s, p, d in zip(x.shape[2:], w.shape[2:], stride, padding, dilation, strict=True)
    )
    y = np.zeros((len(x), len(w), len(down), len(right)), np.result_type(x, w))
    og, cg = len(w) // groups, w.shape[1]
    for o in range(len(w)):
        channels = x[:, o // og * cg : (o // og + 1) * cg]
        for p, row in enumerate(down):
            for q, column in enumerate(right):
                for i, a in row:
                    for j, b in column:
                        y[:, o, p, q] += channels[:, :, a, b] @ w[o, :, i, j]
    return y


def np_transposed(x, w, size, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """Each pixel of (N, C, H, W) paints its window (C, O / groups, KH, KW) into images of size."""
    og, cg = w.shape[1], len(w) // groups
    y = np.zeros((len(x), og * groups, *size), np.result_type(x, w))
    for p, q, i, j in np.ndindex(*x.shape[2:], *w.shape[2:]):
        a = p * stride[0] + i * dilation[0] - padding[0]
        b = q * stride[1] + j * dilation[1] - padding[1]
        if 0 <= a < size[0] and 0 <= b < size[1]:
            for g in range(groups):
                mine = slice(g * cg, (g + 1) * cg)
                y[:, g * og : (g + 1) * og, a, b] += x[:, mine, p, q] @ w[mine, :, i, j]
    return y


def np_pooled(x, k, stride, padding, reduce):
    """`reduce` over the last axis, applied to the pixels of each window of (..., H, W)."""
    down, right = (taps(n, *o) for n, *o in zip(x.shape[-2:], k, stride, padding, strict=True))
    y = np.empty((*x.shape[:-2], len(down), len(right)), x.dtype)
    for p, row in enumerate(down):
        for q, column in enumerate(right):
            pixels = [x[..., a, b] for _, a in row for _, b in column]
            y[..., p, q] = reduce(np.stack(pixels, -1))
    return y


def largest(pixels):
    place = pixels.real.argmax(-1)[..., None]
    return np.take_along_axis(pixels, place, -1)[..., 0]


def halves(x):
    """Adaptive means of an axis of 5 in 3 windows: [0, 2), [1, 4), [3, 5)."""
    return np.stack([x[..., a:b].sum(-1) / (b - a) for a, b in ((0, 2), (1, 4), (3, 5))], -1)


def picks(channels):
    """Weights (C 4, C, 2, 2) that pick the pixel (i, j) of channel c: the identity."""
    return np.eye(channels * 4).reshape(channels * 4, channels, 2, 2)


def np_columns(x, options):
    """Windows of 2 x 2 as columns: convolution with windows that each pick one pixel."""
    y = np_conv(x, picks(x.shape[1]), *options)
    return y.reshape(*y.shape[:2], y.shape[2] * y.shape[3])


def np_images(y, size):
    """Columns painted where they were seen, into images of `size`."""
    windows = y.reshape(*y.shape[:2], size[0] - 1, size[1] - 1)
    return np_transposed(windows, picks(y.shape[1] // 4), size)


def sigma(x):
    return 1 / (1 + np.exp(-x))


def np_gru(x, h, w, b):
    (xr, xz, xn), (hr, hz, hn) = (np.split(a, 3, -1) for a in (x, h @ w.T + b))
    z = sigma(xz + hz)
    return (1 - z) * np.tanh(xn + sigma(xr + hr) * hn) + z * h


def np_lstm(x, h, c, w, b):
    i, f, g, o = np.split(x + h @ w.T + b, 4, -1)
    c = sigma(f) * c + sigma(i) * np.tanh(g)
    return np.concatenate([sigma(o) * np.tanh(c), c], -1)


row = (slice(None), slice(None), None)  # (N, C, L) as images one pixel high
wide = ((2, 1), (1, 2), (1, 2))  # stride, padding, dilation
overlapping = {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 1)}
np_overlapping = ((3, 2), (2, 1), (1, 1))

# fmt: off
CASES = [
    Case("conv1d", F.conv1d, lambda x, w, b: np_conv(x[row], w[row])[:, :, 0] + b[:, None], anywhere, anywhere, anywhere, shapes=lengths().map(lambda n: ((n, 2, 4), (3, 2, 2), (3,)))),
    Case("conv1d options", lambda x, w: F.conv1d(x, w, None, 2, 2, 3, 2), lambda x, w: np_conv(x[row], w[row], (1, 2), (0, 2), (1, 3), 2)[:, :, 0], anywhere, anywhere, shapes=fixed((1, 4, 6), (2, 2, 2))),
    Case("conv1d same", lambda x, w: F.conv1d(x, w, padding="same"), lambda x, w: np_conv(x[None][row], w[row], padding=(0, 1))[0, :, 0], anywhere, anywhere, shapes=fixed((2, 4), (1, 2, 3))),
    Case("conv2d", F.conv2d, lambda x, w, b: np_conv(x, w) + b[:, None, None], anywhere, anywhere, anywhere, shapes=lengths().map(lambda n: ((n, 2, 3, 4), (2, 2, 2, 3), (2,)))),
    Case("conv2d options", lambda x, w: F.conv2d(x, w, None, *wide, 2), lambda x, w: np_conv(x, w, *wide, 2), anywhere, anywhere, shapes=fixed((1, 2, 3, 4), (4, 1, 2, 2))),
    Case("conv_transpose1d", lambda x, w, b: F.conv_transpose1d(x, w, b, 2, 1, 1), lambda x, w, b: np_transposed(x[row], w[row], (1, 6), (1, 2), (0, 1))[:, :, 0] + b[:, None], anywhere, anywhere, anywhere, shapes=lengths().map(lambda n: ((n, 2, 3), (2, 3, 3), (3,)))),
    Case("conv_transpose2d", F.conv_transpose2d, lambda x, w, b: np_transposed(x, w, (3, 5)) + b[:, None, None], anywhere, anywhere, anywhere, shapes=lengths().map(lambda n: ((n, 2, 2, 3), (2, 3, 2, 3), (3,)))),
    Case("conv_transpose2d options", lambda x, w: F.conv_transpose2d(x, w, None, *wide[:2], (1, 1), 2, wide[2]), lambda x, w: np_transposed(x, w, (3, 3), *wide, 2), anywhere, anywhere, shapes=fixed((1, 4, 2, 4), (4, 1, 2, 2))),
    Case("conv_transpose2d far", lambda x, w: F.conv_transpose2d(x, w, None, 1, (1, 0), 2, 1, 3), lambda x, w: np_transposed(x[None], w, (5, 7), (1, 1), (1, 0), (3, 3))[0], anywhere, anywhere, shapes=fixed((1, 2, 2), (1, 1, 2, 2))),
    Case("max_pool1d", lambda x: F.max_pool1d(x, 3, 2, 1), lambda x: np_pooled(x[row], (1, 3), (1, 2), (0, 1), largest)[:, :, 0], distinct, shapes=lengths().map(lambda n: ((n, 2, 5),))),
    Case("max_pool2d", lambda x: F.max_pool2d(x, **overlapping), lambda x: np_pooled(x, *np_overlapping, largest), distinct, shapes=lengths().map(lambda n: ((n, 1, 4, 3),))),
    Case("avg_pool1d", lambda x: F.avg_pool1d(x, 3, 2, 1), lambda x: np_pooled(x[row], (1, 3), (1, 2), (0, 1), lambda p: p.sum(-1) / 3)[:, :, 0], anywhere, shapes=lengths().map(lambda n: ((n, 2, 5),))),
    Case("avg_pool2d", lambda x: F.avg_pool2d(x, **overlapping), lambda x: np_pooled(x, *np_overlapping, lambda p: p.sum(-1) / 6), anywhere, shapes=lengths().map(lambda n: ((n, 1, 4, 3),))),
    Case("avg_pool2d inside", lambda x: F.avg_pool2d(x, **overlapping, count_include_pad=False), lambda x: np_pooled(x, *np_overlapping, lambda p: p.sum(-1) / p.shape[-1]), anywhere, shapes=fixed((2, 4, 3))),
    Case("adaptive_avg_pool1d", lambda x: F.adaptive_avg_pool1d(x, 3), halves, anywhere, shapes=lengths().map(lambda n: ((n, 2, 5),))),
    Case("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, (2, 3)), lambda x: halves((x[:, :, ::2] + x[:, :, 1::2]) / 2), anywhere, shapes=lengths().map(lambda n: ((n, 1, 4, 5),))),
    Case("adaptive_avg_pool2d even", lambda x: F.adaptive_avg_pool2d(x, (None, 2)), lambda x: (x[..., ::2] + x[..., 1::2]) / 2, anywhere, shapes=fixed((2, 3, 4))),
    Case("pad", lambda x: F.pad(x, (1, 2), value=3), lambda x: np.pad(x, [(0, 0)] * (x.ndim - 1) + [(1, 2)], constant_values=3), anywhere, shapes=lengths().map(lambda n: ((2, n),))),
    Case("pad and cut", lambda x: F.pad(x, (-1, 2, 1, -2)), lambda x: np.pad(x[:-2, 1:], ((1, 0), (0, 2))), anywhere, shapes=fixed((3, 2))),
    Case("pad reflect", lambda x: F.pad(x, (2, 1, 1, -1), "reflect"), lambda x: np.pad(x, ((0, 0), (1, 0), (2, 1)), "reflect")[:, :-1], anywhere, shapes=fixed((1, 3, 4))),
    Case("pad replicate", lambda x: F.pad(x, (4, 1), "replicate"), lambda x: np.pad(x, ((0, 0), (4, 1)), "edge"), anywhere, shapes=fixed((2, 3))),
    Case("pad circular", lambda x: F.pad(x, (3, 1), "circular"), lambda x: np.pad(x, ((0, 0), (3, 1)), "wrap"), anywhere, shapes=fixed((2, 3))),
    Case("unfold", lambda x: F.unfold(x, 2, (1, 2), (1, 1), (2, 1)), lambda x: np_columns(x, ((2, 1), (1, 1), (1, 2))), anywhere, shapes=lengths().map(lambda n: ((n, 2, 3, 4),))),
    Case("fold", lambda y: F.fold(y, (4, 3), 2), lambda y: np_images(y, (4, 3)), anywhere, shapes=lengths().map(lambda n: ((n, 8, 6),))),
    Case("parts", lambda x: mg.cat([parts(x, 2, -2)[i] for i in (1, 0, 1)], -1), lambda x: np.concatenate([x[:, 2:4], x[:, :2], x[:, 2:4]], -1), anywhere, shapes=lengths().map(lambda n: ((n, 6, 2),))),
    Case("rnn_step", lambda x, h, w, b: rnn_step(x, (h,), w, b, mg.tanh)[0], lambda x, h, w, b: np.tanh(x + h @ w.T + b), anywhere, anywhere, anywhere, anywhere, shapes=lengths().map(lambda n: ((n, 2), (n, 2), (2, 2), (2,)))),
    Case("gru_step", lambda x, h, w, b: gru_step(x, (h,), w, b)[0], np_gru, anywhere, anywhere, anywhere, anywhere, shapes=lengths().map(lambda n: ((n, 6), (n, 2), (6, 2), (6,)))),
    Case("lstm_step", lambda x, h, c, w, b: mg.cat(lstm_step(x, (h, c), w, b), -1), np_lstm, anywhere, anywhere, anywhere, anywhere, anywhere, shapes=lengths().map(lambda n: ((n, 8), (n, 2), (n, 2), (8, 2), (8,)))),
]
# fmt: on
