# distutils: extra_compile_args = -O3 -march=native
"""Step 7: threads. The loop over blocks of rows is shared out; nothing else changes.

              B block, packed by the caller, read by all
              ┌──────────────┐
              └──────────────┘
       ┌────┐ ┌──────────────┐
       │ A₀ │ │ C₀  piece 0  │    whoever does a piece packs its block of A
       ├────┤ ├──────────────┤    and writes its rows of C
       │ A₁ │ │ C₁  piece 1  │
       ├────┤ ├──────────────┤
       │ …  │ │ …            │    whoever is done takes the next
       └────┘ └──────────────┘

Which loop? Not k: two threads would add to the same element. Not the tiles: too little work to be
worth a hand-over. The blocks of rows are independent, read the same block of B, and take some
0.2 ms each when n is large. An element is computed as before, by one thread and in the same order,
so the result is the same to the last bit for any number of threads.

What stays with one thread, packing B, limits the gain (Amdahl's law), and so does the end of each
block of B, where all wait for the last piece.

Cython's `prange` (OpenMP) would be a line shorter. `parallel` is the pool of the shipped kernels;
kernels/threads.h says what made us write one.
"""

from libc.string cimport memcpy, memset

from minigrad.kernels.threads cimport parallel

include "packing.pxi"

cdef struct Job:  # C (m, nc) += A (m, kc) @ the packed block of B
    Py_ssize_t m, nc, kc, a_row, c_row
    const float* a
    float* c


cdef void piece(void* context, Py_ssize_t index) noexcept nogil:
    """The rows MC * index, … of a job"""
    cdef float[MC * KC] a_panels  # on the stack: each thread has its own
    cdef Job* job = <Job*> context
    cdef Py_ssize_t i = MC * index, m = min(MC, job.m - i)
    pack_rows(a_panels, job.a + i * job.a_row, job.a_row, m, job.kc)
    block(m, job.nc, job.kc, a_panels, b_panels, job.c + i * job.c_row, job.c_row)


cdef void multiply(Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const float* a, const float* b,
                   float* c) noexcept nogil:
    cdef Py_ssize_t j, p
    cdef Job job
    job.m, job.a_row, job.c_row = m, k, n
    memset(c, 0, m * n * sizeof(float))
    for j from 0 <= j < n by NC:
        for p from 0 <= p < k by KC:
            job.nc, job.kc = min(NC, n - j), min(KC, k - p)
            job.a, job.c = a + p, c + j
            pack_columns(b_panels, b + p * n + j, n, job.kc, job.nc)
            parallel(piece, &job, (m + MC - 1) // MC)


include "entry.pxi"
