"""Matrix products."""

import numpy as np

import minigrad as mg
from table.case import Case, anywhere, fixed, lengths, matrices

F = mg.nn.functional

# fmt: off
CASES = [
    Case("matmul", mg.matmul, np.matmul, anywhere, anywhere, shapes=matrices()),
    Case("mm", mg.mm, np.matmul, anywhere, anywhere, shapes=fixed((2, 3), (3, 4))),
    Case("bmm", mg.bmm, np.matmul, anywhere, anywhere, shapes=fixed((2, 2, 3), (2, 3, 1))),
    Case("mv", mg.mv, np.matmul, anywhere, anywhere, shapes=fixed((2, 3), (3,))),
    Case("dot", mg.dot, np.dot, anywhere, anywhere, shapes=fixed((3,), (3,))),
    Case("inner", mg.inner, np.inner, anywhere, anywhere, shapes=fixed((2, 3), (4, 3))),
    Case("outer", mg.outer, np.outer, anywhere, anywhere, shapes=fixed((2,), (3,))),
    Case("transposed matmul", lambda x, y: x.T @ y.mT, lambda x, y: x.T @ y.T, anywhere, anywhere, shapes=fixed((3, 2), (4, 3))),
    Case("linear", F.linear, lambda x, w, b: x @ w.T + b, anywhere, anywhere, anywhere, shapes=lengths().map(lambda n: ((n, 3), (2, 3), (2,)))),
    Case("linear batch", F.linear, lambda x, w: x @ w.T, anywhere, anywhere, shapes=lengths().map(lambda n: ((n, 2, 3), (2, 3)))),
    Case("linear vector", F.linear, lambda x, w, b: w @ x + b, anywhere, anywhere, anywhere, shapes=fixed((3,), (2, 3), (2,))),
]
# fmt: on
