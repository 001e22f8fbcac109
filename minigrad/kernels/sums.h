/* Sums of float and double that round little: a sum of n runs in lanes over blocks, then over the
   block sums (in double for a row, in blocks of √n rows for columns), so the error grows as √n at
   worst where adding one by one grows as n. Written once, in sums_body.h.

   Lanes are explicit (vec_f32 of vmath.h) because a compiler may not reorder a float sum. */

#ifndef MINIGRAD_SUMS_H
#define MINIGRAD_SUMS_H

#include "vmath.h"

#define NAME(name) name##_f32
#define REAL float
#include "sums_body.h"
#define NAME(name) name##_f64
#define REAL double
#include "sums_body.h"

#endif
