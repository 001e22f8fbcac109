/* The numbers of an array laid out otherwise (transposed, sliced, reversed, repeated), in C order.

   The result is written along its last axis. Where x is densest along another axis, the two are
   walked in tiles, so that the cache lines of x that a tile reads are used up before they go:

            last axis of y →
        ┌───────┬───────┬──           a tile: TILE columns = cache lines of x, read side by side,
        │ 1 2 3 │       │             and as many rows; of x's lines each gives TILE numbers
      ↓ │ 4 5 6 │       │
        └───────┴───────┴── */

#ifndef MINIGRAD_GATHER_H
#define MINIGRAD_GATHER_H

#include <Python.h>
#include <stdint.h>

#define GATHER_TILE 16

/* y[i, j] := x[i, j], rows of y being `pitch` numbers apart; steps of x in bytes */
#define GATHER_PLANE(NAME, T)                                                                   \
    static void NAME(const char *x, Py_ssize_t down, Py_ssize_t right, T *y, Py_ssize_t pitch,  \
                     Py_ssize_t rows, Py_ssize_t columns)                                       \
    {                                                                                           \
        Py_ssize_t wide = rows == 1 ? columns : GATHER_TILE;                                    \
        for (Py_ssize_t i0 = 0; i0 < rows; i0 += GATHER_TILE)                                   \
            for (Py_ssize_t j0 = 0; j0 < columns; j0 += wide) {                                 \
                Py_ssize_t i1 = rows - i0 > GATHER_TILE ? i0 + GATHER_TILE : rows;              \
                Py_ssize_t j1 = columns - j0 > wide ? j0 + wide : columns;                      \
                for (Py_ssize_t i = i0; i < i1; i++) {                                          \
                    const char *from = x + i * down;                                            \
                    if (right == (Py_ssize_t)sizeof(T))                                         \
                        for (Py_ssize_t j = j0; j < j1; j++)                                    \
                            y[i * pitch + j] = ((const T *)from)[j];                            \
                    else                                                                        \
                        for (Py_ssize_t j = j0; j < j1; j++)                                    \
                            y[i * pitch + j] = *(const T *)(from + j * right);                  \
                }                                                                               \
            }                                                                                   \
    }
GATHER_PLANE(gather_plane_4, uint32_t)
GATHER_PLANE(gather_plane_8, uint64_t)

/* y := x, `size` being 4 or 8 bytes a number */
static void gather(const char *x, const Py_ssize_t *dims, const Py_ssize_t *steps, int ndim,
                   char *y, Py_ssize_t size)
{
    Py_ssize_t pitch[64], index[64] = {0}, least = PY_SSIZE_T_MAX, length = size;
    int last = ndim - 1, dense = last;
    for (int i = last; i >= 0; i--) {
        Py_ssize_t step = steps[i] < 0 ? -steps[i] : steps[i];
        pitch[i] = length;
        length *= dims[i];
        if (dims[i] > 1 && step < least)
            least = step, dense = i;
    }
    if (length == 0)
        return;
    for (;;) {
        int i = last - 1;
        if (size == 4)
            gather_plane_4(x, steps[dense], steps[last], (uint32_t *)y, pitch[dense] / 4,
                           dense == last ? 1 : dims[dense], dims[last]);
        else
            gather_plane_8(x, steps[dense], steps[last], (uint64_t *)y, pitch[dense] / 8,
                           dense == last ? 1 : dims[dense], dims[last]);
        for (; i >= 0; i--) { /* the next plane */
            if (i == dense)
                continue;
            x += steps[i], y += pitch[i];
            if (++index[i] < dims[i])
                break;
            x -= steps[i] * dims[i], y -= pitch[i] * dims[i];
            index[i] = 0;
        }
        if (i < 0)
            return;
    }
}

#endif
