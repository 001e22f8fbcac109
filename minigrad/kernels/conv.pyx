"""Convolution and its two gradients. How they are computed: conv.h.

Everything but float32 and float64 in valid shapes goes to the twin in `reference`, which
computes it or says what is wrong.
"""

cimport numpy as cnp

import numpy as np

from minigrad.kernels import reference, threads

from minigrad.kernels.memory cimport new_array
from minigrad.kernels.threads cimport Piece, parallel

cnp.import_array()

cdef extern from "conv.h" nogil:
    ctypedef struct Shape:
        Py_ssize_t n, c, h, w                 # x (N, C, H, W)
        Py_ssize_t o, kh, kw                  # w (O, CG, KH, KW)
        Py_ssize_t oh, ow                     # y (N, O, OH, OW)
        Py_ssize_t sh, sw, dh, dw
        Py_ssize_t top, left
        Py_ssize_t groups, cg, og             # channels of a group: in, out
    ctypedef enum Product:
        FORWARD, INPUT_GRAD, WEIGHT_GRAD
    ctypedef struct Plan:
        Py_ssize_t pieces
        double work
    ctypedef void (*ConvParallel)(Piece piece, void* context, Py_ssize_t count) noexcept nogil
    int plan_open(Plan* q, const Shape* s, Product product, size_t itemsize) noexcept
    double plan_bytes(const Plan* q, Py_ssize_t slots) noexcept
    void plan_close(Plan* q) noexcept
    void conv_f32(const Plan* q, const void* images, const void* other, const void* bias,
                  void* out, char* memory, Py_ssize_t slots, ConvParallel run) noexcept
    void conv_f64(const Plan* q, const void* images, const void* other, const void* bias,
                  void* out, char* memory, Py_ssize_t slots, ConvParallel run) noexcept
    enum:
        SLOTS

cdef Py_ssize_t LIMIT = 1 << 31           # of every length and option: products stay in 64 bits
cdef double BIG = 1e6                     # multiplications from which the GIL is released


cdef bint understand(Shape *s, tuple x, tuple w, stride, padding, dilation, groups) except -1:
    """Fill `s`; False if it is no convolution (or one of absurd size)."""
    cdef Py_ssize_t bottom, right, spare_h, spare_w
    if len(x) != 4 or len(w) != 4:
        return False
    s.n, s.c, s.h, s.w = x
    s.o, s.cg, s.kh, s.kw = w
    s.sh, s.sw = stride
    s.dh, s.dw = dilation
    s.top, bottom, s.left, right = padding
    s.groups = groups
    if min(s.n, s.c, s.cg, s.top, bottom, s.left, right) < 0:
        return False
    if min(s.h, s.w, s.o, s.kh, s.kw, s.sh, s.sw, s.dh, s.dw, s.groups) < 1:
        return False
    if max(s.h, s.w, s.top, bottom, s.left, right, s.kh, s.kw, s.dh, s.dw, s.sh, s.sw) >= LIMIT:
        return False
    if max(s.n, s.c, s.o, s.groups) >= LIMIT or s.c != s.cg * s.groups or s.o % s.groups:
        return False
    spare_h = s.h + s.top + bottom - s.dh * (s.kh - 1) - 1
    spare_w = s.w + s.left + right - s.dw * (s.kw - 1) - 1
    if spare_h < 0 or spare_w < 0:
        return False
    s.oh = spare_h // s.sh + 1
    s.ow = spare_w // s.sw + 1
    s.og = s.o // s.groups
    return True


cdef inline bint same_floats(cnp.ndarray a, cnp.ndarray b) noexcept:
    cdef int kind = cnp.PyArray_TYPE(a)
    return kind == cnp.PyArray_TYPE(b) and (kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_FLOAT64)


cdef inline cnp.ndarray plain(cnp.ndarray a):
    """`a` itself or a copy that C can index: C order, aligned, native."""
    if cnp.PyArray_ISCARRAY_RO(a):
        return a
    return np.ascontiguousarray(a, dtype=a.dtype.newbyteorder("="))


cdef cnp.ndarray image_array(Py_ssize_t n, Py_ssize_t c, Py_ssize_t h, Py_ssize_t w, int kind):
    cdef cnp.npy_intp[4] shape
    shape[0], shape[1], shape[2], shape[3] = n, c, h, w
    return new_array(4, shape, kind)


cdef cnp.ndarray launch(
    const Shape *s, Product product, cnp.ndarray images, cnp.ndarray other, cnp.ndarray bias,
    cnp.ndarray out,
):
    """Compute into `out`, without the GIL where that is worth it"""
    cdef bint single = cnp.PyArray_TYPE(images) == cnp.NPY_FLOAT32
    cdef cnp.ndarray a = plain(images), b = plain(other)
    cdef cnp.ndarray c = a if bias is None else plain(bias)
    cdef void *p = cnp.PyArray_DATA(a)
    cdef void *q = cnp.PyArray_DATA(b)
    cdef void *r = NULL if bias is None else cnp.PyArray_DATA(c)
    cdef void *z = cnp.PyArray_DATA(out)
    cdef Plan plan
    cdef Py_ssize_t slots = 1
    cdef cnp.npy_intp bytes = -1
    cdef cnp.ndarray memory
    cdef char *m
    try:
        if plan_open(&plan, s, product, 4 if single else 8) == 0:
            if plan.pieces > 1:
                slots = min(plan.pieces, <Py_ssize_t> threads.get_limit(), <Py_ssize_t> SLOTS)
            if plan_bytes(&plan, slots) < 1e15:
                bytes = <cnp.npy_intp> plan_bytes(&plan, slots)
        if bytes < 0:
            raise MemoryError(f"conv2d: no memory for {s.c} channels of {s.h} x {s.w} pixels")
        memory = new_array(1, &bytes, cnp.NPY_UINT8)
        m = <char *> cnp.PyArray_DATA(memory)
        if plan.work > BIG:
            with nogil:
                (conv_f32 if single else conv_f64)(&plan, p, q, r, z, m, slots, parallel)
        else:
            (conv_f32 if single else conv_f64)(&plan, p, q, r, z, m, slots, parallel)
    finally:
        plan_close(&plan)
    return out


def conv2d(cnp.ndarray x, cnp.ndarray w, bias, stride, padding, dilation, groups):
    """y[n, o, p, q] := bias[o] + sum_cij w[o, c, i, j] x[n, c, p SH + i DH - top, ...]"""
    cdef Shape s
    if not (
        same_floats(x, w)
        and understand(&s, (<object> x).shape, (<object> w).shape, stride, padding, dilation,
                       groups)
        and (bias is None or (same_floats(x, bias) and bias.shape == (s.o,)))
    ):
        return reference.conv2d(x, w, bias, stride, padding, dilation, groups)
    y = image_array(s.n, s.o, s.oh, s.ow, cnp.PyArray_TYPE(x))
    return launch(&s, FORWARD, x, w, bias, y)


def conv2d_input_grad(cnp.ndarray dy, cnp.ndarray w, x_shape, stride, padding, dilation, groups):
    """dx[n, c, p SH + i DH - top, ...] += sum_o w[o, c, i, j] dy[n, o, p, q], from 0"""
    cdef Shape s
    if not (
        same_floats(dy, w)
        and understand(&s, tuple(x_shape), (<object> w).shape, stride, padding, dilation, groups)
        and (<object> dy).shape == (s.n, s.o, s.oh, s.ow)
        # The products below multiply the zeros around dy, too: 0 * inf must not appear.
        and np.isfinite(w).all()
    ):
        return reference.conv2d_input_grad(dy, w, x_shape, stride, padding, dilation, groups)
    dx = image_array(s.n, s.c, s.h, s.w, cnp.PyArray_TYPE(dy))
    return launch(&s, INPUT_GRAD, dy, w, None, dx)


def conv2d_weight_grad(cnp.ndarray dy, cnp.ndarray x, w_shape, stride, padding, dilation, groups):
    """dw[o, c, i, j] := sum_npq dy[n, o, p, q] x[n, c, p SH + i DH - top, ...]"""
    cdef Shape s
    if (
        same_floats(dy, x)
        and understand(&s, (<object> x).shape, tuple(w_shape), stride, padding, dilation, groups)
        and (<object> dy).shape == (s.n, s.o, s.oh, s.ow)
    ):
        dw = image_array(s.o, s.cg, s.kh, s.kw, cnp.PyArray_TYPE(dy))
        launch(&s, WEIGHT_GRAD, x, dy, None, dw)
        # Zeros around dy met pixels of x: one that is not finite made too many weights NaN.
        if np.isfinite(dw).all():
            return dw
    return reference.conv2d_weight_grad(dy, x, w_shape, stride, padding, dilation, groups)
