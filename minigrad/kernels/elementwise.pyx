"""One number in, one number out: arithmetic with broadcasting, the common functions, their slopes.

The inner loops are the two tables of C expressions below, and those of `vmath.h`; what is around
them decides in a few nanoseconds whether such a loop may run: float32 or float64, C order, and for
two operands a broadcast of one into the other,

    x  (outer, mid, inner)       same shape   outer = 1, inner = 1
    y  (       mid       )       a bias row   inner = 1          a scalar   mid = 1
                                 a column     outer = 1          a channel  neither is 1

Operands laid out otherwise are first copied into C order (`gather.h`). Everything else goes to
the NumPy twin in `reference`. Large arrays are cut into pieces for threads, by shape alone.
"""

cimport numpy as cnp
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.long cimport PyLong_AsDouble, PyLong_CheckExact

from minigrad.kernels import reference
from minigrad.kernels.memory cimport new_array
from minigrad.kernels.threads cimport parallel

cnp.import_array()

ctypedef void (*Binary)(const void*, const void*, void*, Py_ssize_t, int, int) noexcept nogil
ctypedef void (*Unary)(const void*, void*, Py_ssize_t) noexcept nogil

cdef extern from *:
    """
    #include "vmath.h"  /* exp, log, sin, tanh and others */
    #if defined(_MSC_VER)
    #define restrict __restrict
    #endif

    /* These loops move more than they compute, and half-length vectors move more: their loads and
       stores lie across two cache lines half as often (measured: 8 to 30 % from L3 and memory). */
    #if defined(__AVX512F__) && !defined(__clang__)
    #define STREAM static __attribute__((target("prefer-vector-width=256")))
    #else
    #define STREAM static
    #endif
    #if defined(__GNUC__) && !defined(__clang__)
    #define TWICE _Pragma("GCC unroll 2")
    #else
    #define TWICE
    #endif

    /* z[i] = f(x[i dx], y[i dy]) with steps 0 or 1: a step of 0 is a scalar operand. */
    #define BINARY_LOOP(NAME, T, EXPR)                                                           \\
        STREAM void NAME(const void *xp, const void *yp, void *zp,                               \\
                         Py_ssize_t n, int dx, int dy) {                                         \\
            const T *restrict x = (const T *)xp, *restrict y = (const T *)yp;                    \\
            T *restrict z = (T *)zp;                                                             \\
            if (dx && dy)                                                                        \\
            TWICE for (Py_ssize_t i = 0; i < n; i++) { T a = x[i], b = y[i]; z[i] = (EXPR); }    \\
            else if (dx) {                                                                       \\
                T b = *y;                                                                        \\
                TWICE for (Py_ssize_t i = 0; i < n; i++) { T a = x[i]; z[i] = (EXPR); }          \\
            } else {                                                                             \\
                T a = *x;                                                                        \\
                TWICE for (Py_ssize_t i = 0; i < n; i++) { T b = y[i]; z[i] = (EXPR); }          \\
            }                                                                                    \\
        }
    #define UNARY_LOOP(NAME, T, EXPR)                                                            \\
        STREAM void NAME(const void *xp, void *yp, Py_ssize_t n) {                               \\
            const T *restrict x = (const T *)xp;                                                 \\
            T *restrict y = (T *)yp;                                                             \\
            TWICE for (Py_ssize_t i = 0; i < n; i++) { T a = x[i]; y[i] = (EXPR); }              \\
        }
    #define BINARY(NAME, EXPR) \\
        BINARY_LOOP(NAME##_f32, float, EXPR) BINARY_LOOP(NAME##_f64, double, EXPR)
    #define UNARY(NAME, EXPR) \\
        UNARY_LOOP(NAME##_f32, float, EXPR) UNARY_LOOP(NAME##_f64, double, EXPR)
    #define UNARY_LIBM(NAME, F) \\
        UNARY_LOOP(NAME##_f32, float, F##f(a)) UNARY_LOOP(NAME##_f64, double, F(a))

    BINARY(add, a + b)
    BINARY(sub, a - b)
    BINARY(mul, a * b)
    BINARY(div, a / b)
    BINARY(maximum, a > b || a != a ? a : b)             /* a != a: NaN wins */
    BINARY(minimum, a < b || a != a ? a : b)
    BINARY(relu_backward, b > 0 ? a : 0)
    BINARY(tanh_backward, a * ((1 - b) * (1 + b)))
    BINARY(sigmoid_backward, a * (b * (1 - b)))

    UNARY(neg, -a)
    UNARY_LIBM(abs, fabs)
    UNARY(sign, a > 0 ? 1 : a < 0 ? -1 : a == 0 ? 0 : a)
    UNARY_LIBM(sqrt, sqrt)
    UNARY_LIBM(rsqrt, 1 / sqrt)
    UNARY(square, a * a)
    UNARY(cube, a * a * a)
    UNARY(reciprocal, 1 / a)
    UNARY(relu, a <= 0 ? 0 : a)                          /* NaN is not <= 0, so it stays */

    #define ACCUMULATE(NAME, T)                                                                  \\
        STREAM void NAME(const void *yp, void *xp, Py_ssize_t n) {                               \\
            T *x = (T *)xp;                                                                      \\
            const T *y = (const T *)yp;                                                          \\
            TWICE for (Py_ssize_t i = 0; i < n; i++) x[i] += y[i];                               \\
        }
    ACCUMULATE(accumulate_f32, float)
    ACCUMULATE(accumulate_f64, double)
    """
    Binary add_f32, add_f64, sub_f32, sub_f64, mul_f32, mul_f64, div_f32, div_f64
    Binary maximum_f32, maximum_f64, minimum_f32, minimum_f64
    Binary relu_backward_f32, relu_backward_f64, tanh_backward_f32, tanh_backward_f64
    Binary sigmoid_backward_f32, sigmoid_backward_f64
    Unary neg_f32, neg_f64, abs_f32, abs_f64, sign_f32, sign_f64, sqrt_f32, sqrt_f64
    Unary rsqrt_f32, rsqrt_f64, square_f32, square_f64, cube_f32, cube_f64
    Unary reciprocal_f32, reciprocal_f64, relu_f32, relu_f64
    Unary erf_f32, erf_f64, exp_f32, exp_f64, log_f32, log_f64
    Unary log1p_f32, log1p_f64, expm1_f32, expm1_f64, sin_f32, sin_f64, cos_f32, cos_f64
    Unary tanh_f32, tanh_f64, sigmoid_f32, sigmoid_f64, softplus_f32, softplus_f64
    Unary accumulate_f32, accumulate_f64

cdef extern from "gather.h" nogil:
    void gather(const char* x, const cnp.npy_intp* dims, const cnp.npy_intp* steps, int ndim,
                char* y, Py_ssize_t size) noexcept

cdef enum:
    BIG = 1 << 15    # elements from which releasing the GIL is worth its cost
    PIECE = 1 << 15  # elements of a piece, for threads


# Which operands may take the fast path ------------------------------------------------------


cdef inline int float_kind(object x) noexcept:
    """NPY_FLOAT32 or NPY_FLOAT64 for a plain, aligned, native array in C order; else -1."""
    cdef int kind
    if not cnp.PyArray_CheckExact(x) or not cnp.PyArray_ISCARRAY_RO(<cnp.ndarray> x):
        return -1
    kind = cnp.PyArray_TYPE(<cnp.ndarray> x)
    return kind if kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_FLOAT64 else -1


cdef inline bint is_number(object x) noexcept:
    return PyFloat_CheckExact(x) or PyLong_CheckExact(x)


cdef inline object new_like(cnp.ndarray x):
    """An array of x's shape and dtype in C order, its numbers still to be written."""
    return new_array(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x))


cdef object in_c_order(object x, int* kind):
    """x copied into C order if that is all it lacks, else None; notes its dtype."""
    cdef cnp.ndarray y
    if not cnp.PyArray_CheckExact(x) or not cnp.PyArray_ISBEHAVED_RO(<cnp.ndarray> x):
        return None
    kind[0] = cnp.PyArray_TYPE(<cnp.ndarray> x)
    if kind[0] != cnp.NPY_FLOAT32 and kind[0] != cnp.NPY_FLOAT64:
        return None
    y = new_like(<cnp.ndarray> x)
    gather(<char*> cnp.PyArray_DATA(<cnp.ndarray> x), cnp.PyArray_DIMS(<cnp.ndarray> x),
           cnp.PyArray_STRIDES(<cnp.ndarray> x), cnp.PyArray_NDIM(<cnp.ndarray> x),
           <char*> cnp.PyArray_DATA(y), cnp.PyArray_ITEMSIZE(y))
    return y


cdef struct Blocks:
    Py_ssize_t outer, mid, inner


cdef bint broadcasts(cnp.ndarray x, cnp.ndarray y, Blocks* blocks) noexcept:
    """Whether y broadcasts to the shape of x as one run of axes; if so, which (see the top)."""
    cdef int first = 0, last = cnp.PyArray_NDIM(y), added = cnp.PyArray_NDIM(x) - last, i
    cdef cnp.npy_intp* dx
    cdef cnp.npy_intp* dy = cnp.PyArray_DIMS(y)
    blocks.outer = blocks.mid = blocks.inner = 1
    if added < 0:
        return False
    dx = cnp.PyArray_DIMS(x) + added
    for i in range(-added, 0):
        blocks.outer *= dx[i]
    while last > 0 and dy[last - 1] == 1:
        last -= 1
        blocks.inner *= dx[last]
    while first < last and dy[first] == 1:
        blocks.outer *= dx[first]
        first += 1
    for i in range(first, last):
        if dx[i] != dy[i]:
            return False
        blocks.mid *= dx[i]
    return True


# Loops over arrays, in pieces ---------------------------------------------------------------


cdef struct Flat:
    Unary one    # z := f(x), or z := z + x, where there is one operand
    Binary two   # z := f(x, y) with steps dx, dy of 0 or 1
    const char* x
    const char* y
    char* z
    Py_ssize_t n, size
    int dx, dy


cdef void flat_piece(void* context, Py_ssize_t index) noexcept nogil:
    cdef Flat* f = <Flat*> context
    cdef Py_ssize_t start = index * PIECE, at = start * f.size
    cdef Py_ssize_t n = min_of(PIECE, f.n - start)
    if f.one != NULL:
        f.one(f.x + at, f.z + at, n)
    else:
        f.two(f.x + at * f.dx, f.y + at * f.dy, f.z + at, n, f.dx, f.dy)


cdef inline void flat(Flat* f) noexcept:
    """All of it, in pieces of PIECE elements where there are two or more."""
    if f.n < BIG:
        if f.one != NULL:
            f.one(f.x, f.z, f.n)
        else:
            f.two(f.x, f.y, f.z, f.n, f.dx, f.dy)
    else:
        with nogil:
            parallel(flat_piece, f, (f.n + PIECE - 1) // PIECE)


cdef struct Steps:
    Binary loop
    const char* x
    const char* y
    char* z
    Blocks n
    Py_ssize_t size, each  # bytes of a number; rows of a piece
    bint swap              # f(y, x)


cdef void rows_piece(void* context, Py_ssize_t index) noexcept nogil:
    """z := f(x, y) row by row; y is the small operand: a row of it, or one number a row."""
    cdef Steps* s = <Steps*> context
    cdef Binary loop = s.loop
    cdef bint wide = s.n.inner == 1, swap = s.swap
    cdef Py_ssize_t length = s.n.mid if wide else s.n.inner, size = s.size
    cdef Py_ssize_t _row, row = index * s.each, step = length * size
    cdef Py_ssize_t end = min_of(row + s.each, s.n.outer if wide else s.n.outer * s.n.mid)
    cdef const char* x = s.x + row * step
    cdef const char* y = s.y
    cdef char* z = s.z + row * step
    cdef Py_ssize_t j = 0 if wide else row % s.n.mid
    for _row in range(row, end):
        if swap:
            loop(y + j * size, x, z, length, wide, 1)
        else:
            loop(x, y + j * size, z, length, 1, wide)
        x += step
        z += step
        if not wide:
            j += 1
            if j == s.n.mid:
                j = 0


cdef inline Py_ssize_t min_of(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return a if a < b else b


cdef object blockwise(Binary loop, cnp.ndarray x, cnp.ndarray y):
    """f(x, y) where one broadcasts into the other, else None."""
    cdef Steps s
    cdef Flat f
    cdef cnp.ndarray big = x, small = y, z
    if not broadcasts(x, y, &s.n):
        if not broadcasts(y, x, &s.n):
            return None
        big, small = y, x
    z = new_like(big)
    s.swap = big is not x
    cdef Py_ssize_t total = cnp.PyArray_SIZE(z), rows, length
    if total == 0:
        return z
    if s.n.mid == 1:  # a scalar: one long row
        f.one, f.two = NULL, loop
        f.x, f.y = <char*> cnp.PyArray_DATA(x), <char*> cnp.PyArray_DATA(y)
        f.z = <char*> cnp.PyArray_DATA(z)
        f.n, f.size, f.dx, f.dy = total, cnp.PyArray_ITEMSIZE(x), not s.swap, s.swap
        flat(&f)
        return z
    s.loop = loop
    s.x, s.y = <char*> cnp.PyArray_DATA(big), <char*> cnp.PyArray_DATA(small)
    s.z = <char*> cnp.PyArray_DATA(z)
    s.size = cnp.PyArray_ITEMSIZE(x)
    length, rows = s.n.inner, s.n.outer * s.n.mid
    if length == 1:
        length, rows = s.n.mid, s.n.outer
    if total < BIG:
        s.each = rows
        rows_piece(&s, 0)
    else:
        s.each = 1 + (PIECE - 1) // length
        with nogil:
            parallel(rows_piece, &s, (rows + s.each - 1) // s.each)
    return z


cdef object with_number(Binary loop, cnp.ndarray x, object number, int kind, bint swap):
    """f(x, number), or f(number, x) with `swap`; the number takes the array's dtype."""
    cdef double wide
    cdef float narrow
    cdef cnp.ndarray z
    cdef Flat f
    if PyFloat_CheckExact(number):
        wide = PyFloat_AS_DOUBLE(number)
    else:
        wide = PyLong_AsDouble(number)
    narrow = <float> wide
    z = new_like(x)
    cdef char* scalar = <char*> &narrow if kind == cnp.NPY_FLOAT32 else <char*> &wide
    cdef char* xp = <char*> cnp.PyArray_DATA(x)
    f.one, f.two = NULL, loop
    f.x, f.y = (scalar, xp) if swap else (xp, scalar)
    f.z = <char*> cnp.PyArray_DATA(z)
    f.n, f.size, f.dx, f.dy = cnp.PyArray_SIZE(x), cnp.PyArray_ITEMSIZE(x), not swap, swap
    flat(&f)
    return z


cdef object rearranged(Binary f32, Binary f64, object x, object y):
    """f(x, y), operands that are not in C order being copied into it; None for other dtypes."""
    cdef int kind, other
    cdef object plain = x, second = y
    kind, other = float_kind(x), float_kind(y)
    if kind == -1 and not is_number(x):
        plain = in_c_order(x, &kind)
        if plain is None:
            return None
    if other == -1 and not is_number(y):
        second = in_c_order(y, &other)
        if second is None:
            return None
    if plain is x and second is y:
        return None
    return binary(f32, f64, plain, second)


cdef object binary(Binary f32, Binary f64, object x, object y):
    """z := f(x, y) on a fast path, or None."""
    cdef int kind = float_kind(x)
    cdef Binary loop
    cdef cnp.ndarray z
    cdef Flat f
    if kind == -1:
        if is_number(x):
            kind = float_kind(y)
            if kind != -1:
                loop = f32 if kind == cnp.NPY_FLOAT32 else f64
                return with_number(loop, <cnp.ndarray> y, x, kind, True)
        return rearranged(f32, f64, x, y)
    loop = f32 if kind == cnp.NPY_FLOAT32 else f64
    if kind != float_kind(y):
        if is_number(y):
            return with_number(loop, <cnp.ndarray> x, y, kind, False)
        return rearranged(f32, f64, x, y)
    cdef int ndim = cnp.PyArray_NDIM(<cnp.ndarray> x)
    if ndim != cnp.PyArray_NDIM(<cnp.ndarray> y) or not cnp.PyArray_CompareLists(
        cnp.PyArray_DIMS(<cnp.ndarray> x), cnp.PyArray_DIMS(<cnp.ndarray> y), ndim
    ):
        return blockwise(loop, <cnp.ndarray> x, <cnp.ndarray> y)
    z = new_like(<cnp.ndarray> x)
    f.one, f.two = NULL, loop
    f.x, f.y = <char*> cnp.PyArray_DATA(<cnp.ndarray> x), <char*> cnp.PyArray_DATA(<cnp.ndarray> y)
    f.z = <char*> cnp.PyArray_DATA(z)
    f.n, f.size, f.dx, f.dy = cnp.PyArray_SIZE(z), cnp.PyArray_ITEMSIZE(z), 1, 1
    flat(&f)
    return z


cdef object unary(Unary f32, Unary f64, object x):
    """y := f(x) on the fast path, or None."""
    cdef int kind = float_kind(x)
    cdef cnp.ndarray y
    cdef Flat f
    if kind == -1:
        x = in_c_order(x, &kind)
        if x is None:
            return None
    y = new_like(<cnp.ndarray> x)
    f.one, f.two = f32 if kind == cnp.NPY_FLOAT32 else f64, NULL
    f.x, f.y = <char*> cnp.PyArray_DATA(<cnp.ndarray> x), NULL
    f.z = <char*> cnp.PyArray_DATA(y)
    f.n, f.size = cnp.PyArray_SIZE(y), cnp.PyArray_ITEMSIZE(y)
    flat(&f)
    return y


# Arithmetic -------------------------------------------------------------------------------


cpdef object add(object x, object y):
    """z := x + y"""
    cdef object z = binary(add_f32, add_f64, x, y)
    return reference.add(x, y) if z is None else z


cpdef object sub(object x, object y):
    """z := x - y"""
    cdef object z = binary(sub_f32, sub_f64, x, y)
    return reference.sub(x, y) if z is None else z


cpdef object mul(object x, object y):
    """z := x y"""
    cdef object z = binary(mul_f32, mul_f64, x, y)
    return reference.mul(x, y) if z is None else z


cpdef object div(object x, object y):
    """z := x / y"""
    cdef object z = binary(div_f32, div_f64, x, y)
    return reference.div(x, y) if z is None else z


cdef object power(object x, object y):
    """z := x ** y for the few exponents that have a short way, or None."""
    cdef double p
    if not is_number(y):
        return None
    p = PyFloat_AS_DOUBLE(y) if PyFloat_CheckExact(y) else PyLong_AsDouble(y)
    if p == 0.5:
        return unary(sqrt_f32, sqrt_f64, x)
    if p == 2:
        return unary(square_f32, square_f64, x)
    if p == 3:
        return unary(cube_f32, cube_f64, x)
    if p == -1:
        return unary(reciprocal_f32, reciprocal_f64, x)
    return None


cpdef object pow(object x, object y):
    """z := x ** y"""
    cdef object z = power(x, y)
    return reference.pow(x, y) if z is None else z


cpdef object maximum(object x, object y):
    """z := max(x, y); NaN where either is"""
    cdef object z = binary(maximum_f32, maximum_f64, x, y)
    return reference.maximum(x, y) if z is None else z


cpdef object minimum(object x, object y):
    """z := min(x, y); NaN where either is"""
    cdef object z = binary(minimum_f32, minimum_f64, x, y)
    return reference.minimum(x, y) if z is None else z


# Functions ----------------------------------------------------------------------------------


cpdef object neg(object x):
    """y := -x"""
    cdef object y = unary(neg_f32, neg_f64, x)
    return reference.neg(x) if y is None else y


cpdef object abs(object x):
    """y := |x|"""
    cdef object y = unary(abs_f32, abs_f64, x)
    return reference.abs(x) if y is None else y


cpdef object sign(object x):
    """y := x / |x|, 0 at 0"""
    cdef object y = unary(sign_f32, sign_f64, x)
    return reference.sign(x) if y is None else y


cpdef object sqrt(object x):
    """y := √x"""
    cdef object y = unary(sqrt_f32, sqrt_f64, x)
    return reference.sqrt(x) if y is None else y


cpdef object rsqrt(object x):
    """y := 1 / √x"""
    cdef object y = unary(rsqrt_f32, rsqrt_f64, x)
    return reference.rsqrt(x) if y is None else y


cpdef object square(object x):
    """y := x²"""
    cdef object y = unary(square_f32, square_f64, x)
    return reference.square(x) if y is None else y


cpdef object reciprocal(object x):
    """y := 1 / x"""
    cdef object y = unary(reciprocal_f32, reciprocal_f64, x)
    return reference.reciprocal(x) if y is None else y


cpdef object exp(object x):
    """y := eˣ"""
    cdef object y = unary(exp_f32, exp_f64, x)
    return reference.exp(x) if y is None else y


cpdef object log(object x):
    """y := ln x"""
    cdef object y = unary(log_f32, log_f64, x)
    return reference.log(x) if y is None else y


cpdef object tanh(object x):
    """y := tanh x"""
    cdef object y = unary(tanh_f32, tanh_f64, x)
    return reference.tanh(x) if y is None else y


cpdef object sigmoid(object x):
    """y := 1 / (1 + e⁻ˣ)"""
    cdef object y = unary(sigmoid_f32, sigmoid_f64, x)
    return reference.sigmoid(x) if y is None else y


cpdef object relu(object x):
    """y := max(x, 0), and +0 for -0"""
    cdef object y = unary(relu_f32, relu_f64, x)
    return reference.relu(x) if y is None else y


cpdef object erf(object x):
    """y := 2/√π ∫₀ˣ exp(-t²) dt"""
    cdef object y = unary(erf_f32, erf_f64, x)
    return reference.erf(x) if y is None else y


cpdef object log1p(object x):
    """y := ln(1 + x), accurate near 0"""
    cdef object y = unary(log1p_f32, log1p_f64, x)
    return reference.log1p(x) if y is None else y


cpdef object expm1(object x):
    """y := eˣ - 1, accurate near 0"""
    cdef object y = unary(expm1_f32, expm1_f64, x)
    return reference.expm1(x) if y is None else y


cpdef object sin(object x):
    """y := sin x"""
    cdef object y = unary(sin_f32, sin_f64, x)
    return reference.sin(x) if y is None else y


cpdef object cos(object x):
    """y := cos x"""
    cdef object y = unary(cos_f32, cos_f64, x)
    return reference.cos(x) if y is None else y


cpdef object softplus(object x, object beta=1.0, object threshold=20.0):
    """y := ln(1 + exp(βx)) / β, and x where βx > threshold"""
    cdef object y = None
    if beta == 1 and threshold == 20:
        y = unary(softplus_f32, softplus_f64, x)
    return reference.softplus(x, beta, threshold) if y is None else y


# What backward needs ------------------------------------------------------------------------


cpdef object relu_backward(object dy, object y):
    """dx := dy where y > 0, else 0"""
    cdef object dx = binary(relu_backward_f32, relu_backward_f64, dy, y)
    return reference.relu_backward(dy, y) if dx is None else dx


cpdef object tanh_backward(object dy, object y):
    """dx := dy (1 - y²)"""
    cdef object dx = binary(tanh_backward_f32, tanh_backward_f64, dy, y)
    return reference.tanh_backward(dy, y) if dx is None else dx


cpdef object sigmoid_backward(object dy, object y):
    """dx := dy y (1 - y)"""
    cdef object dx = binary(sigmoid_backward_f32, sigmoid_backward_f64, dy, y)
    return reference.sigmoid_backward(dy, y) if dx is None else dx


cpdef object add_(object x, object y):
    """x := x + y, in place"""
    cdef int kind = float_kind(x)
    cdef Flat f
    if kind == -1 or kind != float_kind(y) or not cnp.PyArray_ISWRITEABLE(<cnp.ndarray> x):
        return reference.add_(x, y)
    cdef int ndim = cnp.PyArray_NDIM(<cnp.ndarray> x)
    if ndim != cnp.PyArray_NDIM(<cnp.ndarray> y) or not cnp.PyArray_CompareLists(
        cnp.PyArray_DIMS(<cnp.ndarray> x), cnp.PyArray_DIMS(<cnp.ndarray> y), ndim
    ):
        return reference.add_(x, y)
    cdef char* xp = <char*> cnp.PyArray_DATA(<cnp.ndarray> x)
    cdef char* yp = <char*> cnp.PyArray_DATA(<cnp.ndarray> y)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(<cnp.ndarray> x)
    cdef Py_ssize_t size = cnp.PyArray_ITEMSIZE(<cnp.ndarray> x)
    if xp < yp < xp + n * size or yp < xp < yp + n * size:  # shifted views of one array
        return reference.add_(x, y)
    f.one, f.two = accumulate_f32 if kind == cnp.NPY_FLOAT32 else accumulate_f64, NULL
    f.x, f.y, f.z, f.n, f.size = yp, NULL, xp, n, size
    flat(&f)
    return x
