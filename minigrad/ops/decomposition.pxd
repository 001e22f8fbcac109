from minigrad.engine cimport Nary

cdef class Factorization(Nary):
    pass
