"""One pass over a parameter, its gradient and its state for each step of an optimizer, in place.

The formulas are PyTorch's (`Optimizers` in the docstrings of `minigrad.optim` explain them). What
depends on the step alone, such as 1 - β₁ᵗ, is computed once, in double; the pass itself runs in
the parameter's dtype. Where an optional array would put a branch into the loop, which then would
not vectorise, the pass goes in blocks that stay in the nearest cache, one short loop after the
other.

Arrays that are not plain float32 or float64 in C order, of one shape, go to the NumPy twin in
`reference`. A kernel returns None.
"""

cimport numpy as cnp
from libc.math cimport pow, sqrt, sqrtf

from minigrad.kernels import reference

cnp.import_array()

ctypedef fused real:
    float
    double

cdef enum:
    BLOCK = 512


# Which arrays may take the fast path --------------------------------------------------------


cdef inline int float_kind(object p, object g) noexcept:
    """NPY_FLOAT32 or NPY_FLOAT64 where p, writable, and g are such arrays; else -1."""
    cdef int kind
    if not cnp.PyArray_CheckExact(p) or not cnp.PyArray_ISCARRAY(<cnp.ndarray> p):
        return -1
    kind = cnp.PyArray_TYPE(<cnp.ndarray> p)
    if kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64:
        return -1
    if not cnp.PyArray_CheckExact(g) or not cnp.PyArray_ISCARRAY_RO(<cnp.ndarray> g):
        return -1
    return kind if alike(p, g) else -1


cdef inline bint alike(object p, object s) noexcept:
    return cnp.PyArray_TYPE(<cnp.ndarray> p) == cnp.PyArray_TYPE(<cnp.ndarray> s) and (
        cnp.PyArray_NDIM(<cnp.ndarray> p) == cnp.PyArray_NDIM(<cnp.ndarray> s)
        and cnp.PyArray_CompareLists(
            cnp.PyArray_DIMS(<cnp.ndarray> p),
            cnp.PyArray_DIMS(<cnp.ndarray> s),
            cnp.PyArray_NDIM(<cnp.ndarray> p),
        )
    )


cdef inline bint is_state(object p, object s) noexcept:
    """Whether s is a state array for p: writable, of its dtype and shape."""
    return (cnp.PyArray_CheckExact(s) and cnp.PyArray_ISCARRAY(<cnp.ndarray> s) and alike(p, s))


cdef inline void* data(object a) noexcept:
    return NULL if a is None else cnp.PyArray_DATA(<cnp.ndarray> a)


cdef inline Py_ssize_t length(object a) noexcept:
    return cnp.PyArray_SIZE(<cnp.ndarray> a)


# The passes ----------------------------------------------------------------------------------


cdef inline real root(real x) noexcept nogil:
    return sqrtf(x) if real is float else sqrt(x)


cdef inline real descent(const real* p, const real* g, Py_ssize_t i, real decay,
                         bint maximize) noexcept nogil:
    """±g + decay p"""
    cdef real d = -g[i] if maximize else g[i]
    return d + decay * p[i] if decay != 0 else d


cdef void sgd(real* p, const real* g, real* buf, Py_ssize_t n, real lr, real momentum,
              real keep, real decay, bint nesterov, bint maximize, bint first) noexcept nogil:
    cdef Py_ssize_t i
    cdef real d
    if buf == NULL:
        for i in range(n):
            p[i] -= lr * descent(p, g, i, decay, maximize)
        return
    for i in range(n):
        d = descent(p, g, i, decay, maximize)
        buf[i] = d if first else momentum * buf[i] + keep * d
        p[i] -= lr * (d + momentum * buf[i] if nesterov else buf[i])


cdef void adagrad(real* p, const real* g, real* total, Py_ssize_t n, real lr, real eps,
                  real decay, bint maximize) noexcept nogil:
    cdef Py_ssize_t i
    cdef real d
    for i in range(n):
        d = descent(p, g, i, decay, maximize)
        total[i] += d * d
        p[i] -= lr * d / (root(total[i]) + eps)


cdef void rmsprop(real* p, const real* g, real* v, real* mean, real* buf, Py_ssize_t n, real lr,
                  real alpha, real rest, real eps, real decay, real momentum,
                  bint maximize) noexcept nogil:
    cdef Py_ssize_t i, start, end
    cdef real[BLOCK] d, u
    for start from 0 <= start < n by BLOCK:
        end = min(n - start, BLOCK)
        for i in range(end):
            d[i] = descent(p, g, i, decay, maximize)
            v[i] = alpha * v[i] + rest * d[i] * d[i]
            u[i] = v[i]
        if mean != NULL:
            for i in range(end):
                mean[i] += rest * (d[i] - mean[i])
                u[i] = u[i] - mean[i] * mean[i]
                u[i] = 0 if u[i] < 0 else u[i]  # by rounding; its root would be NaN
            mean += end
        for i in range(end):
            u[i] = d[i] / (root(u[i]) + eps)
        if buf != NULL:
            for i in range(end):
                buf[i] = momentum * buf[i] + u[i]
                u[i] = buf[i]
            buf += end
        for i in range(end):
            p[i] -= lr * u[i]
        p, g, v = p + end, g + end, v + end


cdef void adam(real* p, const real* g, real* m, real* v, real* top, Py_ssize_t n, real step,
               real rest1, real beta2, real rest2, real correction, real eps, real decay,
               real shrink, bint maximize) noexcept nogil:
    cdef Py_ssize_t i, start, end
    cdef real d
    cdef real* second = v
    for start from 0 <= start < n by BLOCK:
        end = min(n - start, BLOCK)
        for i in range(end):
            d = descent(p, g, i, decay, maximize)
            m[i] += rest1 * (d - m[i])
            v[i] = beta2 * v[i] + rest2 * d * d
        if top != NULL:
            for i in range(end):
                d = v[i] if v[i] > top[i] else top[i]
                top[i] = v[i] if v[i] != v[i] else d  # NaN wins
            second = top
            top += end
        for i in range(end):
            p[i] = shrink * p[i] - step * m[i] / (root(second[i]) * correction + eps)
        p, g, m, v = p + end, g + end, m + end, v + end
        second = v


cdef void radam(real* p, const real* g, real* m, real* v, Py_ssize_t n, real step, real rest1,
                real beta2, real rest2, real adapt, real eps, real decay, real shrink,
                bint maximize) noexcept nogil:
    cdef Py_ssize_t i
    cdef real d
    for i in range(n):
        d = descent(p, g, i, decay, maximize)
        m[i] += rest1 * (d - m[i])
        v[i] = beta2 * v[i] + rest2 * d * d
        d = adapt / (root(v[i]) + eps) if adapt != 0 else 1
        p[i] = shrink * p[i] - step * m[i] * d


# The kernels, in order of increasing complexity ---------------------------------------------


def sgd_step(p, g, buf, double lr, double momentum, double dampening, double weight_decay,
             bint nesterov, bint maximize, bint first):
    """g := ±g + wd p;  buf := μ buf + (1-τ) g, at first g;  p := p - lr (buf, or g + μ buf)

    Without `buf` (None): p := p - lr g. `nesterov` takes g + μ buf.
    """
    cdef int kind = float_kind(p, g)
    if kind == -1 or not (buf is None or is_state(p, buf)):
        reference.sgd_step(p, g, buf, lr, momentum, dampening, weight_decay, nesterov, maximize,
                           first)
        return
    cdef Py_ssize_t n = length(p)
    cdef void* pp = data(p)
    cdef void* gp = data(g)
    cdef void* bp = data(buf)
    cdef double keep = 1 - dampening
    if kind == cnp.NPY_FLOAT32:
        sgd(<float*> pp, <float*> gp, <float*> bp, n, <float> lr, <float> momentum, <float> keep,
            <float> weight_decay, nesterov, maximize, first)
    else:
        sgd(<double*> pp, <double*> gp, <double*> bp, n, lr, momentum, keep, weight_decay,
            nesterov, maximize, first)


def adagrad_step(p, g, total, double lr, double lr_decay, double eps, double weight_decay,
                 double t, bint maximize):
    """g := ±g + wd p;  s := s + g²;  p := p - lr / (1 + (t-1) η) g / (√s + ε)

    `total` is s, η `lr_decay`; t counts the steps from 1.
    """
    cdef int kind = float_kind(p, g)
    if kind == -1 or not is_state(p, total):
        reference.adagrad_step(p, g, total, lr, lr_decay, eps, weight_decay, t, maximize)
        return
    cdef Py_ssize_t n = length(p)
    cdef void* pp = data(p)
    cdef void* gp = data(g)
    cdef void* sp = data(total)
    cdef double rate = lr / (1 + (t - 1) * lr_decay)
    if kind == cnp.NPY_FLOAT32:
        adagrad(<float*> pp, <float*> gp, <float*> sp, n, <float> rate, <float> eps,
                <float> weight_decay, maximize)
    else:
        adagrad(<double*> pp, <double*> gp, <double*> sp, n, rate, eps, weight_decay, maximize)


def rmsprop_step(p, g, v, mean, buf, double lr, double alpha, double eps, double weight_decay,
                 double momentum, bint maximize):
    """g := ±g + wd p;  v := α v + (1-α) g²;  p := p - lr g / (√v + ε)

    With `mean` (not None), centered: ḡ := α ḡ + (1-α) g and √(v - ḡ²). With `buf`:
    buf := μ buf + g / (√v + ε) and p := p - lr buf.
    """
    cdef int kind = float_kind(p, g)
    if kind == -1 or not (is_state(p, v) and (mean is None or is_state(p, mean))
                          and (buf is None or is_state(p, buf))):
        reference.rmsprop_step(p, g, v, mean, buf, lr, alpha, eps, weight_decay, momentum,
                               maximize)
        return
    cdef Py_ssize_t n = length(p)
    cdef void* pp = data(p)
    cdef void* gp = data(g)
    cdef void* vp = data(v)
    cdef void* ap = data(mean)
    cdef void* bp = data(buf)
    cdef double rest = 1 - alpha
    if kind == cnp.NPY_FLOAT32:
        rmsprop(<float*> pp, <float*> gp, <float*> vp, <float*> ap, <float*> bp, n, <float> lr,
                <float> alpha, <float> rest, <float> eps, <float> weight_decay, <float> momentum,
                maximize)
    else:
        rmsprop(<double*> pp, <double*> gp, <double*> vp, <double*> ap, <double*> bp, n, lr,
                alpha, rest, eps, weight_decay, momentum, maximize)


def adam_step(p, g, m, v, vmax, double lr, double beta1, double beta2, double eps,
              double weight_decay, double t, bint amsgrad, bint decoupled, bint maximize):
    """m := β₁ m + (1-β₁) g;  v := β₂ v + (1-β₂) g²;  p := p - lr (m / bc₁) / (√v / √bc₂ + ε)

    bcᵢ = 1 - βᵢᵗ, t counting the steps from 1; `amsgrad` takes vmax := max(vmax, v) for v.
    Weight decay is added to the gradient, g := ±g + wd p, or if `decoupled` (AdamW) shrinks the
    parameter first, p := p - lr wd p.
    """
    cdef int kind = float_kind(p, g)
    cdef object top = vmax if amsgrad else None
    if kind == -1 or not (is_state(p, m) and is_state(p, v) and (top is None or is_state(p, top))
                          and not (amsgrad and vmax is None)):
        reference.adam_step(p, g, m, v, vmax, lr, beta1, beta2, eps, weight_decay, t, amsgrad,
                            decoupled, maximize)
        return
    cdef Py_ssize_t n = length(p)
    cdef void* pp = data(p)
    cdef void* gp = data(g)
    cdef void* mp = data(m)
    cdef void* vp = data(v)
    cdef void* tp = data(top)
    cdef double step = lr / (1 - pow(beta1, t))
    cdef double correction = 1 / sqrt(1 - pow(beta2, t))
    cdef double shrink = 1 - lr * weight_decay if decoupled else 1
    cdef double decay = 0 if decoupled else weight_decay
    if kind == cnp.NPY_FLOAT32:
        adam(<float*> pp, <float*> gp, <float*> mp, <float*> vp, <float*> tp, n, <float> step,
             <float> (1 - beta1), <float> beta2, <float> (1 - beta2), <float> correction,
             <float> eps, <float> decay, <float> shrink, maximize)
    else:
        adam(<double*> pp, <double*> gp, <double*> mp, <double*> vp, <double*> tp, n, step,
             1 - beta1, beta2, 1 - beta2, correction, eps, decay, shrink, maximize)


def radam_step(p, g, m, v, double lr, double beta1, double beta2, double eps,
               double weight_decay, double t, bint decoupled, bint maximize):
    """m := β₁ m + (1-β₁) g;  v := β₂ v + (1-β₂) g²;  p := p - lr (m / bc₁) r √bc₂ / (√v + ε)

    ρ∞ = 2 / (1-β₂) - 1, ρ = ρ∞ - 2 t β₂ᵗ / bc₂ and
    r² = (ρ-4) (ρ-2) ρ∞ / ((ρ∞-4) (ρ∞-2) ρ) where ρ > 5; before that, p := p - lr m / bc₁.
    bcᵢ and weight decay as in `adam_step`.
    """
    cdef int kind = float_kind(p, g)
    if kind == -1 or not (is_state(p, m) and is_state(p, v)):
        reference.radam_step(p, g, m, v, lr, beta1, beta2, eps, weight_decay, t, decoupled,
                             maximize)
        return
    cdef Py_ssize_t n = length(p)
    cdef void* pp = data(p)
    cdef void* gp = data(g)
    cdef void* mp = data(m)
    cdef void* vp = data(v)
    cdef double step = lr / (1 - pow(beta1, t))
    cdef double bc2 = 1 - pow(beta2, t)
    cdef double end = 2 / (1 - beta2) - 1
    cdef double rho = end - 2 * t * pow(beta2, t) / bc2
    cdef double adapt = 0
    if rho > 5:
        adapt = sqrt((rho - 4) * (rho - 2) * end / ((end - 4) * (end - 2) * rho) * bc2)
    cdef double shrink = 1 - lr * weight_decay if decoupled else 1
    cdef double decay = 0 if decoupled else weight_decay
    if kind == cnp.NPY_FLOAT32:
        radam(<float*> pp, <float*> gp, <float*> mp, <float*> vp, n, <float> step,
              <float> (1 - beta1), <float> beta2, <float> (1 - beta2), <float> adapt,
              <float> eps, <float> decay, <float> shrink, maximize)
    else:
        radam(<double*> pp, <double*> gp, <double*> mp, <double*> vp, n, step, 1 - beta1, beta2,
              1 - beta2, adapt, eps, decay, shrink, maximize)
