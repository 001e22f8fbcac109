"""How the lab's figures look: one size, one palette, SVG that a page can hold.

Colours are Okabe and Ito's, apart for every common colour blindness; lines differ in dash or
marker as well.
"""

import base64
import io
import re

import numpy as np

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#222222",
)  # fmt: skip

STYLE = {
    "svg.fonttype": "none",  # text stays text: small, sharp, found by a search in the page
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.8,
}


def axes(xlabel, ylabel, height=3.6, **options):
    """A new figure of one panel, five inches wide (legible on a phone): (figure, axes)."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(5.0, height), layout="constrained")
        FigureCanvasSVG(figure)
        panel = figure.add_subplot(**options)
        panel.set(xlabel=xlabel, ylabel=ylabel)
    return figure, panel


def legend(owner, **options):
    """A legend without a frame: inside `owner` if it is a panel, below all if it is a figure."""
    if not hasattr(owner, "plot"):
        options = {"loc": "outside lower center", "ncols": 2, **options}
    owner.legend(frameon=False, fontsize=9, **options)


def band(panel, x, rows, colour, dash, label=None):
    """Mean of the rows over x, and a band of one standard deviation on either side."""
    rows = np.array(rows, float)
    mean = rows.mean(axis=0)
    panel.plot(x, mean, dash, color=colour, label=label)
    if len(rows) > 1:
        sd = rows.std(axis=0, ddof=1)
        # where the axis is logarithmic the lower edge must stay above zero
        panel.fill_between(
            x, np.maximum(mean - sd, rows.min(axis=0)), mean + sd, color=colour, alpha=0.15, lw=0
        )


SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def power(value):
    """A number on a logarithmic axis as plain text.

    >>> power(1e-3), power(2e-5), power(1e5), power(20), power(0.4), power(0)
    ('10⁻³', '2·10⁻⁵', '10⁵', '20', '0.4', '0')
    """
    digits, _, exponent = f"{value:.0e}".partition("e")
    if -1 <= int(exponent) <= 2 or (digits.lstrip("-") != "1" and -3 <= int(exponent) <= 4):
        return f"{value:g}".replace("-", "−")
    raised = "10" + str(int(exponent)).translate(SUPERSCRIPTS)
    return {"1": raised, "-1": "−" + raised}.get(digits, f"{digits}·{raised}".replace("-", "−"))


def unformatted(figure):
    """Have powers of ten set as plain text: a formula costs as much time as all of a drawing."""
    from matplotlib.ticker import LogFormatter, LogFormatterSciNotation

    class Plain(LogFormatter):
        """Labels the same ticks, in our words."""

        def __call__(self, x, position=None):
            return power(x) if super().__call__(x, position) else ""

    for panel in figure.axes:
        for axis in (panel.xaxis, panel.yaxis):
            for get, put in (
                (axis.get_major_formatter, axis.set_major_formatter),
                (axis.get_minor_formatter, axis.set_minor_formatter),
            ):
                old = get()
                if isinstance(old, LogFormatterSciNotation):
                    linear = getattr(old, "_linthresh", None)
                    put(Plain(old._base, old.labelOnlyBase, linthresh=linear))


def svg(figure, name, alt):
    """The figure as an `<svg>` element for a page: no prolog, ids unique to `name`, no addresses.

    Parameters
    ----------
    name : str
        A word; the ids of the drawing start with it, so that two drawings share a page.
    alt : str
        What the drawing shows, for who cannot see it.
    """
    from html import escape

    from matplotlib import rc_context

    unformatted(figure)
    buffer = io.StringIO()
    with rc_context({**STYLE, "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    # what applies to the page as a whole is said once, in the style sheet
    text = re.sub(r"<(metadata|style)\b.*?</\1>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'xlink:href="#', f'href="#{name}-', text).replace("xlink:href=", "href=")
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    box = re.search(r'viewBox="[^"]*"', text).group()
    head = f'<svg {box} role="img" aria-label="{escape(alt)}">'
    return re.sub(r"<svg[^>]*>", lambda _: head, text, count=1).strip()


def thumbnail(figure, width=400, colours=40):
    """The figure as a small PNG in a `data:` address, twice as fine as it is shown.

    It is drawn anew, smaller and without legends, so that what is left can be read.

    Parameters
    ----------
    width : int
        Pixels.
    colours : int
        A drawing has few; a palette makes the file several times smaller.
    """
    from matplotlib import rc_context
    from PIL import Image

    unformatted(figure)
    for legend in [*figure.legends, *(a.get_legend() for a in figure.axes)]:
        if legend is not None:
            legend.remove()
    figure.set_size_inches(figure.get_size_inches() * 0.62)
    buffer = io.BytesIO()
    with rc_context(STYLE):
        figure.savefig(buffer, format="png", dpi=width / figure.get_figwidth())
    small = Image.open(buffer).convert("RGB").quantize(colours, dither=Image.Dither.NONE)
    small.save(buffer := io.BytesIO(), format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
