/* Included twice by conv.h, which says what it is. */

#define VEC NAME(conv_vec)
#define LANES ((Py_ssize_t)(sizeof(VEC) / sizeof(REAL)))
#define STEP (COLUMNS * LANES)
#define LOAD(P) (*(const VEC *)(P))
#define STORE(P, V) (*(VEC *)(P) = (V))

/* Fields: what lies outside of the plane is not written --------------------------------------- */

/* field[i, j] := x[i sh - top, j sw - left], wherever that lies in x (h, w) */
static void NAME(lay)(const REAL *x, Py_ssize_t h, Py_ssize_t w, REAL *field, Py_ssize_t rows,
                      Py_ssize_t cols, Py_ssize_t top, Py_ssize_t left, Py_ssize_t sh,
                      Py_ssize_t sw)
{
    const Py_ssize_t first = first_inside(left, sw), end = end_inside(left, sw, w, cols);
    const Py_ssize_t last = end_inside(top, sh, h, rows), begin = first_inside(top, sh);
    if (cols == w && left == 0 && sh == 1 && sw == 1) {
        if (begin < last)
            memcpy(field + begin * w, x + (begin - top) * w, (last - begin) * w * sizeof(REAL));
        return;
    }
    for (Py_ssize_t i = begin; i < last; i++) {
        const REAL *source = x + (i * sh - top) * w - left;
        REAL *target = field + i * cols;
        if (sw == 1)
            copy_row((char *)(target + first), (const char *)(source + first),
                     (end - first) * (Py_ssize_t)sizeof(REAL));
        else if (sw == 2)
            for (Py_ssize_t j = first; j < end; j++)
                target[j] = source[2 * j];
        else
            for (Py_ssize_t j = first; j < end; j++)
                target[j] = source[j * sw];
    }
}

/* x[i sh - top, j sw - left] := field[i, j], wherever that lies in x (h, w) */
static void NAME(unlay)(const REAL *field, Py_ssize_t rows, Py_ssize_t cols, REAL *x,
                        Py_ssize_t h, Py_ssize_t w, Py_ssize_t top, Py_ssize_t left,
                        Py_ssize_t sh, Py_ssize_t sw)
{
    const Py_ssize_t first = first_inside(left, sw), end = end_inside(left, sw, w, cols);
    const Py_ssize_t last = end_inside(top, sh, h, rows), begin = first_inside(top, sh);
    if (cols == w && left == 0 && sh == 1 && sw == 1) {
        if (begin < last)
            memcpy(x + (begin - top) * w, field + begin * w, (last - begin) * w * sizeof(REAL));
        return;
    }
    for (Py_ssize_t i = begin; i < last; i++) {
        REAL *target = x + (i * sh - top) * w - left;
        const REAL *source = field + i * cols;
        if (sw == 1)
            copy_row((char *)(target + first), (const char *)(source + first),
                     (end - first) * (Py_ssize_t)sizeof(REAL));
        else if (sw == 2)
            for (Py_ssize_t j = first; j < end; j++)
                target[2 * j] = source[j];
        else
            for (Py_ssize_t j = first; j < end; j++)
                target[j * sw] = source[j];
    }
}

/* The fields of the CG channels at x, from its padded row `skip` on, each in all phases */
static void NAME(lay_image)(const Plan *q, const REAL *x, Py_ssize_t skip, REAL *field)
{
    const Shape *s = &q->s;
    for (Py_ssize_t c = 0; c < s->cg; c++)
        for (Py_ssize_t a = 0; a < q->v.phases; a++)
            for (Py_ssize_t b = 0; b < q->u.phases; b++, field += q->plane)
                NAME(lay)(x + c * s->h * s->w, s->h, s->w, field, q->rows, q->cols,
                          s->top - q->v.phase[a] - skip, s->left - q->u.phase[b], s->sh, s->sw);
}

/* The product --------------------------------------------------------------------------------- */

/* panels[i / ROWS, k, i % ROWS] := w[index[k] + i step], 0 from `rows` on */
static void NAME(pack)(const REAL *w, Py_ssize_t step, const Py_ssize_t *index, Py_ssize_t rows,
                       Py_ssize_t taps, REAL *panels)
{
    for (Py_ssize_t i = 0; i < rows; i += ROWS)
        for (Py_ssize_t k = 0; k < taps; k++, panels += ROWS)
            for (Py_ssize_t j = 0; j < ROWS; j++)
                panels[j] = i + j < rows ? w[index[k] + (i + j) * step] : 0;
}

/* out[i, r] := start[i] + sum_k panel[k, i] field[offsets[k] + r]: rows x columns vectors;
   without offsets, tap k stands at k STEP */
INLINE void NAME(tile)(const int rows, const int columns, const REAL *panel,
                       const Py_ssize_t *offsets, Py_ssize_t taps, const REAL *field,
                       const REAL *start, REAL *out, Py_ssize_t stride)
{
    VEC acc[ROWS][COLUMNS], b[COLUMNS];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            acc[i][j] = (VEC){0} + start[i];
    for (Py_ssize_t k = 0; k < taps; k++, panel += ROWS) {
        const REAL *source = field + (offsets ? offsets[k] : k * STEP);
        for (int j = 0; j < columns; j++)
            b[j] = LOAD(source + j * LANES);
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                acc[i][j] += b[j] * panel[i];
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            STORE(out + i * stride + j * LANES, acc[i][j]);
}

/* out[i, r] := start[i] + sum_k w[i, k] field[offsets[k] + r], i < rows <= ROWS, r < positions */
static void NAME(multiply)(const REAL *panel, Py_ssize_t rows, const Py_ssize_t *offsets,
                           Py_ssize_t taps, const REAL *field, const REAL *start,
                           Py_ssize_t positions, REAL *out, Py_ssize_t stride)
{
#define TILE(R, C)                                                                                \
    NAME(tile)(R, C, panel, offsets, taps, field + r, start, out + r, stride)
#define TILES(R)                                                                                  \
    for (Py_ssize_t r = 0; r < positions; r += STEP)                                              \
        if (positions - r > 2 * LANES)                                                            \
            TILE(R, COLUMNS);                                                                     \
        else if (positions - r > LANES)                                                           \
            TILE(R, 2);                                                                           \
        else                                                                                      \
            TILE(R, 1)
    if (rows > ROWS * 3 / 4) {
        TILES(ROWS);
    } else if (rows > ROWS / 2) {
        TILES(ROWS * 3 / 4);
    } else if (rows > 1) {
        TILES(ROWS / 2);
    } else { /* a depthwise convolution is all such */
        TILES(1);
    }
#undef TILE
#undef TILES
}

/* panel[k, r] := field[offsets[k] + where pixel `first` + r of the images is], r < STEP or all */
static void NAME(gather)(const Plan *q, Py_ssize_t first, Py_ssize_t many, Py_ssize_t height,
                         const REAL *field, REAL *panel)
{
    Py_ssize_t from[COLUMNS * CONV_BYTES + 1], count = 0;
    int to[COLUMNS * CONV_BYTES + 1];
    const Py_ssize_t size = height * q->width, end = many * size;
    const Py_ssize_t wanted = least(STEP, up(end - first, LANES));
    for (Py_ssize_t r = 0, i = first / size, p = first % size / q->width, c = first % q->width;
         r < wanted;) {            /* stretches of a row, each a vector or less */
        const Py_ssize_t here = first + r < end ? i * q->area + p * q->cols + c : 0;
        const Py_ssize_t length = least(least(q->width - c, LANES), wanted - r);
        from[count] = here, to[count++] = (int)r;
        r += length, c += length;
        if (c == q->width) {
            c = 0;
            if (++p == height)
                p = 0, i++;
        }
    }
    for (Py_ssize_t k = 0; k < q->taps; k++, panel += STEP) {
        const REAL *source = field + q->offsets[k];
        for (Py_ssize_t i = 0; i < count; i++) /* what is too much is overwritten by the next */
            STORE(panel + to[i], LOAD(source + from[i]));
    }
}

/* y[i, o, :] := start[o] + sum_k w[o, k] (the pixels that tap k reads), by way of `gather` */
static void NAME(multiply_gathered)(const Job *job, Py_ssize_t g, Py_ssize_t many,
                                    Py_ssize_t height, const REAL *field, REAL *out, REAL *y,
                                    Py_ssize_t y_image, Py_ssize_t y_plane)
{
    const Plan *q = job->plan;
    const Py_ssize_t size = height * q->width, end = many * size;
    REAL *panel = out + ROWS * STEP;
    for (Py_ssize_t r = 0; r < end; r += STEP) {
        NAME(gather)(q, r, many, height, field, panel);
        for (Py_ssize_t o = 0; o < q->rows_out; o += ROWS) {
            const Py_ssize_t rows = least(ROWS, q->rows_out - o);
            const Py_ssize_t row = g * up(q->rows_out, ROWS) + o;
            NAME(multiply)((const REAL *)job->panels + row * q->taps, rows, NULL, q->taps, panel,
                           (const REAL *)job->start + row, least(STEP, end - r), out, STEP);
            for (Py_ssize_t at = r; at < least(r + STEP, end);) {
                const Py_ssize_t i = at / size, length = least(size - at % size,
                                                               least(r + STEP, end) - at);
                for (Py_ssize_t j = 0; j < rows; j++)
                    copy_row((char *)(y + i * y_image + (o + j) * y_plane + at % size),
                             (const char *)(out + j * STEP + at - r),
                             length * (Py_ssize_t)sizeof(REAL));
                at += length;
            }
        }
    }
}

static void NAME(forward_unit)(const Job *job, Py_ssize_t unit, Py_ssize_t g, REAL *field,
                               REAL *out)
{
    const Plan *q = job->plan;
    const Shape *s = &q->s;
    const Py_ssize_t n = unit / q->bands * q->images, many = least(q->images, s->n - n);
    const Py_ssize_t p = unit % q->bands * q->band, height = least(q->band, s->oh - p);
    const Py_ssize_t positions = (many - 1) * q->area + (height - 1) * q->cols + s->ow;
    const REAL *x = (const REAL *)job->images + (n * s->c + g * s->cg) * s->h * s->w;
    REAL *y = (REAL *)job->out + ((n * s->o + g * s->og) * s->oh + p) * s->ow;
    memset(field, 0, q->field * sizeof(REAL));
    for (Py_ssize_t i = 0; i < many; i++)
        NAME(lay_image)(q, x + i * s->c * s->h * s->w, p * s->sh, field + i * q->area);
    if (q->gathered) {
        NAME(multiply_gathered)(job, g, many, height, field, out, y, s->o * s->oh * s->ow,
                                s->oh * s->ow);
        return;
    }
    for (Py_ssize_t o = 0; o < s->og; o += ROWS) {
        const Py_ssize_t rows = least(ROWS, s->og - o), row = g * up(s->og, ROWS) + o;
        NAME(multiply)((const REAL *)job->panels + row * q->taps, rows, q->offsets, q->taps,
                       field, (const REAL *)job->start + row, positions, out, q->stride);
        for (Py_ssize_t i = 0; i < many; i++)
            for (Py_ssize_t j = 0; j < rows; j++)
                NAME(unlay)(out + j * q->stride + i * q->area, height, q->cols,
                            y + (i * s->o + o + j) * s->oh * s->ow, height, s->ow, 0, 0, 1, 1);
    }
}

/* Padded, dx has row Y = top + y. Tap i adds dy[p] to Y = p SH + i DH, so the rows of one phase,
   Y = t SH + a, receive dy[t - (i DH) div SH] from the taps with (i DH) mod SH = a. */
static void NAME(input_grad_unit)(const Job *job, Py_ssize_t unit, Py_ssize_t g, REAL *field,
                                  REAL *out)
{
    const Plan *q = job->plan;
    const Shape *s = &q->s;
    const Py_ssize_t n = unit / q->bands * q->images, many = least(q->images, s->n - n);
    const Py_ssize_t t = unit % q->bands * q->band, height = least(q->band, q->height - t);
    const Py_ssize_t positions = (many - 1) * q->area + (height - 1) * q->cols + q->width;
    const Py_ssize_t padded = up(s->cg, ROWS);
    const REAL *panels = (const REAL *)job->panels + g * padded * q->taps;
    Py_ssize_t first = 0;
    memset(field, 0, q->field * sizeof(REAL));
    for (Py_ssize_t o = 0; o < s->og; o++)
        for (Py_ssize_t i = 0; i < many; i++)
            NAME(lay)((const REAL *)job->images
                          + ((n + i) * s->o + g * s->og + o) * s->oh * s->ow,
                      s->oh, s->ow, field + o * q->plane + i * q->area, q->rows, q->cols,
                      q->v.reach - q->t0 - t, q->u.reach - q->u0, 1, 1);
    if (q->gathered) {             /* all strides are 1 */
        NAME(multiply_gathered)(job, g, many, height, field, out,
                                (REAL *)job->out + ((n * s->c + g * s->cg) * s->h + t) * s->w,
                                s->c * s->h * s->w, s->h * s->w);
        return;
    }
    for (Py_ssize_t a = 0; a < q->v.phases; a++)
        for (Py_ssize_t b = 0; b < q->u.phases; b++) {
            const Py_ssize_t taps = s->og * taps_of(&q->v, s->kh, a) * taps_of(&q->u, s->kw, b);
            for (Py_ssize_t c = 0; c < s->cg; c += ROWS) {
                const Py_ssize_t rows = least(ROWS, s->cg - c);
                NAME(multiply)(panels + first * padded + c * taps, rows, q->offsets + first, taps,
                               field, (const REAL *)job->start, positions, out, q->stride);
                for (Py_ssize_t i = 0; i < many; i++)
                    for (Py_ssize_t j = 0; j < rows; j++)
                        NAME(unlay)(out + j * q->stride + i * q->area, height, q->cols,
                                    (REAL *)job->out
                                        + ((n + i) * s->c + g * s->cg + c + j) * s->h * s->w,
                                    s->h, s->w, s->top - q->v.phase[a] - (q->t0 + t) * s->sh,
                                    s->left - q->u.phase[b] - q->u0 * s->sw, s->sh, s->sw);
            }
            first += taps;
        }
}

/* The gradient by the weight, as dot products ------------------------------------------------- */

/* sums[i, j] := sum_n sum_r dy[n, i, r] field[n, offsets[j] + r], i < rows, j < taps */
INLINE void NAME(dots)(const int rows, const int taps, const REAL *dy, Py_ssize_t stride,
                       Py_ssize_t dy_image, const REAL *field, const Py_ssize_t *offsets,
                       Py_ssize_t x_image, Py_ssize_t images, Py_ssize_t positions, REAL *sums)
{
    VEC acc[DOT_ROWS][LONE_TAPS], a[DOT_ROWS], b;
    REAL lane[sizeof(VEC) / sizeof(REAL)];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < taps; j++)
            acc[i][j] = (VEC){0};
    for (Py_ssize_t n = 0; n < images; n++, dy += dy_image, field += x_image)
        for (Py_ssize_t r = 0; r < positions; r += LANES) {
            for (int i = 0; i < rows; i++)
                a[i] = LOAD(dy + i * stride + r);
            for (int j = 0; j < taps; j++) {
                b = LOAD(field + offsets[j] + r);
                for (int i = 0; i < rows; i++)
                    acc[i][j] += a[i] * b;
            }
        }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < taps; j++) {
            REAL sum = 0;
            STORE(lane, acc[i][j]);
            for (Py_ssize_t k = 0; k < LANES; k++)
                sum += lane[k];
            sums[i * taps + j] = sum;
        }
}

/* part[o, k] += the sums of all taps with the rows of dy, which lie in `out` as wide as the fields
   of x, with zeros in the columns without a pixel */
static void NAME(weight_dots)(const Plan *q, Py_ssize_t many, Py_ssize_t height,
                              const REAL *field, const REAL *out, REAL *part)
{
    const Shape *s = &q->s;
    const Py_ssize_t image = up(s->og, DOT_ROWS) * q->stride;
    const Py_ssize_t positions = (height - 1) * q->cols + s->ow;
    const int lone = s->og == 1;   /* a depthwise convolution */
    const int fewer = up(q->taps, DOT_TAPS) > up(q->taps, DOT_TAPS - 1);
    const Py_ssize_t rows = lone ? 1 : DOT_ROWS;
    const Py_ssize_t taps = lone ? LONE_TAPS : fewer ? DOT_TAPS - 1 : DOT_TAPS;
    Py_ssize_t offsets[LONE_TAPS];
    REAL sums[DOT_ROWS * DOT_TAPS + LONE_TAPS];
#define DOTS(R, T)                                                                                \
    NAME(dots)(R, T, out + o * q->stride, q->stride, image, field, offsets, q->area, many,        \
               positions, sums)
    for (Py_ssize_t o = 0; o < s->og; o += rows)
        for (Py_ssize_t k = 0; k < q->taps; k += taps) {
            for (Py_ssize_t j = 0; j < taps; j++)
                offsets[j] = q->offsets[least(k + j, q->taps - 1)];
            if (lone)
                DOTS(1, LONE_TAPS);
            else if (fewer)
                DOTS(DOT_ROWS, DOT_TAPS - 1);
            else
                DOTS(DOT_ROWS, DOT_TAPS);
            for (Py_ssize_t i = 0; i < least(rows, s->og - o); i++)
                for (Py_ssize_t j = 0; j < least(taps, q->taps - k); j++)
                    part[(o + i) * q->taps + k + j] += sums[i * taps + j];
        }
#undef DOTS
}

/* The gradient by the weight, as a product ---------------------------------------------------- */

/* part[i, j] += sum_r field[offsets[i] + r] dy[r, j] over the pixels r of an image (height, OW):
   ROWS taps x columns vectors of output channels */
INLINE void NAME(weight_tile)(const int columns, const REAL *field, const Py_ssize_t *offsets,
                              const REAL *dy, const Plan *q, Py_ssize_t many, Py_ssize_t height,
                              REAL *part)
{
    VEC acc[ROWS][COLUMNS], b[COLUMNS];
    const Py_ssize_t width = q->s.ow;
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < columns; j++)
            acc[i][j] = LOAD(part + (i * columns + j) * LANES);
    for (Py_ssize_t n = 0; n < many; n++)
        for (Py_ssize_t p = 0; p < height; p++) {
            const REAL *row = field + n * q->area + p * q->cols;
            for (Py_ssize_t r = 0; r < width; r++, dy += columns * LANES) {
                for (int j = 0; j < columns; j++)
                    b[j] = LOAD(dy + j * LANES);
                for (int i = 0; i < ROWS; i++)
                    for (int j = 0; j < columns; j++)
                        acc[i][j] += b[j] * row[offsets[i] + r];
            }
        }
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < columns; j++)
            STORE(part + (i * columns + j) * LANES, acc[i][j]);
}

/* y[j, i] := x[i, j], 4 x 4 */
INLINE void NAME(transpose_four)(const REAL *x, Py_ssize_t x_row, REAL *y, Py_ssize_t y_row)
{
#ifdef CONV_SHUFFLE
    typedef NAME(conv_four) Four;
    const Four a = *(const Four *)x, b = *(const Four *)(x + x_row);
    const Four c = *(const Four *)(x + 2 * x_row), d = *(const Four *)(x + 3 * x_row);
    const Four e = CONV_SHUFFLE(a, b, 0, 4, 1, 5), f = CONV_SHUFFLE(c, d, 0, 4, 1, 5);
    const Four g = CONV_SHUFFLE(a, b, 2, 6, 3, 7), h = CONV_SHUFFLE(c, d, 2, 6, 3, 7);
    *(Four *)y = CONV_SHUFFLE(e, f, 0, 1, 4, 5);
    *(Four *)(y + y_row) = CONV_SHUFFLE(e, f, 2, 3, 6, 7);
    *(Four *)(y + 2 * y_row) = CONV_SHUFFLE(g, h, 0, 1, 4, 5);
    *(Four *)(y + 3 * y_row) = CONV_SHUFFLE(g, h, 2, 3, 6, 7);
#else
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            y[j * y_row + i] = x[i * x_row + j];
#endif
}

/* out[o / wide, r, o % wide] := dy[o, r], r < size; 0 from channel OG on */
static void NAME(transpose)(const Plan *q, const REAL *dy, Py_ssize_t plane, Py_ssize_t size,
                            Py_ssize_t wide, REAL *out, Py_ssize_t block)
{
    const Py_ssize_t og = q->s.og;
    for (Py_ssize_t o = 0; o < og; o += wide, out += block)
        for (Py_ssize_t begin = 0, end; begin < size; begin = end) { /* in L1 */
            end = least(begin + 64, size);
            for (Py_ssize_t i = 0; i < wide; i++) {
                const REAL *source = dy + (o + i) * plane;
                Py_ssize_t r = begin;
                if (i % 4 == 0 && i + 4 <= wide && o + i + 4 <= og) {
                    for (; r + 4 <= end; r += 4)
                        NAME(transpose_four)(source + r, plane, out + r * wide + i, wide);
                    for (; r < end; r++)
                        for (Py_ssize_t j = 0; j < 4; j++)
                            out[r * wide + i + j] = source[j * plane + r];
                    i += 3;
                }
                for (; r < end; r++)
                    out[r * wide + i] = o + i < og ? source[r] : 0;
            }
        }
}

/* part[o / wide, k / ROWS, k % ROWS, o % wide] += ..., wide the channels of a tile */
static void NAME(weight_product)(const Plan *q, Py_ssize_t many, Py_ssize_t height,
                                 const REAL *field, const REAL *out, REAL *part)
{
    const int columns = (int)q->tile_vectors;
    const Py_ssize_t wide = columns * LANES, block = q->images * q->band * q->s.ow * wide;
    Py_ssize_t offsets[ROWS];
    for (Py_ssize_t o = 0; o < q->s.og; o += wide, out += block)
        for (Py_ssize_t k = 0; k < q->taps; k += ROWS, part += ROWS * wide) {
            for (Py_ssize_t i = 0; i < ROWS; i++)
                offsets[i] = q->offsets[least(k + i, q->taps - 1)];
            if (columns == 3)
                NAME(weight_tile)(3, field, offsets, out, q, many, height, part);
            else if (columns == 2)
                NAME(weight_tile)(2, field, offsets, out, q, many, height, part);
            else
                NAME(weight_tile)(1, field, offsets, out, q, many, height, part);
        }
}

static void NAME(weight_grad_unit)(const Job *job, Py_ssize_t unit, Py_ssize_t g, REAL *field,
                                   REAL *out, REAL *part)
{
    const Plan *q = job->plan;
    const Shape *s = &q->s;
    const Py_ssize_t n = unit / q->bands * q->images, many = least(q->images, s->n - n);
    const Py_ssize_t p = unit % q->bands * q->band, height = least(q->band, s->oh - p);
    const Py_ssize_t plane = s->oh * s->ow, size = height * s->ow;
    const Py_ssize_t wide = q->tile_vectors * LANES;
    memset(field, 0, q->field * sizeof(REAL));
    if (!q->transposed)
        memset(out, 0, q->out * sizeof(REAL));
    for (Py_ssize_t i = 0; i < many; i++) {
        const REAL *dy = (const REAL *)job->other
                         + ((n + i) * s->o + g * s->og) * plane + p * s->ow;
        NAME(lay_image)(q, (const REAL *)job->images
                               + ((n + i) * s->c + g * s->cg) * s->h * s->w,
                        p * s->sh, field + i * q->area);
        if (q->transposed)
            NAME(transpose)(q, dy, plane, size, wide, out + i * size * wide,
                            q->images * q->band * s->ow * wide);
        else
            for (Py_ssize_t o = 0; o < s->og; o++)
                NAME(lay)(dy + o * plane, height, s->ow,
                          out + (i * up(s->og, DOT_ROWS) + o) * q->stride, height, q->cols, 0, 0,
                          1, 1);
    }
    part += g * (q->part / s->groups);
    if (q->transposed)
        NAME(weight_product)(q, many, height, field, out, part);
    else
        NAME(weight_dots)(q, many, height, field, out, part);
}

/* dw[o, k] := the sum of all parts, in their order; for the rows `index` of tiles, or of dw */
static void NAME(gather_piece)(void *context, Py_ssize_t index)
{
    const Job *job = (const Job *)context;
    const Plan *q = job->plan;
    const Shape *s = &q->s;
    const REAL *parts = (const REAL *)job->parts;
    REAL *dw = (REAL *)job->out;
    if (!q->transposed) {
        for (Py_ssize_t k = index * q->taps; k < (index + 1) * q->taps; k++) {
            REAL sum = 0;
            for (Py_ssize_t i = 0; i < q->pieces; i++)
                sum += parts[i * q->part + k];
            dw[k] = sum;
        }
        return;
    }
    const Py_ssize_t wide = q->tile_vectors * LANES, blocks = share_out(s->og, wide);
    const Py_ssize_t g = index / blocks, o = index % blocks * wide, tile = ROWS * wide;
    const REAL *tiles = parts + index * share_out(q->taps, ROWS) * tile;
    REAL sum[ROWS * COLUMNS * (sizeof(VEC) / sizeof(REAL))];
    dw += (g * s->og + o) * q->taps;
    for (Py_ssize_t k = 0; k < q->taps; k += ROWS, tiles += tile) {
        const Py_ssize_t rows = least(ROWS, q->taps - k);
        for (Py_ssize_t j = 0; j < tile; j++)
            sum[j] = tiles[j];
        for (Py_ssize_t i = 1; i < q->pieces; i++)
            for (Py_ssize_t j = 0; j < tile; j++)
                sum[j] += tiles[i * q->part + j];
        for (Py_ssize_t j = 0; j < least(wide, s->og - o); j++)
            for (Py_ssize_t i = 0; i < rows; i++)
                dw[j * q->taps + k + i] = sum[i * wide + j];
    }
}

/* All of it ----------------------------------------------------------------------------------- */

/* The weight of ROWS rows of the product, in the order of the tiles, and their bias */
static void NAME(pack_piece)(void *context, Py_ssize_t index)
{
    const Job *job = (const Job *)context;
    const Plan *q = job->plan;
    const Shape *s = &q->s;
    const Py_ssize_t blocks = share_out(q->rows_out, ROWS), g = index / blocks;
    const Py_ssize_t row = index % blocks * ROWS, rows = least(ROWS, q->rows_out - row);
    const REAL *w = (const REAL *)job->other + g * s->og * s->cg * s->kh * s->kw;
    REAL *panels = (REAL *)job->panels + g * blocks * ROWS * q->taps;
    REAL *start = (REAL *)job->start + index * ROWS;
    Py_ssize_t first = 0;
    for (Py_ssize_t i = 0; i < ROWS; i++)
        start[i] = job->bias && i < rows ? ((const REAL *)job->bias)[g * s->og + row + i] : 0;
    if (q->product == FORWARD) {
        NAME(pack)(w + row * q->taps, q->taps, q->index, rows, q->taps, panels + row * q->taps);
        return;
    }
    for (Py_ssize_t a = 0; a < q->v.phases; a++)
        for (Py_ssize_t b = 0; b < q->u.phases; b++) {
            const Py_ssize_t taps = s->og * taps_of(&q->v, s->kh, a) * taps_of(&q->u, s->kw, b);
            NAME(pack)(w + row * s->kh * s->kw, s->kh * s->kw, q->index + first, rows, taps,
                       panels + first * blocks * ROWS + row * taps);
            first += taps;
        }
}

/* A run of units, group by group */
static void NAME(piece)(void *context, Py_ssize_t index)
{
    Job *job = (Job *)context;
    const Plan *q = job->plan;
    const Py_ssize_t slot = borrow(&job->slots), groups = q->s.groups;
    const Py_ssize_t end = least((index + 1) * q->run, q->units * groups);
    REAL *field = (REAL *)(job->slots.memory + slot * job->slots.bytes), *out = field + q->field;
    REAL *part = (REAL *)job->parts + index * q->part;
    if (q->product == WEIGHT_GRAD)
        memset(part, 0, q->part * sizeof(REAL));
    for (Py_ssize_t t = index * q->run; t < end; t++) {
        if (q->product == FORWARD)
            NAME(forward_unit)(job, t / groups, t % groups, field, out);
        else if (q->product == INPUT_GRAD)
            NAME(input_grad_unit)(job, t / groups, t % groups, field, out);
        else
            NAME(weight_grad_unit)(job, t / groups, t % groups, field, out, part);
    }
    give_back(&job->slots, slot);
}

/* One of the three products; `memory` has plan_bytes(q, slots). */
static void NAME(conv)(const Plan *q, const void *images, const void *other, const void *bias,
                       void *out, char *memory, Py_ssize_t slots, ConvParallel parallel)
{
    const Shape *s = &q->s;
    Job job;
    Py_ssize_t wide = q->tile_vectors * LANES, small;
    job_open(&job, q, slots, memory);
    job.images = images, job.other = other, job.bias = bias, job.out = out;
    if (q->product == WEIGHT_GRAD && q->pieces == 0) {
        memset(out, 0, s->o * s->cg * s->kh * s->kw * sizeof(REAL)); /* no image */
        return;
    }
    if (q->product == INPUT_GRAD && (q->v.phases < s->sh || q->u.phases < s->sw))
        memset(out, 0, s->n * s->c * s->h * s->w * sizeof(REAL)); /* some phases have no tap */
    if (q->product != WEIGHT_GRAD)
        small = s->groups * share_out(q->rows_out, ROWS);
    else
        small = q->transposed ? s->groups * share_out(s->og, wide) : s->o;
#define EACH(PIECE)                                                                               \
    if (q->work > 2 * PIECE_WORK && s->o * s->cg * s->kh * s->kw > 1 << 15)                       \
        parallel(PIECE, &job, small);                                                             \
    else                                                                                          \
        for (Py_ssize_t i = 0; i < small; i++)                                                    \
            PIECE(&job, i)
    if (q->product != WEIGHT_GRAD) {
        EACH(NAME(pack_piece));
    }
    parallel(NAME(piece), &job, q->pieces);
    if (q->product == WEIGHT_GRAD) {
        EACH(NAME(gather_piece));
    }
#undef EACH
}

#undef VEC
#undef LANES
#undef STEP
#undef LOAD
#undef STORE
#undef REAL
#undef NAME
