"""What the doctor says: findings with their evidence, observations, and the diagnosis of both."""

import textwrap
from dataclasses import dataclass, field

from minigrad.lab.words import say, translate


@dataclass(frozen=True)
class Finding:
    """One illness.

    Attributes
    ----------
    name : str
        A short name that stays: 'rate-too-large'.
    title : str
        The illness in a few words.
    evidence : list of str
        What was measured, as sentences.
    remedy : str
        What to do.
    experiment : str
        The experiment of the lab that teaches it, `minigrad lab NAME`.
    numbers : dict
        The measured numbers by name.
    """

    name: str
    title: str
    evidence: list
    remedy: str
    experiment: str
    numbers: dict = field(default_factory=dict)

    def text(self, language="en"):
        """The finding as a paragraph."""
        words = [translate(w, language) for w in (self.title, *self.evidence)]
        remedy = translate(say("Remedy: {remedy}", remedy=self.remedy), language)
        lesson = translate(say("Lesson: minigrad lab {name}", name=self.experiment), language)
        lines = [f"{words[0]} [{self.name}]", *words[1:], remedy, lesson]
        return "\n".join(_wrapped(line, "" if k == 0 else "    ") for k, line in enumerate(lines))


def _wrapped(line, indent):
    return textwrap.fill(line, 92, initial_indent=indent, subsequent_indent=indent)


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong, gravest first, and what else was seen; `print` it.

    Attributes
    ----------
    findings : list of Finding
    observations : list of str
        Facts that are no illness.
    """

    findings: list
    observations: list

    @property
    def healthy(self):
        """Whether there is no finding."""
        return not self.findings

    def __contains__(self, name):
        return any(finding.name == name for finding in self.findings)

    def text(self, language="en"):
        """The whole diagnosis, in English ('en') or Chinese ('zh')."""
        if self.findings:
            parts = [f"{k}. {f.text(language)}" for k, f in enumerate(self.findings, 1)]
        else:
            parts = [translate(say("No illness found."), language)]
        if self.observations:
            seen = [_wrapped("· " + translate(s, language), "    ") for s in self.observations]
            parts.append("\n".join([translate(say("Observed:"), language), *seen]))
        return "\n\n".join(parts)

    def __str__(self):
        return self.text()
