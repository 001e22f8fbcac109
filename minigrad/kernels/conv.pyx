"""Convolution as a matrix product whose second operand is never built.

im2col writes the window of every output pixel as a column: KH KW times the image. But row
(c, i, j) of that matrix is image plane c read from a shifted start. So copy each plane once, with
its padding, into a contiguous `field`, and let position r of a row be field[offset(c, i, j) + r]:

    field of one plane, WQ wide          y[o, r] = sum_k w[o, k] field[offset[k] + r]
    0 0 0 0 0 0
    0 a b c d 0        tap (0, 0) starts at offset 0,  (0, 1) at 1,  (1, 0) at WQ = 6, ...
    0 e f g h 0
    0 0 0 0 0 0        r = p WQ + q is output pixel (p, q); r with q >= OW is computed and dropped

A dilation only changes offsets. A stride splits the plane into SH SW phases (the rows p SH + a,
the columns q SW + b), each a field of its own in which every tap steps by one. The gradient by
the input is the same product over dy, one phase of dx at a time; the gradient by the weight is
the dot product of a row of dy with each shifted field. Small images are laid end to end and go
through as one.

The tile of `multiply` is ROWS outputs x COLUMNS vectors of positions: the accumulators, one vector
of each column and the broadcast weight fill the registers (8 x 3 of 32, 4 x 3 of 16).

Everything but float32 and float64 in valid shapes goes to the twin in `reference`, which
computes it or says what is wrong.
"""

cimport numpy as cnp
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

import numpy as np

from minigrad.kernels import reference

cnp.import_array()

cdef extern from *:
    """
    #if defined(__AVX512F__)
        #define CONV_BYTES 64
        enum { ROWS = 8, COLUMNS = 3, DY_ROWS = 4, X_ROWS = 6 };
    #elif defined(__AVX__)
        #define CONV_BYTES 32
        enum { ROWS = 4, COLUMNS = 3, DY_ROWS = 4, X_ROWS = 2 };
    #else
        #define CONV_BYTES 16
        enum { ROWS = 4, COLUMNS = 3, DY_ROWS = 4, X_ROWS = 2 };
    #endif
    #if defined(__GNUC__) || defined(__clang__)
        typedef float vf __attribute__((vector_size(CONV_BYTES), aligned(4), may_alias));
        typedef double vd __attribute__((vector_size(CONV_BYTES), aligned(8), may_alias));
    #else
        typedef float vf;
        typedef double vd;
    #endif
    static const vf zero_f = {0};
    static const vd zero_d = {0};
    """
    ctypedef float vf
    ctypedef double vd
    const vf zero_f
    const vd zero_d
    enum:
        ROWS, COLUMNS, DY_ROWS, X_ROWS

ctypedef fused real:
    float
    double

ctypedef fused vec:
    vf
    vd

cdef Py_ssize_t LIMIT = 1 << 31           # of every length and option: products stay in 64 bits
cdef Py_ssize_t POSITIONS = 1024          # images are laid end to end up to this many positions
cdef Py_ssize_t CHUNK_BYTES = 1 << 20     # what a pass of the weight gradient reads: an L2 cache
cdef double BIG = 1e6                     # multiplications from which the GIL is released


cdef struct Shape:
    Py_ssize_t n, c, h, w                 # x (N, C, H, W)
    Py_ssize_t o, kh, kw                  # w (O, CG, KH, KW)
    Py_ssize_t oh, ow                     # y (N, O, OH, OW)
    Py_ssize_t sh, sw, dh, dw
    Py_ssize_t top, left
    Py_ssize_t groups, cg, og             # channels of a group: in, out


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
    return cnp.PyArray_EMPTY(4, shape, kind, 0)


# ---------------------------------------------------------------------- fields
#
# What lies outside of the plane is never written: fields come zeroed and keep their geometry.


cdef inline void copy(char *target, const char *source, Py_ssize_t size) noexcept nogil:
    """memcpy for the rows of small images: moves of constant size, the last one overlapping"""
    cdef Py_ssize_t i
    if size >= 32:
        for i from 0 <= i < size - 32 by 32:
            memcpy(target + i, source + i, 32)
        memcpy(target + size - 32, source + size - 32, 32)
    elif size >= 16:
        memcpy(target, source, 16)
        memcpy(target + size - 16, source + size - 16, 16)
    elif size >= 8:
        memcpy(target, source, 8)
        memcpy(target + size - 8, source + size - 8, 8)
    elif size > 0:
        memcpy(target, source, 4)  # a float


cdef inline Py_ssize_t first_inside(Py_ssize_t pad, Py_ssize_t s) noexcept nogil:
    """The smallest i >= 0 with i s - pad >= 0"""
    return (pad + s - 1) // s if pad > 0 else 0


cdef inline Py_ssize_t end_inside(
    Py_ssize_t pad, Py_ssize_t s, Py_ssize_t length, Py_ssize_t count
) noexcept nogil:
    """The smallest i <= count from which on i s - pad >= length"""
    return min(count, (length + pad - 1) // s + 1) if length + pad > 0 else 0


cdef void lay(
    const real *x, Py_ssize_t h, Py_ssize_t w,                  # IN   a plane
    real *field, Py_ssize_t rows, Py_ssize_t cols,              # OUT
    Py_ssize_t top, Py_ssize_t left, Py_ssize_t sh, Py_ssize_t sw,
) noexcept nogil:
    """field[i, j] := x[i sh - top, j sw - left], wherever that lies in x"""
    cdef Py_ssize_t i, j, first = first_inside(left, sw), end = end_inside(left, sw, w, cols)
    cdef const real *source
    for i in range(first_inside(top, sh), end_inside(top, sh, h, rows)):
        source = x + (i * sh - top) * w - left
        if sw == 1:
            copy(<char *> (field + i * cols + first), <const char *> (source + first),
                 (end - first) * <Py_ssize_t> sizeof(real))
        else:
            for j in range(first, end):
                field[i * cols + j] = source[j * sw]


cdef void unlay(
    const real *field, Py_ssize_t rows, Py_ssize_t cols,        # IN
    real *x, Py_ssize_t h, Py_ssize_t w,                        # OUT  a plane
    Py_ssize_t top, Py_ssize_t left, Py_ssize_t sh, Py_ssize_t sw,
) noexcept nogil:
    """x[i sh - top, j sw - left] := field[i, j], wherever that lies in x"""
    cdef Py_ssize_t i, j, first = first_inside(left, sw), end = end_inside(left, sw, w, cols)
    cdef real *target
    for i in range(first_inside(top, sh), end_inside(top, sh, h, rows)):
        target = x + (i * sh - top) * w - left
        if sw == 1:
            copy(<char *> (target + first), <const char *> (field + i * cols + first),
                 (end - first) * <Py_ssize_t> sizeof(real))
        else:
            for j in range(first, end):
                target[j * sw] = field[i * cols + j]


# ---------------------------------------------------------------------- the two products
#
# `real` and `vec` are fused apart, though only (float, vf) and (double, vd) belong together: the
# two other combinations are compiled to nothing. `zero` is a vector of zeros, and says which.


cdef void pack(
    const real *w, Py_ssize_t step, const Py_ssize_t *index,    # IN   w[index[k] + i step]
    Py_ssize_t rows, Py_ssize_t taps, real *panels,             # OUT  (rows / ROWS, taps, ROWS)
) noexcept nogil:
    """panels[i // ROWS, k, i % ROWS] := weight of row i and tap k, 0 below the last row"""
    cdef Py_ssize_t i, j, k
    for i from 0 <= i < rows by ROWS:
        for k in range(taps):
            for j in range(ROWS):
                panels[j] = w[index[k] + (i + j) * step] if i + j < rows else 0
            panels += ROWS


cdef void tile(
    const real *panel, const Py_ssize_t *offsets, Py_ssize_t taps, const real *field,    # IN
    const real *start, real *out, Py_ssize_t stride, const vec *zero,                    # OUT out
) noexcept nogil:
    """out[i, r] := start[i] + sum_k panel[k, i] field[offsets[k] + r]: ROWS x COLUMNS vectors"""
    cdef vec acc[ROWS][COLUMNS]
    cdef vec b[COLUMNS]
    cdef const vec *source
    cdef vec *target
    cdef Py_ssize_t i, j, k
    if (real is float and vec is vd) or (real is double and vec is vf):
        pass
    else:
        for i in range(ROWS):
            for j in range(COLUMNS):
                acc[i][j] = zero[0] + start[i]
        for k in range(taps):
            source = <const vec *> (field + offsets[k])
            for j in range(COLUMNS):
                b[j] = source[j]
            for i in range(ROWS):
                for j in range(COLUMNS):
                    acc[i][j] = acc[i][j] + b[j] * panel[i]
            panel += ROWS
        for i in range(ROWS):
            target = <vec *> (out + i * stride)
            for j in range(COLUMNS):
                target[j] = acc[i][j]


cdef void line(
    const real *panel, const Py_ssize_t *offsets, Py_ssize_t taps, const real *field,    # IN
    real start, real *out, const vec *zero,                                              # OUT out
) noexcept nogil:
    """The tile of a single row, for what ROWS leaves over (a depthwise convolution is all such)"""
    cdef vec acc[COLUMNS]
    cdef const vec *source
    cdef vec *target
    cdef Py_ssize_t j, k
    if (real is float and vec is vd) or (real is double and vec is vf):
        pass
    else:
        for j in range(COLUMNS):
            acc[j] = zero[0] + start
        for k in range(taps):
            source = <const vec *> (field + offsets[k])
            for j in range(COLUMNS):
                acc[j] = acc[j] + source[j] * panel[k * ROWS]
        target = <vec *> out
        for j in range(COLUMNS):
            target[j] = acc[j]


cdef void multiply(
    const real *panels, Py_ssize_t rows, const Py_ssize_t *offsets, Py_ssize_t taps,     # IN
    const real *field, const real *start, Py_ssize_t positions,                          # IN
    real *out, Py_ssize_t stride, const vec *zero,                                       # OUT out
) noexcept nogil:
    """out[i, r] := start[i] + sum_k w[i, k] field[offsets[k] + r], i < rows, r < positions"""
    cdef Py_ssize_t i, j, r, step = COLUMNS * (sizeof(vec) // sizeof(real))
    for r from 0 <= r < positions by step:
        for i from 0 <= i < rows by ROWS:
            if rows - i > ROWS // 4:
                tile(panels + i * taps, offsets, taps, field + r, start + i,
                     out + i * stride + r, stride, zero)
            else:
                for j in range(rows - i):
                    line(panels + i * taps + j, offsets, taps, field + r, start[i + j],
                         out + (i + j) * stride + r, zero)


cdef void dots(
    const real *dy, Py_ssize_t stride, Py_ssize_t dy_image,                              # IN
    const real *field, const Py_ssize_t *offsets, Py_ssize_t x_image,                    # IN
    Py_ssize_t images, Py_ssize_t positions, real *sums, const vec *zero,                # OUT sums
) noexcept nogil:
    """sums[i, j] := sum_n sum_r dy[n, i, r] field[n, offsets[j] + r]: DY_ROWS x X_ROWS sums"""
    cdef vec acc[DY_ROWS][X_ROWS]
    cdef vec a[DY_ROWS]
    cdef vec b
    cdef const real *x[X_ROWS]
    cdef vec spread
    cdef const real *lane = <const real *> &spread
    cdef Py_ssize_t i, j, n, r, lanes = sizeof(vec) // sizeof(real)
    if (real is float and vec is vd) or (real is double and vec is vf):
        pass
    else:
        for i in range(DY_ROWS):
            for j in range(X_ROWS):
                acc[i][j] = zero[0]
        for n in range(images):
            for j in range(X_ROWS):
                x[j] = field + n * x_image + offsets[j]
            for r from 0 <= r < positions by lanes:
                for i in range(DY_ROWS):
                    a[i] = (<const vec *> (dy + i * stride + r))[0]
                for j in range(X_ROWS):
                    b = (<const vec *> (x[j] + r))[0]
                    for i in range(DY_ROWS):
                        acc[i][j] = acc[i][j] + a[i] * b
            dy += dy_image
        for i in range(DY_ROWS):
            for j in range(X_ROWS):
                spread = acc[i][j]
                sums[i * X_ROWS + j] = 0
                for n from 0 <= n < lanes by 2:
                    sums[i * X_ROWS + j] += lane[n] + lane[n + 1]


# ---------------------------------------------------------------------- where the taps are


cdef struct Taps:
    Py_ssize_t phases                     # of one axis: how many different (i d) mod s there are
    Py_ssize_t reach                      # the largest (i d) div s
    Py_ssize_t share                      # how many zeros end a field and begin the next as well
    Py_ssize_t *slot                      # (k,) which of the phases tap i reads
    Py_ssize_t *phase                     # (phases,) its (i d) mod s


cdef int find_taps(
    Taps *t, Py_ssize_t k, Py_ssize_t d, Py_ssize_t s,
    Py_ssize_t pad, Py_ssize_t length, Py_ssize_t out,
) noexcept nogil:
    """The phases of one axis of x, and what their fields share; -1 without memory"""
    cdef Py_ssize_t i, j, lead, trail
    t.phases = 0
    t.reach = (k - 1) * d // s
    t.slot = <Py_ssize_t *> malloc(2 * k * sizeof(Py_ssize_t))
    if t.slot == NULL:
        return -1
    t.phase = t.slot + k
    for i in range(k):
        for j in range(t.phases):
            if t.phase[j] == i * d % s:
                break
        else:
            j = t.phases
            t.phase[j] = i * d % s
            t.phases += 1
        t.slot[i] = j
    t.share = t.reach
    for j in range(t.phases):  # entry i of the field is x[i s + phase - pad]
        lead = max(0, (pad - t.phase[j] + s - 1) // s)
        trail = out + t.reach
        if length - 1 + pad >= t.phase[j]:
            trail -= (length - 1 + pad - t.phase[j]) // s + 1
        t.share = max(0, min(t.share, min(lead, trail)))
    return 0


cdef struct Space:
    Py_ssize_t *offsets                   # (taps,) where in the fields a tap starts
    Py_ssize_t *index                     # (taps,) where in the weight it stands
    void *panels
    void *start
    void *field
    void *out


cdef int acquire(
    Space *m, double taps, double panels, double start, double field, double out, size_t itemsize
) noexcept nogil:
    """Zeroed arrays of these many elements; -1 without memory. `release` it in any case."""
    memset(m, 0, sizeof(Space))
    if max(taps, panels, start, field, out) > 1e15:
        return -1
    m.offsets = <Py_ssize_t *> calloc(<size_t> taps + 1, sizeof(Py_ssize_t))
    m.index = <Py_ssize_t *> calloc(<size_t> taps + 1, sizeof(Py_ssize_t))
    m.panels = calloc(<size_t> panels + 1, itemsize)
    m.start = calloc(<size_t> start + 1, itemsize)
    m.field = calloc(<size_t> field + 1, itemsize)
    m.out = calloc(<size_t> out + 1, itemsize)
    if m.offsets == NULL or m.index == NULL or m.panels == NULL or m.start == NULL:
        return -1
    return -1 if m.field == NULL or m.out == NULL else 0


cdef void release(Space *m, Taps *v, Taps *u) noexcept nogil:
    free(m.offsets)
    free(m.index)
    free(m.panels)
    free(m.start)
    free(m.field)
    free(m.out)
    free(v.slot)
    free(u.slot)


cdef inline Py_ssize_t up(Py_ssize_t n, Py_ssize_t step) noexcept nogil:
    """n, rounded up to a multiple of step"""
    return (n + step - 1) // step * step


cdef inline Py_ssize_t taps_of(const Taps *t, Py_ssize_t k, Py_ssize_t phase) noexcept nogil:
    """How many taps read this phase"""
    cdef Py_ssize_t i, count = 0
    for i in range(k):
        count += t.slot[i] == phase
    return count


# ---------------------------------------------------------------------- the three kernels


cdef void tap_offsets(
    const Shape *s, const Taps *v, const Taps *u, Py_ssize_t plane_size, Py_ssize_t cols,
    Space *m,
) noexcept nogil:
    """The taps (c, i, j) of fields of x: plane (c, phase of i, phase of j), shifted by i and j"""
    cdef Py_ssize_t c, i, j, plane, k = 0
    for c in range(s.cg):
        for i in range(s.kh):
            for j in range(s.kw):
                plane = (c * v.phases + v.slot[i]) * u.phases + u.slot[j]
                m.offsets[k] = plane * plane_size + i * s.dh // s.sh * cols + j * s.dw // s.sw
                m.index[k] = k
                k += 1


cdef void lay_image(
    const Shape *s, const Taps *v, const Taps *u, const real *x,                         # IN
    real *field, Py_ssize_t plane_size, Py_ssize_t rows, Py_ssize_t cols,                # OUT
) noexcept nogil:
    """The fields of the CG channels at x, each in all phases, plane_size apart"""
    cdef Py_ssize_t c, a, b
    for c in range(s.cg):
        for a in range(v.phases):
            for b in range(u.phases):
                lay(x + c * s.h * s.w, s.h, s.w, field, rows, cols,
                    s.top - v.phase[a], s.left - u.phase[b], s.sh, s.sw)
                field += plane_size


cdef int forward(
    const Shape *s, const real *x, const real *w, const real *bias, real *y, const vec *zero,
) noexcept nogil:
    """y := bias + w * x; -1 without memory"""
    cdef Taps v, u
    cdef Space m
    cdef Py_ssize_t rows, cols, area, images, taps, stride, plane_size, n, i, many, g, o
    cdef Py_ssize_t positions, tail, step = COLUMNS * (sizeof(vec) // sizeof(real))
    cdef int status = find_taps(&v, s.kh, s.dh, s.sh, s.top, s.h, s.oh)
    status |= find_taps(&u, s.kw, s.dw, s.sw, s.left, s.w, s.ow)
    rows, cols = s.oh + v.reach - v.share, s.ow + u.reach - u.share
    area = rows * cols
    tail = v.share * cols + u.share
    images = max(1, min(s.n, POSITIONS // area))
    plane_size = images * area
    taps = s.cg * s.kh * s.kw
    stride = up(plane_size, step)
    status |= acquire(
        &m, taps, <double> up(s.og, ROWS) * taps, up(s.og, ROWS),
        <double> s.cg * v.phases * u.phases * plane_size + tail + step,
        <double> up(s.og, ROWS) * stride, sizeof(real),
    )
    if status == 0:
        tap_offsets(s, &v, &u, plane_size, cols, &m)
        for g in range(s.groups):
            pack(w + g * s.og * taps, taps, m.index, s.og, taps, <real *> m.panels)
            if bias != NULL:
                memcpy(m.start, bias + g * s.og, s.og * sizeof(real))
            for n from 0 <= n < s.n by images:
                many = min(images, s.n - n)
                for i in range(many):
                    lay_image(s, &v, &u, x + ((n + i) * s.c + g * s.cg) * s.h * s.w,
                              <real *> m.field + i * area, plane_size, rows, cols)
                positions = (many - 1) * area + (s.oh - 1) * cols + s.ow
                multiply(<real *> m.panels, s.og, m.offsets, taps, <real *> m.field,
                         <real *> m.start, positions, <real *> m.out, stride, zero)
                for i in range(many):
                    for o in range(s.og):
                        unlay(<real *> m.out + o * stride + i * area, s.oh, cols,
                              y + ((n + i) * s.o + g * s.og + o) * s.oh * s.ow, s.oh, s.ow,
                              0, 0, 1, 1)
    release(&m, &v, &u)
    return status


cdef int input_grad(
    const Shape *s, const real *dy, const real *w, real *dx, const vec *zero,
) noexcept nogil:
    """dx := the adjoint of `forward` in x, applied to dy; -1 without memory

    Padded, dx has row Y = top + y. Tap i adds dy[p] to Y = p SH + i DH, so the rows of one phase,
    Y = t SH + a, receive dy[t - (i DH) div SH] from the taps with (i DH) mod SH = a.
    """
    cdef Taps v, u
    cdef Space m
    cdef Py_ssize_t rows, cols, area, images, taps, stride, plane_size, n, i, j, many, g, o, c
    cdef Py_ssize_t a, b, k, begin, t0, u0, height, width, positions, panel, tail
    cdef Py_ssize_t step = COLUMNS * (sizeof(vec) // sizeof(real))
    cdef int status = find_taps(&v, s.kh, s.dh, s.sh, s.top, s.h, s.oh)
    status |= find_taps(&u, s.kw, s.dw, s.sw, s.left, s.w, s.ow)
    t0, u0 = s.top // s.sh, s.left // s.sw
    height = (s.top + s.h - 1) // s.sh - t0 + 1
    width = (s.left + s.w - 1) // s.sw - u0 + 1
    v.share = max(0, min(v.reach - t0, height - s.oh + t0))
    u.share = max(0, min(u.reach - u0, width - s.ow + u0))
    rows, cols = height + v.reach - v.share, width + u.reach - u.share
    area = rows * cols
    tail = v.share * cols + u.share
    images = max(1, min(s.n, POSITIONS // area))
    plane_size = images * area
    taps = s.og * s.kh * s.kw
    stride = up(plane_size, step)
    panel = up(s.cg, ROWS)
    status |= acquire(
        &m, taps, <double> panel * taps, panel, <double> s.og * plane_size + tail + step,
        <double> panel * stride, sizeof(real),
    )
    if status == 0:
        if v.phases < s.sh or u.phases < s.sw:  # some phases have no tap
            memset(dx, 0, s.n * s.c * s.h * s.w * sizeof(real))
        k = 0
        for a in range(v.phases):
            for b in range(u.phases):
                for o in range(s.og):
                    for i in range(s.kh):
                        for j in range(s.kw):
                            if v.slot[i] == a and u.slot[j] == b:
                                m.offsets[k] = (
                                    o * plane_size + (v.reach - i * s.dh // s.sh) * cols
                                    + u.reach - j * s.dw // s.sw
                                )
                                m.index[k] = (o * s.cg * s.kh + i) * s.kw + j
                                k += 1
        for g in range(s.groups):
            begin = 0
            for a in range(v.phases):
                for b in range(u.phases):
                    k = s.og * taps_of(&v, s.kh, a) * taps_of(&u, s.kw, b)
                    pack(w + g * s.og * s.cg * s.kh * s.kw, s.kh * s.kw, m.index + begin,
                         s.cg, k, <real *> m.panels + begin * panel)
                    begin += k
            for n from 0 <= n < s.n by images:
                many = min(images, s.n - n)
                for o in range(s.og):
                    for i in range(many):
                        lay(dy + ((n + i) * s.o + g * s.og + o) * s.oh * s.ow, s.oh, s.ow,
                            <real *> m.field + o * plane_size + i * area, rows, cols,
                            v.reach - t0, u.reach - u0, 1, 1)
                positions = (many - 1) * area + (height - 1) * cols + width
                begin = 0
                for a in range(v.phases):
                    for b in range(u.phases):
                        k = s.og * taps_of(&v, s.kh, a) * taps_of(&u, s.kw, b)
                        multiply(<real *> m.panels + begin * panel, s.cg, m.offsets + begin, k,
                                 <real *> m.field, <real *> m.start, positions,
                                 <real *> m.out, stride, zero)
                        begin += k
                        for i in range(many):
                            for c in range(s.cg):
                                unlay(<real *> m.out + c * stride + i * area, height, cols,
                                      dx + ((n + i) * s.c + g * s.cg + c) * s.h * s.w,
                                      s.h, s.w, s.top - v.phase[a] - t0 * s.sh,
                                      s.left - u.phase[b] - u0 * s.sw, s.sh, s.sw)
    release(&m, &v, &u)
    return status


cdef int weight_grad(
    const Shape *s, const real *dy, const real *x, real *dw, const vec *zero,
) noexcept nogil:
    """dw := the adjoint of `forward` in w, applied to dy; -1 without memory

    dy is laid in rows as wide as the fields of x, with zeros in the columns without a pixel.
    """
    cdef Taps v, u
    cdef Space m
    cdef Py_ssize_t rows, cols, area, images, taps, stride, planes, n, i, j, many, g, o, k
    cdef Py_ssize_t tail, lanes = sizeof(vec) // sizeof(real)
    cdef Py_ssize_t[X_ROWS] start
    cdef real[DY_ROWS * X_ROWS] sums
    cdef real *target
    cdef int status = find_taps(&v, s.kh, s.dh, s.sh, s.top, s.h, s.oh)
    status |= find_taps(&u, s.kw, s.dw, s.sw, s.left, s.w, s.ow)
    rows, cols = s.oh + v.reach - v.share, s.ow + u.reach - u.share
    area = rows * cols
    tail = v.share * cols + u.share
    planes = s.cg * v.phases * u.phases
    taps = s.cg * s.kh * s.kw
    stride = up(s.oh * cols, lanes)
    images = max(1, min(s.n, CHUNK_BYTES // <Py_ssize_t> sizeof(real)
                        // (planes * area + up(s.og, DY_ROWS) * stride)))
    status |= acquire(
        &m, taps, 0, 0, <double> images * planes * area + tail + lanes,
        <double> images * up(s.og, DY_ROWS) * stride, sizeof(real),
    )
    if status == 0:
        memset(dw, 0, s.o * taps * sizeof(real))
        tap_offsets(s, &v, &u, area, cols, &m)
        for g in range(s.groups):
            for n from 0 <= n < s.n by images:
                many = min(images, s.n - n)
                for i in range(many):
                    lay_image(s, &v, &u, x + ((n + i) * s.c + g * s.cg) * s.h * s.w,
                              <real *> m.field + i * planes * area, area, rows, cols)
                    for o in range(s.og):
                        lay(dy + ((n + i) * s.o + g * s.og + o) * s.oh * s.ow, s.oh, s.ow,
                            <real *> m.out + (i * up(s.og, DY_ROWS) + o) * stride, s.oh, cols,
                            0, 0, 1, 1)
                for o from 0 <= o < s.og by DY_ROWS:
                    for k from 0 <= k < taps by X_ROWS:
                        for j in range(X_ROWS):
                            start[j] = m.offsets[min(k + j, taps - 1)]
                        dots(<real *> m.out + o * stride, stride, up(s.og, DY_ROWS) * stride,
                             <real *> m.field, start, planes * area, many,
                             (s.oh - 1) * cols + s.ow, sums, zero)
                        for i in range(min(DY_ROWS, s.og - o)):
                            target = dw + (g * s.og + o + i) * taps + k
                            for j in range(min(X_ROWS, taps - k)):
                                target[j] += sums[i * X_ROWS + j]
    release(&m, &v, &u)
    return status


# ---------------------------------------------------------------------- what Python calls


cdef enum Product:
    FORWARD, INPUT_GRAD, WEIGHT_GRAD


cdef int compute(
    const Shape *s, Product product, int kind, void *first, void *second, void *bias, void *out,
) noexcept nogil:
    if product == FORWARD:
        if kind == cnp.NPY_FLOAT32:
            return forward(s, <float *> first, <float *> second, <float *> bias, <float *> out,
                           &zero_f)
        return forward(s, <double *> first, <double *> second, <double *> bias, <double *> out,
                       &zero_d)
    if product == INPUT_GRAD:
        if kind == cnp.NPY_FLOAT32:
            return input_grad(s, <float *> first, <float *> second, <float *> out, &zero_f)
        return input_grad(s, <double *> first, <double *> second, <double *> out, &zero_d)
    if kind == cnp.NPY_FLOAT32:
        return weight_grad(s, <float *> first, <float *> second, <float *> out, &zero_f)
    return weight_grad(s, <double *> first, <double *> second, <double *> out, &zero_d)


cdef cnp.ndarray launch(
    const Shape *s, Product product, cnp.ndarray first, cnp.ndarray second, cnp.ndarray bias,
    cnp.ndarray out,
):
    """Compute into `out`, without the GIL where that is worth it"""
    cdef int kind = cnp.PyArray_TYPE(first), status
    cdef cnp.ndarray a = plain(first), b = plain(second)
    cdef cnp.ndarray c = a if bias is None else plain(bias)
    cdef void *p = cnp.PyArray_DATA(a)
    cdef void *q = cnp.PyArray_DATA(b)
    cdef void *r = NULL if bias is None else cnp.PyArray_DATA(c)
    cdef void *z = cnp.PyArray_DATA(out)
    if <double> s.n * s.o * s.oh * s.ow * s.cg * s.kh * s.kw > BIG:
        with nogil:
            status = compute(s, product, kind, p, q, r, z)
    else:
        status = compute(s, product, kind, p, q, r, z)
    if status:
        raise MemoryError(f"conv2d: no memory for {s.c} channels of {s.h} x {s.w} pixels")
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
        launch(&s, WEIGHT_GRAD, dy, x, None, dw)
        # Zeros around dy met pixels of x: one that is not finite made too many weights NaN.
        if np.isfinite(dw).all():
            return dw
    return reference.conv2d_weight_grad(dy, x, w_shape, stride, padding, dilation, groups)
