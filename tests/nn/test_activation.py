"""Activations as modules: options in place, names, arguments, bad arguments; as PyTorch's."""

import inspect

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

IN_PLACE = "ReLU ReLU6 LeakyReLU ELU CELU SELU Hardtanh Hardsigmoid Hardswish SiLU Mish".split()
OTHERS = (
    "PReLU Threshold Softshrink Hardshrink GELU Softplus Softsign LogSigmoid GLU Tanhshrink "
    "Softmin Softmax Softmax2d LogSoftmax Sigmoid Tanh"
).split()


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_says_so_and_writes_over_its_input(name):
    x = mg.tensor([-2.0, 3.0])
    module = getattr(nn, name)(inplace=True)
    assert module(x) is x
    np.testing.assert_array_equal(x.numpy(), getattr(nn, name)()(mg.tensor([-2.0, 3.0])).numpy())


@pytest.mark.parametrize("name", [*IN_PLACE, *OTHERS])
def test_constructor_and_repr_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    ours, theirs = getattr(nn, name), getattr(torch.nn, name)

    def options(cls):
        parameters = inspect.signature(cls).parameters.values()
        left_out = {"device", "min_value", "max_value", "args", "kwargs"}
        return {p.name: p.default for p in parameters if p.name not in left_out}

    assert options(ours) == options(theirs)
    given = (0.5, 2) if name == "Threshold" else ()
    assert repr(ours(*given)) == repr(theirs(*given))
    if "inplace" in options(ours) and name not in ("Hardsigmoid", "Hardswish"):
        assert repr(ours(*given, inplace=True)) == repr(theirs(*given, inplace=True))


def test_prelu_learns_its_slopes():
    module = nn.PReLU(2, init=0.5)
    assert module.weight.tolist() == [0.5, 0.5] and list(module.state_dict()) == ["weight"]
    module(mg.tensor([[-1.0, 2.0], [-3.0, -4.0]])).sum().backward()
    assert module.weight.grad.tolist() == [-4, -4]
    assert nn.PReLU(dtype=mg.float64).weight.dtype == mg.float64


def test_softmax2d_is_over_the_channels():
    x = mg.randn(2, 3, 4, 5)
    y = nn.Softmax2d()(x)
    np.testing.assert_allclose(y.sum(1).numpy(), np.ones((2, 4, 5)), rtol=1e-6)
    np.testing.assert_allclose(nn.Softmax2d()(x[0]).numpy(), y[0].numpy())


@pytest.mark.parametrize(
    "call, match",
    [
        (lambda: nn.Hardtanh(1, 1), "Hardtanh: expected min_val < max_val"),
        (lambda: nn.Softmax2d()(mg.zeros(2, 3)), r"Softmax2d: .*\(2, 3\)"),
        (lambda: nn.PReLU(-1), "PReLU: num_parameters"),
        (lambda: nn.GELU("erf")(mg.zeros(2)), "gelu: approximate"),
    ],
)
def test_mistakes_are_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
