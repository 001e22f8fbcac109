from collections.abc import Sequence

from numpy import ndarray

Pair = tuple[int, int]
Padding = tuple[int, int, int, int]

def conv2d(
    x: ndarray,
    w: ndarray,
    bias: ndarray | None,
    stride: Pair,
    padding: Padding,
    dilation: Pair,
    groups: int,
) -> ndarray: ...
def conv2d_input_grad(
    dy: ndarray,
    w: ndarray,
    x_shape: Sequence[int],
    stride: Pair,
    padding: Padding,
    dilation: Pair,
    groups: int,
) -> ndarray: ...
def conv2d_weight_grad(
    dy: ndarray,
    x: ndarray,
    w_shape: Sequence[int],
    stride: Pair,
    padding: Padding,
    dilation: Pair,
    groups: int,
) -> ndarray: ...
