"""What `import` costs, in fresh processes in turn; the start of Python is not counted."""

import os
import subprocess
import sys
from functools import partial

from benchmarks.harness import OURS, Row
from benchmarks.table import amount

TITLE = "import, in a fresh process"
COLUMNS = {"minigrad": "minigrad", "NumPy": "numpy", "PyTorch": "torch", "JAX-jit": "jax"}
COLUMNS |= {"MyGrad": "mygrad", "autograd": "autograd.numpy"}
CODE = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
AIM = 0.040  # seconds above NumPy's


def measured(rounds):
    """{column: [seconds]}; a first round, not counted, fills the file cache."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(p or "." for p in sys.path))
    found = {}
    for turn in range(rounds + 1):
        for column, library in COLUMNS.items():
            done = subprocess.run(
                [sys.executable, "-c", CODE.format(library)],
                env=environment,
                capture_output=True,
                text=True,
            )
            if done.returncode == 0 and turn:
                found.setdefault(column, []).append(float(done.stdout))
    return found


def rows(quick):
    yield Row("import", dict, measured=partial(measured, 3 if quick else 9), headline=True)


def summary(results):
    """Ours above NumPy's, which it contains."""
    for result in results:
        if {OURS, "NumPy"} <= set(result.medians):
            more = result.medians[OURS] - result.medians["NumPy"]
            yield f"minigrad takes {amount(more)} more than NumPy (aim: {amount(AIM)})"
