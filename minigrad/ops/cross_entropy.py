"""Losses of one class among C: cross-entropy, which is fused, and the negative log-likelihood.

They take logits (N, C, d1, …) and targets (N, d1, …), brought to rows (n, C) and (n,) first.
"""

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

from minigrad.errors import DtypeError, GraphError, ShapeError

if cython.compiled:
    from cython.cimports.minigrad.engine import Binary, Unary, wrap
    from cython.cimports.minigrad.kernels import softmax as fast
else:
    from minigrad import kernels as fast
    from minigrad.engine import Binary, Unary, wrap

from minigrad.ops.index import take_flat
from minigrad.ops.loss_operands import check_reduction
from minigrad.ops.shape import check_tensor, permute, reshape, same_dtypes, unsqueeze
from minigrad.ops.softmax import SoftmaxGrad, log_softmax, softmax

__all__ = []


@cython.cclass
class CrossEntropy(Unary):
    """L = Σ_i l_i / W or Σ_i l_i or (l_i), l_i = −Σ_k q_ik ln p_ik, p = softmax(z)

    q_i = (1 − s) w_t onehot(t) + (s / C) w, 0 where t is ignored; W = Σ w_t.

    The kernel makes dL/dz along with L, while z is in cache. The first backward pass takes it; a
    second one (`retain_graph`) has the kernel make it again.
    """

    labels: tuple  # targets (N,), weight (C,) or None, ignore_index, smoothing s
    reduction: str
    total: cython.double  # W
    slope: object  # dL/dz, or None when it was taken

    def __init__(self, labels, reduction):
        self.labels, self.reduction, self.slope = labels, reduction, None

    @cython.ccall
    def forward(self, z):
        targets, weight, ignore_index, smoothing = self.labels
        recorded = self.edges is not None
        loss, self.slope, self.total = fast.cross_entropy(
            z, targets, weight, ignore_index, smoothing, self.reduction, recorded
        )
        if recorded:
            self.save_input(0)
        return loss

    @cython.ccall
    def backward(self, grad):
        z = self.input(0)
        slope, self.slope = self.slope, None
        return CrossEntropyGrad(self.labels, self.reduction, self.total, slope).apply(grad, z)


@cython.cclass
class CrossEntropyGrad(Binary):
    """d = g (c p − q) / W, c_i = Σ_k q_ik;  dg = Σ v (c p − q) / W,  dz = g c p (v − Σ p v) / W"""

    labels: tuple
    reduction: str
    total: cython.double  # W
    slope: object  # d for g = 1, or None

    def __init__(self, labels, reduction, total, slope):
        self.labels, self.reduction = labels, reduction
        self.total, self.slope = total, slope

    @cython.ccall
    def forward(self, x, y):
        self._broadcasts = True
        self._saves = 3
        targets, weight, ignore_index, smoothing = self.labels
        slope, self.slope = self.slope, None
        if slope is None:
            slope = fast.cross_entropy(
                y, targets, weight, ignore_index, smoothing, self.reduction, True
            )[1]
        by_row = self.reduction == "none"
        if x.ndim <= by_row:
            return fast.cross_entropy_scale_(slope, x, targets, ignore_index)
        return (x[..., None] if by_row else x[..., None, None]) * slope  # a batch of g

    @cython.ccall
    def backward(self, grad):
        g, z = self.input(0), self.input(1)
        dg = dz = None
        if self.needs_grad(0):
            node = CrossEntropyGrad(self.labels, self.reduction, self.total, None)
            each = node.apply(wrap(np.ones((), z.dtype)), z)
            dg = (grad * each).sum(-1)
            if self.reduction != "none":
                dg = dg.sum(-1)
        if self.needs_grad(1):
            g = unsqueeze(g, -1)
            if self.reduction != "none":
                g = unsqueeze(g, -1)
            dz = SoftmaxGrad().apply(grad * (g * wrap(self.row_weights(z))), softmax(z, -1))
        return dg, dz

    def row_weights(self, z):
        """c / W as a column, (N, 1)."""
        targets, weight, ignore_index, smoothing = self.labels
        kept = targets != ignore_index
        c = kept * 1.0
        if weight is not None:
            at_target = weight[np.where(kept, targets, 0)]
            c *= (1.0 - smoothing) * at_target + smoothing * weight.mean(dtype=np.float64)
        if self.reduction == "mean" and self.total:  # else every row is ignored
            c /= self.total
        return c.astype(z.dtype)[:, None]


def _rows(input, name):
    """Logits as rows (n, C), and the shape of the losses."""
    if not check_tensor(input, name).ndim:
        raise ShapeError(
            f"{name}: expected logits (C,), (N, C) or (N, C, d1, ...), got a 0-d tensor"
        )
    if input.dtype.kind != "f":
        raise DtypeError(f"{name}: logits must be floating, got {input.dtype}")
    if input.ndim == 1:
        return unsqueeze(input, 0), ()
    if input.ndim == 2:
        return input, input.shape[:1]
    last = permute(input, (0, *range(2, input.ndim), 1))
    size = 1
    for n in last.shape[:-1]:
        size *= n
    return reshape(last, (size, input.shape[1])), last.shape[:-1]


def _classes(target, losses_shape, input, name):
    """Class indices as a flat int64 array."""
    if target.shape != losses_shape:
        raise ShapeError(
            f"{name}: logits {input.shape} need class indices of shape {losses_shape}, "
            f"got {target.shape}"
        )
    flat = np.ascontiguousarray(target._array, np.int64)  # at least 1-d
    return flat if flat.ndim == 1 else flat.reshape(-1)


def _check_classes(flat, c, ignore_index, shape, name):
    """Raise an IndexError for the first class outside [0, c)."""
    bad = ((flat < 0) | (flat >= c)) & (flat != ignore_index)
    if bad.any():
        at = tuple([int(i) for i in np.unravel_index(int(bad.argmax()), shape or (1,))])
        place = at[0] if len(at) == 1 else at
        raise IndexError(
            f"{name}: targets must be integers in [0, {c}), got {flat[bad][0]} at index {place}"
        )


def _class_weight(weight, c, dtype, name):
    if weight is None:
        return None
    if check_tensor(weight, name).shape != (c,):
        raise ShapeError(f"{name}: weight must have shape ({c},), got {weight.shape}")
    if weight.requires_grad:
        raise GraphError(f"{name}: not differentiable in weight; detach it")
    if weight.dtype != dtype:
        raise DtypeError(f"{name}: weight is {weight.dtype}, the logits {dtype}")
    return np.ascontiguousarray(weight._array)


def cross_entropy(
    input, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0
):
    """Cross-entropy of softmax(input) against the targets: −Σ_k q_k log softmax(input)_k, nats.

    q = w_t onehot(t), mixed with the uniform distribution by `label_smoothing` s:
    (1 − s) w_t onehot(t) + (s / C) w. For probabilities t as targets: w ((1 − s) t + s / C).

    Parameters
    ----------
    input : Tensor, (C,), (N, C) or (N, C, d1, …)
        Logits: unnormalised, not probabilities.
    target : Tensor
        Class indices, integers, (), (N,) or (N, d1, …); or class probabilities, floating, of the
        shape of `input`.
    weight : Tensor, (C,), optional
        Factor of each class.
    ignore_index : int
        Targets with this value count nothing.
    reduction : str
        "mean": the sum over Σ w_t of the targets that count (over N for probabilities); "sum";
        "none".
    label_smoothing : float in [0, 1]

    Returns
    -------
    Tensor
        0-d, or of the targets' shape. Gradient: (c softmax(input) − q) g, c = Σ_k q_k. The mean
        over no target is NaN.

    Raises
    ------
    IndexError
        A class outside [0, C).
    ShapeError, DtypeError, ValueError
        Shapes, dtypes or options that do not fit.

    Examples
    --------
    >>> import minigrad as mg
    >>> logits = mg.tensor([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    >>> mg.nn.functional.cross_entropy(logits, mg.tensor([0, 0]))
    tensor(1.2395)
    """
    name = "cross_entropy"
    check_reduction(reduction, name)
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"{name}: label_smoothing must lie in [0, 1], got {label_smoothing}")
    rows, shape = _rows(input, name)
    c = rows.shape[1]
    check_tensor(target, name)
    if target.dtype.kind == "f":
        if ignore_index >= 0:
            raise ValueError(f"{name}: ignore_index does not go with class probabilities")
        return _soft_cross_entropy(input, target, rows, shape, weight, reduction, label_smoothing)
    if target.dtype.kind == "b":
        raise DtypeError(f"{name}: targets must be class indices or probabilities, got bool")
    flat = _classes(target, shape, input, name)
    labels = (flat, _class_weight(weight, c, input.dtype, name), ignore_index, label_smoothing)
    try:
        loss = CrossEntropy(labels, reduction).apply(rows)
    except IndexError:
        _check_classes(flat, c, ignore_index, shape, name)
        raise
    return loss if reduction != "none" or len(shape) == 1 else reshape(loss, shape)


def _soft_cross_entropy(input, target, rows, shape, weight, reduction, smoothing):
    """Cross-entropy against class probabilities, differentiable in both."""
    name = "cross_entropy"
    if target.shape != input.shape:
        raise ShapeError(
            f"{name}: class probabilities must have the logits' shape {input.shape}, "
            f"got {target.shape}"
        )
    same_dtypes(name, input, target)
    c = rows.shape[1]
    t = _rows(target, name)[0]
    if smoothing:
        t = t * (1.0 - smoothing) + smoothing / c
    w = _class_weight(weight, c, input.dtype, name)
    if w is not None:
        t = t * wrap(w)
    losses = -(t * log_softmax(rows, -1)).sum(-1)
    if reduction == "none":
        return reshape(losses, shape)
    total = losses.sum()
    if reduction == "sum":
        return total
    # The mean is over the batch and the trailing dims, as in PyTorch.
    return total * (1.0 / losses.numel() if losses.numel() else float("nan"))


def nll_loss(input, target, weight=None, ignore_index=-100, reduction="mean"):
    """Negative log-likelihood: −w_t input[t], for log-probabilities, nats.

    Arguments as for `cross_entropy`, with log-probabilities in place of logits and class indices
    as targets.

    >>> import minigrad as mg
    >>> logp = mg.log_softmax(mg.tensor([[2.0, 0.0]]), 1)
    >>> mg.nn.functional.nll_loss(logp, mg.tensor([0]))
    tensor(0.1269)
    """
    name = "nll_loss"
    check_reduction(reduction, name)
    rows, shape = _rows(input, name)
    c = rows.shape[1]
    if check_tensor(target, name).dtype.kind not in "iu":
        raise DtypeError(f"{name}: targets must be class indices, got {target.dtype}")
    flat = _classes(target, shape, input, name)
    _check_classes(flat, c, ignore_index, shape, name)
    w = _class_weight(weight, c, input.dtype, name)
    kept = flat != ignore_index
    safe = np.where(kept, flat, 0)
    factors = (np.ones(flat.shape, input.dtype) if w is None else w[safe]) * kept
    picked = take_flat(rows, np.arange(len(flat)) * c + safe, unique=True)
    losses = picked * wrap(-factors.astype(input.dtype))
    if reduction == "none":
        return reshape(losses, shape)
    total = float(factors.sum())
    if reduction == "sum":
        return losses.sum()
    return losses.sum() * (1.0 / total if total else float("nan"))
