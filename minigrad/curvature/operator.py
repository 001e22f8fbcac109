"""The Hessian and the Gauss–Newton matrix as linear operators: products, never the matrix.

    H v = ∇(gᵀ v),  g = ∇L                                (Pearlmutter, 1994)
    G v = Jᵀ (∇²_z ℓ) J v,  z = model(x), J = ∂z/∂θ       (Schraudolph, 2002)

A product with k vectors at once sends a batch of k cotangents through the graph of g.
"""

import numpy as np

from minigrad.autograd import grad
from minigrad.curvature.loss import FunctionLoss, ModelLoss, flat
from minigrad.errors import ShapeError
from minigrad.func import _rows_at_once
from minigrad.tensor import Tensor, wrap

LIMIT = 3000  # parameters up to which the whole matrix is made unasked


class Operator:
    """A symmetric n × n matrix known by its products with vectors.

    Attributes
    ----------
    shape : (n, n)
    dtype : numpy.dtype
        Of the computation, and of what products return.
    names : list of str
        Of the parameters, in the order of the flat vector.
    """

    def __init__(self, pieces):
        self._pieces = pieces
        sizes = [p.numel() for p in pieces.parameters]
        n = sum(sizes)
        self.shape = (n, n)
        self.dtype = pieces.dtype
        self.names = list(pieces.names)
        ends = np.cumsum(sizes)
        self._slices = [slice(int(b - s), int(b)) for b, s in zip(ends, sizes, strict=True)]
        self._graphs = {}

    def __repr__(self):
        return f"{type(self).__name__}({self.shape[0]} × {self.shape[0]}, {self.dtype})"

    # the loss -------------------------------------------------------------------------------
    def loss(self):
        """L(θ), a Python float."""
        return sum(
            self._pieces.weight(k) * self._pieces.loss(k).item() for k in range(len(self._pieces))
        )

    def gradient(self):
        """∇L(θ), an array of shape (n,)."""
        total = np.zeros(self.shape[0], self.dtype)
        for k in range(len(self._pieces)):
            total += self._pieces.weight(k) * self._gradient(k, False).detach().numpy()
        return total

    def _gradient(self, k, create_graph):
        leaves = self._pieces.parameters
        loss = self._pieces.loss(k)
        if not loss.requires_grad:
            return wrap(np.zeros(self.shape[0], self.dtype))
        found = grad(loss, leaves, create_graph=create_graph, allow_unused=True)
        return _joined(found, leaves)

    # flat vectors and parameters ------------------------------------------------------------
    def flatten(self, tensors):
        """One array of shape (n,) from a dict by name, or a list, of tensors or arrays."""
        if isinstance(tensors, dict):
            tensors = [tensors[name] for name in self.names]
        arrays = [x.detach().numpy() if isinstance(x, Tensor) else x for x in tensors]
        return np.concatenate([np.asarray(a, self.dtype).reshape(-1) for a in arrays])

    def unflatten(self, vector):
        """The parts of a vector (n,) as tensors of the parameters' shapes, by name."""
        vector = self._checked(vector, 1)
        return {
            name: wrap(vector[part].reshape(p.shape).copy())
            for name, part, p in zip(
                self.names, self._slices, self._pieces.parameters, strict=True
            )
        }

    def _checked(self, x, ndim):
        x = x.detach().numpy() if isinstance(x, Tensor) else np.asarray(x)
        n = self.shape[0]
        if x.ndim == 2 and ndim == 1 and x.shape == (n, 1):
            x = x[:, 0]
        if x.ndim != ndim or x.shape[0] != n:
            raise ShapeError(
                f"{type(self).__name__}: expected shape {(n,) if ndim == 1 else (n, 'k')}, "
                f"got {x.shape}"
            )
        return x.astype(self.dtype, copy=False)

    # products -------------------------------------------------------------------------------
    def matvec(self, v):
        """The product with a vector (n,), an array (n,)."""
        return self._rows(self._checked(v, 1)[None])[0]

    def matmat(self, m):
        """The product with a matrix (n, k), an array (n, k): k vectors in one go."""
        return np.ascontiguousarray(self._rows(np.ascontiguousarray(self._checked(m, 2).T)).T)

    def __matmul__(self, x):
        return self.matvec(x) if np.ndim(x) == 1 else self.matmat(x)

    def _rows(self, vectors):
        """Products with the rows of `vectors` (k, n): an array (k, n)."""
        total = np.zeros(vectors.shape, self.dtype)
        for k in range(len(self._pieces)):
            total += self._pieces.weight(k) * self._products(k, vectors)
        return total

    def _products(self, k, vectors):
        """The same for piece `k`."""
        raise NotImplementedError

    def _graph(self, k, make):
        """`make()`, kept where there is one piece: its graph then serves every product."""
        if len(self._pieces) > 1:
            return make()
        if k not in self._graphs:
            self._graphs[k] = make()
        return self._graphs[k]

    # matrices -------------------------------------------------------------------------------
    def dense(self, limit=LIMIT):
        """The whole matrix, an array (n, n), made symmetric: (H + Hᵀ) / 2.

        Raises
        ------
        ValueError
            More than `limit` parameters.
        """
        n = self.shape[0]
        if n > limit:
            gigabytes = n * n * self.dtype.itemsize / 1e9
            raise ValueError(
                f"{type(self).__name__}.dense: {n} parameters are {gigabytes:.1f} GB; the limit "
                f"is {limit}: use eigenpairs, trace or spectral_density, or raise `limit`"
            )
        whole = self._columns(0, n)
        return (whole + whole.T) / 2

    def _columns(self, start, stop):
        """Columns start … stop, an array (stop - start, n), some at a time."""
        n = self.shape[0]
        step = self._at_once()
        out = np.empty((stop - start, n), self.dtype)
        for a in range(start, stop, step):
            b = min(a + step, stop)
            unit = np.zeros((b - a, n), self.dtype)
            unit[np.arange(b - a), np.arange(a, b)] = 1
            out[a - start : b - start] = self._rows(unit)
        return out

    def _at_once(self):
        """How many cotangents go through a graph in one pass."""
        return 64

    def blocks(self, limit=LIMIT):
        """The diagonal blocks, one a parameter: a dict of arrays (m, m) by name.

        >>> import minigrad as mg
        >>> from minigrad.curvature import Hessian
        >>> parts = {"a": mg.ones(1), "b": mg.ones(1)}
        >>> H = Hessian.of(lambda p: (p["a"] * p["b"]).sum() ** 2, parts)
        >>> {name: block.tolist() for name, block in H.blocks().items()}
        {'a': [[2.0]], 'b': [[2.0]]}
        """
        found = {}
        for name, part in zip(self.names, self._slices, strict=True):
            if part.stop - part.start > limit:
                raise ValueError(
                    f"{type(self).__name__}.blocks: {name!r} has {part.stop - part.start} "
                    f"elements, the limit is {limit}"
                )
            block = self._columns(part.start, part.stop)[:, part]
            found[name] = (block + block.T) / 2
        return found

    def diagonal_of(self, matrix):
        """A part of an (n, n) array for each parameter, by name."""
        return {
            name: matrix[part, part] for name, part in zip(self.names, self._slices, strict=True)
        }

    def to_scipy(self):
        """A `scipy.sparse.linalg.LinearOperator` with the same products."""
        try:
            from scipy.sparse.linalg import LinearOperator
        except ImportError:
            raise ImportError(
                "curvature: SciPy is missing; install it with pip install 'minigrad-cython[lab]'"
            ) from None
        return LinearOperator(
            self.shape,
            matvec=self.matvec,
            matmat=self.matmat,
            rmatvec=self.matvec,
            dtype=self.dtype,
        )


class _OfModel(Operator):
    """A matrix of a module's loss; the arguments are documented at `Hessian`."""

    def __init__(
        self,
        model,
        loss,
        data,
        *,
        parameters=None,
        batch_norm="train",
        reduction="mean",
        dtype=None,
    ):
        super().__init__(ModelLoss(model, loss, data, parameters, batch_norm, reduction, dtype))


class Hessian(_OfModel):
    """The Hessian of a loss over the parameters of a module, at their present values.

    L(θ) = Σ_b n_b loss(model_θ(x_b), y_b) / Σ_b n_b. The operator is a fixed function: it copies
    the parameters, draws the batches once, switches dropout off, and leaves the module, its
    buffers and its mode as they were.

    Parameters
    ----------
    model : Module
    loss : callable
        ``loss(output, target)``, a single element: the mean over the batch (or its sum, with
        ``reduction="sum"``).
    data : (inputs, targets) or iterable of such batches
        A DataLoader, say. The last of a batch is the target, the others go to the model.
    parameters : iterable of str, optional
        Names of the parameters to differentiate by; all that require grad by default.
    batch_norm : {'train', 'eval'}
        Whether batch norm uses the statistics of the batch, which are then part of the function,
        or its running ones.
    reduction : {'mean', 'sum'}
        How the batches' losses are put together; 'mean' weighs by size.
    dtype : dtype, optional
        float64 to compute in double precision whatever the model's dtype.

    Raises
    ------
    ValueError
        No parameters, no batches, an unknown name or option.
    ShapeError
        The loss is not a single element.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.curvature import Hessian
    >>> model = mg.nn.Linear(2, 1, bias=False)
    >>> x, y = mg.tensor([[1.0, 0.0], [0.0, 2.0]]), mg.zeros(2, 1)
    >>> H = Hessian(model, mg.nn.functional.mse_loss, (x, y))
    >>> H.dense().tolist(), H.matvec([1.0, 1.0]).tolist()
    ([[1.0, 0.0], [0.0, 4.0]], [1.0, 4.0])

    References
    ----------
    Pearlmutter, 1994, "Fast exact multiplication by the Hessian".
    """

    @classmethod
    def of(cls, f, parameters, *, dtype=None):
        """The Hessian of f(parameters), for a tensor or nested tuples, lists, dicts of tensors.

        >>> import minigrad as mg
        >>> from minigrad.curvature import Hessian
        >>> Hessian.of(lambda w: (1 - w[0] * w[1]) ** 2, mg.zeros(2)).dense().tolist()
        [[0.0, -2.0], [-2.0, 0.0]]
        """
        self = cls.__new__(cls)
        Operator.__init__(self, FunctionLoss(f, parameters, dtype))
        return self

    def _products(self, k, vectors):
        g = self._graph(k, lambda: self._gradient(k, True))
        if not g.requires_grad:  # the gradient is constant
            return np.zeros_like(vectors)
        return _pull(g, self._pieces.parameters, wrap(vectors))

    def _at_once(self):
        g = self._gradient(0, True)
        return _rows_at_once(g) if g.requires_grad else 64


def _joined(grads, leaves):
    """Gradients as one vector, recorded; zeros where the loss does not depend on a leaf."""
    return flat(
        [
            wrap(np.zeros(p.shape, p.dtype)) if g is None else g
            for g, p in zip(grads, leaves, strict=True)
        ]
    )


def _pull(y, inputs, cotangents):
    """Cotangents of `inputs`, flat: an array (k, n) from cotangents (k, *y.shape)."""
    found = grad(
        y, inputs, cotangents, is_grads_batched=True, retain_graph=True, allow_unused=True
    )
    count = cotangents.shape[0]
    return np.concatenate(
        [
            np.zeros((count, x.numel()), x.dtype) if g is None else g.numpy().reshape(count, -1)
            for g, x in zip(found, inputs, strict=True)
        ],
        axis=1,
    )


class GaussNewton(_OfModel):
    """The generalised Gauss–Newton matrix Jᵀ (∇²_z loss) J: the Hessian of a linearised model.

    Positive semi-definite where the loss is convex in the model's output z (squared error,
    cross-entropy), and there equal to the Fisher information for those two. It leaves out of the
    Hessian the curvature of the model itself. Parameters as for `Hessian`.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.curvature import GaussNewton
    >>> model = mg.nn.Linear(2, 1, bias=False)
    >>> x, y = mg.tensor([[1.0, 0.0], [0.0, 2.0]]), mg.zeros(2, 1)
    >>> GaussNewton(model, mg.nn.functional.mse_loss, (x, y)).dense().tolist()
    [[1.0, 0.0], [0.0, 4.0]]

    References
    ----------
    Schraudolph, 2002, "Fast curvature matrix-vector products for second-order gradient descent".
    """

    def _products(self, k, vectors):
        leaves = self._pieces.parameters
        output, z, row, push, slope = self._graph(k, lambda: self._linearised(k))
        if not row.requires_grad or not slope.requires_grad:
            return np.zeros_like(vectors)
        count = len(vectors)
        # J v: the derivative along v of u ↦ Jᵀu, which is linear in u.
        (tangents,) = grad(row, [push], wrap(vectors), is_grads_batched=True, retain_graph=True)
        (bent,) = grad(slope, [z], tangents, is_grads_batched=True, retain_graph=True)
        return _pull(output, leaves, bent.reshape((count, *output.shape)))

    def _linearised(self, k):
        """What G is made of: the output, z cut off from the model, Jᵀu with u, and ∇_z loss."""
        leaves = self._pieces.parameters
        output = self._pieces.output(k)
        if not isinstance(output, Tensor):
            raise TypeError(
                f"GaussNewton: the model must return a Tensor, got {type(output).__name__}"
            )
        push = wrap(np.zeros(output.shape, output.dtype)).requires_grad_()
        found = grad(output, leaves, push, create_graph=True, allow_unused=True)
        row = _joined(found, leaves)
        z = output.detach().requires_grad_()
        (slope,) = grad(self._pieces.loss_of(z, k), [z], create_graph=True)
        return output, z, row, push, slope
