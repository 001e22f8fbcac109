"""Networks of Values, for reading and for small demonstrations: micrograd's `nn.py`."""

import random

from minigrad.scalar import Value


class Module:
    """What Neuron, Layer and MLP share: parameters."""

    def parameters(self):
        """Every Value that training may change, in a list."""
        return []

    def zero_grad(self):
        """Set the gradient of every parameter to zero."""
        for p in self.parameters():
            p.zero_grad()


class Neuron(Module):
    """y = relu(w · x + b), or w · x + b where `nonlin` is false.

    The `nin` weights start uniform in [-1, 1) (from `random`), b at 0. Called on a list of `nin`
    numbers or Values it returns a Value; on another length, ValueError.

    >>> from minigrad.scalar_nn import Neuron
    >>> n = Neuron(2, nonlin=False)
    >>> n([0.0, 0.0]).data
    0.0
    """

    def __init__(self, nin, nonlin=True):
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0.0)
        self.nonlin = nonlin

    def __call__(self, x):
        if len(x) != len(self.w):
            raise ValueError(f"Neuron: expected {len(self.w)} inputs, got {len(x)}")
        y = self.b
        for wi, xi in zip(self.w, x, strict=True):
            y = y + wi * xi
        return y.relu() if self.nonlin else y

    def parameters(self):
        return [*self.w, self.b]

    def __repr__(self):
        return f"{'ReLU' if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """`nout` neurons on the same `nin` inputs; called, a list of Values, or the only one itself.

    >>> from minigrad.scalar_nn import Layer
    >>> Layer(2, 3)
    Layer of [ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2)]
    """

    def __init__(self, nin, nout, **kwargs):
        self.neurons = [Neuron(nin, **kwargs) for _ in range(nout)]

    def __call__(self, x):
        y = [n(x) for n in self.neurons]
        return y[0] if len(y) == 1 else y

    def parameters(self):
        return [p for n in self.neurons for p in n.parameters()]

    def __repr__(self):
        return f"Layer of {self.neurons}"


class MLP(Module):
    """Layers of sizes nin, *nouts, each on the one before; the last is linear, the others ReLU.

    >>> from minigrad.scalar_nn import MLP
    >>> model = MLP(2, [4, 1])
    >>> len(model.parameters())
    17
    >>> loss = (model([1.0, -1.0]) - 1) ** 2
    >>> model.zero_grad()
    >>> loss.backward()
    """

    def __init__(self, nin, nouts):
        sizes = [nin, *nouts]
        last = len(nouts) - 1
        self.layers = [Layer(sizes[i], sizes[i + 1], nonlin=i != last) for i in range(len(nouts))]

    def __call__(self, x):
        for layer in self.layers:
            x = [n(x) for n in layer.neurons]  # a list, of one too, for the next layer
        return x[0] if len(x) == 1 else x

    def parameters(self):
        return [p for layer in self.layers for p in layer.parameters()]

    def __repr__(self):
        return f"MLP of {self.layers}"
