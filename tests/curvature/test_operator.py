"""Hessian and Gauss–Newton operators against matrices known in closed form."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import curvature, nn
from minigrad.errors import ShapeError

F = nn.functional
f64 = mg.float64


def network(batch_norm=False):
    mg.manual_seed(1)
    norm = [nn.BatchNorm1d(4)] if batch_norm else []
    model = nn.Sequential(nn.Linear(3, 4), *norm, nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 3))
    x, t = mg.randn(10, 3), mg.randint(0, 3, (10,))
    return model.double(), x.double(), t


def quadratic(n):
    """f(w) = ½ wᵀAw, and A."""
    a = np.random.default_rng(0).standard_normal((n, n))
    a = a + a.T
    matrix = mg.tensor(a)
    return (lambda w: 0.5 * (w @ (matrix @ w))), a


def test_the_lectures_toy_is_exact():
    H = curvature.Hessian.of(lambda w: (1 - w[0] * w[1]) ** 2, mg.zeros(2))
    assert H.dense().tolist() == [[0.0, -2.0], [-2.0, 0.0]]
    assert curvature.eigenpairs(H, 2).values.tolist() == [-2.0, 2.0]
    assert H.loss() == 1.0 and H.gradient().tolist() == [0.0, 0.0]


def test_products_are_those_of_the_matrix():
    f, a = quadratic(7)
    H = curvature.Hessian.of(f, mg.zeros(7, dtype=f64))
    chance = np.random.default_rng(1)
    v, m = chance.standard_normal(7), chance.standard_normal((7, 3))
    np.testing.assert_allclose(H @ v, a @ v, atol=1e-12)
    np.testing.assert_allclose(H @ m, a @ m, atol=1e-12)
    np.testing.assert_allclose(H.to_scipy() @ m, a @ m, atol=1e-12)
    np.testing.assert_allclose(H.to_scipy().T @ v, a @ v, atol=1e-12)
    np.testing.assert_allclose(H.dense(), a, atol=1e-12)
    assert (H.matvec(mg.tensor(v)) == H.matvec(v)).all()


def test_linear_regression_has_the_hessian_of_the_normal_equations():
    x, y = mg.randn(20, 4, dtype=f64), mg.randn(20, 1, dtype=f64)
    model = nn.Linear(4, 1, dtype=f64)
    design = np.c_[x.numpy(), np.ones(20)]
    want = 2 * design.T @ design / 20
    for kind in (curvature.Hessian, curvature.GaussNewton):
        np.testing.assert_allclose(kind(model, F.mse_loss, (x, y)).dense(), want, atol=1e-12)


def test_softmax_regression_has_its_closed_form():
    x, t = mg.randn(9, 2, dtype=f64), mg.randint(0, 3, (9,))
    model = nn.Linear(2, 3, bias=False, dtype=f64)
    p = mg.softmax(model(x), 1).detach().numpy()
    want = np.zeros((6, 6))
    for row, q in zip(x.numpy(), p, strict=True):
        want += np.kron(np.diag(q) - np.outer(q, q), np.outer(row, row)) / 9
    for kind in (curvature.Hessian, curvature.GaussNewton):
        np.testing.assert_allclose(kind(model, F.cross_entropy, (x, t)).dense(), want, atol=1e-12)


def test_hessian_of_a_network_is_the_difference_of_gradients():
    model, x, t = network(batch_norm=True)
    H = curvature.Hessian(model, F.cross_entropy, (x, t))
    chance = np.random.default_rng(0)
    v = chance.standard_normal(H.shape[0])
    h = 1e-5
    moved = []
    for s in (h, -h):
        other, _, _ = network(batch_norm=True)
        for p, step in zip(other.parameters(), H.unflatten(v).values(), strict=True):
            p.data = p.detach() + s * step
        moved.append(curvature.Hessian(other, F.cross_entropy, (x, t)).gradient())
    np.testing.assert_allclose(H @ v, (moved[0] - moved[1]) / (2 * h), rtol=1e-5, atol=1e-6)


def test_gauss_newton_is_jacobian_times_loss_hessian_times_jacobian():
    model, x, t = network()
    G = curvature.GaussNewton(model, F.cross_entropy, (x, t))
    model.eval()
    names = [n for n, _ in model.named_parameters()]
    blocks = mg.func.jacobian(lambda p: mg.func.functional_call(model, p, x))(
        {n: p.detach() for n, p in model.named_parameters()}
    )
    j = np.concatenate([blocks[n].numpy().reshape(30, -1) for n in names], 1)
    z = model(x).detach()
    inner = mg.func.hessian(lambda z: F.cross_entropy(z, t))(z).numpy().reshape(30, 30)
    np.testing.assert_allclose(G.dense(), j.T @ inner @ j, atol=1e-12)
    assert np.linalg.eigvalsh(G.dense()).min() > -1e-14


def test_uneven_batches_equal_one_batch_without_batch_norm():
    model, x, t = network()
    whole = curvature.Hessian(model, F.cross_entropy, (x, t))
    parts = [(x[:3], t[:3]), (x[3:4], t[3:4]), (x[4:], t[4:])]
    loader = mg.utils.data.DataLoader(mg.utils.data.TensorDataset(x, t), batch_size=4)
    for data in (parts, loader, iter(parts)):
        split = curvature.Hessian(model, F.cross_entropy, data)
        np.testing.assert_allclose(split.dense(), whole.dense(), atol=1e-12)
        assert split.loss() == pytest.approx(whole.loss())
        np.testing.assert_allclose(split.gradient(), whole.gradient(), atol=1e-12)
    total = curvature.Hessian(
        model, lambda z, t: F.cross_entropy(z, t, reduction="sum"), parts, reduction="sum"
    )
    np.testing.assert_allclose(total.dense(), 10 * whole.dense(), atol=1e-11)


def test_batch_norm_is_trained_or_evaluated_by_choice_and_left_alone():
    model, x, t = network(batch_norm=True)
    before = {k: v.numpy().copy() for k, v in model.state_dict().items()}
    model.train()
    train = curvature.Hessian(model, F.cross_entropy, (x, t)).dense()
    evaluated = curvature.Hessian(model, F.cross_entropy, (x, t), batch_norm="eval").dense()
    assert np.abs(train - evaluated).max() > 1e-3
    assert model.training and all(m.training for m in model.modules())
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[key])
    assert all(p.grad is None for p in model.parameters())
    # A bias before batch norm has no effect on the loss: its rows are zero.
    rows = curvature.Hessian(model, F.cross_entropy, (x, t)).unflatten(np.arange(len(train)) * 1.0)
    bias = rows["0.bias"].numpy().astype(int)
    assert np.abs(train[bias]).max() < 1e-12 < np.abs(evaluated[bias]).max()


def test_batch_norm_makes_the_loss_scale_invariant():
    """w·g = 0 and H w = −g for the weights of a neuron before batch norm (up to eps)."""
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2, bias=False), nn.BatchNorm1d(2, eps=1e-30), nn.Tanh())
    model = nn.Sequential(*model, nn.Linear(2, 1)).double()
    x, y = mg.randn(8, 3, dtype=f64), mg.randn(8, 1, dtype=f64)
    H = curvature.Hessian(model, F.mse_loss, (x, y), parameters=["0.weight"])
    w, g = H.flatten([model[0].weight]).reshape(2, 3), H.gradient().reshape(2, 3)
    np.testing.assert_allclose((w * g).sum(1), 0, atol=1e-12)
    for neuron in range(2):
        alone = np.zeros((2, 3))
        alone[neuron] = w[neuron]
        got = H.matvec(alone.reshape(-1)).reshape(2, 3)
        np.testing.assert_allclose(got[neuron], -g[neuron], atol=1e-12)


def test_some_parameters_by_name():
    model, x, t = network()
    whole = curvature.Hessian(model, F.cross_entropy, (x, t))
    part = curvature.Hessian(model, F.cross_entropy, (x, t), parameters=["3.weight", "3.bias"])
    assert part.names == ["3.weight", "3.bias"] and part.shape == (15, 15)
    np.testing.assert_allclose(part.dense(), whole.dense()[-15:, -15:], atol=1e-12)
    blocks = whole.blocks()
    assert list(blocks) == whole.names
    for name, block in whole.diagonal_of(whole.dense()).items():
        np.testing.assert_allclose(blocks[name], block, atol=1e-12)
    model[0].weight.requires_grad_(False)
    assert curvature.Hessian(model, F.cross_entropy, (x, t)).names == whole.names[1:]


def test_a_shared_weight_counts_once():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(2, 2, bias=False)
            self.b = nn.Linear(2, 2, bias=False)
            self.b.weight = self.a.weight

        def forward(self, x):
            return self.b(self.a(x))

    model, x = Twice().double(), mg.randn(3, 2, dtype=f64)
    H = curvature.Hessian(model, lambda z, t: (z - t).square().sum(), (x, mg.zeros(3, 2).double()))
    w = model.a.weight.detach()
    want = curvature.Hessian.of(lambda w: (x @ w.T @ w.T).square().sum(), w)
    np.testing.assert_allclose(H.dense(), want.dense(), atol=1e-10)


def test_double_precision_of_a_single_precision_model():
    model, x, t = network()
    exact = curvature.Hessian(model, F.cross_entropy, (x, t)).dense()
    model.float()
    wide = curvature.Hessian(model, F.cross_entropy, (x.float(), t), dtype=f64)
    narrow = curvature.Hessian(model, F.cross_entropy, (x.float(), t))
    assert wide.dtype == np.float64 and narrow.dtype == np.float32
    assert narrow.dense().dtype == np.float32
    np.testing.assert_allclose(wide.dense(), exact, atol=1e-6)
    np.testing.assert_allclose(narrow.dense(), exact, atol=1e-5)
    assert all(p.dtype == np.float32 for p in model.parameters())


def test_the_operator_is_a_fixed_function_of_the_point_it_was_made_at():
    model, x, t = network()
    H = curvature.Hessian(model, F.cross_entropy, (x, t))
    before = H.dense()
    with mg.no_grad():
        for p in model.parameters():
            p.mul_(2)
    np.testing.assert_array_equal(H.dense(), before)


def test_structures_of_tensors():
    tree = {"a": mg.ones(2, dtype=f64), "b": [mg.ones(1, dtype=f64), mg.ones(1, dtype=f64)]}
    H = curvature.Hessian.of(lambda p: p["a"].sum() ** 2 * p["b"][0] + p["b"][1] * 3, tree)
    assert H.names == ["a", "b.0", "b.1"]
    assert H.dense().tolist() == [
        [2.0, 2.0, 4.0, 0.0],
        [2.0, 2.0, 4.0, 0.0],
        [4.0, 4.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0],
    ]
    flat = H.flatten({"a": mg.tensor([1.0, 2.0]), "b.0": mg.tensor([3.0]), "b.1": np.array([4.0])})
    assert flat.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert {k: v.tolist() for k, v in H.unflatten(flat).items()} == {
        "a": [1.0, 2.0],
        "b.0": [3.0],
        "b.1": [4.0],
    }


def test_a_linear_or_constant_loss_has_a_zero_hessian():
    for f in (lambda w: w.sum(), lambda w: mg.ones((), dtype=f64)):
        H = curvature.Hessian.of(f, mg.ones(3, dtype=f64))
        assert not H.dense().any() and H.matvec(np.ones(3)).tolist() == [0.0] * 3


def test_bad_arguments_are_refused():
    model, x, t = network()
    loss = F.cross_entropy
    H = curvature.Hessian(model, loss, (x, t))
    n = H.shape[0]
    for wrong in (np.ones(n + 1), np.ones((n, 2)), 3.0):
        with pytest.raises(ShapeError, match="Hessian"):
            H.matvec(wrong)
    with pytest.raises(ShapeError):
        H.matmat(np.ones((n + 1, 2)))
    with pytest.raises(ValueError, match="limit"):
        H.dense(limit=5)
    with pytest.raises(ValueError, match="limit"):
        H.blocks(limit=2)
    with pytest.raises(ShapeError, match="single element"):
        curvature.Hessian(model, lambda z, t: z, (x, t)).loss()
    with pytest.raises(ValueError, match="no batches"):
        curvature.Hessian(model, loss, [])
    with pytest.raises(TypeError, match="pair"):
        curvature.Hessian(model, loss, [x])
    with pytest.raises(ValueError, match="nonsense"):
        curvature.Hessian(model, loss, (x, t), parameters=["nonsense"])
    with pytest.raises(ValueError, match="batch_norm"):
        curvature.Hessian(model, loss, (x, t), batch_norm="both")
    with pytest.raises(ValueError, match="reduction"):
        curvature.Hessian(model, loss, (x, t), reduction="none")
    with pytest.raises(ValueError, match="no parameters"):
        curvature.Hessian(nn.Tanh(), loss, (x, t))
    with pytest.raises(TypeError, match="int64"):
        curvature.Hessian.of(lambda w: w.sum(), mg.tensor([1, 2]))
