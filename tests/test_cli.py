"""The command: what it prints, and its exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad as mg
from minigrad import cli
from minigrad.lab import extras


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"minigrad {mg.__version__}\n"


def test_info(capsys):
    assert cli.main(["info"]) == 0
    out = capsys.readouterr().out
    assert "engine" in out
    assert "cpu level" in out


def test_no_command_prints_help(capsys):
    assert cli.main([]) == 0
    assert "usage: minigrad" in capsys.readouterr().out


def test_list(capsys):
    assert cli.main(["lab", "list"]) == 0
    out = capsys.readouterr().out
    for words in ("P5  Local minima", "saddle", "P9  Batch", "batch_norm"):
        assert words in out


def test_unknown_name_lists_the_known(capsys, tmp_path):
    assert cli.main(["lab", "sadle", "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    for words in ("'sadle'", "saddle", "batch_norm", "P5", "P9"):
        assert words in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [["lab", "--seeds", "0"], ["lab", "--jobs", "x"], ["nap"]])
def test_wrong_arguments(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2


def test_lab_prints_the_verdict_and_the_report(capsys, tmp_path):
    assert cli.main(["lab", "SADDLE", "--seeds", "1", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "holds with a limit" in out
    assert f"Report: {tmp_path / 'index.html'}" in out
    assert (tmp_path / "index.html").exists()
    assert (tmp_path / "data" / "saddle.json").exists()
    assert cli.main(["lab", "saddle", "--redraw", "--out", str(tmp_path)]) == 0
    assert "holds with a limit" in capsys.readouterr().out


def test_a_failed_experiment_is_an_error(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("minigrad.lab.p5.saddle.run", lambda seed, settings: 1 / 0)
    assert cli.main(["lab", "saddle", "--jobs", "1", "--out", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert "undecided" in captured.out
    assert "ZeroDivisionError" in captured.err


def test_interrupt_is_130(capsys, tmp_path, monkeypatch):
    def interrupt(seed, settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("minigrad.lab.p5.saddle.run", interrupt)
    assert cli.main(["lab", "saddle", "--jobs", "1", "--out", str(tmp_path)]) == 130
    assert "Report:" in capsys.readouterr().out


def test_missing_extra_says_what_to_install(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "rich" else True)
    assert cli.main(["lab", "--out", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "needs rich" in error
    assert "pip install 'minigrad-cython[lab]'" in error
    assert "Traceback" not in error


def test_folder_that_cannot_be_written(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    assert cli.main(["lab", "saddle", "--out", str(tmp_path / "file" / "out")]) == 1
    assert "file" in capsys.readouterr().err


def test_python_m_minigrad():
    root = str(Path(mg.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-m", "minigrad", "lab", "nothing"],
        env={**os.environ, "PYTHONPATH": root, "PYTHONIOENCODING": "ascii"},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "'nothing'" in done.stderr
    assert "Traceback" not in done.stderr


def test_numpy_alone_lists_the_experiments():
    # the list needs no plots, no data, no progress bar
    code = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {extras.NEEDED!r}:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "from minigrad.cli import main\n"
        "assert main(['info']) == 0\n"
        "sys.exit(main(['lab', 'list']))\n"
    )
    root = str(Path(mg.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": root},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "saddle" in done.stdout
