"""Sums, means, variances and log-sum-exp over axes.

Axes of length one aside, every reduction that has a fast path reads the array as

    x  (lead, outer, mid, inner)   →   y  (lead, mid)

summed over outer and inner: the whole array (only outer), rows (lead, outer), columns (outer,
mid), channels (outer, mid, inner). The loops are in `sums.h`. Everything else goes to the NumPy
twin in `reference`.
"""

cimport numpy as cnp

from minigrad.kernels import reference

cnp.import_array()

cdef extern from "sums.h" nogil:
    void sum_blocks_f32(const void* x, void* y, Py_ssize_t lead, Py_ssize_t outer,
                        Py_ssize_t mid, Py_ssize_t inner) noexcept
    void sum_blocks_f64(const void* x, void* y, Py_ssize_t lead, Py_ssize_t outer,
                        Py_ssize_t mid, Py_ssize_t inner) noexcept
    void var_rows_f32(const void* x, void* y, Py_ssize_t rows, Py_ssize_t n,
                      double divisor) noexcept
    void var_rows_f64(const void* x, void* y, Py_ssize_t rows, Py_ssize_t n,
                      double divisor) noexcept
    void logsumexp_rows_f32(const void* x, void* y, Py_ssize_t rows, Py_ssize_t n) noexcept
    void logsumexp_rows_f64(const void* x, void* y, Py_ssize_t rows, Py_ssize_t n) noexcept
    void divide_f32(void* x, Py_ssize_t n, double divisor) noexcept
    void divide_f64(void* x, Py_ssize_t n, double divisor) noexcept

cdef enum:
    BIG = 1 << 15  # elements from which releasing the GIL is worth its cost
    MAX_NDIM = 64  # NumPy's own limit

cdef struct Plan:
    int kind                # NPY_FLOAT32 or NPY_FLOAT64
    unsigned long long axes  # bit i: axis i is summed
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
    """Whether x is a plain array of floats in C order; notes its dtype."""
    if not cnp.PyArray_CheckExact(x) or not cnp.PyArray_ISCARRAY_RO(<cnp.ndarray> x):
        return False
    plan.kind = cnp.PyArray_TYPE(<cnp.ndarray> x)
    plan.axes = 0
    return plan.kind == cnp.NPY_FLOAT32 or plan.kind == cnp.NPY_FLOAT64


cdef bint group(cnp.ndarray x, Plan* plan) noexcept:
    """Merge the axes into lead, outer, mid, inner; False where they are more mixed than that."""
    cdef Py_ssize_t[4] n
    cdef int i, at = 0
    cdef cnp.npy_intp size
    n[0] = n[1] = n[2] = n[3] = 1
    for i in range(cnp.PyArray_NDIM(x)):
        size = cnp.PyArray_DIMS(x)[i]
        if size == 1:
            continue
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


cdef object summed(cnp.ndarray x, Plan* plan, bint mean):
    """The sum or mean that `plan` describes."""
    cdef cnp.ndarray y = cnp.PyArray_SimpleNew(plan.ndim, plan.dims, plan.kind)
    cdef const void* xp = cnp.PyArray_DATA(x)
    cdef void* yp = cnp.PyArray_DATA(y)
    cdef double count = <double> plan.outer * plan.inner
    if plan.kind == cnp.NPY_FLOAT32:
        if cnp.PyArray_SIZE(x) >= BIG:
            with nogil:
                sum_blocks_f32(xp, yp, plan.lead, plan.outer, plan.mid, plan.inner)
        else:
            sum_blocks_f32(xp, yp, plan.lead, plan.outer, plan.mid, plan.inner)
        if mean:
            divide_f32(yp, plan.lead * plan.mid, count)
    else:
        if cnp.PyArray_SIZE(x) >= BIG:
            with nogil:
                sum_blocks_f64(xp, yp, plan.lead, plan.outer, plan.mid, plan.inner)
        else:
            sum_blocks_f64(xp, yp, plan.lead, plan.outer, plan.mid, plan.inner)
        if mean:
            divide_f64(yp, plan.lead * plan.mid, count)
    return y


# The kernels ---------------------------------------------------------------------------------


cpdef object sum(object x, object axis=None, bint keepdims=False):
    """y := Σ x over the axes"""
    cdef Plan plan
    if not planned(x, axis, keepdims, &plan):
        return reference.sum(x, axis, keepdims)
    return summed(<cnp.ndarray> x, &plan, False)


cpdef object mean(object x, object axis=None, bint keepdims=False):
    """y := Σ x / n over the axes, n their count; NaN where n is 0"""
    cdef Plan plan
    if not planned(x, axis, keepdims, &plan):
        return reference.mean(x, axis, keepdims)
    return summed(<cnp.ndarray> x, &plan, True)


cpdef object var(object x, object axis=None, object correction=1, bint keepdims=False):
    """y := Σ (x - mean x)² / max(n - correction, 0) over the axes

    Two passes: Σx² - n mean² would cancel where the mean is large.
    """
    cdef Plan plan
    if not planned(x, axis, keepdims, &plan) or plan.mid != 1:
        return reference.var(x, axis, correction, keepdims)
    cdef cnp.ndarray y = cnp.PyArray_SimpleNew(plan.ndim, plan.dims, plan.kind)
    cdef double divisor = plan.outer - <double> correction
    if divisor < 0:
        divisor = 0
    if plan.kind == cnp.NPY_FLOAT32:
        var_rows_f32(cnp.PyArray_DATA(<cnp.ndarray> x), cnp.PyArray_DATA(y), plan.lead, plan.outer,
                     divisor)
    else:
        var_rows_f64(cnp.PyArray_DATA(<cnp.ndarray> x), cnp.PyArray_DATA(y), plan.lead, plan.outer,
                     divisor)
    return y


cpdef object logsumexp(object x, object axis=-1, bint keepdims=False):
    """y := ln Σ exp x over the axes; -Inf for none, or where all x are -Inf"""
    cdef Plan plan
    if not planned(x, axis, keepdims, &plan) or plan.mid != 1:
        return reference.logsumexp(x, axis, keepdims)
    cdef cnp.ndarray y = cnp.PyArray_SimpleNew(plan.ndim, plan.dims, plan.kind)
    cdef const void* xp = cnp.PyArray_DATA(<cnp.ndarray> x)
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
    if type(shape) is not tuple or not fast_kind(x, &plan):
        return reference.unbroadcast(x, shape, lead)
    have = cnp.PyArray_DIMS(<cnp.ndarray> x)
    ndim = cnp.PyArray_NDIM(<cnp.ndarray> x)
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
    if not group(<cnp.ndarray> x, &plan):
        return reference.unbroadcast(x, shape, lead)
    return summed(<cnp.ndarray> x, &plan, False)
