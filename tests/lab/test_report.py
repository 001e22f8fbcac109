"""The frame: discovery, storage, and a page that is whole, valid and needs nothing else."""

import inspect
import json
import re
from html import escape, unescape
from types import ModuleType

import numpy as np
import pytest
from html_page import Page

from minigrad.lab import experiment, experiments, lectures, plots, report, runner, select, store
from minigrad.lab.experiment import Experiment, Number
from minigrad.lab.p5 import saddle
from minigrad.lab.playground import surfaces
from minigrad.lab.report.experiment_page import SURFACES
from minigrad.lab.statistics import interval, mean_sd, ratio


def drawn(folder, language="en"):
    """Write the report of what is saved; {file name: text} of its pages."""
    index = report.write(folder, runner.judged(folder=folder), language)
    assert index == folder / "index.html"
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.html")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("lab")
    outcomes, page, interrupted = runner.run(["saddle"], seeds=2, folder=path)
    assert [o.verdict.outcome for o in outcomes] == ["holds with a limit"]
    assert page == path / "index.html"
    assert not interrupted
    return path


@pytest.fixture(scope="module")
def pages(folder):
    return drawn(folder)


@pytest.fixture(scope="module")
def saddle_page(pages):
    return pages["saddle.html"]


def test_every_experiment_has_the_whole_interface():
    lectures_alone = [lecture for lecture in lectures() if lecture[1:].isdigit()]
    assert lectures_alone == ["P5", "P6", "P7", "P8", "P9"]
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
    assert "saddle" in [e.name for e in select(["p5"])]
    assert {e.lecture for e in select(["p5"])} == {"P5"}
    assert [e.name for e in select(["batch_norm", "saddle"])] == ["saddle", "batch_norm"]
    assert select() == list(experiments())


def test_there_is_a_front_page_and_one_page_an_experiment(pages):
    assert set(pages) >= {"index.html"} | {f"{e.name}.html" for e in experiments()}


def test_pages_are_nested_well_and_load_nothing(pages, folder):
    for name, text in pages.items():
        page = Page(text)
        assert text.startswith('<!DOCTYPE html>\n<html lang="en">'), name
        assert 'name="viewport"' in text
        for address in page.loads:
            assert address.startswith(("#", "data:"))
        assert not re.search(r"@import|url\(\s*['\"]?(?!#)", text)
        for link in page.links:
            if link.startswith("#"):
                assert link[1:] in page.ids
            elif not link.startswith("https://"):
                assert (folder / link.partition("#")[0]).exists(), f"{name}: {link}"


def test_local_references_of_drawings_exist(saddle_page):
    ids = set(Page(saddle_page).ids)
    used = set(re.findall(r'(?<!a )href="#([^"]+)"', saddle_page)) | set(
        re.findall(r"url\(#([^)]+)\)", saddle_page)
    )
    assert used
    assert used <= ids


def test_an_experiments_page_says_what_was_asked(saddle_page):
    assert Page(saddle_page).tags.count("svg") == 4
    for words in (
        "What would refute it",
        "holds with a limit",
        "weight w₁",
        "updates until L",
        "minigrad lab saddle --seeds 2",
        "0.92 at s = 1.4",
        "minigrad/lab/p5/saddle.py:",
        'href="data/saddle.json"',
        escape(saddle.MEASURED["along"]),
        escape(saddle.PARAMETERS["perturbations"].meaning),
        *(escape(text) for text, _ in saddle.REFERENCES),
    ):
        assert words in saddle_page


def test_the_heart_of_the_code_is_the_real_source(saddle_page):
    listings = re.findall(r"<pre tabindex=\"0\"><code>(.*?)</code></pre>", saddle_page, re.DOTALL)
    plain = [unescape(re.sub(r"<[^>]*>", "", text)) for text in listings]
    assert plain[: len(saddle.HEART)] == [inspect.getsource(f).rstrip() for f in saddle.HEART]


def test_the_front_page_has_a_row_a_claim(pages):
    text = pages["index.html"]
    page = Page(text)
    for e in experiments():
        assert e.name in page.ids
        assert escape(e.TITLE) in text
        assert escape(e.CLAIM) in text
        if e.name != "saddle":
            assert f"<code>minigrad lab {e.name}</code>" in text  # not run
    assert page.tags.count("img") == 1
    assert "1 × holds with a limit" in text
    assert escape("λ = −2, 2 at the saddle") in text


def test_thumbnails_are_small_pictures(pages):
    import base64

    [address] = re.findall(r'src="data:image/png;base64,([^"]*)"', pages["index.html"])
    picture = base64.b64decode(address)
    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20], "big") == pytest.approx(400, abs=2)
    assert len(picture) < 30_000


def test_an_experiment_leads_to_its_surface(saddle_page):
    assert 'href="playground.html#saddle"' in saddle_page
    assert set(SURFACES.values()) <= {s.name for s in surfaces.SURFACES}


def test_pages_are_in_order(pages):
    names = [e.name for e in experiments()]
    for before, name, after in zip([None, *names], names, [*names[1:], None]):
        links = re.search(r'<nav class="neighbours".*?</nav>', pages[f"{name}.html"]).group()
        expected = [f"{other}.html" for other in (before, after) if other]
        assert re.findall(r'href="([^"]*)"', links) == expected


def test_report_is_redrawn_from_the_saved_data(folder, pages, monkeypatch):
    monkeypatch.setattr(saddle, "run", None)
    for name in pages:
        (folder / name).unlink()
    assert drawn(folder) == pages


def test_what_is_unchanged_is_not_drawn_again(folder, pages, monkeypatch):
    monkeypatch.setattr(saddle, "figures", None)
    assert drawn(folder) == pages


def test_changed_data_are_drawn_again(folder, pages, tmp_path):
    measurements = store.load(folder, "saddle")
    store.save(tmp_path, "saddle", measurements)
    assert drawn(tmp_path)["saddle.html"] == pages["saddle.html"]
    measurements["runs"][0]["along"]["loss"][150] = 1.75
    store.save(tmp_path, "saddle", measurements)
    assert "1.75 at s = 1.5" in drawn(tmp_path)["saddle.html"]


def test_chinese_pages_say_so(folder, tmp_path):
    store.save(tmp_path, "saddle", store.load(folder, "saddle"))
    pages = drawn(tmp_path, "zh")
    for text in pages.values():
        Page(text)
        assert '<html lang="zh-Hans">' in text
    assert "有条件地成立" in pages["saddle.html"]
    assert "有条件地成立" in pages["index.html"]


def test_another_experiment_leaves_the_first_in_the_report(folder, monkeypatch, tmp_path):
    store.save(tmp_path, "saddle", store.load(folder, "saddle"))
    monkeypatch.setattr("minigrad.lab.p9.batch_norm.run", lambda seed, settings: 1 / 0)
    outcomes, _, _ = runner.run(["batch_norm"], seeds=1, folder=tmp_path)
    assert outcomes[0].failed
    assert "ZeroDivisionError" in outcomes[0].verdict.reasons[0]
    pages = drawn(tmp_path)
    for text in pages.values():
        Page(text)
    assert "Traceback" in pages["batch_norm.html"]
    assert "ZeroDivisionError" in pages["batch_norm.html"]
    assert "holds with a limit</span>" in pages["index.html"]
    assert "holds with a limit</span>" in pages["saddle.html"]


def test_interrupt_leaves_a_report_of_what_finished(tmp_path, monkeypatch):
    original = saddle.run

    def interrupted_run(seed, settings):
        if seed == 1:
            raise KeyboardInterrupt
        return original(seed, settings)

    monkeypatch.setattr(saddle, "run", interrupted_run)
    outcomes, _, interrupted = runner.run(["saddle"], folder=tmp_path, seeds=3)
    assert interrupted
    assert [o.experiment.name for o in outcomes] == ["saddle"]
    assert "2 of 3 runs are missing" in outcomes[0].verdict.reasons[-1]
    assert "2 of 3 runs are missing" in drawn(tmp_path)["saddle.html"]
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
    pages = drawn(tmp_path)
    Page(pages["saddle.html"])
    assert "could not be drawn" in pages["saddle.html"]
    assert "The verdict failed" in pages["saddle.html"]


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
