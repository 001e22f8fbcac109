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

/* y[j] := Σ_i x[i, j] for a matrix of `rows` rows, read in blocks of √rows rows */
static void NAME(sum_columns)(const REAL *x, REAL *y, Py_ssize_t rows, Py_ssize_t columns)
{
    Py_ssize_t block = 64;
    while (block * block < rows)
        block *= 2;
    memset(y, 0, (size_t)columns * sizeof(REAL));
    for (Py_ssize_t start = 0; start < rows; start += block) {
        Py_ssize_t end = start + block < rows ? start + block : rows, j = 0;
        for (; j + 4 * LANES <= columns; j += 4 * LANES) {
            VEC a = {0}, b = {0}, c = {0}, d = {0};
            for (Py_ssize_t i = start; i < end; i++) {
                const REAL *row = x + i * columns + j;
                a += LOAD(row);
                b += LOAD(row + LANES);
                c += LOAD(row + 2 * LANES);
                d += LOAD(row + 3 * LANES);
            }
            *(VEC *)(y + j) += a;
            *(VEC *)(y + j + LANES) += b;
            *(VEC *)(y + j + 2 * LANES) += c;
            *(VEC *)(y + j + 3 * LANES) += d;
        }
        for (; j + LANES <= columns; j += LANES) {
            VEC a = {0};
            for (Py_ssize_t i = start; i < end; i++)
                a += LOAD(x + i * columns + j);
            *(VEC *)(y + j) += a;
        }
        if (j < columns) {
            REAL rest[4 * sizeof(VEC) / sizeof(REAL)] = {0};
            for (Py_ssize_t i = start; i < end; i++)
                for (Py_ssize_t k = 0; k < columns - j; k++)
                    rest[k] += x[i * columns + j + k];
            for (Py_ssize_t k = 0; j + k < columns; k++)
                y[j + k] += rest[k];
        }
    }
}

/* y (lead, mid) := x (lead, outer, mid, inner) summed over outer and inner */
static void NAME(sum_blocks)(const void *from, void *to, Py_ssize_t lead, Py_ssize_t outer,
                             Py_ssize_t mid, Py_ssize_t inner)
{
    const REAL *x = (const REAL *)from;
    REAL *y = (REAL *)to;
    for (Py_ssize_t l = 0; l < lead; l++, x += outer * mid * inner, y += mid) {
        if (mid == 1)
            *y = (REAL)NAME(sum_row)(x, outer * inner);
        else if (inner == 1)
            NAME(sum_columns)(x, y, outer, mid);
        else
            for (Py_ssize_t m = 0; m < mid; m++) {
                double total = 0;
                for (Py_ssize_t o = 0; o < outer; o++)
                    total += NAME(sum_row)(x + (o * mid + m) * inner, inner);
                y[m] = (REAL)total;
            }
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
