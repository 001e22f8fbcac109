"""Finding the experiments: every module in the folders `p5` … `p9` and `clinic` is one."""

import pkgutil
from functools import cache
from importlib import import_module

import minigrad.lab
from minigrad.lab.experiment import Experiment


class UnknownName(LookupError):
    """A name that is neither an experiment nor a lecture."""


@cache
def lectures():
    """The lectures, {"P5": title, …}, in order; last the doctor's clinic.

    >>> lectures()["P5"]
    'Local minima and saddle points'
    """
    folders = [m.name for m in pkgutil.iter_modules(minigrad.lab.__path__) if m.ispkg]
    numbered = sorted(name for name in folders if name[0] == "p" and name[1:].isdigit())
    return {
        name.upper(): import_module(f"minigrad.lab.{name}").TITLE
        for name in [*numbered, *(name for name in folders if name == "clinic")]
    }


@cache
def experiments():
    """All experiments as a tuple, by lecture and row."""
    found = []
    for lecture in lectures():
        package = import_module(f"minigrad.lab.{lecture.lower()}")
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            if module.ispkg:  # what an experiment is made of
                continue
            name = module.name.rpartition(".")[2]
            found.append(Experiment(name, lecture, import_module(module.name)))
    names = [e.name for e in found]
    if len(set(names)) < len(names):
        raise TypeError(f"two experiments have the same name: {sorted(names)}")
    return tuple(sorted(found, key=lambda e: (e.ROW, e.name)))


def find(name):
    """The experiment called `name`."""
    return select([name])[0]


def select(names=()):
    """The experiments with these names or of these lectures; all without names.

    Upper and lower case are the same. Each comes once, in the lab's order.

    >>> [e.name for e in select(["momentum", "saddle", "SADDLE"])]
    ['saddle', 'momentum']
    >>> select(["sadle"])
    Traceback (most recent call last):
        ...
    minigrad.lab.registry.UnknownName: no experiment or lecture is called 'sadle'; ...
    """
    wanted = {name.lower() for name in names}
    known = {e.name for e in experiments()} | {lecture.lower() for lecture in lectures()}
    for name in names:
        if name.lower() not in known:
            raise UnknownName(
                f"no experiment or lecture is called {name!r}; known are "
                f"{', '.join(e.name for e in experiments())}, {', '.join(lectures())}"
            )
    return [
        e
        for e in experiments()
        if not wanted or e.name.lower() in wanted or e.lecture.lower() in wanted
    ]
