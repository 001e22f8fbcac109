"""The operations of shape: other families import the usual ones from here.

    arguments   the checks of dims, sizes and operands that all of them share
    copy        clone contiguous to
    reshape     reshape view flatten ravel unflatten squeeze unsqueeze
    axes        permute transpose t mT movedim flip roll
    expand      expand broadcast_to repeat tile repeat_interleave meshgrid
    join        cat stack hstack vstack dstack
    pieces      narrow split chunk tensor_split unbind
    triangle    diagonal diag tril triu

The rest of indexing stands in `places`, `index`, `gather` and `scatter`.
"""

from minigrad.ops.arguments import check_dim, check_tensor, same_dtypes
from minigrad.ops.axes import mT, permute, transpose
from minigrad.ops.copy import clone, contiguous, to
from minigrad.ops.expand import broadcast_to, expand
from minigrad.ops.join import cat, stack
from minigrad.ops.pieces import narrow, split, unbind
from minigrad.ops.reshape import flatten, reshape, squeeze, unsqueeze, view

__all__ = [
    "check_dim",
    "check_tensor",
    "same_dtypes",
    "mT",
    "permute",
    "transpose",
    "clone",
    "contiguous",
    "to",
    "broadcast_to",
    "expand",
    "cat",
    "stack",
    "narrow",
    "split",
    "unbind",
    "flatten",
    "reshape",
    "squeeze",
    "unsqueeze",
    "view",
]
