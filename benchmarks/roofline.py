"""What this machine could do at most, measured in the same minute as the rows.

`limit(kind, dtype, bytes)` makes a function that measures once, for about a millisecond, and
returns a rate: FLOP/s for "fma", bytes/s for "triad" (two streams read, one written), "update"
(the same, in place), "copy" (one and one) and "read", at a working set of `bytes`. A row's limit
is sampled between its columns, so that a slow minute of a shared machine slows both. The loops
are C, in `roofline.c`, compiled with the system's compiler into a temporary folder; without one
the shares are printed as "?".
"""

import atexit
import ctypes
import functools
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks import peers

SOURCE = Path(__file__).with_name("roofline.c")
# kind: streams, of how many arrays
STREAMS = {"triad": (3, 3), "update": (3, 2), "copy": (2, 2), "read": (1, 1)}
BLOCK = 1024  # elements: the loops need no remainder
SECONDS = 1e-3  # of a sample


@functools.cache
def library(dtype):
    """The compiled loops for a dtype, or None."""
    compiler = os.environ.get("CC") or shutil.which("gcc") or shutil.which("cc")
    if not compiler:
        return None
    folder = tempfile.mkdtemp(prefix="roofline-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    real = {"float32": "float", "float64": "double"}[dtype]
    target = Path(folder) / f"{real}.so"
    command = [
        *compiler.split(),
        "-O3",
        "-shared",
        "-fPIC",
        "-ffp-contract=fast",
        f"-DREAL={real}",
    ]
    for machine in (["-march=native", "-mprefer-vector-width=512"], ["-march=native"], []):
        try:
            subprocess.run(
                [*command, *machine, str(SOURCE), "-o", str(target)],
                check=True,
                capture_output=True,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        found = ctypes.CDLL(str(target))
        for name in ("fma_peak", *STREAMS):
            getattr(found, name).restype = ctypes.c_double
        return found
    return None


def _aligned(count, dtype, place=0):
    """A touched array that starts 1344 `place` bytes after a page starts.

    Two arrays at one offset in their pages would make each load wait for the other's store.
    """
    size = np.dtype(dtype).itemsize
    memory = np.ones(count + 8192 // size, dtype)
    skip = (-memory.ctypes.data % 4096 + 1344 * place) // size
    return memory[skip : skip + count]


def _fma(dtype):
    """One thread's sampler: `count` rounds, FLOP/s."""
    loops = library(dtype)
    sink, flops = _aligned(64, dtype), ctypes.c_double()

    def sample(count):
        seconds = loops.fma_peak(
            ctypes.c_long(count), ctypes.c_void_p(sink.ctypes.data), ctypes.byref(flops)
        )
        return seconds, flops.value

    return sample


def _stream(kind, dtype, working_set):
    """One thread's sampler: `count` passes over a working set, bytes/s."""
    loop = getattr(library(dtype), kind)
    size = np.dtype(dtype).itemsize
    streams, count = STREAMS[kind]
    n = max(BLOCK, working_set // (size * count) // BLOCK * BLOCK)
    counts = (64 if kind == "read" else n, n, n if kind == "triad" else 64)
    arrays = [_aligned(length, dtype, place) for place, length in enumerate(counts)]
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in arrays]

    def sample(passes):
        seconds = loop(*pointers, ctypes.c_long(n), ctypes.c_long(passes))
        return seconds, streams * n * size * passes

    sample.arrays = arrays  # alive as long as their addresses are used
    return sample


@functools.lru_cache(maxsize=4)
def limit(kind, dtype, working_set=0):
    """A function that measures this limit once and returns work per second; None without C.

    With several threads each has its own share of the working set, and the rates add up.
    """
    if library(dtype) is None:
        return None
    threads = peers.THREADS
    if kind == "fma":
        samplers = [_fma(dtype) for _ in range(threads)]
    else:
        samplers = [_stream(kind, dtype, working_set // threads) for _ in range(threads)]
    samplers[0](1)
    seconds = min(samplers[0](8)[0] for _ in range(3)) / 8
    count = max(1, int(SECONDS / max(seconds, 1e-9)))
    if threads == 1:

        def alone():
            taken, work = samplers[0](count)
            return work / taken

        return alone
    pool = ThreadPoolExecutor(threads)

    def together():
        done = pool.map(lambda s: s(count), samplers)
        return sum(work / taken for taken, work in done)

    return together
