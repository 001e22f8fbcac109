"""What every experiment of the lab must do, checked on a short run of it."""

import json
from xml.etree import ElementTree

from minigrad.lab import experiment, plots, select, store
from minigrad.lab.words import Sentence


def measure(name, tiny, seeds=(0,)):
    """Measurements of `name` with the settings `tiny`, as a saved file gives them."""
    e = select([name])[0]
    settings = e.settings()
    unknown = set(tiny) - set(settings)
    assert not unknown, f"{name} has no settings {unknown}"
    settings.update(tiny)
    runs = [e.run(seed, settings) for seed in seeds]
    measurements = {
        "settings": settings,
        "seeds": list(seeds),
        "planned": len(seeds),
        "runs": runs,
        "seconds": [1.0] * len(seeds),
    }
    return json.loads(json.dumps(store.plain(measurements)))


def check(name, measurements, again=True):
    """The contract of `experiment.py`; with `again` the first run must repeat itself exactly."""
    e = select([name])[0]
    first = measurements["runs"][0]
    assert set(first) == set(e.MEASURED), "MEASURED must say what each key of a run holds"
    for text in (e.TITLE, e.CLAIM, e.REFUTED_BY, e.METHOD, *e.MEASURED.values()):
        assert isinstance(text, str)
        assert text.strip()
    assert 1 <= e.ROW <= 28
    assert e.REFERENCES
    assert all(address.startswith("https://") for _, address in e.REFERENCES)

    for row in e.numbers(measurements):
        assert len(row.values) == len(measurements["runs"]), row.name
    figures = e.figures(measurements)
    assert figures
    for i, drawn in enumerate(figures):
        assert drawn.caption.strip()
        assert drawn.alt.strip()
        for panel in drawn.figure.axes:
            if panel.get_label() != "<colorbar>" and panel.axison:
                assert panel.get_xlabel() or panel.get_title(), drawn.caption
        text = plots.svg(drawn.figure, f"{name}-{i}", drawn.alt)
        ElementTree.fromstring(text)
        assert len(text) < 400_000, f"{name}: figure {i} has {len(text)} characters"

    verdict = e.verdict(measurements)
    assert verdict.outcome in experiment.OUTCOMES
    for sentence in (verdict.key, *verdict.reasons):
        assert isinstance(sentence, Sentence), f"{name}: made by words.say, not {sentence!r}"
    assert len(verdict.key) <= 60, verdict.key
    empty = {**measurements, "seeds": [], "runs": [], "seconds": []}
    assert e.verdict(empty).outcome == experiment.UNDECIDED
    if again:
        once_more = e.run(measurements["seeds"][0], measurements["settings"])
        assert json.loads(json.dumps(store.plain(once_more))) == first
