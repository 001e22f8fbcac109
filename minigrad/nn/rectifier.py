"""Rectifiers as modules: activations in pieces. Their gradients: `minigrad.ops.rectifier`."""

from minigrad.nn import functional as F
from minigrad.nn import init as fill
from minigrad.nn.linear import floats, size
from minigrad.nn.module import Module


class Activation(Module):
    """A function as a module: a subclass has its options as attributes, and `forward`.

    >>> from minigrad import nn
    >>> class Double(nn.rectifier.Activation):
    ...     shown = ("times",)
    ...     times = 2
    >>> Double()
    Double(times=2)
    """

    shown: tuple[str, ...] = ()  # the options that its repr shows
    inplace = False

    def extra_repr(self):
        options = [f"{name}={getattr(self, name)}" for name in self.shown]
        return ", ".join([*options, "inplace=True"] if self.inplace else options)


class ReLU(Activation):
    """max(x, 0); written over its input if `inplace`.

    >>> import minigrad as mg
    >>> mg.nn.ReLU()(mg.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return F.relu(input, self.inplace)


class ReLU6(Activation):
    """min(max(x, 0), 6).

    >>> import minigrad as mg
    >>> mg.nn.ReLU6()(mg.tensor([-1.0, 2.0, 8.0]))
    tensor([0., 2., 6.])
    """

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return F.relu6(input, self.inplace)


class LeakyReLU(Activation):
    """x where positive, else negative_slope x.

    >>> import minigrad as mg
    >>> mg.nn.LeakyReLU(0.1)(mg.tensor([-1.0, 2.0]))
    tensor([-0.1,  2. ])
    """

    shown = ("negative_slope",)

    def __init__(self, negative_slope=0.01, inplace=False):
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, input):
        return F.leaky_relu(input, self.negative_slope, self.inplace)


class PReLU(Activation):
    """x where positive, else weight x, with slopes that are learned: one, or one a channel.

    Parameters
    ----------
    num_parameters : int
        1, or the number of channels C of inputs (N, C, …).
    init : float
        The slopes at first.
    dtype : dtype, optional

    Attributes
    ----------
    weight : Parameter (num_parameters,)

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.PReLU()(mg.tensor([-1.0, 2.0])).detach()
    tensor([-0.25,  2.  ])
    """

    shown = ("num_parameters",)

    def __init__(self, num_parameters=1, init=0.25, dtype=None):
        super().__init__()
        self.num_parameters = size("PReLU", "num_parameters", num_parameters, 0)
        self.init = init
        self.weight = floats("PReLU", (self.num_parameters,), dtype)
        self.reset_parameters()

    def reset_parameters(self):
        """Every slope becomes `init`."""
        fill.constant_(self.weight, self.init)

    def forward(self, input):
        return F.prelu(input, self.weight)


class ELU(Activation):
    """x where positive, else alpha (exp(x) − 1).

    >>> import minigrad as mg
    >>> mg.nn.ELU()(mg.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.    ])
    """

    shown = ("alpha",)

    def __init__(self, alpha=1.0, inplace=False):
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input):
        return F.elu(input, self.alpha, self.inplace)


class CELU(Activation):
    """x where positive, else alpha (exp(x / alpha) − 1).

    >>> import minigrad as mg
    >>> mg.nn.CELU(2.0)(mg.tensor([-1.0, 2.0]))
    tensor([-0.7869,  2.    ])
    """

    shown = ("alpha",)

    def __init__(self, alpha=1.0, inplace=False):
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input):
        return F.celu(input, self.alpha, self.inplace)


class SELU(Activation):
    """1.0507 x where positive, else 1.7581 (exp(x) − 1).

    >>> import minigrad as mg
    >>> mg.nn.SELU()(mg.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return F.selu(input, self.inplace)


class Threshold(Activation):
    """x where above `threshold`, else `value`.

    >>> import minigrad as mg
    >>> mg.nn.Threshold(0.5, 9.0)(mg.tensor([0.5, 2.0]))
    tensor([9., 2.])
    """

    shown = ("threshold", "value")

    def __init__(self, threshold, value, inplace=False):
        super().__init__()
        self.threshold, self.value, self.inplace = threshold, value, inplace

    def forward(self, input):
        return F.threshold(input, self.threshold, self.value, self.inplace)


class Hardtanh(Activation):
    """x limited to [min_val, max_val].

    >>> import minigrad as mg
    >>> mg.nn.Hardtanh(0, 2)(mg.tensor([-1.0, 1.0, 3.0]))
    tensor([0., 1., 2.])
    """

    shown = ("min_val", "max_val")

    def __init__(self, min_val=-1.0, max_val=1.0, inplace=False):
        super().__init__()
        if not min_val < max_val:
            raise ValueError(f"Hardtanh: expected min_val < max_val, got {min_val} and {max_val}")
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace

    def forward(self, input):
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)


class Hardsigmoid(Activation):
    """min(max(x + 3, 0), 6) / 6.

    >>> import minigrad as mg
    >>> mg.nn.Hardsigmoid()(mg.tensor([-4.0, 0.0, 4.0]))
    tensor([0. , 0.5, 1. ])
    """

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return F.hardsigmoid(input, self.inplace)


class Hardswish(Activation):
    """x min(max(x + 3, 0), 6) / 6.

    >>> import minigrad as mg
    >>> mg.nn.Hardswish()(mg.tensor([-4.0, 1.0, 4.0]))
    tensor([-0.    ,  0.6667,  4.    ])
    """

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return F.hardswish(input, self.inplace)


class Softshrink(Activation):
    """x moved towards 0 by `lambd`, at most to 0.

    >>> import minigrad as mg
    >>> mg.nn.Softshrink()(mg.tensor([-2.0, 0.3, 2.0]))
    tensor([-1.5,  0. ,  1.5])
    """

    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = lambd

    def forward(self, input):
        return F.softshrink(input, self.lambd)

    def extra_repr(self):
        return str(self.lambd)


class Hardshrink(Activation):
    """x where |x| > lambd, else 0.

    >>> import minigrad as mg
    >>> mg.nn.Hardshrink()(mg.tensor([-2.0, 0.3, 2.0]))
    tensor([-2.,  0.,  2.])
    """

    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = lambd

    def forward(self, input):
        return F.hardshrink(input, self.lambd)

    def extra_repr(self):
        return str(self.lambd)
