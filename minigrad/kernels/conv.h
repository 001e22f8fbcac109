/* Convolution as a matrix product whose second operand is never built, float and double.

   im2col writes the window of every output pixel as a column: KH KW times the image. But row
   (c, i, j) of that matrix is image plane c read from a shifted start. So copy each plane once,
   with its padding, into a contiguous `field`, and let position r of a row be field[offset + r]:

    field of one plane, COLS wide        y[o, r] = sum_k w[o, k] field[offset[k] + r]
    0 0 0 0 0 0
    0 a b c d 0        tap (0, 0) starts at offset 0,  (0, 1) at 1,  (1, 0) at COLS = 6, ...
    0 e f g h 0
    0 0 0 0 0 0        r = p COLS + q is output pixel (p, q); r with q >= OW is dropped

   A dilation only changes offsets. A stride splits the plane into SH SW phases (the rows p SH + a,
   the columns q SW + b), each a field of its own in which every tap steps by one. The gradient by
   the input is the same product over dy, one phase of dx at a time.

   Where rows are short and output channels many, the positions that would be dropped cost more
   than to copy the rest together: then the pixels of a tile are gathered first, tap by tap.

   The gradient by the weight has two forms. With many taps and channels it is a product again,
   with the positions as inner index: ROWS taps, broadcast from their fields, times vectors of
   output channels, for which dy is transposed. Else it is dot products of rows of dy with fields.

   Work is cut into units that fit the second cache: some small images laid end to end, or a band
   of rows of a large one, of one group. A piece for the threads is a run of units.

   The tile is ROWS rows x COLUMNS vectors: the accumulators, one vector of each column and the
   broadcast weight fill the registers (8 x 3 of 32, 4 x 3 of 16). Written once, in conv_body.h. */

#ifndef MINIGRAD_CONV_H
#define MINIGRAD_CONV_H

#include <Python.h>
#include <stdlib.h>
#include <string.h>

#include "pieces.h"

#if defined(__AVX512F__)
#define CONV_BYTES 64
enum { ROWS = 8, COLUMNS = 3, DOT_ROWS = 4, DOT_TAPS = 6, LONE_TAPS = 9 };
#elif defined(__AVX__)
#define CONV_BYTES 32
enum { ROWS = 4, COLUMNS = 3, DOT_ROWS = 4, DOT_TAPS = 2, LONE_TAPS = 9 };
#else
#define CONV_BYTES 16
enum { ROWS = 4, COLUMNS = 3, DOT_ROWS = 4, DOT_TAPS = 2, LONE_TAPS = 9 };
#endif

#if defined(__GNUC__) || defined(__clang__)
typedef float conv_vec_f32 __attribute__((vector_size(CONV_BYTES), aligned(4), may_alias));
typedef double conv_vec_f64 __attribute__((vector_size(CONV_BYTES), aligned(8), may_alias));
#define CONV_LANES(SIZE) (CONV_BYTES / (Py_ssize_t)(SIZE))
#define INLINE static inline __attribute__((always_inline))
#else
typedef float conv_vec_f32;
typedef double conv_vec_f64;
#define CONV_LANES(SIZE) 1
#define INLINE static inline
#endif

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define CONV_SHUFFLE __builtin_shufflevector
typedef float conv_four_f32 __attribute__((vector_size(16), aligned(4), may_alias));
typedef double conv_four_f64 __attribute__((vector_size(32), aligned(8), may_alias));
#endif
#endif

typedef void (*ConvPiece)(void *context, Py_ssize_t index);
typedef void (*ConvParallel)(ConvPiece piece, void *context, Py_ssize_t count);

typedef struct {
    Py_ssize_t n, c, h, w;         /* x (N, C, H, W) */
    Py_ssize_t o, kh, kw;          /* w (O, CG, KH, KW) */
    Py_ssize_t oh, ow;             /* y (N, O, OH, OW) */
    Py_ssize_t sh, sw, dh, dw;
    Py_ssize_t top, left;
    Py_ssize_t groups, cg, og;     /* channels of a group: in, out */
} Shape;

typedef enum { FORWARD, INPUT_GRAD, WEIGHT_GRAD } Product;

enum {
    POSITIONS = 1024,              /* of a unit, at most */
    FEW_POSITIONS = 448,           /* below which a unit is not made smaller for the threads */
    DW_POSITIONS = 384,            /* of a unit of the weight gradient */
    FIELD_BYTES = 1 << 19,         /* of the fields of a unit: half of a second cache */
    UNITS = 16,                    /* wanted, so that every thread has its share */
    PARTS = 8,                     /* sums of the weight gradient that are kept apart */
    PARTS_BYTES = 1 << 22,         /* what they may take, unless there are two */
};
static const double PIECE_WORK = 2e6; /* multiplications: some 50 µs */

/* n / step and n, rounded up to a multiple of step */
INLINE Py_ssize_t share_out(Py_ssize_t n, Py_ssize_t step) { return (n + step - 1) / step; }
INLINE Py_ssize_t up(Py_ssize_t n, Py_ssize_t step) { return share_out(n, step) * step; }

/* Where the taps are ------------------------------------------------------------------------- */

typedef struct {                   /* of one axis */
    Py_ssize_t phases;             /* how many different (i d) mod s there are */
    Py_ssize_t reach;              /* the largest (i d) div s */
    Py_ssize_t share;              /* how many zeros end a field and begin the next as well */
    Py_ssize_t *slot;              /* (k,) which of the phases tap i reads */
    Py_ssize_t *phase;             /* (phases,) its (i d) mod s */
} Taps;

static void find_taps(Taps *t, Py_ssize_t k, Py_ssize_t d, Py_ssize_t s, Py_ssize_t pad,
                      Py_ssize_t length, Py_ssize_t out)
{
    t->phases = 0;
    t->reach = (k - 1) * d / s;
    for (Py_ssize_t i = 0; i < k; i++) {
        Py_ssize_t j = 0;
        while (j < t->phases && t->phase[j] != i * d % s)
            j++;
        if (j == t->phases)
            t->phase[t->phases++] = i * d % s;
        t->slot[i] = j;
    }
    t->share = t->reach;
    for (Py_ssize_t j = 0; j < t->phases; j++) { /* entry i is x[i s + phase - pad] */
        Py_ssize_t lead = most(0, (pad - t->phase[j] + s - 1) / s), trail = out + t->reach;
        if (length - 1 + pad >= t->phase[j])
            trail -= (length - 1 + pad - t->phase[j]) / s + 1;
        t->share = most(0, least(t->share, least(lead, trail)));
    }
}

/* How many taps read this phase */
static Py_ssize_t taps_of(const Taps *t, Py_ssize_t k, Py_ssize_t phase)
{
    Py_ssize_t count = 0;
    for (Py_ssize_t i = 0; i < k; i++)
        count += t->slot[i] == phase;
    return count;
}

/* How the work is cut ------------------------------------------------------------------------ */

typedef struct {
    Shape s;
    Product product;
    size_t itemsize;
    Taps v, u;                     /* vertical, horizontal */
    Py_ssize_t t0, u0;             /* INPUT_GRAD: where the phases of dx begin ... */
    Py_ssize_t height, width;      /* ... and the image of positions, which else is y */
    Py_ssize_t channels, taps;     /* of the fields; of all their planes */
    Py_ssize_t rows_out;           /* of the product: O / groups or C / groups */
    Py_ssize_t *table, *offsets, *index; /* (taps,) where in the fields, and in the weight */
    Py_ssize_t images, band, bands; /* of a unit, or rows of a single image; bands of an image */
    Py_ssize_t rows, cols, area, plane; /* of a field, of an image, of all images of a unit */
    Py_ssize_t units, run, pieces; /* units of a group; units of a piece, over all groups */
    Py_ssize_t stride;             /* from row to row of what a unit computes */
    Py_ssize_t field, out;         /* elements of a unit's memory */
    Py_ssize_t panels, start, part; /* elements shared, and of one partial sum */
    int gathered;                  /* whether pixels are brought together before the product */
    int transposed;                /* WEIGHT_GRAD: the form with dy transposed */
    Py_ssize_t tile_vectors;       /* its vectors of output channels in a tile */
    double work;                   /* multiplications of everything */
} Plan;

/* The taps (c, i, j) of fields of x: plane (c, phase of i, phase of j), shifted by i and j */
static void place_taps(Plan *q)
{
    const Shape *s = &q->s;
    Py_ssize_t k = 0;
    for (Py_ssize_t c = 0; c < s->cg; c++)
        for (Py_ssize_t i = 0; i < s->kh; i++)
            for (Py_ssize_t j = 0; j < s->kw; j++, k++) {
                Py_ssize_t plane = (c * q->v.phases + q->v.slot[i]) * q->u.phases + q->u.slot[j];
                q->offsets[k] = plane * q->plane + i * s->dh / s->sh * q->cols
                                + j * s->dw / s->sw;
                q->index[k] = k;
            }
}

/* The taps (o, i, j) of fields of dy, phase of dx by phase: the other way round */
static void place_taps_back(Plan *q)
{
    const Shape *s = &q->s;
    Py_ssize_t k = 0;
    for (Py_ssize_t a = 0; a < q->v.phases; a++)
        for (Py_ssize_t b = 0; b < q->u.phases; b++)
            for (Py_ssize_t o = 0; o < s->og; o++)
                for (Py_ssize_t i = 0; i < s->kh; i++)
                    for (Py_ssize_t j = 0; j < s->kw; j++)
                        if (q->v.slot[i] == a && q->u.slot[j] == b) {
                            q->offsets[k] = o * q->plane
                                            + (q->v.reach - i * s->dh / s->sh) * q->cols
                                            + q->u.reach - j * s->dw / s->sw;
                            q->index[k++] = (o * s->cg * s->kh + i) * s->kw + j;
                        }
}

/* The columns between the rows of small images cost time. Where that is more than it takes to
   bring the pixels of a tile together, tap by tap, for all channels of the output: im2col, but of
   one tile. (Some 3 + 3 cycles a stretch and tap, of COLUMNS a row.) */
static int gathering_pays(const Plan *q, Py_ssize_t lanes)
{
    const double pixels = (double)q->height * q->width;
    const double lost = (double)q->rows * q->cols / pixels - 1;
    const double stretches = 1 + COLUMNS * (double)lanes / q->width + COLUMNS;
    return q->height * q->width <= POSITIONS && lost > 3 * stretches / (COLUMNS * q->rows_out);
}

/* Fill `q`; -1 where memory does not suffice. `plan_close` it in any case. */
static int plan_open(Plan *q, const Shape *s, Product product, size_t itemsize)
{
    const Py_ssize_t lanes = CONV_LANES(itemsize), step = COLUMNS * lanes;
    const int back = product == INPUT_GRAD;
    Py_ssize_t limit, planes, tail;
    memset(q, 0, sizeof(Plan));
    q->s = *s, q->product = product, q->itemsize = itemsize;
    q->taps = (back ? s->og : s->cg) * s->kh * s->kw;
    q->table = (Py_ssize_t *)malloc(2 * (size_t)(s->kh + s->kw + q->taps) * sizeof(Py_ssize_t));
    if (q->table == NULL)
        return -1;
    q->v.slot = q->table, q->v.phase = q->v.slot + s->kh;
    q->u.slot = q->v.phase + s->kh, q->u.phase = q->u.slot + s->kw;
    q->offsets = q->u.phase + s->kw, q->index = q->offsets + q->taps;
    find_taps(&q->v, s->kh, s->dh, s->sh, s->top, s->h, s->oh);
    find_taps(&q->u, s->kw, s->dw, s->sw, s->left, s->w, s->ow);
    q->height = s->oh, q->width = s->ow;
    q->channels = s->cg, q->rows_out = s->og;
    planes = s->cg * q->v.phases * q->u.phases;
    if (back) {
        q->t0 = s->top / s->sh, q->u0 = s->left / s->sw;
        q->height = (s->top + s->h - 1) / s->sh - q->t0 + 1;
        q->width = (s->left + s->w - 1) / s->sw - q->u0 + 1;
        q->v.share = most(0, least(q->v.reach - q->t0, q->height - s->oh + q->t0));
        q->u.share = most(0, least(q->u.reach - q->u0, q->width - s->ow + q->u0));
        planes = q->channels = s->og, q->rows_out = s->cg;
    }
    q->rows = q->height + q->v.reach - q->v.share;
    q->cols = q->width + q->u.reach - q->u.share;
    q->work = (double)s->n * s->o * s->oh * s->ow * s->cg * s->kh * s->kw;
    if ((double)q->rows * q->cols * most(planes, 1) > 1e15 || (double)q->rows * s->n > 1e15)
        return -1;

    if (product == WEIGHT_GRAD)
        q->transposed = q->taps >= 64 && s->og >= lanes;
    else if (!back || s->sh * s->sw == 1)
        q->gathered = gathering_pays(q, lanes);

    /* units */
    if (q->gathered)
        limit = POSITIONS;
    else if (product != WEIGHT_GRAD)
        limit = least(POSITIONS, FIELD_BYTES / (Py_ssize_t)itemsize / most(planes, 1));
    else if (q->transposed)
        limit = DW_POSITIONS;
    else
        limit = 2 * FIELD_BYTES / (Py_ssize_t)itemsize / (planes + s->og);
    if (q->work > 2 * PIECE_WORK
        && (double)s->n * q->rows * q->cols * s->groups < (double)limit * UNITS)
        limit = s->n * q->rows * q->cols * s->groups / UNITS;
    limit = most(limit, q->gathered ? 2 * FEW_POSITIONS
                                    : q->transposed ? FEW_POSITIONS * 5 / 7 : FEW_POSITIONS);
    q->area = q->rows * q->cols;
    q->images = 1, q->band = q->height, q->bands = 1;
    if (q->area <= limit) {
        Py_ssize_t size = q->gathered ? q->height * q->width : q->area, images;
        tail = q->v.share * q->cols + q->u.share;
        images = q->images = most(1, least(s->n, limit / q->area));
        for (Py_ssize_t i = images; 2 * i > images && product != WEIGHT_GRAD; i--)
            if (up(i * size, lanes) * q->images < up(q->images * size, lanes) * i)
                q->images = i;     /* fills the last tile better */
    } else {
        q->bands = share_out(q->height, least(q->height, most(1, limit / q->cols)));
        q->band = share_out(q->height, q->bands);
        q->bands = share_out(q->height, q->band);
        q->v.share = 0;
        q->rows = q->band + q->v.reach;
        q->area = q->rows * q->cols;
        tail = q->u.share;
    }
    q->plane = q->images * q->area;
    q->units = share_out(s->n, q->images) * q->bands;
    q->run = most(1, q->units * s->groups);
    if (q->work > 2 * PIECE_WORK)
        q->run = most(1, (Py_ssize_t)(q->run * PIECE_WORK / q->work));

    /* memory */
    q->field = up(planes * q->plane + tail + step, 64 / (Py_ssize_t)itemsize);
    q->stride = up(q->plane, step);
    q->out = q->gathered ? (q->taps + ROWS) * step + lanes : ROWS * q->stride;
    if (product == WEIGHT_GRAD) {
        const Py_ssize_t vectors = share_out(s->og, lanes);
        q->tile_vectors = share_out(vectors, share_out(vectors, COLUMNS));
        if (q->transposed) {
            q->out = up(vectors, q->tile_vectors) * lanes * q->images * q->band * s->ow;
            q->part = s->groups * up(q->taps, ROWS) * up(vectors, q->tile_vectors) * lanes;
        } else {
            q->stride = up(q->band * q->cols, lanes);
            q->out = q->images * up(s->og, DOT_ROWS) * q->stride;
            q->part = s->o * q->taps;
        }
        q->pieces = share_out(q->units * s->groups, q->run);
        limit = PARTS_BYTES / (Py_ssize_t)itemsize / most(q->part, 1);
        limit = limit >= PARTS ? PARTS : limit >= 4 ? 4 : 2;
        if (q->pieces > limit)     /* as even as may be for two threads, or four */
            q->run = share_out(q->units * s->groups, limit);
    } else {
        q->panels = s->groups * up(q->rows_out, ROWS) * q->taps;
        q->start = s->groups * up(q->rows_out, ROWS);
    }
    q->pieces = share_out(q->units * s->groups, q->run);
    if (back)
        place_taps_back(q);
    else
        place_taps(q);
    return 0;
}

static void plan_close(Plan *q) { free(q->table); }

/* What a product is computed from, and where it goes */
typedef struct {
    const Plan *plan;
    const void *images, *other;    /* x or dy, which is laid; the weight, or dy */
    const void *bias;
    void *out;
    char *panels, *start, *parts;
    Slots slots;
} Job;

/* Bytes that `conv_f32` and `conv_f64` need, when up to `slots` threads take part */
static double plan_bytes(const Plan *q, Py_ssize_t slots)
{
    const double parts = q->product == WEIGHT_GRAD ? (double)q->part * q->pieces : 0;
    return ((double)q->panels + q->start + parts + (double)slots * ((double)q->field + q->out))
           * q->itemsize + 64.0 * (slots + 8);
}

static char *carve(char **memory, size_t bytes)
{
    char *here = *memory;
    *memory += (bytes + 63) / 64 * 64;
    return here;
}

static void job_open(Job *job, const Plan *q, Py_ssize_t slots, char *memory)
{
    memset(job, 0, sizeof(Job));
    job->plan = q;
    job->panels = carve(&memory, q->panels * q->itemsize);
    job->start = carve(&memory, q->start * q->itemsize);
    job->parts = carve(&memory, q->product == WEIGHT_GRAD ? q->part * q->pieces * q->itemsize : 0);
    job->slots.count = slots;
    job->slots.bytes = ((size_t)(q->field + q->out) * q->itemsize + 63) / 64 * 64;
    job->slots.memory = memory;
}

/* The smallest i >= 0 with i s - pad >= 0 */
static Py_ssize_t first_inside(Py_ssize_t pad, Py_ssize_t s)
{
    return pad > 0 ? (pad + s - 1) / s : 0;
}

/* The smallest i <= count from which on i s - pad >= length */
static Py_ssize_t end_inside(Py_ssize_t pad, Py_ssize_t s, Py_ssize_t length, Py_ssize_t count)
{
    return length + pad > 0 ? least(count, (length + pad - 1) / s + 1) : 0;
}

#define NAME(name) name##_f32
#define REAL float
#include "conv_body.h"
#define NAME(name) name##_f64
#define REAL double
#include "conv_body.h"

#endif
