/* Included twice by pool.h, which says what it is. */

/* The maximum --------------------------------------------------------------------------------- */

/* Where x[q step] > best[q], or is NaN: best[q], taps[q] := x[q step], tap */
static inline void NAME(take_larger)(const REAL *x, Py_ssize_t step, Py_ssize_t count, int32_t tap,
                                     REAL *best, int32_t *taps)
{
    for (Py_ssize_t q = 0; q < count; q++) {
        const REAL v = x[q * step];
        const int larger = (v > best[q]) | (v != v);
        best[q] = larger ? v : best[q];
        taps[q] = larger ? tap : taps[q];
    }
}

/* field[Y mod sh, Y div sh, X] := x[Y - PH, X - PW], inside of x */
static void NAME(lay_plane)(const Shape *s, const Field *f, const REAL *x, REAL *field)
{
    const Py_ssize_t size = least(f->cols, s->w + s->pw) - s->pw;
    const Py_ssize_t end = least(f->rows, s->h + s->ph);
    Py_ssize_t phase = s->ph % f->sh, depth = s->ph / f->sh;
    for (Py_ssize_t row = s->ph; row < end; row++) {
        copy_row((char *)(field + (phase * f->depth + depth) * f->width + s->pw),
                 (const char *)(x + (row - s->ph) * s->w), size * (Py_ssize_t)sizeof(REAL));
        if (++phase == f->sh)
            phase = 0, depth++;
    }
}

static void NAME(max_plane)(const Shape *s, const Field *f, const REAL *x, REAL *y,
                            int64_t *indices, REAL *field, REAL *best, int32_t *taps)
{
    NAME(lay_plane)(s, f, x, field);
    for (Py_ssize_t q = 0; q < f->positions; q++)
        best[q] = -(REAL)INFINITY, taps[q] = POOL_NONE;
    for (Py_ssize_t i = 0; i < s->kh; i++)
        for (Py_ssize_t j = 0; j < s->kw; j++) {
            const Py_ssize_t row = i * s->dh % f->sh * f->depth + i * s->dh / f->sh;
            const REAL *source = field + row * f->width + j * s->dw;
            const int32_t tap = (int32_t)(i * s->dh * s->w + j * s->dw);
            if (f->sw == 1)
                NAME(take_larger)(source, 1, f->positions, tap, best, taps);
            else if (f->sw == 2)
                NAME(take_larger)(source, 2, f->positions, tap, best, taps);
            else
                NAME(take_larger)(source, f->sw, f->positions, tap, best, taps);
        }
    for (Py_ssize_t p = 0; p < s->oh; p++, best += f->pitch, taps += f->pitch) {
        const Py_ssize_t row = p * s->sh - s->ph, ow = s->ow, sw = s->sw;
        const int64_t corner = row * s->w - s->pw;
        int none = 0;
        for (Py_ssize_t q = 0; q < ow; q++)
            none |= taps[q] == POOL_NONE;
        for (Py_ssize_t q = 0; q < ow; q++)
            indices[q] = corner + q * sw + taps[q];
        for (Py_ssize_t q = 0; none && q < ow; q++)
            if (taps[q] == POOL_NONE) /* all are -inf, or there is none */
                indices[q] = first_tap(s, row, q * sw - s->pw);
        copy_row((char *)y, (const char *)best, ow * (Py_ssize_t)sizeof(REAL));
        y += ow, indices += ow;
    }
}

static void NAME(max_windows)(const Shape *s, const REAL *x, REAL *y, int64_t *indices)
{
    for (Py_ssize_t p = 0; p < s->oh; p++)
        for (Py_ssize_t q = 0; q < s->ow; q++) {
            const Py_ssize_t row = p * s->sh - s->ph, column = q * s->sw - s->pw;
            Py_ssize_t i, j, i_end, j_first, j_end;
            int64_t place = first_tap(s, row, column);
            REAL best = -(REAL)INFINITY;
            inside(row, s->dh, s->h, s->kh, &i, &i_end);
            inside(column, s->dw, s->w, s->kw, &j_first, &j_end);
            for (; i < i_end; i++)
                for (j = j_first; j < j_end; j++) {
                    const Py_ssize_t at = (row + i * s->dh) * s->w + column + j * s->dw;
                    if (x[at] > best || x[at] != x[at])
                        best = x[at], place = at;
                }
            *y++ = best;
            *indices++ = place;
        }
}

static void NAME(max_planes)(const Pooling *job, Py_ssize_t begin, Py_ssize_t end, char *memory)
{
    const Shape *s = &job->s;
    const Field *f = &job->f;
    const int few = s->oh * s->ow <= FEW_OUTPUTS;
    REAL *field = (REAL *)memory, *best = field + f->size;
    int32_t *taps = (int32_t *)(best + f->positions);
    if (!few)
        for (Py_ssize_t i = 0; i < f->size; i++)
            field[i] = -(REAL)INFINITY;
    for (Py_ssize_t n = begin; n < end; n++) {
        const REAL *x = (const REAL *)job->from + n * s->h * s->w;
        REAL *y = (REAL *)job->to + n * s->oh * s->ow;
        int64_t *indices = job->indices + n * s->oh * s->ow;
        if (few)
            NAME(max_windows)(s, x, y, indices);
        else
            NAME(max_plane)(s, f, x, y, indices, field, best, taps);
    }
}

/* x[indices] += y, from 0 (MAX_GRAD) or y := x[indices] (MAX_TAKE); whether an index is wrong */
static int NAME(move_planes)(const Pooling *job, Py_ssize_t begin, Py_ssize_t end)
{
    const Py_ssize_t pixels = job->s.h * job->s.w, outputs = job->s.oh * job->s.ow;
    int wrong = 0;
    for (Py_ssize_t n = begin; n < end; n++) {
        const int64_t *places = job->indices + n % job->index_planes * outputs;
        if (job->kind == MAX_GRAD) {
            const REAL *y = (const REAL *)job->from + n * outputs;
            REAL *x = (REAL *)job->to + n * pixels;
            memset(x, 0, pixels * sizeof(REAL));
            for (Py_ssize_t q = 0; q < outputs; q++)
                if ((uint64_t)places[q] < (uint64_t)pixels)
                    x[places[q]] += y[q];
                else
                    wrong |= places[q] != -1;
        } else {
            const REAL *x = (const REAL *)job->from + n * pixels;
            REAL *y = (REAL *)job->to + n * outputs;
            for (Py_ssize_t q = 0; q < outputs; q++)
                if ((uint64_t)places[q] < (uint64_t)pixels) {
                    y[q] = x[places[q]];
                } else {
                    wrong |= places[q] != -1;
                    y[q] = 0;
                }
        }
    }
    return wrong;
}

/* The mean ------------------------------------------------------------------------------------ */

static void NAME(mean_plane)(const Pooling *job, const Means *m, const REAL *x, REAL *y)
{
    const Shape *s = &job->s;
    const Py_ssize_t sw = s->sw, ow = s->ow, w = s->w;
    double *column = m->column, *sums = m->sums;
    for (Py_ssize_t p = 0; p < s->oh; p++, y += ow) {
        const Span rows = span(p, s->kh, s->sh, s->ph, s->h, job->padded);
        const double high = job->divisor != 0 ? 1 : (double)rows.counted;
        for (Py_ssize_t c = 0; c < w; c++)
            column[c] = x[rows.begin * w + c];
        for (Py_ssize_t i = rows.begin + 1; i < rows.end; i++)
            for (Py_ssize_t c = 0; c < w; c++)
                column[c] += x[i * w + c];
        for (Py_ssize_t q = 0; q < ow; q++)
            sums[q] = 0;
        if (ow <= s->kw)
            for (Py_ssize_t q = 0; q < ow; q++) {
                const Span cols = span(q, s->kw, sw, s->pw, w, job->padded);
                for (Py_ssize_t c = cols.begin; c < cols.end; c++)
                    sums[q] += column[c];
            }
        else
            for (Py_ssize_t j = 0; j < s->kw; j++)
                for (Py_ssize_t q = m->ends[2 * j]; q < m->ends[2 * j + 1]; q++)
                    sums[q] += column[sw * q + j - s->pw];
        for (Py_ssize_t q = 0; q < ow; q++)
            y[q] = (REAL)(sums[q] / (high * m->widths[q]));
    }
}

static void NAME(spread_plane)(const Pooling *job, const Means *m, const REAL *dy, REAL *dx)
{
    const Shape *s = &job->s;
    const Py_ssize_t sw = s->sw, ow = s->ow, w = s->w;
    double *column = m->column, *shares = m->sums;
    memset(dx, 0, s->h * w * sizeof(REAL));
    for (Py_ssize_t p = 0; p < s->oh; p++, dy += ow) {
        const Span rows = span(p, s->kh, s->sh, s->ph, s->h, job->padded);
        const double high = job->divisor != 0 ? 1 : (double)rows.counted;
        for (Py_ssize_t q = 0; q < ow; q++)
            shares[q] = dy[q] / (high * m->widths[q]);
        for (Py_ssize_t c = 0; c < w; c++)
            column[c] = 0;
        if (ow <= s->kw)
            for (Py_ssize_t q = 0; q < ow; q++) {
                const Span cols = span(q, s->kw, sw, s->pw, w, job->padded);
                for (Py_ssize_t c = cols.begin; c < cols.end; c++)
                    column[c] += shares[q];
            }
        else
            for (Py_ssize_t j = 0; j < s->kw; j++)
                for (Py_ssize_t q = m->ends[2 * j]; q < m->ends[2 * j + 1]; q++)
                    column[sw * q + j - s->pw] += shares[q];
        for (Py_ssize_t i = rows.begin; i < rows.end; i++)
            for (Py_ssize_t c = 0; c < w; c++)
                dx[i * w + c] += (REAL)column[c];
    }
}

/* A run of planes */
static void NAME(pool_piece)(void *context, Py_ssize_t index)
{
    Pooling *job = (Pooling *)context;
    const Shape *s = &job->s;
    const Py_ssize_t pixels = s->h * s->w, outputs = s->oh * s->ow;
    const Py_ssize_t begin = index * job->run, end = least(begin + job->run, s->planes);
    const Py_ssize_t slot = borrow(&job->slots);
    char *memory = job->slots.memory + slot * job->slots.bytes;
    Means m;
    if (job->kind == MEAN || job->kind == MEAN_GRAD)
        m = means_of(job, memory);
    if (job->kind == MAX)
        NAME(max_planes)(job, begin, end, memory);
    else if (job->kind == MEAN)
        for (Py_ssize_t n = begin; n < end; n++)
            NAME(mean_plane)(job, &m, (const REAL *)job->from + n * pixels,
                             (REAL *)job->to + n * outputs);
    else if (job->kind == MEAN_GRAD)
        for (Py_ssize_t n = begin; n < end; n++)
            NAME(spread_plane)(job, &m, (const REAL *)job->from + n * outputs,
                               (REAL *)job->to + n * pixels);
    else if (NAME(move_planes)(job, begin, end))
        note_once(&job->wrong);
    give_back(&job->slots, slot);
}

#undef REAL
#undef NAME
