"""The blocks behind large arrays: reused, bounded, and invisible."""

import gc

import numpy as np
import pytest

from minigrad import _loader, kernels

pytestmark = pytest.mark.skipif(
    not _loader.compiled, reason="only the compiled kernels keep blocks"
)
N = 1 << 17


def made(n=N, value=1.0):
    return kernels.add(np.full(n, value), 0.0)


def test_a_freed_block_serves_the_next_array_of_its_size():
    x = made()
    address = x.ctypes.data
    del x
    assert made().ctypes.data == address


def test_arrays_alive_never_share_a_block():
    arrays = [made(N + 100 * k, k) for k in range(40)]
    for k, x in enumerate(arrays):
        assert (x == k).all()


def test_an_array_owns_its_memory_and_may_be_resized():
    x = made()
    assert x.flags.owndata and x.base is None
    x.resize(2 * N, refcheck=False)
    assert (x[:N] == 1).all() and not x[N:].any()
    x.resize(10, refcheck=False)
    assert (x == 1).all()


def test_large_arrays_start_at_a_cache_line():
    assert all(made(N + k).ctypes.data % 64 == 0 for k in range(8))


def test_what_is_kept_is_bounded_by_what_was_used():
    gc.collect()
    for n in range(N, 40 * N, N):
        x = made(n)
        del x
    used, kept, most = kernels.memory.state()
    assert used + kept <= most + max(most // 8, 1 << 22)


def test_numpys_own_arrays_are_left_alone():
    before = kernels.memory.state()[0]
    x = np.empty(4 * N)
    assert kernels.memory.state()[0] == before
    assert x.nbytes
