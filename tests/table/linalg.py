"""Matrix products, sums of products over named axes, systems of equations, factorizations."""

import numpy as np
from hypothesis import strategies as st

import minigrad as mg
from table.case import Case, anywhere, fixed, lengths, matrices

F = mg.nn.functional
LA = mg.linalg


# Domains ------------------------------------------------------------------------------------------


def regular(chance, shape):
    """Far from singular, of positive determinant."""
    return 2 * np.eye(shape[-1]) + chance.uniform(-0.4, 0.4, shape)


def singular(chance, shape):
    """Of rank n - 1, n - 2, ... or 0."""
    n = shape[-1]
    rank = chance.integers(0, n)
    factors = chance.uniform(-1, 1, (*shape[:-1], rank)), chance.uniform(-1, 1, (rank, n))
    return factors[0] @ factors[1]


def separated(chance, shape):
    """Singular values, and eigenvalues of x + xᵀ, at least 0.5 apart."""
    return np.eye(*shape[-2:]) * np.arange(1.0, shape[-1] + 1) + chance.uniform(-0.1, 0.1, shape)


# Shapes -------------------------------------------------------------------------------------------


@st.composite
def squares(draw, low=0, extra=None):
    """(..., n, n), and (..., n, extra) for a second operand."""
    n = draw(lengths(low))
    batch = draw(st.sampled_from([(), (2,), (1, 2), (0,)]))
    first = (*batch, n, n)
    if extra is None:
        return (first,)
    second = (*draw(st.sampled_from([batch, batch[1:]])), *((n, extra) if extra else (n,)))
    return (first, second)


def rectangles(*shapes):
    return st.sampled_from([((*batch, *s),) for s in shapes for batch in [(), (2,)]])


# Formulas that are analytic: no conjugates ---------------------------------------------------------


def leibniz(x):
    """The determinant, expanded along the first row."""
    n = x.shape[-1]
    if n == 0:
        return np.ones(x.shape[:-2], x.dtype)
    minors = [np.delete(x[..., 1:, :], j, -1) for j in range(n)]
    return sum((-1) ** j * x[..., 0, j] * leibniz(minors[j]) for j in range(n))


def swap(x):
    return np.swapaxes(x, -1, -2)


def gram(x):
    return x @ swap(x) + np.eye(x.shape[-1])


def cholesky(x):
    lower = np.zeros_like(x)
    for j in range(x.shape[-1]):
        for i in range(j, x.shape[-1]):
            rest = x[..., i, j] - (lower[..., i, :j] * lower[..., j, :j]).sum(-1)
            lower[..., i, j] = np.sqrt(rest) if i == j else rest / lower[..., j, j]
    return lower


def gram_schmidt(x):
    """Q and R, the diagonal of R positive."""
    k = min(x.shape[-2:])
    q = np.zeros_like(x[..., :k])
    for j in range(k):
        v = x[..., j]
        for i in range(j):
            v = v - q[..., i] * (q[..., i] * v).sum(-1, keepdims=True)
        q[..., j] = v / np.sqrt((v * v).sum(-1, keepdims=True))
    return q, swap(q) @ x


def eigen(x):
    """Eigenvalues by real part, and vectors of length 1, of a symmetric matrix."""
    w, v = np.linalg.eig(x)
    order = np.argsort(w.real, -1)
    v = np.take_along_axis(v, order[..., None, :], -1)
    return np.take_along_axis(w, order, -1), v / np.sqrt((v * v).sum(-2, keepdims=True))


def singular_values(x):
    """u, s and vᵀ, s falling."""
    if x.shape[-2] < x.shape[-1]:
        u, s, vt = singular_values(swap(x))
        return swap(vt), s, swap(u)
    w, v = eigen(swap(x) @ x)
    s, v = np.sqrt(w[..., ::-1]), v[..., ::-1]
    return x @ v / s[..., None, :], s, swap(v)


def symmetric(x):
    return x + x.mT


RECTANGLES = rectangles((3, 3), (4, 2), (2, 3))
SQUARES = rectangles((2, 2), (3, 3))

# fmt: off
CASES = [
    Case("matmul", mg.matmul, np.matmul, anywhere, anywhere, shapes=matrices()),
    Case("mm", mg.mm, np.matmul, anywhere, anywhere, shapes=fixed((2, 3), (3, 4))),
    Case("bmm", mg.bmm, np.matmul, anywhere, anywhere, shapes=fixed((2, 2, 3), (2, 3, 1))),
    Case("mv", mg.mv, np.matmul, anywhere, anywhere, shapes=fixed((2, 3), (3,))),
    Case("dot", mg.dot, np.dot, anywhere, anywhere, shapes=fixed((3,), (3,))),
    Case("vdot", mg.vdot, np.dot, anywhere, anywhere, shapes=fixed((3,), (3,))),
    Case("inner", mg.inner, np.inner, anywhere, anywhere, shapes=fixed((2, 3), (4, 3))),
    Case("outer", mg.outer, np.outer, anywhere, anywhere, shapes=fixed((2,), (3,))),
    Case("chain_matmul", mg.chain_matmul, lambda *x: np.linalg.multi_dot(x), *[anywhere] * 4, shapes=fixed((2, 3), (3, 1), (1, 4), (4, 2))),
    Case("transposed matmul", lambda x, y: x.T @ y.mT, lambda x, y: x.T @ y.T, anywhere, anywhere, shapes=fixed((3, 2), (4, 3))),
    Case("linear", F.linear, lambda x, w, b: x @ w.T + b, anywhere, anywhere, anywhere, shapes=lengths().map(lambda n: ((n, 3), (2, 3), (2,)))),
    Case("linear batch", F.linear, lambda x, w: x @ w.T, anywhere, anywhere, shapes=lengths().map(lambda n: ((n, 2, 3), (2, 3)))),
    Case("linear vector", F.linear, lambda x, w, b: w @ x + b, anywhere, anywhere, anywhere, shapes=fixed((3,), (2, 3), (2,))),

    Case("addmm", lambda x, a, b: mg.addmm(x, a, b, beta=0.5, alpha=3), lambda x, a, b: 0.5 * x + 3 * (a @ b), *[anywhere] * 3, shapes=lengths().map(lambda k: ((4,), (2, k), (k, 4)))),
    Case("addmv", lambda x, a, b: mg.addmv(x, a, b, alpha=-2), lambda x, a, b: x - 2 * (a @ b), *[anywhere] * 3, shapes=fixed((1,), (2, 3), (3,))),
    Case("addr", lambda x, a, b: mg.addr(x, a, b, beta=2), lambda x, a, b: 2 * x + np.outer(a, b), *[anywhere] * 3, shapes=fixed((2, 1), (2,), (3,))),
    Case("addbmm", lambda x, a, b: mg.addbmm(x, a, b, beta=-1), lambda x, a, b: (a @ b).sum(0) - x, *[anywhere] * 3, shapes=lengths().map(lambda n: ((), (n, 2, 3), (n, 3, 2)))),
    Case("baddbmm", mg.baddbmm, lambda x, a, b: x + a @ b, *[anywhere] * 3, shapes=lengths().map(lambda n: ((2, 1), (n, 2, 3), (n, 3, 4)))),
    Case("addmm, a factor 0", lambda x, a, b: mg.addmm(x, a, b, beta=0, alpha=2), lambda x, a, b: 2 * (a @ b), *[anywhere] * 3, shapes=fixed((2, 2), (2, 3), (3, 2))),

    Case("einsum trace", lambda x: mg.einsum("ii", x), lambda x: np.einsum("ii", x), anywhere, shapes=lengths().map(lambda n: ((n, n),))),
    Case("einsum diagonal", lambda x: mg.einsum("iji->ji", x), lambda x: np.einsum("iji->ji", x), anywhere, shapes=lengths().map(lambda n: ((n, 2, n),))),
    Case("einsum product", lambda x, y: mg.einsum("bij,bkj->bki", x, y), lambda x, y: np.einsum("bij,bkj->bki", x, y), anywhere, anywhere, shapes=lengths().map(lambda n: ((2, n, 3), (2, 4, 3)))),
    Case("einsum ellipsis", lambda x, y: mg.einsum("i...j,...jk->k...i", x, y), lambda x, y: np.einsum("i...j,...jk->k...i", x, y), anywhere, anywhere, shapes=fixed((3, 2, 1, 4), (3, 4, 2))),
    Case("einsum length 1", lambda x, y: mg.einsum("ij,ij->j", x, y), lambda x, y: (x * y).sum(0), anywhere, anywhere, shapes=fixed((3, 1), (1, 2))),
    Case("einsum of three", lambda x, y, z: mg.einsum("ij,jk,kl", x, y, z), lambda x, y, z: x @ y @ z, *[anywhere] * 3, shapes=fixed((2, 3), (3, 4), (4, 2))),
    Case("einsum without a sum", lambda x, y: mg.einsum("i,j->ji", x, y), lambda x, y: np.outer(y, x), anywhere, anywhere, shapes=fixed((2,), (3,))),
    Case("einsum of lists", lambda x, y: mg.einsum(x, [0, 1], y, [1, 2], [2, 0]), lambda x, y: (x @ y).T, anywhere, anywhere, shapes=fixed((2, 3), (3, 4))),
    Case("tensordot", mg.tensordot, np.tensordot, anywhere, anywhere, shapes=fixed((2, 3, 4), (3, 4, 2))),
    Case("tensordot axes", lambda x, y: mg.tensordot(x, y, ([0, -1], [1, 0])), lambda x, y: np.tensordot(x, y, ([0, -1], [1, 0])), anywhere, anywhere, shapes=fixed((2, 3, 4), (4, 2))),
    Case("kron", mg.kron, np.kron, anywhere, anywhere, shapes=st.sampled_from([((2, 3), (2, 2)), ((2,), (3, 2)), ((), (2,)), ((0, 2), (2, 1))])),

    Case("linalg.inv", LA.inv, np.linalg.inv, regular, shapes=squares()),
    Case("linalg.solve", LA.solve, np.linalg.solve, regular, anywhere, shapes=squares(extra=2)),
    Case("linalg.solve vector", LA.solve, lambda a, b: np.linalg.solve(a, b[..., None])[..., 0], regular, anywhere, shapes=fixed((2, 3, 3), (2, 3))),
    Case("linalg.solve right", lambda a, b: LA.solve(a, b, left=False), lambda a, b: b @ np.linalg.inv(a), regular, anywhere, shapes=fixed((2, 3, 3), (4, 3))),
    Case("linalg.det", LA.det, np.linalg.det, regular, shapes=squares()),
    Case("linalg.det singular", LA.det, leibniz, singular, shapes=squares(low=1)),
    Case("linalg.slogdet", lambda x: LA.slogdet(x).logabsdet, lambda x: np.log(np.linalg.det(x)), regular, shapes=squares()),
    Case("logdet", mg.logdet, lambda x: np.log(np.linalg.det(x)), regular, shapes=squares()),
    Case("linalg.cholesky", lambda x: LA.cholesky(x @ x.mT + mg.eye(x.shape[-1], dtype=x.dtype)), lambda x: cholesky(gram(x)), anywhere, shapes=squares()),
    Case("linalg.cholesky upper", lambda x: LA.cholesky(x @ x.mT + mg.eye(x.shape[-1], dtype=x.dtype), upper=True), lambda x: swap(cholesky(gram(x))), anywhere, shapes=SQUARES),
    Case("linalg.qr Q", lambda x: LA.qr(x).Q ** 2, lambda x: gram_schmidt(x)[0] ** 2, separated, shapes=RECTANGLES),
    Case("linalg.qr R", lambda x: LA.qr(x, "r").R ** 2, lambda x: gram_schmidt(x)[1] ** 2, separated, shapes=RECTANGLES),
    Case("linalg.qr both", lambda x: LA.qr(x).Q ** 2 @ LA.qr(x).R ** 2, lambda x: gram_schmidt(x)[0] ** 2 @ gram_schmidt(x)[1] ** 2, separated, shapes=RECTANGLES),
    Case("linalg.eigh values", lambda x: LA.eigh(symmetric(x)).eigenvalues, lambda x: eigen(x + swap(x))[0], separated, shapes=SQUARES),
    Case("linalg.eigh vectors", lambda x: LA.eigh(symmetric(x), "U").eigenvectors ** 2, lambda x: eigen(x + swap(x))[1] ** 2, separated, shapes=SQUARES),
    Case("linalg.eigvalsh", lambda x: LA.eigvalsh(symmetric(x)), lambda x: eigen(x + swap(x))[0], separated, shapes=SQUARES),
    Case("linalg.svd U", lambda x: LA.svd(x, False).U ** 2, lambda x: singular_values(x)[0] ** 2, separated, shapes=RECTANGLES),
    Case("linalg.svd S", lambda x: LA.svd(x).S, lambda x: singular_values(x)[1], separated, shapes=RECTANGLES),
    Case("linalg.svd Vh", lambda x: LA.svd(x, False).Vh ** 2, lambda x: singular_values(x)[2] ** 2, separated, shapes=RECTANGLES),
    Case("linalg.svd all", lambda x: (lambda u, s, vt: u * s.sqrt().unsqueeze(-2) @ vt)(*LA.svd(x, False)), lambda x: (lambda u, s, vt: u * np.sqrt(s)[..., None, :] @ vt)(*singular_values(x)), separated, shapes=RECTANGLES),
    Case("linalg.matrix_power", lambda x: LA.matrix_power(x, 3), lambda x: x @ x @ x, anywhere, shapes=squares()),
    Case("linalg.matrix_power -2", lambda x: LA.matrix_power(x, -2), lambda x: np.linalg.inv(x @ x), regular, shapes=SQUARES),
    Case("linalg.multi_dot", lambda *x: LA.multi_dot(x), lambda *x: np.linalg.multi_dot(x), *[anywhere] * 3, shapes=fixed((2,), (2, 3), (3, 4))),
    Case("linalg.pinv", LA.pinv, lambda x: swap(x) @ np.linalg.inv(x @ swap(x)) if x.shape[-2] < x.shape[-1] else np.linalg.inv(swap(x) @ x) @ swap(x), separated, shapes=RECTANGLES),
    Case("linalg.pinv of low rank", lambda a, b: LA.pinv(a @ b), lambda a, b: b.T @ np.linalg.inv(b @ b.T) @ np.linalg.inv(a.T @ a) @ a.T, separated, separated, shapes=fixed((4, 2), (2, 3))),
    Case("linalg.cond", LA.cond, lambda x: (lambda s: s[..., 0] / s[..., -1])(singular_values(x)[1]), separated, shapes=RECTANGLES),
    Case("linalg.cond fro", lambda x: LA.cond(x, "fro"), lambda x: np.sqrt((x * x).sum((-2, -1)) * (np.linalg.inv(x) ** 2).sum((-2, -1))), regular, shapes=SQUARES),
    Case("linalg.svdvals", LA.svdvals, lambda x: singular_values(x)[1], separated, shapes=RECTANGLES),
]
# fmt: on
