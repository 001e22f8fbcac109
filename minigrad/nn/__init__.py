"""Networks: modules, their parameters, and the functions under them, with PyTorch's names.

Read `module.py` first; a layer is its parameters and one line that calls an operation.
"""

from minigrad.nn import functional, init, utils
from minigrad.nn.activation import LogSoftmax, ReLU, Sigmoid, Softmax, Softplus, Tanh
from minigrad.nn.attention import MultiheadAttention
from minigrad.nn.container import ModuleList, Sequential
from minigrad.nn.conv import AvgPool2d, Conv2d, MaxPool2d
from minigrad.nn.distance import CosineSimilarity, PairwiseDistance
from minigrad.nn.dropout import AlphaDropout, Dropout, Dropout1d, Dropout2d
from minigrad.nn.embedding import Embedding
from minigrad.nn.layer_norm import GroupNorm, LayerNorm, RMSNorm
from minigrad.nn.linear import Bilinear, Flatten, Identity, Linear, Unflatten
from minigrad.nn.loss import BCEWithLogitsLoss, CrossEntropyLoss, MSELoss, NLLLoss
from minigrad.nn.module import Module
from minigrad.nn.module_dict import ModuleDict
from minigrad.nn.norm import BatchNorm1d, BatchNorm2d, InstanceNorm1d, InstanceNorm2d
from minigrad.nn.parameter import Parameter
from minigrad.nn.parameter_list import ParameterDict, ParameterList

__all__ = [
    "functional",
    "init",
    "utils",
    "Module",
    "Parameter",
    "Sequential",
    "ModuleList",
    "ModuleDict",
    "ParameterList",
    "ParameterDict",
    "Linear",
    "Bilinear",
    "Flatten",
    "Unflatten",
    "Identity",
    "Conv2d",
    "MaxPool2d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "LayerNorm",
    "GroupNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "RMSNorm",
    "MultiheadAttention",
    "CosineSimilarity",
    "PairwiseDistance",
    "Embedding",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "AlphaDropout",
    "ReLU",
    "Tanh",
    "Sigmoid",
    "Softplus",
    "Softmax",
    "LogSoftmax",
    "CrossEntropyLoss",
    "NLLLoss",
    "MSELoss",
    "BCEWithLogitsLoss",
]
