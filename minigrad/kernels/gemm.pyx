"""The matrix product: packed panels and a register tile, in the manner of GotoBLAS and BLIS.

    for each block of columns   NC   (B block: shared cache)
      for each block of k       KC
        pack B (KC, NC) into panels as wide as a tile          unless it can be read as it lies
        for each block of rows  MC   (A block: second cache)   ← threads share these out
          pack A (MC, KC) into panels as high as a tile        unless it can be read as it lies
          for each panel of B (first cache), for each panel of A:
            one tile of C (registers)                          gemm.h

Packing makes any strides fast (a transpose costs nothing) and the panels contiguous, which large
products need for the caches and the address translation. For small ones it costs more than it
gives: the tile then reads A and B where they lie, and a product of a few microseconds is one loop
over tiles.

A bias and a ReLU are applied to a tile while it is in registers, with the last block of k.

Threads share out whatever is independent: the products of a batch; the columns of C where B is
read in place; the packing of a block and then a grid of pieces of C where it is packed. An element
of C is always the same sum in the same order, so that it has the same bits whoever computes it.

Goto, van de Geijn, "Anatomy of high-performance matrix multiplication", TOMS 34(3), 2008;
Van Zee, van de Geijn, "BLIS: a framework for rapidly instantiating BLAS functionality", 2015.
"""

cimport numpy as cnp
from libc.stdlib cimport free, malloc

from minigrad.kernels import reference

from minigrad.kernels.memory cimport new_array
from minigrad.kernels.threads cimport parallel, threads

cnp.import_array()

cdef extern from "gemm.h" nogil:
    enum:
        ROWS "GEMM_ROWS"      # of a tile
        MASKS "GEMM_MASKS"    # an incomplete vector of B can be read in place
        ADD "GEMM_ADD"
        RELU "GEMM_RELU"
    Py_ssize_t lanes_of "GEMM_LANES"(Py_ssize_t itemsize)  # elements of a vector
    ctypedef void (*Tile32 "gemm_tile_f32")(
        Py_ssize_t k, const float* a, Py_ssize_t a_row, Py_ssize_t a_col, const float* b,
        Py_ssize_t b_row, float* c, Py_ssize_t c_row, Py_ssize_t tail, const float* bias,
        int mode) noexcept nogil
    ctypedef void (*Tile64 "gemm_tile_f64")(
        Py_ssize_t k, const double* a, Py_ssize_t a_row, Py_ssize_t a_col, const double* b,
        Py_ssize_t b_row, double* c, Py_ssize_t c_row, Py_ssize_t tail, const double* bias,
        int mode) noexcept nogil
    Tile32 tile_for_f32(int rows, int vecs, int masked) noexcept
    Tile64 tile_for_f64(int rows, int vecs, int masked) noexcept
    void pack_a_f32(float* panel, const float* x, Py_ssize_t across, Py_ssize_t along,
                    Py_ssize_t lanes, Py_ssize_t k) noexcept
    void pack_a_f64(double* panel, const double* x, Py_ssize_t across, Py_ssize_t along,
                    Py_ssize_t lanes, Py_ssize_t k) noexcept
    void pack_b_f32(float* panel, const float* x, Py_ssize_t across, Py_ssize_t along,
                    Py_ssize_t lanes, Py_ssize_t k) noexcept
    void pack_b_f64(double* panel, const double* x, Py_ssize_t across, Py_ssize_t along,
                    Py_ssize_t lanes, Py_ssize_t k) noexcept
    void dots_of_f32(Py_ssize_t n, Py_ssize_t k, const float* x, const float* w,
                     Py_ssize_t w_row, float* y) noexcept
    void dots_of_f64(Py_ssize_t n, Py_ssize_t k, const double* x, const double* w,
                     Py_ssize_t w_row, double* y) noexcept

ctypedef fused real:
    float
    double

cdef enum:
    # The blocks, measured: a panel of B (KC, 2 vectors) lies in the first or second cache, beside
    # a panel of A (a tile's rows, KC); a block of A takes a part of the second cache.
    KC = 384
    MC = 16            # tiles
    NC = 1024
    # What is read where it lies: an A of few elements; a B of few bytes under few rows of tiles,
    # or under a single one, which uses it only once.
    DIRECT_A = 1 << 15
    DIRECT_B = 1 << 18
    DIRECT_ROWS = 8    # tiles
    STREAM = 1 << 22   # bytes from which a B that is used once is read along its rows,
    KC_STREAM = 8      # so many at a time
    DOTS = 2           # rows up to which products with a transposed B are dot products
    BIG = 1 << 20      # multiplications from which releasing the GIL is worth its cost
    SPLIT = 1 << 22    # multiplications from which threads are, some 80 µs
    LEAST = 1 << 18    # multiplications of a piece of work for a thread, at least
    PIECES = 12        # that a product is cut into if they are not too small: ends come close
    PACK = 8           # panels that a thread packs at once
    ROWS_PACKED = 8    # rows of B that are packed side by side: as streams, not page by page
    ALIGN = 64         # bytes
    MAX_NDIM = 64      # NumPy's own limit

cdef struct Product:  # C (m, n) := A (m, k) @ B (k, n); strides in elements, C in C order
    Py_ssize_t m, n, k
    Py_ssize_t a_row, a_col, b_row, b_col, c_row
    bint pack_a, pack_b, dots
    bint split               # among threads
    bint relu
    Py_ssize_t mc, nc, kc   # the blocks

cdef struct Batch:    # the axes before the last two, broadcast and merged
    int ndim
    cnp.npy_intp[MAX_NDIM] size, a_stride, b_stride


# Memory for the packed panels -----------------------------------------------------------------

# One piece is kept from call to call; whoever works without the GIL takes it out, so that another
# thread makes its own.
cdef char* spare = NULL
cdef size_t spare_size = 0


cdef inline char* take(size_t* size) noexcept:
    """At least *size bytes (the true size is left there), or NULL. Needs the GIL."""
    global spare
    cdef char* memory = spare
    spare = NULL
    if memory != NULL and spare_size >= size[0]:
        size[0] = spare_size
        return memory
    free(memory)
    return <char*> malloc(size[0])


cdef inline void give(char* memory, size_t size) noexcept:
    """Keep `memory` for the next call. Needs the GIL."""
    global spare, spare_size
    if spare != NULL:
        free(memory)
        return
    spare, spare_size = memory, size


# One product ------------------------------------------------------------------------------------


cdef inline Py_ssize_t even(Py_ssize_t n, Py_ssize_t most, Py_ssize_t step) noexcept nogil:
    """The length of the fewest equal blocks of at most `most` that cover n, a multiple of step."""
    cdef Py_ssize_t blocks = (n + most - 1) // most
    if blocks <= 1:
        return (n + step - 1) // step * step
    n = (n + blocks - 1) // blocks
    return (n + step - 1) // step * step


cdef void tiles(Product* t, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const real* a,
                const real* b, real* c, const real* bias, int mode) noexcept nogil:
    """C (m, n) := [C +] A @ B [+ bias] [then ReLU] for blocks that lie in the caches"""
    cdef Py_ssize_t lanes = lanes_of(sizeof(real))
    cdef Py_ssize_t a_row = 1 if t.pack_a else t.a_row
    cdef Py_ssize_t a_col = ROWS if t.pack_a else t.a_col
    cdef Py_ssize_t b_row = 2 * lanes if t.pack_b else t.b_row
    cdef Py_ssize_t i, j = 0, width, tail
    cdef const real* b_panel
    cdef const real* a_panel
    cdef const real* bias_here = NULL
    cdef int vecs, masked, rows = <int> (m % ROWS)
    cdef Tile32 whole32, rest32
    cdef Tile64 whole64, rest64
    while j < n:
        vecs = 1 if n - j <= lanes else 2
        if m <= 2 and not t.pack_b and n - j > 2 * lanes:
            vecs = 8 if m == 1 and n - j > 7 * lanes else 4 if n - j > 3 * lanes else 2
        width = vecs * lanes if n - j > vecs * lanes else n - j
        tail = width - (vecs - 1) * lanes
        masked = not t.pack_b and tail < lanes
        b_panel = b + j * k if t.pack_b else b + j
        if real is float:
            whole32 = tile_for_f32(ROWS, vecs, masked) if m >= ROWS else NULL
            rest32 = tile_for_f32(rows, vecs, masked) if rows else NULL
        else:
            whole64 = tile_for_f64(ROWS, vecs, masked) if m >= ROWS else NULL
            rest64 = tile_for_f64(rows, vecs, masked) if rows else NULL
        if bias != NULL:
            bias_here = bias + j
        i = 0
        while i < m:
            a_panel = a + i * k if t.pack_a else a + i * t.a_row
            if real is float:
                (whole32 if i + ROWS <= m else rest32)(
                    k, a_panel, a_row, a_col, b_panel, b_row, c + i * t.c_row + j, t.c_row, tail,
                    bias_here, mode)
            else:
                (whole64 if i + ROWS <= m else rest64)(
                    k, a_panel, a_row, a_col, b_panel, b_row, c + i * t.c_row + j, t.c_row, tail,
                    bias_here, mode)
            i += ROWS
        j += width


cdef void pack_rows(real* panels, const real* a, Py_ssize_t row, Py_ssize_t col, Py_ssize_t m,
                    Py_ssize_t k) noexcept nogil:
    """Panels of ROWS rows of A (m, k)"""
    cdef Py_ssize_t i
    for i from 0 <= i < m by ROWS:
        if real is float:
            pack_a_f32(panels + i * k, a + i * row, row, col, min(ROWS, m - i), k)
        else:
            pack_a_f64(panels + i * k, a + i * row, row, col, min(ROWS, m - i), k)


cdef void pack_columns(real* panels, const real* b, Py_ssize_t row, Py_ssize_t col, Py_ssize_t n,
                       Py_ssize_t k) noexcept nogil:
    """Panels of two vectors of columns of B (k, n), the last padded with zeros"""
    cdef Py_ssize_t j, p, width = 2 * lanes_of(sizeof(real))
    cdef Py_ssize_t some = ROWS_PACKED if col == 1 else k  # rows at a time, read along
    for p from 0 <= p < k by some:
        some = min(some, k - p)
        for j from 0 <= j < n by width:
            if real is float:
                pack_b_f32(panels + j * k + p * width, b + p * row + j * col, col, row,
                           min(width, n - j), some)
            else:
                pack_b_f64(panels + j * k + p * width, b + p * row + j * col, col, row,
                           min(width, n - j), some)


cdef void row_block(Product* t, Py_ssize_t i, Py_ssize_t n, Py_ssize_t k, const real* a,
                    const real* b, real* c, const real* bias, int mode,
                    real* a_panels) noexcept nogil:
    """Rows i … i + mc of a block of columns and of k"""
    cdef Py_ssize_t m = min(t.mc, t.m - i)
    a += i * t.a_row
    if t.pack_a:
        pack_rows(a_panels, a, t.a_row, t.a_col, m, k)
        a = a_panels
    tiles(t, m, n, k, a, b, c + i * t.c_row, bias, mode)


cdef void multiply(Product* t, const real* a, const real* b, real* c, const real* bias,
                   real* a_panels, real* b_panels, bint b_is_packed) noexcept nogil:
    """C := A @ B [+ bias] [then ReLU], block by block"""
    cdef Py_ssize_t i, j, p, n, k
    cdef const real* block
    cdef const real* bias_here
    cdef bint last
    cdef int mode
    for j from 0 <= j < t.n by t.nc:
        n = min(t.nc, t.n - j)
        p = 0
        while True:  # once even for k = 0: the product is then zero
            k = min(t.kc, t.k - p)
            last = p + k == t.k
            block = b + p * t.b_row + j * t.b_col
            mode = (ADD if p else 0) | (RELU if last and t.relu else 0)
            bias_here = NULL
            if last and bias != NULL:
                bias_here = bias + j
            if t.split:
                share(t, n, k, a + p * t.a_col, block, c + j, bias_here, mode, a_panels, b_panels)
            else:
                if t.pack_b:
                    if not b_is_packed:
                        pack_columns(b_panels, block, t.b_row, t.b_col, n, k)
                    block = b_panels
                for i from 0 <= i < t.m by t.mc:
                    row_block(t, i, n, k, a + p * t.a_col, block, c + j, bias_here, mode, a_panels)
            p += k
            if last:
                break


cdef void multiply_dots(Product* t, const real* a, const real* b, real* c,
                        real* row) noexcept nogil:
    """C := A @ B where the columns of B are contiguous and A has a row or two"""
    cdef Py_ssize_t i, p
    cdef const real* x
    for i in range(t.m):
        x = a + i * t.a_row
        if t.a_col != 1:
            for p in range(t.k):
                row[p] = x[p * t.a_col]
            x = row
        if real is float:
            dots_of_f32(t.n, t.k, x, b, t.b_col, c + i * t.c_row)
        else:
            dots_of_f64(t.n, t.k, x, b, t.b_col, c + i * t.c_row)


cdef void finish(real* c, const real* bias, bint relu, Py_ssize_t m, Py_ssize_t n) noexcept nogil:
    """C := C [+ bias] [then ReLU], where no tile did it"""
    cdef Py_ssize_t i, j
    cdef real x
    for i in range(m):
        for j in range(n):
            x = c[i * n + j] + bias[j] if bias != NULL else c[i * n + j]
            c[i * n + j] = 0 if relu and x < 0 else x


# Threads: what is shared out ------------------------------------------------------------------


cdef struct Job:  # what the pieces have in common; the arrays are of float or of double
    Product* t
    Batch* batch
    const void* a
    const void* b
    void* c
    const void* bias
    void* a_panels
    void* b_panels
    Py_ssize_t n, k                    # of the packed block
    Py_ssize_t rows, cols, across      # of a piece of C; pieces beside each other
    Py_ssize_t first_a                 # piece of packing that is of A
    Py_ssize_t products, each          # in all, of a piece
    Py_ssize_t a_size, b_size          # panels of a piece
    int mode


cdef inline void do_pack(Job* job, Py_ssize_t index, const real* kind) noexcept nogil:
    """Some panels of the block of B, or of A"""
    cdef Product* t = job.t
    cdef Py_ssize_t width
    if index < job.first_a:
        width = PACK * 2 * lanes_of(sizeof(real))
        index *= width
        pack_columns(<real*> job.b_panels + index * job.k, <real*> job.b + index * t.b_col,
                     t.b_row, t.b_col, min(width, job.n - index), job.k)
    else:
        index = (index - job.first_a) * PACK * ROWS
        pack_rows(<real*> job.a_panels + index * job.k, <real*> job.a + index * t.a_row,
                  t.a_row, t.a_col, min(PACK * ROWS, t.m - index), job.k)


cdef inline void do_tiles(Job* job, Py_ssize_t index, const real* kind) noexcept nogil:
    """A piece of C from the packed blocks"""
    cdef Product* t = job.t
    cdef Py_ssize_t i = index // job.across * job.rows, j = index % job.across * job.cols
    cdef const real* a = <real*> job.a + i * t.a_row
    cdef const real* bias = NULL
    if t.pack_a:
        a = <real*> job.a_panels + i * job.k
    if job.bias != NULL:
        bias = <real*> job.bias + j
    tiles(t, min(job.rows, t.m - i), min(job.cols, job.n - j), job.k, a,
          <real*> job.b_panels + j * job.k, <real*> job.c + i * t.c_row + j, bias, job.mode)


cdef inline void do_columns(Job* job, Py_ssize_t index, const real* kind) noexcept nogil:
    """Some columns of a product whose B is read in place"""
    cdef Product t = job.t[0]
    cdef Py_ssize_t j = index * job.cols
    cdef const real* b = <real*> job.b + j * t.b_col
    cdef real* c = <real*> job.c + j
    cdef real* panels = <real*> job.a_panels + index * job.a_size
    cdef const real* bias = NULL
    if job.bias != NULL:
        bias = <real*> job.bias + j
    t.split = False
    t.n = min(job.cols, t.n - j)
    t.nc = min(t.nc, t.n)
    if t.dots:
        multiply_dots(&t, <real*> job.a, b, c, panels)
    else:
        multiply(&t, <real*> job.a, b, c, bias, panels, <real*> NULL, False)


cdef inline void do_products(Job* job, Py_ssize_t index, const real* kind) noexcept nogil:
    """Some products of a batch"""
    cdef Py_ssize_t first = index * job.each
    run(job.t, job.batch, first, min(job.each, job.products - first), <real*> job.a,
        <real*> job.b, <real*> job.c, <real*> job.bias, <real*> job.a_panels + index * job.a_size,
        <real*> job.b_panels + index * job.b_size)


cdef void pack_f32(void* job, Py_ssize_t index) noexcept nogil:
    do_pack[float](<Job*> job, index, NULL)


cdef void pack_f64(void* job, Py_ssize_t index) noexcept nogil:
    do_pack[double](<Job*> job, index, NULL)


cdef void tiles_f32(void* job, Py_ssize_t index) noexcept nogil:
    do_tiles[float](<Job*> job, index, NULL)


cdef void tiles_f64(void* job, Py_ssize_t index) noexcept nogil:
    do_tiles[double](<Job*> job, index, NULL)


cdef void columns_f32(void* job, Py_ssize_t index) noexcept nogil:
    do_columns[float](<Job*> job, index, NULL)


cdef void columns_f64(void* job, Py_ssize_t index) noexcept nogil:
    do_columns[double](<Job*> job, index, NULL)


cdef void products_f32(void* job, Py_ssize_t index) noexcept nogil:
    do_products[float](<Job*> job, index, NULL)


cdef void products_f64(void* job, Py_ssize_t index) noexcept nogil:
    do_products[double](<Job*> job, index, NULL)


cdef void share(Product* t, Py_ssize_t n, Py_ssize_t k, const real* a, const real* b, real* c,
                const real* bias, int mode, real* a_panels, real* b_panels) noexcept nogil:
    """One block of columns and of k: pack B and A in pieces, then C in a grid of pieces"""
    cdef Job job
    cdef Py_ssize_t lanes = lanes_of(sizeof(real)), pieces, down, packs
    job.t, job.n, job.k, job.mode = t, n, k, mode
    job.a, job.b, job.c, job.bias = a, b, c, bias
    job.a_panels, job.b_panels = a_panels, b_panels
    packs = job.first_a = (n + PACK * 2 * lanes - 1) // (PACK * 2 * lanes)
    if t.pack_a:
        packs += (t.m + PACK * ROWS - 1) // (PACK * ROWS)
    parallel(pack_f32 if real is float else pack_f64, &job, packs)
    # Rows first, in steps of four tiles at least: a panel of B then serves four times.
    pieces = max(PIECES, t.m * n * k // (16 * BIG))
    pieces = max(1, min(pieces, t.m * n * k // LEAST))
    down = min(pieces, (t.m + 4 * ROWS - 1) // (4 * ROWS))
    job.rows = even(t.m, (t.m + down - 1) // down, ROWS)
    down = (t.m + job.rows - 1) // job.rows
    job.cols = even(n, (n * down + pieces - 1) // pieces, 2 * lanes)
    job.across = (n + job.cols - 1) // job.cols
    parallel(tiles_f32 if real is float else tiles_f64, &job, down * job.across)


# The batch --------------------------------------------------------------------------------------


cdef void plan(Product* t, Py_ssize_t itemsize) noexcept:
    """Decide which way, what is packed, and the blocks."""
    cdef Py_ssize_t lanes = lanes_of(itemsize)
    t.dots = t.m <= DOTS and t.b_row == 1 and (t.b_col != 1 or t.n == 1)
    t.pack_a = t.pack_b = False
    t.mc, t.nc, t.kc = t.m, t.n, t.k
    if t.dots:
        return
    if t.n == 1:
        t.b_col = 1
    t.pack_b = (
        t.b_col != 1
        or t.m > DIRECT_ROWS * ROWS
        or t.m > ROWS and t.k * t.n * itemsize > DIRECT_B
        or not MASKS and t.n % lanes != 0
    )
    t.pack_a = t.m * t.k > DIRECT_A and t.n > 4 * lanes
    if t.pack_a or t.pack_b or t.k * t.n * itemsize > DIRECT_B:
        t.kc = even(t.k, KC, 1)
        t.nc = even(t.n, NC, 2 * lanes)
        t.mc = even(t.m, MC * ROWS, ROWS)
    if not t.pack_b and t.k * t.n * itemsize > STREAM:
        t.kc, t.nc = even(t.k, KC_STREAM, 1), t.n


cdef void run(Product* t, Batch* batch, Py_ssize_t first, Py_ssize_t count, const real* a,
              const real* b, real* c, const real* bias, real* a_panels,
              real* b_panels) noexcept nogil:
    """`count` products of the batch; packed panels of B serve until another B comes"""
    cdef Py_ssize_t[MAX_NDIM] index
    cdef const real* packed = NULL
    cdef bint whole = t.pack_b and t.kc >= t.k and t.nc >= t.n
    cdef int d
    c += first * t.m * t.n
    for d in range(batch.ndim - 1, -1, -1):
        index[d] = first % batch.size[d]
        first //= batch.size[d]
        a += index[d] * batch.a_stride[d]
        b += index[d] * batch.b_stride[d]
    while True:
        if t.dots:
            multiply_dots(t, a, b, c, a_panels)
        else:
            multiply(t, a, b, c, bias, a_panels, b_panels, whole and b == packed)
        count -= 1
        if count <= 0:
            return
        packed = b
        c += t.m * t.n
        d = batch.ndim - 1
        while d >= 0:
            index[d] += 1
            a += batch.a_stride[d]
            b += batch.b_stride[d]
            if index[d] < batch.size[d]:
                break
            a -= index[d] * batch.a_stride[d]
            b -= index[d] * batch.b_stride[d]
            index[d] = 0
            d -= 1


cdef inline cnp.npy_intp size_of(cnp.ndarray x, int axis) noexcept:
    """Length of a negative axis; 1 beyond the first"""
    axis += cnp.PyArray_NDIM(x)
    return cnp.PyArray_DIM(x, axis) if axis >= 0 else 1


cdef inline cnp.npy_intp step_of(cnp.ndarray x, int axis) noexcept:
    """Stride of a negative axis in elements; 0 where the axis is repeated"""
    axis += cnp.PyArray_NDIM(x)
    if axis < 0 or cnp.PyArray_DIM(x, axis) == 1:
        return 0
    return cnp.PyArray_STRIDE(x, axis) // cnp.PyArray_ITEMSIZE(x)


cdef bint read(cnp.ndarray a, cnp.ndarray b, Product* t, Batch* batch,
               cnp.npy_intp* shape) noexcept:
    """Sizes and strides of the product, of its batch and the shape of C; False if they clash."""
    cdef int ndim = max(cnp.PyArray_NDIM(a), cnp.PyArray_NDIM(b)), d
    cdef cnp.npy_intp size, a_size, b_size, a_stride, b_stride
    t.m, t.k, t.n = size_of(a, -2), size_of(a, -1), size_of(b, -1)
    t.a_row, t.a_col = step_of(a, -2), step_of(a, -1)
    t.b_row, t.b_col = step_of(b, -2), step_of(b, -1)
    if size_of(b, -2) != t.k:
        return False
    shape[ndim - 2], shape[ndim - 1] = t.m, t.n
    batch.ndim = 0
    for d in range(-ndim, -2):
        a_size, b_size = size_of(a, d), size_of(b, d)
        if a_size != b_size and a_size != 1 and b_size != 1:
            return False
        size = b_size if a_size == 1 else a_size
        shape[ndim + d] = size
        if size == 1:
            continue
        a_stride, b_stride = step_of(a, d), step_of(b, d)
        if batch.ndim and batch.a_stride[batch.ndim - 1] == size * a_stride and (
            batch.b_stride[batch.ndim - 1] == size * b_stride
        ):
            batch.ndim -= 1  # this axis continues the one before
            size *= batch.size[batch.ndim]
        batch.size[batch.ndim] = size
        batch.a_stride[batch.ndim] = a_stride
        batch.b_stride[batch.ndim] = b_stride
        batch.ndim += 1
    while batch.ndim and batch.b_stride[batch.ndim - 1] == 0:
        # One B for all: the rows of the batch are rows of one taller A, if they are evenly spaced.
        a_stride = batch.a_stride[batch.ndim - 1]
        if t.m != 1 and a_stride != t.m * t.a_row:
            break
        if t.m == 1:
            t.a_row = a_stride
        batch.ndim -= 1
        t.m *= batch.size[batch.ndim]
    return True


cdef inline bint plain(object x, int kind) noexcept:
    """Whether x is an array of the dtype `kind` whose elements can be read in place."""
    return (
        cnp.PyArray_CheckExact(x)
        and cnp.PyArray_TYPE(<cnp.ndarray> x) == kind
        and cnp.PyArray_ISBEHAVED_RO(<cnp.ndarray> x)
    )


cdef inline bint even_strides(cnp.ndarray x) noexcept:
    """Whether the strides are whole elements (a field of a structured array has others)."""
    cdef int d
    for d in range(cnp.PyArray_NDIM(x)):
        if cnp.PyArray_STRIDE(x, d) % cnp.PyArray_ITEMSIZE(x):
            return False
    return True


cpdef object matmul(object a, object b, object bias=None, bint relu=False):
    """C := A @ B [+ bias] [then max(0, C), NaN kept]

    A (..., m, k), B (..., k, n), bias (n,); the batches broadcast; any strides.
    """
    cdef Product t
    cdef Batch batch
    cdef cnp.npy_intp[MAX_NDIM] shape
    cdef cnp.ndarray x, y, c
    cdef int kind, ndim
    if not cnp.PyArray_CheckExact(a):
        return reference.matmul(a, b, bias, relu)
    kind = cnp.PyArray_TYPE(<cnp.ndarray> a)
    if not (
        (kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_FLOAT64)
        and plain(a, kind) and plain(b, kind)
        and cnp.PyArray_NDIM(<cnp.ndarray> a) >= 2 and cnp.PyArray_NDIM(<cnp.ndarray> b) >= 2
        and even_strides(<cnp.ndarray> a) and even_strides(<cnp.ndarray> b)
        and read(<cnp.ndarray> a, <cnp.ndarray> b, &t, &batch, shape)
        and (bias is None or (
            plain(bias, kind) and cnp.PyArray_NDIM(<cnp.ndarray> bias) == 1
            and cnp.PyArray_DIM(<cnp.ndarray> bias, 0) == t.n
            and cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray> bias)
        ))
    ):
        return reference.matmul(a, b, bias, relu)
    x, y = <cnp.ndarray> a, <cnp.ndarray> b
    ndim = max(cnp.PyArray_NDIM(x), cnp.PyArray_NDIM(y))
    c = new_array(ndim, shape, kind)
    if cnp.PyArray_SIZE(c) == 0:
        return c
    if kind == cnp.NPY_FLOAT32:
        compute[float](&t, &batch, <float*> cnp.PyArray_DATA(x), <float*> cnp.PyArray_DATA(y),
                       <float*> cnp.PyArray_DATA(c),
                       NULL if bias is None else <float*> cnp.PyArray_DATA(<cnp.ndarray> bias),
                       relu)
    else:
        compute[double](&t, &batch, <double*> cnp.PyArray_DATA(x), <double*> cnp.PyArray_DATA(y),
                        <double*> cnp.PyArray_DATA(c),
                        NULL if bias is None else <double*> cnp.PyArray_DATA(<cnp.ndarray> bias),
                        relu)
    return c


cdef int compute(Product* t, Batch* batch, const real* a, const real* b, real* c,
                 const real* bias, bint relu) except -1:
    """Plan, find memory, run: without the GIL and with threads if it takes long"""
    cdef Py_ssize_t n = t.n, rows = t.m, pieces = 1, d
    cdef size_t size
    cdef double work
    cdef char* memory = NULL
    cdef bint late, turned = t.n == 1 and t.m > 1
    cdef Job job
    job.products = 1
    for d in range(batch.ndim):
        job.products *= batch.size[d]
    rows *= job.products
    if turned:  # (A b)' = b' A': then a column is a row, and the result lies in memory as before
        t.m, t.n = 1, t.m
        t.b_row, t.b_col, t.a_col, t.a_row = t.a_col, t.a_row, t.b_row, 0
        a, b = b, a
        for d in range(batch.ndim):
            batch.a_stride[d], batch.b_stride[d] = batch.b_stride[d], batch.a_stride[d]
    plan(t, sizeof(real))
    t.c_row = t.n
    late = turned or t.dots
    t.relu = relu and not late

    job.t, job.batch, job.a, job.b, job.c = t, batch, a, b, c
    job.bias = NULL if late else bias
    # What a product takes: its multiplications or, for few rows, reading and writing.
    work = <double> t.m * t.n * t.k + 8.0 * (<double> t.k * t.n + <double> t.m * t.n)
    work *= sizeof(real) // sizeof(float)
    t.split = work * job.products > SPLIT and threads() > 1
    if t.split and job.products > 1 and (work < 2 * SPLIT or not t.pack_b):
        t.split = False
        pieces = min(job.products, min(4 * PIECES, <Py_ssize_t> (work * job.products / LEAST)))
        job.each = (job.products + pieces - 1) // pieces
        pieces = (job.products + job.each - 1) // job.each
    elif t.split and t.pack_a and not t.pack_b and t.kc > KC_STREAM:
        t.pack_b = True  # to be packed once, not by every piece
    elif t.split and not t.pack_b:
        t.split = False  # a piece is a product of its own
        d = 8 * lanes_of(sizeof(real))
        pieces = max(1, min(PIECES, <Py_ssize_t> (work / LEAST)))
        if t.kc == KC_STREAM:  # long runs of a row
            pieces = min(pieces, max(2, t.n // (64 * d // 8)))
        job.cols = even(t.n, (t.n + pieces - 1) // pieces, d)
        pieces = (t.n + job.cols - 1) // job.cols

    job.a_size = job.b_size = 0
    if t.pack_a:
        job.a_size = even(t.m, t.m, ROWS) * t.kc if t.split and t.pack_b else t.mc * t.kc
    elif t.dots and t.a_col != 1:
        job.a_size = t.k
    if t.pack_b:
        job.b_size = t.nc * t.kc
    job.a_panels = job.b_panels = NULL
    if job.a_size or job.b_size:
        job.a_size = (job.a_size + ALIGN - 1) // ALIGN * ALIGN
        size = pieces * (job.a_size + job.b_size) * sizeof(real) + ALIGN
        memory = take(&size)
        if memory == NULL:
            raise MemoryError("matmul: no memory for the packed panels")
        job.a_panels = <void*> ((<size_t> memory + ALIGN - 1) // ALIGN * ALIGN)
        job.b_panels = <real*> job.a_panels + pieces * job.a_size

    if work * job.products <= BIG:
        run(t, batch, 0, job.products, a, b, c, <const real*> job.bias, <real*> job.a_panels,
            <real*> job.b_panels)
    else:
        with nogil:
            if pieces == 1:
                run(t, batch, 0, job.products, a, b, c, <const real*> job.bias,
                    <real*> job.a_panels, <real*> job.b_panels)
            elif job.products > 1:
                parallel(products_f32 if real is float else products_f64, &job, pieces)
            else:
                parallel(columns_f32 if real is float else columns_f64, &job, pieces)
    if late and (bias != NULL or relu):
        finish(c, bias, relu, rows, n)
    if memory != NULL:
        give(memory, size)
    return 0
