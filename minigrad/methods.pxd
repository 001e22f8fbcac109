ctypedef object (*unary_operator)(object)
ctypedef object (*binary_operator)(object, object)

cdef struct Slots:
    unary_operator neg
    binary_operator add
    binary_operator sub
    binary_operator mul
    binary_operator div
    binary_operator pow
    binary_operator matmul

cdef Slots slots

cdef class Methods:
    pass
