"""The identities of a scale-invariant loss against formulas, and the verdict's logic."""

import copy

import numpy as np
import pytest
from lab_contract import check, measure

import minigrad as mg
from minigrad.curvature import Hessian
from minigrad.lab.p9 import scale_invariance
from minigrad.nn import functional as F

NAME = "scale_invariance"
TINY = {
    "most": 80,
    "hidden": [4, 3],
    "updates": 8,
    "eps": [1e-4, 1e-5, 1e-8, 1e-12],
    "scales": [0.01, 1, 10],
}


@pytest.fixture(scope="module")
def measurements():
    return measure(NAME, TINY)


@pytest.fixture
def part():
    mg.manual_seed(3)
    return mg.randn(12, 5, dtype=mg.float64), mg.tensor([0, 1, 2] * 4)


def test_contract(measurements):
    check(NAME, measurements)


def test_neurons_are_the_rows_before_batch_norm():
    model = scale_invariance.network(2, [3], 2, 1e-5)
    H = Hessian(model, F.cross_entropy, (mg.randn(4, 2).double(), mg.tensor([0, 1, 0, 1])))
    w, b = scale_invariance.neurons(model, H)
    assert w.shape == b.shape == (3 * 2 + 3 + 3 + 3 + 2 * 3 + 2, 3)
    for k in range(3):
        parts = H.unflatten(w[:, k])
        np.testing.assert_array_equal(parts["0.weight"][k].numpy(), model[0].weight[k].detach())
        assert np.count_nonzero(w[:, k]) == 2
        assert H.unflatten(b[:, k])["0.bias"].tolist() == [float(i == k) for i in range(3)]
        assert b[:, k].sum() == 1


@pytest.mark.parametrize("eps", [1e-2, 1e-5])
def test_what_epsilon_leaves_of_the_product(part, eps):
    # dL(aw)/da at a = 1 by central differences, against γ ∂L/∂γ ε/(σ² + ε)
    mg.manual_seed(0)
    model = scale_invariance.network(5, [1], 3, eps)
    with mg.no_grad():
        model[1].weight.fill_(1.3)
    gradient = Hessian(model, F.cross_entropy, part)
    gradient = gradient.unflatten(gradient.gradient())

    def loss(factor):
        copied = copy.deepcopy(model)
        scaled = scale_invariance.scale(copied, factor)
        return F.cross_entropy(scaled(part[0]), part[1]).item()

    h = 1e-4
    numeric = (loss(1 + h) - loss(1 - h)) / (2 * h)
    assert scale_invariance.left_over(model, part, gradient)[0] == pytest.approx(numeric, rel=1e-5)
    product = (gradient["0.weight"] * model[0].weight).sum().item()
    assert product == pytest.approx(numeric, rel=1e-5)


def test_scale_invariance_is_exact_up_to_epsilon(part):
    mg.manual_seed(0)
    found = [
        scale_invariance.residuals(scale_invariance.network(5, [4, 3], 3, eps), part)
        for eps in (1e-6, 1e-12)
    ]
    for name in ("cosine", "hessian"):
        assert 0 < found[1][name] < 1e-8
        assert found[0][name] / found[1][name] == pytest.approx(1e6, rel=1)
    for row in found:
        assert max(row["bias gradient"], row["bias rows"]) < 1e-14
        assert row["predicted"] < 1e-13


def test_evaluation_mode_and_plain_networks_break_the_identities(part):
    mg.manual_seed(0)
    normed = scale_invariance.network(5, [4], 3, 1e-12)
    plain = scale_invariance.network(5, [4], 3, 1e-12, batch_norm=False)
    for model, mode in ((normed, "eval"), (plain, "train")):
        found = scale_invariance.residuals(model, part, mode)
        assert "predicted" not in found
        for name in ("cosine", "hessian", "bias gradient", "bias rows"):
            assert found[name] > 1e-3, name


def test_a_step_lengthens_the_weights_as_pythagoras_says(part):
    mg.manual_seed(0)
    model = scale_invariance.network(5, [4, 3], 3, 1e-12)
    _, lengths = scale_invariance.descend(model, part, 0.3, 0.3, 20)
    np.testing.assert_allclose(lengths["squared"], lengths["pythagoras"], rtol=1e-9)
    assert np.diff(lengths["squared"]).min() > 0
    weights = [layer.weight for layer in scale_invariance.hidden_layers(model).values()]
    assert len(weights) == 2
    assert lengths["squared"][-1] == pytest.approx(sum((w * w).sum().item() for w in weights))


def test_longer_weights_need_a_larger_rate(part):
    def losses(factor, rate):
        mg.manual_seed(0)
        model = scale_invariance.network(5, [4], 3, 1e-12)
        scale_invariance.scale(model, factor)
        return np.array(scale_invariance.descend(model, part, 0.3, rate, 15)[0])

    np.testing.assert_allclose(losses(5.0, 25 * 0.3), losses(1.0, 0.3), rtol=1e-6)
    assert abs(losses(5.0, 0.3) / losses(1.0, 0.3) - 1).max() > 0.01


def test_short_weights_are_the_limit(measurements):
    verdict = scale_invariance.verdict(measurements)
    assert verdict.outcome == "holds with a limit"
    assert "multiplied by 0.01 …" in verdict.reasons[-1]


def without_limits(measurements):
    ideal = copy.deepcopy(measurements)
    for run in ideal["runs"]:
        run["scaling"] = {eps: [1.0] * len(losses) for eps, losses in run["scaling"].items()}
        run["lengths"]["gradient descent"]["squared"] = list(range(9))
    return ideal


def test_verdict_without_limits_holds(measurements):
    verdict = scale_invariance.verdict(without_limits(measurements))
    assert verdict.outcome == "holds"
    assert "never shortened the weights, in 8 updates" in verdict.reasons[-1]


def test_weights_that_get_shorter_are_a_limit(measurements):
    ideal = without_limits(measurements)
    ideal["runs"][0]["lengths"]["gradient descent"]["squared"][3] = 5
    verdict = scale_invariance.verdict(ideal)
    assert verdict.outcome == "holds with a limit"
    assert "in 1 of 8 updates" in verdict.reasons[-1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r["residuals"]["trained"][0].update({"bias rows": 1e-9}), "not idle"),
        (lambda r: r["residuals"]["initial"][-1].update(hessian=1e-3), "still has"),
        (lambda r: r["residuals"]["trained"][0].update(cosine=1e-12), "in proportion"),
        (lambda r: r["controls"]["no batch norm"].update(cosine=1e-9), "hold as well"),
        (lambda r: r["twins"]["1e-12"]["aw, a²η"].__setitem__(4, 9.0), "not η/‖w‖²"),
    ],
)
def test_verdict_is_refuted_by_any_broken_identity(measurements, change, words):
    wrong = without_limits(measurements)
    change(wrong["runs"][0])
    verdict = scale_invariance.verdict(wrong)
    assert verdict.outcome == "does not hold"
    assert words in verdict.reasons[0]
