"""The scalar engine: derivatives to any order. Read it first; networks are in `scalar_nn.py`.

A `Value` remembers the operation that made it and its two operands. An operation is one row in
three tables: what it computes, what it passes back to its left operand, and what to its right.
`Value.backward`, the reverse mode, walks from the result to the inputs and adds up what is passed
back. The rules are arithmetic: on floats they give numbers, on Values a graph to differentiate.
"""

from math import exp, log, nan, pow, tanh
from numbers import Real

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

# What made a Value. (For the compiler: the C types of this file are in scalar.pxd.)
LEAF, CONSTANT, ADD, SUB, MUL, DIV, POW, EXP, LOG, TANH, SIGMOID, RELU = range(12)
NAMES = ("", "", "add", "sub", "mul", "div", "pow", "exp", "log", "tanh", "sigmoid", "relu")


# fmt: off
def _forward(op, x, y):
    """z = op(x, y)."""
    return (x + y  if op == ADD else
            x - y  if op == SUB else
            x * y  if op == MUL else
            _function(op, x, y))

def _function(op, x, y):
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

def _to_left(op, x, y, z, g):
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

def _to_right(op, x, y, z, g):
    """dL/dy = g dz/dy for z = op(x, y) and g = dL/dz."""
    return (g                            if op == ADD else
            -g                           if op == SUB else
            g * x                        if op == MUL else
            -g * z / y                   if op == DIV else
            g * z * _again(LOG, x, 0.0)  if x > 0 else  # POW
            g * (nan if x < 0 else 0.0))  # (-2)**y exists at whole y only

def _again(op, x, y):
    """op(x, y) inside a rule."""
    return _apply(op, x, y) if isinstance(x, Value) else _forward(op, x, y)

def _apply(op, left, right):
    """The Value z = op(left, right); made of constants alone it is one, and remembers nothing."""
    x, y = _operand(left), _operand(right)
    if x is None or y is None:
        return NotImplemented
    z: Value = _constant(_forward(op, x.data, y.data))
    if x._op != CONSTANT or y._op != CONSTANT:
        z._op, z._left, z._right = op, x, y
    return z

def _operand(v):
    """v as a Value; None if it is not even a number."""
    if isinstance(v, Value):
        return v
    return _constant(v) if isinstance(v, (float, int, Real)) else None

def _constant(data):
    v: Value = Value.__new__(Value)
    v.data, v._op = float(data), CONSTANT
    return v
# fmt: on


@cython.trashcan(True)  # freeing a graph must not recurse through it
@cython.freelist(16384)
@cython.cclass
class Value:
    """A number that knows `+ - * / **`, `relu tanh exp log sigmoid` and its derivatives.

    A plain number on either side is a constant, without a gradient. Comparisons are by value,
    `hash` is by identity. Errors are those of floats (1/0 ZeroDivisionError, log 0 ValueError,
    exp 1000 OverflowError) and name the operation. relu, x**0 and 0**y are taken as flat at 0.

    >>> from minigrad.scalar import Value
    >>> x = Value(2.0)
    >>> (x**3 + 5 * x).backward(create_graph=True)
    >>> dy, x.grad = x.grad, 0.0
    >>> dy.backward()
    >>> dy, x
    (Value(data=17.0, grad=1.0), Value(data=2.0, grad=12.0))
    """

    if not cython.compiled:  # the fields that __init__ leaves as C starts them
        _grad, _graph, _op, _visits = 0.0, None, LEAF, 0

    def __init__(self, data):
        self.data = float(data)

    @property
    def grad(self):
        """A float after `backward()`, a Value after `backward(create_graph=True)`; may be set."""
        return self._grad if self._graph is None else self._graph

    @grad.setter
    def grad(self, grad):
        self._grad, self._graph = float(grad), grad if isinstance(grad, Value) else None

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
    def zero_grad(self): self.grad = 0.0
    # fmt: on

    def backward(self, create_graph: cython.bint = False):
        """Add d(self)/dx to `x.grad` of every leaf x, and set `grad` of the Values in between.

        With `create_graph=True` gradients are Values, in a cycle with x until `x.zero_grad()`.
        """
        operations = _operations(self)
        v: Value
        for v in operations:  # from zero: only leaves add up over several calls
            v._visits, v._grad, v._graph = 0, 0.0, None
        self.grad = self.grad + _constant(1.0) if create_graph else self._grad + 1.0
        for v in reversed(operations):
            x, y = v._left, v._right
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


def _operations(root):
    """The operations behind root, operands first; a loop, for graphs deeper than the stack."""
    operations, stack = [], [root]
    while stack:
        v: Value = stack.pop()
        v._visits += v._op > CONSTANT
        if v._visits == 1:  # and once more after its operands
            stack.append(v)
            if v._left._op > CONSTANT:
                stack.append(v._left)
            if v._right._op > CONSTANT:
                stack.append(v._right)
        elif v._visits == 2:
            operations.append(v)
    return operations
