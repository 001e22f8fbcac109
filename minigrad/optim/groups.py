"""Parameter groups: which parameters an optimizer has, with which options."""

import math
import numbers
import warnings

from minigrad.tensor import Tensor

# What `Optimizer.ranges` says of an option: it is in [low, high).
ANY = (-math.inf, math.inf)
POSITIVE = (0, math.inf)
UNIT = (0, 1)
UNIT_CLOSED = (0, math.nextafter(1, 2))


def options_of(names):
    """The options among a constructor's ``locals()``: all but self and params."""
    return {k: v for k, v in names.items() if k not in ("self", "params", "__class__")}


class ParameterGroups:
    """The part of `Optimizer` that takes parameters and checks options."""

    def _listed(self, params):
        if isinstance(params, (set, frozenset)):
            raise TypeError(
                f"{self._name()}: params must have an order, and a set has none; use a list"
            )
        try:
            return list(params)
        except TypeError:
            raise TypeError(
                f"{self._name()}: params must be an iterable of Tensors or dicts, "
                f"got {type(params).__name__}"
            ) from None

    def add_param_group(self, param_group):
        """Add the parameters ``param_group["params"]``, with options where they differ.

        >>> import minigrad as mg
        >>> from minigrad.optim import SGD
        >>> a, b = mg.zeros(2, requires_grad=True), mg.zeros(3, requires_grad=True)
        >>> optimizer = SGD([a], lr=0.1)
        >>> optimizer.add_param_group({"params": [b], "lr": 0.01})
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.1, 0.01]
        """
        if not isinstance(param_group, dict):
            raise TypeError(
                f"{self._name()}: a parameter group must be a dict, "
                f"got {type(param_group).__name__}"
            )
        if "params" not in param_group:
            raise ValueError(f"{self._name()}: the parameter group has no entry 'params'")
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else self._listed(params)
        names = [p[0] for p in params if isinstance(p, tuple)]
        params = [p[1] if isinstance(p, tuple) and len(p) == 2 else p for p in params]
        self._check_params(params)
        group = {**self.defaults, **param_group, "params": params}
        if names:
            group["param_names"] = names
        if len(names) not in (0, len(params)) or any(
            ("param_names" in other) != ("param_names" in group) for other in self.param_groups
        ):
            raise ValueError(f"{self._name()}: either all parameters have names, or none has")
        self.check(group)
        self.param_groups.append(group)

    def _check_params(self, params):
        present = {id(p) for group in self.param_groups for p in group["params"]}
        for k, p in enumerate(params):
            if not isinstance(p, Tensor):
                cure = "; did you mean model.parameters()?" if isinstance(p, str) else ""
                raise TypeError(
                    f"{self._name()}: parameter {k} is a {type(p).__name__}, not a Tensor{cure}"
                )
            if not p.is_leaf:
                raise ValueError(
                    f"{self._name()}: parameter {k}, shape {p.shape}, is not a leaf: it was made "
                    f"by {p.grad_fn.name()}; optimize what it was made from, or .detach() it"
                )
            if id(p) in present:
                raise ValueError(
                    f"{self._name()}: parameter {k}, shape {p.shape}, is already in another group"
                )
        if len({id(p) for p in params}) < len(params):
            self._one_by_one = True  # the second update needs the result of the first
            warnings.warn(
                f"{self._name()}: a parameter occurs twice in one group and will be updated "
                "twice a step",
                stacklevel=5,
            )

    def check(self, group):
        """Raise ValueError where an option of `group` is out of its range; extend it by rules."""
        for name, length in self.lengths.items():
            values = group[name]
            if not isinstance(values, (tuple, list)) or len(values) != length:
                wanted = {2: "two", 3: "three"}[length]
                raise ValueError(f"{self._name()}: {name} must be {wanted} numbers, got {values}")
            if len({isinstance(value, Tensor) for value in values}) > 1:
                raise ValueError(f"{self._name()}: {name} must be all Tensors or all floats")
        for name, (low, high) in self.ranges.items():
            several = name in self.lengths
            for i, value in enumerate(group[name] if several else (group[name],)):
                label = f"{self._name()}: {name}" + (f"[{i}]" if several else "")
                if isinstance(value, Tensor) and value.numel() != 1:
                    raise ValueError(f"{label} as a Tensor must be 0-d, got shape {value.shape}")
                if not isinstance(value, (numbers.Real, Tensor)):
                    raise TypeError(f"{label} must be a number, got {type(value).__name__}")
                if not low <= float(value) < high:
                    closed = (low, high) == UNIT_CLOSED
                    wanted = "in [0, 1]" if closed else f"in [{low}, {high})"
                    if high == math.inf:
                        wanted = "finite" if low == -math.inf else f"finite and >= {low}"
                    raise ValueError(f"{label} must be {wanted}, got {value}")
