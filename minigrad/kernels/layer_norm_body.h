/* Included twice by layer_norm.h, which says what it is. */

#define VEC NAME(vec)
#define IVEC NAME(ivec)
#define LANES ((Py_ssize_t)(sizeof(VEC) / sizeof(REAL)))
#define LOAD(P) (*(const VEC *)(P))
#define STORE(P, V) (*(VEC *)(P) = (V))
#define BLOCK (256 * LANES)                     /* of a row, summed in one go */

/* What a row's elements go through: x̂ = (x - high) s + shift, and on the way back
   dx = s dy w + slope x̂ + centre */
typedef struct {
    REAL high, s, shift, slope, centre;
} NAME(Row);

/* A vector of a row; `part` elements where it is the incomplete last one, else 0 */
static inline VEC NAME(row_load)(const REAL *x, Py_ssize_t part)
{
    return part ? NAME(load_first)(x, part) : LOAD(x);
}

static inline void NAME(row_store)(REAL *y, Py_ssize_t part, VEC v)
{
    if (part)
        NAME(store_first)(y, part, v);
    else
        STORE(y, v);
}

static inline REAL NAME(lanes_sum)(VEC v)
{
#if defined(__clang__) || defined(VMATH_SCALAR)
    REAL sum = 0;
    for (Py_ssize_t j = 0; j < LANES; j++)
        sum += ((REAL *)&v)[j];
    return sum;
#else
    for (int k = LANES / 2; k; k /= 2)          /* + the lanes turned by k places */
        v += __builtin_shuffle(v, (*(const IVEC *)NAME(LANE) + k) & (int)(LANES - 1));
    return v[0];
#endif
}

/* Forward ------------------------------------------------------------------------------------ */

/* Σ x */
static inline REAL NAME(row_total)(const REAL *x, Py_ssize_t n)
{
    VEC total = {0};
    Py_ssize_t i = 0;
    while (i + LANES <= n) {
        const Py_ssize_t end = n - i > BLOCK ? i + BLOCK : n;
        VEC a = {0}, b = {0};
        for (; i + 2 * LANES <= end; i += 2 * LANES) {
            a += LOAD(x + i);
            b += LOAD(x + i + LANES);
        }
        if (i + LANES <= end) {
            a += LOAD(x + i);
            i += LANES;
        }
        total += a + b;
    }
    if (i < n)
        total += NAME(load_first)(x + i, n - i);
    return NAME(lanes_sum)(total);
}

/* Σ d and Σ d², d = x - high */
static inline void NAME(row_deviations)(const REAL *x, Py_ssize_t n, REAL high, REAL *d, REAL *dd)
{
    VEC sum = {0}, squares = {0};
    Py_ssize_t i = 0;
    while (i + LANES <= n) {
        const Py_ssize_t end = n - i > BLOCK ? i + BLOCK : n;
        VEC a = {0}, b = {0}, aa = {0}, bb = {0};
        for (; i + 2 * LANES <= end; i += 2 * LANES) {
            VEC u = LOAD(x + i) - high, v = LOAD(x + i + LANES) - high;
            a += u;
            b += v;
            aa += u * u;
            bb += v * v;
        }
        if (i + LANES <= end) {
            VEC u = LOAD(x + i) - high;
            a += u;
            aa += u * u;
            i += LANES;
        }
        sum += a + b;
        squares += aa + bb;
    }
    if (i < n) {
        VEC u = NAME(load_first)(x + i, n - i) - high;
        u = NAME(keep_first)(u, n - i, NAME(all)(0));
        sum += u;
        squares += u * u;
    }
    *d = NAME(lanes_sum)(sum);
    *dd = NAME(lanes_sum)(squares);
}

/* y := x̂ w + b */
static inline void NAME(row_normalise)(const REAL *x, REAL *y, const REAL *w, const REAL *b,
                                       Py_ssize_t part, NAME(Row) row)
{
    VEC v = (NAME(row_load)(x, part) - row.high) * row.s + row.shift;
    if (w)
        v *= NAME(row_load)(w, part);
    if (b)
        v += NAME(row_load)(b, part);
    NAME(row_store)(y, part, v);
}

/* y and the statistics of a piece of the rows */
static void NAME(layer_norm)(void *context, Py_ssize_t index)
{
    const LayerNorm *c = (const LayerNorm *)context;
    const REAL *w = (const REAL *)c->weight, *b = (const REAL *)c->bias;
    const Py_ssize_t n = c->n, full = n - n % LANES;
    const Py_ssize_t most = n * (Py_ssize_t)sizeof(REAL) > ALONE ? 1 : GROUP;
    Py_ssize_t i = index * c->piece, rows;
    const Py_ssize_t end = c->rows - i > c->piece ? i + c->piece : c->rows;
    for (; i < end; i += rows) {
        const REAL *x = (const REAL *)c->x + i * n;
        REAL *y = (REAL *)c->y + i * n, d[GROUP], dd[GROUP];
        NAME(Row) row[GROUP];
        rows = end - i < most ? end - i : most;
        for (Py_ssize_t r = 0; r < rows; r++)
            row[r].high = NAME(row_total)(x + r * n, n) / (REAL)n;
        for (Py_ssize_t r = 0; r < rows; r++)
            NAME(row_deviations)(x + r * n, n, row[r].high, d + r, dd + r);
        for (Py_ssize_t r = 0; r < rows; r++) {
            const double low = (double)d[r] / n, var = (double)dd[r] / n - low * low;
            const double s = 1 / sqrt((var < 0 ? 0 : var) + c->eps);
            c->stats[i + r] = row[r].high + low;
            c->stats[c->rows + i + r] = s;
            row[r].s = (REAL)s;
            row[r].shift = (REAL)(-low * s);
        }
        for (Py_ssize_t r = 0; r < rows; r++) {
            for (Py_ssize_t k = 0; k < full; k += LANES)
                NAME(row_normalise)(x + r * n + k, y + r * n + k, w ? w + k : w, b ? b + k : b, 0,
                                    row[r]);
            if (full < n)
                NAME(row_normalise)(x + r * n + full, y + r * n + full, w ? w + full : w,
                                    b ? b + full : b, n - full, row[r]);
        }
    }
}

/* Backward ----------------------------------------------------------------------------------- */

/* Σ h and Σ h d, h = dy w */
static inline void NAME(row_products)(const REAL *dy, const REAL *x, const REAL *w, Py_ssize_t n,
                                      REAL high, REAL *h, REAL *hd)
{
    VEC sum = {0}, products = {0};
    Py_ssize_t i = 0;
    while (i + LANES <= n) {
        const Py_ssize_t end = n - i > BLOCK ? i + BLOCK : n;
        VEC a = {0}, b = {0};
        for (; i + LANES <= end; i += LANES) {
            VEC u = LOAD(dy + i);
            if (w)
                u *= LOAD(w + i);
            a += u;
            b += u * (LOAD(x + i) - high);
        }
        sum += a;
        products += b;
    }
    if (i < n) {                                /* dy is 0 behind the end */
        VEC u = NAME(load_first)(dy + i, n - i);
        if (w)
            u *= NAME(load_first)(w + i, n - i);
        sum += u;
        products += u * (NAME(load_first)(x + i, n - i) - high);
    }
    *h = NAME(lanes_sum)(sum);
    *hd = NAME(lanes_sum)(products);
}

/* dx for a vector of columns of some rows, and their sums onto dw and db, unless those are NULL */
static inline void NAME(columns_backward)(const REAL *dy, const REAL *x, REAL *dx, const REAL *w,
                                          REAL *dw, REAL *db, Py_ssize_t n, Py_ssize_t part,
                                          const NAME(Row) *row, Py_ssize_t rows)
{
    VEC weight = w ? NAME(row_load)(w, part) : NAME(all)(1), a = {0}, b = {0};
    for (Py_ssize_t r = 0; r < rows; r++) {
        VEC g = NAME(row_load)(dy + r * n, part);
        VEC normal = (NAME(row_load)(x + r * n, part) - row[r].high) * row[r].s + row[r].shift;
        a += g * normal;
        b += g;
        g = (g * weight) * row[r].s + (normal * row[r].slope + row[r].centre);
        NAME(row_store)(dx + r * n, part, g);
    }
    if (dw) {
        STORE(dw, LOAD(dw) + a);
        STORE(db, LOAD(db) + b);
    }
}

static inline void NAME(rows_backward)(const REAL *dy, const REAL *x, REAL *dx, const REAL *w,
                                       REAL *dw, REAL *db, Py_ssize_t n, const NAME(Row) *row,
                                       Py_ssize_t rows)
{
    Py_ssize_t k = 0;
    for (; k + LANES <= n; k += LANES)
        NAME(columns_backward)(dy + k, x + k, dx + k, w ? w + k : w, dw ? dw + k : dw,
                               dw ? db + k : db, n, 0, row, rows);
    if (k < n)
        NAME(columns_backward)(dy + k, x + k, dx + k, w ? w + k : w, dw ? dw + k : dw,
                               dw ? db + k : db, n, n - k, row, rows);
}

/* Add what is in the lanes to the sums (2, n), and clear it */
static void NAME(flush)(REAL *lanes, double *sums, Py_ssize_t n, Py_ssize_t wide)
{
    for (int half = 0; half < 2; half++)
        for (Py_ssize_t k = 0; k < n; k++)
            sums[half * n + k] += lanes[half * wide + k];
    memset(lanes, 0, 2 * (size_t)wide * sizeof(REAL));
}

/* dx of a piece of the rows, and its sums for dw and db */
static void NAME(layer_norm_backward)(void *context, Py_ssize_t index)
{
    const LayerNorm *c = (const LayerNorm *)context;
    const REAL *w = (const REAL *)c->weight;
    const Py_ssize_t n = c->n, wide = (n + LANES - 1) / LANES * LANES;
    const Py_ssize_t most = n * (Py_ssize_t)sizeof(REAL) > ALONE ? 1 : GROUP;
    const Py_ssize_t lead = index / c->pieces * c->rows;   /* rows of dy before this one's x */
    const Py_ssize_t start = index % c->pieces * c->piece;
    const Py_ssize_t end = c->rows - start > c->piece ? start + c->piece : c->rows;
    double *sums = c->sums ? c->sums + index * 2 * n : NULL;
    REAL *dw = sums ? (REAL *)c->lanes + index * 2 * wide : NULL, *db = dw ? dw + wide : NULL;
    if (sums) {
        memset(sums, 0, 2 * (size_t)n * sizeof(double));
        memset(dw, 0, 2 * (size_t)wide * sizeof(REAL));
    }
    for (Py_ssize_t i = start, rows; i < end; i += rows) {
        const REAL *x = (const REAL *)c->x + i * n, *dy = (const REAL *)c->dy + (lead + i) * n;
        REAL *dx = (REAL *)c->dx + (lead + i) * n, h[GROUP], hd[GROUP];
        NAME(Row) row[GROUP];
        rows = end - i < most ? end - i : most;
        for (Py_ssize_t r = 0; r < rows; r++) {
            row[r].high = (REAL)c->stats[i + r];
            NAME(row_products)(dy + r * n, x + r * n, w, n, row[r].high, h + r, hd + r);
        }
        for (Py_ssize_t r = 0; r < rows; r++) {
            const double s = c->stats[c->rows + i + r], low = c->stats[i + r] - row[r].high;
            row[r].s = (REAL)s;
            row[r].shift = (REAL)(-low * s);
            row[r].slope = (REAL)(-s * s * (hd[r] - low * h[r]) / n);
            row[r].centre = (REAL)(-s * h[r] / n);
        }
        if (rows == GROUP)
            NAME(rows_backward)(dy, x, dx, w, dw, db, n, row, GROUP);
        else
            for (Py_ssize_t r = 0; r < rows; r++)
                NAME(rows_backward)(dy + r * n, x + r * n, dx + r * n, w, dw, db, n, row + r, 1);
        if (sums && ((i + rows - start) / FLUSH != (i - start) / FLUSH || i + rows == end))
            NAME(flush)(dw, sums, n, wide);
    }
}

/* dw and db of one dy, its pieces added in order */
static void NAME(layer_norm_columns)(void *context, Py_ssize_t index)
{
    const LayerNorm *c = (const LayerNorm *)context;
    double *sums = c->sums + index * c->pieces * 2 * c->n;
    for (Py_ssize_t p = 1; p < c->pieces; p++)
        for (Py_ssize_t k = 0; k < 2 * c->n; k++)
            sums[k] += sums[p * 2 * c->n + k];
    for (Py_ssize_t k = 0; k < c->n; k++) {
        ((REAL *)c->dw)[index * c->n + k] = c->pieces ? (REAL)sums[k] : 0;
        ((REAL *)c->db)[index * c->n + k] = c->pieces ? (REAL)sums[c->n + k] : 0;
    }
}

#undef BLOCK
#undef STORE
#undef LOAD
#undef LANES
#undef IVEC
#undef VEC
#undef NAME
#undef REAL
