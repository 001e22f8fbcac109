"""`save` and `load`: checkpoints of nested dicts, lists and tensors, without pickle.

A file has the arrays, each under the path that leads to it, and one JSON text, the structure:

    save({"w": tensor, "epochs": [1, 2.5]}, "a.npz")

    a.npz     w.npy         the array of the tensor
              minigrad.npy  {"minigrad": 1, "object": {"dict": [["w", {"tensor": "w"}],
                                                       ["epochs", {"list": [1, 2.5]}]]}}

In a `.safetensors` file the structure is an entry of the metadata; other programs read the
tensors and pass over it. Loading runs no code from the file. A file is written beside its place,
forced to disk and moved there in one step: a crash leaves the old file or the new, whole.
"""

import contextlib
import inspect
import io
import itertools
import json
import math
import os
import stat
from pathlib import Path

import numpy as np

from minigrad.dtypes import SUPPORTED
from minigrad.tensor import Tensor, wrap

__all__ = ["save", "load"]

_STRUCTURE = "minigrad"  # the entry that holds the JSON text
_RESERVED = (_STRUCTURE, "__metadata__")
_VERSION = 1
_SUFFIXES = (".npz", ".safetensors")


def save(obj, path):
    """Write nested dicts, lists and tuples of tensors, arrays, numbers and strings to a file.

    Parameters
    ----------
    obj : object
        Dicts (keys: strings, numbers, bools, None, tuples of these), lists and tuples of Tensors,
        NumPy arrays and scalars, ints of any size, floats, strings, bools and None: every
        `state_dict` of minigrad. Tensors are saved without their graph and gradient.
    path : str or Path
        Ends in ``.npz``, or in ``.safetensors`` (needs the package safetensors; PyTorch and others
        read a dict of tensors in it).

    Raises
    ------
    TypeError
        Something that cannot be saved, named by its place in `obj`; nothing is written.
    ValueError
        Another suffix; something that contains itself.
    ImportError
        `.safetensors` without that package.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.serialization import load, save
    >>> save({"w": mg.tensor([1.0, 2.0]), "epoch": 3}, "checkpoint.npz")
    >>> load("checkpoint.npz")
    {'w': tensor([1., 2.]), 'epoch': 3}
    """
    path = Path(path)
    suffix = _suffix(path, "save")
    if suffix == ".safetensors":
        safetensors = _safetensors("save")
    packer = _Packer()
    try:
        structure = {"minigrad": _VERSION, "object": packer.pack(obj, "")}
        text = json.dumps(structure, allow_nan=False, separators=(",", ":"))
    except RecursionError:
        raise ValueError("save: the object is nested too deeply") from None
    if suffix == ".npz":
        with _atomic(path) as file:
            _write_npz(file, packer.arrays, text)
        return
    for name, array in packer.arrays.items():
        if array.dtype not in SUPPORTED:
            raise TypeError(
                f"save: {name} has dtype {array.dtype}, which minigrad does not write to "
                ".safetensors; use .npz"
            )
    data = safetensors.save(packer.arrays, {_STRUCTURE: text})
    with _atomic(path) as file:
        file.write(data)


def load(path):
    """Read what `save` wrote, or a dict of tensors from any `.safetensors` file.

    Parameters
    ----------
    path : str or Path
        Ends in ``.npz`` or ``.safetensors``.

    Returns
    -------
    object
        Equal to what was saved: structure, types, dtypes, shapes. Tensors require no gradient;
        subclasses of dict come back as dicts, and of Tensor as Tensors.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is damaged, or was not written by `save`.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad.serialization import load, save
    >>> save([1, (2.5, "three")], "numbers.npz")
    >>> load("numbers.npz")
    [1, (2.5, 'three')]
    """
    path = Path(path)
    suffix = _suffix(path, "load")
    if suffix == ".safetensors":
        _safetensors("load")
    with open(path, "rb"):  # no file, no permission: as these are
        pass
    read = _read_npz if suffix == ".npz" else _read_safetensors
    try:
        arrays, text = read(path)
        if text is None:
            return {name: _tensor(array) for name, array in arrays.items()}
        structure = json.loads(text)
        version = structure["minigrad"]
        if version != _VERSION:
            raise ValueError(f"its format is {version!r}, this minigrad reads {_VERSION}")
        return _unpack(structure["object"], arrays)
    except MemoryError:
        raise
    except Exception as error:  # whatever a damaged file makes of its readers
        reason = f"no entry {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(
            f"load: {path} cannot be read: {reason or type(error).__name__}; "
            "it is damaged, or was not written by minigrad.save"
        ) from None


def _suffix(path, caller):
    if path.suffix not in _SUFFIXES:
        raise ValueError(f"{caller}: the path must end in .npz or .safetensors, got {str(path)!r}")
    return path.suffix


def _safetensors(caller):
    try:
        import safetensors.numpy
    except ImportError:
        raise ImportError(
            f"{caller}: .safetensors needs a package: pip install safetensors "
            "(it is in the extra minigrad-cython[test]); .npz needs none"
        ) from None
    return safetensors.numpy


# Objects to JSON and arrays, and back -------------------------------------------------------


class _Packer:
    """Takes an object apart: `pack` returns its structure, `arrays` collects its arrays."""

    def __init__(self):
        self.arrays = {}
        self._inside = set()  # ids of the containers we are in, to notice cycles

    def pack(self, x, place):
        kind = type(x)
        if x is None or kind in (bool, str):
            return x
        if kind is int:  # JSON readers lose digits beyond 64 bits
            return x if -(2**63) <= x < 2**63 else {"int": hex(x)}
        if kind is float:
            return x if math.isfinite(x) else {"float": repr(x)}
        if isinstance(x, Tensor):
            return {"tensor": self._keep(x._array, place)}
        if kind in (np.ndarray, np.memmap):
            return {"array": self._keep(x, place)}
        if isinstance(x, np.generic):
            return {"scalar": self._keep(np.asarray(x), place)}
        if isinstance(x, dict) or kind in (list, tuple):
            return self._container(x, place)
        raise TypeError(
            f"save: {place or 'the object'} is {_described(x)}; only dicts, lists and tuples of "
            "tensors, arrays, numbers, strings, bools and None can be saved"
        )

    def _container(self, x, place):
        if id(x) in self._inside:
            raise ValueError(f"save: {place or 'the object'} contains itself")
        self._inside.add(id(x))
        if isinstance(x, dict):
            packed = {"dict": [self._item(key, value, place) for key, value in x.items()]}
        else:
            name = type(x).__name__
            packed = {name: [self.pack(v, f"{place}[{i}]") for i, v in enumerate(x)]}
        self._inside.discard(id(x))
        return packed

    def _item(self, key, value, place):
        if not _is_key(key):
            raise TypeError(
                f"save: {place or 'the object'} has a key {key!r}, {_described(key)}; keys must "
                "be strings, numbers, bools, None or tuples of these"
            )
        dotted = f"{place}.{key}" if place else key
        inner = dotted if isinstance(key, str) else f"{place}[{key!r}]"
        return [self.pack(key, place), self.pack(value, inner)]

    def _keep(self, array, place):
        if array.dtype.hasobject:
            raise TypeError(
                f"save: {place or 'the object'} is an array of dtype {array.dtype}; "
                "Python objects could only be pickled"
            )
        name = place if place.isprintable() and 0 < len(place) <= 200 else "array"
        free = (n for k in itertools.count() if (n := f"{name}#{k}") not in self.arrays)
        if name in self.arrays or name in _RESERVED:
            name = next(free)
        self.arrays[name] = np.asarray(array, order="C")
        return name


def _is_key(key):
    if type(key) is tuple:
        return all(_is_key(part) for part in key)
    return key is None or type(key) in (bool, int, float, str)


def _described(x):
    return "a function" if inspect.isroutine(x) else f"of type {type(x).__name__}"


def _tensor(array):
    if array.dtype not in SUPPORTED:
        raise ValueError(f"a tensor of dtype {array.dtype}, which minigrad does not have")
    return wrap(array)


def _unpack(x, arrays):
    if not isinstance(x, dict):
        if isinstance(x, list):
            raise ValueError("its structure is not one that minigrad writes")
        return x
    ((tag, value),) = x.items()
    if tag == "dict":
        return {_unpack(key, arrays): _unpack(v, arrays) for key, v in value}
    if tag == "list":
        return [_unpack(v, arrays) for v in value]
    if tag == "tuple":
        return tuple([_unpack(v, arrays) for v in value])
    if tag == "tensor":
        return _tensor(arrays[value])
    if tag == "array":
        return arrays[value]
    if tag == "scalar":
        return arrays[value][()]
    if tag == "int":
        return int(value, 16)
    if tag == "float":
        return float(value)
    raise ValueError(f"its structure has an unknown entry {tag!r}")


# Files --------------------------------------------------------------------------------------


@contextlib.contextmanager
def _atomic(path):
    """A binary file that takes the place of `path` when the block ends well, and only then."""
    path = Path(os.path.realpath(path))  # through a link: the file it names is replaced
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    try:
        with open(draft, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            draft.chmod(stat.S_IMODE(path.stat().st_mode))
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # the new name must reach the disk too
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _write_npz(file, arrays, text):
    """A NumPy archive; numpy.savez would not take every name."""
    import zipfile

    structure = np.frombuffer(text.encode("ascii"), np.uint8)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in [*arrays.items(), (_STRUCTURE, structure)]:
            entry = zipfile.ZipInfo(f"{name}.npy")  # a fixed date: equal objects, equal files
            with archive.open(entry, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _read_npz(path):
    """(arrays, structure) of an archive; the zip's checksums find damage."""
    import zipfile  # late: it doubles what importing this module takes

    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            member = io.BytesIO(archive.read(entry))
            array = np.lib.format.read_array(member, allow_pickle=False)
            arrays[entry.filename.removesuffix(".npy")] = np.asarray(array, order="C")
    if _STRUCTURE not in arrays:
        raise ValueError(f"no entry {_STRUCTURE!r}; for arrays of numpy.savez there is numpy.load")
    return arrays, arrays.pop(_STRUCTURE).tobytes().decode("ascii")


def _read_safetensors(path):
    """(arrays, structure or None)"""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        text = (file.metadata() or {}).get(_STRUCTURE)
        return {name: file.get_tensor(name) for name in file.keys()}, text  # noqa: SIM118
