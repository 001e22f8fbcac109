/* Included twice by layer_norm.h, which says what it is. */

#define VEC NAME(vec)
#define IVEC NAME(ivec)
#define LANES ((Py_ssize_t)(sizeof(VEC) / sizeof(REAL)))
#define BLOCK (256 * LANES)                     /* of a row, summed in one go */

/* A group of rows: two sums along each, its mean and 1 / √(var + eps), and what its elements go
   through: x̂ = (x - high) s + shift, and on the way back dx = s dy w + slope x̂ + centre.
   Rows that a group does not have are zeros. */
typedef struct {
    REAL sum[GROUP], along[GROUP], high[GROUP], s[GROUP], shift[GROUP], slope[GROUP],
        centre[GROUP];
    double mean[GROUP], root[GROUP];
} NAME(Rows);

/* The vector at p; `part` elements where it is the incomplete last one of a row, else 0 */
static inline VEC NAME(load)(const REAL *p, Py_ssize_t part)
{
    return part ? NAME(load_first)(p, part) : *(const VEC *)p;
}

static inline void NAME(store)(REAL *p, Py_ssize_t part, VEC v)
{
    if (part)
        NAME(store_first)(p, part, v);
    else
        *(VEC *)p = v;
}

/* sums[r] := Σ of the lanes of v[r]. Four vectors are folded into one, halves and then quarters,
   before its lanes are added:

       a a a a a a a a ┐
                       ├─ aa aa aa aa bb bb bb bb ┐
       b b b b b b b b ┘                          ├─ a4 a4 c4 c4 b4 b4 d4 d4
                         cc cc cc cc dd dd dd dd ─┘                                          */
static inline void NAME(lane_sums)(const VEC *v, REAL *sums, const Py_ssize_t rows)
{
#if defined(__GNUC__) && !defined(__clang__)
#define UPPER(K) (((lane & (int)(K)) != 0) * (int)((K) - LANES)) /* to B's lanes */
#define PAIRS(A, B, K)                                                                            \
    (__builtin_shuffle(A, B, lane + UPPER(K)) +                                                   \
     __builtin_shuffle(A, B, lane + UPPER(K) + (int)(K)))
    if (rows % 4 == 0 && LANES >= 4) {
        const IVEC lane = *(const IVEC *)NAME(LANE);
        for (Py_ssize_t q = 0; q < rows; q += 4) {
            const VEC ab = PAIRS(v[q], v[q + 1], LANES / 2);
            const VEC cd = PAIRS(v[q + 2], v[q + 3], LANES / 2);
            VEC all = PAIRS(ab, cd, LANES / 4);
            for (int k = LANES / 8; k; k /= 2)
                all += __builtin_shuffle(all, lane ^ k);
            all = __builtin_shuffle(all, (lane & 1) * (int)(LANES / 2) +
                                             (lane >> 1 & 1) * (int)(LANES / 4));
            memcpy(sums + q, &all, 4 * sizeof(REAL));
        }
        return;
    }
#undef PAIRS
#undef UPPER
#endif
    for (Py_ssize_t r = 0; r < rows; r++) {
        REAL t[sizeof(VEC) / sizeof(REAL)];
        memcpy(t, v + r, sizeof t);
        for (Py_ssize_t k = LANES / 2; k; k /= 2)
            for (Py_ssize_t j = 0; j < k; j++)
                t[j] += t[j + k];
        sums[r] = t[0];
    }
}

/* Forward ------------------------------------------------------------------------------------ */

/* sums[r] := Σ x of each row */
static inline void NAME(totals)(const REAL *x, Py_ssize_t n, REAL *sums, const Py_ssize_t rows)
{
    VEC total[GROUP] = {{0}};
    for (Py_ssize_t r = 0; r < rows; r++, x += n) {
        Py_ssize_t k = 0;
        while (k + LANES <= n) {
            const Py_ssize_t end = n - k > BLOCK ? k + BLOCK : n;
            VEC a = {0}, b = {0};
            for (; k + 2 * LANES <= end; k += 2 * LANES) {
                a += NAME(load)(x + k, 0);
                b += NAME(load)(x + k + LANES, 0);
            }
            if (k + LANES <= end) {
                a += NAME(load)(x + k, 0);
                k += LANES;
            }
            total[r] += a + b;
        }
        if (k < n)
            total[r] += NAME(load)(x + k, n - k);
    }
    NAME(lane_sums)(total, sums, rows);
}

/* Σ d and Σ d² of each row, d = x - high */
static inline void NAME(deviations)(const REAL *x, Py_ssize_t n, NAME(Rows) *row,
                                    const Py_ssize_t rows)
{
    VEC sum[GROUP] = {{0}}, squares[GROUP] = {{0}};
    Py_ssize_t k = 0;
    while (k + LANES <= n) {
        const Py_ssize_t end = n - k > BLOCK ? k + BLOCK : n;
        VEC a[GROUP] = {{0}}, b[GROUP] = {{0}};
        for (; k + LANES <= end; k += LANES)
            for (Py_ssize_t r = 0; r < rows; r++) {
                VEC u = NAME(load)(x + r * n + k, 0) - row->high[r];
                a[r] += u;
                b[r] += u * u;
            }
        for (Py_ssize_t r = 0; r < rows; r++) {
            sum[r] += a[r];
            squares[r] += b[r];
        }
    }
    for (Py_ssize_t r = 0; k < n && r < rows; r++) {
        VEC u = NAME(load)(x + r * n + k, n - k) - row->high[r];
        u = NAME(keep_first)(u, n - k, NAME(all)(0));
        sum[r] += u;
        squares[r] += u * u;
    }
    NAME(lane_sums)(sum, row->sum, rows);
    NAME(lane_sums)(squares, row->along, rows);
}

/* From Σ d and Σ d²: the statistics. All GROUP rows, for a constant number becomes vectors. */
static OWN void NAME(statistics)(NAME(Rows) *row, double each, double eps)
{
    for (Py_ssize_t r = 0; r < GROUP; r++) {
        const double low = row->sum[r] * each, var = row->along[r] * each - low * low;
        const double s = 1 / sqrt((var < 0 ? 0 : var) + eps);
        row->mean[r] = row->high[r] + low;
        row->root[r] = s;
        row->s[r] = (REAL)s;
        row->shift[r] = (REAL)(-low * s);
    }
}

/* y := x̂ w + b, a vector of row r */
static inline void NAME(normalise)(const REAL *x, REAL *y, const REAL *w, const REAL *b,
                                   Py_ssize_t part, const NAME(Rows) *row, Py_ssize_t r)
{
    VEC v = (NAME(load)(x, part) - row->high[r]) * row->s[r] + row->shift[r];
    if (w)
        v *= NAME(load)(w, part);
    if (b)
        v += NAME(load)(b, part);
    NAME(store)(y, part, v);
}

/* y and the statistics of `rows` rows from row i on */
static inline void NAME(forward)(const LayerNorm *c, Py_ssize_t i, const Py_ssize_t rows)
{
    const Py_ssize_t n = c->n;
    const REAL *x = (const REAL *)c->x + i * n, *w = (const REAL *)c->weight;
    const REAL *b = (const REAL *)c->bias;
    REAL *y = (REAL *)c->y + i * n;
    const double each = 1 / (double)n;
    NAME(Rows) row = {{0}};
    NAME(totals)(x, n, row.high, rows);
    for (Py_ssize_t r = 0; r < rows; r++)
        row.high[r] *= (REAL)each;
    NAME(deviations)(x, n, &row, rows);
    NAME(statistics)(&row, each, c->eps);
    memcpy(c->stats + i, row.mean, (size_t)rows * sizeof(double));
    memcpy(c->stats + c->rows + i, row.root, (size_t)rows * sizeof(double));
    for (Py_ssize_t r = 0; r < rows; r++, x += n, y += n) {
        Py_ssize_t k = 0;
        for (; k + LANES <= n; k += LANES)
            NAME(normalise)(x + k, y + k, w ? w + k : w, b ? b + k : b, 0, &row, r);
        if (k < n)
            NAME(normalise)(x + k, y + k, w ? w + k : w, b ? b + k : b, n - k, &row, r);
    }
}

static void NAME(layer_norm)(void *context, Py_ssize_t index)
{
    const LayerNorm *c = (const LayerNorm *)context;
    Py_ssize_t i = index * c->piece;
    const Py_ssize_t end = c->rows - i > c->piece ? i + c->piece : c->rows;
    for (; i + GROUP <= end; i += GROUP)
        NAME(forward)(c, i, GROUP);
    for (; i < end; i++)
        NAME(forward)(c, i, 1);
}

/* Backward ----------------------------------------------------------------------------------- */

/* Σ h and Σ h d of each row, h = dy w and d = x - high */
static inline void NAME(products)(const REAL *dy, const REAL *x, const REAL *w, Py_ssize_t n,
                                  NAME(Rows) *row, const Py_ssize_t rows)
{
    VEC sum[GROUP] = {{0}}, along[GROUP] = {{0}};
    for (Py_ssize_t r = 0; r < rows; r++, dy += n, x += n) {
        Py_ssize_t k = 0;
        while (k + LANES <= n) {
            const Py_ssize_t end = n - k > BLOCK ? k + BLOCK : n;
            VEC a = {0}, b = {0};
            for (; k + LANES <= end; k += LANES) {
                VEC u = NAME(load)(dy + k, 0);
                if (w)
                    u *= NAME(load)(w + k, 0);
                a += u;
                b += u * (NAME(load)(x + k, 0) - row->high[r]);
            }
            sum[r] += a;
            along[r] += b;
        }
        if (k < n) {                            /* dy is 0 behind the end */
            VEC u = NAME(load)(dy + k, n - k);
            if (w)
                u *= NAME(load)(w + k, n - k);
            sum[r] += u;
            along[r] += u * (NAME(load)(x + k, n - k) - row->high[r]);
        }
    }
    NAME(lane_sums)(sum, row->sum, rows);
    NAME(lane_sums)(along, row->along, rows);
}

/* From Σ h and Σ h d: the coefficients of dx. */
static OWN void NAME(coefficients)(NAME(Rows) *row, double each)
{
    for (Py_ssize_t r = 0; r < GROUP; r++) {
        const double s = row->root[r], low = row->mean[r] - row->high[r], h = row->sum[r];
        row->s[r] = (REAL)s;
        row->shift[r] = (REAL)(-low * s);
        row->slope[r] = (REAL)(-s * s * (row->along[r] - low * h) * each);
        row->centre[r] = (REAL)(-s * h * each);
    }
}

/* dx for a vector of columns, and its sums onto dw and db, unless those are NULL */
static inline void NAME(columns)(const REAL *dy, const REAL *x, REAL *dx, const REAL *w, REAL *dw,
                                 REAL *db, Py_ssize_t n, Py_ssize_t part, const NAME(Rows) *row,
                                 const Py_ssize_t rows)
{
    const VEC weight = w ? NAME(load)(w, part) : NAME(all)(1);
    VEC a = {0}, b = {0};
    for (Py_ssize_t r = 0; r < rows; r++) {
        VEC g = NAME(load)(dy + r * n, part);
        VEC normal = (NAME(load)(x + r * n, part) - row->high[r]) * row->s[r] + row->shift[r];
        a += g * normal;
        b += g;
        g = (g * weight) * row->s[r] + (normal * row->slope[r] + row->centre[r]);
        NAME(store)(dx + r * n, part, g);
    }
    if (dw) {
        *(VEC *)dw += a;
        *(VEC *)db += b;
    }
}

/* dx of `rows` rows of dy, the first of which belongs to row i of x; their sums onto dw and db */
static inline void NAME(backward)(const LayerNorm *c, Py_ssize_t lead, Py_ssize_t i, REAL *dw,
                                  REAL *db, const Py_ssize_t rows)
{
    const Py_ssize_t n = c->n;
    const REAL *x = (const REAL *)c->x + i * n, *dy = (const REAL *)c->dy + (lead + i) * n;
    const REAL *w = (const REAL *)c->weight;
    REAL *dx = (REAL *)c->dx + (lead + i) * n;
    NAME(Rows) row = {{0}};
    Py_ssize_t k = 0;
    memcpy(row.mean, c->stats + i, (size_t)rows * sizeof(double));
    memcpy(row.root, c->stats + c->rows + i, (size_t)rows * sizeof(double));
    for (Py_ssize_t r = 0; r < rows; r++)
        row.high[r] = (REAL)row.mean[r];
    NAME(products)(dy, x, w, n, &row, rows);
    NAME(coefficients)(&row, 1 / (double)n);
    for (; k + LANES <= n; k += LANES)
        NAME(columns)(dy + k, x + k, dx + k, w ? w + k : w, dw ? dw + k : dw, db ? db + k : db, n,
                      0, &row, rows);
    if (k < n)
        NAME(columns)(dy + k, x + k, dx + k, w ? w + k : w, dw ? dw + k : dw, db ? db + k : db, n,
                      n - k, &row, rows);
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
    const Py_ssize_t n = c->n, wide = (n + LANES - 1) / LANES * LANES;
    const Py_ssize_t lead = index / c->pieces * c->rows;   /* rows of dy before this one's x */
    const Py_ssize_t start = index % c->pieces * c->piece;
    const Py_ssize_t end = c->rows - start > c->piece ? start + c->piece : c->rows;
    double *sums = c->sums ? c->sums + index * 2 * n : NULL;
    REAL *dw = sums ? (REAL *)c->lanes + index * 2 * wide : NULL, *db = dw ? dw + wide : NULL;
    if (sums) {
        memset(sums, 0, 2 * (size_t)n * sizeof(double));
        memset(dw, 0, 2 * (size_t)wide * sizeof(REAL));
    }
    for (Py_ssize_t i = start; i < end;) {
        const Py_ssize_t stop = end - i > FLUSH ? i + FLUSH : end;
        for (; i + GROUP <= stop; i += GROUP)
            NAME(backward)(c, lead, i, dw, db, GROUP);
        for (; i < stop; i++)
            NAME(backward)(c, lead, i, dw, db, 1);
        if (sums)
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
#undef LANES
#undef IVEC
#undef VEC
#undef NAME
#undef REAL
