"""The laboratory: what lectures claim about training networks, measured with minigrad.

`minigrad lab` runs the experiments and writes `minigrad-lab/index.html`. One experiment is one
module in `p5` … `p9`, named after the lecture; `experiment.py` says what such a module holds, and
a new file with those names is found by itself.
"""

from minigrad.lab.experiment import Figure, Number, Parameter, Verdict
from minigrad.lab.registry import experiments, lectures, select
from minigrad.lab.runner import run

__all__ = [
    "Figure",
    "Number",
    "Parameter",
    "Verdict",
    "experiments",
    "lectures",
    "run",
    "select",
]
