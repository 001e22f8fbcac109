/* Softmax, log-softmax and cross-entropy over the rows of a matrix, float and double.

       top   := max x                      no exponential overflows
       y     := exp(x - top)
       total := Σ y                        in lanes, in double over blocks
       y     := y / total                  or (x - top) - ln total

   Cross-entropy makes its gradient along with the loss, for while a row is in cache all is there:

       memory:  x ──read──┐                                    ┌──write──> dx
       cache:             top ─> y := exp(x - top), total ─> dx := y c - q,  c = Σ q / total

   That is the least traffic there can be, one reading and one writing, and one exponential an
   element; a pass that came back later would pay both again. The gradient of a loss that is the
   last value of a graph is then ready as it is; else each row is multiplied once, in place.

   top and total are not joined to top + ln total: for logits near 1e4 float32 would round that
   by 5e-4. Written once, in softmax_body.h. NaN anywhere, +Inf, or nothing but -Inf make a row of
   NaN.

   Rows are cut into pieces for the threads by their number and length alone. */

#ifndef MINIGRAD_SOFTMAX_H
#define MINIGRAD_SOFTMAX_H

#include "vmath.h"

#define TOGETHER 4              /* vectors whose exponentials are computed in step */
#define PIECES 256              /* at most */
#define PIECE ((Py_ssize_t)1 << 15) /* elements of a piece, some 10 µs, if a row is not longer */

/* One call: what the pieces share */
typedef struct {
    const void *x;              /* (rows, n); of a backward pass dy */
    const void *y;              /* (y_rows, n), the output of the forward pass */
    void *to;                   /* (rows, n), or NULL where cross-entropy needs no gradient */
    Py_ssize_t rows, y_rows, n, step;   /* step rows make a piece */
    /* cross-entropy */
    int64_t *targets;           /* (rows), -1 where ignored */
    const void *weight;         /* (n) of x's dtype, or NULL for ones */
    void *losses;               /* (rows), or NULL */
    double weight_sum;          /* over the n classes */
    double smoothing;
    double scale;               /* of the gradient */
    double sums[PIECES];        /* of the losses */
    /* its scaling */
    const void *factors;        /* (rows), or one number where factor_step is 0 */
    int factor_step;
} Rows;

/* Cut the rows; returns how many pieces there are */
static Py_ssize_t cut_rows(Rows *t)
{
    const Py_ssize_t n = t->n > 0 ? t->n : 1;
    Py_ssize_t step = (t->rows + PIECES - 1) / PIECES;
    if (step < (PIECE + n - 1) / n)
        step = (PIECE + n - 1) / n;
    t->step = (step + 15) / 16 * 16;        /* whole groups, see below */
    if (n >= 1024)
        t->step = step;
    return (t->rows + t->step - 1) / t->step;
}

/* Copy the targets, -1 for those ignored. Returns the first that is neither ignored nor in
   [0, n), or -1. What counts is the copy: another thread may write into `from` meanwhile. */
static Py_ssize_t read_targets(const int64_t *from, int64_t *to, Py_ssize_t rows, Py_ssize_t n,
                               int64_t ignore_index)
{
    for (Py_ssize_t i = 0; i < rows; i++) {
        const int64_t t = ((const volatile int64_t *)from)[i];
        if ((t < 0 || t >= n) && t != ignore_index)
            return i;
        to[i] = t == ignore_index ? -1 : t;
    }
    return -1;
}

#ifdef VMATH_SCALAR
#define ALWAYS_INLINE static inline
#else
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#endif

#if VMATH_BYTES == 64
#define PERMUTE_f32(X, I) ((vec_f32)_mm512_permutexvar_ps((__m512i)(I), (__m512)(X)))
#define PERMUTE_f64(X, I) ((vec_f64)_mm512_permutexvar_pd((__m512i)(I), (__m512d)(X)))
#define LOAD_OR_f32(X, P, K) ((vec_f32)_mm512_mask_loadu_ps((__m512)(X), FIRST16(K), P))
#define LOAD_OR_f64(X, P, K) ((vec_f64)_mm512_mask_loadu_pd((__m512d)(X), FIRST8(K), P))
#endif

/* EXP_P: (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2; EXP_TABLE_P: for ln 2 / 2 lanes, which remain
   between the EXP_ROOTS, 2^(j / lanes) */
#define NAME(name) name##_f32
#define REAL float
#define INT int32_t
#define MANTISSA 23
#define BIAS 127
#define ROUND 12582912.0f                   /* 1.5 2^23: adding it rounds to an integer */
#define LN2_HI 0.693145751953125f
#define LN2_LO 1.42860677e-06f
#define EXP_BOTTOM -104.0f
#define EXP_P {0.5f, 0.166665182f, 0.041666206f, 0.00836891774f, 0.00139505416f}
#define EXP_TABLE_P {0.50001619f, 0.166670577f}
#define EXP_ROOTS {1.0f, 1.04427373f, 1.09050775f, 1.13878858f, 1.18920708f, 1.24185777f,       \
                   1.29683959f, 1.35425556f, 1.41421354f, 1.47682619f, 1.54221082f,             \
                   1.61049032f, 1.68179286f, 1.75625217f, 1.8340081f, 1.91520655f}
#include "softmax_body.h"
#define NAME(name) name##_f64
#define REAL double
#define INT int64_t
#define MANTISSA 52
#define BIAS 1023
#define ROUND 6755399441055744.0            /* 1.5 2^52 */
#define LN2_HI 0.6931471805592082
#define LN2_LO 7.371002565167799e-13
#define EXP_BOTTOM -746.0
#define EXP_P {0.5000000000000013, 0.166666666666667, 0.04166666666651494, 0.008333333333307116, \
               0.0013888888947154554, 0.00019841269917575142, 2.4801489787238113e-05,           \
               2.755721612858685e-06, 2.763133925598411e-07, 2.5117915992501727e-08}
#define EXP_TABLE_P {0.50000000000003004, 0.16666666666667408, 0.041666666569440968, \
                     0.0083333333164895724, 0.0013889782891292243, 0.00019842473989815048}
#define EXP_ROOTS {1.0, 1.0905077326652577, 1.189207115002721, 1.2968395546510096,              \
                   1.4142135623730951, 1.5422108254079407, 1.681792830507429,                   \
                   1.8340080864093424}
#include "softmax_body.h"

#endif
