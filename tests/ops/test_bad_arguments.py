"""Whatever is handed to an operation, it answers with a clear error, never AttributeError.

The functions are found by their names, so that a new one is asked the same questions.
"""

import inspect

import numpy as np
import pytest

import minigrad as mg

CLEAR = (TypeError, ValueError, IndexError, RuntimeError)
NAMESPACES = {"": mg.ops.__all__, "nn.functional.": mg.nn.functional.__all__}
if hasattr(mg, "linalg"):
    NAMESPACES["linalg."] = mg.linalg.__all__
# Not operations on a tensor: they make one, or take anything.
MAKERS = """
    manual_seed default_generator tensor as_tensor from_numpy zeros ones empty full eye arange
    linspace rand randn randint randperm zeros_like ones_like empty_like full_like rand_like
    randn_like randint_like tril_indices triu_indices
""".split()


def named():
    for prefix, names in NAMESPACES.items():
        for name in names:
            if name not in MAKERS:
                spot = mg
                for part in f"{prefix}{name}".split("."):
                    spot = getattr(spot, part)
                if callable(spot) and not inspect.isclass(spot):
                    yield f"{prefix}{name}", spot


FUNCTIONS = dict(named())
every_function = pytest.mark.parametrize("name", FUNCTIONS)


def required(function):
    """Parameters without a default, and whether it takes any number."""
    parameters = inspect.signature(function).parameters.values()
    positional = [
        p
        for p in parameters
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    return len(positional), any(p.kind is p.VAR_POSITIONAL for p in parameters)


def str_or_type(value):
    """A name for a parameter that is the same in every process."""
    return repr(value) if isinstance(value, (str, int, float)) else type(value).__name__


@every_function
@pytest.mark.parametrize("wrong", ["nonsense", None, object(), {}, {"a": 1}, 1j], ids=str_or_type)
def test_something_that_is_no_tensor_is_refused(name, wrong):
    function = FUNCTIONS[name]
    count, _ = required(function)
    good = mg.ones(2, 2)
    for k in range(max(count, 1)):
        arguments = [good] * max(count, 1)
        arguments[k] = wrong
        if k and wrong is None:
            continue  # None often stands for "not given"
        with pytest.raises(CLEAR) as caught:
            function(*arguments)
            assert k, f"{name} accepted {wrong!r}"  # later ones may be options of any kind
            raise ValueError("accepted where it may be an option")
        assert not isinstance(caught.value, AssertionError)
        assert str(caught.value), "an error without words"


def with_dim():
    for name, function in FUNCTIONS.items():
        parameters = inspect.signature(function).parameters
        count, _ = required(function)
        rest = [p for p in list(parameters)[:count] if p not in ("dim", "dims")]
        alone = name not in ("repeat_interleave", "linalg.matrix_norm")  # where a dim says enough
        if alone and "dim" in parameters and len(rest) == 1 and rest[0] in ("input", "x", "A"):
            yield name


@pytest.mark.parametrize("name", list(with_dim()))
@pytest.mark.parametrize("wrong", [5, -5, 1.5, "a", {}, mg.ones(2), object()], ids=str_or_type)
def test_a_dim_that_is_none_is_refused(name, wrong):
    if name in ("max", "min") and isinstance(wrong, mg.Tensor):
        return  # the second tensor of max(x, y)
    with pytest.raises(CLEAR) as caught:
        FUNCTIONS[name](mg.ones(2, 3, 2), dim=wrong)
    if isinstance(wrong, int):
        assert isinstance(caught.value, IndexError)


def with_reduction():
    for name, function in FUNCTIONS.items():
        if "reduction" in inspect.signature(function).parameters:
            yield name


@pytest.mark.parametrize("name", list(with_reduction()))
@pytest.mark.parametrize("wrong", ["average", "", None, 3, True], ids=repr)
def test_a_reduction_that_is_none_is_refused(name, wrong):
    function = FUNCTIONS[name]
    count, _ = required(function)
    target = {"cross_entropy": mg.tensor([0, 1]), "nll_loss": mg.tensor([0, 1])}
    x = mg.ones(2, 2)
    rest = [target.get(name.split(".")[-1], x)] * (count - 1)
    with pytest.raises(CLEAR, match="reduction"):
        function(x, *rest, reduction=wrong)


@every_function
def test_an_unknown_option_is_refused(name):
    function = FUNCTIONS[name]
    count, _ = required(function)
    with pytest.raises(TypeError):
        function(*[mg.ones(2, 2)] * max(count, 1), nonsense=1)


SHAPES_CLASH = """
    add sub mul div pow maximum minimum atan2 hypot logaddexp xlogy fmod remainder floor_divide
    eq ne lt le gt ge logical_and logical_or logical_xor isclose
""".split()


@pytest.mark.parametrize("name", [n for n in SHAPES_CLASH if n in FUNCTIONS])
def test_shapes_that_do_not_broadcast_are_named(name):
    x, y = mg.ones(2, 3), mg.ones(4)
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(4,\)") as caught:
        FUNCTIONS[name](x, y)
    assert name in str(caught.value)


METHODS = [n for n in dir(mg.Tensor) if not n.startswith("_")]


def test_every_method_is_there():
    x = mg.ones(2, 2)
    for name in METHODS:
        if name not in ("grad_fn", "data"):
            getattr(x, name)


def test_methods_are_pytorchs():
    torch = pytest.importorskip("torch")
    ours_alone = [n for n in METHODS if not hasattr(torch.Tensor, n)]
    assert ours_alone == []


def test_arrays_and_numbers_of_numpy_are_operands():
    x = mg.ones(2)
    for other in (np.float32(2), np.ones(2, np.float32), np.int64(2), True, 2):
        assert (x * other).dtype == np.float32 and (other + x).shape == (2,)


@pytest.mark.parametrize("name", ["avg_pool1d", "avg_pool2d", "max_pool1d", "max_pool2d"])
def test_a_stride_beyond_64_bits_is_refused(name):
    with pytest.raises(ValueError, match=f"{name}: stride must fit into 64 bits"):
        getattr(mg.nn.functional, name)(mg.ones(3, 9, 9), 3, 2**70)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: mg.sub(mg.ones(2), mg.tensor([True, False]), alpha=2),
        lambda: mg.rsub(mg.tensor([True, False]), mg.ones(2), alpha=2),
        lambda: mg.nn.functional.linear(mg.ones(5, 3), mg.ones(3), mg.ones(5)),
        lambda: mg.nn.functional.soft_margin_loss(mg.ones(5), mg.ones(7, 5)),
        lambda: mg.nn.functional.soft_margin_loss(mg.tensor([1, 2]), mg.ones(2)),
    ],
)
def test_what_pytorch_refuses_here_and_there_is_refused(wrong):
    with pytest.raises(CLEAR):
        wrong()
