"""Losses of margins: formulas, kinks, reductions, classes, bad arguments; PyTorch."""

import numpy as np
import pytest

import minigrad as mg

F = mg.nn.functional
REDUCTIONS = ["none", "mean", "sum"]


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


def to(loss, t, **options):
    return lambda x: loss(x, mg.full_like(x, t), reduction="none", **options)


def ranked(x):
    return F.margin_ranking_loss(x, mg.zeros_like(x), mg.ones_like(x), 1.0, "none")


KINKS = {  # loss, points, values, slopes
    "hinge, alike": (to(F.hinge_embedding_loss, 1), [0, 1], [0, 1], [1, 1]),
    "hinge, apart": (to(F.hinge_embedding_loss, -1), [0, 1, 2], [1, 0, 0], [-1, -1, 0]),
    "hinge, neither": (to(F.hinge_embedding_loss, 0), [0, 1, 2], [1, 1, 2], [0, 0, 1]),
    "ranking": (ranked, [0, 1, 2], [1, 0, 0], [-1, -1, 0]),
    "soft margin": (
        to(F.soft_margin_loss, 1),
        [0, 1e4, -1e4],
        [np.log(2), 0, 1e4],
        [-0.5, 0, -1],
        [0.25, 0, 0],
    ),
}


@pytest.mark.parametrize("name", KINKS)
def test_kinks_have_pytorchs_subgradients(name):
    check_kinks(KINKS[name])


def test_cosine_embedding_of_zero_vectors_is_finite():
    x = mg.zeros((2, 3), requires_grad=True)
    loss = F.cosine_embedding_loss(x, mg.ones(2, 3), mg.tensor([1, -1]))
    loss.backward()
    assert loss.item() == 0.5 and np.isfinite(x.grad.numpy()).all()


def test_triplets_of_one_and_swapped():
    a, p, n = mg.zeros(2), mg.tensor([3.0, 4.0]), mg.tensor([3.0, 3.0])
    plain = F.triplet_margin_loss(a, p, n, margin=2)
    assert plain.shape == () and plain.item() == pytest.approx(7 - 18**0.5, abs=1e-5)
    assert F.triplet_margin_loss(a, p, n, margin=2, swap=True).item() == pytest.approx(6, abs=1e-5)
    assert F.triplet_margin_loss(a, p, n, p=1).item() == pytest.approx(2, abs=1e-5)


def test_multi_margin_by_hand():
    x, w = np.random.default_rng(0).standard_normal((4, 3)), np.array([0.5, 1.0, 2.0])
    t = [0, 2, 1, 1]
    for p in (1, 2):
        want = [
            sum(w[k] * max(0, 0.7 - row[k] + row[j]) ** p for j in range(3) if j != k) / 3
            for row, k in zip(x, t, strict=True)
        ]
        got = F.multi_margin_loss(mg.tensor(x), mg.tensor(t), p, 0.7, mg.tensor(w), "none")
        np.testing.assert_allclose(got.numpy(), want, rtol=1e-12)
    one = F.multi_margin_loss(mg.tensor(x[0]), mg.tensor(0), reduction="none")
    assert one.shape == ()


def test_multilabel_margin_stops_at_the_first_minus_one():
    x = mg.tensor([0.1, 0.2, 0.4, 0.8])
    first = F.multilabel_margin_loss(x, mg.tensor([3, 0, -1, 1]), reduction="none")
    other = F.multilabel_margin_loss(x, mg.tensor([3, 0, -1, -1]), reduction="none")
    assert first.shape == () and first.item() == other.item() == pytest.approx(0.85)
    assert F.multilabel_margin_loss(x, mg.tensor([-1, 0, 1, 2])).item() == 0


x23, y23 = mg.zeros(2, 3), mg.ones(2, 3)
RANK, COSINE, TRIPLET = F.margin_ranking_loss, F.cosine_embedding_loss, F.triplet_margin_loss
MULTI, LABELS = F.multi_margin_loss, F.multilabel_margin_loss
MISTAKES = [
    (lambda: F.hinge_embedding_loss(x23, y23, reduction="x"), ValueError, "'x'"),
    (lambda: F.hinge_embedding_loss(x23, mg.ones(2)), ValueError, "hinge_embedding_loss: shapes"),
    (lambda: RANK(x23, x23, mg.ones(3)), ValueError, "number of axes"),
    (lambda: RANK(x23, x23, x23, "a"), TypeError, "margin must be a number"),
    (lambda: RANK(x23, x23, 1), TypeError, "Tensor"),
    (lambda: F.soft_margin_loss(x23, mg.ones(2)), ValueError, "soft_margin_loss: shapes"),
    (lambda: COSINE(x23, x23, y23), ValueError, r"cosine_embedding_loss: expected \(N, D\)"),
    (lambda: COSINE(x23, x23, mg.ones(3)), ValueError, "cosine_embedding_loss: shapes"),
    (lambda: COSINE(x23, mg.ones(2, 4), mg.ones(2)), ValueError, "cosine_embedding_loss: shapes"),
    (lambda: TRIPLET(x23, x23, x23, 0), ValueError, "margin must be greater than 0"),
    (lambda: TRIPLET(x23, x23, mg.ones(3)), ValueError, "number of axes"),
    (lambda: MULTI(x23, mg.tensor([0, 3])), IndexError, "0 to 3"),
    (lambda: MULTI(x23, mg.tensor([0])), ValueError, "need 2 targets"),
    (lambda: MULTI(x23, mg.zeros(2)), TypeError, "class indices"),
    (lambda: MULTI(x23, mg.tensor([0, 1]), p=3), ValueError, "p must be 1 or 2"),
    (lambda: MULTI(x23, mg.tensor([0, 1]), weight=mg.ones(2)), ValueError, "weight"),
    (lambda: MULTI(mg.zeros(2, 0), mg.tensor([0, 1])), ValueError, "C > 0"),
    (lambda: LABELS(x23, mg.tensor([[0, 1, 3], [0, 0, 0]])), IndexError, "0 to 3"),
    (lambda: LABELS(x23, mg.tensor([0, 1, 2])), ValueError, "one shape"),
    (lambda: F.multilabel_soft_margin_loss(mg.tensor(0.0), mg.tensor(0.0)), ValueError, "0-d"),
]


@pytest.mark.parametrize("case", range(len(MISTAKES)))
def test_mistakes_are_refused(case):
    call, error, match = MISTAKES[case]
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_losses_are_those_of_pytorch(dtype, reduction):
    torch = pytest.importorskip("torch")
    x, y, z = np.random.default_rng(0).standard_normal((3, 4, 5)).astype(dtype)
    signs, classes = np.array([1, -1, 1, -1]), np.array([3, 0, 4, 1])
    labels = np.array([[0, 2, -1, 1, 1], [-1, 0, 0, 0, 0], [4, 3, 2, 1, 0], [1, -1, -1, -1, -1]])
    calls = [
        lambda f, t, x, y, z: f.hinge_embedding_loss(
            x, t(signs)[:, None], 0.5, reduction=reduction
        ),
        lambda f, t, x, y, z: f.margin_ranking_loss(
            x, y, t(signs)[:, None], 0.5, reduction=reduction
        ),
        lambda f, t, x, y, z: f.soft_margin_loss(
            x, t(np.repeat(signs, 5).reshape(4, 5)), reduction=reduction
        ),
        lambda f, t, x, y, z: f.cosine_embedding_loss(x, y, t(signs), 0.1, reduction=reduction),
        lambda f, t, x, y, z: f.triplet_margin_loss(x, y, z, swap=True, reduction=reduction),
        lambda f, t, x, y, z: f.triplet_margin_loss(x, y, z, p=3, reduction=reduction),
        lambda f, t, x, y, z: f.multi_margin_loss(x, t(classes), p=2, reduction=reduction),
        lambda f, t, x, y, z: f.multilabel_margin_loss(x, t(labels), reduction=reduction),
        lambda f, t, x, y, z: f.multilabel_soft_margin_loss(
            x, t(np.abs(labels) / 4), reduction=reduction
        ),
    ]
    for call in calls:
        ours = [mg.tensor(a, requires_grad=True) for a in (x, y, z)]
        theirs = [torch.tensor(a, requires_grad=True) for a in (x, y, z)]
        u, v = call(F, mg.tensor, *ours), call(torch.nn.functional, torch.tensor, *theirs)
        np.testing.assert_allclose(u.detach().numpy(), v.detach().numpy(), rtol=1e-5, atol=1e-6)
        u.sum().backward(), v.sum().backward()
        for a, b in zip(ours, theirs, strict=True):
            if b.grad is not None:
                np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-4, atol=1e-5)
