"""Real data sets, as NumPy arrays ready for `minigrad.from_numpy`.

    digits         scikit-learn's handwritten digits, 1797 images of 8×8 pixels; always there
    fashion-mnist  70,000 images of 28×28; from $MINIGRAD_DATA or Debian's dataset-fashion-mnist
    mnist          the same shape; from $MINIGRAD_DATA
    PATH           a folder with the four IDX files, or an .npz with x, y

An experiment that takes any of them has a parameter "data" and calls `load`.
"""

import gzip
import os
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

DEBIAN = "/usr/share/datasets"
FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


class MissingData(LookupError):
    """A data set that is not on this machine, with what would bring it here."""


class Split(NamedTuple):
    """Training, validation and test part of a data set; each is (x, y)."""

    train: tuple
    validation: tuple
    test: tuple


def digits(seed, validation=0.15, test=0.2, most=None):
    """scikit-learn's handwritten digits (1797 images of 8×8 pixels), split by class.

    Parameters
    ----------
    seed : int
        Of the split. Each part has the classes in the proportions of the whole.
    validation, test : float
        Fractions of the whole.
    most : int, optional
        At most so many samples in all, drawn by class.

    Returns
    -------
    Split
        x float32 (N, 64) in [0, 1], y int64 (N,).

    Examples
    --------
    >>> [len(y) for x, y in digits(0)]
    [1167, 270, 360]
    """
    return divide(*_fewer(*_digits(), most, seed), seed, validation, test)


@cache
def _digits():
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return (x / 16).astype(np.float32), y.astype(np.int64)  # pixels count 0 … 16


def divide(x, y, seed, validation=0.15, test=0.2):
    """x, y in three parts, each with the classes in the proportions of the whole: a `Split`."""
    from sklearn.model_selection import train_test_split

    rest_x, test_x, rest_y, test_y = train_test_split(
        x, y, test_size=test, stratify=y, random_state=seed
    )
    train_x, val_x, train_y, val_y = train_test_split(
        rest_x,
        rest_y,
        test_size=round(validation * len(y)),
        stratify=rest_y,
        random_state=seed,
    )
    return Split((train_x, train_y), (val_x, val_y), (test_x, test_y))


def load(name, seed, most=None):
    """The data set called `name`, split into training, validation and test part.

    Parameters
    ----------
    name : str
        'digits', 'fashion-mnist', 'mnist', or a path (see the module).
    seed : int
        Of the split; a published test part stays as it is.
    most : int, optional
        At most so many samples in all, drawn by class.

    Returns
    -------
    Split
        x float32 (N, features), pixels in [0, 1]; y int64 (N,), the classes 0 … K − 1.

    Raises
    ------
    MissingData
        The files are not here; the message says how to get them.
    ValueError
        The files are not such data.

    Examples
    --------
    >>> load("digits", seed=0).train[0].shape
    (1167, 64)
    """
    if name == "digits":
        x, y = _digits()
        return divide(*_fewer(x, y, most, seed), seed)
    if str(name).endswith(".npz"):
        return divide(*_fewer(*_arrays(name), most, seed), seed)
    parts = {part: _images(folder_of(name), part) for part in FILES}
    share = None if most is None else most / sum(len(y) for x, y in parts.values())
    few = {
        part: _fewer(x, y, None if share is None else round(share * len(y)), seed)
        for part, (x, y) in parts.items()
    }
    whole = divide(*few["train"], seed, 0.1, test=round(0.05 * len(few["train"][1])))
    train = tuple(np.concatenate(pair) for pair in zip(whole.train, whole.test, strict=True))
    return Split(train, whole.validation, few["test"])


def check(name):
    """Raise `MissingData` unless `load` will find the data set `name`."""
    if name == "digits" or (str(name).endswith(".npz") and Path(name).is_file()):
        return
    if str(name).endswith(".npz"):
        raise MissingData(f"data: there is no file {name}")
    folder_of(name)


def largest():
    """The name of the largest image data set that is here: what `--full` takes.

    >>> largest() in ("fashion-mnist", "mnist", "digits")
    True
    """
    for name in ("fashion-mnist", "mnist"):
        try:
            folder_of(name)
        except MissingData:
            continue
        return name
    return "digits"


def folder_of(name):
    """The folder that holds the IDX files of `name`."""
    if name in ("fashion-mnist", "mnist"):
        places = [Path(DEBIAN, name)]
        if "MINIGRAD_DATA" in os.environ:
            own = Path(os.environ["MINIGRAD_DATA"])
            places = [own / name, *([own] if name == "mnist" else []), *places]
    else:
        places = [Path(name)]
    for place in places:
        if all(_file(place, stem) for pair in FILES.values() for stem in pair):
            return place
    cure = "apt install dataset-fashion-mnist, or " if name == "fashion-mnist" else ""
    if name in ("fashion-mnist", "mnist"):
        cure = f" ({cure}put them into $MINIGRAD_DATA/{name})"
    raise MissingData(
        f"data: {name!r} is not here: looked for {FILES['train'][0]}[.gz] and its three "
        f"companions in {', '.join(map(str, places))}{cure}"
    )


def _file(folder, stem):
    """The file of an IDX array, packed or not, or None."""
    for path in (folder / stem, folder / f"{stem}.gz"):
        if path.is_file():
            return path
    return None


def _idx(path):
    """An array of bytes in the IDX format: two zeros, the type, the rank, sizes, then data."""
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08":
        raise ValueError(f"data: {path} is not an IDX file of bytes")
    rank = raw[3]
    shape = np.frombuffer(raw, ">u4", count=rank, offset=4).astype(int)
    if len(raw) != 4 + 4 * rank + shape.prod():
        raise ValueError(f"data: {path} should hold {shape.tolist()} bytes, is {len(raw)} long")
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


@cache
def _images(folder, part):
    """x float32 (N, pixels) in [0, 1] and y int64 (N,) of one part."""
    images, labels = (_idx(_file(folder, stem)) for stem in FILES[part])
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        raise ValueError(f"data: {folder} holds images {images.shape}, labels {labels.shape}")
    return images.reshape(len(images), -1) / np.float32(255), labels.astype(np.int64)


def _arrays(path):
    """x and y of an .npz file: a row a sample, features as they are, classes 0 … K − 1."""
    if not Path(path).is_file():
        raise MissingData(f"data: there is no file {path}")
    with np.load(path, allow_pickle=False) as file:
        if not {"x", "y"} <= set(file.files):
            raise ValueError(f"data: {path} must hold arrays x and y, has {file.files}")
        x, y = file["x"], file["y"]
    if x.ndim < 2 or y.shape != x.shape[:1] or y.dtype.kind not in "iu":
        raise ValueError(
            f"data: {path} must hold x (N, …) and integers y (N,), has {x.shape} and "
            f"{y.dtype} {y.shape}"
        )
    classes, y = np.unique(y, return_inverse=True)
    x = x.reshape(len(x), -1)
    scale = 255 if x.dtype == np.uint8 else 1
    return (x / scale).astype(np.float32), y.astype(np.int64)


def _fewer(x, y, most, seed):
    """At most `most` samples, in the proportions of the classes."""
    if most is None or most >= len(y):
        return x, y
    from sklearn.model_selection import train_test_split

    x, _, y, _ = train_test_split(x, y, train_size=most, stratify=y, random_state=seed)
    return x, y
