"""The benchmarks run; nothing here asserts a time."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

TROUBLE = """
import numpy as np
from benchmarks import harness, table

x = np.arange(4.0)

def absent():
    raise ImportError("not installed")

def broken():
    raise ValueError("no such luck")

build = lambda: {
    "minigrad": lambda: lambda: x + 1,
    "same": lambda: lambda: 1 + x,
    "other": lambda: lambda: x + 2,
    "absent": absent,
    "broken": broken,
}
result = harness.measure(harness.Row("a row", build, aims={"same": 1e9, "other": 0}), quick=True)
assert list(result.medians) == ["minigrad", "same", "other"]
assert [note.split()[0] for note in result.notes] == ["broken", "other"], result.notes
assert "no such luck" in result.notes[0] and "disagrees" in result.notes[1]
assert [name for name, *_ in result.missed()] == ["same"]
lost = harness.measure(harness.Row("a row", lambda: {"minigrad": broken}), quick=True)
assert not lost.medians and "no such luck" in lost.notes[0]
print(table.line(result, 10), table.line(lost, 10), *table.summary([result, lost]))
"""

FIT = """
from benchmarks.scaling import fit

a, b, r2, power = fit([1, 2, 4, 8], [0.5 + 3 * x for x in (1, 2, 4, 8)])
assert abs(a - 0.5) < 1e-9 and abs(b - 3) < 1e-9 and r2 > 1 - 1e-9
assert 0.9 < power < 1
"""


def run(*arguments):
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_list_names_every_module_and_its_rows():
    modules = run("-m", "benchmarks", "list")
    rows = run("-m", "benchmarks", "list", "--rows", "--quick")
    for name in ("gemm", "mlp", "cross_entropy", "memory", "scaling"):
        assert f"\n{name} " in modules
    assert "float32 n=64" in rows
    assert rows.count("\n") > modules.count("\n") + 50


def test_rows_are_named_once():
    listed = run("-m", "benchmarks", "list", "--rows").splitlines()
    module, seen = None, set()
    for line in listed:
        module = module if line.startswith(" ") else line.split()[0]
        assert (module, line) not in seen, line
        seen.add((module, line))


def test_a_broken_or_deviating_column_is_reported_and_the_others_kept():
    assert "a row" in run("-c", TROUBLE)


def test_fit_finds_a_line():
    run("-c", FIT)


def test_json_and_markdown_of_a_row(tmp_path):
    written = tmp_path / "run.json"
    options = ("scalar_chain", "-k", "chain", "--quick", "--json", str(written), "--markdown")
    out = run("-m", "benchmarks", *options)
    (row,) = json.loads(written.read_text(encoding="utf-8"))["modules"]["scalar_chain"]["rows"]
    assert row["name"] == "chain z*b + a, an operation"
    assert f"| {row['name']} |" in out
    again = run("-m", "benchmarks", "--load", str(written), "--markdown")
    assert again.strip() in out
