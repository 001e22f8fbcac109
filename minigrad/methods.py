"""Tensor's operators and methods: each is one line that hands over to `minigrad.ops`.

A compiled class cannot be given methods later, and the operations are built on the class, so the
methods stand here, below the engine, and reach the operations through two doors that
`ops/__init__.py` opens at import: `ops`, the package itself, and `slots`, what is too hot for a
Python-level call (C function pointers when compiled). A third leads to the backward pass.

A `Method` stands for the function of its name, whose arguments and documentation it has.
"""

from types import MethodType, SimpleNamespace

import numpy as np

try:
    import cython
except ImportError:
    from minigrad import _cython as cython

ops = None
backward_pass = None
if not cython.compiled:
    slots = SimpleNamespace()

_NUMBERS = (float, int, np.ndarray, np.generic)


def bind(package):
    """Open the door: `package` is `minigrad.ops`, complete."""
    global ops
    ops = package


def bind_pass(function):
    """Open the third door: what `Tensor.backward` calls."""
    global backward_pass
    backward_pass = function


def get_pass():
    """The backward pass, `minigrad.backward.backward`."""
    return backward_pass


def get_ops():
    """The operations, for the engine itself (casts, sums and stacks it needs in `backward`)."""
    return ops


@cython.cfunc
def _operand(x) -> cython.bint:
    return isinstance(x, Methods) or isinstance(x, _NUMBERS)  # noqa: SIM101  the first is a C check


@cython.cclass
class Method:
    """`x.name(...)` is `minigrad.ops.name(x, ...)`; the class's own attribute is that function."""

    name: str
    function: object

    def __init__(self, name):
        self.name = name
        self.function = None

    def __get__(self, tensor, owner):
        if self.function is None:
            self.function = getattr(ops, self.name)
        return self.function if tensor is None else MethodType(self.function, tensor)


@cython.cclass
class Storage:
    """The version of a piece of memory, shared by all tensors that look at it.

    `version` counts changes in place, `changed_by` names the last; `rebased` counts those that
    were recorded in the graph, after which older views must be renewed (`ops/overwrite.py`).
    """


@cython.freelist(512)
@cython.cclass
class Methods:
    """Base of Tensor: its fields, the operators and the methods that are operations.

    The fields stand here because only a class without a base recycles its objects.
    """

    # operators ------------------------------------------------------------------------------
    def __add__(self, other):
        return slots.add(self, other) if _operand(other) else NotImplemented

    def __radd__(self, other):
        return slots.add(other, self) if _operand(other) else NotImplemented

    def __sub__(self, other):
        return slots.sub(self, other) if _operand(other) else NotImplemented

    def __rsub__(self, other):
        return slots.sub(other, self) if _operand(other) else NotImplemented

    def __mul__(self, other):
        return slots.mul(self, other) if _operand(other) else NotImplemented

    def __rmul__(self, other):
        return slots.mul(other, self) if _operand(other) else NotImplemented

    def __truediv__(self, other):
        return slots.div(self, other) if _operand(other) else NotImplemented

    def __rtruediv__(self, other):
        return slots.div(other, self) if _operand(other) else NotImplemented

    def __pow__(self, other, modulo=None):
        return slots.pow(self, other) if _operand(other) and modulo is None else NotImplemented

    def __rpow__(self, other, modulo=None):
        return slots.pow(other, self) if _operand(other) and modulo is None else NotImplemented

    def __matmul__(self, other):
        return slots.matmul(self, other) if _operand(other) else NotImplemented

    def __rmatmul__(self, other):
        return slots.matmul(other, self) if _operand(other) else NotImplemented

    def __neg__(self):
        return slots.neg(self)

    def __pos__(self):
        return self

    def __abs__(self):
        return ops.abs(self)

    def __mod__(self, other):
        return ops.remainder(self, other) if _operand(other) else NotImplemented

    def __rmod__(self, other):
        return ops.remainder(other, self) if _operand(other) else NotImplemented

    def __floordiv__(self, other):
        return ops.floor_divide(self, other) if _operand(other) else NotImplemented

    def __rfloordiv__(self, other):
        return ops.floor_divide(other, self) if _operand(other) else NotImplemented

    def __invert__(self):
        return ops.bitwise_not(self)

    def __and__(self, other):
        return ops.bitwise_and(self, other) if _operand(other) else NotImplemented

    def __rand__(self, other):
        return ops.bitwise_and(other, self) if _operand(other) else NotImplemented

    def __or__(self, other):
        return ops.bitwise_or(self, other) if _operand(other) else NotImplemented

    def __ror__(self, other):
        return ops.bitwise_or(other, self) if _operand(other) else NotImplemented

    def __xor__(self, other):
        return ops.bitwise_xor(self, other) if _operand(other) else NotImplemented

    def __rxor__(self, other):
        return ops.bitwise_xor(other, self) if _operand(other) else NotImplemented

    def __iadd__(self, other):
        return ops.add_(self, other)

    def __isub__(self, other):
        return ops.sub_(self, other)

    def __imul__(self, other):
        return ops.mul_(self, other)

    def __itruediv__(self, other):
        return ops.div_(self, other)

    def __ipow__(self, other):
        return ops.pow_(self, other)

    def __imod__(self, other):
        return ops.remainder_(self, other)

    def __ifloordiv__(self, other):
        return ops.floor_divide_(self, other)

    def __iand__(self, other):
        return ops.bitwise_and_(self, other)

    def __ior__(self, other):
        return ops.bitwise_or_(self, other)

    def __ixor__(self, other):
        return ops.bitwise_xor_(self, other)

    def __eq__(self, other):
        return ops.eq(self, other) if _operand(other) else NotImplemented

    def __ne__(self, other):
        return ops.ne(self, other) if _operand(other) else NotImplemented

    def __lt__(self, other):
        return ops.lt(self, other) if _operand(other) else NotImplemented

    def __le__(self, other):
        return ops.le(self, other) if _operand(other) else NotImplemented

    def __gt__(self, other):
        return ops.gt(self, other) if _operand(other) else NotImplemented

    def __ge__(self, other):
        return ops.ge(self, other) if _operand(other) else NotImplemented

    def __hash__(self):
        return object.__hash__(self)

    def __getitem__(self, index):
        return ops.getitem(self, index)

    def __setitem__(self, index, value):
        ops.setitem(self, index, value)

    # operations -----------------------------------------------------------------------------
    # The methods with a slot of their own, and those whose arguments differ from the function's.
    def exp(self):
        return slots.exp(self)

    def log(self):
        return slots.log(self)

    def tanh(self):
        return slots.tanh(self)

    def sigmoid(self):
        return slots.sigmoid(self)

    def relu(self):
        return slots.relu(self)

    def where(self, condition, other):
        return ops.where(condition, self, other)

    @property
    def T(self):
        """The matrix transposed (all axes reversed)."""
        n = self.ndim
        return ops.mT(self) if n == 2 else ops.permute(self, *range(n - 1, -1, -1))

    @property
    def mT(self):
        """The last two axes exchanged."""
        return ops.mT(self)

    def float(self):
        return ops.to(self, "float32")

    def double(self):
        return ops.to(self, "float64")

    def int(self):
        return ops.to(self, "int32")

    def long(self):
        return ops.to(self, "int64")

    def bool(self):
        return ops.to(self, "bool")

    # All others: `x.name(...)` is `ops.name(x, ...)`.

    # pointwise
    add = Method("add")
    sub = Method("sub")
    mul = Method("mul")
    div = Method("div")
    pow = Method("pow")
    neg = Method("neg")
    abs = Method("abs")
    sign = Method("sign")
    square = Method("square")
    sqrt = Method("sqrt")
    rsqrt = Method("rsqrt")
    reciprocal = Method("reciprocal")
    exp2 = Method("exp2")
    expm1 = Method("expm1")
    log2 = Method("log2")
    log10 = Method("log10")
    log1p = Method("log1p")
    float_power = Method("float_power")
    sin = Method("sin")
    cos = Method("cos")
    tan = Method("tan")
    asin = Method("asin")
    acos = Method("acos")
    atan = Method("atan")
    sinh = Method("sinh")
    cosh = Method("cosh")
    asinh = Method("asinh")
    acosh = Method("acosh")
    atanh = Method("atanh")
    atan2 = Method("atan2")
    erf = Method("erf")
    erfc = Method("erfc")
    logit = Method("logit")
    hypot = Method("hypot")
    logaddexp = Method("logaddexp")
    xlogy = Method("xlogy")
    lerp = Method("lerp")
    addcmul = Method("addcmul")
    addcdiv = Method("addcdiv")
    maximum = Method("maximum")
    minimum = Method("minimum")
    clamp = Method("clamp")
    clamp_min = Method("clamp_min")
    clamp_max = Method("clamp_max")
    floor = Method("floor")
    ceil = Method("ceil")
    round = Method("round")
    trunc = Method("trunc")
    fmod = Method("fmod")
    remainder = Method("remainder")
    floor_divide = Method("floor_divide")
    true_divide = Method("true_divide")

    # comparisons and logic
    eq = Method("eq")
    ne = Method("ne")
    lt = Method("lt")
    le = Method("le")
    gt = Method("gt")
    ge = Method("ge")
    isnan = Method("isnan")
    isinf = Method("isinf")
    isfinite = Method("isfinite")
    isclose = Method("isclose")
    allclose = Method("allclose")
    equal = Method("equal")
    logical_not = Method("logical_not")
    logical_and = Method("logical_and")
    logical_or = Method("logical_or")
    logical_xor = Method("logical_xor")
    bitwise_not = Method("bitwise_not")
    bitwise_and = Method("bitwise_and")
    bitwise_or = Method("bitwise_or")
    bitwise_xor = Method("bitwise_xor")

    # reductions and order
    sum = Method("sum")
    mean = Method("mean")
    prod = Method("prod")
    max = Method("max")
    min = Method("min")
    amax = Method("amax")
    amin = Method("amin")
    aminmax = Method("aminmax")
    var = Method("var")
    std = Method("std")
    logsumexp = Method("logsumexp")
    norm = Method("norm")
    cumsum = Method("cumsum")
    cumprod = Method("cumprod")
    any = Method("any")
    all = Method("all")
    argmax = Method("argmax")
    argmin = Method("argmin")
    median = Method("median")
    topk = Method("topk")
    sort = Method("sort")
    argsort = Method("argsort")
    unique = Method("unique")
    count_nonzero = Method("count_nonzero")
    softmax = Method("softmax")
    log_softmax = Method("log_softmax")

    # linear algebra
    matmul = Method("matmul")
    mm = Method("mm")
    bmm = Method("bmm")
    mv = Method("mv")
    dot = Method("dot")
    vdot = Method("vdot")
    inner = Method("inner")
    outer = Method("outer")
    ger = Method("ger")
    addmm = Method("addmm")
    addmv = Method("addmv")
    addbmm = Method("addbmm")
    baddbmm = Method("baddbmm")
    addr = Method("addr")
    trace = Method("trace")
    det = Method("det")
    slogdet = Method("slogdet")
    logdet = Method("logdet")
    inverse = Method("inverse")
    cholesky = Method("cholesky")
    qr = Method("qr")
    svd = Method("svd")
    kron = Method("kron")

    # shape
    reshape = Method("reshape")
    reshape_as = Method("reshape_as")
    view = Method("view")
    view_as = Method("view_as")
    flatten = Method("flatten")
    unflatten = Method("unflatten")
    ravel = Method("ravel")
    squeeze = Method("squeeze")
    unsqueeze = Method("unsqueeze")
    transpose = Method("transpose")
    t = Method("t")
    swapaxes = Method("swapaxes")
    swapdims = Method("swapdims")
    permute = Method("permute")
    movedim = Method("movedim")
    moveaxis = Method("moveaxis")
    expand = Method("expand")
    expand_as = Method("expand_as")
    broadcast_to = Method("broadcast_to")
    repeat = Method("repeat")
    tile = Method("tile")
    repeat_interleave = Method("repeat_interleave")
    split = Method("split")
    split_with_sizes = Method("split_with_sizes")
    chunk = Method("chunk")
    tensor_split = Method("tensor_split")
    unbind = Method("unbind")
    flip = Method("flip")
    fliplr = Method("fliplr")
    flipud = Method("flipud")
    roll = Method("roll")
    narrow = Method("narrow")
    diagonal = Method("diagonal")
    diag = Method("diag")
    diag_embed = Method("diag_embed")
    diagflat = Method("diagflat")
    tril = Method("tril")
    triu = Method("triu")
    clone = Method("clone")
    contiguous = Method("contiguous")
    to = Method("to")

    # indexing
    select = Method("select")
    index_select = Method("index_select")
    gather = Method("gather")
    take = Method("take")
    take_along_dim = Method("take_along_dim")
    masked_fill = Method("masked_fill")
    masked_select = Method("masked_select")
    masked_scatter = Method("masked_scatter")
    index_put = Method("index_put")
    index_add = Method("index_add")
    index_fill = Method("index_fill")
    index_copy = Method("index_copy")
    scatter = Method("scatter")
    scatter_add = Method("scatter_add")
    nonzero = Method("nonzero")
    argwhere = Method("argwhere")

    # in place
    add_ = Method("add_")
    sub_ = Method("sub_")
    mul_ = Method("mul_")
    div_ = Method("div_")
    pow_ = Method("pow_")
    neg_ = Method("neg_")
    abs_ = Method("abs_")
    sign_ = Method("sign_")
    square_ = Method("square_")
    sqrt_ = Method("sqrt_")
    rsqrt_ = Method("rsqrt_")
    reciprocal_ = Method("reciprocal_")
    exp_ = Method("exp_")
    exp2_ = Method("exp2_")
    expm1_ = Method("expm1_")
    log_ = Method("log_")
    log2_ = Method("log2_")
    log10_ = Method("log10_")
    log1p_ = Method("log1p_")
    sin_ = Method("sin_")
    cos_ = Method("cos_")
    tan_ = Method("tan_")
    asin_ = Method("asin_")
    acos_ = Method("acos_")
    atan_ = Method("atan_")
    sinh_ = Method("sinh_")
    cosh_ = Method("cosh_")
    tanh_ = Method("tanh_")
    asinh_ = Method("asinh_")
    acosh_ = Method("acosh_")
    atanh_ = Method("atanh_")
    atan2_ = Method("atan2_")
    erf_ = Method("erf_")
    erfc_ = Method("erfc_")
    sigmoid_ = Method("sigmoid_")
    logit_ = Method("logit_")
    relu_ = Method("relu_")
    hypot_ = Method("hypot_")
    xlogy_ = Method("xlogy_")
    lerp_ = Method("lerp_")
    addcmul_ = Method("addcmul_")
    addcdiv_ = Method("addcdiv_")
    clamp_ = Method("clamp_")
    clamp_min_ = Method("clamp_min_")
    clamp_max_ = Method("clamp_max_")
    floor_ = Method("floor_")
    ceil_ = Method("ceil_")
    round_ = Method("round_")
    trunc_ = Method("trunc_")
    fmod_ = Method("fmod_")
    remainder_ = Method("remainder_")
    floor_divide_ = Method("floor_divide_")
    true_divide_ = Method("true_divide_")
    float_power_ = Method("float_power_")
    eq_ = Method("eq_")
    ne_ = Method("ne_")
    lt_ = Method("lt_")
    le_ = Method("le_")
    gt_ = Method("gt_")
    ge_ = Method("ge_")
    logical_not_ = Method("logical_not_")
    logical_and_ = Method("logical_and_")
    logical_or_ = Method("logical_or_")
    logical_xor_ = Method("logical_xor_")
    bitwise_not_ = Method("bitwise_not_")
    bitwise_and_ = Method("bitwise_and_")
    bitwise_or_ = Method("bitwise_or_")
    bitwise_xor_ = Method("bitwise_xor_")
    addmm_ = Method("addmm_")
    addmv_ = Method("addmv_")
    addbmm_ = Method("addbmm_")
    baddbmm_ = Method("baddbmm_")
    addr_ = Method("addr_")
    cumsum_ = Method("cumsum_")
    cumprod_ = Method("cumprod_")
    fill_ = Method("fill_")
    zero_ = Method("zero_")
    copy_ = Method("copy_")
    uniform_ = Method("uniform_")
    normal_ = Method("normal_")
    squeeze_ = Method("squeeze_")
    unsqueeze_ = Method("unsqueeze_")
    transpose_ = Method("transpose_")
    t_ = Method("t_")
    swapaxes_ = Method("swapaxes_")
    swapdims_ = Method("swapdims_")
    tril_ = Method("tril_")
    triu_ = Method("triu_")
    fill_diagonal_ = Method("fill_diagonal_")
    masked_fill_ = Method("masked_fill_")
    masked_scatter_ = Method("masked_scatter_")
    index_put_ = Method("index_put_")
    index_add_ = Method("index_add_")
    index_fill_ = Method("index_fill_")
    index_copy_ = Method("index_copy_")
    scatter_ = Method("scatter_")
    scatter_add_ = Method("scatter_add_")


if not cython.compiled:  # C fields start as None and 0; Python's must be told
    Storage.version = Storage.rebased = 0
    Storage.changed_by = None
