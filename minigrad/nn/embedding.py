"""The embedding layer: a table of vectors, one for each word of a vocabulary."""

from minigrad.errors import ShapeError
from minigrad.grad_mode import no_grad
from minigrad.nn import init
from minigrad.nn.functional import embedding
from minigrad.nn.linear import floats, size
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.ops.embedding import padding_row
from minigrad.ops.shape import check_tensor


class Embedding(Module):
    """Integers to vectors: y[..., :] = weight[input[...], :].

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        Rows and columns of the table: the size of the vocabulary, the length of a vector.
    padding_idx : int, optional
        A row that starts as zeros and receives no gradient; a negative one counts from the end.
    max_norm, norm_type : float, optional
        Rows that are picked and longer than `max_norm` are scaled to it, in place.
    scale_grad_by_freq : bool
        Divide the gradient of each row by how often the input names it.
    sparse : bool
        Without effect: gradients are dense.
    dtype : dtype, optional
        float32 (the default) or float64.

    Attributes
    ----------
    weight : Parameter (num_embeddings, embedding_dim)
        It starts normal, with mean 0 and deviation 1.

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.Embedding(10, 3, padding_idx=0)
    >>> y = layer(mg.tensor([[1, 2, 0], [4, 3, 9]]))
    >>> y.shape, y[0, 2].tolist()
    ((2, 3, 3), [0.0, 0.0, 0.0])
    """

    def __init__(
        self,
        num_embeddings,
        embedding_dim,
        padding_idx=None,
        max_norm=None,
        norm_type=2.0,
        scale_grad_by_freq=False,
        sparse=False,
        dtype=None,
    ):
        super().__init__()
        self.num_embeddings = size("Embedding", "num_embeddings", num_embeddings, 0)
        self.embedding_dim = size("Embedding", "embedding_dim", embedding_dim, 0)
        row = padding_row("Embedding", padding_idx, self.num_embeddings)
        self.padding_idx = None if padding_idx is None else row
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self.weight = floats("Embedding", (self.num_embeddings, self.embedding_dim), dtype)
        self.reset_parameters()

    @classmethod
    def from_pretrained(
        cls,
        embeddings,
        freeze=True,
        padding_idx=None,
        max_norm=None,
        norm_type=2.0,
        scale_grad_by_freq=False,
        sparse=False,
    ):
        """The layer of a table that is there already; its memory is shared.

        Parameters
        ----------
        embeddings : Tensor (num_embeddings, embedding_dim)
        freeze : bool
            Whether the table stays as it is: its `requires_grad` is then False.

        Examples
        --------
        >>> import minigrad as mg
        >>> layer = mg.nn.Embedding.from_pretrained(mg.tensor([[1.0, 2.5], [4.0, 6.5]]))
        >>> layer(mg.tensor(1))
        tensor([4. , 6.5])
        """
        if check_tensor(embeddings, "Embedding").ndim != 2:
            raise ShapeError(f"Embedding: expected embeddings (V, D), got {embeddings.shape}")
        layer = cls.__new__(cls)
        Module.__init__(layer)
        layer.num_embeddings, layer.embedding_dim = embeddings.shape
        row = padding_row("Embedding", padding_idx, layer.num_embeddings)
        layer.padding_idx = None if padding_idx is None else row
        layer.max_norm, layer.norm_type = max_norm, norm_type
        layer.scale_grad_by_freq, layer.sparse = scale_grad_by_freq, sparse
        layer.weight = Parameter(embeddings, requires_grad=not freeze)
        return layer

    def reset_parameters(self):
        """Draw the table anew; zeros in the row of padding."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0.0

    def forward(self, input):
        """(*) integers to (*, embedding_dim)."""
        return embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    def extra_repr(self):
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq:
            text += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        if self.sparse:
            text += ", sparse=True"
        return text
