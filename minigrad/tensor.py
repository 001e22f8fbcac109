"""The Tensor: an array, and the Function that made it.

What it carries, how it shows itself to Python, its place in the graph, its version. How
operations on it are recorded is `engine.py`; the operators and methods that are operations are
in `methods.py`.
"""

import weakref

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.dtypes import as_dtype
from minigrad.errors import DtypeError, GraphError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad._array import is_array, is_float
    from cython.cimports.minigrad.methods import Methods, Storage
else:
    from minigrad._array import is_array, is_float
    from minigrad.methods import Methods, Storage

from minigrad import methods

INNER, LEAF, PICK, CUSTOM = 0, 1, 2, 3  # Function.kind
FIELDS = {
    "_array",
    "_node",
    "_grad",
    "_storage",
    "_view",
    "_epoch",
    "_base",
}  # of a Tensor, see the .pxd
OWNER, VIEW, ALIAS = 0, 1, 2  # Tensor._view: owns its memory; a view in the graph; detached


@cython.ccall
def wrap(array, node=None) -> "Tensor":
    """The Tensor around an ndarray, made by `node` (None: no graph)."""
    x: Tensor = Tensor.__new__(Tensor)
    x._array = array if is_array(array) else np.asarray(array)  # NumPy's scalars become 0-d
    x._node = node
    return x


@cython.cclass
class Tensor(Methods):
    """An n-dimensional array that remembers how it was made.

    Parameters
    ----------
    data : array_like
        Copied. Python floats and lists become float32, NumPy arrays keep their dtype.
    dtype : dtype, optional
        bool, uint8, int8, int16, int32, int64, float32 or float64.
    requires_grad : bool
        Whether `backward()` leaves a gradient in `.grad`. Floating dtypes only.

    Attributes
    ----------
    shape : tuple of int
    ndim : int
        Number of axes.
    dtype : numpy.dtype
    grad : Tensor or None
        dL/dself after `L.backward()`, same shape and dtype; gradients add up until it is reset.
    grad_fn : Function or None
        The operation that made this tensor; None for a leaf.

    Examples
    --------
    >>> import minigrad as mg
    >>> w = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> w.grad
    tensor([2., 4.])
    """

    __array_ufunc__ = None  # ndarray * Tensor is Tensor.__rmul__, and differentiable

    def __init__(self, data, dtype=None, requires_grad=False):
        self._array = to_array(data, dtype)
        if requires_grad:
            self.requires_grad_()

    # what it is -----------------------------------------------------------------------------
    @property
    def shape(self):
        """Lengths of the axes, a tuple of int."""
        return self._array.shape

    @property
    def ndim(self):
        """Number of axes."""
        return self._array.ndim

    def dim(self):
        """Number of axes."""
        return self._array.ndim

    @property
    def dtype(self):
        """The NumPy dtype of the elements."""
        return self._array.dtype

    def size(self, dim=None):
        """The shape or, given `dim`, the length of that axis (a method, as in PyTorch)."""
        return self._array.shape if dim is None else self._array.shape[dim]

    def numel(self):
        """Number of elements."""
        return self._array.size

    def stride(self):
        """Elements between neighbours along each axis."""
        return tuple(s // self._array.itemsize for s in self._array.strides)

    def is_contiguous(self):
        """Whether the elements lie in row-major order without gaps."""
        return self._array.flags.c_contiguous

    def is_floating_point(self):
        """Whether the dtype is float32 or float64."""
        return bool(is_float(self._array))

    def item(self):
        """The only element, as a Python number."""
        if self._array.size != 1:
            raise ShapeError(
                f"item: the tensor has {self._array.size} elements, shape {self.shape}"
            )
        return self._array.item()

    def tolist(self):
        """The elements as nested lists (a number for a 0-d tensor)."""
        return self._array.tolist()

    def numpy(self):
        """The array itself, sharing memory. Writes through it are not seen by version checks."""
        if self._history() is not None:
            raise GraphError(
                "numpy: this tensor requires grad, and an array would leave the graph; "
                "use tensor.detach().numpy()"
            )
        return self._array

    def __array__(self, dtype=None, copy=None):
        if self._history() is not None:
            raise GraphError(
                "a NumPy function was given a tensor that requires grad and would cut the graph; "
                "use the minigrad function of that name, or tensor.detach()"
            )
        return np.array(self._array, dtype=dtype, copy=copy)

    def __repr__(self):
        body = np.array2string(self._array, separator=", ", precision=4, prefix="tensor(")
        default = self.dtype in (np.float32, np.int64, np.bool_)
        parts = [body] if default and self._array.size else [body, f"dtype={self.dtype}"]
        if not self._array.size and self._array.ndim != 1:
            parts.insert(1, f"shape={self.shape}")
        if self.grad_fn is not None:
            parts.append(f"grad_fn=<{self._node.name()}>")
        elif self._node is not None:
            parts.append("requires_grad=True")
        return f"tensor({', '.join(parts)})"

    def __format__(self, spec):
        return format(self.item(), spec) if spec else repr(self)

    def __len__(self):
        if not self._array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self._array.shape[0]

    def __iter__(self):
        if not self._array.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(methods.get_ops().unbind(self, 0))

    def __contains__(self, value):
        return bool((self._array == to_array(value, None)).any())

    def __bool__(self):
        if self._array.size != 1:
            raise ShapeError(
                f"bool: a tensor of shape {self.shape} has no single truth value; "
                "use .any() or .all()"
            )
        return bool(self._array.item())

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    def __index__(self):
        if self._array.dtype.kind not in "iub":
            raise TypeError(f"only integer tensors can be an index, not {self.dtype}")
        return int(self.item())

    # its place in the graph -----------------------------------------------------------------
    @property
    def requires_grad(self):
        """Whether gradients flow to this tensor. Assignable on leaves."""
        return self._history() is not None

    def _history(self):
        """The node; of a view, renewed after a recorded change of what it looks at."""
        if self._view == VIEW and self._storage.rebased != self._epoch:
            methods.get_ops().renew(self)
        return self._node

    @requires_grad.setter
    def requires_grad(self, on):
        self.requires_grad_(on)

    def requires_grad_(self, requires_grad=True):
        """Switch gradients of this leaf on or off, in place; returns the tensor."""
        if requires_grad:
            if not is_float(self._array):
                raise DtypeError(
                    f"requires_grad: only floating tensors have gradients, this is {self.dtype}"
                )
            if self._history() is None:
                from minigrad.engine import Leaf

                self._node = Leaf(self)
        elif self._node is not None:
            if self._node.kind != LEAF:
                raise GraphError(
                    "requires_grad: only leaves can be switched off; "
                    f"this tensor was made by {self._node.name()}; use .detach()"
                )
            self._node = None
        return self

    @property
    def is_leaf(self):
        """Whether the user made it: no operation recorded behind it."""
        node = self._history()
        return node is None or node.kind == LEAF

    @property
    def grad_fn(self):
        """The Function that made this tensor, None for a leaf."""
        node = self._history()
        return None if node is None or node.kind == LEAF else node

    @property
    def grad(self):
        """The accumulated gradient, a Tensor of the same shape and dtype, or None."""
        return self._grad

    @grad.setter
    def grad(self, value):
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad: expected a Tensor or None, got {type(value).__name__}")
            if value.shape != self.shape or value.dtype != self.dtype:
                raise ShapeError(
                    f"grad: expected shape {self.shape} and dtype {self.dtype}, "
                    f"got {value.shape} and {value.dtype}"
                )
        self._grad = value

    @property
    def data(self):
        """The same memory without the graph; in-place changes through it count as versions."""
        return self.detach()

    @data.setter
    def data(self, value):
        array = value._array if isinstance(value, Tensor) else to_array(value, self.dtype)
        if array.shape != self.shape or array.dtype != self.dtype:
            raise ShapeError(
                f"data: expected shape {self.shape} and dtype {self.dtype}, "
                f"got {array.shape} and {array.dtype}"
            )
        self._array = array
        self._bump("data")

    def detach(self):
        """The same memory, outside the graph. Shares the version counter."""
        x = wrap(self._array, None)
        x._storage = self._shared()
        x._view = ALIAS
        return x

    def retain_grad(self):
        """Keep `.grad` on this non-leaf too when `backward()` passes."""
        if self._history() is None:
            raise GraphError("retain_grad: this tensor does not require grad")
        if self._node.kind != LEAF:
            this = weakref.ref(self)

            def keep(grad):
                x = this()
                if x is not None:
                    x._grad = grad if x._grad is None else x._grad + grad

            keep.retains = True
            if not any(getattr(h, "retains", False) for h in self._node.hooks or ()):
                self.register_hook(keep)

    def register_hook(self, hook):
        """Call `hook(grad)` with this tensor's gradient; what it returns (or None) replaces it.

        Returns a handle with `remove()`.
        """
        if self._history() is None:
            raise GraphError("register_hook: this tensor does not require grad")
        if self._node.hooks is None:
            self._node.hooks = []
        self._node.hooks.append(hook)
        return HookHandle(self._node.hooks, hook)

    def backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
        """Gradients of this tensor with respect to the leaves, added into their `.grad`.

        Parameters
        ----------
        gradient : Tensor, optional
            The cotangent dL/dself, of this tensor's shape; may be left out for a single element.
        retain_graph : bool, optional
            Keep what the rules saved, for another pass. Default: `create_graph`.
        create_graph : bool
            Record the pass itself, so that the gradients can be differentiated.
        inputs : sequence of Tensor, optional
            Only these leaves receive a gradient.

        Raises
        ------
        GraphError
            The tensor does not require grad; or the graph was freed by an earlier pass.
        ShapeError
            `gradient` is missing for more than one element, or of another shape.

        Examples
        --------
        >>> import minigrad as mg
        >>> x = mg.tensor(3.0, requires_grad=True)
        >>> (x ** 2).backward()
        >>> x.grad
        tensor(6.)
        """
        methods.get_pass()([self], [gradient], retain_graph, create_graph, inputs)

    # versions and copies --------------------------------------------------------------------
    @property
    def _version(self):
        return 0 if self._storage is None else self._storage.version

    def _shared(self):
        """The storage record, made when somebody first needs to share it."""
        if self._storage is None:
            self._storage = Storage.__new__(Storage)
        return self._storage

    def _bump(self, name):
        """Note that the memory was changed in place by the operation `name`."""
        storage: Storage = self._shared()
        storage.version += 1
        storage.changed_by = name

    def __reduce__(self):
        if not self.is_leaf:
            raise GraphError(
                f"only leaves can be pickled or deep-copied; this tensor was made by "
                f"{self._node.name()}; use .detach()"
            )
        extra = getattr(self, "__dict__", {})
        state = {name: value for name, value in extra.items() if name not in FIELDS}
        return rebuild, (type(self), self._array.copy(), self.requires_grad, self._grad, state)

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            make, arguments = self.__reduce__()
            x = make(*arguments)
            x._grad = None if self._grad is None else self._grad.detach().clone()
            memo[id(self)] = x
        return memo[id(self)]


def rebuild(cls, array, requires_grad, grad, state):
    """A leaf from its parts (what pickle calls)."""
    x = cls.__new__(cls)
    x._array = array
    x._grad = grad
    if state:
        x.__dict__.update(state)
    return x.requires_grad_(requires_grad)


class HookHandle:
    """Undoes a `register_hook`."""

    def __init__(self, hooks, hook):
        self._hooks, self._hook = hooks, hook

    def remove(self):
        """Take the hook off; a second call does nothing."""
        self._hooks[:] = [h for h in self._hooks if h is not self._hook]


def to_array(data, dtype=None):
    """A fresh ndarray of a supported dtype from numbers, nested lists, arrays or tensors."""
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(data, Tensor):
        return data._array.astype(wanted or data.dtype, copy=True)
    if isinstance(data, (np.ndarray, np.generic)):
        return np.array(data, dtype=wanted or as_dtype(data.dtype), order="C")
    try:
        array = np.array(data)
    except ValueError as error:
        raise ShapeError(f"tensor: the nested lists have uneven lengths ({error})") from None
    if array.dtype == np.float64 and wanted is None:
        wanted = np.dtype(np.float32)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"tensor: expected numbers, got {type(data).__name__} of {array.dtype}")
    return array.astype(wanted or as_dtype(array.dtype), copy=False)


if not cython.compiled:  # C fields start as None and 0; Python's must be told
    Tensor._array = Tensor._node = Tensor._grad = Tensor._storage = Tensor._base = None
    Tensor._view = Tensor._epoch = 0
