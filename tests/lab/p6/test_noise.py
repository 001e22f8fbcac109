"""Noise at a saddle: the saddle itself, the covariance of the noises, the verdict's logic."""

from itertools import combinations

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad import nn
from minigrad.curvature import Hessian
from minigrad.lab.p6 import noise
from minigrad.lab.training import network
from minigrad.nn import functional as F

TINY = {"samples": 200, "updates": 40, "every": 20, "batch": 8}


def test_contract():
    check("noise", measure("noise", TINY))


def test_splitting_a_unit_of_a_fitted_network_gives_a_saddle():
    mg.manual_seed(0)
    part = noise.patients(0, 200)
    fitted = noise.fit(part)
    for share in (0.3, 0.5):
        wider = noise.split_unit(fitted, share)
        np.testing.assert_allclose(wider(part[0]).detach().numpy(),
                                   fitted(part[0]).detach().numpy(), rtol=1e-12)  # fmt: skip
        H = Hessian(wider, F.mse_loss, part)
        assert np.linalg.norm(H.gradient()) < 1e-11
        eigenvalues = np.linalg.eigvalsh(H.dense())
        assert eigenvalues[0] < -0.01
        assert eigenvalues[-1] > 0.1


def gradients(model, x, y):
    """One flat gradient a sample."""
    rows = []
    for i in range(len(y)):
        model.zero_grad()
        F.mse_loss(model(x[i : i + 1]), y[i : i + 1]).backward()
        rows.append(np.concatenate([p.grad.numpy().ravel() for p in model.parameters()]))
    return np.array(rows)


class Fixed:
    """A generator that draws what it was given."""

    def __init__(self, z):
        self.z = z

    def normal(self, size):
        return self.z


def test_matched_noise_has_the_covariance_of_small_batches():
    mg.manual_seed(0)
    n, batch = 8, 3
    x, y = mg.randn(n, 2, dtype=mg.float64), mg.randn(n, 1, dtype=mg.float64)
    model = network([2, 2, 1], nn.Tanh).double()
    each = gradients(model, x, y)
    means = np.array([each[list(c)].mean(axis=0) for c in combinations(range(n), batch)])
    exact = np.cov(means.T, bias=True)  # over all batches there are
    columns = []
    for i in range(n):  # the noise is linear in z: its covariance is the sum over unit vectors
        model.zero_grad()
        noise.matched_noise_loss(model, x, y, batch, Fixed(np.eye(n)[i])).backward()
        whole = np.concatenate([p.grad.numpy().ravel() for p in model.parameters()])
        columns.append(whole - each.mean(axis=0))
    columns = np.array(columns)
    np.testing.assert_allclose(columns.T @ columns, exact, rtol=1e-9, atol=1e-15)


def test_small_batches_keep_equal_units_equal():
    mg.manual_seed(0)
    part = noise.patients(0, 200)
    model = noise.split_unit(network([10, 1, 1], nn.Tanh).double(), 0.5)
    settings = {"rate": 0.05, "batch": 8, "updates": 30, "every": 10}
    noise.descend("SGD", model, part, settings, 0.0, np.random.default_rng(0))
    weight = model[0].weight.detach().numpy()
    np.testing.assert_allclose(weight[0], weight[1], atol=1e-12)
    noise.descend("isotropic noise", model, part, settings, 0.1, np.random.default_rng(0))
    weight = model[0].weight.detach().numpy()
    assert np.linalg.norm(weight[0] - weight[1]) > 1e-3


def made_up(sgd, gd, alike, pushed=0.0, n=4):
    """Measurements in which `sgd` and `gd` of n seeds left, and `alike` at the second saddle."""
    runs = []
    for i in range(n):
        escape = dict.fromkeys(noise.ARMS, 100 + i)
        first = {**escape, "SGD": 50 if i < sgd else None,
                 "gradient descent": 900 if i < gd else None}  # fmt: skip
        second = {**escape, "SGD": 50 if i < alike else None}
        curves = {arm: [1.0, 0.9 + 0.001 * i] for arm in noise.ARMS}
        curves["one push"] = [1.0, 0.9 + pushed]
        saddle = {"loss": 1.0, "gradient": 0.0, "eigenvalues": [-1.0, 2.0], "noise": 0.1}
        runs.append(
            {
                "saddles": {"0.3": saddle, "0.5": saddle},
                "updates": [0, 20],
                "escape": {"0.3": first, "0.5": second},
                "curves": {"0.3": curves, "0.5": curves},
                "apart": {s: dict.fromkeys(noise.ARMS, 0.1) for s in ("0.3", "0.5")},
            }
        )
    settings = {"shares": [0.3, 0.5], "updates": 1000, "push": 1e-3}
    return {"settings": settings, "runs": runs}


@pytest.mark.parametrize(
    ("values", "outcome", "words"),
    [
        ((4, 0, 4), "holds", ""),
        ((3, 0, 4), "holds with a limit", "in 3 of 4 seeds only"),
        ((4, 1, 4), "holds with a limit", "rounding errors grow as well"),
        ((4, 0, 0), "holds with a limit", "Not every saddle"),
        ((4, 0, 4, -0.05), "holds with a limit", "Noise need not last"),
        ((4, 4, 4), "does not hold", ""),
        ((0, 0, 4), "does not hold", ""),
        ((2, 0, 0, 0.0, 2), "undecided", "noise --seeds"),
    ],
)
def test_outcomes(values, outcome, words):
    verdict = noise.verdict(made_up(*values))
    assert verdict.outcome == outcome
    assert words in " ".join(verdict.reasons)
