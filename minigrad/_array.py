"""What the engine asks of an ndarray at every operation (compiled modules use `_array.pxd`)."""

import numpy as np


def ndim(a):
    return a.ndim


def same_shape(a, b):
    return a.shape == b.shape


def same_dtype(a, b):
    return a.dtype == b.dtype


def is_float(a):
    return a.dtype.kind == "f"


def is_array(a):
    return isinstance(a, np.ndarray)


def same_memory(a, b):
    return a.__array_interface__["data"][0] == b.__array_interface__["data"][0]
