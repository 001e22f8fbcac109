"""L-BFGS against the dense recursion, its line search against Wolfe's conditions, and PyTorch."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim import LBFGS
from minigrad.optim.line_search import Point, cubic_minimum, strong_wolfe

START = np.linspace(-1.5, 1.2, 6)
K = np.arange(1, 7)


def smooth(w):
    """A convex function of (6,) and its gradient."""
    return (K * w**2 / 2 + w**4 / 4 + np.sin(w)).sum(), K * w + w**3 + np.cos(w)


def rosenbrock(w):
    a, b = w[:-1], w[1:]
    g = np.zeros_like(w)
    g[:-1] += -400 * a * (b - a**2) - 2 * (1 - a)
    g[1:] += 200 * (b - a**2)
    return (100 * (b - a**2) ** 2 + (1 - a) ** 2).sum(), g


class Run:
    """The optimizer of a library on a NumPy function, in two parameters."""

    def __init__(self, lib, function, w=START, **options):
        self.lib, self.function, self.calls = lib, function, 0
        parts = [w[:2].reshape(2, 1).copy(), w[2:].copy()]
        self.params = [lib.tensor(part, requires_grad=True) for part in parts]
        self.optimizer = lib.optim.LBFGS(self.params, **options)

    def closure(self):
        self.calls += 1
        f, g = self.function(self.w())
        for p, part in zip(self.params, (g[:2].reshape(2, 1), g[2:]), strict=True):
            p.grad = self.lib.tensor(part.copy())
        return self.lib.tensor(np.asarray(f))

    def w(self):
        return np.concatenate([p.detach().numpy().ravel() for p in self.params])

    def step(self):
        self.optimizer.step(self.closure)
        return self.w()


def dense(w, lr, size, iterations):
    """The same with the inverse Hessian as a matrix."""
    _, g = smooth(w)
    d, t, pairs = -g, lr * min(1, 1 / abs(g).sum()), []
    for _ in range(iterations):
        w = w + t * d
        yield w
        _, new = smooth(w)
        pairs = [*pairs, (t * d, new - g)][-size:]
        g, t = new, lr
        s, y = pairs[-1]
        H = s @ y / (y @ y) * np.eye(w.size)
        for s, y in pairs:
            left = np.eye(w.size) - np.outer(s, y) / (s @ y)
            H = left @ H @ left.T + np.outer(s, s) / (s @ y)
        d = -H @ g


@pytest.mark.parametrize(("lr", "size"), [(0.5, 100), (0.3, 3), (0.1, 1)])
def test_directions_are_those_of_the_dense_recursion(lr, size):
    run = Run(mg, smooth, lr=lr, history_size=size, max_iter=1)
    for expected in dense(START, lr, size, 12):
        np.testing.assert_allclose(run.step(), expected, rtol=1e-9, atol=1e-11)


OPTIONS = [
    {},
    {"lr": 0.01},
    {"lr": 0.3, "history_size": 3},
    {"lr": 0.1, "max_iter": 1},
    {"max_eval": 1},
    {"tolerance_change": 1e-3, "tolerance_grad": 1.0},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "max_iter": 4, "max_eval": 6, "history_size": 2},
    {"line_search_fn": "strong_wolfe", "max_iter": 3, "lr": 0.01},
    {"line_search_fn": "strong_wolfe", "max_iter": 3, "lr": 50.0, "max_eval": 30},
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(o) or "defaults")
def test_trajectory_and_evaluations_are_pytorchs(options):
    torch = pytest.importorskip("torch")
    ours, theirs = Run(mg, smooth, **options), Run(torch, smooth, **options)
    for _ in range(100):
        np.testing.assert_allclose(ours.step(), theirs.step(), rtol=1e-10, atol=1e-10)
    assert ours.calls == theirs.calls
    a, b = (run.optimizer.state[run.params[0]] for run in (ours, theirs))
    assert {"d", "t", "old_dirs", "old_stps", "ro", "H_diag"} <= set(a)
    assert set(a) <= set(b)
    assert (a["n_iter"], a["func_evals"]) == (b["n_iter"], b["func_evals"])


def test_line_search_through_rosenbrocks_valley():
    run = Run(mg, rosenbrock, max_iter=200, max_eval=300, line_search_fn="strong_wolfe")
    np.testing.assert_allclose(run.step(), 1, atol=1e-5)
    assert run.calls < 100
    torch = pytest.importorskip("torch")
    theirs = Run(torch, rosenbrock, max_iter=5, line_search_fn="strong_wolfe")
    ours = Run(mg, rosenbrock, max_iter=5, line_search_fn="strong_wolfe")
    for _ in range(3):
        np.testing.assert_allclose(ours.step(), theirs.step(), rtol=1e-8)


PATHS = {
    "parabola": lambda t: ((t - 3) ** 2, 2 * (t - 3)),
    "steep": lambda t: (math.exp(-t) + 1e-3 * t**2, -math.exp(-t) + 2e-3 * t),
    "waves": lambda t: (-math.sin(t) + 0.01 * t * t, -math.cos(t) + 0.02 * t),
    "quartic": lambda t: ((t - 1) ** 4 - t / 2, 4 * (t - 1) ** 3 - 0.5),
}


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("first", [1e-3, 1.0, 40.0])
def test_line_search_ends_where_both_conditions_hold(name, first):
    def phi(t):
        return Point(t, *PATHS[name](t), None)

    start = phi(0.0)
    point, evaluations = strong_wolfe(phi, start, first, 1.0, 1e-12, 40)
    assert point.f <= start.f + 1e-4 * point.t * start.slope
    assert abs(point.slope) <= 0.9 * abs(start.slope)
    assert point == phi(point.t) and evaluations <= 41


def test_line_search_without_trials_takes_the_better_end():
    def phi(t):
        return Point(t, *PATHS["parabola"](t), None)

    assert strong_wolfe(phi, phi(0.0), 100.0, 1.0, 1e-9, 0) == (phi(0.0), 1)
    assert strong_wolfe(phi, phi(0.0), 1.0, 1.0, 1e-9, 0) == (phi(1.0), 1)


def test_cubic_minimum():
    def cubic(t):
        return Point(t, t**3 - 3 * t, 3 * t**2 - 3, None)

    assert cubic_minimum(cubic(0.0), cubic(2.0)) == pytest.approx(1, abs=1e-12)
    assert cubic_minimum(cubic(2.0), cubic(0.0)) == pytest.approx(1, abs=1e-12)
    assert cubic_minimum(cubic(2.0), cubic(3.0)) == 2  # within the interval
    assert cubic_minimum(cubic(0.0), cubic(0.5), 0.6, 0.8) == 0.8
    no = Point(0.0, 0.0, -1.0, None), Point(1.0, -2 / 3, -1.0, None)  # falls all the way
    assert cubic_minimum(*no) == 0.5


def test_state_dict_in_mid_training_goes_on_identically(tmp_path):
    options = {"max_iter": 3, "line_search_fn": "strong_wolfe"}
    run = Run(mg, rosenbrock, **options)
    run.step()
    mg.save(run.optimizer.state_dict(), tmp_path / "a.npz")
    other = Run(mg, rosenbrock, w=run.w())
    other.optimizer.load_state_dict(mg.load(tmp_path / "a.npz"))
    for _ in range(4):
        expected = run.step()
        np.testing.assert_array_equal(other.step(), expected)


def test_pytorch_checkpoint_loads_and_ours_loads_there():
    torch = pytest.importorskip("torch")

    def turned(state, to, kind):
        if isinstance(state, dict):
            return {name: turned(v, to, kind) for name, v in state.items()}
        if isinstance(state, list):
            return [turned(v, to, kind) for v in state]
        return to(state.numpy()) if isinstance(state, kind) else state

    options = {"max_iter": 2, "lr": 0.5}
    reference = Run(mg, smooth, **options)
    expected = [reference.step() for _ in range(9)]
    theirs = Run(torch, smooth, **options)
    for _ in range(3):
        theirs.step()
    ours = Run(mg, smooth, w=theirs.w())
    state = turned(theirs.optimizer.state_dict(), mg.tensor, torch.Tensor)
    ours.optimizer.load_state_dict(state)
    for _ in range(3):
        ours.step()
    theirs = Run(torch, smooth, w=ours.w())
    state = turned(ours.optimizer.state_dict(), torch.tensor, mg.Tensor)
    theirs.optimizer.load_state_dict(state)
    for k in (6, 7, 8):
        np.testing.assert_allclose(theirs.step(), expected[k], rtol=1e-8, atol=1e-10)


def test_step_returns_the_first_loss_and_stops_at_a_minimum():
    w = mg.zeros(2, requires_grad=True)
    idle = mg.ones(1, requires_grad=True)
    optimizer = LBFGS([w, idle], lr=mg.tensor(1.0))
    calls = []

    def closure():
        assert mg.is_grad_enabled()
        calls.append(1)
        optimizer.zero_grad()
        loss = ((w - 1) ** 2).sum() + 3
        loss.backward()
        return loss

    with mg.no_grad():
        assert optimizer.step(closure).item() == 5
    np.testing.assert_allclose(w.detach().numpy(), 1, rtol=1e-6)
    assert idle.item() == 1
    calls.clear()
    optimizer.step(closure)
    assert len(calls) == 1
    assert mg.is_grad_enabled()


def test_a_step_counts_for_the_graph_and_the_schedulers(recwarn):
    w = mg.ones(2, requires_grad=True)
    optimizer = LBFGS([w], max_iter=1)
    scheduler = mg.optim.lr_scheduler.StepLR(optimizer, 1)
    y = w * w

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    scheduler.step()
    assert not recwarn and optimizer.param_groups[0]["lr"] == pytest.approx(0.1)
    with pytest.raises(RuntimeError, match=r"LBFGS\.step"):
        y.sum().backward()


def test_errors():
    w = mg.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="parameter groups are not supported"):
        LBFGS([{"params": [w]}, {"params": [mg.ones(1)]}])
    with pytest.raises(ValueError, match="line_search_fn must be None or 'strong_wolfe'"):
        LBFGS([w], line_search_fn="armijo")
    for bad in ({"lr": -1}, {"max_iter": -1}, {"history_size": 0}, {"tolerance_grad": -1.0}):
        with pytest.raises(ValueError, match=f"LBFGS: {next(iter(bad))}"):
            LBFGS([w], **bad)
    with pytest.raises(TypeError, match="LBFGS: max_iter must be a number, got str"):
        LBFGS([w], max_iter="20")
    with pytest.raises(TypeError, match="needs a closure"):
        LBFGS([w]).step(None)
    with pytest.raises(TypeError, match="closure"):
        LBFGS([w]).step()
