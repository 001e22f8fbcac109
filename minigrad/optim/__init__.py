"""Optimizers, in order of increasing complexity, and schedules of their rates.

`optimizer.py` is the base class, for rules of your own too. The rules:

    sgd             SGD                           rprop    Rprop
    adaptive        Adagrad RMSprop Adadelta      asgd     ASGD
    adam            Adam AdamW Adamax             lion     Lion
    radam           NAdam RAdam                   muon     Muon
    lbfgs           LBFGS                         sam      SAM, around any other
    saddle_free     SaddleFreeNewton

`lr_scheduler` changes their `lr` from step to step.
"""

from minigrad.optim import lr_scheduler
from minigrad.optim.adam import Adam, Adamax, AdamW
from minigrad.optim.adaptive import Adadelta, Adagrad, RMSprop
from minigrad.optim.asgd import ASGD
from minigrad.optim.lbfgs import LBFGS
from minigrad.optim.lion import Lion
from minigrad.optim.muon import Muon
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.radam import NAdam, RAdam
from minigrad.optim.rprop import Rprop
from minigrad.optim.saddle_free import SaddleFreeNewton
from minigrad.optim.sam import SAM
from minigrad.optim.sgd import SGD

__all__ = [
    "Optimizer",
    "SGD",
    "Adagrad",
    "RMSprop",
    "Adadelta",
    "Rprop",
    "ASGD",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "RAdam",
    "Lion",
    "Muon",
    "LBFGS",
    "SAM",
    "SaddleFreeNewton",
    "lr_scheduler",
]
