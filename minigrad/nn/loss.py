"""Losses as modules: a scalar from predictions and targets ('none': one for each)."""

from minigrad.nn import functional as F
from minigrad.nn.module import Module


class Loss(Module):
    """Base of the losses: checks and keeps `reduction`.

    >>> from minigrad import nn
    >>> nn.MSELoss(reduction="sum").reduction
    'sum'
    """

    reductions: tuple[str, ...] = ("none", "mean", "sum")

    def __init__(self, *, reduction="mean"):
        super().__init__()
        if reduction not in self.reductions:
            raise ValueError(
                f"{type(self).__name__}: reduction must be one of {self.reductions}, "
                f"got {reduction!r}"
            )
        self.reduction = reduction


class CrossEntropyLoss(Loss):
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
        super().__init__(reduction=reduction)
        self.register_buffer("weight", weight)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(
                f"CrossEntropyLoss: label_smoothing must be in [0, 1], got {label_smoothing}"
            )
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input, target):
        """`input` (N, C, ...) logits; `target` (N, ...) classes or (N, C, ...) probabilities."""
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(Loss):
    """-input[target] of log-probabilities; see `functional.nll_loss`. Options as cross-entropy's.

    Examples
    --------
    >>> import minigrad as mg
    >>> loss = mg.nn.NLLLoss()
    >>> loss(mg.tensor([[-1.0, -2.0]]), mg.tensor([1]))
    tensor(2.)
    """

    def __init__(self, weight=None, *, ignore_index=-100, reduction="mean"):
        super().__init__(reduction=reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, input, target):
        """`input` (N, C, ...) log-probabilities, `target` (N, ...) classes."""
        return F.nll_loss(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )


class MSELoss(Loss):
    """(input - target)², by default its mean over all elements; see `functional.mse_loss`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.MSELoss()(mg.tensor([1.0, 3.0]), mg.tensor([1.0, 1.0]))
    tensor(2.)
    """

    def forward(self, input, target):
        """Two tensors of one shape."""
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(Loss):
    """|input − target|, by default its mean; see `functional.l1_loss`.

    >>> import minigrad as mg
    >>> mg.nn.L1Loss()(mg.tensor([1.0, 3.0]), mg.tensor([1.0, 1.0]))
    tensor(1.)
    """

    def forward(self, input, target):
        """Two tensors of one shape."""
        return F.l1_loss(input, target, reduction=self.reduction)


class HuberLoss(Loss):
    """d²/2 where |d| < delta, else delta (|d| − delta/2); see `functional.huber_loss`.

    >>> import minigrad as mg
    >>> mg.nn.HuberLoss()(mg.tensor([1.0, 3.0]), mg.tensor([1.0, 1.0]))
    tensor(0.75)
    """

    def __init__(self, reduction="mean", delta=1.0):
        super().__init__(reduction=reduction)
        if isinstance(delta, bool) or not isinstance(delta, (int, float)):
            raise TypeError(f"HuberLoss: delta must be a float or int, got {delta!r}")
        self.delta = delta

    def forward(self, input, target):
        """Two tensors of one shape."""
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class SmoothL1Loss(Loss):
    """d²/(2 beta) where |d| < beta, else |d| − beta/2; see `functional.smooth_l1_loss`.

    >>> import minigrad as mg
    >>> mg.nn.SmoothL1Loss()(mg.tensor([1.0, 3.0]), mg.tensor([1.0, 1.0]))
    tensor(0.75)
    """

    def __init__(self, *, reduction="mean", beta=1.0):
        super().__init__(reduction=reduction)
        self.beta = beta

    def forward(self, input, target):
        """Two tensors of one shape."""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class BCELoss(Loss):
    """−t log x − (1 − t) log(1 − x), x a probability; see `functional.binary_cross_entropy`.

    >>> import minigrad as mg
    >>> mg.nn.BCELoss()(mg.tensor([0.5, 0.5]), mg.tensor([1.0, 0.0]))  # log 2
    tensor(0.6931)
    """

    def __init__(self, weight=None, *, reduction="mean"):
        super().__init__(reduction=reduction)
        self.register_buffer("weight", weight)

    def forward(self, input, target):
        """`input` probabilities, `target` in [0, 1], of one shape."""
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(Loss):
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
        super().__init__(reduction=reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input, target):
        """`input` logits, `target` probabilities in [0, 1], of one shape."""
        return F.binary_cross_entropy_with_logits(
            input,
            target,
            self.weight,
            reduction=self.reduction,
            pos_weight=self.pos_weight,
        )


class KLDivLoss(Loss):
    """t (log t − input), input log-probabilities; 'batchmean' is the divergence.

    See `functional.kl_div`.

    >>> import minigrad as mg
    >>> loss = mg.nn.KLDivLoss(reduction="batchmean")
    >>> loss(mg.log(mg.tensor([[0.9, 0.1]])), mg.tensor([[0.5, 0.5]]))
    tensor(0.5108)
    """

    reductions = ("none", "mean", "sum", "batchmean")

    def __init__(self, *, reduction="mean", log_target=False):
        super().__init__(reduction=reduction)
        self.log_target = log_target

    def forward(self, input, target):
        """`input` log-probabilities; `target` probabilities, or logarithms if `log_target`."""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class GaussianNLLLoss(Loss):
    """(log var + (input − target)²/var) / 2; see `functional.gaussian_nll_loss`.

    >>> import minigrad as mg
    >>> mg.nn.GaussianNLLLoss()(mg.zeros(2), mg.tensor([1.0, 2.0]), mg.ones(2))
    tensor(1.25)
    """

    def __init__(self, *, full=False, eps=1e-6, reduction="mean"):
        super().__init__(reduction=reduction)
        self.full, self.eps = full, eps

    def forward(self, input, target, var):
        """`input` the means, `var` the variances."""
        return F.gaussian_nll_loss(
            input, target, var, full=self.full, eps=self.eps, reduction=self.reduction
        )


class PoissonNLLLoss(Loss):
    """exp(input) − target input, input = log λ; see `functional.poisson_nll_loss`.

    >>> import minigrad as mg
    >>> mg.nn.PoissonNLLLoss()(mg.tensor([0.0, 1.0]), mg.tensor([2.0, 3.0]))
    tensor(0.3591)
    """

    def __init__(self, log_input=True, full=False, *, eps=1e-8, reduction="mean"):
        super().__init__(reduction=reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, input, target):
        """`input` log λ, or λ if not `log_input`; `target` counts."""
        return F.poisson_nll_loss(
            input,
            target,
            log_input=self.log_input,
            full=self.full,
            eps=self.eps,
            reduction=self.reduction,
        )
