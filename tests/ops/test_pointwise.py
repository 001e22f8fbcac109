"""Pointwise operations beyond the table: kinks, special values, dtypes, errors, in place."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import DtypeError, InplaceError, ShapeError

INF, NAN = math.inf, math.nan


def values(function, *inputs, dtype=mg.float64):
    """The value and the gradients of Σ f, lists."""
    xs = [mg.tensor(x, dtype=dtype, requires_grad=True) for x in inputs]
    y = function(*xs)
    grads = mg.grad(y.sum(), xs, allow_unused=True)
    return [y.tolist(), *[None if g is None else g.tolist() for g in grads]]


FLOATS = mg.tensor([1.0, 2.0, 3.0])
INTEGERS = mg.tensor([1, 2, -3])
BOOLS = mg.tensor([True, False, True])
BYTES = mg.tensor([3, 200, 7], dtype=mg.uint8)


# Kinks, ties and special values: PyTorch's subgradients --------------------------------------

KINKS = {
    "abs": (mg.abs, [[0.0, -0.0]], [[0, 0], [0, 0]]),
    "sign": (mg.sign, [[0.0, NAN, -2.0]], [[0, 0, -1], [0, 0, 0]]),
    "sqrt at 0": (mg.sqrt, [[0.0, INF]], [[0, INF], [INF, 0]]),
    "rsqrt at 0": (mg.rsqrt, [[0.0]], [[INF], [-INF]]),
    "log at 0": (mg.log, [[0.0]], [[-INF], [INF]]),
    "asin at 1": (
        mg.asin,
        [[1.0, -1.0, 2.0]],
        [[math.pi / 2, -math.pi / 2, NAN], [INF, INF, NAN]],
    ),
    "acosh below": (mg.acosh, [[1.0, 0.5]], [[0, NAN], [INF, NAN]]),
    "atanh at 1": (mg.atanh, [[1.0, -1.0]], [[INF, -INF], [INF, INF]]),
    "atan2 at 0": (
        mg.atan2,
        [[0.0, 0, 1], [0.0, -1, 0]],
        [[0, math.pi, math.pi / 2], [0, -1, 0], [0, 0, -1]],
    ),
    "hypot": (mg.hypot, [[0.0, 1e200], [0.0, 0]], [[0, 1e200], [NAN, 1], [NAN, 0]]),
    "logaddexp": (
        mg.logaddexp,
        [[-INF, -INF, 0], [-INF, 0, INF]],
        [[-INF, 0, INF], [NAN, 0, 0], [NAN, 1, 1]],
    ),
    "xlogy at 0": (
        mg.xlogy,
        [[0.0, 0, 0, 0], [0.0, -1, INF, NAN]],
        [[0, 0, 0, NAN], [0, 0, INF, NAN], [0, 0, 0, NAN]],
    ),
    "logit": (mg.logit, [[0.0, 1, 0.5, 2]], [[-INF, INF, 0, NAN], [INF, INF, 4, NAN]]),
    "logit eps": (
        lambda x: mg.logit(x, 0.25),
        [[0.0, 0.5, 0.75, 2]],
        [[-math.log(3), 0, math.log(3), math.log(3)], [0, 4, 16 / 3, 0]],
    ),
    "maximum": (
        mg.maximum,
        [[1.0, NAN, 1, 3], [1.0, 1, NAN, 2]],
        [[1, NAN, NAN, 3], [0.5, 1, 1, 1], [0.5, 1, 1, 0]],
    ),
    "minimum": (
        mg.minimum,
        [[1.0, NAN, 1, 3], [1.0, 1, NAN, 2]],
        [[1, NAN, NAN, 2], [0.5, 1, 1, 0], [0.5, 1, 1, 1]],
    ),
    "clamp": (lambda x: mg.clamp(x, 0, 1), [[0.0, 1, 2, NAN]], [[0, 1, 1, NAN], [1, 1, 0, 0]]),
    "clamp crossed": (lambda x: mg.clamp(x, 2, 1), [[0.0, 1.5, 3]], [[1, 1, 1], [0, 0, 0]]),
    "clamp tensors": (
        mg.clamp,
        [[0.0, 1, 2, 1.5, -1, -1], [0.0, 0, 0, 2, 1, 0], [1.0, 1, 1, 1, 0, 0]],
        [[0, 1, 1, 1, 0, 0], [1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 1, 0]],
    ),
    "clamp_min": (
        mg.clamp_min,
        [[0.0, -1, NAN, 1], [0.0, 0, 0, NAN]],
        [[0, 0, NAN, NAN], [1, 0, 1, 0], [0, 1, 0, 1]],
    ),
    "pow at 0": (mg.pow, [[0.0, 0, -2], [0.0, 2, 2]], [[1, 0, 4], [0, 0, -4], [0, 0, NAN]]),
    "fmod": (
        mg.fmod,
        [[5.0, -5, 5, -5], [3.0, 3, -3, -3]],
        [[2, -2, 2, -2], [1, 1, 1, 1], [-1, 1, 1, -1]],
    ),
    "remainder": (
        mg.remainder,
        [[5.0, -5, 5, -5], [3.0, 3, -3, -3]],
        [[2, 1, -1, -2], [1, 1, 1, 1], [-1, 2, 2, -1]],
    ),
    "remainder by 0": (mg.remainder, [[1.0, INF], [0.0, 2]], [[NAN, NAN], [1, 1], [-INF, NAN]]),
    "floor_divide": (
        mg.floor_divide,
        [[5.0, -5, 1, 0], [3.0, 3, 0, 0]],
        [[1, -2, INF, NAN], [0] * 4, [0] * 4],
    ),
    "round halves": (mg.round, [[0.5, 1.5, -2.5]], [[0, 2, -2], [0, 0, 0]]),
    "lerp at the ends": (
        mg.lerp,
        [[0.1, 0.1], [0.7, 0.7], [0.0, 1.0]],
        [[0.1, 0.7], [1, 0], [0, 1], [0.6, 0.6]],
    ),
}


@pytest.mark.parametrize("name", KINKS)
def test_special_values_are_pytorchs(name):
    function, inputs, expected = KINKS[name]
    for ours, wanted in zip(values(function, *inputs), expected, strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=1e-12, atol=1e-12)


def test_erfc_keeps_its_tail():
    assert mg.erfc(mg.tensor(10.0, dtype=mg.float64)).item() == math.erfc(10)


def test_lerp_meets_both_ends_exactly():
    x, y = mg.tensor([0.1, 1e8]), mg.tensor([0.7, -3.3])
    assert mg.equal(mg.lerp(x, y, 0.0), x) and mg.equal(mg.lerp(x, y, 1.0), y)


def test_no_nan_comes_from_the_side_that_is_not_taken():
    x = mg.tensor([0.0, 4.0], dtype=mg.float64, requires_grad=True)
    y = mg.where(x > 0, mg.sqrt(mg.clamp_min(x, 1e-30)), 0.0) + mg.xlogy(x, x + 1)
    (g,) = mg.grad(y.sum(), x, create_graph=True)
    (h,) = mg.grad(g.sum(), x)
    assert np.isfinite(g.detach().numpy()).all() and np.isfinite(h.numpy()).all()


@pytest.mark.parametrize(
    ("x", "y", "wanted"),
    [
        (0, 4, [0, 0, 0, 0, 24]),
        (0, 2, [0, 0, 2, 0, 0]),
        (0, 1, [0, 1, 0, 0, 0]),
        (0, 0, [1, 0, 0, 0, 0]),
        (-2, 3, [-8, 12, -12, 6, 0]),
    ],
)
def test_whole_powers_have_every_derivative_even_at_0(x, y, wanted):
    x, y = (mg.tensor(v, dtype=mg.float64, requires_grad=True) for v in (float(x), float(y)))
    z = mg.pow(x, y)
    for want in wanted:
        assert z.item() == want
        z = mg.grad(z, x, create_graph=True)[0]


def test_mixed_derivative_of_a_power_is_symmetric_at_exponent_0():
    x, y = (mg.tensor(v, dtype=mg.float64, requires_grad=True) for v in (4.0, 0.0))
    dx, dy = mg.grad(mg.pow(x, y), (x, y), create_graph=True)
    assert mg.grad(dx, y)[0].item() == mg.grad(dy, x)[0].item() == 0.25  # PyTorch: 0 and 0.25


def test_inputs_outside_the_graph_give_no_warning():
    with np.errstate(all="raise"):
        for f in (mg.log2, mg.log10, mg.asin, mg.acosh, mg.atanh, mg.logit, mg.exp2, mg.cosh):
            f(mg.tensor([-2e9, 0.0, 2e9, INF, NAN]))
        for f in (mg.xlogy, mg.remainder, mg.fmod, mg.floor_divide, mg.hypot, mg.logaddexp):
            f(mg.tensor([0.0, 1.0, INF]), mg.tensor([0.0, 0.0, NAN]))


# Dtypes --------------------------------------------------------------------------------------

UNARY = """sqrt rsqrt reciprocal exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan
sinh cosh tanh asinh acosh atanh erf erfc sigmoid logit""".split()


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("x", [INTEGERS, BOOLS, BYTES], ids=["int64", "bool", "uint8"])
def test_integers_and_bools_become_float32(name, x):
    got = getattr(mg, name)(x)
    assert got.dtype == mg.float32
    with np.errstate(over="ignore"):
        wanted = getattr(mg, name)(x.double()).float()
    np.testing.assert_allclose(got.numpy(), wanted.numpy(), rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "dtype", "wanted"),
    [
        (lambda: mg.square(BOOLS), mg.int64, [1, 0, 1]),
        (lambda: mg.neg(BYTES), mg.uint8, [253, 56, 249]),
        (lambda: mg.sign(BOOLS), bool, [True, False, True]),
        (lambda: mg.sign(INTEGERS), mg.int64, [1, 1, -1]),
        (lambda: mg.floor(INTEGERS), mg.int64, [1, 2, -3]),
        (lambda: mg.add(BYTES, BYTES, alpha=-3), mg.uint8, [250, 112, 242]),
        (lambda: BYTES + 300, mg.uint8, [47, 244, 51]),
        (lambda: mg.add(BOOLS, BOOLS, alpha=True), bool, [True, False, True]),
        (lambda: mg.add(INTEGERS, FLOATS, alpha=1.5), mg.float32, [2.5, 5.0, 1.5]),
        (lambda: mg.rsub(INTEGERS, 1), mg.int64, [0, -1, 4]),
        (lambda: mg.div(INTEGERS, 2, rounding_mode="floor"), mg.int64, [0, 1, -2]),
        (lambda: mg.div(INTEGERS, 2, rounding_mode="trunc"), mg.int64, [0, 1, -1]),
        (lambda: mg.div(INTEGERS, 2.5, rounding_mode="floor"), mg.float32, [0, 0, -2]),
        (lambda: mg.fmod(INTEGERS, 2), mg.int64, [1, 0, -1]),
        (lambda: mg.remainder(INTEGERS, -2), mg.int64, [-1, 0, -1]),
        (lambda: mg.remainder(5, INTEGERS), mg.int64, [0, 1, -1]),
        (lambda: mg.pow(INTEGERS, INTEGERS), mg.int64, [1, 4, 0]),
        (lambda: mg.pow(mg.tensor([-1, 1, -1]), mg.tensor([-3, -3, -2])), mg.int64, [-1, 1, 1]),
        (lambda: mg.pow(2, INTEGERS), mg.int64, [2, 4, 0]),
        (lambda: mg.pow(2.0, INTEGERS), mg.float32, [2, 4, 0.125]),
        (lambda: mg.pow(BOOLS, 2), mg.int64, [1, 0, 1]),
        (lambda: mg.float_power(INTEGERS, -1), mg.float64, [1, 0.5, -1 / 3]),
        (lambda: mg.clamp(INTEGERS, 1.5), mg.float32, [1.5, 2, 1.5]),
        (lambda: mg.clamp(BOOLS, 0, 1), mg.int64, [1, 0, 1]),
        (lambda: mg.clamp(INTEGERS, min=FLOATS), mg.float32, [1, 2, 3]),
        (lambda: mg.maximum(INTEGERS, FLOATS), mg.float32, [1, 2, 3]),
        (lambda: mg.div(INTEGERS, mg.tensor(2.0, dtype=mg.float64)), mg.float64, [0.5, 1, -1.5]),
        (
            lambda: mg.xlogy(mg.tensor(2.0, dtype=mg.float64), INTEGERS**2 // 9),
            mg.float64,
            [-INF, -INF, 0],
        ),
        (lambda: mg.clamp(mg.tensor([-5, 5], dtype=mg.int16), -2, 300), mg.int16, [-2, 5]),
        (lambda: mg.where(BOOLS, 1, 2), mg.int64, [1, 2, 1]),
        (lambda: mg.where(BOOLS, 1.0, 2), mg.float32, [1, 2, 1]),
        (
            lambda: mg.where(mg.tensor([1, 0, 2], dtype=mg.uint8), INTEGERS, BOOLS),
            mg.int64,
            [1, 0, -3],
        ),
        (
            lambda: mg.atan2(INTEGERS, INTEGERS),
            mg.float32,
            [math.pi / 4, math.pi / 4, -3 * math.pi / 4],
        ),
        (lambda: mg.xlogy(0, FLOATS), mg.float32, [0, 0, 0]),
        (lambda: mg.xlogy(FLOATS, 1), mg.float32, [0, 0, 0]),
        (lambda: mg.lerp(FLOATS, FLOATS, mg.tensor(0.5, dtype=mg.float64)), mg.float32, [1, 2, 3]),
        (lambda: mg.logical_and(INTEGERS, FLOATS - 1), bool, [False, True, True]),
        (lambda: mg.addcmul(INTEGERS, INTEGERS, INTEGERS, value=1.5), mg.int64, [2, 6, 6]),
        (lambda: mg.addcdiv(FLOATS, FLOATS, INTEGERS), mg.float32, [2, 3, 2]),
        (lambda: mg.bitwise_and(INTEGERS, BOOLS), mg.int64, [1, 0, 1]),
        (lambda: mg.bitwise_not(BYTES), mg.uint8, [252, 55, 248]),
        (lambda: ~BOOLS, bool, [False, True, False]),
        (lambda: ~INTEGERS, mg.int64, [-2, -3, 2]),
        (lambda: BOOLS & True | False, bool, [True, False, True]),
        (lambda: 6 & INTEGERS, mg.int64, [0, 2, 4]),
        (lambda: (INTEGERS | 4) ^ 1, mg.int64, [4, 7, -4]),
        (lambda: INTEGERS % 2, mg.int64, [1, 0, 1]),
        (lambda: INTEGERS // 2, mg.int64, [0, 1, -2]),
        (lambda: 7 // INTEGERS, mg.int64, [7, 3, -3]),
        (lambda: 7.5 % FLOATS, mg.float32, [0.5, 1.5, 1.5]),
        (lambda: mg.isclose(INTEGERS, INTEGERS), bool, [True] * 3),
    ],
)
def test_dtype_and_value(make, dtype, wanted):
    got = make()
    assert got.dtype == dtype
    np.testing.assert_allclose(got.numpy(), np.array(wanted), rtol=1e-6)


def test_where_of_a_condition_alone_is_its_places():
    rows, columns = mg.where(mg.tensor([[0.0, 2.0], [3.0, 0.0]]))
    assert rows.tolist() == [0, 1] and columns.tolist() == [1, 0]


def test_closeness():
    x = mg.tensor([1.0, INF, NAN])
    assert mg.isclose(x, x).tolist() == [True, True, False]
    assert mg.isclose(x, x, equal_nan=True).all()
    assert mg.allclose(FLOATS, FLOATS[:1]) is False
    assert mg.equal(FLOATS, FLOATS[:2]) is False and mg.equal(FLOATS, FLOATS.double()) is True


BINARY = """add sub rsub mul div pow float_power atan2 hypot logaddexp xlogy maximum minimum fmod
remainder floor_divide clamp_min clamp_max eq lt logical_and isclose""".split()


@pytest.mark.parametrize("name", BINARY)
def test_zero_size_and_broadcasting(name):
    function = getattr(mg, name)
    assert function(mg.ones(0, 1, 3), mg.ones(2, 1)).shape == (0, 2, 3)
    assert function(mg.ones(()), mg.ones(())).shape == ()
    with pytest.raises(ShapeError, match=r"\(2,\).*\(3,\)"):
        function(mg.ones(2), mg.ones(3))


# Errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["square", "abs", "sign", "floor", "round", "isnan", *UNARY])
@pytest.mark.parametrize("x", [2, 2.0, None, "x", [1.0]])
def test_not_a_tensor(name, x):
    with pytest.raises(TypeError, match=f"(?i){name}"):
        getattr(mg, name)(x)


@pytest.mark.parametrize(
    "name",
    "maximum minimum atan2 hypot logaddexp logical_and logical_or logical_xor isclose".split(),
)
@pytest.mark.parametrize("x", [2, None, "x"])
def test_both_must_be_tensors(name, x):
    for arguments in ((FLOATS, x), (x, FLOATS)):
        with pytest.raises(TypeError, match=name):
            getattr(mg, name)(*arguments)


@pytest.mark.parametrize("name", "pow float_power xlogy remainder fmod floor_divide eq lt".split())
def test_two_numbers(name):
    with pytest.raises(TypeError, match=name):
        getattr(mg, name)(2, 3)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: mg.neg(BOOLS), DtypeError, "neg.*bool"),
        (lambda: mg.abs(BOOLS), DtypeError, "abs.*bool"),
        (lambda: mg.floor(BOOLS), DtypeError, "floor.*bool"),
        (lambda: mg.round(INTEGERS, decimals=1), DtypeError, "round.*int64"),
        (lambda: mg.round(FLOATS, decimals=0.5), TypeError, "decimals"),
        (lambda: mg.sub(FLOATS, BOOLS), DtypeError, "sub.*bool"),
        (lambda: 1 - BOOLS, DtypeError, "sub.*bool"),
        (lambda: INTEGERS - True, DtypeError, "sub.*bool"),
        (lambda: mg.add(INTEGERS, INTEGERS, alpha=1.5), DtypeError, "add: alpha.*1.5"),
        (lambda: mg.add(FLOATS, FLOATS, alpha=True), DtypeError, "add.*bool"),
        (lambda: mg.sub(FLOATS, 1, alpha="x"), TypeError, "sub: alpha.*str"),
        (lambda: mg.rsub(1, FLOATS), TypeError, "rsub.*int"),
        (lambda: mg.add(FLOATS, "x"), TypeError, "add.*str"),
        (lambda: mg.add(FLOATS, None, alpha=2), TypeError, "add.*None"),
        (lambda: mg.div(FLOATS, 2, rounding_mode="up"), ValueError, "rounding_mode.*up"),
        (lambda: mg.div(INTEGERS, 0, rounding_mode="trunc"), RuntimeError, "div.*zero"),
        (lambda: mg.floor_divide(INTEGERS, mg.tensor(0)), RuntimeError, "floor_divide.*zero"),
        (lambda: INTEGERS % 0, RuntimeError, "remainder.*zero"),
        (lambda: mg.fmod(INTEGERS, 0), RuntimeError, "fmod.*zero"),
        (lambda: mg.fmod(5, INTEGERS), TypeError, "fmod.*int"),
        (lambda: mg.remainder(BOOLS, BOOLS), DtypeError, "remainder.*bool"),
        (lambda: mg.pow(INTEGERS, -1), ValueError, "pow.*-1"),
        (lambda: mg.pow(BYTES, -1), ValueError, "pow.*-1"),
        (lambda: mg.pow(BYTES, 300), ValueError, "pow.*300.*uint8"),
        (lambda: mg.where(BOOLS, BYTES, 300), ValueError, "where.*300.*uint8"),
        (lambda: mg.pow(BOOLS, BOOLS), DtypeError, "pow.*bool"),
        (lambda: mg.clamp(FLOATS), ValueError, "clamp.*min and max"),
        (lambda: mg.clamp(2, FLOATS), TypeError, "clamp.*int"),
        (lambda: mg.clamp(FLOATS, FLOATS, 2), TypeError, "clamp.*Tensor and int"),
        (lambda: mg.clamp(FLOATS, "x"), TypeError, "clamp.*str"),
        (lambda: mg.clamp(BOOLS, True), DtypeError, "clamp.*bool"),
        (lambda: mg.clamp(BYTES, -5, 300), ValueError, "clamp.*-5.*uint8"),
        (lambda: mg.clamp(FLOATS, mg.ones(2)), ShapeError, "clamp.*broadcast"),
        (lambda: mg.clamp(FLOATS, mg.ones(2), mg.ones(3)), ShapeError, "clamp.*broadcast"),
        (lambda: mg.where(INTEGERS, FLOATS, FLOATS), DtypeError, "where.*int64"),
        (lambda: mg.where(True, FLOATS, FLOATS), TypeError, "where.*bool"),
        (lambda: mg.where(BOOLS, FLOATS), TypeError, "where.*None"),
        (lambda: mg.where(BOOLS, FLOATS[:2], FLOATS), ShapeError, "where.*broadcast"),
        (lambda: mg.hypot(INTEGERS, INTEGERS), DtypeError, "hypot.*int64"),
        (lambda: mg.logaddexp(INTEGERS, INTEGERS), DtypeError, "logaddexp.*int64"),
        (lambda: mg.lerp(FLOATS, FLOATS.double(), 0.5), DtypeError, "lerp.*float64"),
        (lambda: mg.lerp(INTEGERS, INTEGERS, 0.5), DtypeError, "lerp.*int64"),
        (lambda: mg.lerp(FLOATS, FLOATS, FLOATS.double()), DtypeError, "weight.*float64"),
        (lambda: mg.lerp(FLOATS, 2.0, 0.5), TypeError, "lerp.*float"),
        (lambda: mg.lerp(FLOATS, FLOATS, "x"), TypeError, "weight.*str"),
        (lambda: mg.lerp(FLOATS, FLOATS, mg.ones(2)), ShapeError, "lerp.*broadcast"),
        (lambda: mg.addcmul(FLOATS, FLOATS, 2), TypeError, "addcmul: tensor2.*int"),
        (lambda: mg.addcmul(BOOLS, BOOLS, BOOLS), DtypeError, "addcmul.*bool"),
        (lambda: mg.addcmul(FLOATS, FLOATS, mg.ones(2)), ShapeError, "addcmul.*broadcast"),
        (lambda: mg.addcmul(FLOATS, FLOATS, FLOATS, value="x"), TypeError, "addcmul: value"),
        (lambda: mg.addcdiv(FLOATS, INTEGERS, INTEGERS), DtypeError, "addcdiv.*int64"),
        (lambda: mg.addcdiv(FLOATS, FLOATS, None), TypeError, "addcdiv: tensor2"),
        (lambda: INTEGERS + 2**70, ValueError, "add.*int64"),
        (lambda: mg.clamp(FLOATS, np.datetime64("2020")), TypeError, "clamp.*datetime64"),
        (lambda: mg.round(FLOATS, decimals=2**70), ValueError, "decimals"),
        (lambda: mg.logit(FLOATS, "x"), TypeError, "eps.*x"),
        (lambda: mg.bitwise_and(FLOATS, FLOATS), DtypeError, "bitwise_and.*float32"),
        (lambda: mg.bitwise_or(INTEGERS, 2.0), DtypeError, "bitwise_or.*float32"),
        (lambda: ~FLOATS, DtypeError, "bitwise_not.*float32"),
        (lambda: mg.bitwise_xor(2, 3), TypeError, "bitwise_xor"),
        (lambda: mg.eq(FLOATS, "x"), TypeError, "eq.*str"),
        (lambda: mg.eq(FLOATS, [1]), TypeError, "eq.*list"),
        (lambda: mg.lt(FLOATS, None), TypeError, "lt.*None"),
        (lambda: mg.isclose(FLOATS, FLOATS.double()), DtypeError, "isclose.*float64"),
        (lambda: mg.isclose(FLOATS, FLOATS, rtol=-1), ValueError, "rtol.*-1"),
        (lambda: mg.allclose(FLOATS, FLOATS, atol=-1), ValueError, "atol.*-1"),
        (lambda: mg.allclose(FLOATS, FLOATS[:2]), ShapeError, "allclose.*broadcast"),
        (lambda: mg.equal(FLOATS, 2), TypeError, "equal.*int"),
        # in place
        (lambda: INTEGERS.clone().add_(1.5), DtypeError, "add_.*float32.*int64"),
        (lambda: INTEGERS.clone().sqrt_(), DtypeError, "sqrt_.*float32.*int64"),
        (lambda: INTEGERS.clone().div_(2), DtypeError, "div_.*float32.*int64"),
        (lambda: INTEGERS.clone().clamp_(1.5), DtypeError, "clamp_.*float32.*int64"),
        (lambda: INTEGERS.clone().floor_divide_(2.0), DtypeError, "floor_divide_"),
        (lambda: BOOLS.clone().add_(1), DtypeError, "add_.*int64.*bool"),
        (lambda: BOOLS.clone().bitwise_and_(INTEGERS), DtypeError, "bitwise_and_.*int64.*bool"),
        (lambda: FLOATS.clone().float_power_(2), DtypeError, "float_power_.*float32"),
        (lambda: FLOATS.clone().add_(mg.ones(2, 3)), ShapeError, r"add_.*\(2, 3\).*\(3,\)"),
        (lambda: FLOATS.clone().copy_(mg.ones(2, 3)), ShapeError, r"copy_.*\(2, 3\).*\(3,\)"),
        (lambda: FLOATS.clone().copy_("x"), TypeError, "copy_.*str"),
        (lambda: FLOATS.clone().fill_("x"), TypeError, "fill_.*str"),
        (lambda: FLOATS.clone().fill_(FLOATS), ShapeError, r"fill_.*\(3,\)"),
        (lambda: BYTES.clone().fill_(300), ValueError, "fill_.*300.*uint8"),
        (lambda: mg.ones(3, requires_grad=True).exp_(), InplaceError, "exp_.*leaf"),
    ],
)
def test_is_refused(make, error, match):
    with pytest.raises(error, match=match):
        make()


# In place ------------------------------------------------------------------------------------

FORMS = [
    *[
        (n, ())
        for n in ["square", "abs", "sign", "neg", "floor", "ceil", "round", "trunc", *UNARY]
    ],
    *[
        (n, (mg.tensor([0.4, 0.3], dtype=mg.float64),))
        for n in BINARY
        if n not in "rsub logaddexp maximum minimum isclose".split()
    ],
    ("addcmul", (mg.ones(2), mg.ones(2))),
    ("addcdiv", (mg.ones(2), mg.ones(2))),
    ("clamp", (0.4,)),
    ("clamp", (None, 0.4)),
    ("lerp", (mg.zeros(2, dtype=mg.float64), 0.4)),
    ("true_divide", (2,)),
    ("logit", (0.3,)),
    ("add", (1,)),
    ("sub", (1,)),
    ("mul", (3,)),
    ("pow", (3,)),
    ("ne", (1,)),
    ("le", (1,)),
    ("gt", (1,)),
    ("ge", (1,)),
    ("logical_not", ()),
    ("relu", ()),
]


@pytest.mark.parametrize(
    ("name", "arguments"), FORMS, ids=lambda v: v if isinstance(v, str) else ""
)
def test_in_place_form_is_the_operation_over_the_same_memory(name, arguments):
    start = mg.tensor([0.3, 0.6], dtype=mg.float64, requires_grad=True)
    function = getattr(mg, name)
    wanted = function(start, *arguments).to(mg.float64)
    x = start * 1.0
    memory, version = x.detach(), x._version
    assert getattr(x, f"{name}_")(*arguments) is x
    np.testing.assert_array_equal(memory.numpy(), wanted.detach().numpy())
    assert x._version == version + 1
    (got,) = mg.grad(x.sum(), start)
    if wanted.requires_grad:
        (slope,) = mg.grad(wanted.sum(), start)
        np.testing.assert_array_equal(got.numpy(), slope.numpy())
    else:
        assert not got.numpy().any()


def test_in_place_keeps_dtype_where_the_category_allows():
    assert BYTES.clone().add_(INTEGERS).tolist() == [4, 202, 4]
    assert FLOATS.clone().add_(FLOATS.double()).dtype == mg.float32
    assert FLOATS.clone().eq_(2).tolist() == [0.0, 1.0, 0.0]
    assert INTEGERS.clone().logical_and_(FLOATS).tolist() == [1, 1, 1]
    assert INTEGERS.clone().copy_(FLOATS + 0.7).tolist() == [1, 2, 3]
    assert BYTES.clone().fill_(-1).tolist() == [255] * 3
    assert INTEGERS.clone().fill_(mg.tensor(2.5)).tolist() == [2, 2, 2]


def test_in_place_operators():
    x = mg.tensor([7, 12, 5])
    memory = x.detach()
    x %= 8
    x |= 1
    x &= 6
    x ^= 2
    x //= 2
    assert memory.tolist() == [2, 3, 3]


def test_a_saved_value_changed_by_any_in_place_form_is_refused():
    x = mg.tensor([0.3, 0.6], requires_grad=True)
    y = x * 1.0
    z = mg.sin(y)
    y.eq_(0.3)
    with pytest.raises(InplaceError, match="eq_"):
        z.sum().backward()


def test_fill_sends_its_gradient_to_the_value():
    x = mg.ones(3, requires_grad=True)
    value = mg.tensor(2.0, requires_grad=True)
    y = mg.fill(x, value)
    y.sum().backward()
    assert y.tolist() == [2, 2, 2] and value.grad.item() == 3 and x.grad.tolist() == [0, 0, 0]
