"""The peers: imported when a row first asks for one, held to the threads that were asked for."""

import functools
import importlib
import warnings

THREADS = 1  # `table.run` sets it before the first peer is imported
PACKAGES = ("numpy", "torch", "jax", "micrograd", "mygrad", "autograd")


@functools.cache
def peer(name):
    """The module of a peer; ImportError where it is not installed: the column is left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = importlib.import_module(name)
    if name == "torch":
        module.set_num_threads(THREADS)
    if name == "jax":
        module.config.update("jax_enable_x64", True)  # arrays keep the dtype they come in
    return module


def jitted(function, *arguments):
    """A step of JAX: `function` compiled, on device arrays, waited for: its calls are lazy."""
    jax = peer("jax")
    compiled = jax.jit(function)
    arguments = jax.tree.map(jax.numpy.asarray, arguments)
    return lambda: jax.block_until_ready(compiled(*arguments))


def jax_training(update, state, *data):
    """Steps state = update(state, *data) of JAX; the old state's memory is given for the new."""
    jax = peer("jax")
    compiled = jax.jit(update, donate_argnums=0)
    box = [jax.tree.map(lambda a: jax.numpy.array(a, copy=True), state)]
    data = jax.tree.map(jax.numpy.asarray, data)

    def step():
        box[0], value = jax.block_until_ready(compiled(box[0], *data))
        return value

    return step
