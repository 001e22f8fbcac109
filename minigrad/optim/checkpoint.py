"""What an optimizer saves, and how it goes on from it."""

import copy
from collections import defaultdict

from minigrad.tensor import Tensor


class Checkpoint:
    """The part of `Optimizer` that writes and reads its state."""

    def state_dict(self):
        """The state and the options, parameters as integers: what `load_state_dict` takes.

        ``{"state": {0: {...}, ...}, "param_groups": [{"params": [0, ...], ...}]}``. Its tensors
        are the live ones, not copies (`minigrad.save` writes them at once).
        """
        number = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                number.setdefault(id(p), len(number))
            packed = {name: value for name, value in group.items() if name != "params"}
            groups.append({**packed, "params": [number[id(p)] for p in group["params"]]})
        state = {number[id(p)]: dict(kept) for p, kept in self.state.items() if kept}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict):
        """Take over the state and the options of a `state_dict`; its tensors are copied.

        Parameters correspond by their order. State tensors are cast to their parameter's dtype.
        A PyTorch optimizer's own, its tensors made ours, loads too.

        Raises
        ------
        ValueError
            Another number of groups or parameters, or a state tensor of a wrong shape.
        """
        saved = state_dict["param_groups"]
        if len(saved) != len(self.param_groups):
            raise ValueError(
                f"{self._name()}.load_state_dict: {len(saved)} parameter groups given, "
                f"the optimizer has {len(self.param_groups)}"
            )
        owner = {}
        for k, (old, group) in enumerate(zip(saved, self.param_groups, strict=True)):
            if len(old["params"]) != len(group["params"]):
                raise ValueError(
                    f"{self._name()}.load_state_dict: group {k} has {len(old['params'])} "
                    f"parameters, that of the optimizer {len(group['params'])}"
                )
            owner.update(zip(old["params"], group["params"], strict=True))
        state = defaultdict(dict)
        for number, kept in state_dict["state"].items():
            if number not in owner:
                raise ValueError(
                    f"{self._name()}.load_state_dict: state of a parameter {number!r} "
                    "that no group has"
                )
            p = owner[number]
            state[p] = {
                name: self._restore(name, value, p, number)
                for name, value in kept.items()
                if value is not None
            }
        groups = []
        for old, group in zip(saved, self.param_groups, strict=True):
            options = {name: copy.deepcopy(v) for name, v in old.items() if name != "params"}
            names = {name: group[name] for name in ("param_names",) if name in group}
            groups.append({**self.defaults, **names, **options, "params": group["params"]})
            self.check(groups[-1])
        self.state, self.param_groups = state, groups

    def _restore(self, name, value, p, number):
        if isinstance(value, (list, tuple)):
            return type(value)(self._restore(name, v, p, number) for v in value)
        if not isinstance(value, Tensor):
            return copy.deepcopy(value)
        if name in self.scalars:  # tensors in PyTorch's checkpoints
            return int(value) if name == "step" else float(value)
        if name in self.buffers and value.shape != p.shape:
            raise ValueError(
                f"{self._name()}.load_state_dict: {name} of parameter {number} has shape "
                f"{value.shape}, the parameter {p.shape}"
            )
        both_float = value.is_floating_point() and p.is_floating_point()
        return Tensor(value.detach(), p.dtype if both_float else value.dtype)
