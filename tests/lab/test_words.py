"""Every sentence of the lab has its Chinese, with the same values in it."""

import ast
import string
from pathlib import Path

import pytest

import minigrad.lab
from minigrad.lab import words
from minigrad.lab.chinese import TABLE
from minigrad.lab.experiment import OUTCOMES
from minigrad.lab.registry import experiments, lectures
from minigrad.lab.words import join, say, translate

ROOT = Path(minigrad.lab.__file__).parent
SOURCES = [p for p in sorted(ROOT.rglob("*.py")) if p.name not in ("words.py", "chinese.py")]
SOURCES.append(ROOT.parent / "cli.py")


def literals(path):
    """(line, sentence) of each say("…") and translate("…"); a sentence None is no literal."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            first = node.args[0]
            text = first.value if isinstance(first, ast.Constant) else None
            if name == "say" or (name == "translate" and isinstance(text, str)):
                yield node.lineno, text


def fields(template):
    """The names of the values in a template."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def sentences():
    """{English: where it is} of what must have a translation: claims, verdicts, words."""
    found = dict.fromkeys(OUTCOMES, "experiment.py")
    found |= dict.fromkeys(lectures().values(), "p5 … p9")
    for e in experiments():
        for part in ("TITLE", "CLAIM"):
            found[getattr(e, part)] = f"{e.name}.{part}"
    for path in SOURCES:
        for line, text in literals(path):
            found.setdefault(text, f"{path.relative_to(ROOT.parent)}:{line}")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT.parent)))
def test_templates_are_literals(path):
    assert [line for line, text in literals(path) if text is None] == []


def test_every_sentence_has_its_chinese():
    missing = [f"{where}: {text!r}" for text, where in sentences().items() if text not in TABLE]
    assert not missing, "\n".join(missing)


def test_translations_have_the_same_values():
    for english, chinese in TABLE.items():
        assert fields(chinese) == fields(english), english


def test_the_table_holds_nothing_else():
    assert set(TABLE) <= set(sentences())


def test_a_value_keeps_its_format_and_is_translated_itself(monkeypatch):
    table = {"{n} of {what}: {x:.1f}": "{what}：{n}，{x:.1f}", "apples": "苹果"}
    monkeypatch.setattr("minigrad.lab.chinese.TABLE", table)
    sentence = say("{n} of {what}: {x:.1f}", n=3, what=say("apples"), x=0.25)
    assert sentence == "3 of apples: 0.2"
    assert translate(sentence, "zh") == "苹果：3，0.2"
    assert translate(join([say("apples"), "pears"], "; "), "zh") == "苹果; pears"
    assert translate("pears", "zh") == "pears"


def test_a_sentence_survives_pickling():
    import pickle

    sentence = say("{n} runs", n=2)
    again = pickle.loads(pickle.dumps(sentence))
    assert (again, again.template, again.values) == ("2 runs", "{n} runs", {"n": 2})


def test_unknown_language_is_refused():
    with pytest.raises(ValueError, match="must be one of en, zh; got 'fr'"):
        translate("x", "fr")
    assert words.LANGUAGES == ("en", "zh")
