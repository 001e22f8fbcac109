"""Every example in a docstring runs and prints what it says; every public name has one."""

import doctest
import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import minigrad as mg


def modules():
    skipped = ("minigrad._", "minigrad.__main__", "minigrad.kernels")
    found = [m.name for m in pkgutil.walk_packages(mg.__path__, "minigrad.")]
    return ["minigrad", *[m for m in found if not m.startswith(skipped)]]


def documented(module):
    """(name, docstring) of the module and of what it defines, methods included."""
    yield module.__name__, module.__doc__ or ""
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) != module.__name__ or name.startswith("_"):
            continue
        yield f"{module.__name__}.{name}", getattr(value, "__doc__", None) or ""
        if inspect.isclass(value):
            for method, member in vars(value).items():
                if not method.startswith("_"):
                    yield (
                        f"{module.__name__}.{name}.{method}",
                        getattr(member, "__doc__", "") or "",
                    )


def examples():
    parser = doctest.DocTestParser()
    for name in modules():
        module = importlib.import_module(name)
        for where, text in documented(module):
            if not isinstance(text, str):
                continue
            test = parser.get_doctest(inspect.cleandoc(text), dict(vars(module)), where, None, 0)
            if test.examples:
                yield pytest.param(test, id=where)


@pytest.mark.parametrize("test", list(examples()))
def test_example_prints_what_it_says(test, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = []
    flags = doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
    runner = doctest.DocTestRunner(optionflags=flags)
    with np.errstate(all="ignore"):
        runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)


def public_names():
    spaces = [mg, mg.nn, mg.nn.functional, mg.nn.init, mg.optim, mg.optim.lr_scheduler]
    spaces += [
        mg.utils.data,
        mg.func,
        mg.autograd,
        mg.errors,
        mg.linalg,
        mg.curvature,
        mg.nn.utils,
    ]
    for space in spaces:
        for name, value in vars(space).items():
            if name.startswith("_") or inspect.ismodule(value) or not callable(value):
                continue
            if getattr(value, "__module__", "").startswith("minigrad"):
                yield pytest.param(value, id=f"{space.__name__}.{name}")


@pytest.mark.parametrize("value", list(public_names()))
def test_public_name_is_documented(value):
    assert value.__doc__ and len(value.__doc__.split()) >= 4
