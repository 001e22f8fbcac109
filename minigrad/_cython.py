"""What the uncompiled sources need of the `cython` module, so that pure mode needs NumPy alone."""

from typing import Any

compiled = False
int = bint = long = longlong = double = Py_ssize_t = Any


def _same(f):
    return f


cclass = ccall = cfunc = inline = final = _same


def trashcan(on):
    return _same


freelist = exceptval = no_gc = trashcan


def declare(type=None, value=None, **kwargs):
    return value


def cast(type, value, typecheck=False):
    return value
