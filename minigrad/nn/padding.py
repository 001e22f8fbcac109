"""Padding layers: a constant, or the input's own mirror image, edge or other end, around it."""

from minigrad.nn.functional import pad
from minigrad.nn.module import Module


class _Pad(Module):
    """Two sizes an axis, the last axis first; one integer stands for all of them."""

    axes = 2
    mode = "constant"

    def __init__(self, padding):
        super().__init__()
        layer, count = type(self).__name__, 2 * self.axes
        if not isinstance(padding, (tuple, list)):
            padding = (padding,) * count
        if any(isinstance(p, bool) or not hasattr(p, "__index__") for p in padding):
            raise TypeError(f"{layer}: padding must be integers, got {padding!r}")
        if len(padding) % 2:
            raise ValueError(f"{layer}: padding must be two sizes an axis, got {padding!r}")
        self.padding = tuple(padding)

    def forward(self, input):
        """The input with the padding around it."""
        return pad(input, self.padding, self.mode)

    def extra_repr(self):
        return f"{self.padding}"


class _ConstantPad(_Pad):
    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def forward(self, input):
        """The input with `value` around it."""
        return pad(input, self.padding, "constant", self.value)

    def extra_repr(self):
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    def __init__(self, padding):
        super().__init__(padding, 0.0)

    def extra_repr(self):
        return f"{self.padding}"


class ZeroPad1d(_ZeroPad):
    """Zeros around a sequence: (left, right); see `functional.pad`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.ZeroPad1d((1, 2))(mg.tensor([[5.0, 6.0, 7.0]]))
    tensor([[0., 5., 6., 7., 0., 0.]])
    """

    axes = 1


class ZeroPad2d(_ZeroPad):
    """Zeros around an image: (left, right, top, bottom); see `functional.pad`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.ZeroPad2d((1, 0, 2, 1))(mg.zeros(2, 3, 4)).shape
    (2, 6, 5)
    """


class ConstantPad1d(_ConstantPad):
    """A constant around a sequence: (left, right); see `functional.pad`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.ConstantPad1d((1, 2), 9.0)(mg.tensor([[5.0, 6.0, 7.0]]))
    tensor([[9., 5., 6., 7., 9., 9.]])
    """

    axes = 1


class ConstantPad2d(_ConstantPad):
    """A constant around an image: (left, right, top, bottom); see `functional.pad`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.ConstantPad2d((1, 0, 2, 1), 9.0)(mg.zeros(2, 3, 4)).shape
    (2, 6, 5)
    """


class ReflectionPad1d(_Pad):
    """The mirror image around a sequence: (left, right); see `functional.pad`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.ReflectionPad1d((1, 2))(mg.tensor([[5.0, 6.0, 7.0]]))
    tensor([[6., 5., 6., 7., 6., 5.]])
    """

    axes = 1
    mode = "reflect"


class ReflectionPad2d(_Pad):
    """The mirror image around an image: (left, right, top, bottom); see `functional.pad`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.ReflectionPad2d((1, 0, 2, 1))(mg.zeros(2, 3, 4)).shape
    (2, 6, 5)
    """

    mode = "reflect"


class ReplicationPad1d(_Pad):
    """The edge around a sequence: (left, right); see `functional.pad`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.ReplicationPad1d((1, 2))(mg.tensor([[5.0, 6.0, 7.0]]))
    tensor([[5., 5., 6., 7., 7., 7.]])
    """

    axes = 1
    mode = "replicate"


class ReplicationPad2d(_Pad):
    """The edge around an image: (left, right, top, bottom); see `functional.pad`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.ReplicationPad2d((1, 0, 2, 1))(mg.zeros(2, 3, 4)).shape
    (2, 6, 5)
    """

    mode = "replicate"


class CircularPad1d(_Pad):
    """The other end around a sequence: (left, right); see `functional.pad`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.CircularPad1d((1, 2))(mg.tensor([[5.0, 6.0, 7.0]]))
    tensor([[7., 5., 6., 7., 5., 6.]])
    """

    axes = 1
    mode = "circular"


class CircularPad2d(_Pad):
    """The other end around an image: (left, right, top, bottom); see `functional.pad`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nn.CircularPad2d((1, 0, 2, 1))(mg.zeros(2, 3, 4)).shape
    (2, 6, 5)
    """

    mode = "circular"
