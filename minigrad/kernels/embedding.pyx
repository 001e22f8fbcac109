"""Rows of a table by number, and the gradient added back into them.

Nothing is reordered: the sums have the bits of the NumPy twin, for any number of threads.
float32 and float64, int64 row numbers; what is no plain array is copied into one first, and
everything else goes to the twin in `reference`, which computes it or says what is wrong.

    forward    the positions j are cut into pieces      index  ▤▤▤│▤▤▤│▤▤▤
    backward   the rows of the table are, since two     dw     ▤▤
               positions may name the same row: a              ──
               piece passes over all j, and adds               ▤▤
               those that name one of its rows
"""

cimport numpy as cnp
from libc.string cimport memcpy, memset

from minigrad.kernels import reference
from minigrad.kernels.memory cimport new_array
from minigrad.kernels.threads cimport parallel

cnp.import_array()

cdef enum:
    BIG = 1 << 14       # elements from which releasing the GIL is worth its cost
    PIECE = 1 << 16     # elements of a piece: some 10 µs, so that its start costs nothing beside
    MOST = 4            # pieces of a table: all positions are looked at in each
    WORTH = 128         # bytes of a row for every look at its number

cdef struct Table:
    Py_ssize_t batch, rows, width, count, skip  # width: bytes of a row; count: of row numbers
    Py_ssize_t piece, pieces
    const cnp.npy_int64* index
    char* w                                     # (batch, rows, width)
    char* y                                     # (batch, count, width)
    bint single                                 # float32


cdef void take_rows(void* context, Py_ssize_t piece) noexcept nogil:
    """y[j] := w[index[j]] for a piece of the positions j"""
    cdef Table* t = <Table*> context
    cdef Py_ssize_t j, k
    cdef Py_ssize_t start = piece % t.pieces * t.piece, lead = piece // t.pieces
    cdef Py_ssize_t end = min(start + t.piece, t.count)
    cdef char* w = t.w + lead * t.rows * t.width
    cdef char* y = t.y + lead * t.count * t.width
    for j in range(start, end):
        k = t.index[j]
        if k == t.skip:
            memset(y + j * t.width, 0, t.width)
        else:
            memcpy(y + j * t.width, w + k * t.width, t.width)


cdef void add_rows(void* context, Py_ssize_t piece) noexcept nogil:
    """w := 0, w[index[j]] += y[j] for a piece of the rows of w"""
    cdef Table* t = <Table*> context
    cdef Py_ssize_t i, j, k, n = t.width // (sizeof(float) if t.single else sizeof(double))
    cdef Py_ssize_t start = piece % t.pieces * t.piece, lead = piece // t.pieces
    cdef Py_ssize_t end = min(start + t.piece, t.rows)
    cdef char* w = t.w + lead * t.rows * t.width
    cdef char* y = t.y + lead * t.count * t.width
    cdef float* to_f32
    cdef float* from_f32
    cdef double* to_f64
    cdef double* from_f64
    memset(w + start * t.width, 0, (end - start) * t.width)
    for j in range(t.count):
        k = t.index[j]
        if k < start or k >= end or k == t.skip:
            continue
        if t.single:
            to_f32 = <float*> (w + k * t.width)
            from_f32 = <float*> (y + j * t.width)
            for i in range(n):
                to_f32[i] += from_f32[i]
        else:
            to_f64 = <double*> (w + k * t.width)
            from_f64 = <double*> (y + j * t.width)
            for i in range(n):
                to_f64[i] += from_f64[i]


cdef bint understand(object a, object index, Py_ssize_t rows, Table* t) noexcept:
    """Whether a is a plain floating array and index one of row numbers, all below `rows`"""
    cdef Py_ssize_t j
    cdef cnp.npy_uint64 most = 0
    if (not cnp.PyArray_CheckExact(a) or not cnp.PyArray_CheckExact(index) or rows < 0
            or cnp.PyArray_TYPE(<cnp.ndarray> index) != cnp.NPY_INT64
            or not cnp.PyArray_ISCARRAY_RO(<cnp.ndarray> index)
            or not cnp.PyArray_ISCARRAY_RO(<cnp.ndarray> a)):
        return False
    t.index = <const cnp.npy_int64*> cnp.PyArray_DATA(<cnp.ndarray> index)
    t.count, t.rows, t.batch = cnp.PyArray_SIZE(<cnp.ndarray> index), rows, 1
    for j in range(t.count):  # as unsigned numbers, the negative ones are the largest
        if <cnp.npy_uint64> t.index[j] > most:
            most = <cnp.npy_uint64> t.index[j]
    t.single = cnp.PyArray_TYPE(<cnp.ndarray> a) == cnp.NPY_FLOAT32
    if not t.single and cnp.PyArray_TYPE(<cnp.ndarray> a) != cnp.NPY_FLOAT64:
        return False
    return t.count == 0 or most < <cnp.npy_uint64> rows


cdef cnp.ndarray plain(object a):
    """a itself, or a copy in C order, aligned and native; of arrays only"""
    if cnp.PyArray_ISCARRAY_RO(<cnp.ndarray> a):
        return a
    return cnp.PyArray_FROMANY(
        a, cnp.PyArray_TYPE(<cnp.ndarray> a), 0, 0, cnp.NPY_ARRAY_CARRAY_RO
    )


cpdef object embedding(object w, object index, Py_ssize_t skip):
    """y[..., j, :] := w[..., index[j], :], and 0 where index[j] = skip

    w is (..., rows, n), y (..., *index.shape, n); no row is skipped where skip is -1.
    """
    cdef Table t
    cdef cnp.npy_intp[64] dims
    cdef int lead, i, axes
    if not cnp.PyArray_CheckExact(w) or not cnp.PyArray_CheckExact(index):
        return reference.embedding(w, index, skip)
    cdef cnp.ndarray a = plain(w), at = plain(index)
    lead, axes = cnp.PyArray_NDIM(a) - 2, cnp.PyArray_NDIM(at)
    if lead < 0 or lead + axes + 1 > 32 or not understand(a, at, cnp.PyArray_DIMS(a)[lead], &t):
        return reference.embedding(w, index, skip)
    for i in range(lead):
        dims[i] = cnp.PyArray_DIMS(a)[i]
        t.batch *= dims[i]
    for i in range(axes):
        dims[lead + i] = cnp.PyArray_DIMS(at)[i]
    dims[lead + axes] = cnp.PyArray_DIMS(a)[lead + 1]
    cdef cnp.ndarray y = new_array(lead + axes + 1, dims, cnp.PyArray_TYPE(a))
    t.width, t.skip = dims[lead + axes] * cnp.PyArray_ITEMSIZE(a), skip
    t.w, t.y = <char*> cnp.PyArray_DATA(a), <char*> cnp.PyArray_DATA(y)
    t.piece = PIECE * 4 // max(t.width, 1) + 1
    t.pieces = (t.count + t.piece - 1) // t.piece
    if cnp.PyArray_SIZE(y) >= BIG:
        with nogil:
            parallel(take_rows, &t, t.batch * t.pieces)
    else:
        parallel(take_rows, &t, t.batch * t.pieces)
    return y


cpdef object embedding_backward(object dy, object index, Py_ssize_t rows, Py_ssize_t skip):
    """dw := 0, dw[..., index[j], :] += dy[..., j, :] in the order of j, but where index[j] = skip

    dy is (..., *index.shape, n), dw (..., rows, n).
    """
    cdef Table t
    cdef cnp.npy_intp[64] dims
    cdef int lead, i, axes
    if not cnp.PyArray_CheckExact(dy) or not cnp.PyArray_CheckExact(index):
        return reference.embedding_backward(dy, index, rows, skip)
    cdef cnp.ndarray g = plain(dy), at = plain(index)
    axes = cnp.PyArray_NDIM(at)
    lead = cnp.PyArray_NDIM(g) - axes - 1
    if lead < 0 or not understand(g, at, rows, &t):
        return reference.embedding_backward(dy, index, rows, skip)
    for i in range(axes):
        if cnp.PyArray_DIMS(g)[lead + i] != cnp.PyArray_DIMS(at)[i]:
            return reference.embedding_backward(dy, index, rows, skip)
    for i in range(lead):
        dims[i] = cnp.PyArray_DIMS(g)[i]
        t.batch *= dims[i]
    dims[lead], dims[lead + 1] = rows, cnp.PyArray_DIMS(g)[lead + axes]
    cdef cnp.ndarray dw = new_array(lead + 2, dims, cnp.PyArray_TYPE(g))
    t.width, t.skip = dims[lead + 1] * cnp.PyArray_ITEMSIZE(g), skip
    t.w, t.y = <char*> cnp.PyArray_DATA(dw), <char*> cnp.PyArray_DATA(g)
    t.pieces = max(min(MOST, t.width // WORTH, (t.rows + t.count) * t.width // (4 * PIECE)), 1)
    t.piece = max((t.rows + t.pieces - 1) // t.pieces, 1)
    t.pieces = (t.rows + t.piece - 1) // t.piece
    if cnp.PyArray_SIZE(dw) + cnp.PyArray_SIZE(g) >= BIG:
        with nogil:
            parallel(add_rows, &t, t.batch * t.pieces)
    else:
        parallel(add_rows, &t, t.batch * t.pieces)
    return dw
