"""What runs: build, kernels, CPU level, threads."""

import os

import numpy as np

from minigrad import _loader, kernels

__all__ = ["show_config", "get_config", "set_num_threads", "get_num_threads"]


def _cores():
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def get_num_threads():
    """How many threads the kernels may use; 1 in the uncompiled build.

    >>> import minigrad as mg
    >>> mg.get_num_threads() >= 1
    True
    """
    return kernels.threads.get_limit() if _loader.compiled else 1


def set_num_threads(n):
    """Let the kernels use up to `n` threads, the calling one included.

    Small operations always run on one. Results are the same to the last bit for every number of
    threads. At import the number is `MINIGRAD_NUM_THREADS`, else `OMP_NUM_THREADS`, else that of
    the cores this process may run on. A forked child starts with one thread.

    The threads are of this library: NumPy's linear algebra (`OPENBLAS_NUM_THREADS`) and other
    libraries keep their own.

    Parameters
    ----------
    n : int
        At least 1; more than 64 count as 64.

    Raises
    ------
    ValueError
        Where n is not a positive integer.

    Examples
    --------
    >>> import minigrad as mg
    >>> before = mg.get_num_threads()
    >>> mg.set_num_threads(1)
    >>> mg.get_num_threads()
    1
    >>> mg.set_num_threads(before)
    """
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise ValueError(f"set_num_threads: expected a positive integer, got {n!r}")
    if _loader.compiled:
        kernels.threads.set_limit(min(int(n), 64))


def _initial_threads():
    """The number that the environment asks for."""
    for name in ("MINIGRAD_NUM_THREADS", "OMP_NUM_THREADS"):
        asked = os.environ.get(name, "")
        if asked.isdecimal() and int(asked) > 0:
            return int(asked)
        if asked and name.startswith("MINIGRAD"):
            raise ImportError(f"{name}={asked!r}: expected a positive integer")
    return _cores()


set_num_threads(_initial_threads())


def get_config():
    """The facts of `show_config`, as a dict of strings.

    >>> import minigrad as mg
    >>> sorted(mg.get_config())
    ['cpu level', 'engine', 'kernels', 'minigrad', 'numpy', 'reason', 'threads']
    """
    from minigrad import __version__

    return {
        "minigrad": __version__,
        "engine": "compiled" if _loader.compiled else "pure Python",
        "reason": _loader.reason,
        "kernels": "Cython" if _loader.compiled else "NumPy (reference)",
        "cpu level": kernels.level,
        "threads": str(get_num_threads()),
        "numpy": np.__version__,
    }


def show_config():
    """Print which build runs: engine compiled or not, kernels, CPU level, threads.

    >>> import minigrad as mg
    >>> mg.show_config()  # doctest: +ELLIPSIS
    minigrad   ...
    """
    for name, value in get_config().items():
        print(f"{name:<10} {value}")
