"""The page of one experiment: what was claimed, what came out, and how to see for oneself."""

import math
import shlex
from html import escape
from typing import NamedTuple

import numpy as np

from minigrad.lab import plots, store
from minigrad.lab.report.code import listing
from minigrad.lab.report.html import (
    BADGES,
    badge,
    document,
    environment,
    formatted,
    lecture_name,
    moment,
    prose,
    speaker,
    table,
)
from minigrad.lab.statistics import mean_sd
from minigrad.lab.words import join, say

# the playground's surface where one can see what the experiment is about
SURFACES = {
    "saddle": "saddle",
    "escape": "saddle",
    "momentum": "hills",
    "valley": "valley",
    "adagrad": "valley",
    "rmsprop": "crescent",
    "adam": "crescent",
    "warmup": "crescent",
    "optimizers": "crescent",
    "cross_entropy": "mse",
}


class Drawn(NamedTuple):
    """Figures as HTML, and the first as a small picture for the front page ('': none)."""

    figures: str
    thumbnail: str = ""
    alt: str = ""


def numbers_table(numbers, seeds, t=None):
    """Each quantity with mean, standard deviation, smallest, largest and how many runs."""
    t = t or speaker()
    rows = []
    for number in numbers:
        known = [float(v) for v in number.values if v is not None]
        cells = ["–"] * 3
        if known:
            mean, sd = mean_sd(known)
            ends = min(known), max(known)
            cells = [
                formatted(mean, number.digits),
                "–" if math.isnan(sd) else formatted(sd, 2),
                " … ".join(dict.fromkeys(formatted(v, number.digits) for v in ends)),
            ]
        missing = len(number.values) - len(known)
        count = (
            t(say("{known} (+ {missing} without)", known=len(known), missing=missing))
            if missing
            else str(len(known))
        )
        name = t(join([number.name, number.unit] if number.unit else [number.name]))
        rows.append([name, *cells, count])
    heads = say("Quantity"), say("mean"), say("sd"), say("min … max"), say("n")
    caption = say(
        "Over the seeds {seeds}: mean, standard deviation (n − 1), smallest and largest, runs.",
        seeds=", ".join(map(str, seeds)),
    )
    return table([*map(t, heads)], rows, t(caption), numeric={1, 2, 3, 4}, kind="numbers")


def command(experiment, measurements):
    """The command that repeats the measurement; without one, the command that measures."""
    words = ["minigrad", "lab", experiment.name]
    if measurements:
        words += ["--seeds", str(measurements["planned"])]
        words += ["--full"] if measurements.get("full") else []
        words += ["--data", measurements["data"]] if measurements.get("data") else []
    return shlex.join(words)


def draw(experiment, measurements, t):
    """The figures; what cannot be drawn is said, and the rest of the page stays."""
    if not measurements or not measurements["runs"]:
        return Drawn("")
    try:
        drawings = experiment.figures(measurements)
        figures = "".join(
            f"<figure>{plots.svg(f.figure, f'{experiment.name}-{i}', f.alt)}"
            f"<figcaption>{prose(f.caption, t)}</figcaption></figure>"
            for i, f in enumerate(drawings)
        )
        if not drawings:
            return Drawn("")
        html = f'<h2>{t(say("Figures"))}</h2><div class="figures">{figures}</div>'
        return Drawn(html, plots.thumbnail(drawings[0].figure), t(drawings[0].alt))
    except Exception as problem:
        return Drawn(apology(problem, t))


def apology(problem, t):
    """That something could not be shown, and why."""
    what = f"{type(problem).__name__}: {problem}"
    sentence = say("The saved measurements could not be drawn: {error}", error=what)
    return f'<p class="error">{t(sentence)}</p>'


def measured(experiment, measurements, t):
    """The table of numbers, what the saved file holds, and the settings."""
    try:
        numbers = numbers_table(experiment.numbers(measurements), measurements["seeds"], t)
    except Exception as problem:
        numbers = apology(problem, t)
    which = store.variant(measurements.get("full"), measurements.get("data"))
    path = store.path_of("", experiment.name, which).as_posix()
    keys = table(
        [t(say("Key")), t(say("Meaning"))],
        [
            [f"<code>{escape(key)}</code>", escape(str(meaning))]
            for key, meaning in experiment.MEASURED.items()
        ],
        t(say("What each of the runs in the file holds.")),
    )
    parameters = experiment.PARAMETERS
    settings = table(
        [t(say("Name")), t(say("Value")), t(say("Meaning"))],
        [
            [f"<code>{escape(name)}</code>", escape(str(value)), escape(parameters[name].meaning)]
            for name, value in measurements["settings"].items()
            if name in parameters
        ],
    )
    return (
        f"<h2>{t(say('Measurements'))}</h2>{numbers}"
        f"<details><summary>{t(say('The saved file'))}</summary>"
        f'<p><a href="{escape(path)}"><code>{escape(path)}</code></a></p>{keys}</details>'
        f"<details><summary>{t(say('Settings'))}</summary>{settings}</details>"
    )


def provenance(measurements, t):
    """When and where the measurement was made."""
    seconds = np.array(measurements["seconds"] or [math.nan], float)
    when = say(
        "Measured {when}, {seconds:.1f} s a run, with",
        when=moment(measurements["finished"]),
        seconds=seconds.mean(),
    )
    return f'<p class="soft">{t(when)} {environment(measurements["environment"], t)}.</p>'


def neighbours(previous, following, t):
    """Links to the pages before and after."""
    links = []
    for e, word, arrow in ((previous, say("Previous"), "← {}"), (following, say("Next"), "{} →")):
        if e is None:
            links.append("<span></span>")
        else:
            title = arrow.format(t(e.TITLE))
            links.append(f'<a href="{e.name}.html"><small>{t(word)}</small>{title}</a>')
    return f'<nav class="neighbours" aria-label="{t(say("Claims"))}">{"".join(links)}</nav>'


def page(outcome, drawn, previous=None, following=None, language="en"):
    """The page of an experiment.

    Parameters
    ----------
    outcome : Outcome
    drawn : Drawn
        What `draw` made of it.
    previous, following : Experiment, optional
        To link to.
    language : str

    Returns
    -------
    str
        HTML that loads nothing.
    """
    e, measurements, verdict = outcome.experiment, outcome.measurements, outcome.verdict
    t, kind = speaker(language), BADGES[verdict.outcome][0]
    home = f'<a href="index.html">← {t(say("All claims"))}</a>'
    lecture = lecture_name(e.lecture, t)
    reasons = "".join(f"<p>{prose(reason, t)}</p>" for reason in verdict.reasons)
    body = [
        f'<header><nav class="crumbs">{home} <span class="soft">{lecture}</span></nav>',
        f'<h1><span class="row">{e.ROW}</span> {t(e.TITLE)}</h1></header>',
        "<main><section>",
        f'<div class="text"><h2>{t(say("Claim"))}</h2>',
        f'<blockquote class="claim">{prose(e.CLAIM, t)}</blockquote>',
        f'<div class="outcome {kind}"><p>{badge(verdict.outcome, t)} '
        f'<strong class="key">{t(verdict.key)}</strong></p></div>',
        f"<h2>{t(say('What would refute it'))}</h2><p>{prose(e.REFUTED_BY, t)}</p>",
        f"<h2>{t(say('Method'))}</h2><p>{prose(e.METHOD, t)}</p>",
        f"<h2>{t(say('Verdict'))}</h2>{reasons}</div>",
        drawn.figures,
    ]
    if measurements and measurements["runs"]:
        body.append(measured(e, measurements, t))
        if e.name in SURFACES:
            text = t(say("Try it yourself on the optimizer playground"))
            address = f"playground.html#{SURFACES[e.name]}"
            body.append(f'<p><a href="{address}">{text} →</a></p>')
    if measurements and measurements.get("error"):
        body.append(f"<pre><code>{escape(measurements['error'])}</code></pre>")
    body.append(f"<h2>{t(say('The heart of the code'))}</h2>")
    for part in e.HEART:
        place, source = listing(part)
        body.append(f'<p class="soft place"><code>{escape(place)}</code></p>')
        body.append(f'<pre tabindex="0"><code>{source}</code></pre>')
    links = "".join(
        f'<li><a href="{escape(address)}">{escape(text)}</a></li>'
        for text, address in e.REFERENCES
    )
    body.append(f"<h2>{t(say('References'))}</h2><ul>{links}</ul>")
    again = say("Repeat the measurement") if measurements else say("Measure it")
    body.append(f'<h2>{t(again)}</h2><pre tabindex="0"><code>')
    body[-1] += f"{escape(command(e, measurements))}</code></pre>"
    if measurements:
        body.append(provenance(measurements, t))
    body.append(f"</section>{neighbours(previous, following, t)}</main>")
    return document(f"{t(e.TITLE)} · minigrad lab", "\n".join(body), language)
