"""Recurrent cells and layers: an independent loop in NumPy, PyTorch, derivatives, errors."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.errors import DtypeError, ShapeError
from minigrad.ops.recurrent import parts

rng = np.random.default_rng(0)
LAYERS = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}
CELLS = {"RNN": nn.RNNCell, "LSTM": nn.LSTMCell, "GRU": nn.GRUCell}
OPTIONS = [
    {},
    {"num_layers": 2, "bias": False},
    {"bidirectional": True, "batch_first": True},
    {"num_layers": 3, "bidirectional": True, "dropout": 0.5},
]
KINDS = pytest.mark.parametrize("kind", LAYERS)


def randn(*shape):
    return rng.standard_normal(shape)


def number(x):
    return x.detach().numpy()


# an independent loop --------------------------------------------------------------------------


def sigma(x):
    return 1 / (1 + np.exp(-x))


def np_step(kind, x, h, c, w, activation=np.tanh):
    """One step of one sample; w maps the names of a cell's parameters to arrays."""
    zero = np.zeros(len(w["weight_ih"]))
    a = w["weight_ih"] @ x + w.get("bias_ih", zero)
    b = w["weight_hh"] @ h + w.get("bias_hh", zero)
    if kind == "RNN":
        return activation(a + b), c
    n = len(a) // (4 if kind == "LSTM" else 3)
    if kind == "LSTM":
        i, f, g, o = (a[k * n : (k + 1) * n] + b[k * n : (k + 1) * n] for k in range(4))
        c = sigma(f) * c + sigma(i) * np.tanh(g)
        h = sigma(o) * np.tanh(c)
        return w["weight_hr"] @ h if "weight_hr" in w else h, c
    r, z = sigma(a[:n] + b[:n]), sigma(a[n : 2 * n] + b[n : 2 * n])
    m = np.tanh(a[2 * n :] + r * b[2 * n :])
    return (1 - z) * m + z * h, c


def np_layers(kind, x, h0, c0, module, activation=np.tanh):
    """The sequence x (T, I) of one sample; h0, c0 (layers and directions, ·)."""
    state = {k: v.numpy() for k, v in module.state_dict().items()}
    final, ways = [], ("", "_reverse")[: 1 + module.bidirectional]
    for k in range(module.num_layers):
        outputs = []
        for way in ways:
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
            w = {n: state[f"{n}_l{k}{way}"] for n in names if f"{n}_l{k}{way}" in state}
            h, c = h0[len(final)], c0[len(final)]
            ys = []
            for row in x[::-1] if way else x:
                h, c = np_step(kind, row, h, c, w, activation)
                ys.append(h)
            final.append((h, c))
            outputs.append(np.stack(ys[::-1] if way else ys))
        x = np.concatenate(outputs, -1)
    return x, *(np.stack(parts) for parts in zip(*final, strict=True))


def run(kind, module, x, h=None, c=None):
    """(output, h, c) as arrays, whatever the kind; c is h's stand-in where there is none."""
    hx = None if h is None else (mg.tensor(h), mg.tensor(c)) if kind == "LSTM" else mg.tensor(h)
    y, last = module(mg.tensor(x), hx)
    h, c = last if kind == "LSTM" else (last, last)
    return number(y), number(h), number(c)


@KINDS
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_layers_are_a_loop_over_samples_and_steps(kind, options):
    module = LAYERS[kind](3, 4, **options, dtype=mg.float64).eval()
    count = module.num_layers * (1 + module.bidirectional)
    x, h, c = randn(5, 2, 3), randn(count, 2, 4), randn(count, 2, 4)
    flip = module.batch_first
    y, hn, cn = run(kind, module, x.swapaxes(0, 1) if flip else x, h, c)
    y = y.swapaxes(0, 1) if flip else y
    for i in range(2):
        ours = y[:, i], hn[:, i], cn[:, i]
        theirs = np_layers(kind, x[:, i], h[:, i], c[:, i], module)
        for a, b in list(zip(ours, theirs, strict=True))[: 3 if kind == "LSTM" else 2]:
            np.testing.assert_allclose(a, b, atol=1e-12)
        alone = run(kind, module, x[:, i], h[:, i], c[:, i])  # without a batch axis
        for a, b in zip(ours, alone, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-12)


def test_projected_and_rectified_layers_are_a_loop_too():
    x = randn(4, 1, 3)
    module = nn.LSTM(3, 5, 2, bidirectional=True, proj_size=2, dtype=mg.float64)
    h, c = randn(4, 1, 2), randn(4, 1, 5)
    ours = run("LSTM", module, x, h, c)
    for a, b in zip(ours, np_layers("LSTM", x[:, 0], h[:, 0], c[:, 0], module), strict=True):
        np.testing.assert_allclose(a[:, 0], b, atol=1e-12)
    module = nn.RNN(3, 5, nonlinearity="relu", dtype=mg.float64)
    y, h, _ = run("RNN", module, x)
    zero = np.zeros((1, 5))
    want = np_layers("RNN", x[:, 0], zero, zero, module, lambda v: np.maximum(v, 0))
    np.testing.assert_allclose(y[:, 0], want[0], atol=1e-12)
    np.testing.assert_allclose(h[:, 0], want[1], atol=1e-12)


@KINDS
def test_a_cell_is_one_step_of_its_layer(kind):
    layer, cell = LAYERS[kind](3, 4, dtype=mg.float64), CELLS[kind](3, 4, dtype=mg.float64)
    state = layer.state_dict()
    cell.load_state_dict({name: state[f"{name}_l0"] for name in cell.state_dict()})
    x = mg.tensor(randn(2, 3))
    y, last = layer(x.unsqueeze(0))
    h = cell(x)
    if kind == "LSTM":
        assert h[1].tolist() == last[1][0].tolist()
        h = h[0]
    assert h.tolist() == y[0].tolist()
    alone = cell(x[0])
    np.testing.assert_allclose(number(alone[0] if kind == "LSTM" else alone), number(h)[0])


@KINDS
def test_dropout_acts_between_layers_in_training_only(kind):
    module = LAYERS[kind](3, 4, 2, dropout=1.0, dtype=mg.float64)
    x = mg.tensor(randn(3, 2, 3))
    dropped, (h, *_) = module(x)[0], module(x)[1:]
    first = (h[0] if kind == "LSTM" else h)[0]
    assert (number(first) != 0).all()  # below the dropout
    with mg.no_grad():
        module.weight_ih_l1.zero_()
    np.testing.assert_allclose(number(dropped), number(module(x)[0]))  # saw nothing but zeros
    with pytest.warns(UserWarning, match="dropout acts between layers"):
        LAYERS[kind](3, 4, dropout=0.5)


# derivatives ----------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}], ids=str)
def test_first_and_second_derivatives_against_differences(kind, options):
    module = LAYERS[kind](2, 2, **options, dtype=mg.float64)
    names = [name for name, _ in module.named_parameters()]
    x = mg.tensor(randn(3, 1, 2), requires_grad=True)
    inputs = [x, *[p.detach().requires_grad_() for p in module.parameters()]]

    def function(x, *parameters):
        given = dict(zip(names, parameters, strict=False))
        y, last = mg.func.functional_call(module, given, (x,))
        return y.sum() + (last[0] * last[1] if kind == "LSTM" else last * last).sum()

    gradcheck(function, inputs)
    gradgradcheck(function, inputs[:3])


@KINDS
def test_batched_cotangents_are_a_loop(kind):
    module = LAYERS[kind](2, 3, 2, bidirectional=True, dtype=mg.float64)
    x = mg.tensor(randn(4, 2, 2), requires_grad=True)
    y, _ = module(x)
    inputs = [x, *module.parameters()]
    v = mg.tensor(randn(3, *y.shape))
    at_once = mg.grad(y, inputs, v, is_grads_batched=True, create_graph=True)
    for i in range(3):
        one = mg.grad(y, inputs, v[i], create_graph=True)
        for a, b in zip(at_once, one, strict=True):
            np.testing.assert_allclose(number(a)[i], number(b), atol=1e-12)
    second = mg.grad(at_once[0].sum(), inputs[1], retain_graph=True)[0]
    looped = sum(
        mg.grad(mg.grad(y, x, u, create_graph=True)[0].sum(), inputs[1], retain_graph=True)[0]
        for u in v
    )
    np.testing.assert_allclose(number(second), number(looped), atol=1e-12)


def test_the_gradient_of_a_single_step_reaches_back_only():
    module = nn.LSTM(2, 3, dtype=mg.float64)
    x = mg.tensor(randn(5, 1, 2), requires_grad=True)
    (dx,) = mg.grad(module(x)[0][2].sum(), x)
    assert (number(dx)[:3] != 0).all() and (number(dx)[3:] == 0).all()


@pytest.mark.parametrize("used", [[0], [3], [1, 2], [0, 1, 2, 3]])
def test_pieces_that_are_not_used_get_zeros(used):
    x = mg.tensor(randn(4, 1, 2), requires_grad=True)
    pieces = parts(x, 1, -3)
    y = sum((pieces[i] * pieces[i]).sum() for i in used)
    (dx,) = mg.grad(y, x, create_graph=True)
    mask = np.isin(np.arange(4), used)[:, None, None]
    np.testing.assert_allclose(number(dx), 2 * number(x) * mask)
    (ddx,) = mg.grad(dx.sum(), x)
    np.testing.assert_allclose(ddx.numpy(), 2 * mask * np.ones((4, 1, 2)))


def test_a_network_learns_to_remember_its_first_input():
    mg.manual_seed(0)
    module, head = nn.GRU(1, 8), nn.Linear(8, 1)
    optimizer = mg.optim.Adam([*module.parameters(), *head.parameters()], lr=0.02)
    x = mg.randn(6, 64, 1)
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(head(module(x)[1][0]), x[0])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.05 * losses[0]


# names, defaults, errors ----------------------------------------------------------------------


def test_parameters_have_pytorchs_names_and_shapes():
    module = nn.LSTM(2, 4, 2, bidirectional=True, proj_size=3)
    shapes = {k: v.shape for k, v in module.state_dict().items()}
    assert list(shapes)[:6] == [
        *("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_hr_l0"),
        "weight_ih_l0_reverse",
    ]
    assert shapes["weight_ih_l0"] == (16, 2) and shapes["weight_ih_l1_reverse"] == (16, 6)
    assert shapes["weight_hh_l0"] == (16, 3) and shapes["weight_hr_l1"] == (3, 4)
    assert [len(w) for w in module.all_weights] == [5] * 4
    assert list(nn.GRUCell(2, 3, bias=False).state_dict()) == ["weight_ih", "weight_hh"]


@KINDS
def test_parameters_start_within_one_over_root_of_the_hidden_size(kind):
    for module in (LAYERS[kind](5, 100), CELLS[kind](5, 100)):
        for p in module.parameters():
            values = number(p)
            assert 0.09 < np.abs(values).max() <= 0.1 and abs(values.mean()) < 0.02


def test_empty_batches_pass():
    for kind, cell in CELLS.items():
        y, h, _ = run(kind, LAYERS[kind](2, 3, 2, dtype=mg.float64), randn(4, 0, 2))
        assert y.shape == (4, 0, 3) and h.shape == (2, 0, 3)
        h = cell(2, 3)(mg.zeros(0, 2))
        assert (h[0] if kind == "LSTM" else h).shape == (0, 3)


@KINDS
@pytest.mark.parametrize(
    ("x", "hx", "error", "message"),
    [
        ((5, 4, 3), None, ShapeError, "expected inputs of size 2"),
        ((2,), None, ShapeError, "expected an input of 2 or 3 axes"),
        ((1, 5, 4, 2), None, ShapeError, "expected an input of 2 or 3 axes"),
        ((0, 4, 2), None, ShapeError, "at least one time step"),
        ((5, 4, 2), (1, 3, 3), ShapeError, r"expected hx of shape \(1, 4, 3\)"),
        ((5, 4, 2), (2, 4, 3), ShapeError, r"expected hx of shape \(1, 4, 3\)"),
        ((5, 4, 2), (1, 3), ShapeError, r"expected hx of shape \(1, 4, 3\)"),
        ((5, 2), (1, 1, 3), ShapeError, r"expected hx of shape \(1, 3\)"),
    ],
)
def test_layers_refuse(kind, x, hx, error, message):
    state = None if hx is None else mg.zeros(*hx)
    if kind == "LSTM" and hx is not None:
        state = (state, state)
    with pytest.raises(error, match=f"{kind}: .*{message}"):
        LAYERS[kind](2, 3)(mg.zeros(*x), state)


@KINDS
@pytest.mark.parametrize(
    ("x", "hx", "message"),
    [
        ((4, 3), None, "expected inputs of size 2"),
        ((1, 4, 2), None, r"expected an input \(N, I\)"),
        ((4, 2), (3, 3), r"expected hx of shape \(4, 3\)"),
        ((4, 2), (4, 2), r"expected hx of shape \(4, 3\)"),
        ((4, 2), (1, 3), r"expected hx of shape \(4, 3\)"),
        ((2,), (1, 3), r"expected hx of shape \(3,\)"),
    ],
)
def test_cells_refuse(kind, x, hx, message):
    state = None if hx is None else mg.zeros(*hx)
    if kind == "LSTM" and hx is not None:
        state = (state, state)
    with pytest.raises(ShapeError, match=f"{kind}Cell: .*{message}"):
        CELLS[kind](2, 3)(mg.zeros(*x), state)


def test_wrong_dtypes_and_kinds_are_refused():
    x = mg.zeros(4, 1, 2)
    for kind, layer in LAYERS.items():
        with pytest.raises(DtypeError, match="input is float64, the weights are float32"):
            layer(2, 3)(x.double())
        with pytest.raises(TypeError, match=f"{kind}: input: expected a Tensor"):
            layer(2, 3)([1.0, 2.0])
        with pytest.raises(DtypeError, match=f"{kind}Cell: input is int64"):
            CELLS[kind](2, 3)(x[0].long())
    for pair in (mg.zeros(1, 1, 3), (mg.zeros(1, 1, 3),)):
        with pytest.raises(TypeError, match="LSTM: hx must be a pair"):
            nn.LSTM(2, 3)(x, pair)
        with pytest.raises(TypeError, match="LSTMCell: hx must be a pair"):
            nn.LSTMCell(2, 3)(x[0], pair)
    with pytest.raises(ShapeError, match=r"LSTM: expected cx of shape \(1, 1, 3\)"):
        nn.LSTM(2, 3)(x, (mg.zeros(1, 1, 3), mg.zeros(1, 1, 2)))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"hidden_size": 0}, ValueError, "hidden_size must be at least 1"),
        ({"hidden_size": "3"}, TypeError, "hidden_size must be an integer"),
        ({"input_size": 0}, ValueError, "input_size must be at least 1"),
        ({"num_layers": 0}, ValueError, "num_layers must be at least 1"),
        ({"dropout": 1.5}, ValueError, "dropout must be a number in"),
        ({"dropout": True}, TypeError, "dropout must be a number in"),
        ({"bias": 1}, TypeError, "bias must be True or False"),
        ({"batch_first": 0}, TypeError, "batch_first must be True or False"),
        ({"proj_size": 3}, ValueError, "proj_size must be smaller than hidden_size"),
        ({"proj_size": -1}, ValueError, "proj_size must be at least 0"),
    ],
)
def test_constructors_refuse(options, error, message):
    with pytest.raises(error, match=f"LSTM: {message}"):
        nn.LSTM(**{"input_size": 2, "hidden_size": 3, **options})


def test_unknown_nonlinearities_are_refused():
    for layer in (nn.RNN, nn.RNNCell):
        with pytest.raises(ValueError, match="nonlinearity must be 'tanh' or 'relu', got 'gelu'"):
            layer(2, 3, nonlinearity="gelu")


# PyTorch --------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize(
    "options", [*OPTIONS, {"proj_size": 2, "num_layers": 2, "batch_first": True}], ids=str
)
def test_layers_are_pytorchs(kind, options):
    torch = pytest.importorskip("torch")
    if kind != "LSTM" and "proj_size" in options:
        return
    theirs = getattr(torch.nn, kind)(3, 4, **options).double().eval()
    mine = LAYERS[kind](3, 4, **options).double().eval()
    assert repr(mine) == repr(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    mine.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    a = randn(3, 2, 3)
    x, u = mg.tensor(a, requires_grad=True), torch.tensor(a, requires_grad=True)
    (y, h), (v, g) = mine(x), theirs(u)
    np.testing.assert_allclose(number(y), v.detach().numpy(), atol=1e-12)
    h, g = ((h,), (g,)) if kind != "LSTM" else (h, g)
    for p, q in zip(h, g, strict=True):
        np.testing.assert_allclose(number(p), q.detach().numpy(), atol=1e-12)
    ((y * y).sum() + h[-1].sum()).backward()
    ((v * v).sum() + g[-1].sum()).backward()
    np.testing.assert_allclose(x.grad.numpy(), u.grad.numpy(), atol=1e-11)
    for p, q in zip(mine.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), atol=1e-11)
