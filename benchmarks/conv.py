"""Convolution, forward and backward, and the training step of a small convolutional net."""

from functools import partial

import numpy as np

from benchmarks.harness import Row
from benchmarks.peers import jax_training, jitted, peer
from minigrad.kernels import reference

TITLE = "Convolution, forward + backward; step of a small conv net"
# x (N, C, H, W), w (O, C, k, k); stride 1, padding k // 2
SIZES = (
    ((64, 1, 28, 28), (16, 1, 3, 3)),
    ((64, 16, 14, 14), (32, 16, 3, 3)),
    ((16, 64, 28, 28), (64, 64, 3, 3)),
    ((32, 3, 32, 32), (32, 3, 5, 5)),
    ((32, 64, 14, 14), (128, 64, 1, 1)),
)
LR = 0.05
# The net: conv 1→16, ReLU, pool, conv 16→32, ReLU, pool, linear 1568→10, cross-entropy
SHAPES = ((16, 1, 3, 3), (16,), (32, 16, 3, 3), (32,), (10, 1568), (10,))


def options(w):
    """stride, padding, dilation, groups of the reference kernels."""
    p = w.shape[-1] // 2
    return (1, 1), (p, p, p, p), (1, 1), 1


def numpy_conv(x, w, b, g):
    """The reference kernels: windows as columns, and products of matrices."""
    y = reference.conv2d(x, w, b, *options(w))
    dx = reference.conv2d_input_grad(g, w, x.shape, *options(w))
    dw = reference.conv2d_weight_grad(g, x, w.shape, *options(w))
    return y, dx, dw, g.sum(axis=(0, 2, 3))


def framework_conv(name, x, w, b, g):
    lib = peer(name)
    x, w, b, g = map(lib.tensor, (x, w, b, g))
    for leaf in (x, w, b):
        leaf.requires_grad_()
    conv2d, padding = lib.nn.functional.conv2d, w.shape[-1] // 2

    def step():
        x.grad = w.grad = b.grad = None
        y = conv2d(x, w, b, padding=padding)
        y.backward(g)
        return y, x.grad, w.grad, b.grad

    return step


def jax_conv(x, w, b, g):
    jax = peer("jax")

    def forward(x, w, b):
        return jax.lax.conv(x, w, (1, 1), "SAME") + b[:, None, None]

    def both(x, w, b, g):
        y, back = jax.vjp(forward, x, w, b)
        return y, *back(g)

    return jitted(both, x, w, b, g)


def mygrad_conv(x, w, b, g):
    mygrad, conv_nd = peer("mygrad"), peer("mygrad.nnet.layers").conv_nd
    padding = w.shape[-1] // 2
    x, w, b = map(mygrad.tensor, (x, w, b))

    def step():
        y = conv_nd(x, w, stride=1, padding=padding) + b[:, None, None]
        y.backward(g)
        return y, x.grad, w.grad, b.grad

    return step


def build_conv(shape, kernel, dtype):
    chance = np.random.default_rng(0)
    shapes = shape, kernel, kernel[:1], (shape[0], kernel[0], *shape[2:])
    arrays = [chance.standard_normal(s, dtype) for s in shapes]
    return {
        "minigrad": partial(framework_conv, "minigrad", *arrays),
        "NumPy": lambda: partial(numpy_conv, *arrays),
        "PyTorch": partial(framework_conv, "torch", *arrays),
        "JAX-jit": partial(jax_conv, *arrays),
        "MyGrad": partial(mygrad_conv, *arrays),
    }


def net_data(batch):
    chance = np.random.default_rng(0)
    x = chance.standard_normal((batch, 1, 28, 28), np.float32)
    parameters = [chance.standard_normal(s, np.float32) / np.float32(8) for s in SHAPES]
    return x, chance.integers(0, 10, batch), parameters


def framework_net(name, batch):
    lib = peer(name)
    nn = lib.nn
    x, t, values = net_data(batch)
    model = nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(1568, 10)),
    )
    with lib.no_grad():
        for p, value in zip(model.parameters(), values):
            p.copy_(lib.tensor(value))
    loss_fn, update = nn.CrossEntropyLoss(), lib.optim.SGD(model.parameters(), lr=LR)
    x, t = lib.tensor(x), lib.tensor(t)

    def step():
        update.zero_grad()
        loss = loss_fn(model(x), t)
        loss.backward()
        update.step()
        return loss

    return step


def numpy_net(batch):
    x, t, (w1, b1, w2, b2, w3, b3) = net_data(batch)
    pool = (2, 2), (2, 2), (0, 0), (1, 1), False

    def step():
        a1 = np.maximum(reference.conv2d(x, w1, b1, *options(w1)), 0)
        h1, i1 = reference.max_pool2d(a1, *pool)
        a2 = np.maximum(reference.conv2d(h1, w2, b2, *options(w2)), 0)
        h2, i2 = reference.max_pool2d(a2, *pool)
        flat = h2.reshape(len(x), -1)
        z = flat @ w3.T + b3
        p = reference.softmax(z)
        rows = np.arange(len(t))
        loss = -np.log(p[rows, t]).mean()
        p[rows, t] -= 1
        p /= np.float32(len(t))
        dh2 = (p @ w3).reshape(h2.shape)
        da2 = reference.max_pool2d_grad(dh2, i2, a2.shape[2:]) * (a2 > 0)
        dh1 = reference.conv2d_input_grad(da2, w2, h1.shape, *options(w2))
        da1 = reference.max_pool2d_grad(dh1, i1, a1.shape[2:]) * (a1 > 0)
        gradients = (
            *(reference.conv2d_weight_grad(da1, x, w1.shape, *options(w1)), da1.sum((0, 2, 3))),
            *(reference.conv2d_weight_grad(da2, h1, w2.shape, *options(w2)), da2.sum((0, 2, 3))),
            *(p.T @ flat, p.sum(axis=0)),
        )
        for parameter, g in zip((w1, b1, w2, b2, w3, b3), gradients):
            parameter -= LR * g
        return loss

    return step


def jax_net(batch):
    jax = peer("jax")
    lax, jnp = jax.lax, jax.numpy
    x, t, values = net_data(batch)

    def pooled(h):
        return lax.reduce_window(h, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    def loss(p, x, t):
        w1, b1, w2, b2, w3, b3 = p
        h = pooled(jax.nn.relu(lax.conv(x, w1, (1, 1), "SAME") + b1[:, None, None]))
        h = pooled(jax.nn.relu(lax.conv(h, w2, (1, 1), "SAME") + b2[:, None, None]))
        z = h.reshape(len(x), -1) @ w3.T + b3
        return -jnp.take_along_axis(jax.nn.log_softmax(z), t[:, None], 1).mean()

    def update(p, x, t):
        value, g = jax.value_and_grad(loss)(p, x, t)
        return jax.tree.map(lambda p, g: p - LR * g, p, g), value

    return jax_training(update, values, x, t)


def build_net(batch):
    return {
        "minigrad": partial(framework_net, "minigrad", batch),
        "NumPy": partial(numpy_net, batch),
        "PyTorch": partial(framework_net, "torch", batch),
        "JAX-jit": partial(jax_net, batch),
    }


def rows(quick):
    for batch in (64,) if quick else (64, 16, 256):
        name = f"conv net step {batch}×1×28×28, SGD"
        yield Row(
            name,
            partial(build_net, batch),
            group="nets",
            aims={"PyTorch": 1.2},
            headline=batch == 64,
        )
    for dtype in (np.float32, np.float64):
        kind = np.dtype(dtype).name
        for shape, kernel in SIZES[: 2 if quick else None]:
            flops = 6.0 * shape[0] * np.prod(shape[2:]) * np.prod(kernel)
            yield Row(
                f"{kind} {shape} * {kernel}",
                partial(build_conv, shape, kernel, dtype),
                group=kind,
                work=float(flops),
                limit=("fma", kind),
                aims={"PyTorch": 1.0},
            )
