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
        VEC g = backward ? NAME(load_first)(dy + i, n - i)
                         : NAME(keep_first)(d, n - i, NAME(all)(0));
        sum[1] += g;
        products[1] += g * d;
    }
}

/* Mean and Σ (x - mean)² of one channel's rows, in blocks of 8, 8, 16, 32, 64, 128, 128, …
   vectors */
static void NAME(channel_moments)(const REAL *x, Py_ssize_t rows, Py_ssize_t stride, Py_ssize_t L,
                                  double *mean, double *M)
{
    const Py_ssize_t few = L < 8 * LANES ? L : 8 * LANES;
    double n = 0, m = 0, d = 0, dd = 0;
    REAL k = (REAL)(NAME(sum_row)(x, few) / (double)few);
    VEC s[4] = {{0}}, q[4] = {{0}};
    Py_ssize_t terms = 0, done = 0;
    *mean = *M = 0;
    for (Py_ssize_t i = 0; i < rows; i++)
        for (Py_ssize_t at = 0, part; at < L; at += part) {
            const Py_ssize_t block = done < 8 ? 8 : done > 128 ? 128 : done;
            part = L - at < block * LANES ? L - at : block * LANES;
            NAME(segment_sums)(0, NULL, x + i * stride + at, part, k, s, q);
            m += (double)part;
            terms += part / LANES + 1;
            if (terms >= block || (i == rows - 1 && at + part == L)) {
                s[0] = (s[0] + s[1]) + (s[2] + s[3]);
                q[0] = (q[0] + q[1]) + (q[2] + q[3]);
                s[1] = s[2] = s[3] = q[1] = q[2] = q[3] = NAME(all)(0);
                d += NAME(take)(s);
                dd += NAME(take)(q);
                done += terms;
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

/* y := (x - k) a + b, or backward dx := dy a + (x - k) slope + b */
static inline VEC NAME(result)(const int backward, VEC dy, VEC x, VEC k, VEC a, VEC b, VEC slope)
{
    const VEC d = x - k;
    return backward ? dy * a + (d * slope + b) : d * a + b;
}

static inline void NAME(segment_write)(const int backward, const REAL *dy, const REAL *x, REAL *to,
                                       Py_ssize_t n, const NAME(Terms) *c, Py_ssize_t j)
{
    const VEC k = NAME(all)(c->k[j]), a = NAME(all)(c->a[j]), b = NAME(all)(c->b[j]);
    const VEC slope = NAME(all)(backward ? c->slope[j] : 0);
    Py_ssize_t i = 0;
    for (; i + LANES <= n; i += LANES)
        STORE(to + i, NAME(result)(backward, backward ? LOAD(dy + i) : k, LOAD(x + i), k, a, b,
                                   slope));
    if (i < n) {
        const VEC g = backward ? NAME(load_first)(dy + i, n - i) : k;
        NAME(store_first)(to + i, n - i, NAME(result)(backward, g, NAME(load_first)(x + i, n - i),
                                                      k, a, b, slope));
    }
}

/* The same past the caches, where `to` is aligned as a vector is */
static inline void NAME(segment_stream)(const int backward, const REAL *dy, const REAL *x,
                                        REAL *to, Py_ssize_t n, const NAME(Terms) *c, Py_ssize_t j)
{
    const VEC k = NAME(all)(c->k[j]), a = NAME(all)(c->a[j]), b = NAME(all)(c->b[j]);
    const VEC slope = NAME(all)(backward ? c->slope[j] : 0);
    for (Py_ssize_t i = 0; i < n; i += LANES)
        BN_STREAM(to + i, NAME(result)(backward, backward ? LOAD(dy + i) : k, LOAD(x + i), k, a, b,
                                       slope));
}

/* Columns, L = 1 ----------------------------------------------------------------------------- */

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

/* As segment_sums, down the rows of a block for T vectors of slots */
static inline void NAME(tile_sums)(const int backward, const int T, const REAL *dy, const REAL *x,
                                   Py_ssize_t rows, Py_ssize_t stride, Py_ssize_t part,
                                   const REAL *k, REAL *sum, REAL *products)
{
    VEC s[BN_TILE], q[BN_TILE], shift[BN_TILE];
    for (int t = 0; t < T; t++) {
        s[t] = q[t] = NAME(all)(0);
        shift[t] = LOAD(k + t * LANES);
    }
    for (Py_ssize_t i = 0; i < rows; i++, x += stride, dy += backward ? stride : 0)
        for (int t = 0; t < T; t++) {
            VEC d = NAME(load_row)(x + t * LANES, part) - shift[t];
            VEC g = backward ? NAME(load_row)(dy + t * LANES, part) : d;
            s[t] += g;
            q[t] += g * d;
        }
    for (int t = 0; t < T; t++) {
        STORE(sum + t * LANES, s[t]);
        STORE(products + t * LANES, q[t]);
    }
}

static inline void NAME(block_sums)(const int backward, const REAL *dy, const REAL *x,
                                    Py_ssize_t rows, Py_ssize_t stride, Py_ssize_t width,
                                    const REAL *k, REAL *sum, REAL *products)
{
    Py_ssize_t v = 0;
    for (; v + BN_TILE * LANES <= width; v += BN_TILE * LANES)
        NAME(tile_sums)(backward, BN_TILE, backward ? dy + v : NULL, x + v, rows, stride, 0, k + v,
                        sum + v, products + v);
    for (; v < width && width >= LANES; v += LANES) {
        const Py_ssize_t at = NAME(place)(v, width);
        NAME(tile_sums)(backward, 1, backward ? dy + at : NULL, x + at, rows, stride, 0, k + v,
                        sum + v, products + v);
    }
    if (width < LANES)
        NAME(tile_sums)(backward, 1, dy, x, rows, stride, width, k, sum, products);
}

/* Add the sums of a block to those in double. */
static inline void NAME(flush)(const REAL *from, double *to, Py_ssize_t slots)
{
    for (Py_ssize_t j = 0; j < slots; j++)
        to[j] += from[j];
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
    REAL k[SLOTS], sum[SLOTS], squares[SLOTS];
    double d[SLOTS], dd[SLOTS], mean_[SLOTS], M_[SLOTS];
    double n = 0, m = 0;
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
    REAL k[SLOTS], s[SLOTS], q[SLOTS];
    double d[SLOTS], dd[SLOTS];
    memset(k, 0, (size_t)slots * sizeof(REAL));
    memset(d, 0, (size_t)slots * sizeof(double));
    memset(dd, 0, (size_t)slots * sizeof(double));
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

/* As segment_write, for so many rows side by side; past the caches if `stream` */
static inline void NAME(panel_write)(const int backward, const int stream, const REAL *dy,
                                     const REAL *x, REAL *to, Py_ssize_t rows, Py_ssize_t stride,
                                     Py_ssize_t width, Py_ssize_t part, const NAME(Terms) *c)
{
    for (Py_ssize_t v = 0; v < width; v += LANES) {
        const Py_ssize_t at = NAME(place)(v, width);
        const VEC k = NAME(load_row)(c->k + at, part), a = NAME(load_row)(c->a + at, part);
        const VEC b = NAME(load_row)(c->b + at, part);
        const VEC slope = backward ? NAME(load_row)(c->slope + at, part) : b;
        for (Py_ssize_t i = at; i < at + rows * stride; i += stride) {
            const VEC u = NAME(load_row)(x + i, part);
            const VEC g = backward ? NAME(load_row)(dy + i, part) : u;
            const VEC y = NAME(result)(backward, g, u, k, a, b, slope);
            if (part)
                NAME(store_first)(to + i, part, y);
            else if (stream)
                BN_STREAM(to + i, y);
            else
                STORE(to + i, y);
        }
    }
}

/* A panel of 8 rows shares its terms. Where an ordinary store has to fetch its line from memory,
   row by row is better, for only then the lines come in the order of the memory. */
static inline void NAME(columns_write)(const BatchNorm *t, const int backward, const REAL *dy,
                                       const REAL *x, REAL *to, Py_ssize_t rows, Py_ssize_t width,
                                       const NAME(Terms) *c)
{
    const Py_ssize_t C = t->C, once = t->chunks == 1 || t->stream ? 8 : 1, step = once * C;
    for (; rows >= once; rows -= once, x += step, to += step, dy += backward ? step : 0)
        if (width < LANES)
            NAME(panel_write)(backward, 0, dy, x, to, once, C, width, width, c);
        else if (t->stream)
            NAME(panel_write)(backward, 1, dy, x, to, 8, C, width, 0, c);
        else if (once == 8)
            NAME(panel_write)(backward, 0, dy, x, to, 8, C, width, 0, c);
        else
            NAME(panel_write)(backward, 0, dy, x, to, 1, C, width, 0, c);
    NAME(panel_write)(backward, 0, dy, x, to, rows, C, width, width < LANES ? width : 0, c);
}

/* Pieces ------------------------------------------------------------------------------------- */

/* Moments of a strip's chunk, or with dy its Σ dy and Σ dy (x - k), at sums */
static inline void NAME(sums)(const BatchNorm *t, const int backward, Py_ssize_t c,
                              Py_ssize_t width, Py_ssize_t row, Py_ssize_t rows, double *sums)
{
    const Py_ssize_t start = (row * t->C + c) * t->L, stride = t->C * t->L;
    const REAL *x = (const REAL *)t->x + start;
    const REAL *dy = backward ? (const REAL *)t->dy + start : NULL;
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
static inline void NAME(write)(const BatchNorm *t, const int backward, Py_ssize_t c,
                               Py_ssize_t width, Py_ssize_t row, Py_ssize_t rows)
{
    const Py_ssize_t start = (row * t->C + c) * t->L, stride = t->C * t->L;
    const REAL *x = (const REAL *)t->x + start;
    const REAL *dy = backward ? (const REAL *)t->dy + start : NULL;
    REAL *to = (REAL *)t->to + start;
    const NAME(Terms) all = NAME(terms)(t);
    const NAME(Terms) own = {all.k + c, all.a + c, all.b + c, all.slope + c};
    if (t->L == 1)
        NAME(columns_write)(t, backward, dy, x, to, rows, width, &own);
    else
        for (Py_ssize_t j = 0; j < width; j++)
            for (Py_ssize_t i = 0; i < rows; i++) {
                const Py_ssize_t at = i * stride + j * t->L;
                const REAL *g = backward ? dy + at : NULL;
                if (t->stream)
                    NAME(segment_stream)(backward, g, x + at, to + at, t->L, &own, j);
                else
                    NAME(segment_write)(backward, g, x + at, to + at, t->L, &own, j);
            }
    if (t->stream)
        BN_STREAMED();
}

/* Moments to mean, variance and terms. mean = k + low, and low goes into b. */
static void NAME(settle_forward)(const BatchNorm *t, Py_ssize_t c, Py_ssize_t width,
                                 const double *sums)
{
    const REAL *weight = (const REAL *)t->weight, *bias = (const REAL *)t->bias;
    const NAME(Terms) terms = NAME(terms)(t);
    const double every = 1 / ((double)t->N * (double)t->L);
    for (Py_ssize_t j = c; j < c + width; j++) {
        if (!t->fixed) {
            const double M = sums[width + j - c];
            t->mean[j] = t->N ? sums[j - c] : NAN;
            t->var[j] = M < 0 ? 0 : M * every;
        }
        const double a = (weight ? weight[j] : 1) / sqrt(t->var[j] + t->eps);
        const REAL k = (REAL)t->mean[j];
        terms.k[j] = k;
        terms.a[j] = (REAL)a;
        terms.b[j] = (REAL)((bias ? bias[j] : 0) - (t->mean[j] - k) * a);
    }
}

/* Σ dy and Σ dy (x - k) to dw, db and terms */
static void NAME(settle_backward)(const BatchNorm *t, Py_ssize_t c, Py_ssize_t width,
                                  const double *sums)
{
    const REAL *weight = (const REAL *)t->weight;
    const NAME(Terms) terms = NAME(terms)(t);
    REAL *dw = (REAL *)t->dw, *db = (REAL *)t->db;
    const double every = t->fixed ? 0 : 1 / ((double)t->N * (double)t->L);
    for (Py_ssize_t j = c; j < c + width; j++) {
        const double s = 1 / sqrt(t->var[j] + t->eps), a = weight ? weight[j] * s : s;
        const double low = t->mean[j] - (REAL)t->mean[j], dy = sums[j - c];
        const double dy_d = sums[width + j - c] - low * dy, slope = -a * s * s * dy_d * every;
        dw[j] = t->N ? (REAL)(dy_d * s) : 0;    /* of nothing, s is NaN */
        db[j] = (REAL)dy;
        terms.a[j] = (REAL)a;
        terms.b[j] = t->fixed ? 0 : (REAL)(-a * dy * every - low * slope);
        terms.slope[j] = t->fixed ? 0 : (REAL)slope;
    }
}

static inline void NAME(settle)(const BatchNorm *t, const int backward, Py_ssize_t c,
                                Py_ssize_t width, const double *sums)
{
    if (backward)
        NAME(settle_backward)(t, c, width, sums);
    else
        NAME(settle_forward)(t, c, width, sums);
}

/* The shifts of the products, known before them */
static void NAME(shifts)(const BatchNorm *t)
{
    for (Py_ssize_t j = 0; j < t->C; j++)
        NAME(terms)(t).k[j] = (REAL)t->mean[j];
}

static inline void NAME(strip)(const BatchNorm *t, const int backward, Py_ssize_t index)
{
    const Py_ssize_t c = index * t->width, width = t->C - c < t->width ? t->C - c : t->width;
    if (backward || !t->fixed)
        NAME(sums)(t, backward, c, width, 0, t->N, t->sums + 2 * c);
    NAME(settle)(t, backward, c, width, t->sums + 2 * c);
    NAME(write)(t, backward, c, width, 0, t->N);
}

static inline void NAME(chunk)(const BatchNorm *t, const int backward, const int second,
                               Py_ssize_t index)
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
    for (Py_ssize_t i = 1; i < t->chunks && (backward || !t->fixed); i++) {
        const Py_ssize_t row = i * t->rows, rows = t->N - row < t->rows ? t->N - row : t->rows;
        batch_norm_join(backward, (double)row * (double)t->L, (double)rows * (double)t->L,
                        t->sums + 2 * i * width, t->sums, width);
    }
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
