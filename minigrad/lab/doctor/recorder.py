"""What is recorded while a network trains: cheap numbers each step, more at sampled steps.

    each backward pass    loss; at first, whether old gradients are still there
    each optimizer step   norm of one gradient; whether anything had a gradient
    sampled steps         weights before and after, the norm of each gradient, what goes into and
                          comes out of each layer and the gradient there, the batch itself

Nothing here computes on the training's random numbers or changes a weight, a buffer or a gradient.
"""

import contextlib
import copy
import math

import numpy as np

from minigrad import nn
from minigrad.autograd import observe_backward
from minigrad.grad_mode import is_grad_enabled
from minigrad.tensor import Tensor

KEPT = 12  # snapshots of the weights; when there are more, every other one is dropped
FIRST = (0, 1, 2, 4, 8, 16, 32)  # sampled in any case; later every `every`-th step
ROWS = 64  # of a batch that are looked at, evenly spread
SAMPLES = 12  # kept; when there are more, every other late one goes and half as many are taken
ROUNDS = 50  # in which old gradients are looked for


class Layer:
    """Statistics of one module with parameters at one sampled step."""

    def __init__(self, name, x, y):
        self.name = name
        self.input = _summary(x)
        self.output = _rms(y)
        self.gradient = None  # root mean square of dL/dy


def _array(x):
    return x.detach().numpy() if isinstance(x, Tensor) else np.asarray(x)


def _some(a):
    """Up to 64 rows of an array, evenly spread."""
    return a[:: -(-len(a) // ROWS)] if a.ndim and len(a) > ROWS else a


def _rms(x):
    """Root mean square, and inf for what is not finite."""
    a = np.asarray(x, float).ravel()
    return float(math.sqrt(a @ a / a.size)) if a.size else 0.0


def _summary(x):
    """Size, range, how many units never differ from 0, and how many values lie at ±1 or 0."""
    if x.dtype.kind != "f" or x.ndim < 2 or not x.size:
        return None
    a = x.reshape(-1, x.shape[-1]) if x.ndim != 4 else x.transpose(0, 2, 3, 1).reshape(
        -1, x.shape[1])  # fmt: skip
    low, high = float(a.min()), float(a.max())
    found = {"rms": _rms(a), "low": low, "high": high}
    found["dead"] = float((a == 0).all(axis=0).mean())
    found["ends"] = float((abs(a) > 0.99).mean()) if low >= -1 and high <= 1 else 0.0
    near_zero = (abs(a) < 0.01).mean() if low >= 0 and high <= 1 else 0.0
    found["zeros"] = float(near_zero)
    return found


class Sample:
    """What is kept of one sampled step."""

    def __init__(self, step):
        self.step = step
        self.layers = []
        self.gradients = {}  # {name: norm, None where there was none}
        self.weights = {}  # {name: norm}
        self.updates = {}  # {name: norm of the change}
        self.batch = None  # some rows of the first argument
        self.size = 0  # how many rows it had
        self.loss = None  # on what backward was called
        self.output = None  # what the model made of them
        self.whole = None  # all rows and what the model made of them, at the first steps
        self.strangers = 0  # leaves in the graph that are no parameters of the model
        self.origin = ""  # the operation that made the output


class Snapshot:
    """Weights before a step, and after it."""

    def __init__(self, step, before):
        self.step, self.before, self.after = step, before, None


class Recorder:
    """Hooks on a model and an optimizer, and what they saw."""

    def __init__(self, model, optimizer, every):
        self.model, self.optimizer, self.every = model, optimizer, every
        self.names = {id(p): n for n, p in model.named_parameters()}
        self.trainable = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self.norms = [m for m in model.modules() if hasattr(m, "track_running_stats")]
        self.layers = {id(m): n for n, m in model.named_modules()
                       if n and any(True for _ in m.parameters(recurse=False))}  # fmt: skip
        self.losses, self.slopes = [], []
        self.steps = self.backwards = self.forwards = 0
        self.stale = self.fresh = 0  # first backward passes that found old gradients, or none
        self.empty = 0  # steps in which no parameter of the optimizer had a gradient
        self.evaluating = 0  # backward passes with batch norm in evaluation mode
        self.smallest = None  # values a channel that a batch norm saw in training
        self.samples, self.snapshots = [], []
        self.failure = None  # (kind, step, state of the model, arguments)
        self._sample = self._args = self._handles = self._watched = None
        self._since_step = 0
        self._called = False  # since the last step
        self.attached = False
        self.origin = None  # copies of model and optimizer as they were at first
        self.quiet = False  # while the doctor itself uses the model

    # hooks ----------------------------------------------------------------------------------
    def attach(self):
        """Put the hooks on."""
        if self.attached:
            return
        self.attached = True
        if self.origin is None:
            with contextlib.suppress(TypeError, RuntimeError, ValueError):  # no copy, no trials
                self.origin = copy.deepcopy((self.model, self.optimizer))
        self._root = [self.model.register_forward_hook(self._after_forward)]
        self._pre = None
        self._expect()
        self._observer = observe_backward(self._before_backward)
        self._observer.__enter__()
        self._own = vars(self.optimizer).get("step")
        self._step = self.optimizer.step
        self.optimizer.step = self._around_step

    def detach(self):
        """Take them off; the model and the optimizer are as they were."""
        if not self.attached:
            return
        self.attached = False
        for handle in self._root:
            handle.remove()
        self._drop_layer_hooks()
        self._expect(False)
        self._sample = None
        self._observer.__exit__(None, None, None)
        vars(self.optimizer).pop("step", None)
        if self._own is not None:  # somebody else had put one on
            self.optimizer.step = self._own

    def due(self, step):
        """Whether a step is sampled."""
        return step in FIRST or step % self.every == 0

    def _expect(self, on=True):
        """Have the next call of the model watched from inside if its step is sampled."""
        on = on and self.due(self.steps)
        self._next = next(k for k in range(self.steps + 1, self.steps + self.every + 1)
                          if self.due(k))  # fmt: skip
        if on and self._pre is None:
            self._pre = self.model.register_forward_pre_hook(self._before_forward)
        elif not on and self._pre is not None:
            self._pre.remove()
            self._pre = None

    def _before_forward(self, module, args):
        if self.quiet or self._sample is not None or not is_grad_enabled():
            return
        if self.samples and self.samples[-1].step == self.steps:
            return
        self._sample = Sample(self.steps)
        self._handles = [
            m.register_forward_hook(self._after_layer)
            for m in self.model.modules()
            if id(m) in self.layers
        ]

    def _after_layer(self, module, args, output):
        if self.quiet or self._sample is None or not args or not isinstance(args[0], Tensor):
            return
        y = output[0] if isinstance(output, tuple) else output
        if not isinstance(y, Tensor):
            return
        name = self.layers[id(module)]
        layer = Layer(name, _some(_array(args[0])), _some(_array(y)))
        self._sample.layers.append(layer)
        if y.requires_grad:

            def seen(gradient, layer=layer):
                layer.gradient = _rms(_some(gradient.numpy()))

            y.register_hook(seen)
        if hasattr(module, "track_running_stats") and module.training:
            x = _array(args[0])
            count = x.size // x.shape[1] if x.ndim > 1 else x.size
            self.smallest = count if self.smallest is None else min(self.smallest, count)

    def _drop_layer_hooks(self):
        for handle in self._handles or ():
            handle.remove()
        self._handles = None

    def _after_forward(self, module, args, output):
        if self.quiet:
            return
        self.forwards += 1
        self._args, self._called = args, True
        if self._sample is not None and self._handles is not None:
            self._drop_layer_hooks()
            y = output[0] if isinstance(output, tuple) else output
            if isinstance(y, Tensor):
                self._sample.output = _some(_array(y)).copy()
                self._sample.origin = y.grad_fn.name() if y.grad_fn is not None else ""
            if args and isinstance(args[0], Tensor):
                x = _array(args[0])
                self._sample.batch, self._sample.size = _some(x).copy(), len(x) if x.ndim else 1
                if isinstance(y, Tensor) and len(self.samples) < len(FIRST):
                    self._sample.whole = x.copy(), _array(y).copy()

    def _before_backward(self, outputs):
        if self.quiet or not self._called:
            return  # the loss of another model
        loss = outputs[0]
        value = loss.item() if loss.numel() == 1 else math.nan
        self.backwards += 1
        self.losses.append(value)
        if self.norms and not self.norms[0].training:
            self.evaluating += 1
        if self._since_step == 0 and 0 < self.steps <= ROUNDS:
            p = self._watched
            if p is not None:
                old = p.grad is not None and p.grad.numpy().any()
                self.stale += bool(old)
                self.fresh += not old
        self._since_step += 1
        if value - value != 0 and self.failure is None and loss.numel() == 1:
            self._fail("forward")
        if self._sample is not None and self._sample.loss is None:
            self._sample.loss = value
            self._sample.strangers = self._strangers(loss)

    def _strangers(self, loss):
        """Leaves of the graph that the model does not know as its parameters."""
        found, seen, path = 0, set(), [loss.grad_fn]
        while path:
            node = path.pop()
            if node is None or id(node) in seen:
                continue
            seen.add(id(node))
            variable = getattr(node, "variable", None)
            if variable is not None:
                leaf = variable()
                known = leaf is None or id(leaf) in self.names or leaf is self._input()
                found += not known
            path.extend(node.next_functions)
        return found

    def _input(self):
        return self._args[0] if self._args else None

    def _around_step(self, *args, **kwargs):
        """The optimizer's step, with a look before and after it."""
        if self.quiet:
            return self._step(*args, **kwargs)
        if self._watched is None or self._watched.grad is None:
            having = [p for g in self.optimizer.param_groups for p in g["params"]
                      if p.grad is not None]  # fmt: skip
            # of the first layer, which a NaN on its way back reaches; the smaller is the cheaper
            self._watched = min(having[:2], key=lambda p: p.numel(), default=None)
            self.empty += self._watched is None
        p = self._watched
        if p is not None:
            g = p.grad.numpy().ravel()
            square = float(g.dot(g))
            self.slopes.append(square**0.5 if square >= 0 else math.nan)
            if square - square != 0 and self.failure is None:
                self._fail("backward")
        sample, self._sample = self._sample, None
        if sample is not None:
            self._drop_layer_hooks()
            self._look(sample)
        result = self._step(*args, **kwargs)
        if sample is not None:
            self._look_again(sample)
        self.steps += 1
        self._since_step, self._called = 0, False
        if sample is not None or self.steps == self._next:
            self._expect()
        return result

    def _look(self, sample):
        """Weights and gradients before a sampled step."""
        before = {}
        for name, p in self.trainable.items():
            before[name] = _array(p).copy()
            sample.weights[name] = float(np.linalg.norm(before[name]))
            grad = p.grad
            sample.gradients[name] = None if grad is None else float(np.linalg.norm(grad.numpy()))
        self.samples.append(sample)
        if len(self.samples) > SAMPLES:
            self.samples = self.samples[: len(FIRST)] + self.samples[len(FIRST) :: 2]
            self.every *= 2
        self.snapshots.append(Snapshot(sample.step, before))
        if len(self.snapshots) > KEPT:
            del self.snapshots[2:-1:2]  # the first two and the last stay

    def _look_again(self, sample):
        """Weights after it."""
        snapshot = self.snapshots[-1]
        snapshot.after = {name: _array(p).copy() for name, p in self.trainable.items()}
        for name, after in snapshot.after.items():
            change = after - snapshot.before[name]
            sample.updates[name] = float(np.linalg.norm(change))

    def _fail(self, kind):
        """Keep what is needed to find where the first number that is not finite was born."""
        state = {name: x.detach().clone() for name, x in self.model.state_dict().items()}
        finite = all(np.isfinite(x.numpy()).all() for x in state.values() if x.is_floating_point())
        if not finite:
            kind = "update"
        self.failure = (kind, self.steps, state, self._args)


def has_batch_norm(model):
    """Whether a module of the model normalises by the batch."""
    return any(isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)) for m in model.modules())
