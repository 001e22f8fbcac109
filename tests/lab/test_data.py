"""Data sets from files: IDX folders, .npz, and what is said when they are not there."""

import gzip
import struct

import numpy as np
import pytest

from minigrad.lab import data


def idx(array):
    """The bytes of an IDX file, by the format's description."""
    head = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


@pytest.fixture
def folder(tmp_path):
    """400 + 100 images of 3×2 pixels whose first pixel is ten times the class."""
    data._images.cache_clear()
    rng = np.random.default_rng(0)
    for part, n in (("train", 400), ("test", 100)):
        y = np.arange(n) % 4
        x = rng.integers(0, 256, (n, 3, 2))
        x[:, 0, 0] = 10 * y
        images, labels = data.FILES[part]
        (tmp_path / f"{images}.gz").write_bytes(gzip.compress(idx(x)))
        (tmp_path / labels).write_bytes(idx(y))
    return tmp_path


def test_idx_folder(folder):
    split = data.load(str(folder), seed=0)
    assert [len(y) for _, y in split] == [360, 40, 100]
    for x, y in split:
        assert (x.dtype, y.dtype) == (np.float32, np.int64)
        assert x.shape[1:] == (6,)
        np.testing.assert_array_equal(np.round(x[:, 0] * 255), 10 * y)  # labels go with images
        assert (np.bincount(y) == len(y) / 4).all()


def test_at_most_so_many(folder):
    split = data.load(str(folder), seed=1, most=100)
    assert [len(y) for _, y in split] == [72, 8, 20]
    other = data.load(str(folder), seed=2, most=100)
    assert not np.array_equal(split.train[0], other.train[0])
    np.testing.assert_array_equal(split.train[0], data.load(str(folder), 1, most=100).train[0])


def test_digits_at_most():
    split = data.load("digits", seed=0, most=500)
    assert [len(y) for _, y in split] == [325, 75, 100]


def test_environment_variable(folder, monkeypatch):
    monkeypatch.setenv("MINIGRAD_DATA", str(folder))
    assert len(data.load("mnist", seed=0).test[1]) == 100
    data.check("mnist")


def test_largest_is_what_is_there(folder, monkeypatch):
    monkeypatch.setattr(data, "DEBIAN", str(folder / "nothing"))
    monkeypatch.delenv("MINIGRAD_DATA", raising=False)
    assert data.largest() == "digits"
    monkeypatch.setenv("MINIGRAD_DATA", str(folder))
    assert data.largest() == "mnist"


def test_npz(tmp_path):
    path = tmp_path / "own.npz"
    x = np.random.default_rng(0).normal(size=(200, 5))
    np.savez(path, x=x, y=np.repeat([3, 7], 100))
    split = data.load(str(path), seed=0)
    assert [len(y) for _, y in split] == [130, 30, 40]
    assert set(split.train[1]) == {0, 1}
    assert split.train[0].dtype == np.float32


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": np.ones((5, 2))}, "must hold arrays x and y"),
        ({"x": np.ones((5, 2)), "y": np.ones(4, int)}, r"has \(5, 2\) and int64 \(4,\)"),
        ({"x": np.ones((5, 2)), "y": np.ones(5)}, "float64"),
    ],
)
def test_wrong_npz_is_refused(tmp_path, arrays, words):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(ValueError, match=words):
        data.load(str(tmp_path / "x.npz"), seed=0)


def test_broken_idx_is_refused(folder):
    images = folder / "train-images-idx3-ubyte.gz"
    images.write_bytes(gzip.compress(b"\x00\x00\x0d\x03"))
    with pytest.raises(ValueError, match="not an IDX file of bytes"):
        data.load(str(folder), seed=0)
    images.write_bytes(gzip.compress(idx(np.zeros((400, 3, 2)))[:-1]))
    data._images.cache_clear()
    with pytest.raises(ValueError, match=r"\[400, 3, 2\]"):
        data.load(str(folder), seed=0)


def test_missing_data_says_what_would_bring_it(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "DEBIAN", str(tmp_path))
    monkeypatch.delenv("MINIGRAD_DATA", raising=False)
    with pytest.raises(data.MissingData, match="apt install dataset-fashion-mnist"):
        data.load("fashion-mnist", seed=0)
    with pytest.raises(data.MissingData, match="train-images-idx3-ubyte"):
        data.check(str(tmp_path))
    with pytest.raises(data.MissingData, match="no file"):
        data.check("nothing.npz")
