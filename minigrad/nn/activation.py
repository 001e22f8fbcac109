"""Smooth activations as modules: gates, saturating functions, softmax and its kin."""

from minigrad.nn import functional as F
from minigrad.nn.rectifier import Activation


class Tanh(Activation):
    """Hyperbolic tangent, elementwise.

    >>> import minigrad as mg
    >>> mg.nn.Tanh()(mg.zeros(2))
    tensor([0., 0.])
    """

    def forward(self, input):
        return F.tanh(input)


class Sigmoid(Activation):
    """1 / (1 + exp(−x)), elementwise.

    >>> import minigrad as mg
    >>> mg.nn.Sigmoid()(mg.zeros(2))
    tensor([0.5, 0.5])
    """

    def forward(self, input):
        return F.sigmoid(input)


class LogSigmoid(Activation):
    """log(1 / (1 + exp(−x))), without overflow.

    >>> import minigrad as mg
    >>> mg.nn.LogSigmoid()(mg.zeros(2))
    tensor([-0.6931, -0.6931])
    """

    def forward(self, input):
        return F.logsigmoid(input)


class Softplus(Activation):
    """log(1 + exp(beta x)) / beta, elementwise; x itself where beta x > threshold.

    >>> import minigrad as mg
    >>> mg.nn.Softplus()(mg.zeros(2))
    tensor([0.6931, 0.6931])
    """

    shown = ("beta", "threshold")

    def __init__(self, beta=1.0, threshold=20.0):
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input):
        return F.softplus(input, self.beta, self.threshold)


class Softsign(Activation):
    """x / (1 + |x|).

    >>> import minigrad as mg
    >>> mg.nn.Softsign()(mg.tensor([-1.0, 3.0]))
    tensor([-0.5 ,  0.75])
    """

    def forward(self, input):
        return F.softsign(input)


class Tanhshrink(Activation):
    """x − tanh(x).

    >>> import minigrad as mg
    >>> mg.nn.Tanhshrink()(mg.tensor([-1.0, 2.0]))
    tensor([-0.2384,  1.036 ])
    """

    def forward(self, input):
        return F.tanhshrink(input)


# Gates ----------------------------------------------------------------------------------------


class GELU(Activation):
    """x Φ(x), Φ the normal distribution function, or its approximation by tanh.

    >>> import minigrad as mg
    >>> mg.nn.GELU()(mg.tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])
    """

    def __init__(self, approximate="none"):
        super().__init__()
        self.approximate = approximate

    def forward(self, input):
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self):
        return f"approximate={self.approximate!r}"


class SiLU(Activation):
    """x / (1 + exp(−x)), also called swish.

    >>> import minigrad as mg
    >>> mg.nn.SiLU()(mg.tensor([-1.0, 2.0]))
    tensor([-0.2689,  1.7616])
    """

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return F.silu(input, self.inplace)


class Mish(Activation):
    """x tanh(softplus(x)).

    >>> import minigrad as mg
    >>> mg.nn.Mish()(mg.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.944 ])
    """

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input):
        return F.mish(input, self.inplace)


class GLU(Activation):
    """The first half along `dim` times the sigmoid of the second half.

    >>> import minigrad as mg
    >>> mg.nn.GLU()(mg.tensor([3.0, 4.0, 0.0, 100.0]))
    tensor([1.5, 4. ])
    """

    shown = ("dim",)

    def __init__(self, dim=-1):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        return F.glu(input, self.dim)


# Softmax --------------------------------------------------------------------------------------


class Softmax(Activation):
    """exp(x_i) / Σ_j exp(x_j) along `dim`: positive numbers that sum to 1.

    >>> import minigrad as mg
    >>> mg.nn.Softmax(dim=1)(mg.zeros(1, 2))
    tensor([[0.5, 0.5]])
    """

    shown = ("dim",)

    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        return F.softmax(input, self.dim)


class LogSoftmax(Activation):
    """The logarithm of softmax along `dim`: x_i − log Σ_j exp(x_j).

    >>> import minigrad as mg
    >>> mg.nn.LogSoftmax(dim=1)(mg.zeros(1, 2))
    tensor([[-0.6931, -0.6931]])
    """

    shown = ("dim",)

    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        return F.log_softmax(input, self.dim)


class Softmin(Activation):
    """Softmax of −x along `dim`: the smallest has the largest share.

    >>> import minigrad as mg
    >>> mg.nn.Softmin(dim=0)(mg.tensor([1.0, 1.0]))
    tensor([0.5, 0.5])
    """

    shown = ("dim",)

    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        return F.softmin(input, self.dim)


class Softmax2d(Activation):
    """Softmax over the channels of images, (N, C, H, W) or (C, H, W).

    >>> import minigrad as mg
    >>> mg.nn.Softmax2d()(mg.zeros(2, 1, 1)).flatten()
    tensor([0.5, 0.5])
    """

    def forward(self, input):
        if input.ndim not in (3, 4):
            raise ValueError(
                f"Softmax2d: expected (N, C, H, W) or (C, H, W), got shape {input.shape}"
            )
        return F.softmax(input, -3)
