"""The pages in a real browser: nothing fails, nothing is fetched, controls move the picture."""

import pytest
from chromium import PATH, Browser

from minigrad.lab import runner

pytestmark = pytest.mark.skipif(PATH is None, reason="chromium is not installed")

SIZES = ((390, 844), (1280, 900))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small report: two experiments and the playground."""
    path = tmp_path_factory.mktemp("report")
    runner.run(["saddle", "scale_invariance"], seeds=1, folder=path)
    return path


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(running):
    """The browser, which must have nothing to complain about in the end."""
    running.problems.clear()
    running.requests.clear()
    yield running
    assert running.problems == []
    assert [r for r in running.requests if not r.startswith(("file:", "data:"))] == []


def outside(browser):
    """What reaches beyond the window's right edge, and is not in something that scrolls."""
    return browser.ask(
        """[...document.body.querySelectorAll("*")].filter((e) =>
            e.getBoundingClientRect().right > innerWidth + 1
            && !e.closest(".scroll, pre, svg, .unseen")
        ).map((e) => e.outerHTML.slice(0, 80))"""
    )


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(
    "page", ["index", "saddle", "scale_invariance", "batch_norm", "playground"]
)
def test_pages_fit_the_screen(browser, folder, page, size):
    browser.resize(*size)
    browser.open(folder / f"{page}.html")
    browser.ask("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    assert browser.ask("document.documentElement.scrollWidth") <= size[0]
    assert outside(browser) == []
    assert browser.ask("document.querySelectorAll('h1').length") == 1


def test_every_link_and_control_has_a_name(browser, folder):
    for page in ("index", "saddle", "playground"):
        browser.open(folder / f"{page}.html")
        nameless = browser.ask(
            """[...document.querySelectorAll("a, button, input, select, svg[role=img]")].filter(
                (e) => !(e.textContent.trim() || e.getAttribute("aria-label")
                    || e.labels?.length || e.querySelector("img[alt]"))
            ).map((e) => e.outerHTML.slice(0, 80))"""
        )
        assert nameless == []


def test_thumbnails_are_seen_and_lead_to_the_pages(browser, folder):
    browser.resize(*SIZES[0])
    browser.open(folder / "index.html")
    pictures = browser.ask(
        "[...document.images].map((i) => [i.complete, i.naturalWidth, i.width, i.alt.length])"
    )
    assert len(pictures) == 2
    for complete, natural, shown, words in pictures:
        assert complete
        assert natural >= 2 * min(shown, 199)
        assert shown >= 80
        assert words > 20
    browser.ask("document.querySelector('#saddle th a').click()")
    browser.wait_for("document.title.startsWith('The saddle point')")


def test_figures_have_a_size(browser, folder):
    browser.open(folder / "saddle.html")
    heights = browser.ask(
        "[...document.querySelectorAll('figure svg')].map((e) => e.getBoundingClientRect().height)"
    )
    assert len(heights) == 4
    assert min(heights) > 150


DRAWN = "document.querySelector('#map path[data-method=gd]').getAttribute('d')"
RESULT = "document.getElementById('result-gd').textContent"


@pytest.fixture
def playground(browser, folder):
    """The playground at its last step, without motion."""
    still = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.call("Emulation.setEmulatedMedia", features=still)
    browser.resize(*SIZES[1])
    browser.open(folder / "playground.html")
    yield browser
    browser.call("Emulation.setEmulatedMedia", features=[])


def test_who_wants_no_motion_sees_the_end(playground):
    assert playground.ask("document.getElementById('at').textContent") == "update 150 of 150"
    assert playground.ask(RESULT) == "loss 1"
    assert playground.ask("document.getElementById('play').textContent") == "Play"
    assert "gradient descent: loss 1;" in playground.ask(
        "document.getElementById('status').textContent"
    )


def test_a_slider_changes_picture_and_number(playground):
    playground.ask("document.getElementById('start').value = 1")
    playground.ask("document.getElementById('start').dispatchEvent(new Event('change'))")
    before = playground.ask(DRAWN), playground.ask(RESULT)
    assert "below 0.01 at update 30" in before[1]
    playground.ask("document.getElementById('rate').focus()")
    playground.press("ArrowLeft", 37)
    assert playground.ask("document.getElementById('rate-value').textContent") == "0.03"
    after = playground.ask(DRAWN), playground.ask(RESULT)
    assert before[0] != after[0]
    assert before[1] != after[1]
    playground.press("ArrowLeft", 37)
    assert playground.ask(RESULT).startswith("loss 0.9")


def test_a_touch_switches_a_method_off_and_on(playground):
    playground.resize(*SIZES[0])
    shown = "document.querySelectorAll('#map path[data-method=gd]').length"
    assert playground.ask(shown) == 1
    playground.tap("label:has(#method-gd)")
    playground.wait_for(f"{shown} === 0")
    assert playground.ask(RESULT) == ""
    playground.tap("label:has(#method-gd)")
    playground.wait_for(f"{shown} === 1")


def test_each_surface_start_method_and_setting_can_be_shown(playground):
    wrong = playground.ask(
        """(() => {
            const $ = (id) => document.getElementById(id);
            const set = (id, value, kind) => {
                $(id).value = value; $(id).dispatchEvent(new Event(kind));
            };
            for (const box of document.querySelectorAll("#methods input")) {
                if (!box.checked) box.click();
            }
            const wrong = [];
            for (let surface = 0; surface < 6; surface++)
            for (let start = 0; start < 2; start++)
            for (let warm = 0; warm < 2; warm++)
            for (let momentum = 0; momentum < 4; momentum++)
            for (let rate = 0; rate < 6; rate++) {
                set("surface", surface, "change");
                set("start", start, "change");
                set("momentum", momentum, "input");
                set("rate", rate, "input");
                set("length", rate, "input");
                if ($("warm").checked !== Boolean(warm)) $("warm").click();
                for (const path of document.querySelectorAll("[data-method]")) {
                    const d = path.getAttribute("d");
                    if (!d || /NaN|Infinity|undefined/.test(d)) wrong.push([surface, rate, d]);
                }
                const text = $("status").textContent;
                if (/NaN|Infinity|undefined|[{}]/.test(text)) wrong.push(text);
            }
            return wrong;
        })()"""
    )
    assert wrong == []


def test_it_plays_pauses_and_ends(browser, folder):
    browser.resize(*SIZES[1])
    browser.open(folder / "playground.html")
    step = "Number(document.getElementById('step').value)"
    playing = "document.getElementById('play').textContent"
    assert browser.ask(playing) == "Pause"  # it plays by itself
    browser.wait_for(f"{step} > 2")
    browser.ask("document.getElementById('play').click()")
    at = browser.ask(step)
    assert browser.ask(playing) == "Play"
    assert 0 < at < 100
    browser.ask("document.getElementById('speed').value = 60")
    browser.ask("document.getElementById('speed').dispatchEvent(new Event('change'))")
    browser.ask("document.getElementById('play').click()")
    browser.wait_for(f"{step} === 100")
    browser.wait_for(f"{playing} === 'Play'")


def test_things_to_try_set_the_controls(playground):
    playground.ask("document.querySelectorAll('.try')[2].click()")
    assert playground.ask("document.getElementById('surface').selectedOptions[0].text").startswith(
        "The convex valley"
    )
    assert playground.ask("document.getElementById('result-radam').textContent") == (
        "diverged at update 1"
    )
    assert playground.ask("document.getElementById('result-radam').className") == "bad"


def test_an_address_can_name_the_surface(browser, folder):
    browser.open(folder / "index.html")
    browser.open(f"{folder}/playground.html#ce")
    assert browser.ask("document.getElementById('surface').value") == "5"
