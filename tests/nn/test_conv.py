"""Layers of convolution, pooling, padding: options, defaults, errors; PyTorch."""

import inspect
import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.errors import ShapeError

F = nn.functional
rng = np.random.default_rng(0)
MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def randn(*shape):
    return rng.standard_normal(shape)


# padding of convolutions ----------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("padding", [(2, 1), "same", "valid"], ids=str)
def test_each_mode_convolves_what_numpy_pads(mode, padding):
    layer = nn.Conv2d(2, 3, (4, 3), padding=padding, padding_mode=mode, dtype=mg.float64)
    x = randn(2, 2, 5, 4)
    sides = {"same": ((1, 2), (1, 1)), "valid": ((0, 0), (0, 0))}.get(padding, ((2, 2), (1, 1)))
    padded = np.pad(x, ((0, 0), (0, 0), *sides), MODES[mode])
    want = F.conv2d(mg.tensor(padded), layer.weight, layer.bias)
    got = layer(mg.tensor(x))
    np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), atol=1e-12)
    flat = nn.Conv1d(2, 3, 3, padding=1, padding_mode=mode, dtype=mg.float64)
    padded = np.pad(x[:, :, 0], ((0, 0), (0, 0), (1, 1)), MODES[mode])
    want = F.conv1d(mg.tensor(padded), flat.weight, flat.bias)
    np.testing.assert_allclose(
        flat(mg.tensor(x[:, :, 0])).detach().numpy(), want.detach().numpy(), atol=1e-12
    )


def test_layers_work_without_a_batch():
    x = mg.randn(2, 6, 5)
    for layer in (nn.Conv2d(2, 4, 3), nn.ConvTranspose2d(2, 4, 3), nn.MaxPool2d(2)):
        np.testing.assert_array_equal(layer(x).detach(), layer(x.unsqueeze(0))[0].detach())
    x = x[0]
    for layer in (nn.Conv1d(6, 4, 3), nn.ConvTranspose1d(6, 4, 3), nn.AvgPool1d(2)):
        np.testing.assert_array_equal(layer(x).detach(), layer(x.unsqueeze(0))[0].detach())


def test_the_transposed_layer_undoes_the_shape_of_the_layer():
    down = nn.Conv2d(2, 4, 3, stride=2, padding=1)
    up = nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1)
    for size in ((7, 8), (8, 7), (5, 6)):
        x = mg.randn(1, 2, *size)
        assert up(down(x), output_size=size).shape == x.shape
        assert up(down(x), output_size=x.shape).shape == x.shape
    with pytest.raises(ShapeError, match=r"ConvTranspose2d: output_size must lie in \[7, 9\)"):
        up(down(mg.randn(1, 2, 8, 8)), output_size=(9, 8))
    with pytest.raises(ValueError, match="ConvTranspose2d: output_size must have 2 or 4 sizes"):
        up(down(mg.randn(1, 2, 8, 8)), output_size=(8, 8, 8))


def test_weights_of_transposed_layers_start_within_their_fan_in():
    layer = nn.ConvTranspose1d(80, 8, 3, groups=2)
    assert layer.weight.shape == (80, 4, 3) and layer.bias.shape == (8,)
    for p in layer.parameters():
        assert np.abs(p.detach().numpy()).max() <= 1 / math.sqrt(4 * 3)


# pooling --------------------------------------------------------------------------------------


def test_pools_of_sequences_and_images_agree():
    x = mg.randn(2, 3, 9)
    image = x.unsqueeze(-2)
    pairs = [
        (nn.MaxPool1d(3, 2, 1), nn.MaxPool2d((1, 3), (1, 2), (0, 1))),
        (nn.AvgPool1d(3, 2, 1, True, False), nn.AvgPool2d((1, 3), (1, 2), (0, 1), True, False)),
        (nn.AdaptiveAvgPool1d(4), nn.AdaptiveAvgPool2d((1, 4))),
    ]
    for flat, deep in pairs:
        assert flat(x).tolist() == deep(image).squeeze(-2).tolist()
    y, places = nn.MaxPool1d(3, return_indices=True)(x)
    assert y.tolist() == mg.gather(x, 2, places).tolist()


def test_folded_windows_of_the_modules():
    x = mg.randn(2, 3, 4, 6)
    columns = nn.Unfold(2, stride=2)(x)
    assert columns.shape == (2, 12, 6)
    assert nn.Fold((4, 6), 2, stride=2)(columns).tolist() == x.tolist()  # nothing overlaps


# arguments ------------------------------------------------------------------------------------


def test_constructors_take_pytorchs_arguments():
    torch = pytest.importorskip("torch")
    for name in (
        "Conv1d Conv2d ConvTranspose1d ConvTranspose2d MaxPool1d MaxPool2d AvgPool1d AvgPool2d "
        "AdaptiveAvgPool1d AdaptiveAvgPool2d ZeroPad1d ZeroPad2d ConstantPad1d ConstantPad2d "
        "ReflectionPad2d ReplicationPad1d CircularPad2d Unfold Fold RNNCell LSTMCell GRUCell"
    ).split():
        theirs = inspect.signature(getattr(torch.nn, name)).parameters
        mine = inspect.signature(getattr(nn, name)).parameters
        expected = {k: p.default for k, p in theirs.items() if k != "device"}
        assert {k: p.default for k, p in mine.items()} == expected, name


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Conv1d(2, 2, (3, 3)), ShapeError, "Conv1d: kernel_size must be an integer"),
        (lambda: nn.Conv1d(2, 2, 3, stride=0), ValueError, "Conv1d: stride must be at least 1"),
        (lambda: nn.Conv1d(2, 2, 3, groups=0), ValueError, "Conv1d: groups must be at least 1"),
        (lambda: nn.Conv1d(2, 3, 3, groups=2), ValueError, "out_channels must be divisible"),
        (
            lambda: nn.Conv1d(2, 2, 3, 2, padding="same"),
            ValueError,
            "Conv1d: padding='same' needs stride 1",
        ),
        (lambda: nn.Conv1d(2, 2, 3, padding="all"), ValueError, "'valid' or 'same', got 'all'"),
        (
            lambda: nn.ConvTranspose2d(2, 2, 3, padding_mode="reflect"),
            ValueError,
            "ConvTranspose2d: padding_mode must be one of",
        ),
        (
            lambda: nn.ConvTranspose2d(2, 2, 3, padding="same"),
            TypeError,
            "ConvTranspose2d: padding must be one or two integers",
        ),
        (lambda: nn.AvgPool1d((2, 2)), ShapeError, "AvgPool1d: kernel_size must be an integer"),
        (lambda: nn.MaxPool1d(2, padding=2), ValueError, "at most half of kernel_size"),
        (lambda: nn.MaxPool1d(2, dilation=0), ValueError, "dilation must be at least 1"),
        (lambda: nn.ZeroPad2d(1.5), TypeError, "ZeroPad2d: padding must be integers"),
        (lambda: nn.ReflectionPad1d((1, 2, 3)), ValueError, "padding must be two sizes an axis"),
    ],
)
def test_constructors_refuse(make, error, message):
    with pytest.raises(error, match=message):
        make()
