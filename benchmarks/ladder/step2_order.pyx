# distutils: extra_compile_args = -O2 -fno-tree-vectorize
"""Step 2: the same three loops, the two inner ones exchanged.

    for i, for j, for p           for i, for p, for j

      →→→→→      ↓                  a         →→→→→ row p of B
             @   ↓                      @
                 ↓                            →→→→→ row i of C grows by a[i, p] times it

Now the inner loop runs along a row of B and a row of C: each line of memory is used whole, the
processor sees the pattern and fetches ahead, and the additions go to different elements, so none
waits for another. Not one operation was saved; they are only in a better order.
"""

from libc.string cimport memset


cdef void multiply(Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const float* a, const float* b,
                   float* c) noexcept nogil:
    cdef Py_ssize_t i, j, p
    cdef float x
    memset(c, 0, m * n * sizeof(float))
    for i in range(m):
        for p in range(k):
            x = a[i * k + p]
            for j in range(n):
                c[i * n + j] += x * b[p * n + j]


include "entry.pxi"
