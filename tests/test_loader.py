"""Which build runs: decided in the open, in a process of its own each time."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad as mg

PACKAGE = Path(mg.__file__).parent
SHOW = "import minigrad as mg; mg.show_config(); import minigrad.engine as e; print(e.__file__)"


def python(code, folder, **environment):
    env = {k: v for k, v in os.environ.items() if not k.startswith("MINIGRAD_")}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=env | environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def bare_tree(tmp_path):
    """A copy of the package without its compiled files, as in a fresh clone."""
    ignored = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__", "_built_pure.py")
    shutil.copytree(PACKAGE, tmp_path / "minigrad", ignore=ignored)
    return tmp_path


def test_pure_is_used_when_asked_even_beside_compiled_files(tmp_path):
    done = python(SHOW, PACKAGE.parent, MINIGRAD_PURE="1")
    assert done.returncode == 0, done.stderr
    assert "pure Python" in done.stdout and "MINIGRAD_PURE" in done.stdout
    assert done.stdout.strip().endswith("engine.py")


def test_unbuilt_tree_is_an_error_that_says_what_to_do(bare_tree):
    done = python(SHOW, bare_tree)
    assert done.returncode != 0
    assert "ImportError" in done.stderr and "pip install" in done.stderr
    assert "MINIGRAD_PURE=1" in done.stderr
    assert python(SHOW, bare_tree, MINIGRAD_PURE="1").returncode == 0


def test_package_built_pure_runs_and_says_why(bare_tree):
    (bare_tree / "minigrad" / "_built_pure.py").write_text("")
    done = python(SHOW, bare_tree)
    assert done.returncode == 0, done.stderr
    assert "without a C compiler" in done.stdout


def test_pure_needs_numpy_alone(bare_tree):
    block = (
        "import sys\n"
        "for name in ('cython', 'Cython', 'scipy', 'matplotlib', 'sklearn', 'rich', 'joblib'):\n"
        "    sys.modules[name] = None\n"
    )
    use = "import minigrad as mg; print(mg.func.hessian(lambda x: (x ** 3).sum())(mg.ones(2)))"
    done = python(block + use, bare_tree, MINIGRAD_PURE="1")
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(
    mg.get_config()["engine"] != "compiled", reason="the uncompiled build has no CPU levels"
)
def test_cpu_level_can_be_forced_and_unknown_ones_are_refused():
    done = python(SHOW, PACKAGE.parent, MINIGRAD_CPU=mg.get_config()["cpu level"])
    assert done.returncode == 0 and mg.get_config()["cpu level"] in done.stdout
    done = python(SHOW, PACKAGE.parent, MINIGRAD_CPU="v9")
    assert done.returncode != 0 and "MINIGRAD_CPU='v9'" in done.stderr
