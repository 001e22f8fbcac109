"""Measurements on disk: one JSON file an experiment and variant, replaced in one step."""

import contextlib
import hashlib
import json
import os
import re
import tempfile
from pathlib import Path

import numpy as np


def write_atomically(path, text):
    """Write `text` to `path` so that at any moment the old or the new file is there, whole."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp made it readable for the owner alone
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def plain(value):
    """`value` with NumPy numbers and arrays as Python numbers and lists."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"measurements must be plain data, got a {type(value).__name__}")


def variant(full=False, dataset=None):
    """The part of a file's name that keeps long runs and other data sets apart: "full", "mnist".

    >>> variant(), variant(full=True), variant(True, "mnist")
    ('', 'full', 'full.mnist')
    """
    parts = ["full"] if full else []
    if dataset:
        name = re.sub(r"[^A-Za-z0-9-]+", "-", Path(dataset).stem).strip("-") or "data"
        if os.sep in str(dataset) or str(dataset).endswith(".npz"):  # two folders of one name
            name += "-" + hashlib.sha256(os.path.abspath(dataset).encode()).hexdigest()[:6]
        parts.append(name)
    return ".".join(parts)


def path_of(folder, name, which=""):
    """Where the measurements of the experiment `name` lie, in the variant `which`."""
    return Path(folder, "data", f"{name}.{which}.json" if which else f"{name}.json")


def save(folder, name, measurements, which=""):
    """Write the measurements of one experiment (NaN and Infinity as Python's json spells them)."""
    text = json.dumps(plain(measurements), ensure_ascii=False, separators=(",", ":"))
    write_atomically(path_of(folder, name, which), text)


def load(folder, name, which=""):
    """The saved measurements of one experiment, or None where there are none."""
    path = path_of(folder, name, which)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"{path} is not readable JSON: {error}") from error


def latest(folder, name, which=""):
    """The measurements in the variant `which`, else those of the variant that was saved last."""
    found = load(folder, name, which)
    if found is not None:
        return found
    others = list(Path(folder, "data").glob(f"{name}.*json"))
    if not others:
        return None
    newest = max(others, key=lambda path: path.stat().st_mtime)
    return load(folder, name, newest.name[len(name) + 1 : -len(".json")])
