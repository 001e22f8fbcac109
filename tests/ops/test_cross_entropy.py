"""Cross-entropy: every option against a formula, the composition of primitives, PyTorch."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg

F = mg.nn.functional
REDUCTIONS = ["none", "mean", "sum"]

seeds = st.integers(0, 2**32 - 1)
reductions = st.sampled_from(REDUCTIONS)
smoothings = st.sampled_from([0.0, 0.1, 1.0])


def log_softmax(z):
    """Over axis 1, in NumPy."""
    shifted = z - z.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def cross_entropy_by_hand(z, t, weight, ignore_index, reduction, smoothing):
    """Element by element, from the definition; z (N, C, d1, ...), t (N, d1, ...)."""
    classes = z.shape[1]
    weight = np.ones(classes) if weight is None else weight
    losses, total = np.zeros(t.shape), 0.0
    log_p = log_softmax(z)
    for place in np.ndindex(t.shape):
        if t[place] == ignore_index:
            continue
        row = log_p[(place[0], slice(None), *place[1:])]
        q = weight * smoothing / classes
        q[t[place]] += (1 - smoothing) * weight[t[place]]
        losses[place] = -(q * row).sum()
        total += weight[t[place]]
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.sum() / total


def composed(z, t, weight, ignore_index, reduction, smoothing):
    """The same in primitive operations; z (N, C), t (N,) an array."""
    n, classes = z.shape
    w = np.ones(classes) if weight is None else weight
    q = np.zeros((n, classes))
    kept = t != ignore_index
    q[kept] = w * smoothing / classes
    q[kept, t[kept]] += (1 - smoothing) * w[t[kept]]
    losses = -(mg.tensor(q) * (z - z.logsumexp(1, keepdim=True))).sum(1)
    if reduction == "none":
        return losses
    return losses.sum() / (w[t[kept]].sum() if reduction == "mean" else 1.0)


def problem(seed, shape, weighted, ignored=0.2):
    """Logits, targets (the first is always kept), weights."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal(shape) * 2
    t = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    t[rng.random(t.shape) < ignored] = -7
    t.flat[:1] = 0
    return z, t, rng.uniform(0.5, 2, shape[1]) if weighted else None


def optional(array):
    return None if array is None else mg.tensor(array)


def repeated_gradients(value, x, rng, order):
    """Derivatives of `value` with respect to x, each contracted with fixed random numbers."""
    results = []
    for _ in range(order):
        cotangent = mg.tensor(rng.standard_normal(value.shape))
        (value,) = mg.grad((value * cotangent).sum(), x, create_graph=True)
        results.append(value.detach().numpy())
    return results


# Cross-entropy, class indices -------------------------------------------------------------------


@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 5)).flatmap(
        lambda s: st.lists(st.integers(1, 3), max_size=2).map(lambda d: (*s, *d))
    ),
    seed=seeds,
    weighted=st.booleans(),
    reduction=reductions,
    smoothing=smoothings,
)
def test_cross_entropy_is_the_definition(shape, seed, weighted, reduction, smoothing):
    z, t, w = problem(seed, shape, weighted)
    loss = F.cross_entropy(mg.tensor(z), mg.tensor(t), optional(w), -7, reduction, smoothing)
    want = cross_entropy_by_hand(z, t, w, -7, reduction, smoothing)
    assert loss.shape == want.shape
    np.testing.assert_allclose(loss.numpy(), want, rtol=1e-12, atol=1e-13)


@given(
    n=st.integers(1, 4),
    classes=st.integers(1, 5),
    seed=seeds,
    weighted=st.booleans(),
    reduction=reductions,
    smoothing=smoothings,
)
def test_cross_entropy_equals_the_composition_to_third_order(
    n, classes, seed, weighted, reduction, smoothing
):
    z, t, w = problem(seed, (n, classes), weighted)
    results = []
    for fused in (True, False):
        x, rng = mg.tensor(z, requires_grad=True), np.random.default_rng(seed)
        if fused:
            loss = F.cross_entropy(x, mg.tensor(t), optional(w), -7, reduction, smoothing)
        else:
            loss = composed(x, t, w, -7, reduction, smoothing)
        results.append([loss.detach().numpy(), *repeated_gradients(loss, x, rng, 3)])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_cross_entropy_derivatives_by_central_differences(reduction):
    z, t, w = problem(3, (4, 3, 2), True)
    x = mg.tensor(z, requires_grad=True)

    def loss(x):
        return F.cross_entropy(x, mg.tensor(t), mg.tensor(w), -7, reduction, 0.1)

    assert mg.autograd.gradcheck(loss, x)
    assert mg.autograd.gradgradcheck(loss, x)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_cross_entropy_batches_of_cotangents_equal_a_loop_at_both_orders(reduction):
    z, t, w = problem(0, (5, 4), True)
    rng = np.random.default_rng(0)
    x = mg.tensor(z, requires_grad=True)
    loss = F.cross_entropy(x, mg.tensor(t), mg.tensor(w), -7, reduction, 0.1)
    v = mg.tensor(rng.standard_normal((3, *loss.shape)), requires_grad=True)
    (many,) = mg.grad(loss, x, v, is_grads_batched=True, create_graph=True)
    for k in range(3):
        (one,) = mg.grad(loss, x, v[k], retain_graph=True)
        np.testing.assert_allclose(many[k].detach().numpy(), one.numpy(), rtol=1e-12, atol=1e-15)
    u = rng.standard_normal((2, *many.shape))
    batched = mg.grad(many, [x, v], mg.tensor(u), is_grads_batched=True, retain_graph=True)
    for k in range(2):
        single = mg.grad(many, [x, v], mg.tensor(u[k]), retain_graph=True)
        for a, b in zip(batched, single, strict=True):
            np.testing.assert_allclose(a[k].numpy(), b.numpy(), rtol=1e-11, atol=1e-13)


def test_hessian_of_cross_entropy_is_diag_p_minus_p_p():
    x = mg.tensor([[0.3, -1.0, 2.0]], dtype=mg.float64, requires_grad=True)
    (g,) = mg.grad(F.cross_entropy(x, mg.tensor([1])), x, create_graph=True)
    eye = mg.tensor(np.eye(3).reshape(3, 1, 3))
    (hessian,) = mg.grad(g, x, eye, is_grads_batched=True)
    p = np.exp(log_softmax(x.detach().numpy()))[0]
    np.testing.assert_allclose(hessian.numpy()[:, 0], np.diag(p) - np.outer(p, p), atol=1e-15)


def test_cross_entropy_without_a_batch():
    x = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    loss = F.cross_entropy(x, mg.tensor(1))
    assert loss.shape == () and F.cross_entropy(x, mg.tensor(1), reduction="none").shape == ()
    assert loss.item() == pytest.approx(1.4076059)
    loss.backward()
    assert x.grad.shape == (3,)


def test_cross_entropy_of_nothing():
    ignored = mg.tensor([-100, -100])
    x = mg.zeros(2, 3, requires_grad=True)
    loss = F.cross_entropy(x, ignored)
    assert np.isnan(loss.item())
    loss.backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.zeros((2, 3)))
    assert F.cross_entropy(x, ignored, reduction="sum").item() == 0
    empty = mg.zeros(0, dtype=mg.int64)
    assert np.isnan(F.cross_entropy(mg.zeros(0, 3), empty).item())
    assert F.cross_entropy(mg.zeros(0, 3), empty, reduction="sum").item() == 0
    assert F.cross_entropy(mg.zeros(0, 3), empty, reduction="none").shape == (0,)


def test_logits_of_minus_infinity_that_are_no_target_do_no_harm():
    x = mg.tensor([[0.0, -np.inf, 1.0]], requires_grad=True)
    F.cross_entropy(x, mg.tensor([0])).backward()
    p = np.exp([0.0, 1.0]) / np.exp([0.0, 1.0]).sum()
    np.testing.assert_allclose(x.grad.numpy(), [[p[0] - 1, 0, p[1]]], rtol=1e-6)
    assert F.cross_entropy(x, mg.tensor([1])).item() == np.inf


def test_large_logits_keep_their_digits():
    x = np.random.default_rng(0).integers(-5, 5, (50, 10)).astype(np.float32)
    t = mg.tensor(np.arange(50) % 10)
    near, far = (F.cross_entropy(mg.tensor(x + s), t, reduction="none") for s in (0, 10000))
    np.testing.assert_array_equal(near.numpy(), far.numpy())


@pytest.mark.parametrize("kind", ["uint8", "int8", "int32", "int64"])
def test_targets_of_every_integer_dtype(kind):
    x = mg.tensor(np.random.default_rng(0).standard_normal((4, 3)))
    t = np.array([0, 2, 1, 2])
    assert F.cross_entropy(x, mg.tensor(t.astype(kind))).item() == pytest.approx(
        cross_entropy_by_hand(x.numpy(), t, None, -100, "mean", 0.0), rel=1e-12
    )


# Cross-entropy, class probabilities --------------------------------------------------------------


@given(
    rest=st.lists(st.integers(1, 3), max_size=2),
    seed=seeds,
    weighted=st.booleans(),
    reduction=reductions,
    smoothing=smoothings,
)
def test_cross_entropy_of_probabilities_is_the_definition(
    rest, seed, weighted, reduction, smoothing
):
    z, _, w = problem(seed, (3, 4, *rest), weighted)
    t = np.random.default_rng(seed + 1).dirichlet(np.ones(4), (3, *rest))
    t = np.moveaxis(t, -1, 1)
    loss = F.cross_entropy(
        mg.tensor(z), mg.tensor(t), optional(w), reduction=reduction, label_smoothing=smoothing
    )
    beside = (np.ones(4) if w is None else w).reshape(4, *[1] * len(rest))
    want = -(beside * ((1 - smoothing) * t + smoothing / 4) * log_softmax(z)).sum(1)
    want = {"none": want, "sum": want.sum(), "mean": want.mean()}[reduction]
    np.testing.assert_allclose(loss.numpy(), want, rtol=1e-12, atol=1e-13)


def test_probabilities_that_are_one_hot_equal_class_indices():
    z, t, w = problem(0, (6, 4), True, ignored=0.0)
    hot = np.eye(4)[t]
    for smoothing in (0.0, 0.3):
        options = {"reduction": "none", "label_smoothing": smoothing}
        a = F.cross_entropy(mg.tensor(z), mg.tensor(t), mg.tensor(w), **options)
        b = F.cross_entropy(mg.tensor(z), mg.tensor(hot), mg.tensor(w), **options)
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)


def test_probabilities_receive_a_gradient():
    z, t = mg.tensor([[0.5, -1.0]], dtype=mg.float64), mg.tensor([[0.2, 0.8]], dtype=mg.float64)
    z.requires_grad_(), t.requires_grad_()
    assert mg.autograd.gradcheck(F.cross_entropy, [z, t])
    assert mg.autograd.gradgradcheck(F.cross_entropy, [z, t])


# Mistakes ----------------------------------------------------------------------------------------


def test_targets_out_of_range_are_named_with_their_place():
    match = r"cross_entropy: targets must be integers in \[0, 10\), got 10 at index 3"
    with pytest.raises(IndexError, match=match):
        F.cross_entropy(mg.zeros(5, 10), mg.tensor([0, 9, 1, 10, -1]))
    with pytest.raises(IndexError, match=r"\[0, 3\), got -1 at index \(1, 0\)"):
        F.cross_entropy(mg.zeros(2, 3, 2), mg.tensor([[0, 1], [-1, 0]]))
    with pytest.raises(IndexError, match=r"nll_loss: targets must be integers in \[0, 3\), got 3"):
        F.nll_loss(mg.zeros(2, 3), mg.tensor([0, 3]))


@pytest.mark.parametrize(
    "call, error, match",
    [
        (lambda: F.cross_entropy(mg.zeros(2, 3), mg.tensor([0])), ValueError, "shape"),
        (lambda: F.cross_entropy(mg.zeros(2, 3), mg.zeros(2)), ValueError, "probabilities"),
        (lambda: F.cross_entropy(mg.zeros(2, 3), mg.tensor([True, False])), TypeError, "bool"),
        (lambda: F.cross_entropy(mg.tensor([[1, 2]]), mg.tensor([0])), TypeError, "floating"),
        (lambda: F.cross_entropy(mg.tensor(1.0), mg.tensor(0)), ValueError, "0-d"),
        (
            lambda: F.cross_entropy(mg.zeros(1, 3), mg.tensor([0]), mg.ones(2)),
            ValueError,
            "weight",
        ),
        (
            lambda: F.cross_entropy(mg.zeros(1, 3), mg.tensor([0]), mg.ones(3).double()),
            TypeError,
            "weight",
        ),
        (
            lambda: F.cross_entropy(mg.zeros(1, 2), mg.tensor([0]), mg.ones(2).requires_grad_()),
            RuntimeError,
            "weight",
        ),
        (
            lambda: F.cross_entropy(mg.zeros(1, 3), mg.tensor([0]), reduction="avg"),
            ValueError,
            "avg",
        ),
        (
            lambda: F.cross_entropy(mg.zeros(1, 3), mg.tensor([0]), label_smoothing=1.5),
            ValueError,
            "1.5",
        ),
        (lambda: F.cross_entropy(mg.zeros(1, 3), [0]), TypeError, "Tensor"),
        (lambda: F.nll_loss(mg.zeros(2, 3), mg.zeros(2)), TypeError, "indices"),
        (lambda: F.nll_loss(mg.zeros(2, 3), mg.tensor([1, 2, 0])), ValueError, "shape"),
        (
            lambda: F.cross_entropy(mg.zeros(1, 2), mg.ones(1, 2), ignore_index=1),
            ValueError,
            "ignore_index",
        ),
    ],
)
def test_mistakes_are_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()


# Negative log-likelihood -------------------------------------------------------------------------


@given(
    rest=st.lists(st.integers(1, 3), max_size=2),
    seed=seeds,
    weighted=st.booleans(),
    reduction=reductions,
)
def test_nll_loss_of_log_softmax_is_cross_entropy(rest, seed, weighted, reduction):
    z, t, w = problem(seed, (3, 4, *rest), weighted)
    results = []
    for name in ("nll_loss", "cross_entropy"):
        x, rng = mg.tensor(z, requires_grad=True), np.random.default_rng(seed)
        first = F.log_softmax(x, 1) if name == "nll_loss" else x
        loss = getattr(F, name)(first, mg.tensor(t), optional(w), -7, reduction)
        results.append([loss.detach().numpy(), *repeated_gradients(loss, x, rng, 2)])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


# PyTorch -----------------------------------------------------------------------------------------


def compare(torch, ours, theirs, x, dtype):
    """Value and gradient of the two losses at logits x."""
    a, b = mg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = ours(a), theirs(b)
    tolerance = 50 * np.finfo(dtype).eps
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=tolerance)
    y.sum().backward()
    z.sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(5,), (6, 5), (2, 5, 3), (2, 5, 2, 3)])
def test_cross_entropy_is_that_of_pytorch(dtype, shape):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(dtype)
    axis = 0 if len(shape) == 1 else 1
    rest = shape[:axis] + shape[axis + 1 :]
    indices = np.asarray(rng.integers(0, 5, rest))
    if rest:
        indices.flat[1] = -7
    soft = np.moveaxis(rng.dirichlet(np.ones(5), rest), -1, axis).astype(dtype)
    w = rng.uniform(0.5, 2, 5).astype(dtype)
    everything = itertools.product((indices, soft), (None, w), REDUCTIONS, (0.0, 0.2))
    for t, weight, reduction, smoothing in everything:
        options = {"reduction": reduction, "label_smoothing": smoothing, "ignore_index": -7}

        def ours(a, t=t, weight=weight, options=options):
            return F.cross_entropy(a, mg.tensor(t), optional(weight), **options)

        def theirs(b, t=t, weight=weight, options=options):
            weight = None if weight is None else torch.tensor(weight)
            return torch.nn.functional.cross_entropy(b, torch.tensor(t), weight, **options)

        compare(torch, ours, theirs, x, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_nll_loss_is_that_of_pytorch(dtype, reduction):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal((4, 5)).astype(dtype)
    t = [0, 4, -100, 2]
    compare(
        torch,
        lambda a: F.nll_loss(a, mg.tensor(t), reduction=reduction),
        lambda b: torch.nn.functional.nll_loss(b, torch.tensor(t), reduction=reduction),
        x,
        dtype,
    )
