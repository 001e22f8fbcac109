"""Build: compile what Cython compiles; without a C compiler install the pure package and say so.

Everything declarative is in pyproject.toml. Here is what needs code:

* the engine and the operations (`COMPILED`) are ordinary Python that Cython compiles;
* the kernels (`minigrad/kernels/*.pyx`) are compiled once for each CPU level from one C source,
  into `minigrad/kernels/<level>/`; `minigrad/kernels/__init__.py` picks the level at import;
* no compiler, no `Python.h`, or `MINIGRAD_PURE=1`: no extensions, and `minigrad/_built_pure.py`
  marks the installation, so that it runs uncompiled by decision and not by accident.
"""

import copy
import os
import platform
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

PURE_MARK = "_built_pure.py"
NAMES = ("scalar", "methods", "tensor", "engine", "backward")
COMPILED = [f"minigrad/{name}.py" for name in NAMES]
COMPILED += sorted(str(p) for p in Path("minigrad/ops").glob("*.py") if p.name != "__init__.py")
KERNELS = sorted(str(p) for p in Path("minigrad/kernels").glob("*.pyx"))

# The engine is Python and must behave like it; the kernels are C and check their arguments first.
ENGINE_DIRECTIVES = {"language_level": 3, "binding": True}
KERNEL_DIRECTIVES = {
    **ENGINE_DIRECTIVES,
    "boundscheck": os.environ.get("MINIGRAD_BOUNDSCHECK") == "1",
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
}
# Only liberties that keep IEEE results: never -ffast-math (it breaks NaN and flushes subnormals).
MATH = ["-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast"]
LEVELS = {
    "baseline": [],
    "v3": ["-march=x86-64-v3"],
    "v4": ["-march=x86-64-v4", "-mprefer-vector-width=512"],
}
MSVC_LEVELS = {"baseline": [], "v3": ["/arch:AVX2"], "v4": ["/arch:AVX512"]}


def can_compile():
    """Whether a C compiler with Python.h is at hand."""
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC")
    if sys.platform == "win32":
        return True
    if not compiler:
        return False
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text("#include <Python.h>\nint main(void) { return 0; }\n")
        include = "-I" + sysconfig.get_paths()["include"]
        command = [*compiler.split(), include, "-c", str(source), "-o", str(source) + ".o"]
        try:
            return subprocess.run(command, capture_output=True).returncode == 0
        except OSError:
            return False


def levels():
    """CPU levels to build, by name, with their compiler flags."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return {"baseline": []}
    table = MSVC_LEVELS if sys.platform == "win32" else LEVELS
    wanted = os.environ.get("MINIGRAD_LEVELS", "all")
    return table if wanted == "all" else {k: table[k] for k in wanted.split(",")}


def extensions():
    import numpy
    from Cython.Build import cythonize

    gnu = sys.platform != "win32"
    sanitize = os.environ.get("MINIGRAD_SANITIZE")
    extra = [f"-fsanitize={sanitize}", "-g1"] if sanitize else []
    link = [f"-fsanitize={sanitize}"] if sanitize else []
    common = {
        "include_dirs": [numpy.get_include(), "minigrad/kernels"],
        "define_macros": [("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
    }
    engine = [
        Extension(
            path[:-3].replace("/", "."),
            [path],
            extra_compile_args=["-O2", "-g0", *MATH, "-Wno-unused-function"] if gnu else [],
            **common,
        )
        for path in COMPILED
    ]
    kernels = [Extension(path[:-4].replace("/", "."), [path], **common) for path in KERNELS]
    for copy_of in Path("build/cython").rglob("*.h"):  # cythonize makes them, and keeps old ones
        copy_of.unlink()
    options = {"build_dir": "build/cython", "nthreads": os.cpu_count() if gnu else 0}
    result = cythonize(engine, compiler_directives=ENGINE_DIRECTIVES, **options)
    kernels = cythonize(kernels, compiler_directives=KERNEL_DIRECTIVES, **options)
    sources = {extension.name.rpartition(".")[2]: extension for extension in kernels}
    for level, flags in levels().items():
        for name, extension in sources.items():
            result.append(
                Extension(
                    f"minigrad.kernels.{level}.{name}",
                    extension.sources,
                    extra_compile_args=[
                        "-O3",
                        "-g0",
                        *MATH,
                        *flags,
                        "-Wno-unused-function",
                        *extra,
                    ]
                    if gnu
                    else ["/O2", *flags],
                    extra_link_args=link,
                    depends=[str(p) for p in Path("minigrad/kernels").glob("*.h")],
                    **common,
                )
            )
    return result


class BuildExt(build_ext):
    """One object folder an extension: the levels compile one C file with different flags."""

    def build_extension(self, ext):
        own = copy.copy(self)
        own.build_temp = os.path.join(self.build_temp, ext.name)
        build_ext.build_extension(own, ext)

    def copy_extensions_to_source(self):
        for level in levels():
            Path("minigrad/kernels", level).mkdir(exist_ok=True)
        super().copy_extensions_to_source()


class BuildPy(build_py):
    """Writes (or removes) the mark of a pure installation."""

    def run(self):
        super().run()
        folder = Path("minigrad") if self.editable_mode else Path(self.build_lib, "minigrad")
        mark = folder / PURE_MARK
        if PURE:
            mark.write_text('"""This installation was built without compiled extensions."""\n')
        elif mark.exists():
            mark.unlink()


ASKED = os.environ.get("MINIGRAD_PURE", "0") not in ("", "0")
NEEDS_BUILD = not {"sdist", "egg_info", "dist_info", "clean", "--version"} & set(sys.argv)
PURE = NEEDS_BUILD and (ASKED or not can_compile())
if PURE:
    why = "MINIGRAD_PURE is set" if ASKED else "there is no C compiler with Python.h"
    print(f"minigrad: {why}; installing the pure Python build (NumPy kernels).", file=sys.stderr)

setup(
    ext_modules=extensions() if NEEDS_BUILD and not PURE else [],
    cmdclass={"build_ext": BuildExt, "build_py": BuildPy},
    options={"build_ext": {"parallel": os.cpu_count()}},
)
