"""Batch normalisation and its gradient, over every axis but the channels', (N, C, ...).

The passes, and why they are as they are, stand in `batch_norm.h`. float32 and float64; what is no
plain array is copied into one first, and everything else goes to the NumPy twin in `reference`,
which computes it or says what is wrong.
"""

cimport numpy as cnp

from minigrad.kernels import reference

cnp.import_array()

cdef extern from "batch_norm.h" nogil:
    void batch_norm_f32(const void* x, void* y, const void* weight, const void* bias,
                        double* mean, double* var, int given, double eps, Py_ssize_t N,
                        Py_ssize_t C, Py_ssize_t L) noexcept
    void batch_norm_f64(const void* x, void* y, const void* weight, const void* bias,
                        double* mean, double* var, int given, double eps, Py_ssize_t N,
                        Py_ssize_t C, Py_ssize_t L) noexcept
    void batch_norm_backward_f32(const void* dy, const void* x, const void* weight,
                                 const double* mean, const double* var, double eps, int training,
                                 void* dx, void* dw, void* db, Py_ssize_t N, Py_ssize_t C,
                                 Py_ssize_t L) noexcept
    void batch_norm_backward_f64(const void* dy, const void* x, const void* weight,
                                 const double* mean, const double* var, double eps, int training,
                                 void* dx, void* dw, void* db, Py_ssize_t N, Py_ssize_t C,
                                 Py_ssize_t L) noexcept

cdef enum:
    BIG = 1 << 14  # elements from which releasing the GIL is worth its cost

cdef struct Shape:
    int kind            # NPY_FLOAT32 or NPY_FLOAT64
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


cdef inline void* data(object v) noexcept:
    return NULL if v is None else cnp.PyArray_DATA(<cnp.ndarray> v)


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
        mean = cnp.PyArray_SimpleNew(1, dims, cnp.NPY_FLOAT64)
        var = cnp.PyArray_SimpleNew(1, dims, cnp.NPY_FLOAT64)
    else:
        mean = cnp.PyArray_FROMANY(mean, cnp.NPY_FLOAT64, 0, 0, cnp.NPY_ARRAY_CARRAY_RO)
        var = cnp.PyArray_FROMANY(var, cnp.NPY_FLOAT64, 0, 0, cnp.NPY_ARRAY_CARRAY_RO)
        if not is_vector(mean, cnp.NPY_FLOAT64, s.C) or not is_vector(var, cnp.NPY_FLOAT64, s.C):
            return reference.batch_norm(x, weight, bias, mean, var, eps)
    cdef cnp.ndarray y = cnp.PyArray_SimpleNew(
        cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), s.kind
    )
    cdef const void* xp = cnp.PyArray_DATA(a)
    cdef const void* wp = data(weight)
    cdef const void* bp = data(bias)
    cdef void* yp = cnp.PyArray_DATA(y)
    cdef double* mp = <double*> data(mean)
    cdef double* vp = <double*> data(var)
    if s.L == 0:  # no elements: the statistics, if asked for, are 0 / 0
        s.N, s.L = 0, 1
    if s.N * s.C * s.L >= BIG:
        with nogil:
            if s.kind == cnp.NPY_FLOAT32:
                batch_norm_f32(xp, yp, wp, bp, mp, vp, given, eps, s.N, s.C, s.L)
            else:
                batch_norm_f64(xp, yp, wp, bp, mp, vp, given, eps, s.N, s.C, s.L)
    elif s.kind == cnp.NPY_FLOAT32:
        batch_norm_f32(xp, yp, wp, bp, mp, vp, given, eps, s.N, s.C, s.L)
    else:
        batch_norm_f64(xp, yp, wp, bp, mp, vp, given, eps, s.N, s.C, s.L)
    return y, mean, var


cdef void backward_batch(
    const Shape* s, Py_ssize_t batch, const char* dy, const char* x, const void* weight,
    const double* mean, const double* var, double eps, bint training, char* dx, char* dw, char* db,
) noexcept nogil:
    """One backward pass for each of a batch of dy"""
    cdef Py_ssize_t k, size = s.N * s.C * s.L
    for k in range(batch):
        if s.kind == cnp.NPY_FLOAT32:
            batch_norm_backward_f32(
                dy + 4 * k * size, x, weight, mean, var, eps, training,
                dx + 4 * k * size, dw + 4 * k * s.C, db + 4 * k * s.C, s.N, s.C, s.L
            )
        else:
            batch_norm_backward_f64(
                dy + 8 * k * size, x, weight, mean, var, eps, training,
                dx + 8 * k * size, dw + 8 * k * s.C, db + 8 * k * s.C, s.N, s.C, s.L
            )


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
    cdef cnp.ndarray dx = cnp.PyArray_SimpleNew(
        cnp.PyArray_NDIM(g), cnp.PyArray_DIMS(g), s.kind
    )
    cdef cnp.ndarray dw = cnp.PyArray_SimpleNew(lead + 1, dims, s.kind)
    cdef cnp.ndarray db = cnp.PyArray_SimpleNew(lead + 1, dims, s.kind)
    cdef const char* gp = <const char*> cnp.PyArray_DATA(g)
    cdef const char* xp = <const char*> cnp.PyArray_DATA(a)
    cdef const void* wp = data(weight)
    cdef const double* mp = <const double*> data(mean)
    cdef const double* vp = <const double*> data(var)
    cdef char* dxp = <char*> cnp.PyArray_DATA(dx)
    cdef char* dwp = <char*> cnp.PyArray_DATA(dw)
    cdef char* dbp = <char*> cnp.PyArray_DATA(db)
    if s.L == 0:
        s.N, s.L = 0, 1
    if batch * s.N * s.C * s.L >= BIG:
        with nogil:
            backward_batch(&s, batch, gp, xp, wp, mp, vp, eps, training, dxp, dwp, dbp)
    else:
        backward_batch(&s, batch, gp, xp, wp, mp, vp, eps, training, dxp, dwp, dbp)
    return dx, dw, db
