"""The operations, one family a file: each a class with forward and backward, and its function.

    pointwise  elementwise trigonometry hyperbolic probability power rounding arithmetic blend
               choice compare logic
    reductions reduce variance extrema truth scan order vector_norm
    shapes     creation copy reshape axes expand join pieces triangle
    indexing   places index gather scatter; in place: overwrite inplace inplace_index
    products   linalg product einsum tensordot
    matrices   solve determinant decomposition spectrum factor matrix_function
    networks   activation rectifier leaky elu gate softmax; cross_entropy loss likelihood margin;
               norm layer_norm group_norm rms_norm distance bilinear embedding dropout attention;
               conv conv_transpose padding unfold pool pool1d adaptive_pool recurrent
    checks     operands arguments loss_operands (`shape` hands on what others often use)

A family's `__all__` is what it adds to the namespace `minigrad`, its `METHODS` what only methods
of Tensor reach; importing this package also opens the door to them (`methods.bind`). What PyTorch
has in `nn.functional` alone is imported there.
"""

import sys
from importlib import import_module

from minigrad import methods

FAMILIES = """
    choice elementwise activation trigonometry hyperbolic probability rounding arithmetic power
    blend compare logic creation copy reshape axes expand join pieces triangle index gather
    scatter reduce extrema variance truth overwrite scan order inplace inplace_index
    linalg product einsum tensordot solve determinant factor matrix_function
    rectifier leaky elu softmax norm layer_norm group_norm rms_norm distance bilinear embedding
    dropout attention conv conv_transpose padding unfold pool pool1d adaptive_pool vector_norm
""".split()

__all__ = []
for _family in FAMILIES:
    _module = import_module(f"minigrad.ops.{_family}")
    for _name in getattr(_module, "METHODS", ()):
        globals()[_name] = getattr(_module, _name)
    for _name in _module.__all__:
        globals()[_name] = getattr(_module, _name)
        __all__.append(_name)

from minigrad.ops.reduce import sum_to  # noqa: E402  the engine undoes broadcasting with it

methods.bind(sys.modules[__name__])
