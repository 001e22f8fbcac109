"""The backward pass: from results to leaves, each Function once, in reverse topological order.

    order = everything reachable, inputs before outputs          (iterative depth-first search)
    for node in reversed(order):
        cotangents = node.backward(node.buffer)                  (the rule of the operation)
        for each input: add its cotangent to its producer's buffer

The state of a pass lies in fields of the nodes (`visit`, `cursor`, `buffer`), which costs nothing;
a lock keeps threads apart, and a pass inside a pass (a hook or a rule that calls `backward`) puts
back what it found.
"""

import os
import threading
import warnings

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad import methods
from minigrad.errors import AnomalyError, DtypeError, GraphError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad._array import ndim, same_dtype, same_shape
    from cython.cimports.minigrad.engine import (
        Function,
        Tensor,
        is_grad_enabled,
        producer,
        switch_grad,
        wrap,
    )
    from cython.cimports.minigrad.kernels import elementwise as fast
    from cython.cimports.minigrad.methods import slots
else:
    from minigrad import kernels as fast
    from minigrad._array import ndim, same_dtype, same_shape
    from minigrad.engine import Function, Tensor, is_grad_enabled, producer, switch_grad, wrap
    from minigrad.methods import slots

from minigrad import tensor as tensor_module

_LEAF = cython.declare(cython.int, tensor_module.LEAF)
_PICK = cython.declare(cython.int, tensor_module.PICK)
_CUSTOM = cython.declare(cython.int, tensor_module.CUSTOM)

_PACKAGE = os.path.dirname(tensor_module.__file__) + os.sep
_lock = threading.RLock()
_passes = cython.declare(cython.long, 0)  # so far
_depth = cython.declare(cython.int, 0)  # of passes within passes
observers: list = []  # called with the outputs before each pass of `backward`
_ones = {np.dtype(kind): np.ones((), kind) for kind in ("f4", "f8")}


# What the user calls --------------------------------------------------------------------------


def backward(outputs, gradients, retain_graph=None, create_graph=False, inputs=None):
    """Add d(outputs)/d(leaf) into every leaf's `.grad` (see `Tensor.backward`)."""
    if create_graph:
        warnings.warn(
            "backward(create_graph=True) makes a reference cycle between a leaf and its .grad, "
            "which keeps the graph alive; use minigrad.grad, or set .grad = None when done",
            UserWarning,
            stacklevel=3,
        )
    seeds = [seed(x, g, k, "backward", False) for k, (x, g) in enumerate(zip(outputs, gradients))]
    for observer in list(observers) if observers else ():
        observer(outputs)
    retain = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        run(outputs, seeds, None, retain, create_graph)
        return
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    grads = run(outputs, seeds, inputs, retain, create_graph)
    for x, g in zip(inputs, grads):
        if g is not None:
            accumulate(x, g, False, create_graph)


def seed(output, gradient, k, caller, is_batched):
    """The cotangent that starts at `output`: checked, or 1 for a single element."""
    if not isinstance(output, Tensor):
        raise TypeError(f"{caller}: output {k} is a {type(output).__name__}, not a Tensor")
    if output._node is None:
        raise GraphError(
            f"{caller}: output {k}, shape {output.shape}, does not require grad: no input of it "
            "does, or it was computed under no_grad or from .detach() or .numpy()"
        )
    if gradient is None:
        if output.numel() != 1:
            raise ShapeError(
                f"{caller}: output {k} has shape {output.shape}; the gradient can be left out "
                "only for a single element (reduce it, e.g. .sum(), or pass the cotangent)"
            )
        one = _ones[output.dtype].copy()
        return wrap(one if not output.ndim else one.reshape(output.shape), None)
    if not isinstance(gradient, Tensor):
        gradient = Tensor(gradient, dtype=output.dtype)
    if gradient.dtype != output.dtype:
        raise DtypeError(
            f"{caller}: the gradient of output {k} is {gradient.dtype}, the output {output.dtype}"
        )
    shape = gradient.shape[1:] if is_batched else gradient.shape
    if shape != output.shape or (is_batched and gradient.ndim != output.ndim + 1):
        batch = " after the batch axis" if is_batched else ""
        raise ShapeError(
            f"{caller}: the gradient of output {k} must have its shape {output.shape}{batch}, "
            f"got {gradient.shape}"
        )
    return gradient


# The pass -------------------------------------------------------------------------------------


def run(outputs, seeds, inputs, retain_graph, create_graph):
    """Cotangents of `inputs` (None: accumulate into the leaves) from those of `outputs`."""
    global _passes, _depth
    node: Function
    with _lock:
        _passes += 1
        _depth += 1
        stash = [] if _depth > 1 else None
        recording = is_grad_enabled()
        order: list = topological([producer(x) for x in outputs], _passes, stash)
        try:
            captures = None
            if inputs is not None:
                captures = {producer(x): None for x in inputs}
                mark_needed(order, captures)
            for x, gradient in zip(outputs, seeds):
                deliver(producer(x), gradient, False, create_graph)
            switch_grad(bool(create_graph))
            sweep(order, captures, retain_graph, create_graph)
            return None if captures is None else [captures[producer(x)] for x in inputs]
        finally:
            switch_grad(recording)
            _depth -= 1
            if not _depth:
                forget_infinity()
            for k in range(len(order)):
                node = cython.cast(Function, order[k])
                node.buffer = None
            if stash is not None:
                restore(stash)


def forget_infinity():
    """Before the next pass."""
    global _infinite
    _infinite = None


def reaches(outputs, x):
    """Whether `x` is in the graph of the outputs."""
    goal, path = producer(x), [producer(y) for y in outputs]
    seen = set(path)
    while path:
        node = path.pop()
        if node is goal:
            return True
        for edge in node.edges or ():
            if edge is not None and edge not in seen:
                seen.add(edge)
                path.append(edge)
    return False


@cython.cfunc
def topological(roots: list, mark: cython.long, stash) -> list:
    """Every node reachable from `roots`, inputs before outputs; without recursion."""
    order: list = []
    path: list = []
    node: Function
    child: Function
    for root in roots:
        node = root
        if node.visit == mark:
            continue
        enter(node, mark, stash)
        path.append(node)
        while path:
            node = cython.cast(Function, path[-1])
            if node.edges is None or node.cursor == len(node.edges):
                path.pop()
                order.append(node)
                continue
            child = cython.cast(Function, node.edges[node.cursor])
            node.cursor += 1
            if child is not None and child.visit != mark:
                enter(child, mark, stash)
                path.append(child)
    return order


@cython.cfunc
def enter(node: Function, mark: cython.long, stash):
    """First visit of `node` in this pass; an outer pass's state goes to the stash."""
    if stash is not None:
        state = (node, node.visit, node.needed, node.runs, node.running, node.owned, node.buffer)
        stash.append(state)
    node.visit = mark
    node.cursor = 0
    node.needed = node.runs = True
    node.running = False
    node.buffer = None


@cython.cfunc
def restore(stash: list):
    node: Function
    for node, visit, needed, runs, running, owned, buffer in stash:
        node.visit, node.needed, node.runs = visit, needed, runs
        node.running, node.owned, node.buffer = running, owned, buffer


@cython.cfunc
def mark_needed(order: list, captures):
    """Only nodes with an input behind them run: `runs`; those and the inputs are `needed`."""
    node: Function
    edge: Function
    for node in order:
        node.runs = False
        for edge in node.edges or ():
            if edge is not None and edge.needed:
                node.runs = True
        node.needed = node.runs or node in captures


@cython.cfunc
def sweep(order: list, captures, retain_graph: cython.bint, create_graph: cython.bint):
    """Run the rules from the results back to the leaves."""
    node: Function
    k: cython.Py_ssize_t
    for k in range(len(order) - 1, -1, -1):
        node = cython.cast(Function, order[k])
        grad = node.buffer
        if grad is None:
            continue
        node.buffer = None
        if node.hooks:
            grad = run_hooks(node, grad)
        if captures is not None and node in captures:
            captures[node] = grad
        if node.kind == _LEAF:
            if captures is None:
                variable = node.variable()
                if variable is not None:
                    accumulate(variable, grad, node.owned and not node.hooks, create_graph)
            continue
        if not node.runs:
            continue
        if node.kind == _PICK:
            collect(node, grad, create_graph)
            continue
        step(node, grad, create_graph)
        if not retain_graph:
            node.release()


@cython.cfunc
def step(node: Function, grad, create_graph: cython.bint):
    """One rule: from the cotangent of the node's output to its inputs' producers."""
    lead: cython.int = 0
    if type(grad) is list:
        lead = node.cursor  # set by `collect`
        grad = tuple(grad + [None] * (node.n_outputs - len(grad)))
    else:
        lead = grad_ndim(grad) - node.ndim
    node.running = True
    try:
        if lead and node.loops:
            cotangents = one_by_one(node, grad)
        else:
            cotangents = node.backward(grad)
    finally:
        node.running = False
    if type(cotangents) is not tuple:
        cotangents = (cotangents,)
    edges: tuple = node.edges
    if len(cotangents) != len(edges):
        raise GraphError(
            f"{node.name()}: backward returned {len(cotangents)} gradients for {len(edges)} inputs"
        )
    if node.trace is not None:
        watch(node, cotangents)
    target: Function
    i: cython.Py_ssize_t
    for i in range(len(edges)):
        target = cython.cast(Function, edges[i])
        value = cotangents[i]
        if target is None or value is None or not target.needed:
            continue
        if node.in_shapes is not None and node.in_shapes[i] is not None:
            value = fit(value, node.in_shapes[i], lead)
        fresh = node.kind != _CUSTOM and is_fresh(value, grad, cotangents)
        deliver(target, value, fresh, create_graph)


@cython.cfunc
def grad_ndim(grad: Tensor) -> cython.int:
    return ndim(grad._array)


@cython.cfunc
def fit(value: Tensor, shape: tuple, lead: cython.int):
    """Undo broadcasting: sum `value` to `shape`, behind `lead` batch axes."""
    have = value._array.shape
    return value if have[lead:] == shape else methods.get_ops().sum_to(value, shape, lead)


@cython.cfunc
def is_fresh(value: Tensor, grad, cotangents: tuple) -> cython.bint:
    """Whether nobody else can hold the memory of this cotangent, so that it may be taken over."""
    if value is grad or value._storage is not None or value._node is not None:
        return False
    if type(grad) is tuple:
        return False
    times: cython.int = 0
    for other in cotangents:
        times += other is value
    return times < 2


@cython.cfunc
def deliver(target: Function, grad: Tensor, owned: cython.bint, create_graph: cython.bint):
    """Add `grad` to the buffer of the node `target`; in place where nobody else holds it."""
    if target.buffer is None:
        target.buffer = grad
        target.owned = owned
        return
    have: Tensor = target.buffer
    if (
        target.owned
        and not create_graph
        and same_shape(have._array, grad._array)
        and same_dtype(have._array, grad._array)
    ):
        fast.add_(have._array, grad._array)
    else:
        target.buffer = slots.add(have, grad)
        target.owned = not create_graph


@cython.cfunc
def collect(node: Function, grad, create_graph: cython.bint):
    """Put the cotangent of output `node.index` into the list of its Function."""
    source: Function = node.edges[0]
    if source.buffer is None:
        source.buffer = []
    while len(source.buffer) <= node.index:
        source.buffer.append(None)
    have = source.buffer[node.index]  # another Pick of the same output may have been there
    source.buffer[node.index] = grad if have is None else slots.add(have, grad)
    source.cursor = grad_ndim(grad) - node.ndim  # the batch axes, 0 or 1


@cython.cfunc
def accumulate(variable: Tensor, grad: Tensor, owned: cython.bint, create_graph: cython.bint):
    """variable.grad += grad, keeping the Tensor that is there."""
    if not same_shape(grad._array, variable._array) or not same_dtype(
        grad._array, variable._array
    ):
        raise ShapeError(
            f"backward: a gradient of shape {grad.shape}, {grad.dtype} arrived at a leaf of "
            f"shape {variable.shape}, {variable.dtype}"
        )
    have: Tensor = variable._grad
    if create_graph:
        variable._grad = grad.clone() if have is None else have + grad
    elif have is None:
        variable._grad = grad if owned else wrap(grad._array.copy(), None)
    elif have._node is not None:
        variable._grad = have + grad
    else:
        fast.add_(have._array, grad._array)
        have._bump("backward")


def run_hooks(node, grad):
    """Hooks in the order they were registered; each may replace the gradient."""
    for hook in list(node.hooks):
        result = hook(grad)
        if result is not None:
            if not isinstance(result, Tensor) or result.shape != grad.shape:
                shape = getattr(result, "shape", type(result).__name__)
                raise ShapeError(f"hook: expected a gradient of shape {grad.shape}, got {shape}")
            grad = result
    return grad


def one_by_one(node, grad):
    """The rule of an operation that takes no batch of cotangents: once for each, then stacked."""
    ops = methods.get_ops()
    several = type(grad) is tuple
    count = next(g.shape[0] for g in (grad if several else (grad,)) if g is not None)
    rows = []
    for k in range(count):
        part = tuple(None if g is None else g[k] for g in grad) if several else grad[k]
        row = node.backward(part)
        row = row if type(row) is tuple else (row,)
        if node.in_shapes is not None:
            shapes = node.in_shapes
            row = tuple(r if r is None or s is None else fit(r, s, 0) for r, s in zip(row, shapes))
        rows.append(row)
    return tuple(None if column[0] is None else ops.stack(column) for column in zip(*rows))


def called_at(node):
    """The innermost frame of the call of `node` that is not of this package."""
    users = [f for f in node.trace if not f.filename.startswith(_PACKAGE)]
    return (users or node.trace)[-1]


_infinite = None  # the first operation of a watched pass whose rule made an infinity


def watch(node, cotangents):
    """Raise when a rule made a NaN (`autograd.detect_anomaly`)."""
    global _infinite
    for i, grad in enumerate(cotangents):
        if grad is None or np.isfinite(grad._array).all():
            continue
        if np.isnan(grad._array).any():
            text = (
                f"{node.name()}: its backward made a NaN in the gradient of input {i}, shape "
                f"{grad.shape}; the forward operation was called at {where(node)}"
            )
            born, _infinite = _infinite or node, None
            if born is not node:
                text += (
                    f"; an infinity had been made by the backward of {born.name()}, called at "
                    f"{where(born)}"
                )
            raise AnomalyError(text, born.name(), called_at(born))
        if _infinite is None:
            _infinite = node


def where(node):
    """File, line, function and source of the call of `node`."""
    frame = called_at(node)
    return f"{frame.filename}:{frame.lineno}, in {frame.name}: {frame.line}"


methods.bind_pass(backward)
