"""Losses of regression: formulas, kinks, reductions, weights, warnings, bad arguments; PyTorch."""

import warnings

import numpy as np
import pytest

import minigrad as mg

F = mg.nn.functional
REDUCTIONS = ["none", "mean", "sum"]
inf = float("inf")


def tower(loss, points, orders=2):
    """The losses of each number by itself, and their derivatives."""
    x = mg.tensor(np.asarray(points, float), requires_grad=True)
    y, found = loss(x), []
    for _ in range(orders + 1):
        found.append(y.detach().numpy())
        g = (
            mg.grad(y.sum(), x, create_graph=True, allow_unused=True)[0]
            if y.requires_grad
            else None
        )
        y = mg.zeros_like(x) if g is None else g
    return found


def check_kinks(row):
    loss, points, *wanted = row
    for found, want in zip(tower(loss, points, len(wanted) - 1), wanted, strict=True):
        np.testing.assert_allclose(found, want, atol=1e-14)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_mse_loss_is_its_formula(reduction):
    x, y = np.random.default_rng(0).standard_normal((2, 3, 4))
    want = (x - y) ** 2
    want = {"none": want, "sum": want.sum(), "mean": want.mean()}[reduction]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = F.mse_loss(mg.tensor(x), mg.tensor(y), reduction)
    np.testing.assert_allclose(loss.numpy(), want, rtol=1e-14)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss"])
def test_a_broadcast_is_warned_of_at_the_callers_line(name):
    with pytest.warns(UserWarning, match=rf"^{name}: .*\(3, 1\) and target \(3,\)") as seen:
        loss = getattr(F, name)(mg.zeros(3, 1), mg.ones(3), reduction="none")
    assert loss.shape == (3, 3) and seen[0].filename == __file__


def to_zero(loss, **options):
    return lambda x: loss(x, mg.zeros_like(x), reduction="none", **options)


KINKS = {  # loss, points, values, slopes, second derivatives
    "l1": (to_zero(F.l1_loss), [0, -2], [0, 2], [0, -1], [0, 0]),
    "huber": (
        to_zero(F.huber_loss, delta=1.5),
        [0, 1.5, -1.5],
        [0, 1.125, 1.125],
        [0, 1.5, -1.5],
        [1, 0, 0],
    ),
    "smooth_l1": (
        to_zero(F.smooth_l1_loss, beta=1.5),
        [0, 1.5, -1.5],
        [0, 0.75, 0.75],
        [0, 1, -1],
        [2 / 3, 0, 0],
    ),
    "smooth_l1, beta 0": (to_zero(F.smooth_l1_loss, beta=0), [0, 1.5], [0, 1.5], [0, 1], [0, 0]),
    "huber far out": (
        to_zero(F.huber_loss),
        [1e200, -1e200, inf, -inf],
        [1e200, 1e200, inf, inf],
        [1, -1, 1, -1],
        [0] * 4,
    ),
}


@pytest.mark.parametrize("name", KINKS)
def test_kinks_have_pytorchs_subgradients(name):
    check_kinks(KINKS[name])


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss"])
def test_reductions_and_the_mean_of_nothing(name):
    x, y = mg.tensor(np.random.default_rng(0).standard_normal((2, 3, 4)))
    each = getattr(F, name)(x, y, reduction="none").numpy()
    assert each.shape == (3, 4)
    np.testing.assert_allclose(getattr(F, name)(x, y).item(), each.mean())
    np.testing.assert_allclose(getattr(F, name)(x, y, reduction="sum").item(), each.sum())
    with np.errstate(all="ignore"):
        assert np.isnan(getattr(F, name)(x[:0], y[:0]).item())


def test_weights_divide_the_mean_but_not_hubers():
    x, y, w = mg.tensor(np.random.default_rng(0).uniform(0.1, 2, (3, 2, 3)))
    for name in ("mse_loss", "l1_loss", "huber_loss"):
        each = getattr(F, name)(x, y, reduction="none") * w
        total = each.mean() if name == "huber_loss" else each.sum() / w.sum()
        np.testing.assert_allclose(getattr(F, name)(x, y, weight=w).item(), total.item())
        none = getattr(F, name)(x, y, reduction="none", weight=w)
        np.testing.assert_allclose(none.numpy(), each.numpy())


x23, y23 = mg.zeros(2, 3), mg.ones(2, 3)
MISTAKES = [
    (lambda: F.mse_loss(x23, y23, reduction="max"), ValueError, "mse_loss: reduction .*'max'"),
    (lambda: F.l1_loss(x23, mg.ones(2)), ValueError, r"l1_loss: .*\(2, 3\) and \(2,\)"),
    (lambda: F.l1_loss(x23, [1.0]), TypeError, "l1_loss: expected a Tensor, got list"),
    (lambda: F.mse_loss(x23, y23, weight=mg.ones(3)), ValueError, r"mse_loss: weight \(3,\)"),
    (lambda: F.mse_loss(x23 > 0, y23), TypeError, "mse_loss: .*bool"),
    (
        lambda: F.mse_loss(x23.long(), y23.long()),
        TypeError,
        "mse_loss: expected floats, got int64",
    ),
    (lambda: F.huber_loss(x23, y23, delta="a"), TypeError, "huber_loss: delta must be a number"),
    (lambda: F.huber_loss(x23, y23, delta=0), ValueError, "huber_loss: delta .* 0"),
    (lambda: F.huber_loss(x23, y23, delta=float("nan")), ValueError, "huber_loss: delta"),
    (lambda: F.smooth_l1_loss(x23, y23, beta=-1), ValueError, "smooth_l1_loss: beta .*-1"),
]


@pytest.mark.parametrize("case", range(len(MISTAKES)))
def test_mistakes_are_refused(case):
    call, error, match = MISTAKES[case]
    with pytest.raises(error, match=f"^{match}"):
        call()


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_losses_are_those_of_pytorch(dtype, reduction):
    torch = pytest.importorskip("torch")
    x, y = np.random.default_rng(0).standard_normal((2, 4, 5)).astype(dtype)
    options = {
        "mse_loss": {},
        "l1_loss": {},
        "huber_loss": {"delta": 0.7},
        "smooth_l1_loss": {"beta": 0.7},
    }
    for name, extra in options.items():
        a, b = mg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
        ours = getattr(F, name)(a, mg.tensor(y), reduction=reduction, **extra)
        theirs = getattr(torch.nn.functional, name)(
            b, torch.tensor(y), reduction=reduction, **extra
        )
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-5)
        ours.sum().backward(), theirs.sum().backward()
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-5, atol=1e-6)
