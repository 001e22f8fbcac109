"""Every row of the table: value, first and second derivative, batches, dtypes, layouts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from table import CASES, cauchy

import minigrad as mg

every_case = pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
smooth_case = pytest.mark.parametrize(
    "case", [c for c in CASES if c.order >= 2], ids=lambda c: c.name
)
SEEDS = st.integers(0, 2**32 - 1)


def draw(case, data):
    """The inputs of one example, float64 arrays, and the generator that made them."""
    shapes = data.draw(case.shapes)
    chance = np.random.default_rng(data.draw(SEEDS))
    return [
        np.asarray(domain(chance, shape), float)
        for domain, shape in zip(case.inputs, shapes, strict=True)
    ], chance


def tensors(arrays):
    return [mg.tensor(a, requires_grad=True) for a in arrays]


def total(case, arrays, weight):
    """Σ weight · f(x), a number."""
    with mg.no_grad():
        return float((case.function(*[mg.tensor(a) for a in arrays]).numpy() * weight).sum())


def gradients(case, arrays, weight, create_graph=False):
    xs = tensors(arrays)
    y = case.function(*xs)
    grads = mg.grad(y, xs, mg.tensor(weight), create_graph=create_graph, allow_unused=True)
    zero = [mg.zeros_like(x) for x in xs]
    return xs, [z if g is None else g for g, z in zip(grads, zero, strict=True)]


def along(tensors, directions):
    """Σ tensor · direction over those that are there, recorded."""
    total = mg.zeros((), dtype=mg.float64)
    for x, u in zip(tensors, directions, strict=True):
        total = total if x is None else total + (x * mg.tensor(u)).sum()
    return total


def moved(arrays, directions, step):
    return [a + step * u for a, u in zip(arrays, directions, strict=True)]


def close(ours, theirs, tolerance):
    assert ours == pytest.approx(theirs, rel=tolerance, abs=tolerance)


@every_case
@given(data=st.data())
def test_value_is_the_formulas(case, data):
    arrays, _ = draw(case, data)
    want = np.asarray(case.formula(*arrays))
    got = case.function(*[mg.tensor(a) for a in arrays])
    assert got.shape == want.shape and got.dtype == np.float64
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-9, atol=1e-12)


@every_case
@given(data=st.data())
def test_float32_agrees_with_float64(case, data):
    arrays, _ = draw(case, data)
    if case.name in ("to", "batch_norm eval"):
        return
    narrow = [a.astype(np.float32) for a in arrays]
    wide = case.function(*[mg.tensor(a.astype(float)) for a in narrow])
    got = case.function(*tensors(narrow))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got.detach().numpy(), wide.numpy(), rtol=2e-4, atol=2e-4)


@every_case
@given(data=st.data())
def test_layout_does_not_matter(case, data):
    arrays, chance = draw(case, data)
    odd = []
    for a in arrays:
        wide = np.zeros(tuple(2 * n for n in a.shape[::-1]))
        view = wide.T[tuple(slice(None, None, -2) for _ in a.shape)] if a.ndim else wide
        view[...] = a
        odd.append(mg.from_numpy(view))
    np.testing.assert_allclose(
        case.function(*odd).numpy(),
        case.function(*[mg.tensor(a) for a in arrays]).numpy(),
        rtol=1e-12,
        atol=1e-14,
    )


@smooth_case
@given(data=st.data())
def test_first_derivative_is_the_central_difference(case, data):
    arrays, chance = draw(case, data)
    y = case.function(*tensors(arrays))
    weight = chance.normal(size=y.shape)
    directions = [chance.uniform(-1, 1, a.shape) for a in arrays]
    _, grads = gradients(case, arrays, weight)
    for g, a in zip(grads, arrays, strict=True):
        assert g.shape == a.shape and g.dtype == np.float64
    ours = sum(float((g.numpy() * u).sum()) for g, u in zip(grads, directions, strict=True))
    h = 1e-6
    up, down = (total(case, moved(arrays, directions, s), weight) for s in (h, -h))
    close(ours, (up - down) / (2 * h), case.tolerance)


@smooth_case
@given(data=st.data())
def test_second_derivative_is_the_central_difference(case, data):
    arrays, chance = draw(case, data)
    y = case.function(*tensors(arrays))
    weight = chance.normal(size=y.shape)
    directions = [chance.uniform(-1, 1, a.shape) for a in arrays]
    others = [chance.uniform(-1, 1, a.shape) for a in arrays]

    def slope(arrays, weight):
        _, grads = gradients(case, arrays, weight)
        return sum(float((g.numpy() * u).sum()) for g, u in zip(grads, directions, strict=True))

    # With respect to the inputs and to the cotangent.
    xs = tensors(arrays)
    v = mg.tensor(weight, requires_grad=True)
    grads = mg.grad(case.function(*xs), xs, v, create_graph=True, allow_unused=True)
    first = along(grads, directions)
    weight_move = chance.normal(size=y.shape)
    ours = 0.0
    if first.requires_grad:
        second = mg.grad(first, [*xs, v], allow_unused=True)
        moves = [*others, weight_move]
        ours = sum(
            float((g.numpy() * u).sum())
            for g, u in zip(second, moves, strict=True)
            if g is not None
        )
    h = 1e-5
    up, down = (slope(moved(arrays, others, s), weight + s * weight_move) for s in (h, -h))
    close(ours, (up - down) / (2 * h), case.tolerance)


@smooth_case
@given(data=st.data())
def test_orders_one_to_four_are_those_of_the_formula(case, data):
    """Directional derivatives, by nested backward passes and by Cauchy's integral formula."""
    arrays, chance = draw(case, data)
    xs = tensors(arrays)
    y = case.function(*xs)
    weight = chance.normal(size=y.shape)
    directions = [chance.uniform(-1, 1, a.shape) for a in arrays]
    wanted = cauchy.derivatives(case.analytic, arrays, directions, case.order)
    value = (y * mg.tensor(weight)).sum()
    for k, want in enumerate(wanted):
        if value.requires_grad:
            grads = mg.grad(value, xs, create_graph=True, allow_unused=True)
            value = along(grads, directions)
        else:
            value = mg.zeros((), dtype=mg.float64)
        scale = 1 + np.abs(want * weight).sum()
        assert value.item() == pytest.approx((want * weight).sum(), abs=case.close * scale), k + 1


@smooth_case
@given(data=st.data())
def test_batched_cotangents_equal_a_loop(case, data):
    arrays, chance = draw(case, data)
    xs = tensors(arrays)
    y = case.function(*xs)
    v = chance.normal(size=(3, *y.shape))
    batched = mg.grad(
        y, xs, mg.tensor(v), retain_graph=True, allow_unused=True, is_grads_batched=True
    )
    for k in range(3):
        single = mg.grad(y, xs, mg.tensor(v[k]), retain_graph=True, allow_unused=True)
        for many, alone in zip(batched, single, strict=True):
            if alone is None:
                assert many is None
                continue
            np.testing.assert_allclose(many[k].numpy(), alone.numpy(), rtol=1e-9, atol=1e-10)


@smooth_case
@given(data=st.data())
def test_batched_second_order_equals_a_loop(case, data):
    arrays, chance = draw(case, data)
    y = case.function(*tensors(arrays))
    weight = chance.normal(size=y.shape)
    xs, grads = gradients(case, arrays, weight, create_graph=True)
    for g in grads:
        if not g.requires_grad:
            continue
        v = chance.normal(size=(2, *g.shape))
        options = {"retain_graph": True, "allow_unused": True}
        batched = mg.grad(g, xs, mg.tensor(v), is_grads_batched=True, **options)
        for k in range(2):
            single = mg.grad(g, xs, mg.tensor(v[k]), **options)
            for many, alone in zip(batched, single, strict=True):
                if alone is not None:
                    np.testing.assert_allclose(
                        many[k].numpy(), alone.numpy(), rtol=1e-8, atol=1e-9
                    )


@smooth_case
@given(data=st.data())
def test_inputs_and_cotangents_are_left_alone(case, data):
    arrays, chance = draw(case, data)
    xs = tensors(arrays)
    y = case.function(*xs)
    v = mg.tensor(chance.normal(size=y.shape))
    before = [a.copy() for a in [*arrays, v.numpy()]]
    mg.grad(y, xs, v, allow_unused=True)
    for a, b in zip(before, [*[x.detach().numpy() for x in xs], v.numpy()], strict=True):
        np.testing.assert_array_equal(a, b)
