"""What all pages share: the frame around them, words in the reader's language, numbers, badges."""

import math
import re
from html import escape

from minigrad.lab.experiment import HOLDS, LIMITED, REFUTED, UNDECIDED
from minigrad.lab.registry import lectures
from minigrad.lab.style import CSS
from minigrad.lab.words import say, translate

# a sign beside the colour and the words, for who sees no colours
BADGES = {
    HOLDS: ("holds", "✓"),
    LIMITED: ("limit", "◐"),
    REFUTED: ("refuted", "✗"),
    UNDECIDED: ("undecided", "?"),
}

# of the attribute lang, which also chooses the font's glyphs
TAGS = {"en": "en", "zh": "zh-Hans"}

DOCUMENT = """<!DOCTYPE html>
<html lang="{tag}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{css}</style>
</head>
<body>
{body}
</body>
</html>
"""


def document(title, body, language="en", css=""):
    """A whole page; `title` and `body` are HTML."""
    return DOCUMENT.format(tag=TAGS[language], title=title, css=CSS + css, body=body)


def speaker(language="en"):
    """The function that takes a sentence to HTML in this language.

    >>> speaker()(say("{a} < {b}", a=1, b=2))
    '1 &lt; 2'
    """
    return lambda sentence: escape(translate(sentence, language))


def prose(sentence, t):
    """A sentence as HTML, with what stands between backticks set as code.

    >>> prose("run `minigrad lab`", speaker())
    'run <code>minigrad lab</code>'
    """
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", t(sentence))


def badge(outcome, t):
    """The verdict as a coloured label with a sign."""
    kind, sign = BADGES[outcome]
    return (
        f'<span class="verdict {kind}"><span aria-hidden="true">{sign}</span> {t(outcome)}</span>'
    )


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


def table(heads, rows, caption="", numeric=(), kind=""):
    """A table that scrolls by itself where the screen is narrow.

    Parameters
    ----------
    heads : list of str
        HTML, one a column.
    rows : list of list of str
        HTML; the first cell of a row is its head.
    caption : str
        HTML.
    numeric : container of int
        Columns that are set flush right.
    kind : str
        Class of the style sheet.
    """
    kinds = [' class="number"' if i in numeric else "" for i in range(len(heads))]
    head = "".join(f'<th scope="col"{k}>{h}</th>' for k, h in zip(kinds, heads))
    body = "".join(
        f'<tr><th scope="row">{first}</th>'
        + "".join(f"<td{k}>{cell}</td>" for k, cell in zip(kinds[1:], rest))
        + "</tr>"
        for first, *rest in rows
    )
    name = caption or ", ".join(heads)
    caption = caption and f"<caption>{caption}</caption>"
    kind = kind and f' class="{kind}"'
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{name}">'
        f"<table{kind}>{caption}<thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def lecture_name(lecture, t):
    """A lecture as a title: its number, where it has one, and its name."""
    number = f'<span class="row">{lecture}</span> ' if lecture[1:].isdigit() else ""
    return number + t(lectures()[lecture])


def environment(facts, t):
    """Where something was measured, in a line."""
    return t(
        say(
            "minigrad {version} (engine {engine}, CPU level {level}), Python {python}, {machine}, "
            "{cores} cores",
            version=facts["minigrad"],
            engine=facts["engine"],
            level=facts["cpu level"],
            python=facts["python"],
            machine=facts["machine"],
            cores=facts["cores"],
        )
    )


def moment(text):
    """A date and time as people write them.

    >>> moment("2026-11-23T07:21:22+00:00")
    '2026-11-23 07:21'
    """
    return text[:16].replace("T", " ")
