/* Included twice by softmax.h, which says what it is. */

#define VEC NAME(vec)
#define IVEC NAME(ivec)
#define UVEC NAME(uvec)
#define LANES ((Py_ssize_t)(sizeof(VEC) / sizeof(REAL)))
#define LOAD(P) (*(const VEC *)(P))
#define BLOCK (256 * LANES)                     /* of a row, summed in one precision */

#define STEP (TOGETHER * LANES)
#define SHORT_ROW (16 * LANES)      /* a row that is worked on in scratch */
#define ROOM (LANES > TOGETHER ? LANES : TOGETHER) /* for a number of each row of a group */

/* Each of the vectors that are worked on in step */
#define EACH(DO) for (int i = 0; i < TOGETHER; i++) DO

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

#ifdef SCALE_f32
static const REAL NAME(ROOTS)[] = EXP_ROOTS;    /* 2^(j / lanes) */
#endif

/* x := e^x for x <= 0, of several vectors in step. One after the other they would wait: each is
   a chain of some 60 cycles, and the CPU's queue holds four.

   With e^x = 2^k 2^(j / lanes) e^r a shuffle finds the middle factor; that leaves an r so small
   that three or four terms less will do. Without such a shuffle j = 0. At most 1.2 ulp. */
ALWAYS_INLINE void NAME(exp_in_step)(VEC *x)
{
    VEC t[TOGETHER], k[TOGETHER], y[TOGETHER];
    EACH(x[i] = NAME(vmax)(NAME(all)(EXP_BOTTOM), x[i]);)
#ifdef SCALE_f32
    static const REAL P[] = EXP_TABLE_P;
    const REAL round = ROUND / LANES;
    const VEC roots = LOAD(NAME(ROOTS));
#else
    static const REAL P[] = EXP_P;
    const REAL round = ROUND;
#endif
    const int terms = sizeof P / sizeof *P;
    EACH(t[i] = x[i] * (REAL)1.4426950408889634 + round;)
    EACH(k[i] = t[i] - round;)
    EACH(x[i] = x[i] - k[i] * LN2_HI;)
    EACH(x[i] = x[i] - k[i] * LN2_LO;)
    EACH(y[i] = x[i] * P[terms - 1] + P[terms - 2];)
    for (int j = terms - 3; j >= 0; j--)
        EACH(y[i] = y[i] * x[i] + P[j];)
    EACH(y[i] = y[i] * x[i] + 1;)
#ifdef SCALE_f32
    EACH(t[i] = NAME(PERMUTE)(roots, t[i]);)
    EACH(x[i] = t[i] * x[i];)
    EACH(y[i] = y[i] * x[i] + t[i];)
    EACH(x[i] = NAME(SCALE)(y[i], k[i]);)       /* it rounds k down */
#else
    EACH(y[i] = y[i] * x[i] + 1;)
    for (int i = 0; i < TOGETHER; i++) {
        UVEC n = NAME(bits)(t[i]) - (NAME(bits1)(ROUND) - 2 * BIAS - 2), half = n >> 1;
        x[i] = y[i] * NAME(power_of_2)(half - 1) * NAME(power_of_2)(n - half - 1);
    }
#endif
}

/* The first n elements of x, -Inf behind them */
static inline VEC NAME(load_row_end)(const REAL *x, Py_ssize_t n)
{
    if (n >= LANES)
        return LOAD(x);
    n = n < 0 ? 0 : n;
#ifdef LOAD_OR_f32
    return NAME(LOAD_OR)(NAME(all)(-INFINITY), x, n);
#else
    return NAME(keep_first)(NAME(load_first)(x, n), n, NAME(all)(-INFINITY));
#endif
}

/* v to p, of it what lies within the k elements there */
static inline void NAME(store_within)(REAL *p, Py_ssize_t k, VEC v)
{
    if (k >= LANES)
        *(VEC *)p = v;
    else if (k > 0)
        NAME(store_first)(p, k, v);
}

/* Lane j of the result: the sum, or the largest, of the lanes of v[j]. Pairs of vectors become
   one, until one is left: four instructions a vector where one alone takes a dozen.

       a0 a1 a2 a3   b0 b1 b2 b3   ->   a0+a1  b0+b1  a2+a3  b2+b3   ->   ...             */
static inline VEC NAME(fold)(VEC *v, int largest)
{
#if defined(__clang__) || defined(VMATH_SCALAR)
    VEC y;
    for (Py_ssize_t j = 0; j < LANES; j++)
        ((REAL *)&y)[j] = largest ? NAME(lanes_max)(v[j]) : NAME(lanes_sum)(v[j]);
    return y;
#else
    const IVEC lane = *(const IVEC *)NAME(LANE);
    for (Py_ssize_t s = 1; s < LANES; s *= 2) {
        const IVEC one = lane + (((lane & (INT)s) != 0) & (INT)(LANES - s)), other = one + (INT)s;
        for (Py_ssize_t j = 0; j < LANES / 2 / s; j++) {
            VEC a = __builtin_shuffle(v[2 * j], v[2 * j + 1], one);
            VEC b = __builtin_shuffle(v[2 * j], v[2 * j + 1], other);
            if (largest)
                v[j] = NAME(vmax)(a, b);
            else
                v[j] = a + b;
        }
    }
    return v[0];
#endif
}

/* max x[k] in lanes; NaN are passed over */
static inline VEC NAME(row_max)(const REAL *x, Py_ssize_t n)
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
    return NAME(vmax)(a, b);
}

/* Σ exp(x[k] - top) in lanes; the terms go to y, where it is given, which has room for `room` */
static inline VEC NAME(row_exp)(const REAL *x, REAL *y, REAL top, Py_ssize_t n, Py_ssize_t room)
{
    VEC e[TOGETHER], sum[TOGETHER] = {0};
    Py_ssize_t k = 0;
    for (; k + STEP <= n; k += STEP) {
        EACH(e[i] = LOAD(x + k + i * LANES) - top;)
        NAME(exp_in_step)(e);
        if (y)
            EACH(*(VEC *)(y + k + i * LANES) = e[i];)
        EACH(sum[i] += e[i];)
    }
    if (k < n) {
        EACH(e[i] = NAME(load_row_end)(x + k + i * LANES, n - k - i * LANES) - top;)
        NAME(exp_in_step)(e);
        if (y)
            EACH(NAME(store_within)(y + k + i * LANES, room - k - i * LANES, e[i]);)
        EACH(sum[i] += e[i];)
    }
    for (int i = 1; i < TOGETHER; i++)
        sum[0] += sum[i];
    return sum[0];
}

/* The same of rows that fit into a vector, one in each */
static inline void NAME(short_rows_exp)(const REAL *x, REAL *y, const REAL *top, VEC *sums,
                                        Py_ssize_t rows, Py_ssize_t n, Py_ssize_t room)
{
    for (Py_ssize_t j = 0; j < rows; j += TOGETHER) {
        VEC e[TOGETHER];
        EACH(e[i] = NAME(load_row_end)(x + (j + i) * n, j + i < rows ? n : 0) - top[j + i];)
        NAME(exp_in_step)(e);
        for (int i = 0; i < TOGETHER && j + i < rows; i++) {
            if (y)
                NAME(store_within)(y + (j + i) * room, room, e[i]);
            sums[j + i] = e[i];
        }
    }
}

/* Rows worked on together: as many as there are lanes where they are short, fewer where their
   cache would not hold them until they are read again */
static inline Py_ssize_t NAME(group)(Py_ssize_t rows, Py_ssize_t n)
{
    const Py_ssize_t some = LANES < 4 ? LANES : 4;
    const Py_ssize_t most = n <= SHORT_ROW ? LANES : n < BLOCK / 4 ? some : 1;
    return rows < most ? rows : most;
}

/* Where exp(x - top) of a group is kept, and how far apart its rows are: in `scratch` if they are
   short. There they begin at cache lines and end with room for whole vectors. */
static inline REAL *NAME(place)(REAL *y, REAL *scratch, Py_ssize_t n, Py_ssize_t *room)
{
    *room = n;
    if (y == NULL || n > SHORT_ROW)
        return y;
    *room = n <= LANES ? LANES : (n + STEP - 1) / STEP * STEP;
    return scratch;
}

/* top and total of a group of rows; y := exp(x - top) where y is given */
static inline void NAME(group_exp)(const REAL *x, REAL *y, REAL *top, REAL *total, Py_ssize_t rows,
                                   Py_ssize_t n, Py_ssize_t room)
{
    VEC v[LANES];
    if (rows == 1 && n > LANES) {
        double sum = 0;
        top[0] = NAME(lanes_max)(NAME(row_max)(x, n));
        for (Py_ssize_t k = 0; k < n; k += BLOCK) {
            const Py_ssize_t count = n - k < BLOCK ? n - k : BLOCK;
            REAL *to = y ? y + k : NULL;
            sum += NAME(lanes_sum)(NAME(row_exp)(x + k, to, top[0], count, room - k));
        }
        total[0] = (REAL)sum;
        return;
    }
    for (Py_ssize_t j = 0; j < LANES; j++)
        v[j] = j >= rows     ? NAME(all)(0)
               : n <= LANES  ? NAME(load_row_end)(x + j * n, n)
                             : NAME(row_max)(x + j * n, n);
    *(VEC *)top = NAME(fold)(v, 1);
    for (Py_ssize_t j = rows; j < LANES; j++)
        v[j] = NAME(all)(0);
    if (n <= LANES)
        NAME(short_rows_exp)(x, y, top, v, rows, n, room);
    else
        for (Py_ssize_t j = 0; j < rows; j++)
            v[j] = NAME(row_exp)(x + j * n, y ? y + j * room : NULL, top[j], n, room);
    *(VEC *)total = NAME(fold)(v, 0);
}

/* y := e c - each w, w = 1 where NULL */
static inline void NAME(row_scale)(const REAL *e, REAL *y, REAL c, REAL each, const REAL *w,
                                   Py_ssize_t n)
{
    Py_ssize_t k = 0;
    if (each) {
        for (; k < n; k++)
            y[k] = e[k] * c - (w ? each * w[k] : each);
        return;
    }
    for (; k + LANES <= n; k += LANES)
        *(VEC *)(y + k) = LOAD(e + k) * c;
    if (k < n)
        NAME(store_first)(y + k, n - k, NAME(load_first)(e + k, n - k) * c);
}

/* A piece is rows i to stop */
#define PIECE_OF_ROWS                                                   \
    const Rows *t = (const Rows *)context;                              \
    const Py_ssize_t n = t->n, start = index * t->step;                 \
    const Py_ssize_t stop = t->rows - start > t->step ? start + t->step : t->rows

/* y := exp x / Σ exp x, row by row */
static void NAME(softmax_piece)(void *context, Py_ssize_t index)
{
    PIECE_OF_ROWS;
    const REAL *x = (const REAL *)t->x + start * n;
    REAL *y = (REAL *)t->to + start * n, top[ROOM] = {0}, total[ROOM], scratch[LANES * SHORT_ROW];
    for (Py_ssize_t i = start, count, room; i < stop; i += count, x += count * n) {
        count = NAME(group)(stop - i, n);
        REAL *e = NAME(place)(y, scratch, n, &room);
        NAME(group_exp)(x, e, top, total, count, n, room);
        for (Py_ssize_t j = 0; j < count; j++, e += room, y += n)
            NAME(row_scale)(e, y, 1 / total[j], 0, NULL, n);
    }
}

/* y := x - ln Σ exp x, row by row */
static void NAME(log_softmax_piece)(void *context, Py_ssize_t index)
{
    PIECE_OF_ROWS;
    const REAL *x = (const REAL *)t->x + start * n;
    REAL *y = (REAL *)t->to + start * n, top[ROOM] = {0}, total[ROOM] = {0};
    for (Py_ssize_t i = start, count; i < stop; i += count) {
        count = NAME(group)(stop - i, n);
        NAME(group_exp)(x, NULL, top, total, count, n, 0);
        *(VEC *)total = NAME(vlog)(LOAD(total));
        for (Py_ssize_t j = 0; j < count; j++, x += n, y += n) {
            const REAL shift = total[j];
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
static void NAME(softmax_backward_piece)(void *context, Py_ssize_t index)
{
    PIECE_OF_ROWS;
    const REAL *dy = (const REAL *)t->x + start * n;
    REAL *dx = (REAL *)t->to + start * n;
    for (Py_ssize_t i = start; i < stop; i++, dy += n, dx += n) {
        const REAL *y = (const REAL *)t->y + i % t->y_rows * n;
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
static void NAME(log_softmax_backward_piece)(void *context, Py_ssize_t index)
{
    PIECE_OF_ROWS;
    const REAL *dy = (const REAL *)t->x + start * n;
    REAL *dx = (REAL *)t->to + start * n;
    for (Py_ssize_t i = start; i < stop; i++, dy += n, dx += n) {
        const REAL *y = (const REAL *)t->y + i % t->y_rows * n;
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
   ignored;  dx_i := scale (p_i Σ q_i - q_i), p = softmax x */
static void NAME(cross_entropy_piece)(void *context, Py_ssize_t index)
{
    PIECE_OF_ROWS;
    const REAL *x = (const REAL *)t->x + start * n, *w = (const REAL *)t->weight;
    REAL *dx = t->to ? (REAL *)t->to + start * n : NULL;
    REAL top[ROOM] = {0}, total[ROOM] = {0}, log_total[ROOM], inverse[ROOM];
    REAL scratch[LANES * SHORT_ROW];
    const double s = t->smoothing, spread = s / n, g = t->scale;
    double sum = 0;
    for (Py_ssize_t i = start, count, room; i < stop; i += count) {
        count = NAME(group)(stop - i, n);
        REAL *e = NAME(place)(dx, scratch, n, &room);
        if (count > 1 || t->targets[i] >= 0)
            NAME(group_exp)(x, e, top, total, count, n, room);
        *(VEC *)log_total = NAME(vlog)(LOAD(total));
        *(VEC *)inverse = 1 / LOAD(total);
        for (Py_ssize_t j = 0; j < count; j++, x += n) {
            const Py_ssize_t hit = (Py_ssize_t)t->targets[i + j];
            double loss = 0;
            if (hit >= 0) {
                const double q = (1 - s) * (w ? w[hit] : 1), shift = log_total[j];
                loss = q * (((double)top[j] - x[hit]) + shift);
                if (s)
                    loss += spread * (NAME(row_gap)(x, w, top[j], n) + t->weight_sum * shift);
                sum += loss;
                if (dx) {
                    const REAL c = (REAL)(g * (q + spread * t->weight_sum)) * inverse[j];
                    const REAL each = (REAL)(g * spread), less = w ? each * w[hit] : each;
                    const REAL at = e[j * room + hit] * c - less;   /* before e, maybe dx, goes */
                    NAME(row_scale)(e + j * room, dx, c, each, w, n);
                    dx[hit] = at - (REAL)(g * q);
                }
            } else if (dx) {
                memset(dx, 0, (size_t)n * sizeof(REAL));
            }
            if (t->losses)
                ((REAL *)t->losses)[i + j] = (REAL)loss;
            dx = dx ? dx + n : NULL;
        }
    }
    ((Rows *)context)->sums[index] = sum;
}

/* dx_i := dy_i dx_i, row by row; what is ignored stays 0, whatever dy is */
static void NAME(scale_piece)(void *context, Py_ssize_t index)
{
    PIECE_OF_ROWS;
    REAL *dx = (REAL *)t->to + start * n;
    for (Py_ssize_t i = start; i < stop; i++, dx += n)
        if (t->targets[i] >= 0)
            NAME(row_scale)(dx, dx, ((const REAL *)t->factors)[i * t->factor_step], 0, NULL, n);
}

#undef PIECE_OF_ROWS
#undef EACH
#undef ROOM
#undef SHORT_ROW
#undef STEP
#undef BLOCK
#undef LOAD
#undef LANES
#undef UVEC
#undef IVEC
#undef VEC
#undef NAME
#undef REAL
#undef INT
#undef MANTISSA
#undef BIAS
#undef ROUND
#undef LN2_HI
#undef LN2_LO
#undef EXP_BOTTOM
#undef EXP_P
#undef EXP_TABLE_P
#undef EXP_ROOTS
