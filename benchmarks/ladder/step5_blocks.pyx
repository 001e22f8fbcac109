# distutils: extra_compile_args = -O3 -march=native
"""Step 5: blocks for the caches. What is read again is read again soon.

                       NC                    what               read again        it stays in
                    ┌──────┐
                 KC │▓     │  B block        tile of C          in each step p    registers
           KC       └──────┘                 ▓ panel of B       by each tile row  first cache
        ┌───────┐   ┌──────┐                 ░ block of A       by each panel     second cache
     MC │░░░░░░░│   │      │  C block        block of B         by each A block   last cache
        └───────┘   └──────┘

Step 4 walks through all of B for each ROWS rows of C. As long as B lies in a cache near by, that
is free; when it does not, the tile waits. So we do the product in blocks, a few loops around the
tile, such that every level of the memory finds its piece small enough and uses it often before
the next one comes. The k axis is cut too: a tile of C is then loaded and stored once for each KC
steps, which is rare enough.
"""

from libc.string cimport memset

include "tile.pxi"

cdef enum:
    MC = 96   # a multiple of ROWS
    KC = 256
    NC = 512  # a multiple of COLS


cdef void block(Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const float* a, Py_ssize_t a_row,
                const float* b, Py_ssize_t b_row, float* c, Py_ssize_t c_row) noexcept nogil:
    """C (m, n) += A (m, k) @ B (k, n), all of which the caches hold: step 4, columns first"""
    cdef Py_ssize_t i, j
    for j from 0 <= j < n by COLS:
        for i from 0 <= i < m by ROWS:
            if i + ROWS <= m and j + COLS <= n:
                tile(k, a + i * a_row, a_row, 1, b + j, b_row, c + i * c_row + j, c_row)
            else:
                rest(min(ROWS, m - i), min(COLS, n - j), k, a + i * a_row, a_row, b + j, b_row,
                     c + i * c_row + j, c_row)


cdef void multiply(Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const float* a, const float* b,
                   float* c) noexcept nogil:
    cdef Py_ssize_t i, j, p
    memset(c, 0, m * n * sizeof(float))
    for j from 0 <= j < n by NC:
        for p from 0 <= p < k by KC:
            for i from 0 <= i < m by MC:
                block(min(MC, m - i), min(NC, n - j), min(KC, k - p), a + i * k + p, k,
                      b + p * n + j, n, c + i * n + j, n)


include "entry.pxi"
