"""Batches: all samples once, seeded order, the fast path equal to the slow one; splits; errors."""

from collections import namedtuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.utils.data import (
    DataLoader,
    Dataset,
    Subset,
    TensorDataset,
    default_collate,
    random_split,
)

sizes = st.integers(0, 23)
batch_sizes = st.integers(1, 9)


class Slow(TensorDataset):
    """A subclass: served sample by sample."""


def pairs(n, cls=TensorDataset):
    x = mg.tensor(np.arange(3.0 * n).reshape(n, 3))
    return cls(x, mg.tensor(np.arange(n)))


def labels(loader):
    return [batch[1].tolist() for batch in loader]


# The loader ---------------------------------------------------------------------------------


@given(n=sizes, size=batch_sizes, shuffle=st.booleans(), drop_last=st.booleans())
def test_batches_are_the_samples_once_each(n, size, shuffle, drop_last):
    loader = DataLoader(pairs(n), size, shuffle, drop_last=drop_last)
    batches = list(loader)
    assert len(batches) == len(loader) == (n // size if drop_last else -(-n // size))
    seen = [i for batch in batches for i in batch[1].tolist()]
    assert len(set(seen)) == len(seen) == (n // size * size if drop_last else n)
    assert all(0 <= i < n for i in seen)
    if not shuffle:
        assert seen == list(range(len(seen)))
    for x, y in batches[:-1]:
        assert len(x) == len(y) == size
    for x, y in batches:
        np.testing.assert_array_equal(x.numpy(), 3.0 * y.numpy()[:, None] + np.arange(3))


@given(n=sizes, size=batch_sizes, shuffle=st.booleans(), data=st.data())
def test_whole_batches_are_those_made_sample_by_sample(n, size, shuffle, data):
    indices = data.draw(st.lists(st.integers(-n, n - 1), max_size=12)) if n else []
    places = data.draw(st.lists(st.integers(0, len(indices) - 1), max_size=9)) if indices else []
    for wrapped in (
        lambda d: d,
        lambda d: Subset(d, indices),
        lambda d: Subset(Subset(d, indices), np.array(places, dtype=int)),
        lambda d: Subset(d, range(n)),
    ):
        fast = DataLoader(wrapped(pairs(n)), size, shuffle, generator=5)
        slow = DataLoader(wrapped(pairs(n, Slow)), size, shuffle, generator=5)
        for _ in range(2):
            for a, b in zip(fast, slow, strict=True):
                assert type(a) is type(b) is tuple
                for x, y in zip(a, b, strict=True):
                    assert x.dtype == y.dtype and x.shape == y.shape
                    assert x.is_contiguous()
                    np.testing.assert_array_equal(x.numpy(), y.numpy())


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_batch_has_memory_of_its_own(shuffle):
    data = pairs(6)
    for x, y in DataLoader(data, 2, shuffle):
        x.fill_(-1)
        y.fill_(-1)
    assert data.tensors[1].tolist() == list(range(6))
    assert (data.tensors[0].numpy() >= 0).all()


def test_each_iteration_has_an_order_of_its_own_and_a_seed_gives_them_again():
    first, second = (DataLoader(pairs(20), 7, True, generator=3) for _ in range(2))
    epochs = [labels(first) for _ in range(3)]
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    assert [labels(second) for _ in range(3)] == epochs
    assert labels(DataLoader(pairs(20), 7, True, generator=4)) != epochs[0]
    rng = np.random.default_rng(3)
    assert labels(DataLoader(pairs(20), 7, True, generator=rng)) == epochs[0]
    assert labels(DataLoader(pairs(20), 7, True, generator=rng)) == epochs[1]


def test_manual_seed_decides_the_order():
    loader = DataLoader(pairs(20), 7, True)
    mg.manual_seed(1)
    epochs = [labels(loader), labels(loader)]
    mg.manual_seed(1)
    assert [labels(loader), labels(loader)] == epochs
    assert epochs[0] != epochs[1]


def test_iterators_of_one_loader_do_not_disturb_each_other():
    loader = DataLoader(pairs(8), 3, True, generator=0)
    a, b = iter(loader), iter(loader)
    together = list(zip(a, b, strict=True))
    again = DataLoader(pairs(8), 3, True, generator=0)
    assert [x[1].tolist() for x, _ in together] == labels(again)
    assert [y[1].tolist() for _, y in together] == labels(again)


def test_gradients_flow_through_batches():
    x = mg.tensor(np.arange(4.0), requires_grad=True)
    for (batch,) in DataLoader(TensorDataset(x), 3, True):
        (batch * batch).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * np.arange(4.0))


def test_collate_fn_gets_the_samples():
    loader = DataLoader(pairs(3), 2, collate_fn=lambda samples: [int(y) for _, y in samples])
    assert list(loader) == [[0, 1], [2]]


def test_any_sequence_is_a_data_set():
    batches = list(DataLoader([(1.5, 1), (2.5, 2), (3.5, 3)], 2))
    assert batches[0][0].dtype == np.float32 and batches[0][0].tolist() == [1.5, 2.5]
    assert batches[1][1].tolist() == [3]


def test_loader_errors():
    with pytest.raises(TypeError, match="needs __len__ and __getitem__, and a generator"):
        DataLoader(i for i in range(3))
    for bad in (0, -1, 2.0, None, True):
        with pytest.raises(ValueError, match="batch_size must be a positive integer"):
            DataLoader([1, 2], bad)
    for bad in ("0", -1, 1.5):
        with pytest.raises(TypeError, match="generator"):
            DataLoader([1, 2], generator=bad)
    for cls in (TensorDataset, Slow):
        with pytest.raises(IndexError):
            list(DataLoader(Subset(pairs(3, cls), [0, 3]), 2))
    with pytest.raises(NotImplementedError, match="__getitem__"):
        Dataset()[0]


# Data sets and splits -----------------------------------------------------------------------


def test_tensor_dataset():
    data = pairs(4)
    x, y = data[2]
    assert x.tolist() == [6.0, 7.0, 8.0] and y.item() == 2
    assert len(data) == 4
    assert [y.item() for _, y in data] == [0, 1, 2, 3]  # it ends with an IndexError
    with pytest.raises(ValueError, match=r"of one length, got shapes \(2,\), \(3,\)"):
        TensorDataset(mg.ones(2), mg.ones(3))
    with pytest.raises(ValueError, match="first axes"):
        TensorDataset(mg.tensor(1.0))
    with pytest.raises(TypeError, match="argument 1 is a list"):
        TensorDataset(mg.ones(2), [1, 2])
    with pytest.raises(ValueError, match="at least one"):
        TensorDataset()


@given(counts=st.lists(st.integers(2, 9), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_split_by_lengths_parts_the_samples(counts, seed):
    parts = random_split(range(sum(counts)), counts, generator=seed)
    assert [len(part) for part in parts] == counts
    assert sorted(i for part in parts for i in part) == list(range(sum(counts)))
    again = random_split(range(sum(counts)), counts, generator=seed)
    assert [list(part) for part in again] == [list(part) for part in parts]


@given(n=st.integers(12, 99), weights=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_split_by_fractions_parts_the_samples(n, weights):
    fractions = [w / sum(weights) for w in weights]
    parts = random_split(range(n), fractions)
    assert sorted(i for part in parts for i in part) == list(range(n))
    for part, fraction in zip(parts, fractions, strict=True):
        assert abs(len(part) - n * fraction) <= 1


def test_split_follows_manual_seed_and_agrees_with_pytorch_on_sizes():
    mg.manual_seed(0)
    first = [list(part) for part in random_split(range(10), [0.5, 0.3, 0.2])]
    mg.manual_seed(0)
    assert [list(part) for part in random_split(range(10), [0.5, 0.3, 0.2])] == first
    torch = pytest.importorskip("torch")
    for fractions in ([1 / 3, 1 / 3, 1 / 3], [0.29, 0.71], [0.7, 0.2, 0.1]):
        theirs = torch.utils.data.random_split(range(100), fractions)
        ours = random_split(range(100), fractions)
        assert [len(part) for part in ours] == [len(part) for part in theirs]


def test_split_errors():
    with pytest.raises(ValueError, match=r"\[3, 4\] add up to 7, the data set has 10"):
        random_split(range(10), [3, 4])
    with pytest.raises(ValueError, match="fractions must add up to 1"):
        random_split(range(10), [0.5, 0.4])
    with pytest.raises(ValueError, match=">= 0"):
        random_split(range(10), [11, -1])
    with pytest.warns(UserWarning, match="part 1 of 3 samples is empty"):
        random_split(range(3), [0.95, 0.05])


# Collating ----------------------------------------------------------------------------------

Point = namedtuple("Point", "x y")


def test_collate_keeps_structure():
    sample = {"a": mg.ones(2), "b": [1, (2.5, "s")], "p": Point(np.ones(3), True)}
    batch = default_collate([sample, sample, sample])
    assert batch["a"].shape == (3, 2)
    assert type(batch["b"]) is list and type(batch["b"][1]) is tuple
    assert batch["b"][0].dtype == np.int64
    assert batch["b"][1][0].dtype == np.float32
    assert batch["b"][1][1] == ["s", "s", "s"]
    assert type(batch["p"]) is Point
    assert batch["p"].x.shape == (3, 3) and batch["p"].x.dtype == np.float64
    assert batch["p"].y.dtype == np.bool_


def test_collate_keeps_numpy_dtypes():
    assert default_collate([np.float64(1), np.float64(2)]).dtype == np.float64
    assert default_collate([np.zeros(2, np.int32)] * 2).dtype == np.int32


def test_collate_errors():
    with pytest.raises(TypeError, match="got object; give DataLoader a collate_fn"):
        default_collate([object()])
    with pytest.raises(ValueError, match="shapes"):
        default_collate([mg.ones(2), mg.ones(3)])
    with pytest.raises(ValueError, match=r"different lengths \[1, 2\]"):
        default_collate([(1,), (1, 2)])
    with pytest.raises(ValueError, match="different keys"):
        default_collate([{"a": 1}, {"b": 1}])
    with pytest.raises(ValueError, match="at least one"):
        default_collate([])
