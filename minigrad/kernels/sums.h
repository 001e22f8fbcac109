/* Sums of float and double that round little: a sum of n runs in lanes over blocks, then over the
   block sums (in double for a row; for columns eight rows at once, then blocks of rows, then pieces
   of blocks), so the error grows far slower than with n, as it does where one by one is added.
   Extremes go the same ways. Written once, in sums_body.h.

   Lanes are explicit (vec_f32 of vmath.h) because a compiler may not reorder a float sum. */

#ifndef MINIGRAD_SUMS_H
#define MINIGRAD_SUMS_H

#include "vmath.h"

#define STRIP 1024     /* columns summed together: their sums stay in the first-level cache */
#define BLOCK_ROWS 256 /* rows summed to one part */

#define NAME(name) name##_f32
#define REAL float
#include "sums_body.h"
#define NAME(name) name##_f64
#define REAL double
#include "sums_body.h"

#endif
