ctypedef object (*unary_operator)(object)
ctypedef object (*binary_operator)(object, object)

cdef struct Slots:
    unary_operator neg
    unary_operator exp
    unary_operator log
    unary_operator tanh
    unary_operator sigmoid
    unary_operator relu
    binary_operator add
    binary_operator sub
    binary_operator mul
    binary_operator div
    binary_operator pow
    binary_operator matmul

cdef Slots slots

cdef class Storage:
    cdef public long version
    cdef public long rebased
    cdef public str changed_by

cdef class Methods:
    cdef public object _array
    cdef public object _node
    cdef public object _grad
    cdef public Storage _storage
    cdef public int _view
    cdef public long _epoch
    cdef public object _base
    cdef object __weakref__
