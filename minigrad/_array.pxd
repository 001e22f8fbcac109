# What the engine asks of an ndarray at every operation, without a Python-level call.
# Only macros that read the array: functions of NumPy's C API would need import_array().
cimport numpy as cnp


cdef inline int ndim(object a) noexcept:
    return cnp.PyArray_NDIM(<cnp.ndarray> a)


cdef inline bint same_shape(object a, object b) noexcept:
    cdef int n = cnp.PyArray_NDIM(<cnp.ndarray> a), i
    if n != cnp.PyArray_NDIM(<cnp.ndarray> b):
        return False
    for i in range(n):
        if cnp.PyArray_DIM(<cnp.ndarray> a, i) != cnp.PyArray_DIM(<cnp.ndarray> b, i):
            return False
    return True


cdef inline bint same_dtype(object a, object b) noexcept:
    return cnp.PyArray_TYPE(<cnp.ndarray> a) == cnp.PyArray_TYPE(<cnp.ndarray> b)


cdef inline bint is_float(object a) noexcept:
    cdef int kind = cnp.PyArray_TYPE(<cnp.ndarray> a)
    return kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_FLOAT64


cdef inline bint is_array(object a) noexcept:
    return isinstance(a, cnp.ndarray)


cdef inline bint same_memory(object a, object b) noexcept:
    return cnp.PyArray_DATA(<cnp.ndarray> a) == cnp.PyArray_DATA(<cnp.ndarray> b)
