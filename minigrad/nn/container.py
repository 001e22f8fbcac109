"""Modules in a row: `Sequential` runs them, `ModuleList` holds them."""

import operator

from minigrad.nn.module import Module, _framed, _indented
from minigrad.nn.registry import MODULE


class _Row(Module):
    """Children by position; their names are "0", "1", … unless they were given others."""

    def __len__(self):
        return len(self._own(MODULE))

    def __iter__(self):
        return iter([child for _, child in self._own(MODULE)])

    def __contains__(self, module):
        return any(child is module for child in self)

    def _name(self, index):
        """The name of child `index`, which may be negative."""
        names = [name for name, _ in self._own(MODULE)]
        index = operator.index(index)
        if not -len(names) <= index < len(names):
            raise IndexError(
                f"{type(self).__name__}: index {index} is out of range for {len(names)} modules"
            )
        return names[index]

    def __getitem__(self, index):
        if isinstance(index, slice):
            return self._part(self._own(MODULE)[index])
        return getattr(self, self._name(index))

    def __setitem__(self, index, module):
        name = self._name(index)
        self._checked(module)
        setattr(self, name, module)

    def __delitem__(self, index):
        rows = self._own(MODULE)
        if isinstance(index, slice):
            gone = {name for name, _ in rows[index]}
        else:
            gone = {self._name(index)}
        self._renumber([(name, child) for name, child in rows if name not in gone])

    def _renumber(self, rows):
        """Children in this order, numbered again from 0."""
        for name, _ in self._own(MODULE):
            delattr(self, name)
        for k, (_, child) in enumerate(rows):
            self.add_module(str(k), child)

    def _checked(self, module):
        if not isinstance(module, Module):
            raise TypeError(f"{type(self).__name__}: {_what(module)} is not a Module subclass")
        return module

    def append(self, module):
        """Add a module at the end; returns the container."""
        self.add_module(str(len(self)), self._checked(module))
        return self

    def extend(self, modules):
        """Add several modules at the end; returns the container."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index, module):
        """Add a module before position `index`; returns the container."""
        rows = self._own(MODULE)
        if not -len(rows) <= index <= len(rows):
            raise IndexError(
                f"{type(self).__name__}: index {index} is out of range for {len(rows)} modules"
            )
        rows.insert(index, ("", self._checked(module)))
        self._renumber(rows)
        return self

    def pop(self, index=-1):
        """Take out module `index` and return it."""
        module = self[index]
        del self[index]
        return module

    def __iadd__(self, modules):
        return self.extend(modules)


def _what(module):
    return f"{module.__name__} (a class)" if isinstance(module, type) else type(module).__name__


class Sequential(_Row):
    """Modules one after the other: y = f_n( … f_2(f_1(x))).

    Parameters
    ----------
    *modules : Module, or one dict of str to Module
        A dict gives the modules names; otherwise they are "0", "1", …

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU())
    >>> model
    Sequential(
      (0): Flatten(start_dim=1, end_dim=-1)
      (1): Linear(in_features=4, out_features=3, bias=True)
      (2): ReLU()
    )
    >>> model(mg.ones(5, 2, 2)).shape
    (5, 3)
    """

    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], dict):
            for name, module in modules[0].items():
                self.add_module(name, self._checked(module))
        else:
            self.extend(modules)

    def _part(self, rows):
        return type(self)(dict(rows))

    def forward(self, input):
        """The last module's output."""
        values = self.__dict__
        for name, kind in self._kinds.items():
            if kind == MODULE:
                input = values[name](input)
        return input


class ModuleList(_Row):
    """A list of modules, whose parameters count; it has no forward of its own.

    Parameters
    ----------
    modules : iterable of Module, optional

    Examples
    --------
    >>> from minigrad import nn
    >>> layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
    >>> layers
    ModuleList(
      (0-2): 3 x Linear(in_features=2, out_features=2, bias=True)
    )
    >>> len(list(layers.parameters()))
    6
    """

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _part(self, rows):
        return type(self)(child for _, child in rows)

    def forward(self, *args, **kwargs):
        """A list cannot be called."""
        raise NotImplementedError("ModuleList has no forward; call its modules one by one")

    def __repr__(self):
        runs = []  # [first, last, repr] of equal neighbours
        for k, child in enumerate(self):
            text = repr(child)
            if runs and runs[-1][2] == text:
                runs[-1][1] = k
            else:
                runs.append([k, k, text])
        children = [
            f"({a}): {_indented(text)}"
            if a == b
            else f"({a}-{b}): {b - a + 1} x {_indented(text)}"
            for a, b, text in runs
        ]
        return _framed(type(self).__name__, [], children)
