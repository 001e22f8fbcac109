"""A training step of a multilayer perceptron: forward, backward, update."""

import numpy as np

import minigrad as mg
from benchmarks.harness import Row, peer

TITLE = "Training step of an MLP (float32, cross-entropy)"
SIZES = [(32, (64, 128, 128, 10)), (128, (784, 256, 256, 10)), (512, (784, 512, 512, 10))]
LR = 0.01


def data(batch, widths):
    chance = np.random.default_rng(0)
    x = chance.normal(size=(batch, widths[0])).astype(np.float32)
    weights = [
        (chance.normal(size=(n, m)) / np.sqrt(m)).astype(np.float32)
        for m, n in zip(widths, widths[1:], strict=False)
    ]
    return x, chance.integers(0, widths[-1], batch), weights


def framework(lib, batch, widths, optimizer):
    """The step in minigrad or PyTorch: the same lines serve both."""
    x, t, weights = data(batch, widths)
    nn = lib.nn
    layers = []
    for w in weights:
        linear = nn.Linear(w.shape[1], w.shape[0])
        with lib.no_grad():
            linear.weight.copy_(lib.tensor(w))
            linear.bias.zero_()
        layers += [linear, nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    loss_fn = nn.CrossEntropyLoss()
    update = getattr(lib.optim, optimizer)(model.parameters(), lr=LR)
    x, t = lib.tensor(x), lib.tensor(t)

    def step():
        update.zero_grad()
        loss_fn(model(x), t).backward()
        update.step()

    return step


def numpy_step(batch, widths, optimizer):
    """The step as one writes it by hand in NumPy."""
    x, t, weights = data(batch, widths)
    biases = [np.zeros(w.shape[0], np.float32) for w in weights]
    rows = np.arange(batch)
    parameters = weights + biases
    state = [(np.zeros_like(p), np.zeros_like(p)) for p in parameters]
    count = [0]

    def step():
        inputs, h = [], x
        for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
            inputs.append(h)
            h = h @ w.T + b
            if k < len(weights) - 1:
                h = np.maximum(h, 0)
        p = np.exp(h - h.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        -np.log(p[rows, t]).mean()
        p[rows, t] -= 1
        d = p / np.float32(batch)
        grads_w, grads_b = [], []
        for k in range(len(weights) - 1, -1, -1):
            grads_w.append(d.T @ inputs[k])
            grads_b.append(d.sum(axis=0))
            if k:
                d = (d @ weights[k]) * (inputs[k] > 0)
        gradients = grads_w[::-1] + grads_b[::-1]
        if optimizer == "SGD":
            for p, g in zip(parameters, gradients, strict=True):
                p -= LR * g
            return
        count[0] += 1
        c1, c2 = 1 - 0.9 ** count[0], 1 - 0.999 ** count[0]
        for p, g, (m, v) in zip(parameters, gradients, state, strict=True):
            m *= 0.9
            m += 0.1 * g
            v *= 0.999
            v += 0.001 * g * g
            p -= LR / c1 * m / (np.sqrt(v / c2) + 1e-8)

    return step


def jax_step(jax, batch, widths):
    """The jitted SGD step in JAX."""
    jnp = jax.numpy
    x, t, weights = data(batch, widths)
    parameters = [(jnp.asarray(w), jnp.zeros(w.shape[0])) for w in weights]

    def loss(parameters, x, t):
        h = x
        for w, b in parameters[:-1]:
            h = jax.nn.relu(h @ w.T + b)
        w, b = parameters[-1]
        return -jnp.take_along_axis(jax.nn.log_softmax(h @ w.T + b), t[:, None], 1).mean()

    @jax.jit
    def update(parameters, x, t):
        gradients = jax.grad(loss)(parameters, x, t)
        return jax.tree.map(lambda p, g: p - LR * g, parameters, gradients)

    x, t = jnp.asarray(x), jnp.asarray(t)
    box = [parameters]

    def step():
        box[0] = jax.block_until_ready(update(box[0], x, t))

    return step


def rows(quick):
    torch, jax = peer("torch"), peer("jax")
    for batch, widths in SIZES[: 1 if quick else 3]:
        for optimizer in ("SGD", "Adam"):
            columns = {
                "minigrad": framework(mg, batch, widths, optimizer),
                "NumPy": numpy_step(batch, widths, optimizer),
            }
            if torch:
                columns["PyTorch"] = framework(torch, batch, widths, optimizer)
            if jax and optimizer == "SGD":
                columns["JAX-jit"] = jax_step(jax, batch, widths)
            yield Row(f"{batch}×{'→'.join(map(str, widths))} {optimizer}", columns)
