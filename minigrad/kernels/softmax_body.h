/* Included twice by softmax.h, which says what it is. */

#define VEC NAME(vec)
#define IVEC NAME(ivec)
#define LANES ((Py_ssize_t)(sizeof(VEC) / sizeof(REAL)))
#define LOAD(P) (*(const VEC *)(P))
#define BLOCK (256 * LANES)                     /* of a row, summed in one precision */

/* The lanes turned by k places */
static inline VEC NAME(turn)(VEC v, int k)
{
#if defined(__clang__) || defined(VMATH_SCALAR)
    VEC u;
    for (Py_ssize_t j = 0; j < LANES; j++)
        ((REAL *)&u)[j] = ((REAL *)&v)[(j + k) & (LANES - 1)];
    return u;
#else
    return __builtin_shuffle(v, (*(const IVEC *)NAME(LANE) + k) & (INT)(LANES - 1));
#endif
}

static inline REAL NAME(lanes_max)(VEC v)
{
    for (int k = LANES / 2; k; k /= 2) {
        VEC u = NAME(turn)(v, k);
        v = NAME(vmax)(u, v);
    }
    return *(REAL *)&v;
}

static inline REAL NAME(lanes_sum)(VEC v)
{
    for (int k = LANES / 2; k; k /= 2)
        v += NAME(turn)(v, k);
    return *(REAL *)&v;
}

/* Rows worked on together, so that their latencies overlap and one vector of logarithms serves
   them all; one where a row is long, to have it in cache still when it is read again */
static inline Py_ssize_t NAME(group)(Py_ssize_t rows, Py_ssize_t n)
{
    const Py_ssize_t most = n < 1024 ? LANES : 1;
    return rows < most ? rows : most;
}

/* The first n elements of x, -Inf behind them */
static inline VEC NAME(load_row_end)(const REAL *x, Py_ssize_t n)
{
    return NAME(keep_first)(NAME(load_first)(x, n), n, NAME(all)(-INFINITY));
}

/* max x[k]; NaN are passed over */
static inline REAL NAME(row_max)(const REAL *x, Py_ssize_t n)
{
    VEC a = NAME(all)(-INFINITY), b = a;
    Py_ssize_t k = 0;
    for (; k + 2 * LANES <= n; k += 2 * LANES) {
        a = NAME(vmax)(LOAD(x + k), a);
        b = NAME(vmax)(LOAD(x + k + LANES), b);
    }
    if (k + LANES <= n) {
        a = NAME(vmax)(LOAD(x + k), a);
        k += LANES;
    }
    if (k < n) {
        VEC last = NAME(load_row_end)(x + k, n - k);
        b = NAME(vmax)(last, b);
    }
    return NAME(lanes_max)(NAME(vmax)(a, b));
}

/* Σ exp(x[k] - top); the terms go to y where it is given */
static inline double NAME(row_exp)(const REAL *x, REAL *y, REAL top, Py_ssize_t n)
{
    double total = 0;
    Py_ssize_t k = 0;
    while (n - k >= LANES) {
        const Py_ssize_t stop = n - k > BLOCK ? k + BLOCK : n;
        VEC sum = {0};
        for (; k + LANES <= stop; k += LANES) {
            VEC e = NAME(vexp_below)(LOAD(x + k) - top);
            if (y)
                *(VEC *)(y + k) = e;
            sum += e;
        }
        total += NAME(lanes_sum)(sum);
    }
    if (k < n) {
        VEC e = NAME(vexp_below)(NAME(load_row_end)(x + k, n - k) - top);
        if (isinf(top))                         /* the lanes behind the end: -Inf + Inf is NaN */
            e = NAME(all)(NAN);
        if (y)
            NAME(store_first)(y + k, n - k, e);
        total += NAME(lanes_sum)(e);
    }
    return total;
}

/* y := exp x / Σ exp x, row by row */
static void NAME(softmax_rows)(const void *from, void *to, Py_ssize_t rows, Py_ssize_t n)
{
    const REAL *x = (const REAL *)from;
    REAL *y = (REAL *)to, top[LANES];
    for (Py_ssize_t i = 0, count; i < rows; i += count) {
        count = NAME(group)(rows - i, n);
        for (Py_ssize_t j = 0; j < count; j++)
            top[j] = NAME(row_max)(x + j * n, n);
        for (Py_ssize_t j = 0; j < count; j++, x += n, y += n) {
            const REAL scale = (REAL)(1 / NAME(row_exp)(x, y, top[j], n));
            Py_ssize_t k = 0;
            for (; k + LANES <= n; k += LANES)
                *(VEC *)(y + k) *= scale;
            if (k < n)
                NAME(store_first)(y + k, n - k, NAME(load_first)(y + k, n - k) * scale);
        }
    }
}

/* y := x - ln Σ exp x, row by row */
static void NAME(log_softmax_rows)(const void *from, void *to, Py_ssize_t rows, Py_ssize_t n)
{
    const REAL *x = (const REAL *)from;
    REAL *y = (REAL *)to, top[LANES];
    for (Py_ssize_t i = 0, count; i < rows; i += count) {
        VEC log_total = {0};
        count = NAME(group)(rows - i, n);
        for (Py_ssize_t j = 0; j < count; j++)
            top[j] = NAME(row_max)(x + j * n, n);
        for (Py_ssize_t j = 0; j < count; j++)
            ((REAL *)&log_total)[j] = (REAL)NAME(row_exp)(x + j * n, NULL, top[j], n);
        log_total = NAME(vlog)(log_total);
        for (Py_ssize_t j = 0; j < count; j++, x += n, y += n) {
            const REAL shift = ((REAL *)&log_total)[j];
            Py_ssize_t k = 0;
            for (; k + LANES <= n; k += LANES)
                *(VEC *)(y + k) = (LOAD(x + k) - top[j]) - shift;
            if (k < n)
                NAME(store_first)(y + k, n - k, (NAME(load_first)(x + k, n - k) - top[j]) - shift);
        }
    }
}

/* Σ a[k] b[k]; of a alone where b is NULL */
static inline double NAME(row_dot)(const REAL *a, const REAL *b, Py_ssize_t n)
{
    double total = 0;
    Py_ssize_t k = 0;
    while (n - k >= LANES) {
        const Py_ssize_t stop = n - k > BLOCK ? k + BLOCK : n;
        VEC sum = {0};
        for (; k + LANES <= stop; k += LANES) {
            if (b)
                sum += LOAD(a + k) * LOAD(b + k);
            else
                sum += LOAD(a + k);
        }
        total += NAME(lanes_sum)(sum);
    }
    if (k < n) {
        VEC last = NAME(load_first)(a + k, n - k);
        if (b)
            last *= NAME(load_first)(b + k, n - k);
        total += NAME(lanes_sum)(last);
    }
    return total;
}

/* dx := y (dy - Σ dy y); the rows of y are used again and again for a batch of dy */
static void NAME(softmax_backward_rows)(const void *dy_, const void *y_, void *dx_,
                                        Py_ssize_t rows, Py_ssize_t y_rows, Py_ssize_t n)
{
    const REAL *dy = (const REAL *)dy_;
    const REAL *y = (const REAL *)y_, *y_end = y + y_rows * n;
    REAL *dx = (REAL *)dx_;
    for (Py_ssize_t i = 0; i < rows; i++, dy += n, y += n, dx += n) {
        if (y == y_end)
            y = (const REAL *)y_;
        const REAL mean = (REAL)NAME(row_dot)(dy, y, n);
        Py_ssize_t k = 0;
        for (; k + LANES <= n; k += LANES)
            *(VEC *)(dx + k) = LOAD(y + k) * (LOAD(dy + k) - mean);
        if (k < n) {
            VEC last = NAME(load_first)(dy + k, n - k) - mean;
            last *= NAME(load_first)(y + k, n - k);
            NAME(store_first)(dx + k, n - k, last);
        }
    }
}

/* dx := dy - exp(y) Σ dy */
static void NAME(log_softmax_backward_rows)(const void *dy_, const void *y_, void *dx_,
                                            Py_ssize_t rows, Py_ssize_t y_rows, Py_ssize_t n)
{
    const REAL *dy = (const REAL *)dy_;
    const REAL *y = (const REAL *)y_, *y_end = y + y_rows * n;
    REAL *dx = (REAL *)dx_;
    for (Py_ssize_t i = 0; i < rows; i++, dy += n, y += n, dx += n) {
        if (y == y_end)
            y = (const REAL *)y_;
        const REAL sum = (REAL)NAME(row_dot)(dy, NULL, n);
        Py_ssize_t k = 0;
        for (; k + LANES <= n; k += LANES)
            *(VEC *)(dx + k) = LOAD(dy + k) - NAME(vexp)(LOAD(y + k)) * sum;
        if (k < n) {
            VEC last = NAME(vexp)(NAME(load_first)(y + k, n - k)) * sum;
            last = NAME(load_first)(dy + k, n - k) - last;
            NAME(store_first)(dx + k, n - k, last);
        }
    }
}

/* Σ w[k] (top - x[k]), w = 1 where NULL */
static inline double NAME(row_gap)(const REAL *x, const REAL *w, REAL top, Py_ssize_t n)
{
    double total = 0;
    Py_ssize_t k = 0;
    while (n - k >= LANES) {
        const Py_ssize_t stop = n - k > BLOCK ? k + BLOCK : n;
        VEC sum = {0};
        for (; k + LANES <= stop; k += LANES) {
            if (w)
                sum += LOAD(w + k) * (top - LOAD(x + k));
            else
                sum += top - LOAD(x + k);
        }
        total += NAME(lanes_sum)(sum);
    }
    for (; k < n; k++)
        total += w ? w[k] * (double)(top - x[k]) : top - x[k];
    return total;
}

/* loss_i := Σ_k q_ik (ln Σ exp x_i - x_ik),  q_i = (1 - s) w_t onehot(t) + (s / n) w, 0 if
   ignored.

   stats (rows, 2) := top and total of each row. Returns Σ loss_i, and in W the Σ w_t. */
static double NAME(cross_entropy_rows)(const void *from, const Labels *labels, void *losses,
                                       void *stats, Py_ssize_t rows, Py_ssize_t n, double *W)
{
    const REAL *x = (const REAL *)from, *w = (const REAL *)labels->weight;
    const double s = labels->smoothing;
    REAL *stat = (REAL *)stats;
    double sum = 0;
    *W = 0;
    for (Py_ssize_t i = 0, count; i < rows; i += count) {
        const int64_t *t = labels->targets + i;
        VEC log_total = NAME(all)(1);
        count = NAME(group)(rows - i, n);
        for (Py_ssize_t j = 0; j < count; j++)
            stat[2 * j] = t[j] == labels->ignore_index ? 0 : NAME(row_max)(x + j * n, n);
        for (Py_ssize_t j = 0; j < count; j++) {
            REAL total = 1;
            if (t[j] != labels->ignore_index)
                total = (REAL)NAME(row_exp)(x + j * n, NULL, stat[2 * j], n);
            stat[2 * j + 1] = ((REAL *)&log_total)[j] = total;
        }
        log_total = NAME(vlog)(log_total);
        for (Py_ssize_t j = 0; j < count; j++, x += n, stat += 2) {
            double loss = 0;
            if (t[j] != labels->ignore_index) {
                const double shift = ((REAL *)&log_total)[j], wt = w ? w[t[j]] : 1;
                loss = (1 - s) * wt * (((double)stat[0] - x[t[j]]) + shift);
                if (s)
                    loss += s / n * (NAME(row_gap)(x, w, stat[0], n) + labels->weight_sum * shift);
                *W += wt;
                sum += loss;
            }
            if (losses)
                ((REAL *)losses)[i + j] = (REAL)loss;
        }
    }
    return sum;
}

/* dx_i := dy_i scale (p_i Σ q_i - q_i), from the stats of the forward pass; one dy for all rows
   where dy_step is 0 */
static void NAME(cross_entropy_backward_rows)(const void *dy_, int dy_step, double scale,
                                              const void *from, const void *stats,
                                              const Labels *labels, void *to, Py_ssize_t rows,
                                              Py_ssize_t n)
{
    const REAL *x = (const REAL *)from, *w = (const REAL *)labels->weight;
    const REAL *stat = (const REAL *)stats, *dy = (const REAL *)dy_;
    const double spread = labels->smoothing / n;
    REAL *dx = (REAL *)to;
    for (Py_ssize_t i = 0; i < rows; i++, x += n, dx += n, dy += dy_step, stat += 2) {
        const int64_t t = labels->targets[i];
        if (t == labels->ignore_index) {
            memset(dx, 0, (size_t)n * sizeof(REAL));
            continue;
        }
        const double g = scale * *dy;
        const double hit = g * (1 - labels->smoothing) * (w ? w[t] : 1);
        const REAL top = stat[0], each = (REAL)(g * spread);
        const REAL c = (REAL)((hit + g * spread * labels->weight_sum) / stat[1]);
        Py_ssize_t k = 0;
        for (; k + LANES <= n; k += LANES)
            *(VEC *)(dx + k) = NAME(vexp_below)(LOAD(x + k) - top) * c;
        if (k < n) {
            VEC last = NAME(vexp_below)(NAME(load_first)(x + k, n - k) - top) * c;
            NAME(store_first)(dx + k, n - k, last);
        }
        if (spread)
            for (k = 0; k < n; k++)
                dx[k] -= w ? each * w[k] : each;
        dx[t] -= (REAL)hit;
    }
}

#undef BLOCK
#undef LOAD
#undef LANES
#undef IVEC
#undef VEC
#undef NAME
#undef REAL
#undef INT
