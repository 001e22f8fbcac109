/* A vector register as a C type, in GCC and Clang: `x * v + w` on a `vec` is one instruction for
   all its lanes. Its width is what the processor has; -march=native says which one that is. */

#ifndef LADDER_VEC_H
#define LADDER_VEC_H

#include <string.h>

#if defined(__AVX512F__)
#define LANES 16 /* floats in a register, of which there are 32 */
#elif defined(__AVX__)
#define LANES 8 /* 16 registers */
#else
#define LANES 4 /* 16 registers; 32 on ARM */
#endif

/* The register tile of steps 4 to 7: ROWS * 2 registers of sums. MC must be a multiple of ROWS. */
#ifndef ROWS
#define ROWS (LANES == 16 ? 8 : LANES == 8 ? 6 : 4)
#endif
#define COLS (2 * LANES)

typedef float vec __attribute__((vector_size(4 * LANES)));

/* memcpy is how C says "from any address"; the compiler makes one instruction of it. */
static inline vec load(const float *p)
{
    vec v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline void store(float *p, vec v) { memcpy(p, &v, sizeof(v)); }

#endif
