"""Data sets and their batches.

A data set is anything with `len(data)` and `data[i]`; `DataLoader` puts samples together to
batches. Over tensors it takes a whole batch with one index; the batches are the same.
"""

import math
import numbers
import operator
import warnings
from collections.abc import Mapping

import numpy as np

from minigrad.errors import ShapeError
from minigrad.ops import creation
from minigrad.ops.creation import as_tensor, tensor
from minigrad.ops.shape import stack
from minigrad.tensor import Tensor, wrap

__all__ = [
    "Dataset",
    "TensorDataset",
    "Subset",
    "DataLoader",
    "random_split",
    "default_collate",
]


class Dataset:
    """Base class of data sets: define `__len__` and `__getitem__`.

    Examples
    --------
    >>> from minigrad.utils.data import DataLoader, Dataset
    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 4
    ...     def __getitem__(self, i):
    ...         return i, i * i
    >>> list(DataLoader(Squares(), batch_size=2))
    [(tensor([0, 1]), tensor([0, 1])), (tensor([2, 3]), tensor([4, 9]))]
    """

    def __getitem__(self, index):
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(self, index)")


class TensorDataset(Dataset):
    """Sample i is the tuple of the i-th entries of some tensors.

    Parameters
    ----------
    *tensors : Tensor
        Of one length along the first axis.

    Raises
    ------
    ShapeError
        (a ValueError) The lengths differ, or a tensor is 0-d.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.utils.data import TensorDataset
    >>> data = TensorDataset(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), mg.tensor([0, 1]))
    >>> len(data), data[1]
    (2, (tensor([3., 4.]), tensor(1)))
    """

    def __init__(self, *tensors):
        if not tensors:
            raise ValueError("TensorDataset: expected at least one tensor")
        for k, x in enumerate(tensors):
            if not isinstance(x, Tensor):
                raise TypeError(
                    f"TensorDataset: argument {k} is a {type(x).__name__}, not a Tensor"
                )
            if not x.ndim or x.shape[0] != tensors[0].shape[0]:
                shapes = ", ".join(str(t.shape) for t in tensors)
                raise ShapeError(
                    f"TensorDataset: the first axes must be of one length, got shapes {shapes}"
                )
        self.tensors = tensors

    def __len__(self):
        return self.tensors[0].shape[0]

    def __getitem__(self, index):
        return tuple(x[index] for x in self.tensors)


class Subset(Dataset):
    """The samples of a data set at some indices.

    Parameters
    ----------
    dataset : Dataset
    indices : sequence of int

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.utils.data import Subset, TensorDataset
    >>> Subset(TensorDataset(mg.arange(10)), [7, 3])[0]
    (tensor(7),)
    """

    def __init__(self, dataset, indices):
        self.dataset = dataset
        self.indices = indices

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, index):
        return self.dataset[self.indices[index]]


def random_split(dataset, lengths, generator=None):
    """Parts of a data set, of given sizes, chosen at random without overlap.

    Parameters
    ----------
    dataset : Dataset
    lengths : sequence of int or of float
        Sizes that add up to ``len(dataset)``, or fractions that add up to 1. Fractions are
        rounded down, and what remains goes to the first parts, one sample each.
    generator : numpy.random.Generator or int, optional
        Where chance comes from, or its seed. Default: minigrad's generator (`manual_seed`).

    Returns
    -------
    list of Subset

    Raises
    ------
    ValueError
        The lengths do not add up, or one is negative.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.utils.data import TensorDataset, random_split
    >>> train, test = random_split(TensorDataset(mg.arange(10)), [0.8, 0.2], generator=0)
    >>> len(train), len(test)
    (8, 2)
    """
    lengths = list(lengths)
    n = len(dataset)
    for length in lengths:
        if not isinstance(length, numbers.Real) or not length >= 0:
            raise ValueError(f"random_split: lengths must be numbers >= 0, got {lengths}")
    if math.isclose(sum(lengths), 1) and all(length <= 1 for length in lengths):
        counts = [math.floor(n * fraction) for fraction in lengths]
        for k in range(n - sum(counts)):
            counts[k % len(counts)] += 1
        for k, count in enumerate(counts):
            if not count:
                warnings.warn(f"random_split: part {k} of {n} samples is empty", stacklevel=2)
    elif any(not isinstance(length, numbers.Integral) for length in lengths):
        raise ValueError(f"random_split: fractions must add up to 1, got {lengths}")
    else:
        counts = lengths
    if sum(counts) != n:
        raise ValueError(
            f"random_split: lengths {lengths} add up to {sum(counts)}, the data set has {n}"
        )
    order = _source(generator, "random_split").permutation(n).tolist()
    ends = np.cumsum(counts).tolist()
    return [
        Subset(dataset, order[end - count : end]) for end, count in zip(ends, counts, strict=True)
    ]


def _source(generator, caller):
    """The NumPy generator that `generator` stands for."""
    if generator is None:
        return creation.default_generator()
    if isinstance(generator, np.random.Generator):
        return generator
    if isinstance(generator, numbers.Integral) and generator >= 0:
        return np.random.default_rng(generator)
    raise TypeError(
        f"{caller}: generator must be a numpy.random.Generator or a seed >= 0, got {generator!r}"
    )


def default_collate(samples):
    """A batch from a list of samples: a new first axis on every number, array and tensor.

    Tensors and arrays are stacked, numbers become a tensor (Python floats float32, as everywhere
    in minigrad), strings a list. Dicts, tuples, named tuples and lists of these are collated
    entry by entry.

    Parameters
    ----------
    samples : list
        All of one structure and of the same shapes.

    Raises
    ------
    TypeError
        Something that has no batch.
    ValueError
        Samples of different structure or shapes, or none.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.utils.data import default_collate
    >>> default_collate([{"x": mg.ones(2), "y": 1}, {"x": mg.zeros(2), "y": 0}])
    {'x': tensor([[1., 1.],
           [0., 0.]]), 'y': tensor([1, 0])}
    """
    samples = list(samples)
    if not samples:
        raise ValueError("default_collate: expected at least one sample")
    first = samples[0]
    if isinstance(first, Tensor):
        return stack(samples)
    if isinstance(first, np.ndarray):
        return stack([as_tensor(x) for x in samples])
    if isinstance(first, np.generic):
        return tensor(np.array(samples))
    if isinstance(first, (bool, int, float)):
        return tensor(samples)
    if isinstance(first, (str, bytes)):
        return samples
    if isinstance(first, Mapping):
        if any(x.keys() != first.keys() for x in samples):
            raise ValueError("default_collate: the samples have different keys")
        return {key: default_collate([x[key] for x in samples]) for key in first}
    if isinstance(first, (tuple, list)):
        if any(len(x) != len(first) for x in samples):
            lengths = sorted({len(x) for x in samples})
            raise ValueError(f"default_collate: samples of different lengths {lengths}")
        columns = [default_collate(column) for column in zip(*samples, strict=True)]
        return type(first)(*columns) if hasattr(first, "_fields") else type(first)(columns)
    raise TypeError(
        "default_collate: expected tensors, arrays, numbers, strings, or dicts and sequences of "
        f"these, got {type(first).__name__}; give DataLoader a collate_fn"
    )


class DataLoader:
    """Batches of a data set, in order or shuffled anew at each iteration.

    Parameters
    ----------
    dataset : Dataset
        Anything with a length that is indexed by 0, 1, ...
    batch_size : int
        Samples in a batch.
    shuffle : bool
        Whether the order is random.
    collate_fn : callable, optional
        Makes a batch of a list of samples. Default: `default_collate`.
    drop_last : bool
        Leave out a last batch that is smaller.
    generator : numpy.random.Generator or int, optional
        Where the order comes from, or its seed: the first iteration of two loaders with one seed
        has the same order, and so has the second. Default: minigrad's generator (`manual_seed`).

    Raises
    ------
    TypeError
        The data set has no length, or `generator` is neither a generator nor a seed.
    ValueError
        `batch_size` is not a positive integer.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.utils.data import DataLoader, TensorDataset
    >>> data = TensorDataset(mg.arange(5.0), mg.arange(5))
    >>> for x, y in DataLoader(data, batch_size=2):
    ...     print(x, y)
    tensor([0., 1.]) tensor([0, 1])
    tensor([2., 3.]) tensor([2, 3])
    tensor([4.]) tensor([4])
    >>> len(DataLoader(data, batch_size=2, drop_last=True))
    2
    """

    def __init__(
        self,
        dataset,
        batch_size=1,
        shuffle=False,
        *,
        collate_fn=None,
        drop_last=False,
        generator=None,
    ):
        if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
            raise TypeError(
                "DataLoader: the data set needs __len__ and __getitem__, "
                f"and a {type(dataset).__name__} lacks them"
            )
        try:
            self.batch_size = operator.index(batch_size)
        except TypeError:
            self.batch_size = 0
        if isinstance(batch_size, bool) or self.batch_size < 1:
            raise ValueError(
                f"DataLoader: batch_size must be a positive integer, got {batch_size!r}"
            )
        self.dataset = dataset
        self.shuffle = bool(shuffle)
        self.collate_fn = default_collate if collate_fn is None else collate_fn
        self.drop_last = bool(drop_last)
        self.generator = None if generator is None else _source(generator, "DataLoader")

    def __len__(self):
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self):
        n = len(self.dataset)
        order = _source(self.generator, "DataLoader").permutation(n) if self.shuffle else None
        tensors = None
        if self.collate_fn is default_collate:
            tensors, order = _tensors_behind(self.dataset, order)
        return self._batches(len(self), n, order, tensors)

    def _batches(self, count, n, order, tensors):
        for k in range(count):
            start, stop = k * self.batch_size, min((k + 1) * self.batch_size, n)
            part = range(start, stop) if order is None else order[start:stop]
            if tensors is None:
                indices = part if order is None else part.tolist()
                yield self.collate_fn([self.dataset[i] for i in indices])
            else:
                yield tuple([_rows(x, part) for x in tensors])


def _tensors_behind(dataset, order):
    """The tensors of a TensorDataset and the order in them, through Subsets; (None, order) else.

    Exact types only: a subclass may compute its samples.
    """
    places = order
    while type(dataset) is Subset:
        indices = np.asarray(dataset.indices)
        if indices.ndim != 1 or (indices.dtype.kind not in "iu" and len(indices)):
            return None, order
        indices = indices.astype(np.intp, copy=False)
        places = indices if places is None else indices[places]
        dataset = dataset.dataset
    if type(dataset) is not TensorDataset:
        return None, order
    return dataset.tensors, places


def _rows(x, part):
    """The rows `part` of x, a range or an array of indices, in memory of their own."""
    if x.requires_grad:
        return stack([x[int(i)] for i in part])
    if isinstance(part, range):
        return wrap(x._array[part.start : part.stop].copy())
    return wrap(x._array.take(part, axis=0))
