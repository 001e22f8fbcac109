"""Padding of the last axes, with a constant or with elements of the input itself.

    Pad     y[i] = x[i - before], a constant outside    ↔  Pad with the sides negated
    Mirror  y[i] = x[index[i]]                          ↔  Fold back  dx[index[i]] += dy[i]

Cutting off is padding by a negative number, so the adjoint of `Pad` is a `Pad`.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Unary
else:
    from minigrad.engine import Unary

from minigrad.ops.shape import check_tensor

__all__ = []


@cython.cclass
class Pad(Unary):
    """y[i] = x[i - before] inside of x, else the constant; over the last axes, outermost first"""

    pads: tuple  # (before, after) for each of the last axes; negative: cut off
    value: object

    def __init__(self, pads, value):
        self.pads, self.value = pads, value

    @cython.ccall
    def forward(self, x):
        at = x.ndim - len(self.pads)
        shape, source, target = list(x.shape), [slice(None)] * at, [slice(None)] * at
        for i, (before, after) in enumerate(self.pads):
            n = x.shape[at + i]
            shape[at + i] = n + before + after
            source.append(slice(max(0, -before), n - max(0, -after)))
            target.append(slice(max(0, before), n + before + min(0, after)))
        y = np.empty(shape, x.dtype)
        y.fill(self.value)
        y[tuple(target)] = x[tuple(source)]
        return y

    @cython.ccall
    def backward(self, grad):
        return Pad(tuple([(-before, -after) for before, after in self.pads]), 0).apply(grad)


@cython.cclass
class Mirror(Unary):
    """y[..., i, …] = x[..., index[i], …] along one axis: a copy of x with pieces of it around"""

    axis: cython.int  # negative
    index: object
    length: cython.Py_ssize_t

    def __init__(self, axis, index):
        self.axis, self.index = axis, index

    @cython.ccall
    def forward(self, x):
        self.length = x.shape[self.axis]
        return x.take(self.index, axis=self.axis)

    @cython.ccall
    def backward(self, grad):
        return FoldBack(self.axis, self.index, self.length).apply(grad)


@cython.cclass
class FoldBack(Unary):
    """dx[..., index[i], …] += dy[..., i, …], from 0"""

    axis: cython.int
    index: object
    length: cython.Py_ssize_t

    def __init__(self, axis, index, length):
        self.axis, self.index, self.length = axis, index, length

    @cython.ccall
    def forward(self, dy):
        rows = np.moveaxis(dy, self.axis, 0)
        dx = np.zeros((self.length, *rows.shape[1:]), dy.dtype)
        runs = np.flatnonzero(np.diff(self.index) != 1) + 1  # between them index counts upwards
        for start, stop in zip([0, *runs], [*runs, len(self.index)], strict=True):
            if stop > start:
                first = self.index[start]
                dx[first : first + stop - start] += rows[start:stop]
        return np.ascontiguousarray(np.moveaxis(dx, 0, self.axis))

    @cython.ccall
    def backward(self, grad):
        return Mirror(self.axis, self.index).apply(grad)


def _reflected(place, n):
    """The edge is a mirror, and is not repeated."""
    place = np.abs(place)
    return np.where(place >= n, 2 * (n - 1) - place, place)


_PLACES = {  # where in a row of n elements the one at `place` is taken from
    "reflect": _reflected,
    "replicate": lambda place, n: np.clip(place, 0, n - 1),
}


def _sides(input, pad):
    """`pad` as (before, after) for each padded axis, outermost first."""
    if not isinstance(pad, (tuple, list)):
        raise TypeError(f"pad: expected a tuple of integers, got {pad!r}")
    if any(isinstance(p, bool) or not hasattr(p, "__index__") for p in pad):
        raise TypeError(f"pad: expected a tuple of integers, got {tuple(pad)}")
    if len(pad) % 2 or len(pad) > 2 * input.ndim:
        raise ShapeError(
            f"pad: expected two sizes an axis, at most {2 * input.ndim} for an input "
            f"{input.shape}, got {tuple(pad)}"
        )
    sides = [p.__index__() for p in pad]
    sides = tuple(zip(sides[-2::-2], sides[-1::-2], strict=True))
    for n, (before, after) in zip(input.shape[input.ndim - len(sides) :], sides, strict=True):
        if n + min(before, 0) + min(after, 0) < 0:
            raise ShapeError(f"pad: {tuple(pad)} cuts off more than the input {input.shape} has")
    return sides


def pad(input, pad, mode="constant", value=None):
    """The input with something around it: a constant, its own mirror image, edge or other end.

    Parameters
    ----------
    input : Tensor
        For other modes than 'constant': an image (N, C, H, W) or (C, H, W) for four sizes, a
        sequence (N, C, L) or (C, L) for two, a volume for six.
    pad : tuple of int
        (left, right, top, bottom, …): two sizes an axis, from the last axis on. Negative: that
        many are cut off.
    mode : {'constant', 'reflect', 'replicate', 'circular'}
        ba|abc|cb (the edge not repeated), aa|abc|cc, bc|abc|ab for a padding by 2 and 2 of abc.
    value : number, optional
        The constant, 0 unless given.

    Returns
    -------
    Tensor
        The gradient of what was copied adds up where it came from.

    Raises
    ------
    ShapeError
        An odd number of sizes or more than two an axis, more cut off than there is, a mirror
        image or a round larger than the input.
    ValueError
        An unknown mode, or a value for a mode that needs none.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[1.0, 2.0, 3.0]])
    >>> mg.nn.functional.pad(x, (1, 2))
    tensor([[0., 1., 2., 3., 0., 0.]])
    >>> mg.nn.functional.pad(x, (2, -1), "reflect")
    tensor([[3., 2., 1., 2.]])
    """
    check_tensor(input, "pad")
    sides = _sides(input, pad)
    if mode == "constant":
        if value is not None and not isinstance(value, (float, int, np.generic)):
            raise TypeError(f"pad: value must be a number, got {value!r}")
        return Pad(sides, 0 if value is None else value).apply(input)
    if mode not in (*_PLACES, "circular"):
        raise ValueError(
            f"pad: mode must be 'constant', 'reflect', 'replicate' or 'circular', got {mode!r}"
        )
    if value:
        raise ValueError(f"pad: mode {mode!r} takes no value, got {value!r}")
    if len(sides) not in (1, 2, 3) or input.ndim - len(sides) not in (1, 2):
        raise ShapeError(
            f"pad: mode {mode!r} pads the last 1 to 3 axes of an input with one or two more in "
            f"front, got {len(sides)} for an input {input.shape}"
        )
    empty = 0 in input.shape[-len(sides) - (mode != "circular") :]
    for axis, (before, after) in enumerate(sides, -len(sides)):
        n = input.shape[axis]
        most = {"reflect": n - 1, "replicate": np.inf, "circular": n}[mode]
        if empty or max(before, after) > most or n + before + after < 1:
            raise ShapeError(
                f"pad: mode {mode!r} cannot pad dim {axis + input.ndim} of the input "
                f"{input.shape} by {before} and {after}"
            )
    for axis, (before, after) in enumerate(sides, -len(sides)):
        if before or after:
            n = input.shape[axis]
            place = np.arange(-before, n + after)
            if mode == "circular":  # the round is that of what is left after cutting off
                left, cut = n + min(before, 0) + min(after, 0), max(-before, 0)
                index = (place - cut) % max(left, 1) + cut
            else:
                index = _PLACES[mode](place, n)
            input = Mirror(axis, index).apply(input)
    return input
