"""Sentences in two languages: English where they are made, Chinese in one table.

    say("{n} of {m} runs fell into the saddle.", n=3, m=5)

is a string, the English sentence, that remembers how it was made; `translate` makes the sentence
anew from the same values and the template that `chinese.TABLE` holds for the English one. A
sentence that is not in the table stays English.
"""

LANGUAGES = ("en", "zh")


class Sentence(str):
    """An English sentence that knows its template and the values in it.

    >>> s = say("{n} of {m} runs", n=3, m=5)
    >>> s, s.template, s.values
    ('3 of 5 runs', '{n} of {m} runs', {'n': 3, 'm': 5})
    """

    template: str
    values: dict

    def __new__(cls, template, values):
        self = super().__new__(cls, template.format(**values))
        self.template, self.values = template, values
        return self

    def __reduce__(self):
        return Sentence, (self.template, self.values)


def say(template, /, **values):
    """The sentence that `str.format` makes of the template and the values.

    The template is a literal, so that the tests find it in the source and ask for its translation.
    A value that is itself a sentence is translated with it.
    """
    return Sentence(template, values)


def join(parts, between=", "):
    """Sentences one after the other, as one sentence.

    >>> str(join([say("SGD"), say("{r:.1f} ×", r=0.5)]))
    'SGD, 0.5 ×'
    """
    parts = list(parts)
    names = [f"part{i}" for i in range(len(parts))]
    template = between.join(f"{{{name}}}" for name in names)
    return Sentence(template, dict(zip(names, parts, strict=True)))


def translate(text, language="en"):
    """`text`, a string or a `Sentence`, in `language`; what the table lacks stays English.

    >>> translate("holds", "zh")
    '成立'
    >>> translate(say("A run failed: {error}", error=say("undecided")), "zh")
    '一次运行失败：未定'
    """
    if language not in LANGUAGES:
        raise ValueError(
            f"lab: the language must be one of {', '.join(LANGUAGES)}; got {language!r}"
        )
    if language == "en":
        return str(text)
    from minigrad.lab.chinese import TABLE

    if not isinstance(text, Sentence):
        return TABLE.get(text, text)
    values = {
        name: translate(value, language) if isinstance(value, str) else value
        for name, value in text.values.items()
    }
    return TABLE.get(text.template, text.template).format(**values)
