"""The scalar engine: reverse-mode derivatives of single numbers, to any order. Read it first.

A `Value` remembers the operation that made it and its two operands. An operation is one row in
three tables: what it computes, what it passes back to its left operand, and what to its right.
`Value.backward` walks from the result to the inputs and adds up what is passed back. The rules
are arithmetic, written once: on floats they give numbers, on Values a graph to differentiate
again. Neuron, Layer and MLP, the networks of Values, are in `scalar_nn.py`.
"""

from __future__ import annotations

from math import exp, log, nan, pow, tanh
from numbers import Real

try:
    import cython
except ImportError:
    from minigrad import _cython as cython
if cython.compiled:  # each rule becomes two C functions; uncompiled, Python takes any number
    Number = cython.fused_type(cython.double, object)

cython.declare(NEW=cython.int, OPEN=cython.int, DONE=cython.int, LEAF=cython.int)
cython.declare(CONSTANT=cython.int, ADD=cython.int, SUB=cython.int, MUL=cython.int)
cython.declare(DIV=cython.int, POW=cython.int, EXP=cython.int, LOG=cython.int)
cython.declare(TANH=cython.int, SIGMOID=cython.int, RELU=cython.int)
NEW, OPEN, DONE = range(3)
LEAF, CONSTANT, ADD, SUB, MUL, DIV, POW, EXP, LOG, TANH, SIGMOID, RELU = range(12)
NAMES = ("", "", "add", "sub", "mul", "div", "pow", "exp", "log", "tanh", "sigmoid", "relu")


# fmt: off
@cython.cfunc
def _forward(op: cython.int, x: cython.double, y: cython.double) -> cython.double:
    """z = op(x, y)."""
    return (x + y  if op == ADD else
            x - y  if op == SUB else
            x * y  if op == MUL else
            _function(op, x, y))

@cython.cfunc
def _function(op: cython.int, x: cython.double, y: cython.double) -> cython.double:
    """z = op(x, y) where it may fail: the errors are those of Python's floats, with a name."""
    try:
        if (op == DIV and y == 0) or (op == POW and x == 0 and y < 0):
            raise ZeroDivisionError("division by zero")
        return (x / y                  if op == DIV else
                pow(x, y)              if op == POW else
                exp(x)                 if op == EXP else
                log(x)                 if op == LOG else
                tanh(x)                if op == TANH else
                max(x, 0.0)            if op == RELU else
                1 / (1 + exp(-x))      if x >= 0 else  # SIGMOID: no exp overflows
                exp(x) / (1 + exp(x)))
    except (ArithmeticError, ValueError) as error:
        operands = f"{x}, {y}" if op <= POW else x
        raise type(error)(f"{NAMES[op]}({operands}): {error}") from None

@cython.cfunc
def _to_left(op: cython.int, x: Number, y: Number, z: Number, g: Number) -> Number:
    """dL/dx = g dz/dx for z = op(x, y) and g = dL/dz."""
    return (g                              if op in (ADD, SUB) else
            g * y                          if op == MUL else
            g / y                          if op == DIV else
            g * 0.0                        if op == POW and x == 0 and y == 0 else
            g * y * _again(POW, x, y - 1)  if op == POW else
            g * z                          if op == EXP else
            g / x                          if op == LOG else
            g * (1 - z * z)                if op == TANH else
            g * (x > 0)                    if op == RELU else
            g * z * (1 - z))               # SIGMOID

@cython.cfunc
def _to_right(op: cython.int, x: Number, y: Number, z: Number, g: Number) -> Number:
    """dL/dy = g dz/dy for z = op(x, y) and g = dL/dz."""
    return (g                            if op == ADD else
            -g                           if op == SUB else
            g * x                        if op == MUL else
            -g * z / y                   if op == DIV else
            g * z * _again(LOG, x, 0.0)  if x > 0 else  # POW
            g * (nan if x < 0 else 0.0))  # (-2)**y exists at whole y only
# fmt: on


@cython.cfunc
def _again(op: cython.int, x: Number, y: Number) -> Number:
    """op(x, y) inside a rule."""
    return _apply(op, x, y) if isinstance(x, Value) else _forward(op, x, y)


@cython.cfunc
def _apply(op: cython.int, left, right):
    """The Value z = op(left, right); made of constants alone it is one, and remembers nothing."""
    x: Value = _operand(left)
    y: Value = _operand(right)
    if x is None or y is None:
        return NotImplemented
    z: Value = _constant(_forward(op, x.data, y.data))
    if x._op != CONSTANT or y._op != CONSTANT:
        z._op, z._left, z._right = op, x, y
    return z


@cython.cfunc
@cython.inline
def _operand(v) -> Value:
    """v as a Value; None if it is not even a number."""
    if isinstance(v, Value):
        return v
    return _constant(v) if isinstance(v, (float, int, Real)) else None


@cython.cfunc
@cython.inline
def _constant(data: cython.double) -> Value:
    v: Value = Value.__new__(Value)
    v.data, v._op = float(data), CONSTANT
    return v


@cython.trashcan(True)  # freeing a graph must not recurse through it
@cython.freelist(16384)
@cython.cclass
class Value:
    """A number that knows `+ - * / **`, `relu tanh exp log sigmoid` and its derivatives.

    A plain number on either side is a constant, without a gradient. Comparisons, `==` too, are
    by value, `hash` is by identity: sets and dicts tell equal Values apart. Errors are those of
    floats (1/0 ZeroDivisionError, log 0 ValueError, exp 1000 OverflowError) and name the
    operation. At 0, relu, x**0 and 0**y are taken as flat.

    >>> from minigrad.scalar import Value
    >>> x = Value(2.0)
    >>> y = x**3 + 5 * x
    >>> y.backward(create_graph=True)
    >>> dy, x.grad = x.grad, 0.0
    >>> dy.backward()
    >>> dy, x
    (Value(data=17.0, grad=1.0), Value(data=2.0, grad=12.0))
    """

    data = cython.declare(cython.double, visibility="public")
    _grad: cython.double
    _graph: Value  # the gradient, where it is a Value
    _op: cython.int
    _mark: cython.int
    _left: Value
    _right: Value
    if not cython.compiled:  # as C fields start
        _grad, _graph, _op, _mark = 0.0, None, 0, 0

    def __init__(self, data):
        self.data = float(data)

    @property
    def grad(self):
        """A float after `backward()`, a Value after `backward(create_graph=True)`; may be set."""
        return self._grad if self._graph is None else self._graph

    @grad.setter
    def grad(self, grad):
        self._grad, self._graph = float(grad), grad if isinstance(grad, Value) else None

    def zero_grad(self):
        """Set `grad` to 0.0; a gradient that was a Value lets go of its graph."""
        self.grad = 0.0

    # fmt: off
    def __add__(self, other): return _apply(ADD, self, other)
    def __radd__(self, other): return _apply(ADD, other, self)
    def __sub__(self, other): return _apply(SUB, self, other)
    def __rsub__(self, other): return _apply(SUB, other, self)
    def __mul__(self, other): return _apply(MUL, self, other)
    def __rmul__(self, other): return _apply(MUL, other, self)
    def __truediv__(self, other): return _apply(DIV, self, other)
    def __rtruediv__(self, other): return _apply(DIV, other, self)
    def __pow__(self, other): return _apply(POW, self, other)
    def __rpow__(self, other): return _apply(POW, other, self)
    def __neg__(self): return _apply(MUL, self, -1.0)
    def __eq__(self, other): return self.data == other
    def __lt__(self, other): return self.data < other
    def __le__(self, other): return self.data <= other
    def __gt__(self, other): return self.data > other
    def __ge__(self, other): return self.data >= other
    def __hash__(self): return id(self)
    def __float__(self): return self.data
    def __repr__(self): return f"Value(data={self.data}, grad={float(self.grad)})"
    def relu(self): return _apply(RELU, self, 0.0)
    def tanh(self): return _apply(TANH, self, 0.0)
    def sigmoid(self): return _apply(SIGMOID, self, 0.0)
    def exp(self): return _apply(EXP, self, 0.0)
    def log(self): return _apply(LOG, self, 0.0)
    # fmt: on

    def backward(self, create_graph: cython.bint = False):
        """Add d(self)/dx to `x.grad` of every leaf x, and set `grad` of the Values in between.

        With `create_graph=True` the gradients are Values, to go on calculating with. (A leaf and
        its gradient then refer to each other: `zero_grad` frees them, or the garbage collector.)
        """
        operations = _operations(self)
        v: Value
        for v in operations:  # from zero: only leaves add up over several calls
            v._mark, v._grad, v._graph = NEW, 0.0, None
        self.grad = self.grad + _constant(1.0) if create_graph else self._grad + 1.0
        for v in reversed(operations):
            x: Value = v._left
            y: Value = v._right
            if create_graph:
                if x._op != CONSTANT:
                    x.grad = x.grad + _to_left(v._op, x, y, v, v._graph)
                if y._op != CONSTANT:
                    y.grad = y.grad + _to_right(v._op, x, y, v, v._graph)
            else:
                if x._op != CONSTANT:
                    x._grad += _to_left(v._op, x.data, y.data, v.data, v._grad)
                    x._graph = None
                if y._op != CONSTANT:
                    y._grad += _to_right(v._op, x.data, y.data, v.data, v._grad)
                    y._graph = None


@cython.cfunc
def _operations(root: Value) -> list:
    """The operations behind root, operands first; a loop, for graphs deeper than the stack."""
    operations: list = []
    stack: list = [root]
    while stack:
        v: Value = stack.pop()
        if v._mark == NEW and v._op > CONSTANT:
            v._mark = OPEN
            stack.append(v)
            if v._left._op > CONSTANT:
                stack.append(v._left)
            if v._right._op > CONSTANT:
                stack.append(v._right)
        elif v._mark == OPEN:
            v._mark = DONE
            operations.append(v)
    return operations


def __getattr__(name):
    """Neuron, Layer and MLP, from the file above this one."""
    if name in ("Neuron", "Layer", "MLP"):
        return getattr(__import__("minigrad.scalar_nn", fromlist=[name]), name)
    raise AttributeError(f"module 'minigrad.scalar' has no attribute {name!r}")
