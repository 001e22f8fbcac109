"""Layer norm: the composition of primitives to third order, batches, PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg

F = mg.nn.functional
EPS = 1e-3

seeds = st.integers(0, 2**32 - 1)
heads = st.lists(st.integers(1, 3), max_size=2)
rows = st.lists(st.integers(1, 4), min_size=1, max_size=2)
# Which of weight and bias are there.
AFFINE = [(False, False), (True, False), (False, True), (True, True)]


def composed(x, axes, weight, bias):
    """Layer norm in primitives."""
    row = tuple(range(-axes, 0))
    apart = x - x.mean(row, keepdim=True)
    y = apart / (apart.square().mean(row, keepdim=True) + EPS).sqrt()
    if weight is not None:
        y = y * weight
    return y if bias is None else y + bias


def leaves(seed, head, row, affine):
    rng = np.random.default_rng(seed)
    shapes = [(*head, *row)] + [tuple(row)] * sum(affine)
    return [mg.tensor(rng.standard_normal(s) + 0.5, requires_grad=True) for s in shapes]


def named(rest, affine):
    """The leaves behind x as (weight, bias)."""
    rest = list(rest)
    return tuple(rest.pop(0) if present else None for present in affine)


def contracted(values, rng):
    """A number that depends on each of the tensors."""
    return sum((v * mg.tensor(rng.standard_normal(v.shape))).sum() for v in values)


def derivatives(function, xs, order, seed):
    """Values, then all gradients of all gradients, each order contracted at random."""
    rng = np.random.default_rng(seed)
    values = [function(*xs)]
    results = [values[0].detach().numpy()]
    for _ in range(order):
        value = contracted(values, rng)
        found = [None] * len(xs)
        if value.requires_grad:
            found = mg.grad(value, xs, create_graph=True, allow_unused=True)
        values = [mg.zeros_like(x) if v is None else v for v, x in zip(found, xs, strict=True)]
        results += [v.detach().numpy() for v in values]
    return results


@given(head=heads, row=rows, seed=seeds, affine=st.sampled_from(AFFINE))
def test_equals_the_composition_to_third_order(head, row, seed, affine):
    xs = leaves(seed, head, row, affine)

    def fused(x, *rest):
        return F.layer_norm(x, row, *named(rest, affine), eps=EPS)

    def plain(x, *rest):
        return composed(x, len(row), *named(rest, affine))

    for a, b in zip(derivatives(fused, xs, 3, seed), derivatives(plain, xs, 3, seed), strict=True):
        scale = np.abs(b).max(initial=1.0)
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9 * scale)


@pytest.mark.parametrize("affine", AFFINE)
@pytest.mark.parametrize("head, row", [((3,), (4,)), ((2, 2), (3,)), ((2,), (2, 3)), ((), (5,))])
def test_derivatives_by_central_differences(affine, head, row):
    xs = leaves(0, head, row, affine)

    def function(x, *rest):
        return F.layer_norm(x, row, *named(rest, affine), eps=0.1)

    assert mg.autograd.gradcheck(function, xs)
    assert mg.autograd.gradgradcheck(function, xs)


@pytest.mark.parametrize("head, row", [((3,), (4,)), ((2, 2), (3,)), ((2,), (2, 3)), ((), (5,))])
def test_batches_of_cotangents_equal_a_loop_at_both_orders(head, row):
    xs = leaves(0, head, row, (True, True))
    rng = np.random.default_rng(0)
    y = F.layer_norm(xs[0], row, *xs[1:], eps=EPS)
    v = mg.tensor(rng.standard_normal((3, *y.shape)), requires_grad=True)
    many = mg.grad(y, xs, v, is_grads_batched=True, create_graph=True)
    for k in range(3):
        one = mg.grad(y, xs, v[k], retain_graph=True)
        for a, b in zip(many, one, strict=True):
            np.testing.assert_allclose(a[k].detach().numpy(), b.numpy(), rtol=1e-11, atol=1e-12)
    for chosen in [(0,), (1,), (2,), (0, 1, 2)]:  # with and without each of the three cotangents
        outputs = [many[i] for i in chosen]
        us = [rng.standard_normal((2, *g.shape)) for g in outputs]
        inputs = [*xs, v]
        options = {"retain_graph": True, "allow_unused": True}
        batched = mg.grad(
            outputs, inputs, [mg.tensor(u) for u in us], is_grads_batched=True, **options
        )
        for k in range(2):
            single = mg.grad(outputs, inputs, [mg.tensor(u[k]) for u in us], **options)
            for a, b in zip(batched, single, strict=True):
                assert (a is None) == (b is None)
                if a is not None:
                    assert a.shape == (2, *b.shape)
                    np.testing.assert_allclose(a[k].numpy(), b.numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("wanted", [(0,), (1,), (2,), (0, 2), (1, 2)])
def test_only_what_requires_grad_gets_one(wanted):
    xs = leaves(0, (4,), (3,), (True, True))
    full = mg.grad(F.layer_norm(xs[0], 3, *xs[1:]).tanh().sum(), xs)
    fixed = [x if i in wanted else x.detach() for i, x in enumerate(xs)]
    chosen = [xs[i] for i in wanted]
    some = mg.grad(F.layer_norm(fixed[0], 3, *fixed[1:]).tanh().sum(), chosen)
    for i, g in zip(wanted, some, strict=True):
        np.testing.assert_allclose(g.numpy(), full[i].numpy(), rtol=1e-12, atol=1e-14)


def test_the_length_of_a_row_does_not_matter_to_its_gradient():
    # y(c x) = y(x) for c > 0 and eps = 0, so x · dL/dx = 0 and H x = -dL/dx for every row.
    x = mg.tensor(np.random.default_rng(0).standard_normal((3, 5)), requires_grad=True)
    loss = F.layer_norm(x, 5, eps=0.0).tanh().square().sum()
    (g,) = mg.grad(loss, x, create_graph=True)
    np.testing.assert_allclose((x * g).sum(1).detach().numpy(), 0, atol=1e-13)
    (hx,) = mg.grad((g * x.detach()).sum(), x)
    np.testing.assert_allclose(hx.numpy(), -g.detach().numpy(), atol=1e-12)


# Zero sizes and mistakes -------------------------------------------------------------------------


@pytest.mark.parametrize("head, row", [((0,), (3,)), ((2,), (0,)), ((2, 0), (3, 2))])
def test_empty_inputs_give_empty_outputs_and_zero_sums(head, row):
    x = mg.zeros(*head, *row, requires_grad=True)
    weight, bias = mg.ones(*row, requires_grad=True), mg.zeros(*row, requires_grad=True)
    y = F.layer_norm(x, row, weight, bias)
    assert y.shape == (*head, *row)
    y.sum().backward()
    assert x.grad.shape == x.shape
    np.testing.assert_array_equal(weight.grad.numpy(), np.zeros(row))
    np.testing.assert_array_equal(bias.grad.numpy(), np.zeros(row))


@pytest.mark.parametrize(
    "call, error, match",
    [
        (lambda: F.layer_norm(mg.zeros(2, 3), 2), ValueError, r"layer_norm: .*\(2, 3\)"),
        (lambda: F.layer_norm(mg.zeros(3), (2, 3)), ValueError, r"\(2, 3\), got shape \(3,\)"),
        (lambda: F.layer_norm(mg.zeros(3), (3.0,)), TypeError, "normalized_shape must be"),
        (lambda: F.layer_norm(mg.zeros(3), None), TypeError, "normalized_shape must be"),
        (lambda: F.layer_norm(mg.zeros(3), 3, eps=None), TypeError, "layer_norm: eps must be a"),
        (lambda: F.layer_norm(mg.zeros(3), ()), ValueError, "at least one axis"),
        (lambda: F.layer_norm(mg.zeros(2, 3), 3, mg.ones(2)), ValueError, "weight"),
        (lambda: F.layer_norm(mg.zeros(2, 3), 3, None, mg.ones(1, 3)), ValueError, "bias"),
        (lambda: F.layer_norm(mg.zeros(2, 3), 3, mg.ones(3).double()), TypeError, "one dtype"),
        (lambda: F.layer_norm(mg.tensor([[1], [2]]), 1), TypeError, "floating"),
        (lambda: F.layer_norm(np.zeros((2, 3)), 3), TypeError, "Tensor"),
    ],
)
def test_mistakes_are_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()


# PyTorch -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("affine", AFFINE)
@pytest.mark.parametrize("head, row", [((7,), (5,)), ((4, 3), (17,)), ((3,), (5, 4)), ((), (9,))])
def test_values_and_gradients_are_those_of_pytorch(dtype, affine, head, row):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, v = rng.standard_normal((2, *head, *row)).astype(dtype) * 2
    rest = [rng.standard_normal(row).astype(dtype) for present in affine if present]
    ours = [mg.tensor(a, requires_grad=True) for a in (x, *rest)]
    theirs = [torch.tensor(a, requires_grad=True) for a in (x, *rest)]
    y = F.layer_norm(ours[0], row, *named(ours[1:], affine), eps=1e-4)
    z = torch.nn.functional.layer_norm(theirs[0], row, *named(theirs[1:], affine), eps=1e-4)
    y.backward(mg.tensor(v))
    z.backward(torch.tensor(v))
    close = {"rtol": 1e-4, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-9, "atol": 1e-11}
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), **close)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), **close)
