"""Activations.

The gradient of each (`TanhGrad`, `SigmoidGrad`, `ReluGrad`) is one fused kernel, and an operation
of its own with a derivative of its own.
"""

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError

if cython.compiled:
    from cython.cimports.minigrad._array import is_float
    from cython.cimports.minigrad.engine import Binary, Unary, wrap
    from cython.cimports.minigrad.kernels import elementwise as fast
    from cython.cimports.minigrad.methods import slots
    from cython.cimports.minigrad.ops.operands import floating
else:
    from minigrad import kernels as fast
    from minigrad._array import is_float
    from minigrad.engine import Binary, Unary, wrap
    from minigrad.methods import slots
    from minigrad.ops.operands import floating

from minigrad.ops.choice import where
from minigrad.ops.operands import numbers
from minigrad.ops.shape import check_tensor

__all__ = """
    tanh sigmoid relu softplus
""".split()


@cython.cclass
class Tanh(Unary):
    """y = tanh(x);  dx = g (1 - y^2)"""

    @cython.ccall
    def forward(self, x):
        self._saves_out = True
        return fast.tanh(x)

    @cython.ccall
    def backward(self, grad):
        node: TanhGrad = TanhGrad.__new__(TanhGrad)
        return node.apply(grad, self.output())


@cython.cclass
class TanhGrad(Binary):
    """z = g (1 - y^2)"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 3
        return fast.tanh_backward(x, y)

    @cython.ccall
    def backward(self, grad):
        g, y = self.input(0), self.input(1)
        return (
            TanhGrad().apply(grad, y) if self.needs_grad(0) else None,
            grad * g * y * -2.0 if self.needs_grad(1) else None,
        )


def tanh(input):
    """Hyperbolic tangent. Gradient: g (1 - tanh^2).

    >>> import minigrad as mg
    >>> mg.tanh(mg.tensor([0.0, 1.0]))
    tensor([0.    , 0.7616])
    """
    return slots.tanh(input)


@cython.cclass
class Sigmoid(Unary):
    """y = 1 / (1 + exp(-x));  dx = g y (1 - y)"""

    @cython.ccall
    def forward(self, x):
        self._saves_out = True
        return fast.sigmoid(x)

    @cython.ccall
    def backward(self, grad):
        node: SigmoidGrad = SigmoidGrad.__new__(SigmoidGrad)
        return node.apply(grad, self.output())


@cython.cclass
class SigmoidGrad(Binary):
    """z = g y (1 - y)"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 3
        return fast.sigmoid_backward(x, y)

    @cython.ccall
    def backward(self, grad):
        g, y = self.input(0), self.input(1)
        return (
            SigmoidGrad().apply(grad, y) if self.needs_grad(0) else None,
            grad * g * (1.0 - y * 2.0) if self.needs_grad(1) else None,
        )


def sigmoid(input):
    """Logistic function 1 / (1 + exp(-input)), without overflow. Gradient: g y (1 - y).

    >>> import minigrad as mg
    >>> mg.sigmoid(mg.tensor([0.0, 1.0]))
    tensor([0.5   , 0.7311])
    """
    return slots.sigmoid(input)


@cython.cclass
class Relu(Unary):
    """y = max(x, 0);  dx = g where y > 0"""

    @cython.ccall
    def forward(self, x):
        self._saves_out = True
        if not is_float(x) and x.dtype == bool:
            raise DtypeError("relu: expected numbers, got a bool tensor")
        return fast.relu(x)

    @cython.ccall
    def backward(self, grad):
        node: ReluGrad = ReluGrad.__new__(ReluGrad)
        return node.apply(grad, self.output())


@cython.cclass
class ReluGrad(Binary):
    """z = g where y > 0, else 0;  linear in g, flat in y"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 2
        return fast.relu_backward(x, y)

    @cython.ccall
    def backward(self, grad):
        return ReluGrad().apply(grad, self.input(1)), None


def relu(input):
    """Rectified linear unit, max(input, 0). Gradient: g where input > 0, 0 at and below 0.

    >>> import minigrad as mg
    >>> mg.relu(mg.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return slots.relu(input)


@cython.cclass
class Softplus(Unary):
    """y = log(1 + exp(b x)) / b, and x where b x > threshold;  dx = g sigmoid(b x)"""

    beta: cython.double
    threshold: cython.double

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        return fast.softplus(x, self.beta, self.threshold)

    @cython.ccall
    def backward(self, grad):
        scaled = self.input(0) * self.beta
        linear = wrap(scaled._array > self.threshold)
        return where(linear, grad, grad * sigmoid(scaled))


def softplus(input, beta=1.0, threshold=20.0):
    """Smooth ReLU, log(1 + exp(beta input)) / beta; linear above beta input > threshold.

    Gradient: g sigmoid(beta input).

    >>> import minigrad as mg
    >>> mg.softplus(mg.tensor([0.0, 100.0]))
    tensor([  0.6931, 100.    ])
    """
    if check_tensor(input, "softplus").dtype.kind != "f":
        raise DtypeError(f"softplus: expected a floating tensor, got {input.dtype}")
    numbers("softplus", beta=beta, threshold=threshold)
    node = Softplus()
    node.beta = beta
    node.threshold = threshold
    return node.apply(input)


@cython.cfunc
def _tanh(x: object) -> object:
    node: Tanh = Tanh.__new__(Tanh)
    return node.apply(floating(x))


@cython.cfunc
def _sigmoid(x: object) -> object:
    node: Sigmoid = Sigmoid.__new__(Sigmoid)
    return node.apply(floating(x))


@cython.cfunc
def _relu(x: object) -> object:
    node: Relu = Relu.__new__(Relu)
    return node.apply(x)


slots.tanh = _tanh
slots.sigmoid = _sigmoid
slots.relu = _relu
