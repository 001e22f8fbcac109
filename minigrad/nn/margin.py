"""Losses of margins as modules. Formulas: `minigrad.ops.margin`."""

from minigrad.nn import functional as F
from minigrad.nn.loss import Loss


class HingeEmbeddingLoss(Loss):
    """x where y = 1, max(0, margin − x) where y = −1; see `functional.hinge_embedding_loss`.

    >>> import minigrad as mg
    >>> mg.nn.HingeEmbeddingLoss()(mg.tensor([0.25, 0.25]), mg.tensor([1, -1]))
    tensor(0.5)
    """

    def __init__(self, margin=1.0, *, reduction="mean"):
        super().__init__(reduction=reduction)
        self.margin = margin

    def forward(self, input, target):
        """`input` distances, `target` of 1 and −1."""
        return F.hinge_embedding_loss(input, target, self.margin, reduction=self.reduction)


class MarginRankingLoss(Loss):
    """max(0, −y (x1 − x2) + margin); see `functional.margin_ranking_loss`.

    >>> import minigrad as mg
    >>> mg.nn.MarginRankingLoss()(mg.tensor([1.0]), mg.tensor([3.0]), mg.tensor([1.0]))
    tensor(2.)
    """

    def __init__(self, margin=0.0, *, reduction="mean"):
        super().__init__(reduction=reduction)
        self.margin = margin

    def forward(self, input1, input2, target):
        """`target` is 1 where input1 shall be the larger, −1 where input2."""
        return F.margin_ranking_loss(input1, input2, target, self.margin, reduction=self.reduction)


class SoftMarginLoss(Loss):
    """log(1 + exp(−y x)); see `functional.soft_margin_loss`.

    >>> import minigrad as mg
    >>> mg.nn.SoftMarginLoss()(mg.zeros(3), mg.ones(3))
    tensor(0.6931)
    """

    def forward(self, input, target):
        """`target` of 1 and −1."""
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class CosineEmbeddingLoss(Loss):
    """1 − cos or max(0, cos − margin); see `functional.cosine_embedding_loss`.

    >>> import minigrad as mg
    >>> x, y = mg.tensor([[1.0, 0.0]]), mg.tensor([[0.0, 1.0]])
    >>> mg.nn.CosineEmbeddingLoss()(x, y, mg.tensor([1]))
    tensor(1.)
    """

    def __init__(self, margin=0.0, *, reduction="mean"):
        super().__init__(reduction=reduction)
        self.margin = margin

    def forward(self, input1, input2, target):
        """(N, D), (N, D) and (N,) of 1 and −1; all without N too."""
        return F.cosine_embedding_loss(
            input1, input2, target, self.margin, reduction=self.reduction
        )


class TripletMarginLoss(Loss):
    """max(0, d(a, p) − d(a, n) + margin); see `functional.triplet_margin_loss`.

    >>> import minigrad as mg
    >>> a, p, n = mg.zeros(1, 2), mg.tensor([[3.0, 4.0]]), mg.tensor([[0.0, 2.0]])
    >>> mg.nn.TripletMarginLoss()(a, p, n)
    tensor(4.)
    """

    def __init__(self, margin=1.0, p=2.0, eps=1e-6, swap=False, *, reduction="mean"):
        super().__init__(reduction=reduction)
        if not margin > 0:
            raise ValueError(f"TripletMarginLoss: margin must be greater than 0, got {margin}")
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor, positive, negative):
        """Three tensors (N, D) or (D,)."""
        return F.triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
        )


class MultiMarginLoss(Loss):
    """Σ_{j≠y} max(0, margin − x_y + x_j)^p / C; see `functional.multi_margin_loss`.

    >>> import minigrad as mg
    >>> mg.nn.MultiMarginLoss()(mg.tensor([[0.1, 0.2, 0.9]]), mg.tensor([2]))
    tensor(0.1667)
    """

    def __init__(self, p=1, margin=1.0, weight=None, *, reduction="mean"):
        super().__init__(reduction=reduction)
        self.register_buffer("weight", weight)
        if p not in (1, 2):
            raise ValueError(f"MultiMarginLoss: p must be 1 or 2, got {p}")
        if weight is not None and weight.ndim != 1:
            raise ValueError(f"MultiMarginLoss: weight must be (C,), got {weight.shape}")
        self.p, self.margin = p, margin

    def forward(self, input, target):
        """`input` (N, C) scores, `target` (N,) classes."""
        return F.multi_margin_loss(
            input, target, self.p, self.margin, self.weight, reduction=self.reduction
        )


class MultiLabelMarginLoss(Loss):
    """Σ max(0, 1 − (x_y − x_j)) / C; see `functional.multilabel_margin_loss`.

    >>> import minigrad as mg
    >>> y = mg.tensor([[3, 0, -1, 1]])
    >>> mg.nn.MultiLabelMarginLoss()(mg.tensor([[0.1, 0.2, 0.4, 0.8]]), y)
    tensor(0.85)
    """

    def forward(self, input, target):
        """`input` (N, C) scores, `target` (N, C) classes, in each row ended by −1."""
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(Loss):
    """Binary cross-entropy averaged over classes; see `functional.multilabel_soft_margin_loss`.

    >>> import minigrad as mg
    >>> mg.nn.MultiLabelSoftMarginLoss()(mg.zeros(1, 3), mg.ones(1, 3))
    tensor(0.6931)
    """

    def __init__(self, weight=None, *, reduction="mean"):
        super().__init__(reduction=reduction)
        self.register_buffer("weight", weight)

    def forward(self, input, target):
        """`input` (N, C) logits, `target` (N, C) in [0, 1]."""
        return F.multilabel_soft_margin_loss(input, target, self.weight, reduction=self.reduction)
