/* Included twice by batch_norm.h, which says what it is. */

#define VEC NAME(vec)
#define LANES ((Py_ssize_t)(sizeof(VEC) / sizeof(REAL)))
#define LOAD(P) (*(const VEC *)(P))
#define STORE(P, V) (*(VEC *)(P) = (V))
#define SEGMENT (128 * LANES)                   /* elements of a segment summed in lanes */
#define SLOTS (BN_BYTES / (Py_ssize_t)sizeof(REAL) + LANES)

/* What a channel's elements go through: y = (x - k) a + b, and dx = dy a + (x - k) slope + b */
typedef struct {
    REAL *k, *a, *b, *slope;
} NAME(Terms);

static inline NAME(Terms) NAME(terms)(const BatchNorm *t)
{
    REAL *p = (REAL *)t->terms;
    NAME(Terms) terms = {p, p + t->C, p + 2 * t->C, p + 3 * t->C};
    return terms;
}

/* Sum of the lanes, and clear them */
static inline double NAME(take)(VEC *v)
{
    double half[sizeof(VEC) / sizeof(REAL)];
    for (Py_ssize_t j = 0; j < LANES; j++)
        half[j] = ((REAL *)v)[j];
    for (Py_ssize_t n = LANES / 2; n; n /= 2)
        for (Py_ssize_t j = 0; j < n; j++)
            half[j] += half[j + n];
    *v = NAME(all)(0);
    return half[0];
}

/* Segments, L > 1 ---------------------------------------------------------------------------- */

/* Backward: add dy to sum and dy d to products, d = x - k; forward: d takes the place of dy. */
static inline void NAME(segment_sums)(const int backward, const REAL *dy, const REAL *x,
                                      Py_ssize_t n, REAL k, VEC *sum, VEC *products)
{
    Py_ssize_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        for (int t = 0; t < 4; t++) {
            VEC d = LOAD(x + i + t * LANES) - k, g = backward ? LOAD(dy + i + t * LANES) : d;
            sum[t] += g;
            products[t] += g * d;
        }
    for (; i + LANES <= n; i += LANES) {
        VEC d = LOAD(x + i) - k, g = backward ? LOAD(dy + i) : d;
        sum[0] += g;
        products[0] += g * d;
    }
    if (i < n) {
        VEC d = NAME(load_first)(x + i, n - i) - k;
        VEC g = backward ? NAME(load_first)(dy + i, n - i) : NAME(keep_first)(d, n - i, NAME(all)(0));
        sum[1] += g;
        products[1] += g * d;
    }
}

/* Mean and Σ (x - mean)² of one channel's rows */
static void NAME(channel_moments)(const REAL *x, Py_ssize_t rows, Py_ssize_t stride, Py_ssize_t L,
                                  double *mean, double *M)
{
    const Py_ssize_t few = L < 8 * LANES ? L : 8 * LANES;
    double n = 0, m = 0, d = 0, dd = 0;
    REAL k = (REAL)(NAME(sum_row)(x, few) / (double)few);
    VEC s[4] = {{0}}, q[4] = {{0}};
    Py_ssize_t terms = 0;
    *mean = *M = 0;
    for (Py_ssize_t i = 0; i < rows; i++)
        for (Py_ssize_t at = 0; at < L; at += SEGMENT) {
            const Py_ssize_t part = L - at < SEGMENT ? L - at : SEGMENT;
            NAME(segment_sums)(0, NULL, x + i * stride + at, part, k, s, q);
            m += (double)part;
            terms += part / LANES + 1;
            if (terms >= 128 || (i == rows - 1 && at + part == L)) {
                s[0] = (s[0] + s[1]) + (s[2] + s[3]);
                q[0] = (q[0] + q[1]) + (q[2] + q[3]);
                s[1] = s[2] = s[3] = q[1] = q[2] = q[3] = NAME(all)(0);
                d += NAME(take)(s);
                dd += NAME(take)(q);
                terms = 0;
                if (m >= n || (i == rows - 1 && at + part == L)) {
                    batch_norm_merge(n, m, k, d, dd, mean, M);
                    n += m;
                    m = d = dd = 0;
                    k = (REAL)*mean;
                }
            }
        }
}

/* Σ dy and Σ dy (x - k) of one channel's rows */
static void NAME(channel_products)(const REAL *dy, const REAL *x, Py_ssize_t rows,
                                   Py_ssize_t stride, Py_ssize_t L, REAL k, double *sum,
                                   double *products)
{
    VEC s[4] = {{0}}, q[4] = {{0}};
    Py_ssize_t terms = 0;
    *sum = *products = 0;
    for (Py_ssize_t i = 0; i < rows; i++)
        for (Py_ssize_t at = 0; at < L; at += SEGMENT) {
            const Py_ssize_t part = L - at < SEGMENT ? L - at : SEGMENT;
            NAME(segment_sums)(1, dy + i * stride + at, x + i * stride + at, part, k, s, q);
            terms += part / LANES + 1;
            if (terms >= 128 || (i == rows - 1 && at + part == L)) {
                s[0] = (s[0] + s[1]) + (s[2] + s[3]);
                q[0] = (q[0] + q[1]) + (q[2] + q[3]);
                s[1] = s[2] = s[3] = q[1] = q[2] = q[3] = NAME(all)(0);
                *sum += NAME(take)(s);
                *products += NAME(take)(q);
                terms = 0;
            }
        }
}

/* y := (x - k) a + b, or backward dx := dy a + (x - k) slope + b. The last vector of a segment may
   begin within the one before. */
static inline void NAME(segment_write)(const int backward, const REAL *dy, const REAL *x,
                                       REAL *to, Py_ssize_t n, REAL k, REAL a, REAL b, REAL slope)
{
    for (Py_ssize_t i = 0; i < n; i += LANES) {
        const Py_ssize_t at = i + LANES <= n || n < LANES ? i : n - LANES;
        if (n < LANES) {
            VEC d = NAME(load_first)(x, n) - k;
            NAME(store_first)(to, n, backward ? NAME(load_first)(dy, n) * a + (d * slope + b)
                                        : d * a + b);
        } else {
            VEC d = LOAD(x + at) - k;
            STORE(to + at, backward ? LOAD(dy + at) * a + (d * slope + b) : d * a + b);
        }
    }
}

/* Columns, L = 1 ------------------------------------------------------------------------------- */

/* A row of a strip is so many vectors; the last one may begin within the one before, and its
   lanes have slots of their own. Only a strip narrower than a vector is `part` of one. */
static inline Py_ssize_t NAME(place)(Py_ssize_t slot, Py_ssize_t width)
{
    return slot + LANES <= width || width < LANES ? slot : width - LANES;
}

static inline VEC NAME(load_row)(const REAL *p, Py_ssize_t part)
{
    return part ? NAME(load_first)(p, part) : LOAD(p);
}

/* As segment_sums, down the rows of a panel for every slot */
static inline void NAME(panel_sums)(const int backward, const REAL *dy, const REAL *x,
                                    Py_ssize_t rows, Py_ssize_t stride, Py_ssize_t width, Py_ssize_t part,
                                    const REAL *k, REAL *sum, REAL *products)
{
    for (Py_ssize_t v = 0; v < width; v += LANES) {
        const Py_ssize_t at = NAME(place)(v, width);
        const VEC shift = LOAD(k + v);
        VEC s = LOAD(sum + v), q = LOAD(products + v);
        for (Py_ssize_t i = 0; i < rows; i++) {
            VEC d = NAME(load_row)(x + i * stride + at, part) - shift;
            VEC g = backward ? NAME(load_row)(dy + i * stride + at, part) : d;
            s += g;
            q += g * d;
        }
        STORE(sum + v, s);
        STORE(products + v, q);
    }
}

static inline void NAME(block_sums)(const int backward, const REAL *dy, const REAL *x,
                                    Py_ssize_t rows, Py_ssize_t stride, Py_ssize_t width, const REAL *k, REAL *sum,
                                    REAL *products)
{
    Py_ssize_t i = 0;
    if (width < LANES)
        NAME(panel_sums)(backward, dy, x, rows, stride, width, width, k, sum, products);
    else {
        for (; i + BN_PANEL <= rows; i += BN_PANEL)
            NAME(panel_sums)(backward, backward ? dy + i * stride : dy, x + i * stride, BN_PANEL, stride, width, 0,
                             k, sum, products);
        NAME(panel_sums)(backward, backward ? dy + i * stride : dy, x + i * stride, rows - i, stride, width, 0, k,
                         sum, products);
    }
}

/* Add sums in lanes to those in double, and clear them. */
static inline void NAME(flush)(REAL *from, double *to, Py_ssize_t slots)
{
    for (Py_ssize_t j = 0; j < slots; j++) {
        to[j] += from[j];
        from[j] = 0;
    }
}

/* From slots to columns */
static inline void NAME(unslot)(const double *from, double *to, Py_ssize_t width)
{
    for (Py_ssize_t v = 0; v < width; v += LANES)
        memcpy(to + NAME(place)(v, width), from + v,
               (size_t)(width < LANES ? width : LANES) * sizeof(double));
}

/* Mean and Σ (x - mean)² of columns */
static void NAME(columns_moments)(const REAL *x, Py_ssize_t rows, Py_ssize_t stride,
                                  Py_ssize_t width, double *mean, double *M)
{
    const Py_ssize_t slots = (width + LANES - 1) / LANES * LANES, few = rows < 8 ? rows : 8;
    REAL k[SLOTS] = {0}, sum[SLOTS], squares[SLOTS];
    double d[SLOTS], dd[SLOTS], mean_[SLOTS], M_[SLOTS];
    double n = 0, m = 0;
    memset(sum, 0, (size_t)slots * sizeof(REAL));
    memset(squares, 0, (size_t)slots * sizeof(REAL));
    memset(d, 0, (size_t)slots * sizeof(double));
    memset(dd, 0, (size_t)slots * sizeof(double));
    memset(mean_, 0, (size_t)slots * sizeof(double));
    memset(M_, 0, (size_t)slots * sizeof(double));
    for (Py_ssize_t v = 0; v < width; v += LANES) {
        VEC s = {0};
        for (Py_ssize_t i = 0; i < few; i++)
            s += NAME(load_row)(x + i * stride + NAME(place)(v, width), width < LANES ? width : 0);
        STORE(k + v, s / (REAL)few);
    }
    for (Py_ssize_t i = 0, end; i < rows; i = end) {
        end = rows - i > BN_ROWS ? i + BN_ROWS : rows;
        NAME(block_sums)(0, NULL, x + i * stride, end - i, stride, width, k, sum, squares);
        NAME(flush)(sum, d, slots);
        NAME(flush)(squares, dd, slots);
        m += (double)(end - i);
        if (m >= n || end == rows) {
            for (Py_ssize_t j = 0; j < slots; j++) {
                batch_norm_merge(n, m, k[j], d[j], dd[j], mean_ + j, M_ + j);
                k[j] = (REAL)mean_[j];
                d[j] = dd[j] = 0;
            }
            n += m;
            m = 0;
        }
    }
    NAME(unslot)(mean_, mean, width);
    NAME(unslot)(M_, M, width);
}

/* Σ dy and Σ dy (x - k) of columns */
static void NAME(columns_products)(const REAL *dy, const REAL *x, Py_ssize_t rows,
                                   Py_ssize_t stride, Py_ssize_t width, const REAL *shift,
                                   double *sum, double *products)
{
    const Py_ssize_t slots = (width + LANES - 1) / LANES * LANES;
    REAL k[SLOTS] = {0}, s[SLOTS] = {0}, q[SLOTS] = {0};
    double d[SLOTS] = {0}, dd[SLOTS] = {0};
    for (Py_ssize_t v = 0; v < width; v += LANES)
        memcpy(k + v, shift + NAME(place)(v, width),
               (size_t)(width < LANES ? width : LANES) * sizeof(REAL));
    for (Py_ssize_t i = 0, end; i < rows; i = end) {
        end = rows - i > BN_ROWS ? i + BN_ROWS : rows;
        NAME(block_sums)(1, dy + i * stride, x + i * stride, end - i, stride, width, k, s, q);
        NAME(flush)(s, d, slots);
        NAME(flush)(q, dd, slots);
    }
    NAME(unslot)(d, sum, width);
    NAME(unslot)(dd, products, width);
}

/* As segment_write, for the rows of a panel */
static inline void NAME(panel_write)(const int backward, const REAL *dy, const REAL *x, REAL *to,
                                     Py_ssize_t rows, Py_ssize_t stride, Py_ssize_t width, Py_ssize_t part,
                                     NAME(Terms) c)
{
    for (Py_ssize_t v = 0; v < width; v += LANES) {
        const Py_ssize_t at = NAME(place)(v, width);
        const VEC k = NAME(load_row)(c.k + at, part), a = NAME(load_row)(c.a + at, part);
        const VEC b = NAME(load_row)(c.b + at, part);
        const VEC slope = backward ? NAME(load_row)(c.slope + at, part) : b;
        for (Py_ssize_t i = 0; i < rows; i++) {
            const VEC d = NAME(load_row)(x + i * stride + at, part) - k;
            VEC y = backward ? NAME(load_row)(dy + i * stride + at, part) * a + (d * slope + b)
                       : d * a + b;
            if (part)
                NAME(store_first)(to + i * stride, part, y);
            else
                STORE(to + i * stride + at, y);
        }
    }
}

static inline void NAME(columns_write)(const int backward, const REAL *dy, const REAL *x,
                                       REAL *to, Py_ssize_t rows, Py_ssize_t stride, Py_ssize_t width, NAME(Terms) c)
{
    Py_ssize_t i = 0;
    if (width < LANES)
        NAME(panel_write)(backward, dy, x, to, rows, stride, width, width, c);
    else {
        for (; i + BN_PANEL <= rows; i += BN_PANEL)
            NAME(panel_write)(backward, backward ? dy + i * stride : dy, x + i * stride, to + i * stride, BN_PANEL,
                              stride, width, 0, c);
        NAME(panel_write)(backward, backward ? dy + i * stride : dy, x + i * stride, to + i * stride, rows - i,
                          stride, width, 0, c);
    }
}

/* Pieces --------------------------------------------------------------------------------------- */

/* Moments of a strip's chunk, or with dy its Σ dy and Σ dy (x - k), at sums */
static inline void NAME(sums)(const BatchNorm *t, int backward, Py_ssize_t c, Py_ssize_t width,
                              Py_ssize_t row, Py_ssize_t rows, double *sums)
{
    const Py_ssize_t start = (row * t->C + c) * t->L, stride = t->C * t->L;
    const REAL *x = (const REAL *)t->x + start, *dy = (const REAL *)t->dy + (backward ? start : 0);
    const REAL *k = NAME(terms)(t).k + c;
    if (t->L == 1 && backward)
        NAME(columns_products)(dy, x, rows, stride, width, k, sums, sums + width);
    else if (t->L == 1)
        NAME(columns_moments)(x, rows, stride, width, sums, sums + width);
    else
        for (Py_ssize_t j = 0; j < width; j++)
            if (backward)
                NAME(channel_products)(dy + j * t->L, x + j * t->L, rows, stride, t->L, k[j],
                                       sums + j, sums + width + j);
            else
                NAME(channel_moments)(x + j * t->L, rows, stride, t->L, sums + j,
                                      sums + width + j);
}

/* y or dx of a strip's chunk */
static inline void NAME(write)(const BatchNorm *t, int backward, Py_ssize_t c, Py_ssize_t width,
                               Py_ssize_t row, Py_ssize_t rows)
{
    const Py_ssize_t start = (row * t->C + c) * t->L, stride = t->C * t->L;
    const REAL *x = (const REAL *)t->x + start, *dy = (const REAL *)t->dy + (backward ? start : 0);
    REAL *to = (REAL *)t->to + start;
    const NAME(Terms) all = NAME(terms)(t);
    const NAME(Terms) own = {all.k + c, all.a + c, all.b + c, all.slope + c};
    if (t->L == 1 && backward)
        NAME(columns_write)(1, dy, x, to, rows, stride, width, own);
    else if (t->L == 1)
        NAME(columns_write)(0, NULL, x, to, rows, stride, width, own);
    else
        for (Py_ssize_t j = 0; j < width; j++)
            for (Py_ssize_t i = 0; i < rows; i++) {
                const Py_ssize_t at = i * stride + j * t->L;
                if (backward)
                    NAME(segment_write)(1, dy + at, x + at, to + at, t->L, own.k[j], own.a[j],
                                        own.b[j], own.slope[j]);
                else
                    NAME(segment_write)(0, NULL, x + at, to + at, t->L, own.k[j], own.a[j], own.b[j],
                                        0);
            }
}

/* What the sums of a strip's chunks come to: mean and variance, or dw and db; and the terms.
   mean = k + low, and low goes into b. */
static void NAME(settle)(const BatchNorm *t, int backward, Py_ssize_t c, Py_ssize_t width,
                         const double *sums)
{
    const NAME(Terms) terms = NAME(terms)(t);
    const REAL *weight = (const REAL *)t->weight, *bias = (const REAL *)t->bias;
    const double count = (double)t->N * (double)t->L;
    for (Py_ssize_t j = c; j < c + width; j++) {
        double first = 0, second = 0, n = 0;
        for (Py_ssize_t chunk = 0; chunk < t->chunks && (backward || !t->fixed); chunk++) {
            const double *two = sums + 2 * chunk * width + (j - c);
            const Py_ssize_t row = chunk * t->rows, rows = t->N - row;
            const double m = (double)((rows < t->rows ? rows : t->rows) * t->L);
            if (backward)
                first += two[0], second += two[width];
            else
                batch_norm_merge(n, m, two[0], 0, two[width], &first, &second), n += m;
        }
        if (!backward && !t->fixed) {
            t->mean[j] = first;
            t->var[j] = second < 0 ? 0 : second / count;
        }
        const double s = 1 / sqrt(t->var[j] + t->eps), a = weight ? weight[j] * s : s;
        const double k = (REAL)t->mean[j], low = t->mean[j] - k;
        terms.k[j] = (REAL)k;
        terms.a[j] = (REAL)a;
        if (backward) {
            const double dy_d = second - low * first, slope = -a * s * s * dy_d / count;
            ((REAL *)t->dw)[j] = count ? (REAL)(dy_d * s) : 0;      /* of nothing, s is NaN */
            ((REAL *)t->db)[j] = (REAL)first;
            terms.slope[j] = t->fixed ? 0 : (REAL)slope;
            terms.b[j] = t->fixed ? 0 : (REAL)(-a * first / count - low * slope);
        } else
            terms.b[j] = (REAL)((bias ? bias[j] : 0) - low * a);
    }
}

/* The shifts of the products, known before them */
static void NAME(shifts)(const BatchNorm *t)
{
    for (Py_ssize_t j = 0; j < t->C; j++)
        NAME(terms)(t).k[j] = (REAL)t->mean[j];
}

static inline void NAME(strip)(const BatchNorm *t, int backward, Py_ssize_t index)
{
    const Py_ssize_t c = index * t->width, width = t->C - c < t->width ? t->C - c : t->width;
    if (backward || !t->fixed)
        NAME(sums)(t, backward, c, width, 0, t->N, t->sums + 2 * c);
    NAME(settle)(t, backward, c, width, t->sums + 2 * c);
    NAME(write)(t, backward, c, width, 0, t->N);
}

static inline void NAME(chunk)(const BatchNorm *t, int backward, int second, Py_ssize_t index)
{
    const Py_ssize_t c = t->strip * t->width, width = t->C - c < t->width ? t->C - c : t->width;
    const Py_ssize_t at = second ? t->chunks - 1 - index : index, row = at * t->rows;
    const Py_ssize_t rows = t->N - row < t->rows ? t->N - row : t->rows;
    if (second)
        NAME(write)(t, backward, c, width, row, rows);
    else
        NAME(sums)(t, backward, c, width, row, rows, t->sums + 2 * at * width);
}

/* Between the two rounds over the chunks of a strip */
static void NAME(batch_norm_settle)(const BatchNorm *t, int backward)
{
    const Py_ssize_t c = t->strip * t->width, width = t->C - c < t->width ? t->C - c : t->width;
    NAME(settle)(t, backward, c, width, t->sums);
}

static void NAME(strip_forward)(void *t, Py_ssize_t i) { NAME(strip)(t, 0, i); }
static void NAME(strip_backward)(void *t, Py_ssize_t i) { NAME(strip)(t, 1, i); }
static void NAME(chunk_moments)(void *t, Py_ssize_t i) { NAME(chunk)(t, 0, 0, i); }
static void NAME(chunk_normalise)(void *t, Py_ssize_t i) { NAME(chunk)(t, 0, 1, i); }
static void NAME(chunk_products)(void *t, Py_ssize_t i) { NAME(chunk)(t, 1, 0, i); }
static void NAME(chunk_gradient)(void *t, Py_ssize_t i) { NAME(chunk)(t, 1, 1, i); }

#undef SLOTS
#undef SEGMENT
#undef STORE
#undef LOAD
#undef LANES
#undef VEC
#undef NAME
#undef REAL
