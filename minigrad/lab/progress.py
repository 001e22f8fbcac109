"""Progress of a long run: an experiment says how far it is, the lab's bar shows it."""

_listener = None


def listen(function):
    """Call `function(fraction, doing)` on every report from now on; None for silence."""
    global _listener
    _listener = function


def report(fraction, doing=""):
    """Say that the present run is at `fraction` (0 … 1) and what it does; free when none listens.

    >>> report(0.5, "tuning")
    """
    if _listener is not None:
        _listener(fraction, doing)
