/* Included twice by batch_norm.h, which says what it is. */

#define VEC NAME(vec)
#define LANES ((Py_ssize_t)(sizeof(VEC) / sizeof(REAL)))
#define LOAD(P) (*(const VEC *)(P))
#define STORE(P, V) (*(VEC *)(P) = (V))
#define TILE (4 * LANES)                        /* columns worked on together */
#define ROWS 64                                 /* rows summed in lanes */

/* What one channel's elements go through: y = ((x - high) - low) a + b, and on the way back
   dx = (dy - centre) a + ((x - high) - low) slope */
typedef struct {
    REAL high, low, a, b, centre, slope;
} NAME(Channel);

static inline NAME(Channel) NAME(channel)(double mean, double var, double eps, const REAL *weight,
                                          const REAL *bias)
{
    NAME(Channel) c = {(REAL)mean, 0, 0, bias ? *bias : 0, 0, 0};
    c.low = (REAL)(mean - c.high);
    c.a = (REAL)((weight ? *weight : 1) / sqrt(var + eps));
    return c;
}

/* The correction of the second pass, from Σ d and Σ d² */
static inline void NAME(correct)(double d, double dd, double n, double *mean, double *var)
{
    *mean += d / n;
    *var = dd / n - (d / n) * (d / n);
    if (*var < 0)
        *var = 0;
}

/* From Σ dy and Σ dy d, the two coefficients of the backward pass and dw, db */
static inline void NAME(backward_terms)(NAME(Channel) *c, double var, double eps, double n,
                                        int training, double dy, double dy_d, REAL *dw, REAL *db)
{
    const double s = 1 / sqrt(var + eps);
    *dw = n ? (REAL)(dy_d * s) : 0;             /* of nothing, s is NaN */
    *db = (REAL)dy;
    c->centre = training ? (REAL)(dy / n) : 0;
    c->slope = training ? (REAL)(-c->a * s * s * dy_d / n) : 0;
}

/* Segments, L > 1 ---------------------------------------------------------------------------- */

/* Σ d and Σ d², d = (x - high) - low */
static void NAME(segment_deviations)(const REAL *x, Py_ssize_t n, REAL high, REAL low, double *d,
                                     double *dd)
{
    for (Py_ssize_t i = 0; i < n;) {
        const Py_ssize_t end = n - i > ROWS * LANES ? i + ROWS * LANES : n;
        VEC sum = {0}, squares = {0};
        for (; i + LANES <= end; i += LANES) {
            VEC u = (LOAD(x + i) - high) - low;
            sum += u;
            squares += u * u;
        }
        if (i < end) {
            VEC u = (NAME(load_first)(x + i, n - i) - high) - low;
            u = NAME(keep_first)(u, n - i, NAME(all)(0));
            sum += u;
            squares += u * u;
            i = end;
        }
        *d += NAME(lane_sum)(sum);
        *dd += NAME(lane_sum)(squares);
    }
}

static void NAME(segment_normalise)(const REAL *x, REAL *y, Py_ssize_t n, NAME(Channel) c)
{
    Py_ssize_t i = 0;
    for (; i + LANES <= n; i += LANES)
        STORE(y + i, ((LOAD(x + i) - c.high) - c.low) * c.a + c.b);
    if (i < n) {
        VEC last = ((NAME(load_first)(x + i, n - i) - c.high) - c.low) * c.a + c.b;
        NAME(store_first)(y + i, n - i, last);
    }
}

/* Σ dy and Σ dy d */
static void NAME(segment_products)(const REAL *dy, const REAL *x, Py_ssize_t n, NAME(Channel) c,
                                   double *sum_dy, double *sum_dy_d)
{
    for (Py_ssize_t i = 0; i < n;) {
        const Py_ssize_t end = n - i > ROWS * LANES ? i + ROWS * LANES : n;
        VEC sum = {0}, products = {0};
        for (; i + LANES <= end; i += LANES) {
            VEC g = LOAD(dy + i);
            sum += g;
            products += g * ((LOAD(x + i) - c.high) - c.low);
        }
        if (i < end) {                          /* dy is 0 behind the end */
            VEC g = NAME(load_first)(dy + i, n - i);
            sum += g;
            products += g * ((NAME(load_first)(x + i, n - i) - c.high) - c.low);
            i = end;
        }
        *sum_dy += NAME(lane_sum)(sum);
        *sum_dy_d += NAME(lane_sum)(products);
    }
}

static void NAME(segment_backward)(const REAL *dy, const REAL *x, REAL *dx, Py_ssize_t n,
                                   NAME(Channel) c)
{
    Py_ssize_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        VEC u = (LOAD(x + i) - c.high) - c.low;
        STORE(dx + i, (LOAD(dy + i) - c.centre) * c.a + u * c.slope);
    }
    if (i < n) {
        VEC u = (NAME(load_first)(x + i, n - i) - c.high) - c.low;
        VEC g = NAME(load_first)(dy + i, n - i) - c.centre;
        NAME(store_first)(dx + i, n - i, g * c.a + u * c.slope);
    }
}

/* Columns, L = 1 ------------------------------------------------------------------------------- */

/* Vector t of a tile's row; `part` columns where it is the incomplete last one, else 0 */
static inline VEC NAME(row_load)(const REAL *x, int t, Py_ssize_t part)
{
    return part ? NAME(load_first)(x, part) : LOAD(x + t * LANES);
}

static inline void NAME(row_store)(REAL *y, int t, Py_ssize_t part, VEC v)
{
    if (part)
        NAME(store_first)(y, part, v);
    else
        STORE(y + t * LANES, v);
}

/* Add the lanes of T vectors to doubles, and clear them */
static inline void NAME(flush)(VEC *sums, double *to, const int T)
{
    for (Py_ssize_t j = 0; j < T * LANES; j++)
        to[j] += ((REAL *)sums)[j];
    memset(sums, 0, (size_t)T * sizeof(VEC));
}

/* Mean and variance of T vectors of columns */
static inline void NAME(tile_moments)(const REAL *x, Py_ssize_t rows, Py_ssize_t stride,
                                      const int T, Py_ssize_t part, double *mean, double *var)
{
    const Py_ssize_t width = part ? part : T * LANES;
    double first[TILE] = {0}, d[TILE] = {0}, dd[TILE] = {0};
    VEC a[4] = {{0}}, b[4] = {{0}}, high[4], low[4];
    for (Py_ssize_t start = 0; start < rows; start += ROWS) {
        const Py_ssize_t end = rows - start > ROWS ? start + ROWS : rows;
        for (Py_ssize_t i = start; i < end; i++)
            for (int t = 0; t < T; t++)
                a[t] += NAME(row_load)(x + i * stride, t, part);
        NAME(flush)(a, first, T);
    }
    for (Py_ssize_t j = 0; j < T * LANES; j++) {
        first[j] /= rows;
        ((REAL *)high)[j] = (REAL)first[j];
        ((REAL *)low)[j] = (REAL)(first[j] - (REAL)first[j]);
    }
    for (Py_ssize_t start = 0; start < rows; start += ROWS) {
        const Py_ssize_t end = rows - start > ROWS ? start + ROWS : rows;
        for (Py_ssize_t i = start; i < end; i++)
            for (int t = 0; t < T; t++) {
                VEC u = (NAME(row_load)(x + i * stride, t, part) - high[t]) - low[t];
                a[t] += u;
                b[t] += u * u;
            }
        NAME(flush)(a, d, T);
        NAME(flush)(b, dd, T);
    }
    for (Py_ssize_t j = 0; j < width; j++) {
        mean[j] = first[j];
        NAME(correct)(d[j], dd[j], (double)rows, mean + j, var + j);
    }
}

static inline void NAME(tile_normalise)(const REAL *x, REAL *y, Py_ssize_t rows, Py_ssize_t stride,
                                        const int T, Py_ssize_t part, const NAME(Channel) *c)
{
    const Py_ssize_t width = part ? part : T * LANES;
    VEC high[4] = {{0}}, low[4] = {{0}}, a[4] = {{0}}, b[4] = {{0}};
    for (Py_ssize_t j = 0; j < width; j++) {
        ((REAL *)high)[j] = c[j].high;
        ((REAL *)low)[j] = c[j].low;
        ((REAL *)a)[j] = c[j].a;
        ((REAL *)b)[j] = c[j].b;
    }
    for (Py_ssize_t i = 0; i < rows; i++)
        for (int t = 0; t < T; t++) {
            VEC u = (NAME(row_load)(x + i * stride, t, part) - high[t]) - low[t];
            NAME(row_store)(y + i * stride, t, part, u * a[t] + b[t]);
        }
}

/* dx, dw, db of T vectors of columns */
static inline void NAME(tile_backward)(const REAL *dy, const REAL *x, REAL *dx, Py_ssize_t rows,
                                       Py_ssize_t stride, const int T, Py_ssize_t part,
                                       NAME(Channel) *c, const double *var, double eps,
                                       int training, REAL *dw, REAL *db)
{
    const Py_ssize_t width = part ? part : T * LANES;
    double sum_dy[TILE] = {0}, sum_dy_d[TILE] = {0};
    VEC p[4] = {{0}}, q[4] = {{0}};
    VEC high[4] = {{0}}, low[4] = {{0}}, a[4] = {{0}}, centre[4] = {{0}}, slope[4] = {{0}};
    for (Py_ssize_t j = 0; j < width; j++) {
        ((REAL *)high)[j] = c[j].high;
        ((REAL *)low)[j] = c[j].low;
        ((REAL *)a)[j] = c[j].a;
    }
    for (Py_ssize_t start = 0; start < rows; start += ROWS) {
        const Py_ssize_t end = rows - start > ROWS ? start + ROWS : rows;
        for (Py_ssize_t i = start; i < end; i++)
            for (int t = 0; t < T; t++) {
                VEC g = NAME(row_load)(dy + i * stride, t, part);
                p[t] += g;
                q[t] += g * ((NAME(row_load)(x + i * stride, t, part) - high[t]) - low[t]);
            }
        NAME(flush)(p, sum_dy, T);
        NAME(flush)(q, sum_dy_d, T);
    }
    for (Py_ssize_t j = 0; j < width; j++) {
        NAME(backward_terms)(c + j, var[j], eps, (double)rows, training, sum_dy[j], sum_dy_d[j],
                             dw + j, db + j);
        ((REAL *)centre)[j] = c[j].centre;
        ((REAL *)slope)[j] = c[j].slope;
    }
    for (Py_ssize_t i = 0; i < rows; i++)
        for (int t = 0; t < T; t++) {
            VEC u = (NAME(row_load)(x + i * stride, t, part) - high[t]) - low[t];
            VEC g = NAME(row_load)(dy + i * stride, t, part) - centre[t];
            NAME(row_store)(dx + i * stride, t, part, g * a[t] + u * slope[t]);
        }
}

/* The whole array ---------------------------------------------------------------------------- */

/* y := (x - mean) / √(var + eps) w + b; mean and var (C) are found first, unless `given` */
static void NAME(batch_norm)(const void *from, void *to, const void *weight, const void *bias,
                             double *mean, double *var, int given, double eps, Py_ssize_t N,
                             Py_ssize_t C, Py_ssize_t L)
{
    const REAL *x = (const REAL *)from, *w = (const REAL *)weight, *b = (const REAL *)bias;
    REAL *y = (REAL *)to;
    for (Py_ssize_t c = 0; L > 1 && c < C; c++) {
        if (!given) {
            double sum = 0, d = 0, dd = 0;
            for (Py_ssize_t i = 0; i < N; i++)
                sum += NAME(sum_row)(x + (i * C + c) * L, L);
            mean[c] = sum / ((double)N * L);
            NAME(Channel) first = NAME(channel)(mean[c], 1, 0, NULL, NULL);
            for (Py_ssize_t i = 0; i < N; i++)
                NAME(segment_deviations)(x + (i * C + c) * L, L, first.high, first.low, &d, &dd);
            NAME(correct)(d, dd, (double)N * L, mean + c, var + c);
        }
        NAME(Channel) one = NAME(channel)(mean[c], var[c], eps, w ? w + c : w, b ? b + c : b);
        for (Py_ssize_t i = 0; i < N; i++)
            NAME(segment_normalise)(x + (i * C + c) * L, y + (i * C + c) * L, L, one);
    }
    for (Py_ssize_t c = 0, width; L == 1 && c < C; c += width) {
        const Py_ssize_t part = C - c < LANES ? C - c : 0;
        const int T = C - c >= TILE ? 4 : 1;
        NAME(Channel) channels[TILE];
        width = part ? part : T * LANES;
        if (!given) {
            if (T == 4)
                NAME(tile_moments)(x + c, N, C, 4, 0, mean + c, var + c);
            else if (!part)
                NAME(tile_moments)(x + c, N, C, 1, 0, mean + c, var + c);
            else
                NAME(tile_moments)(x + c, N, C, 1, part, mean + c, var + c);
        }
        for (Py_ssize_t j = 0; j < width; j++)
            channels[j] = NAME(channel)(mean[c + j], var[c + j], eps, w ? w + c + j : w,
                                        b ? b + c + j : b);
        if (T == 4)
            NAME(tile_normalise)(x + c, y + c, N, C, 4, 0, channels);
        else if (!part)
            NAME(tile_normalise)(x + c, y + c, N, C, 1, 0, channels);
        else
            NAME(tile_normalise)(x + c, y + c, N, C, 1, part, channels);
    }
}

/* dx, dw and db from one dy; with fixed statistics unless `training` */
static void NAME(batch_norm_backward)(const void *dy_, const void *x_, const void *weight,
                                      const double *mean, const double *var, double eps,
                                      int training, void *dx_, void *dw_, void *db_, Py_ssize_t N,
                                      Py_ssize_t C, Py_ssize_t L)
{
    const REAL *dy = (const REAL *)dy_, *x = (const REAL *)x_, *w = (const REAL *)weight;
    REAL *dx = (REAL *)dx_, *dw = (REAL *)dw_, *db = (REAL *)db_;
    for (Py_ssize_t c = 0; L > 1 && c < C; c++) {
        NAME(Channel) one = NAME(channel)(mean[c], var[c], eps, w ? w + c : w, NULL);
        double sum_dy = 0, sum_dy_d = 0;
        for (Py_ssize_t i = 0; i < N; i++) {
            const Py_ssize_t at = (i * C + c) * L;
            NAME(segment_products)(dy + at, x + at, L, one, &sum_dy, &sum_dy_d);
        }
        NAME(backward_terms)(&one, var[c], eps, (double)N * L, training, sum_dy, sum_dy_d, dw + c,
                             db + c);
        for (Py_ssize_t i = 0; i < N; i++) {
            const Py_ssize_t at = (i * C + c) * L;
            NAME(segment_backward)(dy + at, x + at, dx + at, L, one);
        }
    }
    for (Py_ssize_t c = 0, width; L == 1 && c < C; c += width) {
        const Py_ssize_t part = C - c < LANES ? C - c : 0;
        const int T = C - c >= TILE ? 4 : 1;
        NAME(Channel) channels[TILE];
        width = part ? part : T * LANES;
        for (Py_ssize_t j = 0; j < width; j++)
            channels[j] = NAME(channel)(mean[c + j], var[c + j], eps, w ? w + c + j : w, NULL);
        if (T == 4)
            NAME(tile_backward)(dy + c, x + c, dx + c, N, C, 4, 0, channels, var + c, eps,
                                training, dw + c, db + c);
        else if (!part)
            NAME(tile_backward)(dy + c, x + c, dx + c, N, C, 1, 0, channels, var + c, eps,
                                training, dw + c, db + c);
        else
            NAME(tile_backward)(dy + c, x + c, dx + c, N, C, 1, part, channels, var + c, eps,
                                training, dw + c, db + c);
    }
}

#undef ROWS
#undef TILE
#undef STORE
#undef LOAD
#undef LANES
#undef VEC
#undef NAME
#undef REAL
