"""Kinds of critical points, the tolerance for zero, and the way out of a saddle."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import curvature, nn

f64 = mg.float64
classify = curvature.classify_critical_point


def toy(w):
    return (1 - w[0] * w[1]) ** 2


def form(*factors):
    d = mg.tensor(np.array(factors))
    return (lambda w: (d * w * w).sum()), mg.zeros(len(factors), dtype=f64)


@pytest.mark.parametrize("dtype", [mg.float32, f64])
def test_the_toys_origin_is_a_saddle_with_eigenvalues_of_two(dtype):
    point = classify(toy, mg.zeros(2, dtype=dtype))
    assert point.kind == "saddle" and point.eigenvalues.tolist() == [-2.0, 2.0]
    assert point.inertia == (1, 0, 1) and point.gradient_norm == 0.0 and point.loss == 1.0
    assert str(point).startswith("saddle: loss 1, |gradient| 0, eigenvalues -2 … 2")


def test_the_toys_minimum_is_degenerate():
    point = classify(toy, mg.ones(2, dtype=f64))
    assert point.kind == "degenerate" and point.inertia == (1, 1, 0)
    assert point.inertia.minimum_ratio == 0.5


@pytest.mark.parametrize(
    ("factors", "kind"),
    [
        ((1, 2, 3), "local minimum"),
        ((-1, -2), "local maximum"),
        ((-1, 2, 0), "saddle"),
        ((1, 0), "degenerate"),
        ((-1, 0), "degenerate"),
        ((0, 0), "flat"),
    ],
)
def test_kinds(factors, kind):
    f, at = form(*[float(x) for x in factors])
    assert classify(f, at).kind == kind
    ends_only = classify(f, at, limit=1)
    assert ends_only.inertia is None
    if not (kind.startswith("degenerate")):
        assert ends_only.kind == kind
    assert classify(f, at + 1.0).kind == ("flat" if kind == "flat" else "not critical")


def test_beyond_the_limit_the_ends_of_the_spectrum_decide():
    d = mg.tensor(np.linspace(-1, 2, 400))
    point = classify(lambda w: (d * w * w).sum(), mg.zeros(400, dtype=f64), limit=100)
    assert point.kind == "saddle" and point.inertia is None
    np.testing.assert_allclose(point.eigenvalues, [-2.0, 4.0], atol=1e-9)
    assert "positive" not in str(point)


def test_rounding_is_not_taken_for_curvature():
    """A rank-3 matrix in float32: 17 eigenvalues are rounding, and count as zero."""
    chance = np.random.default_rng(0)
    x = mg.tensor(chance.standard_normal((3, 20)).astype(np.float32))
    H = curvature.Hessian.of(lambda w: (x @ w).square().sum(), mg.zeros(20))
    values = np.linalg.eigvalsh(H.dense())
    assert (values != 0).sum() > 3
    assert curvature.inertia(H) == (3, 17, 0)
    assert curvature.inertia(values) == curvature.inertia(H.dense()) == (3, 17, 0)
    assert curvature.inertia(values, 0.0).zero < 17
    assert curvature.inertia(values, 1e9) == (0, 20, 0)


def test_inertia_refuses():
    for wrong in (np.ones((2, 3)), np.ones((2, 2, 2)), 3.0):
        with pytest.raises(ValueError, match="inertia"):
            curvature.inertia(wrong)
    with pytest.raises(ValueError, match="tolerance"):
        curvature.inertia(np.ones(2), -1.0)


def test_escape_lowers_the_toys_loss_as_promised():
    way = curvature.escape_direction(toy, mg.zeros(2, dtype=f64))
    np.testing.assert_allclose(np.abs(way.direction), np.sqrt(0.5))
    assert way.direction[0] * way.direction[1] > 0 and way.curvature == -2.0
    step = 0.1
    moved = toy(mg.tensor(step * way.direction)).item()
    assert moved < 1.0 and moved - 1.0 == pytest.approx(way.change(step), rel=1e-2)


def test_escape_goes_down_the_gradient():
    f = lambda w: w[0] ** 2 - w[1] ** 2 + 0.01 * w[1]  # noqa: E731
    for sign in (1.0, -1.0):
        g = lambda w, s=sign: f(w * s)  # noqa: E731
        way = curvature.escape_direction(g, mg.zeros(2, dtype=f64))
        assert way.slope == pytest.approx(-0.01) and way.change(1.0) == pytest.approx(-1.01)


def test_there_is_no_escape_from_a_minimum():
    for factors in ((1.0, 2.0), (1.0, 0.0), (0.0, 0.0)):
        assert curvature.escape_direction(*form(*factors)) is None


def test_an_untrained_network_at_zero_is_a_saddle():
    model = nn.Sequential(nn.Linear(2, 3, bias=False), nn.Tanh(), nn.Linear(3, 1, bias=False))
    for p in model.parameters():
        nn.init.zeros_(p)
    x, y = mg.randn(6, 2), mg.randn(6, 1)
    H = curvature.Hessian(model, nn.functional.mse_loss, (x, y), dtype=f64)
    point = classify(H)
    assert point.kind == "saddle"
    way = curvature.escape_direction(H)
    for p, step in zip(model.parameters(), H.unflatten(way.direction).values(), strict=True):
        p.data = (0.3 * step).float()
    assert curvature.Hessian(model, nn.functional.mse_loss, (x, y)).loss() < point.loss


def test_what_is_not_finite_or_no_point_is_refused():
    with pytest.raises(ValueError, match="finite"):
        classify(lambda w: w.log().sum(), mg.zeros(2))
    with pytest.raises(TypeError, match="classify_critical_point"):
        classify(toy)
    with pytest.raises(TypeError, match="escape_direction"):
        curvature.escape_direction(3.0)
