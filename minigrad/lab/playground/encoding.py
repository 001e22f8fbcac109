"""Trajectories and contours as short texts that a page can hold."""

import numpy as np

import minigrad as mg

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
LEVELS = len(DIGITS) ** 2  # two digits a number
MARGIN = 1.0  # widths of the view that a path is followed beyond its edges
SIDE = 800  # units of a contour drawing
FINE = 60  # updates that all have a frame; later ones are farther apart
FRAMES = 100
BURST = 1000  # times the loss of the start: diverged, if it does not come back


def frames(updates):
    """The updates that are kept.

    >>> frames(150)[[0, 60, 61, -1]]
    array([  0,  60,  62, 150])
    """
    late = np.linspace(FINE, updates, FRAMES - FINE + 1).round().astype(int)
    return np.concatenate([np.arange(FINE), late])


def digits(values, low, high):
    """Numbers between `low` and `high` as two characters each: what is beyond comes to the edge.

    >>> digits(np.array([0.0, 1.0, 0.5]), 0, 1)
    array(['AA', '__', 'f_'], dtype='<U2')
    """
    scaled = np.clip((np.asarray(values, float) - low) / (high - low), 0, 1)
    whole = np.floor(np.nan_to_num(scaled) * (LEVELS - 1)).astype(int)
    letters = np.array(list(DIGITS))
    return np.char.add(letters[whole // len(DIGITS)], letters[whole % len(DIGITS)])


def height(surface, loss):
    """The loss on the scale of its axis: its logarithm, where that is logarithmic."""
    loss = np.asarray(loss, float)
    return np.log10(np.maximum(loss, 1e-300)) if surface.logarithmic else loss


def extent(surface):
    """(low, high) of each coordinate that is kept: the parameters with a margin, the loss."""
    box = [
        (low - MARGIN * (high - low), high + MARGIN * (high - low)) for low, high in surface.view
    ]
    low, high = height(surface, surface.losses)
    return [*box, (low - (high - low) / 2, high + (high - low) / 2)]


def trajectory(surface, path, losses):
    """One run as [text, update of divergence, update of arrival, last loss]; None for never.

    Parameters
    ----------
    path : ndarray, (updates + 1, d)
    losses : ndarray, (updates + 1,)
    """
    calm = losses <= BURST * abs(losses[0])
    diverged = None if calm[-1] else int(np.flatnonzero(calm)[-1]) + 1
    arrived = np.flatnonzero(losses <= surface.goal)
    arrived = int(arrived[0]) if len(arrived) and diverged is None else None
    kept = frames(surface.updates)
    kept = kept if diverged is None else kept[: np.searchsorted(kept, diverged) + 1]
    columns = [*path[kept].T, height(surface, losses[kept])]
    texts = [digits(values, *ends) for values, ends in zip(columns, extent(surface))]
    rows = ["".join(row) for row in zip(*texts)]
    while diverged is None and len(rows) > 1 and rows[-1] == rows[-2]:
        rows.pop()  # at rest: the last frame stands for those that follow
    last = None if diverged is not None else float(f"{losses[-1]:.3g}") + 0.0  # no −0
    return ["".join(rows), diverged, arrived, last]


def field(surface, points=81):
    """(axis, axis, losses) on a grid over the view; one axis for one parameter."""
    axes = [np.linspace(*ends, points) for ends in surface.view]
    if len(axes) == 1:
        axes = [np.linspace(*surface.view[0], 161)]
    grid = np.stack(np.meshgrid(*axes), axis=-1)
    return *axes, surface.loss(mg.from_numpy(grid)).numpy()


def outline(points):
    """A line as an SVG path of whole steps."""
    whole = np.rint(points).astype(int)
    moves = np.diff(whole, axis=0)
    moves = moves[np.any(moves != 0, axis=1)]
    steps = "".join(f"l{x} {y}" for x, y in moves)
    return f"M{whole[0, 0]} {whole[0, 1]}{steps}"


def contours(surface, bands=12):
    """The surface from above: one SVG path a band of losses, lowest first, in a square of SIDE.

    The bands are of equal area, nearly, so that flat parts and steep ones both have some.
    """
    from contourpy import FillType, contour_generator

    x, y, losses = field(surface)
    heights = height(surface, np.maximum(losses, 1e-6) if surface.logarithmic else losses)
    even = np.linspace(heights.min(), heights.max(), bands + 1)
    edges = 0.15 * even + 0.85 * np.quantile(heights, np.linspace(0, 1, bands + 1))
    edges[[0, -1]] = heights.min() - 1e-9, heights.max() + 1e-9
    across = np.linspace(0, SIDE, len(x))
    generator = contour_generator(across, across[::-1], heights, fill_type=FillType.OuterOffset)
    paths = []
    for low, high in zip(edges, edges[1:]):
        rings = [
            outline(ring) + "z"
            for points, offsets in zip(*generator.filled(low, high))
            for ring in np.split(points, offsets[1:-1])
        ]
        paths.append("".join(rings))
    return paths


def curve(surface):
    """A surface of one parameter from the side: one SVG path in a square of SIDE."""
    x, losses = field(surface)
    low, high = surface.losses
    across = np.linspace(0, SIDE, len(x))
    return outline(np.stack([across, SIDE * (high - losses) / (high - low)], axis=1))
