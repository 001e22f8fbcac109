"""The test table: one row an operation, from which `ops/test_table.py` makes all its checks.

A file here for a file or two of `minigrad/ops/`; each has its rows in `CASES`.
"""

from table import activation, layer, linalg, loss, norm, pointwise, reduce, shape

CASES = [
    case
    for family in (pointwise, reduce, shape, linalg, activation, loss, norm, layer)
    for case in family.CASES
]
