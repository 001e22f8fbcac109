"""What an experiment is: a module with these names, and the plain records it hands over.

    TITLE        a few words
    ROW          the lecture's claim it belongs to, a number (experiments are listed by it)
    CLAIM        what the lecture says, as one statement
    REFUTED_BY   the measurement that would refute it
    METHOD       how it is measured, three sentences
    SECONDS      about how long one run takes, for the progress bar
    PARAMETERS   {name: Parameter}; "seeds" is how many runs
    MEASURED     {key of one run's dict: what it holds, its unit, its shape}
    REFERENCES   [(text, address)]
    HEART        the functions that a reader should see, five to thirty lines
    run(seed, settings)      one run: a dict of plain data (numbers, strings, lists, dicts)
    numbers(measurements)    [Number]
    figures(measurements)    [Figure]
    verdict(measurements)    Verdict
    TIMED        True (optional) where times are measured: its runs have the machine alone

TITLE, CLAIM, REFUTED_BY and METHOD are plain strings; the key and the reasons of a verdict are
made by `words.say`; all are translated by `chinese.TABLE`. A parameter "data" names the data set
and is handed to `data.load`; ``--data`` overrides it, and under ``--full`` it is the largest that
is here. The first figure is the thumbnail of the report.

`measurements` is what lies in the saved JSON: {"settings": {…}, "seeds": […], "runs": [{…}], …},
one entry of "runs" for each of "seeds". Figures and verdict see nothing else, so that both can be
redone without another run.
"""

from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, NamedTuple

from minigrad.lab import data

HOLDS = "holds"
LIMITED = "holds with a limit"
REFUTED = "does not hold"
UNDECIDED = "undecided"
OUTCOMES = (HOLDS, LIMITED, REFUTED, UNDECIDED)

NAMES = """
    TITLE ROW CLAIM REFUTED_BY METHOD SECONDS PARAMETERS MEASURED REFERENCES HEART
    run numbers figures verdict
""".split()


class Parameter(NamedTuple):
    """A setting of an experiment: its value, what it means, and its value under ``--full``."""

    value: Any
    meaning: str
    full: Any = None


class Number(NamedTuple):
    """A measured quantity: one value a run, its unit, and the digits worth printing."""

    name: str
    values: list
    unit: str = ""
    digits: int = 3


class Figure(NamedTuple):
    """A Matplotlib figure, a caption that says what to see, and a text for who cannot see it."""

    figure: Any
    caption: str
    alt: str


@dataclass(frozen=True)
class Verdict:
    """An outcome, the number that decided it, and the reasons as sentences.

    >>> Verdict("holds", "ratio 0.5", ["All five ratios lie below 1."]).outcome
    'holds'
    >>> Verdict("perhaps", "", [])
    Traceback (most recent call last):
        ...
    ValueError: verdict: the outcome must be one of holds, holds with a limit, does not hold, \
undecided; got 'perhaps'
    """

    outcome: str
    key: str
    reasons: list = field(default_factory=list)

    def __post_init__(self):
        if self.outcome not in OUTCOMES:
            raise ValueError(
                f"verdict: the outcome must be one of {', '.join(OUTCOMES)}; got {self.outcome!r}"
            )


@dataclass(frozen=True)
class Experiment:
    """An experiment's module with its place in the lab."""

    name: str  # "saddle"
    lecture: str  # "P5"
    module: ModuleType

    def __post_init__(self):
        missing = [name for name in NAMES if not hasattr(self.module, name)]
        if missing:
            raise TypeError(f"{self.module.__name__}: an experiment needs {', '.join(missing)}")
        if "seeds" not in self.module.PARAMETERS:
            raise TypeError(f"{self.module.__name__}: PARAMETERS must say how many 'seeds'")

    @property
    def timed(self):
        """Whether the runs measure times."""
        return getattr(self.module, "TIMED", False)

    def __getattr__(self, name):
        if name in NAMES:
            return getattr(self.module, name)
        raise AttributeError(f"an experiment has no {name!r}")

    def __reduce__(self):  # a module does not pickle; workers import it again
        from minigrad.lab.registry import find

        return find, (self.name,)

    def settings(self, full=False, dataset=None):
        """{name: value} of the parameters, those of ``--full`` where they differ.

        `dataset` replaces the parameter "data", where there is one.
        """
        chosen = {
            name: p.full if full and p.full is not None else p.value
            for name, p in self.module.PARAMETERS.items()
            if name != "seeds"
        }
        if "data" in chosen and (full or dataset):
            chosen["data"] = dataset or data.largest()
        return chosen

    def seeds(self, full=False, count=None):
        """The seeds 0 … n−1 of the runs; `count` overrides the parameter."""
        p = self.module.PARAMETERS["seeds"]
        chosen = p.full if full and p.full is not None else p.value
        return list(range(chosen if count is None else count))
