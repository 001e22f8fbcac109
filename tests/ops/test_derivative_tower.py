"""The derivative tower: batch and layer norm at orders one to four, against three references.

Of three values (t, 1, 3), normalised with eps = 1, the first is

    y = 2u / √D,   D = 2u² + 15,   u = t − 2

so that at t = 0, where D = 23, its derivatives are

    y′  = 30 D^(-3/2)              =  0.27198
    y″  = -180 u D^(-5/2)          =  0.14190
    y‴  = 180 (8u² - 15) D^(-7/2)  =  0.05244         PyTorch 2.13.0:  0.00710
    y⁗  = 180 u (450 - 80u²) D^(-9/2) = -0.03487      PyTorch 2.13.0: -0.25542

minigrad's nested backward passes, the same passes through the composition of primitives, Cauchy's
integral formula on a complex NumPy formula, and this paper calculation agree. PyTorch's own
composition of primitives agrees with them too: it is its fused operations that do not, from the
third order on.
"""

import numpy as np
import pytest
from table import cauchy

import minigrad as mg

F = mg.nn.functional
U, D = -2.0, 23.0
PAPER = [
    30 * D**-1.5,
    -180 * U * D**-2.5,
    180 * (8 * U**2 - 15) * D**-3.5,
    180 * U * (450 - 80 * U**2) * D**-4.5,
]

ROW = [[0.0, 1.0, 3.0]]  # a row of layer norm; its transpose is a channel of batch norm
LAYOUTS = {"batch_norm": np.array(ROW).T, "layer_norm": np.array(ROW)}


def fused(library, name):
    """The operation, of either library."""
    f = library.nn.functional
    if name == "batch_norm":
        return lambda x: f.batch_norm(x, None, None, training=True, eps=1.0)
    return lambda x: f.layer_norm(x, (3,), eps=1.0)


def composed(library, name):
    """The same in primitives, of either library."""
    dim = 0 if name == "batch_norm" else -1

    def function(x):
        apart = x - x.mean(dim, keepdim=True)
        return apart / ((apart * apart).mean(dim, keepdim=True) + 1.0).sqrt()

    return function


def tower(function, x, grad, orders=4):
    """d^k y_00 / d x_00^k for k = 1, 2, …"""
    y, found = function(x)[0, 0], []
    for _ in range(orders):
        (g,) = grad(y, x, create_graph=True)
        y = g[0, 0]
        found.append(y.item())
    return found


def leaf(name):
    return mg.tensor(LAYOUTS[name], requires_grad=True)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("make", [fused, composed])
def test_four_orders_are_those_on_paper(name, make):
    found = tower(make(mg, name), leaf(name), mg.grad)
    np.testing.assert_allclose(found, PAPER, rtol=1e-12)
    assert [round(v, 5) for v in found] == [0.27198, 0.14190, 0.05244, -0.03487]


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_integral_formula_agrees_with_the_paper(name):
    axis = 0 if name == "batch_norm" else -1

    def formula(x):
        apart = x - x.sum(axis, keepdims=True) / 3
        return apart / np.sqrt((apart * apart).sum(axis, keepdims=True) / 3 + 1.0)

    direction = np.zeros_like(LAYOUTS[name])
    direction[0, 0] = 1.0
    found = [d[0, 0] for d in cauchy.derivatives(formula, [LAYOUTS[name]], [direction])]
    np.testing.assert_allclose(found, PAPER, rtol=1e-6)


@pytest.mark.parametrize("name", LAYOUTS)
def test_pytorch_agrees_to_second_order_and_its_composition_to_the_fourth(name):
    torch = pytest.importorskip("torch")
    x = torch.tensor(LAYOUTS[name], requires_grad=True)
    grad = torch.autograd.grad
    np.testing.assert_allclose(tower(fused(torch, name), x, grad, 2), PAPER[:2], rtol=1e-12)
    np.testing.assert_allclose(tower(composed(torch, name), x, grad), PAPER, rtol=1e-12)


@pytest.mark.parametrize("name", LAYOUTS)
def test_pytorch_returns_another_number_at_third_order(name):
    torch = pytest.importorskip("torch")
    x = torch.tensor(LAYOUTS[name], requires_grad=True)
    found = tower(fused(torch, name), x, torch.autograd.grad)
    if np.allclose(found, PAPER):
        pytest.skip(f"PyTorch {torch.__version__} is right: say so in the docstrings")
    np.testing.assert_allclose(found[2:], [0.00710, -0.25542], atol=5e-6)


# The same with everything moving: weights, biases, cotangents, all positions ---------------------

EPS = 0.1


def plain_batch_norm(x, w, b):
    axes = tuple(a for a in range(x.ndim) if a != 1)
    beside = (-1,) + (1,) * (x.ndim - 2)
    apart = x - x.mean(axes, keepdim=True)
    y = apart / ((apart * apart).mean(axes, keepdim=True) + EPS).sqrt()
    return y * w.reshape(beside) + b.reshape(beside)


def plain_groups(groups):
    def function(x, w, b):
        rows = x.reshape(x.shape[0], groups, -1)
        apart = rows - rows.mean(-1, keepdim=True)
        y = apart / ((apart * apart).mean(-1, keepdim=True) + EPS).sqrt()
        beside = (-1,) + (1,) * (x.ndim - 2)
        return y.reshape(x.shape) * w.reshape(beside) + b.reshape(beside)

    return function


def plain_layer_norm(x, w, b):
    axes = tuple(range(-w.ndim, 0))
    apart = x - x.mean(axes, keepdim=True)
    return apart / ((apart * apart).mean(axes, keepdim=True) + EPS).sqrt() * w + b


def plain_rms_norm(x, w, b):
    return x / ((x * x).mean(-1, keepdim=True) + EPS).sqrt() * w + b


PAIRS = {
    "batch_norm": (
        lambda x, w, b: F.batch_norm(x, None, None, w, b, True, eps=EPS),
        plain_batch_norm,
        [(4, 2), (2,)],
    ),
    "batch_norm of images": (
        lambda x, w, b: F.batch_norm(x, None, None, w, b, True, eps=EPS),
        plain_batch_norm,
        [(2, 2, 2, 2), (2,)],
    ),
    "layer_norm": (
        lambda x, w, b: F.layer_norm(x, w.shape, w, b, EPS),
        plain_layer_norm,
        [(2, 4), (4,)],
    ),
    "layer_norm of planes": (
        lambda x, w, b: F.layer_norm(x, w.shape, w, b, EPS),
        plain_layer_norm,
        [(2, 3, 2), (3, 2)],
    ),
    "group_norm": (
        lambda x, w, b: F.group_norm(x, 2, w, b, EPS),
        plain_groups(2),
        [(2, 4, 2), (4,)],
    ),
    "instance_norm": (
        lambda x, w, b: F.instance_norm(x, None, None, w, b, eps=EPS),
        plain_groups(2),
        [(2, 2, 3), (2,)],
    ),
    "rms_norm": (
        lambda x, w, b: F.rms_norm(x, w.shape, w, EPS) + b,
        plain_rms_norm,
        [(2, 4), (4,)],
    ),
}


def full_tower(function, arrays, directions, weight):
    """Σ weight · f and its directional derivatives, in the inputs and the cotangent at once."""
    xs = [mg.tensor(a, requires_grad=True) for a in [*arrays, weight]]
    value, found = (function(*xs[:-1]).tanh() * xs[-1]).sum(), []
    for _ in range(4):
        grads = mg.grad(value, xs, create_graph=True, allow_unused=True)
        value = sum(
            (g * mg.tensor(u)).sum()
            for g, u in zip(grads, directions, strict=True)
            if g is not None
        )
        found.append(value.item())
    return found


@pytest.mark.parametrize("name", PAIRS)
def test_four_orders_equal_the_composition_in_all_arguments(name):
    function, plain, (shape, row) = PAIRS[name]
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(s) + 0.5 for s in (shape, row, row)]
    weight = rng.standard_normal(shape)
    directions = [rng.standard_normal(a.shape) for a in [*arrays, weight]]
    np.testing.assert_allclose(
        full_tower(function, arrays, directions, weight),
        full_tower(plain, arrays, directions, weight),
        rtol=1e-9,
    )
