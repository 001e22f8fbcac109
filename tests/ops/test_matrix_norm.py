"""`linalg.norm` and its two kinds: which is meant, and matrix norms against NumPy's."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.linalg import matrix_norm, norm, vector_norm

INF = float("inf")
A = np.random.default_rng(0).normal(size=(2, 3, 4))


@pytest.mark.parametrize("order", ["fro", "nuc", 1, -1, 2, -2, INF, -INF])
@pytest.mark.parametrize("dim", [(-2, -1), (0, 1), (2, 0)])
@pytest.mark.parametrize("keepdim", [False, True])
def test_matrix_norms_are_numpys(order, dim, keepdim):
    got = matrix_norm(mg.tensor(A), order, dim, keepdim)
    want = np.linalg.norm(A, order, dim, keepdim)
    assert got.shape == want.shape
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-12)
    np.testing.assert_allclose(norm(mg.tensor(A), order, dim, keepdim).numpy(), want)


@pytest.mark.parametrize("order", ["fro", "nuc", 1, -1, 2, -2, INF, -INF])
def test_matrix_norms_have_the_gradient_of_central_differences(order):
    x = mg.tensor(A[0], requires_grad=True)
    (g,) = mg.grad(matrix_norm(x, order), x)
    u = np.random.default_rng(1).normal(size=(3, 4))
    up, down = (np.linalg.norm(A[0] + s * u, order) for s in (1e-6, -1e-6))
    assert (g.numpy() * u).sum() == pytest.approx((up - down) / 2e-6, rel=1e-6)


def test_norm_takes_the_vector_or_the_matrix():
    x = mg.tensor([[3.0, 0.0], [0.0, -4.0]])
    assert norm(x).item() == pytest.approx(5) and norm(x, 2).item() == pytest.approx(4)
    assert norm(x, 2, 0).tolist() == norm(x, 2, (0,)).tolist() == [3, 4]
    assert norm(mg.tensor(-2.0)).item() == 2
    assert norm(mg.ones(2, 2, 4), keepdim=True).shape == (1, 1, 1)
    assert vector_norm(x, 1).item() == 7


def test_matrices_without_elements():
    for order in ("fro", "nuc", 1, 2, INF):
        assert matrix_norm(mg.zeros(0, 3), order).item() == 0
        assert matrix_norm(mg.zeros(3, 0), order).item() == 0
    with pytest.raises(IndexError):
        matrix_norm(mg.zeros(0, 3), -2)


def test_wrong_arguments():
    x = mg.ones(2, 3)
    for order in (3, 0, 0.5, "bad"):
        with pytest.raises(ValueError, match=r"linalg.matrix_norm: ord must be .*got"):
            matrix_norm(x, order)
    with pytest.raises(mg.errors.ShapeError, match="names an axis twice"):
        matrix_norm(x, 1, (0, 0))
    with pytest.raises(mg.errors.ShapeError, match="dim must be two axes"):
        matrix_norm(x, 1, (0,))
    with pytest.raises(TypeError, match="dim must be two axes, got 0"):
        matrix_norm(x, 1, 0)
    with pytest.raises(mg.errors.ShapeError, match="at least 2 dimensions"):
        matrix_norm(mg.ones(3))
    with pytest.raises(mg.errors.ShapeError, match="one axis or two"):
        norm(mg.ones(2, 3, 4), 2, (0, 1, 2))
    with pytest.raises(mg.errors.ShapeError, match="1 or 2 axes"):
        norm(mg.ones(2, 3, 4), 2)
    with pytest.raises(TypeError, match="order must be a number, got 'fro'"):
        vector_norm(x, "fro")
