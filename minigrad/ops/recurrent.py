"""One step of the recurrent layers, in differentiable operations, and the cut of all steps.

The part of a step that does not wait for the step before, x W_ihᵀ + b_ih, is one product for all
steps; `parts` cuts it. What is left is a step's function here.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

if cython.compiled:
    from cython.cimports.minigrad.engine import Nary, wrap
else:
    from minigrad.engine import Nary, wrap

from minigrad.ops.activation import sigmoid, tanh
from minigrad.ops.linalg import linear
from minigrad.ops.shape import cat

__all__ = []


@cython.cclass
class Parts(Nary):
    """y_0 | y_1 | … = x along one axis: one gradient is joined, where narrowing would add many"""

    axis: cython.int  # negative
    length: cython.Py_ssize_t
    count: cython.Py_ssize_t
    shape: tuple
    dtype: object

    def __init__(self, axis, length):
        self.axis, self.length = axis, length

    def forward(self, x):
        n = x.shape[self.axis]
        behind = (slice(None),) * (-1 - self.axis)
        starts = range(0, n, self.length)
        y = tuple([x[(..., slice(a, a + self.length), *behind)] for a in starts])
        self.count, self.shape, self.dtype = len(y), y[0].shape, x.dtype
        return y

    @cython.ccall
    def backward(self, grad):
        pieces = list(grad)
        lead: tuple = ()
        for g in grad:
            if g is not None:
                lead = g.shape[: g.ndim - len(self.shape)]
        for i in range(self.count):
            if pieces[i] is None:
                pieces[i] = wrap(np.zeros(lead + self.shape, self.dtype))
        return (cat(pieces, self.axis),)


def parts(x, length, axis):
    """Pieces of `length` along a negative axis that they fill; they are not to be changed."""
    return Parts(axis, length).apply(x)


def rnn_step(from_input, state, weight_hh, bias_hh, activation):
    """h' = activation(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh)"""
    (h,) = state
    return (activation(from_input + linear(h, weight_hh, bias_hh)),)


def gru_step(from_input, state, weight_hh, bias_hh):
    """r, z = σ(…), n = tanh(x W_in + r (h W_hn)), h' = (1 − z) n + z h, each with its biases"""
    (h,) = state
    from_state = linear(h, weight_hh, bias_hh)
    size = h.shape[-1]
    (xr, xz, xn), (hr, hz, hn) = parts(from_input, size, -1), parts(from_state, size, -1)
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    n = tanh(xn + r * hn)
    return (n + z * (h - n),)


def lstm_step(from_input, state, weight_hh, bias_hh, weight_hr=None):
    """i, f, o = σ(…), g = tanh(…), c' = f c + i g, h' = o tanh(c'), then projected by W_hr"""
    h, c = state
    gates = from_input + linear(h, weight_hh, bias_hh)
    i, f, g, o = parts(gates, c.shape[-1], -1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    h = sigmoid(o) * tanh(c)
    return h if weight_hr is None else linear(h, weight_hr), c
