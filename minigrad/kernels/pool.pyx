"""Pooling over windows of an image, its gradient, and taking from where the maxima were.

How it is computed: pool.h. Images are (..., H, W), float32 or float64; everything else goes to the
twin in `reference`, which computes it or says what is wrong.
"""

cimport numpy as cnp
from libc.stdint cimport int64_t

import numpy as np

from minigrad.kernels import reference, threads

from minigrad.kernels.memory cimport new_array
from minigrad.kernels.threads cimport Piece, parallel

cnp.import_array()

cdef extern from "pool.h" nogil:
    ctypedef struct Shape:
        Py_ssize_t planes, h, w               # x (planes, H, W)
        Py_ssize_t oh, ow                     # y (planes, OH, OW)
        Py_ssize_t kh, kw, sh, sw, ph, pw, dh, dw
    ctypedef enum Kind:
        MAX, MAX_GRAD, MAX_TAKE, MEAN, MEAN_GRAD
    ctypedef struct Slots:
        char* memory
        size_t bytes
        Py_ssize_t count
    ctypedef struct Pooling:
        Shape s
        Kind kind
        Py_ssize_t pieces, index_planes
        void* from_ "from"
        void* to
        int64_t* indices
        bint padded, wrong
        double divisor
        Slots slots
    size_t pooling_open(Pooling* job, size_t itemsize) noexcept
    void pool_piece_f32(void* job, Py_ssize_t index) noexcept
    void pool_piece_f64(void* job, Py_ssize_t index) noexcept
    enum:
        SLOTS

cdef Py_ssize_t LIMIT = 1 << 31           # of pixels and options: products stay in 64 bits


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
    return new_array(ndim, shape, kind)


cdef void run(Pooling* job, Kind kind, cnp.ndarray source, cnp.ndarray target) except *:
    """One of the kinds of pooling, from `source` into `target`, for the rest of what `job` says"""
    cdef bint single = cnp.PyArray_TYPE(target) == cnp.NPY_FLOAT32
    cdef cnp.ndarray a = plain(source), memory
    cdef cnp.npy_intp bytes
    cdef Piece piece = pool_piece_f32 if single else pool_piece_f64
    job.kind = kind
    job.from_, job.to = cnp.PyArray_DATA(a), cnp.PyArray_DATA(target)
    bytes = pooling_open(job, 4 if single else 8)
    job.slots.count = 1
    if job.pieces > 1:
        job.slots.count = min(job.pieces, <Py_ssize_t> threads.get_limit(), <Py_ssize_t> SLOTS)
    bytes *= job.slots.count
    memory = new_array(1, &bytes, cnp.NPY_UINT8)
    job.slots.memory = cnp.PyArray_BYTES(memory)
    with nogil:
        parallel(piece, job, job.pieces)


# ---------------------------------------------------------------------- maximum


def max_pool2d(cnp.ndarray x, window, stride, padding, dilation, ceil_mode):
    """y[..., p, q] := max of the window; indices := its place i W + j in the image

    The first of equal maxima counts and, as in PyTorch, the last NaN. A dilated window can miss
    the image altogether: its maximum is -inf, its index -1.
    """
    cdef Pooling job
    cdef cnp.ndarray y, indices
    if not understand(&job.s, x, None, window, stride, padding, dilation, ceil_mode):
        return reference.max_pool2d(x, window, stride, padding, dilation, ceil_mode)
    y = images_like(x, job.s.oh, job.s.ow, cnp.PyArray_TYPE(x))
    indices = images_like(x, job.s.oh, job.s.ow, cnp.NPY_INT64)
    job.indices = <int64_t*> cnp.PyArray_DATA(indices)
    run(&job, MAX, x, y)
    return y, indices


cdef bint move(Kind kind, cnp.ndarray indices, Py_ssize_t repeats, cnp.ndarray y, cnp.ndarray x):
    """x[indices] += y or y := x[indices], plane by plane; whether an index is wrong"""
    cdef Pooling job
    cdef cnp.ndarray places = plain(indices)
    cdef int i, ndim = cnp.PyArray_NDIM(indices)
    job.s.oh, job.s.ow = cnp.PyArray_DIM(indices, ndim - 2), cnp.PyArray_DIM(indices, ndim - 1)
    job.s.h = cnp.PyArray_DIM(x, cnp.PyArray_NDIM(x) - 2)
    job.s.w = cnp.PyArray_DIM(x, cnp.PyArray_NDIM(x) - 1)
    job.index_planes = 1
    for i in range(ndim - 2):
        job.index_planes *= cnp.PyArray_DIM(indices, i)
    job.s.planes = job.index_planes * repeats
    job.indices = <int64_t*> cnp.PyArray_DATA(places)
    if kind == MAX_GRAD:
        run(&job, kind, y, x)
    else:
        run(&job, kind, x, y)
    return job.wrong


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
    if move(MAX_GRAD, indices, repeats, dy, dx):
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
    if move(MAX_TAKE, indices, repeats, y, x):
        return reference.max_pool2d_take(x, indices)
    return y


# ---------------------------------------------------------------------- mean


def avg_pool2d(
    cnp.ndarray x, window, stride, padding, ceil_mode, count_include_pad, divisor
):
    """y[..., p, q] := sum of the window / its area (or divisor)

    The area counts the padding if `count_include_pad`, but never what `ceil_mode` adds beyond it.
    """
    cdef Pooling job
    if divisor == 0 or not understand(&job.s, x, None, window, stride, padding, (1, 1), ceil_mode):
        return reference.avg_pool2d(
            x, window, stride, padding, ceil_mode, count_include_pad, divisor
        )
    y = images_like(x, job.s.oh, job.s.ow, cnp.PyArray_TYPE(x))
    job.padded, job.divisor = count_include_pad, 0 if divisor is None else divisor
    run(&job, MEAN, x, y)
    return y


def avg_pool2d_grad(
    cnp.ndarray dy, size, window, stride, padding, ceil_mode, count_include_pad, divisor
):
    """dx[..., i, j] := sum over the windows (p, q) that see it of dy[..., p, q] / area"""
    cdef Pooling job
    if (
        divisor == 0
        or not understand(&job.s, dy, size, window, stride, padding, (1, 1), ceil_mode)
        or cnp.PyArray_DIM(dy, cnp.PyArray_NDIM(dy) - 2) != job.s.oh
        or cnp.PyArray_DIM(dy, cnp.PyArray_NDIM(dy) - 1) != job.s.ow
    ):
        return reference.avg_pool2d_grad(
            dy, size, window, stride, padding, ceil_mode, count_include_pad, divisor
        )
    dx = images_like(dy, job.s.h, job.s.w, cnp.PyArray_TYPE(dy))
    job.padded, job.divisor = count_include_pad, 0 if divisor is None else divisor
    run(&job, MEAN_GRAD, dy, dx)
    return dx
