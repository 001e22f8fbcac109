/* The innermost part of the matrix product, for float and double: one register tile of C, the
   packing of a panel, a few dot products at once. What is around them is in gemm.pyx.

                 vecs vectors                 C tile += A panel @ B panel, one step:
               ┌─────────────┐
             k │   B panel   │                for each row i of the tile
               └─────────────┘                    acc[i][:] += a[i] * b[:]
           k   ┌─────────────┐
      ┌──────┐ │             │                The accumulators must stay in registers for the
      │  A   │ │   C tile    │ rows           whole of k, so `rows` and `vecs` are constants of
      │panel │ │             │                the compiler: one function for each pair of them.
      └──────┘ └─────────────┘

   The tile is written in vectors of GCC and Clang, because an auto-vectoriser finds it at one CPU
   level and loses it at another. Its size is what the registers hold: rows * 2 accumulators, two
   vectors of B, one broadcast element of A. AVX-512 has 32 registers, AVX2 and SSE2 16.

   A is read one element at a time, so it may have any strides; B must have contiguous rows. The
   last vector of a row of B and C may be incomplete: AVX has masks for it, elsewhere such a B
   is packed (padded with zeros) first; that is what GEMM_MASKS tells. */

#ifndef MINIGRAD_GEMM_H
#define MINIGRAD_GEMM_H

#include <Python.h>
#include <stdint.h>
#include <string.h>

#if defined(GEMM_SCALAR) || (!defined(__GNUC__) && !defined(__clang__))
#undef GEMM_SCALAR
#define GEMM_SCALAR /* no vector types: a "vector" is one element */
#define GEMM_LANES(SIZE) 1
#define GEMM_ROWS 4
#define GEMM_MASKS 0
#elif defined(__AVX512F__)
#define GEMM_BYTES 64
#define GEMM_ROWS 12
#define GEMM_MASKS 1
#elif defined(__AVX2__)
#define GEMM_BYTES 32
#define GEMM_ROWS 6
#define GEMM_MASKS 1
#else
#define GEMM_BYTES 16
#define GEMM_ROWS 4
#define GEMM_MASKS 0
#endif

#if GEMM_ROWS == 12
#define GEMM_EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
#elif GEMM_ROWS == 6
#define GEMM_EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#else
#define GEMM_EACH_ROWS(X) X(1) X(2) X(3) X(4)
#endif
#if GEMM_MASKS
#include <immintrin.h>
#endif
#ifndef GEMM_LANES
#define GEMM_LANES(SIZE) (GEMM_BYTES / (Py_ssize_t)(SIZE))
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define restrict __restrict
#define GEMM_INLINE static __forceinline
#define GEMM_UNROLL
#else
#define GEMM_INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define GEMM_UNROLL _Pragma("clang loop unroll(full)")
#else
#define GEMM_UNROLL _Pragma("GCC unroll 16")
#endif
#endif

/* Of two vectors of four, the lower (upper) halves interleaved. */
#if defined(__clang__) || __GNUC__ >= 12
#define GEMM_LOW(X, Y) __builtin_shufflevector(X, Y, 0, 4, 1, 5)
#define GEMM_HIGH(X, Y) __builtin_shufflevector(X, Y, 2, 6, 3, 7)
#else
#define GEMM_LOW(X, Y) __builtin_shuffle(X, Y, (NAME(gemm_index)){0, 4, 1, 5})
#define GEMM_HIGH(X, Y) __builtin_shuffle(X, Y, (NAME(gemm_index)){2, 6, 3, 7})
#endif

/* What a tile does beside C := A @ B. */
#define GEMM_ADD 1  /* C += A @ B: a later block of k */
#define GEMM_RELU 2 /* then C := max(0, C), NaN kept */

#define NAME(name) name##_f32
#define REAL float
#define INT int32_t
#include "gemm_body.h"
#define NAME(name) name##_f64
#define REAL double
#define INT int64_t
#include "gemm_body.h"

#endif
