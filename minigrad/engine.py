"""The graph: a Tensor is an array and the Function that made it; a Function knows how to go back.

Read in this order: `Tensor` (what it carries), `Function` (what an operation is, what it may
save), `Unary`, `Binary` and `Nary` (how an operation is recorded). Then `backward.py`: the pass
from a result back to the leaves; it is one screen long.

    x ──edge── Mul ──edge── Sum ── loss        edges point from a Function to the Functions
    w ──edge────┘                              that made its inputs, never to data

* A tensor that requires a gradient has a `_node`: the Function that made it or, for a leaf, a
  `Leaf`. Nothing in the graph points forward, so dropping the result frees the graph at once.
* A Function saves only what its rule reads. Each saved tensor remembers its version; `backward`
  refuses to use one that was changed in place since.
* A rule (`Function.backward`) is written in Tensor operations: with `create_graph=True` they are
  recorded like any others, and that is all that second order needs.
"""

import threading
import traceback
import weakref

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.dtypes import as_dtype, result_type
from minigrad.errors import DtypeError, GraphError, InplaceError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad._array import (
        is_array,
        is_float,
        ndim,
        same_dtype,
        same_memory,
        same_shape,
    )
    from cython.cimports.minigrad._thread import get_grad_mode, set_grad_mode
    from cython.cimports.minigrad.methods import Methods
else:
    from minigrad._array import is_array, is_float, ndim, same_dtype, same_memory, same_shape
    from minigrad.methods import Methods

    _mode = threading.local()

    def get_grad_mode():
        return getattr(_mode, "on", True)

    def set_grad_mode(on):
        _mode.on = on


from minigrad import methods

INNER, LEAF, PICK, CUSTOM = 0, 1, 2, 3  # Function.kind
FIELDS = {"_array", "_node", "_grad", "_storage", "_view", "_epoch"}  # of a Tensor, see the .pxd
OWNER, VIEW, ALIAS = 0, 1, 2  # Tensor._view: owns its memory; a view in the graph; detached

_anomaly = {"on": False}


# Is the graph being recorded? ---------------------------------------------------------------


@cython.ccall
@cython.exceptval(check=False)
def is_grad_enabled() -> cython.bint:
    """Whether operations are recorded in this thread. See `no_grad`."""
    return get_grad_mode()


@cython.cfunc
@cython.exceptval(check=False)
def switch_grad(on: cython.bint) -> cython.void:
    set_grad_mode(on)


def set_grad_mode_(on):
    """Switch recording in this thread; the context managers in `grad_mode.py` are for users."""
    set_grad_mode(on)


# Tensor -------------------------------------------------------------------------------------


@cython.cclass
class Storage:
    """The version of a piece of memory, shared by all tensors that look at it.

    `version` counts changes in place, `changed_by` names the last; `rebased` counts those that
    were recorded in the graph, after which older views no longer tell the truth about it.
    """


@cython.ccall
def wrap(array, node: "Function" = None) -> "Tensor":
    """The Tensor around an ndarray, made by `node` (None: no graph)."""
    x: Tensor = Tensor.__new__(Tensor)
    x._array = array if is_array(array) else np.asarray(array)  # NumPy's scalars become 0-d
    x._node = node
    return x


@cython.ccall
def producer(x: "Tensor") -> "Function":
    """The graph node that a new operation on `x` must point to, or None."""
    if x._view == VIEW and x._storage.rebased != x._epoch:
        raise InplaceError(
            f"a view of shape {x.shape} is older than the in-place operation "
            f"`{x._storage.changed_by}` on the tensor it looks at; take the view again after it"
        )
    return x._node


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
    ndim, size : int
        Number of axes, number of elements.
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
            raise ShapeError(f"item: the tensor has {self._array.size} elements, shape {self.shape}")
        return self._array.item()

    def tolist(self):
        """The elements as nested lists (a number for a 0-d tensor)."""
        return self._array.tolist()

    def numpy(self):
        """The array itself, sharing memory. Writes through it are not seen by version checks."""
        if self._node is not None:
            raise GraphError(
                "numpy: this tensor requires grad, and an array would leave the graph; "
                "use tensor.detach().numpy()"
            )
        return self._array

    def __array__(self, dtype=None, copy=None):
        if self._node is not None:
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
        return self._node is not None

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
            if self._node is None:
                leaf: Leaf = Leaf.__new__(Leaf)
                leaf.kind = LEAF
                leaf.ndim = self._array.ndim
                leaf.variable = weakref.ref(self)
                self._node = leaf
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
        return self._node is None or self._node.kind == LEAF

    @property
    def grad_fn(self):
        """The Function that made this tensor, None for a leaf."""
        return None if self._node is None or self._node.kind == LEAF else self._node

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
        if self._node is None:
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
        """Call `hook(grad)` with this tensor's gradient; what it returns, if not None, replaces it.

        Returns a handle with `remove()`.
        """
        if self._node is None:
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
        from minigrad.backward import backward

        backward([self], [gradient], retain_graph, create_graph, inputs)

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


# Function -----------------------------------------------------------------------------------


@cython.trashcan(True)
@cython.cclass
class Function:
    """One recorded operation: base of all operations.

    A subclass has `forward` (arrays in, array out) and `backward` (the cotangent of the output
    in, the cotangent of each input out), and is used through `apply`. In `forward` it may say
    what its rule will read: `save_input(i)`, `save_output()`, `save_arrays(...)`.

    `ndim` is the output's number of axes; a batch of cotangents has one more, in front.
    """

    @cython.ccall
    def backward(self, grad):
        """The rule: cotangents of the inputs, from that of the output."""
        raise NotImplementedError(f"{self.name()} has no backward")

    def name(self):
        """The operation's name, for errors and reprs."""
        return type(self).__name__

    def __repr__(self):
        return f"<{self.name()}>"

    @property
    def next_functions(self):
        """The Functions that made the inputs (None where no gradient is needed)."""
        return self.edges or ()

    # in forward: what to save ---------------------------------------------------------------
    @cython.ccall
    def save_input(self, i: cython.int):
        """Keep input `i` for the rule."""
        self._saves |= 1 << i

    @cython.ccall
    def save_output(self):
        """Keep the output for the rule."""
        self._saves_out = True

    def save_arrays(self, *arrays):
        """Keep plain arrays, constants of the rule: masks, indices, statistics."""
        self._arrays = arrays

    @cython.ccall
    def broadcasts(self):
        """Inputs were broadcast: the engine sums their gradients back to their shapes."""
        self._broadcasts = True

    @cython.ccall
    def makes_view(self):
        """The output looks at the memory of input 0."""
        self._makes_view = True

    @property
    def batched(self):
        """Whether the rule takes a batch of cotangents (K, *output.shape) at once."""
        return not self.loops

    @batched.setter
    def batched(self, on):
        self.loops = not on

    # in backward: what was saved ------------------------------------------------------------
    @cython.ccall
    def needs_grad(self, i: cython.int) -> cython.bint:
        """Whether anybody waits for the gradient of input `i`."""
        if self.edges is None:
            return False
        edge: Function = self.edges[i]
        return edge is not None and (not self.running or edge.needed)

    @cython.ccall
    def input(self, i: cython.int):
        """Saved input `i`: a Tensor with its graph (a number where a number was given)."""
        if self._inputs is None:
            self.complain()
        x = self._inputs[i]
        if isinstance(x, Tensor):
            tensor: Tensor = x
            if tensor._storage is not None:
                saved: cython.long = 0 if self._versions is None else self._versions[i]
                if tensor._storage.version != saved:
                    self.complain_version(tensor._storage, f"input {i}", tensor.shape)
        return x

    @cython.ccall
    def output(self):
        """The saved output: a Tensor with its graph."""
        if self._out is None:
            self.complain()
        if self._out_storage.version != self._out_version:
            self.complain_version(self._out_storage, "its output", self._out.shape)
        x = wrap(self._out, self)
        x._storage = self._out_storage
        return x

    def arrays(self):
        """The tuple of arrays given to `save_arrays`."""
        if self._arrays is None:
            self.complain()
        return self._arrays

    def complain(self):
        """Raise the error of a rule whose saved values are gone or were never saved."""
        if self._released:
            raise GraphError(
                f"backward: the graph was already freed behind {self.name()}; to go through it "
                "twice, say retain_graph=True in the first pass"
            )
        raise GraphError(f"{self.name()}: its backward reads a value that forward did not save")

    def complain_version(self, storage, what, shape):
        """Raise the error of a saved tensor that was changed in place."""
        raise InplaceError(
            f"backward: {self.name()} saved {what}, shape {tuple(shape)}, which was then changed "
            f"in place by `{storage.changed_by}`; change a clone, or change it before it is used"
        )

    @cython.ccall
    def release(self):
        """Free what the rule saved."""
        if self._inputs is not None or self._out is not None or self._arrays is not None:
            self._released = True
            self._inputs = self._out = self._out_storage = self._versions = self._arrays = None

    # recording ------------------------------------------------------------------------------
    @cython.cfunc
    def finish(self, out, x, y) -> Tensor:
        """Record this node behind `out` (edges are set): save, note shapes. `x`, `y`: inputs."""
        result: Tensor = wrap(out, self)
        out = result._array
        self.ndim = ndim(out)
        if self._saves:
            self._inputs = (x if self._saves & 1 else None, y if self._saves & 2 else None)
            self._versions = versions_of(self._inputs)
        if self._broadcasts:
            self.in_shapes = shapes_to_restore(out, (x, y))
        if self._saves_out:
            save_out(self, result)
        if self._makes_view:
            link_view(result, x)
        if _anomaly["on"]:
            self.trace = traceback.extract_stack()
        return result


@cython.cfunc
def versions_of(inputs: tuple):
    """Versions of the saved tensors, None where all are still 0 (the common case)."""
    for x in inputs:
        if isinstance(x, Tensor) and x._storage is not None and x._storage.version:
            return tuple(t._version if isinstance(t, Tensor) else 0 for t in inputs)
    return None


@cython.cfunc
def shapes_to_restore(out, inputs: tuple):
    """Shape of each input that was broadcast to `out`, None where all have its shape."""
    differ = False
    for x in inputs:
        if isinstance(x, Tensor):
            t: Tensor = x
            if t._node is not None and not same_shape(t._array, out):
                differ = True
    if not differ:
        return None
    return tuple(x.shape if isinstance(x, Tensor) else None for x in inputs)


@cython.cfunc
def save_out(node: Function, result: Tensor):
    node._out = result._array
    node._out_storage = result._shared()
    node._out_version = node._out_storage.version


@cython.cfunc
def link_view(result: Tensor, x: Tensor):
    result._storage = x._shared()
    result._view = x._view if x._view == ALIAS else VIEW
    result._epoch = result._storage.rebased


@cython.cclass
class Unary(Function):
    """An operation on one tensor."""

    @cython.ccall
    def forward(self, x):
        """The array of the result, from that of the input."""
        raise NotImplementedError(f"{self.name()} has no forward")

    @cython.ccall
    def apply(self, x) -> Tensor:
        """Do the operation on the Tensor `x` and record it."""
        if not isinstance(x, Tensor):
            raise TypeError(f"{self.name()}: expected a Tensor, got {type(x).__name__}")
        t: Tensor = x
        node: Function = producer(t)
        if node is not None and get_grad_mode():
            self.edges = (node,)
            return self.finish(self.forward(t._array), t, None)
        out = self.forward(t._array)
        result: Tensor = wrap(out, None)
        if self._makes_view:
            link_view(result, t)
        return result


@cython.cclass
class Binary(Function):
    """An operation on two tensors, or a tensor and a number on either side."""

    @cython.ccall
    def forward(self, x, y):
        """The array of the result, from those of the inputs."""
        raise NotImplementedError(f"{self.name()} has no forward")

    @cython.ccall
    def apply(self, x, y) -> Tensor:
        """Do the operation on `x` and `y`, of one dtype after promotion, and record it."""
        x_node: Function = None
        y_node: Function = None
        a = x
        b = y
        plain: cython.bint
        if isinstance(x, Tensor):
            tx: Tensor = x
            x_node = producer(tx)
            a = tx._array
            if isinstance(y, Tensor):
                ty: Tensor = y
                y_node = producer(ty)
                b = ty._array
                plain = same_dtype(a, b)
            else:
                plain = type(y) in (float, int) and is_float(a)
        elif isinstance(y, Tensor):
            uy: Tensor = y
            y_node = producer(uy)
            b = uy._array
            plain = type(x) in (float, int) and is_float(b)
        else:
            plain = False
        if not plain:
            promoted = promote(self, x, y)
            if promoted is not None:
                return self.apply(*promoted)
        try:
            if (x_node is not None or y_node is not None) and get_grad_mode():
                self.edges = (x_node, y_node)
                return self.finish(self.forward(a, b), x, y)
            out = self.forward(a, b)
        except ValueError as error:
            raise shape_error(self, a, b, error) from None
        return wrap(out, None)


def shape_error(node, a, b, error):
    """The error of an operation whose two shapes do not go together."""
    if "broadcast" in str(error):
        return ShapeError(
            f"{node.name().lower()}: shapes {np.shape(a)} and {np.shape(b)} do not broadcast"
        )
    return error


@cython.cfunc
def promote(node: Function, x, y):
    """The operands as (Tensor or plain number) of one dtype; None where they already are."""
    operands = []
    for operand in (x, y):
        if isinstance(operand, np.ndarray):
            operand = Tensor(operand)
        elif isinstance(operand, np.generic):
            operand = operand.item()
        elif not isinstance(operand, (Tensor, float, int)):
            raise TypeError(
                f"{node.name().lower()}: expected a Tensor or a number, "
                f"got {type(operand).__name__}"
            )
        operands.append(operand)
    arrays = [t._array if isinstance(t, Tensor) else t for t in operands]
    dtype = result_type(arrays[0], arrays[1])
    changed = operands[0] is not x or operands[1] is not y
    for i in (0, 1):
        if isinstance(operands[i], Tensor):
            if operands[i].dtype != dtype:
                operands[i] = methods.get_ops().to(operands[i], dtype)
                changed = True
        elif isinstance(operands[1 - i], Tensor):
            kind = {"f": float, "b": bool}.get(dtype.kind, int)
            if type(operands[i]) is not kind:
                operands[i] = kind(operands[i])
                changed = changed or dtype.kind != "f"
        else:
            operands[i] = Tensor(operands[i])
            changed = True
    return operands if changed else None


@cython.cclass
class Nary(Function):
    """An operation on any number of tensors; `forward` and `backward` are given them in order.

    `forward` may return a tuple of arrays: then `apply` returns a tuple of Tensors, and
    `backward` receives a tuple of cotangents, None where none came.
    """

    def apply(self, *inputs):
        """Do the operation and record it. What is not a Tensor is handed on as it is."""
        arrays = [x._array if isinstance(x, Tensor) else x for x in inputs]
        nodes = tuple([producer(x) if isinstance(x, Tensor) else None for x in inputs])
        if not get_grad_mode() or not any([node is not None for node in nodes]):
            out = self.forward(*arrays)
            if type(out) is tuple:
                return tuple([wrap(array, None) for array in out])
            result = wrap(out, None)
            if self._makes_view:
                link_view(result, inputs[0])
            return result
        self.edges = nodes
        out = self.forward(*arrays)
        if self._saves:
            kept = [x if self._saves >> i & 1 else None for i, x in enumerate(inputs)]
            self._inputs = tuple(kept)
            self._versions = versions_of(self._inputs)
            self._saves = 0
        if type(out) is tuple:
            if _anomaly["on"]:
                self.trace = traceback.extract_stack()
            return tuple([pick(self, i, np.asarray(array)) for i, array in enumerate(out)])
        shapes = None
        if self._broadcasts:
            shapes = shapes_to_restore(np.asarray(out), inputs)
            self._broadcasts = False
        result = self.finish(out, inputs[0], None)
        self.in_shapes = shapes
        return result


# The two Functions that are not operations ----------------------------------------------------


@cython.cclass
class Leaf(Function):
    """Where the graph ends: adds the gradient that arrives into `variable().grad`."""

    def name(self):
        return "Leaf"


@cython.cclass
class Pick(Function):
    """Output `index` of a Function with several: hands its gradient to that place."""

    def name(self):
        return f"{self.edges[0].name()}[{self.index}]"


@cython.cfunc
def pick(node: Function, index: cython.int, array) -> Tensor:
    """Output `index` of `node` as a Tensor; integer outputs carry no gradient."""
    if not is_float(array):
        return wrap(array, None)
    selector: Pick = Pick.__new__(Pick)
    selector.kind = PICK
    selector.index = index
    selector.edges = (node,)
    selector.ndim = ndim(array)
    node.ndim = ndim(array)
    return wrap(array, selector)


# Changes in place -----------------------------------------------------------------------------


def overwrite(x, name, compute):
    """x := compute(x) in x's own memory, recorded; the heart of every in-place operation.

    Right or refused: a leaf that requires grad, a view in the graph and memory that several
    elements share are refused with an error that says what to do instead.
    """
    recording = get_grad_mode()
    if recording and x._node is not None and x._node.kind == LEAF:
        raise InplaceError(
            f"{name}: a leaf that requires grad is changed in place; "
            "do it under no_grad(), or on a clone"
        )
    producer(x)
    old = wrap(x._array, x._node)
    old._storage = x._storage
    result = compute(old)
    if result.shape != x.shape:
        raise ShapeError(f"{name}: the result has shape {result.shape}, the tensor {x.shape}")
    if not np.can_cast(result.dtype, x.dtype, "same_kind"):
        raise DtypeError(f"{name}: the result is {result.dtype} and the tensor {x.dtype}")
    if not x._array.flags.writeable:
        raise InplaceError(
            f"{name}: several elements of this tensor of shape {x.shape} share memory "
            "(it was expanded, or made from a read-only array); use .clone() first"
        )
    if result._node is not None:
        if x._view == VIEW:
            raise InplaceError(
                f"{name}: this tensor of shape {x.shape} is a view, and a recorded change of a "
                "view is not supported; change the tensor it looks at (x[i] = ...), or a clone"
            )
        old._array = x._array.copy()  # what the graph saved keeps its values
        old._storage = None
    np.copyto(x._array, result._array, casting="same_kind")
    x._bump(name)
    if result._node is not None:
        x._node = result._node
        if x._view == OWNER:
            x._storage.rebased += 1
    return x


if not cython.compiled:  # C fields start as None and 0; Python's must be told
    Storage.version = Storage.rebased = 0
    Storage.changed_by = None
    Tensor._array = Tensor._node = Tensor._grad = Tensor._storage = None
    Tensor._view = Tensor._epoch = 0
    for _name in (
        "edges in_shapes _inputs _versions _arrays _out _out_storage buffer hooks trace"
    ).split():
        setattr(Function, _name, None)
    for _name in (
        "ndim kind loops _out_version _released _saves _saves_out _broadcasts _makes_view "
        "running needed runs owned cursor visit"
    ).split():
        setattr(Function, _name, 0)
