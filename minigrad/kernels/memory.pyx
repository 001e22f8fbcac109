"""New arrays for the kernels, from blocks that were used before. Why: memory.h."""

cimport numpy as cnp
from cpython.pycapsule cimport PyCapsule_New

cnp.import_array()

cdef extern from "memory.h":
    size_t BLOCK_LEAST
    ctypedef struct Kept:
        size_t kept, used, most
    Kept memory
    struct PyDataMem_Handler:
        pass
    PyDataMem_Handler memory_handler

cdef extern from "numpy/arrayobject.h":
    char PyArray_Type
    object PyArray_NewFromDescr(void* type, void* descr, int ndim, cnp.npy_intp* dims,
                                cnp.npy_intp* strides, void* data, int flags, void* obj)
    object PyDataMem_SetHandler(object handler)
    void* PyArray_DescrFromType(int kind)

cdef object handler = PyCapsule_New(&memory_handler, "mem_handler", NULL)


cdef object new_array(int ndim, cnp.npy_intp* dims, int kind):
    """An array in C order, its numbers still to be written; `kind` is NumPy's type number."""
    cdef void* descr = PyArray_DescrFromType(kind)  # a reference that the array takes over
    cdef size_t size = 8
    cdef object before, x
    cdef int i
    for i in range(ndim):
        size *= dims[i]
    if size < BLOCK_LEAST:
        return PyArray_NewFromDescr(&PyArray_Type, descr, ndim, dims, NULL, NULL, 0, NULL)
    before = PyDataMem_SetHandler(handler)
    try:
        x = PyArray_NewFromDescr(&PyArray_Type, descr, ndim, dims, NULL, NULL, 0, NULL)
    finally:
        PyDataMem_SetHandler(before)
    return x


def state():
    """Bytes in arrays, bytes kept for the next ones, and the most that was in arrays at once."""
    return memory.used, memory.kept, memory.most
