"""Layer normalisation and its gradient, over the last axes.

The passes, and why they are as they are, stand in `layer_norm.h`. float32 and float64; what is no
plain array is copied into one first, and everything else goes to the NumPy twin in `reference`,
which computes it or says what is wrong.
"""

cimport numpy as cnp
from libc.stdlib cimport free, malloc

from minigrad.kernels import reference
from minigrad.kernels.memory cimport new_array
from minigrad.kernels.threads cimport parallel

cnp.import_array()

cdef extern from "layer_norm.h" nogil:
    ctypedef struct LayerNorm:
        Py_ssize_t rows, n, batch, piece, pieces
        double eps
        const void* x
        const void* weight
        const void* bias
        const void* dy
        double* stats
        void* y
        void* dx
        void* dw
        void* db
        double* sums
        char* lanes
    const Py_ssize_t GROUP
    void layer_norm_f32(void* context, Py_ssize_t index) noexcept
    void layer_norm_f64(void* context, Py_ssize_t index) noexcept
    void layer_norm_backward_f32(void* context, Py_ssize_t index) noexcept
    void layer_norm_backward_f64(void* context, Py_ssize_t index) noexcept
    void layer_norm_columns_f32(void* context, Py_ssize_t index) noexcept
    void layer_norm_columns_f64(void* context, Py_ssize_t index) noexcept

cdef enum:
    BIG = 1 << 14       # elements from which releasing the GIL is worth its cost
    PIECE = 1 << 15     # elements of a piece: some 10 µs, so that its start costs nothing beside
    WIDEST = 16         # lanes of a vector, at most


cdef bint understand(object x, int axes, LayerNorm* c) noexcept:
    """Whether x is a floating array with so many axes; its rows, and their pieces"""
    cdef int i, ndim
    cdef cnp.npy_intp* dims
    if not cnp.PyArray_CheckExact(x):
        return False
    ndim, dims = cnp.PyArray_NDIM(<cnp.ndarray> x), cnp.PyArray_DIMS(<cnp.ndarray> x)
    if not 1 <= axes <= ndim:
        return False
    c.rows = c.n = c.batch = 1
    for i in range(ndim - axes):
        c.rows *= dims[i]
    for i in range(ndim - axes, ndim):
        c.n *= dims[i]
    c.piece = (PIECE // max(c.n, 1) // GROUP + 1) * GROUP
    c.pieces = (c.rows + c.piece - 1) // c.piece
    i = cnp.PyArray_TYPE(<cnp.ndarray> x)
    return i == cnp.NPY_FLOAT32 or i == cnp.NPY_FLOAT64


cdef inline cnp.ndarray plain(cnp.ndarray a):
    """a itself, or a copy in C order, aligned and native"""
    if cnp.PyArray_ISCARRAY_RO(a):
        return a
    return cnp.PyArray_FROMANY(a, cnp.PyArray_TYPE(a), 0, 0, cnp.NPY_ARRAY_CARRAY_RO)


cdef bint beside(object v, cnp.ndarray x, int kind, int lead, int axes, bint shifted) noexcept:
    """Whether v is a plain array of that dtype, its axes those of x from `lead` on

    There are `axes` of them; `shifted`: behind an axis of 2.
    """
    cdef int i
    cdef cnp.npy_intp* dims
    if (not cnp.PyArray_CheckExact(v) or not cnp.PyArray_ISCARRAY_RO(<cnp.ndarray> v)
            or cnp.PyArray_TYPE(<cnp.ndarray> v) != kind
            or cnp.PyArray_NDIM(<cnp.ndarray> v) != axes + shifted):
        return False
    dims = cnp.PyArray_DIMS(<cnp.ndarray> v)
    if shifted and dims[0] != 2:
        return False
    for i in range(axes):
        if dims[i + shifted] != cnp.PyArray_DIMS(x)[lead + i]:
            return False
    return True


cdef inline void* data(object v) noexcept:
    return NULL if v is None else cnp.PyArray_DATA(<cnp.ndarray> v)


cdef void forward(LayerNorm* c, int kind) noexcept nogil:
    parallel(layer_norm_f32 if kind == cnp.NPY_FLOAT32 else layer_norm_f64, c, c.pieces)


cdef void backward(LayerNorm* c, int kind) noexcept nogil:
    """The pieces of every dy; then, where they are wanted, the sums over the rows of each"""
    cdef Py_ssize_t k
    if kind == cnp.NPY_FLOAT32:
        parallel(layer_norm_backward_f32, c, c.batch * c.pieces)
    else:
        parallel(layer_norm_backward_f64, c, c.batch * c.pieces)
    if c.sums == NULL:
        return
    for k in range(c.batch):
        if kind == cnp.NPY_FLOAT32:
            layer_norm_columns_f32(c, k)
        else:
            layer_norm_columns_f64(c, k)


cpdef tuple layer_norm(object x, object weight, object bias, int axes, double eps):
    """y := (x - mean) s w + b over the last `axes` axes, s = 1 / √(var + eps)

    var is the biased one, Σ (x - mean)² / n; weight and bias have the shape of those axes.
    Returns (y, stats), stats[0] being the means and stats[1] the s of the rows, float64.
    """
    cdef LayerNorm c
    if not understand(x, axes, &c):
        return reference.layer_norm(x, weight, bias, axes, eps)
    cdef cnp.ndarray a = plain(<cnp.ndarray> x)
    cdef int kind = cnp.PyArray_TYPE(a), i
    cdef int lead = cnp.PyArray_NDIM(a) - axes
    if (weight is not None and not beside(weight, a, kind, lead, axes, False)
            or bias is not None and not beside(bias, a, kind, lead, axes, False)):
        return reference.layer_norm(x, weight, bias, axes, eps)
    cdef cnp.npy_intp[65] dims
    dims[0] = 2
    for i in range(lead):
        dims[i + 1] = cnp.PyArray_DIMS(a)[i]
    cdef cnp.ndarray y = new_array(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), kind)
    cdef cnp.ndarray stats = new_array(lead + 1, dims, cnp.NPY_FLOAT64)
    c.eps = eps
    c.x, c.weight, c.bias = cnp.PyArray_DATA(a), data(weight), data(bias)
    c.y, c.stats = cnp.PyArray_DATA(y), <double*> cnp.PyArray_DATA(stats)
    if c.rows * c.n >= BIG:
        with nogil:
            forward(&c, kind)
    else:
        forward(&c, kind)
    return y, stats


cpdef tuple layer_norm_backward(object dy, object x, object weight, object stats, int axes,
                                bint affine):
    """dx := s (h - Σ h / n - x̂ Σ h x̂ / n), h = dy w; dw := Σ dy x̂, db := Σ dy

    x̂ = (x - mean) s; mean and s are `stats`, from `layer_norm`. The sums in dx run over the last
    `axes` axes, n elements; those in dw and db over the others. dy may have leading axes of its
    own, a batch; then so have dx, dw and db. Unless `affine`, dw and db are None.
    """
    cdef LayerNorm c
    cdef cnp.npy_intp[64] dims
    cdef int kind, lead, rows, i
    cdef Py_ssize_t size
    if (not understand(x, axes, &c) or not cnp.PyArray_CheckExact(dy)
            or cnp.PyArray_TYPE(<cnp.ndarray> dy) != cnp.PyArray_TYPE(<cnp.ndarray> x)):
        return reference.layer_norm_backward(dy, x, weight, stats, axes, affine)
    cdef cnp.ndarray a = plain(<cnp.ndarray> x), g = plain(<cnp.ndarray> dy)
    kind, rows = cnp.PyArray_TYPE(a), cnp.PyArray_NDIM(a) - axes
    lead = cnp.PyArray_NDIM(g) - cnp.PyArray_NDIM(a)
    if (weight is not None and not beside(weight, a, kind, rows, axes, False)
            or not beside(stats, a, cnp.NPY_FLOAT64, 0, rows, True) or lead < 0):
        return reference.layer_norm_backward(dy, x, weight, stats, axes, affine)
    for i in range(rows + axes):
        if cnp.PyArray_DIMS(g)[lead + i] != cnp.PyArray_DIMS(a)[i]:
            return reference.layer_norm_backward(dy, x, weight, stats, axes, affine)
    for i in range(lead):
        dims[i] = cnp.PyArray_DIMS(g)[i]
        c.batch *= dims[i]
    for i in range(axes):
        dims[lead + i] = cnp.PyArray_DIMS(a)[rows + i]
    cdef cnp.ndarray dx = new_array(cnp.PyArray_NDIM(g), cnp.PyArray_DIMS(g), kind)
    cdef object dw = None, db = None
    c.sums = NULL
    if affine:
        dw = new_array(lead + axes, dims, kind)
        db = new_array(lead + axes, dims, kind)
        size = c.batch * max(c.pieces, 1)
        c.sums = <double*> malloc(size * (4 * c.n + 2 * WIDEST) * sizeof(double))
        if c.sums == NULL:
            raise MemoryError("layer_norm_backward: no memory for the sums over rows")
        c.lanes = <char*> (c.sums + size * 2 * c.n)
    c.x, c.weight, c.dy = cnp.PyArray_DATA(a), data(weight), cnp.PyArray_DATA(g)
    c.stats, c.dx = <double*> data(stats), cnp.PyArray_DATA(dx)
    c.dw, c.db = data(dw), data(db)
    if c.batch * c.rows * c.n >= BIG:
        with nogil:
            backward(&c, kind)
    else:
        backward(&c, kind)
    free(c.sums)
    return dx, dw, db
