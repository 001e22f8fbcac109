"""Bilinear: einsum as its definition, symmetry, dtypes, mistakes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg

F = mg.nn.functional
sizes = st.integers(0, 3)


@given(lead=st.lists(sizes, max_size=2), i=sizes, j=sizes, o=sizes)
def test_is_the_sum_over_all_pairs(lead, i, j, o):
    rng = np.random.default_rng(0)
    shapes = (*lead, i), (*lead, j), (o, i, j), (o,)
    x, z, w, b = (rng.standard_normal(s) for s in shapes)
    y = F.bilinear(*(mg.tensor(a) for a in (x, z, w, b)))
    want = np.einsum("...i,oij,...j->...o", x, w, z) + b
    assert y.shape == want.shape
    np.testing.assert_allclose(y.numpy(), want, rtol=1e-12, atol=1e-12)


def test_exchanged_inputs_and_a_transposed_weight_give_the_same():
    x, z, w = mg.randn(5, 2), mg.randn(5, 3), mg.randn(4, 2, 3)
    np.testing.assert_allclose(
        F.bilinear(x, z, w).numpy(), F.bilinear(z, x, w.mT).numpy(), rtol=1e-5, atol=1e-5
    )


def test_integers_stay_integers():
    y = F.bilinear(mg.tensor([1, 2]), mg.tensor([3]), mg.tensor([[[1], [1]]]), mg.tensor([4]))
    assert y.dtype == mg.int64 and y.tolist() == [13]


X, Z, W = mg.ones(2, 3), mg.ones(2, 4), mg.ones(5, 3, 4)


@pytest.mark.parametrize(
    "call, error, match",
    [
        (lambda: F.bilinear(X, Z[0], W), ValueError, r"leading axes, got shapes \(2, 3\) and"),
        (lambda: F.bilinear(X, Z[:1], W), ValueError, "leading axes"),
        (lambda: F.bilinear(mg.ones(()), mg.ones(()), W), ValueError, "leading axes"),
        (lambda: F.bilinear(Z, X, W), ValueError, r"weight \(out, 4, 3\) .*got shape \(5, 3, 4\)"),
        (lambda: F.bilinear(X, Z, W[0]), ValueError, "weight"),
        (lambda: F.bilinear(X, Z, W, mg.ones(1)), ValueError, r"bias \(5,\)"),
        (lambda: F.bilinear(X, Z.double(), W), TypeError, "bilinear: expected one dtype"),
        (lambda: F.bilinear(X, Z, 1.0), TypeError, "bilinear: expected a Tensor"),
    ],
)
def test_mistakes_are_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()
