from numpy import ndarray

def layer_norm(
    x: ndarray, weight: ndarray | None, bias: ndarray | None, axes: int, eps: float
) -> tuple[ndarray, ndarray]: ...
def layer_norm_backward(
    dy: ndarray, x: ndarray, weight: ndarray | None, stats: ndarray, axes: int, affine: bool
) -> tuple[ndarray, ndarray | None, ndarray | None]: ...
