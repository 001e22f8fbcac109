"""Parameters by position and by name: `ParameterList`, `ParameterDict`."""

import operator
from collections.abc import Mapping

import numpy as np

from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.registry import PARAMETER
from minigrad.tensor import Tensor


class _Parameters(Module):
    """What a list and a dict of parameters have in common."""

    def __len__(self):
        return len(self._own(PARAMETER))

    def _parameter(self, value):
        """`value` as a Parameter; a Tensor's memory is shared."""
        if isinstance(value, Parameter):
            return value
        if isinstance(value, (Tensor, np.ndarray)):
            return Parameter(value)
        raise TypeError(
            f"{type(self).__name__}: expected a Parameter or a Tensor, got {type(value).__name__}"
        )

    def extra_repr(self):
        return "\n".join(
            f"({name}): Parameter containing: [{p.dtype} of size {'x'.join(map(str, p.shape))}]"
            for name, p in self._own(PARAMETER)
        )

    def forward(self, *args, **kwargs):
        """Parameters cannot be called."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")


class ParameterList(_Parameters):
    """A list of parameters that a module counts as its own.

    Parameters
    ----------
    values : iterable of Parameter or Tensor, optional
        A Tensor becomes a Parameter that shares its memory.

    Raises
    ------
    TypeError
        A value of another type.
    IndexError
        A position out of range.

    Examples
    --------
    >>> import minigrad as mg
    >>> weights = mg.nn.ParameterList([mg.zeros(2, 3), mg.zeros(3)])
    >>> len(weights), weights[1].shape, [name for name, _ in weights.named_parameters()]
    (2, (3,), ['0', '1'])
    """

    def __init__(self, values=None):
        super().__init__()
        if values is not None:
            self.extend(values)

    def _name(self, index):
        n = len(self)
        index = operator.index(index)
        if not -n <= index < n:
            raise IndexError(f"ParameterList: index {index} is out of range for {n} parameters")
        return str(index % n)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)([self[i] for i in range(*index.indices(len(self)))])
        return getattr(self, self._name(index))

    def __setitem__(self, index, value):
        setattr(self, self._name(index), self._parameter(value))

    def __iter__(self):
        return iter([p for _, p in self._own(PARAMETER)])

    def append(self, value):
        """Add a parameter at the end; returns the list."""
        self.register_parameter(str(len(self)), self._parameter(value))
        return self

    def extend(self, values):
        """Add several parameters at the end; returns the list."""
        if isinstance(values, (Tensor, str)) or not hasattr(values, "__iter__"):
            raise TypeError(
                f"ParameterList: expected an iterable of Tensors, got {type(values).__name__}"
            )
        for value in list(values):
            self.append(value)
        return self

    def __iadd__(self, values):
        return self.extend(values)


class ParameterDict(_Parameters):
    """A dict of parameters that a module counts as its own.

    Parameters
    ----------
    parameters : dict of str to Parameter or Tensor, optional

    Examples
    --------
    >>> import minigrad as mg
    >>> p = mg.nn.ParameterDict({"scale": mg.ones(2)})
    >>> p["scale"].requires_grad, list(p.keys())
    (True, ['scale'])
    """

    def __init__(self, parameters=None):
        super().__init__()
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key):
        try:
            return self._parameters[key]
        except KeyError:
            keys = list(self.keys())
            raise KeyError(f"ParameterDict: no parameter {key!r}, only {keys}") from None

    def __setitem__(self, key, value):
        self.register_parameter(key, self._parameter(value))

    def __delitem__(self, key):
        self[key]
        delattr(self, key)

    def __iter__(self):
        return iter(self.keys())

    def __contains__(self, key):
        return key in self._parameters

    def keys(self):
        """The names, in order."""
        return dict(self._own(PARAMETER)).keys()

    def values(self):
        """The parameters, in order."""
        return dict(self._own(PARAMETER)).values()

    def items(self):
        """Pairs (name, parameter), in order."""
        return dict(self._own(PARAMETER)).items()

    def pop(self, key):
        """Take out the parameter `key` and return it."""
        value = self[key]
        del self[key]
        return value

    def update(self, parameters):
        """Add parameters, or replace those whose names are there."""
        pairs = parameters.items() if isinstance(parameters, (Mapping, ParameterDict)) else None
        if pairs is None:
            raise TypeError(f"ParameterDict: expected a dict, got {type(parameters).__name__}")
        for key, value in list(pairs):
            self[key] = value
