/* Included twice by sums.h, which says what it is. */

#define VEC NAME(vec)
#define LANES ((Py_ssize_t)(sizeof(VEC) / sizeof(REAL)))
#define LOAD(P) (*(const VEC *)(P))
#define BLOCK (256 * LANES)

static inline double NAME(lane_sum)(VEC v)
{
    double total = 0;
    for (Py_ssize_t j = 0; j < LANES; j++)
        total += ((REAL *)&v)[j];
    return total;
}

/* Σ x[i] */
static double NAME(sum_row)(const REAL *x, Py_ssize_t n)
{
    double total = 0;
    Py_ssize_t i = 0;
    while (i + LANES <= n) {
        Py_ssize_t end = n - i > BLOCK ? i + BLOCK : n;
        VEC a = {0}, b = {0}, c = {0}, d = {0};
        for (; i + 4 * LANES <= end; i += 4 * LANES) {
            a += LOAD(x + i);
            b += LOAD(x + i + LANES);
            c += LOAD(x + i + 2 * LANES);
            d += LOAD(x + i + 3 * LANES);
        }
        for (; i + LANES <= end; i += LANES)
            a += LOAD(x + i);
        total += NAME(lane_sum)((a + b) + (c + d));
    }
    for (; i < n; i++)
        total += x[i];
    return total;
}

/* Σ (x[i] - mean)^2. `about` is the mean but for rounding, which may exceed a small deviation:
   Σ (x - mean)^2 = Σ d^2 - (Σ d)^2 / n with d = x - about makes that good. */
static double NAME(sum_squares)(const REAL *x, REAL about, Py_ssize_t n)
{
    double squares = 0, sum = 0;
    Py_ssize_t i = 0;
    while (i + LANES <= n) {
        Py_ssize_t end = n - i > BLOCK ? i + BLOCK : n;
        VEC a = {0}, b = {0}, c = {0}, d = {0};
        for (; i + 2 * LANES <= end; i += 2 * LANES) {
            VEC u = LOAD(x + i) - about, v = LOAD(x + i + LANES) - about;
            a += u * u;
            b += v * v;
            c += u;
            d += v;
        }
        for (; i + LANES <= end; i += LANES) {
            VEC u = LOAD(x + i) - about;
            a += u * u;
            c += u;
        }
        squares += NAME(lane_sum)(a + b);
        sum += NAME(lane_sum)(c + d);
    }
    for (; i < n; i++) {
        double u = x[i] - about;
        squares += u * u;
        sum += u;
    }
    return squares - sum * sum / (double)n;
}

/* ln Σ exp x[i], the largest x taken out of the sum unless it is infinite */
static REAL NAME(logsumexp_row)(const REAL *x, Py_ssize_t n)
{
    const Py_ssize_t full = n - n % LANES;
    VEC last = NAME(all)(-INFINITY), most = last;
    REAL shift = -INFINITY;
    double total = 0;
    memcpy(&last, x + full, (size_t)(n - full) * sizeof(REAL));
    for (Py_ssize_t i = 0; i < full; i += LANES)
        most = NAME(where)(LOAD(x + i) > most, LOAD(x + i), most);
    most = NAME(where)(last > most, last, most);
    for (Py_ssize_t j = 0; j < LANES; j++)
        if (((REAL *)&most)[j] > shift)
            shift = ((REAL *)&most)[j];
    if (isinf(shift))
        shift = 0;
    for (Py_ssize_t i = 0; i < full;) {
        Py_ssize_t end = full - i > BLOCK ? i + BLOCK : full;
        VEC a = {0};
        for (; i < end; i += LANES)
            a += NAME(vexp)(LOAD(x + i) - shift);
        total += NAME(lane_sum)(a);
    }
    total += NAME(lane_sum)(NAME(vexp)(last - shift));
    return (REAL)(log(total) + shift);
}

/* sum[j] := or += the sum of `count` (1, 2, 4 or 8: a constant) rows from r on */
static inline void NAME(add_rows)(const REAL *r, REAL *sum, int count, int fresh,
                                  Py_ssize_t columns, Py_ssize_t pitch)
{
    Py_ssize_t j = 0;
    for (; j + LANES <= columns; j += LANES, r += LANES) {
        VEC a = LOAD(r);
        if (count > 1)
            a += LOAD(r + pitch);
        if (count > 2)
            a += LOAD(r + 2 * pitch) + LOAD(r + 3 * pitch);
        if (count > 4)
            a += (LOAD(r + 4 * pitch) + LOAD(r + 5 * pitch)) +
                 (LOAD(r + 6 * pitch) + LOAD(r + 7 * pitch));
        if (!fresh)
            a += LOAD(sum + j);
        *(VEC *)(sum + j) = a;
    }
    for (; j < columns; j++, r++) {
        REAL a = r[0];
        if (count > 1)
            a += r[pitch];
        if (count > 2)
            a += r[2 * pitch] + r[3 * pitch];
        if (count > 4)
            a += (r[4 * pitch] + r[5 * pitch]) + (r[6 * pitch] + r[7 * pitch]);
        sum[j] = fresh ? a : sum[j] + a;
    }
}

/* y[j] := Σ_i x[i, j] over `rows` rows, for up to STRIP columns: eight rows at a time, blocks of
   BLOCK_ROWS in a sum of their own */
static void NAME(sum_strip)(const REAL *x, REAL *y, Py_ssize_t rows, Py_ssize_t columns,
                            Py_ssize_t pitch)
{
    REAL part[STRIP];
    for (Py_ssize_t start = 0; start < rows; start += BLOCK_ROWS) {
        Py_ssize_t end = rows - start > BLOCK_ROWS ? start + BLOCK_ROWS : rows, i = start;
        REAL *sum = start ? part : y;
        if (i + 8 <= end) {
            NAME(add_rows)(x + i * pitch, sum, 8, 1, columns, pitch);
            for (i += 8; i + 8 <= end; i += 8)
                NAME(add_rows)(x + i * pitch, sum, 8, 0, columns, pitch);
        }
        if (i + 4 <= end && i == start)
            NAME(add_rows)(x + i * pitch, sum, 4, 1, columns, pitch), i += 4;
        else if (i + 4 <= end)
            NAME(add_rows)(x + i * pitch, sum, 4, 0, columns, pitch), i += 4;
        if (i + 2 <= end)
            NAME(add_rows)(x + i * pitch, sum, 2, i == start, columns, pitch), i += 2;
        if (i < end)
            NAME(add_rows)(x + i * pitch, sum, 1, i == start, columns, pitch);
        for (Py_ssize_t j = 0; start && j < columns; j++)
            y[j] += part[j];
    }
}

/* y[j] := Σ_i x[i, j] for a matrix of `rows` rows, `pitch` numbers apart */
static void NAME(sum_columns)(const void *from, void *to, Py_ssize_t rows, Py_ssize_t columns,
                              Py_ssize_t pitch)
{
    const REAL *x = (const REAL *)from;
    REAL *y = (REAL *)to;
    Py_ssize_t n, j = 0;
    if (rows == 0)
        memset(y, 0, (size_t)columns * sizeof(REAL));
    /* Where that aligns all rows, a few columns first: vectors then lie in one cache line each. */
    n = (Py_ssize_t)((0 - (size_t)x) % sizeof(VEC) / sizeof(REAL));
    if (pitch % LANES == 0 && columns >= 16 * LANES && rows >= 64 && n)
        NAME(sum_strip)(x, y, rows, j = n, pitch);
    for (; j < columns; j += n) {
        n = columns - j > STRIP ? STRIP : columns - j;
        NAME(sum_strip)(x + j, y + j, rows, n, pitch);
    }
}

/* The sum of one row, in double. */
static void NAME(sum_row_wide)(const void *x, double *y, Py_ssize_t n)
{
    *y = NAME(sum_row)((const REAL *)x, n);
}

/* y[l] := Σ over outer and inner of x (outer, mid, inner) at m, for l = first … last - 1 counting
   (lead, mid) */
static void NAME(sum_planes)(const void *from, void *to, Py_ssize_t first, Py_ssize_t last,
                             Py_ssize_t outer, Py_ssize_t mid, Py_ssize_t inner)
{
    for (Py_ssize_t l = first; l < last; l++) {
        const REAL *x = (const REAL *)from + (l / mid * outer * mid + l % mid) * inner;
        double total = 0;
        for (Py_ssize_t o = 0; o < outer; o++, x += mid * inner)
            total += NAME(sum_row)(x, inner);
        ((REAL *)to)[l] = (REAL)total;
    }
}

static void NAME(round_all)(const double *x, void *y, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++)
        ((REAL *)y)[i] = (REAL)x[i];
}

/* Extremes. The loops hold the largest number only, signs being flipped on the way in and out where
   the smallest is wanted; that there was a NaN (or an Inf) shows in a sum of 0 x, which costs less
   than asking each. If so, the slow way: */

static REAL NAME(top_careful)(const REAL *x, Py_ssize_t n, Py_ssize_t step, int least)
{
    REAL y = *x;
    for (Py_ssize_t i = 1; i < n && y == y; i++) {
        REAL u = x[i * step];
        if ((least ? u < y : u > y) || u != u)
            y = u;
    }
    return y;
}

static inline VEC NAME(flipped)(VEC x, int least)
{
    return least ? -x : x;
}

static inline REAL NAME(top_lanes)(const REAL *x, Py_ssize_t n, int least)
{
    VEC a = NAME(flipped)(LOAD(x), least), b = a, c = a, d = a, even = LOAD(x) * 0, odd = even;
    REAL y = -INFINITY, special = 0;
    /* on from where vectors are aligned, whatever was read before */
    Py_ssize_t i = LANES - (Py_ssize_t)((size_t)x % sizeof(VEC) / sizeof(REAL));
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        VEC p = LOAD(x + i), q = LOAD(x + i + LANES);
        VEC r = LOAD(x + i + 2 * LANES), s = LOAD(x + i + 3 * LANES);
        a = NAME(vmax)(a, NAME(flipped)(p, least));
        b = NAME(vmax)(b, NAME(flipped)(q, least));
        c = NAME(vmax)(c, NAME(flipped)(r, least));
        d = NAME(vmax)(d, NAME(flipped)(s, least));
        even += p * 0;
        odd += q * 0;
        even += r * 0;
        odd += s * 0;
    }
    for (; i < n; i += LANES) { /* the last vector ends at n */
        VEC p = LOAD(x + (i + LANES <= n ? i : n - LANES));
        a = NAME(vmax)(a, NAME(flipped)(p, least));
        even += p * 0;
    }
    a = NAME(vmax)(NAME(vmax)(a, b), NAME(vmax)(c, d));
    even += odd;
    for (Py_ssize_t j = 0; j < LANES; j++) {
        special += ((REAL *)&even)[j];
        if (((REAL *)&a)[j] > y)
            y = ((REAL *)&a)[j];
    }
    if (special != special)
        return NAME(top_careful)(x, n, 1, least);
    return least ? -y : y;
}

/* The largest (or smallest) x[i], of n >= 1, and NaN where one is */
static REAL NAME(top_row)(const REAL *x, Py_ssize_t n, int least)
{
    if (n < LANES)
        return NAME(top_careful)(x, n, 1, least);
    return least ? NAME(top_lanes)(x, n, 1) : NAME(top_lanes)(x, n, 0);
}

/* y[j] := the largest (or smallest) of x[i, j], rows >= 1, or NaN; up to STRIP columns */
static inline void NAME(top_strip)(const REAL *x, REAL *y, Py_ssize_t rows, Py_ssize_t columns,
                                   Py_ssize_t pitch, int least)
{
    REAL special[STRIP];
    VEC any = {0};
    double total;
    Py_ssize_t full = columns - columns % LANES;
    for (Py_ssize_t j = full; j < columns; j++)
        y[j] = NAME(top_careful)(x + j, rows, pitch, least);
    for (Py_ssize_t i = 0; i < rows; i += 4) {
        /* of fewer than four rows some twice */
        const REAL *p = x + i * pitch, *q = i + 1 < rows ? p + pitch : p;
        const REAL *r = i + 2 < rows ? p + 2 * pitch : p, *s = i + 3 < rows ? p + 3 * pitch : p;
        for (Py_ssize_t j = 0; j < full; j += LANES) {
            VEC a = LOAD(p + j), b = LOAD(q + j), c = LOAD(r + j), d = LOAD(s + j);
            VEC u = NAME(vmax)(NAME(flipped)(a, least), NAME(flipped)(b, least));
            VEC v = NAME(vmax)(NAME(flipped)(c, least), NAME(flipped)(d, least));
            VEC none = (a * 0 + b * 0) + (c * 0 + d * 0);
            u = NAME(vmax)(u, v);
            if (i) {
                u = NAME(vmax)(LOAD(y + j), u);
                none += LOAD(special + j);
            }
            *(VEC *)(y + j) = u;
            *(VEC *)(special + j) = none;
        }
    }
    for (Py_ssize_t j = 0; j < full; j += LANES) {
        *(VEC *)(y + j) = NAME(flipped)(LOAD(y + j), least);
        any += LOAD(special + j);
    }
    total = NAME(lane_sum)(any);
    for (Py_ssize_t j = 0; total != total && j < full; j++)
        if (special[j] != special[j])
            y[j] = NAME(top_careful)(x + j, rows, pitch, least);
}

/* y[j] := the largest (or smallest) of x[i, j] over rows >= 1 rows, or NaN */
static void NAME(top_columns)(const void *from, void *to, Py_ssize_t rows, Py_ssize_t columns,
                              Py_ssize_t pitch, int least)
{
    const REAL *x = (const REAL *)from;
    REAL *y = (REAL *)to;
    for (Py_ssize_t j = 0; j < columns; j += STRIP) {
        Py_ssize_t n = columns - j > STRIP ? STRIP : columns - j;
        if (least)
            NAME(top_strip)(x + j, y + j, rows, n, pitch, 1);
        else
            NAME(top_strip)(x + j, y + j, rows, n, pitch, 0);
    }
}

/* As sum_planes, for extremes. */
static void NAME(top_planes)(const void *from, void *to, Py_ssize_t first, Py_ssize_t last,
                             Py_ssize_t outer, Py_ssize_t mid, Py_ssize_t inner, int least)
{
    for (Py_ssize_t l = first; l < last; l++) {
        const REAL *x = (const REAL *)from + (l / mid * outer * mid + l % mid) * inner;
        REAL y = NAME(top_row)(x, inner, least);
        for (Py_ssize_t o = 1; o < outer; o++) {
            REAL u = NAME(top_row)(x + o * mid * inner, inner, least);
            if ((least ? u < y : u > y) || u != u)
                y = u;
        }
        ((REAL *)to)[l] = y;
    }
}

/* y[i] := Σ_j (x[i, j] - mean_i)^2 / divisor */
static void NAME(var_rows)(const void *from, void *to, Py_ssize_t rows, Py_ssize_t n,
                           double divisor)
{
    const REAL *x = (const REAL *)from;
    for (Py_ssize_t i = 0; i < rows; i++, x += n)
        ((REAL *)to)[i] =
            (REAL)(NAME(sum_squares)(x, (REAL)(NAME(sum_row)(x, n) / (double)n), n) / divisor);
}

/* y[i] := ln Σ_j exp x[i, j] */
static void NAME(logsumexp_rows)(const void *from, void *to, Py_ssize_t rows, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < rows; i++)
        ((REAL *)to)[i] = NAME(logsumexp_row)((const REAL *)from + i * n, n);
}

static void NAME(divide)(void *x, Py_ssize_t n, double divisor)
{
    for (Py_ssize_t i = 0; i < n; i++)
        ((REAL *)x)[i] /= (REAL)divisor;
}

#undef BLOCK
#undef LOAD
#undef LANES
#undef VEC
#undef NAME
#undef REAL
