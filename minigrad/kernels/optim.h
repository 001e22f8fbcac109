/* One pass over a parameter, its gradient and its state, float and double, in place.

   What depends on the step alone (1 - β₁ᵗ, ...) comes computed, in double, in `Options`; the pass
   runs in the parameter's own type. Every loop is elementwise: the compiler makes vectors of it,
   and takes what does not change from one element to the next out of it. Adam's floor is what it
   must move: four arrays read and three written. Written once, in optim_body.h. */

#ifndef MINIGRAD_OPTIM_H
#define MINIGRAD_OPTIM_H

#include <Python.h>
#include <math.h>

/* n elements of a parameter p, its gradient g, and up to three arrays of state */
typedef struct {
    char *p, *g, *a, *b, *c;
    Py_ssize_t n;
} Span;

/* What the formulas of optim.pyx call lr or lr / bc₁, ε, wd, 1 - lr wd, ... */
typedef struct {
    double step, eps, decay, shrink;
    double momentum, keep;                 /* of the old and the new in a buffer */
    double rest1, beta2, rest2;            /* 1 - β₁, β₂, 1 - β₂; α and 1 - α in RMSprop */
    double correction, adapt;              /* 1 / √bc₂; RAdam's r √bc₂, 0 while ρ ≤ 5 */
    int nesterov, maximize, first;
} Options;

#define OPTIM_BLOCK 512

#define NAME(name) name##_f32
#define REAL float
#define ROOT sqrtf
#include "optim_body.h"
#define NAME(name) name##_f64
#define REAL double
#define ROOT sqrt
#include "optim_body.h"

#endif
