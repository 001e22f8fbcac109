/* Batch normalisation of x (N, C, L), float and double, over N and L for each of the C channels.

   Moments are found in one reading of x. About a shift k that is near the mean,

       d = x - k        mean = k + Σ d / m        M = Σ (x - mean)² = Σ d² - (Σ d)² / m

   and blocks are put together as in Chan, Golub and LeVeque 1983. E[x²] - E[x]² is the case k = 0,
   which loses every digit for a mean of 1e4 and a deviation of 1e-2. Here k is the mean of a few
   elements at first, and of all before whenever their number has doubled. So a block of m comes
   after n ≥ m others, and what its subtraction rounds, ε m (block's mean - k)², is small beside
   what it adds to the whole, (block's mean - k)² m n / (m + n). Sums run in lanes for about 64
   terms, and from there in double.

   The work is cut by the shape alone into strips of channels and chunks of rows:

             C                    a strip that fits the L2 cache is a piece of its own: moments,
        ┌────┬────┬────┐          then, from the cache, y
      N │    │    │    │
        └────┴────┴────┘          otherwise two rounds over its chunks: moments of each, put
        ┌──────────────┐          together in their order, then y, beginning with the chunk read
        ├──────────────┤          last
        └──────────────┘

   and in each piece one of two layouts:

       L > 1   a channel, N segments of L neighbours         lanes along a segment
       L = 1   a few rows after another, all columns         lanes across the columns

   On the way back sums of dy and dy d take the place of the moments. Written once, in
   batch_norm_body.h. */

#ifndef MINIGRAD_BATCH_NORM_H
#define MINIGRAD_BATCH_NORM_H

#include "sums.h"

/* A store past the caches: what is larger than the L2 cache is gone from it before anybody reads
   it, and an ordinary store has to fetch every line first. */
#if VMATH_BYTES == 64
#define BN_STREAM(P, V) _mm512_stream_si512((void *)(P), (__m512i)(V))
#elif VMATH_BYTES == 32
#define BN_STREAM(P, V) _mm256_stream_si256((__m256i *)(P), (__m256i)(V))
#elif defined(__SSE2__) && VMATH_BYTES == 16
#define BN_STREAM(P, V) _mm_stream_si128((__m128i *)(P), (__m128i)(V))
#endif
#ifdef BN_STREAM
#define BN_STREAMED() _mm_sfence()
#define BN_MAY_STREAM 1
#else
#define BN_STREAM(P, V) (*(P) = (V))
#define BN_STREAMED() ((void)0)
#define BN_MAY_STREAM 0
#endif

typedef struct {
    const char *x, *dy, *weight, *bias; /* weight and bias (C) or NULL */
    char *to, *dw, *db;                 /* y, or dx */
    double *mean, *var;                 /* (C) */
    double eps;
    int fixed;                          /* mean and var are given, not x's own */
    int stream;                         /* write past the caches */
    Py_ssize_t N, C, L;
    Py_ssize_t rows, chunks;            /* of a strip, chunks of so many rows */
    Py_ssize_t width, strips;
    Py_ssize_t strip;                   /* the one cut in chunks now */
    double *sums;                       /* two of each chunk and channel of the strip, or strips */
    void *terms;                        /* four of each channel */
} BatchNorm;

enum {
    BN_PIECE = 1 << 16, /* elements of a piece, about */
    BN_CACHE = 1 << 19, /* bytes of x that stay in the L2 cache */
    BN_NARROW = 64,     /* columns, at least, of a strip cut for the cache */
    BN_BYTES = 2048,    /* of a row in a strip: its sums stay in the L1 cache */
    BN_STREAMS = 1 << 22, /* bytes of y from which it is written past the caches */
    BN_ROWS = 64,       /* rows summed in lanes */
    BN_TILE = VMATH_BYTES == 64 ? 8 : 4 /* vectors of a row summed together, in registers */
};

static void batch_norm_cut(BatchNorm *t, Py_ssize_t size)
{
    const Py_ssize_t channel = t->N * t->L > 0 ? t->N * t->L : 1;
    const Py_ssize_t run = (t->L == 1 ? t->C : t->L) * size; /* bytes that one loop writes */
    t->stream = BN_MAY_STREAM && t->N * t->C * t->L * size >= BN_STREAMS && run % 64 == 0
                && (size_t)t->to % 64 == 0;
    t->rows = t->N;
    if (t->L == 1) {
        const Py_ssize_t fits = BN_PIECE / channel / BN_NARROW * BN_NARROW;
        t->width = fits ? fits : BN_BYTES / size;
        if (t->width > BN_BYTES / size)
            t->width = BN_BYTES / size;
        if (t->width > t->C)
            t->width = t->C;
        if (!fits && t->width * channel > BN_PIECE)
            t->rows = BN_PIECE / t->width / BN_ROWS * BN_ROWS;
    } else if (channel * size > BN_CACHE) {
        t->width = 1;
        t->rows = BN_PIECE / t->L + 1;
    } else
        t->width = BN_PIECE / channel + 1;
    if (t->width < 1)
        t->width = 1;
    t->strips = (t->C + t->width - 1) / t->width;
    t->chunks = t->rows < t->N ? (t->N + t->rows - 1) / t->rows : 1;
}

/* Doubles for the sums of all that is under way at once */
static Py_ssize_t batch_norm_sums(const BatchNorm *t)
{
    return 2 * (t->chunks > 1 ? t->chunks * t->width : t->C);
}

/* Add a block of m elements, of mean k + d / m and Σ (x - k)² = dd, to n others. */
static inline void batch_norm_merge(double n, double m, double k, double d, double dd,
                                    double *mean, double *M)
{
    const double shift = d * (1 / m), apart = k - *mean + shift;
    *mean += apart * (m / (n + m));
    *M += dd - d * shift + apart * apart * (n * m / (n + m));
}

/* The same for many channels, and for two sums where there are no moments */
static inline void batch_norm_join(int backward, double n, double m, const double *block,
                                   double *total, Py_ssize_t width)
{
    if (backward)
        for (Py_ssize_t j = 0; j < 2 * width; j++)
            total[j] += block[j];
    else
        for (Py_ssize_t j = 0; j < width; j++)
            batch_norm_merge(n, m, block[j], 0, block[width + j], total + j, total + width + j);
}

#define NAME(name) name##_f32
#define REAL float
#include "batch_norm_body.h"
#define NAME(name) name##_f64
#define REAL double
#include "batch_norm_body.h"

#endif
