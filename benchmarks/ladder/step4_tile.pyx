# distutils: extra_compile_args = -O3 -march=native
"""Step 4: a register tile. A small piece of C stays in registers until it is finished.

                   COLS = 2 vectors
                  ┌───────┐
                  │ ····· │              one step p:  2 loads of B, ROWS floats of A,
                k │ row p │                           2 * ROWS multiply-adds
                  │ ····· │
           k      ├───────┤              the tile of C itself: loaded once, stored once,
       ┌───────┐  ├───────┤              not once for each p
       │ ·col· │  │ C tile│ ROWS
       │ · p · │  │       │
       └───────┘  └───────┘

Step 3 spends its time not on arithmetic but on traffic: for one multiply-add it loads b, loads c
and stores c. Here a vector of B serves ROWS rows, an element of A serves two vectors, and C stays
where it is. Two things decide the size of the tile. It must be large: the more rows and columns,
the fewer loads for each multiply-add, and a multiply-add takes several cycles, so that many sums
must be under way at once to keep the units busy (how many: peak.pyx). And it must fit: if the
sums outgrow the registers, the compiler keeps some in memory, and half the speed is lost
(README.md, exercise 2).

The loops over the tile (tile.pxi) have constant bounds, so that the compiler unrolls them and
gives each sum a register of its own: a register has no index.
"""

from libc.string cimport memset

include "tile.pxi"


cdef void multiply(Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const float* a, const float* b,
                   float* c) noexcept nogil:
    cdef Py_ssize_t i, j
    memset(c, 0, m * n * sizeof(float))
    for i from 0 <= i < m by ROWS:
        for j from 0 <= j < n by COLS:
            if i + ROWS <= m and j + COLS <= n:
                tile(k, a + i * k, k, 1, b + j, n, c + i * n + j, n)
            else:
                rest(min(ROWS, m - i), min(COLS, n - j), k, a + i * k, k, b + j, n,
                     c + i * n + j, n)


include "entry.pxi"
