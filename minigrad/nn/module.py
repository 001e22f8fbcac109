"""Module: the base of layers and networks; how it is called, and what runs over its tree.

What it holds, and the walks over the tree (`parameters`, `modules`, …), are in `registry.py`.
"""

from collections import OrderedDict

from minigrad.dtypes import as_dtype, float32, float64
from minigrad.engine import is_grad_enabled
from minigrad.grad_mode import no_grad
from minigrad.nn.hooks import Hooks, RemovableHandle
from minigrad.nn.registry import BUFFER, MODULE, PARAMETER, TRANSIENT, Registry
from minigrad.nn.state import load


class Module(Registry):
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
