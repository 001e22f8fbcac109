"""Dropout: noise that keeps units from relying on each other."""

from minigrad.nn.functional import alpha_dropout, dropout, dropout1d, dropout2d
from minigrad.nn.module import Module
from minigrad.ops.operands import numbers


class _Dropout(Module):
    _function = staticmethod(dropout)

    def __init__(self, p=0.5, inplace=False):
        super().__init__()
        layer = type(self).__name__
        numbers(layer, p=p)
        if not 0 <= p <= 1:
            raise ValueError(f"{layer}: p must be a probability in [0, 1], got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input):
        """Of the same shape."""
        return self._function(input, self.p, self.training, self.inplace)

    def extra_repr(self):
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
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


class Dropout1d(_Dropout):
    """In training mode whole channels of (N, C, L) or (C, L) are 0; otherwise as `Dropout`.

    >>> import minigrad as mg
    >>> mg.nn.Dropout1d(1.0)(mg.ones(1, 2))
    tensor([[0., 0.]])
    """

    _function = staticmethod(dropout1d)


class Dropout2d(_Dropout):
    """In training mode whole channels of (N, C, H, W) are 0; otherwise as `Dropout`.

    >>> import minigrad as mg
    >>> mg.nn.Dropout2d(1.0)(mg.ones(1, 1, 1, 2))
    tensor([[[[0., 0.]]]])
    """

    _function = staticmethod(dropout2d)


class AlphaDropout(_Dropout):
    """Dropout that keeps mean 0 and variance 1, for networks of SELU; see `alpha_dropout`.

    >>> import minigrad as mg
    >>> mg.nn.AlphaDropout(0.5).eval()(mg.ones(2))
    tensor([1., 1.])

    References
    ----------
    Klambauer et al. (2017), Self-normalizing neural networks.
    """

    _function = staticmethod(alpha_dropout)
