"""Switches of recording: `no_grad`, `enable_grad`, `set_grad_enabled`. Each thread has its own."""

import functools

from minigrad.engine import is_grad_enabled, set_grad_mode_

__all__ = ["no_grad", "enable_grad", "set_grad_enabled", "is_grad_enabled"]


class _Switch:
    """A context manager and a decorator that sets recording to `on` and puts it back."""

    def __init__(self, on):
        self.on = bool(on)
        self._before = []

    def __enter__(self):
        self._before.append(is_grad_enabled())
        set_grad_mode_(self.on)
        return self

    def __exit__(self, *exception):
        set_grad_mode_(self._before.pop())

    def __call__(self, function):
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with _Switch(self.on):
                return function(*args, **kwargs)

        return wrapped


class no_grad(_Switch):
    """Operations are not recorded: less memory, and leaves may be changed in place.

    A context manager, or a decorator (``@no_grad()`` or ``@no_grad``).

    >>> import minigrad as mg
    >>> x = mg.tensor([1.0], requires_grad=True)
    >>> with mg.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __new__(cls, function=None):
        self = super().__new__(cls)
        if function is None:
            return self
        self.__init__()
        return self(function)

    def __init__(self, function=None):
        super().__init__(False)


class enable_grad(_Switch):
    """Operations are recorded, also inside `no_grad`. A context manager, or a decorator.

    >>> import minigrad as mg
    >>> with mg.no_grad(), mg.enable_grad():
    ...     mg.is_grad_enabled()
    True
    """

    def __new__(cls, function=None):
        self = super().__new__(cls)
        if function is None:
            return self
        self.__init__()
        return self(function)

    def __init__(self, function=None):
        super().__init__(True)


class set_grad_enabled(_Switch):
    """Recording on or off by a flag, at once; as a context manager it is put back at the end.

    >>> import minigrad as mg
    >>> with mg.set_grad_enabled(False):
    ...     mg.is_grad_enabled()
    False
    >>> mg.is_grad_enabled()
    True
    """

    def __init__(self, mode):
        super().__init__(mode)
        self._before.append(is_grad_enabled())
        set_grad_mode_(self.on)

    def __enter__(self):
        set_grad_mode_(self.on)
        return self

    def __call__(self, function):
        set_grad_mode_(self._before.pop())
        return super().__call__(function)
