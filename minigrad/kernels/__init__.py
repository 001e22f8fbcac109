"""Arrays in, arrays out: every numerical inner loop, compiled for this CPU or in plain NumPy.

`reference.py` says each kernel in NumPy: the specification. The `.pyx` files say the same fast.
Which of them `minigrad.kernels.<name>` is, is decided here, at import.

`MINIGRAD_CPU` (`baseline`, `v3`, `v4`) forces a level below what the CPU can do.
"""

import os
from pathlib import Path

from minigrad import _loader
from minigrad.kernels import reference

FOLDER = Path(__file__).parent
LEVELS = ("baseline", "v3", "v4")
SHARED = ("threads", "memory")  # what the kernels are built on: loaded before them


def _pick():
    """The best level that was built and that this CPU runs, or the one asked for."""
    built = [name for name in LEVELS if _loader.extension(FOLDER / name, "cpu")]
    if not built:
        raise ImportError(f"minigrad: no compiled kernels in {FOLDER}; reinstall the package")
    best = _loader.load(
        "minigrad.kernels.cpu", _loader.extension(FOLDER / built[0], "cpu")
    ).level()
    able = [name for name in built if LEVELS.index(name) <= best]
    asked = os.environ.get("MINIGRAD_CPU")
    if asked and asked not in able:
        raise ImportError(f"MINIGRAD_CPU={asked!r}: this build on this CPU has {', '.join(able)}")
    if not able:
        raise ImportError(f"minigrad: built for {', '.join(built)}, which this CPU cannot run")
    return asked or able[-1]


def _publish(module):
    names = [n for n in dir(module) if not n.startswith("_") and hasattr(reference, n)]
    globals().update({n: getattr(module, n) for n in names if callable(getattr(module, n))})


_publish(reference)
level = "reference"
if _loader.compiled:
    level = _pick()
    for _name in SHARED:
        _path = _loader.extension(FOLDER / level, _name)
        globals()[_name] = _loader.load(f"minigrad.kernels.{_name}", _path)
    for _path in sorted((FOLDER / level).iterdir()):
        _name = _path.name.partition(".")[0]
        if _loader.extension(FOLDER / level, _name) == _path and _name not in ("cpu", *SHARED):
            _publish(_loader.load(f"minigrad.kernels.{_name}", _path))
