"""Random programs: operations, shapes, views and in-place changes drawn by Hypothesis.

Each program runs twice: on Tensors, and on arrays with plain NumPy. The values must agree, and the
gradient and Hessian-vector product must agree with central differences of the NumPy program.
"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def set_row(lib):
    def run(x):
        y = x * 1.0
        y[0] = y[-1] * 2.0
        return y

    return run


def in_place(x):
    if isinstance(x, np.ndarray):
        return np.tanh(x * 0.5 + x)
    y = x * 0.5
    y += x
    return y.tanh_()


# (on Tensors, on arrays): every operation takes (3, 3) matrices to one, and stays bounded.
UNARY = {
    "tanh": (lambda x: x.tanh(), np.tanh),
    "sigmoid": (lambda x: x.sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
    "sin": (lambda x: x.sin(), np.sin),
    "exp": (lambda x: (x * 0.3).exp(), lambda x: np.exp(x * 0.3)),
    "log": (lambda x: (x * x + 1).log(), lambda x: np.log(x * x + 1)),
    "sqrt": (lambda x: (x.square() + 0.5).sqrt(), lambda x: np.sqrt(x * x + 0.5)),
    "softplus": (mg.softplus, lambda x: np.log1p(np.exp(x))),
    "reciprocal": (lambda x: 1 / (x * x + 1), lambda x: 1 / (x * x + 1)),
    "power": (lambda x: (x * x + 1) ** -1.5, lambda x: (x * x + 1) ** -1.5),
    "transpose": (lambda x: x.T, lambda x: x.T),
    "flip rows": (lambda x: x[[2, 1, 0]], lambda x: x[[2, 1, 0]]),
    "slice": (lambda x: mg.cat([x[1:], x[:1]]), lambda x: np.concatenate([x[1:], x[:1]])),
    "columns": (lambda x: mg.stack(x.unbind(1)), lambda x: x.T),
    "reshape": (lambda x: x.T.reshape(9).reshape(3, 3), lambda x: x.T.reshape(3, 3)),
    "centre": (lambda x: x - x.mean(0, True), lambda x: x - x.mean(0, keepdims=True)),
    "row sums": (lambda x: x.sum(1).expand(3, 3), lambda x: np.broadcast_to(x.sum(1), (3, 3))),
    "variance": (lambda x: x * x.var(1, keepdim=True), lambda x: x * x.var(1, ddof=1)[:, None]),
    "softmax": (lambda x: x.softmax(-1), softmax),
    "logsumexp": (
        lambda x: x - x.logsumexp(1, True),
        lambda x: x - np.log(np.exp(x).sum(1, keepdims=True)),
    ),
    "set row": (set_row(mg), set_row(np)),
    "in place": (in_place, in_place),
}
BINARY = {
    "add": (lambda x, y: x + y, np.add),
    "sub": (lambda x, y: x - y, np.subtract),
    "mul": (lambda x, y: x * y, np.multiply),
    "div": (lambda x, y: x / (y * y + 1), lambda x, y: x / (y * y + 1)),
    "matmul": (lambda x, y: (x @ y) * 0.3, lambda x, y: (x @ y) * 0.3),
    "linear": (lambda x, y: mg.nn.functional.linear(x, y, y[0]), lambda x, y: x @ y.T + y[0]),
    "row": (lambda x, y: x * y[1], lambda x, y: x * y[1]),
}


@st.composite
def programs(draw):
    """A list of (name, operands): operand k is an earlier value, 0 and 1 are the inputs."""
    lines = []
    for k in range(draw(st.integers(1, 8))):
        name = draw(st.sampled_from(sorted(UNARY) + sorted(BINARY) * 2))
        operands = draw(st.tuples(*[st.integers(0, k + 1)] * (2 if name in BINARY else 1)))
        lines.append((name, operands))
    return lines


def run(program, inputs, side):
    values = list(inputs)
    for name, operands in program:
        function = (BINARY.get(name) or UNARY[name])[side]
        values.append(function(*[values[k] for k in operands]))
    return (values[-1] * values[-2]).mean()


def slope(program, arrays, directions, step=1e-6):
    up, down = (
        run(program, [a + s * u for a, u in zip(arrays, directions, strict=True)], 1)
        for s in (step, -step)
    )
    return (up - down) / (2 * step)


@given(program=programs(), seed=st.integers(0, 2**32 - 1))
def test_random_program_agrees_with_numpy(program, seed):
    chance = np.random.default_rng(seed)
    arrays = [chance.uniform(-1, 1, (3, 3)) for _ in range(2)]
    u, v = ([chance.uniform(-1, 1, (3, 3)) for _ in range(2)] for _ in range(2))
    tensors = [mg.tensor(a, requires_grad=True) for a in arrays]

    loss = run(program, tensors, 0)
    np.testing.assert_allclose(loss.item(), run(program, arrays, 1), rtol=1e-10, atol=1e-12)

    grads = mg.grad(loss, tensors, create_graph=True, allow_unused=True)
    along = mg.zeros((), dtype=mg.float64)
    for g, d in zip(grads, u, strict=True):
        along = along if g is None else along + (g * mg.tensor(d)).sum()
    want = slope(program, arrays, u)
    np.testing.assert_allclose(along.item(), want, rtol=1e-5, atol=1e-7)

    second = 0.0
    if along.requires_grad:
        for h, d in zip(mg.grad(along, tensors, allow_unused=True), v, strict=True):
            second += 0.0 if h is None else float((h.numpy() * d).sum())
    step = 1e-4
    up, down = (
        slope(program, [a + s * d for a, d in zip(arrays, v, strict=True)], u, 1e-4)
        for s in (step, -step)
    )
    np.testing.assert_allclose(second, (up - down) / (2 * step), rtol=1e-3, atol=1e-5)
