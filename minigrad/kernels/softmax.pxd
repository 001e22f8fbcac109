# For operations that call these kernels as C functions, without a Python-level call.
from libc.stdint cimport int64_t

cpdef object softmax(object x)
cpdef object log_softmax(object x)
cpdef object softmax_backward(object dy, object y)
cpdef object log_softmax_backward(object dy, object y)
cpdef tuple cross_entropy(object x, object targets, object weight, int64_t ignore_index,
                          double smoothing, str reduction)
cpdef object cross_entropy_backward(object dy, object x, object stats, object targets,
                                    object weight, int64_t ignore_index, double smoothing,
                                    double scale)
