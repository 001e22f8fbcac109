from minigrad.methods cimport Methods

cdef class Storage:
    cdef public long version
    cdef public long rebased
    cdef public str changed_by

cdef class Tensor(Methods):
    cdef public object _array
    cdef public object _node
    cdef public object _grad
    cdef public Storage _storage
    cdef public int _view
    cdef public long _epoch
    cdef object __weakref__

cpdef Tensor wrap(object array, object node=*)
