"""The matrix product, and the linear layer.

Vectors are brought to matrices before the Function, so that `MatMul` knows one case only:
(..., m, k) @ (..., k, n), with leading axes that broadcast.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad._array import is_float, ndim, same_dtype
    from cython.cimports.minigrad.engine import Binary, Nary, Tensor, is_grad_enabled
    from cython.cimports.minigrad.kernels import gemm as fast
    from cython.cimports.minigrad.methods import slots
else:
    from minigrad import kernels as fast
    from minigrad._array import is_float, ndim, same_dtype
    from minigrad.engine import Binary, Nary, Tensor, is_grad_enabled
    from minigrad.methods import slots

from minigrad.ops.reduce import Sum
from minigrad.ops.shape import check_tensor, mT, reshape, same_dtypes, squeeze, unsqueeze

__all__ = ["matmul"]


@cython.cclass
class MatMul(Binary):
    """z = x y for matrices, leading axes broadcast;  dx = g yᵀ,  dy = xᵀ g"""

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        if self.needs_grad(0):
            self._saves |= 2
        if self.needs_grad(1):
            self._saves |= 1
        return fast.matmul(x, y)

    @cython.ccall
    def backward(self, grad):
        dx = dy = None
        if self.needs_grad(0):
            dx = slots.matmul(grad, mT(self.input(1)))
        if self.needs_grad(1):
            dy = slots.matmul(mT(self.input(0)), grad)
        return dx, dy


@cython.cfunc
def product(x: Tensor, y: Tensor) -> object:
    node: MatMul = MatMul.__new__(MatMul)
    return node.apply(x, y)


@cython.cfunc
def _matmul(x: object, y: object) -> object:
    if not (isinstance(x, Tensor) and isinstance(y, Tensor)):
        x, y = check_matrix(x), check_matrix(y)
    a: Tensor = x
    b: Tensor = y
    if not same_dtype(a._array, b._array):
        raise DtypeError(f"matmul: expected one dtype, got {a.dtype} and {b.dtype}")
    if not is_float(a._array) and a.dtype == np.bool_:
        raise DtypeError("matmul: expected numbers, got bool; use .int() or .float() first")
    x_ndim: cython.int = ndim(a._array)
    y_ndim: cython.int = ndim(b._array)
    if x_ndim >= 2 and y_ndim >= 2:
        if x_ndim > 2 and y_ndim == 2 and b._node is not None and is_grad_enabled():
            return tall(x, y)
        return product(x, y)
    if x_ndim == 0 or y_ndim == 0:
        raise ShapeError(
            f"matmul: both operands need at least one axis, got shapes {a.shape} and {b.shape}"
        )
    if a.shape[-1] != b.shape[-2 if y_ndim > 1 else -1]:
        raise ShapeError(
            f"matmul: shapes {a.shape} and {b.shape} do not match: "
            f"{a.shape[-1]} against {b.shape[-2 if y_ndim > 1 else -1]} elements"
        )
    if x_ndim == 1:  # a row
        out = product(unsqueeze(x, 0), y if y_ndim > 1 else unsqueeze(y, -1))
        return reshape(out, ()) if y_ndim == 1 else squeeze(out, -2)
    return squeeze(_matmul(x, unsqueeze(y, -1)), -1)


def tall(x, y):
    """One matrix y for a batch of x: one tall product, so that dy is one product and no sum."""
    return reshape(product(as_rows(x, 0), y), x.shape[:-1] + y.shape[-1:])


def check_matrix(x):
    """`x` as a Tensor (a NumPy array may stand for one)."""
    if isinstance(x, Tensor):
        return x
    if hasattr(x, "__array_interface__") and getattr(x, "ndim", 0):
        return Tensor(x)
    raise TypeError(f"matmul: expected a Tensor, got {type(x).__name__}")


slots.matmul = _matmul


def matmul(input, other):
    """Matrix product, by the ranks of the operands.

    1-d · 1-d: the inner product. 2-d · 2-d: the matrix product. 1-d on one side: a row or column
    vector, whose axis is dropped again. More axes: a batch of matrices; leading axes broadcast.

    Parameters
    ----------
    input, other : Tensor
        Shapes (..., m, k) and (..., k, n), of one dtype.

    Returns
    -------
    Tensor
        (..., m, n). Gradients: dL/dinput = g otherᵀ, dL/dother = inputᵀ g.

    Raises
    ------
    ShapeError
        Inner sizes differ, leading axes do not broadcast, or an operand is 0-d.
    DtypeError
        The dtypes differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.matmul(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), mg.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    return slots.matmul(input, other)


# The linear layer -------------------------------------------------------------------------------


@cython.cclass
class Linear(Nary):
    """y = x Wᵀ + b, x (..., k), W (n, k), b (n);  dx = g W,  dW = gᵀ x,  db = Σ g over rows"""

    def forward(self, x, weight, bias):
        if self.needs_grad(1):
            self._saves |= 1
        if self.needs_grad(0):
            self._saves |= 2
        return fast.matmul(x, weight.T, bias)

    @cython.ccall
    def backward(self, grad):
        dx = dw = db = None
        if self.needs_grad(0):
            dx = slots.matmul(grad, self.input(1))
        if self.ndim > 2:
            grad = as_rows(grad, grad.ndim - self.ndim)
        if self.needs_grad(1):
            x = self.input(0)
            dw = slots.matmul(mT(grad), as_rows(x, 0) if self.ndim > 2 else x)
        if self.needs_grad(2):
            db = Sum((-2,), False).apply(grad)
        return dx, dw, db


def as_rows(x, lead):
    """x (lead..., ..., k) as matrices (lead..., rows, k)."""
    shape = x.shape
    rows = 1
    for n in shape[lead:-1]:
        rows *= n
    return reshape(x, (*shape[:lead], rows, shape[-1]))


def linear(input, weight, bias=None):
    """Affine map: ``input @ weight.T + bias``.

    Parameters
    ----------
    input : Tensor, (..., in)
    weight : Tensor, (out, in), or (in,)
    bias : Tensor, (out,), optional

    Returns
    -------
    Tensor, (..., out)

    Raises
    ------
    ShapeError
        The sizes do not match.
    DtypeError
        The dtypes differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> w = mg.tensor([[1.0, 2.0]])
    >>> mg.nn.functional.linear(mg.ones(3, 2), w, mg.tensor([0.5])).tolist()
    [[3.5], [3.5], [3.5]]
    """
    if not (isinstance(input, Tensor) and isinstance(weight, Tensor)):
        check_tensor(input, "linear"), check_tensor(weight, "linear")
    x: Tensor = input
    w: Tensor = weight
    b: Tensor = w if bias is None else check_tensor(bias, "linear")
    if not (same_dtype(x._array, w._array) and same_dtype(x._array, b._array)):
        same_dtypes("linear", input, weight, bias)
    if ndim(x._array) < 2 or ndim(w._array) != 2:
        return linear_vector(input, weight, bias)
    try:
        return Linear.__new__(Linear).apply(input, weight, bias)
    except ShapeError:
        raise linear_mismatch(input, weight, bias) from None


def linear_vector(input, weight, bias):
    """`linear` where the input or the weight is a vector."""
    if not input.ndim or weight.ndim not in (1, 2) or input.shape[-1] != weight.shape[-1]:
        raise linear_mismatch(input, weight, bias)
    if weight.ndim == 1:
        if bias is not None:
            raise ShapeError(f"linear: with a vector as weight, {weight.shape}, there is no bias")
        return slots.matmul(input, weight)
    return squeeze(linear(unsqueeze(input, 0), weight, bias), 0)


def linear_mismatch(input, weight, bias):
    """The error of shapes that do not go together."""
    if input.ndim and weight.ndim == 2 and input.shape[-1] == weight.shape[-1]:
        return ShapeError(
            f"linear: expected a bias of shape {weight.shape[:1]} for the weight {weight.shape}, "
            f"got {bias.shape}"
        )
    return ShapeError(
        f"linear: input {input.shape} and weight {weight.shape} do not match: expected "
        "(..., in) and (out, in)"
    )
