"""The linear layer, and two that compute nothing."""

import math

from minigrad.nn import init
from minigrad.nn.functional import linear
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.ops.creation import empty
from minigrad.ops.shape import flatten


def size(layer, name, value, least=1):
    """`value` as an int of at least `least`; the error names the layer and the argument."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{layer}: {name} must be an integer, got {value!r}")
    value = value.__index__()
    if value < least:
        raise ValueError(f"{layer}: {name} must be at least {least}, got {value}")
    return value


def floats(layer, shape, dtype):
    """A Parameter of this shape, to be filled; float32 unless `dtype` says otherwise."""
    x = empty(shape) if dtype is None else empty(shape, dtype=dtype)
    if not x.is_floating_point():
        raise TypeError(f"{layer}: dtype must be float32 or float64, got {x.dtype}")
    return Parameter(x)


def default_init(weight, bias):
    """PyTorch's default: weight and bias uniform on ±1/sqrt(fan_in)."""
    init.kaiming_uniform_(weight, a=math.sqrt(5))  # gain sqrt(2 / (1 + 5)): bound 1/sqrt(fan_in)
    if bias is not None:
        fan_in = init.fans(weight)[0]
        bound = 1 / math.sqrt(fan_in) if fan_in else 0
        init.uniform_(bias, -bound, bound)


class Linear(Module):
    """Affine map: y = x Wᵀ + b.

    Parameters
    ----------
    in_features, out_features : int
        Lengths of the last axis of x and of y.
    bias : bool
        Whether there is a b.
    dtype : dtype, optional
        float32 (the default) or float64.

    Attributes
    ----------
    weight : Parameter (out_features, in_features)
    bias : Parameter (out_features,), or None
        Both start uniform on ±1/sqrt(in_features).

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.Linear(20, 30)
    >>> layer(mg.randn(128, 20)).shape
    (128, 30)
    """

    def __init__(self, in_features, out_features, bias=True, dtype=None):
        super().__init__()
        self.in_features = size("Linear", "in_features", in_features, 0)
        self.out_features = size("Linear", "out_features", out_features, 0)
        self.weight = floats("Linear", (self.out_features, self.in_features), dtype)
        if bias:
            self.bias = floats("Linear", (self.out_features,), dtype)
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw weight and bias anew."""
        default_init(self.weight, self.bias)

    def forward(self, input):
        """(..., in_features) to (..., out_features)."""
        return linear(input, self.weight, self.bias)

    def extra_repr(self):
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Flatten(Module):
    """The axes from `start_dim` to `end_dim` as one; by default all but the batch axis.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Flatten()(mg.zeros(32, 1, 5, 5)).shape
    (32, 25)
    """

    def __init__(self, start_dim=1, end_dim=-1):
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input):
        """Of `input`, the same elements in fewer axes."""
        return flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self):
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Identity(Module):
    """The input itself; takes any arguments, to stand in for another layer.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.zeros(2)
    >>> mg.nn.Identity(54, unused=True)(x) is x
    True
    """

    def __init__(self, *args, **kwargs):
        super().__init__()

    def forward(self, input):
        """The input."""
        return input
