"""Attention: its definition, masks, shared heads, queries that see nothing, mistakes, PyTorch."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg

attend = mg.nn.functional.scaled_dot_product_attention


def drawn(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [mg.tensor(rng.standard_normal(s), requires_grad=True) for s in shapes]


QKV = (2, 4), (3, 4), (3, 2)


@given(
    lead=st.lists(st.integers(1, 2), max_size=2),
    length=st.integers(0, 3),
    sources=st.integers(1, 3),
    width=st.integers(0, 3),
)
def test_each_query_returns_a_weighted_mean_of_the_values(lead, length, sources, width):
    q, k, v = drawn((*lead, length, width), (*lead, sources, width), (*lead, sources, 2))
    y = attend(q, k, v).detach().numpy()
    assert y.shape == (*lead, length, 2)
    scores = np.einsum("...le,...se->...ls", *(x.detach().numpy() for x in (q, k)))
    weights = np.exp(scores / math.sqrt(max(width, 1)))
    want = weights / weights.sum(-1, keepdims=True) @ v.detach().numpy()
    np.testing.assert_allclose(y, want, rtol=1e-10, atol=1e-12)


def test_scale_multiplies_the_scores():
    q, k, v = drawn(*QKV)
    np.testing.assert_allclose(
        attend(q, k, v, scale=0.0).detach().numpy(),
        v.detach().numpy().mean(0, keepdims=True).repeat(2, 0),
        rtol=1e-12,
    )
    a, b = attend(q, k, v, scale=-1.0), attend(q * -2, k, v, scale=0.5)
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-12)


def test_a_causal_query_sees_the_keys_up_to_its_own():
    q, k, v = drawn((3, 4), (3, 4), (3, 2))
    y = attend(q, k, v, is_causal=True).detach().numpy()
    np.testing.assert_allclose(y[0], v.detach().numpy()[0], rtol=1e-12)
    seen = mg.tensor(np.tri(3, dtype=bool))
    np.testing.assert_array_equal(attend(q, k, v, seen).detach().numpy(), y)
    for i in range(3):
        part = attend(q[i : i + 1], k[: i + 1], v[: i + 1]).detach().numpy()
        np.testing.assert_allclose(y[i : i + 1], part, rtol=1e-12)


@pytest.mark.parametrize("floating", [False, True])
def test_a_query_that_sees_nothing_is_zero_with_derivatives_zero(floating):
    q, k, v = drawn(*QKV)
    seen = np.array([[True, False, True], [False, False, False]])
    mask = mg.tensor(np.where(seen, 0.0, -np.inf) if floating else seen)
    y = attend(q, k, v, mask)
    assert y[1].tolist() == [0.0, 0.0]
    value = y.sin().sum()
    for _ in range(4):
        grads = mg.grad(value, [q, k, v], create_graph=True)
        for g in grads:
            assert np.isfinite(g.detach().numpy()).all()
        np.testing.assert_array_equal(grads[0].detach().numpy()[1], 0)  # the query
        np.testing.assert_array_equal(grads[1].detach().numpy()[1], 0)  # the key nobody sees
        value = sum(g.sum() for g in grads)


def test_the_gradient_of_a_mask_with_infinities_is_finite():
    q, k, v = drawn(*QKV)
    mask = mg.tensor([[0.0, -math.inf, 1.0], [-math.inf] * 3], requires_grad=True).double()
    mask.retain_grad()
    attend(q, k, v, mask).square().sum().backward()
    g = mask.grad.numpy()
    assert np.isfinite(g).all() and g[0, 1] == 0 and not g[1].any() and g[0, 0] != 0


def test_no_keys_give_zeros():
    q, k, v = drawn((2, 4), (0, 4), (0, 3))
    y = attend(q, k, v)
    assert y.tolist() == [[0.0] * 3] * 2
    y.sum().backward()
    assert k.grad.shape == (0, 4)


def test_masks_broadcast_to_the_scores():
    q, k, v = drawn((2, 3, 2, 4), (2, 3, 3, 4), (2, 3, 3, 2))
    row = mg.tensor([True, False, True])
    wide = mg.tensor(np.broadcast_to(row.numpy(), (2, 3, 2, 3)).copy())
    for mask in (row, row.reshape(1, 3), row.reshape(1, 1, 1, 3), wide):
        np.testing.assert_allclose(
            attend(q, k, v, mask).detach().numpy(),
            attend(q, k[..., ::2, :], v[..., ::2, :]).detach().numpy(),
            rtol=1e-12,
        )


def test_shared_heads_serve_neighbouring_queries():
    q, k, v = drawn((2, 4, 3, 2), (2, 2, 5, 2), (2, 2, 5, 2))
    y = attend(q, k, v, enable_gqa=True).detach().numpy()
    for head in range(4):
        alone = attend(q[:, head], k[:, head // 2], v[:, head // 2]).detach().numpy()
        np.testing.assert_allclose(y[:, head], alone, rtol=1e-12)


def test_dropped_weights_keep_the_mean_and_follow_the_seed():
    mg.manual_seed(0)
    q, k, v = mg.zeros(2000, 4), mg.zeros(5, 4), mg.ones(5, 1)
    y = attend(q, k, v, dropout_p=0.4).numpy()
    assert abs(y.mean() - 1) < 0.02 and y.std() > 0.2
    mg.manual_seed(0)
    np.testing.assert_array_equal(attend(q, k, v, dropout_p=0.4).numpy(), y)
    assert not attend(q, k, v, dropout_p=1.0).numpy().any()


Q, K, V = mg.ones(2, 4), mg.ones(3, 4), mg.ones(3, 5)


@pytest.mark.parametrize(
    "call, error, match",
    [
        (lambda: attend(Q[0], K, V), ValueError, r"at least 2 dimensions, got shape \(4,\)"),
        (lambda: attend(Q, mg.ones(3, 3), V), ValueError, r"query \(2, 4\), key \(3, 3\)"),
        (lambda: attend(Q, K, mg.ones(2, 5)), ValueError, r"value \(2, 5\)"),
        (lambda: attend(Q, K.double(), V), TypeError, "one dtype"),
        (lambda: attend(Q.long(), K.long(), V.long()), TypeError, "floating"),
        (lambda: attend(Q, K, 1.0), TypeError, "expected a Tensor"),
        (
            lambda: attend(mg.ones(2, 2, 4), mg.ones(3, 3, 4), V),
            ValueError,
            "leading axes do not broadcast",
        ),
        (lambda: attend(Q, K, V, mg.ones(2, 3) > 0, is_causal=True), ValueError, "is_causal"),
        (lambda: attend(Q, K, V, mg.ones(2, 3).long()), TypeError, "mask of bool or float32"),
        (lambda: attend(Q, K, V, mg.ones(2, 3).double()), TypeError, "mask of bool or float32"),
        (lambda: attend(Q, K, V, mg.ones(3, 3)), ValueError, r"broadcasts to \(2, 3\), got"),
        (lambda: attend(Q, K, V, mg.ones(2, 2, 3)), ValueError, r"got shape \(2, 2, 3\)"),
        (lambda: attend(Q, K, V, [True]), TypeError, "expected a Tensor"),
        (lambda: attend(Q, K, V, scale="a"), TypeError, "scale must be a number, got 'a'"),
        (lambda: attend(Q, K, V, dropout_p=None), TypeError, "dropout_p must be a number"),
        (lambda: attend(Q, K, V, dropout_p=1.5), ValueError, "dropout_p must lie in"),
        (lambda: attend(Q, K, V, enable_gqa=True), IndexError, "axis of heads"),
        (
            lambda: attend(mg.ones(3, 2, 4), mg.ones(2, 3, 4), mg.ones(2, 3, 4), enable_gqa=True),
            ValueError,
            "must divide the query's 3",
        ),
    ],
)
def test_mistakes_are_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["none", "bool", "added", "causal", "closed"])
def test_values_and_gradients_are_those_of_pytorch(dtype, kind):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    shapes = (2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 3)
    arrays = [rng.standard_normal(s).astype(dtype) for s in shapes]
    options = {"is_causal": kind == "causal"}
    mask = None
    if kind in ("bool", "closed"):
        mask = rng.random((3, 5)) < 0.6
        mask[:, 0] = True
        mask[1] = mask[1] & (kind == "bool")
    if kind == "added":
        mask = rng.standard_normal((2, 1, 3, 5)).astype(dtype)
    found = []
    for library in (mg, torch):
        xs = [library.tensor(a, requires_grad=True) for a in arrays]
        if mask is not None:
            options["attn_mask"] = library.tensor(mask)
        y = library.nn.functional.scaled_dot_product_attention(*xs, **options)
        y.sin().sum().backward()
        found.append([y.detach().numpy(), *(x.grad.numpy() for x in xs)])
    close = {"rtol": 1e-4, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-9, "atol": 1e-12}
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, **close)
