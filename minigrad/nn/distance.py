"""Similarity and distance of pairs of vectors, as layers without parameters."""

from minigrad.nn.functional import cosine_similarity, pairwise_distance
from minigrad.nn.module import Module


class CosineSimilarity(Module):
    """Cosine of the angle between vectors along `dim`; see `minigrad.cosine_similarity`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.CosineSimilarity(dim=0)(mg.tensor([1.0, 1.0]), mg.tensor([-3.0, -3.0]))
    tensor(-1.)
    """

    def __init__(self, dim=1, eps=1e-8):
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1, x2):
        """Of two tensors that broadcast, the common shape without `dim`."""
        return cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """p-norm of the differences along the last axis; see `minigrad.pairwise_distance`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.PairwiseDistance(p=1.0)(mg.tensor([[3.0, 4.0]]), mg.zeros(1, 2))
    tensor([7.])
    """

    def __init__(self, p=2.0, eps=1e-6, keepdim=False):
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1, x2):
        """(..., D) and (..., D) to (...)."""
        return pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
