"""The playground's numbers: what the page says of them holds, and they survive their spelling."""

import json
import re

import numpy as np
import pytest
from html_page import Page

import minigrad as mg
from minigrad.lab.playground import encoding, page, surfaces, trajectories, write
from minigrad.lab.playground.tries import TRIES

BY_NAME = {s.name: s for s in surfaces.SURFACES}


@pytest.fixture(scope="module")
def computed():
    return {s["name"]: s for s in page.computed()}


def end(computed, one, method, **changes):
    """[text, divergence, arrival, last loss] of a method under the settings of a `Try`."""
    one = one._replace(**changes)
    [kind] = [m for m in trajectories.METHODS if m.name == method]
    runs = computed[one.surface]["runs"][page.key(kind, one.momentum)]
    return runs[one.warm_up][one.length if kind.adaptive else one.rate][one.start]


def tried(surface, start=0, rate=None):
    """The settings of that surface that the page proposes."""
    [one] = [
        t for t in TRIES if t.surface == surface and t.start == start and rate in (None, t.rate)
    ]
    return one


@pytest.mark.parametrize("surface", surfaces.SURFACES, ids=lambda s: s.name)
def test_a_run_in_the_crowd_is_the_run_alone(surface):
    chosen = trajectories.settings(surface)
    paths, losses = trajectories.descend(surface, chosen)
    for i, setting in list(enumerate(chosen))[::13]:
        w = mg.tensor([surface.starts[0].at], dtype=mg.float64, requires_grad=True)
        optimizer = setting.method.optimizer([w], **setting.options)
        factor = trajectories.schedule(setting, surface.updates)
        for t in range(6):
            np.testing.assert_allclose(w.detach().numpy()[0], paths[t, i, 0], rtol=1e-9)
            optimizer.param_groups[0]["lr"] = setting.rate * factor(t)
            loss = surface.loss(w)
            np.testing.assert_allclose(loss.item(), losses[t, i, 0], rtol=1e-9)
            optimizer.zero_grad()
            loss.sum().backward()
            optimizer.step()


def test_marked_points_are_critical():
    for surface in surfaces.SURFACES:
        for mark in surface.marks:
            w = mg.tensor(list(mark.at), dtype=mg.float64)
            gradient = mg.func.grad(surface.loss)(w).numpy()
            scale = 2e3 if surface.name == "valley" else 0.02  # the marks are rounded
            assert np.linalg.norm(gradient) < scale, (surface.name, mark)


def test_surfaces_have_the_checked_numbers():
    at = mg.tensor([-10.0, 10.0], dtype=mg.float64)
    for loss, value, norm in (
        (surfaces.cross_entropy, 20, 1.414),
        (surfaces.squared_error, 2.0, 1.17e-8),
    ):
        assert loss(at).item() == pytest.approx(value, abs=1e-6)
        assert np.linalg.norm(mg.func.grad(loss)(at).numpy()) == pytest.approx(norm, rel=5e-3)
    hessian = mg.func.hessian(surfaces.valley)(mg.tensor([-188.43, 2.669], dtype=mg.float64))
    low, high = np.linalg.eigvalsh(hessian.numpy())
    assert low == pytest.approx(5.57, rel=1e-3)
    assert high == pytest.approx(1.747e6, rel=1e-3)
    x, y = np.array(surfaces.X.tolist()), np.array(surfaces.Y.tolist())
    [least] = np.linalg.lstsq(np.stack([np.ones(10), x], axis=1), y, rcond=None)[1]
    assert 0 < least - surfaces.LEAST < 0.1


def test_saddle_holds_who_comes_along_the_line(computed):
    one = tried("saddle")
    for method in one.methods:
        assert end(computed, one, method)[3] == pytest.approx(1, abs=1e-3)
    beside = tried("saddle", start=1)
    for method in beside.methods:
        assert end(computed, beside, method)[2] is not None
    for method in ("adagrad", "rmsprop", "adam"):
        assert end(computed, beside, method, start=0)[3] == pytest.approx(1, abs=1e-2)


def test_valley_lets_gradient_descent_stand(computed):
    one = tried("valley")
    for rate in range(5):
        _, diverged, arrived, last = end(computed, one, "gd", rate=rate)
        assert (diverged, arrived) == (None, None)
        assert last > 1e4
    assert end(computed, one, "gd", rate=5)[1] is not None
    assert BY_NAME["valley"].rates[4] < 1.145e-6 < BY_NAME["valley"].rates[5]
    assert end(computed, one, "adam")[2] is not None
    assert end(computed, one, "radam")[1] == 1


def test_crescent_makes_adagrad_crawl(computed):
    one = tried("crescent", rate=2)
    adagrad, rmsprop, adam = (end(computed, one, method)[3] for method in one.methods)
    assert adagrad > 5 * rmsprop > 5 * adam


def test_hill_needs_momentum(computed):
    one = tried("hills")
    assert end(computed, one, "momentum")[3] < BY_NAME["hills"].goal
    for method, momentum in (("gd", 0.9), ("momentum", 0.5)):
        last = end(computed, one, method, momentum=momentum)[3]
        assert last == pytest.approx(-1.32, abs=0.05)


def test_squared_error_is_flat_where_the_network_is_wrong(computed):
    one = tried("mse")
    for rate in range(6):
        assert end(computed, one, "gd", rate=rate)[3] == pytest.approx(2, abs=1e-3)
    assert end(computed, one, "adam")[2] is not None
    cross = tried("ce")
    for method in (m.name for m in trajectories.METHODS):
        _, diverged, arrived, last = end(computed, cross, method)
        assert diverged is None
        assert last < 0.05, method


def test_warm_up_saves_momentum(computed):
    one = tried("crescent", rate=5)
    assert end(computed, one, "momentum")[1] is not None
    assert end(computed, one, "momentum", warm_up=True)[2] is not None


def decoded(text, ends):
    """Two characters a number, back."""
    digits = [encoding.DIGITS.index(c) for c in text]
    numbers = np.array([64 * a + b for a, b in zip(digits[::2], digits[1::2])], float)
    rows = numbers.reshape(-1, len(ends)) / (encoding.LEVELS - 1)
    low, high = np.array(ends).T
    return low + rows * (high - low)


def test_spelling_keeps_a_path_to_a_thousandth():
    surface = BY_NAME["crescent"]
    chosen = trajectories.settings(surface)[:1]
    paths, losses = trajectories.descend(surface, chosen)
    text, diverged, _, last = encoding.trajectory(surface, paths[:, 0, 0], losses[:, 0, 0])
    kept = encoding.frames(surface.updates)
    rows = decoded(text, encoding.extent(surface))
    expected = np.column_stack([paths[kept, 0, 0], np.log10(losses[kept, 0, 0])])
    wide = np.ptp(encoding.extent(surface), axis=1)
    assert np.all(abs(rows - expected[: len(rows)]) <= wide / (encoding.LEVELS - 1))
    assert diverged is None
    assert last == pytest.approx(losses[-1, 0, 0], rel=5e-3)


def test_divergence_is_where_the_loss_goes_for_good():
    surface = BY_NAME["saddle"]
    path = np.zeros((surface.updates + 1, 2))
    losses = np.full(surface.updates + 1, 2.0)
    losses[5] = 1e9  # comes back
    assert encoding.trajectory(surface, path, losses)[1] is None
    losses[9:] = np.inf
    losses[12:] = np.nan
    text, diverged, arrived, last = encoding.trajectory(surface, path, losses)
    assert (diverged, arrived, last) == (9, None, None)
    assert len(text) == 6 * 10  # no frame after it


def test_contours_cover_the_square(computed):
    for name, data in computed.items():
        numbers = re.findall(r"M(\d+) (\d+)", "".join(data["ground"]))
        assert np.array(numbers, int).max() <= encoding.SIDE, name
        assert len(data["ground"]) == (1 if name == "hills" else 12)


def test_page_is_whole_small_and_loads_nothing(tmp_path, computed):
    path = write(tmp_path)
    text = path.read_text(encoding="utf-8")
    assert path.stat().st_size < 1_500_000
    assert not re.search(r"@[a-z_]+@", text)
    Page(re.sub(r"(<script[^>]*>).*?(</script>)", r"\1\2", text, flags=re.DOTALL))
    assert "https://" not in text
    [data] = re.findall(r'id="data">(.*?)</script>', text, re.DOTALL)
    shown = json.loads(data)
    assert [s["name"] for s in shown["surfaces"]] == list(BY_NAME)
    assert shown["words"]["diverged"] == "diverged at update {n}"
    assert shown["momenta"] == [0, 0.5, 0.9, 0.99]


def test_numbers_are_kept_between_processes(tmp_path, computed, monkeypatch):
    write(tmp_path)
    first = (tmp_path / "playground.html").read_text(encoding="utf-8")
    monkeypatch.setattr(page, "computed", None)
    write(tmp_path)
    assert (tmp_path / "playground.html").read_text(encoding="utf-8") == first
    (tmp_path / "data" / "playground.json").write_text('{"source": "another"}')
    monkeypatch.setattr(page, "computed", lambda: list(computed.values()))
    write(tmp_path)
    assert (
        json.loads((tmp_path / "data" / "playground.json").read_text())["source"] == page.source()
    )
