/* Where the arrays that kernels make get their memory.

   A training step asks for the same sizes again and again. Left to malloc, blocks above 128 KB
   often go back to the system when they are freed, and the next step pays for every page anew:
   some 0.1 to 0.3 µs for 4 KB, more than many kernels take to fill them. So freed blocks are
   kept, and the next array of about that size takes the one freed last, likely still in cache.

   Blocks are lent to NumPy through its own interface (NEP 49): arrays own their memory as ever.
   What is kept never brings the total beyond the most that was ever in use at once and an eighth;
   the block kept longest goes first. All is done under Python's global lock. */

#ifndef MINIGRAD_MEMORY_H
#define MINIGRAD_MEMORY_H

#include <Python.h>
#include <numpy/arrayobject.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#define BLOCK_LEAST ((size_t)1 << 15) /* bytes of an array from which all this is worth it */
#define BLOCK_HUGE ((size_t)1 << 22)  /* bytes from which pages of 2 MB are asked for */
#define BLOCK_ALIGN 64                /* a cache line; the length of a block stands before it */
#define BLOCK_SPARE ((size_t)1 << 22) /* bytes that may be kept however little was in use */
#define BLOCKS 128

static struct {
    char *block[BLOCKS]; /* kept, the oldest first */
    int count;
    size_t kept, used, most; /* bytes */
} memory;

static inline size_t block_size(const char *data) { return ((const size_t *)data)[-1]; }

static void block_free(char *data) { free(((void **)data)[-2]); }

static char *block_make(size_t size)
{
    size_t align = size >= BLOCK_HUGE ? (size_t)1 << 21 : BLOCK_ALIGN;
    char *whole = (char *)malloc(size + align + BLOCK_ALIGN), *data;
    if (whole == NULL)
        return NULL;
    data = (char *)(((size_t)whole + BLOCK_ALIGN + align - 1) / align * align);
    ((void **)data)[-2] = whole;
    ((size_t *)data)[-1] = size;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (size >= BLOCK_HUGE)
        madvise(data, size / align * align, MADV_HUGEPAGE);
#endif
    return data;
}

static char *block_take(int i)
{
    char *data = memory.block[i];
    memory.kept -= block_size(data);
    memory.count--;
    memmove(memory.block + i, memory.block + i + 1, (memory.count - i) * sizeof(char *));
    return data;
}

static void block_room(size_t size) /* for so many bytes more */
{
    size_t spare = memory.most / 8 > BLOCK_SPARE ? memory.most / 8 : BLOCK_SPARE;
    while (memory.count && memory.used + memory.kept + size > memory.most + spare)
        block_free(block_take(0));
}

static void *memory_malloc(void *context, size_t size)
{
    char *data = NULL;
    (void)context;
    size = (size + 4095) / 4096 * 4096;
    for (int i = memory.count - 1; i >= 0 && data == NULL; i--)
        if (block_size(memory.block[i]) >= size && block_size(memory.block[i]) <= size + size / 8)
            data = block_take(i);
    if (data == NULL) {
        block_room(size);
        data = block_make(size);
        if (data == NULL)
            return NULL;
    }
    memory.used += block_size(data);
    if (memory.used > memory.most)
        memory.most = memory.used;
    return data;
}

static void memory_free(void *context, void *data, size_t size)
{
    (void)context, (void)size;
    if (data == NULL)
        return;
    memory.used -= block_size((char *)data);
    block_room(block_size((char *)data));
    if (memory.count == BLOCKS)
        block_free(block_take(0));
    memory.block[memory.count++] = (char *)data;
    memory.kept += block_size((char *)data);
}

static void *memory_calloc(void *context, size_t count, size_t size)
{
    void *data = size && count > (size_t)-1 / 2 / size ? NULL : memory_malloc(context, count * size);
    if (data != NULL)
        memset(data, 0, count * size);
    return data;
}

static void *memory_realloc(void *context, void *data, size_t size)
{
    void *moved = memory_malloc(context, size);
    if (moved != NULL && data != NULL) {
        size_t old = block_size((char *)data);
        memcpy(moved, data, old < size ? old : size);
        memory_free(context, data, old);
    }
    return moved;
}

static PyDataMem_Handler memory_handler = {
    "minigrad", 1, {NULL, memory_malloc, memory_calloc, memory_realloc, memory_free}};

#endif
