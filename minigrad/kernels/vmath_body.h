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

/* a where a > b, else b: of a NaN and a number the second */
static inline VEC NAME(vmax)(VEC a, VEC b)
{
#ifdef MAX_f32
    return NAME(MAX)(a, b);
#else
    return NAME(where)(a > b, a, b);
#endif
}

/* a where a < b, else b: of a NaN and a number the second */
static inline VEC NAME(vmin)(VEC a, VEC b)
{
#ifdef MIN_f32
    return NAME(MIN)(a, b);
#else
    return NAME(where)(a < b, a, b);
#endif
}

/* `yes` where a > b, else `no` */
static inline VEC NAME(above)(VEC a, VEC b, VEC yes, VEC no)
{
#ifdef ABOVE_f32
    return NAME(ABOVE)(a, b, yes, no);
#else
    return NAME(where)(a > b, yes, no);
#endif
}

/* e^x for EXP_BOTTOM <= x <= EXP_TOP: Horner's rule to the end, within 1.5 ulp */
static inline VEC NAME(exp_between)(VEC x)
{
    static const REAL P[] = EXP_P;
    VEC t = x * (REAL)1.4426950408889634 + ROUND, k = t - ROUND;
    VEC r = (x - k * LN2_HI) - k * LN2_LO;
    VEC y = (NAME(polynomial)(r, P, sizeof P / sizeof *P) * r + 1) * r + 1;
#ifdef SCALE_f32
    return NAME(SCALE)(y, k);
#else /* in two steps: 2^k itself may overflow */
    UVEC n = NAME(bits)(t) - (NAME(bits1)(ROUND) - 2 * BIAS - 2), half = n >> 1;
    return y * NAME(power_of_2)(half - 1) * NAME(power_of_2)(n - half - 1);
#endif
}

/* e^x for x <= 0 */
static inline VEC NAME(vexp_below)(VEC x)
{
    return NAME(exp_between)(NAME(vmax)(NAME(all)(EXP_BOTTOM), x));
}

static inline VEC NAME(vexp)(VEC x)
{
    return NAME(vexp_below)(NAME(vmin)(NAME(all)(EXP_TOP), x));
}

/* e^x - 1 = 2^n (e^r - 1) + (2^n - 1), all halved, since 2^n itself may overflow */
static inline VEC NAME(vexpm1)(VEC x)
{
    UVEC n;
    VEC low, half, y;
    VEC a = NAME(vmin)(NAME(all)(EXP_TOP), NAME(vmax)(NAME(all)(EXPM1_BOTTOM), x));
    VEC q = NAME(expm1_reduced)(a, &n, &low);
    half = NAME(power_of_2)(n - BIAS - 3);
    y = half * q + (half - (REAL)0.5);
    y += half * low;
    return NAME(real)(NAME(bits)(y + y) | (NAME(bits)(x) & SIGN)); /* -0 stays */
}

/* x = 2^k (1 + f) with 1/√2 <= 1 + f < √2. Where the CPU splits numbers itself, k is -Inf for 0,
   Inf for Inf, and f is NaN below 0, as the logarithm wants it; elsewhere x is normal. */
static inline VEC NAME(log_split)(VEC x, VEC *k)
{
#ifdef FRACTION_f32
    VEC f = NAME(FRACTION)(x), e = NAME(EXPONENT)(x), root = NAME(all)(2 * SQRT_HALF);
    *k = NAME(above)(f, root, e + 1, e);
    return NAME(above)(f, root, f * (REAL)0.5, f) - 1;
#else
    const UINT start = NAME(bits1)(SQRT_HALF);
    const REAL shift = (REAL)((UINT)1 << MANTISSA);
    UVEC u = NAME(bits)(x) + (((UINT)BIAS << MANTISSA) - start);
    *k = NAME(real)((u >> MANTISSA) | NAME(bits1)(shift)) - (shift + BIAS);
    return NAME(real)((u & (((UINT)1 << MANTISSA) - 1)) + start) - 1;
#endif
}

/* k ln 2 + ln(1 + f) + low. In float ln(1 + f) = f - f^2/2 + f^3 P(f); in double, where P would be
   long, with s = f / (2 + f), ln(1 + f) = 2 artanh s = f - f^2/2 + s (f^2/2 + R),
   R = s^2 (2/3 + 2/5 s^2 + ...) */
static inline VEC NAME(log_join)(VEC k, VEC f, VEC low)
{
    VEC h = f * f * (REAL)0.5, rest;
#ifdef LOG_P
    static const REAL P[] = LOG_P;                  /* (ln(1 + f) - f + f^2/2) / f^3 */
    rest = f * (f * f) * NAME(polynomial)(f, P, sizeof P / sizeof *P);
#else
    static const REAL R[] = LOG_R;                  /* (2 artanh s - 2 s) / s^3, in s^2 */
    VEC s = f / (2 + f), z = s * s;
    rest = s * (h + z * NAME(polynomial)(z, R, sizeof R / sizeof *R));
#endif
    return k * LN2_HI - ((h - (rest + (k * LN2_LO + low))) - f);
}

static inline VEC NAME(vlog)(VEC x)
{
    VEC k, f;
#ifdef FRACTION_f32
    f = NAME(log_split)(x, &k);
    return NAME(log_join)(k, f, NAME(all)(0));
#else
    const REAL shift = (REAL)((UINT)1 << MANTISSA);
    IVEC subnormal = x < NAME(power_of_2)(NAME(bits)(NAME(all)(0)) + 1);
    VEC y = NAME(where)(subnormal, x * shift, x);
    f = NAME(log_split)(y, &k);
    k = k - NAME(where)(subnormal, NAME(all)(MANTISSA), NAME(all)(0));
    y = NAME(log_join)(k, f, NAME(all)(0));
    y = NAME(where)(x > 0, y, NAME(where)(x < 0, NAME(all)(NAN), NAME(all)(-INFINITY)));
    return NAME(where)(x < INFINITY, y, x);         /* Inf and NaN are their own logarithms */
#endif
}

/* ln(u + low) with u = 1 + x rounded and low what that rounds off: of u = 2^k (1 + f) it belongs to
   f (which it makes x itself where k = 0), or else, low / u, to the logarithm. */
static inline VEC NAME(vlog1p)(VEC x)
{
    VEC u = 1 + x, back = u - 1, low = (x - back) + (1 - (u - back)), k, y;
    VEC f = NAME(log_split)(u, &k);
#ifdef SCALE_f32
    f += NAME(SCALE)(low, NAME(vmin)(-k, NAME(all)(BIAS))); /* k may be -Inf */
    y = NAME(log_join)(k, f, NAME(all)(0));
#else
    IVEC near = k == 0;
    f = NAME(where)(near, x, f);
    y = NAME(log_join)(k, f, NAME(where)(near, NAME(all)(0), low / u));
    y = NAME(where)(x > -1, y, NAME(where)(x < -1, NAME(all)(NAN), NAME(all)(-INFINITY)));
#endif
    y = NAME(real)(NAME(bits)(y) | (NAME(bits)(x) & SIGN)); /* -0 stays */
    return NAME(above)(NAME(all)(INFINITY), x, y, x);
}

static inline VEC NAME(less)(VEC a, VEC k, REAL c)
{
#ifdef LESS_f32
    return NAME(LESS)(a, k, c);
#else
    return a - k * c;
#endif
}

/* sin(x + turn π/2) for |x| <= SIN_TOP: x = n π/2 + r + low, π/2 in parts so short that n times the
   first leaves no error (Cody and Waite), low being what the others round off; then, by the quarter
   n of the circle, the sine or the cosine of r. */
static inline VEC NAME(sine)(VEC x, int turn)
{
    static const REAL parts[] = HALF_PI, S[] = SIN_P, C[] = COS_P;
    const int count = sizeof parts / sizeof *parts;
    VEC t = x * (REAL)0.6366197723675814 + ROUND, k = t - ROUND, r = x, low = {0}, z, s, c;
    UVEC quarter = NAME(bits)(t) + (UINT)turn;
    for (int i = 0; i < count; i++) {
        VEC before = r;
        r = NAME(less)(before, k, parts[i]);
        if (i >= ROUNDING_PART)
            low += NAME(less)(before - r, k, parts[i]);
    }
    z = r * r;
    s = r + (r * z * NAME(polynomial)(z, S, sizeof S / sizeof *S) + low);
    c = z * z * NAME(polynomial)(z, C, sizeof C / sizeof *C) - r * low;
    c = (1 - z * (REAL)0.5) + c;
    s = NAME(where)((IVEC)(0 - (quarter & 1)), c, s);
    return NAME(real)(NAME(bits)(s) ^ ((quarter & 2) << (8 * sizeof(REAL) - 2)));
}

static inline VEC NAME(vsin)(VEC x)
{
    return NAME(where)(x == 0, x, NAME(sine)(x, 0)); /* -0 stays */
}

static inline VEC NAME(vcos)(VEC x) { return NAME(sine)(x, 1); }

#ifdef TANH_P
/* x + x^3 P(x^2) below 0.55, beyond it 1 - 2 / (e^2|x| + 1), where the exponential need not be as
   good: ln 2 in one part will do. */
static inline VEC NAME(vtanh)(VEC x)
{
    static const REAL P[] = TANH_P, Q[] = EXP_P;    /* (tanh x - x) / x^3, in x^2 */
    VEC a = NAME(magnitude)(x), z = a * a;
    VEC near = a + a * z * NAME(polynomial)(z, P, sizeof P / sizeof *P);
    VEC b = NAME(vmin)(NAME(all)(TANH_TOP), a);
    VEC t = b * (REAL)(2 * 1.4426950408889634) + ROUND, k = t - ROUND, r = (b + b) - k * LN2, e;
    e = (NAME(polynomial)(r, Q, sizeof Q / sizeof *Q) * r + 1) * r + 1;
#ifdef SCALE_f32
    e = NAME(SCALE)(e, k);
#else
    e *= NAME(power_of_2)(NAME(bits)(t) - (NAME(bits1)(ROUND) - BIAS));
#endif
    e = NAME(above)(NAME(all)((REAL)0.55), a, near, 1 - 2 / (e + 1));
    return NAME(real)(NAME(bits)(e) | (NAME(bits)(x) & SIGN));
}
#else
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

#endif

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

/* x + x P(x^2) below 1, beyond it 1 - erfc, the logarithm of erfc being a polynomial */
static inline VEC NAME(verf)(VEC x)
{
    static const REAL P[] = ERF_P, Q[] = ERFC_P;    /* erf x / x - 1 in x^2, ln erfc x on 1 … TOP */
    VEC a = NAME(vmin)(NAME(all)(ERF_TOP), NAME(magnitude)(x)), z = a * a;
    VEC near = a + a * NAME(polynomial)(z, P, sizeof P / sizeof *P);
    VEC far = NAME(vmax)(NAME(all)(1), a);
    far = 1 - NAME(exp_between)(NAME(polynomial)(far, Q, sizeof Q / sizeof *Q));
    near = NAME(above)(NAME(all)(1), a, near, far);
    return NAME(real)(NAME(bits)(near) | (NAME(bits)(x) & SIGN));
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
LOOP(expm1)
LOOP(log1p)
LOOP(erf)

/* In blocks, after each of which numbers beyond SIN_TOP, if there were any, are left to libm. */
#define CIRCULAR(F)                                                                             \
    static void NAME(F)(const void *from, void *to, Py_ssize_t n)                               \
    {                                                                                           \
        const REAL *x = (const REAL *)from;                                                     \
        REAL *y = (REAL *)to;                                                                   \
        for (Py_ssize_t i = 0, start = 0; i < n; start = i) {                                   \
            const Py_ssize_t end = n - i > 32 * LANES ? i + 32 * LANES : n;                     \
            VEC most = {0};                                                                     \
            REAL top = 0;                                                                       \
            for (; i + LANES <= end; i += LANES) {                                              \
                VEC u = *(const VEC *)(x + i);                                                  \
                most = NAME(vmax)(NAME(magnitude)(u), most);                                    \
                *(VEC *)(y + i) = NAME(v##F)(u);                                                \
            }                                                                                   \
            if (i < end) {                                                                      \
                VEC u = NAME(load_first)(x + i, end - i);                                       \
                most = NAME(vmax)(NAME(magnitude)(u), most);                                    \
                NAME(store_first)(y + i, end - i, NAME(v##F)(u));                               \
                i = end;                                                                        \
            }                                                                                   \
            for (Py_ssize_t j = 0; j < LANES; j++)                                              \
                top = ((REAL *)&most)[j] > top ? ((REAL *)&most)[j] : top;                      \
            for (Py_ssize_t j = start; top > SIN_TOP && j < end; j++)                           \
                if (!(x[j] <= SIN_TOP && x[j] >= -SIN_TOP))                                     \
                    y[j] = LIBM(F)(x[j]);                                                       \
        }                                                                                       \
    }
CIRCULAR(sin)
CIRCULAR(cos)
#undef CIRCULAR

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
#undef EXPM1_BOTTOM
#undef EXP_P
#undef LOG_P
#undef LOG_R
#undef TANH_P
#undef LN2
#undef SIN_P
#undef COS_P
#undef HALF_PI
#undef ERF_TOP
#undef ERF_P
#undef ERFC_P
#undef SIN_TOP
#undef LIBM
