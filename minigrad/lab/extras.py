"""The libraries of the extra `lab`: asked for before a run, to say at once what is missing."""

from importlib.util import find_spec

NEEDED = ("joblib", "matplotlib", "rich", "scipy", "sklearn")


def require(names=NEEDED):
    """Raise an ImportError that says what to install, unless all of `names` can be imported.

    >>> require(["no_such_library"])
    Traceback (most recent call last):
        ...
    ImportError: minigrad's lab needs no_such_library, not installed here. Install: \
pip install 'minigrad-cython[lab]'
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ImportError(
            f"minigrad's lab needs {', '.join(missing)}, not installed here. "
            "Install: pip install 'minigrad-cython[lab]'"
        )
