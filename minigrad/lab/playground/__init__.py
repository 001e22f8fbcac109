"""The optimizer playground: trajectories computed by minigrad, in a page that plays them.

`surfaces` and `trajectories` make the numbers, `encoding` makes them short, `page` writes the page
and `playground.js` moves it.
"""

from minigrad.lab.playground.page import write

__all__ = ["write"]
