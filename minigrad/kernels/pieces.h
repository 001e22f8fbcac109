/* What kernels share that cut their work on images into pieces. */

#ifndef MINIGRAD_PIECES_H
#define MINIGRAD_PIECES_H

#include <Python.h>
#include <string.h>

static inline Py_ssize_t least(Py_ssize_t a, Py_ssize_t b) { return a < b ? a : b; }
static inline Py_ssize_t most(Py_ssize_t a, Py_ssize_t b) { return a > b ? a : b; }

/* memcpy for the rows of small images: moves of constant size, the last one overlapping */
static inline void copy_row(char *target, const char *source, Py_ssize_t size)
{
    if (size >= 32) {
        for (Py_ssize_t i = 0; i < size - 32; i += 32)
            memcpy(target + i, source + i, 32);
        memcpy(target + size - 32, source + size - 32, 32);
    } else if (size >= 16) {
        memcpy(target, source, 16);
        memcpy(target + size - 16, source + size - 16, 16);
    } else if (size >= 8) {
        memcpy(target, source, 8);
        memcpy(target + size - 8, source + size - 8, 8);
    } else if (size > 0) {
        memcpy(target, source, 4); /* a float */
    }
}

/* Memory that pieces borrow, one slot each, while they run: as many slots as threads. */
enum { SLOTS = 64 };

typedef struct {
    char *memory;
    size_t bytes;      /* of a slot */
    Py_ssize_t count;
    char busy[SLOTS];
} Slots;

#if defined(__GNUC__) || defined(__clang__)
static Py_ssize_t borrow(Slots *slots)
{
    for (Py_ssize_t i = 0;; i = i + 1 < slots->count ? i + 1 : 0)
        if (!__atomic_test_and_set(&slots->busy[i], __ATOMIC_ACQUIRE))
            return i;
}

static void give_back(Slots *slots, Py_ssize_t i)
{
    __atomic_clear(&slots->busy[i], __ATOMIC_RELEASE);
}

/* Set a flag that several pieces may set */
static void note_once(int *flag) { __atomic_store_n(flag, 1, __ATOMIC_RELAXED); }
#else /* one thread */
static Py_ssize_t borrow(Slots *slots) { return 0; }
static void give_back(Slots *slots, Py_ssize_t i) {}
static void note_once(int *flag) { *flag = 1; }
#endif

#endif
