/* exp, log, tanh, sigmoid and softplus on SIMD vectors, float and double, at most 2 ulp from the
   true value (softplus 3), from subnormal results to overflow, with NaN and Inf as they should be.

   Written once, in vmath_body.h, in GCC's and Clang's vector extensions; a compiler without them
   gets "vectors" of one element. For REAL float the names end in _f32, for double in _f64:

       vec_f32                                                       a vector
       vec_f32 vexp_f32(vec_f32 x)                                   y := e^x
       void exp_f32(const void *x, void *y, Py_ssize_t n)            y[i] := e^x[i]

   An element's result does not depend on its place: the last, incomplete vector is padded.

   The polynomials are minimax fits (Remez, 40 digits) of what their comments say. */

#ifndef MINIGRAD_VMATH_H
#define MINIGRAD_VMATH_H

#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#if !defined(__GNUC__) && !defined(__clang__)
#define VMATH_SCALAR
#define VMATH_BYTES 0
#elif defined(__AVX512F__) && defined(__AVX512DQ__)
#define VMATH_BYTES 64
#elif defined(__AVX2__)
#define VMATH_BYTES 32
#else
#define VMATH_BYTES 16
#endif

/* The first k < LANES elements at p: a masked load where there is one, for a copy through memory
   takes longer than exp itself. */
#if VMATH_BYTES == 64
#include <immintrin.h>
#define FIRST16(K) ((__mmask16)((1u << (K)) - 1))
#define FIRST8(K) ((__mmask8)((1u << (K)) - 1))
#define LOAD_FIRST_f32(P, K) ((vec_f32)_mm512_maskz_loadu_ps(FIRST16(K), P))
#define LOAD_FIRST_f64(P, K) ((vec_f64)_mm512_maskz_loadu_pd(FIRST8(K), P))
#define STORE_FIRST_f32(P, K, V) _mm512_mask_storeu_ps(P, FIRST16(K), (__m512)(V))
#define STORE_FIRST_f64(P, K, V) _mm512_mask_storeu_pd(P, FIRST8(K), (__m512d)(V))
#define MAX_f32(A, B) ((vec_f32)_mm512_max_ps((__m512)(A), (__m512)(B)))
#define MAX_f64(A, B) ((vec_f64)_mm512_max_pd((__m512d)(A), (__m512d)(B)))
#define SCALE_f32(Y, K) ((vec_f32)_mm512_scalef_ps((__m512)(Y), (__m512)(K)))
#define SCALE_f64(Y, K) ((vec_f64)_mm512_scalef_pd((__m512d)(Y), (__m512d)(K)))
#elif VMATH_BYTES == 32
#include <immintrin.h>
#define FIRST8(K) \
    _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(K)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
#define FIRST4(K) _mm256_cmpgt_epi64(_mm256_set1_epi64x(K), _mm256_setr_epi64x(0, 1, 2, 3))
#define LOAD_FIRST_f32(P, K) ((vec_f32)_mm256_maskload_ps(P, FIRST8(K)))
#define LOAD_FIRST_f64(P, K) ((vec_f64)_mm256_maskload_pd(P, FIRST4(K)))
#define STORE_FIRST_f32(P, K, V) _mm256_maskstore_ps(P, FIRST8(K), (__m256)(V))
#define STORE_FIRST_f64(P, K, V) _mm256_maskstore_pd(P, FIRST4(K), (__m256d)(V))
#define MAX_f32(A, B) ((vec_f32)_mm256_max_ps((__m256)(A), (__m256)(B)))
#define MAX_f64(A, B) ((vec_f64)_mm256_max_pd((__m256d)(A), (__m256d)(B)))
#elif defined(__SSE2__)
#include <emmintrin.h>
#define MAX_f32(A, B) ((vec_f32)_mm_max_ps((__m128)(A), (__m128)(B)))
#define MAX_f64(A, B) ((vec_f64)_mm_max_pd((__m128d)(A), (__m128d)(B)))
#endif

static const int32_t LANE_f32[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const int64_t LANE_f64[8] = {0, 1, 2, 3, 4, 5, 6, 7};

#define NAME(name) name##_f32
#define REAL float
#define INT int32_t
#define UINT uint32_t
#define MANTISSA 23
#define BIAS 127
#define ROUND 12582912.0f                   /* 1.5 2^23: adding it rounds to an integer */
#define LN2_HI 0.693145751953125f           /* 15 bits: n LN2_HI is exact */
#define LN2_LO 1.42860677e-06f
#define SQRT_HALF 0.70710678f
#define EXP_TOP 89.0f                       /* e^x is Inf from 88.8 and 0 below -103.98 */
#define EXP_BOTTOM -104.0f
#define TANH_TOP 10.0f                      /* tanh x rounds to 1 from 9.02 */
#define EXP_P {0.5f, 0.166665182f, 0.041666206f, 0.00836891774f, 0.00139505416f}
#define LOG_R {0.666667759f, 0.399775177f, 0.298723996f}
#include "vmath_body.h"

#define NAME(name) name##_f64
#define REAL double
#define INT int64_t
#define UINT uint64_t
#define MANTISSA 52
#define BIAS 1023
#define ROUND 6755399441055744.0            /* 1.5 2^52 */
#define LN2_HI 0.6931471805592082           /* 40 bits */
#define LN2_LO 7.371002565167799e-13
#define SQRT_HALF 0.7071067811865476
#define EXP_TOP 710.0                       /* Inf from 709.8, 0 below -745.13 */
#define EXP_BOTTOM -746.0
#define TANH_TOP 20.0                       /* 1 from 19.07 */
#define EXP_P {0.5000000000000013, 0.166666666666667, 0.04166666666651494, 0.008333333333307116, \
               0.0013888888947154554, 0.00019841269917575142, 2.4801489787238113e-05,           \
               2.755721612858685e-06, 2.763133925598411e-07, 2.5117915992501727e-08}
#define LOG_R {0.6666666666666735, 0.3999999999941289, 0.2857142874282415, 0.2222219852469625, \
               0.18183567027077893, 0.15313977046991475, 0.14796727307701257}
#include "vmath_body.h"

#endif
