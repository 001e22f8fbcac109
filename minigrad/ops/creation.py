"""New tensors: from data, from a rule, from chance.

Floating results are float32 unless `dtype` says otherwise. Chance comes from one generator,
PCG64, seeded by `manual_seed`: the same seed gives the same numbers in every build.
"""

import math

import numpy as np

from minigrad.dtypes import as_dtype, float32, int64
from minigrad.errors import DtypeError, ShapeError
from minigrad.tensor import Tensor, to_array, wrap

__all__ = """
    manual_seed default_generator tensor as_tensor from_numpy zeros ones empty full eye arange
    linspace rand randn randint randperm zeros_like ones_like empty_like full_like rand_like
    randn_like randint_like
""".split()

_generator = None  # made when first asked for: importing numpy.random takes milliseconds


def manual_seed(seed):
    """Seed every random choice of minigrad; returns the NumPy generator.

    >>> import minigrad as mg
    >>> _ = mg.manual_seed(0); a = mg.rand(3)
    >>> _ = mg.manual_seed(0); mg.equal(a, mg.rand(3))
    True
    """
    global _generator
    _generator = np.random.default_rng(seed)
    return _generator


def default_generator():
    """The NumPy generator that random creation, dropout, initialisation and shuffling use.

    >>> import minigrad as mg
    >>> type(mg.default_generator()).__name__
    'Generator'
    """
    return _generator if _generator is not None else manual_seed(None)


def _sizes(size, name):
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = size[0]
    for n in size:
        if not isinstance(n, (int, np.integer)) or isinstance(n, bool):
            raise TypeError(f"{name}: sizes must be integers, got {tuple(size)}")
        if n < 0:
            raise ShapeError(f"{name}: sizes must not be negative, got {tuple(size)}")
    return tuple(int(n) for n in size)


def _number(value, name, what):
    """A Python number, also from a tensor or array of one element."""
    if isinstance(value, (Tensor, np.ndarray, np.generic)) and value.ndim == 0:
        value = value.item()
    if not isinstance(value, (int, float)):
        raise TypeError(f"{name}: {what} must be a number, got {value!r}")
    return value


def _floating(dtype, name):
    """`dtype`, which must be a floating one."""
    dtype = as_dtype(dtype)
    if dtype.kind != "f":
        raise DtypeError(f"{name}: expected a floating dtype, got {dtype}")
    return dtype


def _new(array, requires_grad):
    x = wrap(array)
    return x.requires_grad_() if requires_grad else x


def tensor(data, *, dtype=None, requires_grad=False):
    """A Tensor with a copy of `data`.

    Parameters
    ----------
    data : number, nested list, ndarray or Tensor
        Python floats become float32, ints int64; arrays keep their dtype.
    dtype : dtype, optional
    requires_grad : bool

    Raises
    ------
    TypeError
        Not numbers, or a dtype that minigrad does not have.
    ShapeError
        Nested lists of uneven lengths.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    tensor([[1., 2.],
            [3., 4.]])
    """
    return Tensor(data, dtype, requires_grad)


def as_tensor(data, dtype=None):
    """`data` as a Tensor, without a copy where it already is a Tensor or a suitable array.

    >>> import minigrad as mg
    >>> x = mg.tensor([1.0]); mg.as_tensor(x) is x
    True
    """
    if isinstance(data, Tensor):
        return data if dtype is None or data.dtype == as_dtype(dtype) else data.to(dtype)
    if isinstance(data, np.ndarray) and (dtype is None or data.dtype == as_dtype(dtype)):
        return from_numpy(data)
    return wrap(to_array(data, dtype))


def from_numpy(array):
    """A Tensor that shares the memory of a NumPy array.

    Writes through the array are not seen by version checks.

    Raises
    ------
    TypeError
        Not an ndarray, or a dtype that minigrad does not have.

    Examples
    --------
    >>> import minigrad as mg, numpy as np
    >>> a = np.zeros(2); x = mg.from_numpy(a); a[0] = 5; x
    tensor([5., 0.], dtype=float64)
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy: expected an ndarray, got {type(array).__name__}")
    if as_dtype(array.dtype) != array.dtype or not array.dtype.isnative:
        raise DtypeError(
            f"from_numpy: dtype {array.dtype.str} is not of this machine's byte order"
        )
    return wrap(np.asarray(array))


def zeros(*size, dtype=float32, requires_grad=False):
    """A tensor of zeros.

    >>> import minigrad as mg
    >>> mg.zeros(2, 2)
    tensor([[0., 0.],
            [0., 0.]])
    """
    return _new(np.zeros(_sizes(size, "zeros"), as_dtype(dtype)), requires_grad)


def ones(*size, dtype=float32, requires_grad=False):
    """A tensor of ones.

    >>> import minigrad as mg
    >>> mg.ones(2)
    tensor([1., 1.])
    """
    return _new(np.ones(_sizes(size, "ones"), as_dtype(dtype)), requires_grad)


def empty(*size, dtype=float32, requires_grad=False):
    """A tensor of arbitrary content, to be filled.

    >>> import minigrad as mg
    >>> mg.empty(2, 3).shape
    (2, 3)
    """
    return _new(np.empty(_sizes(size, "empty"), as_dtype(dtype)), requires_grad)


def full(size, fill_value, *, dtype=None, requires_grad=False):
    """A tensor filled with `fill_value`, whose type gives the dtype.

    >>> import minigrad as mg
    >>> mg.full((2,), 7.0)
    tensor([7., 7.])
    """
    fill_value = _number(fill_value, "full", "fill_value")
    dtype = as_dtype(type(fill_value) if dtype is None else dtype)
    size = size if isinstance(size, (tuple, list)) else (size,)
    return _new(np.full(_sizes((size,), "full"), fill_value, dtype), requires_grad)


def eye(n, m=None, *, dtype=float32, requires_grad=False):
    """The n by m matrix with ones on the diagonal.

    >>> import minigrad as mg
    >>> mg.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    _sizes((n, n if m is None else m), "eye")
    return _new(np.eye(n, m, dtype=as_dtype(dtype)), requires_grad)


def arange(start=0, end=None, step=1, *, dtype=None, requires_grad=False):
    """start, start + step, … below end. int64 for integers, else float32.

    >>> import minigrad as mg
    >>> mg.arange(3), mg.arange(1.0, 2.0, 0.5)
    (tensor([0, 1, 2]), tensor([1. , 1.5]))
    """
    if end is None:
        start, end = 0, start
    start, end = _number(start, "arange", "start"), _number(end, "arange", "end")
    step = _number(step, "arange", "step")
    if not all(map(math.isfinite, (start, end, step))):
        raise ValueError(f"arange: not finite: {start}, {end}, {step}")
    if step == 0:
        raise ValueError("arange: step must not be zero")
    if (end - start) * step < 0:
        raise ValueError(f"arange: no way from {start} to {end} in steps of {step}")
    if dtype is None:
        dtype = int64 if all(isinstance(v, int) for v in (start, end, step)) else float32
    return _new(np.arange(start, end, step).astype(as_dtype(dtype)), requires_grad)


def linspace(start, end, steps, *, dtype=float32, requires_grad=False):
    """`steps` equally spaced numbers from start to end, both included.

    >>> import minigrad as mg
    >>> mg.linspace(0, 1, 3)
    tensor([0. , 0.5, 1. ])
    """
    _sizes((steps,), "linspace")
    start, end = _number(start, "linspace", "start"), _number(end, "linspace", "end")
    return _new(np.linspace(start, end, steps).astype(as_dtype(dtype)), requires_grad)


def rand(*size, dtype=float32, requires_grad=False):
    """Uniform on [0, 1).

    >>> import minigrad as mg
    >>> mg.rand(2, 3).shape
    (2, 3)
    """
    array = default_generator().random(_sizes(size, "rand"), _floating(dtype, "rand"))
    return _new(np.asarray(array), requires_grad)


def randn(*size, dtype=float32, requires_grad=False):
    """Normal with mean 0 and variance 1.

    >>> import minigrad as mg
    >>> mg.randn(2, 3).shape
    (2, 3)
    """
    array = default_generator().standard_normal(_sizes(size, "randn"), _floating(dtype, "randn"))
    return _new(np.asarray(array), requires_grad)


def randint(low, high=None, size=None, *, dtype=int64):
    """Integers, uniform on [low, high); `randint(high, size)` starts at 0.

    >>> import minigrad as mg
    >>> bool((mg.randint(0, 5, (100,)) < 5).all())
    True
    """
    if size is None:
        low, high, size = 0, low, high
    if size is None or not high > low:
        raise ValueError(f"randint: expected low < high and a size, got {low}, {high}, {size}")
    size = size if isinstance(size, (tuple, list)) else (size,)
    array = default_generator().integers(low, high, _sizes((size,), "randint"))
    return wrap(np.asarray(array).astype(as_dtype(dtype)))


def randperm(n):
    """A random order of 0 … n - 1, int64.

    >>> import minigrad as mg
    >>> sorted(mg.randperm(4).tolist())
    [0, 1, 2, 3]
    """
    _sizes((n,), "randperm")
    return wrap(default_generator().permutation(n).astype(np.int64))


def _like(make, input, dtype, requires_grad, *args):
    if not isinstance(input, Tensor):
        raise TypeError(f"{make.__name__}_like: expected a Tensor, got {type(input).__name__}")
    dtype = input.dtype if dtype is None else dtype
    return make(tuple(input.shape), *args, dtype=dtype, requires_grad=requires_grad)


def zeros_like(input, *, dtype=None, requires_grad=False):
    """Zeros of the shape and dtype of `input`.

    >>> import minigrad as mg
    >>> mg.zeros_like(mg.ones(2))
    tensor([0., 0.])
    """
    return _like(zeros, input, dtype, requires_grad)


def ones_like(input, *, dtype=None, requires_grad=False):
    """Ones of the shape and dtype of `input`.

    >>> import minigrad as mg
    >>> mg.ones_like(mg.zeros(2))
    tensor([1., 1.])
    """
    return _like(ones, input, dtype, requires_grad)


def empty_like(input, *, dtype=None, requires_grad=False):
    """Arbitrary content, of the shape and dtype of `input`.

    >>> import minigrad as mg
    >>> mg.empty_like(mg.zeros(2)).shape
    (2,)
    """
    return _like(empty, input, dtype, requires_grad)


def full_like(input, fill_value, *, dtype=None, requires_grad=False):
    """`fill_value` everywhere, of the shape and dtype of `input`.

    >>> import minigrad as mg
    >>> mg.full_like(mg.zeros(2), 3)
    tensor([3., 3.])
    """
    return _like(full, input, dtype, requires_grad, fill_value)


def rand_like(input, *, dtype=None, requires_grad=False):
    """Uniform on [0, 1), of the shape and dtype of `input`.

    >>> import minigrad as mg
    >>> mg.rand_like(mg.zeros(2)).shape
    (2,)
    """
    return _like(rand, input, dtype, requires_grad)


def randn_like(input, *, dtype=None, requires_grad=False):
    """Normal, mean 0, variance 1, of the shape and dtype of `input`.

    >>> import minigrad as mg
    >>> mg.randn_like(mg.zeros(2)).shape
    (2,)
    """
    return _like(randn, input, dtype, requires_grad)


def randint_like(input, low, high=None, *, dtype=None):
    """Integers on [low, high), of the shape and dtype of `input`.

    >>> import minigrad as mg
    >>> mg.randint_like(mg.zeros(2), 1, 2)
    tensor([1., 1.])
    """
    low, high = (0, low) if high is None else (low, high)
    return randint(low, high, input.shape, dtype=input.dtype if dtype is None else dtype)
