"""Optimizer steps: against the written formula, number by number; NumPy's twin; PyTorch."""

import math

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad
from minigrad import kernels
from minigrad.kernels import reference

FLAGS = [False, True]


# The written formulas, on plain numbers: (p, g, state, t) -> p, with `state` a dict --------------


def sgd(p, g, s, t, lr, momentum, dampening, weight_decay, nesterov, maximize):
    g = (-g if maximize else g) + weight_decay * p
    if momentum:
        s["buf"] = g if t == 1 else momentum * s["buf"] + (1 - dampening) * g
        g = g + momentum * s["buf"] if nesterov else s["buf"]
    return p - lr * g


def adagrad(p, g, s, t, lr, lr_decay, eps, weight_decay, maximize):
    g = (-g if maximize else g) + weight_decay * p
    s["total"] = s.get("total", 0.0) + g**2
    return p - lr / (1 + (t - 1) * lr_decay) * g / (math.sqrt(s["total"]) + eps)


def rmsprop(p, g, s, t, lr, alpha, eps, weight_decay, momentum, centered, maximize):
    g = (-g if maximize else g) + weight_decay * p
    s["v"] = alpha * s.get("v", 0.0) + (1 - alpha) * g**2
    s["mean"] = alpha * s.get("mean", 0.0) + (1 - alpha) * g
    spread = s["v"] - s["mean"] ** 2 if centered else s["v"]
    s["buf"] = momentum * s.get("buf", 0.0) + g / (math.sqrt(spread) + eps)
    return p - lr * s["buf"]


def moments(p, g, s, beta1, beta2, weight_decay, decoupled, maximize, lr):
    g = -g if maximize else g
    if decoupled:
        p = p - lr * weight_decay * p
    else:
        g = g + weight_decay * p
    s["m"] = beta1 * s.get("m", 0.0) + (1 - beta1) * g
    s["v"] = beta2 * s.get("v", 0.0) + (1 - beta2) * g**2
    return p


def adam(p, g, s, t, lr, beta1, beta2, eps, weight_decay, amsgrad, decoupled, maximize):
    p = moments(p, g, s, beta1, beta2, weight_decay, decoupled, maximize, lr)
    s["vmax"] = max(s.get("vmax", 0.0), s["v"])
    v = s["vmax"] if amsgrad else s["v"]
    root = math.sqrt(v) / math.sqrt(1 - beta2**t)
    return p - lr * s["m"] / (1 - beta1**t) / (root + eps)


def radam(p, g, s, t, lr, beta1, beta2, eps, weight_decay, decoupled, maximize):
    p = moments(p, g, s, beta1, beta2, weight_decay, decoupled, maximize, lr)
    m = s["m"] / (1 - beta1**t)
    end = 2 / (1 - beta2) - 1
    rho = end - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:
        return p - lr * m
    r = math.sqrt((rho - 4) * (rho - 2) * end / ((end - 4) * (end - 2) * rho))
    return p - lr * m * r * math.sqrt(1 - beta2**t) / (math.sqrt(s["v"]) + eps)


# The same trajectories by the kernels -----------------------------------------------------------


def run_kernel(name, p, gradients, options, module=kernels):
    """Parameters after each step, starting at p, by the kernels of `module`."""
    p, o, path = p.copy(order="K"), options, []

    def state():
        return np.zeros_like(p)

    buf = [state()] if name == "sgd" and o["momentum"] else None
    a, b, c, d = ([state()] for _ in range(4))
    for t, g in enumerate(gradients, 1):
        if name == "sgd":
            module.sgd_step(
                [p], [g], buf, o["lr"], o["momentum"], o["dampening"], o["weight_decay"],
                o["nesterov"], o["maximize"], t == 1,
            )  # fmt: skip
        elif name == "adagrad":
            module.adagrad_step(
                [p], [g], a, o["lr"], o["lr_decay"], o["eps"], o["weight_decay"], t, o["maximize"]
            )
        elif name == "rmsprop":
            module.rmsprop_step(
                [p], [g], a, b if o["centered"] else None, c if o["momentum"] else None,
                o["lr"], o["alpha"], o["eps"], o["weight_decay"], o["momentum"], o["maximize"],
            )  # fmt: skip
        elif name == "adam":
            module.adam_step(
                [p], [g], a, b, d if o["amsgrad"] else None, o["lr"], o["beta1"], o["beta2"],
                o["eps"], o["weight_decay"], t, o["amsgrad"], o["decoupled"], o["maximize"],
            )  # fmt: skip
        else:
            module.radam_step(
                [p], [g], a, b, o["lr"], o["beta1"], o["beta2"], o["eps"], o["weight_decay"], t,
                o["decoupled"], o["maximize"],
            )  # fmt: skip
        path.append(p.copy())
    return np.array(path)


def grid(**axes):
    """Every combination of the listed values, as dicts."""
    rows = [{}]
    for key, values in axes.items():
        rows = [{**row, key: value} for row in rows for value in values]
    return rows


CASES = [
    (sgd, o)
    for o in grid(
        lr=[0.1], momentum=[0, 0.9], dampening=[0, 0.3], weight_decay=[0, 0.1],
        nesterov=FLAGS, maximize=FLAGS,
    )
] + [
    (adagrad, o)
    for o in grid(lr=[0.1], lr_decay=[0, 0.2], eps=[1e-10], weight_decay=[0, 0.1], maximize=FLAGS)
] + [
    (rmsprop, o)
    for o in grid(
        lr=[0.01], alpha=[0.9], eps=[1e-8], weight_decay=[0, 0.1], momentum=[0, 0.9],
        centered=FLAGS, maximize=FLAGS,
    )
] + [
    (adam, o)
    for o in grid(
        lr=[0.01], beta1=[0.9], beta2=[0.95], eps=[1e-8], weight_decay=[0, 0.1],
        amsgrad=FLAGS, decoupled=FLAGS, maximize=FLAGS,
    )
] + [
    (radam, o)
    for o in grid(
        lr=[0.01], beta1=[0.9], beta2=[0.95], eps=[1e-8], weight_decay=[0, 0.1],
        decoupled=FLAGS, maximize=FLAGS,
    )
]  # fmt: skip
STEPS = 12  # RAdam rectifies from the sixth on


def identity(case):
    rule, options = case
    return rule.__name__ + "-" + "-".join(f"{k}={v}" for k, v in options.items() if v)


@pytest.mark.parametrize("case", CASES, ids=identity)
def test_step_is_the_written_formula(case):
    rule, options = case
    rng = np.random.default_rng(0)
    p, gradients = rng.standard_normal(5), rng.standard_normal((STEPS, 5))
    path = run_kernel(rule.__name__, p, gradients, options)
    for i in range(5):
        value, state = float(p[i]), {}
        for t in range(STEPS):
            value = rule(value, float(gradients[t, i]), state, t + 1, **options)
            assert path[t, i] == pytest.approx(value, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("case", CASES, ids=identity)
def test_trajectory_is_pytorchs(case):
    torch = pytest.importorskip("torch")
    rule, o = case
    o = dict(o)
    if rule is sgd and o["nesterov"] and (not o["momentum"] or o["dampening"]):
        pytest.skip("PyTorch refuses Nesterov without momentum, or with dampening")
    options = dict(o)
    kind = {sgd: "SGD", adagrad: "Adagrad", rmsprop: "RMSprop", adam: "Adam", radam: "RAdam"}[rule]
    if "beta1" in options:
        options["betas"] = options.pop("beta1"), options.pop("beta2")
    if rule in (adam, radam):
        options["decoupled_weight_decay"] = options.pop("decoupled")
    rng = np.random.default_rng(1)
    p, gradients = rng.standard_normal((3, 7)), rng.standard_normal((STEPS, 3, 7))
    path = run_kernel(rule.__name__, p, gradients, o)
    theirs = torch.tensor(p, requires_grad=True)
    optimizer = getattr(torch.optim, kind)([theirs], foreach=False, **options)
    for t in range(STEPS):
        theirs.grad = torch.tensor(gradients[t])
        optimizer.step()
        np.testing.assert_allclose(path[t], theirs.detach().numpy(), rtol=1e-12, atol=1e-12)


@given(
    case=st.sampled_from(CASES),
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=40),
    dtype=st.sampled_from([np.float32, np.float64]),
    order=st.sampled_from("CF"),
    seed=st.integers(0, 2**32 - 1),
)
def test_step_is_the_reference(case, shape, dtype, order, seed):
    rule, options = case
    rng = np.random.default_rng(seed)
    p = np.asarray(rng.standard_normal(shape), dtype, order=order)
    gradients = [np.asarray(rng.standard_normal(shape), dtype) for _ in range(4)]
    before = [g.copy() for g in gradients]
    path = run_kernel(rule.__name__, p, gradients, options)
    want = run_kernel(rule.__name__, p, gradients, options, reference)
    assert path.dtype == dtype
    slack = 1e2 * np.finfo(dtype).eps
    np.testing.assert_allclose(path, want, rtol=slack, atol=slack)
    np.testing.assert_array_equal(gradients, before)


@pytest.mark.parametrize("n", [511, 512, 513, 1300])
@pytest.mark.parametrize(("rule", "options"), [CASES[0], CASES[47], CASES[63]])
def test_every_element_moves_alike(rule, options, n):
    """A long parameter is done in blocks: no element is left out, none is done twice."""
    p, gradients = np.ones(n, np.float32), np.full((3, n), 0.5, np.float32)
    path = run_kernel(rule.__name__, p, gradients, options)
    np.testing.assert_array_equal(path, np.repeat(path[:, :1], n, 1))


def test_centered_rmsprop_survives_a_constant_gradient():
    """v - ḡ² tends to 0 and rounding may take it below."""
    p, v, mean = np.ones(64, np.float32), np.zeros(64, np.float32), np.zeros(64, np.float32)
    g = np.linspace(0.1, 3, 64).astype(np.float32)
    for _ in range(3000):
        kernels.rmsprop_step([p], [g], [v], [mean], None, 1e-6, 0.9, 1e-8, 0, 0, False)
    assert np.isfinite(p).all()


def test_amsgrad_keeps_nan():
    p, m, v, top = (np.zeros(3) for _ in range(4))
    g = np.array([1.0, np.nan, 2.0])
    kernels.adam_step([p], [g], [m], [v], [top], 1e-3, 0.9, 0.99, 1e-8, 0, 1, True, False, False)
    np.testing.assert_array_equal(np.isnan(top), [False, True, False])


def test_shapes_that_do_not_match_are_an_error():
    with pytest.raises(ValueError):
        kernels.sgd_step([np.ones(3)], [np.ones(4)], None, 0.1, 0, 0, 0, False, False, True)


def test_lists_of_different_lengths_are_an_error():
    with pytest.raises(ValueError):
        kernels.sgd_step([np.ones(3)], [], None, 0.1, 0, 0, 0, False, False, True)


LENGTHS = [0, 1, 70_000, 5, 32_768, 0, 40_000]  # pieces of 32768 cut some, and join others


@pytest.mark.parametrize(("rule", "options"), [CASES[31], CASES[35], CASES[-17], CASES[-1]])
def test_a_list_of_parameters_is_each_of_them(rule, options):
    """Whatever the lengths, the dtypes and the order in memory, on whatever thread."""
    rng = np.random.default_rng(2)
    dtypes = [np.float32, np.float64, np.float32, np.float64, np.float64, np.float32, np.float32]
    p = [rng.standard_normal(n).astype(d) for n, d in zip(LENGTHS, dtypes, strict=True)]
    p += [np.asarray(rng.standard_normal((3, 4)), order="F")]
    g = [rng.standard_normal(x.shape).astype(x.dtype) for x in p]
    want = [run_kernel(rule.__name__, x, [d], options)[0] for x, d in zip(p, g, strict=True)]
    got = {}
    for threads in (1, 3):
        before = minigrad.get_num_threads()
        minigrad.set_num_threads(threads)
        try:
            got[threads] = run_list(rule.__name__, p, g, options)
        finally:
            minigrad.set_num_threads(before)
    for x, y, z in zip(want, got[1], got[3], strict=True):
        np.testing.assert_allclose(y, x, rtol=1e-6)
        np.testing.assert_array_equal(y, z)


def run_list(name, p, g, o):
    p = [x.copy(order="K") for x in p]
    a, b, c = ([np.zeros_like(x) for x in p] for _ in range(3))
    if name == "sgd":
        kernels.sgd_step(
            p, g, a, o["lr"], o["momentum"], o["dampening"], o["weight_decay"], o["nesterov"],
            o["maximize"], True,
        )  # fmt: skip
    elif name == "adagrad":
        kernels.adagrad_step(
            p, g, a, o["lr"], o["lr_decay"], o["eps"], o["weight_decay"], 1, o["maximize"]
        )
    elif name == "adam":
        kernels.adam_step(
            p, g, a, b, c if o["amsgrad"] else None, o["lr"], o["beta1"], o["beta2"], o["eps"],
            o["weight_decay"], 1, o["amsgrad"], o["decoupled"], o["maximize"],
        )  # fmt: skip
    else:
        kernels.radam_step(
            p, g, a, b, o["lr"], o["beta1"], o["beta2"], o["eps"], o["weight_decay"], 1,
            o["decoupled"], o["maximize"],
        )  # fmt: skip
    return p
