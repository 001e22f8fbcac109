"""In-place operations: the same operations, written over the tensor's own memory.

`overwrite` does what they share: it records the operation, tells the views of the same memory,
refuses what would make a gradient wrong (a leaf that requires grad) and counts the version up.
"""

import numpy as np

from minigrad.errors import DtypeError, ShapeError
from minigrad.ops import (
    activation,
    arithmetic,
    blend,
    choice,
    compare,
    creation,
    elementwise,
    hyperbolic,
    logic,
    power,
    probability,
    rounding,
    trigonometry,
)
from minigrad.ops.operands import NUMBERS
from minigrad.ops.overwrite import overwrite
from minigrad.ops.shape import broadcast_to, check_tensor, clone, to
from minigrad.tensor import Tensor, wrap

__all__ = ["fill", "fill_", "zero_"]
# Every operation with an in-place form: `x.name_(...)` is `name(x, ...)` written over x.
NAMED = {
    arithmetic: "add sub mul div true_divide neg",
    blend: "lerp addcmul addcdiv",
    choice: "abs sign clamp clamp_min clamp_max",
    power: "pow",
    elementwise: """square sqrt rsqrt reciprocal exp exp2 expm1 log log2 log10 log1p erf erfc""",
    trigonometry: "sin cos tan asin acos atan atan2 hypot",
    hyperbolic: "sinh cosh asinh acosh atanh",
    probability: "logit xlogy",
    rounding: "floor ceil round trunc floor_divide remainder fmod",
    activation: "tanh sigmoid relu",
    compare: "eq ne lt le gt ge",
    logic: """logical_not logical_and logical_or logical_xor
        bitwise_not bitwise_and bitwise_or bitwise_xor""",
}
METHODS = ["float_power_", "copy_", "uniform_", "normal_"]


def in_place(name, function):
    """The in-place form `name` of `function`: its result, written over its first argument.

    The result is cast to the tensor's dtype where that loses no category (a float does not become
    an integer), and must have its shape.
    """

    def changed(input, *args, **kwargs):
        check_tensor(input, name)
        return overwrite(
            input, name, lambda old: fitted(name, old, function(old, *args, **kwargs))
        )

    changed.__name__ = changed.__qualname__ = name
    changed.__doc__ = f"`{name[:-1]}` written over `input`; returns it. Errors: see `overwrite`."
    return changed


RANK = {"b": 0, "u": 1, "i": 1, "f": 2}  # bool < integer < float


def fitted(name, old, result):
    """`result`, ready to be written over `old`: of its dtype, and recorded if it was."""
    if RANK[result.dtype.kind] > RANK[old.dtype.kind]:
        raise DtypeError(f"{name}: the result is {result.dtype} and the tensor {old.dtype}")
    if result.shape != old.shape:
        raise ShapeError(f"{name}: the result has shape {result.shape}, the tensor {old.shape}")
    if old.requires_grad and not result.requires_grad:
        return _replace(old, result)  # a comparison: the old value's gradient is 0
    return to(result, old.dtype) if result.dtype != old.dtype else result


for _module, _names in NAMED.items():
    for _name in _names.split():
        globals()[f"{_name}_"] = in_place(f"{_name}_", getattr(_module, _name))
        METHODS.append(f"{_name}_")


def float_power_(input, exponent):
    """`float_power` written over `input`, which must be float64; returns it.

    >>> import minigrad as mg
    >>> mg.tensor([2.0, 3.0], dtype=mg.float64).float_power_(2)
    tensor([4., 9.], dtype=float64)
    """
    if check_tensor(input, "float_power_").dtype != np.float64:
        raise DtypeError(f"float_power_: the result is float64 and the tensor {input.dtype}")
    return overwrite(input, "float_power_", lambda old: power.float_power(old, exponent))


def _replace(old, value):
    """`value`, of old's shape and dtype; old's gradient is 0."""
    value = broadcast_to(to(value, old.dtype), old.shape)
    return choice.where(wrap(np.zeros((), bool)), old, value)


def fill_(input, value):
    """Every element becomes `value`, a number or a tensor of one element; returns `input`.

    >>> import minigrad as mg
    >>> mg.zeros(2).fill_(3)
    tensor([3., 3.])
    """
    check_tensor(input, "fill_")
    if isinstance(value, Tensor):
        if value.ndim:
            raise ShapeError(f"fill_: value must have no axes, got shape {value.shape}")
    elif not isinstance(value, NUMBERS):
        raise TypeError(f"fill_: expected a number or a Tensor, got {type(value).__name__}")
    else:
        try:
            number = value if input.dtype.kind in "fb" else int(value)
            if input.dtype.kind == "u" and -255 <= number < 0:
                number += 256  # PyTorch lets negative numbers wrap around here
            value = wrap(np.asarray(number, input.dtype))
        except (OverflowError, ValueError):
            raise ValueError(f"fill_: {value} is not a number of dtype {input.dtype}") from None
    return overwrite(input, "fill_", lambda old: _replace(old, value))


def fill(input, value):
    """A tensor like `input`, every element `value`; the in-place form is `fill_`.

    Its gradient is that of a constant: 0 for `input`, the sum of g for a tensor `value`.

    >>> import minigrad as mg
    >>> mg.fill(mg.zeros(2), 3)
    tensor([3., 3.])
    """
    return fill_(clone(check_tensor(input, "fill")), value)


def zero_(input):
    """Every element becomes 0, in place; returns `input`.

    >>> import minigrad as mg
    >>> mg.ones(2).zero_()
    tensor([0., 0.])
    """
    zero = wrap(np.zeros((), check_tensor(input, "zero_").dtype))
    return overwrite(input, "zero_", lambda old: _replace(old, zero))


def copy_(input, src):
    """The elements of `src`, broadcast and cast, written over `input`; returns `input`.

    >>> import minigrad as mg
    >>> mg.zeros(2).copy_(mg.tensor([1, 2]))
    tensor([1., 2.])
    """
    check_tensor(input, "copy_")
    if not isinstance(src, (Tensor, np.ndarray, *NUMBERS)):
        raise TypeError(f"copy_: src must be a Tensor, got {type(src).__name__}")
    src = creation.as_tensor(src)
    try:
        np.broadcast_to(src._array, input.shape)
    except ValueError:
        raise ShapeError(
            f"copy_: src of shape {src.shape} does not broadcast to {input.shape}"
        ) from None
    return overwrite(input, "copy_", lambda old: _replace(old, src))


def uniform_(input, low=0.0, high=1.0):
    """Fresh numbers, uniform on [low, high), written over `input`; returns it.

    >>> import minigrad as mg
    >>> bool((mg.zeros(9).uniform_(2, 3) >= 2).all())
    True
    """
    if low > high:
        raise ValueError(f"uniform_: expected low <= high, got {low} and {high}")
    draw = creation.default_generator().random(input.shape, input.dtype)
    drawn = wrap(np.asarray(draw * (high - low) + low, input.dtype))
    return overwrite(input, "uniform_", lambda old: _replace(old, drawn))


def normal_(input, mean=0.0, std=1.0):
    """Fresh normal numbers with this mean and standard deviation over `input`; returns it.

    >>> import minigrad as mg
    >>> mg.zeros(2, 3).normal_(0, 0.1).shape
    (2, 3)
    """
    if std < 0:
        raise ValueError(f"normal_: std must not be negative, got {std}")
    draw = creation.default_generator().standard_normal(input.shape, input.dtype)
    drawn = wrap(np.asarray(draw * std + mean, input.dtype))
    return overwrite(input, "normal_", lambda old: _replace(old, drawn))
