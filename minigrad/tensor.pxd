from minigrad.methods cimport Methods, Storage

cdef class Tensor(Methods):
    pass

cpdef Tensor wrap(object array, object node=*)
