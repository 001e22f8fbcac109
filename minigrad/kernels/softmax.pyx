"""Softmax, log-softmax and cross-entropy over the last axis, each with its gradient.

The loops, and why they are as they are, stand in `softmax.h`. float32 and float64; what is no
plain array is copied into one first, and everything else goes to the NumPy twin in `reference`,
which computes it or says what is wrong.
"""

cimport numpy as cnp
from libc.stdint cimport int64_t

from minigrad.kernels import reference

cnp.import_array()

ctypedef void (*Forward)(const void*, void*, Py_ssize_t, Py_ssize_t) noexcept nogil
ctypedef void (*Backward)(const void*, const void*, void*, Py_ssize_t, Py_ssize_t,
                          Py_ssize_t) noexcept nogil

cdef extern from "softmax.h" nogil:
    ctypedef struct Labels:
        const int64_t* targets
        const void* weight
        double weight_sum
        int64_t ignore_index
        double smoothing

    Py_ssize_t misplaced_target(const Labels* labels, Py_ssize_t rows, Py_ssize_t n) noexcept
    void softmax_rows_f32(const void* x, void* y, Py_ssize_t rows, Py_ssize_t n) noexcept
    void softmax_rows_f64(const void* x, void* y, Py_ssize_t rows, Py_ssize_t n) noexcept
    void log_softmax_rows_f32(const void* x, void* y, Py_ssize_t rows, Py_ssize_t n) noexcept
    void log_softmax_rows_f64(const void* x, void* y, Py_ssize_t rows, Py_ssize_t n) noexcept
    void softmax_backward_rows_f32(const void* dy, const void* y, void* dx, Py_ssize_t rows,
                                   Py_ssize_t y_rows, Py_ssize_t n) noexcept
    void softmax_backward_rows_f64(const void* dy, const void* y, void* dx, Py_ssize_t rows,
                                   Py_ssize_t y_rows, Py_ssize_t n) noexcept
    void log_softmax_backward_rows_f32(const void* dy, const void* y, void* dx, Py_ssize_t rows,
                                       Py_ssize_t y_rows, Py_ssize_t n) noexcept
    void log_softmax_backward_rows_f64(const void* dy, const void* y, void* dx, Py_ssize_t rows,
                                       Py_ssize_t y_rows, Py_ssize_t n) noexcept
    double cross_entropy_rows_f32(const void* x, const Labels* labels, void* losses, void* stats,
                                  Py_ssize_t rows, Py_ssize_t n, double* W) noexcept
    double cross_entropy_rows_f64(const void* x, const Labels* labels, void* losses, void* stats,
                                  Py_ssize_t rows, Py_ssize_t n, double* W) noexcept
    void cross_entropy_backward_rows_f32(const void* dy, int dy_step, double scale,
                                         const void* x, const void* stats, const Labels* labels,
                                         void* dx, Py_ssize_t rows, Py_ssize_t n) noexcept
    void cross_entropy_backward_rows_f64(const void* dy, int dy_step, double scale,
                                         const void* x, const void* stats, const Labels* labels,
                                         void* dx, Py_ssize_t rows, Py_ssize_t n) noexcept

cdef enum:
    BIG = 1 << 14  # elements from which releasing the GIL is worth its cost


# Arrays ---------------------------------------------------------------------------------------


cdef inline bint is_float(object x) noexcept:
    """Whether x is an ndarray of float32 or float64."""
    if not cnp.PyArray_CheckExact(x):
        return False
    cdef int kind = cnp.PyArray_TYPE(<cnp.ndarray> x)
    return kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_FLOAT64


cdef inline cnp.ndarray plain(cnp.ndarray x):
    """x itself, or a copy in C order, aligned and native."""
    if cnp.PyArray_ISCARRAY_RO(x):
        return x
    return cnp.PyArray_FROMANY(x, cnp.PyArray_TYPE(x), 0, 0, cnp.NPY_ARRAY_CARRAY_RO)


cdef inline cnp.ndarray like(cnp.ndarray x):
    return cnp.PyArray_SimpleNew(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x))


cdef inline bint ends_with(cnp.ndarray x, cnp.ndarray y) noexcept:
    """Whether x has y's dtype and, behind leading axes of its own, y's shape."""
    cdef int lead = cnp.PyArray_NDIM(x) - cnp.PyArray_NDIM(y), i
    if lead < 0 or cnp.PyArray_TYPE(x) != cnp.PyArray_TYPE(y):
        return False
    for i in range(cnp.PyArray_NDIM(y)):
        if cnp.PyArray_DIMS(x)[lead + i] != cnp.PyArray_DIMS(y)[i]:
            return False
    return True


# Softmax --------------------------------------------------------------------------------------


cdef object rowwise(object x, Forward f32, Forward f64):
    """f over the rows of x; x is a floating array of at least one axis"""
    cdef cnp.ndarray a = plain(<cnp.ndarray> x), y = like(a)
    cdef Py_ssize_t size = cnp.PyArray_SIZE(a)
    cdef Py_ssize_t n = cnp.PyArray_DIMS(a)[cnp.PyArray_NDIM(a) - 1]
    cdef Forward f = f32 if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32 else f64
    cdef const void* from_ = cnp.PyArray_DATA(a)
    cdef void* to = cnp.PyArray_DATA(y)
    if size >= BIG:
        with nogil:
            f(from_, to, size // n, n)
    elif size:
        f(from_, to, size // n, n)
    return y


cdef object rowwise_backward(object dy, object y, Backward f32, Backward f64):
    """f over the rows of dy and y; dy's shape ends with y's"""
    cdef cnp.ndarray a = plain(<cnp.ndarray> dy), b = plain(<cnp.ndarray> y), dx = like(a)
    cdef Py_ssize_t size = cnp.PyArray_SIZE(a), y_size = cnp.PyArray_SIZE(b)
    cdef Py_ssize_t n = cnp.PyArray_DIMS(b)[cnp.PyArray_NDIM(b) - 1]
    cdef Backward f = f32 if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32 else f64
    cdef const void* dy_ = cnp.PyArray_DATA(a)
    cdef const void* y_ = cnp.PyArray_DATA(b)
    cdef void* to = cnp.PyArray_DATA(dx)
    if size >= BIG:
        with nogil:
            f(dy_, y_, to, size // n, y_size // n, n)
    elif size:
        f(dy_, y_, to, size // n, y_size // n, n)
    return dx


cpdef object softmax(object x):
    """y := exp x / Σ exp x over the last axis"""
    if not is_float(x) or cnp.PyArray_NDIM(<cnp.ndarray> x) == 0:
        return reference.softmax(x)
    return rowwise(x, softmax_rows_f32, softmax_rows_f64)


cpdef object log_softmax(object x):
    """y := x - ln Σ exp x over the last axis"""
    if not is_float(x) or cnp.PyArray_NDIM(<cnp.ndarray> x) == 0:
        return reference.log_softmax(x)
    return rowwise(x, log_softmax_rows_f32, log_softmax_rows_f64)


cpdef object softmax_backward(object dy, object y):
    """dx := y (dy - Σ dy y) over the last axis; dy and y broadcast"""
    if (not is_float(y) or not is_float(dy) or cnp.PyArray_NDIM(<cnp.ndarray> y) == 0
            or not ends_with(<cnp.ndarray> dy, <cnp.ndarray> y)):
        return reference.softmax_backward(dy, y)
    return rowwise_backward(dy, y, softmax_backward_rows_f32, softmax_backward_rows_f64)


cpdef object log_softmax_backward(object dy, object y):
    """dx := dy - exp y Σ dy over the last axis; dy and y broadcast"""
    if (not is_float(y) or not is_float(dy) or cnp.PyArray_NDIM(<cnp.ndarray> y) == 0
            or not ends_with(<cnp.ndarray> dy, <cnp.ndarray> y)):
        return reference.log_softmax_backward(dy, y)
    return rowwise_backward(
        dy, y, log_softmax_backward_rows_f32, log_softmax_backward_rows_f64
    )


# Cross-entropy --------------------------------------------------------------------------------


cdef bint understand(Labels* labels, cnp.ndarray x, object targets, object weight,
                     int64_t ignore_index, double smoothing) except -1:
    """Fill `labels`; False if they are not what the fast path takes (or are wrong)"""
    cdef Py_ssize_t n, k
    cdef void* w
    if cnp.PyArray_NDIM(x) != 2 or not cnp.PyArray_CheckExact(targets):
        return False
    if (not cnp.PyArray_ISCARRAY_RO(<cnp.ndarray> targets)
            or cnp.PyArray_TYPE(<cnp.ndarray> targets) != cnp.NPY_INT64
            or cnp.PyArray_NDIM(<cnp.ndarray> targets) != 1
            or cnp.PyArray_DIMS(<cnp.ndarray> targets)[0] != cnp.PyArray_DIMS(x)[0]):
        return False
    n = cnp.PyArray_DIMS(x)[1]
    labels.targets = <const int64_t*> cnp.PyArray_DATA(<cnp.ndarray> targets)
    labels.weight = NULL
    labels.weight_sum = <double> n
    labels.ignore_index = ignore_index
    labels.smoothing = smoothing
    if weight is not None:
        if (not cnp.PyArray_CheckExact(weight)
                or not cnp.PyArray_ISCARRAY_RO(<cnp.ndarray> weight)
                or cnp.PyArray_TYPE(<cnp.ndarray> weight) != cnp.PyArray_TYPE(x)
                or cnp.PyArray_NDIM(<cnp.ndarray> weight) != 1
                or cnp.PyArray_DIMS(<cnp.ndarray> weight)[0] != n):
            return False
        w = cnp.PyArray_DATA(<cnp.ndarray> weight)
        labels.weight = w
        labels.weight_sum = 0
        for k in range(n):
            if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
                labels.weight_sum += (<float*> w)[k]
            else:
                labels.weight_sum += (<double*> w)[k]
    return misplaced_target(labels, cnp.PyArray_DIMS(x)[0], n) < 0


cpdef tuple cross_entropy(object x, object targets, object weight, int64_t ignore_index,
                          double smoothing, str reduction):
    """loss_i := Σ_k q_ik (ln Σ exp x_i - x_ik) for rows x_i (n), class indices t_i

    q_i = (1 - smoothing) w_t onehot(t) + (smoothing / n) w, and 0 where t is `ignore_index`.

    Returns (loss, stats, W): the losses (rows), for reduction "none", their sum for "sum", for
    "mean" that divided by W = Σ w_t over the rows not ignored; stats (rows, 2), the max x_i and
    the Σ exp(x_i - max x_i) of each row, for the gradient.
    """
    cdef Labels labels
    cdef double W, total
    cdef void* losses = NULL
    if not is_float(x) or not understand(
        &labels, <cnp.ndarray> x, targets, weight, ignore_index, smoothing
    ):
        return reference.cross_entropy(x, targets, weight, ignore_index, smoothing, reduction)
    cdef cnp.ndarray a = plain(<cnp.ndarray> x)
    cdef int kind = cnp.PyArray_TYPE(a), ndim = 1 if reduction == "none" else 0
    cdef Py_ssize_t rows = cnp.PyArray_DIMS(a)[0], n = cnp.PyArray_DIMS(a)[1]
    cdef cnp.npy_intp[2] dims
    dims[0], dims[1] = rows, 2
    cdef cnp.ndarray loss = cnp.PyArray_SimpleNew(ndim, dims, kind)
    cdef cnp.ndarray stats = cnp.PyArray_SimpleNew(2, dims, kind)
    cdef const void* from_ = cnp.PyArray_DATA(a)
    cdef void* stat = cnp.PyArray_DATA(stats)
    if ndim:
        losses = cnp.PyArray_DATA(loss)
    if rows * n >= BIG:
        with nogil:
            if kind == cnp.NPY_FLOAT32:
                total = cross_entropy_rows_f32(from_, &labels, losses, stat, rows, n, &W)
            else:
                total = cross_entropy_rows_f64(from_, &labels, losses, stat, rows, n, &W)
    elif kind == cnp.NPY_FLOAT32:
        total = cross_entropy_rows_f32(from_, &labels, losses, stat, rows, n, &W)
    else:
        total = cross_entropy_rows_f64(from_, &labels, losses, stat, rows, n, &W)
    if not ndim:
        if reduction == "mean":
            total /= W
        if kind == cnp.NPY_FLOAT32:
            (<float*> cnp.PyArray_DATA(loss))[0] = <float> total
        else:
            (<double*> cnp.PyArray_DATA(loss))[0] = total
    return loss, stats, W


cpdef object cross_entropy_backward(object dy, object x, object stats, object targets,
                                    object weight, int64_t ignore_index, double smoothing,
                                    double scale):
    """dx_i := scale dy_i (softmax(x_i) Σ_k q_ik - q_i), q as in `cross_entropy`, stats from it

    dy is (rows), or one number for all rows, (). Rows that are ignored get zeros.
    """
    cdef Labels labels
    cdef int step, kind
    if (not is_float(x) or not is_float(dy) or not is_float(stats)
            or not understand(&labels, <cnp.ndarray> x, targets, weight, ignore_index, smoothing)):
        return reference.cross_entropy_backward(
            dy, x, stats, targets, weight, ignore_index, smoothing, scale
        )
    cdef cnp.ndarray a = plain(<cnp.ndarray> x), g = plain(<cnp.ndarray> dy)
    cdef cnp.ndarray stat = plain(<cnp.ndarray> stats)
    cdef Py_ssize_t rows = cnp.PyArray_DIMS(a)[0], n = cnp.PyArray_DIMS(a)[1]
    kind = cnp.PyArray_TYPE(a)
    step = cnp.PyArray_NDIM(g)
    if (kind != cnp.PyArray_TYPE(g) or kind != cnp.PyArray_TYPE(stat) or step > 1
            or (step == 1 and cnp.PyArray_DIMS(g)[0] != rows)
            or cnp.PyArray_NDIM(stat) != 2 or cnp.PyArray_DIMS(stat)[0] != rows
            or cnp.PyArray_DIMS(stat)[1] != 2):
        return reference.cross_entropy_backward(
            dy, x, stats, targets, weight, ignore_index, smoothing, scale
        )
    cdef cnp.ndarray dx = like(a)
    cdef const void* gp = cnp.PyArray_DATA(g)
    cdef const void* xp = cnp.PyArray_DATA(a)
    cdef const void* sp = cnp.PyArray_DATA(stat)
    cdef void* to = cnp.PyArray_DATA(dx)
    if rows * n >= BIG:
        with nogil:
            if kind == cnp.NPY_FLOAT32:
                cross_entropy_backward_rows_f32(gp, step, scale, xp, sp, &labels, to, rows, n)
            else:
                cross_entropy_backward_rows_f64(gp, step, scale, xp, sp, &labels, to, rows, n)
    elif kind == cnp.NPY_FLOAT32:
        cross_entropy_backward_rows_f32(gp, step, scale, xp, sp, &labels, to, rows, n)
    else:
        cross_entropy_backward_rows_f64(gp, step, scale, xp, sp, &labels, to, rows, n)
    return dx
