"""Variance and standard deviation."""

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

import numpy as np

if cython.compiled:
    from cython.cimports.minigrad.engine import Unary, wrap
    from cython.cimports.minigrad.kernels import reduce as fast
else:
    from minigrad import kernels as fast
    from minigrad.engine import Unary, wrap

from minigrad.ops.choice import where
from minigrad.ops.elementwise import sqrt
from minigrad.ops.operands import zeros_of
from minigrad.ops.reduce import axes_of, count, flags, mean, needs_float
from minigrad.ops.shape import reshape

__all__ = ["var", "std", "var_mean", "std_mean"]


@cython.cclass
class Var(Unary):
    """y = Σ (x - mean)² / (n - c) over axes, kept;  dx = 2 g (x - mean) / (n - c), c: correction

    Without degrees of freedom (n <= c) it is inf, or NaN where all elements are equal;
    so is then the gradient.
    """

    axes: tuple
    correction: object

    def __init__(self, axes, correction):
        self.axes, self.correction = axes, correction

    @cython.ccall
    def forward(self, x):
        self.save_input(0)
        with np.errstate(all="ignore"):
            return np.asarray(fast.var(x, self.axes, self.correction, True))

    @cython.ccall
    def backward(self, grad):
        x = self.input(0)
        apart = x - mean(x, self.axes, True)
        free = count(x.shape, self.axes) - self.correction
        if free > 0:
            return grad * apart * (2.0 / free)
        return grad * wrap(np.where(apart._array == 0, np.nan, np.inf).astype(x.dtype))


def _options(dim, unbiased, keepdim, correction, name):
    """(dim, correction) from PyTorch's two ways to say both."""
    flags(name, keepdim=keepdim)
    if unbiased is not None:
        flags(name, unbiased=unbiased)
    if isinstance(dim, bool):
        if unbiased is not None:
            raise TypeError(f"{name}: dim must be integers, got {dim}")
        dim, unbiased = None, dim
    if unbiased is None:
        correction = 1 if correction is None else correction
    elif correction is not None:
        raise TypeError(f"{name}: give unbiased or correction, not both")
    else:
        correction = 1 if unbiased else 0
    if not isinstance(correction, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name}: correction must be a number, got {correction!r}")
    return dim, correction


def _var(input, dim, correction, name):
    """(variance with its axes kept, the axes)"""
    axes = axes_of(dim, needs_float(input, name).ndim, name)
    if input.ndim:
        return Var(axes, correction).apply(input), axes
    return reshape(Var((-1,), correction).apply(reshape(input, 1)), ()), axes


def _root(variance, input, axes):
    """sqrt(variance); where all elements are equal 0, with gradient 0."""
    if not count(input.shape, axes):
        return sqrt(variance)
    x = input._array
    same = fast.max(x, axes, True) == fast.min(x, axes, True) if axes else np.True_
    flat = wrap(np.asarray(same & ~np.isnan(variance._array)))
    if not flat._array.any():
        return sqrt(variance)
    one = zeros_of(variance) + 1.0
    return where(flat, zeros_of(variance), sqrt(where(flat, one, variance)))


def _without(x, axes, keepdim):
    return x if keepdim or not axes else x.squeeze(axes)


def var(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """Variance over axes: Σ (x − mean)² / (n − correction), in two passes.

    Parameters
    ----------
    dim : int or tuple of int, optional
        Default: all axes.
    unbiased : bool, optional
        The older way to say it: True is correction 1, False is 0. It may stand in place of `dim`.
    keepdim : bool
        Keep the axes with length 1.
    correction : number
        Default 1 (Bessel's).

    Returns
    -------
    Tensor
        Where n ≤ correction: inf, or NaN if all elements are equal. Gradient:
        2 g (x − mean) / (n − correction).

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.var(mg.tensor([1.0, 2.0, 3.0])), mg.var(mg.tensor([1.0, 2.0, 3.0]), correction=0)
    (tensor(1.), tensor(0.6667))
    """
    dim, correction = _options(dim, unbiased, keepdim, correction, "var")
    variance, axes = _var(input, dim, correction, "var")
    return _without(variance, axes, keepdim)


def std(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """Standard deviation over axes: sqrt(var). Arguments as for `var`.

    Gradient: g (x − mean) / ((n − correction) std); exactly 0, not NaN, where all elements are
    equal, as in PyTorch: there it has a kink, like the norm of x − mean at 0.

    >>> import minigrad as mg
    >>> mg.std(mg.tensor([1.0, 2.0, 3.0]))
    tensor(1.)
    """
    dim, correction = _options(dim, unbiased, keepdim, correction, "std")
    variance, axes = _var(input, dim, correction, "std")
    return _without(_root(variance, input, axes), axes, keepdim)


def var_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """(variance, mean) over axes. Arguments as for `var`.

    >>> import minigrad as mg
    >>> mg.var_mean(mg.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    dim, correction = _options(dim, unbiased, keepdim, correction, "var_mean")
    variance, axes = _var(input, dim, correction, "var_mean")
    return _without(variance, axes, keepdim), mean(input, dim, keepdim)


def std_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """(standard deviation, mean) over axes. Arguments as for `var`.

    >>> import minigrad as mg
    >>> mg.std_mean(mg.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    dim, correction = _options(dim, unbiased, keepdim, correction, "std_mean")
    variance, axes = _var(input, dim, correction, "std_mean")
    return _without(_root(variance, input, axes), axes, keepdim), mean(input, dim, keepdim)
