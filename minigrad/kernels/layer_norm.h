/* Layer normalisation of x (rows, n), float and double, along each row; forward and backward.

       x  ┌───────────────┐        a group of 4 rows goes through all its passes while it is in
          │ ▒▒▒▒▒▒▒▒▒▒▒▒▒ │ ┐      cache; their sums of lanes are folded into one vector, and one
          │ ▒▒▒▒▒▒▒▒▒▒▒▒▒ │ │ 4    vector of roots and quotients serves them all. What may come
          │ ▒▒▒▒▒▒▒▒▒▒▒▒▒ │ │      from memory is read row after row: prefetchers lose their way
          │ ▒▒▒▒▒▒▒▒▒▒▒▒▒ │ ┘      where four rows are read at once (measured: half the speed)
          │               │
          └───────────────┘
       dw  + + + + + + +  +        4 rows of a column are added while they are in registers, 128
                                   in REAL; from there on sums are double

   Forward, the corrected two-pass algorithm (Chan, Golub, LeVeque 1983): `high` is the mean as
   REAL, off by what rounding leaves, and with d = x - high

       mean = high + Σ d / n      var = Σ d² / n - (Σ d / n)²      x̂ = d s - s Σ d / n

   Backward, with h = dy w, from one pass over Σ h and Σ h d:

       dx = s h - s Σ h / n - x̂ s Σ h x̂ / n         Σ h x̂ = s (Σ h d - (mean - high) Σ h)

   Sums along a row run in lanes, in blocks. Pieces of rows go to the threads; the sums over rows
   of each piece are added in the order of the pieces.
   Written once, in layer_norm_body.h. */

#ifndef MINIGRAD_LAYER_NORM_H
#define MINIGRAD_LAYER_NORM_H

#include "vmath.h"

#define GROUP 4                    /* rows worked on together */
#define FLUSH 128                  /* rows whose columns are added in REAL */

/* Not inlined: compilers make vectors of a small loop only where they see it alone */
#if defined(__GNUC__)
#define OWN __attribute__((noinline))
#else
#define OWN
#endif

/* One call: sizes, arrays (NULL for what is not there), and how the rows are cut into pieces */
typedef struct {
    Py_ssize_t rows, n, batch;     /* batch: of dy, each with x's rows */
    Py_ssize_t piece, pieces;      /* rows of a piece; pieces of x, and of each dy */
    double eps;
    const void *x, *weight, *bias, *dy;
    double *stats;                 /* (2, rows): the means, then 1 / √(var + eps) */
    void *y, *dx, *dw, *db;
    double *sums;                  /* (batch, pieces, 2, n): Σ dy x̂ and Σ dy over a piece */
    char *lanes;                   /* the same in REAL, over up to FLUSH rows, padded to vectors */
} LayerNorm;

#define NAME(name) name##_f32
#define REAL float
#include "layer_norm_body.h"
#define NAME(name) name##_f64
#define REAL double
#include "layer_norm_body.h"

#endif
