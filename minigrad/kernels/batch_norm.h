/* Batch normalisation of x (N, C, L), float and double, over N and L for each of the C channels.

   Statistics are double and come from the corrected two-pass algorithm (Chan, Golub, LeVeque
   1983): a first mean, then with d = x - mean

       mean += Σ d / n        var = Σ d² / n - (Σ d / n)²

   where the second terms are what the first pass rounded off. E[x²] - E[x]² would lose every
   digit for a mean of 1e4 and a deviation of 1e-2; so would a mean rounded to float, which is why
   it is subtracted in two parts, high and low.

   Two layouts, the same passes over a piece that stays in cache:

       L > 1   a channel, N segments of L neighbours         lanes along a segment
       L = 1   a tile of up to 4 vectors of columns, N rows  lanes across the columns

   Sums run in lanes for at most 64 rows, or a segment's block, and from there in double.
   Written once, in batch_norm_body.h. */

#ifndef MINIGRAD_BATCH_NORM_H
#define MINIGRAD_BATCH_NORM_H

#include "sums.h"

#define NAME(name) name##_f32
#define REAL float
#include "batch_norm_body.h"
#define NAME(name) name##_f64
#define REAL double
#include "batch_norm_body.h"

#endif
