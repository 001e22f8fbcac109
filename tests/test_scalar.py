"""The scalar engine: derivatives against finite differences and closed forms, graphs, edges."""

import copy
import gc
import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad.scalar as scalar
from minigrad.scalar import Value
from minigrad.scalar_nn import MLP, Layer, Neuron

PURE = scalar.__file__.endswith(".py")
LONG = 100_000 if PURE else 1_000_000


# ---------------------------------------------------------------- random expressions
def relu(x):
    return max(x, 0.0)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


FLOATS = {"exp": math.exp, "log": math.log, "tanh": math.tanh, "sigmoid": sigmoid, "relu": relu}
VALUES = {name: getattr(Value, name) for name in FLOATS}

# every operator and both operand orders, kept smooth and of moderate size
STEPS = [
    lambda f, x, y: x + y,
    lambda f, x, y: x - y,
    lambda f, x, y: x * y,
    lambda f, x, y: x / (1.5 + y * y),
    lambda f, x, y: (1.5 + x * x) ** (0.5 * y),
    lambda f, x, y: (1.5 + x * x) ** -1.5,
    lambda f, x, y: f["tanh"](x) ** 3,
    lambda f, x, y: 1.3 ** f["tanh"](y),
    lambda f, x, y: 2 - x,
    lambda f, x, y: 0.5 / (2 + f["tanh"](x)),
    lambda f, x, y: -x * 0.5 + 1,
    lambda f, x, y: x - 3,
    lambda f, x, y: f["tanh"](x),
    lambda f, x, y: f["sigmoid"](x),
    lambda f, x, y: f["exp"](0.5 * f["tanh"](x)),
    lambda f, x, y: f["log"](1.5 + x * x),
    lambda f, x, y: f["relu"](1.5 + f["tanh"](x)) + f["relu"](-2 - f["sigmoid"](x)),
]

expressions = st.lists(
    st.tuples(st.sampled_from(STEPS), st.integers(0, 99), st.integers(0, 99)),
    min_size=1,
    max_size=12,
)
points = st.lists(st.floats(-1.5, 1.5), min_size=2, max_size=3)


def evaluate(expression, functions, inputs):
    known = list(inputs)
    for step, i, j in expression:
        known.append(step(functions, known[i % len(known)], known[j % len(known)]))
    return 0.1 * known[-1] + known[len(known) // 2]


def bump(point, *moves):
    point = list(point)
    for i, h in moves:
        point[i] += h
    return point


def slope(f, h):
    """f'(0) by central differences, sixth order."""
    return sum(c * (f(k * h) - f(-k * h)) for k, c in ((1, 45), (2, -9), (3, 1))) / (60 * h)


def close(a, b, tolerance):
    return abs(a - b) <= tolerance * (1 + abs(a) + abs(b))


@given(expressions, points)
def test_value_and_gradient_match_floats_and_central_differences(expression, point):
    inputs = [Value(p) for p in point]
    result = evaluate(expression, VALUES, inputs)
    assert close(result.data, evaluate(expression, FLOATS, point), 1e-12)
    result.backward()
    for i, x in enumerate(inputs):
        numeric = slope(lambda h, i=i: evaluate(expression, FLOATS, bump(point, (i, h))), 1e-3)
        assert isinstance(x.grad, float)
        assert close(x.grad, numeric, 1e-6)


@given(expressions, points)
def test_second_derivatives_match_central_differences(expression, point):
    inputs = [Value(p) for p in point]
    result = evaluate(expression, VALUES, inputs)
    result.backward(create_graph=True)
    gradient = [x.grad for x in inputs]
    for i, g in enumerate(gradient):
        for x in inputs:
            x.zero_grad()
        if not isinstance(g, Value):
            assert g == 0.0  # the result does not depend on this input
            continue
        g.backward()
        for j, x in enumerate(inputs):
            numeric = slope(
                lambda t, i=i, j=j: slope(
                    lambda s: evaluate(expression, FLOATS, bump(point, (i, s), (j, t))), 0.01
                ),
                0.01,
            )
            assert close(x.grad, numeric, 1e-4)


@given(expressions, points)
def test_both_forms_of_backward_agree(expression, point):
    first, second = [Value(p) for p in point], [Value(p) for p in point]
    evaluate(expression, VALUES, first).backward()
    evaluate(expression, VALUES, second).backward(create_graph=True)
    for x, y in zip(first, second, strict=True):
        assert close(x.grad, float(y.grad), 1e-13)


# ---------------------------------------------------------------- closed forms, any order
def derivatives(function, at, order):
    x = Value(at)
    y = function(x)
    found = []
    for _ in range(order):
        x.zero_grad()
        y.backward(create_graph=True)
        y = x.grad
        found.append(float(y))
        if not isinstance(y, Value):
            y = Value(y)
    return found


@pytest.mark.parametrize("at", [-2.0, -0.3, 0.0, 0.7, 1.9])
def test_tanh_to_fourth_order(at):
    t = math.tanh(at)
    u = 1 - t * t
    expected = [u, -2 * t * u, u * (6 * t * t - 2), u * t * (16 - 24 * t * t)]
    assert derivatives(Value.tanh, at, 4) == pytest.approx(expected, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("at", [-3.0, 0.0, 0.8])
def test_sigmoid_to_third_order(at):
    s = sigmoid(at)
    u = s * (1 - s)
    expected = [u, u * (1 - 2 * s), u * (1 - 6 * s + 6 * s * s)]
    assert derivatives(Value.sigmoid, at, 3) == pytest.approx(expected, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 3, 5, 0.5, 2.5])
@pytest.mark.parametrize("at", [0.4, 1.7])
def test_powers_to_fourth_order(n, at):
    expected = [math.prod(n - i for i in range(k)) * at ** (n - k) for k in range(1, 5)]
    assert derivatives(lambda x: x**n, at, 4) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("n", range(5))
@pytest.mark.parametrize("at", [0.0, -1.5])
def test_whole_powers_of_zero_and_of_negative_numbers(n, at):
    expected = [
        math.prod(n - i for i in range(k)) * at ** (n - k) if k <= n else 0.0 for k in range(1, 6)
    ]
    assert derivatives(lambda x: x**n, at, 5) == pytest.approx(expected)


def test_exp_log_and_reciprocal_to_fifth_order():
    assert derivatives(Value.exp, 0.3, 5) == pytest.approx([math.exp(0.3)] * 5)
    expected = [(-1) ** (k - 1) * math.factorial(k - 1) / 1.4**k for k in range(1, 6)]
    assert derivatives(Value.log, 1.4, 5) == pytest.approx(expected)
    expected = [(-1) ** k * math.factorial(k) / 1.4 ** (k + 1) for k in range(1, 6)]
    assert derivatives(lambda x: 1 / x, 1.4, 5) == pytest.approx(expected)
    expected = [math.log(3) ** k * 3**0.6 for k in range(1, 6)]
    assert derivatives(lambda x: 3**x, 0.6, 5) == pytest.approx(expected)


def test_mixed_derivatives_of_a_power():
    x, y = Value(1.3), Value(0.7)
    (x**y).backward(create_graph=True)
    dx, dy = x.grad, y.grad
    x.zero_grad(), y.zero_grad()
    dx.backward()
    mixed = 1.3**-0.3 * (1 + 0.7 * math.log(1.3))
    assert y.grad == pytest.approx(mixed)
    x.zero_grad(), y.zero_grad()
    dy.backward()
    assert x.grad == pytest.approx(mixed)
    assert y.grad == pytest.approx(1.3**0.7 * math.log(1.3) ** 2)


# ---------------------------------------------------------------- the graph
def test_a_value_used_many_times_adds_up():
    x = Value(3.0)
    y = x
    for _ in range(9):
        y = y + x
    (y * x).backward()  # 10 x**2
    assert x.grad == 60.0
    x = y = Value(1.0)
    for _ in range(60):
        y = y + y  # 2**60 paths
    y.backward()
    assert x.grad == 2.0**60


def test_backward_twice_adds_to_leaves_and_not_to_operations():
    x = Value(2.0)
    h = x * x
    y = h * h
    y.backward()
    assert (x.grad, h.grad, y.grad) == (32.0, 8.0, 1.0)
    y.backward()
    assert (x.grad, h.grad, y.grad) == (64.0, 8.0, 1.0)
    h.backward()  # from another result of the same graph
    assert (x.grad, h.grad) == (68.0, 1.0)
    x.zero_grad()
    y.backward(create_graph=True)
    y.backward(create_graph=True)
    assert float(x.grad) == 64.0


def test_a_leaf_is_its_own_result():
    x = Value(2.0)
    x.backward()
    x.backward()
    assert x.grad == 2.0
    x.backward(create_graph=True)
    assert isinstance(x.grad, Value) and x.grad == 3.0


def test_grad_is_a_float_or_a_value():
    x = Value(2.0)
    assert x.grad == 0.0 and isinstance(x.grad, float)
    y = x**3
    y.backward()
    assert isinstance(x.grad, float)
    y.backward(create_graph=True)  # on top of the 12.0 that is there
    assert isinstance(x.grad, Value) and x.grad == 24.0
    y.backward()
    assert isinstance(x.grad, float) and x.grad == 36.0
    x.grad = 0
    assert isinstance(x.grad, float) and x.grad == 0.0
    x.grad = Value(5.0)
    assert isinstance(x.grad, Value)
    x.zero_grad()
    assert x.grad == 0.0 and isinstance(x.grad, float)


def test_second_backward_accumulates_onto_the_first_gradient():
    x = Value(2.0)
    (x**3).backward(create_graph=True)
    x.grad.backward()
    assert x.grad == 12.0 + 12.0


def test_an_error_in_backward_leaves_the_graph_usable():
    x, b = Value(0.0), Value(3.0)
    y = x**0.5 + b * b
    with pytest.raises(ZeroDivisionError, match="pow"):
        y.backward()
    x.data, b.grad = 4.0, 0.0
    y.backward()
    assert (x.grad, b.grad) == (0.25, 6.0)


def values_alive():
    return sum(type(o) is Value for o in gc.get_objects())


def chain(n):
    a, b, z = Value(1e-6), Value(1 - 1e-6), Value(0.5)
    for _ in range(n // 2):
        z = z * b + a
    return z, (a, b)


def test_long_chain_is_built_differentiated_and_freed():
    gc.collect()
    before = values_alive()
    gc.disable()
    try:
        z, (a, b) = chain(LONG)
        z.backward()
        q = 1 - 1e-6
        assert a.grad == pytest.approx((1 - q ** (LONG // 2)) / 1e-6, rel=1e-6)
        assert b.grad != 0.0
        del z, a, b
        assert values_alive() == before
    finally:
        gc.enable()


def test_long_chain_is_differentiated_twice_and_freed():
    gc.collect()
    before = values_alive()
    gc.disable()
    try:
        z, (a, b) = chain(LONG // 20)
        z.backward(create_graph=True)
        g = b.grad
        a.zero_grad(), b.zero_grad()
        g.backward()
        assert math.isfinite(b.grad) and b.grad > 0
        del z, a, b, g
    finally:
        gc.enable()
    gc.collect()
    assert values_alive() == before


def test_a_plain_gradient_makes_no_reference_cycle():
    gc.collect()
    gc.disable()
    try:
        before = values_alive()
        x = Value(0.5)
        y = (x * x + 1 / x).tanh()
        y.backward()
        del x, y
        assert values_alive() == before
    finally:
        gc.enable()


def test_a_constant_derivative_keeps_no_graph():
    gc.collect()
    before = values_alive()
    x = Value(2.0)
    (5 * x + 1).backward(create_graph=True)
    slope_of_line = x.grad
    x.zero_grad()
    assert slope_of_line == 5.0
    assert values_alive() == before + 2


# ---------------------------------------------------------------- edges
@pytest.mark.parametrize("at", [1e3, -1e3, 1e308, -1e308, math.inf, -math.inf, 40.0, -750.0])
def test_tanh_and_sigmoid_never_overflow(at):
    for function in (Value.tanh, Value.sigmoid):
        y = function(Value(at))
        assert 0.0 <= abs(y.data) <= 1.0
        assert all(map(math.isfinite, derivatives(function, at, 4)))
    assert Value(-700.0).sigmoid().data == pytest.approx(math.exp(-700.0), rel=1e-12)


def test_domain_errors_name_the_operation_and_the_operands():
    for x in (0.0, -1.0, -math.inf):
        with pytest.raises(ValueError, match=r"log.*math domain error"):
            Value(x).log()
    with pytest.raises(ValueError, match=r"pow\(-2\.0, 0\.5\).*math domain error"):
        Value(-2.0) ** 0.5
    with pytest.raises(ZeroDivisionError, match=r"pow\(0\.0, -1\.0\)"):
        Value(0.0) ** -1
    with pytest.raises(ZeroDivisionError, match=r"div\(3\.0, 0\.0\)"):
        3 / Value(0.0)
    with pytest.raises(OverflowError, match=r"exp\(1000\.0\)"):
        Value(1000.0).exp()
    with pytest.raises(OverflowError, match="pow"):
        Value(1e200) ** 2


def test_nan_passes_through():
    x = Value(math.nan)
    for y in (x + 1, x * 0, x.relu(), x.tanh(), x.sigmoid(), x.exp(), x.log(), x**2, 1 / x):
        assert math.isnan(y.data)


def test_powers_at_zero():
    x, y = Value(0.0), Value(0.0)
    z = x**y
    z.backward()
    assert (z.data, x.grad, y.grad) == (1.0, 0.0, 0.0)
    x, y = Value(0.0), Value(2.0)
    (x**y).backward()
    assert (x.grad, y.grad) == (0.0, 0.0)
    y = Value(1.5)
    (0**y).backward(create_graph=True)
    assert y.grad == 0.0


def test_exponent_gradient_only_where_the_exponent_is_a_value():
    x = Value(-2.0)
    (x**3).backward(create_graph=True)  # needs no log of -2
    assert x.grad == 12.0
    x, n = Value(-2.0), Value(3.0)
    (x**n).backward()
    assert x.grad == 12.0 and math.isnan(n.grad)
    y = Value(0.5)
    (2**y).backward()
    assert y.grad == pytest.approx(2**0.5 * math.log(2))


def test_relu_is_flat_at_zero_and_below():
    for at, expected in ((-1.0, 0.0), (0.0, 0.0), (2.0, 1.0)):
        x = Value(at)
        x.relu().backward()
        assert x.grad == expected
        assert derivatives(lambda v: v.relu() ** 2, at, 3) == [2 * at * expected, 2 * expected, 0]


@pytest.mark.parametrize("number", [3, True, 0.25, np.float32(0.5), np.float64(2), np.int64(-7)])
def test_numbers_stand_on_either_side(number):
    x, n = Value(1.5), float(number)
    pairs = [(x + number, 1.5 + n), (number + x, n + 1.5), (x - number, 1.5 - n)]
    pairs += [(number - x, n - 1.5), (x * number, 1.5 * n), (number * x, n * 1.5)]
    pairs += [(x / number, 1.5 / n), (number / x, n / 1.5), (x**number, 1.5**n)]
    if n > 0:
        pairs.append((number**x, n**1.5))
    for found, expected in pairs:
        assert isinstance(found, Value)
        assert found.data == expected


@pytest.mark.parametrize("other", ["2", None, [1.0], 2j])
def test_what_is_no_number_is_refused(other):
    for operation in (
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a * b,
        lambda a, b: a / b,
        lambda a, b: a**b,
        lambda a, b: a < b,
    ):
        with pytest.raises(TypeError):
            operation(Value(1.0), other)
        with pytest.raises(TypeError):
            operation(other, Value(1.0))
    assert Value(1.0) != other


def test_comparisons_are_by_value_and_hash_by_identity():
    a, b = Value(1.0), Value(2.0)
    assert a < b and a <= b and b > a and b >= a and a != b
    assert a == Value(1.0) and a == 1 and a < 1.5 and a >= 1 and a <= 1 and a > 0
    assert 1 == a and 1.5 > a and 0 <= a and 1 < b and 2 >= b  # noqa: SIM300
    assert not (a == b or a < 1 or a > 1 or Value(math.nan) == math.nan)
    assert len({a, Value(1.0), a}) == 2
    assert max([a, b]) is b and sorted([b, a])[0] is a


def test_repr_float_and_zero_grad():
    x = Value(3)
    y = x * 2
    y.backward()
    assert repr(x) == "Value(data=3.0, grad=2.0)"
    assert float(y) == 6.0 and f"{float(y):.1f}" == "6.0"
    x.zero_grad()
    y.backward(create_graph=True)
    assert repr(x) == "Value(data=3.0, grad=2.0)"
    assert float(Value(Value(4.0))) == 4.0


def test_data_may_be_changed_between_passes():
    x = Value(1.0)
    x.data -= 0.25
    y = x * x
    y.backward()
    assert x.grad == 1.5


def test_copies_are_independent():
    model = MLP(2, [3, 1])
    twin = copy.deepcopy(model)
    twin.parameters()[0].data += 1.0
    assert twin.parameters()[0] != model.parameters()[0]
    assert twin.parameters()[1] == model.parameters()[1]


# ---------------------------------------------------------------- networks
def test_networks_have_the_shapes_and_names_of_micrograd():
    model = MLP(3, [4, 1, 2])
    assert len(model.parameters()) == 4 * 4 + 5 + 2 * 2
    assert [v.data for v in Layer(2, 3)([0.0, 0.0])] == [0.0] * 3
    assert isinstance(Layer(2, 1)([1.0, 2.0]), Value)
    assert len(model([1.0, Value(2.0), 3])) == 2
    assert repr(MLP(2, [1])) == "MLP of [Layer of [LinearNeuron(2)]]"
    with pytest.raises(ValueError, match="expected 3 inputs, got 2"):
        model([1.0, 2.0])


def test_neuron_is_a_dot_product():
    n = Neuron(3)
    for w, number in zip(n.w, (1.0, -2.0, 0.5), strict=True):
        w.data = number
    n.b.data = 0.25
    y = n([2.0, 0.5, 1.0])
    assert y.data == 1.75
    y.backward()
    assert [p.grad for p in n.parameters()] == [2.0, 0.5, 1.0, 1.0]
    assert n([-2.0, 0.5, 1.0]).data == 0.0
    n.zero_grad()
    assert all(p.grad == 0.0 for p in n.parameters())


def test_mlp_learns_xor():
    random.seed(1)
    model = MLP(2, [8, 1])
    data = [([a, b], 1.0 if a * b < 0 else -1.0) for a in (-1.0, 1.0) for b in (-1.0, 1.0)]
    for _ in range(150):
        loss = sum((model(x) - y) ** 2 for x, y in data) / 4
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= 0.1 * p.grad
    assert loss.data < 0.01
    assert all(model(x).data * y > 0 for x, y in data)
