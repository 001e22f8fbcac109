cimport numpy as cnp

cdef object new_array(int ndim, cnp.npy_intp* dims, int kind)
