"""A training step of a multilayer perceptron: forward, backward, update."""

from functools import partial

import numpy as np

from benchmarks.harness import BEST, Row
from benchmarks.peers import jax_training, peer

TITLE = "Training step of an MLP, cross-entropy (float32)"
LR, BETA1, BETA2, EPS = 0.01, 0.9, 0.999, 1e-8
# batch, widths, what SGD and Adam should reach
SIZES = (
    (32, (64, 128, 128, 10), {"NumPy": 1 / 0.8}, {"PyTorch": 6}),
    (128, (784, 256, 256, 10), {BEST: 1 / 0.85}, {}),
    (512, (784, 512, 512, 10), {BEST: 1.0}, {}),
)


def data(batch, widths):
    chance = np.random.default_rng(0)
    x = chance.normal(size=(batch, widths[0])).astype(np.float32)
    weights = [
        (chance.normal(size=(n, m)) / np.sqrt(m)).astype(np.float32)
        for m, n in zip(widths, widths[1:])
    ]
    biases = [np.zeros(n, np.float32) for n in widths[1:]]
    return x, chance.integers(0, widths[-1], batch), weights, biases


def framework(name, batch, widths, optimizer):
    """The step in minigrad or PyTorch: the same lines serve both."""
    lib = peer(name)
    x, t, weights, _ = data(batch, widths)
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
        loss = loss_fn(model(x), t)
        loss.backward()
        update.step()
        return loss

    return step


def numpy_gradients(x, t, weights, biases):
    """Loss and gradients as one writes them by hand in NumPy."""
    inputs, h = [], x
    for k, (w, b) in enumerate(zip(weights, biases)):
        inputs.append(h)
        h = h @ w.T
        h += b
        if k < len(weights) - 1:
            np.maximum(h, 0, out=h)
    rows = np.arange(len(t))
    h -= h.max(axis=1, keepdims=True)
    p = np.exp(h)
    total = p.sum(axis=1, keepdims=True)
    loss = (np.log(total[:, 0]) - h[rows, t]).mean()
    p /= total
    p[rows, t] -= 1
    p *= np.float32(1 / len(t))
    d, of_weights, of_biases = p, [], []
    for k in range(len(weights) - 1, -1, -1):
        of_weights.append(d.T @ inputs[k])
        of_biases.append(d.sum(axis=0))
        if k:
            d = d @ weights[k]
            d *= inputs[k] > 0
    return loss, of_weights[::-1] + of_biases[::-1]


def numpy_step(batch, widths, optimizer):
    x, t, weights, biases = data(batch, widths)
    parameters = weights + biases
    state = [(np.zeros_like(p), np.zeros_like(p)) for p in parameters]
    count = 0

    def step():
        nonlocal count
        loss, gradients = numpy_gradients(x, t, weights, biases)
        if optimizer == "SGD":
            for p, g in zip(parameters, gradients):
                g *= LR
                p -= g
            return loss
        count += 1
        c1, c2 = 1 - BETA1**count, 1 - BETA2**count
        for p, g, (m, v) in zip(parameters, gradients, state):
            m *= BETA1
            m += (1 - BETA1) * g
            v *= BETA2
            v += (1 - BETA2) * g * g
            p -= LR / c1 * m / (np.sqrt(v / c2) + EPS)
        return loss

    return step


def loss_of(h, t, np_):
    """Mean cross-entropy of logits, for the peers that have no fused one."""
    h = h - np_.max(h, axis=1, keepdims=True)
    total = np_.log(np_.sum(np_.exp(h), axis=1))
    return np_.mean(total - h[np.arange(len(t)), t])


def functional_loss(parameters, x, t, np_):
    """The network as a function of its parameters, for JAX and autograd."""
    h = x
    for w, b in parameters[:-1]:
        h = np_.maximum(h @ w.T + b, 0)
    w, b = parameters[-1]
    return loss_of(h @ w.T + b, t, np_)


def jax_step(batch, widths, optimizer):
    jax = peer("jax")
    x, t, weights, biases = data(batch, widths)
    gradients = jax.value_and_grad(partial(functional_loss, np_=jax.numpy))
    each = jax.tree.map

    def sgd(parameters, x, t):
        loss, g = gradients(parameters, x, t)
        return each(lambda p, g: p - LR * g, parameters, g), loss

    def adam(state, x, t):
        parameters, m, v, count = state
        loss, g = gradients(parameters, x, t)
        count = count + 1
        m = each(lambda m, g: BETA1 * m + (1 - BETA1) * g, m, g)
        v = each(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, v, g)
        c1, c2 = 1 - BETA1**count, 1 - BETA2**count
        parameters = each(
            lambda p, m, v: p - LR / c1 * m / (jax.numpy.sqrt(v / c2) + EPS), parameters, m, v
        )
        return (parameters, m, v, count), loss

    parameters = list(zip(weights, biases))
    if optimizer == "SGD":
        return jax_training(sgd, parameters, x, t)
    zeros = each(np.zeros_like, parameters)
    return jax_training(adam, (parameters, zeros, zeros, np.float32(0)), x, t)


def mygrad_step(batch, widths):
    mygrad = peer("mygrad")
    loss_fn = peer("mygrad.nnet.losses").softmax_crossentropy
    relu = peer("mygrad.nnet.activations").relu
    x, t, weights, biases = data(batch, widths)
    weights, biases = ([mygrad.tensor(p) for p in group] for group in (weights, biases))

    def step():
        h = x
        for w, b in zip(weights[:-1], biases):
            h = relu(mygrad.matmul(h, w.T) + b)
        loss = loss_fn(mygrad.matmul(h, weights[-1].T) + biases[-1], t)
        loss.backward()
        for p in weights + biases:
            p.data -= LR * p.grad
        return loss

    return step


def autograd_step(batch, widths):
    autograd, np_ = peer("autograd"), peer("autograd.numpy")
    x, t, weights, biases = data(batch, widths)
    parameters = list(zip(weights, biases))
    gradients = autograd.value_and_grad(lambda parameters: functional_loss(parameters, x, t, np_))

    def step():
        loss, found = gradients(parameters)
        for layer, of_layer in zip(parameters, found):
            for p, g in zip(layer, of_layer):
                p -= LR * g
        return loss

    return step


def build(batch, widths, optimizer):
    size = batch, widths
    columns = {
        "minigrad": partial(framework, "minigrad", *size, optimizer),
        "NumPy": partial(numpy_step, *size, optimizer),
        "PyTorch": partial(framework, "torch", *size, optimizer),
        "JAX-jit": partial(jax_step, *size, optimizer),
    }
    if optimizer == "SGD":
        columns["MyGrad"] = partial(mygrad_step, *size)
        columns["autograd"] = partial(autograd_step, *size)
    return columns


def rows(quick):
    for optimizer in ("SGD", "Adam"):
        for batch, widths, *aims in SIZES[: 2 if quick else 3]:
            name = f"{batch}×{'→'.join(map(str, widths))} {optimizer}"
            aim = aims[optimizer == "Adam"]
            yield Row(
                name,
                partial(build, batch, widths, optimizer),
                group=optimizer,
                aims=aim,
                headline=True,
            )
