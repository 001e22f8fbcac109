"""Layers of normalisation, distance, bilinear maps, dropout: definitions, PyTorch, mistakes."""

import inspect
import math
import re
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

# What to build in either library, and the shapes of the inputs.
LAYERS = {
    "batch_norm1d, no bias": (lambda nn: nn.BatchNorm1d(3, momentum=0.3), [(6, 3)]),
    "batch_norm2d, cumulative": (lambda nn: nn.BatchNorm2d(3, momentum=None), [(2, 3, 2, 2)]),
    "instance_norm1d": (lambda nn: nn.InstanceNorm1d(3), [(2, 3, 5)]),
    "instance_norm1d, affine": (lambda nn: nn.InstanceNorm1d(3, affine=True), [(2, 3, 5)]),
    "instance_norm1d, tracked": (
        lambda nn: nn.InstanceNorm1d(3, 1e-3, 0.4, True, True),
        [(2, 3, 5)],
    ),
    "instance_norm1d, no momentum": (
        lambda nn: nn.InstanceNorm1d(3, momentum=None, track_running_stats=True),
        [(2, 3, 5)],
    ),
    "instance_norm1d, one sample": (lambda nn: nn.InstanceNorm1d(3, affine=True), [(3, 5)]),
    "instance_norm2d": (lambda nn: nn.InstanceNorm2d(3), [(2, 3, 4, 2)]),
    "instance_norm2d, tracked": (
        lambda nn: nn.InstanceNorm2d(3, affine=True, track_running_stats=True),
        [(2, 3, 4, 2)],
    ),
    "instance_norm2d, one sample": (lambda nn: nn.InstanceNorm2d(3), [(3, 4, 2)]),
    "group_norm": (lambda nn: nn.GroupNorm(2, 6), [(3, 6, 4)]),
    "group_norm, vectors": (lambda nn: nn.GroupNorm(3, 6, 1e-2), [(4, 6)]),
    "group_norm, no affine": (lambda nn: nn.GroupNorm(6, 6, affine=False), [(2, 6, 2, 2)]),
    "rms_norm": (lambda nn: nn.RMSNorm(5), [(3, 4, 5)]),
    "rms_norm, axes": (lambda nn: nn.RMSNorm((4, 5), eps=0.1), [(3, 4, 5)]),
    "rms_norm, no affine": (lambda nn: nn.RMSNorm([5], elementwise_affine=False), [(3, 5)]),
    "bilinear": (lambda nn: nn.Bilinear(3, 4, 2), [(5, 3), (5, 4)]),
    "bilinear, no bias": (lambda nn: nn.Bilinear(3, 4, 2, bias=False), [(2, 5, 3), (2, 5, 4)]),
    "unflatten": (lambda nn: nn.Unflatten(1, (2, 3)), [(5, 6, 2)]),
    "unflatten, inferred": (lambda nn: nn.Unflatten(-1, (2, -1)), [(5, 6)]),
    "cosine_similarity": (lambda nn: nn.CosineSimilarity(), [(3, 4), (3, 4)]),
    "cosine_similarity, options": (lambda nn: nn.CosineSimilarity(0, 1e-3), [(3, 4), (3, 1)]),
    "pairwise_distance": (lambda nn: nn.PairwiseDistance(), [(3, 4), (3, 4)]),
    "pairwise_distance, options": (
        lambda nn: nn.PairwiseDistance(1.0, 0.1, keepdim=True),
        [(3, 4), (3, 4)],
    ),
    "alpha_dropout, p = 0": (lambda nn: nn.AlphaDropout(0.0), [(3, 4)]),
    "dropout2d, p = 1": (lambda nn: nn.Dropout2d(1.0), [(2, 3, 2, 2)]),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer_is_pytorchs(name):
    torch = pytest.importorskip("torch")
    make, shapes = LAYERS[name]
    try:
        theirs = make(torch.nn)
    except AttributeError:
        pytest.skip("not in this PyTorch")
    mine = make(nn)
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for p in theirs.parameters():
            p.copy_(torch.tensor(rng.standard_normal(p.shape)))
    mine.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    assert list(mine.state_dict()) == list(theirs.state_dict())
    for training in (True, True, False):
        mine.train(training), theirs.train(training)
        arrays = [rng.standard_normal(s).astype(np.float32) for s in shapes]
        found = []
        for library, layer in ((mg, mine), (torch, theirs)):
            xs = [library.tensor(a, requires_grad=True) for a in arrays]
            layer.zero_grad()
            y = layer(*xs)
            y.square().sum().backward()
            grads = [t.grad.numpy() for t in (*xs, *layer.parameters())]
            found.append([y.detach().numpy(), *grads, *(b.numpy() for b in layer.buffers())])
        for a, b in zip(*found, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def test_constructors_take_pytorchs_arguments():
    torch = pytest.importorskip("torch")
    for name in (
        "BatchNorm1d BatchNorm2d InstanceNorm1d InstanceNorm2d GroupNorm RMSNorm Bilinear "
        "Unflatten CosineSimilarity PairwiseDistance Dropout1d Dropout2d AlphaDropout"
    ).split():
        if not hasattr(torch.nn, name):
            continue
        theirs = inspect.signature(getattr(torch.nn, name)).parameters
        mine = inspect.signature(getattr(nn, name)).parameters
        expected = {k: p.default for k, p in theirs.items() if k != "device"}
        if "Norm" in name and name != "RMSNorm":
            expected.setdefault("bias", True)  # in the newest versions only
        assert {k: p.default for k, p in mine.items()} == expected, name


def test_layers_print_as_pytorchs():
    torch = pytest.importorskip("torch")
    makers = [make for make, _ in LAYERS.values()]
    makers += [
        lambda nn: nn.Embedding(5, 2, 1, 1.0, 3.0, True, True),
        lambda nn: nn.InstanceNorm2d(4, affine=True),
    ]
    for make in makers:
        try:
            theirs = repr(make(torch.nn))
        except AttributeError:
            continue
        plain = [re.sub(r", bias=\w+", "", text) for text in (repr(make(nn)), theirs)]
        assert plain[0] == plain[1]


# Definitions ---------------------------------------------------------------------------------


def test_batch_norm_without_bias_has_a_weight_alone():
    for layer in (nn.BatchNorm1d(3, bias=False), nn.GroupNorm(1, 3, bias=False)):
        assert layer.bias is None and [k for k, _ in layer.named_parameters()] == ["weight"]
        y = layer(mg.randn(5, 3, dtype=mg.float32))
        assert y.shape == (5, 3)


def test_parameters_start_as_ones_and_zeros_of_the_given_dtype():
    for layer in (
        nn.GroupNorm(2, 4, dtype=mg.float64),
        nn.InstanceNorm1d(4, affine=True, track_running_stats=True, dtype=mg.float64),
    ):
        assert layer.weight.tolist() == [1.0] * 4 and layer.bias.tolist() == [0.0] * 4
        assert all(t.dtype == mg.float64 for t in layer.parameters())
    assert layer.running_mean.dtype == mg.float64 and layer.num_batches_tracked.dtype == mg.int64
    rms = nn.RMSNorm((2, 3), dtype=mg.float64)
    assert rms.weight.tolist() == [[1.0] * 3] * 2 and rms.weight.dtype == mg.float64
    assert not list(nn.InstanceNorm2d(3).state_dict())


def test_instance_norm_forgets_its_statistics_on_reset_and_does_not_count():
    layer = nn.InstanceNorm1d(2, track_running_stats=True)
    layer(mg.randn(3, 2, 4))
    assert layer.running_mean.tolist() != [0.0, 0.0] and layer.num_batches_tracked.item() == 0
    layer.reset_running_stats()
    assert layer.running_mean.tolist() == [0.0, 0.0] and layer.running_var.tolist() == [1.0, 1.0]


def test_instance_norm_of_other_channels_warns_where_it_has_no_parameters():
    with pytest.warns(UserWarning, match="InstanceNorm1d: num_features is 3"):
        assert nn.InstanceNorm1d(3)(mg.randn(2, 4, 5)).shape == (2, 4, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.InstanceNorm1d(4)(mg.randn(2, 4, 5))


def test_bilinear_starts_uniform_with_bound_one_over_root_of_in1():
    layer = nn.Bilinear(16, 40, 30)
    for p in layer.parameters():
        values = p.detach().numpy()
        assert np.abs(values).max() <= 0.25
    weight = layer.weight.detach().numpy()
    assert weight.shape == (30, 16, 40) and np.abs(weight).max() > 0.249
    assert abs(weight.std() - 0.25 / math.sqrt(3)) < 0.002


def test_unflatten_undoes_flatten():
    x = mg.randn(3, 2, 5)
    assert nn.Unflatten(1, (2, 5))(nn.Flatten()(x)).tolist() == x.tolist()
    assert nn.Unflatten(0, [3])(mg.zeros(3, 2)).shape == (3, 2)
    assert nn.Unflatten(1, (0, 4))(mg.zeros(2, 0)).shape == (2, 0, 4)


def test_an_embedding_with_max_norm_shortens_its_rows():
    layer = nn.Embedding(4, 3, max_norm=0.5, norm_type=1.0)
    with mg.no_grad():
        layer.weight.fill_(1.0)
    layer(mg.tensor([0, 2]))
    norms = layer.weight.detach().abs().sum(1).numpy()
    np.testing.assert_allclose(norms[[0, 2]], 0.5, rtol=1e-5)
    table = mg.tensor([[3.0, 4.0]])
    shared = nn.Embedding.from_pretrained(table, max_norm=1.0)
    np.testing.assert_allclose(shared(mg.tensor(0)).tolist(), [0.6, 0.8], rtol=1e-5)


def test_dropout_layers_are_silent_in_evaluation():
    x = mg.ones(8, 4, 3)
    for layer in (nn.Dropout1d(), nn.Dropout2d(), nn.AlphaDropout()):
        assert (layer(x).numpy() != 1).any()
        assert layer.eval()(x) is x
        assert repr(layer).endswith("Dropout(p=0.5, inplace=False)") or "d(p=0.5" in repr(layer)


@pytest.mark.parametrize(
    "make, error, text",
    [
        (lambda: nn.InstanceNorm1d(3)(mg.ones(5)), ValueError, r"InstanceNorm1d: .*\(C, L\)"),
        (lambda: nn.InstanceNorm2d(3)(mg.ones(3, 5)), ValueError, r"InstanceNorm2d: .*\(3, 5\)"),
        (lambda: nn.InstanceNorm1d(3, affine=True)(mg.ones(2, 4, 5)), ValueError, "3 channels"),
        (lambda: nn.InstanceNorm1d(-1), ValueError, "InstanceNorm1d: num_features"),
        (lambda: nn.InstanceNorm1d(3, eps=None), ValueError, "InstanceNorm1d: eps"),
        (lambda: nn.GroupNorm(3, 4), ValueError, "GroupNorm: num_channels 4 .*divisible .* 3"),
        (lambda: nn.GroupNorm(0, 4), ValueError, "GroupNorm: num_groups must be at least 1"),
        (lambda: nn.GroupNorm(2, 4.0), TypeError, "GroupNorm: num_channels must be an integer"),
        (lambda: nn.GroupNorm(2, 4)(mg.ones(2, 6)), ValueError, "group_norm: weight must"),
        (lambda: nn.RMSNorm(()), ValueError, "RMSNorm: normalized_shape .*at least one axis"),
        (lambda: nn.RMSNorm(3, eps=-1.0), ValueError, "RMSNorm: eps"),
        (lambda: nn.RMSNorm(3)(mg.ones(2, 4)), ValueError, "rms_norm: expected an input"),
        (lambda: nn.Bilinear(0, 2, 3), ValueError, "Bilinear: in1_features must be at least 1"),
        (lambda: nn.Bilinear(1, 2.0, 3), TypeError, "Bilinear: in2_features must be an integer"),
        (lambda: nn.Bilinear(1, 2, 3)(mg.ones(4, 1), mg.ones(4, 3)), ValueError, "bilinear: "),
        (lambda: nn.Unflatten(1, 4), TypeError, "Unflatten: expected a tuple of sizes, got 4"),
        (lambda: nn.Unflatten(1, (2.0, 2)), TypeError, "Unflatten: sizes must be integers"),
        (lambda: nn.Unflatten(1.0, (2, 2)), TypeError, "Unflatten: dim must be an integer"),
        (
            lambda: nn.Unflatten(1, (2, 3))(mg.ones(3, 4)),
            ValueError,
            r"\(2, 3\) .* dim 1 .*\(3, 4",
        ),
        (lambda: nn.Unflatten(1, (-1, -1))(mg.ones(3, 4)), ValueError, "Unflatten"),
        (lambda: nn.Unflatten(1, ())(mg.ones(3, 4)), ValueError, "Unflatten"),
        (lambda: nn.Unflatten(2, (2, 2))(mg.ones(3, 4)), IndexError, "Unflatten: dim 2"),
        (lambda: nn.Unflatten(1, (2, 2))(3), TypeError, "Unflatten: expected a Tensor, got int"),
        (lambda: nn.BatchNorm1d(4)(1.0), TypeError, "BatchNorm1d: expected a Tensor, got float"),
        (lambda: nn.InstanceNorm1d(4)(None), TypeError, "InstanceNorm1d: expected a Tensor"),
        (lambda: nn.Embedding.from_pretrained([[1.0]]), TypeError, "Embedding: expected a Tensor"),
        (lambda: nn.Embedding(3, 2, 1.5), TypeError, "Embedding: padding_idx must be an integer"),
        (lambda: nn.Dropout(None), TypeError, "Dropout: p must be a number, got None"),
        (lambda: nn.AlphaDropout(2), ValueError, "AlphaDropout: p must be a probability"),
        (lambda: nn.Dropout1d(0.5)(mg.ones(3)), ValueError, "dropout1d"),
    ],
)
def test_bad_arguments_are_refused_by_name(make, error, text):
    with pytest.raises(error, match=text):
        make()
