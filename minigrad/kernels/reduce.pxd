# For operations that call these kernels as C functions, without a Python-level call.
cpdef object sum(object x, object axis=*, bint keepdims=*)
cpdef object mean(object x, object axis=*, bint keepdims=*)
cpdef object var(object x, object axis=*, object correction=*, bint keepdims=*)
cpdef object max(object x, object axis=*, bint keepdims=*)
cpdef object min(object x, object axis=*, bint keepdims=*)
cpdef object logsumexp(object x, object axis=*, bint keepdims=*)
cpdef object unbroadcast(object x, object shape, Py_ssize_t lead=*)
