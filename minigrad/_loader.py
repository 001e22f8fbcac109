"""Which build of minigrad runs: decided here, once, before anything else is imported.

Three answers: *compiled*; *pure* because it was asked for (`MINIGRAD_PURE=1` at run time, or a
package that was built pure and is marked so); or an ImportError. Never a silent slow run.
"""

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES, FileFinder, PathFinder, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

PACKAGE = Path(__file__).parent

UNBUILT = """minigrad is imported from a source tree that has not been built: {package}

Build it:             pip install -e .
or import another:    leave this folder, or take it off the Python path
or run it uncompiled: MINIGRAD_PURE=1 (the NumPy kernels; slow, made for reading and debugging)"""


class SourceFinder:
    """Finds the modules of minigrad as `.py`, where an extension beside them would win."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if not name.startswith("minigrad.") or path is None:
            return None
        for folder in path:
            spec = FileFinder(folder, (SourceFileLoader, [".py"])).find_spec(name)
            if spec is not None and spec.loader is not None:
                return spec
        return None


def extension(folder, name):
    """Path of the extension file `name` in `folder` for this interpreter, or None."""
    for suffix in EXTENSION_SUFFIXES:
        path = folder / (name + suffix)
        if path.exists():
            return path
    return None


def load(name, path):
    """Import the extension at `path` under the canonical module `name`."""
    spec = spec_from_file_location(name, path)
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def choose():
    """Return (compiled, reason); install the source finder where the pure build runs."""
    if os.environ.get("MINIGRAD_PURE", "0") not in ("", "0"):
        compiled, reason = False, "MINIGRAD_PURE is set"
    elif extension(PACKAGE, "engine"):
        compiled, reason = True, "compiled extensions"
    elif (PACKAGE / "_built_pure.py").exists():
        compiled, reason = False, "installed without a C compiler, or with MINIGRAD_PURE=1"
    else:
        raise ImportError(UNBUILT.format(package=PACKAGE.parent))
    if not compiled:
        before = sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else 0
        sys.meta_path.insert(before, SourceFinder)
    return compiled, reason


compiled, reason = choose()
