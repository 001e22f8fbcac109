"""Measurements on disk: one JSON file an experiment, replaced in one step."""

import contextlib
import json
import os
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


def path_of(folder, name):
    """Where the measurements of the experiment `name` lie."""
    return Path(folder, "data", f"{name}.json")


def save(folder, name, measurements):
    """Write the measurements of one experiment (NaN and Infinity as Python's json spells them)."""
    text = json.dumps(plain(measurements), ensure_ascii=False, separators=(",", ":"))
    write_atomically(path_of(folder, name), text)


def load(folder, name):
    """The saved measurements of one experiment, or None where there are none."""
    try:
        return json.loads(path_of(folder, name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"{path_of(folder, name)} is not readable JSON: {error}") from error
