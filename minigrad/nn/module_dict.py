"""Modules by name: `ModuleDict`."""

from collections.abc import Mapping

from minigrad.nn.module import Module
from minigrad.nn.registry import MODULE


class ModuleDict(Module):
    """A dict of modules, whose parameters count; it has no forward of its own.

    Parameters
    ----------
    modules : dict of str to Module, or iterable of (str, Module), optional
        The order is kept.

    Raises
    ------
    TypeError
        A value is not a Module, a key not a string, or `modules` no mapping.
    KeyError
        A key that is missing, empty, has a dot, or is an attribute of the class (such as "keys").

    Examples
    --------
    >>> from minigrad import nn
    >>> heads = nn.ModuleDict({"mean": nn.Linear(2, 1), "relu": nn.ReLU()})
    >>> heads
    ModuleDict(
      (mean): Linear(in_features=2, out_features=1, bias=True)
      (relu): ReLU()
    )
    >>> "mean" in heads, len(heads), [name for name, _ in heads.named_parameters()]
    (True, 2, ['mean.weight', 'mean.bias'])
    """

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key):
        try:
            return self._modules[key]
        except KeyError:
            raise KeyError(f"ModuleDict: no module {key!r}, only {list(self.keys())}") from None

    def __setitem__(self, key, module):
        if not isinstance(module, Module):
            raise TypeError(f"ModuleDict: {type(module).__name__} is not a Module subclass")
        self.add_module(key, module)

    def __delitem__(self, key):
        self[key]
        delattr(self, key)

    def __len__(self):
        return len(self._own(MODULE))

    def __iter__(self):
        return iter(self.keys())

    def __contains__(self, key):
        return key in self._modules

    def keys(self):
        """The names, in order."""
        return dict(self._own(MODULE)).keys()

    def values(self):
        """The modules, in order."""
        return dict(self._own(MODULE)).values()

    def items(self):
        """Pairs (name, module), in order."""
        return dict(self._own(MODULE)).items()

    def clear(self):
        """Take out all modules."""
        for key in list(self):
            del self[key]

    def pop(self, key):
        """Take out the module `key` and return it."""
        module = self[key]
        del self[key]
        return module

    def update(self, modules):
        """Add modules, or replace those whose names are there."""
        if isinstance(modules, (Mapping, ModuleDict)):
            modules = modules.items()
        try:
            pairs = [(key, module) for key, module in modules]
        except (TypeError, ValueError):
            raise TypeError(
                "ModuleDict.update: expected a dict or pairs (name, Module), "
                f"got {type(modules).__name__}"
            ) from None
        for key, module in pairs:
            self[key] = module

    def forward(self, *args, **kwargs):
        """A dict cannot be called."""
        raise NotImplementedError("ModuleDict has no forward; call its modules one by one")
