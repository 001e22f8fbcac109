"""The price of second derivatives: what is timed, and the verdict's logic."""

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.lab.p5 import hessian_cost

TINY = {"samples": 20, "widths": [1, 2], "rounds": 2, "matrices": 1, "steps": 4}
N = [100, 400, 1600]


@pytest.fixture(scope="module")
def measurements():
    return measure("hessian_cost", TINY)


def test_contract(measurements):
    before = mg.get_num_threads()
    check("hessian_cost", measurements, again=False)
    assert mg.get_num_threads() == before


def test_sizes_memory_and_accuracy(measurements):
    run = measurements["runs"][0]
    assert run["n"] == [75 * width + 10 for width in TINY["widths"]]
    assert run["bytes"] == [8 * n * n for n in run["n"]]
    assert max(run["agreement"]) < 1e-12
    assert all(0 < t < 10 for row in run["seconds"].values() for t in row)
    for found, exact in zip(run["largest"]["lanczos"], run["largest"]["exact"], strict=True):
        assert found <= exact * (1 + 1e-9)  # a Ritz value never passes the largest eigenvalue


def test_what_is_timed_is_the_hessian():
    # softmax regression: H = XᵀDX / N with D = diag(p) − ppᵀ for each sample, written out
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((7, 3)), mg.tensor([0, 1, 2, 3, 0, 1, 2])
    model = mg.nn.Linear(3, 4, bias=False, dtype=mg.float64)
    logits = x @ model.weight.detach().numpy().T
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    d = np.einsum("ni,ij->nij", p, np.eye(4)) - np.einsum("ni,nj->nij", p, p)
    expected = np.einsum("nij,na,nb->iajb", d, x, x).reshape(12, 12) / 7
    v = rng.standard_normal(12)
    jobs = hessian_cost.tasks(model, mg.from_numpy(x), y, v, 12)
    seconds, given = hessian_cost.time_in_turns(jobs, 2, 1)
    assert set(seconds) == set(given) == set(hessian_cost.WHAT)
    np.testing.assert_allclose(given["whole"], expected, atol=1e-14)
    np.testing.assert_allclose(given["product"], expected @ v, atol=1e-13)
    np.testing.assert_allclose(given["further product"], expected @ v, atol=1e-13)
    residual = (p - np.eye(4)[y.numpy()]).T @ x / 7
    np.testing.assert_allclose(given["gradient"], residual.ravel(), atol=1e-14)
    top = np.linalg.eigvalsh(expected)[-1]
    assert given["lanczos"].support[1] == pytest.approx(top, rel=1e-9)


def test_the_matrix_is_computed_in_fewer_rounds():
    calls = []
    functions = {what: lambda what=what: calls.append(what) for what in hessian_cost.WHAT}
    hessian_cost.time_in_turns(functions, 5, 2)
    assert [calls.count(what) for what in hessian_cost.WHAT] == [5, 5, 5, 5, 2]


def made_up(whole, product, lanczos, seeds=4, noise=0.02):
    """Measurements in which prices are the given functions of n, in gradients of 1 ms."""
    rng = np.random.default_rng(0)
    n = np.array(N, float)

    def row(price):
        return list(1e-3 * price(n) * np.exp(noise * rng.standard_normal(3)))

    runs = []
    for _ in range(seeds):
        seconds = {
            "gradient": [1e-3] * 3,
            "product": row(product),
            "further product": row(product),
            "lanczos": row(lanczos),
            "whole": row(whole),
        }
        largest = {"exact": [1.0] * 3, "lanczos": [0.99] * 3}
        runs.append({"n": N, "seconds": seconds, "bytes": [8 * k * k for k in N],
                     "agreement": [1e-15] * 3, "largest": largest})  # fmt: skip
    return {"settings": {"steps": 10}, "runs": runs}


def level(value):
    return lambda n: value + 0 * n


@pytest.mark.parametrize(
    ("whole", "product", "lanczos", "outcome", "reasons"),
    [
        (lambda n: n / 3, level(2.0), level(12.0), "holds with a limit", 4),
        (lambda n: n / 3, level(12.0), level(12.0), "holds with a limit", 3),
        (lambda n: n / 3, lambda n: n / 200, lambda n: n / 20, "holds", 2),
        (lambda n: n / 3, level(20.0), level(200.0), "holds", 2),
        (lambda n: n / 100, level(2.0), level(12.0), "does not hold", 2),
        (level(500.0), level(2.0), level(12.0), "does not hold", 2),
    ],
)
def test_outcomes(whole, product, lanczos, outcome, reasons):
    verdict = hessian_cost.verdict(made_up(whole, product, lanczos))
    assert verdict.outcome == outcome
    assert len(verdict.reasons) == reasons


def test_an_interval_that_holds_the_bound_is_undecided():
    close = made_up(lambda n: 30 * n / N[-1], level(2.0), level(12.0), noise=0.3)
    verdict = hessian_cost.verdict(close)
    assert verdict.outcome == "undecided"
    assert any("minigrad lab hessian_cost --full" in reason for reason in verdict.reasons)


def test_few_seeds_are_undecided():
    verdict = hessian_cost.verdict(made_up(lambda n: n, level(2.0), level(12.0), seeds=2))
    assert verdict.outcome == "undecided"
    assert "minigrad lab hessian_cost" in verdict.reasons[0]


def test_exponents_are_those_put_in():
    exact = made_up(lambda n: 0.1 * n**1.25, level(2.0), lambda n: n**0.5, noise=0.0)
    np.testing.assert_allclose(hessian_cost.exponents(exact, "whole"), 1.25, rtol=1e-12)
    np.testing.assert_allclose(hessian_cost.exponents(exact, "product"), 0, atol=1e-12)
    np.testing.assert_allclose(hessian_cost.exponents(exact, "lanczos"), 0.5, rtol=1e-12)
    assert hessian_cost.verdict(exact).key == (
        f"H: {0.1 * 1600**1.25:.0f} gradients at n = 1600, Hv: 2.0"
    )
