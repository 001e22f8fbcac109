# The register tile of steps 4 to 7. Why it is as it is: step4_tile.pyx.

cdef extern from "vec.h" nogil:
    enum: LANES, ROWS, COLS
    ctypedef float vec
    vec load(const float* p)
    void store(float* p, vec v)


cdef void tile(Py_ssize_t k, const float* a, Py_ssize_t a_row, Py_ssize_t a_col, const float* b,
               Py_ssize_t b_row, float* c, Py_ssize_t c_row) noexcept nogil:
    """C (ROWS, COLS) += A (ROWS, k) @ B (k, COLS); x_row, x_col: steps to the next one"""
    cdef vec[ROWS][2] total
    cdef vec b0, b1
    cdef Py_ssize_t i, p
    for i in range(ROWS):
        total[i][0] = load(c + i * c_row)
        total[i][1] = load(c + i * c_row + LANES)
    for p in range(k):
        b0 = load(b)
        b1 = load(b + LANES)
        for i in range(ROWS):
            total[i][0] += a[i * a_row] * b0
            total[i][1] += a[i * a_row] * b1
        a += a_col
        b += b_row
    for i in range(ROWS):
        store(c + i * c_row, total[i][0])
        store(c + i * c_row + LANES, total[i][1])


cdef inline void rest(Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const float* a, Py_ssize_t a_row,
                      const float* b, Py_ssize_t b_row, float* c, Py_ssize_t c_row) noexcept nogil:
    """C (m, n) += A (m, k) @ B (k, n) for what is smaller than a tile, as in step 2"""
    cdef Py_ssize_t i, j, p
    for i in range(m):
        for p in range(k):
            for j in range(n):
                c[i * c_row + j] += a[i * a_row + p] * b[p * b_row + j]
