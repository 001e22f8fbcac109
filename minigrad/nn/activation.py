"""Nonlinearities as modules, for use in a Sequential."""

from minigrad.nn.functional import log_softmax, softmax
from minigrad.nn.module import Module
from minigrad.ops.activation import relu, sigmoid, softplus, tanh
from minigrad.ops.inplace import relu_


class ReLU(Module):
    """max(x, 0), elementwise; written over its input if `inplace`.

    >>> import minigrad as mg
    >>> mg.nn.ReLU()(mg.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        """Of the same shape."""
        return relu_(input) if self.inplace else relu(input)

    def extra_repr(self):
        return "inplace=True" if self.inplace else ""


class Tanh(Module):
    """Hyperbolic tangent, elementwise.

    >>> import minigrad as mg
    >>> mg.nn.Tanh()(mg.zeros(2))
    tensor([0., 0.])
    """

    def forward(self, input):
        """Of the same shape."""
        return tanh(input)


class Sigmoid(Module):
    """1 / (1 + exp(-x)), elementwise.

    >>> import minigrad as mg
    >>> mg.nn.Sigmoid()(mg.zeros(2))
    tensor([0.5, 0.5])
    """

    def forward(self, input):
        """Of the same shape."""
        return sigmoid(input)


class Softplus(Module):
    """log(1 + exp(beta x)) / beta, elementwise; x itself where beta x > threshold.

    >>> import minigrad as mg
    >>> mg.nn.Softplus()(mg.zeros(2))
    tensor([0.6931, 0.6931])
    """

    def __init__(self, beta=1.0, threshold=20.0):
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input):
        """Of the same shape."""
        return softplus(input, self.beta, self.threshold)

    def extra_repr(self):
        return f"beta={self.beta}, threshold={self.threshold}"


class Softmax(Module):
    """exp(x_i) / Σ_j exp(x_j) along `dim`: positive numbers that sum to 1.

    >>> import minigrad as mg
    >>> mg.nn.Softmax(dim=1)(mg.zeros(1, 2))
    tensor([[0.5, 0.5]])
    """

    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        """Of the same shape."""
        return softmax(input, self.dim)

    def extra_repr(self):
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """The logarithm of softmax along `dim`: x_i - log Σ_j exp(x_j).

    >>> import minigrad as mg
    >>> mg.nn.LogSoftmax(dim=1)(mg.zeros(1, 2))
    tensor([[-0.6931, -0.6931]])
    """

    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        """Of the same shape."""
        return log_softmax(input, self.dim)

    def extra_repr(self):
        return f"dim={self.dim}"
