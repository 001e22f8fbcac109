"""Tensor's operators and methods: each is one line that hands over to `minigrad.ops`.

A compiled class cannot be given methods later, and the operations are built on the class, so the
methods stand here, below the engine, and reach the operations through two doors that
`ops/__init__.py` opens at import: `ops`, the package itself, and `slots`, what is too hot for a
Python-level call (C function pointers when compiled). A third leads to the backward pass.

Each method's documentation is that of the function of the same name in `minigrad`.
"""

from types import SimpleNamespace

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

ops = None
backward_pass = None
if not cython.compiled:
    slots = SimpleNamespace()

_NUMBERS = (float, int, np.ndarray, np.generic)


def bind(package):
    """Open the door: `package` is `minigrad.ops`, complete."""
    global ops
    ops = package


def bind_pass(function):
    """Open the third door: what `Tensor.backward` calls."""
    global backward_pass
    backward_pass = function


def get_pass():
    """The backward pass, `minigrad.backward.backward`."""
    return backward_pass


def get_ops():
    """The operations, for the engine itself (casts, sums and stacks it needs in `backward`)."""
    return ops


@cython.cfunc
def _operand(x) -> cython.bint:
    return isinstance(x, Methods) or isinstance(x, _NUMBERS)  # noqa: SIM101  the first is a C check


@cython.cclass
class Storage:
    """The version of a piece of memory, shared by all tensors that look at it.

    `version` counts changes in place, `changed_by` names the last; `rebased` counts those that
    were recorded in the graph, after which older views no longer tell the truth about it.
    """


@cython.freelist(512)
@cython.cclass
class Methods:
    """Base of Tensor: its fields, the operators and the methods that are operations.

    The fields stand here because only a class without a base recycles its objects.
    """

    # operators ------------------------------------------------------------------------------
    def __add__(self, other):
        return slots.add(self, other) if _operand(other) else NotImplemented

    def __radd__(self, other):
        return slots.add(other, self) if _operand(other) else NotImplemented

    def __sub__(self, other):
        return slots.sub(self, other) if _operand(other) else NotImplemented

    def __rsub__(self, other):
        return slots.sub(other, self) if _operand(other) else NotImplemented

    def __mul__(self, other):
        return slots.mul(self, other) if _operand(other) else NotImplemented

    def __rmul__(self, other):
        return slots.mul(other, self) if _operand(other) else NotImplemented

    def __truediv__(self, other):
        return slots.div(self, other) if _operand(other) else NotImplemented

    def __rtruediv__(self, other):
        return slots.div(other, self) if _operand(other) else NotImplemented

    def __pow__(self, other, modulo=None):
        return slots.pow(self, other) if _operand(other) and modulo is None else NotImplemented

    def __rpow__(self, other, modulo=None):
        return slots.pow(other, self) if _operand(other) and modulo is None else NotImplemented

    def __matmul__(self, other):
        return slots.matmul(self, other) if _operand(other) else NotImplemented

    def __rmatmul__(self, other):
        return slots.matmul(other, self) if _operand(other) else NotImplemented

    def __neg__(self):
        return slots.neg(self)

    def __pos__(self):
        return self

    def __abs__(self):
        return ops.abs(self)

    def __invert__(self):
        return ops.logical_not(self)

    def __and__(self, other):
        return ops.logical_and(self, other)

    def __or__(self, other):
        return ops.logical_or(self, other)

    def __xor__(self, other):
        return ops.logical_xor(self, other)

    def __iadd__(self, other):
        return ops.add_(self, other)

    def __isub__(self, other):
        return ops.sub_(self, other)

    def __imul__(self, other):
        return ops.mul_(self, other)

    def __itruediv__(self, other):
        return ops.div_(self, other)

    def __ipow__(self, other):
        return ops.pow_(self, other)

    def __eq__(self, other):
        return ops.eq(self, other) if _operand(other) else NotImplemented

    def __ne__(self, other):
        return ops.ne(self, other) if _operand(other) else NotImplemented

    def __lt__(self, other):
        return ops.lt(self, other) if _operand(other) else NotImplemented

    def __le__(self, other):
        return ops.le(self, other) if _operand(other) else NotImplemented

    def __gt__(self, other):
        return ops.gt(self, other) if _operand(other) else NotImplemented

    def __ge__(self, other):
        return ops.ge(self, other) if _operand(other) else NotImplemented

    def __hash__(self):
        return object.__hash__(self)

    def __getitem__(self, index):
        return ops.getitem(self, index)

    def __setitem__(self, index, value):
        ops.setitem(self, index, value)

    # pointwise ------------------------------------------------------------------------------
    def add(self, other, *, alpha=1):
        return ops.add(self, other, alpha=alpha)

    def sub(self, other, *, alpha=1):
        return ops.sub(self, other, alpha=alpha)

    def mul(self, other):
        return ops.mul(self, other)

    def div(self, other):
        return ops.div(self, other)

    def pow(self, exponent):
        return ops.pow(self, exponent)

    def maximum(self, other):
        return ops.maximum(self, other)

    def minimum(self, other):
        return ops.minimum(self, other)

    def where(self, condition, other):
        return ops.where(condition, self, other)

    def clamp(self, min=None, max=None):
        return ops.clamp(self, min, max)

    def neg(self):
        return ops.neg(self)

    def abs(self):
        return ops.abs(self)

    def sign(self):
        return ops.sign(self)

    def square(self):
        return ops.square(self)

    def sqrt(self):
        return ops.sqrt(self)

    def rsqrt(self):
        return ops.rsqrt(self)

    def reciprocal(self):
        return ops.reciprocal(self)

    def exp(self):
        return slots.exp(self)

    def expm1(self):
        return ops.expm1(self)

    def log(self):
        return slots.log(self)

    def log1p(self):
        return ops.log1p(self)

    def sin(self):
        return ops.sin(self)

    def cos(self):
        return ops.cos(self)

    def tanh(self):
        return slots.tanh(self)

    def sigmoid(self):
        return slots.sigmoid(self)

    def relu(self):
        return slots.relu(self)

    def erf(self):
        return ops.erf(self)

    def eq(self, other):
        return ops.eq(self, other)

    def ne(self, other):
        return ops.ne(self, other)

    def lt(self, other):
        return ops.lt(self, other)

    def le(self, other):
        return ops.le(self, other)

    def gt(self, other):
        return ops.gt(self, other)

    def ge(self, other):
        return ops.ge(self, other)

    def isnan(self):
        return ops.isnan(self)

    def isfinite(self):
        return ops.isfinite(self)

    def isinf(self):
        return ops.isinf(self)

    # reductions -----------------------------------------------------------------------------
    def sum(self, dim=None, keepdim=False, *, dtype=None):
        return ops.sum(self, dim, keepdim, dtype=dtype)

    def mean(self, dim=None, keepdim=False, *, dtype=None):
        return ops.mean(self, dim, keepdim, dtype=dtype)

    def prod(self, dim=None, keepdim=False, *, dtype=None):
        return ops.prod(self, dim, keepdim, dtype=dtype)

    def max(self, dim=None, keepdim=False):
        return ops.max(self, dim, keepdim)

    def min(self, dim=None, keepdim=False):
        return ops.min(self, dim, keepdim)

    def amax(self, dim=(), keepdim=False):
        return ops.amax(self, dim, keepdim)

    def amin(self, dim=(), keepdim=False):
        return ops.amin(self, dim, keepdim)

    def var(self, dim=None, *, correction=1, keepdim=False):
        return ops.var(self, dim, correction=correction, keepdim=keepdim)

    def std(self, dim=None, *, correction=1, keepdim=False):
        return ops.std(self, dim, correction=correction, keepdim=keepdim)

    def logsumexp(self, dim, keepdim=False):
        return ops.logsumexp(self, dim, keepdim)

    def argmax(self, dim=None, keepdim=False):
        return ops.argmax(self, dim, keepdim)

    def argmin(self, dim=None, keepdim=False):
        return ops.argmin(self, dim, keepdim)

    def any(self, dim=None, keepdim=False):
        return ops.any(self, dim, keepdim)

    def all(self, dim=None, keepdim=False):
        return ops.all(self, dim, keepdim)

    def softmax(self, dim, dtype=None):
        return ops.softmax(self, dim, dtype=dtype)

    def log_softmax(self, dim, dtype=None):
        return ops.log_softmax(self, dim, dtype=dtype)

    # matrix products ------------------------------------------------------------------------
    def matmul(self, other):
        return ops.matmul(self, other)

    def mm(self, mat2):
        return ops.mm(self, mat2)

    def bmm(self, mat2):
        return ops.bmm(self, mat2)

    def mv(self, vec):
        return ops.mv(self, vec)

    def dot(self, other):
        return ops.dot(self, other)

    def outer(self, vec2):
        return ops.outer(self, vec2)

    # shape ----------------------------------------------------------------------------------
    def reshape(self, *shape):
        return ops.reshape(self, *shape)

    def view(self, *shape):
        return ops.view(self, *shape)

    def flatten(self, start_dim=0, end_dim=-1):
        return ops.flatten(self, start_dim, end_dim)

    def transpose(self, dim0, dim1):
        return ops.transpose(self, dim0, dim1)

    def t(self):
        return ops.t(self)

    def permute(self, *dims):
        return ops.permute(self, *dims)

    def squeeze(self, dim=None):
        return ops.squeeze(self, dim)

    def unsqueeze(self, dim):
        return ops.unsqueeze(self, dim)

    def expand(self, *sizes):
        return ops.expand(self, *sizes)

    def expand_as(self, other):
        return ops.broadcast_to(self, other.shape)

    def broadcast_to(self, shape):
        return ops.broadcast_to(self, shape)

    def split(self, split_size, dim=0):
        return ops.split(self, split_size, dim)

    def unbind(self, dim=0):
        return ops.unbind(self, dim)

    @property
    def T(self):
        """The matrix transposed (all axes reversed)."""
        n = self.ndim
        return ops.mT(self) if n == 2 else ops.permute(self, *range(n - 1, -1, -1))

    @property
    def mT(self):
        """The last two axes exchanged."""
        return ops.mT(self)

    # copies and casts -----------------------------------------------------------------------
    def clone(self):
        return ops.clone(self)

    def contiguous(self):
        return ops.contiguous(self)

    def to(self, dtype):
        return ops.to(self, dtype)

    def float(self):
        return ops.to(self, "float32")

    def double(self):
        return ops.to(self, "float64")

    def int(self):
        return ops.to(self, "int32")

    def long(self):
        return ops.to(self, "int64")

    def bool(self):
        return ops.to(self, "bool")

    # in place -------------------------------------------------------------------------------
    def add_(self, other, *, alpha=1):
        return ops.add_(self, other, alpha=alpha)

    def sub_(self, other, *, alpha=1):
        return ops.sub_(self, other, alpha=alpha)

    def mul_(self, other):
        return ops.mul_(self, other)

    def div_(self, other):
        return ops.div_(self, other)

    def pow_(self, exponent):
        return ops.pow_(self, exponent)

    def neg_(self):
        return ops.neg_(self)

    def abs_(self):
        return ops.abs_(self)

    def exp_(self):
        return ops.exp_(self)

    def log_(self):
        return ops.log_(self)

    def sqrt_(self):
        return ops.sqrt_(self)

    def tanh_(self):
        return ops.tanh_(self)

    def sigmoid_(self):
        return ops.sigmoid_(self)

    def relu_(self):
        return ops.relu_(self)

    def clamp_(self, min=None, max=None):
        return ops.clamp_(self, min, max)

    def zero_(self):
        return ops.zero_(self)

    def fill_(self, value):
        return ops.fill_(self, value)

    def copy_(self, src):
        return ops.copy_(self, src)

    def uniform_(self, low=0.0, high=1.0):
        return ops.uniform_(self, low, high)

    def normal_(self, mean=0.0, std=1.0):
        return ops.normal_(self, mean, std)


if not cython.compiled:  # C fields start as None and 0; Python's must be told
    Storage.version = Storage.rebased = 0
    Storage.changed_by = None
