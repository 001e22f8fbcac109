# For operations that call this kernel as a C function, without a Python-level call.
cpdef object matmul(object a, object b, object bias=*, bint relu=*)
