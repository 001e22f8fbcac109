from numpy import ndarray

def batch_norm(
    x: ndarray,
    weight: ndarray | None,
    bias: ndarray | None,
    mean: ndarray | None,
    var: ndarray | None,
    eps: float,
) -> tuple[ndarray, ndarray, ndarray]: ...
def batch_norm_backward(
    dy: ndarray,
    x: ndarray,
    weight: ndarray | None,
    mean: ndarray,
    var: ndarray,
    eps: float,
    training: bool,
) -> tuple[ndarray, ndarray, ndarray]: ...
def move_statistics(running: ndarray, batch: ndarray, momentum: float, factor: float) -> None: ...
