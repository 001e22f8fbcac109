# distutils: extra_compile_args = -O2 -fno-tree-vectorize
"""Step 1: the definition. Three loops; every element of C is a row of A times a column of B.

         k               n
      ┌─────┐         ┌─────┐
      │→→→→→│ row     │  ↓  │ column      c[i, j] = Σ_p a[i, p] * b[p, j]
    m │     │    @  k │  ↓  │
      └─────┘         └─────┘

It is right, and it wastes the machine twice:

* A column of B is read with steps of a whole row. Memory comes in lines of 64 bytes, 16 floats:
  of each line that is fetched we use one float, and by the time its neighbour is wanted the line
  may be gone. Hence the fall as n grows.
* Every addition waits for the one before, because they all go to the same sum: one result each
  few cycles, where the processor could begin 16 in each cycle (step 3).
"""


cdef void multiply(Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const float* a, const float* b,
                   float* c) noexcept nogil:
    cdef Py_ssize_t i, j, p
    cdef float total
    for i in range(m):
        for j in range(n):
            total = 0
            for p in range(k):
                total += a[i * k + p] * b[p * n + j]
            c[i * n + j] = total


include "entry.pxi"
