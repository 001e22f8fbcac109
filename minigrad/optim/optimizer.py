"""The base of all optimizers: which parameters, with which options, and what is kept for each."""

import functools
from collections import defaultdict

import numpy as np

from minigrad.engine import is_grad_enabled, set_grad_mode_
from minigrad.grad_mode import enable_grad
from minigrad.optim.checkpoint import Checkpoint
from minigrad.optim.groups import ParameterGroups
from minigrad.tensor import Tensor, wrap


class Optimizer(ParameterGroups, Checkpoint):
    """Base class: a rule of your own is a subclass with one method, `update`.

    `update(p, g, state, group)` changes the parameter `p` in place, given its gradient `g`, the
    dict `state` that is kept for `p` alone, and the options `group["lr"]`, ... It runs without
    recording, once for each parameter that has a gradient.

    Parameters
    ----------
    params : iterable of Tensor, of (str, Tensor), or of dict
        The leaves to optimize, with names or without (those of `model.named_parameters()` are
        kept as the group's ``"param_names"``); or parameter groups
        ``{"params": ..., "lr": ...}``, whose options go before the defaults.
    defaults : dict
        The options and their values.

    Attributes
    ----------
    param_groups : list of dict
        ``{"params": [Tensor, ...], option: value, ...}``; options may be changed at any time.
    state : dict
        For each parameter, what its updates keep.
    ranges : dict
        Class attribute of a rule: option -> (low, high); values outside [low, high) are refused.
    lengths : dict
        Class attribute of a rule: option -> 2 or 3, where it is so many numbers.
    buffers : tuple of str
        Class attribute of a rule: names of state tensors that have their parameter's shape, which
        `load_state_dict` then checks.
    scalars : tuple of str
        Class attribute of a rule: names of state numbers.

    Raises
    ------
    TypeError
        `params` is a Tensor, a set, or contains something else than Tensors.
    ValueError
        No parameters; a parameter that is not a leaf or is in two groups; an option out of range.

    Examples
    --------
    Lion (Chen et al., 2023, "Symbolic discovery of optimization algorithms"):

    >>> import minigrad as mg
    >>> from minigrad.optim import Optimizer
    >>> class Lion(Optimizer):
    ...     ranges = {"lr": (0, float("inf")), "betas": (0, 1)}
    ...     lengths = {"betas": 2}
    ...     def __init__(self, params, lr=1e-4, betas=(0.9, 0.99)):
    ...         super().__init__(params, {"lr": lr, "betas": betas})
    ...     def update(self, p, g, state, group):
    ...         beta1, beta2 = group["betas"]
    ...         m = self.buffer(state, "m", p)
    ...         p -= group["lr"] * mg.sign(beta1 * m + (1 - beta1) * g)
    ...         m.mul_(beta2).add_(g, alpha=1 - beta2)
    >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Lion([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.5, -1.5], requires_grad=True)
    """

    ranges: dict[str, tuple[float, float]] = {}
    lengths: dict[str, int] = {}
    buffers: tuple[str, ...] = ()
    scalars: tuple[str, ...] = ("step",)
    _one_by_one = False  # whether `update` goes before `update_all`

    def __init__(self, params, defaults):
        if isinstance(params, (Tensor, np.ndarray)):
            raise TypeError(
                f"{self._name()}: params must be an iterable of Tensors or dicts, "
                f"got one {type(params).__name__}; write [x]"
            )
        self.defaults = dict(defaults)
        self.state = defaultdict(dict)
        self.param_groups = []
        self._stepped = False  # since the last scheduler was made; see LRScheduler.step
        groups = self._listed(params)
        if not groups:
            raise ValueError(f"{self._name()}: the list of parameters is empty")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def __init_subclass__(cls, **kwargs):
        """What a subclass defines goes first: its `update` too, above another's `update_all`."""
        super().__init_subclass__(**kwargs)
        if "update" in vars(cls) or "update_all" in vars(cls):
            cls._one_by_one = "update_all" not in vars(cls)
        cls._step_name = f"{cls.__name__}.step"  # what the version counter is told
        if "step" in vars(cls):  # counts as one for the schedulers' warning
            cls.step = _noted(cls.step)

    def _name(self):
        return type(self).__name__

    # one step -------------------------------------------------------------------------------
    def zero_grad(self, set_to_none=True):
        """Forget the gradients of all parameters; with `set_to_none=False` fill them with 0."""
        for group in self.param_groups:
            for p in group["params"]:
                grad = p._grad
                if set_to_none or grad is None:
                    p._grad = None
                elif grad._node is None and grad._array.flags.writeable:
                    grad._array.fill(0)
                    grad._bump("zero_grad")
                else:
                    p._grad = wrap(np.zeros(p.shape, p.dtype))

    def step(self, closure=None):
        """Update every parameter that has a gradient.

        Parameters
        ----------
        closure : callable, optional
            Evaluates the model again, calls `backward` and returns the loss.

        Returns
        -------
        What `closure` returns, or None.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        recording = is_grad_enabled()
        set_grad_mode_(False)
        try:
            state = self.state
            for group in self.param_groups:
                rows = [(p, p._grad, state[p]) for p in group["params"] if p._grad is not None]
                if not self._one_by_one:
                    self.update_all(rows, group)
                else:
                    for p, g, kept in rows:
                        self.update(p, g, kept, group)
        finally:
            set_grad_mode_(recording)
        self._stepped = True
        return loss

    def update(self, p, g, state, group):
        """Change the parameter `p` in place, given its gradient `g`. What a rule defines.

        Parameters
        ----------
        p, g : Tensor
            Of one shape and dtype. `g` must not be changed.
        state : dict
            What is kept for `p` from step to step; empty at first. `state_dict` saves it.
        group : dict
            The options of `p`'s group.
        """
        self.update_all([(p, g, state)], group)

    def update_all(self, rows, group):
        """The same for all parameters of a group: what a rule may define instead, for speed.

        Parameters
        ----------
        rows : list of (p, g, state)
            As in `update`.
        group : dict
            The options of the group.
        """
        raise NotImplementedError(
            f"{self._name()}: a rule defines update(self, p, g, state, group), or step(self)"
        )

    @staticmethod
    def buffer(state, name, p, fill=0.0):
        """The tensor `state[name]`, of the shape and dtype of `p`, made full of `fill` at first.

        >>> import minigrad as mg
        >>> from minigrad.optim import Optimizer
        >>> state = {}
        >>> Optimizer.buffer(state, "m", mg.ones(2)).add_(1)
        tensor([1., 1.])
        >>> state
        {'m': tensor([1., 1.])}
        """
        found = state.get(name)
        if found is None:
            found = state[name] = wrap(np.full(p.shape, fill, p.dtype))
        return found

    # what rules for all rows (p, g, state) at once have in common ----------------------------
    @staticmethod
    def _arrays(rows):
        """The arrays of the parameters and of the gradients."""
        return [p._array for p, _, _ in rows], [g._array for _, g, _ in rows]

    def _buffers(self, rows, name, fill=0.0):
        """The arrays of the states `name`, which are made where they are missing."""
        try:
            return [state[name]._array for _, _, state in rows]
        except KeyError:
            return [self.buffer(state, name, p, fill)._array for p, _, state in rows]

    @staticmethod
    def _by_age(rows):
        """`rows` by their number of updates, t, which is counted: {t: rows}."""
        ages = {}
        for row in rows:
            state = row[2]
            t = state["step"] = state["step"] + 1 if "step" in state else 1
            if t in ages:
                ages[t].append(row)
            else:
                ages[t] = [row]
        return ages

    def _note_changes(self, rows):
        """Tell the graph that the parameters of `rows` were changed in place."""
        name = self._step_name
        for p, _, _ in rows:
            p._bump(name)

    def __repr__(self):
        lines = [f"{self._name()} ("]
        for k, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {k}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])


def _noted(step):
    @functools.wraps(step)
    def noted(self, *args, **kwargs):
        result = step(self, *args, **kwargs)
        self._stepped = True
        return result

    return noted
