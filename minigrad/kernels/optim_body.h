/* Included twice by optim.h, which says what it is. */

/* ±g + wd p */
static inline REAL NAME(descent)(const REAL *p, const REAL *g, Py_ssize_t i, REAL decay,
                                 int maximize)
{
    const REAL d = maximize ? -g[i] : g[i];
    return decay != 0 ? d + decay * p[i] : d;
}

#define DESCENT NAME(descent)(p, g, i, decay, maximize)

static void NAME(sgd)(const Span *s, const Options *o)
{
    REAL *p = (REAL *)s->p, *buf = (REAL *)s->a;
    const REAL *g = (const REAL *)s->g;
    const REAL lr = (REAL)o->step, decay = (REAL)o->decay;
    const REAL momentum = (REAL)o->momentum, keep = (REAL)o->keep;
    const int maximize = o->maximize, nesterov = o->nesterov, first = o->first;
    const Py_ssize_t n = s->n;
    if (!buf) {
        for (Py_ssize_t i = 0; i < n; i++)
            p[i] -= lr * DESCENT;
        return;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        const REAL d = DESCENT, b = first ? d : momentum * buf[i] + keep * d;
        buf[i] = b;
        p[i] -= lr * (nesterov ? d + momentum * b : b);
    }
}

static void NAME(adagrad)(const Span *s, const Options *o)
{
    REAL *p = (REAL *)s->p, *total = (REAL *)s->a;
    const REAL *g = (const REAL *)s->g;
    const REAL lr = (REAL)o->step, eps = (REAL)o->eps, decay = (REAL)o->decay;
    const int maximize = o->maximize;
    const Py_ssize_t n = s->n;
    for (Py_ssize_t i = 0; i < n; i++) {
        const REAL d = DESCENT, t = total[i] + d * d;
        total[i] = t;
        p[i] -= lr * d / (ROOT(t) + eps);
    }
}

/* Centred or with momentum, short loops take turns on blocks that stay in the nearest cache. */
static void NAME(rmsprop)(const Span *s, const Options *o)
{
    REAL *p = (REAL *)s->p, *v = (REAL *)s->a, *mean = (REAL *)s->b, *buf = (REAL *)s->c;
    const REAL *g = (const REAL *)s->g;
    const REAL lr = (REAL)o->step, eps = (REAL)o->eps, decay = (REAL)o->decay;
    const REAL alpha = (REAL)o->beta2, rest = (REAL)o->rest2, momentum = (REAL)o->momentum;
    const int maximize = o->maximize;
    const Py_ssize_t n = s->n;
    REAL u[OPTIM_BLOCK];
    if (!mean && !buf) {
        for (Py_ssize_t i = 0; i < n; i++) {
            const REAL d = DESCENT, w = alpha * v[i] + rest * d * d;
            v[i] = w;
            p[i] -= lr * (d / (ROOT(w) + eps));
        }
        return;
    }
    for (Py_ssize_t start = 0; start < n; start += OPTIM_BLOCK) {
        const Py_ssize_t end = n - start < OPTIM_BLOCK ? n - start : OPTIM_BLOCK;
        if (mean) {
            for (Py_ssize_t i = 0; i < end; i++) {
                const REAL d = DESCENT, w = alpha * v[i] + rest * d * d;
                const REAL e = mean[i] + rest * (d - mean[i]);
                const REAL spread = w - e * e;
                v[i] = w;
                mean[i] = e;
                /* less than 0 by rounding; its root would be NaN */
                u[i] = d / (ROOT(spread < 0 ? 0 : spread) + eps);
            }
            mean += end;
        } else {
            for (Py_ssize_t i = 0; i < end; i++) {
                const REAL d = DESCENT, w = alpha * v[i] + rest * d * d;
                v[i] = w;
                u[i] = d / (ROOT(w) + eps);
            }
        }
        if (buf) {
            for (Py_ssize_t i = 0; i < end; i++)
                u[i] = buf[i] = momentum * buf[i] + u[i];
            buf += end;
        }
        for (Py_ssize_t i = 0; i < end; i++)
            p[i] -= lr * u[i];
        p += end, g += end, v += end;
    }
}

static void NAME(adam)(const Span *s, const Options *o)
{
    REAL *p = (REAL *)s->p, *m = (REAL *)s->a, *v = (REAL *)s->b, *top = (REAL *)s->c;
    const REAL *g = (const REAL *)s->g;
    const REAL step = (REAL)o->step, eps = (REAL)o->eps, decay = (REAL)o->decay;
    const REAL shrink = (REAL)o->shrink, correction = (REAL)o->correction;
    const REAL rest1 = (REAL)o->rest1, beta2 = (REAL)o->beta2, rest2 = (REAL)o->rest2;
    const int maximize = o->maximize;
    const Py_ssize_t n = s->n;
    if (top) {
        for (Py_ssize_t i = 0; i < n; i++) {
            const REAL d = DESCENT, e = m[i] + rest1 * (d - m[i]);
            const REAL w = beta2 * v[i] + rest2 * d * d, larger = w > top[i] ? w : top[i];
            const REAL most = w != w ? w : larger; /* NaN wins */
            m[i] = e;
            v[i] = w;
            top[i] = most;
            p[i] = shrink * p[i] - step * e / (ROOT(most) * correction + eps);
        }
        return;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        const REAL d = DESCENT, e = m[i] + rest1 * (d - m[i]);
        const REAL w = beta2 * v[i] + rest2 * d * d;
        m[i] = e;
        v[i] = w;
        p[i] = shrink * p[i] - step * e / (ROOT(w) * correction + eps);
    }
}

static void NAME(radam)(const Span *s, const Options *o)
{
    REAL *p = (REAL *)s->p, *m = (REAL *)s->a, *v = (REAL *)s->b;
    const REAL *g = (const REAL *)s->g;
    const REAL step = (REAL)o->step, eps = (REAL)o->eps, decay = (REAL)o->decay;
    const REAL shrink = (REAL)o->shrink, adapt = (REAL)o->adapt;
    const REAL rest1 = (REAL)o->rest1, beta2 = (REAL)o->beta2, rest2 = (REAL)o->rest2;
    const int maximize = o->maximize;
    const Py_ssize_t n = s->n;
    for (Py_ssize_t i = 0; i < n; i++) {
        const REAL d = DESCENT, e = m[i] + rest1 * (d - m[i]);
        const REAL w = beta2 * v[i] + rest2 * d * d;
        m[i] = e;
        v[i] = w;
        p[i] = shrink * p[i] - step * e * (adapt != 0 ? adapt / (ROOT(w) + eps) : 1);
    }
}

#undef DESCENT
#undef ROOT
#undef REAL
#undef NAME
