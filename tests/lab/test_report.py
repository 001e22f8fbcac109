"""The frame: discovery, storage, and a page that is whole, valid and needs nothing else."""

import html.parser
import json
import re
from types import ModuleType

import numpy as np
import pytest

from minigrad.lab import experiment, experiments, lectures, plots, report, runner, select, store
from minigrad.lab.experiment import Experiment, Number
from minigrad.lab.p5 import saddle
from minigrad.lab.statistics import interval, mean_sd, ratio

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(html.parser.HTMLParser):
    """Checks nesting and unique ids, and gathers what a browser would load."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.loads, self.links, self.tags = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []
        assert len(set(self.ids)) == len(self.ids)

    def handle_startendtag(self, tag, attributes):
        self.note(tag, attributes)

    def handle_starttag(self, tag, attributes):
        self.note(tag, attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def note(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            elif tag == "a" and name == "href":
                self.links.append(value)
            elif name in ("src", "href", "xlink:href", "srcset", "data", "poster", "action"):
                self.loads.append(value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("lab")
    outcomes, page, interrupted = runner.run(["saddle"], seeds=2, folder=path)
    assert [o.verdict.outcome for o in outcomes] == ["holds with a limit"]
    assert page == path / "index.html"
    assert not interrupted
    return path


@pytest.fixture(scope="module")
def text(folder):
    return (folder / "index.html").read_text(encoding="utf-8")


def test_every_experiment_has_the_whole_interface():
    assert [lecture[0] for lecture in lectures()] == ["P"] * 5
    assert {e.name for e in experiments()} >= {"saddle", "batch_norm"}
    for e in experiments():
        assert e.CLAIM and e.REFUTED_BY and e.METHOD and e.REFERENCES and e.HEART
        assert e.seeds(count=2) == [0, 1]
        assert len(e.seeds(full=True)) >= 10
        assert set(e.settings()) == set(e.PARAMETERS) - {"seeds"}


def test_an_incomplete_module_is_refused():
    with pytest.raises(TypeError, match="needs TITLE, ROW"):
        Experiment("empty", "P5", ModuleType("empty"))


def test_select_by_lecture_and_name():
    assert [e.name for e in select(["p5"])] == ["saddle"]
    assert [e.name for e in select(["batch_norm", "saddle"])] == ["saddle", "batch_norm"]
    assert select() == list(experiments())


def test_page_is_nested_well_and_loads_nothing(text):
    page = Page(text)
    assert text.startswith("<!DOCTYPE html>")
    for address in page.loads:
        assert address.startswith(("#", "data:"))
    assert "script" not in page.tags
    assert not re.search(r"@import|url\(\s*['\"]?(?!#)", text)
    inner = [link[1:] for link in page.links if link.startswith("#")]
    assert set(inner) <= set(page.ids)
    references = [link for link in page.links if not link.startswith("#")]
    assert all(link.startswith("https://") for link in references)


def test_local_references_of_drawings_exist(text):
    ids = set(Page(text).ids)
    used = set(re.findall(r'(?<!a )href="#([^"]+)"', text)) | set(
        re.findall(r"url\(#([^)]+)\)", text)
    )
    assert used <= ids


def test_page_says_what_was_asked(text):
    page = Page(text)
    assert page.tags.count("svg") == 4
    for words in (
        "What would refute it",
        "holds with a limit",
        "weight w₁",
        "updates until L",
        "minigrad lab saddle --seeds 2",
        "0.92 at s = 1.4",
        "return (1 - w[0] * w[1]) ** 2",
        'name="viewport"',
        "Not run.",
    ):
        assert words in text


def test_report_is_redrawn_from_the_saved_data(folder, text, monkeypatch):
    monkeypatch.setattr(saddle, "run", None)
    runner.redraw(folder)
    assert (folder / "index.html").read_text(encoding="utf-8") == text


def test_another_experiment_leaves_the_first_in_the_report(folder, monkeypatch):
    monkeypatch.setattr("minigrad.lab.p9.batch_norm.run", lambda seed, settings: 1 / 0)
    outcomes, page, _ = runner.run(["batch_norm"], seeds=1, folder=folder)
    assert outcomes[0].failed
    assert "ZeroDivisionError" in outcomes[0].verdict.reasons[0]
    text = page.read_text(encoding="utf-8")
    Page(text)
    assert "ZeroDivisionError" in text
    assert text.count("holds with a limit</span>") == 2  # in the table and in its section


def test_interrupt_leaves_a_report_of_what_finished(tmp_path, monkeypatch):
    original = saddle.run

    def interrupted_run(seed, settings):
        if seed == 1:
            raise KeyboardInterrupt
        return original(seed, settings)

    monkeypatch.setattr(saddle, "run", interrupted_run)
    outcomes, page, interrupted = runner.run(folder=tmp_path, seeds=3)
    assert interrupted
    assert [o.experiment.name for o in outcomes] == ["saddle"]
    assert "2 of 3 runs are missing" in outcomes[0].verdict.reasons[-1]
    text = page.read_text(encoding="utf-8")
    Page(text)
    assert "2 of 3 runs are missing" in text
    assert not list(tmp_path.rglob("*.part"))


def test_processes_give_the_same_measurements(folder, tmp_path):
    runner.run(["saddle"], seeds=2, folder=tmp_path, jobs=2)
    assert store.load(tmp_path, "saddle")["runs"] == store.load(folder, "saddle")["runs"]


def test_unreadable_measurements_do_not_spoil_the_page(tmp_path):
    measurements = {
        "seeds": [0],
        "runs": [{"of": "another version"}],
        "planned": 1,
        "settings": {},
        "seconds": [1.0],
        "finished": "",
        "environment": runner.environment(),
    }
    store.save(tmp_path, "saddle", measurements)
    text = runner.redraw(tmp_path).read_text(encoding="utf-8")
    Page(text)
    assert "could not be drawn" in text


def test_store_keeps_numbers(tmp_path):
    value = {"a": np.float32(0.5), "b": np.arange(3), "c": [None, True, "é"], "d": float("inf")}
    store.save(tmp_path, "x", value)
    assert store.load(tmp_path, "x") == {"a": 0.5, "b": [0, 1, 2], "c": value["c"], "d": np.inf}
    assert store.load(tmp_path, "y") is None
    with pytest.raises(TypeError, match="plain data"):
        store.save(tmp_path, "x", {"a": object()})
    assert json.loads(store.path_of(tmp_path, "x").read_text())["a"] == 0.5


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "page"
    store.write_atomically(path, "old")
    monkeypatch.setattr("os.replace", lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        store.write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["page"]


def test_statistics_against_known_values():
    assert mean_sd([1, 2, 3, 4]) == (2.5, pytest.approx(np.std([1, 2, 3, 4], ddof=1)))
    assert interval([5.0]) == (-np.inf, np.inf)
    low, high = interval([1.0, 2.0, 3.0])  # t quantile 4.302653 with two degrees of freedom
    assert (low, high) == pytest.approx((2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5), rel=1e-6)
    middle, low, high = ratio([1.0, 2.0, 4.0], [2.0, 2.0, 2.0])
    assert middle == pytest.approx(1)
    assert low == pytest.approx(1 / high)


def test_numbers_table_says_what_is_missing():
    table = report.numbers_table([Number("time", [1.0, None, 3.0], "ms")], [0, 1, 2])
    assert "time, ms" in table
    assert "2 (+ 1 without)" in table
    assert "1 … 3" in table


def test_drawing_is_self_contained_and_described():
    figure, panel = plots.axes("x, s", "y, m")
    panel.plot([0, 1], [0, 1])
    text = plots.svg(figure, "drawing", 'a "line"')
    assert text.startswith("<svg viewBox=")
    assert text.endswith("</svg>")
    assert 'aria-label="a &quot;line&quot;"' in text
    assert "http" not in text
    assert "x, s" in text
    assert text == plots.svg(figure, "drawing", 'a "line"')


def test_outcomes_have_a_badge():
    assert set(report.BADGES) == set(experiment.OUTCOMES)
