"""All experiments on one page."""

import inspect
import math
import shlex
from html import escape

import numpy as np

from minigrad.lab import plots
from minigrad.lab.experiment import HOLDS, LIMITED, REFUTED, UNDECIDED
from minigrad.lab.registry import lectures
from minigrad.lab.statistics import mean_sd
from minigrad.lab.style import CSS

# a sign beside the colour and the words, for who sees no colours
BADGES = {
    HOLDS: ("holds", "✓"),
    LIMITED: ("limit", "◐"),
    REFUTED: ("refuted", "✗"),
    UNDECIDED: ("undecided", "?"),
}

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>minigrad lab: why will a network not train?</title>
<link rel="icon" href="data:,">
<style>{css}</style>
</head>
<body>
<header>
<h1>Why will a network not train?</h1>
<p class="text">What five lectures claim about training neural networks, measured with minigrad.
Each experiment states its claim and what would refute it; the verdict is computed from the
measurement.</p>
</header>
<main>
{body}
</main>
<footer class="soft">
<p>Measurements: <code>data/*.json</code> beside this page. Run again: <code>minigrad lab</code>;
list: <code>minigrad lab list</code>; redraw without a run: <code>minigrad lab --redraw</code>.</p>
</footer>
</body>
</html>
"""


def badge(outcome):
    """The verdict as a coloured label with a sign."""
    kind, sign = BADGES[outcome]
    return f'<span class="verdict {kind}">{sign} {escape(outcome)}</span>'


def formatted(value, digits=3):
    """A number in `digits` significant digits; a dash for None.

    >>> formatted(0.92161, 2), formatted(12345.6), formatted(1.5e-9), formatted(None)
    ('0.92', '12346', '1.5e−09', '–')
    """
    if value is None:
        return "–"
    value = float(value) + 0.0  # no negative zero
    if math.isfinite(value) and 10**digits <= abs(value) < 10**7:
        return f"{value:.0f}"
    return f"{value:.{digits}g}".replace("-", "−") if not math.isnan(value) else "NaN"


def numbers_table(numbers, seeds):
    """Each quantity with mean, standard deviation, smallest, largest and how many runs."""
    rows = []
    for number in numbers:
        known = [float(v) for v in number.values if v is not None]
        cells = ["–"] * 3
        if known:
            mean, sd = mean_sd(known)
            cells = [
                formatted(mean, number.digits),
                "–" if math.isnan(sd) else formatted(sd, 2),
                f"{formatted(min(known), number.digits)} … {formatted(max(known), number.digits)}",
            ]
        missing = len(number.values) - len(known)
        count = f"{len(known)}" + (f" (+ {missing} without)" if missing else "")
        unit = f", {number.unit}" if number.unit else ""
        rows.append(
            f'<tr><th scope="row">{escape(number.name + unit)}</th>'
            + "".join(f'<td class="number">{cell}</td>' for cell in [*cells, count])
            + "</tr>"
        )
    names = ", ".join(map(str, seeds))
    return (
        f'<div class="scroll"><table><caption>Over the seeds {names}: mean, standard deviation '
        "(n − 1), smallest and largest, runs.</caption><thead><tr><th>Quantity</th>"
        '<th class="number">mean</th><th class="number">sd</th>'
        '<th class="number">min … max</th><th class="number">n</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def settings_table(experiment, measurements):
    """The parameters with the values of this measurement."""
    rows = [
        f'<tr><th scope="row"><code>{escape(name)}</code></th><td>{escape(str(value))}</td>'
        f"<td>{escape(experiment.PARAMETERS[name].meaning)}</td></tr>"
        for name, value in measurements["settings"].items()
        if name in experiment.PARAMETERS
    ]
    return (
        '<details><summary>Settings</summary><div class="scroll"><table><thead><tr><th>Name</th>'
        f"<th>Value</th><th>Meaning</th></tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        "</details>"
    )


def command(experiment, measurements):
    """The command that repeats the measurement."""
    words = ["minigrad", "lab", experiment.name, "--seeds", str(measurements["planned"])]
    if measurements["settings"] == experiment.settings(full=True) != experiment.settings():
        words.append("--full")
    return shlex.join(words)


def evidence(experiment, measurements):
    """Figures and numbers; what cannot be drawn is said, and the rest of the page stays."""
    try:
        drawings = experiment.figures(measurements)
        figures = "".join(
            f"<figure>{plots.svg(f.figure, f'{experiment.name}-{i}', f.alt)}"
            f"<figcaption>{escape(f.caption)}</figcaption></figure>"
            for i, f in enumerate(drawings)
        )
        table = numbers_table(experiment.numbers(measurements), measurements["seeds"])
    except Exception as problem:
        what = escape(f"{type(problem).__name__}: {problem}")
        return f"<p>The saved measurements could not be drawn: {what}</p>"
    return f'<h3>Figures</h3><div class="figures">{figures}</div><h3>Measurements</h3>{table}'


def section(outcome):
    """One experiment of the report."""
    e, measurements, verdict = outcome.experiment, outcome.measurements, outcome.verdict
    reasons = "".join(f"<p>{escape(reason)}</p>" for reason in verdict.reasons)
    parts = [
        f'<section id="{e.name}">',
        f"<h2>{escape(e.TITLE)}</h2>",
        f'<p class="soft">{e.lecture}: {escape(lectures()[e.lecture])} · experiment '
        f"<code>{e.name}</code></p>",
        '<div class="text">',
        f"<h3>Claim</h3><p>{escape(e.CLAIM)}</p>",
        f"<h3>What would refute it</h3><p>{escape(e.REFUTED_BY)}</p>",
        f"<h3>Method</h3><p>{escape(e.METHOD)}</p>",
        f"<h3>Verdict</h3><p>{badge(verdict.outcome)}</p>{reasons}",
        "</div>",
    ]
    if measurements and measurements["runs"]:
        parts.append(evidence(e, measurements))
        parts.append(settings_table(e, measurements))
        facts = measurements["environment"]
        seconds = np.array(measurements["seconds"], float)
        parts.append(
            f'<p class="soft">Measured {escape(measurements["finished"])}, '
            f"{seconds.mean():.1f} s a run, with minigrad {escape(facts['minigrad'])} "
            f"(engine {escape(facts['engine'])}, CPU level {escape(facts['cpu level'])}). "
            f"Repeat: <code>{escape(command(e, measurements))}</code></p>"
        )
    if measurements and measurements.get("error"):
        parts.append(f"<pre><code>{escape(measurements['error'])}</code></pre>")
    source = "\n\n".join(inspect.getsource(part).rstrip() for part in e.HEART)
    parts.append(f"<h3>The heart of the code</h3><pre><code>{escape(source)}</code></pre>")
    links = "".join(
        f'<li><a href="{escape(address)}">{escape(text)}</a></li>'
        for text, address in e.REFERENCES
    )
    parts.append(f'<h3>References</h3><ul>{links}</ul><p><a href="#top">To the table</a></p>')
    parts.append("</section>")
    return "\n".join(parts)


def front(outcomes):
    """The table of verdicts."""
    rows = []
    for outcome in outcomes:
        e, verdict = outcome.experiment, outcome.verdict
        rows.append(
            f'<tr><td>{e.lecture}</td><td><a href="#{e.name}">{escape(e.TITLE)}</a></td>'
            f"<td>{badge(verdict.outcome)}</td><td>{escape(verdict.key)}</td></tr>"
        )
    return (
        '<section id="top"><h2>Verdicts</h2><table class="front"><thead><tr><th>Lecture</th>'
        "<th>Experiment</th><th>Verdict</th><th>Key number</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></section>"
    )


def page(outcomes, drawn=None):
    """The whole page.

    Parameters
    ----------
    outcomes : list of Outcome
    drawn : dict, optional
        Sections by what they were drawn from; what is there already is not drawn again.

    Returns
    -------
    str
        HTML that loads nothing.
    """
    drawn = {} if drawn is None else drawn
    sections = []
    for outcome in outcomes:
        m = outcome.measurements
        key = outcome.experiment.name, m and (m["finished"], len(m["seeds"]))
        if key not in drawn:
            drawn[key] = section(outcome)
        sections.append(drawn[key])
    return PAGE.format(css=CSS, body="\n".join([front(outcomes), *sections]))
