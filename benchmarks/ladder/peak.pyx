# distutils: extra_compile_args = -O3 -march=native
"""The peak: how many multiply-adds a core does when nothing else stands in its way.

`chains` sums grow side by side, each by one multiply-add after another, all in registers; no
memory is touched. A multiply-add waits for the one before it in its own chain (that is its
latency), not for those of other chains. So one chain is slow, and from some number on more do not
help: the units are busy in every cycle. That number is what a matrix product can reach at most.
"""

cdef extern from *:
    """
    #include "vec.h"

    /* A function for each number of chains: the compiler must know it to use registers. */
    #define PEAK(CHAINS)                                                       \\
        static float peak_##CHAINS(Py_ssize_t rounds, float x)                 \\
        {                                                                      \\
            vec t[CHAINS];                                                     \\
            float total = 0;                                                   \\
            for (int i = 0; i < CHAINS; i++)                                   \\
                t[i] = (vec){0} + (float)i;                                    \\
            for (; rounds > 0; rounds--)                                       \\
                for (int i = 0; i < CHAINS; i++)                               \\
                    t[i] = t[i] * x + x;                                       \\
            for (int i = 0; i < CHAINS; i++)                                   \\
                total += t[i][0];                                              \\
            return total;                                                      \\
        }
    PEAK(1) PEAK(2) PEAK(4) PEAK(8) PEAK(12)
    """
    enum: LANES
    float peak_1(Py_ssize_t rounds, float x) noexcept nogil
    float peak_2(Py_ssize_t rounds, float x) noexcept nogil
    float peak_4(Py_ssize_t rounds, float x) noexcept nogil
    float peak_8(Py_ssize_t rounds, float x) noexcept nogil
    float peak_12(Py_ssize_t rounds, float x) noexcept nogil


def run(int chains, Py_ssize_t rounds, float x):
    """Do it; return the number of operations (a multiply-add is two), and what came out."""
    cdef float total
    if chains == 1:
        total = peak_1(rounds, x)
    elif chains == 2:
        total = peak_2(rounds, x)
    elif chains == 4:
        total = peak_4(rounds, x)
    elif chains == 8:
        total = peak_8(rounds, x)
    elif chains == 12:
        total = peak_12(rounds, x)
    else:
        raise ValueError(f"peak: there are 1, 2, 4, 8 and 12 chains, not {chains}")
    return 2 * LANES * chains * rounds, total
