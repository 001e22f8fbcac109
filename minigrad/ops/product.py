"""Products of matrices and vectors of fixed rank, and products added to a tensor."""

import numpy as np

from minigrad.dtypes import result_type
from minigrad.errors import DtypeError, ShapeError
from minigrad.ops.choice import where
from minigrad.ops.linalg import as_rows, matmul
from minigrad.ops.overwrite import overwrite
from minigrad.ops.shape import check_tensor, mT, reshape, same_dtypes, to, unsqueeze
from minigrad.tensor import Tensor, wrap

__all__ = """
    mm bmm mv dot vdot inner outer ger chain_matmul addmm addmv addr addbmm baddbmm
""".split()
METHODS = ["addmm_", "addmv_", "addr_", "addbmm_", "baddbmm_"]


def _multiply(name, x, x_ndim, y, y_ndim):
    """x y for operands of these ranks, without broadcasting; errors are `name`'s."""
    for t, rank in ((x, x_ndim), (y, y_ndim)):
        if check_tensor(t, name).ndim != rank:
            raise ShapeError(f"{name}: expected {rank} dimensions, got shape {t.shape}")
    same_dtypes(name, x, y)
    if x.shape[-1] != y.shape[-2 if y_ndim > 1 else -1]:
        raise ShapeError(f"{name}: shapes {x.shape} and {y.shape} do not match")
    if x_ndim == 3 and x.shape[0] != y.shape[0]:
        raise ShapeError(f"{name}: shapes {x.shape} and {y.shape} differ in the batch")
    if x.dtype == np.bool_:
        raise DtypeError(f"{name}: expected numbers, got bool")
    return matmul(x, y)


def mm(input, mat2):
    """Product of two matrices, without broadcasting.

    >>> import minigrad as mg
    >>> mg.mm(mg.ones(1, 2), mg.ones(2, 1))
    tensor([[2.]])
    """
    return _multiply("mm", input, 2, mat2, 2)


def bmm(input, mat2):
    """Products of two batches of matrices, (B, m, k) and (B, k, n), without broadcasting.

    >>> import minigrad as mg
    >>> mg.bmm(mg.ones(3, 1, 2), mg.ones(3, 2, 1)).shape
    (3, 1, 1)
    """
    return _multiply("bmm", input, 3, mat2, 3)


def mv(input, vec):
    """Product of a matrix and a vector.

    >>> import minigrad as mg
    >>> mg.mv(mg.ones(2, 3), mg.ones(3))
    tensor([3., 3.])
    """
    return _multiply("mv", input, 2, vec, 1)


def dot(input, tensor):
    """Inner product of two vectors.

    >>> import minigrad as mg
    >>> mg.dot(mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0]))
    tensor(11.)
    """
    return _multiply("dot", input, 1, tensor, 1)


def vdot(input, other):
    """`dot`; the two differ for complex numbers only, which minigrad does not have.

    >>> import minigrad as mg
    >>> mg.vdot(mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0]))
    tensor(11.)
    """
    return _multiply("vdot", input, 1, other, 1)


def inner(input, other):
    """Products summed over the last axes: input otherᵀ; with a 0-d operand the plain product.

    >>> import minigrad as mg
    >>> mg.inner(mg.tensor([1.0, 2.0]), mg.tensor([[3.0, 4.0]]))
    tensor([11.])
    """
    check_tensor(input, "inner"), check_tensor(other, "inner")
    if not input.ndim or not other.ndim:
        return input * other
    same_dtypes("inner", input, other)
    if input.shape[-1] != other.shape[-1]:
        raise ShapeError(f"inner: shapes {input.shape} and {other.shape} differ in the last axis")
    if input.dtype == np.bool_:
        raise DtypeError("inner: expected numbers, got bool")
    flat = as_rows(other, 0) if other.ndim > 1 else unsqueeze(other, 0)
    product = matmul(input, mT(flat))
    return reshape(product, input.shape[:-1] + other.shape[:-1])


def outer(input, vec2):
    """Products of all pairs from two vectors, an (n, m) matrix.

    >>> import minigrad as mg
    >>> mg.outer(mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    for x in (input, vec2):
        if check_tensor(x, "outer").ndim != 1:
            raise ShapeError(f"outer: expected 1 dimensions, got shape {x.shape}")
    return unsqueeze(input, -1) * unsqueeze(vec2, 0)


ger = outer


def chain_matmul(*matrices):
    """Product of several matrices, in the order of products that takes the fewest operations.

    >>> import minigrad as mg
    >>> mg.chain_matmul(mg.ones(1, 2), mg.ones(2, 3), mg.ones(3, 1))
    tensor([[6.]])
    """
    if not matrices:
        raise ValueError("chain_matmul: expected at least one matrix")
    for x in matrices:
        if check_tensor(x, "chain_matmul").ndim != 2:
            raise ShapeError(f"chain_matmul: expected 2 dimensions, got shape {x.shape}")
    return cheapest_product("chain_matmul", matrices)


def cheapest_product(name, matrices):
    """The product of 2-d tensors, parenthesized best (Cormen et al., "Introduction to
    Algorithms", 15.2)."""
    sizes = [matrices[0].shape[0], *[x.shape[1] for x in matrices]]
    best = {(i, i): (0, i) for i in range(len(matrices))}  # (operations, where to split)
    for length in range(1, len(matrices)):
        for i in range(len(matrices) - length):
            j = i + length
            best[i, j] = min(
                (best[i, k][0] + best[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )

    def part(i, j):
        k = best[i, j][1]
        return matrices[i] if i == j else _multiply(name, part(i, k), 2, part(k + 1, j), 2)

    return part(0, len(matrices) - 1)


# Products added to a tensor ---------------------------------------------------------------------


def _plus(name, input, product, beta, alpha):
    """beta · input + alpha · product; what a factor 0 multiplies is not read, NaN or not."""
    check_tensor(input, name)
    same_dtypes(name, input, product)
    try:
        fits = np.broadcast_shapes(input.shape, product.shape) == product.shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"{name}: shape {input.shape} does not broadcast to {product.shape}")
    alpha = factor(name, "alpha", alpha, product.dtype)
    beta = factor(name, "beta", beta, product.dtype)
    none = wrap(np.zeros((), np.bool_))
    if alpha == 0:
        product = where(none, product, wrap(np.zeros((), product.dtype)))
    elif alpha != 1:
        product = product * alpha
    if beta == 0:
        return where(none, input, product)
    return (input if beta == 1 else input * beta) + product


def factor(name, what, value, dtype):
    """`beta` or `alpha` as a Python number of the tensors' kind (integers wrap as theirs do)."""
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    if not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{name}: {what} must be a number, got {type(value).__name__}")
    return float(value) if dtype.kind == "f" else np.array(int(value)).astype(dtype).item()


def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    """beta input + alpha (mat1 @ mat2), `input` broadcast to the product's shape.

    >>> import minigrad as mg
    >>> mg.addmm(mg.tensor([1.0]), mg.ones(2, 3), mg.ones(3, 2), alpha=2)
    tensor([[7., 7.],
            [7., 7.]])
    """
    return _plus("addmm", input, _multiply("addmm", mat1, 2, mat2, 2), beta, alpha)


def addmv(input, mat, vec, *, beta=1, alpha=1):
    """beta input + alpha (mat @ vec), `input` broadcast to the product's shape.

    >>> import minigrad as mg
    >>> mg.addmv(mg.tensor([1.0, 2.0]), mg.ones(2, 3), mg.ones(3))
    tensor([4., 5.])
    """
    return _plus("addmv", input, _multiply("addmv", mat, 2, vec, 1), beta, alpha)


def addr(input, vec1, vec2, *, beta=1, alpha=1):
    """beta input + alpha (vec1 vec2ᵀ), `input` broadcast to the product's shape.

    >>> import minigrad as mg
    >>> mg.addr(mg.zeros(1, 2), mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    for x in (vec1, vec2):
        if check_tensor(x, "addr").ndim != 1:
            raise ShapeError(f"addr: expected vectors of 1 dimension, got shape {x.shape}")
    product = outer(vec1, vec2)
    dtype = result_type(check_tensor(input, "addr")._array, product._array)
    for what, value in (("beta", beta), ("alpha", alpha)):
        if dtype.kind != "f" and isinstance(value, float):
            raise DtypeError(f"addr: {what} must be an integer for {dtype} tensors, got {value}")
        if dtype != np.bool_ and isinstance(value, bool):
            raise DtypeError(f"addr: {what} must be a number for {dtype} tensors, got {value}")
    product = to(product, dtype) * factor("addr", "alpha", alpha, dtype)  # 0 NaN is NaN here
    return _plus("addr", to(input, dtype), to(product, dtype), beta, 1)


def addbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta input + alpha Σ_b batch1[b] @ batch2[b], `input` broadcast to (m, n).

    >>> import minigrad as mg
    >>> mg.addbmm(mg.zeros(1, 1), mg.ones(3, 1, 2), mg.ones(3, 2, 1))
    tensor([[6.]])
    """
    products = _multiply("addbmm", batch1, 3, batch2, 3)
    total = to(products.sum(0), products.dtype)  # sums of small integers are int64
    return _plus("addbmm", input, total, beta, alpha)


def baddbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta input + alpha (batch1 @ batch2), `input` broadcast to the product's shape.

    >>> import minigrad as mg
    >>> mg.baddbmm(mg.tensor(1.0), mg.ones(2, 1, 2), mg.ones(2, 2, 1)).flatten()
    tensor([3., 3.])
    """
    return _plus("baddbmm", input, _multiply("baddbmm", batch1, 3, batch2, 3), beta, alpha)


def _over(function):
    """The form of `function` that writes over its first argument."""
    name = function.__name__ + "_"

    def inplace(input, first, second, *, beta=1, alpha=1):
        def compute(old):
            return function(old, first, second, beta=beta, alpha=alpha)

        return overwrite(check_tensor(input, name), name, compute)

    inplace.__name__ = inplace.__qualname__ = name
    inplace.__doc__ = f"`{name[:-1]}` written over `input`; returns it. Errors: see `overwrite`."
    return inplace


addmm_, addmv_, addr_ = _over(addmm), _over(addmv), _over(addr)
addbmm_, baddbmm_ = _over(addbmm), _over(baddbmm)
