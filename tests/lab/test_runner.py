"""What is done is not repeated, what was interrupted goes on, variants are kept apart."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import minigrad as mg
from minigrad import cli
from minigrad.lab import runner, select, store
from minigrad.lab.data import MissingData
from minigrad.lab.p5 import saddle


@pytest.fixture
def seen(monkeypatch):
    """The seeds that are really run, with a run that costs nothing."""
    seeds = []

    def run(seed, settings):
        seeds.append(seed)
        return {"value": seed}

    monkeypatch.setattr(saddle, "run", run)
    monkeypatch.setattr(saddle, "figures", lambda m: [])
    monkeypatch.setattr(saddle, "numbers", lambda m: [])
    verdict = runner.Verdict("holds", "key", [])
    monkeypatch.setattr(saddle, "verdict", lambda m: verdict)
    return seeds


def test_what_is_done_is_not_repeated(seen, tmp_path):
    runner.run(["saddle"], seeds=2, folder=tmp_path)
    runner.run(["saddle"], seeds=4, folder=tmp_path)
    runner.run(["saddle"], seeds=1, folder=tmp_path)
    assert seen == [0, 1, 2, 3]
    saved = store.load(tmp_path, "saddle")
    assert saved["seeds"] == [0, 1, 2, 3]
    assert [r["value"] for r in saved["runs"]] == [0, 1, 2, 3]
    assert saved["planned"] == 4
    assert len(saved["seconds"]) == 4


def test_fresh_repeats(seen, tmp_path):
    runner.run(["saddle"], seeds=2, folder=tmp_path)
    runner.run(["saddle"], seeds=1, folder=tmp_path, fresh=True)
    assert seen == [0, 1, 0]
    assert store.load(tmp_path, "saddle")["seeds"] == [0]


def test_other_settings_and_other_source_count_as_not_done(seen, tmp_path, monkeypatch):
    runner.run(["saddle"], seeds=1, folder=tmp_path)
    monkeypatch.setitem(saddle.PARAMETERS, "rate", saddle.Parameter(0.05, "learning rate"))
    runner.run(["saddle"], seeds=1, folder=tmp_path)
    assert seen == [0, 0]
    monkeypatch.setattr(runner, "source_of", lambda e: "edited")
    runner.run(["saddle"], seeds=1, folder=tmp_path)
    assert seen == [0, 0, 0]
    assert store.load(tmp_path, "saddle")["seeds"] == [0]


def test_a_long_run_survives_a_short_one(seen, tmp_path):
    runner.run(["saddle"], full=True, folder=tmp_path)
    full = len(seen)
    assert full > 5
    runner.run(["saddle"], folder=tmp_path)
    assert len(seen) == full + 5
    assert len(store.load(tmp_path, "saddle", "full")["seeds"]) == full
    assert store.load(tmp_path, "saddle")["seeds"] == [0, 1, 2, 3, 4]
    assert len(store.latest(tmp_path, "saddle", "full")["seeds"]) == full
    os.unlink(store.path_of(tmp_path, "saddle"))
    assert len(store.latest(tmp_path, "saddle")["seeds"]) == full
    assert store.latest(tmp_path, "taylor") is None


def test_a_failed_seed_is_tried_again(tmp_path, monkeypatch):
    calls = []

    def run(seed, settings):
        calls.append(seed)
        if len(calls) == 1:
            raise RuntimeError("out of luck")
        return {"value": seed}

    monkeypatch.setattr(saddle, "run", run)
    outcomes, _, _ = runner.run(["saddle"], seeds=2, folder=tmp_path)
    assert outcomes[0].failed
    assert "out of luck" in outcomes[0].verdict.reasons[0]
    runner.run(["saddle"], seeds=2, folder=tmp_path)
    assert calls == [0, 1, 0]
    saved = store.load(tmp_path, "saddle")
    assert saved["error"] is None
    assert saved["seeds"] == [0, 1]


def test_variants_have_names_of_their_own():
    assert store.variant(False, "/a/b.npz") != store.variant(False, "/c/b.npz")
    assert store.variant(False, "x y.npz").startswith("x-y-")
    assert store.path_of("out", "x", store.variant(True, "mnist")).name == "x.full.mnist.json"


def test_missing_data_is_said_before_anything_runs(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("MINIGRAD_DATA", raising=False)
    with pytest.raises(MissingData, match=r"MINIGRAD_DATA/mnist"):
        runner.run(["batch_norm"], folder=tmp_path / "out", dataset="mnist")
    code = cli.main(["lab", "batch_norm", "--data", "no/such", "--out", str(tmp_path / "out")])
    assert code == 2
    assert "no/such" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_timed_experiments_run_in_this_process(monkeypatch, tmp_path):
    monkeypatch.setattr(saddle, "TIMED", True, raising=False)
    monkeypatch.setattr(saddle, "run", lambda seed, settings: {"process": os.getpid()})
    runner.run(["saddle"], seeds=2, folder=tmp_path, jobs=2)
    assert [r["process"] for r in store.load(tmp_path, "saddle")["runs"]] == [os.getpid()] * 2
    assert select(["saddle"])[0].timed


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT to a process group")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_control_c_leaves_a_report_and_the_same_command_goes_on(tmp_path, jobs):
    command = [sys.executable, "-m", "minigrad", "lab", "saddle", "--seeds", "60", "--jobs", jobs]
    command += ["--out", str(tmp_path)]
    # the package that is tested, not an unbuilt source tree in the current folder
    environment = {**os.environ, "PYTHONPATH": str(Path(mg.__file__).parent.parent)}
    process = subprocess.Popen(
        command,
        start_new_session=True,
        # whoever started the tests in the background has SIGINT ignored, and children inherit it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not store.path_of(tmp_path, "saddle").exists():
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert "Interrupted" in error
    assert "Traceback" not in error
    assert "Report:" in out
    done = len(store.load(tmp_path, "saddle")["seeds"])
    assert 0 < done < 60
    assert (tmp_path / "index.html").exists()
    outcomes, _, _ = runner.run(["saddle"], seeds=done + 1, folder=tmp_path)
    assert len(store.load(tmp_path, "saddle")["seeds"]) >= done + 1
    assert not outcomes[0].failed
