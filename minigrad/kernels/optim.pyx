"""One step of an optimizer for a list of parameters: one pass over each, in place.

The formulas are PyTorch's (`Optimizers` in the docstrings of `minigrad.optim` explain them). What
depends on the step alone, such as 1 - β₁ᵗ, is computed once, in double, for all parameters; the
passes stand in `optim.h`. For the threads the parameters are laid end to end and cut into pieces:

    parameter   |      0      |1|        2        | 3 |
    piece       |     0     |     1     |     2     | 3 |

Each argument that stands for arrays is a list with one for each parameter, or None where a rule
goes without. What is not plain float32 or float64 in C order, of one shape, goes to the NumPy
twin in `reference`. A kernel returns None.
"""

cimport numpy as cnp
from libc.math cimport pow, sqrt
from libc.stdlib cimport free, malloc

from minigrad.kernels import reference

from minigrad.kernels.threads cimport parallel

cnp.import_array()

cdef extern from "optim.h" nogil:
    ctypedef struct Span:
        char *p
        char *g
        char *a
        char *b
        char *c
        Py_ssize_t n
    ctypedef struct Options:
        double step, eps, decay, shrink, momentum, keep, rest1, beta2, rest2, correction, adapt
        bint nesterov, maximize, first
    void sgd_f32(const Span* s, const Options* o) noexcept
    void sgd_f64(const Span* s, const Options* o) noexcept
    void adagrad_f32(const Span* s, const Options* o) noexcept
    void adagrad_f64(const Span* s, const Options* o) noexcept
    void rmsprop_f32(const Span* s, const Options* o) noexcept
    void rmsprop_f64(const Span* s, const Options* o) noexcept
    void adam_f32(const Span* s, const Options* o) noexcept
    void adam_f64(const Span* s, const Options* o) noexcept
    void radam_f32(const Span* s, const Options* o) noexcept
    void radam_f64(const Span* s, const Options* o) noexcept

ctypedef void (*Rule)(const Span* s, const Options* o) noexcept nogil

cdef enum:
    PIECE = 1 << 15  # elements


# Which arrays may take the fast path --------------------------------------------------------


cdef inline int float_kind(object p) noexcept:
    """NPY_FLOAT32 or NPY_FLOAT64 where p is such an array, plain and writable; else -1."""
    cdef int kind
    if not cnp.PyArray_CheckExact(p) or not cnp.PyArray_ISCARRAY(<cnp.ndarray> p):
        return -1
    kind = cnp.PyArray_TYPE(<cnp.ndarray> p)
    return kind if kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_FLOAT64 else -1


cdef inline bint alike(object p, object s, bint writable) noexcept:
    """Whether s is a plain array of the dtype and shape of p."""
    cdef int ndim = cnp.PyArray_NDIM(<cnp.ndarray> p)
    if not cnp.PyArray_CheckExact(s) or not (
        cnp.PyArray_ISCARRAY(<cnp.ndarray> s) if writable
        else cnp.PyArray_ISCARRAY_RO(<cnp.ndarray> s)
    ):
        return False
    return (
        cnp.PyArray_TYPE(<cnp.ndarray> p) == cnp.PyArray_TYPE(<cnp.ndarray> s)
        and cnp.PyArray_NDIM(<cnp.ndarray> s) == ndim
        and cnp.PyArray_CompareLists(
            cnp.PyArray_DIMS(<cnp.ndarray> p), cnp.PyArray_DIMS(<cnp.ndarray> s), ndim
        )
    )


cdef bint understand(Span* s, tuple arrays, Py_ssize_t i, int kind) noexcept:
    """Fill `s` with the i-th parameter, its gradient and its state; False if one is not plain."""
    cdef char* data[5]
    cdef Py_ssize_t k
    cdef object p = <object> (<list> arrays[0])[i], a
    if kind == -1:
        return False
    for k in range(5):
        data[k] = NULL
        if k < len(arrays) and arrays[k] is not None:
            a = (<list> arrays[k])[i]
            if not alike(p, a, k != 1):
                return False
            data[k] = cnp.PyArray_BYTES(<cnp.ndarray> a)
    s.p, s.g, s.a, s.b, s.c = data[0], data[1], data[2], data[3], data[4]
    s.n = cnp.PyArray_SIZE(<cnp.ndarray> p)
    return True


# The passes, in pieces ----------------------------------------------------------------------


cdef struct Job:
    const Span* spans
    Py_ssize_t count, itemsize
    Rule rule
    const Options* options


cdef void do_piece(void* context, Py_ssize_t index) noexcept nogil:
    """Elements index PIECE, … of the parameters laid end to end"""
    cdef const Job* job = <const Job*> context
    cdef const Span* s = job.spans
    cdef Span part
    cdef const Span* end = s + job.count
    cdef Py_ssize_t begin = index * PIECE, first, last, skip
    while s != end and begin + PIECE > 0:
        first, last = max(begin, 0), min(begin + PIECE, s.n)
        if first < last:
            skip = first * job.itemsize
            part.p, part.g, part.n = s.p + skip, s.g + skip, last - first
            part.a = NULL if s.a == NULL else s.a + skip
            part.b = NULL if s.b == NULL else s.b + skip
            part.c = NULL if s.c == NULL else s.c + skip
            job.rule(&part, job.options)
        begin -= s.n
        s += 1


cdef void do_all(const Span* spans, Py_ssize_t count, Py_ssize_t itemsize, Rule rule,
                 const Options* options) noexcept:
    cdef Job job
    cdef Py_ssize_t i, pieces, size = 0
    job.spans, job.count, job.itemsize = spans, count, itemsize
    job.rule, job.options = rule, options
    for i in range(count):
        size += spans[i].n
    pieces = (size + PIECE - 1) // PIECE
    if pieces == 1:
        do_piece(&job, 0)
    elif pieces > 1:
        with nogil:
            parallel(do_piece, &job, pieces)


cdef object step(Rule f32, Rule f64, const Options* options, tuple arrays):
    """Apply the rule to the parameters arrays[0]; return what is left of `arrays` to the twin."""
    cdef Py_ssize_t i, k, n, floats = 0, doubles = 0
    cdef Span* spans
    cdef int kind
    cdef list odd = []
    for column in arrays:
        if column is not None and (type(column) is not list or len(column) != len(arrays[0])):
            return arrays
    n = len(<list> arrays[0])
    spans = <Span*> malloc((n + 1) * sizeof(Span))  # floats from the left, doubles from the right
    if spans == NULL:
        raise MemoryError
    try:
        for i in range(n):
            kind = float_kind((<list> arrays[0])[i])
            k = n - 1 - doubles if kind == cnp.NPY_FLOAT64 else floats
            if not understand(spans + k, arrays, i, kind):
                odd.append(i)
            elif kind == cnp.NPY_FLOAT64:
                doubles += 1
            else:
                floats += 1
        do_all(spans, floats, sizeof(float), f32, options)
        do_all(spans + n - doubles, doubles, sizeof(double), f64, options)
    finally:
        free(spans)
    if odd:
        return [None if column is None else [column[i] for i in odd] for column in arrays]
    return None


# The kernels, in order of increasing complexity ---------------------------------------------


def sgd_step(p, g, buf, double lr, double momentum, double dampening, double weight_decay,
             bint nesterov, bint maximize, bint first):
    """g := ±g + wd p;  buf := μ buf + (1-τ) g, at first g;  p := p - lr (buf, or g + μ buf)

    Without `buf` (None): p := p - lr g. `nesterov` takes g + μ buf.
    """
    cdef Options o
    o.step, o.momentum, o.keep, o.decay = lr, momentum, 1 - dampening, weight_decay
    o.nesterov, o.maximize, o.first = nesterov, maximize, first
    odd = step(sgd_f32, sgd_f64, &o, (p, g, buf))
    if odd is not None:
        reference.sgd_step(*odd, lr, momentum, dampening, weight_decay, nesterov, maximize, first)


def adagrad_step(p, g, total, double lr, double lr_decay, double eps, double weight_decay,
                 double t, bint maximize):
    """g := ±g + wd p;  s := s + g²;  p := p - lr / (1 + (t-1) η) g / (√s + ε)

    `total` is s, η `lr_decay`; t counts the steps from 1.
    """
    cdef Options o
    o.step, o.eps, o.decay, o.maximize = lr / (1 + (t - 1) * lr_decay), eps, weight_decay, maximize
    odd = step(adagrad_f32, adagrad_f64, &o, (p, g, total))
    if odd is not None:
        reference.adagrad_step(*odd, lr, lr_decay, eps, weight_decay, t, maximize)


def rmsprop_step(p, g, v, mean, buf, double lr, double alpha, double eps, double weight_decay,
                 double momentum, bint maximize):
    """g := ±g + wd p;  v := α v + (1-α) g²;  p := p - lr g / (√v + ε)

    With `mean` (not None), centered: ḡ := α ḡ + (1-α) g and √(v - ḡ²). With `buf`:
    buf := μ buf + g / (√v + ε) and p := p - lr buf.
    """
    cdef Options o
    o.step, o.beta2, o.rest2, o.eps = lr, alpha, 1 - alpha, eps
    o.decay, o.momentum, o.maximize = weight_decay, momentum, maximize
    odd = step(rmsprop_f32, rmsprop_f64, &o, (p, g, v, mean, buf))
    if odd is not None:
        reference.rmsprop_step(*odd, lr, alpha, eps, weight_decay, momentum, maximize)


def adam_step(p, g, m, v, vmax, double lr, double beta1, double beta2, double eps,
              double weight_decay, double t, bint amsgrad, bint decoupled, bint maximize):
    """m := β₁ m + (1-β₁) g;  v := β₂ v + (1-β₂) g²;  p := p - lr (m / bc₁) / (√v / √bc₂ + ε)

    bcᵢ = 1 - βᵢᵗ, t counting the steps from 1; `amsgrad` takes vmax := max(vmax, v) for v.
    Weight decay is added to the gradient, g := ±g + wd p, or if `decoupled` (AdamW) shrinks the
    parameter first, p := p - lr wd p.
    """
    cdef Options o
    o.step, o.rest1, o.beta2, o.rest2 = lr / (1 - pow(beta1, t)), 1 - beta1, beta2, 1 - beta2
    o.correction, o.eps, o.maximize = 1 / sqrt(1 - pow(beta2, t)), eps, maximize
    o.shrink = 1 - lr * weight_decay if decoupled else 1
    o.decay = 0 if decoupled else weight_decay
    odd = (p, g, m, v, vmax)
    if vmax is not None or not amsgrad:
        odd = step(adam_f32, adam_f64, &o, (p, g, m, v, vmax if amsgrad else None))
    if odd is not None:
        reference.adam_step(*odd, lr, beta1, beta2, eps, weight_decay, t, amsgrad, decoupled,
                            maximize)


def radam_step(p, g, m, v, double lr, double beta1, double beta2, double eps,
               double weight_decay, double t, bint decoupled, bint maximize):
    """m := β₁ m + (1-β₁) g;  v := β₂ v + (1-β₂) g²;  p := p - lr (m / bc₁) r √bc₂ / (√v + ε)

    ρ∞ = 2 / (1-β₂) - 1, ρ = ρ∞ - 2 t β₂ᵗ / bc₂ and
    r² = (ρ-4) (ρ-2) ρ∞ / ((ρ∞-4) (ρ∞-2) ρ) where ρ > 5; before that, p := p - lr m / bc₁.
    bcᵢ and weight decay as in `adam_step`.
    """
    cdef Options o
    cdef double bc2 = 1 - pow(beta2, t)
    cdef double end = 2 / (1 - beta2) - 1
    cdef double rho = end - 2 * t * pow(beta2, t) / bc2
    o.step, o.rest1, o.beta2, o.rest2 = lr / (1 - pow(beta1, t)), 1 - beta1, beta2, 1 - beta2
    o.adapt = 0
    if rho > 5:
        o.adapt = sqrt((rho - 4) * (rho - 2) * end / ((end - 4) * (end - 2) * rho) * bc2)
    o.eps, o.maximize = eps, maximize
    o.shrink = 1 - lr * weight_decay if decoupled else 1
    o.decay = 0 if decoupled else weight_decay
    odd = step(radam_f32, radam_f64, &o, (p, g, m, v))
    if odd is not None:
        reference.radam_step(*odd, lr, beta1, beta2, eps, weight_decay, t, decoupled, maximize)
