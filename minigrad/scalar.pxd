# The C types of scalar.py, which runs without them too, as plain Python.

ctypedef fused Number:  # a rule becomes two C functions, on floats and on Values
    double
    object

cdef int LEAF, CONSTANT, ADD, SUB, MUL, DIV, POW, EXP, LOG, TANH, SIGMOID, RELU

cdef double _forward(int op, double x, double y) except? -1
cdef double _function(int op, double x, double y) except? -1
cdef Number _to_left(int op, Number x, Number y, Number z, Number g)
cdef Number _to_right(int op, Number x, Number y, Number z, Number g)
cdef Number _again(int op, Number x, Number y)
cdef object _apply(int op, object left, object right)
cdef Value _operand(object v)
cdef Value _constant(double data)
cdef list _operations(Value root)

cdef class Value:
    cdef public double data
    cdef double _grad
    cdef Value _graph  # the gradient, where it is a Value
    cdef int _op  # LEAF, CONSTANT, or the operation on _left and _right that made it
    cdef int _visits  # by the walk that orders the graph
    cdef Value _left
    cdef Value _right
