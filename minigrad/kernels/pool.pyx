"""Pooling: a window slides over each plane and hands on its maximum or its mean.

Both go through a window tap by tap, and through a whole row of outputs for each tap, so that the
inner loop is free of branches and reads one row of pixels in order:

    for each output row p, tap (i, j):   y[q] = max(y[q], x[p SH + i DH - PH, q SW + j DW - PW])
    for all q at once

The maximum's place is kept as the offset of its tap, the same number for the whole row.

Images are (..., H, W), float32 or float64; everything else goes to the twin in `reference`, which
computes it or says what is wrong.
"""

cimport numpy as cnp
from libc.math cimport INFINITY
from libc.stdint cimport int32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

import numpy as np

from minigrad.kernels import reference

cnp.import_array()

ctypedef fused real:
    float
    double

cdef Py_ssize_t LIMIT = 1 << 31           # of pixels and options: products stay in 64 bits
cdef Py_ssize_t BIG = 1 << 16             # outputs from which the GIL is released
cdef enum:
    NONE = -2147483648                    # the tap of a window that has met no maximum yet


cdef struct Shape:
    Py_ssize_t planes, h, w               # x (planes, H, W)
    Py_ssize_t oh, ow                     # y (planes, OH, OW)
    Py_ssize_t kh, kw, sh, sw, ph, pw, dh, dw


cdef bint output_size(
    Py_ssize_t length, Py_ssize_t k, Py_ssize_t s, Py_ssize_t p, Py_ssize_t d, bint ceil_mode,
    Py_ssize_t *out,
) noexcept:
    """The number of windows along one axis; False if there is none or an option is wrong"""
    cdef Py_ssize_t spare
    if min(length, k, s, d) < 1 or p < 0 or max(length, k, s, d) >= LIMIT or 2 * p > k:
        return False
    spare = length + 2 * p - d * (k - 1) - 1
    if ceil_mode:
        spare += s - 1
    if spare < 0:
        return False
    out[0] = spare // s + 1
    if ceil_mode and (out[0] - 1) * s >= length + p:
        out[0] -= 1
    return out[0] >= 1


cdef bint understand(
    Shape *s, cnp.ndarray a, size, window, stride, padding, dilation, bint ceil_mode
) except -1:
    """Fill `s` for images of `size` (None: of `a`) behind the leading axes of `a`

    False if it is no pooling.
    """
    cdef int i, kind = cnp.PyArray_TYPE(a), ndim = cnp.PyArray_NDIM(a)
    if ndim < 2 or (kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64):
        return False
    s.planes = 1
    for i in range(ndim - 2):
        s.planes *= cnp.PyArray_DIM(a, i)
    if size is None:
        s.h, s.w = cnp.PyArray_DIM(a, ndim - 2), cnp.PyArray_DIM(a, ndim - 1)
    else:
        s.h, s.w = size
    s.kh, s.kw = window
    s.sh, s.sw = stride
    s.ph, s.pw = padding
    s.dh, s.dw = dilation
    return (
        output_size(s.h, s.kh, s.sh, s.ph, s.dh, ceil_mode, &s.oh)
        and output_size(s.w, s.kw, s.sw, s.pw, s.dw, ceil_mode, &s.ow)
        and <double> s.h * s.w < LIMIT
        and <double> s.kh * s.dh * s.w + <double> s.kw * s.dw < LIMIT
    )


cdef inline cnp.ndarray plain(cnp.ndarray a):
    """`a` itself or a copy that C can index: C order, aligned, native"""
    if cnp.PyArray_ISCARRAY_RO(a):
        return a
    return np.ascontiguousarray(a, dtype=a.dtype.newbyteorder("="))


cdef cnp.ndarray images_like(cnp.ndarray a, Py_ssize_t h, Py_ssize_t w, int kind):
    """An uninitialised array with the leading axes of `a` and these two behind them"""
    cdef cnp.npy_intp[64] shape
    cdef int i, ndim = cnp.PyArray_NDIM(a)
    for i in range(ndim - 2):
        shape[i] = cnp.PyArray_DIM(a, i)
    shape[ndim - 2], shape[ndim - 1] = h, w
    return cnp.PyArray_EMPTY(ndim, shape, kind, 0)


cdef inline void inside(
    Py_ssize_t start, Py_ssize_t step, Py_ssize_t length, Py_ssize_t count,
    Py_ssize_t *first, Py_ssize_t *end,
) noexcept nogil:
    """The q of [0, count) for which start + q step lies in [0, length): [first, end)"""
    first[0] = min(count, (step - 1 - start) // step) if start < 0 else 0
    end[0] = min(count, (length - 1 - start) // step + 1) if start < length else 0


# ---------------------------------------------------------------------- maximum


cdef inline void take_larger(
    const real *x, Py_ssize_t step, Py_ssize_t first, Py_ssize_t end, int32_t tap,
    real *y, int32_t *taps,
) noexcept nogil:
    """Where x[q step] > y[q], or is NaN: y[q], taps[q] := x[q step], tap"""
    cdef Py_ssize_t q
    cdef real v
    cdef bint larger
    for q in range(first, end):
        v = x[q * step]
        larger = (v > y[q]) | (v != v)
        y[q] = v if larger else y[q]
        taps[q] = tap if larger else taps[q]


cdef cnp.int64_t first_tap(const Shape *s, Py_ssize_t y, Py_ssize_t x) noexcept nogil:
    """Place of the first pixel of the window that starts at (y, x); -1 if it misses the image"""
    if y < 0:
        y += (s.dh - 1 - y) // s.dh * s.dh
    if x < 0:
        x += (s.dw - 1 - x) // s.dw * s.dw
    return y * s.w + x if y < s.h and x < s.w else -1


cdef void max_rows(
    const Shape *s, const real *x, real *y, cnp.int64_t *indices, int32_t *taps
) noexcept nogil:
    cdef Py_ssize_t n, p, q, i, j, row, column, first, end
    cdef const real *source
    cdef int32_t tap
    for n in range(s.planes):
        for p in range(s.oh):
            for q in range(s.ow):
                y[q] = -INFINITY
                taps[q] = NONE
            for i in range(s.kh):
                row = p * s.sh - s.ph + i * s.dh
                if row < 0 or row >= s.h:
                    continue
                for j in range(s.kw):
                    column = j * s.dw - s.pw
                    inside(column, s.sw, s.w, s.ow, &first, &end)
                    source = x + row * s.w + column
                    tap = <int32_t> (i * s.dh * s.w + j * s.dw)
                    if s.sw == 1:
                        take_larger(source, 1, first, end, tap, y, taps)
                    elif s.sw == 2:
                        take_larger(source, 2, first, end, tap, y, taps)
                    else:
                        take_larger(source, s.sw, first, end, tap, y, taps)
            for q in range(s.ow):
                row, column = p * s.sh - s.ph, q * s.sw - s.pw
                if taps[q] == NONE:  # all are -inf, or there is none
                    indices[q] = first_tap(s, row, column)
                else:
                    indices[q] = row * s.w + column + taps[q]
            y += s.ow
            indices += s.ow
        x += s.h * s.w


def max_pool2d(cnp.ndarray x, window, stride, padding, dilation, ceil_mode):
    """y[..., p, q] := max of the window; indices := its place i W + j in the image

    The first of equal maxima counts and, as in PyTorch, the last NaN. A dilated window can miss
    the image altogether: its maximum is -inf, its index -1.
    """
    cdef Shape s
    cdef cnp.ndarray a, y, indices
    cdef void *p
    cdef void *q
    cdef cnp.int64_t *r
    cdef int32_t *taps
    cdef bint single = cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32
    if not understand(&s, x, None, window, stride, padding, dilation, ceil_mode):
        return reference.max_pool2d(x, window, stride, padding, dilation, ceil_mode)
    a = plain(x)
    y = images_like(x, s.oh, s.ow, cnp.PyArray_TYPE(x))
    indices = images_like(x, s.oh, s.ow, cnp.NPY_INT64)
    p, q, r = cnp.PyArray_DATA(a), cnp.PyArray_DATA(y), <cnp.int64_t *> cnp.PyArray_DATA(indices)
    taps = <int32_t *> malloc(s.ow * sizeof(int32_t))
    if taps == NULL:
        raise MemoryError("max_pool2d: no memory for a row of indices")
    if cnp.PyArray_SIZE(y) > BIG:
        with nogil:
            if single:
                max_rows(&s, <float *> p, <float *> q, r, taps)
            else:
                max_rows(&s, <double *> p, <double *> q, r, taps)
    elif single:
        max_rows(&s, <float *> p, <float *> q, r, taps)
    else:
        max_rows(&s, <double *> p, <double *> q, r, taps)
    free(taps)
    return y, indices


cdef Py_ssize_t by_index(
    bint scatter, const cnp.int64_t *indices, Py_ssize_t repeats, Py_ssize_t planes,
    Py_ssize_t outputs, Py_ssize_t pixels, real *y, real *x,
) noexcept nogil:
    """x[indices] += y (scatter) or y := x[indices], plane by plane; how many indices are wrong"""
    cdef Py_ssize_t k, n, q, wrong = 0
    cdef cnp.int64_t place
    cdef const cnp.int64_t *plane
    for k in range(repeats):
        plane = indices
        for n in range(planes):
            for q in range(outputs):
                place = plane[q]
                if <size_t> place < <size_t> pixels:
                    if scatter:
                        x[place] += y[q]
                    else:
                        y[q] = x[place]
                else:
                    wrong += place != -1
                    if not scatter:
                        y[q] = 0
            plane += outputs
            y += outputs
            x += pixels
    return wrong


cdef Py_ssize_t move(
    bint scatter, cnp.ndarray indices, Py_ssize_t repeats, cnp.ndarray y, cnp.ndarray x
):
    """`by_index` over all planes of `indices`, `repeats` times"""
    cdef cnp.ndarray places = plain(indices)
    cdef int ndim = cnp.PyArray_NDIM(indices)
    cdef Py_ssize_t outputs = cnp.PyArray_DIM(y, cnp.PyArray_NDIM(y) - 2)
    cdef Py_ssize_t pixels = cnp.PyArray_DIM(x, cnp.PyArray_NDIM(x) - 2)
    cdef Py_ssize_t planes = 1, wrong
    cdef const cnp.int64_t *p = <const cnp.int64_t *> cnp.PyArray_DATA(places)
    cdef void *q = cnp.PyArray_DATA(y)
    cdef void *r = cnp.PyArray_DATA(x)
    cdef int i
    outputs *= cnp.PyArray_DIM(y, cnp.PyArray_NDIM(y) - 1)
    pixels *= cnp.PyArray_DIM(x, cnp.PyArray_NDIM(x) - 1)
    for i in range(ndim - 2):
        planes *= cnp.PyArray_DIM(indices, i)
    if cnp.PyArray_TYPE(y) == cnp.NPY_FLOAT32:
        with nogil:
            wrong = by_index(scatter, p, repeats, planes, outputs, pixels, <float *> q, <float *> r)
    else:
        with nogil:
            wrong = by_index(
                scatter, p, repeats, planes, outputs, pixels, <double *> q, <double *> r
            )
    return wrong


cdef Py_ssize_t count_repeats(cnp.ndarray a, cnp.ndarray indices, bint same_size):
    """How often the planes of `indices` stand in the leading axes of `a`; -1 if it does not fit"""
    cdef int kind = cnp.PyArray_TYPE(a), ndim = cnp.PyArray_NDIM(indices)
    cdef int i, lead = cnp.PyArray_NDIM(a) - ndim
    cdef Py_ssize_t repeats = 1
    if kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64:
        return -1
    if cnp.PyArray_TYPE(indices) != cnp.NPY_INT64 or ndim < 2 or lead < 0:
        return -1
    for i in range(lead):
        repeats *= cnp.PyArray_DIM(a, i)
    for i in range(ndim if same_size else ndim - 2):
        if cnp.PyArray_DIM(a, lead + i) != cnp.PyArray_DIM(indices, i):
            return -1
    return repeats


def max_pool2d_grad(cnp.ndarray dy, cnp.ndarray indices, size):
    """dx[..., indices[..., p]] += dy[..., p], from 0: sends back what `max_pool2d` picked

    dy may have more leading axes than indices; size is the (H, W) of the images.
    """
    cdef cnp.ndarray dx
    cdef Py_ssize_t repeats = count_repeats(dy, indices, True), h, w
    h, w = size
    if repeats < 0 or h < 0 or w < 0:
        return reference.max_pool2d_grad(dy, indices, size)
    dx = images_like(dy, h, w, cnp.PyArray_TYPE(dy))
    memset(cnp.PyArray_DATA(dx), 0, cnp.PyArray_NBYTES(dx))
    if move(True, indices, repeats, plain(dy), dx):
        return reference.max_pool2d_grad(dy, indices, size)
    return dx


def max_pool2d_take(cnp.ndarray x, cnp.ndarray indices):
    """y[..., p] := x[..., indices[..., p]], 0 where the index is -1"""
    cdef cnp.ndarray y
    cdef Py_ssize_t repeats = count_repeats(x, indices, False)
    cdef int ndim = cnp.PyArray_NDIM(indices)
    if repeats < 0:
        return reference.max_pool2d_take(x, indices)
    y = images_like(x, cnp.PyArray_DIM(indices, ndim - 2), cnp.PyArray_DIM(indices, ndim - 1),
                    cnp.PyArray_TYPE(x))
    if move(False, indices, repeats, y, plain(x)):
        return reference.max_pool2d_take(x, indices)
    return y


# ---------------------------------------------------------------------- mean


cdef struct Span:
    Py_ssize_t begin, end                 # of a window along one axis, inside of the image
    Py_ssize_t counted                    # its length for the mean


cdef inline Span span(
    Py_ssize_t p, Py_ssize_t k, Py_ssize_t s, Py_ssize_t pad, Py_ssize_t length, bint padded
) noexcept nogil:
    """Window p of one axis; padded: what lies in the padding counts, but nothing beyond it"""
    cdef Span z
    z.begin = p * s - pad
    z.end = min(z.begin + k, length + pad)
    z.counted = z.end - z.begin
    z.begin, z.end = max(z.begin, 0), min(z.end, length)
    if not padded:
        z.counted = z.end - z.begin
    return z


cdef void mean_rows(
    const Shape *s, const real *x, real *y, bint padded, double divisor, double *sums
) noexcept nogil:
    cdef Py_ssize_t n, p, q, i, j, first, end
    cdef const real *source
    cdef Span rows, cols
    for n in range(s.planes):
        for p in range(s.oh):
            rows = span(p, s.kh, s.sh, s.ph, s.h, padded)
            for q in range(s.ow):
                sums[q] = 0
            for i in range(rows.begin, rows.end):
                for j in range(s.kw):
                    inside(j - s.pw, s.sw, s.w, s.ow, &first, &end)
                    source = x + i * s.w + j - s.pw
                    if s.sw == 1:
                        for q in range(first, end):
                            sums[q] += source[q]
                    elif s.sw == 2:
                        for q in range(first, end):
                            sums[q] += source[2 * q]
                    else:
                        for q in range(first, end):
                            sums[q] += source[s.sw * q]
            for q in range(s.ow):
                cols = span(q, s.kw, s.sw, s.pw, s.w, padded)
                y[q] = <real> (
                    sums[q] / (divisor if divisor != 0 else <double> (rows.counted * cols.counted))
                )
            y += s.ow
        x += s.h * s.w


cdef void spread_rows(
    const Shape *s, const real *dy, real *dx, bint padded, double divisor, double *shares
) noexcept nogil:
    cdef Py_ssize_t n, p, q, i, j, first, end
    cdef real *target
    cdef Span rows, cols
    for n in range(s.planes):
        for p in range(s.oh):
            rows = span(p, s.kh, s.sh, s.ph, s.h, padded)
            for q in range(s.ow):
                cols = span(q, s.kw, s.sw, s.pw, s.w, padded)
                shares[q] = dy[q] / (
                    divisor if divisor != 0 else <double> (rows.counted * cols.counted)
                )
            for i in range(rows.begin, rows.end):
                for j in range(s.kw):
                    inside(j - s.pw, s.sw, s.w, s.ow, &first, &end)
                    target = dx + i * s.w + j - s.pw
                    for q in range(first, end):
                        target[s.sw * q] += <real> shares[q]
            dy += s.ow
        dx += s.h * s.w


cdef cnp.ndarray pool_mean(
    Shape *s, bint backwards, cnp.ndarray source, cnp.ndarray target, bint padded, divisor
):
    """`mean_rows` or, backwards, `spread_rows`, from `source` into `target`"""
    cdef cnp.ndarray a = plain(source)
    cdef void *p = cnp.PyArray_DATA(a)
    cdef void *q = cnp.PyArray_DATA(target)
    cdef double divide = 0 if divisor is None else divisor
    cdef bint single = cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32
    cdef double *row = <double *> malloc(s.ow * sizeof(double))
    if row == NULL:
        raise MemoryError("avg_pool2d: no memory for a row of sums")
    with nogil:
        if single and backwards:
            spread_rows(s, <float *> p, <float *> q, padded, divide, row)
        elif single:
            mean_rows(s, <float *> p, <float *> q, padded, divide, row)
        elif backwards:
            spread_rows(s, <double *> p, <double *> q, padded, divide, row)
        else:
            mean_rows(s, <double *> p, <double *> q, padded, divide, row)
    free(row)
    return target


def avg_pool2d(
    cnp.ndarray x, window, stride, padding, ceil_mode, count_include_pad, divisor
):
    """y[..., p, q] := sum of the window / its area (or divisor)

    The area counts the padding if `count_include_pad`, but never what `ceil_mode` adds beyond it.
    """
    cdef Shape s
    if divisor == 0 or not understand(&s, x, None, window, stride, padding, (1, 1), ceil_mode):
        return reference.avg_pool2d(
            x, window, stride, padding, ceil_mode, count_include_pad, divisor
        )
    y = images_like(x, s.oh, s.ow, cnp.PyArray_TYPE(x))
    return pool_mean(&s, False, x, y, count_include_pad, divisor)


def avg_pool2d_grad(
    cnp.ndarray dy, size, window, stride, padding, ceil_mode, count_include_pad, divisor
):
    """dx[..., i, j] := sum over the windows (p, q) that see it of dy[..., p, q] / area"""
    cdef Shape s
    if (
        divisor == 0
        or not understand(&s, dy, size, window, stride, padding, (1, 1), ceil_mode)
        or cnp.PyArray_DIM(dy, cnp.PyArray_NDIM(dy) - 2) != s.oh
        or cnp.PyArray_DIM(dy, cnp.PyArray_NDIM(dy) - 1) != s.ow
    ):
        return reference.avg_pool2d_grad(
            dy, size, window, stride, padding, ceil_mode, count_include_pad, divisor
        )
    dx = images_like(dy, s.h, s.w, cnp.PyArray_TYPE(dy))
    memset(cnp.PyArray_DATA(dx), 0, cnp.PyArray_NBYTES(dx))
    return pool_mean(&s, True, dy, dx, count_include_pad, divisor)
