"""Products of many matrices, powers, pseudoinverse, rank, condition: beyond the table."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import linalg
from minigrad.errors import DtypeError, LinAlgError, ShapeError


def normal(*shape, seed=0):
    return mg.tensor(np.random.default_rng(seed).standard_normal(shape))


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 7])
@pytest.mark.parametrize("shape", [(2, 2), (2, 3, 3), (0, 2, 2), (2, 0, 0)])
def test_powers_are_repeated_products(n, shape):
    x = normal(*shape)
    got = linalg.matrix_power(x, n)
    wanted = np.linalg.matrix_power(x.numpy(), n)
    np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-8, atol=1e-8)
    assert got.numpy() is not x.numpy()


def test_powers_take_integers():
    assert linalg.matrix_power(mg.tensor([[1, 1], [0, 1]]), 4).tolist() == [[1, 4], [0, 1]]


@pytest.mark.parametrize("ends", [((3,), (5,)), ((2, 3), (5,)), ((3,), (5, 2)), ((2, 3), (5, 2))])
def test_multi_dot_takes_vectors_at_the_ends(ends):
    x = [normal(*ends[0]), normal(3, 4, seed=1), normal(4, 5, seed=2), normal(*ends[1], seed=3)]
    wanted = x[0].numpy() @ x[1].numpy() @ x[2].numpy() @ x[3].numpy()
    got = linalg.multi_dot(x)
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-12)


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 2, 4), (0, 3), (2, 3, 0)])
def test_the_pseudoinverse_meets_its_four_conditions(shape):
    x = normal(*shape)
    if x.numel():
        x[..., -1, :] = x[..., 0, :]  # not of full rank
    y = linalg.pinv(x)
    xy, yx = x @ y, y @ x
    for one, other in ((xy @ x, x), (yx @ y, y), (xy, xy.mT), (yx, yx.mT)):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-12)


def test_rank_and_pseudoinverse_share_their_tolerances():
    x = mg.eye(3) * mg.tensor([4.0, 1.0, 0.0])
    assert linalg.matrix_rank(x).item() == 2
    assert linalg.matrix_rank(x, atol=2.0).item() == 1
    assert linalg.matrix_rank(x, rtol=0.5).item() == 1
    assert linalg.matrix_rank(x, 2.0, hermitian=True).item() == 1
    assert linalg.pinv(x, atol=2.0).tolist() == [[0.25, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert linalg.pinv(x, 0.5).tolist() == linalg.pinv(x, rtol=0.5, hermitian=True).tolist()
    both = linalg.matrix_rank(mg.stack([x, x]), atol=mg.tensor([0.5, 2.0]))
    assert both.tolist() == [2, 1] and both.dtype == mg.int64
    assert linalg.matrix_rank(mg.ones(2, 0, 3)).tolist() == [0, 0]


@pytest.mark.parametrize("p", [None, 2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc"])
def test_cond_is_numpys(p):
    x = normal(2, 3, 3)
    np.testing.assert_allclose(linalg.cond(x, p).numpy(), np.linalg.cond(x.numpy(), p), rtol=1e-9)
    assert linalg.cond(mg.ones(3, 0, 0), p).tolist() == [0.0, 0.0, 0.0]
    if p not in (None, 2, -2):
        assert linalg.cond(mg.zeros(2, 2), p).item() == np.inf


TWO = mg.ones(2, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: linalg.matrix_power(mg.ones(2, 3), 2), ShapeError, "square"),
        (lambda: linalg.matrix_power(mg.ones(2), 2), ShapeError, "square"),
        (lambda: linalg.matrix_power(TWO, 2.0), TypeError, "n must be an integer, got 2.0"),
        (lambda: linalg.matrix_power(TWO, -2), LinAlgError, "singular"),
        (lambda: linalg.matrix_power(TWO.long(), -1), DtypeError, "linalg.inv"),
        (lambda: linalg.matrix_power(2.0, 2), TypeError, "expected a Tensor"),
        (lambda: linalg.multi_dot([TWO]), ShapeError, "at least 2 tensors, got 1"),
        (lambda: linalg.multi_dot(TWO), TypeError, "expected a list"),
        (lambda: linalg.multi_dot([TWO, mg.ones(2), TWO]), ShapeError, "tensor 1 must be"),
        (lambda: linalg.multi_dot([TWO, mg.ones(3, 2)]), ShapeError, "do not match"),
        (lambda: linalg.multi_dot([TWO, TWO.double()]), DtypeError, "one dtype"),
        (lambda: linalg.pinv(TWO.long()), DtypeError, "linalg.pinv: expected float"),
        (lambda: linalg.pinv(mg.ones(2)), ShapeError, "linalg.pinv: .* 2 dimensions"),
        (lambda: linalg.pinv(mg.ones(2, 3), hermitian=True), ShapeError, "square"),
        (lambda: linalg.pinv(TWO, atol="1"), TypeError, "atol must be a number"),
        (lambda: linalg.pinv(TWO * float("nan")), LinAlgError, "NaN"),
        (lambda: linalg.cond(TWO, 3), ValueError, "linalg.cond: p must be .* got 3"),
        (lambda: linalg.cond(mg.ones(2, 3), 1), ShapeError, "linalg.cond: .* square"),
        (lambda: linalg.matrix_rank(mg.ones(2)), ShapeError, "linalg.matrix_rank"),
        (lambda: linalg.matrix_rank(mg.ones(2, 3), hermitian=True), ShapeError, "square"),
    ],
)
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()
