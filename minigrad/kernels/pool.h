/* Pooling: a window slides over each plane and hands on its maximum or its mean, float and double.

   The maximum goes through the window tap by tap and, for each tap, through many outputs at once,
   so that the inner loop has no branches and reads the pixels in order:

    for each tap (i, j), for all (p, q):
        y[p, q] = max(y[p, q], x[p SH + i DH - PH, q SW + j DW - PW])

   It first copies the plane into a `field` with its padding, sorted by row mod SH: there the
   pixels of one tap lie SW apart for all outputs, from the first row to the last, and the loop is
   as long as the plane. The place of a maximum is kept as the offset of its tap, one number for
   all outputs. Where outputs are few (pooling over the whole image), each window is scanned.

   The mean adds the KH rows of a row of windows first, and then KW neighbours of their sum:
   KH + KW additions instead of KH KW, in double. Its gradient goes the same way back.

   A piece for the threads is a run of planes. Written once, in pool_body.h. */

#ifndef MINIGRAD_POOL_H
#define MINIGRAD_POOL_H

#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "pieces.h"

typedef struct {
    Py_ssize_t planes, h, w;       /* x (planes, H, W) */
    Py_ssize_t oh, ow;             /* y (planes, OH, OW) */
    Py_ssize_t kh, kw, sh, sw, ph, pw, dh, dw;
} Shape;

typedef struct {
    Py_ssize_t sh, sw;             /* the strides; 1 along an axis with a single window */
    Py_ssize_t rows, cols;         /* what the windows see of the padded plane */
    Py_ssize_t depth;              /* of its rows by their remainder mod sh: (sh, depth) */
    Py_ssize_t width;              /* cols, rounded up to a multiple of sw */
    Py_ssize_t pitch;              /* positions from one row of outputs to the next */
    Py_ssize_t positions;          /* of all outputs, rounded up to whole vectors */
    Py_ssize_t size;               /* elements */
} Field;

typedef enum { MAX, MAX_GRAD, MAX_TAKE, MEAN, MEAN_GRAD } Kind;

typedef struct {
    Shape s;
    Field f;
    Kind kind;
    Py_ssize_t run, pieces;        /* planes of a piece */
    Py_ssize_t index_planes;       /* planes of `indices`, which may serve those of x repeatedly */
    const void *from;
    void *to;
    int64_t *indices;
    int padded;                    /* the mean counts the padding */
    double divisor;                /* or 0 */
    int wrong;                     /* whether an index lies outside of the image */
    Slots slots;
} Pooling;

enum { FEW_OUTPUTS = 8, POOL_NONE = INT32_MIN }; /* the tap of a window without a maximum yet */
static const double POOL_PIECE = 1 << 15;        /* pixels that are looked at */

static Field field_of(const Shape *s)
{
    Field f;
    f.sh = s->oh > 1 ? s->sh : 1, f.sw = s->ow > 1 ? s->sw : 1;
    f.rows = (s->oh - 1) * f.sh + (s->kh - 1) * s->dh + 1;
    f.cols = (s->ow - 1) * f.sw + (s->kw - 1) * s->dw + 1;
    f.depth = (f.rows + f.sh - 1) / f.sh;
    f.width = (f.cols + f.sw - 1) / f.sw * f.sw;
    f.pitch = f.width / f.sw;
    f.positions = ((s->oh - 1) * f.pitch + s->ow + 15) / 16 * 16;
    f.size = f.sh * f.depth * f.width + f.sw * 16;
    return f;
}

/* The q of [0, count) for which start + q step lies in [0, length): [first, end) */
static void inside(Py_ssize_t start, Py_ssize_t step, Py_ssize_t length, Py_ssize_t count,
                   Py_ssize_t *first, Py_ssize_t *end)
{
    *first = start < 0 ? least(count, (step - 1 - start) / step) : 0;
    *end = start < length ? least(count, (length - 1 - start) / step + 1) : 0;
}

/* Place of the first pixel of the window that starts at (y, x); -1 if it misses the image */
static int64_t first_tap(const Shape *s, Py_ssize_t y, Py_ssize_t x)
{
    if (y < 0)
        y += (s->dh - 1 - y) / s->dh * s->dh;
    if (x < 0)
        x += (s->dw - 1 - x) / s->dw * s->dw;
    return y < s->h && x < s->w ? (int64_t)(y * s->w + x) : -1;
}

/* A window of the mean along one axis: what lies in the image, and its length for the mean, which
   counts the padding if `padded`, but nothing beyond it */
typedef struct {
    Py_ssize_t begin, end, counted;
} Span;

static Span span(Py_ssize_t p, Py_ssize_t k, Py_ssize_t s, Py_ssize_t pad, Py_ssize_t length,
                 int padded)
{
    Span z = {p * s - pad, 0, 0};
    z.end = least(z.begin + k, length + pad);
    z.counted = z.end - z.begin;
    z.begin = most(z.begin, 0), z.end = least(z.end, length);
    if (!padded)
        z.counted = z.end - z.begin;
    return z;
}

/* What the rows of means have in common, and room to add them up */
typedef struct {
    double *column, *sums;         /* (W,), (OW,) */
    double *widths;                /* (OW,) of windows, or the divisor */
    Py_ssize_t *ends;              /* (KW, 2) the outputs whose tap j lies in the image */
} Means;

static Means means_of(const Pooling *job, char *memory)
{
    const Shape *s = &job->s;
    Means m;
    m.column = (double *)memory;
    m.sums = m.column + s->w;
    m.widths = m.sums + s->ow;
    m.ends = (Py_ssize_t *)(m.widths + s->ow);
    for (Py_ssize_t q = 0; q < s->ow; q++)
        m.widths[q] = (double)span(q, s->kw, s->sw, s->pw, s->w, job->padded).counted;
    for (Py_ssize_t q = 0; job->divisor != 0 && q < s->ow; q++)
        m.widths[q] = job->divisor;
    for (Py_ssize_t j = 0; j < s->kw; j++)
        inside(j - s->pw, s->sw, s->w, s->ow, &m.ends[2 * j], &m.ends[2 * j + 1]);
    return m;
}

/* How many bytes a piece borrows, and how many planes it does */
static size_t pooling_open(Pooling *job, size_t itemsize)
{
    const Shape *s = &job->s;
    double work = (double)s->oh * s->ow;
    size_t bytes = 0;
    memset(job->slots.busy, 0, SLOTS);
    job->wrong = 0;
    if (job->kind == MAX) {
        work *= (double)s->kh * s->kw;
        job->f = field_of(s);
        if (s->oh * s->ow > FEW_OUTPUTS)
            bytes = (size_t)(job->f.size + job->f.positions) * itemsize
                    + (size_t)job->f.positions * sizeof(int32_t);
    } else if (job->kind == MAX_GRAD || job->kind == MAX_TAKE) {
        work = 2 * work + (double)s->h * s->w / 2;
    } else {
        work *= (double)s->kh + s->kw;
        bytes = (size_t)(s->w + 2 * s->ow + 2 * s->kw) * 8;
    }
    job->run = most(1, s->planes);
    if (work * (double)s->planes > 2 * POOL_PIECE)
        job->run = most(1, (Py_ssize_t)(POOL_PIECE / work));
    job->pieces = (s->planes + job->run - 1) / job->run;
    return job->slots.bytes = (bytes + 63) / 64 * 64;
}

#define NAME(name) name##_f32
#define REAL float
#include "pool_body.h"
#define NAME(name) name##_f64
#define REAL double
#include "pool_body.h"

#endif
