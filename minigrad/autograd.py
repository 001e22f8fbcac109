"""Gradients as values: `grad`; operations of the user's own: `Function`; `detect_anomaly`."""

import numpy as np

from minigrad import backward as _pass
from minigrad import engine
from minigrad.engine import is_grad_enabled, producer
from minigrad.errors import AnomalyError, GraphError, ShapeError
from minigrad.grad_mode import enable_grad, no_grad, set_grad_enabled
from minigrad.gradcheck import gradcheck, gradgradcheck
from minigrad.tensor import CUSTOM, Tensor, wrap

__all__ = [
    "grad",
    "backward",
    "Function",
    "detect_anomaly",
    "observe_backward",
    "gradcheck",
    "gradgradcheck",
    "no_grad",
    "enable_grad",
    "set_grad_enabled",
]


def _listed(value, name):
    if isinstance(value, Tensor):
        return [value]
    values = list(value)
    for k, x in enumerate(values):
        if not isinstance(x, Tensor):
            raise TypeError(f"grad: {name} {k} is a {type(x).__name__}, not a Tensor")
    return values


def _cotangents(outputs, grad_outputs):
    if grad_outputs is None:
        return [None] * len(outputs)
    if isinstance(grad_outputs, (Tensor, np.ndarray, float, int)):
        grad_outputs = [grad_outputs]
    grads = list(grad_outputs)
    if len(grads) != len(outputs):
        raise ShapeError(f"grad: {len(outputs)} outputs, but {len(grads)} grad_outputs")
    return grads


def grad(
    outputs,
    inputs,
    grad_outputs=None,
    retain_graph=None,
    create_graph=False,
    allow_unused=False,
    is_grads_batched=False,
):
    """Sum over outputs of the vector-Jacobian products: for each input, Σ_k v_kᵀ ∂y_k/∂x.

    Parameters
    ----------
    outputs, inputs : Tensor or sequence of Tensor
        Inputs may be leaves or not.
    grad_outputs : Tensor or sequence, optional
        The cotangents v_k, each of its output's shape; may be None for single elements.
    retain_graph : bool, optional
        Keep the graph for another pass. Default: `create_graph`.
    create_graph : bool
        Record the pass, so that the result can be differentiated again.
    allow_unused : bool
        Give None, not an error, for an input that is not in the graph of the outputs, and where
        every rule on the way says that there is no derivative (a second derivative of `relu`,
        say), for which zeros are given otherwise.
    is_grads_batched : bool
        The cotangents have a batch axis in front, (K, *output.shape): K products in one pass,
        and each gradient has shape (K, *input.shape).

    Returns
    -------
    tuple of Tensor

    Raises
    ------
    GraphError
        An output or input does not require grad; an input is not in the graph; the graph was
        freed by an earlier pass.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> (dx,) = mg.grad(x ** 3, x, create_graph=True)
    >>> dx.item(), mg.grad(dx, x)[0].item()
    (12.0, 12.0)
    """
    outputs, inputs = _listed(outputs, "output"), _listed(inputs, "input")
    cotangents = _cotangents(outputs, grad_outputs)
    if is_grads_batched and None in cotangents:
        raise ShapeError("grad: is_grads_batched needs grad_outputs with a batch axis in front")
    seeds = [
        _pass.seed(y, v, k, "grad", is_grads_batched)
        for k, (y, v) in enumerate(zip(outputs, cotangents, strict=True))
    ]
    for k, x in enumerate(inputs):
        if x._node is None and not allow_unused:
            raise GraphError(f"grad: input {k}, shape {x.shape}, does not require grad")
    retain = create_graph if retain_graph is None else retain_graph
    wanted = [x for x in inputs if x._node is not None]
    found = iter(_pass.run(outputs, seeds, wanted, retain, create_graph))
    result = [None if x._node is None else next(found) for x in inputs]
    taken = {id(v) for v in seeds}
    for k, (x, g) in enumerate(zip(inputs, result, strict=True)):
        if g is None and not allow_unused:
            if not _pass.reaches(outputs, x):
                raise GraphError(
                    f"grad: input {k}, shape {x.shape}, is not in the graph of the outputs; "
                    "allow_unused=True gives None for it"
                )
            lead = seeds[0].shape[:1] if is_grads_batched else ()
            result[k] = wrap(np.zeros(lead + x.shape, x.dtype))
        if g is not None:
            if id(g) in taken:  # a gradient handed through: the caller gets memory of its own
                result[k] = g.clone()
            taken.add(id(g))
    return tuple(result)


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, inputs=None):
    """`Tensor.backward` for several outputs in one pass: their gradients add up.

    >>> import minigrad as mg
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> mg.autograd.backward([x * 2, x * 3])
    >>> x.grad
    tensor(5.)
    """
    outputs = _listed(tensors, "output")
    _pass.backward(outputs, _cotangents(outputs, grad_tensors), retain_graph, create_graph, inputs)


class detect_anomaly:
    """While on, a NaN born in a backward rule raises, and names the operation and its source line.

    Each operation remembers the Python stack that called it, so this is for debugging only.

    Parameters
    ----------
    forward : bool
        Raise for a NaN in the result of a recorded operation too, where it is made. If an
        infinity had been made before, the error names that operation and line as well.

    Raises
    ------
    AnomalyError
        With the attributes `operation` and `frame`.

    >>> import minigrad as mg
    >>> x = mg.tensor(0.0, requires_grad=True)
    >>> with mg.autograd.detect_anomaly():
    ...     y = (x.sqrt() * 0).sum()
    ...     y.backward()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    minigrad.errors.AnomalyError: Sqrt: its backward made a NaN ...
    >>> with mg.autograd.detect_anomaly(forward=True):
    ...     y = x.log() * x  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    minigrad.errors.AnomalyError: Mul: made a NaN ... an infinity had been made by Log ...
    """

    def __init__(self, forward=False):
        self.forward = forward
        self.infinite = None  # the first operation that made an infinity

    def __enter__(self):
        self._before = engine.trace_operations(True, self._look if self.forward else None)
        return self

    def __exit__(self, *exception):
        engine.trace_operations(*self._before)

    def _look(self, node, array):
        if array.dtype.kind != "f" or np.isfinite(array).all():
            return
        if np.isnan(array).any():
            text = (
                f"{node.name()}: made a NaN in a result of shape {array.shape}, called at "
                f"{_pass.where(node)}"
            )
            if self.infinite is not None:
                name = self.infinite.name()
                text += (
                    f"; an infinity had been made by {name}, called at "
                    f"{_pass.where(self.infinite)}"
                )
            born = self.infinite or node
            raise AnomalyError(text, born.name(), _pass.called_at(born))
        if self.infinite is None:
            self.infinite = node


class observe_backward:
    """While on, `function(outputs)` is called before each pass of `backward`, with its outputs.

    The doctor of the lab hears of losses in this way. `grad` is not observed.

    >>> import minigrad as mg
    >>> w = mg.tensor(2.0, requires_grad=True)
    >>> with mg.autograd.observe_backward(lambda outputs: print(outputs[0].item())):
    ...     (w * w).backward()
    4.0
    """

    def __init__(self, function):
        self.function = function

    def __enter__(self):
        _pass.observers.append(self.function)
        return self

    def __exit__(self, *exception):
        _pass.observers.remove(self.function)


# Operations of the user's own -------------------------------------------------------------------


class Context:
    """What a user's `forward` leaves for its `backward`."""

    def __init__(self, node):
        self._node = node
        self._tensors = ()
        self._versions = ()
        self._non_differentiable = ()
        self.needs_input_grad = ()

    def save_for_backward(self, *tensors):
        """Keep tensors (or None) for `backward`; changes in place are noticed there."""
        for x in tensors:
            if x is not None and not isinstance(x, Tensor):
                raise TypeError(f"save_for_backward: expected Tensors, got {type(x).__name__}")
        self._tensors = tensors
        self._versions = tuple(0 if x is None else x._version for x in tensors)

    def mark_non_differentiable(self, *outputs):
        """These outputs of `forward` carry no gradient."""
        self._non_differentiable = tuple(id(x) for x in outputs)

    @property
    def saved_tensors(self):
        """The tensors given to `save_for_backward`."""
        if self._tensors is None:
            self._node._released = True
            self._node.complain()
        for k, (x, version) in enumerate(zip(self._tensors, self._versions, strict=True)):
            if x is not None and x._version != version:
                self._node.complain_version(x._storage, f"tensor {k}", x.shape)
        return self._tensors


class _Custom(engine.Nary):
    """The node of one call of a user's Function."""

    def __init__(self, rule, ctx_inputs):
        self.rule = rule
        self.kind = CUSTOM
        self.batched = False
        self.values = ctx_inputs
        self.ctx = Context(self)

    def name(self):
        return self.rule.__name__

    def forward(self, *arrays):
        self.ctx.needs_input_grad = tuple(self.needs_grad(i) for i in range(len(arrays)))
        values, self.values = self.values, None
        tensors = {id(x) for x in values if isinstance(x, Tensor)}
        self.shapes = [x.shape if isinstance(x, Tensor) else None for x in values]
        with no_grad():
            out = self.rule.forward(self.ctx, *values)
        several = isinstance(out, (tuple, list))
        outputs = tuple(out) if several else (out,)
        for x in outputs:
            if not isinstance(x, Tensor):
                raise TypeError(
                    f"{self.name()}: forward must return Tensors, got {type(x).__name__}"
                )
        self.plain = [id(x) in self.ctx._non_differentiable for x in outputs]
        self.results = outputs
        arrays = [x._array.copy() if id(x) in tensors else x._array for x in outputs]
        self.out_shapes = [a.shape for a in arrays]
        return tuple(arrays) if several else arrays[0]

    def backward(self, grad):
        several = type(grad) is tuple
        if several:
            missing = len(self.out_shapes) - len(grad)
            grads = grad + (None,) * missing
            dtype = next(g.dtype for g in grads if g is not None)
            grads = [
                wrap(np.zeros(s, dtype)) if g is None else g
                for g, s in zip(grads, self.out_shapes, strict=True)
            ]
        else:
            grads = [grad]
        out = self.rule.backward(self.ctx, *grads)
        out = tuple(out) if isinstance(out, (tuple, list)) else (out,)
        if len(out) != len(self.shapes):
            raise GraphError(
                f"{self.name()}: backward returned {len(out)} gradients for "
                f"{len(self.shapes)} inputs of forward"
            )
        for i, (g, shape) in enumerate(zip(out, self.shapes, strict=True)):
            if g is not None and shape is not None and tuple(g.shape) != tuple(shape):
                raise ShapeError(
                    f"{self.name()}: backward returned shape {g.shape} for input {i} of "
                    f"shape {shape}"
                )
        return out

    def release(self):
        self.ctx._tensors = None


class Function:
    """Base of an operation of the user's own, with PyTorch's interface.

    Subclass it with two static methods: `forward(ctx, *inputs)` on Tensors (not recorded), and
    `backward(ctx, *grad_outputs)`, one gradient or None for each input of forward. Call it with
    `apply`. If `backward` uses Tensor operations on the saved tensors, it can itself be
    differentiated, to any order.

    >>> import minigrad as mg
    >>> class Cube(mg.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         (x,) = ctx.saved_tensors
    ...         return grad * 3 * x * x
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> (dx,) = mg.grad(Cube.apply(x), x, create_graph=True)
    >>> dx.item(), mg.grad(dx, x)[0].item()
    (12.0, 12.0)
    """

    @staticmethod
    def forward(ctx, *inputs):
        """The result, from the inputs; leave in `ctx` what backward needs."""
        raise NotImplementedError("a Function needs a static method forward(ctx, *inputs)")

    @staticmethod
    def backward(ctx, *grad_outputs):
        """The gradients of forward's inputs, from those of its outputs."""
        raise NotImplementedError("a Function needs a static method backward(ctx, *grad_outputs)")

    @classmethod
    def apply(cls, *inputs):
        """Do the operation and record it."""
        node = _Custom(cls, inputs)
        out = node.apply(*inputs)
        outputs = out if type(out) is tuple else (out,)
        results, node.results = node.results, None
        plain = [
            wrap(x._array) if flat else x for x, flat in zip(outputs, node.plain, strict=True)
        ]
        saved = {id(x): y for x, y in zip(results, plain, strict=True)}
        recorded = is_grad_enabled() and any(producer(x) is not None for x in outputs)
        if recorded:  # an output that was saved is saved with its place in the graph
            node.ctx._tensors = tuple(saved.get(id(x), x) for x in node.ctx._tensors)
        return tuple(plain) if type(out) is tuple else plain[0]
