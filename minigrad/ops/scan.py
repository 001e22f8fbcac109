"""Running sums and products, and the product.

With zeros a quotient y / x is of no use. The derivatives are then those of a recurrence

    Scan    s_i = a_i s_(i-1) + b_i        and its transpose        r_i = a_(i+1) r_(i+1) + b_i

each of which is in the other's rule: products are right at zeros too, to any order, in time n.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

if cython.compiled:
    from cython.cimports.minigrad.engine import Binary, Unary, wrap
else:
    from minigrad.engine import Binary, Unary, wrap

from minigrad.ops.index import Take
from minigrad.ops.overwrite import overwrite
from minigrad.ops.reduce import flags, summable
from minigrad.ops.shape import (
    cat,
    check_dim,
    check_tensor,
    narrow,
    permute,
    reshape,
    transpose,
    unsqueeze,
)

__all__ = ["cumsum", "cumprod", "prod"]
METHODS = ["cumsum_", "cumprod_"]


def _wide(x):
    """What running totals of `x` are kept in: float32 in double, as in PyTorch."""
    return np.float64 if x.dtype == np.float32 else x.dtype


@cython.cclass
class CumSum(Unary):
    """y_i = x_0 + … + x_i along an axis, or x_i + … + x_(n-1);  each is the other's rule"""

    axis: cython.int
    backwards: cython.bint

    def __init__(self, axis, backwards):
        self.axis, self.backwards = axis, backwards  # axis: negative

    @cython.ccall
    def forward(self, x):
        if self.backwards:
            x = np.flip(x, self.axis)
        y = np.cumsum(x, self.axis, _wide(x)).astype(x.dtype, copy=False)
        return np.ascontiguousarray(np.flip(y, self.axis)) if self.backwards else y

    @cython.ccall
    def backward(self, grad):
        return CumSum(self.axis, not self.backwards).apply(grad)


@cython.cclass
class Scan(Binary):
    """s_i = a_i s_(i-1) + b_i along the last axis;  transposed: r_i = a_(i+1) r_(i+1) + b_i

    db is the transposed scan of the cotangent, da_i = db_i s_(i-1), or s'_(i-1) r_i.
    """

    transposed: cython.bint

    def __init__(self, transposed):
        self.transposed = transposed

    @cython.ccall
    def forward(self, a, b):
        self.broadcasts()
        self.save_input(0)
        self.save_output()
        n = b.shape[-1]
        s = np.array(np.broadcast_to(b, np.broadcast_shapes(a.shape, b.shape)))
        with np.errstate(all="ignore"):
            if self.transposed:
                for i in range(n - 2, -1, -1):
                    s[..., i] += a[..., i + 1] * s[..., i + 1]
            else:
                for i in range(1, n):
                    s[..., i] += a[..., i] * s[..., i - 1]
        return s

    @cython.ccall
    def backward(self, grad):
        a, s = self.input(0), self.output()
        db = Scan(not self.transposed).apply(a, grad)
        if not self.needs_grad(0):
            return None, db
        da = _later(db, 0.0) * s if self.transposed else db * _later(s, 0.0)
        return da, db


def _later(x, first):
    """x moved on by one along the last axis, behind the number `first`."""
    n = x.shape[-1]
    if not n:
        return x
    start = wrap(np.full(x.shape[:-1] + (1,), first, x.dtype))
    return cat([start, narrow(x, -1, 0, n - 1)], -1)


def _turned(x):
    """x from its end to its start along the last axis."""
    return Take(np.arange(x.shape[-1])[::-1].copy(), True).apply(x)


@cython.cclass
class CumProd(Unary):
    """y_i = x_0 x_1 … x_i along the last axis;  dx_j = Σ_(i >= j) g_i y_i / x_j"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        self.save_output()
        with np.errstate(all="ignore"):
            return np.cumprod(x, -1, _wide(x)).astype(x.dtype, copy=False)

    @cython.ccall
    def backward(self, grad):
        x, y = self.input(0), self.output()
        if y._array.all() and np.isfinite(y._array).all():
            return CumSum(-1, True).apply(grad * y) / x
        return Scan(True).apply(x, grad) * _later(y, 1.0)


@cython.cclass
class Prod(Unary):
    """y = product of x over the last axis;  dx_i = g times the product of the others"""

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        self.save_output()
        with np.errstate(all="ignore"):
            return np.asarray(np.prod(x, axis=-1))

    @cython.ccall
    def backward(self, grad):
        x, y = self.input(0), self.output()
        g = grad.unsqueeze(-1)
        if y._array.all() and np.isfinite(y._array).all():
            return g * (y.unsqueeze(-1) / x)
        before = _later(CumProd().apply(x), 1.0)
        after = _turned(_later(CumProd().apply(_turned(x)), 1.0))
        return g * (before * after)


def cumsum(input, dim, *, dtype=None):
    """Running sum along an axis: y_i = x_0 + … + x_i. Gradient: the running sum of g from behind.

    Integers and bools are summed as int64.

    >>> import minigrad as mg
    >>> mg.cumsum(mg.tensor([1.0, 2.0, 3.0]), 0)
    tensor([1., 3., 6.])
    """
    input = summable(input, dtype, "cumsum")
    axis = check_dim(dim, input.ndim, "cumsum")
    return CumSum(axis, False).apply(input) if input.ndim else input.clone()


def cumprod(input, dim, *, dtype=None):
    """Running product along an axis: y_i = x_0 x_1 … x_i.

    Integers and bools are multiplied as int64. Gradient: Σ_(i >= j) g_i times the product of the
    others among x_0 … x_i; right at zeros too, at any order.

    >>> import minigrad as mg
    >>> mg.cumprod(mg.tensor([1.0, 2.0, 3.0]), 0)
    tensor([1., 2., 6.])
    """
    input = summable(input, dtype, "cumprod")
    axis = check_dim(dim, input.ndim, "cumprod")
    if not input.ndim:
        return input.clone()
    if axis == -1:
        return CumProd().apply(input)
    return transpose(CumProd().apply(transpose(input, axis, -1)), axis, -1)


def cumsum_(input, dim, *, dtype=None):
    """`cumsum` written over `input`, in its dtype; returns it.

    >>> import minigrad as mg
    >>> mg.ones(3).cumsum_(0)
    tensor([1., 2., 3.])
    """
    dtype = check_tensor(input, "cumsum_").dtype if dtype is None else dtype
    return overwrite(input, "cumsum_", lambda old: cumsum(old, dim, dtype=dtype))


def cumprod_(input, dim, *, dtype=None):
    """`cumprod` written over `input`, in its dtype; returns it.

    >>> import minigrad as mg
    >>> mg.tensor([1.0, 2.0, 3.0]).cumprod_(0)
    tensor([1., 2., 6.])
    """
    dtype = check_tensor(input, "cumprod_").dtype if dtype is None else dtype
    # The rule reads the transposed input: of a copy, not of the memory that is written over.
    return overwrite(input, "cumprod_", lambda old: cumprod(old.clone(), dim, dtype=dtype))


def prod(input, dim=None, keepdim=False, *, dtype=None):
    """Product over an axis, or over all. Of nothing: 1.

    Gradient: g times the product of the other elements, right at zeros too, at any order.

    Raises
    ------
    TypeError
        Several axes, or `keepdim` without `dim`, as in PyTorch.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.prod(mg.tensor([1.0, 2.0, 4.0]))
    tensor(8.)
    """
    input = summable(input, dtype, "prod")
    flags("prod", keepdim=keepdim)
    if dim is None and keepdim:
        raise TypeError("prod: keepdim needs a dim")
    axis = None if dim is None else check_dim(dim, input.ndim, "prod")
    if input.dtype.kind != "f":
        over = axis if input.ndim else None
        return wrap(np.asarray(np.prod(input._array, over, input.dtype, keepdims=keepdim)))
    if axis is None or not input.ndim:
        return Prod().apply(reshape(input, (input.numel(),)))
    last = input
    if axis != -1:
        last = permute(input, [a for a in range(-input.ndim, 0) if a != axis] + [axis])
    out = Prod().apply(last)
    return unsqueeze(out, axis) if keepdim else out
