"""Sums, means, traces, truth: dtypes, empty tensors, errors. Values and derivatives: the table."""

import numpy as np
import pytest

import minigrad as mg


@pytest.mark.parametrize("name", ["sum", "prod"])
def test_integers_and_bools_are_accumulated_as_int64(name):
    for dtype in (mg.uint8, mg.int8, mg.int32, mg.bool):
        y = getattr(mg, name)(mg.ones(3).to(dtype))
        assert y.dtype == np.int64
    assert getattr(mg, name)(mg.tensor([200, 2]), dtype=mg.uint8).dtype == np.uint8


def test_dtype_is_cast_to_before_the_sum():
    assert mg.sum(mg.tensor([1.7, 1.7]), dtype=mg.int64).item() == 2
    assert mg.mean(mg.tensor([1, 2]), dtype=mg.float64).item() == 1.5


def test_axes_may_be_none_empty_negative_or_several():
    x = mg.arange(24.0).reshape(2, 3, 4)
    assert mg.sum(x, ()).shape == mg.sum(x, None).shape == mg.sum(x).shape == ()
    assert mg.sum(x, (0, -1)).shape == (3,)
    assert mg.sum(x, [0, -1], True).shape == (1, 3, 1)
    assert mg.sum(x, None, True).shape == (1, 1, 1)
    assert mg.sum(mg.tensor(3.0), 0).shape == mg.sum(mg.tensor(3.0), -1).shape == ()


def test_nothing_sums_to_zero_multiplies_to_one_and_has_no_mean():
    empty = mg.zeros(0, 3)
    assert mg.sum(empty, 0).tolist() == [0, 0, 0] and mg.sum(empty, 1).shape == (0,)
    assert mg.prod(empty, 0).tolist() == [1, 1, 1] and mg.prod(empty).item() == 1
    assert np.isnan(mg.mean(empty, 0).numpy()).all() and mg.mean(empty, 1).shape == (0,)
    assert mg.logsumexp(empty, 0).tolist() == [-np.inf] * 3


def test_trace_is_of_the_shorter_side():
    assert mg.trace(mg.arange(6).reshape(2, 3)).item() == 4
    assert mg.trace(mg.zeros(0, 3)).item() == 0
    x = mg.ones(3, 2, requires_grad=True)
    assert mg.grad(mg.trace(x), x)[0].tolist() == [[1, 0], [0, 1], [0, 0]]


def test_logsumexp_of_infinities():
    inf = np.inf
    x = mg.tensor([[-inf, -inf], [inf, 1.0], [inf, -inf]])
    assert mg.logsumexp(x, 1).tolist() == [-inf, inf, inf]
    assert mg.logsumexp(mg.tensor([1, 2]), 0).dtype == np.float32


def test_truth_follows_the_dtype_and_takes_axes():
    x = mg.tensor([[0.0, 2.0], [np.nan, 1.0]])
    assert mg.all(x, 0).tolist() == [False, True] and mg.any(x, (0, 1)).item() is True
    assert mg.all(x, -1, True).tolist() == [[False], [True]]
    assert mg.any(mg.tensor([0, 3]).to(mg.uint8)).dtype == np.uint8
    assert mg.any(x, ()).shape == (2, 2)
    assert mg.all(mg.zeros(2, 0), 1).tolist() == [True, True]
    assert mg.count_nonzero(x).item() == 3 and mg.count_nonzero(x, 1).tolist() == [1, 2]
    assert mg.count_nonzero(x, ()).item() == 3 and mg.count_nonzero(mg.tensor(2.0), 0).item() == 1


NAMES = "sum mean prod var std var_mean std_mean amax amin max min any all count_nonzero".split()
NAMES += "argmax argmin median logsumexp cumsum cumprod sort argsort norm".split()


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_axis_is_an_index_error_that_names_the_operation(name):
    function = getattr(mg, name)
    for dim in (2, -3):
        with pytest.raises(IndexError, match=f"{name}: dim {dim} is out of range for 2 dim"):
            function(mg.ones(2, 3), dim=dim)
    with pytest.raises(IndexError, match=name):
        function(mg.tensor(1.0), dim=1)
    with pytest.raises(TypeError, match=f"{name}.*integer"):
        function(mg.ones(2, 3), dim=1.5)
    with pytest.raises(TypeError, match=f"{name}: expected a Tensor, got list"):
        function([1.0, 2.0], dim=0)


@pytest.mark.parametrize("name", "sum mean var std amax amin any all count_nonzero norm".split())
def test_an_axis_named_twice_is_refused(name):
    with pytest.raises(mg.errors.ShapeError, match=r"\(0, -2\) names an axis twice"):
        getattr(mg, name)(mg.ones(2, 3), dim=(0, -2))


@pytest.mark.parametrize("name", "prod max min argmax argmin median sort cumsum".split())
def test_several_axes_are_refused_where_pytorch_takes_one(name):
    with pytest.raises(TypeError, match=rf"{name}: dim must be an integer.*, got \(0, 1\)"):
        getattr(mg, name)(mg.ones(2, 3), (0, 1))


@pytest.mark.parametrize("name", ["mean", "var", "std", "var_mean", "std_mean", "norm"])
def test_integers_are_refused_where_the_result_is_no_integer(name):
    with pytest.raises(mg.errors.DtypeError, match=f"{name}: expected a floating tensor, got int"):
        getattr(mg, name)(mg.tensor([1, 2]))


@pytest.mark.parametrize("name", ["prod", "max", "min", "median"])
def test_keepdim_alone_is_refused(name):
    with pytest.raises(TypeError, match=f"{name}: keepdim needs a dim"):
        getattr(mg, name)(mg.ones(2), keepdim=True)


KEEPING = "sum mean prod var std var_mean amax amin max min any all argmax median logsumexp norm"


@pytest.mark.parametrize("name", KEEPING.split())
def test_a_flag_is_true_or_false(name):
    for flag in ("a", 1, None):
        with pytest.raises(TypeError, match=f"{name}: keepdim must be True or False, got "):
            getattr(mg, name)(mg.ones(2, 3), dim=0, keepdim=flag)


def test_other_wrong_arguments():
    with pytest.raises(TypeError, match="logsumexp: dim must be given"):
        mg.logsumexp(mg.ones(2), None)
    with pytest.raises(TypeError, match="sort: descending must be True or False, got 1"):
        mg.sort(mg.ones(2), 0, 1)
    with pytest.raises(TypeError, match="topk: largest must be True or False, got 'a'"):
        mg.topk(mg.ones(2), 1, 0, "a")
    with pytest.raises(TypeError, match="unique: return_inverse must be True or False"):
        mg.unique(mg.ones(2), return_inverse=1)
    with pytest.raises(TypeError, match="var: unbiased must be True or False, got 1"):
        mg.var(mg.ones(2), 0, 1)
    with pytest.raises(TypeError, match="max: give dim and keepdim, or the other tensor"):
        mg.max(mg.ones(2), mg.ones(2), True)
    with pytest.raises(
        mg.errors.DtypeError, match="mean: dtype must be a floating one, got int64"
    ):
        mg.mean(mg.ones(2), dtype=mg.int64)
    with pytest.raises(mg.errors.ShapeError, match=r"trace: expected a matrix, got shape \(3,\)"):
        mg.trace(mg.ones(3))
    with pytest.raises(mg.errors.DtypeError, match="trace: expected numbers, got bool"):
        mg.trace(mg.ones(2, 2) > 0)
