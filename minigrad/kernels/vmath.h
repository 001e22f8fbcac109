/* exp, log, expm1, log1p, sin, cos, tanh, sigmoid, softplus and erf on SIMD vectors, float and
   double, at most 2 ulp from the true value (softplus 3), from subnormal results to overflow, with NaN and Inf
   as they should be.

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
#define LESS_f32(A, K, C) \
    ((vec_f32)_mm512_fnmadd_ps((__m512)(K), _mm512_set1_ps(C), (__m512)(A)))
#define MIN_f32(A, B) ((vec_f32)_mm512_min_ps((__m512)(A), (__m512)(B)))
#define ABOVE_f32(A, B, YES, NO) \
    ((vec_f32)_mm512_mask_blend_ps( \
        _mm512_cmp_ps_mask((__m512)(A), (__m512)(B), _CMP_GT_OQ), (__m512)(NO), (__m512)(YES)))
#define EXPONENT_f32(X) ((vec_f32)_mm512_getexp_ps((__m512)(X)))
#define FRACTION_f32(X) \
    ((vec_f32)_mm512_getmant_ps((__m512)(X), _MM_MANT_NORM_1_2, _MM_MANT_SIGN_nan))
#define SCALE_f32(Y, K) ((vec_f32)_mm512_scalef_ps((__m512)(Y), (__m512)(K)))
#define LESS_f64(A, K, C) \
    ((vec_f64)_mm512_fnmadd_pd((__m512d)(K), _mm512_set1_pd(C), (__m512d)(A)))
#define MIN_f64(A, B) ((vec_f64)_mm512_min_pd((__m512d)(A), (__m512d)(B)))
#define ABOVE_f64(A, B, YES, NO) \
    ((vec_f64)_mm512_mask_blend_pd( \
        _mm512_cmp_pd_mask((__m512d)(A), (__m512d)(B), _CMP_GT_OQ), (__m512d)(NO), (__m512d)(YES)))
#define EXPONENT_f64(X) ((vec_f64)_mm512_getexp_pd((__m512d)(X)))
#define FRACTION_f64(X) \
    ((vec_f64)_mm512_getmant_pd((__m512d)(X), _MM_MANT_NORM_1_2, _MM_MANT_SIGN_nan))
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
#define MIN_f32(A, B) ((vec_f32)_mm256_min_ps((__m256)(A), (__m256)(B)))
#define MIN_f64(A, B) ((vec_f64)_mm256_min_pd((__m256d)(A), (__m256d)(B)))
#if defined(__FMA__)
#define LESS_f32(A, K, C) \
    ((vec_f32)_mm256_fnmadd_ps((__m256)(K), _mm256_set1_ps(C), (__m256)(A)))
#define LESS_f64(A, K, C) \
    ((vec_f64)_mm256_fnmadd_pd((__m256d)(K), _mm256_set1_pd(C), (__m256d)(A)))
#endif
#elif defined(__SSE2__) && !defined(VMATH_SCALAR)
#include <emmintrin.h>
#define MAX_f32(A, B) ((vec_f32)_mm_max_ps((__m128)(A), (__m128)(B)))
#define MAX_f64(A, B) ((vec_f64)_mm_max_pd((__m128d)(A), (__m128d)(B)))
#define MIN_f32(A, B) ((vec_f32)_mm_min_ps((__m128)(A), (__m128)(B)))
#define MIN_f64(A, B) ((vec_f64)_mm_min_pd((__m128d)(A), (__m128d)(B)))
#endif

/* From which part of π/2 on n times it is rounded; LESS is A - K C, rounded once. */
#if defined(LESS_f32)
#define ROUNDING_PART 2
#else
#define ROUNDING_PART 1
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
#define LN2 0.69314718f
#define SQRT_HALF 0.70710678f
#define EXP_TOP 89.0f                       /* e^x is Inf from 88.8 and 0 below -103.98 */
#define EXP_BOTTOM -104.0f
#define EXPM1_BOTTOM -20.0f                 /* e^x - 1 rounds to -1 below -17.33 */
#define TANH_TOP 10.0f                      /* tanh x rounds to 1 from 9.02 */
#define EXP_P {0.5f, 0.166665182f, 0.041666206f, 0.00836891774f, 0.00139505416f}
#define LOG_P {0.333333164f, -0.250007957f, 0.200022832f, -0.166249707f, 0.141814083f, \
               -0.131252751f, 0.128792703f, -0.0786557719f}
#define TANH_P {-0.333329648f, 0.133210659f, -0.052690506f, 0.0164689571f}
#define SIN_P {-0.166666552f, 0.00833217613f, -0.000195169458f}
#define COS_P {0.0416666456f, -0.00138873723f, 2.44388102e-05f}
#if defined(LESS_f32)
#define HALF_PI {1.5707964f, -4.3711388e-08f, -1.7151245e-15f}
#define SIN_TOP 1e5f
#else                                       /* n times 11 bits is exact for n < 8192 */
#define HALF_PI {1.5703125f, 4.8375129e-04f, 7.5495336e-08f, 2.5632829e-12f, 6.1232343e-17f}
#define SIN_TOP 1.2e4f
#endif
#define ERF_TOP 4.0f                        /* 1 from 3.92 */
#define ERF_P {0.128379166f, -0.37612626f, 0.112835854f, -0.0268538147f, 0.00518833054f, \
               -0.000801020244f, 7.85384982e-05f}
#define ERFC_P {0.000188462422f, -1.12958026f, -0.633216441f, -0.108422056f, 0.0252103135f, \
                -0.00420527579f, 0.00044147094f, -2.16974768e-05f}
#define LIBM(F) F##f
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
#define EXPM1_BOTTOM -40.0
#define TANH_TOP 20.0                       /* 1 from 19.07 */
#define EXP_P {0.5000000000000013, 0.166666666666667, 0.04166666666651494, 0.008333333333307116, \
               0.0013888888947154554, 0.00019841269917575142, 2.4801489787238113e-05,           \
               2.755721612858685e-06, 2.763133925598411e-07, 2.5117915992501727e-08}
#define LOG_R {0.6666666666666735, 0.3999999999941289, 0.2857142874282415, 0.2222219852469625, \
               0.18183567027077893, 0.15313977046991475, 0.14796727307701257}
#define SIN_P {-0.16666666666666632, 0.008333333333322465, -0.00019841269829822935, \
               2.755731369086518e-06, -2.505075720125257e-08, 1.5896707970461894e-10}
#define COS_P {0.041666666666666616, -0.0013888888888875998, 2.480158729048646e-05, \
               -2.755731460691421e-07, 2.0875754143548763e-09, -1.136109135084933e-11}
#if defined(LESS_f32)
#define HALF_PI {1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33}
#define SIN_TOP 1e9
#else                                       /* 32 bits, n < 2^21 */
#define HALF_PI {1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, \
                 8.4784276603689e-32}
#define SIN_TOP 3e6
#endif
#define ERF_TOP 6.0                         /* 1 from 5.92 */
#define ERF_P {0.1283791670955126, -0.3761263890318375, 0.11283791670954858, \
               -0.02686617064507296, 0.00522397762478137, -0.0008548326978765149, \
               0.00012055331037551108, -1.4925593518728226e-05, 1.6460972954153765e-06, \
               -1.635002619207727e-07, 1.4657883530919653e-08, -1.136567067182716e-09, \
               5.945255584223488e-11}
#define ERFC_P {-2.782068390900283e-08, -1.128378915527945, -0.6366207351220975, \
                -0.102770812900098, 0.01912803883950864, 0.0002023137950564529, \
                -0.0016749757085492616, 0.0005523696837076173, 2.2002402431157453e-05, \
                -0.00011078093969886671, 6.476005964472328e-05, -2.4279907618609185e-05, \
                6.7840471486068645e-06, -1.469680262381351e-06, 2.4813373015358075e-07, \
                -3.219382418475877e-08, 3.1080686520953957e-09, -2.1051673204852233e-10, \
                8.928317741854992e-12, -1.783758571804733e-13}
#define LIBM(F) F
#include "vmath_body.h"

#endif
