"""Spread over seeds: mean, standard deviation, confidence intervals."""

import math

import numpy as np


def mean_sd(values):
    """Mean and standard deviation (n − 1 in the denominator; NaN for a single value).

    >>> mean_sd([1.0, 3.0])
    (2.0, 1.4142135623730951)
    """
    values = np.asarray(values, float)
    if len(values) < 2:
        return float(values.mean()), math.nan
    if (values == values[0]).all():  # where rounding the mean would leave a spread of 1e-16
        return float(values[0]), 0.0
    return float(values.mean()), float(values.std(ddof=1))


def interval(values, level=0.95):
    """Student's t interval of the mean, (low, high); unbounded for a single value.

    >>> low, high = interval([1.0, 2.0, 3.0])
    >>> round(low, 2), round(high, 2)
    (-0.48, 4.48)
    """
    from scipy.stats import t

    mean, sd = mean_sd(values)
    n = len(values)
    if n < 2:
        return -math.inf, math.inf
    half = float(t.ppf(0.5 + level / 2, n - 1)) * sd / math.sqrt(n)
    return mean - half, mean + half


def ratio(numerators, denominators, level=0.95):
    """Geometric mean of paired ratios and its t interval on the log scale: (ratio, low, high).

    >>> [round(r, 2) for r in ratio([1.0, 2.0], [2.0, 4.0])]
    [0.5, 0.5, 0.5]
    """
    logs = np.log(np.asarray(numerators, float)) - np.log(np.asarray(denominators, float))
    low, high = interval(logs, level)
    return float(np.exp(logs.mean())), math.exp(low), math.exp(min(high, 700.0))
