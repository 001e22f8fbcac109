"""Sums, means, variances and log-sum-exp over axes.

Axes of length one aside, every reduction that has a fast path reads the array as

    x  (lead, outer, mid, inner)   →   y  (lead, mid)

summed over outer and inner: the whole array (only outer), rows (lead, outer), columns (outer,
mid), channels (outer, mid, inner). The loops are in `sums.h`. Everything else goes to the NumPy
twin in `reference`.
"""

cimport numpy as cnp

from minigrad.kernels import reference
from minigrad.kernels cimport elementwise
from minigrad.kernels.memory cimport new_array
from minigrad.kernels.threads cimport parallel

cnp.import_array()

cdef extern from "sums.h" nogil:
    void sum_row_wide_f32(const void* x, double* y, Py_ssize_t n) noexcept
    void sum_row_wide_f64(const void* x, double* y, Py_ssize_t n) noexcept
    void round_all_f32(const double* x, void* y, Py_ssize_t n) noexcept
    void round_all_f64(const double* x, void* y, Py_ssize_t n) noexcept
    void sum_columns_f32(const void* x, void* y, Py_ssize_t rows, Py_ssize_t columns,
                         Py_ssize_t pitch) noexcept
    void sum_columns_f64(const void* x, void* y, Py_ssize_t rows, Py_ssize_t columns,
                         Py_ssize_t pitch) noexcept
    void sum_planes_f32(const void* x, void* y, Py_ssize_t first, Py_ssize_t last,
                        Py_ssize_t outer, Py_ssize_t mid, Py_ssize_t inner) noexcept
    void sum_planes_f64(const void* x, void* y, Py_ssize_t first, Py_ssize_t last,
                        Py_ssize_t outer, Py_ssize_t mid, Py_ssize_t inner) noexcept
    void top_columns_f32(const void* x, void* y, Py_ssize_t rows, Py_ssize_t columns,
                         Py_ssize_t pitch, bint least) noexcept
    void top_columns_f64(const void* x, void* y, Py_ssize_t rows, Py_ssize_t columns,
                         Py_ssize_t pitch, bint least) noexcept
    void top_planes_f32(const void* x, void* y, Py_ssize_t first, Py_ssize_t last,
                        Py_ssize_t outer, Py_ssize_t mid, Py_ssize_t inner, bint least) noexcept
    void top_planes_f64(const void* x, void* y, Py_ssize_t first, Py_ssize_t last,
                        Py_ssize_t outer, Py_ssize_t mid, Py_ssize_t inner, bint least) noexcept
    void var_rows_f32(const void* x, void* y, Py_ssize_t rows, Py_ssize_t n,
                      double divisor) noexcept
    void var_rows_f64(const void* x, void* y, Py_ssize_t rows, Py_ssize_t n,
                      double divisor) noexcept
    void logsumexp_rows_f32(const void* x, void* y, Py_ssize_t rows, Py_ssize_t n) noexcept
    void logsumexp_rows_f64(const void* x, void* y, Py_ssize_t rows, Py_ssize_t n) noexcept
    void divide_f32(void* x, Py_ssize_t n, double divisor) noexcept
    void divide_f64(void* x, Py_ssize_t n, double divisor) noexcept

cdef extern from "gather.h" nogil:
    void gather(const char* x, const cnp.npy_intp* dims, const cnp.npy_intp* steps, int ndim,
                char* y, Py_ssize_t size) noexcept

cdef enum:
    PIECE = 1 << 16  # elements from which the GIL is released and threads get pieces
    WIDE = 1 << 12   # columns from which a matrix is cut between columns, not between rows
    MAX_NDIM = 64    # NumPy's own limit

cdef struct Plan:
    int kind                # NPY_FLOAT32 or NPY_FLOAT64
    unsigned long long axes  # bit i: axis i is summed
    bint turned             # in Fortran's order: the axes are read from the last
    Py_ssize_t lead, outer, mid, inner
    int ndim                # of the result
    cnp.npy_intp dims[MAX_NDIM]


# What is summed ------------------------------------------------------------------------------


cdef inline bint mark(Plan* plan, Py_ssize_t axis, int ndim) noexcept:
    """Note that `axis` is summed; False where it is out of range or named twice."""
    if axis < 0:
        axis += ndim
    if axis < 0 or axis >= ndim or plan.axes >> axis & 1:
        return False
    plan.axes |= 1ull << axis
    return True


cdef inline bint fast_kind(object x, Plan* plan) noexcept:
    """Whether x is a plain array of floats in C order, or in Fortran's; notes dtype and order."""
    if not cnp.PyArray_CheckExact(x) or not cnp.PyArray_ISBEHAVED_RO(<cnp.ndarray> x):
        return False
    plan.turned = not cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray> x)
    if plan.turned and not cnp.PyArray_IS_F_CONTIGUOUS(<cnp.ndarray> x):
        return False
    plan.kind = cnp.PyArray_TYPE(<cnp.ndarray> x)
    plan.axes = 0
    return plan.kind == cnp.NPY_FLOAT32 or plan.kind == cnp.NPY_FLOAT64


cdef bint group(cnp.ndarray x, Plan* plan) noexcept:
    """Merge the axes into lead, outer, mid, inner; False where they are more mixed than that."""
    cdef Py_ssize_t[4] n
    cdef int i, k, ndim = cnp.PyArray_NDIM(x), kept = 0, at = 0
    cdef cnp.npy_intp size
    n[0] = n[1] = n[2] = n[3] = 1
    for k in range(ndim):
        i = ndim - 1 - k if plan.turned else k
        size = cnp.PyArray_DIMS(x)[i]
        if size == 1:
            continue
        if not plan.axes >> i & 1:
            kept += 1
            if plan.turned and kept > 1:  # the result would be turned too
                return False
        if (plan.axes >> i & 1) != (at & 1):  # summed axes are the odd groups
            at += 1
            if at == 4:
                return False
        n[at] *= size
    plan.lead, plan.outer, plan.mid, plan.inner = n[0], n[1], n[2], n[3]
    return True


cdef bint planned(object x, object axis, bint keepdims, Plan* plan) except -1:
    """Whether this reduction has a fast path; if so, `plan` says which."""
    cdef int ndim, i
    if not fast_kind(x, plan):
        return False
    ndim = cnp.PyArray_NDIM(<cnp.ndarray> x)
    if axis is None:
        plan.axes = ~0ull
    elif type(axis) is int:
        if not mark(plan, axis, ndim):
            return False
    elif type(axis) is tuple:
        for a in <tuple> axis:
            if type(a) is not int or not mark(plan, a, ndim):
                return False
    else:
        return False
    plan.ndim = 0
    for i in range(ndim):
        if plan.axes >> i & 1:
            if keepdims:
                plan.dims[plan.ndim] = 1
                plan.ndim += 1
        else:
            plan.dims[plan.ndim] = cnp.PyArray_DIMS(<cnp.ndarray> x)[i]
            plan.ndim += 1
    return group(<cnp.ndarray> x, plan)


cdef object in_c_order(object x):
    """A copy in C order of an array of floats that is laid out otherwise; else None."""
    cdef cnp.ndarray a
    cdef int kind
    if not cnp.PyArray_CheckExact(x) or not cnp.PyArray_ISBEHAVED_RO(<cnp.ndarray> x):
        return None
    kind = cnp.PyArray_TYPE(<cnp.ndarray> x)
    if cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray> x) or (
        kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64
    ):
        return None
    a = new_array(cnp.PyArray_NDIM(<cnp.ndarray> x), cnp.PyArray_DIMS(<cnp.ndarray> x), kind)
    gather(<char*> cnp.PyArray_DATA(<cnp.ndarray> x), cnp.PyArray_DIMS(a),
           cnp.PyArray_STRIDES(<cnp.ndarray> x), cnp.PyArray_NDIM(a),
           <char*> cnp.PyArray_DATA(a), cnp.PyArray_ITEMSIZE(a))
    return a


cdef object prepared(object x, object axis, bint keepdims, Plan* plan):
    """x, or its copy in C order, with the plan to reduce it; None where there is no fast path."""
    if planned(x, axis, keepdims, plan):
        return x
    x = in_c_order(x)
    if x is None or not planned(x, axis, keepdims, plan):
        return None
    return x


# The work, in pieces -------------------------------------------------------------------------


cdef struct Work:
    Plan* plan
    const char* x
    char* y
    Py_ssize_t size      # bytes of a number
    Py_ssize_t each      # results, elements or rows of a piece
    Py_ssize_t per_lead  # pieces that share their results
    Py_ssize_t group     # matrices of a piece
    bint extreme, least  # not a sum but the largest, or the smallest


cdef inline Py_ssize_t min_of(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return a if a < b else b


cdef void planes(Work* w, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    """Results first … last - 1 of (lead, mid), each a sum over outer and inner."""
    cdef Plan* p = w.plan
    if p.kind == cnp.NPY_FLOAT32:
        if w.extreme:
            top_planes_f32(w.x, w.y, first, last, p.outer, p.mid, p.inner, w.least)
        else:
            sum_planes_f32(w.x, w.y, first, last, p.outer, p.mid, p.inner)
    elif w.extreme:
        top_planes_f64(w.x, w.y, first, last, p.outer, p.mid, p.inner, w.least)
    else:
        sum_planes_f64(w.x, w.y, first, last, p.outer, p.mid, p.inner)


cdef void planes_piece(void* context, Py_ssize_t index) noexcept nogil:
    cdef Work* w = <Work*> context
    planes(w, index * w.each, min_of((index + 1) * w.each, w.plan.lead * w.plan.mid))


cdef void columns(Work* w, const char* x, char* y, Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    cdef Plan* p = w.plan
    if p.kind == cnp.NPY_FLOAT32:
        if w.extreme:
            top_columns_f32(x, y, rows, n, p.mid, w.least)
        else:
            sum_columns_f32(x, y, rows, n, p.mid)
    elif w.extreme:
        top_columns_f64(x, y, rows, n, p.mid, w.least)
    else:
        sum_columns_f64(x, y, rows, n, p.mid)


cdef void columns_piece(void* context, Py_ssize_t index) noexcept nogil:
    """Rows of one matrix (of the `lead` there are): a row of w.y for each piece."""
    cdef Work* w = <Work*> context
    cdef Plan* p = w.plan
    cdef Py_ssize_t matrix = index // w.per_lead, start = index % w.per_lead * w.each
    columns(w, w.x + (matrix * p.outer + start) * p.mid * w.size, w.y + index * p.mid * w.size,
            min_of(w.each, p.outer - start), p.mid)


cdef void strip_piece(void* context, Py_ssize_t index) noexcept nogil:
    """All rows, but only `each` columns, of one matrix."""
    cdef Work* w = <Work*> context
    cdef Plan* p = w.plan
    cdef Py_ssize_t matrix = index // w.per_lead, start = index % w.per_lead * w.each
    columns(w, w.x + (matrix * p.outer * p.mid + start) * w.size,
            w.y + (matrix * p.mid + start) * w.size, p.outer, min_of(w.each, p.mid - start))


cdef void matrices_piece(void* context, Py_ssize_t index) noexcept nogil:
    """`group` whole matrices."""
    cdef Work* w = <Work*> context
    cdef Py_ssize_t matrix
    for matrix in range(index * w.group, min_of((index + 1) * w.group, w.plan.lead)):
        columns_piece(w, matrix)


cdef void row_piece(void* context, Py_ssize_t index) noexcept nogil:
    """A part of one long row: a double of w.y for each piece."""
    cdef Work* w = <Work*> context
    cdef Py_ssize_t row = index // w.per_lead, start = index % w.per_lead * w.each
    cdef Py_ssize_t n = w.plan.inner, count = min_of(w.each, n - start)
    cdef const char* x = w.x + (row * n + start) * w.size
    if w.plan.kind == cnp.NPY_FLOAT32:
        sum_row_wide_f32(x, <double*> w.y + index, count)
    else:
        sum_row_wide_f64(x, <double*> w.y + index, count)


cdef object reduced(cnp.ndarray x, Plan* p, bint extreme, bint least):
    """The sum or extreme that the plan describes.

    The work is cut between results; where they are few, the rows of a matrix, or a long row, are
    cut into parts, whose results make a smaller problem of the same kind.
    """
    cdef cnp.ndarray y = new_array(p.ndim, p.dims, p.kind), parts
    cdef Plan rest
    cdef Work w
    cdef cnp.npy_intp[2] dims
    cdef Py_ssize_t count
    if p.mid == 1:  # rows: outer or inner alone
        p.inner *= p.outer
        p.outer = 1
    cdef Py_ssize_t share = p.outer * p.inner  # elements of a result
    w.plan, w.x, w.size = p, <char*> cnp.PyArray_DATA(x), cnp.PyArray_ITEMSIZE(x)
    w.y = <char*> cnp.PyArray_DATA(y)
    w.extreme, w.least = extreme, least
    if p.lead * p.mid == 0:
        return y
    if p.inner == 1 and p.mid > 1:
        if p.mid > WIDE:
            w.each = (1 + PIECE // (p.outer + 1) // 1024) * 1024
            w.per_lead = (p.mid + w.each - 1) // w.each
            if p.lead * p.mid * share < PIECE:
                for count in range(p.lead * w.per_lead):
                    strip_piece(&w, count)
            else:
                with nogil:
                    parallel(strip_piece, &w, p.lead * w.per_lead)
            return y
        w.each = 64 + (PIECE - 1) // p.mid
        w.per_lead = 1 + (p.outer - 1) // w.each if p.outer else 1
        if w.per_lead > 1:
            dims[0], dims[1] = p.lead * w.per_lead, p.mid
            parts = new_array(2, dims, p.kind)
            w.y = <char*> cnp.PyArray_DATA(parts)
            with nogil:
                parallel(columns_piece, &w, p.lead * w.per_lead)
                w.x, w.y = w.y, <char*> cnp.PyArray_DATA(y)
                rest = p[0]
                rest.outer = w.each = w.per_lead
                w.per_lead, w.plan = 1, &rest
                parallel(columns_piece, &w, p.lead)
            return y
        w.group = 1 + PIECE // (p.mid * (share + 1))
        if p.lead <= w.group:
            w.group = p.lead
            matrices_piece(&w, 0)
        else:
            with nogil:
                parallel(matrices_piece, &w, (p.lead + w.group - 1) // w.group)
        return y
    if p.mid == 1 and share >= 2 * PIECE and not extreme:
        w.each = PIECE
        w.per_lead = (share + PIECE - 1) // PIECE
        dims[0] = count = p.lead * w.per_lead
        parts = new_array(1, dims, cnp.NPY_FLOAT64)
        w.y = <char*> cnp.PyArray_DATA(parts)
        with nogil:
            parallel(row_piece, &w, count)
        add_parts(<double*> w.y, p.lead, w.per_lead)
        if p.kind == cnp.NPY_FLOAT32:
            round_all_f32(<double*> w.y, cnp.PyArray_DATA(y), p.lead)
        else:
            round_all_f64(<double*> w.y, cnp.PyArray_DATA(y), p.lead)
        return y
    if p.lead * p.mid * share < PIECE:
        planes(&w, 0, p.lead * p.mid)
    else:
        w.each = 1 + (PIECE - 1) // share
        with nogil:
            parallel(planes_piece, &w, (p.lead * p.mid + w.each - 1) // w.each)
    return y


cdef void add_parts(double* parts, Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    """parts[i] := Σ_j parts[i, j], in order of j"""
    cdef Py_ssize_t i, j
    cdef double total
    for i in range(rows):
        total = 0
        for j in range(n):
            total += parts[i * n + j]
        parts[i] = total


# The kernels ---------------------------------------------------------------------------------


cpdef object sum(object x, object axis=None, bint keepdims=False):
    """y := Σ x over the axes"""
    cdef Plan plan
    cdef object plain = prepared(x, axis, keepdims, &plan)
    if plain is None:
        return reference.sum(x, axis, keepdims)
    return reduced(<cnp.ndarray> plain, &plan, False, False)


cpdef object mean(object x, object axis=None, bint keepdims=False):
    """y := Σ x / n over the axes, n their count; NaN where n is 0"""
    cdef Plan plan
    cdef cnp.ndarray y
    cdef double count
    cdef object plain = prepared(x, axis, keepdims, &plan)
    if plain is None:
        return reference.mean(x, axis, keepdims)
    count = <double> plan.outer * plan.inner
    y = reduced(<cnp.ndarray> plain, &plan, False, False)
    if plan.kind == cnp.NPY_FLOAT32:
        divide_f32(cnp.PyArray_DATA(y), cnp.PyArray_SIZE(y), count)
    else:
        divide_f64(cnp.PyArray_DATA(y), cnp.PyArray_SIZE(y), count)
    return y


cpdef object max(object x, object axis=None, bint keepdims=False):
    """y := the largest x over the axes; NaN where one is"""
    cdef Plan plan
    cdef object plain = prepared(x, axis, keepdims, &plan)
    if plain is None or plan.outer * plan.inner == 0:
        return reference.max(x, axis, keepdims)
    return reduced(<cnp.ndarray> plain, &plan, True, False)


cpdef object min(object x, object axis=None, bint keepdims=False):
    """y := the smallest x over the axes; NaN where one is"""
    cdef Plan plan
    cdef object plain = prepared(x, axis, keepdims, &plan)
    if plain is None or plan.outer * plan.inner == 0:
        return reference.min(x, axis, keepdims)
    return reduced(<cnp.ndarray> plain, &plan, True, True)


cpdef object var(object x, object axis=None, object correction=1, bint keepdims=False):
    """y := Σ (x - mean x)² / max(n - correction, 0) over the axes

    Two passes: Σx² - n mean² would cancel where the mean is large.
    """
    cdef Plan plan
    cdef double divisor, count
    cdef cnp.ndarray y
    cdef object plain = prepared(x, axis, keepdims, &plan)
    if plain is None or plan.outer * plan.inner == 0:
        return reference.var(x, axis, correction, keepdims)
    count = <double> plan.outer * plan.inner
    divisor = count - <double> correction
    if divisor < 0:
        divisor = 0
    if plan.mid != 1:
        apart = elementwise.sub(plain, mean(plain, axis, True))
        left = sum(apart, axis, keepdims)  # what the rounding of the mean left over
        squares = sum(elementwise.square(apart), axis, keepdims)
        left = elementwise.div(elementwise.square(left), count)
        return elementwise.div(elementwise.sub(squares, left), divisor)
    plan.outer *= plan.inner
    y = new_array(plan.ndim, plan.dims, plan.kind)
    cdef const void* xp = cnp.PyArray_DATA(<cnp.ndarray> plain)
    if plan.kind == cnp.NPY_FLOAT32:
        var_rows_f32(xp, cnp.PyArray_DATA(y), plan.lead, plan.outer, divisor)
    else:
        var_rows_f64(xp, cnp.PyArray_DATA(y), plan.lead, plan.outer, divisor)
    return y


cpdef object logsumexp(object x, object axis=-1, bint keepdims=False):
    """y := ln Σ exp x over the axes; -Inf for none, or where all x are -Inf"""
    cdef Plan plan
    cdef cnp.ndarray y
    cdef object plain = prepared(x, axis, keepdims, &plan)
    if plain is None or plan.mid != 1:
        return reference.logsumexp(x, axis, keepdims)
    plan.outer *= plan.inner
    y = new_array(plan.ndim, plan.dims, plan.kind)
    cdef const void* xp = cnp.PyArray_DATA(<cnp.ndarray> plain)
    if plan.kind == cnp.NPY_FLOAT32:
        logsumexp_rows_f32(xp, cnp.PyArray_DATA(y), plan.lead, plan.outer)
    else:
        logsumexp_rows_f64(xp, cnp.PyArray_DATA(y), plan.lead, plan.outer)
    return y


cpdef object unbroadcast(object x, object shape, Py_ssize_t lead=0):
    """y := x summed over the axes that broadcasting added to `shape`

    The first `lead` axes of x (a batch of cotangents) stay: y has x.shape[:lead] + shape.
    """
    cdef Plan plan
    cdef int ndim, added, i
    cdef cnp.npy_intp* have
    cdef object plain = x
    if cnp.PyArray_CheckExact(x) and not cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray> x):
        plain = in_c_order(x)
    if type(shape) is not tuple or not fast_kind(plain, &plan):
        return reference.unbroadcast(x, shape, lead)
    have = cnp.PyArray_DIMS(<cnp.ndarray> plain)
    ndim = cnp.PyArray_NDIM(<cnp.ndarray> plain)
    plan.ndim = <int> lead + <int> len(<tuple> shape)
    added = ndim - plan.ndim
    if lead < 0 or added < 0:
        return reference.unbroadcast(x, shape, lead)
    for i in range(plan.ndim):
        if i < lead:
            plan.dims[i] = have[i]
            continue
        plan.dims[i] = (<tuple> shape)[i - lead]
        if plan.dims[i] != have[added + i]:
            if plan.dims[i] != 1:
                return reference.unbroadcast(x, shape, lead)
            mark(&plan, added + i, ndim)
    for i in range(<int> lead, <int> lead + added):
        mark(&plan, i, ndim)
    if not group(<cnp.ndarray> plain, &plan):
        return reference.unbroadcast(x, shape, lead)
    return reduced(<cnp.ndarray> plain, &plan, False, False)
