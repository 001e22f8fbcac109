/* What the machine can do at most: arithmetic without memory, memory without arithmetic.
   Compiled by roofline.py when the benchmarks run, once with REAL=float and once with double. */
#define _POSIX_C_SOURCE 199309L
#include <stddef.h>
#include <time.h>

#if defined(__AVX512F__)
#define WIDTH 64
#elif defined(__AVX__)
#define WIDTH 32
#else
#define WIDTH 16
#endif

typedef REAL vec __attribute__((vector_size(WIDTH)));
#define LANES ((long)(WIDTH / sizeof(REAL)))

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Multiply-adds in registers: CHAINS independent ones, because each waits some 4 cycles for its
   own last result while two may start every cycle. Returns the seconds of `count` rounds;
   the arithmetic is in *flops. */
#define CHAINS 12 /* and x, y: 14 of the 16 registers there are before AVX-512 */
double fma_peak(long count, REAL *sink, double *flops) {
    vec a[CHAINS], x, y;
    for (int i = 0; i < CHAINS; i++)
        for (int l = 0; l < LANES; l++) a[i][l] = sink[0] + (REAL)i;
    for (int l = 0; l < LANES; l++) x[l] = (REAL)0.999, y[l] = (REAL)0.001; /* towards 1 */
    double start = now();
    for (long k = 0; k < count; k++)
        for (int i = 0; i < CHAINS; i++) a[i] = a[i] * x + y;
    for (int i = 1; i < CHAINS; i++) a[0] += a[i];
    *(volatile REAL *)sink = a[0][0]; /* before the clock is read again */
    double seconds = now() - start;
    *flops = 2.0 * CHAINS * LANES * count;
    return seconds;
}

#define CLOBBER __asm__ volatile("" ::: "memory") /* the next pass must do its work again */

/* a := b + s c; three streams, one written */
double triad(REAL *restrict a, const REAL *restrict b, const REAL *restrict c, long n,
             long passes) {
    double start = now();
    for (long p = 0; p < passes; p++) {
        for (long i = 0; i < n; i++) a[i] = b[i] + (REAL)3 * c[i];
        CLOBBER;
    }
    return now() - start;
}

/* a := a + s b; two streams read, one of them written: what an optimizer does */
double update(REAL *restrict a, const REAL *restrict b, const REAL *c, long n, long passes) {
    (void)c;
    double start = now();
    for (long p = 0; p < passes; p++) {
        for (long i = 0; i < n; i++) a[i] = a[i] + (REAL)1e-9 * b[i];
        CLOBBER;
    }
    return now() - start;
}

/* a := −b; two streams, one written (a plain copy would become memcpy) */
double copy(REAL *restrict a, const REAL *restrict b, const REAL *c, long n, long passes) {
    (void)c;
    double start = now();
    for (long p = 0; p < passes; p++) {
        for (long i = 0; i < n; i++) a[i] = -b[i];
        CLOBBER;
    }
    return now() - start;
}

/* Σ b in eight vectors of partial sums: one stream, nothing written. n is a multiple of them. */
double read(REAL *restrict a, const REAL *restrict b, const REAL *c, long n, long passes) {
    (void)c;
    double start = now();
    for (long p = 0; p < passes; p++) {
        vec sum[8] = {{0}};
        const vec *v = (const vec *)b;
        for (long i = 0; i < n / LANES; i += 8)
            for (int j = 0; j < 8; j++) sum[j] += v[i + j];
        for (int j = 1; j < 8; j++) sum[0] += sum[j];
        *(volatile REAL *)a = sum[0][0];
        CLOBBER;
    }
    return now() - start;
}
