"""What the uncompiled sources need of the `cython` module, so that pure mode needs NumPy alone."""

from typing import Any

compiled = False
int = bint = long = double = void = Py_ssize_t = Any


def _same(f):
    return f


cclass = ccall = cfunc = inline = final = _same


def trashcan(*args, **kwargs):
    return _same


freelist = exceptval = trashcan
fused_type = trashcan


def declare(type=None, value=None, **kwargs):
    return value


def cast(type, value, typecheck=False):
    return value
