"""Threads for the kernels: pieces of work, claimed one by one. How, and why not OpenMP: threads.h.

A kernel cuts its work into pieces by the shape of its arrays alone, never by the number of
threads, and adds partial results in the order of the pieces: so every number of threads gives the
same bits. A piece should take 10 µs or more; what takes less than some 30 µs in all is one piece,
done by the caller without further ado.
"""

cdef extern from "threads.h" nogil:
    ctypedef struct Pool:
        int limit
    Pool pool
    int most "POOL_MOST"
    void pool_run(Piece piece, void* context, Py_ssize_t count) noexcept
    void pool_limit(int threads) noexcept
    void pool_open() noexcept

pool_open()


cdef void parallel(Piece piece, void* context, Py_ssize_t count) noexcept nogil:
    """piece(context, i) for i = 0, …, count - 1, each once, in any order, on any thread

    Returns when all are done. Without threads, within a piece, or while another thread of Python
    has the pool, the caller does all of them, in order.
    """
    pool_run(piece, context, count)


cdef int threads() noexcept nogil:
    """How many threads `parallel` may use now: for choices that do not change a result"""
    return pool.limit


def get_limit():
    """Threads that kernels may use, the caller included."""
    return pool.limit


def set_limit(int threads):
    """Let kernels use so many threads (at most 64); return how many that are."""
    pool_limit(threads)
    return pool.limit
