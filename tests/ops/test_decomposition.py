"""Systems, determinants and factorizations beyond the table: what they promise, and errors."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import linalg
from minigrad.errors import DtypeError, GraphError, LinAlgError, ShapeError


def normal(*shape, seed=0, requires_grad=False):
    values = np.random.default_rng(seed).standard_normal(shape)
    return mg.tensor(values, requires_grad=requires_grad)


def close(x, y, tolerance=1e-10):
    np.testing.assert_allclose(x.detach(), y.detach(), rtol=tolerance, atol=tolerance)


SHAPES = [(3, 3), (4, 2), (2, 4), (2, 3, 3), (2, 0, 0), (0, 3, 3), (3, 0), (0, 3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_factors_multiply_to_the_matrix(shape):
    x = normal(*shape)
    for mode in ("reduced", "complete"):
        q, r = linalg.qr(x, mode)
        close(q @ r, x)
        close(q.mT @ q, mg.eye(q.shape[-1], dtype=x.dtype) + q.mT @ q * 0)
    u, s, vt = linalg.svd(x, full_matrices=False)
    close((u * s.unsqueeze(-2)) @ vt, x)
    close(linalg.svdvals(x), s)
    u, _, vt = linalg.svd(x)
    assert u.shape[-1] == shape[-2] and vt.shape[-2] == shape[-1]
    a = x @ x.mT + mg.eye(shape[-2], dtype=x.dtype)
    w, v = linalg.eigh(a)
    close((v * w.unsqueeze(-2)) @ v.mT, a)
    close(linalg.eigvalsh(a), w)
    lower = linalg.cholesky(a)
    close(lower @ lower.mT, a)
    close(linalg.cholesky(a, upper=True), lower.mT)
    close(linalg.inv(a) @ a, mg.eye(shape[-2], dtype=x.dtype) + a * 0)
    close(linalg.slogdet(a).logabsdet, linalg.det(a).log())


def test_empty_matrices_have_determinant_1():
    assert linalg.det(mg.ones(2, 0, 0)).tolist() == [1.0, 1.0]
    assert linalg.slogdet(mg.ones(0, 0)) == (1.0, 0.0)


def test_one_triangle_is_read():
    x = mg.tensor([[2.0, 9.0], [1.0, 2.0]])
    close(linalg.eigvalsh(x), mg.tensor([1.0, 3.0]), 1e-6)
    close(linalg.eigh(x, "u").eigenvalues, mg.tensor([-7.0, 11.0]), 1e-5)
    assert linalg.cholesky(x)[0, 1].item() == 0.0
    with pytest.raises(LinAlgError):
        linalg.cholesky(x, upper=True)


@pytest.mark.parametrize(
    ("b", "shape"),
    [((3,), (3,)), ((3, 2), (3, 2)), ((4, 3, 2), (4, 3, 2))],
)
def test_one_matrix_solves_for_many_right_sides(b, shape):
    a, b = normal(3, 3), normal(*b)
    x = linalg.solve(a, b)
    assert x.shape == shape
    close(a @ x, b)


def test_batches_of_solve_broadcast():
    a = normal(5, 1, 3, 3)
    assert linalg.solve(a, normal(2, 3, 4)).shape == (5, 2, 3, 4)
    assert linalg.solve(normal(5, 3, 3), normal(3)).shape == (5, 3)
    assert linalg.solve(normal(5, 3, 3), normal(5, 3)).shape == (5, 3)
    assert linalg.solve(normal(3, 3), normal(2, 3), left=False).shape == (2, 3)


def test_det_has_all_derivatives_at_the_zero_matrix():
    """det is quadratic for 2 by 2: its Hessian there is constant, its gradient 0."""
    x = mg.zeros(2, 2, dtype=mg.float64, requires_grad=True)
    (grad,) = mg.grad(linalg.det(x), x, create_graph=True)
    assert grad.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    (row,) = mg.grad(grad[0, 0], x)
    assert row.tolist() == [[0.0, 0.0], [0.0, 1.0]]


def test_det_of_a_batch_takes_singular_beside_regular():
    a = np.stack([np.eye(3), np.zeros((3, 3)), np.arange(9.0).reshape(3, 3), np.diag([1.0, 2, 0])])
    x = mg.tensor(a, requires_grad=True)
    wanted = np.zeros_like(a)
    for k in range(4):
        for i in range(3):
            for j in range(3):
                minor = np.delete(np.delete(a[k], i, 0), j, 1)
                wanted[k, i, j] = (-1) ** (i + j) * np.linalg.det(minor)
    for create_graph in (False, True):
        (grad,) = mg.grad(linalg.det(x).sum(), x, create_graph=create_graph)
        np.testing.assert_allclose(grad.detach(), wanted, atol=1e-13)


def test_nan_stays_nan():
    x = mg.tensor([[np.nan, 1.0], [1.0, 1.0]], requires_grad=True)
    for create_graph in (False, True):
        y = linalg.det(x)
        (grad,) = mg.grad(y, x, create_graph=create_graph)
        assert np.isnan(y.item()) and np.isnan(grad.detach().numpy()).all()
    assert np.isnan(linalg.inv(x).detach().numpy()).all()
    assert np.isnan(linalg.solve(x, mg.ones(2, dtype=x.dtype)).detach().numpy()).all()
    assert np.isnan(linalg.slogdet(x).logabsdet.item())


def test_slogdet_of_a_singular_matrix_falls_to_minus_infinity():
    x = mg.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    sign, logabsdet = linalg.slogdet(x)
    assert (sign.item(), logabsdet.item()) == (0.0, -np.inf)
    (grad,) = mg.grad(logabsdet, x)
    assert np.isinf(grad.numpy()).all()
    (grad,) = mg.grad(linalg.slogdet(x).sign, x)
    assert grad.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert np.isnan(mg.logdet(mg.tensor([[-1.0]])).item())


@pytest.mark.parametrize("values", [linalg.eigvalsh, linalg.svdvals])
def test_gradient_of_equal_values_is_finite(values):
    x = mg.eye(3, requires_grad=True)
    (grad,) = mg.grad(values(x).sum(), x, create_graph=True)
    np.testing.assert_array_equal(grad.detach(), np.eye(3))


def test_gradient_of_vectors_of_equal_values_is_nan():
    x = mg.eye(2, requires_grad=True)
    for vectors in (linalg.eigh(x).eigenvectors, linalg.svd(x).U):
        (grad,) = mg.grad(vectors.sum(), x)
        assert np.isnan(grad.numpy()).any()
    zero = mg.zeros(2, 2, requires_grad=True)
    (grad,) = mg.grad(linalg.qr(zero).R.sum(), zero)
    assert np.isnan(grad.numpy()).all()


def test_eigenvectors_may_be_changed_in_place():
    """The rule reads copies: what was changed after does not matter."""
    x = normal(3, 3, requires_grad=True)
    w, v = linalg.eigh(x + x.mT)
    loss = w.sum() + v[0].sum()
    v.mul_(0)
    w, v = linalg.eigh(x + x.mT)
    close(mg.grad(loss, x)[0], mg.grad(w.sum() + v[0].sum(), x)[0])


def test_qr_r_is_the_reduced_one():
    x = normal(4, 2, requires_grad=True)
    q, r = linalg.qr(x, "r")
    assert q.shape == (0,)
    close(r, linalg.qr(x).R)


def test_complete_qr_of_tall_matrices_has_no_derivative():
    x = normal(4, 2, requires_grad=True)
    with pytest.raises(GraphError, match="4 by 2 matrices have no derivative"):
        linalg.qr(x, "complete").R.sum().backward()


def test_older_names_have_their_older_arguments():
    x = normal(4, 2)
    u, s, v = x.svd()
    close((u * s) @ v.mT, x)
    assert x.svd(some=False).U.shape == (4, 4)
    zeros = x.svd(compute_uv=False)
    assert not zeros.U.any() and zeros.V.shape == (2, 2)
    assert x.qr().Q.shape == (4, 2) and x.qr(False).Q.shape == (4, 4)
    a = x.mT @ x
    close(a.cholesky(True), a.cholesky().mT)
    close(a.inverse(), linalg.inv(a))
    close(a.logdet(), a.slogdet().logabsdet)
    close(a.det(), linalg.det(a))


def test_float32_stays_float32():
    x = (mg.ones(2, 2) + mg.eye(2)).requires_grad_()
    for f in (linalg.inv, linalg.det, linalg.cholesky, linalg.eigvalsh, linalg.svdvals):
        y = f(x)
        assert y.dtype == mg.float32
        assert mg.grad(y.sum(), x)[0].dtype == mg.float32


SQUARE = (linalg.inv, linalg.det, linalg.slogdet, linalg.cholesky, linalg.eigh, linalg.eigvalsh)
ANY = (*SQUARE, linalg.qr, linalg.svd, linalg.svdvals)


@pytest.mark.parametrize("function", ANY)
def test_bad_inputs_are_named(function):
    name = function.__name__
    with pytest.raises(ShapeError, match=rf"linalg.{name}: expected at least 2 dim.* \(3,\)"):
        function(mg.ones(3))
    with pytest.raises(DtypeError, match=rf"linalg.{name}: .* got int64"):
        function(mg.ones(2, 2).long())
    with pytest.raises(TypeError, match=rf"linalg.{name}: expected a Tensor, got list"):
        function([[1.0]])
    if function in SQUARE:
        with pytest.raises(ShapeError, match=rf"linalg.{name}: .* square .* \(2, 3\)"):
            function(mg.ones(2, 3))


EYE, ONES, NAN = mg.eye(2), mg.ones(2, 2), mg.full((2, 2), float("nan"))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: linalg.inv(ONES), LinAlgError, "linalg.inv: the matrix is singular"),
        (lambda: linalg.inv(mg.stack([EYE, ONES])), LinAlgError, "matrix 1 of the batch"),
        (lambda: linalg.solve(ONES, EYE), LinAlgError, "linalg.solve: the matrix is singular"),
        (lambda: linalg.cholesky(-EYE), LinAlgError, "not positive definite"),
        (lambda: linalg.cholesky(NAN), LinAlgError, "not positive definite"),
        (lambda: linalg.svd(NAN), LinAlgError, "NaN"),
        (lambda: linalg.svdvals(NAN), LinAlgError, "NaN"),
        (lambda: linalg.solve(EYE, mg.ones(3)), ShapeError, r"A \(2, 2\) and B \(3,\) do not"),
        (lambda: linalg.solve(EYE, mg.ones(3, 2)), ShapeError, "A X = B"),
        (lambda: linalg.solve(EYE, mg.ones(2, 3), left=False), ShapeError, "X A = B"),
        (lambda: linalg.solve(mg.eye(1), mg.ones(2), left=False), ShapeError, "must be matrices"),
        (lambda: linalg.solve(EYE, mg.tensor(1.0)), ShapeError, "0-d"),
        (lambda: linalg.solve(mg.ones(5, 2, 2), mg.ones(3, 2, 4)), ShapeError, "broadcast"),
        (lambda: linalg.solve(mg.ones(2, 3), mg.ones(2)), ShapeError, "square"),
        (lambda: linalg.solve(EYE, mg.ones(2).double()), DtypeError, "one dtype"),
        (lambda: linalg.solve(EYE, 1.0), TypeError, "expected a Tensor"),
        (lambda: linalg.eigh(EYE, "X"), ValueError, "UPLO must be 'L' or 'U', got 'X'"),
        (lambda: linalg.eigh(EYE, 1), TypeError, "UPLO must be a str"),
        (lambda: linalg.qr(EYE, "full"), ValueError, "mode must be reduced, complete or r"),
        (lambda: linalg.svd(EYE, driver="gesvd"), ValueError, "driver"),
    ],
)
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_linalg_error_is_a_runtime_error_and_numpys():
    assert issubclass(LinAlgError, RuntimeError) and issubclass(LinAlgError, np.linalg.LinAlgError)
    assert linalg.LinAlgError is LinAlgError
