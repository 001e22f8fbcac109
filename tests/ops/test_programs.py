"""Random programs: operations, shapes, dtypes, views and in-place changes drawn by Hypothesis.

Each program runs twice: on Tensors, and on arrays with plain NumPy, where views share memory as
well. Values, shapes and dtypes must agree, and the gradient and the second derivative must be
those of the NumPy program, by central differences and by Cauchy's integral formula.

A change in place may be refused (a rule needed what was overwritten), never silently wrong.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from table import cauchy

import minigrad as mg
from minigrad.errors import InplaceError

F = mg.nn.functional


def np_softmax(x):
    e = np.exp(x - x.real.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def np_var(x):
    apart = x - x.mean(0)
    return (apart * apart).sum(0) / (len(x) - 1)


# What a value must be for an operation to apply; x, y are arrays.
def any_value(x):
    return True


def some(x):
    return x.size > 0


def has_axis(x):
    return x.ndim > 0


def full_axes(x):
    return x.ndim > 0 and x.size > 0


def matrix(x):
    return x.ndim == 2


def rows(least):
    return lambda x: x.ndim > 0 and x.shape[0] >= least and x.size > 0


def small(x):
    return x.ndim < 3


def fits(x, y):
    try:
        return np.broadcast_shapes(x.shape, y.shape) is not None
    except ValueError:
        return False


def multiply(x, y):
    return x.ndim == y.ndim == 2 and x.shape[1] == y.shape[0]


# name: (applies, on Tensors, on arrays). Operations are smooth, and their values stay moderate.
UNARY = {
    "tanh": (any_value, lambda x: x.tanh(), np.tanh),
    "sigmoid": (any_value, lambda x: x.sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
    "sin": (any_value, lambda x: x.sin(), np.sin),
    "exp": (any_value, lambda x: (x.tanh() * 0.5).exp(), lambda x: np.exp(np.tanh(x) * 0.5)),
    "log": (any_value, lambda x: (x * x + 1).log(), lambda x: np.log(x * x + 1)),
    "sqrt": (any_value, lambda x: (x.square() + 1).sqrt(), lambda x: np.sqrt(x * x + 1)),
    "power": (any_value, lambda x: (x * x + 1) ** -1.5, lambda x: (x * x + 1) ** -1.5),
    "reciprocal": (any_value, lambda x: 1 / (x * x + 1), lambda x: 1 / (x * x + 1)),
    "softplus": (any_value, F.softplus, lambda x: np.log(1 + np.exp(x))),
    "negative": (any_value, lambda x: -x, lambda x: -x),
    "scale": (any_value, lambda x: x * 0.5 + 1, lambda x: x * 0.5 + 1),
    "integers": (
        has_axis,
        lambda x: x * mg.arange(x.shape[-1]),
        lambda x: x * np.arange(x.shape[-1]),
    ),
    "sum": (has_axis, lambda x: x.sum(-1), lambda x: x.sum(-1)),
    "sum kept": (has_axis, lambda x: x.sum(0, True), lambda x: x.sum(0, keepdims=True)),
    "mean": (full_axes, lambda x: x.mean(0), lambda x: x.mean(0)),
    "variance": (rows(2), lambda x: x.var(0), np_var),
    "softmax": (full_axes, lambda x: x.softmax(-1), np_softmax),
    "logsumexp": (full_axes, lambda x: x.logsumexp(0), lambda x: np.log(np.exp(x).sum(0))),
    "transpose": (has_axis, lambda x: x.transpose(0, -1), lambda x: x.swapaxes(0, -1)),
    "first row": (rows(1), lambda x: x[0], lambda x: x[0, ...]),
    "all but the first": (has_axis, lambda x: x[1:], lambda x: x[1:]),
    "every other": (has_axis, lambda x: x[..., ::2], lambda x: x[..., ::2]),
    "new axis": (small, lambda x: x.unsqueeze(-1), lambda x: x[..., None]),
    "flatten": (any_value, lambda x: x.reshape(-1).clone(), lambda x: x.reshape(-1).copy()),
    "expand": (
        small,
        lambda x: x.expand(2, *x.shape),
        lambda x: np.broadcast_to(x, (2, *x.shape)),
    ),
    "rows picked": (rows(1), lambda x: x[[0, -1, 0]], lambda x: x[[0, -1, 0]]),
    "masked": (
        has_axis,
        lambda x: x[mg.ones(x.shape[0], dtype=bool)],
        lambda x: x[np.ones(len(x), bool)],
    ),
    "cat": (has_axis, lambda x: mg.cat([x, x * 2], -1), lambda x: np.concatenate([x, x * 2], -1)),
    "stack": (small, lambda x: mg.stack([x, x.sin()]), lambda x: np.stack([x, np.sin(x)])),
    "gram": (matrix, lambda x: (x @ x.T) * 0.3, lambda x: (x @ x.T) * 0.3),
}
BINARY = {
    "add": (fits, lambda x, y: x + y, np.add),
    "sub": (fits, lambda x, y: x - y, np.subtract),
    "mul": (fits, lambda x, y: x * y, np.multiply),
    "div": (fits, lambda x, y: x / (y * y + 1), lambda x, y: x / (y * y + 1)),
    "matmul": (multiply, lambda x, y: (x @ y) * 0.3, lambda x, y: (x @ y) * 0.3),
}


def add_to_all(x, y):
    x += y


def scale_rows(x, y):
    x[1:] *= 0.5


def store(x, y):
    x[..., :1] = y


# Changes in place of x, given y that broadcasts to it.
CHANGES = {"add_": add_to_all, "scale rows_": scale_rows, "store_": store}


def may_change(x, y):
    try:
        return x.ndim > 0 and np.broadcast_shapes(x[..., :1].shape, y.shape) == x[..., :1].shape
    except ValueError:
        return False


def writable(x):
    """Whether no two elements share memory (NumPy makes `broadcast_to` read-only, views too)."""
    return x.flags.writeable


@st.composite
def programs(draw):
    """(shapes of the inputs, lines): a line is (name, operands), operand k an earlier value."""
    lengths = st.integers(0, 3)
    shapes = [tuple(draw(st.lists(lengths, max_size=3))) for _ in range(2)]
    values = [np.ones(shape) for shape in shapes]
    values += [v * 1.5 for v in values]  # those that may be changed in place
    lines = [("scale", (0,)), ("scale", (1,))]
    for _ in range(draw(st.integers(1, 8))):
        k = draw(st.integers(2, len(values) - 1))  # not an input: its views must not change
        j = draw(st.integers(2, len(values) - 1))
        fitting = [(n, (k,)) for n, (applies, _, _) in UNARY.items() if applies(values[k])]
        fitting += [
            (n, (k, j)) for n, (applies, _, _) in BINARY.items() if applies(values[k], values[j])
        ]
        if writable(values[k]) and may_change(values[k], values[j]):
            fitting += [(n, (k, j)) for n in CHANGES]
        name, operands = draw(st.sampled_from(fitting))
        lines.append((name, operands))
        step(lines[-1], values, 2)
        if values[-1].size > 200:
            values[-1] = values[-1].sum()
            lines.append(None)
    return shapes, lines


def step(line, values, side):
    """Do one line of a program; side 1 is Tensors, 2 arrays."""
    name, operands = line
    if name in CHANGES:
        CHANGES[name](*[values[k] for k in operands])
        values.append(values[operands[0]])
        return
    function = (UNARY.get(name) or BINARY[name])[side]
    result = function(*[values[k] for k in operands])
    values.append(np.asarray(result) if side == 2 else result)


def run(lines, inputs, side):
    """All values of a program, and their weighted sum."""
    values = list(inputs)
    for line in lines:
        if line is None:
            values[-1] = values[-1].sum()
        else:
            step(line, values, side)
    total = sum((k % 3 - 1.3) * v.sum() for k, v in enumerate(values[-4:]))
    return values, total


def promoted(x, y):
    """Dtype of x ∘ y for floating operands: those with axes decide before those without."""
    dtypes = [v.dtype for v in (x, y) if v.ndim] or [x.dtype, y.dtype]
    return max(dtypes, key=lambda d: d.itemsize)


@given(
    program=programs(),
    wide=st.tuples(st.booleans(), st.booleans()),
    seed=st.integers(0, 2**32 - 1),
)
def test_random_program_agrees_with_numpy(program, wide, seed):
    shapes, lines = program
    chance = np.random.default_rng(seed)
    arrays = [chance.uniform(-1, 1, s).astype(np.float32).astype(float) for s in shapes]
    directions = [chance.uniform(-1, 1, s) for s in shapes]
    dtypes = [np.float64 if w else np.float32 for w in wide]
    exact = all(wide)
    tensors = [
        mg.tensor(a.astype(d), requires_grad=True) for a, d in zip(arrays, dtypes, strict=True)
    ]

    values, loss = run(lines, tensors, 1)
    want_values, want = run(lines, [a.copy() for a in arrays], 2)
    near = {"rtol": 1e-9, "atol": 1e-9} if exact else {"rtol": 1e-3, "atol": 1e-3}
    for have, expected in zip(values, want_values, strict=True):
        assert have.shape == expected.shape
        np.testing.assert_allclose(have.detach().numpy(), expected, **near)
    position = 2
    for line in lines:
        if line is None:
            continue
        name, operands = line
        sources = [values[k] for k in operands]
        dtype = sources[0].dtype if len(sources) == 1 or name in CHANGES else promoted(*sources)
        assert values[position].dtype == dtype, name
        position += 1
    np.testing.assert_allclose(loss.item(), float(np.real(want)), **near)

    try:
        first = along(mg.grad(loss, tensors, create_graph=True, allow_unused=True), directions)
        second = mg.zeros(())
        if first.requires_grad:
            again = mg.grad(first, tensors, create_graph=True, allow_unused=True)
            second = along(again, directions)
    except InplaceError:
        assert any(line and line[0] in CHANGES for line in lines)
        return

    def value(*inputs):
        return run(lines, [np.array(x) for x in inputs], 2)[1]

    slope, bend = cauchy.derivatives(value, arrays, directions, 2)
    scale = 1 + abs(slope) + abs(bend) + abs(want)
    tight, loose = (1e-8, 1e-4) if exact else (2e-3, 2e-3)
    assert first.item() == pytest.approx(slope, abs=tight * scale)
    assert second.item() == pytest.approx(bend, abs=10 * tight * scale)
    h = 1e-4
    up, here, down = (
        float(value(*[a + s * u for a, u in zip(arrays, directions, strict=True)]))
        for s in (h, 0.0, -h)
    )
    assert first.item() == pytest.approx((up - down) / (2 * h), abs=loose * scale)
    assert second.item() == pytest.approx((up - 2 * here + down) / h**2, abs=10 * loose * scale)


def along(grads, directions):
    """Σ gradient · direction, recorded, in float64."""
    total = mg.zeros((), dtype=mg.float64)
    for g, u in zip(grads, directions, strict=True):
        if g is not None:
            total = total + (g.double() * mg.tensor(u)).sum()
    return total
