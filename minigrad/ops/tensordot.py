"""Products of tensors: over axes of both, and of all pairs of elements in blocks."""

from minigrad.errors import ShapeError
from minigrad.ops.einsum import contract, without_ones
from minigrad.ops.shape import check_dim, check_tensor, reshape, same_dtypes, to
from minigrad.tensor import Tensor

__all__ = ["tensordot", "kron"]


def tensordot(a, b, dims=2):
    """Sum of products over axes of both tensors; the other axes of `a`, then those of `b` stay.

    Parameters
    ----------
    a, b : Tensor
    dims : int or pair of lists of int
        The last `dims` axes of `a` with the first of `b`; or which axes of `a` with which of `b`.

    Raises
    ------
    ShapeError
        The axes differ in length (1 broadcasts) or number, or one stands twice.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.tensordot(mg.ones(2, 3, 4), mg.ones(4, 3), dims=([2, 1], [0, 1]))
    tensor([12., 12.])
    """
    check_tensor(a, "tensordot"), check_tensor(b, "tensordot")
    same_dtypes("tensordot", a, b)
    dims = dims.tolist() if isinstance(dims, Tensor) else dims
    if isinstance(dims, (tuple, list)):
        if len(dims) != 2 or not all(isinstance(d, (tuple, list)) for d in dims):
            raise TypeError(f"tensordot: dims must be an int or two lists of ints, got {dims!r}")
        pairs = [list(dims[0]), list(dims[1])]
    else:
        if isinstance(dims, bool) or not hasattr(dims, "__index__"):
            raise TypeError(f"tensordot: dims must be an int or two lists of ints, got {dims!r}")
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise ShapeError(
                f"tensordot: dims {dims} must lie in [0, {min(a.ndim, b.ndim)}], the axes of "
                f"shapes {a.shape} and {b.shape}"
            )
        pairs = [list(range(a.ndim - dims, a.ndim)), list(range(dims))]
    if len(pairs[0]) != len(pairs[1]):
        raise ShapeError(f"tensordot: {pairs[0]} and {pairs[1]} differ in their number of axes")
    names = [[*range(a.ndim)], [*range(a.ndim, a.ndim + b.ndim)]]
    for i, j in zip(*pairs, strict=True):
        i = check_dim(i, a.ndim, "tensordot")
        j = check_dim(j, b.ndim, "tensordot")
        if not a.ndim or not b.ndim or names[1][j] < a.ndim or names[0][i] in names[1]:
            raise ShapeError(f"tensordot: an axis stands twice in {pairs[0]} or {pairs[1]}")
        if a.shape[i] != b.shape[j] and 1 not in (a.shape[i], b.shape[j]):
            raise ShapeError(
                f"tensordot: shapes {a.shape} and {b.shape} differ in the axes {pairs[0]} and "
                f"{pairs[1]}"
            )
        names[1][j] = names[0][i]
    output = [n for n in names[0] if n not in names[1]]
    output += [n for n in names[1] if n not in names[0]]
    product = contract(without_ones([(a, names[0]), (b, names[1])]), output)
    return to(product, a.dtype)  # sums of small integers are int64


def kron(input, other):
    """Kronecker product: a block input[i] * other for each element of `input`.

    Parameters
    ----------
    input, other : Tensor
        Of any number of axes; the shorter shape gets axes of length 1 in front.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.kron(mg.eye(2), mg.tensor([[1.0, 2.0]]))
    tensor([[1., 2., 0., 0.],
            [0., 0., 1., 2.]])
    """
    check_tensor(input, "kron"), check_tensor(other, "kron")
    n = max(input.ndim, other.ndim)
    x = (1,) * (n - input.ndim) + input.shape
    y = (1,) * (n - other.ndim) + other.shape
    apart = reshape(input, tuple([m for k in x for m in (k, 1)]))
    blocks = apart * reshape(other, tuple([m for k in y for m in (1, k)]))
    return reshape(blocks, tuple([i * j for i, j in zip(x, y, strict=True)]))
