"""Initialisation: each function fills a tensor in place, outside the graph, and returns it.

Chance comes from `minigrad.default_generator()`, or from a NumPy `generator` that is given.

With fan_in inputs and fan_out outputs of a unit, the variance of the weights is chosen so that
signals (or gradients) neither grow nor die from layer to layer:

    Xavier    Var w = gain² · 2 / (fan_in + fan_out)
    Kaiming   Var w = gain² / fan,  fan = fan_in or fan_out

A uniform distribution on ±b has variance b²/3.
"""

import math
import warnings

import numpy as np

from minigrad.errors import ShapeError
from minigrad.grad_mode import no_grad
from minigrad.ops.creation import default_generator
from minigrad.tensor import Tensor, wrap

__all__ = [
    "calculate_gain",
    "uniform_",
    "normal_",
    "trunc_normal_",
    "constant_",
    "ones_",
    "zeros_",
    "eye_",
    "xavier_uniform_",
    "xavier_normal_",
    "kaiming_uniform_",
    "kaiming_normal_",
    "orthogonal_",
]

_GAINS = {
    "linear": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "conv3d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0),
    "selu": 3.0 / 4,
}


def calculate_gain(nonlinearity, param=None):
    """The factor by which weights must grow to make up for what a nonlinearity takes away.

    1 for linear layers and sigmoid, 5/3 for tanh, √2 for relu, √(2 / (1 + slope²)) for leaky_relu
    with `param` as its slope (0.01 by default), 3/4 for selu.

    Raises
    ------
    ValueError
        A nonlinearity without a known gain, or a slope that is not a number.

    Examples
    --------
    >>> from minigrad import nn
    >>> round(nn.init.calculate_gain("leaky_relu", 0.2), 4)
    1.3868
    """
    if nonlinearity in _GAINS:
        return _GAINS[nonlinearity]
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"calculate_gain: negative_slope {param!r} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    raise ValueError(
        f"calculate_gain: unsupported nonlinearity {nonlinearity!r}; "
        f"there are {', '.join([*_GAINS, 'leaky_relu'])}"
    )


def _fill(tensor, name, draw):
    """The numbers of `draw(shape, dtype)` over `tensor`, not recorded."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name}: expected a Tensor, got {type(tensor).__name__}")
    with no_grad():
        return tensor.copy_(wrap(np.asarray(draw(tensor.shape, tensor.dtype))))


def _uniform(tensor, low, high, generator, name):
    _floating(tensor, name)
    rng = default_generator() if generator is None else generator
    return _fill(tensor, name, lambda s, t: rng.random(s, t) * (high - low) + low)


def _normal(tensor, mean, std, generator, name):
    _floating(tensor, name)
    rng = default_generator() if generator is None else generator
    return _fill(tensor, name, lambda s, t: rng.standard_normal(s, t) * std + mean)


def _floating(tensor, name):
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name}: expected a Tensor, got {type(tensor).__name__}")
    if not tensor.is_floating_point():
        raise TypeError(f"{name}: expected a floating tensor, got {tensor.dtype}")


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Uniform on [a, b).

    >>> import minigrad as mg
    >>> w = mg.nn.init.uniform_(mg.empty(3, 5), -1, 1)
    >>> bool((w >= -1).all() and (w < 1).all())
    True
    """
    if not a <= b:
        raise ValueError(f"uniform_: expected a <= b, got {a} and {b}")
    return _uniform(tensor, a, b, generator, "uniform_")


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Normal with this mean and standard deviation.

    >>> import minigrad as mg
    >>> mg.nn.init.normal_(mg.empty(2, 2), std=0).tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    if not std >= 0:
        raise ValueError(f"normal_: std must not be negative, got {std}")
    return _normal(tensor, mean, std, generator, "normal_")


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    """Normal, but only values within [a, b]: what falls outside is drawn again.

    >>> import minigrad as mg
    >>> w = mg.nn.init.trunc_normal_(mg.empty(99), a=-1, b=1)
    >>> bool((w.abs() <= 1).all())
    True
    """
    _floating(tensor, "trunc_normal_")
    if not a < b or not std > 0:
        raise ValueError(f"trunc_normal_: expected a < b and std > 0, got {a}, {b}, std={std}")
    low, high = (a - mean) / std, (b - mean) / std
    if math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2)) < 1e-3:
        raise ValueError(
            f"trunc_normal_: [{a}, {b}] holds less than 0.1 % of the values of mean {mean} and "
            f"standard deviation {std}"
        )
    rng = default_generator() if generator is None else generator

    def draw(shape, dtype):
        x = np.asarray(rng.standard_normal(shape))
        outside = (x < low) | (x > high)
        while outside.any():
            x[outside] = rng.standard_normal(int(outside.sum()))
            outside = (x < low) | (x > high)
        return np.clip((x * std + mean).astype(dtype), a, b)

    return _fill(tensor, "trunc_normal_", draw)


def constant_(tensor, val):
    """Every element is `val`.

    >>> import minigrad as mg
    >>> mg.nn.init.constant_(mg.empty(2), 0.3)
    tensor([0.3, 0.3])
    """
    return _fill(tensor, "constant_", lambda shape, dtype: np.full(shape, val, dtype))


def ones_(tensor):
    """Every element is 1.

    >>> import minigrad as mg
    >>> mg.nn.init.ones_(mg.empty(2))
    tensor([1., 1.])
    """
    return _fill(tensor, "ones_", np.ones)


def zeros_(tensor):
    """Every element is 0.

    >>> import minigrad as mg
    >>> mg.nn.init.zeros_(mg.empty(2))
    tensor([0., 0.])
    """
    return _fill(tensor, "zeros_", np.zeros)


def eye_(tensor):
    """A matrix with ones on its diagonal, zeros elsewhere.

    >>> import minigrad as mg
    >>> mg.nn.init.eye_(mg.empty(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    if getattr(tensor, "ndim", None) != 2:
        raise ValueError(f"eye_: expected a matrix, got shape {getattr(tensor, 'shape', None)}")
    return _fill(tensor, "eye_", lambda shape, dtype: np.eye(*shape, dtype=dtype))


def fans(tensor, name="fans"):
    """(fan_in, fan_out) of a weight (out, in, *window): in or out, times the window's size.

    >>> import minigrad as mg
    >>> mg.nn.init.fans(mg.empty(16, 3, 5, 5))
    (75, 400)
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name}: expected a Tensor, got {type(tensor).__name__}")
    if tensor.ndim < 2:
        raise ShapeError(
            f"{name}: fan in and fan out need a tensor of at least 2 dimensions, "
            f"got shape {tensor.shape}"
        )
    window = math.prod(tensor.shape[2:])
    return tensor.shape[1] * window, tensor.shape[0] * window


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Uniform on ±b, b = gain √(6 / (fan_in + fan_out)).

    Glorot, Bengio (2010), Understanding the difficulty of training deep feedforward neural
    networks.

    >>> import minigrad as mg
    >>> w = mg.nn.init.xavier_uniform_(mg.empty(3, 3))
    >>> bool((w.abs() <= 1).all())
    True
    """
    bound = math.sqrt(3.0) * _xavier_std(tensor, gain, "xavier_uniform_")
    return _uniform(tensor, -bound, bound, generator, "xavier_uniform_")


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Normal with mean 0, standard deviation gain √(2 / (fan_in + fan_out)).

    >>> import minigrad as mg
    >>> mg.nn.init.xavier_normal_(mg.empty(3, 5)).shape
    (3, 5)
    """
    std = _xavier_std(tensor, gain, "xavier_normal_")
    return _normal(tensor, 0.0, std, generator, "xavier_normal_")


def _xavier_std(tensor, gain, name):
    return gain * math.sqrt(2.0 / (sum(fans(tensor, name)) or 1))


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Uniform on ±b, b = gain √(3 / fan).

    He et al. (2015), Delving deep into rectifiers.

    Parameters
    ----------
    tensor : Tensor (out, in, *window)
    a : float
        The slope of leaky_relu below zero; not used for others.
    mode : {"fan_in", "fan_out"}
        Keep the variance of the signals forward, or of the gradients backward.
    nonlinearity : str
        As `calculate_gain` takes it.

    Raises
    ------
    ShapeError
        Fewer than 2 dimensions.
    ValueError
        Another mode, or an unknown nonlinearity.

    Examples
    --------
    >>> import minigrad as mg
    >>> w = mg.nn.init.kaiming_uniform_(mg.empty(3, 6), nonlinearity="relu")
    >>> bool((w.abs() <= 1).all())
    True
    """
    std = _kaiming_std(tensor, a, mode, nonlinearity, "kaiming_uniform_")
    if std is None:
        return tensor
    bound = math.sqrt(3.0) * std
    return _uniform(tensor, -bound, bound, generator, "kaiming_uniform_")


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Normal with mean 0, standard deviation gain / √fan; arguments as `kaiming_uniform_`.

    >>> import minigrad as mg
    >>> mg.nn.init.kaiming_normal_(mg.empty(3, 5), mode="fan_out").shape
    (3, 5)
    """
    std = _kaiming_std(tensor, a, mode, nonlinearity, "kaiming_normal_")
    if std is None:
        return tensor
    return _normal(tensor, 0.0, std, generator, "kaiming_normal_")


def _kaiming_std(tensor, a, mode, nonlinearity, name):
    if str(mode).lower() not in ("fan_in", "fan_out"):
        raise ValueError(f"{name}: mode must be 'fan_in' or 'fan_out', got {mode!r}")
    fan_in, fan_out = fans(tensor, name)
    gain = calculate_gain(nonlinearity, a)
    if 0 in tensor.shape:
        warnings.warn(f"{name}: initializing zero-element tensors is a no-op", stacklevel=3)
        return None
    return gain / math.sqrt(fan_in if str(mode).lower() == "fan_in" else fan_out)


def orthogonal_(tensor, gain=1, generator=None):
    """A (semi-)orthogonal matrix, uniformly distributed, times `gain`.

    Of a weight (out, in, *window) the matrix is (out, in · window). Saxe et al. (2013), Exact
    solutions to the nonlinear dynamics of learning in deep linear neural networks.

    >>> import minigrad as mg
    >>> w = mg.nn.init.orthogonal_(mg.empty(3, 5))
    >>> bool(((w @ w.T - mg.eye(3)).abs() < 1e-5).all())
    True
    """
    _floating(tensor, "orthogonal_")
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_: expected at least 2 dimensions, got shape {tensor.shape}")
    if 0 in tensor.shape:
        return tensor
    rng = default_generator() if generator is None else generator

    def draw(shape, dtype):
        rows, columns = shape[0], math.prod(shape[1:])
        flat = rng.standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(flat)
        q *= np.sign(np.diag(r))  # makes q uniform over the orthogonal matrices
        return (gain * (q if rows >= columns else q.T)).reshape(shape).astype(dtype)

    return _fill(tensor, "orthogonal_", draw)
