"""Where a number stopped being finite: the operation and the line that called it."""

from typing import NamedTuple

import numpy as np

import minigrad as mg
from minigrad.errors import AnomalyError
from minigrad.func import functional_call
from minigrad.tensor import Tensor


class Birth(NamedTuple):
    """The name of the operation, and the frame of the line that called it."""

    operation: str
    frame: object


def birth(record, exam):
    """Do the failed step again with the weights it had, watching every operation.

    The targets of the batch are not known, so that the batches of the data are tried until one
    fails as well; None if none does.
    """
    _, _, state, args = record.failure
    for x, y in _candidates(exam, args):
        try:
            _again(exam, state, x, y)
        except AnomalyError as error:
            if error.frame is not None:
                return Birth(error.operation, error.frame)
        except (RuntimeError, ValueError, TypeError):
            continue
    return None


def _candidates(exam, args):
    """Batches like the failed one: its own samples where the data have them, then all data."""
    x, y = exam.everything
    if args and isinstance(args[0], Tensor) and x.dtype.kind in "fiu":
        where = {row.tobytes(): k for k, row in enumerate(np.ascontiguousarray(x))}
        batch = np.ascontiguousarray(args[0].detach().numpy())
        rows = [where.get(row.tobytes()) for row in batch]
        if rows and all(k is not None for k in rows):
            yield mg.from_numpy(batch.copy()), mg.from_numpy(y[rows].copy())
    for k in range(0, min(len(x), 2000), 200):
        yield mg.from_numpy(x[k : k + 200].copy()), mg.from_numpy(y[k : k + 200].copy())


def _again(exam, state, x, y):
    """Forward and backward pass on copies of the weights."""
    with exam.aside():
        trainable = exam.record.trainable
        given = {
            name: value.clone().requires_grad_(name in trainable and value.is_floating_point())
            for name, value in state.items()
        }
        with mg.autograd.detect_anomaly(forward=True) as watch, mg.enable_grad():
            loss = exam.function(functional_call(exam.model, given, (x,)), y)
            if not np.isfinite(loss.item()) and watch.infinite is not None:
                raise _infinite(watch.infinite)
            loss.backward()


def _infinite(node):
    """An infinity that never became a NaN."""
    from minigrad.backward import called_at

    return AnomalyError("made an infinity", node.name(), called_at(node))
