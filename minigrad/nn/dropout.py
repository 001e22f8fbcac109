"""Dropout: noise that keeps units from relying on each other."""

from minigrad.nn.functional import dropout
from minigrad.nn.module import Module


class Dropout(Module):
    """In training mode each element is 0 with probability `p`, else divided by 1 - p.

    In evaluation mode the input itself, which is the mean of the former.

    Parameters
    ----------
    p : float
        In [0, 1].
    inplace : bool
        Whether the input is overwritten.

    Raises
    ------
    ValueError
        `p` outside of [0, 1].

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.Dropout(0.5)
    >>> sorted(set(layer(mg.ones(100)).tolist()))
    [0.0, 2.0]
    >>> layer.eval()(mg.ones(2))
    tensor([1., 1.])

    References
    ----------
    Srivastava et al. (2014), Dropout: a simple way to prevent neural networks from overfitting.
    """

    def __init__(self, p=0.5, inplace=False):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p must be a probability in [0, 1], got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input):
        """Of the same shape."""
        return dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self):
        return f"p={self.p}, inplace={self.inplace}"
