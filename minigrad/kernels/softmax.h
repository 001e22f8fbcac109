/* Softmax, log-softmax and cross-entropy over the rows of a matrix, float and double.

   Three passes a row, the last two from cache:

       top   := max x                      no exponential overflows
       total := Σ exp(x - top)             in lanes, in double over blocks
       y     := exp(x - top) / total       or (x - top) - ln total

   Cross-entropy writes no probabilities: it keeps (top, total) of each row, and its gradient
   computes exp(x - top) a second time, which costs less than memory for another matrix. Not
   top + ln total in one number: for logits near 1e4 float32 would round that by 5e-4.

   Written once, in softmax_body.h. NaN anywhere, +Inf, or nothing but -Inf make a row of NaN. */

#ifndef MINIGRAD_SOFTMAX_H
#define MINIGRAD_SOFTMAX_H

#include "vmath.h"

/* Labels of one cross-entropy: class indices with weights (or NULL), smoothed */
typedef struct {
    const int64_t *targets;     /* (rows) */
    const void *weight;         /* (n) of the logits' dtype, or NULL for ones */
    double weight_sum;          /* over the n classes */
    int64_t ignore_index;
    double smoothing;
} Labels;

/* The first row whose target is neither ignored nor in [0, n), or -1 */
static Py_ssize_t misplaced_target(const Labels *labels, Py_ssize_t rows, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < rows; i++) {
        int64_t t = labels->targets[i];
        if ((t < 0 || t >= n) && t != labels->ignore_index)
            return i;
    }
    return -1;
}

#define NAME(name) name##_f32
#define REAL float
#define INT int32_t
#include "softmax_body.h"
#define NAME(name) name##_f64
#define REAL double
#define INT int64_t
#include "softmax_body.h"

#endif
