"""The doctor: attach it to a training, and be told why it will not train."""

import contextlib
from collections.abc import Iterator

import numpy as np

from minigrad import nn
from minigrad.lab.doctor.examination import Examination, batches_of
from minigrad.lab.doctor.finding import Diagnosis
from minigrad.lab.doctor.illnesses import ILLNESSES, root_causes
from minigrad.lab.doctor.recorder import Recorder
from minigrad.lab.doctor.symptoms import Symptoms
from minigrad.lab.words import say
from minigrad.optim import Optimizer


class Doctor:
    """Watch a training, and say why it is stuck.

    As a context manager around the training loop, which stays as it is, or by `step` in the loop.
    While the network trains, little is recorded: the loss of each backward pass and the norm of
    one gradient, and in every `every`-th step what goes through the layers and the weights before
    and after the update. The rest (curvature, steps tried on a copy, tests of data and loss) is
    measured when the diagnosis is asked for. Training with the doctor gives the same weights, bit
    for bit, as without.

    Parameters
    ----------
    model : nn.Module
    loss : callable
        ``loss(output, target)`` → a single element, as the loop calls it.
    optimizer : Optimizer
    data : (x, y) of Tensors, DataLoader, or sequence of batches (x, y)
        What the network is trained on.
    every : int
        Steps between samples.

    Raises
    ------
    TypeError
        An argument of another kind; data that are an iterator.

    Examples
    --------
    >>> import minigrad as mg
    >>> _ = mg.manual_seed(0)
    >>> x = mg.randn(64, 3)
    >>> y = x.sum(dim=1)                                 # (64,), the model says (64, 1)
    >>> model = mg.nn.Linear(3, 1)
    >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    >>> loss_fn = lambda output, target: ((output - target) ** 2).mean()
    >>> with mg.lab.Doctor(model, loss_fn, optimizer, (x, y)) as doctor:
    ...     for _ in range(30):
    ...         loss = loss_fn(model(x), y)
    ...         optimizer.zero_grad()
    ...         loss.backward()
    ...         optimizer.step()
    >>> diagnosis = doctor.diagnosis()
    >>> [finding.name for finding in diagnosis.findings]
    ['broadcast-loss']
    >>> "saddle" in diagnosis
    False
    """

    def __init__(self, model, loss, optimizer, data, *, every=100):
        if not isinstance(model, nn.Module):
            raise TypeError(f"Doctor: model must be an nn.Module, got {type(model).__name__}")
        if not callable(loss):
            raise TypeError(f"Doctor: loss must be callable, got {type(loss).__name__}")
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"Doctor: optimizer must be one, got {type(optimizer).__name__}")
        if not hasattr(batches_of(data), "__iter__"):
            raise TypeError(
                f"Doctor: data must be (x, y) or an iterable of batches, got {type(data).__name__}"
            )
        if isinstance(data, Iterator):
            raise TypeError(
                "Doctor: data is an iterator, which looking would use up; give (x, y), a "
                "DataLoader or a list of batches"
            )
        if not isinstance(every, int) or every < 1:
            raise ValueError(f"Doctor: every must be a positive whole number, got {every!r}")
        self.model, self.loss, self.optimizer, self.data = model, loss, optimizer, data
        self.record = Recorder(model, optimizer, every)

    # watching -------------------------------------------------------------------------------
    def attach(self):
        """Begin to watch."""
        self.record.attach()
        return self

    def detach(self):
        """Stop watching; the hooks are gone."""
        self.record.detach()

    def __enter__(self):
        return self.attach()

    def __exit__(self, *exception):
        self.detach()

    def step(self, loss=None):
        """Watch from now on: for a loop without ``with``, anywhere in it.

        The first call puts the hooks on; later ones change nothing. `diagnosis` takes them off.

        Parameters
        ----------
        loss : Tensor, optional
            The loss of this round, which the doctor hears of by the backward pass anyway.
        """
        self.attach()

    # speaking -------------------------------------------------------------------------------
    def examination(self):
        """What can be measured of the model as it is now: an `Examination` and its `Symptoms`."""
        exam = Examination(self.model, self.loss, self.data, self.record)
        return exam, Symptoms(self.record, exam)

    def diagnosis(self):
        """What is wrong with the training, with the evidence.

        Returns
        -------
        Diagnosis
            Its `findings`, gravest first, without those that a graver one explains; what else was
            observed; its `str` says all of it in words.

        Raises
        ------
        RuntimeError
            Nothing was watched yet.
        """
        self.detach()
        if not self.record.forwards:
            raise RuntimeError(
                "Doctor.diagnosis: the model was not called while the doctor watched; put the "
                "training loop inside `with Doctor(…)`"
            )
        exam, symptoms = self.examination()
        findings = []
        with np.errstate(all="ignore"), exam.aside():
            for illness in ILLNESSES:
                if any(illness.__name__.replace("_", "-") in explained(f) for f in findings):
                    continue
                try:
                    finding = illness(self.record, exam, symptoms)
                except (ArithmeticError, RuntimeError, ValueError, TypeError, LookupError):
                    finding = None  # what cannot be measured is no evidence
                if finding is not None:
                    findings.append(finding)
            observed = observations(self.record, exam, symptoms)
        return Diagnosis(root_causes(findings), observed)

    def report(self, path, language="en"):
        """Write a page with the diagnosis and figures of what was recorded.

        Parameters
        ----------
        path : str or Path
            Of the HTML file, which needs nothing else.
        language : str
            'en' or 'zh'.

        Returns
        -------
        Path
        """
        from minigrad.lab.doctor.page import write

        return write(path, self, language)


def explained(finding):
    """The names of what a finding explains."""
    from minigrad.lab.doctor.illnesses import EXPLAINS

    return EXPLAINS.get(finding.name, set())


def observations(record, exam, symptoms):
    """Facts that are no illness."""
    found = []
    if len(symptoms.curve) > 1:
        found.append(
            say(
                "{steps} updates; the loss on the examined data went from {first:.4g} to "
                "{last:.4g}.",
                steps=record.steps,
                first=symptoms.first,
                last=symptoms.last,
            )
        )
    if symptoms.accuracy is not None:
        found.append(
            say("{share:.1f} % of the examined answers are right.", share=100 * symptoms.accuracy)
        )
    # a loss that cannot be differentiated twice leaves nothing to observe
    with contextlib.suppress(ArithmeticError, RuntimeError, ValueError, TypeError):
        found += critical(record, exam, symptoms)
    return found


def critical(record, exam, symptoms):
    """At a critical point or not, and of which kind."""
    if not np.isfinite(symptoms.last) or not record.steps:
        return []
    surface, found = exam.surface, []
    if not np.isfinite(surface.norm):
        return []
    if np.isfinite(symptoms.limit):
        found.append(
            say(
                "The largest eigenvalue of the Hessian is {top:.3g}; with this rate descent is "
                "stable up to {limit:.3g}.",
                top=surface.top,
                limit=symptoms.limit,
            )
        )
    scale = max((s for s in record.slopes if np.isfinite(s)), default=1.0) or 1.0
    if surface.norm > 1e-3 * scale:
        found.append(
            say(
                "Not at a critical point: the gradient on the examined data has norm {norm:.2e}.",
                norm=surface.norm,
            )
        )
        return found
    low, _ = surface.bottom
    size = max(abs(surface.top), abs(low))
    kind = say("a saddle") if low < -1e-6 * size else (
        say("a minimum") if low > 1e-6 * size else say("a degenerate minimum"))  # fmt: skip
    found.append(
        say(
            "Near a critical point, ‖g‖ = {norm:.1e} and ‖Hg‖/(‖H‖‖g‖) = {flat:.1e}: {kind}, "
            "eigenvalues from {low:.2g} to {high:.3g}.",
            norm=surface.norm,
            flat=surface.flatness,
            kind=kind,
            low=low,
            high=surface.top,
        )
    )
    return found
