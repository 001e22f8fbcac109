"""The Newton-Schulz iteration of Muon."""

import numpy as np
import pytest

from minigrad.optim.muon import COEFFICIENTS, bfloat16, newton_schulz


def test_newton_schulz_in_bfloat16_is_pytorchs():
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("torch.optim._muon")._zeropower_via_newtonschulz
    rng = np.random.default_rng(0)
    same = []
    for shape in [(5, 4), (4, 3), (3, 8), (16, 16)] * 5:
        x = rng.normal(size=shape)
        a = newton_schulz(x, steps=5, rounded=bfloat16)
        b = theirs(torch.tensor(x), COEFFICIENTS, 5, 1e-7).float().numpy()
        np.testing.assert_allclose(a, b, atol=2**-6)
        same += (a == b).ravel().tolist()
    assert np.mean(same) > 0.95  # sums of another order round to a neighbour now and then


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3)])
def test_newton_schulz_brings_singular_values_near_one(shape):
    x = np.random.default_rng(0).normal(size=shape)
    sizes = np.linalg.svd(newton_schulz(x), compute_uv=False)
    assert (sizes > 0.68).all() and (sizes < 1.14).all()
    rough = newton_schulz(x, rounded=bfloat16)
    np.testing.assert_allclose(rough, newton_schulz(x), atol=0.05)
    assert (bfloat16(rough) == rough).all()
    exact = newton_schulz(x, (1.5, -0.5, 0), 60)  # the classical iteration: X Xᵀ = 1
    u, _, v = np.linalg.svd(x, full_matrices=False)
    np.testing.assert_allclose(exact, u @ v, atol=1e-10)


def test_bfloat16_rounds_to_even_and_keeps_what_is_not_finite():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    x = np.append(x, [np.nan, np.inf, -np.inf, 0, 1 + 2**-8, 1 + 3 * 2**-8]).astype(np.float32)
    np.testing.assert_array_equal(bfloat16(x), torch.tensor(x).bfloat16().float().numpy())
