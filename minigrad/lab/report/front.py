"""The front page: every claim with its verdict, its key number and a small picture."""

from collections import Counter
from html import escape

from minigrad.lab.experiment import OUTCOMES
from minigrad.lab.registry import lectures
from minigrad.lab.report.experiment_page import command
from minigrad.lab.report.html import (
    BADGES,
    badge,
    document,
    environment,
    lecture_name,
    moment,
    prose,
    speaker,
)
from minigrad.lab.words import say


def row(outcome, drawn, t):
    """One claim of the table."""
    e, verdict = outcome.experiment, outcome.verdict
    if outcome.measurements:
        key = t(verdict.key)
        label = badge(verdict.outcome, t)
    else:
        key = f"<code>{escape(command(e, None))}</code>"
        label = f'<span class="verdict none">{t(say("not run"))}</span>'
    picture = (
        f'<a href="{e.name}.html" tabindex="-1"><img src="{drawn.thumbnail}" width="200" '
        f'alt="{drawn.alt}"></a>'
        if drawn.thumbnail
        else ""
    )
    return (
        f'<tr id="{e.name}"><td class="row">{e.ROW}</td><td class="picture">{picture}</td>'
        f'<th scope="row"><a href="{e.name}.html">{t(e.TITLE)}</a><p>{prose(e.CLAIM, t)}</p></th>'
        f'<td class="result">{label}<p class="key">{key}</p></td></tr>'
    )


def verdict_table(outcomes, drawn, t):
    """The rows, under the titles of their lectures."""
    parts = []
    for lecture in lectures():
        chosen = [o for o in outcomes if o.experiment.lecture == lecture]
        if not chosen:
            continue
        rows = "".join(row(o, drawn[o.experiment.name], t) for o in chosen)
        parts.append(
            f'<tbody id="{lecture}"><tr class="lecture"><th colspan="4" scope="rowgroup">'
            f"{lecture_name(lecture, t)}</th></tr>{rows}</tbody>"
        )
    heads = (
        f'<th scope="col">{t(say("No."))}</th><th scope="col">{t(say("Figure"))}</th>'
        f'<th scope="col">{t(say("Claim"))}</th><th scope="col">{t(say("Verdict"))}</th>'
    )
    return (
        f'<table class="front"><caption class="unseen">{t(say("Verdicts"))}</caption>'
        f"<thead><tr>{heads}</tr></thead>{''.join(parts)}</table>"
    )


def summary(outcomes, t):
    """How many claims have which verdict, and a strip of one small field a claim."""
    run = [o for o in outcomes if o.measurements]
    counts = Counter(o.verdict.outcome for o in run)
    parts = []
    for outcome in OUTCOMES:
        if counts[outcome]:
            kind, sign = BADGES[outcome]
            words = f"{sign} {counts[outcome]} × {t(outcome)}"
            parts.append(f'<span class="verdict {kind}">{words}</span>')
    if len(run) < len(outcomes):
        words = f"{len(outcomes) - len(run)} × {t(say('not run'))}"
        parts.append(f'<span class="verdict none">{words}</span>')
    fields = []
    for o in outcomes:
        kind = BADGES[o.verdict.outcome][0] if o.measurements else "none"
        word = t(o.verdict.outcome) if o.measurements else t(say("not run"))
        name = f"{o.experiment.ROW}. {t(o.experiment.TITLE)}: {word}"
        fields.append(
            f'<a class="{kind}" href="{o.experiment.name}.html" title="{name}" '
            f'aria-label="{name}">{o.experiment.ROW}</a>'
        )
    total = t(say("{n} claims:", n=len(outcomes)))
    return (
        f'<p class="summary"><strong>{total}</strong> {" ".join(parts)}</p>'
        f'<p class="strip">{"".join(fields)}</p>'
    )


def repeat(outcomes, t):
    """How to run it again, and where it ran."""
    commands = (
        ("minigrad lab", say("every experiment, in a few minutes; what is done is not repeated")),
        ("minigrad lab --full", say("more seeds, longer runs, the largest data set at hand")),
        ("minigrad lab saddle P9", say("one experiment, one lecture")),
        ("minigrad lab --redraw", say("these pages again from the saved measurements")),
        ("minigrad lab list", say("what there is")),
    )
    rows = "".join(f"<dt><code>{c}</code></dt><dd>{t(meaning)}</dd>" for c, meaning in commands)
    run = [o.measurements for o in outcomes if o.measurements]
    facts = ""
    if run:
        latest = max(run, key=lambda m: m["finished"])
        where = environment(latest["environment"], t)
        last = t(say("Last measured {when}.", when=moment(latest["finished"])))
        facts = f"<p>{where}. {last}</p>"
    words = t(say("The measurements lie beside these pages as JSON, one file an experiment, in"))
    return (
        f'<section id="repeat"><h2>{t(say("Run it yourself"))}</h2><dl>{rows}</dl>'
        f"<p>{words} <code>data/</code>.</p></section>"
        f'<section id="environment"><h2>{t(say("Where this was measured"))}</h2>'
        f"{facts or t(say('Nothing is measured yet.'))}</section>"
    )


def page(outcomes, drawn, others=(), language="en"):
    """The front page.

    Parameters
    ----------
    outcomes : list of Outcome
    drawn : dict
        A `Drawn` for each experiment's name.
    others : iterable of (str, Sentence, Sentence)
        Pages to link to: address, title, and what is there.
    language : str

    Returns
    -------
    str
        HTML that loads nothing.
    """
    t = speaker(language)
    title = t(say("Why will a network not train?"))
    intro = t(
        say(
            "What five lectures claim about training neural networks, measured with minigrad. "
            "Each experiment states its claim and what would refute it; the verdict is computed "
            "from the measurement."
        )
    )
    cards = "".join(
        f'<a class="card" href="{address}"><strong>{t(name)}</strong> <span>{t(what)}</span></a>'
        for address, name, what in others
    )
    claims = [o for o in outcomes if o.experiment.lecture[1:].isdigit()]
    body = (
        f'<header><h1>{title}</h1><p class="text lead">{intro}</p>{summary(claims, t)}'
        f'<nav class="cards" aria-label="{t(say("Other pages"))}">{cards}'
        f'<a class="card" href="#repeat"><strong>{t(say("Run it yourself"))}</strong> '
        f"<span>{t(say('the commands, the data, the machine'))}</span></a></nav></header>"
        f"<main><section>{verdict_table(outcomes, drawn, t)}</section>{repeat(outcomes, t)}</main>"
    )
    return document(f"minigrad lab: {title}", body, language)
