"""In-place forms of the operations of shape and indexing.

Two kinds: those that write elements go through `overwrite`, as all in-place operations do; those
that only change how a tensor sees its memory (``squeeze_``, ``t_`` …) give it another array over
the same memory, and a node that says so.
"""

import numpy as np

from minigrad.engine import producer
from minigrad.errors import InplaceError, ShapeError
from minigrad.grad_mode import enable_grad
from minigrad.ops.arguments import check_tensor
from minigrad.ops.axes import swapaxes, swapdims, t, transpose
from minigrad.ops.inplace import in_place
from minigrad.ops.reshape import squeeze, unsqueeze
from minigrad.ops.scatter import (
    index_add,
    index_copy,
    index_fill,
    index_put,
    masked_fill,
    masked_scatter,
    scatter,
    scatter_add,
)
from minigrad.ops.triangle import tril, triu
from minigrad.tensor import LEAF
from minigrad.tensor import wrap as wrapped

__all__ = []
METHODS = """
    masked_fill_ masked_scatter_ index_put_ index_add_ index_fill_ index_copy_ scatter_
    scatter_add_ tril_ triu_ fill_diagonal_ squeeze_ unsqueeze_ transpose_ swapaxes_ swapdims_ t_
""".split()

masked_fill_ = in_place("masked_fill_", masked_fill)
masked_scatter_ = in_place("masked_scatter_", masked_scatter)
index_put_ = in_place("index_put_", index_put)
index_add_ = in_place("index_add_", index_add)
index_fill_ = in_place("index_fill_", index_fill)
index_copy_ = in_place("index_copy_", index_copy)
scatter_ = in_place("scatter_", scatter)
scatter_add_ = in_place("scatter_add_", scatter_add)
tril_ = in_place("tril_", tril)
triu_ = in_place("triu_", triu)


def _fill_diagonal(input, fill_value, wrap=False):
    """`input` with `fill_value` on its main diagonal."""
    shape = input.shape
    if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
        raise ShapeError(
            f"fill_diagonal_: expected a matrix or axes of one length, got shape {shape}"
        )
    mask = np.zeros(shape, bool)
    if mask.size:
        np.fill_diagonal(mask, True, wrap)
    return masked_fill(input, wrapped(mask), fill_value)


fill_diagonal_ = in_place("fill_diagonal_", _fill_diagonal)


def seen_as(name, function):
    """The in-place form `name` of a `function` that gives a view."""

    def changed(input, *args, **kwargs):
        check_tensor(input, name)
        node = producer(input)
        if node is not None and node.kind == LEAF:
            raise InplaceError(
                f"{name}: a leaf that requires grad cannot get another shape in place; "
                f"use .{name[:-1]}()"
            )
        with enable_grad():
            seen = function(wrapped(input._array, node), *args, **kwargs)
        input._array = seen._array
        input._node = seen._node
        input._bump(name)  # a rule that saved the tensor would find another shape
        return input

    changed.__name__ = changed.__qualname__ = name
    changed.__doc__ = f"`{name[:-1]}` of `input` itself, which it returns; no element changes."
    return changed


squeeze_ = seen_as("squeeze_", squeeze)
unsqueeze_ = seen_as("unsqueeze_", unsqueeze)
transpose_ = seen_as("transpose_", transpose)
swapaxes_ = seen_as("swapaxes_", swapaxes)
swapdims_ = seen_as("swapdims_", swapdims)
t_ = seen_as("t_", t)
