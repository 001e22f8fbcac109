"""Every step of the ladder is a matrix product: compiled here, held against NumPy."""

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
if not (ROOT / "benchmarks" / "ladder").exists():
    pytest.skip("the benchmarks are not here", allow_module_level=True)
sys.path.append(str(ROOT))  # conftest.py may have taken it off

from benchmarks.ladder import STEPS  # noqa: E402
from benchmarks.ladder.build import CannotBuild, load  # noqa: E402
from benchmarks.ladder.measure import check  # noqa: E402

SHAPES = [  # (m, k, n): smaller than a tile, odd, longer than a block of each axis
    (1, 1, 1),
    (3, 0, 5),
    (0, 4, 2),
    (8, 16, 32),
    (61, 67, 71),
    (97, 3, 1),
    (5, 300, 17),
    (201, 259, 33),
    (9, 21, 523),
]


@pytest.fixture(scope="module")
def steps():
    try:
        return load()
    except CannotBuild as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("name", STEPS)
def test_step_is_the_matrix_product(steps, name):
    for shape in SHAPES:
        check(steps[name].matmul, *shape)


def test_threads_change_no_bit(steps):
    import minigrad as mg

    a, b = np.random.default_rng(0).standard_normal((2, 300, 300)).astype(np.float32)
    results = []
    before = mg.get_num_threads()
    try:
        for threads in (1, 2, 3):
            mg.set_num_threads(threads)
            results.append(np.empty((300, 300), np.float32))
            steps["step7_threads"].matmul(a, b, results[-1])
    finally:
        mg.set_num_threads(before)
    assert all((result == results[0]).all() for result in results)


def test_refuses_what_it_cannot_read(steps):
    a = np.ones((4, 4), np.float32)
    for name in STEPS:
        with pytest.raises(TypeError, match="float32"):
            steps[name].matmul(a.astype(float), a, a.copy())
        with pytest.raises(TypeError, match="C order"):
            steps[name].matmul(a[:, :2], a[:2], a.copy())
        with pytest.raises(ValueError, match=r"\(4, 4\) @ \(3, 4\)"):
            steps[name].matmul(a, a[:3], a.copy())


def test_peak_grows_with_chains(steps):
    """More independent sums under way: never slower, beyond noise."""
    from benchmarks.ladder.measure import peak

    assert peak(steps["peak"], 8) > 1.5 * peak(steps["peak"], 1)
