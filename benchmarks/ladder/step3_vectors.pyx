# distutils: extra_compile_args = -O3 -march=native
"""Step 3: vectors. The loops of step 2, with 4, 8 or 16 columns at once.

    x * ┌──┬──┬──┬──┬─ ─┬──┐                 one instruction: the product and the sum, in every
        │b0│b1│b2│b3│   │b │ + c → c         lane ("fused multiply-add", FMA)
        └──┴──┴──┴──┴─ ─┴──┘

A processor of today has registers of 16 bytes (SSE), 32 (AVX2) or 64 (AVX-512), and an instruction
does all lanes of one in the time of one. A compiler uses only what every processor of the family
has unless it is told which one: that is `-march=native`, at the top of this file. `vec` (vec.h)
is such a register as a type; to Cython it is a float, C knows better.

At -O3 the compiler would have found these vectors in step 2 by itself. In the next step it often
does not, or does for one tile and one processor only. So we write what we mean.
"""

from libc.string cimport memset

cdef extern from "vec.h" nogil:
    enum: LANES
    ctypedef float vec
    vec load(const float* p)
    void store(float* p, vec v)


cdef void multiply(Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const float* a, const float* b,
                   float* c) noexcept nogil:
    cdef Py_ssize_t i, j, p
    cdef float x
    memset(c, 0, m * n * sizeof(float))
    for i in range(m):
        for p in range(k):
            x = a[i * k + p]
            j = 0
            while j + LANES <= n:
                store(c + i * n + j, load(c + i * n + j) + x * load(b + p * n + j))
                j += LANES
            while j < n:  # what is left of the row
                c[i * n + j] += x * b[p * n + j]
                j += 1


include "entry.pxi"
