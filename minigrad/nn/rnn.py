"""Recurrent layers: cells walked through sequences, in several layers and both directions."""

import warnings

from minigrad.errors import ShapeError
from minigrad.nn.functional import dropout as drop
from minigrad.nn.functional import linear
from minigrad.nn.linear import floats, size
from minigrad.nn.module import Module
from minigrad.nn.recurrent import activation_of, check_dtype, draw
from minigrad.ops.creation import zeros
from minigrad.ops.recurrent import gru_step, lstm_step, parts, rnn_step
from minigrad.ops.shape import cat, check_tensor, narrow, squeeze, transpose, unsqueeze


class _Recurrent(Module):
    """What the layers share; the parameters of layer k are `weight_ih_l{k}` and so on."""

    gates = 1
    states: tuple[str, ...] = ("hx",)

    def _build(
        self,
        input_size,
        hidden_size,
        num_layers,
        bias,
        batch_first,
        dropout,
        bidirectional,
        proj_size,
        dtype,
    ):
        layer = type(self).__name__
        self.input_size = size(layer, "input_size", input_size)
        self.hidden_size = size(layer, "hidden_size", hidden_size)
        self.num_layers = size(layer, "num_layers", num_layers)
        self.proj_size = size(layer, "proj_size", proj_size, 0)
        if self.proj_size >= self.hidden_size:
            raise ValueError(
                f"{layer}: proj_size must be smaller than hidden_size {hidden_size}, "
                f"got {proj_size}"
            )
        if isinstance(dropout, bool) or not isinstance(dropout, (float, int)):
            raise TypeError(f"{layer}: dropout must be a number in [0, 1], got {dropout!r}")
        if not 0 <= dropout <= 1:
            raise ValueError(f"{layer}: dropout must be a number in [0, 1], got {dropout}")
        if dropout and self.num_layers == 1:
            warnings.warn(
                f"{layer}: dropout acts between layers; with num_layers=1 it does nothing",
                stacklevel=3,
            )
        for name, value in (("bias", bias), ("batch_first", batch_first)):
            if not isinstance(value, bool):
                raise TypeError(f"{layer}: {name} must be True or False, got {value!r}")
        self.bias, self.batch_first, self.dropout = bias, batch_first, dropout
        self.bidirectional = bidirectional
        directions, rows = 2 if bidirectional else 1, self.gates * self.hidden_size
        width = self.proj_size or self.hidden_size
        for k in range(self.num_layers):
            shapes = {
                "weight_ih": (rows, directions * width if k else self.input_size),
                "weight_hh": (rows, width),
            }
            if bias:
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
            if proj_size:
                shapes["weight_hr"] = (self.proj_size, self.hidden_size)
            for suffix in ("", "_reverse")[:directions]:
                for name, shape in shapes.items():
                    self.register_parameter(f"{name}_l{k}{suffix}", floats(layer, shape, dtype))
        self.reset_parameters()

    def reset_parameters(self):
        """Draw all parameters anew, uniform on ±1/sqrt(hidden_size)."""
        draw(self, self.hidden_size)

    @property
    def all_weights(self):
        """The parameters of each layer and direction, a list of lists."""
        names = [name for name, _ in self.named_parameters()]
        starts = [i for i, name in enumerate(names) if name.startswith("weight_ih")]
        values = list(self.parameters())
        return [values[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True)]

    def flatten_parameters(self):
        """Nothing: PyTorch's method of this name prepares weights for a GPU's library."""

    def _initial(self, hx, n, batched, dtype):
        """The states before the first step, each (layers and directions, N, ·)."""
        layer = type(self).__name__
        count = self.num_layers * (2 if self.bidirectional else 1)
        widths = {"hx": self.proj_size or self.hidden_size, "cx": self.hidden_size}
        if hx is None:
            return [zeros(count, n, widths[name], dtype=dtype) for name in self.states]
        if len(self.states) == 1:
            hx = (hx,)
        elif not isinstance(hx, (tuple, list)) or len(hx) != 2:
            raise TypeError(
                f"{layer}: hx must be a pair of Tensors (h, c), got {type(hx).__name__}"
            )
        given = []
        for name, state in zip(self.states, hx, strict=True):
            check_dtype(layer, self.weight_ih_l0, **{name: state})
            expected = (count, n, widths[name]) if batched else (count, widths[name])
            if state.shape != expected:
                raise ShapeError(
                    f"{layer}: expected {name} of shape {expected}, got {state.shape}"
                )
            given.append(state if batched else unsqueeze(state, 1))
        return given

    def _walk(self, x, state, suffix, step):
        """All outputs and the last state of one layer in one direction, x (T, N, ·)."""
        weight_ih, weight_hh, bias_ih, bias_hh, weight_hr = (
            getattr(self, f"{name}_{suffix}", None)
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        )
        more = () if weight_hr is None else (weight_hr,)
        steps = parts(linear(x, weight_ih, bias_ih), 1, -3)  # each (1, N, rows)
        backwards = suffix.endswith("_reverse")
        outputs = []
        for from_input in reversed(steps) if backwards else steps:
            state = step(from_input, state, weight_hh, bias_hh, *more)
            outputs.append(state[0])
        return cat(outputs[::-1] if backwards else outputs, 0), state

    def _run(self, input, hx, step):
        """Output and final states of the layer."""
        layer = type(self).__name__
        check_tensor(input, f"{layer}: input")
        if input.ndim not in (2, 3):
            raise ShapeError(f"{layer}: expected an input of 2 or 3 axes, got {input.shape}")
        if input.shape[-1] != self.input_size:
            raise ShapeError(
                f"{layer}: expected inputs of size {self.input_size}, got {input.shape}"
            )
        check_dtype(layer, self.weight_ih_l0, input=input)
        batched = input.ndim == 3
        x = unsqueeze(input, 1) if not batched else input
        x = transpose(x, 0, 1) if batched and self.batch_first else x  # (T, N, I)
        if not x.shape[0]:
            raise ShapeError(f"{layer}: expected at least one time step, got {input.shape}")
        initial = self._initial(hx, x.shape[1], batched, x.dtype)
        last = []
        for k in range(self.num_layers):
            if k and self.dropout:
                x = drop(x, self.dropout, self.training)
            outputs = []
            for suffix in (f"l{k}", f"l{k}_reverse")[: 2 if self.bidirectional else 1]:
                state = tuple([narrow(s, 0, len(last), 1) for s in initial])
                output, state = self._walk(x, state, suffix, step)
                outputs.append(output)
                last.append(state)
            x = cat(outputs, -1) if len(outputs) > 1 else outputs[0]
        final = [cat(states, 0) for states in zip(*last, strict=True)]
        if not batched:
            return squeeze(x, 1), *[squeeze(s, 1) for s in final]
        return transpose(x, 0, 1) if self.batch_first else x, *final

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        if self.proj_size:
            text += f", proj_size={self.proj_size}"
        if self.num_layers != 1:
            text += f", num_layers={self.num_layers}"
        if not self.bias:
            text += ", bias=False"
        if self.batch_first:
            text += f", batch_first={self.batch_first}"
        if self.dropout:
            text += f", dropout={self.dropout}"
        if self.bidirectional:
            text += f", bidirectional={self.bidirectional}"
        return text


class RNN(_Recurrent):
    """Elman's network over sequences: h_t = tanh(W_ih x_t + b_ih + W_hh h_{t−1} + b_hh).

    Parameters
    ----------
    input_size, hidden_size : int
        I and H, the lengths of x_t and of h_t.
    num_layers : int
        Each layer reads the outputs of the one below.
    nonlinearity : {'tanh', 'relu'}
    bias : bool
        Whether there are biases.
    batch_first : bool
        Input and output are (N, T, ·), not (T, N, ·); states are not affected.
    dropout : float
        Probability with which an output of a layer below another is zeroed in training mode.
    bidirectional : bool
        Each layer also walks from the end, with weights of its own; the outputs are joined.
    dtype : dtype, optional
        float32 (the default) or float64.

    Attributes
    ----------
    weight_ih_l0, weight_ih_l1, … : Parameter (H, I), from layer 1 on (H, D H)
        D is the number of directions; names of the way back end in ``_reverse``.
    weight_hh_l0, … : Parameter (H, H)
    bias_ih_l0, bias_hh_l0, … : Parameter (H,)
        All start uniform on ±1/sqrt(H).

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.RNN(10, 20, num_layers=2, bidirectional=True)
    >>> output, h = layer(mg.randn(5, 3, 10))
    >>> output.shape, h.shape
    ((5, 3, 40), (4, 3, 20))

    References
    ----------
    Elman (1990), Finding structure in time; Schuster and Paliwal (1997), Bidirectional recurrent
    neural networks.
    """

    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        nonlinearity="tanh",
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        dtype=None,
    ):
        super().__init__()
        activation_of("RNN", nonlinearity)
        self.nonlinearity = nonlinearity
        options = (num_layers, bias, batch_first, dropout, bidirectional, 0, dtype)
        self._build(input_size, hidden_size, *options)

    def forward(self, input, hx=None):
        """(T, N, I) and (D layers, N, H) to the outputs (T, N, D H) and the last states.

        The initial states are zeros unless given. Without a batch: (T, I) and (D layers, H).
        """
        activation = activation_of("RNN", self.nonlinearity)
        return self._run(input, hx, lambda *given: rnn_step(*given, activation))


class GRU(_Recurrent):
    """Gated recurrent units over sequences; a step's formula stands at `GRUCell`.

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype
        As for `RNN`.

    Attributes
    ----------
    weight_ih_l0, weight_ih_l1, … : Parameter (3 H, I), from layer 1 on (3 H, D H)
        D is the number of directions; names of the way back end in ``_reverse``.
    weight_hh_l0, … : Parameter (3 H, H)
    bias_ih_l0, bias_hh_l0, … : Parameter (3 H,)
        All start uniform on ±1/sqrt(H).

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.GRU(10, 20, batch_first=True)
    >>> output, h = layer(mg.randn(3, 5, 10))
    >>> output.shape, h.shape
    ((3, 5, 20), (1, 3, 20))
    """

    gates = 3

    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        dtype=None,
    ):
        super().__init__()
        options = (num_layers, bias, batch_first, dropout, bidirectional, 0, dtype)
        self._build(input_size, hidden_size, *options)

    def forward(self, input, hx=None):
        """(T, N, I) and (D layers, N, H) to the outputs (T, N, D H) and the last states.

        The initial states are zeros unless given. Without a batch: (T, I) and (D layers, H).
        """
        return self._run(input, hx, gru_step)


class LSTM(_Recurrent):
    """Long short-term memory over sequences; a step's formula stands at `LSTMCell`.

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype
        As for `RNN`.
    proj_size : int
        If not 0, h_t is projected to this length P < H, which then stands for H in the outputs,
        in h, and in what the weights read.

    Attributes
    ----------
    weight_ih_l0, weight_ih_l1, … : Parameter (4 H, I), from layer 1 on (4 H, D H)
        D is the number of directions; names of the way back end in ``_reverse``.
    weight_hh_l0, … : Parameter (4 H, H)
    bias_ih_l0, bias_hh_l0, … : Parameter (4 H,)
    weight_hr_l0, … : Parameter (P, H), if `proj_size`
        All start uniform on ±1/sqrt(H).

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.LSTM(10, 20, num_layers=2)
    >>> output, (h, c) = layer(mg.randn(5, 3, 10))
    >>> output.shape, h.shape, c.shape
    ((5, 3, 20), (2, 3, 20), (2, 3, 20))

    References
    ----------
    Hochreiter and Schmidhuber (1997), Long short-term memory; Sak, Senior and Beaufays (2014),
    Long short-term memory based recurrent neural network architectures (projection).
    """

    gates = 4
    states = ("hx", "cx")

    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        proj_size=0,
        dtype=None,
    ):
        super().__init__()
        options = (num_layers, bias, batch_first, dropout, bidirectional, proj_size, dtype)
        self._build(input_size, hidden_size, *options)

    def forward(self, input, hx=None):
        """(T, N, I) and (h, c) to the outputs (T, N, D H) and the last (h, c).

        h and c are (D layers, N, H), zeros unless given. Without a batch: (T, I), (D layers, H).
        """
        output, h, c = self._run(input, hx, lstm_step)
        return output, (h, c)
