# For operations that call these kernels as C functions, without a Python-level call.
cpdef tuple batch_norm(object x, object weight, object bias, object mean, object var, double eps)
cpdef tuple batch_norm_backward(object dy, object x, object weight, object mean, object var,
                                double eps, bint training)
