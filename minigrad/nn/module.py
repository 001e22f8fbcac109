"""Module: parameters, buffers and modules under one name each, and what runs over the tree.

A registered value lies in the instance's `__dict__` like any attribute, so that reading it costs
nothing extra; `_kinds` remembers which names are registered, and as what.
"""

from collections import OrderedDict
from collections.abc import Mapping, MutableMapping
from types import MappingProxyType

from minigrad.dtypes import as_dtype, float32, float64
from minigrad.engine import is_grad_enabled
from minigrad.grad_mode import no_grad
from minigrad.nn.hooks import Hooks, RemovableHandle
from minigrad.nn.parameter import Parameter
from minigrad.nn.state import load
from minigrad.tensor import Tensor

PARAMETER, BUFFER, TRANSIENT, MODULE = "parameter", "buffer", "transient buffer", "module"


class Module:
    """Base of all layers and networks.

    A subclass calls ``super().__init__()``, assigns its parameters and modules to attributes, and
    defines `forward`. Calling the module calls `forward`, with the hooks around it.

    Attributes
    ----------
    training : bool
        Set by `train` and `eval`; dropout and batch norm read it.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> class Scale(nn.Module):
    ...     def __init__(self, features):
    ...         super().__init__()
    ...         self.factor = nn.Parameter(mg.ones(features))
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> model = nn.Sequential(Scale(2), nn.Tanh())
    >>> model(mg.zeros(1, 2))
    tensor([[0., 0.]], grad_fn=<Tanh>)
    >>> [name for name, p in model.named_parameters()]
    ['0.factor']
    """

    training = True
    _kinds: Mapping = MappingProxyType({})  # until __init__ has run
    _hooks = None  # until somebody registers one

    def __init__(self):
        self.__dict__.update(training=True, _kinds={})

    def forward(self, *args, **kwargs):
        """The computation of the module; a subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def __call__(self, *args, **kwargs):
        hooks = self._hooks
        if not hooks:
            return self.forward(*args, **kwargs) if kwargs else self.forward(*args)
        return hooks.call(self, args, kwargs, is_grad_enabled())

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
        if module is not None and not isinstance(module, Module):
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
        elif isinstance(value, Module):
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
            if not isinstance(module, Module):
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

    # hooks ----------------------------------------------------------------------------------
    def _get_hooks(self):
        if self._hooks is None:
            self.__dict__["_hooks"] = Hooks()
        return self._hooks

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Call ``hook(module, args)`` before `forward`; what it returns replaces the arguments.

        With `with_kwargs` it is ``hook(module, args, kwargs)``, and returns None or both.
        Returns a handle with `remove()`.

        >>> import minigrad as mg
        >>> layer = mg.nn.Identity()
        >>> handle = layer.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
        >>> layer(mg.zeros(2))
        tensor([1., 1.])
        """
        return RemovableHandle(self._get_hooks().before, (hook, with_kwargs), prepend)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Call ``hook(module, args, output)`` after `forward`; it may return another output.

        With `with_kwargs` it is ``hook(module, args, kwargs, output)``.
        Returns a handle with `remove()`.

        >>> import minigrad as mg
        >>> layer = mg.nn.ReLU()
        >>> handle = layer.register_forward_hook(lambda module, args, y: print(y.shape))
        >>> y = layer(mg.zeros(2, 3))
        (2, 3)
        >>> handle.remove()
        """
        return RemovableHandle(self._get_hooks().after, (hook, with_kwargs), prepend)

    def register_full_backward_hook(self, hook, prepend=False):
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of a call are known.

        Both are tuples of Tensors, one for each positional argument and each output of `forward`,
        with None where there is no gradient. What the hook returns, if not None, replaces
        `grad_input`. It runs once a backward pass, when the gradients of all inputs are there;
        if no input requires grad, when those of the outputs are. Returns a handle with `remove()`.

        >>> import minigrad as mg
        >>> layer = mg.nn.Linear(2, 1)
        >>> seen = []
        >>> handle = layer.register_full_backward_hook(lambda m, dx, dy: seen.append(dy[0]))
        >>> layer(mg.ones(1, 2)).sum().backward()
        >>> seen
        [tensor([[1.]])]
        """
        return RemovableHandle(self._get_hooks().backward, hook, prepend)

    # modes and casts ------------------------------------------------------------------------
    def train(self, mode=True):
        """Set training mode here and below; returns the module."""
        if not isinstance(mode, bool):
            raise ValueError(
                f"{type(self).__name__}: training mode is expected to be boolean, got {mode!r}"
            )
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self):
        """Set evaluation mode here and below; returns the module."""
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Switch gradients of all parameters on or off, in place; returns the module."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        """Reset the gradients of all parameters: to None, or to zeros in the same memory."""
        for p in self.parameters():
            if set_to_none or p.grad is None:
                p.grad = None
            else:
                p.grad = p.grad if p.grad.is_leaf else p.grad.detach()
                with no_grad():
                    p.grad.zero_()

    def apply(self, fn):
        """Call `fn` on every module below and at last on this one; returns the module.

        >>> from minigrad import nn
        >>> def init(m):
        ...     if isinstance(m, nn.Linear):
        ...         nn.init.ones_(m.weight)
        >>> nn.Sequential(nn.Linear(2, 1)).apply(init)[0].weight.tolist()
        [[1.0, 1.0]]
        """
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def to(self, dtype):
        """Cast the floating parameters and buffers, in place; returns the module.

        They stay the same objects, so an optimizer made before keeps working on them.

        >>> import minigrad as mg
        >>> mg.nn.Linear(2, 1).to(mg.float64).weight.dtype
        dtype('float64')
        """
        dtype = as_dtype(dtype)
        if dtype.kind != "f":
            raise TypeError(
                f"{type(self).__name__}: .to() only accepts floating dtypes, got {dtype}"
            )
        for module in self.modules():
            for name, x in module._own(PARAMETER, BUFFER, TRANSIENT):
                if x is not None and x.is_floating_point() and x.dtype != dtype:
                    if x.is_leaf:
                        _cast(x, dtype)
                    else:  # a buffer computed from something: its graph knows the old dtype
                        module.__dict__[name] = x.to(dtype)
        return self

    def float(self):
        """Cast the floating parameters and buffers to float32, in place."""
        return self.to(float32)

    def double(self):
        """Cast the floating parameters and buffers to float64, in place."""
        return self.to(float64)

    # state ----------------------------------------------------------------------------------
    def state_dict(self, *, destination=None, prefix="", keep_vars=False):
        """All parameters and persistent buffers by dotted name, sharing the module's memory.

        Parameters
        ----------
        destination : dict, optional
            Filled and returned, instead of a new OrderedDict.
        prefix : str
            Put before each name.
        keep_vars : bool
            The tensors themselves, not detached from the graph.

        Examples
        --------
        >>> from minigrad import nn
        >>> list(nn.Sequential(nn.Linear(2, 1, bias=False), nn.BatchNorm1d(1)).state_dict())
        ... # doctest: +NORMALIZE_WHITESPACE
        ['0.weight', '1.weight', '1.bias', '1.running_mean', '1.running_var',
         '1.num_batches_tracked']
        """
        destination = OrderedDict() if destination is None else destination
        for kind in (PARAMETER, BUFFER):
            for name, x in self._own(kind):
                if x is not None:
                    destination[prefix + name] = x if keep_vars else x.detach()
        for name, child in self._own(MODULE):
            if child is not None:
                child.state_dict(
                    destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
                )
        return destination

    def load_state_dict(self, state_dict, strict=True):
        """Copy values into the parameters and buffers; if anything does not fit, into none.

        Parameters
        ----------
        state_dict : dict of str to Tensor or ndarray
            As from `state_dict`; dtypes are cast to the module's.
        strict : bool
            Whether the names must be exactly the module's.

        Returns
        -------
        named tuple (missing_keys, unexpected_keys)

        Raises
        ------
        RuntimeError
            Missing or unexpected names (when strict), other shapes: all of them in one message.

        Examples
        --------
        >>> from minigrad import nn
        >>> a, b = nn.Linear(2, 1), nn.Linear(2, 1)
        >>> b.load_state_dict(a.state_dict())
        <All keys matched successfully>
        """
        return load(self, state_dict, strict)

    # repr -----------------------------------------------------------------------------------
    def extra_repr(self):
        """What `repr` shows between the brackets: the options; a subclass defines it."""
        return ""

    def __repr__(self):
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): {_indented(repr(child))}" for name, child in self._own(MODULE)]
        return _framed(type(self).__name__, lines, children)


_EXPECTED = {
    PARAMETER: "Parameter",
    BUFFER: "Tensor",
    TRANSIENT: "Tensor",
    MODULE: "Module",
}


def _indented(text):
    return text.replace("\n", "\n  ")


def _framed(name, lines, children):
    """PyTorch's frame: one line if there are no children, else each on a line of its own."""
    if len(lines) <= 1 and not children:
        return f"{name}({''.join(lines)})"
    return "\n  ".join([f"{name}(", *lines, *children]) + "\n)"


def _cast(x, dtype):
    """A leaf's own memory in another dtype, its gradient too; the Tensor stays the same object."""
    x._array = x._array.astype(dtype)
    x._bump("to")  # a graph that saved the old values must notice
    if x.grad is not None:
        x.grad = x.grad.detach().to(dtype)


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
