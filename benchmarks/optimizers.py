"""Optimizer steps over a million parameters, against PyTorch's default implementation."""

from functools import partial

import numpy as np

from benchmarks.harness import Row
from benchmarks.peers import peer

TITLE = "Optimizer steps, 10⁶ parameters"
COUNT = 1_000_000
# name, options, passes over memory (of p, g and the state: read + written)
RULES = (
    ("SGD", {}, 3),
    ("SGD", {"momentum": 0.9}, 5),
    ("Adam", {}, 7),
    ("AdamW", {}, 7),
    ("Adam", {"amsgrad": True}, 9),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}, 5),
    ("Adagrad", {}, 5),
    ("RMSprop", {}, 5),
    ("RMSprop", {"momentum": 0.9, "centered": True}, 9),
    ("RAdam", {}, 7),
)


def framework(name, rule, options, pieces, dtype):
    lib = peer(name)
    chance = np.random.default_rng(0)
    parameters = []
    for _ in range(pieces):
        values, slopes = chance.standard_normal((2, COUNT // pieces), dtype)
        p = lib.tensor(values)
        p.requires_grad_()
        p.grad = lib.tensor(slopes)
        parameters.append(p)
    update = getattr(lib.optim, rule)(parameters, lr=1e-3, **options)

    def step():
        update.step()
        return parameters[0]

    return step


def numpy_step(rule, options, pieces, dtype):
    """SGD and Adam by hand, without temporaries where NumPy allows it."""
    chance = np.random.default_rng(0)
    groups = []
    for _ in range(pieces):
        p, g = chance.standard_normal((2, COUNT // pieces), dtype)
        groups.append((p, g, np.zeros_like(p), np.zeros_like(p), np.empty_like(p)))
    momentum, count = options.get("momentum", 0), 0

    def sgd():
        for p, g, m, _, work in groups:
            if momentum:
                m *= momentum
                m += g
                g = m
            np.multiply(g, 1e-3, out=work)
            p -= work
        return groups[0][0]

    def adam():
        nonlocal count
        count += 1
        c1, c2 = 1 - 0.9**count, 1 - 0.999**count
        for p, g, m, v, work in groups:
            m *= 0.9
            np.multiply(g, 0.1, out=work)
            m += work
            v *= 0.999
            np.multiply(g, g, out=work)
            work *= 0.001
            v += work
            np.divide(v, c2, out=work)
            np.sqrt(work, out=work)
            work += 1e-8
            np.divide(m, work, out=work)
            work *= 1e-3 / c1
            p -= work
        return groups[0][0]

    return {"SGD": sgd, "Adam": adam}[rule]


def build(rule, options, pieces, dtype):
    setting = rule, options, pieces, dtype
    columns = {"minigrad": partial(framework, "minigrad", *setting)}
    if rule in ("SGD", "Adam") and options in ({}, {"momentum": 0.9}):
        columns["NumPy"] = partial(numpy_step, *setting)
    columns["PyTorch"] = partial(framework, "torch", *setting)
    return columns


def rows(quick):
    for pieces, dtype in ((1, np.float32), (1, np.float64), (100, np.float32)):
        kind = np.dtype(dtype).name
        for rule, options, passes in RULES:
            if quick and (pieces > 1 or dtype is np.float64 or "nesterov" in options):
                continue
            traffic = passes * COUNT * np.dtype(dtype).itemsize
            words = " ".join(k if v is True else f"{k}={v:g}" for k, v in options.items())
            yield Row(
                f"{kind} {pieces}×{COUNT // pieces} {rule} {words}".rstrip(),
                partial(build, rule, options, pieces, dtype),
                group=f"{kind}, {pieces} tensor(s)",
                work=traffic,
                limit=("update", kind, (passes + 1) // 2 * COUNT * np.dtype(dtype).itemsize),
                headline=pieces == 1
                and kind == "float32"
                and rule in ("SGD", "Adam")
                and not options,
                aims={"PyTorch": 1.5 if rule.startswith("Adam") else 1.0},
            )
