"""Softmax, log-softmax and cross-entropy over the last axis, each with its gradient.

The loops, and why they are as they are, stand in `softmax.h`. float32 and float64; what is no
plain array is copied into one first, and everything else goes to the NumPy twin in `reference`,
which computes it or says what is wrong.
"""

cimport numpy as cnp
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from minigrad.kernels import reference
from minigrad.kernels.memory cimport new_array
from minigrad.kernels.threads cimport Piece, parallel

cnp.import_array()

cdef extern from "softmax.h" nogil:
    ctypedef struct Rows:
        const void* x
        const void* y
        void* to
        Py_ssize_t rows, y_rows, n
        int64_t* targets
        const void* weight
        void* losses
        double weight_sum, smoothing, scale
        double* sums
        const void* factors
        int factor_step

    Py_ssize_t cut_rows(Rows* t) noexcept
    Py_ssize_t read_targets(const int64_t* from_, int64_t* to, Py_ssize_t rows, Py_ssize_t n,
                            int64_t ignore_index) noexcept
    void softmax_piece_f32(void* t, Py_ssize_t index) noexcept
    void softmax_piece_f64(void* t, Py_ssize_t index) noexcept
    void log_softmax_piece_f32(void* t, Py_ssize_t index) noexcept
    void log_softmax_piece_f64(void* t, Py_ssize_t index) noexcept
    void softmax_backward_piece_f32(void* t, Py_ssize_t index) noexcept
    void softmax_backward_piece_f64(void* t, Py_ssize_t index) noexcept
    void log_softmax_backward_piece_f32(void* t, Py_ssize_t index) noexcept
    void log_softmax_backward_piece_f64(void* t, Py_ssize_t index) noexcept
    void cross_entropy_piece_f32(void* t, Py_ssize_t index) noexcept
    void cross_entropy_piece_f64(void* t, Py_ssize_t index) noexcept
    void scale_piece_f32(void* t, Py_ssize_t index) noexcept
    void scale_piece_f64(void* t, Py_ssize_t index) noexcept

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
    return new_array(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x))


cdef inline bint is_vector(object x, int kind, Py_ssize_t n) noexcept:
    """Whether x is a plain array (n,) of that dtype"""
    return (
        cnp.PyArray_CheckExact(x) and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray> x)
        and cnp.PyArray_TYPE(<cnp.ndarray> x) == kind and cnp.PyArray_NDIM(<cnp.ndarray> x) == 1
        and cnp.PyArray_DIMS(<cnp.ndarray> x)[0] == n
    )


cdef inline bint ends_with(cnp.ndarray x, cnp.ndarray y) noexcept:
    """Whether x has y's dtype and, behind leading axes of its own, y's shape."""
    cdef int lead = cnp.PyArray_NDIM(x) - cnp.PyArray_NDIM(y), i
    if lead < 0 or cnp.PyArray_TYPE(x) != cnp.PyArray_TYPE(y):
        return False
    for i in range(cnp.PyArray_NDIM(y)):
        if cnp.PyArray_DIMS(x)[lead + i] != cnp.PyArray_DIMS(y)[i]:
            return False
    return True


cdef Py_ssize_t run(Piece piece, Rows* t) noexcept:
    """Do all rows; returns in how many pieces"""
    cdef Py_ssize_t pieces
    if t.rows * t.n == 0:
        return 0
    pieces = cut_rows(t)
    if t.rows * t.n < BIG:
        piece(t, 0)
        return 1
    with nogil:
        parallel(piece, t, pieces)
    return pieces


# Softmax --------------------------------------------------------------------------------------


cdef object rowwise(object x, Piece f32, Piece f64):
    """f over the rows of x; x is a floating array of at least one axis"""
    cdef Rows t
    cdef cnp.ndarray a = plain(<cnp.ndarray> x), y = like(a)
    t.n = cnp.PyArray_DIMS(a)[cnp.PyArray_NDIM(a) - 1]
    t.rows = cnp.PyArray_SIZE(a) // t.n if t.n else 0
    t.x, t.to = cnp.PyArray_DATA(a), cnp.PyArray_DATA(y)
    run(f32 if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32 else f64, &t)
    return y


cdef object rowwise_backward(object dy, object y, Piece f32, Piece f64):
    """f over the rows of dy and y; dy's shape ends with y's"""
    cdef Rows t
    cdef cnp.ndarray a = plain(<cnp.ndarray> dy), b = plain(<cnp.ndarray> y), dx = like(a)
    t.n = cnp.PyArray_DIMS(b)[cnp.PyArray_NDIM(b) - 1]
    t.rows = cnp.PyArray_SIZE(a) // t.n if t.n else 0
    t.y_rows = cnp.PyArray_SIZE(b) // t.n if t.n else 0
    t.x, t.y, t.to = cnp.PyArray_DATA(a), cnp.PyArray_DATA(b), cnp.PyArray_DATA(dx)
    run(f32 if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32 else f64, &t)
    return dx


cpdef object softmax(object x):
    """y := exp x / Σ exp x over the last axis"""
    if not is_float(x) or cnp.PyArray_NDIM(<cnp.ndarray> x) == 0:
        return reference.softmax(x)
    return rowwise(x, softmax_piece_f32, softmax_piece_f64)


cpdef object log_softmax(object x):
    """y := x - ln Σ exp x over the last axis"""
    if not is_float(x) or cnp.PyArray_NDIM(<cnp.ndarray> x) == 0:
        return reference.log_softmax(x)
    return rowwise(x, log_softmax_piece_f32, log_softmax_piece_f64)


cpdef object softmax_backward(object dy, object y):
    """dx := y (dy - Σ dy y) over the last axis; dy and y broadcast"""
    if (not is_float(y) or not is_float(dy) or cnp.PyArray_NDIM(<cnp.ndarray> y) == 0
            or not ends_with(<cnp.ndarray> dy, <cnp.ndarray> y)):
        return reference.softmax_backward(dy, y)
    return rowwise_backward(dy, y, softmax_backward_piece_f32, softmax_backward_piece_f64)


cpdef object log_softmax_backward(object dy, object y):
    """dx := dy - exp y Σ dy over the last axis; dy and y broadcast"""
    if (not is_float(y) or not is_float(dy) or cnp.PyArray_NDIM(<cnp.ndarray> y) == 0
            or not ends_with(<cnp.ndarray> dy, <cnp.ndarray> y)):
        return reference.log_softmax_backward(dy, y)
    return rowwise_backward(
        dy, y, log_softmax_backward_piece_f32, log_softmax_backward_piece_f64
    )


# Cross-entropy --------------------------------------------------------------------------------


cdef bint understand(Rows* t, cnp.ndarray x, object targets, object weight,
                     int64_t ignore_index) except -1:
    """Copy the targets; False, and no copy, if the fast path cannot take them or weight"""
    cdef int kind = cnp.PyArray_TYPE(x)
    cdef Py_ssize_t k
    if cnp.PyArray_NDIM(x) != 2:
        return False
    t.rows, t.n = cnp.PyArray_DIMS(x)[0], cnp.PyArray_DIMS(x)[1]
    if not is_vector(targets, cnp.NPY_INT64, t.rows):
        return False
    t.weight, t.weight_sum = NULL, <double> t.n
    if weight is not None:
        if not is_vector(weight, kind, t.n):
            return False
        t.weight, t.weight_sum = cnp.PyArray_DATA(<cnp.ndarray> weight), 0
        for k in range(t.n):
            t.weight_sum += class_weight(t, kind, k)
    t.targets = <int64_t*> malloc(t.rows * sizeof(int64_t) + 1)
    if t.targets == NULL:
        raise MemoryError("cross_entropy: no memory for a copy of the targets")
    if read_targets(<const int64_t*> cnp.PyArray_DATA(<cnp.ndarray> targets), t.targets, t.rows,
                    t.n, ignore_index) >= 0:
        free(t.targets)
        return False
    return True


cdef inline double class_weight(const Rows* t, int kind, Py_ssize_t k) noexcept:
    if t.weight == NULL:
        return 1
    return (<float*> t.weight)[k] if kind == cnp.NPY_FLOAT32 else (<double*> t.weight)[k]


cpdef tuple cross_entropy(object x, object targets, object weight, int64_t ignore_index,
                          double smoothing, str reduction, bint gradient):
    """loss_i := Σ_k q_ik (ln Σ exp x_i - x_ik) for rows x_i (n), class indices t_i

    q_i = (1 - smoothing) w_t onehot(t) + (smoothing / n) w, and 0 where t is `ignore_index`.

    Returns (loss, dx, W): the losses (rows), for reduction "none", their sum for "sum", for
    "mean" that divided by W = Σ w_t over the rows not ignored. dx is None without `gradient`,
    else softmax(x_i) Σ_k q_ik - q_i, divided by W for "mean".
    """
    cdef Rows t
    cdef double W = 0, total = 0
    cdef Py_ssize_t i, pieces
    cdef cnp.ndarray a, loss, dx = None
    cdef int kind, ndim = 1 if reduction == "none" else 0
    if not is_float(x) or not understand(&t, <cnp.ndarray> x, targets, weight, ignore_index):
        return reference.cross_entropy(
            x, targets, weight, ignore_index, smoothing, reduction, gradient
        )
    try:
        a, kind = plain(<cnp.ndarray> x), cnp.PyArray_TYPE(<cnp.ndarray> x)
        loss = new_array(ndim, cnp.PyArray_DIMS(a), kind)
        for i in range(t.rows):
            if t.targets[i] >= 0:
                W += class_weight(&t, kind, t.targets[i])
        t.x, t.to, t.losses = cnp.PyArray_DATA(a), NULL, NULL
        if gradient:
            dx = like(a)
            t.to = cnp.PyArray_DATA(dx)
        if ndim:
            t.losses = cnp.PyArray_DATA(loss)
        t.smoothing, t.scale = smoothing, 1 / W if reduction == "mean" else 1
        pieces = run(
            cross_entropy_piece_f32 if kind == cnp.NPY_FLOAT32 else cross_entropy_piece_f64, &t
        )
    finally:
        free(t.targets)
    if ndim:
        if t.n == 0:  # no class: every row is ignored
            loss[:] = 0
        return loss, dx, W
    for i in range(pieces):
        total += t.sums[i]
    if reduction == "mean":
        total /= W
    if kind == cnp.NPY_FLOAT32:
        (<float*> cnp.PyArray_DATA(loss))[0] = <float> total
    else:
        (<double*> cnp.PyArray_DATA(loss))[0] = total
    return loss, dx, W


cpdef object cross_entropy_scale_(object dx, object dy, object targets, int64_t ignore_index):
    """dx_i := dy_i dx_i in place for the rows whose target is not ignored; returns dx

    dx is (rows, n); dy is (rows), or one number for all rows, (). For the gradient that
    `cross_entropy` made, once the cotangent dy of the loss is known.
    """
    cdef Rows t
    cdef Py_ssize_t i
    cdef int kind
    cdef const int64_t* from_
    if not is_float(dx) or not is_float(dy):
        return reference.cross_entropy_scale_(dx, dy, targets, ignore_index)
    cdef cnp.ndarray a = dx, g = dy
    kind, t.factor_step = cnp.PyArray_TYPE(a), cnp.PyArray_NDIM(g)
    if (cnp.PyArray_NDIM(a) != 2 or not cnp.PyArray_ISCARRAY(a)
            or not cnp.PyArray_ISCARRAY_RO(g) or cnp.PyArray_TYPE(g) != kind
            or not is_vector(targets, cnp.NPY_INT64, cnp.PyArray_DIMS(a)[0])
            or t.factor_step > 1
            or t.factor_step == 1 and cnp.PyArray_DIMS(g)[0] != cnp.PyArray_DIMS(a)[0]):
        return reference.cross_entropy_scale_(dx, dy, targets, ignore_index)
    t.factors = cnp.PyArray_DATA(g)
    if not t.factor_step and (
        (<float*> t.factors)[0] == 1 if kind == cnp.NPY_FLOAT32 else (<double*> t.factors)[0] == 1
    ):
        return dx  # the loss was the last value of the graph
    t.rows, t.n, t.to = cnp.PyArray_DIMS(a)[0], cnp.PyArray_DIMS(a)[1], cnp.PyArray_DATA(a)
    t.targets = <int64_t*> malloc(t.rows * sizeof(int64_t) + 1)
    if t.targets == NULL:
        raise MemoryError("cross_entropy: no memory for a copy of the targets")
    from_ = <const int64_t*> cnp.PyArray_DATA(<cnp.ndarray> targets)
    for i in range(t.rows):
        t.targets[i] = -1 if from_[i] == ignore_index else 0
    run(scale_piece_f32 if kind == cnp.NPY_FLOAT32 else scale_piece_f64, &t)
    free(t.targets)
    return dx
