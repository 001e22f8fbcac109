"""What runs: build, kernels, CPU level, threads."""

import numpy as np

from minigrad import _loader, kernels

__all__ = ["show_config", "get_config"]


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
        "threads": "1",
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
