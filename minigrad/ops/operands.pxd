cpdef object floating(object x)
