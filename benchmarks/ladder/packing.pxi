# Packing, for steps 6 and 7. Why: step6_packing.pyx.

include "tile.pxi"

cdef enum:
    MC = 96   # a multiple of ROWS
    KC = 256
    NC = 512  # a multiple of COLS

cdef float[KC * NC] b_panels  # of the process: these steps are not for two Python threads at once


cdef void pack_rows(float* panels, const float* a, Py_ssize_t a_row, Py_ssize_t m,
                    Py_ssize_t k) noexcept nogil:
    """Panels of ROWS rows of A (m, k): for each step p of the tile, the ROWS floats it wants"""
    cdef Py_ssize_t i, p, x
    for i from 0 <= i < m by ROWS:
        for x in range(ROWS):
            for p in range(k):
                panels[p * ROWS + x] = a[(i + x) * a_row + p] if i + x < m else 0
        panels += ROWS * k


cdef void pack_columns(float* panels, const float* b, Py_ssize_t b_row, Py_ssize_t k,
                       Py_ssize_t n) noexcept nogil:
    """Panels of COLS columns of B (k, n): for each step p of the tile, the two vectors it wants"""
    cdef Py_ssize_t j, p, x
    for j from 0 <= j < n by COLS:
        for p in range(k):
            if j + COLS <= n:
                memcpy(panels, b + p * b_row + j, COLS * sizeof(float))
            else:
                for x in range(COLS):
                    panels[x] = b[p * b_row + j + x] if j + x < n else 0
            panels += COLS


cdef void block(Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const float* a, const float* b,
                float* c, Py_ssize_t c_row) noexcept nogil:
    """C (m, n) += A (m, k) @ B (k, n), A and B in panels"""
    cdef float[ROWS * COLS] scratch
    cdef Py_ssize_t i, j, x, y
    for j from 0 <= j < n by COLS:
        for i from 0 <= i < m by ROWS:
            if i + ROWS <= m and j + COLS <= n:
                tile(k, a + i * k, 1, ROWS, b + j * k, COLS, c + i * c_row + j, c_row)
                continue
            # At the edge of C the panels are padded with zeros: a whole tile, of which we keep
            # what C has room for.
            memset(scratch, 0, sizeof(scratch))
            tile(k, a + i * k, 1, ROWS, b + j * k, COLS, scratch, COLS)
            for x in range(min(ROWS, m - i)):
                for y in range(min(COLS, n - j)):
                    c[(i + x) * c_row + j + y] += scratch[x * COLS + y]
