"""What a Module does before, after and behind `forward`, when somebody asked for it.

Forward hooks are calls around `forward`. For backward hooks the module's inputs and outputs each
pass a door, an identity in the graph, where the gradients of all of them are seen at once:

    inputs ── Entry ── forward ── Exit ── outputs          forward: left to right
    grad_input  ◄──── rules ◄──── grad_output              backward: right to left
"""

from minigrad.engine import Nary
from minigrad.errors import GraphError, ShapeError
from minigrad.tensor import ALIAS, VIEW, Tensor


class RemovableHandle:
    """Undoes the registration of a hook; also a context manager that does so at its end."""

    _count = 0

    def __init__(self, hooks, hook, prepend=False):
        RemovableHandle._count += 1
        self.id = RemovableHandle._count
        self._hooks = hooks
        hooks[self.id] = hook
        if prepend:
            others = [(k, h) for k, h in hooks.items() if k != self.id]
            for k, h in others:
                del hooks[k]
                hooks[k] = h

    def remove(self):
        """Take the hook off; a second call does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.remove()


class Hooks:
    """The hooks of one module, each kind in the order of the calls."""

    def __init__(self):
        self.before = {}  # id → (hook, with_kwargs)
        self.after = {}
        self.backward = {}  # id → hook

    def __bool__(self):
        return bool(self.before or self.after or self.backward)

    def call(self, module, args, kwargs, recording):
        """`module.forward` with its hooks around it."""
        for hook, with_kwargs in list(self.before.values()):
            if with_kwargs:
                result = hook(module, args, kwargs)
                if result is not None:
                    args, kwargs = _both(result, module)
            else:
                result = hook(module, args)
                if result is not None:
                    args = result if isinstance(result, tuple) else (result,)
        doors = Doors(module, self.backward) if self.backward and recording else None
        if doors is not None:
            args = doors.enter(args)
        output = module.forward(*args, **kwargs)
        for hook, with_kwargs in list(self.after.values()):
            given = (args, kwargs, output) if with_kwargs else (args, output)
            result = hook(module, *given)
            if result is not None:
                output = result
        return output if doors is None else doors.leave(output)


def _both(result, module):
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(
            f"{type(module).__name__}: a forward pre-hook with kwargs must return None or a pair "
            f"(args, kwargs), got {type(result).__name__}"
        )
    return result


# Backward hooks -------------------------------------------------------------------------------


class Doors:
    """One call of a module with backward hooks: its inputs' door and its outputs' door."""

    def __init__(self, module, hooks):
        self.module, self.hooks = module, hooks
        self.inputs = 0
        self.entered = False
        self.grad_output = None

    def enter(self, args):
        """The arguments, those that require grad through the door."""
        self.inputs = len(args)
        through, places = _through(Entry, self, args)
        self.entered = bool(places)
        return through

    def leave(self, output):
        """The output (a Tensor, or a tuple or list of them) through the door."""
        if isinstance(output, Tensor):
            return _through(Exit, self, (output,))[0][0]
        if isinstance(output, (tuple, list)):
            through = _through(Exit, self, output)[0]
            if hasattr(output, "_fields"):  # a named tuple
                return type(output)(*through)
            return type(output)(through)
        raise TypeError(
            f"{type(self.module).__name__}: with a backward hook forward must return a Tensor or "
            f"a tuple of them, got {type(output).__name__}"
        )

    def seen(self, grad_output):
        """The gradients of the outputs are there."""
        if self.entered:
            self.grad_output = grad_output
        else:  # no input requires grad: there is no other occasion
            self.run((None,) * self.inputs, grad_output)

    def run(self, grad_input, grad_output):
        """Call the hooks; each may replace the gradients of the inputs."""
        name = type(self.module).__name__
        for hook in list(self.hooks.values()):
            result = hook(self.module, grad_input, grad_output)
            if result is None:
                continue
            result = result if isinstance(result, tuple) else (result,)
            if len(result) != len(grad_input):
                raise ShapeError(
                    f"{name}: a backward hook returned {len(result)} gradients "
                    f"for {len(grad_input)} inputs"
                )
            for k, (new, old) in enumerate(zip(result, grad_input, strict=True)):
                if old is None and new is not None:
                    raise GraphError(
                        f"{name}: a backward hook returned a gradient for input {k}, "
                        "which has none"
                    )
                if new is not None and new.shape != old.shape:
                    raise ShapeError(
                        f"{name}: a backward hook returned shape {new.shape} for the gradient of "
                        f"input {k}, of shape {old.shape}"
                    )
            grad_input = result
        return grad_input


def _through(door, doors, values):
    """`values` as a tuple, the Tensors that require grad replaced by their images; and where."""
    places = [k for k, x in enumerate(values) if isinstance(x, Tensor) and x.requires_grad]
    through = list(values)
    if places:
        images = door(doors, places, len(through)).apply(*[through[k] for k in places])
        for k, image in zip(places, images, strict=True):
            source = through[k]
            # The same memory, so that a change of one in place is noticed by the other.
            image._storage = source._shared()
            image._view = ALIAS if source._view == ALIAS else VIEW
            image._epoch = image._storage.rebased
            through[k] = image
    return tuple(through), places


class _Door(Nary):
    """y_k = x_k,  dx_k = dy_k: an identity on some of several values."""

    def __init__(self, doors, places, count):
        self.doors, self.places, self.count = doors, places, count

    def forward(self, *arrays):
        return arrays

    def spread(self, grads):
        """One place for each of the values, None where there is no gradient."""
        found = [None] * self.count
        for k, grad in zip(self.places, grads, strict=False):  # the last may miss
            found[k] = grad
        return tuple(found)


class Entry(_Door):
    """The door of the inputs: all gradients of the module are known here."""

    def backward(self, grad):
        doors = self.doors
        if doors.grad_output is None:
            # The gradient came around the output: through a value that forward left elsewhere,
            # or in a second differentiation. As in PyTorch the hooks have nothing to see.
            return tuple(self.spread(grad)[k] for k in self.places)
        grad_output, doors.grad_output = doors.grad_output, None
        grads = doors.run(self.spread(grad), grad_output)
        return tuple([grads[k] for k in self.places])


class Exit(_Door):
    """The door of the outputs."""

    def backward(self, grad):
        grads = self.spread(grad)
        self.doors.seen(grads)
        return tuple([grads[k] for k in self.places])
