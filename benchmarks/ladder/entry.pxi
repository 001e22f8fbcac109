# The door from Python to a step, the same for all. It checks the arrays, so that the steps can be
# bare loops over pointers: C (m, n) := A (m, k) @ B (k, n), row after row in memory.

cimport numpy as cnp

cnp.import_array()


cdef inline bint plain(cnp.ndarray x) noexcept:
    """Whether x is a float32 matrix in C order."""
    return (
        cnp.PyArray_NDIM(x) == 2
        and cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32
        and cnp.PyArray_ISCARRAY_RO(x)
    )


def matmul(cnp.ndarray a not None, cnp.ndarray b not None, cnp.ndarray c not None):
    """C := A @ B"""
    if not (plain(a) and plain(b) and plain(c) and cnp.PyArray_ISWRITEABLE(c)):
        raise TypeError("the ladder multiplies float32 matrices in C order")
    cdef Py_ssize_t m = cnp.PyArray_DIM(a, 0)
    cdef Py_ssize_t k = cnp.PyArray_DIM(a, 1)
    cdef Py_ssize_t n = cnp.PyArray_DIM(b, 1)
    if (
        cnp.PyArray_DIM(b, 0) != k
        or cnp.PyArray_DIM(c, 0) != m
        or cnp.PyArray_DIM(c, 1) != n
    ):
        raise ValueError(f"({m}, {k}) @ ({b.shape[0]}, {n}) is not ({c.shape[0]}, {c.shape[1]})")
    multiply(m, n, k, <const float*> cnp.PyArray_DATA(a), <const float*> cnp.PyArray_DATA(b),
             <float*> cnp.PyArray_DATA(c))
