ctypedef void (*Piece)(void* context, Py_ssize_t index) noexcept nogil

cdef int threads() noexcept nogil
cdef void parallel(Piece piece, void* context, Py_ssize_t count) noexcept nogil
