"""MultiheadAttention: its definition in NumPy, masks, appended keys, PyTorch, mistakes."""

import inspect
import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

E, H, N, L, S = 4, 2, 3, 2, 5


def layer(**options):
    """A float64 layer whose parameters are all random."""
    m = nn.MultiheadAttention(E, H, dtype=mg.float64, **options)
    rng = np.random.default_rng(0)
    m.load_state_dict({k: rng.standard_normal(v.shape) for k, v in m.state_dict().items()})
    return m


def drawn(*shapes):
    rng = np.random.default_rng(1)
    return [mg.tensor(rng.standard_normal(s), requires_grad=True) for s in shapes]


def by_hand(m, query, key, value, mask=None):
    """The definition, one sample and one head after the other: batch-first arrays."""
    state = {k: v.numpy() for k, v in m.state_dict().items()}
    if "in_proj_weight" in state:
        w = np.split(state["in_proj_weight"], 3)
    else:
        w = [state[f"{x}_proj_weight"] for x in "qkv"]
    b = np.split(state.get("in_proj_bias", np.zeros(3 * E)), 3)
    d = E // H
    outs, weights = [], []
    for n in range(len(query)):
        q, k, v = (x[n] @ w[i].T + b[i] for i, x in enumerate((query, key, value)))
        heads = []
        for h in range(H):
            at = slice(h * d, h * d + d)
            scores = q[:, at] @ k[:, at].T / math.sqrt(d)
            if mask is not None:
                scores = scores + mask[n, h]
            p = np.exp(scores)
            p /= p.sum(-1, keepdims=True)
            weights.append(p)
            heads.append(p @ v[:, at])
        bias = state.get("out_proj.bias", 0.0)
        outs.append(np.concatenate(heads, -1) @ state["out_proj.weight"].T + bias)
    return np.array(outs), np.array(weights).reshape(len(query), H, *weights[0].shape)


@pytest.mark.parametrize("widths", [(E, E), (3, 2)])
@pytest.mark.parametrize("bias", [True, False])
def test_is_attention_in_each_head_and_a_projection(widths, bias):
    m = layer(bias=bias, kdim=widths[0], vdim=widths[1], batch_first=True)
    xs = drawn((N, L, E), (N, S, widths[0]), (N, S, widths[1]))
    want, weights = by_hand(m, *(x.detach().numpy() for x in xs))
    y, mean = m(*xs)
    np.testing.assert_allclose(y.detach().numpy(), want, rtol=1e-10)
    np.testing.assert_allclose(mean.detach().numpy(), weights.mean(1), rtol=1e-10)
    y, each = m(*xs, average_attn_weights=False)
    np.testing.assert_allclose(each.detach().numpy(), weights, rtol=1e-10)
    y, none = m(*xs, need_weights=False)
    assert none is None
    np.testing.assert_allclose(y.detach().numpy(), want, rtol=1e-10)


@pytest.mark.parametrize("need_weights", [True, False])
def test_layouts_agree(need_weights):
    m = layer()
    q, k, v = drawn((L, N, E), (S, N, E), (S, N, E))
    y, weights = m(q, k, v, need_weights=need_weights)
    assert y.shape == (L, N, E)
    first = layer(batch_first=True)
    z, other = first(*(x.transpose(0, 1) for x in (q, k, v)), need_weights=need_weights)
    np.testing.assert_allclose(z.transpose(0, 1).detach().numpy(), y.detach().numpy())
    alone, row = m(q[:, 1], k[:, 1], v[:, 1], need_weights=need_weights)
    np.testing.assert_allclose(alone.detach().numpy(), y[:, 1].detach().numpy(), rtol=1e-12)
    if need_weights:
        np.testing.assert_allclose(other.detach().numpy(), weights.detach().numpy())
        np.testing.assert_allclose(row.detach().numpy(), weights[1].detach().numpy(), rtol=1e-12)


def test_the_same_tensor_thrice_is_three_equal_ones():
    m = layer()
    (x,) = drawn((L, N, E))
    y, _ = m(x, x, x)
    z, _ = m(x, x.clone(), x.clone())
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize("need_weights", [True, False])
def test_masks_leave_keys_out_or_add_to_the_scores(need_weights):
    m = layer(batch_first=True)
    xs = drawn((N, L, E), (N, S, E), (N, S, E))
    rng = np.random.default_rng(2)
    pairs, padding = rng.random((L, S)) < 0.3, rng.random((N, S)) < 0.3
    pairs[:, 0] = padding[:, 0] = False
    each = rng.standard_normal((N, H, L, S))
    added = rng.standard_normal((N, S))

    def low(mask):
        return np.where(mask, -np.inf, 0.0)

    for attn_mask, key_padding_mask, total in (
        (pairs, padding, low(pairs) + low(padding)[:, None, None]),
        (pairs, None, low(pairs)),
        (None, padding, low(padding)[:, None, None]),
        (each.reshape(N * H, L, S), added, each + added[:, None, None]),
    ):
        masks = {"attn_mask": attn_mask, "key_padding_mask": key_padding_mask}
        masks = {k: v if v is None else mg.tensor(v) for k, v in masks.items()}
        y, _ = m(*xs, need_weights=need_weights, **masks)
        whole = np.broadcast_to(total, (N, H, L, S))
        want, _ = by_hand(m, *(x.detach().numpy() for x in xs), whole)
        np.testing.assert_allclose(y.detach().numpy(), want, rtol=1e-10)


def test_the_causal_hint_stands_for_its_mask():
    m = layer(batch_first=True)
    (x,) = drawn((N, L, E))
    later = mg.tensor(~np.tri(L, dtype=bool))
    want, _ = m(x, x, x, attn_mask=later)
    for need_weights in (True, False):
        y, _ = m(x, x, x, attn_mask=later, is_causal=True, need_weights=need_weights)
        np.testing.assert_allclose(y.detach().numpy(), want.detach().numpy(), rtol=1e-12)


def test_appended_keys_are_seen_by_all_and_zeros_last():
    m = layer(add_bias_kv=True, add_zero_attn=True)
    q, k, v = drawn((L, N, E), (S, N, E), (S, N, E))
    y, weights = m(q, k, v, key_padding_mask=mg.ones(N, S) > 0)
    assert weights.shape == (N, L, S + 2)
    assert (weights[..., :S].detach().numpy() == 0).all()
    assert (weights[..., S:].detach().numpy() > 0).all()
    y.sum().backward()
    assert m.bias_k.grad.shape == (1, 1, E) and m.bias_v.grad.numpy().any()


def test_is_differentiable_to_fourth_order():
    m = layer(batch_first=True)
    (x,) = drawn((1, 2, E))
    direction = mg.tensor(np.random.default_rng(3).standard_normal(x.shape) * 0.2)

    def along(t):
        at = x.detach() + t * direction
        return m(at, at, at)[0].sin().sum()

    t = mg.tensor(0.0, dtype=mg.float64, requires_grad=True)
    value, exact = along(t), []
    for _ in range(4):
        (value,) = mg.grad(value, t, create_graph=True)
        exact.append(value.item())
    h = 0.02
    f = {i: along(mg.tensor(i * h, dtype=mg.float64)).item() for i in range(-4, 5)}
    fit = np.polynomial.Polynomial.fit([i * h for i in f], list(f.values()), 8).convert().coef
    np.testing.assert_allclose(exact, [fit[k] * math.factorial(k) for k in range(1, 5)], rtol=1e-4)


def test_dropout_of_weights_stops_in_evaluation():
    m = layer(dropout=0.5)
    q, k, v = drawn((L, N, E), (S, N, E), (S, N, E))
    a, weights = m(q, k, v)
    assert (weights.detach().numpy() == 0).any() or not np.allclose(
        weights.sum(-1).detach().numpy(), 1
    )
    m.eval()
    _, weights = m(q, k, v)
    np.testing.assert_allclose(weights.sum(-1).detach().numpy(), 1, rtol=1e-12)
    np.testing.assert_array_equal(m(q, k, v)[0].detach().numpy(), m(q, k, v)[0].detach().numpy())


def test_parameters_start_by_xaviers_rule_and_biases_at_zero():
    m = nn.MultiheadAttention(64, 4, add_bias_kv=True)
    bound = math.sqrt(6 / (64 + 3 * 64))
    values = m.in_proj_weight.detach().numpy()
    assert np.abs(values).max() <= bound and np.abs(values).max() > 0.99 * bound
    assert not any(m.in_proj_bias.tolist() + m.out_proj.bias.tolist())
    assert m.bias_k.shape == m.bias_v.shape == (1, 1, 64) and m.bias_k.detach().numpy().all()
    apart = nn.MultiheadAttention(8, 2, kdim=3, vdim=5)
    assert apart.in_proj_weight is None and apart.in_proj_bias.shape == (24,)
    assert [getattr(apart, f"{x}_proj_weight").shape for x in "qkv"] == [(8, 8), (8, 3), (8, 5)]


X, K = mg.ones(L, N, E), mg.ones(S, N, E)
M = nn.MultiheadAttention(E, H)


@pytest.mark.parametrize(
    "call, error, match",
    [
        (lambda: nn.MultiheadAttention(5, 2), ValueError, "embed_dim 5 must be divisible by"),
        (lambda: nn.MultiheadAttention(0, 2), ValueError, "embed_dim must be at least 1"),
        (lambda: nn.MultiheadAttention(4, 2.0), TypeError, "num_heads must be an integer"),
        (lambda: nn.MultiheadAttention(4, 2, dropout=2), ValueError, "dropout must be a prob"),
        (lambda: nn.MultiheadAttention(4, 2, dropout="a"), TypeError, "dropout must be a number"),
        (lambda: M(X, K, X), ValueError, r"expected query \(L, N, 4\), .*got \(2, 3, 4\)"),
        (lambda: M(X[:, :2], K, K), ValueError, "expected query"),
        (lambda: M(X[..., :3], K, K), ValueError, "expected query"),
        (lambda: M(X[0, 0], K, K), ValueError, "expected query"),
        (lambda: M(X[:, 0], K, K), ValueError, "expected query"),
        (lambda: M(X, K, None), TypeError, "MultiheadAttention: expected a Tensor"),
        (lambda: M(X.double(), K, K), TypeError, "linear"),
        (lambda: M(X, K, K, attn_mask=mg.ones(S, L)), ValueError, r"attn_mask .*\(2, 5\) or"),
        (lambda: M(X, K, K, attn_mask=mg.ones(L, S).long()), TypeError, "attn_mask must be bool"),
        (lambda: M(X, K, K, mg.ones(S, N) > 0), ValueError, r"key_padding_mask .*\(3, 5\)"),
        (lambda: M(X, K, K, mg.ones(N, S).long()), TypeError, "key_padding_mask must be bool"),
        (lambda: M(X, K, K, is_causal=True), ValueError, "is_causal needs the attn_mask"),
    ],
)
def test_mistakes_are_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()


# PyTorch -------------------------------------------------------------------------------------


def test_constructor_and_call_take_pytorchs_arguments():
    torch = pytest.importorskip("torch")
    for part in ("__init__", "forward"):
        theirs, mine = (
            {
                k: p.default
                for k, p in inspect.signature(getattr(c, part)).parameters.items()
                if k != "device"
            }
            for c in (torch.nn.MultiheadAttention, nn.MultiheadAttention)
        )
        assert mine == theirs


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bias": False},
        {"add_bias_kv": True, "add_zero_attn": True},
        {"kdim": 3, "vdim": 2},
        {"kdim": 3, "vdim": 4, "add_bias_kv": True, "bias": False, "batch_first": True},
    ],
)
@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("masks", ["none", "bool", "floating"])
def test_outputs_weights_and_gradients_are_pytorchs(options, batched, need_weights, masks):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.MultiheadAttention(E, H, dtype=torch.float64, **options)
    mine = nn.MultiheadAttention(E, H, dtype=mg.float64, **options)
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for p in theirs.parameters():
            p.copy_(torch.tensor(rng.standard_normal(p.shape)))
    assert list(mine.state_dict()) == list(theirs.state_dict())
    mine.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})

    def shape(length, width):
        if not batched:
            return length, width
        return (N, length, width) if options.get("batch_first") else (length, N, width)

    widths = E, options.get("kdim", E), options.get("vdim", E)
    arrays = [rng.standard_normal(shape(n, w)) for n, w in zip((L, S, S), widths, strict=True)]
    pairs, padding = None, None
    if masks == "bool":
        pairs, padding = rng.random((L, S)) < 0.3, rng.random((N, S)) < 0.3
        pairs[:, 0] = padding[:, 0] = False
    elif masks == "floating":
        pairs = rng.standard_normal(((N if batched else 1) * H, L, S))
        padding = rng.standard_normal((N, S))
    if padding is not None and not batched:
        padding = padding[0]
    found = []
    for library, m in ((mg, mine), (torch, theirs)):
        xs = [library.tensor(a, requires_grad=True) for a in arrays]
        both = [a if a is None else library.tensor(a) for a in (padding, pairs)]
        y, weights = m(*xs, both[0], need_weights, both[1])
        loss = y.sin().sum()
        if weights is not None:
            loss = loss + (weights * weights).sum()
        loss.backward()
        grads = [t.grad.numpy() for t in (*xs, *m.parameters())]
        assert (weights is None) == (not need_weights)
        seen = [] if weights is None else [weights.detach().numpy()]
        found.append([y.detach().numpy(), *grads, *seen])
    for a, b in zip(*found, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)


def test_a_query_without_keys_is_pytorchs():
    torch = pytest.importorskip("torch")
    theirs, mine = torch.nn.MultiheadAttention(E, H), nn.MultiheadAttention(E, H)
    mine.load_state_dict({k: v.detach().numpy() for k, v in theirs.state_dict().items()})
    x = np.random.default_rng(0).standard_normal((S, N, E)).astype(np.float32)
    left_out = np.zeros((N, S), bool)
    left_out[1] = True
    for need_weights in (True, False):
        y, _ = mine(*[mg.tensor(x)] * 3, mg.tensor(left_out), need_weights)
        z, _ = theirs(*[torch.tensor(x)] * 3, torch.tensor(left_out), need_weights)
        assert np.isnan(z[:, 1].detach().numpy()).all() == need_weights
        np.testing.assert_allclose(
            y.detach().numpy(), z.detach().numpy(), rtol=1e-4, atol=1e-5, equal_nan=True
        )
