"""Real source, where it stands, with its keywords, strings and comments told apart."""

import inspect
import io
import keyword
import token
import tokenize
from html import escape

KINDS = {token.STRING: "s", token.COMMENT: "c", token.NUMBER: "n"}


def coloured(source):
    """Python source as HTML, with spans of the classes k, d, s, c and n.

    >>> coloured("def f(x): return 1")
    '<span class="k">def</span> <span class="d">f</span>(x): <span class="k">return</span> \
<span class="n">1</span>'
    """
    lines = source.splitlines(keepends=True)
    parts, row, column, before = [], 1, 0, ""

    def text(to_row, to_column):
        """The source from where we are to there."""
        if to_row == row:
            return lines[row - 1][column:to_column]
        between = "".join(lines[row : to_row - 1])
        return lines[row - 1][column:] + between + lines[to_row - 1][:to_column]

    for t in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = KINDS.get(t.type, "s" if token.tok_name[t.type].startswith("FSTRING") else "")
        if t.type == token.NAME:
            kind = (
                "k" if keyword.iskeyword(t.string) else "d" if before in ("def", "class") else ""
            )
        if kind:
            parts.append(escape(text(*t.start)))
            row, column = t.start
            parts.append(f'<span class="{kind}">{escape(text(*t.end))}</span>')
            row, column = t.end
        before = t.string
    return "".join(parts) + escape("".join([lines[row - 1][column:], *lines[row:]]))


def listing(part):
    """(file and line, coloured source) of a function or class."""
    source, line = inspect.getsourcelines(part)
    path = inspect.getmodule(part).__name__.replace(".", "/") + ".py"
    return f"{path}:{line}", coloured(inspect.cleandoc("\n" + "".join(source)).rstrip())
