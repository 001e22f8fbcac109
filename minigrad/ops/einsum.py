"""Sums of products over named axes, in Einstein's notation.

They become permutations, reshapes and batched matrix products, whose derivatives they inherit.
"""

from functools import lru_cache
from string import ascii_letters

import numpy as np

from minigrad.errors import DtypeError, ShapeError
from minigrad.ops.linalg import matmul
from minigrad.ops.reduce import sum as sum_over
from minigrad.ops.shape import (
    check_tensor,
    permute,
    reshape,
    same_dtypes,
    squeeze,
)
from minigrad.tensor import Tensor

__all__ = ["einsum"]


def einsum(equation, *operands):
    """Sum of products over named axes, in Einstein's notation.

    Parameters
    ----------
    equation : str
        A letter for each axis, operands separated by commas: ``"ij,jk->ik"``. A letter that is
        not in the output is summed; one that stands twice in an operand takes the diagonal;
        ``...`` stands for axes without a name, which broadcast, as axes of length 1 do. Without
        ``->`` the output has the axes of ``...``, then the letters that stand once, sorted.
    operands : Tensor
        Also one list of them. In place of the equation, lists of integers in [0, 52) and
        Ellipsis may follow each operand (and, last, name the output).

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError, ShapeError, DtypeError
        The equation is malformed or does not fit the operands; lengths differ; a contraction of
        different dtypes.

    Examples
    --------
    >>> import minigrad as mg
    >>> a = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> mg.einsum("ij,kj->ik", a, a)
    tensor([[ 5., 11.],
            [11., 25.]])
    >>> mg.einsum("ii", a)
    tensor(5.)
    """
    if isinstance(equation, Tensor):
        operands, inputs, output = from_lists((equation, *operands))
    elif isinstance(equation, str):
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = operands[0]
        inputs, output = from_string(equation)
    else:
        raise TypeError(f"einsum: expected an equation, got {type(equation).__name__}")
    if not operands:
        raise ValueError("einsum: expected at least one operand")
    operands = [check_tensor(x, "einsum") for x in operands]
    if len(inputs) != len(operands):
        raise ValueError(
            f"einsum: the equation names {len(inputs)} operands, {len(operands)} were given"
        )
    terms = [
        named(k, x, labels) for k, (x, labels) in enumerate(zip(operands, inputs, strict=True))
    ]
    output = output_labels(inputs, output, [labels for _, labels in terms])
    return contract(without_ones(terms), output)


# Reading the notation: a label is a letter, or -1, -2, ... for the axes of an ellipsis ----------


@lru_cache(maxsize=256)
def from_string(equation):
    """(labels of each operand, labels of the output or None) of an equation."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    inputs = [split_labels(part, equation) for part in left.split(",")]
    return inputs, split_labels(right, equation) if arrow else None


def split_labels(text, equation):
    """Letters and Ellipsis, a list."""
    before, dots, after = text.partition("...")
    for letter in before + after:
        if letter not in ascii_letters:
            raise ValueError(
                f"einsum: expected letters, one '...' an operand, ',' and '->', found {letter!r} "
                f"in {equation!r}"
            )
    return [*before, *[Ellipsis] * bool(dots), *after]


def from_lists(arguments):
    """(operands, labels of each, labels of the output or None) of `x, [0, 1], y, [1], [0]`."""
    operands, inputs = list(arguments[0::2]), list(arguments[1::2])
    output = None
    if len(arguments) % 2:
        output = operands.pop()
    lists = []
    for labels in [*inputs, *([] if output is None else [output])]:
        if not isinstance(labels, (list, tuple)):
            raise TypeError(
                f"einsum: expected a list of axes after each operand, got {type(labels).__name__}"
            )
        lists.append([list_label(label) for label in labels])
        if lists[-1].count(Ellipsis) > 1:
            raise ValueError("einsum: an operand takes one Ellipsis only")
    return operands, lists[: len(inputs)], None if output is None else lists[-1]


def list_label(label):
    """A letter for an integer: those of small numbers sort first."""
    if label is Ellipsis:
        return label
    if isinstance(label, bool) or not hasattr(label, "__index__"):
        raise TypeError(f"einsum: axes must be integers or Ellipsis, got {label!r}")
    if not 0 <= label.__index__() < 52:
        raise ValueError(f"einsum: axes must lie in [0, 52), got {label}")
    return sorted(ascii_letters)[label]


def named(k, x, labels):
    """Operand k with its labels: the ellipsis written out, diagonals taken."""
    spare = x.ndim - (len(labels) - (Ellipsis in labels))
    if spare < 0 or (spare and Ellipsis not in labels):
        raise ShapeError(
            f"einsum: operand {k} of shape {x.shape} has {x.ndim} axes, the equation names "
            f"{len(labels) - (Ellipsis in labels)}"
        )
    full = []
    for label in labels:
        full += range(-spare, 0) if label is Ellipsis else [label]
    for label in dict.fromkeys(full):
        while full.count(label) > 1:
            first = full.index(label)
            second = full.index(label, first + 1)
            if x.shape[first] != x.shape[second]:
                raise ShapeError(
                    f"einsum: {label!r} stands twice in operand {k} of shape {x.shape}, for the "
                    f"lengths {x.shape[first]} and {x.shape[second]}"
                )
            x = diagonal_last(x, first, second)
            del full[second], full[first]
            full.append(label)
    return x, full


def diagonal_last(x, first, second):
    """The diagonal of two axes of one length as the last axis; a view where memory allows it."""
    rest = [i for i in range(x.ndim) if i not in (first, second)]
    n = x.shape[first]
    lead = tuple(x.shape[i] for i in rest)
    flat = reshape(permute(x, *rest, first, second), (*lead, n * n))
    return flat[..., :: n + 1]


def output_labels(inputs, output, written):
    """Labels of the result, the ellipsis written out."""
    used = {label for labels in written for label in labels}
    spare = sorted(label for label in used if isinstance(label, int))
    if output is None:
        count = [label for labels in inputs for label in labels if label is not Ellipsis]
        return spare + sorted(label for label in set(count) if count.count(label) == 1)
    full = []
    for label in output:
        if label is not Ellipsis and label not in used:
            raise ValueError(f"einsum: the output names {label!r}, which no operand has")
        full += spare if label is Ellipsis else [label]
    if len(set(full)) != len(full):
        raise ValueError("einsum: an axis stands twice in the output")
    return full


def without_ones(terms):
    """Terms whose axes of length 1 are gone where another term has more: that broadcasts."""
    sizes = {}
    for x, labels in terms:
        for label, n in zip(labels, x.shape, strict=True):
            known = sizes.get(label, 1)
            if known != 1 and n not in (1, known):
                raise ShapeError(
                    f"einsum: axis {label!r} has the lengths {known} and {n}, which do not "
                    f"broadcast, in operands of shapes {', '.join(str(t.shape) for t, _ in terms)}"
                )
            sizes[label] = known if n == 1 else n
    kept = []
    for x, labels in terms:
        gone = [i for i, label in enumerate(labels) if x.shape[i] != sizes[label]]
        x = squeeze(x, gone) if gone else x
        kept.append((x, [label for i, label in enumerate(labels) if i not in gone]))
    return kept


# Doing it ---------------------------------------------------------------------------------------


def contract(terms, output):
    """The product of the terms, summed to the labels of the output."""
    while len(terms) > 1:
        i, j = 0, 1
        if len(terms) > 2:
            i, j = sorted(cheapest_pair(terms, output))
        second, first = terms.pop(j), terms.pop(i)
        keep = set(output).union(*[labels for _, labels in terms])
        terms.append(pair_product(first, second, keep))
    x, labels = reduced(*terms[0], set(output))
    return arranged(x, labels, output)


def cheapest_pair(terms, output):
    """Which two terms to multiply first, by NumPy's greedy search."""
    number = {}
    arguments = []
    for x, labels in terms:
        ids = [number.setdefault(label, len(number)) for label in labels]
        arguments += [np.broadcast_to(0.0, x.shape), ids]
    path, _ = np.einsum_path(*arguments, [number[label] for label in output], optimize="greedy")
    return path[1] if len(path[1]) == 2 else (0, 1)


def arranged(x, labels, order):
    """x with its axes in this order of the labels."""
    return x if labels == order else permute(x, *[labels.index(label) for label in order])


def shaped(x, shape):
    """x in this shape."""
    return x if x.shape == shape else reshape(x, shape)


def reduced(x, labels, keep):
    """The term summed over the labels that are not kept."""
    gone = [i for i, label in enumerate(labels) if label not in keep]
    x = sum_over(x, gone) if gone else x
    return x, [label for label in labels if label in keep]


def pair_product(first, second, keep):
    """Two terms as one batched matrix product: (both, left, summed) @ (both, summed, right)."""
    x, x_labels = reduced(*first, keep | set(second[1]))
    y, y_labels = reduced(*second, keep | set(first[1]))
    summed = [label for label in x_labels if label in y_labels and label not in keep]
    both = [label for label in x_labels if label in y_labels and label in keep]
    left = [label for label in x_labels if label not in y_labels]
    right = [label for label in y_labels if label not in x_labels]
    x = arranged(x, x_labels, both + left + summed)
    y = arranged(y, y_labels, both + summed + right)
    b, m, n = len(both), len(left), len(right)
    batch, rows, columns = x.shape[:b], x.shape[b : b + m], y.shape[y.ndim - n :]
    out = batch + rows + columns
    if not summed:  # nothing to add up: a product with broadcasting
        z = shaped(x, batch + rows + (1,) * n) * shaped(y, batch + (1,) * m + columns)
    else:
        same_dtypes("einsum", x, y)
        if x.dtype == np.bool_:
            raise DtypeError("einsum: a sum of products needs numbers, got bool")
        k = size(x.shape[b + m :])
        x = shaped(x, (*batch, size(rows), k))
        y = shaped(y, (*batch, k, size(columns)))
        z = shaped(matmul(x, y), out)
    return z, both + left + right


def size(shape):
    """Number of elements."""
    count = 1
    for n in shape:
        count *= n
    return count
