"""In-place operations: the same operations, written over the tensor's own memory.

`overwrite` does what they share: it records the operation, tells the views of the same memory,
refuses what would make a gradient wrong (a leaf that requires grad) and counts the version up.
"""

import numpy as np

from minigrad.ops import activation, arithmetic, choice, creation, elementwise
from minigrad.ops.overwrite import overwrite
from minigrad.ops.shape import broadcast_to, to
from minigrad.tensor import Tensor, wrap

__all__ = []
METHODS = """
    add_ sub_ mul_ div_ pow_ neg_ abs_ exp_ log_ sqrt_ tanh_ sigmoid_ relu_ clamp_ fill_ zero_
    copy_ uniform_ normal_
""".split()


def _over(name, function):
    """The in-place form of `function`: a public function with the trailing underscore."""

    def inplace(input, *args, **kwargs):
        if not isinstance(input, Tensor):
            raise TypeError(f"{name}: expected a Tensor, got {type(input).__name__}")
        return overwrite(input, name, lambda old: function(old, *args, **kwargs))

    inplace.__name__ = inplace.__qualname__ = name
    inplace.__doc__ = f"`{name[:-1]}` written over `input`; returns it. Errors: see `overwrite`."
    return inplace


add_ = _over("add_", arithmetic.add)
sub_ = _over("sub_", arithmetic.sub)
mul_ = _over("mul_", arithmetic.mul)
div_ = _over("div_", arithmetic.div)
pow_ = _over("pow_", arithmetic.pow)
neg_ = _over("neg_", arithmetic.neg)
abs_ = _over("abs_", choice.abs)
exp_ = _over("exp_", elementwise.exp)
log_ = _over("log_", elementwise.log)
sqrt_ = _over("sqrt_", elementwise.sqrt)
tanh_ = _over("tanh_", activation.tanh)
sigmoid_ = _over("sigmoid_", activation.sigmoid)
relu_ = _over("relu_", activation.relu)
clamp_ = _over("clamp_", choice.clamp)


def _replace(old, value):
    """`value`, of old's shape and dtype; old's gradient is 0."""
    value = broadcast_to(to(value, old.dtype), old.shape)
    return choice.where(wrap(np.zeros((), bool)), old, value)


def fill_(input, value):
    """Every element becomes `value`, in place; returns `input`.

    >>> import minigrad as mg
    >>> mg.zeros(2).fill_(3)
    tensor([3., 3.])
    """
    value = value if isinstance(value, Tensor) else wrap(np.asarray(value, input.dtype))
    return overwrite(input, "fill_", lambda old: _replace(old, value))


def zero_(input):
    """Every element becomes 0, in place; returns `input`.

    >>> import minigrad as mg
    >>> mg.ones(2).zero_()
    tensor([0., 0.])
    """
    zero = wrap(np.zeros((), input.dtype))
    return overwrite(input, "zero_", lambda old: _replace(old, zero))


def copy_(input, src):
    """The elements of `src`, broadcast and cast, written over `input`; returns `input`.

    >>> import minigrad as mg
    >>> mg.zeros(2).copy_(mg.tensor([1, 2]))
    tensor([1., 2.])
    """
    src = creation.as_tensor(src)
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
