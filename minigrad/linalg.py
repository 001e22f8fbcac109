"""Linear algebra under PyTorch's names: what is `torch.linalg.f` there is `minigrad.linalg.f`.

>>> import minigrad as mg
>>> mg.linalg.solve(mg.tensor([[2.0]]), mg.tensor([3.0]))
tensor([1.5])
"""

from minigrad.errors import LinAlgError
from minigrad.ops.decomposition import cholesky, qr
from minigrad.ops.determinant import det, slogdet
from minigrad.ops.matrix_function import cond, matrix_power, matrix_rank, multi_dot, pinv
from minigrad.ops.solve import inv, solve
from minigrad.ops.spectrum import eigh, eigvalsh, svd, svdvals
from minigrad.ops.vector_norm import linalg_norm as norm
from minigrad.ops.vector_norm import matrix_norm, vector_norm

__all__ = [
    "LinAlgError",
    "cholesky",
    "cond",
    "det",
    "eigh",
    "eigvalsh",
    "inv",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "vector_norm",
]
