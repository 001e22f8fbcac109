"""The operations of networks as functions, under PyTorch's names; formulas are in `minigrad.ops`.

`import minigrad.nn.functional as F`.
"""

import warnings

from minigrad.ops.activation import relu as _relu
from minigrad.ops.activation import sigmoid, softplus, tanh
from minigrad.ops.adaptive_pool import adaptive_avg_pool1d, adaptive_avg_pool2d
from minigrad.ops.attention import scaled_dot_product_attention
from minigrad.ops.bilinear import bilinear
from minigrad.ops.conv import conv1d, conv2d
from minigrad.ops.conv_transpose import conv_transpose1d, conv_transpose2d
from minigrad.ops.cross_entropy import cross_entropy, nll_loss
from minigrad.ops.distance import cosine_similarity, normalize, pairwise_distance
from minigrad.ops.dropout import alpha_dropout, dropout, dropout1d, dropout2d
from minigrad.ops.elu import celu, celu_, elu, elu_, selu, selu_
from minigrad.ops.embedding import embedding
from minigrad.ops.gate import (
    gelu,
    glu,
    hardswish,
    logsigmoid,
    mish,
    silu,
    softsign,
    tanhshrink,
)
from minigrad.ops.gather import one_hot
from minigrad.ops.group_norm import group_norm, instance_norm
from minigrad.ops.inplace import relu_  # type: ignore[attr-defined]  # made from a table
from minigrad.ops.layer_norm import layer_norm
from minigrad.ops.leaky import leaky_relu, leaky_relu_, prelu
from minigrad.ops.likelihood import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    gaussian_nll_loss,
    kl_div,
    poisson_nll_loss,
)
from minigrad.ops.linalg import linear
from minigrad.ops.loss import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from minigrad.ops.margin import (
    cosine_embedding_loss,
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    soft_margin_loss,
    triplet_margin_loss,
)
from minigrad.ops.norm import batch_norm
from minigrad.ops.padding import pad
from minigrad.ops.pool import avg_pool2d, max_pool2d
from minigrad.ops.pool1d import avg_pool1d, max_pool1d
from minigrad.ops.rectifier import (
    hardshrink,
    hardsigmoid,
    hardtanh,
    hardtanh_,
    relu6,
    softshrink,
    threshold,
    threshold_,
)
from minigrad.ops.rms_norm import rms_norm
from minigrad.ops.shape import check_tensor
from minigrad.ops.softmax import log_softmax as _log_softmax
from minigrad.ops.softmax import softmax as _softmax
from minigrad.ops.unfold import fold, unfold

__all__ = [
    "relu",
    "relu_",
    "tanh",
    "sigmoid",
    "softplus",
    "relu6",
    "leaky_relu",
    "leaky_relu_",
    "prelu",
    "elu",
    "elu_",
    "celu",
    "celu_",
    "selu",
    "selu_",
    "hardtanh",
    "hardtanh_",
    "hardsigmoid",
    "hardswish",
    "softshrink",
    "hardshrink",
    "threshold",
    "threshold_",
    "gelu",
    "silu",
    "mish",
    "glu",
    "logsigmoid",
    "softsign",
    "tanhshrink",
    "softmax",
    "softmin",
    "log_softmax",
    "cross_entropy",
    "nll_loss",
    "mse_loss",
    "l1_loss",
    "huber_loss",
    "smooth_l1_loss",
    "binary_cross_entropy",
    "kl_div",
    "gaussian_nll_loss",
    "poisson_nll_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "soft_margin_loss",
    "cosine_embedding_loss",
    "triplet_margin_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "binary_cross_entropy_with_logits",
    "linear",
    "bilinear",
    "batch_norm",
    "layer_norm",
    "group_norm",
    "instance_norm",
    "rms_norm",
    "normalize",
    "cosine_similarity",
    "pairwise_distance",
    "scaled_dot_product_attention",
    "embedding",
    "dropout",
    "alpha_dropout",
    "dropout1d",
    "dropout2d",
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "max_pool1d",
    "max_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "pad",
    "unfold",
    "fold",
    "one_hot",
]


def relu(input, inplace=False):
    """max(input, 0); written over `input` if `inplace`.

    >>> import minigrad as mg
    >>> mg.nn.functional.relu(mg.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return relu_(input) if inplace else _relu(input)


def _implicit_dim(input, name):
    """PyTorch's choice where `dim` was left out, with its warning."""
    check_tensor(input, name)
    check_tensor(input, name)
    warnings.warn(f"{name}: the choice of dim for you is deprecated; say dim=...", stacklevel=3)
    return 0 if input.ndim in (0, 1, 3) else 1


def softmax(input, dim=None, dtype=None):
    """exp(x_i) / Σ_j exp(x_j) along `dim`; see `minigrad.softmax`.

    >>> import minigrad as mg
    >>> mg.nn.functional.softmax(mg.zeros(2), dim=0)
    tensor([0.5, 0.5])
    """
    return _softmax(input, _implicit_dim(input, "softmax") if dim is None else dim, dtype=dtype)


def softmin(input, dim=None, dtype=None):
    """Softmax of -input: the smallest element has the largest share.

    >>> import minigrad as mg
    >>> mg.nn.functional.softmin(mg.zeros(2), dim=0)
    tensor([0.5, 0.5])
    """
    dim = _implicit_dim(input, "softmin") if dim is None else dim
    return _softmax(-check_tensor(input, "softmin"), dim, dtype=dtype)


def log_softmax(input, dim=None, dtype=None):
    """The logarithm of softmax along `dim`, in one stable step; see `minigrad.log_softmax`.

    >>> import minigrad as mg
    >>> mg.nn.functional.log_softmax(mg.zeros(1, 2), dim=1).exp()
    tensor([[0.5, 0.5]])
    """
    dim = _implicit_dim(input, "log_softmax") if dim is None else dim
    return _log_softmax(input, dim, dtype=dtype)
