"""A line search for the strong Wolfe conditions, with cubic interpolation.

Along p + t d, with φ(t) the loss there and φ' its slope, t is good enough when

    φ(t) ≤ φ(0) + c₁ t φ'(0)        the loss falls by a share of what the slope promised
    |φ'(t)| ≤ c₂ |φ'(0)|            and the slope is mostly gone

First t grows until an interval must contain such a point, then the interval shrinks onto it:
Nocedal, Wright (2006), "Numerical optimization", algorithms 3.5 and 3.6. Bounds on the growth and
the retreat from the ends of the interval are those of PyTorch, so that the points are the same.
"""

from collections import namedtuple

import numpy as np

# A trial: the step, φ, φ', and the gradient (n,) there.
Point = namedtuple("Point", "t f slope grad")


def cubic_minimum(a, b, low=None, high=None):
    """Where the cubic through two points and their slopes is least, within [low, high].

    >>> from minigrad.optim.line_search import Point, cubic_minimum
    >>> round(cubic_minimum(Point(0, 1.0, -2.0, None), Point(3, 4.0, 4.0, None)), 12)  # (t - 1)²
    1.0
    """
    left, right = (a, b) if a.t <= b.t else (b, a)
    low, high = (left.t, right.t) if low is None else (low, high)
    with np.errstate(all="ignore"):
        span = np.float64(right.t - left.t)
        d1 = left.slope + right.slope + 3 * (left.f - right.f) / span
        square = d1**2 - left.slope * right.slope
        if not square >= 0:
            return float((low + high) / 2)
        d2 = np.sqrt(square)
        best = right.t - span * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2))
    return float(min(max(best, low), high))


def strong_wolfe(phi, start, t, scale, tolerance, most, c1=1e-4, c2=0.9):
    """A point that satisfies both conditions, or the best one found.

    Parameters
    ----------
    phi : callable
        t -> Point.
    start : Point
        At t = 0, with a negative slope.
    t : float
        The first trial.
    scale : float
        The largest element of the direction: an interval shorter than `tolerance` / `scale` is
        not searched.
    most : int
        How many trials after the first.
    c1, c2 : float
        Of the conditions.

    Returns
    -------
    Point, int
        And the number of evaluations.

    Examples
    --------
    >>> from minigrad.optim.line_search import Point, strong_wolfe
    >>> def phi(t):
    ...     return Point(t, (t - 3) ** 2, 2 * (t - 3), None)
    >>> point, evaluations = strong_wolfe(phi, phi(0.0), 1.0, 1.0, 1e-9, 20)
    >>> abs(point.slope) <= 0.9 * 6, evaluations
    (True, 1)
    """

    def high_up(x):
        return x.f > start.f + c1 * x.t * start.slope

    def flat(x):
        return abs(x.slope) <= -c2 * start.slope

    # Grow t until [last, point] must contain a good point.
    last, point, trials = start, phi(t), 0
    while trials < most:
        if high_up(point) or (trials > 1 and point.f >= last.f):
            ends = [last, point]
            break
        if flat(point):
            return point, trials + 1
        if point.slope >= 0:
            ends = [last, point]
            break
        growth = point.t - last.t
        t = cubic_minimum(last, point, point.t + 0.01 * growth, 10 * point.t)
        last, point = point, phi(t)
        trials += 1
    else:
        ends = [start, point]

    # Shrink it: `low` is the index of the end with the smaller loss.
    low, stuck = int(ends[0].f > ends[1].f), False
    while trials < most and abs(ends[1].t - ends[0].t) * scale >= tolerance:
        t = cubic_minimum(*ends)
        first, final = sorted(x.t for x in ends)
        margin = 0.1 * (final - first)
        near = min(final - t, t - first) < margin
        if near and (stuck or t >= final or t <= first):
            t = final - margin if abs(t - final) < abs(t - first) else first + margin
            near = False
        stuck = near
        point = phi(t)
        trials += 1
        if high_up(point) or point.f >= ends[low].f:
            ends[1 - low] = point
            low = int(ends[0].f > ends[1].f)
            continue
        if flat(point):
            return point, trials + 1
        if point.slope * (ends[1 - low].t - ends[low].t) >= 0:
            ends[1 - low] = ends[low]
        ends[low] = point
    return ends[low], trials + 1
