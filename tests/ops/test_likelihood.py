"""Losses of probability: formulas, limits, extremes, reductions, bad arguments."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg

F = mg.nn.functional
REDUCTIONS = ["none", "mean", "sum"]
seeds = st.integers(0, 2**32 - 1)
reductions = st.sampled_from(REDUCTIONS)


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


def optional(array):
    return None if array is None else mg.tensor(array)


@given(
    seed=seeds,
    reduction=reductions,
    weighted=st.booleans(),
    positive=st.booleans(),
    spread=st.sampled_from([1.0, 100.0]),
)
def test_bce_with_logits_is_its_formula(seed, reduction, weighted, positive, spread):
    rng = np.random.default_rng(seed)
    x, t = rng.standard_normal((3, 4)) * spread, rng.random((3, 4))
    w = rng.random(4) if weighted else None
    p = rng.uniform(0.5, 2, 4) if positive else None
    loss = F.binary_cross_entropy_with_logits(
        mg.tensor(x), mg.tensor(t), optional(w), reduction, optional(p)
    )
    want = (1 if p is None else p) * t * np.logaddexp(0, -x) + (1 - t) * np.logaddexp(0, x)
    want = want * (1 if w is None else w)
    want = {"none": want, "sum": want.sum(), "mean": want.mean()}[reduction]
    np.testing.assert_allclose(loss.numpy(), want, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bce_with_logits_keeps_its_digits_where_it_is_small(dtype):
    x = np.array([30.0, 19.0, 21.0, -25.0, -60.0], dtype)
    t = (x > 0).astype(dtype)
    z = mg.tensor(x, requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(z, mg.tensor(t), reduction="none")
    want = np.log1p(np.exp(-np.abs(x.astype(np.longdouble))))
    rtol = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(loss.detach().numpy(), want.astype(dtype), rtol=rtol)
    loss.sum().backward()
    slope = -np.sign(x) / (1 + np.exp(np.abs(x.astype(np.longdouble))))
    np.testing.assert_allclose(z.grad.numpy(), slope.astype(dtype), rtol=rtol)


@pytest.mark.parametrize("positive", [False, True])
def test_bce_with_logits_derivatives_by_central_differences(positive):
    rng = np.random.default_rng(0)
    x, t = (mg.tensor(a, requires_grad=True) for a in rng.uniform(0.1, 0.9, (2, 2, 3)))
    p = mg.tensor(rng.random(3)) if positive else None

    def loss(x, t):
        return F.binary_cross_entropy_with_logits(x, t, pos_weight=p)

    assert mg.autograd.gradcheck(loss, [x, t])
    assert mg.autograd.gradgradcheck(loss, [x, t])


# Probabilities --------------------------------------------------------------------------------


def bce_to(t):
    return lambda x: F.binary_cross_entropy(x, mg.full_like(x, t), reduction="none")


KINKS = {  # loss, points, values, slopes, second derivatives
    "bce to 0": (bce_to(0), [0, 0.5], [0, np.log(2)], [0, 2], [0, 4]),
    "bce to 0 at 1": (bce_to(0), [1], [100], [1e12]),
    "bce to 1": (bce_to(1), [1, 0.5], [0, np.log(2)], [0, -2], [0, 4]),
    "bce to 1 at 0": (bce_to(1), [0, 1e-300], [100, 100], [-1e12, -1e12]),
}


@pytest.mark.parametrize("name", KINKS)
def test_probabilities_of_0_and_1_have_pytorchs_limits(name):
    loss, points, *wanted = KINKS[name]
    for found, want in zip(tower(loss, points, len(wanted) - 1), wanted, strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-9, atol=1e-11)


def test_bce_is_finite_and_right_in_its_targets_too():
    t = mg.tensor([0.3, 0.2, 0.5], requires_grad=True)
    loss = F.binary_cross_entropy(mg.tensor([0.0, 1.0, 0.25]), t, reduction="sum")
    (slope,) = mg.grad(loss, t)
    np.testing.assert_allclose(slope.numpy(), [100, -100, np.log(3)], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_far_out_give_numbers_to_fourth_order(dtype):
    huge = 1e30 if dtype == np.float32 else 1e200
    for t in (0.0, 0.3, 1.0):
        x = mg.tensor(np.array([huge, -huge, 800, -800, 90, -90], dtype), requires_grad=True)
        y = F.binary_cross_entropy_with_logits(x, mg.full_like(x, t), reduction="none")
        for _ in range(5):
            assert np.isfinite(y.detach().numpy()).all() and y.dtype == dtype
            (y,) = mg.grad(y.sum(), x, create_graph=True)


def test_kl_div_counts_nothing_where_the_target_is_zero():
    x = mg.tensor(np.log([[0.5, 0.25, 0.25]]), requires_grad=True)
    t = mg.tensor([[0.0, 0.5, 0.5]], dtype=mg.float64, requires_grad=True)
    loss = F.kl_div(x, t, reduction="batchmean")
    loss.backward()
    assert loss.item() == pytest.approx(np.log(2))
    np.testing.assert_allclose(x.grad.numpy(), [[0, -0.5, -0.5]])
    assert np.isfinite(t.grad.numpy()).all()
    assert np.isnan(F.kl_div(x, -t - 1, reduction="sum").item())


def test_kl_div_reductions_and_the_warning_of_mean():
    x, t = mg.tensor(np.random.default_rng(0).uniform(0.1, 1, (2, 4, 5)))
    each = F.kl_div(x, t, reduction="none").numpy()
    assert F.kl_div(x, t, reduction="batchmean").item() == pytest.approx(each.sum() / 4)
    with pytest.warns(UserWarning, match="batchmean") as seen:
        assert F.kl_div(x, t).item() == pytest.approx(each.mean())
    assert seen[0].filename == __file__
    same = F.kl_div(x, t.log(), reduction="none", log_target=True)
    np.testing.assert_allclose(same.numpy(), each, rtol=1e-12)


def test_gaussian_variances_of_every_shape_and_the_least_one():
    chance = np.random.default_rng(0)
    x, t, v = chance.standard_normal((2, 3)), chance.standard_normal((2, 3)), np.array([0.5, 2.0])
    want = (np.log(v[:, None]) + (x - t) ** 2 / v[:, None]) / 2
    for var in (v, v[:, None], np.repeat(v[:, None], 3, 1)):
        got = F.gaussian_nll_loss(mg.tensor(x), mg.tensor(t), mg.tensor(var), reduction="none")
        np.testing.assert_allclose(got.numpy(), want, rtol=1e-12)
    one = F.gaussian_nll_loss(mg.tensor(x), mg.tensor(t), 2.0, full=True, reduction="sum")
    want = (np.log(2) + (x - t) ** 2 / 2 + np.log(2 * np.pi)).sum() / 2
    assert one.item() == pytest.approx(want)
    zero = mg.zeros(1, dtype=mg.float64).requires_grad_()
    loss = F.gaussian_nll_loss(mg.zeros(1), mg.ones(1), zero, eps=0.5)
    loss.backward()
    assert loss.item() == pytest.approx((np.log(0.5) + 2) / 2)
    assert zero.grad.item() == pytest.approx((2 - 4) / 2)  # as if the variance were eps


def test_poisson_counts_of_zero_and_one_have_no_stirling_term():
    x, t = mg.zeros(3), mg.tensor([0.0, 1.0, 2.0], requires_grad=True)
    loss = F.poisson_nll_loss(x, t, full=True, reduction="none")
    np.testing.assert_allclose(loss.tolist(), [1, 1, 1.6518065], rtol=1e-6)
    loss.sum().backward()
    np.testing.assert_allclose(t.grad.numpy(), [0, 0, 0.9431472], rtol=1e-6)


def test_poisson_takes_integers():
    loss = F.poisson_nll_loss(mg.tensor([0, 1]), mg.tensor([1, 2]), reduction="none")
    np.testing.assert_allclose(loss.numpy(), [1, np.e - 2], rtol=1e-6)


x23, y23 = mg.full((2, 3), 0.5), mg.ones(2, 3)
BCE, LOGITS, GAUSS = (
    F.binary_cross_entropy,
    F.binary_cross_entropy_with_logits,
    F.gaussian_nll_loss,
)
MISTAKES = [
    (lambda: BCE(x23, y23, reduction="avg"), ValueError, "reduction .*'avg'"),
    (lambda: BCE(x23, mg.ones(3)), ValueError, "one shape"),
    (lambda: BCE(x23 + 1, y23), ValueError, r"probabilities .*\[1.5, 1.5\]"),
    (lambda: BCE(x23 * float("nan"), y23), ValueError, "probabilities"),
    (lambda: BCE(x23, y23.double()), TypeError, "one dtype"),
    (lambda: BCE(x23.long(), y23.long()), TypeError, "floating"),
    (lambda: BCE(x23, y23, mg.ones(2)), ValueError, "broadcast"),
    (lambda: BCE(x23, y23, mg.ones(4, 2, 3)), ValueError, "weight"),
    (lambda: BCE(x23, 1.0), TypeError, "expected a Tensor, got float"),
    (lambda: LOGITS(mg.zeros(2, 1), mg.zeros(2)), ValueError, "one shape"),
    (lambda: LOGITS(x23, y23, pos_weight=mg.ones(2)), ValueError, "broadcast"),
    (lambda: LOGITS(x23, y23.long()), TypeError, "floating"),
    (lambda: F.kl_div(x23, y23.long(), reduction="sum"), TypeError, "floating"),
    (lambda: GAUSS(x23.long(), y23, y23), TypeError, "floating"),
    (lambda: F.kl_div(x23, y23, reduction="batch"), ValueError, "'batch'"),
    (lambda: F.kl_div(x23, mg.ones(2), reduction="sum"), ValueError, "broadcast"),
    (lambda: GAUSS(x23, y23, y23, reduction="abc"), ValueError, "'abc'"),
    (lambda: GAUSS(x23, y23, -y23), ValueError, "negative"),
    (lambda: GAUSS(x23, y23, -1.0), ValueError, "negative"),
    (lambda: GAUSS(x23, y23, mg.ones(2, 2)), ValueError, r"var \(2, 2\)"),
    (lambda: GAUSS(x23, y23, mg.ones(3)), ValueError, r"var \(3,\)"),
    (lambda: F.poisson_nll_loss(x23, mg.ones(2)), ValueError, "broadcast"),
    (lambda: F.poisson_nll_loss(x23, None), TypeError, "Tensor"),
]


@pytest.mark.parametrize("case", range(len(MISTAKES)))
def test_mistakes_are_refused(case):
    call, error, match = MISTAKES[case]
    with pytest.raises(error, match=match):
        call()


@pytest.mark.filterwarnings("ignore:.*batchmean")
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_losses_are_those_of_pytorch(dtype, reduction):
    torch = pytest.importorskip("torch")
    chance = np.random.default_rng(0)
    x, t, w, p = chance.uniform(0.1, 0.9, (4, 4, 5)).astype(dtype)
    calls = [
        lambda f, x, t, w, p: f.binary_cross_entropy(x, t, w.detach(), reduction=reduction),
        lambda f, x, t, w, p: f.binary_cross_entropy_with_logits(
            x, t, w.detach(), reduction=reduction, pos_weight=p.detach()
        ),
        lambda f, x, t, w, p: f.kl_div(x, t, reduction=reduction),
        lambda f, x, t, w, p: f.kl_div(x, t, reduction=reduction, log_target=True),
        lambda f, x, t, w, p: f.gaussian_nll_loss(x, t, w, True, reduction=reduction),
        lambda f, x, t, w, p: f.poisson_nll_loss(x, t + 1, full=True, reduction=reduction),
        lambda f, x, t, w, p: f.poisson_nll_loss(x, t, False, reduction=reduction),
    ]
    for call in calls:
        ours = [mg.tensor(a, requires_grad=True) for a in (x, t, w, p)]
        theirs = [torch.tensor(a, requires_grad=True) for a in (x, t, w, p)]
        y, z = call(F, *ours), call(torch.nn.functional, *theirs)
        np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-5, atol=1e-6)
        y.sum().backward(), z.sum().backward()
        for a, b in zip(ours, theirs, strict=True):
            assert (a.grad is None) == (b.grad is None)
            if b.grad is not None:
                np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-4, atol=1e-5)
