# For operations that call these kernels as C functions, without a Python-level call.
from libc.stdint cimport int64_t

cpdef object softmax(object x)
cpdef object log_softmax(object x)
cpdef object softmax_backward(object dy, object y)
cpdef object log_softmax_backward(object dy, object y)
cpdef tuple cross_entropy(object x, object targets, object weight, int64_t ignore_index,
                          double smoothing, str reduction, bint gradient)
cpdef object cross_entropy_scale_(object dx, object dy, object targets, int64_t ignore_index)
