"""Benchmarks: ours and the peers, interleaved in one process, medians, the ratio last.

    python -m benchmarks                          all, one thread
    python -m benchmarks gemm mlp -k float64      some modules, some rows
    python -m benchmarks list gemm                what there is
    python -m benchmarks --threads 2 --json now.json --chart docs

`harness.py` says how a row is measured, `roofline.py` what the machine could do at most; every
other file is a table. They run on the minigrad that is installed. The repository's root is first
on the path here; if the tree is not built, it is taken off, so that the installed package is
measured.
"""

import sys
from pathlib import Path

NAMES = (
    "scalar_chain overhead elementwise reductions gemm linear mlp cross_entropy batch_norm "
    "layer_norm conv embedding optimizers hessian doctor scaling memory import_time"
).split()
ROOT = Path(__file__).resolve().parent.parent

if not any((ROOT / "minigrad").glob("engine.*.so")):
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != ROOT]
    sys.path.append(str(ROOT))  # after the installed packages: for `benchmarks` itself
