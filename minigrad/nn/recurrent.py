"""Recurrent cells: one step in time. The layers that walk through a sequence are in `rnn.py`."""

import math

from minigrad.errors import DtypeError, ShapeError
from minigrad.nn import init
from minigrad.nn.functional import linear, relu, tanh
from minigrad.nn.linear import floats, size
from minigrad.nn.module import Module
from minigrad.ops.creation import zeros
from minigrad.ops.recurrent import gru_step, lstm_step, rnn_step
from minigrad.ops.shape import check_tensor, squeeze, unsqueeze

ACTIVATIONS = {"tanh": tanh, "relu": relu}


def activation_of(layer, nonlinearity):
    """The function of that name."""
    if nonlinearity not in ACTIVATIONS:
        raise ValueError(f"{layer}: nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
    return ACTIVATIONS[nonlinearity]


def draw(module, hidden_size):
    """Every parameter uniform on ±1/sqrt(hidden_size)."""
    bound = 1 / math.sqrt(hidden_size) if hidden_size else 0
    for parameter in module.parameters():
        init.uniform_(parameter, -bound, bound)


def check_dtype(layer, weight, **tensors):
    """Refuse what is not a Tensor of the weights' dtype."""
    for name, x in tensors.items():
        if check_tensor(x, f"{layer}: {name}").dtype != weight.dtype:
            raise DtypeError(f"{layer}: {name} is {x.dtype}, the weights are {weight.dtype}")


class _Cell(Module):
    """What the cells share: `gates` blocks of rows in each weight."""

    gates = 1

    def __init__(self, input_size, hidden_size, bias=True, dtype=None):
        super().__init__()
        layer = type(self).__name__
        self.input_size = size(layer, "input_size", input_size, 0)
        self.hidden_size = size(layer, "hidden_size", hidden_size, 0)
        self.bias = bool(bias)
        rows = self.gates * self.hidden_size
        self.weight_ih = floats(layer, (rows, self.input_size), dtype)
        self.weight_hh = floats(layer, (rows, self.hidden_size), dtype)
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, floats(layer, (rows,), dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw all parameters anew, uniform on ±1/sqrt(hidden_size)."""
        draw(self, self.hidden_size)

    def _step(self, function, input, states, *more):
        """`function` of the gates' input part and the states, as batches; the states after it."""
        layer = type(self).__name__
        check_dtype(layer, self.weight_ih, input=input)
        if input.ndim not in (1, 2):
            raise ShapeError(f"{layer}: expected an input (N, I) or (I,), got {input.shape}")
        if input.shape[-1] != self.input_size:
            raise ShapeError(
                f"{layer}: expected inputs of size {self.input_size}, got {input.shape}"
            )
        expected = (*input.shape[:-1], self.hidden_size)
        if states is None:
            count = 2 if function is lstm_step else 1
            states = (zeros(*expected, dtype=input.dtype),) * count
        for name, state in zip(("hx", "cx"), states, strict=False):
            check_dtype(layer, self.weight_ih, **{name: state})
            if state.shape != expected:
                raise ShapeError(
                    f"{layer}: expected {name} of shape {expected}, got {state.shape}"
                )
        if input.ndim == 1:
            input, states = unsqueeze(input, 0), [unsqueeze(s, 0) for s in states]
        from_input = linear(input, self.weight_ih, self.bias_ih)
        states = function(from_input, states, self.weight_hh, self.bias_hh, *more)
        return states if len(expected) == 2 else tuple([squeeze(s, 0) for s in states])

    def extra_repr(self):
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


class RNNCell(_Cell):
    """One step of Elman's network: h' = tanh(W_ih x + b_ih + W_hh h + b_hh).

    Parameters
    ----------
    input_size, hidden_size : int
        I and H, the lengths of x and of h.
    bias : bool
        Whether there are biases.
    nonlinearity : {'tanh', 'relu'}
    dtype : dtype, optional
        float32 (the default) or float64.

    Attributes
    ----------
    weight_ih : Parameter (H, I)
    weight_hh : Parameter (H, H)
    bias_ih, bias_hh : Parameter (H,), or None
        All start uniform on ±1/sqrt(H).

    Examples
    --------
    >>> import minigrad as mg
    >>> cell = mg.nn.RNNCell(10, 20)
    >>> h = cell(mg.randn(3, 10))
    >>> cell(mg.randn(3, 10), h).shape
    (3, 20)

    References
    ----------
    Elman (1990), Finding structure in time.
    """

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", dtype=None):
        activation_of("RNNCell", nonlinearity)
        super().__init__(input_size, hidden_size, bias, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        """(N, I) and (N, H), zeros unless given, to (N, H); all of them may lack the batch."""
        states = None if hx is None else (hx,)
        activation = activation_of("RNNCell", self.nonlinearity)
        return self._step(rnn_step, input, states, activation)[0]

    def extra_repr(self):
        text = super().extra_repr()
        kind = self.nonlinearity
        return text if kind == "tanh" else f"{text}, nonlinearity={kind}"


class LSTMCell(_Cell):
    """One step of long short-term memory: a cell c, kept by one gate, written and read by two.

    i, f, o = σ(W x + b + V h + b'), each with its own rows of weights and biases;
    g = tanh(likewise),  c' = f c + i g,  h' = o tanh(c').

    Parameters
    ----------
    input_size, hidden_size : int
        I and H, the lengths of x and of h and c.
    bias : bool
        Whether there are biases.
    dtype : dtype, optional
        float32 (the default) or float64.

    Attributes
    ----------
    weight_ih : Parameter (4 H, I)
        The rows of i, f, g, o, one below the other; likewise in the others.
    weight_hh : Parameter (4 H, H)
    bias_ih, bias_hh : Parameter (4 H,), or None
        All start uniform on ±1/sqrt(H).

    Examples
    --------
    >>> import minigrad as mg
    >>> cell = mg.nn.LSTMCell(10, 20)
    >>> h, c = cell(mg.randn(3, 10))
    >>> h, c = cell(mg.randn(3, 10), (h, c))
    >>> h.shape, c.shape
    ((3, 20), (3, 20))

    References
    ----------
    Hochreiter and Schmidhuber (1997), Long short-term memory; Gers, Schmidhuber and Cummins
    (2000), Learning to forget.
    """

    gates = 4

    def forward(self, input, hx=None):
        """(N, I) and the pair of (N, H), zeros unless given, to the next pair (h, c)."""
        if hx is not None and (not isinstance(hx, (tuple, list)) or len(hx) != 2):
            raise TypeError(
                f"LSTMCell: hx must be a pair of Tensors (h, c), got {type(hx).__name__}"
            )
        return self._step(lstm_step, input, hx)


class GRUCell(_Cell):
    """One step of a gated recurrent unit: how much of h is read (r), and how much is kept (z).

    r, z = σ(W x + b + V h + b'), each with its own rows of weights and biases;
    n = tanh(W_n x + b_n + r (V_n h + b_n')),  h' = (1 − z) n + z h.

    Parameters
    ----------
    input_size, hidden_size : int
        I and H, the lengths of x and of h.
    bias : bool
        Whether there are biases.
    dtype : dtype, optional
        float32 (the default) or float64.

    Attributes
    ----------
    weight_ih : Parameter (3 H, I)
        The rows of r, z, n, one below the other; likewise in the others.
    weight_hh : Parameter (3 H, H)
    bias_ih, bias_hh : Parameter (3 H,), or None
        All start uniform on ±1/sqrt(H).

    Examples
    --------
    >>> import minigrad as mg
    >>> cell = mg.nn.GRUCell(10, 20)
    >>> cell(mg.randn(3, 10)).shape
    (3, 20)

    References
    ----------
    Cho et al. (2014), Learning phrase representations using RNN encoder-decoder.
    """

    gates = 3

    def forward(self, input, hx=None):
        """(N, I) and (N, H), zeros unless given, to (N, H); all of them may lack the batch."""
        return self._step(gru_step, input, None if hx is None else (hx,))[0]
