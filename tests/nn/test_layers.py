"""Layers and losses: shapes, defaults, errors; values, gradients and keys as PyTorch's."""

import math
import warnings

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn


def pairs(*shape, seed=0):
    """The same standard normal numbers for two libraries."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


# against PyTorch ------------------------------------------------------------------------------

LAYERS = {
    "linear": (lambda nn: nn.Linear(4, 3), (5, 4)),
    "linear, no bias": (lambda nn: nn.Linear(4, 3, bias=False), (2, 5, 4)),
    "linear, vector": (lambda nn: nn.Linear(4, 3), (4,)),
    "flatten": (lambda nn: nn.Flatten(), (2, 3, 4)),
    "flatten, axes": (lambda nn: nn.Flatten(0, 1), (2, 3, 4)),
    "identity": (lambda nn: nn.Identity(), (2, 3)),
    "conv2d": (lambda nn: nn.Conv2d(3, 4, 3), (2, 3, 6, 5)),
    "conv2d, all options": (
        lambda nn: nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 0), (1, 2), groups=2, bias=False),
        (2, 4, 7, 6),
    ),
    "conv2d, same": (lambda nn: nn.Conv2d(1, 2, (3, 5), padding="same"), (2, 1, 5, 5)),
    "conv2d, no batch": (lambda nn: nn.Conv2d(3, 4, 3), (3, 6, 5)),
    "max_pool2d": (lambda nn: nn.MaxPool2d(2), (2, 3, 6, 5)),
    "max_pool2d, options": (
        lambda nn: nn.MaxPool2d((3, 2), 2, (1, 0), 1, ceil_mode=True),
        (2, 3, 6, 5),
    ),
    "avg_pool2d": (lambda nn: nn.AvgPool2d(2), (2, 3, 6, 5)),
    "avg_pool2d, options": (
        lambda nn: nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
        (2, 3, 6, 5),
    ),
    "batch_norm1d": (lambda nn: nn.BatchNorm1d(3), (6, 3)),
    "batch_norm1d, sequence": (lambda nn: nn.BatchNorm1d(3, momentum=0.5), (2, 3, 5)),
    "batch_norm1d, cumulative": (lambda nn: nn.BatchNorm1d(3, momentum=None), (6, 3)),
    "batch_norm1d, no affine": (lambda nn: nn.BatchNorm1d(3, affine=False), (6, 3)),
    "batch_norm1d, untracked": (lambda nn: nn.BatchNorm1d(3, track_running_stats=False), (6, 3)),
    "batch_norm2d": (lambda nn: nn.BatchNorm2d(3, eps=1e-3), (2, 3, 4, 5)),
    "layer_norm": (lambda nn: nn.LayerNorm(5), (2, 3, 5)),
    "layer_norm, axes": (lambda nn: nn.LayerNorm((3, 5), eps=1e-3), (2, 3, 5)),
    "layer_norm, no bias": (lambda nn: nn.LayerNorm([5], bias=False), (3, 5)),
    "layer_norm, no affine": (lambda nn: nn.LayerNorm(5, elementwise_affine=False), (5,)),
    "relu": (lambda nn: nn.ReLU(), (3, 4)),
    "tanh": (lambda nn: nn.Tanh(), (3, 4)),
    "sigmoid": (lambda nn: nn.Sigmoid(), (3, 4)),
    "softplus": (lambda nn: nn.Softplus(2.0, 1.0), (3, 4)),
    "softmax": (lambda nn: nn.Softmax(dim=-1), (3, 4)),
    "log_softmax": (lambda nn: nn.LogSoftmax(dim=0), (3, 4)),
    "dropout, p = 0": (lambda nn: nn.Dropout(0.0), (3, 4)),
    "network": (
        lambda nn: nn.Sequential(
            nn.Conv2d(1, 3, 3, padding=1),
            nn.BatchNorm2d(3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(12, 5),
            nn.Tanh(),
        ),
        (4, 1, 4, 4),
    ),
}


def twins(make, torch):
    """The layer in both libraries, with the same parameters and buffers."""
    mine, theirs = make(nn), make(torch.nn)
    state = {k: v.numpy() for k, v in theirs.state_dict().items()}
    mine.load_state_dict(state)
    return mine, theirs


@pytest.mark.parametrize("name", LAYERS)
def test_layer_is_pytorchs(name):
    torch = pytest.importorskip("torch")
    make, shape = LAYERS[name]
    mine, theirs = twins(make, torch)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    assert [k for k, _ in mine.named_parameters()] == [k for k, _ in theirs.named_parameters()]
    for training in (True, True, False):
        mine.train(training), theirs.train(training)
        a = pairs(*shape, seed=training)
        x = mg.tensor(a, requires_grad=True)
        u = torch.tensor(a, requires_grad=True)
        y, v = mine(x), theirs(u)
        assert y.shape == tuple(v.shape) and y.dtype == mg.float32
        assert np.allclose(y.tolist(), v.tolist(), rtol=1e-4, atol=1e-5)
        g = pairs(*y.shape, seed=7)
        mine.zero_grad(), theirs.zero_grad()
        y.backward(mg.tensor(g)), v.backward(torch.tensor(g))
        assert np.allclose(x.grad.tolist(), u.grad.tolist(), rtol=1e-3, atol=1e-4)
        for p, q in zip(mine.parameters(), theirs.parameters(), strict=True):
            assert np.allclose(p.grad.tolist(), q.grad.tolist(), rtol=1e-3, atol=1e-4)
        for (key, b), c in zip(mine.named_buffers(), theirs.buffers(), strict=True):
            assert np.allclose(b.tolist(), c.tolist(), rtol=1e-4, atol=1e-6), key
            assert str(b.dtype) == str(c.dtype).removeprefix("torch.")


LOSSES = {
    "cross_entropy": (lambda nn, t: nn.CrossEntropyLoss(), "classes"),
    "cross_entropy, options": (
        lambda nn, t: nn.CrossEntropyLoss(
            weight=t([0.5, 1.0, 2.0]), ignore_index=1, reduction="sum", label_smoothing=0.1
        ),
        "classes",
    ),
    "cross_entropy, probabilities": (lambda nn, t: nn.CrossEntropyLoss(), "probabilities"),
    "nll": (lambda nn, t: nn.NLLLoss(), "classes"),
    "nll, options": (
        lambda nn, t: nn.NLLLoss(weight=t([0.5, 1.0, 2.0]), ignore_index=2, reduction="none"),
        "classes",
    ),
    "mse": (lambda nn, t: nn.MSELoss(), "probabilities"),
    "mse, sum": (lambda nn, t: nn.MSELoss(reduction="sum"), "probabilities"),
    "bce": (lambda nn, t: nn.BCEWithLogitsLoss(), "probabilities"),
    "bce, options": (
        lambda nn, t: nn.BCEWithLogitsLoss(
            weight=t([1.0, 2.0, 3.0]), pos_weight=t([0.5, 1.0, 4.0]), reduction="sum"
        ),
        "probabilities",
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_loss_is_pytorchs(name):
    torch = pytest.importorskip("torch")
    make, kind = LOSSES[name]
    mine, theirs = make(nn, mg.tensor), make(torch.nn, torch.tensor)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    a = pairs(5, 3)
    target = np.array([0, 2, 1, 1, 0])
    if kind == "probabilities":
        target = np.exp(a) / np.exp(a).sum(1, keepdims=True)
    x, u = mg.tensor(a, requires_grad=True), torch.tensor(a, requires_grad=True)
    y, v = mine(x, mg.tensor(target)), theirs(u, torch.tensor(target))
    assert y.shape == tuple(v.shape) and np.allclose(y.tolist(), v.tolist(), rtol=1e-5)
    y.sum().backward(), v.sum().backward()
    assert np.allclose(x.grad.tolist(), u.grad.tolist(), rtol=1e-4, atol=1e-6)


def test_constructors_take_pytorchs_arguments():
    torch = pytest.importorskip("torch")
    import inspect

    for name in (
        "Linear Flatten Conv2d MaxPool2d AvgPool2d BatchNorm1d BatchNorm2d LayerNorm Embedding "
        "Dropout ReLU Softplus Softmax LogSoftmax CrossEntropyLoss NLLLoss MSELoss "
        "BCEWithLogitsLoss"
    ).split():
        theirs = inspect.signature(getattr(torch.nn, name)).parameters
        mine = inspect.signature(getattr(nn, name)).parameters
        left_out = {"device", "size_average", "reduce", "_weight", "_freeze"}
        expected = {k: p.default for k, p in theirs.items() if k not in left_out}
        if name.startswith("BatchNorm"):
            expected.setdefault("bias", True)  # in the newest versions only
        assert {k: p.default for k, p in mine.items()} == expected, name


# what layers promise --------------------------------------------------------------------------


def test_linear_has_pytorchs_attributes():
    m = nn.Linear(3, 2)
    assert m.weight.shape == (2, 3) and m.bias.shape == (2,)
    assert (m.in_features, m.out_features) == (3, 2)
    assert nn.Linear(3, 2, bias=False).bias is None
    assert nn.Linear(3, 2, dtype=mg.float64).weight.dtype == mg.float64


def test_conv2d_has_pytorchs_attributes():
    m = nn.Conv2d(4, 6, (3, 5), stride=2, padding=(1, 0), groups=2)
    assert m.weight.shape == (6, 2, 3, 5) and m.bias.shape == (6,)
    assert m.kernel_size == (3, 5) and m.stride == (2, 2) and m.padding == (1, 0)
    assert m.dilation == (1, 1) and m.groups == 2 and m.padding_mode == "zeros"
    assert nn.Conv2d(1, 1, 2, dtype="float64").bias.dtype == mg.float64


def test_default_initialisation_is_uniform_with_bound_one_over_root_fan_in():
    for layer, fan_in in [(nn.Linear(25, 400), 25), (nn.Conv2d(8, 80, 3, groups=2), 36)]:
        bound = 1 / math.sqrt(fan_in)
        for p in layer.parameters():
            values = p.detach().numpy()
            assert np.abs(values).max() <= bound and np.abs(values).max() > 0.9 * bound
            assert abs(values.mean()) < 4 * bound / math.sqrt(3 * values.size)
        spread = layer.weight.detach().numpy().std()
        assert abs(spread - bound / math.sqrt(3)) < 0.05 * bound


def test_initialisation_follows_the_seed():
    mg.manual_seed(3)
    a = nn.Linear(4, 4)
    mg.manual_seed(3)
    b = nn.Linear(4, 4)
    assert a.weight.tolist() == b.weight.tolist() and a.bias.tolist() == b.bias.tolist()
    b.reset_parameters()
    assert a.weight.tolist() != b.weight.tolist()


def test_linear_without_inputs_is_its_bias():
    with pytest.warns(UserWarning, match="zero-element"):
        m = nn.Linear(0, 2)
    assert m(mg.zeros(3, 0)).tolist() == [[0.0, 0.0]] * 3


def test_batch_norm_buffers_have_pytorchs_names_and_dtypes():
    m = nn.BatchNorm1d(3, dtype=mg.float64)
    assert [(k, b.shape, str(b.dtype)) for k, b in m.named_buffers()] == [
        ("running_mean", (3,), "float64"),
        ("running_var", (3,), "float64"),
        ("num_batches_tracked", (), "int64"),
    ]
    m(mg.randn(4, 3, dtype=mg.float64))
    m.reset_parameters()
    assert m.running_mean.tolist() == [0.0] * 3 and m.running_var.tolist() == [1.0] * 3
    assert m.num_batches_tracked.item() == 0


def test_cumulative_momentum_averages_all_batches():
    m = nn.BatchNorm1d(2, momentum=None)
    batches = [mg.tensor(pairs(4, 2, seed=k)) for k in range(3)]
    for x in batches:
        m(x)
    mean = np.mean([x.numpy().mean(0) for x in batches], axis=0)
    var = np.mean([x.numpy().var(0, ddof=1) for x in batches], axis=0)
    assert np.allclose(m.running_mean.tolist(), mean, atol=1e-6)
    assert np.allclose(m.running_var.tolist(), var, atol=1e-6)


def test_layer_norm_starts_as_the_identity_of_what_is_normalised():
    m = nn.LayerNorm((2, 3), dtype=mg.float64)
    assert m.weight.tolist() == [[1.0] * 3] * 2 and m.bias.tolist() == [[0.0] * 3] * 2
    assert m.weight.dtype == m.bias.dtype == mg.float64 and m.normalized_shape == (2, 3)
    assert nn.LayerNorm(3, bias=False).bias is None
    plain = nn.LayerNorm(3, elementwise_affine=False)
    assert plain.weight is None and plain.bias is None and not list(plain.parameters())


def test_embedding_starts_standard_normal_with_zeros_for_padding():
    m = nn.Embedding(1000, 20, padding_idx=-3)
    values = m.weight.detach().numpy()
    assert m.padding_idx == 997 and not values[997].any()
    others = np.delete(values, 997, 0)
    assert abs(others.mean()) < 0.03 and abs(others.std() - 1) < 0.03
    m(mg.tensor([997, 3])).sum().backward()
    assert m.weight.grad[997].tolist() == [0.0] * 20 and m.weight.grad[3].tolist() == [1.0] * 20
    m.reset_parameters()
    assert not m.weight.detach().numpy()[997].any()


def test_embedding_of_a_given_table_shares_it_and_is_frozen_unless_told():
    table = mg.randn(4, 3)
    m = nn.Embedding.from_pretrained(table, padding_idx=1)
    assert m.weight.numpy() is table.numpy() or np.shares_memory(m.weight.numpy(), table.numpy())
    assert not m.weight.requires_grad and m.padding_idx == 1
    assert m.weight.tolist() == table.tolist()  # the row of padding too
    assert (m.num_embeddings, m.embedding_dim) == (4, 3)
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad


def test_new_layers_print_as_pytorchs():
    torch = pytest.importorskip("torch")
    for make in (
        lambda nn: nn.LayerNorm((3, 4)),
        lambda nn: nn.LayerNorm(3, elementwise_affine=False),
        lambda nn: nn.Embedding(5, 2),
        lambda nn: nn.Embedding(5, 2, padding_idx=-1, scale_grad_by_freq=True),
    ):
        assert repr(make(nn)) == repr(make(torch.nn))


def test_embedding_is_pytorchs():
    torch = pytest.importorskip("torch")
    mine, theirs = twins(lambda nn: nn.Embedding(6, 3, padding_idx=2), torch)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    index = np.array([[0, 2, 5], [5, 1, 0]])
    y, v = mine(mg.tensor(index)), theirs(torch.tensor(index))
    assert y.tolist() == v.tolist()
    y.square().sum().backward(), v.square().sum().backward()
    assert np.allclose(mine.weight.grad.tolist(), theirs.weight.grad.tolist(), rtol=1e-6)


def test_evaluation_leaves_the_running_statistics_alone():
    m = nn.BatchNorm1d(2).eval()
    m(mg.randn(4, 2))
    assert m.running_mean.tolist() == [0.0, 0.0] and m.num_batches_tracked.item() == 0


def test_dropout_is_silent_in_evaluation_and_keeps_the_mean_in_training():
    m = nn.Dropout(0.25)
    x = mg.ones(4000)
    y = m(x).numpy()
    assert set(np.round(np.unique(y), 5)) == {0.0, np.float32(1.33333)}
    assert abs((y == 0).mean() - 0.25) < 0.03
    assert m.eval()(x).tolist() == x.tolist()


def test_inplace_relu_writes_over_its_input():
    x = mg.tensor([-1.0, 2.0])
    y = nn.ReLU(inplace=True)(x)
    assert y is x and x.tolist() == [0.0, 2.0]


def test_softmax_without_dim_chooses_as_pytorch_and_warns():
    for shape, dim in [((3,), 0), ((2, 3), 1), ((2, 3, 4), 0), ((2, 3, 4, 5), 1)]:
        x = mg.randn(*shape)
        with pytest.warns(UserWarning, match="softmax.*dim"):
            y = nn.Softmax()(x)
        assert np.allclose(y.tolist(), F.softmax(x, dim=dim).tolist())
        with pytest.warns(UserWarning, match="log_softmax.*dim"):
            nn.LogSoftmax()(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        F.softmax(x, dim=1)


def test_max_pool_returns_indices_on_request():
    y, indices = nn.MaxPool2d(2, return_indices=True)(mg.arange(16.0).reshape(1, 1, 4, 4))
    assert indices.tolist() == [[[[5, 7], [13, 15]]]] and y.tolist() == [[[[5, 7], [13, 15]]]]


def test_a_network_learns():
    mg.manual_seed(0)
    x = mg.tensor(pairs(64, 2))
    target = (x[:, 0] * x[:, 1] > 0).long()  # not linear
    net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
    loss_of = nn.CrossEntropyLoss()
    first = loss_of(net(x), target).item()
    for _ in range(200):
        net.zero_grad()
        loss = loss_of(net(x), target)
        loss.backward()
        with mg.no_grad():
            for p in net.parameters():
                p -= 1.0 * p.grad
    assert loss.item() < 0.3 * first


# errors name the layer ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, error, text",
    [
        (lambda: nn.Linear(2.5, 1), TypeError, "Linear: in_features must be an integer, got 2.5"),
        (lambda: nn.Linear(2, True), TypeError, "Linear: out_features must be an integer"),
        (lambda: nn.Linear(-1, 1), ValueError, "Linear: in_features must be at least 0, got -1"),
        (lambda: nn.Linear(2, 1, dtype=mg.int64), TypeError, "Linear: dtype must be float32"),
        (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "Conv2d: in_channels must be divis"),
        (lambda: nn.Conv2d(4, 3, 3, groups=2), ValueError, "Conv2d: out_channels must be divis"),
        (lambda: nn.Conv2d(1, 1, 3, groups=0), ValueError, "Conv2d: groups must be at least 1"),
        (lambda: nn.Conv2d(0, 1, 3), ValueError, "Conv2d: in_channels must be at least 1"),
        (lambda: nn.Conv2d(1, 1, 0), ValueError, "Conv2d: kernel_size must be at least 1"),
        (lambda: nn.Conv2d(1, 1, "3"), TypeError, "Conv2d: kernel_size must be one or two int"),
        (lambda: nn.Conv2d(1, 1, (1, 2, 3)), ValueError, "Conv2d: kernel_size"),
        (lambda: nn.Conv2d(1, 1, 3, stride=0), ValueError, "Conv2d: stride must be at least 1"),
        (lambda: nn.Conv2d(1, 1, 3, padding=-1), ValueError, "Conv2d: padding must be at least 0"),
        (lambda: nn.Conv2d(1, 1, 3, padding="full"), ValueError, "Conv2d: padding must be int"),
        (lambda: nn.Conv2d(1, 1, 3, 2, padding="same"), ValueError, "Conv2d: padding='same'"),
        (lambda: nn.Conv2d(1, 1, 3, dilation=0), ValueError, "Conv2d: dilation must be at least"),
        (
            lambda: nn.Conv2d(1, 1, 3, padding_mode="mirror"),
            ValueError,
            "Conv2d: padding_mode must be one of .*, got 'mirror'",
        ),
        (lambda: nn.MaxPool2d(0), ValueError, "MaxPool2d: kernel_size must be at least 1"),
        (lambda: nn.MaxPool2d(2, 0), ValueError, "MaxPool2d: stride must be at least 1"),
        (lambda: nn.MaxPool2d(2, padding=2), ValueError, "MaxPool2d: padding must be at most hal"),
        (lambda: nn.MaxPool2d(2, dilation=0), ValueError, "MaxPool2d: dilation"),
        (lambda: nn.AvgPool2d(1.5), TypeError, "AvgPool2d: kernel_size must be one or two int"),
        (lambda: nn.BatchNorm1d(0), ValueError, "BatchNorm1d: num_features must be at least 1"),
        (lambda: nn.BatchNorm2d("3"), TypeError, "BatchNorm2d: num_features must be an integer"),
        (lambda: nn.BatchNorm2d(3, eps=-1), ValueError, "BatchNorm2d: eps"),
        (lambda: nn.BatchNorm2d(3, momentum="x"), ValueError, "BatchNorm2d: momentum"),
        (lambda: nn.BatchNorm1d(3)(mg.ones(3)), ValueError, r"BatchNorm1d: .*\(N, C\).*\(3,\)"),
        (lambda: nn.BatchNorm2d(3)(mg.ones(2, 3)), ValueError, r"BatchNorm2d: .*\(2, 3\)"),
        (lambda: nn.LayerNorm(()), ValueError, "LayerNorm: normalized_shape .* at least one axis"),
        (lambda: nn.LayerNorm((3, -1)), ValueError, "LayerNorm: normalized_shape must be at"),
        (lambda: nn.LayerNorm(2.5), TypeError, "LayerNorm: normalized_shape must be"),
        (lambda: nn.LayerNorm(3, eps=-1), ValueError, "LayerNorm: eps"),
        (lambda: nn.LayerNorm(3, dtype="int64"), TypeError, "LayerNorm: dtype"),
        (lambda: nn.Embedding(-1, 2), ValueError, "Embedding: num_embeddings must be at least 0"),
        (lambda: nn.Embedding(3, 2.0), TypeError, "Embedding: embedding_dim must be an integer"),
        (lambda: nn.Embedding(3, 2, 3), ValueError, r"Embedding: padding_idx must lie in \[-3, 3"),
        (
            lambda: nn.Embedding.from_pretrained(mg.ones(3)),
            ValueError,
            r"Embedding: expected embeddings \(V, D\)",
        ),
        (lambda: nn.Dropout(1.5), ValueError, r"Dropout: p must be .* in \[0, 1\], got 1.5"),
        (lambda: nn.Dropout(math.nan), ValueError, "Dropout"),
        (lambda: nn.MSELoss(reduction="avg"), ValueError, "MSELoss: reduction .* got 'avg'"),
        (lambda: nn.CrossEntropyLoss(label_smoothing=2), ValueError, "CrossEntropyLoss: label_sm"),
        (lambda: nn.NLLLoss(weight=[1.0]), TypeError, "NLLLoss: .*'list' as buffer 'weight'"),
    ],
)
def test_bad_arguments_are_refused_by_name(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_inputs_of_wrong_shape_or_dtype_are_refused():
    with pytest.raises(RuntimeError, match=r"linear: .*\(3, 5\).*\(2, 4\)"):
        nn.Linear(4, 2)(mg.ones(3, 5))
    with pytest.raises(RuntimeError, match="float64"):
        nn.Linear(4, 2)(mg.ones(3, 4, dtype=mg.float64))
    with pytest.raises(TypeError, match="linear"):
        nn.Linear(4, 2)(np.ones((3, 4), np.float32))
    with pytest.raises(RuntimeError, match="conv2d"):
        nn.Conv2d(3, 2, 3)(mg.ones(1, 4, 5, 5))
    with pytest.raises((RuntimeError, ValueError)):
        nn.BatchNorm1d(3)(mg.ones(4, 5))
    with pytest.raises(ValueError, match="more than 1 value"):
        nn.BatchNorm1d(3)(mg.ones(1, 3))
