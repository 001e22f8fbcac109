"""Losses as modules: a scalar from predictions and targets ('none': one for each)."""

from minigrad.nn.functional import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    mse_loss,
    nll_loss,
)
from minigrad.nn.module import Module


class _Loss(Module):
    def __init__(self, reduction="mean", **buffers):
        super().__init__()
        if reduction not in ("none", "mean", "sum"):
            raise ValueError(
                f"{type(self).__name__}: reduction must be 'none', 'mean' or 'sum', "
                f"got {reduction!r}"
            )
        self.reduction = reduction
        for name, tensor in buffers.items():
            self.register_buffer(name, tensor)


class CrossEntropyLoss(_Loss):
    """-log softmax(logits)[target], in nats; see `functional.cross_entropy`.

    Parameters
    ----------
    weight : Tensor (C,), optional
        A factor for each class.
    ignore_index : int
        Targets that do not count.
    reduction : {'mean', 'sum', 'none'}
        'mean' is over the weights of the targets that count.
    label_smoothing : float
        In [0, 1]: this share of the target is spread evenly over the classes.

    Examples
    --------
    >>> import minigrad as mg
    >>> loss = mg.nn.CrossEntropyLoss()
    >>> loss(mg.zeros(3, 4), mg.tensor([0, 1, 3]))  # log 4
    tensor(1.3863)
    """

    def __init__(self, weight=None, *, ignore_index=-100, reduction="mean", label_smoothing=0.0):
        super().__init__(reduction, weight=weight)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(
                f"CrossEntropyLoss: label_smoothing must be in [0, 1], got {label_smoothing}"
            )
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input, target):
        """`input` (N, C, ...) logits; `target` (N, ...) classes or (N, C, ...) probabilities."""
        return cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(_Loss):
    """-input[target] of log-probabilities; see `functional.nll_loss`. Options as cross-entropy's.

    Examples
    --------
    >>> import minigrad as mg
    >>> loss = mg.nn.NLLLoss()
    >>> loss(mg.tensor([[-1.0, -2.0]]), mg.tensor([1]))
    tensor(2.)
    """

    def __init__(self, weight=None, *, ignore_index=-100, reduction="mean"):
        super().__init__(reduction, weight=weight)
        self.ignore_index = ignore_index

    def forward(self, input, target):
        """`input` (N, C, ...) log-probabilities, `target` (N, ...) classes."""
        return nll_loss(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )


class MSELoss(_Loss):
    """(input - target)², by default its mean over all elements; see `functional.mse_loss`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.MSELoss()(mg.tensor([1.0, 3.0]), mg.tensor([1.0, 1.0]))
    tensor(2.)
    """

    def __init__(self, *, reduction="mean"):
        super().__init__(reduction)

    def forward(self, input, target):
        """Two tensors of one shape."""
        return mse_loss(input, target, reduction=self.reduction)


class BCEWithLogitsLoss(_Loss):
    """-t log σ(x) - (1 - t) log(1 - σ(x)), in nats and without overflow.

    See `functional.binary_cross_entropy_with_logits`.

    Parameters
    ----------
    weight : Tensor, optional
        A factor for each element; broadcasts.
    reduction : {'mean', 'sum', 'none'}
    pos_weight : Tensor, optional
        A factor for the first term, of one number for each class.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.BCEWithLogitsLoss()(mg.zeros(3), mg.ones(3))  # log 2
    tensor(0.6931)
    """

    def __init__(self, weight=None, *, reduction="mean", pos_weight=None):
        super().__init__(reduction, weight=weight, pos_weight=pos_weight)

    def forward(self, input, target):
        """`input` logits, `target` probabilities in [0, 1], of one shape."""
        return binary_cross_entropy_with_logits(
            input,
            target,
            self.weight,
            reduction=self.reduction,
            pos_weight=self.pos_weight,
        )
