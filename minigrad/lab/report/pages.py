"""Writing the pages: whatever is unchanged since the last time is left as it is."""

import contextlib
import hashlib
import inspect
import json
from functools import cache
from pathlib import Path

import minigrad as mg
from minigrad.lab import playground, store
from minigrad.lab.report import front
from minigrad.lab.report.experiment_page import Drawn, draw, page
from minigrad.lab.report.html import speaker
from minigrad.lab.words import say


@cache
def source():
    """A fingerprint of the lab's source: other source, other pages."""
    found = hashlib.sha256(mg.__version__.encode())
    for path in sorted(Path(inspect.getfile(store)).parent.rglob("*.*")):
        if path.suffix in (".py", ".js", ".css"):
            found.update(path.read_bytes())
    return found.hexdigest()


def fingerprint(*facts):
    """A short text that is another one for other facts."""
    text = json.dumps([source(), *facts], default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def play(folder, drawn, language):
    """Write the playground, if it is not there or another one."""
    stamp = fingerprint(language)
    if drawn.get("playground") != [stamp] or not Path(folder, "playground.html").exists():
        playground.write(folder, language)
        drawn["playground"] = [stamp]


def other_pages(folder, outcomes):
    """(address, title, what is there) of the pages that are no experiment of a lecture."""
    found = []
    if Path(folder, "playground.html").exists():
        what = say("six error surfaces, seven methods: watch where they go")
        found.append(("playground.html", say("The optimizer playground"), what))
    clinic = [o for o in outcomes if o.experiment.lecture == "CLINIC" and o.measurements]
    address = f"{clinic[0].experiment.name}.html" if clinic else "clinic.html"
    if clinic or Path(folder, address).exists():
        what = say("sick networks, and what the doctor says of them")
        found.append((address, say("The doctor's clinic"), what))
    return found


def write(folder, outcomes, language="en", drawn=None):
    """Write the front page and a page an experiment.

    Parameters
    ----------
    folder : str or Path
    outcomes : list of Outcome
        Of all experiments, in the order of the pages.
    language : str
        'en' or 'zh'.
    drawn : dict, optional
        Keeps between calls what was drawn. Between processes, ``data/drawn.json`` does.

    Returns
    -------
    Path
        Of ``index.html``.
    """
    folder, t = Path(folder), speaker(language)
    drawn = {} if drawn is None else drawn
    memory = Path(folder, "data", "drawn.json")
    if not drawn:
        with contextlib.suppress(
            OSError, ValueError, TypeError
        ):  # nothing known: everything is drawn
            drawn.update(json.loads(memory.read_text(encoding="utf-8")))
    before = dict(drawn)
    pictures = {}
    for i, outcome in enumerate(outcomes):
        name, verdict = outcome.experiment.name, outcome.verdict
        path = folder / f"{name}.html"
        facts = verdict.outcome, verdict.key, verdict.reasons
        stamp = fingerprint(language, outcome.measurements, facts)
        known = drawn.get(name)
        if not known or known[0] != stamp or not path.exists():
            new = draw(outcome.experiment, outcome.measurements, t)
            previous = outcomes[i - 1].experiment if i else None
            following = outcomes[i + 1].experiment if i + 1 < len(outcomes) else None
            store.write_atomically(path, page(outcome, new, previous, following, language))
            known = drawn[name] = [stamp, new.thumbnail, new.alt]
        pictures[name] = Drawn("", *known[1:])
    if any(outcome.measurements for outcome in outcomes):  # not before the first run has begun
        play(folder, drawn, language)
    if drawn != before:
        store.write_atomically(memory, json.dumps(drawn))
    index = folder / "index.html"
    others = other_pages(folder, outcomes)
    store.write_atomically(index, front.page(outcomes, pictures, others, language))
    return index
