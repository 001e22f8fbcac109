from numpy import ndarray

Pair = tuple[int, int]

def max_pool2d(
    x: ndarray, window: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
) -> tuple[ndarray, ndarray]: ...
def max_pool2d_grad(dy: ndarray, indices: ndarray, size: Pair) -> ndarray: ...
def max_pool2d_take(x: ndarray, indices: ndarray) -> ndarray: ...
def avg_pool2d(
    x: ndarray,
    window: Pair,
    stride: Pair,
    padding: Pair,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor: int | None,
) -> ndarray: ...
def avg_pool2d_grad(
    dy: ndarray,
    size: Pair,
    window: Pair,
    stride: Pair,
    padding: Pair,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor: int | None,
) -> ndarray: ...
