from minigrad.tensor cimport Storage, Tensor, wrap

cdef class Function:
    # the graph
    cdef public tuple edges
    cdef public int ndim
    cdef public int kind
    cdef public int n_outputs
    cdef public bint loops
    cdef public tuple in_shapes
    # what backward reads
    cdef public tuple _inputs
    cdef public tuple _versions
    cdef public tuple _arrays
    cdef public object _out
    cdef public Storage _out_storage
    cdef public long _out_version
    cdef public bint _released
    # what forward asked for
    cdef public int _saves
    cdef public bint _saves_out
    cdef public bint _broadcasts
    cdef public bint _makes_view
    # the state of a backward pass
    cdef public bint running
    cdef public bint needed
    cdef public bint runs
    cdef public bint owned
    cdef public int cursor
    cdef public long visit
    cdef public object buffer
    cdef public list hooks
    cdef public object trace

    cpdef backward(self, grad)
    cpdef save_input(self, int i)
    cpdef save_output(self)
    cpdef broadcasts(self)
    cpdef makes_view(self)
    cpdef bint needs_grad(self, int i)
    cpdef input(self, int i)
    cpdef output(self)
    cpdef release(self)
    cdef Tensor finish(self, object out, object x, object y)

cdef class Unary(Function):
    cpdef forward(self, x)
    cpdef Tensor apply(self, object x)

cdef class Binary(Function):
    cpdef forward(self, x, y)
    cpdef Tensor apply(self, object x, object y)

cdef class Nary(Function):
    pass

cdef class Leaf(Function):
    cdef public object variable

cdef class Pick(Function):
    cdef public int index

cpdef Function producer(Tensor x)
cpdef bint is_grad_enabled() noexcept
cdef void switch_grad(bint on) noexcept
