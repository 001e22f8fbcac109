"""The registry of a module: which attributes are parameters, buffers and modules; and the tree.

A registered value lies in the instance's `__dict__` like any attribute, so that reading it costs
nothing extra; `_kinds` remembers which names are registered, and as what.
"""

from collections.abc import Mapping, MutableMapping
from types import MappingProxyType

from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor

PARAMETER, BUFFER, TRANSIENT, MODULE = "parameter", "buffer", "transient buffer", "module"
_EXPECTED = {
    PARAMETER: "Parameter",
    BUFFER: "Tensor",
    TRANSIENT: "Tensor",
    MODULE: "Module",
}


class Registry:
    """Base of Module: parameters, buffers and modules under one name each."""

    _kinds: Mapping = MappingProxyType({})  # until Module.__init__ has run

    # registering ----------------------------------------------------------------------------
    def _register(self, name, value, kind):
        if "_kinds" not in self.__dict__:
            raise AttributeError(
                f"{type(self).__name__}: cannot assign a {kind} before Module.__init__() call; "
                "start __init__ with super().__init__()"
            )
        self._kinds[name] = kind
        self.__dict__[name] = value

    def _check_name(self, name, kind):
        where = type(self).__name__
        if not isinstance(name, str):
            raise TypeError(f"{where}: {kind} name should be a string, got {type(name).__name__}")
        if "." in name:
            raise KeyError(f"{where}: {kind} name must not contain a dot, got {name}")
        if name == "":
            raise KeyError(f"{where}: {kind} name must not be empty")
        if hasattr(self, name) and not self._kinds.get(name, "").endswith(kind):
            raise KeyError(f"{where}: attribute {name} already exists")

    def register_parameter(self, name, param):
        """Add the parameter `param` (None: the name alone, with nothing in it).

        Raises
        ------
        KeyError
            The name is empty, contains a dot, or is an attribute already.
        TypeError
            `param` is not a Parameter.
        """
        self._check_name(name, PARAMETER)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"{type(self).__name__}: cannot assign {type(param).__name__!r} as parameter "
                f"{name!r} (Parameter or None expected)"
            )
        self._register(name, param, PARAMETER)

    def register_buffer(self, name, tensor, persistent=True):
        """Add a tensor that is state but not learned, such as a running mean.

        Parameters
        ----------
        tensor : Tensor or None
        persistent : bool
            Whether it is part of the `state_dict`.

        Raises
        ------
        KeyError, TypeError
            As in `register_parameter`.
        """
        self._check_name(name, BUFFER)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"{type(self).__name__}: cannot assign {type(tensor).__name__!r} as buffer "
                f"{name!r} (Tensor or None expected)"
            )
        self._register(name, tensor, BUFFER if persistent else TRANSIENT)

    def add_module(self, name, module):
        """Add a child; later it is the attribute `name`.

        Raises
        ------
        KeyError, TypeError
            As in `register_parameter`.
        """
        self._check_name(name, MODULE)
        if module is not None and not isinstance(module, Registry):
            raise TypeError(
                f"{type(self).__name__}: {type(module).__name__} is not a Module subclass"
            )
        self._register(name, module, MODULE)

    def register_module(self, name, module):
        """The same as `add_module`."""
        self.add_module(name, module)

    def __setattr__(self, name, value):
        kind = self._kinds.get(name)
        if isinstance(value, Parameter):
            if kind != PARAMETER:
                self._forget(name)
            self.register_parameter(name, value)
        elif isinstance(value, Registry):
            if kind != MODULE:
                self._forget(name)
            self._register(name, value, MODULE)
        elif kind is None:
            object.__setattr__(self, name, value)
        elif value is None or (isinstance(value, Tensor) and kind in (BUFFER, TRANSIENT)):
            self.__dict__[name] = value
        else:
            raise TypeError(
                f"{type(self).__name__}: cannot assign {type(value).__name__!r} as {kind} "
                f"{name!r} ({_EXPECTED[kind]} or None expected)"
            )

    def __delattr__(self, name):
        object.__delattr__(self, name)
        if name in self._kinds:
            del self._kinds[name]

    def _forget(self, name):
        """Make room for a value of another kind under `name`."""
        if "_kinds" in self.__dict__:
            self.__dict__.pop(name, None)
            self._kinds.pop(name, None)

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.__dict__["_kinds"] = dict(self._kinds)  # copy.copy must not share it

    # what there is --------------------------------------------------------------------------
    @property
    def _parameters(self):
        return _Table(self, (PARAMETER,))

    @property
    def _buffers(self):
        return _Table(self, (BUFFER, TRANSIENT))

    @property
    def _modules(self):
        return _Table(self, (MODULE,))

    def _own(self, *kinds):
        values = self.__dict__
        return [(name, values[name]) for name, kind in self._kinds.items() if kind in kinds]

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        """This module and all below it, each once, with their dotted names ("" is itself).

        >>> from minigrad import nn
        >>> [name for name, _ in nn.Sequential(nn.Sequential(nn.ReLU())).named_modules()]
        ['', '0', '0.0']
        """
        memo = set() if memo is None else memo
        if id(self) in memo:
            return
        if remove_duplicate:
            memo.add(id(self))
        yield prefix, self
        for name, child in self._own(MODULE):
            if child is not None:
                inner = f"{prefix}.{name}" if prefix else name
                yield from child.named_modules(memo, inner, remove_duplicate)

    def modules(self):
        """This module and all below it, each once."""
        seen, waiting = set(), [self]
        while waiting:
            module = waiting.pop()
            if id(module) not in seen:
                seen.add(id(module))
                yield module
                below = [child for _, child in module._own(MODULE) if child is not None]
                waiting.extend(reversed(below))

    def named_children(self):
        """The modules directly below, each once, with their names."""
        seen = set()
        for name, child in self._own(MODULE):
            if child is not None and id(child) not in seen:
                seen.add(id(child))
                yield name, child

    def children(self):
        """The modules directly below, each once."""
        return (child for _, child in self.named_children())

    def _named(self, kinds, prefix, recurse, remove_duplicate):
        seen = set()
        modules = [(prefix, self)]
        if recurse:
            modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        for path, module in modules:
            for name, value in module._own(*kinds):
                if value is None or id(value) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(value))
                yield (f"{path}.{name}" if path else name), value

    def _each(self, kinds, recurse):
        """The values alone, in the order of their names; a training step asks for them often."""
        seen = set()
        for module in self.modules() if recurse else (self,):
            values = module.__dict__
            for name, kind in module._kinds.items():
                if kind in kinds:
                    value = values[name]
                    if value is not None and id(value) not in seen:
                        seen.add(id(value))
                        yield value

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """(name, parameter) of this module and of those below; a shared one appears once.

        >>> from minigrad import nn
        >>> [name for name, p in nn.Linear(2, 1).named_parameters(prefix="out")]
        ['out.weight', 'out.bias']
        """
        return self._named((PARAMETER,), prefix, recurse, remove_duplicate)

    def parameters(self, recurse=True):
        """The parameters of this module and of those below, each once: what an optimizer takes."""
        return self._each((PARAMETER,), recurse)

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """(name, buffer) of this module and of those below; a shared one appears once."""
        return self._named((BUFFER, TRANSIENT), prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        """The buffers of this module and of those below, each once."""
        return self._each((BUFFER, TRANSIENT), recurse)

    def get_submodule(self, target):
        """The module with the dotted name `target`; "" is this module.

        >>> from minigrad import nn
        >>> nn.Sequential(nn.Sequential(nn.ReLU())).get_submodule("0.0")
        ReLU()
        """
        module = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Registry):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def _get(self, target, kinds, expected):
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        if not hasattr(owner, name):
            raise AttributeError(f"{type(owner).__name__} has no attribute `{name}`")
        if owner._kinds.get(name) not in kinds:
            raise AttributeError(f"`{name}` is not {expected}")
        return getattr(owner, name)

    def get_parameter(self, target):
        """The parameter with the dotted name `target`."""
        return self._get(target, (PARAMETER,), "an nn.Parameter")

    def get_buffer(self, target):
        """The buffer with the dotted name `target`."""
        return self._get(target, (BUFFER, TRANSIENT), "a buffer")


class _Table(MutableMapping):
    """The parameters, buffers or modules of one module, name → value; changes go through."""

    def __init__(self, module, kinds):
        self._names, self._values, self._kinds = module._kinds, module.__dict__, kinds

    def __getitem__(self, name):
        if self._names.get(name) not in self._kinds:
            raise KeyError(name)
        return self._values[name]

    def __setitem__(self, name, value):
        if self._names.get(name) not in self._kinds:
            self._names[name] = self._kinds[0]
        self._values[name] = value

    def __delitem__(self, name):
        self[name]
        del self._names[name], self._values[name]

    def __iter__(self):
        return iter([name for name, kind in self._names.items() if kind in self._kinds])

    def __len__(self):
        return sum(kind in self._kinds for kind in self._names.values())

    def __repr__(self):
        return repr(dict(self))
