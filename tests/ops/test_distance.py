"""normalize, cosine_similarity, pairwise_distance: norms, zeros and ties, mistakes, PyTorch."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg

F = mg.nn.functional
EXPONENTS = [2.0, 1.0, 0.0, 0.5, 1.5, 3.0, 4.0, -1.0, -2.0, math.inf, -math.inf]


def orders(function, x, count=4):
    """Sums of the derivatives of function(x).sum(), each order's of the one before."""
    value, found = function(x).sum(), []
    for _ in range(count):
        if not value.requires_grad:
            return found + [np.zeros(x.shape)] * (count - len(found))
        (g,) = mg.grad(value, x, create_graph=True, allow_unused=True)
        found.append(g.detach().numpy())
        value = g.sum()
    return found


@pytest.mark.parametrize("p", EXPONENTS)
def test_the_norm_is_numpys(p):
    x = np.random.default_rng(0).standard_normal((3, 4))
    x[0, 1] = 0.0
    with np.errstate(all="ignore"):
        want = np.linalg.norm(x, p, axis=1)
    got = F.pairwise_distance(mg.tensor(x), mg.zeros(4).double(), p, eps=0.0)
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-12)


@given(seed=st.integers(0, 99), dim=st.sampled_from([0, 1, -1]))
def test_normalized_vectors_have_length_one_and_their_direction(seed, dim):
    x = np.random.default_rng(seed).standard_normal((3, 4))
    y = F.normalize(mg.tensor(x), dim=dim).numpy()
    np.testing.assert_allclose(np.square(y).sum(dim), 1, rtol=1e-12)
    assert (np.sign(y) == np.sign(x)).all()


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, 0.5, math.inf])
def test_a_zero_vector_has_no_nan_at_any_order(p):
    x = mg.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=mg.float64, requires_grad=True)
    found = orders(lambda x: F.normalize(x, p, eps=0.5), x)
    np.testing.assert_allclose(found[0][0], 2.0)  # divided by eps
    for g in found[1:]:
        np.testing.assert_array_equal(g[0], 0)
    assert np.isfinite(found).all()
    y = mg.tensor([[1.0, 2.0]], dtype=mg.float64)
    assert np.isfinite(orders(lambda x: F.cosine_similarity(x, y), x)).all()
    assert np.isfinite(orders(lambda x: F.pairwise_distance(x, x.detach(), p, 0.0), x)).all()


@pytest.mark.parametrize("p", [0.5, 1.5, 3.0, -1.0])
def test_an_element_that_is_zero_has_a_finite_gradient(p):
    x = mg.tensor([1.0, 0.0, -2.0], dtype=mg.float64, requires_grad=True)
    (g,) = mg.grad(F.normalize(x, p, 0).sum(), x)
    assert np.isfinite(g.numpy()).all()


def test_ties_of_the_largest_share_its_gradient():
    x = mg.tensor([2.0, -2.0, 1.0], dtype=mg.float64, requires_grad=True)
    (g,) = mg.grad(F.pairwise_distance(x, mg.zeros(3).double(), math.inf, 0.0), x)
    assert g.tolist() == [0.5, -0.5, 0.0]


def test_cosine_is_of_the_angle_whatever_the_lengths():
    angles = np.linspace(-3, 3, 7)
    x = np.stack([np.cos(angles), np.sin(angles)], 1) * np.geomspace(1e-3, 1e3, 7)[:, None]
    got = F.cosine_similarity(mg.tensor(x), mg.tensor([5.0, 0.0], dtype=mg.float64))
    np.testing.assert_allclose(got.numpy(), np.cos(angles), rtol=1e-12)


def test_cosine_of_short_vectors_is_differentiated_as_it_is_computed():
    x = mg.tensor([[0.3, -0.2]], dtype=mg.float64, requires_grad=True)
    y = mg.tensor([[1.0, 2.0]], dtype=mg.float64)
    assert mg.autograd.gradcheck(lambda x: F.cosine_similarity(x, y, eps=10.0), [x])
    assert mg.autograd.gradgradcheck(lambda x: F.cosine_similarity(x, y, eps=10.0), [x])


def test_shapes_broadcast_and_dim_is_of_the_common_shape():
    x, y = mg.ones(1, 2, 3), mg.ones(4, 1, 3)
    assert F.cosine_similarity(x, y, -1).shape == (4, 2)
    assert F.cosine_similarity(x, y, 1).shape == (4, 3)
    np.testing.assert_allclose(F.cosine_similarity(x, y, 0).numpy(), 1, rtol=1e-6)
    assert F.pairwise_distance(x, y).shape == (4, 2)
    assert F.pairwise_distance(x, y, keepdim=True).shape == (4, 2, 1)
    assert F.cosine_similarity(mg.tensor(2.0), mg.tensor(-3.0), 0).item() == -1
    assert F.pairwise_distance(mg.tensor(2.0), mg.tensor(-3.0)).item() == pytest.approx(5)
    assert F.normalize(mg.tensor(-3.0), dim=0).item() == -1


def test_empty_axes():
    assert F.cosine_similarity(mg.ones(2, 0), mg.ones(2, 0)).tolist() == [0.0, 0.0]
    assert F.pairwise_distance(mg.ones(2, 0), mg.ones(2, 0)).tolist() == [0.0, 0.0]
    assert F.normalize(mg.ones(2, 0)).shape == (2, 0)
    assert F.normalize(mg.ones(0, 3)).shape == (0, 3)
    x = mg.ones(0, 3, requires_grad=True)
    F.pairwise_distance(x, mg.ones(3)).sum().backward()
    assert x.grad.shape == (0, 3)


def test_dtypes_are_promoted():
    ints = mg.tensor([[1, 2]])
    assert F.pairwise_distance(ints, ints).dtype == mg.float32
    assert F.pairwise_distance(ints, mg.ones(1, 2).double()).dtype == mg.float64
    assert F.cosine_similarity(ints, mg.ones(1, 2)).dtype == mg.float32
    assert F.cosine_similarity(mg.ones(1, 2), mg.ones(1, 2).double()).dtype == mg.float64


X = mg.ones(2, 3)


@pytest.mark.parametrize(
    "call, error, match",
    [
        (lambda: F.normalize(X.long()), TypeError, "normalize: .*floating"),
        (lambda: F.normalize(X[0]), IndexError, "normalize: dim 1 is out of range"),
        (lambda: F.normalize(X, dim=1.0), TypeError, "normalize: dim must be an integer"),
        (lambda: F.normalize(X, "nuc"), TypeError, "normalize: p must be a number"),
        (lambda: F.normalize(mg.ones(2, 0), math.inf), ValueError, "normalize: no elements"),
        (lambda: F.normalize(mg.ones(2, 0), -1), ValueError, "no elements for the -1.0-norm"),
        (lambda: F.normalize(X, eps=None), TypeError, "normalize: eps must be a number"),
        (lambda: F.normalize(2.0), TypeError, "normalize: expected a Tensor"),
        (lambda: F.cosine_similarity(X, mg.ones(2, 4)), ValueError, r"\(2, 3\) and \(2, 4\)"),
        (lambda: F.cosine_similarity(X.long(), X.long()), TypeError, "floating"),
        (lambda: F.cosine_similarity(X, X, 2), IndexError, "cosine_similarity: dim 2"),
        (lambda: F.cosine_similarity(X, X, (0, 1)), TypeError, "dim must be an integer"),
        (lambda: F.cosine_similarity(X, 1.0), TypeError, "cosine_similarity: expected a Tensor"),
        (lambda: F.cosine_similarity(X, X, eps=-1.0), ValueError, "eps must not be negative"),
        (lambda: F.pairwise_distance(X, mg.ones(2)), ValueError, r"\(2, 3\) and \(2,\)"),
        (lambda: F.pairwise_distance(X > 0, X > 0), TypeError, "bool"),
        (lambda: F.pairwise_distance(X, X, p=None), TypeError, "p must be a number"),
        (lambda: F.pairwise_distance(X, None), TypeError, "expected a Tensor"),
        (
            lambda: F.pairwise_distance(mg.ones(2, 0), mg.ones(2, 0), math.inf),
            ValueError,
            "no elements",
        ),
    ],
)
def test_mistakes_are_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize("p", EXPONENTS)
def test_values_and_two_orders_are_those_of_pytorch(p):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    a, b, v = rng.standard_normal((3, 2, 4))
    a[0, 1] = 0.0  # an element, and below a vector
    a = np.concatenate([a, np.zeros((1, 4))])
    found = []
    for library, grad in ((mg, mg.grad), (torch, torch.autograd.grad)):
        f = library.nn.functional
        x = library.tensor(a, requires_grad=True)
        y, u = library.tensor(b[:1]), library.tensor(v[:1])
        values = [
            f.normalize(x, p, dim=1),
            f.pairwise_distance(x, y, p),
            f.cosine_similarity(x, y),
        ]
        loss = (values[0] * u).sum() + values[1].sum() + (values[2] ** 2).sum()
        (g,) = grad(loss, x, create_graph=True)
        (h,) = grad((g * u).sum(), x)
        found.append([t.detach().numpy() for t in (*values, g, h)])
    for ours, theirs in zip(*found, strict=True):
        sane = np.isfinite(theirs)  # PyTorch has a NaN in the second order at zeros
        np.testing.assert_allclose(ours[sane], theirs[sane], rtol=1e-8, atol=1e-10)
        assert np.isfinite(ours).all()
