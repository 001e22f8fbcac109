"""The loss as a function of the parameters alone: what all curvature is taken of.

    L(θ) = Σ_b n_b loss(model_θ(x_b), y_b) / Σ_b n_b           over the batches b, of n_b samples

The parameters are a copy, a fixed point; the module, its buffers and its mode stay as they are.
"""

from contextlib import contextmanager

import numpy as np

from minigrad import ops
from minigrad.errors import ShapeError
from minigrad.func import _leaves, _like, functional_call
from minigrad.grad_mode import enable_grad
from minigrad.tensor import Tensor


class Pieces:
    """A loss as a weighted sum of pieces, each a function of `parameters`.

    Attributes
    ----------
    parameters : list of Tensor
        Leaves, in the order of the flat vector.
    names : list of str
    """

    def __init__(self, parameters, names, dtype):
        if not parameters:
            raise ValueError("curvature: there are no parameters to differentiate by")
        for name, p in zip(names, parameters, strict=True):
            if not p.is_floating_point():
                raise TypeError(f"curvature: parameter {name!r} has dtype {p.dtype}")
        widest = np.result_type(*[p.dtype for p in parameters])
        self.dtype = np.dtype(dtype or widest)
        if self.dtype.kind != "f":
            raise TypeError(f"curvature: dtype must be float32 or float64, got {self.dtype}")
        self.names = names
        self.parameters = [p.detach().to(self.dtype).clone().requires_grad_() for p in parameters]

    def __len__(self):
        return 1

    def weight(self, k):
        """The factor of piece `k`."""
        return 1.0

    def loss(self, k):
        """Piece `k`, a single element with its graph."""
        raise NotImplementedError

    def checked(self, value):
        """`value`, which must be a single element that depends on the parameters."""
        if not isinstance(value, Tensor) or value.numel() != 1:
            found = getattr(value, "shape", type(value).__name__)
            raise ShapeError(f"curvature: the loss must be a single element, got {found}")
        return value.reshape(())


class FunctionLoss(Pieces):
    """f(parameters), for a function of a tensor or of nested tuples, lists and dicts of them."""

    def __init__(self, f, parameters, dtype):
        leaves = _leaves(parameters)
        super().__init__(leaves, _names(parameters), dtype)
        self.f, self.tree = f, parameters

    def loss(self, k):
        with enable_grad():
            return self.checked(self.f(_like(self.tree, self.parameters)))


def _names(tree, path=""):
    """A dotted name for each tensor of a structure; "" for a tensor alone."""
    if isinstance(tree, Tensor):
        return [path]
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    if not isinstance(tree, (dict, tuple, list)):
        return []
    return [n for key, x in pairs for n in _names(x, f"{path}.{key}" if path else str(key))]


class ModelLoss(Pieces):
    """loss(model(x), y) over batches, of a module with its parameters put in."""

    def __init__(self, model, loss, data, parameters, batch_norm, reduction, dtype):
        if batch_norm not in ("train", "eval"):
            raise ValueError(
                f"curvature: batch_norm must be 'train' or 'eval', got {batch_norm!r}"
            )
        if reduction not in ("mean", "sum"):
            raise ValueError(f"curvature: reduction must be 'mean' or 'sum', got {reduction!r}")
        named = dict(model.named_parameters())
        super().__init__(*_chosen(named, parameters), dtype)
        self.model, self.f, self.batch_norm = model, loss, batch_norm
        self.buffers = {n: self.cast(b.detach().clone()) for n, b in model.named_buffers()}
        rest = {n: p for n, p in named.items() if n not in self.names}
        self.rest = {n: self.cast(p.detach().clone()) for n, p in rest.items()}
        self.batches = [tuple(self.cast(x) for x in batch) for batch in _batches(data)]
        counts = [_count(batch) for batch in self.batches]
        self.weights = [n / sum(counts) if reduction == "mean" else 1.0 for n in counts]

    def cast(self, x):
        """Floating tensors in the dtype of the computation."""
        is_float = isinstance(x, Tensor) and x.is_floating_point()
        return x.to(self.dtype) if is_float else x

    def __len__(self):
        return len(self.batches)

    def weight(self, k):
        return self.weights[k]

    def output(self, k):
        """What the model makes of batch `k`."""
        own = dict(zip(self.names, self.parameters, strict=True))
        fresh = {name: b.clone() for name, b in self.buffers.items()}
        with enable_grad(), _mode(self.model, self.batch_norm):
            return functional_call(
                self.model, {**self.rest, **own, **fresh}, tuple(self.batches[k][:-1])
            )

    def loss_of(self, output, k):
        """The loss of an output of batch `k`."""
        with enable_grad():
            return self.checked(self.f(output, self.batches[k][-1]))

    def loss(self, k):
        return self.loss_of(self.output(k), k)


def _chosen(named, wanted):
    """The parameters to differentiate by, and their names."""
    if wanted is None:
        names = [name for name, p in named.items() if p.requires_grad]
    else:
        wanted = [wanted] if isinstance(wanted, str) else list(wanted)
        unknown = [name for name in wanted if name not in named]
        if unknown:
            raise ValueError(
                f"curvature: the model has no parameters {unknown}, only {list(named)}"
            )
        names = [name for name in named if name in wanted]
    return [named[name] for name in names], names


def _batches(data):
    """`data` as a list of batches; a pair of tensors is one batch."""
    if isinstance(data, tuple) and all(isinstance(x, Tensor) for x in data):
        data = [data]
    batches = list(data)
    if not batches:
        raise ValueError("curvature: there are no batches")
    for k, batch in enumerate(batches):
        if not isinstance(batch, (tuple, list)) or len(batch) < 2:
            raise TypeError(f"curvature: batch {k} must be a pair (inputs, targets)")
    return batches


def _count(batch):
    target = batch[-1]
    return len(target) if isinstance(target, Tensor) and target.ndim else 1


@contextmanager
def _mode(model, batch_norm):
    """Evaluation mode (no dropout), with the batch's own statistics where that is asked for."""
    before = [(module, module.training) for module in model.modules()]
    try:
        for module, _ in before:
            has_statistics = hasattr(module, "track_running_stats")
            module.training = has_statistics and batch_norm == "train"
        yield
    finally:
        for module, training in before:
            module.training = training


def flat(tensors):
    """Tensors as one vector, recorded."""
    return ops.cat([x.reshape(-1) for x in tensors])
