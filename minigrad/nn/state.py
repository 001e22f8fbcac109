"""Putting a state_dict into a module: all of it, or nothing."""

from collections import namedtuple
from collections.abc import Mapping

import numpy as np

from minigrad.tensor import Tensor


class IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """The names that `load_state_dict` missed, and those that the module does not have."""

    __slots__ = ()

    def __repr__(self):
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()


def load(module, state_dict, strict):
    """Check everything, then copy; see `Module.load_state_dict`."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(
            f"load_state_dict: expected state_dict to be dict-like, got {type(state_dict)}"
        )
    own = module.state_dict(keep_vars=True)
    missing = [key for key in own if key not in state_dict]
    unexpected = [key for key in state_dict if key not in own]
    problems = []
    if strict and missing:
        problems.append(f"Missing key(s) in state_dict: {_quoted(missing)}. ")
    if strict and unexpected:
        problems.append(f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
    copies = []
    for key, target in own.items():
        if key in state_dict:
            problem = _mismatch(key, state_dict[key], target)
            if problem:
                problems.append(problem)
            else:
                copies.append((target, state_dict[key]))
    if problems:
        lines = "\n\t".join(problems)
        raise RuntimeError(
            f"Error(s) in loading state_dict for {type(module).__name__}:\n\t{lines}"
        )
    # Copies first: the values may be views of the parameters that are about to change.
    arrays = [np.array(x._array if isinstance(x, Tensor) else x) for _, x in copies]
    for (target, _), array in zip(copies, arrays, strict=True):
        np.copyto(target._array, array, casting="unsafe")
        target._bump("load_state_dict")
    return IncompatibleKeys(missing, unexpected)


def _quoted(keys):
    return ", ".join(f'"{key}"' for key in keys)


def _mismatch(key, value, target):
    """What is wrong with `value` for the tensor `target`, or None."""
    if not isinstance(value, (Tensor, np.ndarray)):
        return (
            f'While copying the parameter named "{key}", expected a Tensor or an array from the '
            f"checkpoint but received {type(value)}"
        )
    if value.shape != target.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {tuple(value.shape)} from "
            f"checkpoint, the shape in current model is {tuple(target.shape)}."
        )
    if not target._array.flags.writeable:
        return f"{key}: its elements share memory (it was expanded), so none can be set"
    if np.dtype(value.dtype).kind not in "biuf":
        return f"{key}: expected numbers, got an array of {value.dtype}"
    return None
