"""Gradients clipped between `backward` and `step`; parameters as one vector, and back."""

import math
import types
import warnings

import numpy as np

from minigrad.errors import ShapeError
from minigrad.grad_mode import no_grad
from minigrad.ops.shape import cat
from minigrad.tensor import Tensor, wrap

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "parameters_to_vector",
    "vector_to_parameters",
]


def _listed(tensors, name):
    """A list of the Tensors given, or of the one."""
    if isinstance(tensors, Tensor):
        return [tensors]
    try:
        tensors = list(tensors)
    except TypeError:
        raise TypeError(
            f"{name}: expected a Tensor or an iterable of Tensors, got {type(tensors).__name__}"
        ) from None
    for k, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}: item {k} is a {type(x).__name__}, not a Tensor")
    return tensors


def _number(value, name):
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {value!r}") from None


def _norm(x, p):
    """The p-norm of all elements of the array x, in double precision."""
    x = np.abs(x.ravel()).astype(np.float64)
    if math.isinf(p):
        if not x.size:
            raise ShapeError("get_total_norm: an empty tensor has no norm of infinite order")
        return x.max() if p > 0 else x.min()
    if p == 0:
        return np.count_nonzero(x)
    with np.errstate(all="ignore"):
        return np.sqrt(x @ x) if p == 2 else (x**p).sum() ** (1 / p)


def get_total_norm(tensors, norm_type=2.0, error_if_nonfinite=False):
    """The norm of the norms of several tensors; for orders above 0, that of all their elements.

    Parameters
    ----------
    tensors : Tensor or iterable of Tensor
    norm_type : float
        p: (Σ |x|^p)^(1/p), with ``float("inf")`` max |x|.
    error_if_nonfinite : bool
        Refuse a norm that is NaN or infinite.

    Returns
    -------
    Tensor
        0-d; 0 for no tensors.

    Raises
    ------
    RuntimeError
        The norm is not finite, and `error_if_nonfinite`.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.nn.utils import get_total_norm
    >>> get_total_norm([mg.tensor([3.0]), mg.tensor([0.0, 4.0])])
    tensor(5.)
    """
    tensors = _listed(tensors, "get_total_norm")
    p = _number(norm_type, "get_total_norm: norm_type")
    if not tensors:
        return wrap(np.zeros((), np.float32))
    arrays = [x._array for x in tensors]
    total = _norm(np.array([_norm(x, p) for x in arrays]), p)
    if error_if_nonfinite and not np.isfinite(total):
        raise RuntimeError(
            f"get_total_norm: the norm of order {p} is {total}; with error_if_nonfinite=False the "
            "gradients are scaled by it all the same"
        )
    with np.errstate(over="ignore"):
        return wrap(np.asarray(total, np.result_type(*arrays, np.float32)))


def clip_grads_with_norm_(parameters, max_norm, total_norm):
    """Scale all gradients by min(1, max_norm / (total_norm + 1e-6)), in place.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Those without a gradient are passed over.
    max_norm : float
    total_norm : Tensor or float
        What `get_total_norm` found, of these gradients or of more.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.nn.utils import clip_grads_with_norm_
    >>> w = mg.zeros(2, requires_grad=True)
    >>> w.grad = mg.tensor([3.0, 4.0])
    >>> clip_grads_with_norm_(w, max_norm=1.0, total_norm=10.0)
    >>> w.grad
    tensor([0.3, 0.4])
    """
    grads = _grads(_listed(parameters, "clip_grads_with_norm_"))
    scale = _number(max_norm, "clip_grads_with_norm_: max_norm") / (float(total_norm) + 1e-6)
    scale = 1.0 if scale > 1 else scale  # NaN stays
    with no_grad():
        for g in grads:
            g.mul_(scale)


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False):
    """Scale all gradients together so that their norm is at most `max_norm`, in place.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Those without a gradient are passed over.
    max_norm : float
    norm_type : float
        As in `get_total_norm`.
    error_if_nonfinite : bool
        Refuse a norm that is NaN or infinite, and leave the gradients as they are.

    Returns
    -------
    Tensor
        0-d: the norm before.

    Raises
    ------
    RuntimeError
        The norm is not finite, and `error_if_nonfinite`.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.nn.utils import clip_grad_norm_
    >>> w = mg.zeros(2, requires_grad=True)
    >>> w.grad = mg.tensor([3.0, 4.0])
    >>> clip_grad_norm_(w, max_norm=1.0)
    tensor(5.)
    >>> w.grad
    tensor([0.6, 0.8])

    References
    ----------
    Pascanu, Mikolov, Bengio (2013), "On the difficulty of training recurrent neural networks",
    algorithm 1.
    """
    generated = isinstance(parameters, types.GeneratorType)
    parameters = _listed(parameters, "clip_grad_norm_")
    if generated and not parameters:
        warnings.warn(
            "clip_grad_norm_: an empty generator, nothing is clipped; was it used before?",
            stacklevel=2,
        )
    max_norm = _number(max_norm, "clip_grad_norm_: max_norm")
    total = get_total_norm(_grads(parameters), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


def clip_grad_value_(parameters, clip_value):
    """Clip every element of every gradient to [-clip_value, clip_value], in place.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Those without a gradient are passed over.
    clip_value : float

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.nn.utils import clip_grad_value_
    >>> w = mg.zeros(3, requires_grad=True)
    >>> w.grad = mg.tensor([-3.0, 0.5, 4.0])
    >>> clip_grad_value_(w, 1.0)
    >>> w.grad
    tensor([-1. ,  0.5,  1. ])
    """
    parameters = _listed(parameters, "clip_grad_value_")
    limit = _number(clip_value, "clip_grad_value_: clip_value")
    with no_grad():
        for g in _grads(parameters):
            g.clamp_(-limit, limit)


def _grads(parameters):
    return [p.grad for p in parameters if p.grad is not None]


def parameters_to_vector(parameters):
    """All parameters end to end, (n,); differentiable.

    Parameters
    ----------
    parameters : iterable of Tensor

    Returns
    -------
    Tensor
        Of their common dtype.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.nn.utils import parameters_to_vector
    >>> parameters_to_vector([mg.ones(1, 2), mg.zeros(3)])
    tensor([1., 1., 0., 0., 0.])
    """
    parameters = _listed(parameters, "parameters_to_vector")
    if not parameters:
        raise ValueError("parameters_to_vector: no parameters given")
    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec, parameters):
    """Set all parameters from one vector; the inverse of `parameters_to_vector`.

    Each keeps its dtype and gets memory of its own. (In PyTorch they become views of `vec`, which
    a later step of an optimizer then changes.) Elements beyond the last parameter are not used.

    Parameters
    ----------
    vec : Tensor
        (n,).
    parameters : iterable of Tensor

    Raises
    ------
    ShapeError
        `vec` has another shape, or too few elements.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.nn.utils import vector_to_parameters
    >>> w, b = mg.zeros(1, 2, requires_grad=True), mg.zeros(1, requires_grad=True)
    >>> vector_to_parameters(mg.tensor([1.0, 2.0, 3.0]), [w, b])
    >>> w, b
    (tensor([[1., 2.]], requires_grad=True), tensor([3.], requires_grad=True))
    """
    if not isinstance(vec, Tensor):
        raise TypeError(
            f"vector_to_parameters: vec must be a Tensor (n,), got {type(vec).__name__}"
        )
    parameters = _listed(parameters, "vector_to_parameters")
    n = sum(p.numel() for p in parameters)
    if vec.ndim != 1 or vec.numel() < n:
        raise ShapeError(
            f"vector_to_parameters: expected vec of shape ({n},), got {tuple(vec.shape)}"
        )
    start = 0
    for p in parameters:
        part = vec._array[start : start + p.numel()]
        p.data = wrap(part.astype(p.dtype).reshape(p.shape))
        start += p.numel()
