"""Real data sets, as NumPy arrays ready for `minigrad.from_numpy`."""

from typing import NamedTuple

import numpy as np


class Split(NamedTuple):
    """Training, validation and test part of a data set; each is (x, y)."""

    train: tuple
    validation: tuple
    test: tuple


def digits(seed, validation=0.15, test=0.2):
    """scikit-learn's handwritten digits (1797 images of 8×8 pixels), split by class.

    Parameters
    ----------
    seed : int
        Of the split. Each part has the classes in the proportions of the whole.
    validation, test : float
        Fractions of the whole.

    Returns
    -------
    Split
        x float32 (N, 64) in [0, 1], y int64 (N,).

    Examples
    --------
    >>> [len(y) for x, y in digits(0)]
    [1167, 270, 360]
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    x, y = (x / 16).astype(np.float32), y.astype(np.int64)  # pixels count 0 … 16
    rest_x, test_x, rest_y, test_y = train_test_split(
        x, y, test_size=test, stratify=y, random_state=seed
    )
    train_x, val_x, train_y, val_y = train_test_split(
        rest_x,
        rest_y,
        test_size=round(validation * len(y)),
        stratify=rest_y,
        random_state=seed,
    )
    return Split((train_x, train_y), (val_x, val_y), (test_x, test_y))
