"""Multi-head attention: projections into heads, attention in each, and one projection back."""

from minigrad.errors import DtypeError, ShapeError
from minigrad.nn import init
from minigrad.nn.functional import dropout, linear, scaled_dot_product_attention, softmax
from minigrad.nn.linear import Linear, floats, size
from minigrad.nn.module import Module
from minigrad.ops.choice import where
from minigrad.ops.creation import zeros
from minigrad.ops.operands import numbers, zeros_of
from minigrad.ops.shape import cat, check_tensor

_QKV = ("q_proj_weight", "k_proj_weight", "v_proj_weight")


class MultiheadAttention(Module):
    """H heads look at a sequence: head_h = softmax(Q_h K_hᵀ / √d) V_h, joined, and projected.

    Q, K and V are affine maps of query, key and value, of width `embed_dim`, and cut into
    `num_heads` heads of width d.

    Parameters
    ----------
    embed_dim : int
        E, the width of queries and of the output; a multiple of `num_heads`.
    num_heads : int
    dropout : float
        Probability with which an attention weight is zeroed in training mode.
    bias : bool
        Whether the projections have biases.
    add_bias_kv : bool
        Whether a learned key and value are appended to each sequence.
    add_zero_attn : bool
        Whether a key and a value of zeros are appended to each sequence.
    kdim, vdim : int, optional
        Widths of keys and values; E unless given.
    batch_first : bool
        Sequences are (N, L, E), not (L, N, E).
    dtype : dtype, optional
        float32 (the default) or float64.

    Attributes
    ----------
    in_proj_weight : Parameter (3 E, E), or None
        The projections of query, key and value, one below the other; uniform by Xavier's rule.
    q_proj_weight, k_proj_weight, v_proj_weight : Parameter (E, ·), or None
        The same for keys or values of other widths.
    in_proj_bias : Parameter (3 E,), or None
    out_proj : Linear
    bias_k, bias_v : Parameter (1, 1, E), or None

    Examples
    --------
    >>> import minigrad as mg
    >>> layer = mg.nn.MultiheadAttention(8, num_heads=2, batch_first=True)
    >>> x = mg.randn(3, 5, 8)
    >>> y, weights = layer(x, x, x)
    >>> y.shape, weights.shape
    ((3, 5, 8), (3, 5, 5))

    References
    ----------
    Vaswani et al. (2017), Attention is all you need, section 3.2.2.
    """

    def __init__(
        self,
        embed_dim,
        num_heads,
        dropout=0.0,
        bias=True,
        add_bias_kv=False,
        add_zero_attn=False,
        kdim=None,
        vdim=None,
        batch_first=False,
        dtype=None,
    ):
        super().__init__()
        layer = "MultiheadAttention"
        self.embed_dim = e = size(layer, "embed_dim", embed_dim)
        self.num_heads = size(layer, "num_heads", num_heads)
        self.kdim = e if kdim is None else size(layer, "kdim", kdim)
        self.vdim = e if vdim is None else size(layer, "vdim", vdim)
        if e % self.num_heads:
            raise ValueError(
                f"{layer}: embed_dim {embed_dim} must be divisible by num_heads {num_heads}"
            )
        numbers(layer, dropout=dropout)
        if not 0 <= dropout <= 1:
            raise ValueError(f"{layer}: dropout must be a probability in [0, 1], got {dropout}")
        self.head_dim = e // self.num_heads
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        together = self.kdim == self.vdim == e
        shapes = {"in_proj_weight": (3 * e, e) if together else None}
        for name, width in zip(_QKV, (e, self.kdim, self.vdim), strict=True):
            shapes[name] = None if together else (e, width)
        shapes["in_proj_bias"] = (3 * e,) if bias else None
        for name in ("bias_k", "bias_v"):
            shapes[name] = (1, 1, e) if add_bias_kv else None
        for name, shape in shapes.items():
            self.register_parameter(name, shape and floats(layer, shape, dtype))
        self.out_proj = Linear(e, e, bias, dtype)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw the weights anew; biases 0, the learned key and value normal by Xavier's rule."""
        self.out_proj.reset_parameters()
        for name in ("in_proj_weight", *_QKV):
            if getattr(self, name) is not None:
                init.xavier_uniform_(getattr(self, name))
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for vector in (self.bias_k, self.bias_v):
            if vector is not None:
                init.xavier_normal_(vector)

    def forward(
        self,
        query,
        key,
        value,
        key_padding_mask=None,
        need_weights=True,
        attn_mask=None,
        average_attn_weights=True,
        is_causal=False,
    ):
        """The output, as long as the query, and the attention weights.

        Parameters
        ----------
        query : Tensor (L, N, E), (N, L, E) if batch_first, or (L, E)
        key, value : Tensor
            Of length S, otherwise alike.
        key_padding_mask : Tensor (N, S) or (S,), optional
            Bool: True where a key is *left out*. Floating: added to the scores.
        need_weights : bool
        attn_mask : Tensor (L, S) or (N · num_heads, L, S), optional
            The same for pairs of query and key.
        average_attn_weights : bool
            The mean over the heads, not each head's weights.
        is_causal : bool
            Says that `attn_mask`, which must be given, is the causal one.

        Returns
        -------
        output : Tensor
            Of the shape of `query`.
        weights : Tensor (N, L, S) or (N, num_heads, L, S), without N if there is none; or None
            Where every key is left out they are NaN, as in PyTorch, and so is the output; with
            ``need_weights=False`` the output is that of a sum over nothing.
        """
        batched = self._check(query, key, value)
        if is_causal and attn_mask is None:
            raise ValueError("MultiheadAttention: is_causal needs the attn_mask that it speaks of")
        q, k, v = self._project(query, key, value)
        q, k, v = (self._batch_first(x, batched) for x in (q, k, v))  # (N, length, E)
        n, sources = k.shape[:2]
        mask = self._mask(attn_mask, key_padding_mask, batched, (n, q.shape[1], sources), q)
        if self.bias_k is not None:
            k, v = (
                cat([x, b.expand(n, 1, self.embed_dim)], 1)
                for x, b in ((k, self.bias_k), (v, self.bias_v))
            )
        q, k, v = (self._heads(x) for x in (q, k, v))  # (N, heads, length, d)
        if self.add_zero_attn:
            nothing = zeros(n, self.num_heads, 1, self.head_dim, dtype=q.dtype)
            k, v = cat([k, nothing], 2), cat([v, nothing], 2)
        extra = k.shape[2] - sources
        if mask is not None and extra:  # what was appended is always seen
            mask = cat([mask, zeros(*mask.shape[:-1], extra, dtype=mask.dtype)], -1)
        chance = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            scores = (q * self.head_dim**-0.5) @ k.mT  # (N, heads, L, S)
            weights = softmax(scores if mask is None else scores + mask, -1)
            if chance:
                weights = dropout(weights, chance)
            y = weights @ v
            if average_attn_weights:
                weights = weights.mean(1)
            if not batched:
                weights = weights.squeeze(0)
        else:
            causal = is_causal and key_padding_mask is None
            y = scaled_dot_product_attention(q, k, v, None if causal else mask, chance, causal)
        y = self.out_proj(y.transpose(1, 2).reshape(n, -1, self.embed_dim))
        if not batched:
            return y.squeeze(0), weights
        return (y if self.batch_first else y.transpose(0, 1)), weights

    def _check(self, query, key, value):
        """Whether there is an axis of samples; raises if the shapes do not fit."""
        for x in (query, key, value):
            check_tensor(x, "MultiheadAttention")
        n = query.ndim
        fit = n in (2, 3) and key.ndim == value.ndim == n and key.shape[:-1] == value.shape[:-1]
        if fit and n == 3:
            sample = 0 if self.batch_first else 1
            fit = query.shape[sample] == key.shape[sample]
        widths = (query.shape[-1:], key.shape[-1:], value.shape[-1:])
        if not fit or widths != ((self.embed_dim,), (self.kdim,), (self.vdim,)):
            order = "N, L" if self.batch_first else "L, N"
            raise ShapeError(
                f"MultiheadAttention: expected query ({order}, {self.embed_dim}), key ({order}, "
                f"{self.kdim}) and value ({order}, {self.vdim}), or all without N, got "
                f"{query.shape}, {key.shape} and {value.shape}"
            )
        return n == 3

    def _project(self, query, key, value):
        """Q, K and V; one product where they come from the same tensor."""
        weight, bias = self.in_proj_weight, self.in_proj_bias
        if weight is not None and query is key and key is value:
            return linear(query, weight, bias).split(self.embed_dim, -1)
        biases = (None,) * 3 if bias is None else bias.split(self.embed_dim)
        weights = [getattr(self, name) for name in _QKV]
        if weight is not None:
            weights = weight.split(self.embed_dim)
        return [linear(*each) for each in zip((query, key, value), weights, biases, strict=True)]

    def _batch_first(self, x, batched):
        if not batched:
            return x.unsqueeze(0)
        return x if self.batch_first else x.transpose(0, 1)

    def _heads(self, x):
        """(N, length, E) as (N, heads, length, d)."""
        return x.reshape(*x.shape[:2], self.num_heads, self.head_dim).transpose(1, 2)

    def _mask(self, attn_mask, key_padding_mask, batched, sizes, like):
        """Both masks as one floating tensor that broadcasts to (N, heads, L, S), or None."""
        n, length, sources = sizes
        total = None
        if attn_mask is not None:
            shape = check_tensor(attn_mask, "MultiheadAttention").shape
            if shape == (length, sources):
                whole = (1, 1, length, sources)
            elif shape == (n * self.num_heads, length, sources):
                whole = (n, self.num_heads, length, sources)
            else:
                raise ShapeError(
                    f"MultiheadAttention: attn_mask must have shape {(length, sources)} or "
                    f"{(n * self.num_heads, length, sources)}, got {shape}"
                )
            total = _additive("attn_mask", attn_mask, like).reshape(*whole)
        if key_padding_mask is not None:
            expected = (n, sources) if batched else (sources,)
            if check_tensor(key_padding_mask, "MultiheadAttention").shape != expected:
                raise ShapeError(
                    f"MultiheadAttention: key_padding_mask must have shape {expected}, "
                    f"got {key_padding_mask.shape}"
                )
            padding = _additive("key_padding_mask", key_padding_mask, like)
            padding = padding.reshape(n, 1, 1, sources)
            total = padding if total is None else total + padding
        return total


def _additive(name, mask, like):
    """A bool mask (True: left out) as 0 and −∞; a floating one as it is."""
    if mask.dtype.kind == "b":
        zero = zeros_of(like)
        return where(mask, zero + float("-inf"), zero)
    if mask.dtype.kind != "f":
        raise DtypeError(
            f"MultiheadAttention: {name} must be bool or {like.dtype}, got {mask.dtype}"
        )
    return mask
