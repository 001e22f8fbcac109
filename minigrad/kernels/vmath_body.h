/* Included twice by vmath.h, which says what it is and defines the names in capitals. */

#ifdef VMATH_SCALAR
typedef REAL NAME(vec);
typedef INT NAME(ivec);
typedef UINT NAME(uvec);
#else
typedef REAL NAME(vec) __attribute__((vector_size(VMATH_BYTES), aligned(sizeof(REAL)), may_alias));
typedef INT NAME(ivec) __attribute__((vector_size(VMATH_BYTES), aligned(sizeof(REAL)), may_alias));
typedef UINT NAME(uvec) __attribute__((vector_size(VMATH_BYTES), aligned(sizeof(REAL)), may_alias));
#endif

#define VEC NAME(vec)
#define IVEC NAME(ivec)
#define UVEC NAME(uvec)
#define LANES ((Py_ssize_t)(sizeof(VEC) / sizeof(REAL)))
#define SIGN ((UINT)1 << (8 * sizeof(REAL) - 1))

static inline VEC NAME(all)(REAL c) { VEC x = {0}; return x + c; }
static inline UVEC NAME(bits)(VEC x) { UVEC u; memcpy(&u, &x, sizeof u); return u; }
static inline VEC NAME(real)(UVEC u) { VEC x; memcpy(&x, &u, sizeof x); return x; }
static inline UINT NAME(bits1)(REAL x) { UINT u; memcpy(&u, &x, sizeof u); return u; }
static inline VEC NAME(magnitude)(VEC x) { return NAME(real)(NAME(bits)(x) & ~SIGN); }

/* the first k elements at p, zeros behind them */
static inline VEC NAME(load_first)(const REAL *p, Py_ssize_t k)
{
#ifdef LOAD_FIRST_f32
    return NAME(LOAD_FIRST)(p, k);
#else
    VEC x = {0};
    memcpy(&x, p, (size_t)k * sizeof(REAL));
    return x;
#endif
}

static inline void NAME(store_first)(REAL *p, Py_ssize_t k, VEC x)
{
#ifdef STORE_FIRST_f32
    NAME(STORE_FIRST)(p, k, x);
#else
    memcpy(p, &x, (size_t)k * sizeof(REAL));
#endif
}

/* a where the comparison holds (never for NaN), else b */
static inline VEC NAME(where)(IVEC holds, VEC a, VEC b)
{
#ifdef VMATH_SCALAR
    return holds ? a : b;
#else
    return NAME(real)(((UVEC)holds & NAME(bits)(a)) | (~(UVEC)holds & NAME(bits)(b)));
#endif
}

/* the first k lanes of x, `rest` in the others */
static inline VEC NAME(keep_first)(VEC x, Py_ssize_t k, VEC rest)
{
    return NAME(where)(*(const IVEC *)NAME(LANE) < (INT)k, x, rest);
}

/* 2^n, n given as n + BIAS */
static inline VEC NAME(power_of_2)(UVEC n) { return NAME(real)(n << MANTISSA); }

/* c[0] + c[1] x + ... */
static inline VEC NAME(polynomial)(VEC x, const REAL *c, int terms)
{
    VEC p = NAME(all)(c[terms - 1]);
    for (int i = terms - 2; i >= 0; i--)
        p = p * x + c[i];
    return p;
}

/* x = n ln 2 + r with |r| <= ln 2 / 2. Returns q + low = e^r - 1 = r + r^2 P(r), low being what q
   rounds off, and n + 2 BIAS + 2: positive, so that a logical shift halves it (AVX2 has no other
   in 64 bits). */
static inline VEC NAME(expm1_reduced)(VEC x, UVEC *n, VEC *low)
{
    static const REAL P[] = EXP_P;                  /* (e^r - 1 - r) / r^2 */
    VEC t = x * (REAL)1.4426950408889634 + ROUND;   /* n is in the low bits of t */
    VEC k = t - ROUND;
    VEC above = x - k * LN2_HI;                     /* exact */
    VEC r = above - k * LN2_LO;
    VEC rest = r * r * NAME(polynomial)(r, P, sizeof P / sizeof *P) + ((above - r) - k * LN2_LO);
    VEC q = r + rest;
    *n = NAME(bits)(t) - (NAME(bits1)(ROUND) - 2 * BIAS - 2);
    *low = rest - (q - r);
    return q;
}

static inline VEC NAME(vexp)(VEC x)
{
    UVEC n, half;
    VEC q, low;
    x = NAME(where)(x > EXP_TOP, NAME(all)(EXP_TOP), x);
    x = NAME(where)(x < EXP_BOTTOM, NAME(all)(EXP_BOTTOM), x);
    q = NAME(expm1_reduced)(x, &n, &low);
    half = n >> 1;                                  /* in two steps: 2^n itself may overflow */
    return (1 + q) * NAME(power_of_2)(half - 1) * NAME(power_of_2)(n - half - 1);
}

/* a where a > b, else b: of a NaN and a number the second */
static inline VEC NAME(vmax)(VEC a, VEC b)
{
#ifdef MAX_f32
    return NAME(MAX)(a, b);
#else
    return NAME(where)(a > b, a, b);
#endif
}

/* e^x for x <= 0 in less than half the instructions: softmax's exponential, for which nothing can
   overflow. Horner's rule to the end, still within 1.5 ulp. */
static inline VEC NAME(vexp_below)(VEC x)
{
    static const REAL P[] = EXP_P;
    VEC t, k, r, y;
    x = NAME(vmax)(NAME(all)(EXP_BOTTOM), x);
    t = x * (REAL)1.4426950408889634 + ROUND;
    k = t - ROUND;
    r = (x - k * LN2_HI) - k * LN2_LO;
    y = (NAME(polynomial)(r, P, sizeof P / sizeof *P) * r + 1) * r + 1;
#ifdef SCALE_f32
    return NAME(SCALE)(y, k);
#else
    UVEC n = NAME(bits)(t) - (NAME(bits1)(ROUND) - 2 * BIAS - 2), half = n >> 1;
    return y * NAME(power_of_2)(half - 1) * NAME(power_of_2)(n - half - 1);
#endif
}

/* x = 2^k (1 + f) with 1/√2 <= 1 + f < √2; with s = f / (2 + f),
   ln(1 + f) = 2 artanh s = f - f^2/2 + s (f^2/2 + R), R = s^2 (2/3 + 2/5 s^2 + ...) */
static inline VEC NAME(vlog)(VEC x)
{
    static const REAL R[] = LOG_R;                  /* (2 artanh s - 2 s) / s^3, in s^2 */
    const UINT start = NAME(bits1)(SQRT_HALF);
    const REAL shift = (REAL)((UINT)1 << MANTISSA);
    IVEC subnormal = x < NAME(power_of_2)(NAME(bits)(NAME(all)(0)) + 1);
    VEC y = NAME(where)(subnormal, x * shift, x);
    UVEC u = NAME(bits)(y) + (((UINT)BIAS << MANTISSA) - start);
    VEC f = NAME(real)((u & (((UINT)1 << MANTISSA) - 1)) + start) - 1;
    VEC k = NAME(real)((u >> MANTISSA) | NAME(bits1)(shift)) - (shift + BIAS);
    VEC s = f / (2 + f), z = s * s, h = f * f * (REAL)0.5;
    k = k - NAME(where)(subnormal, NAME(all)(MANTISSA), NAME(all)(0));
    y = z * NAME(polynomial)(z, R, sizeof R / sizeof *R);
    y = k * LN2_HI - ((h - (s * (h + y) + k * LN2_LO)) - f);
    y = NAME(where)(x > 0, y, NAME(where)(x < 0, NAME(all)(NAN), NAME(all)(-INFINITY)));
    return NAME(where)(x < INFINITY, y, x);         /* Inf and NaN are their own logarithms */
}

/* tanh |x| = E / (E + 2) with E = e^2|x| - 1. Three roundings would make 2.5 ulp, so what q, E
   and the divisor round off is carried along; 1 / (E + 2) = (1 - y) / 2. */
static inline VEC NAME(vtanh)(VEC x)
{
    VEC a = NAME(magnitude)(x), q, low, scale, E, divisor, two, y;
    UVEC n;
    a = NAME(where)(a > TANH_TOP, NAME(all)(TANH_TOP), a);
    q = NAME(expm1_reduced)(a + a, &n, &low);
    scale = NAME(power_of_2)(n - BIAS - 2);
    E = scale * q + (scale - 1);
    low = scale * low + (scale * q - (E - (scale - 1)));
    divisor = E + 2;
    two = divisor - E;
    y = E / divisor;
    y += (low - y * (low + ((E - (divisor - two)) + (2 - two)))) * ((1 - y) * (REAL)0.5);
    return NAME(real)(NAME(bits)(y) | (NAME(bits)(x) & SIGN));
}

/* With e = e^-|x|, which cannot overflow: 1 / (1 + e) on the right, e / (1 + e) on the left; then
   what 1 + e rounds off is made good. */
static inline VEC NAME(vsigmoid)(VEC x)
{
    VEC e = NAME(vexp)(-NAME(magnitude)(x)), divisor = 1 + e;
    VEC y = NAME(where)(x < 0, e, NAME(all)(1)) / divisor;
    return y - y * NAME(where)(x < 0, 1 - y, y) * (e - (divisor - 1));
}

/* max(x, 0) + ln(1 + e^-|x|), and x above 20 as the convention is; what 1 + e rounds off is added
   back, divided by 1 + e. */
static inline VEC NAME(vsoftplus)(VEC x)
{
    VEC e = NAME(vexp)(-NAME(magnitude)(x)), u = 1 + e;
    VEC y = NAME(vlog)(u) + (e - (u - 1)) / u;
    y += NAME(where)(x < 0, NAME(all)(0), x);
    return NAME(where)(x > 20, x, y);
}

#define LOOP(F)                                                                                 \
    static void NAME(F)(const void *from, void *to, Py_ssize_t n)                               \
    {                                                                                           \
        const REAL *x = (const REAL *)from;                                                     \
        REAL *y = (REAL *)to;                                                                   \
        Py_ssize_t i = 0;                                                                       \
        for (; i + LANES <= n; i += LANES)                                                      \
            *(VEC *)(y + i) = NAME(v##F)(*(const VEC *)(x + i));                                \
        if (i < n)                                                                              \
            NAME(store_first)(y + i, n - i, NAME(v##F)(NAME(load_first)(x + i, n - i)));        \
    }
LOOP(exp)
LOOP(log)
LOOP(tanh)
LOOP(sigmoid)
LOOP(softplus)

#undef LOOP
#undef VEC
#undef IVEC
#undef UVEC
#undef LANES
#undef SIGN
#undef NAME
#undef REAL
#undef INT
#undef UINT
#undef MANTISSA
#undef BIAS
#undef ROUND
#undef LN2_HI
#undef LN2_LO
#undef SQRT_HALF
#undef EXP_TOP
#undef EXP_BOTTOM
#undef TANH_TOP
#undef EXP_P
#undef LOG_R
