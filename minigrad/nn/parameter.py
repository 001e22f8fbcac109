"""A tensor that a Module counts among its parameters."""

from minigrad.tensor import Tensor


class Parameter(Tensor):
    """A leaf tensor that is learned: assigned to a Module, it is one of its parameters.

    Operations on it return plain Tensors.

    Parameters
    ----------
    data : Tensor or array_like
        The memory of a Tensor is shared, not copied, and its graph left behind; everything else
        is copied, as `minigrad.tensor` does.
    requires_grad : bool
        False for a parameter that is frozen.

    Raises
    ------
    DtypeError
        The data are not floating, but `requires_grad` is true.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.Parameter([1.0, 2.0])
    Parameter containing:
    tensor([1., 2.], requires_grad=True)
    """

    def __init__(self, data, requires_grad=True):
        source = data.detach() if isinstance(data, Tensor) else Tensor(data)
        self._array, self._storage, self._view = source._array, source._storage, source._view
        if requires_grad:
            self.requires_grad_()

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()
