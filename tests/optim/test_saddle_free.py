"""Saddle-free Newton leaves saddle points, and is Newton's method where the loss is convex."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim import SaddleFreeNewton
from minigrad.optim.saddle_free import krylov_basis


def newton(w, f, steps):
    """Newton's method, for comparison."""
    for _ in range(steps):
        w = w - np.linalg.solve(*(x.numpy() for x in (mg.func.hessian(f)(w), mg.func.grad(f)(w))))
    return w.numpy()


def run(start, f, steps, **options):
    w = mg.tensor(start, dtype="float64", requires_grad=True)
    optimizer = SaddleFreeNewton([w], **options)
    losses = [optimizer.step(lambda: f(w)).item() for _ in range(steps)]
    return w.detach().numpy(), losses


def saddle(w):
    return w[0] ** 2 - w[1] ** 2


def toy(w):
    return (1 - w[0] * w[1]) ** 2


@pytest.mark.parametrize("k", [0, 1, 2])
def test_leaves_the_saddle_where_newton_stays(k):
    start = [0.5, 1e-4]
    w, losses = run(start, saddle, 15, damping=0.0, krylov_dim=k)
    assert abs(w[1]) > 1 and losses[-1] < -1e-2
    if k != 1:
        np.testing.assert_allclose(w, [0, 1e-4 * 2**15], rtol=1e-10, atol=1e-12)
    stays = newton(mg.tensor(start, dtype="float64"), saddle, 15)
    np.testing.assert_allclose(stays, 0, atol=1e-12)


@pytest.mark.parametrize("k", [0, 2])
@pytest.mark.parametrize("start", [[0.02, 0.01], [-0.01, -0.03], [0.02, -0.01]])
def test_leaves_the_saddle_of_the_lecture(start, k):
    w, losses = run(start, toy, 30, krylov_dim=k)
    assert losses[0] == pytest.approx(1, abs=1e-3) and losses[-1] < 1e-12
    assert w[0] * w[1] == pytest.approx(1)
    stays = newton(mg.tensor(start, dtype="float64"), toy, 10)
    np.testing.assert_allclose(stays, 0, atol=1e-8)


def test_is_newtons_method_where_the_loss_is_convex():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(5, 5))
    A = mg.tensor(A @ A.T + np.eye(5))

    def f(w):
        return w @ A @ w / 2 + w.exp().sum()

    start = rng.normal(size=5)
    for steps in (1, 2, 5):
        expected = newton(mg.tensor(start), f, steps)
        for k in (0, 5):
            w, _ = run(start, f, steps, damping=0.0, krylov_dim=k)
            np.testing.assert_allclose(w, expected, rtol=1e-9, atol=1e-12)


def test_step_is_the_formula():
    rng = np.random.default_rng(1)
    H = rng.normal(size=(6, 6))
    H = H + H.T
    start = rng.normal(size=6)
    w, _ = run(start, lambda w: w @ mg.tensor(H) @ w / 2, 1, lr=0.3, damping=0.2)
    sizes, vectors = np.linalg.eigh(H)
    step = vectors @ ((vectors.T @ (H @ start)) / (abs(sizes) + 0.2))
    np.testing.assert_allclose(w, start - 0.3 * step, rtol=1e-10)


def test_krylov_step_in_few_dimensions_falls():
    rng = np.random.default_rng(2)
    H = rng.normal(size=(40, 40))
    H = mg.tensor(H + H.T)
    start = 0.01 * rng.normal(size=40)
    _, losses = run(start, lambda w: w @ H @ w / 2 + (w**4).sum(), 60, krylov_dim=8, damping=1.0)
    assert losses[-1] < losses[5] < losses[0] < 0.1 and losses[-1] < -10


def test_krylov_basis_is_orthonormal_and_ends_where_the_space_does():
    H = np.diag([1.0, 1.0, -3.0, 5.0])
    Q = krylov_basis(lambda block: block @ H, np.ones(4), 10)
    assert Q.shape == (3, 4)
    np.testing.assert_allclose(Q @ Q.T, np.eye(3), atol=1e-12)
    assert krylov_basis(lambda block: block @ H, np.zeros(4), 3).shape == (0, 4)


def test_network_of_several_parameters():
    mg.manual_seed(0)
    model = mg.nn.Sequential(mg.nn.Linear(3, 4), mg.nn.Tanh(), mg.nn.Linear(4, 1))
    x = mg.tensor(np.random.default_rng(0).normal(size=(20, 3)).astype("float32"))
    y = (x[:, :1] * x[:, 1:2]).detach()
    idle = mg.ones(2, requires_grad=True)
    for k in (0, 10):
        optimizer = SaddleFreeNewton(
            [*model.parameters(), idle], lr=0.5, damping=0.1, krylov_dim=k
        )
        losses = [optimizer.step(lambda: ((model(x) - y) ** 2).mean()).item() for _ in range(8)]
        assert losses[-1] < losses[0]
    assert idle.tolist() == [1, 1]
    assert all(p.grad is None for p in model.parameters())


def test_at_a_critical_point_and_along_a_line_nothing_moves_without_reason():
    for k in (0, 2):
        w, _ = run([0.0, 0.0], saddle, 3, krylov_dim=k)
        np.testing.assert_array_equal(w, 0)
    w, _ = run([1.0, 2.0], lambda w: 3 * w.sum(), 1, damping=0.0)  # no curvature, no step
    np.testing.assert_array_equal(w, [1, 2])
    w, _ = run([1.0, 2.0], lambda w: 3 * w.sum(), 1, damping=1.5)
    np.testing.assert_array_equal(w, [-1, 0])


def test_the_krylov_space_is_the_default_for_many_parameters():
    small, large = mg.zeros(1000, requires_grad=True), mg.zeros(1001, requires_grad=True)
    assert SaddleFreeNewton([small]).param_groups[0]["krylov_dim"] == 0
    assert SaddleFreeNewton([large]).param_groups[0]["krylov_dim"] == 50


def test_checkpoint_is_the_options():
    optimizer = SaddleFreeNewton([mg.ones(1, requires_grad=True)], lr=0.5, damping=0.25)
    other = SaddleFreeNewton([mg.ones(1, requires_grad=True)])
    other.load_state_dict(optimizer.state_dict())
    assert other.param_groups[0]["damping"] == 0.25


def test_errors():
    w = mg.ones(2, requires_grad=True)
    optimizer = SaddleFreeNewton([w])
    with pytest.raises(TypeError, match="needs a closure, which returns the loss"):
        optimizer.step(None)
    with pytest.raises(ValueError, match=r"the loss must be one element, got \(2,\)"):
        optimizer.step(lambda: w * w)
    with pytest.raises(ValueError, match="one element, got float"):
        optimizer.step(lambda: 3.0)
    with pytest.raises(RuntimeError, match="the Hessian is not finite, at the loss nan"):
        optimizer.step(lambda: (w * w * np.nan).sum())
    for bad in ({"lr": -1}, {"damping": -1.0}, {"krylov_dim": -2}):
        with pytest.raises(ValueError, match=f"SaddleFreeNewton: {next(iter(bad))}"):
            SaddleFreeNewton([w], **bad)
    with pytest.raises(ValueError, match="parameter groups are not supported"):
        optimizer.add_param_group({"params": [mg.ones(1)]})
