/* Included twice by gemm.h, which says what it is. */

#ifdef GEMM_SCALAR
typedef REAL NAME(gemm_vec);
typedef REAL NAME(gemm_mem);
typedef INT NAME(gemm_int);
#define RELU(V) ((V) < 0 ? 0 : (V))
#else
typedef REAL NAME(gemm_vec) __attribute__((vector_size(GEMM_BYTES)));
typedef REAL NAME(gemm_mem)
    __attribute__((vector_size(GEMM_BYTES), aligned(sizeof(REAL)), may_alias));
typedef REAL NAME(gemm_four)
    __attribute__((vector_size(4 * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));
typedef INT NAME(gemm_int) __attribute__((vector_size(GEMM_BYTES)));
typedef INT NAME(gemm_index) __attribute__((vector_size(4 * sizeof(INT))));
#define RELU(V) ((VEC)((NAME(gemm_int))(V) & ~((V) < 0))) /* NaN < 0 is false */
#endif

#define VEC NAME(gemm_vec)
#define MEM NAME(gemm_mem)
#define LOAD(P) ((VEC)*(const MEM *)(P))
#define LANES GEMM_LANES(sizeof(REAL))

/* The first n elements at p, then zeros; and back. -------------------------------------------- */

#if GEMM_MASKS && GEMM_BYTES == 64
#define MASK NAME(gemm_mask)
typedef uint16_t MASK;
GEMM_INLINE MASK NAME(mask_of)(Py_ssize_t n) { return (MASK)((1u << n) - 1); }
GEMM_INLINE VEC NAME(load_part)(const REAL *p, MASK m)
{
    return sizeof(REAL) == 4 ? (VEC)_mm512_maskz_loadu_ps(m, p)
                             : (VEC)_mm512_maskz_loadu_pd((__mmask8)m, p);
}
GEMM_INLINE void NAME(store_part)(REAL *p, VEC v, MASK m, Py_ssize_t n)
{
    (void)n;
    if (sizeof(REAL) == 4)
        _mm512_mask_storeu_ps(p, m, (__m512)v);
    else
        _mm512_mask_storeu_pd(p, (__mmask8)m, (__m512d)v);
}
#elif GEMM_MASKS
#define MASK NAME(gemm_int)
GEMM_INLINE MASK NAME(mask_of)(Py_ssize_t n)
{
    static const INT ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    MASK m;
    memcpy(&m, ones + 8 - n, sizeof(m));
    return m;
}
GEMM_INLINE VEC NAME(load_part)(const REAL *p, MASK m)
{
    return sizeof(REAL) == 4 ? (VEC)_mm256_maskload_ps((const float *)p, (__m256i)m)
                             : (VEC)_mm256_maskload_pd((const double *)p, (__m256i)m);
}
#else
#define MASK Py_ssize_t
GEMM_INLINE MASK NAME(mask_of)(Py_ssize_t n) { return n; }
GEMM_INLINE VEC NAME(load_part)(const REAL *p, MASK n)
{
    VEC v = {0};
    memcpy(&v, p, n * sizeof(REAL));
    return v;
}
#endif
#if !GEMM_MASKS || GEMM_BYTES != 64
GEMM_INLINE void NAME(store_part)(REAL *p, VEC v, MASK m, Py_ssize_t n)
{
    (void)m;
    if (n == LANES)
        *(MEM *)p = v;
    else
        memcpy(p, &v, n * sizeof(REAL)); /* AVX2's masked store is slow on some CPUs */
}
#endif

/* C := [C +] A @ B [+ bias] [then ReLU], C of rows x (vecs * LANES), `tail` in the last vector */

GEMM_INLINE void NAME(tile)(const int rows, const int vecs, const int masked, Py_ssize_t k,
                            const REAL *a, Py_ssize_t a_row, Py_ssize_t a_col,
                            const REAL *b, Py_ssize_t b_row,
                            REAL *c, Py_ssize_t c_row, Py_ssize_t tail,
                            const REAL *bias, int mode)
{
    const REAL *a4 = rows > 4 ? a + 4 * a_row : a; /* three bases instead of twelve pointers */
    const REAL *a8 = rows > 8 ? a + 8 * a_row : a;
    const MASK mask = NAME(mask_of)(tail);
    VEC acc[GEMM_ROWS][8] = {{{0}}};
    VEC v[8];
    for (; k > 0; k--) {
        GEMM_UNROLL
        for (int j = 0; j < vecs; j++)
            v[j] = masked && j == vecs - 1 ? NAME(load_part)(b + j * LANES, mask)
                                           : LOAD(b + j * LANES);
        GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            const REAL x = (i < 4 ? a : i < 8 ? a4 : a8)[(i & 3) * a_row];
            GEMM_UNROLL
            for (int j = 0; j < vecs; j++)
                acc[i][j] += x * v[j];
        }
        a += a_col, a4 += a_col, a8 += a_col;
        b += b_row;
    }
    if (mode & GEMM_ADD) {
        GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            GEMM_UNROLL
            for (int j = 0; j < vecs; j++)
                acc[i][j] += j == vecs - 1 ? NAME(load_part)(c + i * c_row + j * LANES, mask)
                                           : LOAD(c + i * c_row + j * LANES);
        }
    }
    if (bias) {
        GEMM_UNROLL
        for (int j = 0; j < vecs; j++) {
            v[j] = j == vecs - 1 ? NAME(load_part)(bias + j * LANES, mask)
                                 : LOAD(bias + j * LANES);
            GEMM_UNROLL
            for (int i = 0; i < rows; i++)
                acc[i][j] += v[j];
        }
    }
    if (mode & GEMM_RELU) {
        GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            GEMM_UNROLL
            for (int j = 0; j < vecs; j++)
                acc[i][j] = RELU(acc[i][j]);
        }
    }
    GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        GEMM_UNROLL
        for (int j = 0; j < vecs; j++) {
            if (j == vecs - 1)
                NAME(store_part)(c + i * c_row + j * LANES, acc[i][j], mask, tail);
            else
                *(MEM *)(c + i * c_row + j * LANES) = acc[i][j];
        }
    }
}

#define TILE_ARGS                                                                                 \
    Py_ssize_t k, const REAL *a, Py_ssize_t a_row, Py_ssize_t a_col, const REAL *b,               \
        Py_ssize_t b_row, REAL *c, Py_ssize_t c_row, Py_ssize_t tail, const REAL *bias, int mode
#define TILE(ROWS, VECS, MASKED)                                                                  \
    static void NAME(tile_##ROWS##_##VECS##_##MASKED)(TILE_ARGS)                                  \
    {                                                                                             \
        NAME(tile)(ROWS, VECS, MASKED, k, a, a_row, a_col, b, b_row, c, c_row, tail, bias, mode); \
    }
#define TILES(ROWS) TILE(ROWS, 1, 0) TILE(ROWS, 2, 0) TILE(ROWS, 1, 1) TILE(ROWS, 2, 1)
GEMM_EACH_ROWS(TILES)
TILE(1, 4, 0) TILE(1, 4, 1) TILE(1, 8, 0) TILE(1, 8, 1) TILE(2, 4, 0) TILE(2, 4, 1)

typedef void (*NAME(gemm_tile))(TILE_ARGS);
#define ROW(ROWS)                                                                                 \
    {{NAME(tile_##ROWS##_1_0), NAME(tile_##ROWS##_1_1)},                                          \
     {NAME(tile_##ROWS##_2_0), NAME(tile_##ROWS##_2_1)}},

/* The function for a tile of rows x vecs; `masked`: the last vector of B is incomplete. */
static inline NAME(gemm_tile) NAME(tile_for)(int rows, int vecs, int masked)
{
    static const NAME(gemm_tile) tiles[][2][2] = {GEMM_EACH_ROWS(ROW)};
    if (vecs == 8)
        return masked ? NAME(tile_1_8_1) : NAME(tile_1_8_0);
    if (vecs == 4 && rows == 1)
        return masked ? NAME(tile_1_4_1) : NAME(tile_1_4_0);
    if (vecs == 4)
        return masked ? NAME(tile_2_4_1) : NAME(tile_2_4_0);
    return tiles[rows - 1][vecs - 1][masked];
}

/* panel[p][l] := x[l across + p along], l < lanes, then zeros up to width --------------------- */

GEMM_INLINE void NAME(pack)(const Py_ssize_t width, REAL *restrict panel, const REAL *restrict x,
                            Py_ssize_t across, Py_ssize_t along, Py_ssize_t lanes, Py_ssize_t k)
{
    Py_ssize_t p = 0, l = 0;
    if (lanes < width && k > 0)
        memset(panel, 0, k * width * sizeof(REAL));
    if (across == 1) {
        if (lanes == width)
            for (; p < k; p++)
                memcpy(panel + p * width, x + p * along, width * sizeof(REAL));
        else
            for (; p < k; p++)
                for (l = 0; l < lanes; l++)
                    panel[p * width + l] = x[p * along + l];
        return;
    }
#if !defined(GEMM_SCALAR)
    typedef NAME(gemm_four) FOUR;
    if (along == 1) /* squares of 4 x 4 turned in registers, a cache line of k at a time */
        for (; p + 4 <= k; p = p + 16 < k ? p + 16 : k & -4)
            for (l = 0; l + 4 <= lanes; l += 4)
                for (Py_ssize_t q = p; q < p + 16 && q + 4 <= k; q += 4) {
                    const REAL *s = x + l * across + q;
                    REAL *d = panel + q * width + l;
                    FOUR a = *(const FOUR *)s, b = *(const FOUR *)(s + across);
                    FOUR c = *(const FOUR *)(s + 2 * across), e = *(const FOUR *)(s + 3 * across);
                    FOUR ac = GEMM_LOW(a, c), be = GEMM_LOW(b, e);
                    *(FOUR *)d = GEMM_LOW(ac, be);
                    *(FOUR *)(d + width) = GEMM_HIGH(ac, be);
                    ac = GEMM_HIGH(a, c), be = GEMM_HIGH(b, e);
                    *(FOUR *)(d + 2 * width) = GEMM_LOW(ac, be);
                    *(FOUR *)(d + 3 * width) = GEMM_HIGH(ac, be);
                }
    Py_ssize_t turned = p;
    for (p = 0; p < turned; p++)
        for (Py_ssize_t r = l; r < lanes; r++)
            panel[p * width + r] = x[r * across + p * along];
    p = turned;
#endif
    for (; p < k; p++)
        for (l = 0; l < lanes; l++)
            panel[p * width + l] = x[l * across + p * along];
}

static void NAME(pack_a)(REAL *panel, const REAL *x, Py_ssize_t across, Py_ssize_t along,
                         Py_ssize_t lanes, Py_ssize_t k)
{
    NAME(pack)(GEMM_ROWS, panel, x, across, along, lanes, k);
}

static void NAME(pack_b)(REAL *panel, const REAL *x, Py_ssize_t across, Py_ssize_t along,
                         Py_ssize_t lanes, Py_ssize_t k)
{
    NAME(pack)(2 * LANES, panel, x, across, along, lanes, k);
}

/* y[j] := Σ x[p] w[j w_row + p], j < cols ----------------------------------------------------- */

GEMM_INLINE void NAME(dots)(const int cols, Py_ssize_t k, const REAL *x, const REAL *w,
                            Py_ssize_t w_row, REAL *y)
{
    VEC acc[4][2] = {{{0}}};
    Py_ssize_t p = 0;
    for (; p + 2 * LANES <= k; p += 2 * LANES) {
        const VEC u = LOAD(x + p), v = LOAD(x + p + LANES);
        GEMM_UNROLL
        for (int j = 0; j < cols; j++) {
            acc[j][0] += u * LOAD(w + j * w_row + p);
            acc[j][1] += v * LOAD(w + j * w_row + p + LANES);
        }
    }
    for (; p < k; p += LANES) {
        const MASK mask = NAME(mask_of)(k - p < LANES ? k - p : LANES);
        const VEC u = NAME(load_part)(x + p, mask);
        GEMM_UNROLL
        for (int j = 0; j < cols; j++)
            acc[j][0] += u * NAME(load_part)(w + j * w_row + p, mask);
    }
    GEMM_UNROLL
    for (int j = 0; j < cols; j++) {
        VEC s = acc[j][0] + acc[j][1];
        REAL sum = 0;
        for (Py_ssize_t l = 0; l < LANES; l++)
            sum += ((REAL *)&s)[l];
        y[j] = sum;
    }
}

static void NAME(dots_of)(Py_ssize_t n, Py_ssize_t k, const REAL *x, const REAL *w,
                          Py_ssize_t w_row, REAL *y)
{
    Py_ssize_t j = 0;
    for (; j + 4 <= n; j += 4)
        NAME(dots)(4, k, x, w + j * w_row, w_row, y + j);
    for (; j < n; j++)
        NAME(dots)(1, k, x, w + j * w_row, w_row, y + j);
}

#undef VEC
#undef MEM
#undef MASK
#undef LOAD
#undef LANES
#undef RELU
#undef TILE
#undef TILES
#undef TILE_ARGS
#undef ROW
#undef NAME
#undef REAL
#undef INT
