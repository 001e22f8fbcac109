"""Functional transforms: against closed forms, finite differences, and each other."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import GraphError, ShapeError

F = mg.nn.functional
f64 = mg.float64


def quadratic(a):
    return lambda x: (x * (a @ x)).sum() * 0.5


def network():
    """A small tanh net on fixed data, as a function of its parameters."""
    model = mg.nn.Sequential(mg.nn.Linear(3, 4), mg.nn.Tanh(), mg.nn.Linear(4, 2)).to(f64)
    x = mg.randn(6, 3, dtype=f64)
    t = mg.tensor([0, 1, 1, 0, 1, 0])
    parameters = {n: p.detach() for n, p in model.named_parameters()}

    def loss(parameters):
        return F.cross_entropy(mg.func.functional_call(model, parameters, x), t)

    return model, loss, parameters


def test_toy_network_of_the_lecture():
    def toy(w):
        return (1 - w[0] * w[1]) ** 2

    assert mg.func.grad(toy)(mg.zeros(2)).tolist() == [0.0, 0.0]
    h = mg.func.hessian(toy)(mg.zeros(2))
    assert h.tolist() == [[0.0, -2.0], [-2.0, 0.0]]
    assert np.linalg.eigvalsh(h.numpy()).tolist() == [-2.0, 2.0]
    assert mg.func.hessian(toy)(mg.ones(2)).tolist() == [[2.0, 2.0], [2.0, 2.0]]


def test_hessian_of_a_quadratic_is_its_matrix():
    a = mg.randn(5, 5, dtype=f64)
    a = a + a.T
    x = mg.randn(5, dtype=f64)
    np.testing.assert_allclose(mg.func.hessian(quadratic(a))(x).numpy(), a.numpy(), atol=1e-12)
    value, (product,) = mg.func.hvp(quadratic(a), (x,), (mg.ones(5, dtype=f64),))
    np.testing.assert_allclose(product.numpy(), a.numpy().sum(1), atol=1e-12)
    np.testing.assert_allclose(value.item(), quadratic(a)(x).item())


@pytest.mark.parametrize("chunk", [None, 1, 2, 3, 100])
def test_jacobian_in_any_chunks(chunk):
    a = mg.randn(4, 3, dtype=f64)

    def f(x):
        return (a @ x).tanh().reshape(2, 2)

    x = mg.randn(3, dtype=f64)
    j = mg.func.jacobian(f, chunk_size=chunk)(x)
    want = (1 - np.tanh(a.numpy() @ x.numpy()) ** 2)[:, None] * a.numpy()
    assert j.shape == (2, 2, 3) and not j.requires_grad
    np.testing.assert_allclose(j.numpy().reshape(4, 3), want)


def test_hessian_over_a_modules_parameters():
    model, loss, parameters = network()
    blocks = mg.func.hessian(loss)(parameters)
    names = list(parameters)
    sizes = [parameters[n].numel() for n in names]
    h = np.block(
        [
            [blocks[a][b].numpy().reshape(m, n) for b, n in zip(names, sizes, strict=True)]
            for a, m in zip(names, sizes, strict=True)
        ]
    )
    np.testing.assert_allclose(h, h.T, atol=1e-12)
    # Shifting all logits alike changes nothing: the Hessian's last bias block sends 1 to 0.
    np.testing.assert_allclose(h[-2:, -2:] @ np.ones(2), 0, atol=1e-12)
    chance = np.random.default_rng(0)
    u = {n: chance.normal(size=p.shape) for n, p in parameters.items()}
    _, (product,) = mg.func.hvp(loss, (parameters,), ({n: mg.tensor(d) for n, d in u.items()},))
    flat = np.concatenate([u[n].ravel() for n in names])
    ours = np.concatenate([product[n].numpy().ravel() for n in names])
    np.testing.assert_allclose(ours, h @ flat, atol=1e-10)

    def slope(step):
        moved = {n: mg.tensor(parameters[n].numpy() + step * u[n]) for n in names}
        g = mg.func.grad(loss)(moved)
        return np.concatenate([g[n].numpy().ravel() for n in names])

    np.testing.assert_allclose(ours, (slope(1e-5) - slope(-1e-5)) / 2e-5, atol=1e-6)
    assert all(p.grad is None for p in model.parameters())


def test_vjp_and_jvp_are_the_two_sides_of_the_jacobian():
    def f(x, y):
        return x.tanh() @ y, (x * x).sum(0)

    x, y = mg.randn(2, 3, dtype=f64), mg.randn(3, 2, dtype=f64)
    (out, squares), pull = mg.func.vjp(f, x, y)
    v = (mg.randn(2, 2, dtype=f64), mg.randn(3, dtype=f64))
    dx, dy = pull(v)
    u = (mg.randn(2, 3, dtype=f64), mg.randn(3, 2, dtype=f64))
    again, pushed = mg.func.jvp(f, (x, y), u)
    left = sum((a * b).sum().item() for a, b in zip(v, pushed, strict=True))
    right = (dx * u[0]).sum().item() + (dy * u[1]).sum().item()
    assert left == pytest.approx(right)
    assert mg.equal(again[0], out) and not out.requires_grad
    h = 1e-6
    up, down = (f(x + u[0] * s, y + u[1] * s)[0].numpy() for s in (h, -h))
    np.testing.assert_allclose(pushed[0].numpy(), (up - down) / (2 * h), atol=1e-7)


def test_grad_nests_to_any_order():
    g = lambda x: x.sin()  # noqa: E731
    x = mg.tensor(0.7, dtype=f64)
    for want in (np.cos(0.7), -np.sin(0.7), -np.cos(0.7), np.sin(0.7), np.cos(0.7)):
        g = mg.func.grad(g)
        assert g(x).item() == pytest.approx(want)
        assert not g(x).requires_grad


def test_results_stay_in_the_callers_graph():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    g = mg.func.grad(lambda x: (x**3).sum())(x)
    assert mg.grad(g.sum(), x)[0].tolist() == [6.0, 12.0]
    with mg.no_grad():
        assert not mg.func.grad(lambda x: (x**3).sum())(x).requires_grad


def test_argnums_aux_and_structures():
    def f(p, scale):
        return (p["a"] * p["b"][0]).sum() * scale, "aux"

    p = {"a": mg.tensor([1.0, 2.0]), "b": [mg.tensor([3.0, 4.0])]}
    (gradient, factor), aux = mg.func.grad(f, (0, 1), has_aux=True)(p, mg.tensor(2.0))
    assert aux == "aux" and factor.item() == 11.0
    assert gradient["a"].tolist() == [6.0, 8.0] and gradient["b"][0].tolist() == [2.0, 4.0]
    (value, aux), _ = mg.func.value_and_grad(f, has_aux=True)(p, mg.tensor(2.0))
    assert value.item() == 22.0 and aux == "aux"


def test_an_argument_that_does_not_matter_gets_zeros():
    x, y = mg.ones(2), mg.ones(3)
    gx, gy = mg.func.grad(lambda x, y: x.sum(), (0, 1))(x, y)
    assert gx.tolist() == [1.0, 1.0] and gy.tolist() == [0.0] * 3
    assert mg.func.hessian(lambda x: x.sum())(x).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert mg.func.hvp(lambda x: x.sum(), (x,), (x,))[1][0].tolist() == [0.0, 0.0]
    assert mg.func.jvp(lambda x: mg.ones(2), (x,), (x,))[1].tolist() == [0.0, 0.0]


def test_functional_call_leaves_the_module_as_it_was():
    model = mg.nn.Linear(2, 1)
    before = model.weight
    with pytest.raises(GraphError, match="nonsense"):
        mg.func.functional_call(
            model, {"weight": mg.ones(1, 2), "nonsense": before}, mg.ones(1, 2)
        )
    assert model.weight is before


def test_functional_call_takes_several_dicts_and_keeps_shared_weights_shared():
    first, last = mg.nn.Linear(2, 2, bias=False), mg.nn.Linear(2, 2, bias=False)
    last.weight = first.weight
    model = mg.nn.Sequential(first, mg.nn.BatchNorm1d(2), last)
    x, w = mg.randn(5, 2), mg.randn(2, 2)
    buffers = {n: b.clone() for n, b in model.named_buffers()}
    y = mg.func.functional_call(model, ({"0.weight": w}, buffers), (x,))
    z = mg.func.functional_call(model, {"2.weight": w}, x)
    np.testing.assert_array_equal(y.detach().numpy(), z.detach().numpy())
    assert buffers["1.num_batches_tracked"].item() == 1  # those given are the ones that change
    apart = mg.func.functional_call(model, {"0.weight": w}, x, tie_weights=False)
    assert not np.allclose(apart.detach().numpy(), y.detach().numpy())
    with pytest.raises(ValueError, match="one tensor"):
        mg.func.functional_call(model, {"0.weight": w, "2.weight": w * 2}, x)
    with pytest.raises(ValueError, match="twice"):
        mg.func.functional_call(model, ({"0.weight": w}, {"0.weight": w}), x)
    with pytest.raises(TypeError, match="Tensor"):
        mg.func.functional_call(model, {"0.weight": 3.0}, x)
    assert model[0].weight is model[2].weight


def test_functional_call_gives_keyword_arguments_and_gradients():
    class Scale(mg.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = mg.nn.Parameter(mg.ones(2))

        def forward(self, x, *, power=1):
            return (x * self.w) ** power

    w = mg.tensor([2.0, 3.0], requires_grad=True)
    y = mg.func.functional_call(Scale(), {"w": w}, mg.ones(2), {"power": 2})
    y.sum().backward()
    assert y.tolist() == [4.0, 9.0] and w.grad.tolist() == [4.0, 6.0]


def test_transforms_agree_with_torch():
    torch = pytest.importorskip("torch")

    def f(lib):
        return lambda p, s: (lib.sin(p["a"]) * s[0]).sum() * s[1] + (p["b"] ** 3).sum()

    chance = np.random.default_rng(0)
    arrays = [chance.standard_normal(n) for n in ((3,), (2, 2), (3,), ())]

    def arguments(make):
        a, b, c, d = (make(x) for x in arrays)
        return {"a": a, "b": b}, (c, d)

    ours, theirs = arguments(mg.tensor), arguments(torch.tensor)

    def close(x, y):
        if isinstance(x, dict):
            assert list(x) == list(y)
            x, y = list(x.values()), list(y.values())
        if isinstance(x, (tuple, list)):
            assert len(x) == len(y)
            for a, b in zip(x, y, strict=True):
                close(a, b)
        else:
            np.testing.assert_allclose(x.numpy(), y.numpy(), rtol=1e-10)

    for name in ("grad", "jacrev", "hessian"):
        for argnums in (0, 1, (0, 1)):
            mine = getattr(mg.func, name)(f(mg), argnums)(*ours)
            close(mine, getattr(torch.func, name)(f(torch), argnums=argnums)(*theirs))
    aux = mg.func.grad(lambda p, s: (f(mg)(p, s), {"seen": s[1]}), has_aux=True)(*ours)
    close(
        aux, torch.func.grad(lambda p, s: (f(torch)(p, s), {"seen": s[1]}), has_aux=True)(*theirs)
    )
    close(mg.func.jvp(f(mg), ours, ours), torch.func.jvp(f(torch), theirs, theirs))
    close(
        mg.func.vjp(f(mg), *ours)[1](mg.tensor(2.0).double()),
        torch.func.vjp(f(torch), *theirs)[1](torch.tensor(2.0).double()),
    )


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: mg.func.grad(lambda x: x)(mg.ones(2)),
        lambda: mg.func.grad(lambda x: x.sum(), 1)(mg.ones(2)),
        lambda: mg.func.grad(lambda x: 3.0)(mg.ones(2)),
        lambda: mg.func.grad(lambda x: x.sum())(mg.tensor([1, 2])),
        lambda: mg.func.grad(lambda x: x)(2.0),
        lambda: mg.func.jvp(lambda x: x, (mg.ones(2),), (mg.ones(3),)),
        lambda: mg.func.hvp(lambda x: x.sum(), mg.ones(2), mg.ones(2)),
        lambda: mg.func.vjp(lambda x: x, mg.ones(2))[1](mg.ones(3)),
        lambda: mg.func.jacobian(lambda x: x, chunk_size=0),
    ],
)
def test_bad_arguments_are_refused(wrong):
    with pytest.raises((ShapeError, ValueError, TypeError)):
        wrong()
