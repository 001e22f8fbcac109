"""Each compiled kernel has a twin of the same signature in `reference`, and a line in its stub."""

import ast
import inspect
import sys
from pathlib import Path

import pytest

import minigrad
from minigrad import kernels
from minigrad.kernels import reference

FOLDER = Path(minigrad.__file__).parent / "kernels"
ANSWERS_FOR_THE_MACHINE = {"cpu", "memory", "threads"}  # modules without numerical kernels
FAMILIES = sorted(
    name.rpartition(".")[2]
    for name, module in sys.modules.items()
    if name.startswith("minigrad.kernels.") and module is not reference
)
FAMILIES = [name for name in FAMILIES if name not in ANSWERS_FOR_THE_MACHINE]


def public(module):
    """The kernels that a compiled module defines, by name."""
    return {
        name: thing
        for name, thing in vars(module).items()
        if not name.startswith("_")
        and callable(thing)
        and getattr(thing, "__module__", None) == module.__name__
    }


def parameters(function):
    signature = inspect.signature(function)
    return [(p.name, p.kind.name, p.default) for p in signature.parameters.values()]


@pytest.fixture(params=FAMILIES)
def module(request):
    return sys.modules[f"minigrad.kernels.{request.param}"]


def test_every_source_is_compiled_and_loaded():
    if kernels.level == "reference":
        pytest.skip("the uncompiled build")
    sources = {path.stem for path in FOLDER.glob("*.pyx")} - ANSWERS_FOR_THE_MACHINE
    assert sources <= set(FAMILIES)


def test_kernels_and_twins_have_the_same_signatures(module):
    assert public(module)
    for name, kernel in public(module).items():
        twin = getattr(reference, name, None)
        assert twin is not None, f"{module.__name__}.{name} has no twin in reference"
        assert parameters(kernel) == parameters(twin), name
        assert getattr(kernels, name) is kernel, f"{name} is not what minigrad.kernels hands out"


def test_kernels_and_twins_state_the_same_equation(module):
    for name, kernel in public(module).items():
        twin = getattr(reference, name)
        assert kernel.__doc__, name
        assert kernel.__doc__.splitlines()[0] == twin.__doc__.splitlines()[0], name


def test_stub_lists_the_kernels(module):
    stub = FOLDER / (module.__name__.rpartition(".")[2] + ".pyi")
    listed = {
        node.name: [a.arg for a in node.args.posonlyargs + node.args.args + node.args.kwonlyargs]
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    have = {name: [p[0] for p in parameters(k)] for name, k in public(module).items()}
    assert listed == have
