"""Layer normalisation: one fused kernel forward, one backward, closed under differentiation.

As in `norm.py`, the statistics inside the gradient are functions of x, never frozen numbers. Here
they belong to a row, the last axes of x, and the weight has the shape of a row.
"""

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Nary, is_grad_enabled, wrap
    from cython.cimports.minigrad.kernels import layer_norm as fast
else:
    from minigrad import kernels as fast
    from minigrad.engine import Nary, is_grad_enabled, wrap

from minigrad.ops.elementwise import rsqrt
from minigrad.ops.operands import numbers
from minigrad.ops.reduce import sum_to
from minigrad.ops.shape import broadcast_to, check_tensor, reshape, same_dtypes

__all__ = ["layer_norm"]


@cython.cclass
class LayerNorm(Nary):
    """y = x̂ w + b, x̂ = (x − μ) s, s = (σ² + ε)^(−1/2), over the last `axes` axes"""

    axes: cython.int
    eps: cython.double
    stats: object  # float64: μ and s of each row

    def __init__(self, axes, eps):
        self.axes, self.eps = axes, eps

    def forward(self, x, weight, bias):
        y, self.stats = fast.layer_norm(x, weight, bias, self.axes, self.eps)
        self.save_input(0)
        if weight is not None:
            self.save_input(1)
        return y

    @cython.ccall
    def backward(self, grad):
        affine = self.needs_grad(1) or self.needs_grad(2)
        node = LayerNormGrad(self.axes, self.eps, self.stats, affine)
        dx, dw, db = (node.apply(grad, self.input(0), self.input(1)) + (None, None))[:3]
        return (
            dx if self.needs_grad(0) else None,
            dw if self.needs_grad(1) else None,
            db if self.needs_grad(2) else None,
        )


@cython.cclass
class LayerNormGrad(Nary):
    """dx = s P(g w), dw = Σ g x̂, db = Σ g, with P(h) = h − (Σ h + x̂ Σ h x̂) / n

    P sums along a row, of n elements; dw and db (left out unless `affine`) sum over the rows. P
    is symmetric: for cotangents v, a, b of dx, dw, db the rule of this operation is

        to g   w s P(v) + a x̂ + b
        to w   Σ g s P(v)                                       over the rows
        to x   s P(d) − x̂ s Σ (h s P(v)) / n    d = a g − s (v Σ h x̂ + h Σ v x̂) / n,  h = g w
    """

    axes: cython.int
    eps: cython.double
    stats: object
    affine: cython.bint

    def __init__(self, axes, eps, stats, affine):
        self.axes, self.eps, self.stats, self.affine = axes, eps, stats, affine

    def forward(self, g, x, weight):
        self.save_input(0)
        self.save_input(1)
        if weight is not None:
            self.save_input(2)
        grads = fast.layer_norm_backward(g, x, weight, self.stats, self.axes, self.affine)
        return grads if self.affine else grads[:1]

    def project(self, h, x):
        """s P(h), differentiable in h and x."""
        return LayerNormGrad(self.axes, self.eps, self.stats, False).apply(h, x, None)[0]

    def normal(self, x):
        """x̂, differentiable in x."""
        return LayerNorm(self.axes, self.eps).apply(x, None, None)

    def inverse_deviation(self, x, row):
        """s, beside x; a function of x where that is differentiated."""
        if is_grad_enabled():
            return rsqrt(x.var(row, correction=0, keepdim=True) + self.eps)
        beside = x.shape[: x.ndim - self.axes] + (1,) * self.axes
        return wrap(self.stats[1].reshape(beside).astype(x.dtype))

    def beside(self, v, x):
        """Cotangents of weight or bias, (…, *row), in a shape that broadcasts with (…, *x)."""
        at = v.ndim - self.axes
        return reshape(v, v.shape[:at] + (1,) * (x.ndim - self.axes) + v.shape[at:])

    @cython.ccall
    def backward(self, grad):
        g, x, w = self.input(0), self.input(1), self.input(2)
        v, a, b = (grad + (None, None))[:3]
        row = tuple(range(-self.axes, 0))
        n = max(self.count(x.shape), 1)
        dg = dx = dw = d = None
        needs_x = self.needs_grad(1)
        normal = self.normal(x) if a is not None or (v is not None and needs_x) else None
        if v is not None:
            lead = v.ndim - g.ndim
            q = self.project(v, x)
            dg = q if w is None else q * w
            if self.needs_grad(2):
                dw = sum_to(g * q, w.shape, lead)
            if needs_x:
                h = g if w is None else g * w
                s = self.inverse_deviation(x, row) * (1.0 / n)
                hx = (h * normal).sum(row, keepdim=True)
                vx = (v * normal).sum(row, keepdim=True)
                d = (v * hx + h * vx) * -s
                dx = normal * ((h * q).sum(row, keepdim=True) * -s)
        if a is not None:
            lead = a.ndim - self.axes - g.ndim + x.ndim
            a = self.beside(a, x)
            if self.needs_grad(0):
                dg = a * normal if dg is None else dg + a * normal
            if needs_x:
                d = a * g if d is None else d + a * g
        if b is not None:
            lead = b.ndim - self.axes - g.ndim + x.ndim
            b = self.beside(b, x)
            dg = broadcast_to(b, b.shape[:lead] + g.shape) if dg is None else dg + b
        if d is not None:
            d = self.project(d, x)
            dx = d if dx is None else dx + d
        if dx is not None:
            dx = sum_to(dx, x.shape, lead)
        return dg, dx, dw

    def count(self, shape):
        """Elements of a row."""
        n = 1
        for size in shape[len(shape) - self.axes :]:
            n *= size
        return n


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """Layer normalisation over the last axes: y = (x − μ) / √(σ² + ε) · w + b.

    μ and σ² are the mean and the (biased) variance of each row: of the last axes, those that
    `normalized_shape` names. Nothing is averaged over the batch, so training and evaluation
    compute the same.

    Parameters
    ----------
    input : Tensor, (..., *normalized_shape)
    normalized_shape : int or sequence of int
        Sizes of the last axes, at least one.
    weight, bias : Tensor, (*normalized_shape), optional
        Each may be left out.
    eps : float

    Returns
    -------
    Tensor
        Of the shape of `input`. Right to any order of derivative: the statistics are
        differentiated too, which PyTorch's third order leaves out.

    Raises
    ------
    ShapeError, DtypeError
        Sizes or dtypes that do not fit.

    Notes
    -----
    The derivative tower: along a row (t, 1, 3) with ε = 1 the first output is 2u / √(2u² + 15),
    u = t − 2, as for a channel of batch norm, where the derivatives are written out. At t = 0 they
    are 0.27198, 0.14190, 0.05244, −0.03487, as below. PyTorch 2.13.0 gives 0.00710 and −0.25542
    at orders three and four (`tests/ops/test_derivative_tower.py` runs both).

    References
    ----------
    Ba, Kiros and Hinton, Layer Normalization, 2016, section 3.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([[1.0, 3.0], [10.0, 30.0]])
    >>> mg.nn.functional.layer_norm(x, 2)
    tensor([[-1.,  1.],
            [-1.,  1.]])

    The tower of the notes:

    >>> x = mg.tensor([0.0, 1.0, 3.0], dtype=mg.float64, requires_grad=True)
    >>> y = mg.nn.functional.layer_norm(x, 3, eps=1.0)[0]
    >>> for order in range(1, 5):
    ...     y = mg.grad(y, x, create_graph=True)[0][0]
    ...     print(f"{y.item():.5f}", end=" ")
    0.27198 0.14190 0.05244 -0.03487
    """
    name = "layer_norm"
    x = check_tensor(input, name)
    shape = row_shape(name, x, normalized_shape, weight=weight, bias=bias)
    if x.dtype.kind != "f":
        raise DtypeError(f"{name}: expected a floating tensor, got {x.dtype}")
    same_dtypes(name, x, weight, bias)
    if type(eps) is not float:
        numbers(name, eps=eps)
    return LayerNorm(len(shape), eps).apply(x, weight, bias)


def row_shape(name, x, normalized_shape, **vectors):
    """`normalized_shape` as a tuple; raises unless x ends in it, and each vector has it."""
    shape = normalized_shape
    shape = (shape,) if hasattr(shape, "__index__") else shape
    if not isinstance(shape, (tuple, list)) or not all(hasattr(n, "__index__") for n in shape):
        raise TypeError(f"{name}: normalized_shape must be an int or sizes, got {shape!r}")
    shape = tuple([n.__index__() for n in shape])
    if not shape:
        raise ShapeError(f"{name}: normalized_shape must name at least one axis, got ()")
    if x.shape[max(x.ndim - len(shape), 0) :] != shape:
        raise ShapeError(
            f"{name}: expected an input (..., {', '.join(map(str, shape))}) for "
            f"normalized_shape {shape}, got shape {x.shape}"
        )
    for what, v in vectors.items():
        if v is not None and check_tensor(v, name).shape != shape:
            raise ShapeError(f"{name}: {what} must have shape {shape}, got {v.shape}")
    return shape
