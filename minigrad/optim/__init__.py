"""Optimizers, in order of increasing complexity, and schedules of their rates.

`optimizer.py` is the base class, for rules of your own too; `sgd.py` and `adaptive.py` have the
rules; `lr_scheduler.py` changes their `lr` from step to step.
"""

from minigrad.optim import lr_scheduler
from minigrad.optim.adaptive import Adagrad, Adam, AdamW, RAdam, RMSprop
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.sgd import SGD

__all__ = [
    "Optimizer",
    "SGD",
    "Adagrad",
    "RMSprop",
    "Adam",
    "AdamW",
    "RAdam",
    "lr_scheduler",
]
