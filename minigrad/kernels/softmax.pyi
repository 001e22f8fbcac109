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
    gradient: bool,
) -> tuple[ndarray, ndarray | None, float]: ...
def cross_entropy_scale_(
    dx: ndarray, dy: ndarray, targets: ndarray, ignore_index: int
) -> ndarray: ...
