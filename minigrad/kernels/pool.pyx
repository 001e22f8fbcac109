"""Pooling: a window slides over each plane and hands on its maximum or its mean.

Both go through the window tap by tap and, for each tap, through many outputs at once, so that the
inner loop has no branches and reads the pixels in order:

    for each tap (i, j), for all (p, q):
        y[p, q] = max(y[p, q], x[p SH + i DH - PH, q SW + j DW - PW])

The mean does it row by row. The maximum first copies the plane into a `field` with its padding,
sorted by row mod SH: there the pixels of one tap lie SW apart for all outputs, from the first row
to the last, and the loop is as long as the plane. The place of a maximum is kept as the offset of
its tap, one number for all outputs.

Images are (..., H, W), float32 or float64; everything else goes to the twin in `reference`, which
computes it or says what is wrong.
"""

cimport numpy as cnp
from libc.math cimport INFINITY
from libc.stdint cimport int32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

import numpy as np

from minigrad.kernels import reference

cnp.import_array()

ctypedef fused real:
    float
    double

cdef Py_ssize_t LIMIT = 1 << 31           # of pixels and options: products stay in 64 bits
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
        # what all windows together can see, and the rounding of `field_of`
        and (s.h + 2.0 * s.kh * s.dh + s.sh) * (s.w + 2.0 * s.kw * s.dw + s.sw) < 1e15
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
    const real *x, Py_ssize_t step, Py_ssize_t count, int32_t tap, real *best, int32_t *taps,
) noexcept nogil:
    """Where x[q step] > best[q], or is NaN: best[q], taps[q] := x[q step], tap"""
    cdef Py_ssize_t q
    cdef real v
    cdef bint larger
    for q in range(count):
        v = x[q * step]
        larger = (v > best[q]) | (v != v)
        best[q] = v if larger else best[q]
        taps[q] = tap if larger else taps[q]


cdef cnp.int64_t first_tap(const Shape *s, Py_ssize_t y, Py_ssize_t x) noexcept nogil:
    """Place of the first pixel of the window that starts at (y, x); -1 if it misses the image"""
    if y < 0:
        y += (s.dh - 1 - y) // s.dh * s.dh
    if x < 0:
        x += (s.dw - 1 - x) // s.dw * s.dw
    return y * s.w + x if y < s.h and x < s.w else -1


cdef struct Field:
    Py_ssize_t sh, sw                     # the strides; 1 along an axis with a single window
    Py_ssize_t rows, cols                 # what the windows see of the padded plane
    Py_ssize_t phases, depth              # its rows, by their remainder mod sh: (phases, depth)
    Py_ssize_t width                      # cols, rounded up to a multiple of sw
    Py_ssize_t pitch                      # positions from one row of outputs to the next
    Py_ssize_t positions                  # of all outputs, rounded up to whole vectors


cdef Field field_of(const Shape *s) noexcept nogil:
    cdef Field f
    f.sh, f.sw = s.sh if s.oh > 1 else 1, s.sw if s.ow > 1 else 1
    f.rows = (s.oh - 1) * f.sh + (s.kh - 1) * s.dh + 1
    f.cols = (s.ow - 1) * f.sw + (s.kw - 1) * s.dw + 1
    f.phases = f.sh
    f.depth = (f.rows + f.sh - 1) // f.sh
    f.width = (f.cols + f.sw - 1) // f.sw * f.sw
    f.pitch = f.width // f.sw
    f.positions = ((s.oh - 1) * f.pitch + s.ow + 15) // 16 * 16
    return f


cdef void lay(const Shape *s, const Field *f, const real *x, real *field) noexcept nogil:
    """field[Y mod sh, Y div sh, X] := x[Y - PH, X - PW], inside of x"""
    cdef Py_ssize_t row, y, first, end
    first = s.pw
    end = min(f.cols, s.w + s.pw)
    for row in range(s.ph, min(f.rows, s.h + s.ph)):
        y = row % f.sh * f.depth + row // f.sh
        memcpy(field + y * f.width + first, x + (row - s.ph) * s.w, (end - first) * sizeof(real))


cdef void max_planes(
    const Shape *s, const Field *f, const real *x, real *y, cnp.int64_t *indices,
    real *field, real *best, int32_t *taps,
) noexcept nogil:
    cdef Py_ssize_t _, n, p, q, i, j, row, column
    cdef const real *source
    cdef int32_t tap
    for n in range(f.phases * f.depth * f.width + f.sw * 16):
        field[n] = -INFINITY
    for _ in range(s.planes):
        lay(s, f, x, field)
        for q in range(f.positions):
            best[q] = -INFINITY
            taps[q] = NONE
        for i in range(s.kh):
            row = i * s.dh % f.sh * f.depth + i * s.dh // f.sh
            for j in range(s.kw):
                source = field + row * f.width + j * s.dw
                tap = <int32_t> (i * s.dh * s.w + j * s.dw)
                if f.sw == 1:
                    take_larger(source, 1, f.positions, tap, best, taps)
                elif f.sw == 2:
                    take_larger(source, 2, f.positions, tap, best, taps)
                else:
                    take_larger(source, f.sw, f.positions, tap, best, taps)
        for p in range(s.oh):
            row = p * s.sh - s.ph
            for q in range(s.ow):
                column = q * s.sw - s.pw
                i = p * f.pitch + q
                y[q] = best[i]
                if taps[i] == NONE:  # all are -inf, or there is none
                    indices[q] = first_tap(s, row, column)
                else:
                    indices[q] = row * s.w + column + taps[i]
            y += s.ow
            indices += s.ow
        x += s.h * s.w


def max_pool2d(cnp.ndarray x, window, stride, padding, dilation, ceil_mode):
    """y[..., p, q] := max of the window; indices := its place i W + j in the image

    The first of equal maxima counts and, as in PyTorch, the last NaN. A dilated window can miss
    the image altogether: its maximum is -inf, its index -1.
    """
    cdef Shape s
    cdef Field f
    cdef cnp.ndarray a, y, indices
    cdef cnp.npy_intp size
    if not understand(&s, x, None, window, stride, padding, dilation, ceil_mode):
        return reference.max_pool2d(x, window, stride, padding, dilation, ceil_mode)
    f = field_of(&s)
    a = plain(x)
    y = images_like(x, s.oh, s.ow, cnp.PyArray_TYPE(x))
    indices = images_like(x, s.oh, s.ow, cnp.NPY_INT64)
    size = f.phases * f.depth * f.width + f.sw * 16
    field = cnp.PyArray_EMPTY(1, &size, cnp.PyArray_TYPE(x), 0)
    size = f.positions
    best = cnp.PyArray_EMPTY(1, &size, cnp.PyArray_TYPE(x), 0)
    taps = cnp.PyArray_EMPTY(1, &size, cnp.NPY_INT32, 0)
    max_into(&s, &f, a, y, indices, field, best, taps)
    return y, indices


cdef void max_into(
    const Shape *s, const Field *f, cnp.ndarray x, cnp.ndarray y, cnp.ndarray indices,
    cnp.ndarray field, cnp.ndarray best, cnp.ndarray taps,
) noexcept:
    """`max_planes` on arrays, without the GIL where that is worth it"""
    cdef void *a = cnp.PyArray_DATA(x)
    cdef void *b = cnp.PyArray_DATA(y)
    cdef void *c = cnp.PyArray_DATA(field)
    cdef void *d = cnp.PyArray_DATA(best)
    cdef cnp.int64_t *places = <cnp.int64_t *> cnp.PyArray_DATA(indices)
    cdef int32_t *t = <int32_t *> cnp.PyArray_DATA(taps)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        with nogil:
            max_planes(s, f, <float *> a, <float *> b, places, <float *> c, <float *> d, t)
    else:
        with nogil:
            max_planes(s, f, <double *> a, <double *> b, places, <double *> c, <double *> d, t)


cdef Py_ssize_t by_index(
    bint scatter, const cnp.int64_t *indices, Py_ssize_t repeats, Py_ssize_t planes,
    Py_ssize_t outputs, Py_ssize_t pixels, real *y, real *x,
) noexcept nogil:
    """x[indices] += y (scatter) or y := x[indices], plane by plane; how many indices are wrong"""
    cdef Py_ssize_t _, _plane, q, wrong = 0
    cdef cnp.int64_t place
    cdef const cnp.int64_t *plane
    for _ in range(repeats):
        plane = indices
        for _plane in range(planes):
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
            wrong = by_index(
                scatter, p, repeats, planes, outputs, pixels, <float *> q, <float *> r
            )
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
    cdef Py_ssize_t _, p, q, i, j, first, end
    cdef const real *source
    cdef Span rows, cols
    for _ in range(s.planes):
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
    cdef Py_ssize_t _, p, q, i, j, first, end
    cdef real *target
    cdef Span rows, cols
    for _ in range(s.planes):
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
