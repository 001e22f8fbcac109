"""How an operation writes over memory that the graph knows: `overwrite`, for tensors and views.

A view and the tensor it looks at, its root, share one memory, and the graph must say so after a
recorded change of either:

    y[0].mul_(2)        root   y     := y with its places of y[0] replaced by the result
                        view   y[0]  := the result
                        others       := taken from the new y, when they are next used (`renew`)

The places are positions in the flattened root, found from addresses and strides.
"""

import numpy as np

from minigrad.engine import is_grad_enabled, producer
from minigrad.errors import DtypeError, InplaceError, ShapeError
from minigrad.grad_mode import enable_grad
from minigrad.ops.index import Put, take_flat
from minigrad.ops.shape import reshape
from minigrad.tensor import LEAF, VIEW, wrap

__all__ = []
METHODS = ["renew"]


def overwrite(x, name, compute):
    """x := compute(x) in x's own memory, recorded; the heart of every in-place operation.

    Right or refused: a leaf that requires grad, a view of one, and memory that several elements
    share are refused with an error that says what to do instead.
    """
    recording = is_grad_enabled()
    node = producer(x)
    if recording and node is not None and node.kind == LEAF:
        raise InplaceError(
            f"{name}: a leaf that requires grad is changed in place; "
            "do it under no_grad(), or on a clone"
        )
    if recording and is_outside(x):
        raise InplaceError(
            f"{name}: this tensor of shape {x.shape} is a view of one that requires grad, taken "
            "under no_grad() or before that one did; take the view again, or change a clone"
        )
    # What the graph saves of the old values, views of them included, must keep them.
    old = wrap(x._array.copy() if recording else x._array, node)
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
    if result._node is None:
        np.copyto(x._array, result._array, casting="same_kind")
        x._bump(name)
        return x
    if result.dtype != x.dtype:
        result = result.to(x.dtype)
    if x._view == VIEW:
        _check_root(x, name)
        root = x._base
        before = wrap(root._array, producer(root))
        put = Put(places(x, name).reshape(-1)).apply(
            reshape(before, (-1,)), reshape(result, (-1,))
        )
        root._node = reshape(put, root.shape)._node
        _keep_retaining(before._node, root._node)
    np.copyto(x._array, result._array)
    x._bump(name)
    x._node = result._node
    _keep_retaining(node, x._node)
    x._storage.rebased += 1  # views taken before are renewed when they are used
    x._epoch = x._storage.rebased
    return x


def is_outside(view):
    """Whether this is a view without history of a tensor that has one.

    A change of it would reach the tensor's values and not its history.
    """
    if view._view != VIEW or view._base is None:
        return False
    return producer(view) is None and producer(view._base) is not None


def _keep_retaining(before, after):
    """Move what `retain_grad` left at a tensor's old node to its new one."""
    if before is None or after is None or before is after or not before.hooks:
        return
    retaining = [h for h in before.hooks if getattr(h, "retains", False)]
    before.hooks[:] = [h for h in before.hooks if h not in retaining]
    after.hooks = [*(after.hooks or ()), *retaining]


def _check_root(view, name):
    """Refuse a recorded change of a view whose root cannot follow."""
    root = view._base
    if root is None:
        raise InplaceError(
            f"{name}: this tensor of shape {view.shape} is a view of a detached tensor or passed "
            "a module's hook, and a change of it cannot be recorded; change a clone"
        )
    if root._node is not None and root._node.kind == LEAF:
        raise InplaceError(
            f"{name}: this tensor of shape {view.shape} is a view of a leaf that requires grad; "
            "do it under no_grad(), or on a clone of the leaf"
        )


def places(view, name):
    """Position in the flattened root of each element of `view`, an integer array of its shape."""
    root = view._base._array
    array = view._array
    if not array.size:
        return np.zeros(array.shape, np.int64)
    low, high = np.lib.array_utils.byte_bounds(root)
    first, last = np.lib.array_utils.byte_bounds(array)
    item = root.itemsize
    if first < low or last > high or array.itemsize != item:
        raise InplaceError(
            f"{name}: the tensor that this view of shape {array.shape} looks at has got other data"
        )
    memory = np.full((high - low) // item, -1)  # what lies where, in elements

    def laid_out(like):
        start = (like.__array_interface__["data"][0] - low) // item
        strides = [s // item * memory.itemsize for s in like.strides]
        return np.lib.stride_tricks.as_strided(memory[start:], like.shape, strides)

    laid_out(root)[...] = np.arange(root.size).reshape(root.shape)
    return laid_out(array).copy()


def renew(view):
    """Let a view follow its root, which a recorded change in place has given a new history."""
    root = view._base
    if root is None or (view._node is not None and view._node.kind == LEAF):
        raise InplaceError(
            f"a view of shape {view.shape} is older than the in-place operation "
            f"`{view._storage.changed_by}` on the tensor it looks at; take the view again after it"
        )
    before, view._node = view._node, None
    if root._node is not None:
        with enable_grad():
            picked = take_flat(wrap(root._array, root._node), places(view, "view").reshape(-1))
            view._node = reshape(picked, view.shape)._node
        _keep_retaining(before, view._node)
    view._epoch = view._storage.rebased
