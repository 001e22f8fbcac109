"""Networks, batches and learning rates as most experiments need them, made of the public parts."""

import math

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from minigrad.utils.data import DataLoader, TensorDataset


def tensors(part):
    """The arrays (x, y) of one part of the data as tensors."""
    return tuple(mg.from_numpy(array) for array in part)


def classes(y):
    """How many classes the labels 0 … K − 1 name.

    >>> classes(mg.tensor([0, 2, 1]))
    3
    """
    return int(y.max()) + 1


def network(sizes, activation=nn.ReLU, batch_norm=False):
    """Linear layers of the given sizes with `activation` between them.

    With `batch_norm` a BatchNorm1d follows each hidden Linear, which then has no bias: the mean
    that batch norm subtracts takes it away, and β does its work.

    >>> network([64, 16, 10], nn.Tanh)
    Sequential(
      (0): Linear(in_features=64, out_features=16, bias=True)
      (1): Tanh()
      (2): Linear(in_features=16, out_features=10, bias=True)
    )
    """
    layers = []
    for inputs, outputs in zip(sizes[:-2], sizes[1:-1], strict=True):
        layers.append(nn.Linear(inputs, outputs, bias=not batch_norm))
        if batch_norm:
            layers.append(nn.BatchNorm1d(outputs))
        layers.append(activation())
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


def minibatches(part, batch, updates=None):
    """Shuffled mini-batches (x, y) of tensors: one epoch, or exactly so many `updates`.

    >>> part = mg.zeros(10, 3), mg.zeros(10)
    >>> [len(y) for x, y in minibatches(part, 4)]
    [4, 4, 2]
    >>> [len(y) for x, y in minibatches(part, 4, updates=5)]
    [4, 4, 2, 4, 4]
    """
    loader = DataLoader(TensorDataset(*part), batch_size=batch, shuffle=True)
    if updates is None:
        yield from loader
        return
    done = 0
    while done < updates:
        for pair in loader:
            if done == updates:
                return
            done += 1
            yield pair


def evaluate(model, part, loss=F.cross_entropy):
    """Loss and accuracy on `part`, (float, float), in evaluation mode."""
    x, y = part
    training = model.training
    model.eval()
    with mg.no_grad():
        logits = model(x)
        value = loss(logits, y).item()
        accuracy = (logits.argmax(dim=1) == y).float().mean().item()
    model.train(training)
    return value, accuracy


def best_rate(rates, losses):
    """The learning rate of the smallest loss; one that is not a number counts as infinite.

    >>> best_rate([0.1, 1.0, 10.0], [0.5, 0.4, float("nan")])
    1.0
    """
    finite = [value if math.isfinite(value) else math.inf for value in losses]
    return rates[min(range(len(rates)), key=finite.__getitem__)]
