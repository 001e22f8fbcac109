from typing import Literal

from numpy import ndarray

Reduction = Literal["none", "mean", "sum"]

def softmax(x: ndarray) -> ndarray: ...
def log_softmax(x: ndarray) -> ndarray: ...
def softmax_backward(dy: ndarray, y: ndarray) -> ndarray: ...
def log_softmax_backward(dy: ndarray, y: ndarray) -> ndarray: ...
def cross_entropy(
    x: ndarray,
    targets: ndarray,
    weight: ndarray | None,
    ignore_index: int,
    smoothing: float,
    reduction: Reduction,
) -> tuple[ndarray, ndarray, float]: ...
def cross_entropy_backward(
    dy: ndarray,
    x: ndarray,
    stats: ndarray,
    targets: ndarray,
    weight: ndarray | None,
    ignore_index: int,
    smoothing: float,
    scale: float,
) -> ndarray: ...
