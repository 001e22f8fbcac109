"""Functions of functions: gradients, Jacobians and Hessians of a Python function.

Each takes a function `f` of tensors, or of nested tuples, lists and dicts of tensors (such as
``dict(model.named_parameters())``), and answers in the same structure. They nest: the gradient of
a gradient is the second derivative.

    grad       ∇f                       one backward pass
    vjp        v ↦ vᵀ J                 one backward pass
    jvp        u ↦ J u                  two: the derivative of v ↦ vᵀJ with respect to v
    hvp        u ↦ H u                  two: the gradient of gᵀu
    jacobian   J                        one pass for all rows: a batch of cotangents
    hessian    H                        the Jacobian of the gradient
"""

import numpy as np

from minigrad import backward as _pass
from minigrad import ops
from minigrad.engine import is_grad_enabled
from minigrad.errors import GraphError, ShapeError
from minigrad.grad_mode import enable_grad
from minigrad.tensor import Tensor, wrap

__all__ = [
    "grad",
    "value_and_grad",
    "vjp",
    "jvp",
    "hvp",
    "jacobian",
    "jacrev",
    "hessian",
    "functional_call",
]

CHUNK = 3 << 18  # bytes that a batch of cotangents may take at its widest: they stay in cache


# Structures of tensors ------------------------------------------------------------------------


def _leaves(tree):
    """The tensors of a nested structure, in order."""
    if isinstance(tree, Tensor):
        return [tree]
    if isinstance(tree, dict):
        return [x for value in tree.values() for x in _leaves(value)]
    if isinstance(tree, (tuple, list)):
        return [x for value in tree for x in _leaves(value)]
    return []


def _rebuilt(tree, leaves):
    """`tree` with its tensors replaced, in order, by what the iterator `leaves` gives."""
    if isinstance(tree, Tensor):
        return next(leaves)
    if isinstance(tree, dict):
        return {key: _rebuilt(value, leaves) for key, value in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*[_rebuilt(value, leaves) for value in tree])
    if isinstance(tree, (tuple, list)):
        return type(tree)(_rebuilt(value, leaves) for value in tree)
    return tree


def _like(tree, leaves):
    return _rebuilt(tree, iter(leaves))


class _Call:
    """One call of `f`, with the arguments `argnums` as fresh variables of their own graph.

    If the caller is recording and a variable requires grad there, the fresh ones stay connected
    to it (`outer`), and what is computed can be differentiated again.
    """

    def __init__(self, f, args, argnums, has_aux, name, kwargs=None):
        self.single = isinstance(argnums, int)
        self.chosen = (argnums,) if self.single else tuple(argnums)
        for i in self.chosen:
            if not -len(args) <= i < len(args):
                raise ValueError(f"{name}: argnums {i} is out of range for {len(args)} arguments")
        self.trees = [args[i] for i in self.chosen]
        given = _leaves(self.trees)
        if not given:
            raise TypeError(f"{name}: the arguments {self.chosen} hold no tensors")
        for x in given:
            if not x.is_floating_point():
                raise TypeError(f"{name}: cannot differentiate by a tensor of {x.dtype}")
        self.outer = is_grad_enabled() and any(x.requires_grad for x in given)
        with enable_grad():
            self.variables = [
                x.clone() if self.outer and x.requires_grad else x.detach().requires_grad_()
                for x in given
            ]
            fresh = iter(self.variables)
            args = list(args)
            for i, tree in zip(self.chosen, self.trees, strict=True):
                args[i] = _rebuilt(tree, fresh)
            out = f(*args, **(kwargs or {}))
        self.aux = None
        if has_aux:
            if not isinstance(out, tuple) or len(out) != 2:
                raise TypeError(f"{name}: with has_aux, f must return a pair (output, aux)")
            out, self.aux = out
        self.out = out
        self.outputs = _leaves(out)
        if not self.outputs:
            raise TypeError(f"{name}: f must return a tensor, got {type(out).__name__}")

    def scalar(self, name):
        """The output, a single element."""
        if not isinstance(self.out, Tensor) or self.out.numel() != 1:
            shape = getattr(self.out, "shape", type(self.out).__name__)
            raise ShapeError(f"{name}: f must return a single element, got {shape}")
        return self.out

    def pull(self, outputs, cotangents, create_graph, retain_graph=True):
        """Cotangents of the variables; zeros where an output does not depend on one."""
        pairs = [(y, v) for y, v in zip(outputs, cotangents, strict=True) if y.requires_grad]
        lead = cotangents[0].shape[: cotangents[0].ndim - outputs[0].ndim]
        found = [None] * len(self.variables)
        if pairs:
            ys, vs = zip(*pairs, strict=True)
            found = _pass.run(list(ys), list(vs), self.variables, retain_graph, create_graph)
        return [
            wrap(np.zeros(lead + x.shape, x.dtype)) if g is None else g
            for x, g in zip(self.variables, found, strict=True)
        ]

    def shaped(self, values):
        """`values`, one a variable, in the structure of the chosen arguments."""
        trees = _like(self.trees, values)
        return trees[0] if self.single else tuple(trees)

    def free(self, tree):
        """Results outside this call's graph, unless the caller records."""
        if self.outer:
            return tree
        return _like(tree, [x.detach() if x.requires_grad else x for x in _leaves(tree)])


def _one(y):
    return wrap(np.ones(y.shape, y.dtype))


# First order ----------------------------------------------------------------------------------


def value_and_grad(f, argnums=0, has_aux=False):
    """The function (x ↦ (f(x), ∇f(x))).

    Parameters
    ----------
    f : callable
        Returns a single element; with `has_aux`, a pair (element, anything).
    argnums : int or tuple of int
        The arguments to differentiate by; a tuple gives a tuple of gradients.

    Returns
    -------
    callable
        With the arguments of f; returns (value, gradient), or ((value, aux), gradient).

    Raises
    ------
    ShapeError
        f does not return a single element.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.func.value_and_grad(lambda x: (x ** 2).sum())(mg.tensor([1.0, 2.0]))
    (tensor(5.), tensor([2., 4.]))
    """

    def wrapped(*args, **kwargs):
        call = _Call(f, args, argnums, has_aux, "grad", kwargs)
        y = call.scalar("grad")
        grads = call.pull([y], [_one(y)], call.outer, call.outer)
        value = call.free(call.out)
        gradient = call.free(call.shaped(grads))
        return ((value, call.aux) if has_aux else value), gradient

    return wrapped


def grad(f, argnums=0, has_aux=False):
    """The gradient function x ↦ ∇f(x) of a function with a single-element result.

    Arguments as for `value_and_grad`; with `has_aux` returns (gradient, aux).

    >>> import minigrad as mg
    >>> second = mg.func.grad(mg.func.grad(lambda x: x ** 3))
    >>> second(mg.tensor(2.0))
    tensor(12.)
    """
    both = value_and_grad(f, argnums, has_aux)

    def wrapped(*args, **kwargs):
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapped


def _matching(tree, like, what, name):
    """The tensors of `tree`, checked against those of `like`."""
    values, wanted = _leaves(tree), _leaves(like)
    if len(values) != len(wanted):
        raise ShapeError(f"{name}: {len(wanted)} tensors, but {len(values)} {what}")
    for k, (v, x) in enumerate(zip(values, wanted, strict=True)):
        if v.shape != x.shape or v.dtype != x.dtype:
            raise ShapeError(
                f"{name}: {what} {k} must have shape {x.shape} and dtype {x.dtype}, "
                f"got {v.shape} and {v.dtype}"
            )
    return values


def vjp(f, *primals, has_aux=False):
    """f(x) and the function v ↦ vᵀ J, J the Jacobian of f at x.

    Returns
    -------
    (output, vjp_fn) or (output, vjp_fn, aux)
        `vjp_fn(v)`, v of the output's structure, returns a tuple with one entry a primal.

    Examples
    --------
    >>> import minigrad as mg
    >>> y, pull = mg.func.vjp(lambda x: x ** 2, mg.tensor([1.0, 2.0]))
    >>> pull(mg.tensor([1.0, 10.0]))
    (tensor([ 2., 40.]),)
    """
    call = _Call(f, primals, tuple(range(len(primals))), has_aux, "vjp")

    def pull(cotangents):
        values = _matching(cotangents, call.out, "cotangents", "vjp")
        record = is_grad_enabled() and (call.outer or any(v.requires_grad for v in values))
        grads = call.pull(call.outputs, values, record)
        return call.shaped(grads) if record else call.free(call.shaped(grads))

    out = call.free(call.out)
    return (out, pull, call.aux) if has_aux else (out, pull)


def jvp(f, primals, tangents, has_aux=False):
    """f(x) and J u, the directional derivative of f at x along u.

    By reverse mode twice: v ↦ vᵀJ is linear in v, and its own vector-Jacobian product with u
    is J u.

    Parameters
    ----------
    primals, tangents : tuple
        Same structure, shapes and dtypes.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.func.jvp(lambda x: x ** 2, (mg.tensor([1.0, 2.0]),), (mg.tensor([1.0, 0.0]),))
    (tensor([1., 4.]), tensor([2., 0.]))
    """
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise TypeError("jvp: primals and tangents must be tuples")
    call = _Call(f, tuple(primals), tuple(range(len(primals))), has_aux, "jvp")
    directions = _matching(tuple(tangents), call.trees, "tangents", "jvp")
    with enable_grad():
        cotangents = [wrap(np.zeros(y.shape, y.dtype)).requires_grad_() for y in call.outputs]
        rows = call.pull(call.outputs, cotangents, True)
        pairs = [(g, u) for g, u in zip(rows, directions, strict=True) if g.requires_grad]
    pushed = [None] * len(cotangents)
    if pairs:
        gs, us = zip(*pairs, strict=True)
        pushed = _pass.run(list(gs), list(us), cotangents, call.outer, call.outer)
    columns = [
        wrap(np.zeros(y.shape, y.dtype)) if t is None else t
        for y, t in zip(call.outputs, pushed, strict=True)
    ]
    result = call.free(call.out), call.free(_like(call.out, columns))
    return (*result, call.aux) if has_aux else result


def _basis(y, start, stop):
    """Rows start … stop of the identity, each in the shape of y."""
    block = np.zeros((stop - start, y.numel()), y.dtype)
    block[np.arange(stop - start), np.arange(start, stop)] = 1.0
    return wrap(block.reshape((stop - start,) + y.shape))


def _rows_at_once(y):
    """How many cotangents of `y` go through the graph in one pass, by its largest saved tensor."""
    widest, seen, path = y._array.nbytes, {y._node}, [y._node]
    while path:
        node = path.pop()
        saved = [x._array for x in node._inputs or () if isinstance(x, Tensor)]
        for array in saved if node._out is None else [*saved, node._out]:
            widest = max(widest, array.nbytes)
        for edge in node.edges or ():
            if edge is not None and edge not in seen:
                seen.add(edge)
                path.append(edge)
    return min(max(CHUNK // max(widest, 1), 16), 1024)


def _rows(call, y, chunk_size, record):
    """d(y)/d(variables): each of shape y.shape + x.shape, by batches of cotangents."""
    n = y.numel()
    if y.ndim == 0:
        return call.pull([y], [_one(y)], record)
    if not n or not y.requires_grad:
        return [wrap(np.zeros(y.shape + x.shape, x.dtype)) for x in call.variables]
    step = min(n, chunk_size or _rows_at_once(y))
    blocks = [call.pull([y], [_basis(y, a, min(a + step, n))], record) for a in range(0, n, step)]
    return [
        (ops.cat(parts) if len(parts) > 1 else parts[0]).reshape(y.shape + x.shape)
        for parts, x in zip(zip(*blocks, strict=True), call.variables, strict=True)
    ]


def jacobian(f, argnums=0, has_aux=False, chunk_size=None):
    """The function x ↦ J, with J[i…, j…] = ∂f(x)[i…] / ∂x[j…].

    All rows in one backward pass: the rules take a batch of cotangents.

    Parameters
    ----------
    f : callable
        Any output shape; structures give structures.
    argnums : int or tuple of int
    chunk_size : int, optional
        Rows in one pass. By default as many as keep the widest batch in a cache of 1 MB.

    Returns
    -------
    callable
        Its result has shape output.shape + x.shape, in the structure of the output, and inside
        it in that of the arguments.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.func.jacobian(lambda x: x ** 2)(mg.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"jacobian: chunk_size must be positive, got {chunk_size}")

    def wrapped(*args, **kwargs):
        call = _Call(f, args, argnums, has_aux, "jacobian", kwargs)
        blocks = [call.shaped(_rows(call, y, chunk_size, call.outer)) for y in call.outputs]
        result = call.free(_like(call.out, blocks))
        return (result, call.aux) if has_aux else result

    return wrapped


jacrev = jacobian


def hessian(f, argnums=0, chunk_size=None):
    """The function x ↦ H, with H[i…, j…] = ∂²f(x) / ∂x[i…] ∂x[j…].

    The Jacobian of the gradient: one backward pass for the gradient, one for all rows of H.

    Parameters
    ----------
    f : callable
        Any output shape, usually a single element.
    argnums : int or tuple of int
    chunk_size : int, optional
        Rows in one pass (default 256).

    Returns
    -------
    callable
        Its result has shape output.shape + x.shape + x.shape; for a dict of parameters a dict of
        dicts of such blocks.

    Examples
    --------
    >>> import minigrad as mg
    >>> toy = lambda w: (1 - w[0] * w[1]) ** 2
    >>> mg.func.hessian(toy)(mg.zeros(2))
    tensor([[ 0., -2.],
            [-2.,  0.]])
    """
    return jacobian(jacobian(f, argnums), argnums, chunk_size=chunk_size)


def hvp(f, primals, tangents):
    """f(x) and the Hessian-vector product H u: the gradient of gᵀu, for about two gradients' cost.

    Parameters
    ----------
    f : callable
        Returns a single element.
    primals, tangents : tuple
        The arguments of f and the direction u, in the same structure.

    Returns
    -------
    (Tensor, tuple)
        The value, and one entry a primal.

    Examples
    --------
    >>> import minigrad as mg
    >>> toy = lambda w: (1 - w[0] * w[1]) ** 2
    >>> mg.func.hvp(toy, (mg.zeros(2),), (mg.ones(2),))
    (tensor(1.), (tensor([-2., -2.]),))
    """
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise TypeError("hvp: primals and tangents must be tuples")
    call = _Call(f, tuple(primals), tuple(range(len(primals))), False, "hvp")
    y = call.scalar("hvp")
    directions = _matching(tuple(tangents), call.trees, "tangents", "hvp")
    with enable_grad():
        grads = call.pull([y], [_one(y)], True)
    pairs = [(g, u) for g, u in zip(grads, directions, strict=True) if g.requires_grad]
    if pairs:
        gs, us = zip(*pairs, strict=True)
        products = call.pull(list(gs), list(us), call.outer, call.outer)
    else:
        products = [wrap(np.zeros(x.shape, x.dtype)) for x in call.variables]
    return call.free(y), call.free(call.shaped(products))


# Modules as functions ---------------------------------------------------------------------------


def _places(module):
    """Where each parameter and buffer lies, under every name it has: (table, name there)."""
    found = {}
    for path, owner in module.named_modules(remove_duplicate=False):
        for table in (owner._parameters, owner._buffers):
            for leaf in table:
                found[f"{path}.{leaf}" if path else leaf] = (table, leaf)
    return found


def _tied(places, given):
    """`given`, with the value for one name of a shared tensor under all its names."""
    names = {}
    for name, (table, leaf) in places.items():
        if table[leaf] is not None:
            names.setdefault(id(table[leaf]), []).append(name)
    full = {}
    for name, value in given.items():
        table, leaf = places[name]
        for other in names.get(id(table[leaf]), [name]):
            if other in given and given[other] is not value:
                raise ValueError(
                    f"functional_call: {name} and {other} are one tensor, but got two values"
                )
            full[other] = value
    return full


def functional_call(module, parameters_and_buffers, args=(), kwargs=None, *, tie_weights=True):
    """Call `module` with other parameters and buffers, by name; the module stays as it was.

    Parameters
    ----------
    parameters_and_buffers : dict of str to Tensor, or a tuple of such dicts
        Names as in ``module.named_parameters()``; those left out keep the module's own.
    args : tuple or Tensor
        What the module is called with.
    kwargs : dict, optional
    tie_weights : bool
        Whether a value for one name of a shared parameter also stands under its other names.

    Raises
    ------
    GraphError
        A name that the module does not have.
    ValueError
        A name in two of the dicts, or different values for two names of a shared parameter.

    Examples
    --------
    >>> import minigrad as mg
    >>> model = mg.nn.Linear(2, 1)
    >>> weights = {"weight": mg.tensor([[1.0, 2.0]]), "bias": mg.tensor([0.5])}
    >>> mg.func.functional_call(model, weights, mg.ones(1, 2)).tolist()
    [[3.5]]
    """
    args = args if isinstance(args, tuple) else (args,)
    if not isinstance(parameters_and_buffers, (tuple, list)):
        parameters_and_buffers = (parameters_and_buffers,)
    places = _places(module)
    given = {}
    for part in parameters_and_buffers:
        for name, value in part.items():
            if name not in places:
                raise GraphError(
                    f"functional_call: {type(module).__name__} has no parameter or buffer {name!r}"
                )
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"functional_call: {name} must be a Tensor, got {type(value).__name__}"
                )
            if name in given:
                raise ValueError(f"functional_call: {name} is given twice")
            given[name] = value
    if tie_weights:
        given = _tied(places, given)
    undo = []
    try:
        for name, value in given.items():
            table, leaf = places[name]
            undo.append((table, leaf, table[leaf]))
            table[leaf] = value
        return module(*args, **(kwargs or {}))
    finally:
        for table, leaf, value in reversed(undo):
            table[leaf] = value
