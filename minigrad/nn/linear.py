"""The linear and the bilinear layer, and three that compute nothing."""

import math

from minigrad.errors import ShapeError
from minigrad.nn import init
from minigrad.nn.functional import bilinear, linear
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.ops.creation import empty
from minigrad.ops.shape import check_dim, check_tensor, flatten


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


class Bilinear(Module):
    """Bilinear map of two inputs: y_o = Σ_ij x_i weight_oij z_j + bias_o.

    Parameters
    ----------
    in1_features, in2_features, out_features : int
        Lengths of the last axis of the inputs and of y.
    bias : bool
        Whether there is a bias.
    dtype : dtype, optional
        float32 (the default) or float64.

    Attributes
    ----------
    weight : Parameter (out_features, in1_features, in2_features)
    bias : Parameter (out_features,), or None
        Both start uniform on ±1/sqrt(in1_features).

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.Bilinear(20, 30, 40)
    >>> layer(mg.randn(128, 20), mg.randn(128, 30)).shape
    (128, 40)
    """

    def __init__(self, in1_features, in2_features, out_features, bias=True, dtype=None):
        super().__init__()
        self.in1_features = size("Bilinear", "in1_features", in1_features)
        self.in2_features = size("Bilinear", "in2_features", in2_features, 0)
        self.out_features = size("Bilinear", "out_features", out_features, 0)
        shape = (self.out_features, self.in1_features, self.in2_features)
        self.weight = floats("Bilinear", shape, dtype)
        if bias:
            self.bias = floats("Bilinear", shape[:1], dtype)
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw weight and bias anew."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1, input2):
        """(..., in1_features) and (..., in2_features) to (..., out_features)."""
        return bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self):
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
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


class Unflatten(Module):
    """One axis as several; the inverse of `Flatten`.

    Parameters
    ----------
    dim : int
    unflattened_size : sequence of int
        Sizes of the new axes; one may be -1: it is inferred.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Unflatten(1, (2, -1))(mg.zeros(3, 10)).shape
    (3, 2, 5)
    """

    def __init__(self, dim, unflattened_size):
        super().__init__()
        if isinstance(dim, bool) or not hasattr(dim, "__index__"):
            raise TypeError(f"Unflatten: dim must be an integer, got {dim!r}")
        if not isinstance(unflattened_size, (tuple, list)):
            raise TypeError(f"Unflatten: expected a tuple of sizes, got {unflattened_size!r}")
        for n in unflattened_size:
            if isinstance(n, bool) or not hasattr(n, "__index__"):
                raise TypeError(f"Unflatten: sizes must be integers, got {n!r}")
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input):
        """Of `input`, the same elements in more axes."""
        at = check_dim(self.dim, check_tensor(input, "Unflatten").ndim, "Unflatten") + input.ndim
        sizes = list(self.unflattened_size)
        length, known = input.shape[at], math.prod(n for n in sizes if n != -1)
        if sizes.count(-1) == 1 and known > 0 and not length % known:
            sizes[sizes.index(-1)] = length // known
        if not sizes or min(sizes) < 0 or math.prod(sizes) != length:
            raise ShapeError(
                f"Unflatten: sizes {tuple(self.unflattened_size)} do not make up dim {self.dim} "
                f"of the input {input.shape}"
            )
        return input.reshape(*input.shape[:at], *sizes, *input.shape[at + 1 :])

    def extra_repr(self):
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


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
