"""Batch normalisation and its gradient, over every axis but the channels', (N, C, ...).

The passes, and why they are as they are, stand in `batch_norm.h`. float32 and float64; what is no
plain array is copied into one first, and everything else goes to the NumPy twin in `reference`,
which computes it or says what is wrong.
"""

cimport numpy as cnp

from libc.stdlib cimport free, malloc

from minigrad.kernels import reference
from minigrad.kernels.memory cimport new_array
from minigrad.kernels.threads cimport parallel

cnp.import_array()

cdef extern from "batch_norm.h" nogil:
    ctypedef struct BatchNorm:
        const char* x
        const char* dy
        const char* weight
        const char* bias
        char* to
        char* dw
        char* db
        double* mean
        double* var
        double eps
        bint fixed
        Py_ssize_t N, C, L
        Py_ssize_t chunks, strips, strip
        double* sums
        void* terms
    void batch_norm_cut(BatchNorm* t, Py_ssize_t size) noexcept
    Py_ssize_t batch_norm_sums(const BatchNorm* t) noexcept
    void strip_forward_f32(void* t, Py_ssize_t index) noexcept
    void strip_forward_f64(void* t, Py_ssize_t index) noexcept
    void strip_backward_f32(void* t, Py_ssize_t index) noexcept
    void strip_backward_f64(void* t, Py_ssize_t index) noexcept
    void chunk_moments_f32(void* t, Py_ssize_t index) noexcept
    void chunk_moments_f64(void* t, Py_ssize_t index) noexcept
    void chunk_normalise_f32(void* t, Py_ssize_t index) noexcept
    void chunk_normalise_f64(void* t, Py_ssize_t index) noexcept
    void chunk_products_f32(void* t, Py_ssize_t index) noexcept
    void chunk_products_f64(void* t, Py_ssize_t index) noexcept
    void chunk_gradient_f32(void* t, Py_ssize_t index) noexcept
    void chunk_gradient_f64(void* t, Py_ssize_t index) noexcept
    void batch_norm_settle_f32(const BatchNorm* t, int backward) noexcept
    void batch_norm_settle_f64(const BatchNorm* t, int backward) noexcept
    void shifts_f32(const BatchNorm* t) noexcept
    void shifts_f64(const BatchNorm* t) noexcept

cdef enum:
    BIG = 1 << 14  # elements from which releasing the GIL is worth its cost

cdef struct Shape:
    int kind            # NPY_FLOAT32 or NPY_FLOAT64
    int size            # bytes of one
    Py_ssize_t N, C, L


cdef bint understand(object x, Shape* s) noexcept:
    """Whether x is a floating array (N, C, ...); its sizes"""
    cdef int i
    cdef cnp.npy_intp* dims
    if not cnp.PyArray_CheckExact(x) or cnp.PyArray_NDIM(<cnp.ndarray> x) < 2:
        return False
    dims = cnp.PyArray_DIMS(<cnp.ndarray> x)
    s.kind = cnp.PyArray_TYPE(<cnp.ndarray> x)
    s.N, s.C, s.L = dims[0], dims[1], 1
    for i in range(2, cnp.PyArray_NDIM(<cnp.ndarray> x)):
        s.L *= dims[i]
    if s.N * s.L == 0:
        s.N, s.L = 0, 1
    s.size = 4 if s.kind == cnp.NPY_FLOAT32 else 8
    return s.kind == cnp.NPY_FLOAT32 or s.kind == cnp.NPY_FLOAT64


cdef inline cnp.ndarray plain(cnp.ndarray a):
    """a itself, or a copy in C order, aligned and native"""
    if cnp.PyArray_ISCARRAY_RO(a):
        return a
    return cnp.PyArray_FROMANY(a, cnp.PyArray_TYPE(a), 0, 0, cnp.NPY_ARRAY_CARRAY_RO)


cdef inline bint is_vector(object v, int kind, Py_ssize_t C) noexcept:
    """Whether v is None or a plain array (C,) of that dtype"""
    return v is None or (
        cnp.PyArray_CheckExact(v) and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray> v)
        and cnp.PyArray_TYPE(<cnp.ndarray> v) == kind and cnp.PyArray_NDIM(<cnp.ndarray> v) == 1
        and cnp.PyArray_DIMS(<cnp.ndarray> v)[0] == C
    )


cdef inline char* data(object v) noexcept:
    return NULL if v is None else <char*> cnp.PyArray_DATA(<cnp.ndarray> v)


cdef int prepare(BatchNorm* t, const Shape* s) except -1:
    """Cut the work, and find room for sums and terms."""
    cdef Py_ssize_t sums
    t.N, t.C, t.L = s.N, s.C, s.L
    batch_norm_cut(t, s.size)
    sums = batch_norm_sums(t) * sizeof(double)
    t.sums = <double*> malloc(sums + 4 * s.C * s.size + 1)
    if t.sums == NULL:
        raise MemoryError("batch_norm: no memory for the sums")
    t.terms = <char*> t.sums + sums
    return 0


cdef void forward(BatchNorm* t, bint single) noexcept nogil:
    if t.chunks == 1:
        parallel(strip_forward_f32 if single else strip_forward_f64, t, t.strips)
        return
    for t.strip in range(t.strips):
        if not t.fixed:
            parallel(chunk_moments_f32 if single else chunk_moments_f64, t, t.chunks)
        if single:
            batch_norm_settle_f32(t, False)
        else:
            batch_norm_settle_f64(t, False)
        parallel(chunk_normalise_f32 if single else chunk_normalise_f64, t, t.chunks)


cdef void backward(BatchNorm* t, bint single) noexcept nogil:
    if single:
        shifts_f32(t)
    else:
        shifts_f64(t)
    if t.chunks == 1:
        parallel(strip_backward_f32 if single else strip_backward_f64, t, t.strips)
        return
    for t.strip in range(t.strips):
        parallel(chunk_products_f32 if single else chunk_products_f64, t, t.chunks)
        if single:
            batch_norm_settle_f32(t, True)
        else:
            batch_norm_settle_f64(t, True)
        parallel(chunk_gradient_f32 if single else chunk_gradient_f64, t, t.chunks)


cdef void backward_batch(BatchNorm* t, int size, Py_ssize_t batch) noexcept nogil:
    """One backward pass for each of a batch of dy"""
    cdef Py_ssize_t _k
    for _k in range(batch):
        backward(t, size == 4)
        t.dy += t.N * t.C * t.L * size
        t.to += t.N * t.C * t.L * size
        t.dw += t.C * size
        t.db += t.C * size


cpdef tuple batch_norm(object x, object weight, object bias, object mean, object var, double eps):
    """y := (x - mean) / √(var + eps) w + b over all axes but 1, the channels (C)

    mean and var (C) are those of x where they are None; var is the biased one, Σ (x - mean)² / n.
    Returns (y, mean, var), the statistics in float64.
    """
    cdef Shape s
    cdef bint given = mean is not None
    if (not understand(x, &s) or not is_vector(weight, s.kind, s.C)
            or not is_vector(bias, s.kind, s.C) or given != (var is not None)):
        return reference.batch_norm(x, weight, bias, mean, var, eps)
    cdef cnp.ndarray a = plain(<cnp.ndarray> x)
    cdef cnp.npy_intp[1] dims
    dims[0] = s.C
    if not given:
        mean = new_array(1, dims, cnp.NPY_FLOAT64)
        var = new_array(1, dims, cnp.NPY_FLOAT64)
    else:
        mean = cnp.PyArray_FROMANY(mean, cnp.NPY_FLOAT64, 0, 0, cnp.NPY_ARRAY_CARRAY_RO)
        var = cnp.PyArray_FROMANY(var, cnp.NPY_FLOAT64, 0, 0, cnp.NPY_ARRAY_CARRAY_RO)
        if not is_vector(mean, cnp.NPY_FLOAT64, s.C) or not is_vector(var, cnp.NPY_FLOAT64, s.C):
            return reference.batch_norm(x, weight, bias, mean, var, eps)
    cdef cnp.ndarray y = new_array(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), s.kind)
    cdef BatchNorm t
    t.x, t.weight, t.bias = <const char*> cnp.PyArray_DATA(a), data(weight), data(bias)
    t.dy = t.dw = t.db = NULL
    t.to = <char*> cnp.PyArray_DATA(y)
    t.mean, t.var, t.eps, t.fixed = <double*> data(mean), <double*> data(var), eps, given
    prepare(&t, &s)
    if s.N * s.C * s.L >= BIG:
        with nogil:
            forward(&t, s.kind == cnp.NPY_FLOAT32)
    else:
        forward(&t, s.kind == cnp.NPY_FLOAT32)
    free(t.sums)
    return y, mean, var


cpdef tuple batch_norm_backward(object dy, object x, object weight, object mean, object var,
                                double eps, bint training):
    """dx := w s (dy - Σ dy / n - x̂ Σ dy x̂ / n), dw := Σ dy x̂, db := Σ dy

    s = 1 / √(var + eps), x̂ = (x - mean) s, mean and var (C) float64; n elements a channel. With
    fixed statistics, not `training`: dx := w s dy. dy may have leading axes of its own, a batch;
    then so have dx, dw and db.
    """
    cdef Shape s
    cdef cnp.npy_intp[64] dims
    cdef Py_ssize_t batch = 1
    cdef int lead, i
    if (not understand(x, &s) or not is_vector(weight, s.kind, s.C)
            or mean is None or not is_vector(mean, cnp.NPY_FLOAT64, s.C)
            or var is None or not is_vector(var, cnp.NPY_FLOAT64, s.C)
            or not cnp.PyArray_CheckExact(dy) or cnp.PyArray_TYPE(<cnp.ndarray> dy) != s.kind):
        return reference.batch_norm_backward(dy, x, weight, mean, var, eps, training)
    cdef cnp.ndarray a = plain(<cnp.ndarray> x), g = plain(<cnp.ndarray> dy)
    lead = cnp.PyArray_NDIM(g) - cnp.PyArray_NDIM(a)
    if lead < 0:
        return reference.batch_norm_backward(dy, x, weight, mean, var, eps, training)
    for i in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_DIMS(g)[lead + i] != cnp.PyArray_DIMS(a)[i]:
            return reference.batch_norm_backward(dy, x, weight, mean, var, eps, training)
    for i in range(lead):
        dims[i] = cnp.PyArray_DIMS(g)[i]
        batch *= dims[i]
    dims[lead] = s.C
    cdef cnp.ndarray dx = new_array(cnp.PyArray_NDIM(g), cnp.PyArray_DIMS(g), s.kind)
    cdef cnp.ndarray dw = new_array(lead + 1, dims, s.kind)
    cdef cnp.ndarray db = new_array(lead + 1, dims, s.kind)
    cdef BatchNorm t
    t.x, t.dy = <const char*> cnp.PyArray_DATA(a), <const char*> cnp.PyArray_DATA(g)
    t.weight, t.bias, t.to = data(weight), NULL, <char*> cnp.PyArray_DATA(dx)
    t.dw, t.db = <char*> cnp.PyArray_DATA(dw), <char*> cnp.PyArray_DATA(db)
    t.mean, t.var, t.eps, t.fixed = <double*> data(mean), <double*> data(var), eps, not training
    prepare(&t, &s)
    if batch * s.N * s.C * s.L >= BIG:
        with nogil:
            backward_batch(&t, s.size, batch)
    else:
        backward_batch(&t, s.size, batch)
    free(t.sums)
    return dx, dw, db


cpdef object move_statistics(object running, object batch, double momentum, double factor):
    """running ← (1 - momentum) running + momentum factor batch (float64), in place"""
    cdef Py_ssize_t i, n
    cdef float* single
    cdef double* double_
    cdef const double* b
    if (not cnp.PyArray_CheckExact(running) or cnp.PyArray_NDIM(<cnp.ndarray> running) != 1
            or not cnp.PyArray_ISCARRAY(<cnp.ndarray> running) or batch is None
            or not is_vector(batch, cnp.NPY_FLOAT64, cnp.PyArray_DIMS(<cnp.ndarray> running)[0])):
        return reference.move_statistics(running, batch, momentum, factor)
    n, b = cnp.PyArray_DIMS(<cnp.ndarray> running)[0], <const double*> data(batch)
    if cnp.PyArray_TYPE(<cnp.ndarray> running) == cnp.NPY_FLOAT32:
        single = <float*> data(running)
        for i in range(n):
            single[i] = <float> ((1 - momentum) * single[i] + momentum * factor * b[i])
    elif cnp.PyArray_TYPE(<cnp.ndarray> running) == cnp.NPY_FLOAT64:
        double_ = <double*> data(running)
        for i in range(n):
            double_[i] = (1 - momentum) * double_[i] + momentum * factor * b[i]
    else:
        reference.move_statistics(running, batch, momentum, factor)
