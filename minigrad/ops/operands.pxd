cpdef object floating(object x)
cpdef bint is_floating(object x)
