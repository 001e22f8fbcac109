"""Compile the steps, once, into a folder of the user's cache.

The folder's name is a digest of all that matters (sources, flags, compiler, Python, processor), so
nothing old is ever loaded, and it may be deleted at any time.
"""

import contextlib
import hashlib
import importlib.util
import os
import platform
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from benchmarks.ladder import STEPS

HERE = Path(__file__).resolve().parent
NAMES = (*STEPS, "peak")
DIRECTIVES = {"language_level": 3, "cdivision": True}
QUIET = ["-g0", "-Wno-unused-function", "-Wno-psabi"]


class CannotBuild(RuntimeError):
    """What is missing, in a sentence."""


def compiler():
    """The C compiler's command, as a list."""
    return shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")


def accepts(*flags):
    """Whether the compiler is there, with Python.h, and takes these flags."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text("#include <Python.h>\nint main(void) { return 0; }\n")
        include = "-I" + sysconfig.get_paths()["include"]
        command = [*compiler(), include, *flags, "-c", str(source), "-o", f"{source}.o"]
        try:
            return subprocess.run(command, capture_output=True).returncode == 0
        except OSError:
            return False


def processor():
    """What -march=native depends on, as far as we can tell."""
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        lines = facts.read_text().splitlines()
        return "\n".join(sorted({s for s in lines if s.startswith(("model name", "flags"))}))
    return platform.processor()


def folder_for(flags):
    """Where the compiled steps lie, or shall lie."""
    digest = hashlib.sha256()
    for path in sorted([*HERE.glob("*.p[yx][xi]"), *HERE.glob("*.h"), Path(__file__)]):
        digest.update(path.read_bytes())
    digest.update(repr((flags, compiler(), sys.version, processor())).encode())
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home, "minigrad-ladder", digest.hexdigest()[:16])


def build(folder, flags):
    """Compile every step into `folder`."""
    try:
        import numpy
        from Cython.Build import cythonize
        from setuptools import Distribution, Extension
        from setuptools.command.build_ext import build_ext
    except ImportError as error:
        raise CannotBuild(
            f"the ladder is compiled when it is run, and there is no {error.name}: "
            "pip install 'minigrad-cython[dev]'"
        ) from None
    if not accepts("-Wall"):
        raise CannotBuild(
            f"the ladder needs GCC or Clang and Python's headers; `{' '.join(compiler())}` does "
            "not compile a file that includes Python.h (set CC to name another compiler)"
        )
    extensions = cythonize(
        [
            Extension(
                name,
                [str(HERE / f"{name}.pyx")],
                include_dirs=[str(HERE), numpy.get_include()],
                define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
            )
            for name in NAMES
        ],
        compiler_directives=DIRECTIVES,
        build_dir=str(folder / "c"),
        quiet=True,
    )
    refused = set() if accepts("-march=native") else {"-march=native"}
    for extension in extensions:
        arguments = [*extension.extra_compile_args, *QUIET, *flags]
        extension.extra_compile_args = [x for x in arguments if x not in refused]
    command = build_ext(Distribution({"ext_modules": extensions}))
    command.build_lib, command.build_temp = str(folder), str(folder / "o")
    command.parallel = os.cpu_count()
    command.ensure_finalized()
    command.run()


def load(flags=()):
    """The compiled steps (and "peak") by name; compiles them if that is not yet done."""
    try:
        import minigrad
    except ImportError as error:
        raise CannotBuild(f"the ladder needs minigrad: {error}") from None
    if minigrad.get_config()["engine"] != "compiled":
        raise CannotBuild(
            "the ladder ends at minigrad's own kernels, and here they are not compiled"
        )
    folder = folder_for(flags)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as fresh:
            build(Path(fresh, "built"), flags)
            with contextlib.suppress(OSError):  # someone else was faster
                os.replace(Path(fresh, "built"), folder)
    modules = {}
    for name in NAMES:
        path = folder / (name + sysconfig.get_config_var("EXT_SUFFIX"))
        spec = importlib.util.spec_from_file_location(name, path)
        modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(modules[name])
    return modules
