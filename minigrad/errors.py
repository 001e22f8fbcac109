"""The errors of minigrad: each is also the built-in that users of NumPy or PyTorch catch."""

from numpy.linalg import LinAlgError as NumpyLinAlgError


class GraphError(RuntimeError):
    """The graph cannot answer: freed, cut, or without the tensor that was asked for."""


class InplaceError(RuntimeError):
    """An in-place change that would make a gradient wrong."""


class ShapeError(RuntimeError, ValueError):
    """Shapes do not fit the operation."""


class DtypeError(RuntimeError, TypeError):
    """Dtypes do not fit the operation."""


class AnomalyError(RuntimeError):
    """A number became NaN while `autograd.detect_anomaly` was watching.

    `operation` is the name of the operation in which it did, `frame` the `traceback.FrameSummary`
    of the line that called it.
    """

    def __init__(self, message, operation=None, frame=None):
        super().__init__(message)
        self.operation, self.frame = operation, frame


class LinAlgError(RuntimeError, NumpyLinAlgError):
    """A matrix that the operation cannot take: singular, or not positive definite."""
