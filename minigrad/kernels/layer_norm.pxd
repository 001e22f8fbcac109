# For operations that call these kernels as C functions, without a Python-level call.
cpdef tuple layer_norm(object x, object weight, object bias, int axes, double eps)
cpdef tuple layer_norm_backward(object dy, object x, object weight, object stats, int axes,
                                bint affine)
