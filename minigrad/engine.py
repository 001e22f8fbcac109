"""The graph: a Tensor is an array and the Function that made it; a Function knows how to go back.

Read `tensor.py` first (what a Tensor carries), then here `Function` (what an operation is, what
it may save) and `Unary`, `Binary` and `Nary` (how an operation is recorded). Then `backward.py`:
the pass from a result back to the leaves.

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

from minigrad.dtypes import result_type
from minigrad.errors import GraphError, InplaceError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad._array import (
        is_float,
        ndim,
        same_dtype,
        same_shape,
    )
    from cython.cimports.minigrad._thread import get_grad_mode, set_grad_mode
    from cython.cimports.minigrad.tensor import Tensor, wrap
else:
    from minigrad._array import is_float, ndim, same_dtype, same_shape
    from minigrad.tensor import Tensor, wrap

    _mode = threading.local()

    def get_grad_mode():
        return getattr(_mode, "on", True)

    def set_grad_mode(on):
        _mode.on = on


from minigrad import methods
from minigrad.tensor import LEAF, OWNER, PICK, VIEW

_anomaly = cython.declare(cython.bint, False)  # keep a trace of every operation
_look = None  # who wants to see every result meanwhile


def trace_operations(on, look=None):
    """Switch on or off that operations remember who called them; return what it was.

    `look(node, array)`, if not None, is called with every recorded operation and its result.
    """
    global _anomaly, _look
    before = bool(_anomaly), _look
    _anomaly, _look = on, look
    return before


def trace(node, *arrays):
    """Remember who called the operation `node`."""
    node.trace = traceback.extract_stack()
    if _look is not None:
        for array in arrays:
            _look(node, array)


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


@cython.ccall
def producer(x: Tensor) -> "Function":
    """The graph node that a new operation on `x` must point to, or None."""
    if x._view == VIEW and x._storage.rebased != x._epoch:
        methods.get_ops().renew(x)
    return cython.cast(Function, x._node)


# Function -----------------------------------------------------------------------------------


@cython.freelist(512)  # serves every operation that adds no field of its own
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
        edge: Function = cython.cast(Function, self.edges[i])
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
        if _anomaly:
            trace(self, out)
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
    result._view = VIEW
    result._epoch = result._storage.rebased
    result._base = x if x._view == OWNER else x._base


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
    """The error of an operation on two arrays, named."""
    if str(error).startswith(node.name().lower()):
        return error
    if "broadcast" in str(error):
        return ShapeError(
            f"{node.name().lower()}: shapes {np.shape(a)} and {np.shape(b)} do not broadcast"
        )
    return type(error)(f"{node.name().lower()}: {error}")


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
            if dtype.kind in "iu" and not 0 <= operands[i] < 128:  # wraps around, as in PyTorch
                if not -(2**63) <= operands[i] < 2**63:
                    raise ValueError(f"{node.name().lower()}: {operands[i]} is not an int64")
                wrapped = np.asarray(operands[i], np.int64).astype(dtype).item()
                changed = changed or wrapped != operands[i]
                operands[i] = wrapped
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
        if not get_grad_mode() or nodes.count(None) == len(nodes):
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
            if _anomaly:
                trace(self, *out)
            self.n_outputs = len(out)
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
    """Where the graph ends: the gradient that arrives is added into `variable().grad`.

    The tensor holds its Leaf, and the Leaf only a weak reference to it: no cycle.
    """

    def __init__(self, tensor):
        self.kind = LEAF
        self.ndim = tensor.ndim
        self.variable = weakref.ref(tensor)


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


if not cython.compiled:  # C fields start as None and 0; Python's must be told
    for _name in (
        "edges in_shapes _inputs _versions _arrays _out _out_storage buffer hooks trace"
    ).split():
        setattr(Function, _name, None)
    for _name in (
        "ndim kind n_outputs loops _out_version _released _saves _saves_out _broadcasts "
        "_makes_view running needed runs owned cursor visit"
    ).split():
        setattr(Function, _name, 0)
