# For operations that call these kernels as C functions, without a Python-level call.
cpdef object embedding(object w, object index, Py_ssize_t skip)
cpdef object embedding_backward(object dy, object index, Py_ssize_t rows, Py_ssize_t skip)
