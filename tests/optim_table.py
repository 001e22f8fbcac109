"""The table of optimizers: each rule with its options, and its formula in plain NumPy."""

from types import SimpleNamespace

import numpy as np

import minigrad as mg
from minigrad.optim import (
    ASGD,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    Muon,
    NAdam,
    RAdam,
    RMSprop,
    Rprop,
)

# (rule, options), each also compared with PyTorch where it has the rule
CASES = [
    (SGD, {}),
    (SGD, {"lr": 0.1, "momentum": 0.9}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    (SGD, {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    (SGD, {"lr": 0.001, "maximize": True, "weight_decay": 0.1}),
    (Adagrad, {}),
    (Adagrad, {"lr": 0.1, "lr_decay": 0.05, "weight_decay": 0.1}),
    (Adagrad, {"initial_accumulator_value": 0.5, "eps": 1e-3, "maximize": True}),
    (RMSprop, {}),
    (RMSprop, {"lr": 0.05, "alpha": 0.8, "weight_decay": 0.1, "eps": 1e-3}),
    (RMSprop, {"momentum": 0.9, "centered": True, "eps": 1e-3}),
    (RMSprop, {"centered": True, "maximize": True, "eps": 1e-3}),
    (Adadelta, {}),
    (Adadelta, {"lr": 0.5, "rho": 0.7, "eps": 1e-2, "weight_decay": 0.1}),
    (Adadelta, {"rho": 1, "maximize": True}),
    (Adam, {}),
    (Adam, {"lr": 0.05, "betas": (0.7, 0.9), "weight_decay": 0.1, "eps": 1e-3}),
    (Adam, {"amsgrad": True, "lr": 0.05, "betas": (0.9, 0.5)}),
    (Adam, {"maximize": True}),
    (Adam, {"lr": 0.05, "weight_decay": 0.3, "decoupled_weight_decay": True}),
    (AdamW, {}),
    (AdamW, {"lr": 0.05, "weight_decay": 0.3, "amsgrad": True, "maximize": True}),
    (Adamax, {}),
    (Adamax, {"lr": 0.1, "betas": (0.7, 0.9), "weight_decay": 0.1, "eps": 1e-2}),
    (Adamax, {"maximize": True, "weight_decay": 0.1}),
    (NAdam, {}),
    (NAdam, {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.1, "momentum_decay": 0.05}),
    (NAdam, {"lr": 0.05, "weight_decay": 0.3, "decoupled_weight_decay": True, "eps": 1e-3}),
    (NAdam, {"maximize": True, "momentum_decay": 0}),
    (RAdam, {}),
    (RAdam, {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.1}),
    (RAdam, {"lr": 0.05, "weight_decay": 0.3, "decoupled_weight_decay": True}),
    (RAdam, {"maximize": True, "weight_decay": 0.1}),
    (Rprop, {}),
    (Rprop, {"lr": 0.3, "etas": (0.3, 1.7), "step_sizes": (0.05, 0.5)}),
    (Rprop, {"maximize": True}),
    (ASGD, {}),
    (ASGD, {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 5, "weight_decay": 0.1}),
    (ASGD, {"maximize": True, "t0": 2}),
    (Lion, {}),
    (Lion, {"lr": 0.01, "betas": (0.5, 0.8), "weight_decay": 0.3}),
    (Lion, {"maximize": True}),
    (Muon, {"ns_dtype": None}),
    (Muon, {"ns_dtype": None, "lr": 0.01, "momentum": 0.5, "nesterov": False, "weight_decay": 0}),
    (Muon, {"ns_dtype": None, "adjust_lr_fn": "match_rms_adamw", "ns_steps": 3}),
    (Muon, {"ns_dtype": None, "adjust_lr_fn": "original", "ns_coefficients": (2.0, -1.5, 0.5)}),
]
RULES = list(dict.fromkeys(rule for rule, _ in CASES))
IDS = [f"{rule.__name__}-{'-'.join(options) or 'defaults'}" for rule, options in CASES]


def start(dtype=np.float64):
    return np.linspace(-2, 3, 12, dtype=dtype).reshape(4, 3)


def gradient(w, t):
    """A gradient that depends on the parameter and changes sign and size along the way."""
    return 2 * w + 3 * np.sin(t + np.arange(w.size).reshape(w.shape))


def train(optimizer, p, first, last):
    for t in range(first, last + 1):
        p.grad = mg.tensor(gradient(p.detach().numpy(), t), dtype=p.dtype)
        optimizer.step()


# The published formulas: from w and its gradient g to the next w, with the state s ------------


def sgd(w, g, t, s, o):
    s.b = g if t == 1 else o.momentum * s.b + (1 - o.dampening) * g
    step = s.b if o.momentum else g
    return w - o.lr * (g + o.momentum * s.b if o.nesterov else step)


def adagrad(w, g, t, s, o):
    s.v = (s.v if t > 1 else o.initial_accumulator_value) + g**2
    return w - o.lr / (1 + (t - 1) * o.lr_decay) * g / (s.v**0.5 + o.eps)


def rmsprop(w, g, t, s, o):
    s.v = o.alpha * s.v + (1 - o.alpha) * g**2
    s.m = o.alpha * s.m + (1 - o.alpha) * g
    spread = s.v - s.m**2 if o.centered else s.v
    s.b = o.momentum * s.b + g / (spread**0.5 + o.eps)
    return w - o.lr * s.b


def adadelta(w, g, t, s, o):
    s.v = o.rho * s.v + (1 - o.rho) * g**2
    step = ((s.m + o.eps) / (s.v + o.eps)) ** 0.5 * g
    s.m = o.rho * s.m + (1 - o.rho) * step**2
    return w - o.lr * step


def moments(g, t, s, o):
    """Adam's two means, corrected."""
    beta1, beta2 = o.betas
    s.m = beta1 * s.m + (1 - beta1) * g
    s.v = beta2 * s.v + (1 - beta2) * g**2
    return s.m / (1 - beta1**t), s.v / (1 - beta2**t)


def adam(w, g, t, s, o):
    m_hat, v_hat = moments(g, t, s, o)
    s.b = np.maximum(s.b, s.v)
    if o.amsgrad:
        v_hat = s.b / (1 - o.betas[1] ** t)
    return w - o.lr * m_hat / (v_hat**0.5 + o.eps)


def adamax(w, g, t, s, o):
    m_hat, _ = moments(g, t, s, o)
    s.b = np.maximum(o.betas[1] * s.b, abs(g) + o.eps)
    return w - o.lr * m_hat / s.b


def nadam(w, g, t, s, o):
    _, v_hat = moments(g, t, s, o)
    mu = [o.betas[0] * (1 - 0.96 ** (k * o.momentum_decay) / 2) for k in range(1, t + 2)]
    now = float(np.prod(np.float32(mu[:-1])))  # in single precision, as PyTorch keeps it
    look = mu[-1] * s.m / (1 - now * mu[-1]) + (1 - mu[-2]) * g / (1 - now)
    return w - o.lr * look / (v_hat**0.5 + o.eps)


def radam(w, g, t, s, o):
    m_hat, _ = moments(g, t, s, o)
    beta2 = o.betas[1]
    end = 2 / (1 - beta2) - 1
    rho = end - 2 * t * beta2**t / (1 - beta2**t)
    if rho > 5:
        r = ((rho - 4) * (rho - 2) * end / ((end - 4) * (end - 2) * rho)) ** 0.5
        m_hat = m_hat * r * (1 - beta2**t) ** 0.5 / (s.v**0.5 + o.eps)
    return w - o.lr * m_hat


def rprop(w, g, t, s, o):
    d = s.b if t > 1 else np.full_like(w, o.lr)
    turned = g * s.m < 0
    d = d * np.select([g * s.m > 0, turned], [o.etas[1], o.etas[0]], 1)
    s.b = np.minimum(np.maximum(d, o.step_sizes[0]), o.step_sizes[1])
    s.m = np.where(turned, 0, g)
    return w - np.sign(s.m) * s.b


def asgd(w, g, t, s, o):
    eta = float(
        np.float32(o.lr / (1 + o.lambd * o.lr * (t - 1)) ** o.alpha)
    )  # as PyTorch keeps it
    return (1 - o.lambd * eta) * w - eta * g


def lion(w, g, t, s, o):
    beta1, beta2 = o.betas
    step = np.sign(beta1 * s.m + (1 - beta1) * g)
    s.m = beta2 * s.m + (1 - beta2) * g
    return w - o.lr * step


def muon(w, g, t, s, o):
    s.m = o.momentum * s.m + (1 - o.momentum) * g
    u = o.momentum * s.m + (1 - o.momentum) * g if o.nesterov else s.m
    left, sizes, right = np.linalg.svd(u, full_matrices=False)
    sizes = sizes / np.linalg.norm(u)
    a, b, c = o.ns_coefficients
    for _ in range(o.ns_steps):  # what the iteration does to each singular value
        sizes = a * sizes + b * sizes**3 + c * sizes**5
    scale = 0.2 * 4**0.5 if o.adjust_lr_fn == "match_rms_adamw" else (4 / 3) ** 0.5
    return w - o.lr * scale * (left * sizes) @ right


FORMULAS = dict(
    zip(
        RULES,
        [
            *(sgd, adagrad, rmsprop, adadelta, adam, adam, adamax, nadam, radam),
            *(rprop, asgd, lion, muon),
        ],
        strict=True,
    )
)
DECOUPLED = (AdamW, Lion, Muon)


def trajectory(rule, options, w, steps):
    """The parameter after 0, 1, ... steps."""
    o = SimpleNamespace(**{**rule([mg.zeros(1, 1)]).param_groups[0], **options})
    decay = getattr(o, "weight_decay", 0)
    decoupled = rule in DECOUPLED or getattr(o, "decoupled_weight_decay", False)
    s = SimpleNamespace(**{name: np.zeros_like(w) for name in "mvb"})
    seen = [w]
    for t in range(1, steps + 1):
        g = gradient(w, t) * (-1 if getattr(o, "maximize", False) else 1)
        if decoupled:
            w = w * (1 - o.lr * decay)
        else:
            g = g + decay * w
        w = FORMULAS[rule](w, g, t, s, o)
        seen.append(w)
    return seen


def formula(rule, options, w, steps):
    return trajectory(rule, options, w, steps)[-1]
