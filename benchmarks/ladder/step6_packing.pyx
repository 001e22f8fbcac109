# distutils: extra_compile_args = -O3 -march=native
"""Step 6: packing. Copy each block once, into the order in which the tile will read it.

       B block, as it lies                     B block, packed

       ├── COLS ──┤                            ┌────────┬────────┬────────┬──
      0│▓▓▓▓▓▓▓▓▓▓│ ············ n ···         │ row 0  │ row 1  │ row 2  │ …
      1│▓▓▓▓▓▓▓▓▓▓│ ············ n ···    →    └────────┴────────┴────────┴──
      2│▓▓▓▓▓▓▓▓▓▓│ ············ n ···          then the next COLS columns

The tile takes a short piece of a row of B, then one of the next row, n floats further on. For
large n that is hard on the machine, for reasons beside the size of the block:

* each row lies in another page of memory, and the processor remembers only so many translations
  of pages to addresses (64 or so at the first level);
* a cache puts a line where the low bits of its address say. If n is a large power of two, they
  are the same for every row, and the rows fight for a few places of an otherwise empty cache;
* the prefetcher follows lines that are neighbours, and does not cross pages.

A packed block has none of this: it is one run of memory, read from its beginning to its end. The
copy costs m*k + k*n moves, more than once, beside m*n*k multiply-adds: little when n is large, and
too much when it is small, as the numbers show. The edges gain as well: panels are padded with
zeros, so the tile is all there is, and odd sizes have no slow path.
"""

from libc.string cimport memcpy, memset

include "packing.pxi"

cdef void rows(Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const float* a, Py_ssize_t a_row,
               float* c, Py_ssize_t c_row) noexcept nogil:
    """C (m, n) += A (m, k) @ the packed block of B"""
    cdef float[MC * KC] a_panels
    pack_rows(a_panels, a, a_row, m, k)
    block(m, n, k, a_panels, b_panels, c, c_row)


cdef void multiply(Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const float* a, const float* b,
                   float* c) noexcept nogil:
    cdef Py_ssize_t i, j, p, nc, kc
    memset(c, 0, m * n * sizeof(float))
    for j from 0 <= j < n by NC:
        nc = min(NC, n - j)
        for p from 0 <= p < k by KC:
            kc = min(KC, k - p)
            pack_columns(b_panels, b + p * n + j, n, kc, nc)
            for i from 0 <= i < m by MC:
                rows(min(MC, m - i), nc, kc, a + i * k + p, k, c + i * n + j, n)


include "entry.pxi"
