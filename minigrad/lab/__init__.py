"""The laboratory: what lectures claim about training networks, measured with minigrad.

`minigrad lab` runs the experiments and writes `minigrad-lab/index.html`. One experiment is one
module in `p5` … `p9`, named after the lecture; `experiment.py` says what such a module holds, and
a new file with those names is found by itself.

`Doctor` watches a training of your own and says why it is stuck.
"""

from typing import TYPE_CHECKING

from minigrad.lab.experiment import Figure, Number, Parameter, Verdict
from minigrad.lab.registry import experiments, lectures, select
from minigrad.lab.runner import run

if TYPE_CHECKING:
    from minigrad.lab.doctor import Doctor

__all__ = [
    "Doctor",
    "Figure",
    "Number",
    "Parameter",
    "Verdict",
    "experiments",
    "lectures",
    "run",
    "select",
]


def __getattr__(name):
    if name == "Doctor":  # imported when it is first asked for
        from minigrad.lab.doctor import Doctor

        return Doctor
    raise AttributeError(f"module 'minigrad.lab' has no attribute {name!r}")
