"""The matrix product: packed panels and a register tile, in the manner of GotoBLAS and BLIS.

    for each block of columns   NC   (B block: shared cache)
      for each block of k       KC
        pack B (KC, NC) into panels as wide as a tile          unless it can be read as it lies
        for each block of rows  MC   (A block: second cache)   ← what threads share out
          pack A (MC, KC) into panels as high as a tile        unless it can be read as it lies
          for each panel of B (first cache), for each panel of A:
            one tile of C (registers)                          gemm.h

Packing makes any strides fast (a transpose costs nothing) and the panels contiguous, which large
products need for the caches and the address translation. For small ones it costs more than it
gives: the tile then reads A and B where they lie, and a product of a few microseconds is one loop
over tiles.

Threads share the blocks of rows, after they have packed B together. Where C has few rows they
share its columns, in a batch of small products the products: three ways to cut C into pieces,
chosen by the shapes alone. No sum is cut by them, so the result has the same bits for every number
of threads. A piece borrows memory for its panels from a few slots.

A bias and a ReLU are applied to a tile while it is in registers, with the last block of k.

Goto, van de Geijn, "Anatomy of high-performance matrix multiplication", TOMS 34(3), 2008;
Van Zee, van de Geijn, "BLIS: a framework for rapidly instantiating BLAS functionality", 2015.
"""

cimport numpy as cnp
from libc.stdlib cimport free, malloc

from minigrad.kernels import reference
from minigrad.kernels.threads cimport parallel

cnp.import_array()

cdef extern from "pieces.h" nogil:
    int SLOTS
    ctypedef struct Slots:
        char* memory
        size_t bytes
        Py_ssize_t count
        char[64] busy
    Py_ssize_t borrow(Slots* slots) noexcept
    void give_back(Slots* slots, Py_ssize_t i) noexcept

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
    BIG = 1 << 21      # multiplications from which threads, and no GIL, are worth their cost,
    READ = 8           # where reading an element of B costs as much as so many of them
    PIECES = 8         # of columns, at most; of rows, at least 4 and of 2 tiles or more
    ALIGN = 64         # bytes
    MAX_NDIM = 64      # NumPy's own limit

cdef struct Product:  # C (m, n) := A (m, k) @ B (k, n); strides in elements, C in C order
    Py_ssize_t m, n, k
    Py_ssize_t a_row, a_col, b_row, b_col, c_row
    bint pack_a, pack_b, dots
    bint relu
    Py_ssize_t mc, nc, kc   # the blocks
    bint shared             # the blocks of rows are pieces for threads

cdef struct Batch:    # the axes before the last two, broadcast and merged
    int ndim
    cnp.npy_intp[MAX_NDIM] size, a_stride, b_stride

cdef struct Job:      # what a piece needs to know; the pointers are to float or double
    Product* t
    Batch* batch
    const void* a
    const void* b
    void* c
    const void* bias
    void* b_panels    # of all, where the pieces are blocks of rows
    Slots slots       # panels of a piece: of A, then (unless B's are shared) of B
    Py_ssize_t b_offset, itemsize, width, products
    Py_ssize_t n, k   # of this block of columns and of k
    int mode


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
    cdef Py_ssize_t j, width = 2 * lanes_of(sizeof(real))
    for j from 0 <= j < n by width:
        if real is float:
            pack_b_f32(panels + j * k, b + j * col, col, row, min(width, n - j), k)
        else:
            pack_b_f64(panels + j * k, b + j * col, col, row, min(width, n - j), k)


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


cdef inline void* slot(Job* job, Py_ssize_t i) noexcept nogil:
    """Memory of slot i, on a boundary of ALIGN bytes"""
    return job.slots.memory + i * job.slots.bytes


cdef void rows_piece(void* context, Py_ssize_t i) noexcept nogil:
    """The block of rows i of C"""
    cdef Job* job = <Job*> context
    cdef Py_ssize_t mine = borrow(&job.slots)
    if job.itemsize == sizeof(float):
        row_block(job.t, i * job.t.mc, job.n, job.k, <const float*> job.a, <const float*> job.b,
                  <float*> job.c, <const float*> job.bias, job.mode, <float*> slot(job, mine))
    else:
        row_block(job.t, i * job.t.mc, job.n, job.k, <const double*> job.a,
                  <const double*> job.b, <double*> job.c, <const double*> job.bias, job.mode,
                  <double*> slot(job, mine))
    give_back(&job.slots, mine)


cdef void pack_piece(void* context, Py_ssize_t i) noexcept nogil:
    """A few panels of B"""
    cdef Job* job = <Job*> context
    cdef Product* t = job.t
    cdef Py_ssize_t j = i * job.width, n = min(job.width, job.n - j)
    if job.itemsize == sizeof(float):
        pack_columns(<float*> job.b_panels + j * job.k, <const float*> job.b + j * t.b_col,
                     t.b_row, t.b_col, n, job.k)
    else:
        pack_columns(<double*> job.b_panels + j * job.k, <const double*> job.b + j * t.b_col,
                     t.b_row, t.b_col, n, job.k)


cdef void share_rows(Job* outer, Py_ssize_t n, Py_ssize_t k, const real* a, const real* b,
                     bint pack, real* c, const real* bias, int mode) noexcept nogil:
    """One block of columns and of k: pack B, then every block of rows, on all threads"""
    cdef Job* job = outer
    job.n, job.k, job.mode = n, k, mode
    job.a, job.b, job.c, job.bias = a, b, c, bias
    if pack:
        job.width = even(n, max(n // PIECES, 1), 2 * lanes_of(sizeof(real)))
        parallel(pack_piece, job, (n + job.width - 1) // job.width)
    if job.t.pack_b:
        job.b = job.b_panels
    parallel(rows_piece, job, (job.t.m + job.t.mc - 1) // job.t.mc)


cdef void multiply(Product* t, const real* a, const real* b, real* c, const real* bias,
                   real* a_panels, real* b_panels, bint b_is_packed, Job* job) noexcept nogil:
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
            if t.shared:
                share_rows(job, n, k, a + p * t.a_col, block, t.pack_b and not b_is_packed, c + j,
                           bias_here, mode)
            else:
                if t.pack_b:
                    if not b_is_packed:
                        pack_columns(b_panels, block, t.b_row, t.b_col, n, k)
                    block = b_panels
                for i from 0 <= i < t.m by t.mc:
                    row_block(t, i, n, k, a + p * t.a_col, block, c + j, bias_here, mode,
                              a_panels)
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


# The batch --------------------------------------------------------------------------------------


cdef inline bint big(double m, Py_ssize_t n, Py_ssize_t k) noexcept nogil:
    """Whether products of so many rows in all are worth waking threads for."""
    return (m + READ) * n * k > BIG


cdef void plan(Product* t, Py_ssize_t itemsize) noexcept:
    """Decide which way, what is packed, and the blocks."""
    cdef Py_ssize_t lanes = lanes_of(itemsize)
    t.dots = t.m <= DOTS and t.b_row == 1 and (t.b_col != 1 or t.n == 1)
    t.pack_a = t.pack_b = t.shared = False
    t.c_row = t.n
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
    if t.m >= 4 * ROWS and big(t.m, t.n, t.k):
        t.mc = even(t.m, max(2 * ROWS, min(MC * ROWS, t.m // 4 + ROWS - 1)), ROWS)
        t.shared = True
    if not t.pack_b and t.k * t.n * itemsize > STREAM:
        t.kc, t.nc = even(t.k, KC_STREAM, 1), t.n


cdef void run(Job* job, Py_ssize_t first, Py_ssize_t count, const real* a, const real* b, real* c,
              const real* bias, real* a_panels) noexcept nogil:
    """Products first … first + count of the batch; panels of B serve until another B comes"""
    cdef Product* t = job.t
    cdef Batch* batch = job.batch
    cdef Py_ssize_t[MAX_NDIM] index
    cdef real* b_panels = a_panels + job.b_offset
    cdef const real* packed = NULL
    cdef bint whole = t.pack_b and t.kc >= t.k and t.nc >= t.n
    cdef Py_ssize_t rest = first
    cdef int d = batch.ndim - 1
    while d >= 0:
        index[d] = rest % batch.size[d]
        rest //= batch.size[d]
        a += index[d] * batch.a_stride[d]
        b += index[d] * batch.b_stride[d]
        d -= 1
    c += first * t.m * t.n
    while True:
        if t.dots:
            multiply_dots(t, a, b, c, a_panels)
        else:
            multiply(t, a, b, c, bias, a_panels, b_panels, whole and b == packed, job)
        packed = b
        count -= 1
        if count <= 0:
            return
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


cdef void products_piece(void* context, Py_ssize_t i) noexcept nogil:
    """A few products of the batch"""
    cdef Job* job = <Job*> context
    cdef Py_ssize_t mine = borrow(&job.slots), first = i * job.width
    cdef Py_ssize_t count = min(job.width, job.products - first)
    if job.itemsize == sizeof(float):
        run(job, first, count, <const float*> job.a, <const float*> job.b, <float*> job.c,
            <const float*> job.bias, <float*> slot(job, mine))
    else:
        run(job, first, count, <const double*> job.a, <const double*> job.b, <double*> job.c,
            <const double*> job.bias, <double*> slot(job, mine))
    give_back(&job.slots, mine)


cdef void columns_piece(void* context, Py_ssize_t i) noexcept nogil:
    """A few columns of the only product"""
    cdef Job job = (<Job*> context)[0]  # whose slots are not used
    cdef Product t = job.t[0]
    cdef Py_ssize_t j = i * job.width, mine = borrow(&(<Job*> context).slots)
    job.t = &t
    t.n = min(job.width, t.n - j)
    t.nc = min(t.nc, t.n)
    if job.itemsize == sizeof(float):
        run(&job, 0, 1, <const float*> job.a, <const float*> job.b + j * t.b_col,
            <float*> job.c + j, <const float*> job.bias + j if job.bias != NULL else NULL,
            <float*> slot(&job, mine))
    else:
        run(&job, 0, 1, <const double*> job.a, <const double*> job.b + j * t.b_col,
            <double*> job.c + j, <const double*> job.bias + j if job.bias != NULL else NULL,
            <double*> slot(&job, mine))
    give_back(&(<Job*> context).slots, mine)


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
    c = cnp.PyArray_SimpleNew(ndim, shape, kind)
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
    """Plan, find memory, run: without the GIL if it takes long"""
    cdef Py_ssize_t n = t.n, rows = t.m, a_size, b_size, pieces = 1, step
    cdef size_t size, shared_size
    cdef char* memory
    cdef Job job
    cdef bint late, turned = t.n == 1 and t.m > 1, many
    cdef int d
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
    late = turned or t.dots
    t.relu = relu and not late
    many = big(t.m * job.products, t.n, t.k)

    job.t, job.batch, job.itemsize = t, batch, sizeof(real)
    job.a, job.b, job.c, job.bias = a, b, c, NULL if late else bias
    job.width = job.products
    if many and not t.shared and job.products > 1:
        job.width = max(1, job.products // (2 * PIECES))
        pieces = (job.products + job.width - 1) // job.width
    elif many and not t.shared:
        step = 4 * lanes_of(sizeof(real))
        job.width = even(t.n, max(t.n // PIECES, 2 * step), step)
        pieces = (t.n + job.width - 1) // job.width
        t.nc = min(t.nc, job.width)

    step = ALIGN // sizeof(real)
    a_size = t.mc * t.kc if t.pack_a else t.k if t.dots and t.a_col != 1 else 0
    b_size = t.nc * t.kc if t.pack_b else 0
    a_size = (a_size + step - 1) // step * step
    b_size = (b_size + step - 1) // step * step
    job.b_offset = a_size
    job.slots.bytes = (a_size + (0 if t.shared else b_size)) * sizeof(real)
    job.slots.count = max(1, min(SLOTS, (t.m + t.mc - 1) // t.mc if t.shared else pieces))
    for d in range(SLOTS):
        job.slots.busy[d] = 0
    shared_size = b_size * sizeof(real) if t.shared else 0
    size = shared_size + job.slots.bytes * job.slots.count
    memory = NULL
    job.slots.memory = NULL
    job.b_panels = NULL
    if size:
        size += ALIGN
        memory = take(&size)
        if memory == NULL:
            raise MemoryError("matmul: no memory for the packed panels")
        job.b_panels = <void*> ((<size_t> memory + ALIGN - 1) // ALIGN * ALIGN)
        job.slots.memory = <char*> job.b_panels + shared_size

    if not many:
        run(&job, 0, job.products, a, b, c, <const real*> job.bias, <real*> job.slots.memory)
    else:
        with nogil:
            if t.shared:
                run(&job, 0, job.products, a, b, c, <const real*> job.bias,
                    <real*> job.slots.memory)
            elif job.products > 1:
                parallel(products_piece, &job, pieces)
            else:
                parallel(columns_piece, &job, pieces)
    if late and (bias != NULL or relu):
        finish(c, bias, relu, rows, n)
    if memory != NULL:
        give(memory, size)
    return 0
